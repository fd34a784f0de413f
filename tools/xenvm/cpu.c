// SPDX-License-Identifier: GPL-2.0-only
/* The vCPUs' threads, and what they do about the exits of the guest. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <xen/sched.h>

#include "acpi.h"
#include "cpu.h"
#include "libxenemu.h"
#include "log.h"

/* Takes a vCPU thread out of the guest. */
#define KICK_SIGNAL		SIGUSR1

/* How often a thread is kicked that does not come. */
#define KICK_AGAIN_NS		10000000L

/* The vCPU that this thread runs, for the signal handler. */
static _Thread_local struct kvm_run *my_run;

/* Without this, a signal between two system calls would be lost. */
static void kicked(int sig)
{
	(void)sig;
	if (my_run)
		my_run->immediate_exit = 1;
}

static void post(struct cpus *cpus, enum cpus_event event, enum status status)
{
	uint64_t one = 1;

	pthread_mutex_lock(&cpus->lock);
	/* The first vCPU to say how it ends is right. */
	if (cpus->event != CPUS_END) {
		cpus->event = event;
		cpus->status = status;
	}
	pthread_mutex_unlock(&cpus->lock);

	if (write(cpus->event_fd, &one, sizeof(one)) < 0)
		return;	/* full, so the main thread will look anyway */
}

/* Stop this thread's loop, and all. */
static int end(struct cpus *cpus, enum status status)
{
	post(cpus, CPUS_END, status);
	return 1;
}

/* Wait while the guest is paused. Returns 1 if the thread is to end. */
static int park(struct cpus *cpus)
{
	int stop;

	pthread_mutex_lock(&cpus->lock);
	cpus->parked++;
	pthread_cond_broadcast(&cpus->changed);
	while (cpus->state == CPUS_PAUSE)
		pthread_cond_wait(&cpus->changed, &cpus->lock);
	cpus->parked--;
	stop = cpus->state == CPUS_STOP;
	pthread_mutex_unlock(&cpus->lock);
	return stop;
}

/* Returns -1 to power off, 1 to reset, 0 to go on. */
static int port_written(uint16_t port, uint8_t value)
{
	if (port == ACPI_PORT_RESET && value == ACPI_RESET_VALUE)
		return 1;
	if (port == ACPI_PORT_SLEEP_CONTROL && value & ACPI_SLEEP_ENABLE &&
	    (value >> ACPI_SLEEP_TYPE_SHIFT & ACPI_SLEEP_TYPE_MASK) == ACPI_SLEEP_TYPE_S5)
		return -1;
	return 0;
}

/* There are no other devices: reads find nobody, writes go nowhere. */
static int port_io(struct cpus *cpus, struct kvm_run *run)
{
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	size_t len = (size_t)run->io.size * run->io.count;
	int what;

	if (run->io.direction == KVM_EXIT_IO_IN) {
		/* Nothing ever wakes from S5, and floating buses read as ones. */
		memset(data, run->io.port == ACPI_PORT_SLEEP_STATUS ? 0 : 0xff, len);
		return 0;
	}

	what = port_written(run->io.port, *data);
	if (!what)
		return 0;
	return end(cpus, what < 0 ? STATUS_POWEROFF : STATUS_REBOOT);
}

static int kvm_exit(struct xenemu_cpu *xen, struct kvm_run *run, void *arg)
{
	struct cpus *cpus = ((struct cpu *)arg)->cpus;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		return port_io(cpus, run);
	case KVM_EXIT_MMIO:
		if (!run->mmio.is_write)
			memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
		return 0;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		return 0;
	case KVM_EXIT_SHUTDOWN:
		say("vCPU %u: triple fault; the guest is reset", xenemu_cpu_id(xen));
		return end(cpus, STATUS_REBOOT);
	case KVM_EXIT_FAIL_ENTRY:
		fail("vCPU %u: the CPU refuses to enter the guest (reason 0x%llx)",
		     xenemu_cpu_id(xen),
		     (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
		return end(cpus, STATUS_FAILURE);
	case KVM_EXIT_INTERNAL_ERROR:
		fail("vCPU %u: KVM gives up (internal error %u)", xenemu_cpu_id(xen),
		     run->internal.suberror);
		return end(cpus, STATUS_FAILURE);
	default:
		fail("vCPU %u: KVM exits for a reason that xenvm does not know (%u)",
		     xenemu_cpu_id(xen), run->exit_reason);
		return end(cpus, STATUS_FAILURE);
	}
}

static int interrupted(struct xenemu_cpu *xen, void *arg)
{
	struct cpu *cpu = arg;

	(void)xen;
	/* Cleared before the state is looked at: a kick that comes now counts. */
	cpu->run->immediate_exit = 0;
	return park(cpu->cpus);
}

static int shutdown(struct xenemu_cpu *xen, uint32_t reason, int *answer, void *arg)
{
	struct cpus *cpus = ((struct cpu *)arg)->cpus;

	switch (reason) {
	case SHUTDOWN_poweroff:
		return end(cpus, STATUS_POWEROFF);
	case SHUTDOWN_reboot:
		return end(cpus, STATUS_REBOOT);
	case SHUTDOWN_crash:
		say("the guest says that it crashed");
		return end(cpus, STATUS_CRASH);
	case SHUTDOWN_watchdog:
		say("the guest's watchdog ran out");
		return end(cpus, STATUS_WATCHDOG);
	case SHUTDOWN_suspend:
		/* Nobody could wake it: it is told that this was cancelled, and goes on. */
		*answer = 1;
		return 0;
	case SHUTDOWN_soft_reset:
		pthread_mutex_lock(&cpus->lock);
		if (cpus->state == CPUS_RUN)
			cpus->state = CPUS_PAUSE;
		pthread_mutex_unlock(&cpus->lock);
		post(cpus, CPUS_SOFT_RESET, STATUS_POWEROFF);
		return park(cpus);
	default:
		say("vCPU %u: unknown shutdown reason %u; taken for a crash", xenemu_cpu_id(xen),
		    reason);
		return end(cpus, STATUS_CRASH);
	}
}

static void console(struct xenemu_cpu *xen, const char *text, size_t len, void *arg)
{
	(void)xen;
	log_guest(((struct cpu *)arg)->cpus->log_fd, text, len);
}

static const struct xenemu_run_ops run_ops = {
	.kvm_exit = kvm_exit,
	.interrupted = interrupted,
	.shutdown = shutdown,
	.console = console,
};

static void *run_thread(void *arg)
{
	struct cpu *cpu = arg;
	struct cpus *cpus = cpu->cpus;
	sigset_t kick;
	int ret;

	my_run = cpu->run;
	sigemptyset(&kick);
	sigaddset(&kick, KICK_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &kick, NULL);

	/* Kicks that came before this thread could take them. */
	if (park(cpus))
		return NULL;

	ret = xenemu_cpu_run(cpu->xen, &run_ops, cpu);
	if (ret < 0) {
		fail("%s", xenemu_error());
		end(cpus, STATUS_FAILURE);
	}

	/* Whoever waits for all threads to park need not wait for this one. */
	pthread_mutex_lock(&cpus->lock);
	cpus->started--;
	pthread_cond_broadcast(&cpus->changed);
	pthread_mutex_unlock(&cpus->lock);
	return NULL;
}

int cpus_start(struct cpus *cpus)
{
	struct sigaction action = { .sa_handler = kicked };
	unsigned int i;

	sigaction(KICK_SIGNAL, &action, NULL);
	cpus->state = CPUS_RUN;
	for (i = 0; i < cpus->nr; i++) {
		char name[16];
		int ret;

		pthread_mutex_lock(&cpus->lock);
		ret = pthread_create(&cpus->cpu[i].thread, NULL, run_thread, &cpus->cpu[i]);
		if (!ret)
			cpus->started++;
		pthread_mutex_unlock(&cpus->lock);
		if (ret) {
			fail("cannot start a thread for vCPU %u: %s", i, strerror(ret));
			cpus->nr_threads = i;
			cpus_stop(cpus);
			return -1;
		}
		snprintf(name, sizeof(name), "vcpu%u", i);
		pthread_setname_np(cpus->cpu[i].thread, name);
	}
	cpus->nr_threads = cpus->nr;
	return 0;
}

static void kick_all(const struct cpus *cpus)
{
	unsigned int i;

	for (i = 0; i < cpus->nr_threads; i++)
		pthread_kill(cpus->cpu[i].thread, KICK_SIGNAL);
}

static void in_a_moment(struct timespec *when)
{
	clock_gettime(CLOCK_REALTIME, when);
	when->tv_nsec += KICK_AGAIN_NS;
	if (when->tv_nsec >= 1000000000L) {
		when->tv_nsec -= 1000000000L;
		when->tv_sec++;
	}
}

void cpus_pause(struct cpus *cpus)
{
	pthread_mutex_lock(&cpus->lock);
	cpus->state = CPUS_PAUSE;
	while (cpus->parked < cpus->started) {
		struct timespec when;

		kick_all(cpus);
		in_a_moment(&when);
		pthread_cond_timedwait(&cpus->changed, &cpus->lock, &when);
	}
	pthread_mutex_unlock(&cpus->lock);
}

static void set_state(struct cpus *cpus, enum cpus_state state)
{
	pthread_mutex_lock(&cpus->lock);
	cpus->state = state;
	pthread_cond_broadcast(&cpus->changed);
	pthread_mutex_unlock(&cpus->lock);
}

void cpus_resume(struct cpus *cpus)
{
	set_state(cpus, CPUS_RUN);
}

void cpus_stop(struct cpus *cpus)
{
	unsigned int i;

	set_state(cpus, CPUS_STOP);
	kick_all(cpus);
	for (i = 0; i < cpus->nr_threads; i++)
		pthread_join(cpus->cpu[i].thread, NULL);
	cpus->nr_threads = 0;
}

enum cpus_event cpus_take_event(struct cpus *cpus)
{
	enum cpus_event event;
	uint64_t count;

	if (read(cpus->event_fd, &count, sizeof(count)) < 0)
		return CPUS_NOTHING;
	pthread_mutex_lock(&cpus->lock);
	event = cpus->event;
	if (event != CPUS_END)
		cpus->event = CPUS_NOTHING;
	pthread_mutex_unlock(&cpus->lock);
	return event;
}
