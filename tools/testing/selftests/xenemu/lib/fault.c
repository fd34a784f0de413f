// SPDX-License-Identifier: GPL-2.0-only
#include "fault.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KSFT_SKIP	4
#define FAIL_NTH	"/proc/thread-self/fail-nth"

/* What faults the kernel may make; each kernel has some of these. */
static const struct setting {
	const char *path;
	const char *value;
} settings[] = {
	{ "/sys/kernel/debug/failslab/ignore-gfp-wait", "N" },
	{ "/sys/kernel/debug/failslab/verbose", "0" },
	{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N" },
	{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N" },
	{ "/sys/kernel/debug/fail_page_alloc/min-order", "0" },
	{ "/sys/kernel/debug/fail_page_alloc/verbose", "0" },
	{ "/sys/kernel/debug/fail_usercopy/verbose", "0" },
};

static bool set(const struct setting *setting)
{
	int fd = open(setting->path, O_WRONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, setting->value, strlen(setting->value)) > 0;
	close(fd);
	return ok;
}

void fault_require(void)
{
	unsigned int i, done = 0;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		done += set(&settings[i]);
	if (done && !access(FAIL_NTH, R_OK | W_OK))
		return;
	printf("TAP version 13\n1..0 # SKIP this kernel has no fault injection\n");
	exit(KSFT_SKIP);
}

/* Of the calling process and thread: the harness forks for each test. */
static int fail_nth(void)
{
	static pid_t owner;
	static int fd = -1;

	if (owner != getpid()) {
		fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			err(1, FAIL_NTH);
		owner = getpid();
	}
	return fd;
}

void fault_arm(unsigned int nth)
{
	char buf[16];
	int fd = fail_nth(), len = snprintf(buf, sizeof(buf), "%u", nth);

	if (pwrite(fd, buf, len, 0) != len)
		err(1, "write to " FAIL_NTH);
}

/* Reading and writing the file are themselves calls that a fault may hit. */
bool fault_disarm(void)
{
	char buf[16] = "";
	int fd = fail_nth();
	bool hit;

	hit = pread(fd, buf, sizeof(buf) - 1, 0) > 0 && atoi(buf) == 0;
	while (pwrite(fd, "0", 1, 0) != 1) {
		if (errno != EFAULT)
			err(1, "write to " FAIL_NTH);
	}
	return hit;
}
