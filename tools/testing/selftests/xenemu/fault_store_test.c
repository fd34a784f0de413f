// SPDX-License-Identifier: GPL-2.0-only
/*
 * The store with each allocation and each copy failing once: in the ioctls that save
 * and restore it, in every request on a store fd, in its stream, and on the ring of a
 * guest.
 */
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>
#include <linux/xenemu.h>
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/io/xs_wire.h>

#include "../kselftest_harness.h"
#include "sweep.h"
#include "xs.h"

#define RING_GFN	(DATA_GFN + 2)

/* What the header of an older Xen lacks. */
#define OP_GET_FEATURE	23
#define OP_SET_FEATURE	24
#define OP_GET_QUOTA	25
#define OP_SET_QUOTA	26

/* A string literal with the NUL that ends it. */
#define BODY(str)	{ str, sizeof(str) }

struct body {
	const char *str;
	size_t len;
};

/* A request, and the one that takes it back so that it can be made again. */
struct request {
	const char *name;
	struct body body, undo_body;
	uint8_t type, undo_type;
	/* It is made by the guest's domain. */
	bool guest;
};

struct ctx {
	struct vm vm;
	struct vm other;
	/* Of dom0, and one that acts for the guest. */
	int store_fd;
	int guest_fd;
	/* The guest's ring. */
	volatile struct xenstore_domain_interface *ring;
	uint32_t port;
	/* What a test's calls are about. */
	const struct request *request;
	int fd;
	uint32_t format;
	uint32_t flags;
	uint64_t len;
};

FIXTURE(fault_store)
{
	struct ctx ctx;
};

static int open_store(struct vm *vm, unsigned int domid)
{
	int fd = host_open_fd(vm->host_fd, XENEMU_HOST_OPEN_STORE, domid);

	if (fd >= 0)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

FIXTURE_SETUP(fault_store)
{
	struct vm_config config = { .domid = 2 };
	struct ctx *ctx = &self->ctx;
	uint32_t port;

	create_guest(&ctx->vm);
	config.host_fd = ctx->vm.host_fd;
	vm_create(&ctx->other, &config);
	ctx->store_fd = open_store(&ctx->vm, 0);
	ctx->guest_fd = open_store(&ctx->vm, 1);
	ASSERT_LE(0, ctx->store_fd);
	ASSERT_LE(0, ctx->guest_fd);
	ctx->ring = vm_ptr(&ctx->vm, RING_GFN * PAGE);
	ASSERT_EQ(0, xs_make_home(ctx->store_fd, 1));
	ASSERT_EQ(0, vm_alloc_port(&ctx->vm, &ctx->port));
	ASSERT_EQ(0, xs_introduce(ctx->store_fd, 1, RING_GFN, ctx->port));
	ASSERT_EQ(0, vm_alloc_port(&ctx->other, &port));
	ASSERT_EQ(0, xs_introduce(ctx->store_fd, 2, RING_GFN, port));
	ASSERT_EQ(0, xs_write_node(ctx->store_fd, 0, "/a/b/c", "value"));
}

FIXTURE_TEARDOWN(fault_store)
{
	struct ctx *ctx = &self->ctx;

	close(ctx->guest_fd);
	close(ctx->store_fd);
	vm_destroy(&ctx->other);
	vm_destroy(&ctx->vm);
}

/* ---- saving and restoring ---- */

static uint8_t stream[16 * 4096];

static long save_store(void *priv)
{
	struct ctx *ctx = priv;
	struct xenemu_host_save_store arg = {
		.size = sizeof(arg), .format = ctx->format, .flags = ctx->flags,
		.buf = (uintptr_t)stream, .len = sizeof(stream),
	};
	long ret = xioctl(ctx->vm.host_fd, XENEMU_HOST_SAVE_STORE, &arg);

	if (!ret)
		ctx->len = arg.len;
	return ret;
}

/* A host that refused a stream takes it the next time. */
static long restore_store(void *priv)
{
	struct ctx *ctx = priv;
	struct xenemu_host_restore_store arg = {
		.size = sizeof(arg), .buf = (uintptr_t)stream, .len = ctx->len,
	};

	return xioctl(ctx->fd, XENEMU_HOST_RESTORE_STORE, &arg);
}

static void undo_restore_store(void *priv, long ret)
{
	struct ctx *ctx = priv;

	close(ctx->fd);
	ctx->fd = host_open();
}

static long pause_store(void *priv)
{
	struct ctx *ctx = priv;
	struct xenemu_host_pause_store arg = { .size = sizeof(arg), .paused = 1 };

	return xioctl(ctx->vm.host_fd, XENEMU_HOST_PAUSE_STORE, &arg);
}

static long get_connection(void *priv)
{
	struct ctx *ctx = priv;
	struct xenemu_store_connection arg = { .size = sizeof(arg) };

	return xioctl(ctx->store_fd, XENEMU_STORE_GET_CONNECTION, &arg);
}

/* A client with one of everything. */
static void fill_store(struct ctx *ctx)
{
	int tx;

	xs_watch(ctx->store_fd, "/a", "token");
	tx = xs_start(ctx->store_fd);
	xs_write_node(ctx->store_fd, tx, "/a/d", "value");
	xs_send(ctx->store_fd, XS_READ, 1, 0, "/a/b/c", 7);
}

TEST_F(fault_store, save_and_restore)
{
	struct ctx *ctx = &self->ctx;

	fill_store(ctx);
	SWEEP(pause_store, NULL);
	SWEEP(get_connection, NULL);
	for (ctx->format = XENEMU_STORE_FORMAT_COMPACT; ctx->format <= XENEMU_STORE_FORMAT_XEN_V2;
	     ctx->format++) {
		if (ctx->format == XENEMU_STORE_FORMAT_COMPACT) {
			ctx->flags = XENEMU_SAVE_TRACK;
			SWEEP(save_store, NULL);
		}
		ctx->flags = 0;
		SWEEP(save_store, NULL);
		ctx->fd = host_open();
		ASSERT_LE(0, ctx->fd);
		SWEEP(restore_store, undo_restore_store);
		close(ctx->fd);
	}
}

/* ---- requests ---- */

static void drop_messages(int fd)
{
	struct xs_msg msg;

	while (!xs_recv(fd, &msg))
		;
}

/* By XENEMU_STORE_REQUEST. */
static long make_request(void *priv)
{
	struct ctx *ctx = priv;
	const struct request *r = ctx->request;

	return xs_call(r->guest ? ctx->guest_fd : ctx->store_fd, r->type, 0, r->body.str,
		       r->body.len, NULL);
}

/* A fault may have been in the reply alone; so nothing is expected here. */
static void tidy_request(void *priv)
{
	struct ctx *ctx = priv;
	const struct request *r = ctx->request;

	if (r->undo_type)
		xs_call(ctx->store_fd, r->undo_type, 0, r->undo_body.str, r->undo_body.len, NULL);
	drop_messages(ctx->store_fd);
}

static void undo_request(void *priv, long ret)
{
	tidy_request(priv);
}

static void sweep_requests(struct __test_metadata *const _metadata, struct ctx *ctx,
			   const struct request *requests, unsigned int nr)
{
	for (; nr; nr--, requests++) {
		const struct call call = {
			.name = requests->name, .fn = make_request, .undo = undo_request,
			.tidy = tidy_request,
		};

		ctx->request = requests;
		sweep(_metadata, &call, ctx);
	}
}

#define SWEEP_REQUESTS(requests) \
	sweep_requests(_metadata, &self->ctx, requests, ARRAY_SIZE(requests))

TEST_F(fault_store, requests_about_nodes)
{
	static const struct request requests[] = {
		{ "DIRECTORY", BODY("/a"), .type = XS_DIRECTORY },
		{ "DIRECTORY_PART", BODY("/a\0" "0"), .type = XS_DIRECTORY_PART },
		{ "READ", BODY("/a/b/c"), .type = XS_READ },
		{ "GET_PERMS", BODY("/a/b"), .type = XS_GET_PERMS },
		{ "SET_PERMS", BODY("/a/b\0b1\0r0"), .type = XS_SET_PERMS },
		{ "WRITE", BODY("/a/b/c\0other"), .type = XS_WRITE },
		{ "WRITE of a new node", BODY("/n/e/w\0value"), BODY("/n"), XS_WRITE, XS_RM },
		{ "MKDIR", BODY("/n/e/w"), BODY("/n"), XS_MKDIR, XS_RM },
		{ "RM", BODY("/a"), BODY("/a/b/c\0value"), XS_RM, XS_WRITE },
		{ "WRITE by the guest", BODY("x/y\0value"), BODY("/local/domain/1/x"),
		  XS_WRITE, XS_RM, .guest = true },
	};

	SWEEP_REQUESTS(requests);
}

/* Each change is told to somebody. */
TEST_F(fault_store, requests_about_watches)
{
	static const struct request requests[] = {
		{ "WATCH", BODY("/a/b\0token"), BODY("/a/b\0token"), XS_WATCH, XS_UNWATCH },
		{ "WATCH to a depth", BODY("/a\0token\0" "1"), BODY("/a\0token"),
		  XS_WATCH, XS_UNWATCH },
		{ "UNWATCH", BODY("/w\0token"), BODY("/w\0token"), XS_UNWATCH, XS_WATCH },
		{ "WRITE", BODY("/w/x\0value"), BODY("/w"), XS_WRITE, XS_RM },
		{ "RESET_WATCHES", BODY(""), .type = XS_RESET_WATCHES, .guest = true },
	};

	ASSERT_EQ(0, xs_watch(self->ctx.store_fd, "/w", "token"));
	ASSERT_EQ(0, xs_watch(self->ctx.guest_fd, "/w", "token"));
	SWEEP_REQUESTS(requests);
}

TEST_F(fault_store, requests_about_domains)
{
	static const struct request requests[] = {
		{ "GET_DOMAIN_PATH", BODY("1"), .type = XS_GET_DOMAIN_PATH },
		{ "IS_DOMAIN_INTRODUCED", BODY("1"), .type = XS_IS_DOMAIN_INTRODUCED },
		{ "RESUME", BODY("1"), .type = XS_RESUME },
		{ "GET_FEATURE", BODY("1"), .type = OP_GET_FEATURE },
		{ "GET_QUOTA", BODY("1\0nodes"), .type = OP_GET_QUOTA },
		{ "SET_QUOTA", BODY("1\0nodes\0" "900"), .type = OP_SET_QUOTA },
		{ "CONTROL check", BODY("check"), .type = XS_CONTROL },
		{ "CONTROL help", BODY("help"), .type = XS_CONTROL },
		{ "CONTROL memreport", BODY("memreport"), .type = XS_CONTROL },
		{ "CONTROL quota", BODY("quota\0" "1"), .type = XS_CONTROL },
		{ "SET_FEATURE", BODY("2\0" "1"), .type = OP_SET_FEATURE },
	};

	/* Features are set before a domain is introduced. */
	ASSERT_LE(0, XS_CALL(self->ctx.store_fd, XS_RELEASE, 0, "2"));
	SWEEP_REQUESTS(requests);
}

static long introduce(void *priv)
{
	struct ctx *ctx = priv;

	return xs_introduce(ctx->store_fd, 1, RING_GFN, ctx->port);
}

static long release(void *priv)
{
	struct ctx *ctx = priv;

	return XS_CALL(ctx->store_fd, XS_RELEASE, 0, "1");
}

static long set_target(void *priv)
{
	struct ctx *ctx = priv;

	return XS_CALL(ctx->store_fd, XS_SET_TARGET, 0, "1\0" "2");
}

static void tidy_introduce(void *priv)
{
	release(priv);
}

static void undo_introduce(void *priv, long ret)
{
	release(priv);
}

static void tidy_release(void *priv)
{
	introduce(priv);
}

static void undo_release(void *priv, long ret)
{
	introduce(priv);
}

TEST_F(fault_store, introduce_and_release)
{
	SWEEP(set_target, NULL);
	SWEEP(release, undo_release, .tidy = tidy_release);
	release(&self->ctx);
	SWEEP(introduce, undo_introduce, .tidy = tidy_introduce);
}

/* Start, change, end; a fault on the way leaves a transaction to be ended. */
static long transaction(void *priv)
{
	struct ctx *ctx = priv;
	int tx = xs_start(ctx->store_fd);
	long ret;

	if (tx < 0)
		return tx;
	ret = xs_write_node(ctx->store_fd, tx, "/t/x", "1");
	if (ret >= 0)
		ret = XS_CALL(ctx->store_fd, XS_SET_PERMS, tx, "/t\0b1");
	if (ret >= 0)
		ret = XS_CALL(ctx->store_fd, XS_RM, tx, "/a");
	if (ret >= 0)
		ret = xs_write_node(ctx->store_fd, tx, "/a/b/c", "value");
	if (ret >= 0)
		ret = xs_end(ctx->store_fd, tx, "T");
	if (ret < 0)
		xs_end(ctx->store_fd, tx, "F");
	return ret;
}

TEST_F(fault_store, transaction)
{
	ASSERT_EQ(0, xs_watch(self->ctx.guest_fd, "/a", "token"));
	SWEEP(transaction, NULL);
}

/* ---- the stream ---- */

/* All of @data; a fault in one call leaves the stream as it was, so the next goes on. */
static long transfer(int fd, bool out, void *data, size_t len, bool *failed)
{
	char *next = data;
	ssize_t ret;

	while (len) {
		ret = out ? write(fd, next, len) : read(fd, next, len);
		if (ret < 0 && *failed)
			return -errno;
		if (ret < 0) {
			*failed = true;
		} else {
			next += ret;
			len -= ret;
		}
	}
	return 0;
}

static long exchange(void *priv)
{
	struct ctx *ctx = priv;
	bool failed = false;
	struct xs_msg msg;
	size_t size = xs_make(&msg, XS_READ, 7, 0, "/a/b/c", 7);
	long ret = transfer(ctx->store_fd, true, &msg, size, &failed);

	if (!ret)
		ret = transfer(ctx->store_fd, false, &msg.hdr, XS_HDR_SIZE, &failed);
	if (!ret)
		ret = transfer(ctx->store_fd, false, msg.body, msg.hdr.len, &failed);
	if (ret)
		return ret;
	if (msg.hdr.req_id != 7)
		return -EBADMSG;
	return msg.hdr.type == XS_ERROR ? -xs_errno(&msg) : 0;
}

TEST_F(fault_store, stream)
{
	SWEEP(exchange, NULL);
}

/* ---- the ring ---- */

/* Where in a ring of the page the byte of this number is. */
#define AT(idx)		((idx) & (XENSTORE_RING_SIZE - 1))

/*
 * The guest's request is carried out on the thread that sends the event. A fault may
 * make it fail with ENOMEM, which the guest reads, and the ring goes on.
 */
static long exchange_on_ring(void *priv)
{
	struct ctx *ctx = priv;
	volatile struct xenstore_domain_interface *ring = ctx->ring;
	const struct evtchn_send send = { .port = ctx->port };
	const uint64_t args[] = { EVTCHNOP_send, GUEST_DATA, 0, 0, 0, 0 };
	struct xs_msg msg;
	size_t size = xs_make(&msg, ctx->request->type, 7, 0, ctx->request->body.str,
			      ctx->request->body.len);
	unsigned int ms = 2000;
	size_t i;
	long ret;

	for (i = 0; i < size; i++)
		ring->req[AT(ring->req_prod + i)] = ((char *)&msg)[i];
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	ring->req_prod += size;
	memcpy(vm_ptr(&ctx->vm, GUEST_DATA), &send, sizeof(send));
	ret = hypercall_by_ioctl(&ctx->vm.vcpus[0], __HYPERVISOR_event_channel_op, args);
	/* The event was not sent; the guest sends it again. */
	if (ret)
		ret = hypercall_by_ioctl(&ctx->vm.vcpus[0], __HYPERVISOR_event_channel_op, args);
	if (ret)
		return ret;
	/* All is there at once unless another thread had the ring. */
	while (ring->rsp_prod - ring->rsp_cons < XS_HDR_SIZE && --ms)
		usleep(1000);
	if (!ms)
		return -ETIMEDOUT;
	size = ring->rsp_prod - ring->rsp_cons;
	for (i = 0; i < size; i++)
		((char *)&msg)[i] = ring->rsp[AT(ring->rsp_cons + i)];
	ring->rsp_cons += size;
	if (size != XS_HDR_SIZE + msg.hdr.len || msg.hdr.req_id != 7)
		return -EBADMSG;
	return msg.hdr.type == XS_ERROR ? -xs_errno(&msg) : 0;
}

TEST_F(fault_store, ring)
{
	static const struct request requests[] = {
		{ "READ", BODY("/local/domain/1"), .type = XS_READ },
		{ "WRITE", BODY("x/y\0value"), BODY("/local/domain/1/x"), XS_WRITE, XS_RM },
		{ "RM", BODY("z"), BODY("/local/domain/1/z\0value"), XS_RM, XS_WRITE },
		{ "RESET_WATCHES", BODY(""), .type = XS_RESET_WATCHES },
	};
	struct ctx *ctx = &self->ctx;

	ASSERT_EQ(0, xs_write_node(ctx->guest_fd, 0, "z", "value"));
	for (unsigned int i = 0; i < ARRAY_SIZE(requests); i++) {
		const struct call call = {
			.name = requests[i].name, .fn = exchange_on_ring, .undo = undo_request,
		};

		ctx->request = &requests[i];
		sweep(_metadata, &call, ctx);
	}
}

TEST_HARNESS_MAIN
