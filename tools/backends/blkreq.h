/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The block ring and its requests, as a frontend writes them and as the rest of
 * the backend may trust them. Nothing here sleeps, allocates or makes a system
 * call, and any bytes at all may be in the ring.
 */
#ifndef XENEMU_BLKREQ_H
#define XENEMU_BLKREQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/grant_table.h>
#include <xen/io/blkif.h>

#define BLK_SECTOR_SIZE		512
#define BLK_PAGE_SIZE		4096
#define BLK_SECTORS_PER_PAGE	(BLK_PAGE_SIZE / BLK_SECTOR_SIZE)

/* Most segments of a request. They fit into one indirect page. */
#define BLK_MAX_SEGS		256
#define BLK_SEGS_PER_PAGE	(BLK_PAGE_SIZE / sizeof(struct blkif_request_segment))

/* Largest element of a ring, in either protocol. */
#define BLK_SLOT_MAX		112

/* Largest ring: 16 pages. */
#define BLK_MAX_RING_ORDER	4

/**
 * struct blk_layout - where things are in a ring of one protocol
 * @name: name of the protocol in XenStore
 * @slot_size: bytes of a ring element
 * @id: offset of a request's id
 * @sector: offset of its sector number
 * @segs: offset of the segments of a read or write
 * @nr_sectors: offset of the length of a discard
 * @indirect: offset of an indirect request's grant references
 */
struct blk_layout {
	const char *name;
	uint8_t slot_size;
	uint8_t id;
	uint8_t sector;
	uint8_t segs;
	uint8_t nr_sectors;
	uint8_t indirect;
};

extern const struct blk_layout blk_layout_x86_32;
extern const struct blk_layout blk_layout_x86_64;

const struct blk_layout *blk_layout_find(const char *name);
void blk_copy_once(void *to, const volatile void *from, size_t len);

/**
 * struct blk_ring - the backend's end of a ring
 * @layout: protocol
 * @shared: the ring's pages. The frontend writes there at any time
 * @nr_slots: elements, a power of two
 * @req_cons: next request to take
 * @req_prod: requests known to be there; never more than @nr_slots past @rsp_prod
 * @rsp_prod: next response to write
 */
struct blk_ring {
	const struct blk_layout *layout;
	volatile uint8_t *shared;
	uint32_t nr_slots;
	uint32_t req_cons;
	uint32_t req_prod;
	uint32_t rsp_prod;
};

uint32_t blk_ring_slots(const struct blk_layout *layout, size_t size);
void blk_ring_attach(struct blk_ring *ring, const struct blk_layout *layout, void *shared,
		     size_t size);
int blk_ring_next(struct blk_ring *ring, uint8_t slot[BLK_SLOT_MAX]);
bool blk_ring_sleep(struct blk_ring *ring);
void blk_ring_respond(struct blk_ring *ring, uint64_t id, uint8_t op, int16_t status);
bool blk_ring_push(struct blk_ring *ring);

/* What a request wants. */
enum blk_action {
	BLK_READ,
	BLK_WRITE,
	BLK_FLUSH,
	BLK_DISCARD,
};

/**
 * struct blk_limits - what a device allows
 * @nr_sectors: its size
 * @readonly: no writes and no discards
 * @discard: discards are offered
 */
struct blk_limits {
	uint64_t nr_sectors;
	bool readonly;
	bool discard;
};

/**
 * struct blk_seg - a piece of a page
 * @gref: the page
 * @first: first sector
 * @nr: sectors, 1 to 8, all within the page
 */
struct blk_seg {
	uint32_t gref;
	uint8_t first;
	uint8_t nr;
};

/**
 * struct blk_req - a request that has been checked
 * @id: the frontend's name for it
 * @op: operation to name in the response
 * @action: what to do; BLK_FLUSH with segments writes them after the flush
 * @sector: first sector; @sector + @nr_sectors is within the device
 * @nr_sectors: sectors; the sum of the segments', if there are any
 * @nr_segs: segments, at most BLK_MAX_SEGS
 * @indirect: the segments are yet to be read from @indirect_gref
 * @indirect_gref: page of an indirect request's segments
 * @segs: the segments
 */
struct blk_req {
	uint64_t id;
	uint8_t op;
	enum blk_action action;
	uint64_t sector;
	uint64_t nr_sectors;
	uint16_t nr_segs;
	bool indirect;
	uint32_t indirect_gref;
	struct blk_seg segs[BLK_MAX_SEGS];
};

int blk_req_decode(struct blk_req *req, const struct blk_layout *layout,
		   const uint8_t slot[BLK_SLOT_MAX], const struct blk_limits *limits);
int blk_req_decode_segs(struct blk_req *req, const void *segs, const struct blk_limits *limits);

#endif /* XENEMU_BLKREQ_H */
