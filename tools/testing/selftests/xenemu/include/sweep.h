/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A call with each of its faults. To be included once, after the harness, by a
 * test that is about nothing else: it is skipped as a whole where the kernel has
 * no fault injection.
 */
#ifndef XENEMU_TEST_SWEEP_H
#define XENEMU_TEST_SWEEP_H

#include <err.h>
#include <errno.h>
#include <string.h>

#include "fault.h"
#include "grants.h"

#define SHARED_INFO_GFN	(DATA_GFN + 16)

/* More than any call here has. A call that never stops failing ends there. */
#define MAX_FAULTS	2000

static void __attribute__((constructor)) require_faults(void)
{
	fault_require();
}

/*
 * The guest of a sweep: two vCPUs, events, and a grant table, which it returns. Its
 * memory is there, so that no fault hits its making.
 */
static inline volatile struct grant_entry_v1 *create_guest(struct vm *vm)
{
	struct vm_config config = { .nr_vcpus = 2, .max_grant_frames = 8 };

	vm_create(vm, &config);
	memset(vm_ptr(vm, GUEST_DATA), 0, VM_MEMORY - GUEST_DATA);
	vm_enable_events(vm, SHARED_INFO_GFN);
	if (map_frame(&vm->vcpus[0], 0, TABLE_GFN))
		errx(1, "the guest cannot map its grant table");
	return vm_ptr(vm, TABLE_GFN * PAGE);
}

struct call {
	const char *name;
	/* Returns a negative number if it failed. */
	long (*fn)(void *ctx);
	/* Takes back what it did when it did not, so that it can be made again. */
	void (*undo)(void *ctx, long ret);
	/*
	 * Where the result could not be told to the caller, it was done nevertheless;
	 * takes it back if so.
	 */
	void (*tidy)(void *ctx);
	/* What a fault may lead to other than -ENOMEM and -EFAULT. */
	long error;
	/* Errors are GNTST_*, any of them. */
	bool gntst;
};

static inline bool is_failure(const struct call *call, long ret)
{
	return ret == -ENOMEM || ret == -EFAULT || ret == call->error || call->gntst;
}

static inline void undo_call(const struct call *call, void *ctx, long ret)
{
	if (call->undo)
		call->undo(ctx, ret);
}

/*
 * Each fault that the call has on its way, one at a time. It may fail by it or do
 * without, and in either case must then work as if nothing had been.
 */
static inline void sweep(struct __test_metadata *const _metadata, const struct call *call,
			 void *ctx)
{
	unsigned int nth;
	bool hit;
	long ret;

	/* Not the first use of everything in the kernel is what is tested. */
	ret = call->fn(ctx);
	ASSERT_LE(0, ret)
		TH_LOG("%s: %s without a fault", call->name, strerror(-ret));
	undo_call(call, ctx, ret);
	for (nth = 1; nth < MAX_FAULTS; nth++) {
		fault_arm(nth);
		ret = call->fn(ctx);
		hit = fault_disarm();
		if (ret >= 0)
			undo_call(call, ctx, ret);
		if (!hit)
			break;
		if (ret < 0 && call->tidy)
			call->tidy(ctx);
		if (ret < 0)
			EXPECT_TRUE(is_failure(call, ret))
				TH_LOG("%s: %s (%ld) by fault %u", call->name, strerror(-ret),
				       ret, nth);
		ret = call->fn(ctx);
		ASSERT_LE(0, ret)
			TH_LOG("%s: %s (%ld) after fault %u", call->name, strerror(-ret), ret,
			       nth);
		undo_call(call, ctx, ret);
	}
	EXPECT_LE(0, ret)
		TH_LOG("%s: %s without a fault, at the end", call->name, strerror(-ret));
	EXPECT_LT(nth, MAX_FAULTS);
	TH_LOG("%s: %u faults", call->name, nth - 1);
}

/* A function of the test, whose struct ctx it gets. */
#define SWEEP(fn_, undo_, ...)							\
	sweep(_metadata, &(const struct call){ .name = #fn_, .fn = fn_,		\
					       .undo = undo_, ##__VA_ARGS__ },	\
	      &self->ctx)

/*
 * A hypercall on this thread, whose faults are the module's and not those of KVM's
 * emulation. What the guest gets, or the error of the ioctl. The VMM agrees to
 * everything.
 */
static inline long hypercall_by_ioctl(struct vm_vcpu *vcpu, uint64_t nr, const uint64_t *args)
{
	struct xenemu_vcpu_hypercall arg = {
		.size = sizeof(arg), .longmode = 1, .input = nr,
	};
	int ret;

	memcpy(arg.params, args, sizeof(arg.params));
	do {
		ret = xioctl(vcpu->fd, XENEMU_VCPU_HYPERCALL, &arg);
	} while (!ret && vcpu->run->exit_reason != XENEMU_EXIT_KVM);
	return ret ?: (long)arg.out_result;
}

#endif /* XENEMU_TEST_SWEEP_H */
