// SPDX-License-Identifier: GPL-2.0-only
#include "desc.h"

#include <string.h>
#include <sys/mman.h>
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/gntdev.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/sys/evtchn.h>

const char *const tag_name[NR_TAGS] = {
	"", "buf", "end", "readonly", "nowhere", "guest", "map", "kernel", "run", "fd",
};

#define C(name, kind, num)		{ name, CONTROL, 8, KIND_##kind, num, TAG_NUM }
#define A(name, size, kind, num)	{ name, ARG, size, KIND_##kind, num, TAG_NUM }
#define A_FD(name, num)			{ name, ARG, 4, KIND_FD, num, TAG_FD }
#define A_PTR(name, num)		{ name, ARG, 8, KIND_UADDR, num, TAG_BUF }
#define D(name, size, kind, num)	{ name, DATA, size, KIND_##kind, num, TAG_NUM }
#define D_PTR(name, num)		{ name, DATA, 8, KIND_UADDR, num, TAG_BUF }
#define FIELDS(...)			((const struct field[]){ __VA_ARGS__, {} })

/* The argument is in memory of its own; what it points to is in the buffer. */
#define IOCTL_FIELDS(...)						\
	FIELDS(C("fd", SLOT, 0),					\
	       { "at", CONTROL, 8, KIND_UADDR, WORLD_BUF_ARG, TAG_BUF },	\
	       C("to", SLOT, 3), __VA_ARGS__)

#define IOCTL(name_, target_, cmd_, makes_, tail_, ...)			\
	{ .name = name_, .action = ACTION_IOCTL, .target = WORLD_##target_,	\
	  .makes = makes_, .cmd = cmd_, .cmd_name = #cmd_, .tail = tail_,	\
	  .fields = IOCTL_FIELDS(__VA_ARGS__) }

/* One of xenemu's: size and flags come first, and bytes that no kernel knows last. */
#define XIOCTL(name_, target_, cmd_, struct_, makes_, tail_, ...)		\
	IOCTL(name_, target_, cmd_, makes_, tail_,				\
	      A("size", 4, SIZE, sizeof(struct struct_)),			\
	      A("flags", 4, FLAGS, 0), ##__VA_ARGS__, A("more", 8, ZERO, 0))

#define HCALL(name_, nr_, tail_, a, b, c, ...)				\
	{ .name = name_, .action = ACTION_HCALL, .target = WORLD_VCPU, .makes = -1,	\
	  .cmd = nr_, .cmd_name = #nr_, .tail = tail_,				\
	  .fields = FIELDS(C("vcpu", SLOT, 0), C("via", CHOICE, 0), C("bits", BITS, 64),	\
			   C("answer", ANSWER, 0), a, b, c, ##__VA_ARGS__) }

/* Most: an operation and a pointer to its structure. */
#define HCALL_OP(name, nr, op, tail, ...)					\
	HCALL(name, nr, tail, C("op", OP, op), C("arg", GVA, GUEST_DATA),	\
	      C("c", COUNT, 1), ##__VA_ARGS__)
#define EVTCHN(name, op, ...)							\
	HCALL_OP("evtchn." name, __HYPERVISOR_event_channel_op, op, TAIL_WORDS, ##__VA_ARGS__)
#define MEMORY(name, op, ...)							\
	HCALL_OP("memory." name, __HYPERVISOR_memory_op, op, TAIL_WORDS, ##__VA_ARGS__)
#define GNTTAB(name, op, ...)							\
	HCALL_OP("gnttab." name, __HYPERVISOR_grant_table_op, op, TAIL_WORDS, ##__VA_ARGS__)
#define HVM(name, op, ...)							\
	HCALL_OP("hvm." name, __HYPERVISOR_hvm_op, op, TAIL_NONE, ##__VA_ARGS__)
#define SCHED(name, op, ...)							\
	HCALL_OP("sched." name, __HYPERVISOR_sched_op, op, TAIL_WORDS, ##__VA_ARGS__)
#define VCPUOP(name, op, ...)							\
	HCALL("vcpu." name, __HYPERVISOR_vcpu_op, TAIL_NONE, C("op", OP, op),	\
	      C("id", VCPU, 0), C("arg", GVA, GUEST_DATA), ##__VA_ARGS__)

#define OTHER(name_, action_, target_, tail_, ...)				\
	{ .name = name_, .action = ACTION_##action_, .target = WORLD_##target_,	\
	  .makes = -1, .tail = tail_, .fields = FIELDS(__VA_ARGS__) }
#define CLOSE(name, target)	OTHER(name ".close", CLOSE, target, TAIL_NONE, C("fd", SLOT, 3))
#define READ(name, target, len)							\
	OTHER(name ".read", READ, target, TAIL_NONE, C("fd", SLOT, 0),		\
	      { "at", CONTROL, 8, KIND_UADDR, 0, TAG_BUF }, C("len", LEN, len))
#define ARRAY_GVA	(GUEST_DATA + WORLD_ARRAY)

const struct desc descs[] = {
	/* The host */
	{ .name = "host.open", .action = ACTION_OPEN, .target = WORLD_HOST,
	  .makes = WORLD_HOST, .fields = FIELDS(C("to", SLOT, 3)) },
	CLOSE("host", HOST),
	XIOCTL("host.query", HOST, XENEMU_QUERY, xenemu_query, -1, TAIL_NONE),
	XIOCTL("host.create_domain", HOST, XENEMU_HOST_CREATE_DOMAIN,
	       xenemu_host_create_domain, WORLD_DOMAIN, TAIL_NONE,
	       A_FD("kvm_fd", WORLD_ARG_SPARE_VM), A("domid", 4, DOMID, 3),
	       A("hypercall_msr", 4, NUM, 0), A("xen_version", 4, NUM, 0),
	       A("max_grant_frames", 4, COUNT, 0), A("max_evtchn_port", 4, PORT, 0),
	       A("max_pages", 8, COUNT, 0), A("handle0", 8, NUM, 0), A("handle1", 8, NUM, 0)),
	XIOCTL("host.open_store", HOST, XENEMU_HOST_OPEN_STORE, xenemu_host_open, WORLD_STORE,
	       TAIL_NONE, A("domid", 4, DOMID, 0), A("connection", 4, COUNT, 0)),
	/* What was saved can be restored: they use the same memory. */
	XIOCTL("host.save_store", HOST, XENEMU_HOST_SAVE_STORE, xenemu_host_save_store, -1,
	       TAIL_NONE, A("format", 4, CHOICE, 0), A("reserved", 4, ZERO, 0),
	       A("since", 8, COUNT, 0), A_PTR("buf", PAGE), A("len", 8, LEN, PAGE),
	       A("generation", 8, NUM, 0)),
	XIOCTL("host.restore_store", HOST, XENEMU_HOST_RESTORE_STORE,
	       xenemu_host_restore_store, -1, TAIL_BYTES, A_PTR("buf", PAGE),
	       A("len", 8, LEN, 1024), A("reason", 4, NUM, 0), A("type", 4, NUM, 0),
	       A("record", 8, NUM, 0), A("offset", 8, NUM, 0)),
	XIOCTL("host.pause_store", HOST, XENEMU_HOST_PAUSE_STORE, xenemu_host_pause_store, -1,
	       TAIL_NONE, A("paused", 4, CHOICE, 1), A("reserved", 4, ZERO, 0)),
	XIOCTL("host.open_evtchn", HOST, XENEMU_HOST_OPEN_EVTCHN, xenemu_host_open,
	       WORLD_EVTCHN, TAIL_NONE, A("domid", 4, DOMID, 0), A("reserved", 4, ZERO, 0)),
	XIOCTL("host.open_gnttab", HOST, XENEMU_HOST_OPEN_GNTTAB, xenemu_host_open,
	       WORLD_GNTTAB, TAIL_NONE, A("domid", 4, DOMID, 0), A("reserved", 4, ZERO, 0)),

	/* Domains */
	CLOSE("domain", DOMAIN),
	XIOCTL("domain.query", DOMAIN, XENEMU_QUERY, xenemu_query, -1, TAIL_NONE),
	XIOCTL("domain.set_memory", DOMAIN, XENEMU_DOMAIN_SET_MEMORY,
	       xenemu_domain_set_memory, -1, TAIL_NONE, A("guest_addr", 8, GPA, 64 << 20),
	       A("len", 8, LEN, PAGE), A_PTR("user_addr", 0)),
	XIOCTL("domain.set_memory_map", DOMAIN, XENEMU_DOMAIN_SET_MEMORY_MAP,
	       xenemu_domain_set_memory_map, -1, TAIL_NONE, A_PTR("entries", 0),
	       A("nr_entries", 4, COUNT, 2), A("reserved", 4, ZERO, 0),
	       D("addr", 8, GPA, 0), D("elen", 8, LEN, PAGE), D("type", 4, CHOICE, 1),
	       D("ereserved", 4, ZERO, 0)),
	XIOCTL("domain.create_vcpu", DOMAIN, XENEMU_DOMAIN_CREATE_VCPU,
	       xenemu_domain_create_vcpu, WORLD_VCPU, TAIL_NONE,
	       A_FD("kvm_fd", WORLD_ARG_SPARE_VCPU), A("vcpu_id", 4, VCPU, 7),
	       A("apic_id", 4, VCPU, 7), A("reserved", 4, ZERO, 0),
	       { "kvm_run", ARG, 8, KIND_UADDR, 0, TAG_RUN }),
	XIOCTL("domain.set_param", DOMAIN, XENEMU_DOMAIN_SET_PARAM, xenemu_domain_param, -1,
	       TAIL_NONE, A("index", 4, PARAM, HVM_PARAM_STORE_PFN),
	       A("reserved", 4, ZERO, 0), A("value", 8, GFN, WORLD_RING_GFN)),
	XIOCTL("domain.get_param", DOMAIN, XENEMU_DOMAIN_GET_PARAM, xenemu_domain_param, -1,
	       TAIL_NONE, A("index", 4, PARAM, HVM_PARAM_STORE_PFN),
	       A("reserved", 4, ZERO, 0), A("value", 8, NUM, 0)),
	XIOCTL("domain.alloc_unbound", DOMAIN, XENEMU_DOMAIN_ALLOC_UNBOUND,
	       xenemu_domain_alloc_unbound, -1, TAIL_NONE, A("remote_domid", 4, DOMID, 0),
	       A("out_port", 4, PORT, 0)),
	XIOCTL("domain.seed_grant", DOMAIN, XENEMU_DOMAIN_SEED_GRANT,
	       xenemu_domain_seed_grant, -1, TAIL_NONE, A("gref", 4, GREF, 1),
	       A("domid", 4, DOMID, 0), A("gfn", 8, GFN, WORLD_DATA_GFN)),
	XIOCTL("domain.send_virq", DOMAIN, XENEMU_DOMAIN_SEND_VIRQ, xenemu_domain_send_virq,
	       -1, TAIL_NONE, A("virq", 4, VIRQ, VIRQ_DEBUG), A("vcpu_id", 4, VCPU, 0)),
	XIOCTL("domain.reset", DOMAIN, XENEMU_DOMAIN_RESET, xenemu_domain_reset, -1, TAIL_NONE),
	XIOCTL("domain.add_eventfd", DOMAIN, XENEMU_DOMAIN_ADD_EVENTFD,
	       xenemu_domain_add_eventfd, -1, TAIL_NONE, A_FD("eventfd", WORLD_ARG_EVENTFD),
	       A("reserved", 4, ZERO, 0)),

	/* vCPUs */
	CLOSE("vcpu", VCPU),
	XIOCTL("vcpu.run", VCPU, XENEMU_VCPU_RUN, xenemu_vcpu_run_arg, -1, TAIL_NONE),
	XIOCTL("vcpu.hypercall", VCPU, XENEMU_VCPU_HYPERCALL, xenemu_vcpu_hypercall, -1,
	       TAIL_NONE, A("longmode", 4, CHOICE, 1), A("cpl", 4, CHOICE, 0),
	       A("input", 8, OP, __HYPERVISOR_xen_version), A("p0", 8, NUM, 0),
	       A("p1", 8, GVA, 0), A("p2", 8, NUM, 0), A("p3", 8, NUM, 0), A("p4", 8, NUM, 0),
	       A("p5", 8, NUM, 0), A("out", 8, NUM, 0)),
	XIOCTL("vcpu.set_upcall", VCPU, XENEMU_VCPU_SET_UPCALL, xenemu_vcpu_set_upcall, -1,
	       TAIL_NONE, A_FD("eventfd", WORLD_ARG_EVENTFD), A("reserved", 4, ZERO, 0)),
	XIOCTL("vcpu.sync", VCPU, XENEMU_VCPU_SYNC, xenemu_vcpu_sync, -1, TAIL_NONE),

	/* XenStore, over an fd */
	CLOSE("store", STORE),
	READ("store", STORE, 4096),
	XIOCTL("store.request", STORE, XENEMU_STORE_REQUEST, xenemu_store_request, -1,
	       TAIL_TEXT, A("type", 4, XS, 2), A("tx_id", 4, TX, 0),
	       A_PTR("req", WORLD_ARRAY), A("req_len", 4, LEN, ~0u),
	       A("reply_len", 4, LEN, 2048), A_PTR("reply", PAGE), A("out_type", 4, NUM, 0),
	       A("reserved", 4, ZERO, 0)),
	XIOCTL("store.get_connection", STORE, XENEMU_STORE_GET_CONNECTION,
	       xenemu_store_connection, -1, TAIL_NONE, A("connection", 4, NUM, 0),
	       A("domid", 4, NUM, 0)),
	OTHER("store.write", WRITE, STORE, TAIL_TEXT, C("fd", SLOT, 0),
	      { "at", CONTROL, 8, KIND_UADDR, WORLD_ARRAY - 16, TAG_BUF },
	      C("len", LEN, ~0u), D("type", 4, XS, 2), D("req_id", 4, NUM, 0),
	      D("tx_id", 4, TX, 0), D("body_len", 4, LEN, ~0u)),

	/* Event channels, over an fd */
	CLOSE("evtchn_fd", EVTCHN),
	READ("evtchn_fd", EVTCHN, 64),
	OTHER("evtchn_fd.write", WRITE, EVTCHN, TAIL_NONE, C("fd", SLOT, 0),
	      { "at", CONTROL, 8, KIND_UADDR, 0, TAG_BUF }, C("len", LEN, 8),
	      D("port0", 4, PORT, 1), D("port1", 4, PORT, 2)),
	IOCTL("evtchn_fd.bind_virq", EVTCHN, IOCTL_EVTCHN_BIND_VIRQ, -1, TAIL_NONE,
	      A("virq", 4, VIRQ, VIRQ_DOM_EXC)),
	IOCTL("evtchn_fd.bind_interdomain", EVTCHN, IOCTL_EVTCHN_BIND_INTERDOMAIN, -1,
	      TAIL_NONE, A("domid", 4, DOMID, 1), A("port", 4, PORT, 2)),
	IOCTL("evtchn_fd.bind_unbound_port", EVTCHN, IOCTL_EVTCHN_BIND_UNBOUND_PORT, -1,
	      TAIL_NONE, A("domid", 4, DOMID, 1)),
	IOCTL("evtchn_fd.unbind", EVTCHN, IOCTL_EVTCHN_UNBIND, -1, TAIL_NONE,
	      A("port", 4, PORT, 1)),
	IOCTL("evtchn_fd.notify", EVTCHN, IOCTL_EVTCHN_NOTIFY, -1, TAIL_NONE,
	      A("port", 4, PORT, 1)),
	IOCTL("evtchn_fd.reset", EVTCHN, IOCTL_EVTCHN_RESET, -1, TAIL_NONE, A("none", 4, NUM, 0)),
	IOCTL("evtchn_fd.restrict", EVTCHN, IOCTL_EVTCHN_RESTRICT_DOMID, -1, TAIL_NONE,
	      A("domid", 2, DOMID, 0)),

	/* Grants, over an fd */
	CLOSE("gnttab_fd", GNTTAB),
	IOCTL("gnttab_fd.map", GNTTAB, IOCTL_GNTDEV_MAP_GRANT_REF, -1, TAIL_NONE,
	      A("count", 4, COUNT, 1), A("pad", 4, ZERO, 0), A("index", 8, NUM, 0),
	      A("domid0", 4, DOMID, 1), A("ref0", 4, GREF, WORLD_GREF),
	      A("domid1", 4, DOMID, 1), A("ref1", 4, GREF, WORLD_GREF + 1),
	      A("domid2", 4, DOMID, 2), A("ref2", 4, GREF, WORLD_GREF)),
	IOCTL("gnttab_fd.unmap", GNTTAB, IOCTL_GNTDEV_UNMAP_GRANT_REF, -1, TAIL_NONE,
	      A("index", 8, INDEX, 0), A("count", 4, COUNT, 1), A("pad", 4, ZERO, 0)),
	IOCTL("gnttab_fd.get_offset", GNTTAB, IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR, -1, TAIL_NONE,
	      { "vaddr", ARG, 8, KIND_UADDR, 0, TAG_MAP }, A("offset", 8, NUM, 0),
	      A("count", 4, NUM, 0), A("pad", 4, NUM, 0)),
	IOCTL("gnttab_fd.set_unmap_notify", GNTTAB, IOCTL_GNTDEV_SET_UNMAP_NOTIFY, -1,
	      TAIL_NONE, A("index", 8, INDEX, 0), A("action", 4, CHOICE, 1),
	      A("port", 4, PORT, 1)),
	IOCTL("gnttab_fd.copy", GNTTAB, IOCTL_GNTDEV_GRANT_COPY, -1, TAIL_NONE,
	      A("count", 4, COUNT, 1), A("pad", 4, ZERO, 0), A_PTR("segments", 0),
	      D("ref", 4, GREF, WORLD_GREF), D("offset", 2, LEN, 0), D("domid", 2, DOMID, 1),
	      D_PTR("virt", PAGE), D("len", 2, LEN, 64), D("cflags", 2, CHOICE, 1),
	      D("status", 2, NUM, 0), D("spad", 2, NUM, 0)),
	IOCTL("gnttab_fd.copy_to", GNTTAB, IOCTL_GNTDEV_GRANT_COPY, -1, TAIL_NONE,
	      A("count", 4, COUNT, 1), A("pad", 4, ZERO, 0), A_PTR("segments", 0),
	      D_PTR("virt", PAGE), D("ref", 4, GREF, WORLD_GREF), D("offset", 2, LEN, 0),
	      D("domid", 2, DOMID, 1), D("len", 2, LEN, 64), D("cflags", 2, CHOICE, 2),
	      D("status", 2, NUM, 0), D("spad", 2, NUM, 0)),

	/* Mappings */
	OTHER("gnttab_fd.mmap", MAP, GNTTAB, TAIL_NONE, C("slot", SLOT, 0), C("fd", SLOT, 0),
	      C("offset", INDEX, 0), C("len", LEN, PAGE), C("prot", CHOICE, 3)),
	OTHER("vcpu.mmap", MAP, VCPU, TAIL_NONE, C("slot", SLOT, 0), C("fd", SLOT, 0),
	      C("offset", INDEX, 0), C("len", LEN, PAGE), C("prot", CHOICE, 3)),
	OTHER("munmap", UNMAP, HOST, TAIL_NONE, C("slot", SLOT, 0)),
	OTHER("touch", TOUCH, HOST, TAIL_NONE, C("slot", SLOT, 0)),

	/* What a guest writes to its memory */
	OTHER("poke", POKE, HOST, TAIL_BYTES, C("vcpu", SLOT, 0), C("gpa", GPA, GUEST_DATA),
	      C("value", NUM, 0), C("size", CHOICE, 3)),
	OTHER("poke.grant", POKE, HOST, TAIL_NONE, C("vcpu", SLOT, 0),
	      C("gpa", GPA, WORLD_TABLE_GFN * PAGE + WORLD_GREF * 8),
	      C("value", GREF, (uint64_t)WORLD_DATA_GFN << 32 | GTF_permit_access),
	      C("size", CHOICE, 3)),
	OTHER("ring", RING, HOST, TAIL_TEXT, C("vcpu", SLOT, 0), C("len", LEN, ~0u),
	      D("type", 4, XS, 2), D("req_id", 4, NUM, 0), D("tx_id", 4, TX, 0),
	      D("body_len", 4, LEN, ~0u)),
	OTHER("poke.ring_index", POKE, HOST, TAIL_NONE, C("vcpu", SLOT, 0),
	      C("gpa", GPA, WORLD_RING_GFN * PAGE + 2048), C("value", LEN, 0),
	      C("size", CHOICE, 2)),

	/* What a guest asks for */
	HCALL_OP("version", __HYPERVISOR_xen_version, XENVER_version, TAIL_NONE,
		 D("idx", 4, CHOICE, 0), D("submap", 4, NUM, 0)),
	MEMORY("add_to_physmap", XENMEM_add_to_physmap, D("domid", 2, DOMID, DOMID_SELF),
	       D("size", 2, COUNT, 0), D("space", 4, CHOICE, 0), D("idx", 8, COUNT, 0),
	       D("gpfn", 8, GFN, WORLD_DATA_GFN + 8)),
	MEMORY("add_to_physmap_batch", XENMEM_add_to_physmap_batch,
	       D("domid", 2, DOMID, DOMID_SELF), D("space", 2, CHOICE, 1),
	       D("size", 2, COUNT, 2), D("extra", 2, DOMID, 0), D("idxs", 8, GVA, ARRAY_GVA),
	       D("gpfns", 8, GVA, ARRAY_GVA + 8), D("errs", 8, GVA, ARRAY_GVA + 64)),
	MEMORY("decrease_reservation", XENMEM_decrease_reservation,
	       D("extent_start", 8, GVA, ARRAY_GVA), D("nr", 8, COUNT, 1),
	       D("order", 4, CHOICE, 0), D("mem_flags", 4, FLAGS, 0),
	       D("domid", 2, DOMID, DOMID_SELF), D("pad", 6, ZERO, 0)),
	MEMORY("populate_physmap", XENMEM_populate_physmap,
	       D("extent_start", 8, GVA, ARRAY_GVA), D("nr", 8, COUNT, 1),
	       D("order", 4, CHOICE, 0), D("mem_flags", 4, FLAGS, 0),
	       D("domid", 2, DOMID, DOMID_SELF), D("pad", 6, ZERO, 0)),
	MEMORY("domain", XENMEM_current_reservation, D("domid", 2, DOMID, DOMID_SELF)),
	MEMORY("memory_map", XENMEM_memory_map, D("nr", 4, COUNT, 4), D("pad", 4, ZERO, 0),
	       D("buffer", 8, GVA, ARRAY_GVA)),

	EVTCHN("alloc_unbound", EVTCHNOP_alloc_unbound, D("dom", 2, DOMID, DOMID_SELF),
	       D("remote", 2, DOMID, 0), D("port", 4, PORT, 0)),
	EVTCHN("bind_interdomain", EVTCHNOP_bind_interdomain, D("dom", 2, DOMID, 2),
	       D("pad", 2, ZERO, 0), D("port", 4, PORT, 2), D("local", 4, PORT, 0)),
	EVTCHN("bind_virq", EVTCHNOP_bind_virq, D("virq", 4, VIRQ, VIRQ_TIMER),
	       D("vcpu", 4, VCPU, 0), D("port", 4, PORT, 0)),
	EVTCHN("bind_ipi", EVTCHNOP_bind_ipi, D("vcpu", 4, VCPU, 1), D("port", 4, PORT, 0)),
	EVTCHN("bind_vcpu", EVTCHNOP_bind_vcpu, D("port", 4, PORT, 1), D("vcpu", 4, VCPU, 1)),
	EVTCHN("close", EVTCHNOP_close, D("port", 4, PORT, 1)),
	EVTCHN("send", EVTCHNOP_send, D("port", 4, PORT, 1)),
	EVTCHN("unmask", EVTCHNOP_unmask, D("port", 4, PORT, 1)),
	EVTCHN("status", EVTCHNOP_status, D("dom", 2, DOMID, DOMID_SELF), D("pad", 2, ZERO, 0),
	       D("port", 4, PORT, 1), D("rest", 8, NUM, 0), D("rest2", 8, NUM, 0)),
	EVTCHN("reset", EVTCHNOP_reset, D("dom", 2, DOMID, DOMID_SELF)),
	EVTCHN("init_control", EVTCHNOP_init_control, D("gfn", 8, GFN, WORLD_DATA_GFN + 9),
	       D("offset", 4, LEN, 0), D("vcpu", 4, VCPU, 0), D("link_bits", 1, NUM, 0)),
	EVTCHN("expand_array", EVTCHNOP_expand_array, D("gfn", 8, GFN, WORLD_DATA_GFN + 10)),
	EVTCHN("set_priority", EVTCHNOP_set_priority, D("port", 4, PORT, 1),
	       D("priority", 4, COUNT, 7)),

	GNTTAB("setup_table", GNTTABOP_setup_table, D("dom", 2, DOMID, DOMID_SELF),
	       D("pad", 2, ZERO, 0), D("nr_frames", 4, COUNT, 2), D("status", 2, NUM, 0),
	       D("pad2", 6, ZERO, 0), D("frame_list", 8, GVA, ARRAY_GVA)),
	GNTTAB("query_size", GNTTABOP_query_size, D("dom", 2, DOMID, DOMID_SELF),
	       D("pad", 2, ZERO, 0), D("nr", 4, NUM, 0), D("max", 4, NUM, 0),
	       D("status", 4, NUM, 0)),
	GNTTAB("version", GNTTABOP_set_version, D("version", 4, CHOICE, 1)),
	GNTTAB("get_version", GNTTABOP_get_version, D("dom", 2, DOMID, DOMID_SELF),
	       D("pad", 2, ZERO, 0), D("version", 4, NUM, 0)),
	GNTTAB("swap", GNTTABOP_swap_grant_ref, D("a", 4, GREF, WORLD_GREF),
	       D("b", 4, GREF, WORLD_GREF + 1), D("status", 4, NUM, 0)),
	GNTTAB("copy", GNTTABOP_copy, D("src", 8, GREF, WORLD_GREF), D("sdom", 2, DOMID, 2),
	       D("soffset", 2, LEN, 0), D("pad", 4, ZERO, 0), D("dst", 8, GFN, WORLD_DATA_GFN),
	       D("ddom", 2, DOMID, DOMID_SELF), D("doffset", 2, LEN, 0), D("pad2", 4, ZERO, 0),
	       D("len", 2, LEN, 64), D("cflags", 2, CHOICE, 1), D("status", 4, NUM, 0)),

	HVM("set_param", HVMOP_set_param, D("domid", 2, DOMID, DOMID_SELF), D("pad", 2, ZERO, 0),
	    D("index", 4, PARAM, HVM_PARAM_CALLBACK_IRQ),
	    D("value", 8, NUM, (2ULL << 56) | GUEST_UPCALL_VECTOR)),
	HVM("get_param", HVMOP_get_param, D("domid", 2, DOMID, DOMID_SELF), D("pad", 2, ZERO, 0),
	    D("index", 4, PARAM, HVM_PARAM_CALLBACK_IRQ), D("value", 8, NUM, 0)),
	HVM("upcall_vector", HVMOP_set_evtchn_upcall_vector, D("vcpu", 4, VCPU, 1),
	    D("vector", 1, NUM, 0x40)),
	HVM("get_time", HVMOP_get_time, D("now", 8, NUM, 0)),

	SCHED("yield", SCHEDOP_yield, D("none", 4, NUM, 0)),
	SCHED("block", SCHEDOP_block, D("none", 4, NUM, 0)),
	SCHED("shutdown", SCHEDOP_shutdown, D("reason", 4, CHOICE, 2)),
	SCHED("poll", SCHEDOP_poll, D("ports", 8, GVA, ARRAY_GVA), D("nr", 4, COUNT, 1),
	      D("pad", 4, ZERO, 0), D("timeout", 8, TIME, 1)),
	SCHED("remote_shutdown", SCHEDOP_remote_shutdown, D("domid", 2, DOMID, DOMID_SELF),
	      D("pad", 2, ZERO, 0), D("reason", 4, CHOICE, 0)),

	VCPUOP("register_info", VCPUOP_register_vcpu_info, D("mfn", 8, GFN, WORLD_DATA_GFN + 11),
	       D("offset", 4, LEN, 0), D("pad", 4, ZERO, 0)),
	VCPUOP("register_runstate", VCPUOP_register_runstate_memory_area,
	       D("addr", 8, GVA, GUEST_DATA + 0x1000)),
	VCPUOP("register_time", VCPUOP_register_vcpu_time_memory_area,
	       D("addr", 8, GVA, GUEST_DATA + 0x1000)),
	VCPUOP("set_periodic", VCPUOP_set_periodic_timer, D("period", 8, TIME, 10000000)),
	VCPUOP("stop_periodic", VCPUOP_stop_periodic_timer, D("none", 4, NUM, 0)),
	VCPUOP("set_singleshot", VCPUOP_set_singleshot_timer, D("timeout", 8, TIME, 1),
	       D("sflags", 4, CHOICE, 0), D("pad", 4, ZERO, 0)),
	VCPUOP("stop_singleshot", VCPUOP_stop_singleshot_timer, D("none", 4, NUM, 0)),
	VCPUOP("is_up", VCPUOP_is_up, D("none", 4, NUM, 0)),

	HCALL("set_timer", __HYPERVISOR_set_timer_op, TAIL_NONE, C("timeout", TIME, 1),
	      C("b", NUM, 0), C("c", NUM, 0)),
	HCALL("console_io", __HYPERVISOR_console_io, TAIL_BYTES, C("op", OP, 0),
	      C("count", LEN, 16), C("arg", GVA, ARRAY_GVA)),
	HCALL("vm_assist", __HYPERVISOR_vm_assist, TAIL_NONE, C("op", OP, 0), C("type", COUNT, 5),
	      C("c", NUM, 0)),
	HCALL("multicall", __HYPERVISOR_multicall, TAIL_WORDS, C("list", GVA, GUEST_DATA),
	      C("count", COUNT, 2), C("c", NUM, 0), D("op", 8, OP, __HYPERVISOR_xen_version),
	      D("result", 8, NUM, 0), D("a0", 8, OP, 0), D("a1", 8, GVA, ARRAY_GVA),
	      D("a2", 8, COUNT, 1), D("a3", 8, NUM, 0), D("a4", 8, NUM, 0), D("a5", 8, NUM, 0)),
};

const unsigned int nr_descs = sizeof(descs) / sizeof(descs[0]);

unsigned int desc_nr_fields(const struct desc *desc)
{
	unsigned int nr = 0;

	while (desc->fields[nr].name)
		nr++;
	return nr;
}

const struct desc *desc_find(const char *name, size_t len)
{
	unsigned int i;

	for (i = 0; i < nr_descs; i++)
		if (strlen(descs[i].name) == len && !memcmp(descs[i].name, name, len))
			return &descs[i];
	return NULL;
}
