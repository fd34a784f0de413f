/* SPDX-License-Identifier: GPL-2.0-only */
/* Decompression of kernels. */
#ifndef XENVM_DECOMPRESS_H
#define XENVM_DECOMPRESS_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct buffer - bytes on the heap
 * @data: the bytes, to be freed with free()
 * @len: number of them
 * @room: allocated
 */
struct buffer {
	uint8_t *data;
	size_t len;
	size_t room;
};

/**
 * decompress_name - how data is compressed
 * @data: the data
 * @len: bytes of it
 *
 * Return: "gzip", "xz", "zstd", "lz4", or another name that decompress() does
 * not know; NULL for data that looks like none.
 */
const char *decompress_name(const uint8_t *data, size_t len);

/**
 * decompress - undo the compression that decompress_name() tells
 * @data: the data; whatever follows its end is ignored
 * @len: bytes of it
 * @out: filled in on success
 *
 * Return: NULL on success, or what is wrong, as the end of a sentence that
 * begins with what the data is.
 */
const char *decompress(const uint8_t *data, size_t len, struct buffer *out);

#endif /* XENVM_DECOMPRESS_H */
