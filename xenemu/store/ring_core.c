// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues of a XenStore ring page: indices and copies, with any bytes in it.
 *
 * Guests save events: Linux sends one only if it finds that the server had
 * consumed all before, or had filled the ring. So before we call a queue empty
 * or full, our own index must be visible, and the guest's is read again.
 *
 * We save them too. A guest has to know of replies, but of room for requests only
 * if it waits for some, and then it has filled the ring, or all but what the rest
 * of its message needs. Linux writes the header of a message first: it is not
 * disturbed for each header that we have taken.
 */
#include "ring_core.h"

#include <asm/barrier.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>

/* With so few bytes in the ring, no guest waits for room. */
#define MANY		(XENSTORE_RING_SIZE / 2)

/* Where request bytes are, how many of them in a row, at which index, and whether many. */
static int requests(const struct xenstore_domain_interface *ring, const char **from,
		    u32 *cons, bool *many)
{
	u32 offset, avail;

	*cons = READ_ONCE(ring->req_cons);
	/* The bytes are read after the index that announces them. */
	avail = smp_load_acquire(&ring->req_prod) - *cons;
	if (!avail) {
		/* Pairs with the guest's between its producer and our consumer index. */
		smp_mb();
		/* As above. */
		avail = smp_load_acquire(&ring->req_prod) - *cons;
	}
	if (avail > XENSTORE_RING_SIZE)
		return -ERANGE;
	offset = MASK_XENSTORE_IDX(*cons);
	*from = ring->req + offset;
	*many = avail > MANY;
	return min_t(u32, avail, XENSTORE_RING_SIZE - offset);
}

/**
 * xenemu_ring_core_pull - take request bytes until a request is complete
 * @ring: the ring page
 * @request: the request; may be half there, or complete
 * @tell: set if the guest may be waiting for the room that was made
 *
 * Takes no byte of the request after this one.
 *
 * Return: 1 if @request is complete, 0 if the ring is empty before that, -ERANGE
 * if the indices make no sense, -EMSGSIZE if the request is too long.
 */
int xenemu_ring_core_pull(struct xenstore_domain_interface *ring,
			  struct xenemu_incoming *request, bool *tell)
{
	const char *from;
	int want, avail;
	bool many;
	char *to;
	u32 cons;

	/* Ends: each turn takes at least a byte of a message of bounded length. */
	for (;;) {
		want = xenemu_incoming_next(request, &to);
		if (want <= 0)
			return want ?: 1;
		avail = requests(ring, &from, &cons, &many);
		if (avail <= 0)
			return avail;
		avail = min(avail, want);
		memcpy(to, from, avail);
		/* The bytes are read before their room is given back. */
		smp_store_release(&ring->req_cons, cons + avail);
		/* Whoever saves the request finds as many bytes as it counts. */
		smp_store_release(&request->used, request->used + avail);
		*tell |= many;
	}
}

/**
 * xenemu_ring_core_space - where the next reply bytes go
 * @ring: the ring page
 * @to: out: where
 * @prod: out: index of the first, to be given to xenemu_ring_core_produce() with
 *        the number of bytes added
 *
 * Return: how many bytes there is room for in a row, 0 if the ring is full, -ERANGE
 * if the indices make no sense.
 */
int xenemu_ring_core_space(const struct xenstore_domain_interface *ring, char **to,
			   u32 *prod)
{
	u32 offset, used;

	*prod = READ_ONCE(ring->rsp_prod);
	/* The room is used after the index that frees it was read. */
	used = *prod - smp_load_acquire(&ring->rsp_cons);
	if (used == XENSTORE_RING_SIZE) {
		/* Pairs with the guest's between its consumer and our producer index. */
		smp_mb();
		/* As above. */
		used = *prod - smp_load_acquire(&ring->rsp_cons);
	}
	if (used > XENSTORE_RING_SIZE)
		return -ERANGE;
	offset = MASK_XENSTORE_IDX(*prod);
	*to = (char *)ring->rsp + offset;
	return min_t(u32, XENSTORE_RING_SIZE - used, XENSTORE_RING_SIZE - offset);
}

/**
 * xenemu_ring_core_produce - hand reply bytes to the guest
 * @ring: the ring page
 * @prod: the new producer index
 */
void xenemu_ring_core_produce(struct xenstore_domain_interface *ring, u32 prod)
{
	/* The bytes are there before the index that announces them. */
	smp_store_release(&ring->rsp_prod, prod);
}

/**
 * xenemu_ring_core_greet - the ring is served
 * @ring: the ring page
 * @features: XENEMU_XS_FEATURE_*
 *
 * Whatever the guest had put into the server's fields, it finds ours there.
 */
void xenemu_ring_core_greet(struct xenstore_domain_interface *ring, u32 features)
{
	WRITE_ONCE(ring->server_features, features);
	WRITE_ONCE(ring->error, XENSTORE_ERROR_NONE);
	/* The guest looks at the rest after this. */
	smp_store_release(&ring->connection, XENSTORE_CONNECTED);
}

/**
 * xenemu_ring_core_reset - empty both queues
 * @ring: the ring page, of a guest that waits for xenemu_ring_core_greet()
 */
void xenemu_ring_core_reset(struct xenstore_domain_interface *ring)
{
	WRITE_ONCE(ring->req_cons, 0);
	WRITE_ONCE(ring->req_prod, 0);
	WRITE_ONCE(ring->rsp_cons, 0);
	WRITE_ONCE(ring->rsp_prod, 0);
}
