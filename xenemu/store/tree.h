/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_STORE_TREE_H
#define XENEMU_STORE_TREE_H

/*
 * The tree and its nodes. A part of internal.h, which declares paths and permissions
 * before it.
 */

/* ---- tree.c ---- */

/**
 * struct xenemu_node - a node of the tree; immutable if shared
 * @ref: parents (one in each version of the tree) and holders
 * @name_len: length of its name
 * @value_len: length of its value
 * @writer: domain that last changed value, permissions or list of children
 * @owners: who owns it and the nodes below, see xenemu_owners_join()
 * @gen: when the value was last written
 * @list_gen: when a child was last added or removed
 * @perms: its permissions
 * @kids: its children, or NULL
 * @dead: while it is being freed
 * @data: name, value
 *
 * Changing a node means copying it and the nodes above it, as far as other versions
 * of the tree share them. Whoever holds a reference on a root holds a snapshot.
 */
struct xenemu_node {
	refcount_t ref;
	u16 name_len;
	u16 value_len;
	u16 writer;
	u16 owners;
	union {
		u64 gen;
		struct xenemu_node *dead;
	};
	u64 list_gen;
	struct xenemu_perms *perms;
	struct xenemu_kids *kids;
	char data[];
};

/*
 * Owners of the nodes of a subtree, in brief: 0 if it is dom0 alone, a domid if it is
 * that domain, with or without dom0, else XENEMU_OWNERS_MANY. So who looks for a
 * domain's nodes need not go where there are none.
 */
#define XENEMU_OWNERS_MANY	0xffff

static inline u16 xenemu_owners_join(u16 a, u16 b)
{
	if (!b || a == b)
		return a;
	return a ? XENEMU_OWNERS_MANY : b;
}

/* Whether a domain may be among them; @domid may be XENEMU_OWNERS_MANY for any. */
static inline bool xenemu_owners_have(u16 owners, u16 domid)
{
	return owners == domid || owners == XENEMU_OWNERS_MANY ||
	       domid == XENEMU_OWNERS_MANY;
}

/**
 * struct xenemu_lookup - where a path leads
 * @node: the node, or NULL
 * @near: nearest node above it that exists; NULL if there is none
 * @near_len: length of the path of @near
 */
struct xenemu_lookup {
	struct xenemu_node *node;
	struct xenemu_node *near;
	u32 near_len;
};

/**
 * struct xenemu_edit - how new versions of the tree are made
 * @store: the store; its lock is held
 * @gfp: how to allocate
 * @gen: generation of the change
 * @writer: who makes it
 * @bytes: if not NULL, counts what the change allocates, less what it frees, unless it
 *	fails
 */
struct xenemu_edit {
	struct xenemu_store *store;
	gfp_t gfp;
	u64 gen;
	u16 writer;
	s64 *bytes;
};

static inline void xenemu_edit_count(const struct xenemu_edit *edit, s64 bytes)
{
	if (edit->bytes)
		*edit->bytes += bytes;
}

/**
 * struct xenemu_node_init - what a new node, or a new version of one, is
 * @name: its name
 * @name_len: length of that
 * @value: its value; not looked at if it is empty
 * @value_len: length of that
 * @gen: as in struct xenemu_node
 * @list_gen: the same
 * @writer: the same
 * @perms: its permissions, of which a reference is taken, or NULL
 * @kids: its children, taken over, also on failure; or NULL
 */
struct xenemu_node_init {
	const char *name;
	u32 name_len;
	const void *value;
	u32 value_len;
	u64 gen;
	u64 list_gen;
	u16 writer;
	struct xenemu_perms *perms;
	struct xenemu_kids *kids;
};

/**
 * struct xenemu_change - a change of the tree that is prepared but not made
 * @parent: node whose list of children changes
 * @str: path of a node below it
 * @len: length of @parent's path, which begins @str
 * @top: @parent is the root, which has no path
 * @listed: a child is added or removed, not just replaced
 * @kids: @parent's new children; a reference
 */
struct xenemu_change {
	struct xenemu_node *parent;
	const char *str;
	u32 len;
	bool top;
	bool listed;
	struct xenemu_kids *kids;
};

/**
 * struct xenemu_walk - loop over the nodes of a subtree, parents first
 * @stack: the current node and those between it and where the loop began
 * @depth: how many
 * @owner: skip subtrees of which this domain owns nothing, unless XENEMU_OWNERS_MANY
 * @path: path of the current node as struct xenemu_path has it, or NULL
 * @len: its length
 */
struct xenemu_walk {
	const struct xenemu_node **stack;
	u32 depth;
	u16 owner;
	char *path;
	u32 len;
};

struct xenemu_node *xenemu_tree_create(struct xenemu_store *store);
struct xenemu_node *xenemu_node_alloc(const struct xenemu_edit *edit,
				      const struct xenemu_node_init *init);
size_t xenemu_node_put(struct xenemu_store *store, struct xenemu_node *node);
size_t xenemu_tree_free_kids(struct xenemu_store *store, struct xenemu_kids *kids);
void xenemu_tree_find(struct xenemu_node *top, const struct xenemu_path *path,
		      struct xenemu_lookup *at);
int xenemu_tree_set(const struct xenemu_edit *edit, struct xenemu_node *top,
		    const struct xenemu_path *path, const struct xenemu_lookup *at,
		    const void *value, u32 len, struct xenemu_perms *perms,
		    struct xenemu_change *change);
int xenemu_tree_add(const struct xenemu_edit *edit, const struct xenemu_path *path,
		    const struct xenemu_lookup *at, const void *value, u32 len,
		    struct xenemu_perms *perms, struct xenemu_change *change);
int xenemu_tree_del(const struct xenemu_edit *edit, const struct xenemu_path *path,
		    const struct xenemu_lookup *at, struct xenemu_change *change);
void xenemu_tree_cancel(struct xenemu_store *store, struct xenemu_change *change);
bool xenemu_tree_is_unshared(struct xenemu_node *top, const struct xenemu_change *change);
struct xenemu_kids *xenemu_tree_change_in_place(const struct xenemu_edit *edit,
						const struct xenemu_change *change);
struct xenemu_node *xenemu_tree_copy(const struct xenemu_edit *edit, struct xenemu_node *top,
				     struct xenemu_change *change);
int xenemu_tree_apply(const struct xenemu_edit *edit, struct xenemu_node **top,
		      struct xenemu_change *change);
size_t xenemu_tree_bytes(struct xenemu_store *store, struct xenemu_node *top);
void xenemu_walk_start(struct xenemu_walk *walk, const struct xenemu_node **stack,
		       char *buf, const struct xenemu_node *node,
		       const struct xenemu_path *path);
const struct xenemu_node *xenemu_walk_next(struct xenemu_walk *walk, bool descend);

static inline struct xenemu_node *xenemu_node_get(struct xenemu_node *node)
{
	refcount_inc(&node->ref);
	return node;
}

static inline const char *xenemu_node_value(const struct xenemu_node *node)
{
	return node->data + node->name_len;
}

/* ---- kids.c ---- */

/*
 * A chunk has as many children as make it fill 256 bytes, and but for the
 * outermost, not less than KIDS_MIN. So 12 levels are more than there can be.
 */
#define XENEMU_KIDS_MAX		29
#define XENEMU_KIDS_MIN		8
#define XENEMU_KIDS_HEIGHT	12

/**
 * struct xenemu_kids - the children of a node, sorted, in a tree of chunks; immutable
 * @ref: nodes or chunks it hangs on
 * @height: 0 if the slots are nodes, else chunks of the next smaller height
 * @nr: number of slots
 * @owners: who owns the nodes in it and below, see xenemu_owners_join()
 * @bytes: length of all names in it, with a NUL each
 * @first: the first node in it
 * @dead: while it is being freed
 * @slot: nodes or chunks
 *
 * The order is: the shorter name first, and equally long ones by their bytes. So
 * numbers are in the order of their values.
 */
struct xenemu_kids {
	refcount_t ref;
	u8 height;
	u8 nr;
	u16 owners;
	u64 bytes;
	union {
		const struct xenemu_node *first;
		struct xenemu_kids *dead;
	};
	void *slot[] __counted_by(nr);
};

/**
 * struct xenemu_kids_iter - loop over children
 * @chunk: chunks from the outermost to the one with the node
 * @idx: position in each
 * @depth: how many; 0 at the end
 */
struct xenemu_kids_iter {
	const struct xenemu_kids *chunk[XENEMU_KIDS_HEIGHT];
	u32 idx[XENEMU_KIDS_HEIGHT];
	u32 depth;
};

struct xenemu_node *xenemu_kids_find(const struct xenemu_kids *kids,
				     const char *name, u32 len);
struct xenemu_node *xenemu_kids_find_unshared(const struct xenemu_kids *kids,
					      const char *name, u32 len);
const struct xenemu_node *xenemu_kids_after(const struct xenemu_kids *kids,
					    const char *name, u32 len, u16 owner);
bool xenemu_kids_find_change(const struct xenemu_kids *old, const struct xenemu_kids *new,
			     const struct xenemu_node **old_node,
			     const struct xenemu_node **new_node);
int xenemu_kids_replace(const struct xenemu_edit *edit, struct xenemu_kids *old,
			const char *name, u32 len, struct xenemu_node *node,
			struct xenemu_kids **out);
const struct xenemu_node *xenemu_kids_seek(struct xenemu_kids_iter *iter,
					   const struct xenemu_kids *kids,
					   u64 offset, u32 *skip);
const struct xenemu_node *xenemu_kids_next(struct xenemu_kids_iter *iter);

#endif /* XENEMU_STORE_TREE_H */
