/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_MEM_H
#define XENEMU_MEM_H

#include <linux/list.h>
#include <linux/rwsem.h>
#include <linux/types.h>

struct xenemu_domain;
struct xenemu_domain_set_memory;

#define XENEMU_MAX_REGIONS	512
#define XENEMU_INVALID_GFN	(~0ULL)

/**
 * struct xenemu_mem_region - RAM of the guest that the VMM told us about
 * @gfn: first frame
 * @nr: number of frames
 * @uaddr: where it is in the VMM's address space
 * @flags: XENEMU_MEMORY_*
 * @holes: bitmap of frames that the guest gave up, one bit a frame; NULL until
 *         the first. Protected by the domain's mem.lock
 */
struct xenemu_mem_region {
	u64 gfn;
	u64 nr;
	unsigned long uaddr;
	u32 flags;
	unsigned long *holes;
};

/**
 * struct xenemu_mem - the RAM of a domain
 * @lock: protects what follows
 * @regions: sorted by @gfn, without overlap
 * @nr_regions: number of them
 * @nr_holes: frames that the guest gave up
 */
struct xenemu_mem {
	struct rw_semaphore lock;

	struct xenemu_mem_region **regions;
	u32 nr_regions;
	u64 nr_holes;
};

void xenemu_mem_init(struct xenemu_domain *domain);
void xenemu_mem_destroy(struct xenemu_domain *domain);
int xenemu_mem_set(struct xenemu_domain *domain,
		   const struct xenemu_domain_set_memory *args);
int xenemu_mem_uaddr(struct xenemu_domain *domain, u64 gfn, bool write,
		     unsigned long *uaddr);
u64 xenemu_mem_pages(struct xenemu_domain *domain);
u64 xenemu_mem_max_gfn(struct xenemu_domain *domain);
int xenemu_mem_release(struct xenemu_domain *domain, u64 gfn);
int xenemu_mem_populate(struct xenemu_domain *domain, u64 gfn);

#endif /* XENEMU_MEM_H */
