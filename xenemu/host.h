/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_HOST_H
#define XENEMU_HOST_H

#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/xarray.h>

struct xenemu_domain;
struct xenemu_glue;

#define XENEMU_MAX_DOMAINS	4096

/**
 * struct xenemu_host - one Xen host: a XenStore and a table of domains
 * @ref: held by the host fd, by each domain but dom0, and by each store,
 *       evtchn and gnttab fd
 * @dom0: the privileged domain, which has no guest. Lives as long as the host
 * @glue: the host's XenStore. Lives as long as the host
 * @lock: protects @domains. Outermost lock, see domain.h
 * @domains: domid to struct xenemu_domain; not a reference, an entry goes
 *           before its domain does. Read under RCU by xenemu_host_get_domain()
 * @nr_domains: number of entries in @domains, protected by @lock
 */
struct xenemu_host {
	struct kref ref;
	struct xenemu_domain *dom0;
	struct xenemu_glue *glue;

	struct mutex lock;

	struct xarray domains;
	u32 nr_domains;
};

extern const struct file_operations xenemu_host_fops;

struct xenemu_host *xenemu_host_get(struct xenemu_host *host);
void xenemu_host_put(struct xenemu_host *host);
struct xenemu_domain *xenemu_host_get_domain(struct xenemu_host *host, u32 domid);
int xenemu_host_add_domain(struct xenemu_host *host, struct xenemu_domain *domain);
void xenemu_host_del_domain(struct xenemu_host *host, struct xenemu_domain *domain);

#endif /* XENEMU_HOST_H */
