// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making a version of the tree from records, each of which says what becomes of one
 * node. What the builder passes through is made its own: whatever other versions share
 * is copied first, once.
 */
#include "state.h"

#include <linux/errno.h>
#include <linux/overflow.h>

/* Few nodes are deeper than this. */
#define FIRST_ROOM	16

static struct xenemu_node *copy(struct xenemu_builder *builder, const struct xenemu_node *node)
{
	const struct xenemu_node_init init = {
		.name = node->data,
		.name_len = node->name_len,
		.value = xenemu_node_value(node),
		.value_len = node->value_len,
		.gen = node->gen,
		.list_gen = node->list_gen,
		.writer = node->writer,
		.perms = node->perms,
		.kids = node->kids,
	};

	if (init.kids)
		refcount_inc(&init.kids->ref);
	return xenemu_node_alloc(&builder->edit, &init);
}

/**
 * xenemu_builder_start - begin a version of the tree
 * @builder: the builder
 * @store: store that the nodes are charged to
 * @from: root of the version to begin with
 *
 * The current node is the root.
 *
 * Return: 0 or -ENOMEM.
 */
int xenemu_builder_start(struct xenemu_builder *builder, struct xenemu_store *store,
			 const struct xenemu_node *from)
{
	*builder = (struct xenemu_builder) {
		.edit = { .store = store, .gfp = GFP_KERNEL_ACCOUNT, .gen = ++store->gen },
		.room = FIRST_ROOM,
	};
	builder->stack = kvmalloc_array(FIRST_ROOM, sizeof(*builder->stack), GFP_KERNEL_ACCOUNT);
	builder->path = kmalloc(XENSTORE_ABS_PATH_MAX + 1, GFP_KERNEL_ACCOUNT);
	if (builder->stack && builder->path)
		builder->top = copy(builder, from);
	if (!builder->top) {
		xenemu_builder_cancel(builder);
		return -ENOMEM;
	}
	builder->stack[builder->depth++] = builder->top;
	return 0;
}

/**
 * xenemu_builder_cancel - give it up
 * @builder: the builder, of whatever state, or zeroes
 */
void xenemu_builder_cancel(struct xenemu_builder *builder)
{
	xenemu_node_put(builder->edit.store, builder->top);
	builder->top = NULL;
	kvfree(builder->stack);
	builder->stack = NULL;
	kfree(builder->path);
	builder->path = NULL;
}

static u16 owners_of(const struct xenemu_node *node)
{
	return xenemu_owners_join(node->perms ? xenemu_perms_owner(node->perms) : 0,
				  node->kids ? node->kids->owners : 0);
}

/* Go down to a child that is nobody else's. */
static int enter(struct xenemu_builder *builder, struct xenemu_node *node)
{
	struct xenemu_node **more;

	if (builder->depth == builder->room) {
		more = kvrealloc(builder->stack, array_size(2 * builder->room, sizeof(*more)),
				 GFP_KERNEL_ACCOUNT);
		if (!more)
			return -ENOMEM;
		builder->stack = more;
		builder->room *= 2;
	}
	if (builder->depth > 1)
		builder->path[builder->len++] = '/';
	memcpy(builder->path + builder->len, node->data, node->name_len);
	builder->len += node->name_len;
	builder->stack[builder->depth++] = node;
	return 0;
}

/* Change the list of children of the current node. */
static int replace(struct xenemu_builder *builder, const char *name, u32 len,
		   struct xenemu_node *node)
{
	struct xenemu_node *parent = xenemu_builder_current(builder);
	struct xenemu_kids *kids, *old = parent->kids;
	int ret;

	ret = xenemu_kids_replace(&builder->edit, old, name, len, node, &kids);
	if (ret)
		return ret;
	parent->kids = kids;
	if (old)
		xenemu_tree_free_kids(builder->edit.store, old);
	return 0;
}

/**
 * xenemu_builder_leave - go up to the parent
 * @builder: the builder, not at the root
 *
 * Return: 0 or -ENOMEM.
 */
int xenemu_builder_leave(struct xenemu_builder *builder)
{
	struct xenemu_node *node = xenemu_builder_current(builder);
	u16 owners = owners_of(node);

	builder->depth--;
	/* Below the root, names have a slash in front. */
	builder->len -= node->name_len + (builder->depth > 1);
	if (owners == node->owners)
		return 0;
	/* What the parent's list knows of owners is found out when the list is made. */
	node->owners = owners;
	return replace(builder, node->data, node->name_len, node);
}

/* The same, and go down to the new child, of which the reference is given up. */
static int replace_and_enter(struct xenemu_builder *builder, struct xenemu_node *node)
{
	int ret;

	if (!node)
		return -ENOMEM;
	ret = replace(builder, node->data, node->name_len, node);
	xenemu_node_put(builder->edit.store, node);
	return ret ?: enter(builder, node);
}

/**
 * xenemu_builder_enter - go down to a child
 * @builder: the builder
 * @name: its name
 * @len: length of that
 *
 * Return: 0, -ENOENT if there is none, or -ENOMEM.
 */
int xenemu_builder_enter(struct xenemu_builder *builder, const char *name, u32 len)
{
	struct xenemu_kids *kids = xenemu_builder_current(builder)->kids;
	struct xenemu_node *node;

	node = xenemu_kids_find_unshared(kids, name, len);
	if (node)
		return enter(builder, node);
	node = xenemu_kids_find(kids, name, len);
	if (!node)
		return -ENOENT;
	return replace_and_enter(builder, copy(builder, node));
}

/**
 * xenemu_builder_seek - go to a node
 * @builder: the builder
 * @path: its path, as struct xenemu_path has it
 * @len: length of that
 *
 * Return: 0; -ENOENT if there is none: then the current node is the last on the way that
 * is; or -ENOMEM.
 */
int xenemu_builder_seek(struct xenemu_builder *builder, const char *path, u32 len)
{
	struct xenemu_comp comp = {};
	int ret;

	/* Up to a node on the way to it. */
	while (builder->depth > 1 &&
	       (builder->len > len || memcmp(builder->path, path, builder->len) ||
		(builder->len < len && path[builder->len] != '/'))) {
		ret = xenemu_builder_leave(builder);
		if (ret)
			return ret;
	}

	if (builder->depth > 1) {
		if (builder->len == len)
			return 0;
		path += builder->len + 1;
		len -= builder->len + 1;
	}
	while (xenemu_path_next(path, len, &comp)) {
		ret = xenemu_builder_enter(builder, comp.name, comp.len);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * xenemu_builder_put - make or change a child, and go down to it
 * @builder: the builder
 * @node: what it is to be. Its name is valid, its path not too long
 *
 * Return: 0 or -ENOMEM.
 */
int xenemu_builder_put(struct xenemu_builder *builder, const struct xenemu_builder_node *node)
{
	struct xenemu_node *parent = xenemu_builder_current(builder);
	const struct xenemu_node *old;
	struct xenemu_node_init init = {
		.name = node->name,
		.name_len = node->name_len,
		.value = node->value ?: "",
		.value_len = node->value_len,
		.gen = builder->edit.gen,
		.list_gen = node->list_gen ?: builder->edit.gen,
		.writer = builder->edit.writer,
		.perms = node->perms ?: parent->perms,
	};

	old = xenemu_kids_find(parent->kids, node->name, node->name_len);
	if (!old)
		return replace_and_enter(builder, xenemu_node_alloc(&builder->edit, &init));

	if (!node->value && !node->perms && !node->list_gen)
		return xenemu_builder_enter(builder, node->name, node->name_len);
	if (!node->value) {
		init.value = xenemu_node_value(old);
		init.value_len = old->value_len;
		init.gen = old->gen;
	}
	if (!node->list_gen)
		init.list_gen = old->list_gen;
	if (!node->perms)
		init.perms = old->perms;
	init.kids = old->kids;
	if (init.kids)
		refcount_inc(&init.kids->ref);
	return replace_and_enter(builder, xenemu_node_alloc(&builder->edit, &init));
}

/**
 * xenemu_builder_remove - remove a child and all below
 * @builder: the builder
 * @name: its name
 * @len: length of that
 *
 * Return: 0, -ENOENT if there is none, or -ENOMEM.
 */
int xenemu_builder_remove(struct xenemu_builder *builder, const char *name, u32 len)
{
	if (!xenemu_kids_find(xenemu_builder_current(builder)->kids, name, len))
		return -ENOENT;
	return replace(builder, name, len, NULL);
}

/**
 * xenemu_builder_finish - the tree is complete
 * @builder: the builder, which is gone thereafter
 *
 * Return: root of the tree, a reference, or NULL for want of memory.
 */
struct xenemu_node *xenemu_builder_finish(struct xenemu_builder *builder)
{
	struct xenemu_node *top;

	while (builder->depth > 1) {
		if (xenemu_builder_leave(builder)) {
			xenemu_builder_cancel(builder);
			return NULL;
		}
	}
	top = builder->top;
	top->owners = owners_of(top);
	builder->top = NULL;
	xenemu_builder_cancel(builder);
	return top;
}
