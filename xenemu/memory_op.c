// SPDX-License-Identifier: GPL-2.0-only
/*
 * HYPERVISOR_memory_op: where the guest's special pages are, and how much
 * memory it has.
 *
 * The guest's RAM belongs to the VMM, which may be asked for more and is told
 * what is given up. Frame numbers are all that a guest knows of its memory, so
 * what Xen says of machine frames does not exist here.
 *
 * A batch that stops, for a signal or for the VMM to act, reads its arguments
 * again when it goes on. The guest may have changed them; then it gets what it
 * asked for in the end.
 */
#include <linux/array_size.h>
#include <linux/bits.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <xen/interface/xen.h>
/* Needs what the above defines. */
#include <xen/interface/memory.h>

#include "access.h"
#include "compat_xen.h"
#include "domain.h"
#include "gnttab.h"
#include "hypercall.h"
#include "mem.h"
#include "vcpu.h"

/* What the kernel's copy of Xen's header lacks. */
#define XENMEM_maximum_gpfn		14
#define XENMEM_get_vnumainfo		26
#define XENMEMF_populate_on_demand	BIT(16)

/* The command is in the low bits; above them a guest may say where to start. */
#define CMD_BITS			6
#define CMD_MASK			GENMASK(CMD_BITS - 1, 0)
/* More extents than this Xen could not number in what is left of 32 bits. */
#define EXTENTS_MAX			(U32_MAX >> CMD_BITS)
/* Xen's default for an unprivileged guest: 2 MiB. */
#define ORDER_MAX			9

/**
 * struct reservation - struct xen_memory_reservation of either layout
 * @extents: address of the array of frame numbers
 * @nr: elements of it
 * @order: each stands for 2^order frames
 * @flags: XENMEMF_*
 * @domid: domain it is about
 */
struct reservation {
	u64 extents;
	u64 nr;
	u32 order;
	u32 flags;
	u16 domid;
};

static int read_reservation(struct xenemu_hcall *hc, struct reservation *r)
{
	struct compat_memory_reservation compat;
	struct xen_memory_reservation native;

	if (hc->longmode) {
		if (xenemu_hcall_read(hc, hc->args[1], &native, sizeof(native)))
			return -EFAULT;
		r->extents = (unsigned long)native.extent_start;
		r->nr = native.nr_extents;
		r->order = native.extent_order;
		r->flags = native.address_bits;
		r->domid = native.domid;
	} else {
		if (xenemu_hcall_read(hc, hc->args[1], &compat, sizeof(compat)))
			return -EFAULT;
		r->extents = compat.extent_start;
		r->nr = compat.nr_extents;
		r->order = compat.extent_order;
		r->flags = compat.mem_flags;
		r->domid = compat.domid;
	}
	return 0;
}

/*
 * Progress of a batch in hc->done: extents that are finished, and frames of the
 * one that is not. A frame in it is below 2^ORDER_MAX.
 */
static void save_progress(struct xenemu_hcall *hc, u64 extent, u32 frame)
{
	hc->done = extent << 16 | frame;
}

static u64 extent_done(const struct xenemu_hcall *hc)
{
	return hc->done >> 16;
}

static u32 frame_done(const struct xenemu_hcall *hc)
{
	return hc->done & U16_MAX;
}

/* Is frame @gfn shared_info, or does it hold a vCPU's vcpu_info? */
static bool is_info(struct xenemu_domain *domain, u64 gfn)
{
	struct xenemu_vcpu *vcpu;
	bool found;
	u32 id;

	mutex_lock(&domain->lock);
	found = domain->shared_info->gfn == gfn;
	for (id = 0; !found && id < domain->nr_vcpu_ids; id++) {
		vcpu = xenemu_domain_vcpu(domain, id);
		found = vcpu && vcpu->info_page && vcpu->info_page->gfn == gfn;
	}
	mutex_unlock(&domain->lock);
	return found;
}

static bool is_grant_frame(struct xenemu_domain *domain, u64 gfn)
{
	u32 nr = xenemu_gnttab_nr_frames(domain);
	u32 idx;

	for (idx = 0; idx < nr; idx++)
		if (xenemu_gnttab_frame_gfn(domain, idx) == gfn)
			return true;
	return false;
}

/*
 * Pages that the kernel works on stay where they are. Xen would let them go, and
 * the guest would never hear of an event again. One that gets into use after we
 * looked, by another vCPU, is that guest's own doing.
 */
static int release(struct xenemu_domain *domain, u64 gfn)
{
	if (is_info(domain, gfn) || is_grant_frame(domain, gfn))
		return -EBUSY;
	return xenemu_mem_release(domain, gfn);
}

/* The guest gives up @r->nr extents; their frames go to the VMM in batches. */
static s64 decrease_reservation(struct xenemu_hcall *hc, const struct reservation *r,
				u64 extent)
{
	struct xenemu_domain *domain = hc->vcpu->domain;
	struct xenemu_vcpu_run *run = hc->vcpu->run;
	u32 frame = frame_done(hc);
	u32 nr = 0;
	u64 gfn;

	hc->answered = false;
	while (extent < r->nr && nr < ARRAY_SIZE(run->gfn)) {
		if (nr && xenemu_hcall_preempt())
			break;
		if (xenemu_hcall_read_long(hc, r->extents, extent, &gfn))
			break;
		for (; frame < BIT(r->order) && nr < ARRAY_SIZE(run->gfn); frame++) {
			if (release(domain, gfn + frame))
				goto out;
			run->gfn[nr++] = gfn + frame;
		}
		if (frame < BIT(r->order))
			break;
		extent++;
		frame = 0;
	}
out:
	if (!nr)
		return extent;
	/* What stopped us, if anything, will do so again. */
	save_progress(hc, extent, frame);
	xenemu_vcpu_exit(hc->vcpu, XENEMU_EXIT_RELEASE_GFNS);
	run->release.nr = nr;
	run->release.__reserved = 0;
	return XENEMU_HCALL_EXIT;
}

/*
 * The guest wants RAM at @r->nr extents. Whether there is enough is for the
 * VMM to say, when it is asked; what the guest gave up and the VMM left in its
 * region is the guest's for the asking.
 */
static s64 populate_physmap(struct xenemu_hcall *hc, const struct reservation *r, u64 extent)
{
	struct xenemu_domain *domain = hc->vcpu->domain;
	u64 first = extent;
	u32 frame;
	s64 ret;
	u64 gfn;

	/* A guest cannot have its own memory appear when it is touched. */
	if (r->flags & XENMEMF_populate_on_demand)
		return extent;

	for (; extent < r->nr; extent++) {
		save_progress(hc, extent, 0);
		if (extent > first && xenemu_hcall_preempt())
			return XENEMU_HCALL_INTR;
		if (xenemu_hcall_read_long(hc, r->extents, extent, &gfn))
			break;
		ret = xenemu_hcall_back(hc, gfn, BIT(r->order));
		if (ret == XENEMU_HCALL_EXIT)
			return ret;
		if (ret)
			break;
		for (frame = 0; frame < BIT(r->order); frame++)
			if (xenemu_mem_populate(domain, gfn + frame))
				return extent;
	}
	return extent;
}

/*
 * These never fail: the result is the number of extents done, also when that is
 * none because the arguments are wrong.
 */
static s64 change_reservation(struct xenemu_hcall *hc, u32 cmd)
{
	u64 start = max(hc->args[0] >> CMD_BITS, extent_done(hc));
	struct reservation r;

	if (read_reservation(hc, &r) || r.nr > EXTENTS_MAX || r.order > ORDER_MAX ||
	    xenemu_hcall_check_domid(hc, r.domid))
		return start;
	if (start >= r.nr)
		return start;

	switch (cmd) {
	case XENMEM_decrease_reservation:
		return decrease_reservation(hc, &r, start);
	case XENMEM_populate_physmap:
		return populate_physmap(hc, &r, start);
	default:
		/*
		 * XENMEM_increase_reservation: memory without a frame number
		 * would be of no use to this guest.
		 */
		return start;
	}
}

/* How much memory, in frames; at most what the caller's long can hold. */
static s64 query(struct xenemu_hcall *hc, u32 cmd)
{
	struct xenemu_domain *domain = hc->vcpu->domain;
	u16 domid;
	u64 value;
	int ret;

	if (xenemu_hcall_read(hc, hc->args[1], &domid, sizeof(domid)))
		return -EFAULT;
	ret = xenemu_hcall_check_domid(hc, domid);
	if (ret)
		return ret;

	switch (cmd) {
	case XENMEM_current_reservation:
		value = xenemu_mem_pages(domain);
		break;
	case XENMEM_maximum_reservation:
		value = domain->max_pages;
		break;
	default:
		value = xenemu_mem_max_gfn(domain);
		break;
	}
	/* Xen counts pages of a domain in 32 bits. */
	return min(value, hc->longmode ? (u64)U32_MAX : (u64)S32_MAX);
}

static s64 add_one(struct xenemu_hcall *hc, u32 space, u64 idx, u64 gfn)
{
	struct xenemu_domain *domain = hc->vcpu->domain;
	s64 ret;

	switch (space) {
	case XENMAPSPACE_shared_info:
		if (idx)
			return -EINVAL;
		break;
	case XENMAPSPACE_grant_table:
		break;
	case XENMAPSPACE_gmfn:
	case XENMAPSPACE_gmfn_range:
		/* The VMM's RAM stays where the VMM has put it. */
		return -EOPNOTSUPP;
	case XENMAPSPACE_gmfn_foreign:
		return -EPERM;
	case XENMAPSPACE_dev_mmio:
		return -EACCES;
	default:
		return -EINVAL;
	}

	ret = xenemu_hcall_back(hc, gfn, 1);
	if (ret)
		return ret;
	if (space == XENMAPSPACE_grant_table)
		ret = xenemu_gnttab_map_frame(domain, idx, gfn);
	else
		ret = xenemu_domain_map_shared_info(hc->vcpu, gfn);
	/* The VMM took its RAM away again. */
	return ret == -ENOENT || ret == -EFAULT ? -EINVAL : ret;
}

static s64 add_to_physmap(struct xenemu_hcall *hc)
{
	struct compat_add_to_physmap compat;
	struct xen_add_to_physmap xatp;
	int ret;

	if (hc->args[0] >> CMD_BITS > U16_MAX)
		return -EDOM;
	if (hc->longmode) {
		if (xenemu_hcall_read(hc, hc->args[1], &xatp, sizeof(xatp)))
			return -EFAULT;
	} else {
		if (xenemu_hcall_read(hc, hc->args[1], &compat, sizeof(compat)))
			return -EFAULT;
		xatp.domid = compat.domid;
		xatp.space = compat.space;
		xatp.idx = compat.idx;
		xatp.gpfn = compat.gpfn;
	}

	if (xatp.space == XENMAPSPACE_gmfn_foreign)
		return -ENOSYS;
	ret = xenemu_hcall_check_domid(hc, xatp.domid);
	if (ret)
		return ret;
	return add_one(hc, xatp.space, xatp.idx, xatp.gpfn);
}

static int read_batch(struct xenemu_hcall *hc, struct xen_add_to_physmap_range *batch)
{
	struct compat_add_to_physmap_batch compat;

	if (hc->longmode)
		return xenemu_hcall_read(hc, hc->args[1], batch, sizeof(*batch));

	if (xenemu_hcall_read(hc, hc->args[1], &compat, sizeof(compat)))
		return -EFAULT;
	batch->domid = compat.domid;
	batch->space = compat.space;
	batch->size = compat.size;
	batch->foreign_domid = compat.foreign_domid;
	batch->idxs = (xen_ulong_t *)(unsigned long)compat.idxs;
	batch->gpfns = (xen_pfn_t *)(unsigned long)compat.gpfns;
	batch->errs = (int *)(unsigned long)compat.errs;
	return 0;
}

/* Elements of the batch from @i on. Each has an error of its own. */
static s64 add_batch(struct xenemu_hcall *hc, const struct xen_add_to_physmap_range *batch,
		     u64 i)
{
	u64 first = i;
	u64 idx, gfn;
	s64 ret;
	int err;

	for (; i < batch->size; i++) {
		hc->done = i;
		if (i > first && xenemu_hcall_preempt())
			return XENEMU_HCALL_INTR;
		if (xenemu_hcall_read_long(hc, (unsigned long)batch->idxs, i, &idx) ||
		    xenemu_hcall_read_long(hc, (unsigned long)batch->gpfns, i, &gfn))
			return -EFAULT;
		ret = add_one(hc, batch->space, idx, gfn);
		if (ret == XENEMU_HCALL_EXIT)
			return ret;
		err = ret;
		if (xenemu_hcall_write_at(hc, (unsigned long)batch->errs, i, &err,
					  sizeof(err)))
			return -EFAULT;
	}
	return 0;
}

static s64 add_to_physmap_batch(struct xenemu_hcall *hc)
{
	u64 start = hc->args[0] >> CMD_BITS;
	struct xen_add_to_physmap_range batch;
	int ret;

	if (start > U16_MAX)
		return -EDOM;
	if (read_batch(hc, &batch))
		return -EFAULT;
	if (batch.space == XENMAPSPACE_gmfn_range)
		return -EOPNOTSUPP;
	ret = xenemu_hcall_check_domid(hc, batch.domid);
	if (ret)
		return ret;
	if (batch.space == XENMAPSPACE_dev_mmio)
		return -EACCES;
	if (start && start >= batch.size)
		return -EILSEQ;
	return add_batch(hc, &batch, max(start, hc->done));
}

/* As the BIOS call has it: 20 bytes, without padding. */
struct e820_entry_abi {
	u64 addr;
	u64 size;
	u32 type;
} __packed;

/* What the VMM set, copied so that nothing is written under the lock. */
static struct e820_entry_abi *copy_memory_map(struct xenemu_domain *domain, u32 *nr)
{
	struct e820_entry_abi *map;
	u32 i;

	map = kcalloc(XENEMU_MAX_MEMORY_MAP, sizeof(*map), GFP_KERNEL_ACCOUNT);
	if (!map)
		return NULL;
	mutex_lock(&domain->lock);
	for (i = 0; i < domain->nr_memory_map; i++) {
		map[i].addr = domain->memory_map[i].addr;
		map[i].size = domain->memory_map[i].len;
		map[i].type = domain->memory_map[i].type;
	}
	*nr = i;
	mutex_unlock(&domain->lock);
	return map;
}

static s64 memory_map(struct xenemu_hcall *hc)
{
	struct compat_memory_map compat;
	struct xen_memory_map native;
	struct e820_entry_abi *map;
	u64 buffer;
	s64 ret;
	u32 nr;

	if (hc->longmode) {
		if (xenemu_hcall_read(hc, hc->args[1], &native, sizeof(native)))
			return -EFAULT;
		buffer = (unsigned long)native.buffer;
	} else {
		if (xenemu_hcall_read(hc, hc->args[1], &compat, sizeof(compat)))
			return -EFAULT;
		native.nr_entries = compat.nr_entries;
		buffer = compat.buffer;
	}

	map = copy_memory_map(hc->vcpu->domain, &nr);
	if (!map)
		return -ENOMEM;
	if (!nr) {
		ret = -ENOSYS;
		goto out;
	}
	/* The count is the first member in either layout. */
	nr = min(nr, native.nr_entries);
	ret = xenemu_hcall_write(hc, buffer, map, nr * sizeof(*map));
	if (!ret)
		ret = xenemu_hcall_write(hc, hc->args[1], &nr, sizeof(nr));
out:
	kfree(map);
	return ret;
}

/**
 * xenemu_memory_op - HYPERVISOR_memory_op
 * @hc: the hypercall
 *
 * Context: see xenemu_hypercall_dispatch().
 * Return: the guest's result, XENEMU_HCALL_EXIT or XENEMU_HCALL_INTR.
 */
s64 xenemu_memory_op(struct xenemu_hcall *hc)
{
	u32 cmd = hc->args[0] & CMD_MASK;

	switch (cmd) {
	case XENMEM_increase_reservation:
	case XENMEM_decrease_reservation:
	case XENMEM_populate_physmap:
		return change_reservation(hc, cmd);
	case XENMEM_add_to_physmap:
		return add_to_physmap(hc);
	case XENMEM_add_to_physmap_range:
		return add_to_physmap_batch(hc);
	}

	/* None of these has parts to start at. */
	if (hc->args[0] & ~CMD_MASK)
		return -EINVAL;

	switch (cmd) {
	case XENMEM_current_reservation:
	case XENMEM_maximum_reservation:
	case XENMEM_maximum_gpfn:
		return query(hc, cmd);
	case XENMEM_memory_map:
		return memory_map(hc);
	case XENMEM_get_vnumainfo:
		/* Xen's answer for a domain without virtual NUMA. */
		return -EOPNOTSUPP;
	default:
		return xenemu_hcall_unknown(hc);
	}
}
