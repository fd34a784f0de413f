/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_ACCESS_H
#define XENEMU_ACCESS_H

#include <linux/refcount.h>
#include <linux/types.h>

struct page;
struct xenemu_domain;
struct xenemu_vcpu;

/**
 * struct xenemu_page - a page that the kernel and a guest share
 * @ref: references; the last put unpins or frees the page
 * @page: the page
 * @va: where the kernel sees it
 * @gfn: the guest's number of it, XENEMU_INVALID_GFN for a page of our own
 *       that the guest has not given a number yet
 * @pinned: it is the guest's page, pinned; else it is ours
 * @writable: pinned for writing
 *
 * All words in it may be changed by the guest at any time, so they are read
 * once, with READ_ONCE(), and changed with atomics only.
 */
struct xenemu_page {
	refcount_t ref;
	struct page *page;
	void *va;
	u64 gfn;
	bool pinned;
	bool writable;
};

struct xenemu_page *xenemu_page_alloc(void);
struct xenemu_page *xenemu_page_pin(struct xenemu_domain *domain, u64 gfn, bool write);
struct xenemu_page *xenemu_page_get(struct xenemu_page *page);
void xenemu_page_put(struct xenemu_page *page);

int xenemu_access_read_gpa(struct xenemu_domain *domain, u64 gpa, void *dst, size_t len);
int xenemu_access_write_gpa(struct xenemu_domain *domain, u64 gpa, const void *src, size_t len);
int xenemu_access_read(struct xenemu_vcpu *vcpu, u64 gva, void *dst, size_t len);
int xenemu_access_write(struct xenemu_vcpu *vcpu, u64 gva, const void *src, size_t len);

#endif /* XENEMU_ACCESS_H */
