// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keep a domain that floods the store with writes from starving the transactions of
 * others. A transaction only fails if something it touched was changed, and the changed
 * node knows by whom: that domain is blamed, and pauses once it is blamed too often.
 * Writes that are in nobody's way cost nothing.
 */
#include "internal.h"

#include <linux/minmax.h>
#include <linux/time64.h>
#include <linux/timekeeping.h>

/* So many conflicts are forgiven; one more for each BLAME_DECAY. */
#define BLAME_BURST	5
#define BLAME_DECAY	NSEC_PER_SEC
#define MIN_PAUSE	(50 * NSEC_PER_MSEC)
#define MAX_PAUSE	(2 * NSEC_PER_SEC)

/**
 * xenemu_limit_conflicts - how often a domain was blamed lately
 * @dom: the domain
 * @now: the time
 *
 * Return: the number of times that are not forgotten.
 */
u32 xenemu_limit_conflicts(const struct xenemu_sdomain *dom, u64 now)
{
	u64 decayed = (now - dom->conflict_time) / BLAME_DECAY;

	return dom->conflicts - min_t(u64, decayed, dom->conflicts);
}

/**
 * xenemu_limit_blame - a transaction failed because of a domain's write
 * @victim: whose transaction it was
 * @domid: who wrote
 * @lost: how long the transaction was open
 *
 * dom0's retry finds the time it needs to succeed, unless that is more than MAX_PAUSE.
 * Others are not given such power over the writer: they might provoke conflicts.
 */
void xenemu_limit_blame(struct xenemu_conn *victim, u16 domid, u64 lost)
{
	struct xenemu_store *store = victim->store;
	struct xenemu_sdomain *dom = xenemu_sdomain_find(store, domid);
	u64 now = ktime_get_ns(), pause = MIN_PAUSE;

	lockdep_assert_held(&store->lock);

	if (!dom || dom->privileged || dom == victim->dom)
		return;

	dom->conflicts = xenemu_limit_conflicts(dom, now);
	dom->conflict_time = now;
	if (++dom->conflicts <= BLAME_BURST)
		return;
	dom->conflicts = BLAME_BURST;

	if (victim->dom->privileged)
		pause = clamp(2 * lost, pause, (u64)MAX_PAUSE);
	WRITE_ONCE(dom->stalled_until, max(dom->stalled_until, now + pause));
	xenemu_conn_arm(store, dom->stalled_until, now);
}

/**
 * xenemu_limit_stall - whether a domain has to pause
 * @dom: the domain
 * @now: the time
 *
 * Return: how much longer; 0 if it need not.
 */
u64 xenemu_limit_stall(const struct xenemu_sdomain *dom, u64 now)
{
	u64 until = READ_ONCE(dom->stalled_until);

	return until > now ? until - now : 0;
}

/**
 * xenemu_limit_restore - a restored domain has to pause as it had to
 * @dom: the domain
 * @stall: for how many ms
 *
 * Its number of conflicts is that of just now.
 */
void xenemu_limit_restore(struct xenemu_sdomain *dom, u32 stall)
{
	u64 now = ktime_get_ns();

	dom->conflicts = min_t(u32, dom->conflicts, BLAME_BURST);
	dom->conflict_time = now;
	dom->stalled_until = now + min_t(u64, (u64)stall * NSEC_PER_MSEC, MAX_PAUSE);
}
