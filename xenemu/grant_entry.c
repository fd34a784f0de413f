// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a grant entry: what a guest grants, and who uses it.
 *
 * The guest grants a page by writing domid and frame, then the flags. A use
 * begins by setting GTF_reading, and GTF_writing if it writes, in the same
 * atomic step that judges the entry; so a guest that revokes as it should, with
 * a compare and exchange that expects these bits to be clear, either comes
 * first and there is no use, or fails and knows that there is one.
 *
 * A guest that does not do as it should harms itself at most. The frame is
 * read once, when the first use begins; a later use is of that frame, and only
 * if the guest still grants it. A guest that changes the entry without end
 * wins a refusal after a few tries.
 *
 * This file knows nothing of guests, pages or locks, and compiles in userspace
 * too, for its tests.
 */
#include "grant_entry.h"

#include <linux/compiler.h>
#include <linux/limits.h>
#include <xen/interface/grant_table.h>

/* Xen tries as often before it calls an entry unstable. */
#define MAX_TRIES	5

static u32 make_word(u16 domid, u16 flags)
{
	return (u32)domid << 16 | flags;
}

/* Does @word grant access to @domid? There are no sub-page grants in version 1. */
static bool grants(u32 word, u16 domid, bool write)
{
	u16 flags = word;

	if (word >> 16 != domid ||
	    (flags & (GTF_type_mask | GTF_sub_page)) != GTF_permit_access)
		return false;
	return !write || !(flags & GTF_readonly);
}

/* Judge the entry and mark it as used, in one step. */
static int claim(struct xenemu_grant_v1 *entry, u16 domid, bool write)
{
	u32 marks = GTF_reading | (write ? GTF_writing : 0);
	int word = atomic_read(&entry->word);
	unsigned int i;

	for (i = 0; i < MAX_TRIES; i++) {
		if (!grants(word, domid, write))
			return GNTST_general_error;
		if (atomic_try_cmpxchg(&entry->word, &word, word | marks))
			return GNTST_okay;
	}
	return GNTST_general_error;
}

/* Take back the marks that no use stands for any more. */
static void unmark(const struct xenemu_grant_active *active, struct xenemu_grant_v1 *entry)
{
	u32 marks = 0;

	if (!active->writers)
		marks |= GTF_writing;
	if (!xenemu_grant_entry_in_use(active))
		marks |= GTF_reading;
	if (!marks)
		return;
	/* The guest may take the page back now: what we did to it comes before. */
	smp_mb__before_atomic();
	atomic_andnot(marks, &entry->word);
}

/**
 * xenemu_grant_entry_pin - begin a use of a grant
 * @active: what is known of the entry
 * @entry: the entry
 * @domid: who wants to use it
 * @write: for reading and writing, else for reading only
 *
 * Each use is ended by xenemu_grant_entry_unpin() with the same @write. While
 * there is one, @active->gfn is the frame and does not change.
 *
 * Return: GNTST_okay, or GNTST_general_error if the guest does not grant it, or
 * if there are 255 uses of the kind already; then nothing was changed.
 */
int xenemu_grant_entry_pin(struct xenemu_grant_active *active, struct xenemu_grant_v1 *entry,
			   u16 domid, bool write)
{
	bool in_use = xenemu_grant_entry_in_use(active);
	u8 *uses = write ? &active->writers : &active->readers;
	int status;

	if (*uses == U8_MAX)
		return GNTST_general_error;
	if (in_use && (active->domid != domid || READ_ONCE(entry->gfn) != active->gfn))
		return GNTST_general_error;

	status = claim(entry, domid, write);
	if (status != GNTST_okay)
		return status;

	/* The guest wrote the frame before the flags that we have just seen. */
	if (!in_use) {
		active->gfn = READ_ONCE(entry->gfn);
		active->domid = domid;
	}
	(*uses)++;
	return GNTST_okay;
}

/**
 * xenemu_grant_entry_unpin - end a use of a grant
 * @active: what is known of the entry
 * @entry: the entry; NULL if there is no such entry any more
 * @write: as it was pinned
 *
 * Nothing may touch the page for this use any more.
 */
void xenemu_grant_entry_unpin(struct xenemu_grant_active *active, struct xenemu_grant_v1 *entry,
			      bool write)
{
	if (write)
		active->writers--;
	else
		active->readers--;
	if (entry)
		unmark(active, entry);
}

/**
 * xenemu_grant_entry_downgrade - go on with reading only
 * @active: what is known of the entry
 * @entry: the entry; NULL if there is no such entry any more
 *
 * A use that was pinned for writing becomes one for reading only.
 *
 * Return: false if there are too many readers; then the use is what it was.
 */
bool xenemu_grant_entry_downgrade(struct xenemu_grant_active *active,
				  struct xenemu_grant_v1 *entry)
{
	if (active->readers == U8_MAX)
		return false;
	active->readers++;
	active->writers--;
	if (entry)
		unmark(active, entry);
	return true;
}

/**
 * xenemu_grant_entry_seed - grant a page on the guest's behalf
 * @entry: an entry that is not in use
 * @domid: who may use it, for reading and writing
 * @gfn: the frame
 */
void xenemu_grant_entry_seed(struct xenemu_grant_v1 *entry, u16 domid, u32 gfn)
{
	WRITE_ONCE(entry->gfn, gfn);
	atomic_set_release(&entry->word, make_word(domid, GTF_permit_access));
}

/**
 * xenemu_grant_entry_swap - exchange two entries for their guest
 * @a: an entry that is not in use
 * @b: another
 *
 * A guest that changes them meanwhile gets some mix of old and new.
 */
void xenemu_grant_entry_swap(struct xenemu_grant_v1 *a, struct xenemu_grant_v1 *b)
{
	u32 gfn_a = READ_ONCE(a->gfn);
	u32 gfn_b = READ_ONCE(b->gfn);
	int word_a = atomic_xchg(&a->word, 0);
	int word_b = atomic_xchg(&b->word, 0);

	WRITE_ONCE(a->gfn, gfn_b);
	WRITE_ONCE(b->gfn, gfn_a);
	atomic_set_release(&a->word, word_b);
	atomic_set_release(&b->word, word_a);
}
