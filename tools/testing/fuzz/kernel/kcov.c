// SPDX-License-Identifier: GPL-2.0-only
#include "kcov.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/kcov.h>

/* Numbers in the trace; what does not fit is lost. */
#define TRACE_SIZE	(1u << 18)

static uint64_t *trace;
static int fd = -1;

/* Sets of hashes: of places, and of edges, which are two places one after the other. */
static uint8_t places[KCOV_MAX_EDGES / 8], edges[KCOV_MAX_EDGES / 8];
/* Edges of the run that is looked at. */
static uint8_t seen[KCOV_MAX_EDGES / 8];
static unsigned int nr_places, nr_edges;

bool kcov_open(void)
{
	fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (ioctl(fd, KCOV_INIT_TRACE, TRACE_SIZE))
		return false;
	trace = mmap(NULL, TRACE_SIZE * sizeof(*trace), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		     0);
	if (trace == MAP_FAILED)
		trace = NULL;
	return trace;
}

void kcov_start(void)
{
	if (!trace)
		return;
	ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC);
	__atomic_store_n(&trace[0], 0, __ATOMIC_RELAXED);
}

void kcov_stop(void)
{
	if (trace)
		ioctl(fd, KCOV_DISABLE, 0);
}

static uint32_t hash(uint64_t num)
{
	num *= 0x9e3779b97f4a7c15ULL;
	return (num >> 32) % KCOV_MAX_EDGES;
}

static bool is_set(const uint8_t *set, uint32_t bit)
{
	return set[bit / 8] & 1 << bit % 8;
}

/* True if it was not in the set. */
static bool add(uint8_t *set, uint32_t bit)
{
	bool new = !is_set(set, bit);

	set[bit / 8] |= 1 << bit % 8;
	return new;
}

static uint64_t trace_len(void)
{
	uint64_t len = trace ? __atomic_load_n(&trace[0], __ATOMIC_RELAXED) : 0;

	return len < TRACE_SIZE ? len : TRACE_SIZE - 1;
}

/* Rotated, so that there and back are not the same. */
static uint32_t edge(uint64_t from, uint64_t to)
{
	return hash((from << 20 | from >> 44) ^ to);
}

unsigned int kcov_new(void)
{
	uint64_t len = trace_len(), i;
	unsigned int nr = 0;

	memset(seen, 0, sizeof(seen));
	for (i = 1; i <= len; i++) {
		uint32_t bit = edge(i > 1 ? trace[i - 1] : 0, trace[i]);

		if (!is_set(edges, bit))
			nr += add(seen, bit);
	}
	return nr;
}

unsigned int kcov_keep(uint32_t *list, unsigned int max, unsigned int *nr_list)
{
	uint64_t len = trace_len(), i;
	unsigned int nr = 0;

	*nr_list = 0;
	memset(seen, 0, sizeof(seen));
	for (i = 1; i <= len; i++) {
		uint32_t bit = edge(i > 1 ? trace[i - 1] : 0, trace[i]);

		nr_places += add(places, hash(trace[i]));
		if (!add(seen, bit))
			continue;
		nr += add(edges, bit);
		if (*nr_list < max)
			list[(*nr_list)++] = bit;
	}
	nr_edges += nr;
	return nr;
}

unsigned int kcov_nr_places(void)
{
	return nr_places;
}

unsigned int kcov_nr_edges(void)
{
	return nr_edges;
}
