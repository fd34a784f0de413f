// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the XenStore and the rest of the module tell each other.
 */
#include "glue.h"

#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "../domain.h"
#include "../host.h"
#include "fd.h"
#include "ring.h"
#include "store.h"

/**
 * struct xenemu_glue - a host's XenStore and the rings it serves
 * @host: the host, which owns this
 * @store: the store
 * @tick: calls xenemu_store_tick() when the store has asked for it
 * @pause_lock: protects @paused, and that each ring in @rings is paused or not
 * @paused: rings are left alone
 * @lock: protects @rings
 * @rings: domid to struct xenemu_ring, with a reference. Entries come with
 *         INTRODUCE, and go with RELEASE or when their domain dies
 */
struct xenemu_glue {
	struct xenemu_host *host;
	struct xenemu_store *store;
	struct delayed_work tick;

	/* protects the following, and that of each ring */
	struct mutex pause_lock;

	bool paused;

	/* protects the following */
	struct mutex lock;

	struct xarray rings;
};

/* ---- What the store asks for ---- */

static struct xenemu_ring *get_ring(struct xenemu_glue *glue, u16 domid)
{
	struct xenemu_ring *ring;

	mutex_lock(&glue->lock);
	ring = xa_load(&glue->rings, domid);
	if (ring)
		xenemu_ring_get(ring);
	mutex_unlock(&glue->lock);
	return ring;
}

static struct xenemu_ring *remove_ring(struct xenemu_glue *glue, u16 domid)
{
	struct xenemu_ring *ring;

	mutex_lock(&glue->lock);
	ring = xa_erase(&glue->rings, domid);
	mutex_unlock(&glue->lock);
	return ring;
}

/*
 * @domain->dead is set before xenemu_glue_domain_died() looks for the ring. So
 * either it finds this one, or we see that it has been there.
 */
static int add_ring(struct xenemu_glue *glue, struct xenemu_domain *domain,
		    struct xenemu_ring *ring)
{
	int ret;

	mutex_lock(&glue->lock);
	if (READ_ONCE(domain->dead))
		ret = -ENOENT;
	else
		ret = xa_insert(&glue->rings, domain->domid, ring, GFP_KERNEL_ACCOUNT);
	mutex_unlock(&glue->lock);
	return ret;
}

static int introduce_domain(struct xenemu_glue *glue, struct xenemu_domain *domain, u64 gfn,
			    u32 port)
{
	struct xenemu_ring *ring;
	int ret;

	/* Other INTRODUCEs of the domain are kept away; but it may die. */
	ring = get_ring(glue, domain->domid);
	if (ring) {
		ret = xenemu_ring_reattach(ring, domain, gfn, port);
		xenemu_ring_put(ring);
		return ret;
	}

	ring = xenemu_ring_attach(glue->store, domain, gfn, port);
	if (IS_ERR(ring))
		return PTR_ERR(ring);
	xenemu_ring_get(ring);
	mutex_lock(&glue->pause_lock);
	ret = add_ring(glue, domain, ring);
	if (!ret && glue->paused)
		xenemu_ring_pause(ring, true);
	mutex_unlock(&glue->pause_lock);
	if (ret)
		xenemu_ring_detach(ring);
	else
		xenemu_ring_start(ring);
	xenemu_ring_put(ring);
	return ret;
}

static int introduce(void *priv, u16 domid, u64 gfn, u32 port)
{
	struct xenemu_glue *glue = priv;
	struct xenemu_domain *domain;
	int ret;

	if (!domid)
		return -EINVAL;
	domain = xenemu_host_get_domain(glue->host, domid);
	if (!domain)
		return -ENOENT;
	ret = introduce_domain(glue, domain, gfn, port);
	xenemu_domain_put(domain);
	return ret;
}

static void release(void *priv, u16 domid)
{
	struct xenemu_ring *ring = remove_ring(priv, domid);

	if (ring)
		xenemu_ring_detach(ring);
}

static void arm(void *priv, u64 delay_ns)
{
	struct xenemu_glue *glue = priv;

	mod_delayed_work(system_dfl_wq, &glue->tick, nsecs_to_jiffies(delay_ns) + 1);
}

static void tick(struct work_struct *work)
{
	struct xenemu_glue *glue = container_of(to_delayed_work(work), struct xenemu_glue, tick);

	xenemu_store_tick(glue->store);
}

static const struct xenemu_store_ops store_ops = {
	.introduce	= introduce,
	.release	= release,
	.arm		= arm,
};

/* ---- What the module tells the store ---- */

/**
 * xenemu_glue_create_store - make the XenStore of a host
 * @host: the host, being made
 *
 * Return: 0 or -ENOMEM.
 */
int xenemu_glue_create_store(struct xenemu_host *host)
{
	struct xenemu_glue *glue;

	glue = kzalloc(sizeof(*glue), GFP_KERNEL_ACCOUNT);
	if (!glue)
		return -ENOMEM;
	glue->host = host;
	mutex_init(&glue->pause_lock);
	mutex_init(&glue->lock);
	xa_init(&glue->rings);
	INIT_DELAYED_WORK(&glue->tick, tick);

	glue->store = xenemu_store_create(&store_ops, glue);
	if (IS_ERR(glue->store)) {
		int ret = PTR_ERR(glue->store);

		mutex_destroy(&glue->lock);
		mutex_destroy(&glue->pause_lock);
		kfree(glue);
		return ret;
	}
	host->glue = glue;
	return 0;
}

/**
 * xenemu_glue_destroy_store - free the XenStore of a host
 * @host: the host, which nobody can reach any more
 *
 * Each ring went with its domain and each store fd held a reference to the
 * host, so there is no connection left, and nobody to arm the tick but the tick.
 */
void xenemu_glue_destroy_store(struct xenemu_host *host)
{
	struct xenemu_glue *glue = host->glue;

	cancel_delayed_work_sync(&glue->tick);
	xenemu_store_destroy(glue->store);
	xa_destroy(&glue->rings);
	mutex_destroy(&glue->lock);
	mutex_destroy(&glue->pause_lock);
	kfree(glue);
}

/**
 * xenemu_glue_open - XENEMU_HOST_OPEN_STORE
 * @host: the host
 * @domid: domain to act as; any value
 * @connection: number of a restored connection to go on with, or 0
 *
 * Return: a new store fd, -ENOENT if there is no such domain, or another
 * negative errno.
 */
int xenemu_glue_open(struct xenemu_host *host, u32 domid, u32 connection)
{
	return xenemu_fd_open(host, host->glue->store, domid, connection);
}

/**
 * xenemu_glue_store - the XenStore of a host
 * @host: the host
 *
 * Return: the store.
 */
struct xenemu_store *xenemu_glue_store(struct xenemu_host *host)
{
	return host->glue->store;
}

/**
 * xenemu_glue_pause - XENEMU_HOST_PAUSE_STORE
 * @host: the host
 * @paused: leave the rings of guests alone, or go on serving them
 */
void xenemu_glue_pause(struct xenemu_host *host, bool paused)
{
	struct xenemu_glue *glue = host->glue;
	struct xenemu_ring *ring;
	unsigned long domid = 0;

	mutex_lock(&glue->pause_lock);
	glue->paused = paused;
	for (;; domid++) {
		mutex_lock(&glue->lock);
		ring = xa_find(&glue->rings, &domid, ULONG_MAX, XA_PRESENT);
		if (ring)
			xenemu_ring_get(ring);
		mutex_unlock(&glue->lock);
		if (!ring)
			break;
		xenemu_ring_pause(ring, paused);
		xenemu_ring_put(ring);
	}
	mutex_unlock(&glue->pause_lock);
}

/**
 * xenemu_glue_domain_created - a domain got a number
 * @domain: the domain
 *
 * Return: 0 or a negative errno; then xenemu_glue_domain_died() is not to be
 * called.
 */
int xenemu_glue_domain_created(struct xenemu_domain *domain)
{
	return xenemu_store_add_domain(domain->host->glue->store, domain->domid);
}

/**
 * xenemu_glue_domain_shutdown - a domain stopped by itself
 * @domain: the domain
 *
 * Its toolstack hears of it by a watch.
 */
void xenemu_glue_domain_shutdown(struct xenemu_domain *domain)
{
	xenemu_store_shutdown_domain(domain->host->glue->store, domain->domid);
}

/**
 * xenemu_glue_domain_died - a domain is going
 * @domain: the domain, dead, whose number is not free yet
 *
 * All connections that act as the domain are cut off, store fds too, before
 * another domain can have its number.
 */
void xenemu_glue_domain_died(struct xenemu_domain *domain)
{
	struct xenemu_glue *glue = domain->host->glue;
	struct xenemu_ring *ring;

	ring = remove_ring(glue, domain->domid);
	xenemu_store_del_domain(glue->store, domain->domid);
	if (ring)
		xenemu_ring_detach(ring);
}
