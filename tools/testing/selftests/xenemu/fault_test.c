// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every call on every file descriptor but those of the store, with each allocation
 * and each copy on its way failing once: an error or success, nothing in between,
 * and nothing lost.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/gntdev.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/hvm/params.h>
#include <xen/sys/evtchn.h>

#include "../kselftest_harness.h"
#include "grants.h"
#include "sweep.h"

#define INFO_GPA	((SHARED_INFO_GFN + 1) * PAGE)
#define SPARE_GPA	(64u << 20)
#define SPARE_SIZE	(1u << 20)

struct ctx {
	struct vm vm;
	struct vm_vcpu *vcpu;
	/* Of dom0. */
	int store_fd;
	int evtchn_fd;
	int peer_fd;
	int gnttab_fd;
	/* What a test's calls are about. */
	int fd;
	unsigned int id;
	uint32_t port;
	uint64_t index;
	struct kvm_run *kvm_run;
	void *mapped;
};

FIXTURE(fault)
{
	struct ctx ctx;
};

FIXTURE_SETUP(fault)
{
	struct ctx *ctx = &self->ctx;
	volatile struct grant_entry_v1 *table = create_guest(&ctx->vm);

	ctx->vcpu = &ctx->vm.vcpus[0];
	grant(&table[REF], GTF_permit_access, 0, DATA_GFN);
	grant(&table[REF + 1], GTF_permit_access, 0, DATA_GFN + 1);
	ctx->store_fd = host_open_fd(ctx->vm.host_fd, XENEMU_HOST_OPEN_STORE, 0);
	ctx->evtchn_fd = host_open_fd(ctx->vm.host_fd, XENEMU_HOST_OPEN_EVTCHN, 0);
	ctx->peer_fd = host_open_fd(ctx->vm.host_fd, XENEMU_HOST_OPEN_EVTCHN, 0);
	ctx->gnttab_fd = host_open_fd(ctx->vm.host_fd, XENEMU_HOST_OPEN_GNTTAB, 0);
	ASSERT_LE(0, ctx->store_fd);
	ASSERT_LE(0, ctx->evtchn_fd);
	ASSERT_LE(0, ctx->peer_fd);
	ASSERT_LE(0, ctx->gnttab_fd);
}

FIXTURE_TEARDOWN(fault)
{
	struct ctx *ctx = &self->ctx;

	close(ctx->gnttab_fd);
	close(ctx->peer_fd);
	close(ctx->evtchn_fd);
	close(ctx->store_fd);
	vm_destroy(&ctx->vm);
}

static void close_fd(void *priv, long ret)
{
	close(ret);
}

/* ---- host ---- */

static long open_host(void *priv)
{
	return host_open();
}

static long query(void *priv)
{
	struct ctx *ctx = priv;
	struct xenemu_query arg = { .size = sizeof(arg) };

	return xioctl(ctx->fd, XENEMU_QUERY, &arg);
}

static long create_domain(void *priv)
{
	struct ctx *ctx = priv;
	struct xenemu_host_create_domain arg = {
		.size = sizeof(arg), .kvm_fd = ctx->fd, .domid = 2,
	};

	return xioctl(ctx->vm.host_fd, XENEMU_HOST_CREATE_DOMAIN, &arg);
}

static long open_store(void *priv)
{
	struct ctx *ctx = priv;

	return host_open_fd(ctx->vm.host_fd, XENEMU_HOST_OPEN_STORE, ctx->id);
}

static long open_evtchn(void *priv)
{
	struct ctx *ctx = priv;

	return host_open_fd(ctx->vm.host_fd, XENEMU_HOST_OPEN_EVTCHN, ctx->id);
}

static long open_gnttab(void *priv)
{
	struct ctx *ctx = priv;

	return host_open_fd(ctx->vm.host_fd, XENEMU_HOST_OPEN_GNTTAB, ctx->id);
}

TEST_F(fault, host)
{
	SWEEP(open_host, close_fd);
	for (self->ctx.id = 0; self->ctx.id < 2; self->ctx.id++) {
		SWEEP(open_store, close_fd);
		SWEEP(open_evtchn, close_fd);
		SWEEP(open_gnttab, close_fd);
	}
}

TEST_F(fault, query_on_each_fd)
{
	struct ctx *ctx = &self->ctx;
	const int fds[] = { ctx->vm.host_fd, ctx->vm.domain_fd, ctx->vcpu->fd, ctx->store_fd };

	for (unsigned int i = 0; i < ARRAY_SIZE(fds); i++) {
		ctx->fd = fds[i];
		SWEEP(query, NULL);
	}
}

/* A VM can be made a domain once. Whoever fails to gives it back as it was. */
static void undo_create_domain(void *priv, long ret)
{
	struct ctx *ctx = priv;

	close(ret);
	close(ctx->fd);
	ctx->fd = kvm_create_vm();
}

TEST_F(fault, create_domain)
{
	self->ctx.fd = kvm_create_vm();
	SWEEP(create_domain, undo_create_domain);
	close(self->ctx.fd);
}

/* ---- domain ---- */

static long set_memory(void *priv)
{
	struct ctx *ctx = priv;
	struct xenemu_domain_set_memory arg = {
		.size = sizeof(arg), .guest_addr = SPARE_GPA, .len = SPARE_SIZE,
		.user_addr = (uintptr_t)ctx->mapped,
	};

	return xioctl(ctx->vm.domain_fd, XENEMU_DOMAIN_SET_MEMORY, &arg);
}

static long remove_memory(void *priv)
{
	struct ctx *ctx = priv;
	struct xenemu_domain_set_memory arg = { .size = sizeof(arg), .guest_addr = SPARE_GPA };

	return xioctl(ctx->vm.domain_fd, XENEMU_DOMAIN_SET_MEMORY, &arg);
}

static void undo_set_memory(void *priv, long ret)
{
	remove_memory(priv);
}

static void undo_remove_memory(void *priv, long ret)
{
	set_memory(priv);
}

static long set_memory_map(void *priv)
{
	static struct xenemu_memory_map_entry entries[100];
	struct ctx *ctx = priv;
	struct xenemu_domain_set_memory_map arg = {
		.size = sizeof(arg), .entries = (uintptr_t)entries, .nr_entries = 100,
	};
	unsigned int i;

	for (i = 0; i < 100; i++) {
		entries[i].addr = i << 20;
		entries[i].len = PAGE;
		entries[i].type = 1;
	}
	return xioctl(ctx->vm.domain_fd, XENEMU_DOMAIN_SET_MEMORY_MAP, &arg);
}

static long set_param(void *priv)
{
	struct ctx *ctx = priv;
	struct xenemu_domain_param arg = {
		.size = sizeof(arg), .index = HVM_PARAM_CONSOLE_PFN, .value = DATA_GFN,
	};

	return xioctl(ctx->vm.domain_fd, XENEMU_DOMAIN_SET_PARAM, &arg);
}

static long get_param(void *priv)
{
	struct ctx *ctx = priv;
	struct xenemu_domain_param arg = {
		.size = sizeof(arg), .index = HVM_PARAM_CONSOLE_PFN,
	};

	return xioctl(ctx->vm.domain_fd, XENEMU_DOMAIN_GET_PARAM, &arg);
}

/* Serves a ring page, which has to be pinned and mapped. */
static long set_store_pfn(void *priv)
{
	struct ctx *ctx = priv;
	struct xenemu_domain_param arg = {
		.size = sizeof(arg), .index = HVM_PARAM_STORE_PFN, .value = DATA_GFN + 2,
	};

	return xioctl(ctx->vm.domain_fd, XENEMU_DOMAIN_SET_PARAM, &arg);
}

static long alloc_unbound(void *priv)
{
	struct ctx *ctx = priv;
	struct xenemu_domain_alloc_unbound arg = { .size = sizeof(arg) };
	long ret = xioctl(ctx->vm.domain_fd, XENEMU_DOMAIN_ALLOC_UNBOUND, &arg);

	return ret ?: arg.out_port;
}

static long seed_grant(void *priv)
{
	struct ctx *ctx = priv;
	struct xenemu_domain_seed_grant arg = {
		.size = sizeof(arg), .gref = 3, .gfn = DATA_GFN + 3,
	};

	return xioctl(ctx->vm.domain_fd, XENEMU_DOMAIN_SEED_GRANT, &arg);
}

static long send_virq(void *priv)
{
	struct ctx *ctx = priv;
	struct xenemu_domain_send_virq arg = { .size = sizeof(arg), .virq = VIRQ_DEBUG };

	return xioctl(ctx->vm.domain_fd, XENEMU_DOMAIN_SEND_VIRQ, &arg);
}

static long reset(void *priv)
{
	struct ctx *ctx = priv;
	struct xenemu_domain_reset arg = { .size = sizeof(arg) };

	return xioctl(ctx->vm.domain_fd, XENEMU_DOMAIN_RESET, &arg);
}

static long create_vcpu(void *priv)
{
	struct ctx *ctx = priv;
	struct xenemu_domain_create_vcpu arg = {
		.size = sizeof(arg), .kvm_fd = ctx->fd, .vcpu_id = 5, .apic_id = 5,
		.kvm_run = (uintptr_t)ctx->kvm_run,
	};

	return xioctl(ctx->vm.domain_fd, XENEMU_DOMAIN_CREATE_VCPU, &arg);
}

TEST_F(fault, memory)
{
	struct ctx *ctx = &self->ctx;

	ctx->mapped = mmap(NULL, SPARE_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, ctx->mapped);
	SWEEP(set_memory, undo_set_memory);
	set_memory(ctx);
	SWEEP(remove_memory, undo_remove_memory);
	SWEEP(set_memory_map, NULL);
	munmap(ctx->mapped, SPARE_SIZE);
}

static long add_eventfd(void *priv)
{
	struct ctx *ctx = priv;
	struct xenemu_domain_add_eventfd arg = { .size = sizeof(arg), .eventfd = ctx->fd };

	return xioctl(ctx->vm.domain_fd, XENEMU_DOMAIN_ADD_EVENTFD, &arg);
}

TEST_F(fault, params)
{
	SWEEP(set_param, NULL);
	SWEEP(get_param, NULL);
	SWEEP(alloc_unbound, NULL);
	SWEEP(set_store_pfn, NULL);
	SWEEP(seed_grant, NULL);
	SWEEP(send_virq, NULL);
	SWEEP(reset, NULL);
	self->ctx.fd = eventfd(0, EFD_CLOEXEC);
	ASSERT_LE(0, self->ctx.fd);
	SWEEP(add_eventfd, NULL);
	close(self->ctx.fd);
}

TEST_F(fault, create_vcpu)
{
	struct ctx *ctx = &self->ctx;

	ctx->fd = kvm_create_vcpu(ctx->vm.kvm_fd, 5, &ctx->kvm_run);
	SWEEP(create_vcpu, close_fd);
	munmap(ctx->kvm_run, 3 * PAGE);
	close(ctx->fd);
}

/* ---- vCPU ---- */

static long map_vcpu(void *priv)
{
	struct ctx *ctx = priv;

	ctx->mapped = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ctx->fd, 0);
	return ctx->mapped == MAP_FAILED ? -errno : 0;
}

static void unmap_page(void *priv, long ret)
{
	struct ctx *ctx = priv;

	munmap(ctx->mapped, PAGE);
}

TEST_F(fault, map_vcpu)
{
	struct ctx *ctx = &self->ctx;
	int kvm_fd = kvm_create_vcpu(ctx->vm.kvm_fd, 5, &ctx->kvm_run);

	ctx->fd = kvm_fd;
	ctx->fd = create_vcpu(ctx);
	ASSERT_LE(0, ctx->fd);
	SWEEP(map_vcpu, unmap_page, .error = -EAGAIN);
	close(ctx->fd);
	munmap(ctx->kvm_run, 3 * PAGE);
	close(kvm_fd);
}

static long set_upcall(void *priv)
{
	struct ctx *ctx = priv;
	struct xenemu_vcpu_set_upcall arg = { .size = sizeof(arg), .eventfd = ctx->fd };

	return xioctl(ctx->vm.vcpus[1].fd, XENEMU_VCPU_SET_UPCALL, &arg);
}

static long sync_vcpu(void *priv)
{
	struct ctx *ctx = priv;
	struct xenemu_vcpu_sync arg = { .size = sizeof(arg) };

	return xioctl(ctx->vcpu->fd, XENEMU_VCPU_SYNC, &arg);
}

TEST_F(fault, upcall_and_sync)
{
	self->ctx.fd = eventfd(0, EFD_CLOEXEC);
	SWEEP(set_upcall, NULL);
	SWEEP(sync_vcpu, NULL);
	close(self->ctx.fd);
}

/* A fault in KVM's emulation of an instruction. */
static bool is_kvm_fault(const struct vm_vcpu *vcpu)
{
	return vcpu->run->exit_reason == XENEMU_EXIT_KVM &&
	       vcpu->kvm_run->exit_reason == KVM_EXIT_INTERNAL_ERROR;
}

/*
 * A guest's hypercall from its first instruction to its last. The XENEMU_VCPU_RUN
 * that a fault ends is made again, as a VMM would; the guest must not notice.
 */
static long run_guest(void *priv)
{
	const uint64_t args[6] = { XENVER_version };
	struct ctx *ctx = priv;
	int ret, first = 0;

	vcpu_command(ctx->vcpu, GUEST_OP_HYPERCALL, __HYPERVISOR_xen_version, args);
	while ((ret = vcpu_run(ctx->vcpu)) && !first && (ret < 0 || is_kvm_fault(ctx->vcpu)))
		first = ret;
	if (ret > 0)
		printf("# exit %u of xenemu, %u of KVM, after %d\n", ctx->vcpu->run->exit_reason,
		       ctx->vcpu->kvm_run->exit_reason, first);
	if (ret)
		return ret < 0 ? ret : -EIO;
	/* Where KVM could not step over the hypercall, the guest made it again with its result. */
	if (first > 0)
		return -EFAULT;
	/* Version 4.17 */
	return vcpu_result(ctx->vcpu) == 0x40011 ? 0 : -EBADMSG;
}

TEST_F(fault, run)
{
	SWEEP(run_guest, NULL);
}

/* Does KVM believe the vCPU's vcpu_info to be there? */
static long expect_info(struct vm_vcpu *vcpu, uint64_t gpa)
{
	struct kvm_xen_vcpu_attr attr = { .type = KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO };
	long ret;

	ret = xioctl(vcpu->kvm_fd, KVM_XEN_VCPU_GET_ATTR, &attr);
	if (ret)
		return ret;
	return attr.u.gpa == gpa ? 0 : -EBADMSG;
}

/* What one vCPU's hypercall changes of another is told to KVM when that one runs. */
static long register_info_and_sync(void *priv)
{
	struct ctx *ctx = priv;
	struct vm_vcpu *other = &ctx->vm.vcpus[1];
	struct xenemu_vcpu_sync arg = { .size = sizeof(arg) };
	long ret;

	ret = xioctl(other->fd, XENEMU_VCPU_SYNC, &arg);
	return ret ?: expect_info(other, INFO_GPA);
}

static void register_info(struct ctx *ctx)
{
	struct vcpu_register_vcpu_info arg = { .mfn = INFO_GPA / PAGE };

	memcpy(vm_ptr(&ctx->vm, GUEST_DATA), &arg, sizeof(arg));
	HCALL3(ctx->vcpu, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 1, GUEST_DATA);
}

static void undo_register_info(void *priv, long ret)
{
	struct ctx *ctx = priv;

	reset(ctx);
	register_info(ctx);
}

TEST_F(fault, what_kvm_must_know_is_not_forgotten)
{
	register_info(&self->ctx);
	SWEEP(register_info_and_sync, undo_register_info);
}

/* ---- evtchn fd ---- */

static long bind_unbound(void *priv)
{
	struct ioctl_evtchn_bind_unbound_port arg = { .remote_domain = 0 };
	struct ctx *ctx = priv;

	return xioctl(ctx->evtchn_fd, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &arg);
}

static void unbind(void *priv, long port)
{
	struct ioctl_evtchn_unbind arg = { .port = port };
	struct ctx *ctx = priv;

	xioctl(ctx->evtchn_fd, IOCTL_EVTCHN_UNBIND, &arg);
}

static long bind_interdomain(void *priv)
{
	struct ctx *ctx = priv;
	struct ioctl_evtchn_bind_interdomain arg = { .remote_port = ctx->port };

	return xioctl(ctx->evtchn_fd, IOCTL_EVTCHN_BIND_INTERDOMAIN, &arg);
}

static long bind_virq(void *priv)
{
	struct ioctl_evtchn_bind_virq arg = { .virq = VIRQ_DOM_EXC };
	struct ctx *ctx = priv;

	return xioctl(ctx->evtchn_fd, IOCTL_EVTCHN_BIND_VIRQ, &arg);
}

static long notify_and_read(void *priv)
{
	struct ctx *ctx = priv;
	struct ioctl_evtchn_notify arg = { .port = ctx->id };
	uint32_t port;
	long ret;

	ret = xioctl(ctx->peer_fd, IOCTL_EVTCHN_NOTIFY, &arg);
	if (ret)
		return ret;
	/* An event that could not be read is still there. */
	if (read(ctx->evtchn_fd, &port, sizeof(port)) != sizeof(port))
		ret = -errno;
	if (ret && read(ctx->evtchn_fd, &port, sizeof(port)) != sizeof(port))
		return -EIO;
	while (write(ctx->evtchn_fd, &port, sizeof(port)) != sizeof(port)) {
		if (ret)
			return -EIO;
		ret = -errno;
	}
	return ret;
}

static long reset_evtchn(void *priv)
{
	struct ctx *ctx = priv;

	return xioctl(ctx->evtchn_fd, IOCTL_EVTCHN_RESET, NULL);
}

static long restrict_domid(void *priv)
{
	struct ioctl_evtchn_restrict_domid arg = { .domid = 1 };
	struct ctx *ctx = priv;
	int fd = host_open_fd(ctx->vm.host_fd, XENEMU_HOST_OPEN_EVTCHN, 0);
	long ret;

	if (fd < 0)
		return fd;
	ret = xioctl(fd, IOCTL_EVTCHN_RESTRICT_DOMID, &arg);
	close(fd);
	return ret;
}

TEST_F(fault, evtchn)
{
	struct ioctl_evtchn_bind_interdomain arg = {};
	struct ctx *ctx = &self->ctx;

	SWEEP(bind_unbound, unbind);
	ctx->port = alloc_unbound(ctx);
	/* The guest's port is of domain 1. */
	SWEEP(bind_virq, unbind);
	SWEEP(restrict_domid, NULL);
	arg.remote_port = bind_unbound(ctx);
	ctx->id = xioctl(ctx->peer_fd, IOCTL_EVTCHN_BIND_INTERDOMAIN, &arg);
	ASSERT_LT(0, ctx->id);
	SWEEP(notify_and_read, NULL);
	SWEEP(reset_evtchn, NULL);
}

TEST_F(fault, evtchn_interdomain)
{
	struct ioctl_evtchn_bind_unbound_port arg = {};
	struct ctx *ctx = &self->ctx;

	ctx->port = xioctl(ctx->peer_fd, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &arg);
	ASSERT_LT(0, ctx->port);
	SWEEP(bind_interdomain, unbind);
}

/* ---- gnttab fd ---- */

static long map_grants(void *priv)
{
	struct {
		struct ioctl_gntdev_map_grant_ref arg;
		struct ioctl_gntdev_grant_ref more;
	} u = { .arg = { .count = 2 } };
	struct ioctl_gntdev_grant_ref *ref = u.arg.refs;
	struct ctx *ctx = priv;
	long ret;

	for (unsigned int i = 0; i < 2; i++) {
		ref[i].domid = 1;
		ref[i].ref = REF + i;
	}
	ret = xioctl(ctx->gnttab_fd, IOCTL_GNTDEV_MAP_GRANT_REF, &u.arg);
	ctx->index = u.arg.index;
	return ret;
}

static long unmap_grants(void *priv)
{
	struct ctx *ctx = priv;
	struct ioctl_gntdev_unmap_grant_ref arg = { .index = ctx->index, .count = 2 };

	return xioctl(ctx->gnttab_fd, IOCTL_GNTDEV_UNMAP_GRANT_REF, &arg);
}

static void undo_map_grants(void *priv, long ret)
{
	unmap_grants(priv);
}

static void undo_unmap_grants(void *priv, long ret)
{
	map_grants(priv);
}

static long map_pages(void *priv)
{
	struct ctx *ctx = priv;

	ctx->mapped = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ctx->gnttab_fd,
			   ctx->index);
	if (ctx->mapped == MAP_FAILED)
		return -errno;
	memcpy(ctx->mapped, "backend", 8);
	return memcmp(vm_ptr(&ctx->vm, DATA_GFN * PAGE), "backend", 8) ? -EBADMSG : 0;
}

static void undo_map_pages(void *priv, long ret)
{
	struct ctx *ctx = priv;

	memset(ctx->mapped, 0, 8);
	munmap(ctx->mapped, 2 * PAGE);
	unmap_grants(ctx);
	map_grants(ctx);
}

static long set_unmap_notify(void *priv)
{
	struct ctx *ctx = priv;
	struct ioctl_gntdev_unmap_notify arg = {
		.index = ctx->index, .action = UNMAP_NOTIFY_CLEAR_BYTE,
	};

	return xioctl(ctx->gnttab_fd, IOCTL_GNTDEV_SET_UNMAP_NOTIFY, &arg);
}

static long get_offset(void *priv)
{
	struct ctx *ctx = priv;
	struct ioctl_gntdev_get_offset_for_vaddr arg = { .vaddr = (uintptr_t)ctx->mapped };

	return xioctl(ctx->gnttab_fd, IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR, &arg);
}

/* A fault in the copy itself is told in the segment's status. */
static long copy_grants(void *priv)
{
	static char buffer[2 * PAGE];
	struct gntdev_grant_copy_segment seg[2] = {
		{
			.source.virt = buffer,
			.dest.foreign = { .ref = REF, .domid = 1 },
			.len = PAGE, .flags = GNTCOPY_dest_gref,
		},
		{
			.source.foreign = { .ref = REF + 1, .domid = 1 },
			.dest.virt = buffer + PAGE,
			.len = PAGE, .flags = GNTCOPY_source_gref,
		},
	};
	struct ioctl_gntdev_grant_copy arg = { .count = 2, .segments = seg };
	struct ctx *ctx = priv;
	long ret = xioctl(ctx->gnttab_fd, IOCTL_GNTDEV_GRANT_COPY, &arg);

	if (ret)
		return ret;
	return seg[0].status || seg[1].status ? -EIO : 0;
}

TEST_F(fault, gnttab)
{
	struct ctx *ctx = &self->ctx;

	SWEEP(map_grants, undo_map_grants);
	map_grants(ctx);
	SWEEP(set_unmap_notify, NULL);
	SWEEP(unmap_grants, undo_unmap_grants);
	SWEEP(map_pages, undo_map_pages, .error = -EAGAIN);
	ASSERT_EQ(0, map_pages(ctx));
	SWEEP(get_offset, NULL);
	SWEEP(copy_grants, NULL, .error = -EIO);
	EXPECT_EQ(0, munmap(ctx->mapped, 2 * PAGE));
}

TEST_F(fault, no_grant_is_left_in_use)
{
	struct ctx *ctx = &self->ctx;
	volatile struct grant_entry_v1 *table = vm_ptr(&ctx->vm, TABLE_GFN * PAGE);

	SWEEP(map_grants, undo_map_grants);
	SWEEP(copy_grants, NULL, .error = -EIO);
	EXPECT_EQ(0, table[REF].flags & BUSY);
	EXPECT_EQ(0, table[REF + 1].flags & BUSY);
}

TEST_HARNESS_MAIN
