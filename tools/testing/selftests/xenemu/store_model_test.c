// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random operations on the store in the kernel and on the model of it, which the unit
 * tests use too: through store fds, by ioctl, with the events read; and once more while
 * the store moves from host to host, also in the midst of requests.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/xenemu.h>

#include "../kselftest_harness.h"
#include "store_model.h"
#include "vm.h"
#include "xs.h"

/* In debug kernels, in an emulated machine: some seconds for each seed. */
#define ROUNDS		10000
#define MOVING_ROUNDS	2000

/* The longest stream of a store as small as the model's. */
#define ROOM	(1u << 20)

/**
 * struct client - a store fd
 * @fd: the fd
 * @in: what has been read of it, up to a message that is not complete
 * @len: length of that
 * @events: events that were read, as text
 */
struct client {
	int fd;
	char in[2 * sizeof(struct xs_msg)];
	size_t len;
	char events[16384];
};

/**
 * struct stream - a saved store
 * @data: the bytes, or NULL
 * @len: how many
 * @generation: its generation
 */
struct stream {
	void *data;
	uint64_t len;
	uint64_t generation;
};

struct machine {
	int host_fd;
	int kvm_fd[STORE_MODEL_DOMAINS + 1];
	int domain_fd[STORE_MODEL_DOMAINS + 1];
	struct client client[STORE_MODEL_CLIENTS];
	struct stream ahead;		/* was saved before, and only the difference will be */
	unsigned int moves;		/* in the compact form */
	unsigned int diff_moves;	/* of them by a difference */
	unsigned int xen_moves;		/* in Xen's */
};

static void fail(void *ctx, int line, const char *what)
{
	printf("# store_model.c:%d: %s\n", line, what);
	fflush(stdout);
	_exit(KSFT_FAIL);
}

static void check(bool good, int line, const char *what)
{
	if (good)
		return;
	printf("# store_model_test.c:%d: %s: %s\n", line, what, strerror(errno));
	fflush(stdout);
	_exit(KSFT_FAIL);
}

#define CHECK(cond)	check(cond, __LINE__, #cond)

static void open_client(struct machine *machine, unsigned int nr)
{
	struct client *client = &machine->client[nr];

	client->fd = host_open_fd(machine->host_fd, XENEMU_HOST_OPEN_STORE,
				  store_model_domid(nr));
	CHECK(client->fd >= 0);
	client->len = 0;
	client->events[0] = 0;
}

static void create_domain(struct machine *machine, unsigned int domid)
{
	struct xenemu_host_create_domain arg = { .size = sizeof(arg), .domid = domid };

	machine->kvm_fd[domid] = kvm_create_vm();
	arg.kvm_fd = machine->kvm_fd[domid];
	machine->domain_fd[domid] = xioctl(machine->host_fd, XENEMU_HOST_CREATE_DOMAIN, &arg);
	CHECK(machine->domain_fd[domid] >= 0);
}

static void destroy_host(struct machine *machine)
{
	unsigned int i;

	for (i = 0; i < STORE_MODEL_CLIENTS; i++)
		close(machine->client[i].fd);
	for (i = 1; i <= STORE_MODEL_DOMAINS; i++) {
		close(machine->domain_fd[i]);
		close(machine->kvm_fd[i]);
	}
	close(machine->host_fd);
}

/* ---- Messages ---- */

static void note_event(struct client *client, const struct xs_msg *msg)
{
	size_t len = strlen(client->events);

	CHECK(len + msg->hdr.len + 2 <= sizeof(client->events));
	sprintf(client->events + len, "%s %s;", msg->body, msg->body + strlen(msg->body) + 1);
}

/* Take the next message if all of it was read. */
static bool take(struct client *client, struct xs_msg *msg)
{
	size_t size = XS_HDR_SIZE;

	if (client->len < size)
		return false;
	memcpy(&msg->hdr, client->in, size);
	CHECK(msg->hdr.len <= XENSTORE_PAYLOAD_MAX);
	size += msg->hdr.len;
	if (client->len < size)
		return false;
	memcpy(msg->body, client->in + XS_HDR_SIZE, msg->hdr.len);
	msg->body[msg->hdr.len] = 0;
	client->len -= size;
	memmove(client->in, client->in + size, client->len);
	return true;
}

static bool may_read(const struct client *client)
{
	struct pollfd pfd = { .fd = client->fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1 && pfd.revents & POLLIN;
}

static void read_some(struct client *client, size_t max)
{
	size_t room = sizeof(client->in) - client->len;
	ssize_t done = read(client->fd, client->in + client->len, max < room ? max : room);

	CHECK(done > 0);
	client->len += done;
}

static void read_events(struct client *client)
{
	struct xs_msg msg;

	for (;;) {
		/* Those behind a reply may have come with it. */
		while (take(client, &msg)) {
			CHECK(msg.hdr.type == XS_WATCH_EVENT);
			note_event(client, &msg);
		}
		if (!may_read(client))
			break;
		read_some(client, sizeof(client->in));
	}
	CHECK(!client->len);
}

/* ---- Moving ---- */

static void save(struct machine *machine, uint32_t format, uint32_t flags, uint64_t since,
		 struct stream *stream)
{
	struct xenemu_host_save_store arg = {
		.size = sizeof(arg),
		.flags = flags,
		.format = format,
		.since = since,
		.len = ROOM,
	};

	stream->data = malloc(ROOM);
	arg.buf = (uintptr_t)stream->data;
	CHECK(!xioctl(machine->host_fd, XENEMU_HOST_SAVE_STORE, &arg));
	stream->len = arg.len;
	stream->generation = arg.out_generation;
}

static void drop(struct stream *stream)
{
	free(stream->data);
	stream->data = NULL;
	stream->generation = 0;
}

static void restore(struct machine *machine, const struct stream *stream)
{
	struct xenemu_host_restore_store arg = {
		.size = sizeof(arg),
		.buf = (uintptr_t)stream->data,
		.len = stream->len,
	};
	int ret;

	if (!stream->data)
		return;
	ret = xioctl(machine->host_fd, XENEMU_HOST_RESTORE_STORE, &arg);
	if (ret)
		printf("# reason %u, record %llu of type %u\n", arg.out_reason, arg.out_record,
		       arg.out_type);
	CHECK(!ret);
}

/* A client's fd on the new host: another for what @old was, or, if that is lost, a new one. */
static void claim(struct machine *machine, unsigned int nr, int old, bool lost)
{
	struct xenemu_store_connection connection = { .size = sizeof(connection) };
	struct xenemu_host_open arg = { .size = sizeof(arg), .domid = store_model_domid(nr) };

	if (lost) {
		open_client(machine, nr);
		return;
	}
	CHECK(!xioctl(old, XENEMU_STORE_GET_CONNECTION, &connection));
	arg.connection = connection.out_connection;
	machine->client[nr].fd = xioctl(machine->host_fd, XENEMU_HOST_OPEN_STORE, &arg);
	CHECK(machine->client[nr].fd >= 0);
}

/* Returns, as bits, the clients that the format has no place for. */
static unsigned int move(struct machine *machine, uint32_t format)
{
	struct machine *old = malloc(sizeof(*old));
	unsigned int i, all_lost = 0;
	struct stream last;
	bool late = rand() % 2;

	if (format != XENEMU_STORE_FORMAT_COMPACT)
		drop(&machine->ahead);
	*old = *machine;
	save(machine, format, 0, old->ahead.generation, &last);
	machine->diff_moves += !!old->ahead.data;
	machine->ahead.data = NULL;
	machine->ahead.generation = 0;
	machine->host_fd = host_open();
	CHECK(machine->host_fd >= 0);
	restore(machine, &old->ahead);
	/* Before the domains or behind them: it makes no difference. */
	if (!late)
		restore(machine, &last);
	for (i = 1; i <= STORE_MODEL_DOMAINS; i++)
		create_domain(machine, i);
	if (late)
		restore(machine, &last);
	for (i = 0; i < STORE_MODEL_CLIENTS; i++) {
		/* Xen knows guests by their rings only. */
		bool lost = format != XENEMU_STORE_FORMAT_COMPACT && store_model_domid(i);

		claim(machine, i, old->client[i].fd, lost);
		all_lost |= (unsigned int)lost << i;
	}
	drop(&last);
	drop(&old->ahead);
	destroy_host(old);
	free(old);
	return all_lost;
}

static unsigned int model_move(void *ctx, bool plain)
{
	struct machine *machine = ctx;

	if (!machine->ahead.data && !(rand() % 100))
		save(machine, XENEMU_STORE_FORMAT_COMPACT, XENEMU_SAVE_TRACK, 0, &machine->ahead);
	if (plain && !(rand() % 50)) {
		machine->xen_moves++;
		return move(machine, XENEMU_STORE_FORMAT_XEN_V2);
	}
	if (!(rand() % 100)) {
		machine->moves++;
		move(machine, XENEMU_STORE_FORMAT_COMPACT);
	}
	return 0;
}

/* ---- The model's operations ---- */

static int model_request(void *ctx, unsigned int nr, uint32_t type, uint32_t tx,
			 const void *body, size_t len, char *reply)
{
	struct machine *machine = ctx;

	return xs_call(machine->client[nr].fd, type, tx, body, len, reply);
}

/* By write() and read(), and the store moves when some of the bytes have been passed. */
static int request_moving(struct machine *machine, unsigned int nr, uint32_t type, uint32_t tx,
			  const void *body, size_t len, char *reply)
{
	struct client *client = &machine->client[nr];
	struct xs_msg msg;
	size_t size = xs_make(&msg, type, 0, tx, body, len);
	ssize_t cut = rand() % (size + 1), rest = size - cut;

	CHECK(write(client->fd, &msg, cut) == cut);
	move(machine, XENEMU_STORE_FORMAT_COMPACT);
	CHECK(write(client->fd, (char *)&msg + cut, rest) == rest);
	read_some(client, 1 + rand() % 32);
	move(machine, XENEMU_STORE_FORMAT_COMPACT);
	machine->moves += 2;
	for (;;) {
		if (!take(client, &msg))
			read_some(client, sizeof(client->in));
		else if (msg.hdr.type == XS_WATCH_EVENT)
			note_event(client, &msg);
		else
			break;
	}
	if (msg.hdr.type == XS_ERROR)
		return -xs_errno(&msg);
	memcpy(reply, msg.body, msg.hdr.len);
	return msg.hdr.len;
}

static int model_request_moving(void *ctx, unsigned int nr, uint32_t type, uint32_t tx,
				const void *body, size_t len, char *reply)
{
	if (rand() % 200)
		return model_request(ctx, nr, type, tx, body, len, reply);
	return request_moving(ctx, nr, type, tx, body, len, reply);
}

static void model_events(void *ctx, unsigned int nr, char *text, size_t size)
{
	struct machine *machine = ctx;
	struct client *client = &machine->client[nr];

	read_events(client);
	CHECK(strlen(client->events) < size);
	strcpy(text, client->events);
	client->events[0] = 0;
}

static void model_reopen(void *ctx, unsigned int client)
{
	struct machine *machine = ctx;

	close(machine->client[client].fd);
	open_client(machine, client);
}

static void model_replace(void *ctx, unsigned int domid)
{
	struct machine *machine = ctx;

	close(machine->domain_fd[domid]);
	close(machine->kvm_fd[domid]);
	close(machine->client[store_model_client(domid)].fd);
	create_domain(machine, domid);
	open_client(machine, store_model_client(domid));
}

static const struct store_model_ops ops = {
	.request = model_request,
	.events = model_events,
	.reopen = model_reopen,
	.replace = model_replace,
	.fail = fail,
};

static const struct store_model_ops moving_ops = {
	.request = model_request_moving,
	.events = model_events,
	.reopen = model_reopen,
	.replace = model_replace,
	.interlude = model_move,
	.fail = fail,
};

FIXTURE(model)
{
	struct machine machine;
};

FIXTURE_VARIANT(model)
{
	unsigned int seed;
};

FIXTURE_VARIANT_ADD(model, seed_1) { .seed = 1 };
FIXTURE_VARIANT_ADD(model, seed_2) { .seed = 2 };
FIXTURE_VARIANT_ADD(model, seed_3) { .seed = 3 };

FIXTURE_SETUP(model)
{
	unsigned int i;

	self->machine.host_fd = host_open();
	if (self->machine.host_fd < 0)
		SKIP(return, "no /dev/xenemu: %s", strerror(-self->machine.host_fd));
	for (i = 1; i <= STORE_MODEL_DOMAINS; i++)
		create_domain(&self->machine, i);
	for (i = 0; i < STORE_MODEL_CLIENTS; i++)
		open_client(&self->machine, i);
	srand(variant->seed);
}

FIXTURE_TEARDOWN(model)
{
	drop(&self->machine.ahead);
	destroy_host(&self->machine);
}

TEST_F_TIMEOUT(model, store_is_like_the_model, 300)
{
	struct store_model_result result;

	store_model_run(&ops, &self->machine, variant->seed, ROUNDS, &result);
	TH_LOG("%u rounds, %lu commits, %lu conflicts, %lu events, %lu deaths", ROUNDS,
	       result.commits, result.conflicts, result.events, result.deaths);
	EXPECT_LT(0, result.commits);
	EXPECT_LT(0, result.conflicts);
	EXPECT_LT(0, result.events);
	EXPECT_LT(0, result.deaths);
}

TEST_F_TIMEOUT(model, store_may_move, 300)
{
	struct store_model_result result;

	store_model_run(&moving_ops, &self->machine, variant->seed, MOVING_ROUNDS, &result);
	TH_LOG("%u rounds, %lu commits, %lu conflicts, %lu events", MOVING_ROUNDS,
	       result.commits, result.conflicts, result.events);
	TH_LOG("moved %u times, %u of them by a difference, and %u by Xen's form",
	       self->machine.moves, self->machine.diff_moves, self->machine.xen_moves);
	EXPECT_LT(0, result.commits);
	EXPECT_LT(0, result.conflicts);
	EXPECT_LT(0, result.events);
	EXPECT_LT(0, self->machine.moves);
	EXPECT_LT(0, self->machine.diff_moves);
	EXPECT_LT(0, self->machine.xen_moves);
}

TEST_HARNESS_MAIN
