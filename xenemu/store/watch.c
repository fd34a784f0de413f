// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watches. They hang on a trie of path components, which is found through one hash
 * table: looking who watches a path costs as many steps as it has components, however
 * many watches there are.
 *
 * Firing only prepares events, for it may want memory; they are queued when the change
 * they tell of has been made.
 */
#include "internal.h"

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/overflow.h>

/**
 * xenemu_watch_create_root - make the root of a trie
 *
 * Return: it, or NULL for want of memory.
 */
struct xenemu_trie *xenemu_watch_create_root(void)
{
	struct xenemu_trie *trie = kzalloc(sizeof(*trie), GFP_KERNEL_ACCOUNT);

	if (trie) {
		INIT_LIST_HEAD(&trie->kids);
		INIT_LIST_HEAD(&trie->watches);
	}
	return trie;
}

static u32 trie_hash(const struct xenemu_store *store, const struct xenemu_trie *parent,
		     const char *name, u32 len)
{
	return xenemu_store_hash(store, name, len) ^ (parent->hash.hash * 31 + 1);
}

static struct xenemu_trie *find_trie(struct xenemu_store *store, struct xenemu_trie *parent,
				     const char *name, u32 len)
{
	u32 hash = trie_hash(store, parent, name, len);
	struct xenemu_trie *trie;

	xenemu_htab_for_each(&store->trie_tab, trie, hash, hash) {
		if (trie->hash.hash == hash && trie->parent == parent && trie->len == len &&
		    !memcmp(trie->name, name, len))
			return trie;
	}
	return NULL;
}

/* Free what nobody watches any more, from a path's end upwards. */
static void prune_trie(struct xenemu_store *store, struct xenemu_trie *trie)
{
	while (trie->parent && list_empty(&trie->kids) && list_empty(&trie->watches)) {
		struct xenemu_trie *parent = trie->parent;

		xenemu_htab_del(&store->trie_tab, &trie->hash);
		list_del(&trie->sibling);
		kfree(trie);
		trie = parent;
	}
}

static struct xenemu_trie *make_trie(struct xenemu_store *store,
				     const struct xenemu_path *path)
{
	struct xenemu_trie *trie = store->trie;
	struct xenemu_comp comp = {};

	while (xenemu_path_next(path->str, path->len, &comp)) {
		struct xenemu_trie *next = find_trie(store, trie, comp.name, comp.len);

		if (!next) {
			next = kzalloc(struct_size(next, name, comp.len), GFP_KERNEL_ACCOUNT);
			if (!next) {
				prune_trie(store, trie);
				return NULL;
			}
			INIT_LIST_HEAD(&next->kids);
			INIT_LIST_HEAD(&next->watches);
			next->parent = trie;
			next->len = comp.len;
			memcpy(next->name, comp.name, comp.len);
			list_add_tail(&next->sibling, &trie->kids);
			xenemu_htab_add(&store->trie_tab, &next->hash,
					trie_hash(store, trie, comp.name, comp.len));
		}
		trie = next;
	}
	return trie;
}

/*
 * A client learns of a change if it may read the node, or could before, or may see in
 * the parent's list whether the node exists.
 */
static bool permitted(const struct xenemu_conn *conn, const struct xenemu_perms *old,
		      const struct xenemu_perms *new, const struct xenemu_perms *parent)
{
	struct xenemu_cred cred;

	if (conn->dom->privileged)
		return true;
	xenemu_conn_cred(conn, &cred);
	return (old && xenemu_perms_access(old, &cred) & XENEMU_PERM_READ) ||
	       (new && xenemu_perms_access(new, &cred) & XENEMU_PERM_READ) ||
	       (parent && xenemu_perms_access(parent, &cred) & XENEMU_PERM_READ);
}

/* Prepare an event. One that is too long for a message is lost, as in Xen. */
static int add_event(struct xenemu_request *req, struct list_head *events,
		     const struct xenemu_watch *watch, const char *path, u32 len)
{
	struct xsd_sockmsg *hdr;
	struct xenemu_msg *msg;
	u32 payload;
	char *out;

	path += watch->rel;
	len -= watch->rel;
	payload = len + 1 + watch->token_len + 1;
	if (payload > XENSTORE_PAYLOAD_MAX)
		return 0;
	msg = xenemu_conn_alloc_msg(payload, req->gfp);
	if (!msg)
		return -ENOMEM;

	hdr = (struct xsd_sockmsg *)msg->data;
	*hdr = (struct xsd_sockmsg) { .type = XS_WATCH_EVENT, .len = payload };
	out = msg->data + sizeof(*hdr);
	memcpy(out, path, len);
	out[len] = 0;
	memcpy(out + len + 1, xenemu_watch_token(watch), watch->token_len + 1);
	msg->len = sizeof(*hdr) + payload;
	msg->event = true;
	msg->conn = watch->conn;
	msg->hash_value = xenemu_store_hash(req->store, out, payload);
	list_add_tail(&msg->list, events);
	return 0;
}

/**
 * xenemu_watch_fire - prepare events for a change of a node
 * @req: request that changes it
 * @path: path of the node
 * @old: its permissions before, or NULL
 * @new: its permissions after, or NULL
 * @parent: permissions of the node above, or NULL
 *
 * Return: 0 or -ENOMEM.
 */
int xenemu_watch_fire(struct xenemu_request *req, const struct xenemu_path *path,
		      const struct xenemu_perms *old, const struct xenemu_perms *new,
		      const struct xenemu_perms *parent)
{
	struct xenemu_store *store = req->store;
	struct xenemu_trie *trie = store->trie;
	const struct xenemu_conn *last = NULL;
	struct xenemu_comp comp = {};
	struct xenemu_watch *watch;
	bool may_know = false;
	const char *rest;
	int below = 0, ret;

	lockdep_assert_held(&store->lock);

	for (rest = path->str; rest < path->str + path->len; rest++)
		below += *rest == '/';

	for (; xenemu_path_next(path->str, path->len, &comp); below--) {
		trie = find_trie(store, trie, comp.name, comp.len);
		if (!trie)
			break;
		list_for_each_entry(watch, &trie->watches, trie_link) {
			if (watch->depth >= 0 && watch->depth < below)
				continue;
			/* Those of one client are most often together. */
			if (watch->conn != last)
				may_know = permitted(watch->conn, old, new, parent);
			last = watch->conn;
			if (!may_know)
				continue;
			ret = add_event(req, &req->events, watch, path->len ? path->str : "/",
					xenemu_path_text_len(path));
			if (ret)
				return ret;
		}
	}
	return 0;
}

/*
 * Next path below @parent, behind @prev or the first, that is watched and was in the
 * removed subtree. @parent->seen is set, and the result's is.
 */
static struct xenemu_trie *next_seen(struct xenemu_trie *parent, struct xenemu_trie *prev)
{
	struct xenemu_trie *trie = prev;

	if (!prev)
		trie = list_entry(&parent->kids, struct xenemu_trie, sibling);
	list_for_each_entry_continue(trie, &parent->kids, sibling) {
		trie->seen = xenemu_kids_find(parent->seen->kids, trie->name, trie->len);
		if (trie->seen)
			return trie;
	}
	return NULL;
}

static struct xenemu_trie *deepest_seen(struct xenemu_trie *trie)
{
	struct xenemu_trie *below;

	while ((below = next_seen(trie, NULL)))
		trie = below;
	return trie;
}

/**
 * xenemu_watch_fire_removed - prepare events for what goes with a removed node
 * @req: request that removes it
 * @path: path of the node
 * @node: the node
 *
 * Of the nodes below, only those learn that watch exactly these; the deepest first.
 *
 * Return: 0 or -ENOMEM.
 */
int xenemu_watch_fire_removed(struct xenemu_request *req, const struct xenemu_path *path,
			      struct xenemu_node *node)
{
	struct xenemu_trie *trie = req->store->trie, *top, *next;
	struct xenemu_comp comp = {};
	struct xenemu_watch *watch;
	int ret;

	lockdep_assert_held(&req->store->lock);

	while (xenemu_path_next(path->str, path->len, &comp)) {
		trie = find_trie(req->store, trie, comp.name, comp.len);
		if (!trie)
			return 0;
	}

	top = trie;
	top->seen = node;
	for (trie = deepest_seen(top); trie != top;
	     trie = next ? deepest_seen(next) : trie->parent) {
		list_for_each_entry(watch, &trie->watches, trie_link) {
			if (!permitted(watch->conn, trie->seen->perms, NULL,
				       trie->parent->seen->perms))
				continue;
			ret = add_event(req, &req->events, watch, watch->data,
					watch->path_len);
			if (ret)
				return ret;
		}
		next = next_seen(trie->parent, trie);
	}
	return 0;
}

/**
 * xenemu_watch_fire_domain - prepare events for a domain that comes or goes
 * @req: request that is the reason
 * @name: "@introduceDomain" or "@releaseDomain"
 * @domid: the domain
 *
 * Who watches with a depth, or just this domain, is told which it is.
 *
 * Return: 0 or -ENOMEM.
 */
int xenemu_watch_fire_domain(struct xenemu_request *req, const char *name, u16 domid)
{
	const struct xenemu_path path = { .str = name, .len = strlen(name) };
	struct xenemu_trie *trie, *one;
	struct xenemu_watch *watch;
	struct xenemu_lookup at;
	char number[8], text[32];
	u32 len, digits;
	int ret;

	lockdep_assert_held(&req->store->lock);

	trie = find_trie(req->store, req->store->trie, name, path.len);
	if (!trie)
		return 0;
	xenemu_tree_find(req->store->top, &path, &at);
	digits = scnprintf(number, sizeof(number), "%u", domid);
	len = scnprintf(text, sizeof(text), "%s/%s", name, number);

	list_for_each_entry(watch, &trie->watches, trie_link) {
		if (!permitted(watch->conn, at.node->perms, NULL, NULL))
			continue;
		ret = add_event(req, &req->events, watch, text,
				watch->depth > 0 ? len : path.len);
		if (ret)
			return ret;
	}
	one = find_trie(req->store, trie, number, digits);
	if (!one)
		return 0;
	list_for_each_entry(watch, &one->watches, trie_link) {
		if (!permitted(watch->conn, at.node->perms, NULL, NULL))
			continue;
		ret = add_event(req, &req->events, watch, text, len);
		if (ret)
			return ret;
	}
	return 0;
}

static u32 watch_hash(const struct xenemu_conn *conn, const struct xenemu_path *path,
		      const char *token, u32 token_len)
{
	const struct xenemu_store *store = conn->store;

	return xenemu_store_hash(store, path->str, path->len) ^
	       (xenemu_store_hash(store, token, token_len) * 31) ^
	       xenemu_store_hash(store, &conn, sizeof(conn));
}

static struct xenemu_watch *find_watch(struct xenemu_conn *conn,
				       const struct xenemu_path *path,
				       const char *token, u32 token_len)
{
	struct xenemu_store *store = conn->store;
	u32 hash = watch_hash(conn, path, token, token_len);
	struct xenemu_watch *watch;

	xenemu_htab_for_each(&store->watch_tab, watch, hash, hash) {
		if (watch->hash.hash == hash && watch->conn == conn &&
		    watch->path_len == path->len && watch->token_len == token_len &&
		    !memcmp(watch->data, path->str, path->len) &&
		    !memcmp(xenemu_watch_token(watch), token, token_len))
			return watch;
	}
	return NULL;
}

static void drop_watch(struct xenemu_watch *watch)
{
	struct xenemu_conn *conn = watch->conn;

	xenemu_htab_del(&conn->store->watch_tab, &watch->hash);
	list_del(&watch->trie_link);
	list_del(&watch->conn_link);
	prune_trie(conn->store, watch->trie);
	conn->dom->nr_watches--;
	xenemu_store_change_head(conn->store);
	atomic_long_sub(watch->mem, &conn->dom->mem);
	kfree(watch);
}

/**
 * xenemu_watch_drop_all - drop the watches of a connection
 * @conn: the connection
 */
void xenemu_watch_drop_all(struct xenemu_conn *conn)
{
	struct xenemu_watch *watch, *next;

	lockdep_assert_held(&conn->store->lock);

	list_for_each_entry_safe(watch, next, &conn->watches, conn_link)
		drop_watch(watch);
}

static struct xenemu_watch *alloc_watch(struct xenemu_conn *conn,
					const struct xenemu_path *path,
					const char *token, u32 token_len, int depth)
{
	u32 text_len = xenemu_path_text_len(path), nr_comps = 1, i;
	struct xenemu_watch *watch;
	size_t size;

	size = struct_size(watch, data, text_len + 1 + token_len + 1);
	watch = kzalloc(size, GFP_KERNEL_ACCOUNT);
	if (!watch)
		return NULL;
	watch->conn = conn;
	watch->depth = depth;
	watch->rel = path->rel;
	watch->path_len = path->len;
	watch->token_len = token_len;
	memcpy(watch->data, path->len ? path->str : "/", text_len);
	memcpy(watch->data + text_len + 1, token, token_len);

	/* Whatever part of the trie is shared with others is charged to each. */
	for (i = 0; i < path->len; i++)
		nr_comps += path->str[i] == '/';
	watch->mem = size + nr_comps * sizeof(struct xenemu_trie) + path->len;
	return watch;
}

/* Make a new watch see its path, and account for it. */
static int hang_up(struct xenemu_watch *watch, const struct xenemu_path *path)
{
	struct xenemu_conn *conn = watch->conn;
	struct xenemu_store *store = conn->store;

	watch->trie = make_trie(store, path);
	if (!watch->trie)
		return -ENOMEM;
	list_add_tail(&watch->trie_link, &watch->trie->watches);
	list_add_tail(&watch->conn_link, &conn->watches);
	xenemu_htab_add(&store->watch_tab, &watch->hash,
			watch_hash(conn, path, xenemu_watch_token(watch), watch->token_len));
	conn->dom->nr_watches++;
	atomic_long_add(watch->mem, &conn->dom->mem);
	xenemu_store_change_head(store);
	return 0;
}

/* WATCH: a path, a token, and maybe a depth. */
int xenemu_watch_op_watch(struct xenemu_request *req)
{
	struct xenemu_conn *conn = req->conn;
	struct xenemu_store *store = req->store;
	struct xenemu_watch *watch;
	struct xenemu_path path;
	int depth = -1, ret;
	char *arg[3];
	u32 nr, token_len;

	lockdep_assert_held(&store->lock);

	nr = xenemu_proto_args(req, arg, 3);
	if (nr < 2 || nr > 3)
		return -EINVAL;
	if (nr == 3) {
		if (!(conn->dom->features & XENEMU_XS_FEATURE_WATCHDEPTH) ||
		    kstrtoint(arg[2], 10, &depth) || depth < 0)
			return -EINVAL;
		depth = min(depth, XENEMU_WATCH_MAX_DEPTH);
	}
	ret = xenemu_path_parse(req, arg[0], XENEMU_PATH_WATCH, &path);
	if (ret)
		return ret;
	token_len = strlen(arg[1]);
	if (find_watch(conn, &path, arg[1], token_len))
		return -EEXIST;
	if (xenemu_quota_exceeded(store, conn->dom, XENEMU_QUOTA_WATCHES,
				  conn->dom->nr_watches + 1))
		return -ENOSPC;

	watch = alloc_watch(conn, &path, arg[1], token_len, depth);
	if (!watch)
		return -ENOMEM;
	ret = -ENOMEM;
	if (!xenemu_quota_may_charge(store, conn->dom, watch->mem))
		goto err_free;
	ret = add_event(req, &req->late, watch, watch->data, xenemu_path_text_len(&path));
	if (ret)
		goto err_free;
	ret = hang_up(watch, &path);
	if (ret)
		goto err_free;
	return xenemu_proto_reply_text(req, "OK");

err_free:
	kfree(watch);
	return ret;
}

/**
 * xenemu_watch_restore - register a watch whatever the limits, without an event
 * @conn: whose it is
 * @path: a valid path
 * @token: its token
 * @token_len: length of that
 * @depth: levels below the path it sees, or -1 for all
 *
 * Return: 0, -EEXIST or -ENOMEM.
 */
int xenemu_watch_restore(struct xenemu_conn *conn, const struct xenemu_path *path,
			 const char *token, u32 token_len, int depth)
{
	struct xenemu_watch *watch;
	int ret;

	lockdep_assert_held(&conn->store->lock);

	if (find_watch(conn, path, token, token_len))
		return -EEXIST;
	watch = alloc_watch(conn, path, token, token_len, depth);
	if (!watch)
		return -ENOMEM;
	ret = hang_up(watch, path);
	if (ret)
		kfree(watch);
	return ret;
}

/* UNWATCH: a path and a token. */
int xenemu_watch_op_unwatch(struct xenemu_request *req)
{
	struct xenemu_watch *watch;
	struct xenemu_path path;
	char *arg[2];
	int ret;

	lockdep_assert_held(&req->store->lock);

	if (xenemu_proto_args(req, arg, 2) != 2)
		return -EINVAL;
	ret = xenemu_path_parse(req, arg[0], XENEMU_PATH_WATCH, &path);
	if (ret)
		return ret;
	watch = find_watch(req->conn, &path, arg[1], strlen(arg[1]));
	if (!watch)
		return -ENOENT;
	drop_watch(watch);
	return xenemu_proto_reply_text(req, "OK");
}

/* RESET_WATCHES: drops the transactions too, for a kernel that was kexec'ed. */
int xenemu_watch_op_reset(struct xenemu_request *req)
{
	lockdep_assert_held(&req->store->lock);

	xenemu_watch_drop_all(req->conn);
	xenemu_txn_end_all(req->conn);
	req->txn = NULL;
	return xenemu_proto_reply_text(req, "OK");
}
