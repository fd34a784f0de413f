/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest of either size with a grant table, and a backend of domain 0 with a
 * gnttab fd. To be included once, by a test of grants.
 */
#ifndef XENEMU_TEST_GRANTS_H
#define XENEMU_TEST_GRANTS_H

#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xen/grant_table.h>
#include <xen/memory.h>

#include "vm.h"

/* Where the guest has frame 0 of its table, and pages to grant. */
#define TABLE_GFN	(GUEST_PAGES / PAGE)
#define DATA_GFN	(TABLE_GFN + 16)

/* Not one of the reserved ones. */
#define REF		8

#define BUSY		(GTF_reading | GTF_writing)

FIXTURE(gnttab)
{
	struct vm vm;
	struct vm_vcpu *vcpu;
	int fd;
	volatile struct grant_entry_v1 *table;
};

FIXTURE_VARIANT(gnttab)
{
	bool bit32;
};

FIXTURE_VARIANT_ADD(gnttab, bit64) { .bit32 = false };
FIXTURE_VARIANT_ADD(gnttab, bit32) { .bit32 = true };

static inline int64_t map_frame(struct vm_vcpu *vcpu, uint64_t idx, uint64_t gfn)
{
	return vm_add_to_physmap(vcpu, XENMAPSPACE_grant_table, idx, gfn);
}

FIXTURE_SETUP(gnttab)
{
	struct vm_config config = { .bit32 = variant->bit32, .max_grant_frames = 8 };

	vm_create(&self->vm, &config);
	self->vcpu = &self->vm.vcpus[0];
	ASSERT_EQ(0, map_frame(self->vcpu, 0, TABLE_GFN));
	self->table = vm_ptr(&self->vm, TABLE_GFN * PAGE);
	self->fd = host_open_fd(self->vm.host_fd, XENEMU_HOST_OPEN_GNTTAB, 0);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(gnttab)
{
	close(self->fd);
	if (self->vcpu)
		vm_destroy(&self->vm);
}

static inline void grant(volatile struct grant_entry_v1 *entry, uint16_t flags, uint16_t domid,
			 uint32_t gfn)
{
	entry->domid = domid;
	entry->frame = gfn;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	entry->flags = flags;
}

#endif /* XENEMU_TEST_GRANTS_H */
