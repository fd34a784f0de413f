/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A block frontend in the fake guest.
 *
 * Grant reference N names page N of the guest's memory. Rings take the pages
 * from FRONT_RINGS on, requests those from FRONT_DATA on.
 */
#ifndef XENEMU_FRONT_H
#define XENEMU_FRONT_H

#include <stdbool.h>
#include <stdint.h>

#include "blkreq.h"

#define FRONT_DEVID	51712
#define FRONT_RINGS	16
#define FRONT_LISTS	120
#define FRONT_DATA	200
#define FRONT_MAX_QUEUES 4

#define FRONT_NODE(node) "/local/domain/7/device/vbd/51712/" node
#define BACK_NODE(node) "/local/domain/0/backend/vbd/7/51712/" node

/**
 * struct front - a frontend
 * @layout: protocol
 * @say_protocol: write the protocol's node
 * @persistent: it reuses its grants
 * @order: log2 of a ring's pages
 * @nr_queues: number of rings
 * @req_prod: requests written, by ring
 * @rsp_cons: responses read, by ring
 */
struct front {
	const struct blk_layout *layout;
	bool say_protocol;
	bool persistent;
	unsigned int order;
	unsigned int nr_queues;
	uint32_t req_prod[FRONT_MAX_QUEUES];
	uint32_t rsp_cons[FRONT_MAX_QUEUES];
};

/* A piece of a page. */
struct front_seg {
	uint32_t gref;
	uint8_t first;
	uint8_t last;
};

bool front_wait_back(unsigned int state);
void front_set_state(unsigned int state);
void front_write_params(struct front *f);
bool front_connect(struct front *f);
bool front_close(void);

volatile uint32_t *front_index(struct front *f, unsigned int queue, unsigned int which);
void front_put(struct front *f, unsigned int queue, const uint8_t *slot);
void front_notify(unsigned int queue);
bool front_get(struct front *f, unsigned int queue, uint64_t *id, uint8_t *op, int *status);

void front_rw(struct front *f, unsigned int queue, uint64_t id, uint8_t op, uint64_t sector,
	      const struct front_seg *segs, unsigned int nr);
void front_indirect(struct front *f, unsigned int queue, uint64_t id, uint8_t op, uint64_t sector,
		    uint32_t list, const struct front_seg *segs, unsigned int nr);
void front_discard(struct front *f, unsigned int queue, uint64_t id, uint64_t sector,
		   uint64_t nr);
int front_do(struct front *f, uint8_t op, uint64_t sector, const struct front_seg *segs,
	     unsigned int nr);

#endif /* XENEMU_FRONT_H */
