/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_BUG_H
#define XENEMU_UNIT_BUG_H

#include <linux/kernel.h>

#endif
