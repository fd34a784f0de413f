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

#define DOMID		7
#define OTHER_DOMID	8
#define GFN		0x1234

/* Races are tried until there were so many uses, and no more often than that. */
#define USES		20000
#define MAX_ROUNDS	200000000

static unsigned int nr_tests, nr_failures;
static bool failed;

#define check(cond)							\
	do {								\
		if (!(cond)) {						\
			printf("# %s:%d: %s\n", __func__, __LINE__, #cond); \
			failed = true;					\
		}							\
	} while (0)

static void run(const char *name, void (*test)(void))
{
	failed = false;
	test();
	printf("%s %u grant_entry.%s\n", failed ? "not ok" : "ok", ++nr_tests, name);
	nr_failures += failed;
}

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

static void read_marks_reading(void)
{
	struct xenemu_grant_v1 e = entry(GTF_permit_access);
	struct xenemu_grant_active a = {};

	check(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_okay);
	check(flags(&e) == (GTF_permit_access | GTF_reading));
	check(a.gfn == GFN && a.domid == DOMID && a.readers == 1 && a.writers == 0);
	xenemu_grant_entry_unpin(&a, &e, false);
	check((u32)atomic_read(&e.word) == word(DOMID, GTF_permit_access));
	check(!xenemu_grant_entry_in_use(&a));
}

static void write_marks_both(void)
{
	struct xenemu_grant_v1 e = entry(GTF_permit_access);
	struct xenemu_grant_active a = {};

	check(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_okay);
	check(flags(&e) == (GTF_permit_access | GTF_reading | GTF_writing));
	xenemu_grant_entry_unpin(&a, &e, true);
	check(flags(&e) == GTF_permit_access);
}

static void marks_go_with_the_last_of_a_kind(void)
{
	struct xenemu_grant_v1 e = entry(GTF_permit_access);
	struct xenemu_grant_active a = {};

	check(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_okay);
	check(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_okay);
	check(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_okay);
	xenemu_grant_entry_unpin(&a, &e, true);
	check(flags(&e) == (GTF_permit_access | GTF_reading | GTF_writing));
	xenemu_grant_entry_unpin(&a, &e, true);
	check(flags(&e) == (GTF_permit_access | GTF_reading));
	xenemu_grant_entry_unpin(&a, &e, false);
	check(flags(&e) == GTF_permit_access);
}

static void writer_alone_keeps_reading_mark(void)
{
	struct xenemu_grant_v1 e = entry(GTF_permit_access);
	struct xenemu_grant_active a = {};

	check(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_okay);
	check(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_okay);
	xenemu_grant_entry_unpin(&a, &e, false);
	check(flags(&e) == (GTF_permit_access | GTF_reading | GTF_writing));
	xenemu_grant_entry_unpin(&a, &e, true);
	check(flags(&e) == GTF_permit_access);
}

/* A refusal leaves everything as it was. */
static void check_refused(u16 entry_flags, u16 domid, bool write)
{
	struct xenemu_grant_v1 e = entry(entry_flags);
	struct xenemu_grant_active a = {};

	check(xenemu_grant_entry_pin(&a, &e, domid, write) == GNTST_general_error);
	check((u32)atomic_read(&e.word) == word(DOMID, entry_flags));
	check(!a.gfn && !a.domid && !xenemu_grant_entry_in_use(&a));
}

static void refuses_what_is_not_granted(void)
{
	check_refused(GTF_invalid, DOMID, false);
	check_refused(GTF_accept_transfer, DOMID, false);
	check_refused(GTF_transitive, DOMID, false);
	check_refused(GTF_permit_access | GTF_sub_page, DOMID, false);
	check_refused(GTF_permit_access, OTHER_DOMID, false);
	check_refused(GTF_permit_access, DOMID ^ 0x8000, false);
}

static void readonly_refuses_writing_only(void)
{
	struct xenemu_grant_v1 e = entry(GTF_permit_access | GTF_readonly);
	struct xenemu_grant_active a = {};

	check_refused(GTF_permit_access | GTF_readonly, DOMID, true);
	check(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_okay);
	check(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_general_error);
	check(flags(&e) == (GTF_permit_access | GTF_readonly | GTF_reading));
	check(a.readers == 1 && a.writers == 0);
}

static void second_user_must_be_the_first(void)
{
	struct xenemu_grant_v1 e = entry(GTF_permit_access);
	struct xenemu_grant_active a = {};

	check(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_okay);
	atomic_set_release(&e.word, word(OTHER_DOMID, GTF_permit_access));
	check(xenemu_grant_entry_pin(&a, &e, OTHER_DOMID, false) == GNTST_general_error);
	check(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_general_error);
	check(a.readers == 1);
}

static void pins_are_counted_in_8_bits(void)
{
	struct xenemu_grant_v1 e = entry(GTF_permit_access);
	struct xenemu_grant_active a = {};
	unsigned int i;

	for (i = 0; i < 255; i++)
		check(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_okay);
	check(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_general_error);
	for (i = 0; i < 255; i++)
		check(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_okay);
	check(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_general_error);
	check(a.readers == 255 && a.writers == 255);

	for (i = 0; i < 255; i++)
		xenemu_grant_entry_unpin(&a, &e, true);
	check(flags(&e) == (GTF_permit_access | GTF_reading));
	for (i = 0; i < 255; i++)
		xenemu_grant_entry_unpin(&a, &e, false);
	check(flags(&e) == GTF_permit_access);
}

static void revoked_in_use_is_used_on_but_not_anew(void)
{
	struct xenemu_grant_v1 e = entry(GTF_permit_access);
	struct xenemu_grant_active a = {};

	check(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_okay);
	atomic_set_release(&e.word, 0);
	check(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_general_error);
	check(atomic_read(&e.word) == 0 && a.gfn == GFN);

	/* The guest grants something else before the use ends. */
	atomic_set_release(&e.word, word(OTHER_DOMID, GTF_permit_access | GTF_readonly));
	xenemu_grant_entry_unpin(&a, &e, true);
	check((u32)atomic_read(&e.word) == word(OTHER_DOMID, GTF_permit_access | GTF_readonly));
}

static void frame_is_read_once(void)
{
	struct xenemu_grant_v1 e = entry(GTF_permit_access);
	struct xenemu_grant_active a = {};

	check(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_okay);
	e.gfn = GFN + 1;
	check(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_general_error);
	check(a.gfn == GFN && a.readers == 1);
	xenemu_grant_entry_unpin(&a, &e, false);
	check(xenemu_grant_entry_pin(&a, &e, DOMID, false) == GNTST_okay);
	check(a.gfn == GFN + 1);
}

static void downgrade_leaves_a_reader(void)
{
	struct xenemu_grant_v1 e = entry(GTF_permit_access);
	struct xenemu_grant_active a = {};

	check(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_okay);
	check(xenemu_grant_entry_downgrade(&a, &e));
	check(flags(&e) == (GTF_permit_access | GTF_reading));
	check(a.readers == 1 && a.writers == 0);

	check(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_okay);
	a.readers = 255;
	check(!xenemu_grant_entry_downgrade(&a, &e));
	check(a.writers == 1);
}

static void use_outlasts_the_entry(void)
{
	struct xenemu_grant_v1 e = entry(GTF_permit_access);
	struct xenemu_grant_active a = {};

	check(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_okay);
	check(xenemu_grant_entry_downgrade(&a, NULL));
	xenemu_grant_entry_unpin(&a, NULL, false);
	check(!xenemu_grant_entry_in_use(&a));
}

static void seeded_entry_is_a_grant(void)
{
	struct xenemu_grant_v1 e = {};
	struct xenemu_grant_active a = {};

	xenemu_grant_entry_seed(&e, DOMID, GFN);
	check(xenemu_grant_entry_pin(&a, &e, DOMID, true) == GNTST_okay);
	check(a.gfn == GFN);
}

static void swap_exchanges_all(void)
{
	struct xenemu_grant_v1 a = entry(GTF_permit_access);
	struct xenemu_grant_v1 b = { .gfn = 5 };

	xenemu_grant_entry_swap(&a, &b);
	check(atomic_read(&a.word) == 0 && a.gfn == 5);
	check((u32)atomic_read(&b.word) == word(DOMID, GTF_permit_access) && b.gfn == GFN);
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

static void revoking_excludes_using(void)
{
	struct xenemu_grant_active a = {};
	unsigned long used = 0, revoked = 0, i;
	struct guest g = {};
	pthread_t thread;

	check(!pthread_create(&thread, NULL, well_behaved, &g));
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
	check(used >= USES && revoked >= USES);
	check(!g.violated);
	check(!xenemu_grant_entry_in_use(&a));
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

static void hostile_guest_harms_nobody(void)
{
	struct xenemu_grant_active a = {};
	unsigned long used = 0, i;
	struct guest g = {};
	pthread_t thread;
	u64 gfn;

	check(!pthread_create(&thread, NULL, hostile, &g));
	for (i = 0; i < MAX_ROUNDS && used < USES; i++) {
		int status = xenemu_grant_entry_pin(&a, &g.entry, DOMID, i & 1);

		if (status != GNTST_okay) {
			check(status == GNTST_general_error);
			continue;
		}
		used++;
		gfn = a.gfn;
		if (xenemu_grant_entry_pin(&a, &g.entry, DOMID, false) == GNTST_okay)
			xenemu_grant_entry_unpin(&a, &g.entry, false);
		check(a.gfn == gfn);
		xenemu_grant_entry_unpin(&a, &g.entry, i & 1);
		check(!xenemu_grant_entry_in_use(&a));
	}
	__atomic_store_n(&g.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	check(used == USES);
	printf("# used %lu times, refused %lu times\n", used, i - used);
}

int main(void)
{
	printf("TAP version 13\n");
	run("read_marks_reading", read_marks_reading);
	run("write_marks_both", write_marks_both);
	run("marks_go_with_the_last_of_a_kind", marks_go_with_the_last_of_a_kind);
	run("writer_alone_keeps_reading_mark", writer_alone_keeps_reading_mark);
	run("refuses_what_is_not_granted", refuses_what_is_not_granted);
	run("readonly_refuses_writing_only", readonly_refuses_writing_only);
	run("second_user_must_be_the_first", second_user_must_be_the_first);
	run("pins_are_counted_in_8_bits", pins_are_counted_in_8_bits);
	run("revoked_in_use_is_used_on_but_not_anew", revoked_in_use_is_used_on_but_not_anew);
	run("frame_is_read_once", frame_is_read_once);
	run("downgrade_leaves_a_reader", downgrade_leaves_a_reader);
	run("use_outlasts_the_entry", use_outlasts_the_entry);
	run("seeded_entry_is_a_grant", seeded_entry_is_a_grant);
	run("swap_exchanges_all", swap_exchanges_all);
	run("revoking_excludes_using", revoking_excludes_using);
	run("hostile_guest_harms_nobody", hostile_guest_harms_nobody);
	printf("1..%u\n", nr_tests);
	return nr_failures != 0;
}
