// SPDX-License-Identifier: GPL-2.0-only
/*
 * A store at one moment. Trees are captured by taking references on their roots, the
 * rest by copying it, all under the store's locks. Whoever writes a stream from that
 * needs no lock and holds nobody up.
 */
#include "state.h"

#include <linux/errno.h>
#include <linux/overflow.h>
#include <linux/time64.h>
#include <linux/timekeeping.h>

#include "incoming.h"

#define CHUNK	4096

/* Memory of a capture, freed with it. */
static void *alloc(struct xenemu_capture *cap, size_t size)
{
	struct list_head *chunk;
	void *ret;

	size = round_up(size ?: 1, sizeof(u64));
	if (size > cap->room_len) {
		size_t total = max_t(size_t, size_add(size, sizeof(*chunk)), CHUNK);

		chunk = kvmalloc(total, GFP_KERNEL_ACCOUNT);
		if (!chunk)
			return NULL;
		list_add_tail(chunk, &cap->chunks);
		/* Go on filling whichever has more room. */
		ret = chunk + 1;
		if (total - sizeof(*chunk) - size > cap->room_len) {
			cap->room = ret + size;
			cap->room_len = total - sizeof(*chunk) - size;
		}
		return ret;
	}
	ret = cap->room;
	cap->room += size;
	cap->room_len -= size;
	return ret;
}

static u32 to_ms(u64 ns)
{
	return min_t(u64, ns / NSEC_PER_MSEC, U32_MAX);
}

/* ---- Domains ---- */

static u32 slot_of(const struct xenemu_capture *cap, u16 domid)
{
	return (domid * 0x9e3779b1U >> 8) & cap->slot_mask;
}

static void copy_domain(struct xenemu_cap_domain *to, const struct xenemu_sdomain *dom, u64 now)
{
	*to = (struct xenemu_cap_domain) {
		.domid = dom->domid,
		.introduced = dom->introduced,
		.shutdown = dom->shutdown,
		.target = dom->target ? dom->target->domid : XENEMU_DOMID_ANY,
		.birth = dom->birth,
		.features = dom->features,
		.quota_set = dom->quota_set,
		.conflicts = xenemu_limit_conflicts(dom, now),
		/* As long as it had to wait at all, it still does. */
		.stall = to_ms(xenemu_limit_stall(dom, now) + NSEC_PER_MSEC - 1),
	};
	memcpy(to->quota, dom->quota, sizeof(to->quota));
}

static int take_domains(struct xenemu_capture *cap, u64 now)
{
	struct xenemu_store *store = cap->store;
	const struct xenemu_sdomain *dom;
	u32 nr = store->domain_tab.nr, slots = 4;

	while (slots < 2 * nr)
		slots *= 2;
	cap->slot_mask = slots - 1;
	cap->domain = alloc(cap, array_size(nr, sizeof(*cap->domain)));
	cap->slot = alloc(cap, array_size(slots, sizeof(*cap->slot)));
	if (!cap->domain || !cap->slot)
		return -ENOMEM;
	memset(cap->slot, 0, slots * sizeof(*cap->slot));
	list_for_each_entry(dom, &store->domains, link) {
		u32 slot = slot_of(cap, dom->domid);

		while (cap->slot[slot])
			slot = (slot + 1) & cap->slot_mask;
		copy_domain(&cap->domain[cap->nr_domains], dom, now);
		cap->slot[slot] = ++cap->nr_domains;
	}
	return 0;
}

/**
 * xenemu_capture_find_domain - find a domain
 * @cap: the capture
 * @domid: its number; any value
 *
 * Return: the domain or NULL.
 */
const struct xenemu_cap_domain *xenemu_capture_find_domain(const struct xenemu_capture *cap,
							   u16 domid)
{
	u32 slot = slot_of(cap, domid);

	for (; cap->slot[slot]; slot = (slot + 1) & cap->slot_mask)
		if (cap->domain[cap->slot[slot] - 1].domid == domid)
			return &cap->domain[cap->slot[slot] - 1];
	return NULL;
}

/**
 * xenemu_capture_perm_valid - whether an entry means a domain that existed
 * @cap: the capture
 * @perms: permissions
 * @i: index of the entry
 *
 * Return: true if it does. As xenemu_perms_valid(), without the store's lock.
 */
bool xenemu_capture_perm_valid(const struct xenemu_capture *cap,
			       const struct xenemu_perms *perms, u32 i)
{
	const struct xenemu_perm *perm = &perms->perm[i];
	const struct xenemu_cap_domain *dom;

	if (perm->ignore)
		return false;
	if (perm->domid == XENEMU_DOMID_ANY)
		return true;
	dom = xenemu_capture_find_domain(cap, perm->domid);
	return dom && dom->birth < perms->gen;
}

/* ---- Connections ---- */

/* Bytes of a request that were read but not carried out. */
static u32 input_len(const struct xenemu_conn *conn)
{
	u32 len = conn->backlog_len;

	lockdep_assert_held(&conn->out_lock);

	if (conn->dead)
		return 0;
	if (conn->input && !conn->input_done) {
		/* What is there before the count says so does not change any more. */
		len += smp_load_acquire(&conn->input->used);
	}
	return len;
}

static void copy_input(struct xenemu_cap_conn *to, const struct xenemu_conn *conn, u32 len)
{
	const struct xenemu_incoming *input = conn->input;
	u32 used = len - conn->backlog_len, head;

	lockdep_assert_held(&conn->out_lock);

	if (used) {
		head = min_t(u32, used, sizeof(input->hdr));
		memcpy(to->in, &input->hdr, head);
		memcpy(to->in + head, input->body, used - head);
	}
	if (conn->backlog_len)
		memcpy(to->in + used, conn->backlog, conn->backlog_len);
	to->in_len = len;
}

/* Returns where the next message goes. */
static void *copy_msg(struct xenemu_cap_conn *to, const struct xenemu_msg *msg, void *room,
		      u64 now)
{
	struct xenemu_cap_msg *copy = room;

	copy->event = msg->event;
	copy->len = msg->len;
	copy->sent = READ_ONCE(msg->sent);
	copy->partial = copy->sent || msg->rest;
	copy->age = msg->event && now > msg->queued ? to_ms(now - msg->queued) : 0;
	memcpy(copy->data, msg->data, msg->len);
	list_add_tail(&copy->link, &to->msgs);
	return room + round_up(struct_size(copy, data, msg->len), sizeof(u64));
}

static void copy_output(struct xenemu_cap_conn *to, const struct xenemu_conn *conn, void *room,
			u64 now)
{
	const struct xenemu_msg *msg;

	lockdep_assert_held(&conn->out_lock);

	if (conn->taken)
		room = copy_msg(to, conn->taken, room, now);
	list_for_each_entry(msg, &conn->out, list)
		room = copy_msg(to, msg, room, now);
}

/*
 * Input and output are under a spinlock, and may become more as long as that is not
 * held: requests that change nothing go on meanwhile.
 */
static int take_buffers(struct xenemu_capture *cap, struct xenemu_cap_conn *to,
			struct xenemu_conn *conn, u64 now)
{
	size_t out_room = READ_ONCE(conn->out_mem), more = 0;
	u32 in_room = 0;
	bool fits;
	void *out;

	/* A copy is not larger than what is charged for the message. */
	static_assert(sizeof(struct xenemu_cap_msg) + sizeof(u64) <= sizeof(struct xenemu_msg),
		      "a copy may be larger");

	do {
		out = alloc(cap, size_add(out_room, more));
		to->in = alloc(cap, in_room);
		if (!out || !to->in)
			return -ENOMEM;
		spin_lock(&conn->out_lock);
		fits = conn->out_mem <= out_room + more && input_len(conn) <= in_room;
		if (fits) {
			copy_input(to, conn, input_len(conn));
			copy_output(to, conn, out, now);
		}
		out_room = conn->out_mem;
		in_room = conn->backlog_len + sizeof(struct xenemu_incoming);
		spin_unlock(&conn->out_lock);
		more = 2 * more + XENSTORE_PAYLOAD_MAX;
	} while (!fits);
	return 0;
}

static int take_watches(struct xenemu_capture *cap, struct xenemu_cap_conn *to,
			const struct xenemu_conn *conn)
{
	const struct xenemu_watch *watch;

	list_for_each_entry(watch, &conn->watches, conn_link) {
		u32 len = (watch->path_len ?: 1) + 1 + watch->token_len + 1;
		struct xenemu_cap_watch *copy = alloc(cap, struct_size(copy, data, len));

		if (!copy)
			return -ENOMEM;
		copy->depth = watch->depth;
		copy->rel = watch->rel;
		copy->path_len = watch->path_len;
		copy->token_len = watch->token_len;
		memcpy(copy->data, watch->data, len);
		list_add_tail(&copy->link, &to->watches);
		to->nr_watches++;
	}
	return 0;
}

/* ---- Transactions ---- */

static int take_touches(struct xenemu_capture *cap, struct xenemu_cap_txn *to,
			struct xenemu_txn *txn)
{
	struct xenemu_touch *touch;

	list_for_each_entry(touch, &txn->touched, link) {
		struct xenemu_cap_touch *copy;

		copy = alloc(cap, struct_size(copy, path, touch->len + 1));
		if (!copy)
			return -ENOMEM;
		copy->flags = touch->flags;
		copy->len = touch->len;
		memcpy(copy->path, touch->path, touch->len + 1);
		list_add_tail(&copy->link, &to->touched);
		touch->seq = to->nr_touched++;
	}
	to->written = alloc(cap, array_size(to->nr_touched, sizeof(*to->written)));
	if (!to->written)
		return -ENOMEM;
	list_for_each_entry(touch, &txn->written, apply)
		to->written[to->nr_written++] = touch->seq;
	return 0;
}

static int take_txns(struct xenemu_capture *cap, struct xenemu_cap_conn *to,
		     struct xenemu_conn *conn)
{
	struct xenemu_txn *txn;
	int ret;

	lockdep_assert_held(&conn->txn_lock);

	list_for_each_entry(txn, &conn->txns, link) {
		struct xenemu_cap_txn *copy = alloc(cap, sizeof(*copy));

		if (!copy)
			return -ENOMEM;
		*copy = (struct xenemu_cap_txn) {
			.id = txn->id,
			.error = txn->error,
		};
		INIT_LIST_HEAD(&copy->touched);
		copy->base = txn->base ? xenemu_node_get(txn->base) : NULL;
		copy->top = txn->top ? xenemu_node_get(txn->top) : NULL;
		list_add_tail(&copy->link, &to->txns);
		ret = take_touches(cap, copy, txn);
		if (ret)
			return ret;
	}
	return 0;
}

static int take_conn(struct xenemu_capture *cap, struct xenemu_conn *conn, u64 now)
{
	struct xenemu_cap_conn *to = alloc(cap, sizeof(*to));
	int ret;

	if (!to)
		return -ENOMEM;
	*to = (struct xenemu_cap_conn) {
		.id = conn->id,
		.domid = conn->dom->domid,
		.kind = conn->kind,
		.dead = conn->dead,
		.port = conn->port,
		.gfn = conn->gfn,
	};
	INIT_LIST_HEAD(&to->msgs);
	INIT_LIST_HEAD(&to->watches);
	INIT_LIST_HEAD(&to->txns);
	list_add_tail(&to->link, &cap->conns);
	cap->nr_conns++;
	ret = take_buffers(cap, to, conn, now);
	if (!ret && cap->head)
		ret = take_watches(cap, to, conn);
	if (ret)
		return ret;
	/* Behind the replies: what a request has noted is there if its reply is. */
	mutex_lock(&conn->txn_lock);
	to->next_txn = conn->next_txn;
	to->next_txn_gen = conn->next_txn_gen;
	ret = take_txns(cap, to, conn);
	mutex_unlock(&conn->txn_lock);
	return ret;
}

static int take_all(struct xenemu_capture *cap)
{
	struct xenemu_store *store = cap->store;
	u64 now = ktime_get_ns();
	struct xenemu_conn *conn;
	int ret;

	lockdep_assert_held(&store->lock);

	cap->gen = ++store->gen;
	cap->top = xenemu_node_get(store->top);
	cap->head = !cap->since || store->head_gen > cap->since;
	memcpy(cap->quota, store->quota, sizeof(cap->quota));
	ret = take_domains(cap, now);
	if (ret)
		return ret;
	list_for_each_entry(conn, &store->conns, link) {
		/* Of a domain that is gone, and with it what the connection had. */
		if (conn->dom->dead)
			continue;
		ret = take_conn(cap, conn, now);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * xenemu_capture_take - capture a store
 * @cap: the capture
 * @store: the store
 * @since: generation of what the store remembers that it was, or 0
 *
 * Return: 0, -ESTALE or -ENOMEM.
 */
int xenemu_capture_take(struct xenemu_capture *cap, struct xenemu_store *store, u64 since)
{
	int ret;

	memset(cap, 0, sizeof(*cap));
	cap->store = store;
	INIT_LIST_HEAD(&cap->conns);
	INIT_LIST_HEAD(&cap->chunks);

	/*
	 * INTRODUCE and RELEASE give the lock up in the middle. Then the request is still
	 * in the input of its connection; carried out once more, it does what is left.
	 */
	mutex_lock(&store->lock);
	ret = -ESTALE;
	if (!since || since == store->mark_gen) {
		cap->since = since;
		cap->base = since ? xenemu_node_get(store->mark_top) : NULL;
		ret = take_all(cap);
	}
	mutex_unlock(&store->lock);
	if (ret)
		xenemu_capture_drop(cap);
	return ret;
}

/**
 * xenemu_capture_drop - free a capture
 * @cap: the capture
 */
void xenemu_capture_drop(struct xenemu_capture *cap)
{
	struct list_head *chunk;
	struct xenemu_cap_conn *conn;
	struct xenemu_cap_txn *txn;

	list_for_each_entry(conn, &cap->conns, link) {
		list_for_each_entry(txn, &conn->txns, link) {
			xenemu_node_put(cap->store, txn->base);
			xenemu_node_put(cap->store, txn->top);
		}
	}
	xenemu_node_put(cap->store, cap->top);
	xenemu_node_put(cap->store, cap->base);
	while (!list_empty(&cap->chunks)) {
		chunk = cap->chunks.next;
		list_del(chunk);
		kvfree(chunk);
	}
}
