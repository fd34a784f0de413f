// SPDX-License-Identifier: GPL-2.0-only
#include "mutate.h"

#include <string.h>
#include <xen/xen.h>

static uint64_t state = 1;

void mutate_seed(uint64_t seed)
{
	state = seed * 2 + 1;
}

static uint64_t random64(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1dULL;
}

uint32_t mutate_random(uint32_t limit)
{
	return (random64() >> 32) * limit >> 32;
}

static bool one_in(uint32_t n)
{
	return !mutate_random(n);
}

#define PICK(array)	((array)[mutate_random(sizeof(array) / sizeof((array)[0]))])

/* ---- values ---- */

/* What is at an edge somewhere. */
static uint64_t odd_number(void)
{
	static const uint64_t numbers[] = {
		0, 1, 2, 7, 8, 31, 32, 63, 64, 127, 128, 255, 256, 511, 512, 513, 1023, 1024, 4095,
		4096, 4097, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
		0x100000000, 1ULL << 40, 1ULL << 52, 1ULL << 63, ~0ULL,
	};
	uint64_t num = PICK(numbers);

	switch (mutate_random(4)) {
	case 0:
		return num - mutate_random(4);
	case 1:
		return num + mutate_random(8);
	case 2:
		return random64() >> mutate_random(64);
	default:
		return num;
	}
}

static uint64_t pick_gfn(void)
{
	static const uint64_t gfns[] = {
		WORLD_SHARED_INFO_GFN, WORLD_TABLE_GFN, WORLD_TABLE_GFN + 1, WORLD_RING_GFN,
		WORLD_RING_GFN + 1, WORLD_DATA_GFN, WORLD_DATA_GFN + 1, WORLD_DATA_GFN + 8,
		GUEST_DATA / PAGE, VM_MEMORY / PAGE - 1, VM_MEMORY / PAGE, 0x4000, 0xf0000,
	};

	return PICK(gfns) + (one_in(3) ? mutate_random(4) : 0);
}

static uint64_t pick_gva(void)
{
	static const uint64_t addrs[] = {
		GUEST_DATA, GUEST_DATA + WORLD_ARRAY, GUEST_DATA + 0x1000, GUEST_DATA + 0xff8,
		WORLD_RING_GFN * PAGE, WORLD_SHARED_INFO_GFN * PAGE, 0, 0xf0000000, 0xfffffff8,
		0xffffffff, 0x800000000000, 0xffff888000000000, VM_MEMORY - 4,
	};

	return PICK(addrs) + (one_in(3) ? mutate_random(64) : 0);
}

static uint64_t pick_len(void)
{
	static const uint64_t lens[] = {
		0, 1, 4, 8, 15, 16, 17, 32, 64, 512, 1024, 2048, 2049, 4095, 4096, 4097, 8192,
		0x10000, 1 << 20, 0xffffffff,
	};

	/* ~0u is what fits. */
	return one_in(3) ? ~0u : PICK(lens);
}

static uint64_t pick_domid(void)
{
	static const uint64_t domids[] = {
		0, 1, 2, 1, 2, 3, 77, 0x7fef, DOMID_SELF, DOMID_SELF, DOMID_IO, DOMID_XEN, 0xffff,
	};

	return PICK(domids);
}

static uint64_t pick_number(const struct field *field)
{
	switch (field->kind) {
	case KIND_ZERO:
		return one_in(8) ? odd_number() : 0;
	case KIND_SIZE: {
		static const int8_t change[] = { -8, -4, -1, 1, 4, 8 };

		return one_in(4) ? field->num + PICK(change) : one_in(4) ? PAGE : field->num;
	}
	case KIND_FLAGS:
		return one_in(3) ? 1u << mutate_random(32) : mutate_random(4);
	case KIND_OP:
		return mutate_random(56);
	case KIND_SLOT:
	case KIND_CHOICE:
		return mutate_random(4);
	case KIND_DOMID:
		return pick_domid();
	case KIND_VCPU:
		return one_in(4) ? mutate_random(256) : mutate_random(9);
	case KIND_PORT:
		return one_in(4) ? mutate_random(5000) : mutate_random(10);
	case KIND_GFN:
		return pick_gfn();
	case KIND_GPA:
		return pick_gfn() * PAGE + (one_in(2) ? mutate_random(PAGE) : 0);
	case KIND_GVA:
		return pick_gva();
	case KIND_LEN:
		return pick_len();
	case KIND_COUNT:
		return one_in(4) ? mutate_random(600) : mutate_random(5);
	case KIND_BITS:
		return one_in(2) ? 64 : 32;
	case KIND_ANSWER: {
		static const uint64_t answers[] = { 0, 1, 2, -1, -12, -95, -4096, 0x80000000 };

		return PICK(answers);
	}
	case KIND_TX:
		return mutate_random(4);
	case KIND_GREF:
		return one_in(4) ? mutate_random(600) : WORLD_GREF + mutate_random(6);
	case KIND_INDEX:
		return mutate_random(5) * PAGE;
	case KIND_TIME:
		return one_in(2) ? 1ULL << mutate_random(64) : mutate_random(100000000);
	case KIND_VIRQ:
		return mutate_random(25);
	case KIND_PARAM:
		return mutate_random(42);
	case KIND_XS:
		return mutate_random(30);
	default:
		return odd_number();
	}
}

static void pick_address(struct value *value)
{
	static const enum tag tags[] = {
		TAG_BUF, TAG_BUF, TAG_BUF, TAG_END, TAG_READONLY, TAG_NOWHERE, TAG_GUEST, TAG_MAP,
		TAG_KERNEL, TAG_RUN, TAG_NUM,
	};

	value->tag = PICK(tags);
	value->num = value->tag == TAG_NUM ? odd_number() : one_in(2) ? 0 :
		     value->tag == TAG_GUEST ? pick_gfn() * PAGE : mutate_random(2 * PAGE);
}

static void pick_value(const struct field *field, struct value *value)
{
	if (field->kind == KIND_UADDR) {
		pick_address(value);
	} else if (field->kind == KIND_FD) {
		value->tag = TAG_FD;
		value->num = mutate_random(WORLD_NR_ARGS);
	} else {
		value->tag = TAG_NUM;
		value->num = one_in(10) && field->kind != KIND_SLOT ? odd_number() :
			     pick_number(field);
	}
	if (field->where != CONTROL && field->size < 8)
		value->num &= (1ULL << (field->size * 8)) - 1;
}

static void change_value(const struct field *field, struct value *value)
{
	if (one_in(4)) {
		value->num += mutate_random(9) - 4;
		if (field->where != CONTROL && field->size < 8)
			value->num &= (1ULL << (field->size * 8)) - 1;
	} else {
		pick_value(field, value);
	}
}

/* ---- bytes behind the fields ---- */

static void add_bytes(struct call *call, const void *data, size_t len)
{
	if (len > (size_t)MAX_TAIL - call->tail_len)
		len = MAX_TAIL - call->tail_len;
	memcpy(call->tail + call->tail_len, data, len);
	call->tail_len += len;
}

static void add_text(struct call *call)
{
	static const char *const words[] = {
		"/local/domain/1", "/local/domain/2", "/", "@releaseDomain", "@introduceDomain",
		"/a", "/b", "a", "b", "value", "token", "n1", "r2", "b0", "w0", "T", "F", "1", "2",
		"3", "160", "check", "quota", "print", "help", "memreport", "0",
	};
	const char *word = PICK(words);

	add_bytes(call, word, strlen(word));
	if (one_in(2))
		add_bytes(call, "", 1);
}

static void add_word(struct call *call)
{
	uint64_t word;

	switch (mutate_random(4)) {
	case 0:
		word = pick_gfn();
		break;
	case 1:
		word = pick_gva();
		break;
	case 2:
		word = mutate_random(16);
		break;
	default:
		word = odd_number();
		break;
	}
	add_bytes(call, &word, sizeof(word));
}

static void change_tail(struct call *call)
{
	unsigned int i;

	if (call->tail_len && one_in(3)) {
		call->tail[mutate_random(call->tail_len)] = random64();
		return;
	}
	if (call->tail_len && one_in(3)) {
		i = mutate_random(call->tail_len);
		call->tail_len = one_in(2) ? i : call->tail_len;
		return;
	}
	if (one_in(4))
		call->tail_len = 0;
	for (i = 1 + mutate_random(4); i; i--) {
		if (call->desc->tail == TAIL_TEXT)
			add_text(call);
		else
			add_word(call);
	}
}

/* ---- calls and programs ---- */

static void change_call(struct call *call)
{
	unsigned int nr = desc_nr_fields(call->desc), i, n;

	for (n = 1 + mutate_random(3); n; n--) {
		if (call->desc->tail != TAIL_NONE && one_in(3)) {
			change_tail(call);
			continue;
		}
		i = mutate_random(nr);
		change_value(&call->desc->fields[i], &call->value[i]);
	}
}

static void generate_call(struct call *call)
{
	const struct desc *desc;

	/* What takes things away, less often. */
	do {
		desc = &descs[mutate_random(nr_descs)];
	} while (desc->action == ACTION_CLOSE && !one_in(4));
	prog_init_call(call, desc);
	if (desc->tail != TAIL_NONE)
		change_tail(call);
	if (!one_in(3))
		change_call(call);
}

void mutate_generate(struct prog *prog)
{
	prog->nr = 0;
	do {
		generate_call(&prog->call[prog->nr++]);
	} while (prog->nr < MAX_CALLS / 2 && !one_in(5));
}

static void insert(struct prog *prog, const struct call *call)
{
	unsigned int at = mutate_random(prog->nr + 1);

	if (prog->nr == MAX_CALLS)
		prog->nr--;
	if (at > prog->nr)
		at = prog->nr;
	memmove(&prog->call[at + 1], &prog->call[at], (prog->nr - at) * sizeof(*call));
	prog->call[at] = *call;
	prog->nr++;
}

void mutate(struct prog *prog, const struct prog *other)
{
	struct call call;
	unsigned int n;

	for (n = 1 + mutate_random(3); n; n--) {
		switch (mutate_random(8)) {
		case 0:
			if (prog->nr > 1)
				prog_remove(prog, mutate_random(prog->nr));
			break;
		case 1:
		case 2:
			generate_call(&call);
			insert(prog, &call);
			break;
		case 3:
			if (other->nr)
				insert(prog, &other->call[mutate_random(other->nr)]);
			break;
		case 4:
			if (prog->nr) {
				call = prog->call[mutate_random(prog->nr)];
				insert(prog, &call);
			}
			break;
		default:
			if (prog->nr)
				change_call(&prog->call[mutate_random(prog->nr)]);
			break;
		}
	}
}
