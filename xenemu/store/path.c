// SPDX-License-Identifier: GPL-2.0-only
/*
 * Paths as clients write them.
 */
#include "internal.h"

#include <linux/errno.h>

static bool valid_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c >= 'A' && c <= 'Z') || c == '-' || c == '/' || c == '_' || c == '@';
}

/* No empty component, but for the one in front of the first slash. */
static bool valid_text(const char *str, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++) {
		if (!valid_char(str[i]))
			return false;
		if (str[i] == '/' && (i + 1 == len || str[i + 1] == '/'))
			return false;
	}
	return true;
}

/* "@introduceDomain", "@releaseDomain"; for watches, "/<domid>" may follow. */
static bool valid_special(const char *str, enum xenemu_path_class class)
{
	static const char * const name[] = { "@introduceDomain", "@releaseDomain" };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(name); i++) {
		size_t len = strlen(name[i]);
		u16 domid;

		if (strncmp(str, name[i], len))
			continue;
		if (!str[len])
			return true;
		if (class == XENEMU_PATH_WATCH && str[len] == '/')
			return !xenemu_sdomain_parse(str + len + 1, &domid);
	}
	return false;
}

/* Length of "/local/domain/<number>/" at the beginning of a path, or 0. */
static u32 home_len(const char *str)
{
	static const char prefix[] = "/local/domain/";
	u32 start = sizeof(prefix) - 1, i = start;

	if (strncmp(str, prefix, start))
		return 0;
	while (str[i] >= '0' && str[i] <= '9')
		i++;
	return i > start && str[i] == '/' ? i + 1 : 0;
}

/**
 * xenemu_path_parse - check a path and make it absolute
 * @req: request it is in
 * @str: the path, at the beginning of the request's body, with a NUL behind it
 * @class: what it may be
 * @path: result; points into the body or the room in front of it
 *
 * Return: 0 or -EINVAL.
 */
int xenemu_path_parse(struct xenemu_request *req, char *str,
		      enum xenemu_path_class class, struct xenemu_path *path)
{
	size_t len = strlen(str);
	char home[XENEMU_STORE_HEADROOM];
	u32 home_size;

	path->rel = 0;
	if (str[0] == '@') {
		if (class == XENEMU_PATH_NODE || !valid_special(str, class))
			return -EINVAL;
		path->str = str;
		path->len = len;
		return 0;
	}
	if (!len || len > XENSTORE_ABS_PATH_MAX)
		return -EINVAL;

	if (str[0] != '/') {
		home_size = scnprintf(home, sizeof(home), "/local/domain/%u/",
				      req->conn->dom->domid);
		str -= home_size;
		memcpy(str, home, home_size);
		len += home_size;
		path->rel = home_size;
		if (len > XENSTORE_ABS_PATH_MAX)
			return -EINVAL;
	}
	if (xenemu_quota_exceeded(req->store, req->conn->dom, XENEMU_QUOTA_PATH_MAX,
				  len - home_len(str)))
		return -EINVAL;

	path->str = str;
	path->len = len == 1 ? 0 : len;
	return valid_text(str, path->len) ? 0 : -EINVAL;
}

/**
 * xenemu_path_next - next component of a path
 * @str: the path
 * @len: its length
 * @comp: component; begin with zeroes
 *
 * Return: false if there is none.
 */
bool xenemu_path_next(const char *str, u32 len, struct xenemu_comp *comp)
{
	const char *end = str + len, *slash;

	comp->name = comp->name ? comp->name + comp->len + 1 : str;
	if (comp->name > end)
		return false;
	slash = memchr(comp->name, '/', end - comp->name);
	comp->len = (slash ?: end) - comp->name;
	return true;
}

/**
 * xenemu_path_parent - path of the node above
 * @path: a path
 * @parent: result; shares the text
 *
 * Return: false if there is none.
 */
bool xenemu_path_parent(const struct xenemu_path *path, struct xenemu_path *parent)
{
	u32 len = path->len;

	while (len && path->str[len - 1] != '/')
		len--;
	if (!len)
		return false;
	*parent = (struct xenemu_path) { .str = path->str, .len = len - 1 };
	return true;
}
