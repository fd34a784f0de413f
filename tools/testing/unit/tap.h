/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_TAP_H
#define XENEMU_UNIT_TAP_H

#include <stdbool.h>

/*
 * Tests register themselves. A failed CHECK is reported with its place and ends the
 * test, which runs in a process of its own.
 */

struct tap_test {
	const char *name;
	void (*fn)(void);
	struct tap_test *next;
};

void tap_register(struct tap_test *test);
_Noreturn void tap_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Number of operations that tests with random ones do. */
extern unsigned long tap_operations;

/* What these are derived from. */
extern unsigned long tap_seed;

#define TEST(test_name)							\
	static void test_name(void);					\
	static struct tap_test tap_##test_name = { #test_name, test_name, 0 }; \
	static void __attribute__((constructor)) tap_register_##test_name(void) \
	{								\
		tap_register(&tap_##test_name);				\
	}								\
	static void test_name(void)

#define CHECK(cond)							\
	do {								\
		if (!(cond))						\
			tap_fail(__FILE__, __LINE__, "%s", #cond);	\
	} while (0)

#define CHECK_EQ(got, want)						\
	do {								\
		long long tap_got = (got), tap_want = (want);		\
		if (tap_got != tap_want)				\
			tap_fail(__FILE__, __LINE__, "%s is %lld, not %lld", \
				 #got, tap_got, tap_want);		\
	} while (0)

#define CHECK_STR(got, want)						\
	do {								\
		const char *tap_got = (got), *tap_want = (want);	\
		if (strcmp(tap_got, tap_want))				\
			tap_fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", \
				 #got, tap_got, tap_want);		\
	} while (0)

#endif
