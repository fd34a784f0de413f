// SPDX-License-Identifier: GPL-2.0-only
#include "xs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/xenemu.h>

size_t xs_make(struct xs_msg *msg, uint32_t type, uint32_t req_id, uint32_t tx,
	       const void *body, size_t len)
{
	msg->hdr.type = type;
	msg->hdr.req_id = req_id;
	msg->hdr.tx_id = tx;
	msg->hdr.len = len;
	memcpy(msg->body, body, len);
	return XS_HDR_SIZE + len;
}

int xs_send(int fd, uint32_t type, uint32_t req_id, uint32_t tx, const void *body, size_t len)
{
	struct xs_msg msg;
	size_t size = xs_make(&msg, type, req_id, tx, body, len);
	ssize_t ret = write(fd, &msg, size);

	if (ret < 0)
		return -errno;
	return (size_t)ret == size ? 0 : -EIO;
}

static int read_all(int fd, void *buf, size_t len)
{
	size_t done = 0;
	ssize_t ret;

	while (done < len) {
		ret = read(fd, (char *)buf + done, len - done);
		if (ret <= 0)
			return ret ? -errno : -EPIPE;
		done += ret;
	}
	return 0;
}

int xs_recv(int fd, struct xs_msg *msg)
{
	int ret = read_all(fd, &msg->hdr, XS_HDR_SIZE);

	if (ret)
		return ret;
	if (msg->hdr.len > XENSTORE_PAYLOAD_MAX)
		return -EPROTO;
	msg->body[msg->hdr.len] = '\0';
	return read_all(fd, msg->body, msg->hdr.len);
}

static int name_to_errno(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(xsd_errors) / sizeof(xsd_errors[0]); i++) {
		if (!strcmp(xsd_errors[i].errstring, name))
			return xsd_errors[i].errnum;
	}
	return EPROTO;
}

int xs_errno(const struct xs_msg *msg)
{
	if (msg->hdr.type != XS_ERROR || !msg->hdr.len || msg->body[msg->hdr.len - 1])
		return 0;
	return name_to_errno(msg->body);
}

ssize_t xs_call(int fd, uint32_t type, uint32_t tx, const void *body, size_t len, char *reply)
{
	char buf[XENSTORE_PAYLOAD_MAX + 1];
	struct xenemu_store_request arg = {
		.size = sizeof(arg),
		.type = type,
		.tx_id = tx,
		.req = (uintptr_t)body,
		.req_len = len,
		.reply = (uintptr_t)buf,
		.reply_len = XENSTORE_PAYLOAD_MAX,
	};

	if (ioctl(fd, XENEMU_STORE_REQUEST, &arg))
		return -errno;
	buf[arg.reply_len] = '\0';
	if (arg.out_type == XS_ERROR)
		return -name_to_errno(buf);
	if (reply)
		memcpy(reply, buf, arg.reply_len + 1);
	return arg.reply_len;
}

int xs_write_node(int fd, uint32_t tx, const char *path, const char *value)
{
	char body[XENSTORE_PAYLOAD_MAX];
	size_t path_len = strlen(path) + 1, value_len = strlen(value);
	ssize_t ret;

	memcpy(body, path, path_len);
	memcpy(body + path_len, value, value_len);
	ret = xs_call(fd, XS_WRITE, tx, body, path_len + value_len, NULL);
	return ret < 0 ? ret : 0;
}

ssize_t xs_read_node(int fd, uint32_t tx, const char *path, char *value)
{
	return xs_call(fd, XS_READ, tx, path, strlen(path) + 1, value);
}

int xs_watch(int fd, const char *path, const char *token)
{
	char body[XENSTORE_PAYLOAD_MAX];
	size_t path_len = strlen(path) + 1, token_len = strlen(token) + 1;
	ssize_t ret;

	memcpy(body, path, path_len);
	memcpy(body + path_len, token, token_len);
	ret = xs_call(fd, XS_WATCH, 0, body, path_len + token_len, NULL);
	return ret < 0 ? ret : 0;
}

int xs_start(int fd)
{
	char reply[XENSTORE_PAYLOAD_MAX + 1];
	ssize_t ret = xs_call(fd, XS_TRANSACTION_START, 0, "", 1, reply);

	return ret < 0 ? ret : atoi(reply);
}

int xs_end(int fd, uint32_t tx, const char *commit)
{
	ssize_t ret = xs_call(fd, XS_TRANSACTION_END, tx, commit, strlen(commit) + 1, NULL);

	return ret < 0 ? ret : 0;
}

int xs_introduce(int dom0, unsigned int domid, uint64_t gfn, uint32_t port)
{
	char body[64];
	int len = snprintf(body, sizeof(body), "%u%c%ju%c%u", domid, 0, (uintmax_t)gfn, 0, port);
	ssize_t ret = xs_call(dom0, XS_INTRODUCE, 0, body, len + 1, NULL);

	return ret < 0 ? ret : 0;
}

int xs_make_home(int dom0, unsigned int domid)
{
	char body[64];
	int len = snprintf(body, sizeof(body), "/local/domain/%u", domid);
	int ret = xs_write_node(dom0, 0, body, "");
	ssize_t done;

	if (ret)
		return ret;
	len += snprintf(body + len + 1, sizeof(body) - len - 1, "n%u", domid) + 1;
	done = xs_call(dom0, XS_SET_PERMS, 0, body, len + 1, NULL);
	return done < 0 ? done : 0;
}
