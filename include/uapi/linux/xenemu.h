/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * xenemu: a Xen host for KVM guests.
 *
 * Everything is a file descriptor. Opening /dev/xenemu makes a new, empty Xen
 * host; the ioctls below make domains, vCPUs and backend connections from it.
 */
#ifndef _UAPI_LINUX_XENEMU_H
#define _UAPI_LINUX_XENEMU_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define XENEMU_TYPE 0xB9

/**
 * DOC: General ioctl format
 *
 * Each ioctl takes a structure whose first member is its size, as the caller
 * knows it. A shorter structure than the kernel's is filled with zeros, a
 * longer one is accepted if the bytes that the kernel does not know are zero.
 * Zero in any member always has the behaviour of a kernel without that member.
 *
 * The errors have one meaning everywhere:
 *
 *  - ENOTTY: this file descriptor has no such ioctl.
 *  - E2BIG: the structure has non-zero bytes that this kernel does not know,
 *    or is longer than a page.
 *  - EINVAL: the structure is too short, a reserved member is not zero, or the
 *    arguments are understood and wrong.
 *  - EOPNOTSUPP: a known member has a value or a flag that is not supported.
 *  - EFAULT: a pointer is bad.
 *  - EBADF: a member that names a file descriptor names none.
 *  - ENOENT: there is no such domain, vCPU, port or region.
 *  - EEXIST: it exists already.
 *  - ENOSPC: a limit of the host or domain is reached.
 *  - EBADMSG: a saved state is none; where and why is returned.
 *  - ESTALE: a saved difference is one to another state.
 *  - EBUSY: it is in use.
 *  - EMSGSIZE: an array or buffer is too small; the size needed is returned.
 *  - ENOMEM: out of memory.
 *  - EOVERFLOW: an address range wraps or exceeds what the guest can address.
 *  - ENODEV: the object is being torn down, or belongs to another process.
 *  - EINTR: a signal is pending; nothing is lost, make the call again.
 *
 * Calls that fail change nothing. Calls that make an object return a new file
 * descriptor, which is always close-on-exec; all others return 0.
 */
enum {
	XENEMU_CMD_QUERY = 0x00,
	XENEMU_CMD_HOST_CREATE_DOMAIN = 0x01,
	XENEMU_CMD_HOST_OPEN_STORE = 0x02,
	XENEMU_CMD_HOST_OPEN_EVTCHN = 0x03,
	XENEMU_CMD_HOST_OPEN_GNTTAB = 0x04,
	XENEMU_CMD_HOST_SAVE_STORE = 0x05,
	XENEMU_CMD_HOST_RESTORE_STORE = 0x06,
	XENEMU_CMD_HOST_PAUSE_STORE = 0x07,

	XENEMU_CMD_DOMAIN_SET_MEMORY = 0x20,
	XENEMU_CMD_DOMAIN_SET_MEMORY_MAP = 0x21,
	XENEMU_CMD_DOMAIN_CREATE_VCPU = 0x22,
	XENEMU_CMD_DOMAIN_SET_PARAM = 0x23,
	XENEMU_CMD_DOMAIN_GET_PARAM = 0x24,
	XENEMU_CMD_DOMAIN_ALLOC_UNBOUND = 0x25,
	XENEMU_CMD_DOMAIN_SEED_GRANT = 0x26,
	XENEMU_CMD_DOMAIN_SEND_VIRQ = 0x27,
	XENEMU_CMD_DOMAIN_RESET = 0x28,
	XENEMU_CMD_DOMAIN_ADD_EVENTFD = 0x29,

	XENEMU_CMD_VCPU_RUN = 0x40,
	XENEMU_CMD_VCPU_HYPERCALL = 0x41,
	XENEMU_CMD_VCPU_SET_UPCALL = 0x42,
	XENEMU_CMD_VCPU_SYNC = 0x43,

	XENEMU_CMD_STORE_REQUEST = 0x60,
	XENEMU_CMD_STORE_GET_CONNECTION = 0x61,
};

/* ---------------------------------------------------------------------- */
/* /dev/xenemu: the host                                                   */

/**
 * struct xenemu_query - ioctl(XENEMU_QUERY), on every xenemu fd but evtchn and gnttab
 * @size: sizeof(struct xenemu_query)
 * @flags: Must be 0
 * @out_features: XENEMU_FEATURE_*
 * @out_max_vcpus: vCPUs of a domain
 * @out_max_regions: memory regions of a domain
 * @out_max_domains: domains of a host
 * @out_max_evtchn_ports: event channel ports of a 64-bit domain
 * @out_max_grant_frames: largest grant table of a domain, in frames of 4 KiB
 * @out_vcpu_run_size: bytes to mmap() from a vCPU fd
 * @out_domain_flags: flags that XENEMU_HOST_CREATE_DOMAIN knows
 * @out_memory_flags: flags that XENEMU_DOMAIN_SET_MEMORY knows
 *
 * Say what this kernel can do. Never sleeps long; no error but those of the
 * general format.
 */
struct xenemu_query {
	__u32 size;
	__u32 flags;
	__aligned_u64 out_features;
	__u32 out_max_vcpus;
	__u32 out_max_regions;
	__u32 out_max_domains;
	__u32 out_max_evtchn_ports;
	__u32 out_max_grant_frames;
	__u32 out_vcpu_run_size;
	__u32 out_domain_flags;
	__u32 out_memory_flags;
};

/* The kernel was built with CONFIG_KVM_XEN: domains can be made. */
#define XENEMU_FEATURE_KVM_XEN		(1ULL << 0)
/* 2-level event channels. */
#define XENEMU_FEATURE_EVTCHN_2L	(1ULL << 1)
/* Version 1 grant tables. */
#define XENEMU_FEATURE_GNTTAB_V1	(1ULL << 2)
/* XenStore, with store fds. */
#define XENEMU_FEATURE_STORE		(1ULL << 3)
/* Saving and restoring the XenStore. */
#define XENEMU_FEATURE_STORE_STATE	(1ULL << 4)

#define XENEMU_QUERY _IO(XENEMU_TYPE, XENEMU_CMD_QUERY)

/**
 * struct xenemu_host_create_domain - ioctl(XENEMU_HOST_CREATE_DOMAIN) on a host fd
 * @size: sizeof(struct xenemu_host_create_domain)
 * @flags: Must be 0
 * @kvm_fd: VM fd of KVM, owned by the calling process. It must have an
 *          in-kernel local APIC and no Xen configuration of its own yet
 * @domid: 1 to 0x7fef, unique in the host
 * @hypercall_msr: number of the MSR that fills the hypercall page; 0 means
 *                 0x40000000. Must be what the VMM tells the guest by CPUID
 * @xen_version: what XENVER_version returns, major << 16 | minor; 0 means 4.17
 * @max_grant_frames: most grant frames the guest may map; 0 means 64
 * @max_evtchn_port: highest port the guest may have; 0 means what the ABI allows
 * @max_pages: what XENMEM_maximum_reservation says; 0 means no limit
 * @handle: the domain's UUID, for XENVER_guest_handle
 *
 * Make a domain of a KVM VM and configure Xen for it in KVM.
 *
 * Return: a domain fd. EOPNOTSUPP if KVM lacks what xenemu needs (a kernel
 * without CONFIG_KVM_XEN), EEXIST for a domid in use, EINVAL if @kvm_fd is not
 * a KVM VM, ENODEV if it is the VM of another process, ENOSPC for too many
 * domains, EBUSY if a domain has been made of this VM already.
 */
struct xenemu_host_create_domain {
	__u32 size;
	__u32 flags;
	__s32 kvm_fd;
	__u32 domid;
	__u32 hypercall_msr;
	__u32 xen_version;
	__u32 max_grant_frames;
	__u32 max_evtchn_port;
	__aligned_u64 max_pages;
	__u8 handle[16];
};

#define XENEMU_HOST_CREATE_DOMAIN _IO(XENEMU_TYPE, XENEMU_CMD_HOST_CREATE_DOMAIN)

/**
 * struct xenemu_host_open - ioctls that open a backend connection on a host fd
 * @size: sizeof(struct xenemu_host_open)
 * @flags: Must be 0
 * @domid: domain to act as. 0 is dom0, which always exists and is privileged
 * @connection: for XENEMU_HOST_OPEN_STORE, 0 for a new connection, or the number of one
 *              that was restored: see XENEMU_STORE_GET_CONNECTION. Must be 0 for the
 *              others
 *
 * XENEMU_HOST_OPEN_STORE makes a XenStore connection that speaks the XenStore
 * wire protocol with read(), write() and poll(), and XENEMU_STORE_REQUEST.
 * XENEMU_HOST_OPEN_EVTCHN makes an event channel end point with the interface
 * of <xen/evtchn.h>. XENEMU_HOST_OPEN_GNTTAB makes a mapper of grants with the
 * interface of <xen/gntdev.h>.
 *
 * Return: the new fd. ENOENT for a domain that does not exist, and for a connection that
 * does not wait for an fd of that domain.
 */
struct xenemu_host_open {
	__u32 size;
	__u32 flags;
	__u32 domid;
	__u32 connection;
};

#define XENEMU_HOST_OPEN_STORE _IO(XENEMU_TYPE, XENEMU_CMD_HOST_OPEN_STORE)
#define XENEMU_HOST_OPEN_EVTCHN _IO(XENEMU_TYPE, XENEMU_CMD_HOST_OPEN_EVTCHN)
#define XENEMU_HOST_OPEN_GNTTAB _IO(XENEMU_TYPE, XENEMU_CMD_HOST_OPEN_GNTTAB)

/* What XENEMU_HOST_SAVE_STORE writes. XENEMU_HOST_RESTORE_STORE reads them all. */

/* xenemu's own: everything, in few bytes. */
#define XENEMU_STORE_FORMAT_COMPACT	0
/* Xen's, for tools of Xen up to 4.20. */
#define XENEMU_STORE_FORMAT_XEN_V1	1
/* Xen's, with the depth of watches and the features of domains. */
#define XENEMU_STORE_FORMAT_XEN_V2	2

/**
 * struct xenemu_host_save_store - ioctl(XENEMU_HOST_SAVE_STORE) on a host fd
 * @size: sizeof(struct xenemu_host_save_store)
 * @flags: XENEMU_SAVE_*
 * @format: XENEMU_STORE_FORMAT_*
 * @__reserved: Must be 0
 * @since: 0, or the @out_generation of the last call with XENEMU_SAVE_TRACK: then
 *         only what is different since is saved
 * @buf: where to put the stream
 * @len: in: room at @buf. out: length of the stream
 * @out_generation: which state of the XenStore it holds
 *
 * Save the host's XenStore: nodes with their permissions, domains with their limits
 * and features, and connections with watches, transactions, half-read requests and
 * unread replies and events. It is the state of one moment, while requests go on
 * before and after. A VMM that will restore a guest from it stops the guest first
 * and calls XENEMU_HOST_PAUSE_STORE, so that the guest's ring pages stay as they are.
 *
 * A long tree can be sent ahead: save with XENEMU_SAVE_TRACK while the guest runs,
 * then again and again with @since, at last with the guest stopped. What is restored
 * in the same order is what was saved last.
 *
 * Errors: EMSGSIZE if the stream is longer than @len, which then is the length needed
 * just now; ESTALE if @since is not what the last call with XENEMU_SAVE_TRACK
 * returned; EOPNOTSUPP for an unknown format, and for @since or XENEMU_SAVE_TRACK with
 * another than XENEMU_STORE_FORMAT_COMPACT.
 */
struct xenemu_host_save_store {
	__u32 size;
	__u32 flags;
	__u32 format;
	__u32 __reserved;
	__aligned_u64 since;
	__aligned_u64 buf;
	__aligned_u64 len;
	__aligned_u64 out_generation;
};

/*
 * Remember what was saved, so that the next call can save the difference. There is one
 * such memory; it costs what has changed since. A call with @since and without this
 * flag ends it.
 */
#define XENEMU_SAVE_TRACK		(1U << 0)

#define XENEMU_HOST_SAVE_STORE _IO(XENEMU_TYPE, XENEMU_CMD_HOST_SAVE_STORE)

/* Why XENEMU_HOST_RESTORE_STORE refused a stream. */

/* It does not begin as any stream. */
#define XENEMU_RESTORE_BAD_HEADER	1
/* Its version, byte order or flags are unknown. */
#define XENEMU_RESTORE_BAD_VERSION	2
/* It ends before it is complete. */
#define XENEMU_RESTORE_BAD_END		3
/* It goes on behind its end. */
#define XENEMU_RESTORE_BAD_TRAILER	4
/* A length or count does not fit into its record. */
#define XENEMU_RESTORE_BAD_LENGTH	5
/* A path or a name is none. */
#define XENEMU_RESTORE_BAD_PATH		6
/* A node's parent is not there. */
#define XENEMU_RESTORE_BAD_PARENT	7
/* Permissions are none. */
#define XENEMU_RESTORE_BAD_PERMS	8
/* A value is too long. */
#define XENEMU_RESTORE_BAD_VALUE	9
/* A domain's number is none, or is there twice, or not at all. */
#define XENEMU_RESTORE_BAD_DOMAIN	10
/* The same for a connection, or it is of an unknown kind. */
#define XENEMU_RESTORE_BAD_CONNECTION	11
/* A watch is there twice, or its token is none. */
#define XENEMU_RESTORE_BAD_WATCH	12
/* A transaction's number is none, or is there twice, or not at all. */
#define XENEMU_RESTORE_BAD_TRANSACTION	13
/* What a connection has not read are no messages, or too many. */
#define XENEMU_RESTORE_BAD_MESSAGE	14
/* A reference to something before it leads nowhere. */
#define XENEMU_RESTORE_BAD_REFERENCE	15

/**
 * struct xenemu_host_restore_store - ioctl(XENEMU_HOST_RESTORE_STORE) on a host fd
 * @size: sizeof(struct xenemu_host_restore_store)
 * @flags: XENEMU_RESTORE_*
 * @buf: the stream
 * @len: its length
 * @out_reason: XENEMU_RESTORE_BAD_*; 0 if the stream is not to blame
 * @out_type: type of the record that is wrong, as the format numbers them
 * @out_record: its number in the stream, from 0
 * @out_offset: where in the stream it begins
 *
 * Restore a XenStore, wholly or not at all, into a host whose own has never been used:
 * without nodes, connections and introduced domains. Domains may have been made or be
 * made thereafter, in any order.
 *
 * Restored connections wait, with all they had. That of a guest's ring goes on when the
 * domain is introduced (XS_INTRODUCE), without a reset and without @introduceDomain:
 * the guest does not notice. That of a store fd goes on in the fd that
 * XENEMU_HOST_OPEN_STORE opens for it, see struct xenemu_host_open.
 *
 * A difference can be restored if nothing has happened since that was restored which
 * it is a difference to.
 *
 * Errors: E2BIG for a stream of more than 1 GiB; EBADMSG for a bad stream, EOPNOTSUPP
 * for one of an unknown version, both with @out_reason and what follows it; EBUSY if the
 * XenStore is in use; ESTALE if it is not what the stream is a difference to.
 */
struct xenemu_host_restore_store {
	__u32 size;
	__u32 flags;
	__aligned_u64 buf;
	__aligned_u64 len;
	__u32 out_reason;
	__u32 out_type;
	__aligned_u64 out_record;
	__aligned_u64 out_offset;
};

/* Leave the connections of store fds out. */
#define XENEMU_RESTORE_NO_FDS		(1U << 0)

#define XENEMU_HOST_RESTORE_STORE _IO(XENEMU_TYPE, XENEMU_CMD_HOST_RESTORE_STORE)

/**
 * struct xenemu_host_pause_store - ioctl(XENEMU_HOST_PAUSE_STORE) on a host fd
 * @size: sizeof(struct xenemu_host_pause_store)
 * @flags: Must be 0
 * @paused: 1 or 0
 * @__reserved: Must be 0
 *
 * Stop or go on serving the rings of guests. When the call returns with @paused, none
 * is touched any more, whatever is in it: so ring pages belong to what
 * XENEMU_HOST_SAVE_STORE saves thereafter. Store fds go on.
 */
struct xenemu_host_pause_store {
	__u32 size;
	__u32 flags;
	__u32 paused;
	__u32 __reserved;
};

#define XENEMU_HOST_PAUSE_STORE _IO(XENEMU_TYPE, XENEMU_CMD_HOST_PAUSE_STORE)

/* ---------------------------------------------------------------------- */
/* Domain fd                                                               */

/**
 * struct xenemu_domain_set_memory - ioctl(XENEMU_DOMAIN_SET_MEMORY)
 * @size: sizeof(struct xenemu_domain_set_memory)
 * @flags: XENEMU_MEMORY_*
 * @guest_addr: guest physical address of the region, page aligned
 * @len: bytes, a multiple of the page size; 0 removes the region that starts
 *       at @guest_addr
 * @user_addr: where the same memory is in the calling process, page aligned;
 *             must be 0 when @len is 0
 *
 * Tell xenemu about RAM that the VMM gave KVM as a memory slot. Memory that
 * may be granted should be a shared mapping (memfd). A backend can use granted
 * pages for direct I/O if it is of a memfd that was sealed, after it was mapped,
 * with F_SEAL_SHRINK and F_SEAL_FUTURE_WRITE; else direct I/O is EFAULT there.
 * Pages that xenemu uses already (shared_info, grant frames, mapped grants) stay
 * pinned when their region goes.
 *
 * Errors: EINVAL for a misaligned address or an overlap with another region,
 * EOVERFLOW for a range that wraps or passes 2^52, ENOENT when there is no
 * region to remove, ENOSPC for too many regions, ENODEV from a process that
 * does not own the VM.
 */
struct xenemu_domain_set_memory {
	__u32 size;
	__u32 flags;
	__aligned_u64 guest_addr;
	__aligned_u64 len;
	__aligned_u64 user_addr;
};

/* The guest cannot write here (ROM). Hypercalls and grants will not either. */
#define XENEMU_MEMORY_READONLY	(1U << 0)

#define XENEMU_DOMAIN_SET_MEMORY _IO(XENEMU_TYPE, XENEMU_CMD_DOMAIN_SET_MEMORY)

/**
 * struct xenemu_memory_map_entry - one range of the guest's memory map
 * @addr: guest physical address
 * @len: bytes
 * @type: type of the range as in an E820 table (1 RAM, 2 reserved, 3 ACPI, 4 NVS)
 * @__reserved: Must be 0
 */
struct xenemu_memory_map_entry {
	__aligned_u64 addr;
	__aligned_u64 len;
	__u32 type;
	__u32 __reserved;
};

/**
 * struct xenemu_domain_set_memory_map - ioctl(XENEMU_DOMAIN_SET_MEMORY_MAP)
 * @size: sizeof(struct xenemu_domain_set_memory_map)
 * @flags: Must be 0
 * @entries: pointer to an array of struct xenemu_memory_map_entry
 * @nr_entries: number of them, at most 128
 * @__reserved: Must be 0
 *
 * Set what XENMEM_memory_map tells the guest. Replaces an earlier map.
 */
struct xenemu_domain_set_memory_map {
	__u32 size;
	__u32 flags;
	__aligned_u64 entries;
	__u32 nr_entries;
	__u32 __reserved;
};

#define XENEMU_DOMAIN_SET_MEMORY_MAP _IO(XENEMU_TYPE, XENEMU_CMD_DOMAIN_SET_MEMORY_MAP)

/**
 * struct xenemu_domain_create_vcpu - ioctl(XENEMU_DOMAIN_CREATE_VCPU)
 * @size: sizeof(struct xenemu_domain_create_vcpu)
 * @flags: Must be 0
 * @kvm_fd: vCPU fd of the domain's VM
 * @vcpu_id: Xen's number of the vCPU, from 0, unique in the domain
 * @apic_id: KVM's number of the same vCPU (the argument of KVM_CREATE_VCPU)
 * @__reserved: Must be 0
 * @kvm_run: where the caller has mmap()ed KVM's struct kvm_run of this vCPU
 *
 * Return: a vCPU fd. mmap() @out_vcpu_run_size bytes of it at offset 0, shared,
 * before its first use. EEXIST for a number in use, ENOSPC past the limit.
 */
struct xenemu_domain_create_vcpu {
	__u32 size;
	__u32 flags;
	__s32 kvm_fd;
	__u32 vcpu_id;
	__u32 apic_id;
	__u32 __reserved;
	__aligned_u64 kvm_run;
};

#define XENEMU_DOMAIN_CREATE_VCPU _IO(XENEMU_TYPE, XENEMU_CMD_DOMAIN_CREATE_VCPU)

/**
 * struct xenemu_domain_param - ioctl(XENEMU_DOMAIN_SET_PARAM, XENEMU_DOMAIN_GET_PARAM)
 * @size: sizeof(struct xenemu_domain_param)
 * @flags: Must be 0
 * @index: HVM_PARAM_*
 * @__reserved: Must be 0
 * @value: the value; written by XENEMU_DOMAIN_GET_PARAM
 *
 * Set and get an HVM parameter with the rights of the toolstack. Setting
 * HVM_PARAM_CALLBACK_IRQ this way is EOPNOTSUPP: the guest does that.
 */
struct xenemu_domain_param {
	__u32 size;
	__u32 flags;
	__u32 index;
	__u32 __reserved;
	__aligned_u64 value;
};

#define XENEMU_DOMAIN_SET_PARAM _IO(XENEMU_TYPE, XENEMU_CMD_DOMAIN_SET_PARAM)
#define XENEMU_DOMAIN_GET_PARAM _IO(XENEMU_TYPE, XENEMU_CMD_DOMAIN_GET_PARAM)

/**
 * struct xenemu_domain_alloc_unbound - ioctl(XENEMU_DOMAIN_ALLOC_UNBOUND)
 * @size: sizeof(struct xenemu_domain_alloc_unbound)
 * @flags: Must be 0
 * @remote_domid: domain that may bind the port
 * @out_port: the new port of this domain
 *
 * What a toolstack does for a guest before it boots, for its XenStore and
 * console ports. ENOSPC when the domain has no free port.
 */
struct xenemu_domain_alloc_unbound {
	__u32 size;
	__u32 flags;
	__u32 remote_domid;
	__u32 out_port;
};

#define XENEMU_DOMAIN_ALLOC_UNBOUND _IO(XENEMU_TYPE, XENEMU_CMD_DOMAIN_ALLOC_UNBOUND)

/**
 * struct xenemu_domain_seed_grant - ioctl(XENEMU_DOMAIN_SEED_GRANT)
 * @size: sizeof(struct xenemu_domain_seed_grant)
 * @flags: Must be 0
 * @gref: 0 to 7, the entries reserved for the toolstack
 * @domid: domain the page is granted to
 * @gfn: the page
 *
 * Write a grant entry (permit_access, writable) on the guest's behalf, as a
 * domain builder does for the console (0) and XenStore (1) rings.
 */
struct xenemu_domain_seed_grant {
	__u32 size;
	__u32 flags;
	__u32 gref;
	__u32 domid;
	__aligned_u64 gfn;
};

#define XENEMU_DOMAIN_SEED_GRANT _IO(XENEMU_TYPE, XENEMU_CMD_DOMAIN_SEED_GRANT)

/**
 * struct xenemu_domain_send_virq - ioctl(XENEMU_DOMAIN_SEND_VIRQ)
 * @size: sizeof(struct xenemu_domain_send_virq)
 * @flags: Must be 0
 * @virq: VIRQ_DEBUG, VIRQ_CONSOLE, ... but not VIRQ_TIMER
 * @vcpu_id: vCPU to raise it on; must be 0 for a VIRQ that is not per-vCPU
 *
 * Raise a virtual interrupt. Without effect, and no error, if the guest has
 * not bound it.
 */
struct xenemu_domain_send_virq {
	__u32 size;
	__u32 flags;
	__u32 virq;
	__u32 vcpu_id;
};

#define XENEMU_DOMAIN_SEND_VIRQ _IO(XENEMU_TYPE, XENEMU_CMD_DOMAIN_SEND_VIRQ)

/**
 * struct xenemu_domain_reset - ioctl(XENEMU_DOMAIN_RESET)
 * @size: sizeof(struct xenemu_domain_reset)
 * @flags: Must be 0
 *
 * Take the domain back to what it was before its guest ran, as after
 * SHUTDOWN_soft_reset: all its ports are closed, its grant table is empty but
 * for seeded entries, shared_info and vcpu_info are unregistered. Memory
 * regions, parameters set by the toolstack and vCPUs stay. No vCPU of the
 * domain may be in XENEMU_VCPU_RUN: EBUSY.
 */
struct xenemu_domain_reset {
	__u32 size;
	__u32 flags;
};

#define XENEMU_DOMAIN_RESET _IO(XENEMU_TYPE, XENEMU_CMD_DOMAIN_RESET)

/**
 * struct xenemu_domain_add_eventfd - ioctl(XENEMU_DOMAIN_ADD_EVENTFD)
 * @size: sizeof(struct xenemu_domain_add_eventfd)
 * @flags: Must be 0
 * @eventfd: an eventfd that nobody else uses; the caller may close it
 * @__reserved: Must be 0
 *
 * Make events that the guest sends cheaper, at no change in what they do. With an
 * eventfd, KVM takes the events of one port by itself, and XENEMU_VCPU_RUN does not
 * have to leave KVM for them. Ports that the guest sends from get the eventfds that
 * are left, until they are closed; further ports work as without. One for each
 * backend, and one for XenStore, is enough. ENOSPC past 64 eventfds.
 */
struct xenemu_domain_add_eventfd {
	__u32 size;
	__u32 flags;
	__s32 eventfd;
	__u32 __reserved;
};

#define XENEMU_DOMAIN_ADD_EVENTFD _IO(XENEMU_TYPE, XENEMU_CMD_DOMAIN_ADD_EVENTFD)

/* ---------------------------------------------------------------------- */
/* vCPU fd                                                                 */

/* Why XENEMU_VCPU_RUN or XENEMU_VCPU_HYPERCALL returned 0. */

/* For a reason of KVM's: see struct kvm_run. */
#define XENEMU_EXIT_KVM			0
/*
 * The guest gave Xen a frame number where no RAM is. The VMM puts RAM at
 * @back.gfn (KVM_SET_USER_MEMORY_REGION, XENEMU_DOMAIN_SET_MEMORY) and calls
 * again; if it will not, it calls again with a negative errno in @answer.
 */
#define XENEMU_EXIT_BACK_GFN		1
/* SCHEDOP_shutdown or the watchdog: @shutdown.reason is SHUTDOWN_*. */
#define XENEMU_EXIT_SHUTDOWN		2
/*
 * HVMOP_set_evtchn_upcall_vector: the VMM routes an eventfd to
 * @upcall.vector of vCPU @upcall.vcpu_id (MSI route and KVM_IRQFD), hands it
 * over with XENEMU_VCPU_SET_UPCALL, and calls again; or, if it cannot, calls
 * again with a negative errno in @answer.
 */
#define XENEMU_EXIT_UPCALL_VECTOR	3
/*
 * The guest gave up (XENMEM_decrease_reservation) the @release.nr pages whose
 * numbers are in @gfn. The VMM may free them. Contents are lost.
 */
#define XENEMU_EXIT_RELEASE_GFNS	4
/* HYPERVISOR_console_io: @console.len bytes of @bytes are for the VMM's log. */
#define XENEMU_EXIT_CONSOLE		5

#define XENEMU_RUN_DATA_SIZE		2048

/**
 * struct xenemu_vcpu_run - what a VMM and xenemu share of a vCPU, by mmap()
 * @exit_reason: XENEMU_EXIT_*, written before the call returns 0
 * @answer: written by the VMM before it calls again: 0, or a negative errno
 *          that refuses what the exit asked for, or 1 after SHUTDOWN_suspend
 *          to tell the guest that the suspension was cancelled. The kernel
 *          sets it to 0 with each exit
 * @back: for XENEMU_EXIT_BACK_GFN
 * @back.gfn: first frame that needs RAM
 * @back.nr: number of frames, 1 to 512
 * @shutdown: for XENEMU_EXIT_SHUTDOWN
 * @shutdown.reason: SHUTDOWN_*
 * @shutdown.__reserved: 0
 * @upcall: for XENEMU_EXIT_UPCALL_VECTOR
 * @upcall.vcpu_id: Xen's number of the vCPU
 * @upcall.vector: 0x10 to 0xff; 0 takes the route away
 * @release: for XENEMU_EXIT_RELEASE_GFNS
 * @release.nr: number of frames in @gfn
 * @release.__reserved: 0
 * @console: for XENEMU_EXIT_CONSOLE
 * @console.len: number of bytes in @bytes
 * @console.__reserved: 0
 * @__exit_space: room for more exits
 * @gfn: array for exits that have one
 * @bytes: array for exits that have one
 * @__scratch: the kernel's, never to be touched by the VMM
 */
struct xenemu_vcpu_run {
	__u32 exit_reason;
	__s32 answer;
	union {
		struct {
			__aligned_u64 gfn;
			__aligned_u64 nr;
		} back;
		struct {
			__u32 reason;
			__u32 __reserved;
		} shutdown;
		struct {
			__u32 vcpu_id;
			__u32 vector;
		} upcall;
		struct {
			__u32 nr;
			__u32 __reserved;
		} release;
		struct {
			__u32 len;
			__u32 __reserved;
		} console;
		__aligned_u64 __exit_space[31];
	};
	union {
		__aligned_u64 gfn[XENEMU_RUN_DATA_SIZE / 8];
		__u8 bytes[XENEMU_RUN_DATA_SIZE];
	};
	__aligned_u64 __scratch[224];
};

/**
 * struct xenemu_vcpu_run_arg - ioctl(XENEMU_VCPU_RUN) on a vCPU fd
 * @size: sizeof(struct xenemu_vcpu_run_arg)
 * @flags: Must be 0
 *
 * Run the vCPU in the calling thread: KVM_RUN in a loop, with every hypercall
 * answered in the kernel. Returns 0 with an exit reason for what only the VMM
 * can do. Errors are those of KVM_RUN, EINTR for a signal among them, and
 * EINVAL before the vCPU fd has been mapped, EBUSY if another thread runs it.
 */
struct xenemu_vcpu_run_arg {
	__u32 size;
	__u32 flags;
};

#define XENEMU_VCPU_RUN _IO(XENEMU_TYPE, XENEMU_CMD_VCPU_RUN)

/**
 * struct xenemu_vcpu_hypercall - ioctl(XENEMU_VCPU_HYPERCALL) on a vCPU fd
 * @size: sizeof(struct xenemu_vcpu_hypercall)
 * @flags: Must be 0
 * @longmode: as in struct kvm_xen_exit
 * @cpl: as in struct kvm_xen_exit
 * @input: number of the hypercall
 * @params: its arguments
 * @out_result: what the guest is to find in rax
 *
 * Answer one hypercall for a VMM that calls KVM_RUN itself and got
 * KVM_EXIT_XEN. Must be called by the thread that runs the vCPU, between two
 * calls of KVM_RUN. Such a VMM calls XENEMU_VCPU_SYNC before the first KVM_RUN
 * and whenever KVM_RUN fails with EINTR. If it returns 0 with an exit reason other than
 * XENEMU_EXIT_KVM, the VMM does what the exit asks for and makes the same call
 * again; @out_result is valid when the exit reason is XENEMU_EXIT_KVM.
 */
struct xenemu_vcpu_hypercall {
	__u32 size;
	__u32 flags;
	__u32 longmode;
	__u32 cpl;
	__aligned_u64 input;
	__aligned_u64 params[6];
	__aligned_u64 out_result;
};

#define XENEMU_VCPU_HYPERCALL _IO(XENEMU_TYPE, XENEMU_CMD_VCPU_HYPERCALL)

/**
 * struct xenemu_vcpu_set_upcall - ioctl(XENEMU_VCPU_SET_UPCALL) on a vCPU fd
 * @size: sizeof(struct xenemu_vcpu_set_upcall)
 * @flags: Must be 0
 * @eventfd: signalled for each upcall; -1 takes it away
 * @__reserved: Must be 0
 *
 * The answer to XENEMU_EXIT_UPCALL_VECTOR.
 */
struct xenemu_vcpu_set_upcall {
	__u32 size;
	__u32 flags;
	__s32 eventfd;
	__u32 __reserved;
};

#define XENEMU_VCPU_SET_UPCALL _IO(XENEMU_TYPE, XENEMU_CMD_VCPU_SET_UPCALL)

/**
 * struct xenemu_vcpu_sync - ioctl(XENEMU_VCPU_SYNC) on a vCPU fd
 * @size: sizeof(struct xenemu_vcpu_sync)
 * @flags: Must be 0
 *
 * Tell KVM what hypercalls of other vCPUs changed of this one, in the thread
 * that runs it. XENEMU_VCPU_RUN does this by itself; only a VMM that calls
 * KVM_RUN itself needs it. EINVAL before the vCPU fd has been mapped, EBUSY if
 * another thread runs the vCPU. ENOMEM or EFAULT if KVM could not be told all; call
 * again.
 */
struct xenemu_vcpu_sync {
	__u32 size;
	__u32 flags;
};

#define XENEMU_VCPU_SYNC _IO(XENEMU_TYPE, XENEMU_CMD_VCPU_SYNC)

/* ---------------------------------------------------------------------- */
/* Store fd                                                                */

/**
 * DOC: Store fd
 *
 * A XenStore connection. write() takes requests of the XenStore wire protocol in
 * any pieces; read() returns replies and watch events as a stream of bytes and
 * waits for the first; poll() tells when either makes progress. A client that
 * leaves its replies unread is made to wait by write(), or told EAGAIN or a short
 * count if the fd is non-blocking. Duplicates of the fd are the same connection.
 * Its watches and transactions end with the last of them.
 *
 * After a message with a length above 4096 the connection is dead, and every call
 * fails with EPROTO. When the domain that it acts for is gone, every call fails
 * with ENODEV, even if there is a new domain with the same number. poll() says
 * POLLERR and POLLHUP in both cases.
 */

/**
 * struct xenemu_store_request - ioctl(XENEMU_STORE_REQUEST) on a store fd
 * @size: sizeof(struct xenemu_store_request)
 * @flags: Must be 0
 * @type: XS_READ, XS_WRITE, ... of the XenStore wire protocol
 * @tx_id: transaction, or 0
 * @req: pointer to the payload of the request
 * @req_len: its length, at most 4096
 * @reply_len: in: room at @reply. out: length of the reply's payload
 * @reply: pointer to a buffer for the payload of the reply
 * @out_type: type of the reply: @type, or XS_ERROR with the error's name as
 *            payload
 * @__reserved: Must be 0
 *
 * One request, answered at once, past the queue of write() and read(). Watch
 * events are read with read(). A reply that does not fit is EMSGSIZE with the
 * length needed in @reply_len; the request has then been carried out unless it
 * only reads, so give 4096 bytes of room to requests that change something. It has
 * been carried out as well if @reply or the structure cannot be written: EFAULT.
 * EAGAIN if the request would have to wait and the fd is non-blocking.
 */
struct xenemu_store_request {
	__u32 size;
	__u32 flags;
	__u32 type;
	__u32 tx_id;
	__aligned_u64 req;
	__u32 req_len;
	__u32 reply_len;
	__aligned_u64 reply;
	__u32 out_type;
	__u32 __reserved;
};

#define XENEMU_STORE_REQUEST _IO(XENEMU_TYPE, XENEMU_CMD_STORE_REQUEST)

/**
 * struct xenemu_store_connection - ioctl(XENEMU_STORE_GET_CONNECTION) on a store fd
 * @size: sizeof(struct xenemu_store_connection)
 * @flags: Must be 0
 * @out_connection: number of the connection, not 0
 * @out_domid: domain it acts as
 *
 * By this number the connection is known when the host's XenStore was saved, and
 * restored: XENEMU_HOST_OPEN_STORE can then open a store fd that goes on with it, with
 * its watches, transactions, half-written request and unread replies.
 */
struct xenemu_store_connection {
	__u32 size;
	__u32 flags;
	__u32 out_connection;
	__u32 out_domid;
};

#define XENEMU_STORE_GET_CONNECTION _IO(XENEMU_TYPE, XENEMU_CMD_STORE_GET_CONNECTION)

#endif /* _UAPI_LINUX_XENEMU_H */
