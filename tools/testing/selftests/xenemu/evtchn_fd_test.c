// SPDX-License-Identifier: GPL-2.0-only
/*
 * The evtchn fd: the interface of /dev/xen/evtchn, with each of its errors.
 * Most of it needs no guest: two fds of dom0 talk to each other.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xen/sched.h>
#include <xen/sys/evtchn.h>

#include "../kselftest_harness.h"
#include "vm.h"

#define NO_DOMAIN	77

/* No memory is there, which the compiler need not know. */
static void *volatile nowhere = (void *)8;

FIXTURE(evtchn_fd)
{
	int host_fd;
	int fd;
	int other;
};

FIXTURE_SETUP(evtchn_fd)
{
	self->host_fd = host_open();
	ASSERT_LE(0, self->host_fd);
	self->fd = host_open_fd(self->host_fd, XENEMU_HOST_OPEN_EVTCHN, 0);
	ASSERT_LE(0, self->fd);
	self->other = host_open_fd(self->host_fd, XENEMU_HOST_OPEN_EVTCHN, 0);
	ASSERT_LE(0, self->other);
}

FIXTURE_TEARDOWN(evtchn_fd)
{
	close(self->other);
	close(self->fd);
	close(self->host_fd);
}

/* Each returns a port, 0 or a negative errno. */
static int bind_unbound(int fd, unsigned int remote)
{
	struct ioctl_evtchn_bind_unbound_port arg = { .remote_domain = remote };

	return xioctl(fd, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &arg);
}

static int bind_interdomain(int fd, unsigned int remote, unsigned int port)
{
	struct ioctl_evtchn_bind_interdomain arg = { .remote_domain = remote,
						     .remote_port = port };

	return xioctl(fd, IOCTL_EVTCHN_BIND_INTERDOMAIN, &arg);
}

static int bind_virq(int fd, unsigned int virq)
{
	struct ioctl_evtchn_bind_virq arg = { .virq = virq };

	return xioctl(fd, IOCTL_EVTCHN_BIND_VIRQ, &arg);
}

static int unbind(int fd, unsigned int port)
{
	struct ioctl_evtchn_unbind arg = { .port = port };

	return xioctl(fd, IOCTL_EVTCHN_UNBIND, &arg);
}

static int notify(int fd, unsigned int port)
{
	struct ioctl_evtchn_notify arg = { .port = port };

	return xioctl(fd, IOCTL_EVTCHN_NOTIFY, &arg);
}

static int restrict_domid(int fd, unsigned int domid)
{
	struct ioctl_evtchn_restrict_domid arg = { .domid = domid };

	return xioctl(fd, IOCTL_EVTCHN_RESTRICT_DOMID, &arg);
}

/* The port that an event is read of within @ms, or 0. */
static unsigned int next_event(int fd, int ms)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	uint32_t port;

	if (poll(&pollfd, 1, ms) != 1 || read(fd, &port, sizeof(port)) != sizeof(port))
		return 0;
	return port;
}

static int write_back(int fd, uint32_t port)
{
	return write(fd, &port, sizeof(port)) == sizeof(port) ? 0 : -errno;
}

/* Connects the two fds, and takes the event that this makes. */
static void connect_fds(struct __test_metadata *_metadata, int fd, int other, int *port,
			int *other_port)
{
	*port = bind_unbound(fd, 0);
	ASSERT_LT(0, *port);
	*other_port = bind_interdomain(other, 0, *port);
	ASSERT_LT(0, *other_port);
	ASSERT_EQ(*other_port, next_event(other, 1000));
	ASSERT_EQ(0, write_back(other, *other_port));
}

TEST_F(evtchn_fd, event_goes_both_ways)
{
	int port, other_port;

	connect_fds(_metadata, self->fd, self->other, &port, &other_port);
	EXPECT_EQ(0, notify(self->fd, port));
	EXPECT_EQ(other_port, next_event(self->other, 1000));
	EXPECT_EQ(0, notify(self->other, other_port));
	EXPECT_EQ(port, next_event(self->fd, 1000));
}

TEST_F(evtchn_fd, port_is_masked_until_written_back)
{
	int port, other_port;

	connect_fds(_metadata, self->fd, self->other, &port, &other_port);
	EXPECT_EQ(0, notify(self->fd, port));
	EXPECT_EQ(other_port, next_event(self->other, 1000));
	EXPECT_EQ(0, notify(self->fd, port));
	EXPECT_EQ(0, notify(self->fd, port));
	EXPECT_EQ(0, next_event(self->other, 0));
	EXPECT_EQ(0, write_back(self->other, other_port));
	EXPECT_EQ(other_port, next_event(self->other, 0));
	EXPECT_EQ(0, write_back(self->other, other_port));
	EXPECT_EQ(0, next_event(self->other, 0));
}

TEST_F(evtchn_fd, many_ports_are_read_at_once_each_once)
{
	uint32_t ports[200], got[300];
	unsigned int i, seen = 0;
	ssize_t len;
	int port;

	for (i = 0; i < 200; i++) {
		port = bind_unbound(self->fd, 0);
		ASSERT_LT(0, port);
		port = bind_interdomain(self->other, 0, port);
		ASSERT_LT(0, port);
		ports[i] = port;
	}
	/* Each has the event of its being bound. */
	len = read(self->other, got, 50 * sizeof(*got));
	ASSERT_EQ(50 * sizeof(*got), len);
	len = read(self->other, got + 50, sizeof(got) - 50 * sizeof(*got));
	ASSERT_EQ(150 * sizeof(*got), len);
	for (i = 0; i < 200; i++)
		seen += got[i] == ports[i];
	EXPECT_EQ(200, seen);
	EXPECT_EQ(sizeof(ports), write(self->other, ports, sizeof(ports)));
	EXPECT_EQ(0, next_event(self->other, 0));
}

TEST_F(evtchn_fd, read_of_nothing)
{
	uint32_t port;

	EXPECT_EQ(0, fcntl(self->fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-1, read(self->fd, &port, sizeof(port)));
	EXPECT_EQ(EAGAIN, errno);
	/* Too short for a port. */
	EXPECT_EQ(0, read(self->fd, &port, sizeof(port) - 1));
}

static void on_alarm(int signal)
{
}

TEST_F(evtchn_fd, signal_ends_a_read_that_waits)
{
	struct sigaction action = { .sa_handler = on_alarm };
	uint32_t port;

	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ualarm(100000, 100000);
	EXPECT_EQ(-1, read(self->fd, &port, sizeof(port)));
	EXPECT_EQ(EINTR, errno);
	ualarm(0, 0);
}

TEST_F(evtchn_fd, event_that_cannot_be_copied_is_not_lost)
{
	int port, other_port;

	connect_fds(_metadata, self->fd, self->other, &port, &other_port);
	EXPECT_EQ(0, notify(self->fd, port));
	EXPECT_EQ(-1, read(self->other, nowhere, sizeof(uint32_t)));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(other_port, next_event(self->other, 0));
}

TEST_F(evtchn_fd, write_takes_any_number)
{
	const uint32_t ports[] = { 0, 1, 4096, UINT32_MAX };

	EXPECT_EQ(sizeof(ports), write(self->fd, ports, sizeof(ports)));
	EXPECT_EQ(0, write(self->fd, ports, 3));
	EXPECT_EQ(-1, write(self->fd, nowhere, sizeof(ports)));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(evtchn_fd, port_of_another_fd_is_not_ours)
{
	int port, other_port;

	connect_fds(_metadata, self->fd, self->other, &port, &other_port);
	EXPECT_EQ(-ENOTCONN, notify(self->other, port));
	EXPECT_EQ(-ENOTCONN, unbind(self->other, port));
	EXPECT_EQ(0, notify(self->fd, port));
	EXPECT_EQ(other_port, next_event(self->other, 1000));
	EXPECT_EQ(0, write_back(self->fd, other_port));
	EXPECT_EQ(0, notify(self->fd, port));
	EXPECT_EQ(0, next_event(self->other, 0));
}

TEST_F(evtchn_fd, notify_and_unbind_refuse)
{
	int port;

	EXPECT_EQ(-ENOTCONN, notify(self->fd, 0));
	EXPECT_EQ(-ENOTCONN, notify(self->fd, 1));
	EXPECT_EQ(-ENOTCONN, notify(self->fd, UINT32_MAX));
	EXPECT_EQ(-ENOTCONN, unbind(self->fd, 1));
	EXPECT_EQ(-EINVAL, unbind(self->fd, UINT32_MAX));
	port = bind_unbound(self->fd, 0);
	ASSERT_LT(0, port);
	EXPECT_EQ(0, notify(self->fd, port));
	EXPECT_EQ(0, unbind(self->fd, port));
	EXPECT_EQ(-ENOTCONN, unbind(self->fd, port));
	EXPECT_EQ(-ENOTCONN, notify(self->fd, port));
}

TEST_F(evtchn_fd, bind_interdomain_refuses)
{
	int port;

	EXPECT_EQ(-ESRCH, bind_interdomain(self->fd, NO_DOMAIN, 1));
	EXPECT_EQ(-ESRCH, bind_interdomain(self->fd, UINT32_MAX, 1));
	EXPECT_EQ(-EINVAL, bind_interdomain(self->fd, 0, 0));
	EXPECT_EQ(-EINVAL, bind_interdomain(self->fd, 0, 1));
	EXPECT_EQ(-EINVAL, bind_interdomain(self->fd, 0, UINT32_MAX));
	port = bind_unbound(self->fd, NO_DOMAIN);
	ASSERT_LT(0, port);
	EXPECT_EQ(-EINVAL, bind_interdomain(self->other, 0, port));
}

TEST_F(evtchn_fd, bind_unbound_refuses)
{
	EXPECT_EQ(-EINVAL, bind_unbound(self->fd, 0x10000));
	EXPECT_EQ(-EINVAL, bind_unbound(self->fd, UINT32_MAX));
}

TEST_F(evtchn_fd, virqs_of_dom0)
{
	int port;

	EXPECT_EQ(-EINVAL, bind_virq(self->fd, NR_VIRQS));
	EXPECT_EQ(-EINVAL, bind_virq(self->fd, UINT32_MAX));
	EXPECT_EQ(-ENOENT, bind_virq(self->fd, VIRQ_TIMER));
	port = bind_virq(self->fd, VIRQ_DOM_EXC);
	EXPECT_LT(0, port);
	EXPECT_EQ(-EEXIST, bind_virq(self->other, VIRQ_DOM_EXC));
	/* It has no other end, and that is all. */
	EXPECT_EQ(0, notify(self->fd, port));
	EXPECT_EQ(0, unbind(self->fd, port));
	EXPECT_LT(0, bind_virq(self->other, VIRQ_DOM_EXC));
}

TEST_F(evtchn_fd, VIRQ_DOM_EXC_tells_of_shutdown_and_death)
{
	struct vm_config config = { .host_fd = self->host_fd, .domid = 5 };
	const uint64_t args[6] = { SCHEDOP_shutdown, GUEST_DATA };
	struct sched_shutdown shutdown = { .reason = SHUTDOWN_poweroff };
	struct vm vm;
	int port;

	port = bind_virq(self->fd, VIRQ_DOM_EXC);
	ASSERT_LT(0, port);
	vm_create(&vm, &config);
	EXPECT_EQ(0, next_event(self->fd, 0));
	memcpy(vm_ptr(&vm, GUEST_DATA), &shutdown, sizeof(shutdown));
	vcpu_command(&vm.vcpus[0], GUEST_OP_HYPERCALL, __HYPERVISOR_sched_op, args);
	ASSERT_EQ(1, vcpu_run(&vm.vcpus[0]));
	ASSERT_EQ(XENEMU_EXIT_SHUTDOWN, vm.vcpus[0].run->exit_reason);
	EXPECT_EQ(port, next_event(self->fd, 1000));
	EXPECT_EQ(0, write_back(self->fd, port));
	EXPECT_EQ(0, next_event(self->fd, 0));
	vm_destroy(&vm);
	EXPECT_EQ(port, next_event(self->fd, 1000));
}

TEST_F(evtchn_fd, restricted_fd_reaches_one_domain_only)
{
	EXPECT_EQ(-EINVAL, restrict_domid(self->fd, 0));
	EXPECT_EQ(-EINVAL, restrict_domid(self->fd, DOMID_FIRST_RESERVED));
	EXPECT_EQ(0, restrict_domid(self->fd, 3));
	EXPECT_EQ(-EACCES, restrict_domid(self->fd, 3));
	EXPECT_EQ(-EACCES, bind_virq(self->fd, VIRQ_DOM_EXC));
	EXPECT_EQ(-EACCES, bind_unbound(self->fd, 3));
	EXPECT_EQ(-EACCES, bind_interdomain(self->fd, 0, 1));
	EXPECT_EQ(-ESRCH, bind_interdomain(self->fd, 3, 1));
}

TEST_F(evtchn_fd, reset_drops_what_was_not_read)
{
	int port, other_port;

	connect_fds(_metadata, self->fd, self->other, &port, &other_port);
	EXPECT_EQ(0, notify(self->fd, port));
	EXPECT_EQ(0, xioctl(self->other, IOCTL_EVTCHN_RESET, NULL));
	EXPECT_EQ(0, next_event(self->other, 0));
	/* As if it had been read. */
	EXPECT_EQ(0, write_back(self->other, other_port));
	EXPECT_EQ(0, notify(self->fd, port));
	EXPECT_EQ(other_port, next_event(self->other, 1000));
}

TEST_F(evtchn_fd, bad_pointers_and_numbers)
{
	static const unsigned long requests[] = {
		IOCTL_EVTCHN_BIND_VIRQ, IOCTL_EVTCHN_BIND_INTERDOMAIN,
		IOCTL_EVTCHN_BIND_UNBOUND_PORT, IOCTL_EVTCHN_UNBIND, IOCTL_EVTCHN_NOTIFY,
		IOCTL_EVTCHN_RESTRICT_DOMID,
	};
	unsigned int i;

	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		EXPECT_EQ(-EFAULT, xioctl(self->fd, requests[i], nowhere));
	EXPECT_EQ(-ENOTTY, xioctl(self->fd, _IO('E', 99), NULL));
}

TEST_F(evtchn_fd, closing_one_end_leaves_the_other_unbound)
{
	int port, other_port;

	connect_fds(_metadata, self->fd, self->other, &port, &other_port);
	EXPECT_EQ(0, close(self->other));
	EXPECT_EQ(0, notify(self->fd, port));
	self->other = host_open_fd(self->host_fd, XENEMU_HOST_OPEN_EVTCHN, 0);
	ASSERT_LE(0, self->other);
	EXPECT_LT(0, bind_interdomain(self->other, 0, port));
}

struct sender {
	int fd;
	int port;
};

static void *send_many(void *arg)
{
	struct sender *sender = arg;

	for (unsigned int i = 0; i < 2000; i++)
		notify(sender->fd, sender->port);
	return NULL;
}

TEST_F_TIMEOUT(evtchn_fd, ports_come_and_go_while_events_are_sent, 120)
{
	struct sender sender = { .fd = self->fd };
	pthread_t thread;
	uint32_t ports[8];
	int other_port;

	sender.port = bind_unbound(self->fd, 0);
	ASSERT_LT(0, sender.port);
	EXPECT_EQ(0, fcntl(self->other, F_SETFL, O_NONBLOCK));
	ASSERT_EQ(0, pthread_create(&thread, NULL, send_many, &sender));
	for (unsigned int i = 0; i < 500; i++) {
		other_port = bind_interdomain(self->other, 0, sender.port);
		ASSERT_LT(0, other_port);
		if (read(self->other, ports, sizeof(ports)) > 0)
			EXPECT_EQ(other_port, ports[0]);
		EXPECT_EQ(0, write_back(self->other, other_port));
		EXPECT_EQ(0, unbind(self->other, other_port));
	}
	pthread_join(thread, NULL);
	EXPECT_EQ(0, next_event(self->other, 0));
}

TEST_F(evtchn_fd, event_is_told_by_a_signal_if_asked_for)
{
	const struct timespec patience = { .tv_sec = 10 };
	int port, local;
	sigset_t set;

	connect_fds(_metadata, self->fd, self->other, &port, &local);
	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ASSERT_EQ(0, fcntl(self->other, F_SETOWN, getpid()));
	ASSERT_EQ(0, fcntl(self->other, F_SETFL, O_RDWR | O_ASYNC));
	ASSERT_EQ(0, notify(self->fd, port));
	EXPECT_EQ(SIGIO, sigtimedwait(&set, NULL, &patience));
}

TEST_F(evtchn_fd, DOMID_SELF_is_the_domain_of_the_fd)
{
	int port = bind_unbound(self->fd, DOMID_SELF);

	ASSERT_LT(0, port);
	EXPECT_LT(0, bind_interdomain(self->other, DOMID_SELF, port));
}

TEST_HARNESS_MAIN
