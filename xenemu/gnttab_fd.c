// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gnttab fd: maps and copies pages that guests granted to one domain, with
 * the interface of Linux's <xen/gntdev.h>.
 *
 * IOCTL_GNTDEV_MAP_GRANT_REF begins to use the grants and pins their pages;
 * mmap() only enters the pages into the address space, and tells the granter
 * when they will only be read. Linux's own driver does all of it in mmap().
 * That is not possible here: mmap() holds the caller's mmap lock, and pinning
 * takes that of the VMM, which are one and the same when a backend is a thread
 * of the VMM. So a bad reference already fails in the ioctl. Each range is
 * mapped once: its grants are given back by munmap(), or, if it was never
 * mapped, by IOCTL_GNTDEV_UNMAP_GRANT_REF, or when the fd is closed.
 *
 * Pages are entered in one of two ways, the same for all pages of a range.
 *
 * If no page can leave the file that it is part of, they are entered as pages:
 * get_user_pages() works on them, and with it direct I/O and registered buffers
 * of io_uring. This takes a memfd sealed against shrinking and against future
 * writes, which includes holes; mappings made before the seals stay writable.
 * The file's inode is held, so that the file does not go either.
 *
 * Else they are entered as frames, without a struct page: system calls that
 * copy work, get_user_pages() is -EFAULT. For a page that is cut off its file,
 * by a hole for memory that a guest gave up or by the end of the VMM, must not
 * be mapped by then; the page cache can undo mappings of the file, but not this
 * one. The page itself is pinned, so that what is mapped stays what it is.
 */
#include "gnttab.h"

#include <linux/compat.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/maple_tree.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <xen/gntdev.h>

#include "access.h"
#include "domain.h"
#include "evtchn.h"
#include "evtchn_port.h"
#include "host.h"
#include "ioctl.h"

/* Most grants that one fd may have in use: 256 MiB of guests' memory. */
#define MAX_GRANTS	65536

/* The offsets that any process can give to mmap(), in pages. */
#define MAX_INDEX	U32_MAX

/**
 * enum map_state - what is being done with a range
 * @MAP_NEW: it is being made; the caller of the ioctl does not know it yet
 * @MAP_READY: its grants are in use; mmap() may map it
 * @MAP_MAPPED: it is mapped
 * @MAP_DONE: it was unmapped, and its grants were given back
 */
enum map_state {
	MAP_NEW,
	MAP_READY,
	MAP_MAPPED,
	MAP_DONE,
};

/**
 * struct mapped - one grant of a range
 * @pin: the use of the grant, with a reference to its domain that outlasts it
 * @inode: the file that the page cannot leave; a reference; NULL if it can
 */
struct mapped {
	struct xenemu_gnttab_pin pin;
	struct inode *inode;
};

/**
 * struct grant_map - grants that are mapped as one range
 * @index: its offset for mmap(), in pages; immutable once @state is MAP_READY
 * @count: number of grants; immutable
 * @as_pages: no page can leave its file; immutable
 * @state: protected, like the following, by the fd's lock
 * @writable: all grants are used for writing
 * @nr_vmas: number of areas that map it: more than one while it is moved, or
 *           when a child inherited it after MADV_DOFORK
 * @clear_byte: zero the byte at @clear_offset when it is unmapped
 * @clear_offset: in bytes
 * @notify: whose peer gets an event when the grants are given back; a
 *          reference; or NULL
 * @grants: the grants
 */
struct grant_map {
	unsigned long index;
	u32 count;
	bool as_pages;

	enum map_state state;
	bool writable;
	u32 nr_vmas;
	bool clear_byte;
	u32 clear_offset;
	struct xenemu_evtchn_consumer *notify;

	struct mapped grants[] __counted_by(count);
};

/**
 * struct gnttab_fd - a gnttab fd
 * @host: the host; a reference
 * @domain: whom the pages must be granted to; a reference
 * @lock: protects what follows. Inside the caller's mmap lock, outside the lock
 *        of a grant table. Nothing that faults or pins user pages may be done
 *        under it
 * @maps: offset to struct grant_map. The maps are the fd's
 * @nr_grants: number of grants in @maps, and in maps that are being made
 */
struct gnttab_fd {
	struct xenemu_host *host;
	struct xenemu_domain *domain;

	struct mutex lock;

	struct maple_tree maps;
	u32 nr_grants;
};

/* What a program is told when its grant is refused. */
static int status_to_errno(int status)
{
	switch (status) {
	case GNTST_okay:
		return 0;
	case GNTST_eagain:
		return -EAGAIN;
	case GNTST_no_space:
		return -ENOMEM;
	default:
		return -EINVAL;
	}
}

/* ---- ranges ---- */

/*
 * The inode of a file that @page cannot leave as long as the inode is there,
 * with a reference; or NULL. Seals are never taken away, and are only set on a
 * memfd while nothing changes its size or makes holes. A memfd's file system is
 * never unmounted, so that its inodes may be held without a file.
 */
static struct inode *get_fixed_inode(struct page *page)
{
	struct folio *folio = page_folio(page);
	struct address_space *mapping;
	struct inode *inode = NULL;
	unsigned int seals;

	folio_lock(folio);
	mapping = folio_mapping(folio);
	if (mapping && shmem_mapping(mapping)) {
		seals = READ_ONCE(SHMEM_I(mapping->host)->seals);
		if (seals & F_SEAL_SHRINK && seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
			inode = igrab(mapping->host);
	}
	folio_unlock(folio);
	return inode;
}

static void unpin_grants(struct grant_map *map, u32 nr_pinned)
{
	while (nr_pinned--)
		xenemu_gnttab_unpin(&map->grants[nr_pinned].pin);
}

/*
 * Give the grants of a range back, and tell the granter if it was asked for.
 * Domains, inodes and the consumer are still held: to let them go could do more
 * than is allowed under an mmap lock.
 */
static void give_back(struct grant_map *map)
{
	unpin_grants(map, map->count);
	if (map->notify)
		xenemu_evtchn_notify_peer(map->notify);
}

static void free_map(struct grant_map *map, u32 nr_pinned)
{
	struct mapped *grant;

	if (map->notify)
		xenemu_evtchn_consumer_put(map->notify);
	while (nr_pinned--) {
		grant = &map->grants[nr_pinned];
		iput(grant->inode);
		xenemu_domain_put(grant->pin.domain);
	}
	kvfree(map);
}

/*
 * Begin to use one grant: for writing if that is allowed, else for reading;
 * which of them is wanted only mmap() will say.
 */
static int pin_grant(struct gnttab_fd *fd, u32 domid, u32 gref, struct mapped *grant)
{
	struct xenemu_domain *domain;
	int status;

	domain = xenemu_host_get_domain(fd->host, domid);
	if (!domain)
		return -EINVAL;

	status = xenemu_gnttab_pin(domain, fd->domain->domid, gref, true, &grant->pin);
	if (status == GNTST_general_error || status == GNTST_bad_page)
		status = xenemu_gnttab_pin(domain, fd->domain->domid, gref, false, &grant->pin);
	if (status != GNTST_okay) {
		xenemu_domain_put(domain);
		return status_to_errno(status);
	}
	grant->inode = get_fixed_inode(grant->pin.page->page);
	return 0;
}

/* Make a range of the @map->count references at @refs. */
static int pin_grants(struct gnttab_fd *fd, struct grant_map *map,
		      struct ioctl_gntdev_grant_ref __user *refs)
{
	struct ioctl_gntdev_grant_ref ref;
	int ret;
	u32 i;

	map->writable = true;
	map->as_pages = true;
	for (i = 0; i < map->count; i++) {
		ret = -EINTR;
		if (fatal_signal_pending(current))
			goto err_unpin;
		ret = -EFAULT;
		if (copy_from_user(&ref, refs + i, sizeof(ref)))
			goto err_unpin;
		ret = pin_grant(fd, ref.domid, ref.ref, &map->grants[i]);
		if (ret)
			goto err_unpin;
		map->writable &= map->grants[i].pin.write;
		map->as_pages &= !!map->grants[i].inode;
		cond_resched();
	}
	return 0;

err_unpin:
	unpin_grants(map, i);
	free_map(map, i);
	return ret;
}

static int reserve_grants(struct gnttab_fd *fd, u32 count)
{
	int ret = -ENOSPC;

	mutex_lock(&fd->lock);
	if (count <= MAX_GRANTS - fd->nr_grants) {
		fd->nr_grants += count;
		ret = 0;
	}
	mutex_unlock(&fd->lock);
	return ret;
}

static void release_grants(struct gnttab_fd *fd, u32 count)
{
	mutex_lock(&fd->lock);
	fd->nr_grants -= count;
	mutex_unlock(&fd->lock);
}

/* Give the range an offset. Nobody can do anything with it yet. */
static int add_map(struct gnttab_fd *fd, struct grant_map *map)
{
	int ret;

	mutex_lock(&fd->lock);
	ret = mtree_alloc_range(&fd->maps, &map->index, map, map->count, 0, MAX_INDEX,
				GFP_KERNEL_ACCOUNT);
	mutex_unlock(&fd->lock);
	return ret == -EBUSY ? -ENOSPC : ret;
}

static long map_grant_ref(struct gnttab_fd *fd, struct ioctl_gntdev_map_grant_ref __user *uarg)
{
	struct grant_map *map;
	u64 offset;
	u32 count;
	int ret;

	if (get_user(count, &uarg->count))
		return -EFAULT;
	if (!count || count > MAX_GRANTS)
		return -EINVAL;
	if (READ_ONCE(fd->domain->dead))
		return -ENODEV;

	ret = reserve_grants(fd, count);
	if (ret)
		return ret;
	ret = -ENOMEM;
	map = kvzalloc(struct_size(map, grants, count), GFP_KERNEL_ACCOUNT);
	if (!map)
		goto err_release;
	map->count = count;
	ret = pin_grants(fd, map, uarg->refs);
	if (ret)
		goto err_release;
	ret = add_map(fd, map);
	if (ret)
		goto err_free_map;

	offset = (u64)map->index << PAGE_SHIFT;
	if (copy_to_user(&uarg->index, &offset, sizeof(offset))) {
		ret = -EFAULT;
		goto err_del_map;
	}
	mutex_lock(&fd->lock);
	map->state = MAP_READY;
	mutex_unlock(&fd->lock);
	return 0;

err_del_map:
	mutex_lock(&fd->lock);
	mtree_erase(&fd->maps, map->index);
	mutex_unlock(&fd->lock);
err_free_map:
	unpin_grants(map, count);
	free_map(map, count);
err_release:
	release_grants(fd, count);
	return ret;
}

static long unmap_grant_ref(struct gnttab_fd *fd,
			    struct ioctl_gntdev_unmap_grant_ref __user *uarg)
{
	struct ioctl_gntdev_unmap_grant_ref arg;
	struct grant_map *map;
	int ret = 0;

	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return -EFAULT;
	if (offset_in_page(arg.index))
		return -EINVAL;

	mutex_lock(&fd->lock);
	map = mtree_load(&fd->maps, arg.index >> PAGE_SHIFT);
	if (!map || map->index != arg.index >> PAGE_SHIFT || map->count != arg.count ||
	    map->state == MAP_NEW) {
		ret = -ENOENT;
	} else if (map->state == MAP_MAPPED) {
		ret = -EBUSY;
	} else {
		mtree_erase(&fd->maps, map->index);
		fd->nr_grants -= map->count;
	}
	mutex_unlock(&fd->lock);
	if (ret)
		return ret;

	if (map->state == MAP_READY)
		give_back(map);
	free_map(map, map->count);
	return 0;
}

/*
 * The event goes to the peer of a port that an evtchn fd of the same domain has.
 * When that fd has been closed by then, the peer has been told in its way.
 */
static long set_unmap_notify(struct gnttab_fd *fd,
			     struct ioctl_gntdev_unmap_notify __user *uarg)
{
	struct xenemu_evtchn_consumer *notify = NULL;
	struct ioctl_gntdev_unmap_notify arg;
	struct grant_map *map;
	int ret = 0;

	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return -EFAULT;
	if (arg.action & ~(UNMAP_NOTIFY_CLEAR_BYTE | UNMAP_NOTIFY_SEND_EVENT))
		return -EINVAL;
	if (arg.action & UNMAP_NOTIFY_SEND_EVENT) {
		notify = xenemu_evtchn_get_consumer(fd->domain, arg.event_channel_port);
		if (!notify)
			return -EINVAL;
	}

	mutex_lock(&fd->lock);
	map = mtree_load(&fd->maps, arg.index >> PAGE_SHIFT);
	if (!map || map->state == MAP_NEW || map->state == MAP_DONE) {
		ret = -ENOENT;
	} else if (arg.action & UNMAP_NOTIFY_CLEAR_BYTE && !map->writable) {
		ret = -EINVAL;
	} else {
		map->clear_byte = arg.action & UNMAP_NOTIFY_CLEAR_BYTE;
		map->clear_offset = arg.index - ((u64)map->index << PAGE_SHIFT);
		swap(map->notify, notify);
	}
	mutex_unlock(&fd->lock);

	if (notify)
		xenemu_evtchn_consumer_put(notify);
	return ret;
}

/* ---- mapping ---- */

static void map_vma_open(struct vm_area_struct *vma)
{
	struct gnttab_fd *fd = vma->vm_file->private_data;
	struct grant_map *map = vma->vm_private_data;

	mutex_lock(&fd->lock);
	map->nr_vmas++;
	mutex_unlock(&fd->lock);
}

/* The pages are out of the address space already. */
static void map_vma_close(struct vm_area_struct *vma)
{
	struct gnttab_fd *fd = vma->vm_file->private_data;
	struct grant_map *map = vma->vm_private_data;
	u8 *page;

	mutex_lock(&fd->lock);
	if (!--map->nr_vmas) {
		if (map->clear_byte) {
			page = map->grants[map->clear_offset >> PAGE_SHIFT].pin.page->va;
			WRITE_ONCE(page[offset_in_page(map->clear_offset)], 0);
		}
		give_back(map);
		map->state = MAP_DONE;
	}
	mutex_unlock(&fd->lock);
}

/* A range is mapped, moved and unmapped as a whole. */
static int map_vma_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	return -EINVAL;
}

/*
 * There is no fault handler: all pages are there from the beginning. A program
 * that drops them with madvise() gets SIGBUS for it.
 */
static const struct vm_operations_struct map_vm_ops = {
	.open		= map_vma_open,
	.close		= map_vma_close,
	.may_split	= map_vma_may_split,
};

static int enter_page(struct vm_area_struct *vma, unsigned long addr, struct page *page,
		      bool as_page)
{
	vm_fault_t fault;

	if (as_page)
		return vm_insert_page(vma, addr, page);
	fault = vmf_insert_pfn(vma, addr, page_to_pfn(page));
	if (fault & VM_FAULT_ERROR)
		return vm_fault_to_errno(fault, 0);
	return 0;
}

/* On failure the caller of mmap() undoes what was entered. */
static int enter_pages(struct vm_area_struct *vma, struct grant_map *map)
{
	unsigned long addr = vma->vm_start;
	int ret;
	u32 i;

	for (i = 0; i < map->count; i++, addr += PAGE_SIZE) {
		ret = enter_page(vma, addr, map->grants[i].pin.page->page, map->as_pages);
		if (ret)
			return ret;
	}
	return 0;
}

static int map_range(struct gnttab_fd *fd, struct vm_area_struct *vma)
{
	bool write = vma->vm_flags & VM_WRITE;
	struct grant_map *map;
	int ret;
	u32 i;

	lockdep_assert_held(&fd->lock);

	map = mtree_load(&fd->maps, vma->vm_pgoff);
	if (!map || map->index != vma->vm_pgoff || map->count != vma_pages(vma) ||
	    map->state != MAP_READY)
		return -EINVAL;
	if (write && !map->writable)
		return -EACCES;

	vm_flags_mod(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP |
			  (map->as_pages ? VM_MIXEDMAP : VM_PFNMAP),
		     VM_MAYEXEC | (write ? 0 : VM_MAYWRITE));
	ret = enter_pages(vma, map);
	if (ret)
		return ret;

	if (!write) {
		map->writable = false;
		map->clear_byte = false;
		for (i = 0; i < map->count; i++) {
			if (map->grants[i].pin.write)
				xenemu_gnttab_downgrade(&map->grants[i].pin);
		}
	}
	map->state = MAP_MAPPED;
	map->nr_vmas = 1;
	vma->vm_private_data = map;
	vma->vm_ops = &map_vm_ops;
	return 0;
}

static int gnttab_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct gnttab_fd *fd = file->private_data;
	int ret;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EACCES;

	mutex_lock(&fd->lock);
	ret = map_range(fd, vma);
	mutex_unlock(&fd->lock);
	return ret;
}

static long get_offset_for_vaddr(struct file *file,
				 struct ioctl_gntdev_get_offset_for_vaddr __user *uarg)
{
	struct ioctl_gntdev_get_offset_for_vaddr arg;
	struct vm_area_struct *vma;
	struct grant_map *map;
	int ret = -EINVAL;

	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return -EFAULT;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, arg.vaddr);
	if (vma && vma->vm_ops == &map_vm_ops && vma->vm_file == file &&
	    vma->vm_start == arg.vaddr) {
		map = vma->vm_private_data;
		arg.offset = (u64)map->index << PAGE_SHIFT;
		arg.count = map->count;
		arg.pad = 0;
		ret = 0;
	}
	mmap_read_unlock(current->mm);

	if (!ret && copy_to_user(uarg, &arg, sizeof(arg)))
		return -EFAULT;
	return ret;
}

/* ---- copying ---- */

/**
 * struct copy_end - one end of a copy
 * @granted: it is a grant, else a buffer of the caller's
 * @virt: the buffer
 * @domid: the granter, if @granted, as the following
 * @gref: the reference
 * @offset: where in the granted page
 * @pin: the use of the grant, while it is pinned
 * @pinned: it is pinned
 */
struct copy_end {
	bool granted;
	void __user *virt;
	u16 domid;
	u32 gref;
	u16 offset;
	struct xenemu_gnttab_pin pin;
	bool pinned;
};

static struct copy_end make_end(const struct gntdev_grant_copy_segment *seg, bool is_source,
				bool compat)
{
	const typeof(seg->source) *ptr = is_source ? &seg->source : &seg->dest;
	struct copy_end end = {
		.granted = seg->flags & (is_source ? GNTCOPY_source_gref : GNTCOPY_dest_gref),
	};

	if (end.granted) {
		end.domid = ptr->foreign.domid;
		end.gref = ptr->foreign.ref;
		end.offset = ptr->foreign.offset;
	} else {
		end.virt = compat ? compat_ptr((uintptr_t)ptr->virt) : ptr->virt;
	}
	return end;
}

/* Returns GNTST_*. */
static int copy_end_pin(struct gnttab_fd *fd, struct copy_end *end, bool write)
{
	struct xenemu_domain *domain;
	int status;

	if (!end->granted)
		return GNTST_okay;

	if (end->domid == DOMID_SELF)
		domain = xenemu_domain_get(fd->domain);
	else
		domain = xenemu_host_get_domain(fd->host, end->domid);
	if (!domain)
		return GNTST_bad_domain;
	status = xenemu_gnttab_pin(domain, fd->domain->domid, end->gref, write, &end->pin);
	if (status != GNTST_okay)
		xenemu_domain_put(domain);
	else
		end->pinned = true;
	return status;
}

static void copy_end_unpin(struct copy_end *end)
{
	struct xenemu_domain *domain = end->pin.domain;

	if (!end->pinned)
		return;
	xenemu_gnttab_unpin(&end->pin);
	xenemu_domain_put(domain);
}

static void *copy_end_va(const struct copy_end *end)
{
	return end->pin.page->va + end->offset;
}

/* The bytes of a copy whose grants are pinned. Returns 0 or -EFAULT. */
static int copy_bytes(const struct copy_end *source, const struct copy_end *dest, u16 len)
{
	unsigned long left = 0;

	if (!source->granted)
		left = copy_from_user(copy_end_va(dest), source->virt, len);
	else if (!dest->granted)
		left = copy_to_user(dest->virt, copy_end_va(source), len);
	else
		/* They may be one page. */
		memmove(copy_end_va(dest), copy_end_va(source), len);
	return left ? -EFAULT : 0;
}

/* Returns 0 with a GNTST_* in @status, or -EFAULT for a bad buffer. */
static int copy_pinned(struct gnttab_fd *fd, struct copy_end *source, struct copy_end *dest,
		       u16 len, s16 *status)
{
	int ret = 0;

	*status = GNTST_okay;
	if (!len)
		return 0;
	*status = copy_end_pin(fd, source, false);
	if (*status == GNTST_okay)
		*status = copy_end_pin(fd, dest, true);
	if (*status == GNTST_okay)
		ret = copy_bytes(source, dest, len);
	copy_end_unpin(dest);
	copy_end_unpin(source);
	return ret;
}

/*
 * A segment has the same size for 32-bit callers, and all but @virt is in the
 * same place.
 */
static int copy_segment(struct gnttab_fd *fd, struct gntdev_grant_copy_segment __user *useg,
			bool compat)
{
	struct gntdev_grant_copy_segment seg;
	struct copy_end source, dest;
	s16 status;
	int ret;

	if (copy_from_user(&seg, useg, sizeof(seg)))
		return -EFAULT;
	if (!seg.flags || seg.flags & ~(GNTCOPY_source_gref | GNTCOPY_dest_gref))
		return -EINVAL;

	source = make_end(&seg, true, compat);
	dest = make_end(&seg, false, compat);
	if (source.offset + seg.len > PAGE_SIZE || dest.offset + seg.len > PAGE_SIZE)
		return -EINVAL;

	ret = copy_pinned(fd, &source, &dest, seg.len, &status);
	if (ret)
		return ret;
	return put_user(status, &useg->status);
}

static long grant_copy(struct gnttab_fd *fd, struct gntdev_grant_copy_segment __user *segs,
		       u32 count, bool compat)
{
	int ret;
	u32 i;

	if (READ_ONCE(fd->domain->dead))
		return -ENODEV;

	for (i = 0; i < count; i++) {
		if (fatal_signal_pending(current))
			return -EINTR;
		ret = copy_segment(fd, segs + i, compat);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

static long native_grant_copy(struct gnttab_fd *fd, struct ioctl_gntdev_grant_copy __user *uarg)
{
	struct ioctl_gntdev_grant_copy arg;

	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return -EFAULT;
	return grant_copy(fd, arg.segments, arg.count, false);
}

/* ---- the fd ---- */

static long gnttab_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct gnttab_fd *fd = file->private_data;
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case IOCTL_GNTDEV_MAP_GRANT_REF:
		return map_grant_ref(fd, uarg);
	case IOCTL_GNTDEV_UNMAP_GRANT_REF:
		return unmap_grant_ref(fd, uarg);
	case IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR:
		return get_offset_for_vaddr(file, uarg);
	case IOCTL_GNTDEV_SET_UNMAP_NOTIFY:
		return set_unmap_notify(fd, uarg);
	case IOCTL_GNTDEV_GRANT_COPY:
		return native_grant_copy(fd, uarg);
	default:
		return -ENOTTY;
	}
}

/* As a 32-bit program lays struct ioctl_gntdev_grant_copy out. */
struct compat_gntdev_grant_copy {
	u32 count;
	compat_uptr_t segments;
};

#define COMPAT_IOCTL_GNTDEV_GRANT_COPY \
	_IOC(_IOC_NONE, 'G', 8, sizeof(struct compat_gntdev_grant_copy))

static long gnttab_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct compat_gntdev_grant_copy copy;

	if (cmd != COMPAT_IOCTL_GNTDEV_GRANT_COPY)
		return gnttab_ioctl(file, cmd, (unsigned long)compat_ptr(arg));
	if (copy_from_user(&copy, compat_ptr(arg), sizeof(copy)))
		return -EFAULT;
	return grant_copy(file->private_data, compat_ptr(copy.segments), copy.count, true);
}

/* What is mapped holds the file, so nothing is mapped now. */
static int gnttab_release(struct inode *inode, struct file *file)
{
	struct gnttab_fd *fd = file->private_data;
	unsigned long index = 0;
	struct grant_map *map;

	mt_for_each(&fd->maps, map, index, ULONG_MAX) {
		if (map->state == MAP_READY)
			give_back(map);
		free_map(map, map->count);
		cond_resched();
	}
	mtree_destroy(&fd->maps);
	mutex_destroy(&fd->lock);
	xenemu_domain_put(fd->domain);
	xenemu_host_put(fd->host);
	kfree(fd);
	return 0;
}

static const struct file_operations gnttab_fops = {
	.owner		= THIS_MODULE,
	.release	= gnttab_release,
	.mmap		= gnttab_mmap,
	.unlocked_ioctl	= gnttab_ioctl,
	.compat_ioctl	= gnttab_compat_ioctl,
	.llseek		= noop_llseek,
};

/**
 * xenemu_gnttab_open - XENEMU_HOST_OPEN_GNTTAB
 * @host: the host
 * @domid: the domain whose grants the fd may use; any value
 *
 * Return: a new fd, -ENOENT for a domain that does not exist, or -ENOMEM.
 */
int xenemu_gnttab_open(struct xenemu_host *host, u32 domid)
{
	struct gnttab_fd *fd;
	int ret;

	fd = kzalloc(sizeof(*fd), GFP_KERNEL_ACCOUNT);
	if (!fd)
		return -ENOMEM;
	fd->domain = xenemu_host_get_domain(host, domid);
	if (!fd->domain) {
		ret = -ENOENT;
		goto err_free;
	}
	fd->host = xenemu_host_get(host);
	mutex_init(&fd->lock);
	mt_init_flags(&fd->maps, MT_FLAGS_ALLOC_RANGE);

	ret = xenemu_ioctl_new_fd("xenemu-gnttab", &gnttab_fops, fd, O_RDWR);
	if (ret < 0)
		goto err_put;
	return ret;

err_put:
	mutex_destroy(&fd->lock);
	xenemu_domain_put(fd->domain);
	xenemu_host_put(fd->host);
err_free:
	kfree(fd);
	return ret;
}
