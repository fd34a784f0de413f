/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's XenStore on a Unix socket. */
#ifndef XENVM_STORESOCKET_H
#define XENVM_STORESOCKET_H

#include "loop.h"

/* Connections at a time; more have to wait. */
#define STORESOCKET_CLIENTS	64

struct storesocket_client;

/**
 * struct storesocket - the socket
 * @loop: the loop that it is in
 * @listener: source for the listening socket
 * @path: where it is
 * @host_fd: the host
 * @clients: connections
 * @nr_clients: number of them
 */
struct storesocket {
	struct loop *loop;
	struct source listener;
	const char *path;
	int host_fd;
	struct storesocket_client *clients[STORESOCKET_CLIENTS];
	unsigned int nr_clients;
};

/**
 * storesocket_start - listen
 * @sock: filled in
 * @loop: loop to be in
 * @path: where; a socket that nobody listens on is replaced
 * @host_fd: the host
 *
 * Return: 0, or -1 having said why.
 */
int storesocket_start(struct storesocket *sock, struct loop *loop, const char *path,
		      int host_fd);
void storesocket_stop(struct storesocket *sock);

#endif /* XENVM_STORESOCKET_H */
