// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file or block device behind a virtual disk.
 */
#include "blkfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/fs.h>

#include "blkreq.h"

#define MAX_PHYSICAL_SIZE	4096

/*
 * Guests read and write any sectors of 512 bytes, from memory that is aligned
 * to 512 bytes. Direct I/O is used only where all of that can be direct: direct
 * and buffered writes to the same page of a file could undo each other.
 */
static bool direct_works(int fd, uint64_t size)
{
	char buf[2 * MAX_PHYSICAL_SIZE] __attribute__((aligned(MAX_PHYSICAL_SIZE)));
	off_t offset = size >= 2 * BLK_SECTOR_SIZE ? BLK_SECTOR_SIZE : 0;

	return pread(fd, buf + BLK_SECTOR_SIZE, BLK_SECTOR_SIZE, offset) == BLK_SECTOR_SIZE;
}

/* A number from the queue limits of a block device; 0 if there is none. */
static uint64_t queue_limit(dev_t dev, const char *name)
{
	/* Partitions have their limits one level up. */
	static const char *const where[] = { "", "../" };
	unsigned long long val = 0;
	char path[128];
	unsigned int i;
	FILE *f;

	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%squeue/%s", major(dev),
			 minor(dev), where[i], name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fscanf(f, "%llu", &val) != 1)
			val = 0;
		fclose(f);
		break;
	}
	return val;
}

static int measure_device(struct blk_file *file, const struct stat *st)
{
	unsigned int physical = BLK_SECTOR_SIZE;
	uint64_t size;

	if (ioctl(file->fd, BLKGETSIZE64, &size) < 0)
		return -errno;
	ioctl(file->fd, BLKPBSZGET, &physical);
	file->is_device = true;
	file->nr_sectors = size / BLK_SECTOR_SIZE;
	file->physical_size = physical;
	file->discard = queue_limit(st->st_rdev, "discard_max_bytes") > 0;
	file->discard_granularity = queue_limit(st->st_rdev, "discard_granularity");
	return 0;
}

static int measure(struct blk_file *file, const struct stat *st)
{
	int ret = 0;

	if (S_ISBLK(st->st_mode)) {
		ret = measure_device(file, st);
	} else {
		file->nr_sectors = st->st_size / BLK_SECTOR_SIZE;
		file->physical_size = st->st_blksize;
		file->discard = true;
		file->discard_granularity = st->st_blksize;
	}

	/* The size of the disk must be a multiple of what we call a physical sector. */
	if (file->physical_size > MAX_PHYSICAL_SIZE)
		file->physical_size = MAX_PHYSICAL_SIZE;
	if (file->physical_size < BLK_SECTOR_SIZE ||
	    file->physical_size & (file->physical_size - 1) ||
	    file->nr_sectors % (file->physical_size / BLK_SECTOR_SIZE))
		file->physical_size = BLK_SECTOR_SIZE;
	if (file->discard_granularity < BLK_SECTOR_SIZE)
		file->discard_granularity = BLK_SECTOR_SIZE;
	return ret;
}

/* Leave the page cache out if that works for every request of a guest. */
static void try_direct(struct blk_file *file)
{
	int flags = fcntl(file->fd, F_GETFL);

	if (flags < 0 || fcntl(file->fd, F_SETFL, flags | O_DIRECT) < 0)
		return;
	file->direct = direct_works(file->fd, file->nr_sectors * BLK_SECTOR_SIZE);
	if (!file->direct)
		fcntl(file->fd, F_SETFL, flags);
}

/**
 * blk_file_open() - open the file behind a disk
 * @file: out: the file
 * @path: where it is
 * @readonly: never write to it
 * @buffered: do not try direct I/O
 * @reason: out: what went wrong, to be followed by the error's text
 *
 * Return: 0, or a negative errno. -EBUSY if another backend writes to it.
 */
int blk_file_open(struct blk_file *file, const char *path, bool readonly, bool buffered,
		  const char **reason)
{
	struct stat st;
	int ret, flags;

	memset(file, 0, sizeof(*file));
	*reason = "cannot open";
	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		*reason = "neither a file nor a block device";
		return -EINVAL;
	}

	/* O_EXCL keeps a mounted device from being written behind its file system's back. */
	flags = readonly ? O_RDONLY : O_RDWR;
	if (S_ISBLK(st.st_mode) && !readonly)
		flags |= O_EXCL;
	file->fd = open(path, flags | O_CLOEXEC);
	if (file->fd < 0)
		return -errno;

	if (flock(file->fd, (readonly ? LOCK_SH : LOCK_EX) | LOCK_NB) < 0) {
		ret = errno == EWOULDBLOCK ? -EBUSY : -errno;
		*reason = "cannot lock";
		goto err_close;
	}
	*reason = "cannot find the size";
	if (fstat(file->fd, &st) < 0) {
		ret = -errno;
		goto err_close;
	}
	ret = measure(file, &st);
	if (ret)
		goto err_close;
	if (!file->nr_sectors) {
		*reason = "smaller than one sector";
		ret = -EINVAL;
		goto err_close;
	}

	if (readonly)
		file->discard = false;
	if (!buffered)
		try_direct(file);
	return 0;

err_close:
	close(file->fd);
	return ret;
}

/**
 * blk_file_set_buffered() - use the page cache from now on
 * @file: the file
 */
void blk_file_set_buffered(struct blk_file *file)
{
	fcntl(file->fd, F_SETFL, fcntl(file->fd, F_GETFL) & ~O_DIRECT);
	file->direct = false;
}

/**
 * blk_file_close() - close the file behind a disk
 * @file: the file
 */
void blk_file_close(struct blk_file *file)
{
	close(file->fd);
}
