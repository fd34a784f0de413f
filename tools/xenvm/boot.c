// SPDX-License-Identifier: GPL-2.0-only
/*
 * Layout of low RAM at the start: the kernel where it wants to be, right after
 * it the boot block (start_info and what it points to), and the initrd at the
 * top. The boot block must lie low: Linux reads it with its first page tables,
 * which map 1 GiB.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <xen/arch-x86/hvm/start_info.h>

#include "acpi.h"
#include "boot.h"
#include "kernel.h"
#include "log.h"
#include "memory.h"
#include "options.h"

#define MIB			(1ULL << 20)

/**
 * struct boot_block - what start_info points to
 * @info: start_info
 * @module: the initrd
 * @memmap: the memory map
 * @cmdline: the command line
 */
struct boot_block {
	struct hvm_start_info info;
	struct hvm_modlist_entry module;
	struct hvm_memmap_table_entry memmap[MEMORY_MAP_MAX];
	char cmdline[];
};

#define PAGE			0x1000ULL

static uint64_t page_down(uint64_t addr)
{
	return addr & ~(PAGE - 1);
}

static uint64_t mib_up(uint64_t bytes)
{
	return (bytes + MIB - 1) / MIB;
}

static void fill_block(struct boot_block *block, uint64_t addr, const struct options *options,
		       const struct memory *memory, uint64_t initrd, uint64_t initrd_len)
{
	unsigned int i;

	block->info = (struct hvm_start_info) {
		.magic = XEN_HVM_START_MAGIC_VALUE,
		.version = 1,
		.cmdline_paddr = addr + offsetof(struct boot_block, cmdline),
		.rsdp_paddr = ACPI_BASE,
		.memmap_paddr = addr + offsetof(struct boot_block, memmap),
		.memmap_entries = memory->nr_map,
	};
	if (initrd_len) {
		block->info.nr_modules = 1;
		block->info.modlist_paddr = addr + offsetof(struct boot_block, module);
		block->module.paddr = initrd;
		block->module.size = initrd_len;
	}
	for (i = 0; i < memory->nr_map; i++) {
		block->memmap[i] = (struct hvm_memmap_table_entry) {
			.addr = memory->map[i].addr,
			.size = memory->map[i].len,
			.type = memory->map[i].type,
		};
	}
	strcpy(block->cmdline, options->cmdline);
}

static int place(const struct options *options, const struct memory *memory,
		 const struct kernel *kernel, const struct file_map *initrd, struct boot *boot)
{
	uint64_t block_len = sizeof(struct boot_block) + strlen(options->cmdline) + 1;
	uint64_t block_addr = page_down(kernel->end + PAGE - 1);
	/* A page may be lost to alignment. */
	uint64_t need = block_addr + block_len + initrd->len + PAGE;
	uint64_t initrd_addr;

	if (need > LOW_RAM_MAX)
		return fail("the kernel and the initrd need %llu MiB below 3 GiB, which no guest has",
			    (unsigned long long)mib_up(need));
	if (need > memory->low_size)
		return fail("the kernel and the initrd alone need %llu MiB; give more --memory",
			    (unsigned long long)mib_up(need));

	initrd_addr = page_down(memory->low_size - initrd->len);
	kernel_load(kernel, memory);
	if (initrd->len)
		memcpy(memory_at(memory, initrd_addr, initrd->len), initrd->data, initrd->len);
	fill_block(memory_at(memory, block_addr, block_len), block_addr, options, memory,
		   initrd_addr, initrd->len);

	boot->entry = kernel->entry;
	boot->start_info = block_addr;
	return 0;
}

/*
 * A kernel started by PVH is told where the RSDP is. One that another started, by
 * kexec, looks for it where a PC has it.
 */
static int build_acpi(const struct options *options, const struct memory *memory)
{
	uint8_t *tables = memory_at(memory, ACPI_BASE, ACPI_SIZE);

	if (!acpi_build(tables, ACPI_SIZE, ACPI_BASE, options->cpus))
		return fail("%u vCPUs are too many for the ACPI tables", options->cpus);
	memcpy(memory_at(memory, BIOS_BASE, ACPI_RSDP_SIZE), tables, ACPI_RSDP_SIZE);
	return 0;
}

int boot_load(const struct options *options, const struct memory *memory, struct boot *boot)
{
	struct file_map initrd = { 0 };
	struct kernel kernel;
	int ret;

	if (kernel_open(&kernel, options->kernel))
		return -1;
	if (options->initrd && file_map(&initrd, options->initrd, "initrd")) {
		kernel_close(&kernel);
		return -1;
	}

	ret = build_acpi(options, memory);
	if (!ret)
		ret = place(options, memory, &kernel, &initrd, boot);

	if (options->initrd)
		file_unmap(&initrd);
	kernel_close(&kernel);
	return ret;
}
