// SPDX-License-Identifier: GPL-2.0-only
/*
 * Grant entries: what a guest grants, revokes and breaks, seen from the side
 * that uses the grants. The entries are those of the module, unchanged.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/interface/grant_table.h>

#include "grant_entry.h"
#include "tap.h"

#define DOMID		7
#define OTHER_DOMID	8
#define GFN		0x1234

/* Races are tried until there were so many uses, and no more often than that. */
#define USES		20000
#define MAX_ROUNDS	200000000

static u32 word(u16 domid, u16 flags)
{
	return (u32)domid << 16 | flags;
}

static struct xenemu_grant_v1 entry(u16 flags)
{
	struct xenemu_grant_v1 e = { .gfn = GFN };

	atomic_set_release(&e.word, word(DOMID, flags));
	return e;
}

static u16 flags(struct xenemu_grant_v1 *e)
{
	return atomic_read(&e->word);
}

TEST(grant_entry_read_marks_reading)
{
	struct xenemu_grant_v1 e = entry(GTF_permit_access);
	struct xenemu_grant_active a = {};

	CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_okay);
	CHECK(flags(&e) == (GTF_permit_access | GTF_reading));
	CHECK(a.gfn == GFN && a.domid == DOMID && a.readers == 1 && a.writers == 0);
	xenemu_grant_entry_unpin(&a, &e, false);
	CHECK((u32)atomic_read(&e.word) == word(DOMID, GTF_permit_access));
	CHECK(!xenemu_grant_entry_in_use(&a));
}

TEST(grant_entry_write_marks_both)
{
	struct xenemu_grant_v1 e = entry(GTF_permit_access);
	struct xenemu_grant_active a = {};

	CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_okay);
	CHECK(flags(&e) == (GTF_permit_access | GTF_reading | GTF_writing));
	xenemu_grant_entry_unpin(&a, &e, true);
	CHECK(flags(&e) == GTF_permit_access);
}

TEST(grant_entry_marks_go_with_the_last_of_a_kind)
{
	struct xenemu_grant_v1 e = entry(GTF_permit_access);
	struct xenemu_grant_active a = {};

	CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_okay);
	CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_okay);
	CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_okay);
	xenemu_grant_entry_unpin(&a, &e, true);
	CHECK(flags(&e) == (GTF_permit_access | GTF_reading | GTF_writing));
	xenemu_grant_entry_unpin(&a, &e, true);
	CHECK(flags(&e) == (GTF_permit_access | GTF_reading));
	xenemu_grant_entry_unpin(&a, &e, false);
	CHECK(flags(&e) == GTF_permit_access);
}

TEST(grant_entry_writer_alone_keeps_reading_mark)
{
	struct xenemu_grant_v1 e = entry(GTF_permit_access);
	struct xenemu_grant_active a = {};

	CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_okay);
	CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_okay);
	xenemu_grant_entry_unpin(&a, &e, false);
	CHECK(flags(&e) == (GTF_permit_access | GTF_reading | GTF_writing));
	xenemu_grant_entry_unpin(&a, &e, true);
	CHECK(flags(&e) == GTF_permit_access);
}

/* A refusal leaves everything as it was. */
static void check_refused(u16 entry_flags, u16 domid, bool write)
{
	struct xenemu_grant_v1 e = entry(entry_flags);
	struct xenemu_grant_active a = {};

	CHECK(xenemu_grant_entry_pin(&a, &e, domid, write) == GNTST_general_error);
	CHECK((u32)atomic_read(&e.word) == word(DOMID, entry_flags));
	CHECK(!a.gfn && !a.domid && !xenemu_grant_entry_in_use(&a));
}

TEST(grant_entry_refuses_what_is_not_granted)
{
	check_refused(GTF_invalid, DOMID, false);
	check_refused(GTF_accept_transfer, DOMID, false);
	check_refused(GTF_transitive, DOMID, false);
	check_refused(GTF_permit_access | GTF_sub_page, DOMID, false);
	check_refused(GTF_permit_access, OTHER_DOMID, false);
	check_refused(GTF_permit_access, DOMID ^ 0x8000, false);
}

TEST(grant_entry_readonly_refuses_writing_only)
{
	struct xenemu_grant_v1 e = entry(GTF_permit_access | GTF_readonly);
	struct xenemu_grant_active a = {};

	check_refused(GTF_permit_access | GTF_readonly, DOMID, true);
	CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_okay);
	CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_general_error);
	CHECK(flags(&e) == (GTF_permit_access | GTF_readonly | GTF_reading));
	CHECK(a.readers == 1 && a.writers == 0);
}

TEST(grant_entry_second_user_must_be_the_first)
{
	struct xenemu_grant_v1 e = entry(GTF_permit_access);
	struct xenemu_grant_active a = {};

	CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_okay);
	atomic_set_release(&e.word, word(OTHER_DOMID, GTF_permit_access));
	CHECK(xenemu_grant_entry_pin(&a, &e, OTHER_DOMID, false) == GNTST_general_error);
	CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_general_error);
	CHECK(a.readers == 1);
}

TEST(grant_entry_pins_are_counted_in_8_bits)
{
	struct xenemu_grant_v1 e = entry(GTF_permit_access);
	struct xenemu_grant_active a = {};
	unsigned int i;

	for (i = 0; i < 255; i++)
		CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_okay);
	CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_general_error);
	for (i = 0; i < 255; i++)
		CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_okay);
	CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_general_error);
	CHECK(a.readers == 255 && a.writers == 255);

	for (i = 0; i < 255; i++)
		xenemu_grant_entry_unpin(&a, &e, true);
	CHECK(flags(&e) == (GTF_permit_access | GTF_reading));
	for (i = 0; i < 255; i++)
		xenemu_grant_entry_unpin(&a, &e, false);
	CHECK(flags(&e) == GTF_permit_access);
}

TEST(grant_entry_revoked_in_use_is_used_on_but_not_anew)
{
	struct xenemu_grant_v1 e = entry(GTF_permit_access);
	struct xenemu_grant_active a = {};

	CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_okay);
	atomic_set_release(&e.word, 0);
	CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_general_error);
	CHECK(atomic_read(&e.word) == 0 && a.gfn == GFN);

	/* The guest grants something else before the use ends. */
	atomic_set_release(&e.word, word(OTHER_DOMID, GTF_permit_access | GTF_readonly));
	xenemu_grant_entry_unpin(&a, &e, true);
	CHECK((u32)atomic_read(&e.word) == word(OTHER_DOMID, GTF_permit_access | GTF_readonly));
}

TEST(grant_entry_frame_is_read_once)
{
	struct xenemu_grant_v1 e = entry(GTF_permit_access);
	struct xenemu_grant_active a = {};

	CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_okay);
	e.gfn = GFN + 1;
	CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_general_error);
	CHECK(a.gfn == GFN && a.readers == 1);
	xenemu_grant_entry_unpin(&a, &e, false);
	CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_okay);
	CHECK(a.gfn == GFN + 1);
}

TEST(grant_entry_downgrade_leaves_a_reader)
{
	struct xenemu_grant_v1 e = entry(GTF_permit_access);
	struct xenemu_grant_active a = {};

	CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_okay);
	CHECK(xenemu_grant_entry_downgrade(&a, &e));
	CHECK(flags(&e) == (GTF_permit_access | GTF_reading));
	CHECK(a.readers == 1 && a.writers == 0);

	CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_okay);
	a.readers = 255;
	CHECK(!xenemu_grant_entry_downgrade(&a, &e));
	CHECK(a.writers == 1);
}

TEST(grant_entry_use_outlasts_the_entry)
{
	struct xenemu_grant_v1 e = entry(GTF_permit_access);
	struct xenemu_grant_active a = {};

	CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_okay);
	CHECK(xenemu_grant_entry_downgrade(&a, NULL));
	xenemu_grant_entry_unpin(&a, NULL, false);
	CHECK(!xenemu_grant_entry_in_use(&a));
}

TEST(grant_entry_seeded_entry_is_a_grant)
{
	struct xenemu_grant_v1 e = {};
	struct xenemu_grant_active a = {};

	xenemu_grant_entry_seed(&e, DOMID, GFN);
	CHECK(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_okay);
	CHECK(a.gfn == GFN);
}

TEST(grant_entry_swap_exchanges_all)
{
	struct xenemu_grant_v1 a = entry(GTF_permit_access);
	struct xenemu_grant_v1 b = { .gfn = 5 };

	xenemu_grant_entry_swap(&a, &b);
	CHECK(atomic_read(&a.word) == 0 && a.gfn == 5);
	CHECK((u32)atomic_read(&b.word) == word(DOMID, GTF_permit_access) && b.gfn == GFN);
}

/* ---- with a guest that runs meanwhile ---- */

struct guest {
	struct xenemu_grant_v1 entry;
	bool stop;
	bool owned;
	bool violated;
	unsigned long revoked;
};

/* Leave it as it is for a while, now and then for longer. */
static void linger(struct guest *g)
{
	unsigned int i;

	for (i = g->revoked % 64; i; i--)
		(void)__atomic_load_n(&g->stop, __ATOMIC_RELAXED);
	if (g->revoked % 1024 == 0)
		sched_yield();
}

/* A guest that does as it should: what it got back nobody uses. */
static void *well_behaved(void *arg)
{
	struct guest *g = arg;
	int old;

	while (!__atomic_load_n(&g->stop, __ATOMIC_RELAXED)) {
		__atomic_store_n(&g->owned, false, __ATOMIC_SEQ_CST);
		xenemu_grant_entry_seed(&g->entry, DOMID, GFN);
		linger(g);
		do {
			old = word(DOMID, GTF_permit_access);
			if (__atomic_load_n(&g->stop, __ATOMIC_RELAXED))
				return NULL;
		} while (!atomic_try_cmpxchg(&g->entry.word, &old, 0));
		__atomic_store_n(&g->owned, true, __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&g->revoked, 1, __ATOMIC_RELAXED);
		linger(g);
	}
	return NULL;
}

TEST(grant_entry_revoking_excludes_using)
{
	struct xenemu_grant_active a = {};
	unsigned long used = 0, revoked = 0, i;
	struct guest g = {};
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, well_behaved, &g));
	for (i = 0; i < MAX_ROUNDS && (used < USES || revoked < USES); i++) {
		bool write = i & 1;

		revoked = __atomic_load_n(&g.revoked, __ATOMIC_RELAXED);

		if (xenemu_grant_entry_pin(&a, &g.entry, DOMID, write) != GNTST_okay)
			continue;
		used++;
		if (__atomic_load_n(&g.owned, __ATOMIC_SEQ_CST))
			g.violated = true;
		xenemu_grant_entry_unpin(&a, &g.entry, write);
	}
	__atomic_store_n(&g.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	CHECK(used >= USES && revoked >= USES);
	CHECK(!g.violated);
	CHECK(!xenemu_grant_entry_in_use(&a));
	printf("# used %lu times, revoked %lu times\n", used, revoked);
}

/* A guest that does what it likes, as fast as it can. */
static void *hostile(void *arg)
{
	struct guest *g = arg;
	unsigned int n = 1;

	while (!__atomic_load_n(&g->stop, __ATOMIC_RELAXED)) {
		n = n * 1103515245 + 12345;
		__atomic_store_n(&g->entry.gfn, n >> 8, __ATOMIC_RELAXED);
		atomic_set_release(&g->entry.word, n & 0x10000 ?
				   word(DOMID, GTF_permit_access | ((n >> 20) & 0xfc)) : n);
	}
	return NULL;
}

TEST(grant_entry_hostile_guest_harms_nobody)
{
	struct xenemu_grant_active a = {};
	unsigned long used = 0, i;
	struct guest g = {};
	pthread_t thread;
	u64 gfn;

	CHECK(!pthread_create(&thread, NULL, hostile, &g));
	for (i = 0; i < MAX_ROUNDS && used < USES; i++) {
		int status = xenemu_grant_entry_pin(&a, &g.entry, DOMID, i & 1);

		if (status != GNTST_okay) {
			CHECK(status == GNTST_general_error);
			continue;
		}
		used++;
		gfn = a.gfn;
		if (xenemu_grant_entry_pin(&a, &g.entry, DOMID, false) == GNTST_okay)
			xenemu_grant_entry_unpin(&a, &g.entry, false);
		CHECK(a.gfn == gfn);
		xenemu_grant_entry_unpin(&a, &g.entry, i & 1);
		CHECK(!xenemu_grant_entry_in_use(&a));
	}
	__atomic_store_n(&g.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	CHECK(used == USES);
	printf("# used %lu times, refused %lu times\n", used, i - used);
}
