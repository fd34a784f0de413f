// SPDX-License-Identifier: GPL-2.0-only
/*
 * HYPERVISOR_event_channel_op: each operation of a guest with each of its errors,
 * and arguments that point nowhere.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/sys/evtchn.h>

#include "../kselftest_harness.h"
#include "evtchn.h"
#include "hcall.h"

/* The highest port of the 2-level ABI. */
#define LAST_PORT(vm)	((vm)->bit32 ? 1023u : 4095u)
#define NO_DOMAIN	77

/* The port, or a negative errno. */
static int64_t alloc_unbound(struct vm_vcpu *vcpu, unsigned int dom, unsigned int remote)
{
	struct evtchn_alloc_unbound arg = { .dom = dom, .remote_dom = remote };
	int64_t ret = evtchn_op(vcpu, EVTCHNOP_alloc_unbound, &arg, sizeof(arg));

	return ret ?: arg.port;
}

static int64_t bind_interdomain(struct vm_vcpu *vcpu, unsigned int remote, uint32_t port)
{
	struct evtchn_bind_interdomain arg = { .remote_dom = remote, .remote_port = port };
	int64_t ret = evtchn_op(vcpu, EVTCHNOP_bind_interdomain, &arg, sizeof(arg));

	return ret ?: arg.local_port;
}

static int64_t bind_virq(struct vm_vcpu *vcpu, uint32_t virq, uint32_t id)
{
	struct evtchn_bind_virq arg = { .virq = virq, .vcpu = id };
	int64_t ret = evtchn_op(vcpu, EVTCHNOP_bind_virq, &arg, sizeof(arg));

	return ret ?: arg.port;
}

static int64_t unmask(struct vm_vcpu *vcpu, uint32_t port)
{
	struct evtchn_unmask arg = { .port = port };

	return evtchn_op(vcpu, EVTCHNOP_unmask, &arg, sizeof(arg));
}

static int64_t bind_vcpu(struct vm_vcpu *vcpu, uint32_t port, uint32_t id)
{
	struct evtchn_bind_vcpu arg = { .port = port, .vcpu = id };

	return evtchn_op(vcpu, EVTCHNOP_bind_vcpu, &arg, sizeof(arg));
}

static int64_t reset(struct vm_vcpu *vcpu, unsigned int dom)
{
	struct evtchn_reset arg = { .dom = dom };

	return evtchn_op(vcpu, EVTCHNOP_reset, &arg, sizeof(arg));
}

static int64_t get_status(struct vm_vcpu *vcpu, unsigned int dom, uint32_t port,
			  struct evtchn_status *status)
{
	memset(status, 0xff, sizeof(*status));
	status->dom = dom;
	status->port = port;
	return evtchn_op(vcpu, EVTCHNOP_status, status, sizeof(*status));
}

/* What the guest sees of a port of its own: EVTCHNSTAT_*, or a negative errno. */
static int64_t status_of(struct vm_vcpu *vcpu, uint32_t port)
{
	struct evtchn_status status;
	int64_t ret = get_status(vcpu, DOMID_SELF, port, &status);

	return ret ?: status.status;
}

TEST_F(hypercall, alloc_unbound_takes_the_lowest_free_port)
{
	EXPECT_EQ(1, alloc_unbound(self->vcpu, DOMID_SELF, 0));
	EXPECT_EQ(2, alloc_unbound(self->vcpu, self->vm.domid, NO_DOMAIN));
	EXPECT_EQ(3, alloc_unbound(self->vcpu, DOMID_SELF, DOMID_SELF));
	EXPECT_EQ(0, close_port(self->vcpu, 2));
	EXPECT_EQ(2, alloc_unbound(self->vcpu, DOMID_SELF, 0));
}

TEST_F(hypercall, alloc_unbound_is_for_the_guest_itself)
{
	EXPECT_EQ(-EPERM, alloc_unbound(self->vcpu, 0, 0));
	EXPECT_EQ(-ESRCH, alloc_unbound(self->vcpu, NO_DOMAIN, 0));
	EXPECT_EQ(EVTCHNSTAT_closed, status_of(self->vcpu, 1));
}

TEST_F_TIMEOUT(hypercall, ports_run_out, 120)
{
	const uint32_t last = LAST_PORT(&self->vm);
	uint32_t port;

	/* Which layout it has is known by then. */
	vm_enable_events(&self->vm, SHARED_INFO_GFN);
	for (port = 1; port <= last; port++)
		ASSERT_EQ(port, alloc_unbound(self->vcpu, DOMID_SELF, 0));
	EXPECT_EQ(-ENOSPC, alloc_unbound(self->vcpu, DOMID_SELF, 0));
	EXPECT_EQ(-ENOSPC, bind_ipi(self->vcpu, 0));
	EXPECT_EQ(-ENOSPC, bind_virq(self->vcpu, VIRQ_DEBUG, 0));
	EXPECT_EQ(0, close_port(self->vcpu, last));
	EXPECT_EQ(last, bind_virq(self->vcpu, VIRQ_DEBUG, 0));
}

TEST_F(hypercall, loopback_connects_two_ports)
{
	struct evtchn_status status;

	ASSERT_EQ(1, alloc_unbound(self->vcpu, DOMID_SELF, DOMID_SELF));
	ASSERT_EQ(2, bind_interdomain(self->vcpu, DOMID_SELF, 1));
	EXPECT_EQ(0, get_status(self->vcpu, DOMID_SELF, 2, &status));
	EXPECT_EQ(EVTCHNSTAT_interdomain, status.status);
	EXPECT_EQ(self->vm.domid, status.u.interdomain.dom);
	EXPECT_EQ(1, status.u.interdomain.port);
	EXPECT_EQ(0, send(self->vcpu, 1));
	EXPECT_EQ(0, send(self->vcpu, 2));
	/* When one end goes, the other waits for a new one. */
	EXPECT_EQ(0, close_port(self->vcpu, 2));
	EXPECT_EQ(EVTCHNSTAT_unbound, status_of(self->vcpu, 1));
	EXPECT_EQ(2, bind_interdomain(self->vcpu, DOMID_SELF, 1));
}

TEST_F(hypercall, bind_interdomain_refuses)
{
	struct vm_vcpu *vcpu = self->vcpu;

	EXPECT_EQ(-ESRCH, bind_interdomain(vcpu, NO_DOMAIN, 1));
	EXPECT_EQ(-EINVAL, bind_interdomain(vcpu, DOMID_SELF, 0));
	/* The number that the new port itself would get. */
	EXPECT_EQ(-EINVAL, bind_interdomain(vcpu, DOMID_SELF, 1));
	EXPECT_EQ(-EINVAL, bind_interdomain(vcpu, DOMID_SELF, UINT32_MAX));
	EXPECT_EQ(-EINVAL, bind_interdomain(vcpu, 0, 1));
	ASSERT_EQ(1, alloc_unbound(vcpu, DOMID_SELF, NO_DOMAIN));
	EXPECT_EQ(-EINVAL, bind_interdomain(vcpu, DOMID_SELF, 1));
	ASSERT_EQ(2, bind_ipi(vcpu, 0));
	EXPECT_EQ(-EINVAL, bind_interdomain(vcpu, DOMID_SELF, 2));
	/* Nothing of that took a port. */
	EXPECT_EQ(3, alloc_unbound(vcpu, DOMID_SELF, DOMID_SELF));
	ASSERT_EQ(4, bind_interdomain(vcpu, DOMID_SELF, 3));
	EXPECT_EQ(-EINVAL, bind_interdomain(vcpu, DOMID_SELF, 3));
}

TEST_F(hypercall, two_guests_of_one_host)
{
	struct vm_config config = { .host_fd = self->vm.host_fd, .domid = 2,
				    .bit32 = self->vm.bit32 };
	struct evtchn_status status;
	struct vm other;

	vm_create(&other, &config);
	ASSERT_EQ(1, alloc_unbound(self->vcpu, DOMID_SELF, 2));
	EXPECT_EQ(-EINVAL, bind_interdomain(&other.vcpus[0], self->vm.domid, 2));
	ASSERT_EQ(1, bind_interdomain(&other.vcpus[0], self->vm.domid, 1));
	EXPECT_EQ(0, get_status(self->vcpu, DOMID_SELF, 1, &status));
	EXPECT_EQ(EVTCHNSTAT_interdomain, status.status);
	EXPECT_EQ(2, status.u.interdomain.dom);
	EXPECT_EQ(0, send(self->vcpu, 1));
	EXPECT_EQ(-EPERM, get_status(self->vcpu, 2, 1, &status));
	EXPECT_EQ(-EPERM, reset(self->vcpu, 2));
	EXPECT_EQ(-EPERM, alloc_unbound(self->vcpu, 2, 0));
	vm_destroy(&other);
	EXPECT_EQ(EVTCHNSTAT_unbound, status_of(self->vcpu, 1));
	EXPECT_EQ(0, send(self->vcpu, 1));
}

TEST_F(hypercall, bind_virq_refuses)
{
	struct vm_vcpu *vcpu = self->vcpu;

	EXPECT_EQ(-EINVAL, bind_virq(vcpu, NR_VIRQS, 0));
	EXPECT_EQ(-EINVAL, bind_virq(vcpu, UINT32_MAX, 0));
	EXPECT_EQ(-ENOENT, bind_virq(vcpu, VIRQ_TIMER, 2));
	EXPECT_EQ(-ENOENT, bind_virq(vcpu, VIRQ_TIMER, UINT32_MAX));
	EXPECT_EQ(-EINVAL, bind_virq(vcpu, VIRQ_ARGO, 1));
	EXPECT_EQ(-EBUSY, bind_virq(vcpu, VIRQ_DOM_EXC, 0));
	EXPECT_EQ(1, bind_virq(vcpu, VIRQ_DEBUG, 1));
	EXPECT_EQ(-EEXIST, bind_virq(vcpu, VIRQ_DEBUG, 1));
	EXPECT_EQ(2, bind_virq(vcpu, VIRQ_DEBUG, 0));
	EXPECT_EQ(0, close_port(vcpu, 1));
	EXPECT_EQ(1, bind_virq(vcpu, VIRQ_DEBUG, 1));
}

TEST_F(hypercall, bind_ipi_refuses)
{
	EXPECT_EQ(-ENOENT, bind_ipi(self->vcpu, 2));
	EXPECT_EQ(-ENOENT, bind_ipi(self->vcpu, UINT32_MAX));
	EXPECT_EQ(1, bind_ipi(self->vcpu, 1));
	EXPECT_EQ(EVTCHNSTAT_ipi, status_of(self->vcpu, 1));
}

TEST_F(hypercall, close_refuses)
{
	EXPECT_EQ(-EINVAL, close_port(self->vcpu, 0));
	EXPECT_EQ(-EINVAL, close_port(self->vcpu, 1));
	EXPECT_EQ(-EINVAL, close_port(self->vcpu, UINT32_MAX));
	ASSERT_EQ(1, bind_ipi(self->vcpu, 0));
	EXPECT_EQ(0, close_port(self->vcpu, 1));
	EXPECT_EQ(-EINVAL, close_port(self->vcpu, 1));
}

TEST_F(hypercall, send_refuses)
{
	EXPECT_EQ(-EINVAL, send(self->vcpu, 0));
	EXPECT_EQ(-EINVAL, send(self->vcpu, 5));
	EXPECT_EQ(-EINVAL, send(self->vcpu, UINT32_MAX));
	ASSERT_EQ(1, bind_virq(self->vcpu, VIRQ_DEBUG, 0));
	EXPECT_EQ(-EINVAL, send(self->vcpu, 1));
	/* Nobody has bound to it yet, which is no error of the sender's. */
	ASSERT_EQ(2, alloc_unbound(self->vcpu, DOMID_SELF, 0));
	EXPECT_EQ(0, send(self->vcpu, 2));
}

TEST_F(hypercall, status_of_each_kind)
{
	struct evtchn_status status;
	struct vm_vcpu *vcpu = self->vcpu;

	ASSERT_EQ(1, alloc_unbound(vcpu, DOMID_SELF, NO_DOMAIN));
	ASSERT_EQ(2, bind_virq(vcpu, VIRQ_DEBUG, 1));
	EXPECT_EQ(0, get_status(vcpu, self->vm.domid, 1, &status));
	EXPECT_EQ(EVTCHNSTAT_unbound, status.status);
	EXPECT_EQ(NO_DOMAIN, status.u.unbound.dom);
	EXPECT_EQ(0, get_status(vcpu, DOMID_SELF, 2, &status));
	EXPECT_EQ(EVTCHNSTAT_virq, status.status);
	EXPECT_EQ(VIRQ_DEBUG, status.u.virq);
	EXPECT_EQ(1, status.vcpu);
	EXPECT_EQ(EVTCHNSTAT_closed, status_of(vcpu, 3));
	EXPECT_EQ(-EINVAL, status_of(vcpu, 0));
	EXPECT_EQ(-EINVAL, status_of(vcpu, UINT32_MAX));
	EXPECT_EQ(-ESRCH, get_status(vcpu, NO_DOMAIN, 1, &status));
	EXPECT_EQ(-EPERM, get_status(vcpu, 0, 1, &status));
}

TEST_F(hypercall, bind_vcpu_moves_what_may_move)
{
	struct evtchn_status status;
	struct vm_vcpu *vcpu = self->vcpu;

	ASSERT_EQ(1, alloc_unbound(vcpu, DOMID_SELF, 0));
	ASSERT_EQ(2, bind_ipi(vcpu, 0));
	ASSERT_EQ(3, bind_virq(vcpu, VIRQ_DEBUG, 0));
	EXPECT_EQ(0, bind_vcpu(vcpu, 1, 1));
	EXPECT_EQ(0, get_status(vcpu, DOMID_SELF, 1, &status));
	EXPECT_EQ(1, status.vcpu);
	EXPECT_EQ(-ENOENT, bind_vcpu(vcpu, 1, 2));
	EXPECT_EQ(-ENOENT, bind_vcpu(vcpu, 1, UINT32_MAX));
	EXPECT_EQ(-EINVAL, bind_vcpu(vcpu, 2, 1));
	EXPECT_EQ(-EINVAL, bind_vcpu(vcpu, 3, 1));
	EXPECT_EQ(-EINVAL, bind_vcpu(vcpu, 0, 1));
	EXPECT_EQ(-EINVAL, bind_vcpu(vcpu, UINT32_MAX, 1));
}

TEST_F(hypercall, unmask_refuses)
{
	EXPECT_EQ(-EINVAL, unmask(self->vcpu, 0));
	EXPECT_EQ(-EINVAL, unmask(self->vcpu, 1));
	EXPECT_EQ(-EINVAL, unmask(self->vcpu, UINT32_MAX));
	ASSERT_EQ(1, bind_ipi(self->vcpu, 0));
	EXPECT_EQ(0, unmask(self->vcpu, 1));
}

TEST_F(hypercall, reset_closes_all)
{
	struct vm_vcpu *vcpu = self->vcpu;
	uint32_t port;

	ASSERT_EQ(1, alloc_unbound(vcpu, DOMID_SELF, 0));
	ASSERT_EQ(2, bind_virq(vcpu, VIRQ_TIMER, 0));
	ASSERT_EQ(3, bind_ipi(vcpu, 1));
	ASSERT_EQ(4, alloc_unbound(vcpu, DOMID_SELF, DOMID_SELF));
	ASSERT_EQ(5, bind_interdomain(vcpu, DOMID_SELF, 4));
	EXPECT_EQ(-EPERM, reset(vcpu, 0));
	EXPECT_EQ(-ESRCH, reset(vcpu, NO_DOMAIN));
	EXPECT_EQ(EVTCHNSTAT_ipi, status_of(vcpu, 3));
	EXPECT_EQ(0, reset(vcpu, DOMID_SELF));
	for (port = 1; port <= 5; port++)
		EXPECT_EQ(EVTCHNSTAT_closed, status_of(vcpu, port));
	EXPECT_EQ(1, bind_virq(vcpu, VIRQ_TIMER, 0));
}

TEST_F(hypercall, argument_that_points_nowhere_is_EFAULT)
{
	static const unsigned int ops[] = {
		EVTCHNOP_bind_interdomain, EVTCHNOP_bind_virq, EVTCHNOP_close, EVTCHNOP_send,
		EVTCHNOP_status, EVTCHNOP_alloc_unbound, EVTCHNOP_bind_ipi, EVTCHNOP_bind_vcpu,
		EVTCHNOP_unmask, EVTCHNOP_reset,
	};
	unsigned int i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		EXPECT_EQ(-EFAULT, HCALL2(self->vcpu, __HYPERVISOR_event_channel_op, ops[i],
					  NOWHERE));
		/* Into the last bytes of memory, and past them. */
		EXPECT_EQ(-EFAULT, HCALL2(self->vcpu, __HYPERVISOR_event_channel_op, ops[i],
					  VM_MEMORY - 1));
	}
	EXPECT_EQ(1, bind_ipi(self->vcpu, 0));
}

TEST_F(hypercall, port_whose_number_cannot_be_told_is_closed)
{
	static const struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF };
	static const struct evtchn_bind_virq virq = { .virq = VIRQ_DEBUG };
	static const struct evtchn_bind_ipi ipi = { .vcpu = 0 };
	static const struct {
		unsigned int op;
		const void *arg;
		size_t len;
	} calls[] = {
		{ EVTCHNOP_alloc_unbound, &alloc, sizeof(alloc) },
		{ EVTCHNOP_bind_virq, &virq, sizeof(virq) },
		{ EVTCHNOP_bind_ipi, &ipi, sizeof(ipi) },
	};
	struct xenemu_domain_set_memory args = {
		.size = sizeof(args), .flags = XENEMU_MEMORY_READONLY,
		.guest_addr = VM_MEMORY, .len = PAGE,
	};
	unsigned int i;
	void *page;

	/* The guest's arguments are where they can be read only. */
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, page);
	args.user_addr = (uintptr_t)page;
	ASSERT_EQ(0, xioctl(self->vm.domain_fd, XENEMU_DOMAIN_SET_MEMORY, &args));
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		memcpy(page, calls[i].arg, calls[i].len);
		EXPECT_EQ(-EFAULT, HCALL2(self->vcpu, __HYPERVISOR_event_channel_op, calls[i].op,
					  VM_MEMORY));
	}
	EXPECT_EQ(1, bind_virq(self->vcpu, VIRQ_DEBUG, 0));
	munmap(page, PAGE);
}

TEST_F(hypercall, operations_that_are_not_there_are_ENOSYS)
{
	static const unsigned int ops[] = {
		EVTCHNOP_bind_pirq, EVTCHNOP_init_control, EVTCHNOP_expand_array,
		EVTCHNOP_set_priority, 14, 0x7fffffff, UINT32_MAX,
	};
	unsigned int i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		EXPECT_EQ(-ENOSYS, HCALL2(self->vcpu, __HYPERVISOR_event_channel_op, ops[i],
					  GUEST_DATA));
}

TEST_F(hypercall, port_of_a_store_or_backend_is_not_the_guests)
{
	struct ioctl_evtchn_bind_unbound_port arg = { .remote_domain = self->vm.domid };
	int fd = host_open_fd(self->vm.host_fd, XENEMU_HOST_OPEN_EVTCHN, self->vm.domid);
	int port;

	/* An evtchn fd that acts for the guest: its ports are in the guest's table. */
	ASSERT_LE(0, fd);
	port = xioctl(fd, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &arg);
	ASSERT_LT(0, port);
	EXPECT_EQ(-EINVAL, close_port(self->vcpu, port));
	EXPECT_EQ(-EINVAL, send(self->vcpu, port));
	EXPECT_EQ(-EINVAL, bind_vcpu(self->vcpu, port, 1));
	EXPECT_EQ(-EACCES, status_of(self->vcpu, port));
	EXPECT_EQ(0, unmask(self->vcpu, port));
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(EVTCHNSTAT_closed, status_of(self->vcpu, port));
}

TEST_HARNESS_MAIN
