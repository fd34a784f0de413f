// SPDX-License-Identifier: GPL-2.0-only
/*
 * HYPERVISOR_vcpu_op and the timers, from a guest of 64 and of 32 bits.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/hvm/hvm_op.h>

#include "../kselftest_harness.h"
#include "hcall.h"

static int64_t register_info(struct vm_vcpu *vcpu, unsigned int id, uint64_t gfn,
			     unsigned int offset)
{
	struct vcpu_register_vcpu_info info = { .mfn = gfn, .offset = offset };

	memcpy(vm_ptr(vcpu->vm, GUEST_DATA), &info, sizeof(info));
	return HCALL3(vcpu, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, id, GUEST_DATA);
}

TEST_F(hypercall, register_vcpu_info)
{
	struct vm_vcpu *vcpu = self->vcpu;
	bool bit32 = self->vm.bit32;
	uint8_t *info = vm_ptr(&self->vm, 0x300 * PAGE);

	vm_enable_events(&self->vm, SHARED_INFO_GFN);
	EXPECT_EQ(-ENOENT, register_info(vcpu, 2, 0x300, 0));
	EXPECT_EQ(-ENOENT, register_info(vcpu, 0x80000000, 0x300, 0));
	EXPECT_EQ(-EINVAL, register_info(vcpu, 0, 0x300, 4096));
	EXPECT_EQ(-ENXIO, register_info(vcpu, 0, 0x300, 4096 - 60));
	EXPECT_EQ(-ENXIO, register_info(vcpu, 0, 0x300, 2));
	EXPECT_EQ(-ENXIO, register_info(vcpu, 0, 0x300, 52));
	EXPECT_EQ(-EINVAL, register_info(vcpu, 0, 0xf0000, 0));
	EXPECT_EQ(-EINVAL, register_info(vcpu, 0, ~0ULL, 0));
	EXPECT_EQ(bit32 ? 0 : -ENXIO, register_info(vcpu, 0, 0x300, 4));
	if (!bit32)
		EXPECT_EQ(0, register_info(vcpu, 0, 0x300, 64));
	EXPECT_EQ(-EBUSY, register_info(vcpu, 0, 0x300, 128));
	EXPECT_EQ(-EBUSY, register_info(vcpu, 0, 0x300, 3000));
	info += bit32 ? 4 : 64;
	EXPECT_EQ(1, info[0]);
	EXPECT_EQ(0xff, info[bit32 ? 4 : 8]);
	/* Another vCPU's, which does not run. */
	EXPECT_EQ(0, register_info(vcpu, 1, 0x300, 256));
}

TEST_F(hypercall, register_areas)
{
	struct vm_vcpu *vcpu = self->vcpu;
	struct vm *vm = &self->vm;
	uint64_t *area = (uint64_t *)self->data;
	uint32_t *time = vm_ptr(vm, 0x300 * PAGE);
	uint8_t *runstate = vm_ptr(vm, 0x301 * PAGE);
	const unsigned int len = vm->bit32 ? 44 : 48;
	unsigned int i, sum = 0;

	/* Only 32 bits of it are a 32-bit guest's. */
	*area = 0x300 * PAGE | (vm->bit32 ? 0xabcdULL << 32 : 0);
	EXPECT_EQ(0, HCALL3(vcpu, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_time_memory_area, 0,
			    GUEST_DATA));
	*area = 0x301 * PAGE - 20;
	EXPECT_EQ(0, HCALL3(vcpu, __HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0,
			    GUEST_DATA));
	HCALL2(vcpu, __HYPERVISOR_xen_version, 0, 0);
	EXPECT_NE(0, time[0]);
	EXPECT_EQ(0, time[0] & 1);
	for (i = 0; i < len; i++)
		sum += (runstate - 20)[i];
	EXPECT_NE(0, sum);

	*area = 0x300 * PAGE + 4096 - 31;
	EXPECT_EQ(-EFAULT, HCALL3(vcpu, __HYPERVISOR_vcpu_op,
				  VCPUOP_register_vcpu_time_memory_area, 0, GUEST_DATA));
	EXPECT_EQ(-ENOENT, HCALL3(vcpu, __HYPERVISOR_vcpu_op,
				  VCPUOP_register_vcpu_time_memory_area, 7, GUEST_DATA));
	EXPECT_EQ(-EFAULT, HCALL3(vcpu, __HYPERVISOR_vcpu_op,
				  VCPUOP_register_vcpu_time_memory_area, 0, NOWHERE));
	*area = 0;
	EXPECT_EQ(0, HCALL3(vcpu, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_time_memory_area, 0,
			    GUEST_DATA));
	EXPECT_EQ(0, HCALL3(vcpu, __HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0,
			    GUEST_DATA));
	HCALL2(vcpu, __HYPERVISOR_xen_version, 0, 0);
	memset(time, 0, 32);
	HCALL2(vcpu, __HYPERVISOR_xen_version, 0, 0);
	EXPECT_EQ(0, time[0]);
}

static int64_t bind_timer(struct vm_vcpu *vcpu, uint32_t *port)
{
	struct evtchn_bind_virq bind = { .virq = VIRQ_TIMER, .vcpu = 0 };
	int64_t ret;

	ret = hypercall_arg(vcpu, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, &bind,
			    sizeof(bind));
	*port = bind.port;
	return ret;
}

static int64_t now(struct vm_vcpu *vcpu)
{
	uint64_t t = 0;

	hypercall_arg(vcpu, __HYPERVISOR_hvm_op, HVMOP_get_time, &t, 8);
	return t;
}

static int64_t singleshot(struct vm_vcpu *vcpu, unsigned int id, uint64_t ns, unsigned int flags)
{
	struct vcpu_set_singleshot_timer set = { .timeout_abs_ns = ns, .flags = flags };

	memcpy(vm_ptr(vcpu->vm, GUEST_DATA), &set, sizeof(set));
	return HCALL3(vcpu, __HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, id, GUEST_DATA);
}

TEST_F(hypercall, timer_before_its_port)
{
	struct vm_vcpu *vcpu = self->vcpu;
	uint32_t port;

	vm_enable_events(&self->vm, SHARED_INFO_GFN);
	EXPECT_EQ(-EINVAL, singleshot(vcpu, 1, 1, 0));
	EXPECT_EQ(-ENOENT, singleshot(vcpu, 2, 1, 0));
	EXPECT_EQ(-ETIME, singleshot(vcpu, 0, 1, VCPU_SSHOTTMR_future));
	EXPECT_EQ(0, singleshot(vcpu, 0, now(vcpu) + 20000000, VCPU_SSHOTTMR_future));
	EXPECT_EQ(0, vcpu_upcalls(vcpu));
	ASSERT_EQ(0, bind_timer(vcpu, &port));
	vcpu_command(vcpu, GUEST_OP_HALT, 0, NULL);
	ASSERT_EQ(0, vcpu_run(vcpu));
	EXPECT_EQ(1, vcpu_upcalls(vcpu));
}

TEST_F(hypercall, timer_of_a_guest_without_shared_info)
{
	struct vm_vcpu *vcpu = self->vcpu;
	unsigned int i;
	uint32_t port;

	ASSERT_EQ(0, bind_timer(vcpu, &port));
	EXPECT_EQ(0, singleshot(vcpu, 0, 1, 0));
	/* It expires at once, with nowhere to tell of it. */
	for (i = 0; i < 10; i++)
		EXPECT_LT(0, HCALL2(vcpu, __HYPERVISOR_xen_version, 0, 0));
	EXPECT_EQ(0, vcpu_upcalls(vcpu));
}

TEST_F(hypercall, timer_stopped_before_its_port)
{
	struct vm_vcpu *vcpu = self->vcpu;
	uint64_t spin[6] = {};
	uint32_t port;

	vm_enable_events(&self->vm, SHARED_INFO_GFN);
	EXPECT_EQ(0, HCALL2(vcpu, __HYPERVISOR_set_timer_op, 5, 0));
	EXPECT_EQ(0, HCALL2(vcpu, __HYPERVISOR_set_timer_op, 0, 0));
	EXPECT_EQ(0, singleshot(vcpu, 0, 5, 0));
	EXPECT_EQ(0, HCALL2(vcpu, __HYPERVISOR_vcpu_op, VCPUOP_stop_singleshot_timer, 0));
	ASSERT_EQ(0, bind_timer(vcpu, &port));
	usleep(20000);
	HCALL2(vcpu, __HYPERVISOR_xen_version, 0, 0);
	EXPECT_EQ(0, vcpu_upcalls(vcpu));
	/* In a multicall the timer is ours also when KVM has its port. */
	put_element(&self->vm, self->data, __HYPERVISOR_set_timer_op, 5, 0, 0);
	EXPECT_EQ(0, HCALL2(vcpu, __HYPERVISOR_multicall, GUEST_DATA, 1));
	vcpu_command(vcpu, GUEST_OP_SPIN, 0, spin);
	ASSERT_EQ(0, vcpu_run(vcpu));
	EXPECT_EQ(1, vcpu_upcalls(vcpu));
}

TEST_F(hypercall, periodic_timer)
{
	struct vcpu_set_periodic_timer set = { .period_ns = 999999 };
	struct vm_vcpu *vcpu = self->vcpu;
	uint32_t port;
	unsigned int i;

	vm_enable_events(&self->vm, SHARED_INFO_GFN);
	memcpy(self->data, &set, 8);
	EXPECT_EQ(-EINVAL, HCALL3(vcpu, __HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 0,
				  GUEST_DATA));
	memset(self->data, 0, 8);
	EXPECT_EQ(-EINVAL, HCALL3(vcpu, __HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 0,
				  GUEST_DATA));
	memset(self->data, 0xff, 8);
	EXPECT_EQ(-EINVAL, HCALL3(vcpu, __HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 0,
				  GUEST_DATA));
	ASSERT_EQ(0, bind_timer(vcpu, &port));
	set.period_ns = 5000000;
	memcpy(self->data, &set, 8);
	EXPECT_EQ(0, HCALL3(vcpu, __HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 0, GUEST_DATA));
	for (i = 1; i <= 5; i++) {
		vcpu_command(vcpu, GUEST_OP_HALT, 0, NULL);
		ASSERT_EQ(0, vcpu_run(vcpu));
		/* The agent's handler clears upcall_pending only. */
		memset(vm_ptr(&self->vm, SHARED_INFO_GFN * PAGE + 2048), 0, 512);
		memset(vm_ptr(&self->vm, SHARED_INFO_GFN * PAGE + 4), 0, 12);
	}
	EXPECT_LE(5, vcpu_upcalls(vcpu));
	EXPECT_EQ(0, HCALL2(vcpu, __HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0));
	/* Left running for another vCPU, which goes away. */
	set.period_ns = 1000000;
	memcpy(self->data, &set, 8);
	EXPECT_EQ(0, HCALL3(vcpu, __HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 1, GUEST_DATA));
	usleep(5000);
}

TEST_F(hypercall, block_until_the_timer)
{
	struct vm_vcpu *vcpu = self->vcpu;
	struct kvm_regs regs;
	int64_t before;
	uint32_t port;

	vm_enable_events(&self->vm, SHARED_INFO_GFN);
	ASSERT_EQ(0, bind_timer(vcpu, &port));
	before = now(vcpu);
	EXPECT_EQ(0, singleshot(vcpu, 0, before + 50000000, 0));
	ASSERT_EQ(0, xioctl(vcpu->kvm_fd, KVM_GET_REGS, &regs));
	regs.rflags |= 0x200;
	ASSERT_EQ(0, xioctl(vcpu->kvm_fd, KVM_SET_REGS, &regs));
	EXPECT_EQ(0, HCALL2(vcpu, __HYPERVISOR_sched_op, SCHEDOP_block, 0));
	EXPECT_EQ(1, vcpu_upcalls(vcpu));
	EXPECT_LE(before + 50000000, now(vcpu));
}

TEST_HARNESS_MAIN
