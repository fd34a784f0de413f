// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the ring to the disk and back.
 *
 * The guest's pages are mapped, and the kernel reads the disk straight into them
 * and writes it straight from them; nothing is copied here. A page stays mapped
 * until the I/O on it is done, whatever the guest does.
 */
#include "blk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <linux/falloc.h>
#include <linux/fs.h>

#include "evtchn.h"

/* How often a request is given to the kernel again when it says so. */
#define MAX_TRIES	8

/* Discard of a block device by io_uring, which Linux has from 6.12 on. */
#ifndef BLOCK_URING_CMD_DISCARD
#define BLOCK_URING_CMD_DISCARD	_IO(0x12, 0)
#endif

/**
 * blk_get_sqe() - find room for one more operation
 * @blk: the device
 *
 * Return: the submission entry, or NULL if the kernel takes none.
 */
struct io_uring_sqe *blk_get_sqe(struct xb_blk *blk)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&blk->uring);

	if (!sqe && io_uring_submit(&blk->uring) > 0)
		sqe = io_uring_get_sqe(&blk->uring);
	return sqe;
}

/* Answer a request. All that it used is free again. */
static void finish(struct blk_io *io, int16_t status)
{
	struct blk_queue *queue = io->queue;

	/*
	 * Before the response: a frontend that does not reuse its grants takes
	 * them back as soon as it sees it.
	 */
	blk_grants_put(&queue->blk->grants, io->held, io->nr_held, &io->rest);
	blk_ring_respond(&queue->ring, io->req.id, io->req.op, status);
	queue->unpushed = true;

	io->next = queue->free;
	queue->free = io;
	queue->inflight--;
}

static void submit_rw(struct blk_io *io)
{
	struct xb_blk *blk = io->queue->blk;
	struct io_uring_sqe *sqe = blk_get_sqe(blk);
	const struct iovec *iov = io->iov + io->iov_first;
	unsigned int nr = io->iov_nr - io->iov_first;

	if (!sqe) {
		finish(io, BLKIF_RSP_ERROR);
		return;
	}
	if (io->req.action == BLK_READ)
		io_uring_prep_readv(sqe, blk->file.fd, iov, nr, io->offset);
	else
		io_uring_prep_writev(sqe, blk->file.fd, iov, nr, io->offset);
	io_uring_sqe_set_data(sqe, io);
	io->direct = blk->file.direct;
}

static void submit_flush(struct blk_io *io)
{
	struct io_uring_sqe *sqe = blk_get_sqe(io->queue->blk);

	if (!sqe) {
		finish(io, BLKIF_RSP_ERROR);
		return;
	}
	io_uring_prep_fsync(sqe, io->queue->blk->file.fd, IORING_FSYNC_DATASYNC);
	io_uring_sqe_set_data(sqe, io);
}

static void submit_discard(struct blk_io *io)
{
	const struct blk_file *file = &io->queue->blk->file;
	uint64_t offset = io->req.sector * BLK_SECTOR_SIZE;
	uint64_t len = io->req.nr_sectors * BLK_SECTOR_SIZE;
	struct io_uring_sqe *sqe;

	if (!len) {
		finish(io, BLKIF_RSP_OKAY);
		return;
	}
	sqe = blk_get_sqe(io->queue->blk);
	if (!sqe) {
		finish(io, BLKIF_RSP_ERROR);
		return;
	}
	if (file->is_device) {
		io_uring_prep_rw(IORING_OP_URING_CMD, sqe, file->fd, NULL, 0, 0);
		sqe->cmd_op = BLOCK_URING_CMD_DISCARD;
		sqe->addr = offset;
		sqe->addr3 = len;
	} else {
		io_uring_prep_fallocate(sqe, file->fd,
					FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, len);
	}
	io_uring_sqe_set_data(sqe, io);
}

/* Map the pages of a request and list their pieces, neighbours as one. */
static int map_segs(struct blk_io *io)
{
	struct xb_blk *blk = io->queue->blk;
	const struct blk_req *req = &io->req;
	uint32_t refs[BLK_MAX_SEGS];
	void *addrs[BLK_MAX_SEGS];
	struct iovec *iov = NULL;
	unsigned int i;
	int ret;

	for (i = 0; i < req->nr_segs; i++)
		refs[i] = req->segs[i].gref;
	ret = blk_grants_get(&blk->grants, refs, req->nr_segs, req->action == BLK_READ, addrs,
			     io->held, &io->rest);
	if (ret)
		return ret;
	io->nr_held = req->nr_segs;

	io->iov_nr = 0;
	for (i = 0; i < req->nr_segs; i++) {
		char *base = (char *)addrs[i] + req->segs[i].first * BLK_SECTOR_SIZE;
		size_t len = req->segs[i].nr * BLK_SECTOR_SIZE;

		if (iov && (char *)iov->iov_base + iov->iov_len == base) {
			iov->iov_len += len;
			continue;
		}
		iov = &io->iov[io->iov_nr++];
		iov->iov_base = base;
		iov->iov_len = len;
	}
	io->iov_first = 0;
	io->offset = req->sector * BLK_SECTOR_SIZE;
	io->left = req->nr_sectors * BLK_SECTOR_SIZE;
	return 0;
}

static void start_rw(struct blk_io *io)
{
	if (map_segs(io))
		finish(io, BLKIF_RSP_ERROR);
	else
		submit_rw(io);
}

/*
 * Fetch the segments of an indirect request. A frontend that reuses its grants
 * does so with this page too; of others the page is copied, which costs less
 * than to map and unmap it.
 */
static int fetch_segs(struct blk_io *io)
{
	struct xb_blk *blk = io->queue->blk;
	uint8_t segs[BLK_MAX_SEGS * sizeof(struct blkif_request_segment)];
	struct blk_req *req = &io->req;
	struct xenemu_gnttab_copy piece = {
		.virt = segs,
		.domid = blk->config.domid,
		.ref = req->indirect_gref,
		.len = req->nr_segs * sizeof(struct blkif_request_segment),
	};
	struct xenemu_gnttab_map rest;
	struct blk_grant *held;
	void *addr;

	if (!blk->grants.max) {
		if (xenemu_gnttab_copy(blk->config.gnttab_fd, &piece, 1))
			return BLKIF_RSP_ERROR;
	} else {
		if (blk_grants_get(&blk->grants, &req->indirect_gref, 1, false, &addr, &held,
				   &rest))
			return BLKIF_RSP_ERROR;
		blk_copy_once(segs, addr, piece.len);
		blk_grants_put(&blk->grants, &held, 1, &rest);
	}
	return blk_req_decode_segs(req, segs, &blk->limits);
}

static void start(struct blk_io *io, const uint8_t slot[BLK_SLOT_MAX])
{
	struct blk_queue *queue = io->queue;
	int status;

	io->flushed = false;
	io->tries = MAX_TRIES;
	io->nr_held = 0;
	io->rest.addr = NULL;

	status = blk_req_decode(&io->req, queue->ring.layout, slot, &queue->blk->limits);
	if (!status && io->req.indirect)
		status = fetch_segs(io);
	if (status) {
		finish(io, status);
		return;
	}

	switch (io->req.action) {
	case BLK_READ:
	case BLK_WRITE:
		start_rw(io);
		break;
	case BLK_FLUSH:
		submit_flush(io);
		break;
	case BLK_DISCARD:
		submit_discard(io);
		break;
	}
}

/* Go on after the @done bytes that were read or written. */
static void advance(struct blk_io *io, size_t done)
{
	io->offset += done;
	io->left -= done;
	while (done) {
		struct iovec *iov = &io->iov[io->iov_first];

		if (done < iov->iov_len) {
			iov->iov_base = (char *)iov->iov_base + done;
			iov->iov_len -= done;
			break;
		}
		done -= iov->iov_len;
		io->iov_first++;
	}
}

static bool is_rw(const struct blk_io *io)
{
	return io->req.action == BLK_READ || io->req.action == BLK_WRITE || io->flushed;
}

static void submit_again(struct blk_io *io)
{
	if (is_rw(io))
		submit_rw(io);
	else if (io->req.action == BLK_FLUSH)
		submit_flush(io);
	else
		submit_discard(io);
}

/**
 * blk_io_done() - the kernel is done with an operation
 * @io: the request it was for
 * @res: result: bytes, or a negative errno
 */
void blk_io_done(struct blk_io *io, int res)
{
	struct blk_file *file = &io->queue->blk->file;

	if ((res == -EINTR || res == -EAGAIN) && io->tries) {
		io->tries--;
		submit_again(io);
		return;
	}
	if (res == -EFAULT && is_rw(io) && io->direct) {
		/*
		 * Guest memory that can be taken from the guest while we have it
		 * mapped is mapped without struct pages. The kernel can copy from
		 * and to it, but not give it to a device.
		 */
		if (file->direct)
			blk_file_set_buffered(file);
		submit_rw(io);
		return;
	}
	if (res < 0) {
		/* The frontend does not try again what can never work. */
		finish(io, res == -EOPNOTSUPP && !is_rw(io) ? BLKIF_RSP_EOPNOTSUPP :
							      BLKIF_RSP_ERROR);
		return;
	}

	if (!is_rw(io)) {
		if (io->req.action == BLK_FLUSH && io->req.nr_segs) {
			io->flushed = true;
			start_rw(io);
			return;
		}
		finish(io, BLKIF_RSP_OKAY);
		return;
	}

	/* Nothing at all: the file was cut short behind our back. */
	if (!res || (uint64_t)res > io->left) {
		finish(io, BLKIF_RSP_ERROR);
		return;
	}
	advance(io, res);
	if (io->left)
		submit_rw(io);
	else
		finish(io, BLKIF_RSP_OKAY);
}

/**
 * blk_queue_run() - take requests from a ring
 * @queue: the ring
 *
 * Takes one ring full at most, then others have their turn. A port is unmasked
 * only when no request is left, so a frontend cannot make us work by events.
 *
 * Return: 0, or -EPROTO if the frontend broke the ring.
 */
int blk_queue_run(struct blk_queue *queue)
{
	uint8_t slot[BLK_SLOT_MAX];
	struct blk_io *io;
	unsigned int i;
	int ret;

	for (i = 0; i < queue->ring.nr_slots; i++) {
		ret = blk_ring_next(&queue->ring, slot);
		if (ret < 0)
			return ret;
		if (!ret) {
			if (!blk_ring_sleep(&queue->ring))
				continue;
			queue->pending = false;
			if (!queue->masked)
				return 0;
			queue->masked = false;
			return xenemu_evtchn_unmask(queue->blk->config.evtchn_fd, &queue->port,
						    1);
		}
		/* The ring never holds more requests without a response than it has elements. */
		io = queue->free;
		queue->free = io->next;
		queue->inflight++;
		start(io, slot);
	}
	return 0;
}

/**
 * blk_queue_push() - show the frontend its responses
 * @queue: the ring
 */
void blk_queue_push(struct blk_queue *queue)
{
	if (!queue->unpushed)
		return;
	queue->unpushed = false;
	if (blk_ring_push(&queue->ring))
		xenemu_evtchn_notify(queue->blk->config.evtchn_fd, queue->port);
}

static int connect_queue(struct xb_blk *blk, struct blk_queue *queue,
			 const struct blk_params *params, unsigned int index)
{
	unsigned int i, nr_pages = 1U << params->order;
	int ret;

	memset(queue, 0, sizeof(*queue));
	queue->blk = blk;
	ret = xenemu_gnttab_map(blk->config.gnttab_fd, blk->config.domid,
				params->queues[index].refs, nr_pages, true, &queue->map);
	if (ret) {
		blk_log(blk, "cannot map ring %u: %s", index, strerror(-ret));
		return ret;
	}
	blk_ring_attach(&queue->ring, params->layout, queue->map.addr,
			(size_t)nr_pages * BLK_PAGE_SIZE);

	queue->ios = calloc(queue->ring.nr_slots, sizeof(*queue->ios));
	if (!queue->ios) {
		ret = -ENOMEM;
		goto err_unmap;
	}
	for (i = 0; i < queue->ring.nr_slots; i++) {
		queue->ios[i].queue = queue;
		queue->ios[i].next = queue->free;
		queue->free = &queue->ios[i];
	}

	ret = xenemu_evtchn_bind_interdomain(blk->config.evtchn_fd, blk->config.domid,
					     params->queues[index].port);
	if (ret < 0) {
		blk_log(blk, "cannot bind event channel %u: %s", params->queues[index].port,
			strerror(-ret));
		goto err_free;
	}
	queue->port = ret;
	/* Requests may be there already. */
	queue->pending = true;
	return 0;

err_free:
	free(queue->ios);
err_unmap:
	xenemu_gnttab_unmap(blk->config.gnttab_fd, &queue->map);
	return ret;
}

/**
 * blk_connect() - connect to a frontend
 * @blk: the device, which is not connected
 * @params: what the frontend asks for
 *
 * All or nothing.
 */
int blk_connect(struct xb_blk *blk, const struct blk_params *params)
{
	uint32_t persistent = 0;
	unsigned int i;
	int ret;

	if (params->persistent) {
		persistent = blk_ring_slots(params->layout, BLK_PAGE_SIZE << params->order) *
			     params->nr_queues * BLK_PERSISTENT_PER_REQ;
		if (persistent > BLK_MAX_PERSISTENT)
			persistent = BLK_MAX_PERSISTENT;
	}
	ret = blk_grants_init(&blk->grants, blk->config.gnttab_fd, blk->config.domid, persistent);
	if (ret)
		return ret;

	for (i = 0; i < params->nr_queues; i++) {
		ret = connect_queue(blk, &blk->queues[i], params, i);
		if (ret) {
			blk_disconnect(blk);
			return ret;
		}
		blk->nr_queues++;
	}
	/* With its padding: it will be compared byte for byte. */
	memcpy(&blk->params, params, sizeof(*params));
	return 0;
}

static unsigned int inflight(const struct xb_blk *blk)
{
	unsigned int i, nr = 0;

	for (i = 0; i < blk->nr_queues; i++)
		nr += blk->queues[i].inflight;
	return nr;
}

/**
 * blk_disconnect() - let go of a frontend
 * @blk: the device; nothing happens if it is not connected
 *
 * Waits for the I/O that is under way, since it works on the guest's pages, and
 * answers it. Requests that are still in the rings stay there.
 */
void blk_disconnect(struct xb_blk *blk)
{
	unsigned int i;

	while (inflight(blk)) {
		io_uring_submit_and_wait(&blk->uring, 1);
		blk_reap(blk);
	}
	for (i = 0; i < blk->nr_queues; i++) {
		struct blk_queue *queue = &blk->queues[i];

		blk_queue_push(queue);
		xenemu_evtchn_unbind(blk->config.evtchn_fd, queue->port);
		free(queue->ios);
		xenemu_gnttab_unmap(blk->config.gnttab_fd, &queue->map);
	}
	blk->nr_queues = 0;
	blk_grants_destroy(&blk->grants);
}
