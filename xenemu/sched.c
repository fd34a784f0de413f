// SPDX-License-Identifier: GPL-2.0-only
/*
 * HYPERVISOR_sched_op.
 *
 * KVM answers SCHEDOP_yield and SCHEDOP_poll by itself; they come here only
 * when they are made in a multicall.
 */
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <xen/interface/sched.h>
#include <xen/interface/xen.h>

#include "compat_xen.h"
#include "domain.h"
#include "evtchn.h"
#include "host.h"
#include "hypercall.h"
#include "kvm.h"
#include "store/glue.h"
#include "vcpu.h"

/* Xen's limit. */
#define POLL_MAX	128

/*
 * Sleep until there is something to do, as HLT does, by what KVM has for that:
 * it knows of interrupts and upcalls alike. It does not wake a vCPU that cannot
 * take them, which Xen would; so that one does not sleep. Guests have to be
 * ready for waking up for nothing.
 */
static s64 block(struct xenemu_hcall *hc)
{
	u8 interrupts;

	if (get_user(interrupts, &hc->vcpu->kvm_run->if_flag) || !interrupts)
		cond_resched();
	else
		xenemu_kvm_halt(hc->vcpu);
	return 0;
}

/* The checks of a poll, which then ends at once: it may end for nothing. */
static s64 poll(struct xenemu_hcall *hc, u64 gva)
{
	struct compat_sched_poll compat;
	struct sched_poll native;
	u32 nr, port, highest, i;
	u64 ports;

	if (hc->longmode) {
		if (xenemu_hcall_read(hc, gva, &native, sizeof(native)))
			return -EFAULT;
		ports = (unsigned long)native.ports;
		nr = native.nr_ports;
	} else {
		if (xenemu_hcall_read(hc, gva, &compat, sizeof(compat)))
			return -EFAULT;
		ports = compat.ports;
		nr = compat.nr_ports;
	}
	if (nr > POLL_MAX)
		return -EINVAL;
	highest = xenemu_evtchn_highest_port(hc->vcpu->domain);
	for (i = 0; i < nr; i++) {
		if (xenemu_hcall_read_at(hc, ports, i, &port, sizeof(port)))
			return -EFAULT;
		if (port > highest)
			return -EINVAL;
	}
	cond_resched();
	return 0;
}

/* The first reason counts, whichever operation gave it, until the guest resumes. */
static u32 latch_reason(struct xenemu_domain *domain, u32 reason)
{
	mutex_lock(&domain->lock);
	if (domain->shutdown_reason < 0)
		domain->shutdown_reason = reason;
	reason = domain->shutdown_reason;
	mutex_unlock(&domain->lock);
	return reason;
}

/*
 * The VMM resumes the guest: after a suspension, which it may have cancelled;
 * after a soft reset; or because it will not do what the guest asked for.
 */
static s64 resume(struct xenemu_hcall *hc)
{
	struct xenemu_domain *domain = hc->vcpu->domain;

	hc->answered = false;
	mutex_lock(&domain->lock);
	domain->shutdown_reason = -1;
	mutex_unlock(&domain->lock);
	return hc->answer;
}

static int read_reason(struct xenemu_hcall *hc, u64 gva, u32 *reason)
{
	struct sched_shutdown shutdown;

	if (xenemu_hcall_read(hc, gva, &shutdown, sizeof(shutdown)))
		return -EFAULT;
	/* Xen takes any number here; a VMM should not have to guess. */
	if (shutdown.reason > SHUTDOWN_MAX)
		return -EINVAL;
	*reason = shutdown.reason;
	return 0;
}

static s64 shutdown(struct xenemu_hcall *hc, u64 gva)
{
	struct xenemu_domain *domain = hc->vcpu->domain;
	struct xenemu_vcpu_run *run;
	u32 reason;
	int ret;

	if (hc->answered)
		return resume(hc);

	ret = read_reason(hc, gva, &reason);
	if (ret)
		return ret;
	reason = latch_reason(domain, reason);
	/* Who watches @releaseDomain hears of it, and may act before the VMM does. */
	xenemu_glue_domain_shutdown(domain);
	xenemu_evtchn_send_virq(domain->host->dom0, VIRQ_DOM_EXC, 0);

	run = xenemu_vcpu_exit(hc->vcpu, XENEMU_EXIT_SHUTDOWN);
	run->shutdown.reason = reason;
	run->shutdown.__reserved = 0;
	return XENEMU_HCALL_EXIT;
}

static s64 shutdown_code(struct xenemu_hcall *hc, u64 gva)
{
	u32 reason;
	int ret;

	ret = read_reason(hc, gva, &reason);
	if (ret)
		return ret;
	latch_reason(hc->vcpu->domain, reason);
	return 0;
}

/* For those that own another domain, which no guest does. */
static s64 remote_shutdown(struct xenemu_hcall *hc, u64 gva)
{
	struct sched_remote_shutdown remote;

	if (xenemu_hcall_read(hc, gva, &remote, sizeof(remote)))
		return -EFAULT;
	if (remote.domain_id == DOMID_SELF)
		return -ESRCH;
	return xenemu_hcall_check_domid(hc, remote.domain_id) ?: -EPERM;
}

/**
 * xenemu_sched_op - HYPERVISOR_sched_op
 * @hc: the hypercall
 *
 * Context: see xenemu_hypercall_dispatch().
 * Return: the guest's result, or XENEMU_HCALL_EXIT.
 */
s64 xenemu_sched_op(struct xenemu_hcall *hc)
{
	u64 gva = hc->args[1];

	switch ((u32)hc->args[0]) {
	case SCHEDOP_yield:
		cond_resched();
		return 0;
	case SCHEDOP_block:
		return block(hc);
	case SCHEDOP_shutdown:
		return shutdown(hc, gva);
	case SCHEDOP_poll:
		return poll(hc, gva);
	case SCHEDOP_remote_shutdown:
		return remote_shutdown(hc, gva);
	case SCHEDOP_shutdown_code:
		return shutdown_code(hc, gva);
	case SCHEDOP_pin_override:
		return -EPERM;
	default:
		return xenemu_hcall_unknown(hc);
	}
}
