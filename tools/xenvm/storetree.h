/* SPDX-License-Identifier: GPL-2.0-only */
/* What a toolstack writes into XenStore for a guest. */
#ifndef XENVM_STORETREE_H
#define XENVM_STORETREE_H

#include <stdint.h>

struct options;
struct xenemu_xs;

/**
 * struct storetree - what the nodes say
 * @options: what the user asked for
 * @uuid: the guest's UUID, as text
 * @tty: the console's pseudo-terminal, or an empty string
 * @store_port: the guest's port for XenStore
 * @console_port: the guest's port for the console
 */
struct storetree {
	const struct options *options;
	const char *uuid;
	const char *tty;
	uint32_t store_port;
	uint32_t console_port;
};

/* Write the guest's nodes, all or none. 0, or -1 having said why. */
int storetree_write(struct xenemu_xs *xs, const struct storetree *tree);

/* After a soft reset: the ports are new. 0, or -1 having said why. */
int storetree_update(struct xenemu_xs *xs, const struct storetree *tree);

/* Ask the guest to power off. 0, or -1 having said why. */
int storetree_poweroff(struct xenemu_xs *xs, uint32_t domid);

#endif /* XENVM_STORETREE_H */
