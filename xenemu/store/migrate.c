// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls that save and restore a host's XenStore.
 */
#include "migrate.h"

#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "../host.h"
#include "../ioctl.h"
#include "glue.h"
#include "store.h"

/**
 * struct user_buffer - where a stream goes
 * @to: the next byte
 * @room: how many there is room for
 * @full: there was not enough
 */
struct user_buffer {
	void __user *to;
	u64 room;
	bool full;
};

/* If there is not enough room, the rest is only counted. */
static int write_to_user(void *priv, const void *data, size_t len)
{
	struct user_buffer *buffer = priv;

	if (fatal_signal_pending(current))
		return -EINTR;
	buffer->full |= len > buffer->room;
	if (buffer->full)
		return 0;
	if (copy_to_user(buffer->to, data, len))
		return -EFAULT;
	buffer->to += len;
	buffer->room -= len;
	return 0;
}

/**
 * xenemu_migrate_save - XENEMU_HOST_SAVE_STORE
 * @ucmd: the ioctl
 *
 * Return: 0 or an error of the ioctl.
 */
long xenemu_migrate_save(struct xenemu_ucmd *ucmd)
{
	struct xenemu_store *store = xenemu_glue_store(ucmd->file->private_data);
	struct xenemu_host_save_store *args = ucmd->args;
	struct user_buffer buffer = { u64_to_user_ptr(args->buf), args->len };
	struct xenemu_save save = {
		.format = args->format,
		.flags = args->flags,
		.since = args->since,
		.write = write_to_user,
		.priv = &buffer,
	};
	long ret;

	if (args->flags & ~XENEMU_SAVE_TRACK)
		return -EOPNOTSUPP;
	if (args->__reserved)
		return -EINVAL;

	ret = xenemu_save_begin(store, &save);
	if (ret)
		return ret;
	ret = xenemu_save_write(&save);
	if (!ret && buffer.full)
		ret = -EMSGSIZE;
	if (!ret || ret == -EMSGSIZE) {
		args->len = save.len;
		args->out_generation = save.gen;
		if (xenemu_ioctl_respond(ucmd))
			ret = -EFAULT;
	}
	xenemu_save_end(&save, !ret);
	return ret;
}

/**
 * xenemu_migrate_restore - XENEMU_HOST_RESTORE_STORE
 * @ucmd: the ioctl
 *
 * Return: 0 or an error of the ioctl.
 */
long xenemu_migrate_restore(struct xenemu_ucmd *ucmd)
{
	struct xenemu_store *store = xenemu_glue_store(ucmd->file->private_data);
	struct xenemu_host_restore_store *args = ucmd->args;
	struct xenemu_restore_why why;
	void *data;
	long ret;

	if (args->flags & ~XENEMU_RESTORE_NO_FDS)
		return -EOPNOTSUPP;
	if (args->len > XENEMU_RESTORE_MAX)
		return -E2BIG;

	/* One copy, which stays as it is while it is read. */
	data = kvmalloc(args->len, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!data)
		return -ENOMEM;
	ret = -EFAULT;
	if (copy_from_user(data, u64_to_user_ptr(args->buf), args->len))
		goto out_free;
	ret = xenemu_restore_store(store, data, args->len, args->flags, &why);
	args->out_reason = why.reason;
	args->out_type = why.type;
	args->out_record = why.record;
	args->out_offset = why.offset;
	/* What is restored, is: it is no use to fail now. */
	if (xenemu_ioctl_respond(ucmd) && ret)
		ret = -EFAULT;
out_free:
	kvfree(data);
	return ret;
}

/**
 * xenemu_migrate_pause - XENEMU_HOST_PAUSE_STORE
 * @ucmd: the ioctl
 *
 * Return: 0 or an error of the ioctl.
 */
long xenemu_migrate_pause(struct xenemu_ucmd *ucmd)
{
	const struct xenemu_host_pause_store *args = ucmd->args;

	if (args->flags || args->paused > 1)
		return -EOPNOTSUPP;
	if (args->__reserved)
		return -EINVAL;
	xenemu_glue_pause(ucmd->file->private_data, args->paused);
	return 0;
}
