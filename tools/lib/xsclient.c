// SPDX-License-Identifier: GPL-2.0-only
/*
 * XenStore client over a store fd.
 */
#include "xsclient.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/xenemu.h>
#include <xen/io/xs_wire.h>

_Static_assert(sizeof(struct xsd_sockmsg) == 16, "the header of a message is 16 bytes");
_Static_assert(XENEMU_XS_PAYLOAD_MAX == XENSTORE_PAYLOAD_MAX, "payload limit");
_Static_assert(XENEMU_XS_PATH_MAX == XENSTORE_ABS_PATH_MAX + 1, "path limit");

/* Give up on a transaction or a listing that others keep disturbing. */
#define MAX_TRIES	64
/* Most bytes of child names that a directory may have. */
#define MAX_DIR_SIZE	(1U << 20)

/*
 * A request being put together. Overlong input is noted and reported once, when
 * the request is sent.
 */
struct payload {
	size_t len;
	int err;
	char buf[XENEMU_XS_PAYLOAD_MAX];
};

static void append(struct payload *p, const void *data, size_t len)
{
	if (len > sizeof(p->buf) - p->len) {
		p->err = -E2BIG;
		return;
	}
	memcpy(p->buf + p->len, data, len);
	p->len += len;
}

static void append_str(struct payload *p, const char *str)
{
	append(p, str, strlen(str) + 1);
}

static void append_num(struct payload *p, uint64_t num)
{
	char str[24];

	snprintf(str, sizeof(str), "%llu", (unsigned long long)num);
	append_str(p, str);
}

/* The errno that an error reply names. Names that we do not know are EINVAL. */
static int reply_errno(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(xsd_errors) / sizeof(xsd_errors[0]); i++) {
		if (strlen(xsd_errors[i].errstring) == strnlen(name, len) &&
		    !memcmp(xsd_errors[i].errstring, name, strnlen(name, len)))
			return -xsd_errors[i].errnum;
	}
	return -EINVAL;
}

/**
 * xenemu_xs_init() - make a client of a store fd
 * @xs: the client
 * @fd: the fd, which stays the caller's
 */
void xenemu_xs_init(struct xenemu_xs *xs, int fd)
{
	xs->fd = fd;
	xs->rx_len = 0;
}

/**
 * xenemu_xs_request() - make one request
 * @xs: the client
 * @type: XS_*
 * @tx: transaction, or 0
 * @req: payload
 * @req_len: its length
 * @reply: room for the reply's payload, XENEMU_XS_PAYLOAD_MAX bytes
 * @reply_len: out: length of the reply's payload
 */
int xenemu_xs_request(struct xenemu_xs *xs, uint32_t type, uint32_t tx, const void *req,
		      size_t req_len, void *reply, size_t *reply_len)
{
	struct xenemu_store_request arg;
	int ret;

	if (req_len > XENEMU_XS_PAYLOAD_MAX)
		return -E2BIG;

	do {
		memset(&arg, 0, sizeof(arg));
		arg.size = sizeof(arg);
		arg.type = type;
		arg.tx_id = tx;
		arg.req = (uintptr_t)req;
		arg.req_len = req_len;
		arg.reply = (uintptr_t)reply;
		arg.reply_len = XENEMU_XS_PAYLOAD_MAX;
		ret = ioctl(xs->fd, XENEMU_STORE_REQUEST, &arg);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return -errno;

	if (arg.reply_len > XENEMU_XS_PAYLOAD_MAX)
		return -EPROTO;
	if (arg.out_type == XS_ERROR)
		return reply_errno(reply, arg.reply_len);
	if (arg.out_type != type)
		return -EPROTO;
	*reply_len = arg.reply_len;
	return 0;
}

/* Send what was put together; the reply overwrites it. */
static int submit(struct xenemu_xs *xs, uint32_t type, uint32_t tx, struct payload *p)
{
	char reply[XENEMU_XS_PAYLOAD_MAX];
	size_t len;
	int ret;

	if (p->err)
		return p->err;
	ret = xenemu_xs_request(xs, type, tx, p->buf, p->len, reply, &len);
	if (ret)
		return ret;
	memcpy(p->buf, reply, len);
	p->len = len;
	return 0;
}

/**
 * xenemu_xs_read() - read a node
 * @xs: the client
 * @tx: transaction, or 0
 * @path: the node
 * @buf: out: its value and a NUL
 * @size: room at @buf; must exceed the length of the value
 *
 * Return: length of the value, -EMSGSIZE if it does not fit.
 */
int xenemu_xs_read(struct xenemu_xs *xs, uint32_t tx, const char *path, char *buf, size_t size)
{
	struct payload p = { 0 };
	int ret;

	append_str(&p, path);
	ret = submit(xs, XS_READ, tx, &p);
	if (ret)
		return ret;
	if (p.len >= size)
		return -EMSGSIZE;
	memcpy(buf, p.buf, p.len);
	buf[p.len] = '\0';
	return p.len;
}

/**
 * xenemu_xs_parse_u64() - read a decimal number as XenStore nodes hold them
 * @str: digits and nothing else
 * @max: largest number accepted
 * @val: out: the number
 *
 * Return: 0, or -EINVAL for anything else, which leaves @val alone.
 */
int xenemu_xs_parse_u64(const char *str, uint64_t max, uint64_t *val)
{
	uint64_t num = 0;

	if (!*str)
		return -EINVAL;
	for (; *str; str++) {
		if (*str < '0' || *str > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(num, 10, &num) ||
		    __builtin_add_overflow(num, *str - '0', &num) || num > max)
			return -EINVAL;
	}
	*val = num;
	return 0;
}

/**
 * xenemu_xs_read_u64() - read a node that holds a decimal number
 * @xs: the client
 * @tx: transaction, or 0
 * @path: the node
 * @val: out: the number
 *
 * Return: 0, or -EINVAL if the node holds something else.
 */
int xenemu_xs_read_u64(struct xenemu_xs *xs, uint32_t tx, const char *path, uint64_t *val)
{
	char str[32];
	int ret;

	ret = xenemu_xs_read(xs, tx, path, str, sizeof(str));
	if (ret < 0)
		return ret == -EMSGSIZE ? -EINVAL : ret;
	if (strlen(str) != (size_t)ret)
		return -EINVAL;
	return xenemu_xs_parse_u64(str, UINT64_MAX, val);
}

/**
 * xenemu_xs_read_u32() - read a node that holds a decimal number of 32 bits
 * @xs: the client
 * @tx: transaction, or 0
 * @path: the node
 * @val: out: the number
 *
 * Return: 0, or -EINVAL if the node holds something else.
 */
int xenemu_xs_read_u32(struct xenemu_xs *xs, uint32_t tx, const char *path, uint32_t *val)
{
	uint64_t num;
	int ret;

	ret = xenemu_xs_read_u64(xs, tx, path, &num);
	if (ret)
		return ret;
	if (num > UINT32_MAX)
		return -EINVAL;
	*val = num;
	return 0;
}

/**
 * xenemu_xs_write() - set the value of a node, which is created if need be
 * @xs: the client
 * @tx: transaction, or 0
 * @path: the node
 * @val: the value
 * @len: its length
 */
int xenemu_xs_write(struct xenemu_xs *xs, uint32_t tx, const char *path, const void *val,
		    size_t len)
{
	struct payload p = { 0 };

	append_str(&p, path);
	append(&p, val, len);
	return submit(xs, XS_WRITE, tx, &p);
}

/**
 * xenemu_xs_printf() - set the value of a node to formatted text
 * @xs: the client
 * @tx: transaction, or 0
 * @path: the node
 * @fmt: format of the text
 */
int xenemu_xs_printf(struct xenemu_xs *xs, uint32_t tx, const char *path, const char *fmt, ...)
{
	char val[XENEMU_XS_PAYLOAD_MAX];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(val, sizeof(val), fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= sizeof(val))
		return -E2BIG;
	return xenemu_xs_write(xs, tx, path, val, len);
}

/**
 * xenemu_xs_mkdir() - create a node with an empty value, if there is none
 * @xs: the client
 * @tx: transaction, or 0
 * @path: the node
 */
int xenemu_xs_mkdir(struct xenemu_xs *xs, uint32_t tx, const char *path)
{
	struct payload p = { 0 };

	append_str(&p, path);
	return submit(xs, XS_MKDIR, tx, &p);
}

/**
 * xenemu_xs_rm() - remove a node and all below it
 * @xs: the client
 * @tx: transaction, or 0
 * @path: the node
 *
 * Return: 0 also if there was no such node in an existing directory.
 */
int xenemu_xs_rm(struct xenemu_xs *xs, uint32_t tx, const char *path)
{
	struct payload p = { 0 };

	append_str(&p, path);
	return submit(xs, XS_RM, tx, &p);
}

/*
 * Fetch the names of a directory that does not fit into one reply, piece by
 * piece. The store says with each piece which generation of the node it is of;
 * -EAGAIN when that changed and the pieces do not belong together.
 */
static int read_parts(struct xenemu_xs *xs, uint32_t tx, const char *path, char **names,
		      size_t *names_len)
{
	char gen[32] = "";
	size_t len = 0;
	char *buf = NULL;
	int ret;

	for (;;) {
		struct payload p = { 0 };
		size_t gen_len, part;
		bool last;
		char *new;

		append_str(&p, path);
		append_num(&p, len);
		ret = submit(xs, XS_DIRECTORY_PART, tx, &p);
		if (ret)
			break;

		gen_len = strnlen(p.buf, p.len) + 1;
		ret = -EPROTO;
		if (gen_len > p.len || gen_len > sizeof(gen) || p.buf[p.len - 1])
			break;
		ret = -EAGAIN;
		if (len && strcmp(gen, p.buf))
			break;
		memcpy(gen, p.buf, gen_len);

		/* An empty name ends the list. */
		part = p.len - gen_len;
		last = part && !p.buf[p.len - 1] && (part == 1 || !p.buf[p.len - 2]);
		if (last)
			part--;
		ret = !part && !last ? -EPROTO : part > MAX_DIR_SIZE - len ? -E2BIG : 0;
		if (ret)
			break;

		new = realloc(buf, len + part + 1);
		if (!new) {
			ret = -ENOMEM;
			break;
		}
		buf = new;
		memcpy(buf + len, p.buf + gen_len, part);
		len += part;
		if (last) {
			*names = buf;
			*names_len = len;
			return 0;
		}
	}
	free(buf);
	return ret;
}

static int read_names(struct xenemu_xs *xs, uint32_t tx, const char *path, char **names,
		      size_t *names_len)
{
	struct payload p = { 0 };
	unsigned int i;
	int ret;

	append_str(&p, path);
	ret = submit(xs, XS_DIRECTORY, tx, &p);
	if (ret == -E2BIG) {
		for (i = 0; i < MAX_TRIES; i++) {
			ret = read_parts(xs, tx, path, names, names_len);
			if (ret != -EAGAIN)
				break;
		}
		return ret;
	}
	if (ret)
		return ret;
	if (p.len && p.buf[p.len - 1])
		return -EPROTO;

	*names = malloc(p.len + 1);
	if (!*names)
		return -ENOMEM;
	memcpy(*names, p.buf, p.len);
	*names_len = p.len;
	return 0;
}

/**
 * xenemu_xs_directory() - list the children of a node
 * @xs: the client
 * @tx: transaction, or 0
 * @path: the node
 * @dir: out: the children, to be freed with xenemu_xs_dir_free()
 */
int xenemu_xs_directory(struct xenemu_xs *xs, uint32_t tx, const char *path,
			struct xenemu_xs_dir *dir)
{
	unsigned int nr = 0;
	size_t len, off;
	char *buf;
	int ret;

	ret = read_names(xs, tx, path, &buf, &len);
	if (ret)
		return ret;
	for (off = 0; off < len; off += strlen(buf + off) + 1)
		nr++;

	dir->names = calloc(nr + 1, sizeof(*dir->names));
	if (!dir->names) {
		free(buf);
		return -ENOMEM;
	}
	dir->nr = 0;
	for (off = 0; off < len; off += strlen(buf + off) + 1)
		dir->names[dir->nr++] = buf + off;
	dir->buf = buf;
	return 0;
}

/**
 * xenemu_xs_dir_free() - free what xenemu_xs_directory() returned
 * @dir: the children
 */
void xenemu_xs_dir_free(struct xenemu_xs_dir *dir)
{
	free(dir->names);
	free(dir->buf);
	memset(dir, 0, sizeof(*dir));
}

/**
 * xenemu_xs_get_perms() - read the permissions of a node
 * @xs: the client
 * @tx: transaction, or 0
 * @path: the node
 * @perms: out: the entries
 * @max: room at @perms
 *
 * Return: number of entries, -EMSGSIZE if they do not fit.
 */
int xenemu_xs_get_perms(struct xenemu_xs *xs, uint32_t tx, const char *path,
			struct xenemu_xs_perm *perms, unsigned int max)
{
	struct payload p = { 0 };
	unsigned int nr = 0;
	uint64_t domid;
	size_t off;
	int ret;

	append_str(&p, path);
	ret = submit(xs, XS_GET_PERMS, tx, &p);
	if (ret)
		return ret;
	if (!p.len || p.buf[p.len - 1])
		return -EPROTO;

	for (off = 0; off < p.len; off += strlen(p.buf + off) + 1) {
		if (nr == max)
			return -EMSGSIZE;
		if (!p.buf[off] || !strchr("nrwb", p.buf[off]) ||
		    xenemu_xs_parse_u64(p.buf + off + 1, UINT32_MAX, &domid))
			return -EPROTO;
		perms[nr].access = p.buf[off];
		perms[nr].domid = domid;
		nr++;
	}
	return nr;
}

/**
 * xenemu_xs_set_perms() - set the permissions of a node
 * @xs: the client
 * @tx: transaction, or 0
 * @path: the node
 * @perms: the entries, the owner's first
 * @nr: number of them
 */
int xenemu_xs_set_perms(struct xenemu_xs *xs, uint32_t tx, const char *path,
			const struct xenemu_xs_perm *perms, unsigned int nr)
{
	struct payload p = { 0 };
	unsigned int i;

	append_str(&p, path);
	for (i = 0; i < nr; i++) {
		append(&p, &perms[i].access, 1);
		append_num(&p, perms[i].domid);
	}
	return submit(xs, XS_SET_PERMS, tx, &p);
}

/**
 * xenemu_xs_watch() - be told of changes to a node and all below it
 * @xs: the client
 * @path: the node, which need not exist, or "@releaseDomain" and the like
 * @token: comes back with each event
 *
 * One event comes at once, for what may have changed before.
 */
int xenemu_xs_watch(struct xenemu_xs *xs, const char *path, const char *token)
{
	struct payload p = { 0 };

	append_str(&p, path);
	append_str(&p, token);
	return submit(xs, XS_WATCH, 0, &p);
}

/**
 * xenemu_xs_unwatch() - take a watch away
 * @xs: the client
 * @path: as given to xenemu_xs_watch()
 * @token: as given to xenemu_xs_watch()
 *
 * Events that were queued before may still be read.
 */
int xenemu_xs_unwatch(struct xenemu_xs *xs, const char *path, const char *token)
{
	struct payload p = { 0 };

	append_str(&p, path);
	append_str(&p, token);
	return submit(xs, XS_UNWATCH, 0, &p);
}

/* Read on until @want bytes of the message are there. 1 if so, 0 if not yet. */
static int fill(struct xenemu_xs *xs, size_t want)
{
	struct pollfd pfd = { .fd = xs->fd, .events = POLLIN };
	ssize_t n;

	while (xs->rx_len < want) {
		/* The fd need not be non-blocking, so ask first. */
		if (poll(&pfd, 1, 0) <= 0)
			return 0;
		n = read(xs->fd, xs->rx + xs->rx_len, want - xs->rx_len);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (!n)
			return -ECONNRESET;
		xs->rx_len += n;
	}
	return 1;
}

/**
 * xenemu_xs_next_event() - read a watch event, if there is one
 * @xs: the client
 * @event: out: the event
 *
 * Never sleeps.
 *
 * Return: 1 for an event, 0 for none.
 */
int xenemu_xs_next_event(struct xenemu_xs *xs, struct xenemu_xs_event *event)
{
	struct xsd_sockmsg hdr;
	char *body = xs->rx + sizeof(hdr);
	size_t path_len;
	int ret;

	for (;;) {
		ret = fill(xs, sizeof(hdr));
		if (ret <= 0)
			return ret;
		memcpy(&hdr, xs->rx, sizeof(hdr));
		if (hdr.len > XENEMU_XS_PAYLOAD_MAX)
			return -EPROTO;
		ret = fill(xs, sizeof(hdr) + hdr.len);
		if (ret <= 0)
			return ret;

		xs->rx_len = 0;
		if (hdr.type != XS_WATCH_EVENT)
			continue;
		body[hdr.len] = '\0';
		path_len = strlen(body);
		if (path_len + 1 >= hdr.len)
			return -EPROTO;
		event->path = body;
		event->token = body + path_len + 1;
		return 1;
	}
}

/**
 * xenemu_xs_transaction_start() - start a transaction
 * @xs: the client
 * @tx: out: its number
 */
int xenemu_xs_transaction_start(struct xenemu_xs *xs, uint32_t *tx)
{
	struct payload p = { 0 };
	uint64_t num;
	int ret;

	append_str(&p, "");
	ret = submit(xs, XS_TRANSACTION_START, 0, &p);
	if (ret)
		return ret;
	if (!p.len || p.buf[p.len - 1] || xenemu_xs_parse_u64(p.buf, UINT32_MAX, &num) || !num)
		return -EPROTO;
	*tx = num;
	return 0;
}

/**
 * xenemu_xs_transaction_end() - end a transaction
 * @xs: the client
 * @tx: its number
 * @commit: make its changes, or forget them
 *
 * Return: 0, or -EAGAIN if others changed what the transaction saw. Nothing
 * was changed then, and all of it must be done again.
 */
int xenemu_xs_transaction_end(struct xenemu_xs *xs, uint32_t tx, bool commit)
{
	struct payload p = { 0 };

	append_str(&p, commit ? "T" : "F");
	return submit(xs, XS_TRANSACTION_END, tx, &p);
}

/**
 * xenemu_xs_transact() - do something in a transaction
 * @xs: the client
 * @fn: does it; called again when the transaction must be done again, so its
 *      only effect should be on the store. A negative result ends the
 *      transaction without change
 * @arg: last argument of @fn
 *
 * Return: 0, or what @fn returned, or -EAGAIN if others got in the way each
 * time.
 */
int xenemu_xs_transact(struct xenemu_xs *xs,
		       int (*fn)(struct xenemu_xs *xs, uint32_t tx, void *arg), void *arg)
{
	unsigned int i;
	uint32_t tx;
	int ret;

	for (i = 0; i < MAX_TRIES; i++) {
		ret = xenemu_xs_transaction_start(xs, &tx);
		if (ret)
			return ret;
		ret = fn(xs, tx, arg);
		if (ret < 0) {
			xenemu_xs_transaction_end(xs, tx, false);
			return ret;
		}
		ret = xenemu_xs_transaction_end(xs, tx, true);
		if (ret != -EAGAIN)
			return ret;
	}
	return ret;
}

/**
 * xenemu_xs_introduce() - tell the store that a domain is there
 * @xs: the client, of a privileged domain
 * @domid: the domain
 * @gfn: where its ring is
 * @port: its event channel
 */
int xenemu_xs_introduce(struct xenemu_xs *xs, uint32_t domid, uint64_t gfn, uint32_t port)
{
	struct payload p = { 0 };

	append_num(&p, domid);
	append_num(&p, gfn);
	append_num(&p, port);
	return submit(xs, XS_INTRODUCE, 0, &p);
}

/**
 * xenemu_xs_release() - tell the store that a domain is gone
 * @xs: the client, of a privileged domain
 * @domid: the domain
 */
int xenemu_xs_release(struct xenemu_xs *xs, uint32_t domid)
{
	struct payload p = { 0 };

	append_num(&p, domid);
	return submit(xs, XS_RELEASE, 0, &p);
}

/**
 * xenemu_xs_is_introduced() - ask whether the store knows a domain
 * @xs: the client, of a privileged domain
 * @domid: the domain
 *
 * Return: 1 if so, 0 if not.
 */
int xenemu_xs_is_introduced(struct xenemu_xs *xs, uint32_t domid)
{
	struct payload p = { 0 };
	int ret;

	append_num(&p, domid);
	ret = submit(xs, XS_IS_DOMAIN_INTRODUCED, 0, &p);
	if (ret)
		return ret;
	return p.len && p.buf[0] == 'T';
}

/**
 * xenemu_xs_path() - format a path
 * @buf: out: the path
 * @size: room at @buf; XENEMU_XS_PATH_MAX is enough for every path there is
 * @fmt: format
 *
 * Return: 0, or -ENAMETOOLONG, with @buf holding an empty string.
 */
int xenemu_xs_path(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= size) {
		buf[0] = '\0';
		return -ENAMETOOLONG;
	}
	return 0;
}
