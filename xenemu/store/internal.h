/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_STORE_INTERNAL_H
#define XENEMU_STORE_INTERNAL_H

#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/types.h>

#include "htab.h"
#include "store.h"

struct xenemu_edit;
struct xenemu_kids;
struct xenemu_request;
struct xenemu_txn;

/* Components of the longest path, one node above them, and one to spare. */
#define XENEMU_STORE_MAX_DEPTH	(XENSTORE_ABS_PATH_MAX / 2 + 3)

/* Payload that every reply message has room for: "OK", an error, an id. */
#define XENEMU_STORE_SMALL	24

/* ---- path.c ---- */

/**
 * struct xenemu_path - a valid, absolute path
 * @str: text, not terminated
 * @len: length of the text; 0 for "/", so that components are easy to split
 * @rel: length of the prefix that the client did not write, 0 if the path was
 *	absolute
 *
 * The text between slashes are the components. So "/a" has the components ""
 * and "a", "/" has the component "", and "@releaseDomain" has one. The tree and
 * the trie of watches have a root above these, and need no special cases.
 */
struct xenemu_path {
	const char *str;
	u32 len;
	u32 rel;
};

/**
 * struct xenemu_comp - a component of a path
 * @name: its text, not terminated; NULL before the first
 * @len: its length
 */
struct xenemu_comp {
	const char *name;
	u32 len;
};

/* What xenemu_path_parse() shall accept. */
enum xenemu_path_class {
	XENEMU_PATH_NODE,	/* a node of the tree */
	XENEMU_PATH_PERMS,	/* also the special nodes */
	XENEMU_PATH_WATCH,	/* also the special nodes, and those of one domain */
};

int xenemu_path_parse(struct xenemu_request *req, char *str,
		      enum xenemu_path_class class, struct xenemu_path *path);
bool xenemu_path_is_valid(const char *str, enum xenemu_path_class class, bool relative);
bool xenemu_path_is_name(const char *str, u32 len);
bool xenemu_path_parent(const struct xenemu_path *path, struct xenemu_path *parent);

/*
 * Step to the next component of the first @len bytes of a path; begin with zeroes. False
 * if there is none.
 */
static inline bool xenemu_path_next(const char *str, u32 len, struct xenemu_comp *comp)
{
	const char *end = str + len, *pos;

	comp->name = comp->name ? comp->name + comp->len + 1 : str;
	if (comp->name > end)
		return false;
	/* Components are short: a call would take longer than the loop. */
	for (pos = comp->name; pos < end && *pos != '/'; pos++)
		;
	comp->len = pos - comp->name;
	return true;
}

/* Length of a path as clients see it. */
static inline u32 xenemu_path_text_len(const struct xenemu_path *path)
{
	return path->len ?: 1;
}

/* ---- perm.c ---- */

#define XENEMU_PERM_READ	BIT(0)
#define XENEMU_PERM_WRITE	BIT(1)
#define XENEMU_PERM_OWNER	BIT(2)

/**
 * struct xenemu_perm - what a domain may do
 * @domid: the domain; of the first entry, the owner
 * @access: XENEMU_PERM_READ, _WRITE; of the first entry, for all not listed
 * @ignore: named no domain when it was written
 */
struct xenemu_perm {
	u16 domid;
	u8 access;
	u8 ignore;
};

/**
 * struct xenemu_perms - permissions of a node; immutable
 * @ref: nodes that share them
 * @nr: number of entries, at least 1
 * @gen: when they were made. An entry for a domain that was created later is
 *	meant for an earlier one of the same number
 * @perm: the entries
 */
struct xenemu_perms {
	refcount_t ref;
	u32 nr;
	u64 gen;
	struct xenemu_perm perm[] __counted_by(nr);
};

/**
 * struct xenemu_cred - who asks
 * @domid: the domain
 * @privileged: may do everything
 * @birth: when it was created
 * @target: domain whose rights it also has, or XENEMU_DOMID_ANY for none
 * @target_birth: when that was created
 */
struct xenemu_cred {
	u16 domid;
	bool privileged;
	u16 target;
	u64 birth;
	u64 target_birth;
};

struct xenemu_perms *xenemu_perms_alloc(u32 nr, u64 gen, gfp_t gfp);
void xenemu_perms_put(struct xenemu_perms *perms);
u8 xenemu_perms_access(const struct xenemu_perms *perms, const struct xenemu_cred *cred);
bool xenemu_perms_valid(const struct xenemu_store *store, const struct xenemu_perms *perms,
			u32 i);
struct xenemu_perms *xenemu_perms_parse(struct xenemu_request *req, char *str, u32 nr);
struct xenemu_perms *xenemu_perms_inherit(struct xenemu_request *req,
					  struct xenemu_perms *parent);
u32 xenemu_perms_format(const struct xenemu_store *store, const struct xenemu_perms *perms,
			char *buf, u32 size);

static inline struct xenemu_perms *xenemu_perms_get(struct xenemu_perms *perms)
{
	refcount_inc(&perms->ref);
	return perms;
}

static inline u16 xenemu_perms_owner(const struct xenemu_perms *perms)
{
	return perms->perm[0].domid;
}

#include "tree.h"

/* ---- quota.c ---- */

enum xenemu_quota {
	XENEMU_QUOTA_NODES,
	XENEMU_QUOTA_WATCHES,
	XENEMU_QUOTA_OUTSTANDING,
	XENEMU_QUOTA_MEMORY,
	XENEMU_QUOTA_SOFT_MEMORY,
	XENEMU_QUOTA_TRANSACTIONS,
	XENEMU_QUOTA_TRANSACTION_NODES,
	XENEMU_QUOTA_NODE_PERMISSIONS,
	XENEMU_QUOTA_PATH_MAX,
	XENEMU_QUOTA_NODE_SIZE,
	XENEMU_NR_QUOTAS
};

/* ---- domain.c ---- */

/**
 * struct xenemu_sdomain - what the store knows of a domain
 * @admin_lock: serialises INTRODUCE and RELEASE of the domain, callbacks included;
 *	outside store->lock
 * @link: in store->domains
 * @hash: in store->domain_tab
 * @ref: the store while the domain lives, its connections, their debts, targets
 * @domid: its number
 * @privileged: dom0
 * @birth: generation at which it was created
 * @home: what relative paths begin with: "/local/domain/<domid>/"
 * @home_len: length of that
 * @dead: was destroyed. Protected by store->lock, like all up to @conns
 * @absent: was restored; the host has not created it yet
 * @introduced: XS_INTRODUCE was done
 * @shutdown: @releaseDomain was fired for its shutdown
 * @features: XENEMU_XS_FEATURE_*; read without a lock
 * @quota: its own limits
 * @quota_set: which of these apply, in place of store->quota
 * @quota_max: largest values seen, of what has limits. Written without a lock: a
 *	little too small a one does no harm
 * @nr_nodes: nodes it owns
 * @nr_watches: watches of its connections
 * @nr_txns: open transactions of its connections
 * @delta: in store->deltas
 * @delta_nodes: change to @nr_nodes that the current request would make
 * @delta_mem: the same for @mem
 * @conflicts: how often lately it made others' transactions fail
 * @conflict_time: when that was last brought up to date
 * @target: domain whose rights it has too. Changed under store->lock and
 *	store->root_lock, read under either
 * @conns: its connections. As @target
 * @blocked: some of @conns may have its own @blocked set
 * @stalled_until: its requests wait until then; read without a lock
 * @outstanding: number of its requests whose consequences are not all read
 * @mem: bytes charged to it
 */
struct xenemu_sdomain {
	struct mutex admin_lock;

	struct list_head link;
	struct xenemu_hnode hash;
	refcount_t ref;
	u16 domid;
	bool privileged;
	u64 birth;
	char home[XENEMU_STORE_HEADROOM];
	u32 home_len;

	bool dead;
	bool absent;
	bool introduced;
	bool shutdown;
	u32 features;
	u32 quota[XENEMU_NR_QUOTAS];
	u32 quota_set;
	u32 quota_max[XENEMU_NR_QUOTAS];
	u32 nr_nodes;
	u32 nr_watches;
	u32 nr_txns;
	struct list_head delta;
	s32 delta_nodes;
	s64 delta_mem;
	u32 conflicts;
	u64 conflict_time;

	struct xenemu_sdomain *target;
	struct list_head conns;

	atomic_t blocked;
	u64 stalled_until;
	atomic_t outstanding;
	atomic_long_t mem;
};

struct xenemu_sdomain *xenemu_sdomain_create(struct xenemu_store *store, u16 domid);
struct xenemu_sdomain *xenemu_sdomain_find(struct xenemu_store *store, u16 domid);
void xenemu_sdomain_put(struct xenemu_sdomain *dom);
void xenemu_sdomain_remove(struct xenemu_store *store, struct xenemu_sdomain *dom);
void xenemu_sdomain_set_birth(struct xenemu_store *store, struct xenemu_sdomain *dom,
			      u64 birth);
u64 xenemu_sdomain_birth(const struct xenemu_store *store, u16 domid);
void xenemu_sdomain_set_target(struct xenemu_store *store, struct xenemu_sdomain *dom,
			       struct xenemu_sdomain *target);
int xenemu_sdomain_parse(const char *str, u16 *domid);
int xenemu_sdomain_op_introduce(struct xenemu_request *req);
int xenemu_sdomain_op_release(struct xenemu_request *req);
int xenemu_sdomain_op_resume(struct xenemu_request *req);
int xenemu_sdomain_op_set_target(struct xenemu_request *req);
int xenemu_sdomain_op_is_introduced(struct xenemu_request *req);
int xenemu_sdomain_op_get_path(struct xenemu_request *req);
int xenemu_sdomain_op_get_feature(struct xenemu_request *req);
int xenemu_sdomain_op_set_feature(struct xenemu_request *req);

#define XENEMU_BIRTH_PIECE	256
#define XENEMU_BIRTH_PIECES	DIV_ROUND_UP(XENEMU_DOMID_FIRST_RESERVED, XENEMU_BIRTH_PIECE)

static inline struct xenemu_sdomain *xenemu_sdomain_get(struct xenemu_sdomain *dom)
{
	refcount_inc(&dom->ref);
	return dom;
}

/* quota.c, which needs the above */

extern const char * const xenemu_quota_name[XENEMU_NR_QUOTAS];

void xenemu_quota_init(struct xenemu_store *store);
u32 xenemu_quota_limit(const struct xenemu_store *store, const struct xenemu_sdomain *dom,
		       enum xenemu_quota which);
void xenemu_quota_note(struct xenemu_store *store, struct xenemu_sdomain *dom,
		       enum xenemu_quota which, u32 value);
bool xenemu_quota_exceeded(struct xenemu_store *store, struct xenemu_sdomain *dom,
			   enum xenemu_quota which, s64 value);
int xenemu_quota_parse(const char *name);
int xenemu_quota_set(struct xenemu_store *store, struct xenemu_sdomain *dom,
		     const char *name, const char *value);
bool xenemu_quota_may_charge(struct xenemu_store *store, struct xenemu_sdomain *dom,
			     size_t bytes);
bool xenemu_quota_node_fits(struct xenemu_request *req, const struct xenemu_perms *perms,
			    u64 value_len, u64 names_len);
void xenemu_quota_count(struct xenemu_store *store, const struct xenemu_perms *perms,
			u32 text, int sign);
void xenemu_quota_count_tree(struct xenemu_store *store, const struct xenemu_node *node,
			     int sign);
int xenemu_quota_check(struct xenemu_store *store, const struct xenemu_sdomain *requester,
		       const struct xenemu_txn *txn);
void xenemu_quota_commit(struct xenemu_store *store);
void xenemu_quota_cancel(struct xenemu_store *store);
int xenemu_quota_move_to_txn(struct xenemu_store *store, struct xenemu_txn *txn);
void xenemu_quota_add_txn(struct xenemu_store *store, const struct xenemu_txn *txn);
void xenemu_quota_free_txn(struct xenemu_txn *txn);
int xenemu_quota_op_get(struct xenemu_request *req);
int xenemu_quota_op_set(struct xenemu_request *req);

/* ---- watch.c ---- */

/* One less than what the state stream has for "unlimited". */
#define XENEMU_WATCH_MAX_DEPTH	0xfffe

/**
 * struct xenemu_trie - a path, or the beginning of one, that is watched
 * @hash: in store->trie_tab, by parent and name
 * @parent: the path without the last component; NULL for the root
 * @kids: paths with one component more
 * @sibling: in @parent's @kids
 * @watches: watches on exactly this path
 * @seen: while a subtree is removed: the node that this path had in it
 * @len: length of @name
 * @name: last component
 */
struct xenemu_trie {
	struct xenemu_hnode hash;
	struct xenemu_trie *parent;
	struct list_head kids;
	struct list_head sibling;
	struct list_head watches;
	const struct xenemu_node *seen;
	u32 len;
	char name[] __counted_by(len);
};

/**
 * struct xenemu_watch - a watch
 * @hash: in store->watch_tab, by connection, path and token
 * @trie: where it hangs
 * @trie_link: in @trie's list
 * @conn: who gets the events
 * @conn_link: in the connection's list, in the order of registration
 * @depth: levels below the path it sees, or -1 for all
 * @mem: bytes charged for it
 * @rel: length of the prefix of its path that the client does not see
 * @path_len: length of the path, as in struct xenemu_path
 * @token_len: length of the token
 * @data: path, NUL, token, NUL
 */
struct xenemu_watch {
	struct xenemu_hnode hash;
	struct xenemu_trie *trie;
	struct list_head trie_link;
	struct xenemu_conn *conn;
	struct list_head conn_link;
	int depth;
	u32 mem;
	u16 rel;
	u16 path_len;
	u16 token_len;
	char data[];
};

static inline const char *xenemu_watch_token(const struct xenemu_watch *watch)
{
	return watch->data + (watch->path_len ?: 1) + 1;
}

struct xenemu_trie *xenemu_watch_create_root(void);
int xenemu_watch_fire(struct xenemu_request *req, const struct xenemu_path *path,
		      const struct xenemu_perms *old, const struct xenemu_perms *new,
		      const struct xenemu_perms *parent);
int xenemu_watch_fire_removed(struct xenemu_request *req, const struct xenemu_path *path,
			      struct xenemu_node *node);
int xenemu_watch_fire_domain(struct xenemu_request *req, const char *name, u16 domid);
void xenemu_watch_drop_all(struct xenemu_conn *conn);
int xenemu_watch_restore(struct xenemu_conn *conn, const struct xenemu_path *path,
			 const char *token, u32 token_len, int depth);
int xenemu_watch_op_watch(struct xenemu_request *req);
int xenemu_watch_op_unwatch(struct xenemu_request *req);
int xenemu_watch_op_reset(struct xenemu_request *req);

/* ---- txn.c ---- */

/* What a transaction's result depends on, and what it changed, for each path. */
#define XENEMU_TOUCH_VALUE	BIT(0)	/* value was read or replaced */
#define XENEMU_TOUCH_PERMS	BIT(1)	/* so were the permissions */
#define XENEMU_TOUCH_LIST	BIT(2)	/* list of children was read */
#define XENEMU_TOUCH_EXISTS	BIT(3)	/* node was there */
#define XENEMU_TOUCH_SUBTREE	BIT(4)	/* node was removed with all below */
#define XENEMU_TOUCH_WRITTEN	BIT(5)	/* to be carried over at commit */
#define XENEMU_TOUCH_EVENT	BIT(6)	/* watches fire at commit */

/**
 * struct xenemu_touch - a path that a transaction looked at or changed
 * @hash: in txn->tab
 * @link: in txn->touched: in the order of first access, which is that of events
 * @apply: in txn->written: in the order in which changes are carried over. Parents
 *	are before their children
 * @base: node in the transaction's base, or NULL; not a reference
 * @flags: XENEMU_TOUCH_*
 * @seq: while the store is being captured: its place in txn->touched
 * @len: length of the path
 * @path: the path, and a NUL
 */
struct xenemu_touch {
	struct xenemu_hnode hash;
	struct list_head link;
	struct list_head apply;
	struct xenemu_node *base;
	u32 flags;
	u32 seq;
	u32 len;
	char path[];
};

/**
 * struct xenemu_delta - change that a transaction makes to a domain's accounts
 * @link: in txn->deltas
 * @dom: the domain; a reference
 * @nodes: nodes
 * @mem: bytes
 */
struct xenemu_delta {
	struct list_head link;
	struct xenemu_sdomain *dom;
	s32 nodes;
	s64 mem;
};

/**
 * struct xenemu_txn - an open transaction
 * @link: in the connection's list
 * @store_link: in store->txns, the oldest first
 * @conn: the connection
 * @id: its number for the client
 * @error: 0, or what committing it returns: -ENOMEM after a write that failed,
 *	-EAGAIN if its snapshot was taken away
 * @nr_deaths: store->nr_deaths at its start
 * @started: when, ktime_get_ns()
 * @base: root of the tree at its start; a reference
 * @top: root of the tree with its changes; a reference
 * @tab: struct xenemu_touch by path
 * @touched: the same, in the order of first access
 * @written: those to be carried over
 * @deltas: struct xenemu_delta
 * @mem: bytes charged for all this, and for the nodes that only @top keeps alive
 */
struct xenemu_txn {
	struct list_head link;
	struct list_head store_link;
	struct xenemu_conn *conn;
	u32 id;
	int error;
	u32 nr_deaths;
	u64 started;
	struct xenemu_node *base;
	struct xenemu_node *top;
	struct xenemu_htab tab;
	struct list_head touched;
	struct list_head written;
	struct list_head deltas;
	size_t mem;
};

struct xenemu_txn *xenemu_txn_find(struct xenemu_conn *conn, u32 id);
struct xenemu_txn *xenemu_txn_create(struct xenemu_conn *conn, struct xenemu_node *base,
				     struct xenemu_node *top);
struct xenemu_touch *xenemu_txn_restore_touch(struct xenemu_txn *txn,
					      const struct xenemu_path *path, u32 flags);
int xenemu_txn_touch(struct xenemu_request *req, const char *path, u32 len, u32 flags);
void xenemu_txn_mark(struct xenemu_txn *txn, const char *path, u32 len, u32 flags,
		     bool moved);
int xenemu_txn_charge(struct xenemu_txn *txn, s64 bytes);
void xenemu_txn_restore_charge(struct xenemu_txn *txn, s64 bytes);
bool xenemu_txn_is_changed(u32 flags, const struct xenemu_node *base,
			   const struct xenemu_node *now);
void xenemu_txn_end(struct xenemu_txn *txn);
void xenemu_txn_end_all(struct xenemu_conn *conn);
void xenemu_txn_limit_memory(struct xenemu_store *store);
int xenemu_txn_op_start(struct xenemu_request *req);
int xenemu_txn_op_end(struct xenemu_request *req);

/* ---- limit.c ---- */

u32 xenemu_limit_conflicts(const struct xenemu_sdomain *dom, u64 now);
void xenemu_limit_blame(struct xenemu_conn *victim, u16 domid, u64 lost);
void xenemu_limit_restore(struct xenemu_sdomain *dom, u32 stall);
u64 xenemu_limit_stall(const struct xenemu_sdomain *dom, u64 now);

/* ---- conn.c ---- */

#define XENEMU_CONN_EVENT_BUCKETS	64

/* Unread bytes beyond which even a privileged client loses events. */
#define XENEMU_CONN_MAX_OUTPUT		(8U << 20)

/**
 * struct xenemu_debt - a request whose consequences are not all being read
 * @ref: the request while it runs, its reply, its events
 * @let_go: while store->lock is held: references that are to be given up
 * @dom: domain whose request it is; a reference
 * @link: in a list of debts with @let_go, see let_debts_go()
 *
 * This is Xen's "outstanding": whoever floods others with events has to wait
 * until they have begun to read them, though not for ever.
 */
struct xenemu_debt {
	refcount_t ref;
	u32 let_go;
	struct xenemu_sdomain *dom;
	struct list_head link;
};

/**
 * struct xenemu_conn - a client's connection
 * @store: the store
 * @dom: domain the client acts as; a reference
 * @kind: carrier
 * @ops: the carrier's callbacks
 * @priv: passed to them
 * @link: in store->conns, protected by store->lock
 * @dom_link: in the domain's list, protected by store->lock and store->root_lock
 * @watches: its watches; protected by store->lock, like all up to @dead
 * @txn_lock: inside store->lock; held by each request of a transaction, those that only
 *	read without store->lock. Who changes what a transaction consists of holds both
 * @txns: its transactions; protected by store->lock and @txn_lock, as what is in them
 * @next_txn: where to look for a free transaction id; the same
 * @next_txn_gen: when that was changed
 * @id: its number, by which it is known in a saved store
 * @parked: was restored, and waits for its carrier
 * @restored: was restored; set before others know it
 * @port: event channel port of the guest whose ring it is
 * @gfn: frame of that ring
 * @dead: nothing is accepted. Changed under store->lock and @out_lock
 * @blocked: @wake is owed once xenemu_conn_may_accept() becomes true
 * @out_lock: protects what follows
 * @out: output, struct xenemu_msg
 * @holding: in it, the first that may hold up another domain, or NULL; those in front
 *	of it do not
 * @nr_replies: replies in it, or taken and not freed yet
 * @out_mem: bytes in it
 * @spare: reply for when there is no memory for one, NULL while it is in use
 * @events: events in @out by hash
 * @taken: message that was taken and not freed yet
 * @input: request that the carrier is reading, or NULL. The carrier writes it; what
 *	@input->used counts does not change until xenemu_conn_next_input()
 * @input_done: it was carried out
 * @backlog_base: restored input, to be read before the carrier's own; or NULL
 * @backlog: what is left of that
 * @backlog_len: how much
 */
struct xenemu_conn {
	struct xenemu_store *store;
	struct xenemu_sdomain *dom;
	enum xenemu_conn_kind kind;
	const struct xenemu_conn_ops *ops;
	void *priv;

	struct list_head link;
	struct list_head dom_link;
	struct list_head watches;
	struct mutex txn_lock;
	struct list_head txns;
	u32 next_txn;
	u64 next_txn_gen;
	u32 id;
	bool parked;
	bool restored;
	u32 port;
	u64 gfn;
	bool dead;
	atomic_t blocked;

	/* innermost */
	spinlock_t out_lock;

	struct list_head out;
	struct xenemu_msg *holding;
	u32 nr_replies;
	size_t out_mem;
	struct xenemu_msg *spare;
	struct hlist_head events[XENEMU_CONN_EVENT_BUCKETS];
	struct xenemu_msg *taken;
	struct xenemu_incoming *input;
	bool input_done;
	u8 *backlog_base;
	u8 *backlog;
	u32 backlog_len;
};

struct xenemu_msg *xenemu_conn_alloc_msg(u32 payload, gfp_t gfp);
struct xenemu_msg *xenemu_conn_take_spare(struct xenemu_conn *conn);
int xenemu_conn_alloc_debt(struct xenemu_conn *conn, struct xenemu_debt **debt);
void xenemu_conn_put_debt(struct xenemu_store *store, struct xenemu_debt *debt);
void xenemu_conn_drop_msg(struct xenemu_conn *conn, struct xenemu_msg *msg);
void xenemu_conn_restore_msg(struct xenemu_conn *conn, struct xenemu_msg *msg);
void xenemu_conn_queue_reply(struct xenemu_conn *conn, struct xenemu_msg *msg);
void xenemu_conn_queue_events(struct xenemu_store *store, struct list_head *events,
			      struct xenemu_debt *debt);
struct xenemu_conn *xenemu_conn_create_locked(struct xenemu_store *store, u16 domid,
					      enum xenemu_conn_kind kind,
					      const struct xenemu_conn_ops *ops, void *priv);
void xenemu_conn_destroy_locked(struct xenemu_conn *conn);
void xenemu_conn_kill_locked(struct xenemu_conn *conn);
void xenemu_conn_wake_blocked(struct xenemu_sdomain *dom);
void xenemu_conn_arm(struct xenemu_store *store, u64 when, u64 now);
void xenemu_conn_cred(const struct xenemu_conn *conn, struct xenemu_cred *cred);

/* ---- parked.c ---- */

struct xenemu_conn *xenemu_parked_create(struct xenemu_store *store, u16 domid,
					 enum xenemu_conn_kind kind, u32 id);
struct xenemu_conn *xenemu_parked_find_ring(struct xenemu_sdomain *dom);
void xenemu_parked_claim(struct xenemu_conn *conn, const struct xenemu_conn_ops *ops,
			 void *priv);
void xenemu_parked_drop(struct xenemu_store *store, const struct xenemu_sdomain *dom,
			bool rings);
int xenemu_parked_set_backlog(struct xenemu_conn *conn, const void *data, u32 len);

/* ---- store.c ---- */

/**
 * struct xenemu_store - a XenStore
 * @ops: its host
 * @priv: passed to @ops
 * @key: makes hash values that clients cannot guess
 * @lock: protects what follows, unless said otherwise
 * @gen: counts changes
 * @nr_deaths: number of domains that have died
 * @domains: struct xenemu_sdomain
 * @domain_tab: the same by domid
 * @birth: of each domain that lives, the generation at which it was created, else 0;
 *	in pieces, each of which stays once it is there. Read without a lock
 * @conns: struct xenemu_conn
 * @next_conn: number of the connection made last
 * @txns: struct xenemu_txn, the oldest first
 * @trie: root of the watched paths
 * @trie_tab: struct xenemu_trie by parent and name
 * @watch_tab: struct xenemu_watch by connection, path and token
 * @deltas: domains whose accounts the current request would change
 * @quota: limits of domains that have none of their own
 * @quota_max: largest values seen of any guest, as in struct xenemu_sdomain
 * @stack: room for the nodes on a path while the tree is edited
 * @walk_stack: the same for loops over subtrees
 * @walk_path: path of the node in such a loop
 * @head_gen: when domains, limits, connections or watches were last changed
 * @mark_gen: generation of what was saved and is remembered, or 0
 * @mark_top: root of the tree of that, a reference, or NULL
 * @restored_as: generation of what was restored last, or 0
 * @restored_gen: @gen just after that
 * @armed: when @arm's call is due, 0 if there is none
 * @mem_check: look at the memory of snapshots when @mem reaches this
 * @commits: see struct xenemu_store_stats
 * @conflicts: the same
 * @root_lock: protects @top against being replaced while a reader takes a
 *	reference, and what a reader needs to know about its domain
 * @top: root of the tree, above "/" and the special nodes. Changed under @lock and
 *	@root_lock
 * @mem: bytes of nodes, permissions excepted, in all versions of the tree
 * @events: see struct xenemu_store_stats; changed under @lock
 * @coalesced: the same
 * @dropped: the same
 */
struct xenemu_store {
	const struct xenemu_store_ops *ops;
	void *priv;
	hsiphash_key_t key;

	/* inside sdomain->admin_lock */
	struct mutex lock;

	u64 gen;
	u32 nr_deaths;
	struct list_head domains;
	struct xenemu_htab domain_tab;
	u64 *birth[XENEMU_BIRTH_PIECES];
	struct list_head conns;
	u32 next_conn;
	struct list_head txns;
	struct xenemu_trie *trie;
	struct xenemu_htab trie_tab;
	struct xenemu_htab watch_tab;
	struct list_head deltas;
	u32 quota[XENEMU_NR_QUOTAS];
	u32 quota_max[XENEMU_NR_QUOTAS];
	const struct xenemu_node **stack;
	const struct xenemu_node **walk_stack;
	char *walk_path;
	u64 head_gen;
	u64 mark_gen;
	struct xenemu_node *mark_top;
	u64 restored_as;
	u64 restored_gen;
	u64 armed;
	long mem_check;
	u64 commits;
	u64 conflicts;
	u64 events;
	u64 coalesced;
	u64 dropped;

	/* inside lock */
	spinlock_t root_lock;

	struct xenemu_node *top;

	atomic_long_t mem;
};

struct xenemu_node *xenemu_store_snapshot(struct xenemu_store *store,
					  const struct xenemu_conn *conn,
					  struct xenemu_cred *cred);
void xenemu_store_publish(struct xenemu_store *store, struct xenemu_node *top);
int xenemu_store_commit(const struct xenemu_edit *edit, struct xenemu_change *change);

/* Domains, limits, connections or watches have changed. */
static inline void xenemu_store_change_head(struct xenemu_store *store)
{
	lockdep_assert_held(&store->lock);

	store->head_gen = ++store->gen;
}

static inline u32 xenemu_store_hash(const struct xenemu_store *store,
				    const void *data, size_t len)
{
	return hsiphash(data, len, &store->key);
}

/* ---- proto.c ---- */

/**
 * struct xenemu_request - a request being carried out
 * @store: the store
 * @conn: who asks; NULL if the host does
 * @cred: the same, as permission checks see it
 * @type: XS_*
 * @body: its body
 * @len: length of that
 * @gfp: how to allocate
 * @txn: transaction it belongs to, or NULL
 * @top: root of the tree it sees
 * @tree_bytes: memory that its change of a transaction's tree takes
 * @events: watch events it causes, to be queued before the reply
 * @late: the same, behind the reply
 * @debt: what these, and the reply, are a consequence of
 * @msg: reply to be queued; NULL if the reply goes to @buf
 * @buf: payload of the reply
 * @reply_len: length of that
 */
struct xenemu_request {
	struct xenemu_store *store;
	struct xenemu_conn *conn;
	struct xenemu_cred cred;
	u32 type;
	char *body;
	u32 len;
	gfp_t gfp;
	struct xenemu_txn *txn;
	struct xenemu_node *top;
	s64 tree_bytes;
	struct list_head events;
	struct list_head late;
	struct xenemu_debt *debt;
	struct xenemu_msg *msg;
	char *buf;
	u32 reply_len;
};

void xenemu_proto_init(struct xenemu_request *req, struct xenemu_store *store,
		       struct xenemu_conn *conn);
char *xenemu_proto_reply(struct xenemu_request *req, u32 len);
int xenemu_proto_reply_text(struct xenemu_request *req, const char *text);
char *xenemu_proto_one_arg(struct xenemu_request *req);
u32 xenemu_proto_args(struct xenemu_request *req, char **arg, u32 max);
void xenemu_proto_send_events(struct xenemu_request *req);

/* ---- node.c ---- */

int xenemu_node_remove(struct xenemu_request *req, const struct xenemu_path *path);
int xenemu_node_op_directory(struct xenemu_request *req);
int xenemu_node_op_directory_part(struct xenemu_request *req);
int xenemu_node_op_read(struct xenemu_request *req);
int xenemu_node_op_get_perms(struct xenemu_request *req);
int xenemu_node_op_write(struct xenemu_request *req);
int xenemu_node_op_mkdir(struct xenemu_request *req);
int xenemu_node_op_rm(struct xenemu_request *req);
int xenemu_node_op_set_perms(struct xenemu_request *req);

/* ---- control.c ---- */

int xenemu_control_op_control(struct xenemu_request *req);

#endif /* XENEMU_STORE_INTERNAL_H */
