// SPDX-License-Identifier: GPL-2.0-only
/* A vCPU and its run loop. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

struct xenemu_cpu *xenemu_cpu_create(struct xenemu_vm *vm, int kvm_fd, struct kvm_run *run,
				     uint32_t vcpu_id, uint32_t apic_id)
{
	struct xenemu_domain_create_vcpu args = {
		.size = sizeof(args),
		.kvm_fd = kvm_fd,
		.vcpu_id = vcpu_id,
		.apic_id = apic_id,
		.kvm_run = (uintptr_t)run,
	};
	struct xenemu_query query;
	struct xenemu_cpu *cpu;

	if (vcpu_id >= MAX_CPUS) {
		xenemu_fail(ENOSPC, "a domain cannot have a vCPU %u", vcpu_id);
		return NULL;
	}
	if (xenemu_get_query(vm->config.host_fd, &query))
		return NULL;

	cpu = calloc(1, sizeof(*cpu));
	if (!cpu) {
		xenemu_fail(ENOMEM, "out of memory");
		return NULL;
	}
	cpu->vm = vm;
	cpu->kvm_run = run;
	cpu->vcpu_id = vcpu_id;
	cpu->apic_id = apic_id;
	cpu->upcall_fd = -1;

	cpu->fd = ioctl(vm->fd, XENEMU_DOMAIN_CREATE_VCPU, &args);
	if (cpu->fd < 0) {
		if (errno == ENOSPC)
			xenemu_fail(errno, "a domain can have no more than %u vCPUs",
				    query.out_max_vcpus);
		else
			xenemu_fail(errno, "cannot make vCPU %u: %s", vcpu_id, strerror(errno));
		goto err_free;
	}

	cpu->run_size = query.out_vcpu_run_size;
	cpu->run = mmap(NULL, cpu->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu->fd, 0);
	if (cpu->run == MAP_FAILED) {
		xenemu_fail(errno, "cannot map vCPU %u: %s", vcpu_id, strerror(errno));
		goto err_close;
	}

	pthread_mutex_lock(&vm->lock);
	vm->cpus[vcpu_id] = cpu;
	pthread_mutex_unlock(&vm->lock);
	return cpu;

err_close:
	close(cpu->fd);
err_free:
	free(cpu);
	return NULL;
}

void xenemu_cpu_destroy(struct xenemu_cpu *cpu)
{
	if (!cpu)
		return;

	pthread_mutex_lock(&cpu->vm->lock);
	cpu->vm->cpus[cpu->vcpu_id] = NULL;
	pthread_mutex_unlock(&cpu->vm->lock);

	munmap(cpu->run, cpu->run_size);
	close(cpu->fd);
	/* KVM drops the irqfd with the last reference to the eventfd. */
	if (cpu->upcall_fd >= 0)
		close(cpu->upcall_fd);
	free(cpu);
}

int xenemu_cpu_fd(const struct xenemu_cpu *cpu)
{
	return cpu->fd;
}

uint32_t xenemu_cpu_id(const struct xenemu_cpu *cpu)
{
	return cpu->vcpu_id;
}

static void release_gfns(struct xenemu_cpu *cpu, const struct xenemu_run_ops *ops, void *arg)
{
	const uint64_t *gfns = (const uint64_t *)cpu->run->gfn;
	uint32_t nr = cpu->run->release.nr;

	if (nr > XENEMU_RUN_DATA_SIZE / sizeof(gfns[0]))
		nr = XENEMU_RUN_DATA_SIZE / sizeof(gfns[0]);

	if (ops->release_gfns)
		ops->release_gfns(cpu, gfns, nr, arg);
	else
		xenemu_back_release(cpu->vm, gfns, nr);
}

static void console(struct xenemu_cpu *cpu, const struct xenemu_run_ops *ops, void *arg)
{
	uint32_t len = cpu->run->console.len;

	if (len > XENEMU_RUN_DATA_SIZE)
		len = XENEMU_RUN_DATA_SIZE;
	if (ops->console)
		ops->console(cpu, (const char *)cpu->run->bytes, len, arg);
}

/* Do what an exit of xenemu's asks for. Returns 0 to go on. */
static int handle_exit(struct xenemu_cpu *cpu, const struct xenemu_run_ops *ops, void *arg)
{
	struct xenemu_vcpu_run *run = cpu->run;
	int answer = 0;
	int ret = 0;

	switch (run->exit_reason) {
	case XENEMU_EXIT_KVM:
		return ops->kvm_exit(cpu, cpu->kvm_run, arg);
	case XENEMU_EXIT_BACK_GFN:
		if (ops->back_gfn)
			answer = ops->back_gfn(cpu, run->back.gfn, run->back.nr, arg);
		else
			answer = xenemu_back_gfn(cpu->vm, run->back.gfn, run->back.nr);
		break;
	case XENEMU_EXIT_SHUTDOWN:
		ret = ops->shutdown(cpu, run->shutdown.reason, &answer, arg);
		break;
	case XENEMU_EXIT_UPCALL_VECTOR:
		if (ops->upcall_vector)
			answer = ops->upcall_vector(cpu, run->upcall.vcpu_id, run->upcall.vector,
						    arg);
		else
			answer = xenemu_upcall_set(cpu->vm, run->upcall.vcpu_id,
						   run->upcall.vector);
		break;
	case XENEMU_EXIT_RELEASE_GFNS:
		release_gfns(cpu, ops, arg);
		break;
	case XENEMU_EXIT_CONSOLE:
		console(cpu, ops, arg);
		break;
	default:
		/* A newer kernel asks for something that this library has never heard of. */
		answer = -EOPNOTSUPP;
		break;
	}
	run->answer = answer;
	return ret;
}

int xenemu_cpu_run(struct xenemu_cpu *cpu, const struct xenemu_run_ops *ops, void *arg)
{
	struct xenemu_vcpu_run_arg args = { .size = sizeof(args) };
	int ret;

	for (;;) {
		if (ioctl(cpu->fd, XENEMU_VCPU_RUN, &args) < 0) {
			/* KVM's EAGAIN: a vCPU that waits to be started was woken. */
			if (errno == EAGAIN)
				continue;
			if (errno != EINTR)
				return xenemu_fail(errno, "vCPU %u cannot run: %s", cpu->vcpu_id,
						   strerror(errno));
			ret = ops->interrupted(cpu, arg);
		} else {
			ret = handle_exit(cpu, ops, arg);
		}
		if (ret)
			return ret;
	}
}
