// SPDX-License-Identifier: GPL-2.0-only
/*
 * terminal COMMAND [ARGUMENT]... - run a command with a terminal of its own for
 * its output, and copy what it prints to standard output at once.
 *
 * On a pipe, C programs hold their output back until some kilobytes are
 * together; a run that hangs or dies would lose them. The terminal changes
 * nothing in the output, and there is nothing to read from it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static void fatal(const char *what)
{
	fprintf(stderr, "terminal: %s: %s\n", what, strerror(errno));
	exit(126);
}

static int open_terminal(char *name, size_t size)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (master < 0 || grantpt(master) || unlockpt(master) ||
	    ptsname_r(master, name, size))
		fatal("pty");
	return master;
}

static void run_child(const char *name, char **argv)
{
	int terminal, null = open("/dev/null", O_RDONLY);
	struct termios settings;

	setsid();
	terminal = open(name, O_RDWR);
	if (terminal < 0 || null < 0)
		fatal(name);
	tcgetattr(terminal, &settings);
	settings.c_oflag &= ~OPOST;
	settings.c_lflag &= ~ECHO;
	tcsetattr(terminal, TCSANOW, &settings);
	dup2(null, STDIN_FILENO);
	dup2(terminal, STDOUT_FILENO);
	dup2(terminal, STDERR_FILENO);
	close(terminal);
	close(null);
	execvp(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Copy what is there within @timeout ms; false if there was nothing. */
static int copy(int master, int timeout)
{
	struct pollfd poll_master = { .fd = master, .events = POLLIN };
	char buffer[4096];
	ssize_t size, done, n;

	if (poll(&poll_master, 1, timeout) <= 0)
		return 0;
	size = read(master, buffer, sizeof(buffer));
	for (done = 0; done < size; done += n) {
		n = write(STDOUT_FILENO, buffer + done, size - done);
		if (n < 0)
			fatal("standard output");
	}
	return size > 0;
}

int main(int argc, char **argv)
{
	int master, held, status;
	char name[64];
	pid_t child;

	if (argc < 2) {
		fprintf(stderr, "usage: terminal COMMAND [ARGUMENT]...\n");
		return 126;
	}
	master = open_terminal(name, sizeof(name));
	/* Held open, so that the terminal does not hang up before it is used. */
	held = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	child = fork();
	if (held < 0 || child < 0)
		fatal("fork");
	if (!child)
		run_child(name, argv + 1);
	while (!waitpid(child, &status, WNOHANG))
		copy(master, 100);
	/* What the command left running may print for ever: no more of that. */
	while (copy(master, 0))
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
