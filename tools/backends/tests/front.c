// SPDX-License-Identifier: GPL-2.0-only
/*
 * A block frontend in the fake guest.
 */
#include "front.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fake.h"

/* Offsets of a ring: request and response indexes, then the elements. */
#define SLOTS	64

static unsigned int nr_slots(const struct front *f)
{
	return blk_ring_slots(f->layout, (size_t)BLK_PAGE_SIZE << f->order);
}

static unsigned int ring_page(const struct front *f, unsigned int queue)
{
	return FRONT_RINGS + (queue << f->order);
}

static bool node_is(const char *path, unsigned int want)
{
	char val[16];

	return fake_read(path, val, sizeof(val)) && strtoul(val, NULL, 10) == want;
}

/* Wait until the backend is in a state. */
bool front_wait_back(unsigned int state)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	unsigned int i;

	for (i = 0; i < 20000; i++) {
		if (node_is(BACK_NODE("state"), state))
			return true;
		nanosleep(&ms, NULL);
	}
	return false;
}

void front_set_state(unsigned int state)
{
	char val[16];

	snprintf(val, sizeof(val), "%u", state);
	fake_write(FRONT_NODE("state"), val);
}

static void write_number(const char *dir, const char *node, unsigned int num)
{
	char path[128], val[16];

	snprintf(path, sizeof(path), FRONT_NODE("%s%s"), dir, node);
	snprintf(val, sizeof(val), "%u", num);
	fake_write(path, val);
}

/* Make empty rings and say where they are. */
void front_write_params(struct front *f)
{
	unsigned int i, j, page;
	char dir[32] = "", node[32];

	if (f->say_protocol)
		fake_write(FRONT_NODE("protocol"), f->layout->name);
	else
		fake_rm(FRONT_NODE("protocol"));
	write_number("", "feature-persistent", f->persistent);
	if (f->nr_queues > 1)
		write_number("", "multi-queue-num-queues", f->nr_queues);
	else
		fake_rm(FRONT_NODE("multi-queue-num-queues"));
	if (f->order)
		write_number("", "ring-page-order", f->order);
	else
		fake_rm(FRONT_NODE("ring-page-order"));

	for (i = 0; i < f->nr_queues; i++) {
		if (f->nr_queues > 1)
			snprintf(dir, sizeof(dir), "queue-%u/", i);
		page = ring_page(f, i);
		for (j = 0; j < 1U << f->order; j++) {
			fake_grant(page + j, page + j, false);
			memset(fake_page(page + j), 0, BLK_PAGE_SIZE);
			snprintf(node, sizeof(node), f->order ? "ring-ref%u" : "ring-ref", j);
			write_number(dir, node, page + j);
		}
		f->req_prod[i] = 0;
		f->rsp_cons[i] = 0;
		*front_index(f, i, 1) = 1;
		*front_index(f, i, 3) = 1;
		write_number(dir, "event-channel", i + 1);
	}
}

bool front_connect(struct front *f)
{
	front_set_state(1);
	if (!front_wait_back(2))
		return false;
	front_write_params(f);
	front_set_state(3);
	if (!front_wait_back(4))
		return false;
	front_set_state(4);
	return true;
}

bool front_close(void)
{
	front_set_state(5);
	if (!front_wait_back(5))
		return false;
	front_set_state(6);
	return front_wait_back(6);
}

/* req_prod, req_event, rsp_prod, rsp_event. */
volatile uint32_t *front_index(struct front *f, unsigned int queue, unsigned int which)
{
	return (volatile uint32_t *)fake_page(ring_page(f, queue)) + which;
}

static uint8_t *slot_of(struct front *f, unsigned int queue, uint32_t index)
{
	return (uint8_t *)fake_page(ring_page(f, queue)) + SLOTS +
	       (index & (nr_slots(f) - 1)) * f->layout->slot_size;
}

/* Write a request, and send an event if the backend asked for it. */
void front_put(struct front *f, unsigned int queue, const uint8_t *slot)
{
	uint32_t prod = f->req_prod[queue]++;

	memcpy(slot_of(f, queue, prod), slot, f->layout->slot_size);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	*front_index(f, queue, 0) = prod + 1;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (prod + 1 - *front_index(f, queue, 1) < 1)
		front_notify(queue);
}

void front_notify(unsigned int queue)
{
	fake_send(queue + 1);
}

struct wait_rsp {
	struct front *f;
	unsigned int queue;
};

static bool has_response(void *arg)
{
	struct wait_rsp *wait = arg;

	return *front_index(wait->f, wait->queue, 2) != wait->f->rsp_cons[wait->queue];
}

/* Wait for the next response. */
bool front_get(struct front *f, unsigned int queue, uint64_t *id, uint8_t *op, int *status)
{
	struct wait_rsp wait = { .f = f, .queue = queue };
	uint32_t cons = f->rsp_cons[queue];
	const uint8_t *slot;
	int16_t val;

	*front_index(f, queue, 3) = cons + 1;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!fake_wait(queue + 1, has_response, &wait))
		return false;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	slot = slot_of(f, queue, cons);
	memcpy(id, slot, 8);
	*op = slot[8];
	memcpy(&val, slot + 10, 2);
	*status = val;
	f->rsp_cons[queue]++;
	return true;
}

static void put(uint8_t *p, uint64_t val, unsigned int bytes)
{
	memcpy(p, &val, bytes);
}

static void put_seg(uint8_t *p, const struct front_seg *seg)
{
	put(p, seg->gref, 4);
	p[4] = seg->first;
	p[5] = seg->last;
	put(p + 6, 0, 2);
}

void front_rw(struct front *f, unsigned int queue, uint64_t id, uint8_t op, uint64_t sector,
	      const struct front_seg *segs, unsigned int nr)
{
	uint8_t slot[BLK_SLOT_MAX] = { op, nr };
	unsigned int i;

	put(slot + f->layout->id, id, 8);
	put(slot + f->layout->sector, sector, 8);
	for (i = 0; i < nr; i++)
		put_seg(slot + f->layout->segs + i * 8, &segs[i]);
	front_put(f, queue, slot);
}

void front_indirect(struct front *f, unsigned int queue, uint64_t id, uint8_t op, uint64_t sector,
		    uint32_t list, const struct front_seg *segs, unsigned int nr)
{
	uint8_t slot[BLK_SLOT_MAX] = { BLKIF_OP_INDIRECT, op };
	unsigned int i;

	put(slot + 2, nr, 2);
	put(slot + f->layout->id, id, 8);
	put(slot + f->layout->sector, sector, 8);
	put(slot + f->layout->indirect, list, 4);
	for (i = 0; i < nr; i++)
		put_seg((uint8_t *)fake_page(list) + i * 8, &segs[i]);
	front_put(f, queue, slot);
}

void front_discard(struct front *f, unsigned int queue, uint64_t id, uint64_t sector, uint64_t nr)
{
	uint8_t slot[BLK_SLOT_MAX] = { BLKIF_OP_DISCARD };

	put(slot + f->layout->id, id, 8);
	put(slot + f->layout->sector, sector, 8);
	put(slot + f->layout->nr_sectors, nr, 8);
	front_put(f, queue, slot);
}

/* One request and its answer, through ring 0. */
int front_do(struct front *f, uint8_t op, uint64_t sector, const struct front_seg *segs,
	     unsigned int nr)
{
	uint64_t id = 0xfeed00000000 + f->req_prod[0], got;
	uint8_t got_op;
	int status;

	if (op == BLKIF_OP_DISCARD)
		front_discard(f, 0, id, sector, nr);
	else
		front_rw(f, 0, id, op, sector, segs, nr);
	if (!front_get(f, 0, &got, &got_op, &status) || got != id || got_op != op)
		return -1000;
	return status;
}
