// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each operation with its results and its errors, queued and direct.
 */
#include "store_env.h"

static void both_ways(void (*fn)(struct env *env))
{
	u32 i;

	for (i = 0; i < 2; i++) {
		struct env *env = env_create();
		long live;

		env->dom0.direct = env->guest[1].direct = i;
		fn(env);
		CHECK(consistent(env));
		env_destroy(env);
		live = shim_live_allocs;
		CHECK_EQ(live, 0);
	}
}

#define OP_TEST(name)					\
	static void name##_body(struct env *env);	\
	TEST(name)					\
	{						\
		both_ways(name##_body);			\
	}						\
	static void name##_body(struct env *env)

OP_TEST(store_op_unknown)
{
	static const u32 types[] = { XS_WATCH_EVENT, XS_ERROR, 20, XENEMU_XS_NR_OPS, 0xffff,
				     0x80000000, ~0u };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		CHECK_EQ(reqs(&env->dom0, types[i], 0, "/|"), -ENOSYS);
		CHECK_EQ(reqs(&env->guest[1], types[i], 77, "/|"), -ENOSYS);
	}
}

/* Privilege is checked before the transaction, that before the arguments. */
OP_TEST(store_op_check_order)
{
	static const u32 priv[] = {
		XS_CONTROL, XS_INTRODUCE, XS_RELEASE, XS_IS_DOMAIN_INTRODUCED, XS_RESUME,
		XS_SET_TARGET, XENEMU_XS_SET_FEATURE, XENEMU_XS_GET_QUOTA, XENEMU_XS_SET_QUOTA,
	};
	static const u32 all[] = {
		XS_DIRECTORY, XS_READ, XS_GET_PERMS, XS_TRANSACTION_START, XS_TRANSACTION_END,
		XS_GET_DOMAIN_PATH, XS_WRITE, XS_MKDIR, XS_RM, XS_SET_PERMS,
		XS_RESET_WATCHES, XS_DIRECTORY_PART, XENEMU_XS_GET_FEATURE,
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(priv); i++) {
		CHECK_EQ(reqs(&env->guest[1], priv[i], 99, "garbage"), -EACCES);
		CHECK_EQ(reqs(&env->dom0, priv[i], 99, "garbage"), -ENOENT);
		if (priv[i] != XENEMU_XS_GET_QUOTA)
			CHECK_EQ(reqs(&env->dom0, priv[i], 0, "garbage"), -EINVAL);
	}
	for (i = 0; i < ARRAY_SIZE(all); i++)
		CHECK_EQ(reqs(&env->guest[1], all[i], 99, "garbage"), -ENOENT);
	CHECK_EQ(reqs(&env->guest[1], XS_WATCH, 99, "a|t|"), 0);
	CHECK_EQ(reqs(&env->guest[1], XS_UNWATCH, 99, "a|t|"), 0);
}

OP_TEST(store_op_read_write)
{
	struct client *c = &env->guest[1], *d = &env->dom0;
	static const char binary[] = "data/bin\0a\0b\n\xff";

	CHECK_EQ(rd(c, 0, "data/x"), -ENOENT);
	CHECK_EQ(wr(c, 0, "data/x", "value"), 0);
	CHECK_STR(c->reply, "OK");
	CHECK_EQ(c->len, 3);
	CHECK_EQ(rd(c, 0, "data/x"), 0);
	CHECK_STR(c->reply, "value");
	CHECK_EQ(c->len, 5);
	CHECK_EQ(rd(d, 0, "/local/domain/1/data/x"), 0);
	CHECK_STR(d->reply, "value");
	CHECK_EQ(rd(c, 0, "data"), 0);
	CHECK_EQ(c->len, 0);

	CHECK_EQ(req(c, XS_WRITE, 0, binary, sizeof(binary) - 1), 0);
	CHECK_EQ(rd(c, 0, "data/bin"), 0);
	CHECK_EQ(c->len, 5);
	CHECK(!memcmp(c->reply, "a\0b\n\xff", 5));
	CHECK_EQ(reqs(c, XS_WRITE, 0, "data/x|"), 0);
	CHECK_EQ(rd(c, 0, "data/x"), 0);
	CHECK_EQ(c->len, 0);

	CHECK_EQ(req(c, XS_READ, 0, "data/x", 6), -EINVAL);
	CHECK_EQ(req(c, XS_READ, 0, "", 0), -EINVAL);
	CHECK_EQ(reqs(c, XS_READ, 0, "data/x|y|"), -EINVAL);
	CHECK_EQ(reqs(c, XS_READ, 0, "|"), -EINVAL);
	CHECK_EQ(reqs(c, XS_WRITE, 0, "no-nul"), -EINVAL);
	CHECK_EQ(reqs(c, XS_WRITE, 0, ""), -EINVAL);
	CHECK_EQ(reqs(c, XS_WRITE, 0, "|value"), -EINVAL);
	CHECK_EQ(wr(d, 0, "relative", "dom0"), 0);
	CHECK_EQ(rd(d, 0, "/local/domain/0/relative"), 0);
	CHECK_STR(d->reply, "dom0");
}

OP_TEST(store_op_paths)
{
	static const char * const bad[] = {
		"//", "/a/", "/a//b", "a/", "a//b", "a b", "/a.b", "/a:b", "/\xe4", "@a",
		"@releaseDomain", "@introduceDomain", "@", "/a\n", "/local/domain/", "/~",
	};
	struct client *d = &env->dom0;
	char path[XENSTORE_PAYLOAD_MAX];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK_EQ(rd(d, 0, bad[i]), -EINVAL);
		CHECK_EQ(wr(d, 0, bad[i], "x"), -EINVAL);
		CHECK_EQ(mkd(d, 0, bad[i]), -EINVAL);
		CHECK_EQ(rm(d, 0, bad[i]), -EINVAL);
		CHECK_EQ(ls(d, 0, bad[i]), -EINVAL);
	}
	CHECK_EQ(wr(d, 0, "/AZaz09-_@/@x", "good"), 0);
	CHECK_EQ(rd(d, 0, "/AZaz09-_@/@x"), 0);
	CHECK_EQ(rm(d, 0, "/AZaz09-_@"), 0);

	/* The longest there is, as one component and as many. */
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[XENSTORE_ABS_PATH_MAX] = 0;
	CHECK_EQ(wr(d, 0, path, "x"), 0);
	CHECK_EQ(rd(d, 0, path), 0);
	CHECK_EQ(rm(d, 0, path), 0);
	path[XENSTORE_ABS_PATH_MAX] = 'a';
	path[XENSTORE_ABS_PATH_MAX + 1] = 0;
	CHECK_EQ(wr(d, 0, path, "x"), -EINVAL);
	CHECK_EQ(rd(d, 0, path), -EINVAL);
	path[XENSTORE_ABS_PATH_MAX] = 0;
	for (i = 0; i < XENSTORE_ABS_PATH_MAX; i += 2)
		path[i] = '/';
	CHECK_EQ(wr(d, 0, path, "deep"), 0);
	CHECK_EQ(rd(d, 0, path), 0);
	CHECK_STR(d->reply, "deep");
	CHECK_EQ(rm(d, 0, "/a"), 0);
	/* A relative one becomes too long by what is put in front. */
	CHECK_EQ(wr(d, 0, path + 1, "x"), -EINVAL);
}

OP_TEST(store_op_directory)
{
	struct client *c = &env->guest[1], *d = &env->dom0;
	char path[64];
	u32 i;

	CHECK_EQ(ls(c, 0, "dir"), -ENOENT);
	CHECK_EQ(mkd(c, 0, "dir"), 0);
	CHECK_EQ(ls(c, 0, "dir"), 0);
	CHECK_EQ(c->len, 0);
	CHECK_EQ(wr(c, 0, "dir/10", ""), 0);
	CHECK_EQ(wr(c, 0, "dir/9", ""), 0);
	CHECK_EQ(wr(c, 0, "dir/b", ""), 0);
	CHECK_EQ(ls(c, 0, "dir"), 0);
	CHECK_STR(c->reply, "9 b 10 ");
	CHECK_EQ(ls(d, 0, "/"), 0);
	CHECK_STR(d->reply, "local ");
	CHECK_EQ(reqs(c, XS_DIRECTORY, 0, "dir"), -EINVAL);
	CHECK_EQ(reqs(c, XS_DIRECTORY, 0, "dir|x"), -EINVAL);
	CHECK_EQ(ls(c, 0, "/local"), -EACCES);

	/* 4096 bytes fit exactly, one more does not. */
	for (i = 0; i < 512; i++) {
		snprintf(path, sizeof(path), "/big/%07u", i);
		CHECK_EQ(mkd(d, 0, path), 0);
	}
	CHECK_EQ(ls(d, 0, "/big"), 0);
	CHECK_EQ(d->len, 4096);
	CHECK_EQ(mkd(d, 0, "/big/x"), 0);
	CHECK_EQ(ls(d, 0, "/big"), -E2BIG);
}

OP_TEST(store_op_directory_part)
{
	struct client *c = &env->guest[1], *d = &env->dom0;
	char path[64], all[16384], gen[24], *name = all;
	u32 i, offset = 0, parts = 0;

	CHECK_EQ(reqs(c, XS_DIRECTORY_PART, 0, "dir|0|"), -ENOENT);
	CHECK_EQ(reqs(c, XS_DIRECTORY_PART, 0, "dir|"), -EINVAL);
	CHECK_EQ(reqs(c, XS_DIRECTORY_PART, 0, "dir|0|0|"), -EINVAL);
	CHECK_EQ(reqs(c, XS_DIRECTORY_PART, 0, "dir|x|"), -EINVAL);
	CHECK_EQ(reqs(c, XS_DIRECTORY_PART, 0, "dir|-1|"), -EINVAL);
	CHECK_EQ(reqs(c, XS_DIRECTORY_PART, 0, "/|0|"), -EACCES);
	CHECK_EQ(mkd(c, 0, "dir"), 0);
	CHECK_EQ(reqs(c, XS_DIRECTORY_PART, 0, "dir|0|"), 0);
	CHECK_EQ(c->len, strlen(c->reply) + 2);
	CHECK_EQ(mkd(c, 0, "dir/aa"), 0);
	CHECK_EQ(reqs(c, XS_DIRECTORY_PART, 0, "dir|0|"), 0);
	CHECK_EQ(c->len, strlen(c->reply) + 1 + 3 + 1);
	CHECK_EQ(reqs(c, XS_DIRECTORY_PART, 0, "dir|3|"), 0);
	CHECK_EQ(c->len, strlen(c->reply) + 2);
	CHECK_EQ(reqs(c, XS_DIRECTORY_PART, 0, "dir|18446744073709551615|"), 0);
	CHECK_EQ(c->len, strlen(c->reply) + 2);

	for (i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "/big/%u", i * 7919);
		CHECK_EQ(mkd(d, 0, path), 0);
	}
	for (;; parts++) {
		u32 head;

		snprintf(path, sizeof(path), "/big|%u|", offset);
		CHECK_EQ(reqs(d, XS_DIRECTORY_PART, 0, path), 0);
		head = strlen(d->reply) + 1;
		if (!parts)
			strcpy(gen, d->reply);
		CHECK_STR(d->reply, gen);
		memcpy(all + offset, d->reply + head, d->len - head);
		offset += d->len - head;
		/* Only an empty name ends the list. */
		if (!d->reply[d->len - 1] && (d->len == head + 1 || !d->reply[d->len - 2]))
			break;
	}
	CHECK(parts >= 1);
	for (i = 0; *name; i++, name += strlen(name) + 1) {
		strcpy(path, "/big/");
		strncat(path, name, sizeof(path) - 10);
		CHECK_EQ(rm(d, 0, path), 0);
	}
	CHECK_EQ(i, 1000);
	CHECK_EQ(ls(d, 0, "/big"), 0);
	CHECK_EQ(d->len, 0);
	CHECK_EQ(reqs(d, XS_DIRECTORY_PART, 0, "/big|0|"), 0);
	CHECK(strcmp(d->reply, gen));
}

OP_TEST(store_op_mkdir)
{
	struct client *c = &env->guest[1];

	CHECK_EQ(mkd(c, 0, "a/b/c"), 0);
	CHECK_EQ(ls(c, 0, "a"), 0);
	CHECK_STR(c->reply, "b ");
	CHECK_EQ(wr(c, 0, "a/b", "keep"), 0);
	CHECK_EQ(mkd(c, 0, "a/b"), 0);
	CHECK_EQ(rd(c, 0, "a/b"), 0);
	CHECK_STR(c->reply, "keep");
	CHECK_EQ(mkd(c, 0, "/local/domain/2/x"), -EACCES);
	CHECK_EQ(mkd(c, 0, "/local/domain/2"), -EACCES);
	CHECK_EQ(mkd(&env->dom0, 0, "/"), 0);
	CHECK_EQ(reqs(c, XS_MKDIR, 0, "a"), -EINVAL);
	CHECK_EQ(reqs(c, XS_MKDIR, 0, "a|b"), -EINVAL);
}

OP_TEST(store_op_rm)
{
	struct client *c = &env->guest[1], *d = &env->dom0;

	CHECK_EQ(mkd(c, 0, "a/b/c"), 0);
	CHECK_EQ(rm(c, 0, "a/x"), 0);
	CHECK_EQ(rm(c, 0, "a/x/y"), -ENOENT);
	CHECK_EQ(rm(c, 0, "a"), 0);
	CHECK_EQ(rd(c, 0, "a/b/c"), -ENOENT);
	CHECK_EQ(rm(c, 0, "a"), 0);
	CHECK_EQ(rm(d, 0, "/"), -EINVAL);
	CHECK_EQ(rm(c, 0, "/"), -EACCES);
	CHECK_EQ(rm(c, 0, "/local/domain/2"), -EACCES);
	CHECK_EQ(rm(c, 0, "/local/domain/2/x"), -EACCES);
	CHECK_EQ(rm(c, 0, "/nowhere"), -EACCES);
	CHECK_EQ(rm(d, 0, "/nowhere"), 0);
	CHECK_EQ(rm(d, 0, "/nowhere/at/all"), -ENOENT);
	CHECK_EQ(reqs(c, XS_RM, 0, "a"), -EINVAL);
	CHECK_EQ(reqs(c, XS_RM, 0, "a|b|"), -EINVAL);
	/* Removing wants rights on the node, not on what is above or below. */
	CHECK_EQ(mkd(d, 0, "/t/n/below"), 0);
	CHECK_EQ(setp(d, 0, "/t/n", "n0 w1"), 0);
	CHECK_EQ(rm(c, 0, "/t/n"), 0);
	CHECK_EQ(ls(d, 0, "/t"), 0);
	CHECK_EQ(d->len, 0);
}

OP_TEST(store_op_transactions)
{
	struct client *c = &env->guest[1];
	u32 tx, other;

	tx = start(c);
	CHECK(tx);
	CHECK_EQ(reqs(c, XS_TRANSACTION_START, tx, "|"), -EBUSY);
	CHECK_EQ(reqs(c, XS_TRANSACTION_END, tx, "X|"), -EINVAL);
	CHECK_EQ(reqs(c, XS_TRANSACTION_END, tx, "T"), -EINVAL);
	CHECK_EQ(reqs(c, XS_TRANSACTION_END, tx, "TT|"), -EINVAL);
	CHECK_EQ(reqs(c, XS_TRANSACTION_END, tx, ""), -EINVAL);
	CHECK_EQ(reqs(c, XS_TRANSACTION_END, 0, "T|"), -ENOENT);
	CHECK_EQ(reqs(c, XS_TRANSACTION_END, 0, "X|"), -EINVAL);
	CHECK_EQ(rd(&env->guest[2], tx, "x"), -ENOENT);
	CHECK_EQ(commit(c, tx), 0);
	CHECK_EQ(commit(c, tx), -ENOENT);
	CHECK_EQ(wr(c, tx, "x", "y"), -ENOENT);
	other = start(c);
	CHECK(other != tx);
	CHECK_EQ(rollback(c, other), 0);
	/* Xen does not look at the body. */
	CHECK_EQ(reqs(c, XS_TRANSACTION_START, 0, ""), 0);
	CHECK_EQ(commit(c, strtoul(c->reply, NULL, 10)), 0);
}

OP_TEST(store_op_introduce)
{
	static const char * const bad[] = {
		"", "4|", "4|1|", "4|1|2|3|", "4|1|0|", "4|1|-1|", "4|1|x|", "x|1|2|", "0|1|2|",
		"4|x|2|", "70000|1|2|", "4|1|4294967295|", "-4|1|2|", "+4|1|2|",
	};
	struct client *d = &env->dom0;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_EQ(reqs(d, XS_INTRODUCE, 0, bad[i]), -EINVAL);
	env->introduced = 0;
	CHECK_EQ(reqs(d, XS_INTRODUCE, 0, "4|1|2|"), -ENOENT);
	CHECK_EQ(env->introduced, 0);
	CHECK_EQ(xenemu_store_add_domain(env->store, 4), 0);
	CHECK_EQ(xenemu_store_add_domain(env->store, 4), -EEXIST);
	CHECK_EQ(xenemu_store_add_domain(env->store, 0), -EINVAL);
	CHECK_EQ(xenemu_store_add_domain(env->store, 0x7ff0), -EINVAL);
	CHECK_EQ(reqs(d, XS_IS_DOMAIN_INTRODUCED, 0, "4|"), 0);
	CHECK_STR(d->reply, "F");

	CHECK_EQ(watch(&env->dom0b, "@introduceDomain", "i"), 0);
	CHECK_STR(events(&env->dom0b), "@introduceDomain i;");
	env->introduce_result = -EBUSY;
	CHECK_EQ(reqs(d, XS_INTRODUCE, 0, "4|1|2|"), -EBUSY);
	env->introduce_result = -EXDEV;
	CHECK_EQ(reqs(d, XS_INTRODUCE, 0, "4|1|2|"), -EINVAL);
	CHECK_STR(events(&env->dom0b), "");
	CHECK(!xenemu_store_is_introduced(env->store, 4));
	env->introduce_result = 0;
	CHECK_EQ(reqs(d, XS_INTRODUCE, 0, "4|1|7|"), 0);
	CHECK_EQ(env->last_domid, 4);
	CHECK_EQ(env->last_port, 7);
	CHECK_STR(events(&env->dom0b), "@introduceDomain i;");
	CHECK(xenemu_store_is_introduced(env->store, 4));
	/* Again: the carrier rebinds, nobody is told. */
	CHECK_EQ(reqs(d, XS_INTRODUCE, 0, "4|1|8|"), 0);
	CHECK_EQ(env->last_port, 8);
	CHECK_STR(events(&env->dom0b), "");
	xenemu_store_del_domain(env->store, 4);
	CHECK(!xenemu_store_is_introduced(env->store, 4));
}

static void kill_domain(struct env *env)
{
	xenemu_store_del_domain(env->store, env->last_domid);
}

OP_TEST(store_op_introduce_dying)
{
	CHECK_EQ(xenemu_store_add_domain(env->store, 4), 0);
	env->hook = kill_domain;
	CHECK_EQ(reqs(&env->dom0, XS_INTRODUCE, 0, "4|1|2|"), -ENOENT);
	CHECK(!xenemu_store_is_introduced(env->store, 4));
	CHECK_EQ(reqs(&env->dom0, XS_RELEASE, 0, "3|"), 0);
}

static void kill_requester(struct env *env)
{
	xenemu_conn_kill(env->dom0.conn);
}

/* While the store waits for the carrier, the transaction of the request goes away. */
OP_TEST(store_op_introduce_requester_dies)
{
	struct client *d = &env->dom0;
	u32 type, tx;

	for (type = XS_INTRODUCE; type <= XS_RELEASE; type++) {
		const char *body = type == XS_INTRODUCE ? "1|1|2|" : "1|";

		tx = start(d);
		CHECK_EQ(wr(d, tx, "x", "y"), 0);
		env->hook = kill_requester;
		if (d->direct)
			reqs(d, type, tx, body);
		else
			CHECK_EQ(post(d, type, tx, body), 0);
		env->hook = NULL;
		CHECK(!xenemu_conn_has_output(d->conn));
		CHECK_EQ(xenemu_conn_reset(d->conn), 0);
		CHECK_EQ(rd(d, tx, "x"), -ENOENT);
	}
}

static void release_too(struct env *env)
{
	env->hook = NULL;
	CHECK_EQ(reqs(&env->dom0b, XS_RELEASE, 0, "2|"), 0);
	CHECK_EQ(reqs(&env->dom0b, XS_INTRODUCE, 0, "3|1|1|"), 0);
}

/* Only those who want the same domain have to wait for it. */
OP_TEST(store_op_introduce_holds_up_no_other)
{
	CHECK_EQ(watch(&env->guest[3], "@releaseDomain/2", "r"), 0);
	events(&env->guest[3]);
	env->hook = release_too;
	CHECK_EQ(reqs(&env->dom0, XS_INTRODUCE, 0, "1|1|2|"), 0);
	CHECK_EQ(env->released, 1);
	CHECK_STR(events(&env->guest[3]), "@releaseDomain/2 r;");
}

OP_TEST(store_op_release)
{
	struct client *d = &env->dom0;

	CHECK_EQ(reqs(d, XS_RELEASE, 0, "0|"), -EINVAL);
	CHECK_EQ(reqs(d, XS_RELEASE, 0, "9|"), -ENOENT);
	CHECK_EQ(reqs(d, XS_RELEASE, 0, "1"), -EINVAL);
	CHECK_EQ(reqs(d, XS_RELEASE, 0, "1|2|"), -EINVAL);
	CHECK_EQ(reqs(d, XS_RELEASE, 0, "|"), -EINVAL);
	CHECK_EQ(xenemu_store_add_domain(env->store, 4), 0);
	CHECK_EQ(reqs(d, XS_RELEASE, 0, "4|"), -ENOENT);

	CHECK_EQ(wr(&env->guest[2], 0, "data", "x"), 0);
	CHECK_EQ(watch(&env->dom0b, "@releaseDomain", "r"), 0);
	CHECK_EQ(reqs(d, XS_RELEASE, 0, "2|"), 0);
	CHECK_EQ(env->released, 1);
	CHECK_EQ(env->last_domid, 2);
	CHECK_STR(events(&env->dom0b), "@releaseDomain r;@releaseDomain r;");
	CHECK_EQ(rd(d, 0, "/local/domain/2"), -ENOENT);
	CHECK_EQ(reqs(d, XS_RELEASE, 0, "2|"), -ENOENT);
	CHECK_EQ(reqs(d, XS_INTRODUCE, 0, "2|1|2|"), 0);
}

OP_TEST(store_op_resume)
{
	struct client *d = &env->dom0, *w = &env->dom0b;

	CHECK_EQ(reqs(d, XS_RESUME, 0, "0|"), -EINVAL);
	CHECK_EQ(reqs(d, XS_RESUME, 0, "9|"), -ENOENT);
	CHECK_EQ(reqs(d, XS_RESUME, 0, "x|"), -EINVAL);
	CHECK_EQ(watch(w, "@releaseDomain", "r"), 0);
	events(w);
	xenemu_store_shutdown_domain(env->store, 1);
	CHECK_STR(events(w), "@releaseDomain r;");
	xenemu_store_shutdown_domain(env->store, 1);
	CHECK_STR(events(w), "");
	CHECK_EQ(reqs(d, XS_RESUME, 0, "1|"), 0);
	xenemu_store_shutdown_domain(env->store, 1);
	CHECK_STR(events(w), "@releaseDomain r;");
	xenemu_store_shutdown_domain(env->store, 0);
	xenemu_store_shutdown_domain(env->store, 99);
	xenemu_store_del_domain(env->store, 0);
	xenemu_store_del_domain(env->store, 99);
	CHECK_STR(events(w), "");
}

OP_TEST(store_op_set_target)
{
	struct client *d = &env->dom0, *c = &env->guest[1];

	CHECK_EQ(wr(&env->guest[2], 0, "x", "two"), 0);
	CHECK_EQ(reqs(d, XS_SET_TARGET, 0, "1|0|"), -EINVAL);
	CHECK_EQ(reqs(d, XS_SET_TARGET, 0, "0|1|"), -EINVAL);
	CHECK_EQ(reqs(d, XS_SET_TARGET, 0, "1|"), -EINVAL);
	CHECK_EQ(reqs(d, XS_SET_TARGET, 0, "1|9|"), -ENOENT);
	CHECK_EQ(reqs(d, XS_SET_TARGET, 0, "9|1|"), -ENOENT);
	CHECK_EQ(reqs(d, XS_SET_TARGET, 0, "1|2|3|"), -EINVAL);
	CHECK_EQ(rd(c, 0, "/local/domain/2/x"), -EACCES);
	CHECK_EQ(reqs(d, XS_SET_TARGET, 0, "1|2|"), 0);
	CHECK_EQ(rd(c, 0, "/local/domain/2/x"), 0);
	CHECK_EQ(wr(c, 0, "/local/domain/2/y", "z"), 0);
	CHECK_EQ(getp(d, 0, "/local/domain/2/y"), 0);
	CHECK_STR(d->reply, "n1 ");
	CHECK_EQ(setp(c, 0, "/local/domain/2/x", "r2"), 0);
	/* The right ends with the target. */
	xenemu_store_del_domain(env->store, 2);
	CHECK_EQ(xenemu_store_add_domain(env->store, 2), 0);
	CHECK_EQ(wr(d, 0, "/t", "x"), 0);
	CHECK_EQ(setp(d, 0, "/t", "n2"), 0);
	CHECK_EQ(rd(c, 0, "/t"), -EACCES);
}

OP_TEST(store_op_is_introduced)
{
	struct client *d = &env->dom0;

	CHECK_EQ(reqs(d, XS_IS_DOMAIN_INTRODUCED, 0, "1|"), 0);
	CHECK_STR(d->reply, "T");
	CHECK_EQ(reqs(d, XS_IS_DOMAIN_INTRODUCED, 0, "0|"), 0);
	CHECK_STR(d->reply, "T");
	CHECK_EQ(reqs(d, XS_IS_DOMAIN_INTRODUCED, 0, "9|"), 0);
	CHECK_STR(d->reply, "F");
	CHECK_EQ(reqs(d, XS_IS_DOMAIN_INTRODUCED, 0, "32752|"), 0);
	CHECK_STR(d->reply, "T");
	CHECK_EQ(reqs(d, XS_IS_DOMAIN_INTRODUCED, 0, "1"), -EINVAL);
	CHECK_EQ(reqs(d, XS_IS_DOMAIN_INTRODUCED, 0, "|"), -EINVAL);
}

OP_TEST(store_op_get_domain_path)
{
	struct client *c = &env->guest[1];

	CHECK_EQ(reqs(c, XS_GET_DOMAIN_PATH, 0, "1|"), 0);
	CHECK_STR(c->reply, "/local/domain/1");
	CHECK_EQ(c->len, 16);
	CHECK_EQ(reqs(c, XS_GET_DOMAIN_PATH, 0, "12345|"), 0);
	CHECK_STR(c->reply, "/local/domain/12345");
	CHECK_EQ(reqs(c, XS_GET_DOMAIN_PATH, 0, "x|"), -EINVAL);
	CHECK_EQ(reqs(c, XS_GET_DOMAIN_PATH, 0, "1"), -EINVAL);
	CHECK_EQ(reqs(c, XS_GET_DOMAIN_PATH, 0, "70000|"), -EINVAL);
}

OP_TEST(store_op_features)
{
	struct client *c = &env->guest[1], *d = &env->dom0;

	CHECK_EQ(reqs(c, XENEMU_XS_GET_FEATURE, 0, ""), 0);
	CHECK_STR(c->reply, "15");
	CHECK_EQ(reqs(c, XENEMU_XS_GET_FEATURE, 0, "1|"), -EACCES);
	CHECK_EQ(reqs(d, XENEMU_XS_GET_FEATURE, 0, "1|"), 0);
	CHECK_STR(d->reply, "15");
	CHECK_EQ(reqs(d, XENEMU_XS_GET_FEATURE, 0, "9|"), -ENOENT);
	CHECK_EQ(reqs(d, XENEMU_XS_GET_FEATURE, 0, "x|"), -EINVAL);
	CHECK_EQ(reqs(d, XENEMU_XS_GET_FEATURE, 0, "1|2|"), -EINVAL);
	CHECK_EQ(reqs(d, XENEMU_XS_SET_FEATURE, 0, "1|0|"), -EBUSY);
	CHECK_EQ(reqs(d, XENEMU_XS_SET_FEATURE, 0, "9|0|"), -ENOENT);
	CHECK_EQ(reqs(d, XENEMU_XS_SET_FEATURE, 0, "9|16|"), -EINVAL);
	CHECK_EQ(reqs(d, XENEMU_XS_SET_FEATURE, 0, "9|x|"), -EINVAL);
	CHECK_EQ(reqs(d, XENEMU_XS_SET_FEATURE, 0, "9|"), -EINVAL);
	CHECK_EQ(xenemu_store_add_domain(env->store, 9), 0);
	CHECK_EQ(reqs(d, XENEMU_XS_SET_FEATURE, 0, "9|3|"), 0);
	CHECK_EQ(reqs(d, XENEMU_XS_GET_FEATURE, 0, "9|"), 0);
	CHECK_STR(d->reply, "3");
}

OP_TEST(store_op_quota)
{
	struct client *d = &env->dom0;

	CHECK_EQ(reqs(d, XENEMU_XS_GET_QUOTA, 0, ""), 0);
	CHECK(strstr(d->reply, "nodes watches outstanding memory soft-memory"));
	CHECK_EQ(reqs(d, XENEMU_XS_GET_QUOTA, 0, "nodes|"), 0);
	CHECK_STR(d->reply, "1000");
	CHECK_EQ(reqs(d, XENEMU_XS_GET_QUOTA, 0, "1|watches|"), 0);
	CHECK_STR(d->reply, "128");
	CHECK_EQ(reqs(d, XENEMU_XS_GET_QUOTA, 0, "nonsense|"), -EINVAL);
	CHECK_EQ(reqs(d, XENEMU_XS_GET_QUOTA, 0, "9|nodes|"), -ENOENT);
	CHECK_EQ(reqs(d, XENEMU_XS_GET_QUOTA, 0, "x|nodes|"), -EINVAL);
	CHECK_EQ(reqs(d, XENEMU_XS_GET_QUOTA, 0, "1|nodes|3|"), -EINVAL);
	CHECK_EQ(reqs(d, XENEMU_XS_SET_QUOTA, 0, "nodes|5|"), 0);
	CHECK_EQ(reqs(d, XENEMU_XS_SET_QUOTA, 0, "2|nodes|7|"), 0);
	CHECK_EQ(reqs(d, XENEMU_XS_GET_QUOTA, 0, "1|nodes|"), 0);
	CHECK_STR(d->reply, "5");
	CHECK_EQ(reqs(d, XENEMU_XS_GET_QUOTA, 0, "2|nodes|"), 0);
	CHECK_STR(d->reply, "7");
	CHECK_EQ(reqs(d, XENEMU_XS_GET_QUOTA, 0, "0|nodes|"), 0);
	CHECK_STR(d->reply, "0");
	CHECK_EQ(reqs(d, XENEMU_XS_SET_QUOTA, 0, "nodes|-1|"), -EINVAL);
	CHECK_EQ(reqs(d, XENEMU_XS_SET_QUOTA, 0, "nodes|4294967295|"), -EINVAL);
	CHECK_EQ(reqs(d, XENEMU_XS_SET_QUOTA, 0, "nodes|"), -EINVAL);
	CHECK_EQ(reqs(d, XENEMU_XS_SET_QUOTA, 0, "9|nodes|1|"), -ENOENT);
	CHECK_EQ(reqs(d, XENEMU_XS_SET_QUOTA, 0, "1|2|3|4|"), -EINVAL);
}

OP_TEST(store_op_control)
{
	struct client *d = &env->dom0;

	CHECK_EQ(reqs(d, XS_CONTROL, 0, "check|"), 0);
	CHECK_STR(d->reply, "OK");
	CHECK_EQ(reqs(d, XS_CONTROL, 0, "help|"), 0);
	CHECK(strstr(d->reply, "memreport"));
	CHECK_EQ(reqs(d, XS_CONTROL, 0, "memreport|"), 0);
	CHECK(strstr(d->reply, "nodes: "));
	CHECK_EQ(reqs(d, XS_CONTROL, 0, "print|hello|"), 0);
	CHECK_EQ(reqs(d, XS_CONTROL, 0, "print|"), -EINVAL);
	CHECK_EQ(reqs(d, XS_CONTROL, 0, "quota|"), 0);
	CHECK(strstr(d->reply, "node-size"));
	CHECK_EQ(reqs(d, XS_CONTROL, 0, "quota|1|"), 0);
	CHECK(strstr(d->reply, "Domain 1:"));
	CHECK_EQ(reqs(d, XS_CONTROL, 0, "quota|9|"), -ENOENT);
	CHECK_EQ(reqs(d, XS_CONTROL, 0, "quota|x|"), -EINVAL);
	CHECK_EQ(reqs(d, XS_CONTROL, 0, "quota|set|nodes|12|"), 0);
	CHECK_EQ(reqs(d, XENEMU_XS_GET_QUOTA, 0, "nodes|"), 0);
	CHECK_STR(d->reply, "12");
	CHECK_EQ(reqs(d, XS_CONTROL, 0, "quota|set|x|12|"), -EINVAL);
	CHECK_EQ(reqs(d, XS_CONTROL, 0, "quota|set|nodes|"), -EINVAL);
	CHECK_EQ(reqs(d, XS_CONTROL, 0, "quota-soft|"), 0);
	CHECK_EQ(reqs(d, XS_CONTROL, 0, "quota-soft|set|memory|1|"), 0);
	CHECK_EQ(reqs(d, XS_CONTROL, 0, "quota-soft|set|nodes|1|"), -EINVAL);
	CHECK_EQ(reqs(d, XS_CONTROL, 0, "live-update|-s|"), -EINVAL);
	CHECK_EQ(reqs(d, XS_CONTROL, 0, "a|b|c|d|e|f|"), -EINVAL);
	CHECK_EQ(reqs(d, XS_CONTROL, 0, ""), -EINVAL);
	CHECK_EQ(reqs(d, XS_CONTROL, 0, "check"), -EINVAL);
}

OP_TEST(store_op_reset_watches)
{
	struct client *c = &env->guest[1];
	u32 tx = start(c);

	CHECK_EQ(watch(c, "a", "t"), 0);
	CHECK_EQ(reqs(c, XS_RESET_WATCHES, tx, "|"), 0);
	CHECK_EQ(rd(c, tx, "a"), -ENOENT);
	CHECK_EQ(commit(c, tx), -ENOENT);
	events(c);
	CHECK_EQ(wr(c, 0, "a", "x"), 0);
	CHECK_STR(events(c), "");
	CHECK_EQ(watch(c, "a", "t"), 0);
}

OP_TEST(store_op_too_long)
{
	struct xsd_sockmsg hdr = { .type = XS_READ, .len = XENSTORE_PAYLOAD_MAX + 1 };

	CHECK_EQ(xenemu_conn_request(env->dom0.conn, &hdr, NULL), -EMSGSIZE);
	hdr.len = 0x80000000;
	CHECK_EQ(xenemu_conn_request(env->dom0.conn, &hdr, NULL), -EMSGSIZE);
	CHECK_EQ(xenemu_conn_call(env->dom0.conn, &hdr, NULL, NULL), -EMSGSIZE);
	CHECK(!xenemu_conn_has_output(env->dom0.conn));
}
