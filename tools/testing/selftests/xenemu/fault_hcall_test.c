// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every hypercall that the module answers, with each allocation and each copy on
 * its way failing once: the guest gets an error or success, and the same
 * hypercall then works.
 */
#include <stdint.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>

#include "../kselftest_harness.h"
#include "grants.h"
#include "sweep.h"

#define SPARE_GFN	(DATA_GFN + 32)
#define NR_ARGS		6

struct ctx {
	struct vm vm;
	struct vm_vcpu *vcpu;
	/* The hypercall, and what it finds at its argument. */
	uint64_t nr;
	uint64_t args[NR_ARGS];
	const void *data;
	size_t len;
	/* Offset of a status of two bytes in the data, which counts as its result. */
	size_t status;
	/* Of a port that a hypercall made. */
	size_t port;
	/* A port that stays. */
	uint32_t spare;
};

FIXTURE(fault_hcall)
{
	struct ctx ctx;
};

FIXTURE_SETUP(fault_hcall)
{
	struct ctx *ctx = &self->ctx;
	volatile struct grant_entry_v1 *table = create_guest(&ctx->vm);

	ctx->vcpu = &ctx->vm.vcpus[0];
	grant(&table[REF], GTF_permit_access, 1, DATA_GFN);
}

FIXTURE_TEARDOWN(fault_hcall)
{
	vm_destroy(&self->ctx.vm);
}

static long make(void *priv)
{
	struct ctx *ctx = priv;
	uint8_t *data = vm_ptr(&ctx->vm, GUEST_DATA);
	int16_t status = 0;
	long ret;

	memcpy(data, ctx->data, ctx->len);
	ret = hypercall_by_ioctl(ctx->vcpu, ctx->nr, ctx->args);
	if (!ret && ctx->status)
		memcpy(&status, data + ctx->status, sizeof(status));
	return ret ?: status;
}

/* What a guest may not do at all. */
static long make_refused(void *priv)
{
	long ret = make(priv);

	return ret == -EPERM ? 0 : ret;
}

static void close_port(void *priv, long ret)
{
	const uint64_t args[NR_ARGS] = { EVTCHNOP_close, GUEST_DATA };
	struct ctx *ctx = priv;
	uint8_t *data = vm_ptr(&ctx->vm, GUEST_DATA);

	/* It is where the hypercall left it. */
	memmove(data, data + ctx->port, sizeof(uint32_t));
	hypercall_by_ioctl(ctx->vcpu, __HYPERVISOR_event_channel_op, args);
}

/* As in Xen, a port that the guest could not be told is there. */
static void close_all(void *priv)
{
	const struct evtchn_reset arg = { .dom = DOMID_SELF };
	const uint64_t args[NR_ARGS] = { EVTCHNOP_reset, GUEST_DATA };
	struct ctx *ctx = priv;

	memcpy(vm_ptr(&ctx->vm, GUEST_DATA), &arg, sizeof(arg));
	hypercall_by_ioctl(ctx->vcpu, __HYPERVISOR_event_channel_op, args);
}

/* A port that is bound to one that stays. */
static void close_peer(void *priv)
{
	const uint64_t args[NR_ARGS] = { EVTCHNOP_close, GUEST_DATA };
	struct ctx *ctx = priv;
	uint32_t port;

	for (port = 1; port < 8; port++) {
		if (port == ctx->spare)
			continue;
		memcpy(vm_ptr(&ctx->vm, GUEST_DATA), &port, sizeof(port));
		hypercall_by_ioctl(ctx->vcpu, __HYPERVISOR_event_channel_op, args);
	}
}

static void reset(void *priv)
{
	struct xenemu_domain_reset arg = { .size = sizeof(arg) };
	struct ctx *ctx = priv;

	xioctl(ctx->vm.domain_fd, XENEMU_DOMAIN_RESET, &arg);
}

static void undo_by_reset(void *priv, long ret)
{
	reset(priv);
}

/* A hypercall whose second argument is a pointer to @data. */
#define SWEEP_OP(nr_, op_, data_, undo_, ...)						\
do {											\
	const struct call call = { .name = #op_, .fn = make, .undo = undo_,		\
				   ##__VA_ARGS__ };					\
	struct ctx *ctx_ = &self->ctx;							\
											\
	ctx_->nr = nr_;									\
	memset(ctx_->args, 0, sizeof(ctx_->args));					\
	ctx_->args[0] = op_;								\
	ctx_->args[1] = GUEST_DATA;							\
	ctx_->data = data_;								\
	ctx_->len = sizeof(*(data_));							\
	sweep(_metadata, &call, ctx_);							\
} while (0)

/* One with numbers for arguments. */
#define SWEEP_ARGS(nr_, ...)								\
do {											\
	const uint64_t args_[NR_ARGS] = { __VA_ARGS__ };				\
	const struct call call = { .name = #nr_ " " #__VA_ARGS__, .fn = make };		\
	struct ctx *ctx_ = &self->ctx;							\
											\
	ctx_->nr = nr_;									\
	memcpy(ctx_->args, args_, sizeof(args_));					\
	ctx_->len = 0;									\
	sweep(_metadata, &call, ctx_);							\
} while (0)

TEST_F(fault_hcall, xen_version)
{
	static const unsigned int ops[] = {
		XENVER_version, XENVER_extraversion, XENVER_compile_info, XENVER_capabilities,
		XENVER_changeset, XENVER_platform_parameters, XENVER_guest_handle,
		XENVER_commandline,
	};
	const struct xen_feature_info feature = {};

	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++)
		SWEEP_ARGS(__HYPERVISOR_xen_version, ops[i], GUEST_DATA);
	SWEEP_OP(__HYPERVISOR_xen_version, XENVER_get_features, &feature, NULL);
}

TEST_F(fault_hcall, add_to_physmap)
{
	struct xen_add_to_physmap add = {
		.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .gpfn = SHARED_INFO_GFN,
	};
	const xen_ulong_t *idx = vm_ptr(&self->ctx.vm, GUEST_DATA + 256);
	struct xen_add_to_physmap_batch range = {
		.domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .size = 2,
	};

	/* A page that cannot be had is none, for the guest. */
	SWEEP_OP(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add, NULL, .error = -EINVAL);
	add.gpfn = SPARE_GFN;
	SWEEP_OP(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add, NULL, .error = -EINVAL);
	add.space = XENMAPSPACE_grant_table;
	add.idx = 1;
	SWEEP_OP(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add, NULL, .error = -EINVAL);

	((uint64_t *)idx)[0] = 2;
	((uint64_t *)idx)[1] = 3;
	((uint64_t *)idx)[2] = SPARE_GFN + 2;
	((uint64_t *)idx)[3] = SPARE_GFN + 3;
	set_xen_guest_handle(range.idxs, (void *)(uintptr_t)(GUEST_DATA + 256));
	set_xen_guest_handle(range.gpfns, (void *)(uintptr_t)(GUEST_DATA + 272));
	set_xen_guest_handle(range.errs, (void *)(uintptr_t)(GUEST_DATA + 288));
	SWEEP_OP(__HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, &range, NULL);
}

TEST_F(fault_hcall, memory_reservation)
{
	struct xen_memory_reservation res = {
		.nr_extents = 2, .domid = DOMID_SELF,
	};
	struct xenemu_memory_map_entry entries[2] = { { .len = PAGE, .type = 1 } };
	struct xenemu_domain_set_memory_map set = {
		.size = sizeof(set), .entries = (uintptr_t)entries, .nr_entries = 2,
	};
	struct xen_memory_map map = { .nr_entries = 8 };
	uint64_t *gfn = vm_ptr(&self->ctx.vm, GUEST_DATA + 256);
	const domid_t domid = DOMID_SELF;

	entries[1] = entries[0];
	entries[1].addr = 2 * PAGE;
	gfn[0] = SPARE_GFN;
	gfn[1] = SPARE_GFN + 1;
	set_xen_guest_handle(res.extent_start, (void *)(uintptr_t)(GUEST_DATA + 256));
	set_xen_guest_handle(map.buffer, (void *)(uintptr_t)(GUEST_DATA + 256));
	/* They return how many frames they did: fewer after a fault. */
	SWEEP_OP(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &res, NULL);
	SWEEP_OP(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &res, NULL);
	SWEEP_OP(__HYPERVISOR_memory_op, XENMEM_increase_reservation, &res, NULL);
	SWEEP_OP(__HYPERVISOR_memory_op, XENMEM_current_reservation, &domid, NULL);
	SWEEP_OP(__HYPERVISOR_memory_op, XENMEM_maximum_reservation, &domid, NULL);
	SWEEP_OP(__HYPERVISOR_memory_op, XENMEM_maximum_gpfn, &domid, NULL);
	ASSERT_EQ(0, xioctl(self->ctx.vm.domain_fd, XENEMU_DOMAIN_SET_MEMORY_MAP, &set));
	SWEEP_OP(__HYPERVISOR_memory_op, XENMEM_memory_map, &map, NULL);
}

TEST_F(fault_hcall, event_channel_op_new_ports)
{
	const struct evtchn_alloc_unbound unbound = { .dom = DOMID_SELF };
	const struct evtchn_bind_virq virq = { .virq = VIRQ_DEBUG };
	const struct evtchn_bind_ipi ipi = { .vcpu = 1 };

	self->ctx.port = offsetof(struct evtchn_alloc_unbound, port);
	SWEEP_OP(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &unbound, close_port,
		 .tidy = close_all);
	self->ctx.port = offsetof(struct evtchn_bind_virq, port);
	SWEEP_OP(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, &virq, close_port,
		 .tidy = close_all);
	self->ctx.port = offsetof(struct evtchn_bind_ipi, port);
	SWEEP_OP(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, &ipi, close_port,
		 .tidy = close_all);
}

/* The port is bound, or it is not and can be. */
TEST_F(fault_hcall, bind_interdomain)
{
	struct xenemu_domain_alloc_unbound alloc = { .size = sizeof(alloc), .remote_domid = 1 };
	struct evtchn_bind_interdomain arg = { .remote_dom = DOMID_SELF };

	ASSERT_EQ(0, xioctl(self->ctx.vm.domain_fd, XENEMU_DOMAIN_ALLOC_UNBOUND, &alloc));
	arg.remote_port = alloc.out_port;
	self->ctx.port = offsetof(struct evtchn_bind_interdomain, local_port);
	self->ctx.spare = alloc.out_port;
	SWEEP_OP(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, &arg, close_port,
		 .tidy = close_peer);
}

TEST_F(fault_hcall, event_channel_op_on_a_port)
{
	struct xenemu_domain_alloc_unbound alloc = { .size = sizeof(alloc) };
	struct evtchn_bind_vcpu bind_vcpu = { .vcpu = 1 };
	const struct evtchn_reset reset = { .dom = DOMID_SELF };
	struct evtchn_status status = { .dom = DOMID_SELF };
	struct evtchn_unmask unmask;
	struct evtchn_send send;

	ASSERT_EQ(0, xioctl(self->ctx.vm.domain_fd, XENEMU_DOMAIN_ALLOC_UNBOUND, &alloc));
	bind_vcpu.port = alloc.out_port;
	status.port = alloc.out_port;
	unmask.port = alloc.out_port;
	send.port = alloc.out_port;
	SWEEP_OP(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_vcpu, &bind_vcpu, NULL);
	SWEEP_OP(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send, NULL);
	SWEEP_OP(__HYPERVISOR_event_channel_op, EVTCHNOP_status, &status, NULL);
	SWEEP_OP(__HYPERVISOR_event_channel_op, EVTCHNOP_unmask, &unmask, NULL);
	SWEEP_OP(__HYPERVISOR_event_channel_op, EVTCHNOP_reset, &reset, NULL);
}

/* A grant operation with one element. */
#define SWEEP_GNTTAB(op_, data_, ...)							\
do {											\
	const struct call call = { .name = #op_, .fn = make, ##__VA_ARGS__ };		\
	struct ctx *ctx_ = &self->ctx;							\
											\
	ctx_->nr = __HYPERVISOR_grant_table_op;						\
	memset(ctx_->args, 0, sizeof(ctx_->args));					\
	ctx_->args[0] = op_;								\
	ctx_->args[1] = GUEST_DATA;							\
	ctx_->args[2] = 1;								\
	ctx_->data = data_;								\
	ctx_->len = sizeof(*(data_));							\
	ctx_->status = offsetof(typeof(*(data_)), status);				\
	sweep(_metadata, &call, ctx_);							\
} while (0)

TEST_F(fault_hcall, grant_table_op)
{
	const struct gnttab_query_size query = { .dom = DOMID_SELF };
	const struct gnttab_swap_grant_ref swap = { .ref_a = REF + 1, .ref_b = REF + 2 };
	struct { uint16_t dom, pad; uint32_t version; int16_t status; } version = { DOMID_SELF };
	const struct gnttab_set_version set = { .version = 1 };
	struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 2 };
	const struct gnttab_copy copy = {
		.source = { .u.ref = REF, .domid = DOMID_SELF },
		.dest = { .u.gmfn = SPARE_GFN, .domid = DOMID_SELF },
		.len = PAGE, .flags = GNTCOPY_source_gref,
	};
	volatile struct grant_entry_v1 *table = vm_ptr(&self->ctx.vm, TABLE_GFN * PAGE);

	SWEEP_GNTTAB(GNTTABOP_query_size, &query);
	SWEEP_GNTTAB(GNTTABOP_swap_grant_ref, &swap);
	SWEEP_GNTTAB(GNTTABOP_copy, &copy, .gntst = true);
	EXPECT_EQ(0, table[REF].flags & BUSY);
	SWEEP_GNTTAB(GNTTABOP_get_version, &version);
	SWEEP_OP(__HYPERVISOR_grant_table_op, GNTTABOP_set_version, &set, NULL);
	set_xen_guest_handle(setup.frame_list, (void *)(uintptr_t)(GUEST_DATA + 256));
	SWEEP_GNTTAB(GNTTABOP_setup_table, &setup, .gntst = true);
}

TEST_F(fault_hcall, hvm_op)
{
	struct xen_hvm_param param = {
		.domid = DOMID_SELF, .index = HVM_PARAM_CALLBACK_IRQ,
		.value = (2ULL << 56) | GUEST_UPCALL_VECTOR,
	};
	const struct xen_hvm_evtchn_upcall_vector vector = { .vcpu = 1, .vector = 0x40 };
	const struct xen_hvm_get_time time = {};

	SWEEP_OP(__HYPERVISOR_hvm_op, HVMOP_set_param, &param, NULL);
	SWEEP_OP(__HYPERVISOR_hvm_op, HVMOP_get_param, &param, NULL);
	SWEEP_OP(__HYPERVISOR_hvm_op, HVMOP_get_time, &time, NULL);
	SWEEP_OP(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, &vector, NULL);
}

TEST_F(fault_hcall, sched_op)
{
	struct sched_poll poll = { .nr_ports = 1, .timeout = 1 };
	uint32_t *port = vm_ptr(&self->ctx.vm, GUEST_DATA + 256);
	const struct sched_shutdown suspend = { .reason = SHUTDOWN_suspend };
	const struct sched_remote_shutdown remote = { .domain_id = 1 };
	const int nothing = 0;

	*port = 1;
	set_xen_guest_handle(poll.ports, (void *)(uintptr_t)(GUEST_DATA + 256));
	SWEEP_OP(__HYPERVISOR_sched_op, SCHEDOP_yield, &nothing, NULL);
	SWEEP_OP(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll, NULL);
	SWEEP_OP(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &suspend, NULL);
	SWEEP_OP(__HYPERVISOR_sched_op, SCHEDOP_shutdown_code, &suspend, NULL);
	SWEEP_OP(__HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, &remote, NULL,
		 .fn = make_refused);
}

/* A vcpu_op whose third argument is a pointer to @data. */
#define SWEEP_VCPU(op_, data_, ...)							\
do {											\
	const struct call call = { .name = #op_, .fn = make, ##__VA_ARGS__ };		\
	struct ctx *ctx_ = &self->ctx;							\
											\
	ctx_->nr = __HYPERVISOR_vcpu_op;						\
	memset(ctx_->args, 0, sizeof(ctx_->args));					\
	ctx_->args[0] = op_;								\
	ctx_->args[2] = GUEST_DATA;							\
	ctx_->data = data_;								\
	ctx_->len = sizeof(*(data_));							\
	sweep(_metadata, &call, ctx_);							\
} while (0)

TEST_F(fault_hcall, vcpu_op)
{
	const struct vcpu_register_vcpu_info info = { .mfn = SPARE_GFN };
	const struct vcpu_set_periodic_timer periodic = { .period_ns = 10000000 };
	const struct vcpu_set_singleshot_timer singleshot = { .timeout_abs_ns = 1 };
	struct vcpu_register_runstate_memory_area runstate = {};
	struct vcpu_register_time_memory_area time = {};
	const int nothing = 0;

	runstate.addr.p = SPARE_GFN * PAGE + 512;
	time.addr.p = SPARE_GFN * PAGE + 1024;
	SWEEP_VCPU(VCPUOP_register_runstate_memory_area, &runstate);
	SWEEP_VCPU(VCPUOP_register_vcpu_time_memory_area, &time);
	SWEEP_VCPU(VCPUOP_set_periodic_timer, &periodic);
	SWEEP_VCPU(VCPUOP_stop_periodic_timer, &nothing);
	SWEEP_VCPU(VCPUOP_set_singleshot_timer, &singleshot);
	SWEEP_VCPU(VCPUOP_stop_singleshot_timer, &nothing);
	/* A vCPU can do it once. */
	SWEEP_VCPU(VCPUOP_register_vcpu_info, &info, .undo = undo_by_reset, .tidy = reset);
}

TEST_F(fault_hcall, the_rest)
{
	const struct call assist = { .name = "vm_assist", .fn = make, .error = -EINVAL };
	struct ctx *ctx = &self->ctx;
	struct multicall_entry entries[2] = {
		{ .op = __HYPERVISOR_xen_version, .args = { XENVER_version } },
		{ .op = __HYPERVISOR_xen_version, .args = { XENVER_extraversion,
							    GUEST_DATA + 512 } },
	};

	SWEEP_ARGS(__HYPERVISOR_set_timer_op, 1);
	SWEEP_ARGS(__HYPERVISOR_console_io, CONSOLEIO_write, 300, GUEST_DATA);
	/* KVM cannot do it: as unknown as to an older Xen. */
	ctx->nr = __HYPERVISOR_vm_assist;
	memset(ctx->args, 0, sizeof(ctx->args));
	ctx->args[0] = VMASST_CMD_enable;
	ctx->args[1] = VMASST_TYPE_runstate_update_flag;
	sweep(_metadata, &assist, ctx);
	memcpy(vm_ptr(&ctx->vm, GUEST_DATA), entries, sizeof(entries));
	SWEEP_ARGS(__HYPERVISOR_multicall, GUEST_DATA, 2);
}

TEST_HARNESS_MAIN
