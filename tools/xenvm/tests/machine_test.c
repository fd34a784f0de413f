// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest finds: ACPI tables, CPUID leaves and the first pages that it
 * reads. Looked at byte by byte, not through the structures that made them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acpi.h"
#include "boot.h"
#include "libxenemu.h"
#include "memory.h"
#include "options.h"
#include "tap.h"
#include "topology.h"

#define ENTRIES		64

bool tap_failed;

static uint64_t get(const uint8_t *at, unsigned int bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | at[bytes];
	return value;
}

static uint8_t sum(const uint8_t *at, size_t len)
{
	uint8_t total = 0;

	while (len--)
		total += *at++;
	return total;
}

/* ---- ACPI ---- */

static uint8_t tables[ACPI_SIZE];

/* The table at a guest address, if it is one and its checksum is right. */
static const uint8_t *find_table(uint64_t addr, const char *signature)
{
	const uint8_t *table = tables + (addr - ACPI_BASE);

	if (addr < ACPI_BASE || addr >= ACPI_BASE + ACPI_SIZE || memcmp(table, signature, 4) ||
	    get(table + 4, 4) > ACPI_BASE + ACPI_SIZE - addr || sum(table, get(table + 4, 4)))
		return NULL;
	return table;
}

static void test_acpi(void)
{
	const uint8_t *xsdt, *fadt, *madt, *dsdt;
	unsigned int i;

	memset(tables, 0, sizeof(tables));
	TAP_CHECK(acpi_build(tables, sizeof(tables), ACPI_BASE, 128));
	TAP_CHECK(!memcmp(tables, "RSD PTR ", 8));
	TAP_EQUAL(sum(tables, 20), 0);
	TAP_EQUAL(sum(tables, 36), 0);
	TAP_EQUAL(tables[15], 2);

	xsdt = find_table(get(tables + 24, 8), "XSDT");
	TAP_CHECK(xsdt);
	if (!xsdt)
		return;
	TAP_EQUAL(get(xsdt + 4, 4), 36 + 2 * 8);
	fadt = find_table(get(xsdt + 36, 8), "FACP");
	madt = find_table(get(xsdt + 44, 8), "APIC");
	TAP_CHECK(fadt && madt);
	if (!fadt || !madt)
		return;

	/* Hardware-reduced, with a reset register. */
	TAP_CHECK(get(fadt + 112, 4) & 1 << 20);
	TAP_CHECK(get(fadt + 112, 4) & 1 << 10);
	TAP_EQUAL(get(fadt + 120, 8), ACPI_PORT_RESET);
	TAP_EQUAL(fadt[128], ACPI_RESET_VALUE);
	TAP_EQUAL(fadt[244], 1);
	TAP_EQUAL(get(fadt + 248, 8), ACPI_PORT_SLEEP_CONTROL);
	TAP_EQUAL(get(fadt + 260, 8), ACPI_PORT_SLEEP_STATUS);
	/* Neither VGA nor a real-time clock: by this Linux knows PVH. */
	TAP_EQUAL(get(fadt + 109, 2), 1 << 2 | 1 << 5);

	dsdt = find_table(get(fadt + 140, 8), "DSDT");
	TAP_CHECK(dsdt && !memcmp(dsdt + 37, "_S5_", 4));

	TAP_EQUAL(get(madt + 4, 4), 44 + 128 * 8);
	TAP_EQUAL(get(madt + 36, 4), APIC_BASE);
	for (i = 0; i < 128; i++) {
		const uint8_t *apic = madt + 44 + 8 * i;

		TAP_CHECK(apic[0] == 0 && apic[1] == 8 && apic[2] == i && apic[3] == i &&
			  get(apic + 4, 4) == 1);
	}
}

static void test_acpi_room(void)
{
	size_t len = acpi_build(tables, sizeof(tables), ACPI_BASE, 128);

	memset(tables, 0, sizeof(tables));
	TAP_EQUAL(acpi_build(tables, len - 1, ACPI_BASE, 128), 0);
	TAP_EQUAL(sum(tables, sizeof(tables)), 0);
	TAP_EQUAL(acpi_build(tables, len, ACPI_BASE, 128), len);
}

/* ---- CPUID ---- */

static struct kvm_cpuid2 *new_cpuid(void)
{
	static const struct kvm_cpuid_entry2 host[] = {
		{ .function = 0, .eax = 0x1f },
		{ .function = 1, .ebx = 0x07040800, .ecx = 1 << 5 },
		{ .function = 4, .index = 0, .eax = 0xfc004121 },
		{ .function = 4, .index = 3, .eax = 0xfc1fc163 },
		{ .function = 4, .index = 4, .eax = 0 },
		{ .function = 0xb, .index = 0, .eax = 1, .ebx = 2, .ecx = 0x100 },
		{ .function = 0xb, .index = 1, .eax = 4, .ebx = 16, .ecx = 0x201 },
		{ .function = 0xb, .index = 2, .ecx = 2 },
		{ .function = 0x40000000, .eax = 0x40000001, .ebx = 0x4b4d564b },
		{ .function = 0x40000001, .eax = 0xffff },
		{ .function = 0x80000001, .ecx = 1 << 2 },
		{ .function = 0x80000008, .eax = 0x3028, .ecx = 0x5abc },
		{ .function = 0x8000001e, .eax = 9, .ebx = 0x109, .ecx = 0x100 },
	};
	struct kvm_cpuid2 *cpuid;

	cpuid = calloc(1, sizeof(*cpuid) + ENTRIES * sizeof(cpuid->entries[0]));
	if (!cpuid)
		abort();
	memcpy(cpuid->entries, host, sizeof(host));
	cpuid->nent = sizeof(host) / sizeof(host[0]);
	return cpuid;
}

static const struct kvm_cpuid_entry2 *leaf(const struct kvm_cpuid2 *cpuid, uint32_t function,
					   uint32_t index)
{
	static const struct kvm_cpuid_entry2 none;
	unsigned int i;

	for (i = 0; i < cpuid->nent; i++) {
		if (cpuid->entries[i].function == function && cpuid->entries[i].index == index)
			return &cpuid->entries[i];
	}
	return &none;
}

static void test_topology(void)
{
	struct kvm_cpuid2 *cpuid = new_cpuid();

	TAP_EQUAL(topology_apply(cpuid, ENTRIES, 5, 6, 1), 0);
	TAP_EQUAL(leaf(cpuid, 1, 0)->ebx, 5 << 24 | 6 << 16 | 0x0800);
	TAP_EQUAL(leaf(cpuid, 1, 0)->ecx, 1 << 21 | 1 << 24);
	TAP_EQUAL(leaf(cpuid, 1, 0)->edx, 1 << 28);
	/* 6 CPUs take 3 bits of an APIC id; the third level of cache is everybody's. */
	TAP_EQUAL(leaf(cpuid, 4, 0)->eax, 7 << 26 | 0 << 14 | 0x121);
	TAP_EQUAL(leaf(cpuid, 4, 3)->eax, 7 << 26 | 7 << 14 | 0x163);
	TAP_EQUAL(leaf(cpuid, 4, 4)->eax, 0);
	TAP_EQUAL(leaf(cpuid, 0xb, 0)->eax, 0);
	TAP_EQUAL(leaf(cpuid, 0xb, 0)->ecx, 1 << 8);
	TAP_EQUAL(leaf(cpuid, 0xb, 1)->eax, 3);
	TAP_EQUAL(leaf(cpuid, 0xb, 1)->ebx, 6);
	TAP_EQUAL(leaf(cpuid, 0xb, 1)->ecx, 2 << 8 | 1);
	TAP_EQUAL(leaf(cpuid, 0xb, 1)->edx, 5);
	TAP_EQUAL(leaf(cpuid, 0xb, 2)->ebx, 0);
	TAP_EQUAL(leaf(cpuid, 0x80000001, 0)->ecx, 1 << 1);
	TAP_EQUAL(leaf(cpuid, 0x80000008, 0)->eax, 0x3028);
	TAP_EQUAL(leaf(cpuid, 0x80000008, 0)->ecx, 0x0a00 | 3 << 12 | 5);
	TAP_EQUAL(leaf(cpuid, 0x8000001e, 0)->eax, 5);
	TAP_EQUAL(leaf(cpuid, 0x8000001e, 0)->ebx, 5);
	free(cpuid);

	cpuid = new_cpuid();
	TAP_EQUAL(topology_apply(cpuid, ENTRIES, 0, 1, 0), 0);
	TAP_EQUAL(leaf(cpuid, 1, 0)->edx, 0);
	TAP_EQUAL(leaf(cpuid, 1, 0)->ecx, 1 << 21);
	TAP_EQUAL(leaf(cpuid, 0xb, 1)->ebx, 1);
	free(cpuid);
}

static void test_cpuid_room(void)
{
	struct kvm_cpuid2 *cpuid = new_cpuid();
	struct xenemu_cpuid config = { .domid = 1 };

	TAP_EQUAL(topology_apply(cpuid, cpuid->nent - 3, 0, 1, 0), -1);
	free(cpuid);
	cpuid = new_cpuid();
	/* Two are taken out before seven are put in. */
	TAP_CHECK(xenemu_cpuid_build(cpuid, cpuid->nent + 4, &config) < 0);
	free(cpuid);
	cpuid = new_cpuid();
	TAP_EQUAL(xenemu_cpuid_build(cpuid, cpuid->nent + 5, &config), 0);
	free(cpuid);
}

static void test_xen_leaves(void)
{
	struct xenemu_cpuid config = { .domid = 7, .vcpu_id = 3, .tsc_khz = 2500000 };
	struct kvm_cpuid2 *cpuid = new_cpuid();
	const struct kvm_cpuid_entry2 *entry;
	uint32_t words[3];

	TAP_EQUAL(xenemu_cpuid_build(cpuid, ENTRIES, &config), 0);
	entry = leaf(cpuid, 0x40000000, 0);
	memcpy(words, (uint32_t[]) { entry->ebx, entry->ecx, entry->edx }, sizeof(words));
	TAP_CHECK(!memcmp(words, "XenVMMXenVMM", 12));
	TAP_EQUAL(entry->eax, 0x40000004);
	TAP_EQUAL(leaf(cpuid, 0x40000001, 0)->eax, 0x40011);
	TAP_EQUAL(leaf(cpuid, 0x40000002, 0)->eax, 1);
	TAP_EQUAL(leaf(cpuid, 0x40000002, 0)->ebx, 0x40000000);
	TAP_CHECK(leaf(cpuid, 1, 0)->ecx & 1U << 31);

	/* 2.5 GHz: a tick is 0.4 ns, as 0.8 (of 2^32) after halving. */
	entry = leaf(cpuid, 0x40000003, 1);
	TAP_EQUAL(entry->ecx, (uint32_t)(0.8 * 4294967296.0));
	TAP_EQUAL((int32_t)entry->edx, -1);
	TAP_EQUAL(leaf(cpuid, 0x40000003, 2)->eax, 2500000);

	/* IOMMU mappings, vCPU number, domain number; no vectors unless asked for. */
	entry = leaf(cpuid, 0x40000004, 0);
	TAP_EQUAL(entry->eax, 1 << 2 | 1 << 3 | 1 << 4);
	TAP_EQUAL(entry->ebx, 3);
	TAP_EQUAL(entry->ecx, 7);
	free(cpuid);

	cpuid = new_cpuid();
	config = (struct xenemu_cpuid) {
		.base = 0x40000100, .hypercall_msr = 0x40000200, .upcall_vector = true,
	};
	TAP_EQUAL(xenemu_cpuid_build(cpuid, ENTRIES, &config), 0);
	TAP_EQUAL(leaf(cpuid, 0x40000000, 0)->function, 0);
	TAP_EQUAL(leaf(cpuid, 0x40000100, 0)->eax, 0x40000104);
	TAP_EQUAL(leaf(cpuid, 0x40000102, 0)->ebx, 0x40000200);
	TAP_CHECK(leaf(cpuid, 0x40000104, 0)->eax & 1 << 6);
	free(cpuid);
}

/* ---- memory and start_info ---- */

static void test_memory(void)
{
	struct memory memory;
	unsigned int i;

	TAP_EQUAL(memory_create(&memory, 5ULL << 30), 0);
	TAP_EQUAL(memory.low_size + memory.high_size, 5ULL << 30);
	TAP_CHECK(memory_at(&memory, 0, memory.low_size) == memory.base);
	TAP_CHECK(!memory_at(&memory, 0, memory.low_size + 1));
	TAP_CHECK(!memory_at(&memory, LOW_RAM_MAX, 1));
	TAP_CHECK(memory_at(&memory, HIGH_RAM_BASE, memory.high_size) ==
		  memory.base + memory.low_size);
	TAP_CHECK(!memory_at(&memory, HIGH_RAM_BASE + memory.high_size, 1));
	TAP_CHECK(memory_at(&memory, STORE_GFN << 12, 0x1000));
	TAP_CHECK(!memory_at(&memory, STORE_GFN << 12, 0x1001));
	TAP_CHECK(!memory_at(&memory, APIC_BASE, 1));
	TAP_CHECK(!memory_at(&memory, UINT64_MAX, 1));
	TAP_CHECK(!memory_at(&memory, 0x1000, UINT64_MAX));
	for (i = 1; i < memory.nr_map; i++)
		TAP_CHECK(memory.map[i - 1].addr + memory.map[i - 1].len <= memory.map[i].addr);
	memory_destroy(&memory);
}

/* A kernel of 64 KiB at 16 MiB. */
static void write_kernel(const char *path)
{
	static const uint8_t note[20] = {
		4, 0, 0, 0, 4, 0, 0, 0, 18, 0, 0, 0, 'X', 'e', 'n', 0, 0x10, 0, 0, 1,
	};
	uint64_t ehdr[8] = { 0x00010102464c457f, 0, 0x1003e0002, 0, 64, 0, 0x0038004000000000, 2 };
	uint64_t load[7] = { 1 | 7ULL << 32, 0, 0, 0x1000000, 196, 0x10000, 4096 };
	uint64_t notes[7] = { 4, 176, 0, 0, sizeof(note), 0, 4 };
	FILE *file = fopen(path, "w");

	if (!file)
		abort();
	fwrite(ehdr, sizeof(ehdr), 1, file);
	fwrite(load, sizeof(load), 1, file);
	fwrite(notes, sizeof(notes), 1, file);
	fwrite(note, sizeof(note), 1, file);
	fclose(file);
}

static void test_boot(void)
{
	char kernel[] = "/tmp/machine_test-XXXXXX";
	int fd = mkstemp(kernel);
	struct options options = { .kernel = kernel, .initrd = kernel, .cmdline = "a b",
				   .cpus = 2 };
	const uint8_t *info, *module, *map;
	struct memory memory;
	struct boot boot;

	if (fd < 0)
		abort();
	close(fd);
	write_kernel(kernel);
	TAP_EQUAL(memory_create(&memory, 4ULL << 30), 0);
	TAP_EQUAL(boot_load(&options, &memory, &boot), 0);
	unlink(kernel);

	TAP_EQUAL(boot.entry, 0x1000010);
	/* Linux can only read what lies below 1 GiB. */
	TAP_CHECK(boot.start_info >= 0x1010000 && boot.start_info < 1 << 30);
	TAP_CHECK(!memcmp(memory_at(&memory, 0x1000000, 4), "\177ELF", 4));

	info = memory_at(&memory, boot.start_info, 56);
	TAP_EQUAL(get(info, 4), 0x336ec578);
	TAP_EQUAL(get(info + 4, 4), 1);
	TAP_EQUAL(get(info + 12, 4), 1);
	TAP_CHECK(!strcmp(memory_at(&memory, get(info + 24, 8), 4), "a b"));
	TAP_CHECK(!memcmp(memory_at(&memory, get(info + 32, 8), 8), "RSD PTR ", 8));
	TAP_EQUAL(get(info + 48, 4), memory.nr_map);

	module = memory_at(&memory, get(info + 16, 8), 16);
	TAP_EQUAL(get(module + 8, 8), 196);
	TAP_CHECK(!memcmp(memory_at(&memory, get(module, 8), 4), "\177ELF", 4));

	map = memory_at(&memory, get(info + 40, 8), 24 * memory.nr_map);
	TAP_EQUAL(get(map, 8), 0);
	TAP_EQUAL(get(map + 8, 8), LOW_RAM_MAX);
	TAP_EQUAL(get(map + 16, 4), 1);
	map += 24 * (memory.nr_map - 1);
	TAP_EQUAL(get(map, 8), HIGH_RAM_BASE);
	TAP_EQUAL(get(map + 8, 8), 1 << 30);
	memory_destroy(&memory);
}

static const struct tap_test tests[] = {
	{ "ACPI: tables of 128 vCPUs", test_acpi },
	{ "ACPI: never more than there is room for", test_acpi_room },
	{ "CPUID: place among the other vCPUs", test_topology },
	{ "CPUID: never more than there is room for", test_cpuid_room },
	{ "CPUID: Xen's leaves", test_xen_leaves },
	{ "RAM around the hole", test_memory },
	{ "start_info and what it points to", test_boot },
};

int main(void)
{
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
