// SPDX-License-Identifier: GPL-2.0-only
/*
 * Grant entries against a model: the uses that a backend begins and ends, while the
 * guest writes whatever it likes into the entries.
 *
 * Input: steps of a byte that says what happens, to which entry, and for whom; what the
 * guest writes follows it.
 */
#include <stdint.h>
#include <stdlib.h>

#include <xen/interface/grant_table.h>

#include "grant_entry.h"
#include "input.h"

#define NR_ENTRIES	4
#define MAX_USES	255

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the rules say that an entry is. */
struct model {
	u16 domid;
	u16 flags;
	u32 gfn;
	/* Of the uses: how many there are of each kind, whose, and of which frame. */
	unsigned int reading;
	unsigned int writing;
	u16 user;
	u32 frame;
};

static struct xenemu_grant_v1 entry[NR_ENTRIES];
static struct xenemu_grant_active active[NR_ENTRIES];
static struct model model[NR_ENTRIES];

static bool in_use(const struct model *m)
{
	return m->reading + m->writing;
}

static bool may_use(const struct model *m, u16 domid, bool write)
{
	if ((m->flags & GTF_type_mask) != GTF_permit_access || (m->flags & GTF_sub_page))
		return false;
	if (m->domid != domid || (write && (m->flags & GTF_readonly)))
		return false;
	return !in_use(m) || (m->user == domid && m->frame == m->gfn);
}

static void begin_use(unsigned int i, u16 domid, bool write)
{
	struct model *m = &model[i];
	bool may = may_use(m, domid, write) && (write ? m->writing : m->reading) < MAX_USES;
	int ret = xenemu_grant_entry_pin(&active[i], &entry[i], domid, write);

	expect(ret == (may ? GNTST_okay : GNTST_general_error));
	if (!may)
		return;
	if (!in_use(m)) {
		m->user = domid;
		m->frame = m->gfn;
	}
	m->flags |= GTF_reading;
	if (write) {
		m->flags |= GTF_writing;
		m->writing++;
	} else {
		m->reading++;
	}
}

/* The marks say what uses there are, whoever set them. */
static void clear_marks(struct model *m)
{
	if (!m->writing)
		m->flags &= ~GTF_writing;
	if (!in_use(m))
		m->flags &= ~GTF_reading;
}

/* @gone: the guest's table has no such entry any more. */
static void end_use(unsigned int i, bool write, bool gone)
{
	struct model *m = &model[i];

	if (!(write ? m->writing : m->reading))
		return;
	xenemu_grant_entry_unpin(&active[i], gone ? NULL : &entry[i], write);
	if (write)
		m->writing--;
	else
		m->reading--;
	if (!gone)
		clear_marks(m);
}

static void downgrade(unsigned int i)
{
	struct model *m = &model[i];
	bool done;

	if (!m->writing)
		return;
	done = xenemu_grant_entry_downgrade(&active[i], &entry[i]);
	expect(done == (m->reading < MAX_USES));
	if (!done)
		return;
	m->writing--;
	m->reading++;
	clear_marks(m);
}

static void write_word(unsigned int i, u16 domid, u16 flags)
{
	atomic_set_release(&entry[i].word, (u32)domid << 16 | flags);
	model[i].domid = domid;
	model[i].flags = flags;
}

static void write_gfn(unsigned int i, u32 gfn)
{
	entry[i].gfn = gfn;
	model[i].gfn = gfn;
}

static void seed(unsigned int i, u16 domid, u32 gfn)
{
	if (in_use(&model[i]))
		return;
	xenemu_grant_entry_seed(&entry[i], domid, gfn);
	model[i].domid = domid;
	model[i].flags = GTF_permit_access;
	model[i].gfn = gfn;
}

static void swap(unsigned int a, unsigned int b)
{
	struct model m = model[a];

	if (a == b || in_use(&model[a]) || in_use(&model[b]))
		return;
	xenemu_grant_entry_swap(&entry[a], &entry[b]);
	model[a] = model[b];
	model[b] = m;
}

static void check(void)
{
	unsigned int i;

	for (i = 0; i < NR_ENTRIES; i++) {
		const struct model *m = &model[i];

		expect((u32)atomic_read(&entry[i].word) == ((u32)m->domid << 16 | m->flags));
		expect(entry[i].gfn == m->gfn);
		expect(active[i].readers == m->reading && active[i].writers == m->writing);
		expect(xenemu_grant_entry_in_use(&active[i]) == in_use(m));
		if (in_use(m))
			expect(active[i].gfn == m->frame && active[i].domid == m->user);
	}
}

static void step(struct input *in)
{
	u8 what = next(in, 1), who = next(in, 1);
	unsigned int i = who % NR_ENTRIES, n;
	/* Few of them, so that guest and backend often mean the same. */
	u16 domid = who >> 2 & 1 ? 7 : 8;
	bool write = who >> 3 & 1;

	switch (what % 10) {
	case 0:
	case 1:
		begin_use(i, domid, write);
		break;
	case 2:
		for (n = next(in, 1); n; n--)
			begin_use(i, domid, write);
		break;
	case 3:
		end_use(i, write, who >> 4 & 1);
		break;
	case 4:
		for (n = next(in, 1); n; n--)
			end_use(i, write, false);
		break;
	case 5:
		downgrade(i);
		break;
	case 6:
		write_word(i, domid, next(in, 2));
		break;
	case 7:
		write_word(i, next(in, 2), next(in, 2));
		break;
	case 8:
		write_gfn(i, next(in, 4));
		break;
	case 9:
		if (write)
			seed(i, domid, next(in, 4));
		else
			swap(i, next(in, 1) % NR_ENTRIES);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	unsigned int i;

	for (i = 0; i < NR_ENTRIES; i++) {
		entry[i] = (struct xenemu_grant_v1){};
		active[i] = (struct xenemu_grant_active){};
		model[i] = (struct model){};
	}
	while (in.size) {
		step(&in);
		check();
	}
	return 0;
}
