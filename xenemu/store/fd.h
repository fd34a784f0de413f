/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_STORE_FD_H
#define XENEMU_STORE_FD_H

#include <linux/types.h>

struct xenemu_host;
struct xenemu_store;

int xenemu_fd_open(struct xenemu_host *host, struct xenemu_store *store, u32 domid,
		   u32 connection);

#endif /* XENEMU_STORE_FD_H */
