// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "backend.h"
#include "log.h"
#include "options.h"
#include "status.h"

#define MIB			(1ULL << 20)

#define MEMORY_DEFAULT		(512 * MIB)
#define MEMORY_MIN		(16 * MIB)
/* Far beyond any host's RAM, and small enough that sums of sizes cannot wrap. */
#define MEMORY_MAX		(64ULL << 40)

/* Linux takes 2047 bytes; a longer one would be cut without a word. */
#define CMDLINE_MAX		2047
#define NAME_MAX_LEN		255
#define DOMID_MAX		0x7fef
#define CPUS_MAX		128

static const char help_text[] =
"Usage: xenvm --kernel FILE [OPTION]...\n"
"Boot an unmodified Xen guest (PVH) on KVM, with xenemu as its Xen.\n"
"\n"
"  --kernel FILE            kernel: a bzImage (vmlinuz) or an ELF file\n"
"  --initrd FILE            initial RAM disk\n"
"  --cmdline STRING         the kernel's command line [console=hvc0]\n"
"  --cpus N                 virtual CPUs, 1 to 128 [1]\n"
"  --memory SIZE            RAM; suffix K, M, G or T, without one M [512M]\n"
"  --disk PATH[,ro][,dev=NAME]\n"
"                           disk: a file or block device, as /dev/NAME in the\n"
"                           guest [next free of xvda, xvdb, ...]; repeatable\n"
"  --console stdio|pty|file:PATH\n"
"                           the guest's console, hvc0 in Linux [stdio]\n"
"  --xenstore-socket PATH   serve XenStore on a Unix socket, for\n"
"                           XENSTORED_PATH=PATH xenstore-ls and the like\n"
"  --hypervisor-log PATH    write what the guest tells Xen to a file [stderr]\n"
"  --domid N                number of the domain, 1 to 32751 [1]\n"
"  --name STRING            name of the guest [guest]\n"
"  --uuid UUID              the guest's UUID [random]\n"
"  --upcall vector|percpu   how event channels interrupt the guest [vector]\n"
"  --reboot exit|restart    what to do when the guest reboots [exit]\n"
"  --help                   print this and exit\n"
"  --version                print the version and exit\n"
"\n"
"On a terminal, Ctrl-A x ends the guest at once, Ctrl-A h helps.\n"
"Exit status: 0 powered off, 10 rebooted, 11 crashed, 12 watchdog, 13 ended\n"
"by the user, 1 failure, 2 wrong usage.\n";

enum {
	OPT_KERNEL = 1,
	OPT_INITRD,
	OPT_CMDLINE,
	OPT_CPUS,
	OPT_MEMORY,
	OPT_DISK,
	OPT_CONSOLE,
	OPT_XENSTORE_SOCKET,
	OPT_HYPERVISOR_LOG,
	OPT_DOMID,
	OPT_NAME,
	OPT_UUID,
	OPT_UPCALL,
	OPT_REBOOT,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{ "kernel", required_argument, NULL, OPT_KERNEL },
	{ "initrd", required_argument, NULL, OPT_INITRD },
	{ "cmdline", required_argument, NULL, OPT_CMDLINE },
	{ "cpus", required_argument, NULL, OPT_CPUS },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "disk", required_argument, NULL, OPT_DISK },
	{ "console", required_argument, NULL, OPT_CONSOLE },
	{ "xenstore-socket", required_argument, NULL, OPT_XENSTORE_SOCKET },
	{ "hypervisor-log", required_argument, NULL, OPT_HYPERVISOR_LOG },
	{ "domid", required_argument, NULL, OPT_DOMID },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "uuid", required_argument, NULL, OPT_UUID },
	{ "upcall", required_argument, NULL, OPT_UPCALL },
	{ "reboot", required_argument, NULL, OPT_REBOOT },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

/* A decimal number and nothing else. */
static int parse_number(const char *str, uint64_t max, uint64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)*str))
		return -1;
	errno = 0;
	*value = strtoull(str, &end, 10);
	return errno || *end || *value > max ? -1 : 0;
}

static int parse_range(const char *option, const char *str, uint64_t min, uint64_t max,
		       uint64_t *value)
{
	if (parse_number(str, max, value) || *value < min)
		return fail("--%s %s: give a number from %llu to %llu", option, str,
			    (unsigned long long)min, (unsigned long long)max);
	return 0;
}

static int parse_memory(const char *str, uint64_t *bytes)
{
	static const char suffixes[] = "KMGT";
	unsigned int shift = 20;
	char digits[32];
	size_t len = strlen(str);
	const char *suffix;
	uint64_t value;

	if (!len || len >= sizeof(digits))
		goto bad;
	memcpy(digits, str, len + 1);
	suffix = strchr(suffixes, toupper((unsigned char)digits[len - 1]));
	if (suffix && *suffix) {
		shift = 10 * (suffix - suffixes + 1);
		digits[len - 1] = '\0';
	}
	if (parse_number(digits, MEMORY_MAX, &value) || value > MEMORY_MAX >> shift)
		goto bad;

	value <<= shift;
	if (value < MEMORY_MIN)
		return fail("--memory %s: a guest needs at least %lluM", str, MEMORY_MIN / MIB);
	if (value % MIB)
		return fail("--memory %s: give a multiple of 1M", str);
	*bytes = value;
	return 0;
bad:
	return fail("--memory %s: give a size such as 512M or 2G", str);
}

static int set_disk_device(struct disk_option *disk, const char *name)
{
	if (strlen(name) >= sizeof(disk->dev) || xb_vbd_devid(name, &disk->devid))
		return fail("--disk: %s is no name of a disk; give one such as xvda", name);
	strcpy(disk->dev, name);
	return 0;
}

static int parse_disk(struct options *options, const char *arg)
{
	struct disk_option *disk = &options->disks[options->nr_disks];
	char *path, *next, *word;

	if (options->nr_disks == MAX_DISKS)
		return fail("--disk: a guest can have no more than %d disks", MAX_DISKS);

	path = strdup(arg);
	if (!path)
		return fail("out of memory");
	memset(disk, 0, sizeof(*disk));
	disk->path = path;
	options->nr_disks++;

	next = path;
	strsep(&next, ",");
	if (!*path)
		return fail("--disk %s: the path is missing", arg);

	while ((word = strsep(&next, ","))) {
		if (!strcmp(word, "ro")) {
			disk->readonly = true;
		} else if (!strncmp(word, "dev=", 4)) {
			if (set_disk_device(disk, word + 4))
				return -1;
		} else {
			return fail("--disk %s: '%s' is neither 'ro' nor 'dev=NAME'", arg, word);
		}
	}
	return 0;
}

static bool device_taken(const struct options *options, uint32_t devid, unsigned int but)
{
	unsigned int i;

	for (i = 0; i < options->nr_disks; i++) {
		if (i != but && options->disks[i].dev[0] && options->disks[i].devid == devid)
			return true;
	}
	return false;
}

/* Refuse devices given twice, then name the disks that were given no name. */
static int name_disks(struct options *options)
{
	char name[DISK_NAME_MAX] = "xvda";
	unsigned int i;

	for (i = 0; i < options->nr_disks; i++) {
		struct disk_option *disk = &options->disks[i];

		if (disk->dev[0] && device_taken(options, disk->devid, i))
			return fail("--disk: two disks are to be %s; give each another dev=NAME",
				    disk->dev);
	}

	for (i = 0; i < options->nr_disks; i++) {
		struct disk_option *disk = &options->disks[i];
		unsigned int nr;

		if (disk->dev[0])
			continue;
		/* There are more names than disks, so one is free. */
		for (nr = 0; nr <= MAX_DISKS; nr++) {
			if (nr < 26)
				snprintf(name, sizeof(name), "xvd%c", 'a' + nr);
			else
				snprintf(name, sizeof(name), "xvd%c%c", 'a' + nr / 26 - 1,
					 'a' + nr % 26);
			if (set_disk_device(disk, name))
				return -1;
			if (!device_taken(options, disk->devid, i))
				break;
		}
	}
	return 0;
}

static int parse_console(struct options *options, const char *arg)
{
	if (!strcmp(arg, "stdio")) {
		options->console = CONSOLE_STDIO;
	} else if (!strcmp(arg, "pty")) {
		options->console = CONSOLE_PTY;
	} else if (!strncmp(arg, "file:", 5) && arg[5]) {
		options->console = CONSOLE_FILE;
		options->console_path = arg + 5;
	} else {
		return fail("--console %s: give stdio, pty or file:PATH", arg);
	}
	return 0;
}

/* One of two words. */
static int parse_choice(const char *option, const char *arg, const char *no, const char *yes,
			bool *value)
{
	if (strcmp(arg, no) && strcmp(arg, yes))
		return fail("--%s %s: give %s or %s", option, arg, no, yes);
	*value = !strcmp(arg, yes);
	return 0;
}

/* The name becomes the value of a store node and a line of logs. */
static int parse_name(struct options *options, const char *arg)
{
	const char *c;

	for (c = arg; *c; c++) {
		if (iscntrl((unsigned char)*c))
			return fail("--name: it has a control character");
	}
	if (c == arg || c - arg > NAME_MAX_LEN)
		return fail("--name: give 1 to %d characters", NAME_MAX_LEN);
	options->name = arg;
	return 0;
}

static int parse_uuid(const char *arg, uint8_t *uuid)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	unsigned int i, digits = 0;

	if (strlen(arg) != strlen(form))
		goto bad;
	for (i = 0; form[i]; i++) {
		char digit[2] = { arg[i], '\0' };

		if (form[i] == '-' && arg[i] == '-')
			continue;
		if (form[i] == '-' || !isxdigit((unsigned char)arg[i]))
			goto bad;
		uuid[digits / 2] = uuid[digits / 2] << 4 | strtoul(digit, NULL, 16);
		digits++;
	}
	return 0;
bad:
	return fail("--uuid %s: give one of the form %s", arg, form);
}

/* A random UUID, with the bits that mark it as one. */
static int make_uuid(uint8_t *uuid)
{
	if (getrandom(uuid, 16, 0) != 16)
		return fail("cannot make a UUID: %s", strerror(errno));
	uuid[6] = (uuid[6] & 0x0f) | 0x40;
	uuid[8] = (uuid[8] & 0x3f) | 0x80;
	return 0;
}

static int parse_one(struct options *options, int option, const char *arg)
{
	uint64_t value;
	int ret;

	switch (option) {
	case OPT_KERNEL:
		options->kernel = arg;
		return 0;
	case OPT_INITRD:
		options->initrd = arg;
		return 0;
	case OPT_CMDLINE:
		if (strlen(arg) > CMDLINE_MAX)
			return fail("--cmdline: it is longer than %d bytes", CMDLINE_MAX);
		options->cmdline = arg;
		return 0;
	case OPT_CPUS:
		ret = parse_range("cpus", arg, 1, CPUS_MAX, &value);
		options->cpus = value;
		return ret;
	case OPT_MEMORY:
		return parse_memory(arg, &options->memory);
	case OPT_DISK:
		return parse_disk(options, arg);
	case OPT_CONSOLE:
		return parse_console(options, arg);
	case OPT_XENSTORE_SOCKET:
		options->store_socket = arg;
		return 0;
	case OPT_HYPERVISOR_LOG:
		options->hypervisor_log = arg;
		return 0;
	case OPT_DOMID:
		ret = parse_range("domid", arg, 1, DOMID_MAX, &value);
		options->domid = value;
		return ret;
	case OPT_NAME:
		return parse_name(options, arg);
	case OPT_UUID:
		return parse_uuid(arg, options->uuid);
	case OPT_UPCALL:
		return parse_choice("upcall", arg, "vector", "percpu", &options->percpu_upcall);
	case OPT_REBOOT:
		return parse_choice("reboot", arg, "exit", "restart", &options->restart);
	default:
		return -1;
	}
}

/* getopt's own messages take two lines with ours; say it in one. */
static void unknown_option(char **argv, int option)
{
	const char *arg = argv[optind - 1];

	if (option == ':')
		fail("%s needs a value; see xenvm --help", arg);
	else if (isgraph(optopt))
		fail("there is no option -%c; see xenvm --help", optopt);
	else
		fail("there is no option %s, or it takes no value; see xenvm --help", arg);
}

int options_parse(struct options *options, int argc, char **argv)
{
	int option;

	*options = (struct options) {
		.cmdline = "console=hvc0",
		.name = "guest",
		.memory = MEMORY_DEFAULT,
		.cpus = 1,
		.domid = 1,
	};
	if (make_uuid(options->uuid))
		return STATUS_FAILURE;

	/* '+': whatever is no option ends them. ':': no messages of getopt's. */
	while ((option = getopt_long(argc, argv, "+:", long_options, NULL)) != -1) {
		switch (option) {
		case OPT_HELP:
			fputs(help_text, stdout);
			return STATUS_POWEROFF;
		case OPT_VERSION:
			puts("xenvm " XENVM_VERSION);
			return STATUS_POWEROFF;
		case '?':
		case ':':
			unknown_option(argv, option);
			return STATUS_USAGE;
		default:
			if (parse_one(options, option, optarg))
				return STATUS_USAGE;
		}
	}
	if (optind < argc) {
		fail("'%s' is no option; see xenvm --help", argv[optind]);
		return STATUS_USAGE;
	}
	if (!options->kernel) {
		fail("which kernel? Give --kernel FILE; see xenvm --help");
		return STATUS_USAGE;
	}
	return name_disks(options) ? STATUS_USAGE : -1;
}

void options_free(struct options *options)
{
	unsigned int i;

	for (i = 0; i < options->nr_disks; i++)
		free(options->disks[i].path);
	options->nr_disks = 0;
}
