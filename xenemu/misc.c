// SPDX-License-Identifier: GPL-2.0-only
/*
 * HYPERVISOR_console_io and HYPERVISOR_vm_assist.
 */
#include <linux/bits.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/types.h>
#include <xen/interface/xen.h>

#include "domain.h"
#include "hypercall.h"
#include "kvm.h"
#include "vcpu.h"

/*
 * The guest's words go to the VMM as they are: whoever shows them filters what
 * he does not want to see.
 */
static s64 console_write(struct xenemu_hcall *hc, u32 count, u64 gva)
{
	struct xenemu_vcpu_run *run = hc->vcpu->run;
	u32 len;

	hc->answered = false;
	if (hc->done >= count)
		return 0;

	len = min_t(u64, count - hc->done, sizeof(run->bytes));
	if (check_add_overflow(gva, hc->done, &gva) ||
	    xenemu_hcall_read(hc, gva, run->bytes, len))
		return -EFAULT;
	hc->done += len;
	xenemu_vcpu_exit(hc->vcpu, XENEMU_EXIT_CONSOLE);
	run->console.len = len;
	run->console.__reserved = 0;
	return XENEMU_HCALL_EXIT;
}

/**
 * xenemu_console_io - HYPERVISOR_console_io
 * @hc: the hypercall
 *
 * Xen keeps this for dom0 unless it was built for debugging. Nobody types on
 * this console; hvc is what guests use.
 *
 * Context: see xenemu_hypercall_dispatch().
 * Return: the guest's result, or XENEMU_HCALL_EXIT.
 */
s64 xenemu_console_io(struct xenemu_hcall *hc)
{
	switch ((u32)hc->args[0]) {
	case CONSOLEIO_write:
		return console_write(hc, hc->args[1], hc->args[2]);
	case CONSOLEIO_read:
		return 0;
	default:
		return xenemu_hcall_unknown(hc);
	}
}

/*
 * The one assist that an HVM guest has: the top bit of state_entry_time in its
 * runstate tells that the rest is being written. KVM does that, unless the host
 * keeps no scheduler statistics; then it keeps no runstate either, and the
 * assist is as unknown as to an older Xen.
 */
static int set_runstate_update_flag(struct xenemu_vcpu *self, bool on)
{
	struct kvm_xen_hvm_attr attr = {
		.type = KVM_XEN_ATTR_TYPE_RUNSTATE_UPDATE_FLAG,
		.u.runstate_update_flag = on,
	};
	struct xenemu_domain *domain = self->domain;
	int ret;

	mutex_lock(&domain->lock);
	ret = xenemu_kvm_hvm_set_attr(domain, self, &attr);
	if (!ret) {
		if (on)
			domain->vm_assist |= BIT(VMASST_TYPE_runstate_update_flag);
		else
			domain->vm_assist &= ~BIT(VMASST_TYPE_runstate_update_flag);
	}
	mutex_unlock(&domain->lock);
	return ret ? -EINVAL : 0;
}

/**
 * xenemu_vm_assist - HYPERVISOR_vm_assist
 * @hc: the hypercall
 *
 * Context: see xenemu_hypercall_dispatch().
 * Return: the guest's result.
 */
s64 xenemu_vm_assist(struct xenemu_hcall *hc)
{
	u32 cmd = hc->args[0], type = hc->args[1];

	if (type != VMASST_TYPE_runstate_update_flag)
		return -EINVAL;

	switch (cmd) {
	case VMASST_CMD_enable:
	case VMASST_CMD_disable:
		return set_runstate_update_flag(hc->vcpu, cmd == VMASST_CMD_enable);
	default:
		return xenemu_hcall_unknown(hc);
	}
}
