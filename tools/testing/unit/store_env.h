/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_STORE_ENV_H
#define XENEMU_UNIT_STORE_ENV_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <linux/err.h>
#include <linux/time64.h>

#include "store/internal.h"
#include "tap.h"

/* A client of a store, and what it got. */
struct client {
	struct xenemu_conn *conn;
	struct env *env;
	bool direct;		/* by xenemu_conn_call(), not through the queue */
	u32 domid;
	unsigned long wakes;
	struct xenemu_msg *taken;	/* and read in part */
	u32 next_id;
	char reply[XENSTORE_PAYLOAD_MAX + 1];
	u32 len;
	char events[65536];	/* "path token;path token;" */
	char order[65536];	/* 'E' for each event and 'R' for each reply */
};

/* A store with domains 1, 2 and 3, each introduced, and owner of its home. */
struct env {
	struct xenemu_store *store;
	struct client dom0;
	struct client dom0b;
	struct client guest[4];	/* by domid; 0 is not used */
	u64 armed;
	int introduce_result;
	u32 introduced;		/* number of calls */
	u32 released;
	u16 last_domid;
	u32 last_port;
	void (*hook)(struct env *env);
};

struct env *env_create(void);
struct env *env_create_bare(void);	/* without domains but dom0 */
void env_destroy(struct env *env);

/* A saved store. */
struct saved {
	u8 *data;
	size_t len;
	size_t room;
	u64 gen;
};

/* Save; the result is the caller's. Returns what xenemu_save_store() did. */
int env_save(struct env *env, u32 format, u32 flags, u64 since, struct saved *saved);

/* A store without any client, and restoring one. */
struct env *env_create_empty(void);
int env_restore(struct env *env, const struct saved *saved);

/* Take all that was restored over from the clients of another store, which end. */
void env_claim(struct env *env, struct env *from);

/* Restore what was saved, in this order, into a new store and go on with that. */
void env_move(struct env *env, const struct saved *saved, u32 nr);

/* Save, and the same. */
void env_migrate(struct env *env, u32 format);

/* A request, while the store is saved and restored in the midst of it. As req(). */
int req_moving(struct client *c, u32 type, u32 tx, const void *body, u32 len);

/* The store's domains, connections, watches and transactions as text. */
char *dump_rest(struct env *env);
void client_open(struct env *env, struct client *c, u16 domid, enum xenemu_conn_kind kind);
void client_close(struct client *c);

/* One request; returns 0 or the error as a negative number. The reply is in @c. */
int req(struct client *c, u32 type, u32 tx, const void *body, u32 len);

/* The same with the arguments as text, '|' meaning NUL. */
int reqs(struct client *c, u32 type, u32 tx, const char *text);

/* Queue a request but read no output. */
int post(struct client *c, u32 type, u32 tx, const char *text);

/* Read all output. Returns the number of messages. */
int drain(struct client *c);

int rd(struct client *c, u32 tx, const char *path);
int wr(struct client *c, u32 tx, const char *path, const char *value);
int mkd(struct client *c, u32 tx, const char *path);
int rm(struct client *c, u32 tx, const char *path);
int ls(struct client *c, u32 tx, const char *path);	/* reply: names, each with a blank */
int setp(struct client *c, u32 tx, const char *path, const char *perms);	/* "n1 r2" */
int getp(struct client *c, u32 tx, const char *path);	/* reply: "n1 r2 " */
int watch(struct client *c, const char *path, const char *token);
u32 start(struct client *c);
int commit(struct client *c, u32 tx);
int rollback(struct client *c, u32 tx);

/* What came since the last call: "path token;..." */
const char *events(struct client *c);

/* Whether the accounts are right, as CONTROL check finds it. */
bool consistent(struct env *env);
u32 nodes_of(struct env *env, u16 domid);
long memory_of(struct env *env, u16 domid);

/* The whole tree as text, to be freed by the caller. */
char *dump(struct env *env);

void random_seed(u64 seed);
u64 random64(void);
u32 random_below(u32 limit);

#endif
