/* SPDX-License-Identifier: GPL-2.0-only */
/* What CPUID tells a vCPU about itself and its place among the others. */
#ifndef XENVM_TOPOLOGY_H
#define XENVM_TOPOLOGY_H

#include <linux/kvm.h>

/*
 * topology_apply - make a CPUID table that of vCPU @id of @cpus
 * @cpuid: as KVM_GET_SUPPORTED_CPUID filled it in
 * @capacity: entries that fit
 * @tsc_deadline: KVM has the local APIC's TSC deadline timer
 *
 * One socket of @cpus cores without threads; APIC id and number are the same.
 *
 * Return: 0, or -1 if @capacity does not do.
 */
int topology_apply(struct kvm_cpuid2 *cpuid, unsigned int capacity, unsigned int id,
		   unsigned int cpus, int tsc_deadline);

#endif /* XENVM_TOPOLOGY_H */
