// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a toolstack does for a virtual block device: its number and its nodes in
 * XenStore.
 */
#include "backend.h"
#include "vbd.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "xsclient.h"

/* Xen's numbers carry the minor and major numbers that Linux gave such disks. */
#define XVD_MAJOR	202
#define SD_MAJOR	8
static const unsigned int hd_majors[] = { 3, 22 };

/* Disks past what the classic number can hold: this bit, then disk << 8 | partition. */
#define DEVID_EXTENDED	(1U << 28)
#define EXTENDED_DISKS	(1U << 20)
#define EXTENDED_PARTS	256

/* Read "a" to "z", "aa" and so on: 0 to EXTENDED_DISKS - 1. */
static int parse_disk(const char **name, unsigned int *disk)
{
	const char *p = *name;
	unsigned int num = 0;

	if (*p < 'a' || *p > 'z')
		return -EINVAL;
	for (; *p >= 'a' && *p <= 'z'; p++) {
		num = num * 26 + (*p - 'a' + 1);
		if (num > EXTENDED_DISKS)
			return -EINVAL;
	}
	*disk = num - 1;
	*name = p;
	return 0;
}

/**
 * xb_vbd_devid() - find the number of a virtual block device
 * @name: "xvda", "sda" or "hda" and the like, with or without the number of a
 *        partition, or the number itself
 * @devid: out: the number
 *
 * Return: 0, or -EINVAL for a name that means nothing.
 */
int xb_vbd_devid(const char *name, uint32_t *devid)
{
	unsigned int disk, part = 0;
	const char *p;
	uint64_t num;

	if (!xenemu_xs_parse_u64(name, (1U << 29) - 1, &num)) {
		*devid = num;
		return 0;
	}

	if (!strncmp(name, "xvd", 3))
		p = name + 3;
	else if (!strncmp(name, "sd", 2) || !strncmp(name, "hd", 2))
		p = name + 2;
	else
		return -EINVAL;
	if (parse_disk(&p, &disk))
		return -EINVAL;
	if (*p) {
		/* Partition 0 is the disk, which has no number in its name. */
		if (*p == '0' || xenemu_xs_parse_u64(p, EXTENDED_PARTS - 1, &num))
			return -EINVAL;
		part = num;
	}

	switch (name[0]) {
	case 'x':
		if (disk < 16 && part < 16)
			*devid = XVD_MAJOR << 8 | disk << 4 | part;
		else
			*devid = DEVID_EXTENDED | disk << 8 | part;
		return 0;
	case 's':
		if (disk >= 16 || part >= 16)
			return -EINVAL;
		*devid = SD_MAJOR << 8 | disk << 4 | part;
		return 0;
	default:
		if (disk >= 4 || part >= 64)
			return -EINVAL;
		*devid = hd_majors[disk / 2] << 8 | (disk % 2) << 6 | part;
		return 0;
	}
}

/**
 * xb_vbd_front_path() - path of a node of the frontend
 * @buf: out: the path, XB_PATH_MAX bytes
 * @domid: domain of the frontend
 * @devid: number of the device
 * @node: the node, or "" for the directory
 */
void xb_vbd_front_path(char *buf, uint32_t domid, uint32_t devid, const char *node)
{
	xenemu_xs_path(buf, XB_PATH_MAX, "/local/domain/%u/device/vbd/%u%s%s", domid, devid,
		       *node ? "/" : "", node);
}

/**
 * xb_vbd_back_path() - path of a node of the backend
 * @buf: out: the path, XB_PATH_MAX bytes
 * @domid: domain of the frontend
 * @devid: number of the device
 * @node: the node, or "" for the directory
 */
void xb_vbd_back_path(char *buf, uint32_t domid, uint32_t devid, const char *node)
{
	xenemu_xs_path(buf, XB_PATH_MAX, "/local/domain/0/backend/vbd/%u/%u%s%s", domid, devid,
		       *node ? "/" : "", node);
}

/* Make an empty directory, whatever was there. What is put in inherits its permissions. */
static int make_dir(struct xenemu_xs *xs, uint32_t tx, const char *path, unsigned int owner,
		    unsigned int reader)
{
	const struct xenemu_xs_perm perms[] = {
		{ .domid = owner, .access = 'n' },
		{ .domid = reader, .access = 'r' },
	};
	int ret;

	ret = xenemu_xs_rm(xs, tx, path);
	if (ret && ret != -ENOENT)
		return ret;
	ret = xenemu_xs_mkdir(xs, tx, path);
	if (ret)
		return ret;
	return xenemu_xs_set_perms(xs, tx, path, perms, 2);
}

struct node {
	const char *name;
	const char *val;
};

static int write_nodes(struct xenemu_xs *xs, uint32_t tx, const char *dir,
		       const struct node *nodes, unsigned int nr)
{
	char path[XB_PATH_MAX];
	unsigned int i;
	int ret;

	for (i = 0; i < nr; i++) {
		ret = xenemu_xs_path(path, sizeof(path), "%s/%s", dir, nodes[i].name);
		if (!ret)
			ret = xenemu_xs_printf(xs, tx, path, "%s", nodes[i].val);
		if (ret)
			return ret;
	}
	return 0;
}

static bool is_block_device(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISBLK(st.st_mode);
}

static int create(struct xenemu_xs *xs, uint32_t tx, void *arg)
{
	const struct xb_vbd *vbd = arg;
	char front[XB_PATH_MAX], back[XB_PATH_MAX], domid[16], devid[16];
	const struct node back_nodes[] = {
		{ "frontend", front },
		{ "frontend-id", domid },
		{ "online", "1" },
		{ "removable", "0" },
		{ "bootable", vbd->bootable ? "1" : "0" },
		{ "dev", vbd->dev },
		{ "type", is_block_device(vbd->path) ? "phy" : "file" },
		{ "params", vbd->path },
		{ "mode", vbd->readonly ? "r" : "w" },
		{ "device-type", "disk" },
		{ "discard-enable", vbd->readonly ? "0" : "1" },
		{ "specification", "xen" },
		{ "hotplug-status", "connected" },
		{ "state", "1" },
	};
	const struct node front_nodes[] = {
		{ "backend", back },
		{ "backend-id", "0" },
		{ "virtual-device", devid },
		{ "device-type", "disk" },
		{ "trusted", "1" },
		{ "state", "1" },
	};
	int ret;

	xb_vbd_front_path(front, vbd->domid, vbd->devid, "");
	xb_vbd_back_path(back, vbd->domid, vbd->devid, "");
	xenemu_xs_path(domid, sizeof(domid), "%u", vbd->domid);
	xenemu_xs_path(devid, sizeof(devid), "%u", vbd->devid);

	ret = make_dir(xs, tx, back, 0, vbd->domid);
	if (!ret)
		ret = write_nodes(xs, tx, back, back_nodes,
				  sizeof(back_nodes) / sizeof(back_nodes[0]));
	if (!ret)
		ret = make_dir(xs, tx, front, vbd->domid, 0);
	if (!ret)
		ret = write_nodes(xs, tx, front, front_nodes,
				  sizeof(front_nodes) / sizeof(front_nodes[0]));
	return ret;
}

/**
 * xb_vbd_create() - make the nodes of a virtual block device
 * @xs: store client of dom0
 * @vbd: the device
 *
 * Replaces nodes of the same device that were there. One transaction: the guest
 * sees all or nothing.
 */
int xb_vbd_create(struct xenemu_xs *xs, const struct xb_vbd *vbd)
{
	struct xb_vbd arg = *vbd;

	return xenemu_xs_transact(xs, create, &arg);
}

static int remove_nodes(struct xenemu_xs *xs, uint32_t tx, void *arg)
{
	const struct xb_vbd *vbd = arg;
	char path[XB_PATH_MAX];
	int ret;

	xb_vbd_front_path(path, vbd->domid, vbd->devid, "");
	ret = xenemu_xs_rm(xs, tx, path);
	if (ret && ret != -ENOENT)
		return ret;
	xb_vbd_back_path(path, vbd->domid, vbd->devid, "");
	ret = xenemu_xs_rm(xs, tx, path);
	return ret == -ENOENT ? 0 : ret;
}

/**
 * xb_vbd_remove() - take the nodes of a virtual block device away
 * @xs: store client of dom0
 * @domid: domain of the frontend
 * @devid: number of the device
 *
 * A backend that still runs lets go of the guest's pages and ends.
 */
int xb_vbd_remove(struct xenemu_xs *xs, uint32_t domid, uint32_t devid)
{
	struct xb_vbd arg = { .domid = domid, .devid = devid };

	return xenemu_xs_transact(xs, remove_nodes, &arg);
}
