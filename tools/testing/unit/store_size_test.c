// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long saved stores are: of a Linux guest with one disk as a toolstack makes it and
 * the guest completes it, and of a thousand guests.
 */
#include <linux/xenemu.h>

#include "store_env.h"

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

static void expand(const char *text, u32 domid, char *out)
{
	for (; *text; text++) {
		if (*text == '@')
			out += sprintf(out, "%u", domid);
		else if (*text == '#')
			out += sprintf(out, "9a1c7a5e-2b1c-4b7c-9c0f-0a0b0c0d%04x", domid);
		else
			*out++ = *text;
	}
	*out = 0;
}

static void make_nodes(struct env *env, u32 domid, const char *top,
		       const char * const nodes[][2], u32 nr)
{
	char text[128], path[256], value[128];
	u32 i;

	for (i = 0; i < nr; i++) {
		snprintf(text, sizeof(text), "%s/%s", top, nodes[i][0]);
		expand(text, domid, path);
		expand(nodes[i][1], domid, value);
		CHECK_EQ(wr(&env->dom0, 0, path, value), 0);
	}
}

static void permit(struct env *env, u32 domid, const char *path, const char *perms)
{
	char text[128], list[32];

	snprintf(text, sizeof(text), path, domid);
	snprintf(list, sizeof(list), perms, domid);
	CHECK_EQ(setp(&env->dom0, 0, text, list), 0);
}

/* As libxl lays it out, and Linux completes it. */
static void make_guest(struct env *env, struct client *guest, u32 domid)
{
	char text[64];

	CHECK_EQ(xenemu_store_add_domain(env->store, domid), 0);
	snprintf(text, sizeof(text), "/local/domain/%u", domid);
	CHECK_EQ(wr(&env->dom0, 0, text, ""), 0);
	permit(env, domid, "/local/domain/%u", "n0 r%u");
	snprintf(text, sizeof(text), "/local/domain/%u/device/vbd/51712", domid);
	CHECK_EQ(wr(&env->dom0, 0, text, ""), 0);
	permit(env, domid, "/local/domain/%u/device/vbd/51712", "n%u r0");
	make_nodes(env, domid, "/local/domain/@", guest_nodes, ARRAY_SIZE(guest_nodes));
	permit(env, domid, "/local/domain/%u/control/shutdown", "n%u");
	permit(env, domid, "/local/domain/%u/data", "n%u");
	permit(env, domid, "/local/domain/%u/drivers", "n%u");
	permit(env, domid, "/local/domain/%u/feature", "n%u");
	permit(env, domid, "/local/domain/%u/attr", "n%u");
	permit(env, domid, "/local/domain/%u/error", "n%u");
	snprintf(text, sizeof(text), "/local/domain/0/backend/vbd/%u/51712", domid);
	CHECK_EQ(wr(&env->dom0, 0, text, ""), 0);
	permit(env, domid, "/local/domain/0/backend/vbd/%u/51712", "n0 r%u");
	make_nodes(env, domid, "/local/domain/0/backend/vbd/@/51712", disk_nodes,
		   ARRAY_SIZE(disk_nodes));
	make_nodes(env, domid, "/vm/#", libxl_nodes, ARRAY_SIZE(libxl_nodes));
	snprintf(text, sizeof(text), "%u|1|1|", domid);
	CHECK_EQ(reqs(&env->dom0, XS_INTRODUCE, 0, text), 0);
	client_open(env, guest, domid, XENEMU_CONN_RING);
	CHECK_EQ(watch(guest, "control/shutdown", "FFFFFFFF828A1AC0"), 0);
	CHECK_EQ(watch(guest, "device", "FFFFFFFF828A1B20"), 0);
	snprintf(text, sizeof(text), "/local/domain/0/backend/vbd/%u/51712/state", domid);
	CHECK_EQ(watch(guest, text, "FFFF888003A4F6E0"), 0);
	events(guest);
}

static size_t size_of(struct env *env, u32 format)
{
	struct saved saved;
	size_t len;

	CHECK_EQ(env_save(env, format, 0, 0, &saved), 0);
	len = saved.len;
	free(saved.data);
	return len;
}

TEST(store_size_one_disk)
{
	struct env *env = env_create_bare();
	size_t len;

	make_guest(env, &env->guest[1], 1);
	len = size_of(env, XENEMU_STORE_FORMAT_COMPACT);
	printf("# one disk, %u nodes: compact %zu, v1 %zu, v2 %zu bytes\n", nodes_of(env, 0) +
	       nodes_of(env, 1), len, size_of(env, XENEMU_STORE_FORMAT_XEN_V1),
	       size_of(env, XENEMU_STORE_FORMAT_XEN_V2));
	/* What QEMU is said to need for a store of its own form. */
	CHECK(len <= 1588);
	env_destroy(env);
}

/* A node that has changed costs as much as that node. */
TEST(store_size_difference)
{
	struct env *env = env_create_bare();
	struct saved base, step;

	make_guest(env, &env->guest[1], 1);
	CHECK_EQ(env_save(env, XENEMU_STORE_FORMAT_COMPACT, XENEMU_SAVE_TRACK, 0, &base), 0);
	CHECK_EQ(env_save(env, XENEMU_STORE_FORMAT_COMPACT, XENEMU_SAVE_TRACK, base.gen,
			  &step), 0);
	printf("# no difference: %zu bytes\n", step.len);
	CHECK(step.len < 24);
	free(step.data);
	CHECK_EQ(env_save(env, XENEMU_STORE_FORMAT_COMPACT, 0, base.gen, &step), -ESTALE);
	base.gen = step.gen ?: base.gen;
	CHECK_EQ(env_save(env, XENEMU_STORE_FORMAT_COMPACT, XENEMU_SAVE_TRACK, 0, &step), 0);
	CHECK_EQ(wr(&env->guest[1], 0, "device/vbd/51712/state", "5"), 0);
	events(&env->guest[1]);
	free(base.data);
	CHECK_EQ(env_save(env, XENEMU_STORE_FORMAT_COMPACT, 0, step.gen, &base), 0);
	printf("# one node: %zu bytes\n", base.len);
	CHECK(base.len < 48);
	free(base.data);
	/* That was the last: nothing is remembered. */
	CHECK_EQ(env_save(env, XENEMU_STORE_FORMAT_COMPACT, 0, step.gen, &base), -ESTALE);
	free(step.data);
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}

TEST(store_size_thousand)
{
	struct env *env = env_create_bare();
	static struct client guest[1001];
	u32 i;

	for (i = 1; i <= 1000; i++)
		make_guest(env, &guest[i], i);
	printf("# 1000 guests: compact %zu, v1 %zu, v2 %zu bytes\n",
	       size_of(env, XENEMU_STORE_FORMAT_COMPACT),
	       size_of(env, XENEMU_STORE_FORMAT_XEN_V1),
	       size_of(env, XENEMU_STORE_FORMAT_XEN_V2));
	for (i = 1; i <= 1000; i++)
		client_close(&guest[i]);
	env_destroy(env);
}
