// SPDX-License-Identifier: GPL-2.0-only
#include "journal.h"

#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC	0x72756f6a

struct block {
	uint32_t magic;
	uint32_t world;
	uint64_t seq;
	char text[JOURNAL_BLOCK - 16];
};

static struct block *block;
static uint64_t seq;
static int fd = -1;

void journal_open(const char *path)
{
	/* What the disk has got outlives the machine, flushed or not: it is a file outside. */
	fd = open(path, O_WRONLY | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", path);
	block = aligned_alloc(4096, sizeof(*block));
	if (!block)
		err(1, "memory");
}

void journal_write(unsigned int world, const char *text)
{
	if (fd < 0)
		return;
	memset(block, 0, sizeof(*block));
	block->magic = MAGIC;
	block->world = world;
	block->seq = ++seq;
	snprintf(block->text, sizeof(block->text), "%s", text);
	if (pwrite(fd, block, sizeof(*block), seq % JOURNAL_BLOCKS * sizeof(*block)) !=
	    sizeof(*block))
		err(1, "journal");
}

static int by_seq(const void *a, const void *b)
{
	uint64_t x = ((const struct block *)a)->seq, y = ((const struct block *)b)->seq;

	return (x > y) - (x < y);
}

int journal_read(const char *path, const char *texts[JOURNAL_BLOCKS])
{
	static struct block blocks[JOURNAL_BLOCKS];
	int nr = 0, in, i;

	in = open(path, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return -1;
	while (nr < JOURNAL_BLOCKS && read(in, &blocks[nr], sizeof(*blocks)) == sizeof(*blocks))
		nr += blocks[nr].magic == MAGIC;
	close(in);
	if (!nr)
		return -1;
	qsort(blocks, nr, sizeof(*blocks), by_seq);
	for (i = nr - 1; i && blocks[i - 1].world == blocks[nr - 1].world; i--)
		;
	for (in = i; i < nr; i++) {
		blocks[i].text[sizeof(blocks[i].text) - 1] = '\0';
		texts[i - in] = blocks[i].text;
	}
	return nr - in;
}
