/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_COMPAT_XEN_H
#define XENEMU_COMPAT_XEN_H

#include <linux/build_bug.h>
#include <linux/types.h>
#include <asm/pvclock-abi.h>
#include <xen/interface/xen.h>

/*
 * Xen's structures as a 32-bit guest lays them out: pointers, longs and frame
 * numbers have 4 bytes, and a 64-bit member is aligned to 4. Structures that
 * are the same in both layouts are not here.
 */

/* vcpu_info differs inside, but has one size, and its time is in one place. */
struct compat_arch_vcpu_info {
	u32 cr2;
	u32 pad[5];
};

struct compat_vcpu_info {
	u8 evtchn_upcall_pending;
	u8 evtchn_upcall_mask;
	u16 pad;
	u32 evtchn_pending_sel;
	struct compat_arch_vcpu_info arch;
	struct pvclock_vcpu_time_info time;
};

static_assert(sizeof(struct compat_vcpu_info) == sizeof(struct vcpu_info));
static_assert(offsetof(struct compat_vcpu_info, time) == offsetof(struct vcpu_info, time));

struct compat_arch_shared_info {
	u32 max_pfn;
	u32 pfn_to_mfn_frame_list_list;
	u32 nmi_reason;
	u32 p2m_cr3;
	u32 p2m_vaddr;
	u32 p2m_generation;
	u32 wc_sec_hi;
};

struct compat_shared_info {
	struct compat_vcpu_info vcpu_info[MAX_VIRT_CPUS];
	u32 evtchn_pending[32];
	u32 evtchn_mask[32];
	struct pvclock_wall_clock wc;
	struct compat_arch_shared_info arch;
};

static_assert(offsetof(struct compat_shared_info, evtchn_pending) == 0x800);
static_assert(offsetof(struct compat_shared_info, wc) == 0x900);
static_assert(offsetof(struct compat_shared_info, arch.wc_sec_hi) == 0x924);

#define COMPAT_EVTCHN_2L_NR_CHANNELS	1024

struct compat_multicall_entry {
	u32 op;
	s32 result;
	u32 args[6];
};

static_assert(sizeof(struct compat_multicall_entry) == 32);

struct compat_memory_reservation {
	u32 extent_start;
	u32 nr_extents;
	u32 extent_order;
	u32 mem_flags;
	u16 domid;
};

static_assert(sizeof(struct compat_memory_reservation) == 20);

struct compat_add_to_physmap {
	u16 domid;
	u16 size;
	u32 space;
	u32 idx;
	u32 gpfn;
};

static_assert(sizeof(struct compat_add_to_physmap) == 16);

struct compat_add_to_physmap_batch {
	u16 domid;
	u16 space;
	u16 size;
	u16 foreign_domid;
	u32 idxs;
	u32 gpfns;
	u32 errs;
};

static_assert(sizeof(struct compat_add_to_physmap_batch) == 20);

struct compat_memory_map {
	u32 nr_entries;
	u32 buffer;
};

static_assert(sizeof(struct compat_memory_map) == 8);

struct compat_sched_poll {
	u32 ports;
	u32 nr_ports;
	u64 timeout;
};

static_assert(sizeof(struct compat_sched_poll) == 16);

struct compat_vcpu_set_singleshot_timer {
	u64 timeout_abs_ns;
	u32 flags;
} __packed;

static_assert(sizeof(struct compat_vcpu_set_singleshot_timer) == 12);

struct compat_vcpu_runstate_info {
	s32 state;
	u64 state_entry_time;
	u64 time[4];
} __packed;

static_assert(sizeof(struct compat_vcpu_runstate_info) == 44);

#endif /* XENEMU_COMPAT_XEN_H */
