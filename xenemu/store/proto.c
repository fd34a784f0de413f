// SPDX-License-Identifier: GPL-2.0-only
/*
 * The protocol: which operations there are, in what order a request is checked, and
 * what its reply looks like.
 */
#include "internal.h"

#include <linux/errno.h>
#include <linux/nospec.h>

#define OP_PRIV		BIT(0)	/* only for dom0 */
#define OP_NOTID	BIT(1)	/* the transaction id does not matter */
#define OP_TREE		BIT(2)	/* looks at the tree as the transaction sees it */
#define OP_WRITE	BIT(3)	/* if out of space, the transaction cannot be committed */
#define OP_UNLOCKED	BIT(4)	/* needs no lock of the store's; at most the transaction's */
#define OP_TXN		BIT(5)	/* begins or ends transactions */

struct op {
	int (*fn)(struct xenemu_request *req);
	u32 flags;
};

static const struct op ops[XENEMU_XS_NR_OPS] = {
	[XS_CONTROL] = { xenemu_control_op_control, OP_PRIV },
	[XS_DIRECTORY] = { xenemu_node_op_directory, OP_TREE | OP_UNLOCKED },
	[XS_READ] = { xenemu_node_op_read, OP_TREE | OP_UNLOCKED },
	[XS_GET_PERMS] = { xenemu_node_op_get_perms, OP_TREE | OP_UNLOCKED },
	[XS_WATCH] = { xenemu_watch_op_watch, OP_NOTID },
	[XS_UNWATCH] = { xenemu_watch_op_unwatch, OP_NOTID },
	[XS_TRANSACTION_START] = { xenemu_txn_op_start, OP_TXN },
	[XS_TRANSACTION_END] = { xenemu_txn_op_end, OP_TXN },
	[XS_INTRODUCE] = { xenemu_sdomain_op_introduce, OP_PRIV },
	[XS_RELEASE] = { xenemu_sdomain_op_release, OP_PRIV },
	[XS_GET_DOMAIN_PATH] = { xenemu_sdomain_op_get_path, OP_UNLOCKED },
	[XS_WRITE] = { xenemu_node_op_write, OP_TREE | OP_WRITE },
	[XS_MKDIR] = { xenemu_node_op_mkdir, OP_TREE | OP_WRITE },
	[XS_RM] = { xenemu_node_op_rm, OP_TREE | OP_WRITE },
	[XS_SET_PERMS] = { xenemu_node_op_set_perms, OP_TREE | OP_WRITE },
	[XS_IS_DOMAIN_INTRODUCED] = { xenemu_sdomain_op_is_introduced, OP_PRIV },
	[XS_RESUME] = { xenemu_sdomain_op_resume, OP_PRIV },
	[XS_SET_TARGET] = { xenemu_sdomain_op_set_target, OP_PRIV },
	[XS_RESET_WATCHES] = { xenemu_watch_op_reset, OP_TXN },
	[XS_DIRECTORY_PART] = { xenemu_node_op_directory_part, OP_TREE | OP_UNLOCKED },
	[XENEMU_XS_GET_FEATURE] = { xenemu_sdomain_op_get_feature },
	[XENEMU_XS_SET_FEATURE] = { xenemu_sdomain_op_set_feature, OP_PRIV },
	[XENEMU_XS_GET_QUOTA] = { xenemu_quota_op_get, OP_PRIV },
	[XENEMU_XS_SET_QUOTA] = { xenemu_quota_op_set, OP_PRIV },
};

static const char *error_name(int err)
{
	static const struct {
		int err;
		const char *name;
	} names[] = {
		{ EINVAL, "EINVAL" }, { EACCES, "EACCES" }, { EEXIST, "EEXIST" },
		{ EISDIR, "EISDIR" }, { ENOENT, "ENOENT" }, { ENOMEM, "ENOMEM" },
		{ ENOSPC, "ENOSPC" }, { EIO, "EIO" }, { ENOTEMPTY, "ENOTEMPTY" },
		{ ENOSYS, "ENOSYS" }, { EROFS, "EROFS" }, { EBUSY, "EBUSY" },
		{ EAGAIN, "EAGAIN" }, { EISCONN, "EISCONN" }, { E2BIG, "E2BIG" },
		{ EPERM, "EPERM" },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].err == -err)
			return names[i].name;
	return "EINVAL";
}

/**
 * xenemu_proto_init - prepare a request
 * @req: the request
 * @store: the store
 * @conn: who asks; NULL if the host does, with dom0's rights
 */
void xenemu_proto_init(struct xenemu_request *req, struct xenemu_store *store,
		       struct xenemu_conn *conn)
{
	memset(req, 0, sizeof(*req));
	req->store = store;
	req->conn = conn;
	req->gfp = GFP_KERNEL_ACCOUNT;
	req->cred.privileged = true;
	req->cred.target = XENEMU_DOMID_ANY;
	INIT_LIST_HEAD(&req->events);
	INIT_LIST_HEAD(&req->late);
}

/**
 * xenemu_proto_reply - make room for the reply
 * @req: the request
 * @len: its length, at most XENSTORE_PAYLOAD_MAX. Does not fail up to
 *	XENEMU_STORE_SMALL, so that a change may be made before its reply
 *
 * Return: where to put it, or NULL for want of memory.
 */
char *xenemu_proto_reply(struct xenemu_request *req, u32 len)
{
	if (req->msg && len > XENEMU_STORE_SMALL) {
		struct xenemu_msg *msg = xenemu_conn_alloc_msg(len, req->gfp);

		if (!msg)
			return NULL;
		kfree(req->msg);
		req->msg = msg;
	}
	req->reply_len = len;
	return req->msg ? req->msg->data + sizeof(struct xsd_sockmsg) : req->buf;
}

/**
 * xenemu_proto_reply_text - reply with a string
 * @req: the request
 * @text: the string; a NUL is put behind it
 *
 * Return: 0 or -ENOMEM.
 */
int xenemu_proto_reply_text(struct xenemu_request *req, const char *text)
{
	u32 len = strlen(text) + 1;
	char *reply = xenemu_proto_reply(req, len);

	if (!reply)
		return -ENOMEM;
	memcpy(reply, text, len);
	return 0;
}

/**
 * xenemu_proto_one_arg - get the only argument of a request
 * @req: the request
 *
 * Return: a string that is all of the body, or NULL if the body is no such thing.
 */
char *xenemu_proto_one_arg(struct xenemu_request *req)
{
	char *end = memchr(req->body, 0, req->len);

	return end && end + 1 == req->body + req->len ? req->body : NULL;
}

/**
 * xenemu_proto_args - get the arguments of a request
 * @req: the request
 * @arg: result: strings
 * @max: size of @arg
 *
 * As in Xen, what is behind the last NUL is ignored.
 *
 * Return: their number, which may be larger than @max.
 */
u32 xenemu_proto_args(struct xenemu_request *req, char **arg, u32 max)
{
	char *pos = req->body, *end = pos + req->len, *nul;
	u32 nr = 0;

	while ((nul = memchr(pos, 0, end - pos))) {
		if (nr < max)
			arg[nr] = pos;
		nr++;
		pos = nul + 1;
	}
	return nr;
}

/**
 * xenemu_proto_send_events - queue the events that a request has prepared
 * @req: the request
 */
void xenemu_proto_send_events(struct xenemu_request *req)
{
	lockdep_assert_held(&req->store->lock);

	xenemu_conn_queue_events(req->store, &req->events, req->debt);
}

static void drop_events(struct list_head *events)
{
	struct xenemu_msg *msg, *next;

	list_for_each_entry_safe(msg, next, events, list) {
		list_del(&msg->list);
		kfree(msg);
	}
}

/* Complete the reply: to be queued, or in the caller's buffer. */
static void finish(struct xenemu_request *req, struct xsd_sockmsg *hdr, int err)
{
	struct xenemu_msg *msg;

	if (err) {
		xenemu_proto_reply_text(req, error_name(err));
		hdr->type = XS_ERROR;
	}
	hdr->len = req->reply_len;
	if (!req->msg)
		return;
	msg = req->msg;
	req->msg = NULL;
	memcpy(msg->data, hdr, sizeof(*hdr));
	msg->len = sizeof(*hdr) + hdr->len;
	msg->debt = req->debt;
	if (req->debt)
		refcount_inc(&req->debt->ref);
	xenemu_conn_queue_reply(req->conn, msg);
}

/* Carry out a request of a transaction, or one that begins or ends some. */
static int run_in_txn(struct xenemu_request *req, const struct op *op, u32 txn_id)
{
	int ret;

	lockdep_assert_held(&req->conn->txn_lock);

	if (txn_id) {
		req->txn = xenemu_txn_find(req->conn, txn_id);
		if (!req->txn)
			return -ENOENT;
		req->top = req->txn->top;
		if (op->flags & OP_TREE && !req->top)
			return -EAGAIN;
	}
	ret = op->fn(req);
	if (op->flags & OP_WRITE && (ret == -ENOMEM || ret == -ENOSPC) && !req->txn->error)
		req->txn->error = -ENOMEM;
	return ret;
}

static int run_locked(struct xenemu_request *req, const struct op *op, u32 txn_id)
{
	struct xenemu_conn *conn = req->conn;
	bool found;
	int ret;

	lockdep_assert_held(&req->store->lock);

	xenemu_conn_cred(conn, &req->cred);
	req->top = req->store->top;
	if (op->flags & OP_NOTID)
		txn_id = 0;
	if (op->flags & OP_TXN || (txn_id && op->flags & OP_TREE)) {
		mutex_lock(&conn->txn_lock);
		ret = run_in_txn(req, op, txn_id);
		mutex_unlock(&conn->txn_lock);
		return ret;
	}
	/* It has nothing to do with the transaction, and may give store->lock up. */
	if (txn_id) {
		mutex_lock(&conn->txn_lock);
		found = xenemu_txn_find(conn, txn_id);
		mutex_unlock(&conn->txn_lock);
		if (!found)
			return -ENOENT;
	}
	return op->fn(req);
}

static void do_locked(struct xenemu_request *req, struct xsd_sockmsg *hdr,
		      const struct op *op)
{
	struct xenemu_store *store = req->store;
	int ret = -EIO;

	mutex_lock(&store->lock);
	/* If it was killed meanwhile, nobody gets to see this. */
	if (!req->conn->dead)
		ret = run_locked(req, op, hdr->tx_id);
	if (ret) {
		drop_events(&req->events);
		drop_events(&req->late);
	}
	xenemu_proto_send_events(req);
	finish(req, hdr, ret);
	xenemu_conn_queue_events(store, &req->late, req->debt);
	xenemu_txn_limit_memory(store);
	mutex_unlock(&store->lock);
}

/* A snapshot is enough. */
static void do_unlocked(struct xenemu_request *req, struct xsd_sockmsg *hdr,
			const struct op *op)
{
	int ret;

	req->top = xenemu_store_snapshot(req->store, req->conn, &req->cred);
	ret = op->fn(req);
	xenemu_node_put(req->store, req->top);
	finish(req, hdr, ret);
}

/* The transaction has a snapshot. */
static void do_in_txn(struct xenemu_request *req, struct xsd_sockmsg *hdr, const struct op *op)
{
	struct xenemu_conn *conn = req->conn;
	int ret;

	spin_lock(&req->store->root_lock);
	xenemu_conn_cred(conn, &req->cred);
	spin_unlock(&req->store->root_lock);
	mutex_lock(&conn->txn_lock);
	ret = run_in_txn(req, op, hdr->tx_id);
	mutex_unlock(&conn->txn_lock);
	finish(req, hdr, ret);
}

static void dispatch(struct xenemu_request *req, struct xsd_sockmsg *hdr)
{
	const struct op *op = NULL;

	if (hdr->type < XENEMU_XS_NR_OPS)
		op = &ops[array_index_nospec(hdr->type, XENEMU_XS_NR_OPS)];
	if (!op || !op->fn)
		finish(req, hdr, -ENOSYS);
	else if (op->flags & OP_PRIV && !req->conn->dom->privileged)
		finish(req, hdr, -EACCES);
	else if (op->flags & OP_UNLOCKED && hdr->tx_id)
		do_in_txn(req, hdr, op);
	else if (op->flags & OP_UNLOCKED)
		do_unlocked(req, hdr, op);
	else
		do_locked(req, hdr, op);
}

/*
 * The request was not begun for want of memory. A client that ends a transaction will
 * not come back to it, so that happens all the same.
 */
static void refuse(struct xenemu_request *req, struct xsd_sockmsg *hdr)
{
	struct xenemu_txn *txn;

	if (hdr->type == XS_TRANSACTION_END) {
		mutex_lock(&req->store->lock);
		mutex_lock(&req->conn->txn_lock);
		txn = xenemu_txn_find(req->conn, hdr->tx_id);
		if (txn)
			xenemu_txn_end(txn);
		mutex_unlock(&req->conn->txn_lock);
		mutex_unlock(&req->store->lock);
	}
	finish(req, hdr, -ENOMEM);
}

int xenemu_conn_request(struct xenemu_conn *conn, const struct xsd_sockmsg *hdr, char *body)
{
	struct xsd_sockmsg reply = *hdr;
	struct xenemu_request req;

	if (hdr->len > XENSTORE_PAYLOAD_MAX)
		return -EMSGSIZE;
	if (xenemu_conn_is_dead(conn))
		return -ENODEV;

	xenemu_proto_init(&req, conn->store, conn);
	req.body = body;
	req.len = hdr->len;
	req.msg = xenemu_conn_alloc_msg(0, req.gfp);
	if (!req.msg || xenemu_conn_alloc_debt(conn, &req.debt)) {
		kfree(req.msg);
		req.msg = xenemu_conn_take_spare(conn);
		if (!req.msg)
			return -EAGAIN;
		refuse(&req, &reply);
		return 0;
	}
	dispatch(&req, &reply);
	xenemu_conn_put_debt(conn->store, req.debt);
	return 0;
}

int xenemu_conn_call(struct xenemu_conn *conn, struct xsd_sockmsg *hdr, char *body,
		     char *reply)
{
	struct xenemu_request req;

	if (hdr->len > XENSTORE_PAYLOAD_MAX)
		return -EMSGSIZE;
	if (xenemu_conn_is_dead(conn))
		return -ENODEV;

	xenemu_proto_init(&req, conn->store, conn);
	req.body = body;
	req.len = hdr->len;
	req.buf = reply;
	if (xenemu_conn_alloc_debt(conn, &req.debt)) {
		refuse(&req, hdr);
		return 0;
	}
	dispatch(&req, hdr);
	xenemu_conn_put_debt(conn->store, req.debt);
	return 0;
}
