/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest for the tests: KVM's VM, xenemu's domain, and a guest that executes
 * the hypercalls it is told to (guest/agent.S).
 *
 * Functions that set something up end the test binary with a message when they
 * fail; those that a test is about return 0 or a negative errno.
 */
#ifndef XENEMU_TEST_VM_H
#define XENEMU_TEST_VM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/kvm.h>
#include <linux/xenemu.h>

#include "guest.h"

#define VM_MEMORY	(16u << 20)
#define VM_MAX_VCPUS	8
#define PAGE		4096u

struct vm;

struct vm_vcpu {
	struct vm *vm;
	unsigned int id;
	int kvm_fd;
	int fd;
	struct kvm_run *kvm_run;
	struct xenemu_vcpu_run *run;
	uint8_t *mailbox;
};

struct vm {
	int host_fd;
	int kvm_fd;
	int domain_fd;
	unsigned int domid;
	bool bit32;
	uint8_t *memory;
	int memfd;
	unsigned int nr_vcpus;
	struct vm_vcpu vcpus[VM_MAX_VCPUS];
};

struct vm_config {
	/* All zero: a new host, domid 1, one vCPU, 64 bits. */
	int host_fd;
	unsigned int domid;
	unsigned int nr_vcpus;
	bool bit32;
	unsigned int max_grant_frames;
	/* Without XENEMU_DOMAIN_ADD_EVENTFD; others get a few. */
	bool no_eventfds;
};

/* open("/dev/xenemu"), or -errno. */
int host_open(void);
/* ioctl() that returns -errno. */
int xioctl(int fd, unsigned long request, void *arg);
/* One of XENEMU_HOST_OPEN_*; an fd or -errno. */
int host_open_fd(int host_fd, unsigned long request, unsigned int domid);
/* KVM pieces for tests that do without the rest. */
int kvm_create_vm(void);
int kvm_create_vcpu(int kvm_fd, unsigned int id, struct kvm_run **run);

/* An eventfd for XENEMU_DOMAIN_ADD_EVENTFD; 0 or -errno. */
int vm_add_eventfd(struct vm *vm);

void vm_create(struct vm *vm, const struct vm_config *config);
void vm_destroy(struct vm *vm);

/* Host pointer to guest memory. */
static inline void *vm_ptr(struct vm *vm, uint64_t gpa)
{
	return vm->memory + gpa;
}

/*
 * Tell a vCPU what to do, and run it: until it has done it (returns 0), or for
 * another exit, which then is in vcpu->run (1), or an error (-errno).
 */
void vcpu_command(struct vm_vcpu *vcpu, unsigned int op, uint64_t nr, const uint64_t args[6]);
int vcpu_run(struct vm_vcpu *vcpu);

/* What the last hypercall returned; of a 32-bit guest, the agent extends the sign. */
int64_t vcpu_result(struct vm_vcpu *vcpu);

/* A whole hypercall that needs no help of the VMM; its result. */
int64_t hypercall(struct vm_vcpu *vcpu, unsigned int nr, uint64_t a, uint64_t b, uint64_t c,
		  uint64_t d, uint64_t e);
#define HCALL1(vcpu, nr, a)		hypercall(vcpu, nr, a, 0, 0, 0, 0)
#define HCALL2(vcpu, nr, a, b)		hypercall(vcpu, nr, a, b, 0, 0, 0)
#define HCALL3(vcpu, nr, a, b, c)	hypercall(vcpu, nr, a, b, c, 0, 0)

/* The same with @len bytes at @arg copied to GUEST_DATA and back as argument 2. */
int64_t hypercall_arg(struct vm_vcpu *vcpu, unsigned int nr, uint64_t op, void *arg, size_t len);

/* A port of the guest that is unbound for dom0; 0 or -errno. */
int vm_alloc_port(struct vm *vm, uint32_t *port);

uint64_t vcpu_upcalls(struct vm_vcpu *vcpu);

/* XENMEM_add_to_physmap, with a structure whose members have the guest's size. */
int64_t vm_add_to_physmap(struct vm_vcpu *vcpu, unsigned int space, uint64_t idx,
			  uint64_t gfn);

/* A guest that is ready for events: shared_info at @gfn and a callback vector. */
void vm_enable_events(struct vm *vm, uint64_t gfn);

#endif /* XENEMU_TEST_VM_H */
