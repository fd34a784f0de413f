// SPDX-License-Identifier: GPL-2.0-only
/*
 * iocheck SEED DEVICE		write and read at random, check every sector
 * iocheck --verify SEED DEVICE	check what an earlier run has left
 *
 * Several threads, each with a stripe of the device of its own, write runs of
 * sectors at random places and read others back. A sector's content follows from
 * the seed, its number and how often it was written: whatever goes astray on its
 * way, or comes back old, is seen. Half of the threads use direct I/O. What is
 * written where follows from the seed alone, so that the other side of a virtual
 * disk can check the image without being told more.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define THREADS		4
#define SECTOR		512
#define WORDS		(SECTOR / sizeof(uint64_t))
/* The longest transfer: longer than a request of blkfront without indirection. */
#define RUN_MAX		1024

struct stripe {
	pthread_t thread;
	const char *path;
	uint64_t seed;
	uint64_t first;		/* sector */
	uint64_t count;		/* sectors */
	uint64_t random;	/* state of next_random() */
	uint32_t *generation;	/* times that each sector was written */
	uint8_t *buffer;	/* RUN_MAX sectors */
	bool simulate;		/* only follow what would be written */
	bool direct;
};

static void fatal(const char *what, uint64_t sector)
{
	fprintf(stderr, "iocheck: sector %llu: %s: %s\n",
		(unsigned long long)sector, what, strerror(errno));
	exit(1);
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static uint64_t sector_key(const struct stripe *stripe, uint64_t sector)
{
	uint64_t key = stripe->seed ^ sector << 24;

	key ^= stripe->generation[sector - stripe->first];
	return next_random(&key);
}

static void fill(const struct stripe *stripe, uint64_t sector, uint8_t *data)
{
	uint64_t word = sector_key(stripe, sector);
	size_t i;

	for (i = 0; i < WORDS; i++) {
		memcpy(data + i * sizeof(word), &word, sizeof(word));
		word = word * 6364136223846793005ULL + 1442695040888963407ULL;
	}
}

/* A sector that was never written may hold anything. */
static void check(const struct stripe *stripe, uint64_t sector, const uint8_t *data)
{
	uint8_t wanted[SECTOR];

	if (!stripe->generation[sector - stripe->first])
		return;
	fill(stripe, sector, wanted);
	if (memcmp(wanted, data, SECTOR)) {
		errno = EILSEQ;
		fatal("wrong content", sector);
	}
}

static void transfer(const struct stripe *stripe, int fd, bool write, uint64_t sector,
		     size_t count)
{
	size_t done = 0, size = count * SECTOR;
	ssize_t n;

	while (done < size) {
		off_t offset = sector * SECTOR + done;

		n = write ? pwrite(fd, stripe->buffer + done, size - done, offset) :
			    pread(fd, stripe->buffer + done, size - done, offset);
		if (n <= 0)
			fatal(write ? "write" : "read", sector);
		done += n;
	}
}

static void write_run(struct stripe *stripe, int fd, uint64_t sector, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		stripe->generation[sector + i - stripe->first]++;
		if (!stripe->simulate)
			fill(stripe, sector + i, stripe->buffer + i * SECTOR);
	}
	if (!stripe->simulate)
		transfer(stripe, fd, true, sector, count);
}

static void read_run(const struct stripe *stripe, int fd, uint64_t sector, size_t count)
{
	size_t i;

	if (stripe->simulate)
		return;
	transfer(stripe, fd, false, sector, count);
	for (i = 0; i < count; i++)
		check(stripe, sector + i, stripe->buffer + i * SECTOR);
}

static int open_device(const struct stripe *stripe, bool direct)
{
	int fd = open(stripe->path, (stripe->simulate ? O_RDONLY : O_RDWR) |
		      (direct ? O_DIRECT : 0));

	if (fd < 0) {
		perror(stripe->path);
		exit(1);
	}
	return fd;
}

static void check_all(const struct stripe *stripe)
{
	int fd = open_device(stripe, true);
	uint64_t sector, end = stripe->first + stripe->count;
	size_t i, count;

	for (sector = stripe->first; sector < end; sector += count) {
		count = end - sector < RUN_MAX ? end - sector : RUN_MAX;
		transfer(stripe, fd, false, sector, count);
		for (i = 0; i < count; i++)
			check(stripe, sector + i, stripe->buffer + i * SECTOR);
	}
	close(fd);
}

/* Write as much as the stripe is long, so that some of it is written often. */
static void *work(void *argument)
{
	struct stripe *stripe = argument;
	int fd = open_device(stripe, stripe->direct);
	uint64_t written = 0, operation, sector;
	size_t count;

	while (written < stripe->count) {
		operation = next_random(&stripe->random) % 8;
		count = 1 + next_random(&stripe->random) % (operation < 4 ? 16 : RUN_MAX);
		sector = stripe->first +
			 next_random(&stripe->random) % (stripe->count - count + 1);
		if (operation % 2) {
			write_run(stripe, fd, sector, count);
			written += count;
		} else {
			read_run(stripe, fd, sector, count);
		}
		if (!operation && !stripe->simulate && fsync(fd))
			fatal("fsync", sector);
	}
	if (!stripe->simulate && fsync(fd))
		fatal("fsync", stripe->first);
	close(fd);
	check_all(stripe);
	return NULL;
}

static uint64_t device_sectors(const char *path)
{
	int fd = open(path, O_RDONLY);
	off_t end = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);

	if (end < (off_t)THREADS * RUN_MAX * SECTOR) {
		fprintf(stderr, "iocheck: %s: cannot be opened, or is too small\n", path);
		exit(1);
	}
	close(fd);
	return end / SECTOR;
}

int main(int argc, char **argv)
{
	bool verify = argc == 4 && !strcmp(argv[1], "--verify");
	struct stripe stripes[THREADS] = {};
	uint64_t sectors;
	int i;

	if (argc != 3 + verify) {
		fprintf(stderr, "usage: iocheck [--verify] SEED DEVICE\n");
		return 2;
	}
	sectors = device_sectors(argv[2 + verify]);
	for (i = 0; i < THREADS; i++) {
		struct stripe *stripe = &stripes[i];

		stripe->path = argv[2 + verify];
		stripe->seed = strtoull(argv[1 + verify], NULL, 0);
		stripe->random = stripe->seed + i;
		stripe->count = sectors / THREADS;
		stripe->first = i * stripe->count;
		stripe->simulate = verify;
		stripe->direct = i % 2;
		stripe->generation = calloc(stripe->count, sizeof(*stripe->generation));
		stripe->buffer = aligned_alloc(4096, RUN_MAX * SECTOR);
		if (!stripe->generation || !stripe->buffer ||
		    pthread_create(&stripe->thread, NULL, work, stripe)) {
			fprintf(stderr, "iocheck: out of memory\n");
			return 1;
		}
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(stripes[i].thread, NULL);
	printf("iocheck: %s: %llu MiB are right\n", argv[2 + verify],
	       (unsigned long long)(sectors * SECTOR >> 20));
	return 0;
}
