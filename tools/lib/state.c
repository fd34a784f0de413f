// SPDX-License-Identifier: GPL-2.0-only
/* Saving and restoring the XenStore of a host. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "internal.h"

/* What is there to begin with. Of this only those pages come to be that are written. */
#define FIRST_ROOM	(1 << 20)

static const char *const reasons[] = {
	[XENEMU_RESTORE_BAD_HEADER]	 = "no saved XenStore begins like this",
	[XENEMU_RESTORE_BAD_VERSION]	 = "its version is not known",
	[XENEMU_RESTORE_BAD_END]	 = "it ends too early",
	[XENEMU_RESTORE_BAD_TRAILER]	 = "it goes on behind its end",
	[XENEMU_RESTORE_BAD_LENGTH]	 = "a length is wrong",
	[XENEMU_RESTORE_BAD_PATH]	 = "a path is none",
	[XENEMU_RESTORE_BAD_PARENT]	 = "a node has no parent",
	[XENEMU_RESTORE_BAD_PERMS]	 = "permissions are none",
	[XENEMU_RESTORE_BAD_VALUE]	 = "a value is too long",
	[XENEMU_RESTORE_BAD_DOMAIN]	 = "a domain is none, or there twice",
	[XENEMU_RESTORE_BAD_CONNECTION]	 = "a connection is none, or there twice",
	[XENEMU_RESTORE_BAD_WATCH]	 = "a watch is none, or there twice",
	[XENEMU_RESTORE_BAD_TRANSACTION] = "a transaction is none, or there twice",
	[XENEMU_RESTORE_BAD_MESSAGE]	 = "a message is none",
	[XENEMU_RESTORE_BAD_REFERENCE]	 = "a reference leads nowhere",
};

int xenemu_save_store(int host_fd, uint32_t format, uint32_t flags, uint64_t since,
		      void **data, size_t *len, uint64_t *generation)
{
	struct xenemu_host_save_store args;
	uint64_t room = FIRST_ROOM;
	void *buf = NULL, *more;
	int ret;

	/* It may have grown when we come back with the room it needed. */
	do {
		more = realloc(buf, room);
		if (!more) {
			free(buf);
			return xenemu_fail(ENOMEM, "out of memory");
		}
		buf = more;
		args = (struct xenemu_host_save_store) {
			.size = sizeof(args),
			.flags = flags,
			.format = format,
			.since = since,
			.buf = (uintptr_t)buf,
			.len = room,
		};
		ret = ioctl(host_fd, XENEMU_HOST_SAVE_STORE, &args);
		room = args.len + args.len / 8;
	} while (ret < 0 && errno == EMSGSIZE);
	if (ret < 0) {
		ret = xenemu_fail(errno, "cannot save the XenStore: %s", strerror(errno));
		free(buf);
		return ret;
	}
	*data = buf;
	*len = args.len;
	if (generation)
		*generation = args.out_generation;
	return 0;
}

static const char *reason_text(uint32_t reason)
{
	if (reason < sizeof(reasons) / sizeof(reasons[0]) && reasons[reason])
		return reasons[reason];
	return "for a reason that is not known here";
}

int xenemu_restore_store(int host_fd, uint32_t flags, const void *data, size_t len)
{
	struct xenemu_host_restore_store args = {
		.size = sizeof(args),
		.flags = flags,
		.buf = (uintptr_t)data,
		.len = len,
	};

	if (ioctl(host_fd, XENEMU_HOST_RESTORE_STORE, &args) >= 0)
		return 0;
	if (!args.out_reason)
		return xenemu_fail(errno, "cannot restore the XenStore: %s", strerror(errno));
	return xenemu_fail(errno,
			   "cannot restore the XenStore: %s, in record %llu of type %u at byte %llu",
			   reason_text(args.out_reason), (unsigned long long)args.out_record,
			   args.out_type, (unsigned long long)args.out_offset);
}

int xenemu_pause_store(int host_fd, bool paused)
{
	struct xenemu_host_pause_store args = { .size = sizeof(args), .paused = paused };

	if (ioctl(host_fd, XENEMU_HOST_PAUSE_STORE, &args) < 0)
		return xenemu_fail(errno, "cannot pause the XenStore: %s", strerror(errno));
	return 0;
}

int xenemu_reopen_store(int host_fd, uint32_t domid, uint32_t connection)
{
	struct xenemu_host_open args = {
		.size = sizeof(args),
		.domid = domid,
		.connection = connection,
	};
	int fd = ioctl(host_fd, XENEMU_HOST_OPEN_STORE, &args);

	if (fd < 0)
		return xenemu_fail(errno, "cannot go on with XenStore connection %u: %s",
				   connection, strerror(errno));
	return fd;
}

uint32_t xenemu_store_connection(int store_fd)
{
	struct xenemu_store_connection args = { .size = sizeof(args) };

	return ioctl(store_fd, XENEMU_STORE_GET_CONNECTION, &args) < 0 ? 0 : args.out_connection;
}
