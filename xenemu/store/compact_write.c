// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saving a store in the compact format: all of it, or the difference to what was saved
 * before. Texts and permissions that come again are written by number, and a node
 * by where it is from the one before it.
 */
#include "state.h"

#include <linux/errno.h>
#include <linux/minmax.h>

/**
 * struct compact_perms - permissions that have a number
 * @hash: in the writer's table
 * @link: in the writer's list
 * @perms: the permissions, which stay as long as the captured store does
 * @number: their number, from 1
 */
struct compact_perms {
	struct xenemu_hnode hash;
	struct list_head link;
	const struct xenemu_perms *perms;
	u32 number;
};

struct compact_writer {
	const struct xenemu_capture *cap;
	struct xenemu_sink *sink;
	struct xenemu_dict dict;
	struct xenemu_htab perms_tab;
	struct list_head perms;
};

static void fail(struct compact_writer *w, int error)
{
	if (!w->sink->error)
		w->sink->error = error;
}

static void put(struct compact_writer *w, u64 value)
{
	xenemu_sink_varint(w->sink, value);
}

static void put_bytes(struct compact_writer *w, const void *data, u32 len)
{
	put(w, len);
	xenemu_sink_put(w->sink, data, len);
}

/* A number, or 0 and the text. */
static void put_text(struct compact_writer *w, const char *str, u32 len)
{
	int number = xenemu_dict_find(&w->dict, str, len, true);

	put(w, max(number, 0));
	if (number < 0)
		fail(w, number);
	if (number <= 0)
		put_bytes(w, str, len);
}

static u32 count_comps(const char *str, u32 len)
{
	u32 nr = 1, i;

	for (i = 0; i < len; i++)
		nr += str[i] == '/';
	return nr;
}

static void put_comps(struct compact_writer *w, const char *str, u32 len)
{
	struct xenemu_comp comp = {};

	while (xenemu_path_next(str, len, &comp))
		put_text(w, comp.name, comp.len);
}

/* A path as struct xenemu_path has it. */
static void put_path(struct compact_writer *w, const char *str, u32 len)
{
	put(w, count_comps(str, len));
	put_comps(w, str, len);
}

/* ---- Limits, domains, connections, watches ---- */

static void put_quotas(struct compact_writer *w, const u32 *quota, u32 set)
{
	u32 i;

	put(w, set);
	for (i = 0; i < XENEMU_NR_QUOTAS; i++)
		if (set & BIT(i))
			put(w, quota[i]);
}

/* @previous: birth of the one before. */
static void put_domain(struct compact_writer *w, const struct xenemu_cap_domain *dom,
		       u64 previous)
{
	u32 bits = 0;

	if (dom->introduced)
		bits |= XENEMU_COMPACT_INTRODUCED;
	if (dom->shutdown)
		bits |= XENEMU_COMPACT_SHUTDOWN;
	if (dom->features != XENEMU_XS_FEATURES_ALL)
		bits |= XENEMU_COMPACT_FEATURES;
	if (dom->quota_set)
		bits |= XENEMU_COMPACT_QUOTA;
	if (dom->target != XENEMU_DOMID_ANY)
		bits |= XENEMU_COMPACT_TARGET;
	put(w, dom->domid);
	put(w, dom->birth - previous);
	put(w, bits);
	if (bits & XENEMU_COMPACT_FEATURES)
		put(w, dom->features);
	if (bits & XENEMU_COMPACT_QUOTA)
		put_quotas(w, dom->quota, dom->quota_set);
	if (bits & XENEMU_COMPACT_TARGET)
		put(w, dom->target);
}

static void put_watch(struct compact_writer *w, const struct xenemu_cap_watch *watch)
{
	u32 bits = 0;

	if (watch->rel)
		bits |= XENEMU_COMPACT_REL;
	if (watch->depth >= 0)
		bits |= XENEMU_COMPACT_DEPTH;
	put(w, bits);
	put_path(w, watch->data, watch->path_len);
	put_bytes(w, watch->data + (watch->path_len ?: 1) + 1, watch->token_len);
	if (bits & XENEMU_COMPACT_DEPTH)
		put(w, watch->depth);
}

static void put_conn(struct compact_writer *w, const struct xenemu_cap_conn *conn)
{
	const struct xenemu_cap_watch *watch;
	u32 bits = 0;

	if (conn->kind == XENEMU_CONN_FD)
		bits |= XENEMU_COMPACT_FD;
	if (conn->dead)
		bits |= XENEMU_COMPACT_DEAD;
	if (conn->port || conn->gfn)
		bits |= XENEMU_COMPACT_RING;
	put(w, conn->id);
	put(w, conn->domid);
	put(w, bits);
	if (bits & XENEMU_COMPACT_RING) {
		put(w, conn->port);
		put(w, conn->gfn);
	}
	put(w, conn->nr_watches);
	list_for_each_entry(watch, &conn->watches, link)
		put_watch(w, watch);
}

static void put_head(struct compact_writer *w)
{
	const struct xenemu_capture *cap = w->cap;
	const struct xenemu_cap_conn *conn;
	u32 i;

	put_quotas(w, cap->quota, BIT(XENEMU_NR_QUOTAS) - 1);
	put(w, cap->nr_domains);
	for (i = 0; i < cap->nr_domains; i++)
		put_domain(w, &cap->domain[i], i ? cap->domain[i - 1].birth : 0);
	put(w, cap->nr_conns);
	list_for_each_entry(conn, &cap->conns, link)
		put_conn(w, conn);
}

/* ---- Permissions ---- */

/* How many domains had been born when they were made. */
static u32 epoch_of(const struct xenemu_capture *cap, const struct xenemu_perms *perms)
{
	u32 lo = 0, hi = cap->nr_domains;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (cap->domain[mid].birth < perms->gen)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool same_perms(const struct compact_writer *w, const struct xenemu_perms *a,
		       const struct xenemu_perms *b)
{
	if (a == b)
		return true;
	return a && b && a->nr == b->nr && !memcmp(a->perm, b->perm, a->nr * sizeof(*a->perm)) &&
	       epoch_of(w->cap, a) == epoch_of(w->cap, b);
}

/* The number of permissions, or 0. */
static u32 find_perms(struct compact_writer *w, const struct xenemu_perms *perms, u32 hash)
{
	struct compact_perms *entry;

	xenemu_htab_for_each(&w->perms_tab, entry, hash, hash)
		if (entry->hash.hash == hash && same_perms(w, entry->perms, perms))
			return entry->number;
	return 0;
}

static void learn_perms(struct compact_writer *w, const struct xenemu_perms *perms, u32 hash)
{
	struct compact_perms *entry;

	if (w->perms_tab.nr == XENEMU_COMPACT_MAX_PERMS)
		return;
	entry = kmalloc(sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry) {
		fail(w, -ENOMEM);
		return;
	}
	entry->perms = perms;
	xenemu_htab_add(&w->perms_tab, &entry->hash, hash);
	entry->number = w->perms_tab.nr;
	list_add_tail(&entry->link, &w->perms);
}

static void put_perms(struct compact_writer *w, const struct xenemu_perms *perms)
{
	u32 hash, number, i;

	/* Clients cannot guess the hash, so they cannot make this slow. */
	hash = xenemu_store_hash(w->cap->store, perms->perm, perms->nr * sizeof(*perms->perm));
	number = find_perms(w, perms, hash);
	put(w, number);
	if (number)
		return;
	learn_perms(w, perms, hash);
	put(w, perms->nr);
	put(w, epoch_of(w->cap, perms));
	for (i = 0; i < perms->nr; i++) {
		const struct xenemu_perm *perm = &perms->perm[i];

		put(w, (u32)perm->domid << XENEMU_COMPACT_DOMID_SHIFT |
		       (perm->ignore ? XENEMU_COMPACT_IGNORE : 0) |
		       (perm->access & XENEMU_COMPACT_ACCESS));
	}
}

/* ---- Nodes ---- */

/* A path of few components, all of which could be names. */
static bool is_path(const char *str, u32 len)
{
	u32 comp = 0, i;

	if (len < 2 || str[0] != '/' || str[len - 1] == '/')
		return false;
	for (i = 1; i < len; i++) {
		comp = str[i] == '/' ? 0 : comp + 1;
		if ((str[i] == '/' && str[i - 1] == '/') || comp > XENEMU_COMPACT_MAX_COMP)
			return false;
	}
	return count_comps(str, len) <= XENEMU_COMPACT_MAX_COMPS;
}

static void put_value(struct compact_writer *w, const char *str, u32 len)
{
	bool learn = len > 1 && len <= XENEMU_COMPACT_MAX_LEARNT;
	int number;

	if (is_path(str, len)) {
		put(w, count_comps(str + 1, len - 1) << XENEMU_COMPACT_KIND_BITS |
		       XENEMU_COMPACT_PATH);
		put_comps(w, str + 1, len - 1);
		return;
	}
	number = xenemu_dict_find(&w->dict, str, len, learn);
	if (number > 0) {
		put(w, (u32)number << XENEMU_COMPACT_KIND_BITS | XENEMU_COMPACT_TEXT);
		return;
	}
	if (number < 0)
		fail(w, number);
	put(w, len << XENEMU_COMPACT_KIND_BITS | XENEMU_COMPACT_BYTES);
	xenemu_sink_put(w->sink, str, len);
}

/* Of a node with more names of children than one message holds, clients see this. */
static bool is_list_gen_visible(const struct xenemu_node *node)
{
	return node->kids && node->kids->bytes > XENSTORE_PAYLOAD_MAX - 24;
}

/* What is to be said of the current difference; 0 if only that there is one below. */
static u8 node_bits(struct compact_writer *w, const struct xenemu_diff *diff)
{
	const struct xenemu_node *old = diff->old, *new = diff->new;
	u8 bits = 0;

	if (!new)
		return XENEMU_COMPACT_REMOVED;
	if (old ? old->gen != new->gen : new->value_len)
		bits |= XENEMU_COMPACT_VALUE;
	if (old ? old->perms != new->perms : !same_perms(w, new->perms, diff->above->perms))
		bits |= XENEMU_COMPACT_PERMS;
	if (old ? old->list_gen != new->list_gen : is_list_gen_visible(new))
		bits |= XENEMU_COMPACT_LIST;
	return bits;
}

/* The difference between two trees; all of the new one if there is no old one. */
static void put_nodes(struct compact_writer *w, const struct xenemu_node *old,
		      const struct xenemu_node *new)
{
	struct xenemu_diff diff;
	u32 level = 0;
	int ret;

	ret = xenemu_diff_start(&diff, old, new);
	if (ret) {
		fail(w, ret);
		return;
	}
	while ((ret = xenemu_diff_next(&diff, diff.new)) > 0 && !w->sink->error) {
		const struct xenemu_node *node = diff.new ?: diff.old;
		u32 up = level - (diff.level - 1);
		u8 bits = node_bits(w, &diff);

		xenemu_sink_u8(w->sink, bits | min_t(u32, up, XENEMU_COMPACT_UP));
		if (up >= XENEMU_COMPACT_UP)
			put(w, up - XENEMU_COMPACT_UP);
		put_text(w, node->data, node->name_len);
		if (bits & XENEMU_COMPACT_PERMS)
			put_perms(w, node->perms);
		if (bits & XENEMU_COMPACT_LIST)
			put(w, node->list_gen);
		if (bits & XENEMU_COMPACT_VALUE)
			put_value(w, xenemu_node_value(node), node->value_len);
		/* Nobody is below a node that is gone. */
		level = diff.level - !diff.new;
	}
	xenemu_sink_u8(w->sink, XENEMU_COMPACT_LAST);
	xenemu_diff_end(&diff);
	fail(w, min(ret, 0));
}

/* ---- What is under way ---- */

static void put_blame(struct compact_writer *w)
{
	const struct xenemu_capture *cap = w->cap;
	u32 nr = 0, i;

	for (i = 0; i < cap->nr_domains; i++)
		nr += cap->domain[i].conflicts || cap->domain[i].stall;
	put(w, nr);
	for (i = 0; i < cap->nr_domains; i++) {
		const struct xenemu_cap_domain *dom = &cap->domain[i];

		if (!dom->conflicts && !dom->stall)
			continue;
		put(w, dom->domid);
		put(w, dom->conflicts);
		put(w, dom->stall);
	}
}

static void put_msg(struct compact_writer *w, const struct xenemu_cap_msg *msg)
{
	struct xsd_sockmsg hdr;

	memcpy(&hdr, msg->data, sizeof(hdr));
	put(w, hdr.type);
	if (hdr.type == XS_WATCH_EVENT) {
		put(w, msg->age);
	} else {
		put(w, hdr.req_id);
		put(w, hdr.tx_id);
	}
	put_bytes(w, msg->data + sizeof(hdr), msg->len - sizeof(hdr));
}

static void put_msgs(struct compact_writer *w, const struct xenemu_cap_conn *conn)
{
	const struct xenemu_cap_msg *msg;
	u32 nr = 0;

	list_for_each_entry(msg, &conn->msgs, link) {
		if (msg->partial)
			put_bytes(w, msg->data + msg->sent, msg->len - msg->sent);
		else
			nr++;
	}
	put(w, nr);
	list_for_each_entry(msg, &conn->msgs, link)
		if (!msg->partial)
			put_msg(w, msg);
}

static void put_txn(struct compact_writer *w, const struct xenemu_cap_txn *txn)
{
	const struct xenemu_cap_touch *touch;
	u32 bits = 0, i;

	if (txn->error)
		bits |= txn->error == -EAGAIN ? XENEMU_COMPACT_AGAIN : XENEMU_COMPACT_NOMEM;
	if (txn->top)
		bits |= XENEMU_COMPACT_TREES;
	put(w, txn->id);
	put(w, bits);
	if (!txn->top)
		return;
	put_nodes(w, w->cap->top, txn->base);
	put_nodes(w, txn->base, txn->top);
	put(w, txn->nr_touched);
	list_for_each_entry(touch, &txn->touched, link) {
		put_path(w, touch->path, touch->len);
		put(w, touch->flags);
	}
	put(w, txn->nr_written);
	for (i = 0; i < txn->nr_written; i++)
		put(w, txn->written[i]);
}

static u32 count_list(const struct list_head *list)
{
	const struct list_head *pos;
	u32 nr = 0;

	for (pos = list->next; pos != list; pos = pos->next)
		nr++;
	return nr;
}

/* Whether a connection has more than what is said of it in the head. */
static bool is_busy(const struct compact_writer *w, const struct xenemu_cap_conn *conn)
{
	return conn->in_len || !list_empty(&conn->msgs) || !list_empty(&conn->txns) ||
	       (w->cap->head ? conn->next_txn : conn->next_txn_gen > w->cap->since);
}

static void put_busy(struct compact_writer *w, const struct xenemu_cap_conn *conn)
{
	const struct xenemu_cap_msg *msg;
	const struct xenemu_cap_txn *txn;
	u32 bits = 0;

	if (conn->in_len)
		bits |= XENEMU_COMPACT_INPUT;
	list_for_each_entry(msg, &conn->msgs, link)
		if (msg->partial)
			bits |= XENEMU_COMPACT_REST;
	if (conn->next_txn)
		bits |= XENEMU_COMPACT_NEXT_TXN;
	put(w, conn->id);
	put(w, bits);
	if (conn->in_len)
		put_bytes(w, conn->in, conn->in_len);
	put_msgs(w, conn);
	if (conn->next_txn)
		put(w, conn->next_txn);
	put(w, count_list(&conn->txns));
	list_for_each_entry(txn, &conn->txns, link)
		put_txn(w, txn);
}

static void put_all_busy(struct compact_writer *w)
{
	const struct xenemu_cap_conn *conn;
	u32 nr = 0;

	list_for_each_entry(conn, &w->cap->conns, link)
		nr += is_busy(w, conn);
	put(w, nr);
	list_for_each_entry(conn, &w->cap->conns, link)
		if (is_busy(w, conn))
			put_busy(w, conn);
}

/* ---- The stream ---- */

static void free_writer(struct compact_writer *w)
{
	struct compact_perms *entry, *next;

	list_for_each_entry_safe(entry, next, &w->perms, link)
		kfree(entry);
	xenemu_htab_free(&w->perms_tab);
	xenemu_dict_free(&w->dict);
}

/**
 * xenemu_compact_write - write a stream
 * @cap: the captured store
 * @sink: where to; also keeps what goes wrong
 */
void xenemu_compact_write(const struct xenemu_capture *cap, struct xenemu_sink *sink)
{
	struct compact_writer w = { .cap = cap, .sink = sink };
	u8 flags = 0;

	INIT_LIST_HEAD(&w.perms);
	if (xenemu_htab_init(&w.perms_tab, 16)) {
		fail(&w, -ENOMEM);
		return;
	}

	if (cap->since)
		flags |= XENEMU_COMPACT_DIFF;
	if (cap->head)
		flags |= XENEMU_COMPACT_HEAD;
	xenemu_sink_put(sink, XENEMU_COMPACT_MAGIC, strlen(XENEMU_COMPACT_MAGIC));
	xenemu_sink_u8(sink, flags);
	put(&w, cap->gen);
	if (flags & XENEMU_COMPACT_DIFF)
		put(&w, cap->since);
	if (cap->head)
		put_head(&w);
	put_nodes(&w, cap->base, cap->top);
	put_blame(&w);
	put_all_busy(&w);
	free_writer(&w);
}
