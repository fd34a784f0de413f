// SPDX-License-Identifier: GPL-2.0-only
/*
 * xenemu-blk: a block backend in a process of its own.
 *
 * It inherits three fds from whoever starts it and needs no other right over
 * the guest or the host.
 */
#include "backend.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "xsclient.h"

enum {
	OPT_STORE_FD = 256,
	OPT_EVTCHN_FD,
	OPT_GNTTAB_FD,
	OPT_DOMID,
	OPT_DEVICE,
	OPT_FILE,
	OPT_READONLY,
	OPT_BUFFERED,
	OPT_QUEUES,
	OPT_HELP,
};

static const struct option options[] = {
	{ "store-fd", required_argument, NULL, OPT_STORE_FD },
	{ "evtchn-fd", required_argument, NULL, OPT_EVTCHN_FD },
	{ "gnttab-fd", required_argument, NULL, OPT_GNTTAB_FD },
	{ "domid", required_argument, NULL, OPT_DOMID },
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "file", required_argument, NULL, OPT_FILE },
	{ "readonly", no_argument, NULL, OPT_READONLY },
	{ "buffered", no_argument, NULL, OPT_BUFFERED },
	{ "queues", required_argument, NULL, OPT_QUEUES },
	{ "help", no_argument, NULL, OPT_HELP },
	{ }
};

static void usage(FILE *to)
{
	fputs("usage: xenemu-blk --store-fd N --evtchn-fd N --gnttab-fd N --domid D --device DEV\n"
	      "                  --file PATH [--readonly] [--buffered] [--queues N]\n"
	      "\n"
	      "Serve a file or block device to a guest of xenemu as a virtual disk.\n"
	      "\n"
	      "  --store-fd N   store fd of dom0, inherited, for this program alone\n"
	      "  --evtchn-fd N  evtchn fd of dom0, likewise\n"
	      "  --gnttab-fd N  gnttab fd of dom0, likewise\n"
	      "  --domid D      the guest's domain\n"
	      "  --device DEV   the disk: its name in the guest, such as xvda, or its number\n"
	      "  --file PATH    the file or block device\n"
	      "  --readonly     the guest may not write\n"
	      "  --buffered     use the host's page cache\n"
	      "  --queues N     offer the guest so many rings\n"
	      "\n"
	      "The disk's XenStore nodes must exist. Ends with status 0 when they are removed,\n"
	      "when the guest is gone, or by SIGTERM or SIGINT.\n", to);
}

static int bad_usage(const char *what, const char *arg)
{
	fprintf(stderr, "xenemu-blk: %s%s; see xenemu-blk --help\n", what, arg);
	return 2;
}

/* 0 to go on, or an exit status plus 1. */
static int parse(int argc, char **argv, struct xb_blk_config *config)
{
	uint64_t num;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case OPT_STORE_FD:
		case OPT_EVTCHN_FD:
		case OPT_GNTTAB_FD:
		case OPT_DOMID:
		case OPT_QUEUES:
			if (xenemu_xs_parse_u64(optarg, INT_MAX, &num))
				return bad_usage("not a number: ", optarg) + 1;
			break;
		}
		switch (opt) {
		case OPT_STORE_FD:
			config->store_fd = num;
			break;
		case OPT_EVTCHN_FD:
			config->evtchn_fd = num;
			break;
		case OPT_GNTTAB_FD:
			config->gnttab_fd = num;
			break;
		case OPT_DOMID:
			config->domid = num;
			break;
		case OPT_DEVICE:
			if (xb_vbd_devid(optarg, &config->devid))
				return bad_usage("not a disk: ", optarg) + 1;
			break;
		case OPT_FILE:
			config->path = optarg;
			break;
		case OPT_READONLY:
			config->readonly = true;
			break;
		case OPT_BUFFERED:
			config->buffered = true;
			break;
		case OPT_QUEUES:
			if (!num || num > XB_BLK_MAX_QUEUES)
				return bad_usage("not a number of rings: ", optarg) + 1;
			config->max_queues = num;
			break;
		case OPT_HELP:
			usage(stdout);
			return 1;
		default:
			return bad_usage("bad option", "") + 1;
		}
	}
	if (optind < argc)
		return bad_usage("what is ", argv[optind]) + 1;
	if (config->store_fd < 0 || config->evtchn_fd < 0 || config->gnttab_fd < 0)
		return bad_usage("all three fds are needed", "") + 1;
	if (!config->domid || !config->devid || !config->path)
		return bad_usage("--domid, --device and --file are needed", "") + 1;
	return 0;
}

static void log_line(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "xenemu-blk: %s\n", line);
}

int main(int argc, char **argv)
{
	struct xb_blk_config config = {
		.store_fd = -1,
		.evtchn_fd = -1,
		.gnttab_fd = -1,
		.log = log_line,
	};
	struct pollfd fds[2];
	struct xb_blk *blk;
	sigset_t signals;
	int ret;

	ret = parse(argc, argv, &config);
	if (ret)
		return ret - 1;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	fds[0].fd = signalfd(-1, &signals, SFD_CLOEXEC);
	if (fds[0].fd < 0) {
		perror("xenemu-blk: signalfd");
		return 1;
	}

	/* It has said why, if it did not start. */
	if (xb_blk_start(&config, &blk))
		return 1;

	fds[1].fd = xb_blk_ended_fd(blk);
	fds[0].events = POLLIN;
	fds[1].events = POLLIN;
	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	xb_blk_stop(blk);
	close(fds[0].fd);
	return 0;
}
