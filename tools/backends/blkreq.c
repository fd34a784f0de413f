// SPDX-License-Identifier: GPL-2.0-only
/*
 * The block ring and its requests.
 *
 * The two protocols differ in the alignment of 64-bit members only: 8 bytes in
 * a 64-bit guest, 4 in a 32-bit one. Each request is copied out of the ring
 * once, byte for byte, and then decoded from the copy by offset.
 */
#include "blkreq.h"

#include <errno.h>
#include <string.h>

#include <xen/io/protocols.h>

/* Offsets in the ring's first page: two pairs of indexes, then the elements. */
#define RING_REQ_PROD	0
#define RING_REQ_EVENT	4
#define RING_RSP_PROD	8
#define RING_RSP_EVENT	12
#define RING_SLOTS	64

/* Offsets that both protocols share. */
#define REQ_OP		0
#define REQ_NR_SEGS	1
#define REQ_INDIRECT_OP	1
#define REQ_INDIRECT_NR	2
#define RSP_ID		0
#define RSP_OP		8
#define RSP_STATUS	10

const struct blk_layout blk_layout_x86_32 = {
	.name = XEN_IO_PROTO_ABI_X86_32,
	.slot_size = 108,
	.id = 4,
	.sector = 12,
	.segs = 20,
	.nr_sectors = 20,
	.indirect = 24,
};

const struct blk_layout blk_layout_x86_64 = {
	.name = XEN_IO_PROTO_ABI_X86_64,
	.slot_size = 112,
	.id = 8,
	.sector = 16,
	.segs = 24,
	.nr_sectors = 24,
	.indirect = 28,
};

#ifdef __x86_64__
_Static_assert(sizeof(union blkif_sring_entry) == 112, "slot");
_Static_assert(offsetof(struct blkif_request, id) == 8, "id");
_Static_assert(offsetof(struct blkif_request, sector_number) == 16, "sector");
_Static_assert(offsetof(struct blkif_request, seg) == 24, "segs");
_Static_assert(offsetof(struct blkif_request_discard, nr_sectors) == 24, "nr_sectors");
_Static_assert(offsetof(struct blkif_request_indirect, indirect_grefs) == 28, "indirect");
#endif
_Static_assert(offsetof(struct blkif_sring, req_prod) == RING_REQ_PROD, "req_prod");
_Static_assert(offsetof(struct blkif_sring, req_event) == RING_REQ_EVENT, "req_event");
_Static_assert(offsetof(struct blkif_sring, rsp_prod) == RING_RSP_PROD, "rsp_prod");
_Static_assert(offsetof(struct blkif_sring, rsp_event) == RING_RSP_EVENT, "rsp_event");
_Static_assert(offsetof(struct blkif_sring, ring) == RING_SLOTS, "ring");
_Static_assert(sizeof(struct blkif_request_segment) == 8, "segment");
_Static_assert(BLK_MAX_SEGS <= BLK_SEGS_PER_PAGE, "segments of a request fit into one page");

/**
 * blk_layout_find() - find a protocol
 * @name: its name in XenStore
 *
 * Return: its layout, or NULL.
 */
const struct blk_layout *blk_layout_find(const char *name)
{
	if (!strcmp(name, blk_layout_x86_64.name))
		return &blk_layout_x86_64;
	if (!strcmp(name, blk_layout_x86_32.name))
		return &blk_layout_x86_32;
	return NULL;
}

/**
 * blk_copy_once() - copy from memory that the frontend may be changing
 * @to: where to
 * @from: aligned to 4 bytes
 * @len: a multiple of 4
 *
 * Each word is read once, so what was copied is what will be checked.
 */
void blk_copy_once(void *to, const volatile void *from, size_t len)
{
	const volatile uint32_t *words = from;
	char *pos = to;
	uint32_t word;
	size_t i;

	for (i = 0; i < len / sizeof(word); i++) {
		word = words[i];
		memcpy(pos + i * sizeof(word), &word, sizeof(word));
	}
}

static uint32_t load_index(const struct blk_ring *ring, unsigned int offset)
{
	return *(const volatile uint32_t *)(ring->shared + offset);
}

static void store_index(struct blk_ring *ring, unsigned int offset, uint32_t val)
{
	*(volatile uint32_t *)(ring->shared + offset) = val;
}

static volatile uint8_t *slot_addr(const struct blk_ring *ring, uint32_t index)
{
	return ring->shared + RING_SLOTS +
	       (size_t)(index & (ring->nr_slots - 1)) * ring->layout->slot_size;
}

/**
 * blk_ring_slots() - how many elements a ring has
 * @layout: protocol
 * @size: bytes of the ring, at least a page
 */
uint32_t blk_ring_slots(const struct blk_layout *layout, size_t size)
{
	size_t fit = (size - RING_SLOTS) / layout->slot_size;
	uint32_t slots = 1;

	while (slots * 2 <= fit)
		slots *= 2;
	return slots;
}

/**
 * blk_ring_attach() - begin to use a ring
 * @ring: the backend's end
 * @layout: protocol
 * @shared: the ring's pages
 * @size: their bytes
 *
 * Requests that have no response yet are taken first, so a backend may carry on
 * where another one, which answered all that it took, left off.
 */
void blk_ring_attach(struct blk_ring *ring, const struct blk_layout *layout, void *shared,
		     size_t size)
{
	ring->layout = layout;
	ring->shared = shared;
	ring->nr_slots = blk_ring_slots(layout, size);
	ring->rsp_prod = load_index(ring, RING_RSP_PROD);
	ring->req_cons = ring->rsp_prod;
	ring->req_prod = ring->rsp_prod;
}

/* Look how far the frontend got. -EPROTO if it claims more than the ring can hold. */
static int update_req_prod(struct blk_ring *ring)
{
	uint32_t prod = load_index(ring, RING_REQ_PROD);

	/*
	 * The frontend may not overwrite requests that were taken and have no
	 * response yet. Nor may it take requests back.
	 */
	if (prod - ring->rsp_prod > ring->nr_slots ||
	    prod - ring->rsp_prod < ring->req_cons - ring->rsp_prod)
		return -EPROTO;
	/* Pairs with the frontend's barrier between writing requests and the index. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	ring->req_prod = prod;
	return 0;
}

/**
 * blk_ring_next() - take a request
 * @ring: the ring
 * @slot: out: a copy of it
 *
 * Return: 1, or 0 if there is none, or -EPROTO if the frontend broke the ring,
 * which then must not be used any more.
 */
int blk_ring_next(struct blk_ring *ring, uint8_t slot[BLK_SLOT_MAX])
{
	int ret;

	if (ring->req_cons == ring->req_prod) {
		ret = update_req_prod(ring);
		if (ret)
			return ret;
		if (ring->req_cons == ring->req_prod)
			return 0;
	}

	blk_copy_once(slot, slot_addr(ring, ring->req_cons), ring->layout->slot_size);
	ring->req_cons++;
	return 1;
}

/**
 * blk_ring_sleep() - ask for an event with the next request
 * @ring: a ring with no more requests
 *
 * Return: false if there are requests after all, so that no event may come.
 */
bool blk_ring_sleep(struct blk_ring *ring)
{
	store_index(ring, RING_REQ_EVENT, ring->req_cons + 1);
	/*
	 * Either the frontend sees req_event after it wrote req_prod and sends
	 * an event, or we see its req_prod.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return load_index(ring, RING_REQ_PROD) == ring->req_cons;
}

/**
 * blk_ring_respond() - write a response, which blk_ring_push() makes visible
 * @ring: the ring
 * @id: id of the request
 * @op: its operation
 * @status: BLKIF_RSP_*
 *
 * To be called once for each request taken, in any order.
 */
void blk_ring_respond(struct blk_ring *ring, uint64_t id, uint8_t op, int16_t status)
{
	volatile uint8_t *slot = slot_addr(ring, ring->rsp_prod);

	/* The response of the 32-bit protocol is aligned to 4 bytes only. */
	*(volatile uint32_t *)(slot + RSP_ID) = id;
	*(volatile uint32_t *)(slot + RSP_ID + 4) = id >> 32;
	*(slot + RSP_OP) = op;
	*(volatile int16_t *)(slot + RSP_STATUS) = status;
	ring->rsp_prod++;
}

/**
 * blk_ring_push() - show the frontend the responses written
 * @ring: the ring
 *
 * Return: true if the frontend asked for an event.
 */
bool blk_ring_push(struct blk_ring *ring)
{
	uint32_t old = load_index(ring, RING_RSP_PROD);

	/* Responses before the index. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	store_index(ring, RING_RSP_PROD, ring->rsp_prod);
	/* The index before rsp_event is read: see blk_ring_sleep() for the other end. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return ring->rsp_prod - load_index(ring, RING_RSP_EVENT) < ring->rsp_prod - old;
}

static uint16_t get16(const uint8_t *p)
{
	uint16_t val;

	memcpy(&val, p, sizeof(val));
	return val;
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t val;

	memcpy(&val, p, sizeof(val));
	return val;
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t val;

	memcpy(&val, p, sizeof(val));
	return val;
}

static int check_range(const struct blk_req *req, const struct blk_limits *limits)
{
	if (req->sector > limits->nr_sectors ||
	    req->nr_sectors > limits->nr_sectors - req->sector)
		return BLKIF_RSP_ERROR;
	return BLKIF_RSP_OKAY;
}

/**
 * blk_req_decode_segs() - check a request's segments
 * @req: request with its number of segments
 * @segs: the segments as the frontend wrote them, in memory that it cannot change
 * @limits: of the device
 *
 * Return: BLKIF_RSP_OKAY, or what to answer.
 */
int blk_req_decode_segs(struct blk_req *req, const void *segs, const struct blk_limits *limits)
{
	const uint8_t *p = segs;
	unsigned int i;

	req->nr_sectors = 0;
	for (i = 0; i < req->nr_segs; i++, p += sizeof(struct blkif_request_segment)) {
		uint8_t first = p[offsetof(struct blkif_request_segment, first_sect)];
		uint8_t last = p[offsetof(struct blkif_request_segment, last_sect)];

		if (first > last || last >= BLK_SECTORS_PER_PAGE)
			return BLKIF_RSP_ERROR;
		req->segs[i].gref = get32(p + offsetof(struct blkif_request_segment, gref));
		req->segs[i].first = first;
		req->segs[i].nr = last - first + 1;
		req->nr_sectors += req->segs[i].nr;
	}
	req->indirect = false;
	return check_range(req, limits);
}

static int decode_rw(struct blk_req *req, const struct blk_layout *layout, const uint8_t *slot,
		     const struct blk_limits *limits)
{
	req->sector = get64(slot + layout->sector);
	req->nr_segs = slot[REQ_NR_SEGS];
	if (req->nr_segs > BLKIF_MAX_SEGMENTS_PER_REQUEST)
		return BLKIF_RSP_ERROR;
	if (!req->nr_segs) {
		/* Only a flush may carry nothing, and its sector means nothing then. */
		req->sector = 0;
		return req->action == BLK_FLUSH ? BLKIF_RSP_OKAY : BLKIF_RSP_ERROR;
	}
	if (req->action != BLK_READ && limits->readonly)
		return BLKIF_RSP_ERROR;
	return blk_req_decode_segs(req, slot + layout->segs, limits);
}

static int decode_indirect(struct blk_req *req, const struct blk_layout *layout,
			   const uint8_t *slot, const struct blk_limits *limits)
{
	/* The response names the operation inside. */
	req->op = slot[REQ_INDIRECT_OP];
	if (req->op == BLKIF_OP_READ)
		req->action = BLK_READ;
	else if (req->op == BLKIF_OP_WRITE)
		req->action = BLK_WRITE;
	else
		return BLKIF_RSP_ERROR;
	if (req->action == BLK_WRITE && limits->readonly)
		return BLKIF_RSP_ERROR;

	req->sector = get64(slot + layout->sector);
	req->nr_segs = get16(slot + REQ_INDIRECT_NR);
	if (!req->nr_segs || req->nr_segs > BLK_MAX_SEGS) {
		req->nr_segs = 0;
		return BLKIF_RSP_ERROR;
	}
	req->indirect = true;
	req->indirect_gref = get32(slot + layout->indirect);
	return BLKIF_RSP_OKAY;
}

static int decode_discard(struct blk_req *req, const struct blk_layout *layout,
			  const uint8_t *slot, const struct blk_limits *limits)
{
	req->action = BLK_DISCARD;
	if (!limits->discard)
		return BLKIF_RSP_EOPNOTSUPP;
	if (limits->readonly)
		return BLKIF_RSP_ERROR;
	/* A secure discard was not offered, and is an ordinary one then. */
	req->sector = get64(slot + layout->sector);
	req->nr_sectors = get64(slot + layout->nr_sectors);
	return check_range(req, limits);
}

/**
 * blk_req_decode() - understand and check a request
 * @req: out: the request; @req->id and @req->op are always valid
 * @layout: protocol
 * @slot: a copy of the ring element
 * @limits: of the device
 *
 * If @req->indirect is set, the segments must be fetched from the page
 * @req->indirect_gref and given to blk_req_decode_segs().
 *
 * Return: BLKIF_RSP_OKAY, or what to answer.
 */
int blk_req_decode(struct blk_req *req, const struct blk_layout *layout,
		   const uint8_t slot[BLK_SLOT_MAX], const struct blk_limits *limits)
{
	req->id = get64(slot + layout->id);
	req->op = slot[REQ_OP];
	req->sector = 0;
	req->nr_sectors = 0;
	req->nr_segs = 0;
	req->indirect = false;

	switch (req->op) {
	case BLKIF_OP_READ:
		req->action = BLK_READ;
		return decode_rw(req, layout, slot, limits);
	case BLKIF_OP_WRITE:
		req->action = BLK_WRITE;
		return decode_rw(req, layout, slot, limits);
	case BLKIF_OP_FLUSH_DISKCACHE:
		req->action = BLK_FLUSH;
		return decode_rw(req, layout, slot, limits);
	case BLKIF_OP_DISCARD:
		return decode_discard(req, layout, slot, limits);
	case BLKIF_OP_INDIRECT:
		return decode_indirect(req, layout, slot, limits);
	default:
		return BLKIF_RSP_EOPNOTSUPP;
	}
}
