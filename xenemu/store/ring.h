/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_STORE_RING_H
#define XENEMU_STORE_RING_H

#include <linux/types.h>

struct xenemu_domain;
struct xenemu_ring;
struct xenemu_store;

struct xenemu_ring *xenemu_ring_attach(struct xenemu_store *store, struct xenemu_domain *domain,
				       u64 gfn, u32 port);
int xenemu_ring_reattach(struct xenemu_ring *ring, struct xenemu_domain *domain, u64 gfn,
			 u32 port);
void xenemu_ring_start(struct xenemu_ring *ring);
void xenemu_ring_pause(struct xenemu_ring *ring, bool paused);
void xenemu_ring_detach(struct xenemu_ring *ring);

struct xenemu_ring *xenemu_ring_get(struct xenemu_ring *ring);
void xenemu_ring_put(struct xenemu_ring *ring);

#endif /* XENEMU_STORE_RING_H */
