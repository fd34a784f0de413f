/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_SHIM_H
#define XENEMU_UNIT_SHIM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * The kernel facilities that pure cores use, for userspace. Also watches over their
 * use: no sleeping under a spinlock, no lock taken twice, no reference counter that
 * goes through zero.
 */

struct shim_lock {
	pthread_mutex_t mutex;
	pthread_t owner;
	bool held;
	bool spin;
};

void shim_lock_init(struct shim_lock *lock, bool spin);
void shim_lock_destroy(struct shim_lock *lock);
void shim_lock_take(struct shim_lock *lock);
void shim_lock_give(struct shim_lock *lock);
bool shim_lock_held(const struct shim_lock *lock);
void shim_might_sleep(void);

/* Report that the code under test is wrong, and abort. */
int shim_bug(const char *file, int line, const char *what);

/* Time for ktime_get_ns(); only tests change it. */
extern unsigned long long shim_now;

/* If not 0: the so manieth allocation from now on fails; is 0 thereafter. */
extern unsigned long shim_fail_nth;

/* Allocations that were made and not freed. */
extern long shim_live_allocs;

/* What was done so far: allocations, hash values, steps of loops that may be long. */
extern unsigned long shim_allocs;
extern unsigned long shim_hashes;
extern unsigned long shim_steps;

#endif
