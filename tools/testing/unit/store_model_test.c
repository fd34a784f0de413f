// SPDX-License-Identifier: GPL-2.0-only
/*
 * The store against the model of selftests/xenemu/lib/store_model.c.
 */
#include <linux/xenemu.h>

#include "store_env.h"
#include "store_model.h"

static struct client *client_of(struct env *env, unsigned int nr)
{
	struct client *const clients[STORE_MODEL_CLIENTS] = {
		&env->dom0, &env->dom0b, &env->guest[1], &env->guest[2], &env->guest[3],
	};

	return clients[nr];
}

static int model_request(void *ctx, unsigned int nr, uint32_t type, uint32_t tx,
			 const void *body, size_t len, char *reply)
{
	struct client *c = client_of(ctx, nr);
	int ret = req(c, type, tx, body, len);

	if (ret)
		return ret;
	memcpy(reply, c->reply, c->len);
	return c->len;
}

static void model_events(void *ctx, unsigned int nr, char *text, size_t size)
{
	struct client *c = client_of(ctx, nr);

	snprintf(text, size, "%s", events(c));
	c->order[0] = 0;
}

static void open_client(struct env *env, unsigned int nr)
{
	struct client *c = client_of(env, nr);

	client_open(env, c, store_model_domid(nr), nr < 2 ? XENEMU_CONN_FD : XENEMU_CONN_RING);
	c->direct = random_below(2);
}

static void model_reopen(void *ctx, unsigned int nr)
{
	struct client *c = client_of(ctx, nr);

	if (random_below(2)) {
		CHECK_EQ(xenemu_conn_reset(c->conn), 0);
		return;
	}
	client_close(c);
	open_client(ctx, nr);
}

static void model_replace(void *ctx, unsigned int domid)
{
	unsigned int nr = store_model_client(domid);
	struct env *env = ctx;

	xenemu_store_del_domain(env->store, domid);
	client_close(client_of(env, nr));
	CHECK_EQ(xenemu_store_add_domain(env->store, domid), 0);
	open_client(env, nr);
}

/* Nobody is to pause for conflicts. */
static void model_settle(void *ctx)
{
	shim_now += 100 * NSEC_PER_MSEC;
}

static void model_fail(void *ctx, int line, const char *what)
{
	tap_fail("store_model.c", line, "%s", what);
}

static const struct store_model_ops ops = {
	.request = model_request,
	.events = model_events,
	.reopen = model_reopen,
	.replace = model_replace,
	.settle = model_settle,
	.fail = model_fail,
};

TEST(store_model_random)
{
	struct store_model_result result;
	struct env *env = env_create();

	random_seed(tap_seed);
	env->dom0b.direct = true;
	env->guest[2].direct = true;
	store_model_run(&ops, env, tap_seed, tap_operations, &result);
	printf("# %lu rounds, %lu commits, %lu conflicts, %lu events, %lu deaths\n",
	       tap_operations, result.commits, result.conflicts, result.events, result.deaths);
	CHECK(result.commits && result.conflicts && result.events && result.deaths);
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

/* In which the store is saved and another goes on with it, now and then. */
struct moves {
	unsigned long compact;
	unsigned long xen;
};

static struct moves moves;

static unsigned int move_between(void *ctx, bool plain)
{
	/* Xen's form does not say what a transaction began with. */
	bool xen = plain && !random_below(4);

	if (!xen && random_below(20))
		return 0;
	env_migrate(ctx, xen ? XENEMU_STORE_FORMAT_XEN_V2 : XENEMU_STORE_FORMAT_COMPACT);
	moves.xen += xen;
	moves.compact += !xen;
	return 0;
}

/* Also while a request is half sent, or its reply half read. */
static int request_moving(void *ctx, unsigned int nr, uint32_t type, uint32_t tx,
			  const void *body, size_t len, char *reply)
{
	struct client *c = client_of(ctx, nr);
	int ret;

	if (random_below(20))
		return model_request(ctx, nr, type, tx, body, len, reply);
	ret = req_moving(c, type, tx, body, len);
	if (ret)
		return ret;
	memcpy(reply, c->reply, c->len);
	return c->len;
}

TEST(store_model_migrated)
{
	struct store_model_ops moving = ops;
	struct store_model_result result;
	struct env *env = env_create();

	moving.request = request_moving;
	moving.interlude = move_between;
	random_seed(tap_seed);
	store_model_run(&moving, env, tap_seed + 1, tap_operations / 4, &result);
	printf("# %lu rounds, %lu commits, %lu events, moved %lu times, and %lu by Xen's form\n",
	       tap_operations / 4, result.commits, result.events, moves.compact, moves.xen);
	CHECK(result.commits && result.events);
	CHECK(moves.compact && moves.xen);
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

/* Nothing is different that clients cannot see either. */
static unsigned int restore_all(void *ctx, bool plain)
{
	char *before, *after;

	if (random_below(20))
		return 0;
	before = dump_rest(ctx);
	env_migrate(ctx, XENEMU_STORE_FORMAT_COMPACT);
	after = dump_rest(ctx);
	CHECK_STR(after, before);
	free(before);
	free(after);
	return 0;
}

/* Nor if it is restored step by step. */
static unsigned int restore_steps(void *ctx, bool plain)
{
	static struct saved saved[8];
	static u32 nr;

	if (random_below(5))
		return 0;
	CHECK_EQ(env_save(ctx, XENEMU_STORE_FORMAT_COMPACT, XENEMU_SAVE_TRACK,
			  nr ? saved[nr - 1].gen : 0, &saved[nr]), 0);
	if (++nr < ARRAY_SIZE(saved))
		return 0;
	env_move(ctx, saved, nr);
	nr = 0;
	return 0;
}

static void run_restored(unsigned int (*interlude)(void *ctx, bool plain))
{
	struct store_model_ops restored = ops;
	struct store_model_result result;
	struct env *env = env_create();

	restored.interlude = interlude;
	random_seed(tap_seed);
	store_model_run(&restored, env, tap_seed + 1, tap_operations / 4, &result);
	CHECK(result.commits && result.conflicts && result.events && result.deaths);
	env_destroy(env);
}

TEST(store_model_restored)
{
	run_restored(restore_all);
	CHECK_EQ(shim_live_allocs, 0);
}

TEST(store_model_followed)
{
	run_restored(restore_steps);
}
