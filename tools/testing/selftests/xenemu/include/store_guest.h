/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the XenStore of a Linux guest with one disk holds, as libxl lays it out and the
 * guest completes it. Knows neither how requests travel nor who makes them: used by
 * tools/testing/unit, and by tools/testing/bench over the ioctls of store fds.
 */
#ifndef XENEMU_TEST_STORE_GUEST_H
#define XENEMU_TEST_STORE_GUEST_H

/**
 * struct store_guest_ops - how to make a store
 * @write: as dom0, write a node
 * @permit: as dom0, set a node's permissions, which are text with blanks in between
 * @introduce: as dom0, introduce the domain
 * @watch: as the domain, set a watch
 */
struct store_guest_ops {
	void (*write)(void *ctx, const char *path, const char *value);
	void (*permit)(void *ctx, const char *path, const char *perms);
	void (*introduce)(void *ctx, unsigned int domid);
	void (*watch)(void *ctx, unsigned int domid, const char *path, const char *token);
};

/* Make what there is of domain @domid. */
void store_guest_make(const struct store_guest_ops *ops, void *ctx, unsigned int domid);

#endif /* XENEMU_TEST_STORE_GUEST_H */
