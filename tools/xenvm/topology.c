// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM tells what the host's CPU on which it was asked has. Leaves that depend on
 * the CPU's number, or on how many there are, are made anew.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "topology.h"

/* Leaf 1. */
#define ECX_VMX			(1U << 5)
#define ECX_X2APIC		(1U << 21)
#define ECX_TSC_DEADLINE	(1U << 24)
#define EDX_HTT			(1U << 28)

/* Leaf 0x80000001. */
#define EXT_ECX_CMP_LEGACY	(1U << 1)
#define EXT_ECX_SVM		(1U << 2)

/* Leaves 0xb and 0x1f. */
#define LEVEL_THREADS		1U
#define LEVEL_CORES		2U

/* Leaves 4 and 0x8000001d describe caches up to one that is shared by all. */
#define CACHE_TYPE_MASK		0x1fU
#define CACHE_LEVEL_SHIFT	5
#define CACHE_LEVEL_MASK	0x7U
#define CACHE_LEVEL_SHARED	3U
#define CACHE_SHARING_SHIFT	14
#define CACHE_SHARING_MASK	0xfffU
#define CACHE_CORES_SHIFT	26
#define CACHE_CORES_MAX		63U

/* Bits that an APIC id of @cpus CPUs takes. */
static unsigned int id_bits(unsigned int cpus)
{
	unsigned int bits = 0;

	while ((1U << bits) < cpus)
		bits++;
	return bits;
}

static void set_cache(struct kvm_cpuid_entry2 *entry, unsigned int cpus, bool intel)
{
	unsigned int level = entry->eax >> CACHE_LEVEL_SHIFT & CACHE_LEVEL_MASK;
	unsigned int sharing = level < CACHE_LEVEL_SHARED ? 1 : 1U << id_bits(cpus);

	if (!(entry->eax & CACHE_TYPE_MASK))
		return;
	entry->eax &= (1U << CACHE_SHARING_SHIFT) - 1;
	entry->eax |= (sharing - 1) << CACHE_SHARING_SHIFT;
	if (intel) {
		unsigned int cores = (1U << id_bits(cpus)) - 1;

		entry->eax |= (cores < CACHE_CORES_MAX ? cores : CACHE_CORES_MAX) <<
			      CACHE_CORES_SHIFT;
	}
}

static void set_entry(struct kvm_cpuid_entry2 *entry, unsigned int id, unsigned int cpus,
		      bool tsc_deadline)
{
	switch (entry->function) {
	case 1:
		entry->ebx = (entry->ebx & 0xffff) | cpus << 16 | id << 24;
		entry->ecx &= ~(ECX_VMX | ECX_TSC_DEADLINE);
		entry->ecx |= ECX_X2APIC | (tsc_deadline ? ECX_TSC_DEADLINE : 0);
		entry->edx &= ~EDX_HTT;
		entry->edx |= cpus > 1 ? EDX_HTT : 0;
		break;
	case 4:
		set_cache(entry, cpus, true);
		break;
	case 0x80000001:
		entry->ecx &= ~(EXT_ECX_SVM | EXT_ECX_CMP_LEGACY);
		entry->ecx |= cpus > 1 ? EXT_ECX_CMP_LEGACY : 0;
		break;
	case 0x80000008:
		entry->ecx = (entry->ecx & ~0xf0ffU) | (cpus - 1) | id_bits(cpus) << 12;
		break;
	case 0x8000001d:
		set_cache(entry, cpus, false);
		break;
	case 0x8000001e:
		/* Core and node: no threads, and one node. */
		entry->eax = id;
		entry->ebx = id;
		entry->ecx = 0;
		break;
	}
}

static bool is_level_leaf(uint32_t function)
{
	/* 0x80000026 is AMD's, which need not be there when 0xb is. */
	return function == 0xb || function == 0x1f || function == 0x80000026;
}

/*
 * Levels of the processor: threads, of which each core has one, then cores.
 * The third entry ends the list.
 */
static void add_levels(struct kvm_cpuid2 *cpuid, uint32_t function, unsigned int id,
		       unsigned int cpus)
{
	const struct {
		uint32_t shift;
		uint32_t cpus;
		uint32_t type;
	} levels[] = {
		{ 0, 1, LEVEL_THREADS },
		{ id_bits(cpus), cpus, LEVEL_CORES },
		{ 0, 0, 0 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		cpuid->entries[cpuid->nent++] = (struct kvm_cpuid_entry2) {
			.function = function,
			.index = i,
			.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
			.eax = levels[i].shift,
			.ebx = levels[i].cpus,
			.ecx = levels[i].type << 8 | i,
			.edx = id,
		};
	}
}

int topology_apply(struct kvm_cpuid2 *cpuid, unsigned int capacity, unsigned int id,
		   unsigned int cpus, int tsc_deadline)
{
	bool leaf_b = false, leaf_1f = false;
	unsigned int i, kept = 0;

	for (i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		leaf_b |= entry->function == 0xb;
		leaf_1f |= entry->function == 0x1f;
		if (is_level_leaf(entry->function))
			continue;
		set_entry(entry, id, cpus, tsc_deadline);
		cpuid->entries[kept++] = *entry;
	}
	cpuid->nent = kept;

	if (capacity - cpuid->nent < 6)
		return -1;
	if (leaf_b)
		add_levels(cpuid, 0xb, id, cpus);
	if (leaf_1f)
		add_levels(cpuid, 0x1f, id, cpus);
	return 0;
}
