// SPDX-License-Identifier: GPL-2.0-only
/*
 * Grant tables: what a guest does with its own table.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>
#include <xen/xen.h>
#include <xen/grant_table.h>

#include "../kselftest_harness.h"
#include "grants.h"
#include "patience.h"

static int64_t table_op(struct vm_vcpu *vcpu, unsigned int cmd, void *arg, size_t len,
			unsigned int count)
{
	void *data = vm_ptr(vcpu->vm, GUEST_DATA);
	int64_t ret;

	memcpy(data, arg, len);
	ret = HCALL3(vcpu, __HYPERVISOR_grant_table_op, cmd, GUEST_DATA, count);
	memcpy(arg, data, len);
	return ret;
}

TEST_F(gnttab, query_size_tells_frames_and_limit)
{
	struct gnttab_query_size op = { .dom = DOMID_SELF, .status = 99 };

	EXPECT_EQ(0, table_op(self->vcpu, GNTTABOP_query_size, &op, sizeof(op), 1));
	EXPECT_EQ(GNTST_okay, op.status);
	EXPECT_EQ(1, op.nr_frames);
	EXPECT_EQ(8, op.max_nr_frames);

	op.dom = self->vm.domid;
	EXPECT_EQ(0, table_op(self->vcpu, GNTTABOP_query_size, &op, sizeof(op), 1));
	EXPECT_EQ(GNTST_okay, op.status);
	op.dom = 77;
	EXPECT_EQ(0, table_op(self->vcpu, GNTTABOP_query_size, &op, sizeof(op), 1));
	EXPECT_EQ(GNTST_bad_domain, op.status);
	op.dom = 0;
	EXPECT_EQ(0, table_op(self->vcpu, GNTTABOP_query_size, &op, sizeof(op), 1));
	EXPECT_EQ(GNTST_permission_denied, op.status);
	EXPECT_EQ(-EINVAL, table_op(self->vcpu, GNTTABOP_query_size, &op, sizeof(op), 2));
}

TEST_F(gnttab, version_is_1)
{
	struct gnttab_set_version set = { .version = 1 };
	struct gnttab_get_version get = { .dom = DOMID_SELF };

	EXPECT_EQ(0, table_op(self->vcpu, GNTTABOP_set_version, &set, sizeof(set), 1));
	EXPECT_EQ(1, set.version);
	set.version = 2;
	EXPECT_EQ(-ENOSYS, table_op(self->vcpu, GNTTABOP_set_version, &set, sizeof(set), 1));
	EXPECT_EQ(1, set.version);
	set.version = 3;
	EXPECT_EQ(-EINVAL, table_op(self->vcpu, GNTTABOP_set_version, &set, sizeof(set), 1));

	EXPECT_EQ(0, table_op(self->vcpu, GNTTABOP_get_version, &get, sizeof(get), 1));
	EXPECT_EQ(1, get.version);
	get.dom = 77;
	EXPECT_EQ(-ESRCH, table_op(self->vcpu, GNTTABOP_get_version, &get, sizeof(get), 1));
	get.dom = 0;
	EXPECT_EQ(-EPERM, table_op(self->vcpu, GNTTABOP_get_version, &get, sizeof(get), 1));
}

TEST_F(gnttab, unknown_and_malformed_calls)
{
	char arg[64] = {};

	EXPECT_EQ(-ENOSYS, table_op(self->vcpu, GNTTABOP_map_grant_ref, arg, sizeof(arg), 1));
	EXPECT_EQ(-ENOSYS, table_op(self->vcpu, GNTTABOP_transfer, arg, sizeof(arg), 1));
	EXPECT_EQ(-ENOSYS, table_op(self->vcpu, 99, arg, sizeof(arg), 1));
	EXPECT_EQ(-EINVAL, table_op(self->vcpu, GNTTABOP_copy | 0x1000, arg, sizeof(arg), 1));
	EXPECT_EQ(-EINVAL, table_op(self->vcpu, GNTTABOP_copy, arg, sizeof(arg), 0x80000000));
	EXPECT_EQ(0, table_op(self->vcpu, GNTTABOP_copy, arg, sizeof(arg), 0));
	EXPECT_EQ(-EFAULT, HCALL3(self->vcpu, __HYPERVISOR_grant_table_op, GNTTABOP_copy,
				  0xfffff000, 1));
}

static unsigned int nr_frames(struct vm_vcpu *vcpu)
{
	struct gnttab_query_size op = { .dom = DOMID_SELF };

	table_op(vcpu, GNTTABOP_query_size, &op, sizeof(op), 1);
	return op.nr_frames;
}

TEST_F(gnttab, table_grows_when_a_frame_is_mapped)
{
	EXPECT_EQ(0, map_frame(self->vcpu, 3, TABLE_GFN + 3));
	EXPECT_EQ(4, nr_frames(self->vcpu));
	EXPECT_EQ(0, map_frame(self->vcpu, 1, TABLE_GFN + 1));
	EXPECT_EQ(4, nr_frames(self->vcpu));
	EXPECT_EQ(0, map_frame(self->vcpu, 7, TABLE_GFN + 7));
	EXPECT_EQ(8, nr_frames(self->vcpu));
	EXPECT_EQ(-EINVAL, map_frame(self->vcpu, 8, TABLE_GFN + 8));
	EXPECT_EQ(-EINVAL, map_frame(self->vcpu, 0x80000000, TABLE_GFN + 8));
	EXPECT_EQ(8, nr_frames(self->vcpu));
}

TEST_F(gnttab, frame_moves_with_its_contents)
{
	volatile struct grant_entry_v1 *moved = vm_ptr(&self->vm, (TABLE_GFN + 1) * PAGE);

	grant(&self->table[511], GTF_permit_access, 5, 77);
	EXPECT_EQ(0, map_frame(self->vcpu, 0, TABLE_GFN + 1));
	EXPECT_EQ(GTF_permit_access, moved[511].flags);
	EXPECT_EQ(5, moved[511].domid);
	EXPECT_EQ(77, moved[511].frame);
	/* Where it is already. */
	EXPECT_EQ(0, map_frame(self->vcpu, 0, TABLE_GFN + 1));
	EXPECT_EQ(77, moved[511].frame);
}

TEST_F(gnttab, setup_table_lists_frames)
{
	struct { uint16_t dom; uint32_t nr; int16_t status; uint64_t list; } op64 = {
		.dom = DOMID_SELF, .nr = 2, .status = 99, .list = GUEST_DATA + 256,
	};
	struct { uint16_t dom; uint32_t nr; int16_t status; uint32_t list; } op32 = {
		.dom = DOMID_SELF, .nr = 2, .status = 99, .list = GUEST_DATA + 256,
	};
	uint32_t *list = vm_ptr(&self->vm, GUEST_DATA + 256);
	bool bit32 = variant->bit32;
	void *op = bit32 ? (void *)&op32 : &op64;
	size_t len = bit32 ? sizeof(op32) : sizeof(op64);

	EXPECT_EQ(0, table_op(self->vcpu, GNTTABOP_setup_table, op, len, 1));
	EXPECT_EQ(GNTST_okay, bit32 ? op32.status : op64.status);
	EXPECT_EQ(TABLE_GFN, list[0]);
	/* The guest has not mapped it. */
	EXPECT_EQ(UINT32_MAX, list[bit32 ? 1 : 2]);
	EXPECT_EQ(2, nr_frames(self->vcpu));

	op32.nr = 9;
	op64.nr = 9;
	EXPECT_EQ(0, table_op(self->vcpu, GNTTABOP_setup_table, op, len, 1));
	EXPECT_EQ(GNTST_general_error, bit32 ? op32.status : op64.status);
	EXPECT_EQ(2, nr_frames(self->vcpu));
}

TEST_F(gnttab, swap_exchanges_entries_not_in_use)
{
	struct { uint32_t a, b; int16_t status; } op = { REF, REF + 1, 99 };

	grant(&self->table[REF], GTF_permit_access, 5, 77);
	EXPECT_EQ(0, table_op(self->vcpu, GNTTABOP_swap_grant_ref, &op, sizeof(op), 1));
	EXPECT_EQ(GNTST_okay, op.status);
	EXPECT_EQ(0, self->table[REF].flags);
	EXPECT_EQ(77, self->table[REF + 1].frame);
	op.b = 512;
	EXPECT_EQ(0, table_op(self->vcpu, GNTTABOP_swap_grant_ref, &op, sizeof(op), 1));
	EXPECT_EQ(GNTST_bad_gntref, op.status);
	op.b = REF;
	EXPECT_EQ(0, table_op(self->vcpu, GNTTABOP_swap_grant_ref, &op, sizeof(op), 1));
	EXPECT_EQ(GNTST_okay, op.status);
}

struct copy {
	uint64_t source, dest;
	uint16_t source_domid, dest_domid;
	uint16_t source_offset, dest_offset;
	uint16_t len, flags;
	int16_t status;
};

struct copy_end64 {
	uint64_t frame;
	uint16_t domid, offset;
	uint32_t pad;
};

struct copy64 {
	struct copy_end64 source, dest;
	uint16_t len, flags;
	int16_t status;
	uint16_t pad;
};

struct copy_end32 {
	uint32_t frame;
	uint16_t domid, offset;
};

struct copy32 {
	struct copy_end32 source, dest;
	uint16_t len, flags;
	int16_t status;
	uint16_t pad;
};

static int64_t copy(struct vm_vcpu *vcpu, struct copy *c)
{
	struct copy64 c64 = {
		{ c->source, c->source_domid, c->source_offset },
		{ c->dest, c->dest_domid, c->dest_offset },
		c->len, c->flags, 99,
	};
	struct copy32 c32 = {
		{ c->source, c->source_domid, c->source_offset },
		{ c->dest, c->dest_domid, c->dest_offset },
		c->len, c->flags, 99,
	};
	int64_t ret;

	if (vcpu->vm->bit32)
		ret = table_op(vcpu, GNTTABOP_copy, &c32, sizeof(c32), 1);
	else
		ret = table_op(vcpu, GNTTABOP_copy, &c64, sizeof(c64), 1);
	c->status = vcpu->vm->bit32 ? c32.status : c64.status;
	return ret;
}

TEST_F(gnttab, copy_between_frames_and_grants_of_its_own)
{
	uint8_t *from = vm_ptr(&self->vm, DATA_GFN * PAGE);
	uint8_t *to = vm_ptr(&self->vm, (DATA_GFN + 1) * PAGE);
	struct copy c = {
		DATA_GFN, DATA_GFN + 1, DOMID_SELF, DOMID_SELF, 4000, 100, 96, 0,
	};

	memset(from, 'a', PAGE);
	memset(to, 'b', PAGE);
	EXPECT_EQ(0, copy(self->vcpu, &c));
	EXPECT_EQ(GNTST_okay, c.status);
	EXPECT_EQ('b', to[99]);
	EXPECT_EQ('a', to[100]);
	EXPECT_EQ('a', to[195]);
	EXPECT_EQ('b', to[196]);

	grant(&self->table[REF], GTF_permit_access, self->vm.domid, DATA_GFN + 1);
	c.source_offset = 0;
	c.dest = REF;
	c.dest_domid = self->vm.domid;
	c.flags = GNTCOPY_dest_gref;
	c.dest_offset = 200;
	EXPECT_EQ(0, copy(self->vcpu, &c));
	EXPECT_EQ(GNTST_okay, c.status);
	EXPECT_EQ('a', to[200]);
	EXPECT_EQ(GTF_permit_access, self->table[REF].flags);

	/* Read-only grants may be read. */
	grant(&self->table[REF], GTF_permit_access | GTF_readonly, self->vm.domid, DATA_GFN + 1);
	EXPECT_EQ(0, copy(self->vcpu, &c));
	EXPECT_EQ(GNTST_general_error, c.status);
	c.source = REF;
	c.source_domid = DOMID_SELF;
	c.dest = DATA_GFN + 2;
	c.dest_domid = DOMID_SELF;
	c.flags = GNTCOPY_source_gref;
	EXPECT_EQ(0, copy(self->vcpu, &c));
	EXPECT_EQ(GNTST_okay, c.status);
}

TEST_F(gnttab, copy_overlapping_itself)
{
	uint8_t *page = vm_ptr(&self->vm, DATA_GFN * PAGE);
	struct copy c = { DATA_GFN, DATA_GFN, DOMID_SELF, DOMID_SELF, 0, 1, 4, 0 };

	memcpy(page, "abcdef", 6);
	EXPECT_EQ(0, copy(self->vcpu, &c));
	EXPECT_EQ(GNTST_okay, c.status);
	EXPECT_EQ(0, memcmp(page, "aabcdf", 6));
}

TEST_F(gnttab, copy_status_of_wrong_arguments)
{
	struct copy good = { DATA_GFN, DATA_GFN + 1, DOMID_SELF, DOMID_SELF, 0, 0, 8, 0 };
	struct copy c;

	c = good;
	c.source_offset = 4089;
	EXPECT_EQ(0, copy(self->vcpu, &c));
	EXPECT_EQ(GNTST_bad_copy_arg, c.status);
	c = good;
	c.dest_offset = 65535;
	EXPECT_EQ(0, copy(self->vcpu, &c));
	EXPECT_EQ(GNTST_bad_copy_arg, c.status);
	c = good;
	c.dest_domid = self->vm.domid;
	EXPECT_EQ(0, copy(self->vcpu, &c));
	EXPECT_EQ(GNTST_permission_denied, c.status);
	c = good;
	c.flags = GNTCOPY_dest_gref;
	c.dest_domid = 77;
	EXPECT_EQ(0, copy(self->vcpu, &c));
	EXPECT_EQ(GNTST_bad_domain, c.status);
	c.dest_domid = 0;
	EXPECT_EQ(0, copy(self->vcpu, &c));
	EXPECT_EQ(GNTST_bad_domain, c.status);
	c.dest_domid = DOMID_SELF;
	c.dest = 512;
	EXPECT_EQ(0, copy(self->vcpu, &c));
	EXPECT_EQ(GNTST_bad_gntref, c.status);
	c.dest = REF;
	EXPECT_EQ(0, copy(self->vcpu, &c));
	EXPECT_EQ(GNTST_general_error, c.status);
	c = good;
	c.source = 0xfffff;
	EXPECT_EQ(0, copy(self->vcpu, &c));
	EXPECT_EQ(GNTST_bad_page, c.status);
	/* Nothing is nothing, whatever else is wrong. */
	c.len = 0;
	EXPECT_EQ(0, copy(self->vcpu, &c));
	EXPECT_EQ(GNTST_okay, c.status);
}

static volatile sig_atomic_t nr_alarms;

static void count_alarm(int sig)
{
	nr_alarms++;
}

TEST_F(gnttab, long_copy_goes_on_after_signals)
{
	const int usec = 1000 * patience();
	struct itimerval often = { { 0, usec }, { 0, usec } }, never = {};
	unsigned int size = variant->bit32 ? sizeof(struct copy32) : sizeof(struct copy64);
	struct copy32 c32 = {
		{ DATA_GFN, DOMID_SELF, 0 }, { DATA_GFN + 1, DOMID_SELF, 0 }, 8, 0, 99,
	};
	struct copy64 c64 = {
		{ DATA_GFN, DOMID_SELF, 0 }, { DATA_GFN + 1, DOMID_SELF, 0 }, 8, 0, 99,
	};
	struct sigaction action = { .sa_handler = count_alarm };
	uint64_t at = (DATA_GFN + 16) * PAGE;
	uint8_t *items = vm_ptr(&self->vm, at);
	unsigned int i, count = 20000, wrong = 0;

	for (i = 0; i < count; i++)
		memcpy(items + i * size, variant->bit32 ? (void *)&c32 : &c64, size);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	EXPECT_EQ(0, HCALL3(self->vcpu, __HYPERVISOR_grant_table_op, GNTTABOP_copy, at, count));
	setitimer(ITIMER_REAL, &never, NULL);
	EXPECT_LT(0, nr_alarms);
	for (i = 0; i < count; i++) {
		if (variant->bit32)
			wrong += ((struct copy32 *)items)[i].status != GNTST_okay;
		else
			wrong += ((struct copy64 *)items)[i].status != GNTST_okay;
	}
	EXPECT_EQ(0, wrong);
}

TEST_HARNESS_MAIN
