// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPUID leaves by which a guest finds Xen. Facts are those of Xen's public
 * header <xen/arch-x86/cpuid.h>.
 */
#include <errno.h>
#include <string.h>

#include <xen/arch-x86/cpuid.h>

#include "internal.h"

#define HYPERVISOR_LEAF_FIRST	0x40000000U
#define HYPERVISOR_LEAF_LAST	0x4fffffffU

/* Leaf 1, ecx: there is a hypervisor. */
#define FEATURE_HYPERVISOR	(1U << 31)

/* Leaves after the base that there are: 1 version, 2 MSR, 3 time, 4 HVM. */
#define XEN_LEAVES		4

/* In the HVM leaf, where older copies of the header lack them. */
#define HVM_IOMMU_MAPPINGS	(1U << 2)
#define HVM_VCPU_ID_PRESENT	(1U << 3)
#define HVM_DOMID_PRESENT	(1U << 4)
#define HVM_UPCALL_VECTOR	(1U << 6)

static struct kvm_cpuid_entry2 *add_entry(struct kvm_cpuid2 *cpuid, uint32_t function,
					  uint32_t index, uint32_t flags)
{
	struct kvm_cpuid_entry2 *entry = &cpuid->entries[cpuid->nent++];

	memset(entry, 0, sizeof(*entry));
	entry->function = function;
	entry->index = index;
	entry->flags = flags;
	return entry;
}

static void remove_hypervisors(struct kvm_cpuid2 *cpuid)
{
	unsigned int i, kept = 0;

	for (i = 0; i < cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		if (entry->function >= HYPERVISOR_LEAF_FIRST &&
		    entry->function <= HYPERVISOR_LEAF_LAST)
			continue;
		cpuid->entries[kept++] = *entry;
	}
	cpuid->nent = kept;
}

/*
 * How the TSC becomes nanoseconds (tsc_to_system_mul and tsc_shift of Xen's
 * time info). KVM corrects the leaf when it finds the signature; this is what
 * the guest sees if it does not.
 */
static void time_scale(uint32_t tsc_khz, uint32_t *mul, uint32_t *shift)
{
	uint64_t khz = tsc_khz;
	int32_t by = 0;

	/* Ticks of 2^by of the TSC's: the multiplier is then between 1/2 and 1. */
	while (khz > 2000000) {
		khz >>= 1;
		by--;
	}
	while (khz <= 1000000) {
		khz <<= 1;
		by++;
	}
	*mul = ((1000000ULL << 32) / khz);
	*shift = (uint32_t)by;
}

static void add_time_leaf(struct kvm_cpuid2 *cpuid, uint32_t function, uint32_t tsc_khz)
{
	struct kvm_cpuid_entry2 *entry;

	/* tsc_mode 0: default. The incarnation counts restores, this is the first life. */
	entry = add_entry(cpuid, function, 0, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
	entry->ecx = tsc_khz;
	entry->edx = 1;

	entry = add_entry(cpuid, function, 1, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
	if (tsc_khz)
		time_scale(tsc_khz, &entry->ecx, &entry->edx);

	entry = add_entry(cpuid, function, 2, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
	entry->eax = tsc_khz;
}

int xenemu_cpuid_build(struct kvm_cpuid2 *cpuid, unsigned int capacity,
		       const struct xenemu_cpuid *config)
{
	uint32_t base = config->base ? config->base : XENEMU_CPUID_BASE;
	struct kvm_cpuid_entry2 *entry;
	unsigned int i;

	remove_hypervisors(cpuid);
	if (capacity < cpuid->nent || capacity - cpuid->nent < XENEMU_CPUID_ENTRIES)
		return xenemu_fail(ENOSPC, "no room for the CPUID leaves of Xen");

	for (i = 0; i < cpuid->nent; i++) {
		if (cpuid->entries[i].function == 1)
			cpuid->entries[i].ecx |= FEATURE_HYPERVISOR;
	}

	entry = add_entry(cpuid, base, 0, 0);
	entry->eax = base + XEN_LEAVES;
	entry->ebx = XEN_CPUID_SIGNATURE_EBX;
	entry->ecx = XEN_CPUID_SIGNATURE_ECX;
	entry->edx = XEN_CPUID_SIGNATURE_EDX;

	entry = add_entry(cpuid, base + 1, 0, 0);
	entry->eax = config->xen_version ? config->xen_version : XENEMU_XEN_VERSION;

	/* One hypercall page, and the MSR that fills it. */
	entry = add_entry(cpuid, base + 2, 0, 0);
	entry->eax = 1;
	entry->ebx = config->hypercall_msr ? config->hypercall_msr : XENEMU_HYPERCALL_MSR;

	add_time_leaf(cpuid, base + 3, config->tsc_khz);

	/* Grants are mapped by backends of the host, where no IOMMU stands in the way. */
	entry = add_entry(cpuid, base + 4, 0, 0);
	entry->eax = HVM_IOMMU_MAPPINGS | HVM_VCPU_ID_PRESENT | HVM_DOMID_PRESENT;
	if (config->upcall_vector)
		entry->eax |= HVM_UPCALL_VECTOR;
	entry->ebx = config->vcpu_id;
	entry->ecx = config->domid;
	return 0;
}
