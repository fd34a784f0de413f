// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bells: ports of a guest whose events KVM takes by itself.
 *
 * An event that the guest sends by EVTCHNOP_send makes KVM_RUN return to us, and
 * then the hypercall's argument is to be read, which takes longer than what is
 * done about the event. KVM can answer the hypercall alone, if it has been told
 * of an eventfd for the port. So the VMM gives us eventfds, and each may become
 * the bell of a port: KVM rings it, on the thread of the vCPU that sent the
 * event, and the event goes on from there as a task work, which KVM runs before
 * it enters the guest again. A XenStore request is still answered by then.
 *
 * A bell stands for nothing but the number of a port: what is done when it rings
 * is what EVTCHNOP_send of that number does. It is hung up when an event has come
 * to us for a port with a consumer, which is on a thread that may call KVM, and
 * taken down when the guest closes the port, so that EVTCHNOP_send fails again.
 * A port without a bell works as well, and slower.
 *
 * Lifetimes: KVM and we hold the eventfd. A task work holds the file of its vCPU,
 * which holds the rest and this module; the last thing that it does is to drop
 * that. The other work ends with the domain's ports.
 */
#include "evtchn_bell.h"

#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/task_work.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "domain.h"
#include "evtchn.h"
#include "evtchn_port.h"
#include "kvm.h"
#include "vcpu.h"

/**
 * struct bell - an eventfd of the VMM
 * @link: in the domain's list; protected, as @port is, by domain->lock
 * @domain: the domain, which it ends with
 * @file: the eventfd; a reference
 * @eventfd: the same
 * @wait: what the eventfd wakes
 * @poll: puts @wait there
 * @work: rings for who is no vCPU's thread
 * @port: number of the port it rings for, 0 for none; read without the lock
 */
struct bell {
	struct list_head link;
	struct xenemu_domain *domain;
	struct file *file;
	struct eventfd_ctx *eventfd;
	wait_queue_entry_t wait;
	poll_table poll;
	struct work_struct work;
	u32 port;
};

/* ---- ringing ---- */

static void ring(struct xenemu_domain *domain, u32 number)
{
	int idx = srcu_read_lock(&domain->srcu);

	if (!READ_ONCE(domain->dead))
		xenemu_evtchn_send(domain, number, NULL);
	srcu_read_unlock(&domain->srcu, idx);
}

/* On the vCPU's thread. */
static void ring_task(struct callback_head *work)
{
	struct xenemu_vcpu *vcpu = container_of(work, struct xenemu_vcpu, bell_work);
	struct file *file = vcpu->bell_file;
	u32 number = vcpu->bell_port;

	vcpu->bell_file = NULL;
	ring(vcpu->domain, number);
	fput(file);
}

/* Somebody else has written to the eventfd, or the VMM calls KVM_RUN itself. */
static void ring_work(struct work_struct *work)
{
	struct bell *bell = container_of(work, struct bell, work);
	u32 number = READ_ONCE(bell->port);

	if (number)
		ring(bell->domain, number);
}

/* The vCPU whose thread this is, in XENEMU_VCPU_RUN, or NULL. */
static struct xenemu_vcpu *running_vcpu(struct xenemu_domain *domain)
{
	struct xenemu_vcpu *vcpu;
	u32 id;

	for (id = 0; id < READ_ONCE(domain->nr_vcpu_ids); id++) {
		vcpu = xenemu_domain_vcpu(domain, id);
		/* Only the thread itself changes it: so it is true if it is ours. */
		if (vcpu && rcu_access_pointer(vcpu->task) == current &&
		    READ_ONCE(vcpu->file))
			return vcpu;
	}
	return NULL;
}

static bool ring_on_vcpu(struct bell *bell, u32 number)
{
	struct xenemu_vcpu *vcpu;
	bool done = false;

	if (!in_task())
		return false;
	rcu_read_lock();
	vcpu = running_vcpu(bell->domain);
	/* A guest sends one event at a time; this is done before it sends the next. */
	if (vcpu && !vcpu->bell_file) {
		vcpu->bell_file = get_file(vcpu->file);
		vcpu->bell_port = number;
		init_task_work(&vcpu->bell_work, ring_task);
		done = !task_work_add(current, &vcpu->bell_work, TWA_RESUME);
		if (!done) {
			fput(vcpu->bell_file);
			vcpu->bell_file = NULL;
		}
	}
	rcu_read_unlock();
	return done;
}

/* The eventfd was written to: any context but NMI, its lock held and irqs off. */
static int wake(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct bell *bell = container_of(wait, struct bell, wait);
	u32 number = READ_ONCE(bell->port);
	u64 count;

	if (!(key_to_poll(key) & EPOLLIN))
		return 0;
	eventfd_ctx_do_read(bell->eventfd, &count);
	if (number && !ring_on_vcpu(bell, number))
		queue_work(system_dfl_wq, &bell->work);
	return 1;
}

/* ---- hanging up, taking down ---- */

static struct bell *find_bell(struct xenemu_domain *domain, u32 number)
{
	struct bell *bell;

	lockdep_assert_held(&domain->lock);

	list_for_each_entry(bell, &domain->evtchn.bells, link)
		if (bell->port == number)
			return bell;
	return NULL;
}

static bool has_consumer(struct xenemu_domain *domain, u32 number)
{
	struct xenemu_port *port;
	unsigned long flags;
	bool ret = false;

	rcu_read_lock();
	port = xenemu_evtchn_find(domain, number);
	if (port && !port->consumer) {
		spin_lock_irqsave(&port->lock, flags);
		ret = port->state == XENEMU_PORT_INTERDOMAIN && port->peer->consumer;
		spin_unlock_irqrestore(&port->lock, flags);
	}
	rcu_read_unlock();
	return ret;
}

/**
 * xenemu_bell_hang - have KVM take the events of a port from now on
 * @self: the calling thread's vCPU, in XENEMU_VCPU_RUN or not
 * @number: a port of the guest that an event was sent from; any value
 *
 * Does nothing if there is no eventfd to spare, or the port's events do not go to
 * a consumer, or the vCPU's thread calls KVM_RUN itself, where a bell brings
 * nothing.
 *
 * Context: process context, takes domain->lock.
 */
void xenemu_bell_hang(struct xenemu_vcpu *self, u32 number)
{
	struct xenemu_domain *domain = self->domain;
	struct bell *bell;

	if (!self->file || !READ_ONCE(domain->evtchn.nr_free_bells))
		return;

	mutex_lock(&domain->lock);
	bell = find_bell(domain, 0);
	/* Closing a port takes the lock too: it is not closed now and forgotten here. */
	if (bell && !find_bell(domain, number) && has_consumer(domain, number)) {
		WRITE_ONCE(bell->port, number);
		if (xenemu_kvm_bind_eventfd(self, number, bell->file))
			WRITE_ONCE(bell->port, 0);
		else
			domain->evtchn.nr_free_bells--;
	}
	mutex_unlock(&domain->lock);
}

/**
 * xenemu_bell_take - end of xenemu_bell_hang()
 * @self: the calling thread's vCPU
 * @number: a port that is closed; nothing happens if it has no bell
 */
void xenemu_bell_take(struct xenemu_vcpu *self, u32 number)
{
	struct xenemu_domain *domain = self->domain;
	struct bell *bell = find_bell(domain, number);

	if (!bell)
		return;
	xenemu_kvm_unbind_port(domain, self, number);
	WRITE_ONCE(bell->port, 0);
	domain->evtchn.nr_free_bells++;
}

/**
 * xenemu_bell_take_all - KVM has forgotten every port
 * @domain: the domain
 */
void xenemu_bell_take_all(struct xenemu_domain *domain)
{
	struct bell *bell;

	lockdep_assert_held(&domain->lock);

	list_for_each_entry(bell, &domain->evtchn.bells, link) {
		if (!bell->port)
			continue;
		WRITE_ONCE(bell->port, 0);
		domain->evtchn.nr_free_bells++;
	}
}

/* ---- life ---- */

static void add_to_eventfd(struct file *file, wait_queue_head_t *head, poll_table *poll)
{
	add_wait_queue(head, &container_of(poll, struct bell, poll)->wait);
}

static void free_bell(struct bell *bell)
{
	u64 count;

	/* Waits for a ring that has begun. */
	eventfd_ctx_remove_wait_queue(bell->eventfd, &bell->wait, &count);
	cancel_work_sync(&bell->work);
	eventfd_ctx_put(bell->eventfd);
	fput(bell->file);
	kfree(bell);
}

static int publish(struct bell *bell)
{
	struct xenemu_evtchn_table *table = &bell->domain->evtchn;
	int ret = 0;

	mutex_lock(&bell->domain->lock);
	if (table->nr_bells < XENEMU_MAX_BELLS) {
		list_add_tail(&bell->link, &table->bells);
		table->nr_bells++;
		table->nr_free_bells++;
	} else {
		ret = -ENOSPC;
	}
	mutex_unlock(&bell->domain->lock);
	return ret;
}

/**
 * xenemu_bell_add - take an eventfd from the VMM
 * @domain: the domain
 * @fd: the eventfd
 *
 * Return: 0, -EBADF, -EINVAL if it is no eventfd, -ENOSPC for too many, or -ENOMEM.
 */
int xenemu_bell_add(struct xenemu_domain *domain, int fd)
{
	struct bell *bell;
	int ret;

	bell = kzalloc(sizeof(*bell), GFP_KERNEL_ACCOUNT);
	if (!bell)
		return -ENOMEM;
	bell->domain = domain;
	INIT_WORK(&bell->work, ring_work);
	init_waitqueue_func_entry(&bell->wait, wake);
	init_poll_funcptr(&bell->poll, add_to_eventfd);

	bell->file = eventfd_fget(fd);
	if (IS_ERR(bell->file)) {
		ret = PTR_ERR(bell->file);
		goto err_free;
	}
	bell->eventfd = eventfd_ctx_fileget(bell->file);
	if (IS_ERR(bell->eventfd)) {
		ret = PTR_ERR(bell->eventfd);
		goto err_fput;
	}
	vfs_poll(bell->file, &bell->poll);

	ret = publish(bell);
	if (ret)
		free_bell(bell);
	return ret;

err_fput:
	fput(bell->file);
err_free:
	kfree(bell);
	return ret;
}

/**
 * xenemu_bell_destroy - the domain is dead
 * @domain: the domain, to which no eventfd is added any more
 *
 * Context: process context, no lock held; may sleep.
 */
void xenemu_bell_destroy(struct xenemu_domain *domain)
{
	struct bell *bell, *next;
	LIST_HEAD(bells);

	mutex_lock(&domain->lock);
	list_splice_init(&domain->evtchn.bells, &bells);
	WRITE_ONCE(domain->evtchn.nr_free_bells, 0);
	mutex_unlock(&domain->lock);
	list_for_each_entry_safe(bell, next, &bells, link)
		free_bell(bell);
}
