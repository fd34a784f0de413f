/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_SCHED_H
#define XENEMU_UNIT_SCHED_H

#include "shim.h"

#define cond_resched() \
	(__atomic_add_fetch(&shim_steps, 1, __ATOMIC_RELAXED), shim_might_sleep())
#define might_sleep() shim_might_sleep()

#endif
