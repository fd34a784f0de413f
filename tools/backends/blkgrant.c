// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's pages that the block backend has mapped.
 *
 * A frontend that reuses its grants lets us keep them mapped. Up to a limit we
 * do, one mapping a page; beyond it the page that was used longest ago goes. The
 * pages of other frontends are mapped for one request, all of them at once, and
 * unmapped before the response, because the frontend then takes them back.
 */
#include "blkgrant.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "blkreq.h"

static void lru_del(struct blk_grant *grant)
{
	grant->lru_prev->lru_next = grant->lru_next;
	grant->lru_next->lru_prev = grant->lru_prev;
}

static void lru_add_tail(struct blk_grants *grants, struct blk_grant *grant)
{
	grant->lru_prev = grants->lru.lru_prev;
	grant->lru_next = &grants->lru;
	grant->lru_prev->lru_next = grant;
	grants->lru.lru_prev = grant;
}

static struct blk_grant **bucket(struct blk_grants *grants, uint32_t gref)
{
	/* Multiplicative hashing; the key is odd. */
	return &grants->buckets[(gref + 1) * grants->hash_key >> (64 - grants->hash_bits)];
}

static struct blk_grant *lookup(struct blk_grants *grants, uint32_t gref)
{
	struct blk_grant *grant;

	for (grant = *bucket(grants, gref); grant; grant = grant->hash_next) {
		if (grant->gref == gref)
			return grant;
	}
	return NULL;
}

static void hash_del(struct blk_grants *grants, struct blk_grant *grant)
{
	struct blk_grant **pos = bucket(grants, grant->gref);

	while (*pos != grant)
		pos = &(*pos)->hash_next;
	*pos = grant->hash_next;
}

/* Let go of a page that no request uses. */
static void drop(struct blk_grants *grants, struct blk_grant *grant)
{
	lru_del(grant);
	hash_del(grants, grant);
	xenemu_gnttab_unmap(grants->fd, &grant->map);
	grant->lru_next = grants->free;
	grants->free = grant;
}

static void drop_all(struct blk_grants *grants)
{
	while (grants->lru.lru_next != &grants->lru)
		drop(grants, grants->lru.lru_next);
}

/* Map a page to keep. NULL if it cannot be, or if requests use all that we may keep. */
static struct blk_grant *keep(struct blk_grants *grants, uint32_t gref)
{
	struct blk_grant *grant, **pos;

	if (!grants->free && grants->lru.lru_next != &grants->lru)
		drop(grants, grants->lru.lru_next);
	grant = grants->free;
	if (!grant || xenemu_gnttab_map(grants->fd, grants->domid, &gref, 1, true, &grant->map))
		return NULL;

	grants->free = grant->lru_next;
	grant->gref = gref;
	grant->users = 0;
	pos = bucket(grants, gref);
	grant->hash_next = *pos;
	*pos = grant;
	lru_add_tail(grants, grant);
	return grant;
}

/**
 * blk_grants_init() - make a mapper
 * @grants: the mapper
 * @fd: gnttab fd
 * @domid: granter
 * @max: pages to keep mapped between requests, or 0
 */
int blk_grants_init(struct blk_grants *grants, int fd, uint32_t domid, uint32_t max)
{
	uint32_t i;

	memset(grants, 0, sizeof(*grants));
	grants->fd = fd;
	grants->domid = domid;
	grants->lru.lru_prev = &grants->lru;
	grants->lru.lru_next = &grants->lru;
	if (!max)
		return 0;

	if (getrandom(&grants->hash_key, sizeof(grants->hash_key), 0) !=
	    sizeof(grants->hash_key))
		return -EIO;
	grants->hash_key |= 1;
	grants->hash_bits = 1;
	while (1U << grants->hash_bits < max)
		grants->hash_bits++;

	grants->buckets = calloc((size_t)1 << grants->hash_bits, sizeof(*grants->buckets));
	grants->pool = calloc(max, sizeof(*grants->pool));
	if (!grants->buckets || !grants->pool) {
		blk_grants_destroy(grants);
		return -ENOMEM;
	}
	for (i = 0; i < max; i++) {
		grants->pool[i].lru_next = grants->free;
		grants->free = &grants->pool[i];
	}
	grants->max = max;
	return 0;
}

/**
 * blk_grants_destroy() - unmap all pages
 * @grants: the mapper; no request may use a page of it
 */
void blk_grants_destroy(struct blk_grants *grants)
{
	drop_all(grants);
	free(grants->buckets);
	free(grants->pool);
	grants->buckets = NULL;
	grants->pool = NULL;
	grants->free = NULL;
	grants->max = 0;
}

/* A page that is mapped already, or is from now on. */
static struct blk_grant *find(struct blk_grants *grants, uint32_t gref)
{
	struct blk_grant *grant;

	if (!grants->max)
		return NULL;
	grant = lookup(grants, gref);
	if (!grant)
		grant = keep(grants, gref);
	if (!grant)
		return NULL;
	if (!grant->users++)
		lru_del(grant);
	return grant;
}

/**
 * blk_grants_get() - map the pages of a request
 * @grants: the mapper
 * @refs: grant references, which may repeat
 * @nr: number of them, at most BLK_MAX_SEGS
 * @writable: the request writes into the pages
 * @addrs: out: where they are
 * @held: out: for blk_grants_put()
 * @rest: out: for blk_grants_put()
 *
 * Return: 0, or a negative errno if a page could not be mapped; none is then.
 */
int blk_grants_get(struct blk_grants *grants, const uint32_t *refs, unsigned int nr,
		   bool writable, void **addrs, struct blk_grant **held,
		   struct xenemu_gnttab_map *rest)
{
	uint32_t rest_refs[BLK_MAX_SEGS];
	unsigned int i, nr_rest = 0;
	int ret;

	rest->addr = NULL;
	for (i = 0; i < nr; i++) {
		held[i] = find(grants, refs[i]);
		if (held[i])
			addrs[i] = held[i]->map.addr;
		else
			rest_refs[nr_rest++] = refs[i];
	}
	if (!nr_rest)
		return 0;

	ret = xenemu_gnttab_map(grants->fd, grants->domid, rest_refs, nr_rest, writable, rest);
	if (ret == -ENOMEM || ret == -ENOSPC) {
		/* A process can have so many mappings and no more: what is kept must go. */
		drop_all(grants);
		ret = xenemu_gnttab_map(grants->fd, grants->domid, rest_refs, nr_rest, writable,
					rest);
	}
	if (ret) {
		blk_grants_put(grants, held, nr, rest);
		return ret;
	}
	for (i = 0, nr_rest = 0; i < nr; i++) {
		if (!held[i])
			addrs[i] = (char *)rest->addr + nr_rest++ * XENEMU_GNTTAB_PAGE_SIZE;
	}
	return 0;
}

/**
 * blk_grants_put() - a request is done with its pages
 * @grants: the mapper
 * @held: as filled by blk_grants_get()
 * @nr: as given to blk_grants_get()
 * @rest: as filled by blk_grants_get()
 */
void blk_grants_put(struct blk_grants *grants, struct blk_grant **held, unsigned int nr,
		    struct xenemu_gnttab_map *rest)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (held[i] && !--held[i]->users)
			lru_add_tail(grants, held[i]);
	}
	xenemu_gnttab_unmap(grants->fd, rest);
}
