/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * New programs, from nothing and from others.
 */
#ifndef XENEMU_FUZZ_MUTATE_H
#define XENEMU_FUZZ_MUTATE_H

#include "prog.h"

void mutate_seed(uint64_t seed);
/* Below @limit. */
uint32_t mutate_random(uint32_t limit);
void mutate_generate(struct prog *prog);
/* Changes @prog; @other is a program to take calls from. */
void mutate(struct prog *prog, const struct prog *other);

#endif /* XENEMU_FUZZ_MUTATE_H */
