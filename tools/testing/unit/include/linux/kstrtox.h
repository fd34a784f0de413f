/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_KSTRTOX_H
#define XENEMU_UNIT_KSTRTOX_H

#include <linux/kernel.h>

#endif
