/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hypercalls of a guest of either size: a VM for each test, and longs in the
 * guest's layout. To be included once, by a test of hypercalls.
 */
#ifndef XENEMU_TEST_HCALL_H
#define XENEMU_TEST_HCALL_H

#include <stdint.h>
#include <string.h>

#include "vm.h"

#define SHARED_INFO_GFN	(GUEST_PAGES / PAGE)
#define END_GFN		(VM_MEMORY / PAGE)
/* Mapped by the guest's page tables; no RAM is there. */
#define NOWHERE		0xf0000000u

FIXTURE(hypercall)
{
	struct vm vm;
	struct vm_vcpu *vcpu;
	uint8_t *data;
};

FIXTURE_VARIANT(hypercall)
{
	bool bit32;
};

FIXTURE_VARIANT_ADD(hypercall, bit64) { .bit32 = false };
FIXTURE_VARIANT_ADD(hypercall, bit32) { .bit32 = true };

FIXTURE_SETUP(hypercall)
{
	struct vm_config config = { .bit32 = variant->bit32, .nr_vcpus = 2 };

	vm_create(&self->vm, &config);
	self->vcpu = &self->vm.vcpus[0];
	self->data = vm_ptr(&self->vm, GUEST_DATA);
}

FIXTURE_TEARDOWN(hypercall)
{
	vm_destroy(&self->vm);
}

static inline int start(struct vm_vcpu *vcpu, unsigned int nr, uint64_t a, uint64_t b, uint64_t c)
{
	const uint64_t args[6] = { a, b, c };

	vcpu_command(vcpu, GUEST_OP_HYPERCALL, nr, args);
	return vcpu_run(vcpu);
}

/* Writes a guest's long; returns its size. */
static inline unsigned int put_long(struct vm *vm, void *where, uint64_t value)
{
	memcpy(where, &value, vm->bit32 ? 4 : 8);
	return vm->bit32 ? 4 : 8;
}

static inline uint64_t put_longs(struct vm *vm, uint64_t gpa, uint64_t first, unsigned int nr)
{
	uint8_t *p = vm_ptr(vm, gpa);
	unsigned int i;

	for (i = 0; i < nr; i++)
		p += put_long(vm, p, first + i);
	return gpa;
}

/* Writes an element of a multicall; returns its size. */
static inline unsigned int put_element(struct vm *vm, uint8_t *p, uint64_t op, uint64_t a,
				       uint64_t b, uint64_t c)
{
	unsigned int size = 0, i;

	size += put_long(vm, p, op);
	size += put_long(vm, p + size, 0x5555);
	size += put_long(vm, p + size, a);
	size += put_long(vm, p + size, b);
	size += put_long(vm, p + size, c);
	for (i = 3; i < 6; i++)
		size += put_long(vm, p + size, 0);
	return size;
}

#endif /* XENEMU_TEST_HCALL_H */
