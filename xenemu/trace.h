/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM xenemu

#if !defined(XENEMU_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define XENEMU_TRACE_H

#include <linux/tracepoint.h>

#include "domain.h"
#include "hypercall.h"
#include "vcpu.h"

/*
 * Domain and vCPU come first in every event, so that one filter fits all.
 * Nothing here prints what a guest wrote but as a number.
 */

TRACE_EVENT(xenemu_hypercall_enter,
	TP_PROTO(const struct xenemu_hcall *hc, const char *name),
	TP_ARGS(hc, name),
	TP_STRUCT__entry(
		__field(u16, domid)
		__field(u32, vcpu)
		__field(u64, nr)
		__field(bool, longmode)
		__field(bool, again)
		__array(u64, args, 6)
		__string(name, name)
	),
	TP_fast_assign(
		__entry->domid = hc->vcpu->domain->domid;
		__entry->vcpu = hc->vcpu->id;
		__entry->nr = hc->nr;
		__entry->longmode = hc->longmode;
		__entry->again = hc->answered || hc->done;
		memcpy(__entry->args, hc->args, sizeof(__entry->args));
		__assign_str(name);
	),
	TP_printk("dom=%u vcpu=%u nr=%llu name=%s bits=%u again=%u args=0x%llx,0x%llx,0x%llx,0x%llx,0x%llx,0x%llx",
		  __entry->domid, __entry->vcpu, __entry->nr, __get_str(name),
		  __entry->longmode ? 64 : 32, __entry->again,
		  __entry->args[0], __entry->args[1], __entry->args[2],
		  __entry->args[3], __entry->args[4], __entry->args[5])
);

TRACE_EVENT(xenemu_hypercall_exit,
	TP_PROTO(const struct xenemu_hcall *hc, const char *name, s64 result),
	TP_ARGS(hc, name, result),
	TP_STRUCT__entry(
		__field(u16, domid)
		__field(u32, vcpu)
		__field(u64, nr)
		__field(u8, outcome)
		__field(s64, result)
		__string(name, name)
	),
	TP_fast_assign(
		__entry->domid = hc->vcpu->domain->domid;
		__entry->vcpu = hc->vcpu->id;
		__entry->nr = hc->nr;
		__entry->outcome = result == XENEMU_HCALL_EXIT ? 1 :
				   result == XENEMU_HCALL_INTR ? 2 : 0;
		__entry->result = __entry->outcome ? 0 : result;
		__assign_str(name);
	),
	TP_printk("dom=%u vcpu=%u nr=%llu name=%s outcome=%s result=%lld",
		  __entry->domid, __entry->vcpu, __entry->nr, __get_str(name),
		  __print_symbolic(__entry->outcome, { 0, "done" }, { 1, "to_vmm" },
				   { 2, "interrupted" }),
		  __entry->result)
);

TRACE_EVENT(xenemu_hypercall_unknown,
	TP_PROTO(const struct xenemu_hcall *hc),
	TP_ARGS(hc),
	TP_STRUCT__entry(
		__field(u16, domid)
		__field(u32, vcpu)
		__field(u64, nr)
		__array(u64, args, 3)
	),
	TP_fast_assign(
		__entry->domid = hc->vcpu->domain->domid;
		__entry->vcpu = hc->vcpu->id;
		__entry->nr = hc->nr;
		memcpy(__entry->args, hc->args, sizeof(__entry->args));
	),
	TP_printk("dom=%u vcpu=%u nr=%llu args=0x%llx,0x%llx,0x%llx",
		  __entry->domid, __entry->vcpu, __entry->nr,
		  __entry->args[0], __entry->args[1], __entry->args[2])
);

/* An event leaves a port of @domid, whoever sent it. */
TRACE_EVENT(xenemu_evtchn_send,
	TP_PROTO(u16 domid, u32 port, u16 to_domid, u32 to_port),
	TP_ARGS(domid, port, to_domid, to_port),
	TP_STRUCT__entry(
		__field(u16, domid)
		__field(u32, port)
		__field(u16, to_domid)
		__field(u32, to_port)
	),
	TP_fast_assign(
		__entry->domid = domid;
		__entry->port = port;
		__entry->to_domid = to_domid;
		__entry->to_port = to_port;
	),
	TP_printk("dom=%u port=%u to_dom=%u to_port=%u",
		  __entry->domid, __entry->port, __entry->to_domid, __entry->to_port)
);

/*
 * An event reaches a guest: its port became pending, or was so already. @upcall
 * says whether a vCPU was told.
 */
TRACE_EVENT(xenemu_evtchn_deliver,
	TP_PROTO(u16 domid, u32 vcpu, u32 port, bool upcall),
	TP_ARGS(domid, vcpu, port, upcall),
	TP_STRUCT__entry(
		__field(u16, domid)
		__field(u32, vcpu)
		__field(u32, port)
		__field(bool, upcall)
	),
	TP_fast_assign(
		__entry->domid = domid;
		__entry->vcpu = vcpu;
		__entry->port = port;
		__entry->upcall = upcall;
	),
	TP_printk("dom=%u vcpu=%u port=%u upcall=%u",
		  __entry->domid, __entry->vcpu, __entry->port, __entry->upcall)
);

/* @to_domid uses grant @ref of @domid: maps it or copies; or may not: GNTST_*. */
TRACE_EVENT(xenemu_gnttab_pin,
	TP_PROTO(u16 domid, u32 ref, u16 to_domid, bool write, s32 status),
	TP_ARGS(domid, ref, to_domid, write, status),
	TP_STRUCT__entry(
		__field(u16, domid)
		__field(u32, ref)
		__field(u16, to_domid)
		__field(bool, write)
		__field(s32, status)
	),
	TP_fast_assign(
		__entry->domid = domid;
		__entry->ref = ref;
		__entry->to_domid = to_domid;
		__entry->write = write;
		__entry->status = status;
	),
	TP_printk("dom=%u ref=%u to_dom=%u write=%u status=%d",
		  __entry->domid, __entry->ref, __entry->to_domid, __entry->write,
		  __entry->status)
);

TRACE_EVENT(xenemu_gnttab_unpin,
	TP_PROTO(u16 domid, u32 ref, bool write),
	TP_ARGS(domid, ref, write),
	TP_STRUCT__entry(
		__field(u16, domid)
		__field(u32, ref)
		__field(bool, write)
	),
	TP_fast_assign(
		__entry->domid = domid;
		__entry->ref = ref;
		__entry->write = write;
	),
	TP_printk("dom=%u ref=%u write=%u", __entry->domid, __entry->ref, __entry->write)
);

/* A client that acts as @domid asks the XenStore: @type is XS_*. */
TRACE_EVENT(xenemu_store_request,
	TP_PROTO(u16 domid, u32 type, u32 tx_id, u32 len),
	TP_ARGS(domid, type, tx_id, len),
	TP_STRUCT__entry(
		__field(u16, domid)
		__field(u32, type)
		__field(u32, tx_id)
		__field(u32, len)
	),
	TP_fast_assign(
		__entry->domid = domid;
		__entry->type = type;
		__entry->tx_id = tx_id;
		__entry->len = len;
	),
	TP_printk("dom=%u type=%u tx=%u len=%u",
		  __entry->domid, __entry->type, __entry->tx_id, __entry->len)
);

#endif /* XENEMU_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
