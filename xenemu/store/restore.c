// SPDX-License-Identifier: GPL-2.0-only
/*
 * Restoring a store: a new one is made from the stream, which nobody can see. If that
 * works, the two exchange their contents, and the old ones are freed. So a stream has
 * an effect only as a whole.
 */
#include "state.h"

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/random.h>
#include <linux/time64.h>
#include <linux/timekeeping.h>

/* More input than this cannot be written to a stream again. */
#define INPUT_LIMIT	32768

/**
 * struct restored_conn - a connection by its number in the stream
 * @hash: in restore->conns
 * @conn: the connection
 */
struct restored_conn {
	struct xenemu_hnode hash;
	struct xenemu_conn *conn;
};

/**
 * xenemu_restore_refuse - the stream is bad
 * @restore: what is being restored; knows the record
 * @reason: XENEMU_RESTORE_BAD_*
 *
 * Return: -EBADMSG or -EOPNOTSUPP.
 */
int xenemu_restore_refuse(struct xenemu_restore *restore, u32 reason)
{
	restore->why.reason = reason;
	return reason == XENEMU_RESTORE_BAD_VERSION ? -EOPNOTSUPP : -EBADMSG;
}

/* ---- Domains ---- */

/**
 * xenemu_restore_domain - get a domain, and make it if need be
 * @restore: what is being restored
 * @domid: its number; any value
 *
 * Return: the domain or an ERR_PTR().
 */
struct xenemu_sdomain *xenemu_restore_domain(struct xenemu_restore *restore, u16 domid)
{
	struct xenemu_sdomain *dom = xenemu_sdomain_find(restore->store, domid);

	if (dom)
		return dom;
	if (domid >= XENEMU_DOMID_FIRST_RESERVED)
		return ERR_PTR(xenemu_restore_refuse(restore, XENEMU_RESTORE_BAD_DOMAIN));
	dom = xenemu_sdomain_create(restore->store, domid);
	if (!dom)
		return ERR_PTR(-ENOMEM);
	dom->absent = true;
	return dom;
}

/* ---- Connections ---- */

/**
 * xenemu_restore_find_conn - find a connection
 * @restore: what is being restored
 * @id: its number; any value
 *
 * Return: the connection, or NULL.
 */
struct xenemu_conn *xenemu_restore_find_conn(struct xenemu_restore *restore, u32 id)
{
	struct restored_conn *entry;

	xenemu_htab_for_each(&restore->conns, entry, id, hash)
		if (entry->conn->id == id)
			return entry->conn;
	return NULL;
}

/**
 * xenemu_restore_conn - make a connection
 * @restore: what is being restored
 * @id: its number; any value
 * @dom: its domain
 * @kind: its kind
 *
 * Return: the connection, or an ERR_PTR().
 */
struct xenemu_conn *xenemu_restore_conn(struct xenemu_restore *restore, u32 id,
					struct xenemu_sdomain *dom,
					enum xenemu_conn_kind kind)
{
	struct xenemu_store *store = restore->store;
	struct restored_conn *entry;

	if (!id || xenemu_restore_find_conn(restore, id) ||
	    (kind == XENEMU_CONN_RING && xenemu_parked_find_ring(dom)))
		return ERR_PTR(xenemu_restore_refuse(restore, XENEMU_RESTORE_BAD_CONNECTION));
	entry = kmalloc(sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return ERR_PTR(-ENOMEM);
	entry->conn = xenemu_parked_create(store, dom->domid, kind, id);
	if (IS_ERR(entry->conn)) {
		kfree(entry);
		return ERR_PTR(-ENOMEM);
	}
	xenemu_htab_add(&restore->conns, &entry->hash, id);
	store->next_conn = max(store->next_conn, id);
	return entry->conn;
}

static void free_conns(struct xenemu_restore *restore)
{
	struct restored_conn *entry;
	struct hlist_node *next;
	u32 i;

	if (!restore->conns.bucket)
		return;
	for (i = 0; i <= restore->conns.mask; i++)
		hlist_for_each_entry_safe(entry, next, &restore->conns.bucket[i], hash.link)
			kfree(entry);
	xenemu_htab_free(&restore->conns);
}

/**
 * xenemu_restore_input - give a connection input that was read already
 * @restore: what is being restored
 * @conn: the connection
 * @data: the bytes
 * @len: how many
 *
 * What they mean is found out when they are carried out.
 *
 * Return: 0 or an errno.
 */
int xenemu_restore_input(struct xenemu_restore *restore, struct xenemu_conn *conn,
			 const void *data, u32 len)
{
	if (len > INPUT_LIMIT)
		return xenemu_restore_refuse(restore, XENEMU_RESTORE_BAD_MESSAGE);
	return xenemu_parked_set_backlog(conn, data, len);
}

/* A path and a token, with a NUL each. */
static bool is_event(const char *data, u32 len)
{
	const char *nul = memchr(data, 0, len), *end = data + len;

	return nul && nul != data && memchr(nul + 1, 0, end - nul - 1) == end - 1;
}

static int queue_msg(struct xenemu_restore *restore, struct xenemu_conn *conn,
		     struct xenemu_msg *msg, const void *data, u32 len)
{
	memcpy(msg->data, data, len);
	msg->len = len;
	/* As when events were queued: replies may come on top of all of them. */
	if (msg->event && conn->out_mem + msg->mem > XENEMU_CONN_MAX_OUTPUT) {
		xenemu_conn_put_debt(restore->store, msg->debt);
		kfree(msg);
		return xenemu_restore_refuse(restore, XENEMU_RESTORE_BAD_MESSAGE);
	}
	xenemu_conn_restore_msg(conn, msg);
	return 0;
}

/**
 * xenemu_restore_rest - give a connection the rest of a message it has begun to read
 * @restore: what is being restored
 * @conn: the connection, without output
 * @data: the bytes
 * @len: how many
 *
 * Return: 0 or an errno.
 */
int xenemu_restore_rest(struct xenemu_restore *restore, struct xenemu_conn *conn,
			const void *data, u32 len)
{
	struct xenemu_msg *msg;

	if (len >= sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX)
		return xenemu_restore_refuse(restore, XENEMU_RESTORE_BAD_MESSAGE);
	msg = xenemu_conn_alloc_msg(len, GFP_KERNEL_ACCOUNT);
	if (!msg)
		return -ENOMEM;
	msg->rest = true;
	return queue_msg(restore, conn, msg, data, len);
}

/**
 * xenemu_restore_output - give a connection a message it has not begun to read
 * @restore: what is being restored
 * @conn: the connection
 * @data: the message
 * @len: its length
 * @age: ms since it was queued
 *
 * Return: 0 or an errno.
 */
int xenemu_restore_output(struct xenemu_restore *restore, struct xenemu_conn *conn,
			  const void *data, u32 len, u32 age)
{
	struct xsd_sockmsg hdr;
	struct xenemu_msg *msg;
	const char *payload;
	u64 now;

	if (len < sizeof(hdr))
		return xenemu_restore_refuse(restore, XENEMU_RESTORE_BAD_MESSAGE);
	memcpy(&hdr, data, sizeof(hdr));
	payload = data + sizeof(hdr);
	if (hdr.len > XENSTORE_PAYLOAD_MAX || hdr.len != len - sizeof(hdr) ||
	    (hdr.type == XS_WATCH_EVENT && !is_event(payload, hdr.len)))
		return xenemu_restore_refuse(restore, XENEMU_RESTORE_BAD_MESSAGE);

	msg = xenemu_conn_alloc_msg(hdr.len, GFP_KERNEL_ACCOUNT);
	if (!msg)
		return -ENOMEM;
	if (hdr.type == XS_WATCH_EVENT) {
		now = ktime_get_ns();
		msg->event = true;
		msg->conn = conn;
		msg->queued = now - min_t(u64, (u64)age * NSEC_PER_MSEC, now);
		msg->hash_value = xenemu_store_hash(restore->store, payload, hdr.len);
	} else if (xenemu_conn_alloc_debt(conn, &msg->debt)) {
		kfree(msg);
		return -ENOMEM;
	}
	return queue_msg(restore, conn, msg, data, len);
}

/**
 * xenemu_restore_watch - give a connection a watch
 * @restore: what is being restored
 * @conn: the connection
 * @path: its path, with a NUL: absolute, or relative to the domain's home
 * @token: its token, with a NUL
 * @depth: levels below the path it sees, or -1 for all
 *
 * Return: 0 or an errno.
 */
int xenemu_restore_watch(struct xenemu_restore *restore, struct xenemu_conn *conn,
			 const char *path, const char *token, int depth)
{
	const struct xenemu_sdomain *dom = conn->dom;
	size_t len = strlen(path), token_len = strlen(token);
	struct xenemu_path where = {};
	char *abs;
	int ret;

	if (!xenemu_path_is_valid(path, XENEMU_PATH_WATCH, true))
		return xenemu_restore_refuse(restore, XENEMU_RESTORE_BAD_PATH);
	if (len + token_len + 2 > XENSTORE_PAYLOAD_MAX)
		return xenemu_restore_refuse(restore, XENEMU_RESTORE_BAD_WATCH);
	if (path[0] != '/' && path[0] != '@')
		where.rel = dom->home_len;
	if (where.rel + len > XENSTORE_ABS_PATH_MAX)
		return xenemu_restore_refuse(restore, XENEMU_RESTORE_BAD_PATH);

	abs = kmalloc(where.rel + len, GFP_KERNEL_ACCOUNT);
	if (!abs)
		return -ENOMEM;
	memcpy(abs, dom->home, where.rel);
	memcpy(abs + where.rel, path, len);
	where.str = abs;
	where.len = len == 1 && path[0] == '/' ? 0 : where.rel + len;
	ret = xenemu_watch_restore(conn, &where, token, token_len, depth);
	kfree(abs);
	if (ret == -EEXIST)
		ret = xenemu_restore_refuse(restore, XENEMU_RESTORE_BAD_WATCH);
	return ret;
}

/* ---- The tree ---- */

/**
 * xenemu_restore_begin_tree - begin with the nodes of a store
 * @restore: what is being restored
 * @from: root of the tree they are added to
 * @gen: generation of the stream, larger than any in it
 *
 * Return: 0 or -ENOMEM.
 */
int xenemu_restore_begin_tree(struct xenemu_restore *restore, const struct xenemu_node *from,
			      u64 gen)
{
	restore->store->gen = max(gen, restore->live_gen);
	return xenemu_builder_start(&restore->tree, restore->store, from);
}

static bool same_perms(const struct xenemu_perms *perms, const struct xenemu_perm *perm, u32 nr,
		       u64 gen)
{
	return perms && perms->nr == nr && perms->gen == gen &&
	       !memcmp(perms->perm, perm, nr * sizeof(*perm));
}

/**
 * xenemu_restore_perms - make permissions, or share others that are equal
 * @restore: what is being restored
 * @perm: the entries
 * @nr: their number
 * @gen: their generation
 *
 * Return: a reference, or an ERR_PTR().
 */
struct xenemu_perms *xenemu_restore_perms(struct xenemu_restore *restore,
					  const struct xenemu_perm *perm, u32 nr, u64 gen)
{
	struct xenemu_perms *perms;
	u32 i;

	/* Neighbours in the tree most often have the same. */
	for (i = 0; i < ARRAY_SIZE(restore->perms); i++)
		if (same_perms(restore->perms[i], perm, nr, gen))
			return xenemu_perms_get(restore->perms[i]);

	perms = xenemu_perms_alloc(nr, gen, GFP_KERNEL_ACCOUNT);
	if (!perms)
		return ERR_PTR(-ENOMEM);
	memcpy(perms->perm, perm, nr * sizeof(*perm));
	i = restore->next_perms++ % ARRAY_SIZE(restore->perms);
	if (restore->perms[i])
		xenemu_perms_put(restore->perms[i]);
	restore->perms[i] = xenemu_perms_get(perms);
	return perms;
}

static void free_perms(struct xenemu_restore *restore)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(restore->perms); i++)
		if (restore->perms[i])
			xenemu_perms_put(restore->perms[i]);
}

static void count_nodes(struct xenemu_store *store, const struct xenemu_node *top, int sign)
{
	const struct xenemu_node *node;
	struct xenemu_kids_iter iter;
	u32 skip;

	for (node = xenemu_kids_seek(&iter, top->kids, 0, &skip); node;
	     node = xenemu_kids_next(&iter))
		xenemu_quota_count_tree(store, node, sign);
}

/**
 * xenemu_restore_end_tree - the nodes are complete, and so are the domains
 * @restore: what is being restored
 *
 * Return: 0 or -ENOMEM.
 */
int xenemu_restore_end_tree(struct xenemu_restore *restore)
{
	struct xenemu_store *store = restore->store;
	struct xenemu_node *first = store->top, *top;

	top = xenemu_builder_finish(&restore->tree);
	if (!top)
		return -ENOMEM;
	count_nodes(store, first, -1);
	store->top = top;
	count_nodes(store, store->top, 1);
	xenemu_quota_commit(store);
	xenemu_node_put(store, first);
	return 0;
}

/**
 * xenemu_restore_count_txn - account for what a transaction has changed
 * @restore: what is being restored
 * @txn: the transaction
 *
 * Return: 0 or -ENOMEM.
 */
int xenemu_restore_count_txn(struct xenemu_restore *restore, struct xenemu_txn *txn)
{
	struct xenemu_store *store = restore->store;
	struct xenemu_diff diff;
	s64 bytes = 0;
	int ret;

	ret = xenemu_diff_start(&diff, txn->base, txn->top);
	if (ret)
		return ret;
	while ((ret = xenemu_diff_next(&diff, true)) > 0) {
		if (diff.new)
			bytes += sizeof(*diff.new) + sizeof(void *) + diff.new->name_len +
				 diff.new->value_len;
		if (diff.old)
			xenemu_quota_count(store, diff.old->perms,
					   diff.old->name_len + diff.old->value_len, -1);
		if (diff.new)
			xenemu_quota_count(store, diff.new->perms,
					   diff.new->name_len + diff.new->value_len, 1);
	}
	xenemu_diff_end(&diff);
	if (!ret)
		ret = xenemu_quota_move_to_txn(store, txn);
	/* About what it was charged; it was not too much then, so neither is it now. */
	if (!ret)
		xenemu_txn_restore_charge(txn, bytes);
	xenemu_quota_cancel(store);
	return ret;
}

/* ---- All of it ---- */

/* Whether the store may be replaced by a whole one, or one made from it. */
static int check_live(struct xenemu_restore *restore)
{
	struct xenemu_store *live = restore->live;
	const struct xenemu_sdomain *dom;
	const struct xenemu_conn *conn;
	u32 nodes = 0;

	lockdep_assert_held(&live->lock);

	list_for_each_entry(conn, &live->conns, link)
		if (!conn->parked)
			return -EBUSY;
	if (restore->since)
		return restore->since == live->restored_as &&
		       live->gen == live->restored_gen ? 0 : -ESTALE;
	list_for_each_entry(dom, &live->domains, link) {
		nodes += dom->nr_nodes;
		if (dom->introduced && !dom->privileged)
			return -EBUSY;
	}
	return live->restored_as || nodes > 3 ? -EBUSY : 0;
}

/**
 * xenemu_restore_live_tree - the tree that a difference is to
 * @restore: what is being restored
 *
 * Return: its root, a reference, or an ERR_PTR().
 */
struct xenemu_node *xenemu_restore_live_tree(struct xenemu_restore *restore)
{
	struct xenemu_store *live = restore->live;
	struct xenemu_node *top;
	int ret;

	mutex_lock_nested(&live->lock, SINGLE_DEPTH_NESTING);
	ret = check_live(restore);
	restore->live_gen = live->gen;
	top = ret ? ERR_PTR(ret) : xenemu_node_get(live->top);
	mutex_unlock(&live->lock);
	return top;
}

static int copy_domains(struct xenemu_restore *restore)
{
	struct xenemu_store *live = restore->live, *store = restore->store;
	struct xenemu_sdomain *dom, *copy, *target;

	list_for_each_entry(dom, &live->domains, link) {
		copy = xenemu_restore_domain(restore, dom->domid);
		if (IS_ERR(copy))
			return PTR_ERR(copy);
		xenemu_sdomain_set_birth(restore->store, copy, dom->birth);
		copy->introduced = dom->introduced;
		copy->shutdown = dom->shutdown;
		copy->features = dom->features;
		copy->quota_set = dom->quota_set;
		memcpy(copy->quota, dom->quota, sizeof(copy->quota));
	}
	list_for_each_entry(dom, &live->domains, link) {
		copy = xenemu_sdomain_find(store, dom->domid);
		if (!dom->target)
			continue;
		target = xenemu_sdomain_find(store, dom->target->domid);
		xenemu_sdomain_set_target(store, copy, target);
	}
	return 0;
}

static int copy_conn(struct xenemu_restore *restore, const struct xenemu_conn *conn)
{
	struct xenemu_store *store = restore->store;
	const struct xenemu_watch *watch;
	struct xenemu_conn *copy;
	int ret;

	copy = xenemu_restore_conn(restore, conn->id,
				   xenemu_sdomain_find(store, conn->dom->domid), conn->kind);
	if (IS_ERR(copy))
		return PTR_ERR(copy);
	copy->dead = conn->dead;
	copy->port = conn->port;
	copy->gfn = conn->gfn;
	copy->next_txn = conn->next_txn;
	copy->next_txn_gen = conn->next_txn_gen;
	list_for_each_entry(watch, &conn->watches, conn_link) {
		const struct xenemu_path path = {
			.str = watch->data,
			.len = watch->path_len,
			.rel = watch->rel,
		};

		ret = xenemu_watch_restore(copy, &path, xenemu_watch_token(watch),
					   watch->token_len, watch->depth);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * xenemu_restore_live_head - copy what a difference leaves out because it is the same
 * @restore: what is being restored
 *
 * Domains, limits, connections and watches.
 *
 * Return: 0 or an errno.
 */
int xenemu_restore_live_head(struct xenemu_restore *restore)
{
	struct xenemu_store *live = restore->live;
	struct xenemu_conn *conn;
	int ret;

	/* Of the two stores, nobody else can have the lock of the one we hold. */
	mutex_lock_nested(&live->lock, SINGLE_DEPTH_NESTING);
	ret = check_live(restore);
	if (ret)
		goto out_unlock;
	memcpy(restore->store->quota, live->quota, sizeof(live->quota));
	ret = copy_domains(restore);
	if (ret)
		goto out_unlock;
	list_for_each_entry(conn, &live->conns, link) {
		ret = copy_conn(restore, conn);
		if (ret)
			break;
	}
out_unlock:
	mutex_unlock(&live->lock);
	return ret;
}

/* What the host knows, the store has to know. */
static int add_live_domains(struct xenemu_restore *restore)
{
	struct xenemu_sdomain *dom, *new;

	list_for_each_entry(dom, &restore->live->domains, link) {
		if (dom->absent)
			continue;
		new = xenemu_restore_domain(restore, dom->domid);
		if (IS_ERR(new))
			return PTR_ERR(new);
		new->absent = false;
	}
	return 0;
}

static void swap_lists(struct list_head *a, struct list_head *b)
{
	LIST_HEAD(tmp);

	list_splice_init(a, &tmp);
	list_splice_init(b, a);
	list_splice_init(&tmp, b);
}

/* Exchange all that a store has, but for what it is to its host. */
static void exchange(struct xenemu_store *live, struct xenemu_store *new)
{
	struct xenemu_conn *conn;
	u32 i;

	lockdep_assert_held(&live->lock);
	lockdep_assert_held(&new->lock);

	spin_lock(&live->root_lock);
	swap(live->top, new->top);
	swap_lists(&live->domains, &new->domains);
	swap(live->domain_tab, new->domain_tab);
	/* It is read without a lock, but only for connections. */
	for (i = 0; i < XENEMU_BIRTH_PIECES; i++)
		swap(live->birth[i], new->birth[i]);
	swap_lists(&live->conns, &new->conns);
	swap_lists(&live->txns, &new->txns);
	swap(live->key, new->key);
	swap(live->trie, new->trie);
	swap(live->trie_tab, new->trie_tab);
	swap(live->watch_tab, new->watch_tab);
	list_for_each_entry(conn, &live->conns, link)
		conn->store = live;
	list_for_each_entry(conn, &new->conns, link)
		conn->store = new;
	spin_unlock(&live->root_lock);

	memcpy(live->quota, new->quota, sizeof(live->quota));
	live->next_conn = new->next_conn;
	live->head_gen = new->head_gen;
	live->gen = new->gen;
	live->nr_deaths = new->nr_deaths;
	live->mem_check = 0;

	/* There is no difference to what was saved before. */
	xenemu_node_put(live, live->mark_top);
	live->mark_top = NULL;
	live->mark_gen = 0;

	/* What the two trees share has been charged to the one, and is freed with the other. */
	xenemu_parked_drop(new, NULL, false);
	xenemu_node_put(new, new->top);
	new->top = NULL;
	atomic_long_add(atomic_long_read(&new->mem), &live->mem);
	atomic_long_set(&new->mem, 0);
}

static int replace_live(struct xenemu_restore *restore)
{
	struct xenemu_store *live = restore->live, *store = restore->store;
	int ret;

	mutex_lock(&live->lock);
	/* Nobody else knows it. */
	mutex_lock_nested(&store->lock, SINGLE_DEPTH_NESTING);
	ret = check_live(restore);
	if (!ret)
		ret = add_live_domains(restore);
	if (!ret) {
		exchange(live, store);
		live->restored_as = restore->gen;
		live->restored_gen = live->gen;
	}
	mutex_unlock(&store->lock);
	mutex_unlock(&live->lock);
	return ret;
}

static void drop_fds(struct xenemu_store *store)
{
	struct xenemu_conn *conn, *next;

	list_for_each_entry_safe(conn, next, &store->conns, link)
		if (conn->kind == XENEMU_CONN_FD)
			xenemu_conn_destroy_locked(conn);
}

static bool begins_with(const void *data, size_t len, const char *magic)
{
	return len >= strlen(magic) && !memcmp(data, magic, strlen(magic));
}

static int read_stream(struct xenemu_restore *restore, const void *data, size_t len)
{
	struct xenemu_store *store = restore->store;
	int ret;

	mutex_lock(&store->lock);
	if (begins_with(data, len, XENEMU_XEN_MAGIC))
		ret = xenemu_xen_read(restore, data, len);
	else if (begins_with(data, len, XENEMU_COMPACT_MAGIC))
		ret = xenemu_compact_read(restore, data, len);
	else
		ret = xenemu_restore_refuse(restore, XENEMU_RESTORE_BAD_HEADER);
	if (!ret && restore->flags & XENEMU_RESTORE_NO_FDS)
		drop_fds(store);
	mutex_unlock(&store->lock);
	return ret;
}

int xenemu_restore_store(struct xenemu_store *store, const void *data, size_t len, u32 flags,
			 struct xenemu_restore_why *why)
{
	struct xenemu_restore *restore;
	int ret = -ENOMEM;

	memset(why, 0, sizeof(*why));
	restore = kzalloc(sizeof(*restore), GFP_KERNEL_ACCOUNT);
	if (!restore)
		return -ENOMEM;
	restore->live = store;
	restore->flags = flags;
	if (xenemu_htab_init(&restore->conns, 16))
		goto out_free;
	restore->store = xenemu_store_create(store->ops, store->priv);
	if (IS_ERR(restore->store)) {
		ret = PTR_ERR(restore->store);
		goto out_free;
	}

	ret = read_stream(restore, data, len);
	if (!ret)
		ret = replace_live(restore);

	*why = restore->why;
	if (ret != -EBADMSG && ret != -EOPNOTSUPP)
		memset(why, 0, sizeof(*why));
	xenemu_builder_cancel(&restore->tree);
	free_perms(restore);
	xenemu_store_destroy(restore->store);
	if (!ret)
		xenemu_store_tick(store);
out_free:
	free_conns(restore);
	kfree(restore);
	return ret;
}
