// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is printed. Guests write names and values, so a terminal gets nothing
 * from them that it would act on.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "xenemu-store.h"

int fail(const char *path, int err)
{
	fprintf(stderr, "xenemu-store: %s: %s\n", path, strerror(-err));
	return STATUS_FAILED;
}

void print_value(const char *value, size_t len, bool raw)
{
	size_t i;

	if (raw) {
		fwrite(value, 1, len, stdout);
		return;
	}
	for (i = 0; i < len; i++) {
		unsigned char c = value[i];

		if (c == '\\' || c < ' ' || c > '~')
			printf("\\x%02x", c);
		else
			putchar(c);
	}
}

void print_perms(const struct xenemu_xs_perm *perms, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		printf("%c%c%u", i ? ',' : '(', perms[i].access, perms[i].domid);
	putchar(')');
}
