/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's RAM and where it is. */
#ifndef XENVM_MEMORY_H
#define XENVM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/xenemu.h>

struct xenemu_vm;

/*
 * The guest's physical addresses, below 4 GiB. RAM past LOW_RAM_MAX goes on at
 * 4 GiB; the hole is where guests put grant frames and the like.
 */
#define BIOS_BASE		0xf0000ULL
#define LOW_RAM_MAX		0xc0000000ULL
#define ACPI_BASE		0xfc000000ULL
#define ACPI_SIZE		0x10000ULL
#define APIC_BASE		0xfee00000ULL
#define APIC_SIZE		0x1000ULL
/* Special pages: those that QEMU's Xen mode has at the same addresses. */
#define SPECIAL_BASE		0xfeff8000ULL
#define SPECIAL_SIZE		0x2000ULL
#define CONSOLE_GFN		0xfeff8ULL
#define STORE_GFN		0xfeff9ULL
/* Pages that KVM needs on Intel, which the guest must leave alone. */
#define IDENTITY_MAP_BASE	0xfeffc000ULL
#define TSS_BASE		0xfeffd000ULL
#define TSS_SIZE		0x3000ULL
#define RESERVED_END		0xff000000ULL
#define HIGH_RAM_BASE		0x100000000ULL

#define MEMORY_MAP_MAX		6

/* Slots of KVM that memory_add() uses; the next ones are free. */
#define MEMORY_SLOTS		4

/**
 * struct memory - the guest's RAM
 * @fd: the memfd that it is
 * @base: where it is mapped
 * @size: its size, with the special pages
 * @low_size: bytes of RAM from 0
 * @high_size: bytes of RAM from 4 GiB
 * @map: the memory map as the guest is told
 * @nr_map: entries of it
 */
struct memory {
	int fd;
	uint8_t *base;
	size_t size;
	uint64_t low_size;
	uint64_t high_size;
	struct xenemu_memory_map_entry map[MEMORY_MAP_MAX];
	unsigned int nr_map;
};

/**
 * memory_create - allocate the guest's RAM
 * @memory: filled in
 * @bytes: how much the user asked for
 *
 * Return: 0, or -1 having said why.
 */
int memory_create(struct memory *memory, uint64_t bytes);
void memory_destroy(struct memory *memory);

/* Register the RAM, and the map, with KVM and xenemu. 0, or -1 having said why. */
int memory_add(const struct memory *memory, struct xenemu_vm *vm);

/**
 * memory_at - find guest memory
 * @memory: the RAM
 * @addr: guest physical address
 * @len: bytes that must be there in one piece
 *
 * Return: where they are mapped, or NULL if they are not RAM.
 */
void *memory_at(const struct memory *memory, uint64_t addr, uint64_t len);

#endif /* XENVM_MEMORY_H */
