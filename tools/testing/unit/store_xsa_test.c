// SPDX-License-Identifier: GPL-2.0-only
/*
 * What Xen's security advisories found in its XenStores, by their numbers.
 */
#include "store_env.h"
#include "store/ring_core.h"

static void recreate(struct env *env, u16 domid)
{
	xenemu_store_del_domain(env->store, domid);
	client_close(&env->guest[domid]);
	CHECK_EQ(xenemu_store_add_domain(env->store, domid), 0);
	client_open(env, &env->guest[domid], domid, XENEMU_CONN_RING);
}

/* Whatever a guest writes to the indices of its ring, nothing outside it is touched. */
TEST(store_xsa_38)
{
	static const u32 edge[] = {
		0, 1, 1022, 1023, 1024, 1025, 2047, 2048, 0x7fffffff, 0x80000000, 0x80000001,
		0xfffffbff, 0xfffffc00, 0xfffffc01, 0xfffffffe, 0xffffffff,
	};
	struct xenstore_domain_interface *ring = malloc(sizeof(*ring));
	struct xenemu_incoming *in = malloc(sizeof(*in));
	u32 i, k, prod;
	char *to;

	memset(ring, 0, sizeof(*ring));
	for (i = 0; i < ARRAY_SIZE(edge); i++) {
		for (k = 0; k < ARRAY_SIZE(edge); k++) {
			u32 used = edge[k] - edge[i];
			bool moved = false;
			int ret;

			memset(in, 0, sizeof(*in));
			ring->req_cons = ring->rsp_cons = edge[i];
			ring->req_prod = ring->rsp_prod = edge[k];
			ret = xenemu_ring_core_pull(ring, in, &moved);
			/* Zeroes are requests without a body, of a header each. */
			CHECK_EQ(ret, used > XENSTORE_RING_SIZE ? -ERANGE :
						used >= sizeof(in->hdr));
			CHECK(ring->req_cons - edge[i] <= sizeof(in->hdr));
			ret = xenemu_ring_core_space(ring, &to, &prod);
			CHECK(ret == -ERANGE ? used > XENSTORE_RING_SIZE :
					       ret <= (int)(XENSTORE_RING_SIZE - used));
			if (ret > 0)
				memset(to, 0, ret);
		}
	}
	free(ring);
	free(in);
}

/* A reply that is too long is an error, not the end. */
TEST(store_xsa_72)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;
	char path[64];
	u32 i;

	for (i = 0; i < 600; i++) {
		snprintf(path, sizeof(path), "/local/domain/1/big/%08u", i);
		CHECK_EQ(mkd(d, 0, path), 0);
	}
	CHECK_EQ(ls(c, 0, "big"), -E2BIG);
	CHECK_EQ(rd(c, 0, "big"), 0);
	env_destroy(env);
}

/* Events for what cannot be read; operations that anybody could use; accounting. */
TEST(store_xsa_115)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *o = &env->guest[2];
	char value[3000];

	CHECK_EQ(watch(c, "/local/domain/2/a/b", "t"), 0);
	CHECK_EQ(watch(c, "/local", "t"), 0);
	events(c);
	CHECK_EQ(wr(o, 0, "a/b", "x"), 0);
	CHECK_EQ(rm(o, 0, "a"), 0);
	CHECK_STR(events(c), "");
	CHECK_EQ(reqs(c, XS_WATCH, 1234, "x|t|"), 0);
	CHECK_EQ(reqs(c, XS_IS_DOMAIN_INTRODUCED, 0, "2|"), -EACCES);
	/* A failed create leaves no node and no charge. */
	memset(value, 'v', sizeof(value));
	value[2999] = 0;
	CHECK_EQ(wr(c, 0, "p/q/r", value), -ENOSPC);
	CHECK_EQ(rd(c, 0, "p"), -ENOENT);
	CHECK_EQ(nodes_of(env, 1), 1);
	CHECK_EQ(wr(c, 0, "p/q/r", "x"), 0);
	CHECK_EQ(nodes_of(env, 1), 4);
	CHECK(consistent(env));
	env_destroy(env);
}

/*
 * A guest writes all the time to what another guest's transactions read; these take ten
 * milliseconds each, and get through.
 */
TEST(store_xsa_206)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *o = &env->guest[2];
	u32 failed = 0, done = 0, written = 0, tx = 0, ms;

	CHECK_EQ(wr(c, 0, "x", "0"), 0);
	CHECK_EQ(setp(c, 0, "x", "r1"), 0);
	for (ms = 0; done < 100; ms++) {
		if (ms % 10 == 0) {
			tx = start(o);
			CHECK_EQ(rd(o, tx, "/local/domain/1/x"), 0);
			CHECK_EQ(wr(o, tx, "result", "done"), 0);
		}
		shim_now += NSEC_PER_MSEC;
		xenemu_store_tick(env->store);
		if (xenemu_conn_may_accept(c->conn)) {
			CHECK_EQ(wr(c, 0, "x", "1"), 0);
			written++;
		}
		if (ms % 10 == 9) {
			if (commit(o, tx))
				failed++;
			else
				done++;
		}
	}
	/* Of five tries one or two are in vain, and the writer is not stopped. */
	printf("# %u done, %u failed, %u writes in %u ms\n", done, failed, written, ms);
	CHECK(failed < 60);
	CHECK(written > 50);
	/* Writes to where nobody looks are never held up. */
	shim_now += NSEC_PER_SEC;
	tx = start(o);
	CHECK_EQ(rd(o, tx, "/local/domain/1/x"), 0);
	for (ms = 0; ms < 1000; ms++) {
		CHECK(xenemu_conn_may_accept(c->conn));
		CHECK_EQ(wr(c, 0, "y", "1"), 0);
	}
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

/* INTRODUCE, RELEASE, SET_TARGET, creation and destruction in any order. */
TEST(store_xsa_233)
{
	struct env *env = env_create();
	u32 i;

	for (i = 0; i < 20000; i++) {
		u16 a = 1 + random_below(3), b = 1 + random_below(3);
		char text[32];

		switch (random_below(7)) {
		case 0:
			xenemu_store_del_domain(env->store, a);
			break;
		case 1:
			recreate(env, a);
			break;
		case 2:
			snprintf(text, sizeof(text), "%u|1|1|", a);
			reqs(&env->dom0, XS_INTRODUCE, 0, text);
			break;
		case 3:
			snprintf(text, sizeof(text), "%u|", a);
			reqs(&env->dom0, XS_RELEASE, 0, text);
			break;
		case 4:
			snprintf(text, sizeof(text), "%u|%u|", a, b);
			reqs(&env->dom0, XS_SET_TARGET, 0, text);
			break;
		case 5:
			xenemu_store_shutdown_domain(env->store, a);
			break;
		case 6:
			if (!xenemu_conn_is_dead(env->guest[a].conn))
				wr(&env->guest[a], 0, "/local/domain/2/x", "y");
			break;
		}
	}
	CHECK(consistent(env));
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

/* Nodes are charged to their owner, however they came to it. */
TEST(store_xsa_272)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;

	CHECK_EQ(mkd(d, 0, "/t/u"), 0);
	CHECK_EQ(setp(d, 0, "/t/u", "n1"), 0);
	CHECK_EQ(nodes_of(env, 1), 2);
	CHECK_EQ(setp(d, 0, "/t/u", "n2 b1"), 0);
	CHECK_EQ(nodes_of(env, 1), 1);
	CHECK_EQ(nodes_of(env, 2), 2);
	/* Guest 1 creates below guest 2's node: its own, on its own account. */
	CHECK_EQ(mkd(c, 0, "/t/u/v/w"), 0);
	CHECK_EQ(nodes_of(env, 1), 3);
	CHECK_EQ(nodes_of(env, 2), 2);
	CHECK_EQ(rm(&env->guest[2], 0, "/t/u"), 0);
	CHECK_EQ(nodes_of(env, 1), 1);
	CHECK_EQ(nodes_of(env, 2), 1);
	CHECK(consistent(env));
	env_destroy(env);
}

/* A domain must not inherit what an earlier one with its number had. */
TEST(store_xsa_322)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0, *o = &env->guest[2];

	CHECK_EQ(wr(d, 0, "/t", "x"), 0);
	CHECK_EQ(setp(d, 0, "/t", "n0 b1"), 0);
	CHECK_EQ(wr(o, 0, "u", "x"), 0);
	CHECK_EQ(setp(o, 0, "u", "n2 b1 r3"), 0);
	CHECK_EQ(rd(c, 0, "/t"), 0);
	CHECK_EQ(wr(c, 0, "mine", "secret"), 0);
	CHECK_EQ(setp(c, 0, "mine", "r1 r2"), 0);
	recreate(env, 1);
	CHECK_EQ(rd(c, 0, "/t"), -EACCES);
	CHECK_EQ(wr(c, 0, "/t", "y"), -EACCES);
	CHECK_EQ(rd(c, 0, "/local/domain/2/u"), -EACCES);
	CHECK_EQ(rd(d, 0, "/local/domain/1"), -ENOENT);
	CHECK_EQ(getp(d, 0, "/t"), 0);
	CHECK_STR(d->reply, "n0 ");
	CHECK_EQ(getp(d, 0, "/local/domain/2/u"), 0);
	CHECK_STR(d->reply, "n2 r3 ");
	/* Nor by what is created below later, which copies permissions. */
	CHECK_EQ(setp(d, 0, "/t", "b0 b1"), 0);
	recreate(env, 1);
	CHECK_EQ(setp(d, 0, "/t", "b0"), 0);
	CHECK_EQ(setp(d, 0, "/t", "n0 b2 b1"), 0);
	recreate(env, 1);
	CHECK_EQ(mkd(o, 0, "/t/new"), 0);
	CHECK_EQ(rd(c, 0, "/t/new"), -EACCES);
	/* Nor through an old transaction. */
	CHECK_EQ(setp(d, 0, "/t", "n0 b1"), 0);
	recreate(env, 1);
	CHECK_EQ(setp(d, 0, "/t", "n0 b1"), 0);
	CHECK_EQ(rd(c, 0, "/t"), 0);
	CHECK(consistent(env));
	env_destroy(env);
}

/* Whatever a guest creates, dom0 can name and remove. */
TEST(store_xsa_323)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;
	char path[XENSTORE_PAYLOAD_MAX], *rel = path + 16;
	u32 i;

	memset(path, 'p', sizeof(path));
	memcpy(path, "/local/domain/1/", 16);
	for (i = 20; i < sizeof(path); i += 20)
		path[i] = '/';
	for (i = 2030; i < 2060; i++) {
		char keep = rel[i];

		rel[i] = 0;
		if (rel[i - 1] != '/' && !wr(c, 0, rel, "x")) {
			CHECK_EQ(rd(d, 0, path), 0);
			CHECK_EQ(rm(d, 0, path), 0);
		}
		rel[i] = keep;
	}
	env_destroy(env);
}

/* An event that is too long for a message. */
TEST(store_xsa_324)
{
	struct env *env = env_create();
	struct client *d = &env->dom0;
	char path[XENSTORE_ABS_PATH_MAX + 1], token[1100];

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[2000] = '/';
	path[XENSTORE_ABS_PATH_MAX] = 0;
	memset(token, 't', sizeof(token));
	token[1099] = 0;
	path[2000] = 0;
	CHECK_EQ(watch(d, path, token), 0);
	path[2000] = '/';
	events(d);
	CHECK_EQ(wr(d, 0, path, "x"), 0);
	CHECK_STR(events(d), "");
	path[2000] = 0;
	CHECK_EQ(rm(d, 0, path), 0);
	CHECK(strlen(events(d)) > 3000);
	env_destroy(env);
}

/* A client that broke the protocol still has an end. */
TEST(store_xsa_325)
{
	struct env *env = env_create();
	struct client *d = &env->dom0;

	CHECK_EQ(watch(d, "@releaseDomain", "r"), 0);
	events(d);
	xenemu_conn_kill(env->guest[1].conn);
	CHECK_EQ(rd(d, 0, "/local/domain/1"), 0);
	xenemu_store_shutdown_domain(env->store, 1);
	xenemu_store_del_domain(env->store, 1);
	CHECK_STR(events(d), "@releaseDomain r;@releaseDomain r;");
	CHECK_EQ(rd(d, 0, "/local/domain/1"), -ENOENT);
	env_destroy(env);
}

/* Memory: replies and events not read, large transactions, nodes, watches. */
TEST(store_xsa_326)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *o = &env->guest[2];
	char value[1901], path[2048];
	long live;
	u32 i, k;

	memset(value, 'v', sizeof(value));
	value[1900] = 0;
	CHECK_EQ(wr(c, 0, "big", value), 0);
	CHECK_EQ(setp(c, 0, "/local/domain/1", "b1"), 0);
	for (i = 0; i < 128; i++) {
		memset(path, 'w', sizeof(path));
		snprintf(path, sizeof(path), "/local/domain/1/%u", i % 4);
		snprintf(value, sizeof(value), "token%u", i);
		if (watch(o, path, value))
			break;
	}
	events(o);
	live = shim_live_allocs;
	for (i = 0; i < 10000; i++) {
		if (!xenemu_conn_may_accept(c->conn))
			break;
		CHECK_EQ(post(c, XS_READ, 0, "big|"), 0);
	}
	CHECK_EQ(i, 20);
	drain(c);
	CHECK_EQ(shim_live_allocs, live);
	for (i = 0; xenemu_conn_may_accept(c->conn) && i < 10000; i++) {
		snprintf(path, sizeof(path), "%u/%u", i % 4, i);
		CHECK_EQ(wr(c, 0, path, "x"), 0);
	}
	CHECK_EQ(i, 20);
	CHECK_EQ(o->conn->nr_replies, 0);
	CHECK(o->conn->out_mem < 20 * 128 * 400);
	drain(o);

	/* Deep paths make watches and nodes dear, which is charged. */
	for (i = 0; i < sizeof(path); i++)
		path[i] = i % 2 ? '/' : 'd';
	path[2047] = 0;
	for (i = 0; i < 128; i++) {
		snprintf(value, sizeof(value), "t%u", i);
		if (watch(c, path, value))
			break;
	}
	CHECK(i > 10 && i < 40);
	CHECK(memory_of(env, 1) <= 2621440);
	CHECK_EQ(reqs(c, XS_RESET_WATCHES, 0, "|"), 0);
	events(c);
	for (k = 0; k < 10; k++) {
		u32 tx;

		if (reqs(c, XS_TRANSACTION_START, 0, "|"))
			break;
		tx = strtoul(c->reply, NULL, 10);
		for (i = 0; i < 1024; i++) {
			memset(path, 'x', sizeof(path));
			snprintf(path + 2000, 40, "%u", i);
			if (rd(c, tx, path) != -ENOENT)
				break;
		}
	}
	CHECK(memory_of(env, 1) <= 2621440);
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

TEST(store_xsa_330)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];
	long before = memory_of(env, 1);
	u32 i;

	c->direct = true;
	for (i = 0; i < 20000; i++) {
		CHECK_EQ(watch(c, "x", "t"), 0);
		CHECK_EQ(watch(c, "y", "t"), 0);
		CHECK_EQ(reqs(c, XS_RESET_WATCHES, 0, "|"), 0);
		c->events[0] = 0;
	}
	CHECK_EQ(memory_of(env, 1), before);
	env_destroy(env);
}

TEST(store_xsa_352)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];

	CHECK_EQ(mkd(c, 0, "x"), 0);
	CHECK_EQ(setp(c, 0, "x", "n2"), -EPERM);
	CHECK_EQ(setp(c, 0, "x", "n0"), -EPERM);
	CHECK_EQ(getp(c, 0, "x"), 0);
	CHECK_STR(c->reply, "n1 ");
	env_destroy(env);
}

TEST(store_xsa_353)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];

	CHECK_EQ(rd(c, 0, "/"), -EACCES);
	CHECK_EQ(ls(c, 0, "/"), -EACCES);
	CHECK_EQ(getp(c, 0, "/"), -EACCES);
	CHECK_EQ(wr(c, 0, "/", "x"), -EACCES);
	CHECK_EQ(mkd(c, 0, "/"), -EACCES);
	CHECK_EQ(rm(c, 0, "/"), -EACCES);
	CHECK_EQ(setp(c, 0, "/", "b1"), -EACCES);
	CHECK_EQ(mkd(c, 0, "/new"), -EACCES);
	env_destroy(env);
}

/* Whoever copies all that a guest has written copies no more than its quotas allow. */
TEST(store_xsa_354)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];
	const struct xenemu_node *stack[XENEMU_STORE_MAX_DEPTH], *node;
	char path[XENSTORE_ABS_PATH_MAX + 1], value[1901];
	const struct xenemu_path top = { .str = "" };
	u64 bytes = 0, nodes = 0;
	struct xenemu_walk walk;
	u32 i;

	memset(value, 'v', sizeof(value));
	value[1900] = 0;
	for (i = 0; i < 3000; i++) {
		snprintf(path, sizeof(path), "%u/%u/%u", i % 7, i % 11, i);
		wr(c, 0, path, value);
	}
	xenemu_walk_start(&walk, stack, path, env->store->top, &top);
	while ((node = xenemu_walk_next(&walk, true))) {
		if (xenemu_perms_owner(node->perms) != 1)
			continue;
		nodes++;
		bytes += node->name_len + node->value_len;
	}
	CHECK_EQ(nodes, 1000);
	CHECK(bytes > 1000000 && bytes < 2621440);
	env_destroy(env);
}

/* A create that fails in the middle leaves nothing. */
TEST(store_xsa_414)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];
	char *before, *after;
	u32 nth;

	CHECK_EQ(reqs(&env->dom0, XENEMU_XS_SET_QUOTA, 0, "nodes|4|"), 0);
	before = dump(env);
	CHECK_EQ(mkd(c, 0, "a/b/c/d"), -ENOSPC);
	after = dump(env);
	CHECK_STR(after, before);
	free(after);
	/* Nor if it is for want of memory, at any point. */
	for (nth = 1; nth < 100; nth++) {
		shim_fail_nth = nth;
		if (!mkd(c, 0, "a/b/c") && shim_fail_nth)
			break;
		shim_fail_nth = 0;
		if (rd(c, 0, "a/b/c") == -ENOENT)
			CHECK_EQ(rd(c, 0, "a"), -ENOENT);
		CHECK_EQ(rm(&env->dom0, 0, "/local/domain/1/a"), 0);
		CHECK(consistent(env));
	}
	shim_fail_nth = 0;
	CHECK(nth > 5 && nth < 100);
	free(before);
	CHECK_EQ(nodes_of(env, 1), 4);
	CHECK(consistent(env));
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

/* The same in a transaction, which then cannot be committed. */
TEST(store_xsa_415)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];
	char *before, *after;
	u32 tx, end;

	CHECK_EQ(reqs(&env->dom0, XENEMU_XS_SET_QUOTA, 0, "nodes|4|"), 0);
	before = dump(env);
	for (end = 0; end < 2; end++) {
		tx = start(c);
		CHECK_EQ(wr(c, tx, "first", "x"), 0);
		CHECK_EQ(mkd(c, tx, "a/b/c/d"), -ENOSPC);
		CHECK_EQ(rd(c, tx, "a"), -ENOENT);
		CHECK_EQ(end ? commit(c, tx) : rollback(c, tx), end ? -ENOMEM : 0);
		after = dump(env);
		CHECK_STR(after, before);
		free(after);
		CHECK_EQ(nodes_of(env, 1), 1);
	}
	free(before);
	CHECK_EQ(mkd(c, 0, "a/b/c"), 0);
	CHECK(consistent(env));
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

/* What a request needs while it is carried out is not kept until its reply is read. */
TEST(store_xsa_416)
{
	static const char * const body[] = { "big|", "/local/domain/1|", "none|", "big|n1|" };
	static const u32 type[] = { XS_READ, XS_DIRECTORY, XS_MKDIR, XS_SET_PERMS };
	struct env *env = env_create();
	struct client *c = &env->guest[1];
	char value[1901];
	u32 i, k;

	memset(value, 'v', sizeof(value));
	value[1900] = 0;
	CHECK_EQ(wr(c, 0, "big", value), 0);
	CHECK_EQ(mkd(c, 0, "none"), 0);
	for (i = 0; i < ARRAY_SIZE(type); i++) {
		long live = shim_live_allocs, mem = memory_of(env, 1);

		for (k = 0; xenemu_conn_may_accept(c->conn); k++)
			CHECK_EQ(post(c, type[i], 0, body[i]), 0);
		CHECK_EQ(k, 20);
		/* A reply and a record for each; permissions once. */
		CHECK(shim_live_allocs - live <= 2 * 20 + 1);
		CHECK(memory_of(env, 1) - mem >= 20 * 20 && memory_of(env, 1) - mem <= 20 * 2100);
		drain(c);
		CHECK(shim_live_allocs - live <= 1);
		CHECK_EQ(memory_of(env, 1), mem);
	}
	env_destroy(env);
}

/* A number used again, in lists of permissions that still name it. */
TEST(store_xsa_417)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0, *o = &env->guest[2];
	u32 tx;

	CHECK_EQ(wr(d, 0, "/t", "x"), 0);
	CHECK_EQ(setp(d, 0, "/t", "n0 r2 b1"), 0);
	tx = start(d);
	CHECK_EQ(wr(d, tx, "/t/in-tx", "x"), 0);
	recreate(env, 1);
	CHECK_EQ(rd(c, 0, "/t"), -EACCES);
	CHECK_EQ(wr(c, 0, "/t/new", "x"), -EACCES);
	CHECK_EQ(watch(c, "/t", "spy"), 0);
	events(c);
	/* What inherits the list inherits no right for the new domain. */
	CHECK_EQ(commit(d, tx), 0);
	CHECK_EQ(wr(d, 0, "/t/later", "x"), 0);
	CHECK_EQ(rd(c, 0, "/t/in-tx"), -EACCES);
	CHECK_EQ(rd(c, 0, "/t/later"), -EACCES);
	CHECK_STR(events(c), "");
	CHECK_EQ(rd(o, 0, "/t/later"), 0);
	CHECK_EQ(getp(d, 0, "/t/later"), 0);
	CHECK_STR(d->reply, "n0 r2 ");
	CHECK(consistent(env));
	env_destroy(env);
}

/* The deepest tree there can be: list, remove, count, and have it die. */
TEST(store_xsa_418)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;
	char path[XENSTORE_ABS_PATH_MAX + 1];
	u32 i, tx;

	CHECK_EQ(reqs(d, XENEMU_XS_SET_QUOTA, 0, "nodes|0|"), 0);
	for (i = 0; i < XENSTORE_ABS_PATH_MAX; i++)
		path[i] = i % 2 ? 'd' : '/';
	path[XENSTORE_ABS_PATH_MAX] = 0;
	for (i = 0; i < 3; i++) {
		CHECK_EQ(wr(d, 0, path, "bottom"), 0);
		CHECK_EQ(setp(d, 0, path, "n1"), 0);
		CHECK_EQ(watch(d, path, "bottom"), i ? -EEXIST : 0);
		tx = start(d);
		CHECK_EQ(wr(d, tx, path, "b"), 0);
		CHECK_EQ(commit(d, tx), 0);
		CHECK(consistent(env));
		events(d);
		CHECK_EQ(rm(d, 0, "/d"), 0);
		CHECK(strlen(events(d)) > 3000);
	}
	path[2000] = 0;
	CHECK_EQ(wr(c, 0, path + 1, "mine"), 0);
	CHECK(nodes_of(env, 1) > 999);
	xenemu_store_del_domain(env->store, 1);
	CHECK_EQ(rd(d, 0, "/local/domain/1"), -ENOENT);
	CHECK(consistent(env));
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

/* Domains that come and go leave nothing behind. */
TEST(store_xsa_419)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;
	struct xenemu_store_stats stats;
	u64 nodes = 0, memory = 0;
	u32 i, k;
	char path[32];

	CHECK_EQ(mkd(d, 0, "/pub"), 0);
	for (i = 0; i < 200; i++) {
		recreate(env, 1);
		CHECK_EQ(setp(d, 0, "/pub", "b0"), 0);
		for (k = 0; k < 20; k++) {
			snprintf(path, sizeof(path), "/pub/%u/%u", k % 3, k);
			CHECK_EQ(wr(c, 0, path, "x"), 0);
		}
		/* Nodes of others below go with them, and off their accounts. */
		CHECK_EQ(setp(c, 0, "/pub/1", "b1"), 0);
		CHECK_EQ(mkd(&env->guest[2], 0, "/pub/1/two"), 0);
		xenemu_store_del_domain(env->store, 1);
		CHECK_EQ(ls(d, 0, "/pub"), 0);
		CHECK_EQ(d->len, 0);
		xenemu_store_get_stats(env->store, &stats);
		if (i) {
			CHECK_EQ(stats.nodes, nodes);
			CHECK_EQ(stats.memory, memory);
		}
		nodes = stats.nodes;
		memory = stats.memory;
	}
	CHECK_EQ(nodes_of(env, 2), 1);
	CHECK(consistent(env));
	env_destroy(env);
}

TEST(store_xsa_420)
{
	struct env *env = env_create();
	static const u32 len[] = { 4097, 0x7fffffff, 0x80000000, 0xffffffff };
	char buf[64];
	u32 i, type;

	for (i = 0; i < ARRAY_SIZE(len); i++) {
		for (type = 0; type < 30; type++) {
			struct xsd_sockmsg hdr = { .type = type, .len = len[i] };

			CHECK_EQ(xenemu_conn_request(env->guest[1].conn, &hdr, buf), -EMSGSIZE);
		}
	}
	CHECK_EQ(rd(&env->guest[1], 0, "x"), -ENOENT);
	env_destroy(env);
}

/* Created and deleted in one transaction: commits, and changes no account. */
TEST(store_xsa_421)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];
	long before = memory_of(env, 1);
	u32 i, tx;

	for (i = 0; i < 2000; i++) {
		tx = start(c);
		CHECK_EQ(mkd(c, tx, "a/b"), 0);
		CHECK_EQ(wr(c, tx, "c", "x"), 0);
		CHECK_EQ(rm(c, tx, "a"), 0);
		CHECK_EQ(rm(c, tx, "c"), 0);
		if (i % 2)
			CHECK_EQ(wr(&env->dom0, 0, "/y", "x"), 0);
		CHECK_EQ(commit(c, tx), 0);
	}
	CHECK_EQ(nodes_of(env, 1), 1);
	CHECK_EQ(memory_of(env, 1), before);
	CHECK(consistent(env));
	env_destroy(env);
}

/* The carrier destroys and makes connections inside RELEASE and INTRODUCE. */
static void soft_reset(struct env *env)
{
	struct client *c = &env->guest[env->last_domid];

	client_close(c);
	client_open(env, c, env->last_domid, XENEMU_CONN_RING);
}

TEST(store_xsa_425)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;
	u32 i;

	env->hook = soft_reset;
	CHECK_EQ(watch(d, "@releaseDomain", "r"), 0);
	for (i = 0; i < 500; i++) {
		start(c);
		CHECK_EQ(watch(c, "x", "t"), 0);
		CHECK_EQ(reqs(d, XS_RELEASE, 0, "1|"), 0);
		CHECK_EQ(reqs(d, XS_INTRODUCE, 0, "1|1|1|"), 0);
		CHECK_EQ(mkd(d, 0, "/local/domain/1"), 0);
		CHECK_EQ(setp(d, 0, "/local/domain/1", "n1"), 0);
		CHECK_EQ(mkd(c, 0, "x/y"), 0);
	}
	CHECK(consistent(env));
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

TEST(store_xsa_481)
{
	static const char * const path[] = {
		"/local/domain/", "/local/domain/1/", "/local/domain//", "/local/domain/x/",
		"/local/domain/1//", "/local/domain/99999999999/", "//local/domain/1", "/",
		"/local/domain/99999999999/x", "/local/domain/-1",
	};
	static const u32 type[] = {
		XS_DIRECTORY, XS_READ, XS_GET_PERMS, XS_WRITE, XS_MKDIR, XS_RM,
	};
	struct env *env = env_create();
	u32 i, k;

	for (i = 0; i < ARRAY_SIZE(path); i++) {
		for (k = 0; k < ARRAY_SIZE(type); k++) {
			req(&env->guest[1], type[k], 0, path[i], strlen(path[i]) + 1);
			req(&env->dom0, type[k], 0, path[i], strlen(path[i]) + 1);
		}
		watch(&env->guest[1], path[i], "t");
		watch(&env->dom0, path[i], "t");
	}
	CHECK(consistent(env));
	env_destroy(env);
}

TEST(store_xsa_483)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;

	CHECK_EQ(reqs(d, XENEMU_XS_SET_QUOTA, 0, "1|nodes|5|"), 0);
	CHECK_EQ(mkd(c, 0, "a/b/c/d"), 0);
	CHECK_EQ(mkd(c, 0, "e"), -ENOSPC);
	recreate(env, 1);
	CHECK_EQ(nodes_of(env, 1), 0);
	CHECK_EQ(memory_of(env, 1), 0);
	CHECK_EQ(reqs(d, XENEMU_XS_GET_QUOTA, 0, "1|nodes|"), 0);
	CHECK_STR(d->reply, "1000");
	env_destroy(env);
}

/* Every operation in a live transaction. */
TEST(store_xsa_484)
{
	struct env *env = env_create();
	static const char * const body[] = {
		"", "|", "x|", "x|y|", "x|y", "1|", "1|2|3|", "T|", "F|", "x|n1|", "help|",
		"x|0|", "@releaseDomain|t|", "1|nodes|5|",
	};
	u32 type, i;

	for (type = 0; type < 30; type++) {
		for (i = 0; i < ARRAY_SIZE(body); i++) {
			u32 tx = start(&env->dom0), other = start(&env->guest[2]);

			wr(&env->dom0, tx, "x", "y");
			wr(&env->guest[2], other, "x", "y");
			reqs(&env->dom0, type, tx, body[i]);
			if (!xenemu_conn_is_dead(env->guest[2].conn))
				reqs(&env->guest[2], type, other, body[i]);
			rollback(&env->dom0, tx);
			rollback(&env->guest[2], other);
		}
	}
	CHECK(consistent(env));
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}
