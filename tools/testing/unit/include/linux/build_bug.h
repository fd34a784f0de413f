/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_BUILD_BUG_H
#define XENEMU_UNIT_BUILD_BUG_H

#include <assert.h>

#define BUILD_BUG_ON(cond) static_assert(!(cond), #cond)

#endif
