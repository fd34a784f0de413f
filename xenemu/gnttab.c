// SPDX-License-Identifier: GPL-2.0-only
/*
 * Grant tables: which pages a guest lets others use, and who uses them.
 *
 * The entries are in pages that the kernel and the guest share. A use of an
 * entry is a pin: it marks the entry, remembers which frame it was for, and
 * holds the guest's page, so that neither the guest nor its VMM can take the
 * page away before the use ends. A pin outlasts its entry: when the table is
 * reset or its domain dies, grants in use are cut loose from it, and go with
 * their last pin.
 *
 * Pages are pinned and put outside the lock of the table. The lock is taken
 * under mmap locks, when granted pages are mapped and unmapped, and pinning
 * takes an mmap lock.
 */
#include "gnttab.h"

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "access.h"
#include "domain.h"
#include "grant_entry.h"
#include "trace.h"

#define ENTRIES_PER_FRAME	(PAGE_SIZE / sizeof(struct xenemu_grant_v1))

/**
 * struct xenemu_grant - a grant that is in use
 * @active: its state, protected by the lock of the granter's table
 * @gref: its reference
 * @loose: the table has no such entry any more; protected likewise
 */
struct xenemu_grant {
	struct xenemu_grant_active active;
	u32 gref;
	bool loose;
};

static_assert(sizeof(struct xenemu_grant_v1) == sizeof(struct grant_entry_v1));
static_assert(offsetof(struct xenemu_grant_v1, gfn) == offsetof(struct grant_entry_v1, frame));

/* The entry of @gref, or NULL; any value. */
static struct xenemu_grant_v1 *find_entry(struct xenemu_gnttab *table, u32 gref)
{
	u32 nr_entries = table->nr_frames * ENTRIES_PER_FRAME;
	struct xenemu_grant_v1 *frame;

	lockdep_assert_held(&table->lock);

	if (gref >= nr_entries)
		return NULL;
	gref = array_index_nospec(gref, nr_entries);
	frame = table->frames[gref / ENTRIES_PER_FRAME]->va;
	return frame + gref % ENTRIES_PER_FRAME;
}

/* The grants in use belong to no entry any more. */
static void cut_loose(struct xenemu_gnttab *table)
{
	struct xenemu_grant *grant;
	unsigned long gref;

	lockdep_assert_held(&table->lock);

	xa_for_each(&table->active, gref, grant)
		grant->loose = true;
	xa_destroy(&table->active);
}

/**
 * xenemu_gnttab_init - give a domain its grant table
 * @domain: a guest's domain that nobody knows yet
 * @max_frames: most frames that it may have, 1 to XENEMU_MAX_GRANT_FRAMES
 *
 * Return: 0 or -ENOMEM; xenemu_gnttab_destroy() is due in either case.
 */
int xenemu_gnttab_init(struct xenemu_domain *domain, u32 max_frames)
{
	struct xenemu_gnttab *table = &domain->gnttab;
	struct xenemu_page *page;

	mutex_init(&table->lock);
	xa_init(&table->active);
	table->max_frames = max_frames;

	table->frames = kvcalloc(max_frames, sizeof(*table->frames), GFP_KERNEL_ACCOUNT);
	if (!table->frames)
		return -ENOMEM;
	page = xenemu_page_alloc();
	if (IS_ERR(page))
		return PTR_ERR(page);
	table->first = page;
	table->frames[0] = xenemu_page_get(page);
	table->nr_frames = 1;
	return 0;
}

/**
 * xenemu_gnttab_destroy - the domain is dead: nobody can use a grant of it again
 * @domain: the domain
 *
 * Grants that are in use stay so, with their pages, until their last pin goes.
 *
 * Context: process context, may sleep.
 */
void xenemu_gnttab_destroy(struct xenemu_domain *domain)
{
	struct xenemu_gnttab *table = &domain->gnttab;
	struct xenemu_page **frames;
	struct xenemu_page *first;
	u32 nr_frames, i;

	if (!table->max_frames)
		return;

	mutex_lock(&table->lock);
	frames = table->frames;
	nr_frames = table->nr_frames;
	first = table->first;
	table->dead = true;
	table->frames = NULL;
	table->nr_frames = 0;
	table->first = NULL;
	cut_loose(table);
	mutex_unlock(&table->lock);

	for (i = 0; i < nr_frames; i++)
		xenemu_page_put(frames[i]);
	kvfree(frames);
	xenemu_page_put(first);
}

static void write_seeds(struct xenemu_gnttab *table)
{
	const struct xenemu_gnttab_seed *seed;
	u32 gref;

	lockdep_assert_held(&table->lock);

	for (gref = 0; gref < ARRAY_SIZE(table->seeds); gref++) {
		seed = &table->seeds[gref];
		if (seed->valid)
			xenemu_grant_entry_seed(find_entry(table, gref), seed->domid, seed->gfn);
	}
}

/**
 * xenemu_gnttab_reset - take the table back to what it was before the guest ran
 * @domain: a guest's domain that does not run
 *
 * One frame, which the guest has yet to map, with what the toolstack wrote.
 *
 * Context: process context, may sleep.
 */
void xenemu_gnttab_reset(struct xenemu_domain *domain)
{
	struct xenemu_gnttab *table = &domain->gnttab;
	u32 i;

	mutex_lock(&table->lock);
	if (!table->dead) {
		cut_loose(table);
		for (i = 0; i < table->nr_frames; i++)
			xenemu_page_put(table->frames[i]);
		clear_page(table->first->va);
		table->frames[0] = xenemu_page_get(table->first);
		table->nr_frames = 1;
		write_seeds(table);
	}
	mutex_unlock(&table->lock);
}

/* Have at least @nr_frames frames; all that are missing, or none. */
static int grow(struct xenemu_gnttab *table, u32 nr_frames)
{
	struct xenemu_page *page;
	u32 i;

	lockdep_assert_held(&table->lock);

	if (table->dead)
		return -ENODEV;
	for (i = table->nr_frames; i < nr_frames; i++) {
		page = xenemu_page_alloc();
		if (IS_ERR(page))
			goto err_put_pages;
		table->frames[i] = page;
	}
	table->nr_frames = max(table->nr_frames, nr_frames);
	return 0;

err_put_pages:
	while (i-- > table->nr_frames)
		xenemu_page_put(table->frames[i]);
	return -ENOMEM;
}

/**
 * xenemu_gnttab_grow - have at least so many frames
 * @domain: a guest's domain
 * @nr_frames: how many; any value
 *
 * Return: 0, -EINVAL past the domain's limit, -ENOMEM, or -ENODEV.
 */
int xenemu_gnttab_grow(struct xenemu_domain *domain, u32 nr_frames)
{
	struct xenemu_gnttab *table = &domain->gnttab;
	int ret;

	if (nr_frames > table->max_frames)
		return -EINVAL;

	mutex_lock(&table->lock);
	ret = grow(table, nr_frames);
	mutex_unlock(&table->lock);
	return ret;
}

u32 xenemu_gnttab_nr_frames(struct xenemu_domain *domain)
{
	struct xenemu_gnttab *table = &domain->gnttab;
	u32 nr_frames;

	mutex_lock(&table->lock);
	nr_frames = table->nr_frames;
	mutex_unlock(&table->lock);
	return nr_frames;
}

/**
 * xenemu_gnttab_frame_gfn - where the guest has a frame of its table
 * @domain: a guest's domain
 * @idx: the frame; any value
 *
 * Return: the frame number, or XENEMU_INVALID_GFN if the guest has not mapped it.
 */
u64 xenemu_gnttab_frame_gfn(struct xenemu_domain *domain, u32 idx)
{
	struct xenemu_gnttab *table = &domain->gnttab;
	u64 gfn = XENEMU_INVALID_GFN;

	mutex_lock(&table->lock);
	if (idx < table->nr_frames)
		gfn = table->frames[array_index_nospec(idx, table->nr_frames)]->gfn;
	mutex_unlock(&table->lock);
	return gfn;
}

/**
 * xenemu_gnttab_map_frame - XENMAPSPACE_grant_table
 * @domain: a guest's domain
 * @idx: which frame of the table; any value
 * @gfn: the guest's page that it moves to; any value
 *
 * Grows the table up to @idx. What was in the frame is in @gfn afterwards, and
 * the page where it was before is an ordinary page again.
 *
 * Context: process context, may sleep. Takes the VMM's mmap lock.
 * Return: 0, or for the guest: -EINVAL for a frame that the table cannot have
 * or a page that is no writable RAM, -ENOMEM, -ENODEV for a dead domain.
 */
int xenemu_gnttab_map_frame(struct xenemu_domain *domain, u64 idx, u64 gfn)
{
	struct xenemu_gnttab *table = &domain->gnttab;
	struct xenemu_page *page;
	int ret;

	if (idx >= table->max_frames)
		return -EINVAL;
	idx = array_index_nospec(idx, table->max_frames);

	page = xenemu_page_pin(domain, gfn, true);
	if (IS_ERR(page))
		return PTR_ERR(page) == -ENOMEM ? -ENOMEM : -EINVAL;

	mutex_lock(&table->lock);
	ret = grow(table, idx + 1);
	if (!ret) {
		/* It may be the very page where the frame is already. */
		if (page->page != table->frames[idx]->page)
			copy_page(page->va, table->frames[idx]->va);
		swap(table->frames[idx], page);
	}
	mutex_unlock(&table->lock);

	xenemu_page_put(page);
	return ret;
}

/**
 * xenemu_gnttab_seed - XENEMU_DOMAIN_SEED_GRANT
 * @domain: a guest's domain
 * @gref: reference of a reserved entry
 * @domid: whom the page is granted to
 * @gfn: the page
 *
 * Return: 0, -EINVAL if the entry is not a reserved one, -EOVERFLOW for a page
 * that an entry cannot name, -EBUSY if the entry is in use, -ENODEV.
 */
int xenemu_gnttab_seed(struct xenemu_domain *domain, u32 gref, u16 domid, u64 gfn)
{
	struct xenemu_gnttab *table = &domain->gnttab;
	struct xenemu_gnttab_seed *seed;
	int ret = 0;

	if (gref >= ARRAY_SIZE(table->seeds))
		return -EINVAL;
	if (gfn > U32_MAX)
		return -EOVERFLOW;

	mutex_lock(&table->lock);
	if (table->dead) {
		ret = -ENODEV;
	} else if (xa_load(&table->active, gref)) {
		ret = -EBUSY;
	} else {
		seed = &table->seeds[array_index_nospec(gref, ARRAY_SIZE(table->seeds))];
		seed->valid = true;
		seed->domid = domid;
		seed->gfn = gfn;
		xenemu_grant_entry_seed(find_entry(table, gref), domid, gfn);
	}
	mutex_unlock(&table->lock);
	return ret;
}

/**
 * xenemu_gnttab_swap - GNTTABOP_swap_grant_ref of one pair
 * @domain: a guest's domain
 * @gref_a: a reference; any value
 * @gref_b: another; any value
 *
 * Return: GNTST_*.
 */
int xenemu_gnttab_swap(struct xenemu_domain *domain, u32 gref_a, u32 gref_b)
{
	struct xenemu_gnttab *table = &domain->gnttab;
	struct xenemu_grant_v1 *a, *b;
	int status = GNTST_okay;

	mutex_lock(&table->lock);
	a = find_entry(table, gref_a);
	b = find_entry(table, gref_b);
	if (!a || !b)
		status = GNTST_bad_gntref;
	else if (a == b)
		status = GNTST_okay;
	else if (xa_load(&table->active, gref_a) || xa_load(&table->active, gref_b))
		status = GNTST_eagain;
	else
		xenemu_grant_entry_swap(a, b);
	mutex_unlock(&table->lock);
	return status;
}

/* The first use of a grant. */
static int use_new(struct xenemu_gnttab *table, struct xenemu_grant_v1 *entry, u16 domid,
		   u32 gref, bool write, struct xenemu_grant **out)
{
	struct xenemu_grant *grant;
	int status;

	lockdep_assert_held(&table->lock);

	grant = kzalloc(sizeof(*grant), GFP_KERNEL_ACCOUNT);
	if (!grant)
		return GNTST_no_space;
	grant->gref = gref;
	if (xa_insert(&table->active, gref, grant, GFP_KERNEL_ACCOUNT)) {
		kfree(grant);
		return GNTST_no_space;
	}
	status = xenemu_grant_entry_pin(&grant->active, entry, domid, write);
	if (status != GNTST_okay) {
		xa_erase(&table->active, gref);
		kfree(grant);
		return status;
	}
	*out = grant;
	return GNTST_okay;
}

static int use(struct xenemu_gnttab *table, u16 domid, u32 gref, bool write,
	       struct xenemu_grant **out)
{
	struct xenemu_grant_v1 *entry;

	lockdep_assert_held(&table->lock);

	if (table->dead)
		return GNTST_bad_domain;
	entry = find_entry(table, gref);
	if (!entry)
		return GNTST_bad_gntref;
	*out = xa_load(&table->active, gref);
	if (!*out)
		return use_new(table, entry, domid, gref, write, out);
	return xenemu_grant_entry_pin(&(*out)->active, entry, domid, write);
}

static void unuse(struct xenemu_gnttab *table, struct xenemu_grant *grant, bool write)
{
	bool in_use;

	mutex_lock(&table->lock);
	xenemu_grant_entry_unpin(&grant->active,
				 grant->loose ? NULL : find_entry(table, grant->gref), write);
	in_use = xenemu_grant_entry_in_use(&grant->active);
	if (!in_use && !grant->loose)
		xa_erase(&table->active, grant->gref);
	mutex_unlock(&table->lock);

	if (!in_use)
		kfree(grant);
}

static int pin_grant(struct xenemu_domain *domain, u16 domid, u32 gref, bool write,
		     struct xenemu_gnttab_pin *pin)
{
	struct xenemu_gnttab *table = &domain->gnttab;
	struct xenemu_grant *grant;
	struct xenemu_page *page;
	int status;

	if (!table->max_frames)
		return GNTST_bad_domain;

	mutex_lock(&table->lock);
	status = use(table, domid, gref, write, &grant);
	mutex_unlock(&table->lock);
	if (status != GNTST_okay)
		return status;

	/* While we use the grant its frame does not change. */
	page = xenemu_page_pin(domain, grant->active.gfn, write);
	if (IS_ERR(page)) {
		unuse(table, grant, write);
		switch (PTR_ERR(page)) {
		case -ENOMEM:
			return GNTST_no_space;
		case -EINTR:
		case -EAGAIN:
			return GNTST_eagain;
		default:
			return GNTST_bad_page;
		}
	}

	pin->domain = domain;
	pin->grant = grant;
	pin->page = page;
	pin->write = write;
	return GNTST_okay;
}

/**
 * xenemu_gnttab_pin - begin to use a granted page
 * @domain: the granter, dom0 too; a reference must be held as long as the pin
 * @domid: whom the page must have been granted to
 * @gref: the reference; any value
 * @write: for reading and writing, else for reading only
 * @pin: gets the use, which xenemu_gnttab_unpin() ends
 *
 * Context: process context, may sleep. Takes the granter's mmap lock, so no
 * mmap lock and no lock that is taken under one may be held.
 * Return: GNTST_okay, or what a guest that maps a grant is told.
 */
int xenemu_gnttab_pin(struct xenemu_domain *domain, u16 domid, u32 gref, bool write,
		      struct xenemu_gnttab_pin *pin)
{
	int status = pin_grant(domain, domid, gref, write, pin);

	trace_xenemu_gnttab_pin(domain->domid, gref, domid, write, status);
	return status;
}

/**
 * xenemu_gnttab_unpin - end a use of a granted page
 * @pin: the use; nothing touches the page for it any more
 *
 * Context: process context, may sleep. May be called under an mmap lock.
 */
void xenemu_gnttab_unpin(struct xenemu_gnttab_pin *pin)
{
	trace_xenemu_gnttab_unpin(pin->domain->domid, READ_ONCE(pin->grant->gref),
				  pin->write);
	/* The page first: once the entry says unused, the guest may reuse it. */
	xenemu_page_put(pin->page);
	unuse(&pin->domain->gnttab, pin->grant, pin->write);
}

/**
 * xenemu_gnttab_downgrade - go on with reading only
 * @pin: a use for writing; nothing writes to the page for it any more
 *
 * With 255 readers already it stays what it is, which harms nobody.
 *
 * Context: process context, may sleep. May be called under an mmap lock.
 */
void xenemu_gnttab_downgrade(struct xenemu_gnttab_pin *pin)
{
	struct xenemu_gnttab *table = &pin->domain->gnttab;
	struct xenemu_grant *grant = pin->grant;

	mutex_lock(&table->lock);
	if (xenemu_grant_entry_downgrade(&grant->active,
					 grant->loose ? NULL : find_entry(table, grant->gref)))
		pin->write = false;
	mutex_unlock(&table->lock);
}
