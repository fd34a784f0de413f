/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_GNTTAB_H
#define XENEMU_GNTTAB_H

#include <linux/types.h>

struct xenemu_domain;
struct xenemu_hcall;
struct xenemu_host;
struct xenemu_vcpu;

struct xenemu_gnttab {
	int placeholder;
};

int xenemu_gnttab_init(struct xenemu_domain *domain, u32 max_frames);
/* The domain is dead: unpin its frames. Mapped grants stay until unmapped. */
void xenemu_gnttab_destroy(struct xenemu_domain *domain);
/* Soft reset: one frame again, of our own, with the reserved entries kept. */
void xenemu_gnttab_reset(struct xenemu_domain *domain);
s64 xenemu_grant_table_op(struct xenemu_hcall *hc);
/*
 * XENMAPSPACE_grant_table: frame @idx of the table moves to the guest's page
 * @gfn, which has RAM. Grows the table. Returns 0 or a negative errno for the guest.
 */
int xenemu_gnttab_map_frame(struct xenemu_domain *domain, u64 idx, u64 gfn);
/* Write a reserved entry for the toolstack. -EINVAL for a gref above 7. */
int xenemu_gnttab_seed(struct xenemu_domain *domain, u32 gref, u16 domid, u64 gfn);
int xenemu_gnttab_open(struct xenemu_host *host, u32 domid);

#endif /* XENEMU_GNTTAB_H */
