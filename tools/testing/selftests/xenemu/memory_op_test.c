// SPDX-License-Identifier: GPL-2.0-only
/*
 * HYPERVISOR_memory_op, from a guest of 64 and of 32 bits: special pages, the
 * memory map, a balloon driver's calls, and how the VMM hears of them.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <xen/xen.h>
#include <xen/memory.h>

#include "../kselftest_harness.h"
#include "hcall.h"

static uint64_t put_reservation(struct vm *vm, uint64_t extents, uint64_t nr, unsigned int order,
				unsigned int flags, unsigned int domid)
{
	uint8_t *p = vm_ptr(vm, GUEST_DATA);
	uint32_t w[2] = { order, flags };
	uint16_t d = domid;

	p += put_long(vm, p, extents);
	p += put_long(vm, p, nr);
	memcpy(p, w, 8);
	memcpy(p + 8, &d, 2);
	return GUEST_DATA;
}

static int64_t query(struct vm_vcpu *vcpu, unsigned int op)
{
	uint16_t domid = DOMID_SELF;

	return hypercall_arg(vcpu, __HYPERVISOR_memory_op, op, &domid, sizeof(domid));
}

TEST_F(hypercall, memory_sizes)
{
	uint16_t other = 0, none = 99;

	EXPECT_EQ(END_GFN, query(self->vcpu, XENMEM_current_reservation));
	EXPECT_EQ(END_GFN - 1, query(self->vcpu, XENMEM_maximum_gpfn));
	EXPECT_EQ(self->vm.bit32 ? INT32_MAX : UINT32_MAX,
		  query(self->vcpu, XENMEM_maximum_reservation));
	EXPECT_EQ(-EPERM, hypercall_arg(self->vcpu, __HYPERVISOR_memory_op,
					XENMEM_current_reservation, &other, 2));
	EXPECT_EQ(-ESRCH, hypercall_arg(self->vcpu, __HYPERVISOR_memory_op,
					XENMEM_current_reservation, &none, 2));
	EXPECT_EQ(-EINVAL, query(self->vcpu, XENMEM_current_reservation | 1 << 6));
}

TEST_F(hypercall, memory_map)
{
	struct xenemu_memory_map_entry entries[3] = {
		{ .addr = 0, .len = 0xa0000, .type = 1 },
		{ .addr = 0x100000, .len = VM_MEMORY - 0x100000, .type = 1 },
		{ .addr = 0xfee00000, .len = 0x1000, .type = 2 },
	};
	struct xenemu_domain_set_memory_map args = {
		.size = sizeof(args), .entries = (uintptr_t)entries, .nr_entries = 3,
	};
	struct vm *vm = &self->vm;
	uint8_t *buf = vm_ptr(vm, GUEST_PAGES);
	uint32_t *nr = (uint32_t *)self->data;
	uint64_t v;

	*nr = 128;
	put_long(vm, self->data + (vm->bit32 ? 4 : 8), GUEST_PAGES);
	EXPECT_EQ(-ENOSYS, HCALL2(self->vcpu, __HYPERVISOR_memory_op, XENMEM_memory_map,
				  GUEST_DATA));
	ASSERT_EQ(0, xioctl(vm->domain_fd, XENEMU_DOMAIN_SET_MEMORY_MAP, &args));
	memset(buf, 0xa5, PAGE);
	EXPECT_EQ(0, HCALL2(self->vcpu, __HYPERVISOR_memory_op, XENMEM_memory_map, GUEST_DATA));
	EXPECT_EQ(3, *nr);
	memcpy(&v, buf + 20, 8);
	EXPECT_EQ(0x100000, v);
	memcpy(&v, buf + 40, 8);
	EXPECT_EQ(0xfee00000, v);
	EXPECT_EQ(2, buf[56]);
	EXPECT_EQ(0xa5, buf[60]);

	*nr = 1;
	memset(buf, 0xa5, PAGE);
	EXPECT_EQ(0, HCALL2(self->vcpu, __HYPERVISOR_memory_op, XENMEM_memory_map, GUEST_DATA));
	EXPECT_EQ(1, *nr);
	EXPECT_EQ(1, buf[16]);
	EXPECT_EQ(0xa5, buf[20]);
}

/* A reservation call, counting the frames that the VMM gets back. */
static int64_t reserve(struct vm_vcpu *vcpu, unsigned int op, unsigned int *released,
		       unsigned int *exits)
{
	int ret = start(vcpu, __HYPERVISOR_memory_op, op, GUEST_DATA, 0);

	*released = 0;
	*exits = 0;
	while (ret == 1 && vcpu->run->exit_reason == XENEMU_EXIT_RELEASE_GFNS) {
		*released += vcpu->run->release.nr;
		++*exits;
		ret = vcpu_run(vcpu);
	}
	return ret ? -1000 : vcpu_result(vcpu);
}

TEST_F(hypercall, balloon)
{
	struct vm *vm = &self->vm;
	unsigned int released, exits;
	const unsigned int first = 0x800;

	put_longs(vm, GUEST_PAGES, first, 600);
	put_reservation(vm, GUEST_PAGES, 600, 0, 0, DOMID_SELF);
	EXPECT_EQ(600, reserve(self->vcpu, XENMEM_decrease_reservation, &released, &exits));
	EXPECT_EQ(600, released);
	EXPECT_EQ(3, exits);
	EXPECT_EQ(END_GFN - 600, query(self->vcpu, XENMEM_current_reservation));

	/* Twice is not possible, and Xen says how many it did: none. */
	put_reservation(vm, GUEST_PAGES, 600, 0, 0, DOMID_SELF);
	EXPECT_EQ(0, reserve(self->vcpu, XENMEM_decrease_reservation, &released, &exits));
	EXPECT_EQ(0, exits);

	put_reservation(vm, GUEST_PAGES, 600, 0, 0, DOMID_SELF);
	EXPECT_EQ(600, reserve(self->vcpu, XENMEM_populate_physmap, &released, &exits));
	EXPECT_EQ(0, exits);
	EXPECT_EQ(END_GFN, query(self->vcpu, XENMEM_current_reservation));

	/* Two extents of 2 MiB; the second is cut off by the end of memory. */
	put_longs(vm, GUEST_PAGES, first, 1);
	put_longs(vm, GUEST_PAGES + (vm->bit32 ? 4 : 8), END_GFN - 256, 1);
	put_reservation(vm, GUEST_PAGES, 2, 9, 0, DOMID_SELF);
	EXPECT_EQ(1, reserve(self->vcpu, XENMEM_decrease_reservation, &released, &exits));
	EXPECT_EQ(768, released);
	EXPECT_EQ(END_GFN - 768, query(self->vcpu, XENMEM_current_reservation));

	/* A start in the upper bits of the command. */
	put_longs(vm, GUEST_PAGES, 0x700, 10);
	put_reservation(vm, GUEST_PAGES, 10, 0, 0, DOMID_SELF);
	EXPECT_EQ(10, reserve(self->vcpu, XENMEM_decrease_reservation | 7 << 6, &released,
			      &exits));
	EXPECT_EQ(3, released);
	put_reservation(vm, GUEST_PAGES, 10, 0, 0, DOMID_SELF);
	EXPECT_EQ(11, reserve(self->vcpu, XENMEM_decrease_reservation | 11 << 6, &released,
			      &exits));
}

TEST_F(hypercall, balloon_bad_arguments)
{
	struct vm *vm = &self->vm;
	unsigned int r, e;

	put_longs(vm, GUEST_PAGES, 0x800, 4);
	put_reservation(vm, GUEST_PAGES, 4, 10, 0, DOMID_SELF);
	EXPECT_EQ(0, reserve(self->vcpu, XENMEM_decrease_reservation, &r, &e));
	put_reservation(vm, GUEST_PAGES, 4, 0xffffffff, 0, DOMID_SELF);
	EXPECT_EQ(0, reserve(self->vcpu, XENMEM_decrease_reservation, &r, &e));
	put_reservation(vm, GUEST_PAGES, 4, 0, 0, 0);
	EXPECT_EQ(0, reserve(self->vcpu, XENMEM_decrease_reservation, &r, &e));
	put_reservation(vm, GUEST_PAGES, 0x4000000, 0, 0, DOMID_SELF);
	EXPECT_EQ(0, reserve(self->vcpu, XENMEM_decrease_reservation, &r, &e));
	put_reservation(vm, NOWHERE, 4, 0, 0, DOMID_SELF);
	EXPECT_EQ(0, reserve(self->vcpu, XENMEM_decrease_reservation, &r, &e));
	put_reservation(vm, NOWHERE, 4, 0, 0, DOMID_SELF);
	EXPECT_EQ(0, reserve(self->vcpu, XENMEM_populate_physmap, &r, &e));
	put_reservation(vm, GUEST_PAGES, 4, 0, 1 << 16, DOMID_SELF);
	EXPECT_EQ(0, reserve(self->vcpu, XENMEM_populate_physmap, &r, &e));
	put_reservation(vm, 0, 4, 0, 0, DOMID_SELF);
	EXPECT_EQ(0, reserve(self->vcpu, XENMEM_increase_reservation, &r, &e));
	/* Frame numbers that no guest can have. */
	put_longs(vm, GUEST_PAGES, vm->bit32 ? 0xfffffffe : ~1ULL, 1);
	put_reservation(vm, GUEST_PAGES, 1, 9, 0, DOMID_SELF);
	EXPECT_EQ(0, reserve(self->vcpu, XENMEM_decrease_reservation, &r, &e));
	if (!vm->bit32) {
		put_reservation(vm, GUEST_PAGES, 1, 9, 0, DOMID_SELF);
		EXPECT_EQ(0, reserve(self->vcpu, XENMEM_populate_physmap, &r, &e));
	}
	EXPECT_EQ(END_GFN, query(self->vcpu, XENMEM_current_reservation));
}

TEST_F(hypercall, memory_that_is_removed_takes_along_what_was_given_up)
{
	struct xenemu_domain_set_memory args = {
		.size = sizeof(args), .guest_addr = VM_MEMORY, .len = 4 * PAGE,
	};
	struct vm *vm = &self->vm;
	unsigned int r, e;
	void *mem;

	mem = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, mem);
	args.user_addr = (uintptr_t)mem;
	ASSERT_EQ(0, xioctl(vm->domain_fd, XENEMU_DOMAIN_SET_MEMORY, &args));
	put_longs(vm, GUEST_PAGES, END_GFN, 3);
	put_reservation(vm, GUEST_PAGES, 3, 0, 0, DOMID_SELF);
	EXPECT_EQ(3, reserve(self->vcpu, XENMEM_decrease_reservation, &r, &e));
	EXPECT_EQ(END_GFN + 1, query(self->vcpu, XENMEM_current_reservation));
	args.len = 0;
	args.user_addr = 0;
	ASSERT_EQ(0, xioctl(vm->domain_fd, XENEMU_DOMAIN_SET_MEMORY, &args));
	EXPECT_EQ(END_GFN, query(self->vcpu, XENMEM_current_reservation));
	munmap(mem, 4 * PAGE);
}

TEST_F(hypercall, memory_that_is_read_only_is_not_given_up)
{
	struct xenemu_domain_set_memory args = {
		.size = sizeof(args), .flags = XENEMU_MEMORY_READONLY,
		.guest_addr = VM_MEMORY, .len = PAGE,
		.user_addr = (uintptr_t)self->vm.memory,
	};
	struct vm *vm = &self->vm;
	unsigned int r, e;

	ASSERT_EQ(0, xioctl(vm->domain_fd, XENEMU_DOMAIN_SET_MEMORY, &args));
	put_longs(vm, GUEST_PAGES, END_GFN, 1);
	put_reservation(vm, GUEST_PAGES, 1, 0, 0, DOMID_SELF);
	EXPECT_EQ(0, reserve(self->vcpu, XENMEM_decrease_reservation, &r, &e));
	EXPECT_EQ(END_GFN + 1, query(self->vcpu, XENMEM_current_reservation));
}

TEST_F(hypercall, balloon_keeps_pages_in_use)
{
	struct vm *vm = &self->vm;
	unsigned int r, e;

	vm_enable_events(vm, SHARED_INFO_GFN);
	put_longs(vm, GUEST_PAGES + PAGE, SHARED_INFO_GFN, 2);
	put_reservation(vm, GUEST_PAGES + PAGE, 2, 0, 0, DOMID_SELF);
	EXPECT_EQ(0, reserve(self->vcpu, XENMEM_decrease_reservation, &r, &e));
}

static int add_memory(struct vm *vm, uint64_t gfn, unsigned int nr, void *mem)
{
	static unsigned int slot = 1;
	struct kvm_userspace_memory_region kvm = {
		.slot = slot++, .guest_phys_addr = gfn * PAGE, .memory_size = nr * PAGE,
		.userspace_addr = (uintptr_t)mem,
	};
	struct xenemu_domain_set_memory args = {
		.size = sizeof(args), .guest_addr = gfn * PAGE, .len = nr * PAGE,
		.user_addr = (uintptr_t)mem,
	};

	return xioctl(vm->kvm_fd, KVM_SET_USER_MEMORY_REGION, &kvm) ?:
	       xioctl(vm->domain_fd, XENEMU_DOMAIN_SET_MEMORY, &args);
}

TEST_F(hypercall, populate_asks_for_memory)
{
	struct vm_vcpu *vcpu = self->vcpu;
	struct vm *vm = &self->vm;
	uint8_t *mem;

	mem = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)mem);
	/* 512 frames, of which 300 are there. */
	put_longs(vm, GUEST_PAGES, END_GFN - 300, 1);
	put_longs(vm, GUEST_PAGES + (vm->bit32 ? 4 : 8), END_GFN + 1000, 1);
	put_reservation(vm, GUEST_PAGES, 2, 9, 0, DOMID_SELF);
	ASSERT_EQ(1, start(vcpu, __HYPERVISOR_memory_op, XENMEM_populate_physmap, GUEST_DATA, 0));
	ASSERT_EQ(XENEMU_EXIT_BACK_GFN, vcpu->run->exit_reason);
	EXPECT_EQ(END_GFN, vcpu->run->back.gfn);
	EXPECT_EQ(212, vcpu->run->back.nr);
	/* In two pieces with another between that. */
	ASSERT_EQ(0, add_memory(vm, END_GFN, 100, mem));
	ASSERT_EQ(1, vcpu_run(vcpu));
	EXPECT_EQ(END_GFN + 100, vcpu->run->back.gfn);
	EXPECT_EQ(112, vcpu->run->back.nr);
	ASSERT_EQ(0, add_memory(vm, END_GFN + 100, 112, mem + 100 * PAGE));
	ASSERT_EQ(1, vcpu_run(vcpu));
	ASSERT_EQ(XENEMU_EXIT_BACK_GFN, vcpu->run->exit_reason);
	EXPECT_EQ(END_GFN + 1000, vcpu->run->back.gfn);
	EXPECT_EQ(512, vcpu->run->back.nr);
	/* It does nothing. One extent was done. */
	ASSERT_EQ(0, vcpu_run(vcpu));
	EXPECT_EQ(1, vcpu_result(vcpu));
	EXPECT_EQ(END_GFN + 212, query(vcpu, XENMEM_current_reservation));
	munmap(mem, 4 << 20);
}

static uint64_t put_physmap(struct vm *vm, unsigned int domid, unsigned int space, uint64_t idx,
			    uint64_t gfn)
{
	uint8_t *p = vm_ptr(vm, GUEST_DATA);
	uint16_t d[2] = { domid, 0 };
	uint32_t s = space;

	memcpy(p, d, 4);
	memcpy(p + 4, &s, 4);
	p += 8;
	p += put_long(vm, p, idx);
	put_long(vm, p, gfn);
	return GUEST_DATA;
}

static int64_t physmap(struct vm_vcpu *vcpu, unsigned int domid, unsigned int space,
		       uint64_t idx, uint64_t gfn)
{
	put_physmap(vcpu->vm, domid, space, idx, gfn);
	return HCALL2(vcpu, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, GUEST_DATA);
}

TEST_F(hypercall, add_to_physmap)
{
	struct vm_vcpu *vcpu = self->vcpu;

	EXPECT_EQ(-EINVAL, physmap(vcpu, DOMID_SELF, XENMAPSPACE_shared_info, 1, 0x100));
	EXPECT_EQ(0, physmap(vcpu, 1, XENMAPSPACE_shared_info, 0, 0x100));
	EXPECT_EQ(0, physmap(vcpu, DOMID_SELF, XENMAPSPACE_shared_info, 0, 0x101));
	EXPECT_EQ(0, physmap(vcpu, DOMID_SELF, XENMAPSPACE_grant_table, 0, 0x102));
	EXPECT_EQ(-EINVAL, physmap(vcpu, DOMID_SELF, XENMAPSPACE_grant_table, 64, 0x103));
	EXPECT_EQ(-EOPNOTSUPP, physmap(vcpu, DOMID_SELF, XENMAPSPACE_gmfn, 0x200, 0x103));
	EXPECT_EQ(-ENOSYS, physmap(vcpu, DOMID_SELF, XENMAPSPACE_gmfn_foreign, 0, 0x103));
	EXPECT_EQ(-EACCES, physmap(vcpu, DOMID_SELF, XENMAPSPACE_dev_mmio, 0, 0x103));
	EXPECT_EQ(-EINVAL, physmap(vcpu, DOMID_SELF, 99, 0, 0x103));
	EXPECT_EQ(-EPERM, physmap(vcpu, 0, XENMAPSPACE_shared_info, 0, 0x103));
	EXPECT_EQ(-ESRCH, physmap(vcpu, 2, XENMAPSPACE_shared_info, 0, 0x103));
	if (!self->vm.bit32)
		EXPECT_EQ(-EINVAL, physmap(vcpu, DOMID_SELF, XENMAPSPACE_shared_info, 0, ~0ULL));

	/* No RAM there, and the VMM will not give any. */
	put_physmap(&self->vm, DOMID_SELF, XENMAPSPACE_shared_info, 0, 0xf0000);
	ASSERT_EQ(1, start(vcpu, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, GUEST_DATA, 0));
	ASSERT_EQ(XENEMU_EXIT_BACK_GFN, vcpu->run->exit_reason);
	EXPECT_EQ(0xf0000, vcpu->run->back.gfn);
	EXPECT_EQ(1, vcpu->run->back.nr);
	vcpu->run->answer = -ENOSPC;
	ASSERT_EQ(0, vcpu_run(vcpu));
	EXPECT_EQ(-ENOSPC, vcpu_result(vcpu));
}

TEST_F(hypercall, add_to_physmap_batch)
{
	struct vm_vcpu *vcpu = self->vcpu;
	struct vm *vm = &self->vm;
	const uint16_t head[4] = { DOMID_SELF, XENMAPSPACE_grant_table, 5, 0 };
	const uint64_t gfns[5] = { 0x200, 0x201, 0xf0000, 0xf0001, 0x203 };
	const uint64_t idxs[5] = { 0, 1, 2, 3, 1000 };
	uint8_t *i = vm_ptr(vm, GUEST_PAGES), *g = i + 256, *p = self->data;
	int32_t *errs = vm_ptr(vm, GUEST_PAGES + 512);
	unsigned int n;
	uint8_t *mem;

	mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (n = 0; n < 5; n++) {
		i += put_long(vm, i, idxs[n]);
		g += put_long(vm, g, gfns[n]);
		errs[n] = 77;
	}
	memcpy(p, head, 8);
	p += 8;
	p += put_long(vm, p, GUEST_PAGES);
	p += put_long(vm, p, GUEST_PAGES + 256);
	put_long(vm, p, GUEST_PAGES + 512);

	ASSERT_EQ(1, start(vcpu, __HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, GUEST_DATA,
			   0));
	EXPECT_EQ(0xf0000, vcpu->run->back.gfn);
	ASSERT_EQ(0, add_memory(vm, 0xf0000, 1, mem));
	ASSERT_EQ(1, vcpu_run(vcpu));
	EXPECT_EQ(0xf0001, vcpu->run->back.gfn);
	vcpu->run->answer = -ENOMEM;
	ASSERT_EQ(0, vcpu_run(vcpu));
	EXPECT_EQ(0, vcpu_result(vcpu));
	EXPECT_EQ(0, errs[0]);
	EXPECT_EQ(0, errs[1]);
	EXPECT_EQ(0, errs[2]);
	EXPECT_EQ(-ENOMEM, errs[3]);
	EXPECT_EQ(-EINVAL, errs[4]);
	EXPECT_EQ(-EILSEQ, HCALL2(vcpu, __HYPERVISOR_memory_op,
				  XENMEM_add_to_physmap_batch | 5 << 6, GUEST_DATA));
	EXPECT_EQ(-EDOM, HCALL2(vcpu, __HYPERVISOR_memory_op,
				XENMEM_add_to_physmap_batch | 0x10000 << 6, GUEST_DATA));
	munmap(mem, PAGE);
}

TEST_HARNESS_MAIN
