// SPDX-License-Identifier: GPL-2.0-only
#include "vm.h"

#include <cpuid.h>
#include <errno.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xen/memory.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>

#define KSFT_SKIP	4

/* Fewer than some tests have ports. */
#define EVENTFDS	4

extern const uint8_t agent64[], agent64_end[], agent64_upcall[];
extern const uint8_t agent64_vmcall[], agent64_vmcall_loop[];
extern const uint8_t agent32[], agent32_end[], agent32_upcall[];
extern const uint8_t agent32_vmcall[], agent32_vmcall_loop[];

int xioctl(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

int host_open(void)
{
	int fd = open("/dev/xenemu", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int host_open_fd(int host_fd, unsigned long request, unsigned int domid)
{
	struct xenemu_host_open args = { .size = sizeof(args), .domid = domid };

	return xioctl(host_fd, request, &args);
}

int kvm_create_vm(void)
{
	struct kvm_enable_cap split = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 24 } };
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int fd;

	if (kvm < 0) {
		printf("1..0 # SKIP no /dev/kvm\n");
		exit(KSFT_SKIP);
	}
	fd = xioctl(kvm, KVM_CREATE_VM, NULL);
	if (fd < 0)
		errx(1, "KVM_CREATE_VM: %s", strerror(-fd));
	if (xioctl(fd, KVM_ENABLE_CAP, &split))
		errx(1, "KVM_CAP_SPLIT_IRQCHIP");
	close(kvm);
	return fd;
}

static void set_cpuid(int vcpu_fd)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[128];
	} cpuid;
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	cpuid.head.nent = 128;
	if (xioctl(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid))
		err(1, "KVM_GET_SUPPORTED_CPUID");
	if (xioctl(vcpu_fd, KVM_SET_CPUID2, &cpuid))
		err(1, "KVM_SET_CPUID2");
	close(kvm);
}

int kvm_create_vcpu(int kvm_fd, unsigned int id, struct kvm_run **run)
{
	int fd = xioctl(kvm_fd, KVM_CREATE_VCPU, (void *)(unsigned long)id);

	if (fd < 0)
		errx(1, "KVM_CREATE_VCPU: %s", strerror(-fd));
	set_cpuid(fd);
	*run = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*run == MAP_FAILED)
		err(1, "mmap of struct kvm_run");
	return fd;
}

/* The instruction is the CPU vendor's: 0f 01 c1 for Intel, 0f 01 d9 for AMD. */
static void copy_agent(struct vm *vm)
{
	const uint8_t *start = vm->bit32 ? agent32 : agent64;
	const uint8_t *end = vm->bit32 ? agent32_end : agent64_end;
	const uint8_t *calls[2] = {
		vm->bit32 ? agent32_vmcall : agent64_vmcall,
		vm->bit32 ? agent32_vmcall_loop : agent64_vmcall_loop,
	};
	unsigned int eax, ebx, ecx, edx, i;
	uint8_t *code = vm_ptr(vm, GUEST_CODE);

	memcpy(code, start, end - start);
	__cpuid(0, eax, ebx, ecx, edx);
	for (i = 0; i < 2; i++)
		code[calls[i] - start + 2] = ebx == 0x756e6547 ? 0xc1 : 0xd9;
}

static void make_tables(struct vm *vm)
{
	uint64_t *gdt = vm_ptr(vm, GUEST_GDT), *pml4 = vm_ptr(vm, GUEST_PML4);
	uint64_t *pdpt = vm_ptr(vm, GUEST_PDPT), *pd = vm_ptr(vm, GUEST_PD);
	uint64_t handler = GUEST_CODE + (vm->bit32 ? agent32_upcall - agent32 :
					 agent64_upcall - agent64);
	uint8_t *idt = vm_ptr(vm, GUEST_IDT);
	unsigned int i;
	uint64_t gate;

	gdt[1] = vm->bit32 ? 0x00cf9b000000ffffULL : 0x00af9b000000ffffULL;
	gdt[2] = 0x00cf93000000ffffULL;

	pml4[0] = GUEST_PDPT | 3;
	for (i = 0; i < 4; i++)
		pdpt[i] = (GUEST_PD + i * PAGE) | 3;
	for (i = 0; i < 2048; i++)
		pd[i] = ((uint64_t)i << 21) | 0x83;

	gate = (handler & 0xffff) | (8ULL << 16) | (0x8e00ULL << 32) |
	       ((handler >> 16) & 0xffff) << 48;
	memcpy(idt + GUEST_UPCALL_VECTOR * (vm->bit32 ? 8 : 16), &gate, 8);
}

static void set_segment(struct kvm_segment *seg, unsigned int selector, bool code, bool bit32)
{
	memset(seg, 0, sizeof(*seg));
	seg->selector = selector;
	seg->limit = 0xffffffff;
	seg->type = code ? 11 : 3;
	seg->present = 1;
	seg->s = 1;
	seg->g = 1;
	seg->l = code && !bit32;
	seg->db = !seg->l;
}

static void set_registers(struct vm_vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	struct kvm_mp_state mp_state = { KVM_MP_STATE_RUNNABLE };
	struct kvm_regs regs = {
		.rip = GUEST_CODE,
		.rsp = GUEST_STACK - 64 - vcpu->id * 256,
		.rflags = 2,
	};
	struct kvm_sregs sregs;

	if (xioctl(vcpu->kvm_fd, KVM_GET_SREGS, &sregs))
		err(1, "KVM_GET_SREGS");
	set_segment(&sregs.cs, 8, true, vm->bit32);
	set_segment(&sregs.ds, 16, false, vm->bit32);
	sregs.es = sregs.ds;
	sregs.fs = sregs.ds;
	sregs.gs = sregs.ds;
	sregs.gs.base = GUEST_MAILBOX + vcpu->id * MAILBOX_SIZE;
	sregs.ss = sregs.ds;
	sregs.gdt.base = GUEST_GDT;
	sregs.gdt.limit = 23;
	sregs.idt.base = GUEST_IDT;
	sregs.idt.limit = 0xfff;
	sregs.cr0 = 0x31;	/* PE, ET, NE */
	if (!vm->bit32) {
		sregs.cr0 |= 1u << 31;
		sregs.cr3 = GUEST_PML4;
		sregs.cr4 |= 1u << 5;
		sregs.efer |= 0x500;
	}
	if (xioctl(vcpu->kvm_fd, KVM_SET_SREGS, &sregs) ||
	    xioctl(vcpu->kvm_fd, KVM_SET_REGS, &regs) ||
	    xioctl(vcpu->kvm_fd, KVM_SET_MP_STATE, &mp_state))
		err(1, "registers of vCPU %u", vcpu->id);
}

static void create_vcpu(struct vm *vm, unsigned int id)
{
	struct vm_vcpu *vcpu = &vm->vcpus[id];
	struct xenemu_domain_create_vcpu args = {
		.size = sizeof(args),
		.vcpu_id = id,
		.apic_id = id,
	};

	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->mailbox = vm_ptr(vm, GUEST_MAILBOX + id * MAILBOX_SIZE);
	vcpu->kvm_fd = kvm_create_vcpu(vm->kvm_fd, id, &vcpu->kvm_run);
	set_registers(vcpu);

	args.kvm_fd = vcpu->kvm_fd;
	args.kvm_run = (uintptr_t)vcpu->kvm_run;
	vcpu->fd = xioctl(vm->domain_fd, XENEMU_DOMAIN_CREATE_VCPU, &args);
	if (vcpu->fd < 0)
		errx(1, "XENEMU_DOMAIN_CREATE_VCPU: %s", strerror(-vcpu->fd));
	vcpu->run = mmap(NULL, sizeof(*vcpu->run), PROT_READ | PROT_WRITE, MAP_SHARED,
			 vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		err(1, "mmap of struct xenemu_vcpu_run");
}

static void create_memory(struct vm *vm)
{
	struct kvm_userspace_memory_region slot = { .memory_size = VM_MEMORY };
	struct xenemu_domain_set_memory args = { .size = sizeof(args), .len = VM_MEMORY };

	vm->memfd = memfd_create("guest", MFD_CLOEXEC);
	if (vm->memfd < 0 || ftruncate(vm->memfd, VM_MEMORY))
		err(1, "memfd");
	vm->memory = mmap(NULL, VM_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, vm->memfd, 0);
	if (vm->memory == MAP_FAILED)
		err(1, "mmap of guest memory");
	slot.userspace_addr = (uintptr_t)vm->memory;
	args.user_addr = (uintptr_t)vm->memory;
	if (xioctl(vm->kvm_fd, KVM_SET_USER_MEMORY_REGION, &slot))
		err(1, "KVM_SET_USER_MEMORY_REGION");
	if (xioctl(vm->domain_fd, XENEMU_DOMAIN_SET_MEMORY, &args))
		err(1, "XENEMU_DOMAIN_SET_MEMORY");
}

int vm_add_eventfd(struct vm *vm)
{
	struct xenemu_domain_add_eventfd args = { .size = sizeof(args) };
	int ret;

	args.eventfd = eventfd(0, EFD_CLOEXEC);
	if (args.eventfd < 0)
		err(1, "eventfd");
	ret = xioctl(vm->domain_fd, XENEMU_DOMAIN_ADD_EVENTFD, &args);
	close(args.eventfd);
	return ret;
}

void vm_create(struct vm *vm, const struct vm_config *config)
{
	struct xenemu_host_create_domain args = {
		.size = sizeof(args),
		.domid = config->domid ?: 1,
		.max_grant_frames = config->max_grant_frames,
	};
	unsigned int i;

	memset(vm, 0, sizeof(*vm));
	vm->bit32 = config->bit32;
	vm->domid = args.domid;
	vm->nr_vcpus = config->nr_vcpus ?: 1;
	vm->host_fd = config->host_fd ? dup(config->host_fd) : host_open();
	if (vm->host_fd < 0) {
		printf("1..0 # SKIP no /dev/xenemu\n");
		exit(KSFT_SKIP);
	}
	vm->kvm_fd = kvm_create_vm();
	args.kvm_fd = vm->kvm_fd;
	vm->domain_fd = xioctl(vm->host_fd, XENEMU_HOST_CREATE_DOMAIN, &args);
	if (vm->domain_fd < 0)
		errx(1, "XENEMU_HOST_CREATE_DOMAIN: %s", strerror(-vm->domain_fd));
	create_memory(vm);
	make_tables(vm);
	copy_agent(vm);
	for (i = 0; i < vm->nr_vcpus; i++)
		create_vcpu(vm, i);
	for (i = 0; i < EVENTFDS && !config->no_eventfds; i++) {
		if (vm_add_eventfd(vm))
			errx(1, "XENEMU_DOMAIN_ADD_EVENTFD");
	}
}

void vm_destroy(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++) {
		munmap(vm->vcpus[i].run, sizeof(*vm->vcpus[i].run));
		munmap(vm->vcpus[i].kvm_run, 3 * PAGE);
		close(vm->vcpus[i].fd);
		close(vm->vcpus[i].kvm_fd);
	}
	close(vm->domain_fd);
	close(vm->kvm_fd);
	close(vm->host_fd);
	munmap(vm->memory, VM_MEMORY);
	close(vm->memfd);
}

int vm_alloc_port(struct vm *vm, uint32_t *port)
{
	struct xenemu_domain_alloc_unbound arg = { .size = sizeof(arg) };
	int ret = xioctl(vm->domain_fd, XENEMU_DOMAIN_ALLOC_UNBOUND, &arg);

	*port = arg.out_port;
	return ret;
}

static uint64_t *mailbox(struct vm_vcpu *vcpu, unsigned int offset)
{
	return (uint64_t *)(vcpu->mailbox + offset);
}

void vcpu_command(struct vm_vcpu *vcpu, unsigned int op, uint64_t nr, const uint64_t args[6])
{
	*mailbox(vcpu, MAILBOX_OP) = op;
	*mailbox(vcpu, MAILBOX_NR) = nr;
	if (args)
		memcpy(mailbox(vcpu, MAILBOX_ARGS), args, 6 * sizeof(*args));
	/* What a guest that did nothing would leave. */
	*mailbox(vcpu, MAILBOX_RESULT) = 0xdeadbeefdeadbeefULL;
}

int vcpu_run(struct vm_vcpu *vcpu)
{
	struct xenemu_vcpu_run_arg args = { .size = sizeof(args) };
	int ret = xioctl(vcpu->fd, XENEMU_VCPU_RUN, &args);

	if (ret)
		return ret;
	if (vcpu->run->exit_reason == XENEMU_EXIT_KVM &&
	    vcpu->kvm_run->exit_reason == KVM_EXIT_IO &&
	    vcpu->kvm_run->io.port == GUEST_DONE_PORT)
		return 0;
	return 1;
}

int64_t vcpu_result(struct vm_vcpu *vcpu)
{
	return *mailbox(vcpu, MAILBOX_RESULT);
}

int64_t hypercall(struct vm_vcpu *vcpu, unsigned int nr, uint64_t a, uint64_t b, uint64_t c,
		  uint64_t d, uint64_t e)
{
	const uint64_t args[6] = { a, b, c, d, e };
	int ret;

	vcpu_command(vcpu, GUEST_OP_HYPERCALL, nr, args);
	do {
		ret = vcpu_run(vcpu);
	} while (ret == -EINTR);
	if (ret)
		errx(1, "hypercall %u(%#jx, %#jx, ...): %s, exit %u of xenemu, %u of KVM", nr,
		     (uintmax_t)a, (uintmax_t)b, ret < 0 ? strerror(-ret) : "unexpected exit",
		     vcpu->run->exit_reason, vcpu->kvm_run->exit_reason);
	return vcpu_result(vcpu);
}

int64_t hypercall_arg(struct vm_vcpu *vcpu, unsigned int nr, uint64_t op, void *arg, size_t len)
{
	void *data = vm_ptr(vcpu->vm, GUEST_DATA);
	int64_t ret;

	memcpy(data, arg, len);
	ret = HCALL2(vcpu, nr, op, GUEST_DATA);
	memcpy(arg, data, len);
	return ret;
}

uint64_t vcpu_upcalls(struct vm_vcpu *vcpu)
{
	return *(volatile uint64_t *)mailbox(vcpu, MAILBOX_UPCALLS);
}

int64_t vm_add_to_physmap(struct vm_vcpu *vcpu, unsigned int space, uint64_t idx,
			  uint64_t gfn)
{
	struct { uint16_t domid, size; uint32_t space; uint64_t idx, gfn; } arg64 = {
		.domid = DOMID_SELF, .space = space, .idx = idx, .gfn = gfn,
	};
	struct { uint16_t domid, size; uint32_t space, idx, gfn; } arg32 = {
		.domid = DOMID_SELF, .space = space, .idx = idx, .gfn = gfn,
	};

	if (vcpu->vm->bit32)
		return hypercall_arg(vcpu, __HYPERVISOR_memory_op, XENMEM_add_to_physmap,
				     &arg32, sizeof(arg32));
	return hypercall_arg(vcpu, __HYPERVISOR_memory_op, XENMEM_add_to_physmap,
			     &arg64, sizeof(arg64));
}

void vm_enable_events(struct vm *vm, uint64_t gfn)
{
	struct xen_hvm_param param = {
		.domid = DOMID_SELF,
		.index = HVM_PARAM_CALLBACK_IRQ,
		.value = (2ULL << 56) | GUEST_UPCALL_VECTOR,
	};
	struct vm_vcpu *vcpu = &vm->vcpus[0];
	unsigned int i;
	int64_t ret;

	ret = vm_add_to_physmap(vcpu, XENMAPSPACE_shared_info, 0, gfn);
	if (ret)
		errx(1, "XENMEM_add_to_physmap: %jd", (intmax_t)ret);
	ret = hypercall_arg(vcpu, __HYPERVISOR_hvm_op, HVMOP_set_param, &param, sizeof(param));
	if (ret)
		errx(1, "HVMOP_set_param: %jd", (intmax_t)ret);
	for (i = 0; i < vm->nr_vcpus; i++)
		*mailbox(&vm->vcpus[i], MAILBOX_VCPU_INFO) = gfn * PAGE + i * 64;
}
