// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 2-level ABI: a pending and a mask bit for each port in shared_info, and a
 * word in each vcpu_info with one bit for so many ports as a word has bits.
 *
 * The layout is the 64-bit or the 32-bit one, as latched. Bits are numbered from
 * the start of an array or of the selector, which on x86 is the same whatever the
 * width of the guest's words: so one code works on both, with instructions of 8
 * bytes on what is aligned to 8.
 */
#include "evtchn_port.h"

#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <xen/interface/event_channel.h>
#include <xen/interface/xen.h>

#include "access.h"
#include "compat_xen.h"
#include "domain.h"
#include "trace.h"
#include "vcpu.h"

/**
 * struct layout - where the bits are
 * @nr_ports: number of ports
 * @word_bits: bits of a word of the guest
 * @pending: offset of evtchn_pending in shared_info
 * @mask: offset of evtchn_mask in shared_info
 * @selector: offset of evtchn_pending_sel in vcpu_info
 */
struct layout {
	u32 nr_ports;
	u32 word_bits;
	size_t pending;
	size_t mask;
	size_t selector;
};

static const struct layout layout_64 = {
	.nr_ports = EVTCHN_2L_NR_CHANNELS,
	.word_bits = 64,
	.pending = offsetof(struct shared_info, evtchn_pending),
	.mask = offsetof(struct shared_info, evtchn_mask),
	.selector = offsetof(struct vcpu_info, evtchn_pending_sel),
};

static const struct layout layout_32 = {
	.nr_ports = COMPAT_EVTCHN_2L_NR_CHANNELS,
	.word_bits = 32,
	.pending = offsetof(struct compat_shared_info, evtchn_pending),
	.mask = offsetof(struct compat_shared_info, evtchn_mask),
	.selector = offsetof(struct compat_vcpu_info, evtchn_pending_sel),
};

static_assert(EVTCHN_2L_NR_CHANNELS == 4096);
static_assert(offsetof(struct shared_info, evtchn_pending) == 0x800);
static_assert(offsetof(struct shared_info, evtchn_mask) == 0xa00);
static_assert(offsetof(struct compat_shared_info, evtchn_pending) == 0x800);
static_assert(offsetof(struct compat_shared_info, evtchn_mask) == 0x880);
static_assert(offsetof(struct vcpu_info, evtchn_upcall_pending) == 0);
static_assert(offsetof(struct vcpu_info, evtchn_pending_sel) == 8);
static_assert(offsetof(struct compat_vcpu_info, evtchn_upcall_pending) == 0);
static_assert(offsetof(struct compat_vcpu_info, evtchn_pending_sel) == 4);

static const struct layout *layout(struct xenemu_domain *domain)
{
	lockdep_assert_held(&domain->page_lock);

	return domain->long_mode ? &layout_64 : &layout_32;
}

static unsigned long *pending_bits(struct xenemu_domain *domain, const struct layout *l)
{
	return domain->shared_info->va + l->pending;
}

static unsigned long *mask_bits(struct xenemu_domain *domain, const struct layout *l)
{
	return domain->shared_info->va + l->mask;
}

static u32 nr_ports(struct xenemu_domain *domain)
{
	return layout(domain)->nr_ports;
}

/*
 * Set a bit of the selector. A 32-bit guest may have put its vcpu_info where the
 * selector is aligned to 4 only. So this begins at the aligned word that has the
 * first bit: a locked instruction must not cross a cache line.
 */
static bool test_and_set_selector(const struct layout *l, void *info, u32 bit)
{
	void *selector = info + l->selector;
	unsigned long *word = PTR_ALIGN_DOWN(selector, sizeof(*word));

	return test_and_set_bit((selector - (void *)word) * BITS_PER_BYTE + bit, word);
}

/* evtchn_upcall_pending, which is at the start of vcpu_info. True if it was set. */
static bool test_and_set_upcall(void *info)
{
	u8 *upcall_pending = info;

	return xchg(upcall_pending, 1);
}

/*
 * The port is pending and not masked: tell the vCPU in which word. Both the bit
 * and the upcall are edges: what is set has been told. A vCPU that has no
 * vcpu_info yet learns of it when it gets one, see rescan(). Returns true if an
 * upcall was made.
 */
static bool select_port(struct xenemu_domain *domain, const struct layout *l,
			struct xenemu_port *port)
{
	struct xenemu_vcpu *vcpu = xenemu_domain_vcpu(domain, READ_ONCE(port->vcpu));
	void *info;

	if (!vcpu || !vcpu->info_page)
		return false;
	info = vcpu->info_page->va + vcpu->info_offset;
	if (test_and_set_selector(l, info, port->number / l->word_bits) ||
	    test_and_set_upcall(info))
		return false;
	xenemu_vcpu_upcall(vcpu);
	return true;
}

/*
 * A guest that went to 32 bits may have ports from before that its layout has no
 * bit for. Nothing is delivered to these.
 */
static bool set_pending(struct xenemu_domain *domain, struct xenemu_port *port)
{
	const struct layout *l = layout(domain);
	bool upcall = false;
	bool masked = false;

	if (port->number >= l->nr_ports)
		return false;
	/* A full barrier: the guest unmasks, then looks whether it is pending. */
	if (!test_and_set_bit(port->number, pending_bits(domain, l))) {
		masked = test_bit(port->number, mask_bits(domain, l));
		if (!masked)
			upcall = select_port(domain, l, port);
	}
	trace_xenemu_evtchn_deliver(domain->domid, READ_ONCE(port->vcpu), port->number, upcall);
	return masked;
}

static void clear_pending(struct xenemu_domain *domain, struct xenemu_port *port)
{
	const struct layout *l = layout(domain);

	if (port->number < l->nr_ports)
		clear_bit(port->number, pending_bits(domain, l));
}

static void unmask(struct xenemu_domain *domain, struct xenemu_port *port)
{
	const struct layout *l = layout(domain);

	if (port->number >= l->nr_ports)
		return;
	if (test_and_clear_bit(port->number, mask_bits(domain, l)) &&
	    test_bit(port->number, pending_bits(domain, l)))
		select_port(domain, l, port);
}

/*
 * Bounded by the number of bits in a selector. evtchn_upcall_pending may have
 * been copied from the old vcpu_info with its upcall made to nobody who looks at
 * the new one, so this makes another in any case.
 */
static void rescan(struct xenemu_domain *domain, struct xenemu_vcpu *vcpu)
{
	const struct layout *l = layout(domain);
	void *info;
	u32 nr, i;

	if (!vcpu->info_page)
		return;
	info = vcpu->info_page->va + vcpu->info_offset;
	nr = DIV_ROUND_UP(min(domain->evtchn.max_port + 1, l->nr_ports), l->word_bits);
	for (i = 0; i < nr; i++)
		test_and_set_selector(l, info, i);
	test_and_set_upcall(info);
	xenemu_vcpu_upcall(vcpu);
}

const struct xenemu_evtchn_abi xenemu_evtchn_2l = {
	.nr_ports	= nr_ports,
	.set_pending	= set_pending,
	.clear_pending	= clear_pending,
	.unmask		= unmask,
	.rescan		= rescan,
};
