/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Granted pages over a gnttab fd (XENEMU_HOST_OPEN_GNTTAB), whose interface is
 * that of Linux's <xen/gntdev.h>. All functions return 0 or a negative errno.
 */
#ifndef XENEMU_GNTTAB_H
#define XENEMU_GNTTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XENEMU_GNTTAB_PAGE_SIZE	4096

/**
 * struct xenemu_gnttab_map - granted pages that are mapped, one after the other
 * @addr: where; NULL when nothing is mapped
 * @index: the fd's name for the mapping
 * @count: pages
 */
struct xenemu_gnttab_map {
	void *addr;
	uint64_t index;
	uint32_t count;
};

/**
 * struct xenemu_gnttab_copy - one piece of a copy between a grant and a buffer
 * @virt: the caller's memory
 * @domid: granter
 * @ref: grant reference
 * @offset: where in the granted page
 * @len: bytes; @offset + @len must stay in the page
 * @to_grant: from @virt to the grant, else from the grant to @virt
 * @status: out: GNTST_*, 0 when copied
 */
struct xenemu_gnttab_copy {
	void *virt;
	uint32_t domid;
	uint32_t ref;
	uint16_t offset;
	uint16_t len;
	bool to_grant;
	int16_t status;
};

/* Most pieces of one xenemu_gnttab_copy() call. */
#define XENEMU_GNTTAB_COPY_MAX	64

int xenemu_gnttab_map(int fd, uint32_t domid, const uint32_t *refs, unsigned int count,
		      bool writable, struct xenemu_gnttab_map *map);
void xenemu_gnttab_unmap(int fd, struct xenemu_gnttab_map *map);
int xenemu_gnttab_set_unmap_notify(int fd, const struct xenemu_gnttab_map *map, size_t clear_byte,
				   uint32_t port);
int xenemu_gnttab_copy(int fd, struct xenemu_gnttab_copy *pieces, unsigned int count);

#endif /* XENEMU_GNTTAB_H */
