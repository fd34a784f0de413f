/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_STORE_GLUE_H
#define XENEMU_STORE_GLUE_H

#include <linux/types.h>

struct xenemu_domain;
struct xenemu_host;
struct xenemu_store;

/*
 * XenStore's connections to the rest of the module: file descriptors (fd.c)
 * and the rings of guests (ring.c). The store itself knows neither.
 *
 * Locks, outermost first. domain.h says where those of other files are between:
 *
 *   store fd's write_lock      mutex; also held while flow control makes a write
 *                              wait
 *   sdomain->admin_lock        mutex; held by INTRODUCE and RELEASE, which pin
 *                              pages and bind ports. One for each domain: a VMM
 *                              that does not let its own pages be pinned holds up
 *                              who introduces its domain, and nobody else
 *   glue->pause_lock           mutex; that all rings are paused, or none is
 *   glue->lock                 mutex; which domain has which ring. Nothing is
 *                              taken inside it
 *   ring->lock                 mutex; held while a ring is served
 *   store->lock                mutex; and those inside it, see store.h
 *
 * A store fd's read_lock is a mutex outside the spinlocks of the store's output
 * and of nothing else.
 */

/* Life of host->glue. */
int xenemu_glue_create_store(struct xenemu_host *host);
void xenemu_glue_destroy_store(struct xenemu_host *host);

/*
 * XENEMU_HOST_OPEN_STORE, of a new connection or the restored one of that number.
 * Returns a new fd or a negative errno.
 */
int xenemu_glue_open(struct xenemu_host *host, u32 domid, u32 connection);

/* The store, which lasts as long as the host. */
struct xenemu_store *xenemu_glue_store(struct xenemu_host *host);

/* Leave the rings of all guests alone, those to come too, or go on serving them. */
void xenemu_glue_pause(struct xenemu_host *host, bool paused);

/*
 * The life of a domain: it has a number in the host; it said SCHEDOP_shutdown;
 * it is being destroyed, with @dead set. For a domain that was never introduced
 * the second changes nothing. Process context; may sleep; the domain's locks must
 * not be held.
 */
int xenemu_glue_domain_created(struct xenemu_domain *domain);
void xenemu_glue_domain_shutdown(struct xenemu_domain *domain);
void xenemu_glue_domain_died(struct xenemu_domain *domain);

#endif /* XENEMU_STORE_GLUE_H */
