/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the commands of xenemu-store share.
 *
 * A command returns its exit status. Before it returns STATUS_FAILED it has said
 * why on the standard error.
 */
#ifndef XENEMU_STORE_H
#define XENEMU_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xsclient.h"

enum {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
};

/**
 * struct options - what the command line says
 * @full: -f: whole paths
 * @perms: -p: permissions; names in front of what is printed
 * @raw: -R: values as they are
 * @recursive: -r: all nodes below as well
 * @tidy: -t: directories that are left empty as well
 * @events: -n: so many events, 0 for no end
 * @format: -F: XENEMU_STORE_FORMAT_*
 */
struct options {
	bool full;
	bool perms;
	bool raw;
	bool recursive;
	bool tidy;
	unsigned long events;
	uint32_t format;
};

/* Print "xenemu-store: PATH: REASON"; STATUS_FAILED. @err is a negative errno. */
int fail(const char *path, int err);

/* Print a value; unless @raw, what is no printable character of ASCII as \xNN. */
void print_value(const char *value, size_t len, bool raw);
/* Print permissions as "(n0,r1)". */
void print_perms(const struct xenemu_xs_perm *perms, unsigned int nr);

/* A value of any length: it goes to @value, which has XENEMU_XS_PAYLOAD_MAX bytes. */
int read_value(struct xenemu_xs *xs, const char *path, char *value, size_t *len);
/* Does it exist? 1, 0, or a negative errno. */
int node_exists(struct xenemu_xs *xs, uint32_t tx, const char *path);
/* Permissions as text, such as "n0", to one entry; false if they are none. */
bool parse_perm(const char *text, struct xenemu_xs_perm *perm);

/*
 * Call @fn for a node and all below, parents first, in the order of the store.
 * @depth is 0 for @path itself. Nodes that vanish meanwhile, or may not be read,
 * are passed over, but for the first. The first error that @fn returns ends it.
 */
int for_tree(struct xenemu_xs *xs, const char *path,
	     int (*fn)(struct xenemu_xs *xs, const char *path, unsigned int depth, void *arg),
	     void *arg);

int cmd_chmod(struct xenemu_xs *xs, const struct options *options, int argc, char **argv);
int cmd_exists(struct xenemu_xs *xs, const struct options *options, int argc, char **argv);
int cmd_list(struct xenemu_xs *xs, const struct options *options, int argc, char **argv);
int cmd_ls(struct xenemu_xs *xs, const struct options *options, int argc, char **argv);
int cmd_read(struct xenemu_xs *xs, const struct options *options, int argc, char **argv);
int cmd_restore(struct xenemu_xs *xs, const struct options *options, int argc, char **argv);
int cmd_rm(struct xenemu_xs *xs, const struct options *options, int argc, char **argv);
int cmd_save(struct xenemu_xs *xs, const struct options *options, int argc, char **argv);
int cmd_watch(struct xenemu_xs *xs, const struct options *options, int argc, char **argv);
int cmd_write(struct xenemu_xs *xs, const struct options *options, int argc, char **argv);

/*
 * The store fd, or the host fd: number @fd if that is not negative, else one that whoever
 * listens at @socket sends, else the only one that was passed as systemd does
 * (LISTEN_FDS). Returns the fd, or -1 after saying why not.
 */
int connect_store(int fd, const char *socket);

#endif /* XENEMU_STORE_H */
