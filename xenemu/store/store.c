// SPDX-License-Identifier: GPL-2.0-only
/*
 * The store: its life, and how its current tree is read and replaced.
 */
#include "internal.h"

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/random.h>

static int alloc_tables(struct xenemu_store *store)
{
	store->stack = kvcalloc(XENEMU_STORE_MAX_DEPTH, sizeof(*store->stack),
				GFP_KERNEL_ACCOUNT);
	store->walk_stack = kvcalloc(XENEMU_STORE_MAX_DEPTH, sizeof(*store->walk_stack),
				     GFP_KERNEL_ACCOUNT);
	store->walk_path = kmalloc(XENSTORE_ABS_PATH_MAX + 1, GFP_KERNEL_ACCOUNT);
	store->trie = xenemu_watch_create_root();
	if (!store->stack || !store->walk_stack || !store->walk_path || !store->trie ||
	    xenemu_htab_init(&store->domain_tab, 16) ||
	    xenemu_htab_init(&store->trie_tab, 64) ||
	    xenemu_htab_init(&store->watch_tab, 64))
		return -ENOMEM;
	return 0;
}

/* Also of a store that was not completed. */
static void free_tables(struct xenemu_store *store)
{
	u32 i;

	xenemu_htab_free(&store->watch_tab);
	xenemu_htab_free(&store->trie_tab);
	xenemu_htab_free(&store->domain_tab);
	for (i = 0; i < XENEMU_BIRTH_PIECES; i++)
		kfree(store->birth[i]);
	kfree(store->trie);
	kfree(store->walk_path);
	kvfree(store->walk_stack);
	kvfree(store->stack);
}

/* The first version of the tree, with dom0, who owns it. */
static int create_contents(struct xenemu_store *store)
{
	struct xenemu_kids_iter iter;
	const struct xenemu_node *node;
	int ret = -ENOMEM;
	u32 skip;

	mutex_lock(&store->lock);
	if (!xenemu_sdomain_create(store, 0))
		goto out_unlock;
	store->top = xenemu_tree_create(store);
	if (!store->top)
		goto out_unlock;
	for (node = xenemu_kids_seek(&iter, store->top->kids, 0, &skip); node;
	     node = xenemu_kids_next(&iter))
		xenemu_quota_count_tree(store, node, 1);
	xenemu_quota_commit(store);
	ret = 0;
out_unlock:
	mutex_unlock(&store->lock);
	return ret;
}

struct xenemu_store *xenemu_store_create(const struct xenemu_store_ops *ops, void *priv)
{
	struct xenemu_store *store;

	store = kzalloc(sizeof(*store), GFP_KERNEL_ACCOUNT);
	if (!store)
		return ERR_PTR(-ENOMEM);
	store->ops = ops;
	store->priv = priv;
	get_random_bytes(&store->key, sizeof(store->key));
	mutex_init(&store->lock);
	spin_lock_init(&store->root_lock);
	INIT_LIST_HEAD(&store->domains);
	INIT_LIST_HEAD(&store->conns);
	INIT_LIST_HEAD(&store->txns);
	INIT_LIST_HEAD(&store->deltas);
	xenemu_quota_init(store);
	if (alloc_tables(store) || create_contents(store)) {
		xenemu_store_destroy(store);
		return ERR_PTR(-ENOMEM);
	}
	return store;
}

void xenemu_store_destroy(struct xenemu_store *store)
{
	struct xenemu_sdomain *dom, *next;

	mutex_lock(&store->lock);
	xenemu_parked_drop(store, NULL, false);
	list_for_each_entry_safe(dom, next, &store->domains, link)
		xenemu_sdomain_remove(store, dom);
	mutex_unlock(&store->lock);
	xenemu_node_put(store, store->mark_top);
	xenemu_node_put(store, store->top);
	free_tables(store);
	mutex_destroy(&store->lock);
	kfree(store);
}

/**
 * xenemu_store_snapshot - what a reader needs to do without store->lock
 * @store: the store
 * @conn: who reads
 * @cred: result: how permission checks see it
 *
 * Return: root of the current tree, a reference.
 */
struct xenemu_node *xenemu_store_snapshot(struct xenemu_store *store,
					  const struct xenemu_conn *conn,
					  struct xenemu_cred *cred)
{
	struct xenemu_node *top;

	spin_lock(&store->root_lock);
	top = xenemu_node_get(store->top);
	xenemu_conn_cred(conn, cred);
	spin_unlock(&store->root_lock);
	return top;
}

/**
 * xenemu_store_publish - replace the current tree
 * @store: the store
 * @top: root of the new tree; the reference is taken over
 */
void xenemu_store_publish(struct xenemu_store *store, struct xenemu_node *top)
{
	struct xenemu_node *old = store->top;

	lockdep_assert_held(&store->lock);

	spin_lock(&store->root_lock);
	store->top = top;
	spin_unlock(&store->root_lock);
	xenemu_node_put(store, old);
}

/*
 * Without snapshots there is no need for a new version. A reader takes a reference on
 * the root, under root_lock, before it looks at anything.
 */
static bool commit_in_place(const struct xenemu_edit *edit, struct xenemu_change *change)
{
	struct xenemu_store *store = edit->store;
	struct xenemu_kids *old = NULL;
	bool done;

	if (refcount_read(&store->top->ref) != 1 ||
	    !xenemu_tree_is_unshared(store->top, change))
		return false;

	spin_lock(&store->root_lock);
	done = refcount_read(&store->top->ref) == 1;
	if (done) {
		/* After all accesses of those who have given their references up. */
		smp_mb();
		old = xenemu_tree_change_in_place(edit, change);
	}
	spin_unlock(&store->root_lock);
	if (old)
		xenemu_tree_free_kids(store, old);
	return done;
}

/**
 * xenemu_store_commit - make a prepared change in the current tree
 * @edit: how it was prepared
 * @change: the change; is given up
 *
 * Return: 0, or -ENOMEM without effect.
 */
int xenemu_store_commit(const struct xenemu_edit *edit, struct xenemu_change *change)
{
	struct xenemu_node *top;

	lockdep_assert_held(&edit->store->lock);

	if (commit_in_place(edit, change))
		return 0;
	top = xenemu_tree_copy(edit, edit->store->top, change);
	if (!top)
		return -ENOMEM;
	xenemu_store_publish(edit->store, top);
	return 0;
}

void xenemu_store_get_stats(struct xenemu_store *store, struct xenemu_store_stats *stats)
{
	struct xenemu_sdomain *dom;
	struct xenemu_conn *conn;

	memset(stats, 0, sizeof(*stats));
	mutex_lock(&store->lock);
	list_for_each_entry(dom, &store->domains, link) {
		stats->domains++;
		stats->nodes += dom->nr_nodes;
		stats->watches += dom->nr_watches;
		stats->transactions += dom->nr_txns;
	}
	list_for_each_entry(conn, &store->conns, link)
		stats->connections++;
	stats->memory = atomic_long_read(&store->mem);
	stats->commits = store->commits;
	stats->conflicts = store->conflicts;
	stats->events = store->events;
	stats->coalesced = store->coalesced;
	stats->dropped = store->dropped;
	mutex_unlock(&store->lock);
}
