// SPDX-License-Identifier: GPL-2.0-only
/*
 * RAM outside the guest's RAM.
 *
 * A guest tells Xen at which frames it wants its grant table, and chooses holes
 * of its memory map for that. xenemu keeps such pages in guest RAM, so some has
 * to be put there. It is put there in windows: aligned pieces of 2 MiB, or what
 * of one is free. A window costs one memory slot and, as it is a sparse memfd,
 * only the pages that are used. The number of windows bounds what a guest can
 * take.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

/* Index of the first range that ends above @gfn. Caller holds vm->lock. */
static unsigned int find_range(const struct xenemu_vm *vm, uint64_t gfn)
{
	unsigned int lo = 0, hi = vm->nr_ranges;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;
		const struct range *range = &vm->ranges[mid];

		if (range->gfn + range->nr <= gfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int xenemu_ranges_add(struct xenemu_vm *vm, const struct range *range)
{
	unsigned int i = find_range(vm, range->gfn);

	if (i < vm->nr_ranges && vm->ranges[i].gfn < range->gfn + range->nr)
		return xenemu_fail(EEXIST, "frames 0x%llx to 0x%llx overlap others of the guest",
				   (unsigned long long)range->gfn,
				   (unsigned long long)(range->gfn + range->nr - 1));
	if (vm->nr_ranges == MAX_RANGES)
		return xenemu_fail(ENOSPC, "the guest has too many ranges of memory");

	memmove(&vm->ranges[i + 1], &vm->ranges[i],
		(vm->nr_ranges - i) * sizeof(vm->ranges[0]));
	vm->ranges[i] = *range;
	vm->nr_ranges++;
	return 0;
}

static void *map_window(uint64_t len)
{
	int fd = memfd_create("xenemu-window", MFD_CLOEXEC);
	void *addr = MAP_FAILED;

	if (fd < 0)
		return NULL;
	if (!ftruncate(fd, len))
		addr = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return addr == MAP_FAILED ? NULL : addr;
}

/*
 * Put a window where @gfn is, which no range covers; @i is the first range
 * above it. Caller holds vm->lock.
 */
static int add_window(struct xenemu_vm *vm, uint64_t gfn, unsigned int i)
{
	uint64_t start = gfn & ~(BACK_WINDOW_PAGES - 1);
	uint64_t end = start + BACK_WINDOW_PAGES;
	struct xenemu_memory memory;
	int ret;

	if (vm->nr_windows == vm->config.back_slots)
		return xenemu_fail(ENOMEM, "the guest has used up its %u windows outside its RAM",
				   vm->config.back_slots);

	if (i && vm->ranges[i - 1].gfn + vm->ranges[i - 1].nr > start)
		start = vm->ranges[i - 1].gfn + vm->ranges[i - 1].nr;
	if (i < vm->nr_ranges && vm->ranges[i].gfn < end)
		end = vm->ranges[i].gfn;

	memory = (struct xenemu_memory) {
		.slot = vm->config.back_slot_first + vm->nr_windows,
		.guest_addr = start << XENEMU_PAGE_SHIFT,
		.len = (end - start) << XENEMU_PAGE_SHIFT,
	};
	memory.user_addr = map_window(memory.len);
	if (!memory.user_addr)
		return xenemu_fail(ENOMEM, "cannot allocate RAM at 0x%llx: %s",
				   (unsigned long long)memory.guest_addr, strerror(errno));

	ret = xenemu_add_memory_locked(vm, &memory, true);
	if (ret) {
		munmap(memory.user_addr, memory.len);
		return ret;
	}
	vm->nr_windows++;
	return 0;
}

/*
 * Frames that have RAM already are no error: two vCPUs may have asked for the
 * same ones.
 */
int xenemu_back_gfn(struct xenemu_vm *vm, uint64_t gfn, uint64_t nr)
{
	uint64_t end = gfn + nr;
	int ret = 0;

	if (!nr || nr > BACK_WINDOW_PAGES || end < gfn || end > UINT64_MAX >> XENEMU_PAGE_SHIFT)
		return xenemu_fail(EINVAL, "the guest cannot have RAM at frame 0x%llx",
				   (unsigned long long)gfn);

	pthread_mutex_lock(&vm->lock);
	/* Each round passes a whole range or adds one: three at most. */
	while (gfn < end) {
		unsigned int i = find_range(vm, gfn);
		const struct range *range = &vm->ranges[i];

		if (i == vm->nr_ranges || range->gfn > gfn) {
			ret = add_window(vm, gfn, i);
			if (ret)
				break;
			continue;
		}
		if (!range->addr) {
			ret = xenemu_fail(EINVAL, "frame 0x%llx is reserved",
					  (unsigned long long)gfn);
			break;
		}
		gfn = range->gfn + range->nr;
	}
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

/*
 * Give pages back to the system. MADV_REMOVE punches a hole into the memfd, so
 * that the page is gone for every process that maps it; the memory slot stays,
 * and a page that the guest takes back reads as zeros.
 */
void xenemu_back_release(struct xenemu_vm *vm, const uint64_t *gfns, uint32_t nr)
{
	uint32_t i;

	pthread_mutex_lock(&vm->lock);
	for (i = 0; i < nr; i++) {
		unsigned int at = find_range(vm, gfns[i]);
		const struct range *range = &vm->ranges[at];
		char *addr;

		if (at == vm->nr_ranges || range->gfn > gfns[i] || !range->addr)
			continue;
		addr = range->addr + ((gfns[i] - range->gfn) << XENEMU_PAGE_SHIFT);
		/* Memory that is no memfd cannot be punched; anonymous memory can be dropped. */
		if (madvise(addr, XENEMU_PAGE_SIZE, MADV_REMOVE))
			madvise(addr, XENEMU_PAGE_SIZE, MADV_DONTNEED);
	}
	pthread_mutex_unlock(&vm->lock);
}

void xenemu_back_destroy(struct xenemu_vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_ranges; i++) {
		if (vm->ranges[i].window)
			munmap(vm->ranges[i].addr, vm->ranges[i].nr << XENEMU_PAGE_SHIFT);
	}
}
