// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPUs: their file descriptor, the loop around KVM_RUN, and how others reach
 * a vCPU that is in it.
 *
 * Two kinds of kick take a vCPU's thread out of the guest. An upcall only has
 * to make KVM look at evtchn_upcall_pending again, which it does whenever it
 * enters the guest. A leave makes KVM_RUN return. Neither uses anything of
 * KVM's but what each task in the kernel answers to: KVM checks for pending
 * work of the task after it has disabled interrupts and before it enters the
 * guest, so that a kick is never missed, whenever it comes.
 */
#include "vcpu.h"

#include <linux/err.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/resume_user_mode.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "access.h"
#include "domain.h"
#include "evtchn.h"
#include "ioctl.h"
#include "kvm.h"
#include "mem.h"
#include "timer.h"

/* ---- kicks ---- */

/*
 * The thread that is, or may be, in KVM_RUN, if it is not the caller. The
 * caller has written what the thread is to see.
 */
static struct task_struct *running_task(struct xenemu_vcpu *vcpu)
{
	struct task_struct *task;

	/* Pairs with enter_kvm(): either we see in_run or it sees our write. */
	smp_mb();
	if (!READ_ONCE(vcpu->in_run))
		return NULL;
	task = rcu_dereference(vcpu->task);
	return task == current ? NULL : task;
}

void xenemu_vcpu_upcall(struct xenemu_vcpu *vcpu)
{
	struct task_struct *task;

	if (vcpu->upcall) {
		eventfd_signal(vcpu->upcall);
		return;
	}
	task = running_task(vcpu);
	if (task) {
		set_notify_resume(task);
		wake_up_process(task);
	}
}

/*
 * Take the vCPU out of KVM_RUN; with @pollers_only, not if it is in the guest.
 * Under rcu_read_lock().
 */
static void leave(struct xenemu_vcpu *vcpu, bool pollers_only)
{
	struct task_struct *task = running_task(vcpu);

	if (!task)
		return;
	/* A vCPU in the guest looks at the port before it polls. */
	if (pollers_only && (READ_ONCE(task->flags) & PF_VCPU))
		return;
	set_tsk_thread_flag(task, TIF_NOTIFY_SIGNAL);
	if (!wake_up_process(task))
		kick_process(task);
}

static void leave_all(struct xenemu_domain *domain, bool pollers_only)
{
	struct xenemu_vcpu *vcpu;
	u32 id;

	rcu_read_lock();
	for (id = 0; id < READ_ONCE(domain->nr_vcpu_ids); id++) {
		vcpu = xenemu_domain_vcpu(domain, id);
		if (vcpu)
			leave(vcpu, pollers_only);
	}
	rcu_read_unlock();
}

void xenemu_vcpu_wake_pollers(struct xenemu_domain *domain)
{
	leave_all(domain, true);
}

void xenemu_vcpu_kick_all(struct xenemu_domain *domain)
{
	leave_all(domain, false);
}

void xenemu_vcpu_resync(struct xenemu_vcpu *vcpu, unsigned int what)
{
	lockdep_assert_held(&vcpu->domain->lock);

	set_bit(what, &vcpu->sync);
	rcu_read_lock();
	leave(vcpu, false);
	rcu_read_unlock();
}

/* ---- what KVM must know of a vCPU ---- */

struct sync_values {
	u64 info_gpa;
	u64 time_gpa;
	u64 runstate_gpa;
	u32 timer_port;
	u64 timer_ns;
	u8 upcall_vector;
	bool registered;
};

/* What is no lack of memory is a refusal, and would be the same the next time. */
static int unless_refused(int ret)
{
	return ret == -ENOMEM || ret == -EFAULT ? ret : 0;
}

static int set_attr(struct xenemu_vcpu *vcpu, const struct kvm_xen_vcpu_attr *attr)
{
	return unless_refused(xenemu_kvm_vcpu_set_attr(vcpu, attr));
}

static bool has_ram(struct xenemu_domain *domain, u64 gpa)
{
	unsigned long uaddr;
	int idx, ret;

	if (gpa == KVM_XEN_INVALID_GPA)
		return false;
	idx = srcu_read_lock(&domain->srcu);
	ret = xenemu_mem_uaddr(domain, PHYS_PFN(gpa), false, &uaddr);
	srcu_read_unlock(&domain->srcu, idx);
	return !ret;
}

static int sync_gpa(struct xenemu_vcpu *vcpu, u16 type, u64 gpa)
{
	struct kvm_xen_vcpu_attr attr = { .type = type, .u.gpa = gpa };
	int ret = set_attr(vcpu, &attr);

	/*
	 * KVM refuses an address without RAM. The guest named it, and the VMM
	 * took the RAM away: there is nobody to tell.
	 */
	return ret && !has_ram(vcpu->domain, gpa) ? 0 : ret;
}

static int sync_info(struct xenemu_vcpu *vcpu, const struct sync_values *values)
{
	int ret = sync_gpa(vcpu, KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO, values->info_gpa);

	if (ret)
		return ret;
	/* What KVM delivered meanwhile went to the old place. */
	if (values->registered || vcpu->known_gpa != KVM_XEN_INVALID_GPA)
		xenemu_evtchn_rescan(vcpu);
	vcpu->known_gpa = values->info_gpa;
	return 0;
}

static int sync_timer(struct xenemu_vcpu *vcpu, const struct sync_values *values)
{
	struct kvm_xen_vcpu_attr attr = { .type = KVM_XEN_VCPU_ATTR_TYPE_TIMER };
	u64 expires = values->timer_ns;
	int ret;

	if (!expires) {
		ret = xenemu_kvm_vcpu_get_attr(vcpu, &attr);
		if (ret)
			return ret;
		expires = attr.u.timer.expires_ns;
	}
	if (expires == XENEMU_TIMER_STOP)
		expires = 0;

	memset(&attr.u, 0, sizeof(attr.u));
	attr.u.timer.port = values->timer_port;
	attr.u.timer.priority = KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL;
	attr.u.timer.expires_ns = expires;
	ret = set_attr(vcpu, &attr);
	if (ret)
		return ret;

	/* KVM's timer needs a port. Keep what is left of it until there is one. */
	mutex_lock(&vcpu->domain->lock);
	if (vcpu->timer_ns == values->timer_ns)
		vcpu->timer_ns = values->timer_port ? 0 : expires;
	mutex_unlock(&vcpu->domain->lock);
	return 0;
}

static int sync_one(struct xenemu_vcpu *vcpu, unsigned int what,
		    const struct sync_values *values)
{
	struct kvm_xen_vcpu_attr attr = {};

	switch (what) {
	case XENEMU_SYNC_ID:
		return unless_refused(xenemu_kvm_vcpu_init(vcpu));
	case XENEMU_SYNC_INFO:
		return sync_info(vcpu, values);
	case XENEMU_SYNC_TIME:
		return sync_gpa(vcpu, KVM_XEN_VCPU_ATTR_TYPE_VCPU_TIME_INFO, values->time_gpa);
	case XENEMU_SYNC_RUNSTATE:
		return sync_gpa(vcpu, KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_ADDR,
				values->runstate_gpa);
	case XENEMU_SYNC_UPCALL:
		attr.type = KVM_XEN_VCPU_ATTR_TYPE_UPCALL_VECTOR;
		attr.u.vector = values->upcall_vector;
		return set_attr(vcpu, &attr);
	case XENEMU_SYNC_TIMER:
		return sync_timer(vcpu, values);
	}
	return 0;
}

/*
 * Tell KVM what others, or this thread's hypercalls, changed of this vCPU. What
 * it could not be told, for want of memory, it has yet to be told.
 */
static int sync(struct xenemu_vcpu *vcpu)
{
	struct xenemu_domain *domain = vcpu->domain;
	struct sync_values values;
	unsigned long todo;
	unsigned int what;
	int ret = 0;

	lockdep_assert_held(&vcpu->lock);

	if (!READ_ONCE(vcpu->sync))
		return 0;

	mutex_lock(&domain->lock);
	todo = xchg(&vcpu->sync, 0);
	values.info_gpa = vcpu->info_gpa;
	values.time_gpa = vcpu->time_gpa;
	values.runstate_gpa = vcpu->runstate_gpa;
	values.timer_port = vcpu->timer_port;
	values.timer_ns = vcpu->timer_ns;
	values.upcall_vector = vcpu->upcall_vector;
	values.registered = vcpu->info_registered;
	mutex_unlock(&domain->lock);

	for_each_set_bit(what, &todo, XENEMU_NR_SYNC) {
		if (!ret)
			ret = sync_one(vcpu, what, &values);
		if (ret)
			set_bit(what, &vcpu->sync);
	}
	return ret;
}

/* ---- running ---- */

static void set_task(struct xenemu_vcpu *vcpu, struct task_struct *task)
{
	struct task_struct *old;

	old = rcu_dereference_protected(vcpu->task, lockdep_is_held(&vcpu->lock));
	if (old == task)
		return;
	rcu_assign_pointer(vcpu->task, task ? get_task_struct(task) : NULL);
	if (old) {
		synchronize_rcu();
		put_task_struct(old);
	}
}

/* Make the calling thread the one that runs the vCPU, or say why it cannot be. */
static int acquire(struct xenemu_vcpu *vcpu)
{
	struct xenemu_domain *domain = vcpu->domain;

	if (current->mm != domain->mm)
		return -ENODEV;
	if (!mutex_trylock(&vcpu->lock))
		return -EBUSY;
	if (!READ_ONCE(vcpu->run_uaddr)) {
		mutex_unlock(&vcpu->lock);
		return -EINVAL;
	}
	if (!atomic_inc_unless_negative(&domain->nr_running)) {
		mutex_unlock(&vcpu->lock);
		return -EBUSY;
	}
	WRITE_ONCE(vcpu->in_run, false);
	set_task(vcpu, current);
	return 0;
}

static void release(struct xenemu_vcpu *vcpu)
{
	atomic_dec(&vcpu->domain->nr_running);
	mutex_unlock(&vcpu->lock);
}

int xenemu_vcpu_stop_all(struct xenemu_domain *domain)
{
	return atomic_cmpxchg(&domain->nr_running, 0, -1) ? -EBUSY : 0;
}

void xenemu_vcpu_start_all(struct xenemu_domain *domain)
{
	atomic_set(&domain->nr_running, 0);
}

struct xenemu_vcpu_run *xenemu_vcpu_exit(struct xenemu_vcpu *vcpu, u32 reason)
{
	WRITE_ONCE(vcpu->run->answer, 0);
	WRITE_ONCE(vcpu->run->exit_reason, reason);
	return vcpu->run;
}

/* The VMM may write anything there, and change it while we look. */
static int read_answer(struct xenemu_vcpu *vcpu)
{
	int answer = READ_ONCE(vcpu->run->answer);

	return answer < -MAX_ERRNO || answer > 1 ? -EINVAL : answer;
}

/*
 * Begin the hypercall in vcpu->hcall, or go on with it.
 * Returns 0 with @result for the guest, 1 for an exit to the VMM, or an errno
 * for the VMM; after 1 and -EINTR it waits in vcpu->hcall to go on.
 */
static int hypercall(struct xenemu_vcpu *vcpu, s64 *result)
{
	struct xenemu_domain *domain = vcpu->domain;
	int idx;

	idx = srcu_read_lock(&domain->srcu);
	if (READ_ONCE(domain->dead)) {
		srcu_read_unlock(&domain->srcu, idx);
		return -ENODEV;
	}
	*result = xenemu_hypercall_dispatch(&vcpu->hcall);
	srcu_read_unlock(&domain->srcu, idx);

	vcpu->hcall.answered = *result == XENEMU_HCALL_EXIT;
	vcpu->hcall_pending = vcpu->hcall.answered || *result == XENEMU_HCALL_INTR;
	if (!vcpu->hcall_pending)
		return 0;
	return vcpu->hcall.answered ? 1 : -EINTR;
}

static int start_hypercall(struct xenemu_vcpu *vcpu, u64 input, bool longmode, u8 cpl,
			   const u64 *params, s64 *result)
{
	struct xenemu_hcall *hcall = &vcpu->hcall;
	int i;

	if (cpl) {
		*result = -EPERM;
		return 0;
	}
	memset(hcall, 0, sizeof(*hcall));
	hcall->vcpu = vcpu;
	hcall->longmode = longmode;
	hcall->nr = longmode ? input : (u32)input;
	for (i = 0; i < ARRAY_SIZE(hcall->args); i++)
		hcall->args[i] = longmode ? params[i] : (u32)params[i];
	return hypercall(vcpu, result);
}

static int resume_hypercall(struct xenemu_vcpu *vcpu, s64 *result)
{
	if (vcpu->hcall.answered)
		vcpu->hcall.answer = read_answer(vcpu);
	return hypercall(vcpu, result);
}

static int put_result(struct xenemu_vcpu *vcpu, s64 result)
{
	return put_user(result, &vcpu->kvm_run->xen.u.hcall.result) ? -EFAULT : 0;
}

/* KVM_RUN returned 0. Returns 0 to go on, 1 for an exit to the VMM, or an errno. */
static int handle_exit(struct xenemu_vcpu *vcpu)
{
	struct kvm_xen_exit xen;
	s64 result;
	u32 reason;
	int ret;

	/* KVM says it once: what cannot be read now is read when the VMM calls again. */
	vcpu->exit_pending = true;
	if (get_user(reason, &vcpu->kvm_run->exit_reason))
		return -EFAULT;
	if (reason == KVM_EXIT_XEN &&
	    copy_from_user(&xen, &vcpu->kvm_run->xen, sizeof(xen)))
		return -EFAULT;
	vcpu->exit_pending = false;
	if (reason == KVM_EXIT_XEN) {
		if (xen.type == KVM_EXIT_XEN_HCALL) {
			ret = start_hypercall(vcpu, xen.u.hcall.input, xen.u.hcall.longmode,
					      xen.u.hcall.cpl, xen.u.hcall.params, &result);
			return ret ?: put_result(vcpu, result);
		}
	}
	xenemu_vcpu_exit(vcpu, XENEMU_EXIT_KVM);
	return 1;
}

/*
 * KVM_RUN was interrupted. For a signal, or because the VMM said so by
 * immediate_exit, the VMM has to know. Else it was one of our own kicks, or a
 * vCPU that waits to be started was woken.
 */
static int handle_interrupt(struct xenemu_vcpu *vcpu)
{
	u8 immediate_exit;

	if (get_user(immediate_exit, &vcpu->kvm_run->immediate_exit__unsafe))
		return -EFAULT;
	if (test_thread_flag(TIF_NOTIFY_SIGNAL)) {
		clear_notify_signal();
		/* Our kick may have hidden another's work. KVM does that. */
		if (task_work_pending(current))
			set_notify_resume(current);
	}
	if (immediate_exit || task_sigpending(current))
		return -EINTR;
	cond_resched();
	return 0;
}

/* One KVM_RUN. Returns as handle_exit() does. */
static int enter_kvm(struct xenemu_vcpu *vcpu)
{
	long ret;

	ret = sync(vcpu);
	if (ret)
		return ret;

	WRITE_ONCE(vcpu->in_run, true);
	/* Pairs with running_task(). */
	smp_mb();
	if (READ_ONCE(vcpu->sync)) {
		WRITE_ONCE(vcpu->in_run, false);
		return 0;
	}
	ret = xenemu_kvm_run(vcpu);
	WRITE_ONCE(vcpu->in_run, false);

	if (!ret)
		return handle_exit(vcpu);
	if (ret == -EINTR || ret == -EAGAIN)
		return handle_interrupt(vcpu);
	return ret;
}

static long vcpu_run(struct xenemu_ucmd *ucmd)
{
	const struct xenemu_vcpu_run_arg *args = ucmd->args;
	struct xenemu_vcpu *vcpu = ucmd->file->private_data;
	s64 result;
	int ret;

	if (args->flags)
		return -EOPNOTSUPP;
	ret = acquire(vcpu);
	if (ret)
		return ret;
	WRITE_ONCE(vcpu->file, ucmd->file);

	if (vcpu->hcall_pending) {
		ret = resume_hypercall(vcpu, &result);
		if (!ret)
			ret = put_result(vcpu, result);
	} else if (vcpu->exit_pending) {
		ret = handle_exit(vcpu);
	}
	while (!ret) {
		if (READ_ONCE(vcpu->domain->dead))
			ret = -ENODEV;
		else
			ret = enter_kvm(vcpu);
	}

	WRITE_ONCE(vcpu->file, NULL);
	release(vcpu);
	return ret == 1 ? 0 : ret;
}

/* Does the VMM go on with the hypercall that waits, or has it dropped that? */
static bool same_hypercall(struct xenemu_vcpu *vcpu, const struct xenemu_vcpu_hypercall *args)
{
	return vcpu->hcall_pending && !args->cpl && vcpu->hcall.nr == args->input &&
	       vcpu->hcall.longmode == args->longmode &&
	       !memcmp(vcpu->hcall.args, args->params, sizeof(args->params));
}

/*
 * The VMM may call KVM_RUN from now on, unseen. What changes after this kicks
 * the thread, and it will call XENEMU_VCPU_SYNC.
 */
static int expect_run(struct xenemu_vcpu *vcpu)
{
	WRITE_ONCE(vcpu->in_run, true);
	/* Pairs with running_task(). */
	smp_mb();
	return sync(vcpu);
}

static long vcpu_hypercall(struct xenemu_ucmd *ucmd)
{
	struct xenemu_vcpu_hypercall *args = ucmd->args;
	struct xenemu_vcpu *vcpu = ucmd->file->private_data;
	s64 result;
	int ret;

	if (args->flags)
		return -EOPNOTSUPP;
	if (args->longmode > 1 || args->cpl > 3)
		return -EINVAL;
	ret = acquire(vcpu);
	if (ret)
		return ret;

	if (same_hypercall(vcpu, args))
		ret = resume_hypercall(vcpu, &result);
	else
		ret = start_hypercall(vcpu, args->input, args->longmode, args->cpl,
				      args->params, &result);
	if (!ret) {
		xenemu_vcpu_exit(vcpu, XENEMU_EXIT_KVM);
		args->out_result = result;
	}
	/* The hypercall is done, whatever comes of this. The next one tries again. */
	expect_run(vcpu);
	release(vcpu);

	if (ret)
		return ret == 1 ? 0 : ret;
	return xenemu_ioctl_respond(ucmd);
}

static long vcpu_sync(struct xenemu_ucmd *ucmd)
{
	const struct xenemu_vcpu_sync *args = ucmd->args;
	struct xenemu_vcpu *vcpu = ucmd->file->private_data;
	int ret;

	if (args->flags)
		return -EOPNOTSUPP;
	ret = acquire(vcpu);
	if (ret)
		return ret;
	ret = expect_run(vcpu);
	release(vcpu);
	return ret;
}

static long set_upcall(struct xenemu_ucmd *ucmd)
{
	const struct xenemu_vcpu_set_upcall *args = ucmd->args;
	struct xenemu_vcpu *vcpu = ucmd->file->private_data;
	struct eventfd_ctx *upcall = NULL;

	if (args->flags)
		return -EOPNOTSUPP;
	if (args->__reserved || args->eventfd < -1)
		return -EINVAL;
	if (args->eventfd >= 0) {
		upcall = eventfd_ctx_fdget(args->eventfd);
		if (IS_ERR(upcall))
			return PTR_ERR(upcall);
	}
	write_lock_irq(&vcpu->domain->page_lock);
	swap(vcpu->upcall, upcall);
	write_unlock_irq(&vcpu->domain->page_lock);
	if (upcall)
		eventfd_ctx_put(upcall);
	return 0;
}

/* ---- life ---- */

void xenemu_vcpu_reset(struct xenemu_vcpu *vcpu)
{
	struct eventfd_ctx *upcall;

	lockdep_assert_held(&vcpu->domain->lock);

	write_lock_irq(&vcpu->domain->page_lock);
	upcall = vcpu->upcall;
	vcpu->upcall = NULL;
	write_unlock_irq(&vcpu->domain->page_lock);
	if (upcall)
		eventfd_ctx_put(upcall);

	vcpu->hcall.cancelled = true;
	vcpu->exit_pending = false;
	vcpu->info_registered = false;
	vcpu->time_gpa = KVM_XEN_INVALID_GPA;
	vcpu->runstate_gpa = KVM_XEN_INVALID_GPA;
	vcpu->timer_port = 0;
	vcpu->timer_ns = XENEMU_TIMER_STOP;
	vcpu->upcall_vector = 0;
	xenemu_timer_stop(vcpu);
	xenemu_vcpu_resync(vcpu, XENEMU_SYNC_TIME);
	xenemu_vcpu_resync(vcpu, XENEMU_SYNC_RUNSTATE);
	xenemu_vcpu_resync(vcpu, XENEMU_SYNC_TIMER);
	xenemu_vcpu_resync(vcpu, XENEMU_SYNC_UPCALL);
}

/* Nobody can find the vCPU any more, and a grace period has passed. */
static void free_vcpu(struct xenemu_vcpu *vcpu)
{
	struct task_struct *task = rcu_dereference_protected(vcpu->task, true);

	xenemu_timer_destroy(vcpu);
	if (task)
		put_task_struct(task);
	if (vcpu->upcall)
		eventfd_ctx_put(vcpu->upcall);
	xenemu_page_put(vcpu->info_page);
	fput(vcpu->kvm);
	free_page((unsigned long)vcpu->run);
	xenemu_domain_put(vcpu->domain);
	mutex_destroy(&vcpu->lock);
	kfree(vcpu);
}

/* The vCPU's number becomes free, and then the vCPU goes. */
static void unpublish(struct xenemu_vcpu *vcpu)
{
	struct xenemu_domain *domain = vcpu->domain;

	mutex_lock(&domain->lock);
	RCU_INIT_POINTER(domain->vcpus[vcpu->id], NULL);
	mutex_unlock(&domain->lock);
	synchronize_rcu();
	free_vcpu(vcpu);
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	unpublish(file->private_data);
	return 0;
}

static struct xenemu_vcpu *alloc_vcpu(struct xenemu_domain *domain, struct file *kvm,
				      const struct xenemu_domain_create_vcpu *args)
{
	struct xenemu_vcpu *vcpu;

	vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);
	if (!vcpu)
		return NULL;
	vcpu->run = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vcpu->run) {
		kfree(vcpu);
		return NULL;
	}
	mutex_init(&vcpu->lock);
	vcpu->domain = xenemu_domain_get(domain);
	vcpu->id = args->vcpu_id;
	vcpu->apic_id = args->apic_id;
	vcpu->kvm = kvm;
	vcpu->kvm_run = u64_to_user_ptr(args->kvm_run);
	vcpu->info_gpa = KVM_XEN_INVALID_GPA;
	vcpu->known_gpa = KVM_XEN_INVALID_GPA;
	vcpu->time_gpa = KVM_XEN_INVALID_GPA;
	vcpu->runstate_gpa = KVM_XEN_INVALID_GPA;
	xenemu_timer_init(vcpu);
	return vcpu;
}

/* Make the vCPU known under its number, unless that is taken. */
static int publish(struct xenemu_vcpu *vcpu)
{
	struct xenemu_domain *domain = vcpu->domain;
	int ret = 0;

	mutex_lock(&domain->lock);
	if (xenemu_domain_vcpu(domain, vcpu->id)) {
		ret = -EEXIST;
	} else {
		set_bit(XENEMU_SYNC_ID, &vcpu->sync);
		xenemu_domain_default_vcpu_info(vcpu);
		rcu_assign_pointer(domain->vcpus[vcpu->id], vcpu);
		if (vcpu->id >= domain->nr_vcpu_ids)
			WRITE_ONCE(domain->nr_vcpu_ids, vcpu->id + 1);
	}
	mutex_unlock(&domain->lock);
	return ret;
}

static int check_args(struct xenemu_domain *domain,
		      const struct xenemu_domain_create_vcpu *args)
{
	if (args->flags)
		return -EOPNOTSUPP;
	if (args->__reserved || !PAGE_ALIGNED(args->kvm_run) || !args->kvm_run)
		return -EINVAL;
	if (!access_ok(u64_to_user_ptr(args->kvm_run), sizeof(struct kvm_run)))
		return -EFAULT;
	if (args->vcpu_id >= XENEMU_MAX_VCPUS)
		return -ENOSPC;
	if (current->mm != domain->mm)
		return -ENODEV;
	return 0;
}

/**
 * xenemu_vcpu_create - XENEMU_DOMAIN_CREATE_VCPU
 * @domain: the domain
 * @args: what the VMM wants
 *
 * Return: a new vCPU fd, or an error of XENEMU_DOMAIN_CREATE_VCPU.
 */
long xenemu_vcpu_create(struct xenemu_domain *domain,
			const struct xenemu_domain_create_vcpu *args)
{
	struct xenemu_vcpu *vcpu;
	struct file *kvm;
	int ret;

	ret = check_args(domain, args);
	if (ret)
		return ret;

	kvm = fget(args->kvm_fd);
	if (!kvm)
		return -EBADF;
	ret = xenemu_kvm_is_vcpu(kvm) ? xenemu_kvm_has_lapic(kvm) : -EINVAL;
	if (ret) {
		fput(kvm);
		return ret;
	}
	vcpu = alloc_vcpu(domain, kvm, args);
	if (!vcpu) {
		fput(kvm);
		return -ENOMEM;
	}
	ret = publish(vcpu);
	if (ret) {
		free_vcpu(vcpu);
		return ret;
	}
	ret = xenemu_ioctl_new_fd("xenemu-vcpu", &xenemu_vcpu_fops, vcpu, O_RDWR);
	if (ret < 0)
		unpublish(vcpu);
	return ret;
}

/* ---- the shared page ---- */

static void run_close(struct vm_area_struct *vma)
{
	struct xenemu_vcpu *vcpu = vma->vm_file->private_data;

	cmpxchg(&vcpu->run_uaddr, vma->vm_start, 0);
}

static int run_mremap(struct vm_area_struct *vma)
{
	return -EINVAL;
}

static const struct vm_operations_struct run_vm_ops = {
	.close	= run_close,
	.mremap	= run_mremap,
};

static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct xenemu_vcpu *vcpu = file->private_data;
	int ret;

	if (vma->vm_pgoff || vma_pages(vma) != 1)
		return -EINVAL;
	if (!(vma->vm_flags & VM_SHARED) || (vma->vm_flags & VM_EXEC))
		return -EINVAL;
	if (vma->vm_mm != vcpu->domain->mm)
		return -ENODEV;
	vm_flags_mod(vma, VM_DONTCOPY | VM_DONTEXPAND, VM_MAYEXEC);
	ret = vm_insert_page(vma, vma->vm_start, virt_to_page(vcpu->run));
	if (ret)
		return ret;
	vma->vm_ops = &run_vm_ops;
	WRITE_ONCE(vcpu->run_uaddr, vma->vm_start);
	return 0;
}

static const struct xenemu_ioctl_op vcpu_ops[] = {
	XENEMU_IOCTL_OP(XENEMU_VCPU_RUN, xenemu_vcpu_run_arg, flags, vcpu_run),
	XENEMU_IOCTL_OP(XENEMU_VCPU_HYPERCALL, xenemu_vcpu_hypercall, out_result,
			vcpu_hypercall),
	XENEMU_IOCTL_OP(XENEMU_VCPU_SYNC, xenemu_vcpu_sync, flags, vcpu_sync),
	XENEMU_IOCTL_OP(XENEMU_VCPU_SET_UPCALL, xenemu_vcpu_set_upcall, __reserved, set_upcall),
	XENEMU_IOCTL_OP_QUERY,
};

static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return xenemu_ioctl(file, cmd, arg, vcpu_ops, ARRAY_SIZE(vcpu_ops));
}

const struct file_operations xenemu_vcpu_fops = {
	.owner		= THIS_MODULE,
	.release	= vcpu_release,
	.unlocked_ioctl	= vcpu_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.mmap		= vcpu_mmap,
};
