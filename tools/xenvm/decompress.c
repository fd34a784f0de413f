// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernels come compressed in one of several ways, which the first bytes tell.
 * Input may be anything: output is bounded, whatever the input claims.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "decompress.h"

/* No kernel is larger; more is a bomb. */
#define OUT_MAX			(1UL << 30)
#define OUT_FIRST		(64UL << 20)

/* xz asks for as much as the file's dictionary; kernels use 64 MiB at most. */
#define XZ_MEMORY_MAX		(256UL << 20)

/* Linux's lz4 is the legacy frame: blocks of 8 MiB, each with its size before it. */
#define LZ4_LEGACY_MAGIC	0x184c2102U
#define LZ4_BLOCK_MAX		(8UL << 20)

static const char out_of_memory[] = "needs more memory than there is";
static const char too_large[] = "is larger than any kernel once decompressed";
static const char damaged[] = "is damaged: its compressed data is wrong";
static const char truncated[] = "is damaged: its compressed data ends too early";

/* Make room in @out for at least one more byte. */
static const char *grow(struct buffer *out)
{
	size_t room = out->room ? 2 * out->room : OUT_FIRST;
	uint8_t *data;

	if (out->len < out->room)
		return NULL;
	if (room > OUT_MAX)
		return too_large;
	data = realloc(out->data, room);
	if (!data)
		return out_of_memory;
	out->data = data;
	out->room = room;
	return NULL;
}

static const char *gunzip(const uint8_t *data, size_t len, struct buffer *out)
{
	z_stream stream = { .next_in = (uint8_t *)data, .avail_in = len };
	const char *error = NULL;
	int ret = Z_OK;

	/* 16: the gzip wrapper, not zlib's. */
	if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK)
		return out_of_memory;

	while (ret == Z_OK) {
		error = grow(out);
		if (error)
			break;
		stream.next_out = out->data + out->len;
		stream.avail_out = out->room - out->len;
		ret = inflate(&stream, Z_NO_FLUSH);
		out->len = out->room - stream.avail_out;
	}
	inflateEnd(&stream);

	if (!error && ret != Z_STREAM_END)
		error = ret == Z_MEM_ERROR ? out_of_memory :
			ret == Z_BUF_ERROR ? truncated : damaged;
	return error;
}

static const char *unxz(const uint8_t *data, size_t len, struct buffer *out)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	const char *error = NULL;
	lzma_ret ret = LZMA_OK;

	if (lzma_stream_decoder(&stream, XZ_MEMORY_MAX, 0) != LZMA_OK)
		return out_of_memory;
	stream.next_in = data;
	stream.avail_in = len;

	while (ret == LZMA_OK) {
		error = grow(out);
		if (error)
			break;
		stream.next_out = out->data + out->len;
		stream.avail_out = out->room - out->len;
		ret = lzma_code(&stream, LZMA_RUN);
		out->len = out->room - stream.avail_out;
	}
	lzma_end(&stream);

	if (!error && ret != LZMA_STREAM_END)
		error = ret == LZMA_MEM_ERROR || ret == LZMA_MEMLIMIT_ERROR ? out_of_memory :
			ret == LZMA_BUF_ERROR ? truncated : damaged;
	return error;
}

static const char *unzstd(const uint8_t *data, size_t len, struct buffer *out)
{
	ZSTD_inBuffer in = { .src = data, .size = len };
	ZSTD_DStream *stream = ZSTD_createDStream();
	const char *error = NULL;
	size_t ret = 1;

	if (!stream)
		return out_of_memory;

	/* 0 is the end of a frame; what follows it is not ours. */
	while (ret) {
		ZSTD_outBuffer to;

		error = grow(out);
		if (error)
			break;
		to = (ZSTD_outBuffer) {
			.dst = out->data + out->len,
			.size = out->room - out->len,
		};
		ret = ZSTD_decompressStream(stream, &to, &in);
		out->len += to.pos;
		if (ZSTD_isError(ret)) {
			error = damaged;
			break;
		}
		if (ret && in.pos == in.size && to.pos < to.size) {
			error = truncated;
			break;
		}
	}
	ZSTD_freeDStream(stream);
	return error;
}

static uint32_t get_le32(const uint8_t *data)
{
	return data[0] | data[1] << 8 | data[2] << 16 | (uint32_t)data[3] << 24;
}

static const char *unlz4(const uint8_t *data, size_t len, struct buffer *out)
{
	size_t at = 4;

	while (len - at >= 4) {
		uint32_t block = get_le32(data + at);
		const char *error;
		int ret;

		at += 4;
		/* Concatenated streams repeat the magic. */
		if (block == LZ4_LEGACY_MAGIC)
			continue;
		/* Not a block any more, so the end: 4 bytes that Linux's build appends. */
		if (block > len - at && out->len)
			return NULL;
		if (!block || block > len - at || block > LZ4_COMPRESSBOUND(LZ4_BLOCK_MAX))
			return damaged;

		while (out->room - out->len < LZ4_BLOCK_MAX) {
			size_t used = out->len;

			out->len = out->room;
			error = grow(out);
			out->len = used;
			if (error)
				return error;
		}
		ret = LZ4_decompress_safe((const char *)data + at,
					  (char *)out->data + out->len, block, LZ4_BLOCK_MAX);
		if (ret < 0)
			return damaged;
		out->len += ret;
		at += block;
		/* Only the last block may be short. */
		if ((size_t)ret < LZ4_BLOCK_MAX)
			return NULL;
	}
	return out->len ? NULL : truncated;
}

static const struct format {
	const char *name;
	const char *magic;
	size_t magic_len;
	const char *(*decompress)(const uint8_t *data, size_t len, struct buffer *out);
} formats[] = {
	{ "gzip", "\x1f\x8b", 2, gunzip },
	{ "xz", "\xfd\x37zXZ\0", 6, unxz },
	{ "zstd", "\x28\xb5\x2f\xfd", 4, unzstd },
	{ "lz4", "\x02\x21\x4c\x18", 4, unlz4 },
	{ "bzip2", "BZh", 3, NULL },
	{ "lzma", "\x5d\0\0", 3, NULL },
	{ "lzo", "\x89LZO", 4, NULL },
};

static const struct format *find_format(const uint8_t *data, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (len >= formats[i].magic_len &&
		    !memcmp(data, formats[i].magic, formats[i].magic_len))
			return &formats[i];
	}
	return NULL;
}

const char *decompress_name(const uint8_t *data, size_t len)
{
	const struct format *format = find_format(data, len);

	return format ? format->name : NULL;
}

const char *decompress(const uint8_t *data, size_t len, struct buffer *out)
{
	const struct format *format = find_format(data, len);
	const char *error;

	if (!format || !format->decompress)
		return "is compressed in a way that xenvm does not know; use gzip, xz, zstd or lz4";

	*out = (struct buffer) { 0 };
	error = format->decompress(data, len, out);
	if (error) {
		free(out->data);
		*out = (struct buffer) { 0 };
	}
	return error;
}
