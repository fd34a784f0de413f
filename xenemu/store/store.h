/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_STORE_STORE_H
#define XENEMU_STORE_STORE_H

#include <linux/bits.h>
#include <linux/list.h>
#include <linux/types.h>

#include "wire.h"

/*
 * The XenStore: tree, transactions, permissions, watches, quotas and the
 * protocol. It knows no KVM, no mm and no file: those who carry its messages
 * (the guest's ring page, the store fd) use what is declared here.
 *
 * Locks, outermost first:
 *
 *   sdomain->admin_lock  mutex; held by INTRODUCE and RELEASE of one domain across
 *                      their callbacks, so outside every lock those take
 *   store->lock        mutex; the "store lock" of domain.h's lock order
 *   conn->txn_lock     mutex
 *   store->root_lock   spinlock
 *   conn->out_lock     spinlock
 *
 * Every function here may sleep, and takes what it needs of these itself,
 * unless its comment says otherwise.
 */

struct xenemu_conn;
struct xenemu_debt;
struct xenemu_incoming;
struct xenemu_store;

/*
 * Writable bytes that a caller must leave in front of a request's body. A
 * relative path is made absolute there, in place.
 */
#define XENEMU_STORE_HEADROOM	24

/**
 * struct xenemu_store_ops - what the XenStore asks of its host
 * @introduce: XS_INTRODUCE. Map the ring page of @domid and bind @port, a port
 *	of the domain; make a ring connection with xenemu_conn_create(). If the
 *	domain has one already, rebind the port, and xenemu_conn_reset() it. @gfn
 *	is what the caller said, which Xen ignores in favour of grant entry 1.
 *	Called in the requester's context with the domain's admin_lock held and none
 *	of the locks inside it; may sleep and may call any function of this file but
 *	xenemu_conn_request() and xenemu_conn_call(). Return 0 or an errno, which
 *	becomes the reply.
 * @release: XS_RELEASE. Undo @introduce and xenemu_conn_destroy() the ring
 *	connection. Same context.
 * @arm: call xenemu_store_tick() about @delay_ns from now. Replaces an earlier
 *	call's delay. Called with store locks held: must not sleep and must not
 *	call any function of this file.
 */
struct xenemu_store_ops {
	int (*introduce)(void *priv, u16 domid, u64 gfn, u32 port);
	void (*release)(void *priv, u16 domid);
	void (*arm)(void *priv, u64 delay_ns);
};

/**
 * struct xenemu_conn_ops - what a connection asks of its carrier
 * @wake: there is output, or xenemu_conn_may_accept() may have become true, or
 *	the connection died. Called from within any function of this file, for
 *	any connection, with store->lock and the spinlocks inside it possibly held
 *	besides what the caller of that function holds: must not sleep and must not
 *	call any function of this file. Waking a wait queue, queueing
 *	work and raising an event channel are fine. Not called any more once
 *	xenemu_conn_destroy() has returned.
 */
struct xenemu_conn_ops {
	void (*wake)(void *priv);
};

/**
 * enum xenemu_conn_kind - carrier of a connection
 * @XENEMU_CONN_RING: a guest's ring page
 * @XENEMU_CONN_FD: a store fd; Xen's socket connection
 */
enum xenemu_conn_kind {
	XENEMU_CONN_RING,
	XENEMU_CONN_FD,
};

/**
 * struct xenemu_msg - one reply or watch event on its way to a client
 * @list: in the connection's output queue; free for whoever took it
 * @hash: for finding an equal event in the queue
 * @hash_value: hash of an event's path and token
 * @conn: connection an event is prepared for
 * @debt: request this is a consequence of, if its domain has a limit on those
 * @queued: when an event was queued, ktime_get_ns()
 * @mem: bytes charged to the receiving domain
 * @sent: bytes already handed out by xenemu_conn_read()
 * @len: bytes in @data
 * @event: a watch event, not a reply
 * @rest: what is left of a message that was begun to be read before it was restored
 * @spare: the connection's spare reply: not allocated on its own
 * @data: struct xsd_sockmsg and payload
 */
struct xenemu_msg {
	struct list_head list;
	struct hlist_node hash;
	u32 hash_value;
	u32 mem;
	struct xenemu_conn *conn;
	struct xenemu_debt *debt;
	u64 queued;
	u32 sent;
	u32 len;
	bool event;
	bool rest;
	bool spare;
	char data[] __aligned(__alignof__(struct xsd_sockmsg));
};

/**
 * struct xenemu_store_stats - counters
 * @nodes: nodes in the current tree
 * @memory: bytes of nodes in it and in the snapshots that transactions hold
 * @domains: domains known, dom0 among them
 * @connections: connections
 * @watches: watches
 * @transactions: open transactions
 * @commits: transactions that were committed
 * @conflicts: transactions that ended in EAGAIN
 * @events: watch events queued
 * @coalesced: watch events not queued because an equal one was waiting
 * @dropped: watch events lost because the client did not read
 */
struct xenemu_store_stats {
	u64 nodes;
	u64 memory;
	u64 domains;
	u64 connections;
	u64 watches;
	u64 transactions;
	u64 commits;
	u64 conflicts;
	u64 events;
	u64 coalesced;
	u64 dropped;
};

/* ---- The store ---- */

/**
 * xenemu_store_create - make an empty XenStore
 * @ops: its host; outlives it
 * @priv: passed to @ops
 *
 * The tree has the nodes "/", "@introduceDomain" and "@releaseDomain". dom0 exists.
 *
 * Return: the store, or ERR_PTR(-ENOMEM).
 */
struct xenemu_store *xenemu_store_create(const struct xenemu_store_ops *ops, void *priv);

/**
 * xenemu_store_destroy - free a XenStore
 * @store: a store of which every connection was destroyed and which nobody uses
 *
 * Makes no callbacks.
 */
void xenemu_store_destroy(struct xenemu_store *store);

/**
 * xenemu_store_tick - do what is due
 * @store: the store
 *
 * Drops events that were not read in time and wakes stalled connections. Asks for
 * its next call by @arm.
 */
void xenemu_store_tick(struct xenemu_store *store);

/**
 * xenemu_store_add_domain - a domain was created
 * @store: the store
 * @domid: its number, neither 0 nor reserved
 *
 * From now on nodes may belong to it and it may be introduced. A permission that was
 * given to an earlier domain with this number does not apply to it.
 *
 * Return: 0, -EINVAL, -EEXIST or -ENOMEM.
 */
int xenemu_store_add_domain(struct xenemu_store *store, u16 domid);

/**
 * xenemu_store_shutdown_domain - a domain shut down, or crashed
 * @store: the store
 * @domid: any number
 *
 * Fires @releaseDomain if the domain is introduced, once until XS_RESUME.
 */
void xenemu_store_shutdown_domain(struct xenemu_store *store, u16 domid);

/**
 * xenemu_store_del_domain - a domain is gone
 * @store: the store
 * @domid: any number
 *
 * Its nodes are removed with what is below them, its connections die (and are
 * still to be destroyed by who made them), @releaseDomain fires if it was
 * introduced. Cannot fail. Does not take the domain's admin_lock.
 */
void xenemu_store_del_domain(struct xenemu_store *store, u16 domid);

/**
 * xenemu_store_is_introduced - whether XS_INTRODUCE was done for a domain
 * @store: the store
 * @domid: any number
 *
 * Return: true if it was.
 */
bool xenemu_store_is_introduced(struct xenemu_store *store, u16 domid);

/**
 * xenemu_store_get_stats - read the counters
 * @store: the store
 * @stats: result
 */
void xenemu_store_get_stats(struct xenemu_store *store, struct xenemu_store_stats *stats);

/* ---- Saving and restoring ---- */

struct xenemu_capture;

/**
 * struct xenemu_save - a store being saved
 * @format: XENEMU_STORE_FORMAT_*
 * @flags: XENEMU_SAVE_*
 * @since: save the difference to what was saved with this generation; 0 for all
 * @write: takes the stream piece by piece, without a lock held. Returns 0 or an errno
 *	that ends it
 * @priv: passed to that
 * @cap: what is saved
 * @len: result: length of the stream
 * @gen: result: generation of what is saved
 */
struct xenemu_save {
	u32 format;
	u32 flags;
	u64 since;
	int (*write)(void *priv, const void *data, size_t len);
	void *priv;
	struct xenemu_capture *cap;
	u64 len;
	u64 gen;
};

/**
 * xenemu_save_begin - capture a store
 * @store: the store
 * @save: how it is to be saved
 *
 * The store is locked only here, not while the stream is written.
 *
 * Return: 0; -EOPNOTSUPP for an unknown format, or if there is no difference in that;
 * -ESTALE if @save->since is not what was remembered; -ENOMEM.
 */
int xenemu_save_begin(struct xenemu_store *store, struct xenemu_save *save);

/**
 * xenemu_save_write - write the stream
 * @save: a store that was captured
 *
 * Return: 0, -ENOMEM, or what @save->write returned.
 */
int xenemu_save_write(struct xenemu_save *save);

/**
 * xenemu_save_end - end saving
 * @save: a store that was captured
 * @success: the stream is where it should be: as @save->flags say, the next may be the
 *	difference to it
 */
void xenemu_save_end(struct xenemu_save *save, bool success);

/**
 * struct xenemu_restore_why - why a stream was refused
 * @reason: XENEMU_RESTORE_BAD_*, or 0
 * @type: type of the record that is wrong
 * @record: its number, from 0
 * @offset: where it begins
 */
struct xenemu_restore_why {
	u32 reason;
	u32 type;
	u64 record;
	u64 offset;
};

/* Longest stream that can be restored. */
#define XENEMU_RESTORE_MAX	BIT_ULL(30)

/**
 * xenemu_restore_store - restore a store
 * @store: a store without connections and nodes; or for a difference, one that has not
 *	been used since that was restored which it is a difference to
 * @data: the stream; must not change
 * @len: length of that
 * @flags: XENEMU_RESTORE_*
 * @why: result: why it was refused
 *
 * Restored domains exist as if xenemu_store_add_domain() had been called, which is
 * still to be called. Restored connections wait to be claimed.
 *
 * Return: 0, or without effect: -EBADMSG for a bad stream, -EOPNOTSUPP for an unknown
 * version, -EBUSY if the store is in use, -ESTALE if it is not what this is a
 * difference to, -ENOMEM.
 */
int xenemu_restore_store(struct xenemu_store *store, const void *data, size_t len, u32 flags,
			 struct xenemu_restore_why *why);

/* ---- Connections ---- */

/**
 * xenemu_conn_create - connect a client
 * @store: the store
 * @domid: domain the client acts as; 0 is privileged
 * @kind: carrier
 * @ops: the carrier's callbacks
 * @priv: passed to @ops
 *
 * If a restored connection waits for the ring of that domain, it becomes this one.
 *
 * Return: the connection, ERR_PTR(-ENOENT) if there is no such domain, or
 * ERR_PTR(-ENOMEM).
 */
struct xenemu_conn *xenemu_conn_create(struct xenemu_store *store, u16 domid,
				       enum xenemu_conn_kind kind,
				       const struct xenemu_conn_ops *ops, void *priv);

/**
 * xenemu_conn_claim - connect a client again
 * @store: a store that was restored
 * @domid: domain the client acts as
 * @id: number of a connection that was saved, and waits for its store fd
 * @ops: the carrier's callbacks
 * @priv: passed to @ops
 *
 * Return: the connection, or ERR_PTR(-ENOENT) if there is no such.
 */
struct xenemu_conn *xenemu_conn_claim(struct xenemu_store *store, u16 domid, u32 id,
				      const struct xenemu_conn_ops *ops, void *priv);

/**
 * xenemu_conn_id - number of a connection
 * @conn: the connection
 *
 * Context: any.
 *
 * Return: what xenemu_conn_claim() knows it by after it was saved and restored.
 */
u32 xenemu_conn_id(const struct xenemu_conn *conn);

/**
 * xenemu_conn_is_restored - whether a connection went on after it was restored
 * @conn: the connection
 *
 * Context: any.
 *
 * Return: true if it was not begun in this store.
 */
bool xenemu_conn_is_restored(const struct xenemu_conn *conn);

/**
 * xenemu_conn_set_input - show where requests are put together
 * @conn: the connection
 * @input: the carrier's, for as long as the connection lasts. After bytes were put
 *	there, @input->used is set with smp_store_release(), and what it counts does
 *	not change before xenemu_conn_next_input()
 *
 * So that the half-read request is saved with the connection.
 */
void xenemu_conn_set_input(struct xenemu_conn *conn, struct xenemu_incoming *input);

/**
 * xenemu_conn_next_input - the request was carried out, or is not wanted any more
 * @conn: the connection
 * @input: the carrier's, which is emptied
 */
void xenemu_conn_next_input(struct xenemu_conn *conn, struct xenemu_incoming *input);

/**
 * xenemu_conn_feed - take input that was restored with the connection
 * @conn: the connection
 * @input: the carrier's. Bytes are added until the request is complete
 *
 * To be called before other bytes are read.
 *
 * Context: process; no spinlock held.
 */
void xenemu_conn_feed(struct xenemu_conn *conn, struct xenemu_incoming *input);

/**
 * xenemu_conn_set_ring - say where the ring of a connection is
 * @conn: the connection of a guest
 * @port: the guest's event channel port
 * @gfn: frame of the ring page
 *
 * So that it is saved with the connection.
 */
void xenemu_conn_set_ring(struct xenemu_conn *conn, u32 port, u64 gfn);

/**
 * xenemu_conn_destroy - disconnect a client
 * @conn: connection that no call is using or will use
 *
 * Its watches, transactions and output are dropped. @wake will not be called any more.
 */
void xenemu_conn_destroy(struct xenemu_conn *conn);

/**
 * xenemu_conn_kill - stop serving a client that broke the protocol
 * @conn: the connection
 *
 * For a request with a length above XENSTORE_PAYLOAD_MAX, or a ring index out of
 * range. Watches, transactions and output are dropped, and nothing is accepted until
 * xenemu_conn_reset(). The domain stays introduced: its end fires @releaseDomain.
 */
void xenemu_conn_kill(struct xenemu_conn *conn);

/**
 * xenemu_conn_reset - start a connection anew
 * @conn: the connection
 *
 * For a reconnecting guest and for a repeated INTRODUCE: as if destroyed and created
 * again. Not possible if the domain is gone.
 *
 * Return: 0 or -ENODEV.
 */
int xenemu_conn_reset(struct xenemu_conn *conn);

/**
 * xenemu_conn_is_dead - whether a connection was killed, or lost its domain
 * @conn: the connection
 *
 * Context: any.
 *
 * Return: true if it was or did.
 */
bool xenemu_conn_is_dead(const struct xenemu_conn *conn);

/**
 * xenemu_conn_features - what to advertise to a client
 * @conn: the connection
 *
 * Context: any.
 * Return: XENEMU_XS_FEATURE_*, for server_features of the ring page.
 */
u32 xenemu_conn_features(const struct xenemu_conn *conn);

/**
 * xenemu_conn_may_accept - flow control
 * @conn: the connection
 *
 * Says whether the next request may be read from the client. If not, @wake is called
 * when to ask again. False for a dead connection, without such a call.
 *
 * Context: process; spinlocks may be held.
 *
 * Return: true if the next request may be read.
 */
bool xenemu_conn_may_accept(struct xenemu_conn *conn);

/**
 * xenemu_conn_request - carry out one request and queue the reply
 * @conn: connection for which xenemu_conn_may_accept() said true
 * @hdr: its header, with a length of at most XENSTORE_PAYLOAD_MAX
 * @body: its body, our own copy, with XENEMU_STORE_HEADROOM bytes in front of it. Is
 *	changed
 *
 * Calls for one connection must not overlap, else replies are in any order.
 *
 * Return: 0 if a reply was queued. Without effect: -EMSGSIZE if the length is too
 * large (then xenemu_conn_kill()), -EAGAIN if xenemu_conn_may_accept() would have
 * said false for want of memory, -ENODEV if the connection is dead.
 */
int xenemu_conn_request(struct xenemu_conn *conn, const struct xsd_sockmsg *hdr,
			char *body);

/**
 * xenemu_conn_call - carry out one request and return the reply
 * @conn: connection for which xenemu_conn_may_accept() said true
 * @hdr: in: header of the request. out: header of the reply
 * @body: its body, as for xenemu_conn_request()
 * @reply: room for XENSTORE_PAYLOAD_MAX bytes of reply; may not overlap @body
 *
 * Events that the request causes are queued, also those for @conn itself. May be
 * called while another request of the same connection is under way.
 *
 * Return: 0 with a reply, which may be XS_ERROR. -EMSGSIZE and -ENODEV as for
 * xenemu_conn_request().
 */
int xenemu_conn_call(struct xenemu_conn *conn, struct xsd_sockmsg *hdr, char *body,
		     char *reply);

/**
 * xenemu_conn_has_output - whether there is something to read
 * @conn: the connection
 *
 * Context: process; spinlocks may be held.
 *
 * Return: true if there is.
 */
bool xenemu_conn_has_output(struct xenemu_conn *conn);

/**
 * xenemu_conn_read - take output as a stream of bytes
 * @conn: the connection
 * @buf: kernel memory, written to under a spinlock
 * @len: its size
 *
 * Context: process; spinlocks may be held. Calls for one connection must not overlap.
 * Return: number of bytes, 0 if there are none.
 */
size_t xenemu_conn_read(struct xenemu_conn *conn, void *buf, size_t len);

/**
 * xenemu_conn_take - take the next message
 * @conn: the connection
 *
 * Context: process; spinlocks may be held. Not to be mixed with xenemu_conn_read().
 * Return: a message to be given to xenemu_msg_free(), or NULL if there is none.
 */
struct xenemu_msg *xenemu_conn_take(struct xenemu_conn *conn);

/**
 * xenemu_msg_free - the client has read a message
 * @conn: connection it was taken from, not destroyed yet
 * @msg: message of xenemu_conn_take(), or NULL
 *
 * Counts for flow control: until then the request behind it is unfinished.
 *
 * Context: process; spinlocks may be held.
 */
void xenemu_msg_free(struct xenemu_conn *conn, struct xenemu_msg *msg);

#endif /* XENEMU_STORE_STORE_H */
