/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs that were run last, on a disk of their own: each is there before it is
 * run, whatever then becomes of the machine.
 */
#ifndef XENEMU_FUZZ_JOURNAL_H
#define XENEMU_FUZZ_JOURNAL_H

#include <stdbool.h>

/* A block each; as many programs as a world sees, and more. */
#define JOURNAL_BLOCK	8192
#define JOURNAL_BLOCKS	256

void journal_open(const char *path);
/* @world: number of the world that it is run in. */
void journal_write(unsigned int world, const char *text);

/*
 * For reading: the texts of the last world in the order they were run. Returns how many,
 * or -1. They belong to the journal.
 */
int journal_read(const char *path, const char *texts[JOURNAL_BLOCKS]);

#endif /* XENEMU_FUZZ_JOURNAL_H */
