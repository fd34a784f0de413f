// SPDX-License-Identifier: GPL-2.0-only
/*
 * xenemu-store: a XenStore client for whoever holds a store fd.
 *
 * Its commands and their options are those of Xen's xenstore-* programs, which
 * can only use a socket or a device with a name.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/xenemu.h>

#include "xenemu-store.h"

#define VERSION	"0.1"

/**
 * struct command - a command
 * @name: what it is called by
 * @options: its options, as getopt() has them
 * @least: it needs so many arguments
 * @most: and takes so many
 * @fn: does it
 */
struct command {
	const char *name;
	const char *options;
	int least;
	int most;
	int (*fn)(struct xenemu_xs *xs, const struct options *options, int argc, char **argv);
};

static const struct command commands[] = {
	{ "chmod", "+r", 2, INT_MAX, cmd_chmod },
	{ "exists", "+", 1, INT_MAX, cmd_exists },
	{ "list", "+pR", 1, INT_MAX, cmd_list },
	{ "ls", "+fpR", 0, 1, cmd_ls },
	{ "read", "+pR", 1, INT_MAX, cmd_read },
	{ "restore", "+", 1, 1, cmd_restore },
	{ "rm", "+t", 1, INT_MAX, cmd_rm },
	{ "save", "+F:", 1, 1, cmd_save },
	{ "watch", "+n:", 1, INT_MAX, cmd_watch },
	{ "write", "+", 2, INT_MAX, cmd_write },
};

static void usage(FILE *to)
{
	fputs("usage: xenemu-store [--fd N | --socket PATH] COMMAND [OPTION]... [ARGUMENT]...\n"
	      "\n"
	      "Look into a XenStore of xenemu, or change it, through a store fd.\n"
	      "\n"
	      "  --fd N         the store fd, inherited; for save and restore, a host fd\n"
	      "  --socket PATH  connect there and take the fd that is sent (SCM_RIGHTS)\n"
	      "  --help         print this\n"
	      "  --version      print the version\n"
	      "\n"
	      "Without --fd and --socket the fd is the one that LISTEN_FDS=1 stands for.\n"
	      "\n"
	      "  chmod [-r] PATH PERMISSION...  set permissions, such as n0 r1; -r: and below\n"
	      "  exists PATH...                 status 0 if all of them exist, 1 if not\n"
	      "  list [-p] [-R] PATH...         print the names of children; -p: as paths\n"
	      "  ls [-f] [-p] [-R] [PATH]       print a tree; -f: paths; -p: permissions\n"
	      "  read [-p] [-R] PATH...         print values; -p: after their paths\n"
	      "  restore FILE                   fill an empty XenStore with what was saved\n"
	      "  rm [-t] PATH...                remove nodes and all below; -t: and\n"
	      "                                 directories above that this leaves empty\n"
	      "  save [-F FORMAT] FILE          save the XenStore; FORMAT: compact, xen-1, xen-2\n"
	      "  watch [-n N] PATH...           print the path of each change; -n: N times\n"
	      "  write PATH VALUE [PATH VALUE]...\n"
	      "                                 set values, all at once or none\n"
	      "\n"
	      "The FILE - is the standard input or output.\n"
	      "What is no printable character is shown as \\xNN; -R: as it is.\n"
	      "Status 0 is success, 1 failure, 2 wrong usage.\n", to);
}

static int bad_usage(const char *what, const char *arg)
{
	fprintf(stderr, "xenemu-store: %s%s; see xenemu-store --help\n", what, arg);
	return STATUS_USAGE;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *num)
{
	return !xenemu_xs_parse_u64(text, max, num);
}

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	}
	return NULL;
}

static bool parse_format(const char *name, uint32_t *format)
{
	static const char * const names[] = {
		[XENEMU_STORE_FORMAT_COMPACT] = "compact",
		[XENEMU_STORE_FORMAT_XEN_V1] = "xen-1",
		[XENEMU_STORE_FORMAT_XEN_V2] = "xen-2",
	};
	uint32_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(names[i], name)) {
			*format = i;
			return true;
		}
	}
	return false;
}

/* The command's own options; argv[0] is its name. Status, or -1 to go on. */
static int parse_options(const struct command *command, int argc, char **argv,
			 struct options *options)
{
	uint64_t num;
	int opt;

	opterr = 0;
	/* getopt() begins anew. */
	optind = 0;
	while ((opt = getopt(argc, argv, command->options)) != -1) {
		switch (opt) {
		case 'F':
			if (!parse_format(optarg, &options->format))
				return bad_usage("not a format: ", optarg);
			break;
		case 'f':
			options->full = true;
			break;
		case 'n':
			if (!parse_number(optarg, LONG_MAX, &num) || !num)
				return bad_usage("not a number of events: ", optarg);
			options->events = num;
			break;
		case 'p':
			options->perms = true;
			break;
		case 'R':
			options->raw = true;
			break;
		case 'r':
			options->recursive = true;
			break;
		case 't':
			options->tidy = true;
			break;
		default:
			return bad_usage("bad option for ", command->name);
		}
	}
	if (argc - optind < command->least)
		return bad_usage("too few arguments for ", command->name);
	if (argc - optind > command->most)
		return bad_usage("too many arguments for ", command->name);
	return -1;
}

/* What was printed must have arrived, or a full disk looks like success. */
static int finish(int status)
{
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "xenemu-store: standard output: %s\n", strerror(errno));
		return STATUS_FAILED;
	}
	return status;
}

/* Status, or -1 to go on with optind at the command. */
static int parse_global(int argc, char **argv, int *fd, const char **socket)
{
	static const struct option options[] = {
		{ "fd", required_argument, NULL, 'f' },
		{ "socket", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ }
	};
	uint64_t num;
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (opt) {
		case 'f':
			if (!parse_number(optarg, INT_MAX, &num))
				return bad_usage("not a file descriptor: ", optarg);
			*fd = num;
			break;
		case 's':
			*socket = optarg;
			break;
		case 'h':
			usage(stdout);
			return finish(STATUS_OK);
		case 'v':
			puts("xenemu-store " VERSION);
			return finish(STATUS_OK);
		default:
			return bad_usage("bad option ", argv[optind - 1]);
		}
	}
	if (*fd >= 0 && *socket)
		return bad_usage("--fd and --socket", " exclude each other");
	if (optind == argc)
		return bad_usage("no command", "");
	return -1;
}

int main(int argc, char **argv)
{
	const struct command *command;
	struct options options = {};
	const char *socket = NULL;
	struct xenemu_xs xs;
	int fd = -1;
	int status;

	status = parse_global(argc, argv, &fd, &socket);
	if (status >= 0)
		return status;
	command = find_command(argv[optind]);
	if (!command)
		return bad_usage("no such command: ", argv[optind]);
	argc -= optind;
	argv += optind;
	status = parse_options(command, argc, argv, &options);
	if (status >= 0)
		return status;

	fd = connect_store(fd, socket);
	if (fd < 0)
		return STATUS_FAILED;
	xenemu_xs_init(&xs, fd);
	return finish(command->fn(&xs, &options, argc - optind, argv + optind));
}
