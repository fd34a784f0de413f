// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watching nodes.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "xenemu-store.h"

/*
 * The fd may be shared with others, whose watches are not ours: the token tells
 * them apart.
 */
static void make_token(char *token, size_t size)
{
	snprintf(token, size, "xenemu-store-%d", (int)getpid());
}

static int wait_for_event(struct xenemu_xs *xs, struct xenemu_xs_event *event)
{
	struct pollfd poller = { .fd = xs->fd, .events = POLLIN };
	int ret;

	while (!(ret = xenemu_xs_next_event(xs, event))) {
		if (poll(&poller, 1, -1) < 0 && errno != EINTR)
			return -errno;
	}
	return ret;
}

static int print_events(struct xenemu_xs *xs, const char *token, unsigned long events)
{
	struct xenemu_xs_event event;
	unsigned long nr = 0;
	int ret;

	while (!events || nr < events) {
		ret = wait_for_event(xs, &event);
		if (ret < 0)
			return ret;
		if (strcmp(event.token, token))
			continue;
		print_value(event.path, strlen(event.path), false);
		putchar('\n');
		if (fflush(stdout))
			return -errno;
		nr++;
	}
	return 0;
}

int cmd_watch(struct xenemu_xs *xs, const struct options *options, int argc, char **argv)
{
	char token[32];
	int i, ret = 0;

	make_token(token, sizeof(token));
	for (i = 0; !ret && i < argc; i++) {
		ret = xenemu_xs_watch(xs, argv[i], token);
		if (ret)
			fail(argv[i], ret);
	}
	if (!ret) {
		ret = print_events(xs, token, options->events);
		if (ret)
			fail("watch", ret);
	}
	/* The fd outlives this process if others have it too. */
	while (i--)
		xenemu_xs_unwatch(xs, argv[i], token);
	return ret ? STATUS_FAILED : STATUS_OK;
}
