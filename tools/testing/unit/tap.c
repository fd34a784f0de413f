// SPDX-License-Identifier: GPL-2.0-only
/*
 * Run the tests of all files that were linked in.
 */
#include "tap.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

unsigned long tap_operations = 100000;
unsigned long tap_seed = 1;

static struct tap_test *tests;

void tap_register(struct tap_test *test)
{
	struct tap_test **pos = &tests;

	while (*pos && strcmp((*pos)->name, test->name) < 0)
		pos = &(*pos)->next;
	test->next = *pos;
	*pos = test;
}

void tap_fail(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	printf("# %s:%d: ", file, line);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	_exit(1);
}

/* In a process of its own: one that crashes, or leaks, fails like any other. */
static bool run(struct tap_test *test)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		test->fn();
		exit(0);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (status && WIFSIGNALED(status))
		printf("# signal %d\n", WTERMSIG(status));
	return !status;
}

static bool selected(const char *name, char **pattern)
{
	char text[256];
	int i;

	for (i = 0; pattern[i]; i++) {
		snprintf(text, sizeof(text), "*%s*", pattern[i]);
		if (!fnmatch(text, name, 0))
			return true;
	}
	return !i;
}

int main(int argc, char **argv)
{
	char **pattern = argv + 1;
	int nr = 0, pass = 0, fail = 0;
	struct tap_test *test;

	for (; pattern[0] && pattern[0][0] == '-' && pattern[1]; pattern += 2) {
		unsigned long value = strtoul(pattern[1], NULL, 0);

		if (!strcmp(pattern[0], "-n"))
			tap_operations = value;
		else if (!strcmp(pattern[0], "-s"))
			tap_seed = value;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (test = tests; test; test = test->next)
		nr += selected(test->name, pattern);

	printf("TAP version 13\n1..%d\n", nr);
	nr = 0;
	for (test = tests; test; test = test->next) {
		if (!selected(test->name, pattern))
			continue;
		nr++;
		if (run(test)) {
			pass++;
			printf("ok %d %s\n", nr, test->name);
		} else {
			fail++;
			printf("not ok %d %s\n", nr, test->name);
		}
	}
	printf("# Totals: pass:%d fail:%d xfail:0 xpass:0 skip:0 error:0\n", pass, fail);
	return fail || !nr;
}
