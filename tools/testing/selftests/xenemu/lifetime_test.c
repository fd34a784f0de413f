// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lives of the objects: file descriptors closed in every order, passed to other
 * processes, inherited, and left by a VMM that was killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xen/xen.h>

#include "../kselftest_harness.h"
#include "vm.h"

FIXTURE(lifetime)
{
	struct vm vm;
};

FIXTURE_SETUP(lifetime)
{
	struct vm_config config = { .nr_vcpus = 2 };

	vm_create(&self->vm, &config);
}

FIXTURE_TEARDOWN(lifetime)
{
	vm_destroy(&self->vm);
}

static int64_t xen_version(struct vm_vcpu *vcpu)
{
	return HCALL2(vcpu, __HYPERVISOR_xen_version, 0, 0) >> 16;
}

/* ---- every order ---- */

#define NR_FDS	5

static void close_in_order(const unsigned int order[NR_FDS])
{
	struct vm_config config = {};
	int fds[NR_FDS];
	struct vm vm;

	vm_create(&vm, &config);
	xen_version(&vm.vcpus[0]);
	fds[0] = vm.host_fd;
	fds[1] = vm.domain_fd;
	fds[2] = vm.vcpus[0].fd;
	fds[3] = vm.kvm_fd;
	fds[4] = vm.vcpus[0].kvm_fd;
	munmap(vm.vcpus[0].run, sizeof(*vm.vcpus[0].run));
	munmap(vm.vcpus[0].kvm_run, 3 * PAGE);
	for (int i = 0; i < NR_FDS; i++)
		close(fds[order[i]]);
	munmap(vm.memory, VM_MEMORY);
	close(vm.memfd);
}

static bool next_permutation(unsigned int order[NR_FDS])
{
	int i = NR_FDS - 2, j = NR_FDS - 1;
	unsigned int t;

	while (i >= 0 && order[i] > order[i + 1])
		i--;
	if (i < 0)
		return false;
	while (order[j] < order[i])
		j--;
	t = order[i], order[i] = order[j], order[j] = t;
	for (i++, j = NR_FDS - 1; i < j; i++, j--)
		t = order[i], order[i] = order[j], order[j] = t;
	return true;
}

TEST_F_TIMEOUT(lifetime, fds_can_be_closed_in_every_order, 300)
{
	unsigned int order[NR_FDS] = { 0, 1, 2, 3, 4 };
	unsigned int nr = 0;

	do {
		close_in_order(order);
		nr++;
	} while (next_permutation(order));
	EXPECT_EQ(120, nr);
}

/* ---- what is left when something is closed ---- */

TEST_F(lifetime, domain_lives_on_when_its_host_fd_is_closed)
{
	close(self->vm.host_fd);
	self->vm.host_fd = open("/dev/null", O_RDWR);
	EXPECT_EQ(4, xen_version(&self->vm.vcpus[0]));
}

TEST_F(lifetime, vcpu_of_a_closed_domain_is_ENODEV)
{
	struct xenemu_vcpu_run_arg arg = { .size = sizeof(arg) };
	struct xenemu_vcpu_hypercall hcall = { .size = sizeof(hcall), .longmode = 1, .input = 17 };

	close(self->vm.domain_fd);
	self->vm.domain_fd = open("/dev/null", O_RDWR);
	EXPECT_EQ(-ENODEV, xioctl(self->vm.vcpus[0].fd, XENEMU_VCPU_RUN, &arg));
	EXPECT_EQ(-ENODEV, xioctl(self->vm.vcpus[0].fd, XENEMU_VCPU_HYPERCALL, &hcall));
}

TEST_F(lifetime, domid_of_a_closed_domain_can_be_used_again)
{
	struct vm_config config = { .host_fd = self->vm.host_fd, .domid = 2 };

	for (int i = 0; i < 20; i++) {
		struct vm other;

		vm_create(&other, &config);
		EXPECT_EQ(4, xen_version(&other.vcpus[0]));
		vm_destroy(&other);
	}
}

TEST_F(lifetime, backend_fds_can_outlive_their_domain_and_host)
{
	static const unsigned long requests[] = {
		XENEMU_HOST_OPEN_STORE, XENEMU_HOST_OPEN_EVTCHN, XENEMU_HOST_OPEN_GNTTAB,
	};
	struct vm_config config = { .domid = 2 };
	int fds[6], nr = 0;
	struct vm other;

	vm_create(&other, &config);
	for (unsigned int i = 0; i < 3; i++) {
		fds[nr++] = host_open_fd(other.host_fd, requests[i], 0);
		fds[nr++] = host_open_fd(other.host_fd, requests[i], 2);
	}
	vm_destroy(&other);
	for (int i = 0; i < nr; i++) {
		ASSERT_LE(0, fds[i]);
		EXPECT_EQ(0, close(fds[i]));
	}
}

TEST_F(lifetime, hosts_know_nothing_of_each_other)
{
	struct vm_config config = {};
	struct vm other;

	/* The same domid, in another host. */
	vm_create(&other, &config);
	EXPECT_EQ(4, xen_version(&other.vcpus[0]));
	EXPECT_EQ(4, xen_version(&self->vm.vcpus[0]));
	vm_destroy(&other);
}

/* ---- threads ---- */

struct runner {
	struct vm_vcpu *vcpu;
	volatile int tid;
	int ret;
};

static void on_signal(int signal)
{
}

static void *run_thread(void *arg)
{
	struct runner *runner = arg;

	runner->tid = syscall(SYS_gettid);
	runner->ret = vcpu_run(runner->vcpu);
	return NULL;
}

static void start_halted(struct runner *runner, pthread_t *thread, struct vm_vcpu *vcpu)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &action, NULL);
	runner->vcpu = vcpu;
	runner->tid = 0;
	vcpu_command(vcpu, GUEST_OP_HALT, 0, NULL);
	pthread_create(thread, NULL, run_thread, runner);
	while (!runner->tid)
		sched_yield();
	usleep(100000);
}

TEST_F(lifetime, closing_the_domain_ends_a_vcpu_that_waits)
{
	struct runner runner;
	pthread_t thread;

	start_halted(&runner, &thread, &self->vm.vcpus[0]);
	close(self->vm.domain_fd);
	pthread_join(thread, NULL);
	EXPECT_EQ(-ENODEV, runner.ret);
	self->vm.domain_fd = open("/dev/null", O_RDWR);
}

TEST_F(lifetime, closing_the_domain_ends_a_vcpu_that_runs)
{
	const uint64_t args[6] = { 0 };
	struct runner runner = { .vcpu = &self->vm.vcpus[0] };
	pthread_t thread;

	vcpu_command(runner.vcpu, GUEST_OP_SPIN, 0, args);
	pthread_create(&thread, NULL, run_thread, &runner);
	usleep(100000);
	close(self->vm.domain_fd);
	pthread_join(thread, NULL);
	EXPECT_EQ(-ENODEV, runner.ret);
	self->vm.domain_fd = open("/dev/null", O_RDWR);
}

TEST_F(lifetime, signal_ends_a_run_with_EINTR)
{
	struct runner runner;
	pthread_t thread;

	start_halted(&runner, &thread, &self->vm.vcpus[0]);
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
	EXPECT_EQ(-EINTR, runner.ret);
}

TEST_F(lifetime, immediate_exit_ends_a_run_with_EINTR)
{
	self->vm.vcpus[0].kvm_run->immediate_exit = 1;
	vcpu_command(&self->vm.vcpus[0], GUEST_OP_HALT, 0, NULL);
	EXPECT_EQ(-EINTR, vcpu_run(&self->vm.vcpus[0]));
	self->vm.vcpus[0].kvm_run->immediate_exit = 0;
	EXPECT_EQ(4, xen_version(&self->vm.vcpus[0]));
}

TEST_F(lifetime, vcpu_that_runs_is_EBUSY_for_another_thread)
{
	struct xenemu_domain_reset reset = { .size = sizeof(reset) };
	struct runner runner;
	pthread_t thread;

	start_halted(&runner, &thread, &self->vm.vcpus[0]);
	EXPECT_EQ(-EBUSY, vcpu_run(&self->vm.vcpus[0]));
	EXPECT_EQ(-EBUSY, xioctl(self->vm.domain_fd, XENEMU_DOMAIN_RESET, &reset));
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, xioctl(self->vm.domain_fd, XENEMU_DOMAIN_RESET, &reset));
	/* The first vCPU still halts. */
	EXPECT_EQ(4, xen_version(&self->vm.vcpus[1]));
}

TEST_F(lifetime, vcpu_may_move_from_thread_to_thread)
{
	for (int i = 0; i < 50; i++) {
		struct runner runner = { .vcpu = &self->vm.vcpus[0] };
		const uint64_t args[6] = { 0 };
		pthread_t thread;

		vcpu_command(runner.vcpu, GUEST_OP_HYPERCALL, __HYPERVISOR_xen_version, args);
		pthread_create(&thread, NULL, run_thread, &runner);
		pthread_join(thread, NULL);
		ASSERT_EQ(0, runner.ret);
	}
}

/* ---- processes ---- */

TEST_F(lifetime, child_cannot_act_for_its_parents_guest)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct xenemu_vcpu_run_arg arg = { .size = sizeof(arg) };
		struct xenemu_domain_set_memory mem = { .size = sizeof(mem) };
		struct xenemu_domain_reset reset = { .size = sizeof(reset) };
		int bad = 0;

		bad |= xioctl(self->vm.vcpus[0].fd, XENEMU_VCPU_RUN, &arg) != -ENODEV;
		bad |= xioctl(self->vm.domain_fd, XENEMU_DOMAIN_SET_MEMORY, &mem) != -ENODEV;
		bad |= xioctl(self->vm.domain_fd, XENEMU_DOMAIN_RESET, &reset) != -ENODEV;
		bad |= mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->vm.vcpus[0].fd, 0) !=
		       MAP_FAILED;
		_exit(bad);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(4, xen_version(&self->vm.vcpus[0]));
}

TEST_F(lifetime, VM_of_another_process_is_ENODEV)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct xenemu_host_create_domain args = {
			.size = sizeof(args), .kvm_fd = kvm_create_vm(), .domid = 2,
		};
		int grandchild_status;
		pid_t grandchild = fork();

		if (!grandchild)
			_exit(xioctl(self->vm.host_fd, XENEMU_HOST_CREATE_DOMAIN,
				     &args) != -ENODEV);
		waitpid(grandchild, &grandchild_status, 0);
		_exit(!!grandchild_status);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

static int send_fd(int sock, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0);
}

static int receive_fd(int sock)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int fd;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

TEST_F(lifetime, host_fd_can_be_passed_to_a_process_that_makes_its_own_domain)
{
	int pair[2], status;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	pid = fork();
	if (!pid) {
		struct vm_config config = { .host_fd = receive_fd(pair[1]), .domid = 2 };
		struct vm vm;

		vm_create(&vm, &config);
		_exit(xen_version(&vm.vcpus[0]) != 4);
	}
	ASSERT_EQ(1, send_fd(pair[0], self->vm.host_fd));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	close(pair[0]);
	close(pair[1]);
}

TEST_F(lifetime, domain_fd_in_another_process_outlives_the_VMM)
{
	struct xenemu_domain_seed_grant seed = { .size = sizeof(seed), .gfn = 1 };
	struct xenemu_domain_alloc_unbound alloc = { .size = sizeof(alloc) };
	struct xenemu_vcpu_run_arg arg = { .size = sizeof(arg) };
	int pair[2], status, fd, vcpu_fd;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	pid = fork();
	if (!pid) {
		struct vm_config config = { .host_fd = self->vm.host_fd, .domid = 2 };
		struct vm vm;

		vm_create(&vm, &config);
		send_fd(pair[1], vm.domain_fd);
		send_fd(pair[1], vm.vcpus[0].fd);
		_exit(0);
	}
	fd = receive_fd(pair[0]);
	ASSERT_LE(0, fd);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	vcpu_fd = receive_fd(pair[0]);
	ASSERT_LE(0, vcpu_fd);
	/* The VMM is gone, with its memory; what is left does nothing bad. */
	EXPECT_EQ(0, xioctl(fd, XENEMU_DOMAIN_SEED_GRANT, &seed));
	EXPECT_EQ(0, xioctl(fd, XENEMU_DOMAIN_ALLOC_UNBOUND, &alloc));
	EXPECT_EQ(-ENODEV, xioctl(vcpu_fd, XENEMU_VCPU_RUN, &arg));
	close(vcpu_fd);
	close(fd);
	close(pair[0]);
	close(pair[1]);
}

static void kill_in_mid_run(struct __test_metadata *_metadata, unsigned int op, int usec)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		const uint64_t args[6] = { [5] = 1000000000 };
		struct vm_config config = {};
		struct vm vm;

		vm_create(&vm, &config);
		vcpu_command(&vm.vcpus[0], op, __HYPERVISOR_xen_version, args);
		for (;;)
			vcpu_run(&vm.vcpus[0]);
	}
	usleep(usec);
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
}

TEST_F_TIMEOUT(lifetime, VMM_can_be_killed_in_mid_run, 120)
{
	for (int i = 0; i < 10; i++) {
		kill_in_mid_run(_metadata, GUEST_OP_HALT, 20000 * i);
		kill_in_mid_run(_metadata, GUEST_OP_SPIN, 20000 * i);
		kill_in_mid_run(_metadata, GUEST_OP_LOOP_HYPERCALL, 20000 * i);
	}
}

/* ---- the module ---- */

static int delete_module(void)
{
	return syscall(SYS_delete_module, "xenemu", O_NONBLOCK) ? -errno : 0;
}

TEST_F(lifetime, module_in_use_cannot_be_unloaded)
{
	int fds[] = { self->vm.host_fd, self->vm.domain_fd, self->vm.vcpus[0].fd };

	EXPECT_EQ(-EAGAIN, delete_module());
	/* One fd of each kind alone keeps it. */
	for (unsigned int i = 0; i < 3; i++) {
		int kept = dup(fds[i]);

		ASSERT_LE(0, kept);
		EXPECT_EQ(-EAGAIN, delete_module());
		close(kept);
	}
}

TEST_HARNESS_MAIN
