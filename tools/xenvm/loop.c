// SPDX-License-Identifier: GPL-2.0-only
#include <poll.h>
#include <stddef.h>
#include <string.h>

#include "loop.h"

int loop_add(struct loop *loop, struct source *source)
{
	if (loop->nr == LOOP_SOURCES_MAX)
		return -1;
	loop->sources[loop->nr++] = source;
	return 0;
}

static bool contains(const struct loop *loop, const struct source *source, unsigned int *at)
{
	for (*at = 0; *at < loop->nr; (*at)++) {
		if (loop->sources[*at] == source)
			return true;
	}
	return false;
}

void loop_remove(struct loop *loop, struct source *source)
{
	unsigned int at;

	if (!contains(loop, source, &at))
		return;
	loop->nr--;
	memmove(&loop->sources[at], &loop->sources[at + 1],
		(loop->nr - at) * sizeof(loop->sources[0]));
}

void loop_run(struct loop *loop)
{
	while (!loop->done) {
		struct source *sources[LOOP_SOURCES_MAX];
		struct pollfd fds[LOOP_SOURCES_MAX];
		unsigned int nr = loop->nr, i, at;

		for (i = 0; i < nr; i++) {
			sources[i] = loop->sources[i];
			fds[i].fd = sources[i]->events ? sources[i]->fd : -1;
			fds[i].events = sources[i]->events;
			fds[i].revents = 0;
		}
		if (poll(fds, nr, -1) < 0)
			continue;	/* a signal */

		/* Each call may remove sources, its own and others. */
		for (i = 0; i < nr && !loop->done; i++) {
			if (fds[i].revents && contains(loop, sources[i], &at))
				sources[i]->ready(sources[i], fds[i].revents);
		}
	}
}
