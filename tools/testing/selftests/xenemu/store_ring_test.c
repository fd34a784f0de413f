// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's XenStore ring. The test writes the guest's side of the ring page, the
 * guest sends the events. What the store answers is tested elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/xenemu.h>
#include <xen/xen.h>
#include <xen/event_channel.h>

#include "../kselftest_harness.h"
#include "vm.h"
#include "xs.h"

#define SHARED_INFO_GFN		(GUEST_PAGES / PAGE)
#define RING_GFN		(SHARED_INFO_GFN + 1)
#define OTHER_RING_GFN		(SHARED_INFO_GFN + 2)
/* Where no RAM is. */
#define BAD_GFN			(VM_MEMORY / PAGE + 5)

#define MASK(idx)		((idx) & (XENSTORE_RING_SIZE - 1))

FIXTURE(ring)
{
	struct vm vm;
	struct vm_vcpu *vcpu;
	int dom0;	/* a store fd */
	uint32_t port;
	volatile struct xenstore_domain_interface *ring;
	struct xs_msg msg;
};

FIXTURE_SETUP(ring)
{
	struct vm_config config = { .nr_vcpus = 2 };

	vm_create(&self->vm, &config);
	vm_enable_events(&self->vm, SHARED_INFO_GFN);
	self->vcpu = &self->vm.vcpus[0];
	self->ring = vm_ptr(&self->vm, RING_GFN * PAGE);
	self->dom0 = host_open_fd(self->vm.host_fd, XENEMU_HOST_OPEN_STORE, 0);
	ASSERT_LE(0, self->dom0);
	ASSERT_EQ(0, xs_make_home(self->dom0, 1));
	ASSERT_EQ(0, vm_alloc_port(&self->vm, &self->port));
	ASSERT_EQ(0, xs_introduce(self->dom0, 1, RING_GFN, self->port));
}

FIXTURE_TEARDOWN(ring)
{
	close(self->dom0);
	vm_destroy(&self->vm);
}

/* ---- the guest's side ---- */

static void send_event(struct vm_vcpu *vcpu, uint32_t port)
{
	struct evtchn_send arg = { .port = port };

	hypercall_arg(vcpu, __HYPERVISOR_event_channel_op, EVTCHNOP_send, &arg, sizeof(arg));
}

/* Was an event sent to @port since the last call? */
static bool take_event(struct vm *vm, uint32_t port)
{
	uint64_t *pending = vm_ptr(vm, SHARED_INFO_GFN * PAGE + 2048);
	uint64_t bit = 1ULL << (port % 64);

	return __atomic_fetch_and(&pending[port / 64], ~bit, __ATOMIC_SEQ_CST) & bit;
}

static bool wait_event(struct vm *vm, uint32_t port, unsigned int ms)
{
	for (; ms; ms--) {
		if (take_event(vm, port))
			return true;
		usleep(1000);
	}
	return false;
}

/* Put bytes into the ring, as far as there is room; how many. */
static size_t put(volatile struct xenstore_domain_interface *ring, const void *data, size_t len)
{
	size_t i;

	for (i = 0; i < len && ring->req_prod - ring->req_cons < XENSTORE_RING_SIZE; i++) {
		ring->req[MASK(ring->req_prod)] = ((const char *)data)[i];
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		ring->req_prod++;
	}
	return i;
}

static size_t get(volatile struct xenstore_domain_interface *ring, void *data, size_t len)
{
	size_t i;

	for (i = 0; i < len && ring->rsp_prod != ring->rsp_cons; i++) {
		((char *)data)[i] = ring->rsp[MASK(ring->rsp_cons)];
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		ring->rsp_cons++;
	}
	return i;
}

/*
 * What a condition says, after it had time to become true: another thread may be
 * serving the ring when the guest's event comes.
 */
#define SOON(cond) ({							\
	int _ms = 2000;							\
									\
	while (!(cond) && _ms--)					\
		usleep(1000);						\
	cond;								\
})
#define EXPECT_SOON(cond) EXPECT_TRUE(SOON(cond))

/* Take a whole message, with events as needed; 0, or -EAGAIN if it does not come. */
static int receive(struct vm *vm, uint32_t port, volatile struct xenstore_domain_interface *ring,
		   struct xs_msg *msg)
{
	size_t done = 0, want = XS_HDR_SIZE, step;
	char *to = (char *)msg;

	while (done < want) {
		step = 0;
		if (SOON(ring->rsp_prod != ring->rsp_cons))
			step = get(ring, to + done, want - done);
		done += step;
		if (done == XS_HDR_SIZE && want == XS_HDR_SIZE) {
			if (msg->hdr.len > XENSTORE_PAYLOAD_MAX)
				return -EPROTO;
			want += msg->hdr.len;
		} else if (!step) {
			return -EAGAIN;
		} else if (done < want) {
			send_event(&vm->vcpus[0], port);
		}
	}
	msg->body[msg->hdr.len] = '\0';
	return 0;
}

#define RECEIVE(msg) receive(&self->vm, self->port, self->ring, msg)

static void request(struct vm *vm, uint32_t port, volatile struct xenstore_domain_interface *ring,
		    uint32_t type, uint32_t req_id, const void *body, size_t len)
{
	struct xs_msg msg;
	size_t size = xs_make(&msg, type, req_id, 0, body, len), done = 0, step;

	while (done < size) {
		step = put(ring, (char *)&msg + done, size - done);
		send_event(&vm->vcpus[0], port);
		if (!step)
			break;
		done += step;
	}
}

#define REQUEST(type, req_id, str) \
	request(&self->vm, self->port, self->ring, type, req_id, str, sizeof(str))

#define EXPECT_OK(_msg, _type, _req_id) do {				\
	EXPECT_EQ((uint32_t)(_type), (_msg)->hdr.type);			\
	EXPECT_EQ((uint32_t)(_req_id), (_msg)->hdr.req_id);		\
	EXPECT_STREQ("OK", (_msg)->body);				\
} while (0)

/* ---- requests and replies ---- */

TEST_F(ring, introduction_tells_the_guest)
{
	EXPECT_TRUE(take_event(&self->vm, self->port));
	EXPECT_SOON(self->ring->connection == XENSTORE_CONNECTED);
	EXPECT_SOON(self->ring->error == XENSTORE_ERROR_NONE);
	EXPECT_NE(0, self->ring->server_features & XENSTORE_SERVER_FEATURE_RECONNECTION);
	EXPECT_NE(0, self->ring->server_features & XENSTORE_SERVER_FEATURE_ERROR);
}

TEST_F(ring, request_is_answered_before_the_guest_runs_on)
{
	REQUEST(XS_MKDIR, 4, "b");
	ASSERT_EQ(0, RECEIVE(&self->msg));
	/* Whoever has served the introduction has ended. */
	usleep(50000);
	take_event(&self->vm, self->port);

	REQUEST(XS_MKDIR, 5, "a");
	/* Nothing waited in between: the reply and the event are there. */
	EXPECT_EQ(XS_HDR_SIZE + 3, self->ring->rsp_prod - self->ring->rsp_cons);
	EXPECT_TRUE(take_event(&self->vm, self->port));
	ASSERT_EQ(0, RECEIVE(&self->msg));
	EXPECT_OK(&self->msg, XS_MKDIR, 5);
	EXPECT_EQ(0, xs_read_node(self->dom0, 0, "/local/domain/1/a", self->msg.body));
}

TEST_F(ring, request_split_at_every_byte)
{
	for (size_t at = 1; at < XS_HDR_SIZE + 3; at++) {
		size_t size = xs_make(&self->msg, XS_WRITE, at, 0, "a\0v", 3);

		put(self->ring, &self->msg, at);
		send_event(self->vcpu, self->port);
		EXPECT_SOON(self->ring->req_prod == self->ring->req_cons);
		EXPECT_EQ(self->ring->rsp_prod, self->ring->rsp_cons);
		put(self->ring, (char *)&self->msg + at, size - at);
		send_event(self->vcpu, self->port);
		ASSERT_EQ(0, RECEIVE(&self->msg));
		EXPECT_OK(&self->msg, XS_WRITE, at);
	}
}

TEST_F(ring, request_wraps_at_every_offset)
{
	/* 37 and 1024 have no common factor: every offset of the ring is met. */
	char body[37 - XS_HDR_SIZE] = "a";

	for (int i = 0; i < XENSTORE_RING_SIZE; i++) {
		request(&self->vm, self->port, self->ring, XS_WRITE, i, body, sizeof(body));
		ASSERT_EQ(0, RECEIVE(&self->msg));
		EXPECT_OK(&self->msg, XS_WRITE, i);
	}
}

TEST_F(ring, indices_wrap_around)
{
	self->ring->req_prod = self->ring->req_cons = -5U;
	self->ring->rsp_prod = self->ring->rsp_cons = -3U;
	REQUEST(XS_MKDIR, 1, "a");
	ASSERT_EQ(0, RECEIVE(&self->msg));
	EXPECT_OK(&self->msg, XS_MKDIR, 1);
	EXPECT_EQ(XS_HDR_SIZE + 2 - 5, self->ring->req_cons);
	EXPECT_EQ(XS_HDR_SIZE + 3 - 3, self->ring->rsp_prod);
}

/* QEMU's Xen emulation reads a split header past its end when another request follows. */
TEST_F(ring, split_header_of_a_short_request_with_another_behind)
{
	char buf[2 * (XS_HDR_SIZE + 1)];

	for (size_t at = 1; at < XS_HDR_SIZE; at++) {
		struct xs_msg msg;

		for (int i = 0; i < 2; i++) {
			xs_make(&msg, XS_RESET_WATCHES, i, 0, "", 1);
			memcpy(buf + i * (XS_HDR_SIZE + 1), &msg, XS_HDR_SIZE + 1);
		}
		put(self->ring, buf, at);
		send_event(self->vcpu, self->port);
		put(self->ring, buf + at, sizeof(buf) - at);
		send_event(self->vcpu, self->port);
		for (int i = 0; i < 2; i++) {
			ASSERT_EQ(0, RECEIVE(&self->msg));
			EXPECT_OK(&self->msg, XS_RESET_WATCHES, i);
		}
	}
}

TEST_F(ring, pipelined_requests_are_answered_in_order)
{
	struct xs_msg msg;
	size_t size;
	int nr = 10;

	for (int i = 0; i < nr; i++) {
		size = xs_make(&msg, XS_MKDIR, i, 0, "a", 2);
		ASSERT_EQ(size, put(self->ring, &msg, size));
	}
	send_event(self->vcpu, self->port);
	for (int i = 0; i < nr; i++) {
		ASSERT_EQ(0, RECEIVE(&self->msg));
		EXPECT_OK(&self->msg, XS_MKDIR, i);
	}
}

TEST_F(ring, request_longer_than_the_ring)
{
	char body[XENSTORE_PAYLOAD_MAX] = "a";

	/* Too long for a node of a guest, but a whole message to the ring. */
	request(&self->vm, self->port, self->ring, XS_WRITE, 1, body, sizeof(body));
	ASSERT_EQ(0, RECEIVE(&self->msg));
	EXPECT_EQ(1, self->msg.hdr.req_id);
	EXPECT_EQ(ENOSPC, xs_errno(&self->msg));
	REQUEST(XS_MKDIR, 2, "b");
	ASSERT_EQ(0, RECEIVE(&self->msg));
	EXPECT_OK(&self->msg, XS_MKDIR, 2);
}

TEST_F(ring, reply_longer_than_the_ring)
{
	char value[XENSTORE_PAYLOAD_MAX - 64];
	char path[] = "/local/domain/1/long";
	struct xs_msg msg = {};

	for (size_t i = 0; i < sizeof(value) - 1; i++)
		value[i] = 'a' + i % 26;
	value[sizeof(value) - 1] = '\0';
	ASSERT_EQ(0, xs_write_node(self->dom0, 0, path, value));
	REQUEST(XS_READ, 1, "long");
	EXPECT_SOON(self->ring->rsp_prod - self->ring->rsp_cons == XENSTORE_RING_SIZE);
	ASSERT_EQ(0, RECEIVE(&msg));
	EXPECT_EQ(sizeof(value) - 1, msg.hdr.len);
	EXPECT_STREQ(value, msg.body);
}

TEST_F(ring, watch_is_heard_without_a_request)
{
	REQUEST(XS_WATCH, 1, "w\0t");
	ASSERT_EQ(0, RECEIVE(&self->msg));
	EXPECT_OK(&self->msg, XS_WATCH, 1);
	ASSERT_EQ(0, RECEIVE(&self->msg));
	take_event(&self->vm, self->port);

	ASSERT_EQ(0, xs_write_node(self->dom0, 0, "/local/domain/1/w", "x"));
	ASSERT_TRUE(wait_event(&self->vm, self->port, 1000));
	ASSERT_EQ(0, RECEIVE(&self->msg));
	EXPECT_EQ(XS_WATCH_EVENT, self->msg.hdr.type);
	EXPECT_EQ(0, memcmp(self->msg.body, "w\0t", 4));
}

/* ---- flow control ---- */

TEST_F(ring, guest_that_does_not_read_stops_only_itself)
{
	unsigned int sent = 0;

	for (int i = 0; i < 2000; i++) {
		size_t size = xs_make(&self->msg, XS_MKDIR, i, 0, "a", 2);

		/* Whole requests, so that the last one is not cut. */
		if (self->ring->req_prod - self->ring->req_cons > XENSTORE_RING_SIZE - size)
			break;
		put(self->ring, &self->msg, size);
		send_event(self->vcpu, self->port);
		sent++;
	}
	/* The ring is full: the store has stopped reading. */
	EXPECT_GT(2000, sent);
	EXPECT_LT(XENSTORE_RING_SIZE - 64, self->ring->req_prod - self->ring->req_cons);
	EXPECT_SOON(self->ring->rsp_prod - self->ring->rsp_cons == XENSTORE_RING_SIZE);
	EXPECT_EQ(0, xs_write_node(self->dom0, 0, "/b", "x"));

	/* All is answered, in order, when the guest reads. */
	for (unsigned int i = 0; i < sent; i++) {
		if (self->ring->rsp_prod == self->ring->rsp_cons)
			send_event(self->vcpu, self->port);
		ASSERT_EQ(0, RECEIVE(&self->msg));
		EXPECT_OK(&self->msg, XS_MKDIR, i);
	}
	EXPECT_EQ(self->ring->req_prod, self->ring->req_cons);
}

TEST_F(ring, reading_guest_gets_on_without_requests)
{
	unsigned int answered = 0, sent = 0;
	size_t size;

	for (int i = 0; i < 60; i++) {
		size = xs_make(&self->msg, XS_MKDIR, i, 0, "a", 2);
		if (put(self->ring, &self->msg, size) < size)
			break;
		sent++;
		if (i % 8 == 7)
			send_event(self->vcpu, self->port);
	}
	/* Only "I have read" events from here on. */
	for (int i = 0; i < 200 && answered < sent; i++) {
		if (self->ring->rsp_prod == self->ring->rsp_cons)
			send_event(self->vcpu, self->port);
		if (!RECEIVE(&self->msg))
			answered++;
	}
	EXPECT_EQ(sent, answered);
}

/* ---- hostile pages ---- */

TEST_F(ring, request_indices_out_of_range_are_an_error)
{
	static const uint32_t diffs[] = { 1025, 4096, 0x7fffffff, 0x80000000, 0xffffffff };

	for (unsigned int i = 0; i < ARRAY_SIZE(diffs); i++) {
		self->ring->req_prod = self->ring->req_cons + diffs[i];
		send_event(self->vcpu, self->port);
		EXPECT_SOON(self->ring->error == XENSTORE_ERROR_RINGIDX);
		/* Ignored from here on. */
		self->ring->req_prod = self->ring->req_cons;
		REQUEST(XS_MKDIR, 1, "a");
		EXPECT_EQ(self->ring->rsp_cons, self->ring->rsp_prod);
		EXPECT_NE(self->ring->req_cons, self->ring->req_prod);

		self->ring->connection = XENSTORE_RECONNECT;
		send_event(self->vcpu, self->port);
		EXPECT_SOON(self->ring->connection == XENSTORE_CONNECTED);
		EXPECT_SOON(self->ring->error == XENSTORE_ERROR_NONE);
	}
	REQUEST(XS_MKDIR, 1, "a");
	ASSERT_EQ(0, RECEIVE(&self->msg));
	EXPECT_OK(&self->msg, XS_MKDIR, 1);
}

TEST_F(ring, reply_indices_out_of_range_are_an_error)
{
	self->ring->rsp_prod = self->ring->rsp_cons + 1025;
	REQUEST(XS_MKDIR, 1, "a");
	EXPECT_SOON(self->ring->error == XENSTORE_ERROR_RINGIDX);
}

TEST_F(ring, too_long_a_message_is_an_error)
{
	static const uint32_t lens[] = { 4097, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff };

	for (unsigned int i = 0; i < ARRAY_SIZE(lens); i++) {
		struct xsd_sockmsg hdr = { .type = XS_READ, .len = lens[i] };

		put(self->ring, &hdr, sizeof(hdr));
		send_event(self->vcpu, self->port);
		EXPECT_SOON(self->ring->error == XENSTORE_ERROR_PROTO);
		self->ring->connection = XENSTORE_RECONNECT;
		send_event(self->vcpu, self->port);
		EXPECT_SOON(self->ring->connection == XENSTORE_CONNECTED);
		EXPECT_EQ(XENSTORE_ERROR_NONE, self->ring->error);
	}
}

TEST_F(ring, any_bytes_at_all)
{
	volatile uint32_t *words = (volatile uint32_t *)self->ring;
	unsigned int seed = 1;

	for (int round = 0; round < 300; round++) {
		for (unsigned int i = 0; i < PAGE / 4; i++)
			words[i] = rand_r(&seed) << 16 ^ rand_r(&seed);
		/* Small differences now and then, so that bytes are read as requests. */
		if (round % 2) {
			self->ring->req_prod = self->ring->req_cons + rand_r(&seed) % 1026;
			self->ring->rsp_prod = self->ring->rsp_cons + rand_r(&seed) % 1026;
		}
		send_event(self->vcpu, self->port);
	}
	memset((void *)self->ring, 0, PAGE);
	self->ring->connection = XENSTORE_RECONNECT;
	send_event(self->vcpu, self->port);
	EXPECT_SOON(self->ring->connection == XENSTORE_CONNECTED);
	REQUEST(XS_MKDIR, 1, "a");
	ASSERT_EQ(0, RECEIVE(&self->msg));
	EXPECT_OK(&self->msg, XS_MKDIR, 1);
}

TEST_F(ring, ring_zeroed_by_firmware_goes_on)
{
	REQUEST(XS_MKDIR, 1, "a");
	ASSERT_EQ(0, RECEIVE(&self->msg));
	memset((void *)self->ring, 0, PAGE);
	REQUEST(XS_MKDIR, 2, "a");
	ASSERT_EQ(0, RECEIVE(&self->msg));
	EXPECT_OK(&self->msg, XS_MKDIR, 2);
}

struct scribbler {
	volatile struct xenstore_domain_interface *ring;
	volatile bool stop;
};

static void *scribble(void *arg)
{
	struct scribbler *scribbler = arg;
	unsigned int seed = 7;

	while (!scribbler->stop) {
		volatile struct xenstore_domain_interface *ring = scribbler->ring;

		switch (rand_r(&seed) % 6) {
		case 0:
			ring->req_prod = ring->req_cons + rand_r(&seed) % 1030;
			break;
		case 1:
			ring->rsp_cons = ring->rsp_prod - rand_r(&seed) % 1030;
			break;
		case 2:
			ring->req_cons = rand_r(&seed);
			break;
		case 3:
			ring->rsp_prod = rand_r(&seed);
			break;
		case 4:
			ring->connection = rand_r(&seed) % 3;
			break;
		default:
			ring->req[rand_r(&seed) % 1024] = rand_r(&seed) % 32;
		}
	}
	return NULL;
}

TEST_F_TIMEOUT(ring, page_that_changes_while_it_is_served, 120)
{
	struct scribbler scribbler = { .ring = self->ring };
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, scribble, &scribbler));
	for (int i = 0; i < 2000; i++) {
		send_event(self->vcpu, self->port);
		if (i % 8 == 0)
			EXPECT_EQ(0, xs_write_node(self->dom0, 0, "/local/domain/1/w", "x"));
	}
	scribbler.stop = true;
	pthread_join(thread, NULL);
	ASSERT_EQ(0, xs_introduce(self->dom0, 1, RING_GFN, self->port));
	REQUEST(XS_MKDIR, 1, "a");
	ASSERT_EQ(0, RECEIVE(&self->msg));
	EXPECT_OK(&self->msg, XS_MKDIR, 1);
}

/* ---- connections that end and begin ---- */

TEST_F(ring, reconnect_drops_all_that_was_under_way)
{
	uint32_t features = self->ring->server_features;

	REQUEST(XS_WATCH, 1, "w\0t");
	REQUEST(XS_TRANSACTION_START, 2, "");
	put(self->ring, "half a request", 10);
	send_event(self->vcpu, self->port);
	take_event(&self->vm, self->port);

	self->ring->server_features = 0;
	self->ring->connection = XENSTORE_RECONNECT;
	send_event(self->vcpu, self->port);
	EXPECT_TRUE(wait_event(&self->vm, self->port, 2000));
	EXPECT_SOON(self->ring->connection == XENSTORE_CONNECTED);
	EXPECT_EQ(features, self->ring->server_features);
	EXPECT_EQ(0, self->ring->req_cons);
	EXPECT_EQ(0, self->ring->req_prod);
	EXPECT_EQ(0, self->ring->rsp_cons);
	EXPECT_EQ(0, self->ring->rsp_prod);

	/* No event of the old watch, and no rest of the old request. */
	ASSERT_EQ(0, xs_write_node(self->dom0, 0, "/local/domain/1/w", "x"));
	REQUEST(XS_MKDIR, 3, "a");
	ASSERT_EQ(0, RECEIVE(&self->msg));
	EXPECT_OK(&self->msg, XS_MKDIR, 3);
	EXPECT_EQ(-EAGAIN, RECEIVE(&self->msg));
	/* The old transaction is gone: ten may be open again. */
	for (int i = 0; i < 9; i++) {
		REQUEST(XS_TRANSACTION_START, i, "");
		ASSERT_EQ(0, RECEIVE(&self->msg));
		EXPECT_EQ(XS_TRANSACTION_START, self->msg.hdr.type);
	}
}

TEST_F(ring, reconnect_without_the_feature_is_no_request)
{
	ASSERT_EQ(3, XS_CALL(self->dom0, XS_RELEASE, 0, "1"));
	ASSERT_EQ(3, XS_CALL(self->dom0, 24 /* SET_FEATURE */, 0, "1\0" "14"));
	memset((void *)self->ring, 0, PAGE);
	ASSERT_EQ(0, xs_make_home(self->dom0, 1));
	ASSERT_EQ(0, xs_introduce(self->dom0, 1, RING_GFN, self->port));
	EXPECT_EQ(14, self->ring->server_features);

	self->ring->connection = XENSTORE_RECONNECT;
	REQUEST(XS_MKDIR, 1, "a");
	ASSERT_EQ(0, RECEIVE(&self->msg));
	EXPECT_OK(&self->msg, XS_MKDIR, 1);
	EXPECT_EQ(XENSTORE_RECONNECT, self->ring->connection);
}

TEST_F(ring, introduced_again_starts_anew)
{
	REQUEST(XS_WATCH, 1, "w\0t");
	put(self->ring, "half a request", 10);
	send_event(self->vcpu, self->port);

	ASSERT_EQ(0, xs_introduce(self->dom0, 1, RING_GFN, self->port));
	EXPECT_EQ(0, self->ring->req_prod);
	EXPECT_EQ(0, self->ring->rsp_prod);
	ASSERT_EQ(0, xs_write_node(self->dom0, 0, "/local/domain/1/w", "x"));
	REQUEST(XS_MKDIR, 3, "a");
	ASSERT_EQ(0, RECEIVE(&self->msg));
	EXPECT_OK(&self->msg, XS_MKDIR, 3);
	EXPECT_EQ(-EAGAIN, RECEIVE(&self->msg));
}

TEST_F(ring, introduced_again_with_another_page_and_port)
{
	ASSERT_EQ(0, vm_alloc_port(&self->vm, &self->port));
	ASSERT_EQ(0, xs_introduce(self->dom0, 1, OTHER_RING_GFN, self->port));
	self->ring = vm_ptr(&self->vm, OTHER_RING_GFN * PAGE);
	REQUEST(XS_MKDIR, 1, "a");
	ASSERT_EQ(0, RECEIVE(&self->msg));
	EXPECT_OK(&self->msg, XS_MKDIR, 1);
}

TEST_F(ring, introduced_again_in_vain_changes_nothing)
{
	EXPECT_EQ(-EINVAL, xs_introduce(self->dom0, 1, BAD_GFN, self->port));
	EXPECT_EQ(-EINVAL, xs_introduce(self->dom0, 1, 1ULL << 60, self->port));
	EXPECT_GT(0, xs_introduce(self->dom0, 1, RING_GFN, self->port + 1));
	EXPECT_GT(0, xs_introduce(self->dom0, 1, RING_GFN, 0x7fffffff));
	EXPECT_EQ(-EINVAL, xs_introduce(self->dom0, 1, RING_GFN, 0));
	REQUEST(XS_MKDIR, 1, "a");
	ASSERT_EQ(0, RECEIVE(&self->msg));
	EXPECT_OK(&self->msg, XS_MKDIR, 1);
}

TEST_F(ring, introduction_clears_an_error)
{
	self->ring->req_prod = self->ring->req_cons + 2000;
	send_event(self->vcpu, self->port);
	EXPECT_SOON(self->ring->error == XENSTORE_ERROR_RINGIDX);
	ASSERT_EQ(0, xs_introduce(self->dom0, 1, RING_GFN, self->port));
	EXPECT_SOON(self->ring->error == XENSTORE_ERROR_NONE);
	REQUEST(XS_MKDIR, 1, "a");
	ASSERT_EQ(0, RECEIVE(&self->msg));
	EXPECT_OK(&self->msg, XS_MKDIR, 1);
}

TEST_F(ring, released_ring_is_not_served)
{
	ASSERT_EQ(3, XS_CALL(self->dom0, XS_RELEASE, 0, "1"));
	REQUEST(XS_MKDIR, 1, "a");
	EXPECT_EQ(-EAGAIN, RECEIVE(&self->msg));
	EXPECT_EQ(-ENOENT, XS_CALL(self->dom0, XS_RELEASE, 0, "1"));

	memset((void *)self->ring, 0, PAGE);
	ASSERT_EQ(0, xs_make_home(self->dom0, 1));
	ASSERT_EQ(0, xs_introduce(self->dom0, 1, RING_GFN, self->port));
	REQUEST(XS_MKDIR, 1, "a");
	ASSERT_EQ(0, RECEIVE(&self->msg));
	EXPECT_OK(&self->msg, XS_MKDIR, 1);
}

TEST_F(ring, released_and_introduced_many_times)
{
	for (int i = 0; i < 200; i++) {
		ASSERT_EQ(3, XS_CALL(self->dom0, XS_RELEASE, 0, "1"));
		ASSERT_EQ(0, xs_introduce(self->dom0, 1, RING_GFN, self->port));
	}
	ASSERT_EQ(0, xs_make_home(self->dom0, 1));
	REQUEST(XS_MKDIR, 1, "a");
	ASSERT_EQ(0, RECEIVE(&self->msg));
	EXPECT_OK(&self->msg, XS_MKDIR, 1);
}

TEST_F(ring, requests_made_before_the_introduction_are_served)
{
	ASSERT_EQ(3, XS_CALL(self->dom0, XS_RELEASE, 0, "1"));
	memset((void *)self->ring, 0, PAGE);
	REQUEST(XS_MKDIR, 1, "a");
	ASSERT_EQ(0, xs_make_home(self->dom0, 1));
	ASSERT_EQ(0, xs_introduce(self->dom0, 1, RING_GFN, self->port));
	ASSERT_EQ(0, RECEIVE(&self->msg));
	EXPECT_OK(&self->msg, XS_MKDIR, 1);
}

TEST_F(ring, introduction_of_nobody_is_an_error)
{
	EXPECT_EQ(-ENOENT, xs_introduce(self->dom0, 7, RING_GFN, 1));
	EXPECT_GT(0, xs_introduce(self->dom0, 0, RING_GFN, 1));
	EXPECT_GT(0, xs_introduce(self->dom0, 0x7ff0, RING_GFN, 1));
}

TEST_F(ring, broken_domain_still_ends_in_releaseDomain)
{
	int fd = host_open_fd(self->vm.host_fd, XENEMU_HOST_OPEN_STORE, 0);
	bool heard = false;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, xs_watch(fd, "@releaseDomain", "t"));
	ASSERT_EQ(0, xs_recv(fd, &self->msg));
	self->ring->req_prod = self->ring->req_cons + 2000;
	send_event(self->vcpu, self->port);
	EXPECT_SOON(self->ring->error == XENSTORE_ERROR_RINGIDX);

	close(self->vm.domain_fd);
	self->vm.domain_fd = open("/dev/null", O_RDWR);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (!xs_recv(fd, &self->msg)) {
		if (!strcmp(self->msg.body, "@releaseDomain"))
			heard = true;
	}
	EXPECT_TRUE(heard);
	close(fd);
}

struct flood {
	struct vm_vcpu *vcpu;
	uint32_t port;
	volatile bool stop;
};

static void *flood(void *arg)
{
	struct flood *flood = arg;

	while (!flood->stop)
		send_event(flood->vcpu, flood->port);
	return NULL;
}

/* Teardown meets events that are on their way. */
TEST_F_TIMEOUT(ring, released_while_another_vcpu_sends_events, 120)
{
	struct flood f = { .vcpu = &self->vm.vcpus[1], .port = self->port };
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, flood, &f));
	for (int i = 0; i < 200; i++) {
		ASSERT_EQ(3, XS_CALL(self->dom0, XS_RELEASE, 0, "1"));
		ASSERT_EQ(0, xs_introduce(self->dom0, 1, RING_GFN, self->port));
		ASSERT_EQ(0, xs_introduce(self->dom0, 1, OTHER_RING_GFN, self->port));
		ASSERT_EQ(0, xs_introduce(self->dom0, 1, RING_GFN, self->port));
	}
	f.stop = true;
	pthread_join(thread, NULL);
}

TEST_F_TIMEOUT(ring, two_vcpus_do_not_lose_events, 120)
{
	struct flood f = { .vcpu = &self->vm.vcpus[1], .port = self->port };
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, flood, &f));
	for (int i = 0; i < 1000; i++) {
		size_t size = xs_make(&self->msg, XS_MKDIR, i, 0, "a", 2);

		put(self->ring, &self->msg, size);
		send_event(self->vcpu, self->port);
		/* Served by either; at once, or in a moment. */
		ASSERT_EQ(0, RECEIVE(&self->msg));
		EXPECT_OK(&self->msg, XS_MKDIR, i);
	}
	f.stop = true;
	pthread_join(thread, NULL);
}

TEST_HARNESS_MAIN
