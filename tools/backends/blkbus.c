// SPDX-License-Identifier: GPL-2.0-only
/*
 * What frontend and backend tell each other by XenStore.
 *
 * The frontend's nodes are its guest's to write. They are read anew whenever a
 * watch fires, and any of them may be missing, strange, or different the next
 * time.
 */
#include "blk.h"

#include <errno.h>
#include <string.h>

#include <xen/io/protocols.h>

#include "vbd.h"

#define TOKEN "xenemu-blk"

static int read_front_u32(struct xb_blk *blk, const char *node, uint32_t *val)
{
	char path[XB_PATH_MAX];

	xb_vbd_front_path(path, blk->config.domid, blk->config.devid, node);
	return xenemu_xs_read_u32(&blk->xs, 0, path, val);
}

static int read_back_u32(struct xb_blk *blk, uint32_t tx, const char *node, uint32_t *val)
{
	char path[XB_PATH_MAX];

	xb_vbd_back_path(path, blk->config.domid, blk->config.devid, node);
	return xenemu_xs_read_u32(&blk->xs, tx, path, val);
}

static int write_back(struct xb_blk *blk, uint32_t tx, const char *node, uint64_t val)
{
	char path[XB_PATH_MAX];

	xb_vbd_back_path(path, blk->config.domid, blk->config.devid, node);
	return xenemu_xs_printf(&blk->xs, tx, path, "%llu", (unsigned long long)val);
}

/* A number that may be missing. */
static int read_front_or(struct xb_blk *blk, const char *node, uint32_t missing, uint32_t *val)
{
	int ret = read_front_u32(blk, node, val);

	if (ret == -ENOENT) {
		*val = missing;
		return 0;
	}
	return ret;
}

struct number {
	const char *node;
	uint64_t val;
};

static int write_numbers(struct xb_blk *blk, uint32_t tx, const struct number *numbers,
			 unsigned int nr)
{
	unsigned int i;
	int ret;

	for (i = 0; i < nr; i++) {
		ret = write_back(blk, tx, numbers[i].node, numbers[i].val);
		if (ret)
			return ret;
	}
	return 0;
}

/* What a frontend needs to know before it makes its rings. */
static int write_features(struct xb_blk *blk, uint32_t tx)
{
	const struct number numbers[] = {
		{ "feature-flush-cache", 1 },
		{ "feature-persistent", 1 },
		{ "feature-max-indirect-segments", BLK_MAX_SEGS },
		{ "max-ring-page-order", BLK_MAX_RING_ORDER },
		{ "max-ring-pages", BLK_MAX_RING_PAGES },
		{ "multi-queue-max-queues", blk->config.max_queues },
		{ "feature-discard", blk->limits.discard },
	};
	const struct number discard[] = {
		{ "discard-granularity", blk->file.discard_granularity },
		{ "discard-alignment", 0 },
		{ "discard-secure", 0 },
	};
	int ret;

	ret = write_numbers(blk, tx, numbers, sizeof(numbers) / sizeof(numbers[0]));
	if (!ret && blk->limits.discard)
		ret = write_numbers(blk, tx, discard, sizeof(discard) / sizeof(discard[0]));
	return ret;
}

/* What a frontend needs to know to make its disk. */
static int write_properties(struct xb_blk *blk, uint32_t tx)
{
	const struct number numbers[] = {
		{ "sectors", blk->file.nr_sectors },
		{ "sector-size", BLK_SECTOR_SIZE },
		{ "physical-sector-size", blk->file.physical_size },
		{ "info", blk->limits.readonly ? VDISK_READONLY : 0 },
	};

	return write_numbers(blk, tx, numbers, sizeof(numbers) / sizeof(numbers[0]));
}

struct state_change {
	struct xb_blk *blk;
	enum xenbus_state state;
};

static int write_state(struct xenemu_xs *xs, uint32_t tx, void *arg)
{
	struct state_change *change = arg;
	struct xb_blk *blk = change->blk;
	uint32_t old;
	int ret;

	(void)xs;
	/* Nodes that the toolstack removed must not come back. */
	ret = read_back_u32(blk, tx, "state", &old);
	if (ret == -ENOENT)
		return -ENODEV;
	if (ret)
		return ret;
	if (change->state == XenbusStateInitWait ||
	    (change->state == XenbusStateConnected && blk->state == XenbusStateUnknown))
		ret = write_features(blk, tx);
	if (!ret && change->state == XenbusStateConnected)
		ret = write_properties(blk, tx);
	/* Even if it is the same: the frontend waits for the event. */
	if (!ret)
		ret = write_back(blk, tx, "state", change->state);
	return ret;
}

/* Go to a state, with the nodes that belong to it. -ENODEV if the device was removed. */
static int set_state(struct xb_blk *blk, enum xenbus_state state)
{
	struct state_change change = { .blk = blk, .state = state };
	int ret;

	if (blk->state == state)
		return 0;
	ret = xenemu_xs_transact(&blk->xs, write_state, &change);
	if (!ret)
		blk->state = state;
	return ret;
}

/* log2 of a ring's pages: the two schemes that frontends use say it differently. */
static int read_order(struct xb_blk *blk, uint32_t *order)
{
	uint32_t pages;
	int ret;

	ret = read_front_u32(blk, "ring-page-order", order);
	if (ret == -ENOENT) {
		ret = read_front_or(blk, "num-ring-pages", 1, &pages);
		if (ret)
			return ret;
		if (!pages || pages & (pages - 1))
			return -EINVAL;
		*order = __builtin_ctz(pages);
	}
	if (!ret && *order > BLK_MAX_RING_ORDER)
		ret = -EINVAL;
	return ret;
}

static int read_queue(struct xb_blk *blk, struct blk_params *params, unsigned int index)
{
	uint32_t *refs = params->queues[index].refs;
	unsigned int i, nr_pages = 1U << params->order;
	char dir[32] = "", node[64];
	int ret;

	if (params->nr_queues > 1)
		xenemu_xs_path(dir, sizeof(dir), "queue-%u/", index);

	xenemu_xs_path(node, sizeof(node), "%sevent-channel", dir);
	ret = read_front_u32(blk, node, &params->queues[index].port);
	if (ret)
		return ret;

	if (nr_pages == 1) {
		xenemu_xs_path(node, sizeof(node), "%sring-ref", dir);
		ret = read_front_u32(blk, node, &refs[0]);
		if (ret != -ENOENT)
			return ret;
	}
	for (i = 0; i < nr_pages; i++) {
		xenemu_xs_path(node, sizeof(node), "%sring-ref%u", dir, i);
		ret = read_front_u32(blk, node, &refs[i]);
		if (ret)
			return ret;
	}
	return 0;
}

static int read_protocol(struct xb_blk *blk, const struct blk_layout **layout)
{
	char path[XB_PATH_MAX], name[32];
	int ret;

	xb_vbd_front_path(path, blk->config.domid, blk->config.devid, "protocol");
	ret = xenemu_xs_read(&blk->xs, 0, path, name, sizeof(name));
	/* Frontends from before there was a choice are 32-bit, and say nothing. */
	if (ret == -ENOENT)
		strcpy(name, XEN_IO_PROTO_ABI_X86_32);
	else if (ret < 0)
		return ret;
	*layout = blk_layout_find(name);
	return *layout ? 0 : -EINVAL;
}

/* Read what the frontend wants. Unused parts stay 0, so that two can be compared. */
static int read_params(struct xb_blk *blk, struct blk_params *params)
{
	unsigned int i;
	int ret;

	memset(params, 0, sizeof(*params));
	ret = read_protocol(blk, &params->layout);
	if (!ret)
		ret = read_front_or(blk, "feature-persistent", 0, &params->persistent);
	if (!ret)
		ret = read_front_or(blk, "multi-queue-num-queues", 1, &params->nr_queues);
	if (!ret && (!params->nr_queues || params->nr_queues > blk->config.max_queues))
		ret = -EINVAL;
	if (!ret)
		ret = read_order(blk, &params->order);
	for (i = 0; !ret && i < params->nr_queues; i++)
		ret = read_queue(blk, params, i);
	return ret;
}

/**
 * blk_bus_fail() - close a connection that cannot go on
 * @blk: the device
 *
 * It stays closing until the frontend starts afresh.
 */
int blk_bus_fail(struct xb_blk *blk)
{
	blk_disconnect(blk);
	return set_state(blk, XenbusStateClosing);
}

/*
 * Does a frontend that says that it has made its rings mean others than those
 * that we are connected to? So it does after a resume, and after a start so fast
 * that we missed its beginning.
 */
static bool has_new_rings(struct xb_blk *blk)
{
	struct blk_params params;

	if (blk->front_connected)
		return true;
	return !read_params(blk, &params) && memcmp(&params, &blk->params, sizeof(params));
}

/* The frontend has made its rings. */
static int connect_front(struct xb_blk *blk, uint32_t front)
{
	struct blk_params params;
	int ret;

	if (blk->nr_queues) {
		if (front == XenbusStateConnected)
			blk->front_connected = true;
		if (front == XenbusStateConnected || !has_new_rings(blk))
			return 0;
		blk_disconnect(blk);
		blk->state = XenbusStateInitWait;
	}
	/*
	 * A frontend need not wait for our features, and we may have taken the
	 * place of a backend that it was connected to. After a failure it must
	 * start afresh.
	 */
	if (blk->state != XenbusStateInitWait && blk->state != XenbusStateUnknown)
		return 0;

	blk->front_connected = false;
	ret = read_params(blk, &params);
	if (ret)
		blk_log(blk, "the guest's XenStore nodes make no sense: %s", strerror(-ret));
	else
		ret = blk_connect(blk, &params);
	if (ret)
		return blk_bus_fail(blk);
	return set_state(blk, XenbusStateConnected);
}

/**
 * blk_bus_update() - do what the states of frontend and toolstack ask for
 * @blk: the device
 *
 * Return: 0, or -ENODEV when the device is gone.
 */
int blk_bus_update(struct xb_blk *blk)
{
	uint32_t front, back, online;
	int ret, alive;

	ret = read_back_u32(blk, 0, "online", &online);
	if (!ret)
		ret = read_back_u32(blk, 0, "state", &back);
	if (ret)
		return ret == -ENOENT ? -ENODEV : ret;
	/* The toolstack made the device anew. */
	if (back == XenbusStateInitialising && blk->state != XenbusStateUnknown) {
		blk_disconnect(blk);
		blk->state = XenbusStateUnknown;
	}

	/* A frontend that writes nonsense has none. */
	ret = read_front_u32(blk, "state", &front);
	if (ret == -ENOENT || ret == -EINVAL)
		front = XenbusStateUnknown;
	else if (ret)
		return ret;

	alive = xenemu_xs_is_introduced(&blk->xs, blk->config.domid);
	if (alive < 0)
		return alive;
	if (alive)
		blk->seen_domain = true;

	switch (front) {
	case XenbusStateUnknown:
	case XenbusStateClosed:
		blk_disconnect(blk);
		ret = set_state(blk, XenbusStateClosed);
		if (!ret && (!online || (front == XenbusStateUnknown && !alive &&
					 blk->seen_domain)))
			ret = -ENODEV;
		return ret;
	case XenbusStateInitialising:
		blk_disconnect(blk);
		if (online)
			return set_state(blk, XenbusStateInitWait);
		ret = set_state(blk, XenbusStateClosed);
		return ret ? ret : -ENODEV;
	case XenbusStateInitialised:
	case XenbusStateConnected:
		return online ? connect_front(blk, front) : 0;
	case XenbusStateClosing:
		blk_disconnect(blk);
		return set_state(blk, XenbusStateClosing);
	default:
		return 0;
	}
}

typedef int watch_fn(struct xenemu_xs *xs, const char *path, const char *token);

/* The nodes whose changes matter. The last is no node, but tells of domains that died. */
static int on_each_watch(struct xb_blk *blk, watch_fn *fn)
{
	char path[XB_PATH_MAX];
	int ret;

	xb_vbd_back_path(path, blk->config.domid, blk->config.devid, "online");
	ret = fn(&blk->xs, path, TOKEN);
	if (ret)
		return ret;
	xb_vbd_front_path(path, blk->config.domid, blk->config.devid, "state");
	ret = fn(&blk->xs, path, TOKEN);
	if (ret)
		return ret;
	return fn(&blk->xs, "@releaseDomain", TOKEN);
}

/**
 * blk_bus_start() - begin to watch the frontend and the toolstack
 * @blk: the device
 *
 * The watches fire at once, which makes the thread look at the states.
 */
int blk_bus_start(struct xb_blk *blk)
{
	uint32_t enable, state;
	int ret;

	ret = read_back_u32(blk, 0, "state", &state);
	if (ret)
		return ret;

	/* A toolstack may keep discards from the guest. */
	blk->limits.discard = blk->file.discard;
	ret = read_back_u32(blk, 0, "discard-enable", &enable);
	if (!ret && !enable)
		blk->limits.discard = false;

	ret = on_each_watch(blk, xenemu_xs_watch);
	if (ret)
		blk_bus_stop(blk);
	return ret;
}

/**
 * blk_bus_stop() - end what blk_bus_start() began
 * @blk: the device
 */
void blk_bus_stop(struct xb_blk *blk)
{
	on_each_watch(blk, xenemu_xs_unwatch);
}
