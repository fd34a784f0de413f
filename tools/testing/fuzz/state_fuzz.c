// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bytes to what restores a XenStore. The first says after how many allocations one
 * fails. What is restored is a store in order; what is saved from it can be restored.
 */
#include <stdlib.h>

#include <linux/err.h>
#include <linux/xenemu.h>

#include "store/internal.h"

static void check(bool cond)
{
	if (!cond)
		abort();
}

static void on_arm(void *priv, u64 delay)
{
}

static const struct xenemu_store_ops ops = { .arm = on_arm };

struct output {
	u8 *data;
	size_t len;
};

static int append(void *priv, const void *data, size_t len)
{
	struct output *out = priv;

	out->data = realloc(out->data, out->len + len);
	memcpy(out->data + out->len, data, len);
	out->len += len;
	return 0;
}

static void save(struct xenemu_store *store, u32 format, struct output *out)
{
	struct xenemu_save how = { .format = format, .write = append, .priv = out };

	check(!xenemu_save_begin(store, &how));
	check(!xenemu_save_write(&how));
	xenemu_save_end(&how, true);
}

static int restore(struct xenemu_store *store, const u8 *data, size_t len)
{
	struct xenemu_restore_why why;
	int ret = xenemu_restore_store(store, data, len, 0, &why);
	bool bad = ret == -EBADMSG || ret == -EOPNOTSUPP;

	check(!ret || ret == -ENOMEM || ret == -ESTALE || bad);
	check(!!why.reason == bad);
	return ret;
}

/* Each node is counted for its owner, if that exists, and for nobody else. */
static void check_store(struct xenemu_store *store)
{
	const struct xenemu_node *stack[XENEMU_STORE_MAX_DEPTH], *node;
	struct xenemu_sdomain *dom;
	struct xenemu_walk walk;
	u32 nodes = 0, counted = 0;

	mutex_lock(&store->lock);
	xenemu_walk_start(&walk, stack, NULL, store->top, NULL);
	while ((node = xenemu_walk_next(&walk, true))) {
		check(node->perms && node->perms->nr && node->value_len <= XENSTORE_PAYLOAD_MAX);
		nodes += !!xenemu_sdomain_find(store, xenemu_perms_owner(node->perms));
	}
	list_for_each_entry(dom, &store->domains, link) {
		check(atomic_long_read(&dom->mem) >= 0);
		counted += dom->nr_nodes;
	}
	mutex_unlock(&store->lock);
	check(nodes == counted);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct xenemu_store *store, *other;
	u32 format;

	if (!size)
		return 0;
	shim_now = 1000000000;
	shim_fail_nth = 0;
	store = xenemu_store_create(&ops, NULL);
	check(!IS_ERR(store));
	shim_fail_nth = data[0];
	if (!restore(store, data + 1, size - 1)) {
		shim_fail_nth = 0;
		check_store(store);
		for (format = 0; format <= XENEMU_STORE_FORMAT_XEN_V2; format++) {
			struct output out = {};

			save(store, format, &out);
			other = xenemu_store_create(&ops, NULL);
			check(!restore(other, out.data, out.len));
			check_store(other);
			xenemu_store_destroy(other);
			free(out.data);
		}
	}
	shim_fail_nth = 0;
	xenemu_store_destroy(store);
	check(!shim_live_allocs);
	return 0;
}
