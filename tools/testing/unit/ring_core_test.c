// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queues of a XenStore ring page: what a guest puts in, whole and in pieces,
 * and what it should not. The queues are those of the module, unchanged.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/ring_core.h"
#include "tap.h"

#define SIZE		XENSTORE_RING_SIZE
#define HDR_SIZE	((u32)sizeof(struct xsd_sockmsg))

static u64 rng = 1;

static u32 random_u32(void)
{
	rng = rng * 6364136223846793005ULL + 1442695040888963407ULL;
	return rng >> 32;
}

/* On the heap and of its exact size, so that a step outside is seen. */
static struct xenstore_domain_interface *new_ring(u32 start)
{
	struct xenstore_domain_interface *ring = calloc(1, sizeof(*ring));

	ring->req_prod = ring->req_cons = start;
	ring->rsp_prod = ring->rsp_cons = start;
	return ring;
}

static struct xenemu_incoming *new_request(void)
{
	return calloc(1, sizeof(struct xenemu_incoming));
}

/* The guest puts bytes in as far as there is room; how many. */
static u32 put(struct xenstore_domain_interface *ring, const void *data, u32 len)
{
	u32 i;

	for (i = 0; i < len && ring->req_prod - ring->req_cons < SIZE; i++)
		ring->req[ring->req_prod++ % SIZE] = ((const char *)data)[i];
	return i;
}

/* A whole message as bytes; its size. */
static u32 make(char *buf, u32 req_id, u32 len)
{
	struct xsd_sockmsg hdr = { .type = XS_WRITE, .req_id = req_id, .len = len };
	u32 i;

	memcpy(buf, &hdr, HDR_SIZE);
	for (i = 0; i < len; i++)
		buf[HDR_SIZE + i] = req_id + i;
	return HDR_SIZE + len;
}

static bool matches(const struct xenemu_incoming *request, const char *buf, u32 size)
{
	return request->used == size && !memcmp(&request->hdr, buf, HDR_SIZE) &&
	       !memcmp(request->body, buf + HDR_SIZE, size - HDR_SIZE);
}

TEST(ring_core_request_is_pulled_whole)
{
	struct xenstore_domain_interface *ring = new_ring(0);
	struct xenemu_incoming *request = new_request();
	bool tell = false;
	char buf[64];
	u32 size = make(buf, 1, 20);

	CHECK(xenemu_ring_core_pull(ring, request, &tell) == 0);
	CHECK(!tell);
	put(ring, buf, size);
	CHECK(xenemu_ring_core_pull(ring, request, &tell) == 1);
	CHECK(matches(request, buf, size));
	CHECK(ring->req_cons == ring->req_prod);
	free(request);
	free(ring);
}

/* Room is news for a guest only if it had so little that it may be waiting. */
TEST(ring_core_room_is_told_of_when_there_was_little)
{
	static const struct { u32 len; bool tell; } cases[] = {
		{ 0, false }, { 16, false }, { 512, false }, { 513, true }, { 1008, true },
		{ 1023, true }, { 1024, true },
	};
	static const struct xsd_sockmsg hdr = { .type = XS_WRITE, .len = 2000 };
	char buf[SIZE] = {};
	unsigned int i;

	memcpy(buf, &hdr, HDR_SIZE);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct xenstore_domain_interface *ring = new_ring(77 * i);
		struct xenemu_incoming *request = new_request();
		bool tell = false;

		put(ring, buf, cases[i].len);
		CHECK(xenemu_ring_core_pull(ring, request, &tell) == 0);
		CHECK(request->used == cases[i].len);
		CHECK(tell == cases[i].tell);
		free(request);
		free(ring);
	}
}

/* A byte of the next request must not be taken, and a complete one stays as it is. */
TEST(ring_core_pull_stops_at_the_end_of_a_request)
{
	struct xenstore_domain_interface *ring = new_ring(0);
	struct xenemu_incoming *request = new_request();
	bool tell = false;
	char buf[64];
	u32 size = make(buf, 1, 1);

	put(ring, buf, size);
	put(ring, buf, size);
	CHECK(xenemu_ring_core_pull(ring, request, &tell) == 1);
	CHECK(ring->req_cons == size);
	tell = false;
	CHECK(xenemu_ring_core_pull(ring, request, &tell) == 1);
	CHECK(!tell);
	CHECK(ring->req_cons == size);
	CHECK(matches(request, buf, size));
	request->used = 0;
	CHECK(xenemu_ring_core_pull(ring, request, &tell) == 1);
	CHECK(matches(request, buf, size));
	free(request);
	free(ring);
}

/* A message of two parts at each offset of the ring, split at each byte. */
TEST(ring_core_message_is_split_anywhere_at_any_offset)
{
	struct xenemu_incoming *request = new_request();
	char buf[64];
	u32 size = make(buf, 7, 9);
	u32 start, at;

	for (start = 0; start < SIZE; start++) {
		for (at = 0; at <= size; at++) {
			struct xenstore_domain_interface *ring = new_ring(start - 5);
			bool tell = false;

			request->used = 0;
			put(ring, buf, at);
			CHECK(xenemu_ring_core_pull(ring, request, &tell) == (at == size));
			put(ring, buf + at, size - at);
			CHECK(xenemu_ring_core_pull(ring, request, &tell) == 1);
			CHECK(matches(request, buf, size));
			free(ring);
		}
	}
	free(request);
}

/* Messages of all lengths, many longer than the ring, in random pieces. */
TEST(ring_core_stream_of_messages_arrives_as_sent)
{
	struct xenstore_domain_interface *ring = new_ring(-100000);
	struct xenemu_incoming *request = new_request();
	char buf[HDR_SIZE + XENSTORE_PAYLOAD_MAX];
	u32 i;

	for (i = 0; i < 3000; i++) {
		u32 len = i % 3 ? random_u32() % 64 : random_u32() % (XENSTORE_PAYLOAD_MAX + 1);
		u32 size = make(buf, i, len), done = 0;
		bool tell = false;
		int ret = 0;

		while (!ret) {
			u32 piece = 1 + random_u32() % 1200;

			if (piece > size - done)
				piece = size - done;
			done += put(ring, buf + done, piece);
			ret = xenemu_ring_core_pull(ring, request, &tell);
			CHECK(ret >= 0);
		}
		CHECK(done == size);
		CHECK(matches(request, buf, size));
		request->used = 0;
	}
	free(request);
	free(ring);
}

TEST(ring_core_too_long_a_message_is_refused)
{
	static const u32 lens[] = { XENSTORE_PAYLOAD_MAX + 1, 0x7fffffff, 0x80000000,
				    0xfffffff0, 0xffffffff };
	struct xenemu_incoming *request = new_request();
	unsigned int i;

	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct xenstore_domain_interface *ring = new_ring(i);
		struct xsd_sockmsg hdr = { .len = lens[i] };
		bool tell = false;

		request->used = 0;
		put(ring, &hdr, HDR_SIZE - 1);
		CHECK(xenemu_ring_core_pull(ring, request, &tell) == 0);
		put(ring, (char *)&hdr + HDR_SIZE - 1, 1);
		put(ring, "body", 4);
		CHECK(xenemu_ring_core_pull(ring, request, &tell) == -EMSGSIZE);
		CHECK(ring->req_cons == ring->req_prod - 4);
		CHECK(xenemu_ring_core_pull(ring, request, &tell) == -EMSGSIZE);
		free(ring);
	}
	free(request);
}

TEST(ring_core_longest_message_is_taken)
{
	struct xenstore_domain_interface *ring = new_ring(0);
	struct xenemu_incoming *request = new_request();
	char buf[HDR_SIZE + XENSTORE_PAYLOAD_MAX];
	u32 size = make(buf, 1, XENSTORE_PAYLOAD_MAX), done = 0;
	bool tell = false;

	while (done < size) {
		done += put(ring, buf + done, size - done);
		CHECK(xenemu_ring_core_pull(ring, request, &tell) == (done == size));
	}
	CHECK(matches(request, buf, size));
	free(request);
	free(ring);
}

TEST(ring_core_request_indices_out_of_range_are_refused)
{
	struct xenstore_domain_interface *ring = new_ring(0);
	struct xenemu_incoming *request = new_request();
	unsigned int i;

	for (i = 0; i < 100000; i++) {
		u32 diff = i < 4 * SIZE ? SIZE + 1 + i : random_u32() | 0x800;
		bool tell = false;

		ring->req_cons = random_u32();
		ring->req_prod = ring->req_cons + diff;
		CHECK(xenemu_ring_core_pull(ring, request, &tell) == -ERANGE);
		CHECK(!tell);
		CHECK(!request->used);
	}
	free(request);
	free(ring);
}

/* Whatever the indices are, what is handed out is inside the page's array. */
TEST(ring_core_space_is_inside_the_ring)
{
	struct xenstore_domain_interface *ring = new_ring(0);
	u32 used, prod, start, i;
	char *to;
	int room;

	/* From below 0 to above. */
	for (i = 0; i < 2 * SIZE; i += 7) {
		start = i - SIZE;
		for (used = 0; used <= SIZE + 2; used++) {
			u32 left = SIZE - used, end = SIZE - (start + used) % SIZE;

			ring->rsp_cons = start;
			ring->rsp_prod = start + used;
			room = xenemu_ring_core_space(ring, &to, &prod);
			if (used > SIZE) {
				CHECK(room == -ERANGE);
				continue;
			}
			CHECK(room == (int)(left < end ? left : end));
			CHECK(prod == start + used);
			CHECK(to == ring->rsp + prod % SIZE);
		}
	}
	for (used = 0; used < 100000; used++) {
		ring->rsp_cons = random_u32();
		ring->rsp_prod = random_u32();
		room = xenemu_ring_core_space(ring, &to, &prod);
		CHECK(room == -ERANGE ||
		      (room >= 0 && to >= ring->rsp && to + room <= ring->rsp + SIZE));
	}
	free(ring);
}

TEST(ring_core_output_is_read_as_written)
{
	struct xenstore_domain_interface *ring = new_ring(-1234);
	u32 written = 0, seen = 0, prod, n, i;
	char *to;
	int room;

	while (seen < 100000) {
		room = xenemu_ring_core_space(ring, &to, &prod);
		CHECK(room >= 0);
		n = room ? random_u32() % (room + 1) : 0;
		for (i = 0; i < n; i++)
			to[i] = written++ * 7;
		xenemu_ring_core_produce(ring, prod + n);

		n = random_u32() % 700;
		while (n-- && ring->rsp_cons != ring->rsp_prod)
			CHECK(ring->rsp[ring->rsp_cons++ % SIZE] == (char)(seen++ * 7));
	}
	free(ring);
}

TEST(ring_core_greeting_overwrites_the_guests_fields)
{
	struct xenstore_domain_interface *ring = new_ring(0);

	memset(ring, 0xff, sizeof(*ring));
	xenemu_ring_core_reset(ring);
	xenemu_ring_core_greet(ring, 7);
	CHECK(!ring->req_cons && !ring->req_prod && !ring->rsp_cons && !ring->rsp_prod);
	CHECK(ring->server_features == 7);
	CHECK(ring->connection == XENSTORE_CONNECTED);
	CHECK(ring->error == XENSTORE_ERROR_NONE);
	free(ring);
}

/* The guest's other vCPU writes the indices while we look at them. */
static bool stop;

static void *scribble(void *arg)
{
	struct xenstore_domain_interface *ring = arg;
	u32 x = 1;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		x = x * 1664525 + 1013904223;
		__atomic_store_n(&ring->req_prod, x >> 8, __ATOMIC_RELAXED);
		__atomic_store_n(&ring->req_cons, (x >> 8) - (x & 0x3ff), __ATOMIC_RELAXED);
		__atomic_store_n(&ring->rsp_cons, x >> 8, __ATOMIC_RELAXED);
		__atomic_store_n(&ring->rsp_prod, (x >> 8) + (x & 0x3ff), __ATOMIC_RELAXED);
	}
	return NULL;
}

TEST(ring_core_indices_change_all_the_time)
{
	struct xenstore_domain_interface *ring = new_ring(0);
	struct xenemu_incoming *request = new_request();
	pthread_t thread;
	unsigned int i;
	u32 prod;
	char *to;
	int ret;

	stop = false;
	CHECK(!pthread_create(&thread, NULL, scribble, ring));
	for (i = 0; i < 300000; i++) {
		bool tell = false;

		ret = xenemu_ring_core_pull(ring, request, &tell);
		CHECK(ret == 0 || ret == 1 || ret == -ERANGE || ret == -EMSGSIZE);
		CHECK(request->used <= HDR_SIZE + XENSTORE_PAYLOAD_MAX);
		if (ret == 1 || ret == -EMSGSIZE)
			request->used = 0;
		ret = xenemu_ring_core_space(ring, &to, &prod);
		if (ret > 0) {
			CHECK(to >= ring->rsp && to + ret <= ring->rsp + SIZE);
			memset(to, i, ret);
		}
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	free(request);
	free(ring);
}
