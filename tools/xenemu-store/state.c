// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saving and restoring, which is done through a host fd.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/xenemu.h>

#include "xenemu-store.h"

/* Most bytes that the kernel restores. */
#define STREAM_MAX	(1UL << 30)
/* Room to begin with. */
#define STREAM_ROOM	65536

/**
 * struct stream - a saved store
 * @len: bytes in @buf
 * @room: room at @buf
 * @buf: the bytes
 */
struct stream {
	size_t len;
	size_t room;
	char *buf;
};

static int reserve(struct stream *stream, size_t room)
{
	char *buf;

	if (room <= stream->room)
		return 0;
	buf = realloc(stream->buf, room);
	if (!buf)
		return -ENOMEM;
	stream->buf = buf;
	stream->room = room;
	return 0;
}

static bool is_stdio(const char *path)
{
	return !strcmp(path, "-");
}

/* ---- save ---- */

/* It may grow between two calls, which then says how much it needs by now. */
static int save(int fd, uint32_t format, struct stream *stream)
{
	struct xenemu_host_save_store args = { .size = sizeof(args), .format = format };
	int ret;

	ret = reserve(stream, STREAM_ROOM);
	while (!ret) {
		args.buf = (uintptr_t)stream->buf;
		args.len = stream->room;
		if (!ioctl(fd, XENEMU_HOST_SAVE_STORE, &args)) {
			stream->len = args.len;
			return 0;
		}
		if (errno != EMSGSIZE)
			return -errno;
		ret = reserve(stream, args.len + args.len / 8);
	}
	return ret;
}

static int write_all(int fd, const struct stream *stream)
{
	size_t done = 0;
	ssize_t ret;

	while (done < stream->len) {
		ret = write(fd, stream->buf + done, stream->len - done);
		if (ret < 0 && errno != EINTR)
			return -errno;
		done += ret > 0 ? ret : 0;
	}
	return 0;
}

/* A file that is not complete is worse than none. */
static int write_file(const char *path, const struct stream *stream)
{
	int fd, ret;

	if (is_stdio(path))
		return write_all(STDOUT_FILENO, stream);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ret = write_all(fd, stream);
	if (close(fd) && !ret)
		ret = -errno;
	if (ret)
		unlink(path);
	return ret;
}

static int fail_ioctl(const char *what, int err)
{
	if (err == -ENOTTY) {
		fprintf(stderr, "xenemu-store: %s: this needs a host fd of xenemu that can do it\n",
			what);
		return STATUS_FAILED;
	}
	return fail(what, err);
}

int cmd_save(struct xenemu_xs *xs, const struct options *options, int argc, char **argv)
{
	struct stream stream = {};
	int ret, status = STATUS_OK;

	(void)argc;
	ret = save(xs->fd, options->format, &stream);
	if (ret) {
		status = fail_ioctl("save", ret);
	} else {
		ret = write_file(argv[0], &stream);
		if (ret)
			status = fail(argv[0], ret);
	}
	free(stream.buf);
	return status;
}

/* ---- restore ---- */

static int read_all(int fd, struct stream *stream)
{
	ssize_t got;
	int ret;

	for (;;) {
		ret = reserve(stream, stream->len == stream->room ?
				      stream->room * 2 + STREAM_ROOM : stream->room);
		if (ret)
			return ret;
		got = read(fd, stream->buf + stream->len, stream->room - stream->len);
		if (!got)
			return 0;
		if (got < 0 && errno != EINTR)
			return -errno;
		stream->len += got > 0 ? got : 0;
		if (stream->len > STREAM_MAX)
			return -E2BIG;
	}
}

static int read_file(const char *path, struct stream *stream)
{
	int fd, ret;

	if (is_stdio(path))
		return read_all(STDIN_FILENO, stream);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = read_all(fd, stream);
	close(fd);
	return ret;
}

static const char *reason_text(uint32_t reason)
{
	static const char * const texts[] = {
		[XENEMU_RESTORE_BAD_HEADER] = "it is no stream",
		[XENEMU_RESTORE_BAD_VERSION] = "unknown version",
		[XENEMU_RESTORE_BAD_END] = "it ends too early",
		[XENEMU_RESTORE_BAD_TRAILER] = "it goes on behind its end",
		[XENEMU_RESTORE_BAD_LENGTH] = "bad length",
		[XENEMU_RESTORE_BAD_PATH] = "bad path",
		[XENEMU_RESTORE_BAD_PARENT] = "no parent",
		[XENEMU_RESTORE_BAD_PERMS] = "bad permissions",
		[XENEMU_RESTORE_BAD_VALUE] = "too long a value",
		[XENEMU_RESTORE_BAD_DOMAIN] = "bad domain",
		[XENEMU_RESTORE_BAD_CONNECTION] = "bad connection",
		[XENEMU_RESTORE_BAD_WATCH] = "bad watch",
		[XENEMU_RESTORE_BAD_TRANSACTION] = "bad transaction",
		[XENEMU_RESTORE_BAD_MESSAGE] = "bad message",
		[XENEMU_RESTORE_BAD_REFERENCE] = "bad reference",
	};

	if (reason < sizeof(texts) / sizeof(texts[0]) && texts[reason])
		return texts[reason];
	return "for a reason that this program does not know";
}

static int restore(int fd, const char *path, const struct stream *stream)
{
	struct xenemu_host_restore_store args = {
		.size = sizeof(args),
		.buf = (uintptr_t)stream->buf,
		.len = stream->len,
	};

	if (!ioctl(fd, XENEMU_HOST_RESTORE_STORE, &args))
		return STATUS_OK;
	if (!args.out_reason)
		return fail_ioctl("restore", -errno);
	fprintf(stderr, "xenemu-store: %s: %s, in record %llu of type %u at byte %llu\n", path,
		reason_text(args.out_reason), (unsigned long long)args.out_record,
		args.out_type, (unsigned long long)args.out_offset);
	return STATUS_FAILED;
}

int cmd_restore(struct xenemu_xs *xs, const struct options *options, int argc, char **argv)
{
	struct stream stream = {};
	int ret, status;

	(void)options;
	(void)argc;
	ret = read_file(argv[0], &stream);
	status = ret ? fail(argv[0], ret) : restore(xs->fd, argv[0], &stream);
	free(stream.buf);
	return status;
}
