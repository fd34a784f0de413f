// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each quota: how much is allowed, which error comes then, that it is given back, and
 * that it is the owner who is charged.
 */
#include "store_env.h"

static void set_quota(struct env *env, const char *name, u32 value)
{
	char text[64];

	snprintf(text, sizeof(text), "%s|%u|", name, value);
	CHECK_EQ(reqs(&env->dom0, XENEMU_XS_SET_QUOTA, 0, text), 0);
}

TEST(store_quota_nodes)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;
	char path[64];
	u32 i, tx;

	/* The home is one. */
	for (i = 1; i < 1000; i++) {
		snprintf(path, sizeof(path), "n%u/m%u", i / 50, i);
		if (wr(c, 0, path, "x"))
			break;
	}
	CHECK(nodes_of(env, 1) >= 999 && nodes_of(env, 1) <= 1000);
	while (!wr(c, 0, path, "x"))
		strcat(path, "x");
	CHECK_EQ(wr(c, 0, path, "x"), -ENOSPC);
	CHECK_EQ(mkd(c, 0, path), -ENOSPC);
	CHECK_EQ(nodes_of(env, 1), 1000);
	CHECK_EQ(wr(c, 0, "n1/m60", "y"), 0);
	/* In a transaction too, and what it removes counts. */
	tx = start(c);
	CHECK_EQ(rm(c, tx, "n1/m60"), 0);
	CHECK_EQ(mkd(c, tx, "fits"), 0);
	CHECK_EQ(commit(c, tx), 0);
	CHECK_EQ(nodes_of(env, 1), 1000);
	tx = start(c);
	CHECK_EQ(mkd(c, tx, "not"), -ENOSPC);
	CHECK_EQ(commit(c, tx), -ENOMEM);
	/* dom0 may give it more; then it can still remove, but not add. */
	CHECK_EQ(mkd(d, 0, "/local/domain/1/gift/gift"), 0);
	CHECK_EQ(nodes_of(env, 1), 1002);
	CHECK_EQ(rm(c, 0, "fits"), 0);
	CHECK_EQ(mkd(c, 0, "fits"), -ENOSPC);
	CHECK_EQ(rm(c, 0, "n2"), 0);
	CHECK_EQ(mkd(c, 0, "fits"), 0);
	/* Nobody else is short of anything. */
	CHECK_EQ(mkd(&env->guest[2], 0, "x"), 0);
	CHECK(consistent(env));
	env_destroy(env);
}

/* Many transactions, each within the limit, cannot exceed it together. */
TEST(store_quota_nodes_together)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];
	u32 tx[3], i, k;
	char path[64];

	set_quota(env, "nodes", 11);
	for (k = 0; k < 3; k++) {
		tx[k] = start(c);
		for (i = 0; i < 6; i++) {
			snprintf(path, sizeof(path), "t%u-%u", k, i);
			CHECK_EQ(mkd(c, tx[k], path), 0);
		}
	}
	CHECK_EQ(commit(c, tx[0]), 0);
	CHECK_EQ(commit(c, tx[1]), -ENOSPC);
	CHECK_EQ(rd(c, 0, "t1-0"), -ENOENT);
	CHECK_EQ(commit(c, tx[2]), -ENOSPC);
	CHECK_EQ(nodes_of(env, 1), 7);
	CHECK(consistent(env));
	env_destroy(env);
}

TEST(store_quota_watches)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];
	char path[64];
	u32 i;

	for (i = 0; i < 128; i++) {
		snprintf(path, sizeof(path), "w%u", i);
		CHECK_EQ(watch(c, path, "t"), 0);
	}
	CHECK_EQ(watch(c, "more", "t"), -ENOSPC);
	CHECK_EQ(watch(c, "w5", "t"), -EEXIST);
	CHECK_EQ(reqs(c, XS_UNWATCH, 0, "w5|t|"), 0);
	CHECK_EQ(watch(c, "more", "t"), 0);
	CHECK_EQ(watch(c, "more2", "t"), -ENOSPC);
	for (i = 0; i < 300; i++)
		CHECK_EQ(watch(&env->dom0, "/", path + i % 2), i < 2 ? 0 : -EEXIST);
	CHECK_EQ(reqs(c, XS_RESET_WATCHES, 0, "|"), 0);
	for (i = 0; i < 128; i++) {
		snprintf(path, sizeof(path), "w%u", i);
		CHECK_EQ(watch(c, path, "t"), 0);
	}
	CHECK_EQ(watch(c, "more", "t"), -ENOSPC);
	env_destroy(env);
}

TEST(store_quota_transactions)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];
	u32 i, tx = 0;

	for (i = 0; i < 10; i++)
		tx = start(c);
	CHECK_EQ(reqs(c, XS_TRANSACTION_START, 0, "|"), -ENOSPC);
	CHECK_EQ(rollback(c, tx), 0);
	start(c);
	CHECK_EQ(reqs(c, XS_TRANSACTION_START, 0, "|"), -ENOSPC);
	for (i = 0; i < 30; i++)
		start(&env->dom0);
	CHECK_EQ(reqs(c, XS_RESET_WATCHES, 0, "|"), 0);
	start(c);
	env_destroy(env);
}

TEST(store_quota_transaction_nodes)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];
	char path[64];
	u32 i, tx;

	tx = start(c);
	for (i = 0; i < 1024; i++) {
		snprintf(path, sizeof(path), "none%u", i);
		CHECK_EQ(rd(c, tx, path), -ENOENT);
	}
	CHECK_EQ(rd(c, tx, "none5"), -ENOENT);
	CHECK_EQ(rd(c, tx, "more"), -ENOSPC);
	CHECK_EQ(rd(c, 0, "more"), -ENOENT);
	CHECK_EQ(commit(c, tx), -ENOMEM);
	CHECK_EQ(commit(c, tx), -ENOENT);
	tx = start(c);
	CHECK_EQ(rd(c, tx, "more"), -ENOENT);
	CHECK_EQ(commit(c, tx), 0);
	tx = start(&env->dom0);
	for (i = 0; i < 2000; i++) {
		snprintf(path, sizeof(path), "none%u", i);
		CHECK_EQ(rd(&env->dom0, tx, path), -ENOENT);
	}
	CHECK_EQ(commit(&env->dom0, tx), 0);
	env_destroy(env);
}

TEST(store_quota_node_permissions)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];

	CHECK_EQ(setp(c, 0, "/local/domain/1", "n1 r2 r3 r2 r3"), 0);
	CHECK_EQ(setp(c, 0, "/local/domain/1", "n1 r2 r3 r2 r3 r2"), -ENOSPC);
	CHECK_EQ(setp(&env->dom0, 0, "/local/domain/1", "n1 r2 r3 r2 r3 r2"), 0);
	env_destroy(env);
}

TEST(store_quota_path_max)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];
	char path[XENSTORE_PAYLOAD_MAX], *rel = path + 16;
	u32 i;

	memset(path, 'p', sizeof(path));
	memcpy(path, "/local/domain/1/", 16);
	/* Not so long that the directory becomes too large. */
	for (i = 100; i < sizeof(path); i += 100)
		path[i] = '/';
	rel[2048] = 0;
	CHECK_EQ(rd(c, 0, rel), -ENOENT);
	CHECK_EQ(rd(c, 0, path), -ENOENT);
	CHECK_EQ(wr(c, 0, rel, "x"), 0);
	CHECK_EQ(rd(&env->dom0, 0, path), 0);
	CHECK_EQ(watch(c, rel, "t"), 0);
	rel[2048] = 'p';
	rel[2049] = 0;
	CHECK_EQ(rd(c, 0, rel), -EINVAL);
	CHECK_EQ(rd(c, 0, path), -EINVAL);
	CHECK_EQ(wr(c, 0, rel, "x"), -EINVAL);
	CHECK_EQ(watch(c, rel, "t"), -EINVAL);
	CHECK_EQ(rd(&env->dom0, 0, path), -ENOENT);
	set_quota(env, "path-max", 5);
	CHECK_EQ(rd(c, 0, "12345"), -ENOENT);
	CHECK_EQ(rd(c, 0, "123456"), -EINVAL);
	env_destroy(env);
}

TEST(store_quota_node_size)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];
	char value[4001], path[64];
	u32 i, fit = 0;

	memset(value, 'v', sizeof(value));
	value[2048] = 0;
	CHECK_EQ(wr(c, 0, "big", value), -ENOSPC);
	CHECK_EQ(rd(c, 0, "big"), -ENOENT);
	value[1990] = 0;
	CHECK_EQ(wr(c, 0, "big", value), 0);
	value[1990] = 'v';
	value[2048] = 0;
	CHECK_EQ(wr(c, 0, "big", value), -ENOSPC);
	CHECK_EQ(rd(c, 0, "big"), 0);
	CHECK_EQ(c->len, 1990);
	/* Names of children count, and permissions. */
	for (i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "dir/abcdefgh%04u", i);
		if (!mkd(c, 0, path))
			fit++;
	}
	CHECK(fit >= 140 && fit <= 160);
	CHECK_EQ(mkd(c, 0, path), -ENOSPC);
	CHECK_EQ(setp(c, 0, "big", "n1 r2 r2 r2 r2"), 0);
	/* dom0 may do what it likes, then the guest cannot change it, but remove it. */
	value[2048] = 'v';
	value[4000] = 0;
	CHECK_EQ(wr(&env->dom0, 0, "/local/domain/1/big", value), 0);
	CHECK_EQ(setp(c, 0, "big", "n1"), -ENOSPC);
	CHECK_EQ(mkd(c, 0, "big/kid"), -ENOSPC);
	CHECK_EQ(rm(c, 0, "big"), 0);
	CHECK(consistent(env));
	env_destroy(env);
}

TEST(store_quota_memory)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];
	char value[1901], path[64];
	long before = memory_of(env, 1);
	u32 i, tx, stored = 0;

	memset(value, 'v', sizeof(value));
	value[1900] = 0;
	set_quota(env, "memory", 100000);
	for (i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "%u", i);
		if (!wr(c, 0, path, value))
			stored++;
		else
			CHECK_STR(c->reply, "ENOMEM");
	}
	CHECK(stored >= 45 && stored <= 52);
	CHECK(memory_of(env, 1) <= 100000);
	value[10] = 0;
	CHECK_EQ(wr(c, 0, "1", value), 0);
	/* Watches and transactions are charged too. */
	set_quota(env, "memory", memory_of(env, 1));
	CHECK_EQ(watch(c, "x", "t"), -ENOMEM);
	CHECK_EQ(reqs(c, XS_TRANSACTION_START, 0, "|"), -ENOMEM);
	set_quota(env, "memory", memory_of(env, 1) + sizeof(struct xenemu_txn));
	tx = start(c);
	CHECK_EQ(rd(c, tx, "x"), -ENOMEM);
	CHECK_EQ(commit(c, tx), -ENOMEM);
	set_quota(env, "memory", memory_of(env, 1));
	CHECK_EQ(wr(c, 0, "new", "x"), -ENOMEM);
	/* Removing goes on. */
	for (i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "%u", i);
		CHECK_EQ(rm(c, 0, path), 0);
	}
	CHECK_EQ(memory_of(env, 1), before);
	/* And with everything given back, nothing is charged any more. */
	CHECK_EQ(watch(c, "x", "t"), 0);
	tx = start(c);
	CHECK_EQ(wr(c, tx, "a/b/c", "d"), 0);
	CHECK(memory_of(env, 1) > before);
	CHECK_EQ(rollback(c, tx), 0);
	CHECK_EQ(reqs(c, XS_RESET_WATCHES, 0, "|"), 0);
	events(c);
	CHECK_EQ(memory_of(env, 1), before);
	CHECK_EQ(rm(&env->dom0, 0, "/local/domain/1"), 0);
	CHECK_EQ(memory_of(env, 1), 0);
	env_destroy(env);
}

/* Nodes that only transactions know are charged too, all together. */
TEST(store_quota_memory_of_transactions)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];
	char value[1901], path[64];
	long before, most = 0, during = 0;
	u32 tx[10], i, k, written = 0;

	memset(value, 'v', sizeof(value));
	value[1900] = 0;
	for (i = 0; i < 500; i++) {
		snprintf(path, sizeof(path), "%u/%u", i / 30, i);
		CHECK_EQ(wr(c, 0, path, value), 0);
	}
	before = memory_of(env, 1);
	for (k = 0; k < 10; k++) {
		if (reqs(c, XS_TRANSACTION_START, 0, "|"))
			break;
		tx[k] = strtoul(c->reply, NULL, 10);
		for (i = 0; i < 500; i++) {
			snprintf(path, sizeof(path), "%u/%u", i / 30, i);
			value[0] = 'a' + k;
			if (wr(c, tx[k], path, value))
				break;
			written++;
			most = max(most, memory_of(env, 1));
		}
		if (!k)
			during = memory_of(env, 1) - before;
	}
	/* The first has copied all nodes, the second some, and then there was no third. */
	CHECK_EQ(k, 2);
	CHECK(during > 500 * 1900 && during < 500 * 2300);
	CHECK(written > 700 && written < 900);
	CHECK(most <= 2621440 + 4096);
	CHECK_EQ(commit(c, tx[1]), -ENOMEM);
	CHECK_EQ(memory_of(env, 1), before + during);
	/* As many as fit can be committed: then they replace the old ones. */
	CHECK_EQ(commit(c, tx[0]), 0);
	CHECK_EQ(memory_of(env, 1), before);
	/* What it writes again and again, or removes, it does not pay for again. */
	tx[0] = start(c);
	for (i = 0; i < 5000; i++) {
		CHECK_EQ(wr(c, tx[0], "again", value), 0);
		CHECK_EQ(mkd(c, tx[0], "x/y/z"), 0);
		CHECK_EQ(rm(c, tx[0], "x"), 0);
	}
	CHECK(memory_of(env, 1) < before + 5000 + sizeof(struct xenemu_txn));
	CHECK_EQ(rm(c, tx[0], "again"), 0);
	CHECK_EQ(commit(c, tx[0]), 0);
	CHECK_EQ(memory_of(env, 1), before);
	CHECK(consistent(env));
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

TEST(store_quota_outstanding)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;
	u32 i, wakes;

	for (i = 0; xenemu_conn_may_accept(c->conn); i++)
		CHECK_EQ(post(c, XS_READ, 0, "x|"), 0);
	CHECK_EQ(i, 20);
	CHECK(xenemu_conn_may_accept(env->guest[2].conn));
	wakes = c->wakes;
	drain(c);
	CHECK(c->wakes > wakes);
	CHECK(xenemu_conn_may_accept(c->conn));
	set_quota(env, "outstanding", 5);
	for (i = 0; xenemu_conn_may_accept(c->conn); i++)
		CHECK_EQ(post(c, XS_READ, 0, "x|"), 0);
	CHECK_EQ(i, 5);
	wakes = c->wakes;
	set_quota(env, "outstanding", 6);
	CHECK(c->wakes > wakes);
	CHECK(xenemu_conn_may_accept(c->conn));
	drain(c);
	set_quota(env, "outstanding", 0);
	for (i = 0; i < 100; i++) {
		CHECK(xenemu_conn_may_accept(c->conn));
		CHECK_EQ(post(c, XS_READ, 0, "x|"), 0);
	}
	drain(c);
	set_quota(env, "outstanding", 20);

	/* Events that others do not read are on the account of who caused them. */
	CHECK_EQ(watch(d, "/local/domain/1", "w"), 0);
	events(d);
	for (i = 0; xenemu_conn_may_accept(c->conn) && i < 100; i++) {
		char path[16];

		snprintf(path, sizeof(path), "n%u", i);
		CHECK_EQ(wr(c, 0, path, "x"), 0);
	}
	CHECK_EQ(i, 20);
	CHECK(xenemu_conn_may_accept(d->conn));
	wakes = c->wakes;
	drain(d);
	CHECK(c->wakes > wakes);
	CHECK(xenemu_conn_may_accept(c->conn));
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

/* A new domain with an old number begins with nothing on its account. */
TEST(store_quota_new_domain)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;
	u32 k;

	for (k = 0; k < 50; k++) {
		CHECK_EQ(mkd(c, 0, "a/b/c"), 0);
		CHECK_EQ(watch(c, "x", "t"), 0);
		start(c);
		xenemu_store_del_domain(env->store, 1);
		client_close(c);
		CHECK_EQ(xenemu_store_add_domain(env->store, 1), 0);
		client_open(env, c, 1, XENEMU_CONN_RING);
		CHECK_EQ(mkd(d, 0, "/local/domain/1"), 0);
		CHECK_EQ(setp(d, 0, "/local/domain/1", "n1"), 0);
		CHECK_EQ(nodes_of(env, 1), 1);
	}
	CHECK(consistent(env));
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

/* What runs into each limit, for a guest; with a value that is too large for the limit. */
static int use_nodes(struct client *c)
{
	return mkd(c, 0, "n1/n2");
}

static int use_watches(struct client *c)
{
	return watch(c, "w1", "t") ?: watch(c, "w2", "t");
}

static int use_outstanding(struct client *c)
{
	int ret = 0;
	u32 i;

	for (i = 0; i < 2 && !ret; i++)
		ret = xenemu_conn_may_accept(c->conn) ? post(c, XS_READ, 0, "x|") : -EBUSY;
	drain(c);
	return ret;
}

static int use_memory(struct client *c)
{
	return wr(c, 0, "m", "value");
}

static int use_transactions(struct client *c)
{
	return reqs(c, XS_TRANSACTION_START, 0, "|") ?: reqs(c, XS_TRANSACTION_START, 0, "|");
}

static int use_transaction_nodes(struct client *c)
{
	u32 tx = start(c);
	int ret = rd(c, tx, "t1");

	if (ret == -ENOENT)
		ret = rd(c, tx, "t2");
	rollback(c, tx);
	return ret == -ENOENT ? 0 : ret;
}

static int use_node_permissions(struct client *c)
{
	char perms[16];

	snprintf(perms, sizeof(perms), "n%u r0", c->domid);
	return setp(c, 0, "p", perms);
}

static int use_path_max(struct client *c)
{
	return mkd(c, 0, "123456789");
}

static int use_node_size(struct client *c)
{
	return wr(c, 0, "s", "0123456789012345678901234567890123456789");
}

/*
 * Each quota of each domain alone: who is over it is refused what needs more of it, and
 * nobody else; none at all if it is 0; and dom0 never is.
 */
TEST(store_quota_of_one_domain)
{
	static const struct {
		const char *name;
		u32 limit;
		int (*use)(struct client *c);
		int error;
	} row[] = {
		{ "nodes", 3, use_nodes, -ENOSPC },
		{ "watches", 1, use_watches, -ENOSPC },
		{ "outstanding", 1, use_outstanding, -EBUSY },
		{ "memory", 1, use_memory, -ENOMEM },
		{ "soft-memory", 1, use_memory, 0 },
		{ "transactions", 1, use_transactions, -ENOSPC },
		{ "transaction-nodes", 1, use_transaction_nodes, -ENOSPC },
		{ "node-permissions", 1, use_node_permissions, -ENOSPC },
		{ "path-max", 8, use_path_max, -EINVAL },
		{ "node-size", 60, use_node_size, -ENOSPC },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(row); i++) {
		struct env *env = env_create();
		struct client *c = &env->guest[1], *d = &env->dom0;
		char text[64];

		CHECK_EQ(mkd(c, 0, "p"), 0);
		CHECK_EQ(mkd(&env->guest[2], 0, "p"), 0);
		CHECK_EQ(mkd(&env->guest[3], 0, "p"), 0);
		CHECK_EQ(mkd(d, 0, "p"), 0);
		snprintf(text, sizeof(text), "1|%s|%u|", row[i].name, row[i].limit);
		CHECK_EQ(reqs(d, XENEMU_XS_SET_QUOTA, 0, text), 0);
		snprintf(text, sizeof(text), "1|%s|", row[i].name);
		CHECK_EQ(reqs(d, XENEMU_XS_GET_QUOTA, 0, text), 0);
		CHECK_EQ(strtoul(d->reply, NULL, 10), row[i].limit);
		CHECK_EQ(row[i].use(c), row[i].error);
		CHECK_EQ(row[i].use(&env->guest[2]), 0);
		CHECK_EQ(reqs(c, XS_RESET_WATCHES, 0, "|"), 0);
		snprintf(text, sizeof(text), "1|%s|0|", row[i].name);
		CHECK_EQ(reqs(d, XENEMU_XS_SET_QUOTA, 0, text), 0);
		CHECK_EQ(row[i].use(c), 0);
		/* In general: for those that have no limit of their own. */
		snprintf(text, sizeof(text), "%s|%u|", row[i].name, row[i].limit);
		CHECK_EQ(reqs(d, XENEMU_XS_SET_QUOTA, 0, text), 0);
		CHECK_EQ(row[i].use(&env->guest[3]), row[i].error);
		CHECK_EQ(row[i].use(d), 0);
		CHECK(consistent(env));
		env_destroy(env);
		CHECK_EQ(shim_live_allocs, 0);
	}
}

/* What CONTROL quota tells of the most that was ever used. */
TEST(store_quota_largest_values)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;

	CHECK_EQ(reqs(d, XS_CONTROL, 0, "quota|max|-r|"), 0);
	CHECK(strstr(d->reply, "nodes            :        0\n"));
	CHECK_EQ(mkd(c, 0, "a/b/c"), 0);
	CHECK_EQ(rm(c, 0, "a"), 0);
	CHECK_EQ(watch(c, "w", "t"), 0);
	CHECK_EQ(reqs(d, XS_CONTROL, 0, "quota|max|"), 0);
	CHECK(strstr(d->reply, "nodes            :        4\n"));
	CHECK(strstr(d->reply, "watches          :        1\n"));
	CHECK_EQ(reqs(d, XS_CONTROL, 0, "quota|1|"), 0);
	CHECK(strstr(d->reply, "nodes            :        1 (max        4)\n"));
	CHECK_EQ(reqs(d, XS_CONTROL, 0, "quota|2|"), 0);
	CHECK(!strstr(d->reply, "(max        4)"));
	env_destroy(env);
}
