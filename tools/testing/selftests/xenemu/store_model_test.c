// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random operations on the store in the kernel and on the model of it, which the unit
 * tests use too: through store fds, by ioctl, with the events read.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/xenemu.h>

#include "../kselftest_harness.h"
#include "store_model.h"
#include "vm.h"
#include "xs.h"

/* In debug kernels, in an emulated machine: some seconds for each seed. */
#define ROUNDS	10000

struct machine {
	int host_fd;
	int kvm_fd[STORE_MODEL_DOMAINS + 1];
	int domain_fd[STORE_MODEL_DOMAINS + 1];
	int store_fd[STORE_MODEL_CLIENTS];
};

static void fail(void *ctx, int line, const char *what)
{
	printf("# store_model.c:%d: %s\n", line, what);
	fflush(stdout);
	_exit(KSFT_FAIL);
}

static void open_client(struct machine *machine, unsigned int client)
{
	machine->store_fd[client] = host_open_fd(machine->host_fd, XENEMU_HOST_OPEN_STORE,
						 store_model_domid(client));
	if (machine->store_fd[client] < 0)
		fail(machine, __LINE__, "no store fd");
}

static void create_domain(struct machine *machine, unsigned int domid)
{
	struct xenemu_host_create_domain arg = { .size = sizeof(arg), .domid = domid };

	machine->kvm_fd[domid] = kvm_create_vm();
	arg.kvm_fd = machine->kvm_fd[domid];
	machine->domain_fd[domid] = xioctl(machine->host_fd, XENEMU_HOST_CREATE_DOMAIN, &arg);
	if (machine->domain_fd[domid] < 0)
		fail(machine, __LINE__, "no domain");
}

static int model_request(void *ctx, unsigned int client, uint32_t type, uint32_t tx,
			 const void *body, size_t len, char *reply)
{
	struct machine *machine = ctx;

	return xs_call(machine->store_fd[client], type, tx, body, len, reply);
}

static void model_events(void *ctx, unsigned int client, char *text, size_t size)
{
	struct machine *machine = ctx;
	struct pollfd pfd = { .fd = machine->store_fd[client], .events = POLLIN };
	struct xs_msg msg;
	size_t len = 0;

	text[0] = 0;
	while (poll(&pfd, 1, 0) == 1 && pfd.revents & POLLIN) {
		if (xs_recv(pfd.fd, &msg) || msg.hdr.type != XS_WATCH_EVENT)
			fail(ctx, __LINE__, "not an event");
		if (len + msg.hdr.len + 2 > size)
			fail(ctx, __LINE__, "too many events");
		len += sprintf(text + len, "%s %s;", msg.body,
			       msg.body + strlen(msg.body) + 1);
	}
}

static void model_reopen(void *ctx, unsigned int client)
{
	struct machine *machine = ctx;

	close(machine->store_fd[client]);
	open_client(machine, client);
}

static void model_replace(void *ctx, unsigned int domid)
{
	struct machine *machine = ctx;

	close(machine->domain_fd[domid]);
	close(machine->kvm_fd[domid]);
	close(machine->store_fd[store_model_client(domid)]);
	create_domain(machine, domid);
	open_client(machine, store_model_client(domid));
}

static const struct store_model_ops ops = {
	.request = model_request,
	.events = model_events,
	.reopen = model_reopen,
	.replace = model_replace,
	.fail = fail,
};

FIXTURE(model)
{
	struct machine machine;
};

FIXTURE_VARIANT(model)
{
	unsigned int seed;
};

FIXTURE_VARIANT_ADD(model, seed_1) { .seed = 1 };
FIXTURE_VARIANT_ADD(model, seed_2) { .seed = 2 };
FIXTURE_VARIANT_ADD(model, seed_3) { .seed = 3 };

FIXTURE_SETUP(model)
{
	unsigned int i;

	self->machine.host_fd = host_open();
	if (self->machine.host_fd < 0)
		SKIP(return, "no /dev/xenemu: %s", strerror(-self->machine.host_fd));
	for (i = 1; i <= STORE_MODEL_DOMAINS; i++)
		create_domain(&self->machine, i);
	for (i = 0; i < STORE_MODEL_CLIENTS; i++)
		open_client(&self->machine, i);
}

FIXTURE_TEARDOWN(model)
{
	unsigned int i;

	for (i = 0; i < STORE_MODEL_CLIENTS; i++)
		close(self->machine.store_fd[i]);
	for (i = 1; i <= STORE_MODEL_DOMAINS; i++) {
		close(self->machine.domain_fd[i]);
		close(self->machine.kvm_fd[i]);
	}
	close(self->machine.host_fd);
}

TEST_F_TIMEOUT(model, store_is_like_the_model, 300)
{
	struct store_model_result result;

	store_model_run(&ops, &self->machine, variant->seed, ROUNDS, &result);
	TH_LOG("%u rounds, %lu commits, %lu conflicts, %lu events, %lu deaths", ROUNDS,
	       result.commits, result.conflicts, result.events, result.deaths);
	EXPECT_LT(0, result.commits);
	EXPECT_LT(0, result.conflicts);
	EXPECT_LT(0, result.events);
	EXPECT_LT(0, result.deaths);
}

TEST_HARNESS_MAIN
