/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Costs: what one operation took, many times over, and what is typical of it.
 *
 * Under --icount of the test bed the time stamp counter counts instructions,
 * those of the whole machine: of the guest, of KVM, of xenemu and of every
 * process that had a part in it. Elsewhere it counts the processor's clock.
 */
#ifndef XENEMU_BENCH_SAMPLES_H
#define XENEMU_BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <x86intrin.h>

#define MAX_SAMPLES	4096

/**
 * struct samples - the costs of one operation
 * @nr: number of them
 * @cost: the costs
 */
struct samples {
	size_t nr;
	uint64_t cost[MAX_SAMPLES];
};

static inline uint64_t cost_now(void)
{
	return __rdtsc();
}

static inline void samples_add(struct samples *samples, uint64_t cost)
{
	if (samples->nr < MAX_SAMPLES)
		samples->cost[samples->nr++] = cost;
}

static inline int samples_compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/*
 * Print the median and the mean, and start anew. The median leaves out what
 * has to do with the operation by accident only, such as the timer's tick; the
 * mean shows that there was some.
 */
static inline void samples_report(struct samples *samples, const char *name)
{
	uint64_t sum = 0;
	size_t i;

	if (!samples->nr)
		return;
	qsort(samples->cost, samples->nr, sizeof(samples->cost[0]), samples_compare);
	for (i = 0; i < samples->nr; i++)
		sum += samples->cost[i];
	printf("bench %s %llu %llu\n", name,
	       (unsigned long long)samples->cost[samples->nr / 2],
	       (unsigned long long)(sum / samples->nr));
	fflush(stdout);
	samples->nr = 0;
}

#endif /* XENEMU_BENCH_SAMPLES_H */
