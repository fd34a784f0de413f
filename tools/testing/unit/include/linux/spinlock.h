/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_SPINLOCK_H
#define XENEMU_UNIT_SPINLOCK_H

#include <linux/lockdep.h>

typedef struct {
	struct shim_lock lock;
} spinlock_t;

#define spin_lock_init(s) shim_lock_init(&(s)->lock, true)
#define spin_lock(s) shim_lock_take(&(s)->lock)
#define spin_unlock(s) shim_lock_give(&(s)->lock)
#define spin_lock_irqsave(s, flags) do { (flags) = 0; spin_lock(s); } while (0)
#define spin_unlock_irqrestore(s, flags) do { (void)(flags); spin_unlock(s); } while (0)

#endif
