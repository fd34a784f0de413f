// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saving and restoring, which is done through a host fd.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libxenemu.h"
#include "xenemu-store.h"

/* Most bytes that the kernel restores. */
#define STREAM_MAX	(1UL << 30)

static bool is_stdio(const char *path)
{
	return !strcmp(path, "-");
}

/* ---- save ---- */

static int write_all(int fd, const char *data, size_t len)
{
	size_t done = 0;
	ssize_t ret;

	while (done < len) {
		ret = write(fd, data + done, len - done);
		if (ret < 0 && errno != EINTR)
			return -errno;
		done += ret > 0 ? ret : 0;
	}
	return 0;
}

/* A file that is not complete is worse than none. */
static int write_file(const char *path, const char *data, size_t len)
{
	int fd, ret;

	if (is_stdio(path))
		return write_all(STDOUT_FILENO, data, len);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ret = write_all(fd, data, len);
	if (close(fd) && !ret)
		ret = -errno;
	if (ret)
		unlink(path);
	return ret;
}

/* What the library says of it, unless the fd is of another kind. */
static int fail_ioctl(const char *what, int err)
{
	if (err == -ENOTTY)
		fprintf(stderr, "xenemu-store: %s: this needs a host fd of xenemu that can do it\n",
			what);
	else
		fprintf(stderr, "xenemu-store: %s: %s\n", what, xenemu_error());
	return STATUS_FAILED;
}

int cmd_save(struct xenemu_xs *xs, const struct options *options, int argc, char **argv)
{
	int ret, status = STATUS_OK;
	size_t len;
	void *data;

	(void)argc;
	ret = xenemu_save_store(xs->fd, options->format, 0, 0, &data, &len, NULL);
	if (ret)
		return fail_ioctl("save", ret);
	ret = write_file(argv[0], data, len);
	if (ret)
		status = fail(argv[0], ret);
	free(data);
	return status;
}

/* ---- restore ---- */

/* Room to begin with. */
#define STREAM_ROOM	65536

/**
 * struct stream - a saved store as it comes in
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

int cmd_restore(struct xenemu_xs *xs, const struct options *options, int argc, char **argv)
{
	struct stream stream = {};
	int ret, status = STATUS_OK;

	(void)options;
	(void)argc;
	ret = read_file(argv[0], &stream);
	if (ret) {
		status = fail(argv[0], ret);
	} else {
		ret = xenemu_restore_store(xs->fd, 0, stream.buf, stream.len);
		if (ret)
			status = fail_ioctl(argv[0], ret);
	}
	free(stream.buf);
	return status;
}
