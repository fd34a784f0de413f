/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_EVTCHN_H
#define XENEMU_EVTCHN_H

#include <linux/kref.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <xen/interface/xen.h>

struct xenemu_domain;
struct xenemu_evtchn_consumer;
struct xenemu_hcall;
struct xenemu_host;
struct xenemu_port;
struct xenemu_vcpu;

/**
 * struct xenemu_evtchn_consumer_ops - what consumes the events of a port
 * @notify: an event was sent to the port. Process context with no lock held;
 *          may sleep. For an event of a guest this is the sending vCPU's thread
 * @release: the last reference went: frees what embeds the consumer. Process
 *           context; may sleep
 */
struct xenemu_evtchn_consumer_ops {
	void (*notify)(struct xenemu_evtchn_consumer *consumer);
	void (*release)(struct xenemu_evtchn_consumer *consumer);
};

/**
 * struct xenemu_evtchn_consumer - consumer of a port in the kernel
 * @ops: the consumer's operations, immutable
 * @ref: held by the port and by its owner
 * @domain: domain in whose table the port is (dom0's for XenStore); immutable
 *          once bound, a reference
 * @port: number of the port there; immutable once bound
 *
 * The domain of a port without a consumer gets its events in guest memory.
 */
struct xenemu_evtchn_consumer {
	const struct xenemu_evtchn_consumer_ops *ops;
	struct kref ref;
	struct xenemu_domain *domain;
	u32 port;
};

/**
 * struct xenemu_evtchn_table - the event channels of a domain
 * @lock: protects @max_port
 * @max_port: highest port the domain may have
 */
struct xenemu_evtchn_table {
	spinlock_t lock;
	u32 max_port;
};

/* Life of the table; @max_port 0 means what the ABI allows. */
int xenemu_evtchn_init(struct xenemu_domain *domain, u32 max_port);
/* The domain is dead: close every port, tell every peer. May sleep. */
void xenemu_evtchn_destroy(struct xenemu_domain *domain);
/* Nobody can reach the domain any more: free the table. */
void xenemu_evtchn_free(struct xenemu_domain *domain);
/* Close every port that the guest owns, as EVTCHNOP_reset does. */
void xenemu_evtchn_reset(struct xenemu_vcpu *self, struct xenemu_domain *domain);

s64 xenemu_event_channel_op(struct xenemu_hcall *hc);
int xenemu_evtchn_alloc_unbound(struct xenemu_domain *domain, u32 remote_domid, u32 *port);
int xenemu_evtchn_send_virq(struct xenemu_domain *domain, u32 virq, u32 vcpu_id);

/*
 * A new port of @domain that @consumer consumes, bound to @remote_port of
 * @remote (which must be unbound for @domain). Returns 0 or what
 * EVTCHNOP_bind_interdomain would.
 */
int xenemu_evtchn_bind_consumer(struct xenemu_domain *domain,
				struct xenemu_evtchn_consumer *consumer,
				struct xenemu_domain *remote, u32 remote_port);
void xenemu_evtchn_unbind_consumer(struct xenemu_evtchn_consumer *consumer);
/* Send an event from @consumer's port to its peer, if it has one. Any context but NMI. */
void xenemu_evtchn_notify_peer(struct xenemu_evtchn_consumer *consumer);

/*
 * @vcpu has another vcpu_info now: set all its selector bits and
 * evtchn_upcall_pending, so that no event is lost.
 * Context: domain->page_lock must not be held.
 */
void xenemu_evtchn_rescan(struct xenemu_vcpu *vcpu);

int xenemu_evtchn_open(struct xenemu_host *host, u32 domid);

#endif /* XENEMU_EVTCHN_H */
