/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_SLAB_H
#define XENEMU_UNIT_SLAB_H

#include <linux/gfp.h>
#include <linux/kernel.h>

/* Fails when shim_fail_nth says so; see shim.h. */
void *shim_alloc(size_t size, gfp_t gfp);
void *shim_realloc(const void *ptr, size_t size, gfp_t gfp);
void shim_free(const void *ptr);

#define kmalloc(size, gfp) shim_alloc(size, gfp)
#define kzalloc(size, gfp) shim_alloc(size, (gfp) | __GFP_ZERO)
#define kmalloc_array(n, size, gfp) shim_alloc((size_t)(n) * (size), gfp)
#define kcalloc(n, size, gfp) shim_alloc((size_t)(n) * (size), (gfp) | __GFP_ZERO)
#define kvmalloc(size, gfp) kmalloc(size, gfp)
#define kvzalloc(size, gfp) kzalloc(size, gfp)
#define kvmalloc_array(n, size, gfp) kmalloc_array(n, size, gfp)
#define kvcalloc(n, size, gfp) kcalloc(n, size, gfp)
#define kvrealloc(ptr, size, gfp) shim_realloc(ptr, size, gfp)
#define kfree(ptr) shim_free(ptr)
#define kvfree(ptr) shim_free(ptr)

#endif
