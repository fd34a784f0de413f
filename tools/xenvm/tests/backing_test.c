// SPDX-License-Identifier: GPL-2.0-only
/*
 * RAM that a guest gets outside its RAM. KVM and the kernel are played: ioctl()
 * is ours, and notes which memory slots are made.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"
#include "tap.h"

#define MIB		(1ULL << 20)
#define RAM		(64 * MIB)
#define FIRST_SLOT	8
#define SLOTS		4

bool tap_failed;

static struct kvm_userspace_memory_region slots[64];
static bool kvm_refuses, xenemu_refuses;

int __wrap_ioctl(int fd, unsigned long cmd, ...);

int __wrap_ioctl(int fd, unsigned long cmd, ...)
{
	const struct kvm_userspace_memory_region *region;
	va_list ap;
	void *arg;

	(void)fd;
	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);

	switch (cmd) {
	case XENEMU_HOST_CREATE_DOMAIN:
		return 1000;
	case KVM_SET_USER_MEMORY_REGION:
		region = arg;
		if (kvm_refuses) {
			errno = EINVAL;
			return -1;
		}
		slots[region->slot] = *region;
		return 0;
	case XENEMU_DOMAIN_ADD_EVENTFD:
		return 0;
	case XENEMU_DOMAIN_SET_MEMORY:
		if (xenemu_refuses) {
			errno = ENOSPC;
			return -1;
		}
		return 0;
	default:
		errno = ENOTTY;
		return -1;
	}
}

static char *ram;

/* A VM with RAM at 0, and a page of it reserved elsewhere. */
static struct xenemu_vm *new_vm(void)
{
	struct xenemu_vm_config config = {
		.domid = 1, .back_slot_first = FIRST_SLOT, .back_slots = SLOTS,
	};
	struct xenemu_memory memory = { .len = RAM };
	struct xenemu_vm *vm = xenemu_vm_create(&config);

	memset(slots, 0, sizeof(slots));
	ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memory.user_addr = ram;
	TAP_EQUAL(xenemu_vm_add_memory(vm, &memory), 0);
	return vm;
}

static void end_vm(struct xenemu_vm *vm)
{
	xenemu_vm_destroy(vm);
	munmap(ram, RAM);
	kvm_refuses = false;
	xenemu_refuses = false;
}

static void test_window(void)
{
	struct xenemu_vm *vm = new_vm();

	TAP_EQUAL(xenemu_back_gfn(vm, 0xc0123, 1), 0);
	TAP_EQUAL(slots[FIRST_SLOT].guest_phys_addr, 0xc0000000);
	TAP_EQUAL(slots[FIRST_SLOT].memory_size, 2 * MIB);
	/* It is RAM. */
	memset((void *)(uintptr_t)slots[FIRST_SLOT].userspace_addr, 1, 2 * MIB);
	/* Its neighbours are there already, and so is what was asked for. */
	TAP_EQUAL(xenemu_back_gfn(vm, 0xc0123, 1), 0);
	TAP_EQUAL(xenemu_back_gfn(vm, 0xc0000, 512), 0);
	TAP_EQUAL(xenemu_back_gfn(vm, 0, 512), 0);
	TAP_EQUAL(slots[FIRST_SLOT + 1].memory_size, 0);
	/* Across a border. */
	TAP_EQUAL(xenemu_back_gfn(vm, 0xc01ff, 2), 0);
	TAP_EQUAL(slots[FIRST_SLOT + 1].guest_phys_addr, 0xc0200000);
	TAP_EQUAL(slots[FIRST_SLOT + 2].memory_size, 0);
	end_vm(vm);
}

static void test_clipped(void)
{
	struct xenemu_vm *vm = new_vm();

	TAP_EQUAL(xenemu_vm_reserve(vm, 0xd0004000, 0x1000), 0);
	TAP_EQUAL(xenemu_vm_reserve(vm, 0xd0104000, 0x2000), 0);
	TAP_EQUAL(xenemu_back_gfn(vm, 0xd0050, 1), 0);
	TAP_EQUAL(slots[FIRST_SLOT].guest_phys_addr, 0xd0005000);
	TAP_EQUAL(slots[FIRST_SLOT].memory_size, 0xff000);
	/* The rest of the 2 MiB on either side, with a reserved page between. */
	TAP_EQUAL(xenemu_back_gfn(vm, 0xd0003, 1), 0);
	TAP_EQUAL(slots[FIRST_SLOT + 1].guest_phys_addr, 0xd0000000);
	TAP_EQUAL(slots[FIRST_SLOT + 1].memory_size, 0x4000);
	TAP_EQUAL(xenemu_back_gfn(vm, 0xd0106, 1), 0);
	TAP_EQUAL(slots[FIRST_SLOT + 2].guest_phys_addr, 0xd0106000);
	TAP_EQUAL(slots[FIRST_SLOT + 2].memory_size, 0xfa000);
	TAP_EQUAL(xenemu_back_gfn(vm, 0xd0004, 1), -EINVAL);
	TAP_EQUAL(xenemu_back_gfn(vm, 0xd0003, 2), -EINVAL);
	/* The local APIC's page. */
	TAP_EQUAL(xenemu_back_gfn(vm, 0xfee00, 1), -EINVAL);
	TAP_CHECK(strstr(xenemu_error(), "reserved"));
	end_vm(vm);
}

static void test_refused(void)
{
	struct xenemu_vm *vm = new_vm();
	unsigned int i;

	TAP_EQUAL(xenemu_back_gfn(vm, 0xc0000, 0), -EINVAL);
	TAP_EQUAL(xenemu_back_gfn(vm, 0xc0000, 513), -EINVAL);
	TAP_EQUAL(xenemu_back_gfn(vm, UINT64_MAX, 1), -EINVAL);
	TAP_EQUAL(xenemu_back_gfn(vm, UINT64_MAX - 10, 512), -EINVAL);
	TAP_EQUAL(xenemu_back_gfn(vm, 1ULL << 52, 1), -EINVAL);

	kvm_refuses = true;
	TAP_EQUAL(xenemu_back_gfn(vm, 0xc0000, 1), -EINVAL);
	kvm_refuses = false;
	xenemu_refuses = true;
	TAP_EQUAL(xenemu_back_gfn(vm, 0xc0000, 1), -ENOSPC);
	/* Taken back from KVM. */
	TAP_EQUAL(slots[FIRST_SLOT].memory_size, 0);
	xenemu_refuses = false;

	/* What failed used nothing up. */
	for (i = 0; i < SLOTS; i++)
		TAP_EQUAL(xenemu_back_gfn(vm, 0xc0000 + 512 * i, 1), 0);
	TAP_EQUAL(xenemu_back_gfn(vm, 0xc0000 + 512 * i, 1), -ENOMEM);
	end_vm(vm);
}

static void test_release(void)
{
	const uint64_t gfns[] = { 3, 0x10000, 0xfee00, UINT64_MAX, 0xc0001 };
	struct xenemu_vm *vm = new_vm();
	char *window;

	memset(ram, 1, 8 * XENEMU_PAGE_SIZE);
	TAP_EQUAL(xenemu_back_gfn(vm, 0xc0000, 1), 0);
	window = (char *)(uintptr_t)slots[FIRST_SLOT].userspace_addr;
	memset(window, 1, 2 * MIB);

	xenemu_back_release(vm, gfns, sizeof(gfns) / sizeof(gfns[0]));
	TAP_EQUAL(ram[3 * XENEMU_PAGE_SIZE - 1], 1);
	TAP_EQUAL(ram[3 * XENEMU_PAGE_SIZE], 0);
	TAP_EQUAL(ram[4 * XENEMU_PAGE_SIZE - 1], 0);
	TAP_EQUAL(ram[4 * XENEMU_PAGE_SIZE], 1);
	TAP_EQUAL(window[XENEMU_PAGE_SIZE - 1], 1);
	TAP_EQUAL(window[XENEMU_PAGE_SIZE], 0);
	end_vm(vm);
}

static void test_overlap(void)
{
	struct xenemu_vm *vm = new_vm();
	struct xenemu_memory memory = { .slot = 1, .guest_addr = RAM - 0x1000, .len = 0x2000,
					.user_addr = ram };

	TAP_EQUAL(xenemu_vm_add_memory(vm, &memory), -EEXIST);
	TAP_EQUAL(slots[1].memory_size, 0);
	memory.guest_addr = RAM + 1;
	TAP_EQUAL(xenemu_vm_add_memory(vm, &memory), -EINVAL);
	memory.guest_addr = RAM;
	TAP_EQUAL(xenemu_vm_add_memory(vm, &memory), 0);
	TAP_EQUAL(xenemu_vm_reserve(vm, RAM + 0x1000, 0x1000), -EEXIST);
	TAP_EQUAL(xenemu_vm_reserve(vm, RAM + 0x2000, 0x1000), 0);
	TAP_EQUAL(xenemu_vm_reserve(vm, RAM + 0x3000, 0), -EINVAL);
	end_vm(vm);
}

static const struct tap_test tests[] = {
	{ "RAM appears in windows", test_window },
	{ "windows keep clear of other ranges", test_clipped },
	{ "what cannot be is refused, and bounded", test_refused },
	{ "pages given up are zero afterwards", test_release },
	{ "ranges do not overlap", test_overlap },
};

int main(void)
{
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
