// SPDX-License-Identifier: GPL-2.0-only
/*
 * xenemu: a Xen host for KVM guests. Load and unload of the module.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "host.h"

static struct miscdevice xenemu_dev = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "xenemu",
	.fops	= &xenemu_host_fops,
	.mode	= 0600,
};

/* Nothing exists before the first open(), and nothing survives the last close(). */
module_misc_device(xenemu_dev);

MODULE_DESCRIPTION("Xen host for KVM guests");
MODULE_AUTHOR("xenemu maintainers");
MODULE_LICENSE("GPL");
