// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gnttab fd: a backend maps and copies what the guest granted to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/falloc.h>
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/gntdev.h>
#include <xen/sys/evtchn.h>

#include "../kselftest_harness.h"
#include "grants.h"

/* Memory of a sealed file. */
#define SEALED_GFN	0x40000
#define SEALED_PAGES	16

static uint64_t now_busy(const volatile struct grant_entry_v1 *entry)
{
	return entry->flags & BUSY;
}

#define MAX_REFS	300

static int map_refs(int fd, const uint32_t *refs, unsigned int count, uint64_t *index)
{
	struct {
		struct ioctl_gntdev_map_grant_ref arg;
		struct ioctl_gntdev_grant_ref more[MAX_REFS];
	} u = { .arg = { .count = count, .index = 0x5555 } };
	struct ioctl_gntdev_grant_ref *ref = u.arg.refs;
	unsigned int i;
	int ret;

	for (i = 0; i < count && i < MAX_REFS; i++) {
		ref[i].domid = 1;
		ref[i].ref = refs ? refs[i] : REF + i;
	}
	ret = xioctl(fd, IOCTL_GNTDEV_MAP_GRANT_REF, &u.arg);
	*index = u.arg.index;
	return ret;
}

static int map_ref(int fd, uint32_t ref, uint64_t *index)
{
	return map_refs(fd, &ref, 1, index);
}

static int unmap_refs(int fd, uint64_t index, unsigned int count)
{
	struct ioctl_gntdev_unmap_grant_ref arg = { .index = index, .count = count };

	return xioctl(fd, IOCTL_GNTDEV_UNMAP_GRANT_REF, &arg);
}

static void *map_pages(int fd, uint64_t index, unsigned int count, int prot)
{
	return mmap(NULL, count * PAGE, prot, MAP_SHARED, fd, index);
}

TEST_F(gnttab, mapped_page_is_the_guests)
{
	uint8_t *guest = vm_ptr(&self->vm, DATA_GFN * PAGE);
	uint64_t index;
	uint8_t *page;

	grant(&self->table[REF], GTF_permit_access, 0, DATA_GFN);
	ASSERT_EQ(0, map_ref(self->fd, REF, &index));
	EXPECT_EQ(0, index);
	page = map_pages(self->fd, index, 1, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, page);
	EXPECT_EQ(BUSY, now_busy(&self->table[REF]));

	guest[5] = 'g';
	EXPECT_EQ('g', page[5]);
	page[6] = 'b';
	EXPECT_EQ('b', guest[6]);

	EXPECT_EQ(-EBUSY, unmap_refs(self->fd, index, 1));
	EXPECT_EQ(0, munmap(page, PAGE));
	EXPECT_EQ(GTF_permit_access, self->table[REF].flags);
	EXPECT_EQ(MAP_FAILED, map_pages(self->fd, index, 1, PROT_READ));
	EXPECT_EQ(-ENOENT, unmap_refs(self->fd, index, 2));
	EXPECT_EQ(0, unmap_refs(self->fd, index, 1));
	EXPECT_EQ(-ENOENT, unmap_refs(self->fd, index, 1));
}

TEST_F(gnttab, pages_are_mapped_in_the_order_given)
{
	static const uint32_t refs[] = { REF + 2, REF, REF + 2, REF + 1 };
	uint64_t index;
	uint8_t *pages;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		grant(&self->table[REF + i], GTF_permit_access, 0, DATA_GFN + i);
		memset(vm_ptr(&self->vm, (DATA_GFN + i) * PAGE), '0' + i, PAGE);
	}
	ASSERT_EQ(0, map_refs(self->fd, refs, 4, &index));
	pages = map_pages(self->fd, index, 4, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, pages);
	for (i = 0; i < 4; i++)
		EXPECT_EQ('0' + refs[i] - REF, pages[i * PAGE + 9]);
	EXPECT_EQ(0, munmap(pages, 4 * PAGE));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, now_busy(&self->table[REF + i]));
}

TEST_F(gnttab, ranges_get_offsets_of_their_own)
{
	uint64_t first, second, third;

	grant(&self->table[REF], GTF_permit_access, 0, DATA_GFN);
	grant(&self->table[REF + 1], GTF_permit_access, 0, DATA_GFN + 1);
	ASSERT_EQ(0, map_refs(self->fd, NULL, 2, &first));
	ASSERT_EQ(0, map_ref(self->fd, REF, &second));
	EXPECT_EQ(0, first);
	EXPECT_EQ(2 * PAGE, second);
	EXPECT_EQ(0, unmap_refs(self->fd, first, 2));
	ASSERT_EQ(0, map_refs(self->fd, NULL, 2, &third));
	EXPECT_EQ(0, third);
	/* The second is still in use, and all of them until the fd is closed. */
	EXPECT_EQ(BUSY, now_busy(&self->table[REF]));
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(0, now_busy(&self->table[REF]));
	EXPECT_EQ(0, now_busy(&self->table[REF + 1]));
}

TEST_F(gnttab, readonly_grant_is_only_read)
{
	uint64_t index;
	uint8_t *page;

	grant(&self->table[REF], GTF_permit_access | GTF_readonly, 0, DATA_GFN);
	ASSERT_EQ(0, map_ref(self->fd, REF, &index));
	EXPECT_EQ(GTF_reading, now_busy(&self->table[REF]));
	EXPECT_EQ(MAP_FAILED, map_pages(self->fd, index, 1, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	page = map_pages(self->fd, index, 1, PROT_READ);
	ASSERT_NE(MAP_FAILED, page);
	EXPECT_EQ(-1, mprotect(page, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, mprotect(page, PAGE, PROT_READ | PROT_EXEC));
	*(char *)vm_ptr(&self->vm, DATA_GFN * PAGE) = 'r';
	EXPECT_EQ('r', page[0]);
	EXPECT_EQ(0, munmap(page, PAGE));
	EXPECT_EQ(GTF_permit_access | GTF_readonly, self->table[REF].flags);
}

TEST_F(gnttab, mapping_for_reading_is_no_use_for_writing)
{
	uint64_t index;
	uint8_t *page;

	grant(&self->table[REF], GTF_permit_access, 0, DATA_GFN);
	ASSERT_EQ(0, map_ref(self->fd, REF, &index));
	page = map_pages(self->fd, index, 1, PROT_READ);
	ASSERT_NE(MAP_FAILED, page);
	EXPECT_EQ(GTF_reading, now_busy(&self->table[REF]));
	EXPECT_EQ(-1, mprotect(page, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, munmap(page, PAGE));
	EXPECT_EQ(GTF_permit_access, self->table[REF].flags);
}

TEST_F(gnttab, refused_references)
{
	uint64_t index;

	EXPECT_EQ(-EINVAL, map_ref(self->fd, REF, &index));
	EXPECT_EQ(-EINVAL, map_ref(self->fd, 512, &index));
	EXPECT_EQ(-EINVAL, map_ref(self->fd, UINT32_MAX, &index));
	grant(&self->table[REF], GTF_permit_access, 2, DATA_GFN);
	EXPECT_EQ(-EINVAL, map_ref(self->fd, REF, &index));
	grant(&self->table[REF], GTF_accept_transfer, 0, DATA_GFN);
	EXPECT_EQ(-EINVAL, map_ref(self->fd, REF, &index));
	grant(&self->table[REF], GTF_transitive, 0, DATA_GFN);
	EXPECT_EQ(-EINVAL, map_ref(self->fd, REF, &index));
	EXPECT_EQ(GTF_transitive, self->table[REF].flags);
	/* There is no memory. */
	grant(&self->table[REF], GTF_permit_access, 0, 0xfffffff);
	EXPECT_EQ(-EINVAL, map_ref(self->fd, REF, &index));
	EXPECT_EQ(GTF_permit_access, self->table[REF].flags);
	EXPECT_EQ(0x5555, index);
}

TEST_F(gnttab, all_references_or_none)
{
	static const uint32_t refs[] = { REF, REF + 1, REF + 2 };
	uint64_t index;

	grant(&self->table[REF], GTF_permit_access, 0, DATA_GFN);
	grant(&self->table[REF + 1], GTF_permit_access, 0, DATA_GFN);
	EXPECT_EQ(-EINVAL, map_refs(self->fd, refs, 3, &index));
	EXPECT_EQ(0, now_busy(&self->table[REF]));
	EXPECT_EQ(0, now_busy(&self->table[REF + 1]));
}

TEST_F(gnttab, refused_counts)
{
	struct ioctl_gntdev_map_grant_ref *end;
	uint64_t index;
	void *page;

	EXPECT_EQ(-EINVAL, map_refs(self->fd, NULL, 0, &index));
	EXPECT_EQ(-EINVAL, map_refs(self->fd, NULL, 65537, &index));
	EXPECT_EQ(-EINVAL, map_refs(self->fd, NULL, UINT32_MAX, &index));

	/* More references than the caller has memory. */
	page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, page);
	munmap(page + PAGE, PAGE);
	grant(&self->table[0], GTF_permit_access, 0, DATA_GFN);
	end = page + PAGE - 24;
	*end = (struct ioctl_gntdev_map_grant_ref) { .count = 2, .refs = { { 1, 0 } } };
	EXPECT_EQ(-EFAULT, xioctl(self->fd, IOCTL_GNTDEV_MAP_GRANT_REF, end));
	EXPECT_EQ(0, now_busy(&self->table[0]));
	EXPECT_EQ(-EFAULT, xioctl(self->fd, IOCTL_GNTDEV_MAP_GRANT_REF, NULL));
	EXPECT_EQ(-ENOTTY, xioctl(self->fd, IOCTL_GNTDEV_DMABUF_EXP_FROM_REFS, page));
	EXPECT_EQ(-ENOTTY, xioctl(self->fd, XENEMU_QUERY, page));
	munmap(page, PAGE);
}

TEST_F(gnttab, refused_mappings)
{
	uint64_t index;
	uint8_t *pages;

	grant(&self->table[REF], GTF_permit_access, 0, DATA_GFN);
	grant(&self->table[REF + 1], GTF_permit_access, 0, DATA_GFN + 1);
	ASSERT_EQ(0, map_refs(self->fd, NULL, 2, &index));
	EXPECT_EQ(MAP_FAILED, map_pages(self->fd, index, 1, PROT_READ));
	EXPECT_EQ(MAP_FAILED, map_pages(self->fd, index, 3, PROT_READ));
	EXPECT_EQ(MAP_FAILED, map_pages(self->fd, index + PAGE, 1, PROT_READ));
	EXPECT_EQ(MAP_FAILED, map_pages(self->fd, index + 5 * PAGE, 2, PROT_READ));
	EXPECT_EQ(MAP_FAILED, map_pages(self->fd, index, 2, PROT_READ | PROT_EXEC));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, self->fd, index));

	pages = map_pages(self->fd, index, 2, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, pages);
	EXPECT_EQ(MAP_FAILED, map_pages(self->fd, index, 2, PROT_READ));
	/* As a whole only. */
	EXPECT_EQ(-1, munmap(pages, PAGE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, mprotect(pages, PAGE, PROT_READ));
	EXPECT_EQ(MAP_FAILED, mremap(pages, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE));
	pages[0] = 1;
	pages[2 * PAGE - 1] = 1;
	EXPECT_EQ(0, munmap(pages, 2 * PAGE));
}

TEST_F(gnttab, mapping_may_move)
{
	struct ioctl_gntdev_get_offset_for_vaddr where = {};
	void *place = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t index, other;
	uint8_t *page;

	grant(&self->table[REF], GTF_permit_access, 0, DATA_GFN);
	ASSERT_EQ(0, map_ref(self->fd, REF, &other));
	ASSERT_EQ(0, map_ref(self->fd, REF, &index));
	page = map_pages(self->fd, index, 1, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, page);
	page = mremap(page, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place);
	ASSERT_EQ(place, page);
	*(char *)vm_ptr(&self->vm, DATA_GFN * PAGE) = 'm';
	EXPECT_EQ('m', page[0]);
	where.vaddr = (uintptr_t)page;
	EXPECT_EQ(0, xioctl(self->fd, IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR, &where));
	EXPECT_EQ(index, where.offset);
	EXPECT_EQ(1, where.count);
	where.vaddr = (uintptr_t)self->vm.memory;
	EXPECT_EQ(-EINVAL, xioctl(self->fd, IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR, &where));
	EXPECT_EQ(0, unmap_refs(self->fd, other, 1));
	EXPECT_EQ(0, munmap(page, PAGE));
	EXPECT_EQ(0, now_busy(&self->table[REF]));
}

TEST_F(gnttab, a_reference_is_mapped_255_times)
{
	uint64_t index[257];
	unsigned int i, n;

	grant(&self->table[REF], GTF_permit_access | GTF_readonly, 0, DATA_GFN);
	for (n = 0; n < 257 && !map_ref(self->fd, REF, &index[n]); n++)
		;
	EXPECT_EQ(255, n);
	for (i = 0; i < n; i++)
		EXPECT_EQ(0, unmap_refs(self->fd, index[i], 1));
	EXPECT_EQ(0, now_busy(&self->table[REF]));
}

TEST_F(gnttab, revoked_page_stays_mapped)
{
	uint8_t *guest = vm_ptr(&self->vm, DATA_GFN * PAGE);
	uint64_t index, other;
	uint8_t *page;

	grant(&self->table[REF], GTF_permit_access, 0, DATA_GFN);
	ASSERT_EQ(0, map_ref(self->fd, REF, &index));
	page = map_pages(self->fd, index, 1, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, page);
	grant(&self->table[REF], 0, 0, DATA_GFN + 1);
	EXPECT_EQ(-EINVAL, map_ref(self->fd, REF, &other));
	guest[0] = 'x';
	EXPECT_EQ('x', page[0]);
	EXPECT_EQ(0, munmap(page, PAGE));
	EXPECT_EQ(0, self->table[REF].flags);
}

TEST_F(gnttab, mapped_page_outlives_the_guest)
{
	uint64_t index, left;
	uint8_t *page;

	grant(&self->table[REF], GTF_permit_access, 0, DATA_GFN);
	ASSERT_EQ(0, map_ref(self->fd, REF, &index));
	ASSERT_EQ(0, map_ref(self->fd, REF, &left));
	page = map_pages(self->fd, index, 1, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, page);
	page[0] = 'z';
	vm_destroy(&self->vm);
	self->vcpu = NULL;
	EXPECT_EQ('z', page[0]);
	page[0] = 'y';
	EXPECT_EQ(-EINVAL, map_ref(self->fd, REF, &left));
	EXPECT_EQ(0, munmap(page, PAGE));
	EXPECT_EQ(0, unmap_refs(self->fd, index, 1));
}

TEST_F(gnttab, mapped_page_outlives_a_hole_in_the_file)
{
	uint64_t index;
	uint8_t *page;

	grant(&self->table[REF], GTF_permit_access, 0, DATA_GFN);
	ASSERT_EQ(0, map_ref(self->fd, REF, &index));
	page = map_pages(self->fd, index, 1, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, page);
	page[0] = 'h';
	ASSERT_EQ(0, fallocate(self->vm.memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       DATA_GFN * PAGE, PAGE));
	EXPECT_EQ('h', page[0]);
	page[1] = 'i';
	EXPECT_EQ(0, *(uint8_t *)vm_ptr(&self->vm, DATA_GFN * PAGE));
	EXPECT_EQ(0, munmap(page, PAGE));
	EXPECT_EQ(0, now_busy(&self->table[REF]));
}

/* Can the kernel get at the page for direct I/O? */
static int pin_user_page(void *page)
{
	struct iovec iov = { page, PAGE };
	int fds[2];
	ssize_t n;
	int ret;

	if (pipe(fds))
		return -errno;
	n = vmsplice(fds[1], &iov, 1, 0);
	ret = n < 0 ? -errno : n == PAGE ? 0 : -EIO;
	close(fds[0]);
	close(fds[1]);
	return ret;
}

TEST_F(gnttab, direct_io_works_on_sealed_memory_only)
{
	struct xenemu_domain_set_memory region = {
		.size = sizeof(region),
		.guest_addr = (uint64_t)SEALED_GFN * PAGE,
		.len = SEALED_PAGES * PAGE,
	};
	int memfd = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	uint64_t index;
	uint8_t *memory, *page, *pages;

	ASSERT_LE(0, memfd);
	ASSERT_EQ(0, ftruncate(memfd, SEALED_PAGES * PAGE));
	memory = mmap(NULL, SEALED_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	ASSERT_NE(MAP_FAILED, memory);
	region.user_addr = (uintptr_t)memory;
	ASSERT_EQ(0, xioctl(self->vm.domain_fd, XENEMU_DOMAIN_SET_MEMORY, &region));
	grant(&self->table[REF], GTF_permit_access, 0, SEALED_GFN + 1);
	grant(&self->table[REF + 1], GTF_permit_access, 0, DATA_GFN);

	ASSERT_EQ(0, map_ref(self->fd, REF, &index));
	page = map_pages(self->fd, index, 1, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, page);
	EXPECT_EQ(-EFAULT, pin_user_page(page));
	EXPECT_EQ(0, munmap(page, PAGE));

	ASSERT_EQ(0, fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE));
	ASSERT_EQ(0, map_ref(self->fd, REF, &index));
	page = map_pages(self->fd, index, 1, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, page);
	EXPECT_EQ(0, pin_user_page(page));
	page[3] = 's';
	EXPECT_EQ('s', memory[PAGE + 3]);
	EXPECT_EQ(-1, fallocate(memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, PAGE));

	/* A range with a page of the other kind is of the other kind. */
	ASSERT_EQ(0, map_refs(self->fd, NULL, 2, &index));
	pages = map_pages(self->fd, index, 2, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, pages);
	EXPECT_EQ(-EFAULT, pin_user_page(pages));
	EXPECT_EQ('s', pages[3]);
	EXPECT_EQ(0, munmap(pages, 2 * PAGE));

	/* The file is there as long as something of it is mapped. */
	munmap(memory, SEALED_PAGES * PAGE);
	close(memfd);
	EXPECT_EQ('s', page[3]);
	EXPECT_EQ(0, pin_user_page(page));
	EXPECT_EQ(0, munmap(page, PAGE));
}

TEST_F(gnttab, killed_backend_lets_go)
{
	int status, fds[2];
	uint64_t index;
	char byte;
	pid_t pid;

	grant(&self->table[REF], GTF_permit_access, 0, DATA_GFN);
	ASSERT_EQ(0, pipe(fds));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		int fd = host_open_fd(self->vm.host_fd, XENEMU_HOST_OPEN_GNTTAB, 0);
		struct ioctl_gntdev_unmap_notify notify = {
			.action = UNMAP_NOTIFY_CLEAR_BYTE,
		};
		uint8_t *page;

		if (map_ref(fd, REF, &index))
			_exit(1);
		page = map_pages(fd, index, 1, PROT_READ | PROT_WRITE);
		if (page == MAP_FAILED)
			_exit(2);
		page[100] = 'k';
		page[101] = 'l';
		notify.index = index + 100;
		if (xioctl(fd, IOCTL_GNTDEV_SET_UNMAP_NOTIFY, &notify))
			_exit(3);
		write(fds[1], "r", 1);
		pause();
	}
	close(fds[1]);
	ASSERT_EQ(1, read(fds[0], &byte, 1));
	close(fds[0]);
	EXPECT_EQ(BUSY, now_busy(&self->table[REF]));
	EXPECT_EQ('k', ((uint8_t *)vm_ptr(&self->vm, DATA_GFN * PAGE))[100]);
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(0, now_busy(&self->table[REF]));
	EXPECT_EQ(0, ((uint8_t *)vm_ptr(&self->vm, DATA_GFN * PAGE))[100]);
	EXPECT_EQ('l', ((uint8_t *)vm_ptr(&self->vm, DATA_GFN * PAGE))[101]);
}

TEST_F(gnttab, child_does_not_inherit_the_mapping)
{
	uint64_t index;
	uint8_t *page;
	int status;
	pid_t pid;

	grant(&self->table[REF], GTF_permit_access, 0, DATA_GFN);
	ASSERT_EQ(0, map_ref(self->fd, REF, &index));
	page = map_pages(self->fd, index, 1, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, page);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		_exit(*(volatile uint8_t *)page);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(BUSY, now_busy(&self->table[REF]));
	EXPECT_EQ(0, munmap(page, PAGE));
}

TEST_F(gnttab, unmap_notifies_the_peer)
{
	struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = 0 };
	struct ioctl_evtchn_bind_interdomain bind = { .remote_domain = 1 };
	struct ioctl_gntdev_unmap_notify notify = { .action = UNMAP_NOTIFY_SEND_EVENT };
	int evtchn = host_open_fd(self->vm.host_fd, XENEMU_HOST_OPEN_EVTCHN, 0);
	unsigned int gfn = DATA_GFN + 8;
	uint8_t *pending = vm_ptr(&self->vm, gfn * PAGE + 2048);
	uint64_t index;
	int port;
	void *page;

	ASSERT_LE(0, evtchn);
	vm_enable_events(&self->vm, gfn);
	ASSERT_EQ(0, hypercall_arg(self->vcpu, __HYPERVISOR_event_channel_op,
				   EVTCHNOP_alloc_unbound, &alloc, sizeof(alloc)));
	bind.remote_port = alloc.port;
	port = xioctl(evtchn, IOCTL_EVTCHN_BIND_INTERDOMAIN, &bind);
	ASSERT_LT(0, port);
	pending[alloc.port / 8] = 0;

	grant(&self->table[REF], GTF_permit_access, 0, DATA_GFN);
	ASSERT_EQ(0, map_ref(self->fd, REF, &index));
	notify.index = index;
	notify.event_channel_port = port + 100;
	EXPECT_EQ(-EINVAL, xioctl(self->fd, IOCTL_GNTDEV_SET_UNMAP_NOTIFY, &notify));
	notify.event_channel_port = port;
	notify.action = 4;
	EXPECT_EQ(-EINVAL, xioctl(self->fd, IOCTL_GNTDEV_SET_UNMAP_NOTIFY, &notify));
	notify.action = UNMAP_NOTIFY_SEND_EVENT;
	notify.index = index + PAGE;
	EXPECT_EQ(-ENOENT, xioctl(self->fd, IOCTL_GNTDEV_SET_UNMAP_NOTIFY, &notify));
	notify.index = index;
	EXPECT_EQ(0, xioctl(self->fd, IOCTL_GNTDEV_SET_UNMAP_NOTIFY, &notify));
	page = map_pages(self->fd, index, 1, PROT_READ);
	ASSERT_NE(MAP_FAILED, page);
	notify.action = UNMAP_NOTIFY_CLEAR_BYTE;
	EXPECT_EQ(-EINVAL, xioctl(self->fd, IOCTL_GNTDEV_SET_UNMAP_NOTIFY, &notify));
	EXPECT_EQ(0, pending[alloc.port / 8]);
	munmap(page, PAGE);
	EXPECT_EQ(1 << alloc.port % 8, pending[alloc.port / 8]);
	close(evtchn);
}

/* ---- copies by the backend ---- */

static int grant_copy(int fd, struct gntdev_grant_copy_segment *seg, unsigned int count)
{
	struct ioctl_gntdev_grant_copy arg = { .count = count, .segments = seg };

	return xioctl(fd, IOCTL_GNTDEV_GRANT_COPY, &arg);
}

TEST_F(gnttab, backend_copies_both_ways)
{
	uint8_t *guest = vm_ptr(&self->vm, DATA_GFN * PAGE);
	char buffer[64] = "from the backend";
	struct gntdev_grant_copy_segment seg[2] = {
		{
			.source.virt = buffer,
			.dest.foreign = { .ref = REF, .offset = 4080, .domid = 1 },
			.len = 16, .flags = GNTCOPY_dest_gref, .status = 99,
		},
		{
			.source.foreign = { .ref = REF, .offset = 4080, .domid = 1 },
			.dest.virt = buffer + 32,
			.len = 16, .flags = GNTCOPY_source_gref, .status = 99,
		},
	};

	grant(&self->table[REF], GTF_permit_access, 0, DATA_GFN);
	EXPECT_EQ(0, grant_copy(self->fd, seg, 2));
	EXPECT_EQ(GNTST_okay, seg[0].status);
	EXPECT_EQ(GNTST_okay, seg[1].status);
	EXPECT_EQ(0, memcmp(guest + 4080, buffer, 16));
	EXPECT_EQ(0, memcmp(buffer + 32, buffer, 16));
	EXPECT_EQ(GTF_permit_access, self->table[REF].flags);

	/* From grant to grant; and the status of each for itself. */
	grant(&self->table[REF + 1], GTF_permit_access | GTF_readonly, 0, DATA_GFN + 1);
	seg[0].source.foreign.ref = REF + 1;
	seg[0].source.foreign.domid = 1;
	seg[0].source.foreign.offset = 0;
	seg[0].flags = GNTCOPY_source_gref | GNTCOPY_dest_gref;
	seg[1].source.foreign.ref = REF + 2;
	EXPECT_EQ(0, grant_copy(self->fd, seg, 2));
	EXPECT_EQ(GNTST_okay, seg[0].status);
	EXPECT_EQ(GNTST_general_error, seg[1].status);
	EXPECT_EQ(0, guest[4080]);
	seg[0].dest.foreign.ref = REF + 1;
	seg[1].source.foreign.domid = 77;
	EXPECT_EQ(0, grant_copy(self->fd, seg, 2));
	EXPECT_EQ(GNTST_general_error, seg[0].status);
	EXPECT_EQ(GNTST_bad_domain, seg[1].status);
	seg[1].source.foreign.domid = 1;
	seg[1].source.foreign.ref = 512;
	EXPECT_EQ(0, grant_copy(self->fd, seg + 1, 1));
	EXPECT_EQ(GNTST_bad_gntref, seg[1].status);
}

TEST_F(gnttab, backend_copies_refused)
{
	char buffer[16];
	struct gntdev_grant_copy_segment good = {
		.source.foreign = { .ref = REF, .domid = 1 },
		.dest.virt = buffer,
		.len = 16, .flags = GNTCOPY_source_gref,
	};
	struct gntdev_grant_copy_segment seg;

	grant(&self->table[REF], GTF_permit_access, 0, DATA_GFN);
	EXPECT_EQ(0, grant_copy(self->fd, NULL, 0));
	EXPECT_EQ(-EFAULT, grant_copy(self->fd, NULL, 1));
	seg = good;
	seg.flags = 0;
	EXPECT_EQ(-EINVAL, grant_copy(self->fd, &seg, 1));
	seg.flags = 4 | GNTCOPY_source_gref;
	EXPECT_EQ(-EINVAL, grant_copy(self->fd, &seg, 1));
	seg = good;
	seg.source.foreign.offset = 4081;
	EXPECT_EQ(-EINVAL, grant_copy(self->fd, &seg, 1));
	seg = good;
	seg.dest.virt = NULL;
	EXPECT_EQ(-EFAULT, grant_copy(self->fd, &seg, 1));
	seg.len = 0;
	EXPECT_EQ(0, grant_copy(self->fd, &seg, 1));
	EXPECT_EQ(0, now_busy(&self->table[REF]));
}

/* ---- races ---- */

struct flipper {
	volatile struct grant_entry_v1 *entry;
	volatile bool stop;
};

static void *flip(void *arg)
{
	struct flipper *f = arg;
	unsigned int n = 1;

	while (!f->stop) {
		n = n * 1103515245 + 12345;
		f->entry->frame = DATA_GFN + (n >> 16) % 4;
		f->entry->flags = n & 0x10000 ? GTF_permit_access : n >> 24;
	}
	return NULL;
}

TEST_F(gnttab, guest_that_flips_its_entries)
{
	struct flipper f = { .entry = &self->table[REF] };
	unsigned int i, mapped = 0;
	uint64_t index;
	pthread_t thread;
	uint8_t *page;

	ASSERT_EQ(0, pthread_create(&thread, NULL, flip, &f));
	for (i = 0; i < 6400 && mapped < 500; i++) {
		/* Let the other thread run, also on a machine with one processor. */
		if (!(i % 64))
			usleep(1);
		if (map_ref(self->fd, REF, &index))
			continue;
		page = map_pages(self->fd, index, 1, PROT_READ);
		if (page != MAP_FAILED) {
			mapped++;
			(void)*(volatile uint8_t *)page;
			munmap(page, PAGE);
		}
		ASSERT_EQ(0, unmap_refs(self->fd, index, 1));
	}
	f.stop = true;
	pthread_join(thread, NULL);
	EXPECT_LT(0, mapped);
	/* Nothing of it is left. */
	grant(&self->table[REF], GTF_permit_access, 0, DATA_GFN);
	EXPECT_EQ(0, map_ref(self->fd, REF, &index));
	EXPECT_EQ(0, unmap_refs(self->fd, index, 1));
	EXPECT_EQ(GTF_permit_access, self->table[REF].flags);
}

struct mapper {
	int fd;
	volatile bool stop;
};

static void *map_and_unmap(void *arg)
{
	struct mapper *m = arg;
	uint64_t index;
	uint8_t *page;

	while (!m->stop) {
		if (map_refs(m->fd, NULL, 4, &index))
			continue;
		page = map_pages(m->fd, index, 4, PROT_READ | PROT_WRITE);
		if (page != MAP_FAILED) {
			page[PAGE]++;
			munmap(page, 4 * PAGE);
		}
		unmap_refs(m->fd, index, 4);
	}
	return NULL;
}

TEST_F(gnttab, frames_move_while_backends_map)
{
	struct mapper m = { .fd = self->fd };
	pthread_t threads[2];
	unsigned int i;

	for (i = 0; i < 4; i++)
		grant(&self->table[REF + i], GTF_permit_access, 0, DATA_GFN + i);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, map_and_unmap, &m));
	for (i = 1; i < 500; i++)
		EXPECT_EQ(0, map_frame(self->vcpu, 0, TABLE_GFN + i % 2));
	m.stop = true;
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	self->table = vm_ptr(&self->vm, (TABLE_GFN + 1) * PAGE);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(GTF_permit_access, self->table[REF + i].flags);
}

TEST_F(gnttab, domain_dies_while_backends_map)
{
	struct mapper m = { .fd = self->fd };
	pthread_t threads[2];
	unsigned int i;

	for (i = 0; i < 4; i++)
		grant(&self->table[REF + i], GTF_permit_access, 0, DATA_GFN + i);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, map_and_unmap, &m));
	usleep(50000);
	vm_destroy(&self->vm);
	self->vcpu = NULL;
	usleep(10000);
	m.stop = true;
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

TEST_F(gnttab, reset_forgets_all_but_seeds)
{
	struct xenemu_domain_seed_grant seed = {
		.size = sizeof(seed), .gref = 1, .domid = 0, .gfn = DATA_GFN + 3,
	};
	struct xenemu_domain_reset reset = { .size = sizeof(reset) };
	uint64_t index, seeded;
	uint8_t *page;

	ASSERT_EQ(0, xioctl(self->vm.domain_fd, XENEMU_DOMAIN_SEED_GRANT, &seed));
	EXPECT_EQ(DATA_GFN + 3, self->table[1].frame);
	grant(&self->table[REF], GTF_permit_access, 0, DATA_GFN);
	ASSERT_EQ(0, map_ref(self->fd, REF, &index));
	page = map_pages(self->fd, index, 1, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, page);

	ASSERT_EQ(0, xioctl(self->vm.domain_fd, XENEMU_DOMAIN_RESET, &reset));
	EXPECT_EQ(-EINVAL, map_ref(self->fd, REF, &seeded));
	ASSERT_EQ(0, map_ref(self->fd, 1, &seeded));
	EXPECT_EQ(-EBUSY, xioctl(self->vm.domain_fd, XENEMU_DOMAIN_SEED_GRANT, &seed));
	EXPECT_EQ(0, unmap_refs(self->fd, seeded, 1));

	/* The same reference again is another grant. */
	memset((void *)self->table, 0, PAGE);
	ASSERT_EQ(0, map_frame(self->vcpu, 0, TABLE_GFN));
	EXPECT_EQ(DATA_GFN + 3, self->table[1].frame);
	grant(&self->table[REF], GTF_permit_access, 0, DATA_GFN + 1);
	ASSERT_EQ(0, map_ref(self->fd, REF, &seeded));
	EXPECT_EQ(0, munmap(page, PAGE));
	EXPECT_EQ(BUSY, now_busy(&self->table[REF]));
	EXPECT_EQ(0, unmap_refs(self->fd, seeded, 1));
	EXPECT_EQ(0, now_busy(&self->table[REF]));
}

TEST_HARNESS_MAIN
