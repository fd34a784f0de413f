/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_VCPU_H
#define XENEMU_VCPU_H

#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/xenemu.h>

#include "hypercall.h"
#include "timer.h"

#define XENEMU_TIMER_STOP	U64_MAX

struct kvm_run;
struct xenemu_domain;
struct xenemu_page;

/**
 * struct xenemu_vcpu - one vCPU of a guest
 * @domain: the domain; a reference
 * @id: Xen's number
 * @apic_id: KVM's number
 * @kvm: vCPU fd of KVM; a reference
 * @kvm_run: KVM's struct kvm_run, mapped in the VMM
 * @run: what the VMM maps of this vCPU
 * @lock: held while the vCPU runs or answers a hypercall: one thread at a time
 * @hcall: the hypercall in progress; kept between an exit and the next call
 * @hcall_pending: @hcall is to be continued
 * @exit_pending: why KVM_RUN returned could not be read yet
 * @run_uaddr: where the VMM mapped @run; 0 when it is not mapped
 * @task: the thread that runs the vCPU, or NULL; a reference. Written under
 *        @lock, read under RCU by kickers
 * @in_run: @task is in, or about to enter, KVM_RUN
 * @sync: XENEMU_SYNC_* bits: what KVM has yet to be told about this vCPU by
 *        its own thread. Set by anybody after the value
 * @file: the file of the vCPU fd while XENEMU_VCPU_RUN is under way, else NULL;
 *        changed by @task only
 * @bell_work: an event that KVM took, to be sent before the guest runs on
 * @bell_port: from this port
 * @bell_file: @file, a reference, while @bell_work waits; else NULL. Of the three,
 *             only @task knows
 * @info_gpa: where its vcpu_info is, or KVM_XEN_INVALID_GPA. This and the
 *            next but @known_gpa are protected by the domain's lock
 * @known_gpa: where KVM thinks that its vcpu_info is. Protected by @lock
 * @time_gpa: where its second time info is, or KVM_XEN_INVALID_GPA
 * @runstate_gpa: where its runstate info is, or KVM_XEN_INVALID_GPA
 * @timer_port: port of its VIRQ_TIMER, or 0
 * @timer_ns: expiry of its one-shot timer to tell KVM with @timer_port; 0 to
 *            leave KVM's as it is; XENEMU_TIMER_STOP. While @timer_port is 0,
 *            a timer that waits for VIRQ_TIMER to be bound
 * @timer: its periodic timer
 * @info_page: the page of its vcpu_info; NULL when it has none (a vCPU past 31
 *             that has not registered one). Protected by the domain's page_lock
 * @info_offset: its vcpu_info in @info_page. Protected likewise
 * @info_registered: VCPUOP_register_vcpu_info was done
 * @upcall_vector: HVMOP_set_evtchn_upcall_vector, or 0
 * @upcall: eventfd that injects @upcall_vector, or NULL. Protected by the
 *          domain's page_lock
 * @rcu: its memory goes after a grace period
 */
struct xenemu_vcpu {
	struct xenemu_domain *domain;
	u32 id;
	u32 apic_id;
	struct file *kvm;
	struct kvm_run __user *kvm_run;
	struct xenemu_vcpu_run *run;

	struct mutex lock;

	struct xenemu_hcall hcall;
	bool hcall_pending;
	bool exit_pending;
	unsigned long run_uaddr;

	struct task_struct __rcu *task;
	bool in_run;
	unsigned long sync;

	struct file *file;
	struct callback_head bell_work;
	u32 bell_port;
	struct file *bell_file;

	u64 info_gpa;
	u64 known_gpa;
	u64 time_gpa;
	u64 runstate_gpa;
	u32 timer_port;
	u64 timer_ns;
	struct xenemu_timer timer;

	struct xenemu_page *info_page;
	u32 info_offset;
	bool info_registered;
	u8 upcall_vector;
	struct eventfd_ctx *upcall;

	struct rcu_head rcu;
};

extern const struct file_operations xenemu_vcpu_fops;

long xenemu_vcpu_create(struct xenemu_domain *domain,
			const struct xenemu_domain_create_vcpu *args);
/* Take every vCPU out of KVM_RUN. */
void xenemu_vcpu_kick_all(struct xenemu_domain *domain);
/* Keep every vCPU from running; -EBUSY if one runs. And let them run again. */
int xenemu_vcpu_stop_all(struct xenemu_domain *domain);
void xenemu_vcpu_start_all(struct xenemu_domain *domain);
/* Forget what the guest set. Under domain->lock, with the vCPU stopped. */
void xenemu_vcpu_reset(struct xenemu_vcpu *vcpu);

/**
 * xenemu_vcpu_upcall - make a vCPU look at its vcpu_info
 * @vcpu: the vCPU, whose evtchn_upcall_pending has just been set
 *
 * Context: any but NMI; under rcu_read_lock() and the domain's page_lock.
 */
void xenemu_vcpu_upcall(struct xenemu_vcpu *vcpu);

/**
 * xenemu_vcpu_wake_pollers - end SCHEDOP_poll of whoever polls
 * @domain: domain in which a masked port became pending
 *
 * A port that is masked raises no upcall, but wakes a vCPU that polls for it.
 * Who polls is known to KVM only, so each sleeping vCPU is woken; one that did
 * not poll sleeps again.
 *
 * Context: any but NMI; takes rcu_read_lock().
 */
void xenemu_vcpu_wake_pollers(struct xenemu_domain *domain);

/* What xenemu_vcpu_resync() takes. */
#define XENEMU_SYNC_ID			0
#define XENEMU_SYNC_INFO		1
#define XENEMU_SYNC_TIME		2
#define XENEMU_SYNC_RUNSTATE		3
#define XENEMU_SYNC_TIMER		4
#define XENEMU_SYNC_UPCALL		5
#define XENEMU_NR_SYNC			6

/**
 * xenemu_vcpu_resync - have KVM told what changed of a vCPU
 * @vcpu: the vCPU, not necessarily the caller's
 * @what: XENEMU_SYNC_*, whose value in @vcpu has just been changed
 *
 * KVM's vCPU ioctls wait until the vCPU leaves KVM_RUN, which may be never for
 * a vCPU that waits to be started. So only its own thread makes them: it is
 * taken out of KVM_RUN and makes them before it goes back. Where events could
 * be lost in between, they are raised again then.
 *
 * Context: process context, with the domain's lock held.
 */
void xenemu_vcpu_resync(struct xenemu_vcpu *vcpu, unsigned int what);

/* Fill in the exit; the handler then returns XENEMU_HCALL_EXIT. */
struct xenemu_vcpu_run *xenemu_vcpu_exit(struct xenemu_vcpu *vcpu, u32 reason);

#endif /* XENEMU_VCPU_H */
