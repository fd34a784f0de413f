// SPDX-License-Identifier: GPL-2.0-only
/*
 * The timers of a vCPU that raise VIRQ_TIMER.
 *
 * The one-shot timer is KVM's, which answers its hypercalls by itself once
 * VIRQ_TIMER is bound. Here come those made before that, which are kept until
 * it is bound, and those made in a multicall. The periodic timer is ours. Linux
 * stops it when it boots and uses the one-shot timer only.
 */
#include "timer.h"

#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/minmax.h>

#include "domain.h"
#include "evtchn.h"
#include "hypercall.h"
#include "kvm.h"
#include "vcpu.h"

/* Xen's own limits. The lower keeps a guest from living off our CPU's interrupts. */
#define PERIOD_MIN	NSEC_PER_MSEC
#define PERIOD_MAX	(U64_MAX >> 2)

static enum hrtimer_restart expire(struct hrtimer *hrtimer)
{
	struct xenemu_timer *timer = container_of(hrtimer, struct xenemu_timer, hrtimer);
	struct xenemu_vcpu *vcpu = container_of(timer, struct xenemu_vcpu, timer);

	xenemu_evtchn_send_timer(vcpu);
	hrtimer_forward_now(hrtimer, ns_to_ktime(timer->period_ns));
	return HRTIMER_RESTART;
}

/**
 * xenemu_timer_init - a vCPU's timer, which does not run
 * @vcpu: the vCPU
 */
void xenemu_timer_init(struct xenemu_vcpu *vcpu)
{
	hrtimer_setup(&vcpu->timer.hrtimer, expire, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
}

/**
 * xenemu_timer_stop - stop the periodic timer
 * @vcpu: the vCPU
 *
 * Context: process context, with the domain's lock held.
 */
void xenemu_timer_stop(struct xenemu_vcpu *vcpu)
{
	lockdep_assert_held(&vcpu->domain->lock);

	hrtimer_cancel(&vcpu->timer.hrtimer);
	vcpu->timer.period_ns = 0;
}

/**
 * xenemu_timer_destroy - the vCPU is about to be freed
 * @vcpu: the vCPU, which nobody can find any more
 */
void xenemu_timer_destroy(struct xenemu_vcpu *vcpu)
{
	hrtimer_cancel(&vcpu->timer.hrtimer);
}

/**
 * xenemu_timer_set_periodic - VCPUOP_set_periodic_timer and its end
 * @domain: the domain
 * @vcpu_id: number of the vCPU
 * @period_ns: the period; 0 stops the timer
 *
 * Context: process context, takes the domain's lock.
 * Return: 0, -ENOENT, or -EINVAL for a period out of Xen's limits.
 */
int xenemu_timer_set_periodic(struct xenemu_domain *domain, u32 vcpu_id, u64 period_ns)
{
	struct xenemu_vcpu *vcpu;
	int ret = -ENOENT;

	if (period_ns && (period_ns < PERIOD_MIN || period_ns > PERIOD_MAX))
		return -EINVAL;

	mutex_lock(&domain->lock);
	vcpu = xenemu_domain_vcpu(domain, vcpu_id);
	if (vcpu) {
		ret = 0;
		xenemu_timer_stop(vcpu);
		vcpu->timer.period_ns = period_ns;
		if (period_ns)
			hrtimer_start(&vcpu->timer.hrtimer, ns_to_ktime(period_ns),
				      HRTIMER_MODE_REL_SOFT);
	}
	mutex_unlock(&domain->lock);
	return ret;
}

static void set_oneshot(struct xenemu_vcpu *self, u64 timer_ns)
{
	struct xenemu_domain *domain = self->domain;

	mutex_lock(&domain->lock);
	self->timer_ns = timer_ns;
	xenemu_vcpu_resync(self, XENEMU_SYNC_TIMER);
	mutex_unlock(&domain->lock);
}

/**
 * xenemu_timer_set_oneshot - start the one-shot timer
 * @self: the calling thread's vCPU
 * @expires_ns: in Xen's system time; any value, what is past expires at once
 */
void xenemu_timer_set_oneshot(struct xenemu_vcpu *self, u64 expires_ns)
{
	/* 0 and XENEMU_TIMER_STOP mean something else in timer_ns. */
	set_oneshot(self, clamp(expires_ns, 1ULL, (u64)XENEMU_TIMER_STOP - 1));
}

/**
 * xenemu_timer_stop_oneshot - stop the one-shot timer
 * @self: the calling thread's vCPU
 */
void xenemu_timer_stop_oneshot(struct xenemu_vcpu *self)
{
	set_oneshot(self, XENEMU_TIMER_STOP);
}

/*
 * Xen takes a negative time, and one more than about 13 days ahead, for an old
 * Linux whose jiffies wrapped, or that has no timer to wait for and says so in
 * this way. For either, 100 ms is soon enough and not too often.
 */
static u64 mend(struct xenemu_vcpu *self, u64 expires_ns)
{
	u64 now;

	if (xenemu_kvm_get_clock(self, &now))
		return expires_ns;
	if ((s64)expires_ns < 0 ||
	    (expires_ns > now && (expires_ns - now) >> 50))
		return now + 100 * NSEC_PER_MSEC;
	return expires_ns;
}

/**
 * xenemu_set_timer_op - HYPERVISOR_set_timer_op
 * @hc: the hypercall
 *
 * Context: see xenemu_hypercall_dispatch().
 * Return: the guest's result.
 */
s64 xenemu_set_timer_op(struct xenemu_hcall *hc)
{
	u64 expires_ns = hc->args[0];

	if (!hc->longmode)
		expires_ns |= hc->args[1] << 32;

	if (expires_ns)
		xenemu_timer_set_oneshot(hc->vcpu, mend(hc->vcpu, expires_ns));
	else
		xenemu_timer_stop_oneshot(hc->vcpu);
	return 0;
}
