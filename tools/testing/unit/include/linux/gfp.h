/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_GFP_H
#define XENEMU_UNIT_GFP_H

#define __GFP_ZERO 1u
#define __GFP_NOFAIL 2u
#define __GFP_ATOMIC 4u
#define __GFP_NOWARN 8u
#define GFP_KERNEL 0u
#define GFP_KERNEL_ACCOUNT 0u
#define GFP_ATOMIC __GFP_ATOMIC
#define GFP_NOWAIT __GFP_ATOMIC

#endif
