/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_ERRNO_H
#define XENEMU_UNIT_ERRNO_H

#include_next <linux/errno.h>

#endif
