// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saving and restoring a store: nothing is lost, nobody notices; and whatever bytes are
 * restored, the result is a store or nothing at all.
 */
#include <linux/xenemu.h>

#include "store_env.h"

static const u32 xen_formats[] = { XENEMU_STORE_FORMAT_XEN_V1, XENEMU_STORE_FORMAT_XEN_V2 };

/* The tree is the same after it was saved and restored. */
static void check_same_tree(struct env *env, u32 format)
{
	char *before = dump(env), *after;

	env_migrate(env, format);
	after = dump(env);
	CHECK_STR(after, before);
	free(before);
	free(after);
	CHECK(consistent(env));
}

TEST(store_state_empty)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(xen_formats); i++) {
		struct env *env = env_create_bare();

		check_same_tree(env, xen_formats[i]);
		env_destroy(env);
		CHECK_EQ(shim_live_allocs, 0);
	}
}

TEST(store_state_nodes)
{
	u32 i, n;

	for (i = 0; i < ARRAY_SIZE(xen_formats); i++) {
		struct env *env = env_create();
		char path[64];

		for (n = 0; n < 300; n++) {
			snprintf(path, sizeof(path), "/a/%u/b%u", n % 7, n);
			CHECK_EQ(wr(&env->dom0, 0, path, path), 0);
		}
		CHECK_EQ(wr(&env->guest[1], 0, "dir/one", ""), 0);
		CHECK_EQ(setp(&env->guest[1], 0, "dir/one", "b1 r2 w3 b0 r7"), 0);
		CHECK_EQ(req(&env->guest[1], XS_WRITE, 0, "bin\0a\0b\xff", 8), 0);
		CHECK_EQ(setp(&env->dom0, 0, "@releaseDomain", "n0 r1"), 0);
		check_same_tree(env, xen_formats[i]);
		CHECK_EQ(rd(&env->guest[2], 0, "/local/domain/1/dir/one"), 0);
		CHECK_EQ(rd(&env->guest[3], 0, "/local/domain/1/dir/one"), -EACCES);
		CHECK_EQ(rd(&env->guest[1], 0, "bin"), 0);
		CHECK_EQ(env->guest[1].len, 4);
		env_destroy(env);
		CHECK_EQ(shim_live_allocs, 0);
	}
}

static struct saved load(const char *name)
{
	struct saved saved = { .data = malloc(65536) };
	FILE *file = fopen(name, "r");

	CHECK(file);
	saved.len = fread(saved.data, 1, 65536, file);
	fclose(file);
	return saved;
}

/* What xenstored 4.20.3 wrote; see data/README.md. */
TEST(store_state_xenstored)
{
	struct saved saved = load("data/xenstored-4.20.3-v1.bin");
	struct env *env = env_create_empty();
	struct xenemu_store_stats stats;

	CHECK_EQ(env_restore(env, &saved), 0);
	xenemu_store_get_stats(env->store, &stats);
	CHECK_EQ(stats.nodes, 134);
	CHECK_EQ(stats.watches, 11);
	CHECK_EQ(stats.connections, 3);
	CHECK_EQ(stats.domains, 2);

	CHECK_EQ(xenemu_store_add_domain(env->store, 5), 0);
	CHECK(xenemu_store_is_introduced(env->store, 5));
	client_open(env, &env->dom0, 0, XENEMU_CONN_FD);
	client_open(env, &env->guest[1], 5, XENEMU_CONN_RING);
	CHECK(xenemu_conn_is_restored(env->guest[1].conn));
	CHECK_EQ(env->guest[1].conn->port, 13);
	CHECK(consistent(env));
	CHECK_EQ(rd(&env->guest[1], 0, "name"), 0);
	CHECK_STR(env->guest[1].reply, "guest");
	CHECK_EQ(getp(&env->dom0, 0, "/local/domain/5/name"), 0);
	CHECK_STR(env->dom0.reply, "n0 r5 ");
	CHECK_EQ(wr(&env->guest[1], 0, "name", "x"), -EACCES);
	CHECK_EQ(rd(&env->dom0, 0, "/local/domain/0/backend/vbd/5/51712/state"), 0);

	/* The reply to the command that made xenstored write all this. */
	env->dom0b.conn = xenemu_conn_claim(env->store, 0, 2, env->dom0.conn->ops, &env->dom0b);
	CHECK(!IS_ERR(env->dom0b.conn));
	CHECK_EQ(drain(&env->dom0b), 1);
	CHECK_STR(env->dom0b.reply, "OK");
	CHECK_STR(events(&env->dom0b), "");
	CHECK_EQ(wr(&env->dom0, 0, "/local/domain/0/backend/vbd/5/51712/state3", "4"), 0);
	CHECK_STR(events(&env->dom0b),
		  "/local/domain/0/backend/vbd/5/51712/state3 FFFF888003A4F6E0;");
	env_destroy(env);
	free(saved.data);
	CHECK_EQ(shim_live_allocs, 0);
}
