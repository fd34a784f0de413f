/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_STORE_GLUE_H
#define XENEMU_STORE_GLUE_H

#include <linux/types.h>

struct xenemu_domain;
struct xenemu_host;

/*
 * XenStore's connections to the rest of the module: file descriptors (fd.c)
 * and the rings of guests (ring.c). The store itself knows neither.
 */

/* Life of host->store. */
int xenemu_glue_create_store(struct xenemu_host *host);
void xenemu_glue_destroy_store(struct xenemu_host *host);

/* XENEMU_HOST_OPEN_STORE. Returns a new fd or a negative errno. */
int xenemu_glue_open(struct xenemu_host *host, u32 domid);

/*
 * The domain said SCHEDOP_shutdown; it is being destroyed. For a domain that
 * was never introduced, nothing happens. Process context; may sleep; the
 * domain's locks must not be held.
 */
void xenemu_glue_domain_shutdown(struct xenemu_domain *domain);
void xenemu_glue_domain_died(struct xenemu_domain *domain);

#endif /* XENEMU_STORE_GLUE_H */
