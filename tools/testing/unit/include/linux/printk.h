/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_PRINTK_H
#define XENEMU_UNIT_PRINTK_H

#define pr_debug(fmt, ...) ((void)(0 && printf(fmt, ##__VA_ARGS__)))

#include <stdio.h>

#endif
