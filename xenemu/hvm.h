/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_HVM_H
#define XENEMU_HVM_H

#include <linux/types.h>

struct xenemu_domain;

/* Xen's number of HVM_PARAM_*; the kernel's HVM_NR_PARAMS is of an older Xen. */
#define XENEMU_NR_PARAMS	39

int xenemu_hvm_set_param(struct xenemu_domain *domain, u32 index, u64 value);
int xenemu_hvm_get_param(struct xenemu_domain *domain, u32 index, u64 *value);
void xenemu_hvm_reset(struct xenemu_domain *domain);

#endif /* XENEMU_HVM_H */
