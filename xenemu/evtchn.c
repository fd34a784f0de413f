// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event channels: the table of ports of a domain and the life of a port.
 *
 * A port is found by number under RCU, and what it is may be relied on under
 * its lock. It is closed in three steps. disconnect() makes it closed, so that
 * whoever locks it next sees that, and the one caller for whom it did goes on.
 * Then nothing can reach the port but by its number; KVM, which delivers some
 * ports by itself, is told. remove() takes the number away, so that it can be
 * used again, and the memory goes after a grace period.
 *
 * A port is opened the other way round: it gets a number while it is still
 * closed to all others (XENEMU_PORT_NEW), and all that can fail is done, before
 * commit() opens it.
 *
 * Events go the short way: the sender's thread finds its port, locks it, and
 * that keeps the port at the other end as it is.
 */
#include "evtchn.h"

#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <xen/interface/event_channel.h>

#include "domain.h"
#include "evtchn_bell.h"
#include "evtchn_port.h"
#include "kvm.h"
#include "trace.h"
#include "vcpu.h"

static_assert(EVTCHN_FIFO_NR_CHANNELS - 1 == XENEMU_MAX_PORT);

/* ---- consumers ---- */

/**
 * xenemu_evtchn_consumer_init - prepare a consumer
 * @consumer: the consumer; gets one reference, for its owner
 * @ops: its operations
 */
void xenemu_evtchn_consumer_init(struct xenemu_evtchn_consumer *consumer,
				 const struct xenemu_evtchn_consumer_ops *ops)
{
	consumer->ops = ops;
	kref_init(&consumer->ref);
	consumer->domain = NULL;
	consumer->port = 0;
}

/*
 * @release may drop the last reference to the host, and dom0 goes with it. So
 * the consumer's reference to its domain must be gone by then.
 */
static void release_consumer(struct kref *ref)
{
	struct xenemu_evtchn_consumer *consumer =
		container_of(ref, struct xenemu_evtchn_consumer, ref);

	if (consumer->domain)
		xenemu_domain_put(consumer->domain);
	consumer->ops->release(consumer);
}

/**
 * xenemu_evtchn_consumer_put - drop a reference
 * @consumer: the consumer
 *
 * Context: process context, no lock held; may sleep.
 */
void xenemu_evtchn_consumer_put(struct xenemu_evtchn_consumer *consumer)
{
	kref_put(&consumer->ref, release_consumer);
}

/* ---- delivery ---- */

static void set_pending(struct xenemu_port *port)
{
	struct xenemu_domain *domain = port->domain;
	unsigned long flags;
	bool polled;

	read_lock_irqsave(&domain->page_lock, flags);
	polled = domain->evtchn.abi->set_pending(domain, port);
	read_unlock_irqrestore(&domain->page_lock, flags);
	if (polled)
		xenemu_vcpu_wake_pollers(domain);
}

static void clear_pending(struct xenemu_port *port)
{
	struct xenemu_domain *domain = port->domain;
	unsigned long flags;

	read_lock_irqsave(&domain->page_lock, flags);
	domain->evtchn.abi->clear_pending(domain, port);
	read_unlock_irqrestore(&domain->page_lock, flags);
}

/**
 * xenemu_evtchn_raise - deliver an event
 * @port: the port that gets it
 *
 * Context: any but NMI; under rcu_read_lock() and the lock of the port or of
 * its peer, either of which keeps the port open.
 */
void xenemu_evtchn_raise(struct xenemu_port *port)
{
	struct xenemu_evtchn_consumer *consumer = port->consumer;

	if (!consumer)
		set_pending(port);
	else if (consumer->ops->kick)
		consumer->ops->kick(consumer);
	else
		consumer->ops->notify(consumer);
}

/**
 * xenemu_evtchn_rescan - have a vCPU look for events everywhere
 * @vcpu: the vCPU, which has another vcpu_info now
 *
 * Sets all its selector bits and evtchn_upcall_pending, so that no event is
 * lost that went to the old place.
 *
 * Context: any but NMI; domain->page_lock must not be held.
 */
void xenemu_evtchn_rescan(struct xenemu_vcpu *vcpu)
{
	struct xenemu_domain *domain = vcpu->domain;
	unsigned long flags;

	rcu_read_lock();
	read_lock_irqsave(&domain->page_lock, flags);
	domain->evtchn.abi->rescan(domain, vcpu);
	read_unlock_irqrestore(&domain->page_lock, flags);
	rcu_read_unlock();
}

/* ---- finding and locking ports ---- */

/**
 * xenemu_evtchn_find - look a port up
 * @domain: the domain
 * @number: number of the port; any value
 *
 * Context: under rcu_read_lock(); the memory of the port lasts that long, what
 * it is has to be looked at under its lock.
 * Return: the port, perhaps a closed one, or NULL.
 */
struct xenemu_port *xenemu_evtchn_find(struct xenemu_domain *domain, u32 number)
{
	struct xenemu_evtchn_table *table = &domain->evtchn;

	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "port looked up without RCU");

	if (number > table->max_port)
		return NULL;
	return xa_load(&table->ports, array_index_nospec(number, table->max_port + 1));
}

/* Lock @port and, if that is not NULL, @peer, another port. */
static void lock_ports(struct xenemu_port *port, struct xenemu_port *peer, unsigned long *flags)
	__acquires(&port->lock) __acquires(&peer->lock)
{
	if (!peer) {
		spin_lock_irqsave(&port->lock, *flags);
		/* For sparse, to which there are two locks. */
		__acquire(&peer->lock);
		return;
	}
	if (port > peer)
		swap(port, peer);
	spin_lock_irqsave(&port->lock, *flags);
	spin_lock_nested(&peer->lock, SINGLE_DEPTH_NESTING);
}

static void unlock_ports(struct xenemu_port *port, struct xenemu_port *peer, unsigned long flags)
	__releases(&peer->lock) __releases(&port->lock)
{
	if (peer)
		spin_unlock(&peer->lock);
	else
		__release(&peer->lock);
	spin_unlock_irqrestore(&port->lock, flags);
}

/**
 * xenemu_evtchn_get_consumer - who consumes the events of a port?
 * @domain: the domain
 * @number: number of the port; any value
 *
 * Return: the consumer, with a reference for the caller, or NULL.
 */
struct xenemu_evtchn_consumer *xenemu_evtchn_get_consumer(struct xenemu_domain *domain,
							  u32 number)
{
	struct xenemu_evtchn_consumer *consumer = NULL;
	struct xenemu_port *port;
	unsigned long flags;

	rcu_read_lock();
	port = xenemu_evtchn_find(domain, number);
	if (port && port->consumer) {
		spin_lock_irqsave(&port->lock, flags);
		/* An open port holds a reference, so there is one to get. */
		if (port->state > XENEMU_PORT_NEW) {
			consumer = port->consumer;
			kref_get(&consumer->ref);
		}
		spin_unlock_irqrestore(&port->lock, flags);
	}
	rcu_read_unlock();
	return consumer;
}

/* ---- opening ports ---- */

/**
 * xenemu_evtchn_highest_port - what limits a domain's port numbers
 * @domain: the domain
 *
 * Context: process context, without domain->page_lock.
 * Return: the highest port that the domain can have now.
 */
u32 xenemu_evtchn_highest_port(struct xenemu_domain *domain)
{
	struct xenemu_evtchn_table *table = &domain->evtchn;
	u32 nr;

	if (!domain->domid)
		return table->max_port;

	read_lock_irq(&domain->page_lock);
	nr = table->abi->nr_ports(domain);
	read_unlock_irq(&domain->page_lock);
	return min(table->max_port, nr - 1);
}

/**
 * xenemu_evtchn_new_port - take the lowest free port
 * @domain: domain to have the port
 * @consumer: its consumer, or NULL for the guest
 *
 * Return: the port, not open yet, which the caller commits or discards, or an
 * ERR_PTR(): -ENOSPC, -ENOMEM, or -ENODEV if @domain is dead.
 */
struct xenemu_port *xenemu_evtchn_new_port(struct xenemu_domain *domain,
					   struct xenemu_evtchn_consumer *consumer)
{
	struct xenemu_evtchn_table *table = &domain->evtchn;
	struct xa_limit limit = XA_LIMIT(1, xenemu_evtchn_highest_port(domain));
	struct xenemu_port *port;
	int ret;

	port = kzalloc(sizeof(*port), GFP_KERNEL_ACCOUNT);
	if (!port)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&port->lock);
	port->domain = domain;
	port->consumer = consumer;
	port->state = XENEMU_PORT_NEW;

	xa_lock(&table->ports);
	ret = __xa_alloc(&table->ports, &port->number, port, limit, GFP_KERNEL_ACCOUNT);
	/* A port that gets in before the table is dead is closed like any other. */
	if (!ret && table->dead) {
		__xa_erase(&table->ports, port->number);
		ret = -ENODEV;
	}
	xa_unlock(&table->ports);
	if (ret) {
		kfree_rcu(port, rcu);
		return ERR_PTR(ret == -EBUSY ? -ENOSPC : ret);
	}
	return port;
}

/**
 * xenemu_evtchn_discard - undo xenemu_evtchn_new_port()
 * @port: a port that could not be opened
 */
void xenemu_evtchn_discard(struct xenemu_port *port)
{
	xa_erase(&port->domain->evtchn.ports, port->number);
	kfree_rcu(port, rcu);
}

static int commit(struct xenemu_port *port, enum xenemu_port_state state)
{
	struct xenemu_evtchn_consumer *consumer = port->consumer;

	lockdep_assert_held(&port->lock);

	if (port->state != XENEMU_PORT_NEW)
		return -ENODEV;
	port->state = state;
	if (consumer) {
		kref_get(&consumer->ref);
		consumer->domain = xenemu_domain_get(port->domain);
		consumer->port = port->number;
	}
	return 0;
}

/**
 * xenemu_evtchn_commit - open a new port that has no peer
 * @port: the port, with all that goes with @state filled in
 * @state: what it becomes
 *
 * Return: 0, and the port may go at any time; or -ENODEV if the table died
 * meanwhile, and the caller discards the port.
 */
int xenemu_evtchn_commit(struct xenemu_port *port, enum xenemu_port_state state)
{
	int ret;

	spin_lock_irq(&port->lock);
	ret = commit(port, state);
	spin_unlock_irq(&port->lock);
	return ret;
}

/**
 * xenemu_evtchn_new_unbound - a new port that waits for its peer
 * @domain: domain to have the port
 * @consumer: its consumer, or NULL for the guest
 * @remote_domid: who may bind to it; a domain that exists or not
 * @number: gets the number of the port
 *
 * Return: 0, -ENOSPC, -ENOMEM, or -ENODEV if @domain is dead.
 */
int xenemu_evtchn_new_unbound(struct xenemu_domain *domain,
			      struct xenemu_evtchn_consumer *consumer, u16 remote_domid,
			      u32 *number)
{
	struct xenemu_port *port;
	int ret;

	port = xenemu_evtchn_new_port(domain, consumer);
	if (IS_ERR(port))
		return PTR_ERR(port);
	*number = port->number;
	port->remote_domid = remote_domid;
	ret = xenemu_evtchn_commit(port, XENEMU_PORT_UNBOUND);
	if (ret)
		xenemu_evtchn_discard(port);
	return ret;
}

/**
 * xenemu_evtchn_alloc_unbound - a new port of a guest that waits for its peer
 * @domain: the guest's domain
 * @remote_domid: who may bind to it
 * @port: gets the number of the port
 *
 * Context: process context, takes domain->lock.
 * Return: as xenemu_evtchn_new_unbound(), or -EINVAL for a reserved domid.
 */
int xenemu_evtchn_alloc_unbound(struct xenemu_domain *domain, u32 remote_domid, u32 *port)
{
	int ret;

	if (remote_domid >= DOMID_FIRST_RESERVED)
		return -EINVAL;
	mutex_lock(&domain->lock);
	ret = xenemu_evtchn_new_unbound(domain, NULL, remote_domid, port);
	mutex_unlock(&domain->lock);
	return ret;
}

/* Open the new @port as the peer of @peer, which its domain offered. */
static int connect(struct xenemu_port *port, struct xenemu_port *peer)
{
	unsigned long flags;
	int ret = -EINVAL;

	lock_ports(port, peer, &flags);
	if (peer->state == XENEMU_PORT_UNBOUND && peer->remote_domid == port->domain->domid)
		ret = commit(port, XENEMU_PORT_INTERDOMAIN);
	if (!ret) {
		WRITE_ONCE(port->peer, peer);
		WRITE_ONCE(peer->peer, port);
		peer->state = XENEMU_PORT_INTERDOMAIN;
		/* Whatever was sent before there was a port to send it to. */
		if (!port->consumer)
			set_pending(port);
	}
	unlock_ports(port, peer, flags);
	return ret;
}

/**
 * xenemu_evtchn_new_interdomain - a new port that is bound to another
 * @domain: domain to have the port
 * @consumer: its consumer, or NULL for the guest
 * @remote: domain of the other port; perhaps the same
 * @remote_port: the other port, which must be unbound for @domain; any value
 * @number: gets the number of the port
 *
 * A guest's port is pending at once. A consumer is not notified: it looks for
 * what was sent before by itself.
 *
 * Return: 0, -EINVAL if there is no such port or it is not for us, or as
 * xenemu_evtchn_new_unbound().
 */
int xenemu_evtchn_new_interdomain(struct xenemu_domain *domain,
				  struct xenemu_evtchn_consumer *consumer,
				  struct xenemu_domain *remote, u32 remote_port, u32 *number)
{
	struct xenemu_port *port, *peer;
	int ret = -EINVAL;

	port = xenemu_evtchn_new_port(domain, consumer);
	if (IS_ERR(port))
		return PTR_ERR(port);
	*number = port->number;

	rcu_read_lock();
	peer = xenemu_evtchn_find(remote, remote_port);
	/* In a loopback, any number will do, that of the new port too. */
	if (peer && peer != port)
		ret = connect(port, peer);
	rcu_read_unlock();
	if (ret)
		xenemu_evtchn_discard(port);
	return ret;
}

/**
 * xenemu_evtchn_bind_consumer - a new port for a consumer in the kernel
 * @domain: domain to have the port
 * @consumer: the consumer, not bound yet. After success its port holds a
 *            reference
 * @remote: domain of the port to bind to
 * @remote_port: that port, which must be unbound for @domain; any value
 *
 * Events that were sent before are lost: the caller looks for work after this.
 *
 * Context: process context; may sleep. May be called with store->lock held.
 * Return: what EVTCHNOP_bind_interdomain would.
 */
int xenemu_evtchn_bind_consumer(struct xenemu_domain *domain,
				struct xenemu_evtchn_consumer *consumer,
				struct xenemu_domain *remote, u32 remote_port)
{
	u32 number;

	return xenemu_evtchn_new_interdomain(domain, consumer, remote, remote_port, &number);
}

/* ---- sending ---- */

static void trace_send(struct xenemu_port *port, struct xenemu_port *to)
{
	trace_xenemu_evtchn_send(port->domain->domid, port->number,
				 to->domain->domid, to->number);
}

/**
 * xenemu_evtchn_send - send an event to the other end of a port
 * @domain: domain of the port
 * @number: number of the port; any value
 * @from: the consumer that sends, or NULL for the guest
 *
 * Context: process context, no lock held; may sleep.
 * Return: 0, also if nobody has bound to the port, or -EINVAL for a port that
 * cannot be sent from, or is not the sender's.
 */
int xenemu_evtchn_send(struct xenemu_domain *domain, u32 number,
		       struct xenemu_evtchn_consumer *from)
{
	struct xenemu_evtchn_consumer *to = NULL;
	struct xenemu_port *port;
	unsigned long flags;
	int ret = 0;

	rcu_read_lock();
	port = xenemu_evtchn_find(domain, number);
	if (!port || port->consumer != from) {
		rcu_read_unlock();
		return -EINVAL;
	}
	spin_lock_irqsave(&port->lock, flags);
	switch (port->state) {
	case XENEMU_PORT_INTERDOMAIN:
		trace_send(port, port->peer);
		to = port->peer->consumer;
		if (to)
			kref_get(&to->ref);
		else
			set_pending(port->peer);
		break;
	case XENEMU_PORT_IPI:
		trace_send(port, port);
		set_pending(port);
		break;
	case XENEMU_PORT_UNBOUND:
		break;
	default:
		ret = -EINVAL;
		break;
	}
	spin_unlock_irqrestore(&port->lock, flags);
	rcu_read_unlock();

	if (to) {
		to->ops->notify(to);
		xenemu_evtchn_consumer_put(to);
	}
	return ret;
}

/**
 * xenemu_evtchn_notify_peer - send an event to the other end of a consumer's port
 * @consumer: the consumer, which has been bound
 *
 * Nothing happens if there is no other end.
 *
 * Context: any but NMI, no port locked.
 */
void xenemu_evtchn_notify_peer(struct xenemu_evtchn_consumer *consumer)
{
	struct xenemu_port *port;
	unsigned long flags;

	rcu_read_lock();
	port = xenemu_evtchn_find(consumer->domain, consumer->port);
	if (port && port->consumer == consumer) {
		spin_lock_irqsave(&port->lock, flags);
		if (port->peer) {
			trace_send(port, port->peer);
			xenemu_evtchn_raise(port->peer);
		}
		spin_unlock_irqrestore(&port->lock, flags);
	}
	rcu_read_unlock();
}

/* ---- closing ports ---- */

/*
 * Make a port closed; its peer waits for another. Returns what the port was.
 * If that is more than XENEMU_PORT_NEW, the caller is the one who closed it and
 * calls remove(), and nobody else frees the port; a new port is left to whoever
 * opens it. Under rcu_read_lock().
 */
static enum xenemu_port_state disconnect(struct xenemu_port *port)
{
	enum xenemu_port_state state;
	struct xenemu_port *peer;
	unsigned long flags;

	for (;;) {
		peer = READ_ONCE(port->peer);
		lock_ports(port, peer, &flags);
		if (port->peer == peer)
			break;
		/* It was bound, or its peer closed, just now. */
		unlock_ports(port, peer, flags);
	}
	state = port->state;
	port->state = XENEMU_PORT_CLOSED;
	if (peer) {
		WRITE_ONCE(port->peer, NULL);
		WRITE_ONCE(peer->peer, NULL);
		peer->state = XENEMU_PORT_UNBOUND;
		peer->remote_domid = port->domain->domid;
	}
	unlock_ports(port, peer, flags);
	return state;
}

/* Take away the number of a port that disconnect() closed, which was @state. */
static void remove(struct xenemu_port *port, enum xenemu_port_state state)
{
	struct xenemu_evtchn_table *table = &port->domain->evtchn;

	if (state == XENEMU_PORT_VIRQ)
		xenemu_evtchn_free_virq(port);
	if (!port->consumer)
		clear_pending(port);
	xa_erase(&table->ports, port->number);
	if (port->consumer)
		xenemu_evtchn_consumer_put(port->consumer);
	kfree_rcu(port, rcu);
}

/**
 * xenemu_evtchn_close - close a port of a guest
 * @self: the calling thread's vCPU
 * @number: number of the port; any value
 *
 * Context: process context, under domain->lock.
 * Return: 0 or -EINVAL if it is not the guest's or not open.
 */
int xenemu_evtchn_close(struct xenemu_vcpu *self, u32 number)
{
	enum xenemu_port_state state = XENEMU_PORT_CLOSED;
	struct xenemu_domain *domain = self->domain;
	struct xenemu_port *port;

	lockdep_assert_held(&domain->lock);

	rcu_read_lock();
	port = xenemu_evtchn_find(domain, number);
	if (port && !port->consumer)
		state = disconnect(port);
	rcu_read_unlock();
	if (state <= XENEMU_PORT_NEW)
		return -EINVAL;

	xenemu_evtchn_forget_native(self, port, state);
	remove(port, state);
	return 0;
}

/**
 * xenemu_evtchn_unbind_consumer - close the port of a consumer
 * @consumer: the consumer; nothing happens if it was never bound
 *
 * A notification that has begun may still be going on after this. The owner's
 * reference stays.
 *
 * Context: process context; may sleep. May be called with store->lock held.
 */
void xenemu_evtchn_unbind_consumer(struct xenemu_evtchn_consumer *consumer)
{
	enum xenemu_port_state state = XENEMU_PORT_CLOSED;
	struct xenemu_port *port;

	if (!consumer->domain)
		return;

	rcu_read_lock();
	port = xenemu_evtchn_find(consumer->domain, consumer->port);
	if (port && port->consumer == consumer)
		state = disconnect(port);
	rcu_read_unlock();
	if (state > XENEMU_PORT_NEW)
		remove(port, state);
}

/**
 * xenemu_evtchn_reset - close every port that the guest owns
 * @self: the calling thread's vCPU, or NULL
 * @domain: the domain
 *
 * Ports of consumers stay.
 *
 * Context: process context of the VMM, takes domain->lock.
 */
void xenemu_evtchn_reset(struct xenemu_vcpu *self, struct xenemu_domain *domain)
{
	enum xenemu_port_state state;
	struct xenemu_port *port;
	unsigned long number;

	mutex_lock(&domain->lock);
	/* All at once: KVM waits for a grace period each time. */
	xenemu_kvm_reset_ports(domain, self);
	xenemu_bell_take_all(domain);

	rcu_read_lock();
	xa_for_each(&domain->evtchn.ports, number, port) {
		if (port->consumer)
			continue;
		state = disconnect(port);
		rcu_read_unlock();
		if (state == XENEMU_PORT_VIRQ)
			xenemu_evtchn_forget_native(self, port, state);
		if (state > XENEMU_PORT_NEW)
			remove(port, state);
		cond_resched();
		rcu_read_lock();
	}
	rcu_read_unlock();
	mutex_unlock(&domain->lock);
}

/* ---- life of the table ---- */

/**
 * xenemu_evtchn_init - a table without ports
 * @domain: the domain
 * @max_port: highest port it may have; 0 means what the ABI allows
 *
 * Return: 0.
 */
int xenemu_evtchn_init(struct xenemu_domain *domain, u32 max_port)
{
	struct xenemu_evtchn_table *table = &domain->evtchn;

	table->max_port = max_port ? min(max_port, XENEMU_MAX_PORT) : XENEMU_MAX_PORT;
	table->abi = &xenemu_evtchn_2l;
	xa_init_flags(&table->ports, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	xa_init_flags(&table->virqs, XA_FLAGS_ACCOUNT);
	INIT_LIST_HEAD(&table->bells);
	return 0;
}

/**
 * xenemu_evtchn_destroy - the domain is dead: close every port
 * @domain: the domain, none of whose vCPUs is in a hypercall any more
 *
 * Each peer waits for the dead domain's number from now on. What KVM knows of
 * ports is the VM's own affair, which ends with it.
 *
 * Context: process context, no lock held; may sleep.
 */
void xenemu_evtchn_destroy(struct xenemu_domain *domain)
{
	struct xenemu_evtchn_table *table = &domain->evtchn;
	enum xenemu_port_state state;
	struct xenemu_port *port;
	unsigned long number;

	xenemu_bell_destroy(domain);

	xa_lock(&table->ports);
	table->dead = true;
	xa_unlock(&table->ports);

	rcu_read_lock();
	xa_for_each(&table->ports, number, port) {
		state = disconnect(port);
		rcu_read_unlock();
		if (state > XENEMU_PORT_NEW)
			remove(port, state);
		cond_resched();
		rcu_read_lock();
	}
	rcu_read_unlock();
}

/**
 * xenemu_evtchn_free - the end of the table
 * @domain: the domain, which nobody can reach any more
 */
void xenemu_evtchn_free(struct xenemu_domain *domain)
{
	xa_destroy(&domain->evtchn.virqs);
	xa_destroy(&domain->evtchn.ports);
}
