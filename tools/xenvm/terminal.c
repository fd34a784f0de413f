// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "log.h"
#include "terminal.h"

/* Signals that end the program without a chance to clean up elsewhere. */
static const int deadly[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGXCPU, SIGXFSZ };

static struct termios saved;
static volatile sig_atomic_t is_raw;

static void make_raw(void)
{
	struct termios raw = saved;

	cfmakeraw(&raw);
	if (!tcsetattr(STDIN_FILENO, TCSANOW, &raw)) {
		is_raw = true;
		log_set_raw(true);
	}
}

/* Safe in a signal handler. */
void terminal_restore(void)
{
	if (!is_raw)
		return;
	is_raw = false;
	tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	log_set_raw(false);
}

static void die(int sig)
{
	terminal_restore();
	/* The handler was for once: the second time it kills. */
	raise(sig);
}

/* Ctrl-Z goes to the guest; this is somebody's kill -TSTP. */
static void stop(int sig)
{
	bool again = is_raw;

	(void)sig;
	terminal_restore();
	raise(SIGSTOP);
	if (again)
		make_raw();
}

static void catch(int sig, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	sigaction(sig, &action, NULL);
}

void terminal_raw(void)
{
	static bool prepared;
	unsigned int i;

	if (tcgetattr(STDIN_FILENO, &saved))
		return;

	if (!prepared) {
		prepared = true;
		atexit(terminal_restore);
		for (i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
			catch(deadly[i], die, SA_RESETHAND | SA_NODEFER);
		catch(SIGTSTP, stop, SA_RESTART);
	}
	make_raw();
}
