// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random operations of several clients on a store and on a model of it, which is an
 * array of nodes and knows no trick. Every reply and every event is compared, and now
 * and then the whole tree.
 *
 * A transaction has a copy of the array. If the store commits it, doing the same
 * operations at that moment must have the same results; if it refuses to, somebody must
 * have changed what the transaction had to do with.
 */
#include "store_model_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void model_check_number(struct model *m, int line, const char *what, long long got,
			long long want)
{
	char text[256];

	if (got == want)
		return;
	snprintf(text, sizeof(text), "%.80s is %lld, not %lld", what, got, want);
	m->ops->fail(m->ctx, line, text);
}

void model_check_text(struct model *m, int line, const char *what, const char *got,
		      const char *want)
{
	char text[1024];

	if (!strcmp(got, want))
		return;
	snprintf(text, sizeof(text), "%.80s is \"%.400s\", not \"%.400s\"", what, got, want);
	m->ops->fail(m->ctx, line, text);
}

static uint32_t random_below(struct model *m, uint32_t limit)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return ((m->random * 0x2545f4914f6cdd1dULL) >> 32) % limit;
}

/* ---- Requests ---- */

/* Returns 0 or the error as a negative number; the reply is in @m, with a NUL behind it. */
static int request(struct model *m, struct mclient *mc, uint32_t type, uint32_t tx,
		   const void *body, size_t len)
{
	int ret = m->ops->request(m->ctx, mc->nr, type, tx, body, len, m->reply);

	m->reply[ret > 0 ? ret : 0] = 0;
	return ret < 0 ? ret : 0;
}

/* The same, with "|" in the text for each NUL. */
static int request_text(struct model *m, struct mclient *mc, uint32_t type, uint32_t tx,
			const char *text)
{
	char body[256];
	size_t len = strlen(text), i;

	for (i = 0; i < len; i++)
		body[i] = text[i] == '|' ? 0 : text[i];
	return request(m, mc, type, tx, body, len);
}

/* One whose reply is strings; each gets a blank behind it in place of the NUL. */
static int request_list(struct model *m, struct mclient *mc, uint32_t type, uint32_t tx,
			const void *body, size_t len)
{
	int ret = m->ops->request(m->ctx, mc->nr, type, tx, body, len, m->reply), i;

	for (i = 0; i < ret; i++)
		if (!m->reply[i])
			m->reply[i] = ' ';
	m->reply[ret > 0 ? ret : 0] = 0;
	return ret < 0 ? ret : 0;
}

static uint32_t begin(struct model *m, struct mclient *mc)
{
	CHECK_EQ(request(m, mc, XS_TRANSACTION_START, 0, "", 1), 0);
	return strtoul(m->reply, NULL, 10);
}

/* ---- Watches ---- */

static void expect(struct model *m, struct mclient *mc, const struct mwatch *w,
		   const char *path)
{
	char home[24], text[80];
	uint32_t i;

	snprintf(home, sizeof(home), "/local/domain/%u/", mc->domid);
	snprintf(text, sizeof(text), "%s %s", path + (w->relative ? strlen(home) : 0), w->token);
	for (i = 0; i < mc->nr_expected; i++)
		if (!strcmp(mc->expected[i], text))
			return;
	CHECK(mc->nr_expected < MAX_EVENTS);
	strcpy(mc->expected[mc->nr_expected++], text);
}

static uint32_t levels(const char *path)
{
	uint32_t nr = 0;

	for (; *path; path++)
		nr += *path == '/' && path[1];
	return nr;
}

void model_fire(struct model *m, const char *path, const struct mnode *old,
		const struct mnode *new, const struct mnode *parent, bool exact)
{
	uint32_t i, k;

	for (i = 0; i < NR_CLIENTS; i++) {
		struct mclient *mc = &m->client[i];
		uint16_t domid = mc->domid;

		if (!(old && model_access_of(m, old, domid) & 1) &&
		    !(new && model_access_of(m, new, domid) & 1) &&
		    !(parent && model_access_of(m, parent, domid) & 1))
			continue;
		for (k = 0; k < mc->nr_watches; k++) {
			struct mwatch *w = &mc->watch[k];

			if (strcmp(w->path, path) && (exact || !model_is_below(path, w->path)))
				continue;
			if (w->depth >= 0 && levels(path) - levels(w->path) > w->depth)
				continue;
			expect(m, mc, w, path);
		}
	}
}

void model_fire_removed(struct model *m, struct mtree *tree, const char *path)
{
	char up[40];
	uint32_t i;

	for (i = 0; i < tree->nr; i++) {
		struct mnode *node = &tree->node[i];

		if (!model_is_below(node->path, path))
			continue;
		model_parent_path(node->path, up);
		model_fire(m, node->path, node, NULL, model_find(tree, up), true);
	}
}

static int order_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* What each client got since the last time is what it should have got. */
static void check_events(struct model *m)
{
	uint32_t i, k;

	for (i = 0; i < NR_CLIENTS; i++) {
		struct mclient *mc = &m->client[i];
		char got[MAX_EVENTS][80] = {}, *pos = m->events, *end;
		uint32_t nr = 0;

		m->ops->events(m->ctx, i, m->events, sizeof(m->events));
		for (; (end = strchr(pos, ';')); pos = end + 1) {
			*end = 0;
			CHECK(nr < MAX_EVENTS && strlen(pos) < sizeof(got[0]));
			strcpy(got[nr++], pos);
		}
		qsort(got, nr, sizeof(got[0]), order_text);
		qsort(mc->expected, mc->nr_expected, sizeof(mc->expected[0]), order_text);
		for (k = 0; k < nr || k < mc->nr_expected; k++)
			CHECK_STR(k < nr ? got[k] : "nothing",
				  k < mc->nr_expected ? mc->expected[k] : "nothing");
		mc->nr_expected = 0;
		m->result->events += nr;
	}
}

static int do_real(struct model *m, struct mclient *mc, uint32_t tx, const struct mop *op)
{
	char home[24], body[128];
	const char *path = op->path;
	size_t len, i;

	/* Half of what is in its own home, a client names by a relative path. */
	snprintf(home, sizeof(home), "/local/domain/%u/", mc->domid);
	if (!strncmp(path, home, strlen(home)) && random_below(m, 2))
		path += strlen(home);
	len = snprintf(body, sizeof(body), "%s", path) + 1;

	switch (op->type) {
	case XS_DIRECTORY:
	case XS_GET_PERMS:
		return request_list(m, mc, op->type, tx, body, len);
	case XS_WRITE:
		memcpy(body + len, op->arg, strlen(op->arg));
		return request(m, mc, op->type, tx, body, len + strlen(op->arg));
	case XS_SET_PERMS:
		for (i = 0; op->arg[i]; i++)
			body[len++] = op->arg[i] == ' ' ? 0 : op->arg[i];
		body[len++] = 0;
		return request(m, mc, op->type, tx, body, len);
	default:
		return request(m, mc, op->type, tx, body, len);
	}
}

/* ---- Random requests ---- */

static void random_path(struct model *m, uint16_t domid, char *path)
{
	uint32_t depth = random_below(m, 4);

	switch (random_below(m, 8)) {
	case 0:
		strcpy(path, "/x");
		break;
	case 1:
		sprintf(path, "/local/domain/%u", 1 + random_below(m, 3));
		break;
	case 2:
		strcpy(path, depth ? "" : "/");
		break;
	default:
		sprintf(path, "/local/domain/%u", domid ?: 1 + random_below(m, 3));
	}
	while (depth--)
		sprintf(path + strlen(path), "/%c", "abc"[random_below(m, 3)]);
}

static void random_op(struct model *m, uint16_t domid, struct mop *op)
{
	static const uint32_t types[] = {
		XS_READ, XS_READ, XS_DIRECTORY, XS_GET_PERMS, XS_WRITE, XS_WRITE, XS_WRITE,
		XS_MKDIR, XS_RM, XS_SET_PERMS,
	};
	uint32_t i, nr;

	memset(op, 0, sizeof(*op));
	op->type = types[random_below(m, ARRAY_SIZE(types))];
	random_path(m, domid, op->path);
	/* Removing a whole home leaves too little to try the rest on. */
	if (op->type == XS_RM && random_below(m, 3) && strlen(op->path) < 18)
		strcat(op->path, op->path[1] ? "/a" : "a");
	if (op->type == XS_WRITE)
		sprintf(op->arg, "%u", random_below(m, 100));
	if (op->type != XS_SET_PERMS)
		return;
	nr = 1 + random_below(m, 3);
	for (i = 0; i < nr; i++)
		sprintf(op->arg + strlen(op->arg), "%s%c%u", i ? " " : "",
			"nrwb"[random_below(m, 4)],
			i || !random_below(m, 4) ? random_below(m, 4) : domid);
}

static void note_outside(struct model *m, struct mtxn *own, const char *path, bool died)
{
	uint32_t i, k;

	for (i = 0; i < NR_CLIENTS; i++) {
		for (k = 0; k < MAX_TXNS; k++) {
			struct mtxn *txn = m->client[i].txn[k];

			if (!txn || txn == own)
				continue;
			txn->died |= died;
			if (path && txn->nr_outside < MAX_OUTSIDE)
				strcpy(txn->outside[txn->nr_outside++], path);
		}
	}
}

/* How many nodes more a domain would have if the transaction were committed. */
static int nodes_added(const struct mtxn *txn, uint16_t domid)
{
	return (int)model_count_owned(&txn->view, domid) -
	       (int)model_count_owned(&txn->base, domid);
}

static void one_request(struct model *m, struct mclient *mc, struct mtxn *txn)
{
	uint16_t domid = mc->domid;
	struct mop op;
	int more = 0;

	random_op(m, domid, &op);
	if (txn && txn->nr_log == MAX_LOG)
		txn = NULL;
	if (txn) {
		more = nodes_added(txn, domid);
		model_do_op(m, &txn->view, domid, more, &op);
		if (op.result == -ENOSPC)
			txn->failed = true;
		txn->log[txn->nr_log++] = op;
	} else {
		model_do_op(m, &m->tree, domid, 0, &op);
		if (op.changed)
			note_outside(m, NULL, op.first, false);
	}
	CHECK_EQ(do_real(m, mc, txn ? txn->id : 0, &op), op.result);
	if (!op.result && (op.type == XS_READ || op.type == XS_DIRECTORY ||
			   op.type == XS_GET_PERMS))
		CHECK_STR(m->reply, op.reply);
}

static void start_txn(struct model *m, struct mclient *mc)
{
	struct mtxn *txn;
	uint32_t i;

	for (i = 0; i < MAX_TXNS && mc->txn[i]; i++)
		;
	if (i == MAX_TXNS)
		return;
	txn = calloc(1, sizeof(*txn));
	txn->id = begin(m, mc);
	txn->base = m->tree;
	txn->view = m->tree;
	mc->txn[i] = txn;
}

/* Somebody changed what the transaction looked at, or what is above or below it. */
static bool may_refuse(const struct mtxn *txn)
{
	uint32_t i, k;

	if (txn->nr_outside == MAX_OUTSIDE)
		return true;
	for (i = 0; i < txn->nr_outside; i++) {
		for (k = 0; k < txn->nr_log; k++) {
			const char *in = txn->log[k].path, *out = txn->outside[i];

			if (!strcmp(in, out) || model_is_below(in, out) || model_is_below(out, in))
				return true;
		}
	}
	return false;
}

static void expect_commit_events(struct model *m, struct mtxn *txn)
{
	uint32_t i, k;

	for (i = 0; i < txn->nr_log; i++) {
		const char *path = txn->log[i].path;
		struct mnode *base = model_find(&txn->base, path);
		struct mnode *node = model_find(&txn->view, path);
		bool removed = false;

		if (!txn->log[i].changed)
			continue;
		for (k = 0; k < txn->nr_log; k++)
			removed |= base && txn->log[k].changed && txn->log[k].type == XS_RM &&
				   !strcmp(txn->log[k].path, path);
		if (removed)
			model_fire_removed(m, &txn->base, path);
		if (node || removed)
			model_fire(m, path, base, node, model_find_near(&txn->view, path), false);
	}
}

static bool has_changed(const struct mtxn *txn)
{
	uint32_t i;

	for (i = 0; i < txn->nr_log; i++)
		if (txn->log[i].changed)
			return true;
	return false;
}

/* Doing it all now must have the same results as it had. */
static void replay(struct model *m, struct mtxn *txn, uint16_t domid)
{
	struct mtree tree = m->tree;
	uint32_t i;

	for (i = 0; i < txn->nr_log; i++) {
		const struct mop *op = &txn->log[i];
		struct mop again = *op;

		/* What failed had no effect; but what was missing must still be. */
		if (op->result) {
			if (op->result == -ENOENT && op->type != XS_SET_PERMS)
				CHECK(!model_find(&tree, op->path));
			continue;
		}
		model_do_op(m, &tree, domid, -1000, &again);
		CHECK_EQ(again.result, 0);
		CHECK_STR(again.reply, op->reply);
		CHECK_EQ(again.changed, op->changed);
		if (again.changed)
			note_outside(m, txn, again.first, false);
	}
	m->tree = tree;
}

static void end_txn(struct model *m, struct mclient *mc, uint32_t slot)
{
	struct mtxn *txn = mc->txn[slot];
	uint16_t domid = mc->domid;
	int more, ret;

	if (!txn)
		return;
	mc->txn[slot] = NULL;
	/* Permissions given to a domain that died meanwhile are too much for the model. */
	if (txn->died || !random_below(m, 5)) {
		CHECK_EQ(request(m, mc, XS_TRANSACTION_END, txn->id, "F", 2), 0);
		free(txn);
		return;
	}
	more = nodes_added(txn, domid);
	ret = request(m, mc, XS_TRANSACTION_END, txn->id, "T", 2);
	m->result->commits += !ret;
	m->result->conflicts += ret == -EAGAIN;
	if (txn->failed) {
		CHECK_EQ(ret, -ENOMEM);
	} else if (!has_changed(txn)) {
		CHECK_EQ(ret, 0);
	} else if (ret == -ENOSPC) {
		CHECK(domid && more > 0);
		CHECK((int)model_count_owned(&m->tree, domid) + more > NODE_QUOTA);
	} else if (ret) {
		CHECK_EQ(ret, -EAGAIN);
		CHECK(may_refuse(txn));
	} else {
		expect_commit_events(m, txn);
		replay(m, txn, domid);
	}
	free(txn);
}

/* A transaction that does much, while others do little. */
static void busy_txn(struct model *m, struct mclient *mc)
{
	uint32_t slot, i;

	start_txn(m, mc);
	for (slot = MAX_TXNS - 1; slot && !mc->txn[slot]; slot--)
		;
	if (!mc->txn[slot])
		return;
	for (i = 0; i < MAX_LOG; i++) {
		one_request(m, mc, mc->txn[slot]);
		check_events(m);
		if (!random_below(m, 6))
			one_request(m, &m->client[random_below(m, NR_CLIENTS)], NULL);
		check_events(m);
	}
	end_txn(m, mc, slot);
}

static void forget_txns(struct mclient *mc)
{
	uint32_t i;

	for (i = 0; i < MAX_TXNS; i++) {
		free(mc->txn[i]);
		mc->txn[i] = NULL;
	}
}

static void one_watch(struct model *m, struct mclient *mc)
{
	struct mwatch w = { .depth = -1 };
	char home[24], body[128];
	const char *path;
	uint32_t i;

	random_path(m, mc->domid, w.path);
	sprintf(w.token, "t%u", random_below(m, 2));
	snprintf(home, sizeof(home), "/local/domain/%u/", mc->domid);
	w.relative = !strncmp(w.path, home, strlen(home)) && random_below(m, 2);
	path = w.path + (w.relative ? strlen(home) : 0);
	for (i = 0; i < mc->nr_watches; i++)
		if (!strcmp(mc->watch[i].path, w.path) &&
		    !strcmp(mc->watch[i].token, w.token))
			break;
	sprintf(body, "%s|%s|", path, w.token);
	if (i < mc->nr_watches) {
		CHECK_EQ(request_text(m, mc, XS_WATCH, 0, body), -EEXIST);
		if (random_below(m, 2)) {
			CHECK_EQ(request_text(m, mc, XS_UNWATCH, 0, body), 0);
			memmove(&mc->watch[i], &mc->watch[i + 1],
				(--mc->nr_watches - i) * sizeof(w));
		}
		return;
	}
	CHECK_EQ(request_text(m, mc, XS_UNWATCH, 0, body), -ENOENT);
	if (mc->nr_watches == MAX_WATCHES) {
		CHECK_EQ(request(m, mc, XS_RESET_WATCHES, 0, "", 1), 0);
		mc->nr_watches = 0;
		forget_txns(mc);
		return;
	}
	if (random_below(m, 2)) {
		w.depth = random_below(m, 3);
		sprintf(body + strlen(body), "%d|", w.depth);
	}
	CHECK_EQ(request_text(m, mc, XS_WATCH, 0, body), 0);
	expect(m, mc, &w, w.path);
	mc->watch[mc->nr_watches++] = w;
}

/* ---- Domains ---- */

static void make_home(struct model *m, uint16_t domid)
{
	struct mclient *dom0 = &m->client[0];
	struct mop op = { .type = XS_MKDIR };

	sprintf(op.path, "/local/domain/%u", domid);
	model_do_op(m, &m->tree, 0, 0, &op);
	CHECK_EQ(do_real(m, dom0, 0, &op), op.result);
	check_events(m);
	op.type = XS_SET_PERMS;
	sprintf(op.arg, "n%u", domid);
	model_do_op(m, &m->tree, 0, 0, &op);
	CHECK_EQ(do_real(m, dom0, 0, &op), op.result);
	note_outside(m, NULL, op.first, false);
}

static void forget_client(struct mclient *mc)
{
	forget_txns(mc);
	mc->nr_watches = 0;
	mc->nr_expected = 0;
}

/* A client comes back without its watches and transactions. */
static void reopen(struct model *m, struct mclient *mc)
{
	forget_client(mc);
	m->ops->reopen(m->ctx, mc->nr);
}

static void domain_dies(struct model *m, uint16_t domid)
{
	struct mclient *mc = &m->client[store_model_client(domid)];
	struct mnode *root = model_find(&m->tree, "/");
	uint32_t i;

	forget_client(mc);
	m->epoch[domid] = 0;
	if (root->perm[0].domid == domid)
		root->perm[0] = (struct mperm) { .epoch = 1 }, root->nr_perms = 1;

	/* Parents first: what is below goes without a word of its own. */
	for (;;) {
		struct mnode *first = NULL;
		char path[40];

		for (i = 0; i < m->tree.nr; i++) {
			struct mnode *node = &m->tree.node[i];

			if (node->perm[0].domid == domid &&
			    (!first || strlen(node->path) < strlen(first->path)))
				first = node;
		}
		if (!first)
			break;
		strcpy(path, first->path);
		model_fire_removed(m, &m->tree, path);
		model_fire(m, path, first, NULL, model_find_near(&m->tree, path), false);
		model_remove_node(&m->tree, path);
	}
	note_outside(m, NULL, NULL, true);

	m->ops->replace(m->ctx, domid);
	m->result->deaths++;
	m->epoch[domid] = ++m->last_epoch;
	check_events(m);
	make_home(m, domid);
}

/* All that a transaction has done is to read what is still the same. */
static bool is_plain_txn(const struct mtxn *txn)
{
	uint32_t i;

	for (i = 0; i < txn->nr_log; i++) {
		const struct mop *op = &txn->log[i];

		if (op->result || (op->type != XS_READ && op->type != XS_DIRECTORY &&
				   op->type != XS_GET_PERMS))
			return false;
	}
	return !txn->died && !txn->nr_outside;
}

static void interlude(struct model *m)
{
	unsigned int reopened;
	bool plain = true;
	uint32_t i, k;

	for (i = 0; i < NR_CLIENTS; i++)
		for (k = 0; k < MAX_TXNS; k++)
			if (m->client[i].txn[k])
				plain = plain && is_plain_txn(m->client[i].txn[k]);
	reopened = m->ops->interlude(m->ctx, plain);
	for (i = 0; i < NR_CLIENTS; i++)
		if (reopened & 1u << i)
			forget_client(&m->client[i]);
}

/* The store's tree is exactly the model's, as dom0 sees it, and its accounts are right. */
static void check_tree(struct model *m)
{
	static const uint32_t types[] = { XS_READ, XS_DIRECTORY, XS_GET_PERMS };
	struct mclient *dom0 = &m->client[0];
	uint32_t i, k;

	for (i = 0; i < m->tree.nr; i++) {
		for (k = 0; k < ARRAY_SIZE(types); k++) {
			struct mop op = { .type = types[k] };

			strcpy(op.path, m->tree.node[i].path);
			model_do_op(m, &m->tree, 0, 0, &op);
			CHECK_EQ(do_real(m, dom0, 0, &op), op.result);
			CHECK_STR(m->reply, op.reply);
		}
	}
	CHECK_EQ(request_text(m, dom0, XS_CONTROL, 0, "check|"), 0);
	CHECK_STR(m->reply, "OK");
}

static void create(struct model *m)
{
	static const char * const path[] = {
		"/", "/local", "/local/domain", "/local/domain/1", "/local/domain/2",
		"/local/domain/3",
	};
	struct mclient *dom0 = &m->client[0];
	char text[32];
	uint32_t i;

	for (i = 0; i < NR_CLIENTS; i++) {
		m->client[i].nr = i;
		m->client[i].domid = store_model_domid(i);
	}
	for (i = 0; i <= STORE_MODEL_DOMAINS; i++)
		m->epoch[i] = ++m->last_epoch;
	snprintf(text, sizeof(text), "nodes|%u|", NODE_QUOTA);
	CHECK_EQ(request_text(m, dom0, SET_QUOTA, 0, text), 0);
	CHECK_EQ(request_text(m, dom0, XS_RM, 0, "/local|"), 0);
	for (i = 0; i < ARRAY_SIZE(path); i++) {
		struct mnode *node = &m->tree.node[m->tree.nr++];

		strcpy(node->path, path[i]);
		node->nr_perms = 1;
		node->perm[0].domid = i < 3 ? 0 : i - 2;
		node->perm[0].epoch = m->epoch[node->perm[0].domid];
		snprintf(text, sizeof(text), "%s|", path[i]);
		CHECK_EQ(request_text(m, dom0, XS_MKDIR, 0, text), 0);
		if (i < 3)
			continue;
		snprintf(text, sizeof(text), "%s|n%u|", path[i], i - 2);
		CHECK_EQ(request_text(m, dom0, XS_SET_PERMS, 0, text), 0);
	}
}

/* For once, no transaction is open. */
static void end_all_txns(struct model *m)
{
	uint32_t i, k;

	for (i = 0; i < NR_CLIENTS; i++)
		for (k = 0; k < MAX_TXNS; k++) {
			end_txn(m, &m->client[i], k);
			check_events(m);
		}
}

static void one_round(struct model *m)
{
	struct mclient *mc = &m->client[random_below(m, NR_CLIENTS)];
	uint32_t what = random_below(m, 1000);

	if (what < 690)
		one_request(m, mc, mc->txn[random_below(m, MAX_TXNS)]);
	else if (what < 700)
		end_all_txns(m);
	else if (what < 730)
		busy_txn(m, mc);
	else if (what < 800)
		start_txn(m, mc);
	else if (what < 900)
		end_txn(m, mc, random_below(m, MAX_TXNS));
	else if (what < 990)
		one_watch(m, mc);
	else if (what < 994)
		reopen(m, mc);
	else if (what < 998)
		make_home(m, 1 + random_below(m, STORE_MODEL_DOMAINS));
	else
		domain_dies(m, 1 + random_below(m, STORE_MODEL_DOMAINS));
	if (m->ops->interlude)
		interlude(m);
	check_events(m);
}

void store_model_run(const struct store_model_ops *ops, void *ctx, uint64_t seed,
		     unsigned long rounds, struct store_model_result *result)
{
	struct model *m = calloc(1, sizeof(*m));
	unsigned long n;
	uint32_t i;

	memset(result, 0, sizeof(*result));
	m->ops = ops;
	m->ctx = ctx;
	m->random = (seed + 1) * 0x9e3779b97f4a7c15ULL;
	m->result = result;
	create(m);
	for (n = 0; n < rounds; n++) {
		if (ops->settle)
			ops->settle(ctx);
		one_round(m);
		if (n % 128 == 0)
			check_tree(m);
	}
	check_tree(m);
	for (i = 0; i < NR_CLIENTS; i++)
		forget_client(&m->client[i]);
	free(m);
}
