// SPDX-License-Identifier: GPL-2.0-only
/*
 * HYPERVISOR_grant_table_op: what a guest asks about its own grant table, and
 * copies between pages of its own and pages granted to it.
 *
 * A guest maps no other guest's pages here: GNTTABOP_map_grant_ref needs the
 * VMM to put foreign memory into the guest's address space, and is -ENOSYS.
 */
#include "gnttab.h"

#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <xen/interface/xen.h>

#include "access.h"
#include "domain.h"
#include "host.h"
#include "hypercall.h"
#include "vcpu.h"

/* Above these bits Xen keeps the progress of a call, which no guest may set. */
#define CMD_MASK	0xfff

struct compat_gnttab_setup_table {
	u16 dom;
	u32 nr_frames;
	s16 status;
	u32 frame_list;
};

static_assert(sizeof(struct compat_gnttab_setup_table) == 16);

struct compat_gnttab_copy_ptr {
	u32 frame;
	u16 domid;
	u16 offset;
};

struct compat_gnttab_copy {
	struct compat_gnttab_copy_ptr source;
	struct compat_gnttab_copy_ptr dest;
	u16 len;
	u16 flags;
	s16 status;
};

static_assert(sizeof(struct compat_gnttab_copy) == 24);
static_assert(sizeof(struct gnttab_copy) == 40);

/* May the guest ask about the table of @domid? Only about its own. */
static int check_self(struct xenemu_hcall *hc, u16 domid)
{
	struct xenemu_domain *self = hc->vcpu->domain;
	struct xenemu_domain *domain;

	if (domid == DOMID_SELF || domid == self->domid)
		return GNTST_okay;
	domain = xenemu_host_get_domain(self->host, domid);
	if (!domain)
		return GNTST_bad_domain;
	xenemu_domain_put(domain);
	return GNTST_permission_denied;
}

static s64 query_size(struct xenemu_hcall *hc, u64 uop, u32 count)
{
	struct xenemu_domain *self = hc->vcpu->domain;
	struct gnttab_query_size op;

	if (count != 1)
		return -EINVAL;
	if (xenemu_hcall_read(hc, uop, &op, sizeof(op)))
		return -EFAULT;
	op.status = check_self(hc, op.dom);
	if (op.status == GNTST_okay) {
		op.nr_frames = xenemu_gnttab_nr_frames(self);
		op.max_nr_frames = self->gnttab.max_frames;
	}
	return xenemu_hcall_write(hc, uop, &op, sizeof(op));
}

static s64 set_version(struct xenemu_hcall *hc, u64 uop)
{
	struct gnttab_set_version op;
	s64 ret;

	if (xenemu_hcall_read(hc, uop, &op, sizeof(op)))
		return -EFAULT;
	switch (op.version) {
	case 1:
		ret = 0;
		break;
	case 2:
		ret = -ENOSYS;
		break;
	default:
		ret = -EINVAL;
		break;
	}
	op.version = 1;
	if (xenemu_hcall_write(hc, uop, &op, sizeof(op)))
		return -EFAULT;
	return ret;
}

static s64 get_version(struct xenemu_hcall *hc, u64 uop)
{
	struct gnttab_get_version op;

	if (xenemu_hcall_read(hc, uop, &op, sizeof(op)))
		return -EFAULT;
	switch (check_self(hc, op.dom)) {
	case GNTST_okay:
		op.version = 1;
		return xenemu_hcall_write(hc, uop, &op, sizeof(op));
	case GNTST_bad_domain:
		return -ESRCH;
	default:
		return -EPERM;
	}
}

/* Tell the guest the number of each frame. Returns GNTST_*. */
static int write_frame_list(struct xenemu_hcall *hc, u64 list, u32 nr_frames)
{
	size_t size = hc->longmode ? sizeof(u64) : sizeof(u32);
	u64 gfn;
	u32 i;

	for (i = 0; i < nr_frames; i++) {
		/* x86: the low half of a number is what a 32-bit guest wants. */
		gfn = xenemu_gnttab_frame_gfn(hc->vcpu->domain, i);
		if (xenemu_hcall_write(hc, list + i * size, &gfn, size))
			return GNTST_bad_virt_addr;
	}
	return GNTST_okay;
}

static s64 setup_table(struct xenemu_hcall *hc, u64 uop, u32 count)
{
	struct compat_gnttab_setup_table op32;
	struct gnttab_setup_table op;
	u64 list;
	s16 status;

	static_assert(offsetof(struct gnttab_setup_table, status) ==
		      offsetof(struct compat_gnttab_setup_table, status));

	if (count != 1)
		return -EINVAL;
	if (hc->longmode) {
		if (xenemu_hcall_read(hc, uop, &op, sizeof(op)))
			return -EFAULT;
		list = (u64)op.frame_list;
	} else {
		if (xenemu_hcall_read(hc, uop, &op32, sizeof(op32)))
			return -EFAULT;
		op.dom = op32.dom;
		op.nr_frames = op32.nr_frames;
		list = op32.frame_list;
	}

	status = check_self(hc, op.dom);
	if (status == GNTST_okay && xenemu_gnttab_grow(hc->vcpu->domain, op.nr_frames))
		status = GNTST_general_error;
	if (status == GNTST_okay)
		status = write_frame_list(hc, list, op.nr_frames);
	return xenemu_hcall_write(hc, uop + offsetof(struct gnttab_setup_table, status),
				  &status, sizeof(status));
}

static s64 swap_grant_ref(struct xenemu_hcall *hc, u64 uop, u32 count)
{
	struct gnttab_swap_grant_ref op;
	u64 first = hc->done;

	for (; hc->done < count; hc->done++) {
		u64 addr = uop + hc->done * sizeof(op);

		if (hc->done > first && xenemu_hcall_preempt())
			return XENEMU_HCALL_INTR;
		if (xenemu_hcall_read(hc, addr, &op, sizeof(op)))
			return -EFAULT;
		op.status = xenemu_gnttab_swap(hc->vcpu->domain, op.ref_a, op.ref_b);
		if (xenemu_hcall_write(hc, addr, &op, sizeof(op)))
			return -EFAULT;
	}
	return 0;
}

/**
 * struct copy_end - one end of a copy
 * @domain: whose page it is; a reference
 * @page: the page; a reference unless it is that of @pin
 * @pin: the use of the grant, if @granted
 * @granted: it was given as a grant reference, not as a frame
 */
struct copy_end {
	struct xenemu_domain *domain;
	struct xenemu_page *page;
	struct xenemu_gnttab_pin pin;
	bool granted;
};

static int copy_end_find(struct xenemu_domain *self, u16 domid, struct copy_end *end)
{
	if (domid == DOMID_SELF) {
		end->domain = xenemu_domain_get(self);
		return GNTST_okay;
	}
	/* A guest has frames of its own only. */
	if (!end->granted)
		return GNTST_permission_denied;
	end->domain = xenemu_host_get_domain(self->host, domid);
	return end->domain ? GNTST_okay : GNTST_bad_domain;
}

static int copy_end_pin(struct xenemu_domain *self, u64 frame, bool write, struct copy_end *end)
{
	struct xenemu_page *page;
	int status;

	if (end->granted) {
		status = xenemu_gnttab_pin(end->domain, self->domid, frame, write, &end->pin);
		if (status == GNTST_okay)
			end->page = end->pin.page;
		return status;
	}
	page = xenemu_page_pin(self, frame, write);
	if (IS_ERR(page))
		return PTR_ERR(page) == -ENOMEM ? GNTST_no_space : GNTST_bad_page;
	end->page = page;
	return GNTST_okay;
}

static void copy_end_put(struct copy_end *end)
{
	if (end->page) {
		if (end->granted)
			xenemu_gnttab_unpin(&end->pin);
		else
			xenemu_page_put(end->page);
	}
	if (end->domain)
		xenemu_domain_put(end->domain);
}

/* Copy as one element says, a copy of it. Returns GNTST_*. */
static int copy_one(struct xenemu_domain *self, const struct gnttab_copy *op)
{
	struct copy_end source = { .granted = op->flags & GNTCOPY_source_gref };
	struct copy_end dest = { .granted = op->flags & GNTCOPY_dest_gref };
	int status;

	if (!op->len)
		return GNTST_okay;

	status = copy_end_find(self, op->source.domid, &source);
	if (status == GNTST_okay)
		status = copy_end_find(self, op->dest.domid, &dest);
	if (status == GNTST_okay)
		status = copy_end_pin(self, source.granted ? op->source.u.ref : op->source.u.gmfn,
				      false, &source);
	if (status == GNTST_okay)
		status = copy_end_pin(self, dest.granted ? op->dest.u.ref : op->dest.u.gmfn,
				      true, &dest);
	if (status == GNTST_okay) {
		if (op->source.offset + op->len > PAGE_SIZE ||
		    op->dest.offset + op->len > PAGE_SIZE)
			status = GNTST_bad_copy_arg;
		else
			/* They may be one page. */
			memmove(dest.page->va + op->dest.offset,
				source.page->va + op->source.offset, op->len);
	}
	copy_end_put(&dest);
	copy_end_put(&source);
	return status;
}

static void widen_copy_ptr(struct gnttab_copy_ptr *to, const struct compat_gnttab_copy_ptr *from)
{
	to->u.gmfn = from->frame;
	to->domid = from->domid;
	to->offset = from->offset;
}

static int read_copy(struct xenemu_hcall *hc, u64 addr, struct gnttab_copy *op)
{
	struct compat_gnttab_copy op32;

	if (hc->longmode)
		return xenemu_hcall_read(hc, addr, op, sizeof(*op));
	if (xenemu_hcall_read(hc, addr, &op32, sizeof(op32)))
		return -EFAULT;
	widen_copy_ptr(&op->source, &op32.source);
	widen_copy_ptr(&op->dest, &op32.dest);
	op->len = op32.len;
	op->flags = op32.flags;
	return 0;
}

static s64 copy(struct xenemu_hcall *hc, u64 uop, u32 count)
{
	size_t size = hc->longmode ? sizeof(struct gnttab_copy) :
				     sizeof(struct compat_gnttab_copy);
	size_t offset = hc->longmode ? offsetof(struct gnttab_copy, status) :
				       offsetof(struct compat_gnttab_copy, status);
	u64 first = hc->done;
	struct gnttab_copy op;
	s16 status;

	for (; hc->done < count; hc->done++) {
		u64 addr = uop + hc->done * size;

		if (hc->done > first && xenemu_hcall_preempt())
			return XENEMU_HCALL_INTR;
		if (read_copy(hc, addr, &op))
			return -EFAULT;
		status = copy_one(hc->vcpu->domain, &op);
		if (xenemu_hcall_write(hc, addr + offset, &status, sizeof(status)))
			return -EFAULT;
	}
	return 0;
}

/**
 * xenemu_grant_table_op - HYPERVISOR_grant_table_op
 * @hc: the hypercall: command, array of structures, number of them
 *
 * Context: the thread of a vCPU, no lock held; may sleep.
 * Return: the result for the guest, or XENEMU_HCALL_INTR.
 */
s64 xenemu_grant_table_op(struct xenemu_hcall *hc)
{
	u32 cmd = hc->args[0];
	u64 uop = hc->args[1];
	u32 count = hc->args[2];

	if ((s32)count < 0 || cmd & ~CMD_MASK)
		return -EINVAL;

	switch (cmd) {
	case GNTTABOP_query_size:
		return query_size(hc, uop, count);
	case GNTTABOP_setup_table:
		return setup_table(hc, uop, count);
	case GNTTABOP_set_version:
		return set_version(hc, uop);
	case GNTTABOP_get_version:
		return get_version(hc, uop);
	case GNTTABOP_copy:
		return copy(hc, uop, count);
	case GNTTABOP_swap_grant_ref:
		return swap_grant_ref(hc, uop, count);
	default:
		return -ENOSYS;
	}
}
