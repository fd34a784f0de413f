/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs are run here.
 */
#ifndef XENEMU_FUZZ_EXEC_H
#define XENEMU_FUZZ_EXEC_H

#include "prog.h"

/* Bytes of a structure at most: MAX_FIELDS of 8. */
#define MAX_STRUCT	(MAX_FIELDS * 8)

/* A number that stands for the length of what is there. */
#define FITTING_LEN	0xffffffff

/* The number of a field, without what it is measured from. */
uint64_t exec_number(const struct call *call, unsigned int field);
/* Bytes of a part of a call. */
size_t exec_size(const struct call *call, enum where where);

/* Returns what the call returned, or a negative errno. */
long exec_call(struct world *w, const struct call *call);

#endif /* XENEMU_FUZZ_EXEC_H */
