/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_IOCTL_H
#define XENEMU_IOCTL_H

#include <linux/fs.h>
#include <linux/stddef.h>
#include <linux/xenemu.h>

/* More than any argument structure; xenemu_ioctl() keeps one on its stack. */
#define XENEMU_IOCTL_MAX_SIZE	128

/**
 * struct xenemu_ucmd - an ioctl being served
 * @file: the file descriptor's file
 * @args: the argument structure, copied and checked for size
 * @uptr: where it came from
 * @user_size: its size as the caller knows it
 * @size: its size as this kernel knows it
 */
struct xenemu_ucmd {
	struct file *file;
	void *args;
	void __user *uptr;
	u32 user_size;
	u32 size;
};

/**
 * struct xenemu_ioctl_op - one row of a file descriptor's table of ioctls
 * @cmd: XENEMU_*
 * @size: size of the argument structure that this kernel knows
 * @min_size: end of its last member that has always been there
 * @fn: serves it; sees kernel memory only. Returns 0, a new fd or an errno
 *
 * A row whose @fn writes outputs calls xenemu_ioctl_respond() last.
 */
struct xenemu_ioctl_op {
	unsigned int cmd;
	u32 size;
	u32 min_size;
	long (*fn)(struct xenemu_ucmd *ucmd);
};

#define XENEMU_IOCTL_OP(_cmd, _struct, _last, _fn) {			\
	.cmd = (_cmd),							\
	.size = sizeof(struct _struct) +				\
		BUILD_BUG_ON_ZERO(sizeof(struct _struct) > XENEMU_IOCTL_MAX_SIZE), \
	.min_size = offsetofend(struct _struct, _last),			\
	.fn = (_fn),							\
}

long xenemu_ioctl(struct file *file, unsigned int cmd, unsigned long arg,
		  const struct xenemu_ioctl_op *ops, size_t nr_ops);
int xenemu_ioctl_respond(struct xenemu_ucmd *ucmd);
long xenemu_ioctl_query(struct xenemu_ucmd *ucmd);

/* The row of XENEMU_QUERY, which every table has. */
#define XENEMU_IOCTL_OP_QUERY \
	XENEMU_IOCTL_OP(XENEMU_QUERY, xenemu_query, out_memory_flags, xenemu_ioctl_query)

/*
 * A new close-on-exec fd of an anonymous file. On failure @priv is still the
 * caller's; on success it is the file's.
 */
int xenemu_ioctl_new_fd(const char *name, const struct file_operations *fops,
			void *priv, int flags);

#endif /* XENEMU_IOCTL_H */
