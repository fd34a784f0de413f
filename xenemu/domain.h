/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_DOMAIN_H
#define XENEMU_DOMAIN_H

#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/xenemu.h>
#include <xen/interface/xen.h>
#include <xen/interface/hvm/params.h>

#include "evtchn.h"
#include "gnttab.h"
#include "hvm.h"
#include "mem.h"

struct xenemu_host;
struct xenemu_page;
struct xenemu_vcpu;

/*
 * Lock order, outermost first. A lock may be taken while holding any above it
 * and none below it; two of one kind only as said. Documentation/virt/xenemu/
 * locking.rst explains each.
 *
 *   domain->srcu               read side, by threads of vCPUs
 *   evtchn fd bind_lock        mutex, see evtchn_fd.c
 *   host->lock                 mutex
 *   vcpu->lock                 mutex, tried only: one thread runs a vCPU
 *   domain->lock               mutex; two domains by ascending domid
 *   sdomain->admin_lock        mutex, see store/glue.h
 *   domain->mem.lock           rwsem
 *   ring->lock, store->lock    mutexes, likewise
 *   domain->gnttab.lock        mutex; two domains by ascending domid
 *   evtchn port->lock          spinlock, irqs off; two ports as in evtchn_port.h
 *   evtchn fd lock             spinlock, irqs off, see evtchn_fd.c
 *   domain->page_lock          rwlock, irqs off, innermost
 *
 * KVM's VM ioctls may be called with domain->lock held and no other; its vCPU
 * ioctls with vcpu->lock alone, on the thread that runs the vCPU, since another
 * thread may be in KVM_RUN for ever. vcpu->lock is the one lock held across
 * KVM_RUN; it is only ever tried, never waited for.
 */

#define XENEMU_MAX_VCPUS	128
#define XENEMU_MAX_MEMORY_MAP	128

/**
 * struct xenemu_domain - one guest, or dom0
 * @host: host it belongs to; a reference but for dom0, which the host owns
 * @domid: its number
 * @kvm: VM fd of KVM; NULL for dom0. A reference: xenemu speaks to KVM
 *       through the file's operations only
 * @mm: address space of the VMM, held by mmgrab(); NULL for dom0
 * @kvm_caps: KVM_XEN_HVM_CONFIG_* that KVM has
 * @xen_version: what XENVER_version returns
 * @handle: UUID
 * @max_pages: what XENMEM_maximum_reservation returns; U64_MAX for no limit
 * @ref: held by the domain fd, its vCPU fds, and whoever looked it up
 * @dead: the domain fd was closed; set once, with WRITE_ONCE()
 * @srcu: held by a vCPU's thread while it acts for the domain outside KVM_RUN;
 *        waited for after @dead is set, so that nothing comes after teardown.
 *        Taken before domain->lock; nothing may wait for it with a lock held
 * @lock: protects the members up to @mem
 * @params: HVM_PARAM_*
 * @memory_map: what XENMEM_memory_map returns
 * @nr_memory_map: entries of it
 * @long_mode: layout of shared_info, latched as Xen does. Written under @lock
 *             and @page_lock; read under either
 * @callback_vector: HVM_PARAM_CALLBACK_IRQ's vector if it is of that type, or 0
 * @vm_assist: VMASST_TYPE_* bits in effect
 * @shutdown_reason: SHUTDOWN_* that the guest latched, of the XENEMU_EXIT_SHUTDOWN
 *                   in progress or for the next, or -1
 * @vcpus: by vCPU number; set under @lock, read under RCU. Each is cleared,
 *         and a grace period waited for, before its vCPU is freed
 * @nr_vcpu_ids: one more than the highest number ever in @vcpus; only grows
 * @nr_running: vCPUs in use by a thread, or -1 while none may be
 * @mem: the guest's RAM
 * @evtchn: event channels
 * @gnttab: grant table
 * @page_lock: innermost lock: protects @shared_info, each vCPU's
 *             vcpu_info page and each grant frame's page against replacement
 *             while the kernel changes words in them
 * @shared_info: never NULL in a guest's domain. Our own page until the guest
 *               gives it a frame number
 * @rcu: frees the domain
 */
struct xenemu_domain {
	struct xenemu_host *host;
	u16 domid;
	struct file *kvm;
	struct mm_struct *mm;
	u32 kvm_caps;
	u32 xen_version;
	u8 handle[16];
	u64 max_pages;

	struct kref ref;
	bool dead;
	struct srcu_struct srcu;

	struct mutex lock;

	u64 params[XENEMU_NR_PARAMS];
	struct xenemu_memory_map_entry *memory_map;
	u32 nr_memory_map;
	bool long_mode;
	u8 callback_vector;
	u32 vm_assist;
	int shutdown_reason;
	struct xenemu_vcpu __rcu *vcpus[XENEMU_MAX_VCPUS];

	u32 nr_vcpu_ids;
	atomic_t nr_running;

	struct xenemu_mem mem;
	struct xenemu_evtchn_table evtchn;
	struct xenemu_gnttab gnttab;

	rwlock_t page_lock;

	struct xenemu_page *shared_info;

	struct rcu_head rcu;
};

extern const struct file_operations xenemu_domain_fops;

struct xenemu_domain *xenemu_domain_alloc(struct xenemu_host *host, u16 domid,
					  u32 max_port);
struct xenemu_domain *xenemu_domain_get(struct xenemu_domain *domain);
bool xenemu_domain_get_unless_zero(struct xenemu_domain *domain);
void xenemu_domain_put(struct xenemu_domain *domain);
void xenemu_domain_kill(struct xenemu_domain *domain);

/**
 * xenemu_domain_vcpu - look a vCPU up
 * @domain: the domain
 * @id: Xen's number of the vCPU; any value
 *
 * Context: under rcu_read_lock(), or with @domain->lock held; the vCPU lasts
 * that long, and no longer: its fd may be closed at any time.
 * Return: the vCPU or NULL.
 */
struct xenemu_vcpu *xenemu_domain_vcpu(struct xenemu_domain *domain, u32 id);

long xenemu_domain_create(struct xenemu_host *host,
			  const struct xenemu_host_create_domain *args);
int xenemu_domain_map_shared_info(struct xenemu_vcpu *self, u64 gfn);
int xenemu_domain_map_vcpu_info(struct xenemu_vcpu *self, u32 vcpu_id, u64 gfn, u32 offset);
void xenemu_domain_default_vcpu_info(struct xenemu_vcpu *vcpu);
int xenemu_domain_set_long_mode(struct xenemu_vcpu *self, bool long_mode);

#endif /* XENEMU_DOMAIN_H */
