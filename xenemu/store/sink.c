// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a saved store is written to: bytes are collected and handed on in pieces, so
 * that a stream of any length takes little memory.
 */
#include "state.h"

#include <linux/errno.h>

#define PIECE	4096

/**
 * xenemu_sink_start - make a sink
 * @sink: the sink
 * @write: takes the bytes; returns 0 or an errno
 * @priv: passed to that
 *
 * Return: 0 or -ENOMEM.
 */
int xenemu_sink_start(struct xenemu_sink *sink, int (*write)(void *priv, const void *data,
							     size_t len), void *priv)
{
	*sink = (struct xenemu_sink) { .write = write, .priv = priv };
	sink->buf = kmalloc(PIECE, GFP_KERNEL_ACCOUNT);
	return sink->buf ? 0 : -ENOMEM;
}

static void flush(struct xenemu_sink *sink)
{
	if (!sink->error && sink->used)
		sink->error = sink->write(sink->priv, sink->buf, sink->used);
	sink->used = 0;
}

/**
 * xenemu_sink_finish - hand on what is left
 * @sink: a sink that was made
 *
 * Return: 0 or what went wrong.
 */
int xenemu_sink_finish(struct xenemu_sink *sink)
{
	flush(sink);
	kfree(sink->buf);
	return sink->error;
}

/**
 * xenemu_sink_put - write bytes
 * @sink: the sink
 * @data: the bytes, or NULL for zeroes
 * @len: how many
 */
void xenemu_sink_put(struct xenemu_sink *sink, const void *data, size_t len)
{
	sink->len += len;
	while (len) {
		size_t n = min_t(size_t, len, PIECE - sink->used);

		if (data) {
			memcpy(sink->buf + sink->used, data, n);
			data += n;
		} else {
			memset(sink->buf + sink->used, 0, n);
		}
		sink->used += n;
		len -= n;
		if (sink->used == PIECE)
			flush(sink);
	}
}

/**
 * xenemu_sink_u8 - write a byte
 * @sink: the sink
 * @value: the byte
 */
void xenemu_sink_u8(struct xenemu_sink *sink, u8 value)
{
	sink->len++;
	sink->buf[sink->used++] = value;
	if (sink->used == PIECE)
		flush(sink);
}

/**
 * xenemu_sink_u16 - write a number of 16 bits, little end first
 * @sink: the sink
 * @value: the number
 */
void xenemu_sink_u16(struct xenemu_sink *sink, u16 value)
{
	xenemu_sink_u8(sink, value);
	xenemu_sink_u8(sink, value >> 8);
}

/**
 * xenemu_sink_u32 - write a number of 32 bits, little end first
 * @sink: the sink
 * @value: the number
 */
void xenemu_sink_u32(struct xenemu_sink *sink, u32 value)
{
	xenemu_sink_u16(sink, value);
	xenemu_sink_u16(sink, value >> 16);
}

/**
 * xenemu_sink_varint - write a number in as few bytes as it needs
 * @sink: the sink
 * @value: the number; seven bits a byte, the low ones first, with the eighth set in
 *	all but the last
 */
void xenemu_sink_varint(struct xenemu_sink *sink, u64 value)
{
	for (; value >= 0x80; value >>= 7)
		xenemu_sink_u8(sink, value | 0x80);
	xenemu_sink_u8(sink, value);
}
