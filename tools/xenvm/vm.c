// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest is made in steps that depend on each other; each has its undoing,
 * and they are undone in the reverse order.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <xen/xen.h>
#include <xen/hvm/params.h>

#include "boot.h"
#include "console.h"
#include "cpu.h"
#include "disk.h"
#include "endpoint.h"
#include "libxenemu.h"
#include "log.h"
#include "loop.h"
#include "memory.h"
#include "options.h"
#include "storesocket.h"
#include "storetree.h"
#include "vm.h"
#include "xsclient.h"

/* Grant entries that a toolstack fills in, see <xen/grant_table.h>. */
#define GRANT_CONSOLE		0
#define GRANT_STORE		1

/* RAM that a guest may have outside its RAM, in pieces of 2 MiB: 64 MiB. */
#define WINDOWS			32

/**
 * struct vm - a guest
 * @options: what the user asked for
 * @endpoint: where its console goes
 * @memory: its RAM
 * @boot: where its first vCPU starts
 * @host_fd: the Xen host that it is the only guest of
 * @system_fd: /dev/kvm
 * @kvm_fd: KVM's VM
 * @xen: xenemu's VM
 * @log_fd: for what the guest tells Xen
 * @xs: our XenStore connection
 * @uuid: its UUID as text
 * @tree: what was written into XenStore
 * @disks: its disks
 * @cpus: its vCPUs
 * @console: its console
 * @socket: XenStore for others
 * @loop: the main thread's loop
 * @signals: source for signals
 * @events: source for what the vCPU threads report
 * @asked: the guest was asked to power off
 * @status: how it ended
 */
struct vm {
	const struct options *options;
	struct endpoint *endpoint;
	struct memory memory;
	struct boot boot;
	int host_fd;
	int system_fd;
	int kvm_fd;
	struct xenemu_vm *xen;
	int log_fd;
	struct xenemu_xs xs;
	char uuid[37];
	struct storetree tree;
	struct disks disks;
	struct cpus cpus;
	struct console console;
	struct storesocket socket;
	struct loop loop;
	struct source signals;
	struct source events;
	bool asked;
	enum status status;
};

static void get_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGQUIT);
}

void vm_block_signals(void)
{
	sigset_t set;

	get_signals(&set);
	/* The vCPU threads' kick, which must wait until they are ready for it. */
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void format_uuid(const uint8_t *h, char *text, size_t size)
{
	snprintf(text, size,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7], h[8], h[9], h[10], h[11],
		 h[12], h[13], h[14], h[15]);
}

static int open_kvm(struct vm *vm)
{
	vm->system_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->system_fd >= 0)
		return 0;

	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return fail("cannot open /dev/kvm: %s; load kvm_intel or kvm_amd, and turn virtualisation on in the firmware",
			    strerror(errno));
	case EACCES:
		return fail("cannot open /dev/kvm: %s; become root or join the group kvm",
			    strerror(errno));
	default:
		return fail("cannot open /dev/kvm: %s", strerror(errno));
	}
}

/* A KVM VM with local APICs in the kernel and no other interrupt controller. */
static int create_kvm_vm(struct vm *vm)
{
	struct kvm_enable_cap split = { .cap = KVM_CAP_SPLIT_IRQCHIP };
	uint64_t identity_map = IDENTITY_MAP_BASE;

	vm->kvm_fd = ioctl(vm->system_fd, KVM_CREATE_VM, 0);
	if (vm->kvm_fd < 0)
		return fail("KVM cannot make a VM: %s", strerror(errno));

	if (ioctl(vm->kvm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) < 0 ||
	    ioctl(vm->kvm_fd, KVM_SET_TSS_ADDR, TSS_BASE) < 0 ||
	    ioctl(vm->kvm_fd, KVM_ENABLE_CAP, &split) < 0) {
		fail("KVM of this kernel lacks what xenvm needs: %s", strerror(errno));
		close(vm->kvm_fd);
		return -1;
	}
	return 0;
}

static int create_domain(struct vm *vm)
{
	struct xenemu_vm_config config = {
		.host_fd = vm->host_fd,
		.kvm_fd = vm->kvm_fd,
		.domid = vm->options->domid,
		.max_pages = vm->memory.size >> XENEMU_PAGE_SHIFT,
		.back_slot_first = MEMORY_SLOTS,
		.back_slots = WINDOWS,
	};

	memcpy(config.handle, vm->options->uuid, sizeof(config.handle));
	vm->xen = xenemu_vm_create(&config);
	if (!vm->xen)
		return fail("%s", xenemu_error());
	if (memory_add(&vm->memory, vm->xen)) {
		xenemu_vm_destroy(vm->xen);
		return -1;
	}
	return 0;
}

/* What a toolstack prepares for the rings of XenStore and the console. */
static int prepare_rings(struct vm *vm)
{
	struct xenemu_vm *xen = vm->xen;

	if (xenemu_vm_alloc_unbound(xen, 0, &vm->tree.store_port) ||
	    xenemu_vm_alloc_unbound(xen, 0, &vm->tree.console_port) ||
	    xenemu_vm_set_param(xen, HVM_PARAM_STORE_PFN, STORE_GFN) ||
	    xenemu_vm_set_param(xen, HVM_PARAM_STORE_EVTCHN, vm->tree.store_port) ||
	    xenemu_vm_set_param(xen, HVM_PARAM_CONSOLE_PFN, CONSOLE_GFN) ||
	    xenemu_vm_set_param(xen, HVM_PARAM_CONSOLE_EVTCHN, vm->tree.console_port) ||
	    xenemu_vm_seed_grant(xen, GRANT_CONSOLE, 0, CONSOLE_GFN) ||
	    xenemu_vm_seed_grant(xen, GRANT_STORE, 0, STORE_GFN))
		return fail("%s", xenemu_error());
	return 0;
}

static int introduce(struct vm *vm)
{
	int ret = xenemu_xs_introduce(&vm->xs, vm->options->domid, STORE_GFN,
				      vm->tree.store_port);

	if (ret)
		return fail("cannot introduce the guest to XenStore: %s", strerror(-ret));
	return 0;
}

static int start_console(struct vm *vm)
{
	return console_start(&vm->console, &vm->loop, vm->endpoint,
			     memory_at(&vm->memory, CONSOLE_GFN << XENEMU_PAGE_SHIFT,
				       XENEMU_PAGE_SIZE),
			     vm->host_fd, vm->options->domid, vm->tree.console_port);
}

static int open_log(struct vm *vm)
{
	const char *path = vm->options->hypervisor_log;

	vm->log_fd = STDERR_FILENO;
	if (!path)
		return 0;
	vm->log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC, 0666);
	if (vm->log_fd < 0)
		return fail("cannot open %s: %s", path, strerror(errno));
	return 0;
}

static void close_log(struct vm *vm)
{
	if (vm->log_fd != STDERR_FILENO)
		close(vm->log_fd);
}

static void finish(struct vm *vm, enum status status)
{
	vm->status = status;
	vm->loop.done = true;
}

/*
 * The guest starts another kernel (kexec) and wants none of the old one's event
 * channels and grants, as with a toolstack of Xen's: its devices and its
 * connection to XenStore are made anew.
 */
static int soft_reset(struct vm *vm)
{
	int ret;

	cpus_pause(&vm->cpus);
	console_stop(&vm->console);
	disks_stop(&vm->disks);
	ret = xenemu_xs_release(&vm->xs, vm->options->domid);
	if (ret)
		return fail("cannot take the guest from XenStore: %s", strerror(-ret));
	if (xenemu_vm_reset(vm->xen))
		return fail("%s", xenemu_error());

	memset(memory_at(&vm->memory, SPECIAL_BASE, SPECIAL_SIZE), 0, SPECIAL_SIZE);
	if (prepare_rings(vm) || storetree_update(&vm->xs, &vm->tree) || introduce(vm) ||
	    start_console(vm))
		return -1;
	if (disks_start(&vm->disks, vm->options, vm->host_fd, &vm->xs))
		return -1;
	cpus_resume(&vm->cpus);
	return 0;
}

static void events_ready(struct source *source, short revents)
{
	struct vm *vm = source_owner(source, struct vm, events);

	(void)revents;
	switch (cpus_take_event(&vm->cpus)) {
	case CPUS_NOTHING:
		break;
	case CPUS_END:
		finish(vm, vm->cpus.status);
		break;
	case CPUS_SOFT_RESET:
		if (soft_reset(vm))
			finish(vm, STATUS_FAILURE);
		break;
	}
}

/* The first signal asks the guest, the second one does not. */
static void signals_ready(struct source *source, short revents)
{
	struct vm *vm = source_owner(source, struct vm, signals);
	struct signalfd_siginfo info;

	(void)revents;
	if (read(source->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (vm->asked || storetree_poweroff(&vm->xs, vm->options->domid)) {
		finish(vm, STATUS_QUIT);
		return;
	}
	vm->asked = true;
	say("the guest was asked to power off; another %s ends it at once",
	    info.ssi_signo == SIGINT ? "SIGINT" : "signal");
}

static void quit(void *arg)
{
	finish(arg, STATUS_QUIT);
}

static int open_signals(struct vm *vm)
{
	sigset_t set;

	get_signals(&set);
	vm->signals = (struct source) { .events = POLLIN, .ready = signals_ready };
	vm->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (vm->signals.fd < 0 || loop_add(&vm->loop, &vm->signals))
		return fail("cannot wait for signals: %s", strerror(errno));
	return 0;
}

/* Run the guest that is ready to run, until it ends. */
static void run(struct vm *vm)
{
	vm->events = (struct source) {
		.fd = vm->cpus.event_fd,
		.events = POLLIN,
		.ready = events_ready,
	};
	if (loop_add(&vm->loop, &vm->events) || endpoint_attach(vm->endpoint, &vm->loop)) {
		fail("too much for the main loop");
		return;
	}
	vm->endpoint->quit = quit;
	vm->endpoint->quit_arg = vm;

	if (!start_console(vm) && !cpus_start(&vm->cpus)) {
		loop_run(&vm->loop);
		cpus_stop(&vm->cpus);
	}
	console_stop(&vm->console);
	endpoint_detach(vm->endpoint);
}

/* From a domain to a guest with devices that runs. */
static void run_domain(struct vm *vm)
{
	int store_fd = xenemu_open_store(vm->host_fd, 0);

	if (store_fd < 0) {
		fail("%s", xenemu_error());
		return;
	}
	xenemu_xs_init(&vm->xs, store_fd);

	if (prepare_rings(vm) || storetree_write(&vm->xs, &vm->tree) || introduce(vm))
		goto out_store;
	if (vm->options->store_socket &&
	    storesocket_start(&vm->socket, &vm->loop, vm->options->store_socket, vm->host_fd))
		goto out_store;
	if (cpus_create(&vm->cpus, vm->options, &vm->boot, vm->system_fd, vm->kvm_fd, vm->xen,
			vm->log_fd))
		goto out_socket;
	if (disks_start(&vm->disks, vm->options, vm->host_fd, &vm->xs))
		goto out_cpus;
	if (!open_signals(vm))
		run(vm);

	disks_stop(&vm->disks);
	if (vm->signals.fd >= 0)
		close(vm->signals.fd);
out_cpus:
	cpus_destroy(&vm->cpus);
out_socket:
	if (vm->options->store_socket)
		storesocket_stop(&vm->socket);
out_store:
	close(store_fd);
}

enum status vm_run(const struct options *options, struct endpoint *endpoint)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	enum status status;

	if (!vm) {
		fail("out of memory");
		return STATUS_FAILURE;
	}
	vm->options = options;
	vm->endpoint = endpoint;
	vm->status = STATUS_FAILURE;
	vm->console.events.fd = -1;
	vm->tree = (struct storetree) {
		.options = options,
		.uuid = vm->uuid,
		.tty = endpoint->tty,
	};

	format_uuid(options->uuid, vm->uuid, sizeof(vm->uuid));

	/* What depends on files comes first: it is what the user most often gets wrong. */
	if (disks_check(options) || memory_create(&vm->memory, options->memory))
		goto out_free;
	if (boot_load(options, &vm->memory, &vm->boot) || open_log(vm))
		goto out_memory;
	if (open_kvm(vm))
		goto out_log;
	vm->host_fd = xenemu_open(NULL);
	if (vm->host_fd < 0) {
		fail("%s", xenemu_error());
		goto out_system;
	}
	if (create_kvm_vm(vm))
		goto out_host;
	if (create_domain(vm))
		goto out_kvm;

	run_domain(vm);

	xenemu_vm_destroy(vm->xen);
out_kvm:
	close(vm->kvm_fd);
out_host:
	close(vm->host_fd);
out_system:
	close(vm->system_fd);
out_log:
	close_log(vm);
out_memory:
	memory_destroy(&vm->memory);
out_free:
	status = vm->status;
	free(vm);
	return status;
}
