// SPDX-License-Identifier: GPL-2.0-only
/*
 * Restored connections that wait for who carries their messages: a guest's ring, when
 * the domain is introduced, or a store fd that is opened for one by its number. They
 * belong to the store, get events, and are otherwise like any other.
 */
#include "state.h"

#include <linux/err.h>
#include <linux/errno.h>

#include "incoming.h"

/* Nobody listens. */
static void wake(void *priv)
{
}

static const struct xenemu_conn_ops parked_ops = {
	.wake = wake,
};

/**
 * xenemu_parked_create - make a connection without a carrier
 * @store: the store
 * @domid: domain the client acts as
 * @kind: what carrier it waits for
 * @id: its number
 *
 * Return: the connection or an ERR_PTR().
 */
struct xenemu_conn *xenemu_parked_create(struct xenemu_store *store, u16 domid,
					 enum xenemu_conn_kind kind, u32 id)
{
	struct xenemu_conn *conn;

	conn = xenemu_conn_create_locked(store, domid, kind, &parked_ops, NULL);
	if (IS_ERR(conn))
		return conn;
	conn->id = id;
	conn->parked = true;
	conn->restored = true;
	return conn;
}

/**
 * xenemu_parked_find_ring - find the connection that waits for a domain's ring
 * @dom: the domain
 *
 * Return: the connection or NULL.
 */
struct xenemu_conn *xenemu_parked_find_ring(struct xenemu_sdomain *dom)
{
	struct xenemu_conn *conn;

	list_for_each_entry(conn, &dom->conns, dom_link)
		if (conn->parked && conn->kind == XENEMU_CONN_RING)
			return conn;
	return NULL;
}

/**
 * xenemu_parked_claim - give a connection to its carrier
 * @conn: a connection that waits
 * @ops: the carrier's callbacks
 * @priv: passed to them
 */
void xenemu_parked_claim(struct xenemu_conn *conn, const struct xenemu_conn_ops *ops,
			 void *priv)
{
	struct xenemu_store *store = conn->store;

	lockdep_assert_held(&store->lock);

	/* Whoever wakes it holds one of the two. */
	spin_lock(&store->root_lock);
	conn->ops = ops;
	conn->priv = priv;
	conn->parked = false;
	spin_unlock(&store->root_lock);
}

struct xenemu_conn *xenemu_conn_claim(struct xenemu_store *store, u16 domid, u32 id,
				      const struct xenemu_conn_ops *ops, void *priv)
{
	struct xenemu_conn *conn, *found = ERR_PTR(-ENOENT);

	mutex_lock(&store->lock);
	list_for_each_entry(conn, &store->conns, link) {
		if (conn->parked && conn->kind == XENEMU_CONN_FD && conn->id == id &&
		    conn->dom->domid == domid) {
			xenemu_parked_claim(conn, ops, priv);
			found = conn;
			break;
		}
	}
	mutex_unlock(&store->lock);
	return found;
}

/**
 * xenemu_parked_drop - forget the connections that nobody will claim
 * @store: the store
 * @dom: domain whose they are, or NULL for all
 * @rings: only those that wait for a ring
 */
void xenemu_parked_drop(struct xenemu_store *store, const struct xenemu_sdomain *dom,
			bool rings)
{
	struct xenemu_conn *conn, *next;

	lockdep_assert_held(&store->lock);

	list_for_each_entry_safe(conn, next, &store->conns, link)
		if (conn->parked && (!dom || conn->dom == dom) &&
		    (!rings || conn->kind == XENEMU_CONN_RING))
			xenemu_conn_destroy_locked(conn);
}

/**
 * xenemu_parked_set_backlog - remember input that the carrier has to begin with
 * @conn: the connection
 * @data: the bytes; a copy is made
 * @len: how many
 *
 * Return: 0 or -ENOMEM.
 */
int xenemu_parked_set_backlog(struct xenemu_conn *conn, const void *data, u32 len)
{
	u8 *copy;

	if (!len)
		return 0;
	copy = kvmalloc(len, GFP_KERNEL_ACCOUNT);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, len);
	conn->backlog_base = copy;
	conn->backlog = copy;
	conn->backlog_len = len;
	return 0;
}

void xenemu_conn_feed(struct xenemu_conn *conn, struct xenemu_incoming *input)
{
	void *done = NULL;
	char *to;
	int want;

	/* Set before the carrier has the connection; then it only goes. */
	if (!READ_ONCE(conn->backlog_base))
		return;
	spin_lock(&conn->out_lock);
	while ((want = xenemu_incoming_next(input, &to)) > 0 && conn->backlog_len) {
		want = min_t(u32, want, conn->backlog_len);
		memcpy(to, conn->backlog, want);
		conn->backlog += want;
		conn->backlog_len -= want;
		/* Pairs with the reader of a capture. */
		smp_store_release(&input->used, input->used + want);
	}
	if (!conn->backlog_len) {
		done = conn->backlog_base;
		WRITE_ONCE(conn->backlog_base, NULL);
		conn->backlog = NULL;
	}
	spin_unlock(&conn->out_lock);
	kvfree(done);
}

void xenemu_conn_set_input(struct xenemu_conn *conn, struct xenemu_incoming *input)
{
	spin_lock(&conn->out_lock);
	conn->input = input;
	spin_unlock(&conn->out_lock);
}

void xenemu_conn_next_input(struct xenemu_conn *conn, struct xenemu_incoming *input)
{
	spin_lock(&conn->out_lock);
	input->used = 0;
	conn->input_done = false;
	spin_unlock(&conn->out_lock);
}

void xenemu_conn_set_ring(struct xenemu_conn *conn, u32 port, u64 gfn)
{
	mutex_lock(&conn->store->lock);
	conn->port = port;
	conn->gfn = gfn;
	xenemu_store_change_head(conn->store);
	mutex_unlock(&conn->store->lock);
}

u32 xenemu_conn_id(const struct xenemu_conn *conn)
{
	return conn->id;
}

bool xenemu_conn_is_restored(const struct xenemu_conn *conn)
{
	return conn->restored;
}
