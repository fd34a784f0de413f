// SPDX-License-Identifier: GPL-2.0-only
/*
 * Upcalls by a vector of each vCPU's local APIC
 * (HVMOP_set_evtchn_upcall_vector).
 *
 * xenemu signals an eventfd, KVM turns it into an MSI by a route of one GSI per
 * vCPU. KVM only takes whole routing tables, so the table is made anew from the
 * vCPUs' vectors at each change.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

#define MSI_ADDRESS		0xfee00000U
#define MSI_DEST_SHIFT		12

/* Caller holds vm->lock. */
static int set_routes(struct xenemu_vm *vm)
{
	struct kvm_irq_routing *table;
	unsigned int i;
	int ret = 0;

	table = calloc(1, sizeof(*table) + MAX_CPUS * sizeof(table->entries[0]));
	if (!table)
		return -ENOMEM;

	for (i = 0; i < MAX_CPUS; i++) {
		const struct xenemu_cpu *cpu = vm->cpus[i];
		struct kvm_irq_routing_entry *entry = &table->entries[table->nr];

		if (!cpu || !cpu->upcall_vector)
			continue;
		entry->gsi = vm->config.upcall_gsi_first + i;
		entry->type = KVM_IRQ_ROUTING_MSI;
		/* Physical destination, fixed delivery, edge triggered. */
		entry->u.msi.address_lo = MSI_ADDRESS | (cpu->apic_id & 0xff) << MSI_DEST_SHIFT;
		entry->u.msi.address_hi = cpu->apic_id & ~0xffU;
		entry->u.msi.data = cpu->upcall_vector;
		table->nr++;
	}

	if (ioctl(vm->config.kvm_fd, KVM_SET_GSI_ROUTING, table) < 0)
		ret = -errno;
	free(table);
	return ret;
}

static int set_irqfd(const struct xenemu_cpu *cpu, int fd, uint32_t flags)
{
	struct kvm_irqfd args = {
		.fd = fd,
		.gsi = cpu->vm->config.upcall_gsi_first + cpu->vcpu_id,
		.flags = flags,
	};

	return ioctl(cpu->vm->config.kvm_fd, KVM_IRQFD, &args) < 0 ? -errno : 0;
}

static int hand_over(const struct xenemu_cpu *cpu, int fd)
{
	struct xenemu_vcpu_set_upcall args = {
		.size = sizeof(args),
		.eventfd = fd,
	};

	return ioctl(cpu->fd, XENEMU_VCPU_SET_UPCALL, &args) < 0 ? -errno : 0;
}

/* Caller holds vm->lock. */
static void drop_eventfd(struct xenemu_cpu *cpu)
{
	if (cpu->upcall_fd < 0)
		return;
	set_irqfd(cpu, cpu->upcall_fd, KVM_IRQFD_FLAG_DEASSIGN);
	close(cpu->upcall_fd);
	cpu->upcall_fd = -1;
}

/* Caller holds vm->lock. */
static int set_vector(struct xenemu_cpu *cpu, uint32_t vector)
{
	uint32_t old = cpu->upcall_vector;
	int ret;

	cpu->upcall_vector = vector;
	if (!vector) {
		ret = hand_over(cpu, -1);
		drop_eventfd(cpu);
		set_routes(cpu->vm);
		return ret;
	}

	/* The route first: an irqfd without one loses what is signalled. */
	ret = set_routes(cpu->vm);
	if (!ret && cpu->upcall_fd < 0) {
		cpu->upcall_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		ret = cpu->upcall_fd < 0 ? -errno : set_irqfd(cpu, cpu->upcall_fd, 0);
	}
	if (!ret)
		ret = hand_over(cpu, cpu->upcall_fd);
	if (ret) {
		cpu->upcall_vector = old;
		if (!old)
			drop_eventfd(cpu);
		set_routes(cpu->vm);
	}
	return ret;
}

int xenemu_upcall_set(struct xenemu_vm *vm, uint32_t vcpu_id, uint32_t vector)
{
	int ret = -ENOENT;

	if (vector > 0xff)
		return xenemu_fail(EINVAL, "0x%x is no vector", vector);

	pthread_mutex_lock(&vm->lock);
	if (vcpu_id < MAX_CPUS && vm->cpus[vcpu_id])
		ret = set_vector(vm->cpus[vcpu_id], vector);
	pthread_mutex_unlock(&vm->lock);

	if (ret)
		return xenemu_fail(-ret, "cannot route upcalls of vCPU %u to vector 0x%x: %s",
				   vcpu_id, vector, strerror(-ret));
	return 0;
}

void xenemu_upcall_reset(struct xenemu_vm *vm)
{
	unsigned int i;

	pthread_mutex_lock(&vm->lock);
	for (i = 0; i < MAX_CPUS; i++) {
		if (vm->cpus[i] && vm->cpus[i]->upcall_vector)
			set_vector(vm->cpus[i], 0);
	}
	pthread_mutex_unlock(&vm->lock);
}
