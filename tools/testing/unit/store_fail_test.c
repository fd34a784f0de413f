// SPDX-License-Identifier: GPL-2.0-only
/*
 * Let each allocation of an operation fail, one at a time: the operation says ENOMEM
 * and nothing has changed, nothing is lost; the next time it works.
 */
#include "store_env.h"

struct state {
	char *tree;
	u32 watches[3];
	u32 txns[3];
	long mem[3];
	long live;
};

static void save(struct env *env, struct state *state)
{
	struct xenemu_sdomain *dom;

	memset(state, 0, sizeof(*state));
	state->live = shim_live_allocs;
	state->tree = dump(env);
	list_for_each_entry(dom, &env->store->domains, link) {
		if (dom->domid > 2)
			continue;
		state->watches[dom->domid] = dom->nr_watches;
		state->txns[dom->domid] = dom->nr_txns;
		state->mem[dom->domid] = atomic_long_read(&dom->mem);
	}
}

static void compare(struct env *env, struct state *old)
{
	struct state new;

	save(env, &new);
	CHECK_STR(new.tree, old->tree);
	CHECK(!memcmp(new.watches, old->watches, sizeof(new.watches)));
	CHECK(!memcmp(new.txns, old->txns, sizeof(new.txns)));
	CHECK(!memcmp(new.mem, old->mem, sizeof(new.mem)));
	CHECK_EQ(new.live, old->live);
	free(new.tree);
	free(old->tree);
}

struct op_case {
	u32 type;
	const char *body;
	bool dom0;
	int want;
};

static struct env *prepare(u32 *tx)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;
	char path[64];
	u32 i;

	for (i = 0; i < 40; i++) {
		snprintf(path, sizeof(path), "dir/%u/x", i);
		CHECK_EQ(wr(c, 0, path, "value"), 0);
	}
	CHECK_EQ(setp(c, 0, "dir/3", "n1 r2"), 0);
	CHECK_EQ(watch(c, "dir", "d"), 0);
	CHECK_EQ(watch(&env->guest[2], "/local/domain/1/dir/3", "two"), 0);
	CHECK_EQ(watch(&env->dom0b, "/", "root"), 0);
	CHECK_EQ(watch(&env->dom0b, "/local/domain/1/dir/3/x", "exact"), 0);
	CHECK_EQ(watch(&env->dom0b, "@introduceDomain", "i"), 0);
	CHECK_EQ(xenemu_store_add_domain(env->store, 9), 0);
	if (tx) {
		*tx = start(c);
		CHECK_EQ(wr(c, *tx, "dir/5", "t"), 0);
		CHECK_EQ(wr(c, *tx, "new/deep", "t"), 0);
		CHECK_EQ(rm(c, *tx, "dir/7"), 0);
		CHECK_EQ(mkd(c, *tx, "dir/7"), 0);
		/* So that a commit has to merge. */
		CHECK_EQ(wr(d, 0, "/outside", "x"), 0);
	}
	events(c);
	events(&env->guest[2]);
	events(&env->dom0b);
	return env;
}

static void sweep(const struct op_case *op, bool in_txn, bool direct)
{
	unsigned long n;
	u32 failures = 0;

	for (n = 1; n < 1000; n++) {
		u32 tx = 0;
		struct env *env = prepare(in_txn ? &tx : NULL);
		struct client *c = op->dom0 ? &env->dom0 : &env->guest[1];
		struct state before;
		bool failed, last;
		int ret;

		c->direct = direct;
		save(env, &before);
		shim_fail_nth = n;
		ret = reqs(c, op->type, tx, op->body);
		last = shim_fail_nth;
		shim_fail_nth = 0;
		failed = ret == -ENOMEM;
		failures += failed;
		CHECK(failed || ret == op->want);
		CHECK(!last || ret == op->want);
		/* A commit that fails has ended the transaction all the same. */
		if (failed && in_txn)
			CHECK_EQ(rollback(&env->guest[1], tx),
				 op->type == XS_TRANSACTION_END ? -ENOENT : 0);
		if (failed && !in_txn) {
			CHECK_STR(events(&env->guest[1]), "");
			CHECK_STR(events(&env->dom0b), "");
			compare(env, &before);
			if (!last)
				CHECK_EQ(reqs(c, op->type, tx, op->body), 0);
		} else {
			free(before.tree);
		}
		CHECK(consistent(env));
		env_destroy(env);
		CHECK_EQ(shim_live_allocs, 0);
		if (last)
			break;
	}
	CHECK(n < 1000);
	CHECK(failures || direct);
}

TEST(store_fail_each)
{
	static const struct op_case ops[] = {
		{ XS_DIRECTORY, "dir|" },
		{ XS_DIRECTORY_PART, "dir|0|" },
		{ XS_READ, "dir/3/x|" },
		{ XS_GET_PERMS, "dir/3|" },
		{ XS_WATCH, "new/path/to/watch|t|" },
		{ XS_UNWATCH, "dir|d|" },
		{ XS_TRANSACTION_START, "|" },
		{ XS_GET_DOMAIN_PATH, "1|" },
		{ XS_WRITE, "dir/3/x|other" },
		{ XS_WRITE, "dir/3/made/of/many|value" },
		{ XS_MKDIR, "dir/3/made/of/many|" },
		{ XS_RM, "dir/3|" },
		{ XS_RM, "dir|" },
		{ XS_SET_PERMS, "dir/3|n1|r2|" },
		{ XS_SET_PERMS, "/local/domain/1/dir/3|n2|r1|", true },
		{ XS_RESET_WATCHES, "|" },
		{ XS_CONTROL, "help|", true },
		{ XENEMU_XS_GET_QUOTA, "", true },
		{ XS_IS_DOMAIN_INTRODUCED, "1|", true },
		{ XS_SET_TARGET, "1|2|", true },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		sweep(&ops[i], false, false);
		sweep(&ops[i], false, true);
	}
}

TEST(store_fail_in_transaction)
{
	static const struct op_case ops[] = {
		{ XS_DIRECTORY, "dir|" },
		{ XS_READ, "dir/3/x|" },
		{ XS_READ, "dir/none|", .want = -ENOENT },
		{ XS_WRITE, "dir/3/x|other" },
		{ XS_WRITE, "dir/3/made/of/many|value" },
		{ XS_RM, "dir/3|" },
		{ XS_SET_PERMS, "dir/3|n1|r2|" },
		{ XS_TRANSACTION_END, "T|" },
		{ XS_TRANSACTION_END, "F|" },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		sweep(&ops[i], true, false);
		sweep(&ops[i], true, true);
	}
}

/* A commit that fails for want of memory has changed nothing. */
TEST(store_fail_commit)
{
	unsigned long n;

	for (n = 1; n < 1000; n++) {
		u32 tx;
		struct env *env = prepare(&tx);
		char *before = dump(env), *after;
		bool last;
		int ret;

		shim_fail_nth = n;
		ret = commit(&env->guest[1], tx);
		last = shim_fail_nth;
		shim_fail_nth = 0;
		after = dump(env);
		CHECK(ret == -ENOMEM || !ret);
		CHECK_EQ(!strcmp(before, after), ret != 0);
		if (ret) {
			CHECK_STR(events(&env->dom0b), "");
			CHECK_STR(events(&env->guest[1]), "");
		}
		free(before);
		free(after);
		CHECK(consistent(env));
		env_destroy(env);
		if (last)
			break;
	}
	CHECK(n > 20 && n < 1000);
}

/* What the host tells the store. */
TEST(store_fail_host)
{
	static const struct xenemu_store_ops ops;
	static const struct xenemu_conn_ops conn_ops;
	unsigned long n;
	u32 done = 0;

	for (n = 1; done < 3 && n < 1000; n++) {
		struct xenemu_store *store;
		struct xenemu_conn *conn;

		done = 0;
		shim_fail_nth = n;
		store = xenemu_store_create(&ops, NULL);
		if (IS_ERR(store)) {
			CHECK_EQ(PTR_ERR(store), -ENOMEM);
			CHECK_EQ(shim_live_allocs, 0);
			continue;
		}
		done++;
		if (xenemu_store_add_domain(store, 1) == 0)
			done++;
		else
			CHECK(!xenemu_store_is_introduced(store, 1));
		conn = xenemu_conn_create(store, 0, XENEMU_CONN_FD, &conn_ops, NULL);
		if (!IS_ERR(conn)) {
			done++;
			xenemu_conn_destroy(conn);
		}
		if (shim_fail_nth == 0)
			done = 0;
		shim_fail_nth = 0;
		xenemu_store_destroy(store);
		CHECK_EQ(shim_live_allocs, 0);
	}
	CHECK(n < 1000);
}

/* Death cannot fail, whatever the memory is. */
TEST(store_fail_death)
{
	unsigned long n;

	for (n = 1; n < 200; n++) {
		struct env *env = prepare(NULL);
		bool last;

		CHECK_EQ(watch(&env->dom0b, "@releaseDomain", "r"), 0);
		events(&env->dom0b);
		shim_fail_nth = n;
		xenemu_store_del_domain(env->store, 1);
		last = shim_fail_nth;
		shim_fail_nth = 0;
		CHECK_EQ(rd(&env->dom0, 0, "/local/domain/1"), -ENOENT);
		CHECK_STR(events(&env->dom0b), "/local/domain/1/dir/3/x exact;"
					       "/local/domain/1 root;@releaseDomain r;");
		CHECK(consistent(env));
		env_destroy(env);
		if (last)
			break;
	}
	CHECK(n < 200);
}
