// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watches: who is told of what, in which order, and who is not.
 */
#include "store_env.h"

TEST(store_watch_arguments)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];
	char path[XENSTORE_PAYLOAD_MAX];

	CHECK_EQ(reqs(c, XS_WATCH, 0, "a|"), -EINVAL);
	CHECK_EQ(reqs(c, XS_WATCH, 0, ""), -EINVAL);
	CHECK_EQ(reqs(c, XS_WATCH, 0, "a|t|1|2|"), -EINVAL);
	CHECK_EQ(reqs(c, XS_WATCH, 0, "a|t|-1|"), -EINVAL);
	CHECK_EQ(reqs(c, XS_WATCH, 0, "a|t|x|"), -EINVAL);
	CHECK_EQ(reqs(c, XS_WATCH, 0, "a|t||"), -EINVAL);
	CHECK_EQ(watch(c, "a//b", "t"), -EINVAL);
	CHECK_EQ(watch(c, "", "t"), -EINVAL);
	CHECK_EQ(watch(c, "@other", "t"), -EINVAL);
	CHECK_EQ(watch(c, "@releaseDomain/", "t"), -EINVAL);
	CHECK_EQ(watch(c, "@releaseDomain/x", "t"), -EINVAL);
	CHECK_EQ(watch(c, "@releaseDomainx", "t"), -EINVAL);
	memset(path, 'p', 2100);
	path[2100] = 0;
	CHECK_EQ(watch(c, path, "t"), -EINVAL);

	CHECK_EQ(watch(c, "a", ""), 0);
	CHECK_STR(events(c), "a ;");
	CHECK_EQ(watch(c, "a", "t"), 0);
	CHECK_EQ(watch(c, "a", "t"), -EEXIST);
	CHECK_EQ(watch(c, "/local/domain/1/a", "t"), -EEXIST);
	CHECK_EQ(reqs(c, XS_WATCH, 0, "a|t|3|"), -EEXIST);
	CHECK_EQ(watch(c, "a", "u"), 0);
	CHECK_EQ(watch(&env->guest[2], "/local/domain/1/a", "t"), 0);

	CHECK_EQ(reqs(c, XS_UNWATCH, 0, "a|"), -EINVAL);
	CHECK_EQ(reqs(c, XS_UNWATCH, 0, "a|t|x|"), -EINVAL);
	CHECK_EQ(reqs(c, XS_UNWATCH, 0, "a//|t|"), -EINVAL);
	CHECK_EQ(reqs(c, XS_UNWATCH, 0, "a|v|"), -ENOENT);
	CHECK_EQ(reqs(c, XS_UNWATCH, 0, "b|t|"), -ENOENT);
	CHECK_EQ(reqs(c, XS_UNWATCH, 0, "/local/domain/1/a|t|"), 0);
	CHECK_EQ(reqs(c, XS_UNWATCH, 0, "a|t|"), -ENOENT);
	CHECK_EQ(reqs(&env->guest[2], XS_UNWATCH, 0, "/local/domain/1/a|t|"), 0);
	CHECK_EQ(reqs(c, XS_UNWATCH, 0, "a|u|"), 0);
	CHECK_EQ(reqs(c, XS_UNWATCH, 0, "a||"), 0);
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

TEST(store_watch_fires)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;

	CHECK_EQ(watch(c, "dir", "rel"), 0);
	CHECK_EQ(watch(c, "/local/domain/1/dir", "abs"), 0);
	CHECK_EQ(watch(d, "/", "root"), 0);
	CHECK_STR(events(c), "dir rel;/local/domain/1/dir abs;");
	CHECK_STR(events(d), "/ root;");

	/* One event for the node, none for the parents it needed. */
	CHECK_EQ(wr(c, 0, "dir/a/b", "x"), 0);
	CHECK_STR(events(c), "dir/a/b rel;/local/domain/1/dir/a/b abs;");
	CHECK_STR(events(d), "/local/domain/1/dir/a/b root;");
	CHECK_EQ(wr(c, 0, "dir/a/b", "x"), 0);
	CHECK_STR(events(c), "dir/a/b rel;/local/domain/1/dir/a/b abs;");
	CHECK_EQ(mkd(c, 0, "dir/a/b"), 0);
	CHECK_EQ(rd(c, 0, "dir/a/b"), 0);
	CHECK_EQ(ls(c, 0, "dir/a"), 0);
	CHECK_EQ(rm(c, 0, "dir/none"), 0);
	CHECK_STR(events(c), "");
	CHECK_EQ(mkd(c, 0, "dir/m"), 0);
	CHECK_STR(events(c), "dir/m rel;/local/domain/1/dir/m abs;");
	CHECK_EQ(setp(c, 0, "dir/m", "r1"), 0);
	CHECK_STR(events(c), "dir/m rel;/local/domain/1/dir/m abs;");
	CHECK_EQ(rm(c, 0, "dir/m"), 0);
	CHECK_STR(events(c), "dir/m rel;/local/domain/1/dir/m abs;");
	/* Not: what only looks alike. */
	CHECK_EQ(wr(c, 0, "dir2", "x"), 0);
	CHECK_EQ(wr(c, 0, "di", "x"), 0);
	CHECK_EQ(wr(c, 0, "x/dir", "x"), 0);
	CHECK_STR(events(c), "");
	/* The watch survives the node. */
	CHECK_EQ(rm(c, 0, "dir"), 0);
	CHECK_STR(events(c), "dir rel;/local/domain/1/dir abs;");
	CHECK_EQ(wr(c, 0, "dir", "again"), 0);
	CHECK_STR(events(c), "dir rel;/local/domain/1/dir abs;");
	/* Also that the way to it goes. */
	events(d);
	CHECK_EQ(rm(d, 0, "/local"), 0);
	CHECK_STR(events(c), "dir rel;/local/domain/1/dir abs;");
	CHECK_STR(events(d), "/local root;");
	env_destroy(env);
}

TEST(store_watch_removal)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];

	CHECK_EQ(mkd(c, 0, "t/a/x"), 0);
	CHECK_EQ(mkd(c, 0, "t/a/y"), 0);
	CHECK_EQ(mkd(c, 0, "t/b"), 0);
	CHECK_EQ(watch(c, "t", "t"), 0);
	CHECK_EQ(watch(c, "t/a", "a"), 0);
	CHECK_EQ(watch(c, "t/a/x", "x"), 0);
	CHECK_EQ(watch(c, "t/a/y", "y"), 0);
	CHECK_EQ(watch(c, "t/a/none", "none"), 0);
	CHECK_EQ(watch(c, "t/a/none/deep", "deep"), 0);
	CHECK_EQ(watch(c, "t/b", "b"), 0);
	events(c);
	/* The deepest first; the root tells all above, the rest just exact ones. */
	CHECK_EQ(rm(c, 0, "t"), 0);
	CHECK_STR(events(c), "t/a/x x;t/a/y y;t/a a;t/b b;t t;");
	CHECK_EQ(mkd(c, 0, "t/a/x"), 0);
	CHECK_STR(events(c), "t/a/x t;t/a/x a;t/a/x x;");
	CHECK_EQ(rm(c, 0, "t/a"), 0);
	CHECK_STR(events(c), "t/a/x x;t/a t;t/a a;");
	env_destroy(env);
}

/* A client's own event comes before the reply, a watch's first one behind it. */
TEST(store_watch_order)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];
	u32 tx;

	CHECK_EQ(watch(c, "a", "t"), 0);
	CHECK_STR(c->order, "RE");
	c->order[0] = 0;
	CHECK_EQ(wr(c, 0, "a", "x"), 0);
	CHECK_STR(c->order, "ER");
	c->order[0] = 0;
	CHECK_EQ(rm(c, 0, "a"), 0);
	CHECK_STR(c->order, "ER");
	tx = start(c);
	c->order[0] = 0;
	CHECK_EQ(wr(c, tx, "a", "x"), 0);
	CHECK_STR(c->order, "R");
	CHECK_EQ(commit(c, tx), 0);
	CHECK_STR(c->order, "RER");
	env_destroy(env);
}

TEST(store_watch_depth)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;

	CHECK_EQ(reqs(c, XS_WATCH, 0, "t|d0|0|"), 0);
	CHECK_EQ(reqs(c, XS_WATCH, 0, "t|d1|1|"), 0);
	CHECK_EQ(reqs(c, XS_WATCH, 0, "t|d2|2|"), 0);
	CHECK_EQ(reqs(c, XS_WATCH, 0, "t|big|2147483647|"), 0);
	CHECK_EQ(watch(c, "t", "all"), 0);
	events(c);
	CHECK_EQ(mkd(c, 0, "t"), 0);
	CHECK_STR(events(c), "t d0;t d1;t d2;t big;t all;");
	CHECK_EQ(mkd(c, 0, "t/a"), 0);
	CHECK_STR(events(c), "t/a d1;t/a d2;t/a big;t/a all;");
	CHECK_EQ(mkd(c, 0, "t/a/b"), 0);
	CHECK_STR(events(c), "t/a/b d2;t/a/b big;t/a/b all;");
	CHECK_EQ(mkd(c, 0, "t/a/b/c"), 0);
	CHECK_STR(events(c), "t/a/b/c big;t/a/b/c all;");
	CHECK_EQ(rm(d, 0, "/local/domain/1"), 0);
	CHECK_STR(events(c), "t d0;t d1;t d2;t big;t all;");
	CHECK_EQ(reqs(d, XS_WATCH, 0, "/|d1|1|"), 0);
	events(d);
	CHECK_EQ(mkd(d, 0, "/n/m"), 0);
	CHECK_EQ(mkd(d, 0, "/o"), 0);
	CHECK_STR(events(d), "/o d1;");
	/* A domain whose features lack it may not. */
	CHECK_EQ(xenemu_store_add_domain(env->store, 9), 0);
	CHECK_EQ(reqs(d, XENEMU_XS_SET_FEATURE, 0, "9|11|"), 0);
	client_close(&env->guest[3]);
	client_open(env, &env->guest[3], 9, XENEMU_CONN_RING);
	CHECK_EQ(reqs(&env->guest[3], XS_WATCH, 0, "t|d0|0|"), -EINVAL);
	CHECK_EQ(watch(&env->guest[3], "@releaseDomain/1", "t"), -EINVAL);
	CHECK_EQ(watch(&env->guest[3], "@releaseDomain", "t"), 0);
	CHECK_EQ(reqs(&env->guest[3], XENEMU_XS_GET_FEATURE, 0, ""), 0);
	CHECK_STR(env->guest[3].reply, "11");
	CHECK_EQ(xenemu_conn_features(env->guest[3].conn), 11);
	env_destroy(env);
}

TEST(store_watch_domains)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;

	CHECK_EQ(watch(c, "@releaseDomain", "plain"), 0);
	CHECK_EQ(reqs(c, XS_WATCH, 0, "@releaseDomain|d0|0|"), 0);
	CHECK_EQ(reqs(c, XS_WATCH, 0, "@releaseDomain|d1|1|"), 0);
	CHECK_EQ(watch(c, "@releaseDomain/2", "two"), 0);
	CHECK_EQ(watch(c, "@releaseDomain/3", "three"), 0);
	CHECK_STR(events(c), "@releaseDomain plain;@releaseDomain d0;@releaseDomain d1;"
			     "@releaseDomain/2 two;@releaseDomain/3 three;");
	xenemu_store_shutdown_domain(env->store, 2);
	CHECK_STR(events(c), "@releaseDomain plain;@releaseDomain d0;@releaseDomain/2 d1;"
			     "@releaseDomain/2 two;");
	/* The end is told too, even if the shutdown was. */
	xenemu_store_del_domain(env->store, 2);
	CHECK_STR(events(c), "@releaseDomain plain;@releaseDomain d0;@releaseDomain/2 d1;"
			     "@releaseDomain/2 two;");
	/* Such events are counted, not merged. */
	CHECK_EQ(xenemu_store_add_domain(env->store, 2), 0);
	CHECK_EQ(reqs(d, XS_INTRODUCE, 0, "2|1|1|"), 0);
	xenemu_store_shutdown_domain(env->store, 2);
	xenemu_store_shutdown_domain(env->store, 3);
	CHECK_STR(events(c), "@releaseDomain plain;@releaseDomain d0;@releaseDomain/2 d1;"
			     "@releaseDomain/2 two;"
			     "@releaseDomain plain;@releaseDomain d0;@releaseDomain/3 d1;"
			     "@releaseDomain/3 three;");
	/* One that was never introduced comes and goes without a word. */
	CHECK_EQ(xenemu_store_add_domain(env->store, 9), 0);
	xenemu_store_shutdown_domain(env->store, 9);
	xenemu_store_del_domain(env->store, 9);
	CHECK_STR(events(c), "");
	env_destroy(env);
}

TEST(store_watch_permission)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *o = &env->guest[2], *d = &env->dom0;

	CHECK_EQ(watch(c, "/local/domain/2", "spy"), 0);
	CHECK_STR(events(c), "/local/domain/2 spy;");
	CHECK_EQ(wr(o, 0, "secret", "x"), 0);
	CHECK_EQ(rm(o, 0, "secret"), 0);
	CHECK_STR(events(c), "");
	/* Readable itself. */
	CHECK_EQ(wr(o, 0, "open", "x"), 0);
	CHECK_STR(events(c), "");
	CHECK_EQ(setp(o, 0, "open", "n2 r1"), 0);
	CHECK_STR(events(c), "/local/domain/2/open spy;");
	CHECK_EQ(wr(o, 0, "open", "y"), 0);
	CHECK_STR(events(c), "/local/domain/2/open spy;");
	/* Losing the right is told, once. */
	CHECK_EQ(setp(o, 0, "open", "n2"), 0);
	CHECK_STR(events(c), "/local/domain/2/open spy;");
	CHECK_EQ(wr(o, 0, "open", "z"), 0);
	CHECK_STR(events(c), "");
	/* Readable parent: that it exists is no secret. */
	CHECK_EQ(mkd(o, 0, "pub/x"), 0);
	CHECK_EQ(setp(o, 0, "pub", "r2"), 0);
	events(c);
	CHECK_EQ(wr(o, 0, "pub/x", "1"), 0);
	CHECK_STR(events(c), "/local/domain/2/pub/x spy;");
	CHECK_EQ(wr(o, 0, "pub/x/deep", "1"), 0);
	CHECK_STR(events(c), "");
	/* Removed: as it was before. */
	CHECK_EQ(setp(o, 0, "open", "r2"), 0);
	CHECK_EQ(watch(c, "/local/domain/2/open", "exact"), 0);
	events(c);
	CHECK_EQ(rm(d, 0, "/local/domain/2"), 0);
	CHECK_STR(events(c), "/local/domain/2/open exact;");
	env_destroy(env);
}

TEST(store_watch_transaction)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;
	u32 tx;

	CHECK_EQ(mkd(c, 0, "old/a/b"), 0);
	CHECK_EQ(watch(d, "/local/domain/1", "w"), 0);
	CHECK_EQ(watch(d, "/local/domain/1/old/a/b", "b"), 0);
	CHECK_EQ(watch(d, "/local/domain/1/new", "n"), 0);
	events(d);
	tx = start(c);
	CHECK_EQ(wr(c, tx, "z", "1"), 0);
	CHECK_EQ(wr(c, tx, "new/x", "1"), 0);
	CHECK_EQ(wr(c, tx, "z", "2"), 0);
	CHECK_EQ(wr(c, tx, "temp", "2"), 0);
	CHECK_EQ(rm(c, tx, "temp"), 0);
	CHECK_EQ(rd(c, tx, "old"), 0);
	CHECK_EQ(rm(c, tx, "old"), 0);
	CHECK_STR(events(d), "");
	CHECK_EQ(commit(c, tx), 0);
	/* Once each, in the order of first access. */
	CHECK_STR(events(d), "/local/domain/1/z w;"
			     "/local/domain/1/new/x w;/local/domain/1/new/x n;"
			     "/local/domain/1/old/a/b b;/local/domain/1/old w;");
	tx = start(c);
	CHECK_EQ(wr(c, tx, "z", "3"), 0);
	CHECK_EQ(rollback(c, tx), 0);
	CHECK_STR(events(d), "");
	/* Removed and made again: who watches below learns that it is gone. */
	CHECK_EQ(mkd(c, 0, "old/a/b"), 0);
	events(d);
	tx = start(c);
	CHECK_EQ(rm(c, tx, "old/a"), 0);
	CHECK_EQ(mkd(c, tx, "old/a"), 0);
	CHECK_EQ(commit(c, tx), 0);
	CHECK_STR(events(d), "/local/domain/1/old/a/b b;/local/domain/1/old/a w;");
	/* Created and removed with its parent. */
	tx = start(c);
	CHECK_EQ(wr(c, tx, "p/q", "1"), 0);
	CHECK_EQ(rm(c, tx, "p"), 0);
	CHECK_EQ(commit(c, tx), 0);
	CHECK_STR(events(d), "");
	env_destroy(env);
}

TEST(store_watch_coalesce)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;
	struct xenemu_store_stats stats;
	char byte;
	u32 i;

	CHECK_EQ(watch(c, "a", "t"), 0);
	events(c);
	for (i = 0; i < 1000; i++)
		CHECK_EQ(wr(d, 0, "/local/domain/1/a", "x"), 0);
	CHECK_EQ(wr(d, 0, "/local/domain/1/a/b", "x"), 0);
	CHECK_EQ(wr(d, 0, "/local/domain/1/a", "x"), 0);
	CHECK_STR(events(c), "a t;a/b t;");
	xenemu_store_get_stats(env->store, &stats);
	CHECK_EQ(stats.coalesced, 1000);
	/* Read in part only: it is not there yet, so it still tells enough. */
	CHECK_EQ(wr(d, 0, "/local/domain/1/a", "x"), 0);
	CHECK_EQ(xenemu_conn_read(c->conn, &byte, 1), 1);
	CHECK_EQ(wr(d, 0, "/local/domain/1/a", "x"), 0);
	xenemu_store_get_stats(env->store, &stats);
	CHECK_EQ(stats.coalesced, 1001);
	env_destroy(env);
}

/* Many watches elsewhere change nothing for who is not watched. */
TEST(store_watch_many)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;
	const u32 nr = 20000;
	char path[64];
	u32 i;

	d->direct = true;
	for (i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), "/local/domain/%u/device/vbd/%u/state",
			 i % 100 + 10, i);
		CHECK_EQ(watch(d, path, "t"), 0);
		d->events[0] = 0;
	}
	CHECK_EQ(wr(c, 0, "x", "y"), 0);
	CHECK_STR(events(d), "");
	CHECK_EQ(wr(d, 0, "/local/domain/17/device/vbd/107/state", "1"), 0);
	CHECK_STR(events(d), "/local/domain/17/device/vbd/107/state t;");
	for (i = 0; i < nr; i += 2) {
		snprintf(path, sizeof(path), "/local/domain/%u/device/vbd/%u/state|t|",
			 i % 100 + 10, i);
		CHECK_EQ(reqs(d, XS_UNWATCH, 0, path), 0);
	}
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}
