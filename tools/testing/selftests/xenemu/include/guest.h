/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the guest's code (guest/agent.S) and the tests share: the guest does
 * what it is told in a mailbox, one command at a time.
 */
#ifndef XENEMU_TEST_GUEST_H
#define XENEMU_TEST_GUEST_H

/* Guest physical addresses, the same as virtual ones. */
#define GUEST_GDT		0x1000
#define GUEST_IDT		0x2000
#define GUEST_PML4		0x3000
#define GUEST_PDPT		0x4000
#define GUEST_PD		0x5000	/* four pages: 4 GiB in pages of 2 MiB */
#define GUEST_CODE		0xa000
#define GUEST_STACK		0xd000	/* grows down */
#define GUEST_MAILBOX		0xd000
#define GUEST_DATA		0x10000	/* free for a test, up to GUEST_PAGES */
#define GUEST_PAGES		0x80000	/* free, used page by page */

#define MAILBOX_SIZE		0x100	/* one for each vCPU */

/* Offsets in the mailbox; each member has 8 bytes. */
#define MAILBOX_OP		0x00
#define MAILBOX_NR		0x08
#define MAILBOX_ARGS		0x10	/* six of them */
#define MAILBOX_RESULT		0x40
#define MAILBOX_UPCALLS		0x48	/* upcalls taken */
#define MAILBOX_VCPU_INFO	0x50	/* where the handler clears upcall_pending */
#define MAILBOX_LAPIC		0x58	/* the handler writes an EOI if not 0 */
#define MAILBOX_TSC_SENT	0x60	/* time stamp before GUEST_OP_SEND_AND_HALT's call */
#define MAILBOX_TSC_UPCALL	0x68	/* and of the last upcall */

#define GUEST_OP_HYPERCALL	1	/* NR, ARGS -> RESULT */
#define GUEST_OP_HALT		2	/* sti; hlt; cli */
#define GUEST_OP_SPIN		3	/* with interrupts on, until UPCALLS is not ARGS[0] */
#define GUEST_OP_READ_MSR	4	/* NR -> RESULT */
#define GUEST_OP_WRITE_MSR	5	/* NR, ARGS[0] */
#define GUEST_OP_LOOP_HYPERCALL	6	/* as GUEST_OP_HYPERCALL, ARGS[5] times */
#define GUEST_OP_SEND_AND_HALT	7	/* GUEST_OP_HYPERCALL, then GUEST_OP_HALT */

/* The guest writes here when a command is done. */
#define GUEST_DONE_PORT		0x10

#define GUEST_UPCALL_VECTOR	0x31

#endif /* XENEMU_TEST_GUEST_H */
