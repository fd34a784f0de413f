/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_STORE_WIRE_H
#define XENEMU_STORE_WIRE_H

#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/types.h>
#include <xen/interface/io/xs_wire.h>

/*
 * What the kernel's xs_wire.h does not know yet. Own names, so that a newer
 * header does no harm. Numbers and limits are those of Xen's protocol.
 */
enum {
	XENEMU_XS_GET_FEATURE	= 23,
	XENEMU_XS_SET_FEATURE	= 24,
	XENEMU_XS_GET_QUOTA	= 25,
	XENEMU_XS_SET_QUOTA	= 26,
	XENEMU_XS_NR_OPS
};

/* Bits of server_features in the ring page, and of GET/SET_FEATURE. */
#define XENEMU_XS_FEATURE_RECONNECTION	BIT(0)
#define XENEMU_XS_FEATURE_ERROR		BIT(1)
#define XENEMU_XS_FEATURE_WATCHDEPTH	BIT(2)
#define XENEMU_XS_FEATURE_DOMID_ANY	BIT(3)
#define XENEMU_XS_FEATURES_ALL		0xfU

/* First domid that is no domain's, and those with a meaning here. */
#define XENEMU_DOMID_FIRST_RESERVED	0x7ff0
#define XENEMU_DOMID_SELF		0x7ff0
#define XENEMU_DOMID_ANY		0x7ff5

#endif /* XENEMU_STORE_WIRE_H */
