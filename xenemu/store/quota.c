// SPDX-License-Identifier: GPL-2.0-only
/*
 * Limits of domains, and who is charged for what.
 *
 * A request that changes the tree first collects what it does to the accounts of
 * domains (in their delta_* members), then checks that, and applies it together with
 * the change, or drops it.
 */
#include "internal.h"

#include <linux/errno.h>

/* What a node costs its owner on top of its texts: itself and its slot. */
#define NODE_COST	(sizeof(struct xenemu_node) + 16)

/* Xen counts this much for a node on top of texts and permissions. */
#define XEN_NODE_HEADER	24

const char * const xenemu_quota_name[XENEMU_NR_QUOTAS] = {
	[XENEMU_QUOTA_NODES]		 = "nodes",
	[XENEMU_QUOTA_WATCHES]		 = "watches",
	[XENEMU_QUOTA_OUTSTANDING]	 = "outstanding",
	[XENEMU_QUOTA_MEMORY]		 = "memory",
	[XENEMU_QUOTA_SOFT_MEMORY]	 = "soft-memory",
	[XENEMU_QUOTA_TRANSACTIONS]	 = "transactions",
	[XENEMU_QUOTA_TRANSACTION_NODES] = "transaction-nodes",
	[XENEMU_QUOTA_NODE_PERMISSIONS]	 = "node-permissions",
	[XENEMU_QUOTA_PATH_MAX]		 = "path-max",
	[XENEMU_QUOTA_NODE_SIZE]	 = "node-size",
};

/**
 * xenemu_quota_init - set the limits that a store begins with
 * @store: the store
 */
void xenemu_quota_init(struct xenemu_store *store)
{
	static const u32 initial[XENEMU_NR_QUOTAS] = {
		[XENEMU_QUOTA_NODES]		 = 1000,
		[XENEMU_QUOTA_WATCHES]		 = 128,
		[XENEMU_QUOTA_OUTSTANDING]	 = 20,
		[XENEMU_QUOTA_MEMORY]		 = 2560 * 1024,
		[XENEMU_QUOTA_SOFT_MEMORY]	 = 2048 * 1024,
		[XENEMU_QUOTA_TRANSACTIONS]	 = 10,
		[XENEMU_QUOTA_TRANSACTION_NODES] = 1024,
		[XENEMU_QUOTA_NODE_PERMISSIONS]	 = 5,
		[XENEMU_QUOTA_PATH_MAX]		 = 2048,
		[XENEMU_QUOTA_NODE_SIZE]	 = 2048,
	};

	memcpy(store->quota, initial, sizeof(initial));
}

/**
 * xenemu_quota_limit - limit of a domain
 * @store: the store
 * @dom: the domain
 * @which: of what
 *
 * Return: the limit; 0 for none.
 */
u32 xenemu_quota_limit(const struct xenemu_store *store, const struct xenemu_sdomain *dom,
		       enum xenemu_quota which)
{
	if (dom->privileged)
		return 0;
	if (READ_ONCE(dom->quota_set) & BIT(which))
		return READ_ONCE(dom->quota[which]);
	return READ_ONCE(store->quota[which]);
}

/**
 * xenemu_quota_note - remember how much of something a domain has had
 * @store: the store
 * @dom: the domain
 * @which: of what
 * @value: how much
 *
 * Context: any.
 */
void xenemu_quota_note(struct xenemu_store *store, struct xenemu_sdomain *dom,
		       enum xenemu_quota which, u32 value)
{
	if (value > READ_ONCE(dom->quota_max[which]))
		WRITE_ONCE(dom->quota_max[which], value);
	if (value > READ_ONCE(store->quota_max[which]))
		WRITE_ONCE(store->quota_max[which], value);
}

/**
 * xenemu_quota_exceeded - whether something would be too much
 * @store: the store
 * @dom: domain whose limit it is
 * @which: of what
 * @value: how much there would be
 *
 * Return: true if that is more than it may have.
 */
bool xenemu_quota_exceeded(struct xenemu_store *store, struct xenemu_sdomain *dom,
			   enum xenemu_quota which, s64 value)
{
	u32 limit = xenemu_quota_limit(store, dom, which);

	if (limit && value > limit)
		return true;
	if (!dom->privileged)
		xenemu_quota_note(store, dom, which, min_t(s64, value, U32_MAX));
	return false;
}

/**
 * xenemu_quota_may_charge - whether a domain may have more memory
 * @store: the store
 * @dom: the domain
 * @bytes: how much more
 *
 * Return: true if it may.
 */
bool xenemu_quota_may_charge(struct xenemu_store *store, struct xenemu_sdomain *dom,
			     size_t bytes)
{
	return !xenemu_quota_exceeded(store, dom, XENEMU_QUOTA_MEMORY,
				      (s64)atomic_long_read(&dom->mem) + bytes);
}

/**
 * xenemu_quota_node_fits - whether a node is small enough for who changes it
 * @req: request that changes it
 * @perms: its permissions
 * @value_len: length of its value
 * @names_len: length of the names of its children, with a NUL each
 *
 * Return: true if it is.
 */
bool xenemu_quota_node_fits(struct xenemu_request *req, const struct xenemu_perms *perms,
			    u64 value_len, u64 names_len)
{
	if (!req->conn)
		return true;
	return !xenemu_quota_exceeded(req->store, req->conn->dom, XENEMU_QUOTA_NODE_SIZE,
				      XEN_NODE_HEADER + perms->nr * 4 + value_len + names_len);
}

static void add_delta(struct xenemu_store *store, u16 domid, s32 nodes, s64 mem)
{
	struct xenemu_sdomain *dom = xenemu_sdomain_find(store, domid);

	if (!dom)
		return;
	if (list_empty(&dom->delta)) {
		list_add(&dom->delta, &store->deltas);
		dom->delta_nodes = 0;
		dom->delta_mem = 0;
	}
	dom->delta_nodes += nodes;
	dom->delta_mem += mem;
}

/**
 * xenemu_quota_count - count a node for, or against, its owner
 * @store: the store
 * @perms: its permissions
 * @text: length of its name and its value
 * @sign: 1 or -1
 */
void xenemu_quota_count(struct xenemu_store *store, const struct xenemu_perms *perms,
			u32 text, int sign)
{
	s64 mem = NODE_COST + text + perms->nr * sizeof(struct xenemu_perm);

	lockdep_assert_held(&store->lock);

	add_delta(store, xenemu_perms_owner(perms), sign, sign * mem);
}

/**
 * xenemu_quota_count_tree - count a node and all below
 * @store: the store
 * @node: the node
 * @sign: 1 or -1
 */
void xenemu_quota_count_tree(struct xenemu_store *store, const struct xenemu_node *node,
			     int sign)
{
	const struct xenemu_node *each = node;
	struct xenemu_walk walk;

	lockdep_assert_held(&store->lock);

	xenemu_walk_start(&walk, store->stack, NULL, node, NULL);
	for (; each; each = xenemu_walk_next(&walk, true))
		xenemu_quota_count(store, each->perms, each->name_len + each->value_len,
				   sign);
}

static const struct xenemu_delta *find_delta(const struct xenemu_txn *txn,
					     const struct xenemu_sdomain *dom)
{
	const struct xenemu_delta *delta;

	list_for_each_entry(delta, &txn->deltas, link)
		if (delta->dom == dom)
			return delta;
	return NULL;
}

/**
 * xenemu_quota_check - check what the current request would do
 * @store: the store
 * @requester: who asks. dom0 may give others more than their limits
 * @txn: transaction with changes that are to be considered too, or NULL
 *
 * Only domains that would get more are looked at: removing is always possible.
 *
 * Return: 0, -ENOSPC for too many nodes, -ENOMEM for too much memory.
 */
int xenemu_quota_check(struct xenemu_store *store, const struct xenemu_sdomain *requester,
		       const struct xenemu_txn *txn)
{
	struct xenemu_sdomain *dom;

	lockdep_assert_held(&store->lock);

	if (requester->privileged)
		return 0;
	list_for_each_entry(dom, &store->deltas, delta) {
		const struct xenemu_delta *more = txn ? find_delta(txn, dom) : NULL;
		s64 nodes = (s64)dom->nr_nodes + dom->delta_nodes + (more ? more->nodes : 0);
		s64 mem = atomic_long_read(&dom->mem) + dom->delta_mem + (more ? more->mem : 0);

		/* What becomes part of the tree is not the transaction's any more. */
		if (txn && dom == txn->conn->dom)
			mem -= txn->mem;

		if (dom->delta_nodes > 0 &&
		    xenemu_quota_exceeded(store, dom, XENEMU_QUOTA_NODES, nodes))
			return -ENOSPC;
		if (dom->delta_mem > 0 &&
		    xenemu_quota_exceeded(store, dom, XENEMU_QUOTA_MEMORY, mem))
			return -ENOMEM;
	}
	return 0;
}

static void apply_deltas(struct xenemu_store *store, bool commit)
{
	struct xenemu_sdomain *dom, *next;

	lockdep_assert_held(&store->lock);

	list_for_each_entry_safe(dom, next, &store->deltas, delta) {
		if (commit) {
			dom->nr_nodes += dom->delta_nodes;
			atomic_long_add(dom->delta_mem, &dom->mem);
		}
		list_del_init(&dom->delta);
	}
}

/**
 * xenemu_quota_commit - do what was collected
 * @store: the store
 */
void xenemu_quota_commit(struct xenemu_store *store)
{
	apply_deltas(store, true);
}

/**
 * xenemu_quota_cancel - forget what was collected
 * @store: the store
 */
void xenemu_quota_cancel(struct xenemu_store *store)
{
	apply_deltas(store, false);
}

/**
 * xenemu_quota_move_to_txn - keep what was collected for when a transaction commits
 * @store: the store
 * @txn: the transaction
 *
 * Return: 0 or -ENOMEM, without effect.
 */
int xenemu_quota_move_to_txn(struct xenemu_store *store, struct xenemu_txn *txn)
{
	struct xenemu_sdomain *dom;
	struct xenemu_delta *delta;

	lockdep_assert_held(&store->lock);

	list_for_each_entry(dom, &store->deltas, delta) {
		if (find_delta(txn, dom))
			continue;
		delta = kzalloc(sizeof(*delta), GFP_KERNEL_ACCOUNT);
		if (!delta)
			return -ENOMEM;
		delta->dom = xenemu_sdomain_get(dom);
		list_add(&delta->link, &txn->deltas);
	}
	list_for_each_entry(delta, &txn->deltas, link) {
		if (list_empty(&delta->dom->delta))
			continue;
		delta->nodes += delta->dom->delta_nodes;
		delta->mem += delta->dom->delta_mem;
	}
	xenemu_quota_cancel(store);
	return 0;
}

/**
 * xenemu_quota_add_txn - collect what a transaction does
 * @store: the store
 * @txn: the transaction
 */
void xenemu_quota_add_txn(struct xenemu_store *store, const struct xenemu_txn *txn)
{
	const struct xenemu_delta *delta;

	lockdep_assert_held(&store->lock);

	list_for_each_entry(delta, &txn->deltas, link)
		if (!delta->dom->dead)
			add_delta(store, delta->dom->domid, delta->nodes, delta->mem);
}

/**
 * xenemu_quota_free_txn - forget what a transaction does
 * @txn: the transaction
 */
void xenemu_quota_free_txn(struct xenemu_txn *txn)
{
	struct xenemu_delta *delta, *next;

	list_for_each_entry_safe(delta, next, &txn->deltas, link) {
		list_del(&delta->link);
		xenemu_sdomain_put(delta->dom);
		kfree(delta);
	}
}

/**
 * xenemu_quota_parse - find a limit by its name
 * @name: the name
 *
 * Return: enum xenemu_quota or -EINVAL.
 */
int xenemu_quota_parse(const char *name)
{
	u32 i;

	for (i = 0; i < XENEMU_NR_QUOTAS; i++)
		if (!strcmp(name, xenemu_quota_name[i]))
			return i;
	return -EINVAL;
}

/**
 * xenemu_quota_set - change a limit
 * @store: the store
 * @dom: domain whose limit it is, or NULL for all that have none of their own
 * @name: its name
 * @value: new value in decimal
 *
 * Return: 0 or -EINVAL.
 */
int xenemu_quota_set(struct xenemu_store *store, struct xenemu_sdomain *dom,
		     const char *name, const char *value)
{
	int which = xenemu_quota_parse(name);
	struct xenemu_sdomain *each;
	u32 number;

	lockdep_assert_held(&store->lock);

	if (which < 0 || kstrtou32(value, 10, &number) || number > INT_MAX)
		return -EINVAL;
	if (dom) {
		WRITE_ONCE(dom->quota[which], number);
		WRITE_ONCE(dom->quota_set, dom->quota_set | BIT(which));
	} else {
		WRITE_ONCE(store->quota[which], number);
	}

	xenemu_store_change_head(store);
	/* Whoever waits for others to read their events may go on now. */
	list_for_each_entry(each, &store->domains, link)
		xenemu_conn_wake_blocked(each);
	return 0;
}

static int find_domain(struct xenemu_store *store, const char *str,
		       struct xenemu_sdomain **dom)
{
	u16 domid;
	int ret = xenemu_sdomain_parse(str, &domid);

	if (ret)
		return ret;
	*dom = xenemu_sdomain_find(store, domid);
	return *dom ? 0 : -ENOENT;
}

/* GET_QUOTA: the names, or the value of a limit: in general, or a domain's. */
int xenemu_quota_op_get(struct xenemu_request *req)
{
	struct xenemu_store *store = req->store;
	struct xenemu_sdomain *dom = NULL;
	char *arg[2], text[160];
	u32 nr = xenemu_proto_args(req, arg, 2), i, len = 0;
	int which, ret;

	lockdep_assert_held(&store->lock);

	if (nr > 2)
		return -EINVAL;
	if (!nr) {
		for (i = 0; i < XENEMU_NR_QUOTAS; i++)
			len += scnprintf(text + len, sizeof(text) - len, "%s%s",
					 i ? " " : "", xenemu_quota_name[i]);
		return xenemu_proto_reply_text(req, text);
	}
	if (nr == 2) {
		ret = find_domain(store, arg[0], &dom);
		if (ret)
			return ret;
	}
	which = xenemu_quota_parse(arg[nr - 1]);
	if (which < 0)
		return which;
	scnprintf(text, sizeof(text), "%u",
		  dom ? xenemu_quota_limit(store, dom, which) : store->quota[which]);
	return xenemu_proto_reply_text(req, text);
}

/* SET_QUOTA: in general, or a domain's. */
int xenemu_quota_op_set(struct xenemu_request *req)
{
	struct xenemu_sdomain *dom = NULL;
	char *arg[3];
	u32 nr = xenemu_proto_args(req, arg, 3);
	int ret;

	lockdep_assert_held(&req->store->lock);

	if (nr < 2 || nr > 3)
		return -EINVAL;
	if (nr == 3) {
		ret = find_domain(req->store, arg[0], &dom);
		if (ret)
			return ret;
	}
	ret = xenemu_quota_set(req->store, dom, arg[nr - 2], arg[nr - 1]);
	return ret ?: xenemu_proto_reply_text(req, "OK");
}
