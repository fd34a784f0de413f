/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's side of the console: a terminal, a pseudo-terminal or a file. */
#ifndef XENVM_ENDPOINT_H
#define XENVM_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "loop.h"

struct options;

#define ENDPOINT_ROOM		65536

/**
 * struct endpoint - where the guest's console goes
 * @loop: the loop that it is in
 * @out: source for output; its fd is -1 when there is none
 * @in: source for input; its fd is -1 when there is none
 * @peer: the pseudo-terminal's other end, or -1
 * @tty: name of the pseudo-terminal, or an empty string
 * @drop: output that nobody reads is dropped, the oldest first; else it waits
 * @escapes: input is the user's terminal: raw, and Ctrl-A commands are obeyed
 * @escaped: the last byte was Ctrl-A
 * @start: of the bytes in @buf, which is a ring
 * @len: number of them
 * @buf: output on its way
 * @input: called with input; returns how much of it was taken. What was not is
 *         offered again after endpoint_resume()
 * @drained: called when there is room for output again
 * @arg: argument of these
 * @quit: called for Ctrl-A x
 * @quit_arg: its argument
 * @pending_len: bytes in @pending
 * @pending: input that was not taken
 */
struct endpoint {
	struct loop *loop;
	struct source out;
	struct source in;
	int peer;
	char tty[64];
	bool drop;
	bool escapes;
	bool escaped;

	size_t start;
	size_t len;
	char buf[ENDPOINT_ROOM];

	size_t (*input)(void *arg, const char *data, size_t len);
	void (*drained)(void *arg);
	void *arg;
	void (*quit)(void *arg);
	void *quit_arg;

	size_t pending_len;
	char pending[256];
};

/* Open what the options say. 0, or -1 having said why. */
int endpoint_open(struct endpoint *endpoint, const struct options *options);
void endpoint_close(struct endpoint *endpoint);

/* Begin and end to use a loop, and to have the callbacks called. */
int endpoint_attach(struct endpoint *endpoint, struct loop *loop);
void endpoint_detach(struct endpoint *endpoint);

/* How many bytes endpoint_write() takes now. */
size_t endpoint_room(const struct endpoint *endpoint);

/* Write at most endpoint_room() bytes. */
void endpoint_write(struct endpoint *endpoint, const char *data, size_t len);

/* Input can be taken again. */
void endpoint_resume(struct endpoint *endpoint);

#endif /* XENVM_ENDPOINT_H */
