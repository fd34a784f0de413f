// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transactions: what they see, when they conflict, and what a commit leaves behind.
 */
#include "store_env.h"

/* dom0's writes are the "outside" ones. */
#define OUT(path) "/local/domain/1/" path

TEST(store_txn_isolation)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;
	u32 tx, other;

	CHECK_EQ(wr(c, 0, "a", "old"), 0);
	tx = start(c);
	other = start(c);
	CHECK_EQ(wr(c, tx, "a", "new"), 0);
	CHECK_EQ(wr(c, tx, "b/c", "new"), 0);
	CHECK_EQ(rd(c, tx, "a"), 0);
	CHECK_STR(c->reply, "new");
	CHECK_EQ(ls(c, tx, "b"), 0);
	CHECK_STR(c->reply, "c ");
	CHECK_EQ(rd(c, 0, "a"), 0);
	CHECK_STR(c->reply, "old");
	CHECK_EQ(rd(c, other, "b"), -ENOENT);
	CHECK_EQ(rd(d, 0, OUT("b")), -ENOENT);
	/* The view stays as it was, whatever happens outside. */
	CHECK_EQ(wr(d, 0, OUT("a"), "outside"), 0);
	CHECK_EQ(rd(c, other, "a"), 0);
	CHECK_STR(c->reply, "old");
	CHECK_EQ(rm(d, 0, OUT("a")), 0);
	CHECK_EQ(rd(c, other, "a"), 0);
	CHECK_EQ(rollback(c, tx), 0);
	CHECK_EQ(rd(c, 0, "b"), -ENOENT);
	CHECK_EQ(commit(c, other), 0);
	CHECK(consistent(env));
	env_destroy(env);
}

/* test-xenstore's "ta err". */
TEST(store_txn_read_modify_write)
{
	struct env *env = env_create();
	struct client *c = &env->dom0, *d = &env->dom0b;
	u32 tx;

	CHECK_EQ(wr(c, 0, "node", "a"), 0);
	tx = start(c);
	CHECK_EQ(rd(c, tx, "node"), 0);
	CHECK_EQ(wr(d, 0, "node", "b"), 0);
	CHECK_EQ(rd(c, tx, "node"), 0);
	CHECK_STR(c->reply, "a");
	CHECK_EQ(wr(c, tx, "node", "c"), 0);
	CHECK_EQ(commit(c, tx), -EAGAIN);
	CHECK_EQ(rd(c, 0, "node"), 0);
	CHECK_STR(c->reply, "b");
	CHECK_EQ(commit(c, tx), -ENOENT);
	env_destroy(env);
}

enum {
	NOTHING, WRITE_A, WRITE_AX, WRITE_AXY, WRITE_B, NEW_AN, NEW_ANM, RM_A, RM_AX, RM_AXY,
	PERM_A, PERM_AX, REWRITE_AX, NR_ACTS
};

/* What somebody does to a tree in which a/x/y and b exist. */
static void act(struct client *c, u32 tx, int what)
{
	bool home = c->domid;
	const char *value = home ? "in" : "out";
#define P(path) (home ? path : OUT(path))
	switch (what) {
	case WRITE_A:
		CHECK_EQ(wr(c, tx, P("a"), value), 0);
		break;
	case WRITE_AX:
		CHECK_EQ(wr(c, tx, P("a/x"), value), 0);
		break;
	case WRITE_AXY:
		CHECK_EQ(wr(c, tx, P("a/x/y"), value), 0);
		break;
	case WRITE_B:
		CHECK_EQ(wr(c, tx, P("b"), value), 0);
		break;
	case NEW_AN:
		CHECK_EQ(wr(c, tx, P("a/n"), value), 0);
		break;
	case NEW_ANM:
		CHECK_EQ(wr(c, tx, P("a/n/m"), value), 0);
		break;
	case RM_A:
		CHECK_EQ(rm(c, tx, P("a")), 0);
		break;
	case RM_AX:
		CHECK_EQ(rm(c, tx, P("a/x")), 0);
		break;
	case RM_AXY:
		CHECK_EQ(rm(c, tx, P("a/x/y")), 0);
		break;
	case PERM_A:
		CHECK_EQ(setp(c, tx, P("a"), "r1"), 0);
		break;
	case PERM_AX:
		CHECK_EQ(setp(c, tx, P("a/x"), "r1"), 0);
		break;
	case REWRITE_AX:
		CHECK_EQ(rm(c, tx, P("a/x")), 0);
		CHECK_EQ(wr(c, tx, P("a/x"), "re"), 0);
		break;
	}
#undef P
}

static void read_act(struct client *c, u32 tx, char what)
{
	switch (what) {
	case 'r':
		CHECK_EQ(rd(c, tx, "a/x"), 0);
		break;
	case 'l':
		CHECK_EQ(ls(c, tx, "a"), 0);
		break;
	case 'p':
		CHECK_EQ(getp(c, tx, "a"), 0);
		break;
	case 'm':
		CHECK_EQ(rd(c, tx, "a/n"), -ENOENT);
		break;
	case 'd':
		CHECK_EQ(mkd(c, tx, "a/x"), 0);
		break;
	}
}

/*
 * For each thing that a transaction may look at, what outside makes it fail. It also
 * writes something unrelated, else it need not be checked.
 */
TEST(store_txn_read_conflicts)
{
	static const struct {
		char read;
		u32 conflicts;
	} row[] = {
		{ 'r', BIT(WRITE_AX) | BIT(RM_A) | BIT(RM_AX) | BIT(PERM_AX) | BIT(REWRITE_AX) },
		{ 'l', BIT(NEW_AN) | BIT(NEW_ANM) | BIT(RM_A) | BIT(RM_AX) | BIT(PERM_A) |
		       BIT(REWRITE_AX) },
		{ 'p', BIT(RM_A) | BIT(PERM_A) },
		{ 'm', BIT(NEW_AN) | BIT(NEW_ANM) },
		{ 'd', BIT(RM_A) | BIT(RM_AX) | BIT(PERM_AX) },
	};
	u32 i;
	int what;

	for (i = 0; i < ARRAY_SIZE(row); i++) {
		for (what = NOTHING; what < NR_ACTS; what++) {
			struct env *env = env_create();
			struct client *c = &env->guest[1];
			u32 tx;

			CHECK_EQ(mkd(c, 0, "a/x/y"), 0);
			CHECK_EQ(mkd(c, 0, "b"), 0);
			tx = start(c);
			read_act(c, tx, row[i].read);
			CHECK_EQ(wr(c, tx, "unrelated", "x"), 0);
			act(&env->dom0, 0, what);
			/* mkdir of what exists depends on existence and rights only. */
			if (row[i].read == 'd' && what == REWRITE_AX)
				CHECK_EQ(commit(c, tx), 0);
			else
				CHECK_EQ(commit(c, tx),
					 row[i].conflicts & BIT(what) ? -EAGAIN : 0);
			CHECK(consistent(env));

			/* Without a write it is a snapshot, which cannot conflict. */
			tx = start(c);
			ls(c, tx, "a");
			act(&env->dom0, 0, WRITE_B);
			CHECK_EQ(commit(c, tx), 0);
			env_destroy(env);
		}
	}
}

/* Each pair of a change in a transaction and one outside. */
TEST(store_txn_write_conflicts)
{
	static const u32 conflicts[NR_ACTS] = {
		[WRITE_A] = BIT(WRITE_A) | BIT(RM_A) | BIT(PERM_A),
		[WRITE_AX] = BIT(WRITE_AX) | BIT(RM_A) | BIT(RM_AX) | BIT(PERM_AX) |
			     BIT(REWRITE_AX),
		[WRITE_AXY] = BIT(WRITE_AXY) | BIT(RM_A) | BIT(RM_AX) | BIT(RM_AXY) |
			      BIT(REWRITE_AX),
		[WRITE_B] = BIT(WRITE_B),
		/* Other children of the same directory are merged. */
		[NEW_AN] = BIT(NEW_AN) | BIT(NEW_ANM) | BIT(RM_A) | BIT(PERM_A),
		[NEW_ANM] = BIT(NEW_AN) | BIT(NEW_ANM) | BIT(RM_A) | BIT(PERM_A),
		/* Removing depends on all that is removed. */
		[RM_A] = BIT(WRITE_A) | BIT(WRITE_AX) | BIT(WRITE_AXY) | BIT(NEW_AN) |
			 BIT(NEW_ANM) | BIT(RM_A) | BIT(RM_AX) | BIT(RM_AXY) | BIT(PERM_A) |
			 BIT(PERM_AX) | BIT(REWRITE_AX),
		[RM_AX] = BIT(WRITE_AX) | BIT(WRITE_AXY) | BIT(RM_A) | BIT(RM_AX) | BIT(RM_AXY) |
			  BIT(PERM_AX) | BIT(REWRITE_AX),
		[RM_AXY] = BIT(WRITE_AXY) | BIT(RM_A) | BIT(RM_AX) | BIT(RM_AXY) |
			   BIT(REWRITE_AX),
		[PERM_A] = BIT(WRITE_A) | BIT(RM_A) | BIT(PERM_A),
		[PERM_AX] = BIT(WRITE_AX) | BIT(RM_A) | BIT(RM_AX) | BIT(PERM_AX) |
			    BIT(REWRITE_AX),
		[REWRITE_AX] = BIT(WRITE_AX) | BIT(WRITE_AXY) | BIT(RM_A) | BIT(RM_AX) |
			       BIT(RM_AXY) | BIT(PERM_AX) | BIT(PERM_A) | BIT(REWRITE_AX),
	};
	int in, out;

	for (in = NOTHING; in < NR_ACTS; in++) {
		for (out = NOTHING; out < NR_ACTS; out++) {
			struct env *env = env_create();
			struct client *c = &env->guest[1];
			struct xenemu_store_stats stats;
			u32 tx;
			int ret;

			CHECK_EQ(mkd(c, 0, "a/x/y"), 0);
			CHECK_EQ(mkd(c, 0, "b"), 0);
			tx = start(c);
			act(c, tx, in);
			act(&env->dom0, 0, out);
			ret = commit(c, tx);
			if (ret != (conflicts[in] & BIT(out) ? -EAGAIN : 0))
				printf("# inside %d outside %d\n", in, out);
			CHECK_EQ(ret, conflicts[in] & BIT(out) ? -EAGAIN : 0);
			CHECK(consistent(env));
			xenemu_store_get_stats(env->store, &stats);
			CHECK_EQ(stats.conflicts, !!ret);
			/* Both are there. */
			if (!ret && in == NEW_AN) {
				CHECK_EQ(rd(c, 0, "a/n"), 0);
				CHECK_STR(c->reply, "in");
			}
			if (!ret && out == WRITE_AX && in != RM_A && in != RM_AX) {
				CHECK_EQ(rd(c, 0, "a/x"), 0);
				CHECK_STR(c->reply, "out");
			}
			if (!ret && (in == RM_AX || out == RM_AX) && in != REWRITE_AX)
				CHECK(rd(c, 0, "a/x") == -ENOENT);
			env_destroy(env);
		}
	}
}

TEST(store_txn_merge)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;
	u32 tx[5], i;
	char path[32];

	CHECK_EQ(mkd(c, 0, "dir"), 0);
	for (i = 0; i < 5; i++) {
		tx[i] = start(c);
		snprintf(path, sizeof(path), "dir/%u/sub", i);
		CHECK_EQ(wr(c, tx[i], path, "x"), 0);
	}
	for (i = 0; i < 5; i++)
		CHECK_EQ(commit(c, tx[i]), 0);
	CHECK_EQ(ls(c, 0, "dir"), 0);
	CHECK_STR(c->reply, "0 1 2 3 4 ");
	/* Removing different children is no conflict either. */
	tx[0] = start(c);
	CHECK_EQ(rm(c, tx[0], "dir/0"), 0);
	CHECK_EQ(rm(d, 0, OUT("dir/1")), 0);
	CHECK_EQ(commit(c, tx[0]), 0);
	CHECK_EQ(ls(c, 0, "dir"), 0);
	CHECK_STR(c->reply, "2 3 4 ");
	CHECK(consistent(env));
	env_destroy(env);
}

/* Remove and create in one transaction, in all nestings, alone and merged. */
TEST(store_txn_remove_and_create)
{
	u32 merged;

	for (merged = 0; merged < 2; merged++) {
		struct env *env = env_create();
		struct client *c = &env->guest[1], *d = &env->dom0;
		u32 tx;

		CHECK_EQ(wr(c, 0, "a/b/c", "old"), 0);
		CHECK_EQ(wr(c, 0, "a/z", "old"), 0);
		tx = start(c);
		CHECK_EQ(wr(c, tx, "a/b/c", "new"), 0);
		CHECK_EQ(rm(c, tx, "a/b"), 0);
		CHECK_EQ(rd(c, tx, "a/b/c"), -ENOENT);
		CHECK_EQ(wr(c, tx, "a/b/d", "d"), 0);
		CHECK_EQ(rm(c, tx, "a"), 0);
		CHECK_EQ(wr(c, tx, "a/b/c", "c"), 0);
		CHECK_EQ(wr(c, tx, "a", "a"), 0);
		CHECK_EQ(wr(c, tx, "t/u/v", "v"), 0);
		CHECK_EQ(rm(c, tx, "t/u"), 0);
		CHECK_EQ(wr(c, tx, "s", "s"), 0);
		CHECK_EQ(rm(c, tx, "s"), 0);
		if (merged)
			CHECK_EQ(wr(d, 0, "/elsewhere", "x"), 0);
		CHECK_EQ(commit(c, tx), 0);
		CHECK_EQ(ls(c, 0, "a"), 0);
		CHECK_STR(c->reply, "b ");
		CHECK_EQ(ls(c, 0, "a/b"), 0);
		CHECK_STR(c->reply, "c ");
		CHECK_EQ(rd(c, 0, "a/b/c"), 0);
		CHECK_STR(c->reply, "c");
		CHECK_EQ(rd(c, 0, "a"), 0);
		CHECK_STR(c->reply, "a");
		CHECK_EQ(ls(c, 0, "t"), 0);
		CHECK_EQ(c->len, 0);
		CHECK_EQ(rd(c, 0, "s"), -ENOENT);
		CHECK(consistent(env));
		CHECK_EQ(nodes_of(env, 1), 1 + 3 + 1);
		CHECK_EQ(rm(c, 0, "a"), 0);
		CHECK_EQ(rm(c, 0, "t"), 0);
		CHECK_EQ(nodes_of(env, 1), 1);
		env_destroy(env);
	}
}

TEST(store_txn_permissions)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;
	u32 tx;

	tx = start(d);
	CHECK_EQ(mkd(d, tx, "/t/u"), 0);
	CHECK_EQ(setp(d, tx, "/t/u", "n1"), 0);
	CHECK_EQ(rd(c, 0, "/t/u"), -EACCES);
	CHECK_EQ(commit(d, tx), 0);
	CHECK_EQ(wr(c, 0, "/t/u", "mine"), 0);
	CHECK_EQ(nodes_of(env, 1), 2);
	/* An owner that died before the commit gets nothing. */
	tx = start(d);
	CHECK_EQ(setp(d, tx, "/t", "n2"), 0);
	xenemu_store_del_domain(env->store, 2);
	CHECK_EQ(commit(d, tx), -EAGAIN);
	CHECK_EQ(xenemu_store_add_domain(env->store, 2), 0);
	CHECK_EQ(getp(d, 0, "/t"), 0);
	CHECK_STR(d->reply, "n0 ");
	/* Nor one that is a new domain of the same number. */
	tx = start(d);
	CHECK_EQ(setp(d, tx, "/t", "n2"), 0);
	xenemu_store_del_domain(env->store, 2);
	CHECK_EQ(xenemu_store_add_domain(env->store, 2), 0);
	CHECK_EQ(commit(d, tx), -EAGAIN);
	/* Special nodes are part of it. */
	tx = start(d);
	CHECK_EQ(setp(d, tx, "@introduceDomain", "r0"), 0);
	CHECK_EQ(getp(d, 0, "@introduceDomain"), 0);
	CHECK_STR(d->reply, "n0 ");
	CHECK_EQ(wr(d, 0, "/x", "y"), 0);
	CHECK_EQ(commit(d, tx), 0);
	CHECK_EQ(getp(d, 0, "@introduceDomain"), 0);
	CHECK_STR(d->reply, "r0 ");
	CHECK(consistent(env));
	env_destroy(env);
}

/* Two make each other's precondition false: just one may commit. */
TEST(store_txn_write_skew)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];
	u32 a, b;

	CHECK_EQ(wr(c, 0, "x", "1"), 0);
	CHECK_EQ(wr(c, 0, "y", "1"), 0);
	a = start(c);
	b = start(c);
	CHECK_EQ(rd(c, a, "x"), 0);
	CHECK_EQ(rd(c, b, "y"), 0);
	CHECK_EQ(wr(c, a, "y", "0"), 0);
	CHECK_EQ(wr(c, b, "x", "0"), 0);
	CHECK_EQ(commit(c, a), 0);
	CHECK_EQ(commit(c, b), -EAGAIN);
	env_destroy(env);
}

TEST(store_txn_ends)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];
	struct xenemu_store_stats stats;
	u32 tx = start(c), other = start(c);

	CHECK_EQ(wr(c, tx, "x", "1"), 0);
	xenemu_store_get_stats(env->store, &stats);
	CHECK_EQ(stats.transactions, 2);
	CHECK_EQ(xenemu_conn_reset(c->conn), 0);
	xenemu_store_get_stats(env->store, &stats);
	CHECK_EQ(stats.transactions, 0);
	CHECK_EQ(commit(c, tx), -ENOENT);
	CHECK_EQ(commit(c, other), -ENOENT);
	CHECK_EQ(rd(c, 0, "x"), -ENOENT);
	tx = start(c);
	CHECK_EQ(wr(c, tx, "x", "1"), 0);
	client_close(c);
	xenemu_store_get_stats(env->store, &stats);
	CHECK_EQ(stats.transactions, 0);
	client_open(env, c, 1, XENEMU_CONN_RING);
	CHECK_EQ(rd(c, 0, "x"), -ENOENT);
	CHECK(consistent(env));
	env_destroy(env);
}

/* Ids are found also when the counter has wrapped and some are in use. */
TEST(store_txn_ids)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];
	u32 one = start(c);

	CHECK_EQ(one, 1);
	c->conn->next_txn = 0xfffffffe;
	CHECK_EQ(start(c), 0xffffffff);
	CHECK_EQ(start(c), 2);
	env_destroy(env);
}

/*
 * Snapshots must not keep an unlimited number of old nodes: a guest that holds them
 * while all is rewritten again and again loses them.
 */
TEST(store_txn_memory)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;
	struct xenemu_store_stats stats;
	static char value[2049];
	u32 tx[10], own, i, k;
	char path[64];

	memset(value, 'v', sizeof(value) - 1);
	c->direct = true;
	d->direct = true;
	own = start(d);
	CHECK_EQ(wr(d, own, "/own", "kept"), 0);
	for (k = 0; k < 10; k++) {
		tx[k] = start(c);
		CHECK_EQ(wr(c, tx[k], "x", "1"), 0);
		for (i = 0; i < 2000; i++) {
			snprintf(path, sizeof(path), "/big/%u", i);
			CHECK_EQ(wr(d, 0, path, value), 0);
		}
	}
	xenemu_store_get_stats(env->store, &stats);
	CHECK(stats.memory < 2000L * 2200 * 3 + (24L << 20));
	CHECK_EQ(rd(c, tx[0], "x"), -EAGAIN);
	CHECK_EQ(wr(c, tx[0], "x", "2"), -EAGAIN);
	CHECK_EQ(reqs(c, XS_TRANSACTION_START, tx[0], "|"), -EBUSY);
	CHECK_EQ(commit(c, tx[0]), -EAGAIN);
	CHECK_EQ(commit(c, tx[0]), -ENOENT);
	CHECK_EQ(rollback(c, tx[1]), 0);
	CHECK_EQ(commit(c, tx[9]), 0);
	/* dom0 is trusted with its own. */
	CHECK_EQ(rd(d, own, "/own"), 0);
	CHECK_EQ(commit(d, own), 0);
	CHECK(consistent(env));
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}
