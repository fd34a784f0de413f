// SPDX-License-Identifier: GPL-2.0-only
/*
 * A store with some clients, for tests.
 */
#include <linux/xenemu.h>

#include "store/incoming.h"
#include "store_env.h"

static void on_wake(void *priv)
{
	struct client *c = priv;

	__atomic_add_fetch(&c->wakes, 1, __ATOMIC_RELAXED);
}

static const struct xenemu_conn_ops conn_ops = { .wake = on_wake };

static int on_introduce(void *priv, u16 domid, u64 gfn, u32 port)
{
	struct env *env = priv;

	CHECK(!shim_lock_held(&env->store->lock.lock));
	env->introduced++;
	env->last_domid = domid;
	env->last_port = port;
	if (env->hook)
		env->hook(env);
	return env->introduce_result;
}

static void on_release(void *priv, u16 domid)
{
	struct env *env = priv;

	CHECK(!shim_lock_held(&env->store->lock.lock));
	env->released++;
	env->last_domid = domid;
	if (env->hook)
		env->hook(env);
}

static void on_arm(void *priv, u64 delay)
{
	struct env *env = priv;

	env->armed = delay;
}

static const struct xenemu_store_ops store_ops = {
	.introduce = on_introduce,
	.release = on_release,
	.arm = on_arm,
};

void client_open(struct env *env, struct client *c, u16 domid, enum xenemu_conn_kind kind)
{
	memset(c, 0, sizeof(*c));
	c->env = env;
	c->domid = domid;
	c->conn = xenemu_conn_create(env->store, domid, kind, &conn_ops, c);
	CHECK(!IS_ERR(c->conn));
}

void client_close(struct client *c)
{
	if (!c->conn)
		return;
	xenemu_msg_free(c->conn, c->taken);
	c->taken = NULL;
	xenemu_conn_destroy(c->conn);
	c->conn = NULL;
}

struct env *env_create_empty(void)
{
	struct env *env = calloc(1, sizeof(*env));

	env->store = xenemu_store_create(&store_ops, env);
	CHECK(!IS_ERR(env->store));
	return env;
}

struct env *env_create_bare(void)
{
	struct env *env = env_create_empty();

	client_open(env, &env->dom0, 0, XENEMU_CONN_FD);
	client_open(env, &env->dom0b, 0, XENEMU_CONN_FD);
	return env;
}

struct env *env_create(void)
{
	struct env *env = env_create_bare();
	char text[64];
	u32 i;

	for (i = 1; i <= 3; i++) {
		CHECK_EQ(xenemu_store_add_domain(env->store, i), 0);
		snprintf(text, sizeof(text), "%u|1|%u|", i, i + 10);
		CHECK_EQ(reqs(&env->dom0, XS_INTRODUCE, 0, text), 0);
		client_open(env, &env->guest[i], i, XENEMU_CONN_RING);
		snprintf(text, sizeof(text), "/local/domain/%u|", i);
		CHECK_EQ(reqs(&env->dom0, XS_MKDIR, 0, text), 0);
		snprintf(text, sizeof(text), "/local/domain/%u|n%u|", i, i);
		CHECK_EQ(reqs(&env->dom0, XS_SET_PERMS, 0, text), 0);
	}
	return env;
}

void env_destroy(struct env *env)
{
	u32 i;

	for (i = 1; i <= 3; i++)
		client_close(&env->guest[i]);
	client_close(&env->dom0);
	client_close(&env->dom0b);
	xenemu_store_destroy(env->store);
	free(env);
}

static int error_number(const char *name)
{
	static const struct {
		const char *name;
		int err;
	} names[] = {
		{ "EINVAL", EINVAL }, { "EACCES", EACCES }, { "EEXIST", EEXIST },
		{ "EISDIR", EISDIR }, { "ENOENT", ENOENT }, { "ENOMEM", ENOMEM },
		{ "ENOSPC", ENOSPC }, { "EIO", EIO }, { "ENOTEMPTY", ENOTEMPTY },
		{ "ENOSYS", ENOSYS }, { "EROFS", EROFS }, { "EBUSY", EBUSY },
		{ "EAGAIN", EAGAIN }, { "EISCONN", EISCONN }, { "E2BIG", E2BIG },
		{ "EPERM", EPERM },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i].name))
			return names[i].err;
	CHECK(!"unknown error name");
	return 0;
}

/* The buffer is exactly as large as the contract says, so that ASan sees more. */
static char *make_body(const void *body, u32 len, char **base)
{
	*base = malloc(XENEMU_STORE_HEADROOM + len);
	memset(*base, 0x5a, XENEMU_STORE_HEADROOM);
	if (len)
		memcpy(*base + XENEMU_STORE_HEADROOM, body, len);
	return *base + XENEMU_STORE_HEADROOM;
}

static void note_event(struct client *c, const char *path, u32 len)
{
	const char *token = path + strlen(path) + 1;

	CHECK(token + strlen(token) + 1 == path + len);
	if (strlen(c->events) + strlen(path) + strlen(token) + 3 > sizeof(c->events))
		return;
	strcat(c->events, path);
	strcat(c->events, " ");
	strcat(c->events, token);
	strcat(c->events, ";");
}

static int note_message(struct client *c, const char *data, u32 len, int *result)
{
	const struct xsd_sockmsg *hdr = (const void *)data;

	CHECK_EQ(len, sizeof(*hdr) + hdr->len);
	if (strlen(c->order) + 2 < sizeof(c->order))
		strcat(c->order, hdr->type == XS_WATCH_EVENT ? "E" : "R");
	if (hdr->type == XS_WATCH_EVENT) {
		CHECK_EQ(hdr->req_id, 0);
		CHECK_EQ(hdr->tx_id, 0);
		note_event(c, data + sizeof(*hdr), hdr->len);
		return 0;
	}
	c->len = hdr->len;
	memcpy(c->reply, data + sizeof(*hdr), hdr->len);
	c->reply[hdr->len] = 0;
	*result = hdr->type == XS_ERROR ? -error_number(c->reply) : 0;
	return hdr->req_id;
}

static int drain_messages(struct client *c, int *result, u32 *id)
{
	struct xenemu_msg *msg;
	int nr = 0;

	if (c->conn->kind == XENEMU_CONN_FD) {
		while ((msg = xenemu_conn_take(c->conn))) {
			u32 got = note_message(c, msg->data, msg->len, result);

			if (got)
				*id = got;
			xenemu_msg_free(c->conn, msg);
			nr++;
		}
		return nr;
	}
	while (xenemu_conn_has_output(c->conn)) {
		char data[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
		struct xsd_sockmsg *hdr = (void *)data;
		u32 got;

		CHECK_EQ(xenemu_conn_read(c->conn, data, sizeof(*hdr)), sizeof(*hdr));
		CHECK_EQ(xenemu_conn_read(c->conn, data + sizeof(*hdr), hdr->len), hdr->len);
		got = note_message(c, data, sizeof(*hdr) + hdr->len, result);
		if (got)
			*id = got;
		nr++;
	}
	return nr;
}

int drain(struct client *c)
{
	int result;
	u32 id;

	return drain_messages(c, &result, &id);
}

static int post_body(struct client *c, u32 type, u32 tx, const void *body, u32 len)
{
	struct xsd_sockmsg hdr = {
		.type = type, .req_id = ++c->next_id, .tx_id = tx, .len = len,
	};
	char *base, *copy = make_body(body, len, &base);
	int ret = xenemu_conn_request(c->conn, &hdr, copy);

	free(base);
	return ret;
}

static int req_direct(struct client *c, u32 type, u32 tx, const void *body, u32 len)
{
	struct xsd_sockmsg hdr = {
		.type = type, .req_id = ++c->next_id, .tx_id = tx, .len = len,
	};
	char *base, *copy = make_body(body, len, &base);
	int result = 0;

	CHECK_EQ(xenemu_conn_call(c->conn, &hdr, copy, c->reply), 0);
	free(base);
	CHECK_EQ(hdr.req_id, c->next_id);
	CHECK_EQ(hdr.tx_id, tx);
	c->len = hdr.len;
	c->reply[hdr.len] = 0;
	if (hdr.type == XS_ERROR)
		result = -error_number(c->reply);
	else
		CHECK_EQ(hdr.type, type);
	drain(c);
	return result;
}

int req(struct client *c, u32 type, u32 tx, const void *body, u32 len)
{
	int result = -EIO;
	u32 id = 0;

	if (c->direct)
		return req_direct(c, type, tx, body, len);
	CHECK_EQ(post_body(c, type, tx, body, len), 0);
	CHECK(c->wakes);
	drain_messages(c, &result, &id);
	CHECK_EQ(id, c->next_id);
	return result;
}

static u32 to_body(const char *text, char *body)
{
	u32 len = strlen(text), i;

	for (i = 0; i < len; i++)
		body[i] = text[i] == '|' ? 0 : text[i];
	return len;
}

int reqs(struct client *c, u32 type, u32 tx, const char *text)
{
	char body[XENSTORE_PAYLOAD_MAX];

	return req(c, type, tx, body, to_body(text, body));
}

int post(struct client *c, u32 type, u32 tx, const char *text)
{
	char body[XENSTORE_PAYLOAD_MAX];

	return post_body(c, type, tx, body, to_body(text, body));
}

static int one_path(struct client *c, u32 type, u32 tx, const char *path)
{
	return req(c, type, tx, path, strlen(path) + 1);
}

int rd(struct client *c, u32 tx, const char *path)
{
	return one_path(c, XS_READ, tx, path);
}

int wr(struct client *c, u32 tx, const char *path, const char *value)
{
	char body[2 * XENSTORE_PAYLOAD_MAX];
	u32 len = strlen(path) + 1;

	memcpy(body, path, len);
	memcpy(body + len, value, strlen(value));
	return req(c, XS_WRITE, tx, body, len + strlen(value));
}

int mkd(struct client *c, u32 tx, const char *path)
{
	return one_path(c, XS_MKDIR, tx, path);
}

int rm(struct client *c, u32 tx, const char *path)
{
	return one_path(c, XS_RM, tx, path);
}

static void blank_nuls(struct client *c)
{
	u32 i;

	for (i = 0; i < c->len; i++)
		if (!c->reply[i])
			c->reply[i] = ' ';
}

int ls(struct client *c, u32 tx, const char *path)
{
	int ret = one_path(c, XS_DIRECTORY, tx, path);

	if (!ret)
		blank_nuls(c);
	return ret;
}

int setp(struct client *c, u32 tx, const char *path, const char *perms)
{
	char body[XENSTORE_PAYLOAD_MAX];
	u32 len = strlen(path) + 1, i;

	memcpy(body, path, len);
	for (i = 0; perms[i]; i++)
		body[len++] = perms[i] == ' ' ? 0 : perms[i];
	body[len++] = 0;
	return req(c, XS_SET_PERMS, tx, body, len);
}

int getp(struct client *c, u32 tx, const char *path)
{
	int ret = one_path(c, XS_GET_PERMS, tx, path);

	if (!ret)
		blank_nuls(c);
	return ret;
}

int watch(struct client *c, const char *path, const char *token)
{
	char body[XENSTORE_PAYLOAD_MAX];
	u32 len = strlen(path) + 1;

	memcpy(body, path, len);
	memcpy(body + len, token, strlen(token) + 1);
	return req(c, XS_WATCH, 0, body, len + strlen(token) + 1);
}

u32 start(struct client *c)
{
	CHECK_EQ(reqs(c, XS_TRANSACTION_START, 0, "|"), 0);
	return strtoul(c->reply, NULL, 10);
}

int commit(struct client *c, u32 tx)
{
	return reqs(c, XS_TRANSACTION_END, tx, "T|");
}

int rollback(struct client *c, u32 tx)
{
	return reqs(c, XS_TRANSACTION_END, tx, "F|");
}

const char *events(struct client *c)
{
	static char text[sizeof(c->events)];

	drain(c);
	strcpy(text, c->events);
	c->events[0] = 0;
	return text;
}

bool consistent(struct env *env)
{
	return !reqs(&env->dom0, XS_CONTROL, 0, "check|") && !strcmp(env->dom0.reply, "OK");
}

static struct xenemu_sdomain *find_domain(struct env *env, u16 domid)
{
	struct xenemu_sdomain *dom;

	mutex_lock(&env->store->lock);
	dom = xenemu_sdomain_find(env->store, domid);
	mutex_unlock(&env->store->lock);
	CHECK(dom);
	return dom;
}

u32 nodes_of(struct env *env, u16 domid)
{
	return find_domain(env, domid)->nr_nodes;
}

long memory_of(struct env *env, u16 domid)
{
	return atomic_long_read(&find_domain(env, domid)->mem);
}

char *dump(struct env *env)
{
	const struct xenemu_node *stack[XENEMU_STORE_MAX_DEPTH], *node;
	char path[XENSTORE_ABS_PATH_MAX + 1], *text = NULL;
	const struct xenemu_path top = { .str = "" };
	struct xenemu_walk walk;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	u32 i;

	/* Begins above "/", so that each path has one slash too many in front. */
	xenemu_walk_start(&walk, stack, path, env->store->top, &top);
	while ((node = xenemu_walk_next(&walk, true))) {
		fprintf(out, "%.*s", (int)walk.len, path);
		for (i = 0; i < node->perms->nr; i++)
			fprintf(out, " %u:%u%s", node->perms->perm[i].domid,
				node->perms->perm[i].access,
				node->perms->perm[i].ignore ? "i" : "");
		fprintf(out, " %u ", node->value_len);
		fwrite(xenemu_node_value(node), 1, node->value_len, out);
		fputc('\n', out);
	}
	fclose(out);
	return text;
}

/* ---- Saving and restoring ---- */

static int append(void *priv, const void *data, size_t len)
{
	struct saved *saved = priv;

	if (saved->len + len > saved->room) {
		saved->room = 2 * (saved->len + len);
		saved->data = realloc(saved->data, saved->room);
	}
	memcpy(saved->data + saved->len, data, len);
	saved->len += len;
	return 0;
}

int env_save(struct env *env, u32 format, u32 flags, u64 since, struct saved *saved)
{
	struct xenemu_save save = {
		.format = format,
		.flags = flags,
		.since = since,
		.write = append,
		.priv = saved,
	};
	int ret;

	memset(saved, 0, sizeof(*saved));
	ret = xenemu_save_begin(env->store, &save);
	if (ret)
		return ret;
	ret = xenemu_save_write(&save);
	xenemu_save_end(&save, !ret);
	if (!ret)
		CHECK_EQ(save.len, saved->len);
	saved->gen = save.gen;
	return ret;
}

int env_restore(struct env *env, const struct saved *saved)
{
	struct xenemu_restore_why why;
	u8 *copy = malloc(saved->len);
	int ret;

	/* Exactly as large, so that ASan sees a read behind it. */
	memcpy(copy, saved->data, saved->len);
	ret = xenemu_restore_store(env->store, copy, saved->len, 0, &why);
	free(copy);
	if (ret == -EBADMSG)
		printf("# record %llu of type %u at %llu: reason %u\n", why.record, why.type,
		       why.offset, why.reason);
	return ret;
}

static void claim(struct env *env, struct client *to, struct client *from)
{
	u32 id;

	if (!from->conn)
		return;
	id = xenemu_conn_id(from->conn);
	*to = *from;
	to->env = env;
	to->taken = NULL;
	if (from->conn->kind == XENEMU_CONN_RING)
		to->conn = xenemu_conn_create(env->store, from->domid, XENEMU_CONN_RING,
					      &conn_ops, to);
	else
		to->conn = xenemu_conn_claim(env->store, from->domid, id, &conn_ops, to);
	CHECK(!IS_ERR(to->conn));
	CHECK(xenemu_conn_is_restored(to->conn));
	CHECK_EQ(xenemu_conn_id(to->conn), id);
}

void env_claim(struct env *env, struct env *from)
{
	const struct xenemu_sdomain *dom;
	u32 i;

	list_for_each_entry(dom, &from->store->domains, link)
		if (!dom->privileged)
			CHECK_EQ(xenemu_store_add_domain(env->store, dom->domid), 0);
	claim(env, &env->dom0, &from->dom0);
	claim(env, &env->dom0b, &from->dom0b);
	for (i = 1; i <= 3; i++)
		claim(env, &env->guest[i], &from->guest[i]);
}

/* Clients are known by their addresses, which stay; so the stores change places. */
void env_move(struct env *env, const struct saved *saved, u32 nr)
{
	struct env *old = malloc(sizeof(*old));
	u32 i;

	*old = *env;
	old->store->priv = old;
	env->store = xenemu_store_create(&store_ops, env);
	CHECK(!IS_ERR(env->store));
	for (i = 0; i < nr; i++) {
		CHECK_EQ(env_restore(env, &saved[i]), 0);
		free(saved[i].data);
	}
	env_claim(env, old);
	env_destroy(old);
}

void env_migrate(struct env *env, u32 format)
{
	struct saved saved;

	CHECK_EQ(env_save(env, format, 0, 0, &saved), 0);
	env_move(env, &saved, 1);
}

/* Read up to @want bytes, some of them before the store moves and the rest thereafter. */
static void read_moving(struct client *c, char *to, u32 want)
{
	u32 cut = random_below(want + 1);

	CHECK_EQ(xenemu_conn_read(c->conn, to, cut), cut);
	env_migrate(c->env, XENEMU_STORE_FORMAT_COMPACT);
	CHECK_EQ(xenemu_conn_read(c->conn, to + cut, want - cut), want - cut);
}

/* The same of a message that is taken whole. */
static u32 take_moving(struct client *c, char *to)
{
	u32 len, cut;

	c->taken = xenemu_conn_take(c->conn);
	CHECK(c->taken);
	len = c->taken->len;
	cut = random_below(len);
	memcpy(to, c->taken->data, cut);
	c->taken->sent = cut;
	env_migrate(c->env, XENEMU_STORE_FORMAT_COMPACT);
	c->taken = xenemu_conn_take(c->conn);
	CHECK_EQ(c->taken->len, len - cut);
	memcpy(to + cut, c->taken->data, len - cut);
	xenemu_msg_free(c->conn, c->taken);
	c->taken = NULL;
	return len;
}

static void drain_moving(struct client *c, int *result, u32 *id)
{
	char data[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
	struct xsd_sockmsg *hdr = (void *)data;

	while (!*id) {
		u32 len = sizeof(*hdr);

		if (c->conn->kind == XENEMU_CONN_FD) {
			len = take_moving(c, data);
		} else {
			read_moving(c, data, len);
			read_moving(c, data + len, hdr->len);
			len += hdr->len;
		}
		*id = note_message(c, data, len, result);
	}
}

int req_moving(struct client *c, u32 type, u32 tx, const void *body, u32 len)
{
	struct xenemu_incoming before = {
		.hdr = { .type = type, .req_id = ++c->next_id, .tx_id = tx, .len = len },
	}, after = {};
	int result = -EIO;
	u32 id = 0, want;
	char *to;

	xenemu_conn_set_input(c->conn, &before);
	xenemu_conn_next_input(c->conn, &before);
	before.used = random_below(sizeof(before.hdr) + len + 1);
	if (before.used > sizeof(before.hdr))
		memcpy(before.body, body, before.used - sizeof(before.hdr));
	env_migrate(c->env, XENEMU_STORE_FORMAT_COMPACT);
	xenemu_conn_set_input(c->conn, &after);
	xenemu_conn_feed(c->conn, &after);
	CHECK_EQ(after.used, before.used);
	/* The rest comes in pieces: of the header, and of the body. */
	memcpy(before.body, body, len);
	while ((want = xenemu_incoming_next(&after, &to))) {
		if (after.used < sizeof(after.hdr))
			memcpy(to, (char *)&before.hdr + after.used, want);
		else
			memcpy(to, before.body + after.used - sizeof(after.hdr), want);
		after.used += want;
	}
	CHECK_EQ(xenemu_conn_request(c->conn, &after.hdr, after.body), 0);
	xenemu_conn_set_input(c->conn, NULL);
	drain_moving(c, &result, &id);
	CHECK_EQ(id, c->next_id);
	return result;
}

static void dump_conn(FILE *out, const struct xenemu_conn *conn)
{
	const struct xenemu_watch *watch;
	const struct xenemu_txn *txn;
	const struct xenemu_touch *touch;
	const struct xenemu_msg *msg;

	fprintf(out, "conn %u of %u kind %u dead %u port %u gfn %llu txn %u replies %u\n",
		conn->id, conn->dom->domid, conn->kind, conn->dead, conn->port, conn->gfn,
		conn->next_txn, conn->nr_replies);
	list_for_each_entry(watch, &conn->watches, conn_link)
		fprintf(out, " watch %.*s %s rel %u depth %d mem %u\n", watch->path_len,
			watch->data, xenemu_watch_token(watch), watch->rel, watch->depth,
			watch->mem);
	list_for_each_entry(txn, &conn->txns, link) {
		fprintf(out, " txn %u error %d top %u\n", txn->id, txn->error, !!txn->top);
		list_for_each_entry(touch, &txn->touched, link)
			fprintf(out, "  touch %s %x base %u\n", touch->path, touch->flags,
				!!touch->base);
		list_for_each_entry(touch, &txn->written, apply)
			fprintf(out, "  write %s\n", touch->path);
	}
	list_for_each_entry(msg, &conn->out, list)
		fprintf(out, " msg event %u len %u\n", msg->event, msg->len - msg->sent);
}

/* The same tree may take more or less, by how it was made. */
static long txn_memory(const struct xenemu_sdomain *dom)
{
	const struct xenemu_conn *conn;
	const struct xenemu_txn *txn;
	long sum = 0;

	list_for_each_entry(conn, &dom->conns, dom_link)
		list_for_each_entry(txn, &conn->txns, link)
			sum += txn->mem;
	return sum;
}

char *dump_rest(struct env *env)
{
	const struct xenemu_sdomain *dom;
	const struct xenemu_conn *conn;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	u32 i;

	for (i = 0; i < XENEMU_NR_QUOTAS; i++)
		fprintf(out, "quota %u\n", env->store->quota[i]);
	list_for_each_entry(dom, &env->store->domains, link) {
		fprintf(out, "domain %u introduced %u shutdown %u features %x target %d ",
			dom->domid, dom->introduced, dom->shutdown, dom->features,
			dom->target ? dom->target->domid : -1);
		fprintf(out, "nodes %u watches %u txns %u mem %ld quota %x\n", dom->nr_nodes,
			dom->nr_watches, dom->nr_txns,
			atomic_long_read(&dom->mem) - txn_memory(dom), dom->quota_set);
		for (i = 0; i < XENEMU_NR_QUOTAS; i++)
			if (dom->quota_set & BIT(i))
				fprintf(out, " %u: %u\n", i, dom->quota[i]);
	}
	list_for_each_entry(conn, &env->store->conns, link)
		dump_conn(out, conn);
	fclose(out);
	return text;
}

static u64 random_state = 88172645463325252ULL;

void random_seed(u64 seed)
{
	random_state = seed * 0x9e3779b97f4a7c15ULL ?: 1;
}

u64 random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545f4914f6cdd1dULL;
}

u32 random_below(u32 limit)
{
	return (random64() >> 32) % limit;
}
