// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bytes to XenStore's protocol: a program of requests by several clients. Each is a
 * header of four bytes (client, operation, transaction, length) and a body, in which
 * some bytes stand for texts that are rarely guessed.
 *
 * Whatever they do, accounts stay right, trees stay in order, and nothing is left when
 * all is over.
 */
#include <linux/err.h>

#include "store/internal.h"
#include "input.h"

#define NR_CLIENTS 5

struct client {
	struct xenemu_conn *conn;
	u16 domid;
	enum xenemu_conn_kind kind;
};

static struct xenemu_store *store;
static struct client client[NR_CLIENTS];

static void on_wake(void *priv)
{
}

static const struct xenemu_conn_ops conn_ops = { .wake = on_wake };

static int on_introduce(void *priv, u16 domid, u64 gfn, u32 port)
{
	return gfn == 13 ? -EBUSY : 0;
}

static void on_release(void *priv, u16 domid)
{
}

static void on_arm(void *priv, u64 delay)
{
}

static const struct xenemu_store_ops ops = {
	.introduce = on_introduce,
	.release = on_release,
	.arm = on_arm,
};

static void open_client(struct client *c, u16 domid, enum xenemu_conn_kind kind)
{
	c->domid = domid;
	c->kind = kind;
	c->conn = xenemu_conn_create(store, domid, kind, &conn_ops, c);
	expect(!IS_ERR(c->conn));
}

/* Half of the requests are queued; unprivileged ones only if they may be. */
static void request(struct client *c, struct xsd_sockmsg *hdr, char *body, bool direct)
{
	static char reply[XENSTORE_PAYLOAD_MAX];
	int ret;

	if (!xenemu_conn_may_accept(c->conn))
		return;
	if (direct) {
		ret = xenemu_conn_call(c->conn, hdr, body, reply);
		expect(!ret);
		expect(hdr->len <= XENSTORE_PAYLOAD_MAX);
	} else {
		ret = xenemu_conn_request(c->conn, hdr, body);
		expect(!ret);
		expect(xenemu_conn_has_output(c->conn));
	}
}

static void read_output(struct client *c)
{
	char buf[777];

	if (c->kind == XENEMU_CONN_RING)
		while (xenemu_conn_read(c->conn, buf, sizeof(buf)))
			;
	else
		xenemu_msg_free(c->conn, xenemu_conn_take(c->conn));
}

/* What is not a request. */
static void control(u8 what, u8 arg)
{
	struct client *c = &client[arg % NR_CLIENTS];
	u16 domid = 1 + arg % 3;

	switch (what % 8) {
	case 0:
		read_output(c);
		break;
	case 1:
		shim_now += 100000000ULL << (arg % 10);
		xenemu_store_tick(store);
		break;
	case 2:
		xenemu_store_shutdown_domain(store, domid);
		break;
	case 3:
		xenemu_store_del_domain(store, domid);
		break;
	case 4:
		xenemu_store_add_domain(store, domid);
		break;
	case 5:
		if (arg & 128)
			xenemu_conn_kill(c->conn);
		else
			xenemu_conn_reset(c->conn);
		break;
	case 6:
		/* A new connection for whoever has that number now. */
		shim_fail_nth = 0;
		xenemu_store_add_domain(store, c->domid);
		xenemu_conn_destroy(c->conn);
		open_client(c, c->domid, c->kind);
		break;
	case 7:
		shim_fail_nth = arg;
		break;
	}
}

/* One byte of the input becomes a piece of text, or itself. */
static u32 expand(const u8 *in, u32 len, char *out, u32 size)
{
	static const char *const word[] = {
		"/local/domain/1", "/local/domain/2", "/local/domain/3", "/local/domain/0", "/",
		"@releaseDomain", "@introduceDomain", "/a", "/b", "a", "b", "nodes", "memory",
		"n1", "r2", "b0", "w3", "r32757", "check", "quota", "set", "T", "F", "1", "2",
		"100000",
	};
	u32 i, used = 0;

	for (i = 0; i < len; i++) {
		const char *text;
		u32 n;

		if (in[i] < 128 || in[i] - 128u >= ARRAY_SIZE(word)) {
			if (used < size)
				out[used++] = in[i] == '|' ? 0 : in[i];
			continue;
		}
		text = word[in[i] - 128];
		n = min_t(u32, strlen(text), size - used);
		memcpy(out + used, text, n);
		used += n;
	}
	return used;
}

/* Also that each list is sorted and each count is right. */
static void check_store(void)
{
	const struct xenemu_node *stack[XENEMU_STORE_MAX_DEPTH], *node;
	struct xenemu_walk walk;
	struct xenemu_sdomain *dom;
	u32 nodes = 0, counted = 0;

	xenemu_walk_start(&walk, stack, NULL, store->top, NULL);
	while ((node = xenemu_walk_next(&walk, true))) {
		const struct xenemu_node *next, *above = stack[walk.depth - 2];

		next = xenemu_kids_after(above->kids, node->data, node->name_len,
					 XENEMU_OWNERS_MANY);
		if (next)
			expect(next->name_len > node->name_len ||
			       (next->name_len == node->name_len &&
				memcmp(next->data, node->data, node->name_len) > 0));
		expect(node->perms && node->perms->nr);
		nodes++;
	}
	list_for_each_entry(dom, &store->domains, link) {
		struct xenemu_conn *conn;

		expect(atomic_read(&dom->outstanding) >= 0);
		expect(atomic_long_read(&dom->mem) >= 0);
		counted += dom->nr_nodes;
		list_for_each_entry(conn, &dom->conns, dom_link)
			expect(conn->dom == dom);
	}
	expect(nodes == counted);
	expect(list_empty(&store->deltas));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const u8 *end = data + size;
	u32 i;

	shim_now = 1000000000;
	shim_fail_nth = 0;
	store = xenemu_store_create(&ops, NULL);
	expect(!IS_ERR(store));
	for (i = 1; i <= 3; i++)
		expect(!xenemu_store_add_domain(store, i));
	open_client(&client[0], 0, XENEMU_CONN_FD);
	open_client(&client[1], 0, XENEMU_CONN_RING);
	for (i = 1; i <= 3; i++)
		open_client(&client[i + 1], i, i == 3 ? XENEMU_CONN_FD : XENEMU_CONN_RING);

	while (end - data >= 4) {
		struct client *c = &client[data[0] % NR_CLIENTS];
		struct xsd_sockmsg hdr = {
			.type = data[1] & 31, .tx_id = data[2] & 7, .len = data[3],
		};
		char body[XENSTORE_PAYLOAD_MAX], *base;
		u32 len = min_t(u32, data[3], end - data - 4);

		if (data[1] & 128) {
			control(data[1], data[2]);
			data += 4;
			continue;
		}
		hdr.len = expand(data + 4, len, body, sizeof(body));
		base = malloc(XENEMU_STORE_HEADROOM + hdr.len);
		memcpy(base + XENEMU_STORE_HEADROOM, body, hdr.len);
		request(c, &hdr, base + XENEMU_STORE_HEADROOM, data[0] & 128);
		free(base);
		data += 4 + len;
	}

	shim_fail_nth = 0;
	check_store();
	for (i = 0; i < NR_CLIENTS; i++)
		xenemu_conn_destroy(client[i].conn);
	xenemu_store_destroy(store);
	expect(!shim_live_allocs);
	return 0;
}
