/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_GNTTAB_H
#define XENEMU_GNTTAB_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/xarray.h>
#include <xen/interface/grant_table.h>

struct xenemu_domain;
struct xenemu_grant;
struct xenemu_hcall;
struct xenemu_host;
struct xenemu_page;

/* Most frames that a domain may be given: 512 K grants. */
#define XENEMU_MAX_GRANT_FRAMES		1024

/**
 * struct xenemu_gnttab_seed - an entry that the toolstack wrote for the guest
 * @valid: there is one
 * @domid: whom the page is granted to
 * @gfn: the page
 */
struct xenemu_gnttab_seed {
	bool valid;
	u16 domid;
	u32 gfn;
};

/**
 * struct xenemu_gnttab - the grant table of a guest
 * @max_frames: most frames that it may have; 0 for dom0, which grants nothing
 * @lock: protects what follows, and the kernel's view of the entries. It is
 *        taken under mmap locks, so nothing that faults or pins user pages may
 *        be done under it
 * @dead: the domain is dead; there are no frames any more
 * @frames: the pages that the entries are in, @max_frames pointers
 * @nr_frames: how many of them there are
 * @first: our own page for frame 0, kept for a reset, which must not fail
 * @seeds: what a reset restores
 * @active: reference to struct xenemu_grant, for each grant that is in use
 */
struct xenemu_gnttab {
	u32 max_frames;

	struct mutex lock;

	bool dead;
	struct xenemu_page **frames;
	u32 nr_frames;
	struct xenemu_page *first;
	struct xenemu_gnttab_seed seeds[GNTTAB_NR_RESERVED_ENTRIES];
	struct xarray active;
};

/**
 * struct xenemu_gnttab_pin - one use of a grant
 * @domain: the granter; a reference of whoever holds the pin
 * @grant: the grant that is in use
 * @page: its page, writable if @write
 * @write: used for writing too
 */
struct xenemu_gnttab_pin {
	struct xenemu_domain *domain;
	struct xenemu_grant *grant;
	struct xenemu_page *page;
	bool write;
};

int xenemu_gnttab_init(struct xenemu_domain *domain, u32 max_frames);
void xenemu_gnttab_destroy(struct xenemu_domain *domain);
void xenemu_gnttab_reset(struct xenemu_domain *domain);
int xenemu_gnttab_map_frame(struct xenemu_domain *domain, u64 idx, u64 gfn);
int xenemu_gnttab_seed(struct xenemu_domain *domain, u32 gref, u16 domid, u64 gfn);

int xenemu_gnttab_pin(struct xenemu_domain *domain, u16 domid, u32 gref, bool write,
		      struct xenemu_gnttab_pin *pin);
void xenemu_gnttab_unpin(struct xenemu_gnttab_pin *pin);
void xenemu_gnttab_downgrade(struct xenemu_gnttab_pin *pin);

int xenemu_gnttab_grow(struct xenemu_domain *domain, u32 nr_frames);
u32 xenemu_gnttab_nr_frames(struct xenemu_domain *domain);
u64 xenemu_gnttab_frame_gfn(struct xenemu_domain *domain, u32 idx);
int xenemu_gnttab_swap(struct xenemu_domain *domain, u32 gref_a, u32 gref_b);

s64 xenemu_grant_table_op(struct xenemu_hcall *hc);
int xenemu_gnttab_open(struct xenemu_host *host, u32 domid);

#endif /* XENEMU_GNTTAB_H */
