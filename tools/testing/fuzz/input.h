/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzzers share: numbers from the input, and expectations.
 */
#ifndef XENEMU_FUZZ_INPUT_H
#define XENEMU_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is left of an input. */
struct input {
	const uint8_t *data;
	size_t size;
};

/* A number of @len bytes, at most four; of zeros where the input has ended. */
static inline uint32_t next(struct input *in, size_t len)
{
	uint32_t val = 0;

	if (len > in->size)
		len = in->size;
	memcpy(&val, in->data, len);
	in->data += len;
	in->size -= len;
	return val;
}

static inline void expect_at(int cond, const char *file, int line, const char *text)
{
	if (cond)
		return;
	fprintf(stderr, "%s:%d: expected: %s\n", file, line, text);
	abort();
}

/* A condition that no input may break. */
#define expect(cond)	expect_at(!!(cond), __FILE__, __LINE__, #cond)

#endif /* XENEMU_FUZZ_INPUT_H */
