/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_SIPHASH_H
#define XENEMU_UNIT_SIPHASH_H

#include <linux/types.h>

typedef struct {
	u64 key[2];
} hsiphash_key_t;

u32 hsiphash(const void *data, size_t len, const hsiphash_key_t *key);

#endif
