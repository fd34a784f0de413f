/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_KTIME_H
#define XENEMU_UNIT_KTIME_H

#include <linux/timekeeping.h>

#endif
