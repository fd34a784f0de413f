/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel says that the calling thread ran: of xenemu.ko, which alone is
 * instrumented.
 */
#ifndef XENEMU_FUZZ_KCOV_H
#define XENEMU_FUZZ_KCOV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False where there is no KCOV; then nothing is ever new. */
bool kcov_open(void);
void kcov_start(void);
void kcov_stop(void);

/* Of what ran since kcov_start(): how many edges never ran before. */
unsigned int kcov_new(void);
/* The same, and remember them, and those of what ran in @edges, at most @max. */
unsigned int kcov_keep(uint32_t *edges, unsigned int max, unsigned int *nr);

/* All that was kept. */
unsigned int kcov_nr_places(void);
unsigned int kcov_nr_edges(void);

#define KCOV_MAX_EDGES	(1u << 18)

#endif /* XENEMU_FUZZ_KCOV_H */
