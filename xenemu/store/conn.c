// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections: their output queues and flow control.
 */
#include "internal.h"

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/overflow.h>
#include <linux/time64.h>
#include <linux/timekeeping.h>

/* Events that an unprivileged client does not begin to read in this time are lost. */
#define EVENT_TIMEOUT	(20 * NSEC_PER_SEC)

/*
 * For so long an event that is not read holds up the domain that caused it: a guest
 * that does not read slows others down no more than to 20 requests in that time. Clients
 * of dom0 are given more, for they must not lose events to a guest that floods them.
 */
#define HOLD_TIME	(100 * NSEC_PER_MSEC)
#define HOLD_TIME_DOM0	EVENT_TIMEOUT

/* So many replies an fd may leave unread until its next request has to wait. */
#define MAX_FD_REPLIES	64

/**
 * xenemu_conn_alloc_msg - make a message
 * @payload: room for so much, and for XENEMU_STORE_SMALL at least
 * @gfp: how to allocate
 *
 * Return: the message or NULL.
 */
struct xenemu_msg *xenemu_conn_alloc_msg(u32 payload, gfp_t gfp)
{
	struct xenemu_msg *msg;
	size_t size;

	size = struct_size(msg, data, sizeof(struct xsd_sockmsg) +
				      max_t(u32, payload, XENEMU_STORE_SMALL));
	msg = kmalloc(size, gfp);
	if (msg) {
		memset(msg, 0, sizeof(*msg));
		msg->mem = size;
	}
	return msg;
}

/**
 * xenemu_conn_take_spare - take the reply that is there for want of memory
 * @conn: the connection
 *
 * Return: the message, or NULL while it is in use.
 */
struct xenemu_msg *xenemu_conn_take_spare(struct xenemu_conn *conn)
{
	struct xenemu_msg *msg;

	spin_lock(&conn->out_lock);
	msg = conn->spare;
	conn->spare = NULL;
	if (msg)
		msg->sent = 0;
	spin_unlock(&conn->out_lock);
	return msg;
}

static void wake_if_blocked(struct xenemu_conn *conn)
{
	if (atomic_read(&conn->blocked) && atomic_xchg(&conn->blocked, 0))
		conn->ops->wake(conn->priv);
}

/**
 * xenemu_conn_wake_blocked - requests of a domain may be acceptable again
 * @dom: the domain
 *
 * Context: store->lock held. Wakes its connections that wait for that.
 */
void xenemu_conn_wake_blocked(struct xenemu_sdomain *dom)
{
	struct xenemu_conn *conn;

	list_for_each_entry(conn, &dom->conns, dom_link)
		wake_if_blocked(conn);
}

/**
 * xenemu_conn_alloc_debt - note that a request is under way
 * @conn: who makes it
 * @debt: result: a reference; NULL if no limit applies
 *
 * Return: 0 or -ENOMEM.
 */
int xenemu_conn_alloc_debt(struct xenemu_conn *conn, struct xenemu_debt **debt)
{
	*debt = NULL;
	if (conn->dom->privileged)
		return 0;
	*debt = kmalloc(sizeof(**debt), GFP_KERNEL_ACCOUNT);
	if (!*debt)
		return -ENOMEM;
	refcount_set(&(*debt)->ref, 1);
	(*debt)->let_go = 0;
	(*debt)->dom = xenemu_sdomain_get(conn->dom);
	xenemu_quota_note(conn->store, conn->dom, XENEMU_QUOTA_OUTSTANDING,
			  atomic_inc_return(&conn->dom->outstanding));
	return 0;
}

static void put_debts(struct xenemu_store *store, struct xenemu_debt *debt, u32 nr)
{
	if (!refcount_sub_and_test(nr, &debt->ref))
		return;
	atomic_dec(&debt->dom->outstanding);
	/* Pairs with may_accept: it sets blocked, then reads the count. */
	smp_mb__after_atomic();
	if (atomic_read(&debt->dom->blocked) && atomic_xchg(&debt->dom->blocked, 0)) {
		spin_lock(&store->root_lock);
		xenemu_conn_wake_blocked(debt->dom);
		spin_unlock(&store->root_lock);
	}
	xenemu_sdomain_put(debt->dom);
	kfree(debt);
}

/**
 * xenemu_conn_put_debt - give a reference up
 * @store: the store
 * @debt: debt, or NULL
 *
 * Context: no spinlock held.
 */
void xenemu_conn_put_debt(struct xenemu_store *store, struct xenemu_debt *debt)
{
	if (debt)
		put_debts(store, debt, 1);
}

/**
 * xenemu_conn_drop_msg - free a message that is in no queue
 * @conn: the connection whose it was
 * @msg: the message
 *
 * Context: no spinlock held.
 */
void xenemu_conn_drop_msg(struct xenemu_conn *conn, struct xenemu_msg *msg)
{
	xenemu_conn_put_debt(conn->store, msg->debt);
	msg->debt = NULL;

	spin_lock(&conn->out_lock);
	if (!msg->event)
		conn->nr_replies--;
	WRITE_ONCE(conn->out_mem, conn->out_mem - msg->mem);
	atomic_long_sub(msg->mem, &conn->dom->mem);
	if (msg->spare) {
		conn->spare = msg;
		msg = NULL;
	}
	spin_unlock(&conn->out_lock);
	kfree(msg);

	/* Pairs with may_accept, as in xenemu_conn_put_debt(). */
	smp_mb();
	wake_if_blocked(conn);
}

static void enqueue(struct xenemu_conn *conn, struct xenemu_msg *msg)
{
	lockdep_assert_held(&conn->out_lock);

	list_add_tail(&msg->list, &conn->out);
	if (!conn->holding && msg->event)
		conn->holding = msg;
	WRITE_ONCE(conn->out_mem, conn->out_mem + msg->mem);
	atomic_long_add(msg->mem, &conn->dom->mem);
}

static struct xenemu_msg *next_msg(struct xenemu_conn *conn, struct xenemu_msg *msg)
{
	return list_is_last(&msg->list, &conn->out) ? NULL : list_next_entry(msg, list);
}

static void dequeue(struct xenemu_conn *conn, struct xenemu_msg *msg)
{
	lockdep_assert_held(&conn->out_lock);

	if (conn->holding == msg)
		conn->holding = next_msg(conn, msg);
	list_del(&msg->list);
	if (!hlist_unhashed(&msg->hash))
		hlist_del_init(&msg->hash);
}

/**
 * xenemu_conn_queue_reply - queue a reply
 * @conn: the connection
 * @msg: the message, taken over
 *
 * Context: store->lock may be held.
 */
void xenemu_conn_queue_reply(struct xenemu_conn *conn, struct xenemu_msg *msg)
{
	bool dead;

	spin_lock(&conn->out_lock);
	enqueue(conn, msg);
	conn->nr_replies++;
	conn->input_done = true;
	dead = conn->dead;
	if (dead)
		dequeue(conn, msg);
	spin_unlock(&conn->out_lock);

	if (dead)
		xenemu_conn_drop_msg(conn, msg);
	else
		conn->ops->wake(conn->priv);
}

/**
 * xenemu_conn_restore_msg - queue a message that was queued before
 * @conn: a restored connection that nobody serves yet
 * @msg: the message, taken over
 */
void xenemu_conn_restore_msg(struct xenemu_conn *conn, struct xenemu_msg *msg)
{
	spin_lock(&conn->out_lock);
	enqueue(conn, msg);
	if (!msg->event)
		conn->nr_replies++;
	else if (msg->data[sizeof(struct xsd_sockmsg)] != '@')
		hlist_add_head(&msg->hash, &conn->events[msg->hash_value %
							 XENEMU_CONN_EVENT_BUCKETS]);
	spin_unlock(&conn->out_lock);
}

/*
 * An event that is just like one the client has not read yet tells it nothing new. Not
 * so for domains that come and go: these are counted.
 */
static bool find_equal(const struct xenemu_conn *conn, const struct xenemu_msg *msg)
{
	const struct xenemu_msg *other;
	u32 bucket = msg->hash_value % XENEMU_CONN_EVENT_BUCKETS;

	lockdep_assert_held(&conn->out_lock);

	hlist_for_each_entry(other, &conn->events[bucket], hash)
		if (other->hash_value == msg->hash_value && other->len == msg->len &&
		    !memcmp(other->data, msg->data, msg->len))
			return true;
	return false;
}

static bool queue_event(struct xenemu_conn *conn, struct xenemu_msg *msg, u64 now)
{
	bool special = msg->data[sizeof(struct xsd_sockmsg)] == '@', queued = false;
	struct xenemu_store *store = conn->store;

	spin_lock(&conn->out_lock);
	if (conn->dead)
		goto out_unlock;
	if (!special && find_equal(conn, msg)) {
		store->coalesced++;
		goto out_unlock;
	}
	if (conn->out_mem + msg->mem > XENEMU_CONN_MAX_OUTPUT ||
	    xenemu_quota_exceeded(store, conn->dom, XENEMU_QUOTA_MEMORY,
				  conn->out_mem + msg->mem)) {
		store->dropped++;
		goto out_unlock;
	}
	msg->queued = now;
	enqueue(conn, msg);
	if (!special)
		hlist_add_head(&msg->hash, &conn->events[msg->hash_value %
							 XENEMU_CONN_EVENT_BUCKETS]);
	store->events++;
	queued = true;
out_unlock:
	spin_unlock(&conn->out_lock);
	return queued;
}

static u64 hold_time(const struct xenemu_conn *conn)
{
	return conn->dom->privileged ? HOLD_TIME_DOM0 : HOLD_TIME;
}

/**
 * xenemu_conn_queue_events - queue events
 * @store: the store
 * @events: events with their connections; is empty thereafter
 * @debt: request they are due to, or NULL
 */
void xenemu_conn_queue_events(struct xenemu_store *store, struct list_head *events,
			      struct xenemu_debt *debt)
{
	u64 now = list_empty(events) ? 0 : ktime_get_ns();
	struct xenemu_msg *msg, *next;

	lockdep_assert_held(&store->lock);

	list_for_each_entry_safe(msg, next, events, list) {
		struct xenemu_conn *conn = msg->conn;

		list_del(&msg->list);
		if (debt)
			refcount_inc(&debt->ref);
		msg->debt = debt;
		if (!queue_event(conn, msg, now)) {
			xenemu_conn_put_debt(store, debt);
			kfree(msg);
			continue;
		}
		if (debt && debt->dom != conn->dom)
			xenemu_conn_arm(store, now + hold_time(conn), now);
		else if (!conn->dom->privileged)
			xenemu_conn_arm(store, now + EVENT_TIMEOUT, now);
		conn->ops->wake(conn->priv);
	}
}

/**
 * xenemu_conn_arm - make sure that xenemu_store_tick() is called in time
 * @store: the store
 * @when: at what time
 * @now: what time it is
 */
void xenemu_conn_arm(struct xenemu_store *store, u64 when, u64 now)
{
	lockdep_assert_held(&store->lock);

	if (store->armed && store->armed <= when)
		return;
	store->armed = when;
	store->ops->arm(store->priv, when > now ? when - now : 0);
}

static u64 sooner(u64 a, u64 b)
{
	return a && (!b || a < b) ? a : b;
}

/*
 * Take the events out that nobody has begun to read in time; say when the next would be
 * due. They are in the order of time.
 */
static u64 expire_events(struct xenemu_conn *conn, u64 now, struct list_head *expired)
{
	struct xenemu_msg *msg, *next;

	lockdep_assert_held(&conn->out_lock);

	if (conn->dom->privileged)
		return 0;
	list_for_each_entry_safe(msg, next, &conn->out, list) {
		if (!msg->event || msg->sent)
			continue;
		if (msg->queued + EVENT_TIMEOUT > now)
			return msg->queued + EVENT_TIMEOUT;
		dequeue(conn, msg);
		list_add_tail(&msg->list, expired);
	}
	return 0;
}

/*
 * Find the events that have held others up for long enough, and collect the debts, each
 * once for however many events; say when the next would be due.
 */
static u64 let_debts_go(struct xenemu_conn *conn, u64 now, struct list_head *debts)
{
	struct xenemu_msg *msg;

	lockdep_assert_held(&conn->store->lock);
	lockdep_assert_held(&conn->out_lock);

	while ((msg = conn->holding)) {
		struct xenemu_debt *debt = msg->debt;

		if (debt && debt->dom != conn->dom) {
			if (msg->queued + hold_time(conn) > now)
				return msg->queued + hold_time(conn);
			msg->debt = NULL;
			if (!debt->let_go++)
				list_add_tail(&debt->link, debts);
		}
		conn->holding = next_msg(conn, msg);
	}
	return 0;
}

/* Look at the events of a client that are not read; say when to look again. */
static u64 age_events(struct xenemu_conn *conn, u64 now)
{
	struct xenemu_store *store = conn->store;
	struct xenemu_debt *debt, *next_debt;
	struct xenemu_msg *msg, *next;
	LIST_HEAD(expired);
	LIST_HEAD(debts);
	u64 due;

	spin_lock(&conn->out_lock);
	due = expire_events(conn, now, &expired);
	due = sooner(due, let_debts_go(conn, now, &debts));
	spin_unlock(&conn->out_lock);

	list_for_each_entry_safe(msg, next, &expired, list) {
		store->dropped++;
		xenemu_conn_drop_msg(conn, msg);
	}
	list_for_each_entry_safe(debt, next_debt, &debts, link) {
		u32 nr = debt->let_go;

		debt->let_go = 0;
		put_debts(store, debt, nr);
	}
	return due;
}

void xenemu_store_tick(struct xenemu_store *store)
{
	u64 now = ktime_get_ns(), due = 0;
	struct xenemu_conn *conn;

	mutex_lock(&store->lock);
	store->armed = 0;
	list_for_each_entry(conn, &store->conns, link) {
		u64 stall;

		due = sooner(due, age_events(conn, now));
		if (conn->dom->privileged)
			continue;
		stall = xenemu_limit_stall(conn->dom, now);
		if (stall)
			due = sooner(due, now + stall);
		else
			wake_if_blocked(conn);
	}
	if (due)
		xenemu_conn_arm(store, due, now);
	mutex_unlock(&store->lock);
}

/**
 * xenemu_conn_cred - how permission checks see a client
 * @conn: the connection
 * @cred: result
 *
 * Context: store->lock or store->root_lock held.
 */
void xenemu_conn_cred(const struct xenemu_conn *conn, struct xenemu_cred *cred)
{
	const struct xenemu_sdomain *dom = conn->dom;

	cred->domid = dom->domid;
	cred->privileged = dom->privileged;
	cred->birth = dom->birth;
	cred->target = dom->target ? dom->target->domid : XENEMU_DOMID_ANY;
	cred->target_birth = dom->target ? dom->target->birth : 0;
}

/**
 * xenemu_conn_create_locked - connect a client
 * @store: the store
 * @domid: domain the client acts as
 * @kind: carrier
 * @ops: the carrier's callbacks
 * @priv: passed to @ops
 *
 * Return: as xenemu_conn_create(), but always a new connection.
 */
struct xenemu_conn *xenemu_conn_create_locked(struct xenemu_store *store, u16 domid,
					      enum xenemu_conn_kind kind,
					      const struct xenemu_conn_ops *ops, void *priv)
{
	struct xenemu_sdomain *dom = xenemu_sdomain_find(store, domid);
	struct xenemu_conn *conn;

	lockdep_assert_held(&store->lock);

	if (!dom)
		return ERR_PTR(-ENOENT);
	conn = kzalloc(sizeof(*conn), GFP_KERNEL_ACCOUNT);
	if (!conn)
		return ERR_PTR(-ENOMEM);
	conn->store = store;
	conn->kind = kind;
	conn->ops = ops;
	conn->priv = priv;
	INIT_LIST_HEAD(&conn->watches);
	mutex_init(&conn->txn_lock);
	INIT_LIST_HEAD(&conn->txns);
	INIT_LIST_HEAD(&conn->out);
	spin_lock_init(&conn->out_lock);
	conn->spare = xenemu_conn_alloc_msg(0, GFP_KERNEL_ACCOUNT);
	if (!conn->spare) {
		kfree(conn);
		return ERR_PTR(-ENOMEM);
	}
	conn->spare->spare = true;

	conn->id = ++store->next_conn ?: ++store->next_conn;
	xenemu_store_change_head(store);
	conn->dom = xenemu_sdomain_get(dom);
	list_add_tail(&conn->link, &store->conns);
	spin_lock(&store->root_lock);
	list_add_tail(&conn->dom_link, &dom->conns);
	spin_unlock(&store->root_lock);
	return conn;
}

struct xenemu_conn *xenemu_conn_create(struct xenemu_store *store, u16 domid,
				       enum xenemu_conn_kind kind,
				       const struct xenemu_conn_ops *ops, void *priv)
{
	struct xenemu_conn *conn = NULL;
	struct xenemu_sdomain *dom;

	mutex_lock(&store->lock);
	dom = xenemu_sdomain_find(store, domid);
	if (dom && kind == XENEMU_CONN_RING)
		conn = xenemu_parked_find_ring(dom);
	if (conn)
		xenemu_parked_claim(conn, ops, priv);
	else
		conn = xenemu_conn_create_locked(store, domid, kind, ops, priv);
	mutex_unlock(&store->lock);
	return conn;
}

/**
 * xenemu_conn_kill_locked - drop all that a client has
 * @conn: the connection
 */
void xenemu_conn_kill_locked(struct xenemu_conn *conn)
{
	struct xenemu_msg *msg, *next;
	LIST_HEAD(dropped);
	u8 *backlog;
	u32 i;

	lockdep_assert_held(&conn->store->lock);

	xenemu_store_change_head(conn->store);
	xenemu_watch_drop_all(conn);
	mutex_lock(&conn->txn_lock);
	xenemu_txn_end_all(conn);
	conn->next_txn = 0;
	mutex_unlock(&conn->txn_lock);
	spin_lock(&conn->out_lock);
	WRITE_ONCE(conn->dead, true);
	list_splice_init(&conn->out, &dropped);
	conn->holding = NULL;
	for (i = 0; i < XENEMU_CONN_EVENT_BUCKETS; i++)
		INIT_HLIST_HEAD(&conn->events[i]);
	backlog = conn->backlog_base;
	WRITE_ONCE(conn->backlog_base, NULL);
	conn->backlog = NULL;
	conn->backlog_len = 0;
	spin_unlock(&conn->out_lock);

	kvfree(backlog);
	list_for_each_entry_safe(msg, next, &dropped, list)
		xenemu_conn_drop_msg(conn, msg);
}

void xenemu_conn_kill(struct xenemu_conn *conn)
{
	mutex_lock(&conn->store->lock);
	xenemu_conn_kill_locked(conn);
	conn->ops->wake(conn->priv);
	mutex_unlock(&conn->store->lock);
}

int xenemu_conn_reset(struct xenemu_conn *conn)
{
	int ret = -ENODEV;

	mutex_lock(&conn->store->lock);
	xenemu_conn_kill_locked(conn);
	if (!conn->dom->dead) {
		spin_lock(&conn->out_lock);
		WRITE_ONCE(conn->dead, false);
		spin_unlock(&conn->out_lock);
		ret = 0;
	}
	mutex_unlock(&conn->store->lock);
	return ret;
}

/**
 * xenemu_conn_destroy_locked - disconnect a client
 * @conn: connection that no call is using or will use
 */
void xenemu_conn_destroy_locked(struct xenemu_conn *conn)
{
	struct xenemu_store *store = conn->store;

	lockdep_assert_held(&store->lock);

	xenemu_conn_kill_locked(conn);
	list_del(&conn->link);
	spin_lock(&store->root_lock);
	list_del(&conn->dom_link);
	spin_unlock(&store->root_lock);
	xenemu_sdomain_put(conn->dom);
	mutex_destroy(&conn->txn_lock);
	kfree(conn->spare);
	kfree(conn);
}

void xenemu_conn_destroy(struct xenemu_conn *conn)
{
	struct xenemu_store *store = conn->store;

	mutex_lock(&store->lock);
	xenemu_conn_destroy_locked(conn);
	mutex_unlock(&store->lock);
}

bool xenemu_conn_is_dead(const struct xenemu_conn *conn)
{
	return READ_ONCE(conn->dead);
}

u32 xenemu_conn_features(const struct xenemu_conn *conn)
{
	return READ_ONCE(conn->dom->features);
}

static bool acceptable(struct xenemu_conn *conn)
{
	const struct xenemu_sdomain *dom = conn->dom;
	u32 limit;
	bool ok;

	spin_lock(&conn->out_lock);
	ok = conn->spare &&
	     (conn->kind == XENEMU_CONN_RING || conn->nr_replies < MAX_FD_REPLIES);
	spin_unlock(&conn->out_lock);
	if (!ok || dom->privileged)
		return ok;
	limit = xenemu_quota_limit(conn->store, dom, XENEMU_QUOTA_OUTSTANDING);
	return (!limit || atomic_read(&dom->outstanding) < limit) &&
	       !xenemu_limit_stall(dom, ktime_get_ns());
}

bool xenemu_conn_may_accept(struct xenemu_conn *conn)
{
	if (xenemu_conn_is_dead(conn))
		return false;
	if (acceptable(conn))
		return true;
	atomic_set(&conn->blocked, 1);
	atomic_set(&conn->dom->blocked, 1);
	/* Whoever makes it acceptable from here on will see that we wait. */
	smp_mb();
	if (!acceptable(conn))
		return false;
	atomic_set(&conn->blocked, 0);
	return true;
}

bool xenemu_conn_has_output(struct xenemu_conn *conn)
{
	bool ret;

	spin_lock(&conn->out_lock);
	ret = !list_empty(&conn->out);
	spin_unlock(&conn->out_lock);
	return ret;
}

/*
 * The client has begun to read a message. From here on it cannot be given up, but the
 * sender need not wait any more: there is but one such message for each client, and one
 * that never reads on must not hold others up.
 */
static struct xenemu_debt *begin_msg(struct xenemu_conn *conn, struct xenemu_msg *msg)
{
	struct xenemu_debt *debt = msg->debt;

	lockdep_assert_held(&conn->out_lock);

	msg->debt = NULL;
	return debt;
}

size_t xenemu_conn_read(struct xenemu_conn *conn, void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		struct xenemu_debt *debt;
		struct xenemu_msg *msg;
		bool complete;
		size_t bytes;

		spin_lock(&conn->out_lock);
		msg = list_first_entry_or_null(&conn->out, struct xenemu_msg, list);
		if (!msg) {
			spin_unlock(&conn->out_lock);
			break;
		}
		debt = begin_msg(conn, msg);
		bytes = min_t(size_t, len - done, msg->len - msg->sent);
		memcpy(buf + done, msg->data + msg->sent, bytes);
		msg->sent += bytes;
		complete = msg->sent == msg->len;
		if (complete)
			dequeue(conn, msg);
		spin_unlock(&conn->out_lock);

		xenemu_conn_put_debt(conn->store, debt);
		if (complete)
			xenemu_conn_drop_msg(conn, msg);
		done += bytes;
	}
	return done;
}

struct xenemu_msg *xenemu_conn_take(struct xenemu_conn *conn)
{
	struct xenemu_debt *debt = NULL;
	struct xenemu_msg *msg;

	spin_lock(&conn->out_lock);
	msg = list_first_entry_or_null(&conn->out, struct xenemu_msg, list);
	if (msg) {
		debt = begin_msg(conn, msg);
		dequeue(conn, msg);
		conn->taken = msg;
	}
	spin_unlock(&conn->out_lock);
	xenemu_conn_put_debt(conn->store, debt);
	return msg;
}

void xenemu_msg_free(struct xenemu_conn *conn, struct xenemu_msg *msg)
{
	if (!msg)
		return;
	spin_lock(&conn->out_lock);
	conn->taken = NULL;
	spin_unlock(&conn->out_lock);
	xenemu_conn_drop_msg(conn, msg);
}
