/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * XenStore's wire protocol for the tests: over a store fd's read() and write(),
 * and over its ioctl.
 */
#ifndef XENEMU_TEST_XS_H
#define XENEMU_TEST_XS_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <xen/io/xs_wire.h>

/* A whole message, and a NUL that is not part of it. */
struct xs_msg {
	struct xsd_sockmsg hdr;
	char body[XENSTORE_PAYLOAD_MAX + 1];
};

#define XS_HDR_SIZE	sizeof(struct xsd_sockmsg)

/* Put a message together; its size with the header. @req_id tells replies apart. */
size_t xs_make(struct xs_msg *msg, uint32_t type, uint32_t req_id, uint32_t tx,
	       const void *body, size_t len);

/* Write a whole request; 0 or -errno. */
int xs_send(int fd, uint32_t type, uint32_t req_id, uint32_t tx, const void *body, size_t len);
/* Read a whole message, waiting for it as the fd does; 0 or -errno. */
int xs_recv(int fd, struct xs_msg *msg);

/*
 * A request by ioctl; XS_CALL() takes a string literal, whose NUL is sent too.
 * Returns the length of the reply, which is in @reply with a NUL behind it, or
 * -errno, also of an error reply; @reply may be NULL.
 */
ssize_t xs_call(int fd, uint32_t type, uint32_t tx, const void *body, size_t len, char *reply);
#define XS_CALL(fd, type, tx, str)	xs_call(fd, type, tx, str, sizeof(str), NULL)

/* The usual requests by ioctl; 0 or -errno. @path is a string. */
int xs_write_node(int fd, uint32_t tx, const char *path, const char *value);
/* The value with a NUL behind it goes to @value, which has room for a payload. */
ssize_t xs_read_node(int fd, uint32_t tx, const char *path, char *value);
int xs_watch(int fd, const char *path, const char *token);
/* The new transaction, or -errno. */
int xs_start(int fd);
int xs_end(int fd, uint32_t tx, const char *commit);

/* As dom0: XS_INTRODUCE; a node that is the domain's home and goes with it. 0 or -errno. */
int xs_introduce(int dom0, unsigned int domid, uint64_t gfn, uint32_t port);
int xs_make_home(int dom0, unsigned int domid);

/* The errno that the body of an error reply names. */
int xs_errno(const struct xs_msg *msg);

#endif /* XENEMU_TEST_XS_H */
