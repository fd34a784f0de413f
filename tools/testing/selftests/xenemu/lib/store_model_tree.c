// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model's tree: an array of nodes, and operations that look at every one of them.
 */
#include "store_model_tree.h"

#include <stdio.h>
#include <string.h>

struct mnode *model_find(struct mtree *tree, const char *path)
{
	uint32_t i;

	for (i = 0; i < tree->nr; i++)
		if (!strcmp(tree->node[i].path, path))
			return &tree->node[i];
	return NULL;
}

bool model_is_below(const char *path, const char *top)
{
	uint32_t len = strlen(top);

	if (!strcmp(top, "/"))
		return path[1];
	return !strncmp(path, top, len) && path[len] == '/';
}

void model_parent_path(const char *path, char *parent)
{
	if (parent != path)
		strcpy(parent, path);
	*strrchr(parent, '/') = 0;
	if (!*parent)
		strcpy(parent, "/");
}

/* Nearest node that exists, strictly above. */
struct mnode *model_find_near(struct mtree *tree, const char *path)
{
	char up[40];
	struct mnode *node = NULL;

	strcpy(up, path);
	while (!node && strcmp(up, "/")) {
		model_parent_path(up, up);
		node = model_find(tree, up);
	}
	return node;
}

bool model_is_valid(struct model *m, const struct mperm *perm)
{
	return perm->epoch && perm->epoch == m->epoch[perm->domid];
}

uint8_t model_access_of(struct model *m, const struct mnode *node, uint16_t domid)
{
	uint32_t i;

	if (!domid || (node->perm[0].domid == domid && model_is_valid(m, &node->perm[0])))
		return 7;
	for (i = 1; i < node->nr_perms; i++)
		if (node->perm[i].domid == domid && model_is_valid(m, &node->perm[i]))
			return node->perm[i].access;
	return node->perm[0].access;
}

uint32_t model_count_owned(const struct mtree *tree, uint16_t domid)
{
	uint32_t i, nr = 0;

	for (i = 0; i < tree->nr; i++)
		nr += tree->node[i].perm[0].domid == domid;
	return nr;
}

static int lookup(struct model *m, struct mtree *tree, const char *path, uint16_t domid,
		  uint8_t want, struct mnode **node)
{
	struct mnode *near;

	*node = model_find(tree, path);
	if (*node)
		return (model_access_of(m, *node, domid) & want) == want ? 0 : -EACCES;
	near = model_find_near(tree, path);
	return near && model_access_of(m, near, domid) & want ? -ENOENT : -EACCES;
}

static void set_node(struct model *m, struct mtree *tree, const char *path, uint16_t domid)
{
	struct mnode *near = model_find_near(tree, path), *node;
	char up[40];
	uint32_t i;

	model_parent_path(path, up);
	if (!model_find(tree, up)) {
		set_node(m, tree, up, domid);
		near = model_find_near(tree, path);
	}
	CHECK(tree->nr < MAX_NODES);
	node = &tree->node[tree->nr++];
	memset(node, 0, sizeof(*node));
	strcpy(node->path, path);
	node->perm[0] = near->perm[0];
	node->nr_perms = 1;
	if (domid) {
		node->perm[0].domid = domid;
		node->perm[0].epoch = m->epoch[domid];
	}
	for (i = 1; i < near->nr_perms; i++)
		if (model_is_valid(m, &near->perm[i]) ||
		    !domid || near->perm[0].domid == domid)
			node->perm[node->nr_perms++] = near->perm[i];
}

void model_remove_node(struct mtree *tree, const char *path)
{
	uint32_t i;

	for (i = 0; i < tree->nr;) {
		if (!strcmp(tree->node[i].path, path) || model_is_below(tree->node[i].path, path))
			tree->node[i] = tree->node[--tree->nr];
		else
			i++;
	}
}

/* Nodes that are missing on the way to a path, itself included. */
static uint32_t count_missing(struct mtree *tree, const char *path)
{
	char up[40];
	uint32_t nr = 0;

	strcpy(up, path);
	while (!model_find(tree, up)) {
		nr++;
		model_parent_path(up, up);
	}
	return nr;
}

static int parse_perms(struct model *m, const char *text, struct mnode *node)
{
	uint32_t i;

	node->nr_perms = 0;
	for (i = 0; text[i]; i += 2) {
		struct mperm *perm = &node->perm[node->nr_perms++];

		perm->access = strchr("nrwb", text[i]) - "nrwb";
		perm->domid = text[++i] - '0';
		perm->epoch = m->epoch[perm->domid];
		if (!text[i + 1])
			break;
	}
	return node->perm[0].epoch ? 0 : -ENOENT;
}

static void list_names(struct mtree *tree, const char *path, char *reply)
{
	char name[64][40], up[40];
	uint32_t i, k, nr = 0;

	for (i = 0; i < tree->nr; i++) {
		if (!strcmp(tree->node[i].path, "/"))
			continue;
		model_parent_path(tree->node[i].path, up);
		if (strcmp(up, path))
			continue;
		/* Ordered by length, then text. */
		for (k = nr++; k; k--) {
			const char *mine = strrchr(tree->node[i].path, '/') + 1;

			if (strlen(name[k - 1]) < strlen(mine) ||
			    (strlen(name[k - 1]) == strlen(mine) &&
			     strcmp(name[k - 1], mine) < 0))
				break;
			strcpy(name[k], name[k - 1]);
		}
		strcpy(name[k], strrchr(tree->node[i].path, '/') + 1);
	}
	*reply = 0;
	for (i = 0; i < nr; i++) {
		strcat(reply, name[i]);
		strcat(reply, " ");
	}
}

static void list_perms(struct model *m, const struct mnode *node, char *reply)
{
	uint32_t i;

	*reply = 0;
	for (i = 0; i < node->nr_perms; i++) {
		char one[8];

		if (i && !model_is_valid(m, &node->perm[i]))
			continue;
		snprintf(one, sizeof(one), "%c%u ", "nrwb"[node->perm[i].access],
			 node->perm[i].domid);
		strcat(reply, one);
	}
}

/* More nodes than the quota? @more: nodes that a transaction has added so far. */
static bool too_many(struct model *m, struct mtree *tree, const char *path, uint16_t domid,
		     int more)
{
	int nr = model_count_owned(&m->tree, domid) + count_missing(tree, path);

	return domid && nr + more > NODE_QUOTA;
}

static void do_read(struct model *m, struct mtree *tree, uint16_t domid, struct mop *op)
{
	struct mnode *node;

	op->result = lookup(m, tree, op->path, domid, 1, &node);
	if (op->result)
		return;
	if (op->type == XS_READ)
		strcpy(op->reply, node->value);
	else if (op->type == XS_DIRECTORY)
		list_names(tree, op->path, op->reply);
	else
		list_perms(m, node, op->reply);
}

static void do_create(struct model *m, struct mtree *tree, uint16_t domid, int more,
		      struct mop *op)
{
	struct mnode *node;
	char up[40];

	op->result = -ENOSPC;
	if (too_many(m, tree, op->path, domid, more))
		return;
	op->result = 0;
	model_parent_path(op->path, up);
	while (!model_find(tree, up)) {
		strcpy(op->first, up);
		model_parent_path(up, up);
	}
	set_node(m, tree, op->path, domid);
	node = model_find(tree, op->path);
	if (op->type == XS_WRITE)
		strcpy(node->value, op->arg);
	if (tree == &m->tree)
		model_fire(m, op->path, NULL, node, model_find_near(tree, op->path), false);
	op->changed = true;
}

static void do_write(struct model *m, struct mtree *tree, uint16_t domid, int more,
		     struct mop *op)
{
	struct mnode *node, *near = model_find_near(tree, op->path);

	op->result = lookup(m, tree, op->path, domid, 2, &node);
	if (op->result == -ENOENT)
		do_create(m, tree, domid, more, op);
	if (op->result || !node || op->type == XS_MKDIR)
		return;
	if (tree == &m->tree)
		model_fire(m, op->path, node, node, near, false);
	strcpy(node->value, op->arg);
	op->changed = true;
}

static void do_rm(struct model *m, struct mtree *tree, uint16_t domid, struct mop *op)
{
	struct mnode *node;
	char up[40];

	op->result = lookup(m, tree, op->path, domid, 2, &node);
	if (op->result == -ENOENT) {
		model_parent_path(op->path, up);
		op->result = model_find(tree, up) ? 0 : -ENOENT;
		return;
	}
	if (!op->result && !strcmp(op->path, "/"))
		op->result = -EINVAL;
	if (op->result)
		return;
	if (tree == &m->tree) {
		model_fire_removed(m, tree, op->path);
		model_fire(m, op->path, node, NULL, model_find_near(tree, op->path), false);
	}
	model_remove_node(tree, op->path);
	op->changed = true;
}

static void do_set_perms(struct model *m, struct mtree *tree, uint16_t domid, struct mop *op)
{
	struct mnode *node, old, wanted = {};

	op->result = parse_perms(m, op->arg, &wanted);
	if (op->result)
		return;
	op->result = lookup(m, tree, op->path, domid, 6, &node);
	if (!op->result && domid && wanted.perm[0].domid != node->perm[0].domid)
		op->result = -EPERM;
	if (op->result)
		return;
	old = *node;
	node->nr_perms = wanted.nr_perms;
	memcpy(node->perm, wanted.perm, sizeof(node->perm));
	if (tree == &m->tree)
		model_fire(m, op->path, &old, node, model_find_near(tree, op->path), false);
	op->changed = true;
}

void model_do_op(struct model *m, struct mtree *tree, uint16_t domid, int more, struct mop *op)
{
	op->changed = false;
	op->reply[0] = 0;
	strcpy(op->first, op->path);
	switch (op->type) {
	case XS_WRITE:
	case XS_MKDIR:
		do_write(m, tree, domid, more, op);
		break;
	case XS_RM:
		do_rm(m, tree, domid, op);
		break;
	case XS_SET_PERMS:
		do_set_perms(m, tree, domid, op);
		break;
	default:
		do_read(m, tree, domid, op);
	}
}
