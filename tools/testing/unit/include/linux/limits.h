/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_LIMITS_H
#define XENEMU_UNIT_LIMITS_H

#include_next <linux/limits.h>

#define U8_MAX 0xff
#define U16_MAX 0xffff
#define U32_MAX 0xffffffffU
#define U64_MAX 0xffffffffffffffffULL

#endif
