/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_GRANT_ENTRY_H
#define XENEMU_GRANT_ENTRY_H

#include <linux/atomic.h>
#include <linux/types.h>

/**
 * struct xenemu_grant_v1 - a grant entry of version 1, shared with its guest
 * @word: flags in the low half, domid in the high half. One word, because they
 *        are judged and changed together
 * @gfn: the frame that is granted
 *
 * The guest writes here whenever it likes. Each member is read once for each
 * decision, and @word is changed with atomics only.
 */
struct xenemu_grant_v1 {
	atomic_t word;
	u32 gfn;
};

/**
 * struct xenemu_grant_active - what is known of a grant entry that is in use
 * @gfn: the frame, as it was when the first use began
 * @domid: who uses it
 * @readers: number of uses that only read
 * @writers: number of uses that read and write
 *
 * All zero while the entry is not in use. The caller serializes the calls for
 * one entry.
 */
struct xenemu_grant_active {
	u64 gfn;
	u16 domid;
	u8 readers;
	u8 writers;
};

int xenemu_grant_entry_pin(struct xenemu_grant_active *active, struct xenemu_grant_v1 *entry,
			   u16 domid, bool write);
void xenemu_grant_entry_unpin(struct xenemu_grant_active *active, struct xenemu_grant_v1 *entry,
			      bool write);
bool xenemu_grant_entry_downgrade(struct xenemu_grant_active *active,
				  struct xenemu_grant_v1 *entry);
void xenemu_grant_entry_seed(struct xenemu_grant_v1 *entry, u16 domid, u32 gfn);
void xenemu_grant_entry_swap(struct xenemu_grant_v1 *a, struct xenemu_grant_v1 *b);

static inline bool xenemu_grant_entry_in_use(const struct xenemu_grant_active *active)
{
	return active->readers || active->writers;
}

#endif /* XENEMU_GRANT_ENTRY_H */
