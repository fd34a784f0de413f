/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_HYPERCALL_H
#define XENEMU_HYPERCALL_H

#include <linux/types.h>

struct xenemu_vcpu;

/*
 * What a handler returns instead of a result when the VMM must act first: it
 * has filled vcpu->run, and is called again with the same @args, and with
 * @done as it left it, when the VMM has called again.
 */
#define XENEMU_HCALL_EXIT	((s64)1 << 62)
/* As XENEMU_HCALL_EXIT for a pending signal: the handler saved its progress in @done. */
#define XENEMU_HCALL_INTR	(((s64)1 << 62) + 1)

/**
 * struct xenemu_hcall - a hypercall being answered
 * @vcpu: the vCPU, whose thread this is
 * @nr: number of the hypercall
 * @args: its arguments, zero-extended for a 32-bit caller
 * @longmode: the caller is in 64-bit mode; else pointers, longs and structures
 *            have their 32-bit layout
 * @done: progress of the handler, 0 at first. Long batches stop at a pending
 *        signal and go on later, so that no guest holds up a signal
 * @answered: the VMM has answered the exit that the handler asked for
 * @answer: its answer
 * @multicall_done: progress of HYPERVISOR_multicall, which keeps @done for its
 *                  element
 */
struct xenemu_hcall {
	struct xenemu_vcpu *vcpu;
	u64 nr;
	u64 args[6];
	bool longmode;
	u64 done;
	bool answered;
	int answer;
	u64 multicall_done;
};

/* Guest virtual addresses. Return 0 or -EFAULT. */
int xenemu_hcall_read(struct xenemu_hcall *hc, u64 gva, void *dst, size_t len);
int xenemu_hcall_write(struct xenemu_hcall *hc, u64 gva, const void *src, size_t len);

/* True when a long batch should stop and return XENEMU_HCALL_INTR. May reschedule. */
bool xenemu_hcall_preempt(void);

/*
 * Make sure that guest frames @gfn to @gfn + @nr - 1 have RAM, asking the VMM
 * for it if not. Returns 0, XENEMU_HCALL_EXIT, or a negative errno for the
 * guest (what the VMM answered, or -EINVAL for numbers past what it can have).
 */
s64 xenemu_hcall_back(struct xenemu_hcall *hc, u64 gfn, u64 nr);

s64 xenemu_hypercall_dispatch(struct xenemu_hcall *hc);

s64 xenemu_memory_op(struct xenemu_hcall *hc);
s64 xenemu_multicall(struct xenemu_hcall *hc);
s64 xenemu_set_timer_op(struct xenemu_hcall *hc);
s64 xenemu_version_op(struct xenemu_hcall *hc);
s64 xenemu_console_io(struct xenemu_hcall *hc);
s64 xenemu_vm_assist(struct xenemu_hcall *hc);
s64 xenemu_vcpu_op(struct xenemu_hcall *hc);
s64 xenemu_sched_op(struct xenemu_hcall *hc);
s64 xenemu_hvm_op(struct xenemu_hcall *hc);

#endif /* XENEMU_HYPERCALL_H */
