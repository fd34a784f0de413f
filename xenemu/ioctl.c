// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all ioctls have in common: sizes, copies and new file descriptors.
 */
#include "ioctl.h"

#include <linux/anon_inodes.h>
#include <linux/build_bug.h>
#include <linux/minmax.h>
#include <linux/uaccess.h>
#include <xen/interface/xen.h>
#include <xen/interface/event_channel.h>

#include "domain.h"
#include "gnttab.h"
#include "host.h"

/**
 * xenemu_ioctl - serve an ioctl by a table
 * @file: the file descriptor's file
 * @cmd: number of the ioctl
 * @arg: user pointer to the argument structure
 * @ops: the table
 * @nr_ops: its length
 *
 * Context: process context, may sleep.
 * Return: what the row's function returned, or an error of the general format
 * of ioctls, see <linux/xenemu.h>.
 */
long xenemu_ioctl(struct file *file, unsigned int cmd, unsigned long arg,
		  const struct xenemu_ioctl_op *ops, size_t nr_ops)
{
	u64 args[XENEMU_IOCTL_MAX_SIZE / sizeof(u64)];
	struct xenemu_ucmd ucmd = {
		.file = file,
		.args = args,
		.uptr = (void __user *)arg,
	};
	const struct xenemu_ioctl_op *op;
	int ret;

	for (op = ops; op->cmd != cmd; op++) {
		if (op == ops + nr_ops - 1)
			return -ENOTTY;
	}

	if (get_user(ucmd.user_size, (u32 __user *)ucmd.uptr))
		return -EFAULT;
	if (ucmd.user_size < op->min_size)
		return -EINVAL;
	if (ucmd.user_size > PAGE_SIZE)
		return -E2BIG;
	ucmd.size = op->size;
	ret = copy_struct_from_user(args, op->size, ucmd.uptr, ucmd.user_size);
	if (ret)
		return ret;
	return op->fn(&ucmd);
}

/**
 * xenemu_ioctl_respond - copy an argument structure back to its caller
 * @ucmd: the ioctl; the last thing its function does
 *
 * Return: 0 or -EFAULT.
 */
int xenemu_ioctl_respond(struct xenemu_ucmd *ucmd)
{
	if (copy_to_user(ucmd->uptr, ucmd->args, min(ucmd->user_size, ucmd->size)))
		return -EFAULT;
	return 0;
}

/**
 * xenemu_ioctl_query - XENEMU_QUERY, on every fd that has a table
 * @ucmd: the ioctl
 *
 * Return: 0 or an error of the general format.
 */
long xenemu_ioctl_query(struct xenemu_ucmd *ucmd)
{
	struct xenemu_query *query = ucmd->args;

	if (query->flags)
		return -EOPNOTSUPP;

	query->out_features = XENEMU_FEATURE_EVTCHN_2L |
			      XENEMU_FEATURE_GNTTAB_V1 |
			      XENEMU_FEATURE_STORE |
			      XENEMU_FEATURE_STORE_STATE;
	if (IS_ENABLED(CONFIG_KVM_XEN))
		query->out_features |= XENEMU_FEATURE_KVM_XEN;
	query->out_max_vcpus = XENEMU_MAX_VCPUS;
	query->out_max_regions = XENEMU_MAX_REGIONS;
	query->out_max_domains = XENEMU_MAX_DOMAINS;
	query->out_max_evtchn_ports = EVTCHN_2L_NR_CHANNELS;
	query->out_max_grant_frames = XENEMU_MAX_GRANT_FRAMES;
	query->out_vcpu_run_size = sizeof(struct xenemu_vcpu_run);
	query->out_domain_flags = 0;
	query->out_memory_flags = XENEMU_MEMORY_READONLY;
	return xenemu_ioctl_respond(ucmd);
}

/**
 * xenemu_ioctl_new_fd - install an anonymous file
 * @name: its name, as /proc shows it
 * @fops: its operations; the owner is this module, so that a file keeps it loaded
 * @priv: its private data; on success the file's, else still the caller's
 * @flags: O_RDWR and O_NONBLOCK as wanted; O_CLOEXEC always is
 *
 * The last thing that a call does: nothing after it may fail.
 *
 * Return: the new fd or a negative errno.
 */
int xenemu_ioctl_new_fd(const char *name, const struct file_operations *fops,
			void *priv, int flags)
{
	return anon_inode_getfd(name, fops, priv, flags | O_CLOEXEC);
}

/*
 * The interface is the same for 32- and 64-bit callers, and has no hole that
 * could carry bytes of the kernel.
 */
static_assert(sizeof(struct xenemu_query) == 48);
static_assert(sizeof(struct xenemu_host_create_domain) == 56);
static_assert(sizeof(struct xenemu_host_open) == 16);
static_assert(sizeof(struct xenemu_host_save_store) == 48);
static_assert(sizeof(struct xenemu_host_restore_store) == 48);
static_assert(sizeof(struct xenemu_host_pause_store) == 16);
static_assert(sizeof(struct xenemu_domain_set_memory) == 32);
static_assert(sizeof(struct xenemu_memory_map_entry) == 24);
static_assert(sizeof(struct xenemu_domain_set_memory_map) == 24);
static_assert(sizeof(struct xenemu_domain_create_vcpu) == 32);
static_assert(sizeof(struct xenemu_domain_param) == 24);
static_assert(sizeof(struct xenemu_domain_alloc_unbound) == 16);
static_assert(sizeof(struct xenemu_domain_seed_grant) == 24);
static_assert(sizeof(struct xenemu_domain_send_virq) == 16);
static_assert(sizeof(struct xenemu_domain_reset) == 8);
static_assert(sizeof(struct xenemu_domain_add_eventfd) == 16);
static_assert(sizeof(struct xenemu_vcpu_run) == 4096);
static_assert(sizeof(struct xenemu_vcpu_run_arg) == 8);
static_assert(sizeof(struct xenemu_vcpu_hypercall) == 80);
static_assert(sizeof(struct xenemu_vcpu_set_upcall) == 16);
static_assert(sizeof(struct xenemu_vcpu_sync) == 8);
static_assert(sizeof(struct xenemu_store_request) == 48);
static_assert(sizeof(struct xenemu_store_connection) == 16);
