// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel as it is shipped: a bzImage, whose payload is a compressed ELF
 * image, or an ELF file. Both are read with the suspicion that a file deserves.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <asm/bootparam.h>

#include "kernel.h"
#include "log.h"
#include "memory.h"

/* Fields of the setup header lie at these offsets of the file. */
#define SETUP_HEADER		0x1f1
#define SETUP_MAGIC		0x53726448	/* "HdrS" */
#define BOOT_FLAG		0xaa55
/* The first version of the boot protocol that tells where the payload is. */
#define BOOT_PROTOCOL_PAYLOAD	0x0208
#define SECTOR			512UL

/* A kernel that is entered in 32-bit mode cannot lie higher. */
#define ADDR_MAX		(1ULL << 32)

/* XEN_ELFNOTE_PHYS32_ENTRY: where a kernel wants to be entered in 32-bit mode. */
#define NOTE_PHYS32_ENTRY	18
#define NOTE_NAME		"Xen"

int file_map(struct file_map *file, const char *path, const char *what)
{
	struct stat st;
	void *data;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail("cannot open the %s %s: %s", what, path, strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return fail("the %s %s is not a file", what, path);
	}
	if (!st.st_size) {
		close(fd);
		return fail("the %s %s is empty", what, path);
	}

	data = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (data == MAP_FAILED)
		return fail("cannot read the %s %s: %s", what, path, strerror(errno));
	file->data = data;
	file->len = st.st_size;
	return 0;
}

void file_unmap(struct file_map *file)
{
	munmap((void *)file->data, file->len);
}

/*
 * If the file is a bzImage, find its payload. 1 if it is, 0 if not, -1 if it is
 * one that cannot be used.
 */
static int find_payload(const struct file_map *file, const char *path, const uint8_t **payload,
			size_t *len)
{
	struct setup_header header;
	uint64_t start;

	if (file->len < SETUP_HEADER + sizeof(header))
		return 0;
	memcpy(&header, file->data + SETUP_HEADER, sizeof(header));
	if (header.boot_flag != BOOT_FLAG || header.header != SETUP_MAGIC)
		return 0;
	if (header.version < BOOT_PROTOCOL_PAYLOAD)
		return fail("the kernel %s is too old: it does not tell where its payload is",
			    path);

	/* No setup sectors means 4; the boot sector comes before them. */
	start = ((header.setup_sects ? header.setup_sects : 4) + 1) * SECTOR;
	start += header.payload_offset;
	if (!header.payload_length || start > file->len ||
	    header.payload_length > file->len - start)
		return fail("the kernel %s is damaged: it ends before its payload does", path);

	*payload = file->data + start;
	*len = header.payload_length;
	return 1;
}

/**
 * struct elf - an ELF image that is being read
 * @path: file that it came from
 * @data: the image
 * @len: bytes of it
 */
struct elf {
	const char *path;
	const uint8_t *data;
	size_t len;
};

/* A program header of either class, as one of the larger class. */
static Elf64_Phdr get_phdr(const uint8_t *at, bool is_64)
{
	Elf64_Phdr phdr;
	Elf32_Phdr small;

	if (is_64) {
		memcpy(&phdr, at, sizeof(phdr));
		return phdr;
	}
	memcpy(&small, at, sizeof(small));
	return (Elf64_Phdr) {
		.p_type = small.p_type,
		.p_flags = small.p_flags,
		.p_offset = small.p_offset,
		.p_vaddr = small.p_vaddr,
		.p_paddr = small.p_paddr,
		.p_filesz = small.p_filesz,
		.p_memsz = small.p_memsz,
		.p_align = small.p_align,
	};
}

static bool add_segment(struct kernel *kernel, const struct elf *elf, const Elf64_Phdr *phdr)
{
	if (!phdr->p_memsz)
		return true;
	if (kernel->nr_segments == KERNEL_SEGMENTS_MAX || phdr->p_filesz > phdr->p_memsz ||
	    phdr->p_paddr > ADDR_MAX || phdr->p_memsz > ADDR_MAX - phdr->p_paddr)
		return false;

	kernel->segments[kernel->nr_segments++] = (struct kernel_segment) {
		.data = elf->data + phdr->p_offset,
		.len = phdr->p_filesz,
		.addr = phdr->p_paddr,
		.size = phdr->p_memsz,
	};
	if (phdr->p_paddr < kernel->start)
		kernel->start = phdr->p_paddr;
	if (phdr->p_paddr + phdr->p_memsz > kernel->end)
		kernel->end = phdr->p_paddr + phdr->p_memsz;
	return true;
}

/* Look for the entry point among the notes of a PT_NOTE segment. */
static void read_notes(struct kernel *kernel, const uint8_t *at, uint64_t len, uint64_t align)
{
	if (align != 8)
		align = 4;

	while (len >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		uint64_t name, desc, next;

		memcpy(&note, at, sizeof(note));
		name = sizeof(note);
		desc = (name + note.n_namesz + align - 1) & ~(align - 1);
		next = (desc + note.n_descsz + align - 1) & ~(align - 1);
		/* The last one need not be padded. */
		if (desc + note.n_descsz > len)
			return;

		/* Linux makes the value as wide as a pointer; the low half is what counts. */
		if (note.n_type == NOTE_PHYS32_ENTRY && note.n_namesz == sizeof(NOTE_NAME) &&
		    !memcmp(at + name, NOTE_NAME, sizeof(NOTE_NAME)) && note.n_descsz >= 4)
			memcpy(&kernel->entry, at + desc, 4);
		if (next >= len)
			return;
		at += next;
		len -= next;
	}
}

static int read_elf(struct kernel *kernel, const struct elf *elf)
{
	uint64_t phoff, phsize;
	unsigned int phnum, i;
	bool is_64;

	if (elf->len < sizeof(Elf64_Ehdr) || memcmp(elf->data, ELFMAG, SELFMAG) ||
	    elf->data[EI_DATA] != ELFDATA2LSB)
		return fail("%s is no kernel: it is neither a bzImage nor an ELF file", elf->path);

	is_64 = elf->data[EI_CLASS] == ELFCLASS64;
	if (is_64) {
		Elf64_Ehdr ehdr;

		memcpy(&ehdr, elf->data, sizeof(ehdr));
		phoff = ehdr.e_phoff;
		phnum = ehdr.e_phnum;
		phsize = ehdr.e_phentsize == sizeof(Elf64_Phdr) ? sizeof(Elf64_Phdr) : 0;
	} else {
		Elf32_Ehdr ehdr;

		memcpy(&ehdr, elf->data, sizeof(ehdr));
		phoff = ehdr.e_phoff;
		phnum = ehdr.e_phnum;
		phsize = ehdr.e_phentsize == sizeof(Elf32_Phdr) ? sizeof(Elf32_Phdr) : 0;
	}
	if (!phsize || !phnum || phoff > elf->len || phnum * phsize > elf->len - phoff)
		return fail("%s is no kernel: it has no program headers", elf->path);

	kernel->start = UINT64_MAX;
	for (i = 0; i < phnum; i++) {
		Elf64_Phdr phdr = get_phdr(elf->data + phoff + i * phsize, is_64);
		bool ok = phdr.p_offset <= elf->len &&
			  phdr.p_filesz <= elf->len - phdr.p_offset;

		if (phdr.p_type == PT_NOTE && ok)
			read_notes(kernel, elf->data + phdr.p_offset, phdr.p_filesz, phdr.p_align);
		if (phdr.p_type == PT_LOAD && !(ok && add_segment(kernel, elf, &phdr)))
			return fail("the kernel %s is damaged: a segment lies outside of it",
				    elf->path);
	}

	if (!kernel->nr_segments)
		return fail("%s is no kernel: it has nothing to load", elf->path);
	if (!kernel->entry)
		return fail("the kernel %s cannot be started as a PVH guest: it has no PHYS32_ENTRY note (for Linux, set CONFIG_PVH=y)",
			    elf->path);
	if (kernel->entry < kernel->start || kernel->entry >= kernel->end)
		return fail("the kernel %s is damaged: its entry point lies outside of it",
			    elf->path);
	return 0;
}

int kernel_open(struct kernel *kernel, const char *path)
{
	const uint8_t *data;
	const char *error;
	struct elf elf;
	size_t len;
	int ret;

	*kernel = (struct kernel) { 0 };
	if (file_map(&kernel->file, path, "kernel"))
		return -1;
	data = kernel->file.data;
	len = kernel->file.len;

	ret = find_payload(&kernel->file, path, &data, &len);
	if (ret < 0)
		goto err;

	/* Some systems compress plain ELF kernels, without a bzImage around them. */
	if (decompress_name(data, len)) {
		error = decompress(data, len, &kernel->image);
		if (error) {
			fail("the kernel %s (%s) %s", path, decompress_name(data, len), error);
			goto err;
		}
		data = kernel->image.data;
		len = kernel->image.len;
	} else if (ret && (len < SELFMAG || memcmp(data, ELFMAG, SELFMAG))) {
		fail("the kernel %s is compressed in a way that xenvm does not know; use gzip, xz, zstd or lz4",
		     path);
		goto err;
	}

	elf = (struct elf) { .path = path, .data = data, .len = len };
	if (read_elf(kernel, &elf))
		goto err;
	return 0;
err:
	kernel_close(kernel);
	return -1;
}

void kernel_close(struct kernel *kernel)
{
	free(kernel->image.data);
	file_unmap(&kernel->file);
}

void kernel_load(const struct kernel *kernel, const struct memory *memory)
{
	unsigned int i;

	/* Fresh RAM is zero, so what follows a segment's bytes is already. */
	for (i = 0; i < kernel->nr_segments; i++) {
		const struct kernel_segment *segment = &kernel->segments[i];

		memcpy(memory_at(memory, segment->addr, segment->size), segment->data,
		       segment->len);
	}
}
