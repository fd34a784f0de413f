/* SPDX-License-Identifier: GPL-2.0-only */
/* The user's terminal, in raw mode while the guest has it. */
#ifndef XENVM_TERMINAL_H
#define XENVM_TERMINAL_H

/*
 * Put standard input's terminal into raw mode, and see to it that it is put
 * back however the program ends, SIGKILL excepted, and while it is stopped. No
 * effect if standard input is no terminal.
 */
void terminal_raw(void);

/* Put it back now. */
void terminal_restore(void);

#endif /* XENVM_TERMINAL_H */
