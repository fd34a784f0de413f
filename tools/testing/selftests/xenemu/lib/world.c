// SPDX-License-Identifier: GPL-2.0-only
#include "world.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/hvm/params.h>

#include "xs.h"

/* A guest that asks for something for ever is not served for ever. */
#define MAX_EXITS	8

static void map_grant_frame(struct vm *vm)
{
	struct { uint16_t domid, size; uint32_t space; uint64_t idx, gfn; } arg = {
		.domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .gfn = WORLD_TABLE_GFN,
	};

	if (hypercall_arg(&vm->vcpus[0], __HYPERVISOR_memory_op, XENMEM_add_to_physmap, &arg,
			  sizeof(arg)))
		errx(1, "XENMEM_add_to_physmap");
}

static void grant_pages(struct vm *vm, unsigned int other)
{
	static const struct { uint16_t domid, flags; } grants[] = {
		{ 0, GTF_permit_access }, { 0, GTF_permit_access },
		{ 0, GTF_permit_access }, { DOMID_SELF, GTF_permit_access },
		{ 0, GTF_permit_access | GTF_readonly },
	};
	struct grant_entry_v1 *table = vm_ptr(vm, WORLD_TABLE_GFN * PAGE);
	unsigned int i;

	for (i = 0; i < sizeof(grants) / sizeof(grants[0]); i++) {
		table[WORLD_GREF + i] = (struct grant_entry_v1){
			.domid = grants[i].domid == DOMID_SELF ? other : grants[i].domid,
			.frame = WORLD_DATA_GFN + i,
			.flags = grants[i].flags,
		};
	}
}

static void set_param(struct vm *vm, unsigned int index, uint64_t value)
{
	struct xenemu_domain_param arg = { .size = sizeof(arg), .index = index, .value = value };

	if (xioctl(vm->domain_fd, XENEMU_DOMAIN_SET_PARAM, &arg))
		errx(1, "XENEMU_DOMAIN_SET_PARAM");
}

/* As a toolstack does it: a home in the store, ports, and the ring's introduction. */
static void connect_store(struct world *w, struct vm *vm)
{
	struct xenemu_domain_alloc_unbound alloc = { .size = sizeof(alloc) };
	int dom0 = w->fd[WORLD_STORE][0];
	char path[32], body[64];
	int len;

	snprintf(path, sizeof(path), "/local/domain/%u", vm->domid);
	xs_write_node(dom0, 0, path, "");
	len = snprintf(body, sizeof(body), "%s%cn%u", path, 0, vm->domid);
	xs_call(dom0, XS_SET_PERMS, 0, body, len + 1, NULL);
	if (xioctl(vm->domain_fd, XENEMU_DOMAIN_ALLOC_UNBOUND, &alloc))
		errx(1, "XENEMU_DOMAIN_ALLOC_UNBOUND");
	set_param(vm, HVM_PARAM_STORE_PFN, WORLD_RING_GFN);
	set_param(vm, HVM_PARAM_STORE_EVTCHN, alloc.out_port);
	len = snprintf(body, sizeof(body), "%u%c%u%c%u", vm->domid, 0, WORLD_RING_GFN, 0,
		       alloc.out_port);
	xs_call(dom0, XS_INTRODUCE, 0, body, len + 1, NULL);
}

static bool open_backend(struct world *w, enum world_kind kind, unsigned long request,
			 unsigned int domid)
{
	int *fd = &w->fd[kind][domid];

	if (*fd >= 0)
		return true;
	*fd = host_open_fd(w->vm.host_fd, request, domid);
	if (*fd < 0)
		return false;
	fcntl(*fd, F_SETFL, O_RDWR | O_NONBLOCK);
	return true;
}

/* False if a domain is not there. */
static bool open_backends(struct world *w)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		if (!open_backend(w, WORLD_STORE, XENEMU_HOST_OPEN_STORE, i) ||
		    !open_backend(w, WORLD_EVTCHN, XENEMU_HOST_OPEN_EVTCHN, i) ||
		    !open_backend(w, WORLD_GNTTAB, XENEMU_HOST_OPEN_GNTTAB, i))
			return false;
	}
	return true;
}

static void make_memory(struct world *w)
{
	w->buf = mmap(NULL, WORLD_BUF_SIZE + PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	w->readonly = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	w->nowhere = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (w->buf == MAP_FAILED || w->readonly == MAP_FAILED || w->nowhere == MAP_FAILED ||
	    mprotect(w->buf + WORLD_BUF_SIZE, PAGE, PROT_NONE))
		err(1, "memory");
}

static void make_args(struct world *w)
{
	int *arg = w->arg_fd;

	arg[WORLD_ARG_NONE] = -1;
	arg[WORLD_ARG_NULL] = open("/dev/null", O_RDWR | O_CLOEXEC);
	arg[WORLD_ARG_HOST] = dup(w->vm.host_fd);
	arg[WORLD_ARG_DOMAIN] = dup(w->vm.domain_fd);
	arg[WORLD_ARG_VCPU] = dup(w->vm.vcpus[0].fd);
	arg[WORLD_ARG_STORE] = dup(w->fd[WORLD_STORE][0]);
	arg[WORLD_ARG_SPARE_VM] = kvm_create_vm();
	arg[WORLD_ARG_SPARE_VCPU] = kvm_create_vcpu(w->vm.kvm_fd, 7, &w->spare_run);
	arg[WORLD_ARG_VM] = dup(w->vm.kvm_fd);
	arg[WORLD_ARG_KVM_VCPU] = dup(w->vm.vcpus[0].kvm_fd);
	arg[WORLD_ARG_EVENTFD] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

/* From here on they are the slots': a call may close them. */
static void move_fds(struct world *w)
{
	w->fd[WORLD_HOST][0] = dup(w->vm.host_fd);
	w->fd[WORLD_DOMAIN][0] = w->vm.domain_fd;
	w->fd[WORLD_DOMAIN][1] = w->other.domain_fd;
	w->fd[WORLD_VCPU][0] = w->vm.vcpus[0].fd;
	w->fd[WORLD_VCPU][1] = w->vm.vcpus[1].fd;
	w->fd[WORLD_VCPU][2] = w->other.vcpus[0].fd;
	w->vm.domain_fd = -1;
	w->other.domain_fd = -1;
	w->vm.vcpus[0].fd = -1;
	w->vm.vcpus[1].fd = -1;
	w->other.vcpus[0].fd = -1;
	w->run[0] = w->vm.vcpus[0].run;
	w->run[1] = w->vm.vcpus[1].run;
	w->run[2] = w->other.vcpus[0].run;
}

void world_create(struct world *w)
{
	struct vm_config config = { .nr_vcpus = 2, .max_grant_frames = 8 };
	struct vm_config other = { .domid = 2 };

	memset(w, 0, sizeof(*w));
	memset(w->fd, 0xff, sizeof(w->fd));
	make_memory(w);
	vm_create(&w->vm, &config);
	other.host_fd = w->vm.host_fd;
	vm_create(&w->other, &other);
	vm_enable_events(&w->vm, WORLD_SHARED_INFO_GFN);
	vm_enable_events(&w->other, WORLD_SHARED_INFO_GFN);
	map_grant_frame(&w->vm);
	map_grant_frame(&w->other);
	grant_pages(&w->vm, 2);
	grant_pages(&w->other, 1);

	if (!open_backends(w))
		errx(1, "a backend's fd");
	connect_store(w, &w->vm);
	connect_store(w, &w->other);
	make_args(w);
	move_fds(w);
}

void world_destroy(struct world *w)
{
	unsigned int kind, i;

	for (i = 0; i < WORLD_SLOTS; i++)
		world_unmap(w, i);
	for (kind = 0; kind < WORLD_NR_KINDS; kind++)
		for (i = 0; i < WORLD_SLOTS; i++)
			close(w->fd[kind][i]);
	for (i = 0; i < WORLD_NR_ARGS; i++)
		close(w->arg_fd[i]);
	if (w->run[3])
		munmap(w->run[3], sizeof(*w->run[3]));
	munmap(w->spare_run, 3 * PAGE);
	munmap(w->buf, WORLD_BUF_SIZE + PAGE);
	munmap(w->readonly, PAGE);
	munmap(w->nowhere, PAGE);
	vm_destroy(&w->other);
	vm_destroy(&w->vm);
}

struct vm_vcpu *world_vcpu(struct world *w, unsigned int slot)
{
	if (slot < 2)
		return &w->vm.vcpus[slot];
	return slot == 2 ? &w->other.vcpus[0] : NULL;
}

void world_put_fd(struct world *w, enum world_kind kind, unsigned int slot, int fd)
{
	close(w->fd[kind][slot]);
	w->fd[kind][slot] = fd;
	if (kind == WORLD_STORE || kind == WORLD_EVTCHN)
		fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
	if (kind != WORLD_VCPU)
		return;
	if (w->run[slot])
		munmap(w->run[slot], sizeof(*w->run[slot]));
	w->run[slot] = mmap(NULL, sizeof(*w->run[slot]), PROT_READ | PROT_WRITE, MAP_SHARED,
			    fd, 0);
	if (w->run[slot] == MAP_FAILED)
		w->run[slot] = NULL;
	if (slot < 3)
		world_vcpu(w, slot)->run = w->run[slot];
}

void world_fill(uint8_t *at, const void *data, size_t len, const void *tail, size_t tail_len)
{
	size_t i;

	memset(at, 0, PAGE);
	for (i = 0; len && i + len <= WORLD_ARRAY; i += len)
		memcpy(at + i, data, len);
	memcpy(at + WORLD_ARRAY, tail, tail_len < WORLD_ARRAY ? tail_len : WORLD_ARRAY);
}

static int64_t call_by_guest(struct world *w, const struct world_hcall *hcall)
{
	struct vm_vcpu *vcpu = world_vcpu(w, hcall->slot);
	struct xenemu_vcpu_run_arg arg = { .size = sizeof(arg) };
	unsigned int i;
	int ret;

	vcpu_command(vcpu, GUEST_OP_HYPERCALL, hcall->nr, hcall->args);
	for (i = 0; i < MAX_EXITS; i++) {
		ret = xioctl(w->fd[WORLD_VCPU][hcall->slot], XENEMU_VCPU_RUN, &arg);
		if (ret)
			return ret;
		if (vcpu->run->exit_reason == XENEMU_EXIT_KVM)
			break;
		vcpu->run->answer = hcall->answer;
	}
	if (vcpu->kvm_run->exit_reason != KVM_EXIT_IO)
		return -EIO;
	return vcpu_result(vcpu);
}

int64_t world_hypercall(struct world *w, const struct world_hcall *hcall)
{
	struct vm *vm = hcall->slot == 2 ? &w->other : &w->vm;
	struct xenemu_vcpu_run *run = w->run[hcall->slot];
	struct xenemu_vcpu_hypercall arg = {
		.size = sizeof(arg), .longmode = hcall->bits == 64, .input = hcall->nr,
	};
	unsigned int i;
	int ret;

	world_fill(vm_ptr(vm, GUEST_DATA), hcall->data, hcall->len, hcall->tail,
		   hcall->tail_len);
	if (!run)
		return -ENOENT;
	if (hcall->by_guest && hcall->slot < 3)
		return call_by_guest(w, hcall);
	memcpy(arg.params, hcall->args, sizeof(arg.params));
	for (i = 0; i < MAX_EXITS; i++) {
		ret = xioctl(w->fd[WORLD_VCPU][hcall->slot], XENEMU_VCPU_HYPERCALL, &arg);
		if (ret || run->exit_reason == XENEMU_EXIT_KVM)
			break;
		run->answer = hcall->answer;
	}
	return ret ?: (int64_t)arg.out_result;
}

bool world_mend(struct world *w)
{
	struct world_hcall version = {
		.by_guest = true, .bits = 64, .nr = __HYPERVISOR_xen_version,
	};

	world_put_fd(w, WORLD_HOST, 0, dup(w->vm.host_fd));
	world_put_fd(w, WORLD_DOMAIN, 0, dup(w->arg_fd[WORLD_ARG_DOMAIN]));
	world_put_fd(w, WORLD_VCPU, 0, dup(w->arg_fd[WORLD_ARG_VCPU]));
	if (!open_backends(w))
		return false;
	for (; version.slot < 3; version.slot++) {
		if (world_hypercall(w, &version) < 0)
			return false;
	}
	return true;
}

void world_unmap(struct world *w, unsigned int slot)
{
	if (w->map[slot].addr)
		munmap(w->map[slot].addr, w->map[slot].len);
	w->map[slot].addr = NULL;
}

int world_map(struct world *w, unsigned int slot, int fd, uint64_t offset, size_t len, int prot)
{
	void *addr;

	world_unmap(w, slot);
	addr = mmap(NULL, len, prot, MAP_SHARED, fd, offset);
	if (addr == MAP_FAILED)
		return -errno;
	w->map[slot].addr = addr;
	w->map[slot].len = len;
	return 0;
}

/* By the kernel, which says EFAULT where we should be killed. */
void world_touch(struct world *w, unsigned int slot)
{
	const struct world_map *map = &w->map[slot];
	int pipe_fd[2];
	size_t i;

	if (pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK))
		return;
	for (i = 0; map->addr && i < map->len; i += PAGE) {
		if (write(pipe_fd[1], map->addr + i + 7, 1) != 1 &&
		    write(pipe_fd[1], "", 1) != 1)
			break;
		if (read(pipe_fd[0], map->addr + i + 8, 1) != 1)
			break;
	}
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}
