// SPDX-License-Identifier: GPL-2.0-only
/*
 * A XenStore ring page with any bytes in it, changed between the server's steps.
 *
 * Input: the words behind the queues, then steps, whose bytes are the requests'
 * too. A step is a byte that says what happens: the server takes requests or
 * writes replies, or the guest writes a word or a byte (where and what follow).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/ring_core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size;
};

static u32 next(struct input *in, size_t len)
{
	u32 val = 0;

	if (len > in->size)
		len = in->size;
	memcpy(&val, in->data, len);
	in->data += len;
	in->size -= len;
	return val;
}

static void expect(int cond)
{
	if (!cond)
		abort();
}

static void take_requests(struct xenstore_domain_interface *ring,
			  struct xenemu_incoming *request)
{
	u32 used = request->used;
	bool moved = false;
	int ret;

	ret = xenemu_ring_core_pull(ring, request, &moved);
	expect(moved == (request->used != used));
	switch (ret) {
	case 1:
		expect(request->used == sizeof(request->hdr) + request->hdr.len);
		expect(request->hdr.len <= sizeof(request->body));
		break;
	case -EMSGSIZE:
		expect(request->used == sizeof(request->hdr));
		break;
	case 0:
	case -ERANGE:
		return;
	default:
		abort();
	}
	request->used = 0;
}

static void write_replies(struct xenstore_domain_interface *ring, u8 byte)
{
	u32 prod;
	char *to;
	int room;

	room = xenemu_ring_core_space(ring, &to, &prod);
	if (room == -ERANGE)
		return;
	expect(room >= 0 && room <= XENSTORE_RING_SIZE);
	memset(to, byte, room);
	xenemu_ring_core_produce(ring, prod + room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* On the heap, so that a step outside of them is seen. */
	struct xenstore_domain_interface *ring = calloc(1, sizeof(*ring));
	struct xenemu_incoming *request = calloc(1, sizeof(*request));
	struct input in = { data, size };
	u32 offset, i;

	for (i = 0; i < 7; i++)
		(&ring->req_cons)[i] = next(&in, 4);
	for (i = 0; in.size && i < XENSTORE_RING_SIZE; i++)
		ring->req[i] = in.data[i % in.size];
	do {
		switch (next(&in, 1) % 4) {
		case 0:
			take_requests(ring, request);
			break;
		case 1:
			write_replies(ring, in.size);
			break;
		case 2:
			offset = offsetof(struct xenstore_domain_interface, req_cons) +
				 next(&in, 1) % 7 * sizeof(u32);
			*(u32 *)((char *)ring + offset) = next(&in, 4);
			break;
		case 3:
			ring->req[next(&in, 2) % XENSTORE_RING_SIZE] = next(&in, 1);
			break;
		}
	} while (in.size);
	free(request);
	free(ring);
	return 0;
}
