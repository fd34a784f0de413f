/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The operations on XenStore that are measured from a guest and from the host
 * alike, and how. To be included once, by a program that has said what HOME, WARM_UP
 * and ROUNDS are and has
 *
 *	samples				where the costs go
 *	request(type, tx, body, len)	carry out a request, or end the program
 *	reply				the text of the last reply
 */
#ifndef XENEMU_BENCH_OPS_H
#define XENEMU_BENCH_OPS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#include "samples.h"

#define CHILDREN	10

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

/* What the operations work on. */
static void make_nodes(void)
{
	char path[64];
	int i;

	WRITE(0, HOME "/value\0" "0123456789abcdef");
	for (i = 0; i < CHILDREN; i++) {
		snprintf(path, sizeof(path), HOME "/dir/child-%d", i);
		request(XS_WRITE, 0, path, strlen(path) + 1);
	}
}

static void measure(const char *name, void (*op)(void))
{
	uint64_t start;
	int i;

	for (i = 0; i < WARM_UP; i++)
		op();
	for (i = 0; i < ROUNDS; i++) {
		start = cost_now();
		op();
		samples_add(&samples, cost_now() - start);
	}
	samples_report(&samples, name);
}

#endif /* XENEMU_BENCH_OPS_H */
