/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_TIMER_H
#define XENEMU_TIMER_H

#include <linux/hrtimer.h>
#include <linux/types.h>

struct xenemu_domain;
struct xenemu_vcpu;

/**
 * struct xenemu_timer - a vCPU's periodic timer
 * @hrtimer: runs while the period is not 0
 * @period_ns: the period, or 0. Written under the domain's lock while @hrtimer
 *             does not run; read by its callback
 *
 * The one-shot timer is KVM's; see xenemu_vcpu.timer_ns.
 */
struct xenemu_timer {
	struct hrtimer hrtimer;
	u64 period_ns;
};

void xenemu_timer_init(struct xenemu_vcpu *vcpu);
void xenemu_timer_stop(struct xenemu_vcpu *vcpu);
void xenemu_timer_destroy(struct xenemu_vcpu *vcpu);
int xenemu_timer_set_periodic(struct xenemu_domain *domain, u32 vcpu_id, u64 period_ns);
void xenemu_timer_set_oneshot(struct xenemu_vcpu *self, u64 expires_ns);
void xenemu_timer_stop_oneshot(struct xenemu_vcpu *self);

#endif /* XENEMU_TIMER_H */
