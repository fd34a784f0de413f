/* SPDX-License-Identifier: GPL-2.0-only */
/* Kernel files: what is in them and where it goes. */
#ifndef XENVM_KERNEL_H
#define XENVM_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "decompress.h"

struct memory;

#define KERNEL_SEGMENTS_MAX	32

/**
 * struct file_map - a file, mapped read-only
 * @data: its bytes
 * @len: number of them
 */
struct file_map {
	const uint8_t *data;
	size_t len;
};

/* Map a file that is @what to the user. 0, or -1 having said why. */
int file_map(struct file_map *file, const char *path, const char *what);
void file_unmap(struct file_map *file);

/**
 * struct kernel_segment - a part of a kernel
 * @data: its bytes
 * @len: number of them
 * @addr: guest physical address
 * @size: bytes in memory; those past @len are zero
 */
struct kernel_segment {
	const uint8_t *data;
	uint64_t len;
	uint64_t addr;
	uint64_t size;
};

/**
 * struct kernel - a kernel that can be booted by the PVH protocol
 * @file: the file
 * @image: the ELF image, if it was compressed
 * @segments: what to load
 * @nr_segments: number of them
 * @start: lowest address of a segment
 * @end: end of the highest one
 * @entry: where to start it
 */
struct kernel {
	struct file_map file;
	struct buffer image;
	struct kernel_segment segments[KERNEL_SEGMENTS_MAX];
	unsigned int nr_segments;
	uint64_t start;
	uint64_t end;
	uint32_t entry;
};

/**
 * kernel_open - read a kernel
 * @kernel: filled in
 * @path: a bzImage or an ELF file, which may be compressed
 *
 * Return: 0, or -1 having said why.
 */
int kernel_open(struct kernel *kernel, const char *path);
void kernel_close(struct kernel *kernel);

/* Put the segments into RAM, all of which lie below the end of low RAM. */
void kernel_load(const struct kernel *kernel, const struct memory *memory);

#endif /* XENVM_KERNEL_H */
