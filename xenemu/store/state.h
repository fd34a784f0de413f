/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_STORE_STATE_H
#define XENEMU_STORE_STATE_H

#include <linux/types.h>
#include <linux/xenemu.h>

#include "internal.h"

/*
 * Saving and restoring a store. Documentation/virt/xenemu/state-format.rst describes
 * the formats.
 *
 * To save is to capture, under the store's locks, roots of trees and copies of the
 * rest; then to write that without a lock. To restore is to read into a new store,
 * then to exchange the contents of the two.
 */

/* ---- diff.c ---- */

struct xenemu_diff_frame;

/**
 * struct xenemu_diff - loop over the differences of two versions of the tree
 * @old: the node in the old version, or NULL
 * @new: the node in the new version, or NULL
 * @above: the node above it, in the new version if it is there
 * @level: number of components of its path
 * @path: its path, as struct xenemu_path has it
 * @len: length of that
 * @frame: for each node above it, where the loop is in the lists of its children
 * @nr_frames: how many there is room for
 * @depth: how many are in use
 */
struct xenemu_diff {
	const struct xenemu_node *old;
	const struct xenemu_node *new;
	const struct xenemu_node *above;
	u32 level;
	char *path;
	u32 len;
	struct xenemu_diff_frame *frame;
	u32 nr_frames;
	u32 depth;
};

int xenemu_diff_start(struct xenemu_diff *diff, const struct xenemu_node *old,
		      const struct xenemu_node *new);
int xenemu_diff_next(struct xenemu_diff *diff, bool descend);
void xenemu_diff_end(struct xenemu_diff *diff);

/* ---- builder.c ---- */

/**
 * struct xenemu_builder - a version of the tree under construction
 * @edit: how its nodes are made
 * @top: its root, which nobody else can see; a reference
 * @stack: the current node and those above it, from @top on: nobody else can see them
 * @depth: how many
 * @room: how many there is room for
 * @path: path of the current node, as struct xenemu_path has it
 * @len: length of that
 */
struct xenemu_builder {
	struct xenemu_edit edit;
	struct xenemu_node *top;
	struct xenemu_node **stack;
	u32 depth;
	u32 room;
	char *path;
	u32 len;
};

/**
 * struct xenemu_builder_node - what is to be known of a node
 * @name: its name
 * @name_len: length of that
 * @value: its value, or NULL for what it was, or for an empty one
 * @value_len: length of that
 * @perms: its permissions, or NULL for what they were, or for those of the parent
 * @list_gen: generation of its list of children, or 0 for what it was
 */
struct xenemu_builder_node {
	const char *name;
	u32 name_len;
	const void *value;
	u32 value_len;
	struct xenemu_perms *perms;
	u64 list_gen;
};

int xenemu_builder_start(struct xenemu_builder *builder, struct xenemu_store *store,
			 const struct xenemu_node *from);
struct xenemu_node *xenemu_builder_finish(struct xenemu_builder *builder);
void xenemu_builder_cancel(struct xenemu_builder *builder);
int xenemu_builder_leave(struct xenemu_builder *builder);
int xenemu_builder_enter(struct xenemu_builder *builder, const char *name, u32 len);
int xenemu_builder_seek(struct xenemu_builder *builder, const char *path, u32 len);
int xenemu_builder_put(struct xenemu_builder *builder, const struct xenemu_builder_node *node);
int xenemu_builder_remove(struct xenemu_builder *builder, const char *name, u32 len);

static inline struct xenemu_node *xenemu_builder_current(const struct xenemu_builder *builder)
{
	return builder->stack[builder->depth - 1];
}

/* ---- capture.c ---- */

/**
 * struct xenemu_cap_domain - a domain when the store was captured
 * @domid: its number
 * @introduced: as in struct xenemu_sdomain
 * @shutdown: the same
 * @target: the same, by number, or XENEMU_DOMID_ANY
 * @birth: the same
 * @features: the same
 * @quota: the same
 * @quota_set: the same
 * @conflicts: the same, brought up to date
 * @stall: ms for which its requests still wait
 */
struct xenemu_cap_domain {
	u16 domid;
	bool introduced;
	bool shutdown;
	u16 target;
	u64 birth;
	u32 features;
	u32 quota[XENEMU_NR_QUOTAS];
	u32 quota_set;
	u32 conflicts;
	u32 stall;
};

/**
 * struct xenemu_cap_msg - a message that the client has not read
 * @link: in the connection's list
 * @event: a watch event
 * @len: bytes in @data
 * @sent: how many of them the client has read
 * @partial: the client has read some, perhaps others than these
 * @age: ms since it was queued, if it is an event
 * @data: header and payload
 */
struct xenemu_cap_msg {
	struct list_head link;
	bool event;
	bool partial;
	u32 len;
	u32 sent;
	u32 age;
	u8 data[];
};

/**
 * struct xenemu_cap_watch - a watch
 * @link: in the connection's list
 * @depth: as in struct xenemu_watch
 * @rel: the same
 * @path_len: the same
 * @token_len: the same
 * @data: the same
 */
struct xenemu_cap_watch {
	struct list_head link;
	int depth;
	u16 rel;
	u16 path_len;
	u16 token_len;
	char data[];
};

/**
 * struct xenemu_cap_touch - a path that a transaction looked at or changed
 * @link: in the transaction's list
 * @flags: XENEMU_TOUCH_*
 * @len: length of @path
 * @path: the path, and a NUL
 */
struct xenemu_cap_touch {
	struct list_head link;
	u32 flags;
	u32 len;
	char path[];
};

/**
 * struct xenemu_cap_txn - an open transaction
 * @link: in the connection's list
 * @id: as in struct xenemu_txn
 * @error: the same
 * @base: the same
 * @top: the same
 * @touched: struct xenemu_cap_touch
 * @nr_touched: how many
 * @written: positions in @touched of those that are carried over, in that order
 * @nr_written: how many
 */
struct xenemu_cap_txn {
	struct list_head link;
	u32 id;
	int error;
	struct xenemu_node *base;
	struct xenemu_node *top;
	struct list_head touched;
	u32 nr_touched;
	u32 *written;
	u32 nr_written;
};

/**
 * struct xenemu_cap_conn - a connection
 * @link: in the capture's list
 * @id: as in struct xenemu_conn
 * @domid: its domain
 * @kind: as in struct xenemu_conn
 * @dead: the same
 * @port: the same
 * @gfn: the same
 * @next_txn: the same
 * @next_txn_gen: the same
 * @in: bytes of requests that were read from the client but not carried out
 * @in_len: how many
 * @msgs: struct xenemu_cap_msg
 * @watches: struct xenemu_cap_watch, if the capture has a head
 * @nr_watches: how many
 * @txns: struct xenemu_cap_txn
 */
struct xenemu_cap_conn {
	struct list_head link;
	u32 id;
	u16 domid;
	enum xenemu_conn_kind kind;
	bool dead;
	u32 port;
	u64 gfn;
	u32 next_txn;
	u64 next_txn_gen;
	u8 *in;
	u32 in_len;
	struct list_head msgs;
	struct list_head watches;
	u32 nr_watches;
	struct list_head txns;
};

/**
 * struct xenemu_capture - a store at one moment
 * @store: the store
 * @gen: generation of the moment, which is no other's
 * @top: root of the tree; a reference
 * @since: generation of what it is to be compared with, or 0
 * @base: root of the tree of that, a reference, or NULL
 * @head: limits, domains, connections or watches are not what they were then
 * @quota: limits of domains that have none of their own
 * @domain: domains in the order of their births
 * @nr_domains: how many
 * @slot: positions in @domain by number, plus 1: a hash table
 * @slot_mask: size of that less 1
 * @conns: struct xenemu_cap_conn
 * @nr_conns: how many
 * @chunks: memory that holds all this
 * @room: what is left of the last of it
 * @room_len: how much
 */
struct xenemu_capture {
	struct xenemu_store *store;
	u64 gen;
	struct xenemu_node *top;
	u64 since;
	struct xenemu_node *base;
	bool head;
	u32 quota[XENEMU_NR_QUOTAS];
	struct xenemu_cap_domain *domain;
	u32 nr_domains;
	u16 *slot;
	u32 slot_mask;
	struct list_head conns;
	u32 nr_conns;
	struct list_head chunks;
	void *room;
	size_t room_len;
};

int xenemu_capture_take(struct xenemu_capture *cap, struct xenemu_store *store, u64 since);
void xenemu_capture_drop(struct xenemu_capture *cap);
const struct xenemu_cap_domain *xenemu_capture_find_domain(const struct xenemu_capture *cap,
							   u16 domid);
bool xenemu_capture_perm_valid(const struct xenemu_capture *cap,
			       const struct xenemu_perms *perms, u32 i);

/* ---- dict.c ---- */

struct xenemu_dict_text;

/**
 * struct xenemu_dict - numbers of texts
 * @place: a hash table, of a writer; by number, of a reader
 * @mask: its size less 1, of a writer; its size, of a reader
 * @nr: how many texts there are, of a writer; without those known from the
 *	beginning, of a reader
 */
struct xenemu_dict {
	struct xenemu_dict_text *place;
	u32 mask;
	u32 nr;
};

int xenemu_dict_find(struct xenemu_dict *dict, const char *str, u32 len, bool learn);
int xenemu_dict_learn(struct xenemu_dict *dict, const char *str, u32 len);
const char *xenemu_dict_text(const struct xenemu_dict *dict, u64 number, u32 *len);
void xenemu_dict_free(struct xenemu_dict *dict);

/* ---- sink.c ---- */

/**
 * struct xenemu_sink - where a stream is written to
 * @write: takes the next bytes. Once it has failed it is not called again
 * @priv: passed to that
 * @len: number of bytes so far
 * @error: 0, or what went wrong: there is no need to look at it after each byte
 * @buf: bytes that are not handed on yet
 * @used: how many
 */
struct xenemu_sink {
	int (*write)(void *priv, const void *data, size_t len);
	void *priv;
	u64 len;
	int error;
	u8 *buf;
	u32 used;
};

int xenemu_sink_start(struct xenemu_sink *sink, int (*write)(void *priv, const void *data,
							     size_t len), void *priv);
int xenemu_sink_finish(struct xenemu_sink *sink);
void xenemu_sink_put(struct xenemu_sink *sink, const void *data, size_t len);
void xenemu_sink_u8(struct xenemu_sink *sink, u8 value);
void xenemu_sink_u16(struct xenemu_sink *sink, u16 value);
void xenemu_sink_u32(struct xenemu_sink *sink, u32 value);
void xenemu_sink_varint(struct xenemu_sink *sink, u64 value);

/* ---- restore.c ---- */

/**
 * struct xenemu_restore - a store being restored
 * @live: the store whose contents it shall become
 * @store: what there is so far; nobody else uses it
 * @flags: XENEMU_RESTORE_*
 * @since: generation that the stream is a difference to, or 0
 * @gen: generation of the stream
 * @live_gen: generation of @live, if this is a difference to it
 * @tree: its tree
 * @perms: permissions that were made last; references
 * @next_perms: which of them to replace next
 * @conns: struct restored_conn by number
 * @why: where reading is, and what is wrong there
 */
struct xenemu_restore {
	struct xenemu_store *live;
	struct xenemu_store *store;
	u32 flags;
	u64 since;
	u64 gen;
	u64 live_gen;
	struct xenemu_builder tree;
	struct xenemu_perms *perms[8];
	u32 next_perms;
	struct xenemu_htab conns;
	struct xenemu_restore_why why;
};

int xenemu_restore_refuse(struct xenemu_restore *restore, u32 reason);
struct xenemu_sdomain *xenemu_restore_domain(struct xenemu_restore *restore, u16 domid);
struct xenemu_conn *xenemu_restore_conn(struct xenemu_restore *restore, u32 id,
					struct xenemu_sdomain *dom,
					enum xenemu_conn_kind kind);
struct xenemu_conn *xenemu_restore_find_conn(struct xenemu_restore *restore, u32 id);
int xenemu_restore_input(struct xenemu_restore *restore, struct xenemu_conn *conn,
			 const void *data, u32 len);
int xenemu_restore_output(struct xenemu_restore *restore, struct xenemu_conn *conn,
			  const void *data, u32 len, u32 age);
int xenemu_restore_rest(struct xenemu_restore *restore, struct xenemu_conn *conn,
			const void *data, u32 len);
int xenemu_restore_watch(struct xenemu_restore *restore, struct xenemu_conn *conn,
			 const char *path, const char *token, int depth);
int xenemu_restore_begin_tree(struct xenemu_restore *restore, const struct xenemu_node *from,
			      u64 gen);
struct xenemu_node *xenemu_restore_live_tree(struct xenemu_restore *restore);
int xenemu_restore_live_head(struct xenemu_restore *restore);
struct xenemu_perms *xenemu_restore_perms(struct xenemu_restore *restore,
					  const struct xenemu_perm *perm, u32 nr, u64 gen);
int xenemu_restore_end_tree(struct xenemu_restore *restore);
int xenemu_restore_count_txn(struct xenemu_restore *restore, struct xenemu_txn *txn);

/* ---- xen_write.c, xen_read.c ---- */

#define XENEMU_XEN_MAGIC	"xenstore"

/* Types of records. */
enum {
	XENEMU_XEN_END,
	XENEMU_XEN_GLOBAL,
	XENEMU_XEN_CONN,
	XENEMU_XEN_WATCH,
	XENEMU_XEN_TXN,
	XENEMU_XEN_NODE,
	XENEMU_XEN_QUOTA,
	XENEMU_XEN_DOMAIN,
	XENEMU_XEN_WATCH_DEPTH,
};

#define XENEMU_XEN_BIG_ENDIAN	BIT(0)	/* in the header's flags */
#define XENEMU_XEN_RING		0	/* kinds of connections */
#define XENEMU_XEN_SOCKET	1
#define XENEMU_XEN_NO_DOMID	0x7ff4	/* DOMID_INVALID */
#define XENEMU_XEN_READ		BIT(0)	/* what a transaction did with a node */
#define XENEMU_XEN_WRITTEN	BIT(1)
#define XENEMU_XEN_STALE	BIT(0)	/* in an entry of permissions */
#define XENEMU_XEN_NO_DEPTH	0xffff	/* a watch sees all below */

void xenemu_xen_write(const struct xenemu_capture *cap, u32 version, struct xenemu_sink *sink);
int xenemu_xen_read(struct xenemu_restore *restore, const void *data, size_t len);

/* ---- compact_write.c, compact_read.c ---- */

#define XENEMU_COMPACT_MAGIC	"xes\1"	/* with the version */

/* Of the header. */
#define XENEMU_COMPACT_DIFF	BIT(0)	/* a difference */
#define XENEMU_COMPACT_HEAD	BIT(1)	/* has limits, domains, connections, watches */

/* Of a domain. */
#define XENEMU_COMPACT_INTRODUCED	BIT(0)
#define XENEMU_COMPACT_SHUTDOWN		BIT(1)
#define XENEMU_COMPACT_FEATURES		BIT(2)	/* not all */
#define XENEMU_COMPACT_QUOTA		BIT(3)
#define XENEMU_COMPACT_TARGET		BIT(4)

/* Of a connection. */
#define XENEMU_COMPACT_FD		BIT(0)
#define XENEMU_COMPACT_DEAD		BIT(1)
#define XENEMU_COMPACT_RING		BIT(2)	/* has a port and a frame */

/* Of a watch. */
#define XENEMU_COMPACT_REL		BIT(0)
#define XENEMU_COMPACT_DEPTH		BIT(1)

/* Of a node. */
#define XENEMU_COMPACT_UP		0x03	/* levels to go up first, or: more, less 3 */
#define XENEMU_COMPACT_VALUE		BIT(2)
#define XENEMU_COMPACT_PERMS		BIT(3)
#define XENEMU_COMPACT_LIST		BIT(4)
#define XENEMU_COMPACT_REMOVED		BIT(5)
#define XENEMU_COMPACT_LAST		0xff	/* there are no more */

/* Of a value, below its length or number. */
#define XENEMU_COMPACT_BYTES		0
#define XENEMU_COMPACT_TEXT		1
#define XENEMU_COMPACT_PATH		2
#define XENEMU_COMPACT_KIND_BITS	2
/* Longest path that is written as one, in components and in bytes of each. */
#define XENEMU_COMPACT_MAX_COMPS	32
#define XENEMU_COMPACT_MAX_COMP		64
/* Longest value that gets a number. */
#define XENEMU_COMPACT_MAX_LEARNT	32

/* Of what a connection has under way. */
#define XENEMU_COMPACT_INPUT		BIT(0)
#define XENEMU_COMPACT_REST		BIT(1)
#define XENEMU_COMPACT_NEXT_TXN		BIT(2)

/* Of a transaction: why it cannot be committed, and that it has trees. */
#define XENEMU_COMPACT_NOMEM		BIT(0)
#define XENEMU_COMPACT_AGAIN		BIT(1)
#define XENEMU_COMPACT_TREES		BIT(2)

/* Of permissions, below the number of the domain. */
#define XENEMU_COMPACT_ACCESS		0x03
#define XENEMU_COMPACT_IGNORE		BIT(2)
#define XENEMU_COMPACT_DOMID_SHIFT	3
/* So many different ones have numbers. */
#define XENEMU_COMPACT_MAX_PERMS	65536

/* Types of records that xenemu_restore_why names. */
enum {
	XENEMU_COMPACT_HEADER,
	XENEMU_COMPACT_LIMITS,
	XENEMU_COMPACT_DOMAIN,
	XENEMU_COMPACT_CONN,
	XENEMU_COMPACT_WATCH,
	XENEMU_COMPACT_NODE,
	XENEMU_COMPACT_BLAME,
	XENEMU_COMPACT_BUFFERS,
	XENEMU_COMPACT_TXN,
	XENEMU_COMPACT_TXN_NODE,
	XENEMU_COMPACT_TOUCH,
};

void xenemu_compact_write(const struct xenemu_capture *cap, struct xenemu_sink *sink);
int xenemu_compact_read(struct xenemu_restore *restore, const void *data, size_t len);

#endif /* XENEMU_STORE_STATE_H */
