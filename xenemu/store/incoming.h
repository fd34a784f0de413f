/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_STORE_INCOMING_H
#define XENEMU_STORE_INCOMING_H

#include <linux/errno.h>
#include <linux/types.h>

#include "store.h"
#include "wire.h"

/**
 * struct xenemu_incoming - a request being put together from a stream of bytes
 * @used: bytes of the header and then the body that have arrived
 * @hdr: the header
 * @headroom: what the store wants in front of a body, no part of the stream
 * @body: the body
 *
 * Our own copy: nothing here changes after it was checked.
 */
struct xenemu_incoming {
	u32 used;
	struct xsd_sockmsg hdr;
	char headroom[XENEMU_STORE_HEADROOM];
	char body[XENSTORE_PAYLOAD_MAX];
};

/**
 * xenemu_incoming_next - what a request wants next
 * @request: the request
 * @to: out: where the bytes belong; add their number to @request->used
 *
 * Never asks for bytes past the end of the message: those are the next one's.
 *
 * Return: how many bytes to put there, 0 if the request is complete, or
 * -EMSGSIZE if its header announces more than the protocol allows, after which
 * the stream has no meaning.
 */
static inline int xenemu_incoming_next(struct xenemu_incoming *request, char **to)
{
	u32 offset;

	if (request->used < sizeof(request->hdr)) {
		*to = (char *)&request->hdr + request->used;
		return sizeof(request->hdr) - request->used;
	}
	if (request->hdr.len > sizeof(request->body))
		return -EMSGSIZE;
	offset = request->used - sizeof(request->hdr);
	*to = request->body + offset;
	return request->hdr.len - offset;
}

#endif /* XENEMU_STORE_INCOMING_H */
