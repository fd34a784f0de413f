/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A request by the ioctl of a store fd, with nothing around it that would be
 * measured, too: the ioctl's arguments are here, and its reply is not copied.
 */
#ifndef XENEMU_BENCH_REQUEST_H
#define XENEMU_BENCH_REQUEST_H

#include <err.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <linux/xenemu.h>

#include "xs.h"

/* Ends the program if there is no reply, or an error. */
static inline void request_by_ioctl(int store, uint32_t type, uint32_t tx, const void *body,
				    size_t len, struct xs_msg *msg)
{
	struct xenemu_store_request args = {
		.size = sizeof(args),
		.type = type,
		.tx_id = tx,
		.req = (uintptr_t)body,
		.req_len = len,
		.reply = (uintptr_t)msg->body,
		.reply_len = XENSTORE_PAYLOAD_MAX,
	};

	if (ioctl(store, XENEMU_STORE_REQUEST, &args))
		err(1, "request %u", type);
	if (args.out_type != type)
		errx(1, "request %u: %s", type, msg->body);
	msg->body[args.reply_len] = '\0';
}

#endif /* XENEMU_BENCH_REQUEST_H */
