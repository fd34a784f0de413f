// SPDX-License-Identifier: GPL-2.0-only
#include "store_guest.h"

#include <stdio.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/* Path and value; "@" is the guest's number, "#" its identifier. */
static const char * const guest_nodes[][2] = {
	{ "vm", "/vm/#" }, { "name", "guest" }, { "domid", "@" },
	{ "cpu/0/availability", "online" }, { "memory/static-max", "524288" },
	{ "memory/target", "524288" }, { "memory/videoram", "0" }, { "device", "" },
	{ "control/shutdown", "" }, { "control/feature-poweroff", "1" },
	{ "control/feature-reboot", "1" }, { "control/feature-suspend", "1" },
	{ "control/sysrq", "" },
	{ "control/platform-feature-multiprocessor-suspend", "1" },
	{ "control/platform-feature-xs_reset_watches", "1" },
	{ "device/suspend/event-channel", "" }, { "data", "" }, { "drivers", "" },
	{ "feature", "" }, { "attr", "" }, { "error", "" }, { "platform/acpi", "1" },
	{ "platform/acpi_s3", "0" }, { "platform/acpi_s4", "0" }, { "store/port", "1" },
	{ "store/ring-ref", "1044476" },
	{ "console/backend", "/local/domain/0/backend/console/@/0" },
	{ "console/backend-id", "0" }, { "console/limit", "1048576" },
	{ "console/type", "xenconsoled" }, { "console/output", "pty" },
	{ "console/tty", "/dev/pts/3" }, { "console/port", "2" },
	{ "console/ring-ref", "1044479" },
	{ "device/vbd/51712/backend", "/local/domain/0/backend/vbd/@/51712" },
	{ "device/vbd/51712/backend-id", "0" }, { "device/vbd/51712/state", "4" },
	{ "device/vbd/51712/virtual-device", "51712" },
	{ "device/vbd/51712/device-type", "disk" }, { "device/vbd/51712/trusted", "1" },
	{ "device/vbd/51712/ring-ref", "8" }, { "device/vbd/51712/event-channel", "6" },
	{ "device/vbd/51712/protocol", "x86_64-abi" },
	{ "device/vbd/51712/feature-persistent", "1" },
};

static const char * const disk_nodes[][2] = {
	{ "frontend", "/local/domain/@/device/vbd/51712" }, { "frontend-id", "@" },
	{ "params", "/var/lib/images/guest.img" }, { "script", "/etc/xen/scripts/block" },
	{ "online", "1" }, { "removable", "0" }, { "bootable", "1" }, { "state", "4" },
	{ "dev", "xvda" }, { "type", "qdisk" }, { "mode", "w" }, { "device-type", "disk" },
	{ "discard-enable", "1" }, { "specification", "xen" },
	{ "hotplug-status", "connected" }, { "physical-device", "7:0" },
	{ "feature-flush-cache", "1" }, { "feature-barrier", "1" },
	{ "feature-discard", "0" }, { "feature-persistent", "1" },
	{ "feature-max-indirect-segments", "256" }, { "multi-queue-max-queues", "4" },
	{ "max-ring-page-order", "4" }, { "sectors", "8388608" }, { "sector-size", "512" },
	{ "info", "0" },
};

static const char * const libxl_nodes[][2] = {
	{ "uuid", "#" }, { "name", "guest" }, { "image/ostype", "linux" },
	{ "start_time", "1774339200.00" }, { "rtc/timeoffset", "0" },
};

struct maker {
	const struct store_guest_ops *ops;
	void *ctx;
	unsigned int domid;
};

static void expand(const struct maker *m, const char *text, char *out)
{
	for (; *text; text++) {
		if (*text == '@')
			out += sprintf(out, "%u", m->domid);
		else if (*text == '#')
			out += sprintf(out, "9a1c7a5e-2b1c-4b7c-9c0f-0a0b0c0d%04x", m->domid);
		else
			*out++ = *text;
	}
	*out = 0;
}

static void put(const struct maker *m, const char *where, const char *what)
{
	char path[256], value[128];

	expand(m, where, path);
	expand(m, what, value);
	m->ops->write(m->ctx, path, value);
}

static void put_all(const struct maker *m, const char *top, const char * const nodes[][2],
		    unsigned int nr)
{
	char path[128];
	unsigned int i;

	for (i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), "%s/%s", top, nodes[i][0]);
		put(m, path, nodes[i][1]);
	}
}

static void permit(const struct maker *m, const char *where, const char *who)
{
	char path[256], perms[32];

	expand(m, where, path);
	expand(m, who, perms);
	m->ops->permit(m->ctx, path, perms);
}

static void watch(const struct maker *m, const char *where, const char *token)
{
	char path[256];

	expand(m, where, path);
	m->ops->watch(m->ctx, m->domid, path, token);
}

void store_guest_make(const struct store_guest_ops *ops, void *ctx, unsigned int domid)
{
	const struct maker m = { ops, ctx, domid };

	put(&m, "/local/domain/@", "");
	permit(&m, "/local/domain/@", "n0 r@");
	put(&m, "/local/domain/@/device/vbd/51712", "");
	permit(&m, "/local/domain/@/device/vbd/51712", "n@ r0");
	put_all(&m, "/local/domain/@", guest_nodes, ARRAY_SIZE(guest_nodes));
	permit(&m, "/local/domain/@/control/shutdown", "n@");
	permit(&m, "/local/domain/@/data", "n@");
	permit(&m, "/local/domain/@/drivers", "n@");
	permit(&m, "/local/domain/@/feature", "n@");
	permit(&m, "/local/domain/@/attr", "n@");
	permit(&m, "/local/domain/@/error", "n@");
	put(&m, "/local/domain/0/backend/vbd/@/51712", "");
	permit(&m, "/local/domain/0/backend/vbd/@/51712", "n0 r@");
	put_all(&m, "/local/domain/0/backend/vbd/@/51712", disk_nodes, ARRAY_SIZE(disk_nodes));
	put_all(&m, "/vm/#", libxl_nodes, ARRAY_SIZE(libxl_nodes));
	ops->introduce(ctx, domid);
	watch(&m, "control/shutdown", "FFFFFFFF828A1AC0");
	watch(&m, "device", "FFFFFFFF828A1B20");
	watch(&m, "/local/domain/0/backend/vbd/@/51712/state", "FFFF888003A4F6E0");
}
