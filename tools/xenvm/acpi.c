// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ACPI tables of a PVH guest, which has local APICs and no other device of
 * a PC: hardware-reduced ACPI with a MADT, and a DSDT that knows how to power
 * off. RSDP, XSDT, FADT, MADT and DSDT lie one after the other.
 */
#include <string.h>

#include "acpi.h"
#include "memory.h"

struct acpi_rsdp {
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum;
	uint8_t reserved[3];
} __attribute__((packed));

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} __attribute__((packed));

struct acpi_gas {
	uint8_t space;
	uint8_t width;
	uint8_t offset;
	uint8_t access;
	uint64_t addr;
} __attribute__((packed));

struct acpi_xsdt {
	struct acpi_header header;
	uint64_t tables[2];
} __attribute__((packed));

/* Members between those that matter here are registers that this machine has not. */
struct acpi_fadt {
	struct acpi_header header;
	uint32_t firmware_ctrl;
	uint32_t dsdt;
	uint8_t registers[65];
	uint16_t boot_flags;
	uint8_t reserved;
	uint32_t flags;
	struct acpi_gas reset_reg;
	uint8_t reset_value;
	uint16_t arm_boot_flags;
	uint8_t minor_revision;
	uint64_t x_firmware_ctrl;
	uint64_t x_dsdt;
	struct acpi_gas x_registers[8];
	struct acpi_gas sleep_control;
	struct acpi_gas sleep_status;
	uint64_t hypervisor;
} __attribute__((packed));

struct acpi_madt {
	struct acpi_header header;
	uint32_t apic;
	uint32_t flags;
} __attribute__((packed));

/* One for each vCPU. Numbers up to 254 need no x2APIC entries. */
struct acpi_madt_apic {
	uint8_t type;
	uint8_t length;
	uint8_t acpi_id;
	uint8_t apic_id;
	uint32_t flags;
} __attribute__((packed));

_Static_assert(sizeof(struct acpi_rsdp) == ACPI_RSDP_SIZE, "RSDP");
_Static_assert(sizeof(struct acpi_header) == 36, "table header");
_Static_assert(sizeof(struct acpi_fadt) == 276, "FADT of ACPI 6");
_Static_assert(sizeof(struct acpi_madt) == 44, "MADT");

#define SPACE_IO		1
#define ACCESS_BYTE		1

/* FADT: what the machine has not, and what it has. */
#define BOOT_NO_VGA		(1U << 2)
#define BOOT_NO_CMOS_RTC	(1U << 5)
#define FLAG_WBINVD		(1U << 0)
#define FLAG_PROC_C1		(1U << 2)
#define FLAG_RESET_REG		(1U << 10)
#define FLAG_HW_REDUCED		(1U << 20)

#define MADT_LOCAL_APIC		0
#define MADT_ENABLED		(1U << 0)

/* Name (_S5, Package () { 5, 0, 0, 0 }) */
static const uint8_t dsdt_code[] = {
	0x08, '_', 'S', '5', '_',
	0x12, 0x07, 0x04, 0x0a, ACPI_SLEEP_TYPE_S5, 0x00, 0x00, 0x00,
};

/* What makes the bytes add up to 0. */
static uint8_t checksum(const void *data, size_t len)
{
	const uint8_t *byte = data;
	uint8_t sum = 0;

	while (len--)
		sum += *byte++;
	return -sum;
}

static void finish(void *table, const char *signature, uint8_t revision, size_t len)
{
	struct acpi_header *header = table;

	memcpy(header->signature, signature, 4);
	header->length = len;
	header->revision = revision;
	memcpy(header->oem_id, "XENEMU", 6);
	memcpy(header->oem_table_id, "XENVM\0\0\0", 8);
	header->oem_revision = 1;
	memcpy(header->creator_id, "XENV", 4);
	header->creator_revision = 1;
	header->checksum = checksum(table, len);
}

static struct acpi_gas byte_port(uint16_t port)
{
	return (struct acpi_gas) {
		.space = SPACE_IO,
		.width = 8,
		.access = ACCESS_BYTE,
		.addr = port,
	};
}

static void build_rsdp(struct acpi_rsdp *rsdp, uint64_t xsdt)
{
	memcpy(rsdp->signature, "RSD PTR ", 8);
	memcpy(rsdp->oem_id, "XENEMU", 6);
	rsdp->revision = 2;
	rsdp->length = sizeof(*rsdp);
	rsdp->xsdt = xsdt;
	/* The first checksum covers what ACPI 1.0 knew. */
	rsdp->checksum = checksum(rsdp, 20);
	rsdp->extended_checksum = checksum(rsdp, sizeof(*rsdp));
}

static void build_fadt(struct acpi_fadt *fadt, uint64_t dsdt)
{
	fadt->boot_flags = BOOT_NO_VGA | BOOT_NO_CMOS_RTC;
	fadt->flags = FLAG_WBINVD | FLAG_PROC_C1 | FLAG_RESET_REG | FLAG_HW_REDUCED;
	fadt->reset_reg = byte_port(ACPI_PORT_RESET);
	fadt->reset_value = ACPI_RESET_VALUE;
	fadt->minor_revision = 1;
	fadt->x_dsdt = dsdt;
	fadt->sleep_control = byte_port(ACPI_PORT_SLEEP_CONTROL);
	fadt->sleep_status = byte_port(ACPI_PORT_SLEEP_STATUS);
	finish(fadt, "FACP", 6, sizeof(*fadt));
}

static size_t build_madt(struct acpi_madt *madt, unsigned int cpus)
{
	struct acpi_madt_apic *apic = (struct acpi_madt_apic *)(madt + 1);
	size_t len = sizeof(*madt) + cpus * sizeof(*apic);
	unsigned int i;

	madt->apic = APIC_BASE;
	for (i = 0; i < cpus; i++) {
		apic[i] = (struct acpi_madt_apic) {
			.type = MADT_LOCAL_APIC,
			.length = sizeof(*apic),
			.acpi_id = i,
			.apic_id = i,
			.flags = MADT_ENABLED,
		};
	}
	finish(madt, "APIC", 4, len);
	return len;
}

static size_t align_table(size_t at)
{
	return (at + 63) & ~(size_t)63;
}

size_t acpi_build(uint8_t *at, size_t room, uint64_t addr, unsigned int cpus)
{
	size_t xsdt = align_table(sizeof(struct acpi_rsdp));
	size_t fadt = align_table(xsdt + sizeof(struct acpi_xsdt));
	size_t madt = align_table(fadt + sizeof(struct acpi_fadt));
	size_t dsdt = align_table(madt + sizeof(struct acpi_madt) +
				  cpus * sizeof(struct acpi_madt_apic));
	size_t end = dsdt + sizeof(struct acpi_header) + sizeof(dsdt_code);
	struct acpi_xsdt *root = (struct acpi_xsdt *)(at + xsdt);

	if (end > room)
		return 0;

	build_rsdp((struct acpi_rsdp *)at, addr + xsdt);

	root->tables[0] = addr + fadt;
	root->tables[1] = addr + madt;
	finish(root, "XSDT", 1, sizeof(*root));

	build_fadt((struct acpi_fadt *)(at + fadt), addr + dsdt);
	build_madt((struct acpi_madt *)(at + madt), cpus);

	memcpy(at + dsdt + sizeof(struct acpi_header), dsdt_code, sizeof(dsdt_code));
	finish(at + dsdt, "DSDT", 2, end - dsdt);
	return end;
}
