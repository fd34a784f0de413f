/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file or block device behind a virtual disk.
 */
#ifndef XENEMU_BLKFILE_H
#define XENEMU_BLKFILE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct blk_file - an open disk image
 * @fd: the file, locked against other writers
 * @is_device: it is a block device
 * @direct: reads and writes bypass the page cache
 * @discard: space can be given back
 * @nr_sectors: size, in sectors of 512 bytes
 * @physical_size: bytes that are best written at once
 * @discard_granularity: bytes that can be given back at once
 */
struct blk_file {
	int fd;
	bool is_device;
	bool direct;
	bool discard;
	uint64_t nr_sectors;
	uint32_t physical_size;
	uint32_t discard_granularity;
};

int blk_file_open(struct blk_file *file, const char *path, bool readonly, bool buffered,
		  const char **reason);
void blk_file_set_buffered(struct blk_file *file);
void blk_file_close(struct blk_file *file);

#endif /* XENEMU_BLKFILE_H */
