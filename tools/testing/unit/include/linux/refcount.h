/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_REFCOUNT_H
#define XENEMU_UNIT_REFCOUNT_H

#include <linux/kernel.h>

typedef struct {
	int refs;
} refcount_t;

static inline void refcount_set(refcount_t *r, int n)
{
	__atomic_store_n(&r->refs, n, __ATOMIC_RELAXED);
}

/* The kernel's is relaxed, but TSan does not know the barriers that go with it. */
static inline unsigned int refcount_read(const refcount_t *r)
{
	return __atomic_load_n(&r->refs, __ATOMIC_ACQUIRE);
}

static inline void refcount_inc(refcount_t *r)
{
	WARN_ON(__atomic_fetch_add(&r->refs, 1, __ATOMIC_RELAXED) <= 0);
}

static inline bool refcount_sub_and_test(int n, refcount_t *r)
{
	int old = __atomic_fetch_sub(&r->refs, n, __ATOMIC_ACQ_REL);

	WARN_ON(old < n);
	return old == n;
}

static inline bool refcount_dec_and_test(refcount_t *r)
{
	return refcount_sub_and_test(1, r);
}

#endif
