// SPDX-License-Identifier: GPL-2.0-only
/*
 * The RAM of a guest, as its VMM registered it: where each frame is in the
 * VMM's address space, and which frames the guest gave up.
 *
 * The memory is the VMM's. A region says where it may be found; whether it
 * still is there, and what it holds, shows when it is accessed.
 */
#include "mem.h"

#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pfn.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "domain.h"

/* What a guest of any kind can address: 52 bits. */
#define GPA_END		BIT_ULL(52)

static void free_region(struct xenemu_mem_region *region)
{
	kvfree(region->holes);
	kfree(region);
}

/* Index of the region that holds @gfn, or else of the first one after it. */
static u32 search(struct xenemu_mem *mem, u64 gfn)
{
	u32 lo = 0, hi = mem->nr_regions;

	lockdep_assert_held(&mem->lock);

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;
		struct xenemu_mem_region *region = mem->regions[mid];

		if (region->gfn + region->nr <= gfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct xenemu_mem_region *find(struct xenemu_mem *mem, u64 gfn)
{
	u32 i = search(mem, gfn);

	if (i == mem->nr_regions || mem->regions[i]->gfn > gfn)
		return NULL;
	return mem->regions[i];
}

static int insert(struct xenemu_mem *mem, struct xenemu_mem_region *region)
{
	struct xenemu_mem_region **regions;
	u32 i = search(mem, region->gfn);

	if (i < mem->nr_regions && mem->regions[i]->gfn < region->gfn + region->nr)
		return -EINVAL;
	if (mem->nr_regions == XENEMU_MAX_REGIONS)
		return -ENOSPC;

	regions = krealloc_array(mem->regions, mem->nr_regions + 1, sizeof(*regions),
				 GFP_KERNEL_ACCOUNT);
	if (!regions)
		return -ENOMEM;
	memmove(regions + i + 1, regions + i, (mem->nr_regions - i) * sizeof(*regions));
	regions[i] = region;
	mem->regions = regions;
	mem->nr_regions++;
	return 0;
}

static int add(struct xenemu_mem *mem, const struct xenemu_domain_set_memory *args)
{
	struct xenemu_mem_region *region;
	int ret;

	region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);
	if (!region)
		return -ENOMEM;
	region->gfn = PFN_DOWN(args->guest_addr);
	region->nr = PFN_DOWN(args->len);
	region->uaddr = args->user_addr;
	region->flags = args->flags;

	down_write(&mem->lock);
	ret = insert(mem, region);
	up_write(&mem->lock);
	if (ret)
		free_region(region);
	return ret;
}

static int remove(struct xenemu_mem *mem, u64 gfn)
{
	struct xenemu_mem_region *region;
	u32 i;

	down_write(&mem->lock);
	i = search(mem, gfn);
	if (i == mem->nr_regions || mem->regions[i]->gfn != gfn) {
		up_write(&mem->lock);
		return -ENOENT;
	}
	region = mem->regions[i];
	mem->nr_regions--;
	memmove(mem->regions + i, mem->regions + i + 1,
		(mem->nr_regions - i) * sizeof(*mem->regions));
	if (region->holes)
		mem->nr_holes -= bitmap_weight(region->holes, region->nr);
	up_write(&mem->lock);
	free_region(region);
	return 0;
}

/**
 * xenemu_mem_set - add or remove a region
 * @domain: the domain
 * @args: see struct xenemu_domain_set_memory
 *
 * Context: process context, may sleep; takes mem.lock.
 * Return: 0 or an error of XENEMU_DOMAIN_SET_MEMORY.
 */
int xenemu_mem_set(struct xenemu_domain *domain,
		   const struct xenemu_domain_set_memory *args)
{
	u64 guest_end, user_end;

	if (args->flags & ~XENEMU_MEMORY_READONLY)
		return -EOPNOTSUPP;
	if (current->mm != domain->mm)
		return -ENODEV;
	if (!PAGE_ALIGNED(args->guest_addr | args->len | args->user_addr))
		return -EINVAL;
	if (args->guest_addr >= GPA_END)
		return -EOVERFLOW;
	if (!args->len) {
		if (args->flags || args->user_addr)
			return -EINVAL;
		return remove(&domain->mem, PFN_DOWN(args->guest_addr));
	}
	if (check_add_overflow(args->guest_addr, args->len, &guest_end) || guest_end > GPA_END)
		return -EOVERFLOW;
	if (check_add_overflow(args->user_addr, args->len, &user_end) ||
	    !access_ok(u64_to_user_ptr(args->user_addr), args->len))
		return -EOVERFLOW;
	return add(&domain->mem, args);
}

/**
 * xenemu_mem_uaddr - find a frame of the guest
 * @domain: the domain
 * @gfn: its number; any value
 * @write: it is to be written
 * @uaddr: gets the address in the VMM
 *
 * A frame that the guest gave up is found too: a guest that uses it again gets
 * an empty page there.
 *
 * Return: 0, -ENOENT if no RAM is there, -EACCES if it is read-only.
 */
int xenemu_mem_uaddr(struct xenemu_domain *domain, u64 gfn, bool write,
		     unsigned long *uaddr)
{
	struct xenemu_mem *mem = &domain->mem;
	struct xenemu_mem_region *region;
	int ret = 0;

	down_read(&mem->lock);
	region = find(mem, gfn);
	if (!region)
		ret = -ENOENT;
	else if (write && (region->flags & XENEMU_MEMORY_READONLY))
		ret = -EACCES;
	else
		*uaddr = region->uaddr + PFN_PHYS(gfn - region->gfn);
	up_read(&mem->lock);
	return ret;
}

/**
 * xenemu_mem_pages - how much memory the guest has
 * @domain: the domain
 *
 * Return: frames of RAM, less those that it gave up.
 */
u64 xenemu_mem_pages(struct xenemu_domain *domain)
{
	struct xenemu_mem *mem = &domain->mem;
	u64 nr = 0;
	u32 i;

	down_read(&mem->lock);
	for (i = 0; i < mem->nr_regions; i++)
		nr += mem->regions[i]->nr;
	nr -= mem->nr_holes;
	up_read(&mem->lock);
	return nr;
}

/**
 * xenemu_mem_max_gfn - the guest's highest frame of RAM
 * @domain: the domain
 *
 * Return: its number, or 0 if the guest has no RAM.
 */
u64 xenemu_mem_max_gfn(struct xenemu_domain *domain)
{
	struct xenemu_mem *mem = &domain->mem;
	u64 gfn = 0;

	down_read(&mem->lock);
	if (mem->nr_regions) {
		struct xenemu_mem_region *last = mem->regions[mem->nr_regions - 1];

		gfn = last->gfn + last->nr - 1;
	}
	up_read(&mem->lock);
	return gfn;
}

/**
 * xenemu_mem_release - the guest gives a frame up
 * @domain: the domain
 * @gfn: its number; any value
 *
 * Return: 0, -ENOENT if the guest has no such frame or gave it up before, or
 * -ENOMEM.
 */
int xenemu_mem_release(struct xenemu_domain *domain, u64 gfn)
{
	struct xenemu_mem *mem = &domain->mem;
	struct xenemu_mem_region *region;
	int ret = -ENOENT;

	down_write(&mem->lock);
	region = find(mem, gfn);
	if (!region || (region->flags & XENEMU_MEMORY_READONLY))
		goto out;
	if (!region->holes) {
		region->holes = kvcalloc(BITS_TO_LONGS(region->nr), sizeof(long),
					 GFP_KERNEL_ACCOUNT);
		if (!region->holes) {
			ret = -ENOMEM;
			goto out;
		}
	}
	if (!__test_and_set_bit(gfn - region->gfn, region->holes)) {
		mem->nr_holes++;
		ret = 0;
	}
out:
	up_write(&mem->lock);
	return ret;
}

/**
 * xenemu_mem_populate - the guest takes a frame back
 * @domain: the domain
 * @gfn: its number; any value
 *
 * Return: 0, also for a frame that it never gave up, or -ENOENT if no RAM is
 * there.
 */
int xenemu_mem_populate(struct xenemu_domain *domain, u64 gfn)
{
	struct xenemu_mem *mem = &domain->mem;
	struct xenemu_mem_region *region;

	down_write(&mem->lock);
	region = find(mem, gfn);
	if (region && region->holes &&
	    __test_and_clear_bit(gfn - region->gfn, region->holes))
		mem->nr_holes--;
	up_write(&mem->lock);
	return region ? 0 : -ENOENT;
}

void xenemu_mem_init(struct xenemu_domain *domain)
{
	init_rwsem(&domain->mem.lock);
}

/* Nobody uses the domain any more. */
void xenemu_mem_destroy(struct xenemu_domain *domain)
{
	struct xenemu_mem *mem = &domain->mem;
	u32 i;

	for (i = 0; i < mem->nr_regions; i++)
		free_region(mem->regions[i]);
	kfree(mem->regions);
}
