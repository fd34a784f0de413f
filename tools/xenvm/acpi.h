/* SPDX-License-Identifier: GPL-2.0-only */
/* The ACPI tables of the guest. */
#ifndef XENVM_ACPI_H
#define XENVM_ACPI_H

#include <stddef.h>
#include <stdint.h>

/* The ports that the FADT names. */
#define ACPI_PORT_SLEEP_CONTROL	0x600
#define ACPI_PORT_SLEEP_STATUS	0x601
#define ACPI_PORT_RESET		0x602

/* Written to the port of the reset register to reset the machine. */
#define ACPI_RESET_VALUE	0x01

/* Sleep control register: what is written there to power off. */
#define ACPI_SLEEP_ENABLE	0x20
#define ACPI_SLEEP_TYPE_SHIFT	2
#define ACPI_SLEEP_TYPE_MASK	0x7
#define ACPI_SLEEP_TYPE_S5	5

/* The RSDP's length in revision 2. */
#define ACPI_RSDP_SIZE		36

/**
 * acpi_build - write the tables
 * @at: where they are mapped; zeros
 * @room: bytes there
 * @addr: guest physical address of @at, below 4 GiB
 * @cpus: number of vCPUs; the APIC id and the ACPI number of each are its number
 *
 * The RSDP is at @addr.
 *
 * Return: bytes used, or 0 if they do not fit.
 */
size_t acpi_build(uint8_t *at, size_t room, uint64_t addr, unsigned int cpus);

#endif /* XENVM_ACPI_H */
