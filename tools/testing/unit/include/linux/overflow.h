/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_OVERFLOW_H
#define XENEMU_UNIT_OVERFLOW_H

#include <linux/types.h>

static inline size_t size_add(size_t a, size_t b)
{
	size_t sum;

	return __builtin_add_overflow(a, b, &sum) ? SIZE_MAX : sum;
}

static inline size_t size_mul(size_t a, size_t b)
{
	size_t product;

	return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

#define array_size(n, size) size_mul(n, size)
#define struct_size(p, member, n) \
	size_add(sizeof(*(p)), size_mul(sizeof(*(p)->member), n))
#define check_add_overflow(a, b, res) __builtin_add_overflow(a, b, res)
#define check_sub_overflow(a, b, res) __builtin_sub_overflow(a, b, res)
#define check_mul_overflow(a, b, res) __builtin_mul_overflow(a, b, res)

#endif
