// SPDX-License-Identifier: GPL-2.0-only
#include "prog.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void prog_init_call(struct call *call, const struct desc *desc)
{
	unsigned int i;

	memset(call, 0, sizeof(*call));
	call->desc = desc;
	for (i = 0; desc->fields[i].name; i++) {
		call->value[i].num = desc->fields[i].num;
		call->value[i].tag = desc->fields[i].tag;
	}
}

void prog_remove(struct prog *prog, unsigned int index)
{
	prog->nr--;
	memmove(&prog->call[index], &prog->call[index + 1],
		(prog->nr - index) * sizeof(prog->call[0]));
}

/* ---- printing ---- */

struct text {
	char *buf;
	size_t size;
	size_t len;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *text, const char *fmt, ...)
{
	size_t room = text->len < text->size ? text->size - text->len : 0;
	va_list args;

	va_start(args, fmt);
	text->len += vsnprintf(room ? text->buf + text->len : NULL, room, fmt, args);
	va_end(args);
}

static int finish(const struct text *text)
{
	return text->len < text->size ? (int)text->len : -1;
}

static void add_value(struct text *text, const struct value *value)
{
	if (value->tag != TAG_NUM)
		add(text, "%s+", tag_name[value->tag]);
	add(text, value->num < 10 ? "%ju" : "%#jx", (uintmax_t)value->num);
}

static void add_tail(struct text *text, const struct call *call)
{
	unsigned int i;

	add(text, " tail=\"");
	for (i = 0; i < call->tail_len; i++) {
		uint8_t byte = call->tail[i];

		if (isprint(byte) && byte != '"' && byte != '\\')
			add(text, "%c", byte);
		else
			add(text, "\\x%02x", byte);
	}
	add(text, "\"");
}

static void add_call(struct text *text, const struct call *call)
{
	const struct field *field = call->desc->fields;
	const struct value *value = call->value;

	add(text, "%s", call->desc->name);
	for (; field->name; field++, value++) {
		if (value->num == field->num && value->tag == field->tag)
			continue;
		add(text, " %s=", field->name);
		add_value(text, value);
	}
	if (call->tail_len)
		add_tail(text, call);
}

int prog_print_call(const struct call *call, char *buf, size_t size)
{
	struct text text = { .buf = buf, .size = size };

	add_call(&text, call);
	return finish(&text);
}

int prog_print(const struct prog *prog, char *buf, size_t size)
{
	struct text text = { .buf = buf, .size = size };
	unsigned int i;

	for (i = 0; i < prog->nr; i++) {
		add_call(&text, &prog->call[i]);
		add(&text, "\n");
	}
	return finish(&text);
}

/* ---- parsing ---- */

static const char *skip_spaces(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

static const char *parse_value(const char *p, struct value *value)
{
	unsigned int tag;
	char *end;

	value->tag = TAG_NUM;
	for (tag = 1; tag < NR_TAGS; tag++) {
		size_t len = strlen(tag_name[tag]);

		if (!strncmp(p, tag_name[tag], len) && p[len] == '+') {
			value->tag = tag;
			p += len + 1;
			break;
		}
	}
	value->num = strtoull(p, &end, 0);
	return end == p ? NULL : end;
}

static const char *parse_tail(const char *p, struct call *call)
{
	char hex[3] = "";

	if (*p++ != '"')
		return NULL;
	while (*p && *p != '"') {
		uint8_t byte = *p++;

		if (byte == '\\') {
			if (*p != 'x' || !isxdigit(p[1]) || !isxdigit(p[2]))
				return NULL;
			memcpy(hex, p + 1, 2);
			byte = strtoul(hex, NULL, 16);
			p += 3;
		}
		if (call->tail_len == MAX_TAIL)
			return NULL;
		call->tail[call->tail_len++] = byte;
	}
	return *p == '"' ? p + 1 : NULL;
}

static int find_field(const struct desc *desc, const char *name, size_t len)
{
	int i;

	for (i = 0; desc->fields[i].name; i++)
		if (strlen(desc->fields[i].name) == len && !memcmp(desc->fields[i].name, name, len))
			return i;
	return -1;
}

/* The end of the line, or NULL. */
static const char *parse_call(const char *p, struct call *call)
{
	size_t len = strcspn(p, " \t\n");
	const struct desc *desc = desc_find(p, len);
	int i;

	if (!desc)
		return NULL;
	prog_init_call(call, desc);
	for (p = skip_spaces(p + len); *p && *p != '\n'; p = skip_spaces(p)) {
		len = strcspn(p, "=\n ");
		if (p[len] != '=')
			return NULL;
		if (len == 4 && !memcmp(p, "tail", 4)) {
			p = parse_tail(p + 5, call);
		} else {
			i = find_field(desc, p, len);
			p = i < 0 ? NULL : parse_value(p + len + 1, &call->value[i]);
		}
		if (!p)
			return NULL;
	}
	return p;
}

int prog_parse(struct prog *prog, const char *text)
{
	const char *p = text, *end;

	prog->nr = 0;
	while (*p) {
		p = skip_spaces(p);
		if (*p == '\n') {
			p++;
			continue;
		}
		if (*p == '#') {
			p += strcspn(p, "\n");
			continue;
		}
		end = prog->nr < MAX_CALLS ? parse_call(p, &prog->call[prog->nr]) : NULL;
		if (!end) {
			fprintf(stderr, "not a call, or one too many: %.*s\n",
				(int)strcspn(p, "\n"), p);
			return -1;
		}
		prog->nr++;
		p = end;
	}
	return 0;
}
