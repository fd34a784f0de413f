// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls of a guest, in 64 and 32 bits: the table, multicalls, and the
 * hypercalls that have no test of their own. Results, errors, exits to the VMM.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <xen/xen.h>
#include <xen/features.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>

#include "../kselftest_harness.h"
#include "hcall.h"

/* ---- xen_version ---- */

TEST_F(hypercall, version)
{
	EXPECT_EQ(4 << 16 | 17, HCALL2(self->vcpu, __HYPERVISOR_xen_version, XENVER_version, 0));
}

static void string(struct __test_metadata *_metadata, struct vm_vcpu *vcpu, unsigned int op,
		   unsigned int size, const char *expected)
{
	uint8_t buf[1100];
	unsigned int i;

	memset(buf, 0xa5, sizeof(buf));
	ASSERT_EQ(0, hypercall_arg(vcpu, __HYPERVISOR_xen_version, op, buf, sizeof(buf)));
	EXPECT_STREQ(expected, (char *)buf);
	/* Nothing behind the string, nothing behind the array. */
	for (i = strlen(expected); i < size; i++)
		ASSERT_EQ(0, buf[i]);
	ASSERT_EQ(0xa5, buf[size]);
}

TEST_F(hypercall, version_strings)
{
	string(_metadata, self->vcpu, XENVER_extraversion, 16, ".0-xenemu");
	string(_metadata, self->vcpu, XENVER_capabilities, 1024,
	       "hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64");
	string(_metadata, self->vcpu, XENVER_changeset, 64, "unavailable");
	string(_metadata, self->vcpu, XENVER_commandline, 9, "<denied>");
}

TEST_F(hypercall, version_numbers)
{
	struct xen_feature_info info = { .submap_idx = 0 };
	uint8_t buf[32];

	EXPECT_EQ(4096, HCALL2(self->vcpu, __HYPERVISOR_xen_version, XENVER_pagesize, 0));
	EXPECT_EQ(-EINVAL, HCALL2(self->vcpu, __HYPERVISOR_xen_version, XENVER_pagesize,
				  GUEST_DATA));
	EXPECT_EQ(-EPERM, HCALL2(self->vcpu, __HYPERVISOR_xen_version, XENVER_build_id, 0));
	EXPECT_EQ(-ENOSYS, HCALL2(self->vcpu, __HYPERVISOR_xen_version, 99, GUEST_DATA));
	EXPECT_EQ(-EFAULT, HCALL2(self->vcpu, __HYPERVISOR_xen_version, XENVER_extraversion,
				  NOWHERE));

	EXPECT_EQ(0, hypercall_arg(self->vcpu, __HYPERVISOR_xen_version, XENVER_get_features, &info,
				   sizeof(info)));
	EXPECT_EQ(1u << XENFEAT_writable_page_tables | 1u << XENFEAT_auto_translated_physmap |
		  1u << XENFEAT_hvm_callback_vector | 1u << XENFEAT_hvm_safe_pvclock |
		  1u << XENFEAT_not_direct_mapped, info.submap);
	info.submap_idx = 1;
	EXPECT_EQ(-EINVAL, hypercall_arg(self->vcpu, __HYPERVISOR_xen_version, XENVER_get_features,
					 &info, sizeof(info)));

	memset(buf, 0xa5, sizeof(buf));
	EXPECT_EQ(0, hypercall_arg(self->vcpu, __HYPERVISOR_xen_version, XENVER_guest_handle, buf,
				   sizeof(buf)));
	EXPECT_EQ(0, buf[15]);
	EXPECT_EQ(0xa5, buf[16]);
	memset(buf, 0xa5, sizeof(buf));
	EXPECT_EQ(0, hypercall_arg(self->vcpu, __HYPERVISOR_xen_version, XENVER_platform_parameters,
				   buf, sizeof(buf)));
	EXPECT_EQ(0, buf[3]);
	EXPECT_EQ(self->vm.bit32 ? 0xa5 : 0, buf[4]);
	EXPECT_EQ(0xa5, buf[8]);
}

/* ---- the table ---- */

TEST_F(hypercall, unknown_numbers)
{
	static const unsigned int nrs[] = {
		__HYPERVISOR_set_trap_table, 11, __HYPERVISOR_mmuext_op,
		__HYPERVISOR_physdev_op, __HYPERVISOR_domctl, 48, 55, 63, 64, 65, 4096, 0x7fffffff,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(nrs); i++)
		EXPECT_EQ(-ENOSYS, HCALL2(self->vcpu, nrs[i], 0, 0));
	EXPECT_EQ(-ENOSYS, HCALL2(self->vcpu, __HYPERVISOR_hvm_op, 200, 0));
	EXPECT_EQ(-ENOSYS, HCALL2(self->vcpu, __HYPERVISOR_sched_op, 200, 0));
	EXPECT_EQ(-ENOSYS, HCALL2(self->vcpu, __HYPERVISOR_vcpu_op, 200, 0));
	EXPECT_EQ(-ENOSYS, HCALL2(self->vcpu, __HYPERVISOR_memory_op, 62, 0));
	EXPECT_EQ(-ENOSYS, HCALL2(self->vcpu, __HYPERVISOR_hvm_op, HVMOP_pagetable_dying, 0));
}

TEST_F(hypercall, bad_pointers)
{
	static const struct { unsigned int nr, op; } ops[] = {
		{ __HYPERVISOR_hvm_op, HVMOP_set_param },
		{ __HYPERVISOR_hvm_op, HVMOP_get_param },
		{ __HYPERVISOR_hvm_op, HVMOP_get_time },
		{ __HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector },
		{ __HYPERVISOR_memory_op, XENMEM_add_to_physmap },
		{ __HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch },
		{ __HYPERVISOR_memory_op, XENMEM_memory_map },
		{ __HYPERVISOR_memory_op, XENMEM_current_reservation },
		{ __HYPERVISOR_memory_op, XENMEM_maximum_reservation },
		{ __HYPERVISOR_memory_op, XENMEM_maximum_gpfn },
		{ __HYPERVISOR_sched_op, SCHEDOP_shutdown },
		{ __HYPERVISOR_sched_op, SCHEDOP_shutdown_code },
		{ __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown },
	};
	static const uint64_t where[] = { NOWHERE, VM_MEMORY - 1, 0xffffffff, 0xfffffffffffffffe };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		for (j = 0; j < 4; j++)
			EXPECT_EQ(-EFAULT, HCALL2(self->vcpu, ops[i].nr, ops[i].op, where[j])) {
				TH_LOG("hypercall %u op %u at %jx", ops[i].nr, ops[i].op,
				       (uintmax_t)where[j]);
			}
	EXPECT_EQ(-EFAULT, HCALL2(self->vcpu, __HYPERVISOR_multicall, NOWHERE, 1));
	EXPECT_EQ(0, HCALL2(self->vcpu, __HYPERVISOR_multicall, NOWHERE, 0));
	EXPECT_EQ(-EFAULT, HCALL3(self->vcpu, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0,
				  NOWHERE));
	EXPECT_EQ(0, HCALL2(self->vcpu, __HYPERVISOR_memory_op, XENMEM_decrease_reservation,
			    NOWHERE));
}

/* ---- multicall ---- */

static int64_t element_result(struct vm *vm, uint8_t *p, unsigned int i)
{
	if (vm->bit32)
		return ((int32_t *)p)[i * 8 + 1];
	return ((int64_t *)p)[i * 8 + 1];
}

TEST_F(hypercall, multicall)
{
	struct vm *vm = &self->vm;
	uint8_t *p = self->data;

	p += put_element(vm, p, __HYPERVISOR_xen_version, XENVER_version, 0, 0);
	p += put_element(vm, p, __HYPERVISOR_multicall, GUEST_DATA, 1, 0);
	p += put_element(vm, p, __HYPERVISOR_xen_version, 99, 0, 0);
	p += put_element(vm, p, 1000, 0, 0, 0);
	p += put_element(vm, p, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
	p += put_element(vm, p, __HYPERVISOR_sched_op, SCHEDOP_block, 0, 0);
	p += put_element(vm, p, __HYPERVISOR_set_timer_op, 0, 0, 0);
	EXPECT_EQ(0, HCALL2(self->vcpu, __HYPERVISOR_multicall, GUEST_DATA, 7));
	EXPECT_EQ(4 << 16 | 17, element_result(vm, self->data, 0));
	EXPECT_EQ(-EINVAL, element_result(vm, self->data, 1));
	EXPECT_EQ(-ENOSYS, element_result(vm, self->data, 2));
	EXPECT_EQ(-ENOSYS, element_result(vm, self->data, 3));
	EXPECT_EQ(0, element_result(vm, self->data, 4));
	EXPECT_EQ(0, element_result(vm, self->data, 5));
	EXPECT_EQ(0, element_result(vm, self->data, 6));
}

TEST_F(hypercall, multicall_goes_on_after_an_exit)
{
	struct vm *vm = &self->vm;
	uint8_t *p = self->data;
	unsigned int i;

	memset(vm_ptr(vm, GUEST_PAGES), 'x', 5000);
	p += put_element(vm, p, __HYPERVISOR_console_io, CONSOLEIO_write, 5000, GUEST_PAGES);
	p += put_element(vm, p, __HYPERVISOR_xen_version, XENVER_version, 0, 0);
	p += put_element(vm, p, __HYPERVISOR_console_io, CONSOLEIO_write, 1, GUEST_PAGES);
	ASSERT_EQ(1, start(self->vcpu, __HYPERVISOR_multicall, GUEST_DATA, 3, 0));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(XENEMU_EXIT_CONSOLE, self->vcpu->run->exit_reason);
		EXPECT_EQ(i < 2 ? 2048 : i == 2 ? 5000 - 4096 : 1, self->vcpu->run->console.len);
		/* What is in progress is not read again. */
		put_element(vm, self->data, __HYPERVISOR_sched_op, SCHEDOP_shutdown, 0, 0);
		ASSERT_EQ(i < 3, vcpu_run(self->vcpu));
	}
	EXPECT_EQ(0, vcpu_result(self->vcpu));
	EXPECT_EQ(4 << 16 | 17, element_result(vm, self->data, 1));
	EXPECT_EQ(0, element_result(vm, self->data, 2));
}

TEST_F(hypercall, multicall_past_memory)
{
	struct vm *vm = &self->vm;
	uint64_t gpa = VM_MEMORY - 2 * (vm->bit32 ? 32 : 64);
	uint8_t *p = vm_ptr(vm, gpa);

	p += put_element(vm, p, __HYPERVISOR_xen_version, XENVER_version, 0, 0);
	put_element(vm, p, __HYPERVISOR_xen_version, XENVER_version, 0, 0);
	EXPECT_EQ(-EFAULT, HCALL3(self->vcpu, __HYPERVISOR_multicall, gpa, vm->bit32 ? ~0u : ~0ULL,
				  0));
	EXPECT_EQ(4 << 16 | 17, element_result(vm, vm_ptr(vm, gpa), 1));
}

/* ---- hvm_op ---- */

static int64_t set_param(struct vm_vcpu *vcpu, unsigned int domid, unsigned int index,
			 uint64_t value)
{
	struct xen_hvm_param param = { .domid = domid, .index = index, .value = value };

	return hypercall_arg(vcpu, __HYPERVISOR_hvm_op, HVMOP_set_param, &param, sizeof(param));
}

static int64_t get_param(struct vm_vcpu *vcpu, unsigned int domid, unsigned int index,
			 uint64_t *value)
{
	struct xen_hvm_param param = { .domid = domid, .index = index, .value = ~0ULL };
	int64_t ret;

	ret = hypercall_arg(vcpu, __HYPERVISOR_hvm_op, HVMOP_get_param, &param, sizeof(param));
	*value = param.value;
	return ret;
}

static int toolstack_param(struct vm *vm, unsigned long request, unsigned int index,
			   uint64_t *value)
{
	struct xenemu_domain_param args = {
		.size = sizeof(args), .index = index, .value = *value,
	};
	int ret = xioctl(vm->domain_fd, request, &args);

	*value = args.value;
	return ret;
}

TEST_F(hypercall, params)
{
	static const uint8_t settable[] = { 2, 18, 34 };
	static const uint8_t deprecated[] = { 4, 13, 20, 21, 22, 23, 24, 25, 26, 30 };
	static const uint8_t forbidden[] = { 1, 3, 5, 6, 7, 9, 10, 11, 12, 14, 16, 17, 27, 31, 38 };
	uint64_t value;
	unsigned int i;

	for (i = 0; i < sizeof(settable); i++) {
		EXPECT_EQ(0, set_param(self->vcpu, DOMID_SELF, settable[i], 0x123456789abcULL + i));
		EXPECT_EQ(0, get_param(self->vcpu, self->vm.domid, settable[i], &value));
		EXPECT_EQ(0x123456789abcULL + i, value);
	}
	for (i = 0; i < sizeof(deprecated); i++) {
		EXPECT_EQ(-EINVAL, set_param(self->vcpu, DOMID_SELF, deprecated[i], 1));
		EXPECT_EQ(-EINVAL, get_param(self->vcpu, DOMID_SELF, deprecated[i], &value));
	}
	for (i = 0; i < sizeof(forbidden); i++)
		EXPECT_EQ(-EPERM, set_param(self->vcpu, DOMID_SELF, forbidden[i], 1));
	EXPECT_EQ(-EPERM, get_param(self->vcpu, DOMID_SELF, HVM_PARAM_IDENT_PT, &value));
	EXPECT_EQ(-EEXIST, set_param(self->vcpu, DOMID_SELF, HVM_PARAM_ALTP2M, 1));
	EXPECT_EQ(0, get_param(self->vcpu, DOMID_SELF, HVM_PARAM_ALTP2M, &value));
	EXPECT_EQ(0, value);
	EXPECT_EQ(-EINVAL, set_param(self->vcpu, DOMID_SELF, 39, 1));
	EXPECT_EQ(-EINVAL, get_param(self->vcpu, DOMID_SELF, 0xffffffff, &value));
	EXPECT_EQ(-EPERM, set_param(self->vcpu, 0, HVM_PARAM_STORE_EVTCHN, 1));
	EXPECT_EQ(-ESRCH, set_param(self->vcpu, 77, HVM_PARAM_STORE_EVTCHN, 1));
	EXPECT_EQ(-ESRCH, get_param(self->vcpu, DOMID_IO, HVM_PARAM_STORE_EVTCHN, &value));
	EXPECT_EQ(-EINVAL, set_param(self->vcpu, DOMID_SELF, HVM_PARAM_X87_FIP_WIDTH, 5));
	EXPECT_EQ(0, set_param(self->vcpu, DOMID_SELF, HVM_PARAM_X87_FIP_WIDTH, 8));
	EXPECT_EQ(-EINVAL, set_param(self->vcpu, DOMID_SELF, HVM_PARAM_VM86_TSS, 1ULL << 32));
	EXPECT_EQ(0, set_param(self->vcpu, DOMID_SELF, HVM_PARAM_VM86_TSS, 0x1000));
	EXPECT_EQ(0, get_param(self->vcpu, DOMID_SELF, HVM_PARAM_VM86_TSS, &value));
	EXPECT_EQ(0x1000, value);
	EXPECT_EQ(0, get_param(self->vcpu, DOMID_SELF, HVM_PARAM_VM86_TSS_SIZED, &value));
	EXPECT_EQ(128ULL << 32 | 0x1000, value);
	EXPECT_EQ(-EINVAL, set_param(self->vcpu, DOMID_SELF, HVM_PARAM_VM86_TSS_SIZED, 0x1000));
	EXPECT_EQ(-ENODEV, set_param(self->vcpu, DOMID_SELF, HVM_PARAM_ACPI_IOPORTS_LOCATION, 1));
}

TEST_F(hypercall, params_of_the_toolstack_have_bounds)
{
	static const struct { unsigned int index; uint64_t max; } params[] = {
		{ HVM_PARAM_TIMER_MODE, HVMPTM_one_missed_tick_pending },
		{ HVM_PARAM_TRIPLE_FAULT_REASON, SHUTDOWN_MAX },
	};
	unsigned int i;

	for (i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
		uint64_t value = params[i].max, none = ~0ULL;

		EXPECT_EQ(0, toolstack_param(&self->vm, XENEMU_DOMAIN_SET_PARAM, params[i].index,
					     &value));
		EXPECT_EQ(-EINVAL, toolstack_param(&self->vm, XENEMU_DOMAIN_SET_PARAM,
						   params[i].index, &none));
		value = 0;
		EXPECT_EQ(0, toolstack_param(&self->vm, XENEMU_DOMAIN_GET_PARAM, params[i].index,
					     &value));
		EXPECT_EQ(params[i].max, value);
	}
}

TEST_F(hypercall, size_of_the_TSS_has_bounds)
{
	uint64_t value;

	/* A TSS with room for all interrupts and ports, and not a byte more. */
	EXPECT_EQ(0, set_param(self->vcpu, DOMID_SELF, HVM_PARAM_VM86_TSS_SIZED,
			       0xffffffffULL << 32 | 0x1000));
	EXPECT_EQ(0, get_param(self->vcpu, DOMID_SELF, HVM_PARAM_VM86_TSS_SIZED, &value));
	EXPECT_EQ(0x1000, (uint32_t)value);
	EXPECT_EQ(104 + 32 + 8192 + 1, value >> 32);
}

TEST_F(hypercall, params_of_the_toolstack)
{
	uint64_t value = 0xfeff1;

	EXPECT_EQ(0, toolstack_param(&self->vm, XENEMU_DOMAIN_SET_PARAM, HVM_PARAM_STORE_PFN,
				     &value));
	EXPECT_EQ(0, get_param(self->vcpu, DOMID_SELF, HVM_PARAM_STORE_PFN, &value));
	EXPECT_EQ(0xfeff1, value);
	value = 1;
	EXPECT_EQ(-EOPNOTSUPP, toolstack_param(&self->vm, XENEMU_DOMAIN_SET_PARAM,
					       HVM_PARAM_CALLBACK_IRQ, &value));
	EXPECT_EQ(-EOPNOTSUPP, toolstack_param(&self->vm, XENEMU_DOMAIN_SET_PARAM,
					       9 /* VIRIDIAN */, &value));
	EXPECT_EQ(-EINVAL, toolstack_param(&self->vm, XENEMU_DOMAIN_SET_PARAM, 39, &value));
	EXPECT_EQ(-EINVAL, toolstack_param(&self->vm, XENEMU_DOMAIN_GET_PARAM, 39, &value));
	EXPECT_EQ(-EINVAL, toolstack_param(&self->vm, XENEMU_DOMAIN_GET_PARAM, 4, &value));
}

TEST_F(hypercall, callback)
{
	uint64_t value;

	EXPECT_EQ(0, set_param(self->vcpu, DOMID_SELF, 0, 2ULL << 56 | 0xf3));
	EXPECT_EQ(0, get_param(self->vcpu, DOMID_SELF, 0, &value));
	EXPECT_EQ(2ULL << 56 | 0xf3, value);
	EXPECT_EQ(-EINVAL, set_param(self->vcpu, DOMID_SELF, 0, 2ULL << 56 | 0x0f));
	EXPECT_EQ(-EOPNOTSUPP, set_param(self->vcpu, DOMID_SELF, 0, 11));
	EXPECT_EQ(-EOPNOTSUPP, set_param(self->vcpu, DOMID_SELF, 0, 1ULL << 56 | 3 << 11));
	EXPECT_EQ(-EINVAL, set_param(self->vcpu, DOMID_SELF, 0, 3ULL << 56));
	EXPECT_EQ(0, get_param(self->vcpu, DOMID_SELF, 0, &value));
	EXPECT_EQ(2ULL << 56 | 0xf3, value);
	EXPECT_EQ(0, set_param(self->vcpu, DOMID_SELF, 0, 0));
}

static int start_set_vector(struct vm_vcpu *vcpu, unsigned int id, unsigned int vector)
{
	struct xen_hvm_evtchn_upcall_vector op = { .vcpu = id, .vector = vector };

	memcpy(vm_ptr(vcpu->vm, GUEST_DATA), &op, sizeof(op));
	return start(vcpu, __HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, GUEST_DATA, 0);
}

TEST_F(hypercall, upcall_vector)
{
	struct vm_vcpu *vcpu = self->vcpu;

	EXPECT_EQ(0, start_set_vector(vcpu, 0, 0x0f));
	EXPECT_EQ(-EINVAL, vcpu_result(vcpu));
	EXPECT_EQ(0, start_set_vector(vcpu, 2, 0x30));
	EXPECT_EQ(-ENOENT, vcpu_result(vcpu));
	EXPECT_EQ(0, start_set_vector(vcpu, 0xffffffff, 0x30));
	EXPECT_EQ(-ENOENT, vcpu_result(vcpu));

	ASSERT_EQ(1, start_set_vector(vcpu, 1, 0x30));
	EXPECT_EQ(XENEMU_EXIT_UPCALL_VECTOR, vcpu->run->exit_reason);
	EXPECT_EQ(1, vcpu->run->upcall.vcpu_id);
	EXPECT_EQ(0x30, vcpu->run->upcall.vector);
	vcpu->run->answer = -EBUSY;
	EXPECT_EQ(0, vcpu_run(vcpu));
	EXPECT_EQ(-EBUSY, vcpu_result(vcpu));

	/* Refused, so a GSI is still one. */
	EXPECT_EQ(-EOPNOTSUPP, set_param(vcpu, DOMID_SELF, 0, 1));
	ASSERT_EQ(1, start_set_vector(vcpu, 0, 0x30));
	EXPECT_EQ(0, vcpu_run(vcpu));
	EXPECT_EQ(0, vcpu_result(vcpu));
	EXPECT_EQ(0, set_param(vcpu, DOMID_SELF, 0, 1));
	/* An answer out of range is no answer. */
	ASSERT_EQ(1, start_set_vector(vcpu, 0, 0x31));
	vcpu->run->answer = -5000;
	EXPECT_EQ(0, vcpu_run(vcpu));
	EXPECT_EQ(-EINVAL, vcpu_result(vcpu));
}

TEST_F(hypercall, time)
{
	uint64_t first = 0, second = 0;

	EXPECT_EQ(0, hypercall_arg(self->vcpu, __HYPERVISOR_hvm_op, HVMOP_get_time, &first, 8));
	EXPECT_EQ(0, hypercall_arg(self->vcpu, __HYPERVISOR_hvm_op, HVMOP_get_time, &second, 8));
	EXPECT_LT(0, first);
	EXPECT_LT(first, second);
	EXPECT_GT(first + 60000000000ULL, second);
}

/* ---- sched_op ---- */

static int start_shutdown(struct vm_vcpu *vcpu, uint32_t reason)
{
	memcpy(vm_ptr(vcpu->vm, GUEST_DATA), &reason, 4);
	return start(vcpu, __HYPERVISOR_sched_op, SCHEDOP_shutdown, GUEST_DATA, 0);
}

TEST_F(hypercall, shutdown)
{
	struct xenemu_domain_reset reset = { .size = sizeof(reset) };
	struct vm_vcpu *vcpu = self->vcpu;
	uint32_t reason;

	for (reason = 0; reason <= SHUTDOWN_MAX; reason++) {
		ASSERT_EQ(1, start_shutdown(vcpu, reason));
		ASSERT_EQ(XENEMU_EXIT_SHUTDOWN, vcpu->run->exit_reason);
		EXPECT_EQ(reason, vcpu->run->shutdown.reason);
		if (reason == SHUTDOWN_suspend)
			vcpu->run->answer = 1;
		if (reason == SHUTDOWN_watchdog)
			vcpu->run->answer = -EPERM;
		if (reason == SHUTDOWN_soft_reset)
			ASSERT_EQ(0, xioctl(self->vm.domain_fd, XENEMU_DOMAIN_RESET, &reset));
		ASSERT_EQ(0, vcpu_run(vcpu));
		EXPECT_EQ(reason == SHUTDOWN_suspend ? 1 :
			  reason == SHUTDOWN_watchdog ? -EPERM : 0, vcpu_result(vcpu));
	}
	EXPECT_EQ(0, start_shutdown(vcpu, SHUTDOWN_MAX + 1));
	EXPECT_EQ(-EINVAL, vcpu_result(vcpu));
	EXPECT_EQ(0, start_shutdown(vcpu, 0x100));
	EXPECT_EQ(-EINVAL, vcpu_result(vcpu));

	/* A code that was latched counts, once. */
	reason = SHUTDOWN_crash;
	EXPECT_EQ(0, hypercall_arg(vcpu, __HYPERVISOR_sched_op, SCHEDOP_shutdown_code, &reason, 4));
	ASSERT_EQ(1, start_shutdown(vcpu, SHUTDOWN_poweroff));
	EXPECT_EQ(SHUTDOWN_crash, vcpu->run->shutdown.reason);
	ASSERT_EQ(0, vcpu_run(vcpu));
	ASSERT_EQ(1, start_shutdown(vcpu, SHUTDOWN_poweroff));
	EXPECT_EQ(SHUTDOWN_poweroff, vcpu->run->shutdown.reason);
}

TEST_F(hypercall, sched_others)
{
	struct { uint16_t domid; uint32_t reason; } remote = { .domid = 0 };
	struct vm_vcpu *vcpu = self->vcpu;

	EXPECT_EQ(-EPERM, hypercall_arg(vcpu, __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown,
					&remote, sizeof(remote)));
	remote.domid = DOMID_SELF;
	EXPECT_EQ(-ESRCH, hypercall_arg(vcpu, __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown,
					&remote, sizeof(remote)));
	remote.domid = 50;
	EXPECT_EQ(-ESRCH, hypercall_arg(vcpu, __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown,
					&remote, sizeof(remote)));
	EXPECT_EQ(-EPERM, HCALL2(vcpu, __HYPERVISOR_sched_op, SCHEDOP_pin_override, 0));
	EXPECT_EQ(-ENOSYS, HCALL2(vcpu, __HYPERVISOR_sched_op, SCHEDOP_watchdog, 0));
}

/* With interrupts off, nothing could wake it. */
/* As a VMM with a loop of its own has it made. */
static int64_t by_ioctl(struct vm_vcpu *vcpu, unsigned int nr, uint64_t a, uint64_t b)
{
	struct xenemu_vcpu_hypercall arg = {
		.size = sizeof(arg), .longmode = !vcpu->vm->bit32, .input = nr,
		.params = { a, b },
	};
	int ret = xioctl(vcpu->fd, XENEMU_VCPU_HYPERCALL, &arg);

	return ret ?: (int64_t)arg.out_result;
}

TEST_F(hypercall, poll_by_ioctl_checks_and_ends_at_once)
{
	uint32_t *ports = vm_ptr(&self->vm, GUEST_PAGES);
	uint8_t *p = self->data;
	uint32_t *nr = (uint32_t *)(p + put_long(&self->vm, p, GUEST_PAGES));

	*nr = 2;
	ports[0] = 1;
	ports[1] = 2;
	EXPECT_EQ(0, by_ioctl(self->vcpu, __HYPERVISOR_sched_op, SCHEDOP_poll, GUEST_DATA));
	ports[1] = 4096;
	EXPECT_EQ(-EINVAL, by_ioctl(self->vcpu, __HYPERVISOR_sched_op, SCHEDOP_poll,
				    GUEST_DATA));
	*nr = 129;
	EXPECT_EQ(-EINVAL, by_ioctl(self->vcpu, __HYPERVISOR_sched_op, SCHEDOP_poll,
				    GUEST_DATA));
	*nr = 1;
	put_long(&self->vm, p, NOWHERE);
	EXPECT_EQ(-EFAULT, by_ioctl(self->vcpu, __HYPERVISOR_sched_op, SCHEDOP_poll,
				    GUEST_DATA));
	EXPECT_EQ(-EFAULT, by_ioctl(self->vcpu, __HYPERVISOR_sched_op, SCHEDOP_poll, NOWHERE));
}

TEST_F(hypercall, block_without_interrupts)
{
	EXPECT_EQ(0, HCALL2(self->vcpu, __HYPERVISOR_sched_op, SCHEDOP_block, 0));
}

/* ---- the rest ---- */

TEST_F(hypercall, console)
{
	struct vm_vcpu *vcpu = self->vcpu;
	unsigned int i, done = 0;
	uint8_t *text = vm_ptr(&self->vm, GUEST_PAGES);

	for (i = 0; i < 5000; i++)
		text[i] = i;
	ASSERT_EQ(1, start(vcpu, __HYPERVISOR_console_io, CONSOLEIO_write, 5000, GUEST_PAGES));
	do {
		ASSERT_EQ(XENEMU_EXIT_CONSOLE, vcpu->run->exit_reason);
		ASSERT_GE(2048, vcpu->run->console.len);
		ASSERT_EQ(0, memcmp(text + done, vcpu->run->bytes, vcpu->run->console.len));
		done += vcpu->run->console.len;
	} while (vcpu_run(vcpu) == 1);
	EXPECT_EQ(5000, done);
	EXPECT_EQ(0, vcpu_result(vcpu));
	EXPECT_EQ(0, HCALL3(vcpu, __HYPERVISOR_console_io, CONSOLEIO_write, 0, GUEST_PAGES));
	EXPECT_EQ(0, HCALL3(vcpu, __HYPERVISOR_console_io, CONSOLEIO_read, 100, GUEST_PAGES));
	EXPECT_EQ(-EFAULT, HCALL3(vcpu, __HYPERVISOR_console_io, CONSOLEIO_write, 10, NOWHERE));
	EXPECT_EQ(-EFAULT, HCALL3(vcpu, __HYPERVISOR_console_io, CONSOLEIO_write, 10,
				  self->vm.bit32 ? 0xfffffffe : ~1ULL));
	EXPECT_EQ(-ENOSYS, HCALL3(vcpu, __HYPERVISOR_console_io, 2, 10, GUEST_PAGES));
}

TEST_F(hypercall, vm_assist)
{
	struct vm_vcpu *vcpu = self->vcpu;

	EXPECT_EQ(0, HCALL2(vcpu, __HYPERVISOR_vm_assist, VMASST_CMD_enable, 5));
	EXPECT_EQ(0, HCALL2(vcpu, __HYPERVISOR_vm_assist, VMASST_CMD_disable, 5));
	EXPECT_EQ(-EINVAL, HCALL2(vcpu, __HYPERVISOR_vm_assist, VMASST_CMD_enable, 4));
	EXPECT_EQ(-EINVAL, HCALL2(vcpu, __HYPERVISOR_vm_assist, VMASST_CMD_enable, 64));
	EXPECT_EQ(-ENOSYS, HCALL2(vcpu, __HYPERVISOR_vm_assist, 9, 5));
}

TEST_HARNESS_MAIN
