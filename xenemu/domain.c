// SPDX-License-Identifier: GPL-2.0-only
/*
 * Domains: their life, their file descriptor, and the pages of shared_info and
 * vcpu_info.
 *
 * A guest's domain dies when its fd is closed. The vCPU fds, and whoever looked
 * the domain up, keep the memory of it; what it can do ends in
 * xenemu_domain_kill(), which runs once, after the last vCPU's thread has left
 * what it did for the domain.
 */
#include "domain.h"

#include <linux/err.h>
#include <linux/file.h>
#include <linux/pfn.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <xen/interface/event_channel.h>
#include <xen/interface/hvm/params.h>
#include <xen/interface/xen.h>

#include "access.h"
#include "evtchn.h"
#include "evtchn_bell.h"
#include "host.h"
#include "hvm.h"
#include "ioctl.h"
#include "kvm.h"
#include "store/glue.h"
#include "vcpu.h"

#define MSR_DEFAULT		0x40000000
/* The range of MSR numbers that KVM takes for a hypercall page. */
#define MSR_LAST		0x4fffffff
#define XEN_VERSION_DEFAULT	((4 << 16) | 17)
#define GRANT_FRAMES_DEFAULT	64

/* Without these, events and hypercalls do not get where they should. */
#define NEEDED_CAPS	(KVM_XEN_HVM_CONFIG_HYPERCALL_MSR |	\
			 KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL |	\
			 KVM_XEN_HVM_CONFIG_SHARED_INFO |	\
			 KVM_XEN_HVM_CONFIG_EVTCHN_2LEVEL |	\
			 KVM_XEN_HVM_CONFIG_EVTCHN_SEND)

/**
 * xenemu_domain_alloc - a domain that nobody knows yet
 * @host: its host
 * @domid: its number; 0 for dom0, which does not hold a reference to @host
 * @max_port: its highest event channel port; 0 for what the ABI allows
 *
 * Return: the domain, with one reference, or an ERR_PTR().
 */
struct xenemu_domain *xenemu_domain_alloc(struct xenemu_host *host, u16 domid,
					  u32 max_port)
{
	struct xenemu_domain *domain;
	int ret;

	domain = kzalloc(sizeof(*domain), GFP_KERNEL_ACCOUNT);
	if (!domain)
		return ERR_PTR(-ENOMEM);
	ret = init_srcu_struct(&domain->srcu);
	if (ret)
		goto err_free;
	kref_init(&domain->ref);
	mutex_init(&domain->lock);
	rwlock_init(&domain->page_lock);
	xenemu_mem_init(domain);
	domain->host = host;
	domain->domid = domid;
	domain->max_pages = U64_MAX;
	/* As Xen has it until the guest says otherwise. */
	domain->long_mode = true;
	domain->shutdown_reason = -1;

	ret = xenemu_evtchn_init(domain, max_port);
	if (ret)
		goto err_cleanup_srcu;
	if (domid)
		xenemu_host_get(host);
	return domain;

err_cleanup_srcu:
	mutex_destroy(&domain->lock);
	cleanup_srcu_struct(&domain->srcu);
err_free:
	kfree(domain);
	return ERR_PTR(ret);
}

struct xenemu_domain *xenemu_domain_get(struct xenemu_domain *domain)
{
	kref_get(&domain->ref);
	return domain;
}

/* Under rcu_read_lock(), for a domain found in host->domains. */
bool xenemu_domain_get_unless_zero(struct xenemu_domain *domain)
{
	return kref_get_unless_zero(&domain->ref);
}

static void free_domain(struct kref *ref)
{
	struct xenemu_domain *domain = container_of(ref, struct xenemu_domain, ref);

	xenemu_evtchn_free(domain);
	xenemu_page_put(domain->shared_info);
	xenemu_mem_destroy(domain);
	kfree(domain->memory_map);
	if (domain->mm)
		mmdrop(domain->mm);
	if (domain->kvm)
		fput(domain->kvm);
	if (domain->domid)
		xenemu_host_put(domain->host);
	mutex_destroy(&domain->lock);
	cleanup_srcu_struct(&domain->srcu);
	kfree_rcu(domain, rcu);
}

/**
 * xenemu_domain_put - drop a reference
 * @domain: the domain
 *
 * Context: process context, no lock held; may sleep.
 */
void xenemu_domain_put(struct xenemu_domain *domain)
{
	kref_put(&domain->ref, free_domain);
}

/* A guest's own parts, beside those of xenemu_domain_alloc(). */
static int init_guest(struct xenemu_domain *domain,
		      const struct xenemu_host_create_domain *args)
{
	struct xenemu_page *page;

	page = xenemu_page_alloc();
	if (IS_ERR(page))
		return PTR_ERR(page);
	domain->shared_info = page;

	domain->xen_version = args->xen_version ?: XEN_VERSION_DEFAULT;
	domain->max_pages = args->max_pages ?: U64_MAX;
	memcpy(domain->handle, args->handle, sizeof(domain->handle));
	mmgrab(current->mm);
	domain->mm = current->mm;
	return xenemu_gnttab_init(domain, args->max_grant_frames ?: GRANT_FRAMES_DEFAULT);
}

/* The end of a guest's domain that was never published. */
static void discard(struct xenemu_domain *domain)
{
	xenemu_gnttab_destroy(domain);
	xenemu_evtchn_destroy(domain);
	xenemu_domain_put(domain);
}

/**
 * xenemu_domain_kill - end what a domain can do
 * @domain: the domain; called once
 *
 * In three steps. First nobody can start anything: the vCPUs' threads see @dead
 * and leave. Then nobody is left who started before. Then all that others can
 * reach of it goes: its XenStore connection, so that watchers hear of it, its
 * ports, its grants; and last its number, which a new domain may take then.
 *
 * Context: process context, no lock held; may sleep.
 */
void xenemu_domain_kill(struct xenemu_domain *domain)
{
	WRITE_ONCE(domain->dead, true);
	if (!domain->domid) {
		xenemu_evtchn_destroy(domain);
		return;
	}

	xenemu_vcpu_kick_all(domain);
	synchronize_srcu(&domain->srcu);

	xenemu_glue_domain_died(domain);
	xenemu_evtchn_destroy(domain);
	xenemu_gnttab_destroy(domain);
	xenemu_host_del_domain(domain->host, domain);
	xenemu_evtchn_send_virq(domain->host->dom0, VIRQ_DOM_EXC, 0);
}

struct xenemu_vcpu *xenemu_domain_vcpu(struct xenemu_domain *domain, u32 id)
{
	if (id >= XENEMU_MAX_VCPUS)
		return NULL;
	return rcu_dereference_check(domain->vcpus[array_index_nospec(id, XENEMU_MAX_VCPUS)],
				     lockdep_is_held(&domain->lock));
}

static int check_args(const struct xenemu_host_create_domain *args)
{
	if (args->flags)
		return -EOPNOTSUPP;
	if (!args->domid || args->domid >= DOMID_FIRST_RESERVED)
		return -EINVAL;
	if (args->hypercall_msr &&
	    (args->hypercall_msr < MSR_DEFAULT || args->hypercall_msr > MSR_LAST))
		return -EINVAL;
	if (args->max_grant_frames > XENEMU_MAX_GRANT_FRAMES)
		return -EINVAL;
	if (args->max_evtchn_port >= EVTCHN_2L_NR_CHANNELS)
		return -EINVAL;
	return 0;
}

/* KVM and the host learn of the domain; both or none. */
static int publish(struct xenemu_domain *domain, u32 msr)
{
	struct kvm_xen_hvm_attr version = {
		.type = KVM_XEN_ATTR_TYPE_XEN_VERSION,
		.u.xen_version = domain->xen_version,
	};
	struct kvm_xen_hvm_attr mode = {
		.type = KVM_XEN_ATTR_TYPE_LONG_MODE,
		.u.long_mode = domain->long_mode,
	};
	int ret;

	ret = xenemu_kvm_configure(domain->kvm, msr ?: MSR_DEFAULT);
	if (ret)
		return ret;
	ret = xenemu_kvm_hvm_set_attr(domain, NULL, &version);
	if (!ret)
		ret = xenemu_kvm_hvm_set_attr(domain, NULL, &mode);
	if (!ret)
		ret = xenemu_host_add_domain(domain->host, domain);
	if (ret)
		xenemu_kvm_unconfigure(domain->kvm);
	return ret;
}

/**
 * xenemu_domain_create - XENEMU_HOST_CREATE_DOMAIN
 * @host: the host
 * @args: what the VMM wants
 *
 * Return: a new domain fd, or an error of XENEMU_HOST_CREATE_DOMAIN.
 */
long xenemu_domain_create(struct xenemu_host *host,
			  const struct xenemu_host_create_domain *args)
{
	struct xenemu_domain *domain;
	struct file *kvm;
	int caps;
	int ret;

	ret = check_args(args);
	if (ret)
		return ret;

	kvm = fget(args->kvm_fd);
	if (!kvm)
		return -EBADF;
	caps = xenemu_kvm_is_vm(kvm) ? xenemu_kvm_caps(kvm) : -EINVAL;
	if (caps < 0) {
		ret = caps;
		goto err_put_kvm;
	}
	if ((caps & NEEDED_CAPS) != NEEDED_CAPS) {
		ret = -EOPNOTSUPP;
		goto err_put_kvm;
	}

	domain = xenemu_domain_alloc(host, args->domid, args->max_evtchn_port);
	if (IS_ERR(domain)) {
		ret = PTR_ERR(domain);
		goto err_put_kvm;
	}
	domain->kvm = kvm;
	domain->kvm_caps = caps;

	ret = init_guest(domain, args);
	if (!ret)
		ret = publish(domain, args->hypercall_msr);
	if (ret) {
		discard(domain);
		return ret;
	}

	ret = xenemu_ioctl_new_fd("xenemu-domain", &xenemu_domain_fops, domain, O_RDWR);
	if (ret < 0) {
		xenemu_kvm_unconfigure(domain->kvm);
		xenemu_domain_kill(domain);
		xenemu_domain_put(domain);
	}
	return ret;

err_put_kvm:
	fput(kvm);
	return ret;
}

static int domain_release(struct inode *inode, struct file *file)
{
	struct xenemu_domain *domain = file->private_data;

	xenemu_domain_kill(domain);
	xenemu_domain_put(domain);
	return 0;
}

/* ---- shared_info and vcpu_info ---- */

/**
 * xenemu_domain_default_vcpu_info - a vCPU's place in shared_info
 * @vcpu: a vCPU that has not registered a vcpu_info
 *
 * The first 32 vCPUs have one; the others have none until they register it.
 *
 * Context: process context, under domain->lock.
 */
void xenemu_domain_default_vcpu_info(struct xenemu_vcpu *vcpu)
{
	struct xenemu_domain *domain = vcpu->domain;
	struct xenemu_page *page = domain->shared_info;
	struct xenemu_page *old;

	lockdep_assert_held(&domain->lock);

	vcpu->info_gpa = KVM_XEN_INVALID_GPA;
	if (vcpu->id >= MAX_VIRT_CPUS)
		return;
	if (page->gfn != XENEMU_INVALID_GFN)
		vcpu->info_gpa = PFN_PHYS(page->gfn) + vcpu->id * sizeof(struct vcpu_info);

	xenemu_page_get(page);
	write_lock_irq(&domain->page_lock);
	old = vcpu->info_page;
	vcpu->info_page = page;
	vcpu->info_offset = vcpu->id * sizeof(struct vcpu_info);
	write_unlock_irq(&domain->page_lock);
	xenemu_page_put(old);
	xenemu_vcpu_resync(vcpu, XENEMU_SYNC_INFO);
}

/* shared_info is in @page now. Consumes the reference to it. */
static void move_shared_info(struct xenemu_domain *domain, struct xenemu_page *page)
{
	struct xenemu_page *old;
	struct xenemu_vcpu *vcpu;
	u32 id;

	lockdep_assert_held(&domain->lock);

	write_lock_irq(&domain->page_lock);
	old = domain->shared_info;
	if (old->page != page->page)
		memcpy(page->va, old->va, PAGE_SIZE);
	domain->shared_info = page;
	write_unlock_irq(&domain->page_lock);
	xenemu_page_put(old);

	for (id = 0; id < domain->nr_vcpu_ids; id++) {
		vcpu = xenemu_domain_vcpu(domain, id);
		if (vcpu && !vcpu->info_registered)
			xenemu_domain_default_vcpu_info(vcpu);
	}
}

/* Take over the bitness that KVM latched when the guest filled its hypercall page. */
static int latch_long_mode(struct xenemu_vcpu *self)
{
	struct kvm_xen_hvm_attr attr = { .type = KVM_XEN_ATTR_TYPE_LONG_MODE };
	struct xenemu_domain *domain = self->domain;
	int ret;

	lockdep_assert_held(&domain->lock);

	ret = xenemu_kvm_hvm_get_attr(domain, self, &attr);
	if (ret)
		return ret;
	write_lock_irq(&domain->page_lock);
	WRITE_ONCE(domain->long_mode, attr.u.long_mode);
	write_unlock_irq(&domain->page_lock);
	return 0;
}

/**
 * xenemu_domain_set_long_mode - the guest's bitness, latched as Xen does
 * @self: the calling thread's vCPU
 * @long_mode: layout of shared_info is the 64-bit one
 *
 * Context: process context, takes domain->lock.
 * Return: 0 or an errno.
 */
int xenemu_domain_set_long_mode(struct xenemu_vcpu *self, bool long_mode)
{
	struct kvm_xen_hvm_attr attr = {
		.type = KVM_XEN_ATTR_TYPE_LONG_MODE,
		.u.long_mode = long_mode,
	};
	struct xenemu_domain *domain = self->domain;
	int ret;

	mutex_lock(&domain->lock);
	ret = xenemu_kvm_hvm_set_attr(domain, self, &attr);
	if (!ret) {
		write_lock_irq(&domain->page_lock);
		WRITE_ONCE(domain->long_mode, long_mode);
		write_unlock_irq(&domain->page_lock);
	}
	mutex_unlock(&domain->lock);
	return ret;
}

/**
 * xenemu_domain_map_shared_info - shared_info moves to a page of the guest
 * @self: the calling thread's vCPU
 * @gfn: the page, which has RAM
 *
 * Context: process context, takes domain->lock.
 * Return: 0 or a negative errno; then nothing has changed for the guest.
 */
int xenemu_domain_map_shared_info(struct xenemu_vcpu *self, u64 gfn)
{
	struct kvm_xen_hvm_attr attr = {
		.type = KVM_XEN_ATTR_TYPE_SHARED_INFO,
		.u.shared_info.gfn = gfn,
	};
	struct xenemu_domain *domain = self->domain;
	struct xenemu_page *page;
	int ret;

	page = xenemu_page_pin(domain, gfn, true);
	if (IS_ERR(page))
		return PTR_ERR(page);

	mutex_lock(&domain->lock);
	ret = latch_long_mode(self);
	if (!ret)
		ret = xenemu_kvm_hvm_set_attr(domain, self, &attr);
	if (!ret)
		move_shared_info(domain, page);
	mutex_unlock(&domain->lock);
	if (ret)
		xenemu_page_put(page);
	return ret;
}

/**
 * xenemu_domain_map_vcpu_info - VCPUOP_register_vcpu_info
 * @self: the calling thread's vCPU
 * @vcpu_id: the vCPU whose vcpu_info moves; perhaps another
 * @gfn: the page, which has RAM
 * @offset: where in it; the whole must fit and be aligned to 8
 *
 * Context: process context, takes domain->lock.
 * Return: 0, -EBUSY if it was registered before, -ENOENT if there is no such
 * vCPU, or another negative errno.
 */
int xenemu_domain_map_vcpu_info(struct xenemu_vcpu *self, u32 vcpu_id, u64 gfn, u32 offset)
{
	struct xenemu_domain *domain = self->domain;
	struct xenemu_page *page, *old;
	struct xenemu_vcpu *vcpu;
	struct vcpu_info *info;
	int ret = 0;

	page = xenemu_page_pin(domain, gfn, true);
	if (IS_ERR(page))
		return PTR_ERR(page);
	info = page->va + offset;

	mutex_lock(&domain->lock);
	vcpu = xenemu_domain_vcpu(domain, vcpu_id);
	if (!vcpu)
		ret = -ENOENT;
	else if (vcpu->info_registered)
		ret = -EBUSY;
	if (ret)
		goto out;

	write_lock_irq(&domain->page_lock);
	old = vcpu->info_page;
	if (old) {
		memmove(info, old->va + vcpu->info_offset, sizeof(*info));
	} else {
		memset(info, 0, sizeof(*info));
		info->evtchn_upcall_mask = 1;
	}
	vcpu->info_page = page;
	vcpu->info_offset = offset;
	write_unlock_irq(&domain->page_lock);

	page = old;
	vcpu->info_registered = true;
	vcpu->info_gpa = PFN_PHYS(gfn) + offset;
	xenemu_vcpu_resync(vcpu, XENEMU_SYNC_INFO);
	xenemu_evtchn_rescan(vcpu);
out:
	mutex_unlock(&domain->lock);
	xenemu_page_put(page);
	return ret;
}

/* ---- ioctls ---- */

static long set_memory(struct xenemu_ucmd *ucmd)
{
	return xenemu_mem_set(ucmd->file->private_data, ucmd->args);
}

static int check_memory_map(const struct xenemu_memory_map_entry *map, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		if (map[i].__reserved || !map[i].len)
			return -EINVAL;
		if (map[i].addr + map[i].len < map[i].addr)
			return -EOVERFLOW;
	}
	return 0;
}

static long set_memory_map(struct xenemu_ucmd *ucmd)
{
	const struct xenemu_domain_set_memory_map *args = ucmd->args;
	struct xenemu_domain *domain = ucmd->file->private_data;
	struct xenemu_memory_map_entry *map = NULL;
	int ret;

	if (args->flags)
		return -EOPNOTSUPP;
	if (args->__reserved || args->nr_entries > XENEMU_MAX_MEMORY_MAP)
		return -EINVAL;
	if (args->nr_entries) {
		map = memdup_array_user(u64_to_user_ptr(args->entries), args->nr_entries,
					sizeof(*map));
		if (IS_ERR(map))
			return PTR_ERR(map);
	}
	ret = check_memory_map(map, args->nr_entries);
	if (ret) {
		kfree(map);
		return ret;
	}

	mutex_lock(&domain->lock);
	swap(domain->memory_map, map);
	domain->nr_memory_map = args->nr_entries;
	mutex_unlock(&domain->lock);
	kfree(map);
	return 0;
}

static long create_vcpu(struct xenemu_ucmd *ucmd)
{
	return xenemu_vcpu_create(ucmd->file->private_data, ucmd->args);
}

static long set_param(struct xenemu_ucmd *ucmd)
{
	const struct xenemu_domain_param *args = ucmd->args;

	if (args->flags)
		return -EOPNOTSUPP;
	if (args->__reserved)
		return -EINVAL;
	return xenemu_hvm_set_param(ucmd->file->private_data, args->index, args->value);
}

static long get_param(struct xenemu_ucmd *ucmd)
{
	struct xenemu_domain_param *args = ucmd->args;
	u64 value;
	int ret;

	if (args->flags)
		return -EOPNOTSUPP;
	if (args->__reserved)
		return -EINVAL;
	ret = xenemu_hvm_get_param(ucmd->file->private_data, args->index, &value);
	if (ret)
		return ret;
	args->value = value;
	return xenemu_ioctl_respond(ucmd);
}

static long alloc_unbound(struct xenemu_ucmd *ucmd)
{
	struct xenemu_domain_alloc_unbound *args = ucmd->args;
	u32 port;
	int ret;

	if (args->flags)
		return -EOPNOTSUPP;
	if (args->remote_domid >= DOMID_FIRST_RESERVED)
		return -EINVAL;
	ret = xenemu_evtchn_alloc_unbound(ucmd->file->private_data, args->remote_domid, &port);
	if (ret)
		return ret;
	args->out_port = port;
	return xenemu_ioctl_respond(ucmd);
}

static long seed_grant(struct xenemu_ucmd *ucmd)
{
	const struct xenemu_domain_seed_grant *args = ucmd->args;

	if (args->flags)
		return -EOPNOTSUPP;
	if (args->domid >= DOMID_FIRST_RESERVED)
		return -EINVAL;
	return xenemu_gnttab_seed(ucmd->file->private_data, args->gref, args->domid, args->gfn);
}

static long send_virq(struct xenemu_ucmd *ucmd)
{
	const struct xenemu_domain_send_virq *args = ucmd->args;

	if (args->flags)
		return -EOPNOTSUPP;
	return xenemu_evtchn_send_virq(ucmd->file->private_data, args->virq, args->vcpu_id);
}

static long add_eventfd(struct xenemu_ucmd *ucmd)
{
	const struct xenemu_domain_add_eventfd *args = ucmd->args;

	if (args->flags)
		return -EOPNOTSUPP;
	if (args->__reserved)
		return -EINVAL;
	return xenemu_bell_add(ucmd->file->private_data, args->eventfd);
}

/* Back to the state before the guest ran. Every vCPU is stopped and locked. */
static void reset_stopped(struct xenemu_domain *domain, struct xenemu_page *page)
{
	struct kvm_xen_hvm_attr shared_info = {
		.type = KVM_XEN_ATTR_TYPE_SHARED_INFO,
		.u.shared_info.gfn = KVM_XEN_INVALID_GFN,
	};
	struct kvm_xen_hvm_attr mode = {
		.type = KVM_XEN_ATTR_TYPE_LONG_MODE,
		.u.long_mode = 1,
	};
	struct xenemu_vcpu *vcpu;
	u32 id;

	xenemu_evtchn_reset(NULL, domain);
	xenemu_gnttab_reset(domain);
	xenemu_hvm_reset(domain);

	mutex_lock(&domain->lock);
	xenemu_kvm_hvm_set_attr(domain, NULL, &shared_info);
	xenemu_kvm_hvm_set_attr(domain, NULL, &mode);
	for (id = 0; id < domain->nr_vcpu_ids; id++) {
		vcpu = xenemu_domain_vcpu(domain, id);
		if (vcpu)
			xenemu_vcpu_reset(vcpu);
	}
	write_lock_irq(&domain->page_lock);
	WRITE_ONCE(domain->long_mode, true);
	swap(domain->shared_info, page);
	write_unlock_irq(&domain->page_lock);
	for (id = 0; id < domain->nr_vcpu_ids; id++) {
		vcpu = xenemu_domain_vcpu(domain, id);
		if (vcpu)
			xenemu_domain_default_vcpu_info(vcpu);
	}
	domain->shutdown_reason = -1;
	mutex_unlock(&domain->lock);
	xenemu_page_put(page);
}

static long reset(struct xenemu_ucmd *ucmd)
{
	struct xenemu_domain *domain = ucmd->file->private_data;
	const struct xenemu_domain_reset *args = ucmd->args;
	struct xenemu_page *page;
	int ret;

	if (args->flags)
		return -EOPNOTSUPP;
	if (current->mm != domain->mm)
		return -ENODEV;
	page = xenemu_page_alloc();
	if (IS_ERR(page))
		return PTR_ERR(page);

	ret = xenemu_vcpu_stop_all(domain);
	if (ret) {
		xenemu_page_put(page);
		return ret;
	}
	reset_stopped(domain, page);
	xenemu_vcpu_start_all(domain);
	return 0;
}

static const struct xenemu_ioctl_op domain_ops[] = {
	XENEMU_IOCTL_OP_QUERY,
	XENEMU_IOCTL_OP(XENEMU_DOMAIN_SET_MEMORY, xenemu_domain_set_memory, user_addr,
			set_memory),
	XENEMU_IOCTL_OP(XENEMU_DOMAIN_SET_MEMORY_MAP, xenemu_domain_set_memory_map, __reserved,
			set_memory_map),
	XENEMU_IOCTL_OP(XENEMU_DOMAIN_CREATE_VCPU, xenemu_domain_create_vcpu, kvm_run,
			create_vcpu),
	XENEMU_IOCTL_OP(XENEMU_DOMAIN_SET_PARAM, xenemu_domain_param, value, set_param),
	XENEMU_IOCTL_OP(XENEMU_DOMAIN_GET_PARAM, xenemu_domain_param, value, get_param),
	XENEMU_IOCTL_OP(XENEMU_DOMAIN_ALLOC_UNBOUND, xenemu_domain_alloc_unbound, out_port,
			alloc_unbound),
	XENEMU_IOCTL_OP(XENEMU_DOMAIN_SEED_GRANT, xenemu_domain_seed_grant, gfn, seed_grant),
	XENEMU_IOCTL_OP(XENEMU_DOMAIN_SEND_VIRQ, xenemu_domain_send_virq, vcpu_id, send_virq),
	XENEMU_IOCTL_OP(XENEMU_DOMAIN_RESET, xenemu_domain_reset, flags, reset),
	XENEMU_IOCTL_OP(XENEMU_DOMAIN_ADD_EVENTFD, xenemu_domain_add_eventfd, __reserved,
			add_eventfd),
};

static long domain_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return xenemu_ioctl(file, cmd, arg, domain_ops, ARRAY_SIZE(domain_ops));
}

const struct file_operations xenemu_domain_fops = {
	.owner		= THIS_MODULE,
	.release	= domain_release,
	.unlocked_ioctl	= domain_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};
