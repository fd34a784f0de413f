// SPDX-License-Identifier: GPL-2.0-only
/*
 * Process 1 of the test bed. It lives in an initramfs of its own, because
 * Debian's takes several times longer to find a root that is known beforehand.
 *
 * It loads the modules that the root disk needs, in the order of /modules/list,
 * goes over to that root, runs the session script from the payload disk, reaps
 * everybody's orphans meanwhile, and powers the machine off. Whatever goes
 * wrong here ends in a power-off without a verdict, which the host takes for a
 * failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROOT_DISK	"/dev/vda"
#define PAYLOAD_DISK	"/dev/vdb"
#define PAYLOAD		"/xenemu"
#define SESSION		PAYLOAD "/lab/session"

static void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void fatal(const char *what)
{
	fprintf(stderr, "bed: %s: %s\n", what, strerror(errno));
	power_off();
}

static void must_mount(const char *source, const char *target,
		       const char *type, unsigned long flags, const char *data)
{
	if (mount(source, target, type, flags, data))
		fatal(target);
}

static void load_module(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
		fatal(path);
	close(fd);
}

static void load_modules(void)
{
	FILE *list = fopen("/modules/list", "re");
	char path[256] = "/modules/";
	const size_t dir = strlen(path);

	if (!list)
		fatal("/modules/list");
	while (fgets(path + dir, sizeof(path) - dir, list)) {
		path[strcspn(path, "\n")] = '\0';
		load_module(path);
	}
	fclose(list);
}

/* Disks are probed asynchronously: give them half a minute. */
static void wait_for(const char *path)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	int tries;

	for (tries = 0; access(path, F_OK); tries++) {
		if (tries == 30000)
			fatal(path);
		nanosleep(&ms, NULL);
	}
}

static void enter_root(void)
{
	static const char *const moved[] = { "/dev", "/proc", "/sys" };
	char target[32];
	size_t i;

	wait_for(ROOT_DISK);
	must_mount(ROOT_DISK, "/root", "ext4", MS_NOATIME, NULL);
	for (i = 0; i < sizeof(moved) / sizeof(moved[0]); i++) {
		snprintf(target, sizeof(target), "/root%s", moved[i]);
		must_mount(moved[i], target, NULL, MS_MOVE, NULL);
	}
	if (chdir("/root"))
		fatal("/root");
	must_mount("/root", "/", NULL, MS_MOVE, NULL);
	if (chroot(".") || chdir("/"))
		fatal("chroot");
}

static void mount_rest(void)
{
	mkdir("/dev/pts", 0755);
	mkdir("/dev/shm", 01777);
	must_mount("devpts", "/dev/pts", "devpts", 0, "mode=620,ptmxmode=666");
	must_mount("shm", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, NULL);
	must_mount("run", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755");
	must_mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	must_mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
	must_mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL);
	wait_for(PAYLOAD_DISK);
	must_mount(PAYLOAD_DISK, PAYLOAD, "ext4", MS_NOATIME, NULL);
}

static void run_session(void)
{
	static char *const argv[] = { SESSION, NULL };
	static char *const envp[] = {
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C",
		"TERM=dumb", NULL
	};
	pid_t session = fork();

	if (session < 0)
		fatal("fork");
	if (!session) {
		setsid();
		execve(SESSION, argv, envp);
		fprintf(stderr, "bed: %s: %s\n", SESSION, strerror(errno));
		_exit(127);
	}
	while (wait(NULL) != session)
		;
}

int main(void)
{
	must_mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	must_mount("proc", "/proc", "proc", 0, NULL);
	must_mount("sysfs", "/sys", "sysfs", 0, NULL);
	load_modules();
	enter_root();
	mount_rest();
	run_session();
	power_off();
}
