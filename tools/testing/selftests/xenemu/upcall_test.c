// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events that reach the guest: 2-level event channels from a backend's evtchn
 * fd, IPIs, timers and VIRQs, to a vCPU that waits, that runs, that polls.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/sys/evtchn.h>

#include "../kselftest_harness.h"
#include "evtchn.h"

#define SHARED_INFO_GFN		(GUEST_PAGES / PAGE)

FIXTURE(upcall)
{
	struct vm vm;
	struct vm_vcpu *vcpu;
	int evtchn_fd;
};

FIXTURE_VARIANT(upcall)
{
	bool bit32;
};

FIXTURE_VARIANT_ADD(upcall, bit64) { .bit32 = false };
FIXTURE_VARIANT_ADD(upcall, bit32) { .bit32 = true };

FIXTURE_SETUP(upcall)
{
	struct vm_config config = { .bit32 = variant->bit32, .nr_vcpus = 2 };

	vm_create(&self->vm, &config);
	vm_enable_events(&self->vm, SHARED_INFO_GFN);
	self->vcpu = &self->vm.vcpus[0];
	self->evtchn_fd = host_open_fd(self->vm.host_fd, XENEMU_HOST_OPEN_EVTCHN, 0);
	ASSERT_LE(0, self->evtchn_fd);
}

FIXTURE_TEARDOWN(upcall)
{
	close(self->evtchn_fd);
	vm_destroy(&self->vm);
}

/* Bit @port of the array @word (0 pending, 1 mask) of shared_info, in the guest's layout. */
static bool bit_of(struct vm *vm, unsigned int array, unsigned int port)
{
	/* 32 vcpu_info of 64 bytes, then 64 longs of pending, then of mask. */
	unsigned int size = vm->bit32 ? 128 : 512;
	uint8_t *base = vm_ptr(vm, SHARED_INFO_GFN * PAGE + 2048 + array * size);

	return base[port / 8] >> (port % 8) & 1;
}

static void set_bit_of(struct vm *vm, unsigned int array, unsigned int port, bool set)
{
	unsigned int size = vm->bit32 ? 128 : 512;
	uint8_t *base = vm_ptr(vm, SHARED_INFO_GFN * PAGE + 2048 + array * size);

	if (set)
		base[port / 8] |= 1 << (port % 8);
	else
		base[port / 8] &= ~(1 << (port % 8));
}

#define PENDING	0
#define MASK	1

/* A port of the guest, bound to one of the backend's. Both numbers, or -errno. */
static int connect_backend(struct vm *vm, int evtchn_fd, uint32_t *port, uint32_t *local)
{
	struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = 0 };
	struct ioctl_evtchn_bind_interdomain bind;
	int ret;

	ret = hypercall_arg(&vm->vcpus[0], __HYPERVISOR_event_channel_op,
			    EVTCHNOP_alloc_unbound, &alloc, sizeof(alloc));
	if (ret)
		return ret;
	*port = alloc.port;
	bind.remote_domain = vm->domid;
	bind.remote_port = alloc.port;
	ret = xioctl(evtchn_fd, IOCTL_EVTCHN_BIND_INTERDOMAIN, &bind);
	if (ret < 0)
		return ret;
	*local = ret;
	return 0;
}

static int notify(int evtchn_fd, uint32_t local)
{
	struct ioctl_evtchn_notify arg = { .port = local };

	return xioctl(evtchn_fd, IOCTL_EVTCHN_NOTIFY, &arg);
}

/* What arrived on the backend's fd within @ms, or 0. */
static uint32_t next_event(int evtchn_fd, int ms)
{
	struct pollfd pollfd = { .fd = evtchn_fd, .events = POLLIN };
	uint32_t port;

	if (poll(&pollfd, 1, ms) != 1 || read(evtchn_fd, &port, sizeof(port)) != sizeof(port))
		return 0;
	return port;
}

TEST_F(upcall, binding_raises_the_backends_port_once)
{
	uint32_t port, local;

	ASSERT_EQ(0, connect_backend(&self->vm, self->evtchn_fd, &port, &local));
	EXPECT_EQ(local, next_event(self->evtchn_fd, 1000));
	EXPECT_EQ(0, next_event(self->evtchn_fd, 0));
}

TEST_F(upcall, guest_reaches_the_backend)
{
	uint32_t port, local;

	ASSERT_EQ(0, connect_backend(&self->vm, self->evtchn_fd, &port, &local));
	ASSERT_EQ(local, next_event(self->evtchn_fd, 1000));
	EXPECT_EQ(4, write(self->evtchn_fd, &local, 4));
	EXPECT_EQ(0, send(self->vcpu, port));
	EXPECT_EQ(local, next_event(self->evtchn_fd, 1000));
	/* Until it is written back, the port is masked. */
	EXPECT_EQ(0, send(self->vcpu, port));
	EXPECT_EQ(0, next_event(self->evtchn_fd, 0));
}

TEST_F(upcall, backend_raises_the_guests_port)
{
	uint32_t port, local;

	ASSERT_EQ(0, connect_backend(&self->vm, self->evtchn_fd, &port, &local));
	EXPECT_FALSE(bit_of(&self->vm, PENDING, port));
	EXPECT_EQ(0, notify(self->evtchn_fd, local));
	EXPECT_TRUE(bit_of(&self->vm, PENDING, port));
}

TEST_F(upcall, backend_wakes_a_vcpu_that_halts)
{
	uint32_t port, local;

	ASSERT_EQ(0, connect_backend(&self->vm, self->evtchn_fd, &port, &local));
	ASSERT_EQ(0, notify(self->evtchn_fd, local));
	vcpu_command(self->vcpu, GUEST_OP_HALT, 0, NULL);
	ASSERT_EQ(0, vcpu_run(self->vcpu));
	EXPECT_EQ(1, vcpu_upcalls(self->vcpu));
}

struct notifier {
	int evtchn_fd;
	uint32_t local;
	unsigned int delay;
};

static void *notify_later(void *arg)
{
	struct notifier *n = arg;

	usleep(n->delay);
	notify(n->evtchn_fd, n->local);
	return NULL;
}

/* Events that come at any moment of a halt or a loop: each is taken. */
static void storm(struct __test_metadata *_metadata, struct vm *vm, int evtchn_fd,
		  unsigned int op, unsigned int times)
{
	struct vm_vcpu *vcpu = &vm->vcpus[0];
	uint32_t port, local;

	ASSERT_EQ(0, connect_backend(vm, evtchn_fd, &port, &local));
	for (unsigned int i = 0; i < times; i++) {
		struct notifier n = { evtchn_fd, local, i * 37 % 3000 };
		const uint64_t args[6] = { vcpu_upcalls(vcpu) };
		pthread_t thread;

		set_bit_of(vm, PENDING, port, false);
		/* The selector of the port's word, cleared as a guest does. */
		memset((char *)vm_ptr(vm, SHARED_INFO_GFN * PAGE) + (vm->bit32 ? 4 : 8), 0,
		       vm->bit32 ? 4 : 8);
		vcpu_command(vcpu, op, 0, args);
		pthread_create(&thread, NULL, notify_later, &n);
		ASSERT_EQ(0, vcpu_run(vcpu));
		pthread_join(thread, NULL);
		/* One may be raised twice: an upcall that finds nothing is allowed. */
		ASSERT_LE(args[0] + 1, vcpu_upcalls(vcpu));
	}
}

TEST_F_TIMEOUT(upcall, no_event_is_lost_on_a_vcpu_that_halts, 120)
{
	storm(_metadata, &self->vm, self->evtchn_fd, GUEST_OP_HALT, 200);
}

TEST_F_TIMEOUT(upcall, no_event_is_lost_on_a_vcpu_that_runs, 120)
{
	storm(_metadata, &self->vm, self->evtchn_fd, GUEST_OP_SPIN, 200);
}

TEST_F(upcall, masked_port_raises_no_upcall_until_unmasked)
{
	struct evtchn_unmask unmask;
	uint32_t port, local;

	ASSERT_EQ(0, connect_backend(&self->vm, self->evtchn_fd, &port, &local));
	set_bit_of(&self->vm, MASK, port, true);
	EXPECT_EQ(0, notify(self->evtchn_fd, local));
	EXPECT_TRUE(bit_of(&self->vm, PENDING, port));
	EXPECT_EQ(0, *(uint8_t *)vm_ptr(&self->vm, SHARED_INFO_GFN * PAGE));
	unmask.port = port;
	EXPECT_EQ(0, hypercall_arg(self->vcpu, __HYPERVISOR_event_channel_op, EVTCHNOP_unmask,
				   &unmask, sizeof(unmask)));
	EXPECT_FALSE(bit_of(&self->vm, MASK, port));
	EXPECT_EQ(1, *(uint8_t *)vm_ptr(&self->vm, SHARED_INFO_GFN * PAGE));
}

struct waiter {
	struct vm_vcpu *vcpu;
	int ret;
};

static void *run_vcpu(void *arg)
{
	struct waiter *waiter = arg;

	waiter->ret = vcpu_run(waiter->vcpu);
	return NULL;
}

TEST_F(upcall, masked_port_ends_a_poll_for_it)
{
	/* struct sched_poll: pointer, number, timeout; in the guest's layout. */
	struct { uint64_t ports; uint32_t nr, pad; uint64_t timeout; } poll64 = {
		GUEST_DATA + 64, 1, 0, 0,
	};
	struct { uint32_t ports, nr; uint64_t timeout; } poll32 = { GUEST_DATA + 64, 1, 0 };
	const uint64_t args[6] = { SCHEDOP_poll, GUEST_DATA };
	struct waiter waiter = { .vcpu = self->vcpu };
	uint32_t port, local;
	pthread_t thread;

	ASSERT_EQ(0, connect_backend(&self->vm, self->evtchn_fd, &port, &local));
	set_bit_of(&self->vm, MASK, port, true);
	if (variant->bit32)
		memcpy(vm_ptr(&self->vm, GUEST_DATA), &poll32, sizeof(poll32));
	else
		memcpy(vm_ptr(&self->vm, GUEST_DATA), &poll64, sizeof(poll64));
	memcpy(vm_ptr(&self->vm, GUEST_DATA + 64), &port, sizeof(port));
	vcpu_command(self->vcpu, GUEST_OP_HYPERCALL, __HYPERVISOR_sched_op, args);
	pthread_create(&thread, NULL, run_vcpu, &waiter);
	usleep(200000);
	EXPECT_EQ(0, notify(self->evtchn_fd, local));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, waiter.ret);
}

/* ---- IPIs, timers, VIRQs ---- */

TEST_F(upcall, IPI_wakes_the_other_vcpu)
{
	int64_t port;
	struct waiter waiter = { .vcpu = &self->vm.vcpus[1] };
	pthread_t thread;

	port = bind_ipi(self->vcpu, 1);
	ASSERT_LT(0, port);
	vcpu_command(waiter.vcpu, GUEST_OP_HALT, 0, NULL);
	pthread_create(&thread, NULL, run_vcpu, &waiter);
	usleep(100000);
	EXPECT_EQ(0, send(self->vcpu, port));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, waiter.ret);
	EXPECT_EQ(1, vcpu_upcalls(waiter.vcpu));
	EXPECT_EQ(0, vcpu_upcalls(self->vcpu));
}

TEST_F(upcall, IPI_sent_by_ioctl_arrives)
{
	int64_t port;
	struct xenemu_vcpu_hypercall arg = {
		.size = sizeof(arg), .longmode = !variant->bit32,
		.input = __HYPERVISOR_event_channel_op,
		.params = { EVTCHNOP_send, GUEST_DATA },
	};

	port = bind_ipi(self->vcpu, 1);
	ASSERT_LT(0, port);
	memcpy(vm_ptr(&self->vm, GUEST_DATA), &port, sizeof(uint32_t));
	EXPECT_EQ(0, xioctl(self->vcpu->fd, XENEMU_VCPU_HYPERCALL, &arg));
	EXPECT_EQ(0, arg.out_result);
	EXPECT_TRUE(bit_of(&self->vm, PENDING, port));
}

TEST_F(upcall, VMM_with_its_own_loop_tells_KVM_by_sync)
{
	struct xenemu_vcpu_sync sync = { .size = sizeof(sync) };
	int64_t port;
	struct vm_vcpu *vcpu = &self->vm.vcpus[1];

	port = bind_ipi(self->vcpu, 1);
	ASSERT_LT(0, port);
	ASSERT_EQ(0, send(self->vcpu, port));
	ASSERT_EQ(0, xioctl(vcpu->fd, XENEMU_VCPU_SYNC, &sync));
	vcpu_command(vcpu, GUEST_OP_HALT, 0, NULL);
	ASSERT_EQ(0, xioctl(vcpu->kvm_fd, KVM_RUN, NULL));
	EXPECT_EQ(KVM_EXIT_IO, vcpu->kvm_run->exit_reason);
	EXPECT_EQ(1, vcpu_upcalls(vcpu));
}

TEST_F(upcall, eventfd_for_upcalls_can_be_replaced)
{
	struct xenemu_vcpu_set_upcall arg = { .size = sizeof(arg) };
	uint32_t port, local;
	uint64_t nr;
	int fd[2];

	for (unsigned int i = 0; i < 2; i++) {
		fd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		arg.eventfd = fd[i];
		ASSERT_EQ(0, xioctl(self->vcpu->fd, XENEMU_VCPU_SET_UPCALL, &arg));
	}
	ASSERT_EQ(0, connect_backend(&self->vm, self->evtchn_fd, &port, &local));
	ASSERT_EQ(0, notify(self->evtchn_fd, local));
	EXPECT_EQ(sizeof(nr), read(fd[1], &nr, sizeof(nr)));
	EXPECT_EQ(-1, read(fd[0], &nr, sizeof(nr)));
	close(fd[0]);
	close(fd[1]);
}

static int64_t set_timer(struct vm_vcpu *vcpu, uint64_t ns)
{
	/* A 32-bit caller gives the time in two halves. */
	return vcpu->vm->bit32 ? HCALL2(vcpu, __HYPERVISOR_set_timer_op, (uint32_t)ns, ns >> 32) :
				 HCALL1(vcpu, __HYPERVISOR_set_timer_op, ns);
}

/* The guest's system time of vCPU 0, roughly: what its vcpu_time_info was last told. */
static uint64_t system_time(struct vm *vm)
{
	uint64_t time;

	/* vcpu_info.time.system_time */
	memcpy(&time, (char *)vm_ptr(vm, SHARED_INFO_GFN * PAGE) + 32 + 16, sizeof(time));
	return time;
}

TEST_F(upcall, timer_fires_when_bound_after_it_was_set)
{
	struct evtchn_bind_virq bind = { .virq = VIRQ_TIMER, .vcpu = 0 };

	ASSERT_EQ(0, set_timer(self->vcpu, system_time(&self->vm) + 100000000));
	ASSERT_EQ(0, hypercall_arg(self->vcpu, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq,
				   &bind, sizeof(bind)));
	vcpu_command(self->vcpu, GUEST_OP_HALT, 0, NULL);
	ASSERT_EQ(0, vcpu_run(self->vcpu));
	EXPECT_EQ(1, vcpu_upcalls(self->vcpu));
	EXPECT_TRUE(bit_of(&self->vm, PENDING, bind.port));
}

TEST_F(upcall, timer_fires_when_set_after_it_was_bound)
{
	struct evtchn_bind_virq bind = { .virq = VIRQ_TIMER, .vcpu = 0 };

	ASSERT_EQ(0, hypercall_arg(self->vcpu, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq,
				   &bind, sizeof(bind)));
	ASSERT_EQ(0, set_timer(self->vcpu, system_time(&self->vm) + 100000000));
	vcpu_command(self->vcpu, GUEST_OP_HALT, 0, NULL);
	ASSERT_EQ(0, vcpu_run(self->vcpu));
	EXPECT_EQ(1, vcpu_upcalls(self->vcpu));
	EXPECT_TRUE(bit_of(&self->vm, PENDING, bind.port));
}

TEST_F(upcall, virq_from_the_VMM_reaches_its_port)
{
	struct evtchn_bind_virq bind = { .virq = VIRQ_DEBUG, .vcpu = 1 };
	struct xenemu_domain_send_virq arg = { .size = sizeof(arg), .virq = VIRQ_DEBUG,
					       .vcpu_id = 1 };

	/* Not bound yet: no effect, no error. */
	EXPECT_EQ(0, xioctl(self->vm.domain_fd, XENEMU_DOMAIN_SEND_VIRQ, &arg));
	ASSERT_EQ(0, hypercall_arg(self->vcpu, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq,
				   &bind, sizeof(bind)));
	EXPECT_FALSE(bit_of(&self->vm, PENDING, bind.port));
	EXPECT_EQ(0, xioctl(self->vm.domain_fd, XENEMU_DOMAIN_SEND_VIRQ, &arg));
	EXPECT_TRUE(bit_of(&self->vm, PENDING, bind.port));
	arg.virq = VIRQ_TIMER;
	EXPECT_EQ(-EINVAL, xioctl(self->vm.domain_fd, XENEMU_DOMAIN_SEND_VIRQ, &arg));
	arg.virq = 24;
	EXPECT_EQ(-EINVAL, xioctl(self->vm.domain_fd, XENEMU_DOMAIN_SEND_VIRQ, &arg));
}

/* ---- vcpu_info ---- */

TEST_F(upcall, event_for_a_vcpu_that_has_not_started_ends_with_a_reset)
{
	struct xenemu_domain_reset reset = { .size = sizeof(reset) };
	int64_t port;

	port = bind_ipi(self->vcpu, 1);
	ASSERT_LT(0, port);
	EXPECT_EQ(0, send(self->vcpu, port));
	ASSERT_EQ(0, xioctl(self->vm.domain_fd, XENEMU_DOMAIN_RESET, &reset));
	/* It has the event in KVM, and no vcpu_info, nor ever had one. */
	EXPECT_LT(0, HCALL1(&self->vm.vcpus[1], __HYPERVISOR_xen_version, 0));
	EXPECT_EQ(0, vcpu_upcalls(&self->vm.vcpus[1]));
}

TEST_F(upcall, vcpu_info_of_a_vcpu_that_has_not_started_can_be_moved)
{
	struct { uint64_t mfn; uint32_t offset, rsvd; } arg = { SHARED_INFO_GFN + 1, 256, 0 };
	int64_t port;
	uint8_t *info = vm_ptr(&self->vm, (SHARED_INFO_GFN + 1) * PAGE + 256);
	struct waiter waiter = { .vcpu = &self->vm.vcpus[1] };
	pthread_t thread;

	memcpy(vm_ptr(&self->vm, GUEST_DATA), &arg, sizeof(arg));
	ASSERT_EQ(0, HCALL3(self->vcpu, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 1,
			    GUEST_DATA));
	/* So that nothing is lost, everything is raised once. */
	EXPECT_EQ(1, info[0]);
	info[0] = 0;
	EXPECT_EQ(-EBUSY, HCALL3(self->vcpu, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 1,
				 GUEST_DATA));

	port = bind_ipi(self->vcpu, 1);
	ASSERT_LT(0, port);
	*(uint64_t *)(waiter.vcpu->mailbox + MAILBOX_VCPU_INFO) =
		(SHARED_INFO_GFN + 1) * PAGE + 256;
	vcpu_command(waiter.vcpu, GUEST_OP_HALT, 0, NULL);
	pthread_create(&thread, NULL, run_vcpu, &waiter);
	usleep(100000);
	EXPECT_EQ(0, send(self->vcpu, port));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, waiter.ret);
	EXPECT_LE(1, vcpu_upcalls(waiter.vcpu));
}

TEST_F(upcall, shared_info_keeps_its_content_when_it_moves)
{
	uint32_t port, local;

	ASSERT_EQ(0, connect_backend(&self->vm, self->evtchn_fd, &port, &local));
	set_bit_of(&self->vm, MASK, port, true);
	ASSERT_EQ(0, notify(self->evtchn_fd, local));
	vm_enable_events(&self->vm, SHARED_INFO_GFN + 7);
	EXPECT_EQ(0, memcmp(vm_ptr(&self->vm, SHARED_INFO_GFN * PAGE + 2048),
			    vm_ptr(&self->vm, (SHARED_INFO_GFN + 7) * PAGE + 2048),
			    variant->bit32 ? 256 : 1024));
}

TEST_HARNESS_MAIN
