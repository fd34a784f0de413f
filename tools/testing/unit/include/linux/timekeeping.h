/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_TIMEKEEPING_H
#define XENEMU_UNIT_TIMEKEEPING_H

#include <linux/time64.h>

#include "shim.h"

static inline unsigned long long ktime_get_ns(void)
{
	return shim_now;
}

#endif
