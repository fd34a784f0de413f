/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The operations on XenStore that are measured from a guest and from the host
 * alike. To be included once, by a program that has said what HOME is and has
 *
 *	request(type, tx, body, len)	carry out a request, or end the program
 *	reply				the text of the last reply
 */
#ifndef XENEMU_BENCH_OPS_H
#define XENEMU_BENCH_OPS_H

#include <stdint.h>
#include <stdlib.h>
#include <xen/io/xs_wire.h>

#define REQUEST(type, tx, string)	request(type, tx, string, sizeof(string))
/* A value has no NUL behind it. */
#define WRITE(tx, string)		request(XS_WRITE, tx, string, sizeof(string) - 1)

static void op_read(void)
{
	REQUEST(XS_READ, 0, HOME "/value");
}

static void op_write(void)
{
	WRITE(0, HOME "/value\0" "0123456789abcdef");
}

static void op_directory(void)
{
	REQUEST(XS_DIRECTORY, 0, HOME "/dir");
}

static void op_transaction(void)
{
	uint32_t tx;

	REQUEST(XS_TRANSACTION_START, 0, "");
	tx = strtoul(reply, NULL, 10);
	WRITE(tx, HOME "/value\0" "0123456789abcdef");
	REQUEST(XS_TRANSACTION_END, tx, "T");
}

#endif /* XENEMU_BENCH_OPS_H */
