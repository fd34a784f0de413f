// SPDX-License-Identifier: GPL-2.0-only
/*
 * Restoring a store from the stream of Xen's xenstore-migration document: read as
 * liberally as the document and Xen's daemons allow, but no further than the bytes go.
 *
 * What transactions have seen and done is kept until all else is known.
 */
#include "state.h"

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/random.h>

#define ALIGNMENT	8

/* Domains are born in the order in which they come up, and permissions are made then. */
#define LAST_BIRTH	XENEMU_DOMID_FIRST_RESERVED

/* More permissions of a node cannot be read or written by a client. */
#define MAX_PERMS	(XENSTORE_PAYLOAD_MAX / 3)

/**
 * struct pending - a node that a transaction has touched
 * @link: in the transaction's or the reader's list
 * @body: the record
 * @len: its length
 * @why: where it is
 */
struct pending {
	struct list_head link;
	const u8 *body;
	u32 len;
	struct xenemu_restore_why why;
};

/**
 * struct target - a domain has the rights of another, which may be yet to come
 * @link: in the reader's list
 * @dom: the domain
 * @domid: the other
 */
struct target {
	struct list_head link;
	struct xenemu_sdomain *dom;
	u16 domid;
};

struct xen_reader {
	struct xenemu_restore *restore;
	u32 version;
	struct list_head pending;
	struct list_head targets;
};

/* A node record, checked for its lengths. */
struct node_record {
	u32 conn_id;
	u32 tx_id;
	u32 path_len;		/* with the NUL */
	u32 value_len;
	u32 access;
	u32 nr_perms;
	const u8 *perms;
	const char *path;
	const char *value;
};

static u16 get_u16(const u8 *data)
{
	return data[0] | data[1] << 8;
}

static u32 get_u32(const u8 *data)
{
	return get_u16(data) | (u32)get_u16(data + 2) << 16;
}

static u32 get_be32(const u8 *data)
{
	return (u32)data[0] << 24 | data[1] << 16 | data[2] << 8 | data[3];
}

static int refuse(struct xen_reader *r, u32 reason)
{
	return xenemu_restore_refuse(r->restore, reason);
}

/* A string of @len bytes of which the last, and only it, is a NUL. */
static bool is_string(const u8 *data, u32 len)
{
	return len && memchr(data, 0, len) == data + len - 1;
}

/* ---- Domains and limits ---- */

/* @fn is called for each value whose name we know. */
static int read_quotas(struct xen_reader *r, const u8 *values, u32 nr, const u8 *end,
		       u32 *quota, u32 *set)
{
	const u8 *name = values + 4 * nr, *nul;
	u32 i;
	int which;

	for (i = 0; i < nr; i++, name = nul + 1) {
		u32 value = get_u32(values + 4 * i);

		nul = memchr(name, 0, end - name);
		if (!nul)
			return refuse(r, XENEMU_RESTORE_BAD_LENGTH);
		which = xenemu_quota_parse((const char *)name);
		if (which < 0)
			continue;
		quota[which] = min_t(u32, value, INT_MAX);
		*set |= BIT(which);
	}
	return 0;
}

static int read_global_quotas(struct xen_reader *r, const u8 *body, u32 len)
{
	u32 nr, set = 0;

	if (len < 4)
		return refuse(r, XENEMU_RESTORE_BAD_LENGTH);
	nr = get_u16(body) + get_u16(body + 2);
	if (len - 4 < 4 * nr)
		return refuse(r, XENEMU_RESTORE_BAD_LENGTH);
	return read_quotas(r, body + 4, nr, body + len, r->restore->store->quota, &set);
}

static int read_domain(struct xen_reader *r, const u8 *body, u32 len)
{
	struct xenemu_sdomain *dom;
	u32 nr;

	if (len < 8)
		return refuse(r, XENEMU_RESTORE_BAD_LENGTH);
	nr = get_u16(body + 2);
	if (len - 8 < 4 * nr)
		return refuse(r, XENEMU_RESTORE_BAD_LENGTH);
	dom = xenemu_restore_domain(r->restore, get_u16(body));
	if (IS_ERR(dom))
		return PTR_ERR(dom);
	if (r->version > 1)
		dom->features = get_u32(body + 4) & XENEMU_XS_FEATURES_ALL;
	return read_quotas(r, body + 8, nr, body + len, dom->quota, &dom->quota_set);
}

static void set_births(struct xen_reader *r)
{
	struct xenemu_store *store = r->restore->store;
	struct xenemu_sdomain *dom;
	u64 birth = 0;

	list_for_each_entry(dom, &store->domains, link)
		xenemu_sdomain_set_birth(store, dom, ++birth);
}

static int note_target(struct xen_reader *r, struct xenemu_sdomain *dom, u16 domid)
{
	struct target *target;

	if (domid == XENEMU_XEN_NO_DOMID)
		return 0;
	target = kmalloc(sizeof(*target), GFP_KERNEL_ACCOUNT);
	if (!target)
		return -ENOMEM;
	target->dom = dom;
	target->domid = domid;
	list_add_tail(&target->link, &r->targets);
	return 0;
}

static void set_targets(struct xen_reader *r)
{
	struct xenemu_store *store = r->restore->store;
	struct xenemu_sdomain *other;
	struct target *target;

	list_for_each_entry(target, &r->targets, link) {
		other = xenemu_sdomain_find(store, target->domid);
		/* As SET_TARGET has it. One that is gone does not matter any more. */
		if (other && other != target->dom && !other->privileged &&
		    !target->dom->privileged)
			xenemu_sdomain_set_target(store, target->dom, other);
	}
}

/* ---- Connections ---- */

static int read_output(struct xen_reader *r, struct xenemu_conn *conn, const u8 *data, u32 rest,
		       u32 len)
{
	const u8 *end = data + len;
	int ret;

	if (rest) {
		ret = xenemu_restore_rest(r->restore, conn, data, rest);
		if (ret)
			return ret;
		data += rest;
	}
	while (data < end) {
		size_t left = end - data, size = sizeof(struct xsd_sockmsg);

		if (left < size)
			return refuse(r, XENEMU_RESTORE_BAD_MESSAGE);
		size += get_u32(data + offsetof(struct xsd_sockmsg, len));
		if (left < size)
			return refuse(r, XENEMU_RESTORE_BAD_MESSAGE);
		ret = xenemu_restore_output(r->restore, conn, data, size, 0);
		if (ret)
			return ret;
		data += size;
	}
	return 0;
}

static int read_conn(struct xen_reader *r, const u8 *body, u32 len)
{
	u32 in_len, rest, out_len, kind;
	struct xenemu_sdomain *dom;
	struct xenemu_conn *conn;
	u16 domid = 0;
	int ret;

	if (len < 24)
		return refuse(r, XENEMU_RESTORE_BAD_LENGTH);
	kind = get_u16(body + 4);
	in_len = get_u16(body + 16);
	rest = get_u16(body + 18);
	out_len = get_u32(body + 20);
	if (in_len > len - 24 || out_len > len - 24 - in_len || rest > out_len)
		return refuse(r, XENEMU_RESTORE_BAD_LENGTH);
	if (kind > XENEMU_XEN_SOCKET)
		return refuse(r, XENEMU_RESTORE_BAD_CONNECTION);
	if (kind == XENEMU_XEN_RING)
		domid = get_u16(body + 8);
	dom = xenemu_restore_domain(r->restore, domid);
	if (IS_ERR(dom))
		return PTR_ERR(dom);

	/* dom0 is no guest here: what it did by its ring, it does by a store fd. */
	conn = xenemu_restore_conn(r->restore, get_u32(body), dom,
				   domid ? XENEMU_CONN_RING : XENEMU_CONN_FD);
	if (IS_ERR(conn))
		return PTR_ERR(conn);
	if (domid) {
		conn->port = get_u32(body + 12);
		dom->introduced = true;
		ret = note_target(r, dom, get_u16(body + 10));
		if (ret)
			return ret;
	}
	ret = xenemu_restore_input(r->restore, conn, body + 24, in_len);
	return ret ?: read_output(r, conn, body + 24 + in_len, rest, out_len);
}

static struct xenemu_conn *find_conn(struct xen_reader *r, u32 id)
{
	return xenemu_restore_find_conn(r->restore, id) ?:
	       ERR_PTR(refuse(r, XENEMU_RESTORE_BAD_CONNECTION));
}

/* @fixed: length of what is in front of the path. */
static int read_watch(struct xen_reader *r, const u8 *body, u32 len, u32 fixed)
{
	struct xenemu_conn *conn;
	u32 path_len, token_len;
	const u8 *path, *token;
	int depth = -1;

	if (len < fixed)
		return refuse(r, XENEMU_RESTORE_BAD_LENGTH);
	conn = find_conn(r, get_u32(body));
	if (IS_ERR(conn))
		return PTR_ERR(conn);
	path_len = get_u16(body + 4);
	token_len = get_u16(body + 6);
	if (path_len + token_len > len - fixed)
		return refuse(r, XENEMU_RESTORE_BAD_LENGTH);
	path = body + fixed;
	token = path + path_len;
	if (!is_string(path, path_len))
		return refuse(r, XENEMU_RESTORE_BAD_PATH);
	if (!is_string(token, token_len))
		return refuse(r, XENEMU_RESTORE_BAD_WATCH);
	if (fixed > 8 && get_u16(body + 8) != XENEMU_XEN_NO_DEPTH)
		depth = get_u16(body + 8);
	return xenemu_restore_watch(r->restore, conn, (const char *)path, (const char *)token,
				    depth);
}

/* ---- Nodes ---- */

static int parse_node(struct xen_reader *r, const u8 *body, u32 len, struct node_record *node)
{
	u32 need;

	if (len < 16)
		return refuse(r, XENEMU_RESTORE_BAD_LENGTH);
	*node = (struct node_record) {
		.conn_id = get_u32(body),
		.tx_id = get_u32(body + 4),
		.path_len = get_u16(body + 8),
		.value_len = get_u16(body + 10),
		.access = get_u16(body + 12),
		.nr_perms = get_u16(body + 14),
	};
	need = 16 + 4 * node->nr_perms + node->path_len + node->value_len;
	if (need > len)
		return refuse(r, XENEMU_RESTORE_BAD_LENGTH);
	node->perms = body + 16;
	node->path = (const char *)node->perms + 4 * node->nr_perms;
	node->value = node->path + node->path_len;
	if (!is_string((const u8 *)node->path, node->path_len) ||
	    !xenemu_path_is_valid(node->path, XENEMU_PATH_PERMS, false))
		return refuse(r, XENEMU_RESTORE_BAD_PATH);
	if (node->value_len > XENSTORE_PAYLOAD_MAX)
		return refuse(r, XENEMU_RESTORE_BAD_VALUE);
	return 0;
}

static int parse_perm(const u8 *data, struct xenemu_perm *perm)
{
	static const char letter[] = { 'n', 'r', 'w', 'b' };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(letter); i++) {
		if (data[0] != letter[i])
			continue;
		perm->access = i;
		perm->ignore = data[1] & XENEMU_XEN_STALE;
		perm->domid = get_u16(data + 2);
		return 0;
	}
	return -EINVAL;
}

/* A reference on the permissions of a node, or an ERR_PTR(). */
static struct xenemu_perms *read_perms(struct xen_reader *r, const struct node_record *node)
{
	u64 gen = LAST_BIRTH + 1;
	struct xenemu_perms *perms;
	struct xenemu_perm *perm;
	u32 i;

	if (!node->nr_perms || node->nr_perms > MAX_PERMS)
		return ERR_PTR(refuse(r, XENEMU_RESTORE_BAD_PERMS));
	perm = kcalloc(node->nr_perms, sizeof(*perm), GFP_KERNEL_ACCOUNT);
	if (!perm)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < node->nr_perms; i++) {
		if (parse_perm(node->perms + 4 * i, &perm[i])) {
			perms = ERR_PTR(refuse(r, XENEMU_RESTORE_BAD_PERMS));
			goto out_free;
		}
		/* Xen knows more domains than it has records of. */
		if (!perm[i].ignore && perm[i].domid < XENEMU_DOMID_FIRST_RESERVED &&
		    IS_ERR(xenemu_restore_domain(r->restore, perm[i].domid))) {
			perms = ERR_PTR(-ENOMEM);
			goto out_free;
		}
	}
	/* An owner that is stale is none; then nobody else is meant either. */
	if (perm[0].ignore)
		gen = 0;
	perm[0].ignore = 0;
	perms = xenemu_restore_perms(r->restore, perm, node->nr_perms, gen);
out_free:
	kfree(perm);
	return perms;
}

/* Length of a path as struct xenemu_path has it. */
static u32 path_len(const struct node_record *node)
{
	return node->path_len == 2 ? 0 : node->path_len - 1;
}

/*
 * Go to a node that may be missing, with others above it: what a transaction has touched
 * is in any order.
 */
static int seek_or_make(struct xenemu_builder *tree, const struct xenemu_path *path)
{
	struct xenemu_comp comp = {};
	int ret;

	ret = xenemu_builder_seek(tree, path->str, path->len);
	if (ret != -ENOENT)
		return ret;
	/* It is at the last one that is there; "/" always is. */
	while (xenemu_path_next(path->str, path->len, &comp)) {
		const struct xenemu_builder_node missing = {
			.name = comp.name,
			.name_len = comp.len,
		};

		if (comp.name + comp.len <= path->str + tree->len)
			continue;
		ret = xenemu_builder_put(tree, &missing);
		if (ret)
			return ret;
	}
	return 0;
}

/* Make or change a node; @pending: of a transaction, else one below it is there. */
static int put_node(struct xen_reader *r, struct xenemu_builder *tree,
		    const struct node_record *node, bool pending)
{
	const struct xenemu_path path = { .str = node->path, .len = path_len(node) };
	struct xenemu_builder_node init = {
		.name = path.str,
		.name_len = path.len,
		.value = node->value,
		.value_len = node->value_len,
	};
	struct xenemu_path parent;
	int ret = 0;

	if (xenemu_path_parent(&path, &parent)) {
		init.name = path.str + parent.len + 1;
		init.name_len = path.len - parent.len - 1;
		ret = pending ? seek_or_make(tree, &parent) :
				xenemu_builder_seek(tree, parent.str, parent.len);
	} else {
		while (!ret && tree->depth > 1)
			ret = xenemu_builder_leave(tree);
	}
	if (ret)
		return ret == -ENOENT ? refuse(r, XENEMU_RESTORE_BAD_PARENT) : ret;
	init.perms = read_perms(r, node);
	if (IS_ERR(init.perms))
		return PTR_ERR(init.perms);
	ret = xenemu_builder_put(tree, &init);
	xenemu_perms_put(init.perms);
	return ret;
}

static int keep_pending(struct xen_reader *r, const struct node_record *node, const u8 *body,
			u32 len)
{
	struct xenemu_conn *conn = find_conn(r, node->conn_id);
	struct pending *pending;

	if (IS_ERR(conn))
		return PTR_ERR(conn);
	if (!xenemu_txn_find(conn, node->tx_id))
		return refuse(r, XENEMU_RESTORE_BAD_TRANSACTION);
	pending = kmalloc(sizeof(*pending), GFP_KERNEL_ACCOUNT);
	if (!pending)
		return -ENOMEM;
	pending->body = body;
	pending->len = len;
	pending->why = r->restore->why;
	list_add_tail(&pending->link, &r->pending);
	return 0;
}

static int read_node(struct xen_reader *r, const u8 *body, u32 len)
{
	struct node_record node;
	int ret;

	ret = parse_node(r, body, len, &node);
	if (ret)
		return ret;
	if (node.conn_id)
		return keep_pending(r, &node, body, len);
	return put_node(r, &r->restore->tree, &node, false);
}

/* ---- Transactions ---- */

static int read_txn(struct xen_reader *r, const u8 *body, u32 len)
{
	struct xenemu_conn *conn;
	struct xenemu_txn *txn;
	u32 id;

	if (len < 8)
		return refuse(r, XENEMU_RESTORE_BAD_LENGTH);
	conn = find_conn(r, get_u32(body));
	if (IS_ERR(conn))
		return PTR_ERR(conn);
	id = get_u32(body + 4);
	if (!id || xenemu_txn_find(conn, id))
		return refuse(r, XENEMU_RESTORE_BAD_TRANSACTION);
	/* Its trees are those of the store when that is complete. */
	txn = xenemu_txn_create(conn, NULL, NULL);
	if (!txn)
		return -ENOMEM;
	txn->id = id;
	conn->next_txn = max(conn->next_txn, id);
	return 0;
}

/* What the transaction has seen becomes what it sees. */
static int apply_pending(struct xen_reader *r, struct xenemu_builder *tree,
			 const struct pending *pending)
{
	struct node_record node;
	int ret;

	r->restore->why = pending->why;
	ret = parse_node(r, pending->body, pending->len, &node);
	if (ret)
		return ret;
	if (node.nr_perms)
		return put_node(r, tree, &node, true);

	/* It was removed, or has never been there; neither can "/" nor a special node. */
	if (path_len(&node) == 0 || node.path[0] == '@')
		return refuse(r, XENEMU_RESTORE_BAD_PATH);
	ret = xenemu_builder_seek(tree, node.path, path_len(&node));
	if (!ret) {
		const struct xenemu_node *gone = xenemu_builder_current(tree);

		ret = xenemu_builder_leave(tree);
		if (!ret)
			ret = xenemu_builder_remove(tree, gone->data, gone->name_len);
	}
	return ret == -ENOENT ? 0 : ret;
}

static struct xenemu_txn *txn_of(struct xen_reader *r, const struct pending *pending)
{
	struct xenemu_conn *conn = xenemu_restore_find_conn(r->restore, get_u32(pending->body));

	return xenemu_txn_find(conn, get_u32(pending->body + 4));
}

/* Whether what the transaction has read is what there is. */
static bool is_current(const struct xenemu_lookup *at, const struct node_record *node)
{
	const struct xenemu_perms *perms;
	struct xenemu_perm perm;
	u32 i;

	if (!at->node || at->node->value_len != node->value_len ||
	    memcmp(xenemu_node_value(at->node), node->value, node->value_len))
		return false;
	perms = at->node->perms;
	if (perms->nr != node->nr_perms)
		return false;
	for (i = 0; i < perms->nr; i++) {
		if (parse_perm(node->perms + 4 * i, &perm) ||
		    perm.domid != perms->perm[i].domid ||
		    perm.access != perms->perm[i].access)
			return false;
	}
	return true;
}

/* Returns 1 if the transaction depends on a node that it has only read. */
static int depend_on(struct xen_reader *r, struct xenemu_txn *txn, const struct pending *pending)
{
	const u32 flags = XENEMU_TOUCH_VALUE | XENEMU_TOUCH_PERMS | XENEMU_TOUCH_LIST |
			  XENEMU_TOUCH_EXISTS;
	struct xenemu_touch *touch;
	struct node_record node;
	struct xenemu_lookup at;
	int ret;

	ret = parse_node(r, pending->body, pending->len, &node);
	if (ret)
		return ret;
	if ((node.access & (XENEMU_XEN_READ | XENEMU_XEN_WRITTEN)) == XENEMU_XEN_READ) {
		const struct xenemu_path path = { .str = node.path, .len = path_len(&node) };

		xenemu_tree_find(txn->base, &path, &at);
		if (is_current(&at, &node)) {
			touch = xenemu_txn_restore_touch(txn, &path, flags);
			return touch == ERR_PTR(-ENOMEM) ? -ENOMEM : 1;
		}
	}
	return 0;
}

/*
 * The stream does not tell what it was that a transaction began with. So it cannot be
 * committed if it has written or removed something, or saw what is no more there: its
 * client is told to try again.
 */
static int build_view(struct xen_reader *r, struct xenemu_txn *txn, struct list_head *nodes)
{
	struct xenemu_builder tree;
	struct pending *pending;
	int ret;

	ret = xenemu_builder_start(&tree, r->restore->store, txn->base);
	if (ret)
		return ret;
	list_for_each_entry(pending, nodes, link) {
		ret = depend_on(r, txn, pending);
		if (ret > 0)
			continue;
		txn->error = -EAGAIN;
		if (!ret)
			ret = apply_pending(r, &tree, pending);
		if (ret)
			goto err_cancel;
	}
	txn->top = xenemu_builder_finish(&tree);
	return txn->top ? 0 : -ENOMEM;

err_cancel:
	xenemu_builder_cancel(&tree);
	return ret;
}

static void free_pending(struct list_head *list)
{
	struct pending *pending, *next;

	list_for_each_entry_safe(pending, next, list, link)
		kfree(pending);
	INIT_LIST_HEAD(list);
}

/* Sort what is pending by transactions, each of which keeps its order. */
static int end_txns(struct xen_reader *r)
{
	struct xenemu_store *store = r->restore->store;
	struct pending *pending, *next;
	struct xenemu_txn *txn;
	int ret = 0;

	/* The list is free as long as nothing is to be carried over. */
	list_for_each_entry_safe(pending, next, &r->pending, link)
		list_move_tail(&pending->link, &txn_of(r, pending)->written);
	list_for_each_entry(txn, &store->txns, store_link) {
		LIST_HEAD(nodes);

		list_splice_init(&txn->written, &nodes);
		txn->base = xenemu_node_get(store->top);
		if (!ret)
			ret = build_view(r, txn, &nodes);
		free_pending(&nodes);
	}
	return ret;
}

/* ---- The stream ---- */

static int read_record(struct xen_reader *r, u32 type, const u8 *body, u32 len)
{
	switch (type) {
	case XENEMU_XEN_CONN:
		return read_conn(r, body, len);
	case XENEMU_XEN_WATCH:
		return read_watch(r, body, len, 8);
	case XENEMU_XEN_WATCH_DEPTH:
		return r->version > 1 ? read_watch(r, body, len, 12) : 0;
	case XENEMU_XEN_TXN:
		return read_txn(r, body, len);
	case XENEMU_XEN_NODE:
		return read_node(r, body, len);
	case XENEMU_XEN_QUOTA:
		return read_global_quotas(r, body, len);
	case XENEMU_XEN_DOMAIN:
		return read_domain(r, body, len);
	default:
		/* Xen's file descriptors, and what is yet to be invented. */
		return 0;
	}
}

static int read_records(struct xen_reader *r, const u8 *data, size_t len)
{
	struct xenemu_restore_why *why = &r->restore->why;
	u32 type, body_len;
	u64 pos = 16;
	int ret;

	for (;; why->record++) {
		why->offset = pos;
		if (len - pos < 8)
			return refuse(r, XENEMU_RESTORE_BAD_END);
		type = get_u32(data + pos);
		body_len = get_u32(data + pos + 4);
		why->type = type;
		pos += 8;
		if (round_up((u64)body_len, ALIGNMENT) > len - pos)
			return refuse(r, XENEMU_RESTORE_BAD_END);
		if (type == XENEMU_XEN_END)
			break;
		ret = read_record(r, type, data + pos, body_len);
		if (ret)
			return ret;
		pos += round_up((u64)body_len, ALIGNMENT);
	}
	if (pos + round_up((u64)body_len, ALIGNMENT) != len)
		return refuse(r, XENEMU_RESTORE_BAD_TRAILER);
	return 0;
}

static int read_header(struct xen_reader *r, const u8 *data, size_t len)
{
	if (len < 16)
		return refuse(r, XENEMU_RESTORE_BAD_HEADER);
	r->version = get_be32(data + 8);
	if (r->version < 1 || r->version > 2 || get_be32(data + 12))
		return refuse(r, XENEMU_RESTORE_BAD_VERSION);
	return 0;
}

/**
 * xenemu_xen_read - read a stream
 * @restore: what is being restored
 * @data: the stream, which begins with XENEMU_XEN_MAGIC
 * @len: its length
 *
 * Return: 0 or an errno.
 */
int xenemu_xen_read(struct xenemu_restore *restore, const void *data, size_t len)
{
	struct xen_reader r = { .restore = restore };
	struct target *target, *next;
	u32 salt;
	int ret;

	INIT_LIST_HEAD(&r.pending);
	INIT_LIST_HEAD(&r.targets);
	ret = read_header(&r, data, len);
	if (ret)
		return ret;

	/* A list of children that is being read in parts must not seem to be unchanged. */
	get_random_bytes(&salt, sizeof(salt));
	restore->gen = LAST_BIRTH + 1 + (u64)salt;
	ret = xenemu_restore_begin_tree(restore, restore->store->top, restore->gen);
	if (!ret)
		ret = read_records(&r, data, len);
	if (!ret)
		ret = xenemu_restore_end_tree(restore);
	if (!ret) {
		set_births(&r);
		set_targets(&r);
		ret = end_txns(&r);
	}
	free_pending(&r.pending);
	list_for_each_entry_safe(target, next, &r.targets, link)
		kfree(target);
	return ret;
}
