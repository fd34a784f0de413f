// SPDX-License-Identifier: GPL-2.0-only
/*
 * The evtchn fd: event channels of a domain for a process, with the interface
 * that Linux has at /dev/xen/evtchn.
 *
 * read() returns the numbers of ports that had an event. Such a port is masked,
 * and costs nothing more than a flag whatever is sent to it, until its number is
 * given back by write(). Linux keeps the numbers in a ring, which overflows when
 * ports come and go. Here each port is on the list of those to be read or it is
 * not, so that there is always room and read() never fails with EFBIG.
 *
 * Lifetimes: an end point is the consumer of a port, so it lives until it has
 * been unbound and the last notification is over. It holds the queue, which so
 * outlives its file, and the queue holds the domain and the host.
 */
#include "evtchn.h"

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <xen/evtchn.h>
#include <xen/interface/event_channel.h>

#include "domain.h"
#include "evtchn_port.h"
#include "host.h"
#include "ioctl.h"

/* Ports copied from or to the process at a time, by way of the stack. */
#define BATCH		64
/* What one read() or write() takes, as in Linux. */
#define MAX_BYTES	PAGE_SIZE

/**
 * struct queue - an open evtchn fd
 * @ref: held by the file and by each end point
 * @host: host it was opened on; a reference
 * @domain: domain in whose place the process acts; a reference
 * @bind_lock: protects what follows, and serializes what opens and closes ports.
 *             Taken outside all locks of domain.h
 * @endpoints: every port of the fd
 * @nr_endpoints: number of them
 * @restricted: the fd can only bind to ports of @restrict_domid any more
 * @restrict_domid: see @restricted
 * @lock: protects @ready and the members of struct endpoint that say so. Taken
 *        inside the lock of a port
 * @ready: end points with an event to be read
 * @wait: who waits for @ready
 * @fasync: who wants SIGIO for @ready
 */
struct queue {
	struct kref ref;
	struct xenemu_host *host;
	struct xenemu_domain *domain;

	struct mutex bind_lock;

	struct list_head endpoints;
	u32 nr_endpoints;
	bool restricted;
	u16 restrict_domid;

	spinlock_t lock;

	struct list_head ready;

	wait_queue_head_t wait;
	struct fasync_struct *fasync;
};

/**
 * struct endpoint - a port of an evtchn fd
 * @consumer: what its port knows of it
 * @queue: the fd; a reference
 * @entry: in queue->endpoints
 * @node: in queue->ready if @queued; protected, as what follows, by queue->lock
 * @queued: to be read
 * @masked: had an event since it was last written back
 * @pending: had another one since
 * @unbound: the fd has it no more
 */
struct endpoint {
	struct xenemu_evtchn_consumer consumer;
	struct queue *queue;
	struct list_head entry;

	struct list_head node;
	bool queued;
	bool masked;
	bool pending;
	bool unbound;
};

static struct endpoint *to_endpoint(struct xenemu_evtchn_consumer *consumer)
{
	return container_of(consumer, struct endpoint, consumer);
}

/* ---- queue ---- */

static void free_queue(struct kref *ref)
{
	struct queue *queue = container_of(ref, struct queue, ref);

	xenemu_domain_put(queue->domain);
	xenemu_host_put(queue->host);
	mutex_destroy(&queue->bind_lock);
	kfree(queue);
}

static void wake_readers(struct queue *queue)
{
	wake_up_interruptible_poll(&queue->wait, EPOLLIN | EPOLLRDNORM);
	kill_fasync(&queue->fasync, SIGIO, POLL_IN);
}

/*
 * The end point, which is not masked, has an event: it is to be read, and
 * masked from now on. Returns true if that is news for readers. A list that
 * was not empty has woken them.
 */
static bool make_ready(struct endpoint *ep)
{
	struct queue *queue = ep->queue;
	bool was_empty = list_empty(&queue->ready);

	lockdep_assert_held(&queue->lock);

	ep->masked = true;
	if (ep->queued)
		return false;
	ep->queued = true;
	/* From a reader's batch, if that has not been thrown away yet. */
	list_move_tail(&ep->node, &queue->ready);
	return was_empty;
}

/* Any context but NMI, perhaps with a port locked. */
static void notify(struct xenemu_evtchn_consumer *consumer)
{
	struct endpoint *ep = to_endpoint(consumer);
	struct queue *queue = ep->queue;
	unsigned long flags;
	bool wake = false;

	spin_lock_irqsave(&queue->lock, flags);
	if (ep->masked)
		ep->pending = true;
	else if (!ep->unbound)
		wake = make_ready(ep);
	spin_unlock_irqrestore(&queue->lock, flags);
	if (wake)
		wake_readers(queue);
}

/* The process gave the port back. */
static void unmask(struct endpoint *ep)
{
	struct queue *queue = ep->queue;
	bool wake = false;

	spin_lock_irq(&queue->lock);
	ep->masked = false;
	if (ep->pending && !ep->unbound) {
		ep->pending = false;
		wake = make_ready(ep);
	}
	spin_unlock_irq(&queue->lock);
	if (wake)
		wake_readers(queue);
}

/* ---- end points ---- */

static void release_endpoint(struct xenemu_evtchn_consumer *consumer)
{
	struct endpoint *ep = to_endpoint(consumer);
	struct queue *queue = ep->queue;

	kfree(ep);
	kref_put(&queue->ref, free_queue);
}

static const struct xenemu_evtchn_consumer_ops endpoint_ops = {
	.notify		= notify,
	.release	= release_endpoint,
};

/* A new end point, in the fd's list but not bound yet. */
static struct endpoint *new_endpoint(struct queue *queue)
{
	struct endpoint *ep;

	lockdep_assert_held(&queue->bind_lock);

	ep = kzalloc(sizeof(*ep), GFP_KERNEL_ACCOUNT);
	if (!ep)
		return NULL;
	xenemu_evtchn_consumer_init(&ep->consumer, &endpoint_ops);
	INIT_LIST_HEAD(&ep->node);
	kref_get(&queue->ref);
	ep->queue = queue;
	list_add(&ep->entry, &queue->endpoints);
	queue->nr_endpoints++;
	return ep;
}

/*
 * The end of an end point, bound or not. Nothing is read of it after this. Its
 * port goes first, so that no more than what is under way comes after.
 */
static void remove_endpoint(struct endpoint *ep)
{
	struct queue *queue = ep->queue;

	lockdep_assert_held(&queue->bind_lock);

	xenemu_evtchn_unbind_consumer(&ep->consumer);
	spin_lock_irq(&queue->lock);
	ep->unbound = true;
	ep->queued = false;
	list_del_init(&ep->node);
	spin_unlock_irq(&queue->lock);
	list_del(&ep->entry);
	queue->nr_endpoints--;
	xenemu_evtchn_consumer_put(&ep->consumer);
}

/* The fd's end point at a port, with a reference for the caller, or NULL. */
static struct endpoint *get_endpoint(struct queue *queue, u32 port)
{
	struct xenemu_evtchn_consumer *consumer;

	consumer = xenemu_evtchn_get_consumer(queue->domain, port);
	if (!consumer)
		return NULL;
	if (consumer->ops == &endpoint_ops && to_endpoint(consumer)->queue == queue)
		return to_endpoint(consumer);
	xenemu_evtchn_consumer_put(consumer);
	return NULL;
}

static void put_endpoint(struct endpoint *ep)
{
	xenemu_evtchn_consumer_put(&ep->consumer);
}

/* ---- read, write, poll ---- */

/* Move up to @nr end points from the head of the list to a batch of the reader's. */
static u32 take_batch(struct queue *queue, struct list_head *batch, u32 *ports, u32 nr)
{
	struct endpoint *ep;
	u32 n = 0;

	spin_lock_irq(&queue->lock);
	while (n < nr && !list_empty(&queue->ready)) {
		ep = list_first_entry(&queue->ready, struct endpoint, node);
		ep->queued = false;
		list_move_tail(&ep->node, batch);
		ports[n++] = ep->consumer.port;
	}
	spin_unlock_irq(&queue->lock);
	return n;
}

/*
 * The batch has reached the process. An end point that it has given back
 * already, and that had an event, has left the batch.
 */
static void drop_batch(struct queue *queue, struct list_head *batch)
{
	spin_lock_irq(&queue->lock);
	while (!list_empty(batch))
		list_del_init(batch->next);
	spin_unlock_irq(&queue->lock);
}

/* The batch has not: it is read again next time. */
static void return_batch(struct queue *queue, struct list_head *batch)
{
	struct endpoint *ep;

	spin_lock_irq(&queue->lock);
	list_for_each_entry(ep, batch, node)
		ep->queued = true;
	list_splice(batch, &queue->ready);
	spin_unlock_irq(&queue->lock);
	wake_readers(queue);
}

/* Bytes read, perhaps 0, or -EFAULT. */
static ssize_t read_ready(struct queue *queue, u32 __user *buf, u32 nr)
{
	u32 ports[BATCH];
	LIST_HEAD(batch);
	u32 done = 0;
	u32 n;

	while (done < nr) {
		n = take_batch(queue, &batch, ports, min(nr - done, BATCH));
		if (!n)
			break;
		if (copy_to_user(buf + done, ports, n * sizeof(*ports))) {
			return_batch(queue, &batch);
			if (!done)
				return -EFAULT;
			break;
		}
		drop_batch(queue, &batch);
		done += n;
	}
	return done * sizeof(*ports);
}

static bool is_ready(struct queue *queue)
{
	return !list_empty(&queue->ready);
}

static ssize_t evtchn_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	struct queue *queue = file->private_data;
	u32 nr = min(count, MAX_BYTES) / sizeof(u32);
	ssize_t ret;

	while (nr) {
		ret = read_ready(queue, (u32 __user *)buf, nr);
		if (ret)
			return ret;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		ret = wait_event_interruptible(queue->wait, is_ready(queue));
		if (ret)
			return ret;
	}
	return 0;
}

/* Numbers of ports that are not the fd's are ignored, as Linux does. */
static ssize_t evtchn_write(struct file *file, const char __user *buf, size_t count,
			    loff_t *pos)
{
	struct queue *queue = file->private_data;
	u32 nr = min(count, MAX_BYTES) / sizeof(u32);
	struct endpoint *ep;
	u32 ports[BATCH];
	u32 done = 0;
	u32 n, i;

	while (done < nr) {
		n = min(nr - done, BATCH);
		if (copy_from_user(ports, buf + done * sizeof(*ports), n * sizeof(*ports)))
			return done ? done * sizeof(*ports) : -EFAULT;
		for (i = 0; i < n; i++) {
			ep = get_endpoint(queue, ports[i]);
			if (ep) {
				unmask(ep);
				put_endpoint(ep);
			}
		}
		done += n;
	}
	return done * sizeof(*ports);
}

static __poll_t evtchn_poll(struct file *file, poll_table *wait)
{
	struct queue *queue = file->private_data;
	__poll_t mask = EPOLLOUT | EPOLLWRNORM;

	poll_wait(file, &queue->wait, wait);
	if (is_ready(queue))
		mask |= EPOLLIN | EPOLLRDNORM;
	return mask;
}

static int evtchn_fasync(int fd, struct file *file, int on)
{
	struct queue *queue = file->private_data;

	return fasync_helper(fd, file, on, &queue->fasync);
}

/* ---- ioctls ---- */

static long bind_virq(struct queue *queue, void __user *uarg)
{
	struct ioctl_evtchn_bind_virq args;
	struct endpoint *ep;
	u32 port;
	int ret;

	if (queue->restricted)
		return -EACCES;
	if (copy_from_user(&args, uarg, sizeof(args)))
		return -EFAULT;
	ep = new_endpoint(queue);
	if (!ep)
		return -ENOMEM;
	ret = xenemu_evtchn_new_virq(queue->domain, &ep->consumer, args.virq, 0, &port);
	if (ret) {
		remove_endpoint(ep);
		return ret;
	}
	return port;
}

static u32 resolve(struct queue *queue, u32 domid)
{
	return domid == DOMID_SELF ? queue->domain->domid : domid;
}

static long bind_interdomain(struct queue *queue, void __user *uarg)
{
	struct ioctl_evtchn_bind_interdomain args;
	struct xenemu_domain *remote;
	struct endpoint *ep;
	u32 port;
	int ret;

	if (copy_from_user(&args, uarg, sizeof(args)))
		return -EFAULT;
	if (queue->restricted && queue->restrict_domid != args.remote_domain)
		return -EACCES;
	remote = xenemu_host_get_domain(queue->host, resolve(queue, args.remote_domain));
	if (!remote)
		return -ESRCH;

	ep = new_endpoint(queue);
	if (!ep) {
		ret = -ENOMEM;
		goto out;
	}
	ret = xenemu_evtchn_new_interdomain(queue->domain, &ep->consumer, remote,
					    args.remote_port, &port);
	if (ret) {
		remove_endpoint(ep);
		goto out;
	}
	/* What was sent before must not be lost. */
	notify(&ep->consumer);
	ret = port;
out:
	xenemu_domain_put(remote);
	return ret;
}

static long bind_unbound_port(struct queue *queue, void __user *uarg)
{
	struct ioctl_evtchn_bind_unbound_port args;
	struct endpoint *ep;
	u32 port;
	int ret;

	if (queue->restricted)
		return -EACCES;
	if (copy_from_user(&args, uarg, sizeof(args)))
		return -EFAULT;
	if (args.remote_domain > U16_MAX)
		return -EINVAL;
	ep = new_endpoint(queue);
	if (!ep)
		return -ENOMEM;
	ret = xenemu_evtchn_new_unbound(queue->domain, &ep->consumer,
					resolve(queue, args.remote_domain), &port);
	if (ret) {
		remove_endpoint(ep);
		return ret;
	}
	return port;
}

static long unbind(struct queue *queue, void __user *uarg)
{
	struct ioctl_evtchn_unbind args;
	struct endpoint *ep;

	if (copy_from_user(&args, uarg, sizeof(args)))
		return -EFAULT;
	if (args.port > queue->domain->evtchn.max_port)
		return -EINVAL;
	ep = get_endpoint(queue, args.port);
	if (!ep)
		return -ENOTCONN;
	remove_endpoint(ep);
	put_endpoint(ep);
	return 0;
}

static long send(struct queue *queue, void __user *uarg)
{
	struct ioctl_evtchn_notify args;
	struct endpoint *ep;

	if (copy_from_user(&args, uarg, sizeof(args)))
		return -EFAULT;
	ep = get_endpoint(queue, args.port);
	if (!ep)
		return -ENOTCONN;
	/* A VIRQ has no other end, which is no error of Linux's either. */
	xenemu_evtchn_send(queue->domain, args.port, &ep->consumer);
	put_endpoint(ep);
	return 0;
}

/*
 * Forget what is to be read; the ports stay masked until written back. There is
 * at most one entry for each port, and what comes now goes to the tail, so that
 * this many from the head are all that are there.
 */
static long reset(struct queue *queue)
{
	u32 left = queue->nr_endpoints;
	u32 ports[BATCH];
	LIST_HEAD(batch);
	u32 n;

	lockdep_assert_held(&queue->bind_lock);

	for (; left; left -= n) {
		n = take_batch(queue, &batch, ports, min(left, BATCH));
		if (!n)
			break;
		drop_batch(queue, &batch);
		cond_resched();
	}
	return 0;
}

static long restrict_domid(struct queue *queue, void __user *uarg)
{
	struct ioctl_evtchn_restrict_domid args;

	if (queue->restricted)
		return -EACCES;
	if (copy_from_user(&args, uarg, sizeof(args)))
		return -EFAULT;
	if (!args.domid || args.domid >= DOMID_FIRST_RESERVED)
		return -EINVAL;
	queue->restricted = true;
	queue->restrict_domid = args.domid;
	return 0;
}

/*
 * IOCTL_EVTCHN_BIND_STATIC is for ports that Xen makes from a device tree. There
 * are none here, and no such ioctl.
 */
static long evtchn_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct queue *queue = file->private_data;
	void __user *uarg = (void __user *)arg;
	long ret;

	/* It needs no lock, and is the one that has to be fast. */
	if (cmd == IOCTL_EVTCHN_NOTIFY)
		return send(queue, uarg);

	mutex_lock(&queue->bind_lock);
	switch (cmd) {
	case IOCTL_EVTCHN_BIND_VIRQ:
		ret = bind_virq(queue, uarg);
		break;
	case IOCTL_EVTCHN_BIND_INTERDOMAIN:
		ret = bind_interdomain(queue, uarg);
		break;
	case IOCTL_EVTCHN_BIND_UNBOUND_PORT:
		ret = bind_unbound_port(queue, uarg);
		break;
	case IOCTL_EVTCHN_UNBIND:
		ret = unbind(queue, uarg);
		break;
	case IOCTL_EVTCHN_RESET:
		ret = reset(queue);
		break;
	case IOCTL_EVTCHN_RESTRICT_DOMID:
		ret = restrict_domid(queue, uarg);
		break;
	default:
		ret = -ENOTTY;
		break;
	}
	mutex_unlock(&queue->bind_lock);
	return ret;
}

/* ---- life ---- */

static int evtchn_release(struct inode *inode, struct file *file)
{
	struct queue *queue = file->private_data;
	struct endpoint *ep, *next;

	mutex_lock(&queue->bind_lock);
	list_for_each_entry_safe(ep, next, &queue->endpoints, entry) {
		remove_endpoint(ep);
		cond_resched();
	}
	mutex_unlock(&queue->bind_lock);
	kref_put(&queue->ref, free_queue);
	return 0;
}

static const struct file_operations evtchn_fops = {
	.owner		= THIS_MODULE,
	.release	= evtchn_release,
	.read		= evtchn_read,
	.write		= evtchn_write,
	.poll		= evtchn_poll,
	.fasync		= evtchn_fasync,
	.unlocked_ioctl	= evtchn_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

/**
 * xenemu_evtchn_open - XENEMU_HOST_OPEN_EVTCHN
 * @host: the host
 * @domid: domain to act as; any value
 *
 * Return: a new fd, -ENOENT if there is no such domain, or another errno.
 */
int xenemu_evtchn_open(struct xenemu_host *host, u32 domid)
{
	struct xenemu_domain *domain;
	struct queue *queue;
	int ret;

	domain = xenemu_host_get_domain(host, domid);
	if (!domain)
		return -ENOENT;
	queue = kzalloc(sizeof(*queue), GFP_KERNEL_ACCOUNT);
	if (!queue) {
		xenemu_domain_put(domain);
		return -ENOMEM;
	}
	kref_init(&queue->ref);
	queue->host = xenemu_host_get(host);
	queue->domain = domain;
	mutex_init(&queue->bind_lock);
	INIT_LIST_HEAD(&queue->endpoints);
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->ready);
	init_waitqueue_head(&queue->wait);

	ret = xenemu_ioctl_new_fd("xenemu-evtchn", &evtchn_fops, queue, O_RDWR);
	if (ret < 0)
		kref_put(&queue->ref, free_queue);
	return ret;
}
