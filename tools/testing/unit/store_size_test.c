// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long saved stores are: of a Linux guest with one disk as a toolstack makes it and
 * the guest completes it, and of a thousand guests.
 */
#include <linux/xenemu.h>

#include "store_env.h"
#include "store_guest.h"

/* A guest in the making. */
struct making {
	struct env *env;
	struct client *guest;
};

static void write_node(void *ctx, const char *path, const char *value)
{
	const struct making *making = ctx;

	CHECK_EQ(wr(&making->env->dom0, 0, path, value), 0);
}

static void permit(void *ctx, const char *path, const char *perms)
{
	const struct making *making = ctx;

	CHECK_EQ(setp(&making->env->dom0, 0, path, perms), 0);
}

static void introduce(void *ctx, unsigned int domid)
{
	const struct making *making = ctx;
	char text[64];

	snprintf(text, sizeof(text), "%u|1|1|", domid);
	CHECK_EQ(reqs(&making->env->dom0, XS_INTRODUCE, 0, text), 0);
	client_open(making->env, making->guest, domid, XENEMU_CONN_RING);
}

static void watch_node(void *ctx, unsigned int domid, const char *path, const char *token)
{
	const struct making *making = ctx;

	CHECK_EQ(watch(making->guest, path, token), 0);
}

static const struct store_guest_ops ops = {
	.write = write_node,
	.permit = permit,
	.introduce = introduce,
	.watch = watch_node,
};

static void make_guest(struct env *env, struct client *guest, u32 domid)
{
	struct making making = { env, guest };

	CHECK_EQ(xenemu_store_add_domain(env->store, domid), 0);
	store_guest_make(&ops, &making, domid);
	events(guest);
}

static size_t size_of(struct env *env, u32 format)
{
	struct saved saved;
	size_t len;

	CHECK_EQ(env_save(env, format, 0, 0, &saved), 0);
	len = saved.len;
	free(saved.data);
	return len;
}

TEST(store_size_one_disk)
{
	struct env *env = env_create_bare();
	size_t len;

	make_guest(env, &env->guest[1], 1);
	len = size_of(env, XENEMU_STORE_FORMAT_COMPACT);
	printf("# one disk, %u nodes: compact %zu, v1 %zu, v2 %zu bytes\n", nodes_of(env, 0) +
	       nodes_of(env, 1), len, size_of(env, XENEMU_STORE_FORMAT_XEN_V1),
	       size_of(env, XENEMU_STORE_FORMAT_XEN_V2));
	/* What QEMU is said to need for a store of its own form. */
	CHECK(len <= 1588);
	env_destroy(env);
}

/* A node that has changed costs as much as that node. */
TEST(store_size_difference)
{
	struct env *env = env_create_bare();
	struct saved base, step;

	make_guest(env, &env->guest[1], 1);
	CHECK_EQ(env_save(env, XENEMU_STORE_FORMAT_COMPACT, XENEMU_SAVE_TRACK, 0, &base), 0);
	CHECK_EQ(env_save(env, XENEMU_STORE_FORMAT_COMPACT, XENEMU_SAVE_TRACK, base.gen,
			  &step), 0);
	printf("# no difference: %zu bytes\n", step.len);
	CHECK(step.len < 24);
	free(step.data);
	CHECK_EQ(env_save(env, XENEMU_STORE_FORMAT_COMPACT, 0, base.gen, &step), -ESTALE);
	base.gen = step.gen ?: base.gen;
	CHECK_EQ(env_save(env, XENEMU_STORE_FORMAT_COMPACT, XENEMU_SAVE_TRACK, 0, &step), 0);
	CHECK_EQ(wr(&env->guest[1], 0, "device/vbd/51712/state", "5"), 0);
	events(&env->guest[1]);
	free(base.data);
	CHECK_EQ(env_save(env, XENEMU_STORE_FORMAT_COMPACT, 0, step.gen, &base), 0);
	printf("# one node: %zu bytes\n", base.len);
	CHECK(base.len < 48);
	free(base.data);
	/* That was the last: nothing is remembered. */
	CHECK_EQ(env_save(env, XENEMU_STORE_FORMAT_COMPACT, 0, step.gen, &base), -ESTALE);
	free(step.data);
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

TEST(store_size_thousand)
{
	struct env *env = env_create_bare();
	static struct client guest[1001];
	u32 i;

	for (i = 1; i <= 1000; i++)
		make_guest(env, &guest[i], i);
	printf("# 1000 guests: compact %zu, v1 %zu, v2 %zu bytes\n",
	       size_of(env, XENEMU_STORE_FORMAT_COMPACT),
	       size_of(env, XENEMU_STORE_FORMAT_XEN_V1),
	       size_of(env, XENEMU_STORE_FORMAT_XEN_V2));
	for (i = 1; i <= 1000; i++)
		client_close(&guest[i]);
	env_destroy(env);
}
