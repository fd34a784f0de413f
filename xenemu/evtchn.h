/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_EVTCHN_H
#define XENEMU_EVTCHN_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/types.h>
#include <linux/xarray.h>
#include <xen/interface/xen.h>

struct xenemu_domain;
struct xenemu_evtchn_abi;
struct xenemu_evtchn_consumer;
struct xenemu_hcall;
struct xenemu_host;
struct xenemu_vcpu;

/* Highest port that any ABI has a number for: FIFO's. dom0 may have them all. */
#define XENEMU_MAX_PORT		((1U << 17) - 1)

/**
 * struct xenemu_evtchn_consumer_ops - what consumes the events of a port
 * @notify: an event was sent to the port. Process context with no lock held;
 *          may sleep, unless @kick is NULL. For an event of a guest this is the
 *          sending vCPU's thread
 * @kick: an event was sent to the port by xenemu_evtchn_notify_peer(), whose
 *        caller may not be able to wait. Any context but NMI, with a port
 *        locked: must not sleep nor call a function of this file. NULL for a
 *        consumer whose @notify is like that
 * @release: the last reference went: frees what embeds the consumer. Process
 *           context; may sleep
 */
struct xenemu_evtchn_consumer_ops {
	void (*notify)(struct xenemu_evtchn_consumer *consumer);
	void (*kick)(struct xenemu_evtchn_consumer *consumer);
	void (*release)(struct xenemu_evtchn_consumer *consumer);
};

/**
 * struct xenemu_evtchn_consumer - consumer of a port in the kernel
 * @ops: the consumer's operations, immutable
 * @ref: held by the port and by its owner, and for the time of a call of @ops
 * @domain: domain in whose table the port is (dom0's for XenStore); immutable
 *          once bound, a reference that goes with the consumer. NULL before
 * @port: number of the port there; immutable once bound
 *
 * The domain of a port without a consumer gets its events in guest memory.
 *
 * A consumer is bound once. When its domain dies its port is closed, and
 * nothing is sent or received any more; its owner unbinds it as ever.
 */
struct xenemu_evtchn_consumer {
	const struct xenemu_evtchn_consumer_ops *ops;
	struct kref ref;
	struct xenemu_domain *domain;
	u32 port;
};

/**
 * struct xenemu_evtchn_table - the event channels of a domain
 * @max_port: highest port the domain may have, if its ABI has it; immutable
 * @abi: how the guest gets its events; protected by the domain's page_lock.
 *       Never used in dom0, whose ports all have consumers
 * @ports: by number, from 1: struct xenemu_port; looked up under RCU. Its lock
 *         protects @dead, is taken in process context only, and never inside
 *         the lock of a port
 * @virqs: by VIRQ and vCPU: the struct xenemu_port it is bound to; likewise
 * @dead: no port may be added any more
 * @bells: eventfds by which KVM may tell of events; protected, as the next two, by
 *         domain->lock
 * @nr_bells: number of them
 * @nr_free_bells: number of those that no port has; read without the lock
 */
struct xenemu_evtchn_table {
	u32 max_port;
	const struct xenemu_evtchn_abi *abi;
	struct xarray ports;
	struct xarray virqs;
	bool dead;

	struct list_head bells;
	u32 nr_bells;
	u32 nr_free_bells;
};

int xenemu_evtchn_init(struct xenemu_domain *domain, u32 max_port);
u32 xenemu_evtchn_highest_port(struct xenemu_domain *domain);
void xenemu_evtchn_destroy(struct xenemu_domain *domain);
void xenemu_evtchn_free(struct xenemu_domain *domain);
void xenemu_evtchn_reset(struct xenemu_vcpu *self, struct xenemu_domain *domain);

s64 xenemu_event_channel_op(struct xenemu_hcall *hc);
int xenemu_evtchn_alloc_unbound(struct xenemu_domain *domain, u32 remote_domid, u32 *port);
int xenemu_evtchn_send_virq(struct xenemu_domain *domain, u32 virq, u32 vcpu_id);
void xenemu_evtchn_send_timer(struct xenemu_vcpu *vcpu);

void xenemu_evtchn_consumer_init(struct xenemu_evtchn_consumer *consumer,
				 const struct xenemu_evtchn_consumer_ops *ops);
void xenemu_evtchn_consumer_put(struct xenemu_evtchn_consumer *consumer);
int xenemu_evtchn_bind_consumer(struct xenemu_domain *domain,
				struct xenemu_evtchn_consumer *consumer,
				struct xenemu_domain *remote, u32 remote_port);
void xenemu_evtchn_unbind_consumer(struct xenemu_evtchn_consumer *consumer);
void xenemu_evtchn_notify_peer(struct xenemu_evtchn_consumer *consumer);

void xenemu_evtchn_rescan(struct xenemu_vcpu *vcpu);

int xenemu_evtchn_open(struct xenemu_host *host, u32 domid);

#endif /* XENEMU_EVTCHN_H */
