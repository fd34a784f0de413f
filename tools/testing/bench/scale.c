// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one XS_READ and one XS_WRITE cost in a XenStore that grows: in nodes, in
 * children of one directory, in watches elsewhere and on the node, and in
 * connections. By the ioctl of a store fd; needs no KVM.
 *
 * usage: scale
 *
 * It prints a line for each, "bench DIMENSION-SIZE-OPERATION MEDIAN MEAN".
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <linux/xenemu.h>

#include "request.h"
#include "samples.h"
#include "xs.h"

#define NODE	"/bench/node"
#define WARM_UP	20
#define ROUNDS	200
/* Nodes of a directory, where they are not what is measured. */
#define FANOUT	100

static struct samples samples;
static struct xs_msg msg;
static int host, store;

static void call(uint32_t type, const void *body, size_t len)
{
	request_by_ioctl(store, type, 0, body, len, &msg);
}

static int open_store(void)
{
	struct xenemu_host_open args = { .size = sizeof(args) };
	int fd = ioctl(host, XENEMU_HOST_OPEN_STORE, &args);

	if (fd < 0)
		err(1, "XENEMU_HOST_OPEN_STORE");
	return fd;
}

static void start_over(void)
{
	host = open("/dev/xenemu", O_RDWR | O_CLOEXEC);
	if (host < 0)
		err(1, "/dev/xenemu");
	store = open_store();
}

static void end(void)
{
	close(store);
	close(host);
}

/* ---- what is measured ---- */

static void read_node(const char *path)
{
	call(XS_READ, path, strlen(path) + 1);
}

static void write_node(const char *path)
{
	char body[128];
	size_t len = strlen(path) + 1;

	memcpy(body, path, len);
	memcpy(body + len, "0123456789abcdef", 16);
	call(XS_WRITE, body, len + 16);
}

static void measure_one(const char *dimension, unsigned int size, const char *operation,
			void (*op)(const char *path), const char *path)
{
	char name[64];
	uint64_t start;
	int i;

	for (i = 0; i < WARM_UP; i++)
		op(path);
	for (i = 0; i < ROUNDS; i++) {
		start = cost_now();
		op(path);
		samples_add(&samples, cost_now() - start);
	}
	snprintf(name, sizeof(name), "%s-%u-%s", dimension, size, operation);
	samples_report(&samples, name);
}

static void measure(const char *dimension, unsigned int size, const char *path)
{
	write_node(path);
	measure_one(dimension, size, "read", read_node, path);
	measure_one(dimension, size, "write", write_node, path);
}

/* ---- what grows ---- */

static void grow_nodes(unsigned int from, unsigned int to)
{
	char path[64];

	for (; from < to; from++) {
		snprintf(path, sizeof(path), "/nodes/%u/%u", from / FANOUT, from % FANOUT);
		write_node(path);
	}
}

static void grow_children(unsigned int from, unsigned int to)
{
	char path[64];

	for (; from < to; from++) {
		snprintf(path, sizeof(path), "/bench/%u", from);
		write_node(path);
	}
}

static void add_watch(int fd, const char *path, unsigned int token)
{
	char name[16];
	int ret;

	snprintf(name, sizeof(name), "%u", token);
	ret = xs_watch(fd, path, name);
	if (ret)
		errx(1, "watch: %s", strerror(-ret));
}

static void grow_watches(unsigned int from, unsigned int to)
{
	char path[64];

	for (; from < to; from++) {
		snprintf(path, sizeof(path), "/watched/%u/%u", from / FANOUT, from % FANOUT);
		add_watch(store, path, from);
	}
}

/* Events of one watch on one node are all the same, and one waits to be read. */
static void grow_watches_on_it(unsigned int from, unsigned int to)
{
	for (; from < to; from++)
		add_watch(store, NODE, from);
}

/* Each with a watch elsewhere. They end with the process. */
static void grow_connections(unsigned int from, unsigned int to)
{
	char path[64];

	for (; from < to; from++) {
		snprintf(path, sizeof(path), "/connection/%u", from);
		add_watch(open_store(), path, from);
	}
}

static const struct dimension {
	const char *name;
	unsigned int max;
	void (*grow)(unsigned int from, unsigned int to);
} dimensions[] = {
	{ "nodes", 100000, grow_nodes },
	{ "children", 100000, grow_children },
	{ "watches", 10000, grow_watches },
	{ "watches_on_it", 1000, grow_watches_on_it },
	{ "connections", 1000, grow_connections },
};

int main(void)
{
	const struct rlimit files = { 4096, 4096 };
	const struct dimension *dimension;
	unsigned int i, size, last;

	if (setrlimit(RLIMIT_NOFILE, &files))
		err(1, "setrlimit");
	for (i = 0; i < sizeof(dimensions) / sizeof(dimensions[0]); i++) {
		dimension = &dimensions[i];
		start_over();
		for (size = 1, last = 0; size <= dimension->max; last = size, size *= 10) {
			dimension->grow(last, size);
			measure(dimension->name, size, NODE);
		}
		end();
	}
	return 0;
}
