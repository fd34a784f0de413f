// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend.h"
#include "disk.h"
#include "libxenemu.h"
#include "log.h"
#include "xsclient.h"

static void print(void *arg, const char *line)
{
	struct disk *disk = arg;

	disk->said = true;
	say("%s", line);
}

static void close_fds(struct disk *disk)
{
	if (disk->store_fd >= 0)
		close(disk->store_fd);
	if (disk->evtchn_fd >= 0)
		close(disk->evtchn_fd);
	if (disk->gnttab_fd >= 0)
		close(disk->gnttab_fd);
}

static int start_backend(struct disk *disk, const struct options *options,
			 const struct disk_option *option, int host_fd)
{
	struct xb_blk_config config = {
		.domid = options->domid,
		.devid = option->devid,
		.path = option->path,
		.readonly = option->readonly,
		.log = print,
		.log_arg = disk,
	};
	int ret;

	disk->said = false;
	disk->store_fd = xenemu_open_store(host_fd, 0);
	disk->evtchn_fd = xenemu_open_evtchn(host_fd, 0);
	disk->gnttab_fd = xenemu_open_gnttab(host_fd, 0);
	if (disk->store_fd < 0 || disk->evtchn_fd < 0 || disk->gnttab_fd < 0) {
		close_fds(disk);
		return fail("%s", xenemu_error());
	}

	config.store_fd = disk->store_fd;
	config.evtchn_fd = disk->evtchn_fd;
	config.gnttab_fd = disk->gnttab_fd;
	ret = xb_blk_start(&config, &disk->blk);
	if (!ret)
		return 0;

	close_fds(disk);
	/* The backend knows best, if it said anything. */
	if (!disk->said)
		fail("cannot serve disk %s from %s: %s", option->dev, option->path,
		     strerror(-ret));
	return -1;
}

int disks_check(const struct options *options)
{
	unsigned int i;

	for (i = 0; i < options->nr_disks; i++) {
		const struct disk_option *option = &options->disks[i];
		struct stat st;
		int fd;

		fd = open(option->path, (option->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC |
			  O_NONBLOCK);
		if (fd < 0)
			return fail("cannot open the disk %s: %s%s", option->path,
				    strerror(errno),
				    errno == EROFS || errno == EACCES ? "; perhaps give ',ro'" : "");
		if (fstat(fd, &st) || !(S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))) {
			close(fd);
			return fail("the disk %s is neither a file nor a block device",
				    option->path);
		}
		close(fd);
	}
	return 0;
}

int disks_start(struct disks *disks, const struct options *options, int host_fd,
		struct xenemu_xs *xs)
{
	unsigned int i;

	disks->nr = 0;
	for (i = 0; i < options->nr_disks; i++) {
		const struct disk_option *option = &options->disks[i];
		struct xb_vbd vbd = {
			.domid = options->domid,
			.devid = option->devid,
			.dev = option->dev,
			.path = option->path,
			.readonly = option->readonly,
			.bootable = !i,
		};
		int ret = xb_vbd_create(xs, &vbd);

		if (ret)
			fail("cannot make disk %s in XenStore: %s", option->dev, strerror(-ret));
		else
			ret = start_backend(&disks->disk[i], options, option, host_fd);
		if (ret) {
			disks_stop(disks);
			return -1;
		}
		disks->nr++;
	}
	return 0;
}

void disks_stop(struct disks *disks)
{
	unsigned int i;

	for (i = 0; i < disks->nr; i++) {
		xb_blk_stop(disks->disk[i].blk);
		close_fds(&disks->disk[i]);
	}
	disks->nr = 0;
}
