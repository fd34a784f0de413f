/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's pages that the block backend has mapped.
 */
#ifndef XENEMU_BLKGRANT_H
#define XENEMU_BLKGRANT_H

#include <stdbool.h>
#include <stdint.h>

#include "gnttab.h"

/**
 * struct blk_grant - a page that stays mapped between requests
 * @gref: grant reference
 * @users: requests that use it now; it is on the LRU list when there are none
 * @map: the mapping, writable
 * @hash_next: next of the same hash
 * @lru_prev: neighbour on the LRU list
 * @lru_next: neighbour on the LRU list; next free one when not in use at all
 */
struct blk_grant {
	uint32_t gref;
	uint32_t users;
	struct xenemu_gnttab_map map;
	struct blk_grant *hash_next;
	struct blk_grant *lru_prev;
	struct blk_grant *lru_next;
};

/**
 * struct blk_grants - mapper of one device's pages
 * @fd: gnttab fd
 * @domid: granter
 * @max: pages that may stay mapped; 0 when the frontend does not reuse its
 *       grants and each request's pages are mapped for that request only
 * @hash_key: random, so that the frontend cannot choose colliding references
 * @hash_bits: log2 of the number of @buckets
 * @buckets: pages by reference
 * @pool: all there are, @max
 * @free: pages of @pool that are not mapped
 * @lru: list head; @lru.lru_next was used longest ago
 */
struct blk_grants {
	int fd;
	uint32_t domid;
	uint32_t max;
	uint64_t hash_key;
	unsigned int hash_bits;
	struct blk_grant **buckets;
	struct blk_grant *pool;
	struct blk_grant *free;
	struct blk_grant lru;
};

int blk_grants_init(struct blk_grants *grants, int fd, uint32_t domid, uint32_t max);
void blk_grants_destroy(struct blk_grants *grants);
int blk_grants_get(struct blk_grants *grants, const uint32_t *refs, unsigned int nr,
		   bool writable, void **addrs, struct blk_grant **held,
		   struct xenemu_gnttab_map *rest);
void blk_grants_put(struct blk_grants *grants, struct blk_grant **held, unsigned int nr,
		    struct xenemu_gnttab_map *rest);

#endif /* XENEMU_BLKGRANT_H */
