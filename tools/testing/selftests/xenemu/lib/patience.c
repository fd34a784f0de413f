// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time for tests on slow kernels. The harness ends a test with alarm() after the
 * seconds that the test's source names, which are meant for an ordinary kernel.
 * With KASAN and lockdep in an emulated machine everything takes several times as
 * long: this alarm(), which the linker prefers to the C library's, goes off
 * XENEMU_PATIENCE times later.
 */
#include "patience.h"

#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

unsigned int patience(void)
{
	const char *factor = getenv("XENEMU_PATIENCE");

	return factor ? strtoul(factor, NULL, 10) : 1;
}

unsigned int alarm(unsigned int seconds)
{
	struct itimerval new = { 0 }, old;

	new.it_value.tv_sec = seconds * patience();
	setitimer(ITIMER_REAL, &new, &old);
	return old.it_value.tv_sec;
}
