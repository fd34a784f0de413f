// SPDX-License-Identifier: GPL-2.0-only
/*
 * HYPERVISOR_xen_version: what the guest may know of its Xen.
 *
 * The strings are sent in structures of fixed size; what follows a string in
 * its array is zero, since each structure is static or cleared as a whole.
 */
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/types.h>
#include <xen/interface/xen.h>
/* Needs what the above defines. */
#include <xen/interface/version.h>

#include "domain.h"
#include "hypercall.h"
#include "vcpu.h"

/* Major and minor number are what the VMM says; nobody looks at what follows. */
static const struct xen_extraversion extraversion = { ".0-xenemu" };

/*
 * With what, where and when the module was built is no guest's business, and
 * would keep two builds from being the same.
 */
static const struct xen_compile_info compile_info = { .compile_by = "xenemu" };

/* The ABI's version, not Xen's: it has been 3.0 ever since. */
static const struct xen_capabilities_info capabilities = {
	"hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64"
};

/* What Xen says that was not built from a repository. */
static const struct xen_changeset_info changeset = { "unavailable" };

/* What Xen says instead of its command line to whom it is not shown. */
static const char denied[] = "<denied>";

/* HVM_PIRQS is missing: event channels carry no interrupts of the platform. */
#define FEATURES						\
	(BIT(XENFEAT_writable_page_tables) |			\
	 BIT(XENFEAT_auto_translated_physmap) |			\
	 BIT(XENFEAT_hvm_callback_vector) |			\
	 BIT(XENFEAT_hvm_safe_pvclock) |			\
	 BIT(XENFEAT_not_direct_mapped))

/* Where Xen is in the address space of a PV guest; an HVM guest has none there. */
static s64 platform_parameters(struct xenemu_hcall *hc)
{
	u64 virt_start = 0;

	return xenemu_hcall_write(hc, hc->args[1], &virt_start,
				  hc->longmode ? sizeof(u64) : sizeof(u32));
}

static s64 get_features(struct xenemu_hcall *hc)
{
	struct xen_feature_info info;
	u64 gva = hc->args[1];

	if (xenemu_hcall_read(hc, gva, &info, sizeof(info)))
		return -EFAULT;
	if (info.submap_idx)
		return -EINVAL;
	info.submap = FEATURES;
	return xenemu_hcall_write(hc, gva, &info, sizeof(info));
}

/**
 * xenemu_version_op - HYPERVISOR_xen_version
 * @hc: the hypercall
 *
 * Context: see xenemu_hypercall_dispatch().
 * Return: the guest's result.
 */
s64 xenemu_version_op(struct xenemu_hcall *hc)
{
	struct xenemu_domain *domain = hc->vcpu->domain;
	u64 gva = hc->args[1];

	switch ((u32)hc->args[0]) {
	case XENVER_version:
		return domain->xen_version;
	case XENVER_extraversion:
		return xenemu_hcall_write(hc, gva, &extraversion, sizeof(extraversion));
	case XENVER_compile_info:
		return xenemu_hcall_write(hc, gva, &compile_info, sizeof(compile_info));
	case XENVER_capabilities:
		return xenemu_hcall_write(hc, gva, &capabilities, sizeof(capabilities));
	case XENVER_changeset:
		return xenemu_hcall_write(hc, gva, &changeset, sizeof(changeset));
	case XENVER_platform_parameters:
		return platform_parameters(hc);
	case XENVER_get_features:
		return get_features(hc);
	case XENVER_pagesize:
		return gva ? -EINVAL : PAGE_SIZE;
	case XENVER_guest_handle:
		return xenemu_hcall_write(hc, gva, domain->handle, sizeof(domain->handle));
	case XENVER_commandline:
		return xenemu_hcall_write(hc, gva, denied, sizeof(denied));
	case XENVER_build_id:
		return -EPERM;
	default:
		return xenemu_hcall_unknown(hc);
	}
}
