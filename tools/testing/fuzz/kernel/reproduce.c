// SPDX-License-Identifier: GPL-2.0-only
#include "reproduce.h"

#include <inttypes.h>
#include <stdio.h>

#include "exec.h"

static const char *const fd_name[WORLD_NR_KINDS] = {
	"WORLD_HOST", "WORLD_DOMAIN", "WORLD_VCPU", "WORLD_STORE", "WORLD_EVTCHN",
	"WORLD_GNTTAB",
};

static const char *const arg_name[WORLD_NR_ARGS] = {
	"WORLD_ARG_NONE", "WORLD_ARG_NULL", "WORLD_ARG_HOST", "WORLD_ARG_DOMAIN",
	"WORLD_ARG_VCPU", "WORLD_ARG_STORE", "WORLD_ARG_SPARE_VM", "WORLD_ARG_SPARE_VCPU",
	"WORLD_ARG_VM", "WORLD_ARG_KVM_VCPU", "WORLD_ARG_EVENTFD",
};

/* A licence tag in the middle of a file irritates those who look for them. */
#define SPDX	"SPDX-License-" "Identifier"

static const char prologue[] =
"// " SPDX ": GPL-2.0-only\n"
"/*\n"
" * What the fuzzer ran.\n"
" */\n"
"#include <fcntl.h>\n"
"#include <stdint.h>\n"
"#include <string.h>\n"
"#include <sys/mman.h>\n"
"#include <unistd.h>\n"
"#include <xen/xen.h>\n"
"#include <xen/grant_table.h>\n"
"#include <xen/gntdev.h>\n"
"#include <xen/sys/evtchn.h>\n"
"\n"
"#include \"../kselftest_harness.h\"\n"
"#include \"world.h\"\n"
"#include \"xs.h\"\n"
"\n"
"static struct world w;\n"
"static uint8_t data[%u];\n"
"\n"
"static uint8_t *put(uint8_t *p, uint64_t num, size_t size)\n"
"{\n"
"\tmemcpy(p, &num, size);\n"
"\treturn p + size;\n"
"}\n"
"\n"
"/* The guest writes to its ring as far as there is room. */\n"
"static void send(struct vm *vm, const uint8_t *p, size_t len)\n"
"{\n"
"\tstruct xenstore_domain_interface *ring = vm_ptr(vm, WORLD_RING_GFN * PAGE);\n"
"\n"
"\tfor (; len && ring->req_prod - ring->req_cons < XENSTORE_RING_SIZE; len--)\n"
"\t\tring->req[MASK_XENSTORE_IDX(ring->req_prod++)] = *p++;\n"
"}\n";

static void print_value(const struct call *call, unsigned int i)
{
	uint64_t num = exec_number(call, i);

	switch (call->value[i].tag) {
	case TAG_BUF:
		printf("(uintptr_t)w.buf + %#" PRIx64, num);
		break;
	case TAG_END:
		printf("(uintptr_t)w.buf + WORLD_BUF_SIZE - %#" PRIx64, num);
		break;
	case TAG_READONLY:
		printf("(uintptr_t)w.readonly + %#" PRIx64, num);
		break;
	case TAG_NOWHERE:
		printf("(uintptr_t)w.nowhere + %#" PRIx64, num);
		break;
	case TAG_GUEST:
		printf("(uintptr_t)w.vm.memory + %#" PRIx64, num);
		break;
	case TAG_MAP:
		printf("(uintptr_t)w.map[0].addr + %#" PRIx64, num);
		break;
	case TAG_RUN:
		printf("(uintptr_t)w.spare_run + %#" PRIx64, num);
		break;
	case TAG_FD:
		printf("w.arg_fd[%s]", arg_name[num % WORLD_NR_ARGS]);
		break;
	case TAG_KERNEL:
		printf("0xffff888000000000 + %#" PRIx64, num);
		break;
	default:
		printf("%#" PRIx64, num);
		break;
	}
}

/* Statements that put the fields of a part where p points to. */
static void print_part(const struct call *call, enum where where)
{
	const struct field *field = call->desc->fields;
	unsigned int i;

	for (i = 0; field[i].name; i++) {
		if (field[i].where != where)
			continue;
		printf("\tp = put(p, ");
		print_value(call, i);
		printf(", %u);\t/* %s */\n", field[i].size, field[i].name);
	}
}

static void print_bytes(const char *what, const struct call *call)
{
	unsigned int i;

	if (!call->tail_len)
		return;
	printf("\tmemcpy(%s, \"", what);
	/* Octal ends after three digits. */
	for (i = 0; i < call->tail_len; i++)
		printf("\\%03o", call->tail[i]);
	printf("\", %u);\n", call->tail_len);
}

static void print_data(const struct call *call)
{
	printf("\tp = data;\n");
	print_part(call, DATA);
	print_bytes("data + 192", call);
}

static void print_fd(const struct call *call, unsigned int i)
{
	printf("w.fd[%s][%u]", fd_name[call->desc->target],
	       (unsigned int)call->value[i].num % WORLD_SLOTS);
}

static unsigned int slot(const struct call *call, unsigned int i)
{
	return call->value[i].num % WORLD_SLOTS;
}

static void print_ioctl(const struct call *call)
{
	print_data(call);
	printf("\tworld_fill(w.buf, data, %zu, data + 192, %u);\n", exec_size(call, DATA),
	       call->tail_len);
	printf("\tmemset(w.buf + WORLD_BUF_ARG, 0, PAGE);\n\tp = data;\n");
	print_part(call, ARG);
	if (call->value[IOCTL_AT].tag == TAG_BUF || call->value[IOCTL_AT].tag == TAG_END) {
		printf("\tmemcpy((void *)(");
		print_value(call, IOCTL_AT);
		printf("), data, %zu);\n", exec_size(call, ARG));
	}
	printf("\tret = xioctl(");
	print_fd(call, IOCTL_FD);
	printf(", %s, (void *)(", call->desc->cmd_name);
	print_value(call, IOCTL_AT);
	printf("));\n");
	if (call->desc->makes >= 0)
		printf("\tif (ret >= 0)\n\t\tworld_put_fd(&w, %s, %u, ret);\n",
		       fd_name[call->desc->makes], slot(call, IOCTL_SLOT));
}

static void print_hcall(const struct call *call)
{
	unsigned int i;

	print_data(call);
	printf("\tret = world_hypercall(&w, &(struct world_hcall){\n");
	printf("\t\t.slot = %u, .by_guest = %u, .bits = %u, .answer = (int)%#x,\n",
	       slot(call, HCALL_VCPU), (unsigned int)call->value[HCALL_VIA].num & 1,
	       (unsigned int)call->value[HCALL_BITS].num,
	       (unsigned int)call->value[HCALL_ANSWER].num);
	printf("\t\t.nr = %s, .args = { ", call->desc->cmd_name);
	for (i = HCALL_A; i <= HCALL_C; i++) {
		print_value(call, i);
		printf(i == HCALL_C ? " },\n" : ", ");
	}
	printf("\t\t.data = data, .len = %zu, .tail = data + 192, .tail_len = %u });\n",
	       exec_size(call, DATA), call->tail_len);
}

static void print_io(const struct call *call, const char *function)
{
	printf("\tret = %s(", function);
	print_fd(call, IO_FD);
	printf(", (void *)(");
	print_value(call, IO_AT);
	printf("), %#" PRIx64 ");\n", exec_number(call, IO_LEN));
}

static void print_write(const struct call *call)
{
	printf("\tp = data;\n");
	print_part(call, DATA);
	print_bytes("p", call);
	if (call->value[IO_AT].tag == TAG_BUF) {
		printf("\tmemcpy((void *)(");
		print_value(call, IO_AT);
		printf("), data, %zu);\n", exec_size(call, DATA) + call->tail_len);
	}
	print_io(call, "write");
}

static void print_map(const struct call *call)
{
	static const char *const prot[] = {
		"PROT_NONE", "PROT_READ", "PROT_READ | PROT_EXEC", "PROT_READ | PROT_WRITE",
	};

	printf("\tret = world_map(&w, %u, ", slot(call, MAP_SLOT));
	print_fd(call, MAP_FD);
	printf(", %#" PRIx64 ", %#" PRIx64 ", %s);\n", call->value[MAP_OFFSET].num,
	       exec_number(call, MAP_LEN), prot[call->value[MAP_PROT].num % 4]);
}

static void print_poke(const struct call *call)
{
	const char *vm = slot(call, POKE_VCPU) >= 2 ? "w.other" : "w.vm";
	uint64_t gpa = call->value[POKE_GPA].num;

	if (gpa > VM_MEMORY - PAGE)
		return;
	printf("\tp = put(vm_ptr(&%s, %#" PRIx64 "), %#" PRIx64 ", %u);\n", vm, gpa,
	       call->value[POKE_VALUE].num, 1 << call->value[POKE_SIZE].num % 4);
	print_bytes("p", call);
}

static void print_ring(const struct call *call)
{
	size_t size = exec_size(call, DATA) + call->tail_len;

	printf("\tp = data;\n");
	print_part(call, DATA);
	print_bytes("p", call);
	if (size > exec_number(call, RING_LEN))
		size = exec_number(call, RING_LEN);
	printf("\tsend(&%s, data, %zu);\n", slot(call, RING_VCPU) >= 2 ? "w.other" : "w.vm",
	       size);
}

static void print_call(const struct call *call)
{
	char text[MAX_TEXT];

	prog_print_call(call, text, sizeof(text));
	printf("\n\t/* %s */\n", text);
	switch (call->desc->action) {
	case ACTION_IOCTL:
		print_ioctl(call);
		break;
	case ACTION_HCALL:
		print_hcall(call);
		break;
	case ACTION_OPEN:
		printf("\tworld_put_fd(&w, WORLD_HOST, %u, host_open());\n", slot(call, 0));
		break;
	case ACTION_CLOSE:
		printf("\tclose(");
		print_fd(call, 0);
		printf(");\n\t");
		print_fd(call, 0);
		printf(" = -1;\n");
		break;
	case ACTION_READ:
		print_io(call, "read");
		break;
	case ACTION_WRITE:
		print_write(call);
		break;
	case ACTION_MAP:
		print_map(call);
		break;
	case ACTION_UNMAP:
		printf("\tworld_unmap(&w, %u);\n", slot(call, 0));
		break;
	case ACTION_TOUCH:
		printf("\tworld_touch(&w, %u);\n", slot(call, 0));
		break;
	case ACTION_POKE:
		print_poke(call);
		break;
	case ACTION_RING:
		print_ring(call);
		break;
	}
}

int reproduce(const char *const texts[], unsigned int nr)
{
	static struct prog prog;
	unsigned int i, n;

	printf(prologue, MAX_STRUCT + MAX_TAIL);
	for (i = 0; i < nr; i++) {
		if (prog_parse(&prog, texts[i]))
			return -1;
		printf("\nstatic void run_%u(void)\n{\n\tuint8_t *p = data;\n\tlong ret = 0;\n", i);
		for (n = 0; n < prog.nr; n++)
			print_call(&prog.call[n]);
		printf("\n\t(void)p;\n\t(void)ret;\n}\n");
	}
	printf("\nTEST(reproduce)\n{\n\tworld_create(&w);\n");
	for (i = 0; i < nr; i++)
		printf("\trun_%u();\n", i);
	printf("\tworld_mend(&w);\n\tworld_destroy(&w);\n}\n\nTEST_HARNESS_MAIN\n");
	return 0;
}
