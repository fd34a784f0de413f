/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_MUTEX_H
#define XENEMU_UNIT_MUTEX_H

#include <linux/lockdep.h>

struct mutex {
	struct shim_lock lock;
};

#define mutex_init(m) shim_lock_init(&(m)->lock, false)
#define mutex_destroy(m) shim_lock_destroy(&(m)->lock)
#define mutex_lock(m) shim_lock_take(&(m)->lock)
#define mutex_lock_killable(m) (shim_lock_take(&(m)->lock), 0)
#define mutex_lock_nested(m, subclass) mutex_lock(m)
#define mutex_unlock(m) shim_lock_give(&(m)->lock)

#endif
