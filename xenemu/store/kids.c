// SPDX-License-Identifier: GPL-2.0-only
/*
 * The children of a node: a persistent B-tree. Nothing here changes a chunk that
 * others can see; replacing a child makes new chunks from it up to the outermost
 * and shares the rest. A directory of up to 29 children is one chunk.
 */
#include "internal.h"

#include <linux/errno.h>
#include <linux/overflow.h>

struct chunk_path {
	struct xenemu_kids *chunk[XENEMU_KIDS_HEIGHT];
	u32 idx[XENEMU_KIDS_HEIGHT];
	u32 depth;
};

static __always_inline int compare(const struct xenemu_node *node, const char *name, u32 len)
{
	if (node->name_len != len)
		return node->name_len < len ? -1 : 1;
	/* Most differ in the first byte: spare them the call. */
	if (len && node->data[0] != name[0])
		return (u8)node->data[0] < (u8)name[0] ? -1 : 1;
	return memcmp(node->data, name, len);
}

static const struct xenemu_node *key(const struct xenemu_kids *kids, u32 idx)
{
	if (kids->height)
		return ((const struct xenemu_kids *)kids->slot[idx])->first;
	return kids->slot[idx];
}

/* Number of slots whose key is smaller than the name; @equal: the next is equal. */
static u32 lower_bound(const struct xenemu_kids *kids, const char *name, u32 len,
		       bool *equal)
{
	u32 lo = 0, hi = kids->nr;

	*equal = false;
	while (lo < hi) {
		u32 mid = (lo + hi) / 2;
		int cmp = compare(key(kids, mid), name, len);

		if (!cmp) {
			*equal = true;
			return mid;
		}
		if (cmp < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* In a chunk of chunks, the one that has the name or should get it. */
static u32 child_index(const struct xenemu_kids *kids, const char *name, u32 len)
{
	bool equal;
	u32 idx = lower_bound(kids, name, len, &equal);

	return equal || !idx ? idx : idx - 1;
}

/**
 * xenemu_kids_find - find a child
 * @kids: children, or NULL
 * @name: its name
 * @len: length of that
 *
 * Return: the child or NULL; valid as long as @kids.
 */
struct xenemu_node *xenemu_kids_find(const struct xenemu_kids *kids,
				     const char *name, u32 len)
{
	bool equal;
	u32 idx;

	if (!kids)
		return NULL;
	while (kids->height)
		kids = kids->slot[child_index(kids, name, len)];
	idx = lower_bound(kids, name, len, &equal);
	return equal ? kids->slot[idx] : NULL;
}

/**
 * xenemu_kids_find_unshared - find a child that only these children lead to
 * @kids: children, or NULL
 * @name: its name
 * @len: length of that
 *
 * Return: the child, or NULL if there is none or it is part of another version too.
 */
struct xenemu_node *xenemu_kids_find_unshared(const struct xenemu_kids *kids,
					      const char *name, u32 len)
{
	struct xenemu_node *node;
	bool equal;
	u32 idx;

	while (kids && refcount_read(&kids->ref) == 1) {
		if (kids->height) {
			kids = kids->slot[child_index(kids, name, len)];
			continue;
		}
		idx = lower_bound(kids, name, len, &equal);
		node = equal ? kids->slot[idx] : NULL;
		return node && refcount_read(&node->ref) == 1 ? node : NULL;
	}
	return NULL;
}

/**
 * xenemu_kids_after - find the child that follows a name
 * @kids: children, or NULL
 * @name: a name, which need not be a child's; NULL for the first child
 * @len: length of that
 * @owner: leave children out if they and what is below them have other owners;
 *	XENEMU_OWNERS_MANY for none
 *
 * Return: the child or NULL; valid as long as @kids.
 */
const struct xenemu_node *xenemu_kids_after(const struct xenemu_kids *kids,
					    const char *name, u32 len, u16 owner)
{
	struct xenemu_kids_iter iter;
	bool equal;

	iter.depth = 0;
	while (kids) {
		const struct xenemu_kids *outer = kids;
		u32 idx = 0;

		kids = NULL;
		if (outer->height) {
			if (name)
				idx = child_index(outer, name, len);
			kids = outer->slot[idx];
		} else if (name) {
			idx = lower_bound(outer, name, len, &equal);
			idx += equal;
		}
		iter.chunk[iter.depth] = outer;
		iter.idx[iter.depth++] = idx;
	}

	while (iter.depth) {
		u32 *idx = &iter.idx[iter.depth - 1];
		void *slot;

		kids = iter.chunk[iter.depth - 1];
		if (*idx == kids->nr) {
			if (--iter.depth)
				iter.idx[iter.depth - 1]++;
			continue;
		}
		slot = kids->slot[*idx];
		if (!kids->height) {
			if (xenemu_owners_have(((struct xenemu_node *)slot)->owners, owner))
				return slot;
		} else if (xenemu_owners_have(((struct xenemu_kids *)slot)->owners, owner)) {
			iter.chunk[iter.depth] = slot;
			iter.idx[iter.depth++] = 0;
			continue;
		}
		++*idx;
	}
	return NULL;
}

/**
 * xenemu_kids_find_change - find what differs in two versions of a list
 * @old: children, or NULL
 * @new: the same after some were replaced, but none added or removed
 * @old_node: result: the first that was replaced
 * @new_node: result: what it was replaced by
 *
 * Only a replaced child is another object, and only the chunks it is in are.
 *
 * Return: false if there is no difference.
 */
bool xenemu_kids_find_change(const struct xenemu_kids *old, const struct xenemu_kids *new,
			     const struct xenemu_node **old_node,
			     const struct xenemu_node **new_node)
{
	while (old && new && old != new && old->nr == new->nr && old->height == new->height) {
		u32 idx = 0;

		while (idx < old->nr && old->slot[idx] == new->slot[idx])
			idx++;
		if (idx == old->nr)
			break;
		if (!old->height) {
			*old_node = old->slot[idx];
			*new_node = new->slot[idx];
			return true;
		}
		old = old->slot[idx];
		new = new->slot[idx];
	}
	return false;
}

static void get_slot(u32 height, void *slot)
{
	if (height)
		refcount_inc(&((struct xenemu_kids *)slot)->ref);
	else
		xenemu_node_get(slot);
}

/* Make a chunk that takes its own references on the slots. */
static struct xenemu_kids *alloc_chunk(const struct xenemu_edit *edit, u32 height,
				       void **slot, u32 nr)
{
	struct xenemu_kids *kids;
	u16 owners = 0;
	u32 i;

	kids = kmalloc(struct_size(kids, slot, nr), edit->gfp);
	if (!kids)
		return NULL;
	atomic_long_add(struct_size(kids, slot, nr), &edit->store->mem);
	xenemu_edit_count(edit, struct_size(kids, slot, nr));
	refcount_set(&kids->ref, 1);
	kids->height = height;
	kids->nr = nr;
	kids->bytes = 0;
	for (i = 0; i < nr; i++) {
		get_slot(height, slot[i]);
		kids->slot[i] = slot[i];
		if (height) {
			const struct xenemu_kids *inner = slot[i];

			kids->bytes += inner->bytes;
			owners = xenemu_owners_join(owners, inner->owners);
		} else {
			const struct xenemu_node *node = slot[i];

			kids->bytes += node->name_len + 1;
			owners = xenemu_owners_join(owners, node->owners);
		}
	}
	kids->owners = owners;
	kids->first = key(kids, 0);
	return kids;
}

static void put_chunk(const struct xenemu_edit *edit, struct xenemu_kids *kids)
{
	xenemu_edit_count(edit, -(s64)xenemu_tree_free_kids(edit->store, kids));
}

static void put_chunks(const struct xenemu_edit *edit, struct xenemu_kids **chunk, int nr)
{
	while (nr-- > 0)
		put_chunk(edit, chunk[nr]);
}

/* Make chunks of up to 2 * XENEMU_KIDS_MAX slots: none, one or two. */
static int pack(const struct xenemu_edit *edit, u32 height, void **slot, u32 nr,
		struct xenemu_kids **out)
{
	u32 first = nr > XENEMU_KIDS_MAX ? nr / 2 : nr;

	if (!nr)
		return 0;
	out[0] = alloc_chunk(edit, height, slot, first);
	if (!out[0])
		return -ENOMEM;
	if (first == nr)
		return 1;
	out[1] = alloc_chunk(edit, height, slot + first, nr - first);
	if (!out[1]) {
		put_chunks(edit, out, 1);
		return -ENOMEM;
	}
	return 2;
}

/* Copy a chunk, with @del slots from @idx on replaced by @nr_ins others. */
static int splice(const struct xenemu_edit *edit, const struct xenemu_kids *kids,
		  u32 idx, u32 del, void **ins, u32 nr_ins, struct xenemu_kids **out)
{
	void *slot[XENEMU_KIDS_MAX + 2];
	u32 tail = kids->nr - idx - del;

	memcpy(slot, kids->slot, idx * sizeof(*slot));
	memcpy(slot + idx, ins, nr_ins * sizeof(*slot));
	memcpy(slot + idx + nr_ins, kids->slot + idx + del, tail * sizeof(*slot));
	return pack(edit, kids->height, slot, idx + nr_ins + tail, out);
}

/*
 * @chunk is the new version of slot @idx of @parent and has too few slots. Spread its
 * slots and those of a neighbour over one or two chunks. @chunk is given up; on success
 * it is replaced by these.
 */
static int rebalance(const struct xenemu_edit *edit, const struct xenemu_kids *parent,
		     u32 idx, struct xenemu_kids **chunk)
{
	const struct xenemu_kids *left, *right;
	void *slot[2 * XENEMU_KIDS_MAX];
	struct xenemu_kids *out[2];
	int nr;

	if (idx) {
		left = parent->slot[idx - 1];
		right = chunk[0];
	} else {
		left = chunk[0];
		right = parent->slot[1];
	}
	memcpy(slot, left->slot, left->nr * sizeof(*slot));
	memcpy(slot + left->nr, right->slot, right->nr * sizeof(*slot));
	nr = pack(edit, left->height, slot, left->nr + right->nr, out);
	put_chunks(edit, chunk, 1);
	if (nr > 0)
		memcpy(chunk, out, nr * sizeof(*out));
	return nr;
}

/*
 * The @nr chunks in @chunk, at most two, are to replace slot @idx of @parent. They are
 * given up; on success they are replaced by what replaces @parent.
 */
static int replace_in_parent(const struct xenemu_edit *edit, struct xenemu_kids *parent,
			     u32 idx, struct xenemu_kids **chunk, int nr)
{
	struct xenemu_kids *out[2];
	u32 del = 1;
	int ret;

	if (nr == 1 && chunk[0]->nr < XENEMU_KIDS_MIN && parent->nr > 1) {
		nr = rebalance(edit, parent, idx, chunk);
		if (nr < 0)
			return nr;
		del = 2;
		if (idx)
			idx--;
	}
	ret = splice(edit, parent, idx, del, (void **)chunk, nr, out);
	put_chunks(edit, chunk, nr);
	if (ret > 0)
		memcpy(chunk, out, ret * sizeof(*out));
	return ret;
}

/* One chunk in place of none, one or two; no chunk with just one chunk in it. */
static int make_top(const struct xenemu_edit *edit, struct xenemu_kids **chunk, int nr,
		    struct xenemu_kids **out)
{
	struct xenemu_kids *top = nr ? chunk[0] : NULL;

	if (nr == 2) {
		top = alloc_chunk(edit, chunk[0]->height + 1, (void **)chunk, 2);
		put_chunks(edit, chunk, 2);
		if (!top)
			return -ENOMEM;
	}
	while (top && top->height && top->nr == 1) {
		struct xenemu_kids *inner = top->slot[0];

		get_slot(top->height, inner);
		put_chunk(edit, top);
		top = inner;
	}
	*out = top;
	return 0;
}

/**
 * xenemu_kids_replace - add, replace or remove a child
 * @edit: how
 * @old: children, or NULL
 * @name: name of the child
 * @len: length of that
 * @node: the new child, of which a reference is taken; NULL to remove
 * @out: the new children; NULL if there are none any more
 *
 * Return: 0 or -ENOMEM.
 */
int xenemu_kids_replace(const struct xenemu_edit *edit, struct xenemu_kids *old,
			const char *name, u32 len, struct xenemu_node *node,
			struct xenemu_kids **out)
{
	struct chunk_path path = {};
	struct xenemu_kids *chunk[2], *kids = old;
	void *ins = node;
	bool equal;
	u32 idx;
	int nr;

	if (!old) {
		*out = node ? alloc_chunk(edit, 0, &ins, 1) : NULL;
		return node && !*out ? -ENOMEM : 0;
	}

	while (kids->height) {
		idx = child_index(kids, name, len);
		path.chunk[path.depth] = kids;
		path.idx[path.depth++] = idx;
		kids = kids->slot[idx];
	}

	idx = lower_bound(kids, name, len, &equal);
	nr = splice(edit, kids, idx, equal, &ins, node ? 1 : 0, chunk);
	if (nr < 0)
		return nr;
	while (path.depth) {
		path.depth--;
		nr = replace_in_parent(edit, path.chunk[path.depth], path.idx[path.depth],
				       chunk, nr);
		if (nr < 0)
			return nr;
	}
	return make_top(edit, chunk, nr, out);
}

/* Go on to the first node of the slot that the iterator stands on. */
static const struct xenemu_node *descend(struct xenemu_kids_iter *iter)
{
	const struct xenemu_kids *kids = iter->chunk[iter->depth - 1];
	void *slot = kids->slot[iter->idx[iter->depth - 1]];

	while (kids->height) {
		kids = slot;
		slot = kids->slot[0];
		iter->chunk[iter->depth] = kids;
		iter->idx[iter->depth++] = 0;
	}
	return slot;
}

/**
 * xenemu_kids_next - next child in a loop
 * @iter: state of the loop
 *
 * Return: the child or NULL.
 */
const struct xenemu_node *xenemu_kids_next(struct xenemu_kids_iter *iter)
{
	while (iter->depth) {
		if (++iter->idx[iter->depth - 1] < iter->chunk[iter->depth - 1]->nr)
			return descend(iter);
		iter->depth--;
	}
	return NULL;
}

/**
 * xenemu_kids_seek - begin a loop
 * @iter: state of the loop
 * @kids: children, or NULL
 * @offset: where to begin in the list of names, each of which ends with a NUL
 * @skip: how much of the first child's name is before @offset
 *
 * Return: the child whose name is at @offset, or NULL if that is not in the list.
 */
const struct xenemu_node *xenemu_kids_seek(struct xenemu_kids_iter *iter,
					   const struct xenemu_kids *kids,
					   u64 offset, u32 *skip)
{
	iter->depth = 0;
	if (!kids || offset >= kids->bytes)
		return NULL;
	for (;;) {
		u32 idx;

		for (idx = 0; idx < kids->nr; idx++) {
			u64 bytes;

			if (kids->height)
				bytes = ((struct xenemu_kids *)kids->slot[idx])->bytes;
			else
				bytes = ((struct xenemu_node *)kids->slot[idx])->name_len + 1;
			if (offset < bytes)
				break;
			offset -= bytes;
		}
		iter->chunk[iter->depth] = kids;
		iter->idx[iter->depth++] = idx;
		if (!kids->height) {
			*skip = offset;
			return kids->slot[idx];
		}
		kids = kids->slot[idx];
	}
}
