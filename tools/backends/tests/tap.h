/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Test results in the Test Anything Protocol.
 */
#ifndef XENEMU_TAP_H
#define XENEMU_TAP_H

#include <stdbool.h>
#include <stdio.h>

/**
 * struct tap_test - one test
 * @name: what it shows
 * @fn: shows it, by TAP_CHECK()
 */
struct tap_test {
	const char *name;
	void (*fn)(void);
};

/* The present test failed. */
extern bool tap_failed;

#define TAP_CHECK(cond)								\
	do {									\
		if (!(cond)) {							\
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond);	\
			tap_failed = true;					\
		}								\
	} while (0)

/* Like TAP_CHECK(), for numbers that should be told when they differ. */
#define TAP_EQUAL(have, want)							\
	do {									\
		long long have_ = (have), want_ = (want);			\
										\
		if (have_ != want_) {						\
			printf("# %s:%d: %s is %lld, not %lld\n", __FILE__,	\
			       __LINE__, #have, have_, want_);			\
			tap_failed = true;					\
		}								\
	} while (0)

/* Run them all. The exit status of the program. */
static inline int tap_run(const struct tap_test *tests, unsigned int nr)
{
	unsigned int i, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%u\n", nr);
	for (i = 0; i < nr; i++) {
		tap_failed = false;
		tests[i].fn();
		failed += tap_failed;
		printf("%s %u %s\n", tap_failed ? "not ok" : "ok", i + 1, tests[i].name);
	}
	printf("# Totals: pass:%u fail:%u xfail:0 xpass:0 skip:0 error:0\n", nr - failed, failed);
	return failed != 0;
}

#endif /* XENEMU_TAP_H */
