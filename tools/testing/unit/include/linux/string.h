/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_STRING_H
#define XENEMU_UNIT_STRING_H

#include <linux/types.h>
#include <string.h>

#endif
