// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands on single nodes.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#include "xenemu-store.h"

int read_value(struct xenemu_xs *xs, const char *path, char *value, size_t *len)
{
	return xenemu_xs_request(xs, XS_READ, 0, path, strlen(path) + 1, value, len);
}

int node_exists(struct xenemu_xs *xs, uint32_t tx, const char *path)
{
	char value[XENEMU_XS_PAYLOAD_MAX];
	size_t len;
	int ret;

	ret = xenemu_xs_request(xs, XS_READ, tx, path, strlen(path) + 1, value, &len);
	if (ret == -ENOENT)
		return 0;
	return ret ? ret : 1;
}

bool parse_perm(const char *text, struct xenemu_xs_perm *perm)
{
	uint64_t domid;

	if (!text[0] || !strchr("nrwb", text[0]) ||
	    xenemu_xs_parse_u64(text + 1, UINT16_MAX, &domid))
		return false;
	perm->access = text[0];
	perm->domid = domid;
	return true;
}

int cmd_read(struct xenemu_xs *xs, const struct options *options, int argc, char **argv)
{
	char value[XENEMU_XS_PAYLOAD_MAX];
	size_t len;
	int i, ret;

	for (i = 0; i < argc; i++) {
		ret = read_value(xs, argv[i], value, &len);
		if (ret)
			return fail(argv[i], ret);
		if (options->perms)
			printf("%s: ", argv[i]);
		print_value(value, len, options->raw);
		/* Raw is for programs, which want the value and nothing else. */
		if (!options->raw)
			putchar('\n');
	}
	return STATUS_OK;
}

int cmd_list(struct xenemu_xs *xs, const struct options *options, int argc, char **argv)
{
	struct xenemu_xs_dir dir;
	unsigned int n;
	int i, ret;

	for (i = 0; i < argc; i++) {
		ret = xenemu_xs_directory(xs, 0, argv[i], &dir);
		if (ret)
			return fail(argv[i], ret);
		for (n = 0; n < dir.nr; n++) {
			if (options->perms)
				printf("%s/", strcmp(argv[i], "/") ? argv[i] : "");
			print_value(dir.names[n], strlen(dir.names[n]), options->raw);
			putchar('\n');
		}
		xenemu_xs_dir_free(&dir);
	}
	return STATUS_OK;
}

int cmd_exists(struct xenemu_xs *xs, const struct options *options, int argc, char **argv)
{
	int i, ret;

	(void)options;
	for (i = 0; i < argc; i++) {
		ret = node_exists(xs, 0, argv[i]);
		if (ret < 0)
			return fail(argv[i], ret);
		if (!ret)
			return STATUS_FAILED;
	}
	return STATUS_OK;
}

/**
 * struct change - what is done in one transaction
 * @options: of the command
 * @argc: number of @argv
 * @argv: arguments of the command
 * @path: after a failure, where that was
 */
struct change {
	const struct options *options;
	int argc;
	char **argv;
	const char *path;
};

static int write_all(struct xenemu_xs *xs, uint32_t tx, void *arg)
{
	struct change *change = arg;
	int i, ret = 0;

	for (i = 0; !ret && i < change->argc; i += 2) {
		change->path = change->argv[i];
		ret = xenemu_xs_write(xs, tx, change->argv[i], change->argv[i + 1],
				      strlen(change->argv[i + 1]));
	}
	return ret;
}

/* Remove the directories above a removed node that have nothing in them any more. */
static int tidy(struct xenemu_xs *xs, uint32_t tx, const char *removed)
{
	char value[XENEMU_XS_PAYLOAD_MAX], path[XENEMU_XS_PATH_MAX];
	struct xenemu_xs_dir dir;
	unsigned int nr;
	size_t len;
	char *slash;
	int ret;

	snprintf(path, sizeof(path), "%s", removed);
	while ((slash = strrchr(path, '/')) && slash != path) {
		*slash = '\0';
		ret = xenemu_xs_request(xs, XS_READ, tx, path, strlen(path) + 1, value, &len);
		if (ret || len)
			return ret;
		ret = xenemu_xs_directory(xs, tx, path, &dir);
		if (ret)
			return ret;
		nr = dir.nr;
		xenemu_xs_dir_free(&dir);
		if (nr)
			return 0;
		ret = xenemu_xs_rm(xs, tx, path);
		if (ret)
			return ret;
	}
	return 0;
}

static int remove_all(struct xenemu_xs *xs, uint32_t tx, void *arg)
{
	struct change *change = arg;
	int i, ret;

	for (i = 0; i < change->argc; i++) {
		change->path = change->argv[i];
		ret = node_exists(xs, tx, change->path);
		if (ret <= 0)
			return ret ? ret : -ENOENT;
		ret = xenemu_xs_rm(xs, tx, change->path);
		if (!ret && change->options->tidy)
			ret = tidy(xs, tx, change->path);
		if (ret)
			return ret;
	}
	return 0;
}

static int transact(struct xenemu_xs *xs, int (*fn)(struct xenemu_xs *, uint32_t, void *),
		    struct change *change)
{
	int ret = xenemu_xs_transact(xs, fn, change);

	return ret ? fail(change->path, ret) : STATUS_OK;
}

int cmd_write(struct xenemu_xs *xs, const struct options *options, int argc, char **argv)
{
	struct change change = { options, argc, argv, argv[0] };

	if (argc % 2) {
		fprintf(stderr, "xenemu-store: %s: a value is missing\n", argv[argc - 1]);
		return STATUS_USAGE;
	}
	return transact(xs, write_all, &change);
}

int cmd_rm(struct xenemu_xs *xs, const struct options *options, int argc, char **argv)
{
	struct change change = { options, argc, argv, argv[0] };

	return transact(xs, remove_all, &change);
}
