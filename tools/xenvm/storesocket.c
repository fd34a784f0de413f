// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each connection gets a store fd of dom0's. It speaks the protocol that
 * clients of xenstored speak, so bytes are passed on as they come. Whoever may
 * connect is as powerful as dom0; the socket is for its owner only.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "libxenemu.h"
#include "log.h"
#include "storesocket.h"

#define PIPE_ROOM		8192

/**
 * struct pipe - bytes that go one way
 * @start: of the bytes in @buf that have not been written
 * @len: number of them
 * @buf: the bytes
 */
struct pipe {
	size_t start;
	size_t len;
	char buf[PIPE_ROOM];
};

/**
 * struct storesocket_client - a connection
 * @sock: the socket that it came from
 * @client: source for the connection
 * @store: source for its store fd
 * @requests: from the client to the store
 * @replies: from the store to the client
 */
struct storesocket_client {
	struct storesocket *sock;
	struct source client;
	struct source store;
	struct pipe requests;
	struct pipe replies;
};

/* Read if there is room, write if there is something. False at the end. */
static bool move(struct pipe *pipe, int from, int to)
{
	ssize_t ret;

	if (!pipe->len) {
		ret = read(from, pipe->buf, sizeof(pipe->buf));
		if (!ret || (ret < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		pipe->start = 0;
		pipe->len = ret < 0 ? 0 : ret;
	}
	while (pipe->len) {
		ret = write(to, pipe->buf + pipe->start, pipe->len);
		if (ret < 0)
			return errno == EAGAIN || errno == EINTR;
		pipe->start += ret;
		pipe->len -= ret;
	}
	return true;
}

static void end_client(struct storesocket_client *client)
{
	struct storesocket *sock = client->sock;
	unsigned int i;

	loop_remove(sock->loop, &client->client);
	loop_remove(sock->loop, &client->store);
	close(client->client.fd);
	close(client->store.fd);

	for (i = 0; sock->clients[i] != client; i++)
		;
	sock->clients[i] = sock->clients[--sock->nr_clients];
	sock->listener.events = POLLIN;
	free(client);
}

static void relay(struct storesocket_client *client)
{
	if (!move(&client->requests, client->client.fd, client->store.fd) ||
	    !move(&client->replies, client->store.fd, client->client.fd)) {
		end_client(client);
		return;
	}
	/* What waits to be written is waited for; nothing more is read meanwhile. */
	client->client.events = (client->requests.len ? 0 : POLLIN) |
				(client->replies.len ? POLLOUT : 0);
	client->store.events = (client->replies.len ? 0 : POLLIN) |
			       (client->requests.len ? POLLOUT : 0);
}

static void client_ready(struct source *source, short revents)
{
	(void)revents;
	relay(source_owner(source, struct storesocket_client, client));
}

static void store_ready(struct source *source, short revents)
{
	(void)revents;
	relay(source_owner(source, struct storesocket_client, store));
}

static void listener_ready(struct source *source, short revents)
{
	struct storesocket *sock = source_owner(source, struct storesocket, listener);
	struct storesocket_client *client;

	(void)revents;
	client = calloc(1, sizeof(*client));
	if (!client)
		return;
	*client = (struct storesocket_client) {
		.sock = sock,
		.client = { .events = POLLIN, .ready = client_ready },
		.store = { .events = POLLIN, .ready = store_ready },
	};

	client->client.fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (client->client.fd < 0)
		goto err_free;
	client->store.fd = xenemu_open_store(sock->host_fd, 0);
	if (client->store.fd < 0) {
		say("a client of the XenStore socket is refused: %s", xenemu_error());
		goto err_client;
	}
	if (fcntl(client->store.fd, F_SETFL, O_NONBLOCK) ||
	    loop_add(sock->loop, &client->client))
		goto err_store;
	if (loop_add(sock->loop, &client->store))
		goto err_remove;

	sock->clients[sock->nr_clients++] = client;
	if (sock->nr_clients == STORESOCKET_CLIENTS)
		source->events = 0;
	return;

err_remove:
	loop_remove(sock->loop, &client->client);
err_store:
	close(client->store.fd);
err_client:
	close(client->client.fd);
err_free:
	free(client);
}

/* A socket that was left behind by a process that died may be replaced, no other file. */
static bool is_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	bool stale;
	int fd;

	if (lstat(addr->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	stale = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 &&
		errno == ECONNREFUSED;
	close(fd);
	return stale;
}

static int bind_private(int fd, const struct sockaddr_un *addr)
{
	mode_t mask = umask(0177);
	int ret = bind(fd, (const struct sockaddr *)addr, sizeof(*addr));

	if (ret < 0 && errno == EADDRINUSE && is_stale(addr) && !unlink(addr->sun_path))
		ret = bind(fd, (const struct sockaddr *)addr, sizeof(*addr));
	umask(mask);
	return ret;
}

int storesocket_start(struct storesocket *sock, struct loop *loop, const char *path,
		      int host_fd)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path))
		return fail("--xenstore-socket %s: the path is longer than %zu bytes", path,
			    sizeof(addr.sun_path) - 1);
	strcpy(addr.sun_path, path);

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail("cannot make a socket: %s", strerror(errno));
	if (bind_private(fd, &addr) < 0) {
		fail("cannot listen on %s: %s", path, strerror(errno));
		close(fd);
		return -1;
	}

	*sock = (struct storesocket) {
		.loop = loop,
		.listener = { .fd = fd, .events = POLLIN, .ready = listener_ready },
		.path = path,
		.host_fd = host_fd,
	};
	if (listen(fd, STORESOCKET_CLIENTS) < 0 || loop_add(loop, &sock->listener)) {
		fail("cannot listen on %s: %s", path, strerror(errno));
		unlink(path);
		close(fd);
		return -1;
	}
	return 0;
}

void storesocket_stop(struct storesocket *sock)
{
	while (sock->nr_clients)
		end_client(sock->clients[0]);
	loop_remove(sock->loop, &sock->listener);
	close(sock->listener.fd);
	unlink(sock->path);
}
