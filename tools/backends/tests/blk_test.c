// SPDX-License-Identifier: GPL-2.0-only
/*
 * The whole block backend against a fake guest: what it reads and writes, what it
 * holds of the guest's, and what a hostile guest gets.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"
#include "blk.h"
#include "fake.h"
#include "front.h"
#include "tap.h"
#include "xsclient.h"

bool tap_failed;

#define DISK_SIZE	(8 << 20)
#define DISK_SECTORS	(DISK_SIZE / 512)

static char disk_path[64];
static int disk_fd;
static struct xb_blk *blk;
static unsigned int nr_logged;

static void count_line(void *arg, const char *line)
{
	(void)arg;
	(void)line;
	nr_logged++;
}

static struct xb_blk_config make_config(bool readonly)
{
	return (struct xb_blk_config) {
		.store_fd = fake_store_fd(),
		.evtchn_fd = fake_evtchn_fd(),
		.gnttab_fd = fake_gnttab_fd(),
		.domid = FAKE_DOMID,
		.devid = FRONT_DEVID,
		.path = disk_path,
		.readonly = readonly,
		.log = count_line,
	};
}

static void create_nodes(bool readonly)
{
	struct xb_vbd vbd = {
		.domid = FAKE_DOMID,
		.devid = FRONT_DEVID,
		.dev = "xvda",
		.path = disk_path,
		.readonly = readonly,
		.bootable = true,
	};
	struct xenemu_xs xs;

	xenemu_xs_init(&xs, fake_store_fd());
	TAP_EQUAL(xb_vbd_create(&xs, &vbd), 0);
}

/* A disk of zeros, its nodes and a running backend. */
static bool setup(bool readonly)
{
	struct xb_blk_config config;
	unsigned int i;

	snprintf(disk_path, sizeof(disk_path), "%s/xenemu-blk-XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	disk_fd = mkstemp(disk_path);
	if (disk_fd < 0 || ftruncate(disk_fd, DISK_SIZE))
		abort();
	fake_init();
	for (i = FRONT_LISTS; i < FAKE_PAGES; i++)
		fake_grant(i, i, false);
	create_nodes(readonly);
	nr_logged = 0;
	config = make_config(readonly);
	blk = NULL;
	TAP_EQUAL(xb_blk_start(&config, &blk), 0);
	return blk;
}

/* Nothing of the guest's may be held when the backend has gone. */
static void teardown(void)
{
	struct fake_stats stats;

	xb_blk_stop(blk);
	fake_stats(&stats);
	TAP_EQUAL(stats.pins, 0);
	TAP_EQUAL(stats.maps, 0);
	TAP_EQUAL(stats.bound, 0);
	TAP_EQUAL(fake_watches(), 0);
	fake_exit();
	close(disk_fd);
	unlink(disk_path);
}

static struct front default_front(void)
{
	return (struct front) {
		.layout = &blk_layout_x86_64,
		.say_protocol = true,
		.nr_queues = 1,
	};
}

static void fill_page(unsigned int page, unsigned int seed)
{
	uint32_t *p = fake_page(page);
	unsigned int i;

	for (i = 0; i < BLK_PAGE_SIZE / 4; i++)
		p[i] = seed * 1000003 + i;
}

static bool page_has(unsigned int page, unsigned int seed)
{
	const uint32_t *p = fake_page(page);
	unsigned int i;

	for (i = 0; i < BLK_PAGE_SIZE / 4; i++) {
		if (p[i] != seed * 1000003 + i)
			return false;
	}
	return true;
}

static bool disk_has(uint64_t sector, const void *data, size_t len)
{
	char *buf = malloc(len);
	bool same;

	same = pread(disk_fd, buf, len, sector * 512) == (ssize_t)len && !memcmp(buf, data, len);
	free(buf);
	return same;
}

static void whole_pages(struct front_seg *segs, unsigned int nr, uint32_t first)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		segs[i] = (struct front_seg) { .gref = first + i, .first = 0, .last = 7 };
}

/*
 * Until the backend has looked at the states that were written so far. When their
 * events are read, a look is due; a later event brings another at most.
 */
static void wait_for_look(void)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	struct fake_stats before, now;

	while (!fake_store_is_read())
		nanosleep(&ms, NULL);
	fake_stats(&before);
	fake_write(BACK_NODE("online"), "1");
	do {
		nanosleep(&ms, NULL);
		fake_stats(&now);
	} while (now.looks == before.looks);
}

static unsigned int number(const char *path)
{
	char val[32];

	return fake_read(path, val, sizeof(val)) ? strtoul(val, NULL, 10) : UINT32_MAX;
}

static void test_nodes(void)
{
	struct front f = default_front();
	char val[128];

	if (!setup(false))
		return;
	TAP_CHECK(!strcmp(fake_perms("/local/domain/7/device/vbd/51712", val, sizeof(val)),
			  "n7,r0"));
	TAP_CHECK(!strcmp(fake_perms("/local/domain/0/backend/vbd/7/51712", val, sizeof(val)),
			  "n0,r7"));
	TAP_CHECK(fake_read(FRONT_NODE("backend"), val, sizeof(val)) &&
		  !strcmp(val, "/local/domain/0/backend/vbd/7/51712"));
	TAP_CHECK(fake_read(BACK_NODE("frontend"), val, sizeof(val)) &&
		  !strcmp(val, "/local/domain/7/device/vbd/51712"));
	TAP_CHECK(fake_read(BACK_NODE("mode"), val, sizeof(val)) && !strcmp(val, "w"));
	TAP_CHECK(fake_read(BACK_NODE("dev"), val, sizeof(val)) && !strcmp(val, "xvda"));
	TAP_EQUAL(number(FRONT_NODE("virtual-device")), 51712);
	TAP_EQUAL(number(BACK_NODE("frontend-id")), 7);
	TAP_EQUAL(number(BACK_NODE("online")), 1);

	TAP_CHECK(front_wait_back(2));
	TAP_EQUAL(number(BACK_NODE("feature-flush-cache")), 1);
	TAP_EQUAL(number(BACK_NODE("feature-discard")), 1);
	TAP_EQUAL(number(BACK_NODE("feature-persistent")), 1);
	TAP_EQUAL(number(BACK_NODE("feature-max-indirect-segments")), 256);
	TAP_EQUAL(number(BACK_NODE("max-ring-page-order")), 4);
	TAP_EQUAL(number(BACK_NODE("multi-queue-max-queues")), 4);
	TAP_CHECK(front_connect(&f));
	TAP_EQUAL(number(BACK_NODE("sectors")), DISK_SECTORS);
	TAP_EQUAL(number(BACK_NODE("sector-size")), 512);
	TAP_EQUAL(number(BACK_NODE("info")), 0);
	TAP_CHECK(front_close());
	TAP_EQUAL(nr_logged, 0);
	teardown();
}

/* Each kind of frontend writes and reads back, by whole pages and by sectors. */
static void check_data(struct front *f)
{
	struct front_seg segs[11];
	unsigned int i;

	TAP_CHECK(front_connect(f));
	for (i = 0; i < 11; i++)
		fill_page(FRONT_DATA + i, i);
	whole_pages(segs, 11, FRONT_DATA);
	TAP_EQUAL(front_do(f, BLKIF_OP_WRITE, 16, segs, 11), BLKIF_RSP_OKAY);
	TAP_CHECK(disk_has(16, fake_page(FRONT_DATA), 11 * 4096));
	whole_pages(segs, 11, FRONT_DATA + 20);
	TAP_EQUAL(front_do(f, BLKIF_OP_READ, 16, segs, 11), BLKIF_RSP_OKAY);
	for (i = 0; i < 11; i++)
		TAP_CHECK(page_has(FRONT_DATA + 20 + i, i));

	/* Sectors 3 to 5 of one page, then 1 of another, to an odd place. */
	segs[0] = (struct front_seg) { FRONT_DATA, 3, 5 };
	segs[1] = (struct front_seg) { FRONT_DATA + 1, 1, 1 };
	TAP_EQUAL(front_do(f, BLKIF_OP_WRITE, 1001, segs, 2), BLKIF_RSP_OKAY);
	TAP_CHECK(disk_has(1001, (char *)fake_page(FRONT_DATA) + 3 * 512, 3 * 512));
	TAP_CHECK(disk_has(1004, (char *)fake_page(FRONT_DATA + 1) + 512, 512));
	/* And back into other sectors: nothing around them changes. */
	fill_page(FRONT_DATA + 40, 40);
	segs[0] = (struct front_seg) { FRONT_DATA + 40, 2, 5 };
	TAP_EQUAL(front_do(f, BLKIF_OP_READ, 1001, segs, 1), BLKIF_RSP_OKAY);
	TAP_CHECK(disk_has(1001, (char *)fake_page(FRONT_DATA + 40) + 1024, 4 * 512));
	fill_page(FRONT_DATA + 41, 40);
	TAP_CHECK(!memcmp(fake_page(FRONT_DATA + 40), fake_page(FRONT_DATA + 41), 1024));
	TAP_CHECK(!memcmp((char *)fake_page(FRONT_DATA + 40) + 3072,
			  (char *)fake_page(FRONT_DATA + 41) + 3072, 1024));
	/* The last sector, and the same page several times. */
	segs[0] = (struct front_seg) { FRONT_DATA, 7, 7 };
	TAP_EQUAL(front_do(f, BLKIF_OP_WRITE, DISK_SECTORS - 1, segs, 1), BLKIF_RSP_OKAY);
	for (i = 0; i < 11; i++)
		segs[i] = (struct front_seg) { FRONT_DATA, 0, 0 };
	TAP_EQUAL(front_do(f, BLKIF_OP_WRITE, 2000, segs, 11), BLKIF_RSP_OKAY);
	TAP_CHECK(disk_has(2010, fake_page(FRONT_DATA), 512));
	TAP_CHECK(front_close());
}

static void test_data_64(void)
{
	struct front f = default_front();

	if (!setup(false))
		return;
	check_data(&f);
	teardown();
}

static void test_data_32(void)
{
	struct front f = default_front();

	if (!setup(false))
		return;
	f.layout = &blk_layout_x86_32;
	check_data(&f);
	teardown();
}

static void test_data_no_protocol(void)
{
	struct front f = default_front();

	if (!setup(false))
		return;
	f.layout = &blk_layout_x86_32;
	f.say_protocol = false;
	check_data(&f);
	teardown();
}

static void test_data_persistent(void)
{
	struct front f = default_front();

	if (!setup(false))
		return;
	f.persistent = true;
	check_data(&f);
	teardown();
}

static void check_indirect(struct front *f)
{
	struct front_seg segs[256];
	unsigned int i;
	uint64_t id;
	uint8_t op;
	int status;

	TAP_CHECK(front_connect(f));
	for (i = 0; i < 256; i++)
		fill_page(FRONT_DATA + i, i + 7);
	whole_pages(segs, 256, FRONT_DATA);
	front_indirect(f, 0, 1, BLKIF_OP_WRITE, 64, FRONT_LISTS, segs, 256);
	TAP_CHECK(front_get(f, 0, &id, &op, &status));
	TAP_EQUAL(id, 1);
	TAP_EQUAL(op, BLKIF_OP_WRITE);
	TAP_EQUAL(status, BLKIF_RSP_OKAY);
	TAP_CHECK(disk_has(64, fake_page(FRONT_DATA), 256 * 4096));

	whole_pages(segs, 256, FRONT_DATA + 256);
	front_indirect(f, 0, 2, BLKIF_OP_READ, 64, FRONT_LISTS, segs, 256);
	TAP_CHECK(front_get(f, 0, &id, &op, &status));
	TAP_EQUAL(op, BLKIF_OP_READ);
	TAP_EQUAL(status, BLKIF_RSP_OKAY);
	TAP_CHECK(!memcmp(fake_page(FRONT_DATA), fake_page(FRONT_DATA + 256), 256 * 4096));

	/* One bad segment, a bad list, and a list that cannot be reached. */
	segs[200].last = 8;
	front_indirect(f, 0, 3, BLKIF_OP_READ, 64, FRONT_LISTS, segs, 256);
	TAP_CHECK(front_get(f, 0, &id, &op, &status));
	TAP_EQUAL(status, BLKIF_RSP_ERROR);
	segs[200].last = 7;
	segs[200].gref = 3;
	front_indirect(f, 0, 4, BLKIF_OP_READ, 64, FRONT_LISTS, segs, 256);
	TAP_CHECK(front_get(f, 0, &id, &op, &status));
	TAP_EQUAL(status, BLKIF_RSP_ERROR);
	front_indirect(f, 0, 5, BLKIF_OP_READ, 64, 3, segs, 1);
	TAP_CHECK(front_get(f, 0, &id, &op, &status));
	TAP_EQUAL(id, 5);
	TAP_EQUAL(status, BLKIF_RSP_ERROR);
	TAP_CHECK(front_close());
}

static void test_indirect(void)
{
	struct front f = default_front();
	struct fake_stats stats;

	if (!setup(false))
		return;
	check_indirect(&f);
	fake_stats(&stats);
	TAP_CHECK(stats.copies > 0);
	f.layout = &blk_layout_x86_32;
	check_indirect(&f);
	f.persistent = true;
	check_indirect(&f);
	teardown();
}

/* A frontend takes its pages back when it sees the response: none may be held then. */
static void test_unmapped_before_response(void)
{
	struct front f = default_front();
	struct fake_stats stats;
	struct front_seg segs[11];
	unsigned int i;

	if (!setup(false))
		return;
	TAP_CHECK(front_connect(&f));
	whole_pages(segs, 11, FRONT_DATA);
	for (i = 0; i < 200; i++) {
		TAP_EQUAL(front_do(&f, i & 1 ? BLKIF_OP_READ : BLKIF_OP_WRITE, 8 * i, segs, 11),
			  BLKIF_RSP_OKAY);
		fake_stats(&stats);
		TAP_EQUAL(stats.pins, 1);
	}
	teardown();
}

/* A frontend that reuses its pages has them mapped once, and not without bound. */
static void test_persistent_bound(void)
{
	struct front f = default_front();
	struct fake_stats stats;
	struct front_seg segs[11];
	unsigned int i;

	if (!setup(false))
		return;
	f.persistent = true;
	TAP_CHECK(front_connect(&f));
	whole_pages(segs, 11, FRONT_DATA);
	for (i = 0; i < 10; i++)
		TAP_EQUAL(front_do(&f, BLKIF_OP_READ, 0, segs, 11), BLKIF_RSP_OKAY);
	fake_stats(&stats);
	TAP_EQUAL(stats.pins, 12);
	TAP_EQUAL(stats.most_pins, 12);

	for (i = 0; i < 2 * 3200 / 11; i++) {
		whole_pages(segs, 11, FRONT_DATA + i * 11 % 3200);
		TAP_EQUAL(front_do(&f, BLKIF_OP_WRITE, 0, segs, 11), BLKIF_RSP_OKAY);
	}
	fake_stats(&stats);
	TAP_EQUAL(stats.pins, 32 * 33 + 1);
	TAP_EQUAL(stats.most_pins, 32 * 33 + 1);
	TAP_CHECK(front_close());
	fake_stats(&stats);
	TAP_EQUAL(stats.pins, 0);
	teardown();
}

/* Other disks of the process have taken all the mappings that it may have. */
static void test_persistent_without_room(void)
{
	struct front f = default_front();
	struct front_seg segs[11];
	unsigned int i;

	if (!setup(false))
		return;
	f.persistent = true;
	TAP_CHECK(front_connect(&f));
	fake_limit_maps(20);
	for (i = 0; i < 50; i++) {
		whole_pages(segs, 11, FRONT_DATA + i * 11);
		TAP_EQUAL(front_do(&f, BLKIF_OP_WRITE, i * 88, segs, 11), BLKIF_RSP_OKAY);
		TAP_CHECK(disk_has(i * 88, fake_page(FRONT_DATA + i * 11), 11 * 4096));
	}
	teardown();
}

static void test_flush(void)
{
	struct front f = default_front();
	struct front_seg segs[2];

	if (!setup(false))
		return;
	TAP_CHECK(front_connect(&f));
	TAP_EQUAL(front_do(&f, BLKIF_OP_FLUSH_DISKCACHE, 0, NULL, 0), BLKIF_RSP_OKAY);
	fill_page(FRONT_DATA, 1);
	fill_page(FRONT_DATA + 1, 2);
	whole_pages(segs, 2, FRONT_DATA);
	TAP_EQUAL(front_do(&f, BLKIF_OP_FLUSH_DISKCACHE, 80, segs, 2), BLKIF_RSP_OKAY);
	TAP_CHECK(disk_has(80, fake_page(FRONT_DATA), 8192));
	teardown();
}

static void test_discard(void)
{
	static const char zeros[65536];
	struct front f = default_front();
	struct front_seg segs[11];
	struct stat before, after;
	unsigned int i;

	if (!setup(false))
		return;
	TAP_CHECK(front_connect(&f));
	whole_pages(segs, 11, FRONT_DATA);
	for (i = 0; i < 11; i++)
		fill_page(FRONT_DATA + i, i + 1);
	for (i = 0; i < 8; i++)
		TAP_EQUAL(front_do(&f, BLKIF_OP_WRITE, i * 88, segs, 11), BLKIF_RSP_OKAY);
	fsync(disk_fd);
	fstat(disk_fd, &before);
	TAP_EQUAL(front_do(&f, BLKIF_OP_DISCARD, 128, NULL, 128), BLKIF_RSP_OKAY);
	fsync(disk_fd);
	fstat(disk_fd, &after);
	TAP_CHECK(disk_has(128, zeros, sizeof(zeros)));
	TAP_CHECK(!disk_has(256, zeros, 512));
	TAP_CHECK(after.st_blocks < before.st_blocks);
	TAP_EQUAL(after.st_size, DISK_SIZE);
	TAP_EQUAL(front_do(&f, BLKIF_OP_DISCARD, 0, NULL, 0), BLKIF_RSP_OKAY);
	TAP_EQUAL(front_do(&f, BLKIF_OP_DISCARD, DISK_SECTORS - 1, NULL, 2), BLKIF_RSP_ERROR);
	teardown();
}

static void test_refused(void)
{
	struct front f = default_front();
	struct front_seg seg = { FRONT_DATA, 0, 7 };

	if (!setup(false))
		return;
	TAP_CHECK(front_connect(&f));
	TAP_EQUAL(front_do(&f, BLKIF_OP_WRITE_BARRIER, 0, &seg, 1), BLKIF_RSP_EOPNOTSUPP);
	TAP_EQUAL(front_do(&f, 200, 0, &seg, 1), BLKIF_RSP_EOPNOTSUPP);
	TAP_EQUAL(front_do(&f, BLKIF_OP_READ, DISK_SECTORS - 7, &seg, 1), BLKIF_RSP_ERROR);
	TAP_EQUAL(front_do(&f, BLKIF_OP_READ, UINT64_MAX - 3, &seg, 1), BLKIF_RSP_ERROR);
	TAP_EQUAL(front_do(&f, BLKIF_OP_READ, 0, &seg, 0), BLKIF_RSP_ERROR);

	/* Pages that are not granted, and one that is for reading only. */
	fake_revoke(FRONT_DATA);
	TAP_EQUAL(front_do(&f, BLKIF_OP_READ, 0, &seg, 1), BLKIF_RSP_ERROR);
	seg.gref = UINT32_MAX;
	TAP_EQUAL(front_do(&f, BLKIF_OP_WRITE, 0, &seg, 1), BLKIF_RSP_ERROR);
	fake_grant(FRONT_DATA, FRONT_DATA, true);
	seg.gref = FRONT_DATA;
	TAP_EQUAL(front_do(&f, BLKIF_OP_READ, 0, &seg, 1), BLKIF_RSP_ERROR);
	TAP_EQUAL(front_do(&f, BLKIF_OP_WRITE, 0, &seg, 1), BLKIF_RSP_OKAY);
	TAP_EQUAL(nr_logged, 0);
	teardown();
}

/* Grants that cannot be kept still work as far as they go. */
static void test_persistent_readonly_grant(void)
{
	struct front f = default_front();
	struct front_seg segs[2];

	if (!setup(false))
		return;
	f.persistent = true;
	TAP_CHECK(front_connect(&f));
	fake_grant(FRONT_DATA + 1, FRONT_DATA + 1, true);
	whole_pages(segs, 2, FRONT_DATA);
	fill_page(FRONT_DATA, 1);
	fill_page(FRONT_DATA + 1, 2);
	TAP_EQUAL(front_do(&f, BLKIF_OP_WRITE, 8, segs, 2), BLKIF_RSP_OKAY);
	TAP_CHECK(disk_has(8, fake_page(FRONT_DATA), 8192));
	TAP_EQUAL(front_do(&f, BLKIF_OP_READ, 8, segs, 2), BLKIF_RSP_ERROR);
	TAP_EQUAL(fake_gref_pins(FRONT_DATA), 1);
	TAP_EQUAL(fake_gref_pins(FRONT_DATA + 1), 0);
	teardown();
}

static void test_readonly_disk(void)
{
	struct front f = default_front();
	struct front_seg seg = { FRONT_DATA, 0, 7 };

	if (!setup(true))
		return;
	TAP_CHECK(front_connect(&f));
	TAP_EQUAL(number(BACK_NODE("info")), 4);
	TAP_EQUAL(number(BACK_NODE("feature-discard")), 0);
	TAP_EQUAL(front_do(&f, BLKIF_OP_READ, 0, &seg, 1), BLKIF_RSP_OKAY);
	TAP_EQUAL(front_do(&f, BLKIF_OP_WRITE, 0, &seg, 1), BLKIF_RSP_ERROR);
	TAP_EQUAL(front_do(&f, BLKIF_OP_FLUSH_DISKCACHE, 0, NULL, 0), BLKIF_RSP_OKAY);
	TAP_EQUAL(front_do(&f, BLKIF_OP_FLUSH_DISKCACHE, 0, &seg, 1), BLKIF_RSP_ERROR);
	TAP_EQUAL(front_do(&f, BLKIF_OP_DISCARD, 0, NULL, 8), BLKIF_RSP_EOPNOTSUPP);
	teardown();
}

/* Four rings of four pages, all full at once; each answer once and to the right ring. */
static void test_many_rings(void)
{
	struct front f = default_front();
	static uint8_t seen[4][128];
	struct front_seg seg;
	unsigned int i, q;
	uint64_t id;
	uint8_t op;
	int status;

	if (!setup(false))
		return;
	f.nr_queues = 4;
	f.order = 2;
	f.persistent = true;
	TAP_CHECK(front_connect(&f));
	memset(seen, 0, sizeof(seen));
	for (i = 0; i < 128; i++) {
		for (q = 0; q < 4; q++) {
			unsigned int n = q * 128 + i;

			fill_page(FRONT_DATA + n, n);
			seg = (struct front_seg) { FRONT_DATA + n, 0, 7 };
			front_rw(&f, q, n, BLKIF_OP_WRITE, n * 8, &seg, 1);
		}
	}
	for (q = 0; q < 4; q++) {
		for (i = 0; i < 128; i++) {
			TAP_CHECK(front_get(&f, q, &id, &op, &status));
			TAP_EQUAL(status, BLKIF_RSP_OKAY);
			TAP_EQUAL(id / 128, q);
			seen[q][id % 128]++;
		}
		for (i = 0; i < 128; i++)
			TAP_EQUAL(seen[q][i], 1);
	}
	TAP_CHECK(disk_has(0, fake_page(FRONT_DATA), 512 * 4096));
	TAP_CHECK(front_close());
	teardown();
}

/* Producer index out of bounds: closed, all let go, and a new start works. */
static void test_broken_ring(void)
{
	struct front f = default_front();
	struct front_seg seg = { FRONT_DATA, 0, 7 };
	struct fake_stats stats;

	if (!setup(false))
		return;
	TAP_CHECK(front_connect(&f));
	*front_index(&f, 0, 0) = 1000;
	front_notify(0);
	TAP_CHECK(front_wait_back(5));
	fake_stats(&stats);
	TAP_EQUAL(stats.maps, 0);
	TAP_EQUAL(stats.bound, 0);
	TAP_EQUAL(nr_logged, 1);

	/* It does not come back by itself. */
	front_set_state(4);
	front_set_state(3);
	TAP_CHECK(front_connect(&f));
	TAP_EQUAL(front_do(&f, BLKIF_OP_READ, 0, &seg, 1), BLKIF_RSP_OKAY);
	teardown();
}

/* A new kernel in the guest starts over without closing. */
static void test_restarted_front(void)
{
	struct front f = default_front();
	struct front_seg seg = { FRONT_DATA, 0, 7 };
	unsigned int i;

	if (!setup(false))
		return;
	for (i = 0; i < 20; i++) {
		f.order = i % 3;
		f.nr_queues = 1 + i % 4;
		f.persistent = i & 1;
		TAP_CHECK(front_connect(&f));
		TAP_EQUAL(front_do(&f, BLKIF_OP_READ, 0, &seg, 1), BLKIF_RSP_OKAY);
	}
	/* Faster than the backend could follow: other rings, and state 3 again. */
	f.order = 3;
	front_write_params(&f);
	front_set_state(3);
	TAP_EQUAL(front_do(&f, BLKIF_OP_READ, 0, &seg, 1), BLKIF_RSP_OKAY);
	/* After a resume: state 3 again with the same numbers, and empty rings. */
	for (i = 0; i < 10; i++) {
		front_set_state(4);
		TAP_EQUAL(front_do(&f, BLKIF_OP_READ, 0, &seg, 1), BLKIF_RSP_OKAY);
		wait_for_look();
		front_write_params(&f);
		front_set_state(3);
		TAP_EQUAL(front_do(&f, BLKIF_OP_READ, 0, &seg, 1), BLKIF_RSP_OKAY);
	}
	TAP_EQUAL(nr_logged, 0);
	teardown();
}

static void test_bad_nodes(void)
{
	static const struct {
		const char *node, *val;
	} bad[] = {
		{ FRONT_NODE("ring-ref"), "" },
		{ FRONT_NODE("ring-ref"), "abc" },
		{ FRONT_NODE("ring-ref"), "-1" },
		{ FRONT_NODE("ring-ref"), "4294967296" },
		{ FRONT_NODE("ring-ref"), "5" },
		{ FRONT_NODE("event-channel"), "0" },
		{ FRONT_NODE("event-channel"), "4000000000" },
		{ FRONT_NODE("event-channel"), " 1" },
		{ FRONT_NODE("protocol"), "arm-abi" },
		{ FRONT_NODE("protocol"), "a name that is longer than the name of any protocol" },
		{ FRONT_NODE("ring-page-order"), "5" },
		{ FRONT_NODE("ring-page-order"), "32" },
		{ FRONT_NODE("ring-page-order"), "1" },
		{ FRONT_NODE("num-ring-pages"), "3" },
		{ FRONT_NODE("num-ring-pages"), "0" },
		{ FRONT_NODE("num-ring-pages"), "4294967295" },
		{ FRONT_NODE("multi-queue-num-queues"), "0" },
		{ FRONT_NODE("multi-queue-num-queues"), "5" },
		{ FRONT_NODE("multi-queue-num-queues"), "4294967295" },
		{ FRONT_NODE("feature-persistent"), "yes" },
	};
	struct front f = default_front();
	struct front_seg seg = { FRONT_DATA, 0, 7 };
	struct fake_stats stats;
	unsigned int i;

	if (!setup(false))
		return;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		front_set_state(1);
		TAP_CHECK(front_wait_back(2));
		front_write_params(&f);
		fake_write(bad[i].node, bad[i].val);
		front_set_state(3);
		if (!front_wait_back(5)) {
			printf("# %s = %s\n", bad[i].node, bad[i].val);
			tap_failed = true;
		}
		fake_stats(&stats);
		TAP_EQUAL(stats.maps, 0);
		TAP_EQUAL(stats.bound, 0);
		fake_rm(FRONT_NODE("num-ring-pages"));
	}
	/* The log does not grow with each attempt. */
	TAP_CHECK(nr_logged <= 10);
	TAP_CHECK(front_connect(&f));
	TAP_EQUAL(front_do(&f, BLKIF_OP_READ, 0, &seg, 1), BLKIF_RSP_OKAY);
	teardown();
}

/* States and events as fast as the guest can make them. */
static void test_storms(void)
{
	static const unsigned int states[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 4000000000 };
	struct front f = default_front();
	struct front_seg seg = { FRONT_DATA, 0, 7 };
	struct fake_stats before, after;
	unsigned int i;

	if (!setup(false))
		return;
	front_write_params(&f);
	for (i = 0; i < 3000; i++)
		front_set_state(states[i * 7 % 11]);
	TAP_CHECK(front_connect(&f));
	fake_stats(&before);
	for (i = 0; i < 200000; i++)
		front_notify(0);
	TAP_EQUAL(front_do(&f, BLKIF_OP_READ, 0, &seg, 1), BLKIF_RSP_OKAY);
	fake_stats(&after);
	/* Events are taken one at a time, however many are sent. */
	TAP_CHECK(after.reads - before.reads < 200000);
	teardown();
}

/* The whole ring and the list of segments change while the backend reads them. */
static void test_hostile_ring(void)
{
	struct front f = default_front();
	uint64_t r = 88172645463325252;
	struct fake_stats stats;
	unsigned int i, round;
	uint8_t *p;

	if (!setup(false))
		return;
	for (round = 0; round < 24; round++) {
		f.persistent = round & 1;
		f.layout = round & 2 ? &blk_layout_x86_32 : &blk_layout_x86_64;
		TAP_CHECK(front_connect(&f));
		p = fake_page(FRONT_RINGS);
		for (i = 0; i < 40000; i++) {
			r ^= r << 13;
			r ^= r >> 7;
			r ^= r << 17;
			if (i % 16 == 0) {
				/* Mostly as far ahead as it may be. */
				*front_index(&f, 0, 0) = *front_index(&f, 0, 2) +
							 (i % 4096 ? r % 33 : r % 100);
				front_notify(0);
			} else if (i % 16 < 8) {
				uint8_t *slot = p + 64 + r % 32 * f.layout->slot_size;

				slot[0] = r >> 16 & 7;
				slot[1] = (r >> 24) % 13;
				slot[f.layout->sector + 1] = r >> 32;
				memset(slot + f.layout->sector + 2, 0, 6);
				slot[f.layout->segs] = r >> 40;
				slot[f.layout->segs + 1] = r >> 48 & 3;
				slot[f.layout->segs + 2] = 0;
				slot[f.layout->segs + 3] = 0;
				slot[f.layout->segs + 5] = r >> 56 & 7;
			} else if (r & 1) {
				p[64 + r / 2 % 4032] = r >> 32;
			} else {
				p[r / 2 % 4096] = r >> 32;
			}
		}
	}
	TAP_CHECK(front_close());
	fake_stats(&stats);
	TAP_EQUAL(stats.maps, 0);
	TAP_EQUAL(stats.bound, 0);
	TAP_CHECK(nr_logged <= 10);
	teardown();
}

static bool has_ended(void)
{
	struct pollfd pfd = { .fd = xb_blk_ended_fd(blk), .events = POLLIN };

	return poll(&pfd, 1, 20000) == 1;
}

static void test_unplugged(void)
{
	struct front f = default_front();
	struct fake_stats stats;

	if (!setup(false))
		return;
	TAP_CHECK(front_connect(&f));
	fake_write(BACK_NODE("online"), "0");
	fake_write(BACK_NODE("state"), "5");
	TAP_CHECK(front_close());
	TAP_CHECK(has_ended());
	fake_stats(&stats);
	TAP_EQUAL(stats.maps, 0);
	TAP_EQUAL(nr_logged, 0);
	teardown();
}

/* The toolstack removes it all at once. The nodes do not come back. */
static void test_removed(void)
{
	struct front f = default_front();
	struct fake_stats stats;
	struct xenemu_xs xs;
	char val[16];

	if (!setup(false))
		return;
	TAP_CHECK(front_connect(&f));
	xenemu_xs_init(&xs, fake_store_fd());
	TAP_EQUAL(xb_vbd_remove(&xs, FAKE_DOMID, FRONT_DEVID), 0);
	TAP_CHECK(has_ended());
	fake_stats(&stats);
	TAP_EQUAL(stats.maps, 0);
	TAP_EQUAL(stats.bound, 0);
	TAP_CHECK(!fake_read(BACK_NODE("state"), val, sizeof(val)));
	teardown();
}

static void test_domain_died(void)
{
	struct front f = default_front();
	struct fake_stats stats;

	if (!setup(false))
		return;
	TAP_CHECK(front_connect(&f));
	fake_rm("/local/domain/7");
	TAP_CHECK(front_wait_back(6));
	fake_stats(&stats);
	TAP_EQUAL(stats.maps, 0);
	fake_set_introduced(false);
	TAP_CHECK(has_ended());
	teardown();
}

/* The toolstack makes the device anew, for a guest that was reset. */
static void test_made_anew(void)
{
	struct front f = default_front();
	struct front_seg seg = { FRONT_DATA, 0, 7 };

	if (!setup(false))
		return;
	TAP_CHECK(front_connect(&f));
	create_nodes(false);
	TAP_CHECK(front_wait_back(2));
	create_nodes(false);
	TAP_CHECK(front_wait_back(2));
	TAP_EQUAL(number(BACK_NODE("feature-persistent")), 1);
	TAP_CHECK(front_connect(&f));
	TAP_EQUAL(front_do(&f, BLKIF_OP_READ, 0, &seg, 1), BLKIF_RSP_OKAY);
	TAP_EQUAL(number(BACK_NODE("sectors")), DISK_SECTORS);
	teardown();
}

/* Another backend takes over; the guest sees nothing but a pause. */
static void test_backend_restarted(void)
{
	struct xb_blk_config config;
	struct front f = default_front();
	struct front_seg segs[32];
	struct fake_stats stats;
	unsigned int i, round;
	uint64_t id, ids;
	uint8_t op;
	int status;

	if (!setup(false))
		return;
	f.persistent = true;
	TAP_CHECK(front_connect(&f));
	whole_pages(segs, 32, FRONT_DATA);
	for (round = 0; round < 10; round++) {
		/* Some are answered by the old one, some by the new one. */
		for (i = 0; i < 16; i++)
			front_rw(&f, 0, i, BLKIF_OP_WRITE, i * 8, &segs[i], 1);
		xb_blk_stop(blk);
		fake_stats(&stats);
		TAP_EQUAL(stats.maps, 0);
		for (; i < 32; i++)
			front_rw(&f, 0, i, BLKIF_OP_WRITE, i * 8, &segs[i], 1);
		config = make_config(false);
		blk = NULL;
		TAP_EQUAL(xb_blk_start(&config, &blk), 0);
		for (i = 0, ids = 0; i < 32; i++) {
			TAP_CHECK(front_get(&f, 0, &id, &op, &status));
			TAP_EQUAL(status, BLKIF_RSP_OKAY);
			ids |= 1ULL << id;
		}
		TAP_CHECK(ids == UINT32_MAX);
		TAP_EQUAL(number(BACK_NODE("state")), 4);
	}
	teardown();
}

static void test_short_file(void)
{
	struct front f = default_front();
	struct front_seg segs[2];

	if (!setup(false))
		return;
	TAP_CHECK(front_connect(&f));
	whole_pages(segs, 2, FRONT_DATA);
	if (ftruncate(disk_fd, 4096))
		abort();
	TAP_EQUAL(front_do(&f, BLKIF_OP_READ, 0, segs, 2), BLKIF_RSP_ERROR);
	TAP_EQUAL(front_do(&f, BLKIF_OP_READ, 0, segs, 1), BLKIF_RSP_OKAY);
	TAP_EQUAL(front_do(&f, BLKIF_OP_READ, 800, segs, 1), BLKIF_RSP_ERROR);
	teardown();
}

static void test_start_refused(void)
{
	struct xb_blk_config config;
	struct xb_blk *other = NULL;

	if (!setup(false))
		return;
	/* Two writers of one file. */
	config = make_config(false);
	TAP_EQUAL(xb_blk_start(&config, &other), -EBUSY);
	config = make_config(true);
	TAP_EQUAL(xb_blk_start(&config, &other), -EBUSY);
	config.path = "/nonexistent/disk";
	TAP_EQUAL(xb_blk_start(&config, &other), -ENOENT);
	config.path = "/dev/null";
	TAP_EQUAL(xb_blk_start(&config, &other), -EINVAL);
	config.path = "/";
	TAP_EQUAL(xb_blk_start(&config, &other), -EINVAL);
	TAP_CHECK(!other);
	TAP_EQUAL(nr_logged, 5);
	xb_blk_stop(blk);
	fake_rm("/local/domain/0/backend");
	config = make_config(false);
	blk = NULL;
	TAP_EQUAL(xb_blk_start(&config, &blk), -ENOENT);
	TAP_CHECK(!blk);
	teardown();
}

static const struct tap_test tests[] = {
	{ "blk.nodes", test_nodes },
	{ "blk.data_64", test_data_64 },
	{ "blk.data_32", test_data_32 },
	{ "blk.data_no_protocol", test_data_no_protocol },
	{ "blk.data_persistent", test_data_persistent },
	{ "blk.indirect", test_indirect },
	{ "blk.unmapped_before_response", test_unmapped_before_response },
	{ "blk.persistent_bound", test_persistent_bound },
	{ "blk.persistent_without_room", test_persistent_without_room },
	{ "blk.persistent_readonly_grant", test_persistent_readonly_grant },
	{ "blk.flush", test_flush },
	{ "blk.discard", test_discard },
	{ "blk.refused", test_refused },
	{ "blk.readonly_disk", test_readonly_disk },
	{ "blk.many_rings", test_many_rings },
	{ "blk.broken_ring", test_broken_ring },
	{ "blk.restarted_front", test_restarted_front },
	{ "blk.bad_nodes", test_bad_nodes },
	{ "blk.storms", test_storms },
	{ "blk.hostile_ring", test_hostile_ring },
	{ "blk.unplugged", test_unplugged },
	{ "blk.removed", test_removed },
	{ "blk.domain_died", test_domain_died },
	{ "blk.made_anew", test_made_anew },
	{ "blk.backend_restarted", test_backend_restarted },
	{ "blk.short_file", test_short_file },
	{ "blk.start_refused", test_start_refused },
};

int main(void)
{
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
