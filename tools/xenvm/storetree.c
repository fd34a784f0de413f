// SPDX-License-Identifier: GPL-2.0-only
/*
 * The nodes are those that Xen's toolstack makes for a PVH guest, with the same
 * permissions. Everything is written in one transaction, so that whoever
 * watches from outside sees the guest complete or not at all.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "memory.h"
#include "options.h"
#include "storetree.h"
#include "xsclient.h"

/* What the console's backend may buffer, which nobody enforces any more. */
#define CONSOLE_LIMIT		1048576

/* Room for any path here. */
#define PATH_ROOM		192

/* Who may do what with a node. */
enum owner {
	OURS,			/* the guest reads */
	GUESTS,			/* the guest owns it, nobody else but dom0 gets in */
	FRONTEND,		/* the guest's, and the backend's domain reads */
	PRIVATE,		/* dom0's alone */
};

/**
 * struct writer - the nodes being written
 * @xs: the store
 * @tx: the transaction
 * @domid: the guest
 * @error: the first error; nothing is done after it
 */
struct writer {
	struct xenemu_xs *xs;
	uint32_t tx;
	uint32_t domid;
	int error;
};

static void set_owner(struct writer *writer, const char *path, enum owner owner)
{
	struct xenemu_xs_perm perms[2] = {
		{ .domid = 0, .access = 'n' },
		{ .domid = writer->domid, .access = 'r' },
	};
	unsigned int nr = 2;

	switch (owner) {
	case OURS:
		break;
	case GUESTS:
		perms[0].domid = writer->domid;
		nr = 1;
		break;
	case FRONTEND:
		perms[0].domid = writer->domid;
		perms[1].domid = 0;
		break;
	case PRIVATE:
		nr = 1;
		break;
	}
	writer->error = xenemu_xs_set_perms(writer->xs, writer->tx, path, perms, nr);
}

/* Write one node, with its permissions. */
static void vput(struct writer *writer, enum owner owner, const char *path, const char *fmt,
		 va_list ap)
{
	char value[XENEMU_XS_PAYLOAD_MAX];
	int len = vsnprintf(value, sizeof(value), fmt, ap);

	if (writer->error)
		return;
	writer->error = xenemu_xs_write(writer->xs, writer->tx, path, value, len);
	if (!writer->error)
		set_owner(writer, path, owner);
}

/* A node anywhere. */
__attribute__((format(printf, 4, 5)))
static void put(struct writer *writer, enum owner owner, const char *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vput(writer, owner, path, fmt, ap);
	va_end(ap);
}

/* A node of the guest's own tree. */
__attribute__((format(printf, 4, 5)))
static void put_guest(struct writer *writer, enum owner owner, const char *name,
		      const char *fmt, ...)
{
	char path[PATH_ROOM];
	va_list ap;

	snprintf(path, sizeof(path), "/local/domain/%u%s", writer->domid, name);
	va_start(ap, fmt);
	vput(writer, owner, path, fmt, ap);
	va_end(ap);
}

/* A node of ours there that only has children. */
static void put_guest_dir(struct writer *writer, const char *name)
{
	put_guest(writer, OURS, name, "%s", "");
}

/* Dom0 itself: tools look for it there. */
static void put_dom0(struct writer *writer)
{
	put(writer, PRIVATE, "/local/domain/0/name", "Domain-0");
	put(writer, PRIVATE, "/local/domain/0/domid", "0");
}

static void put_vm(struct writer *writer, const struct storetree *tree)
{
	char path[PATH_ROOM];
	struct timespec now;

	snprintf(path, sizeof(path), "/vm/%s", tree->uuid);
	put(writer, OURS, path, "%s", "");
	snprintf(path, sizeof(path), "/vm/%s/uuid", tree->uuid);
	put(writer, OURS, path, "%s", tree->uuid);
	snprintf(path, sizeof(path), "/vm/%s/name", tree->uuid);
	put(writer, OURS, path, "%s", tree->options->name);
	snprintf(path, sizeof(path), "/vm/%s/image", tree->uuid);
	put(writer, OURS, path, "%s", "");
	snprintf(path, sizeof(path), "/vm/%s/image/ostype", tree->uuid);
	put(writer, OURS, path, "pvh");
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(path, sizeof(path), "/vm/%s/start_time", tree->uuid);
	put(writer, OURS, path, "%lld.%02ld", (long long)now.tv_sec, now.tv_nsec / 10000000);
}

static void put_machine(struct writer *writer, const struct storetree *tree)
{
	unsigned long long kib = tree->options->memory >> 10;
	char path[PATH_ROOM];
	unsigned int i;

	put_guest_dir(writer, "/cpu");
	for (i = 0; i < tree->options->cpus; i++) {
		snprintf(path, sizeof(path), "/cpu/%u", i);
		put_guest_dir(writer, path);
		snprintf(path, sizeof(path), "/cpu/%u/availability", i);
		put_guest(writer, OURS, path, "online");
	}

	put_guest_dir(writer, "/memory");
	put_guest(writer, OURS, "/memory/static-max", "%llu", kib);
	put_guest(writer, OURS, "/memory/target", "%llu", kib);
	put_guest(writer, OURS, "/memory/videoram", "0");

	/* The machine can power off, and sleeps in no other way. */
	put_guest_dir(writer, "/platform");
	put_guest(writer, OURS, "/platform/acpi", "1");
	put_guest(writer, OURS, "/platform/acpi_s3", "0");
	put_guest(writer, OURS, "/platform/acpi_s4", "0");
	put_guest(writer, OURS, "/platform/acpi_laptop_slate", "0");
}

static void put_control(struct writer *writer)
{
	static const char *const guests[] = {
		"/control/shutdown",
		"/control/feature-poweroff",
		"/control/feature-reboot",
		"/control/feature-suspend",
		"/control/sysrq",
		"/device/suspend/event-channel",
		"/data",
		"/drivers",
		"/feature",
		"/attr",
		"/error",
	};
	unsigned int i;

	put_guest_dir(writer, "/control");
	put_guest_dir(writer, "/device");
	put_guest_dir(writer, "/device/suspend");
	for (i = 0; i < sizeof(guests) / sizeof(guests[0]); i++)
		put_guest(writer, GUESTS, guests[i], "%s", "");
	put_guest(writer, OURS, "/control/platform-feature-multiprocessor-suspend", "1");
	put_guest(writer, OURS, "/control/platform-feature-xs_reset_watches", "1");
}

/* What changes with a soft reset. */
static void put_ports(struct writer *writer, const struct storetree *tree)
{
	put_guest_dir(writer, "/store");
	put_guest(writer, OURS, "/store/port", "%u", tree->store_port);
	put_guest(writer, OURS, "/store/ring-ref", "%llu", STORE_GFN);
	put_guest(writer, OURS, "/console/port", "%u", tree->console_port);
}

static void put_console(struct writer *writer, const struct storetree *tree)
{
	char back[PATH_ROOM / 2], path[PATH_ROOM];

	snprintf(back, sizeof(back), "/local/domain/0/backend/console/%u/0", writer->domid);

	put_guest_dir(writer, "/console");
	put_guest(writer, OURS, "/console/backend", "%s", back);
	put_guest(writer, OURS, "/console/backend-id", "0");
	put_guest(writer, OURS, "/console/limit", "%d", CONSOLE_LIMIT);
	put_guest(writer, OURS, "/console/type", "xenconsoled");
	put_guest(writer, OURS, "/console/output", "pty");
	put_guest(writer, OURS, "/console/tty", "%s", tree->tty);
	put_guest(writer, OURS, "/console/ring-ref", "%llu", CONSOLE_GFN);

	put(writer, OURS, back, "%s", "");
	snprintf(path, sizeof(path), "%s/frontend", back);
	put(writer, OURS, path, "/local/domain/%u/console", writer->domid);
	snprintf(path, sizeof(path), "%s/frontend-id", back);
	put(writer, OURS, path, "%u", writer->domid);
	snprintf(path, sizeof(path), "%s/online", back);
	put(writer, OURS, path, "1");
	snprintf(path, sizeof(path), "%s/state", back);
	put(writer, OURS, path, "1");
	snprintf(path, sizeof(path), "%s/protocol", back);
	put(writer, OURS, path, "vt100");
}

static int write_tree(struct xenemu_xs *xs, uint32_t tx, void *arg)
{
	const struct storetree *tree = arg;
	struct writer writer = { .xs = xs, .tx = tx, .domid = tree->options->domid };

	put_dom0(&writer);
	put_vm(&writer, tree);

	put_guest_dir(&writer, "");
	put_guest(&writer, OURS, "/vm", "/vm/%s", tree->uuid);
	put_guest(&writer, OURS, "/name", "%s", tree->options->name);
	put_guest(&writer, OURS, "/domid", "%u", writer.domid);
	put_machine(&writer, tree);
	put_control(&writer);
	put_console(&writer, tree);
	put_ports(&writer, tree);
	return writer.error;
}

static int write_ports(struct xenemu_xs *xs, uint32_t tx, void *arg)
{
	const struct storetree *tree = arg;
	struct writer writer = { .xs = xs, .tx = tx, .domid = tree->options->domid };

	put_guest(&writer, GUESTS, "/control/shutdown", "%s", "");
	put_ports(&writer, tree);
	return writer.error;
}

static int transact(struct xenemu_xs *xs, const struct storetree *tree,
		    int (*fn)(struct xenemu_xs *xs, uint32_t tx, void *arg))
{
	int ret = xenemu_xs_transact(xs, fn, (void *)tree);

	if (ret)
		return fail("cannot write the guest's nodes into XenStore: %s", strerror(-ret));
	return 0;
}

int storetree_write(struct xenemu_xs *xs, const struct storetree *tree)
{
	return transact(xs, tree, write_tree);
}

int storetree_update(struct xenemu_xs *xs, const struct storetree *tree)
{
	return transact(xs, tree, write_ports);
}

int storetree_poweroff(struct xenemu_xs *xs, uint32_t domid)
{
	char path[PATH_ROOM];
	int ret;

	snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", domid);
	ret = xenemu_xs_write(xs, 0, path, "poweroff", strlen("poweroff"));
	if (ret)
		return fail("cannot ask the guest to power off: %s", strerror(-ret));
	return 0;
}
