/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_MATH_H
#define XENEMU_UNIT_MATH_H

#include <linux/kernel.h>

#endif
