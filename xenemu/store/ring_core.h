/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_STORE_RING_CORE_H
#define XENEMU_STORE_RING_CORE_H

#include <linux/types.h>

#include "incoming.h"
#include "wire.h"

/*
 * The two byte queues of a guest's ring page, seen from the server. The guest
 * can write any byte of the page at any time, so each index is read once for
 * each decision and every copy stays inside the page whatever the indices say.
 *
 * Both pairs of indices live in the page only. Guests count on that: firmware
 * leaves the ring to the operating system by zeroing all of it.
 */

int xenemu_ring_core_pull(struct xenstore_domain_interface *ring,
			  struct xenemu_incoming *request, bool *tell);
int xenemu_ring_core_space(const struct xenstore_domain_interface *ring, char **to,
			   u32 *prod);
void xenemu_ring_core_produce(struct xenstore_domain_interface *ring, u32 prod);
void xenemu_ring_core_greet(struct xenstore_domain_interface *ring, u32 features);
void xenemu_ring_core_reset(struct xenstore_domain_interface *ring);

#endif /* XENEMU_STORE_RING_CORE_H */
