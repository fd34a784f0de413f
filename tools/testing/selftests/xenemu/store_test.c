// SPDX-License-Identifier: GPL-2.0-only
/*
 * The store fd: XenStore's messages by read(), write(), poll() and ioctl. What
 * the store answers is tested elsewhere; here it is how the messages travel.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/xenemu.h>

#include "../kselftest_harness.h"
#include "vm.h"
#include "xs.h"

/* An address that is never mapped. */
#define BAD_PTR		((void *)(uintptr_t)PAGE)

static int open_store(int host_fd, unsigned int domid)
{
	return host_open_fd(host_fd, XENEMU_HOST_OPEN_STORE, domid);
}

static void set_nonblock(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static short poll_now(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT };

	return poll(&pfd, 1, 0) < 0 ? POLLNVAL : pfd.revents;
}

/* Is a reply of type @type to @req_id with @body, which has no NUL at its end. */
#define EXPECT_REPLY(msg, _type, _req_id, _body) do {			\
	EXPECT_EQ((uint32_t)(_type), (msg)->hdr.type);			\
	EXPECT_EQ((uint32_t)(_req_id), (msg)->hdr.req_id);		\
	EXPECT_EQ(sizeof(_body) - 1, (msg)->hdr.len);			\
	EXPECT_EQ(0, memcmp((msg)->body, _body, sizeof(_body) - 1));	\
} while (0)

#define EXPECT_EVENT(msg, _body) EXPECT_REPLY(msg, XS_WATCH_EVENT, 0, _body)

FIXTURE(store)
{
	int host_fd;
	int fd;
	int other;	/* a second connection */
	struct xs_msg msg;
};

FIXTURE_SETUP(store)
{
	self->host_fd = host_open();
	if (self->host_fd < 0)
		SKIP(return, "no /dev/xenemu: %s", strerror(-self->host_fd));
	self->fd = open_store(self->host_fd, 0);
	self->other = open_store(self->host_fd, 0);
	ASSERT_LE(0, self->fd);
	ASSERT_LE(0, self->other);
}

FIXTURE_TEARDOWN(store)
{
	close(self->other);
	close(self->fd);
	close(self->host_fd);
}

/* ---- write() ---- */

TEST_F(store, request_in_one_write)
{
	ASSERT_EQ(0, xs_send(self->fd, XS_MKDIR, 7, 0, "/a", 3));
	ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
	EXPECT_REPLY(&self->msg, XS_MKDIR, 7, "OK\0");
}

TEST_F(store, request_byte_by_byte)
{
	size_t size = xs_make(&self->msg, XS_WRITE, 8, 0, "/a\0value", 8);

	for (size_t i = 0; i < size; i++)
		ASSERT_EQ(1, write(self->fd, (char *)&self->msg + i, 1));
	ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
	EXPECT_REPLY(&self->msg, XS_WRITE, 8, "OK\0");
	ASSERT_EQ(5, xs_read_node(self->fd, 0, "/a", self->msg.body));
	EXPECT_STREQ("value", self->msg.body);
}

TEST_F(store, request_split_at_every_byte)
{
	for (size_t at = 1; at < XS_HDR_SIZE + 8; at++) {
		size_t size = xs_make(&self->msg, XS_WRITE, at, 0, "/a\0value", 8);

		ASSERT_EQ(at, write(self->fd, &self->msg, at));
		ASSERT_EQ(size - at, write(self->fd, (char *)&self->msg + at, size - at));
		ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
		EXPECT_REPLY(&self->msg, XS_WRITE, at, "OK\0");
	}
}

TEST_F(store, request_in_one_writev)
{
	struct iovec iov[3] = { { &self->msg.hdr, XS_HDR_SIZE }, { "/a", 3 }, { "v", 1 } };

	xs_make(&self->msg, XS_WRITE, 1, 0, "/a\0v", 4);
	ASSERT_EQ(XS_HDR_SIZE + 4, writev(self->fd, iov, 3));
	ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
	EXPECT_REPLY(&self->msg, XS_WRITE, 1, "OK\0");
}

TEST_F(store, pipelined_requests_are_answered_in_order)
{
	char buf[16 * sizeof(struct xsd_sockmsg) + 16 * 2];
	size_t size = 0;

	for (int i = 0; i < 16; i++) {
		size_t len = xs_make(&self->msg, XS_DIRECTORY, 100 + i, 0, "/", 2);

		memcpy(buf + size, &self->msg, len);
		size += len;
	}
	ASSERT_EQ(size, write(self->fd, buf, size));
	for (int i = 0; i < 16; i++) {
		ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
		EXPECT_EQ(XS_DIRECTORY, self->msg.hdr.type);
		EXPECT_EQ(100 + i, self->msg.hdr.req_id);
	}
}

TEST_F(store, request_and_a_half_in_one_write)
{
	char buf[2 * (XS_HDR_SIZE + 3)];
	struct xs_msg second;

	xs_make(&self->msg, XS_MKDIR, 1, 0, "/a", 3);
	memcpy(buf, &self->msg, XS_HDR_SIZE + 3);
	xs_make(&second, XS_MKDIR, 2, 0, "/b", 3);
	memcpy(buf + XS_HDR_SIZE + 3, &second, XS_HDR_SIZE + 3);

	ASSERT_EQ(XS_HDR_SIZE + 10, write(self->fd, buf, XS_HDR_SIZE + 10));
	ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
	EXPECT_REPLY(&self->msg, XS_MKDIR, 1, "OK\0");
	ASSERT_EQ(sizeof(buf) - XS_HDR_SIZE - 10,
		  write(self->fd, buf + XS_HDR_SIZE + 10, sizeof(buf) - XS_HDR_SIZE - 10));
	ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
	EXPECT_REPLY(&self->msg, XS_MKDIR, 2, "OK\0");
}

TEST_F(store, request_without_body_is_answered)
{
	ASSERT_EQ(0, xs_send(self->fd, XS_READ, 3, 0, "", 0));
	ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
	EXPECT_EQ(3, self->msg.hdr.req_id);
	EXPECT_EQ(EINVAL, xs_errno(&self->msg));
}

TEST_F(store, unknown_request_is_answered_ENOSYS)
{
	ASSERT_EQ(0, xs_send(self->fd, 12345, 3, 0, "", 0));
	ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
	EXPECT_EQ(ENOSYS, xs_errno(&self->msg));
}

TEST_F(store, longest_request_is_taken)
{
	char body[XENSTORE_PAYLOAD_MAX] = "/long";

	ASSERT_EQ(0, xs_send(self->fd, XS_WRITE, 1, 0, body, sizeof(body)));
	ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
	EXPECT_REPLY(&self->msg, XS_WRITE, 1, "OK\0");
	EXPECT_EQ(sizeof(body) - 6, xs_read_node(self->fd, 0, "/long", self->msg.body));
}

TEST_F(store, write_of_nothing_is_nothing)
{
	EXPECT_EQ(0, write(self->fd, "", 0));
	EXPECT_EQ(POLLOUT, poll_now(self->fd));
}

TEST_F(store, write_from_a_bad_pointer_is_EFAULT)
{
	EXPECT_EQ(-1, write(self->fd, BAD_PTR, XS_HDR_SIZE));
	EXPECT_EQ(EFAULT, errno);
	/* Nothing of it was taken. */
	ASSERT_EQ(0, xs_send(self->fd, XS_MKDIR, 7, 0, "/a", 3));
	ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
	EXPECT_REPLY(&self->msg, XS_MKDIR, 7, "OK\0");
}

TEST_F(store, write_with_a_bad_second_piece_is_short)
{
	struct iovec iov[2] = { { &self->msg.hdr, XS_HDR_SIZE }, { BAD_PTR, 3 } };

	xs_make(&self->msg, XS_MKDIR, 7, 0, "/a", 3);
	ASSERT_EQ(XS_HDR_SIZE, writev(self->fd, iov, 2));
	ASSERT_EQ(3, write(self->fd, "/a", 3));
	ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
	EXPECT_REPLY(&self->msg, XS_MKDIR, 7, "OK\0");
}

/* ---- read() ---- */

TEST_F(store, reply_byte_by_byte)
{
	char *to = (char *)&self->msg;

	ASSERT_EQ(0, xs_write_node(self->fd, 0, "/a", "value"));
	ASSERT_EQ(0, xs_send(self->fd, XS_READ, 9, 0, "/a", 3));
	for (size_t i = 0; i < XS_HDR_SIZE + 5; i++)
		ASSERT_EQ(1, read(self->fd, to + i, 1));
	EXPECT_REPLY(&self->msg, XS_READ, 9, "value");
	EXPECT_EQ(POLLOUT, poll_now(self->fd));
}

TEST_F(store, one_read_takes_all_that_is_there)
{
	char buf[4 * (XS_HDR_SIZE + 3)];

	for (int i = 0; i < 3; i++)
		ASSERT_EQ(0, xs_send(self->fd, XS_MKDIR, i, 0, "/a", 3));
	EXPECT_EQ(3 * (XS_HDR_SIZE + 3), read(self->fd, buf, sizeof(buf)));
}

TEST_F(store, read_of_nothing_does_not_wait)
{
	EXPECT_EQ(0, read(self->fd, &self->msg, 0));
}

TEST_F(store, read_to_a_bad_pointer_is_EFAULT_and_loses_nothing)
{
	ASSERT_EQ(0, xs_send(self->fd, XS_MKDIR, 7, 0, "/a", 3));
	EXPECT_EQ(-1, read(self->fd, BAD_PTR, 5));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(POLLIN | POLLOUT, poll_now(self->fd));
	ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
	EXPECT_REPLY(&self->msg, XS_MKDIR, 7, "OK\0");
}

TEST_F(store, nonblocking_read_of_an_empty_queue_is_EAGAIN)
{
	set_nonblock(self->fd);
	EXPECT_EQ(-1, read(self->fd, &self->msg, 1));
	EXPECT_EQ(EAGAIN, errno);
}

static void *write_later(void *arg)
{
	usleep(50000);
	xs_write_node(*(int *)arg, 0, "/watched", "x");
	return NULL;
}

TEST_F(store, blocked_read_is_woken_by_an_event)
{
	pthread_t thread;

	ASSERT_EQ(0, xs_watch(self->fd, "/watched", "token"));
	ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
	ASSERT_EQ(0, pthread_create(&thread, NULL, write_later, &self->other));
	ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
	EXPECT_EVENT(&self->msg, "/watched\0token\0");
	pthread_join(thread, NULL);
}

static void nothing(int sig)
{
}

TEST_F(store, blocked_read_is_ended_by_a_signal)
{
	struct sigaction action = { .sa_handler = nothing };

	sigaction(SIGALRM, &action, NULL);
	ualarm(50000, 50000);
	EXPECT_EQ(-1, read(self->fd, &self->msg, 1));
	EXPECT_EQ(EINTR, errno);
	ualarm(0, 0);
}

/* ---- poll() ---- */

TEST_F(store, poll_tells_what_can_be_done)
{
	EXPECT_EQ(POLLOUT, poll_now(self->fd));
	ASSERT_EQ(0, xs_send(self->fd, XS_MKDIR, 1, 0, "/a", 3));
	EXPECT_EQ(POLLIN | POLLOUT, poll_now(self->fd));
	/* Readable until the last byte. */
	ASSERT_EQ(XS_HDR_SIZE + 2, read(self->fd, &self->msg, XS_HDR_SIZE + 2));
	EXPECT_EQ(POLLIN | POLLOUT, poll_now(self->fd));
	ASSERT_EQ(1, read(self->fd, &self->msg, 2));
	EXPECT_EQ(POLLOUT, poll_now(self->fd));
}

TEST_F(store, poll_is_woken_by_an_event)
{
	struct pollfd pfd = { .fd = self->fd, .events = POLLIN };
	pthread_t thread;

	ASSERT_EQ(0, xs_watch(self->fd, "/watched", "token"));
	ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
	ASSERT_EQ(0, pthread_create(&thread, NULL, write_later, &self->other));
	EXPECT_EQ(1, poll(&pfd, 1, 10000));
	EXPECT_EQ(POLLIN, pfd.revents);
	pthread_join(thread, NULL);
}

/* ---- flow control ---- */

/* Write requests until no more is taken; the number of bytes. */
static size_t fill(int fd, const void *request, size_t size)
{
	size_t total = 0;
	ssize_t ret;

	set_nonblock(fd);
	for (int i = 0; i < 100000; i++) {
		ret = write(fd, (const char *)request + total % size, size - total % size);
		if (ret < 0)
			break;
		total += ret;
	}
	return total;
}

TEST_F(store, client_that_does_not_read_is_stopped)
{
	size_t size = xs_make(&self->msg, XS_READ, 1, 0, "/", 2);
	size_t total = fill(self->fd, &self->msg, size);
	size_t replies = 0;

	EXPECT_EQ(EAGAIN, errno);
	EXPECT_LT(0, total);
	EXPECT_GT(100000, total / size);
	EXPECT_EQ(POLLIN, poll_now(self->fd));
	/* The others are not. */
	EXPECT_EQ(0, xs_write_node(self->other, 0, "/b", "x"));

	/* Each request that was taken as a whole has its answer. */
	for (size_t i = 0; i < total / size; i++)
		ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
	EXPECT_EQ(-EAGAIN, xs_recv(self->fd, &self->msg));
	EXPECT_EQ(POLLOUT, poll_now(self->fd));

	/* What was taken of the next one is still there. */
	xs_make(&self->msg, XS_READ, 1, 0, "/", 2);
	ASSERT_EQ(size - total % size, write(self->fd, (char *)&self->msg + total % size,
					     size - total % size));
	while (!xs_recv(self->fd, &self->msg))
		replies++;
	EXPECT_EQ(1, replies);
}

TEST_F(store, stopped_client_may_read_by_poll)
{
	size_t size = xs_make(&self->msg, XS_READ, 1, 0, "/", 2);
	struct pollfd pfd = { .fd = self->fd, .events = POLLOUT };

	fill(self->fd, &self->msg, size);
	EXPECT_EQ(0, poll(&pfd, 1, 20));
	ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
	EXPECT_EQ(1, poll(&pfd, 1, 1000));
}

TEST_F(store, stopped_client_is_told_by_ioctl_too)
{
	size_t size = xs_make(&self->msg, XS_READ, 1, 0, "/", 2);

	fill(self->fd, &self->msg, size);
	EXPECT_EQ(-EAGAIN, XS_CALL(self->fd, XS_DIRECTORY, 0, "/"));
	ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
	EXPECT_LE(0, XS_CALL(self->fd, XS_DIRECTORY, 0, "/"));
}

static void *read_later(void *arg)
{
	struct xs_msg msg;

	usleep(50000);
	return (void *)(intptr_t)xs_recv(*(int *)arg, &msg);
}

TEST_F(store, blocked_write_is_woken_by_a_read)
{
	size_t size = xs_make(&self->msg, XS_READ, 1, 0, "/", 2);
	size_t done = fill(self->fd, &self->msg, size) % size;
	pthread_t thread;

	fcntl(self->fd, F_SETFL, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, read_later, &self->fd));
	EXPECT_EQ(size - done, write(self->fd, (char *)&self->msg + done, size - done));
	pthread_join(thread, NULL);
}

TEST_F(store, blocked_write_is_ended_by_a_signal_and_can_be_repeated)
{
	size_t size = xs_make(&self->msg, XS_READ, 1, 0, "/", 2);
	size_t done = fill(self->fd, &self->msg, size) % size;
	struct sigaction action = { .sa_handler = nothing };
	struct xs_msg reply;

	fcntl(self->fd, F_SETFL, 0);
	sigaction(SIGALRM, &action, NULL);
	ualarm(50000, 50000);
	EXPECT_EQ(-1, write(self->fd, (char *)&self->msg + done, size - done));
	EXPECT_EQ(EINTR, errno);
	ualarm(0, 0);

	ASSERT_EQ(0, xs_recv(self->fd, &reply));
	EXPECT_EQ(size - done, write(self->fd, (char *)&self->msg + done, size - done));
}

/* ---- a client that breaks the protocol ---- */

TEST_F(store, too_long_a_message_ends_the_connection)
{
	struct xsd_sockmsg hdr = { .type = XS_READ, .len = XENSTORE_PAYLOAD_MAX + 1 };
	struct pollfd pfd = { .fd = self->fd, .events = POLLIN | POLLOUT };

	EXPECT_EQ(-1, write(self->fd, &hdr, sizeof(hdr)));
	EXPECT_EQ(EPROTO, errno);
	EXPECT_EQ(-1, write(self->fd, &hdr, 1));
	EXPECT_EQ(EPROTO, errno);
	EXPECT_EQ(-1, read(self->fd, &hdr, 1));
	EXPECT_EQ(EPROTO, errno);
	EXPECT_EQ(-EPROTO, XS_CALL(self->fd, XS_DIRECTORY, 0, "/"));
	EXPECT_EQ(1, poll(&pfd, 1, 0));
	EXPECT_EQ(POLLERR | POLLHUP, pfd.revents);
	/* Nobody else's. */
	EXPECT_LE(0, XS_CALL(self->other, XS_DIRECTORY, 0, "/"));
}

TEST_F(store, too_long_a_message_ends_the_connection_whatever_its_length)
{
	static const uint32_t lens[] = { 4097, 0x10000, 0x7fffffff, 0x80000000, 0xfffffff0,
					 0xffffffff };

	for (unsigned int i = 0; i < ARRAY_SIZE(lens); i++) {
		struct xsd_sockmsg hdr = { .type = XS_READ, .len = lens[i] };
		int fd = open_store(self->host_fd, 0);

		ASSERT_LE(0, fd);
		/* The length comes last, byte by byte. */
		ASSERT_EQ(15, write(fd, &hdr, 15));
		EXPECT_EQ(-1, write(fd, (char *)&hdr + 15, 1));
		EXPECT_EQ(EPROTO, errno);
		close(fd);
	}
}

TEST_F(store, requests_before_a_too_long_message_are_carried_out)
{
	struct {
		struct xsd_sockmsg hdr;
		char body[3];
		char next[XS_HDR_SIZE];
	} __attribute__((packed)) buf = {
		.hdr = { .type = XS_MKDIR, .len = 3 },
		.body = "/a",
	};
	struct xsd_sockmsg next = { .type = XS_READ, .len = -1U };

	memcpy(buf.next, &next, sizeof(next));
	EXPECT_EQ(XS_HDR_SIZE + 3, write(self->fd, &buf, sizeof(buf)));
	EXPECT_EQ(-1, write(self->fd, &next, sizeof(next)));
	EXPECT_EQ(EPROTO, errno);
	EXPECT_EQ(0, xs_read_node(self->other, 0, "/a", self->msg.body));
}

TEST_F(store, blocked_read_is_ended_by_the_end_of_the_connection)
{
	struct xsd_sockmsg hdr = { .type = XS_READ, .len = -1U };
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		usleep(50000);
		_exit(write(self->fd, &hdr, sizeof(hdr)) != -1);
	}
	EXPECT_EQ(-1, read(self->fd, &hdr, 1));
	EXPECT_EQ(EPROTO, errno);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(store, end_of_the_connection_drops_its_transactions)
{
	struct xsd_sockmsg hdr = { .type = XS_READ, .len = -1U };
	int tx = xs_start(self->fd);

	ASSERT_LT(0, tx);
	ASSERT_EQ(0, xs_write_node(self->fd, tx, "/in-tx", "x"));
	EXPECT_EQ(-1, write(self->fd, &hdr, sizeof(hdr)));
	EXPECT_EQ(-ENOENT, xs_read_node(self->other, 0, "/in-tx", self->msg.body));
}

/* ---- the ioctl ---- */

TEST_F(store, request_by_ioctl)
{
	ASSERT_EQ(0, xs_write_node(self->fd, 0, "/a/b", "value"));
	ASSERT_EQ(5, xs_read_node(self->fd, 0, "/a/b", self->msg.body));
	EXPECT_STREQ("value", self->msg.body);
	EXPECT_EQ(2, xs_call(self->fd, XS_DIRECTORY, 0, "/a", 3, self->msg.body));
	EXPECT_STREQ("b", self->msg.body);
	EXPECT_EQ(POLLOUT, poll_now(self->fd));
}

TEST_F(store, error_by_ioctl_is_a_reply)
{
	struct xenemu_store_request arg = {
		.size = sizeof(arg), .type = XS_READ,
		.req = (uintptr_t)"/none", .req_len = 6,
		.reply = (uintptr_t)self->msg.body, .reply_len = 4096, .out_type = 77,
	};

	ASSERT_EQ(0, ioctl(self->fd, XENEMU_STORE_REQUEST, &arg));
	EXPECT_EQ(XS_ERROR, arg.out_type);
	EXPECT_EQ(sizeof("ENOENT"), arg.reply_len);
	EXPECT_STREQ("ENOENT", self->msg.body);
}

TEST_F(store, reply_that_does_not_fit_is_EMSGSIZE)
{
	char buf[8];
	struct xenemu_store_request arg = {
		.size = sizeof(arg), .type = XS_READ,
		.req = (uintptr_t)"/a", .req_len = 3,
		.reply = (uintptr_t)buf, .reply_len = 4,
	};

	ASSERT_EQ(0, xs_write_node(self->fd, 0, "/a", "value"));
	memset(buf, 0xcc, sizeof(buf));
	EXPECT_EQ(-EMSGSIZE, xioctl(self->fd, XENEMU_STORE_REQUEST, &arg));
	EXPECT_EQ(5, arg.reply_len);
	EXPECT_EQ((char)0xcc, buf[0]);

	EXPECT_EQ(0, xioctl(self->fd, XENEMU_STORE_REQUEST, &arg));
	EXPECT_EQ(5, arg.reply_len);
	EXPECT_EQ(0, memcmp(buf, "value\xcc\xcc\xcc", 8));
}

TEST_F(store, ioctl_past_the_limit_of_a_payload_is_EINVAL)
{
	struct xenemu_store_request arg = {
		.size = sizeof(arg), .type = XS_READ,
		.req = (uintptr_t)self->msg.body, .req_len = 4097,
		.reply = (uintptr_t)self->msg.body, .reply_len = 4096,
	};

	EXPECT_EQ(-EINVAL, xioctl(self->fd, XENEMU_STORE_REQUEST, &arg));
	arg.req_len = -1U;
	EXPECT_EQ(-EINVAL, xioctl(self->fd, XENEMU_STORE_REQUEST, &arg));
	/* The connection is none the worse for it. */
	EXPECT_LE(0, XS_CALL(self->fd, XS_DIRECTORY, 0, "/"));
}

TEST_F(store, ioctl_with_an_unknown_flag_is_EOPNOTSUPP)
{
	struct xenemu_store_request arg = {
		.size = sizeof(arg), .flags = 1, .type = XS_DIRECTORY,
		.req = (uintptr_t)"/", .req_len = 2,
		.reply = (uintptr_t)self->msg.body, .reply_len = 4096,
	};

	EXPECT_EQ(-EOPNOTSUPP, xioctl(self->fd, XENEMU_STORE_REQUEST, &arg));
}

TEST_F(store, ioctl_with_a_bad_pointer_is_EFAULT)
{
	struct xenemu_store_request arg = {
		.size = sizeof(arg), .type = XS_READ,
		.req = (uintptr_t)BAD_PTR, .req_len = 3,
		.reply = (uintptr_t)self->msg.body, .reply_len = 4096,
	};

	ASSERT_EQ(0, xs_write_node(self->fd, 0, "/a", "value"));
	EXPECT_EQ(-EFAULT, xioctl(self->fd, XENEMU_STORE_REQUEST, &arg));
	arg.req = (uintptr_t)"/a";
	arg.reply = (uintptr_t)BAD_PTR;
	EXPECT_EQ(-EFAULT, xioctl(self->fd, XENEMU_STORE_REQUEST, &arg));
	EXPECT_EQ(4096, arg.reply_len);
}

TEST_F(store, ioctl_goes_past_a_half_written_request)
{
	size_t size = xs_make(&self->msg, XS_MKDIR, 5, 0, "/a", 3);

	ASSERT_EQ(10, write(self->fd, &self->msg, 10));
	EXPECT_EQ(0, xs_write_node(self->fd, 0, "/b", "x"));
	ASSERT_EQ(size - 10, write(self->fd, (char *)&self->msg + 10, size - 10));
	ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
	EXPECT_REPLY(&self->msg, XS_MKDIR, 5, "OK\0");
}

TEST_F(store, events_of_a_watch_by_ioctl_are_read)
{
	ASSERT_EQ(0, xs_watch(self->fd, "/w", "t"));
	ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
	EXPECT_EVENT(&self->msg, "/w\0t\0");
	ASSERT_EQ(0, xs_write_node(self->other, 0, "/w/x", ""));
	ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
	EXPECT_EVENT(&self->msg, "/w/x\0t\0");
}

TEST_F(store, transaction_spans_write_and_ioctl)
{
	int tx;

	ASSERT_EQ(0, xs_send(self->fd, XS_TRANSACTION_START, 1, 0, "", 1));
	ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
	tx = atoi(self->msg.body);
	ASSERT_LT(0, tx);
	EXPECT_EQ(0, xs_write_node(self->fd, tx, "/t", "x"));
	EXPECT_EQ(-ENOENT, xs_read_node(self->fd, 0, "/t", self->msg.body));
	ASSERT_EQ(0, xs_send(self->fd, XS_TRANSACTION_END, 2, tx, "T", 2));
	ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
	EXPECT_REPLY(&self->msg, XS_TRANSACTION_END, 2, "OK\0");
	EXPECT_EQ(1, xs_read_node(self->other, 0, "/t", self->msg.body));
}

TEST_F(store, transaction_is_of_one_connection)
{
	int tx = xs_start(self->fd);

	ASSERT_LT(0, tx);
	EXPECT_EQ(-ENOENT, xs_read_node(self->other, tx, "/", self->msg.body));
	EXPECT_EQ(-ENOENT, xs_end(self->other, tx, "T"));
	EXPECT_EQ(0, xs_end(self->fd, tx, "T"));
}

/* ---- lives ---- */

TEST_F(store, close_drops_transactions)
{
	int tx = xs_start(self->other);

	ASSERT_LT(0, tx);
	ASSERT_EQ(0, xs_write_node(self->other, tx, "/in-tx", "x"));
	close(self->other);
	self->other = open_store(self->host_fd, 0);
	EXPECT_EQ(-ENOENT, xs_read_node(self->fd, 0, "/in-tx", self->msg.body));
	EXPECT_EQ(-ENOENT, xs_end(self->other, tx, "T"));
}

TEST_F(store, close_in_the_middle_of_everything)
{
	for (int i = 0; i < 200; i++) {
		int fd = open_store(self->host_fd, 0);

		ASSERT_LE(0, fd);
		ASSERT_EQ(0, xs_watch(fd, "/", "t"));
		ASSERT_LT(0, xs_start(fd));
		ASSERT_EQ(0, xs_send(fd, XS_DIRECTORY, 1, 0, "/", 2));
		ASSERT_EQ(1, read(fd, &self->msg, 1));
		ASSERT_EQ(3, write(fd, &self->msg, 3));
		ASSERT_EQ(0, xs_write_node(self->fd, 0, "/a", "x"));
		close(fd);
	}
	ASSERT_EQ(0, xs_write_node(self->fd, 0, "/a", "x"));
}

TEST_F(store, duplicate_is_the_same_connection)
{
	int tx = xs_start(self->fd), dup_fd = dup(self->fd);

	close(self->fd);
	self->fd = dup_fd;
	EXPECT_EQ(0, xs_end(self->fd, tx, "T"));
}

TEST_F(store, child_shares_the_connection)
{
	int tx = xs_start(self->fd), status;
	pid_t pid = fork();

	if (!pid)
		_exit(xs_end(self->fd, tx, "T") ? 1 : 0);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(-ENOENT, xs_end(self->fd, tx, "T"));
}

TEST_F(store, fd_is_closed_on_exec)
{
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->fd, F_GETFD));
}

static int pass_fd(int socket, int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {};
	struct iovec iov = { "x", 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	return sendmsg(socket, &msg, 0) == 1 ? 0 : -errno;
}

static int receive_fd(int socket)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control.buf),
	};
	int fd;

	if (recvmsg(socket, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		return -EIO;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

TEST_F(store, fd_can_be_passed_on)
{
	int tx = xs_start(self->fd), sockets[2], fd;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	ASSERT_EQ(0, pass_fd(sockets[0], self->fd));
	close(self->fd);
	fd = receive_fd(sockets[1]);
	self->fd = fd;
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, xs_end(fd, tx, "T"));
	close(sockets[0]);
	close(sockets[1]);
}

TEST_F(store, fd_outlives_the_host_fd)
{
	ASSERT_EQ(0, xs_write_node(self->other, 0, "/a", "x"));
	close(self->host_fd);
	self->host_fd = -1;
	EXPECT_EQ(1, xs_read_node(self->fd, 0, "/a", self->msg.body));
}

TEST_F(store, hosts_have_stores_of_their_own)
{
	int host_fd = host_open(), fd;

	ASSERT_LE(0, host_fd);
	fd = open_store(host_fd, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, xs_write_node(self->fd, 0, "/a", "x"));
	EXPECT_EQ(-ENOENT, xs_read_node(fd, 0, "/a", self->msg.body));
	close(fd);
	close(host_fd);
}

TEST_F(store, fd_for_a_domain_that_is_not_there_is_ENOENT)
{
	static const uint32_t domids[] = { 1, 0x7fef, 0x7ff0, 0x7ff4, 0xffff, 0x10000,
					   0xffffffff };

	for (unsigned int i = 0; i < ARRAY_SIZE(domids); i++)
		EXPECT_EQ(-ENOENT, open_store(self->host_fd, domids[i]));
}

/* ---- many threads ---- */

#define NR_ROUNDS	300

struct hammer {
	int fd;
	int id;
	int errors;
};

/* Whole messages from several threads do not mix, however they come. */
static void *hammer_write(void *arg)
{
	struct hammer *hammer = arg;
	char body[64];

	for (int i = 0; i < NR_ROUNDS; i++) {
		int len = snprintf(body, sizeof(body), "/h/%d%c%d", hammer->id, 0, i);

		if (xs_send(hammer->fd, XS_WRITE, hammer->id, 0, body, len))
			hammer->errors++;
	}
	return NULL;
}

static void *hammer_ioctl(void *arg)
{
	struct hammer *hammer = arg;
	char path[32], value[32], back[XENSTORE_PAYLOAD_MAX + 1];

	snprintf(path, sizeof(path), "/h/%d", hammer->id);
	for (int i = 0; i < NR_ROUNDS; i++) {
		snprintf(value, sizeof(value), "%d", i);
		if (xs_write_node(hammer->fd, 0, path, value) ||
		    xs_read_node(hammer->fd, 0, path, back) < 0 || strcmp(value, back))
			hammer->errors++;
	}
	return NULL;
}

TEST_F_TIMEOUT(store, threads_share_a_connection, 300)
{
	struct hammer hammers[4] = {};
	pthread_t threads[4];
	int oks = 0;

	for (int i = 0; i < 4; i++) {
		hammers[i].fd = self->fd;
		hammers[i].id = i;
		ASSERT_EQ(0, pthread_create(&threads[i], NULL,
					    i < 2 ? hammer_write : hammer_ioctl, &hammers[i]));
	}
	for (int i = 0; i < 2 * NR_ROUNDS; i++) {
		ASSERT_EQ(0, xs_recv(self->fd, &self->msg));
		if (self->msg.hdr.type == XS_WRITE && self->msg.hdr.req_id < 2)
			oks++;
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_EQ(0, hammers[i].errors);
	}
	EXPECT_EQ(2 * NR_ROUNDS, oks);
	EXPECT_EQ(POLLOUT, poll_now(self->fd));
}

/* ---- connections of a domain ---- */

FIXTURE(store_domain)
{
	struct vm vm;
	int dom0;
	int fd;
	struct xs_msg msg;
};

FIXTURE_SETUP(store_domain)
{
	struct vm_config config = {};

	vm_create(&self->vm, &config);
	self->dom0 = open_store(self->vm.host_fd, 0);
	self->fd = open_store(self->vm.host_fd, 1);
	ASSERT_LE(0, self->dom0);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, xs_write_node(self->dom0, 0, "/local/domain/1", ""));
	ASSERT_EQ(3, XS_CALL(self->dom0, XS_SET_PERMS, 0, "/local/domain/1\0n1"));
}

FIXTURE_TEARDOWN(store_domain)
{
	close(self->fd);
	close(self->dom0);
	vm_destroy(&self->vm);
}

TEST_F(store_domain, has_the_rights_of_its_domain)
{
	ASSERT_EQ(0, xs_write_node(self->dom0, 0, "/secret", "x"));
	EXPECT_EQ(-EACCES, xs_read_node(self->fd, 0, "/secret", self->msg.body));
	EXPECT_EQ(-EACCES, XS_CALL(self->fd, XS_RELEASE, 0, "1"));
	EXPECT_EQ(0, xs_write_node(self->fd, 0, "/local/domain/1/mine", "x"));
}

TEST_F(store_domain, has_its_domain_for_a_home)
{
	ASSERT_EQ(0, xs_write_node(self->fd, 0, "name", "guest"));
	ASSERT_EQ(5, xs_read_node(self->dom0, 0, "/local/domain/1/name", self->msg.body));
	EXPECT_STREQ("guest", self->msg.body);
}

TEST_F(store_domain, watches_and_transactions_end_with_the_fd)
{
	/* More than the domain may have at once. */
	for (int i = 0; i < 300; i++) {
		int fd = open_store(self->vm.host_fd, 1);

		ASSERT_LE(0, fd);
		ASSERT_EQ(0, xs_watch(fd, "name", "t"));
		ASSERT_LT(0, xs_start(fd));
		close(fd);
	}
}

TEST_F(store_domain, connection_ends_with_the_domain)
{
	struct pollfd pfd = { .fd = self->fd, .events = POLLIN | POLLOUT };

	close(self->vm.domain_fd);
	self->vm.domain_fd = open("/dev/null", O_RDWR);
	EXPECT_EQ(-ENODEV, xs_write_node(self->fd, 0, "name", "x"));
	EXPECT_EQ(-1, write(self->fd, "x", 1));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, read(self->fd, &self->msg, 1));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(1, poll(&pfd, 1, 0));
	EXPECT_EQ(POLLERR | POLLHUP, pfd.revents);
}

static void *close_later(void *arg)
{
	usleep(50000);
	close(*(int *)arg);
	return NULL;
}

TEST_F(store_domain, blocked_read_is_ended_by_the_end_of_the_domain)
{
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, close_later, &self->vm.domain_fd));
	EXPECT_EQ(-ENODEV, xs_recv(self->fd, &self->msg));
	pthread_join(thread, NULL);
	self->vm.domain_fd = open("/dev/null", O_RDWR);
}

TEST_F(store_domain, connection_is_not_the_next_domains)
{
	struct vm_config config = { .host_fd = self->vm.host_fd };
	struct vm next;

	close(self->vm.domain_fd);
	self->vm.domain_fd = open("/dev/null", O_RDWR);
	vm_create(&next, &config);
	EXPECT_EQ(-ENODEV, xs_write_node(self->fd, 0, "name", "x"));
	vm_destroy(&next);
}

TEST_HARNESS_MAIN
