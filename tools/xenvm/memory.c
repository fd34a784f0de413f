// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's RAM is one memfd, mapped shared: backends map what the guest
 * grants them of it, and O_DIRECT works on it. The special pages lie at its
 * end.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libxenemu.h"
#include "log.h"
#include "memory.h"

#define TYPE_RAM		1
#define TYPE_RESERVED		2
#define TYPE_ACPI		3

/**
 * struct piece - a contiguous piece of the memfd
 * @addr: guest physical address
 * @len: bytes
 */
struct piece {
	uint64_t addr;
	uint64_t len;
};

/* The pieces in the order in which they lie in the memfd; unused ones are empty. */
static void get_pieces(const struct memory *memory, struct piece pieces[MEMORY_SLOTS])
{
	pieces[0] = (struct piece) { 0, memory->low_size };
	pieces[1] = (struct piece) { HIGH_RAM_BASE, memory->high_size };
	pieces[2] = (struct piece) { ACPI_BASE, ACPI_SIZE };
	pieces[3] = (struct piece) { SPECIAL_BASE, SPECIAL_SIZE };
}

static void add_map(struct memory *memory, uint64_t addr, uint64_t len, uint32_t type)
{
	memory->map[memory->nr_map++] = (struct xenemu_memory_map_entry) {
		.addr = addr,
		.len = len,
		.type = type,
	};
}

int memory_create(struct memory *memory, uint64_t bytes)
{
	*memory = (struct memory) {
		.low_size = bytes < LOW_RAM_MAX ? bytes : LOW_RAM_MAX,
		.high_size = bytes < LOW_RAM_MAX ? 0 : bytes - LOW_RAM_MAX,
		.size = bytes + ACPI_SIZE + SPECIAL_SIZE,
	};

	memory->fd = memfd_create("xenvm-ram", MFD_CLOEXEC);
	if (memory->fd < 0)
		return fail("cannot allocate the guest's memory: %s", strerror(errno));
	if (ftruncate(memory->fd, memory->size)) {
		fail("cannot allocate %llu MiB for the guest: %s; give less --memory",
		     (unsigned long long)(bytes >> 20), strerror(errno));
		goto err_close;
	}

	memory->base = mmap(NULL, memory->size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_NORESERVE, memory->fd, 0);
	if (memory->base == MAP_FAILED) {
		fail("cannot map %llu MiB for the guest: %s; give less --memory",
		     (unsigned long long)(bytes >> 20), strerror(errno));
		goto err_close;
	}
	/* Both are wishes: large pages where there are any, small core dumps. */
	madvise(memory->base, memory->size, MADV_HUGEPAGE);
	madvise(memory->base, memory->size, MADV_DONTDUMP);

	add_map(memory, 0, memory->low_size, TYPE_RAM);
	add_map(memory, ACPI_BASE, ACPI_SIZE, TYPE_ACPI);
	add_map(memory, APIC_BASE, APIC_SIZE, TYPE_RESERVED);
	add_map(memory, SPECIAL_BASE, RESERVED_END - SPECIAL_BASE, TYPE_RESERVED);
	if (memory->high_size)
		add_map(memory, HIGH_RAM_BASE, memory->high_size, TYPE_RAM);
	return 0;

err_close:
	close(memory->fd);
	return -1;
}

void memory_destroy(struct memory *memory)
{
	munmap(memory->base, memory->size);
	close(memory->fd);
}

int memory_add(const struct memory *memory, struct xenemu_vm *vm)
{
	struct piece pieces[MEMORY_SLOTS];
	uint8_t *at = memory->base;
	unsigned int i;

	get_pieces(memory, pieces);
	for (i = 0; i < MEMORY_SLOTS; i++) {
		struct xenemu_memory args = {
			.slot = i,
			.guest_addr = pieces[i].addr,
			.len = pieces[i].len,
			.user_addr = at,
		};

		if (pieces[i].len && xenemu_vm_add_memory(vm, &args))
			return fail("%s", xenemu_error());
		at += pieces[i].len;
	}

	if (xenemu_vm_reserve(vm, SPECIAL_BASE + SPECIAL_SIZE,
			      RESERVED_END - SPECIAL_BASE - SPECIAL_SIZE) ||
	    xenemu_vm_set_memory_map(vm, memory->map, memory->nr_map))
		return fail("%s", xenemu_error());
	return 0;
}

void *memory_at(const struct memory *memory, uint64_t addr, uint64_t len)
{
	struct piece pieces[MEMORY_SLOTS];
	uint8_t *at = memory->base;
	unsigned int i;

	get_pieces(memory, pieces);
	for (i = 0; i < MEMORY_SLOTS; i++) {
		if (addr >= pieces[i].addr && addr - pieces[i].addr < pieces[i].len &&
		    len <= pieces[i].len - (addr - pieces[i].addr))
			return at + (addr - pieces[i].addr);
		at += pieces[i].len;
	}
	return NULL;
}
