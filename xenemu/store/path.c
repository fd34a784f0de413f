// SPDX-License-Identifier: GPL-2.0-only
/*
 * Paths as clients write them.
 */
#include "internal.h"

#include <linux/errno.h>

enum { BAD, GOOD, SLASH, END };

static const u8 kind[256] = {
	[0] = END,
	['0' ... '9'] = GOOD,
	['A' ... 'Z'] = GOOD,
	['a' ... 'z'] = GOOD,
	['-'] = GOOD,
	['_'] = GOOD,
	['@'] = GOOD,
	['/'] = SLASH,
};

/*
 * Length of a path, or 0 if it has a character that may not be there, or an empty
 * component but for the one in front of the first slash.
 */
static u32 check_text(const char *str)
{
	u8 prev = GOOD, cur;
	u32 i;

	for (i = 0;; i++, prev = cur) {
		cur = kind[(u8)str[i]];
		if (cur == GOOD)
			continue;
		if (cur == BAD || (prev == SLASH && (cur == SLASH || i > 1)))
			return 0;
		if (cur == END)
			return i;
	}
}

/* "@introduceDomain", "@releaseDomain"; for some watches, "/<domid>" may follow. */
static bool valid_special(const char *str, enum xenemu_path_class class, u32 features)
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
		if (class == XENEMU_PATH_WATCH && str[len] == '/' &&
		    features & XENEMU_XS_FEATURE_WATCHDEPTH)
			return !xenemu_sdomain_parse(str + len + 1, &domid);
	}
	return false;
}

/**
 * xenemu_path_is_valid - check a path whatever the limits of a client
 * @str: the path, with a NUL behind it
 * @class: what it may be
 * @relative: it need not begin with a slash
 *
 * Return: true if it is one.
 */
bool xenemu_path_is_valid(const char *str, enum xenemu_path_class class, bool relative)
{
	u32 len;

	if (str[0] == '@')
		return class != XENEMU_PATH_NODE &&
		       valid_special(str, class, XENEMU_XS_FEATURES_ALL);
	len = check_text(str);
	return len && len <= XENSTORE_ABS_PATH_MAX && (relative || str[0] == '/');
}

/**
 * xenemu_path_is_name - check the name of a node
 * @str: the name, not terminated
 * @len: its length
 *
 * Return: true if it may be a component of a path.
 */
bool xenemu_path_is_name(const char *str, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++)
		if (kind[(u8)str[i]] != GOOD)
			return false;
	return len;
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
	struct xenemu_sdomain *dom = req->conn->dom;
	u32 len;

	path->rel = 0;
	if (str[0] == '@') {
		if (class == XENEMU_PATH_NODE ||
		    !valid_special(str, class, READ_ONCE(dom->features)))
			return -EINVAL;
		path->str = str;
		path->len = strlen(str);
		return 0;
	}
	len = check_text(str);
	if (!len)
		return -EINVAL;

	if (str[0] != '/') {
		str -= dom->home_len;
		memcpy(str, dom->home, dom->home_len);
		len += dom->home_len;
		path->rel = dom->home_len;
	}
	if (len > XENSTORE_ABS_PATH_MAX ||
	    (xenemu_quota_exceeded(req->store, dom, XENEMU_QUOTA_PATH_MAX, len) &&
	     xenemu_quota_exceeded(req->store, dom, XENEMU_QUOTA_PATH_MAX,
				   len - home_len(str))))
		return -EINVAL;

	path->str = str;
	path->len = len == 1 ? 0 : len;
	return 0;
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
