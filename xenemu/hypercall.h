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
 *        signal and go on later, so that no guest holds up a signal. What a
 *        handler reads from the guest again then may have changed, so progress
 *        is an index that is checked like any other, not a promise
 * @answered: the VMM has answered the exit that the handler asked for; the
 *            handler clears it
 * @answer: its answer: 0, 1 or a negative errno
 * @cancelled: the domain was reset meanwhile; nothing is left to do, and the
 *             result is 0, which is what a guest expects of a soft reset
 * @asked: first frame that xenemu_hcall_back() last asked for
 * @call: the element of HYPERVISOR_multicall that is in progress
 * @call.active: there is one, so it is not read from the guest again
 * @call.nr: as @nr
 * @call.args: as @args
 * @call.done: as @done, which counts the elements
 */
struct xenemu_hcall {
	struct xenemu_vcpu *vcpu;
	u64 nr;
	u64 args[6];
	bool longmode;
	u64 done;
	bool answered;
	int answer;
	bool cancelled;
	u64 asked;
	struct {
		bool active;
		u64 nr;
		u64 args[6];
		u64 done;
	} call;
};

int xenemu_hcall_read(struct xenemu_hcall *hc, u64 gva, void *dst, size_t len);
int xenemu_hcall_write(struct xenemu_hcall *hc, u64 gva, const void *src, size_t len);
int xenemu_hcall_read_at(struct xenemu_hcall *hc, u64 gva, u64 i, void *dst, size_t elem);
int xenemu_hcall_write_at(struct xenemu_hcall *hc, u64 gva, u64 i, const void *src,
			  size_t elem);
int xenemu_hcall_read_long(struct xenemu_hcall *hc, u64 gva, u64 i, u64 *value);
int xenemu_hcall_check_domid(struct xenemu_hcall *hc, u32 domid);
bool xenemu_hcall_preempt(void);
s64 xenemu_hcall_back(struct xenemu_hcall *hc, u64 gfn, u64 nr);
s64 xenemu_hcall_unknown(struct xenemu_hcall *hc);

s64 xenemu_hypercall_dispatch(struct xenemu_hcall *hc);

s64 xenemu_memory_op(struct xenemu_hcall *hc);
s64 xenemu_set_timer_op(struct xenemu_hcall *hc);
s64 xenemu_version_op(struct xenemu_hcall *hc);
s64 xenemu_console_io(struct xenemu_hcall *hc);
s64 xenemu_vm_assist(struct xenemu_hcall *hc);
s64 xenemu_vcpu_op(struct xenemu_hcall *hc);
s64 xenemu_sched_op(struct xenemu_hcall *hc);
s64 xenemu_hvm_op(struct xenemu_hcall *hc);

#endif /* XENEMU_HYPERCALL_H */
