// SPDX-License-Identifier: GPL-2.0-only
/* How vCPUs are made: CPUID, and the state in which the first one starts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boot.h"
#include "cpu.h"
#include "libxenemu.h"
#include "log.h"
#include "options.h"
#include "topology.h"

#define CPUID_MAX		256

#define CR0_PE			(1UL << 0)
#define CR0_ET			(1UL << 4)
#define RFLAGS_FIXED		(1UL << 1)

#define MSR_MTRR_DEF_TYPE	0x2ff
#define MTRR_ENABLE		(1U << 11)
#define MTRR_WRITE_BACK		6

/* Selectors mean nothing before the kernel loads its own table. */
static struct kvm_segment flat_segment(uint8_t type)
{
	return (struct kvm_segment) {
		.limit = 0xffffffff,
		.type = type,
		.present = 1,
		.s = 1,
		.db = 1,
		.g = 1,
	};
}

/* The state that the PVH boot protocol asks for: 32-bit, flat, without paging. */
static int set_boot_state(int fd, const struct boot *boot)
{
	struct kvm_regs regs = {
		.rip = boot->entry,
		.rbx = boot->start_info,
		.rflags = RFLAGS_FIXED,
	};
	struct kvm_sregs sregs;

	if (ioctl(fd, KVM_GET_SREGS, &sregs) < 0)
		return -1;
	/* Code: execute, read, accessed. Data: read, write, accessed. */
	sregs.cs = flat_segment(0xb);
	sregs.ds = sregs.es = sregs.ss = sregs.fs = sregs.gs = flat_segment(0x3);
	/* A busy 32-bit task state segment, which the CPU wants to have. */
	sregs.tr = (struct kvm_segment) { .limit = 0x67, .type = 0xb, .present = 1 };
	sregs.cr0 = CR0_PE | CR0_ET;
	sregs.cr4 = 0;
	sregs.efer = 0;
	return ioctl(fd, KVM_SET_SREGS, &sregs) < 0 || ioctl(fd, KVM_SET_REGS, &regs) < 0 ? -1 : 0;
}

/*
 * As firmware would, and Xen's tools do: all memory is write-back. The kernel
 * would think that nothing is cached otherwise.
 */
static int set_memory_types(int fd)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msrs = {
		.head.nmsrs = 1,
		.entry.index = MSR_MTRR_DEF_TYPE,
		.entry.data = MTRR_ENABLE | MTRR_WRITE_BACK,
	};

	return ioctl(fd, KVM_SET_MSRS, &msrs) == 1 ? 0 : -1;
}

static int set_cpuid(const struct cpu *cpu, const struct options *options, unsigned int id,
		     const struct kvm_cpuid2 *supported, int tsc_deadline)
{
	int khz = ioctl(cpu->kvm_fd, KVM_GET_TSC_KHZ);
	struct xenemu_cpuid config = {
		.domid = options->domid,
		.vcpu_id = id,
		.tsc_khz = khz > 0 ? khz : 0,
		.upcall_vector = options->percpu_upcall,
	};
	struct kvm_cpuid2 *cpuid;
	size_t size = sizeof(*cpuid) + CPUID_MAX * sizeof(cpuid->entries[0]);
	int ret = -1;

	cpuid = malloc(size);
	if (!cpuid)
		return fail("out of memory");
	memcpy(cpuid, supported, size);

	if (topology_apply(cpuid, CPUID_MAX, id, options->cpus, tsc_deadline) ||
	    xenemu_cpuid_build(cpuid, CPUID_MAX, &config))
		fail("the host's CPU has more CPUID leaves than xenvm has room for");
	else if (ioctl(cpu->kvm_fd, KVM_SET_CPUID2, cpuid) < 0)
		fail("KVM refuses the CPUID leaves of vCPU %u: %s", id, strerror(errno));
	else
		ret = 0;
	free(cpuid);
	return ret;
}

static int create_cpu(struct cpu *cpu, const struct options *options, const struct boot *boot,
		      int kvm_fd, struct xenemu_vm *vm, unsigned int id,
		      const struct kvm_cpuid2 *supported, int tsc_deadline)
{
	cpu->kvm_fd = ioctl(kvm_fd, KVM_CREATE_VCPU, (unsigned long)id);
	if (cpu->kvm_fd < 0)
		return fail("KVM cannot make vCPU %u: %s", id, strerror(errno));

	cpu->run = mmap(NULL, cpu->cpus->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			cpu->kvm_fd, 0);
	if (cpu->run == MAP_FAILED) {
		cpu->run = NULL;
		return fail("cannot map vCPU %u: %s", id, strerror(errno));
	}

	if (set_cpuid(cpu, options, id, supported, tsc_deadline))
		return -1;
	if (set_memory_types(cpu->kvm_fd) || (!id && set_boot_state(cpu->kvm_fd, boot)))
		return fail("cannot set the registers of vCPU %u: %s", id, strerror(errno));

	cpu->xen = xenemu_cpu_create(vm, cpu->kvm_fd, cpu->run, id, id);
	return cpu->xen ? 0 : fail("%s", xenemu_error());
}

static struct kvm_cpuid2 *get_supported(int system_fd)
{
	struct kvm_cpuid2 *cpuid;

	cpuid = calloc(1, sizeof(*cpuid) + CPUID_MAX * sizeof(cpuid->entries[0]));
	if (!cpuid) {
		fail("out of memory");
		return NULL;
	}
	cpuid->nent = CPUID_MAX;
	if (ioctl(system_fd, KVM_GET_SUPPORTED_CPUID, cpuid) < 0) {
		fail("KVM does not tell what the CPU can do: %s", strerror(errno));
		free(cpuid);
		return NULL;
	}
	return cpuid;
}

int cpus_create(struct cpus *cpus, const struct options *options, const struct boot *boot,
		int system_fd, int kvm_fd, struct xenemu_vm *vm, int log_fd)
{
	int tsc_deadline = ioctl(system_fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0;
	int size = ioctl(system_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	struct kvm_cpuid2 *supported;
	unsigned int i;
	int ret = 0;

	*cpus = (struct cpus) { .log_fd = log_fd, .run_size = size };
	pthread_mutex_init(&cpus->lock, NULL);
	pthread_cond_init(&cpus->changed, NULL);

	cpus->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	cpus->cpu = calloc(options->cpus, sizeof(*cpus->cpu));
	supported = get_supported(system_fd);
	if (!cpus->cpu || !supported || cpus->event_fd < 0 || size < 0)
		ret = fail("cannot make the vCPUs: %s", strerror(errno));

	for (i = 0; !ret && i < options->cpus; i++) {
		cpus->cpu[i] = (struct cpu) { .cpus = cpus, .kvm_fd = -1 };
		cpus->nr = i + 1;
		ret = create_cpu(&cpus->cpu[i], options, boot, kvm_fd, vm, i, supported,
				 tsc_deadline);
	}
	free(supported);
	if (ret)
		cpus_destroy(cpus);
	return ret;
}

void cpus_destroy(struct cpus *cpus)
{
	unsigned int i;

	for (i = 0; i < cpus->nr; i++) {
		struct cpu *cpu = &cpus->cpu[i];

		xenemu_cpu_destroy(cpu->xen);
		if (cpu->run)
			munmap(cpu->run, cpus->run_size);
		if (cpu->kvm_fd >= 0)
			close(cpu->kvm_fd);
	}
	free(cpus->cpu);
	if (cpus->event_fd >= 0)
		close(cpus->event_fd);
	pthread_cond_destroy(&cpus->changed);
	pthread_mutex_destroy(&cpus->lock);
}
