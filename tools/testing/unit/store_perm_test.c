// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may do what with a node: each kind of right, held by each kind of client.
 */
#include "store_env.h"

static int expect(bool allowed)
{
	return allowed ? 0 : -EACCES;
}

/* The node's permissions are @perms; guest 1 may read or write as said. */
static void check_rights(struct env *env, const char *perms, bool r, bool w)
{
	struct client *d = &env->dom0, *c = &env->guest[1];

	rm(d, 0, "/t/node");
	CHECK_EQ(wr(d, 0, "/t/node/kid", "k"), 0);
	CHECK_EQ(setp(d, 0, "/t/node/kid", "n0"), 0);
	CHECK_EQ(setp(d, 0, "/t/node", perms), 0);
	CHECK_EQ(rd(c, 0, "/t/node"), expect(r));
	CHECK_EQ(ls(c, 0, "/t/node"), expect(r));
	CHECK_EQ(getp(c, 0, "/t/node"), expect(r));
	CHECK_EQ(reqs(c, XS_DIRECTORY_PART, 0, "/t/node|0|"), expect(r));
	CHECK_EQ(wr(c, 0, "/t/node", "x"), expect(w));
	CHECK_EQ(mkd(c, 0, "/t/node"), expect(w));
	CHECK_EQ(setp(c, 0, "/t/node", "b0"), -EACCES);
	/* Missing below: only who has the right on the nearest node learns that. */
	CHECK_EQ(rd(c, 0, "/t/node/none"), r ? -ENOENT : -EACCES);
	CHECK_EQ(ls(c, 0, "/t/node/none/deep"), r ? -ENOENT : -EACCES);
	CHECK_EQ(setp(c, 0, "/t/node/none", "n1"), w ? -ENOENT : -EACCES);
	CHECK_EQ(rm(c, 0, "/t/node/none"), expect(w));
	CHECK_EQ(rm(c, 0, "/t/node/none/deep"), w ? -ENOENT : -EACCES);
	CHECK_EQ(wr(c, 0, "/t/node/new", "x"), expect(w));
	CHECK_EQ(mkd(c, 0, "/t/node/new2/deep"), expect(w));
	/* Existing and not permitted is never anything else. */
	CHECK_EQ(rd(c, 0, "/t/node/kid"), -EACCES);
	CHECK_EQ(wr(c, 0, "/t/node/kid", "x"), -EACCES);
	CHECK_EQ(rm(c, 0, "/t/node/kid"), -EACCES);
	CHECK_EQ(rm(c, 0, "/t/node"), expect(w));
	/* dom0 may do everything. */
	CHECK_EQ(wr(d, 0, "/t/node/kid", "x"), 0);
	CHECK_EQ(rd(d, 0, "/t/node/kid"), 0);
}

TEST(store_perm_matrix)
{
	static const struct {
		char letter;
		bool r, w;
	} right[] = { { 'n', 0, 0 }, { 'r', 1, 0 }, { 'w', 0, 1 }, { 'b', 1, 1 } };
	struct env *env = env_create();
	char perms[32];
	u32 i, k;

	for (i = 0; i < 4; i++) {
		snprintf(perms, sizeof(perms), "%c0", right[i].letter);
		check_rights(env, perms, right[i].r, right[i].w);
		snprintf(perms, sizeof(perms), "%c2", right[i].letter);
		check_rights(env, perms, right[i].r, right[i].w);
		for (k = 0; k < 4; k++) {
			/* An entry of one's own beats the default, in both directions. */
			snprintf(perms, sizeof(perms), "%c0 %c1", right[k].letter,
				 right[i].letter);
			check_rights(env, perms, right[i].r, right[i].w);
			/* Others' entries do not count. */
			snprintf(perms, sizeof(perms), "%c0 %c2", right[i].letter,
				 right[k].letter);
			check_rights(env, perms, right[i].r, right[i].w);
			/* The first that fits wins. */
			snprintf(perms, sizeof(perms), "n0 %c1 %c1", right[i].letter,
				 right[k].letter);
			check_rights(env, perms, right[i].r, right[i].w);
			snprintf(perms, sizeof(perms), "%c0 %c32757 b1", right[k].letter,
				 right[i].letter);
			check_rights(env, perms, right[i].r, right[i].w);
			snprintf(perms, sizeof(perms), "n2 %c1 %c32757", right[i].letter,
				 right[k].letter);
			check_rights(env, perms, right[i].r, right[i].w);
		}
	}
	CHECK(consistent(env));
	env_destroy(env);
}

TEST(store_perm_owner)
{
	struct env *env = env_create();
	struct client *d = &env->dom0, *c = &env->guest[1];

	/* An owner has all rights, whatever the default is. */
	CHECK_EQ(wr(c, 0, "o", "x"), 0);
	CHECK_EQ(setp(c, 0, "o", "n1 n1"), 0);
	CHECK_EQ(rd(c, 0, "o"), 0);
	CHECK_EQ(wr(c, 0, "o", "y"), 0);
	CHECK_EQ(setp(c, 0, "o", "r1 b2 w3"), 0);
	CHECK_EQ(getp(c, 0, "o"), 0);
	CHECK_STR(c->reply, "r1 b2 w3 ");
	CHECK_EQ(rd(&env->guest[2], 0, "/local/domain/1/o"), 0);
	CHECK_EQ(wr(&env->guest[2], 0, "/local/domain/1/o", "z"), 0);
	CHECK_EQ(rd(&env->guest[3], 0, "/local/domain/1/o"), -EACCES);
	/* Writers do not own. */
	CHECK_EQ(setp(&env->guest[2], 0, "/local/domain/1/o", "b1 b2"), -EACCES);
	/* An owner cannot give a node away, dom0 can. */
	CHECK_EQ(setp(c, 0, "o", "n2"), -EPERM);
	CHECK_EQ(setp(c, 0, "o", "n0"), -EPERM);
	CHECK_EQ(setp(d, 0, "/local/domain/1/o", "n2"), 0);
	CHECK_EQ(rd(c, 0, "o"), -EACCES);
	CHECK_EQ(setp(c, 0, "o", "n1"), -EACCES);
	CHECK(consistent(env));
	env_destroy(env);
}

TEST(store_perm_arguments)
{
	static const char * const bad[] = {
		"x1", "1", "n", "", "n1x", "n-1", "n99999", "n1 x2", "n1 ", "N1", "n+1", "n 1",
		"nn1", "n123456",
	};
	struct env *env = env_create();
	struct client *d = &env->dom0, *c = &env->guest[1];
	u32 i;

	CHECK_EQ(wr(c, 0, "o", "x"), 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_EQ(setp(c, 0, "o", bad[i]), -EINVAL);
	CHECK_EQ(reqs(c, XS_SET_PERMS, 0, "o|"), -EINVAL);
	CHECK_EQ(reqs(c, XS_SET_PERMS, 0, "o"), -EINVAL);
	CHECK_EQ(setp(c, 0, "a//b", "n1"), -EINVAL);
	CHECK_EQ(setp(d, 0, "/local/domain/1/o", "n77"), -ENOENT);
	CHECK_EQ(setp(d, 0, "/local/domain/1/o", "n32757"), -ENOENT);
	CHECK_EQ(setp(d, 0, "/none", "n1"), -ENOENT);
	CHECK_EQ(getp(c, 0, "o"), 0);
	CHECK_STR(c->reply, "n1 ");
	/* Who is not there gets nothing, not even later. */
	CHECK_EQ(setp(c, 0, "o", "n1 b9"), 0);
	CHECK_EQ(getp(c, 0, "o"), 0);
	CHECK_STR(c->reply, "n1 ");
	CHECK_EQ(xenemu_store_add_domain(env->store, 9), 0);
	CHECK_EQ(getp(c, 0, "o"), 0);
	CHECK_STR(c->reply, "n1 ");
	client_close(&env->guest[3]);
	client_open(env, &env->guest[3], 9, XENEMU_CONN_FD);
	CHECK_EQ(rd(&env->guest[3], 0, "/local/domain/1/o"), -EACCES);
	env_destroy(env);
}

TEST(store_perm_inherit)
{
	struct env *env = env_create();
	struct client *d = &env->dom0, *c = &env->guest[1];

	CHECK_EQ(mkd(d, 0, "/t"), 0);
	CHECK_EQ(setp(d, 0, "/t", "r0 b1 w2"), 0);
	/* dom0's nodes stay the parent owner's, a guest's are its own. */
	CHECK_EQ(mkd(d, 0, "/t/a/b"), 0);
	CHECK_EQ(getp(d, 0, "/t/a/b"), 0);
	CHECK_STR(d->reply, "r0 b1 w2 ");
	CHECK_EQ(mkd(c, 0, "/t/c/d"), 0);
	CHECK_EQ(getp(d, 0, "/t/c"), 0);
	CHECK_STR(d->reply, "r1 b1 w2 ");
	CHECK_EQ(getp(d, 0, "/t/c/d"), 0);
	CHECK_STR(d->reply, "r1 b1 w2 ");
	CHECK_EQ(mkd(d, 0, "/local/domain/1/by0"), 0);
	CHECK_EQ(getp(c, 0, "by0"), 0);
	CHECK_STR(c->reply, "n1 ");
	CHECK_EQ(nodes_of(env, 1), 4);
	CHECK(consistent(env));
	env_destroy(env);
}

TEST(store_perm_any)
{
	struct env *env = env_create();
	struct client *d = &env->dom0;

	CHECK_EQ(wr(d, 0, "/t", "x"), 0);
	CHECK_EQ(setp(d, 0, "/t", "n0 r32757"), 0);
	CHECK_EQ(getp(d, 0, "/t"), 0);
	CHECK_STR(d->reply, "n0 r32757 ");
	CHECK_EQ(rd(&env->guest[1], 0, "/t"), 0);
	CHECK_EQ(rd(&env->guest[2], 0, "/t"), 0);
	/* Without the feature, the entry has no effect. */
	CHECK_EQ(xenemu_store_add_domain(env->store, 9), 0);
	CHECK_EQ(reqs(d, XENEMU_XS_SET_FEATURE, 0, "9|7|"), 0);
	client_close(&env->guest[3]);
	client_open(env, &env->guest[3], 9, XENEMU_CONN_RING);
	CHECK_EQ(mkd(d, 0, "/local/domain/9"), 0);
	CHECK_EQ(setp(d, 0, "/local/domain/9", "n9"), 0);
	CHECK_EQ(setp(&env->guest[3], 0, "/local/domain/9", "n9 r32757"), 0);
	CHECK_EQ(rd(&env->guest[1], 0, "/local/domain/9"), -EACCES);
	env_destroy(env);
}

TEST(store_perm_special)
{
	struct env *env = env_create();
	struct client *d = &env->dom0, *c = &env->guest[1];

	CHECK_EQ(getp(d, 0, "@introduceDomain"), 0);
	CHECK_STR(d->reply, "n0 ");
	CHECK_EQ(getp(d, 0, "@releaseDomain"), 0);
	CHECK_STR(d->reply, "n0 r32757 ");
	CHECK_EQ(getp(c, 0, "@introduceDomain"), -EACCES);
	CHECK_EQ(setp(c, 0, "@releaseDomain", "b0"), -EACCES);
	CHECK_EQ(getp(d, 0, "@nothing"), -EINVAL);
	CHECK_EQ(getp(d, 0, "@releaseDomain/1"), -EINVAL);
	CHECK_EQ(setp(d, 0, "@introduceDomain", "n0 r1"), 0);
	CHECK_EQ(watch(c, "@introduceDomain", "i"), 0);
	CHECK_EQ(watch(&env->guest[2], "@introduceDomain", "i"), 0);
	events(c);
	events(&env->guest[2]);
	CHECK_EQ(xenemu_store_add_domain(env->store, 9), 0);
	CHECK_EQ(reqs(d, XS_INTRODUCE, 0, "9|1|1|"), 0);
	CHECK_STR(events(c), "@introduceDomain i;");
	CHECK_STR(events(&env->guest[2]), "");
	/* A special node, or the root, of a domain that dies goes back to dom0. */
	CHECK_EQ(setp(d, 0, "@introduceDomain", "r9"), 0);
	CHECK_EQ(setp(d, 0, "/", "r9"), 0);
	CHECK(consistent(env));
	xenemu_store_del_domain(env->store, 9);
	CHECK_EQ(getp(d, 0, "@introduceDomain"), 0);
	CHECK_STR(d->reply, "n0 ");
	CHECK_EQ(getp(d, 0, "/"), 0);
	CHECK_STR(d->reply, "n0 ");
	CHECK_EQ(rd(d, 0, "/local/domain/1"), 0);
	CHECK(consistent(env));
	env_destroy(env);
}
