/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of the model: an array of nodes, what clients have, and how operations
 * change the array.
 */
#ifndef XENEMU_TEST_STORE_MODEL_TREE_H
#define XENEMU_TEST_STORE_MODEL_TREE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <xen/io/xs_wire.h>

#include "store_model.h"

#define MAX_NODES	256
#define MAX_PERMS	4
#define MAX_TXNS	3
#define MAX_LOG		12
#define MAX_OUTSIDE	256
#define MAX_WATCHES	6
#define NR_CLIENTS	STORE_MODEL_CLIENTS
#define NODE_QUOTA	30
#define MAX_EVENTS	256

/* Of an operation that older headers do not know. */
#define SET_QUOTA	26

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define CHECK(cond)						\
	do {							\
		if (!(cond))					\
			m->ops->fail(m->ctx, __LINE__, #cond);	\
	} while (0)

#define CHECK_EQ(got, want)	model_check_number(m, __LINE__, #got, got, want)
#define CHECK_STR(got, want)	model_check_text(m, __LINE__, #got, got, want)

struct mperm {
	uint16_t domid;
	uint8_t access;
	uint32_t epoch;		/* of the domain; 0 if it did not exist */
};

struct mnode {
	char path[40];
	char value[8];
	uint32_t nr_perms;
	struct mperm perm[MAX_PERMS];
};

struct mtree {
	uint32_t nr;
	struct mnode node[MAX_NODES];
};

struct mop {
	uint32_t type;
	char path[40];
	char arg[16];
	int result;
	char reply[512];
	bool changed;
	char first[40];		/* highest path that changed */
};

struct mtxn {
	uint32_t id;
	bool failed;
	bool died;		/* a domain died since */
	struct mtree base;
	struct mtree view;
	uint32_t nr_log;
	struct mop log[MAX_LOG];
	uint32_t nr_outside;
	char outside[MAX_OUTSIDE][40];	/* paths that others changed since */
};

struct mwatch {
	char path[40];
	char token[4];
	int depth;
	bool relative;
};

struct mclient {
	unsigned int nr;
	uint16_t domid;
	struct mtxn *txn[MAX_TXNS];
	uint32_t nr_watches;
	struct mwatch watch[MAX_WATCHES];
	uint32_t nr_expected;
	char expected[MAX_EVENTS][80];
};

struct model {
	const struct store_model_ops *ops;
	void *ctx;
	uint64_t random;
	struct store_model_result *result;
	struct mtree tree;
	uint32_t epoch[STORE_MODEL_DOMAINS + 1];	/* 0: there is no such domain */
	uint32_t last_epoch;
	struct mclient client[NR_CLIENTS];
	char reply[XENSTORE_PAYLOAD_MAX + 1];
	char events[65536];
};

void model_check_number(struct model *m, int line, const char *what, long long got,
			long long want);
void model_check_text(struct model *m, int line, const char *what, const char *got,
		      const char *want);

/* ---- store_model_tree.c ---- */

struct mnode *model_find(struct mtree *tree, const char *path);
bool model_is_below(const char *path, const char *top);
void model_parent_path(const char *path, char *parent);
/* Nearest node that exists, strictly above. */
struct mnode *model_find_near(struct mtree *tree, const char *path);
bool model_is_valid(struct model *m, const struct mperm *perm);
uint8_t model_access_of(struct model *m, const struct mnode *node, uint16_t domid);
uint32_t model_count_owned(const struct mtree *tree, uint16_t domid);
void model_remove_node(struct mtree *tree, const char *path);
/*
 * Do one operation on @tree. Events are expected if @m->tree is changed, that is, if
 * there is no transaction. @more: nodes that a transaction has added so far.
 */
void model_do_op(struct model *m, struct mtree *tree, uint16_t domid, int more,
		 struct mop *op);

/* ---- store_model.c ---- */

/* Expect the events for a change of a node; @exact: only of watches on just this path. */
void model_fire(struct model *m, const char *path, const struct mnode *old,
		const struct mnode *new, const struct mnode *parent, bool exact);
/* The same for what is below a node that is to be removed from @tree. */
void model_fire_removed(struct model *m, struct mtree *tree, const char *path);

#endif /* XENEMU_TEST_STORE_MODEL_TREE_H */
