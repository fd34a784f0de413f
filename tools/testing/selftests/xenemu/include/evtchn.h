/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's operations on an event channel. */
#ifndef XENEMU_TEST_EVTCHN_H
#define XENEMU_TEST_EVTCHN_H

#include <stdint.h>
#include <xen/xen.h>
#include <xen/event_channel.h>

#include "vm.h"

static inline int64_t evtchn_op(struct vm_vcpu *vcpu, unsigned int op, void *arg, size_t len)
{
	return hypercall_arg(vcpu, __HYPERVISOR_event_channel_op, op, arg, len);
}

static inline int64_t send(struct vm_vcpu *vcpu, uint32_t port)
{
	struct evtchn_send arg = { .port = port };

	return evtchn_op(vcpu, EVTCHNOP_send, &arg, sizeof(arg));
}

static inline int64_t close_port(struct vm_vcpu *vcpu, uint32_t port)
{
	struct evtchn_close arg = { .port = port };

	return evtchn_op(vcpu, EVTCHNOP_close, &arg, sizeof(arg));
}

/* The port, or a negative errno. */
static inline int64_t bind_ipi(struct vm_vcpu *vcpu, uint32_t id)
{
	struct evtchn_bind_ipi arg = { .vcpu = id };
	int64_t ret = evtchn_op(vcpu, EVTCHNOP_bind_ipi, &arg, sizeof(arg));

	return ret ?: arg.port;
}

#endif /* XENEMU_TEST_EVTCHN_H */
