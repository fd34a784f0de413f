// SPDX-License-Identifier: GPL-2.0-only
/*
 * A block ring with any bytes in it, changed between the backend's steps, and what the
 * requests in it are taken for.
 *
 * Input: a byte of settings, then steps: a byte that says what happens, and the bytes
 * that the frontend writes.
 */
#include <errno.h>
#include <stdbool.h>

#include "backends/blkreq.h"
#include "input.h"

#define MAX_PAGES	(1u << BLK_MAX_RING_ORDER)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct device {
	struct blk_ring ring;
	struct blk_limits limits;
	uint8_t *shared;
	size_t size;
};

/* What the rest of the backend relies on. */
static void check_request(const struct blk_req *req, const struct blk_limits *limits)
{
	uint64_t sum = 0;
	unsigned int i;

	expect(req->nr_segs <= BLK_MAX_SEGS);
	expect(!limits->readonly || req->action == BLK_READ ||
	       (req->action == BLK_FLUSH && !req->nr_segs));
	expect(limits->discard || req->action != BLK_DISCARD);
	if (req->indirect) {
		expect(req->nr_segs);
		return;
	}
	expect(req->sector <= limits->nr_sectors);
	expect(req->nr_sectors <= limits->nr_sectors - req->sector);
	for (i = 0; i < req->nr_segs; i++) {
		expect(req->segs[i].nr >= 1);
		expect(req->segs[i].first + req->segs[i].nr <= BLK_SECTORS_PER_PAGE);
		sum += req->segs[i].nr;
	}
	expect(req->action == BLK_DISCARD || req->nr_sectors == sum);
}

/* The page of an indirect request's segments: what the ring holds will do. */
static int decode_indirect(struct device *dev, struct blk_req *req)
{
	static uint8_t segs[BLK_PAGE_SIZE];
	int status;

	memcpy(segs, dev->shared, BLK_PAGE_SIZE);
	status = blk_req_decode_segs(req, segs, &dev->limits);
	if (status == BLKIF_RSP_OKAY)
		check_request(req, &dev->limits);
	return status;
}

static void decode(struct device *dev, const uint8_t *slot)
{
	/* What an earlier request left there is what must not be taken for this one's. */
	static struct blk_req req;
	int status;

	status = blk_req_decode(&req, dev->ring.layout, slot, &dev->limits);
	if (status == BLKIF_RSP_OKAY) {
		check_request(&req, &dev->limits);
		if (req.indirect)
			status = decode_indirect(dev, &req);
	}
	blk_ring_respond(&dev->ring, req.id, req.op, status);
}

/* As the backend does; false when the frontend has broken the ring. */
static bool serve(struct device *dev)
{
	uint8_t slot[BLK_SLOT_MAX];
	uint32_t taken = 0;
	int ret;

	while ((ret = blk_ring_next(&dev->ring, slot)) > 0) {
		expect(++taken <= dev->ring.nr_slots);
		decode(dev, slot);
	}
	expect(ret == 0 || ret == -EPROTO);
	expect(dev->ring.req_cons == dev->ring.rsp_prod);
	blk_ring_push(&dev->ring);
	if (!ret)
		blk_ring_sleep(&dev->ring);
	return !ret;
}

static void write_slot(struct device *dev, struct input *in)
{
	size_t slot_size = dev->ring.layout->slot_size;
	uint8_t *slot = dev->shared + 64 + next(in, 1) % dev->ring.nr_slots * slot_size;
	size_t len = next(in, 1) % (slot_size + 1);

	if (len > in->size)
		len = in->size;
	memcpy(slot, in->data, len);
	in->data += len;
	in->size -= len;
}

static bool step(struct device *dev, struct input *in)
{
	uint32_t *index = (uint32_t *)dev->shared;

	switch (next(in, 1) % 4) {
	case 0:
		return serve(dev);
	case 1:
		write_slot(dev, in);
		break;
	case 2:
		/* Few: most of them are empty. */
		index[0] += next(in, 1) % 8;
		break;
	case 3:
		index[next(in, 1) % 4] = next(in, 4);
		break;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static _Alignas(4) uint8_t page[BLK_PAGE_SIZE], pages[MAX_PAGES * BLK_PAGE_SIZE];
	struct input in = { data, size };
	uint8_t settings = next(&in, 1);
	struct device dev = {
		.limits = {
			.nr_sectors = settings & 1 ? UINT64_MAX : 100,
			.readonly = settings & 2,
			.discard = settings & 4,
		},
		.size = settings & 8 ? MAX_PAGES * BLK_PAGE_SIZE : BLK_PAGE_SIZE,
	};

	/* Each of its exact size, so that a step outside of it is seen. */
	dev.shared = dev.size == BLK_PAGE_SIZE ? page : pages;
	memset(dev.shared, 0, dev.size);
	((uint32_t *)dev.shared)[2] = settings & 32 ? UINT32_MAX - 2 : 0;
	((uint32_t *)dev.shared)[0] = ((uint32_t *)dev.shared)[2];
	blk_ring_attach(&dev.ring, settings & 16 ? &blk_layout_x86_32 : &blk_layout_x86_64,
			dev.shared, dev.size);
	while (in.size && step(&dev, &in))
		;
	return 0;
}
