// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the store fd comes from. Whoever has it is trusted; that it is a store
 * fd at all is found out by asking it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "libxenemu.h"
#include "xenemu-store.h"

/* The first fd that is passed as systemd does. */
#define LISTEN_FDS_START	3

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "xenemu-store: %s: %s\n", what, why);
	return -1;
}

static int receive_fd(int sock, const char *path)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = sizeof(byte) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *cmsg;
	ssize_t ret;
	int fd;

	do {
		ret = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return complain(path, strerror(errno));
	cmsg = CMSG_FIRSTHDR(&msg);
	if (!cmsg || cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS ||
	    cmsg->cmsg_len != CMSG_LEN(sizeof(fd)))
		return complain(path, "who listens there sends no file descriptor");
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

static int receive_from(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock, fd;

	if (strlen(path) >= sizeof(addr.sun_path))
		return complain(path, "too long for the path of a socket");
	strcpy(addr.sun_path, path);
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return complain(path, strerror(errno));
	if (connect(sock, (const struct sockaddr *)&addr, sizeof(addr)))
		fd = complain(path, strerror(errno));
	else
		fd = receive_fd(sock, path);
	close(sock);
	return fd;
}

static bool env_is(const char *name, uint64_t want)
{
	const char *value = getenv(name);
	uint64_t num;

	return value && !xenemu_xs_parse_u64(value, UINT32_MAX, &num) && num == want;
}

int connect_store(int fd, const char *socket)
{
	struct xenemu_query query = { .size = sizeof(query) };
	char what[32];

	if (fd < 0 && socket) {
		fd = receive_from(socket);
		if (fd < 0)
			return -1;
	}
	if (fd < 0 && env_is("LISTEN_PID", getpid()) && env_is("LISTEN_FDS", 1))
		fd = LISTEN_FDS_START;
	if (fd < 0)
		return complain("no store fd", "--fd or --socket is needed");

	/* All of xenemu's fds answer this; another than a store's fails at its first request. */
	if (xenemu_get_query(fd, &query)) {
		snprintf(what, sizeof(what), "file descriptor %d", fd);
		return complain(what, "this is no store fd of xenemu");
	}
	return fd;
}
