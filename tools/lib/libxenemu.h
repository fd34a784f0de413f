/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libxenemu: what a virtual machine monitor (VMM) needs to be a Xen host
 * through /dev/xenemu. A thin layer over <linux/xenemu.h> and KVM.
 *
 * A VMM calls, in this order:
 *
 *   xenemu_open()              a Xen host
 *   KVM_CREATE_VM and KVM_CAP_SPLIT_IRQCHIP (or KVM_CREATE_IRQCHIP)
 *   xenemu_vm_create()         makes the KVM VM a Xen domain
 *   xenemu_vm_add_memory()     for each range of RAM
 *   KVM_CREATE_VCPU, xenemu_cpuid_build(), KVM_SET_CPUID2
 *   xenemu_cpu_create()        for each vCPU
 *   xenemu_cpu_run()           in each vCPU's thread
 *
 * and meanwhile sets up the rings of the guest's XenStore and console with
 * xenemu_vm_alloc_unbound(), xenemu_vm_set_param(), xenemu_vm_seed_grant() and
 * xenemu_xs_introduce() (xsclient.h).
 *
 * Functions that can fail return a negative errno (or NULL, with errno set),
 * and a sentence that says what failed from xenemu_error().
 */
#ifndef LIBXENEMU_H
#define LIBXENEMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/kvm.h>
#include <linux/xenemu.h>

#define XENEMU_PAGE_SHIFT	12
#define XENEMU_PAGE_SIZE	(1UL << XENEMU_PAGE_SHIFT)

/* What xenemu calls itself to guests by default: the version of Xen it is modelled on. */
#define XENEMU_XEN_VERSION	(4U << 16 | 17)
#define XENEMU_HYPERCALL_MSR	0x40000000U
#define XENEMU_CPUID_BASE	0x40000000U

struct xenemu_vm;
struct xenemu_cpu;

/**
 * xenemu_error - what went wrong
 *
 * Return: a sentence about the last function of this library that failed in
 * this thread, without a newline. Valid until the next one fails.
 */
const char *xenemu_error(void);

/* ---- host ---- */

/**
 * xenemu_open - make a Xen host
 * @path: the device; NULL means /dev/xenemu
 *
 * Return: a host fd. -ENOENT where the module is not loaded, -EOPNOTSUPP where
 * it is loaded into a kernel without CONFIG_KVM_XEN.
 */
int xenemu_open(const char *path);

/**
 * xenemu_get_query - ask a xenemu fd what the kernel can do
 * @fd: any xenemu fd that knows XENEMU_QUERY
 * @query: filled in
 *
 * Return: 0 or a negative errno.
 */
int xenemu_get_query(int fd, struct xenemu_query *query);

/**
 * xenemu_open_store - open a XenStore connection, for xsclient.h
 * @host_fd: the host
 * @domid: domain to act as, 0 for the privileged one
 *
 * Return: an fd or a negative errno.
 */
int xenemu_open_store(int host_fd, uint32_t domid);

/**
 * xenemu_open_evtchn - open an event channel end point, for evtchn.h
 * @host_fd: the host
 * @domid: domain to act as
 *
 * Return: an fd or a negative errno.
 */
int xenemu_open_evtchn(int host_fd, uint32_t domid);

/**
 * xenemu_open_gnttab - open a mapper of grants, for gnttab.h
 * @host_fd: the host
 * @domid: domain to act as
 *
 * Return: an fd or a negative errno.
 */
int xenemu_open_gnttab(int host_fd, uint32_t domid);

/**
 * xenemu_save_store - save the XenStore of a host
 * @host_fd: the host
 * @format: XENEMU_STORE_FORMAT_*
 * @flags: XENEMU_SAVE_*
 * @since: save the difference to the state of this generation; 0 for all
 * @data: set to the stream, to be given to free()
 * @len: set to its length
 * @generation: set to its generation; may be NULL
 *
 * Return: 0 or a negative errno.
 */
int xenemu_save_store(int host_fd, uint32_t format, uint32_t flags, uint64_t since,
		      void **data, size_t *len, uint64_t *generation);

/**
 * xenemu_restore_store - restore the XenStore of a host
 * @host_fd: a host whose XenStore is empty, or what the stream is a difference to
 * @flags: XENEMU_RESTORE_*
 * @data: the stream
 * @len: its length
 *
 * Return: 0 or a negative errno; then xenemu_error() says what is wrong with the
 * stream, and where.
 */
int xenemu_restore_store(int host_fd, uint32_t flags, const void *data, size_t len);

/**
 * xenemu_pause_store - leave the rings of guests alone, or go on serving them
 * @host_fd: the host
 * @paused: which of them
 *
 * Return: 0 or a negative errno.
 */
int xenemu_pause_store(int host_fd, bool paused);

/**
 * xenemu_reopen_store - go on with a restored XenStore connection
 * @host_fd: the host
 * @domid: domain it acts as
 * @connection: its number, as xenemu_store_connection() told before
 *
 * Return: an fd or a negative errno.
 */
int xenemu_reopen_store(int host_fd, uint32_t domid, uint32_t connection);

/**
 * xenemu_store_connection - ask a store fd for the number of its connection
 * @store_fd: the store fd
 *
 * Return: the number, or 0 if it cannot be told.
 */
uint32_t xenemu_store_connection(int store_fd);

/* ---- VM ---- */

/**
 * struct xenemu_vm_config - what a domain is made of
 * @host_fd: the host. Stays the caller's and must outlive the VM
 * @kvm_fd: the KVM VM. Stays the caller's and must outlive the VM
 * @domid: its number, from 1
 * @xen_version: 0 means XENEMU_XEN_VERSION
 * @hypercall_msr: 0 means XENEMU_HYPERCALL_MSR
 * @max_grant_frames: 0 means what the kernel allows by default
 * @max_pages: what XENMEM_maximum_reservation says; 0 means no limit
 * @handle: UUID
 * @back_slot_first: first of the KVM memory slots that the library may use for
 *                   pages that the guest asks for outside its RAM
 * @back_slots: number of them, each good for up to 2 MiB; 0 refuses such pages
 * @upcall_gsi_first: first of out_max_vcpus GSIs that the library may route
 *                    per-vCPU upcalls with. It then owns the VM's whole routing
 *                    table; a VMM with routes of its own gives an
 *                    upcall_vector callback instead (struct xenemu_run_ops)
 */
struct xenemu_vm_config {
	int host_fd;
	int kvm_fd;
	uint32_t domid;
	uint32_t xen_version;
	uint32_t hypercall_msr;
	uint32_t max_grant_frames;
	uint64_t max_pages;
	uint8_t handle[16];
	uint32_t back_slot_first;
	uint32_t back_slots;
	uint32_t upcall_gsi_first;
};

/**
 * struct xenemu_memory - a range of guest RAM
 * @slot: KVM memory slot to use
 * @flags: XENEMU_MEMORY_*
 * @guest_addr: guest physical address
 * @len: bytes
 * @user_addr: where it is mapped here, shared (memfd) if it may be granted
 */
struct xenemu_memory {
	uint32_t slot;
	uint32_t flags;
	uint64_t guest_addr;
	uint64_t len;
	void *user_addr;
};

/**
 * xenemu_vm_create - make a KVM VM a Xen domain
 * @config: copied
 *
 * Return: the VM, or NULL with errno set.
 */
struct xenemu_vm *xenemu_vm_create(const struct xenemu_vm_config *config);

/**
 * xenemu_vm_destroy - end a domain
 * @vm: the VM, with its vCPUs destroyed; may be NULL
 *
 * The memory that was added stays the caller's.
 */
void xenemu_vm_destroy(struct xenemu_vm *vm);

/* The domain fd, for ioctls that the library has no function for. */
int xenemu_vm_fd(const struct xenemu_vm *vm);

/**
 * xenemu_vm_add_memory - give the guest RAM
 * @vm: the VM
 * @memory: the range
 *
 * Makes it a memory slot of KVM and a memory region of xenemu.
 *
 * Return: 0 or a negative errno.
 */
int xenemu_vm_add_memory(struct xenemu_vm *vm, const struct xenemu_memory *memory);

/**
 * xenemu_vm_reserve - keep a range of guest physical addresses without RAM
 * @vm: the VM
 * @guest_addr: first address, page aligned
 * @len: bytes
 *
 * The guest may ask for RAM anywhere; it gets none where this was said, so
 * that it cannot put RAM over a device of the VMM's. The local APIC's page is
 * reserved from the start.
 *
 * Return: 0, -EEXIST for an overlap, -ENOSPC for too many ranges.
 */
int xenemu_vm_reserve(struct xenemu_vm *vm, uint64_t guest_addr, uint64_t len);

/**
 * xenemu_vm_set_memory_map - set what XENMEM_memory_map tells the guest
 * @vm: the VM
 * @map: its ranges, by address
 * @nr: number of them
 *
 * Return: 0 or a negative errno.
 */
int xenemu_vm_set_memory_map(struct xenemu_vm *vm, const struct xenemu_memory_map_entry *map,
			     unsigned int nr);

/**
 * xenemu_vm_set_param - set an HVM parameter with the rights of the toolstack
 * @vm: the VM
 * @index: HVM_PARAM_* of <xen/hvm/params.h>
 * @value: its value
 *
 * xenemu_vm_get_param() reads one.
 *
 * Return: 0 or a negative errno.
 */
int xenemu_vm_set_param(struct xenemu_vm *vm, uint32_t index, uint64_t value);
int xenemu_vm_get_param(struct xenemu_vm *vm, uint32_t index, uint64_t *value);

/**
 * xenemu_vm_alloc_unbound - give the guest an event channel port
 * @vm: the VM
 * @remote_domid: domain that may bind it
 * @port: the guest's port
 *
 * Return: 0 or a negative errno.
 */
int xenemu_vm_alloc_unbound(struct xenemu_vm *vm, uint32_t remote_domid, uint32_t *port);

/**
 * xenemu_vm_seed_grant - grant a page on the guest's behalf
 * @vm: the VM
 * @gref: 0 for the console's ring, 1 for XenStore's; up to 7 are the toolstack's
 * @domid: domain that may map it
 * @gfn: the page
 *
 * Return: 0 or a negative errno.
 */
int xenemu_vm_seed_grant(struct xenemu_vm *vm, uint32_t gref, uint32_t domid, uint64_t gfn);

/**
 * xenemu_vm_send_virq - raise a virtual interrupt
 * @vm: the VM
 * @virq: VIRQ_* of <xen/xen.h>
 * @vcpu_id: vCPU to raise it on; 0 if it is the whole guest's
 *
 * Return: 0, also if the guest has not bound it, or a negative errno.
 */
int xenemu_vm_send_virq(struct xenemu_vm *vm, uint32_t virq, uint32_t vcpu_id);

/**
 * xenemu_vm_reset - XENEMU_DOMAIN_RESET, for a guest that asked for a soft reset
 * @vm: the VM, none of whose vCPUs may be running
 *
 * Per-vCPU upcalls are forgotten as well. Ports must be allocated anew.
 *
 * Return: 0 or a negative errno.
 */
int xenemu_vm_reset(struct xenemu_vm *vm);

/* ---- CPUID ---- */

/**
 * struct xenemu_cpuid - what the Xen leaves of a vCPU say
 * @base: first leaf; 0 means XENEMU_CPUID_BASE
 * @xen_version: as in struct xenemu_vm_config
 * @hypercall_msr: as in struct xenemu_vm_config
 * @domid: the domain
 * @vcpu_id: Xen's number of the vCPU
 * @tsc_khz: frequency of the guest's TSC; 0 leaves it out
 * @upcall_vector: tell the guest that it may have upcalls by a vector of each
 *                 vCPU's local APIC instead of the global callback vector
 */
struct xenemu_cpuid {
	uint32_t base;
	uint32_t xen_version;
	uint32_t hypercall_msr;
	uint32_t domid;
	uint32_t vcpu_id;
	uint32_t tsc_khz;
	bool upcall_vector;
};

/* Leaves that xenemu_cpuid_build() may add. */
#define XENEMU_CPUID_ENTRIES	7

/**
 * xenemu_cpuid_build - make a CPUID table say that the hypervisor is Xen
 * @cpuid: the table, as KVM_GET_SUPPORTED_CPUID filled it in
 * @capacity: entries that fit in @cpuid
 * @config: what the leaves say
 *
 * Takes the leaves of other hypervisors (0x40000000 to 0x4fffffff) out, puts
 * Xen's in, and sets the bit that says that there is a hypervisor.
 *
 * Return: 0, or -ENOSPC if @capacity does not do.
 */
int xenemu_cpuid_build(struct kvm_cpuid2 *cpuid, unsigned int capacity,
		       const struct xenemu_cpuid *config);

/* ---- vCPU ---- */

/**
 * struct xenemu_run_ops - what a VMM does about the exits of a vCPU
 * @kvm_exit: KVM_RUN returned for a reason of KVM's, see struct kvm_run. Needed
 * @interrupted: a signal came. Needed
 * @shutdown: the guest asked for SHUTDOWN_*. If the loop goes on, @answer (0
 *            unless changed) is what the guest is told: 1 that its suspension
 *            was cancelled, or a negative errno. Needed
 * @console: text of HYPERVISOR_console_io. NULL drops it
 * @back_gfn: put RAM at @nr frames from @gfn; 0 or a negative errno for the
 *            guest. NULL lets the library do it
 * @release_gfns: free these frames. NULL lets the library do it
 * @upcall_vector: route an eventfd to vector @vector of vCPU @vcpu_id and hand
 *                 it over with XENEMU_VCPU_SET_UPCALL; 0 takes the route away.
 *                 0 or a negative errno for the guest. NULL lets the library do
 *                 it
 *
 * All are called in the vCPU's thread with the argument of xenemu_cpu_run().
 * The first three return 0 to go on. Anything else ends the loop.
 */
struct xenemu_run_ops {
	int (*kvm_exit)(struct xenemu_cpu *cpu, struct kvm_run *run, void *arg);
	int (*interrupted)(struct xenemu_cpu *cpu, void *arg);
	int (*shutdown)(struct xenemu_cpu *cpu, uint32_t reason, int *answer, void *arg);
	void (*console)(struct xenemu_cpu *cpu, const char *text, size_t len, void *arg);
	int (*back_gfn)(struct xenemu_cpu *cpu, uint64_t gfn, uint64_t nr, void *arg);
	void (*release_gfns)(struct xenemu_cpu *cpu, const uint64_t *gfns, uint32_t nr, void *arg);
	int (*upcall_vector)(struct xenemu_cpu *cpu, uint32_t vcpu_id, uint32_t vector, void *arg);
};

/**
 * xenemu_cpu_create - make a KVM vCPU a vCPU of the domain
 * @vm: the VM
 * @kvm_fd: the KVM vCPU. Stays the caller's and must outlive the vCPU
 * @run: its struct kvm_run, mapped by the caller for as long
 * @vcpu_id: Xen's number of it, from 0
 * @apic_id: KVM's number of it
 *
 * Return: the vCPU, or NULL with errno set.
 */
struct xenemu_cpu *xenemu_cpu_create(struct xenemu_vm *vm, int kvm_fd, struct kvm_run *run,
				     uint32_t vcpu_id, uint32_t apic_id);

/* End a vCPU, which must not be running. @cpu may be NULL. */
void xenemu_cpu_destroy(struct xenemu_cpu *cpu);

/* The vCPU fd, and Xen's number of the vCPU. */
int xenemu_cpu_fd(const struct xenemu_cpu *cpu);
uint32_t xenemu_cpu_id(const struct xenemu_cpu *cpu);

/**
 * xenemu_cpu_run - run a vCPU in the calling thread
 * @cpu: the vCPU
 * @ops: what to do about its exits
 * @arg: for the callbacks
 *
 * To have @ops->interrupted called, send the thread a signal whose handler sets
 * immediate_exit in struct kvm_run; a signal without that can come between two
 * system calls and be lost.
 *
 * Return: what a callback returned to end the loop, or a negative errno.
 */
int xenemu_cpu_run(struct xenemu_cpu *cpu, const struct xenemu_run_ops *ops, void *arg);

#endif /* LIBXENEMU_H */
