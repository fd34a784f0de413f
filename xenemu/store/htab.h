/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_STORE_HTAB_H
#define XENEMU_STORE_HTAB_H

#include <linux/list.h>
#include <linux/types.h>

/**
 * struct xenemu_hnode - link of an object in a hash table
 * @link: in its bucket
 * @hash: its hash value
 */
struct xenemu_hnode {
	struct hlist_node link;
	u32 hash;
};

/**
 * struct xenemu_htab - a hash table that grows
 * @bucket: lists of struct xenemu_hnode
 * @mask: number of buckets less one
 * @nr: number of objects
 *
 * No lock of its own. A table that cannot grow for want of memory gets slower
 * but goes on working, so that adding never fails.
 */
struct xenemu_htab {
	struct hlist_head *bucket;
	u32 mask;
	u32 nr;
};

int xenemu_htab_init(struct xenemu_htab *tab, u32 nr_buckets);
void xenemu_htab_free(struct xenemu_htab *tab);
void xenemu_htab_add(struct xenemu_htab *tab, struct xenemu_hnode *node, u32 hash);
void xenemu_htab_del(struct xenemu_htab *tab, struct xenemu_hnode *node);

/* Loop over the objects that may have this hash value; the caller compares. */
#define xenemu_htab_for_each(tab, pos, value, member) \
	hlist_for_each_entry(pos, &(tab)->bucket[(value) & (tab)->mask], member.link)

#endif /* XENEMU_STORE_HTAB_H */
