/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's disks: their nodes in XenStore and their backends. */
#ifndef XENVM_DISK_H
#define XENVM_DISK_H

#include <stdbool.h>

#include "options.h"

struct xb_blk;
struct xenemu_xs;

/**
 * struct disk - a disk
 * @blk: its backend; NULL while it is not running
 * @said: it has said something
 * @store_fd: the backend's fds: all that it can reach
 * @evtchn_fd: likewise
 * @gnttab_fd: likewise
 */
struct disk {
	struct xb_blk *blk;
	bool said;
	int store_fd;
	int evtchn_fd;
	int gnttab_fd;
};

/**
 * struct disks - all of them
 * @disk: each
 * @nr: number of them
 */
struct disks {
	struct disk disk[MAX_DISKS];
	unsigned int nr;
};

/*
 * Look whether the disks are there, before anything depends on them. 0, or -1
 * having said why.
 */
int disks_check(const struct options *options);

/* 0, or -1 having said why. */
int disks_start(struct disks *disks, const struct options *options, int host_fd,
		struct xenemu_xs *xs);
void disks_stop(struct disks *disks);

#endif /* XENVM_DISK_H */
