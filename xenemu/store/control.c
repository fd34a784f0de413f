// SPDX-License-Identifier: GPL-2.0-only
/*
 * CONTROL: what an administrator may ask with xenstore-control.
 */
#include "internal.h"

#include <linux/errno.h>
#include <linux/printk.h>

#define MAX_ARGS	4

/* A reply under construction. */
struct text {
	u32 len;
	char buf[1024];
};

static __printf(2, 3) void add(struct text *text, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	text->len += vscnprintf(text->buf + text->len, sizeof(text->buf) - text->len, fmt,
				args);
	va_end(args);
}

/* Count all nodes anew, and compare with what domains are charged for. */
static int check(struct xenemu_request *req, char **arg, u32 nr, struct text *text)
{
	struct xenemu_store *store = req->store;
	const struct xenemu_node *node;
	struct xenemu_kids_iter iter;
	struct xenemu_sdomain *dom;
	u32 skip;

	if (nr)
		return -EINVAL;
	for (node = xenemu_kids_seek(&iter, store->top->kids, 0, &skip); node;
	     node = xenemu_kids_next(&iter))
		xenemu_quota_count_tree(store, node, 1);
	list_for_each_entry(dom, &store->domains, link) {
		u32 counted = list_empty(&dom->delta) ? 0 : dom->delta_nodes;

		if (counted != dom->nr_nodes)
			add(text, "domain %u: %u nodes, %u accounted for\n", dom->domid,
			    counted, dom->nr_nodes);
	}
	xenemu_quota_cancel(store);
	if (!text->len)
		add(text, "OK");
	return 0;
}

static int memreport(struct xenemu_request *req, char **arg, u32 nr, struct text *text)
{
	struct xenemu_store *store = req->store;
	const struct xenemu_sdomain *dom;
	u64 charged = 0;
	u32 nodes = 0;

	if (nr)
		return -EINVAL;
	list_for_each_entry(dom, &store->domains, link) {
		charged += atomic_long_read(&dom->mem);
		nodes += dom->nr_nodes;
	}
	add(text, "nodes: %u\n", nodes);
	add(text, "tree: %zu bytes\n", xenemu_tree_bytes(store, store->top));
	add(text, "tree and snapshots: %ld bytes\n", atomic_long_read(&store->mem));
	add(text, "charged to domains: %llu bytes\n", charged);
	add(text, "watches: %u\nwatched paths: %u\n", store->watch_tab.nr, store->trie_tab.nr);
	return 0;
}

static int print(struct xenemu_request *req, char **arg, u32 nr, struct text *text)
{
	if (nr != 1)
		return -EINVAL;
	pr_debug("xenstore: %s\n", arg[0]);
	add(text, "OK");
	return 0;
}

/* How much a domain has of what has limits; 0 where that is asked for at each request. */
static long used(const struct xenemu_sdomain *dom, u32 which)
{
	switch (which) {
	case XENEMU_QUOTA_NODES:
		return dom->nr_nodes;
	case XENEMU_QUOTA_WATCHES:
		return dom->nr_watches;
	case XENEMU_QUOTA_OUTSTANDING:
		return atomic_read(&dom->outstanding);
	case XENEMU_QUOTA_MEMORY:
		return atomic_long_read(&dom->mem);
	case XENEMU_QUOTA_TRANSACTIONS:
		return dom->nr_txns;
	default:
		return 0;
	}
}

static int quota_of_domain(struct xenemu_store *store, const char *arg, struct text *text)
{
	const struct xenemu_sdomain *dom;
	u16 domid;
	u32 i;

	if (xenemu_sdomain_parse(arg, &domid))
		return -EINVAL;
	dom = xenemu_sdomain_find(store, domid);
	if (!dom)
		return -ENOENT;

	add(text, "Domain %u:\n", domid);
	for (i = 0; i < XENEMU_NR_QUOTAS; i++)
		if (i != XENEMU_QUOTA_SOFT_MEMORY)
			add(text, "%-17s: %8ld (max %8u)\n", xenemu_quota_name[i],
			    used(dom, i), READ_ONCE(dom->quota_max[i]));
	return 0;
}

/* The largest values that any guest has had, so far or since the last "-r". */
static int quota_max(struct xenemu_store *store, char **arg, u32 nr, struct text *text)
{
	u32 i;

	if (nr > 1 || (nr && strcmp(arg[0], "-r")))
		return -EINVAL;
	if (nr)
		memset(store->quota_max, 0, sizeof(store->quota_max));
	add(text, "Max. seen accounting values:\n");
	for (i = 0; i < XENEMU_NR_QUOTAS; i++)
		if (i != XENEMU_QUOTA_SOFT_MEMORY)
			add(text, "%-17s: %8u\n", xenemu_quota_name[i],
			    READ_ONCE(store->quota_max[i]));
	return 0;
}

static int quota(struct xenemu_request *req, char **arg, u32 nr, struct text *text)
{
	u32 i;
	int ret;

	if (!nr) {
		add(text, "Quota settings:\n");
		for (i = 0; i < XENEMU_NR_QUOTAS; i++)
			if (i != XENEMU_QUOTA_SOFT_MEMORY)
				add(text, "%-17s: %8u\n", xenemu_quota_name[i],
				    req->store->quota[i]);
		return 0;
	}
	if (!strcmp(arg[0], "max"))
		return quota_max(req->store, arg + 1, nr - 1, text);
	if (nr == 1)
		return quota_of_domain(req->store, arg[0], text);
	if (nr != 3 || strcmp(arg[0], "set"))
		return -EINVAL;
	ret = xenemu_quota_set(req->store, NULL, arg[1], arg[2]);
	if (!ret)
		add(text, "OK");
	return ret;
}

/* The only soft limit is that of memory; nothing but a record of it depends on it. */
static int quota_soft(struct xenemu_request *req, char **arg, u32 nr, struct text *text)
{
	const char *name = xenemu_quota_name[XENEMU_QUOTA_MEMORY];
	int ret;

	if (!nr) {
		add(text, "Quota settings:\n%-17s: %8u\n", name,
		    req->store->quota[XENEMU_QUOTA_SOFT_MEMORY]);
		return 0;
	}
	if (nr != 3 || strcmp(arg[0], "set") || strcmp(arg[1], name))
		return -EINVAL;
	ret = xenemu_quota_set(req->store, NULL, xenemu_quota_name[XENEMU_QUOTA_SOFT_MEMORY],
			       arg[2]);
	if (!ret)
		add(text, "OK");
	return ret;
}

static int help(struct xenemu_request *req, char **arg, u32 nr, struct text *text);

static const struct command {
	const char *name;
	const char *args;
	int (*fn)(struct xenemu_request *req, char **arg, u32 nr, struct text *text);
} commands[] = {
	{ "check", "", check },
	{ "help", "", help },
	{ "memreport", "", memreport },
	{ "print", " <text>", print },
	{ "quota", " [set <name> <value>|<domid>|max [-r]]", quota },
	{ "quota-soft", " [set <name> <value>]", quota_soft },
};

static int help(struct xenemu_request *req, char **arg, u32 nr, struct text *text)
{
	u32 i;

	if (nr)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		add(text, "%s%s\n", commands[i].name, commands[i].args);
	return 0;
}

/* CONTROL: a command and its arguments. */
int xenemu_control_op_control(struct xenemu_request *req)
{
	char *arg[MAX_ARGS];
	struct text *text;
	int ret = -EINVAL;
	u32 nr, i;

	lockdep_assert_held(&req->store->lock);

	nr = xenemu_proto_args(req, arg, MAX_ARGS);
	if (!nr || nr > MAX_ARGS)
		return -EINVAL;
	text = kzalloc(sizeof(*text), GFP_KERNEL_ACCOUNT);
	if (!text)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(arg[0], commands[i].name))
			continue;
		ret = commands[i].fn(req, arg + 1, nr - 1, text);
		break;
	}
	if (!ret)
		ret = xenemu_proto_reply_text(req, text->buf);
	kfree(text);
	return ret;
}
