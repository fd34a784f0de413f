// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saving and restoring a store: nothing is lost, nobody notices; and whatever bytes are
 * restored, the result is a store or nothing at all.
 */
#include <linux/xenemu.h>

#include "store/incoming.h"
#include "store_env.h"

static const u32 formats[] = {
	XENEMU_STORE_FORMAT_COMPACT, XENEMU_STORE_FORMAT_XEN_V1, XENEMU_STORE_FORMAT_XEN_V2,
};

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

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		struct env *env = env_create_bare();

		check_same_tree(env, formats[i]);
		env_destroy(env);
		CHECK_EQ(shim_live_allocs, 0);
	}
}

TEST(store_state_nodes)
{
	u32 i, n;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
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
		check_same_tree(env, formats[i]);
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

/* A store with something of everything. */
static struct env *create_rich(void)
{
	struct env *env = env_create();
	struct client *dom0 = &env->dom0, *one = &env->guest[1], *two = &env->guest[2];
	u32 tx;

	CHECK_EQ(wr(dom0, 0, "/a/b/c", "/local/domain/1/x"), 0);
	CHECK_EQ(wr(one, 0, "device/vbd/51712/state", "4"), 0);
	CHECK_EQ(setp(one, 0, "device/vbd", "n1 r2 b3"), 0);
	CHECK_EQ(reqs(dom0, XENEMU_XS_SET_QUOTA, 0, "nodes|900|"), 0);
	CHECK_EQ(reqs(dom0, XENEMU_XS_SET_QUOTA, 0, "2|watches|77|"), 0);
	CHECK_EQ(reqs(dom0, XS_SET_TARGET, 0, "3|1|"), 0);
	CHECK_EQ(xenemu_store_add_domain(env->store, 9), 0);
	CHECK_EQ(reqs(dom0, XENEMU_XS_SET_FEATURE, 0, "9|5|"), 0);
	CHECK_EQ(watch(one, "device", "relative"), 0);
	CHECK_EQ(watch(one, "/", "root"), 0);
	CHECK_EQ(reqs(two, XS_WATCH, 0, "/local|deep|3|"), 0);
	CHECK_EQ(reqs(&env->dom0b, XS_WATCH, 0, "@releaseDomain/3|gone|"), 0);
	CHECK_EQ(watch(&env->dom0b, "/a", "a token with spaces"), 0);
	events(one);
	events(two);
	events(&env->dom0b);

	/* Transactions: one that only reads, one that has written, one that is lost. */
	tx = start(dom0);
	CHECK_EQ(rd(dom0, tx, "/a/b/c"), 0);
	tx = start(one);
	CHECK_EQ(wr(one, tx, "device/vbd/51712/state", "5"), 0);
	CHECK_EQ(wr(one, tx, "new/one", "x"), 0);
	CHECK_EQ(rd(one, tx, "missing"), -ENOENT);
	CHECK_EQ(mkd(one, 0, "gone"), 0);
	tx = start(one);
	CHECK_EQ(rm(one, tx, "gone"), 0);
	CHECK_EQ(rd(one, tx, "device/vbd/51712/state"), 0);
	CHECK_EQ(wr(one, 0, "device/vbd/51712/state", "6"), 0);

	/* Unread: a reply, and events of which one is half read. */
	CHECK_EQ(post(one, XS_READ, 0, "device/vbd/51712/state|"), 0);
	CHECK_EQ(post(one, XS_WRITE, 0, "y|z"), 0);
	CHECK_EQ(xenemu_conn_read(one->conn, one->reply, 7), 7);
	CHECK_EQ(wr(dom0, 0, "/a/event", "1"), 0);
	xenemu_store_shutdown_domain(env->store, 2);
	one->events[0] = 0;
	return env;
}

static struct saved save_rich(u32 format)
{
	struct env *env = create_rich();
	struct saved saved;

	CHECK_EQ(env_save(env, format, 0, 0, &saved), 0);
	env_destroy(env);
	return saved;
}

/* Nothing is lost in the compact form. */
TEST(store_state_compact)
{
	struct env *env = create_rich();
	char *before = dump_rest(env), *after;

	check_same_tree(env, XENEMU_STORE_FORMAT_COMPACT);
	after = dump_rest(env);
	CHECK_STR(after, before);
	free(before);
	free(after);

	/* Guest 1 reads on where it was, and ends its transactions. */
	CHECK_EQ(xenemu_conn_read(env->guest[1].conn, env->guest[1].reply, 10), 10);
	drain(&env->guest[1]);
	CHECK_EQ(commit(&env->guest[1], 1), -EAGAIN);
	CHECK_EQ(commit(&env->guest[1], 2), -EAGAIN);
	CHECK_EQ(commit(&env->dom0, 1), 0);
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

/* Of what Xen's form has a place for, nothing is lost either. */
TEST(store_state_xen)
{
	u32 i;

	for (i = 1; i < ARRAY_SIZE(formats); i++) {
		struct env *env = create_rich();
		struct client *one = &env->guest[1];

		check_same_tree(env, formats[i]);
		CHECK_EQ(xenemu_conn_read(one->conn, one->reply, 10), 10);
		CHECK_STR(events(one), "/local/domain/1/y root;");
		CHECK_STR(events(&env->dom0b), "/a/event a token with spaces;");
		CHECK_EQ(reqs(&env->dom0, XENEMU_XS_GET_QUOTA, 0, "nodes|"), 0);
		CHECK_STR(env->dom0.reply, "900");
		CHECK_EQ(reqs(&env->dom0, XENEMU_XS_GET_QUOTA, 0, "2|watches|"), 0);
		CHECK_STR(env->dom0.reply, "77");
		CHECK_EQ(env->guest[3].conn->dom->target->domid, 1);
		CHECK_EQ(reqs(&env->dom0, XENEMU_XS_GET_FEATURE, 0, "9|"), 0);
		CHECK_STR(env->dom0.reply, i == 1 ? "15" : "5");
		/* Version 1 knows no depth, so the watch sees more. */
		CHECK_EQ(list_first_entry(&env->guest[2].conn->watches, struct xenemu_watch,
					  conn_link)->depth, i == 1 ? -1 : 3);
		env_destroy(env);
		CHECK_EQ(shim_live_allocs, 0);
	}
}

/* As the document has no place for it, a transaction that has written ends in EAGAIN. */
TEST(store_state_xen_transactions)
{
	u32 i;

	for (i = 1; i < ARRAY_SIZE(formats); i++) {
		struct env *env = env_create();
		struct client *one = &env->guest[1];
		u32 read, write, lost, gone;

		CHECK_EQ(wr(one, 0, "a", "1"), 0);
		CHECK_EQ(wr(one, 0, "b", "2"), 0);
		read = start(one);
		CHECK_EQ(rd(one, read, "a"), 0);
		write = start(one);
		CHECK_EQ(wr(one, write, "a", "in"), 0);
		gone = start(one);
		CHECK_EQ(rm(one, gone, "b"), 0);
		lost = start(one);
		CHECK_EQ(rd(one, lost, "b"), 0);
		CHECK_EQ(wr(one, 0, "b", "3"), 0);
		env_migrate(env, formats[i]);
		CHECK_EQ(rd(one, write, "a"), 0);
		CHECK_STR(one->reply, "in");
		CHECK_EQ(rd(one, gone, "b"), -ENOENT);
		CHECK_EQ(rd(one, lost, "b"), 0);
		CHECK_EQ(commit(one, write), -EAGAIN);
		CHECK_EQ(commit(one, gone), -EAGAIN);
		CHECK_EQ(commit(one, lost), -EAGAIN);
		/* What it has read still counts. */
		CHECK_EQ(wr(one, read, "c", "new"), 0);
		CHECK_EQ(wr(one, 0, "a", "out"), 0);
		CHECK_EQ(commit(one, read), -EAGAIN);
		env_destroy(env);
		CHECK_EQ(shim_live_allocs, 0);
	}
}

/* What a client has sent of a request is not lost, in whatever piece it ends. */
TEST(store_state_half_read)
{
	static const char body[] = "/local/domain/1/half\0value";
	struct xsd_sockmsg hdr = { .type = XS_WRITE, .req_id = 7, .len = sizeof(body) - 1 };
	char message[sizeof(hdr) + sizeof(body) - 1];
	u32 i, n;

	memcpy(message, &hdr, sizeof(hdr));
	memcpy(message + sizeof(hdr), body, sizeof(body) - 1);
	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		for (n = 0; n <= sizeof(message); n++) {
			struct env *env = env_create();
			struct xenemu_incoming in = {}, out = {};
			struct xenemu_conn *conn = env->guest[1].conn;
			char *to;
			u32 done = 0, want;

			while (done < n) {
				want = min_t(u32, xenemu_incoming_next(&in, &to), n - done);
				memcpy(to, message + done, want);
				in.used += want;
				done += want;
			}
			xenemu_conn_set_input(conn, &in);
			env_migrate(env, formats[i]);
			conn = env->guest[1].conn;
			xenemu_conn_set_input(conn, &out);
			xenemu_conn_feed(conn, &out);
			CHECK_EQ(out.used, n);
			while ((want = xenemu_incoming_next(&out, &to))) {
				memcpy(to, message + done, want);
				out.used += want;
				done += want;
			}
			CHECK_EQ(xenemu_conn_request(conn, &out.hdr, out.body), 0);
			/* It is no part of what would be saved now. */
			CHECK_EQ(conn->input_done, true);
			xenemu_conn_next_input(conn, &out);
			CHECK_EQ(out.used, 0);
			CHECK_EQ(rd(&env->dom0, 0, "/local/domain/1/half"), 0);
			CHECK_STR(env->dom0.reply, "value");
			env_destroy(env);
		}
	}
	CHECK_EQ(shim_live_allocs, 0);
}

/* A client that broke the protocol still gets the rest of what it had begun to read. */
TEST(store_state_dead)
{
	struct env *env = env_create();
	struct client *c = &env->dom0b;
	struct xenemu_msg *msg;

	CHECK_EQ(post(c, XS_READ, 0, "/|"), 0);
	CHECK_EQ(post(c, XS_READ, 0, "/|"), 0);
	c->taken = xenemu_conn_take(c->conn);
	c->taken->sent = 5;
	xenemu_conn_kill(c->conn);
	xenemu_conn_kill(env->guest[1].conn);
	env_migrate(env, XENEMU_STORE_FORMAT_COMPACT);
	CHECK(xenemu_conn_is_dead(c->conn));
	CHECK(xenemu_conn_is_dead(env->guest[1].conn));
	msg = xenemu_conn_take(c->conn);
	CHECK_EQ(msg->len, sizeof(struct xsd_sockmsg) - 5);
	xenemu_msg_free(c->conn, msg);
	CHECK(!xenemu_conn_has_output(c->conn));
	CHECK_EQ(xenemu_conn_reset(env->guest[1].conn), 0);
	CHECK_EQ(wr(&env->guest[1], 0, "x", "y"), 0);
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

/* A client that reads nothing has as many events as it may, and then replies. */
TEST(store_state_much_output)
{
	static char path[2100];
	u32 i, n, nr;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		struct env *env = env_create();
		struct client *c = &env->dom0b;
		const struct xenemu_msg *msg;

		env->dom0.direct = true;
		CHECK_EQ(watch(c, "/", "t"), 0);
		for (n = 0; !env->store->dropped; n++) {
			snprintf(path, sizeof(path), "/%2000u", n);
			memset(path + 1, 'x', strspn(path + 1, " "));
			CHECK_EQ(mkd(&env->dom0, 0, path), 0);
			CHECK_EQ(rm(&env->dom0, 0, path), 0);
		}
		for (n = 0; n < 30; n++)
			CHECK_EQ(post(c, XS_READ, 0, "/|"), 0);
		nr = 0;
		list_for_each_entry(msg, &c->conn->out, list)
			nr++;
		env_migrate(env, formats[i]);
		CHECK_EQ(drain(c), nr);
		env_destroy(env);
		CHECK_EQ(shim_live_allocs, 0);
	}
}

/* Restore bytes that may be anything. The result is a store, or nothing at all. */
static struct env *try_bytes(struct env *env, const u8 *data, size_t len)
{
	const struct xenemu_node *top = env->store->top;
	struct xenemu_restore_why why;
	u8 *copy = malloc(len);
	long live = shim_live_allocs;
	u64 gen = env->store->gen;
	int ret;

	memcpy(copy, data, len);
	ret = xenemu_restore_store(env->store, copy, len, 0, &why);
	free(copy);
	CHECK(!ret || ret == -EBADMSG || ret == -EOPNOTSUPP || ret == -ESTALE);
	CHECK_EQ(!!why.reason, ret == -EBADMSG || ret == -EOPNOTSUPP);
	CHECK(why.offset <= len);
	if (ret) {
		CHECK(env->store->top == top);
		CHECK_EQ(env->store->gen, gen);
		CHECK_EQ(shim_live_allocs, live);
		return env;
	}
	client_open(env, &env->dom0, 0, XENEMU_CONN_FD);
	CHECK(consistent(env));
	CHECK_EQ(wr(&env->dom0, 0, "/any/node", "x"), 0);
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
	return env_create_empty();
}

TEST(store_state_truncated)
{
	u32 i, n;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		struct saved saved = save_rich(formats[i]);
		struct env *env = env_create_empty();

		for (n = 0; n < saved.len; n++) {
			struct xenemu_restore_why why;
			u8 *copy = malloc(n);

			memcpy(copy, saved.data, n);
			CHECK_EQ(xenemu_restore_store(env->store, copy, n, 0, &why), -EBADMSG);
			CHECK(why.reason);
			CHECK(why.offset <= n);
			free(copy);
		}
		env_destroy(env);
		free(saved.data);
	}
	CHECK_EQ(shim_live_allocs, 0);
}

TEST(store_state_flipped)
{
	static const u8 flips[] = { 0x01, 0x80, 0xff };
	u32 i, k, n;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		struct saved saved = save_rich(formats[i]);
		struct env *env = env_create_empty();

		for (n = 0; n < saved.len; n++) {
			for (k = 0; k < ARRAY_SIZE(flips); k++) {
				saved.data[n] ^= flips[k];
				env = try_bytes(env, saved.data, saved.len);
				saved.data[n] ^= flips[k];
			}
		}
		env_destroy(env);
		free(saved.data);
	}
}

/* Saving and restoring for want of memory: at each allocation. */
TEST(store_state_fail)
{
	unsigned long n;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		struct env *env = create_rich(), *other;
		struct saved saved;
		bool last = false;
		int ret;

		for (n = 1; !last; n++) {
			long live = shim_live_allocs;

			shim_fail_nth = n;
			ret = env_save(env, formats[i], 0, 0, &saved);
			last = shim_fail_nth;
			shim_fail_nth = 0;
			CHECK(ret == (last ? 0 : -ENOMEM));
			CHECK_EQ(shim_live_allocs, live);
			if (!last)
				free(saved.data);
		}
		CHECK(n > 5);
		for (last = false, n = 1; !last; n++) {
			long live;

			other = env_create_empty();
			live = shim_live_allocs;
			shim_fail_nth = n;
			ret = env_restore(other, &saved);
			last = shim_fail_nth;
			shim_fail_nth = 0;
			/* A hash table that cannot grow is merely slower. */
			CHECK(!ret || ret == -ENOMEM);
			if (ret)
				CHECK_EQ(shim_live_allocs, live);
			env_destroy(other);
		}
		CHECK(n > 100);
		free(saved.data);
		env_destroy(env);
	}
	CHECK_EQ(shim_live_allocs, 0);
}
