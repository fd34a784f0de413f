// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saving a store: it is captured, then written. What was saved may be remembered by its
 * tree, which then stays; so the next time the difference can be saved.
 */
#include "state.h"

#include <linux/errno.h>

static bool is_known(const struct xenemu_save *save)
{
	switch (save->format) {
	case XENEMU_STORE_FORMAT_COMPACT:
		return true;
	case XENEMU_STORE_FORMAT_XEN_V1:
	case XENEMU_STORE_FORMAT_XEN_V2:
		return !save->since && !(save->flags & XENEMU_SAVE_TRACK);
	default:
		return false;
	}
}

int xenemu_save_begin(struct xenemu_store *store, struct xenemu_save *save)
{
	int ret;

	if (!is_known(save))
		return -EOPNOTSUPP;
	save->cap = kmalloc(sizeof(*save->cap), GFP_KERNEL_ACCOUNT);
	if (!save->cap)
		return -ENOMEM;
	ret = xenemu_capture_take(save->cap, store, save->since);
	if (ret)
		kfree(save->cap);
	else
		save->gen = save->cap->gen;
	return ret;
}

int xenemu_save_write(struct xenemu_save *save)
{
	struct xenemu_sink sink;
	int ret;

	ret = xenemu_sink_start(&sink, save->write, save->priv);
	if (ret)
		return ret;
	if (save->format == XENEMU_STORE_FORMAT_COMPACT)
		xenemu_compact_write(save->cap, &sink);
	else
		xenemu_xen_write(save->cap, save->format == XENEMU_STORE_FORMAT_XEN_V1 ? 1 : 2,
				 &sink);
	ret = xenemu_sink_finish(&sink);
	save->len = sink.len;
	return ret;
}

static void remember(struct xenemu_store *store, struct xenemu_node *top, u64 gen)
{
	struct xenemu_node *old;

	mutex_lock(&store->lock);
	old = store->mark_top;
	store->mark_top = top ? xenemu_node_get(top) : NULL;
	store->mark_gen = gen;
	mutex_unlock(&store->lock);
	xenemu_node_put(store, old);
}

void xenemu_save_end(struct xenemu_save *save, bool success)
{
	struct xenemu_capture *cap = save->cap;

	if (success && save->flags & XENEMU_SAVE_TRACK)
		remember(cap->store, cap->top, cap->gen);
	else if (success && save->since)
		remember(cap->store, NULL, 0);
	xenemu_capture_drop(cap);
	kfree(cap);
}
