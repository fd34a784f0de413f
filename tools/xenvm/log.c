// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "log.h"

static atomic_bool raw_terminal;

void log_set_raw(bool raw)
{
	raw_terminal = raw;
}

/* One write() a line, so that lines of several threads do not mix. */
static void print(const char *fmt, va_list ap)
{
	char line[1024];
	int head, len;

	head = snprintf(line, sizeof(line), "xenvm: ");
	len = vsnprintf(line + head, sizeof(line) - head - 2, fmt, ap);
	if (len < 0)
		return;
	len += head;
	if (len > (int)sizeof(line) - 3)
		len = sizeof(line) - 3;
	if (raw_terminal)
		line[len++] = '\r';
	line[len++] = '\n';

	if (write(STDERR_FILENO, line, len) < 0)
		return;	/* nobody is left to tell */
}

void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print(fmt, ap);
	va_end(ap);
}

int fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print(fmt, ap);
	va_end(ap);
	return -1;
}

static bool is_text(char c)
{
	return c == '\n' || c == '\r' || c == '\t' || (c >= ' ' && c < 0x7f);
}

void log_guest(int fd, const char *text, size_t len)
{
	bool raw = fd == STDERR_FILENO && raw_terminal;
	char out[256];
	size_t i, used = 0;

	for (i = 0; i < len; i++) {
		if (raw && text[i] == '\n')
			out[used++] = '\r';
		out[used++] = is_text(text[i]) ? text[i] : '?';
		/* Two for the next round. */
		if (used < sizeof(out) - 2 && i + 1 < len)
			continue;
		if (write(fd, out, used) < 0)
			return;	/* a log that cannot be written stops no guest */
		used = 0;
	}
}
