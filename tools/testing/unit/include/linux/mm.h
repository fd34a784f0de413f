/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_MM_H
#define XENEMU_UNIT_MM_H

#include <linux/slab.h>

#endif
