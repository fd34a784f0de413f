// SPDX-License-Identifier: GPL-2.0-only
/*
 * The general format of ioctls: sizes, unknown bytes, unknown numbers, bad
 * pointers, reserved members; for each ioctl on each fd.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xen/memory.h>

#include "../kselftest_harness.h"
#include "vm.h"

enum which { HOST, DOMAIN, VCPU, STORE };

static const struct call {
	const char *name;
	enum which fd;
	unsigned long request;
	size_t size;	/* of the structure */
	size_t min;	/* end of the last member that has always been there */
	size_t reserved;	/* offset of a member that must be 0; 0 if none */
} calls[] = {
#define CALL(fd, request, type, last, reserved) \
	{ #request, fd, request, sizeof(struct type), \
	  offsetof(struct type, last) + sizeof(((struct type *)0)->last), reserved }
	CALL(HOST, XENEMU_QUERY, xenemu_query, out_memory_flags, 0),
	CALL(HOST, XENEMU_HOST_CREATE_DOMAIN, xenemu_host_create_domain, handle, 0),
	CALL(HOST, XENEMU_HOST_OPEN_STORE, xenemu_host_open, connection, 0),
	CALL(HOST, XENEMU_HOST_OPEN_EVTCHN, xenemu_host_open, connection, 12),
	CALL(HOST, XENEMU_HOST_OPEN_GNTTAB, xenemu_host_open, connection, 12),
	CALL(HOST, XENEMU_HOST_SAVE_STORE, xenemu_host_save_store, out_generation, 12),
	CALL(HOST, XENEMU_HOST_RESTORE_STORE, xenemu_host_restore_store, out_offset, 0),
	CALL(HOST, XENEMU_HOST_PAUSE_STORE, xenemu_host_pause_store, __reserved, 12),
	CALL(DOMAIN, XENEMU_QUERY, xenemu_query, out_memory_flags, 0),
	CALL(DOMAIN, XENEMU_DOMAIN_SET_MEMORY, xenemu_domain_set_memory, user_addr, 0),
	CALL(DOMAIN, XENEMU_DOMAIN_SET_MEMORY_MAP, xenemu_domain_set_memory_map, __reserved, 20),
	CALL(DOMAIN, XENEMU_DOMAIN_CREATE_VCPU, xenemu_domain_create_vcpu, kvm_run, 20),
	CALL(DOMAIN, XENEMU_DOMAIN_SET_PARAM, xenemu_domain_param, value, 12),
	CALL(DOMAIN, XENEMU_DOMAIN_GET_PARAM, xenemu_domain_param, value, 12),
	CALL(DOMAIN, XENEMU_DOMAIN_ALLOC_UNBOUND, xenemu_domain_alloc_unbound, out_port, 0),
	CALL(DOMAIN, XENEMU_DOMAIN_SEED_GRANT, xenemu_domain_seed_grant, gfn, 0),
	CALL(DOMAIN, XENEMU_DOMAIN_SEND_VIRQ, xenemu_domain_send_virq, vcpu_id, 0),
	CALL(DOMAIN, XENEMU_DOMAIN_RESET, xenemu_domain_reset, flags, 0),
	CALL(DOMAIN, XENEMU_DOMAIN_ADD_EVENTFD, xenemu_domain_add_eventfd, __reserved, 12),
	CALL(VCPU, XENEMU_QUERY, xenemu_query, out_memory_flags, 0),
	CALL(VCPU, XENEMU_VCPU_RUN, xenemu_vcpu_run_arg, flags, 0),
	CALL(VCPU, XENEMU_VCPU_HYPERCALL, xenemu_vcpu_hypercall, out_result, 0),
	CALL(VCPU, XENEMU_VCPU_SYNC, xenemu_vcpu_sync, flags, 0),
	CALL(VCPU, XENEMU_VCPU_SET_UPCALL, xenemu_vcpu_set_upcall, __reserved, 12),
	CALL(STORE, XENEMU_QUERY, xenemu_query, out_memory_flags, 0),
	CALL(STORE, XENEMU_STORE_REQUEST, xenemu_store_request, __reserved, 44),
	CALL(STORE, XENEMU_STORE_GET_CONNECTION, xenemu_store_connection, out_domid, 0),
};

FIXTURE(abi)
{
	struct vm vm;
	int store_fd;
	uint8_t *args;	/* a page, and nothing behind it */
};

FIXTURE_SETUP(abi)
{
	struct vm_config config = {};

	vm_create(&self->vm, &config);
	self->store_fd = host_open_fd(self->vm.host_fd, XENEMU_HOST_OPEN_STORE, 0);
	ASSERT_LE(0, self->store_fd);
	self->args = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->args);
	ASSERT_EQ(0, munmap(self->args + 2 * PAGE, PAGE));
}

FIXTURE_TEARDOWN(abi)
{
	close(self->store_fd);
	vm_destroy(&self->vm);
	munmap(self->args, 2 * PAGE);
}

static int fd_of(struct vm *vm, int store_fd, enum which which)
{
	switch (which) {
	case HOST:	return vm->host_fd;
	case DOMAIN:	return vm->domain_fd;
	case VCPU:	return vm->vcpus[0].fd;
	default:	return store_fd;
	}
}

#define for_each_call(call) \
	for (const struct call *call = calls; call < calls + sizeof(calls) / sizeof(*calls); \
	     call++)

/* The structure's size member, everything else as @fill. */
static void *fill(uint8_t *args, uint32_t size, uint8_t byte)
{
	memset(args, byte, 2 * PAGE);
	memcpy(args, &size, sizeof(size));
	return args;
}

TEST_F(abi, structure_that_is_too_short_is_EINVAL)
{
	for_each_call(call) {
		int fd = fd_of(&self->vm, self->store_fd, call->fd);

		EXPECT_EQ(-EINVAL, xioctl(fd, call->request, fill(self->args, call->min - 1, 0))) {
			TH_LOG("%s", call->name);
		}
		EXPECT_EQ(-EINVAL, xioctl(fd, call->request, fill(self->args, 0, 0)));
	}
}

TEST_F(abi, unknown_byte_that_is_not_zero_is_E2BIG)
{
	for_each_call(call) {
		int fd = fd_of(&self->vm, self->store_fd, call->fd);
		uint8_t *args = fill(self->args, call->size + 1, 0);

		args[call->size] = 1;
		EXPECT_EQ(-E2BIG, xioctl(fd, call->request, args)) {
			TH_LOG("%s", call->name);
		}
	}
}

TEST_F(abi, unknown_bytes_of_zero_are_accepted)
{
	struct xenemu_query *query = fill(self->args, sizeof(*query) + 64, 0);

	ASSERT_EQ(0, xioctl(self->vm.host_fd, XENEMU_QUERY, query));
	EXPECT_NE(0, query->out_features);
}

TEST_F(abi, structure_of_more_than_a_page_is_E2BIG)
{
	for_each_call(call) {
		int fd = fd_of(&self->vm, self->store_fd, call->fd);

		EXPECT_EQ(-E2BIG, xioctl(fd, call->request, fill(self->args, PAGE + 1, 0))) {
			TH_LOG("%s", call->name);
		}
		EXPECT_EQ(-E2BIG, xioctl(fd, call->request, fill(self->args, UINT32_MAX, 0)));
	}
}

TEST_F(abi, structure_that_ends_in_a_hole_is_EFAULT)
{
	for_each_call(call) {
		int fd = fd_of(&self->vm, self->store_fd, call->fd);
		uint32_t size = call->size;
		uint8_t *args = self->args + 2 * PAGE - sizeof(size);

		memset(self->args, 0, 2 * PAGE);
		memcpy(args, &size, sizeof(size));
		EXPECT_EQ(-EFAULT, xioctl(fd, call->request, args)) {
			TH_LOG("%s", call->name);
		}
		EXPECT_EQ(-EFAULT, xioctl(fd, call->request, NULL));
		EXPECT_EQ(-EFAULT, xioctl(fd, call->request, (void *)-4096L));
	}
}

TEST_F(abi, unknown_flag_is_EOPNOTSUPP)
{
	for_each_call(call) {
		int fd = fd_of(&self->vm, self->store_fd, call->fd);
		uint8_t *args = fill(self->args, call->size, 0);

		args[7] = 0x80;
		EXPECT_EQ(-EOPNOTSUPP, xioctl(fd, call->request, args)) {
			TH_LOG("%s", call->name);
		}
	}
}

TEST_F(abi, reserved_member_that_is_not_zero_is_EINVAL)
{
	for_each_call(call) {
		int fd = fd_of(&self->vm, self->store_fd, call->fd);
		uint8_t *args = fill(self->args, call->size, 0);

		if (!call->reserved)
			continue;
		args[call->reserved] = 1;
		EXPECT_EQ(-EINVAL, xioctl(fd, call->request, args)) {
			TH_LOG("%s", call->name);
		}
	}
}

TEST_F(abi, unknown_number_is_ENOTTY)
{
	for (int which = HOST; which <= STORE; which++) {
		int fd = fd_of(&self->vm, self->store_fd, which);

		EXPECT_EQ(-ENOTTY, xioctl(fd, _IO(XENEMU_TYPE, 0xff), self->args));
		EXPECT_EQ(-ENOTTY, xioctl(fd, _IO('Z', 0), self->args));
		/* A number of this type with a direction is another number. */
		EXPECT_EQ(-ENOTTY, xioctl(fd, _IOW(XENEMU_TYPE, 0, int), self->args));
	}
}

TEST_F(abi, ioctl_of_another_fd_is_ENOTTY)
{
	for_each_call(call) {
		if (call->request == XENEMU_QUERY)
			continue;
		for (int which = HOST; which <= STORE; which++) {
			int fd = fd_of(&self->vm, self->store_fd, which);

			if (which == (int)call->fd)
				continue;
			fill(self->args, call->size, 0);
			EXPECT_EQ(-ENOTTY, xioctl(fd, call->request, self->args)) {
				TH_LOG("%s on fd %d", call->name, which);
			}
		}
	}
}

TEST_F(abi, query_is_the_same_on_every_fd)
{
	struct xenemu_query first = { .size = sizeof(first) }, other;

	ASSERT_EQ(0, xioctl(self->vm.host_fd, XENEMU_QUERY, &first));
	EXPECT_EQ(sizeof(struct xenemu_vcpu_run), first.out_vcpu_run_size);
	EXPECT_TRUE(first.out_features & XENEMU_FEATURE_KVM_XEN);
	EXPECT_LE(8, first.out_max_vcpus);
	for (int which = DOMAIN; which <= STORE; which++) {
		memset(&other, 0xcc, sizeof(other));
		other.size = sizeof(other);
		other.flags = 0;
		ASSERT_EQ(0, xioctl(fd_of(&self->vm, self->store_fd, which), XENEMU_QUERY,
				    &other));
		EXPECT_EQ(0, memcmp(&first, &other, sizeof(first)));
	}
}

TEST_F(abi, every_fd_is_close_on_exec)
{
	int evtchn = host_open_fd(self->vm.host_fd, XENEMU_HOST_OPEN_EVTCHN, 0);
	int gnttab = host_open_fd(self->vm.host_fd, XENEMU_HOST_OPEN_GNTTAB, 0);
	int fds[] = { self->vm.domain_fd, self->vm.vcpus[0].fd, self->store_fd, evtchn, gnttab };

	for (unsigned int i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		ASSERT_LE(0, fds[i]);
		EXPECT_EQ(FD_CLOEXEC, fcntl(fds[i], F_GETFD));
	}
	close(evtchn);
	close(gnttab);
}

TEST_F(abi, backend_fd_for_a_domain_that_does_not_exist_is_ENOENT)
{
	EXPECT_EQ(-ENOENT, host_open_fd(self->vm.host_fd, XENEMU_HOST_OPEN_STORE, 7));
	EXPECT_EQ(-ENOENT, host_open_fd(self->vm.host_fd, XENEMU_HOST_OPEN_EVTCHN, 0x7ff0));
	EXPECT_EQ(-ENOENT, host_open_fd(self->vm.host_fd, XENEMU_HOST_OPEN_GNTTAB, UINT32_MAX));
}

/* ---- XENEMU_HOST_CREATE_DOMAIN ---- */

static int create_domain(struct vm *vm, struct xenemu_host_create_domain args)
{
	args.size = sizeof(args);
	return xioctl(vm->host_fd, XENEMU_HOST_CREATE_DOMAIN, &args);
}

TEST_F(abi, domain_of_a_bad_fd_is_EBADF)
{
	EXPECT_EQ(-EBADF, create_domain(&self->vm, (struct xenemu_host_create_domain) {
				.kvm_fd = -1, .domid = 2 }));
}

TEST_F(abi, domain_of_an_fd_that_is_no_VM_is_EINVAL)
{
	int fds[] = { self->vm.host_fd, self->vm.vcpus[0].kvm_fd, eventfd(0, EFD_CLOEXEC),
		      open("/dev/kvm", O_RDWR | O_CLOEXEC), self->vm.memfd };

	for (unsigned int i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		EXPECT_EQ(-EINVAL, create_domain(&self->vm, (struct xenemu_host_create_domain) {
					.kvm_fd = fds[i], .domid = 2 }));
	close(fds[2]);
	close(fds[3]);
}

TEST_F(abi, domain_of_a_regular_file_with_the_name_of_a_VM_is_EINVAL)
{
	int fd = open("/tmp/kvm-vm", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EINVAL, create_domain(&self->vm, (struct xenemu_host_create_domain) {
				.kvm_fd = fd, .domid = 2 }));
	close(fd);
	unlink("/tmp/kvm-vm");
}

TEST_F(abi, domain_numbers_have_bounds)
{
	int kvm = kvm_create_vm();

	EXPECT_EQ(-EINVAL, create_domain(&self->vm, (struct xenemu_host_create_domain) {
				.kvm_fd = kvm, .domid = 0 }));
	EXPECT_EQ(-EINVAL, create_domain(&self->vm, (struct xenemu_host_create_domain) {
				.kvm_fd = kvm, .domid = 0x7ff0 }));
	EXPECT_EQ(-EINVAL, create_domain(&self->vm, (struct xenemu_host_create_domain) {
				.kvm_fd = kvm, .domid = 0x10001 }));
	close(kvm);
}

TEST_F(abi, domain_number_in_use_is_EEXIST_and_leaves_the_VM_as_it_was)
{
	int kvm = kvm_create_vm();
	int fd;

	EXPECT_EQ(-EEXIST, create_domain(&self->vm, (struct xenemu_host_create_domain) {
				.kvm_fd = kvm, .domid = 1 }));
	fd = create_domain(&self->vm, (struct xenemu_host_create_domain) {
				.kvm_fd = kvm, .domid = 0x7fef });
	EXPECT_LE(0, fd);
	close(fd);
	close(kvm);
}

TEST_F(abi, second_domain_of_a_VM_is_EBUSY)
{
	EXPECT_EQ(-EBUSY, create_domain(&self->vm, (struct xenemu_host_create_domain) {
				.kvm_fd = self->vm.kvm_fd, .domid = 2 }));
}

TEST_F(abi, hypercall_msr_out_of_range_is_EINVAL)
{
	int kvm = kvm_create_vm();

	EXPECT_EQ(-EINVAL, create_domain(&self->vm, (struct xenemu_host_create_domain) {
				.kvm_fd = kvm, .domid = 2, .hypercall_msr = 0x10 }));
	EXPECT_EQ(-EINVAL, create_domain(&self->vm, (struct xenemu_host_create_domain) {
				.kvm_fd = kvm, .domid = 2, .hypercall_msr = 0xc0000080 }));
	close(kvm);
}

TEST_F(abi, domain_with_more_grants_or_ports_than_there_are_is_EINVAL)
{
	int kvm = kvm_create_vm();

	EXPECT_EQ(-EINVAL, create_domain(&self->vm, (struct xenemu_host_create_domain) {
				.kvm_fd = kvm, .domid = 2, .max_grant_frames = 0xffffffff }));
	EXPECT_EQ(-EINVAL, create_domain(&self->vm, (struct xenemu_host_create_domain) {
				.kvm_fd = kvm, .domid = 2, .max_evtchn_port = 4096 }));
	close(kvm);
}

/* ---- XENEMU_DOMAIN_SET_MEMORY ---- */

static int set_memory(struct vm *vm, uint64_t gpa, uint64_t len, uint64_t user_addr,
		      uint32_t flags)
{
	struct xenemu_domain_set_memory args = {
		.size = sizeof(args), .flags = flags, .guest_addr = gpa, .len = len,
		.user_addr = user_addr,
	};

	return xioctl(vm->domain_fd, XENEMU_DOMAIN_SET_MEMORY, &args);
}

TEST_F(abi, memory_that_is_misaligned_is_EINVAL)
{
	uintptr_t user = (uintptr_t)self->vm.memory;

	EXPECT_EQ(-EINVAL, set_memory(&self->vm, VM_MEMORY + 1, PAGE, user, 0));
	EXPECT_EQ(-EINVAL, set_memory(&self->vm, VM_MEMORY, PAGE + 1, user, 0));
	EXPECT_EQ(-EINVAL, set_memory(&self->vm, VM_MEMORY, PAGE, user + 1, 0));
}

TEST_F(abi, memory_that_overlaps_is_EINVAL)
{
	uintptr_t user = (uintptr_t)self->vm.memory;

	EXPECT_EQ(-EINVAL, set_memory(&self->vm, 0, PAGE, user, 0));
	EXPECT_EQ(-EINVAL, set_memory(&self->vm, VM_MEMORY - PAGE, 2 * PAGE, user, 0));
	EXPECT_EQ(0, set_memory(&self->vm, VM_MEMORY + PAGE, PAGE, user, 0));
	EXPECT_EQ(-EINVAL, set_memory(&self->vm, VM_MEMORY, 2 * PAGE, user, 0));
	EXPECT_EQ(0, set_memory(&self->vm, VM_MEMORY, PAGE, user, 0));
}

TEST_F(abi, memory_that_wraps_is_EOVERFLOW)
{
	uintptr_t user = (uintptr_t)self->vm.memory;

	EXPECT_EQ(-EOVERFLOW, set_memory(&self->vm, -(uint64_t)PAGE, PAGE, user, 0));
	EXPECT_EQ(-EOVERFLOW, set_memory(&self->vm, 1ULL << 51, 1ULL << 52, user, 0));
	EXPECT_EQ(-EOVERFLOW, set_memory(&self->vm, VM_MEMORY, PAGE, -(uint64_t)PAGE, 0));
	EXPECT_EQ(-EOVERFLOW, set_memory(&self->vm, VM_MEMORY, PAGE, 1ULL << 63, 0));
}

TEST_F(abi, memory_is_removed_by_its_first_address_only)
{
	EXPECT_EQ(-ENOENT, set_memory(&self->vm, PAGE, 0, 0, 0));
	EXPECT_EQ(-EINVAL, set_memory(&self->vm, 0, 0, PAGE, 0));
	EXPECT_EQ(0, set_memory(&self->vm, 0, 0, 0, 0));
	EXPECT_EQ(-ENOENT, set_memory(&self->vm, 0, 0, 0, 0));
}

TEST_F(abi, memory_regions_have_a_limit)
{
	struct xenemu_query query = { .size = sizeof(query) };
	uintptr_t user = (uintptr_t)self->vm.memory;
	unsigned int i;

	ASSERT_EQ(0, xioctl(self->vm.host_fd, XENEMU_QUERY, &query));
	for (i = 1; i < query.out_max_regions; i++)
		ASSERT_EQ(0, set_memory(&self->vm, VM_MEMORY + i * 2 * PAGE, PAGE, user, 0));
	EXPECT_EQ(-ENOSPC, set_memory(&self->vm, VM_MEMORY + i * 2 * PAGE, PAGE, user, 0));
}

/* ---- XENEMU_DOMAIN_SET_MEMORY_MAP ---- */

static int set_memory_map(struct vm *vm, void *entries, uint32_t nr)
{
	struct xenemu_domain_set_memory_map args = {
		.size = sizeof(args), .entries = (uintptr_t)entries, .nr_entries = nr,
	};

	return xioctl(vm->domain_fd, XENEMU_DOMAIN_SET_MEMORY_MAP, &args);
}

TEST_F(abi, memory_map_is_checked)
{
	static struct xenemu_memory_map_entry map[129];

	for (unsigned int i = 0; i < 129; i++)
		map[i] = (struct xenemu_memory_map_entry) { i * PAGE, PAGE, 1, 0 };
	EXPECT_EQ(0, set_memory_map(&self->vm, map, 128));
	EXPECT_EQ(-EINVAL, set_memory_map(&self->vm, map, 129));
	EXPECT_EQ(-EINVAL, set_memory_map(&self->vm, map, UINT32_MAX));
	EXPECT_EQ(-EFAULT, set_memory_map(&self->vm, (void *)8, 1));
	map[1].__reserved = 1;
	EXPECT_EQ(-EINVAL, set_memory_map(&self->vm, map, 2));
	map[1].__reserved = 0;
	map[1].len = UINT64_MAX;
	EXPECT_EQ(-EOVERFLOW, set_memory_map(&self->vm, map, 2));
	map[1].len = 0;
	EXPECT_EQ(-EINVAL, set_memory_map(&self->vm, map, 2));
	EXPECT_EQ(0, set_memory_map(&self->vm, NULL, 0));
}

/* ---- XENEMU_DOMAIN_CREATE_VCPU ---- */

static int create_vcpu(struct vm *vm, int kvm_fd, uint32_t id, void *kvm_run)
{
	struct xenemu_domain_create_vcpu args = {
		.size = sizeof(args), .kvm_fd = kvm_fd, .vcpu_id = id, .apic_id = 1,
		.kvm_run = (uintptr_t)kvm_run,
	};

	return xioctl(vm->domain_fd, XENEMU_DOMAIN_CREATE_VCPU, &args);
}

TEST_F(abi, vcpu_arguments_are_checked)
{
	struct kvm_run *run;
	int kvm_fd = kvm_create_vcpu(self->vm.kvm_fd, 1, &run);
	int fd;

	EXPECT_EQ(-EBADF, create_vcpu(&self->vm, -1, 1, run));
	EXPECT_EQ(-EINVAL, create_vcpu(&self->vm, self->vm.kvm_fd, 1, run));
	EXPECT_EQ(-EINVAL, create_vcpu(&self->vm, self->vm.host_fd, 1, run));
	EXPECT_EQ(-EINVAL, create_vcpu(&self->vm, kvm_fd, 1, (char *)run + 8));
	EXPECT_EQ(-EINVAL, create_vcpu(&self->vm, kvm_fd, 1, NULL));
	EXPECT_EQ(-EFAULT, create_vcpu(&self->vm, kvm_fd, 1, (void *)-4096L));
	EXPECT_EQ(-EEXIST, create_vcpu(&self->vm, kvm_fd, 0, run));
	EXPECT_EQ(-ENOSPC, create_vcpu(&self->vm, kvm_fd, 128, run));
	fd = create_vcpu(&self->vm, kvm_fd, 1, run);
	EXPECT_LE(0, fd);
	close(fd);
	/* The number is free again. */
	fd = create_vcpu(&self->vm, kvm_fd, 1, run);
	EXPECT_LE(0, fd);
	close(fd);
	munmap(run, 3 * PAGE);
	close(kvm_fd);
}

TEST_F(abi, vcpu_made_by_another_process_is_ENODEV)
{
	struct kvm_run *run;
	int kvm_fd = kvm_create_vcpu(self->vm.kvm_fd, 1, &run);
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(create_vcpu(&self->vm, kvm_fd, 1, run) != -ENODEV);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	munmap(run, 3 * PAGE);
	close(kvm_fd);
}

TEST_F(abi, vcpu_page_is_mapped_whole_and_shared_only)
{
	int fd = self->vm.vcpus[0].fd;

	EXPECT_EQ(MAP_FAILED, mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0));
	/* On newer kernels files of no file system cannot be executed at all. */
	EXPECT_TRUE(errno == EINVAL || errno == EPERM);
	EXPECT_EQ(-1, mprotect(self->vm.vcpus[0].run, PAGE, PROT_READ | PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
}

TEST_F(abi, vcpu_page_stays_where_it_is)
{
	void *run = self->vm.vcpus[0].run, *other;

	other = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, other);
	EXPECT_EQ(MAP_FAILED, mremap(run, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, other));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_LT(0, HCALL1(&self->vm.vcpus[0], __HYPERVISOR_xen_version, 0));
}

TEST_F(abi, vcpu_without_its_page_does_not_run)
{
	struct xenemu_vcpu_run_arg arg = { .size = sizeof(arg) };

	ASSERT_EQ(0, munmap(self->vm.vcpus[0].run, PAGE));
	EXPECT_EQ(-EINVAL, xioctl(self->vm.vcpus[0].fd, XENEMU_VCPU_RUN, &arg));
	self->vm.vcpus[0].run = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
				     self->vm.vcpus[0].fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->vm.vcpus[0].run);
	EXPECT_EQ(0, HCALL2(&self->vm.vcpus[0], 17 /* xen_version */, 0, 0) & 0xffff0000LL ?
		     0 : 1);
}

/* ---- XENEMU_VCPU_SET_UPCALL, XENEMU_VCPU_HYPERCALL ---- */

TEST_F(abi, upcall_takes_an_eventfd_only)
{
	struct xenemu_vcpu_set_upcall arg = { .size = sizeof(arg) };
	int fd = self->vm.vcpus[0].fd;

	arg.eventfd = -2;
	EXPECT_EQ(-EINVAL, xioctl(fd, XENEMU_VCPU_SET_UPCALL, &arg));
	arg.eventfd = 1000000;
	EXPECT_EQ(-EBADF, xioctl(fd, XENEMU_VCPU_SET_UPCALL, &arg));
	arg.eventfd = self->vm.host_fd;
	EXPECT_EQ(-EINVAL, xioctl(fd, XENEMU_VCPU_SET_UPCALL, &arg));
	arg.eventfd = eventfd(0, EFD_CLOEXEC);
	EXPECT_EQ(0, xioctl(fd, XENEMU_VCPU_SET_UPCALL, &arg));
	close(arg.eventfd);
	arg.eventfd = -1;
	EXPECT_EQ(0, xioctl(fd, XENEMU_VCPU_SET_UPCALL, &arg));
}

TEST_F(abi, hypercall_ioctl_answers_and_checks)
{
	struct xenemu_vcpu_hypercall arg = {
		.size = sizeof(arg), .longmode = 1, .input = 17, .out_result = 0xcccc,
	};
	int fd = self->vm.vcpus[0].fd;

	EXPECT_EQ(0, xioctl(fd, XENEMU_VCPU_HYPERCALL, &arg));
	EXPECT_EQ(4, arg.out_result >> 16);
	EXPECT_EQ(XENEMU_EXIT_KVM, self->vm.vcpus[0].run->exit_reason);
	arg.cpl = 3;
	EXPECT_EQ(0, xioctl(fd, XENEMU_VCPU_HYPERCALL, &arg));
	EXPECT_EQ(-EPERM, (int64_t)arg.out_result);
	arg.cpl = 4;
	EXPECT_EQ(-EINVAL, xioctl(fd, XENEMU_VCPU_HYPERCALL, &arg));
	arg.cpl = 0;
	arg.longmode = 2;
	EXPECT_EQ(-EINVAL, xioctl(fd, XENEMU_VCPU_HYPERCALL, &arg));
}

TEST_F(abi, hypercall_ioctl_goes_on_after_an_exit)
{
	struct { uint16_t domid, size; uint32_t space; uint64_t idx, gfn; } physmap = {
		.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .gfn = 0xf0000,
	};
	struct xenemu_vcpu_hypercall arg = {
		.size = sizeof(arg), .longmode = 1, .input = __HYPERVISOR_memory_op,
		.params = { XENMEM_add_to_physmap, GUEST_DATA },
	};
	struct xenemu_vcpu_run *run = self->vm.vcpus[0].run;
	int fd = self->vm.vcpus[0].fd;

	memcpy(vm_ptr(&self->vm, GUEST_DATA), &physmap, sizeof(physmap));
	ASSERT_EQ(0, xioctl(fd, XENEMU_VCPU_HYPERCALL, &arg));
	ASSERT_EQ(XENEMU_EXIT_BACK_GFN, run->exit_reason);
	run->answer = -ENOSPC;
	ASSERT_EQ(0, xioctl(fd, XENEMU_VCPU_HYPERCALL, &arg));
	EXPECT_EQ(XENEMU_EXIT_KVM, run->exit_reason);
	EXPECT_EQ(-ENOSPC, (int64_t)arg.out_result);
}

TEST_HARNESS_MAIN
