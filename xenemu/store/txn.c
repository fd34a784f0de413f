// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transactions. One begins by holding the root of the tree, and has a root of its own
 * with its changes. For each path it looked at or changed it notes what it depends on.
 * To commit, these dependencies are compared with the current tree, and the changes are
 * made to it. So what others do elsewhere is never in the way; and a transaction that
 * only read need not be checked, since it saw one state of the tree, that at its start.
 */
#include "internal.h"

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/overflow.h>
#include <linux/timekeeping.h>

/* Old versions of the tree may take as much memory as the current one, and this. */
#define SNAPSHOT_SLACK	(16L << 20)

/**
 * xenemu_txn_find - find a transaction
 * @conn: connection whose it is
 * @id: its number; any value
 *
 * Context: conn->txn_lock held, or store->lock while nobody serves the connection.
 * Return: the transaction or NULL.
 */
struct xenemu_txn *xenemu_txn_find(struct xenemu_conn *conn, u32 id)
{
	struct xenemu_txn *txn;

	lockdep_assert(lockdep_is_held(&conn->txn_lock) ||
		       lockdep_is_held(&conn->store->lock));

	list_for_each_entry(txn, &conn->txns, link)
		if (txn->id == id)
			return txn;
	return NULL;
}

static struct xenemu_touch *find_touch(struct xenemu_txn *txn, const char *path, u32 len,
				       u32 hash)
{
	struct xenemu_touch *touch;

	xenemu_htab_for_each(&txn->tab, touch, hash, hash) {
		if (touch->hash.hash == hash && touch->len == len &&
		    !memcmp(touch->path, path, len))
			return touch;
	}
	return NULL;
}

static struct xenemu_touch *add_touch(struct xenemu_txn *txn, const struct xenemu_path *path,
				      u32 hash, u32 flags, gfp_t gfp)
{
	struct xenemu_touch *touch;
	struct xenemu_lookup at;
	size_t size;

	size = struct_size(touch, path, path->len + 1);
	touch = kmalloc(size, gfp);
	if (!touch)
		return NULL;
	xenemu_tree_find(txn->base, path, &at);
	touch->base = at.node;
	touch->flags = flags;
	touch->len = path->len;
	memcpy(touch->path, path->str, path->len);
	touch->path[path->len] = 0;
	INIT_LIST_HEAD(&touch->apply);
	list_add_tail(&touch->link, &txn->touched);
	xenemu_htab_add(&txn->tab, &touch->hash, hash);
	txn->mem += size;
	atomic_long_add(size, &txn->conn->dom->mem);
	return touch;
}

/**
 * xenemu_txn_touch - note what a request depends on
 * @req: request of a transaction
 * @path: path, not terminated
 * @len: length of that
 * @flags: XENEMU_TOUCH_*, 0 if it depends on the node not being there
 *
 * Return: 0, or -ENOSPC or -ENOMEM; then the transaction cannot be committed.
 */
int xenemu_txn_touch(struct xenemu_request *req, const char *path, u32 len, u32 flags)
{
	const struct xenemu_path where = { .str = path, .len = len };
	struct xenemu_sdomain *dom = req->conn->dom;
	struct xenemu_store *store = req->store;
	struct xenemu_txn *txn = req->txn;
	struct xenemu_touch *touch;
	u32 hash;

	lockdep_assert_held(&txn->conn->txn_lock);

	hash = xenemu_store_hash(store, path, len);
	touch = find_touch(txn, path, len, hash);
	if (touch) {
		touch->flags |= flags;
		return 0;
	}
	if (xenemu_quota_exceeded(store, dom, XENEMU_QUOTA_TRANSACTION_NODES,
				  txn->tab.nr + 1)) {
		txn->error = -ENOMEM;
		return -ENOSPC;
	}

	touch = NULL;
	if (xenemu_quota_may_charge(store, dom, struct_size(touch, path, len + 1)))
		touch = add_touch(txn, &where, hash, flags, req->gfp);
	if (!touch) {
		txn->error = -ENOMEM;
		return -ENOMEM;
	}
	return 0;
}

/**
 * xenemu_txn_restore_touch - note what a restored transaction depends on
 * @txn: the transaction
 * @path: the path
 * @flags: XENEMU_TOUCH_*
 *
 * Return: what was noted; ERR_PTR(-EEXIST) if that was done already, or
 * ERR_PTR(-ENOMEM).
 */
struct xenemu_touch *xenemu_txn_restore_touch(struct xenemu_txn *txn,
					      const struct xenemu_path *path, u32 flags)
{
	u32 hash = xenemu_store_hash(txn->conn->store, path->str, path->len);

	lockdep_assert_held(&txn->conn->store->lock);

	if (find_touch(txn, path->str, path->len, hash))
		return ERR_PTR(-EEXIST);
	return add_touch(txn, path, hash, flags, GFP_KERNEL_ACCOUNT) ?: ERR_PTR(-ENOMEM);
}

/**
 * xenemu_txn_mark - note that a request changed something
 * @txn: the transaction
 * @path: path that was touched, not terminated
 * @len: length of that
 * @flags: XENEMU_TOUCH_* in addition
 * @moved: the node was created or removed: what is below comes later
 */
void xenemu_txn_mark(struct xenemu_txn *txn, const char *path, u32 len, u32 flags,
		     bool moved)
{
	const struct xenemu_store *store = txn->conn->store;
	struct xenemu_touch *touch;

	lockdep_assert_held(&store->lock);

	touch = find_touch(txn, path, len, xenemu_store_hash(store, path, len));
	touch->flags |= flags;
	if (moved || list_empty(&touch->apply))
		list_move_tail(&touch->apply, &txn->written);
}

/**
 * xenemu_txn_restore_charge - charge for the tree of a restored transaction
 * @txn: the transaction
 * @bytes: memory that only it has
 */
void xenemu_txn_restore_charge(struct xenemu_txn *txn, s64 bytes)
{
	lockdep_assert_held(&txn->conn->store->lock);

	txn->mem += bytes;
	atomic_long_add(bytes, &txn->conn->dom->mem);
}

/**
 * xenemu_txn_charge - charge for what a change of a transaction's tree has taken
 * @txn: the transaction
 * @bytes: how much; or has given back, if negative
 *
 * Return: 0, or -ENOMEM if that was too much: then the transaction cannot be committed.
 */
int xenemu_txn_charge(struct xenemu_txn *txn, s64 bytes)
{
	struct xenemu_sdomain *dom = txn->conn->dom;

	lockdep_assert_held(&txn->conn->store->lock);

	xenemu_txn_restore_charge(txn, bytes);
	if (bytes <= 0 || xenemu_quota_may_charge(txn->conn->store, dom, 0))
		return 0;
	txn->error = -ENOMEM;
	return -ENOMEM;
}

static void uncharge(struct xenemu_txn *txn)
{
	atomic_long_sub(txn->mem, &txn->conn->dom->mem);
	txn->mem = 0;
}

/* Give up what it holds, but for its number. */
static void drop_contents(struct xenemu_txn *txn)
{
	struct xenemu_store *store = txn->conn->store;
	struct xenemu_touch *touch, *next;

	list_for_each_entry_safe(touch, next, &txn->touched, link) {
		xenemu_htab_del(&txn->tab, &touch->hash);
		kfree(touch);
	}
	INIT_LIST_HEAD(&txn->touched);
	INIT_LIST_HEAD(&txn->written);
	xenemu_quota_free_txn(txn);
	xenemu_node_put(store, txn->top);
	xenemu_node_put(store, txn->base);
	txn->top = NULL;
	txn->base = NULL;
	uncharge(txn);
}

/**
 * xenemu_txn_end - free a transaction
 * @txn: the transaction
 */
void xenemu_txn_end(struct xenemu_txn *txn)
{
	lockdep_assert_held(&txn->conn->store->lock);

	drop_contents(txn);
	xenemu_htab_free(&txn->tab);
	list_del(&txn->link);
	list_del(&txn->store_link);
	txn->conn->dom->nr_txns--;
	kfree(txn);
}

/**
 * xenemu_txn_end_all - free the transactions of a connection
 * @conn: the connection
 */
void xenemu_txn_end_all(struct xenemu_conn *conn)
{
	struct xenemu_txn *txn, *next;

	lockdep_assert_held(&conn->store->lock);

	list_for_each_entry_safe(txn, next, &conn->txns, link)
		xenemu_txn_end(txn);
}

/**
 * xenemu_txn_limit_memory - keep transactions from holding too many old nodes
 * @store: the store
 *
 * A snapshot keeps all alive that is replaced while it is held. If that becomes more
 * than the tree itself, the oldest transactions of guests lose theirs: a transaction may
 * fail with EAGAIN at any time.
 */
void xenemu_txn_limit_memory(struct xenemu_store *store)
{
	struct xenemu_txn *txn;
	long size, limit;

	lockdep_assert_held(&store->lock);

	if (atomic_long_read(&store->mem) <= store->mem_check)
		return;
	size = xenemu_tree_bytes(store, store->top);
	limit = 2 * size + SNAPSHOT_SLACK;
	list_for_each_entry(txn, &store->txns, store_link) {
		if (atomic_long_read(&store->mem) <= limit)
			break;
		if (txn->conn->dom->privileged)
			continue;
		mutex_lock(&txn->conn->txn_lock);
		if (txn->top) {
			drop_contents(txn);
			txn->error = -EAGAIN;
		}
		mutex_unlock(&txn->conn->txn_lock);
	}
	store->mem_check = max(limit, atomic_long_read(&store->mem) +
				      (size + SNAPSHOT_SLACK) / 4);
}

/**
 * xenemu_txn_create - begin a transaction
 * @conn: whose it is
 * @base: root of the tree it begins with, of which a reference is taken; NULL if its
 *	snapshot was taken away
 * @top: the same for the tree with its changes
 *
 * Return: the transaction, whose number is still 0, or NULL for want of memory.
 */
struct xenemu_txn *xenemu_txn_create(struct xenemu_conn *conn, struct xenemu_node *base,
				     struct xenemu_node *top)
{
	struct xenemu_store *store = conn->store;
	struct xenemu_txn *txn;

	lockdep_assert_held(&store->lock);

	txn = kzalloc(sizeof(*txn), GFP_KERNEL_ACCOUNT);
	if (!txn)
		return NULL;
	if (xenemu_htab_init(&txn->tab, 16)) {
		kfree(txn);
		return NULL;
	}
	txn->conn = conn;
	txn->started = ktime_get_ns();
	txn->nr_deaths = store->nr_deaths;
	txn->base = base ? xenemu_node_get(base) : NULL;
	txn->top = top ? xenemu_node_get(top) : NULL;
	INIT_LIST_HEAD(&txn->touched);
	INIT_LIST_HEAD(&txn->written);
	INIT_LIST_HEAD(&txn->deltas);
	txn->mem = sizeof(*txn);
	atomic_long_add(txn->mem, &conn->dom->mem);
	list_add_tail(&txn->link, &conn->txns);
	list_add_tail(&txn->store_link, &store->txns);
	conn->dom->nr_txns++;
	return txn;
}

/* TRANSACTION_START: the reply is a number. */
int xenemu_txn_op_start(struct xenemu_request *req)
{
	struct xenemu_store *store = req->store;
	struct xenemu_conn *conn = req->conn;
	struct xenemu_txn *txn;
	char text[12];

	lockdep_assert_held(&store->lock);

	if (req->txn)
		return -EBUSY;
	if (xenemu_quota_exceeded(store, conn->dom, XENEMU_QUOTA_TRANSACTIONS,
				  conn->dom->nr_txns + 1))
		return -ENOSPC;
	if (!xenemu_quota_may_charge(store, conn->dom, sizeof(*txn)))
		return -ENOMEM;
	txn = xenemu_txn_create(conn, store->top, store->top);
	if (!txn)
		return -ENOMEM;
	do {
		txn->id = ++conn->next_txn;
	} while (!txn->id || xenemu_txn_find(conn, txn->id) != txn);
	conn->next_txn_gen = ++store->gen;
	scnprintf(text, sizeof(text), "%u", txn->id);
	return xenemu_proto_reply_text(req, text);
}

/**
 * xenemu_txn_is_changed - whether what a transaction depends on is no more as it was
 * @flags: XENEMU_TOUCH_*: in which way it depends on a node
 * @base: the node when the transaction began, or NULL
 * @now: the node now, or NULL
 *
 * Return: true if it is not.
 */
bool xenemu_txn_is_changed(u32 flags, const struct xenemu_node *base,
			   const struct xenemu_node *now)
{
	const u32 reads = XENEMU_TOUCH_VALUE | XENEMU_TOUCH_PERMS | XENEMU_TOUCH_LIST |
			  XENEMU_TOUCH_EXISTS | XENEMU_TOUCH_SUBTREE;

	if (now == base)
		return false;
	if (!base)
		return true;
	/* If it was only touched when a node above it had been removed, that counts. */
	if (!now)
		return flags & reads;
	return (flags & XENEMU_TOUCH_SUBTREE) ||
	       (flags & XENEMU_TOUCH_VALUE && now->gen != base->gen) ||
	       (flags & XENEMU_TOUCH_PERMS && now->perms != base->perms) ||
	       (flags & XENEMU_TOUCH_LIST && now->list_gen != base->list_gen);
}

/* Who made the difference between two versions of a node. */
static u16 find_writer(const struct xenemu_node *base, const struct xenemu_node *now)
{
	while (base && now->gen == base->gen && now->list_gen == base->list_gen &&
	       now->perms == base->perms) {
		if (!xenemu_kids_find_change(base->kids, now->kids, &base, &now))
			break;
	}
	return now->writer;
}

static void blame(struct xenemu_request *req, const struct xenemu_touch *touch,
		  const struct xenemu_lookup *at)
{
	const struct xenemu_node *node = at->node ?: at->near;
	u64 lost = ktime_get_ns() - req->txn->started;

	/* Touching what one may not read must not be a means to slow others down. */
	if (!node || !(xenemu_perms_access(node->perms, &req->cred) & XENEMU_PERM_READ))
		return;
	xenemu_limit_blame(req->conn, find_writer(at->node ? touch->base : NULL, node), lost);
}

static bool has_conflict(struct xenemu_request *req)
{
	const struct xenemu_txn *txn = req->txn;
	struct xenemu_node *top = req->store->top;
	const struct xenemu_touch *touch;
	struct xenemu_lookup at;

	if (top == txn->base)
		return false;
	list_for_each_entry(touch, &txn->touched, link) {
		const struct xenemu_path path = { .str = touch->path, .len = touch->len };

		xenemu_tree_find(top, &path, &at);
		if (xenemu_txn_is_changed(touch->flags, touch->base, at.node)) {
			blame(req, touch, &at);
			return true;
		}
	}
	return false;
}

/* A domain that was given nodes by the transaction may have died since. */
static bool owners_exist(struct xenemu_request *req)
{
	const struct xenemu_touch *touch;
	struct xenemu_lookup at;

	if (req->txn->nr_deaths == req->store->nr_deaths)
		return true;
	list_for_each_entry(touch, &req->txn->written, apply) {
		const struct xenemu_path path = { .str = touch->path, .len = touch->len };

		xenemu_tree_find(req->txn->top, &path, &at);
		if (at.node && !xenemu_perms_valid(req->store, at.node->perms, 0))
			return false;
	}
	return true;
}

/* Carry one path over to the tree @top, which is replaced if need be. */
static int apply_one(struct xenemu_request *req, const struct xenemu_touch *touch,
		     struct xenemu_node **top)
{
	const struct xenemu_path path = { .str = touch->path, .len = touch->len };
	const struct xenemu_edit edit = {
		.store = req->store,
		.gfp = req->gfp,
		.gen = ++req->store->gen,
		.writer = req->cred.domid,
	};
	struct xenemu_lookup ours, at;
	struct xenemu_change change;
	struct xenemu_node *node;
	int ret;

	xenemu_tree_find(req->txn->top, &path, &ours);
	xenemu_tree_find(*top, &path, &at);
	node = ours.node;
	if (at.node && (!node || touch->flags & XENEMU_TOUCH_SUBTREE)) {
		ret = xenemu_tree_del(&edit, &path, &at, &change);
		if (!ret)
			ret = xenemu_tree_apply(&edit, top, &change);
		if (ret)
			return ret;
		xenemu_tree_find(*top, &path, &at);
	}
	if (!node)
		return 0;
	if (at.node)
		ret = xenemu_tree_set(&edit, *top, &path, &at, xenemu_node_value(node),
				      node->value_len, node->perms, &change);
	else if (!xenemu_quota_node_fits(req, at.near->perms, at.near->value_len,
					 node->name_len + 1 +
					 (at.near->kids ? at.near->kids->bytes : 0)))
		ret = -ENOSPC;
	else
		ret = xenemu_tree_add(&edit, &path, &at, xenemu_node_value(node),
				      node->value_len, node->perms, &change);
	return ret ?: xenemu_tree_apply(&edit, top, &change);
}

/* The current tree with the transaction's changes. */
static struct xenemu_node *merge(struct xenemu_request *req)
{
	struct xenemu_store *store = req->store;
	const struct xenemu_touch *touch;
	struct xenemu_node *top;
	int ret;

	if (store->top == req->txn->base)
		return xenemu_node_get(req->txn->top);

	top = xenemu_node_get(store->top);
	list_for_each_entry(touch, &req->txn->written, apply) {
		ret = apply_one(req, touch, &top);
		if (ret) {
			xenemu_node_put(store, top);
			return ERR_PTR(ret);
		}
	}
	return top;
}

static int prepare_events(struct xenemu_request *req)
{
	const struct xenemu_touch *touch;
	struct xenemu_lookup at;
	int ret;

	list_for_each_entry(touch, &req->txn->touched, link) {
		const struct xenemu_path path = { .str = touch->path, .len = touch->len };
		const struct xenemu_perms *old = touch->base ? touch->base->perms : NULL;
		bool removed = touch->base && touch->flags & XENEMU_TOUCH_SUBTREE;

		if (!(touch->flags & XENEMU_TOUCH_EVENT) || path.str[0] == '@')
			continue;
		if (removed) {
			ret = xenemu_watch_fire_removed(req, &path, touch->base);
			if (ret)
				return ret;
		}
		/* Created and removed again, or gone with a node above: no event. */
		xenemu_tree_find(req->txn->top, &path, &at);
		if (!at.node && !removed)
			continue;
		ret = xenemu_watch_fire(req, &path, old, at.node ? at.node->perms : NULL,
					at.near ? at.near->perms : NULL);
		if (ret)
			return ret;
	}
	return 0;
}

static int commit(struct xenemu_request *req)
{
	struct xenemu_store *store = req->store;
	struct xenemu_txn *txn = req->txn;
	struct xenemu_node *top;
	int ret;

	if (txn->error)
		return txn->error;
	if (list_empty(&txn->written))
		return 0;
	if (has_conflict(req) || !owners_exist(req))
		return -EAGAIN;
	/* It ends in any case, and its nodes become the tree's, or nobody's. */
	uncharge(txn);
	xenemu_quota_add_txn(store, txn);
	ret = xenemu_quota_check(store, req->conn->dom, NULL);
	if (ret)
		goto err_cancel;
	top = merge(req);
	if (IS_ERR(top)) {
		ret = PTR_ERR(top);
		goto err_cancel;
	}
	ret = prepare_events(req);
	if (ret)
		goto err_put;
	xenemu_quota_commit(store);
	xenemu_store_publish(store, top);
	return 0;

err_put:
	xenemu_node_put(store, top);
err_cancel:
	xenemu_quota_cancel(store);
	return ret;
}

/* TRANSACTION_END: "T" to commit or "F" to abort. Either ends it, whatever comes of it. */
int xenemu_txn_op_end(struct xenemu_request *req)
{
	const char *arg = xenemu_proto_one_arg(req);
	struct xenemu_store *store = req->store;
	int ret = 0;

	lockdep_assert_held(&store->lock);

	if (!arg || (strcmp(arg, "T") && strcmp(arg, "F")))
		return -EINVAL;
	if (!req->txn)
		return -ENOENT;
	if (arg[0] == 'T') {
		ret = commit(req);
		if (!ret)
			store->commits++;
		else if (ret == -EAGAIN)
			store->conflicts++;
	}
	xenemu_txn_end(req->txn);
	req->txn = NULL;
	return ret ?: xenemu_proto_reply_text(req, "OK");
}
