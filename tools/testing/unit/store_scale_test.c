// SPDX-License-Identifier: GPL-2.0-only
/*
 * What operations cost in a large store, counted in allocations, hash values and steps,
 * and not in time. The cost must be that in a small one.
 */
#include "store_env.h"

#define NR_DOMAINS	1000
#define NR_GUEST_NODES	40	/* of each domain, below its home */
#define NR_NODES	60	/* with those of dom0 on its behalf */
#define NR_WATCHES	10

struct cost {
	unsigned long allocs;
	unsigned long hashes;
	unsigned long steps;
};

static struct cost cost_of(void)
{
	return (struct cost) { shim_allocs, shim_hashes, shim_steps };
}

static struct cost since(struct cost start)
{
	return (struct cost) {
		shim_allocs - start.allocs, shim_hashes - start.hashes,
		shim_steps - start.steps,
	};
}

/* A domain as a toolstack makes it, with what its drivers write and watch. */
static void make_domain(struct env *env, struct client *c, u32 domid)
{
	struct client *d = &env->dom0;
	char path[96];
	u32 i;

	CHECK_EQ(xenemu_store_add_domain(env->store, domid), 0);
	snprintf(path, sizeof(path), "/local/domain/%u", domid);
	CHECK_EQ(mkd(d, 0, path), 0);
	snprintf(path, sizeof(path), "/local/domain/%u/device", domid);
	CHECK_EQ(mkd(d, 0, path), 0);
	snprintf(path, sizeof(path), "/local/domain/%u/device|n%u|", domid, domid);
	CHECK_EQ(reqs(d, XS_SET_PERMS, 0, path), 0);
	snprintf(path, sizeof(path), "%u|1|1|", domid);
	CHECK_EQ(reqs(d, XS_INTRODUCE, 0, path), 0);
	client_open(env, c, domid, XENEMU_CONN_RING);
	c->direct = true;
	for (i = 2; i < NR_GUEST_NODES; i++) {
		snprintf(path, sizeof(path), "device/%s/%u", i % 3 ? "vbd" : "vif", i);
		CHECK_EQ(wr(c, 0, path, "1"), 0);
	}
	for (; i < NR_NODES; i++) {
		snprintf(path, sizeof(path), "/local/domain/0/backend/vbd/%u/%u", domid, i);
		CHECK_EQ(wr(d, 0, path, "1"), 0);
	}
	for (i = 0; i < NR_WATCHES; i++) {
		snprintf(path, sizeof(path), "/local/domain/0/backend/vbd/%u/%u", domid, i);
		CHECK_EQ(watch(c, path, "t"), 0);
	}
	c->events[0] = 0;
	c->order[0] = 0;
}

static struct cost write_cost(struct client *c)
{
	struct cost start;

	CHECK_EQ(wr(c, 0, "device/vbd/4", "2"), 0);
	start = cost_of();
	CHECK_EQ(wr(c, 0, "device/vbd/4", "3"), 0);
	return since(start);
}

static struct cost read_cost(struct client *c)
{
	struct cost start = cost_of();

	CHECK_EQ(rd(c, 0, "device/vbd/4"), 0);
	return since(start);
}

static struct cost txn_cost(struct client *c)
{
	struct cost from = cost_of();
	u32 tx = start(c);

	CHECK_EQ(rd(c, tx, "device/vbd/4"), 0);
	CHECK_EQ(wr(c, tx, "device/vbd/5", "5"), 0);
	CHECK_EQ(commit(c, tx), 0);
	return since(from);
}

static struct cost death_cost(struct env *env, u16 domid)
{
	struct cost start = cost_of();

	xenemu_store_del_domain(env->store, domid);
	return since(start);
}

static void check_same(const char *what, struct cost large, struct cost small)
{
	printf("# %s: %lu allocations, %lu hash values, %lu steps\n", what, large.allocs,
	       large.hashes, large.steps);
	CHECK_EQ(large.allocs, small.allocs);
	CHECK_EQ(large.hashes, small.hashes);
	CHECK_EQ(large.steps, small.steps);
}

TEST(store_scale_domains)
{
	struct client *c = calloc(NR_DOMAINS + 1, sizeof(*c)), *one = calloc(1, sizeof(*one));
	struct env *env = env_create_bare(), *small = env_create_bare();
	struct cost cost, base;
	struct xenemu_store_stats stats;
	u32 i;

	env->dom0.direct = small->dom0.direct = true;
	make_domain(small, one, 1);
	for (i = 1; i <= NR_DOMAINS; i++)
		make_domain(env, &c[i], i);
	xenemu_store_get_stats(env->store, &stats);
	CHECK_EQ(stats.domains, NR_DOMAINS + 1);
	CHECK(stats.nodes >= NR_DOMAINS * NR_NODES);
	CHECK_EQ(stats.watches, NR_DOMAINS * NR_WATCHES);
	printf("# %u domains: %llu nodes of %llu bytes each\n", NR_DOMAINS, stats.nodes,
	       stats.memory / stats.nodes);

	check_same("read", read_cost(&c[500]), read_cost(one));
	check_same("write", write_cost(&c[500]), write_cost(one));

	/* In a transaction, each level of the tree on the way is a copy. */
	cost = txn_cost(&c[500]);
	base = txn_cost(one);
	printf("# transaction: %lu allocations, %lu hash values, %lu steps\n", cost.allocs,
	       cost.hashes, cost.steps);
	CHECK(cost.allocs <= base.allocs + 4);
	CHECK_EQ(cost.hashes, base.hashes);
	CHECK_EQ(cost.steps, base.steps);

	/* A domain dies: it takes its own nodes, and a look at each home. */
	base = death_cost(small, 1);
	cost = death_cost(env, 500);
	printf("# death of one of %u: %lu steps, %lu allocations\n", NR_DOMAINS, cost.steps,
	       cost.allocs);
	CHECK(cost.steps <= base.steps + 4);
	CHECK(cost.allocs <= base.allocs + 8);
	CHECK_EQ(rd(&env->dom0, 0, "/local/domain/500/device"), -ENOENT);
	CHECK_EQ(rd(&env->dom0, 0, "/local/domain/501/device"), 0);
	CHECK(consistent(env));

	for (i = 1; i <= NR_DOMAINS; i++)
		client_close(&c[i]);
	client_close(one);
	env_destroy(env);
	env_destroy(small);
	free(c);
	free(one);
	CHECK_EQ(shim_live_allocs, 0);
}

/* dom0's directory of 100,000: each change costs its depth. */
TEST(store_scale_directory)
{
	struct env *env = env_create();
	struct client *d = &env->dom0;
	const u32 nr = 100000;
	struct cost cost, from;
	char path[32];
	u32 i, tx;

	d->direct = true;
	for (i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), "/many/%u", i);
		CHECK_EQ(wr(d, 0, path, "v"), 0);
	}
	from = cost_of();
	CHECK_EQ(wr(d, 0, "/many/12345", "new"), 0);
	CHECK_EQ(wr(d, 0, "/many/x", "new"), 0);
	CHECK_EQ(rm(d, 0, "/many/x"), 0);
	cost = since(from);
	/* The node, and four chunks, perhaps split. */
	CHECK(cost.allocs <= 3 * 9);
	CHECK(cost.steps <= 3);

	from = cost_of();
	tx = start(d);
	CHECK_EQ(wr(d, tx, "/many/y", "new"), 0);
	CHECK_EQ(wr(d, 0, "/many/z", "new"), 0);
	CHECK_EQ(commit(d, tx), 0);
	cost = since(from);
	CHECK(cost.allocs <= 60);

	/* Nobody's death has to do with it. */
	CHECK_EQ(wr(&env->guest[1], 0, "a/b", "x"), 0);
	from = cost_of();
	xenemu_store_del_domain(env->store, 1);
	cost = since(from);
	CHECK(cost.steps < 20);
	/* Nor if one of the many is the guest's. */
	CHECK_EQ(setp(d, 0, "/many/54321", "n2"), 0);
	CHECK_EQ(wr(&env->guest[2], 0, "/many/54321/x", "x"), 0);
	from = cost_of();
	xenemu_store_del_domain(env->store, 2);
	cost = since(from);
	CHECK(cost.steps < 20);
	CHECK_EQ(rd(d, 0, "/many/54321"), -ENOENT);
	CHECK(consistent(env));
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

/* What a node costs, the list it is in included: Documentation/virt/xenemu/xenstore.rst. */
TEST(store_scale_memory)
{
	struct env *env = env_create_bare();
	struct client *d = &env->dom0;
	struct xenemu_store_stats before, after;
	const u32 nr = 10000;
	char path[64];
	u32 i;

	d->direct = true;
	CHECK_EQ(mkd(d, 0, "/x"), 0);
	xenemu_store_get_stats(env->store, &before);
	/* Eight to a directory, as drivers do it. */
	for (i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), "/x/dev%04u/name%04u", i / 8, i);
		CHECK_EQ(wr(d, 0, path, "value"), 0);
	}
	xenemu_store_get_stats(env->store, &after);
	i = (after.memory - before.memory) / (after.nodes - before.nodes);
	printf("# a node: %zu bytes, a list: %zu; with 8 bytes of name, 5 of value: %u\n",
	       sizeof(struct xenemu_node), sizeof(struct xenemu_kids), i);
	CHECK(i <= 48 + 8 + 5 + 16);
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}
