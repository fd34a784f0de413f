/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of libxenemu share. Not installed. */
#ifndef XENEMU_LIB_INTERNAL_H
#define XENEMU_LIB_INTERNAL_H

#include <pthread.h>

#include "libxenemu.h"

/* Size and alignment of the pieces in which a guest gets RAM outside its RAM. */
#define BACK_WINDOW_PAGES	512UL

/* Ranges that a VM may have: RAM, reservations and windows. */
#define MAX_RANGES		512

#define MAX_CPUS		1024

/**
 * struct range - guest frames that are spoken for
 * @gfn: first frame
 * @nr: number of frames
 * @addr: where they are mapped here; NULL for a range without RAM
 * @window: the library allocated it
 */
struct range {
	uint64_t gfn;
	uint64_t nr;
	char *addr;
	bool window;
};

/**
 * struct xenemu_vm - a domain
 * @config: as given
 * @fd: the domain fd
 * @lock: protects the rest; vCPU threads take it
 * @ranges: sorted by frame, without overlap
 * @nr_ranges: number of them
 * @nr_windows: windows among them
 * @cpus: by vCPU number; set and cleared while no vCPU runs
 */
struct xenemu_vm {
	struct xenemu_vm_config config;
	int fd;

	pthread_mutex_t lock;
	struct range ranges[MAX_RANGES];
	unsigned int nr_ranges;
	unsigned int nr_windows;
	struct xenemu_cpu *cpus[MAX_CPUS];
};

/**
 * struct xenemu_cpu - a vCPU
 * @vm: its VM
 * @fd: the vCPU fd
 * @kvm_run: KVM's part of what is shared with the kernel
 * @run: xenemu's part
 * @run_size: its size
 * @vcpu_id: Xen's number
 * @apic_id: KVM's number
 * @upcall_vector: vector of its upcalls, or 0. Protected by the VM's lock, as
 *                 is the next
 * @upcall_fd: eventfd routed to it, or -1
 */
struct xenemu_cpu {
	struct xenemu_vm *vm;
	int fd;
	struct kvm_run *kvm_run;
	struct xenemu_vcpu_run *run;
	size_t run_size;
	uint32_t vcpu_id;
	uint32_t apic_id;
	uint32_t upcall_vector;
	int upcall_fd;
};

/* Remember the sentence for xenemu_error(), set errno, return -@err. */
int xenemu_fail(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* xenemu_vm_add_memory() for callers that hold the VM's lock. */
int xenemu_add_memory_locked(struct xenemu_vm *vm, const struct xenemu_memory *memory,
			     bool window);

int xenemu_ranges_add(struct xenemu_vm *vm, const struct range *range);
int xenemu_back_gfn(struct xenemu_vm *vm, uint64_t gfn, uint64_t nr);
void xenemu_back_release(struct xenemu_vm *vm, const uint64_t *gfns, uint32_t nr);
void xenemu_back_destroy(struct xenemu_vm *vm);

int xenemu_upcall_set(struct xenemu_vm *vm, uint32_t vcpu_id, uint32_t vector);
void xenemu_upcall_reset(struct xenemu_vm *vm);

#endif /* XENEMU_LIB_INTERNAL_H */
