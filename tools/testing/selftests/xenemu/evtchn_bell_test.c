// SPDX-License-Identifier: GPL-2.0-only
/*
 * XENEMU_DOMAIN_ADD_EVENTFD: events that KVM takes by itself go where all go.
 * Whether KVM takes one shows in KVM_RUN, called without xenemu: it returns for
 * a hypercall, or goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/sys/evtchn.h>

#include "../kselftest_harness.h"
#include "evtchn.h"

#define SHARED_INFO_GFN	(GUEST_PAGES / PAGE)
#define MAX_EVENTFDS	64
/* Milliseconds: an event that comes at all comes much sooner. */
#define PATIENCE	20000

FIXTURE(bell)
{
	struct vm vm;
	struct vm_vcpu *vcpu;
	int fd;
};

FIXTURE_SETUP(bell)
{
	struct vm_config config = { .no_eventfds = true };

	vm_create(&self->vm, &config);
	self->vcpu = &self->vm.vcpus[0];
	vm_enable_events(&self->vm, SHARED_INFO_GFN);
	self->fd = host_open_fd(self->vm.host_fd, XENEMU_HOST_OPEN_EVTCHN, 0);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_NONBLOCK));
}

FIXTURE_TEARDOWN(bell)
{
	close(self->fd);
	vm_destroy(&self->vm);
}

/* The port that had an event, made ready for another; 0 for none in time. */
static uint32_t take_event(int fd, int patience)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	uint32_t port = 0;

	if (poll(&poller, 1, patience) == 1 && read(fd, &port, sizeof(port)) == sizeof(port) &&
	    write(fd, &port, sizeof(port)) != sizeof(port))
		return 0;
	return port;
}

/*
 * A backend's port for one of the guest, or a negative errno. Its first event, for
 * what may have been sent before, is taken.
 */
static int bind_backend(int fd, uint32_t port)
{
	struct ioctl_evtchn_bind_interdomain arg = { .remote_domain = 1, .remote_port = port };

	int ret = xioctl(fd, IOCTL_EVTCHN_BIND_INTERDOMAIN, &arg);

	if (ret > 0 && take_event(fd, 0) != (uint32_t)ret)
		return -EIO;
	return ret;
}

/* A port of the guest that the backend is bound to, and the backend's. */
static int64_t open_port(struct vm_vcpu *vcpu, int fd, int *backend)
{
	struct evtchn_alloc_unbound arg = { .dom = DOMID_SELF, .remote_dom = 0 };
	int64_t ret = evtchn_op(vcpu, EVTCHNOP_alloc_unbound, &arg, sizeof(arg));

	if (ret)
		return ret;
	*backend = bind_backend(fd, arg.port);
	return *backend < 0 ? *backend : arg.port;
}

/*
 * Have the guest send, in a KVM_RUN that xenemu does not know of. The VMM that
 * would answer the hypercall does not, so it is left unanswered.
 */
static bool kvm_takes_event(struct vm_vcpu *vcpu, uint32_t port)
{
	const uint64_t args[6] = { EVTCHNOP_send, GUEST_DATA };

	memcpy(vm_ptr(vcpu->vm, GUEST_DATA), &port, sizeof(port));
	vcpu_command(vcpu, GUEST_OP_HYPERCALL, __HYPERVISOR_event_channel_op, args);
	if (ioctl(vcpu->kvm_fd, KVM_RUN, NULL))
		return false;
	if (vcpu->kvm_run->exit_reason == KVM_EXIT_IO)
		return true;
	/* Whatever the result, the guest goes on to where it waits for a command. */
	vcpu_run(vcpu);
	return false;
}

TEST_F(bell, kvm_takes_events_after_the_first)
{
	int64_t port;
	int backend;

	ASSERT_EQ(0, vm_add_eventfd(&self->vm));
	port = open_port(self->vcpu, self->fd, &backend);
	ASSERT_LT(0, port);
	EXPECT_FALSE(kvm_takes_event(self->vcpu, port));
	EXPECT_EQ(0, take_event(self->fd, 0));
	EXPECT_EQ(0, send(self->vcpu, port));
	EXPECT_EQ(backend, take_event(self->fd, 0));
	EXPECT_TRUE(kvm_takes_event(self->vcpu, port));
	EXPECT_EQ(backend, take_event(self->fd, PATIENCE));
}

/* The event is there when the guest runs on, as without. */
TEST_F(bell, event_has_arrived_when_the_guest_runs_on)
{
	int64_t port;
	int backend;
	int i;

	ASSERT_EQ(0, vm_add_eventfd(&self->vm));
	port = open_port(self->vcpu, self->fd, &backend);
	ASSERT_LT(0, port);
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, send(self->vcpu, port));
		ASSERT_EQ(backend, take_event(self->fd, 0));
		ASSERT_EQ(0, take_event(self->fd, 0));
	}
}

TEST_F(bell, port_without_one_works)
{
	int64_t port;
	int backend;

	port = open_port(self->vcpu, self->fd, &backend);
	ASSERT_LT(0, port);
	EXPECT_EQ(0, send(self->vcpu, port));
	EXPECT_EQ(backend, take_event(self->fd, 0));
	EXPECT_FALSE(kvm_takes_event(self->vcpu, port));
}

TEST_F(bell, more_ports_than_eventfds)
{
	int64_t ports[3];
	int backends[3];
	unsigned int round, i;

	ASSERT_EQ(0, vm_add_eventfd(&self->vm));
	for (i = 0; i < 3; i++) {
		ports[i] = open_port(self->vcpu, self->fd, &backends[i]);
		ASSERT_LT(0, ports[i]);
	}
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 3; i++) {
			EXPECT_EQ(0, send(self->vcpu, ports[i]));
			EXPECT_EQ(backends[i], take_event(self->fd, 0));
		}
	}
	EXPECT_TRUE(kvm_takes_event(self->vcpu, ports[0]));
	EXPECT_FALSE(kvm_takes_event(self->vcpu, ports[1]));
}

TEST_F(bell, closed_port_sends_nothing)
{
	int64_t port;
	int backend;

	ASSERT_EQ(0, vm_add_eventfd(&self->vm));
	port = open_port(self->vcpu, self->fd, &backend);
	ASSERT_LT(0, port);
	EXPECT_EQ(0, send(self->vcpu, port));
	EXPECT_EQ(backend, take_event(self->fd, 0));
	EXPECT_EQ(0, close_port(self->vcpu, port));
	EXPECT_EQ(-EINVAL, send(self->vcpu, port));
	EXPECT_EQ(0, take_event(self->fd, 0));
}

TEST_F(bell, eventfd_of_a_closed_port_serves_another)
{
	int64_t first, second;
	int backend;

	ASSERT_EQ(0, vm_add_eventfd(&self->vm));
	first = open_port(self->vcpu, self->fd, &backend);
	second = open_port(self->vcpu, self->fd, &backend);
	ASSERT_LT(0, first);
	ASSERT_LT(0, second);
	EXPECT_EQ(0, send(self->vcpu, first));
	EXPECT_EQ(0, send(self->vcpu, second));
	EXPECT_FALSE(kvm_takes_event(self->vcpu, second));
	EXPECT_EQ(0, close_port(self->vcpu, first));
	EXPECT_EQ(0, send(self->vcpu, second));
	EXPECT_TRUE(kvm_takes_event(self->vcpu, second));
}

/* The guest's port waits for a backend again, and events go nowhere meanwhile. */
TEST_F(bell, backend_goes_and_comes_back)
{
	struct ioctl_evtchn_unbind unbind = {};
	int64_t port;
	int backend;

	ASSERT_EQ(0, vm_add_eventfd(&self->vm));
	port = open_port(self->vcpu, self->fd, &backend);
	ASSERT_LT(0, port);
	EXPECT_EQ(0, send(self->vcpu, port));
	EXPECT_EQ(backend, take_event(self->fd, 0));
	unbind.port = backend;
	ASSERT_EQ(0, xioctl(self->fd, IOCTL_EVTCHN_UNBIND, &unbind));
	EXPECT_EQ(0, send(self->vcpu, port));
	EXPECT_EQ(0, take_event(self->fd, 0));
	backend = bind_backend(self->fd, port);
	ASSERT_LT(0, backend);
	EXPECT_EQ(0, send(self->vcpu, port));
	EXPECT_EQ(backend, take_event(self->fd, 0));
}

TEST_F(bell, reset_takes_it_down)
{
	struct evtchn_reset reset = { .dom = DOMID_SELF };
	int64_t port;
	int backend;

	ASSERT_EQ(0, vm_add_eventfd(&self->vm));
	port = open_port(self->vcpu, self->fd, &backend);
	ASSERT_LT(0, port);
	EXPECT_EQ(0, send(self->vcpu, port));
	EXPECT_EQ(backend, take_event(self->fd, 0));
	EXPECT_EQ(0, evtchn_op(self->vcpu, EVTCHNOP_reset, &reset, sizeof(reset)));
	EXPECT_EQ(-EINVAL, send(self->vcpu, port));

	port = open_port(self->vcpu, self->fd, &backend);
	ASSERT_LT(0, port);
	EXPECT_EQ(0, send(self->vcpu, port));
	EXPECT_EQ(backend, take_event(self->fd, 0));
	EXPECT_TRUE(kvm_takes_event(self->vcpu, port));
}

/* Who keeps the eventfd can do no more than the guest can. */
TEST_F(bell, written_by_the_vmm)
{
	struct xenemu_domain_add_eventfd args = { .size = sizeof(args) };
	int64_t port;
	int backend;

	args.eventfd = eventfd(0, EFD_CLOEXEC);
	ASSERT_LE(0, args.eventfd);
	ASSERT_EQ(0, xioctl(self->vm.domain_fd, XENEMU_DOMAIN_ADD_EVENTFD, &args));
	EXPECT_EQ(0, eventfd_write(args.eventfd, 1));
	EXPECT_EQ(0, take_event(self->fd, 0));
	port = open_port(self->vcpu, self->fd, &backend);
	ASSERT_LT(0, port);
	EXPECT_EQ(0, send(self->vcpu, port));
	EXPECT_EQ(backend, take_event(self->fd, 0));
	EXPECT_EQ(0, eventfd_write(args.eventfd, 1));
	EXPECT_EQ(backend, take_event(self->fd, PATIENCE));

	close(self->vm.domain_fd);
	self->vm.domain_fd = -1;
	EXPECT_EQ(0, eventfd_write(args.eventfd, 1));
	close(args.eventfd);
}

TEST_F(bell, refuses)
{
	struct xenemu_domain_add_eventfd args = { .size = sizeof(args), .eventfd = -1 };
	int i;

	EXPECT_EQ(-EBADF, xioctl(self->vm.domain_fd, XENEMU_DOMAIN_ADD_EVENTFD, &args));
	args.eventfd = self->fd;
	EXPECT_EQ(-EINVAL, xioctl(self->vm.domain_fd, XENEMU_DOMAIN_ADD_EVENTFD, &args));
	for (i = 0; i < MAX_EVENTFDS; i++)
		ASSERT_EQ(0, vm_add_eventfd(&self->vm));
	EXPECT_EQ(-ENOSPC, vm_add_eventfd(&self->vm));
}

/**
 * struct storm - a guest that sends all the time
 * @vcpu: its vCPU
 * @port: sends from here
 * @stop: ends it
 */
struct storm {
	struct vm_vcpu *vcpu;
	uint32_t port;
	bool stop;
};

static void *run_storm(void *arg)
{
	const uint64_t args[6] = { EVTCHNOP_send, GUEST_DATA, 0, 0, 0, 20 };
	struct storm *storm = arg;

	memcpy(vm_ptr(storm->vcpu->vm, GUEST_DATA), &storm->port, sizeof(storm->port));
	while (!__atomic_load_n(&storm->stop, __ATOMIC_RELAXED)) {
		vcpu_command(storm->vcpu, GUEST_OP_LOOP_HYPERCALL,
			     __HYPERVISOR_event_channel_op, args);
		vcpu_run(storm->vcpu);
	}
	return NULL;
}

TEST_F_TIMEOUT(bell, backends_come_and_go_while_events_are_sent, 120)
{
	struct ioctl_evtchn_unbind unbind = {};
	struct storm storm = { .vcpu = self->vcpu };
	pthread_t thread;
	int64_t port;
	int backend;
	int i;

	ASSERT_EQ(0, vm_add_eventfd(&self->vm));
	port = open_port(self->vcpu, self->fd, &backend);
	ASSERT_LT(0, port);
	storm.port = port;
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_storm, &storm));
	for (i = 0; i < 50; i++) {
		EXPECT_EQ(backend, take_event(self->fd, PATIENCE));
		unbind.port = backend;
		ASSERT_EQ(0, xioctl(self->fd, IOCTL_EVTCHN_UNBIND, &unbind));
		backend = bind_backend(self->fd, port);
		ASSERT_LT(0, backend);
	}
	__atomic_store_n(&storm.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

/* The domain dies with a guest that sends; nothing is left behind. */
TEST_F_TIMEOUT(bell, domain_goes_while_events_are_sent, 120)
{
	struct storm storm = { .vcpu = self->vcpu };
	pthread_t thread;
	int64_t port;
	int backend;

	ASSERT_EQ(0, vm_add_eventfd(&self->vm));
	port = open_port(self->vcpu, self->fd, &backend);
	ASSERT_LT(0, port);
	storm.port = port;
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_storm, &storm));
	EXPECT_EQ(backend, take_event(self->fd, PATIENCE));
	EXPECT_EQ(backend, take_event(self->fd, PATIENCE));
	close(self->vm.domain_fd);
	self->vm.domain_fd = -1;
	__atomic_store_n(&storm.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

TEST_HARNESS_MAIN
