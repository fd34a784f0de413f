/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_COMPILER_H
#define XENEMU_UNIT_COMPILER_H

#include <linux/types.h>

#endif
