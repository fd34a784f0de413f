// SPDX-License-Identifier: GPL-2.0-only
/*
 * HYPERVISOR_event_channel_op.
 *
 * Arguments have the same layout for 32- and 64-bit guests. They are copied
 * once, and the results are written back when all locks have been dropped. If
 * that fails, a port that was opened is closed again.
 *
 * EVTCHNOP_bind_pirq is not there because no guest of ours has a PIRQ
 * (XENFEAT_hvm_pirqs is not offered), and the FIFO operations because that ABI
 * is not: a guest takes -ENOSYS for both and goes on with what there is.
 */
#include "evtchn.h"

#include <linux/build_bug.h>
#include <linux/nospec.h>
#include <xen/interface/event_channel.h>

#include "domain.h"
#include "evtchn_bell.h"
#include "evtchn_port.h"
#include "host.h"
#include "hypercall.h"
#include "vcpu.h"

static_assert(sizeof(struct evtchn_alloc_unbound) == 8);
static_assert(sizeof(struct evtchn_bind_interdomain) == 12);
static_assert(sizeof(struct evtchn_bind_virq) == 12);
static_assert(sizeof(struct evtchn_bind_ipi) == 8);
static_assert(sizeof(struct evtchn_close) == 4);
static_assert(sizeof(struct evtchn_send) == 4);
static_assert(sizeof(struct evtchn_status) == 24);
static_assert(sizeof(struct evtchn_bind_vcpu) == 8);
static_assert(sizeof(struct evtchn_unmask) == 4);
static_assert(sizeof(struct evtchn_reset) == 2);

/* A domid as the guest may call itself. */
static u16 resolve(struct xenemu_domain *self, u16 domid)
{
	return domid == DOMID_SELF ? self->domid : domid;
}

/* Guests have no rights over other domains. */
static int check_self(struct xenemu_domain *self, u16 domid)
{
	struct xenemu_domain *domain;

	domid = resolve(self, domid);
	if (domid == self->domid)
		return 0;
	domain = xenemu_host_get_domain(self->host, domid);
	if (!domain)
		return -ESRCH;
	xenemu_domain_put(domain);
	return -EPERM;
}

static int close_port(struct xenemu_vcpu *self, u32 port)
{
	int ret;

	mutex_lock(&self->domain->lock);
	ret = xenemu_evtchn_close(self, port);
	mutex_unlock(&self->domain->lock);
	return ret;
}

/* Write back the arguments of an operation that opened @port. */
static int return_port(struct xenemu_hcall *hc, const void *args, size_t len, u32 port)
{
	if (!xenemu_hcall_write(hc, hc->args[1], args, len))
		return 0;
	close_port(hc->vcpu, port);
	return -EFAULT;
}

static int op_alloc_unbound(struct xenemu_hcall *hc)
{
	struct xenemu_domain *self = hc->vcpu->domain;
	struct evtchn_alloc_unbound args;
	int ret;

	if (xenemu_hcall_read(hc, hc->args[1], &args, sizeof(args)))
		return -EFAULT;
	ret = check_self(self, args.dom);
	if (ret)
		return ret;

	mutex_lock(&self->lock);
	ret = xenemu_evtchn_new_unbound(self, NULL, resolve(self, args.remote_dom), &args.port);
	mutex_unlock(&self->lock);
	return ret ?: return_port(hc, &args, sizeof(args), args.port);
}

static int op_bind_interdomain(struct xenemu_hcall *hc)
{
	struct xenemu_domain *self = hc->vcpu->domain;
	struct evtchn_bind_interdomain args;
	struct xenemu_domain *remote;
	int ret;

	if (xenemu_hcall_read(hc, hc->args[1], &args, sizeof(args)))
		return -EFAULT;
	remote = xenemu_host_get_domain(self->host, resolve(self, args.remote_dom));
	if (!remote)
		return -ESRCH;

	mutex_lock(&self->lock);
	ret = xenemu_evtchn_new_interdomain(self, NULL, remote, args.remote_port,
					    &args.local_port);
	mutex_unlock(&self->lock);
	xenemu_domain_put(remote);
	return ret ?: return_port(hc, &args, sizeof(args), args.local_port);
}

static int op_bind_virq(struct xenemu_hcall *hc)
{
	struct xenemu_domain *self = hc->vcpu->domain;
	struct evtchn_bind_virq args;
	int ret;

	if (xenemu_hcall_read(hc, hc->args[1], &args, sizeof(args)))
		return -EFAULT;

	mutex_lock(&self->lock);
	ret = xenemu_evtchn_new_virq(self, NULL, args.virq, args.vcpu, &args.port);
	mutex_unlock(&self->lock);
	return ret ?: return_port(hc, &args, sizeof(args), args.port);
}

static int op_bind_ipi(struct xenemu_hcall *hc)
{
	struct xenemu_domain *self = hc->vcpu->domain;
	struct evtchn_bind_ipi args;
	int ret;

	if (xenemu_hcall_read(hc, hc->args[1], &args, sizeof(args)))
		return -EFAULT;

	mutex_lock(&self->lock);
	ret = xenemu_evtchn_new_ipi(hc->vcpu, args.vcpu, &args.port);
	mutex_unlock(&self->lock);
	return ret ?: return_port(hc, &args, sizeof(args), args.port);
}

static int op_close(struct xenemu_hcall *hc)
{
	struct evtchn_close args;

	if (xenemu_hcall_read(hc, hc->args[1], &args, sizeof(args)))
		return -EFAULT;
	return close_port(hc->vcpu, args.port);
}

static int op_send(struct xenemu_hcall *hc)
{
	struct evtchn_send args;
	int ret;

	if (xenemu_hcall_read(hc, hc->args[1], &args, sizeof(args)))
		return -EFAULT;
	ret = xenemu_evtchn_send(hc->vcpu->domain, args.port, NULL);
	if (!ret)
		xenemu_bell_hang(hc->vcpu, args.port);
	return ret;
}

static void fill_status(struct evtchn_status *status, struct xenemu_port *port)
{
	lockdep_assert_held(&port->lock);

	status->vcpu = port->vcpu;
	switch (port->state) {
	case XENEMU_PORT_CLOSED:
	case XENEMU_PORT_NEW:
		status->status = EVTCHNSTAT_closed;
		break;
	case XENEMU_PORT_UNBOUND:
		status->status = EVTCHNSTAT_unbound;
		status->u.unbound.dom = port->remote_domid;
		break;
	case XENEMU_PORT_INTERDOMAIN:
		status->status = EVTCHNSTAT_interdomain;
		status->u.interdomain.dom = port->peer->domain->domid;
		status->u.interdomain.port = port->peer->number;
		break;
	case XENEMU_PORT_VIRQ:
		status->status = EVTCHNSTAT_virq;
		status->u.virq = port->virq;
		break;
	case XENEMU_PORT_IPI:
		status->status = EVTCHNSTAT_ipi;
		break;
	}
}

/* A number that the guest could have but has not opened is a closed port. */
static int get_status(struct xenemu_domain *domain, struct evtchn_status *status)
{
	struct xenemu_port *port;
	unsigned long flags;

	if (!status->port || status->port > domain->evtchn.max_port)
		return -EINVAL;

	guard(rcu)();
	port = xenemu_evtchn_find(domain, status->port);
	if (!port) {
		status->status = EVTCHNSTAT_closed;
		status->vcpu = 0;
		return 0;
	}
	if (port->consumer)
		return -EACCES;
	spin_lock_irqsave(&port->lock, flags);
	fill_status(status, port);
	spin_unlock_irqrestore(&port->lock, flags);
	return 0;
}

static int op_status(struct xenemu_hcall *hc)
{
	struct xenemu_domain *self = hc->vcpu->domain;
	struct evtchn_status args;
	int ret;

	if (xenemu_hcall_read(hc, hc->args[1], &args, sizeof(args)))
		return -EFAULT;
	ret = check_self(self, args.dom);
	if (!ret)
		ret = get_status(self, &args);
	return ret ?: xenemu_hcall_write(hc, hc->args[1], &args, sizeof(args));
}

/* IPIs and per-vCPU VIRQs stay where they were bound. */
static bool can_move(struct xenemu_port *port)
{
	lockdep_assert_held(&port->lock);

	switch (port->state) {
	case XENEMU_PORT_UNBOUND:
	case XENEMU_PORT_INTERDOMAIN:
		return true;
	case XENEMU_PORT_VIRQ:
		return !xenemu_evtchn_virq_is_percpu(port->virq);
	default:
		return false;
	}
}

static int bind_vcpu(struct xenemu_domain *domain, u32 number, u32 vcpu_id)
{
	struct xenemu_port *port;
	unsigned long flags;
	int ret = -EINVAL;

	guard(rcu)();
	if (!xenemu_domain_vcpu(domain, vcpu_id))
		return -ENOENT;
	port = xenemu_evtchn_find(domain, number);
	if (!port || port->consumer)
		return -EINVAL;
	spin_lock_irqsave(&port->lock, flags);
	if (can_move(port)) {
		WRITE_ONCE(port->vcpu, vcpu_id);
		ret = 0;
	}
	spin_unlock_irqrestore(&port->lock, flags);
	return ret;
}

static int op_bind_vcpu(struct xenemu_hcall *hc)
{
	struct evtchn_bind_vcpu args;

	if (xenemu_hcall_read(hc, hc->args[1], &args, sizeof(args)))
		return -EFAULT;
	return bind_vcpu(hc->vcpu->domain, args.port, args.vcpu);
}

/* As in Xen, no error for a port that is there but is not the guest's. */
static int unmask(struct xenemu_domain *domain, u32 number)
{
	struct xenemu_port *port;
	unsigned long flags;
	int ret = -EINVAL;

	guard(rcu)();
	port = xenemu_evtchn_find(domain, number);
	if (!port)
		return -EINVAL;
	if (port->consumer)
		return 0;
	spin_lock_irqsave(&port->lock, flags);
	if (port->state > XENEMU_PORT_NEW) {
		read_lock(&domain->page_lock);
		domain->evtchn.abi->unmask(domain, port);
		read_unlock(&domain->page_lock);
		ret = 0;
	}
	spin_unlock_irqrestore(&port->lock, flags);
	return ret;
}

static int op_unmask(struct xenemu_hcall *hc)
{
	struct evtchn_unmask args;

	if (xenemu_hcall_read(hc, hc->args[1], &args, sizeof(args)))
		return -EFAULT;
	return unmask(hc->vcpu->domain, args.port);
}

static int op_reset(struct xenemu_hcall *hc)
{
	struct xenemu_domain *self = hc->vcpu->domain;
	struct evtchn_reset args;
	int ret;

	if (xenemu_hcall_read(hc, hc->args[1], &args, sizeof(args)))
		return -EFAULT;
	ret = check_self(self, args.dom);
	if (!ret)
		xenemu_evtchn_reset(hc->vcpu, self);
	return ret;
}

static int (*const ops[])(struct xenemu_hcall *hc) = {
	[EVTCHNOP_bind_interdomain]	= op_bind_interdomain,
	[EVTCHNOP_bind_virq]		= op_bind_virq,
	[EVTCHNOP_close]		= op_close,
	[EVTCHNOP_send]			= op_send,
	[EVTCHNOP_status]		= op_status,
	[EVTCHNOP_alloc_unbound]	= op_alloc_unbound,
	[EVTCHNOP_bind_ipi]		= op_bind_ipi,
	[EVTCHNOP_bind_vcpu]		= op_bind_vcpu,
	[EVTCHNOP_unmask]		= op_unmask,
	[EVTCHNOP_reset]		= op_reset,
};

/**
 * xenemu_event_channel_op - HYPERVISOR_event_channel_op
 * @hc: the hypercall
 *
 * Context: process context, no lock held; may sleep.
 * Return: what the guest gets.
 */
s64 xenemu_event_channel_op(struct xenemu_hcall *hc)
{
	u32 cmd = hc->args[0];

	if (cmd >= ARRAY_SIZE(ops))
		return -ENOSYS;
	cmd = array_index_nospec(cmd, ARRAY_SIZE(ops));
	return ops[cmd] ? ops[cmd](hc) : -ENOSYS;
}
