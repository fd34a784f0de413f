// SPDX-License-Identifier: GPL-2.0-only
/*
 * xenemu as a user of KVM: the public ioctls of VM and vCPU file descriptors,
 * called through their file operations.
 *
 * Those ioctls take user pointers. The arguments pass through memory of the
 * VMM: the private part of the page that it shares with us, or a page mapped
 * for one call. The VMM, or another thread of it, can change them on the way;
 * it could make the same calls itself, so this gives it nothing.
 */
#include "kvm.h"

#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <xen/interface/xen.h>
#include <xen/interface/event_channel.h>

#include "domain.h"
#include "vcpu.h"

/* Room for the arguments in struct xenemu_vcpu_run. */
#define SCRATCH_SIZE	sizeof_field(struct xenemu_vcpu_run, __scratch)

/*
 * KVM's file operations are not known to modules, its files' names are: only
 * kernel code gives names to anonymous inodes.
 */
static bool is_anon(struct file *file, const char *name)
{
	const struct dentry *dentry = file->f_path.dentry;

	return dentry->d_sb->s_magic == ANON_INODE_FS_MAGIC &&
	       file->f_op->unlocked_ioctl &&
	       !strncmp(dentry->d_name.name, name, strlen(name));
}

bool xenemu_kvm_is_vm(struct file *file)
{
	return is_anon(file, "kvm-vm");
}

bool xenemu_kvm_is_vcpu(struct file *file)
{
	return is_anon(file, "kvm-vcpu:");
}

static long call(struct file *file, unsigned int cmd, unsigned long arg)
{
	long ret = file->f_op->unlocked_ioctl(file, cmd, arg);

	/* What KVM says to a process that does not own the VM. */
	return ret == -EIO ? -ENODEV : ret;
}

static long call_at(unsigned long uaddr, struct file *file, unsigned int cmd, void *arg,
		    size_t len)
{
	void __user *uptr = (void __user *)uaddr;
	long ret;

	if (copy_to_user(uptr, arg, len))
		return -EFAULT;
	ret = call(file, cmd, uaddr);
	if (ret >= 0 && (_IOC_DIR(cmd) & _IOC_READ) && copy_from_user(arg, uptr, len))
		return -EFAULT;
	return ret;
}

static long call_with_arg(struct xenemu_vcpu *self, struct file *file, unsigned int cmd,
			  void *arg, size_t len)
{
	unsigned long uaddr;
	long ret;

	if (self && len <= SCRATCH_SIZE) {
		uaddr = READ_ONCE(self->run_uaddr) + offsetof(struct xenemu_vcpu_run, __scratch);
		return call_at(uaddr, file, cmd, arg, len);
	}

	uaddr = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if (IS_ERR_VALUE(uaddr))
		return uaddr;
	ret = call_at(uaddr, file, cmd, arg, len);
	vm_munmap(uaddr, PAGE_SIZE);
	return ret;
}

/**
 * xenemu_kvm_caps - what KVM can do for Xen guests
 * @vm: a VM
 *
 * Return: KVM_XEN_HVM_CONFIG_*, or 0 without CONFIG_KVM_XEN, or an errno.
 */
int xenemu_kvm_caps(struct file *vm)
{
	return call(vm, KVM_CHECK_EXTENSION, KVM_CAP_XEN_HVM);
}

/*
 * When KVM has an event or a timer to deliver and there is no shared_info or vcpu_info,
 * it tries again; with a warning, if there never was one. A guest can have it that way.
 * So KVM is first told of one that is where no memory slot can ever be: in the last page,
 * behind which addresses begin anew. It refuses that, and remembers; then that there is
 * none.
 */
#define NOWHERE_GPA	(KVM_XEN_INVALID_GPA & PAGE_MASK)

static int forget_shared_info(struct file *vm)
{
	struct kvm_xen_hvm_attr attr = {
		.type = KVM_XEN_ATTR_TYPE_SHARED_INFO,
		.u.shared_info.gfn = PHYS_PFN(NOWHERE_GPA),
	};

	call_with_arg(NULL, vm, KVM_XEN_HVM_SET_ATTR, &attr, sizeof(attr));
	attr.u.shared_info.gfn = KVM_XEN_INVALID_GFN;
	return call_with_arg(NULL, vm, KVM_XEN_HVM_SET_ATTR, &attr, sizeof(attr));
}

/**
 * xenemu_kvm_configure - make a VM a Xen guest
 * @vm: the VM
 * @msr: number of the MSR that fills the hypercall page
 *
 * KVM_XEN_ATTR_TYPE_XEN_VERSION marks a VM that has been configured: nothing
 * else sets it, and no Xen has version 0.
 *
 * Return: 0, -EBUSY if it was configured before, -ENODEV if it belongs to
 * another process, or another errno of KVM's.
 */
int xenemu_kvm_configure(struct file *vm, u32 msr)
{
	struct kvm_xen_hvm_config config = {
		.flags = KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL |
			 KVM_XEN_HVM_CONFIG_EVTCHN_SEND,
		.msr = msr,
	};
	struct kvm_xen_hvm_attr attr = { .type = KVM_XEN_ATTR_TYPE_XEN_VERSION };
	long ret;

	ret = call_with_arg(NULL, vm, KVM_XEN_HVM_GET_ATTR, &attr, sizeof(attr));
	if (ret)
		return ret;
	if (attr.u.xen_version)
		return -EBUSY;
	ret = call_with_arg(NULL, vm, KVM_XEN_HVM_CONFIG, &config, sizeof(config));
	if (ret)
		return ret;
	ret = forget_shared_info(vm);
	if (ret)
		xenemu_kvm_unconfigure(vm);
	return ret;
}

/**
 * xenemu_kvm_unconfigure - end of xenemu_kvm_configure()
 * @vm: the VM
 */
void xenemu_kvm_unconfigure(struct file *vm)
{
	struct kvm_xen_hvm_attr attr = { .type = KVM_XEN_ATTR_TYPE_XEN_VERSION };
	struct kvm_xen_hvm_config config = {};

	call_with_arg(NULL, vm, KVM_XEN_HVM_SET_ATTR, &attr, sizeof(attr));
	call_with_arg(NULL, vm, KVM_XEN_HVM_CONFIG, &config, sizeof(config));
}

/**
 * xenemu_kvm_has_lapic - does KVM emulate the local APIC?
 * @vcpu: a vCPU fd of KVM, not in KVM_RUN
 *
 * Return: 0, -EINVAL if it does not, or another errno of KVM's.
 */
int xenemu_kvm_has_lapic(struct file *vcpu)
{
	struct kvm_lapic_state lapic = {};

	return call_with_arg(NULL, vcpu, KVM_GET_LAPIC, &lapic, sizeof(lapic));
}

int xenemu_kvm_hvm_set_attr(struct xenemu_domain *domain, struct xenemu_vcpu *self,
			    const struct kvm_xen_hvm_attr *attr)
{
	struct kvm_xen_hvm_attr copy = *attr;

	return call_with_arg(self, domain->kvm, KVM_XEN_HVM_SET_ATTR, &copy, sizeof(copy));
}

int xenemu_kvm_hvm_get_attr(struct xenemu_domain *domain, struct xenemu_vcpu *self,
			    struct kvm_xen_hvm_attr *attr)
{
	return call_with_arg(self, domain->kvm, KVM_XEN_HVM_GET_ATTR, attr, sizeof(*attr));
}

/**
 * xenemu_kvm_get_clock - Xen's system time
 * @self: the calling thread's vCPU
 * @ns: gets the nanoseconds that the guest's clock shows
 *
 * Return: 0 or an errno of KVM's.
 */
int xenemu_kvm_get_clock(struct xenemu_vcpu *self, u64 *ns)
{
	struct kvm_clock_data clock = {};
	long ret;

	ret = call_with_arg(self, self->domain->kvm, KVM_GET_CLOCK, &clock, sizeof(clock));
	if (ret)
		return ret;
	*ns = clock.clock;
	return 0;
}

int xenemu_kvm_vcpu_set_attr(struct xenemu_vcpu *self, const struct kvm_xen_vcpu_attr *attr)
{
	struct kvm_xen_vcpu_attr copy = *attr;

	return call_with_arg(self, self->kvm, KVM_XEN_VCPU_SET_ATTR, &copy, sizeof(copy));
}

int xenemu_kvm_vcpu_get_attr(struct xenemu_vcpu *self, struct kvm_xen_vcpu_attr *attr)
{
	return call_with_arg(self, self->kvm, KVM_XEN_VCPU_GET_ATTR, attr, sizeof(*attr));
}

/**
 * xenemu_kvm_vcpu_init - what KVM must know of a vCPU before it runs
 * @self: the calling thread's vCPU, of which KVM knows nothing yet
 *
 * Return: 0 or an errno of KVM's.
 */
int xenemu_kvm_vcpu_init(struct xenemu_vcpu *self)
{
	struct kvm_xen_vcpu_attr id = {
		.type = KVM_XEN_VCPU_ATTR_TYPE_VCPU_ID,
		.u.vcpu_id = self->id,
	};
	struct kvm_xen_vcpu_attr info = {
		.type = KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO,
		.u.gpa = NOWHERE_GPA,
	};

	xenemu_kvm_vcpu_set_attr(self, &info);
	info.u.gpa = KVM_XEN_INVALID_GPA;
	return xenemu_kvm_vcpu_set_attr(self, &info) ?: xenemu_kvm_vcpu_set_attr(self, &id);
}

/**
 * xenemu_kvm_translate - walk the guest's page tables
 * @self: the calling thread's vCPU
 * @gva: guest virtual address
 * @gpa: gets the guest physical address
 *
 * Return: 0 or -EFAULT.
 */
int xenemu_kvm_translate(struct xenemu_vcpu *self, u64 gva, u64 *gpa)
{
	struct kvm_translation tr = { .linear_address = gva };

	if (call_with_arg(self, self->kvm, KVM_TRANSLATE, &tr, sizeof(tr)) || !tr.valid)
		return -EFAULT;
	*gpa = tr.physical_address;
	return 0;
}

/**
 * xenemu_kvm_bind_ipi - have KVM deliver an IPI port by itself
 * @self: the calling thread's vCPU
 * @port: the port, not known to KVM
 * @target: vCPU that it is bound to
 *
 * Return: 0 or an errno of KVM's; then EVTCHNOP_send comes to us instead.
 */
int xenemu_kvm_bind_ipi(struct xenemu_vcpu *self, u32 port, struct xenemu_vcpu *target)
{
	struct kvm_xen_hvm_attr attr = {
		.type = KVM_XEN_ATTR_TYPE_EVTCHN,
		.u.evtchn = {
			.send_port = port,
			.type = EVTCHNSTAT_ipi,
			.deliver.port = {
				.port = port,
				.vcpu = target->apic_id,
				.priority = KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL,
			},
		},
	};

	return xenemu_kvm_hvm_set_attr(self->domain, self, &attr);
}

/**
 * xenemu_kvm_bind_eventfd - have KVM signal an eventfd for what is sent from a port
 * @self: the calling thread's vCPU
 * @port: the port, not known to KVM
 * @eventfd: the eventfd
 *
 * KVM takes the number of a file descriptor only. While there is one, another thread
 * of the VMM may put another file there: what KVM then signals is the VMM's.
 *
 * Return: 0 or an errno of KVM's; then EVTCHNOP_send comes to us instead.
 */
int xenemu_kvm_bind_eventfd(struct xenemu_vcpu *self, u32 port, struct file *eventfd)
{
	struct kvm_xen_hvm_attr attr = {
		.type = KVM_XEN_ATTR_TYPE_EVTCHN,
		.u.evtchn = {
			.send_port = port,
			.type = EVTCHNSTAT_interdomain,
		},
	};
	int fd, ret;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	fd_install(fd, get_file(eventfd));
	attr.u.evtchn.deliver.eventfd.fd = fd;
	ret = xenemu_kvm_hvm_set_attr(self->domain, self, &attr);
	close_fd(fd);
	return ret;
}

/**
 * xenemu_kvm_unbind_port - end of xenemu_kvm_bind_ipi(), xenemu_kvm_bind_eventfd()
 * @domain: the domain
 * @self: the calling thread's vCPU, or NULL
 * @port: the port; nothing happens if KVM does not know it
 */
void xenemu_kvm_unbind_port(struct xenemu_domain *domain, struct xenemu_vcpu *self, u32 port)
{
	struct kvm_xen_hvm_attr attr = {
		.type = KVM_XEN_ATTR_TYPE_EVTCHN,
		.u.evtchn = {
			.send_port = port,
			.flags = KVM_XEN_EVTCHN_DEASSIGN,
		},
	};

	xenemu_kvm_hvm_set_attr(domain, self, &attr);
}

/**
 * xenemu_kvm_reset_ports - KVM forgets every port
 * @domain: the domain
 * @self: the calling thread's vCPU, or NULL
 */
void xenemu_kvm_reset_ports(struct xenemu_domain *domain, struct xenemu_vcpu *self)
{
	struct kvm_xen_hvm_attr attr = {
		.type = KVM_XEN_ATTR_TYPE_EVTCHN,
		.u.evtchn.flags = KVM_XEN_EVTCHN_RESET,
	};

	xenemu_kvm_hvm_set_attr(domain, self, &attr);
}

/**
 * xenemu_kvm_run - KVM_RUN
 * @self: the calling thread's vCPU
 *
 * Return: what KVM_RUN returns.
 */
long xenemu_kvm_run(struct xenemu_vcpu *self)
{
	return self->kvm->f_op->unlocked_ioctl(self->kvm, KVM_RUN, 0);
}

/**
 * xenemu_kvm_halt - have the vCPU sleep when it goes back to KVM
 * @self: the calling thread's vCPU, with interrupts enabled
 *
 * It sleeps as after HLT: until an interrupt or an upcall that it takes.
 *
 * Return: 0 or an errno of KVM's.
 */
int xenemu_kvm_halt(struct xenemu_vcpu *self)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_HALTED };

	return call_with_arg(self, self->kvm, KVM_SET_MP_STATE, &state, sizeof(state));
}
