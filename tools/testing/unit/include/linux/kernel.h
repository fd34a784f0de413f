/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_KERNEL_H
#define XENEMU_UNIT_KERNEL_H

#include <limits.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/types.h>
#include <stdarg.h>

#include "shim.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define round_up(n, d) (DIV_ROUND_UP(n, d) * (d))

#define WARN_ON(cond) ({				\
	bool __cond = (cond);				\
	if (__cond)					\
		shim_bug(__FILE__, __LINE__, #cond);	\
	__cond;						\
})
#define WARN_ON_ONCE(cond) WARN_ON(cond)

int kstrtou64(const char *s, unsigned int base, u64 *res);
int kstrtou32(const char *s, unsigned int base, u32 *res);
int kstrtou16(const char *s, unsigned int base, u16 *res);
int kstrtoint(const char *s, unsigned int base, int *res);
__printf(3, 4) int scnprintf(char *buf, size_t size, const char *fmt, ...);
int vscnprintf(char *buf, size_t size, const char *fmt, va_list args);

#endif
