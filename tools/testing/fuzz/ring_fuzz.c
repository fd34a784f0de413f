// SPDX-License-Identifier: GPL-2.0-only
/*
 * A XenStore ring page with any bytes in it, changed between the server's steps.
 *
 * Input: the words behind the queues, then steps, whose bytes are the requests'
 * too. A step is a byte that says what happens: the server takes requests, writes
 * replies, or answers a guest that connects anew, or the guest writes a word or a byte
 * (where and what follow).
 */
#include "store/ring_core.h"
#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What arrived is what was in the ring, byte for byte and in order. */
static void check_bytes(const struct xenstore_domain_interface *ring, u32 cons,
			const struct xenemu_incoming *request, u32 from)
{
	u32 i;

	for (i = from; i < request->used; i++) {
		char byte = i < sizeof(request->hdr) ? ((const char *)&request->hdr)[i] :
			    request->body[i - sizeof(request->hdr)];

		expect(byte == ring->req[(cons + i - from) % XENSTORE_RING_SIZE]);
	}
}

static void take_requests(struct xenstore_domain_interface *ring,
			  struct xenemu_incoming *request)
{
	u32 used = request->used, cons = ring->req_cons, avail = ring->req_prod - cons;
	bool tell = false;
	int ret;

	ret = xenemu_ring_core_pull(ring, request, &tell);
	expect(!tell || request->used != used);
	expect(ring->req_cons - cons == request->used - used);
	check_bytes(ring, cons, request, used);
	switch (ret) {
	case 1:
		expect(request->used == sizeof(request->hdr) + request->hdr.len);
		expect(request->hdr.len <= sizeof(request->body));
		break;
	case -EMSGSIZE:
		expect(request->used == sizeof(request->hdr));
		expect(request->hdr.len > sizeof(request->body));
		break;
	case 0:
		expect(ring->req_cons == ring->req_prod);
		return;
	case -ERANGE:
		expect(avail > XENSTORE_RING_SIZE && !tell);
		return;
	default:
		expect(false);
	}
	request->used = 0;
}

static void write_replies(struct xenstore_domain_interface *ring, u8 byte)
{
	u32 prod, used = ring->rsp_prod - ring->rsp_cons;
	char *to;
	int room;

	room = xenemu_ring_core_space(ring, &to, &prod);
	expect((room == -ERANGE) == (used > XENSTORE_RING_SIZE));
	if (room == -ERANGE)
		return;
	expect(room >= 0 && (u32)room <= XENSTORE_RING_SIZE - used);
	expect(room || used == XENSTORE_RING_SIZE);
	memset(to, byte, room);
	xenemu_ring_core_produce(ring, prod + room);
	expect(ring->rsp_prod - ring->rsp_cons == used + room);
}

/* What the server does when the guest asks for it; both queues are empty then. */
static void connect_anew(struct xenstore_domain_interface *ring, u32 features)
{
	u32 prod;
	char *to;

	xenemu_ring_core_reset(ring);
	expect(xenemu_ring_core_space(ring, &to, &prod) == XENSTORE_RING_SIZE);
	expect(!prod && to == (char *)ring->rsp);
	xenemu_ring_core_greet(ring, features);
	expect(ring->connection == XENSTORE_CONNECTED && ring->server_features == features);
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
		switch (next(&in, 1) % 5) {
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
		case 4:
			connect_anew(ring, next(&in, 4));
			break;
		}
	} while (in.size);
	free(request);
	free(ring);
	return 0;
}
