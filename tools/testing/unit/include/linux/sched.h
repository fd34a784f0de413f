/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_SCHED_H
#define XENEMU_UNIT_SCHED_H

#include "shim.h"

#define cond_resched() shim_might_sleep()
#define might_sleep() shim_might_sleep()

#endif
