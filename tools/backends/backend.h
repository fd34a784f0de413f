/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Backends of paravirtual devices for guests of xenemu (libxenemu-backends).
 *
 * A backend needs a store fd, an evtchn fd and a gnttab fd of dom0 and nothing
 * else: it sees the pages that its guest granted to it and no other memory. It
 * may run in the VMM or in a process of its own (xenemu-blk).
 */
#ifndef XENEMU_BACKEND_H
#define XENEMU_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

struct xenemu_xs;
struct xb_blk;

/**
 * struct xb_vbd - what a toolstack says about a virtual block device
 * @domid: domain of the frontend
 * @devid: number of the device, see xb_vbd_devid()
 * @dev: its name in the guest, such as "xvda"
 * @path: backing file or block device
 * @readonly: the guest may not write
 * @bootable: the guest boots from it
 */
struct xb_vbd {
	uint32_t domid;
	uint32_t devid;
	const char *dev;
	const char *path;
	bool readonly;
	bool bootable;
};

int xb_vbd_devid(const char *name, uint32_t *devid);
int xb_vbd_create(struct xenemu_xs *xs, const struct xb_vbd *vbd);
int xb_vbd_remove(struct xenemu_xs *xs, uint32_t domid, uint32_t devid);

/* Rings offered to a frontend, and the most that may be. */
#define XB_BLK_QUEUES		4
#define XB_BLK_MAX_QUEUES	16

/**
 * struct xb_blk_config - a block backend to start
 * @store_fd: store fd of dom0, for this backend alone
 * @evtchn_fd: evtchn fd of dom0, for this backend alone
 * @gnttab_fd: gnttab fd of dom0; backends of one process may share it
 * @domid: domain of the frontend
 * @devid: number of the device; xb_vbd_create() must have been called for it
 * @path: backing file or block device
 * @readonly: open it read-only and refuse writes
 * @buffered: go through the page cache even where direct I/O is possible
 * @max_queues: rings offered to the frontend, at most XB_BLK_MAX_QUEUES; 0 means
 *              XB_BLK_QUEUES
 * @log: called with a line of text (no newline) for what a user should know;
 *       NULL means stderr
 * @log_arg: first argument of @log
 *
 * The fds stay the caller's, who keeps them open until xb_blk_stop() returned.
 * @path is copied.
 */
struct xb_blk_config {
	int store_fd;
	int evtchn_fd;
	int gnttab_fd;
	uint32_t domid;
	uint32_t devid;
	const char *path;
	bool readonly;
	bool buffered;
	unsigned int max_queues;
	void (*log)(void *arg, const char *line);
	void *log_arg;
};

int xb_blk_start(const struct xb_blk_config *config, struct xb_blk **blk);
int xb_blk_ended_fd(const struct xb_blk *blk);
void xb_blk_stop(struct xb_blk *blk);

#endif /* XENEMU_BACKEND_H */
