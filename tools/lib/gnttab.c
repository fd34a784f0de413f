// SPDX-License-Identifier: GPL-2.0-only
/*
 * Granted pages over a gnttab fd.
 */
#include "gnttab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* <xen/gntdev.h> is Linux's and takes its types from Xen's own headers. */
#include <xen/xen.h>
#include <xen/grant_table.h>
#include <xen/gntdev.h>

/* Most pages that are mapped without memory from the heap. */
#define STACK_REFS	32

static void forget(int fd, uint64_t index, uint32_t count)
{
	struct ioctl_gntdev_unmap_grant_ref arg = { .index = index, .count = count };

	ioctl(fd, IOCTL_GNTDEV_UNMAP_GRANT_REF, &arg);
}

/**
 * xenemu_gnttab_map() - map granted pages, one after the other
 * @fd: the gnttab fd
 * @domid: granter
 * @refs: grant references
 * @count: number of them, at least 1
 * @writable: map for writing, which a read-only grant refuses
 * @map: out: the mapping
 *
 * All or nothing.
 */
int xenemu_gnttab_map(int fd, uint32_t domid, const uint32_t *refs, unsigned int count,
		      bool writable, struct xenemu_gnttab_map *map)
{
	struct {
		struct ioctl_gntdev_map_grant_ref arg;
		/* The argument holds the first reference. */
		struct ioctl_gntdev_grant_ref more[STACK_REFS - 1];
	} stack;
	struct ioctl_gntdev_map_grant_ref *arg = &stack.arg;
	struct ioctl_gntdev_grant_ref *ref;
	unsigned int i;
	void *addr;
	int ret = 0;

	if (!count)
		return -EINVAL;
	if (count > STACK_REFS) {
		arg = malloc(sizeof(*arg) + (count - 1) * sizeof(*ref));
		if (!arg)
			return -ENOMEM;
	}

	memset(arg, 0, sizeof(*arg));
	arg->count = count;
	ref = (void *)((char *)arg + offsetof(struct ioctl_gntdev_map_grant_ref, refs));
	for (i = 0; i < count; i++) {
		ref[i].domid = domid;
		ref[i].ref = refs[i];
	}
	if (ioctl(fd, IOCTL_GNTDEV_MAP_GRANT_REF, arg) < 0) {
		ret = -errno;
		goto out;
	}

	/* This is when the pages are mapped, so this is what fails for a bad reference. */
	addr = mmap(NULL, (size_t)count * XENEMU_GNTTAB_PAGE_SIZE,
		    PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, arg->index);
	if (addr == MAP_FAILED) {
		ret = -errno;
		forget(fd, arg->index, count);
		goto out;
	}
	map->addr = addr;
	map->index = arg->index;
	map->count = count;
out:
	if (arg != &stack.arg)
		free(arg);
	return ret;
}

/**
 * xenemu_gnttab_unmap() - undo xenemu_gnttab_map()
 * @fd: the gnttab fd
 * @map: the mapping; nothing is done for one that is not mapped
 */
void xenemu_gnttab_unmap(int fd, struct xenemu_gnttab_map *map)
{
	if (!map->addr)
		return;
	munmap(map->addr, (size_t)map->count * XENEMU_GNTTAB_PAGE_SIZE);
	forget(fd, map->index, map->count);
	map->addr = NULL;
}

/**
 * xenemu_gnttab_set_unmap_notify() - have the granter told when we are gone
 * @fd: the gnttab fd
 * @map: a writable mapping
 * @clear_byte: byte of the mapping that is set to 0 when it is unmapped,
 *              however that happens
 * @port: our event channel port to notify then, or 0
 */
int xenemu_gnttab_set_unmap_notify(int fd, const struct xenemu_gnttab_map *map, size_t clear_byte,
				   uint32_t port)
{
	struct ioctl_gntdev_unmap_notify arg = {
		.index = map->index + clear_byte,
		.action = UNMAP_NOTIFY_CLEAR_BYTE | (port ? UNMAP_NOTIFY_SEND_EVENT : 0),
		.event_channel_port = port,
	};

	if (clear_byte >= (size_t)map->count * XENEMU_GNTTAB_PAGE_SIZE)
		return -EINVAL;
	return ioctl(fd, IOCTL_GNTDEV_SET_UNMAP_NOTIFY, &arg) < 0 ? -errno : 0;
}

/**
 * xenemu_gnttab_copy() - copy between granted pages and buffers
 * @fd: the gnttab fd
 * @pieces: what to copy; the status of each is written
 * @count: number of them, at most XENEMU_GNTTAB_COPY_MAX
 *
 * Return: 0 if all were copied, -EIO if some were not.
 */
int xenemu_gnttab_copy(int fd, struct xenemu_gnttab_copy *pieces, unsigned int count)
{
	struct gntdev_grant_copy_segment segs[XENEMU_GNTTAB_COPY_MAX];
	struct ioctl_gntdev_grant_copy arg = { .count = count, .segments = segs };
	unsigned int i;
	int ret = 0;

	if (count > XENEMU_GNTTAB_COPY_MAX)
		return -EINVAL;

	memset(segs, 0, count * sizeof(segs[0]));
	for (i = 0; i < count; i++) {
		struct xenemu_gnttab_copy *p = &pieces[i];
		struct gntdev_grant_copy_segment *s = &segs[i];

		if (p->to_grant) {
			s->source.virt = p->virt;
			s->dest.foreign.ref = p->ref;
			s->dest.foreign.offset = p->offset;
			s->dest.foreign.domid = p->domid;
			s->flags = GNTCOPY_dest_gref;
		} else {
			s->source.foreign.ref = p->ref;
			s->source.foreign.offset = p->offset;
			s->source.foreign.domid = p->domid;
			s->dest.virt = p->virt;
			s->flags = GNTCOPY_source_gref;
		}
		s->len = p->len;
	}
	if (ioctl(fd, IOCTL_GNTDEV_GRANT_COPY, &arg) < 0)
		return -errno;

	for (i = 0; i < count; i++) {
		pieces[i].status = segs[i].status;
		if (segs[i].status != GNTST_okay)
			ret = -EIO;
	}
	return ret;
}
