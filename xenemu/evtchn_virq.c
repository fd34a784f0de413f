// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ports without a peer: virtual interrupts and IPIs.
 *
 * KVM delivers IPIs and the VIRQ of a vCPU's timer by itself. It is told of
 * these ports when they have been opened, and forgets them before their numbers
 * are free again.
 */
#include "evtchn.h"

#include <linux/cleanup.h>
#include <linux/err.h>
#include <xen/interface/xen.h>

#include "domain.h"
#include "evtchn_bell.h"
#include "evtchn_port.h"
#include "kvm.h"
#include "vcpu.h"

/* Xen's name today of what the kernel's header has under the one before. */
#define VIRQ_ARGO	VIRQ_XC_RESERVED

enum virq_type { VIRQ_GLOBAL, VIRQ_DOMAIN, VIRQ_VCPU };

static enum virq_type virq_type(u32 virq)
{
	switch (virq) {
	case VIRQ_TIMER:
	case VIRQ_DEBUG:
	case VIRQ_XENOPROF:
	case VIRQ_XENPMU:
		return VIRQ_VCPU;
	case VIRQ_ARGO:
		return VIRQ_DOMAIN;
	default:
		return VIRQ_GLOBAL;
	}
}

/**
 * xenemu_evtchn_virq_is_percpu - is a VIRQ one for each vCPU?
 * @virq: the VIRQ, below NR_VIRQS
 *
 * Return: true for one that stays on the vCPU it was bound to.
 */
bool xenemu_evtchn_virq_is_percpu(u32 virq)
{
	return virq_type(virq) == VIRQ_VCPU;
}

/* Where a VIRQ is in table->virqs. One that can move is with vCPU 0. */
static unsigned long virq_index(u32 virq, u32 vcpu_id)
{
	return virq + (virq_type(virq) == VIRQ_VCPU ? vcpu_id * NR_VIRQS : 0);
}

static bool has_vcpu(struct xenemu_domain *domain, u32 id)
{
	guard(rcu)();
	return xenemu_domain_vcpu(domain, id);
}

/* KVM raises VIRQ_TIMER of the one-shot timer by itself. 0 for no port. */
static void set_timer_port(struct xenemu_domain *domain, u32 vcpu_id, u32 number)
{
	struct xenemu_vcpu *vcpu;

	lockdep_assert_held(&domain->lock);

	vcpu = xenemu_domain_vcpu(domain, vcpu_id);
	if (!vcpu)
		return;
	vcpu->timer_port = number;
	xenemu_vcpu_resync(vcpu, XENEMU_SYNC_TIMER);
}

static int check_virq(struct xenemu_domain *domain, struct xenemu_evtchn_consumer *consumer,
		      u32 virq, u32 vcpu_id)
{
	enum virq_type type;

	if (virq >= NR_VIRQS)
		return -EINVAL;
	type = virq_type(virq);
	if (type != VIRQ_VCPU && vcpu_id)
		return -EINVAL;
	/* dom0 has VIRQs but no vCPU. */
	if ((domain->domid || type == VIRQ_VCPU) && !has_vcpu(domain, vcpu_id))
		return -ENOENT;
	/* Global ones are dom0's. */
	if (domain->domid && type == VIRQ_GLOBAL)
		return -EBUSY;
	/* KVM delivers the timer to guest memory only. */
	if (consumer && virq == VIRQ_TIMER)
		return -EINVAL;
	if (xa_load(&domain->evtchn.virqs, virq_index(virq, vcpu_id)))
		return -EEXIST;
	return 0;
}

/**
 * xenemu_evtchn_new_virq - a new port for a virtual interrupt
 * @domain: domain to have the port
 * @consumer: its consumer, or NULL for the guest
 * @virq: VIRQ_*; any value
 * @vcpu_id: vCPU to have it, or 0 for one that is not per vCPU; any value
 * @number: gets the number of the port
 *
 * Context: process context; without @consumer, under domain->lock.
 * Return: 0, -EINVAL, -ENOENT, -EBUSY or -EEXIST as EVTCHNOP_bind_virq has
 * them, or as xenemu_evtchn_new_unbound().
 */
int xenemu_evtchn_new_virq(struct xenemu_domain *domain,
			   struct xenemu_evtchn_consumer *consumer, u32 virq, u32 vcpu_id,
			   u32 *number)
{
	struct xenemu_evtchn_table *table = &domain->evtchn;
	struct xenemu_port *port;
	unsigned long index;
	int ret;

	ret = check_virq(domain, consumer, virq, vcpu_id);
	if (ret)
		return ret;

	port = xenemu_evtchn_new_port(domain, consumer);
	if (IS_ERR(port))
		return PTR_ERR(port);
	*number = port->number;
	port->virq = virq;
	port->vcpu = vcpu_id;

	index = virq_index(virq, vcpu_id);
	ret = xa_insert(&table->virqs, index, port, GFP_KERNEL_ACCOUNT);
	if (ret) {
		xenemu_evtchn_discard(port);
		return ret == -EBUSY ? -EEXIST : ret;
	}
	ret = xenemu_evtchn_commit(port, XENEMU_PORT_VIRQ);
	if (ret) {
		xa_erase(&table->virqs, index);
		xenemu_evtchn_discard(port);
		return ret;
	}
	if (virq == VIRQ_TIMER)
		set_timer_port(domain, vcpu_id, *number);
	return 0;
}

static void raise_virq(struct xenemu_domain *domain, u32 virq, u32 vcpu_id)
{
	struct xenemu_port *port;
	unsigned long flags;

	rcu_read_lock();
	port = xa_load(&domain->evtchn.virqs, virq_index(virq, vcpu_id));
	if (port) {
		spin_lock_irqsave(&port->lock, flags);
		if (port->state == XENEMU_PORT_VIRQ)
			xenemu_evtchn_raise(port);
		spin_unlock_irqrestore(&port->lock, flags);
	}
	rcu_read_unlock();
}

/**
 * xenemu_evtchn_send_virq - raise a virtual interrupt
 * @domain: the domain
 * @virq: VIRQ_*; any value
 * @vcpu_id: the vCPU, or 0 for a VIRQ that is not per vCPU; any value
 *
 * Context: any but NMI, no port locked.
 * Return: 0, also if it is not bound, -EINVAL for a VIRQ that cannot be raised
 * like this, -ENOENT if there is no such vCPU.
 */
int xenemu_evtchn_send_virq(struct xenemu_domain *domain, u32 virq, u32 vcpu_id)
{
	/* The timers raise theirs. */
	if (virq >= NR_VIRQS || virq == VIRQ_TIMER)
		return -EINVAL;
	if (!xenemu_evtchn_virq_is_percpu(virq)) {
		if (vcpu_id)
			return -EINVAL;
	} else if (!has_vcpu(domain, vcpu_id)) {
		return -ENOENT;
	}
	raise_virq(domain, virq, vcpu_id);
	return 0;
}

/**
 * xenemu_evtchn_send_timer - raise VIRQ_TIMER, if the guest has bound it
 * @vcpu: the vCPU, whose periodic timer expired
 *
 * Context: any but NMI, no port locked.
 */
void xenemu_evtchn_send_timer(struct xenemu_vcpu *vcpu)
{
	raise_virq(vcpu->domain, VIRQ_TIMER, vcpu->id);
}

/**
 * xenemu_evtchn_new_ipi - a new port by which vCPUs interrupt one of them
 * @self: the calling thread's vCPU
 * @vcpu_id: the vCPU to interrupt; any value
 * @number: gets the number of the port
 *
 * KVM delivers its events by itself as soon as it knows the port. If it does
 * not learn of it, EVTCHNOP_send comes to us.
 *
 * Context: process context, under domain->lock.
 * Return: 0, -ENOENT if there is no such vCPU, or as xenemu_evtchn_new_unbound().
 */
int xenemu_evtchn_new_ipi(struct xenemu_vcpu *self, u32 vcpu_id, u32 *number)
{
	struct xenemu_domain *domain = self->domain;
	struct xenemu_vcpu *target;
	struct xenemu_port *port;
	int ret;

	lockdep_assert_held(&domain->lock);

	target = xenemu_domain_vcpu(domain, vcpu_id);
	if (!target)
		return -ENOENT;
	port = xenemu_evtchn_new_port(domain, NULL);
	if (IS_ERR(port))
		return PTR_ERR(port);
	*number = port->number;
	port->vcpu = vcpu_id;
	ret = xenemu_evtchn_commit(port, XENEMU_PORT_IPI);
	if (ret) {
		xenemu_evtchn_discard(port);
		return ret;
	}
	xenemu_kvm_bind_ipi(self, *number, target);
	return 0;
}

/**
 * xenemu_evtchn_free_virq - a VIRQ can be bound again
 * @port: the port it was bound to, closed
 */
void xenemu_evtchn_free_virq(struct xenemu_port *port)
{
	xa_erase(&port->domain->evtchn.virqs, virq_index(port->virq, port->vcpu));
}

/**
 * xenemu_evtchn_forget_native - have KVM forget a port of a guest
 * @self: the calling thread's vCPU, or NULL
 * @port: the port, closed; KVM may know it or not
 * @state: what it was
 *
 * Context: process context of the VMM, under domain->lock.
 */
void xenemu_evtchn_forget_native(struct xenemu_vcpu *self, struct xenemu_port *port,
				 enum xenemu_port_state state)
{
	struct xenemu_domain *domain = port->domain;

	lockdep_assert_held(&domain->lock);

	if (state == XENEMU_PORT_IPI)
		xenemu_kvm_unbind_port(domain, self, port->number);
	else if (state == XENEMU_PORT_VIRQ && port->virq == VIRQ_TIMER)
		set_timer_port(domain, port->vcpu, 0);
	else if (state == XENEMU_PORT_INTERDOMAIN || state == XENEMU_PORT_UNBOUND)
		xenemu_bell_take(self, port->number);
}
