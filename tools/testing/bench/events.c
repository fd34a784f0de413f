// SPDX-License-Identifier: GPL-2.0-only
/*
 * What hypercalls and events cost, with the small guest of the kselftests, so
 * that nothing of a guest's kernel is in it: a hypercall that KVM answers, one
 * that xenemu answers, an event from the guest until a backend's read() has
 * returned, and one from a backend until the guest's handler runs.
 *
 * usage: events
 *
 * It prints a line for each, "bench NAME MEDIAN MEAN".
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/kvm.h>
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/sys/evtchn.h>
#include <xen/version.h>

#include "samples.h"
#include "vm.h"

#define SHARED_INFO_GFN	(GUEST_PAGES / PAGE)
#define WARM_UP	50
#define ROUNDS	1000
/* Hypercalls of one run of the guest: what the run costs besides vanishes in it. */
#define BATCH	100

static struct samples samples;
static struct vm vm;
static struct vm_vcpu *vcpu;

/* ---- hypercalls ---- */

static uint64_t run_cost(unsigned int op, uint64_t nr, const uint64_t args[6])
{
	uint64_t start;

	vcpu_command(vcpu, op, nr, args);
	start = cost_now();
	if (vcpu_run(vcpu))
		errx(1, "the guest stopped");
	return cost_now() - start;
}

static void measure_hypercall(const char *name, uint64_t nr, uint64_t a, uint64_t b)
{
	const uint64_t args[6] = { a, b, 0, 0, 0, BATCH };
	uint64_t one, batch;
	int i;

	for (i = 0; i < WARM_UP + ROUNDS; i++) {
		const uint64_t single[6] = { a, b, 0, 0, 0, 1 };

		one = run_cost(GUEST_OP_LOOP_HYPERCALL, nr, single);
		batch = run_cost(GUEST_OP_LOOP_HYPERCALL, nr, args);
		if (i >= WARM_UP && batch > one)
			samples_add(&samples, (batch - one) / (BATCH - 1));
	}
	samples_report(&samples, name);
}

/* ---- events ---- */

static uint64_t tsc_offset;
static int backend;
static evtchn_port_t backend_port, guest_port;

/**
 * struct exchange - an event each way
 * @received: when the backend had read that there was one
 * @answered: when it sent the other
 */
static struct exchange {
	uint64_t received;
	uint64_t answered;
} exchanges[WARM_UP + ROUNDS];

static void *serve(void *arg)
{
	struct ioctl_evtchn_notify notify = { .port = backend_port };
	evtchn_port_t port;
	int i;

	(void)arg;
	for (i = 0; i < WARM_UP + ROUNDS; i++) {
		if (read(backend, &port, sizeof(port)) != sizeof(port))
			err(1, "read of the evtchn fd");
		exchanges[i].received = cost_now();
		/* Again ready for one before the guest can send it. */
		if (write(backend, &port, sizeof(port)) != sizeof(port))
			err(1, "write to the evtchn fd");
		exchanges[i].answered = cost_now();
		if (ioctl(backend, IOCTL_EVTCHN_NOTIFY, &notify))
			err(1, "IOCTL_EVTCHN_NOTIFY");
	}
	return NULL;
}

static uint64_t mailbox(unsigned int offset)
{
	return *(volatile uint64_t *)(vcpu->mailbox + offset);
}

static void bind_backend(void)
{
	struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = 0 };
	struct ioctl_evtchn_bind_interdomain bind = { .remote_domain = 1 };
	int ret;

	if (hypercall_arg(vcpu, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &alloc,
			  sizeof(alloc)))
		errx(1, "EVTCHNOP_alloc_unbound");
	guest_port = alloc.port;
	bind.remote_port = guest_port;
	backend = host_open_fd(vm.host_fd, XENEMU_HOST_OPEN_EVTCHN, 0);
	if (backend < 0)
		errx(1, "XENEMU_HOST_OPEN_EVTCHN: %s", strerror(-backend));
	ret = xioctl(backend, IOCTL_EVTCHN_BIND_INTERDOMAIN, &bind);
	if (ret < 0)
		errx(1, "IOCTL_EVTCHN_BIND_INTERDOMAIN: %s", strerror(-ret));
	backend_port = ret;
}

/* Take what is there to be read, so that each read() later waits for one event. */
static void drain(void)
{
	struct pollfd poller = { .fd = backend, .events = POLLIN };
	evtchn_port_t port;

	while (poll(&poller, 1, 0) == 1) {
		if (read(backend, &port, sizeof(port)) != sizeof(port) ||
		    write(backend, &port, sizeof(port)) != sizeof(port))
			err(1, "the evtchn fd");
	}
}

static void measure_events(void)
{
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uintptr_t)&tsc_offset,
	};
	const uint64_t args[6] = { EVTCHNOP_send, GUEST_DATA };
	static struct samples back;
	uint64_t sent, upcall;
	pthread_t thread;
	int i, ret;

	if (ioctl(vcpu->kvm_fd, KVM_GET_DEVICE_ATTR, &attr))
		err(1, "KVM_VCPU_TSC_OFFSET");
	memcpy(vm_ptr(&vm, GUEST_DATA), &guest_port, sizeof(guest_port));
	if (pthread_create(&thread, NULL, serve, NULL))
		errx(1, "no thread");
	for (i = 0; i < WARM_UP + ROUNDS; i++) {
		/* The guest sends, and halts until there is an answer. */
		memset(vm_ptr(&vm, SHARED_INFO_GFN * PAGE), 0, 64);
		memset(vm_ptr(&vm, SHARED_INFO_GFN * PAGE + 0x800), 0, 0x200);
		vcpu_command(vcpu, GUEST_OP_SEND_AND_HALT, __HYPERVISOR_event_channel_op, args);
		ret = vcpu_run(vcpu);
		if (ret)
			errx(1, "the guest stopped: %d", ret);
		if (i < WARM_UP)
			continue;
		sent = mailbox(MAILBOX_TSC_SENT) - tsc_offset;
		upcall = mailbox(MAILBOX_TSC_UPCALL) - tsc_offset;
		samples_add(&samples, exchanges[i].received - sent);
		samples_add(&back, upcall - exchanges[i].answered);
	}
	pthread_join(thread, NULL);
	samples_report(&samples, "event-to-backend");
	samples_report(&back, "event-to-guest");
}

int main(void)
{
	struct vm_config config = {};

	vm_create(&vm, &config);
	vcpu = &vm.vcpus[0];
	measure_hypercall("hypercall-kvm", __HYPERVISOR_xen_version, XENVER_version, 0);
	measure_hypercall("hypercall-xenemu", __HYPERVISOR_xen_version, XENVER_pagesize, 0);
	vm_enable_events(&vm, SHARED_INFO_GFN);
	bind_backend();
	memcpy(vm_ptr(&vm, GUEST_DATA), &guest_port, sizeof(guest_port));
	/* Nobody reads: only the way there. */
	measure_hypercall("event-unread", __HYPERVISOR_event_channel_op, EVTCHNOP_send,
			  GUEST_DATA);
	drain();
	measure_events();
	vm_destroy(&vm);
	close(backend);
	return 0;
}
