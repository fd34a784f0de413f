// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls: which function answers which, and what they all need.
 *
 * A hypercall is answered on the vCPU's own thread, in the VMM's address space,
 * with no lock held. Its arguments, and everything that they point to, may be
 * changed by other vCPUs meanwhile: each is copied once and the copy is checked.
 */
#include "hypercall.h"

#include <linux/array_size.h>
#include <linux/minmax.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <xen/interface/xen.h>

#include "access.h"
#include "compat_xen.h"
#include "domain.h"
#include "evtchn.h"
#include "gnttab.h"
#include "host.h"
#include "mem.h"
#include "trace.h"
#include "vcpu.h"

/* Frames that one XENEMU_EXIT_BACK_GFN asks for; the interface says so. */
#define BACK_MAX	512
/* Frame numbers of a guest have this many bits: XENEMU_DOMAIN_SET_MEMORY. */
#define GFN_BITS	40

/**
 * struct hypercall - a row of the table of hypercalls
 * @fn: answers it
 * @name: for tracing
 */
struct hypercall {
	s64 (*fn)(struct xenemu_hcall *hc);
	const char *name;
};

static s64 multicall(struct xenemu_hcall *hc);

/*
 * Those that Xen knows and an HVM or PVH guest cannot use, or that belong to
 * its tools, are here for their name only.
 */
static const struct hypercall hypercalls[] = {
	[__HYPERVISOR_set_trap_table]		= { xenemu_hcall_unknown, "set_trap_table" },
	[__HYPERVISOR_mmu_update]		= { xenemu_hcall_unknown, "mmu_update" },
	[__HYPERVISOR_set_gdt]			= { xenemu_hcall_unknown, "set_gdt" },
	[__HYPERVISOR_stack_switch]		= { xenemu_hcall_unknown, "stack_switch" },
	[__HYPERVISOR_set_callbacks]		= { xenemu_hcall_unknown, "set_callbacks" },
	[__HYPERVISOR_fpu_taskswitch]		= { xenemu_hcall_unknown, "fpu_taskswitch" },
	[__HYPERVISOR_sched_op_compat]		= { xenemu_hcall_unknown, "sched_op_compat" },
	[__HYPERVISOR_platform_op]		= { xenemu_hcall_unknown, "platform_op" },
	[__HYPERVISOR_memory_op]		= { xenemu_memory_op, "memory_op" },
	[__HYPERVISOR_multicall]		= { multicall, "multicall" },
	[__HYPERVISOR_set_timer_op]		= { xenemu_set_timer_op, "set_timer_op" },
	[__HYPERVISOR_event_channel_op_compat]	= { xenemu_hcall_unknown,
						    "event_channel_op_compat" },
	[__HYPERVISOR_xen_version]		= { xenemu_version_op, "xen_version" },
	[__HYPERVISOR_console_io]		= { xenemu_console_io, "console_io" },
	[__HYPERVISOR_physdev_op_compat]	= { xenemu_hcall_unknown, "physdev_op_compat" },
	[__HYPERVISOR_grant_table_op]		= { xenemu_grant_table_op, "grant_table_op" },
	[__HYPERVISOR_vm_assist]		= { xenemu_vm_assist, "vm_assist" },
	[__HYPERVISOR_vcpu_op]			= { xenemu_vcpu_op, "vcpu_op" },
	[__HYPERVISOR_mmuext_op]		= { xenemu_hcall_unknown, "mmuext_op" },
	[__HYPERVISOR_xsm_op]			= { xenemu_hcall_unknown, "xsm_op" },
	[__HYPERVISOR_nmi_op]			= { xenemu_hcall_unknown, "nmi_op" },
	[__HYPERVISOR_sched_op]			= { xenemu_sched_op, "sched_op" },
	[__HYPERVISOR_callback_op]		= { xenemu_hcall_unknown, "callback_op" },
	[__HYPERVISOR_xenoprof_op]		= { xenemu_hcall_unknown, "xenoprof_op" },
	[__HYPERVISOR_event_channel_op]		= { xenemu_event_channel_op, "event_channel_op" },
	[__HYPERVISOR_physdev_op]		= { xenemu_hcall_unknown, "physdev_op" },
	[__HYPERVISOR_hvm_op]			= { xenemu_hvm_op, "hvm_op" },
	[__HYPERVISOR_sysctl]			= { xenemu_hcall_unknown, "sysctl" },
	[__HYPERVISOR_domctl]			= { xenemu_hcall_unknown, "domctl" },
	[__HYPERVISOR_kexec_op]			= { xenemu_hcall_unknown, "kexec_op" },
	[__HYPERVISOR_xenpmu_op]		= { xenemu_hcall_unknown, "xenpmu_op" },
	[__HYPERVISOR_dm_op]			= { xenemu_hcall_unknown, "dm_op" },
};

static const struct hypercall unknown = { xenemu_hcall_unknown, "unknown" };

static const struct hypercall *find(u64 nr)
{
	if (nr >= ARRAY_SIZE(hypercalls))
		return &unknown;
	nr = array_index_nospec(nr, ARRAY_SIZE(hypercalls));
	return hypercalls[nr].fn ? &hypercalls[nr] : &unknown;
}

/**
 * xenemu_hypercall_dispatch - answer a hypercall, or go on with it
 * @hc: the hypercall
 *
 * Context: the vCPU's thread, in the VMM's address space, in the read side of
 * the domain's srcu and with no other lock but vcpu->lock; may sleep.
 * Return: the guest's result, XENEMU_HCALL_EXIT or XENEMU_HCALL_INTR.
 */
s64 xenemu_hypercall_dispatch(struct xenemu_hcall *hc)
{
	const struct hypercall *call = find(hc->nr);
	s64 result;

	trace_xenemu_hypercall_enter(hc, call->name);
	result = hc->cancelled ? 0 : call->fn(hc);
	trace_xenemu_hypercall_exit(hc, call->name, result);
	return result;
}

/**
 * xenemu_hcall_unknown - answer what is not known
 * @hc: a hypercall with an unknown number or operation
 *
 * Return: -ENOSYS.
 */
s64 xenemu_hcall_unknown(struct xenemu_hcall *hc)
{
	trace_xenemu_hypercall_unknown(hc);
	return -ENOSYS;
}

/* A 32-bit guest has no addresses past 4 GiB, and nobody's wrap around. */
static bool is_in_range(const struct xenemu_hcall *hc, u64 gva, size_t len)
{
	u64 end;

	if (check_add_overflow(gva, len, &end))
		return false;
	return hc->longmode || end <= BIT_ULL(32);
}

/**
 * xenemu_hcall_read - copy from the guest
 * @hc: the hypercall
 * @gva: guest virtual address; any value
 * @dst: destination
 * @len: bytes
 *
 * Return: 0 or -EFAULT.
 */
int xenemu_hcall_read(struct xenemu_hcall *hc, u64 gva, void *dst, size_t len)
{
	if (!is_in_range(hc, gva, len))
		return -EFAULT;
	return xenemu_access_read(hc->vcpu, gva, dst, len);
}

/**
 * xenemu_hcall_write - copy to the guest
 * @hc: the hypercall
 * @gva: guest virtual address; any value
 * @src: source
 * @len: bytes
 *
 * Return: 0 or -EFAULT; then some of it may have been written.
 */
int xenemu_hcall_write(struct xenemu_hcall *hc, u64 gva, const void *src, size_t len)
{
	if (!is_in_range(hc, gva, len))
		return -EFAULT;
	return xenemu_access_write(hc->vcpu, gva, src, len);
}

/* Where element @i of an array is; the array must not wrap around. */
static int locate(u64 gva, u64 i, size_t elem, u64 *where)
{
	if (check_mul_overflow(i, (u64)elem, &i) || check_add_overflow(gva, i, where))
		return -EFAULT;
	return 0;
}

/**
 * xenemu_hcall_read_at - copy an element of an array from the guest
 * @hc: the hypercall
 * @gva: guest virtual address of the array; any value
 * @i: index; any value
 * @dst: destination
 * @elem: bytes of an element
 *
 * Return: 0 or -EFAULT.
 */
int xenemu_hcall_read_at(struct xenemu_hcall *hc, u64 gva, u64 i, void *dst, size_t elem)
{
	u64 where;

	return locate(gva, i, elem, &where) ?: xenemu_hcall_read(hc, where, dst, elem);
}

/**
 * xenemu_hcall_write_at - copy an element of an array to the guest
 * @hc: the hypercall
 * @gva: guest virtual address of the array; any value
 * @i: index; any value
 * @src: source
 * @elem: bytes of an element
 *
 * Return: 0 or -EFAULT.
 */
int xenemu_hcall_write_at(struct xenemu_hcall *hc, u64 gva, u64 i, const void *src,
			  size_t elem)
{
	u64 where;

	return locate(gva, i, elem, &where) ?: xenemu_hcall_write(hc, where, src, elem);
}

/**
 * xenemu_hcall_read_long - copy an unsigned long of an array from the guest
 * @hc: the hypercall, whose caller's longs have 8 or 4 bytes
 * @gva: guest virtual address of the array; any value
 * @i: index; any value
 * @value: gets the element
 *
 * Return: 0 or -EFAULT.
 */
int xenemu_hcall_read_long(struct xenemu_hcall *hc, u64 gva, u64 i, u64 *value)
{
	u32 compat;
	int ret;

	if (hc->longmode)
		return xenemu_hcall_read_at(hc, gva, i, value, sizeof(*value));

	ret = xenemu_hcall_read_at(hc, gva, i, &compat, sizeof(compat));
	if (!ret)
		*value = compat;
	return ret;
}

/**
 * xenemu_hcall_check_domid - may the guest name this domain?
 * @hc: the hypercall, which Xen lets an unprivileged caller make for itself only
 * @domid: a domain; any value
 *
 * Return: 0 for the caller's own, -EPERM for another, -ESRCH for none.
 */
int xenemu_hcall_check_domid(struct xenemu_hcall *hc, u32 domid)
{
	struct xenemu_domain *self = hc->vcpu->domain;
	struct xenemu_domain *other;

	if (domid == DOMID_SELF || domid == self->domid)
		return 0;
	other = xenemu_host_get_domain(self->host, domid);
	if (!other)
		return -ESRCH;
	xenemu_domain_put(other);
	return -EPERM;
}

/**
 * xenemu_hcall_preempt - let others run
 *
 * To be called in each turn but the first of a loop whose length the guest says:
 * something must be done each time, or a signal that keeps coming stops the guest.
 *
 * Return: true when the handler is to save its progress and to return
 * XENEMU_HCALL_INTR.
 */
bool xenemu_hcall_preempt(void)
{
	cond_resched();
	return signal_pending(current);
}

/* First frame from @gfn on that has no RAM, or @end. */
static int find_hole(struct xenemu_domain *domain, u64 gfn, u64 end, u64 *hole)
{
	unsigned long uaddr;
	int ret;

	for (; gfn < end; gfn++) {
		ret = xenemu_mem_uaddr(domain, gfn, true, &uaddr);
		if (ret == -ENOENT)
			break;
		if (ret)
			return -EINVAL;
	}
	*hole = gfn;
	return 0;
}

/* How many frames from @gfn on, which has none, have no RAM. */
static u64 hole_size(struct xenemu_domain *domain, u64 gfn, u64 end)
{
	unsigned long uaddr;
	u64 nr = 1;

	while (gfn + nr < end &&
	       xenemu_mem_uaddr(domain, gfn + nr, true, &uaddr) == -ENOENT)
		nr++;
	return nr;
}

/**
 * xenemu_hcall_back - make sure that frames have RAM
 * @hc: the hypercall
 * @gfn: the first frame; any value
 * @nr: number of frames
 *
 * Asks the VMM for RAM, in more than one exit if need be. The handler calls
 * this again each time, until it returns something else than XENEMU_HCALL_EXIT.
 *
 * Return: 0, XENEMU_HCALL_EXIT, or an errno for the guest: what the VMM
 * answered, -ENOMEM if it answered that it had done so and has not, -EINVAL for
 * numbers past what a guest can have, and for memory that is read-only.
 */
s64 xenemu_hcall_back(struct xenemu_hcall *hc, u64 gfn, u64 nr)
{
	struct xenemu_domain *domain = hc->vcpu->domain;
	bool answered = hc->answered;
	struct xenemu_vcpu_run *run;
	u64 hole;
	int ret;

	hc->answered = false;
	if (nr > BACK_MAX || gfn > BIT_ULL(GFN_BITS) - nr)
		return -EINVAL;
	ret = find_hole(domain, gfn, gfn + nr, &hole);
	if (ret || hole == gfn + nr)
		return ret;

	if (answered) {
		if (hc->answer < 0)
			return hc->answer;
		/* It said yes and did nothing. Elsewhere it may have done more. */
		if (hole == hc->asked)
			return -ENOMEM;
	}
	hc->asked = hole;
	run = xenemu_vcpu_exit(hc->vcpu, XENEMU_EXIT_BACK_GFN);
	run->back.gfn = hole;
	run->back.nr = hole_size(domain, hole, gfn + nr);
	return XENEMU_HCALL_EXIT;
}

/* Read element @i of a multicall into hc->call. */
static int read_element(struct xenemu_hcall *hc, u64 i)
{
	struct compat_multicall_entry compat;
	struct multicall_entry entry;
	int ret, n;

	if (hc->longmode) {
		ret = xenemu_hcall_read_at(hc, hc->args[0], i, &entry, sizeof(entry));
		if (ret)
			return ret;
		hc->call.nr = entry.op;
		for (n = 0; n < ARRAY_SIZE(entry.args); n++)
			hc->call.args[n] = entry.args[n];
	} else {
		ret = xenemu_hcall_read_at(hc, hc->args[0], i, &compat, sizeof(compat));
		if (ret)
			return ret;
		hc->call.nr = compat.op;
		for (n = 0; n < ARRAY_SIZE(compat.args); n++)
			hc->call.args[n] = compat.args[n];
	}
	hc->call.done = 0;
	hc->call.active = true;
	return 0;
}

static int write_element(struct xenemu_hcall *hc, u64 i, s64 result)
{
	u64 gva = hc->args[0];
	s32 compat = result;

	if (hc->longmode)
		return locate(gva, i, sizeof(struct multicall_entry), &gva) ?:
		       xenemu_hcall_write(hc, gva + offsetof(struct multicall_entry, result),
					  &result, sizeof(result));
	return locate(gva, i, sizeof(struct compat_multicall_entry), &gva) ?:
	       xenemu_hcall_write(hc, gva + offsetof(struct compat_multicall_entry, result),
				  &compat, sizeof(compat));
}

/*
 * The element in hc->call, in a struct of its own: no handler has to know
 * whether it was called this way. Xen does not nest multicalls either.
 */
static s64 call_element(struct xenemu_hcall *hc)
{
	struct xenemu_hcall sub = {
		.vcpu = hc->vcpu,
		.nr = hc->call.nr,
		.longmode = hc->longmode,
		.done = hc->call.done,
		.answered = hc->answered,
		.answer = hc->answer,
		.asked = hc->asked,
	};
	s64 result;

	if (sub.nr == __HYPERVISOR_multicall)
		return -EINVAL;

	memcpy(sub.args, hc->call.args, sizeof(sub.args));
	result = xenemu_hypercall_dispatch(&sub);
	hc->answered = false;
	hc->call.done = sub.done;
	hc->asked = sub.asked;
	return result;
}

static s64 multicall(struct xenemu_hcall *hc)
{
	u64 nr = hc->args[1];
	u64 first = hc->done;
	s64 result;

	for (; hc->done < nr; hc->done++) {
		if (!hc->call.active) {
			if (hc->done > first && xenemu_hcall_preempt())
				return XENEMU_HCALL_INTR;
			if (read_element(hc, hc->done))
				return -EFAULT;
		}
		result = call_element(hc);
		if (result == XENEMU_HCALL_EXIT || result == XENEMU_HCALL_INTR)
			return result;
		hc->call.active = false;
		if (write_element(hc, hc->done, result))
			return -EFAULT;
	}
	return 0;
}
