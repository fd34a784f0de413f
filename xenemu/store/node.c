// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations on nodes.
 *
 * A change goes through these steps: look up and check; build the new version of the
 * tree; account for it; prepare events. Only then, when nothing can fail any more, it
 * takes effect.
 */
#include "internal.h"

#include <linux/err.h>
#include <linux/errno.h>

/*
 * Look a node up, for which the caller needs @perm. As in Xen, who may not do the same
 * with the nearest node above does not learn whether the node exists.
 *
 * @touch: what the request depends on, if it is in a transaction.
 */
static int get_node(struct xenemu_request *req, const struct xenemu_path *path, u8 perm,
		    u32 touch, struct xenemu_lookup *at)
{
	int ret = 0, err;

	xenemu_tree_find(req->top, path, at);
	if (at->node) {
		if ((xenemu_perms_access(at->node->perms, &req->cred) & perm) != perm)
			ret = -EACCES;
		if (!req->cred.privileged)
			touch |= XENEMU_TOUCH_PERMS;
	} else {
		ret = -ENOENT;
		if (!at->near || !(xenemu_perms_access(at->near->perms, &req->cred) & perm))
			ret = -EACCES;
	}
	if (!req->txn)
		return ret;

	if (ret)
		touch = at->node ? XENEMU_TOUCH_PERMS : 0;
	err = xenemu_txn_touch(req, path->str, path->len, touch);
	return err ?: ret;
}

/* Make a prepared change in the tree that the request sees, or give it up. */
static int commit_change(struct xenemu_request *req, const struct xenemu_edit *edit,
			 struct xenemu_change *change)
{
	struct xenemu_store *store = req->store;
	int ret = 0;

	if (req->conn)
		ret = xenemu_quota_check(store, req->conn->dom, req->txn);
	if (!ret && req->txn)
		ret = xenemu_quota_move_to_txn(store, req->txn);
	if (ret) {
		xenemu_tree_cancel(store, change);
	} else if (req->txn) {
		/* If this fails, the transaction does, and what it has moved is unused. */
		ret = xenemu_tree_apply(edit, &req->txn->top, change);
		if (!ret)
			ret = xenemu_txn_charge(req->txn, req->tree_bytes);
	} else {
		ret = xenemu_store_commit(edit, change);
		if (!ret)
			xenemu_quota_commit(store);
	}
	xenemu_quota_cancel(store);
	return ret;
}

static struct xenemu_edit start_edit(struct xenemu_request *req)
{
	req->tree_bytes = 0;
	return (struct xenemu_edit) {
		.store = req->store,
		.gfp = req->gfp,
		.gen = ++req->store->gen,
		.writer = req->cred.domid,
		.bytes = req->txn ? &req->tree_bytes : NULL,
	};
}

/* Give an existing node a value (NULL: keep it) and permissions. */
static int change_node(struct xenemu_request *req, const struct xenemu_path *path,
		       const struct xenemu_lookup *at, const char *value, u32 len,
		       struct xenemu_perms *perms)
{
	const struct xenemu_edit edit = start_edit(req);
	struct xenemu_node *node = at->node;
	u32 old_len = node->value_len;
	struct xenemu_change change;
	int ret;

	if (!value)
		len = old_len;
	if (!xenemu_quota_node_fits(req, perms, len, node->kids ? node->kids->bytes : 0))
		return -ENOSPC;
	if (!req->txn && path->str[0] != '@') {
		ret = xenemu_watch_fire(req, path, node->perms, perms,
					at->near ? at->near->perms : NULL);
		if (ret)
			return ret;
	}
	ret = xenemu_tree_set(&edit, req->top, path, at, value, len, perms, &change);
	if (ret)
		return ret;
	xenemu_quota_count(req->store, node->perms, node->name_len + old_len, -1);
	xenemu_quota_count(req->store, perms, node->name_len + len, 1);
	ret = commit_change(req, &edit, &change);
	if (!ret && req->txn)
		xenemu_txn_mark(req->txn, path->str, path->len,
				XENEMU_TOUCH_WRITTEN | XENEMU_TOUCH_EVENT, false);
	return ret;
}

/* Length of the path of the next node on the way from one to a node below it. */
static u32 next_len(const struct xenemu_path *path, u32 len)
{
	const char *from = path->str + len + 1, *end = path->str + path->len;
	const char *slash = memchr(from, '/', end - from);

	return (slash ?: end) - path->str;
}

/* Whether the nodes to be created, and the one they are created in, are not too large. */
static bool new_nodes_fit(struct xenemu_request *req, const struct xenemu_path *path,
			  const struct xenemu_lookup *at, u32 len,
			  const struct xenemu_perms *perms)
{
	u32 from = at->near_len, to = next_len(path, from);
	u64 names = at->near->kids ? at->near->kids->bytes : 0;

	if (!xenemu_quota_node_fits(req, at->near->perms, at->near->value_len,
				    names + to - from))
		return false;
	for (from = to; from < path->len; from = to) {
		to = next_len(path, from);
		if (!xenemu_quota_node_fits(req, perms, 0, to - from))
			return false;
	}
	return xenemu_quota_node_fits(req, perms, len, 0);
}

/* In a transaction, creating depends on the nodes not being there yet. */
static int touch_new_nodes(struct xenemu_request *req, const struct xenemu_path *path,
			   const struct xenemu_lookup *at)
{
	u32 len = at->near_len;
	int ret;

	ret = xenemu_txn_touch(req, path->str, len, XENEMU_TOUCH_EXISTS | XENEMU_TOUCH_PERMS);
	while (!ret && len < path->len) {
		len = next_len(path, len);
		ret = xenemu_txn_touch(req, path->str, len, 0);
	}
	return ret;
}

/* Create a node, and those missing above it, which have no value. */
static int create_node(struct xenemu_request *req, const struct xenemu_path *path,
		       const struct xenemu_lookup *at, const char *value, u32 len)
{
	const struct xenemu_edit edit = start_edit(req);
	u32 from = at->near_len, to;
	struct xenemu_change change;
	struct xenemu_perms *perms;
	int ret;

	perms = xenemu_perms_inherit(req, at->near->perms);
	if (!perms)
		return -ENOMEM;
	ret = -ENOSPC;
	if (!new_nodes_fit(req, path, at, len, perms))
		goto out_put;
	if (req->txn)
		ret = touch_new_nodes(req, path, at);
	else
		ret = xenemu_watch_fire(req, path, NULL, perms,
					next_len(path, from) == path->len ? at->near->perms :
									    perms);
	if (!ret)
		ret = xenemu_tree_add(&edit, path, at, value, len, perms, &change);
	if (ret)
		goto out_put;
	for (; from < path->len; from = to) {
		to = next_len(path, from);
		xenemu_quota_count(req->store, perms,
				   to - from - 1 + (to == path->len ? len : 0), 1);
	}
	ret = commit_change(req, &edit, &change);
	if (ret || !req->txn)
		goto out_put;
	for (from = at->near_len; from < path->len; from = to) {
		to = next_len(path, from);
		xenemu_txn_mark(req->txn, path->str, to, XENEMU_TOUCH_WRITTEN |
				(to == path->len ? XENEMU_TOUCH_EVENT : 0), true);
	}
out_put:
	xenemu_perms_put(perms);
	return ret;
}

/**
 * xenemu_node_remove - remove a node and all below
 * @req: request that wants it
 * @path: path of the node, which exists and is not "/"
 *
 * Return: 0, or an errno without effect.
 */
int xenemu_node_remove(struct xenemu_request *req, const struct xenemu_path *path)
{
	const struct xenemu_edit edit = start_edit(req);
	struct xenemu_store *store = req->store;
	struct xenemu_change change;
	struct xenemu_lookup at;
	int ret;

	lockdep_assert_held(&store->lock);

	xenemu_tree_find(req->top, path, &at);
	if (!req->txn) {
		ret = xenemu_watch_fire_removed(req, path, at.node);
		if (!ret)
			ret = xenemu_watch_fire(req, path, at.node->perms, NULL,
						at.near->perms);
		if (ret)
			return ret;
	}
	ret = xenemu_tree_del(&edit, path, &at, &change);
	if (ret)
		return ret;
	xenemu_quota_count_tree(store, at.node, -1);
	ret = commit_change(req, &edit, &change);
	if (!ret && req->txn)
		xenemu_txn_mark(req->txn, path->str, path->len, XENEMU_TOUCH_WRITTEN |
				XENEMU_TOUCH_EVENT | XENEMU_TOUCH_SUBTREE, true);
	return ret;
}

/* The only argument, a path. */
static int path_arg(struct xenemu_request *req, enum xenemu_path_class class,
		    struct xenemu_path *path)
{
	int ret;

	if (!req->len || req->body[req->len - 1])
		return -EINVAL;
	ret = xenemu_path_parse(req, req->body, class, path);
	if (ret)
		return ret;
	/* The NUL must be the only one. */
	return xenemu_path_text_len(path) - path->rel + 1 == req->len ? 0 : -EINVAL;
}

/* Copy names of children from a position in their list on, as many as fit entirely. */
static u32 copy_names(const struct xenemu_node *node, u64 offset, char *buf, u32 size)
{
	const struct xenemu_node *kid;
	struct xenemu_kids_iter iter;
	u32 len = 0, skip = 0;

	for (kid = xenemu_kids_seek(&iter, node->kids, offset, &skip); kid;
	     kid = xenemu_kids_next(&iter)) {
		u32 rest = kid->name_len - skip;

		if (len + rest + 1 > size)
			break;
		memcpy(buf + len, kid->data + skip, rest);
		buf[len + rest] = 0;
		len += rest + 1;
		skip = 0;
	}
	return len;
}

/* DIRECTORY: the names of a node's children. */
int xenemu_node_op_directory(struct xenemu_request *req)
{
	struct xenemu_lookup at;
	struct xenemu_path path;
	char *reply;
	u64 len;
	int ret;

	ret = path_arg(req, XENEMU_PATH_NODE, &path);
	if (!ret)
		ret = get_node(req, &path, XENEMU_PERM_READ, XENEMU_TOUCH_LIST, &at);
	if (ret)
		return ret;
	len = at.node->kids ? at.node->kids->bytes : 0;
	if (len > XENSTORE_PAYLOAD_MAX)
		return -E2BIG;
	reply = xenemu_proto_reply(req, len);
	if (!reply)
		return -ENOMEM;
	copy_names(at.node, 0, reply, len);
	return 0;
}

/* DIRECTORY_PART: the same from an offset on, headed by the list's generation. */
int xenemu_node_op_directory_part(struct xenemu_request *req)
{
	struct xenemu_lookup at;
	struct xenemu_path path;
	u64 offset, bytes, rest;
	char *arg[2], *reply;
	u32 len, head, size;
	char gen[24];
	int ret;

	if (xenemu_proto_args(req, arg, 2) != 2 || kstrtou64(arg[1], 10, &offset))
		return -EINVAL;
	ret = xenemu_path_parse(req, arg[0], XENEMU_PATH_NODE, &path);
	if (!ret)
		ret = get_node(req, &path, XENEMU_PERM_READ, XENEMU_TOUCH_LIST, &at);
	if (ret)
		return ret;

	head = scnprintf(gen, sizeof(gen), "%llu", at.node->list_gen) + 1;
	bytes = at.node->kids ? at.node->kids->bytes : 0;
	rest = offset < bytes ? bytes - offset : 0;
	size = min_t(u64, XENSTORE_PAYLOAD_MAX - head, rest + 1);
	reply = xenemu_proto_reply(req, head + size);
	if (!reply)
		return -ENOMEM;
	memcpy(reply, gen, head);
	len = copy_names(at.node, offset, reply + head, size);
	/* One more NUL tells that this was all; then there is room for it. */
	if (len == rest && len < size)
		reply[head + len++] = 0;
	req->reply_len = head + len;
	return 0;
}

/* READ: a node's value. */
int xenemu_node_op_read(struct xenemu_request *req)
{
	struct xenemu_lookup at;
	struct xenemu_path path;
	char *reply;
	int ret;

	ret = path_arg(req, XENEMU_PATH_NODE, &path);
	if (!ret)
		ret = get_node(req, &path, XENEMU_PERM_READ, XENEMU_TOUCH_VALUE, &at);
	if (ret)
		return ret;
	reply = xenemu_proto_reply(req, at.node->value_len);
	if (!reply)
		return -ENOMEM;
	memcpy(reply, xenemu_node_value(at.node), at.node->value_len);
	return 0;
}

/* GET_PERMS: a node's permissions. */
int xenemu_node_op_get_perms(struct xenemu_request *req)
{
	struct xenemu_lookup at;
	struct xenemu_path path;
	char *reply;
	u32 len;
	int ret;

	ret = path_arg(req, XENEMU_PATH_PERMS, &path);
	if (!ret)
		ret = get_node(req, &path, XENEMU_PERM_READ, XENEMU_TOUCH_PERMS, &at);
	if (ret)
		return ret;
	len = xenemu_perms_format(req->store, at.node->perms, NULL, 0);
	if (len > XENSTORE_PAYLOAD_MAX)
		return -E2BIG;
	reply = xenemu_proto_reply(req, len);
	if (!reply)
		return -ENOMEM;
	/* Meanwhile a domain may have died: then there is less to say. */
	req->reply_len = xenemu_perms_format(req->store, at.node->perms, reply, len);
	return 0;
}

/* WRITE: a path, and the value up to the end. */
int xenemu_node_op_write(struct xenemu_request *req)
{
	struct xenemu_lookup at;
	struct xenemu_path path;
	const char *value;
	u32 len;
	int ret;

	lockdep_assert_held(&req->store->lock);

	value = memchr(req->body, 0, req->len);
	if (!value)
		return -EINVAL;
	value++;
	len = req->body + req->len - value;
	ret = xenemu_path_parse(req, req->body, XENEMU_PATH_NODE, &path);
	if (ret)
		return ret;
	ret = get_node(req, &path, XENEMU_PERM_WRITE, XENEMU_TOUCH_VALUE | XENEMU_TOUCH_PERMS,
		       &at);
	if (ret == -ENOENT)
		ret = create_node(req, &path, &at, value, len);
	else if (!ret)
		ret = change_node(req, &path, &at, value, len, at.node->perms);
	return ret ?: xenemu_proto_reply_text(req, "OK");
}

/* MKDIR: a path; it is no error if the node exists. */
int xenemu_node_op_mkdir(struct xenemu_request *req)
{
	struct xenemu_lookup at;
	struct xenemu_path path;
	int ret;

	lockdep_assert_held(&req->store->lock);

	ret = path_arg(req, XENEMU_PATH_NODE, &path);
	if (ret)
		return ret;
	ret = get_node(req, &path, XENEMU_PERM_WRITE, XENEMU_TOUCH_EXISTS, &at);
	if (ret == -ENOENT)
		ret = create_node(req, &path, &at, "", 0);
	return ret ?: xenemu_proto_reply_text(req, "OK");
}

/* RM: a path; it is no error if only the last component is missing. */
int xenemu_node_op_rm(struct xenemu_request *req)
{
	struct xenemu_path path, parent;
	struct xenemu_lookup at;
	int ret;

	lockdep_assert_held(&req->store->lock);

	ret = path_arg(req, XENEMU_PATH_NODE, &path);
	if (ret)
		return ret;
	ret = get_node(req, &path, XENEMU_PERM_WRITE, XENEMU_TOUCH_EXISTS, &at);
	if (ret == -ENOENT && xenemu_path_parent(&path, &parent) &&
	    at.near_len == parent.len) {
		ret = 0;
		if (req->txn)
			ret = xenemu_txn_touch(req, parent.str, parent.len,
					       XENEMU_TOUCH_EXISTS | XENEMU_TOUCH_PERMS);
	} else if (!ret && !path.len) {
		ret = -EINVAL;
	} else if (!ret) {
		ret = xenemu_node_remove(req, &path);
	}
	return ret ?: xenemu_proto_reply_text(req, "OK");
}

/* SET_PERMS: a path, then one permission or more. */
int xenemu_node_op_set_perms(struct xenemu_request *req)
{
	struct xenemu_conn *conn = req->conn;
	struct xenemu_perms *perms;
	struct xenemu_lookup at;
	struct xenemu_path path;
	char *arg[2];
	u32 nr;
	int ret;

	lockdep_assert_held(&req->store->lock);

	nr = xenemu_proto_args(req, arg, 2);
	if (nr < 2)
		return -EINVAL;
	if (xenemu_quota_exceeded(req->store, conn->dom, XENEMU_QUOTA_NODE_PERMISSIONS, nr - 1))
		return -ENOSPC;
	perms = xenemu_perms_parse(req, arg[1], nr - 1);
	if (IS_ERR(perms))
		return PTR_ERR(perms);
	ret = xenemu_path_parse(req, arg[0], XENEMU_PATH_PERMS, &path);
	if (!ret)
		ret = get_node(req, &path, XENEMU_PERM_WRITE | XENEMU_PERM_OWNER,
			       XENEMU_TOUCH_VALUE | XENEMU_TOUCH_PERMS, &at);
	if (!ret && !req->cred.privileged &&
	    xenemu_perms_owner(perms) != xenemu_perms_owner(at.node->perms))
		ret = -EPERM;
	if (!ret)
		ret = change_node(req, &path, &at, NULL, 0, perms);
	xenemu_perms_put(perms);
	return ret ?: xenemu_proto_reply_text(req, "OK");
}
