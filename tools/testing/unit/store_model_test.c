// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random operations of several clients on the store and on a model of it, which is an
 * array of nodes and knows no trick. Every reply and every event is compared, and now
 * and then the whole tree.
 *
 * A transaction has a copy of the array. If the store commits it, doing the same
 * operations at that moment must have the same results; if it refuses to, somebody must
 * have changed what the transaction had to do with.
 */
#include "store_env.h"

#define MAX_NODES	256
#define MAX_PERMS	4
#define MAX_TXNS	3
#define MAX_LOG		12
#define MAX_OUTSIDE	256
#define MAX_WATCHES	6
#define NR_CLIENTS	5
#define NODE_QUOTA	30

struct mperm {
	u16 domid;
	u8 access;
	u32 epoch;	/* of the domain; 0 if it did not exist */
};

struct mnode {
	char path[40];
	char value[8];
	u32 nr_perms;
	struct mperm perm[MAX_PERMS];
};

struct mtree {
	u32 nr;
	struct mnode node[MAX_NODES];
};

struct mop {
	u32 type;
	char path[40];
	char arg[16];
	int result;
	char reply[512];
	bool changed;
	char first[40];		/* highest path that changed */
};

struct mtxn {
	u32 id;
	bool failed;
	bool died;		/* a domain died since */
	struct mtree base;
	struct mtree view;
	u32 nr_log;
	struct mop log[MAX_LOG];
	u32 nr_outside;
	char outside[MAX_OUTSIDE][40];	/* paths that others changed since */
};

struct mwatch {
	char path[40];
	char token[4];
	int depth;
	bool relative;
};

struct mclient {
	struct client *c;
	struct mtxn *txn[MAX_TXNS];
	u32 nr_watches;
	struct mwatch watch[MAX_WATCHES];
	u32 nr_expected;
	char expected[256][80];
};

struct model {
	struct env *env;
	struct mtree tree;
	u32 epoch[4];
	u32 last_epoch;
	struct mclient client[NR_CLIENTS];
};

static struct mnode *find(struct mtree *tree, const char *path)
{
	u32 i;

	for (i = 0; i < tree->nr; i++)
		if (!strcmp(tree->node[i].path, path))
			return &tree->node[i];
	return NULL;
}

static bool is_below(const char *path, const char *top)
{
	u32 len = strlen(top);

	if (!strcmp(top, "/"))
		return path[1];
	return !strncmp(path, top, len) && path[len] == '/';
}

static void parent_path(const char *path, char *parent)
{
	if (parent != path)
		strcpy(parent, path);
	*strrchr(parent, '/') = 0;
	if (!*parent)
		strcpy(parent, "/");
}

/* Nearest node that exists, strictly above. */
static struct mnode *find_near(struct mtree *tree, const char *path)
{
	char up[40];
	struct mnode *node = NULL;

	strcpy(up, path);
	while (!node && strcmp(up, "/")) {
		parent_path(up, up);
		node = find(tree, up);
	}
	return node;
}

static bool is_valid(struct model *m, const struct mperm *perm)
{
	return perm->epoch && perm->epoch == m->epoch[perm->domid];
}

static u8 access_of(struct model *m, const struct mnode *node, u16 domid)
{
	u32 i;

	if (!domid || (node->perm[0].domid == domid && is_valid(m, &node->perm[0])))
		return 7;
	for (i = 1; i < node->nr_perms; i++)
		if (node->perm[i].domid == domid && is_valid(m, &node->perm[i]))
			return node->perm[i].access;
	return node->perm[0].access;
}

static u32 count_owned(const struct mtree *tree, u16 domid)
{
	u32 i, nr = 0;

	for (i = 0; i < tree->nr; i++)
		nr += tree->node[i].perm[0].domid == domid;
	return nr;
}

static int lookup(struct model *m, struct mtree *tree, const char *path, u16 domid, u8 want,
		  struct mnode **node)
{
	struct mnode *near;

	*node = find(tree, path);
	if (*node)
		return (access_of(m, *node, domid) & want) == want ? 0 : -EACCES;
	near = find_near(tree, path);
	return near && access_of(m, near, domid) & want ? -ENOENT : -EACCES;
}

/* ---- Watches ---- */

static void expect(struct mclient *mc, const struct mwatch *w, const char *path)
{
	char home[24], text[80];
	u32 i;

	snprintf(home, sizeof(home), "/local/domain/%u/", mc->c->domid);
	snprintf(text, sizeof(text), "%s %s", path + (w->relative ? strlen(home) : 0), w->token);
	for (i = 0; i < mc->nr_expected; i++)
		if (!strcmp(mc->expected[i], text))
			return;
	CHECK(mc->nr_expected < 256);
	strcpy(mc->expected[mc->nr_expected++], text);
}

static u32 levels(const char *path)
{
	u32 nr = 0;

	for (; *path; path++)
		nr += *path == '/' && path[1];
	return nr;
}

static void fire(struct model *m, const char *path, const struct mnode *old,
		 const struct mnode *new, const struct mnode *parent, bool exact)
{
	u32 i, k;

	for (i = 0; i < NR_CLIENTS; i++) {
		struct mclient *mc = &m->client[i];
		u16 domid = mc->c->domid;

		if (!(old && access_of(m, old, domid) & 1) &&
		    !(new && access_of(m, new, domid) & 1) &&
		    !(parent && access_of(m, parent, domid) & 1))
			continue;
		for (k = 0; k < mc->nr_watches; k++) {
			struct mwatch *w = &mc->watch[k];

			if (strcmp(w->path, path) && (exact || !is_below(path, w->path)))
				continue;
			if (w->depth >= 0 && levels(path) - levels(w->path) > w->depth)
				continue;
			expect(mc, w, path);
		}
	}
}

static void fire_removed(struct model *m, struct mtree *tree, const char *path)
{
	char up[40];
	u32 i;

	for (i = 0; i < tree->nr; i++) {
		struct mnode *node = &tree->node[i];

		if (!is_below(node->path, path))
			continue;
		parent_path(node->path, up);
		fire(m, node->path, node, NULL, find(tree, up), true);
	}
}

static int order_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* What each client got since the last time is what it should have got. */
static void check_events(struct model *m)
{
	u32 i, k;

	for (i = 0; i < NR_CLIENTS; i++) {
		struct mclient *mc = &m->client[i];
		char got[256][80] = {}, *text = strdup(events(mc->c)), *pos = text, *end;
		u32 nr = 0;

		for (; (end = strchr(pos, ';')); pos = end + 1) {
			*end = 0;
			CHECK(nr < 256);
			snprintf(got[nr++], sizeof(got[0]), "%s", pos);
		}
		free(text);
		qsort(got, nr, sizeof(got[0]), order_text);
		qsort(mc->expected, mc->nr_expected, sizeof(mc->expected[0]), order_text);
		for (k = 0; k < nr || k < mc->nr_expected; k++) {
			const char *want = k < mc->nr_expected ? mc->expected[k] : "nothing";

			CHECK_STR(k < nr ? got[k] : "nothing", want);
		}
		mc->nr_expected = 0;
		mc->c->order[0] = 0;
	}
}

/* ---- Operations on an array ---- */

static void set_node(struct model *m, struct mtree *tree, const char *path, u16 domid)
{
	struct mnode *near = find_near(tree, path), *node;
	char up[40];
	u32 i;

	parent_path(path, up);
	if (!find(tree, up)) {
		set_node(m, tree, up, domid);
		near = find_near(tree, path);
	}
	CHECK(tree->nr < MAX_NODES);
	node = &tree->node[tree->nr++];
	memset(node, 0, sizeof(*node));
	strcpy(node->path, path);
	node->perm[0] = near->perm[0];
	node->nr_perms = 1;
	if (domid) {
		node->perm[0].domid = domid;
		node->perm[0].epoch = m->epoch[domid];
	}
	for (i = 1; i < near->nr_perms; i++)
		if (is_valid(m, &near->perm[i]) ||
		    !domid || near->perm[0].domid == domid)
			node->perm[node->nr_perms++] = near->perm[i];
}

static void remove_node(struct mtree *tree, const char *path)
{
	u32 i;

	for (i = 0; i < tree->nr;) {
		if (!strcmp(tree->node[i].path, path) || is_below(tree->node[i].path, path))
			tree->node[i] = tree->node[--tree->nr];
		else
			i++;
	}
}

/* Nodes that are missing on the way to a path, itself included. */
static u32 count_missing(struct mtree *tree, const char *path)
{
	char up[40];
	u32 nr = 0;

	strcpy(up, path);
	while (!find(tree, up)) {
		nr++;
		parent_path(up, up);
	}
	return nr;
}

static int parse_perms(struct model *m, const char *text, struct mnode *node)
{
	u32 i;

	node->nr_perms = 0;
	for (i = 0; text[i]; i += 2) {
		struct mperm *perm = &node->perm[node->nr_perms++];

		perm->access = strchr("nrwb", text[i]) - "nrwb";
		perm->domid = text[++i] - '0';
		perm->epoch = m->epoch[perm->domid];
		if (!text[i + 1])
			break;
	}
	return node->perm[0].epoch ? 0 : -ENOENT;
}

static void list_names(struct mtree *tree, const char *path, char *reply)
{
	char name[64][40], up[40];
	u32 i, k, nr = 0;

	for (i = 0; i < tree->nr; i++) {
		if (!strcmp(tree->node[i].path, "/"))
			continue;
		parent_path(tree->node[i].path, up);
		if (strcmp(up, path))
			continue;
		/* Ordered by length, then text. */
		for (k = nr++; k; k--) {
			const char *mine = strrchr(tree->node[i].path, '/') + 1;

			if (strlen(name[k - 1]) < strlen(mine) ||
			    (strlen(name[k - 1]) == strlen(mine) &&
			     strcmp(name[k - 1], mine) < 0))
				break;
			strcpy(name[k], name[k - 1]);
		}
		strcpy(name[k], strrchr(tree->node[i].path, '/') + 1);
	}
	*reply = 0;
	for (i = 0; i < nr; i++) {
		strcat(reply, name[i]);
		strcat(reply, " ");
	}
}

static void list_perms(struct model *m, const struct mnode *node, char *reply)
{
	u32 i;

	*reply = 0;
	for (i = 0; i < node->nr_perms; i++) {
		char one[8];

		if (i && !is_valid(m, &node->perm[i]))
			continue;
		snprintf(one, sizeof(one), "%c%u ", "nrwb"[node->perm[i].access],
			 node->perm[i].domid);
		strcat(reply, one);
	}
}

/* More nodes than the quota? @more: nodes that a transaction has added so far. */
static bool too_many(struct model *m, struct mtree *tree, const char *path, u16 domid, int more)
{
	return domid && (int)(count_owned(&m->tree, domid) + count_missing(tree, path)) + more >
			NODE_QUOTA;
}

/*
 * Do one operation on @tree. Events are expected if @m->tree is changed, that is, if
 * there is no transaction.
 */
static void do_op(struct model *m, struct mtree *tree, u16 domid, int more, struct mop *op)
{
	bool live = tree == &m->tree;
	struct mnode *node, old, wanted;
	char up[40];

	op->changed = false;
	op->reply[0] = 0;
	strcpy(op->first, op->path);
	switch (op->type) {
	case XS_READ:
	case XS_DIRECTORY:
	case XS_GET_PERMS:
		op->result = lookup(m, tree, op->path, domid, 1, &node);
		if (op->result)
			return;
		if (op->type == XS_READ)
			strcpy(op->reply, node->value);
		else if (op->type == XS_DIRECTORY)
			list_names(tree, op->path, op->reply);
		else
			list_perms(m, node, op->reply);
		return;
	case XS_WRITE:
	case XS_MKDIR:
		op->result = lookup(m, tree, op->path, domid, 2, &node);
		if (op->result && op->result != -ENOENT)
			return;
		if (op->type == XS_MKDIR && node)
			return;
		if (node) {
			if (live)
				fire(m, op->path, node, node, find_near(tree, op->path), false);
			strcpy(node->value, op->arg);
		} else {
			op->result = -ENOSPC;
			if (too_many(m, tree, op->path, domid, more))
				return;
			op->result = 0;
			for (parent_path(op->path, up); !find(tree, up); parent_path(up, up))
				strcpy(op->first, up);
			set_node(m, tree, op->path, domid);
			node = find(tree, op->path);
			if (op->type == XS_WRITE)
				strcpy(node->value, op->arg);
			if (live)
				fire(m, op->path, NULL, node, find_near(tree, op->path), false);
		}
		op->changed = true;
		return;
	case XS_RM:
		op->result = lookup(m, tree, op->path, domid, 2, &node);
		if (op->result == -ENOENT) {
			parent_path(op->path, up);
			op->result = find(tree, up) ? 0 : -ENOENT;
			return;
		}
		if (!op->result && !strcmp(op->path, "/"))
			op->result = -EINVAL;
		if (op->result)
			return;
		if (live) {
			fire_removed(m, tree, op->path);
			fire(m, op->path, node, NULL, find_near(tree, op->path), false);
		}
		remove_node(tree, op->path);
		op->changed = true;
		return;
	case XS_SET_PERMS:
		memset(&wanted, 0, sizeof(wanted));
		op->result = parse_perms(m, op->arg, &wanted);
		if (op->result)
			return;
		op->result = lookup(m, tree, op->path, domid, 6, &node);
		if (!op->result && domid && wanted.perm[0].domid != node->perm[0].domid)
			op->result = -EPERM;
		if (op->result)
			return;
		old = *node;
		node->nr_perms = wanted.nr_perms;
		memcpy(node->perm, wanted.perm, sizeof(node->perm));
		if (live)
			fire(m, op->path, &old, node, find_near(tree, op->path), false);
		op->changed = true;
		return;
	}
}

static int do_real(struct client *c, u32 tx, const struct mop *op)
{
	char home[24];
	const char *path = op->path;

	/* Half of what is in its own home, a client names by a relative path. */
	snprintf(home, sizeof(home), "/local/domain/%u/", c->domid);
	if (!strncmp(path, home, strlen(home)) && random_below(2))
		path += strlen(home);

	switch (op->type) {
	case XS_READ:
		return rd(c, tx, path);
	case XS_DIRECTORY:
		return ls(c, tx, path);
	case XS_GET_PERMS:
		return getp(c, tx, path);
	case XS_WRITE:
		return wr(c, tx, path, op->arg);
	case XS_MKDIR:
		return mkd(c, tx, path);
	case XS_RM:
		return rm(c, tx, path);
	case XS_SET_PERMS:
		return setp(c, tx, path, op->arg);
	}
	return -ENOSYS;
}

/* ---- Random requests ---- */

static void random_path(u16 domid, char *path)
{
	u32 depth = random_below(4);

	switch (random_below(8)) {
	case 0:
		strcpy(path, "/x");
		break;
	case 1:
		sprintf(path, "/local/domain/%u", 1 + random_below(3));
		break;
	case 2:
		strcpy(path, depth ? "" : "/");
		break;
	default:
		sprintf(path, "/local/domain/%u", domid ?: 1 + random_below(3));
	}
	while (depth--)
		sprintf(path + strlen(path), "/%c", "abc"[random_below(3)]);
}

static void random_op(u16 domid, struct mop *op)
{
	static const u32 types[] = {
		XS_READ, XS_READ, XS_DIRECTORY, XS_GET_PERMS, XS_WRITE, XS_WRITE, XS_WRITE,
		XS_MKDIR, XS_RM, XS_SET_PERMS,
	};
	u32 i, nr;

	memset(op, 0, sizeof(*op));
	op->type = types[random_below(ARRAY_SIZE(types))];
	random_path(domid, op->path);
	/* Removing a whole home leaves too little to try the rest on. */
	if (op->type == XS_RM && random_below(3) && strlen(op->path) < 18)
		strcat(op->path, op->path[1] ? "/a" : "a");
	if (op->type == XS_WRITE)
		sprintf(op->arg, "%u", random_below(100));
	if (op->type != XS_SET_PERMS)
		return;
	nr = 1 + random_below(3);
	for (i = 0; i < nr; i++)
		sprintf(op->arg + strlen(op->arg), "%s%c%u", i ? " " : "",
			"nrwb"[random_below(4)],
			i || !random_below(4) ? random_below(4) : domid);
}

static void note_outside(struct model *m, struct mtxn *own, const char *path, bool died)
{
	u32 i, k;

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

static void one_request(struct model *m, struct mclient *mc, struct mtxn *txn)
{
	u16 domid = mc->c->domid;
	struct mop op;
	int more = 0;

	random_op(domid, &op);
	if (txn && txn->nr_log == MAX_LOG)
		txn = NULL;
	if (txn) {
		more = (int)count_owned(&txn->view, domid) - (int)count_owned(&txn->base, domid);
		do_op(m, &txn->view, domid, more, &op);
		if (op.result == -ENOSPC)
			txn->failed = true;
		txn->log[txn->nr_log++] = op;
	} else {
		do_op(m, &m->tree, domid, 0, &op);
		if (op.changed)
			note_outside(m, NULL, op.first, false);
	}
	CHECK_EQ(do_real(mc->c, txn ? txn->id : 0, &op), op.result);
	if (!op.result && (op.type == XS_READ || op.type == XS_DIRECTORY ||
			   op.type == XS_GET_PERMS))
		CHECK_STR(mc->c->reply, op.reply);
}

static void start_txn(struct model *m, struct mclient *mc)
{
	struct mtxn *txn;
	u32 i;

	for (i = 0; i < MAX_TXNS && mc->txn[i]; i++)
		;
	if (i == MAX_TXNS)
		return;
	txn = calloc(1, sizeof(*txn));
	txn->id = start(mc->c);
	txn->base = m->tree;
	txn->view = m->tree;
	mc->txn[i] = txn;
}

/* Somebody changed what the transaction looked at, or what is above or below it. */
static bool may_refuse(const struct mtxn *txn)
{
	u32 i, k;

	if (txn->nr_outside == MAX_OUTSIDE)
		return true;
	for (i = 0; i < txn->nr_outside; i++) {
		for (k = 0; k < txn->nr_log; k++) {
			const char *in = txn->log[k].path, *out = txn->outside[i];

			if (!strcmp(in, out) || is_below(in, out) || is_below(out, in))
				return true;
		}
	}
	return false;
}

static void expect_commit_events(struct model *m, struct mtxn *txn)
{
	u32 i, k;

	for (i = 0; i < txn->nr_log; i++) {
		const char *path = txn->log[i].path;
		struct mnode *base = find(&txn->base, path), *node = find(&txn->view, path);
		bool removed = false;

		if (!txn->log[i].changed)
			continue;
		for (k = 0; k < txn->nr_log; k++)
			removed |= base && txn->log[k].changed && txn->log[k].type == XS_RM &&
				   !strcmp(txn->log[k].path, path);
		if (removed)
			fire_removed(m, &txn->base, path);
		if (node || removed)
			fire(m, path, base, node, find_near(&txn->view, path), false);
	}
}

static bool has_changed(const struct mtxn *txn)
{
	u32 i;

	for (i = 0; i < txn->nr_log; i++)
		if (txn->log[i].changed)
			return true;
	return false;
}

/* Doing it all now must have the same results as it had. */
static void replay(struct model *m, struct mtxn *txn, u16 domid)
{
	struct mtree tree = m->tree;
	u32 i;

	for (i = 0; i < txn->nr_log; i++) {
		const struct mop *op = &txn->log[i];
		struct mop again = *op;

		/* What failed had no effect; but what was missing must still be. */
		if (op->result) {
			if (op->result == -ENOENT && op->type != XS_SET_PERMS)
				CHECK(!find(&tree, op->path));
			continue;
		}
		do_op(m, &tree, domid, -1000, &again);
		CHECK_EQ(again.result, 0);
		CHECK_STR(again.reply, op->reply);
		CHECK_EQ(again.changed, op->changed);
		if (again.changed)
			note_outside(m, txn, again.first, false);
	}
	m->tree = tree;
}

static void end_txn(struct model *m, struct mclient *mc, u32 slot)
{
	struct mtxn *txn = mc->txn[slot];
	u16 domid = mc->c->domid;
	int more, ret;

	if (!txn)
		return;
	mc->txn[slot] = NULL;
	/* Permissions given to a domain that died meanwhile are too much for the model. */
	if (txn->died || !random_below(5)) {
		CHECK_EQ(rollback(mc->c, txn->id), 0);
		free(txn);
		return;
	}
	more = (int)count_owned(&txn->view, domid) - (int)count_owned(&txn->base, domid);
	ret = commit(mc->c, txn->id);
	if (txn->failed) {
		CHECK_EQ(ret, -ENOMEM);
	} else if (!has_changed(txn)) {
		CHECK_EQ(ret, 0);
	} else if (ret == -ENOSPC) {
		CHECK(domid && more > 0);
		CHECK((int)count_owned(&m->tree, domid) + more > NODE_QUOTA);
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
	u32 slot, i;

	start_txn(m, mc);
	for (slot = MAX_TXNS - 1; slot && !mc->txn[slot]; slot--)
		;
	if (!mc->txn[slot])
		return;
	for (i = 0; i < MAX_LOG; i++) {
		one_request(m, mc, mc->txn[slot]);
		check_events(m);
		if (!random_below(6))
			one_request(m, &m->client[random_below(NR_CLIENTS)], NULL);
		check_events(m);
	}
	end_txn(m, mc, slot);
}

static void one_watch(struct model *m, struct mclient *mc)
{
	struct mwatch w = { .depth = -1 };
	char home[24], body[128];
	const char *path;
	u32 len, i;

	random_path(mc->c->domid, w.path);
	sprintf(w.token, "t%u", random_below(2));
	snprintf(home, sizeof(home), "/local/domain/%u/", mc->c->domid);
	w.relative = !strncmp(w.path, home, strlen(home)) && random_below(2);
	path = w.path + (w.relative ? strlen(home) : 0);
	for (i = 0; i < mc->nr_watches; i++)
		if (!strcmp(mc->watch[i].path, w.path) &&
		    !strcmp(mc->watch[i].token, w.token))
			break;
	if (i < mc->nr_watches) {
		CHECK_EQ(watch(mc->c, path, w.token), -EEXIST);
		len = sprintf(body, "%s|%s|", path, w.token);
		if (random_below(2)) {
			CHECK_EQ(reqs(mc->c, XS_UNWATCH, 0, body), 0);
			memmove(&mc->watch[i], &mc->watch[i + 1],
				(--mc->nr_watches - i) * sizeof(w));
		}
		return;
	}
	if (mc->nr_watches == MAX_WATCHES) {
		CHECK_EQ(reqs(mc->c, XS_RESET_WATCHES, 0, "|"), 0);
		mc->nr_watches = 0;
		for (i = 0; i < MAX_TXNS; i++) {
			free(mc->txn[i]);
			mc->txn[i] = NULL;
		}
		return;
	}
	len = sprintf(body, "%s|%s|", path, w.token);
	if (random_below(2)) {
		w.depth = random_below(3);
		sprintf(body + len, "%d|", w.depth);
	}
	CHECK_EQ(reqs(mc->c, XS_WATCH, 0, body), 0);
	expect(mc, &w, w.path);
	mc->watch[mc->nr_watches++] = w;
}

/* ---- Domains ---- */

static void make_home(struct model *m, u16 domid)
{
	struct mclient *dom0 = &m->client[0];
	struct mop op = { .type = XS_MKDIR };

	sprintf(op.path, "/local/domain/%u", domid);
	do_op(m, &m->tree, 0, 0, &op);
	CHECK_EQ(do_real(dom0->c, 0, &op), op.result);
	check_events(m);
	op.type = XS_SET_PERMS;
	sprintf(op.arg, "n%u", domid);
	do_op(m, &m->tree, 0, 0, &op);
	CHECK_EQ(do_real(dom0->c, 0, &op), op.result);
	note_outside(m, NULL, op.first, false);
}

static void forget_client(struct mclient *mc)
{
	u32 i;

	for (i = 0; i < MAX_TXNS; i++) {
		free(mc->txn[i]);
		mc->txn[i] = NULL;
	}
	mc->nr_watches = 0;
	mc->nr_expected = 0;
}

static void domain_dies(struct model *m, u16 domid)
{
	struct mclient *mc = &m->client[1 + domid];
	struct mnode *root = find(&m->tree, "/");
	u32 i;

	events(mc->c);
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
		fire_removed(m, &m->tree, path);
		fire(m, path, first, NULL, find_near(&m->tree, path), false);
		remove_node(&m->tree, path);
	}
	note_outside(m, NULL, NULL, true);

	xenemu_store_del_domain(m->env->store, domid);
	client_close(mc->c);
	CHECK_EQ(xenemu_store_add_domain(m->env->store, domid), 0);
	client_open(m->env, mc->c, domid, XENEMU_CONN_RING);
	mc->c->direct = random_below(2);
	m->epoch[domid] = ++m->last_epoch;
	check_events(m);
	make_home(m, domid);
}

static int order_nodes(const void *a, const void *b)
{
	const struct mnode *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/* The store's tree is exactly the model's. */
static void check_tree(struct model *m)
{
	const struct xenemu_node *stack[XENEMU_STORE_MAX_DEPTH], *node;
	const struct xenemu_path top = { .str = "" };
	char path[XENSTORE_ABS_PATH_MAX + 1];
	struct mtree *tree = &m->tree;
	struct xenemu_walk walk;
	u32 nr = 0, i;

	qsort(tree->node, tree->nr, sizeof(tree->node[0]), order_nodes);
	xenemu_walk_start(&walk, stack, path, m->env->store->top, &top);
	while ((node = xenemu_walk_next(&walk, true))) {
		struct mnode *mine;

		if (walk.len > 1 && path[1] == '@')
			continue;
		path[walk.len] = 0;
		mine = find(tree, walk.len > 1 ? path + 1 : "/");
		CHECK(mine);
		CHECK_EQ(node->value_len, strlen(mine->value));
		CHECK(!memcmp(xenemu_node_value(node), mine->value, node->value_len));
		CHECK_EQ(xenemu_perms_owner(node->perms), mine->perm[0].domid);
		CHECK_EQ(node->perms->nr, mine->nr_perms);
		for (i = 0; i < node->perms->nr; i++) {
			CHECK_EQ(node->perms->perm[i].domid, mine->perm[i].domid);
			CHECK_EQ(node->perms->perm[i].access, mine->perm[i].access);
		}
		nr++;
	}
	CHECK_EQ(nr, tree->nr);
	CHECK(consistent(m->env));
	m->client[0].c->order[0] = 0;
}

static void create_model(struct model *m)
{
	struct client *const clients[] = {
		&m->env->dom0, &m->env->dom0b, &m->env->guest[1], &m->env->guest[2],
		&m->env->guest[3],
	};
	static const char * const path[] = {
		"/", "/local", "/local/domain", "/local/domain/1", "/local/domain/2",
		"/local/domain/3",
	};
	char text[32];
	u32 i;

	snprintf(text, sizeof(text), "nodes|%u|", NODE_QUOTA);
	CHECK_EQ(reqs(&m->env->dom0, XENEMU_XS_SET_QUOTA, 0, text), 0);
	for (i = 0; i < NR_CLIENTS; i++)
		m->client[i].c = clients[i];
	for (i = 0; i < 4; i++)
		m->epoch[i] = ++m->last_epoch;
	for (i = 0; i < ARRAY_SIZE(path); i++) {
		struct mnode *node = &m->tree.node[m->tree.nr++];

		strcpy(node->path, path[i]);
		node->nr_perms = 1;
		node->perm[0].domid = i < 3 ? 0 : i - 2;
		node->perm[0].epoch = m->epoch[node->perm[0].domid];
	}
	m->env->dom0b.direct = true;
	m->env->guest[2].direct = true;
}

TEST(store_model_random)
{
	struct model *m = calloc(1, sizeof(*m));
	struct xenemu_store_stats stats;
	unsigned long n;
	u32 i;

	random_seed(tap_seed);
	m->env = env_create();
	create_model(m);
	for (n = 0; n < tap_operations; n++) {
		struct mclient *mc = &m->client[random_below(NR_CLIENTS)];
		u32 what = random_below(1000);

		/* Nobody is to pause for conflicts. */
		shim_now += 100000000;
		if (what < 700)
			one_request(m, mc, mc->txn[random_below(MAX_TXNS)]);
		else if (what < 730)
			busy_txn(m, mc);
		else if (what < 800)
			start_txn(m, mc);
		else if (what < 900)
			end_txn(m, mc, random_below(MAX_TXNS));
		else if (what < 995)
			one_watch(m, mc);
		else if (what < 998)
			make_home(m, 1 + random_below(3));
		else
			domain_dies(m, 1 + random_below(3));
		check_events(m);
		if (n % 64 == 0)
			check_tree(m);
	}
	xenemu_store_get_stats(m->env->store, &stats);
	printf("# %lu operations, %llu commits, %llu conflicts, %llu events, %llu nodes\n", n,
	       stats.commits, stats.conflicts, stats.events, stats.nodes);
	for (i = 0; i < NR_CLIENTS; i++)
		forget_client(&m->client[i]);
	env_destroy(m->env);
	free(m);
	CHECK_EQ(shim_live_allocs, 0);
}
