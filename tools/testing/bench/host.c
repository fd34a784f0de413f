// SPDX-License-Identifier: GPL-2.0-only
/*
 * What requests of a process of the host to XenStore cost: by the ioctl of a
 * store fd, and by write() and read() on it.
 *
 * usage: host
 *
 * It prints a line for each, "bench NAME MEDIAN MEAN". Needs no KVM.
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <linux/xenemu.h>

#include "request.h"
#include "samples.h"
#include "xs.h"

#define HOME	"/bench"
#define WARM_UP	50
#define ROUNDS	1000

static struct samples samples;
static struct xs_msg msg;
static const char *const reply = msg.body;
static int store;

/* ---- by ioctl ---- */

static void call(uint32_t type, uint32_t tx, const void *body, size_t len)
{
	request_by_ioctl(store, type, tx, body, len, &msg);
}

/* ---- by write() and read() ---- */

static void pass(uint32_t type, uint32_t tx, const void *body, size_t len)
{
	size_t size = xs_make(&msg, type, 0, tx, body, len);

	if (write(store, &msg, size) != (ssize_t)size)
		err(1, "write of request %u", type);
	if (read(store, &msg, sizeof(msg)) < (ssize_t)sizeof(msg.hdr))
		err(1, "read of reply %u", type);
	if (msg.hdr.type != type)
		errx(1, "request %u: %s", type, msg.body);
}

/* ---- operations ---- */

static void (*request)(uint32_t type, uint32_t tx, const void *body, size_t len);

#include "ops.h"

/* The event of a client's own write comes first. */
static void op_watch(void)
{
	static const char body[] = HOME "/watched\0" "0123456789abcdef";
	struct xs_msg event;
	size_t size;

	size = xs_make(&msg, XS_WRITE, 0, 0, body, sizeof(body) - 1);
	if (write(store, &msg, size) != (ssize_t)size)
		err(1, "write");
	if (xs_recv(store, &event) || event.hdr.type != XS_WATCH_EVENT ||
	    xs_recv(store, &msg) || msg.hdr.type != XS_WRITE)
		errx(1, "no event");
}

/* A system call that does next to nothing, to compare with. */
static void op_query(void)
{
	struct xenemu_query args = { .size = sizeof(args) };

	if (ioctl(store, XENEMU_QUERY, &args))
		err(1, "XENEMU_QUERY");
}

static void op_getppid(void)
{
	getppid();
}

int main(void)
{
	struct xenemu_host_open args = { .size = sizeof(args) };
	int host;

	host = open("/dev/xenemu", O_RDWR | O_CLOEXEC);
	if (host < 0)
		err(1, "/dev/xenemu");
	store = ioctl(host, XENEMU_HOST_OPEN_STORE, &args);
	if (store < 0)
		err(1, "XENEMU_HOST_OPEN_STORE");

	request = call;
	make_nodes();
	measure("getppid", op_getppid);
	measure("query", op_query);
	measure("ioctl-read", op_read);
	measure("ioctl-write", op_write);
	measure("ioctl-directory", op_directory);
	measure("ioctl-transaction", op_transaction);
	request = pass;
	measure("fd-read", op_read);
	measure("fd-write", op_write);
	measure("fd-directory", op_directory);
	measure("fd-transaction", op_transaction);
	if (xs_watch(store, HOME "/watched", "token") || xs_recv(store, &msg))
		errx(1, "watch");
	measure("fd-watch", op_watch);
	return 0;
}
