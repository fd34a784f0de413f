// SPDX-License-Identifier: GPL-2.0-only
/* What went wrong, in words. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "internal.h"

/* Per thread, as vCPU threads fail independently of each other. */
static _Thread_local char message[512];

const char *xenemu_error(void)
{
	return message;
}

int xenemu_fail(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);

	errno = err;
	return -err;
}
