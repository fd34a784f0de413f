/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs: sequences of calls, and their readable form. A call is a line: its name,
 * the fields that are not as usual, and the bytes behind them:
 *
 *	evtchn_fd.bind_interdomain fd=1 domid=2 port=3
 *	store.request type=11 tail="/local/domain/1/a\x00value"
 *
 * Numbers may be measured from something: buf+0x800 is in the caller's memory, fd+6 a
 * file descriptor; see enum tag. Empty lines and those that begin with # mean nothing.
 */
#ifndef XENEMU_FUZZ_PROG_H
#define XENEMU_FUZZ_PROG_H

#include <stdio.h>

#include "desc.h"

#define MAX_CALLS	16
#define MAX_TAIL	256
#define MAX_TEXT	8000

struct value {
	uint64_t num;
	enum tag tag;
};

struct call {
	const struct desc *desc;
	struct value value[MAX_FIELDS];
	uint16_t tail_len;
	uint8_t tail[MAX_TAIL];
};

struct prog {
	unsigned int nr;
	struct call call[MAX_CALLS];
};

/* A call with everything as usual. */
void prog_init_call(struct call *call, const struct desc *desc);
void prog_remove(struct prog *prog, unsigned int index);

/* Both end with a NUL; the length without it, or -1 if it does not fit. */
int prog_print_call(const struct call *call, char *buf, size_t size);
int prog_print(const struct prog *prog, char *buf, size_t size);
/* 0, or -1 with what is wrong on the standard error. */
int prog_parse(struct prog *prog, const char *text);

#endif /* XENEMU_FUZZ_PROG_H */
