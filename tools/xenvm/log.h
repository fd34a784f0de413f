/* SPDX-License-Identifier: GPL-2.0-only */
/* What the user is told, on standard error. */
#ifndef XENVM_LOG_H
#define XENVM_LOG_H

#include <stdbool.h>
#include <stddef.h>

/* Print a line, with the name of the program before it. Any thread may call it. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* As say(), for errors: returns -1 for the caller to pass on. */
int fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Write text that comes from the guest to @fd. Control characters but those of
 * plain text are replaced: they are a way into the user's terminal.
 */
void log_guest(int fd, const char *text, size_t len);

/* Lines must end with a carriage return as well: the terminal is in raw mode. */
void log_set_raw(bool raw);

#endif /* XENVM_LOG_H */
