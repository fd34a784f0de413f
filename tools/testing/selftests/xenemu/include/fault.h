/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Faults on demand: one allocation or copy of the calling thread fails, the next
 * one in the next turn, until there is none left to fail.
 */
#ifndef XENEMU_TEST_FAULT_H
#define XENEMU_TEST_FAULT_H

#include <stdbool.h>

/* Ends the program with a reason if this kernel cannot do it. */
void fault_require(void);
/* Make the @nth allocation or copy from here on fail, in this thread. */
void fault_arm(unsigned int nth);
/* That is enough; true if it came to it. */
bool fault_disarm(void);

#endif /* XENEMU_TEST_FAULT_H */
