// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "endpoint.h"
#include "log.h"
#include "options.h"
#include "terminal.h"

#define ESCAPE			0x01	/* Ctrl-A */

/* How long the last output may take to go. */
#define FINAL_WAIT_MS		1000

size_t endpoint_room(const struct endpoint *endpoint)
{
	return endpoint->drop ? ENDPOINT_ROOM : ENDPOINT_ROOM - endpoint->len;
}

static void drop_oldest(struct endpoint *endpoint, size_t len)
{
	endpoint->start = (endpoint->start + len) % ENDPOINT_ROOM;
	endpoint->len -= len;
}

static void flush(struct endpoint *endpoint)
{
	while (endpoint->len) {
		size_t piece = ENDPOINT_ROOM - endpoint->start;
		ssize_t ret;

		if (piece > endpoint->len)
			piece = endpoint->len;
		ret = write(endpoint->out.fd, endpoint->buf + endpoint->start, piece);
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0 && errno == EAGAIN)
			break;
		/* A reader that has gone, a full disk: the guest goes on without. */
		drop_oldest(endpoint, ret < 0 ? endpoint->len : (size_t)ret);
		/* It may block where the fd could not be made non-blocking: see poll() first. */
		if (ret >= 0)
			break;
	}
	endpoint->out.events = endpoint->len ? POLLOUT : 0;
}

void endpoint_write(struct endpoint *endpoint, const char *data, size_t len)
{
	size_t i;

	if (endpoint->out.fd < 0)
		return;
	if (len > ENDPOINT_ROOM - endpoint->len)
		drop_oldest(endpoint, len - (ENDPOINT_ROOM - endpoint->len));
	for (i = 0; i < len; i++)
		endpoint->buf[(endpoint->start + endpoint->len + i) % ENDPOINT_ROOM] = data[i];
	endpoint->len += len;
	endpoint->out.events = POLLOUT;
}

static void out_ready(struct source *source, short revents)
{
	struct endpoint *endpoint = source_owner(source, struct endpoint, out);

	(void)revents;
	flush(endpoint);
	if (endpoint->drained)
		endpoint->drained(endpoint->arg);
}

static void show_help(void)
{
	say("Ctrl-A x ends the guest at once, Ctrl-A Ctrl-A sends Ctrl-A, Ctrl-A h shows this");
}

/* Take the Ctrl-A commands out of input. Returns how much remains. */
static size_t obey_escapes(struct endpoint *endpoint, char *data, size_t len)
{
	size_t i, kept = 0;

	for (i = 0; i < len; i++) {
		char c = data[i];

		if (!endpoint->escaped) {
			endpoint->escaped = c == ESCAPE;
			if (c != ESCAPE)
				data[kept++] = c;
			continue;
		}
		endpoint->escaped = false;
		switch (c) {
		case 'x':
		case 'X':
			if (endpoint->quit)
				endpoint->quit(endpoint->quit_arg);
			break;
		case 'h':
		case 'H':
		case '?':
			show_help();
			break;
		case ESCAPE:
			data[kept++] = c;
			break;
		}
	}
	return kept;
}

/* Offer the input that waits, and wait for more once none does. */
static void offer(struct endpoint *endpoint)
{
	size_t taken;

	if (endpoint->pending_len && endpoint->input) {
		taken = endpoint->input(endpoint->arg, endpoint->pending, endpoint->pending_len);
		endpoint->pending_len -= taken;
		memmove(endpoint->pending, endpoint->pending + taken, endpoint->pending_len);
	}
	endpoint->in.events = endpoint->pending_len ? 0 : POLLIN;
}

void endpoint_resume(struct endpoint *endpoint)
{
	if (endpoint->in.fd >= 0)
		offer(endpoint);
}

static void in_ready(struct source *source, short revents)
{
	struct endpoint *endpoint = source_owner(source, struct endpoint, in);
	ssize_t ret;

	(void)revents;
	ret = read(endpoint->in.fd, endpoint->pending, sizeof(endpoint->pending));
	if (ret < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (ret <= 0) {
		/* End of input is no reason to end the guest. */
		loop_remove(endpoint->loop, source);
		return;
	}

	endpoint->pending_len = ret;
	if (endpoint->escapes)
		endpoint->pending_len = obey_escapes(endpoint, endpoint->pending, ret);
	offer(endpoint);
}

/*
 * Standard output is shared with others, who would be surprised to find it
 * non-blocking. A terminal or a pipe can be opened anew; for the rest, writes
 * are made only after poll() said that they do not wait.
 */
static int open_stdout(void)
{
	struct stat st;
	int fd = -1;

	if (!fstat(STDOUT_FILENO, &st) && (S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode)))
		fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return fd;
}

static int open_pty(struct endpoint *endpoint)
{
	struct termios termios;
	int fd, peer;

	fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || grantpt(fd) || unlockpt(fd) ||
	    ptsname_r(fd, endpoint->tty, sizeof(endpoint->tty))) {
		if (fd >= 0)
			close(fd);
		return fail("cannot make a pseudo-terminal: %s", strerror(errno));
	}

	/*
	 * Kept open, or the first reader that leaves would hang the terminal up.
	 * It never is anybody's controlling terminal.
	 */
	peer = open(endpoint->tty, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (peer < 0) {
		close(fd);
		return fail("cannot open %s: %s", endpoint->tty, strerror(errno));
	}
	if (!tcgetattr(peer, &termios)) {
		cfmakeraw(&termios);
		tcsetattr(peer, TCSANOW, &termios);
	}
	endpoint->peer = peer;
	endpoint->out.fd = fd;
	endpoint->in.fd = fd;
	endpoint->drop = true;
	say("the console is %s", endpoint->tty);
	return 0;
}

int endpoint_open(struct endpoint *endpoint, const struct options *options)
{
	*endpoint = (struct endpoint) {
		.out = { .fd = -1, .ready = out_ready },
		.in = { .fd = -1, .events = POLLIN, .ready = in_ready },
		.peer = -1,
	};

	switch (options->console) {
	case CONSOLE_STDIO:
		endpoint->out.fd = open_stdout();
		endpoint->in.fd = STDIN_FILENO;
		endpoint->escapes = isatty(STDIN_FILENO);
		return 0;
	case CONSOLE_PTY:
		return open_pty(endpoint);
	case CONSOLE_FILE:
		endpoint->out.fd = open(options->console_path,
					O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC |
					O_NONBLOCK, 0666);
		if (endpoint->out.fd < 0)
			return fail("cannot open %s for the console: %s", options->console_path,
				    strerror(errno));
		return 0;
	}
	return -1;
}

void endpoint_close(struct endpoint *endpoint)
{
	if (endpoint->out.fd >= 0)
		close(endpoint->out.fd);
	if (endpoint->peer >= 0)
		close(endpoint->peer);
}

int endpoint_attach(struct endpoint *endpoint, struct loop *loop)
{
	endpoint->loop = loop;
	if (endpoint->out.fd >= 0 && loop_add(loop, &endpoint->out))
		return -1;
	if (endpoint->in.fd >= 0 && loop_add(loop, &endpoint->in))
		return -1;
	if (endpoint->escapes)
		terminal_raw();
	return 0;
}

void endpoint_detach(struct endpoint *endpoint)
{
	/* What the guest wrote last is often why it ended. */
	while (endpoint->len) {
		struct pollfd wait = { .fd = endpoint->out.fd, .events = POLLOUT };

		if (poll(&wait, 1, FINAL_WAIT_MS) <= 0)
			break;
		flush(endpoint);
	}

	endpoint->input = NULL;
	endpoint->drained = NULL;
	endpoint->quit = NULL;
	endpoint->pending_len = 0;
	loop_remove(endpoint->loop, &endpoint->out);
	loop_remove(endpoint->loop, &endpoint->in);
	terminal_restore();
}
