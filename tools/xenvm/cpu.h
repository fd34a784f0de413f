/* SPDX-License-Identifier: GPL-2.0-only */
/* vCPUs and their threads. */
#ifndef XENVM_CPU_H
#define XENVM_CPU_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "status.h"

struct boot;
struct cpus;
struct kvm_run;
struct options;
struct xenemu_cpu;
struct xenemu_vm;

/**
 * struct cpu - a vCPU
 * @cpus: all of them
 * @kvm_fd: KVM's vCPU fd
 * @run: KVM's shared page
 * @xen: xenemu's vCPU
 * @thread: runs it
 */
struct cpu {
	struct cpus *cpus;
	int kvm_fd;
	struct kvm_run *run;
	struct xenemu_cpu *xen;
	pthread_t thread;
};

/* What the vCPU threads are to do. */
enum cpus_state {
	CPUS_RUN,
	CPUS_PAUSE,
	CPUS_STOP,
};

/* Why the main thread is woken. */
enum cpus_event {
	CPUS_NOTHING,
	CPUS_END,		/* the guest ended; see @status */
	CPUS_SOFT_RESET,	/* it asked for a soft reset and waits for it */
};

/**
 * struct cpus - the vCPUs of a guest
 * @cpu: each
 * @nr: number of them
 * @run_size: size of each struct kvm_run
 * @log_fd: where text of HYPERVISOR_console_io goes
 * @nr_threads: threads that are to be joined
 * @event_fd: eventfd; readable when @event is set
 * @lock: protects what follows
 * @changed: signalled when @state changes or a thread parks
 * @state: what the threads are to do
 * @parked: threads that wait for @state to become CPUS_RUN
 * @started: threads that have not ended
 * @event: what the main thread is to do
 * @status: how the guest ended
 */
struct cpus {
	struct cpu *cpu;
	unsigned int nr;
	size_t run_size;
	int log_fd;
	unsigned int nr_threads;
	int event_fd;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum cpus_state state;
	unsigned int parked;
	unsigned int started;
	enum cpus_event event;
	enum status status;
};

/**
 * cpus_create - make the vCPUs, the first one ready to start
 * @cpus: filled in
 * @options: what the user asked for
 * @boot: where the first vCPU starts
 * @system_fd: /dev/kvm
 * @kvm_fd: the VM
 * @vm: the domain
 * @log_fd: where text of HYPERVISOR_console_io goes
 *
 * Return: 0, or -1 having said why.
 */
int cpus_create(struct cpus *cpus, const struct options *options, const struct boot *boot,
		int system_fd, int kvm_fd, struct xenemu_vm *vm, int log_fd);
void cpus_destroy(struct cpus *cpus);

/* Start the threads. 0, or -1 having said why. */
int cpus_start(struct cpus *cpus);

/* Have all threads leave the guest and wait. */
void cpus_pause(struct cpus *cpus);
void cpus_resume(struct cpus *cpus);

/* End all threads. */
void cpus_stop(struct cpus *cpus);

/* Take the event that @event_fd was signalled for. */
enum cpus_event cpus_take_event(struct cpus *cpus);

#endif /* XENVM_CPU_H */
