/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A Xen host with two guests that have everything: events, grants, a XenStore ring,
 * backends of both. File descriptors are in slots, which calls name by number, so that
 * a sequence of calls can be written down, shuffled and repeated. For the fuzzer of
 * tools/testing/fuzz/kernel, and for tests made of what it finds.
 */
#ifndef XENEMU_TEST_WORLD_H
#define XENEMU_TEST_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm.h"

#define WORLD_SLOTS	4

/* Kinds of file descriptors. */
enum world_kind {
	WORLD_HOST,
	WORLD_DOMAIN,
	WORLD_VCPU,
	WORLD_STORE,
	WORLD_EVTCHN,
	WORLD_GNTTAB,
	WORLD_NR_KINDS,
};

/* File descriptors as arguments, by number. */
enum world_arg {
	WORLD_ARG_NONE,
	WORLD_ARG_NULL,
	WORLD_ARG_HOST,
	WORLD_ARG_DOMAIN,
	WORLD_ARG_VCPU,
	WORLD_ARG_STORE,
	WORLD_ARG_SPARE_VM,
	WORLD_ARG_SPARE_VCPU,
	WORLD_ARG_VM,
	WORLD_ARG_KVM_VCPU,
	WORLD_ARG_EVENTFD,
	WORLD_NR_ARGS,
};

/* Memory of the calling process: two pages for data, one for arguments. */
#define WORLD_BUF_SIZE	(3 * PAGE)
#define WORLD_BUF_ARG	(2 * PAGE)
/* Where an array is that a structure points to, in it and in the guest's data. */
#define WORLD_ARRAY	0x800

/* Frames of each guest. */
#define WORLD_SHARED_INFO_GFN	0x80
#define WORLD_TABLE_GFN		0x90
#define WORLD_RING_GFN		0xa0
#define WORLD_DATA_GFN		0xb0
/* Grants of the first guest, from this on: three to domain 0, one to 2, one read-only. */
#define WORLD_GREF		8

struct world_map {
	uint8_t *addr;
	size_t len;
};

struct world {
	struct vm vm;
	struct vm other;
	int fd[WORLD_NR_KINDS][WORLD_SLOTS];
	int arg_fd[WORLD_NR_ARGS];
	struct kvm_run *spare_run;
	struct xenemu_vcpu_run *run[WORLD_SLOTS];
	struct world_map map[WORLD_SLOTS];
	/* Readable and writable, with nothing behind it. */
	uint8_t *buf;
	/* Only readable, and not there. */
	uint8_t *readonly;
	uint8_t *nowhere;
};

void world_create(struct world *w);
void world_destroy(struct world *w);
/* Opens what calls have closed. False if that is not enough: a guest does nothing more. */
bool world_mend(struct world *w);

/* The vCPU of a slot, for its mailbox; NULL for one that was made later. */
struct vm_vcpu *world_vcpu(struct world *w, unsigned int slot);
/* What a call that makes a file descriptor does with it: it replaces another. */
void world_put_fd(struct world *w, enum world_kind kind, unsigned int slot, int fd);

/*
 * A hypercall of the guest of a vCPU, with @data over and over at GUEST_DATA and @tail
 * at WORLD_ARRAY there: executed by the guest if @by_guest, else by ioctl, with
 * arguments of 64 or 32 bits. The VMM says @answer to whatever it is asked.
 */
struct world_hcall {
	unsigned int slot;
	bool by_guest;
	unsigned int bits;
	int answer;
	uint64_t nr;
	uint64_t args[6];
	const void *data;
	size_t len;
	const void *tail;
	size_t tail_len;
};

/* What the guest got, or -errno of the ioctl. */
int64_t world_hypercall(struct world *w, const struct world_hcall *hcall);
/* @data over and over, and @tail, as a hypercall has it. */
void world_fill(uint8_t *at, const void *data, size_t len, const void *tail, size_t tail_len);

/* Maps what a file descriptor has; replaces another mapping. */
int world_map(struct world *w, unsigned int slot, int fd, uint64_t offset, size_t len, int prot);
void world_unmap(struct world *w, unsigned int slot);
/* Writes to each page of a mapping and reads from it; whether it may is not asked. */
void world_touch(struct world *w, unsigned int slot);

#endif /* XENEMU_TEST_WORLD_H */
