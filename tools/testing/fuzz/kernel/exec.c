// SPDX-License-Identifier: GPL-2.0-only
#include "exec.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xs.h"

size_t exec_size(const struct call *call, enum where where)
{
	const struct field *field;
	size_t size = 0;

	for (field = call->desc->fields; field->name; field++)
		if (field->where == where)
			size += field->size;
	return size;
}

uint64_t exec_number(const struct call *call, unsigned int i)
{
	const struct field *field = &call->desc->fields[i];
	uint64_t num = call->value[i].num;

	if (field->kind != KIND_LEN || num != FITTING_LEN)
		return num;
	return field->where == CONTROL ? exec_size(call, DATA) + call->tail_len : call->tail_len;
}

static uint64_t resolve(struct world *w, const struct call *call, unsigned int i)
{
	uint64_t num = exec_number(call, i);

	switch (call->value[i].tag) {
	case TAG_BUF:
		return (uintptr_t)w->buf + num;
	case TAG_END:
		return (uintptr_t)w->buf + WORLD_BUF_SIZE - num;
	case TAG_READONLY:
		return (uintptr_t)w->readonly + num;
	case TAG_NOWHERE:
		return (uintptr_t)w->nowhere + num;
	case TAG_GUEST:
		return (uintptr_t)w->vm.memory + num;
	case TAG_MAP:
		return (uintptr_t)w->map[0].addr + num;
	case TAG_RUN:
		return (uintptr_t)w->spare_run + num;
	case TAG_KERNEL:
		return 0xffff888000000000ULL + num;
	case TAG_FD:
		return w->arg_fd[num % WORLD_NR_ARGS];
	default:
		return num;
	}
}

/* The fields of one part, one behind the other; their bytes. */
static size_t lay_out(struct world *w, const struct call *call, enum where where, uint8_t *to)
{
	const struct field *field = call->desc->fields;
	size_t size = 0;
	unsigned int i;
	uint64_t num;

	for (i = 0; field[i].name; i++) {
		if (field[i].where != where)
			continue;
		num = resolve(w, call, i);
		memcpy(to + size, &num, field[i].size);
		size += field[i].size;
	}
	return size;
}

/* As much of it as there is memory for. */
static void put(struct world *w, uint64_t addr, const void *data, size_t len)
{
	uint64_t offset = addr - (uintptr_t)w->buf;

	if (offset >= WORLD_BUF_SIZE)
		return;
	if (len > WORLD_BUF_SIZE - offset)
		len = WORLD_BUF_SIZE - offset;
	memcpy(w->buf + offset, data, len);
}

static unsigned int slot(const struct call *call, unsigned int i)
{
	return call->value[i].num % WORLD_SLOTS;
}

static long do_ioctl(struct world *w, const struct call *call)
{
	const struct desc *desc = call->desc;
	uint64_t at = resolve(w, call, IOCTL_AT);
	uint8_t bytes[MAX_STRUCT];
	size_t size;
	int ret;

	size = lay_out(w, call, DATA, bytes);
	world_fill(w->buf, bytes, size, call->tail, call->tail_len);
	memset(w->buf + WORLD_BUF_ARG, 0, PAGE);
	size = lay_out(w, call, ARG, bytes);
	put(w, at, bytes, size);
	ret = xioctl(w->fd[desc->target][slot(call, IOCTL_FD)], desc->cmd, (void *)at);
	if (ret >= 0 && desc->makes >= 0)
		world_put_fd(w, desc->makes, slot(call, IOCTL_SLOT), ret);
	return ret;
}

static long do_hcall(struct world *w, const struct call *call)
{
	uint8_t bytes[MAX_STRUCT];
	const struct world_hcall hcall = {
		.slot = slot(call, HCALL_VCPU),
		.by_guest = call->value[HCALL_VIA].num & 1,
		.bits = call->value[HCALL_BITS].num,
		.answer = call->value[HCALL_ANSWER].num,
		.nr = call->desc->cmd,
		.args = { resolve(w, call, HCALL_A), resolve(w, call, HCALL_B),
			  resolve(w, call, HCALL_C) },
		.data = bytes,
		.len = lay_out(w, call, DATA, bytes),
		.tail = call->tail,
		.tail_len = call->tail_len,
	};

	return world_hypercall(w, &hcall);
}

static long do_read(struct world *w, const struct call *call)
{
	void *at = (void *)resolve(w, call, IO_AT);
	ssize_t ret = read(w->fd[call->desc->target][slot(call, IO_FD)], at,
			   exec_number(call, IO_LEN));

	return ret < 0 ? -errno : ret;
}

static long do_write(struct world *w, const struct call *call)
{
	uint64_t at = resolve(w, call, IO_AT);
	uint8_t bytes[MAX_STRUCT + MAX_TAIL];
	size_t size = lay_out(w, call, DATA, bytes);
	ssize_t ret;

	memcpy(bytes + size, call->tail, call->tail_len);
	put(w, at, bytes, size + call->tail_len);
	ret = write(w->fd[call->desc->target][slot(call, IO_FD)], (void *)at,
		    exec_number(call, IO_LEN));
	return ret < 0 ? -errno : ret;
}

static long do_map(struct world *w, const struct call *call)
{
	static const int prot[] = {
		PROT_NONE, PROT_READ, PROT_READ | PROT_EXEC, PROT_READ | PROT_WRITE,
	};
	int fd = w->fd[call->desc->target][slot(call, MAP_FD)];

	return world_map(w, slot(call, MAP_SLOT), fd, call->value[MAP_OFFSET].num,
			 exec_number(call, MAP_LEN), prot[call->value[MAP_PROT].num % 4]);
}

static struct vm *guest(struct world *w, const struct call *call)
{
	return slot(call, 0) >= 2 ? &w->other : &w->vm;
}

static long do_poke(struct world *w, const struct call *call)
{
	static const unsigned int sizes[] = { 1, 2, 4, 8 };
	unsigned int size = sizes[call->value[POKE_SIZE].num % 4];
	uint64_t gpa = call->value[POKE_GPA].num;

	if (gpa > VM_MEMORY - PAGE)
		return -ENOENT;
	memcpy(vm_ptr(guest(w, call), gpa), &call->value[POKE_VALUE].num, size);
	memcpy((uint8_t *)vm_ptr(guest(w, call), gpa) + size, call->tail, call->tail_len);
	return 0;
}

/* The guest puts a message into its ring, as far as there is room. */
static long do_ring(struct world *w, const struct call *call)
{
	struct xenstore_domain_interface *ring;
	uint8_t bytes[MAX_STRUCT + MAX_TAIL];
	size_t size = lay_out(w, call, DATA, bytes), i;

	memcpy(bytes + size, call->tail, call->tail_len);
	size += call->tail_len;
	if (size > exec_number(call, RING_LEN))
		size = exec_number(call, RING_LEN);
	ring = vm_ptr(guest(w, call), WORLD_RING_GFN * PAGE);
	for (i = 0; i < size && ring->req_prod - ring->req_cons < XENSTORE_RING_SIZE; i++)
		ring->req[MASK_XENSTORE_IDX(ring->req_prod++)] = bytes[i];
	return i;
}

long exec_call(struct world *w, const struct call *call)
{
	const struct desc *desc = call->desc;
	int fd;

	switch (desc->action) {
	case ACTION_IOCTL:
		return do_ioctl(w, call);
	case ACTION_HCALL:
		return do_hcall(w, call);
	case ACTION_OPEN:
		fd = host_open();
		if (fd >= 0)
			world_put_fd(w, WORLD_HOST, slot(call, 0), fd);
		return fd;
	case ACTION_CLOSE:
		close(w->fd[desc->target][slot(call, 0)]);
		w->fd[desc->target][slot(call, 0)] = -1;
		return 0;
	case ACTION_READ:
		return do_read(w, call);
	case ACTION_WRITE:
		return do_write(w, call);
	case ACTION_MAP:
		return do_map(w, call);
	case ACTION_UNMAP:
		world_unmap(w, slot(call, 0));
		return 0;
	case ACTION_TOUCH:
		world_touch(w, slot(call, 0));
		return 0;
	case ACTION_POKE:
		return do_poke(w, call);
	case ACTION_RING:
		return do_ring(w, call);
	}
	return -ENOSYS;
}
