// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walks over a tree whose depth guests decide: without recursion.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xenemu-store.h"

/**
 * struct level - a node on the way to the one that is looked at
 * @path_len: length of the node's path
 * @next: the next of its children to look at
 * @dir: its children
 */
struct level {
	size_t path_len;
	unsigned int next;
	struct xenemu_xs_dir dir;
};

/**
 * struct walk - where a walk is
 * @xs: the store
 * @levels: the nodes on the way, the first on top
 * @nr: number of them
 * @room: room for so many
 * @path: path of the node that is looked at
 */
struct walk {
	struct xenemu_xs *xs;
	struct level *levels;
	unsigned int nr;
	unsigned int room;
	char path[XENEMU_XS_PATH_MAX];
};

/* Go down into the node at walk->path. */
static int enter(struct walk *walk)
{
	struct level *level;
	void *more;

	if (walk->nr == walk->room) {
		walk->room = walk->room * 2 + 16;
		more = realloc(walk->levels, walk->room * sizeof(*walk->levels));
		if (!more)
			return -ENOMEM;
		walk->levels = more;
	}
	level = &walk->levels[walk->nr];
	level->path_len = strlen(walk->path);
	level->next = 0;
	if (xenemu_xs_directory(walk->xs, 0, walk->path, &level->dir))
		level->dir = (struct xenemu_xs_dir) {};
	walk->nr++;
	return 0;
}

/* Go on to the next node; false at the end. */
static bool advance(struct walk *walk)
{
	struct level *level;
	int len;

	while (walk->nr) {
		level = &walk->levels[walk->nr - 1];
		if (level->next < level->dir.nr) {
			len = snprintf(walk->path + level->path_len,
				       sizeof(walk->path) - level->path_len, "%s%s",
				       level->path_len == 1 ? "" : "/",
				       level->dir.names[level->next++]);
			/* No path is longer, so nothing can be there. */
			if ((size_t)len < sizeof(walk->path) - level->path_len)
				return true;
			continue;
		}
		xenemu_xs_dir_free(&level->dir);
		walk->nr--;
	}
	return false;
}

int for_tree(struct xenemu_xs *xs, const char *path,
	     int (*fn)(struct xenemu_xs *xs, const char *path, unsigned int depth, void *arg),
	     void *arg)
{
	struct walk walk = { .xs = xs };
	int ret;

	if (strlen(path) >= sizeof(walk.path))
		return -EINVAL;
	strcpy(walk.path, path);
	do {
		ret = fn(xs, walk.path, walk.nr, arg);
		if ((ret == -ENOENT || ret == -EACCES) && walk.nr)
			continue;
		if (!ret)
			ret = enter(&walk);
		if (ret)
			break;
	} while (advance(&walk));

	while (walk.nr)
		xenemu_xs_dir_free(&walk.levels[--walk.nr].dir);
	free(walk.levels);
	return ret == -ENOENT || ret == -EACCES ? (walk.path[strlen(path)] ? 0 : ret) : ret;
}

/* ---- ls ---- */

static void print_name(const char *path, unsigned int depth, const struct options *options)
{
	const char *name = strrchr(path, '/');

	if (options->full) {
		print_value(path, strlen(path), options->raw);
		return;
	}
	printf("%*s", (int)depth - 1, "");
	name = name ? name + 1 : path;
	print_value(name, strlen(name), options->raw);
}

/* As xenstore-ls has it, the node that was named is not shown but what is below. */
static int show(struct xenemu_xs *xs, const char *path, unsigned int depth, void *arg)
{
	const struct options *options = arg;
	struct xenemu_xs_perm perms[64];
	char value[XENEMU_XS_PAYLOAD_MAX];
	size_t len;
	int ret, nr;

	ret = read_value(xs, path, value, &len);
	if (ret || !depth)
		return ret;
	nr = options->perms ? xenemu_xs_get_perms(xs, 0, path, perms, 64) : 0;
	if (nr < 0)
		return nr;
	print_name(path, depth, options);
	printf(" = \"");
	print_value(value, len, options->raw);
	putchar('"');
	if (nr) {
		printf("   ");
		print_perms(perms, nr);
	}
	putchar('\n');
	return 0;
}

int cmd_ls(struct xenemu_xs *xs, const struct options *options, int argc, char **argv)
{
	const char *path = argc ? argv[0] : "/";
	int ret;

	ret = for_tree(xs, path, show, (void *)options);
	return ret ? fail(path, ret) : STATUS_OK;
}

/* ---- chmod ---- */

/**
 * struct chmod - permissions to be set
 * @nr: number of them
 * @perms: the permissions
 */
struct chmod {
	unsigned int nr;
	struct xenemu_xs_perm perms[64];
};

static int set_perms(struct xenemu_xs *xs, const char *path, unsigned int depth, void *arg)
{
	const struct chmod *chmod = arg;

	(void)depth;
	return xenemu_xs_set_perms(xs, 0, path, chmod->perms, chmod->nr);
}

int cmd_chmod(struct xenemu_xs *xs, const struct options *options, int argc, char **argv)
{
	struct chmod chmod = {};
	int i, ret;

	for (i = 1; i < argc; i++) {
		if (chmod.nr == 64 || !parse_perm(argv[i], &chmod.perms[chmod.nr++])) {
			fprintf(stderr, "xenemu-store: %s: not a permission such as n0 or r1\n",
				argv[i]);
			return STATUS_USAGE;
		}
	}
	if (options->recursive)
		ret = for_tree(xs, argv[0], set_perms, &chmod);
	else
		ret = set_perms(xs, argv[0], 0, &chmod);
	return ret ? fail(argv[0], ret) : STATUS_OK;
}
