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
	u64 asked;
	struct {
		bool active;
		u64 nr;
		u64 args[6];
		u64 done;
	} call;
};

/* Guest virtual addresses. Return 0 or -EFAULT. */
int xenemu_hcall_read(struct xenemu_hcall *hc, u64 gva, void *dst, size_t len);
int xenemu_hcall_write(struct xenemu_hcall *hc, u64 gva, const void *src, size_t len);

/*
 * An array of @elem bytes a piece at @gva: element @i. An array whose size
 * does not fit into the address space is -EFAULT, as for Xen.
 */
int xenemu_hcall_read_at(struct xenemu_hcall *hc, u64 gva, u64 i, void *dst, size_t elem);
int xenemu_hcall_write_at(struct xenemu_hcall *hc, u64 gva, u64 i, const void *src,
			  size_t elem);
/* As above for unsigned long, which has 4 bytes for a 32-bit caller. */
int xenemu_hcall_read_long(struct xenemu_hcall *hc, u64 gva, u64 i, u64 *value);

/*
 * May the guest name @domid where Xen lets it name only itself? Returns 0 for
 * itself, -EPERM for another domain, -ESRCH for none.
 */
int xenemu_hcall_check_domid(struct xenemu_hcall *hc, u32 domid);

/* True when a long batch should stop and return XENEMU_HCALL_INTR. May reschedule. */
bool xenemu_hcall_preempt(void);

/*
 * Make sure that guest frames @gfn to @gfn + @nr - 1 have RAM, asking the VMM
 * for it if not. Returns 0, XENEMU_HCALL_EXIT, or a negative errno for the
 * guest (what the VMM answered, or -EINVAL for numbers past what it can have).
 */
s64 xenemu_hcall_back(struct xenemu_hcall *hc, u64 gfn, u64 nr);

/* Answer to a hypercall or sub-operation that is not known: traces, -ENOSYS. */
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
