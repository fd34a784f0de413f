// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several domains on one host fd: what a toolstack does with them through XenStore, and
 * what they see of each other. Also very many.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <linux/xenemu.h>
#include <xen/xen.h>
#include <xen/sched.h>

#include "../kselftest_harness.h"
#include "vm.h"
#include "xs.h"

#define RING_GFN	(GUEST_PAGES / PAGE + 1)

/* ---- two ---- */

FIXTURE(domains)
{
	struct vm vm[2];
	int fd[2];	/* store fds that act for them */
	uint32_t port[2];
	int dom0;
	int watcher;	/* another store fd of dom0 */
	struct xs_msg msg;
};

FIXTURE_SETUP(domains)
{
	struct vm_config config = {};
	unsigned int i;

	for (i = 0; i < 2; i++) {
		config.domid = i + 1;
		vm_create(&self->vm[i], &config);
		config.host_fd = self->vm[0].host_fd;
	}
	self->dom0 = host_open_fd(config.host_fd, XENEMU_HOST_OPEN_STORE, 0);
	self->watcher = host_open_fd(config.host_fd, XENEMU_HOST_OPEN_STORE, 0);
	ASSERT_LE(0, self->dom0);
	ASSERT_LE(0, self->watcher);
	fcntl(self->watcher, F_SETFL, O_NONBLOCK);
	for (i = 0; i < 2; i++) {
		self->fd[i] = host_open_fd(config.host_fd, XENEMU_HOST_OPEN_STORE, i + 1);
		ASSERT_LE(0, self->fd[i]);
		fcntl(self->fd[i], F_SETFL, O_NONBLOCK);
		ASSERT_EQ(0, xs_make_home(self->dom0, i + 1));
		ASSERT_EQ(0, vm_alloc_port(&self->vm[i], &self->port[i]));
	}
}

FIXTURE_TEARDOWN(domains)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		close(self->fd[i]);
		vm_destroy(&self->vm[i]);
	}
	close(self->watcher);
	close(self->dom0);
}

#define INTRODUCE(nr) xs_introduce(self->dom0, (nr) + 1, RING_GFN, self->port[nr])

/* The path of the next event, or "" if there is none. */
static const char *next_event(int fd, struct xs_msg *msg)
{
	if (xs_recv(fd, msg) || msg->hdr.type != XS_WATCH_EVENT)
		return "";
	return msg->body;
}

#define EXPECT_EVENT(fd, path)	EXPECT_STREQ(path, next_event(fd, &self->msg))
#define EXPECT_NO_EVENT(fd)	EXPECT_STREQ("", next_event(fd, &self->msg))

static int is_introduced(int dom0, unsigned int domid)
{
	char body[16], reply[XENSTORE_PAYLOAD_MAX + 1];
	int len = snprintf(body, sizeof(body), "%u", domid);

	if (xs_call(dom0, XS_IS_DOMAIN_INTRODUCED, 0, body, len + 1, reply) < 0)
		return -1;
	return reply[0] == 'T';
}

TEST_F(domains, are_introduced_one_by_one)
{
	ASSERT_EQ(3, XS_CALL(self->watcher, XS_WATCH, 0, "@introduceDomain\0t\0" "1"));
	EXPECT_EVENT(self->watcher, "@introduceDomain");
	EXPECT_EQ(0, is_introduced(self->dom0, 1));
	ASSERT_EQ(0, INTRODUCE(1));
	EXPECT_EVENT(self->watcher, "@introduceDomain/2");
	EXPECT_EQ(0, is_introduced(self->dom0, 1));
	EXPECT_EQ(1, is_introduced(self->dom0, 2));
	ASSERT_EQ(0, INTRODUCE(0));
	EXPECT_EVENT(self->watcher, "@introduceDomain/1");
	ASSERT_EQ(0, INTRODUCE(0));
	EXPECT_NO_EVENT(self->watcher);
	EXPECT_EQ(1, is_introduced(self->dom0, 1));
}

TEST_F(domains, do_not_see_each_other)
{
	ASSERT_EQ(0, xs_write_node(self->fd[0], 0, "name", "one"));
	ASSERT_EQ(0, xs_write_node(self->fd[1], 0, "name", "two"));
	EXPECT_EQ(3, xs_read_node(self->dom0, 0, "/local/domain/2/name", self->msg.body));
	EXPECT_STREQ("two", self->msg.body);
	EXPECT_EQ(-EACCES, xs_read_node(self->fd[0], 0, "/local/domain/2/name",
					self->msg.body));
	EXPECT_EQ(-EACCES, xs_write_node(self->fd[0], 0, "/local/domain/2/name", "x"));
	ASSERT_EQ(0, xs_watch(self->fd[0], "/local/domain/2", "t"));
	EXPECT_EVENT(self->fd[0], "/local/domain/2");
	ASSERT_EQ(0, xs_write_node(self->fd[1], 0, "name", "x"));
	EXPECT_NO_EVENT(self->fd[0]);
}

TEST_F(domains, hear_of_each_other_if_they_may)
{
	ASSERT_EQ(0, xs_write_node(self->fd[1], 0, "shared", "x"));
	ASSERT_EQ(3, XS_CALL(self->fd[1], XS_SET_PERMS, 0, "shared\0n2\0r1"));
	ASSERT_EQ(0, xs_watch(self->fd[0], "/local/domain/2/shared", "t"));
	EXPECT_EVENT(self->fd[0], "/local/domain/2/shared");
	ASSERT_EQ(0, xs_write_node(self->fd[1], 0, "shared", "y"));
	EXPECT_EVENT(self->fd[0], "/local/domain/2/shared");
	EXPECT_EQ(1, xs_read_node(self->fd[0], 0, "/local/domain/2/shared", self->msg.body));
}

TEST_F(domains, target_may_be_acted_for_until_it_goes)
{
	EXPECT_EQ(-ENOENT, XS_CALL(self->dom0, XS_SET_TARGET, 0, "1\0" "2"));
	ASSERT_EQ(0, INTRODUCE(0));
	EXPECT_EQ(-ENOENT, XS_CALL(self->dom0, XS_SET_TARGET, 0, "1\0" "2"));
	ASSERT_EQ(0, INTRODUCE(1));
	EXPECT_EQ(-EACCES, XS_CALL(self->fd[0], XS_SET_TARGET, 0, "1\0" "2"));
	ASSERT_EQ(3, XS_CALL(self->dom0, XS_SET_TARGET, 0, "1\0" "2"));
	EXPECT_EQ(0, xs_write_node(self->fd[0], 0, "/local/domain/2/state", "x"));
	EXPECT_EQ(-EACCES, xs_write_node(self->fd[1], 0, "/local/domain/1/state", "x"));

	ASSERT_EQ(3, XS_CALL(self->dom0, XS_RELEASE, 0, "2"));
	ASSERT_EQ(0, xs_make_home(self->dom0, 2));
	EXPECT_EQ(-EACCES, xs_write_node(self->fd[0], 0, "/local/domain/2/state", "x"));
}

TEST_F(domains, release_of_one_is_not_the_others)
{
	ASSERT_EQ(0, INTRODUCE(0));
	ASSERT_EQ(0, INTRODUCE(1));
	ASSERT_EQ(0, xs_write_node(self->fd[0], 0, "name", "one"));
	ASSERT_EQ(0, xs_watch(self->watcher, "@releaseDomain/1", "t"));
	EXPECT_EVENT(self->watcher, "@releaseDomain/1");
	ASSERT_EQ(3, XS_CALL(self->dom0, XS_RELEASE, 0, "2"));
	EXPECT_NO_EVENT(self->watcher);
	EXPECT_EQ(1, is_introduced(self->dom0, 1));
	EXPECT_EQ(0, is_introduced(self->dom0, 2));
	EXPECT_EQ(3, xs_read_node(self->fd[0], 0, "name", self->msg.body));
	EXPECT_EQ(-ENOENT, xs_read_node(self->dom0, 0, "/local/domain/2", self->msg.body));
}

TEST_F(domains, shutdown_is_told_once_and_the_end_again)
{
	const uint64_t args[6] = { SCHEDOP_shutdown, GUEST_DATA };
	struct sched_shutdown shutdown = { .reason = SHUTDOWN_poweroff };
	struct vm *vm = &self->vm[1];

	ASSERT_EQ(0, INTRODUCE(0));
	ASSERT_EQ(0, INTRODUCE(1));
	ASSERT_EQ(3, XS_CALL(self->watcher, XS_WATCH, 0, "@releaseDomain\0t\0" "1"));
	EXPECT_EVENT(self->watcher, "@releaseDomain");
	memcpy(vm_ptr(vm, GUEST_DATA), &shutdown, sizeof(shutdown));
	vcpu_command(&vm->vcpus[0], GUEST_OP_HYPERCALL, __HYPERVISOR_sched_op, args);
	ASSERT_EQ(1, vcpu_run(&vm->vcpus[0]));
	ASSERT_EQ(XENEMU_EXIT_SHUTDOWN, vm->vcpus[0].run->exit_reason);
	EXPECT_EVENT(self->watcher, "@releaseDomain/2");
	EXPECT_NO_EVENT(self->watcher);
	EXPECT_EQ(3, XS_CALL(self->dom0, XS_RESUME, 0, "2"));
	EXPECT_NO_EVENT(self->watcher);

	close(vm->domain_fd);
	vm->domain_fd = open("/dev/null", O_RDWR);
	EXPECT_EVENT(self->watcher, "@releaseDomain/2");
	EXPECT_NO_EVENT(self->watcher);
	EXPECT_EQ(-ENOENT, XS_CALL(self->dom0, XS_RESUME, 0, "2"));
	EXPECT_EQ(1, is_introduced(self->dom0, 1));
}

/* ---- very many ---- */

#define NR_MANY		1000
#define NR_NODES	60
#define NR_WATCHES	10

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}

/* Of a read and a write of one domain's node, in microseconds. */
static double cost(int fd)
{
	char value[XENSTORE_PAYLOAD_MAX + 1];
	double start = now();
	int i;

	for (i = 0; i < 100; i++) {
		if (xs_write_node(fd, 0, "node/7", "x") ||
		    xs_read_node(fd, 0, "node/7", value) != 1)
			return -1;
	}
	return (now() - start) / 100;
}

static int fill(int dom0, int fd, unsigned int domid)
{
	char path[64];
	unsigned int i;
	int ret = xs_make_home(dom0, domid);

	for (i = 0; i < NR_NODES - 2 && !ret; i++) {
		snprintf(path, sizeof(path), "node/%u", i);
		ret = xs_write_node(fd, 0, path, "1");
	}
	for (i = 0; i < NR_WATCHES && !ret; i++) {
		snprintf(path, sizeof(path), "watched/%u", i);
		ret = xs_watch(fd, path, "t");
	}
	return ret;
}

FIXTURE(many)
{
	int host_fd;
	int dom0;
};

FIXTURE_SETUP(many)
{
	struct rlimit limit = { .rlim_cur = 3 * NR_MANY + 100, .rlim_max = 3 * NR_MANY + 100 };

	self->host_fd = host_open();
	if (self->host_fd < 0)
		SKIP(return, "no /dev/xenemu: %s", strerror(-self->host_fd));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	self->dom0 = host_open_fd(self->host_fd, XENEMU_HOST_OPEN_STORE, 0);
	ASSERT_LE(0, self->dom0);
}

FIXTURE_TEARDOWN(many)
{
	close(self->dom0);
	close(self->host_fd);
}

TEST_F_TIMEOUT(many, domains_on_one_host, 300)
{
	static int kvm_fd[NR_MANY + 1], domain_fd[NR_MANY + 1], fd[NR_MANY + 1];
	char reply[XENSTORE_PAYLOAD_MAX + 1];
	int host_fd = self->host_fd, dom0 = self->dom0, i;
	double first = 0, last, start;

	for (i = 1; i <= NR_MANY; i++) {
		struct xenemu_host_create_domain arg = { .size = sizeof(arg), .domid = i };

		kvm_fd[i] = kvm_create_vm();
		arg.kvm_fd = kvm_fd[i];
		domain_fd[i] = xioctl(host_fd, XENEMU_HOST_CREATE_DOMAIN, &arg);
		ASSERT_LE(0, domain_fd[i]);
		fd[i] = host_open_fd(host_fd, XENEMU_HOST_OPEN_STORE, i);
		ASSERT_LE(0, fd[i]);
		ASSERT_EQ(0, fill(dom0, fd[i], i));
		if (i == 1)
			first = cost(fd[1]);
	}
	last = cost(fd[NR_MANY]);
	EXPECT_LT(0, first);
	EXPECT_LT(0, last);
	ASSERT_LT(0, xs_call(dom0, XS_CONTROL, 0, "check", 6, reply));
	EXPECT_STREQ("OK", reply);

	start = now();
	close(domain_fd[NR_MANY / 2]);
	TH_LOG("a write and a read: %.0f us alone, %.0f us among %d; end of a domain: %.0f us",
	       first, last, NR_MANY, now() - start);
	EXPECT_EQ(-ENOENT, xs_read_node(dom0, 0, "/local/domain/500", reply));
	EXPECT_EQ(0, xs_read_node(dom0, 0, "/local/domain/501", reply));
	domain_fd[NR_MANY / 2] = open("/dev/null", O_RDWR);

	for (i = 1; i <= NR_MANY; i++) {
		close(fd[i]);
		close(domain_fd[i]);
		close(kvm_fd[i]);
	}
	ASSERT_LT(0, xs_call(dom0, XS_CONTROL, 0, "check", 6, reply));
	EXPECT_STREQ("OK", reply);
	EXPECT_EQ(-ENOENT, xs_read_node(dom0, 0, "/local/domain/501", reply));
}

TEST_HARNESS_MAIN
