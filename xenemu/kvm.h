/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_KVM_H
#define XENEMU_KVM_H

#include <linux/fs.h>
#include <linux/kvm.h>

struct xenemu_domain;
struct xenemu_vcpu;

/*
 * Everything xenemu says to KVM, as a VMM would: through the file operations
 * of the VM and vCPU fds. The callers run in the VMM's address space. @self is
 * the vCPU of the calling thread, whose shared page lends the user memory that
 * the arguments pass through; NULL where there is none, then a page is mapped
 * for the call.
 */
bool xenemu_kvm_is_vm(struct file *file);
bool xenemu_kvm_is_vcpu(struct file *file);
int xenemu_kvm_caps(struct file *vm);
int xenemu_kvm_has_lapic(struct file *vcpu);
int xenemu_kvm_configure(struct file *vm, u32 msr);
void xenemu_kvm_unconfigure(struct file *vm);

int xenemu_kvm_hvm_set_attr(struct xenemu_domain *domain, struct xenemu_vcpu *self,
			    const struct kvm_xen_hvm_attr *attr);
int xenemu_kvm_hvm_get_attr(struct xenemu_domain *domain, struct xenemu_vcpu *self,
			    struct kvm_xen_hvm_attr *attr);
int xenemu_kvm_get_clock(struct xenemu_vcpu *self, u64 *ns);

/* Only ever of the calling thread's own vCPU: see xenemu_vcpu_resync(). */
int xenemu_kvm_vcpu_init(struct xenemu_vcpu *self);
int xenemu_kvm_vcpu_set_attr(struct xenemu_vcpu *self, const struct kvm_xen_vcpu_attr *attr);
int xenemu_kvm_vcpu_get_attr(struct xenemu_vcpu *self, struct kvm_xen_vcpu_attr *attr);
int xenemu_kvm_translate(struct xenemu_vcpu *self, u64 gva, u64 *gpa);
long xenemu_kvm_run(struct xenemu_vcpu *self);
int xenemu_kvm_halt(struct xenemu_vcpu *self);

/* An IPI port that KVM delivers by itself; and the end of it. */
int xenemu_kvm_bind_ipi(struct xenemu_vcpu *self, u32 port, struct xenemu_vcpu *target);
int xenemu_kvm_bind_eventfd(struct xenemu_vcpu *self, u32 port, struct file *eventfd);
void xenemu_kvm_unbind_port(struct xenemu_domain *domain, struct xenemu_vcpu *self, u32 port);
/* All such ports at once. */
void xenemu_kvm_reset_ports(struct xenemu_domain *domain, struct xenemu_vcpu *self);

#endif /* XENEMU_KVM_H */
