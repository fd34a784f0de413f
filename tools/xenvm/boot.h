/* SPDX-License-Identifier: GPL-2.0-only */
/* The PVH boot protocol: what is in memory when the kernel starts. */
#ifndef XENVM_BOOT_H
#define XENVM_BOOT_H

#include <stdint.h>

struct memory;
struct options;

/**
 * struct boot - where the first vCPU starts
 * @entry: the kernel's entry point
 * @start_info: guest physical address of struct hvm_start_info
 */
struct boot {
	uint32_t entry;
	uint32_t start_info;
};

/**
 * boot_load - put kernel, initrd, tables and start_info into the guest's RAM
 * @options: what the user asked for
 * @memory: the RAM
 * @boot: filled in
 *
 * Return: 0, or -1 having said why.
 */
int boot_load(const struct options *options, const struct memory *memory, struct boot *boot);

#endif /* XENVM_BOOT_H */
