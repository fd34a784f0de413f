/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_EVTCHN_PORT_H
#define XENEMU_EVTCHN_PORT_H

#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct xenemu_domain;
struct xenemu_evtchn_consumer;
struct xenemu_vcpu;

/*
 * Event channels among themselves: what evtchn.c, the hypercalls, the delivery
 * ABIs and the evtchn fd share, and nobody else uses.
 */

/**
 * enum xenemu_port_state - state of a port
 * @XENEMU_PORT_CLOSED: closed for good: what is left goes after a grace period
 * @XENEMU_PORT_NEW: has a number, is not bound yet; to others as if closed
 * @XENEMU_PORT_UNBOUND: waits for its remote domain to bind to it
 * @XENEMU_PORT_INTERDOMAIN: has a peer
 * @XENEMU_PORT_VIRQ: bound to a virtual interrupt
 * @XENEMU_PORT_IPI: bound to a vCPU
 */
enum xenemu_port_state {
	XENEMU_PORT_CLOSED,
	XENEMU_PORT_NEW,
	XENEMU_PORT_UNBOUND,
	XENEMU_PORT_INTERDOMAIN,
	XENEMU_PORT_VIRQ,
	XENEMU_PORT_IPI,
};

/**
 * struct xenemu_port - an open event channel port
 * @domain: domain in whose table it is. Not a reference: a domain closes its
 *          ports before it goes; immutable
 * @number: its number there; immutable
 * @consumer: its consumer in the kernel, a reference that goes when the port
 *            is closed; NULL for a port of the guest; immutable
 * @lock: protects what follows. Irqs off, since events come from anywhere
 * @state: its state
 * @remote_domid: of an unbound port: who may bind to it
 * @virq: of a VIRQ port: VIRQ_*
 * @vcpu: vCPU to notify; read without the lock when an event is delivered
 * @peer: of an interdomain port: the other one, else NULL. Changed under the
 *        locks of both, so that either keeps it, and its domain, alive
 * @rcu: frees it
 *
 * Two ports are locked by ascending address.
 */
struct xenemu_port {
	struct xenemu_domain *domain;
	u32 number;
	struct xenemu_evtchn_consumer *consumer;

	spinlock_t lock;

	enum xenemu_port_state state;
	u16 remote_domid;
	u32 virq;
	u32 vcpu;
	struct xenemu_port *peer;

	struct rcu_head rcu;
};

/**
 * struct xenemu_evtchn_abi - how events get into a guest's memory
 * @nr_ports: how many ports the guest's memory has room for
 * @set_pending: an event came. Returns true if the upcall was not for all who
 *               may wait for it: those in SCHEDOP_poll are to be woken
 * @clear_pending: forget it; the port is being closed
 * @unmask: the guest wants events of the port again, and those it missed
 * @rescan: the vCPU has another vcpu_info: tell it that all may be pending
 *
 * All are called under the domain's page_lock, and those that may raise an
 * upcall under rcu_read_lock() too. The lock of the port or of its peer keeps
 * the port as it is; a port to be cleared is closed and nobody else's. The
 * memory is the guest's: the kernel changes its words with single atomic
 * instructions only and believes nothing it reads there.
 */
struct xenemu_evtchn_abi {
	u32 (*nr_ports)(struct xenemu_domain *domain);
	bool (*set_pending)(struct xenemu_domain *domain, struct xenemu_port *port);
	void (*clear_pending)(struct xenemu_domain *domain, struct xenemu_port *port);
	void (*unmask)(struct xenemu_domain *domain, struct xenemu_port *port);
	void (*rescan)(struct xenemu_domain *domain, struct xenemu_vcpu *vcpu);
};

extern const struct xenemu_evtchn_abi xenemu_evtchn_2l;

/* evtchn.c */
struct xenemu_port *xenemu_evtchn_find(struct xenemu_domain *domain, u32 number);
struct xenemu_evtchn_consumer *xenemu_evtchn_get_consumer(struct xenemu_domain *domain,
							  u32 number);

struct xenemu_port *xenemu_evtchn_new_port(struct xenemu_domain *domain,
					   struct xenemu_evtchn_consumer *consumer);
int xenemu_evtchn_commit(struct xenemu_port *port, enum xenemu_port_state state);
void xenemu_evtchn_discard(struct xenemu_port *port);

int xenemu_evtchn_new_unbound(struct xenemu_domain *domain,
			      struct xenemu_evtchn_consumer *consumer, u16 remote_domid,
			      u32 *number);
int xenemu_evtchn_new_interdomain(struct xenemu_domain *domain,
				  struct xenemu_evtchn_consumer *consumer,
				  struct xenemu_domain *remote, u32 remote_port, u32 *number);
int xenemu_evtchn_close(struct xenemu_vcpu *self, u32 number);

void xenemu_evtchn_raise(struct xenemu_port *port);
int xenemu_evtchn_send(struct xenemu_domain *domain, u32 number,
		       struct xenemu_evtchn_consumer *from);

/* evtchn_virq.c */
bool xenemu_evtchn_virq_is_percpu(u32 virq);
int xenemu_evtchn_new_virq(struct xenemu_domain *domain,
			   struct xenemu_evtchn_consumer *consumer, u32 virq, u32 vcpu_id,
			   u32 *number);
int xenemu_evtchn_new_ipi(struct xenemu_vcpu *self, u32 vcpu_id, u32 *number);
void xenemu_evtchn_free_virq(struct xenemu_port *port);
void xenemu_evtchn_forget_native(struct xenemu_vcpu *self, struct xenemu_port *port,
				 enum xenemu_port_state state);

#endif /* XENEMU_EVTCHN_PORT_H */
