// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saving a store as the stream of Xen's xenstore-migration document, which Xen's daemons
 * exchange when they are updated. It has no place for all that we know: see
 * Documentation/virt/xenemu/state-format.rst for what is lost.
 */
#include "state.h"

#include <linux/errno.h>

/* Records are as long as a multiple of this, and so says their length. */
#define ALIGNMENT	8

struct xen_writer {
	const struct xenemu_capture *cap;
	u32 version;
	struct xenemu_sink *sink;
};

static void put_be32(struct xenemu_sink *sink, u32 value)
{
	const u8 byte[] = { value >> 24, value >> 16, value >> 8, value };

	xenemu_sink_put(sink, byte, sizeof(byte));
}

static void begin_record(struct xen_writer *w, u32 type, u32 len)
{
	xenemu_sink_u32(w->sink, type);
	xenemu_sink_u32(w->sink, round_up(len, ALIGNMENT));
}

static void end_record(struct xen_writer *w, u32 len)
{
	xenemu_sink_put(w->sink, NULL, round_up(len, ALIGNMENT) - len);
}

static void put_global(struct xen_writer *w)
{
	begin_record(w, XENEMU_XEN_GLOBAL, 8);
	xenemu_sink_u32(w->sink, -1);
	xenemu_sink_u32(w->sink, -1);
}

/* Those of the limits that are in @set; returns the length of their names. */
static u32 names_len(u32 set)
{
	u32 i, len = 0;

	for (i = 0; i < XENEMU_NR_QUOTAS; i++)
		if (set & BIT(i))
			len += strlen(xenemu_quota_name[i]) + 1;
	return len;
}

static u32 count_bits(u32 set)
{
	u32 nr = 0;

	for (; set; set &= set - 1)
		nr++;
	return nr;
}

static void put_quotas(struct xen_writer *w, const u32 *quota, u32 set)
{
	u32 i;

	for (i = 0; i < XENEMU_NR_QUOTAS; i++)
		if (set & BIT(i))
			xenemu_sink_u32(w->sink, quota[i]);
	for (i = 0; i < XENEMU_NR_QUOTAS; i++)
		if (set & BIT(i))
			xenemu_sink_put(w->sink, xenemu_quota_name[i],
					strlen(xenemu_quota_name[i]) + 1);
}

static void put_global_quotas(struct xen_writer *w)
{
	const u32 all = BIT(XENEMU_NR_QUOTAS) - 1;
	u32 len = 4 + 4 * XENEMU_NR_QUOTAS + names_len(all);

	begin_record(w, XENEMU_XEN_QUOTA, len);
	xenemu_sink_u16(w->sink, XENEMU_NR_QUOTAS);
	xenemu_sink_u16(w->sink, 0);
	put_quotas(w, w->cap->quota, all);
	end_record(w, len);
}

static void put_domain(struct xen_writer *w, const struct xenemu_cap_domain *dom)
{
	u32 nr = count_bits(dom->quota_set);
	u32 len = 8 + 4 * nr + names_len(dom->quota_set);

	begin_record(w, XENEMU_XEN_DOMAIN, len);
	xenemu_sink_u16(w->sink, dom->domid);
	xenemu_sink_u16(w->sink, nr);
	xenemu_sink_u32(w->sink, w->version > 1 ? dom->features : 0);
	put_quotas(w, dom->quota, dom->quota_set);
	end_record(w, len);
}

/* Xen knows rings of guests and clients of dom0. */
static bool has_conn(const struct xenemu_cap_conn *conn)
{
	return conn->kind == XENEMU_CONN_RING || !conn->domid;
}

static void put_conn(struct xen_writer *w, const struct xenemu_cap_conn *conn)
{
	const struct xenemu_cap_domain *dom = xenemu_capture_find_domain(w->cap, conn->domid);
	const struct xenemu_cap_msg *msg;
	u32 out_len = 0, rest = 0, len;

	list_for_each_entry(msg, &conn->msgs, link) {
		out_len += msg->len - msg->sent;
		if (msg->partial)
			rest = msg->len - msg->sent;
	}

	len = 24 + conn->in_len + out_len;
	begin_record(w, XENEMU_XEN_CONN, len);
	xenemu_sink_u32(w->sink, conn->id);
	if (conn->kind == XENEMU_CONN_RING) {
		xenemu_sink_u16(w->sink, XENEMU_XEN_RING);
		xenemu_sink_u16(w->sink, 0);
		xenemu_sink_u16(w->sink, conn->domid);
		xenemu_sink_u16(w->sink, dom->target == XENEMU_DOMID_ANY ? XENEMU_XEN_NO_DOMID :
									   dom->target);
		xenemu_sink_u32(w->sink, conn->port);
	} else {
		xenemu_sink_u16(w->sink, XENEMU_XEN_SOCKET);
		xenemu_sink_u16(w->sink, 0);
		xenemu_sink_u32(w->sink, -1);
		xenemu_sink_u32(w->sink, 0);
	}
	xenemu_sink_u16(w->sink, conn->in_len);
	xenemu_sink_u16(w->sink, rest);
	xenemu_sink_u32(w->sink, out_len);
	xenemu_sink_put(w->sink, conn->in, conn->in_len);
	list_for_each_entry(msg, &conn->msgs, link)
		xenemu_sink_put(w->sink, msg->data + msg->sent, msg->len - msg->sent);
	end_record(w, len);
}

static void put_watch(struct xen_writer *w, const struct xenemu_cap_conn *conn,
		      const struct xenemu_cap_watch *watch)
{
	bool depth = watch->depth >= 0 && w->version > 1;
	u32 text_len = watch->path_len ?: 1;
	u32 path_len = text_len - watch->rel + 1, token_len = watch->token_len + 1;
	u32 len = (depth ? 12 : 8) + path_len + token_len;

	begin_record(w, depth ? XENEMU_XEN_WATCH_DEPTH : XENEMU_XEN_WATCH, len);
	xenemu_sink_u32(w->sink, conn->id);
	xenemu_sink_u16(w->sink, path_len);
	xenemu_sink_u16(w->sink, token_len);
	if (depth)
		xenemu_sink_u32(w->sink, watch->depth);
	xenemu_sink_put(w->sink, watch->data + watch->rel, path_len + token_len);
	end_record(w, len);
}

static void put_perms(struct xen_writer *w, const struct xenemu_perms *perms)
{
	static const char letter[] = { 'n', 'r', 'w', 'b' };
	u32 i;

	for (i = 0; i < perms->nr; i++) {
		bool stale = !xenemu_capture_perm_valid(w->cap, perms, i);

		xenemu_sink_u8(w->sink, letter[perms->perm[i].access & 3]);
		xenemu_sink_u8(w->sink, stale ? XENEMU_XEN_STALE : 0);
		xenemu_sink_u16(w->sink, perms->perm[i].domid);
	}
}

/* @txn: transaction that has it pending with @access, in which it may be missing. */
static void put_node(struct xen_writer *w, const char *path, u32 path_len,
		     const struct xenemu_node *node, const struct xenemu_cap_conn *conn,
		     const struct xenemu_cap_txn *txn, u32 access)
{
	u32 nr = node ? node->perms->nr : 0, value_len = node ? node->value_len : 0;
	u32 text_len = path_len ?: 1, len;

	len = 16 + 4 * nr + text_len + 1 + value_len;
	begin_record(w, XENEMU_XEN_NODE, len);
	xenemu_sink_u32(w->sink, conn ? conn->id : 0);
	xenemu_sink_u32(w->sink, txn ? txn->id : 0);
	xenemu_sink_u16(w->sink, text_len + 1);
	xenemu_sink_u16(w->sink, value_len);
	xenemu_sink_u16(w->sink, access);
	xenemu_sink_u16(w->sink, nr);
	if (node)
		put_perms(w, node->perms);
	xenemu_sink_put(w->sink, path_len ? path : "/", text_len);
	xenemu_sink_u8(w->sink, 0);
	if (node)
		xenemu_sink_put(w->sink, xenemu_node_value(node), value_len);
	end_record(w, len);
}

static void put_nodes(struct xen_writer *w)
{
	struct xenemu_diff diff;
	int ret;

	ret = xenemu_diff_start(&diff, NULL, w->cap->top);
	if (ret) {
		w->sink->error = w->sink->error ?: ret;
		return;
	}
	while ((ret = xenemu_diff_next(&diff, true)) > 0 && !w->sink->error)
		put_node(w, diff.path, diff.len, diff.new, NULL, NULL, 0);
	xenemu_diff_end(&diff);
	w->sink->error = w->sink->error ?: min(ret, 0);
}

/* Whether a transaction could not be committed if it has written or does. */
static bool is_lost(const struct xen_writer *w, const struct xenemu_cap_txn *txn)
{
	const struct xenemu_cap_touch *touch;
	struct xenemu_lookup base, now;

	if (txn->error || txn->base == w->cap->top)
		return txn->error;
	list_for_each_entry(touch, &txn->touched, link) {
		const struct xenemu_path path = { .str = touch->path, .len = touch->len };

		xenemu_tree_find(txn->base, &path, &base);
		xenemu_tree_find(w->cap->top, &path, &now);
		if (xenemu_txn_is_changed(touch->flags, base.node, now.node))
			return true;
	}
	return false;
}

static void put_pending(struct xen_writer *w, const struct xenemu_cap_conn *conn,
			const struct xenemu_cap_txn *txn)
{
	const struct xenemu_path slash = { .str = "" };
	const struct xenemu_cap_touch *touch;
	struct xenemu_lookup at;

	/* It cannot be committed any more: so it has written something. */
	if (is_lost(w, txn)) {
		xenemu_tree_find(w->cap->top, &slash, &at);
		put_node(w, "", 0, at.node, conn, txn, XENEMU_XEN_READ | XENEMU_XEN_WRITTEN);
	}
	if (!txn->top)
		return;
	list_for_each_entry(touch, &txn->touched, link) {
		const struct xenemu_path path = { .str = touch->path, .len = touch->len };
		u32 access = 0;

		xenemu_tree_find(txn->top, &path, &at);
		if (at.node)
			access = XENEMU_XEN_READ;
		if (at.node && touch->flags & XENEMU_TOUCH_WRITTEN)
			access |= XENEMU_XEN_WRITTEN;
		put_node(w, touch->path, touch->len, at.node, conn, txn, access);
	}
}

static void put_conns(struct xen_writer *w)
{
	const struct xenemu_cap_conn *conn;
	const struct xenemu_cap_watch *watch;
	const struct xenemu_cap_txn *txn;

	list_for_each_entry(conn, &w->cap->conns, link) {
		if (!has_conn(conn))
			continue;
		put_conn(w, conn);
		list_for_each_entry(watch, &conn->watches, link)
			put_watch(w, conn, watch);
		list_for_each_entry(txn, &conn->txns, link) {
			begin_record(w, XENEMU_XEN_TXN, 8);
			xenemu_sink_u32(w->sink, conn->id);
			xenemu_sink_u32(w->sink, txn->id);
		}
	}
}

/**
 * xenemu_xen_write - write a stream
 * @cap: the captured store
 * @version: 1 or 2
 * @sink: where to; also keeps what goes wrong
 */
void xenemu_xen_write(const struct xenemu_capture *cap, u32 version, struct xenemu_sink *sink)
{
	struct xen_writer w = { .cap = cap, .version = version, .sink = sink };
	const struct xenemu_cap_conn *conn;
	const struct xenemu_cap_txn *txn;
	u32 i;

	xenemu_sink_put(sink, XENEMU_XEN_MAGIC, strlen(XENEMU_XEN_MAGIC));
	put_be32(sink, version);
	put_be32(sink, 0);
	put_global(&w);
	put_global_quotas(&w);
	put_conns(&w);
	put_nodes(&w);
	list_for_each_entry(conn, &cap->conns, link)
		if (has_conn(conn))
			list_for_each_entry(txn, &conn->txns, link)
				put_pending(&w, conn, txn);
	for (i = 0; i < cap->nr_domains; i++)
		if (cap->domain[i].domid || cap->domain[i].quota_set)
			put_domain(&w, &cap->domain[i]);
	begin_record(&w, XENEMU_XEN_END, 0);
}
