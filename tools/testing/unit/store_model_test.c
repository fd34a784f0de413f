// SPDX-License-Identifier: GPL-2.0-only
/*
 * The store against the model of selftests/xenemu/lib/store_model.c.
 */
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
