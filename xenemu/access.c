// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one place that reaches into a guest's memory.
 *
 * Hypercall arguments are copied through the VMM's address space, in which the
 * vCPU's thread runs. Pages that the kernel works on at any time and in any
 * context (shared_info, vcpu_info, grant frames, rings, granted pages) are
 * pinned for as long, so that neither the guest nor the VMM can take them away
 * from under us; whoever does has cut off the guest, not the host.
 */
#include "access.h"

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "domain.h"
#include "kvm.h"
#include "vcpu.h"

static struct xenemu_page *new_page(struct page *page, u64 gfn, bool pinned, bool writable)
{
	struct xenemu_page *p;

	p = kmalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	if (!p)
		return NULL;
	refcount_set(&p->ref, 1);
	p->page = page;
	/*
	 * Where page_address() looks the page's section up in its flags, others of these
	 * may change meanwhile; those of the section never do.
	 */
	p->va = data_race(page_address(page));
	p->gfn = gfn;
	p->pinned = pinned;
	p->writable = writable;
	return p;
}

/**
 * xenemu_page_alloc - a page of our own, until the guest gives us one
 *
 * Return: a page full of zeros, or ERR_PTR(-ENOMEM).
 */
struct xenemu_page *xenemu_page_alloc(void)
{
	struct xenemu_page *p;
	struct page *page;

	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!page)
		return ERR_PTR(-ENOMEM);
	p = new_page(page, XENEMU_INVALID_GFN, false, true);
	if (!p) {
		__free_page(page);
		return ERR_PTR(-ENOMEM);
	}
	return p;
}

static int pin(struct mm_struct *mm, unsigned long uaddr, bool write, struct page **page)
{
	unsigned int flags = FOLL_LONGTERM | (write ? FOLL_WRITE : 0);
	long nr;

	if (mm == current->mm) {
		nr = pin_user_pages_fast(uaddr, 1, flags, page);
	} else {
		/* A backend's process, or the VMM's last breath. */
		if (!mmget_not_zero(mm))
			return -EFAULT;
		mmap_read_lock(mm);
		nr = pin_user_pages_remote(mm, uaddr, 1, flags, page, NULL);
		mmap_read_unlock(mm);
		mmput(mm);
	}
	if (nr < 0)
		return nr;
	return nr ? 0 : -EFAULT;
}

/**
 * xenemu_page_pin - adopt a page of the guest
 * @domain: the domain; not dom0
 * @gfn: the frame; any value
 * @write: it will be written
 *
 * Context: process context of any process, may sleep. Takes the mmap lock of
 * the VMM, so no lock that is taken under an mmap lock may be held, and not
 * that mmap lock.
 * Return: the page, or an ERR_PTR(): -ENOENT if no RAM is there, -EACCES if it
 * is read-only, -EFAULT if the VMM has nothing there, -ENOMEM.
 */
struct xenemu_page *xenemu_page_pin(struct xenemu_domain *domain, u64 gfn, bool write)
{
	unsigned long uaddr;
	struct xenemu_page *p;
	struct page *page;
	int ret;

	ret = xenemu_mem_uaddr(domain, gfn, write, &uaddr);
	if (ret)
		return ERR_PTR(ret);
	ret = pin(domain->mm, uaddr, write, &page);
	if (ret)
		return ERR_PTR(ret);
	p = new_page(page, gfn, true, write);
	if (!p) {
		unpin_user_page(page);
		return ERR_PTR(-ENOMEM);
	}
	return p;
}

struct xenemu_page *xenemu_page_get(struct xenemu_page *page)
{
	refcount_inc(&page->ref);
	return page;
}

/**
 * xenemu_page_put - drop a reference
 * @page: the page, or NULL
 *
 * Context: process context, no spinlock held: the last put may sleep.
 */
void xenemu_page_put(struct xenemu_page *page)
{
	if (!page || !refcount_dec_and_test(&page->ref))
		return;
	if (page->pinned)
		unpin_user_pages_dirty_lock(&page->page, 1, page->writable);
	else
		__free_page(page->page);
	kfree(page);
}

/* Where @gpa is in the calling process, and how much of @len is in that page. */
static int locate(struct xenemu_domain *domain, u64 gpa, bool write, size_t *len,
		  void __user **uptr)
{
	unsigned long uaddr;

	if (xenemu_mem_uaddr(domain, PFN_DOWN(gpa), write, &uaddr))
		return -EFAULT;
	*len = min_t(size_t, *len, PAGE_SIZE - offset_in_page(gpa));
	*uptr = (void __user *)(uaddr + offset_in_page(gpa));
	return 0;
}

/**
 * xenemu_access_read_gpa - copy from guest physical memory
 * @domain: the domain, whose VMM is the calling process
 * @gpa: guest physical address; any value
 * @dst: destination
 * @len: bytes
 *
 * Context: process context, may sleep.
 * Return: 0 or -EFAULT.
 */
int xenemu_access_read_gpa(struct xenemu_domain *domain, u64 gpa, void *dst, size_t len)
{
	void __user *uptr;
	size_t chunk;

	for (; len; gpa += chunk, dst += chunk, len -= chunk) {
		chunk = len;
		if (locate(domain, gpa, false, &chunk, &uptr) ||
		    copy_from_user(dst, uptr, chunk))
			return -EFAULT;
	}
	return 0;
}

/**
 * xenemu_access_write_gpa - copy to guest physical memory
 * @domain: the domain, whose VMM is the calling process
 * @gpa: guest physical address; any value
 * @src: source
 * @len: bytes
 *
 * Context: process context, may sleep.
 * Return: 0 or -EFAULT; then some of it may have been written.
 */
int xenemu_access_write_gpa(struct xenemu_domain *domain, u64 gpa, const void *src, size_t len)
{
	void __user *uptr;
	size_t chunk;

	for (; len; gpa += chunk, src += chunk, len -= chunk) {
		chunk = len;
		if (locate(domain, gpa, true, &chunk, &uptr) ||
		    copy_to_user(uptr, src, chunk))
			return -EFAULT;
	}
	return 0;
}

/**
 * xenemu_access_read - copy from guest virtual memory
 * @vcpu: the calling thread's vCPU, not in KVM_RUN
 * @gva: guest virtual address; any value
 * @dst: destination
 * @len: bytes
 *
 * Return: 0 or -EFAULT.
 */
int xenemu_access_read(struct xenemu_vcpu *vcpu, u64 gva, void *dst, size_t len)
{
	size_t chunk;
	u64 gpa;

	for (; len; gva += chunk, dst += chunk, len -= chunk) {
		chunk = min_t(size_t, len, PAGE_SIZE - offset_in_page(gva));
		if (xenemu_kvm_translate(vcpu, gva, &gpa) ||
		    xenemu_access_read_gpa(vcpu->domain, gpa, dst, chunk))
			return -EFAULT;
	}
	return 0;
}

/**
 * xenemu_access_write - copy to guest virtual memory
 * @vcpu: the calling thread's vCPU, not in KVM_RUN
 * @gva: guest virtual address; any value
 * @src: source
 * @len: bytes
 *
 * Return: 0 or -EFAULT; then some of it may have been written.
 */
int xenemu_access_write(struct xenemu_vcpu *vcpu, u64 gva, const void *src, size_t len)
{
	size_t chunk;
	u64 gpa;

	for (; len; gva += chunk, src += chunk, len -= chunk) {
		chunk = min_t(size_t, len, PAGE_SIZE - offset_in_page(gva));
		if (xenemu_kvm_translate(vcpu, gva, &gpa) ||
		    xenemu_access_write_gpa(vcpu->domain, gpa, src, chunk))
			return -EFAULT;
	}
	return 0;
}
