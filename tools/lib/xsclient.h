/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A XenStore client over a store fd of xenemu (XENEMU_HOST_OPEN_STORE).
 *
 * Requests are made with XENEMU_STORE_REQUEST: one system call, answered at
 * once. Watch events are read() from the same fd; poll() says when there are
 * some. All functions return 0 (or the number they promise) or a negative
 * errno, which for requests is the error that the store answered with.
 *
 * Requests keep no state here: several threads may make them on one client.
 * Events are for one thread.
 */
#ifndef XENEMU_XSCLIENT_H
#define XENEMU_XSCLIENT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits of the protocol: longest absolute path (with its NUL), longest payload. */
#define XENEMU_XS_PATH_MAX	3073
#define XENEMU_XS_PAYLOAD_MAX	4096

/**
 * struct xenemu_xs - a client
 * @fd: the store fd; the caller opens and closes it
 * @rx_len: bytes of @rx in use
 * @rx: the message being read
 */
struct xenemu_xs {
	int fd;
	size_t rx_len;
	char rx[16 + XENEMU_XS_PAYLOAD_MAX + 1];
};

/**
 * struct xenemu_xs_event - a watch fired
 * @path: path of the node that changed
 * @token: token given to xenemu_xs_watch()
 *
 * Both point into the client and stay valid until the next event is read.
 */
struct xenemu_xs_event {
	const char *path;
	const char *token;
};

/**
 * struct xenemu_xs_perm - one entry of a node's permissions
 * @domid: domain it is for; the first entry names the owner
 * @access: 'n' none, 'r' read, 'w' write, 'b' both. In the first entry this is
 *          the access of every domain that no other entry names
 */
struct xenemu_xs_perm {
	unsigned int domid;
	char access;
};

/**
 * struct xenemu_xs_dir - children of a node
 * @nr: number of @names
 * @names: their names, in the order of the store
 * @buf: backs @names
 */
struct xenemu_xs_dir {
	unsigned int nr;
	char **names;
	char *buf;
};

void xenemu_xs_init(struct xenemu_xs *xs, int fd);

int xenemu_xs_request(struct xenemu_xs *xs, uint32_t type, uint32_t tx, const void *req,
		      size_t req_len, void *reply, size_t *reply_len);

int xenemu_xs_read(struct xenemu_xs *xs, uint32_t tx, const char *path, char *buf, size_t size);
int xenemu_xs_read_u32(struct xenemu_xs *xs, uint32_t tx, const char *path, uint32_t *val);
int xenemu_xs_read_u64(struct xenemu_xs *xs, uint32_t tx, const char *path, uint64_t *val);
int xenemu_xs_write(struct xenemu_xs *xs, uint32_t tx, const char *path, const void *val,
		    size_t len);
int xenemu_xs_printf(struct xenemu_xs *xs, uint32_t tx, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int xenemu_xs_mkdir(struct xenemu_xs *xs, uint32_t tx, const char *path);
int xenemu_xs_rm(struct xenemu_xs *xs, uint32_t tx, const char *path);
int xenemu_xs_directory(struct xenemu_xs *xs, uint32_t tx, const char *path,
			struct xenemu_xs_dir *dir);
void xenemu_xs_dir_free(struct xenemu_xs_dir *dir);
int xenemu_xs_get_perms(struct xenemu_xs *xs, uint32_t tx, const char *path,
			struct xenemu_xs_perm *perms, unsigned int max);
int xenemu_xs_set_perms(struct xenemu_xs *xs, uint32_t tx, const char *path,
			const struct xenemu_xs_perm *perms, unsigned int nr);

int xenemu_xs_watch(struct xenemu_xs *xs, const char *path, const char *token);
int xenemu_xs_unwatch(struct xenemu_xs *xs, const char *path, const char *token);
int xenemu_xs_next_event(struct xenemu_xs *xs, struct xenemu_xs_event *event);

int xenemu_xs_transaction_start(struct xenemu_xs *xs, uint32_t *tx);
int xenemu_xs_transaction_end(struct xenemu_xs *xs, uint32_t tx, bool commit);
int xenemu_xs_transact(struct xenemu_xs *xs,
		       int (*fn)(struct xenemu_xs *xs, uint32_t tx, void *arg), void *arg);

int xenemu_xs_introduce(struct xenemu_xs *xs, uint32_t domid, uint64_t gfn, uint32_t port);
int xenemu_xs_release(struct xenemu_xs *xs, uint32_t domid);
int xenemu_xs_is_introduced(struct xenemu_xs *xs, uint32_t domid);

int xenemu_xs_path(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int xenemu_xs_parse_u64(const char *str, uint64_t max, uint64_t *val);

#endif /* XENEMU_XSCLIENT_H */
