/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest: takes a command from the mailbox, does it, and writes to a port.
 * One copy in 64-bit and one in 32-bit mode, each position-independent, copied
 * to GUEST_CODE by lib/vm.c. The hypercall instruction is the running CPU
 * vendor's: lib/vm.c writes its last byte at agentNN_vmcall. Each vCPU has a
 * mailbox of its own, where GS is.
 *
 * An upcall that comes just before HLT steps over it, or the vCPU would sleep with
 * nothing left to wake it. The shadow of STI should keep it away, but emulators
 * lose that when the VM exits there: QEMU did until its VMRUN looked at int_state.
 */
#include "guest.h"

/* The instruction's only byte. */
#define HLT	0xf4

	.section .rodata

	.code64
	.globl	agent64, agent64_end, agent64_upcall, agent64_vmcall, agent64_vmcall_loop
agent64:
1:	movl	%gs:MAILBOX_OP, %eax
	cmpl	$GUEST_OP_HYPERCALL, %eax
	je	.Lcall64
	cmpl	$GUEST_OP_HALT, %eax
	je	.Lhalt64
	cmpl	$GUEST_OP_SPIN, %eax
	je	.Lspin64
	cmpl	$GUEST_OP_READ_MSR, %eax
	je	.Lrdmsr64
	cmpl	$GUEST_OP_WRITE_MSR, %eax
	je	.Lwrmsr64
	cmpl	$GUEST_OP_LOOP_HYPERCALL, %eax
	je	.Lloop64
	cmpl	$GUEST_OP_SEND_AND_HALT, %eax
	je	.Lsend64
2:	outb	%al, $GUEST_DONE_PORT
	jmp	1b

.Lcall64:
	movq	%gs:MAILBOX_NR, %rax
	movq	%gs:MAILBOX_ARGS+0x00, %rdi
	movq	%gs:MAILBOX_ARGS+0x08, %rsi
	movq	%gs:MAILBOX_ARGS+0x10, %rdx
	movq	%gs:MAILBOX_ARGS+0x18, %r10
	movq	%gs:MAILBOX_ARGS+0x20, %r8
	movq	%gs:MAILBOX_ARGS+0x28, %r9
agent64_vmcall:
	vmcall
	movq	%rax, %gs:MAILBOX_RESULT
	cmpl	$GUEST_OP_SEND_AND_HALT, %gs:MAILBOX_OP
	je	.Lhalt64
	jmp	2b

.Lsend64:
	rdtsc
	movl	%eax, %gs:MAILBOX_TSC_SENT
	movl	%edx, %gs:MAILBOX_TSC_SENT+4
	jmp	.Lcall64

.Lloop64:
	movq	%gs:MAILBOX_ARGS+0x28, %rbp
3:	movq	%gs:MAILBOX_NR, %rax
	movq	%gs:MAILBOX_ARGS+0x00, %rdi
	movq	%gs:MAILBOX_ARGS+0x08, %rsi
	movq	%gs:MAILBOX_ARGS+0x10, %rdx
agent64_vmcall_loop:
	vmcall
	movq	%rax, %gs:MAILBOX_RESULT
	decq	%rbp
	jnz	3b
	jmp	2b

.Lhalt64:
	sti
	hlt
	cli
	jmp	2b

.Lspin64:
	movq	%gs:MAILBOX_ARGS, %rcx
	sti
4:	pause
	cmpq	%rcx, %gs:MAILBOX_UPCALLS
	je	4b
	cli
	jmp	2b

.Lrdmsr64:
	movl	%gs:MAILBOX_NR, %ecx
	rdmsr
	movl	%eax, %gs:MAILBOX_RESULT
	movl	%edx, %gs:MAILBOX_RESULT+4
	jmp	2b

.Lwrmsr64:
	movl	%gs:MAILBOX_NR, %ecx
	movl	%gs:MAILBOX_ARGS, %eax
	movl	%gs:MAILBOX_ARGS+4, %edx
	wrmsr
	jmp	2b

agent64_upcall:
	pushq	%rax
	pushq	%rdx
	rdtsc
	movl	%eax, %gs:MAILBOX_TSC_UPCALL
	movl	%edx, %gs:MAILBOX_TSC_UPCALL+4
	movq	%gs:MAILBOX_VCPU_INFO, %rax
	testq	%rax, %rax
	jz	5f
	movb	$0, (%rax)
5:	lock incq %gs:MAILBOX_UPCALLS
	movq	%gs:MAILBOX_LAPIC, %rax
	testq	%rax, %rax
	jz	6f
	movl	$0, 0xb0(%rax)
6:	movq	16(%rsp), %rax
	cmpb	$HLT, (%rax)
	jne	7f
	incq	16(%rsp)
7:	popq	%rdx
	popq	%rax
	iretq
agent64_end:

	.code32
	.globl	agent32, agent32_end, agent32_upcall, agent32_vmcall, agent32_vmcall_loop
agent32:
1:	movl	%gs:MAILBOX_OP, %eax
	cmpl	$GUEST_OP_HYPERCALL, %eax
	je	.Lcall32
	cmpl	$GUEST_OP_HALT, %eax
	je	.Lhalt32
	cmpl	$GUEST_OP_SPIN, %eax
	je	.Lspin32
	cmpl	$GUEST_OP_READ_MSR, %eax
	je	.Lrdmsr32
	cmpl	$GUEST_OP_WRITE_MSR, %eax
	je	.Lwrmsr32
	cmpl	$GUEST_OP_LOOP_HYPERCALL, %eax
	je	.Lloop32
	cmpl	$GUEST_OP_SEND_AND_HALT, %eax
	je	.Lsend32
2:	outb	%al, $GUEST_DONE_PORT
	jmp	1b

.Lcall32:
	movl	%gs:MAILBOX_NR, %eax
	movl	%gs:MAILBOX_ARGS+0x00, %ebx
	movl	%gs:MAILBOX_ARGS+0x08, %ecx
	movl	%gs:MAILBOX_ARGS+0x10, %edx
	movl	%gs:MAILBOX_ARGS+0x18, %esi
	movl	%gs:MAILBOX_ARGS+0x20, %edi
	movl	%gs:MAILBOX_ARGS+0x28, %ebp
agent32_vmcall:
	vmcall
	movl	%eax, %gs:MAILBOX_RESULT
	cltd
	movl	%edx, %gs:MAILBOX_RESULT+4
	cmpl	$GUEST_OP_SEND_AND_HALT, %gs:MAILBOX_OP
	je	.Lhalt32
	jmp	2b

.Lsend32:
	rdtsc
	movl	%eax, %gs:MAILBOX_TSC_SENT
	movl	%edx, %gs:MAILBOX_TSC_SENT+4
	jmp	.Lcall32

.Lloop32:
	movl	%gs:MAILBOX_NR, %eax
	movl	%gs:MAILBOX_ARGS+0x00, %ebx
	movl	%gs:MAILBOX_ARGS+0x08, %ecx
	movl	%gs:MAILBOX_ARGS+0x10, %edx
agent32_vmcall_loop:
	vmcall
	movl	%eax, %gs:MAILBOX_RESULT
	decl	%gs:MAILBOX_ARGS+0x28
	jnz	.Lloop32
	jmp	2b

.Lhalt32:
	sti
	hlt
	cli
	jmp	2b

.Lspin32:
	movl	%gs:MAILBOX_ARGS, %ecx
	sti
4:	pause
	cmpl	%ecx, %gs:MAILBOX_UPCALLS
	je	4b
	cli
	jmp	2b

.Lrdmsr32:
	movl	%gs:MAILBOX_NR, %ecx
	rdmsr
	movl	%eax, %gs:MAILBOX_RESULT
	movl	%edx, %gs:MAILBOX_RESULT+4
	jmp	2b

.Lwrmsr32:
	movl	%gs:MAILBOX_NR, %ecx
	movl	%gs:MAILBOX_ARGS, %eax
	movl	%gs:MAILBOX_ARGS+4, %edx
	wrmsr
	jmp	2b

agent32_upcall:
	pushl	%eax
	pushl	%edx
	rdtsc
	movl	%eax, %gs:MAILBOX_TSC_UPCALL
	movl	%edx, %gs:MAILBOX_TSC_UPCALL+4
	movl	%gs:MAILBOX_VCPU_INFO, %eax
	testl	%eax, %eax
	jz	5f
	movb	$0, (%eax)
5:	lock incl %gs:MAILBOX_UPCALLS
	movl	%gs:MAILBOX_LAPIC, %eax
	testl	%eax, %eax
	jz	6f
	movl	$0, 0xb0(%eax)
6:	movl	8(%esp), %eax
	cmpb	$HLT, (%eax)
	jne	7f
	incl	8(%esp)
7:	popl	%edx
	popl	%eax
	iretl
agent32_end:

	.section .note.GNU-stack, "", @progbits
