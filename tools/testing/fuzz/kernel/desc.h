/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calls that the fuzzer knows: what they are made of, and what makes sense there.
 */
#ifndef XENEMU_FUZZ_DESC_H
#define XENEMU_FUZZ_DESC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "world.h"

#define MAX_FIELDS	24

/* What a value is measured from. */
enum tag {
	TAG_NUM,
	TAG_BUF,	/* memory that is there */
	TAG_END,	/* so many bytes before its end */
	TAG_READONLY,
	TAG_NOWHERE,
	TAG_GUEST,	/* the first guest's memory, as its VMM sees it */
	TAG_MAP,	/* what is mapped in the first slot */
	TAG_KERNEL,
	TAG_RUN,	/* the struct kvm_run of the spare vCPU */
	TAG_FD,		/* a file descriptor, see enum world_arg */
	NR_TAGS,
};

extern const char *const tag_name[NR_TAGS];

/* What a field means, which says what to try there. */
enum kind {
	KIND_NUM,
	KIND_ZERO,	/* reserved */
	KIND_SIZE,
	KIND_FLAGS,
	KIND_OP,
	KIND_FD,
	KIND_SLOT,
	KIND_DOMID,
	KIND_VCPU,
	KIND_PORT,
	KIND_GFN,
	KIND_GPA,
	KIND_GVA,
	KIND_LEN,
	KIND_UADDR,
	KIND_COUNT,
	KIND_CHOICE,	/* few: 0 to 3 */
	KIND_BITS,
	KIND_ANSWER,
	KIND_TX,
	KIND_GREF,
	KIND_INDEX,	/* offset of a mapping */
	KIND_TIME,
	KIND_VIRQ,
	KIND_PARAM,
	KIND_XS,	/* operation of XenStore */
};

/* Where a field goes. */
enum where {
	CONTROL,	/* says how to make the call */
	ARG,		/* is part of its argument structure */
	DATA,		/* is part of what the argument points to */
};

struct field {
	const char *name;
	enum where where;
	uint8_t size;
	enum kind kind;
	uint64_t num;
	enum tag tag;
};

enum action {
	ACTION_IOCTL,
	ACTION_HCALL,
	ACTION_OPEN,
	ACTION_CLOSE,
	ACTION_READ,
	ACTION_WRITE,
	ACTION_MAP,
	ACTION_UNMAP,
	ACTION_TOUCH,
	ACTION_POKE,
	ACTION_RING,
};

/* Numbers of the CONTROL fields; each action's calls have them in this order. */
enum {
	IOCTL_FD, IOCTL_AT, IOCTL_SLOT,
};

enum {
	HCALL_VCPU, HCALL_VIA, HCALL_BITS, HCALL_ANSWER, HCALL_A, HCALL_B, HCALL_C,
};

enum {
	IO_FD, IO_AT, IO_LEN,
};

enum {
	MAP_SLOT, MAP_FD, MAP_OFFSET, MAP_LEN, MAP_PROT,
};

enum {
	POKE_VCPU, POKE_GPA, POKE_VALUE, POKE_SIZE,
};

enum {
	RING_VCPU, RING_LEN,
};

/* What the bytes behind the fields are, where there are any. */
enum tail {
	TAIL_NONE,
	TAIL_TEXT,	/* of a request of XenStore */
	TAIL_WORDS,	/* numbers of 8 bytes */
	TAIL_BYTES,
};

struct desc {
	const char *name;
	enum action action;
	enum world_kind target;
	/* The kind of file descriptor that it makes, or -1. */
	int makes;
	unsigned long cmd;
	const char *cmd_name;
	enum tail tail;
	const struct field *fields;
};

extern const struct desc descs[];
extern const unsigned int nr_descs;

unsigned int desc_nr_fields(const struct desc *desc);
const struct desc *desc_find(const char *name, size_t len);

#endif /* XENEMU_FUZZ_DESC_H */
