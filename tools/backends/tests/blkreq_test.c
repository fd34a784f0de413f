// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of the block backend that make no system call: numbers of devices,
 * requests and rings, with well-formed and with hostile input.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "blkreq.h"
#include "tap.h"

bool tap_failed;

#define DISK_SECTORS	1000

static const struct blk_limits rw_limits = { .nr_sectors = DISK_SECTORS, .discard = true };
static const struct blk_limits ro_limits = { .nr_sectors = DISK_SECTORS, .readonly = true };

static const struct blk_layout *const layouts[] = { &blk_layout_x86_64, &blk_layout_x86_32 };

#define for_each_layout(l) \
	for (unsigned int l##_i = 0; l##_i < 2 && ((l) = layouts[l##_i]); l##_i++)

/* Numbers that are the same in every run. */
static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t random_u64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void put(uint8_t *p, uint64_t val, unsigned int bytes)
{
	memcpy(p, &val, bytes);
}

/* A read or write of whole pages, as a frontend of either kind would lay it out. */
static void make_rw(uint8_t *slot, const struct blk_layout *l, uint8_t op, uint64_t sector,
		    unsigned int nr_segs)
{
	unsigned int i;

	memset(slot, 0xcc, BLK_SLOT_MAX);
	slot[0] = op;
	slot[1] = nr_segs;
	put(slot + l->id, 0x1122334455667788, 8);
	put(slot + l->sector, sector, 8);
	for (i = 0; i < nr_segs && i < BLKIF_MAX_SEGMENTS_PER_REQUEST; i++) {
		put(slot + l->segs + i * 8, 100 + i, 4);
		slot[l->segs + i * 8 + 4] = 0;
		slot[l->segs + i * 8 + 5] = 7;
	}
}

static void make_discard(uint8_t *slot, const struct blk_layout *l, uint64_t sector, uint64_t nr)
{
	memset(slot, 0xcc, BLK_SLOT_MAX);
	slot[0] = BLKIF_OP_DISCARD;
	slot[1] = 0;
	put(slot + l->id, 5, 8);
	put(slot + l->sector, sector, 8);
	put(slot + l->nr_sectors, nr, 8);
}

static void make_indirect(uint8_t *slot, const struct blk_layout *l, uint8_t op, uint64_t sector,
			  unsigned int nr_segs)
{
	memset(slot, 0xcc, BLK_SLOT_MAX);
	slot[0] = BLKIF_OP_INDIRECT;
	slot[1] = op;
	put(slot + 2, nr_segs, 2);
	put(slot + l->id, 6, 8);
	put(slot + l->sector, sector, 8);
	put(slot + l->indirect, 77, 4);
}

static void test_devid(void)
{
	static const struct {
		const char *name;
		long long devid;
	} cases[] = {
		{ "xvda", 51712 }, { "xvda1", 51713 }, { "xvdb", 51728 }, { "xvdp", 51952 },
		{ "xvdp15", 51967 }, { "xvdq", 268439552 }, { "xvda16", 268435472 },
		{ "xvdz", (1 << 28) | 25 << 8 }, { "xvdaa", (1 << 28) | 26 << 8 },
		{ "xvdq3", 268439555 }, { "xvda255", 268435711 },
		{ "sda", 2048 }, { "sdp15", 2303 }, { "hda", 768 }, { "hdb", 832 },
		{ "hdc", 5632 }, { "hdd63", 5759 }, { "51712", 51712 }, { "0", 0 },
		{ "", -1 }, { "x", -1 }, { "xvd", -1 }, { "hd", -1 }, { "xvdA", -1 },
		{ "xvda0", -1 }, { "xvda01", -1 }, { "xvda256", -1 }, { "xvda ", -1 },
		{ "xvda1x", -1 }, { "sdq", -1 }, { "sda16", -1 }, { "hde", -1 }, { "hda64", -1 },
		{ "xvdzzzzzzzz", -1 }, { "vda", -1 }, { "-1", -1 }, { "99999999999", -1 },
		{ "536870912", -1 },
	};
	unsigned int i;
	uint32_t devid;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int ret = xb_vbd_devid(cases[i].name, &devid);
		long long got = ret ? -1 : (long long)devid;

		if (got != cases[i].devid) {
			printf("# %s: %lld\n", cases[i].name, got);
			tap_failed = true;
		}
	}
}

static void test_rw(void)
{
	const struct blk_layout *l;
	uint8_t slot[BLK_SLOT_MAX];
	struct blk_req req;

	for_each_layout(l) {
		make_rw(slot, l, BLKIF_OP_WRITE, 40, 11);
		slot[l->segs + 4] = 2;
		slot[l->segs + 5] = 2;
		TAP_EQUAL(blk_req_decode(&req, l, slot, &rw_limits), BLKIF_RSP_OKAY);
		TAP_CHECK(req.id == 0x1122334455667788);
		TAP_EQUAL(req.op, BLKIF_OP_WRITE);
		TAP_EQUAL(req.action, BLK_WRITE);
		TAP_EQUAL(req.sector, 40);
		TAP_EQUAL(req.nr_sectors, 1 + 10 * 8);
		TAP_EQUAL(req.nr_segs, 11);
		TAP_EQUAL(req.segs[0].gref, 100);
		TAP_EQUAL(req.segs[0].first, 2);
		TAP_EQUAL(req.segs[0].nr, 1);
		TAP_EQUAL(req.segs[10].gref, 110);
		TAP_CHECK(!req.indirect);

		TAP_EQUAL(blk_req_decode(&req, l, slot, &ro_limits), BLKIF_RSP_ERROR);
		slot[0] = BLKIF_OP_READ;
		TAP_EQUAL(blk_req_decode(&req, l, slot, &ro_limits), BLKIF_RSP_OKAY);
		TAP_EQUAL(req.action, BLK_READ);
	}
}

static void test_rw_refused(void)
{
	const struct blk_layout *l;
	uint8_t slot[BLK_SLOT_MAX];
	struct blk_req req;
	unsigned int i;
	static const struct {
		uint8_t first, last;
	} bad[] = { { 1, 0 }, { 7, 6 }, { 0, 8 }, { 8, 8 }, { 0, 255 }, { 255, 255 }, { 255, 0 } };

	for_each_layout(l) {
		make_rw(slot, l, BLKIF_OP_READ, 0, 0);
		TAP_EQUAL(blk_req_decode(&req, l, slot, &rw_limits), BLKIF_RSP_ERROR);
		for (i = 12; i < 256; i++) {
			make_rw(slot, l, BLKIF_OP_READ, 0, i);
			TAP_EQUAL(blk_req_decode(&req, l, slot, &rw_limits), BLKIF_RSP_ERROR);
		}
		for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			make_rw(slot, l, BLKIF_OP_READ, 0, 3);
			slot[l->segs + 16 + 4] = bad[i].first;
			slot[l->segs + 16 + 5] = bad[i].last;
			TAP_EQUAL(blk_req_decode(&req, l, slot, &rw_limits), BLKIF_RSP_ERROR);
		}
	}
}

static void test_range(void)
{
	const struct blk_layout *l;
	uint8_t slot[BLK_SLOT_MAX];
	struct blk_req req;
	unsigned int i;
	static const uint64_t bad[] = {
		DISK_SECTORS - 7, DISK_SECTORS, DISK_SECTORS + 1, UINT64_MAX, UINT64_MAX - 7,
		UINT64_MAX - 8, 1ULL << 63, 1ULL << 55, 1ULL << 54,
	};

	for_each_layout(l) {
		make_rw(slot, l, BLKIF_OP_WRITE, DISK_SECTORS - 8, 1);
		TAP_EQUAL(blk_req_decode(&req, l, slot, &rw_limits), BLKIF_RSP_OKAY);
		for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			make_rw(slot, l, BLKIF_OP_WRITE, bad[i], 1);
			TAP_EQUAL(blk_req_decode(&req, l, slot, &rw_limits), BLKIF_RSP_ERROR);
			make_discard(slot, l, bad[i], 8);
			TAP_EQUAL(blk_req_decode(&req, l, slot, &rw_limits), BLKIF_RSP_ERROR);
			make_discard(slot, l, 8, bad[i]);
			TAP_EQUAL(blk_req_decode(&req, l, slot, &rw_limits), BLKIF_RSP_ERROR);
		}
	}
}

static void test_other_ops(void)
{
	const struct blk_layout *l;
	uint8_t slot[BLK_SLOT_MAX];
	struct blk_req req;
	unsigned int op;

	for_each_layout(l) {
		/* An empty flush has no place. */
		make_rw(slot, l, BLKIF_OP_FLUSH_DISKCACHE, UINT64_MAX, 0);
		TAP_EQUAL(blk_req_decode(&req, l, slot, &rw_limits), BLKIF_RSP_OKAY);
		TAP_EQUAL(req.action, BLK_FLUSH);
		TAP_EQUAL(req.nr_segs, 0);
		TAP_EQUAL(blk_req_decode(&req, l, slot, &ro_limits), BLKIF_RSP_OKAY);
		make_rw(slot, l, BLKIF_OP_FLUSH_DISKCACHE, 8, 2);
		TAP_EQUAL(blk_req_decode(&req, l, slot, &rw_limits), BLKIF_RSP_OKAY);
		TAP_EQUAL(req.nr_sectors, 16);
		TAP_EQUAL(blk_req_decode(&req, l, slot, &ro_limits), BLKIF_RSP_ERROR);

		make_discard(slot, l, 8, DISK_SECTORS - 8);
		TAP_EQUAL(blk_req_decode(&req, l, slot, &rw_limits), BLKIF_RSP_OKAY);
		TAP_EQUAL(req.action, BLK_DISCARD);
		TAP_EQUAL(req.nr_sectors, DISK_SECTORS - 8);
		TAP_EQUAL(blk_req_decode(&req, l, slot, &ro_limits), BLKIF_RSP_EOPNOTSUPP);

		for (op = 0; op < 256; op++) {
			if (op <= BLKIF_OP_WRITE || op == BLKIF_OP_FLUSH_DISKCACHE ||
			    op == BLKIF_OP_DISCARD || op == BLKIF_OP_INDIRECT)
				continue;
			make_rw(slot, l, op, 0, 1);
			TAP_EQUAL(blk_req_decode(&req, l, slot, &rw_limits),
				  BLKIF_RSP_EOPNOTSUPP);
			TAP_EQUAL(req.op, op);
			TAP_CHECK(req.id == 0x1122334455667788);
		}
	}
}

static void test_indirect(void)
{
	struct blkif_request_segment segs[BLK_MAX_SEGS];
	const struct blk_layout *l;
	uint8_t slot[BLK_SLOT_MAX];
	struct blk_req req;
	unsigned int i;

	for (i = 0; i < BLK_MAX_SEGS; i++) {
		segs[i].gref = 1000 + i;
		segs[i].first_sect = i & 1;
		segs[i].last_sect = 1;
	}
	for_each_layout(l) {
		make_indirect(slot, l, BLKIF_OP_WRITE, 3, BLK_MAX_SEGS);
		TAP_EQUAL(blk_req_decode(&req, l, slot, &rw_limits), BLKIF_RSP_OKAY);
		TAP_EQUAL(req.op, BLKIF_OP_WRITE);
		TAP_CHECK(req.indirect);
		TAP_EQUAL(req.indirect_gref, 77);
		TAP_EQUAL(blk_req_decode_segs(&req, segs, &rw_limits), BLKIF_RSP_OKAY);
		TAP_CHECK(!req.indirect);
		TAP_EQUAL(req.nr_sectors, BLK_MAX_SEGS * 3 / 2);
		TAP_EQUAL(req.segs[255].gref, 1255);
		TAP_EQUAL(req.segs[255].first, 1);

		TAP_EQUAL(blk_req_decode(&req, l, slot, &ro_limits), BLKIF_RSP_ERROR);
		make_indirect(slot, l, BLKIF_OP_READ, DISK_SECTORS - 383, BLK_MAX_SEGS);
		TAP_EQUAL(blk_req_decode(&req, l, slot, &ro_limits), BLKIF_RSP_OKAY);
		TAP_EQUAL(blk_req_decode_segs(&req, segs, &ro_limits), BLKIF_RSP_ERROR);

		make_indirect(slot, l, BLKIF_OP_READ, 0, 0);
		TAP_EQUAL(blk_req_decode(&req, l, slot, &rw_limits), BLKIF_RSP_ERROR);
		make_indirect(slot, l, BLKIF_OP_READ, 0, BLK_MAX_SEGS + 1);
		TAP_EQUAL(blk_req_decode(&req, l, slot, &rw_limits), BLKIF_RSP_ERROR);
		make_indirect(slot, l, BLKIF_OP_READ, 0, 65535);
		TAP_EQUAL(blk_req_decode(&req, l, slot, &rw_limits), BLKIF_RSP_ERROR);
		for (i = 2; i < 256; i++) {
			make_indirect(slot, l, i, 0, 1);
			TAP_EQUAL(blk_req_decode(&req, l, slot, &rw_limits), BLKIF_RSP_ERROR);
			TAP_EQUAL(req.op, i);
		}
	}
}

/* Whatever is accepted must be within the device and within the arrays. */
static void check_accepted(const struct blk_req *req)
{
	uint64_t sum = 0;
	unsigned int i;

	TAP_CHECK(req->nr_segs <= BLK_MAX_SEGS);
	TAP_CHECK(req->sector <= DISK_SECTORS && req->nr_sectors <= DISK_SECTORS - req->sector);
	for (i = 0; i < req->nr_segs; i++) {
		TAP_CHECK(req->segs[i].nr && req->segs[i].first + req->segs[i].nr <= 8);
		sum += req->segs[i].nr;
	}
	TAP_CHECK(req->action == BLK_DISCARD || sum == req->nr_sectors);
}

static void test_random_requests(void)
{
	uint8_t slot[BLK_SLOT_MAX], segs[BLK_PAGE_SIZE];
	unsigned int i, j, accepted = 0;
	struct blk_req req;

	for (i = 0; i < 300000 && !tap_failed; i++) {
		const struct blk_layout *l = layouts[i & 1];

		for (j = 0; j < sizeof(slot); j++)
			slot[j] = random_u64();
		/* Mostly something that has a chance. */
		if (i & 2)
			slot[0] %= 7;
		if (i & 4)
			slot[1] %= 12;
		if (i & 8)
			put(slot + l->sector, random_u64() % (DISK_SECTORS + 10), 8);
		if (i & 16) {
			for (j = 0; j < 11; j++) {
				slot[l->segs + j * 8 + 4] &= 3;
				slot[l->segs + j * 8 + 5] %= 9;
			}
		}
		if (blk_req_decode(&req, l, slot, &rw_limits))
			continue;
		if (req.indirect) {
			for (j = 0; j < req.nr_segs * 8u; j++)
				segs[j] = random_u64() % 8;
			if (blk_req_decode_segs(&req, segs, &rw_limits))
				continue;
		}
		check_accepted(&req);
		accepted++;
	}
	TAP_CHECK(accepted > 1000);
}

/* A ring as a frontend sees it; the memory is exactly as long as the ring. */
struct fake_ring {
	struct blk_ring ring;
	uint8_t *mem;
	size_t size;
};

static void make_ring(struct fake_ring *f, const struct blk_layout *l, unsigned int order,
		      uint32_t start)
{
	uint32_t idx[4] = { start, start + 1, start, start + 1 };

	f->size = (size_t)BLK_PAGE_SIZE << order;
	f->mem = aligned_alloc(BLK_PAGE_SIZE, f->size);
	memset(f->mem, 0, f->size);
	memcpy(f->mem, idx, sizeof(idx));
	blk_ring_attach(&f->ring, l, f->mem, f->size);
}

static uint32_t *index_of(struct fake_ring *f, unsigned int which)
{
	return (uint32_t *)f->mem + which;
}

static void test_ring_sizes(void)
{
	static const unsigned int want[] = { 32, 64, 128, 256, 512 };
	const struct blk_layout *l;
	unsigned int order;

	for_each_layout(l) {
		for (order = 0; order <= BLK_MAX_RING_ORDER; order++)
			TAP_EQUAL(blk_ring_slots(l, BLK_PAGE_SIZE << order), want[order]);
	}
	TAP_CHECK(blk_layout_find("x86_64-abi") == &blk_layout_x86_64);
	TAP_CHECK(blk_layout_find("x86_32-abi") == &blk_layout_x86_32);
	TAP_CHECK(!blk_layout_find("arm-abi"));
	TAP_CHECK(!blk_layout_find(""));
}

/* Several times around, across the wrap of the indexes, responses in reverse order. */
static void test_ring_order(void)
{
	const struct blk_layout *l;
	uint8_t slot[BLK_SLOT_MAX];
	struct fake_ring f;
	unsigned int i, round;
	uint64_t id;

	for_each_layout(l) {
		make_ring(&f, l, 0, UINT32_MAX - 40);
		for (round = 0; round < 4; round++) {
			uint32_t prod = *index_of(&f, 0);

			for (i = 0; i < 32; i++) {
				uint8_t *s = f.mem + 64 + ((prod + i) & 31) * l->slot_size;

				memset(s, i, l->slot_size);
			}
			*index_of(&f, 0) = prod + 32;
			for (i = 0; i < 32; i++) {
				TAP_EQUAL(blk_ring_next(&f.ring, slot), 1);
				TAP_EQUAL(slot[0], i);
				TAP_EQUAL(slot[l->slot_size - 1], i);
			}
			TAP_EQUAL(blk_ring_next(&f.ring, slot), 0);
			TAP_CHECK(blk_ring_sleep(&f.ring));
			TAP_EQUAL(*index_of(&f, 1), (uint32_t)(prod + 33));
			for (i = 0; i < 32; i++)
				blk_ring_respond(&f.ring, 0xabcd00000000 + 31 - i, 1, -1);
			TAP_EQUAL(*index_of(&f, 2), prod);
			*index_of(&f, 3) = prod + 1;
			TAP_CHECK(blk_ring_push(&f.ring));
			TAP_CHECK(!blk_ring_push(&f.ring));
			TAP_EQUAL(*index_of(&f, 2), (uint32_t)(prod + 32));
			for (i = 0; i < 32; i++) {
				uint8_t *s = f.mem + 64 + ((prod + i) & 31) * l->slot_size;
				int16_t status;

				memcpy(&id, s, 8);
				memcpy(&status, s + 10, 2);
				TAP_CHECK(id == 0xabcd00000000u + 31 - i);
				TAP_EQUAL(s[8], 1);
				TAP_EQUAL(status, -1);
			}
		}
		free(f.mem);
	}
}

static void test_ring_notify(void)
{
	uint8_t slot[BLK_SLOT_MAX];
	struct fake_ring f;

	make_ring(&f, &blk_layout_x86_64, 0, 0);
	*index_of(&f, 0) = 3;
	while (blk_ring_next(&f.ring, slot) == 1)
		;
	/* An event only for the response that the frontend waits for. */
	*index_of(&f, 3) = 2;
	blk_ring_respond(&f.ring, 1, 0, 0);
	TAP_CHECK(!blk_ring_push(&f.ring));
	blk_ring_respond(&f.ring, 2, 0, 0);
	TAP_CHECK(blk_ring_push(&f.ring));
	blk_ring_respond(&f.ring, 3, 0, 0);
	TAP_CHECK(!blk_ring_push(&f.ring));
	/* A request that came before we asked for an event is seen. */
	*index_of(&f, 0) = 4;
	TAP_CHECK(!blk_ring_sleep(&f.ring));
	TAP_EQUAL(blk_ring_next(&f.ring, slot), 1);
	free(f.mem);
}

static void test_ring_hostile_producer(void)
{
	static const uint32_t starts[] = { 0, 5, UINT32_MAX, UINT32_MAX - 31, 1U << 31 };
	static const uint32_t ahead[] = { 33, 64, 1000, 1U << 31, UINT32_MAX, UINT32_MAX - 31 };
	uint8_t slot[BLK_SLOT_MAX];
	struct fake_ring f;
	unsigned int i, j;

	for (i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		for (j = 0; j < sizeof(ahead) / sizeof(ahead[0]); j++) {
			make_ring(&f, &blk_layout_x86_32, 0, starts[i]);
			*index_of(&f, 0) = starts[i] + ahead[j];
			TAP_EQUAL(blk_ring_next(&f.ring, slot), -EPROTO);
			TAP_EQUAL(f.ring.req_cons, starts[i]);
			free(f.mem);
		}
	}

	/* It may not reuse slots that have no response, nor take requests back. */
	make_ring(&f, &blk_layout_x86_64, 0, 0);
	*index_of(&f, 0) = 10;
	for (i = 0; i < 10; i++)
		TAP_EQUAL(blk_ring_next(&f.ring, slot), 1);
	*index_of(&f, 0) = 9;
	TAP_EQUAL(blk_ring_next(&f.ring, slot), -EPROTO);
	*index_of(&f, 0) = 33;
	TAP_EQUAL(blk_ring_next(&f.ring, slot), -EPROTO);
	*index_of(&f, 0) = 32;
	TAP_EQUAL(blk_ring_next(&f.ring, slot), 1);
	free(f.mem);
}

/* Indexes and slots change at random. The backend never has more than the ring holds. */
static void test_ring_random(void)
{
	uint8_t slot[BLK_SLOT_MAX];
	unsigned int i, broken = 0, taken = 0;
	struct fake_ring f;

	make_ring(&f, &blk_layout_x86_64, 1, 0);
	for (i = 0; i < 300000 && !tap_failed; i++) {
		uint64_t r = random_u64();
		unsigned int inflight = f.ring.req_cons - f.ring.rsp_prod;
		int ret;

		TAP_CHECK(inflight <= f.ring.nr_slots);
		switch (r % 8) {
		case 0:
			*index_of(&f, r / 8 % 4) = r >> 32;
			break;
		case 1:
			*index_of(&f, 0) = f.ring.rsp_prod + r / 8 % 70;
			break;
		case 2:
		case 3:
			if (inflight)
				blk_ring_respond(&f.ring, r, r, r);
			break;
		case 4:
			blk_ring_push(&f.ring);
			break;
		case 5:
			blk_ring_sleep(&f.ring);
			break;
		default:
			ret = blk_ring_next(&f.ring, slot);
			if (ret < 0) {
				broken++;
				blk_ring_attach(&f.ring, &blk_layout_x86_64, f.mem, f.size);
			}
			taken += ret > 0;
			break;
		}
	}
	TAP_CHECK(broken > 100);
	TAP_CHECK(taken > 100);
	free(f.mem);
}

static const struct tap_test tests[] = {
	{ "devid.names", test_devid },
	{ "req.read_write", test_rw },
	{ "req.read_write_refused", test_rw_refused },
	{ "req.range", test_range },
	{ "req.other_operations", test_other_ops },
	{ "req.indirect", test_indirect },
	{ "req.random", test_random_requests },
	{ "ring.sizes", test_ring_sizes },
	{ "ring.order", test_ring_order },
	{ "ring.notify", test_ring_notify },
	{ "ring.hostile_producer", test_ring_hostile_producer },
	{ "ring.random", test_ring_random },
};

int main(void)
{
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
