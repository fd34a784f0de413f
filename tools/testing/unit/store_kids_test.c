// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists of children, against a sorted array; old versions stay as they were.
 */
#include "store_env.h"

#define NR_NAMES	3000

static struct xenemu_store store;
static struct xenemu_perms *perms;
static const struct xenemu_edit edit = { .store = &store };

static struct xenemu_node *make_node(const char *name, u64 gen)
{
	u32 len = strlen(name);
	struct xenemu_node *node = kmalloc(sizeof(*node) + len, GFP_KERNEL);

	memset(node, 0, sizeof(*node));
	refcount_set(&node->ref, 1);
	node->name_len = len;
	node->gen = gen;
	node->owners = gen % 40 ? gen % 5 / 4 * (gen % 8) : XENEMU_OWNERS_MANY;
	node->perms = xenemu_perms_get(perms);
	memcpy(node->data, name, len);
	atomic_long_add(sizeof(*node) + len, &store.mem);
	return node;
}

static int name_order(const char *a, const char *b)
{
	if (strlen(a) != strlen(b))
		return strlen(a) < strlen(b) ? -1 : 1;
	return strcmp(a, b);
}

/* Bounds on each chunk, and that its sums are right. Tests may recurse. */
static u32 check_chunk(const struct xenemu_kids *kids, bool top)
{
	u16 owners = 0;
	u64 bytes = 0;
	u32 i, nr = 0;

	CHECK(kids->nr && kids->nr <= XENEMU_KIDS_MAX);
	CHECK(top || kids->nr >= XENEMU_KIDS_MIN);
	CHECK(!top || !kids->height || kids->nr > 1);
	for (i = 0; i < kids->nr; i++) {
		if (kids->height) {
			const struct xenemu_kids *inner = kids->slot[i];

			CHECK_EQ(inner->height, kids->height - 1);
			nr += check_chunk(inner, false);
			bytes += inner->bytes;
			owners = xenemu_owners_join(owners, inner->owners);
			if (!i)
				CHECK(kids->first == inner->first);
		} else {
			const struct xenemu_node *node = kids->slot[i];

			nr++;
			bytes += node->name_len + 1;
			owners = xenemu_owners_join(owners, node->owners);
			if (!i)
				CHECK(kids->first == node);
		}
	}
	CHECK_EQ(kids->bytes, bytes);
	CHECK_EQ(kids->owners, owners);
	return nr;
}

/* A loop over the children in which a domain owns something finds just these. */
static void check_owned(const struct xenemu_kids *kids, u16 owner)
{
	const struct xenemu_node *node, *found;
	struct xenemu_kids_iter iter;
	u32 skip;

	found = xenemu_kids_after(kids, NULL, 0, owner);
	for (node = xenemu_kids_seek(&iter, kids, 0, &skip); node;
	     node = xenemu_kids_next(&iter)) {
		if (node->owners != owner && node->owners != XENEMU_OWNERS_MANY)
			continue;
		CHECK(found == node);
		found = xenemu_kids_after(kids, node->data, node->name_len, owner);
	}
	CHECK(!found);
}

/* That a child was replaced is found out without looking at all. */
static void check_change(struct xenemu_kids *kids, const struct xenemu_node *node)
{
	const struct xenemu_node *old, *new;
	struct xenemu_kids *changed;
	struct xenemu_node *other;
	char name[32] = {};

	memcpy(name, node->data, node->name_len);
	other = make_node(name, 1);
	CHECK(!xenemu_kids_find_change(kids, kids, &old, &new));
	CHECK(!xenemu_kids_find_change(kids, NULL, &old, &new));
	CHECK_EQ(xenemu_kids_replace(&edit, kids, name, strlen(name), other, &changed), 0);
	CHECK(xenemu_kids_find_change(kids, changed, &old, &new));
	CHECK(old == node && new == other);
	xenemu_node_put(&store, other);
	xenemu_tree_free_kids(&store, changed);
}

/* The list is exactly the names for which @gen is not 0, in order. */
static void check_list(struct xenemu_kids *kids, char (*name)[16], const u64 *gen)
{
	const struct xenemu_node *node, *prev = NULL;
	struct xenemu_kids_iter iter;
	u32 i, nr = 0, skip;
	u64 offset = 0;

	for (i = 0; i < NR_NAMES; i++) {
		node = xenemu_kids_find(kids, name[i], strlen(name[i]));
		CHECK(!node == !gen[i]);
		if (node)
			CHECK_EQ(node->gen, gen[i]);
		nr += !!node;
	}
	if (!kids) {
		CHECK_EQ(nr, 0);
		return;
	}
	CHECK_EQ(check_chunk(kids, true), nr);
	for (node = xenemu_kids_seek(&iter, kids, 0, &skip); node;
	     node = xenemu_kids_next(&iter)) {
		struct xenemu_kids_iter at;
		char a[32] = {}, b[32] = {};

		memcpy(a, node->data, node->name_len);
		if (prev) {
			memcpy(b, prev->data, prev->name_len);
			CHECK(name_order(b, a) < 0);
			CHECK(xenemu_kids_after(kids, prev->data, prev->name_len,
						XENEMU_OWNERS_MANY) == node);
		} else {
			CHECK(xenemu_kids_after(kids, "", 0, XENEMU_OWNERS_MANY) == node);
			CHECK(xenemu_kids_after(kids, NULL, 0, XENEMU_OWNERS_MANY) == node);
		}
		CHECK(xenemu_kids_seek(&at, kids, offset, &skip) == node);
		CHECK_EQ(skip, 0);
		CHECK(xenemu_kids_seek(&at, kids, offset + node->name_len, &skip) == node);
		CHECK_EQ(skip, node->name_len);
		offset += node->name_len + 1;
		prev = node;
		nr--;
	}
	CHECK_EQ(nr, 0);
	CHECK(!xenemu_kids_after(kids, prev->data, prev->name_len, XENEMU_OWNERS_MANY));
	for (i = 1; i < 9; i++)
		check_owned(kids, i);
	check_change(kids, prev);
	CHECK(!xenemu_kids_seek(&iter, kids, offset, &skip));
	CHECK(!xenemu_kids_seek(&iter, kids, U64_MAX, &skip));
}

static void exercise(u32 rounds, u32 remove_percent)
{
	static char name[NR_NAMES][16];
	static u64 gen[NR_NAMES], old_gen[NR_NAMES];
	struct xenemu_kids *kids = NULL, *old = NULL, *next;
	u32 i, k;

	memset(gen, 0, sizeof(gen));
	for (i = 0; i < NR_NAMES; i++)
		snprintf(name[i], sizeof(name[i]), "%s%u", i % 3 ? "" : "x", i * 7);

	for (i = 0; i < rounds; i++) {
		struct xenemu_node *node = NULL;

		k = random_below(NR_NAMES);
		if (random_below(100) >= remove_percent)
			node = make_node(name[k], i + 1);
		if (!random_below(4)) {
			shim_fail_nth = 1 + random_below(3);
			if (xenemu_kids_replace(&edit, kids, name[k], strlen(name[k]), node,
						&next)) {
				xenemu_node_put(&store, node);
				shim_fail_nth = 0;
				continue;
			}
			shim_fail_nth = 0;
		} else {
			CHECK_EQ(xenemu_kids_replace(&edit, kids, name[k], strlen(name[k]),
						     node, &next), 0);
		}
		gen[k] = node ? i + 1 : 0;
		xenemu_node_put(&store, node);
		if (kids)
			xenemu_tree_free_kids(&store, kids);
		kids = next;

		if (i % 5000 == 2500) {
			check_list(kids, name, gen);
			if (old) {
				check_list(old, name, old_gen);
				xenemu_tree_free_kids(&store, old);
			}
			old = kids;
			if (old)
				refcount_inc(&old->ref);
			memcpy(old_gen, gen, sizeof(gen));
		}
	}
	check_list(kids, name, gen);
	for (k = 0; k < NR_NAMES && kids; k++) {
		CHECK_EQ(xenemu_kids_replace(&edit, kids, name[k], strlen(name[k]), NULL,
					     &next), 0);
		xenemu_tree_free_kids(&store, kids);
		kids = next;
	}
	CHECK(!kids);
	if (old)
		xenemu_tree_free_kids(&store, old);
	CHECK_EQ(atomic_long_read(&store.mem), 0);
}

TEST(store_kids_random)
{
	perms = xenemu_perms_alloc(1, 1, GFP_KERNEL);
	exercise(20000, 50);
	exercise(20000, 20);
	exercise(20000, 80);
	xenemu_perms_put(perms);
	CHECK_EQ(shim_live_allocs, 0);
}

/* A directory of 100,000, filled and emptied in order, backwards and at random. */
TEST(store_kids_many)
{
	struct env *env = env_create_bare();
	struct client *d = &env->dom0;
	struct xenemu_store_stats stats;
	const u32 nr = 100000;
	char path[32];
	u32 i;

	d->direct = true;
	for (i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), "/many/%u", i);
		CHECK_EQ(wr(d, 0, path, "v"), 0);
	}
	xenemu_store_get_stats(env->store, &stats);
	CHECK_EQ(stats.nodes, nr + 4);
	/* Node, name and value, slot: what is said in the documentation. */
	CHECK(stats.memory / nr < 96);
	for (i = 0; i < nr; i += 997) {
		snprintf(path, sizeof(path), "/many/%u", i);
		CHECK_EQ(rd(d, 0, path), 0);
	}
	CHECK(consistent(env));
	for (i = 0; i < nr / 2; i++) {
		snprintf(path, sizeof(path), "/many/%u", (i * 7919) % nr);
		CHECK_EQ(rm(d, 0, path), 0);
	}
	CHECK(consistent(env));
	CHECK_EQ(rm(d, 0, "/many"), 0);
	xenemu_store_get_stats(env->store, &stats);
	CHECK_EQ(stats.nodes, 3);
	env_destroy(env);
	CHECK_EQ(shim_live_allocs, 0);
}
