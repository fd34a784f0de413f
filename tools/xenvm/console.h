/* SPDX-License-Identifier: GPL-2.0-only */
/* The backend of the paravirtual console. */
#ifndef XENVM_CONSOLE_H
#define XENVM_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"

struct endpoint;

/**
 * struct console - the console's ring, and the endpoint that it is connected to
 * @loop: the loop that it is in
 * @events: source for the evtchn fd
 * @port: our event channel port
 * @ring: page that is shared with the guest
 * @out_cons: how far the guest's output was read; the ring has a copy
 * @in_prod: how far input was written; the ring has a copy
 * @endpoint: the host's side
 * @broken: the guest has spoilt the ring; it is left alone
 */
struct console {
	struct loop *loop;
	struct source events;
	uint32_t port;
	struct xencons_interface *ring;
	uint32_t out_cons;
	uint32_t in_prod;
	struct endpoint *endpoint;
	bool broken;
};

/**
 * console_start - begin to serve the ring
 * @console: filled in
 * @loop: loop to be in
 * @endpoint: the host's side, attached to the loop
 * @ring: the ring's page
 * @host_fd: the host
 * @domid: the guest
 * @port: the guest's event channel port
 *
 * Return: 0, or -1 having said why.
 */
int console_start(struct console *console, struct loop *loop, struct endpoint *endpoint,
		  void *ring, int host_fd, uint32_t domid, uint32_t port);

/*
 * Pass on what the guest wrote last, and end. No effect on a console that has
 * not started or was stopped: its fd is -1.
 */
void console_stop(struct console *console);

#endif /* XENVM_CONSOLE_H */
