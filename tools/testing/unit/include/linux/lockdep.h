/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_LOCKDEP_H
#define XENEMU_UNIT_LOCKDEP_H

#include <linux/kernel.h>

#define lockdep_assert_held(l) \
	((void)(shim_lock_held(&(l)->lock) ? 0 : shim_bug(__FILE__, __LINE__, #l " not held")))

#define lockdep_is_held(l) shim_lock_held(&(l)->lock)
#define lockdep_assert(cond) ((void)((cond) ? 0 : shim_bug(__FILE__, __LINE__, #cond)))

#endif
