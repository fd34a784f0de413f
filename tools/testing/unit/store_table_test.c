// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of operations: each with its replies and each of its errors, on a store that
 * looks the same at each row, queued and direct. A row that fails must change nothing.
 */
#include "store_env.h"

/* In a body, '|' is a NUL and "{n}" is n times the letter x. */
struct request {
	char who;		/* D, E: dom0; G: guest 1; O: guest 2; P: one without features */
	u32 type;
	char tx;		/* 0, or L: one of who's; F: one of somebody else's; U: none */
	const char *body;
	int result;
	const char *reply;	/* NULL if it does not matter */
};

struct row {
	struct request req;
	const char *quota;	/* set before, or NULL */
	struct request before[3];
};

#define PLAIN_DOMID	6

struct table {
	struct env *env;
	struct client plain;
	u32 live[5];		/* transactions, in the order of "DEGOP" */
};

/* Rows that many operations have: "%" stands for what the operation's own body is. */
enum {
	BAD_PATH	= BIT(0),	/* what each with a path refuses; "%" is the rest */
	NOT_SPECIAL	= BIT(1),	/* what each on a node but the special ones refuses */
	NOT_THERE	= BIT(2),	/* what is missing */
	NOT_ALLOWED	= BIT(3),	/* what this client may not even know */
	IN_TX		= BIT(4),	/* the transaction must be one's own */
	NO_TX		= BIT(5),	/* it does not matter */
	PRIV		= BIT(6),	/* dom0's alone; that is looked at first */
	ONE_DOMID	= BIT(7),	/* the only argument is a domid */
};

static const struct {
	u32 class;
	struct request req;
} patterns[] = {
	{ BAD_PATH, { 'G', 0, 0, "|%", -EINVAL } },
	{ BAD_PATH, { 'G', 0, 0, "dir/|%", -EINVAL } },
	{ BAD_PATH, { 'G', 0, 0, "a//b|%", -EINVAL } },
	{ BAD_PATH, { 'G', 0, 0, "a b|%", -EINVAL } },
	{ BAD_PATH, { 'G', 0, 0, "a:b|%", -EINVAL } },
	{ BAD_PATH, { 'G', 0, 0, "@other|%", -EINVAL } },
	{ BAD_PATH, { 'G', 0, 0, "{2049}|%", -EINVAL } },
	{ BAD_PATH, { 'D', 0, 0, "/{3072}|%", -EINVAL } },
	{ BAD_PATH, { 'D', 0, 0, "{3060}|%", -EINVAL } },
	{ NOT_SPECIAL, { 'D', 0, 0, "@releaseDomain|%", -EINVAL } },
	{ NOT_SPECIAL, { 'D', 0, 0, "@introduceDomain|%", -EINVAL } },
	{ NOT_THERE, { 'G', 0, 0, "none|%", -ENOENT } },
	{ NOT_THERE, { 'G', 0, 0, "/pub/none|%", -ENOENT } },
	{ NOT_THERE, { 'D', 0, 0, "/none|%", -ENOENT } },
	{ NOT_ALLOWED, { 'G', 0, 0, "/priv|%", -EACCES } },
	{ NOT_ALLOWED, { 'G', 0, 0, "/priv/none|%", -EACCES } },
	{ NOT_ALLOWED, { 'G', 0, 0, "/none|%", -EACCES } },
	{ NOT_ALLOWED, { 'G', 0, 0, "/|%", -EACCES } },
	{ NOT_ALLOWED, { 'G', 0, 0, "/local/domain/2|%", -EACCES } },
	{ IN_TX, { 'G', 0, 'U', "a|%", -ENOENT } },
	{ IN_TX, { 'G', 0, 'F', "a|%", -ENOENT } },
	{ NO_TX, { 'G', 0, 'U', "w|%", 0, "OK|" } },
	{ NO_TX, { 'G', 0, 'F', "w|%", 0, "OK|" } },
	{ NO_TX, { 'G', 0, 'L', "w|%", 0, "OK|" } },
	{ PRIV, { 'G', 0, 0, "%", -EACCES } },
	{ PRIV, { 'G', 0, 'U', "%", -EACCES } },
	{ PRIV, { 'P', 0, 0, "", -EACCES } },
	{ PRIV, { 'D', 0, 'U', "%", -ENOENT } },
	{ PRIV, { 'D', 0, 'F', "%", -ENOENT } },
	{ ONE_DOMID, { 'D', 0, 0, "", -EINVAL } },
	{ ONE_DOMID, { 'D', 0, 0, "1", -EINVAL } },
	{ ONE_DOMID, { 'D', 0, 0, "1|2|", -EINVAL } },
	{ ONE_DOMID, { 'D', 0, 0, "x|", -EINVAL } },
	{ ONE_DOMID, { 'D', 0, 0, "-1|", -EINVAL } },
	{ ONE_DOMID, { 'D', 0, 0, "65536|", -EINVAL } },
	{ ONE_DOMID, { 'D', 0, 0, "|", -EINVAL } },
};

static const struct {
	u32 type;
	u32 classes;
	const char *rest;	/* with one path: what follows it; else the body */
} common[] = {
	{ XS_CONTROL, PRIV, "check|" },
	{ XS_DIRECTORY, BAD_PATH | NOT_SPECIAL | NOT_THERE | NOT_ALLOWED | IN_TX, "" },
	{ XS_READ, BAD_PATH | NOT_SPECIAL | NOT_THERE | NOT_ALLOWED | IN_TX, "" },
	{ XS_GET_PERMS, BAD_PATH | NOT_THERE | NOT_ALLOWED | IN_TX, "" },
	{ XS_WATCH, BAD_PATH | NO_TX, "t|" },
	{ XS_UNWATCH, BAD_PATH, "t|" },
	{ XS_TRANSACTION_START, IN_TX, "" },
	{ XS_TRANSACTION_END, IN_TX, "" },
	{ XS_INTRODUCE, PRIV, "5|1|9|" },
	{ XS_RELEASE, PRIV | ONE_DOMID, "2|" },
	{ XS_GET_DOMAIN_PATH, ONE_DOMID | IN_TX, "" },
	{ XS_WRITE, BAD_PATH | NOT_SPECIAL | NOT_ALLOWED | IN_TX, "x" },
	{ XS_MKDIR, BAD_PATH | NOT_SPECIAL | NOT_ALLOWED | IN_TX, "" },
	{ XS_RM, BAD_PATH | NOT_SPECIAL | NOT_ALLOWED | IN_TX, "" },
	{ XS_SET_PERMS, BAD_PATH | NOT_ALLOWED | IN_TX, "n1|" },
	{ XS_IS_DOMAIN_INTRODUCED, PRIV | ONE_DOMID, "1|" },
	{ XS_RESUME, PRIV | ONE_DOMID, "1|" },
	{ XS_SET_TARGET, PRIV, "1|2|" },
	{ XS_RESET_WATCHES, IN_TX, "" },
	{ XS_DIRECTORY_PART, BAD_PATH | NOT_SPECIAL | NOT_THERE | NOT_ALLOWED | IN_TX, "0|" },
	{ XENEMU_XS_GET_FEATURE, IN_TX, "" },
	{ XENEMU_XS_SET_FEATURE, PRIV, "5|1|" },
	{ XENEMU_XS_GET_QUOTA, PRIV, "nodes|" },
	{ XENEMU_XS_SET_QUOTA, PRIV, "nodes|5|" },
};

#define NEW_BIG "new|{2100}"
#define QUOTA_NAMES "nodes watches outstanding memory soft-memory transactions transaction-nodes " \
	"node-permissions path-max node-size"

static const struct row rows[] = {
	/* 0 */
	{ { 'D', XS_CONTROL, 0, "check|", 0, "OK|" } },
	{ { 'D', XS_CONTROL, 'L', "check|", 0, "OK|" } },
	{ { 'D', XS_CONTROL, 0, "check|x|", -EINVAL } },
	{ { 'D', XS_CONTROL, 0, "check", -EINVAL } },
	{ { 'D', XS_CONTROL, 0, "", -EINVAL } },
	{ { 'D', XS_CONTROL, 0, "|", -EINVAL } },
	{ { 'D', XS_CONTROL, 0, "nonsense|", -EINVAL } },
	{ { 'D', XS_CONTROL, 0, "help|", 0 } },
	{ { 'D', XS_CONTROL, 0, "help|x|", -EINVAL } },
	{ { 'D', XS_CONTROL, 0, "memreport|", 0 } },
	{ { 'D', XS_CONTROL, 0, "memreport|/tmp/x|", -EINVAL } },
	{ { 'D', XS_CONTROL, 0, "print|text|", 0, "OK|" } },
	{ { 'D', XS_CONTROL, 0, "print|", -EINVAL } },
	{ { 'D', XS_CONTROL, 0, "print|a|b|", -EINVAL } },
	{ { 'D', XS_CONTROL, 0, "quota|", 0 } },
	{ { 'D', XS_CONTROL, 0, "quota|1|", 0 } },
	{ { 'D', XS_CONTROL, 0, "quota|9|", -ENOENT } },
	{ { 'D', XS_CONTROL, 0, "quota|x|", -EINVAL } },
	{ { 'D', XS_CONTROL, 0, "quota|1|2|", -EINVAL } },
	{ { 'D', XS_CONTROL, 0, "quota|max|", 0 } },
	{ { 'D', XS_CONTROL, 0, "quota|max|-r|", 0 } },
	{ { 'D', XS_CONTROL, 0, "quota|max|x|", -EINVAL } },
	{ { 'D', XS_CONTROL, 0, "quota|max|-r|x|", -EINVAL } },
	{ { 'D', XS_CONTROL, 0, "quota|set|nodes|7|", 0, "OK|" } },
	{ { 'D', XS_CONTROL, 0, "quota|set|nodes|x|", -EINVAL } },
	{ { 'D', XS_CONTROL, 0, "quota|set|nodes|", -EINVAL } },
	{ { 'D', XS_CONTROL, 0, "quota|set|other|7|", -EINVAL } },
	{ { 'D', XS_CONTROL, 0, "quota-soft|", 0 } },
	{ { 'D', XS_CONTROL, 0, "quota-soft|set|memory|7|", 0, "OK|" } },
	{ { 'D', XS_CONTROL, 0, "quota-soft|set|nodes|7|", -EINVAL } },
	{ { 'D', XS_CONTROL, 0, "live-update|-s|", -EINVAL } },
	{ { 'D', XS_CONTROL, 0, "log|on|", -EINVAL } },
	/* 1 */
	{ { 'G', XS_DIRECTORY, 0, "dir|", 0, "x|y|" } },
	{ { 'G', XS_DIRECTORY, 0, "a|", 0, "" } },
	{ { 'G', XS_DIRECTORY, 0, "/pub|", 0, "kid|" } },
	{ { 'D', XS_DIRECTORY, 0, "/priv|", 0, "kid|" } },
	{ { 'D', XS_DIRECTORY, 0, "/big|", -E2BIG } },
	{ { 'D', XS_DIRECTORY, 0, "dir", -EINVAL } },
	{ { 'D', XS_DIRECTORY, 0, "", -EINVAL } },
	{ { 'D', XS_DIRECTORY, 0, "dir|x|", -EINVAL } },
	{ { 'D', XS_DIRECTORY, 0, "dir||", -EINVAL } },
	{ { 'G', XS_DIRECTORY, 'L', "dir|", 0 } },
	/* 2 */
	{ { 'G', XS_READ, 0, "a|", 0, "va" } },
	{ { 'G', XS_READ, 0, "/local/domain/1/a|", 0, "va" } },
	{ { 'G', XS_READ, 0, "dir|", 0, "" } },
	{ { 'G', XS_READ, 0, "/pub|", 0, "public" } },
	{ { 'G', XS_READ, 0, "/priv/kid|", 0, "open" } },
	{ { 'D', XS_READ, 0, "/|", 0, "" } },
	{ { 'G', XS_READ, 0, "a", -EINVAL } },
	{ { 'G', XS_READ, 0, "", -EINVAL } },
	{ { 'G', XS_READ, 0, "a|b|", -EINVAL } },
	{ { 'G', XS_READ, 'L', "a|", 0 } },
	{ { 'G', XS_READ, 'L', "none|", -ENOENT } },
	{ { 'G', XS_READ, 'L', "a|", -ENOSPC }, "transaction-nodes|1|",
	  { { 'G', XS_READ, 'L', "none|", -ENOENT } } },
	/* 3 */
	{ { 'G', XS_GET_PERMS, 0, "a|", 0, "n1|" } },
	{ { 'G', XS_GET_PERMS, 0, "/priv/kid|", 0, "r0|b2|" } },
	{ { 'D', XS_GET_PERMS, 0, "@releaseDomain|", 0, "n0|r32757|" } },
	{ { 'D', XS_GET_PERMS, 0, "@introduceDomain|", 0, "n0|" } },
	{ { 'G', XS_GET_PERMS, 0, "@introduceDomain|", -EACCES } },
	{ { 'D', XS_GET_PERMS, 0, "@releaseDomain/1|", -EINVAL } },
	{ { 'G', XS_GET_PERMS, 0, "a", -EINVAL } },
	{ { 'G', XS_GET_PERMS, 0, "", -EINVAL } },
	{ { 'G', XS_GET_PERMS, 0, "a|n1|", -EINVAL } },
	{ { 'G', XS_GET_PERMS, 'L', "a|", 0 } },
	/* 4 */
	{ { 'G', XS_WATCH, 0, "w|t|", 0, "OK|" } },
	{ { 'G', XS_WATCH, 0, "w||", 0, "OK|" } },
	{ { 'G', XS_WATCH, 0, "w|t|0|", 0, "OK|" } },
	{ { 'G', XS_WATCH, 0, "w|t|7|", 0, "OK|" } },
	{ { 'G', XS_WATCH, 0, "/priv|t|", 0, "OK|" } },
	{ { 'G', XS_WATCH, 0, "@releaseDomain|t|", 0, "OK|" } },
	{ { 'G', XS_WATCH, 0, "@releaseDomain|t|1|", 0, "OK|" } },
	{ { 'G', XS_WATCH, 0, "@releaseDomain/2|t|", 0, "OK|" } },
	{ { 'G', XS_WATCH, 0, "@introduceDomain|t|", 0, "OK|" } },
	{ { 'G', XS_WATCH, 0, "@releaseDomain/x|t|", -EINVAL } },
	{ { 'G', XS_WATCH, 0, "w|t|-1|", -EINVAL } },
	{ { 'G', XS_WATCH, 0, "w|t|x|", -EINVAL } },
	{ { 'G', XS_WATCH, 0, "w|t||", -EINVAL } },
	{ { 'G', XS_WATCH, 0, "w|t|1|1|", -EINVAL } },
	{ { 'P', XS_WATCH, 0, "w|t|1|", -EINVAL } },
	{ { 'P', XS_WATCH, 0, "@releaseDomain/2|t|", -EINVAL } },
	{ { 'P', XS_WATCH, 0, "w|t|", 0, "OK|" } },
	{ { 'G', XS_WATCH, 0, "w|", -EINVAL } },
	{ { 'G', XS_WATCH, 0, "w", -EINVAL } },
	{ { 'G', XS_WATCH, 0, "", -EINVAL } },
	{ { 'G', XS_WATCH, 0, "w|t|", -EEXIST }, NULL, { { 'G', XS_WATCH, 0, "w|t|", 0 } } },
	{ { 'G', XS_WATCH, 0, "w|t|2|", -EEXIST }, NULL, { { 'G', XS_WATCH, 0, "w|t|", 0 } } },
	{ { 'O', XS_WATCH, 0, "w|t|", 0 }, NULL, { { 'G', XS_WATCH, 0, "w|t|", 0 } } },
	{ { 'G', XS_WATCH, 0, "v|t|", -ENOSPC }, "watches|1|",
	  { { 'G', XS_WATCH, 0, "w|t|", 0 } } },
	{ { 'G', XS_WATCH, 0, "w|t|", -ENOMEM }, "1|memory|1|" },
	/* 5 */
	{ { 'G', XS_UNWATCH, 0, "w|t|", 0, "OK|" }, NULL, { { 'G', XS_WATCH, 0, "w|t|", 0 } } },
	{ { 'G', XS_UNWATCH, 'U', "w|t|", 0, "OK|" }, NULL,
	  { { 'G', XS_WATCH, 0, "w|t|", 0 } } },
	{ { 'G', XS_UNWATCH, 0, "w|u|", -ENOENT }, NULL, { { 'G', XS_WATCH, 0, "w|t|", 0 } } },
	{ { 'G', XS_UNWATCH, 0, "v|t|", -ENOENT }, NULL, { { 'G', XS_WATCH, 0, "w|t|", 0 } } },
	{ { 'O', XS_UNWATCH, 0, "/local/domain/1/w|t|", -ENOENT }, NULL,
	  { { 'G', XS_WATCH, 0, "w|t|", 0 } } },
	{ { 'G', XS_UNWATCH, 0, "w|", -EINVAL } },
	{ { 'G', XS_UNWATCH, 0, "w|t|x|", -EINVAL } },
	{ { 'G', XS_UNWATCH, 0, "", -EINVAL } },
	/* 6 */
	{ { 'O', XS_TRANSACTION_START, 0, "|", 0, "2|" } },
	{ { 'G', XS_TRANSACTION_START, 'L', "|", -EBUSY } },
	{ { 'G', XS_TRANSACTION_START, 'U', "|", -ENOENT } },
	{ { 'G', XS_TRANSACTION_START, 'F', "|", -ENOENT } },
	{ { 'G', XS_TRANSACTION_START, 0, "|", -ENOSPC }, "transactions|1|" },
	{ { 'G', XS_TRANSACTION_START, 0, "|", -ENOMEM }, "memory|1|" },
	/* 7 */
	{ { 'G', XS_TRANSACTION_END, 'L', "T|", 0, "OK|" } },
	{ { 'G', XS_TRANSACTION_END, 'L', "F|", 0, "OK|" } },
	{ { 'G', XS_TRANSACTION_END, 'L', "X|", -EINVAL } },
	{ { 'G', XS_TRANSACTION_END, 'L', "T", -EINVAL } },
	{ { 'G', XS_TRANSACTION_END, 'L', "T|T|", -EINVAL } },
	{ { 'G', XS_TRANSACTION_END, 'L', "|", -EINVAL } },
	{ { 'G', XS_TRANSACTION_END, 'L', "", -EINVAL } },
	{ { 'G', XS_TRANSACTION_END, 0, "T|", -ENOENT } },
	{ { 'G', XS_TRANSACTION_END, 0, "X|", -EINVAL } },
	{ { 'G', XS_TRANSACTION_END, 'U', "T|", -ENOENT } },
	{ { 'G', XS_TRANSACTION_END, 'F', "T|", -ENOENT } },
	{ { 'G', XS_TRANSACTION_END, 'L', "T|", -EAGAIN }, NULL,
	  { { 'G', XS_READ, 'L', "a|", 0 }, { 'G', XS_WRITE, 'L', "b|x", 0 },
	    { 'D', XS_WRITE, 0, "/local/domain/1/a|y", 0 } } },
	{ { 'G', XS_TRANSACTION_END, 'L', "F|", 0 }, NULL,
	  { { 'G', XS_READ, 'L', "a|", 0 }, { 'G', XS_WRITE, 'L', "b|x", 0 },
	    { 'D', XS_WRITE, 0, "/local/domain/1/a|y", 0 } } },
	{ { 'G', XS_TRANSACTION_END, 'L', "T|", 0 }, NULL,
	  { { 'G', XS_READ, 'L', "a|", 0 },
	    { 'D', XS_WRITE, 0, "/local/domain/1/a|y", 0 } } },
	{ { 'G', XS_TRANSACTION_END, 'L', "T|", -ENOMEM }, NULL,
	  { { 'G', XS_WRITE, 'L', NEW_BIG, -ENOSPC } } },
	{ { 'G', XS_TRANSACTION_END, 'L', "F|", 0 }, NULL,
	  { { 'G', XS_WRITE, 'L', NEW_BIG, -ENOSPC } } },
	{ { 'G', XS_TRANSACTION_END, 'L', "T|", -ENOENT }, NULL,
	  { { 'G', XS_RESET_WATCHES, 0, "|", 0 } } },
	{ { 'G', XS_TRANSACTION_END, 'L', "T|", -ENOSPC }, "1|nodes|10|",
	  { { 'G', XS_MKDIR, 'L', "b/c/d|", 0 }, { 'G', XS_MKDIR, 0, "e/f/g|", 0 } } },
	/* 8 */
	{ { 'D', XS_INTRODUCE, 0, "5|1|9|", 0, "OK|" } },
	{ { 'D', XS_INTRODUCE, 'L', "5|1|9|", 0, "OK|" } },
	{ { 'D', XS_INTRODUCE, 0, "1|1|9|", 0, "OK|" } },
	{ { 'D', XS_INTRODUCE, 0, "9|1|9|", -ENOENT } },
	{ { 'D', XS_INTRODUCE, 0, "0|1|9|", -EINVAL } },
	{ { 'D', XS_INTRODUCE, 0, "5|1|0|", -EINVAL } },
	{ { 'D', XS_INTRODUCE, 0, "5|1|-1|", -EINVAL } },
	{ { 'D', XS_INTRODUCE, 0, "5|1|", -EINVAL } },
	{ { 'D', XS_INTRODUCE, 0, "5|1|9|1|", -EINVAL } },
	{ { 'D', XS_INTRODUCE, 0, "x|1|9|", -EINVAL } },
	{ { 'D', XS_INTRODUCE, 0, "5|x|9|", -EINVAL } },
	{ { 'D', XS_INTRODUCE, 0, "", -EINVAL } },
	/* 9 */
	{ { 'D', XS_RELEASE, 0, "2|", 0, "OK|" } },
	{ { 'D', XS_RELEASE, 'L', "2|", 0, "OK|" } },
	{ { 'D', XS_RELEASE, 0, "0|", -EINVAL } },
	{ { 'D', XS_RELEASE, 0, "9|", -ENOENT } },
	{ { 'D', XS_RELEASE, 0, "5|", -ENOENT } },
	/* 10 */
	{ { 'G', XS_GET_DOMAIN_PATH, 0, "1|", 0, "/local/domain/1|" } },
	{ { 'G', XS_GET_DOMAIN_PATH, 0, "2|", 0, "/local/domain/2|" } },
	{ { 'G', XS_GET_DOMAIN_PATH, 0, "777|", 0, "/local/domain/777|" } },
	{ { 'G', XS_GET_DOMAIN_PATH, 'L', "1|", 0 } },
	/* 11 */
	{ { 'G', XS_WRITE, 0, "a|new", 0, "OK|" } },
	{ { 'G', XS_WRITE, 0, "a|", 0, "OK|" } },
	{ { 'G', XS_WRITE, 0, "a|x|y|z", 0, "OK|" } },
	{ { 'G', XS_WRITE, 0, "new/below/it|x", 0, "OK|" } },
	{ { 'D', XS_WRITE, 0, "/priv|x", 0, "OK|" } },
	{ { 'D', XS_WRITE, 0, "/|x", 0, "OK|" } },
	{ { 'G', XS_WRITE, 0, "a", -EINVAL } },
	{ { 'G', XS_WRITE, 0, "", -EINVAL } },
	{ { 'G', XS_WRITE, 0, "/pub|x", -EACCES } },
	{ { 'G', XS_WRITE, 0, "/pub/new|x", -EACCES } },
	{ { 'G', XS_WRITE, 0, NEW_BIG, -ENOSPC } },
	{ { 'G', XS_WRITE, 0, "a|{2100}", -ENOSPC } },
	{ { 'D', XS_WRITE, 0, "/new|{4000}", 0, "OK|" } },
	{ { 'G', XS_WRITE, 0, "new|x", -ENOSPC }, "nodes|1|" },
	{ { 'G', XS_WRITE, 0, "a|y", 0 }, "nodes|1|" },
	{ { 'G', XS_WRITE, 0, "new|x", -ENOMEM }, "memory|1|" },
	{ { 'G', XS_WRITE, 0, "a|longer", -ENOMEM }, "memory|1|" },
	{ { 'G', XS_WRITE, 'L', "a|x", -ENOSPC }, "transaction-nodes|1|",
	  { { 'G', XS_READ, 'L', "none|", -ENOENT } } },
	{ { 'G', XS_WRITE, 'L', "a|new", 0 } },
	{ { 'G', XS_WRITE, 'L', "/priv|new", -EACCES } },
	/* 12 */
	{ { 'G', XS_MKDIR, 0, "a|", 0, "OK|" } },
	{ { 'G', XS_MKDIR, 0, "new/below/it|", 0, "OK|" } },
	{ { 'D', XS_MKDIR, 0, "/|", 0, "OK|" } },
	{ { 'G', XS_MKDIR, 0, "a", -EINVAL } },
	{ { 'G', XS_MKDIR, 0, "", -EINVAL } },
	{ { 'G', XS_MKDIR, 0, "a|b|", -EINVAL } },
	{ { 'G', XS_MKDIR, 0, "/pub|", -EACCES } },
	{ { 'G', XS_MKDIR, 0, "/pub/new|", -EACCES } },
	{ { 'G', XS_MKDIR, 0, "new|", -ENOSPC }, "nodes|1|" },
	{ { 'G', XS_MKDIR, 0, "a|", 0 }, "nodes|1|" },
	{ { 'G', XS_MKDIR, 0, "new|", -ENOSPC }, "node-size|35|" },
	{ { 'G', XS_MKDIR, 0, "new|", -ENOMEM }, "memory|1|" },
	{ { 'G', XS_MKDIR, 'L', "new|", 0 } },
	/* 13 */
	{ { 'G', XS_RM, 0, "a|", 0, "OK|" } },
	{ { 'G', XS_RM, 0, "dir|", 0, "OK|" } },
	{ { 'G', XS_RM, 0, "none|", 0, "OK|" } },
	{ { 'G', XS_RM, 0, "none/deep|", -ENOENT } },
	{ { 'D', XS_RM, 0, "/none/deep|", -ENOENT } },
	{ { 'D', XS_RM, 0, "/|", -EINVAL } },
	{ { 'G', XS_RM, 0, "/pub|", -EACCES } },
	{ { 'G', XS_RM, 0, "/pub/none|", -EACCES } },
	{ { 'O', XS_RM, 0, "/priv/kid|", 0, "OK|" } },
	{ { 'G', XS_RM, 0, "a", -EINVAL } },
	{ { 'G', XS_RM, 0, "", -EINVAL } },
	{ { 'G', XS_RM, 0, "a|b|", -EINVAL } },
	{ { 'G', XS_RM, 0, "dir|", 0 }, "memory|1|" },
	{ { 'G', XS_RM, 'L', "dir|", 0 } },
	{ { 'G', XS_RM, 'L', "none/deep|", -ENOENT } },
	/* 14 */
	{ { 'G', XS_SET_PERMS, 0, "a|r1|", 0, "OK|" } },
	{ { 'G', XS_SET_PERMS, 0, "a|b1|r2|w3|n0|", 0, "OK|" } },
	{ { 'G', XS_SET_PERMS, 0, "a|n1|r9|", 0, "OK|" } },
	{ { 'G', XS_SET_PERMS, 0, "a|n1|r32757|", 0, "OK|" } },
	{ { 'D', XS_SET_PERMS, 0, "@releaseDomain|n0|", 0, "OK|" } },
	{ { 'D', XS_SET_PERMS, 0, "@introduceDomain|n0|r1|", 0, "OK|" } },
	{ { 'G', XS_SET_PERMS, 0, "@releaseDomain|n1|", -EACCES } },
	{ { 'D', XS_SET_PERMS, 0, "@releaseDomain/1|n0|", -EINVAL } },
	{ { 'D', XS_SET_PERMS, 0, "/priv|n2|", 0, "OK|" } },
	{ { 'G', XS_SET_PERMS, 0, "a|n2|", -EPERM } },
	{ { 'G', XS_SET_PERMS, 0, "a|n0|", -EPERM } },
	{ { 'D', XS_SET_PERMS, 0, "/priv|n9|", -ENOENT } },
	{ { 'G', XS_SET_PERMS, 0, "a|n9|", -ENOENT } },
	{ { 'D', XS_SET_PERMS, 0, "/priv|n32757|", -ENOENT } },
	{ { 'O', XS_SET_PERMS, 0, "/priv/kid|r0|b2|", -EACCES } },
	{ { 'G', XS_SET_PERMS, 0, "a|", -EINVAL } },
	{ { 'G', XS_SET_PERMS, 0, "a", -EINVAL } },
	{ { 'G', XS_SET_PERMS, 0, "", -EINVAL } },
	{ { 'G', XS_SET_PERMS, 0, "a|x1|", -EINVAL } },
	{ { 'G', XS_SET_PERMS, 0, "a|n|", -EINVAL } },
	{ { 'G', XS_SET_PERMS, 0, "a|n1|r|", -EINVAL } },
	{ { 'G', XS_SET_PERMS, 0, "a|n1||", -EINVAL } },
	{ { 'G', XS_SET_PERMS, 0, "a|n70000|", -EINVAL } },
	{ { 'G', XS_SET_PERMS, 0, "a|n1|r2|r2|r2|r2|", 0, "OK|" } },
	{ { 'G', XS_SET_PERMS, 0, "a|n1|r2|r2|r2|r2|r2|", -ENOSPC } },
	{ { 'D', XS_SET_PERMS, 0, "/priv|n1|r2|r2|r2|r2|r2|", 0, "OK|" } },
	{ { 'G', XS_SET_PERMS, 0, "none|n1|", -ENOENT } },
	{ { 'G', XS_SET_PERMS, 0, "/pub/none|n1|", -EACCES } },
	{ { 'D', XS_SET_PERMS, 0, "/none|n1|", -ENOENT } },
	{ { 'G', XS_SET_PERMS, 0, "a|n1|r2|", -ENOSPC }, "node-size|20|" },
	{ { 'G', XS_SET_PERMS, 0, "a|n1|r2|", -ENOMEM }, "memory|1|" },
	{ { 'G', XS_SET_PERMS, 'L', "a|r1|", 0 } },
	/* 15, 16, 20, and what is none */
	{ { 'G', XS_WATCH_EVENT, 0, "a|t|", -ENOSYS } },
	{ { 'D', XS_WATCH_EVENT, 'U', "a|t|", -ENOSYS } },
	{ { 'G', XS_ERROR, 0, "EINVAL|", -ENOSYS } },
	{ { 'D', XS_ERROR, 0, "EINVAL|", -ENOSYS } },
	{ { 'D', 20, 0, "1|", -ENOSYS } },
	{ { 'G', XENEMU_XS_NR_OPS, 0, "", -ENOSYS } },
	{ { 'D', 0xffffffff, 'U', "", -ENOSYS } },
	/* 17 */
	{ { 'D', XS_IS_DOMAIN_INTRODUCED, 0, "1|", 0, "T|" } },
	{ { 'D', XS_IS_DOMAIN_INTRODUCED, 0, "0|", 0, "T|" } },
	{ { 'D', XS_IS_DOMAIN_INTRODUCED, 0, "5|", 0, "F|" } },
	{ { 'D', XS_IS_DOMAIN_INTRODUCED, 0, "9|", 0, "F|" } },
	{ { 'D', XS_IS_DOMAIN_INTRODUCED, 0, "32752|", 0, "T|" } },
	/* 18 */
	{ { 'D', XS_RESUME, 0, "1|", 0, "OK|" } },
	{ { 'D', XS_RESUME, 0, "0|", -EINVAL } },
	{ { 'D', XS_RESUME, 0, "9|", -ENOENT } },
	{ { 'D', XS_RESUME, 0, "5|", -ENOENT } },
	/* 19 */
	{ { 'D', XS_SET_TARGET, 0, "1|2|", 0, "OK|" } },
	{ { 'D', XS_SET_TARGET, 0, "1|1|", -EINVAL } },
	{ { 'D', XS_SET_TARGET, 0, "1|0|", -EINVAL } },
	{ { 'D', XS_SET_TARGET, 0, "0|1|", -EINVAL } },
	{ { 'D', XS_SET_TARGET, 0, "1|9|", -ENOENT } },
	{ { 'D', XS_SET_TARGET, 0, "9|1|", -ENOENT } },
	{ { 'D', XS_SET_TARGET, 0, "1|5|", -ENOENT } },
	{ { 'D', XS_SET_TARGET, 0, "5|1|", -ENOENT } },
	{ { 'D', XS_SET_TARGET, 0, "1|", -EINVAL } },
	{ { 'D', XS_SET_TARGET, 0, "1|2|3|", -EINVAL } },
	{ { 'D', XS_SET_TARGET, 0, "1|x|", -EINVAL } },
	{ { 'D', XS_SET_TARGET, 0, "", -EINVAL } },
	/* 21 */
	{ { 'G', XS_RESET_WATCHES, 0, "|", 0, "OK|" } },
	{ { 'G', XS_RESET_WATCHES, 0, "", 0, "OK|" } },
	{ { 'G', XS_RESET_WATCHES, 'L', "|", 0 } },
	/* 22; the generation is checked elsewhere */
	{ { 'G', XS_DIRECTORY_PART, 0, "dir|0|", 0 } },
	{ { 'G', XS_DIRECTORY_PART, 0, "dir|999|", 0 } },
	{ { 'D', XS_DIRECTORY_PART, 0, "/big|4000|", 0 } },
	{ { 'G', XS_DIRECTORY_PART, 0, "dir|", -EINVAL } },
	{ { 'G', XS_DIRECTORY_PART, 0, "dir", -EINVAL } },
	{ { 'G', XS_DIRECTORY_PART, 0, "", -EINVAL } },
	{ { 'G', XS_DIRECTORY_PART, 0, "dir|0|0|", -EINVAL } },
	{ { 'G', XS_DIRECTORY_PART, 0, "dir|x|", -EINVAL } },
	{ { 'G', XS_DIRECTORY_PART, 0, "dir|-1|", -EINVAL } },
	{ { 'G', XS_DIRECTORY_PART, 0, "dir||", -EINVAL } },
	{ { 'G', XS_DIRECTORY_PART, 'L', "dir|0|", 0 } },
	/* 23 */
	{ { 'G', XENEMU_XS_GET_FEATURE, 0, "", 0, "15|" } },
	{ { 'G', XENEMU_XS_GET_FEATURE, 0, "|", 0, "15|" } },
	{ { 'P', XENEMU_XS_GET_FEATURE, 0, "", 0, "0|" } },
	{ { 'D', XENEMU_XS_GET_FEATURE, 0, "", 0, "15|" } },
	{ { 'D', XENEMU_XS_GET_FEATURE, 0, "6|", 0, "0|" } },
	{ { 'D', XENEMU_XS_GET_FEATURE, 0, "1|", 0, "15|" } },
	{ { 'G', XENEMU_XS_GET_FEATURE, 0, "1|", -EACCES } },
	{ { 'G', XENEMU_XS_GET_FEATURE, 0, "2|", -EACCES } },
	{ { 'D', XENEMU_XS_GET_FEATURE, 0, "9|", -ENOENT } },
	{ { 'D', XENEMU_XS_GET_FEATURE, 0, "x|", -EINVAL } },
	{ { 'D', XENEMU_XS_GET_FEATURE, 0, "1|2|", -EINVAL } },
	{ { 'G', XENEMU_XS_GET_FEATURE, 'L', "", 0 } },
	/* 24 */
	{ { 'D', XENEMU_XS_SET_FEATURE, 0, "5|1|", 0, "OK|" } },
	{ { 'D', XENEMU_XS_SET_FEATURE, 0, "1|1|", -EBUSY } },
	{ { 'D', XENEMU_XS_SET_FEATURE, 0, "0|1|", -EBUSY } },
	{ { 'D', XENEMU_XS_SET_FEATURE, 0, "9|1|", -ENOENT } },
	{ { 'D', XENEMU_XS_SET_FEATURE, 0, "5|16|", -EINVAL } },
	{ { 'D', XENEMU_XS_SET_FEATURE, 0, "5|x|", -EINVAL } },
	{ { 'D', XENEMU_XS_SET_FEATURE, 0, "5|", -EINVAL } },
	{ { 'D', XENEMU_XS_SET_FEATURE, 0, "5|1|1|", -EINVAL } },
	{ { 'D', XENEMU_XS_SET_FEATURE, 0, "", -EINVAL } },
	/* 25 */
	{ { 'D', XENEMU_XS_GET_QUOTA, 0, "", 0,
	  QUOTA_NAMES "|" } },
	{ { 'D', XENEMU_XS_GET_QUOTA, 0, "nodes|", 0, "1000|" } },
	{ { 'D', XENEMU_XS_GET_QUOTA, 0, "watches|", 0, "128|" } },
	{ { 'D', XENEMU_XS_GET_QUOTA, 0, "outstanding|", 0, "20|" } },
	{ { 'D', XENEMU_XS_GET_QUOTA, 0, "memory|", 0, "2621440|" } },
	{ { 'D', XENEMU_XS_GET_QUOTA, 0, "soft-memory|", 0, "2097152|" } },
	{ { 'D', XENEMU_XS_GET_QUOTA, 0, "transactions|", 0, "10|" } },
	{ { 'D', XENEMU_XS_GET_QUOTA, 0, "transaction-nodes|", 0, "1024|" } },
	{ { 'D', XENEMU_XS_GET_QUOTA, 0, "node-permissions|", 0, "5|" } },
	{ { 'D', XENEMU_XS_GET_QUOTA, 0, "path-max|", 0, "2048|" } },
	{ { 'D', XENEMU_XS_GET_QUOTA, 0, "node-size|", 0, "2048|" } },
	{ { 'D', XENEMU_XS_GET_QUOTA, 0, "1|nodes|", 0, "1000|" } },
	{ { 'D', XENEMU_XS_GET_QUOTA, 0, "1|nodes|", 0, "7|" }, "1|nodes|7|" },
	{ { 'D', XENEMU_XS_GET_QUOTA, 0, "2|nodes|", 0, "1000|" }, "1|nodes|7|" },
	{ { 'D', XENEMU_XS_GET_QUOTA, 0, "2|nodes|", 0, "8|" }, "nodes|8|" },
	{ { 'D', XENEMU_XS_GET_QUOTA, 0, "other|", -EINVAL } },
	{ { 'D', XENEMU_XS_GET_QUOTA, 0, "1|other|", -EINVAL } },
	{ { 'D', XENEMU_XS_GET_QUOTA, 0, "9|nodes|", -ENOENT } },
	{ { 'D', XENEMU_XS_GET_QUOTA, 0, "x|nodes|", -EINVAL } },
	{ { 'D', XENEMU_XS_GET_QUOTA, 0, "1|nodes|1|", -EINVAL } },
	/* 26 */
	{ { 'D', XENEMU_XS_SET_QUOTA, 0, "nodes|5|", 0, "OK|" } },
	{ { 'D', XENEMU_XS_SET_QUOTA, 0, "nodes|0|", 0, "OK|" } },
	{ { 'D', XENEMU_XS_SET_QUOTA, 0, "soft-memory|5|", 0, "OK|" } },
	{ { 'D', XENEMU_XS_SET_QUOTA, 0, "1|nodes|5|", 0, "OK|" } },
	{ { 'D', XENEMU_XS_SET_QUOTA, 0, "nodes|", -EINVAL } },
	{ { 'D', XENEMU_XS_SET_QUOTA, 0, "nodes|x|", -EINVAL } },
	{ { 'D', XENEMU_XS_SET_QUOTA, 0, "nodes|-1|", -EINVAL } },
	{ { 'D', XENEMU_XS_SET_QUOTA, 0, "nodes|4294967295|", -EINVAL } },
	{ { 'D', XENEMU_XS_SET_QUOTA, 0, "other|5|", -EINVAL } },
	{ { 'D', XENEMU_XS_SET_QUOTA, 0, "1|other|5|", -EINVAL } },
	{ { 'D', XENEMU_XS_SET_QUOTA, 0, "9|nodes|5|", -ENOENT } },
	{ { 'D', XENEMU_XS_SET_QUOTA, 0, "x|nodes|5|", -EINVAL } },
	{ { 'D', XENEMU_XS_SET_QUOTA, 0, "1|nodes|5|5|", -EINVAL } },
	{ { 'D', XENEMU_XS_SET_QUOTA, 0, "", -EINVAL } },
};

static u32 expand(const char *text, char *body)
{
	u32 len = 0;
	char *end;

	for (; *text; text++) {
		if (*text == '{') {
			u32 nr = strtoul(text + 1, &end, 10);

			memset(body + len, 'x', nr);
			len += nr;
			text = end;
		} else {
			body[len++] = *text == '|' ? 0 : *text;
		}
	}
	return len;
}

static u32 index_of(char who)
{
	return strchr("DEGOP", who) - "DEGOP";
}

static struct client *client_of(struct table *table, char who)
{
	struct client *const clients[] = {
		&table->env->dom0, &table->env->dom0b, &table->env->guest[1],
		&table->env->guest[2], &table->plain,
	};

	return clients[index_of(who)];
}

static u32 tx_of(struct table *table, const struct request *r)
{
	switch (r->tx) {
	case 'L':
		return table->live[index_of(r->who)];
	case 'F':
		return table->live[index_of('O')];
	case 'U':
		return 99;
	}
	return 0;
}

static void run(struct table *table, const struct request *r, const char *what)
{
	char body[8192], want[8192];
	struct client *c = client_of(table, r->who);
	int result;
	u32 len;

	result = req(c, r->type, tx_of(table, r), body, expand(r->body, body));
	if (result != r->result)
		printf("# %s: %c %d %c \"%s\"\n", what, r->who, (int)r->type, r->tx ?: '0',
		       r->body);
	CHECK_EQ(result, r->result);
	if (!r->reply)
		return;
	len = expand(r->reply, want);
	if (c->len != len || memcmp(c->reply, want, len))
		printf("# %s: %c %d \"%s\": reply is \"%s\"\n", what, r->who, (int)r->type,
		       r->body, c->reply);
	CHECK_EQ(c->len, len);
	CHECK(!memcmp(c->reply, want, len));
}

static void create(struct table *table, bool direct)
{
	static const struct request setup[] = {
		{ 'D', XENEMU_XS_SET_FEATURE, 0, "6|0|", 0 },
		{ 'D', XS_INTRODUCE, 0, "6|1|1|", 0 },
		{ 'D', XS_WRITE, 0, "/pub|public", 0 },
		{ 'D', XS_WRITE, 0, "/priv|secret", 0 },
		{ 'D', XS_WRITE, 0, "/pub/kid|", 0 },
		{ 'D', XS_WRITE, 0, "/priv/kid|open", 0 },
		{ 'D', XS_SET_PERMS, 0, "/pub|r0|", 0 },
		{ 'D', XS_SET_PERMS, 0, "/priv|n0|", 0 },
		{ 'D', XS_SET_PERMS, 0, "/priv/kid|r0|b2|", 0 },
		{ 'G', XS_WRITE, 0, "a|va", 0 },
		{ 'G', XS_WRITE, 0, "dir/x|", 0 },
		{ 'G', XS_WRITE, 0, "dir/y|", 0 },
		{ 'D', XS_MKDIR, 0, "/big/{1000}|", 0 },
		{ 'D', XS_MKDIR, 0, "/big/{1001}|", 0 },
		{ 'D', XS_MKDIR, 0, "/big/{1002}|", 0 },
		{ 'D', XS_MKDIR, 0, "/big/{1003}|", 0 },
		{ 'D', XS_MKDIR, 0, "/big/{1004}|", 0 },
	};
	struct env *env = env_create();
	u32 i;

	memset(table, 0, sizeof(*table));
	table->env = env;
	CHECK_EQ(xenemu_store_add_domain(env->store, 5), 0);
	CHECK_EQ(xenemu_store_add_domain(env->store, PLAIN_DOMID), 0);
	for (i = 0; i < ARRAY_SIZE(setup); i++) {
		if (i == 2)
			client_open(env, &table->plain, PLAIN_DOMID, XENEMU_CONN_RING);
		run(table, &setup[i], "setup");
	}
	/* So that no id is anybody else's as well. */
	for (i = 0; i < 5; i++) {
		client_of(table, "DEGOP"[i])->conn->next_txn = 10 * i;
		table->live[i] = start(client_of(table, "DEGOP"[i]));
	}
	env->guest[2].conn->next_txn = 1;
	for (i = 0; i < 5; i++)
		client_of(table, "DEGOP"[i])->direct = direct;
}

static void one_row(const struct row *row, bool direct)
{
	struct table table;
	char *before, *after;
	u32 i;

	create(&table, direct);
	for (i = 0; i < ARRAY_SIZE(row->before) && row->before[i].who; i++)
		run(&table, &row->before[i], "before");
	if (row->quota) {
		const struct request set = { 'E', XENEMU_XS_SET_QUOTA, 0, row->quota, 0 };

		run(&table, &set, "quota");
	}
	before = dump(table.env);
	run(&table, &row->req, "row");
	after = dump(table.env);
	if (row->req.result || row->req.tx == 'L')
		if (row->req.type != XS_TRANSACTION_END && row->req.type != XS_RELEASE)
			CHECK_STR(after, before);
	CHECK(consistent(table.env));
	free(before);
	free(after);
	client_close(&table.plain);
	env_destroy(table.env);
	CHECK_EQ(shim_live_allocs, 0);
}

static void common_row(u32 type, const struct request *pattern, const char *rest)
{
	struct row row = { .req = *pattern };
	char body[64];
	u32 len = strcspn(pattern->body, "%");

	snprintf(body, sizeof(body), "%.*s%s", (int)len, pattern->body,
		 pattern->body[len] ? rest : "");
	row.req.type = type;
	row.req.body = body;
	one_row(&row, false);
	one_row(&row, true);
}

/* What operations have in common. */
TEST(store_table_of_patterns)
{
	u32 i, k, nr = 0;

	for (i = 0; i < ARRAY_SIZE(common); i++) {
		for (k = 0; k < ARRAY_SIZE(patterns); k++) {
			if (!(common[i].classes & patterns[k].class))
				continue;
			common_row(common[i].type, &patterns[k].req, common[i].rest);
			nr++;
		}
	}
	printf("# %u rows\n", nr);
}

TEST(store_table_of_operations)
{
	bool seen[XENEMU_XS_NR_OPS] = {};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		one_row(&rows[i], false);
		one_row(&rows[i], true);
		if (rows[i].req.type < XENEMU_XS_NR_OPS)
			seen[rows[i].req.type] = true;
	}
	for (i = 0; i < XENEMU_XS_NR_OPS; i++)
		CHECK(seen[i]);
	printf("# %zu rows\n", ARRAY_SIZE(rows));
}
