// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tree. Nodes are immutable as long as anybody else may see them: a change makes
 * a new version of the node and of each node above it, up to a new root. If no
 * snapshot shares the way to it, only the parent's list of children is replaced.
 *
 * Depth is under the control of guests, so there is no recursion, neither in loops nor
 * in freeing.
 */
#include "internal.h"

#include <linux/errno.h>
#include <linux/overflow.h>
#include <linux/sched.h>

static size_t node_bytes(const struct xenemu_node *node)
{
	return sizeof(*node) + node->name_len + node->value_len;
}

/* Owners of a node and of what is below it. */
static u16 join_owners(const struct xenemu_perms *perms, const struct xenemu_kids *kids)
{
	return xenemu_owners_join(perms ? xenemu_perms_owner(perms) : 0,
				  kids ? kids->owners : 0);
}

/**
 * xenemu_node_alloc - make a node
 * @edit: how
 * @init: what it is
 *
 * Return: a reference, or NULL for want of memory.
 */
struct xenemu_node *xenemu_node_alloc(const struct xenemu_edit *edit,
				      const struct xenemu_node_init *init)
{
	struct xenemu_node *node;

	node = kmalloc(size_add(sizeof(*node), size_add(init->name_len, init->value_len)),
		       edit->gfp);
	if (!node) {
		if (init->kids)
			xenemu_tree_free_kids(edit->store, init->kids);
		return NULL;
	}
	refcount_set(&node->ref, 1);
	node->name_len = init->name_len;
	node->value_len = init->value_len;
	node->writer = init->writer;
	node->owners = join_owners(init->perms, init->kids);
	node->gen = init->gen;
	node->list_gen = init->list_gen;
	node->perms = init->perms ? xenemu_perms_get(init->perms) : NULL;
	node->kids = init->kids;
	memcpy(node->data, init->name, init->name_len);
	memcpy(node->data + init->name_len, init->value, init->value_len);
	atomic_long_add(node_bytes(node), &edit->store->mem);
	xenemu_edit_count(edit, node_bytes(node));
	return node;
}

/*
 * Free all that only the given node, or chunk of children, kept alive. What is due
 * is linked through the dead objects themselves. Returns its size.
 */
static size_t free_dead(struct xenemu_store *store, struct xenemu_node *node,
			struct xenemu_kids *kids)
{
	size_t bytes = 0;
	u32 i;

	while (node || kids) {
		struct xenemu_kids *chunk = kids;

		if (!chunk) {
			struct xenemu_node *dead = node;

			node = dead->dead;
			if (dead->kids && refcount_dec_and_test(&dead->kids->ref)) {
				dead->kids->dead = NULL;
				kids = dead->kids;
			}
			if (dead->perms)
				xenemu_perms_put(dead->perms);
			bytes += node_bytes(dead);
			kfree(dead);
			cond_resched();
			continue;
		}

		kids = chunk->dead;
		for (i = 0; i < chunk->nr; i++) {
			if (chunk->height) {
				struct xenemu_kids *inner = chunk->slot[i];

				if (refcount_dec_and_test(&inner->ref)) {
					inner->dead = kids;
					kids = inner;
				}
			} else {
				struct xenemu_node *child = chunk->slot[i];

				if (refcount_dec_and_test(&child->ref)) {
					child->dead = node;
					node = child;
				}
			}
		}
		bytes += struct_size(chunk, slot, chunk->nr);
		kfree(chunk);
	}
	atomic_long_sub(bytes, &store->mem);
	return bytes;
}

/**
 * xenemu_node_put - give a reference up
 * @store: the store
 * @node: a node, or NULL
 *
 * Context: process; no spinlock held.
 * Return: how many bytes were freed.
 */
size_t xenemu_node_put(struct xenemu_store *store, struct xenemu_node *node)
{
	if (!node || !refcount_dec_and_test(&node->ref))
		return 0;
	node->dead = NULL;
	return free_dead(store, node, NULL);
}

/**
 * xenemu_tree_free_kids - give a reference on children up
 * @store: the store
 * @kids: children
 *
 * Context: process; no spinlock held.
 * Return: how many bytes were freed.
 */
size_t xenemu_tree_free_kids(struct xenemu_store *store, struct xenemu_kids *kids)
{
	if (!refcount_dec_and_test(&kids->ref))
		return 0;
	kids->dead = NULL;
	return free_dead(store, NULL, kids);
}

/**
 * xenemu_tree_find - look a path up
 * @top: root of the tree
 * @path: the path
 * @at: result; valid as long as @top
 */
void xenemu_tree_find(struct xenemu_node *top, const struct xenemu_path *path,
		      struct xenemu_lookup *at)
{
	struct xenemu_node *node = top;
	struct xenemu_comp comp = {};

	at->near = NULL;
	at->near_len = 0;
	at->node = NULL;
	while (xenemu_path_next(path->str, path->len, &comp)) {
		struct xenemu_node *child = xenemu_kids_find(node->kids, comp.name, comp.len);

		if (node != top) {
			at->near = node;
			at->near_len = comp.name - path->str - 1;
		}
		if (!child)
			return;
		node = child;
	}
	at->node = node;
}

/* Copy a node with other children, which are taken over, also on failure. */
static struct xenemu_node *copy_node(const struct xenemu_edit *edit,
				     const struct xenemu_node *node,
				     struct xenemu_kids *kids, bool listed)
{
	const struct xenemu_node_init init = {
		.name = node->data,
		.name_len = node->name_len,
		.value = xenemu_node_value(node),
		.value_len = node->value_len,
		.gen = node->gen,
		.list_gen = listed ? edit->gen : node->list_gen,
		.writer = listed ? edit->writer : node->writer,
		.perms = node->perms,
		.kids = kids,
	};

	return xenemu_node_alloc(edit, &init);
}

/*
 * Fill @change in: in @parent's list, the child at the first @len bytes of @str is
 * replaced by @node, which is taken over, also on failure; or removed if that is NULL.
 */
static int change_list(const struct xenemu_edit *edit, struct xenemu_node *parent,
		       const char *str, u32 len, struct xenemu_node *node, bool listed,
		       struct xenemu_change *change)
{
	u32 start = len;
	int ret;

	while (start && str[start - 1] != '/')
		start--;
	*change = (struct xenemu_change) {
		.parent = parent,
		.str = str,
		.len = start ? start - 1 : 0,
		.top = !start,
		.listed = listed,
	};
	ret = xenemu_kids_replace(edit, parent->kids, str + start, len - start, node,
				  &change->kids);
	xenemu_node_put(edit->store, node);
	return ret;
}

/**
 * xenemu_tree_set - prepare to change value and permissions of a node
 * @edit: how
 * @top: root of the tree
 * @path: the node
 * @at: result of xenemu_tree_find() for it: it exists
 * @value: new value, or NULL to keep the old one
 * @len: length of that
 * @perms: new permissions, of which a reference is taken
 * @change: result
 *
 * Return: 0 or -ENOMEM.
 */
int xenemu_tree_set(const struct xenemu_edit *edit, struct xenemu_node *top,
		    const struct xenemu_path *path, const struct xenemu_lookup *at,
		    const void *value, u32 len, struct xenemu_perms *perms,
		    struct xenemu_change *change)
{
	const struct xenemu_node *old = at->node;
	const struct xenemu_node_init init = {
		.name = old->data,
		.name_len = old->name_len,
		.value = value ?: xenemu_node_value(old),
		.value_len = value ? len : old->value_len,
		.gen = value ? edit->gen : old->gen,
		.list_gen = old->list_gen,
		.writer = edit->writer,
		.perms = perms,
		.kids = old->kids,
	};
	struct xenemu_node *node;

	if (init.kids)
		refcount_inc(&init.kids->ref);
	node = xenemu_node_alloc(edit, &init);
	if (!node)
		return -ENOMEM;
	return change_list(edit, at->near ?: top, path->str, path->len, node, false, change);
}

/**
 * xenemu_tree_add - prepare to create a node, and those missing above it
 * @edit: how
 * @path: the node
 * @at: result of xenemu_tree_find() for it: it does not exist, a node above it does
 * @value: its value; the others have none
 * @len: length of that
 * @perms: permissions of all, of which references are taken
 * @change: result
 *
 * Return: 0 or -ENOMEM.
 */
int xenemu_tree_add(const struct xenemu_edit *edit, const struct xenemu_path *path,
		    const struct xenemu_lookup *at, const void *value, u32 len,
		    struct xenemu_perms *perms, struct xenemu_change *change)
{
	const char *end = path->str + path->len, *near = path->str + at->near_len;
	struct xenemu_node_init init = {
		.value = value,
		.value_len = len,
		.gen = edit->gen,
		.list_gen = edit->gen,
		.writer = edit->writer,
		.perms = perms,
	};

	for (;;) {
		struct xenemu_node *node;
		const char *name = end;
		int ret;

		while (name[-1] != '/')
			name--;
		init.name = name;
		init.name_len = end - name;
		node = xenemu_node_alloc(edit, &init);
		if (!node)
			return -ENOMEM;
		if (name - 1 == near)
			return change_list(edit, at->near, path->str, end - path->str, node,
					   true, change);

		ret = xenemu_kids_replace(edit, NULL, name, end - name, node, &init.kids);
		xenemu_node_put(edit->store, node);
		if (ret)
			return ret;
		init.value_len = 0;
		end = name - 1;
	}
}

/**
 * xenemu_tree_del - prepare to remove a node and all below
 * @edit: how
 * @path: the node, not "/"
 * @at: result of xenemu_tree_find() for it: it exists
 * @change: result
 *
 * Return: 0 or -ENOMEM.
 */
int xenemu_tree_del(const struct xenemu_edit *edit, const struct xenemu_path *path,
		    const struct xenemu_lookup *at, struct xenemu_change *change)
{
	return change_list(edit, at->near, path->str, path->len, NULL, true, change);
}

/**
 * xenemu_tree_cancel - give a prepared change up
 * @store: the store
 * @change: the change
 */
void xenemu_tree_cancel(struct xenemu_store *store, struct xenemu_change *change)
{
	if (change->kids)
		xenemu_tree_free_kids(store, change->kids);
}

/**
 * xenemu_tree_is_unshared - whether a change can be made in place
 * @top: root of the tree, itself not looked at
 * @change: the change
 *
 * References from below the root can only become fewer while store->lock is held:
 * readers take one on the root.
 *
 * Return: true if the parent is part of this version only, and what the nodes above know
 * of owners stays true.
 */
bool xenemu_tree_is_unshared(struct xenemu_node *top, const struct xenemu_change *change)
{
	struct xenemu_node *node = top;
	struct xenemu_comp comp = {};

	if (change->top)
		return true;
	if (join_owners(change->parent->perms, change->kids) != change->parent->owners)
		return false;
	while (node && xenemu_path_next(change->str, change->len, &comp))
		node = xenemu_kids_find_unshared(node->kids, comp.name, comp.len);
	return node;
}

/**
 * xenemu_tree_change_in_place - make a prepared change
 * @edit: how it was prepared
 * @change: the change
 *
 * Context: nobody else can see the node.
 * Return: children that are to be freed, or NULL.
 */
struct xenemu_kids *xenemu_tree_change_in_place(const struct xenemu_edit *edit,
						const struct xenemu_change *change)
{
	struct xenemu_kids *old = change->parent->kids;

	change->parent->kids = change->kids;
	change->parent->owners = join_owners(change->parent->perms, change->kids);
	if (change->listed) {
		change->parent->list_gen = edit->gen;
		change->parent->writer = edit->writer;
	}
	return old;
}

/**
 * xenemu_tree_copy - make a prepared change in a new version of the tree
 * @edit: how it was prepared
 * @top: root of the old version
 * @change: the change; is given up
 *
 * Return: root of the new version, a reference, or NULL for want of memory.
 */
struct xenemu_node *xenemu_tree_copy(const struct xenemu_edit *edit, struct xenemu_node *top,
				     struct xenemu_change *change)
{
	const struct xenemu_node **stack = edit->store->stack, *above = top;
	const char *str = change->str, *end = str + change->len;
	struct xenemu_comp comp = {};
	struct xenemu_node *node;
	u32 depth = 0;

	lockdep_assert_held(&edit->store->lock);

	while (!change->top && xenemu_path_next(str, change->len, &comp)) {
		stack[depth++] = above;
		above = xenemu_kids_find(above->kids, comp.name, comp.len);
	}

	node = copy_node(edit, change->parent, change->kids, change->listed);
	while (node && depth--) {
		const char *name = end;
		struct xenemu_kids *kids;
		int ret;

		while (name > str && name[-1] != '/')
			name--;
		ret = xenemu_kids_replace(edit, stack[depth]->kids, name, end - name, node,
					  &kids);
		xenemu_node_put(edit->store, node);
		if (ret)
			return NULL;
		node = copy_node(edit, stack[depth], kids, false);
		end = name - 1;
	}
	return node;
}

/**
 * xenemu_tree_apply - make a prepared change in a tree that readers do not know
 * @edit: how it was prepared
 * @top: root of the tree; is replaced if need be
 * @change: the change; is given up
 *
 * Return: 0, or -ENOMEM without effect.
 */
int xenemu_tree_apply(const struct xenemu_edit *edit, struct xenemu_node **top,
		      struct xenemu_change *change)
{
	struct xenemu_node *copy;
	struct xenemu_kids *old;

	if (refcount_read(&(*top)->ref) == 1 && xenemu_tree_is_unshared(*top, change)) {
		old = xenemu_tree_change_in_place(edit, change);
		if (old)
			xenemu_edit_count(edit, -(s64)xenemu_tree_free_kids(edit->store, old));
		return 0;
	}
	copy = xenemu_tree_copy(edit, *top, change);
	if (!copy)
		return -ENOMEM;
	xenemu_edit_count(edit, -(s64)xenemu_node_put(edit->store, *top));
	*top = copy;
	return 0;
}

/**
 * xenemu_tree_create - make the first version of the tree
 * @store: the store, unlocked but used by nobody yet
 *
 * It has "/" and "@introduceDomain", which only dom0 may see, and "@releaseDomain",
 * which all may.
 *
 * Return: its root, a reference, or NULL for want of memory.
 */
struct xenemu_node *xenemu_tree_create(struct xenemu_store *store)
{
	static const char * const name[] = { "", "@introduceDomain", "@releaseDomain" };
	const struct xenemu_edit edit = {
		.store = store,
		.gfp = GFP_KERNEL_ACCOUNT,
		.gen = ++store->gen,
	};
	struct xenemu_node_init init = {
		.name = "",
		.value = "",
		.gen = edit.gen,
		.list_gen = edit.gen,
	};
	struct xenemu_kids *kids = NULL, *more;
	struct xenemu_node *node;
	u32 i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(name); i++) {
		struct xenemu_perms *perms;

		perms = xenemu_perms_alloc(i == 2 ? 2 : 1, edit.gen, edit.gfp);
		if (!perms)
			goto err_kids;
		if (i == 2) {
			perms->perm[1].domid = XENEMU_DOMID_ANY;
			perms->perm[1].access = XENEMU_PERM_READ;
		}
		init.perms = perms;
		init.name = name[i];
		init.name_len = strlen(name[i]);
		node = xenemu_node_alloc(&edit, &init);
		xenemu_perms_put(perms);
		if (!node)
			goto err_kids;
		ret = xenemu_kids_replace(&edit, kids, name[i], init.name_len, node, &more);
		xenemu_node_put(store, node);
		if (ret)
			goto err_kids;
		if (kids)
			xenemu_tree_free_kids(store, kids);
		kids = more;
	}

	init.perms = NULL;
	init.name_len = 0;
	init.kids = kids;
	return xenemu_node_alloc(&edit, &init);

err_kids:
	if (kids)
		xenemu_tree_free_kids(store, kids);
	return NULL;
}

/**
 * xenemu_tree_bytes - size of one version of the tree
 * @store: the store
 * @top: its root
 *
 * Return: bytes of its nodes and lists of children, about.
 */
size_t xenemu_tree_bytes(struct xenemu_store *store, struct xenemu_node *top)
{
	const struct xenemu_node *node = top;
	struct xenemu_walk walk;
	size_t bytes = 0;

	lockdep_assert_held(&store->lock);

	xenemu_walk_start(&walk, store->stack, NULL, top, NULL);
	for (; node; node = xenemu_walk_next(&walk, true))
		bytes += node_bytes(node) + sizeof(void *) +
			 (node->kids ? sizeof(*node->kids) : 0);
	return bytes;
}

/**
 * xenemu_walk_start - begin a loop over a subtree
 * @walk: state of the loop
 * @stack: room for XENEMU_STORE_MAX_DEPTH nodes
 * @buf: room for XENSTORE_ABS_PATH_MAX + 1 bytes; NULL if paths do not matter
 * @node: where to begin; it and what is below must stay
 * @path: its path, or NULL
 *
 * The first call of xenemu_walk_next() is for what follows @node.
 */
void xenemu_walk_start(struct xenemu_walk *walk, const struct xenemu_node **stack,
		       char *buf, const struct xenemu_node *node,
		       const struct xenemu_path *path)
{
	walk->stack = stack;
	walk->stack[0] = node;
	walk->depth = 1;
	walk->owner = XENEMU_OWNERS_MANY;
	walk->path = buf;
	walk->len = path ? path->len : 0;
	if (buf)
		memcpy(buf, path->str, walk->len);
}

/**
 * xenemu_walk_next - next node in a loop
 * @walk: state of the loop
 * @descend: do not leave out what is below the current node
 *
 * Return: the node, or NULL at the end.
 */
const struct xenemu_node *xenemu_walk_next(struct xenemu_walk *walk, bool descend)
{
	const struct xenemu_node *node = walk->stack[walk->depth - 1], *next = NULL;

	cond_resched();
	if (descend)
		next = xenemu_kids_after(node->kids, NULL, 0, walk->owner);
	while (!next && walk->depth > 1) {
		walk->len -= node->name_len + 1;
		walk->depth--;
		next = xenemu_kids_after(walk->stack[walk->depth - 1]->kids,
					 node->data, node->name_len, walk->owner);
		node = walk->stack[walk->depth - 1];
	}
	if (next) {
		walk->stack[walk->depth++] = next;
		if (walk->path) {
			walk->path[walk->len] = '/';
			memcpy(walk->path + walk->len + 1, next->data, next->name_len);
		}
		walk->len += next->name_len + 1;
	}
	return next;
}
