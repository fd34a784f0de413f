// SPDX-License-Identifier: GPL-2.0-only
/*
 * The thread of a block backend.
 */
#include "blk.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "evtchn.h"

/* The io_uring submits this many operations at once; more just take more calls. */
#define SQ_ENTRIES	256
/* Completions never overflow: no more operations than this are under way. */
#define CQ_ENTRIES	16384
_Static_assert(CQ_ENTRIES > XB_BLK_MAX_QUEUES * 512 + BLK_NR_EVENTS,
	       "room for the completions of full rings");

/* Ports and watch events that are read at once. */
#define MAX_PORTS	64
#define MAX_STORE_EVENTS	16

/* What a guest does must not fill a log: so many messages in so many seconds. */
#define LOG_BURST	10
#define LOG_PERIOD	60

/**
 * blk_log() - tell the user something
 * @blk: the device
 * @fmt: format of the text, without newline
 */
void blk_log(struct xb_blk *blk, const char *fmt, ...)
{
	char line[256], text[200];
	struct timespec now;
	va_list ap;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!blk->log_count || now.tv_sec - blk->log_since >= LOG_PERIOD) {
		blk->log_since = now.tv_sec;
		blk->log_count = 0;
	}
	if (blk->log_count >= LOG_BURST)
		return;
	blk->log_count++;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(line, sizeof(line), "vbd %u of domain %u: %s", blk->config.devid,
		 blk->config.domid, text);
	if (blk->config.log)
		blk->config.log(blk->config.log_arg, line);
	else
		fprintf(stderr, "%s\n", line);
}

/**
 * blk_reap() - handle all completions that are there
 * @blk: the device
 */
void blk_reap(struct xb_blk *blk)
{
	struct io_uring_cqe *cqe;
	uint64_t data;
	int res;

	while (!io_uring_peek_cqe(&blk->uring, &cqe)) {
		data = cqe->user_data;
		res = cqe->res;
		io_uring_cqe_seen(&blk->uring, cqe);
		if (data < BLK_NR_EVENTS) {
			blk->armed &= ~(1U << data);
			blk->ready |= 1U << data;
		} else {
			blk_io_done((struct blk_io *)(uintptr_t)data, res);
		}
	}
}

/* Wait for the fds by polls in the io_uring. A poll fires once. */
static int arm(struct xb_blk *blk)
{
	const int fds[BLK_NR_EVENTS] = {
		[BLK_EVENT_STOP] = blk->stop_fd,
		[BLK_EVENT_STORE] = blk->config.store_fd,
		[BLK_EVENT_EVTCHN] = blk->config.evtchn_fd,
	};
	struct io_uring_sqe *sqe;
	unsigned int i;

	for (i = 0; i < BLK_NR_EVENTS; i++) {
		if ((blk->armed | blk->ready) & 1U << i)
			continue;
		sqe = blk_get_sqe(blk);
		if (!sqe)
			return -EBUSY;
		io_uring_prep_poll_add(sqe, fds[i], POLLIN);
		io_uring_sqe_set_data64(sqe, i);
		blk->armed |= 1U << i;
	}
	return 0;
}

static int read_ports(struct xb_blk *blk)
{
	uint32_t ports[MAX_PORTS];
	unsigned int i;
	int nr, j;

	nr = xenemu_evtchn_read(blk->config.evtchn_fd, ports, MAX_PORTS);
	if (nr == -EFBIG) {
		nr = xenemu_evtchn_reset(blk->config.evtchn_fd);
		for (i = 0; i < blk->nr_queues; i++) {
			blk->queues[i].pending = true;
			blk->queues[i].masked = true;
		}
	}
	if (nr < 0)
		return nr;

	/* A port that is no queue's was one before the last reconnection. */
	for (j = 0; j < nr; j++) {
		for (i = 0; i < blk->nr_queues; i++) {
			if (blk->queues[i].port == ports[j]) {
				blk->queues[i].pending = true;
				blk->queues[i].masked = true;
			}
		}
	}
	return 0;
}

/* Watch events say that something changed; what, is in the store. */
static int read_store(struct xb_blk *blk)
{
	struct xenemu_xs_event event;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < MAX_STORE_EVENTS; i++) {
		ret = xenemu_xs_next_event(&blk->xs, &event);
		if (ret <= 0)
			break;
	}
	if (ret < 0)
		return ret;
	return i ? blk_bus_update(blk) : 0;
}

static int run_queues(struct xb_blk *blk)
{
	unsigned int i;
	int ret;

	for (i = 0; i < blk->nr_queues; i++) {
		if (!blk->queues[i].pending)
			continue;
		ret = blk_queue_run(&blk->queues[i]);
		if (ret) {
			blk_log(blk, ret == -EPROTO ? "the guest broke ring %u, closing" :
						      "lost the event channel of ring %u, closing",
				i);
			return blk_bus_fail(blk);
		}
	}
	return 0;
}

static bool is_busy(const struct xb_blk *blk)
{
	unsigned int i;

	/* Polls may have fired while something else was waited for. */
	if (blk->ready)
		return true;
	for (i = 0; i < blk->nr_queues; i++) {
		if (blk->queues[i].pending)
			return true;
	}
	return false;
}

/*
 * One round: wait unless there is something to do, then handle what came. 0 to
 * go on, 1 to stop, or a negative errno when there is nothing left to serve.
 */
static int run_once(struct xb_blk *blk)
{
	unsigned int ready, i;
	int ret;

	ret = arm(blk);
	if (ret)
		return ret;
	ret = io_uring_submit_and_wait(&blk->uring, is_busy(blk) ? 0 : 1);
	if (ret < 0 && ret != -EINTR && ret != -EAGAIN && ret != -EBUSY)
		return ret;
	blk_reap(blk);

	ready = blk->ready;
	blk->ready = 0;
	if (ready & 1U << BLK_EVENT_STOP)
		return 1;
	ret = 0;
	if (ready & 1U << BLK_EVENT_STORE)
		ret = read_store(blk);
	if (!ret && ready & 1U << BLK_EVENT_EVTCHN)
		ret = read_ports(blk);
	if (!ret)
		ret = run_queues(blk);
	for (i = 0; i < blk->nr_queues; i++)
		blk_queue_push(&blk->queues[i]);
	return ret;
}

static void *run(void *arg)
{
	struct xb_blk *blk = arg;
	int ret;

	do {
		ret = run_once(blk);
	} while (!ret);
	blk_disconnect(blk);
	if (ret < 0) {
		if (ret != -ENODEV)
			blk_log(blk, "stopped: %s", strerror(-ret));
		eventfd_write(blk->ended_fd, 1);
	}
	return NULL;
}

/* The thread takes no signals: they are the VMM's. */
static int start_thread(struct xb_blk *blk)
{
	sigset_t all, old;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&blk->thread, NULL, run, blk);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -ret;
}

static int open_uring(struct xb_blk *blk)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_CQSIZE,
		.cq_entries = CQ_ENTRIES,
	};

	return io_uring_queue_init_params(SQ_ENTRIES, &blk->uring, &params);
}

/**
 * xb_blk_start() - start a block backend
 * @config: what it serves
 * @blk_out: out: the backend
 *
 * If the frontend is connected already, to a backend that was stopped, the new
 * one carries on in its place.
 *
 * Return: 0, or a negative errno, after a message that says what is wrong.
 */
int xb_blk_start(const struct xb_blk_config *config, struct xb_blk **blk_out)
{
	const char *reason = "out of memory";
	struct xb_blk *blk;
	int ret;

	if (config->max_queues > XB_BLK_MAX_QUEUES)
		return -EINVAL;
	blk = calloc(1, sizeof(*blk));
	if (!blk)
		return -ENOMEM;
	blk->config = *config;
	blk->config.path = NULL;
	if (!blk->config.max_queues)
		blk->config.max_queues = XB_BLK_QUEUES;
	xenemu_xs_init(&blk->xs, config->store_fd);
	blk_grants_init(&blk->grants, config->gnttab_fd, config->domid, 0);

	ret = blk_file_open(&blk->file, config->path, config->readonly, config->buffered, &reason);
	if (ret) {
		blk_log(blk, "%s: %s: %s", config->path, reason, strerror(-ret));
		goto err_free;
	}
	blk->limits.nr_sectors = blk->file.nr_sectors;
	blk->limits.readonly = config->readonly;

	blk->stop_fd = eventfd(0, EFD_CLOEXEC);
	blk->ended_fd = eventfd(0, EFD_CLOEXEC);
	if (blk->stop_fd < 0 || blk->ended_fd < 0) {
		ret = -errno;
		blk_log(blk, "cannot make an eventfd: %s", strerror(-ret));
		goto err_close;
	}
	ret = open_uring(blk);
	if (ret) {
		blk_log(blk, "cannot make an io_uring: %s", strerror(-ret));
		goto err_close;
	}
	ret = blk_bus_start(blk);
	if (ret) {
		blk_log(blk, "cannot use its nodes in XenStore: %s", strerror(-ret));
		goto err_uring;
	}
	ret = start_thread(blk);
	if (ret) {
		blk_log(blk, "cannot start a thread: %s", strerror(-ret));
		goto err_bus;
	}
	*blk_out = blk;
	return 0;

err_bus:
	blk_bus_stop(blk);
err_uring:
	io_uring_queue_exit(&blk->uring);
err_close:
	if (blk->stop_fd >= 0)
		close(blk->stop_fd);
	if (blk->ended_fd >= 0)
		close(blk->ended_fd);
	blk_file_close(&blk->file);
err_free:
	free(blk);
	return ret;
}

/**
 * xb_blk_ended_fd() - learn that a backend ended by itself
 * @blk: the backend
 *
 * It does when its nodes are removed, when the device was unplugged and closed,
 * or when its fds fail. It must still be stopped then.
 *
 * Return: an fd that poll() says is readable when that has happened. It is the
 * backend's.
 */
int xb_blk_ended_fd(const struct xb_blk *blk)
{
	return blk->ended_fd;
}

/**
 * xb_blk_stop() - stop a block backend and free it
 * @blk: the backend, or NULL
 *
 * Waits for the I/O under way and answers it. The guest is not told: its
 * further requests wait in the ring until a backend is started again.
 */
void xb_blk_stop(struct xb_blk *blk)
{
	if (!blk)
		return;
	eventfd_write(blk->stop_fd, 1);
	pthread_join(blk->thread, NULL);
	blk_bus_stop(blk);
	io_uring_queue_exit(&blk->uring);
	close(blk->stop_fd);
	close(blk->ended_fd);
	blk_file_close(&blk->file);
	free(blk);
}
