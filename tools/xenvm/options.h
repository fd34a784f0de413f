/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line. */
#ifndef XENVM_OPTIONS_H
#define XENVM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define XENVM_VERSION		"0.1"

#define MAX_DISKS		64
#define DISK_NAME_MAX		16

/**
 * struct disk_option - one --disk
 * @path: file or block device
 * @dev: name in the guest, such as "xvda"
 * @devid: number of it
 * @readonly: the guest may not write
 */
struct disk_option {
	char *path;
	char dev[DISK_NAME_MAX];
	uint32_t devid;
	bool readonly;
};

enum console_kind {
	CONSOLE_STDIO,
	CONSOLE_PTY,
	CONSOLE_FILE,
};

/**
 * struct options - what the user asked for
 * @kernel: file of the kernel
 * @initrd: file of the initial RAM disk, or NULL
 * @cmdline: command line of the kernel
 * @name: name of the guest
 * @console_path: file of CONSOLE_FILE
 * @store_socket: Unix socket to serve the store on, or NULL
 * @hypervisor_log: file for what the guest tells Xen, or NULL for stderr
 * @memory: bytes of RAM
 * @cpus: number of vCPUs
 * @domid: number of the domain
 * @uuid: the guest's UUID
 * @console: where the guest's console is
 * @percpu_upcall: offer event channel upcalls by a vector per vCPU
 * @restart: start the guest again when it reboots
 * @disks: disks
 * @nr_disks: number of them
 */
struct options {
	const char *kernel;
	const char *initrd;
	const char *cmdline;
	const char *name;
	const char *console_path;
	const char *store_socket;
	const char *hypervisor_log;
	uint64_t memory;
	unsigned int cpus;
	uint32_t domid;
	uint8_t uuid[16];
	enum console_kind console;
	bool percpu_upcall;
	bool restart;
	struct disk_option disks[MAX_DISKS];
	unsigned int nr_disks;
};

/**
 * options_parse - read the command line
 * @options: filled in
 * @argc: as main() has it
 * @argv: likewise
 *
 * Return: -1 to go on, or the status to exit with.
 */
int options_parse(struct options *options, int argc, char **argv);

/* Free what options_parse() allocated. */
void options_free(struct options *options);

#endif /* XENVM_OPTIONS_H */
