// SPDX-License-Identifier: GPL-2.0-only
/*
 * HYPERVISOR_vcpu_op: the areas that a vCPU shares with Xen, and its timers.
 *
 * Most operations may name another vCPU than the caller's. What KVM must know
 * of that one is left for its own thread: see xenemu_vcpu_resync().
 *
 * Not here are VCPUOP_initialise, up and down: KVM starts a vCPU by INIT and
 * SIPI, as this guest does, and has it wait inside KVM_RUN until then, where
 * nobody else can set its registers. Nor is VCPUOP_is_up, for the same reason,
 * nor VCPUOP_get_runstate_info: KVM tells it of the caller only, and keeps it
 * only once an area is registered, where the guest can read it by itself.
 */
#include <linux/align.h>
#include <linux/cache.h>
#include <linux/mm.h>
#include <xen/interface/xen.h>
#include <xen/interface/vcpu.h>

#include "compat_xen.h"
#include "domain.h"
#include "hypercall.h"
#include "kvm.h"
#include "timer.h"
#include "vcpu.h"

static bool vcpu_exists(struct xenemu_domain *domain, u32 id)
{
	bool exists;

	rcu_read_lock();
	exists = xenemu_domain_vcpu(domain, id);
	rcu_read_unlock();
	return exists;
}

static bool is_registered(struct xenemu_domain *domain, u32 id)
{
	struct xenemu_vcpu *vcpu;
	bool registered;

	mutex_lock(&domain->lock);
	vcpu = xenemu_domain_vcpu(domain, id);
	registered = vcpu && vcpu->info_registered;
	mutex_unlock(&domain->lock);
	return registered;
}

/*
 * A 64-bit guest's vcpu_info is aligned to 8, so that its evtchn_pending_sel is.
 * A 32-bit guest's may be aligned to 4 and have that word at 4; but it may become
 * a 64-bit guest, with a word of 8 bytes at 8 that is changed by locked
 * instructions, which must not cross cache lines.
 */
static bool is_aligned(const struct xenemu_hcall *hc, u32 offset)
{
	u32 sel = offset + offsetof(struct vcpu_info, evtchn_pending_sel);

	if (hc->longmode)
		return IS_ALIGNED(offset, sizeof(u64));
	return IS_ALIGNED(offset, sizeof(u32)) &&
	       sel % SMP_CACHE_BYTES <= SMP_CACHE_BYTES - sizeof(u64);
}

static s64 register_vcpu_info(struct xenemu_hcall *hc, u32 id, u64 gva)
{
	struct xenemu_domain *domain = hc->vcpu->domain;
	struct vcpu_register_vcpu_info info;
	int ret;

	if (xenemu_hcall_read(hc, gva, &info, sizeof(info)))
		return -EFAULT;
	if (info.offset >= PAGE_SIZE)
		return -EINVAL;
	if (is_registered(domain, id))
		return -EBUSY;
	if (info.offset > PAGE_SIZE - sizeof(struct vcpu_info) ||
	    !is_aligned(hc, info.offset))
		return -ENXIO;

	ret = xenemu_domain_map_vcpu_info(hc->vcpu, id, info.mfn, info.offset);
	/* No RAM there. Unlike shared_info's, this page is always the guest's own. */
	return ret == -ENOENT || ret == -EFAULT ? -EINVAL : ret;
}

/*
 * The address that a register_*_memory_area structure holds, in either layout
 * at its start. Xen looks it up in the page tables whenever it writes there.
 * We do so once, like every KVM host: guests do not move these areas.
 */
static int read_area(struct xenemu_hcall *hc, u64 gva, u64 *area)
{
	*area = 0;
	return xenemu_hcall_read(hc, gva, area, hc->longmode ? sizeof(u64) : sizeof(u32));
}

/*
 * Where an area of @len bytes is in guest physical memory; NULL takes the area
 * away. One that crosses pages must do so in physical memory too.
 */
static int translate_area(struct xenemu_vcpu *self, u64 area, size_t len, u64 *gpa)
{
	u64 end;

	if (!area) {
		*gpa = KVM_XEN_INVALID_GPA;
		return 0;
	}
	if (xenemu_kvm_translate(self, area, gpa))
		return -EFAULT;
	if (offset_in_page(area) + len <= PAGE_SIZE)
		return 0;
	if (xenemu_kvm_translate(self, area + len - 1, &end) || end != *gpa + len - 1)
		return -EFAULT;
	return 0;
}

/* KVM takes no time info that crosses pages; no guest has one. */
static s64 register_time_area(struct xenemu_hcall *hc, u32 id, u64 gva)
{
	struct xenemu_domain *domain = hc->vcpu->domain;
	const size_t len = sizeof(struct pvclock_vcpu_time_info);
	struct xenemu_vcpu *vcpu;
	u64 area, gpa;

	if (read_area(hc, gva, &area) || offset_in_page(area) + len > PAGE_SIZE ||
	    translate_area(hc->vcpu, area, len, &gpa))
		return -EFAULT;

	mutex_lock(&domain->lock);
	vcpu = xenemu_domain_vcpu(domain, id);
	if (vcpu) {
		vcpu->time_gpa = gpa;
		xenemu_vcpu_resync(vcpu, XENEMU_SYNC_TIME);
	}
	mutex_unlock(&domain->lock);
	return vcpu ? 0 : -ENOENT;
}

static s64 register_runstate_area(struct xenemu_hcall *hc, u32 id, u64 gva)
{
	struct xenemu_domain *domain = hc->vcpu->domain;
	struct xenemu_vcpu *vcpu;
	u64 area, gpa;
	size_t len;

	len = READ_ONCE(domain->long_mode) ? sizeof(struct vcpu_runstate_info) :
					     sizeof(struct compat_vcpu_runstate_info);
	if (read_area(hc, gva, &area) || translate_area(hc->vcpu, area, len, &gpa))
		return -EFAULT;

	mutex_lock(&domain->lock);
	vcpu = xenemu_domain_vcpu(domain, id);
	if (vcpu) {
		vcpu->runstate_gpa = gpa;
		xenemu_vcpu_resync(vcpu, XENEMU_SYNC_RUNSTATE);
	}
	mutex_unlock(&domain->lock);
	return vcpu ? 0 : -ENOENT;
}

static s64 set_periodic_timer(struct xenemu_hcall *hc, u32 id, u64 gva)
{
	struct vcpu_set_periodic_timer set;

	if (xenemu_hcall_read(hc, gva, &set, sizeof(set)))
		return -EFAULT;
	/* 0 is too short for this operation; it is what stopping looks like inside. */
	if (!set.period_ns)
		return -EINVAL;
	return xenemu_timer_set_periodic(hc->vcpu->domain, id, set.period_ns);
}

static s64 set_singleshot_timer(struct xenemu_hcall *hc, u32 id, u64 gva)
{
	struct compat_vcpu_set_singleshot_timer set;
	u64 now;

	if (id != hc->vcpu->id)
		return -EINVAL;
	/* The 64-bit layout has padding behind this, which Xen reads and so must exist. */
	if (xenemu_hcall_read(hc, gva, &set, sizeof(set)) ||
	    (hc->longmode && xenemu_hcall_read(hc, gva + sizeof(set), &now, sizeof(u32))))
		return -EFAULT;
	if ((set.flags & VCPU_SSHOTTMR_future) &&
	    !xenemu_kvm_get_clock(hc->vcpu, &now) && set.timeout_abs_ns < now)
		return -ETIME;
	xenemu_timer_set_oneshot(hc->vcpu, set.timeout_abs_ns);
	return 0;
}

static s64 stop_singleshot_timer(struct xenemu_hcall *hc, u32 id)
{
	if (id != hc->vcpu->id)
		return -EINVAL;
	xenemu_timer_stop_oneshot(hc->vcpu);
	return 0;
}

/**
 * xenemu_vcpu_op - HYPERVISOR_vcpu_op
 * @hc: the hypercall
 *
 * Context: see xenemu_hypercall_dispatch().
 * Return: the guest's result.
 */
s64 xenemu_vcpu_op(struct xenemu_hcall *hc)
{
	struct xenemu_domain *domain = hc->vcpu->domain;
	u32 id = hc->args[1];
	u64 gva = hc->args[2];

	if (!vcpu_exists(domain, id))
		return -ENOENT;

	switch ((u32)hc->args[0]) {
	case VCPUOP_register_vcpu_info:
		return register_vcpu_info(hc, id, gva);
	case VCPUOP_register_vcpu_time_memory_area:
		return register_time_area(hc, id, gva);
	case VCPUOP_register_runstate_memory_area:
		return register_runstate_area(hc, id, gva);
	case VCPUOP_set_periodic_timer:
		return set_periodic_timer(hc, id, gva);
	case VCPUOP_stop_periodic_timer:
		return xenemu_timer_set_periodic(domain, id, 0);
	case VCPUOP_set_singleshot_timer:
		return set_singleshot_timer(hc, id, gva);
	case VCPUOP_stop_singleshot_timer:
		return stop_singleshot_timer(hc, id);
	case VCPUOP_get_physid:
		/* Only for a vCPU that Xen pinned to a CPU. */
		return -EINVAL;
	default:
		return xenemu_hcall_unknown(hc);
	}
}
