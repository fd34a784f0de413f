// SPDX-License-Identifier: GPL-2.0-only
/*
 * Permissions: who may do what with a node.
 */
#include "internal.h"

#include <linux/err.h>
#include <linux/overflow.h>

/**
 * xenemu_perms_alloc - make permissions
 * @nr: number of entries, not 0
 * @gen: generation of the change that they are made for
 * @gfp: how to allocate
 *
 * Return: a reference on permissions with entries of zeroes, or NULL.
 */
struct xenemu_perms *xenemu_perms_alloc(u32 nr, u64 gen, gfp_t gfp)
{
	struct xenemu_perms *perms;

	perms = kzalloc(struct_size(perms, perm, nr), gfp);
	if (!perms)
		return NULL;
	refcount_set(&perms->ref, 1);
	perms->nr = nr;
	perms->gen = gen;
	return perms;
}

/**
 * xenemu_perms_put - give a reference up
 * @perms: permissions
 *
 * Context: any.
 */
void xenemu_perms_put(struct xenemu_perms *perms)
{
	if (refcount_dec_and_test(&perms->ref))
		kfree(perms);
}

/* Whether an entry for @domid means the one who asks, and not an earlier domain. */
static bool is_caller(const struct xenemu_perms *perms, const struct xenemu_cred *cred,
		      u16 domid)
{
	if (domid == cred->domid && perms->gen > cred->birth)
		return true;
	return cred->target != XENEMU_DOMID_ANY && domid == cred->target &&
	       perms->gen > cred->target_birth;
}

/**
 * xenemu_perms_access - what somebody may do
 * @perms: permissions of a node
 * @cred: who asks
 *
 * Return: XENEMU_PERM_*
 */
u8 xenemu_perms_access(const struct xenemu_perms *perms, const struct xenemu_cred *cred)
{
	u32 i;

	if (cred->privileged || is_caller(perms, cred, xenemu_perms_owner(perms)))
		return XENEMU_PERM_READ | XENEMU_PERM_WRITE | XENEMU_PERM_OWNER;

	for (i = 1; i < perms->nr; i++) {
		const struct xenemu_perm *perm = &perms->perm[i];

		if (perm->ignore)
			continue;
		if (perm->domid == XENEMU_DOMID_ANY || is_caller(perms, cred, perm->domid))
			return perm->access;
	}
	return perms->perm[0].access;
}

/**
 * xenemu_perms_valid - whether an entry means an existing domain
 * @store: the store
 * @perms: permissions
 * @i: index of the entry
 *
 * Context: any.
 * Return: true if it does.
 */
bool xenemu_perms_valid(const struct xenemu_store *store, const struct xenemu_perms *perms,
			u32 i)
{
	const struct xenemu_perm *perm = &perms->perm[i];
	u64 birth;

	if (perm->ignore)
		return false;
	if (perm->domid == XENEMU_DOMID_ANY)
		return true;
	birth = xenemu_sdomain_birth(store, perm->domid);
	return birth && birth < perms->gen;
}

static int parse_one(const char *str, struct xenemu_perm *perm)
{
	switch (str[0]) {
	case 'n':
		perm->access = 0;
		break;
	case 'r':
		perm->access = XENEMU_PERM_READ;
		break;
	case 'w':
		perm->access = XENEMU_PERM_WRITE;
		break;
	case 'b':
		perm->access = XENEMU_PERM_READ | XENEMU_PERM_WRITE;
		break;
	default:
		return -EINVAL;
	}
	return xenemu_sdomain_parse(str + 1, &perm->domid);
}

/**
 * xenemu_perms_parse - read permissions as a client writes them
 * @req: request they are in
 * @str: @nr terminated strings: a letter and a domid each
 * @nr: their number, not 0
 *
 * Return: a reference on permissions, or an ERR_PTR(): -EINVAL, -ENOENT if the owner
 * does not exist, -ENOMEM.
 */
struct xenemu_perms *xenemu_perms_parse(struct xenemu_request *req, char *str, u32 nr)
{
	struct xenemu_store *store = req->store;
	struct xenemu_perms *perms;
	int ret;
	u32 i;

	lockdep_assert_held(&store->lock);

	perms = xenemu_perms_alloc(nr, ++store->gen, req->gfp);
	if (!perms)
		return ERR_PTR(-ENOMEM);

	for (i = 0; i < nr; i++) {
		struct xenemu_perm *perm = &perms->perm[i];

		ret = parse_one(str, perm);
		if (ret)
			goto err_put;
		if (perm->domid == XENEMU_DOMID_ANY)
			perm->ignore = !i || !(req->conn->dom->features &
					       XENEMU_XS_FEATURE_DOMID_ANY);
		else
			perm->ignore = !xenemu_perms_valid(store, perms, i);
		str += strlen(str) + 1;
	}
	ret = -ENOENT;
	if (perms->perm[0].ignore)
		goto err_put;
	return perms;

err_put:
	xenemu_perms_put(perms);
	return ERR_PTR(ret);
}

/**
 * xenemu_perms_inherit - permissions of a new node
 * @req: request that creates it
 * @parent: permissions of the nearest node above it
 *
 * They are those of the parent, and belong to the creator unless that is dom0.
 *
 * Return: a reference, or NULL for want of memory.
 */
struct xenemu_perms *xenemu_perms_inherit(struct xenemu_request *req,
					  struct xenemu_perms *parent)
{
	struct xenemu_store *store = req->store;
	struct xenemu_perms *perms;
	u32 i, nr = 1;

	lockdep_assert_held(&store->lock);

	if (req->cred.privileged || xenemu_perms_owner(parent) == req->cred.domid)
		return xenemu_perms_get(parent);

	/* With a new generation, stale entries would come alive: leave them out. */
	perms = xenemu_perms_alloc(parent->nr, ++store->gen, req->gfp);
	if (!perms)
		return NULL;
	perms->perm[0] = parent->perm[0];
	perms->perm[0].domid = req->cred.domid;
	for (i = 1; i < parent->nr; i++)
		if (xenemu_perms_valid(store, parent, i))
			perms->perm[nr++] = parent->perm[i];
	perms->nr = nr;
	return perms;
}

/**
 * xenemu_perms_format - write permissions as clients read them
 * @store: the store
 * @perms: permissions
 * @buf: result: terminated strings. Entries without a domain are left out
 * @size: room for it; with 0, only the length is found out
 *
 *
 * Context: any.
 * Return: length, or 0 if there is not enough room.
 */
u32 xenemu_perms_format(const struct xenemu_store *store, const struct xenemu_perms *perms,
			char *buf, u32 size)
{
	static const char letter[] = { 'n', 'r', 'w', 'b' };
	u32 i, len = 0;
	char text[16];

	for (i = 0; i < perms->nr; i++) {
		const struct xenemu_perm *perm = &perms->perm[i];
		u32 n;

		if (i && !xenemu_perms_valid(store, perms, i))
			continue;
		n = scnprintf(text, sizeof(text), "%c%u", letter[perm->access & 3],
			      perm->domid) + 1;
		if (size) {
			if (len + n > size)
				return 0;
			memcpy(buf + len, text, n);
		}
		len += n;
	}
	return len;
}
