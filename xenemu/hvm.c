// SPDX-License-Identifier: GPL-2.0-only
/*
 * HYPERVISOR_hvm_op: the parameters of a guest, and how it hears of events.
 *
 * Parameters are what toolstack and guest tell each other: Xen's table of who
 * may read and write which is kept. Those that ask Xen to emulate something,
 * as the VMM does here, can be set by nobody.
 */
#include "hvm.h"

#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/nospec.h>
#include <xen/interface/hvm/hvm_op.h>
#include <xen/interface/hvm/params.h>
#include <xen/interface/sched.h>

#include "domain.h"
#include "hypercall.h"
#include "kvm.h"
#include "vcpu.h"

/* What the kernel's copy of Xen's headers lacks. */
#define HVM_PARAM_VIRIDIAN			9
#define HVM_PARAM_ACPI_IOPORTS_LOCATION		19
#define HVM_PARAM_MEMORY_EVENT_CR0		20
#define HVM_PARAM_MEMORY_EVENT_CR3		21
#define HVM_PARAM_MEMORY_EVENT_CR4		22
#define HVM_PARAM_MEMORY_EVENT_INT3		23
#define HVM_PARAM_NESTEDHVM			24
#define HVM_PARAM_MEMORY_EVENT_SINGLE_STEP	25
#define HVM_PARAM_BUFIOREQ_EVTCHN		26
#define HVM_PARAM_MEMORY_EVENT_MSR		30
#define HVM_PARAM_TRIPLE_FAULT_REASON		31
#define HVM_PARAM_VM_GENERATION_ID_ADDR		34
#define HVM_PARAM_ALTP2M			35
#define HVM_PARAM_X87_FIP_WIDTH			36
#define HVM_PARAM_VM86_TSS_SIZED		37
#define HVMOP_get_time				10

/* CALLBACK_IRQ has its type on top. */
#define CALLBACK_TYPE				GENMASK_ULL(63, 56)
/* The local APIC has no vectors below. */
#define VECTOR_MIN				0x10

/* VM86_TSS_SIZED: the size is on top. What Xen takes for VM86_TSS, and requires. */
#define TSS_SIZE_OLD				128
#define TSS_SIZE_MIN				104
/* With maps of all interrupts and ports, and the byte that ends them. */
#define TSS_SIZE_MAX				(104 + 0x100 / 8 + 0x10000 / 8 + 1)

static bool is_deprecated(u32 index)
{
	switch (index) {
	case HVM_PARAM_PAE_ENABLED:
	case HVM_PARAM_DM_DOMAIN:
	case HVM_PARAM_MEMORY_EVENT_CR0:
	case HVM_PARAM_MEMORY_EVENT_CR3:
	case HVM_PARAM_MEMORY_EVENT_CR4:
	case HVM_PARAM_MEMORY_EVENT_INT3:
	case HVM_PARAM_NESTEDHVM:
	case HVM_PARAM_MEMORY_EVENT_SINGLE_STEP:
	case HVM_PARAM_BUFIOREQ_EVTCHN:
	case HVM_PARAM_MEMORY_EVENT_MSR:
		return true;
	default:
		return false;
	}
}

static bool guest_may_set(u32 index)
{
	switch (index) {
	case HVM_PARAM_CALLBACK_IRQ:
	case HVM_PARAM_STORE_EVTCHN:
	case HVM_PARAM_VM86_TSS:
	case HVM_PARAM_CONSOLE_EVTCHN:
	case HVM_PARAM_ACPI_IOPORTS_LOCATION:
	case HVM_PARAM_VM_GENERATION_ID_ADDR:
	case HVM_PARAM_X87_FIP_WIDTH:
	case HVM_PARAM_VM86_TSS_SIZED:
		return true;
	default:
		return false;
	}
}

static bool guest_may_get(u32 index)
{
	switch (index) {
	case HVM_PARAM_STORE_PFN:
	case HVM_PARAM_CONSOLE_PFN:
	case HVM_PARAM_ALTP2M:
		return true;
	default:
		return guest_may_set(index);
	}
}

/* Old guests say where their TSS is, new ones also how large. They share a place. */
static u32 place_of(u32 index)
{
	if (index == HVM_PARAM_VM86_TSS)
		return HVM_PARAM_VM86_TSS_SIZED;
	return array_index_nospec(index, XENEMU_NR_PARAMS);
}

/* Turn what was given into what is kept, or refuse it. */
static int check_value(u32 index, u64 *value)
{
	switch (index) {
	case HVM_PARAM_VM86_TSS:
		if (*value > U32_MAX)
			return -EINVAL;
		if (*value)
			*value |= (u64)TSS_SIZE_OLD << 32;
		return 0;
	case HVM_PARAM_VM86_TSS_SIZED:
		if (*value >> 32 < TSS_SIZE_MIN)
			return -EINVAL;
		if (*value >> 32 > TSS_SIZE_MAX)
			*value = (u64)TSS_SIZE_MAX << 32 | (u32)*value;
		return 0;
	case HVM_PARAM_X87_FIP_WIDTH:
		return !*value || *value == 4 || *value == 8 ? 0 : -EINVAL;
	case HVM_PARAM_TIMER_MODE:
		return *value > HVMPTM_one_missed_tick_pending ? -EINVAL : 0;
	case HVM_PARAM_TRIPLE_FAULT_REASON:
		return *value > SHUTDOWN_MAX ? -EINVAL : 0;
	case HVM_PARAM_ACPI_IOPORTS_LOCATION:
		/* Xen's answer without a power management timer of Xen's. */
		return -ENODEV;
	default:
		return 0;
	}
}

/* Those of the toolstack that only say something to somebody. */
static bool toolstack_may_set(u32 index)
{
	switch (index) {
	case HVM_PARAM_STORE_PFN:
	case HVM_PARAM_TIMER_MODE:
	case HVM_PARAM_HPET_ENABLED:
	case HVM_PARAM_IDENT_PT:
	case HVM_PARAM_VPT_ALIGN:
	case HVM_PARAM_CONSOLE_PFN:
	case HVM_PARAM_TRIPLE_FAULT_REASON:
		return true;
	case HVM_PARAM_CALLBACK_IRQ:
	case HVM_PARAM_ACPI_IOPORTS_LOCATION:
		return false;
	default:
		return guest_may_set(index);
	}
}

static void store(struct xenemu_domain *domain, u32 index, u64 value)
{
	mutex_lock(&domain->lock);
	domain->params[place_of(index)] = value;
	mutex_unlock(&domain->lock);
}

static u64 load(struct xenemu_domain *domain, u32 index)
{
	u64 value;

	mutex_lock(&domain->lock);
	value = domain->params[place_of(index)];
	mutex_unlock(&domain->lock);
	return index == HVM_PARAM_VM86_TSS ? (u32)value : value;
}

/**
 * xenemu_hvm_set_param - XENEMU_DOMAIN_SET_PARAM
 * @domain: the domain
 * @index: HVM_PARAM_*; any value
 * @value: its value
 *
 * Context: process context, takes domain->lock.
 * Return: 0, -EINVAL, or -EOPNOTSUPP.
 */
int xenemu_hvm_set_param(struct xenemu_domain *domain, u32 index, u64 value)
{
	int ret;

	if (index >= XENEMU_NR_PARAMS || is_deprecated(index))
		return -EINVAL;
	if (!toolstack_may_set(index))
		return -EOPNOTSUPP;
	ret = check_value(index, &value);
	if (ret)
		return ret;
	store(domain, index, value);
	return 0;
}

/**
 * xenemu_hvm_get_param - XENEMU_DOMAIN_GET_PARAM
 * @domain: the domain
 * @index: HVM_PARAM_*; any value
 * @value: gets its value
 *
 * Context: process context, takes domain->lock.
 * Return: 0 or -EINVAL.
 */
int xenemu_hvm_get_param(struct xenemu_domain *domain, u32 index, u64 *value)
{
	if (index >= XENEMU_NR_PARAMS || is_deprecated(index))
		return -EINVAL;
	*value = load(domain, index);
	return 0;
}

/**
 * xenemu_hvm_reset - forget what the guest set
 * @domain: the domain, whose vCPUs are stopped
 *
 * Context: process context of the VMM, takes domain->lock.
 */
void xenemu_hvm_reset(struct xenemu_domain *domain)
{
	struct kvm_xen_hvm_attr vector = { .type = KVM_XEN_ATTR_TYPE_UPCALL_VECTOR };
	struct kvm_xen_hvm_attr flag = { .type = KVM_XEN_ATTR_TYPE_RUNSTATE_UPDATE_FLAG };

	mutex_lock(&domain->lock);
	xenemu_kvm_hvm_set_attr(domain, NULL, &vector);
	xenemu_kvm_hvm_set_attr(domain, NULL, &flag);
	domain->callback_vector = 0;
	domain->params[HVM_PARAM_CALLBACK_IRQ] = 0;
	domain->vm_assist = 0;
	mutex_unlock(&domain->lock);
}

static bool has_upcall_vector(struct xenemu_domain *domain)
{
	struct xenemu_vcpu *vcpu;
	bool has;

	mutex_lock(&domain->lock);
	vcpu = xenemu_domain_vcpu(domain, 0);
	has = vcpu && vcpu->upcall_vector;
	mutex_unlock(&domain->lock);
	return has;
}

/*
 * How the guest wants to hear of events, if not by vectors of the vCPUs' own.
 * We raise vectors only: a GSI or a pin of a PCI device is wired to the VMM's
 * interrupt controllers. But a guest whose vCPUs have vectors also sets a GSI
 * here, which means nothing but that it has PV drivers: that is let pass.
 */
static int parse_callback(struct xenemu_domain *domain, u64 value, u8 *vector)
{
	*vector = 0;
	if (!value)
		return 0;

	switch (FIELD_GET(CALLBACK_TYPE, value)) {
	case HVM_PARAM_CALLBACK_TYPE_GSI:
	case HVM_PARAM_CALLBACK_TYPE_PCI_INTX:
		return has_upcall_vector(domain) ? 0 : -EOPNOTSUPP;
	case HVM_PARAM_CALLBACK_TYPE_VECTOR:
		*vector = value;
		return *vector < VECTOR_MIN ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

static int set_callback(struct xenemu_hcall *hc, u64 value)
{
	struct kvm_xen_hvm_attr attr = { .type = KVM_XEN_ATTR_TYPE_UPCALL_VECTOR };
	struct xenemu_domain *domain = hc->vcpu->domain;
	int ret;

	ret = parse_callback(domain, value, &attr.u.vector);
	if (ret)
		return ret;
	/* One of the two places where Xen notes whether its guest has 64 bits. */
	ret = xenemu_domain_set_long_mode(hc->vcpu, hc->longmode);
	if (ret)
		return ret;

	mutex_lock(&domain->lock);
	ret = xenemu_kvm_hvm_set_attr(domain, hc->vcpu, &attr);
	if (!ret) {
		domain->callback_vector = attr.u.vector;
		domain->params[HVM_PARAM_CALLBACK_IRQ] = value;
	}
	mutex_unlock(&domain->lock);

	/* Events may have waited for this. KVM looks when it enters a vCPU. */
	if (!ret)
		xenemu_vcpu_kick_all(domain);
	return ret;
}

/* What both operations check, in Xen's order. */
static int read_param(struct xenemu_hcall *hc, u64 gva, struct xen_hvm_param *param)
{
	int ret;

	if (xenemu_hcall_read(hc, gva, param, sizeof(*param)))
		return -EFAULT;
	if (param->index >= XENEMU_NR_PARAMS)
		return -EINVAL;
	ret = xenemu_hcall_check_domid(hc, param->domid);
	if (ret)
		return ret;
	return is_deprecated(param->index) ? -EINVAL : 0;
}

static s64 set_param(struct xenemu_hcall *hc, u64 gva)
{
	struct xen_hvm_param param;
	int ret;

	ret = read_param(hc, gva, &param);
	if (ret)
		return ret;
	if (param.index == HVM_PARAM_ALTP2M)
		return -EEXIST;
	if (!guest_may_set(param.index))
		return -EPERM;
	if (param.index == HVM_PARAM_CALLBACK_IRQ)
		return set_callback(hc, param.value);
	ret = check_value(param.index, &param.value);
	if (ret)
		return ret;
	store(hc->vcpu->domain, param.index, param.value);
	return 0;
}

static s64 get_param(struct xenemu_hcall *hc, u64 gva)
{
	struct xen_hvm_param param;
	int ret;

	ret = read_param(hc, gva, &param);
	if (ret)
		return ret;
	if (!guest_may_get(param.index))
		return -EPERM;
	param.value = load(hc->vcpu->domain, param.index);
	return xenemu_hcall_write(hc, gva, &param, sizeof(param));
}

/* The VMM has wired @vector to an eventfd of vCPU @id, or has not. */
static s64 upcall_vector_answered(struct xenemu_hcall *hc, u32 id, u8 vector)
{
	struct xenemu_domain *domain = hc->vcpu->domain;
	struct xenemu_vcpu *vcpu;

	hc->answered = false;
	if (hc->answer < 0)
		return hc->answer;

	mutex_lock(&domain->lock);
	vcpu = xenemu_domain_vcpu(domain, id);
	if (vcpu) {
		vcpu->upcall_vector = vector;
		xenemu_vcpu_resync(vcpu, XENEMU_SYNC_UPCALL);
	}
	mutex_unlock(&domain->lock);
	return vcpu ? 0 : -ENOENT;
}

static s64 set_upcall_vector(struct xenemu_hcall *hc, u64 gva)
{
	struct xenemu_domain *domain = hc->vcpu->domain;
	struct xen_hvm_evtchn_upcall_vector op;
	struct xenemu_vcpu_run *run;
	bool exists;

	/* What the VMM was asked for, not what the guest may say now. */
	if (hc->answered)
		return upcall_vector_answered(hc, hc->done >> 8, hc->done);

	if (xenemu_hcall_read(hc, gva, &op, sizeof(op)))
		return -EFAULT;
	if (op.vector < VECTOR_MIN)
		return -EINVAL;
	rcu_read_lock();
	exists = xenemu_domain_vcpu(domain, op.vcpu);
	rcu_read_unlock();
	if (!exists)
		return -ENOENT;

	hc->done = (u64)op.vcpu << 8 | op.vector;
	run = xenemu_vcpu_exit(hc->vcpu, XENEMU_EXIT_UPCALL_VECTOR);
	run->upcall.vcpu_id = op.vcpu;
	run->upcall.vector = op.vector;
	return XENEMU_HCALL_EXIT;
}

static s64 get_time(struct xenemu_hcall *hc, u64 gva)
{
	u64 now;
	int ret;

	ret = xenemu_kvm_get_clock(hc->vcpu, &now);
	if (ret)
		return ret;
	return xenemu_hcall_write(hc, gva, &now, sizeof(now));
}

/**
 * xenemu_hvm_op - HYPERVISOR_hvm_op
 * @hc: the hypercall
 *
 * HVMOP_flush_tlbs is unknown, as nothing a VMM can call flushes the TLB of
 * another vCPU: a guest that asks falls back to interrupts. And so is
 * HVMOP_pagetable_dying, a hint for shadow page tables.
 *
 * Context: see xenemu_hypercall_dispatch().
 * Return: the guest's result, or XENEMU_HCALL_EXIT.
 */
s64 xenemu_hvm_op(struct xenemu_hcall *hc)
{
	u64 gva = hc->args[1];

	switch (hc->args[0]) {
	case HVMOP_set_param:
		return set_param(hc, gva);
	case HVMOP_get_param:
		return get_param(hc, gva);
	case HVMOP_get_time:
		return get_time(hc, gva);
	case HVMOP_set_evtchn_upcall_vector:
		return set_upcall_vector(hc, gva);
	default:
		return xenemu_hcall_unknown(hc);
	}
}
