// SPDX-License-Identifier: GPL-2.0-only
/*
 * Restoring a store from the compact format. Whatever the bytes are, each takes a
 * bounded time and a bounded amount of memory.
 */
#include "state.h"

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/overflow.h>

/* More permissions of a node cannot be read or written by a client. */
#define MAX_PERMS	(XENSTORE_PAYLOAD_MAX / 3)

/* For the longest path, the longest value and the longest message. */
#define TEXT_ROOM	(sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX)

#define TOUCH_FLAGS	(XENEMU_TOUCH_VALUE | XENEMU_TOUCH_PERMS | XENEMU_TOUCH_LIST | \
			 XENEMU_TOUCH_EXISTS | XENEMU_TOUCH_SUBTREE | XENEMU_TOUCH_WRITTEN | \
			 XENEMU_TOUCH_EVENT)

struct compact_reader {
	struct xenemu_restore *restore;
	const u8 *data;
	const u8 *pos;
	const u8 *end;
	u8 flags;
	struct xenemu_dict dict;
	struct xenemu_perms **perms;	/* by number, references */
	u32 nr_perms;
	u32 perms_room;
	u64 *birth;			/* of domains */
	u32 nr_births;
	u64 last_birth;			/* of the domain read last */
	char *text;			/* room for a path or a message */
};

static int refuse(struct compact_reader *r, u32 reason)
{
	return xenemu_restore_refuse(r->restore, reason);
}

/* The next record begins. */
static void begin(struct compact_reader *r, u32 type)
{
	struct xenemu_restore_why *why = &r->restore->why;

	why->type = type;
	why->offset = r->pos - r->data;
	why->record++;
}

/* ---- Numbers and texts ---- */

static int get(struct compact_reader *r, u64 *value)
{
	u32 shift;

	*value = 0;
	for (shift = 0; shift < 64; shift += 7) {
		u8 byte;

		if (r->pos == r->end)
			return refuse(r, XENEMU_RESTORE_BAD_END);
		byte = *r->pos++;
		/* The tenth byte has but one bit left. */
		if (shift == 63 && byte > 1)
			break;
		*value |= (u64)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return 0;
	}
	return refuse(r, XENEMU_RESTORE_BAD_LENGTH);
}

/* A number of up to @max; else it is bad for the reason. */
static int get_u32(struct compact_reader *r, u32 *value, u32 max, u32 reason)
{
	u64 number;
	int ret;

	ret = get(r, &number);
	if (!ret && number > max)
		ret = refuse(r, reason);
	*value = number;
	return ret;
}

/* The number of what follows, each of at least a byte: so more cannot be. */
static int get_count(struct compact_reader *r, u32 *nr)
{
	int ret = get_u32(r, nr, U32_MAX, XENEMU_RESTORE_BAD_LENGTH);

	if (!ret && *nr > r->end - r->pos)
		ret = refuse(r, XENEMU_RESTORE_BAD_END);
	return ret;
}

static int get_raw(struct compact_reader *r, u32 len, const char **str)
{
	if (len > r->end - r->pos)
		return refuse(r, XENEMU_RESTORE_BAD_END);
	*str = (const char *)r->pos;
	r->pos += len;
	return 0;
}

static int get_bytes(struct compact_reader *r, const char **str, u32 *len)
{
	int ret = get_u32(r, len, INT_MAX, XENEMU_RESTORE_BAD_LENGTH);

	return ret ?: get_raw(r, *len, str);
}

static int get_known_text(struct compact_reader *r, u64 number, const char **str, u32 *len)
{
	*str = xenemu_dict_text(&r->dict, number, len);
	return *str ? 0 : refuse(r, XENEMU_RESTORE_BAD_REFERENCE);
}

static int get_text(struct compact_reader *r, const char **str, u32 *len)
{
	u64 number;
	int ret;

	ret = get(r, &number);
	if (ret)
		return ret;
	if (number)
		return get_known_text(r, number, str, len);
	ret = get_bytes(r, str, len);
	if (!ret && *len > XENSTORE_ABS_PATH_MAX)
		ret = refuse(r, XENEMU_RESTORE_BAD_LENGTH);
	return ret ?: xenemu_dict_learn(&r->dict, *str, *len);
}

/* Components into r->text, with slashes between them and a NUL behind. */
static int get_comps(struct compact_reader *r, u32 nr, u32 max, u32 *len)
{
	const char *str;
	u32 comp_len;
	int ret;

	for (*len = 0; nr; nr--) {
		ret = get_text(r, &str, &comp_len);
		if (ret)
			return ret;
		if (*len + comp_len + 1 > max)
			return refuse(r, XENEMU_RESTORE_BAD_LENGTH);
		memcpy(r->text + *len, str, comp_len);
		*len += comp_len;
		r->text[*len] = nr > 1 ? '/' : 0;
		*len += nr > 1;
	}
	return 0;
}

/* A valid path, as struct xenemu_path has it, in r->text. */
static int get_path(struct compact_reader *r, enum xenemu_path_class class, u32 *len)
{
	u32 nr;
	int ret;

	ret = get_count(r, &nr);
	if (!ret && !nr)
		ret = refuse(r, XENEMU_RESTORE_BAD_PATH);
	if (!ret)
		ret = get_comps(r, nr, XENSTORE_ABS_PATH_MAX + 1, len);
	if (ret)
		return ret;
	/* "/" is an empty text here. */
	if (*len != strlen(r->text) ||
	    (*len && !xenemu_path_is_valid(r->text, class, false)) ||
	    (*len == 1 && r->text[0] == '/'))
		return refuse(r, XENEMU_RESTORE_BAD_PATH);
	return 0;
}

/* ---- Limits, domains, connections, watches ---- */

static int read_quotas(struct compact_reader *r, u32 *quota, u32 *set)
{
	u32 i;
	int ret;

	ret = get_u32(r, set, BIT(XENEMU_NR_QUOTAS) - 1, XENEMU_RESTORE_BAD_LENGTH);
	for (i = 0; !ret && i < XENEMU_NR_QUOTAS; i++)
		if (*set & BIT(i))
			ret = get_u32(r, &quota[i], INT_MAX, XENEMU_RESTORE_BAD_LENGTH);
	return ret;
}

static int read_domain(struct compact_reader *r, bool first, u16 *target)
{
	struct xenemu_store *store = r->restore->store;
	struct xenemu_sdomain *dom;
	u32 domid, bits, number;
	u64 age;
	int ret;

	*target = XENEMU_DOMID_ANY;
	ret = get_u32(r, &domid, XENEMU_DOMID_FIRST_RESERVED - 1, XENEMU_RESTORE_BAD_DOMAIN);
	if (!ret)
		ret = get(r, &age);
	if (!ret)
		ret = get_u32(r, &bits, U32_MAX, XENEMU_RESTORE_BAD_DOMAIN);
	if (ret)
		return ret;
	if (!age || age >= r->restore->gen - r->last_birth)
		return refuse(r, XENEMU_RESTORE_BAD_DOMAIN);
	r->last_birth += age;
	/* dom0 is there, and is the first. */
	if (first != !domid || (domid && xenemu_sdomain_find(store, domid)))
		return refuse(r, XENEMU_RESTORE_BAD_DOMAIN);
	dom = xenemu_restore_domain(r->restore, domid);
	if (IS_ERR(dom))
		return PTR_ERR(dom);
	xenemu_sdomain_set_birth(store, dom, r->last_birth);
	dom->introduced = !domid || bits & XENEMU_COMPACT_INTRODUCED;
	dom->shutdown = bits & XENEMU_COMPACT_SHUTDOWN;
	if (bits & XENEMU_COMPACT_FEATURES) {
		ret = get_u32(r, &dom->features, XENEMU_XS_FEATURES_ALL,
			      XENEMU_RESTORE_BAD_DOMAIN);
		if (ret)
			return ret;
	}
	if (bits & XENEMU_COMPACT_QUOTA) {
		ret = read_quotas(r, dom->quota, &dom->quota_set);
		if (ret)
			return ret;
	}
	if (!(bits & XENEMU_COMPACT_TARGET))
		return 0;
	ret = get_u32(r, &number, XENEMU_DOMID_FIRST_RESERVED - 1, XENEMU_RESTORE_BAD_DOMAIN);
	*target = number;
	return ret;
}

/* A target may come after who has its rights: so they are set when all are there. */
static int read_domains(struct compact_reader *r)
{
	struct xenemu_store *store = r->restore->store;
	struct xenemu_sdomain *dom, *other;
	u32 nr, i;
	u16 *target;
	int ret;

	ret = get_count(r, &nr);
	if (ret)
		return ret;
	if (!nr || nr > XENEMU_DOMID_FIRST_RESERVED)
		return refuse(r, XENEMU_RESTORE_BAD_DOMAIN);
	target = kvmalloc_array(nr, sizeof(*target), GFP_KERNEL_ACCOUNT);
	if (!target)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		begin(r, XENEMU_COMPACT_DOMAIN);
		ret = read_domain(r, !i, &target[i]);
		if (ret)
			goto out_free;
	}
	i = 0;
	list_for_each_entry(dom, &store->domains, link) {
		u16 domid = target[i++];

		if (domid == XENEMU_DOMID_ANY)
			continue;
		other = xenemu_sdomain_find(store, domid);
		if (!other || other == dom || other->privileged || dom->privileged) {
			ret = refuse(r, XENEMU_RESTORE_BAD_DOMAIN);
			goto out_free;
		}
		xenemu_sdomain_set_target(store, dom, other);
	}
out_free:
	kvfree(target);
	return ret;
}

static int read_watch(struct compact_reader *r, struct xenemu_conn *conn)
{
	u32 bits, len, token_len, depth = 0, rel = 0;
	const char *token, *path;
	char *copy;
	int ret;

	begin(r, XENEMU_COMPACT_WATCH);
	ret = get_u32(r, &bits, XENEMU_COMPACT_REL | XENEMU_COMPACT_DEPTH,
		      XENEMU_RESTORE_BAD_WATCH);
	if (!ret)
		ret = get_path(r, XENEMU_PATH_WATCH, &len);
	if (!ret)
		ret = get_bytes(r, &token, &token_len);
	if (!ret && bits & XENEMU_COMPACT_DEPTH)
		ret = get_u32(r, &depth, XENEMU_WATCH_MAX_DEPTH, XENEMU_RESTORE_BAD_WATCH);
	if (ret)
		return ret;
	if (token_len > XENSTORE_PAYLOAD_MAX || memchr(token, 0, token_len))
		return refuse(r, XENEMU_RESTORE_BAD_WATCH);
	if (bits & XENEMU_COMPACT_REL) {
		rel = conn->dom->home_len;
		if (len <= rel || memcmp(r->text, conn->dom->home, rel))
			return refuse(r, XENEMU_RESTORE_BAD_PATH);
	}

	path = len ? r->text + rel : "/";
	copy = kmalloc(token_len + 1, GFP_KERNEL_ACCOUNT);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, token, token_len);
	copy[token_len] = 0;
	ret = xenemu_restore_watch(r->restore, conn, path, copy,
				   bits & XENEMU_COMPACT_DEPTH ? depth : -1);
	kfree(copy);
	return ret;
}

static int read_conn(struct compact_reader *r)
{
	struct xenemu_store *store = r->restore->store;
	struct xenemu_sdomain *dom;
	struct xenemu_conn *conn;
	u32 id, domid, bits, nr;
	int ret;

	begin(r, XENEMU_COMPACT_CONN);
	ret = get_u32(r, &id, U32_MAX, XENEMU_RESTORE_BAD_CONNECTION);
	if (!ret)
		ret = get_u32(r, &domid, U16_MAX, XENEMU_RESTORE_BAD_DOMAIN);
	if (!ret)
		ret = get_u32(r, &bits, XENEMU_COMPACT_FD | XENEMU_COMPACT_DEAD |
			      XENEMU_COMPACT_RING, XENEMU_RESTORE_BAD_CONNECTION);
	if (ret)
		return ret;
	dom = xenemu_sdomain_find(store, domid);
	if (!dom)
		return refuse(r, XENEMU_RESTORE_BAD_DOMAIN);
	conn = xenemu_restore_conn(r->restore, id, dom,
				   bits & XENEMU_COMPACT_FD ? XENEMU_CONN_FD : XENEMU_CONN_RING);
	if (IS_ERR(conn))
		return PTR_ERR(conn);
	if (bits & XENEMU_COMPACT_RING) {
		ret = get_u32(r, &conn->port, U32_MAX, XENEMU_RESTORE_BAD_CONNECTION);
		if (!ret)
			ret = get(r, &conn->gfn);
		if (ret)
			return ret;
	}
	conn->dead = bits & XENEMU_COMPACT_DEAD;
	ret = get_count(r, &nr);
	for (; !ret && nr; nr--)
		ret = read_watch(r, conn);
	return ret;
}

static int read_head(struct compact_reader *r)
{
	u32 set, nr;
	int ret;

	begin(r, XENEMU_COMPACT_LIMITS);
	ret = read_quotas(r, r->restore->store->quota, &set);
	if (!ret)
		ret = read_domains(r);
	if (!ret)
		ret = get_count(r, &nr);
	for (; !ret && nr; nr--)
		ret = read_conn(r);
	return ret;
}

/* ---- Permissions ---- */

static int list_births(struct compact_reader *r)
{
	const struct xenemu_store *store = r->restore->store;
	const struct xenemu_sdomain *dom;

	r->birth = kvmalloc_array(store->domain_tab.nr, sizeof(*r->birth), GFP_KERNEL_ACCOUNT);
	if (!r->birth)
		return -ENOMEM;
	list_for_each_entry(dom, &store->domains, link)
		r->birth[r->nr_births++] = dom->birth;
	return 0;
}

static int learn_perms(struct compact_reader *r, struct xenemu_perms *perms)
{
	struct xenemu_perms **more;
	u32 room;

	if (r->nr_perms == XENEMU_COMPACT_MAX_PERMS)
		return 0;
	if (r->nr_perms == r->perms_room) {
		room = r->perms_room ? 2 * r->perms_room : 16;
		more = kvrealloc(r->perms, array_size(room, sizeof(*more)), GFP_KERNEL_ACCOUNT);
		if (!more)
			return -ENOMEM;
		r->perms = more;
		r->perms_room = room;
	}
	r->perms[r->nr_perms++] = xenemu_perms_get(perms);
	return 0;
}

static int read_entries(struct compact_reader *r, struct xenemu_perms *perms)
{
	const u32 max = (U16_MAX << XENEMU_COMPACT_DOMID_SHIFT) | XENEMU_COMPACT_IGNORE |
			XENEMU_COMPACT_ACCESS;
	u32 i, entry;
	int ret;

	for (i = 0; i < perms->nr; i++) {
		ret = get_u32(r, &entry, max, XENEMU_RESTORE_BAD_PERMS);
		if (ret)
			return ret;
		perms->perm[i].domid = entry >> XENEMU_COMPACT_DOMID_SHIFT;
		perms->perm[i].access = entry & XENEMU_COMPACT_ACCESS;
		perms->perm[i].ignore = entry & XENEMU_COMPACT_IGNORE ? 1 : 0;
	}
	return 0;
}

/* @perms: result: a reference. */
static int get_perms(struct compact_reader *r, struct xenemu_perms **perms)
{
	u32 number, nr, epoch;
	int ret;

	ret = get_u32(r, &number, r->nr_perms, XENEMU_RESTORE_BAD_REFERENCE);
	if (ret)
		return ret;
	if (number) {
		*perms = xenemu_perms_get(r->perms[number - 1]);
		return 0;
	}
	ret = get_u32(r, &nr, MAX_PERMS, XENEMU_RESTORE_BAD_PERMS);
	if (!ret && !nr)
		ret = refuse(r, XENEMU_RESTORE_BAD_PERMS);
	if (!ret)
		ret = get_u32(r, &epoch, r->nr_births, XENEMU_RESTORE_BAD_PERMS);
	if (ret)
		return ret;
	/* They were made after so many births: so at the latest, just after the last. */
	*perms = xenemu_perms_alloc(nr, epoch ? r->birth[epoch - 1] + 1 : 0,
				    GFP_KERNEL_ACCOUNT);
	if (!*perms)
		return -ENOMEM;
	ret = read_entries(r, *perms);
	if (!ret)
		ret = learn_perms(r, *perms);
	if (ret)
		xenemu_perms_put(*perms);
	return ret;
}

/* ---- Nodes ---- */

/* @str: points to r->text or the stream. */
static int get_value(struct compact_reader *r, const char **str, u32 *len)
{
	u64 number;
	u32 kind;
	int ret;

	ret = get(r, &number);
	if (ret)
		return ret;
	kind = number & (BIT(XENEMU_COMPACT_KIND_BITS) - 1);
	number >>= XENEMU_COMPACT_KIND_BITS;
	switch (kind) {
	case XENEMU_COMPACT_BYTES:
		if (number > XENSTORE_PAYLOAD_MAX)
			return refuse(r, XENEMU_RESTORE_BAD_VALUE);
		*len = number;
		ret = get_raw(r, *len, str);
		if (!ret && *len > 1 && *len <= XENEMU_COMPACT_MAX_LEARNT)
			ret = xenemu_dict_learn(&r->dict, *str, *len);
		break;
	case XENEMU_COMPACT_TEXT:
		ret = get_known_text(r, number, str, len);
		break;
	case XENEMU_COMPACT_PATH:
		if (!number || number > XENEMU_COMPACT_MAX_COMPS)
			return refuse(r, XENEMU_RESTORE_BAD_VALUE);
		ret = get_comps(r, number, XENSTORE_PAYLOAD_MAX, len);
		if (ret)
			return ret;
		memmove(r->text + 1, r->text, *len);
		r->text[0] = '/';
		*len += 1;
		*str = r->text;
		break;
	default:
		return refuse(r, XENEMU_RESTORE_BAD_VALUE);
	}
	if (!ret && *len > XENSTORE_PAYLOAD_MAX)
		ret = refuse(r, XENEMU_RESTORE_BAD_VALUE);
	return ret;
}

/* Below the root are "/" and the special nodes, and nothing else. */
static bool is_top_name(const char *str, u32 len)
{
	static const char * const name[] = { "", "@introduceDomain", "@releaseDomain" };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(name); i++)
		if (len == strlen(name[i]) && !memcmp(str, name[i], len))
			return true;
	return false;
}

static int check_name(struct compact_reader *r, const struct xenemu_builder *tree,
		      const char *str, u32 len)
{
	const struct xenemu_node *parent = xenemu_builder_current(tree);

	if (tree->depth == 1)
		return is_top_name(str, len) ? 0 : refuse(r, XENEMU_RESTORE_BAD_PATH);
	/* The special nodes have no children. */
	if (!xenemu_path_is_name(str, len) || (tree->depth == 2 && parent->name_len) ||
	    tree->len + 1 + len > XENSTORE_ABS_PATH_MAX)
		return refuse(r, XENEMU_RESTORE_BAD_PATH);
	return 0;
}

static int go_up(struct compact_reader *r, struct xenemu_builder *tree, u8 bits)
{
	u32 up = bits & XENEMU_COMPACT_UP, more;
	int ret = 0;

	if (up == XENEMU_COMPACT_UP) {
		ret = get_u32(r, &more, XENEMU_STORE_MAX_DEPTH, XENEMU_RESTORE_BAD_PARENT);
		up += more;
	}
	for (; !ret && up; up--) {
		if (tree->depth == 1)
			return refuse(r, XENEMU_RESTORE_BAD_PARENT);
		ret = xenemu_builder_leave(tree);
	}
	return ret;
}

static int remove_node(struct compact_reader *r, struct xenemu_builder *tree, const char *str,
		       u32 len)
{
	int ret;

	if (tree->depth == 1)
		return refuse(r, XENEMU_RESTORE_BAD_PATH);
	ret = xenemu_builder_remove(tree, str, len);
	return ret == -ENOENT ? refuse(r, XENEMU_RESTORE_BAD_PATH) : ret;
}

/* @private: permissions are not to be those of another version of the node. */
static int read_node(struct compact_reader *r, struct xenemu_builder *tree, u8 bits,
		     bool private)
{
	struct xenemu_builder_node node = {};
	struct xenemu_perms *perms = NULL, *copy;
	int ret;

	ret = go_up(r, tree, bits);
	if (!ret)
		ret = get_text(r, &node.name, &node.name_len);
	if (!ret)
		ret = check_name(r, tree, node.name, node.name_len);
	if (ret)
		return ret;
	if (bits & XENEMU_COMPACT_REMOVED)
		return remove_node(r, tree, node.name, node.name_len);

	if (bits & XENEMU_COMPACT_PERMS) {
		ret = get_perms(r, &perms);
		if (ret)
			return ret;
		if (private) {
			copy = xenemu_perms_alloc(perms->nr, perms->gen, GFP_KERNEL_ACCOUNT);
			if (copy)
				memcpy(copy->perm, perms->perm, perms->nr * sizeof(*perms->perm));
			xenemu_perms_put(perms);
			if (!copy)
				return -ENOMEM;
			perms = copy;
		}
		node.perms = perms;
	}
	if (bits & XENEMU_COMPACT_LIST)
		ret = get(r, &node.list_gen);
	if (!ret && bits & XENEMU_COMPACT_VALUE)
		ret = get_value(r, (const char **)&node.value, &node.value_len);
	/* Larger ones than that of the stream would be those of changes to come. */
	if (!ret && node.list_gen > r->restore->gen)
		ret = refuse(r, XENEMU_RESTORE_BAD_REFERENCE);
	/* "/" has no parent that has any. */
	if (!ret && tree->depth == 1 && !node.perms &&
	    !xenemu_kids_find(xenemu_builder_current(tree)->kids, node.name, node.name_len))
		ret = refuse(r, XENEMU_RESTORE_BAD_PERMS);
	if (!ret)
		ret = xenemu_builder_put(tree, &node);
	if (perms)
		xenemu_perms_put(perms);
	return ret;
}

static int read_nodes(struct compact_reader *r, struct xenemu_builder *tree, u32 type,
		      bool private)
{
	u8 bits;
	int ret;

	for (;;) {
		begin(r, type);
		if (r->pos == r->end)
			return refuse(r, XENEMU_RESTORE_BAD_END);
		bits = *r->pos++;
		if (bits == XENEMU_COMPACT_LAST)
			return 0;
		if (bits >= XENEMU_COMPACT_REMOVED << 1)
			return refuse(r, XENEMU_RESTORE_BAD_REFERENCE);
		ret = read_node(r, tree, bits, private);
		if (ret)
			return ret;
	}
}

/* ---- What is under way ---- */

static int read_blame(struct compact_reader *r)
{
	struct xenemu_sdomain *dom;
	u32 nr, domid, stall;
	int ret;

	ret = get_count(r, &nr);
	for (; !ret && nr; nr--) {
		begin(r, XENEMU_COMPACT_BLAME);
		ret = get_u32(r, &domid, U16_MAX, XENEMU_RESTORE_BAD_DOMAIN);
		if (ret)
			break;
		dom = xenemu_sdomain_find(r->restore->store, domid);
		if (!dom)
			return refuse(r, XENEMU_RESTORE_BAD_DOMAIN);
		ret = get_u32(r, &dom->conflicts, U32_MAX, XENEMU_RESTORE_BAD_LENGTH);
		if (!ret)
			ret = get_u32(r, &stall, U32_MAX, XENEMU_RESTORE_BAD_LENGTH);
		if (!ret)
			xenemu_limit_restore(dom, stall);
	}
	return ret;
}

static int read_msg(struct compact_reader *r, struct xenemu_conn *conn)
{
	struct xsd_sockmsg hdr = {};
	const char *payload;
	u32 age = 0, len;
	int ret;

	ret = get_u32(r, &hdr.type, U32_MAX, XENEMU_RESTORE_BAD_MESSAGE);
	if (!ret && hdr.type == XS_WATCH_EVENT) {
		ret = get_u32(r, &age, U32_MAX, XENEMU_RESTORE_BAD_MESSAGE);
	} else if (!ret) {
		ret = get_u32(r, &hdr.req_id, U32_MAX, XENEMU_RESTORE_BAD_MESSAGE);
		if (!ret)
			ret = get_u32(r, &hdr.tx_id, U32_MAX, XENEMU_RESTORE_BAD_MESSAGE);
	}
	if (!ret)
		ret = get_bytes(r, &payload, &len);
	if (ret)
		return ret;
	if (len > XENSTORE_PAYLOAD_MAX)
		return refuse(r, XENEMU_RESTORE_BAD_MESSAGE);
	hdr.len = len;
	memcpy(r->text, &hdr, sizeof(hdr));
	memcpy(r->text + sizeof(hdr), payload, len);
	return xenemu_restore_output(r->restore, conn, r->text, sizeof(hdr) + len, age);
}

static int read_touches(struct compact_reader *r, struct xenemu_txn *txn)
{
	struct xenemu_touch **touch;
	u32 nr, i, written, which;
	int ret;

	ret = get_count(r, &nr);
	if (ret)
		return ret;
	touch = kvmalloc_array(nr, sizeof(*touch), GFP_KERNEL_ACCOUNT);
	if (!touch)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		struct xenemu_path path = { .str = r->text };
		u32 flags;

		begin(r, XENEMU_COMPACT_TOUCH);
		ret = get_path(r, XENEMU_PATH_PERMS, &path.len);
		if (!ret)
			ret = get_u32(r, &flags, TOUCH_FLAGS, XENEMU_RESTORE_BAD_TRANSACTION);
		if (ret)
			goto out_free;
		touch[i] = xenemu_txn_restore_touch(txn, &path, flags);
		if (IS_ERR(touch[i])) {
			ret = touch[i] == ERR_PTR(-ENOMEM) ? -ENOMEM :
			      refuse(r, XENEMU_RESTORE_BAD_TRANSACTION);
			goto out_free;
		}
	}
	ret = get_count(r, &written);
	for (; !ret && written; written--) {
		ret = get_u32(r, &which, U32_MAX, XENEMU_RESTORE_BAD_REFERENCE);
		if (!ret && (which >= nr || !list_empty(&touch[which]->apply)))
			ret = refuse(r, XENEMU_RESTORE_BAD_REFERENCE);
		if (!ret)
			list_add_tail(&touch[which]->apply, &txn->written);
	}
out_free:
	kvfree(touch);
	return ret;
}

/* A tree that differs from another; a reference, or an ERR_PTR(). */
static struct xenemu_node *read_tree(struct compact_reader *r, struct xenemu_node *from)
{
	struct xenemu_builder tree;
	struct xenemu_node *top;
	int ret;

	/* It may be that it does not differ. */
	if (r->pos < r->end && *r->pos == XENEMU_COMPACT_LAST) {
		r->pos++;
		return xenemu_node_get(from);
	}
	ret = xenemu_builder_start(&tree, r->restore->store, from);
	if (ret)
		return ERR_PTR(ret);
	ret = read_nodes(r, &tree, XENEMU_COMPACT_TXN_NODE, true);
	if (ret) {
		xenemu_builder_cancel(&tree);
		return ERR_PTR(ret);
	}
	top = xenemu_builder_finish(&tree);
	return top ?: ERR_PTR(-ENOMEM);
}

static int read_trees(struct compact_reader *r, struct xenemu_txn *txn)
{
	struct xenemu_store *store = r->restore->store;
	struct xenemu_node *tree;
	int ret;

	tree = read_tree(r, store->top);
	if (IS_ERR(tree))
		return PTR_ERR(tree);
	txn->base = tree;
	tree = read_tree(r, txn->base);
	if (IS_ERR(tree))
		return PTR_ERR(tree);
	txn->top = tree;
	ret = read_touches(r, txn);
	return ret ?: xenemu_restore_count_txn(r->restore, txn);
}

static int read_txn(struct compact_reader *r, struct xenemu_conn *conn)
{
	struct xenemu_txn *txn;
	u32 id, bits;
	int ret;

	begin(r, XENEMU_COMPACT_TXN);
	ret = get_u32(r, &id, U32_MAX, XENEMU_RESTORE_BAD_TRANSACTION);
	if (!ret)
		ret = get_u32(r, &bits, XENEMU_COMPACT_NOMEM | XENEMU_COMPACT_AGAIN |
			      XENEMU_COMPACT_TREES, XENEMU_RESTORE_BAD_TRANSACTION);
	if (ret)
		return ret;
	/* Without its trees, one can only fail. */
	if (!id || xenemu_txn_find(conn, id) || !bits)
		return refuse(r, XENEMU_RESTORE_BAD_TRANSACTION);
	txn = xenemu_txn_create(conn, NULL, NULL);
	if (!txn)
		return -ENOMEM;
	txn->id = id;
	/* A domain that owns what the transaction made may have died since it began. */
	txn->nr_deaths = conn->store->nr_deaths - 1;
	if (bits & XENEMU_COMPACT_NOMEM)
		txn->error = -ENOMEM;
	else if (bits & XENEMU_COMPACT_AGAIN)
		txn->error = -EAGAIN;
	return bits & XENEMU_COMPACT_TREES ? read_trees(r, txn) : 0;
}

static int read_busy(struct compact_reader *r)
{
	struct xenemu_conn *conn;
	u32 id, bits, len, nr;
	const char *bytes;
	int ret;

	begin(r, XENEMU_COMPACT_BUFFERS);
	ret = get_u32(r, &id, U32_MAX, XENEMU_RESTORE_BAD_CONNECTION);
	if (!ret)
		ret = get_u32(r, &bits, XENEMU_COMPACT_INPUT | XENEMU_COMPACT_REST |
			      XENEMU_COMPACT_NEXT_TXN, XENEMU_RESTORE_BAD_CONNECTION);
	if (ret)
		return ret;
	conn = xenemu_restore_find_conn(r->restore, id);
	if (!conn || conn->backlog_base || !list_empty(&conn->out) || !list_empty(&conn->txns))
		return refuse(r, XENEMU_RESTORE_BAD_CONNECTION);
	/* A dead one may have begun to read a message, and that is all. */
	if (conn->dead && bits != XENEMU_COMPACT_REST)
		return refuse(r, XENEMU_RESTORE_BAD_CONNECTION);

	if (bits & XENEMU_COMPACT_INPUT) {
		ret = get_bytes(r, &bytes, &len);
		if (!ret)
			ret = xenemu_restore_input(r->restore, conn, bytes, len);
	}
	if (!ret && bits & XENEMU_COMPACT_REST) {
		ret = get_bytes(r, &bytes, &len);
		if (!ret)
			ret = xenemu_restore_rest(r->restore, conn, bytes, len);
	}
	if (!ret)
		ret = get_count(r, &nr);
	if (!ret && nr && conn->dead)
		ret = refuse(r, XENEMU_RESTORE_BAD_MESSAGE);
	for (; !ret && nr; nr--)
		ret = read_msg(r, conn);
	if (!ret && bits & XENEMU_COMPACT_NEXT_TXN) {
		ret = get_u32(r, &conn->next_txn, U32_MAX, XENEMU_RESTORE_BAD_TRANSACTION);
		conn->next_txn_gen = conn->store->gen;
	}
	if (!ret)
		ret = get_count(r, &nr);
	if (!ret && nr && conn->dead)
		ret = refuse(r, XENEMU_RESTORE_BAD_TRANSACTION);
	for (; !ret && nr; nr--)
		ret = read_txn(r, conn);
	return ret;
}

/* ---- The stream ---- */

static int read_header(struct compact_reader *r)
{
	struct xenemu_restore *restore = r->restore;
	int ret;

	r->pos += strlen(XENEMU_COMPACT_MAGIC);
	if (r->pos == r->end)
		return refuse(r, XENEMU_RESTORE_BAD_END);
	r->flags = *r->pos++;
	if (r->flags & ~(XENEMU_COMPACT_DIFF | XENEMU_COMPACT_HEAD))
		return refuse(r, XENEMU_RESTORE_BAD_VERSION);
	ret = get(r, &restore->gen);
	if (!ret && r->flags & XENEMU_COMPACT_DIFF)
		ret = get(r, &restore->since);
	if (ret)
		return ret;
	/* Each state has a generation, and the first, which only a whole one can have, too. */
	if (!restore->gen || restore->gen >> 62 ||
	    (r->flags & XENEMU_COMPACT_DIFF ? !restore->since :
					      !(r->flags & XENEMU_COMPACT_HEAD)))
		return refuse(r, XENEMU_RESTORE_BAD_HEADER);
	return 0;
}

static int read_body(struct compact_reader *r)
{
	struct xenemu_restore *restore = r->restore;
	struct xenemu_node *from = restore->store->top, *live = NULL;
	u32 nr;
	int ret;

	if (restore->since) {
		live = xenemu_restore_live_tree(restore);
		if (IS_ERR(live))
			return PTR_ERR(live);
		from = live;
	}
	ret = xenemu_restore_begin_tree(restore, from, restore->gen);
	if (live)
		xenemu_node_put(restore->live, live);
	if (!ret)
		ret = r->flags & XENEMU_COMPACT_HEAD ? read_head(r) :
						       xenemu_restore_live_head(restore);
	if (!ret)
		ret = list_births(r);
	if (!ret)
		ret = read_nodes(r, &restore->tree, XENEMU_COMPACT_NODE, false);
	if (!ret)
		ret = xenemu_restore_end_tree(restore);
	if (!ret)
		ret = read_blame(r);
	if (!ret)
		ret = get_count(r, &nr);
	for (; !ret && nr; nr--)
		ret = read_busy(r);
	if (!ret && r->pos != r->end)
		ret = refuse(r, XENEMU_RESTORE_BAD_TRAILER);
	return ret;
}

/**
 * xenemu_compact_read - read a stream
 * @restore: what is being restored
 * @data: the stream, which begins with XENEMU_COMPACT_MAGIC
 * @len: its length
 *
 * Return: 0 or an errno.
 */
int xenemu_compact_read(struct xenemu_restore *restore, const void *data, size_t len)
{
	struct compact_reader r = {
		.restore = restore,
		.data = data,
		.pos = data,
		.end = data + len,
	};
	u32 i;
	int ret;

	r.text = kmalloc(TEXT_ROOM, GFP_KERNEL_ACCOUNT);
	if (!r.text)
		return -ENOMEM;
	ret = read_header(&r);
	if (!ret)
		ret = read_body(&r);
	for (i = 0; i < r.nr_perms; i++)
		xenemu_perms_put(r.perms[i]);
	kvfree(r.perms);
	kvfree(r.birth);
	xenemu_dict_free(&r.dict);
	kfree(r.text);
	return ret;
}
