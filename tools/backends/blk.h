/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The block backend: one thread and one io_uring a device.
 */
#ifndef XENEMU_BLK_H
#define XENEMU_BLK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>
#include <time.h>

#include <liburing.h>

#include <xen/io/xenbus.h>

#include "backend.h"
#include "blkfile.h"
#include "blkgrant.h"
#include "blkreq.h"
#include "xsclient.h"

#define BLK_MAX_RING_PAGES	(1U << BLK_MAX_RING_ORDER)

/*
 * Pages of a device that may stay mapped, whatever its rings would allow: each
 * takes one of the 65,530 mappings that a process may have.
 */
#define BLK_MAX_PERSISTENT	8192
/* Pages that a request of a usual frontend needs: 32 segments and the list of them. */
#define BLK_PERSISTENT_PER_REQ	33

struct blk_queue;

/**
 * struct blk_io - a request being carried out
 * @queue: where it came from
 * @next: next free one
 * @req: the request
 * @flushed: the flush of a flush with data is done
 * @direct: it was given to the kernel as direct I/O
 * @tries: how often the kernel may still be asked to try again
 * @nr_held: members of @held that are in use
 * @held: pages that stay mapped
 * @rest: pages mapped for this request
 * @offset: where in the file @iov goes on
 * @left: bytes that @iov still has
 * @iov_first: first member of @iov that is not done
 * @iov_nr: members of @iov
 * @iov: the pages' pieces
 */
struct blk_io {
	struct blk_queue *queue;
	struct blk_io *next;
	struct blk_req req;
	bool flushed;
	bool direct;
	unsigned int tries;
	unsigned int nr_held;
	struct blk_grant *held[BLK_MAX_SEGS];
	struct xenemu_gnttab_map rest;
	uint64_t offset;
	uint64_t left;
	unsigned int iov_first;
	unsigned int iov_nr;
	struct iovec iov[BLK_MAX_SEGS];
};

/**
 * struct blk_queue - a ring with its event channel
 * @blk: the device
 * @ring: the ring
 * @map: its pages
 * @port: our event channel port
 * @pending: there may be requests; the port stays masked meanwhile
 * @masked: an event was read from the port
 * @unpushed: there are responses that the frontend has not been shown
 * @inflight: requests taken and not answered
 * @ios: as many as the ring has elements
 * @free: those not in use
 */
struct blk_queue {
	struct xb_blk *blk;
	struct blk_ring ring;
	struct xenemu_gnttab_map map;
	uint32_t port;
	bool pending;
	bool masked;
	bool unpushed;
	unsigned int inflight;
	struct blk_io *ios;
	struct blk_io *free;
};

/**
 * struct blk_params - what a frontend asks for; all bytes count for comparison
 * @layout: protocol
 * @persistent: it reuses its grants
 * @order: log2 of the pages of a ring
 * @nr_queues: number of rings
 * @queues: the rings
 * @queues.port: event channel port
 * @queues.refs: grant references of the pages
 */
struct blk_params {
	const struct blk_layout *layout;
	uint32_t persistent;
	uint32_t order;
	uint32_t nr_queues;
	struct {
		uint32_t port;
		uint32_t refs[BLK_MAX_RING_PAGES];
	} queues[XB_BLK_MAX_QUEUES];
};

/* What the thread waits for; the names of the polls in the io_uring. */
enum blk_event {
	BLK_EVENT_STOP,
	BLK_EVENT_STORE,
	BLK_EVENT_EVTCHN,
	BLK_NR_EVENTS,
};

/**
 * struct xb_blk - a block backend
 * @config: as given, with @config.path gone
 * @file: the disk
 * @limits: what its requests may do
 * @xs: store client
 * @uring: all I/O and all waiting
 * @thread: does everything; the members below are its own
 * @stop_fd: eventfd that ends the thread
 * @ended_fd: eventfd that the thread writes when it ends by itself
 * @armed: polls that are in the io_uring, by enum blk_event
 * @ready: polls that have fired
 * @state: state of the backend, as last written to the store; XenbusStateUnknown
 *         before that
 * @front_connected: the frontend said that it is connected to the rings in use
 * @seen_domain: the store knew the frontend's domain once
 * @grants: the guest's pages
 * @params: of the present connection
 * @nr_queues: rings in use; 0 when not connected
 * @queues: the rings
 * @log_since: when the messages of @log_count began
 * @log_count: messages lately
 */
struct xb_blk {
	struct xb_blk_config config;
	struct blk_file file;
	struct blk_limits limits;
	struct xenemu_xs xs;
	struct io_uring uring;
	pthread_t thread;
	int stop_fd;
	int ended_fd;
	unsigned int armed;
	unsigned int ready;
	enum xenbus_state state;
	bool front_connected;
	bool seen_domain;
	struct blk_grants grants;
	struct blk_params params;
	unsigned int nr_queues;
	struct blk_queue queues[XB_BLK_MAX_QUEUES];
	time_t log_since;
	unsigned int log_count;
};

/* blk.c */
void blk_log(struct xb_blk *blk, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void blk_reap(struct xb_blk *blk);

/* blkio.c */
int blk_connect(struct xb_blk *blk, const struct blk_params *params);
void blk_disconnect(struct xb_blk *blk);
int blk_queue_run(struct blk_queue *queue);
void blk_queue_push(struct blk_queue *queue);
void blk_io_done(struct blk_io *io, int res);
struct io_uring_sqe *blk_get_sqe(struct xb_blk *blk);

/* blkbus.c */
int blk_bus_start(struct xb_blk *blk);
void blk_bus_stop(struct xb_blk *blk);
int blk_bus_update(struct xb_blk *blk);
int blk_bus_fail(struct xb_blk *blk);

#endif /* XENEMU_BLK_H */
