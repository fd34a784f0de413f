/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs as a test in C, in the form of the kselftests.
 */
#ifndef XENEMU_FUZZ_REPRODUCE_H
#define XENEMU_FUZZ_REPRODUCE_H

/* @texts are programs, to be run in one world. 0, or -1 if one is none. */
int reproduce(const char *const texts[], unsigned int nr);

#endif /* XENEMU_FUZZ_REPRODUCE_H */
