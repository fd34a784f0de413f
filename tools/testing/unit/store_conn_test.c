// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections: output in pieces, death and rebirth, flow control, time limits.
 */
#include "store_env.h"

TEST(store_conn_pieces)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];
	char got[256] = {}, want[256] = {};
	struct xsd_sockmsg hdr = { .type = XS_READ, .req_id = 1, .len = 5 };
	u32 len = 0, step;

	CHECK_EQ(wr(c, 0, "x", "value"), 0);
	memcpy(want, &hdr, sizeof(hdr));
	memcpy(want + sizeof(hdr), "value", 5);
	for (step = 1; step < 30; step++) {
		c->next_id = 0;
		CHECK_EQ(post(c, XS_READ, 0, "x|"), 0);
		c->next_id = 0;
		CHECK_EQ(post(c, XS_READ, 0, "x|"), 0);
		len = 0;
		while (xenemu_conn_has_output(c->conn))
			len += xenemu_conn_read(c->conn, got + len, step);
		CHECK_EQ(len, 42);
		CHECK(!memcmp(got, want, 21));
		CHECK(!memcmp(got + 21, want, 21));
		CHECK_EQ(xenemu_conn_read(c->conn, got, step), 0);
	}
	CHECK_EQ(xenemu_conn_read(c->conn, got, 0), 0);
	CHECK(!xenemu_conn_take(c->conn));
	xenemu_msg_free(c->conn, NULL);
	env_destroy(env);
}

TEST(store_conn_create)
{
	struct env *env = env_create_bare();
	static const struct xenemu_conn_ops ops;

	CHECK_EQ(PTR_ERR(xenemu_conn_create(env->store, 5, XENEMU_CONN_FD, &ops, NULL)), -ENOENT);
	env_destroy(env);
}

TEST(store_conn_kill)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;
	struct xsd_sockmsg hdr = { .type = XS_READ };
	char buf[64], *body = buf + XENEMU_STORE_HEADROOM;
	unsigned long wakes;

	CHECK_EQ(watch(c, "x", "t"), 0);
	start(c);
	CHECK_EQ(post(c, XS_READ, 0, "x|"), 0);
	wakes = c->wakes;
	xenemu_conn_kill(c->conn);
	CHECK(c->wakes > wakes);
	CHECK(xenemu_conn_is_dead(c->conn));
	CHECK(!xenemu_conn_has_output(c->conn));
	CHECK(!xenemu_conn_may_accept(c->conn));
	CHECK_EQ(xenemu_conn_request(c->conn, &hdr, body), -ENODEV);
	CHECK_EQ(xenemu_conn_call(c->conn, &hdr, body, buf), -ENODEV);
	CHECK_EQ(wr(d, 0, "/local/domain/1/x", "y"), 0);
	CHECK(!xenemu_conn_has_output(c->conn));
	xenemu_conn_kill(c->conn);

	/* The domain's end is still told. */
	CHECK_EQ(watch(d, "@releaseDomain", "r"), 0);
	events(d);
	xenemu_store_shutdown_domain(env->store, 1);
	CHECK_STR(events(d), "@releaseDomain r;");

	CHECK_EQ(xenemu_conn_reset(c->conn), 0);
	CHECK(!xenemu_conn_is_dead(c->conn));
	CHECK(xenemu_conn_may_accept(c->conn));
	CHECK_EQ(rd(c, 0, "x"), 0);
	CHECK_EQ(start(c), 1);
	xenemu_store_del_domain(env->store, 1);
	CHECK(xenemu_conn_is_dead(c->conn));
	CHECK_EQ(xenemu_conn_reset(c->conn), -ENODEV);
	CHECK(xenemu_conn_is_dead(c->conn));
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

/* A taken message outlives all but the connection. */
TEST(store_conn_take)
{
	struct env *env = env_create();
	struct client *d = &env->dom0;
	struct xenemu_msg *msg;
	u32 i;

	for (i = 0; xenemu_conn_may_accept(d->conn); i++)
		CHECK_EQ(post(d, XS_READ, 0, "/|"), 0);
	CHECK_EQ(i, 64);
	msg = xenemu_conn_take(d->conn);
	CHECK_EQ(msg->len, sizeof(struct xsd_sockmsg));
	CHECK(!xenemu_conn_may_accept(d->conn));
	xenemu_conn_kill(d->conn);
	CHECK(!xenemu_conn_take(d->conn));
	xenemu_msg_free(d->conn, msg);
	CHECK_EQ(xenemu_conn_reset(d->conn), 0);
	CHECK(xenemu_conn_may_accept(d->conn));
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

/* Who does not read loses events after a while, and does not hold up who caused them. */
TEST(store_conn_event_timeout)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *w = &env->guest[2];
	struct xenemu_store_stats stats;
	char path[16], byte;
	u32 i;

	CHECK_EQ(setp(c, 0, "/local/domain/1", "r1"), 0);
	CHECK_EQ(watch(w, "/local/domain/1", "t"), 0);
	events(w);
	shim_now += 100 * NSEC_PER_SEC;
	xenemu_store_tick(env->store);
	env->armed = 0;
	for (i = 0; xenemu_conn_may_accept(c->conn); i++) {
		snprintf(path, sizeof(path), "n%u", i);
		CHECK_EQ(wr(c, 0, path, "x"), 0);
	}
	CHECK_EQ(i, 20);
	CHECK_EQ(env->armed, 100 * NSEC_PER_MSEC);
	/* The first is begun: it stays, but the writer need not wait for its end. */
	CHECK_EQ(xenemu_conn_read(w->conn, &byte, 1), 1);
	CHECK(xenemu_conn_may_accept(c->conn));
	CHECK_EQ(wr(c, 0, "one-more", "x"), 0);
	CHECK(!xenemu_conn_may_accept(c->conn));

	/* For a tenth of a second, that is. */
	shim_now += 99 * NSEC_PER_MSEC;
	env->armed = 0;
	xenemu_store_tick(env->store);
	CHECK(!xenemu_conn_may_accept(c->conn));
	CHECK_EQ(env->armed, NSEC_PER_MSEC);
	c->wakes = 0;
	shim_now += NSEC_PER_MSEC;
	xenemu_store_tick(env->store);
	CHECK(c->wakes);
	CHECK(xenemu_conn_may_accept(c->conn));
	CHECK_EQ(env->armed, 20 * NSEC_PER_SEC - 100 * NSEC_PER_MSEC);
	CHECK_EQ(atomic_read(&c->conn->dom->outstanding), 0);

	shim_now += 20 * NSEC_PER_SEC - 101 * NSEC_PER_MSEC;
	env->armed = 0;
	xenemu_store_tick(env->store);
	CHECK_EQ(env->armed, NSEC_PER_MSEC);
	xenemu_store_get_stats(env->store, &stats);
	CHECK_EQ(stats.dropped, 0);
	shim_now += NSEC_PER_MSEC;
	env->armed = 0;
	xenemu_store_tick(env->store);
	CHECK_EQ(env->armed, 0);
	xenemu_store_get_stats(env->store, &stats);
	CHECK_EQ(stats.dropped, 20);
	CHECK(xenemu_conn_has_output(w->conn));
	/* Who is privileged loses nothing, and is waited for longer. */
	CHECK_EQ(watch(&env->dom0, "/local/domain/1", "t"), 0);
	CHECK_EQ(xenemu_conn_reset(w->conn), 0);
	for (i = 0; xenemu_conn_may_accept(c->conn); i++) {
		snprintf(path, sizeof(path), "m%u", i);
		CHECK_EQ(wr(c, 0, path, "x"), 0);
	}
	CHECK_EQ(i, 20);
	shim_now += 20 * NSEC_PER_SEC - 1;
	xenemu_store_tick(env->store);
	CHECK(!xenemu_conn_may_accept(c->conn));
	shim_now++;
	xenemu_store_tick(env->store);
	CHECK(xenemu_conn_may_accept(c->conn));
	CHECK_EQ(wr(c, 0, "last", "x"), 0);
	shim_now += 100 * NSEC_PER_SEC;
	xenemu_store_tick(env->store);
	CHECK(strstr(events(&env->dom0), "m0 t;/local/domain/1/m1 t;"));
	CHECK_EQ(wr(c, 0, "last", "x"), 0);
	CHECK_STR(events(&env->dom0), "/local/domain/1/last t;");
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

/* A client that never reads: a writer that it watches is slowed down, not stopped. */
TEST(store_conn_reader_that_does_not)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *w[2] = { &env->guest[2], &env->guest[3] };
	u32 i, k, written = 0;
	char path[32];

	c->direct = true;
	CHECK_EQ(reqs(&env->dom0, XENEMU_XS_SET_QUOTA, 0, "nodes|0|"), 0);
	CHECK_EQ(setp(c, 0, "/local/domain/1", "b1"), 0);
	for (i = 0; i < 2; i++)
		CHECK_EQ(watch(w[i], "/local/domain/1", "t"), 0);
	for (i = 0; i < 600; i++) {
		shim_now += 10 * NSEC_PER_MSEC;
		xenemu_store_tick(env->store);
		for (k = 0; k < 10 && xenemu_conn_may_accept(c->conn); k++) {
			snprintf(path, sizeof(path), "d%u/n%u", written / 50, written % 50);
			CHECK_EQ(wr(c, 0, path, "x"), 0);
			written++;
		}
		/* Its own reading or not is its own affair. */
		if (i == 300)
			CHECK_EQ(post(w[0], XS_WRITE, 0, "/local/domain/1/own|x"), 0);
	}
	CHECK(written >= 6 * 200);
	/* What was done in each tenth of a second is all that is ever owed. */
	for (i = 0; i < 2; i++)
		CHECK(w[i]->conn->out_mem < 2621440);
	CHECK(xenemu_conn_may_accept(env->dom0.conn));
	events(w[0]);
	events(w[1]);
	CHECK_EQ(atomic_read(&c->conn->dom->outstanding), 0);
	CHECK_EQ(atomic_read(&w[0]->conn->dom->outstanding), 0);
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

/* Replies are never lost to a time limit. */
TEST(store_conn_reply_stays)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];

	CHECK_EQ(watch(c, "x", "t"), 0);
	CHECK_EQ(post(c, XS_WRITE, 0, "x|y"), 0);
	shim_now += 100 * NSEC_PER_SEC;
	xenemu_store_tick(env->store);
	c->order[0] = 0;
	CHECK_EQ(drain(c), 1);
	CHECK_STR(c->order, "R");
	env_destroy(env);
}

/* Unread events of any client are bounded. */
TEST(store_conn_event_memory)
{
	struct env *env = env_create();
	struct client *d = &env->dom0, *w = &env->guest[2];
	struct xenemu_store_stats stats;
	char path[128];
	u32 i;

	d->direct = true;
	CHECK_EQ(reqs(d, XENEMU_XS_SET_QUOTA, 0, "2|memory|100000|"), 0);
	CHECK_EQ(watch(w, "a", "t"), 0);
	CHECK_EQ(watch(&env->dom0b, "/local/domain/2/a", "t"), 0);
	events(w);
	events(&env->dom0b);
	for (i = 0; i < 60000; i++) {
		snprintf(path, sizeof(path), "/local/domain/2/a/%u%060u", i, 1);
		CHECK_EQ(wr(d, 0, path, "x"), 0);
		CHECK_EQ(rm(d, 0, path), 0);
	}
	CHECK(w->conn->out_mem <= 100000);
	CHECK(w->conn->out_mem > 90000);
	CHECK(env->dom0b.conn->out_mem <= 8 << 20);
	xenemu_store_get_stats(env->store, &stats);
	CHECK(stats.dropped > 50000);
	/* It can go on once it has read. */
	events(w);
	CHECK_EQ(rd(w, 0, "a"), 0);
	CHECK_EQ(wr(d, 0, "/local/domain/2/a", "x"), 0);
	CHECK_STR(events(w), "a t;");
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

/* Without memory for a reply there is still one, and then no more is accepted. */
TEST(store_conn_spare)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1];
	struct xsd_sockmsg hdr = { .type = XS_READ, .req_id = 7, .len = 2 };
	char buf[64], *body = buf + XENEMU_STORE_HEADROOM;

	strcpy(body, "x");
	shim_fail_nth = 1;
	CHECK_EQ(xenemu_conn_request(c->conn, &hdr, body), 0);
	CHECK_EQ(shim_fail_nth, 0);
	CHECK(!xenemu_conn_may_accept(c->conn));
	shim_fail_nth = 1;
	CHECK_EQ(xenemu_conn_request(c->conn, &hdr, body), -EAGAIN);
	c->wakes = 0;
	CHECK_EQ(drain(c), 1);
	CHECK_STR(c->reply, "ENOMEM");
	CHECK(c->wakes);
	CHECK(xenemu_conn_may_accept(c->conn));
	/* And another time. */
	strcpy(body, "x");
	shim_fail_nth = 1;
	CHECK_EQ(xenemu_conn_request(c->conn, &hdr, body), 0);
	CHECK_EQ(drain(c), 1);
	CHECK_STR(c->reply, "ENOMEM");
	/* Also when the connection dies with it in the queue. */
	strcpy(body, "x");
	shim_fail_nth = 2;
	CHECK_EQ(xenemu_conn_request(c->conn, &hdr, body), 0);
	CHECK_EQ(xenemu_conn_reset(c->conn), 0);
	CHECK(xenemu_conn_may_accept(c->conn));
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

/* Guest 1 floods what dom0's transactions depend on; dom0 still gets through. */
TEST(store_conn_conflict_limit)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;
	u32 failed = 0, tx, k;

	CHECK_EQ(wr(c, 0, "x", "0"), 0);
	for (;;) {
		tx = start(d);
		CHECK_EQ(rd(d, tx, "/local/domain/1/x"), 0);
		CHECK_EQ(wr(d, tx, "/result", "done"), 0);
		/* It takes dom0 a while. */
		for (k = 0; k < 10; k++) {
			shim_now += 30 * NSEC_PER_MSEC;
			xenemu_store_tick(env->store);
			if (xenemu_conn_may_accept(c->conn))
				CHECK_EQ(wr(c, 0, "x", "1"), 0);
		}
		if (!commit(d, tx))
			break;
		CHECK(++failed < 20);
	}
	CHECK(failed >= 5);
	/* It goes on for who was stalled, and the others never were. */
	CHECK(xenemu_conn_may_accept(env->guest[2].conn));
	c->wakes = 0;
	CHECK(!xenemu_conn_may_accept(c->conn));
	shim_now += 2 * NSEC_PER_SEC;
	xenemu_store_tick(env->store);
	CHECK(c->wakes);
	CHECK(xenemu_conn_may_accept(c->conn));
	CHECK_EQ(wr(c, 0, "x", "2"), 0);
	env_destroy(env);
}

/* Who wrote somewhere below what a transaction removes is found out and pauses. */
TEST(store_conn_conflict_below)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0;
	char path[64];
	u32 i, tx;

	CHECK_EQ(setp(d, 0, "/", "r0"), 0);
	for (i = 0; i < 200; i++) {
		snprintf(path, sizeof(path), "/dir/%u/x", i);
		CHECK_EQ(wr(d, 0, path, "0"), 0);
	}
	CHECK_EQ(setp(d, 0, "/dir/123/x", "r0 b1"), 0);
	for (i = 0; i < 20 && xenemu_conn_may_accept(c->conn); i++) {
		tx = start(d);
		CHECK_EQ(rm(d, tx, "/dir"), 0);
		CHECK_EQ(wr(c, 0, "/dir/123/x", "1"), 0);
		CHECK_EQ(commit(d, tx), -EAGAIN);
	}
	CHECK_EQ(i, 6);
	CHECK(xenemu_conn_may_accept(env->guest[2].conn));
	env_destroy(env);
}

/* Writes that are in nobody's way are never slowed down, whoever has transactions. */
TEST(store_conn_no_limit_elsewhere)
{
	struct env *env = env_create();
	struct client *c = &env->guest[1], *d = &env->dom0, *o = &env->guest[2];
	u32 i, tx, other;

	tx = start(d);
	CHECK_EQ(wr(d, tx, "/local/domain/2/y", "x"), 0);
	other = start(o);
	/* Touching what one cannot read is no weapon either. */
	CHECK_EQ(rd(o, other, "/local/domain/1/x"), -EACCES);
	CHECK_EQ(wr(o, other, "z", "x"), 0);
	for (i = 0; i < 1000; i++) {
		CHECK(xenemu_conn_may_accept(c->conn));
		CHECK_EQ(wr(c, 0, "x", "1"), 0);
	}
	CHECK_EQ(commit(d, tx), 0);
	for (i = 0; i < 100; i++) {
		CHECK_EQ(rm(c, 0, "x"), 0);
		other = start(o);
		CHECK_EQ(rd(o, other, "/local/domain/1/x"), -EACCES);
		CHECK_EQ(wr(o, other, "z", "x"), 0);
		CHECK_EQ(wr(c, 0, "x", "1"), 0);
		commit(o, other);
		CHECK(xenemu_conn_may_accept(c->conn));
	}
	env_destroy(env);
}

/* Transactions that only read need nothing that others hold. */
static void *hammer_txn(void *arg)
{
	struct client *c = arg;
	u32 i, k, tx;

	for (i = 0; i < 2000; i++) {
		if (!xenemu_conn_may_accept(c->conn)) {
			drain(c);
			continue;
		}
		if (reqs(c, XS_TRANSACTION_START, 0, "|"))
			continue;
		tx = strtoul(c->reply, NULL, 10);
		for (k = 0; k < 10 && xenemu_conn_may_accept(c->conn); k++) {
			rd(c, tx, k % 2 ? "n1" : "n2");
			getp(c, tx, "n3");
			if (k == 5)
				wr(c, tx, "t", "x");
		}
		reqs(c, XS_TRANSACTION_END, tx, i % 3 ? "T|" : "F|");
	}
	return NULL;
}

static void *hammer(void *arg)
{
	static const u32 type[] = { XS_READ, XS_GET_PERMS, XS_DIRECTORY, XS_WRITE, XS_SET_PERMS };
	struct client *c = arg;
	char text[64];
	u32 i;

	for (i = 0; i < 20000; i++) {
		u32 op = i % 5;

		snprintf(text, sizeof(text), op < 3 ? "n%u|" : op == 3 ? "n%u|x" : "n%u|n%u|r3|",
			 i % 7, c->domid);
		if (!xenemu_conn_may_accept(c->conn)) {
			drain(c);
			continue;
		}
		CHECK_EQ(post(c, type[op], 0, text), 0);
		if (i % 7 == 0)
			drain(c);
	}
	return NULL;
}

/* Clients of several threads at once, with watches on one another. */
TEST(store_conn_threads)
{
	struct env *env = env_create();
	struct client *user[3] = { &env->guest[1], &env->guest[2], &env->dom0b };
	struct client txn[2] = {};
	pthread_t thread[5];
	u32 i;

	CHECK_EQ(watch(&env->dom0, "/local", "t"), 0);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(watch(user[i], "/local/domain/1", "t"), 0);
		CHECK(!pthread_create(&thread[i], NULL, hammer, user[i]));
	}
	for (i = 0; i < 2; i++) {
		client_open(env, &txn[i], 1 + i, XENEMU_CONN_FD);
		txn[i].direct = true;
		CHECK(!pthread_create(&thread[3 + i], NULL, hammer_txn, &txn[i]));
	}
	for (i = 0; i < 2000; i++) {
		drain(&env->dom0);
		xenemu_store_tick(env->store);
		if (i % 100 == 50) {
			CHECK_EQ(rd(&env->dom0, 0, "/local"), 0);
			/* Permissions name it while it comes and goes. */
			xenemu_store_del_domain(env->store, 3);
			CHECK_EQ(xenemu_store_add_domain(env->store, 3), 0);
		}
	}
	/* Events nobody reads would hold the writers up. */
	xenemu_conn_kill(env->dom0.conn);
	for (i = 0; i < 5; i++)
		pthread_join(thread[i], NULL);
	client_close(&txn[0]);
	client_close(&txn[1]);
	CHECK_EQ(xenemu_conn_reset(env->dom0.conn), 0);
	CHECK(consistent(env));
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}
