// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest may write anything into the shared page at any time. Each index is
 * read once; one that makes no sense ends the service.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <xen/io/console.h>

#include "console.h"
#include "endpoint.h"
#include "evtchn.h"
#include "libxenemu.h"
#include "log.h"

static void notify(struct console *console)
{
	xenemu_evtchn_notify(console->events.fd, console->port);
}

static void give_up(struct console *console)
{
	console->broken = true;
	say("the guest has spoilt its console ring; the console is off");
}

/* From the guest to the endpoint, as much as that has room for. */
static void drain(struct console *console)
{
	struct xencons_interface *ring = console->ring;
	uint32_t prod = __atomic_load_n(&ring->out_prod, __ATOMIC_ACQUIRE);
	uint32_t cons = console->out_cons;
	size_t room = endpoint_room(console->endpoint);
	uint32_t len = prod - cons;

	if (console->broken)
		return;
	if (len > sizeof(ring->out)) {
		give_up(console);
		return;
	}
	if (len > room)
		len = room;
	if (!len)
		return;

	while (len) {
		uint32_t at = cons % sizeof(ring->out);
		uint32_t piece = sizeof(ring->out) - at;

		if (piece > len)
			piece = len;
		endpoint_write(console->endpoint, ring->out + at, piece);
		cons += piece;
		len -= piece;
	}
	console->out_cons = cons;
	/* The bytes have been read before the guest may put others there. */
	__atomic_store_n(&ring->out_cons, cons, __ATOMIC_RELEASE);
	notify(console);
}

/* From the endpoint to the guest. Returns how much was taken. */
static size_t input(void *arg, const char *data, size_t len)
{
	struct console *console = arg;
	struct xencons_interface *ring = console->ring;
	uint32_t cons = __atomic_load_n(&ring->in_cons, __ATOMIC_ACQUIRE);
	uint32_t prod = console->in_prod;
	uint32_t used = prod - cons;
	size_t i;

	/* Nobody will ever read it: do not let it wait. */
	if (console->broken)
		return len;
	if (used > sizeof(ring->in)) {
		give_up(console);
		return len;
	}
	if (len > sizeof(ring->in) - used)
		len = sizeof(ring->in) - used;
	if (!len)
		return 0;

	for (i = 0; i < len; i++)
		ring->in[(prod + i) % sizeof(ring->in)] = data[i];
	console->in_prod = prod + len;
	/* The bytes are there before the guest sees that they are. */
	__atomic_store_n(&ring->in_prod, console->in_prod, __ATOMIC_RELEASE);
	notify(console);
	return len;
}

static void drained(void *arg)
{
	drain(arg);
}

static void events_ready(struct source *source, short revents)
{
	struct console *console = source_owner(source, struct console, events);
	uint32_t port;

	(void)revents;
	if (xenemu_evtchn_read(source->fd, &port, 1) <= 0)
		return;
	/* Unmasked first: what comes after the rings were looked at raises it again. */
	xenemu_evtchn_unmask(source->fd, &port, 1);
	drain(console);
	endpoint_resume(console->endpoint);
}

int console_start(struct console *console, struct loop *loop, struct endpoint *endpoint,
		  void *ring, int host_fd, uint32_t domid, uint32_t port)
{
	int ret;

	*console = (struct console) {
		.loop = loop,
		.events = { .events = POLLIN, .ready = events_ready },
		.ring = ring,
		.endpoint = endpoint,
	};

	console->events.fd = xenemu_open_evtchn(host_fd, 0);
	if (console->events.fd < 0)
		return fail("%s", xenemu_error());
	ret = xenemu_evtchn_bind_interdomain(console->events.fd, domid, port);
	if (ret < 0) {
		fail("cannot bind the console's event channel: %s", strerror(-ret));
		goto err_close;
	}
	console->port = ret;
	if (loop_add(loop, &console->events)) {
		fail("the console does not fit into the main loop");
		goto err_close;
	}

	console->out_cons = console->ring->out_cons;
	console->in_prod = console->ring->in_prod;
	endpoint->input = input;
	endpoint->drained = drained;
	endpoint->arg = console;
	return 0;

err_close:
	close(console->events.fd);
	console->events.fd = -1;
	return -1;
}

void console_stop(struct console *console)
{
	if (console->events.fd < 0)
		return;
	drain(console);
	loop_remove(console->loop, &console->events);
	close(console->events.fd);
	console->events.fd = -1;
}
