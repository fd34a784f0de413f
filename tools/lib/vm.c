// SPDX-License-Identifier: GPL-2.0-only
/* A domain: memory, parameters and what a toolstack prepares for the guest. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

/* Where the local APIC is mapped at reset. */
#define APIC_BASE	0xfee00000ULL

/* For XenStore, the console and the queues of some devices. */
#define EVENTFDS	16

static int create_domain(const struct xenemu_vm_config *config)
{
	struct xenemu_host_create_domain args = {
		.size = sizeof(args),
		.kvm_fd = config->kvm_fd,
		.domid = config->domid,
		.hypercall_msr = config->hypercall_msr,
		.xen_version = config->xen_version,
		.max_grant_frames = config->max_grant_frames,
		.max_pages = config->max_pages,
	};
	int fd;

	memcpy(args.handle, config->handle, sizeof(args.handle));
	fd = ioctl(config->host_fd, XENEMU_HOST_CREATE_DOMAIN, &args);
	if (fd >= 0)
		return fd;

	switch (errno) {
	case EOPNOTSUPP:
		return xenemu_fail(errno, "KVM of this kernel lacks what a Xen guest needs; boot one with CONFIG_KVM_XEN");
	case EEXIST:
		return xenemu_fail(errno, "there is a domain %u already; choose another number",
				   config->domid);
	case EINVAL:
		return xenemu_fail(errno, "%u is no domain number (1 to %u), or the KVM VM has no local APIC",
				   config->domid, 0x7fefU);
	default:
		return xenemu_fail(errno, "cannot make domain %u: %s", config->domid,
				   strerror(errno));
	}
}

/* Those ports that have none work as well, so it does not matter if there are fewer. */
static int add_eventfds(struct xenemu_vm *vm)
{
	struct xenemu_domain_add_eventfd args = { .size = sizeof(args) };
	int i, ret = 0;

	for (i = 0; !ret && i < EVENTFDS; i++) {
		args.eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (args.eventfd < 0)
			return xenemu_fail(errno, "cannot make an eventfd");
		if (ioctl(vm->fd, XENEMU_DOMAIN_ADD_EVENTFD, &args) < 0)
			ret = xenemu_fail(errno, "XENEMU_DOMAIN_ADD_EVENTFD");
		close(args.eventfd);
	}
	return ret;
}

struct xenemu_vm *xenemu_vm_create(const struct xenemu_vm_config *config)
{
	struct xenemu_vm *vm = calloc(1, sizeof(*vm));
	int ret;

	if (!vm) {
		xenemu_fail(ENOMEM, "out of memory");
		return NULL;
	}

	vm->config = *config;
	vm->fd = create_domain(config);
	if (vm->fd < 0) {
		free(vm);
		return NULL;
	}
	pthread_mutex_init(&vm->lock, NULL);

	ret = xenemu_vm_reserve(vm, APIC_BASE, XENEMU_PAGE_SIZE);
	if (!ret)
		ret = add_eventfds(vm);
	if (ret) {
		xenemu_vm_destroy(vm);
		return NULL;
	}
	return vm;
}

void xenemu_vm_destroy(struct xenemu_vm *vm)
{
	if (!vm)
		return;
	close(vm->fd);
	xenemu_back_destroy(vm);
	pthread_mutex_destroy(&vm->lock);
	free(vm);
}

int xenemu_vm_fd(const struct xenemu_vm *vm)
{
	return vm->fd;
}

static int set_kvm_slot(struct xenemu_vm *vm, const struct xenemu_memory *memory, uint64_t len)
{
	struct kvm_userspace_memory_region region = {
		.slot = memory->slot,
		.flags = memory->flags & XENEMU_MEMORY_READONLY ? KVM_MEM_READONLY : 0,
		.guest_phys_addr = memory->guest_addr,
		.memory_size = len,
		.userspace_addr = (uintptr_t)memory->user_addr,
	};

	return ioctl(vm->config.kvm_fd, KVM_SET_USER_MEMORY_REGION, &region) < 0 ? -errno : 0;
}

int xenemu_add_memory_locked(struct xenemu_vm *vm, const struct xenemu_memory *memory,
			     bool window)
{
	struct xenemu_domain_set_memory args = {
		.size = sizeof(args),
		.flags = memory->flags,
		.guest_addr = memory->guest_addr,
		.len = memory->len,
		.user_addr = (uintptr_t)memory->user_addr,
	};
	struct range range = {
		.gfn = memory->guest_addr >> XENEMU_PAGE_SHIFT,
		.nr = memory->len >> XENEMU_PAGE_SHIFT,
		.addr = memory->user_addr,
		.window = window,
	};
	int ret;

	/* KVM first: once xenemu knows of the RAM it may point KVM at it. */
	ret = set_kvm_slot(vm, memory, memory->len);
	if (ret)
		return xenemu_fail(-ret, "KVM refuses RAM at 0x%llx, %llu bytes: %s",
				   (unsigned long long)memory->guest_addr,
				   (unsigned long long)memory->len, strerror(-ret));

	if (ioctl(vm->fd, XENEMU_DOMAIN_SET_MEMORY, &args) < 0) {
		ret = xenemu_fail(errno, "xenemu refuses RAM at 0x%llx, %llu bytes: %s",
				  (unsigned long long)memory->guest_addr,
				  (unsigned long long)memory->len, strerror(errno));
		set_kvm_slot(vm, memory, 0);
		return ret;
	}

	ret = xenemu_ranges_add(vm, &range);
	if (ret) {
		args.len = 0;
		args.user_addr = 0;
		ioctl(vm->fd, XENEMU_DOMAIN_SET_MEMORY, &args);
		set_kvm_slot(vm, memory, 0);
	}
	return ret;
}

int xenemu_vm_add_memory(struct xenemu_vm *vm, const struct xenemu_memory *memory)
{
	int ret;

	if (!memory->len || (memory->guest_addr | memory->len) & (XENEMU_PAGE_SIZE - 1) ||
	    (uintptr_t)memory->user_addr & (XENEMU_PAGE_SIZE - 1))
		return xenemu_fail(EINVAL, "RAM must be aligned to pages");

	pthread_mutex_lock(&vm->lock);
	ret = xenemu_add_memory_locked(vm, memory, false);
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

int xenemu_vm_reserve(struct xenemu_vm *vm, uint64_t guest_addr, uint64_t len)
{
	struct range range = {
		.gfn = guest_addr >> XENEMU_PAGE_SHIFT,
		.nr = len >> XENEMU_PAGE_SHIFT,
	};
	int ret;

	if (!len || (guest_addr | len) & (XENEMU_PAGE_SIZE - 1))
		return xenemu_fail(EINVAL, "a reserved range must be aligned to pages");

	pthread_mutex_lock(&vm->lock);
	ret = xenemu_ranges_add(vm, &range);
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

int xenemu_vm_set_memory_map(struct xenemu_vm *vm, const struct xenemu_memory_map_entry *map,
			     unsigned int nr)
{
	struct xenemu_domain_set_memory_map args = {
		.size = sizeof(args),
		.entries = (uintptr_t)map,
		.nr_entries = nr,
	};

	if (ioctl(vm->fd, XENEMU_DOMAIN_SET_MEMORY_MAP, &args) < 0)
		return xenemu_fail(errno, "cannot set the memory map: %s", strerror(errno));
	return 0;
}

int xenemu_vm_set_param(struct xenemu_vm *vm, uint32_t index, uint64_t value)
{
	struct xenemu_domain_param args = {
		.size = sizeof(args),
		.index = index,
		.value = value,
	};

	if (ioctl(vm->fd, XENEMU_DOMAIN_SET_PARAM, &args) < 0)
		return xenemu_fail(errno, "cannot set HVM parameter %u: %s", index,
				   strerror(errno));
	return 0;
}

int xenemu_vm_get_param(struct xenemu_vm *vm, uint32_t index, uint64_t *value)
{
	struct xenemu_domain_param args = {
		.size = sizeof(args),
		.index = index,
	};

	if (ioctl(vm->fd, XENEMU_DOMAIN_GET_PARAM, &args) < 0)
		return xenemu_fail(errno, "cannot get HVM parameter %u: %s", index,
				   strerror(errno));
	*value = args.value;
	return 0;
}

int xenemu_vm_alloc_unbound(struct xenemu_vm *vm, uint32_t remote_domid, uint32_t *port)
{
	struct xenemu_domain_alloc_unbound args = {
		.size = sizeof(args),
		.remote_domid = remote_domid,
	};

	if (ioctl(vm->fd, XENEMU_DOMAIN_ALLOC_UNBOUND, &args) < 0)
		return xenemu_fail(errno, "cannot give the guest an event channel: %s",
				   strerror(errno));
	*port = args.out_port;
	return 0;
}

int xenemu_vm_seed_grant(struct xenemu_vm *vm, uint32_t gref, uint32_t domid, uint64_t gfn)
{
	struct xenemu_domain_seed_grant args = {
		.size = sizeof(args),
		.gref = gref,
		.domid = domid,
		.gfn = gfn,
	};

	if (ioctl(vm->fd, XENEMU_DOMAIN_SEED_GRANT, &args) < 0)
		return xenemu_fail(errno, "cannot grant frame 0x%llx on the guest's behalf: %s",
				   (unsigned long long)gfn, strerror(errno));
	return 0;
}

int xenemu_vm_send_virq(struct xenemu_vm *vm, uint32_t virq, uint32_t vcpu_id)
{
	struct xenemu_domain_send_virq args = {
		.size = sizeof(args),
		.virq = virq,
		.vcpu_id = vcpu_id,
	};

	if (ioctl(vm->fd, XENEMU_DOMAIN_SEND_VIRQ, &args) < 0)
		return xenemu_fail(errno, "cannot send VIRQ %u to vCPU %u: %s", virq, vcpu_id,
				   strerror(errno));
	return 0;
}

int xenemu_vm_reset(struct xenemu_vm *vm)
{
	struct xenemu_domain_reset args = { .size = sizeof(args) };

	if (ioctl(vm->fd, XENEMU_DOMAIN_RESET, &args) < 0)
		return xenemu_fail(errno, "cannot reset the domain: %s", strerror(errno));
	xenemu_upcall_reset(vm);
	return 0;
}
