/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_RANDOM_H
#define XENEMU_UNIT_RANDOM_H

#include <linux/types.h>

/* The same numbers in each run. */
void get_random_bytes(void *buf, size_t len);

#endif
