// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saving and restoring a host's XenStore by ioctl. What a stream holds is tested
 * elsewhere; here it is where it goes, and how guests and store fds go on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <linux/xenemu.h>
#include <xen/xen.h>
#include <xen/event_channel.h>

#include "../kselftest_harness.h"
#include "vm.h"
#include "xs.h"

#define SHARED_INFO_GFN		(GUEST_PAGES / PAGE)
#define RING_GFN		(SHARED_INFO_GFN + 1)
#define ROOM			65536

FIXTURE(state)
{
	int host;
	int dom0;	/* a store fd */
	uint8_t data[ROOM];
	uint64_t len;
	uint64_t generation;
};

FIXTURE_SETUP(state)
{
	self->host = host_open();
	ASSERT_LE(0, self->host);
	self->dom0 = host_open_fd(self->host, XENEMU_HOST_OPEN_STORE, 0);
	ASSERT_LE(0, self->dom0);
	ASSERT_EQ(0, xs_write_node(self->dom0, 0, "/a/b", "value"));
	ASSERT_EQ(0, xs_watch(self->dom0, "/a", "token"));
}

FIXTURE_TEARDOWN(state)
{
	close(self->dom0);
	close(self->host);
}

static int save(int host, uint32_t format, uint32_t flags, uint64_t since, void *data,
		uint64_t *len, uint64_t *generation)
{
	struct xenemu_host_save_store arg = {
		.size = sizeof(arg),
		.flags = flags,
		.format = format,
		.since = since,
		.buf = (uintptr_t)data,
		.len = *len,
	};
	int ret = xioctl(host, XENEMU_HOST_SAVE_STORE, &arg);

	*len = arg.len;
	if (generation)
		*generation = arg.out_generation;
	return ret;
}

static int restore_flags(int host, const void *data, uint64_t len, uint32_t flags,
			 struct xenemu_host_restore_store *arg)
{
	memset(arg, 0, sizeof(*arg));
	arg->size = sizeof(*arg);
	arg->flags = flags;
	arg->buf = (uintptr_t)data;
	arg->len = len;
	arg->out_reason = 0xcccc;
	return xioctl(host, XENEMU_HOST_RESTORE_STORE, arg);
}

static int restore(int host, const void *data, uint64_t len)
{
	struct xenemu_host_restore_store arg;

	return restore_flags(host, data, len, 0, &arg);
}

static int claim(int host, uint32_t domid, uint32_t connection)
{
	struct xenemu_host_open arg = {
		.size = sizeof(arg), .domid = domid, .connection = connection,
	};

	return xioctl(host, XENEMU_HOST_OPEN_STORE, &arg);
}

static uint32_t connection_of(int fd)
{
	struct xenemu_store_connection arg = { .size = sizeof(arg) };

	return xioctl(fd, XENEMU_STORE_GET_CONNECTION, &arg) ? 0 : arg.out_connection;
}

static int pause_store(int host, uint32_t paused)
{
	struct xenemu_host_pause_store arg = { .size = sizeof(arg), .paused = paused };

	return xioctl(host, XENEMU_HOST_PAUSE_STORE, &arg);
}

#define SAVE(format, flags, since) \
	(self->len = ROOM, save(self->host, format, flags, since, self->data, &self->len, \
				&self->generation))

TEST_F(state, save_needs_room)
{
	uint64_t len = 0;

	EXPECT_EQ(-EMSGSIZE, save(self->host, 0, 0, 0, NULL, &len, NULL));
	EXPECT_LT(16, len);
	self->len = len - 1;
	EXPECT_EQ(-EMSGSIZE, save(self->host, 0, 0, 0, self->data, &self->len, NULL));
	EXPECT_EQ(len, self->len);
	EXPECT_EQ(0, save(self->host, 0, 0, 0, self->data, &len, NULL));
}

TEST_F(state, save_refuses_what_it_does_not_know)
{
	self->len = ROOM;
	EXPECT_EQ(-EOPNOTSUPP, save(self->host, 3, 0, 0, self->data, &self->len, NULL));
	EXPECT_EQ(-EOPNOTSUPP, save(self->host, 0, 2, 0, self->data, &self->len, NULL));
	EXPECT_EQ(-EOPNOTSUPP, save(self->host, XENEMU_STORE_FORMAT_XEN_V2, XENEMU_SAVE_TRACK, 0,
				    self->data, &self->len, NULL));
	EXPECT_EQ(-ESTALE, save(self->host, 0, 0, 1, self->data, &self->len, NULL));
	EXPECT_EQ(-EFAULT, save(self->host, 0, 0, 0, (void *)1, &self->len, NULL));
}

TEST_F(state, restored_nodes_are_there)
{
	char value[XENSTORE_PAYLOAD_MAX + 1];
	uint32_t format;

	for (format = 0; format <= XENEMU_STORE_FORMAT_XEN_V2; format++) {
		int host = host_open(), dom0;

		ASSERT_EQ(0, SAVE(format, 0, 0));
		ASSERT_EQ(0, restore(host, self->data, self->len));
		dom0 = host_open_fd(host, XENEMU_HOST_OPEN_STORE, 0);
		EXPECT_EQ(5, xs_read_node(dom0, 0, "/a/b", value));
		EXPECT_STREQ("value", value);
		close(dom0);
		close(host);
	}
}

TEST_F(state, store_fd_goes_on)
{
	uint32_t id = connection_of(self->dom0), tx = xs_start(self->dom0);
	int host = host_open(), fd;
	struct xs_msg msg;

	ASSERT_NE(0, id);
	ASSERT_EQ(0, xs_write_node(self->dom0, tx, "/a/c", "in"));
	ASSERT_EQ(0, SAVE(0, 0, 0));
	ASSERT_EQ(0, restore(host, self->data, self->len));
	EXPECT_EQ(-ENOENT, claim(host, 0, id + 1));
	EXPECT_EQ(-ENOENT, claim(host, 1, id));
	fd = claim(host, 0, id);
	ASSERT_LE(0, fd);
	EXPECT_EQ(id, connection_of(fd));
	EXPECT_EQ(-ENOENT, claim(host, 0, id));
	/* The event of the watch when it was set, and of what the transaction has done. */
	EXPECT_EQ(0, xs_recv(fd, &msg));
	EXPECT_STREQ("/a", msg.body);
	EXPECT_EQ(0, xs_end(fd, tx, "T"));
	EXPECT_EQ(0, xs_recv(fd, &msg));
	EXPECT_STREQ("/a/c", msg.body);
	close(fd);
	close(host);
}

/* Whoever has no fd to spare can come back when there is one. */
TEST_F(state, connection_waits_for_an_fd)
{
	uint32_t id = connection_of(self->dom0);
	struct rlimit limit, none = {};
	int host = host_open(), fd;

	ASSERT_EQ(0, SAVE(0, 0, 0));
	ASSERT_EQ(0, restore(host, self->data, self->len));
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	none.rlim_max = limit.rlim_max;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, claim(host, 0, id));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	fd = claim(host, 0, id);
	EXPECT_LE(0, fd);
	close(fd);
	close(host);
}

TEST_F(state, broken_store_fd_stays_broken)
{
	struct xsd_sockmsg hdr = { .type = XS_READ, .len = XENSTORE_PAYLOAD_MAX + 1 };
	uint32_t id = connection_of(self->dom0);
	int host = host_open(), fd;
	char half[8];

	/* Of the watch's event some has been read; the rest can be read all the same. */
	ASSERT_EQ(8, read(self->dom0, half, sizeof(half)));
	ASSERT_EQ(-1, write(self->dom0, &hdr, sizeof(hdr)));
	ASSERT_EQ(EPROTO, errno);
	ASSERT_EQ(0, SAVE(0, 0, 0));
	ASSERT_EQ(0, restore(host, self->data, self->len));
	fd = claim(host, 0, id);
	ASSERT_LE(0, fd);
	EXPECT_EQ(8, read(fd, half, sizeof(half)));
	EXPECT_EQ(1, read(fd, half, 1));
	EXPECT_EQ('/', half[0]);
	EXPECT_EQ(-EPROTO, XS_CALL(fd, XS_DIRECTORY, 0, "/"));
	close(fd);
	close(host);
}

TEST_F(state, fds_can_be_left_out)
{
	struct xenemu_host_restore_store arg;
	uint32_t id = connection_of(self->dom0);
	int host = host_open();

	ASSERT_EQ(0, SAVE(0, 0, 0));
	EXPECT_EQ(-EOPNOTSUPP, restore_flags(host, self->data, self->len, 2, &arg));
	EXPECT_EQ(0, restore_flags(host, self->data, self->len, XENEMU_RESTORE_NO_FDS, &arg));
	EXPECT_EQ(-ENOENT, claim(host, 0, id));
	close(host);
}

TEST_F(state, half_written_request_goes_on)
{
	uint32_t id = connection_of(self->dom0);
	int host = host_open(), fd;
	struct xs_msg msg, reply;
	size_t size;

	size = xs_make(&msg, XS_READ, 5, 0, "/a/b", 5);
	ASSERT_EQ(9, write(self->dom0, &msg, 9));
	ASSERT_EQ(0, SAVE(0, 0, 0));
	ASSERT_EQ(0, restore(host, self->data, self->len));
	fd = claim(host, 0, id);
	ASSERT_LE(0, fd);
	ASSERT_EQ(size - 9, write(fd, (char *)&msg + 9, size - 9));
	EXPECT_EQ(0, xs_recv(fd, &reply));
	EXPECT_EQ(XS_WATCH_EVENT, reply.hdr.type);
	EXPECT_EQ(0, xs_recv(fd, &reply));
	EXPECT_EQ(5, reply.hdr.req_id);
	EXPECT_STREQ("value", reply.body);
	close(fd);
	close(host);
}

TEST_F(state, restore_wants_an_empty_host)
{
	int host = host_open(), fd;

	ASSERT_EQ(0, SAVE(0, 0, 0));
	fd = host_open_fd(host, XENEMU_HOST_OPEN_STORE, 0);
	EXPECT_EQ(-EBUSY, restore(host, self->data, self->len));
	ASSERT_EQ(0, xs_write_node(fd, 0, "/x", ""));
	close(fd);
	EXPECT_EQ(-EBUSY, restore(host, self->data, self->len));
	close(host);
	host = host_open();
	EXPECT_EQ(0, restore(host, self->data, self->len));
	EXPECT_EQ(-EBUSY, restore(host, self->data, self->len));
	close(host);
}

TEST_F(state, bad_stream_is_refused)
{
	struct xenemu_host_restore_store arg;
	int host = host_open();

	ASSERT_EQ(0, SAVE(0, 0, 0));
	EXPECT_EQ(-EBADMSG, restore_flags(host, self->data, self->len - 1, 0, &arg));
	EXPECT_EQ(XENEMU_RESTORE_BAD_END, arg.out_reason);
	EXPECT_NE(0, arg.out_record);
	EXPECT_LT(4, arg.out_offset);
	EXPECT_EQ(-EBADMSG, restore_flags(host, "nonsense", 8, 0, &arg));
	EXPECT_EQ(XENEMU_RESTORE_BAD_HEADER, arg.out_reason);
	EXPECT_EQ(-EFAULT, restore(host, (void *)1, 100));
	EXPECT_EQ(-E2BIG, restore(host, self->data, 1ULL << 40));
	/* It is still empty. */
	EXPECT_EQ(0, restore_flags(host, self->data, self->len, 0, &arg));
	EXPECT_EQ(0, arg.out_reason);
	close(host);
}

TEST_F(state, differences_are_restored_in_order)
{
	static uint8_t first[ROOM];
	char value[XENSTORE_PAYLOAD_MAX + 1];
	uint64_t len = ROOM, generation;
	int host = host_open(), fd;

	ASSERT_EQ(0, save(self->host, 0, XENEMU_SAVE_TRACK, 0, first, &len, &generation));
	ASSERT_EQ(0, xs_write_node(self->dom0, 0, "/a/b", "other"));
	ASSERT_LE(0, XS_CALL(self->dom0, XS_MKDIR, 0, "/a/new"));
	ASSERT_EQ(0, SAVE(0, 0, generation));
	EXPECT_GT(len, self->len);
	EXPECT_EQ(-ESTALE, restore(host, self->data, self->len));
	EXPECT_EQ(0, restore(host, first, len));
	EXPECT_EQ(0, restore(host, self->data, self->len));
	EXPECT_EQ(-ESTALE, restore(host, self->data, self->len));
	fd = host_open_fd(host, XENEMU_HOST_OPEN_STORE, 0);
	EXPECT_EQ(5, xs_read_node(fd, 0, "/a/b", value));
	EXPECT_STREQ("other", value);
	EXPECT_EQ(0, xs_read_node(fd, 0, "/a/new", value));
	close(fd);
	close(host);
}

/* ---- A guest ---- */

static int introduce(int dom0, uint64_t gfn, uint32_t port)
{
	char body[64];
	int len = snprintf(body, sizeof(body), "1%c%ju%c%u", 0, (uintmax_t)gfn, 0, port);
	ssize_t ret = xs_call(dom0, XS_INTRODUCE, 0, body, len + 1, NULL);

	return ret < 0 ? ret : 0;
}

static uint32_t alloc_port(struct vm *vm)
{
	struct xenemu_domain_alloc_unbound arg = { .size = sizeof(arg) };

	return xioctl(vm->domain_fd, XENEMU_DOMAIN_ALLOC_UNBOUND, &arg) ? 0 : arg.out_port;
}

static void put(struct vm *vm, uint32_t port, const void *data, size_t len)
{
	volatile struct xenstore_domain_interface *ring = vm_ptr(vm, RING_GFN * PAGE);
	struct evtchn_send arg = { .port = port };
	size_t i;

	for (i = 0; i < len; i++) {
		ring->req[ring->req_prod & (XENSTORE_RING_SIZE - 1)] = ((const char *)data)[i];
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		ring->req_prod++;
	}
	hypercall_arg(&vm->vcpus[0], __HYPERVISOR_event_channel_op, EVTCHNOP_send, &arg,
		      sizeof(arg));
}

static bool wait_for(volatile uint32_t *word, uint32_t value)
{
	int ms = 2000;

	while (*word != value && ms--)
		usleep(1000);
	return *word == value;
}

/* The guest is in the middle of a request when it moves, and does not notice. */
TEST_F(state, ring_goes_on)
{
	struct vm_config config = { .host_fd = self->host, .domid = 1 };
	volatile struct xenstore_domain_interface *ring;
	uint32_t port;
	struct vm vm, other;
	struct xs_msg msg;
	size_t size;
	int dom0;

	vm_create(&vm, &config);
	vm_enable_events(&vm, SHARED_INFO_GFN);
	ring = vm_ptr(&vm, RING_GFN * PAGE);
	port = alloc_port(&vm);
	ASSERT_EQ(0, xs_write_node(self->dom0, 0, "/local/domain/1/x", "y"));
	ASSERT_LE(0, XS_CALL(self->dom0, XS_SET_PERMS, 0, "/local/domain/1/x\0n0\0r1"));
	ASSERT_EQ(0, introduce(self->dom0, RING_GFN, port));

	size = xs_make(&msg, XS_READ, 9, 0, "x", 2);
	put(&vm, port, &msg, 10);
	ASSERT_TRUE(wait_for(&ring->req_cons, 10));
	ASSERT_EQ(0, pause_store(self->host, 1));
	/* What comes now stays where it is. */
	put(&vm, port, (char *)&msg + 10, 3);
	usleep(10000);
	EXPECT_EQ(10, ring->req_cons);
	ASSERT_EQ(0, SAVE(0, 0, 0));

	config.host_fd = host_open();
	ASSERT_EQ(0, restore(config.host_fd, self->data, self->len));
	vm_create(&other, &config);
	vm_enable_events(&other, SHARED_INFO_GFN);
	memcpy(vm_ptr(&other, RING_GFN * PAGE), (void *)ring, PAGE);
	ring = vm_ptr(&other, RING_GFN * PAGE);
	dom0 = host_open_fd(config.host_fd, XENEMU_HOST_OPEN_STORE, 0);
	ASSERT_EQ(0, introduce(dom0, RING_GFN, alloc_port(&other)));
	put(&other, port, (char *)&msg + 13, size - 13);
	ASSERT_TRUE(wait_for(&ring->rsp_prod, XS_HDR_SIZE + 1));
	EXPECT_EQ(9, *(uint32_t *)&ring->rsp[4]);
	EXPECT_EQ('y', ring->rsp[XS_HDR_SIZE]);
	close(dom0);
	vm_destroy(&other);
	close(config.host_fd);

	/* Where it comes from, it can go on as well. */
	ASSERT_EQ(0, pause_store(self->host, 0));
	ring = vm_ptr(&vm, RING_GFN * PAGE);
	EXPECT_TRUE(wait_for(&ring->req_cons, 13));
	vm_destroy(&vm);
}

TEST_HARNESS_MAIN
