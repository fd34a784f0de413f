// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rings of guests: what carries XenStore's messages between a guest's
 * shared page and the guest's connection to the store.
 *
 * A ring is served by one thread at a time, its owner. Whoever has news for it
 * (an event from the guest, output of the store) becomes the owner if there is
 * none, else tells the owner to look again; so no news is lost and nobody
 * waits. An event from the guest is served at once, on the vCPU's thread, so
 * that it finds its answer when it is entered again. One turn of an owner is
 * bounded; what is left over goes to a workqueue, and with it the ownership,
 * until the guest's next event takes it back.
 *
 * The ring keeps neither the domain nor the host alive. It ends in
 * xenemu_ring_detach(), when the domain dies or is released, and its memory
 * with the last event under way.
 */
#include "ring.h"

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/kref.h>
#include <linux/memcontrol.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "../access.h"
#include "../domain.h"
#include "../evtchn.h"
#include "../host.h"
#include "../trace.h"
#include "ring_core.h"
#include "store.h"

/* Steps of one turn: as many as a full ring can have requests. */
#define TURN_STEPS	64
/* Pieces of output of one step, should the guest read as fast as we write. */
#define STEP_PIECES	16

/* Bits of ring->state. */
#define OWNED		BIT(0)
#define AGAIN		BIT(1)

/**
 * struct ring_port - the store's end of a guest's event channel
 * @consumer: the port, and the references to this
 * @ring: a reference
 * @remote_port: the guest's end, as the toolstack named it
 *
 * Another object than the ring, for a repeated INTRODUCE brings another port.
 */
struct ring_port {
	struct xenemu_evtchn_consumer consumer;
	struct xenemu_ring *ring;
	u32 remote_port;
};

/**
 * struct xenemu_ring - a guest's ring
 * @ref: held by who attached it and by each of its ports
 * @domid: number of the guest's domain
 * @memcg: who pays for what the guest makes the store keep; NULL for nobody
 * @work: serves the ring where no vCPU's thread does
 * @state: OWNED while somebody serves the ring, or is about to; AGAIN if there
 *         was news meanwhile
 * @lock: held by the owner while it serves, and by who attaches and detaches;
 *        outside store->lock, inside sdomain->admin_lock. Protects the following
 * @conn: connection to the store; NULL once detached. Its wake callback runs
 *        under no lock of ours, and not after xenemu_conn_destroy()
 * @page: the guest's page; NULL once detached
 * @port: its event channel; NULL once detached, or while being replaced
 * @request: what has been read of the next request. Complete if the store could
 *           not take it yet
 * @paused: nothing in the page is to change
 */
struct xenemu_ring {
	struct kref ref;
	u16 domid;
	struct mem_cgroup *memcg;
	struct work_struct work;
	atomic_t state;

	/* protects the following */
	struct mutex lock;

	struct xenemu_conn *conn;
	struct xenemu_page *page;
	struct ring_port *port;
	struct xenemu_incoming request;
	bool paused;
};

static void free_ring(struct kref *ref)
{
	struct xenemu_ring *ring = container_of(ref, struct xenemu_ring, ref);

	mem_cgroup_put(ring->memcg);
	mutex_destroy(&ring->lock);
	kfree(ring);
}

struct xenemu_ring *xenemu_ring_get(struct xenemu_ring *ring)
{
	kref_get(&ring->ref);
	return ring;
}

void xenemu_ring_put(struct xenemu_ring *ring)
{
	kref_put(&ring->ref, free_ring);
}

/* ---- Serving ---- */

/*
 * The guest broke the rules. It can read which, and it is not served until it
 * reconnects or is introduced again.
 */
static void fail(struct xenemu_ring *ring, u32 error)
{
	struct xenstore_domain_interface *shared = ring->page->va;

	lockdep_assert_held(&ring->lock);

	xenemu_conn_kill(ring->conn);
	WRITE_ONCE(shared->error, error);
}

/* Forget all that was under way. The guest does not touch the ring meanwhile. */
static int reset(struct xenemu_ring *ring)
{
	struct xenstore_domain_interface *shared = ring->page->va;
	int ret;

	lockdep_assert_held(&ring->lock);

	ret = xenemu_conn_reset(ring->conn);
	if (ret)
		return ret;
	xenemu_conn_next_input(ring->conn, &ring->request);
	xenemu_ring_core_reset(shared);
	xenemu_ring_core_greet(shared, xenemu_conn_features(ring->conn));
	return 0;
}

/*
 * Move output to the guest. Returns 1 if it ended before output and room did,
 * 0, or -ERANGE.
 */
static int push_output(struct xenemu_ring *ring, bool *tell)
{
	struct xenstore_domain_interface *shared = ring->page->va;
	unsigned int i;
	u32 prod, len;
	char *to;
	int room;

	lockdep_assert_held(&ring->lock);

	for (i = 0; i < STEP_PIECES; i++) {
		if (!xenemu_conn_has_output(ring->conn))
			return 0;
		room = xenemu_ring_core_space(shared, &to, &prod);
		if (room <= 0)
			return room;
		len = xenemu_conn_read(ring->conn, to, room);
		xenemu_ring_core_produce(shared, prod + len);
		*tell = true;
	}
	return 1;
}

/* Returns 1 if a request was carried out, 0 if none can be now, or an error of the guest. */
static int take_request(struct xenemu_ring *ring, bool *tell)
{
	struct xenemu_incoming *request = &ring->request;
	int ret;

	lockdep_assert_held(&ring->lock);

	/* What is not read stays in the ring: a guest that does not listen waits. */
	if (!xenemu_conn_may_accept(ring->conn))
		return 0;
	xenemu_conn_feed(ring->conn, request);
	ret = xenemu_ring_core_pull(ring->page->va, request, tell);
	if (ret <= 0)
		return ret;
	trace_xenemu_store_request(ring->domid, request->hdr.type, request->hdr.tx_id,
				   request->hdr.len);
	ret = xenemu_conn_request(ring->conn, &request->hdr, request->body);
	if (ret)
		return 0;
	xenemu_conn_next_input(ring->conn, request);
	return 1;
}

/* One step of serving. Returns whether another may find something to do. */
static bool step(struct xenemu_ring *ring, bool *tell)
{
	struct xenstore_domain_interface *shared;
	int ret;

	lockdep_assert_held(&ring->lock);

	if (!ring->conn || ring->paused)
		return false;
	shared = ring->page->va;
	if (READ_ONCE(shared->connection) == XENSTORE_RECONNECT &&
	    xenemu_conn_features(ring->conn) & XENEMU_XS_FEATURE_RECONNECTION) {
		if (reset(ring))
			return false;
		*tell = true;
		return true;
	}
	if (xenemu_conn_is_dead(ring->conn))
		return false;

	ret = push_output(ring, tell);
	if (!ret)
		ret = take_request(ring, tell);
	if (ret >= 0)
		return ret;

	fail(ring, ret == -EMSGSIZE ? XENSTORE_ERROR_PROTO : XENSTORE_ERROR_RINGIDX);
	*tell = true;
	return false;
}

/* The owner's turn. */
static void serve(struct xenemu_ring *ring)
{
	bool tell = false;
	unsigned int i;

	mutex_lock(&ring->lock);
	for (i = 0; i < TURN_STEPS; i++) {
		/* A full barrier: news from here on is seen by the step, or kept. */
		atomic_fetch_andnot(AGAIN, &ring->state);
		if (step(ring, &tell))
			continue;
		if (atomic_cmpxchg(&ring->state, OWNED, 0) == OWNED)
			break;
	}
	if (tell && ring->port)
		xenemu_evtchn_notify_peer(&ring->port->consumer);
	/* Under the lock, so that xenemu_ring_detach() finds the work or there is none. */
	if (i == TURN_STEPS && ring->conn)
		queue_work(system_dfl_wq, &ring->work);
	mutex_unlock(&ring->lock);
}

/* Not on a thread of the VMM, but on its account. */
static void serve_work(struct work_struct *work)
{
	struct xenemu_ring *ring = container_of(work, struct xenemu_ring, work);
	struct mem_cgroup *old = set_active_memcg(ring->memcg);

	serve(ring);
	set_active_memcg(old);
}

/* There is news. Returns true if the caller has become the owner. */
static bool own(struct xenemu_ring *ring)
{
	return !(atomic_fetch_or(OWNED | AGAIN, &ring->state) & OWNED);
}

/* From any context, locks of the store held. */
static void wake(void *priv)
{
	struct xenemu_ring *ring = priv;

	if (own(ring))
		queue_work(system_dfl_wq, &ring->work);
}

static const struct xenemu_conn_ops conn_ops = {
	.wake	= wake,
};

/* ---- The event channel ---- */

/* On the thread of the vCPU that sent the event. */
static void notify(struct xenemu_evtchn_consumer *consumer)
{
	struct xenemu_ring *ring = container_of(consumer, struct ring_port, consumer)->ring;

	/* Work that has not begun is the guest's own: so it takes less time than waiting. */
	if (own(ring) || cancel_work(&ring->work))
		serve(ring);
}

/* The other end is not a guest's: from any context, a port locked. */
static void kick(struct xenemu_evtchn_consumer *consumer)
{
	wake(container_of(consumer, struct ring_port, consumer)->ring);
}

static void release(struct xenemu_evtchn_consumer *consumer)
{
	struct ring_port *port = container_of(consumer, struct ring_port, consumer);

	xenemu_ring_put(port->ring);
	kfree(port);
}

static const struct xenemu_evtchn_consumer_ops consumer_ops = {
	.notify		= notify,
	.kick		= kick,
	.release	= release,
};

static struct ring_port *bind_port(struct xenemu_ring *ring, struct xenemu_domain *domain,
				   u32 remote_port)
{
	struct ring_port *port;
	int ret;

	port = kzalloc(sizeof(*port), GFP_KERNEL_ACCOUNT);
	if (!port)
		return ERR_PTR(-ENOMEM);
	port->ring = xenemu_ring_get(ring);
	port->remote_port = remote_port;
	xenemu_evtchn_consumer_init(&port->consumer, &consumer_ops);
	ret = xenemu_evtchn_bind_consumer(domain->host->dom0, &port->consumer, domain,
					  remote_port);
	if (ret) {
		xenemu_evtchn_consumer_put(&port->consumer);
		return ERR_PTR(ret);
	}
	return port;
}

static void unbind_port(struct ring_port *port)
{
	if (!port)
		return;
	xenemu_evtchn_unbind_consumer(&port->consumer);
	xenemu_evtchn_consumer_put(&port->consumer);
}

/* ---- Attaching and detaching ---- */

static struct xenemu_page *pin_page(struct xenemu_domain *domain, u64 gfn)
{
	struct xenemu_page *page;

	page = xenemu_page_pin(domain, gfn, true);
	/* XenStore has other meanings for ENOENT and EACCES. */
	if (IS_ERR(page) && PTR_ERR(page) != -ENOMEM)
		return ERR_PTR(-EINVAL);
	return page;
}

/**
 * xenemu_ring_attach - connect a guest's ring to the store
 * @store: the store
 * @domain: the guest
 * @gfn: its ring page; any value
 * @port: its port, unbound for dom0; any value
 *
 * Nothing is served before xenemu_ring_start().
 *
 * Context: process context, may sleep; under the domain's admin_lock.
 * Return: the ring, with a reference for the caller, or an ERR_PTR().
 */
struct xenemu_ring *xenemu_ring_attach(struct xenemu_store *store, struct xenemu_domain *domain,
				       u64 gfn, u32 port)
{
	struct xenemu_ring *ring;
	int ret;

	ring = kzalloc(sizeof(*ring), GFP_KERNEL_ACCOUNT);
	if (!ring)
		return ERR_PTR(-ENOMEM);
	kref_init(&ring->ref);
	ring->domid = domain->domid;
	ring->memcg = get_mem_cgroup_from_mm(domain->mm);
	mutex_init(&ring->lock);
	INIT_WORK(&ring->work, serve_work);
	atomic_set(&ring->state, OWNED);

	ring->page = pin_page(domain, gfn);
	if (IS_ERR(ring->page)) {
		ret = PTR_ERR(ring->page);
		goto err_put_ring;
	}
	ring->conn = xenemu_conn_create(store, domain->domid, XENEMU_CONN_RING, &conn_ops, ring);
	if (IS_ERR(ring->conn)) {
		ret = PTR_ERR(ring->conn);
		goto err_put_page;
	}
	xenemu_conn_set_input(ring->conn, &ring->request);
	xenemu_conn_set_ring(ring->conn, port, gfn);
	ring->port = bind_port(ring, domain, port);
	if (IS_ERR(ring->port)) {
		ret = PTR_ERR(ring->port);
		goto err_destroy_conn;
	}
	return ring;

err_destroy_conn:
	xenemu_conn_destroy(ring->conn);
err_put_page:
	xenemu_page_put(ring->page);
err_put_ring:
	xenemu_ring_put(ring);
	return ERR_PTR(ret);
}

/**
 * xenemu_ring_pause - leave a ring alone, or go on with it
 * @ring: the ring
 * @paused: which of them
 *
 * When it returns with @paused, nothing in the page changes any more.
 *
 * Context: process context, may sleep.
 */
void xenemu_ring_pause(struct xenemu_ring *ring, bool paused)
{
	mutex_lock(&ring->lock);
	ring->paused = paused;
	mutex_unlock(&ring->lock);
	if (!paused)
		wake(ring);
}

/**
 * xenemu_ring_start - serve a ring that was attached
 * @ring: the ring
 *
 * What the guest has written before is served too: it may have been started
 * before its XenStore. If its connection was restored, the guest is in the middle of
 * something, and finds the page as it left it.
 */
void xenemu_ring_start(struct xenemu_ring *ring)
{
	mutex_lock(&ring->lock);
	if (ring->conn) {
		if (!xenemu_conn_is_restored(ring->conn))
			xenemu_ring_core_greet(ring->page->va,
					       xenemu_conn_features(ring->conn));
		xenemu_evtchn_notify_peer(&ring->port->consumer);
		queue_work(system_dfl_wq, &ring->work);
	}
	mutex_unlock(&ring->lock);
}

/* The ring's port becomes @new, perhaps NULL; what is not the ring's then is unbound. */
static int replace_port(struct xenemu_ring *ring, struct ring_port *new)
{
	int ret = 0;

	mutex_lock(&ring->lock);
	if (ring->conn)
		swap(ring->port, new);
	else
		ret = -ENOENT;
	mutex_unlock(&ring->lock);
	unbind_port(new);
	return ret;
}

static int rebind(struct xenemu_ring *ring, struct xenemu_domain *domain, u32 port)
{
	struct ring_port *new;
	bool same;
	int ret;

	mutex_lock(&ring->lock);
	same = ring->port && ring->port->remote_port == port;
	mutex_unlock(&ring->lock);

	/* Most often it is the same, which is free to be bound when our end is closed. */
	if (same) {
		ret = replace_port(ring, NULL);
		if (ret)
			return ret;
	}
	new = bind_port(ring, domain, port);
	if (!IS_ERR(new))
		return replace_port(ring, new);

	if (same) {
		/* The guest has closed it. */
		mutex_lock(&ring->lock);
		if (ring->conn)
			fail(ring, XENSTORE_ERROR_COMM);
		mutex_unlock(&ring->lock);
	}
	return PTR_ERR(new);
}

/**
 * xenemu_ring_reattach - a domain is introduced again
 * @ring: its ring; perhaps detached meanwhile
 * @domain: the guest
 * @gfn: its ring page, the same or another
 * @port: its port, the same or another
 *
 * The connection starts anew.
 *
 * Context: process context, may sleep; under the domain's admin_lock.
 * Return: 0 or an errno. Then nothing has changed, but that the ring is out of
 * service if @port was the port it had and is none any more.
 */
int xenemu_ring_reattach(struct xenemu_ring *ring, struct xenemu_domain *domain, u64 gfn,
			 u32 port)
{
	struct xenemu_page *page;
	int ret;

	page = pin_page(domain, gfn);
	if (IS_ERR(page))
		return PTR_ERR(page);
	ret = rebind(ring, domain, port);
	if (ret)
		goto out_put_page;

	mutex_lock(&ring->lock);
	if (ring->conn) {
		swap(ring->page, page);
		xenemu_conn_set_ring(ring->conn, port, gfn);
		ret = reset(ring);
		xenemu_evtchn_notify_peer(&ring->port->consumer);
	} else {
		ret = -ENOENT;
	}
	mutex_unlock(&ring->lock);
out_put_page:
	xenemu_page_put(page);
	return ret;
}

/**
 * xenemu_ring_detach - end serving a guest
 * @ring: the ring, with the caller's reference, which is dropped; called once
 *
 * First no event comes from the guest any more. Then no owner is left that
 * started before: it held the lock. After the connection is gone nobody can
 * become the owner but a last event on its way, which finds no connection and
 * queues no work; so the work, once waited for, does not come back.
 *
 * Context: process context, may sleep; no lock inside sdomain->admin_lock held.
 */
void xenemu_ring_detach(struct xenemu_ring *ring)
{
	struct xenemu_conn *conn;
	struct xenemu_page *page;
	struct ring_port *port;

	mutex_lock(&ring->lock);
	conn = ring->conn;
	page = ring->page;
	port = ring->port;
	ring->conn = NULL;
	ring->page = NULL;
	ring->port = NULL;
	mutex_unlock(&ring->lock);

	unbind_port(port);
	xenemu_conn_destroy(conn);
	cancel_work_sync(&ring->work);
	xenemu_page_put(page);
	xenemu_ring_put(ring);
}
