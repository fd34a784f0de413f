/* SPDX-License-Identifier: GPL-2.0-only */
/* The main thread's loop: wait for file descriptors, call whom they concern. */
#ifndef XENVM_LOOP_H
#define XENVM_LOOP_H

#include <stdbool.h>

/**
 * struct source - a file descriptor to wait for
 * @fd: the fd
 * @events: what to wait for, as for poll(); may change while it is in the loop.
 *          With 0 nobody looks at the fd
 * @ready: called when one of @events, or an error or hang-up, is there
 */
struct source {
	int fd;
	short events;
	void (*ready)(struct source *source, short revents);
};

#define LOOP_SOURCES_MAX	256

/**
 * struct loop - the loop
 * @sources: what is waited for
 * @nr: number of them
 * @done: leave the loop
 */
struct loop {
	struct source *sources[LOOP_SOURCES_MAX];
	unsigned int nr;
	bool done;
};

/* 0, or -1 if there are too many sources. */
int loop_add(struct loop *loop, struct source *source);

/* Also from inside of any source's ready(). No effect if it is not in the loop. */
void loop_remove(struct loop *loop, struct source *source);

/* Until loop->done. */
void loop_run(struct loop *loop);

/* The object that a source is a member of. */
#define source_owner(source, type, member) \
	((type *)((char *)(source) - __builtin_offsetof(type, member)))

#endif /* XENVM_LOOP_H */
