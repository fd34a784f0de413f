// SPDX-License-Identifier: GPL-2.0-only
/*
 * A growing hash table. rhashtable would need RCU, a workqueue and a grace
 * period for tables that only ever live under one mutex.
 */
#include "htab.h"

#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/slab.h>

#define MAX_BUCKETS	BIT(20)

static struct hlist_head *alloc_buckets(u32 nr)
{
	return kvcalloc(nr, sizeof(struct hlist_head), GFP_KERNEL_ACCOUNT);
}

/**
 * xenemu_htab_init - make an empty table
 * @tab: the table
 * @nr_buckets: how many to begin with, a power of two
 *
 * Return: 0 or -ENOMEM.
 */
int xenemu_htab_init(struct xenemu_htab *tab, u32 nr_buckets)
{
	tab->bucket = alloc_buckets(nr_buckets);
	if (!tab->bucket)
		return -ENOMEM;
	tab->mask = nr_buckets - 1;
	tab->nr = 0;
	return 0;
}

/**
 * xenemu_htab_free - free a table, not the objects in it
 * @tab: the table
 */
void xenemu_htab_free(struct xenemu_htab *tab)
{
	kvfree(tab->bucket);
	tab->bucket = NULL;
}

static void grow(struct xenemu_htab *tab)
{
	u32 nr_buckets = (tab->mask + 1) * 2, i;
	struct hlist_head *bucket;
	struct xenemu_hnode *node;
	struct hlist_node *next;

	if (nr_buckets > MAX_BUCKETS)
		return;
	bucket = alloc_buckets(nr_buckets);
	if (!bucket)
		return;

	for (i = 0; i <= tab->mask; i++) {
		hlist_for_each_entry_safe(node, next, &tab->bucket[i], link) {
			hlist_del(&node->link);
			hlist_add_head(&node->link,
				       &bucket[node->hash & (nr_buckets - 1)]);
		}
	}
	kvfree(tab->bucket);
	tab->bucket = bucket;
	tab->mask = nr_buckets - 1;
}

/**
 * xenemu_htab_add - add an object
 * @tab: the table
 * @node: link in the object
 * @hash: its hash value
 */
void xenemu_htab_add(struct xenemu_htab *tab, struct xenemu_hnode *node, u32 hash)
{
	if (tab->nr > tab->mask)
		grow(tab);
	node->hash = hash;
	hlist_add_head(&node->link, &tab->bucket[hash & tab->mask]);
	tab->nr++;
}

/**
 * xenemu_htab_del - take an object out
 * @tab: the table
 * @node: link in an object of the table
 */
void xenemu_htab_del(struct xenemu_htab *tab, struct xenemu_hnode *node)
{
	hlist_del(&node->link);
	tab->nr--;
}
