// SPDX-License-Identifier: GPL-2.0-only
/*
 * Process 1 of a Linux guest, all that its initramfs has: what the guest's
 * requests to XenStore cost by the kernel's /dev/xen/xenbus, as they come from
 * any process in a guest. It prints a line for each, "bench NAME MEDIAN MEAN",
 * and powers off.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

#include "samples.h"

/* A directory of the guest's own, which every toolstack makes. */
#define HOME	"data/bench"
#define SETTLE_SECONDS	5
#define WARM_UP	20
#define ROUNDS	200

static struct samples samples;
static int xenbus;
static char reply[XENSTORE_PAYLOAD_MAX + 1];

static void power_off(void)
{
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void fatal(const char *what)
{
	printf("bench-failed %s: %s\n", what, strerror(errno));
	power_off();
}

static void setup(void)
{
	int fd;

	mkdir("/dev", 0755);
	if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) && errno != EBUSY)
		fatal("/dev");
	fd = open("/dev/console", O_RDWR);
	if (fd >= 0 && fd < 3) {
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
	}
	xenbus = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);
	if (xenbus < 0)
		fatal("/dev/xen/xenbus");
}

static void send_request(uint32_t type, uint32_t tx, const void *body, size_t len)
{
	struct {
		struct xsd_sockmsg hdr;
		char body[256];
	} msg = { .hdr = { .type = type, .tx_id = tx, .len = len } };

	memcpy(msg.body, body, len);
	if (write(xenbus, &msg, sizeof(msg.hdr) + len) != (ssize_t)(sizeof(msg.hdr) + len))
		fatal("write to xenbus");
}

static void read_all(void *buf, size_t len)
{
	size_t done = 0;
	ssize_t ret;

	while (done < len) {
		ret = read(xenbus, (char *)buf + done, len - done);
		if (ret <= 0)
			fatal("read from xenbus");
		done += ret;
	}
}

/* The next message of any kind; its type. */
static uint32_t receive(void)
{
	struct xsd_sockmsg hdr;

	read_all(&hdr, sizeof(hdr));
	if (hdr.len > XENSTORE_PAYLOAD_MAX) {
		errno = EPROTO;
		fatal("header from xenbus");
	}
	read_all(reply, hdr.len);
	reply[hdr.len] = '\0';
	return hdr.type;
}

static void request(uint32_t type, uint32_t tx, const void *body, size_t len)
{
	send_request(type, tx, body, len);
	if (receive() != type) {
		errno = EPROTO;
		fatal(reply);
	}
}

#include "ops.h"

/* Linux's xenbus does not keep a reply and an event in order. */
static void receive_both(uint32_t type)
{
	bool event = false, done = false;
	uint32_t got;

	while (!event || !done) {
		got = receive();
		if (got != XS_WATCH_EVENT && got != type) {
			errno = EPROTO;
			fatal(reply);
		}
		event |= got == XS_WATCH_EVENT;
		done |= got == type;
	}
}

/* Write a watched node and wait for the event. */
static void op_watch(void)
{
	static const char body[] = HOME "/watched\0" "0123456789abcdef";

	send_request(XS_WRITE, 0, body, sizeof(body) - 1);
	receive_both(XS_WRITE);
}

int main(void)
{
	setup();
	make_nodes();
	/* What the boot has left for later. */
	sleep(SETTLE_SECONDS);
	measure("read", op_read);
	measure("write", op_write);
	measure("directory", op_directory);
	measure("transaction", op_transaction);

	send_request(XS_WATCH, 0, HOME "/watched\0token", sizeof(HOME "/watched\0token"));
	receive_both(XS_WATCH);
	measure("watch", op_watch);

	puts("bench-done");
	power_off();
}
