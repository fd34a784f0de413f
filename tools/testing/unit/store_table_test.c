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

#define R(...) { .req = { __VA_ARGS__ } }

/* What every operation with a path refuses; @rest follows the path's NUL. */
#define BAD_PATHS(type, rest)						\
	R('G', type, 0, "|" rest, -EINVAL),				\
	R('G', type, 0, "dir/|" rest, -EINVAL),				\
	R('G', type, 0, "a//b|" rest, -EINVAL),				\
	R('G', type, 0, "a b|" rest, -EINVAL),				\
	R('G', type, 0, "a:b|" rest, -EINVAL),				\
	R('G', type, 0, "@other|" rest, -EINVAL),			\
	R('G', type, 0, "{2049}|" rest, -EINVAL),			\
	R('D', type, 0, "/{3072}|" rest, -EINVAL),			\
	R('D', type, 0, "{3060}|" rest, -EINVAL)

/* The same of every operation on a node but the special ones. */
#define NOT_SPECIAL(type, rest)						\
	R('D', type, 0, "@releaseDomain|" rest, -EINVAL),		\
	R('D', type, 0, "@introduceDomain|" rest, -EINVAL)

/* What is missing, or not for this client to know. */
#define NOT_THERE(type, rest)						\
	R('G', type, 0, "none|" rest, -ENOENT),				\
	R('G', type, 0, "/pub/none|" rest, -ENOENT),			\
	R('D', type, 0, "/none|" rest, -ENOENT)
#define NOT_ALLOWED(type, rest)						\
	R('G', type, 0, "/priv|" rest, -EACCES),			\
	R('G', type, 0, "/priv/none|" rest, -EACCES),			\
	R('G', type, 0, "/none|" rest, -EACCES),			\
	R('G', type, 0, "/|" rest, -EACCES),				\
	R('G', type, 0, "/local/domain/2|" rest, -EACCES)

/* An operation that belongs to a transaction, and what happens in a good one. */
#define IN_TX(type, body, result)					\
	R('G', type, 'U', body, -ENOENT),				\
	R('G', type, 'F', body, -ENOENT),				\
	R('G', type, 'L', body, result)

/* One that the transaction does not matter to. */
#define NO_TX(type, body)						\
	R('G', type, 'U', body, 0, "OK|"),				\
	R('G', type, 'F', body, 0, "OK|"),				\
	R('G', type, 'L', body, 0, "OK|")

/* One that is dom0's alone; privilege is looked at before the transaction, that before all. */
#define PRIV(type, body)						\
	R('G', type, 0, body, -EACCES),					\
	R('G', type, 'U', body, -EACCES),				\
	R('P', type, 0, "", -EACCES),					\
	R('D', type, 'U', body, -ENOENT),				\
	R('D', type, 'F', body, -ENOENT)

#define ONE_DOMID(type)							\
	R('D', type, 0, "", -EINVAL),					\
	R('D', type, 0, "1", -EINVAL),					\
	R('D', type, 0, "1|2|", -EINVAL),				\
	R('D', type, 0, "x|", -EINVAL),					\
	R('D', type, 0, "-1|", -EINVAL),				\
	R('D', type, 0, "65536|", -EINVAL),				\
	R('D', type, 0, "|", -EINVAL)

#define NEW_BIG "new|{2100}"

static const struct row rows[] = {
	/* 0 */
	PRIV(XS_CONTROL, "check|"),
	R('D', XS_CONTROL, 0, "check|", 0, "OK|"),
	R('D', XS_CONTROL, 'L', "check|", 0, "OK|"),
	R('D', XS_CONTROL, 0, "check|x|", -EINVAL),
	R('D', XS_CONTROL, 0, "check", -EINVAL),
	R('D', XS_CONTROL, 0, "", -EINVAL),
	R('D', XS_CONTROL, 0, "|", -EINVAL),
	R('D', XS_CONTROL, 0, "nonsense|", -EINVAL),
	R('D', XS_CONTROL, 0, "help|", 0),
	R('D', XS_CONTROL, 0, "help|x|", -EINVAL),
	R('D', XS_CONTROL, 0, "memreport|", 0),
	R('D', XS_CONTROL, 0, "memreport|/tmp/x|", -EINVAL),
	R('D', XS_CONTROL, 0, "print|text|", 0, "OK|"),
	R('D', XS_CONTROL, 0, "print|", -EINVAL),
	R('D', XS_CONTROL, 0, "print|a|b|", -EINVAL),
	R('D', XS_CONTROL, 0, "quota|", 0),
	R('D', XS_CONTROL, 0, "quota|1|", 0),
	R('D', XS_CONTROL, 0, "quota|9|", -ENOENT),
	R('D', XS_CONTROL, 0, "quota|x|", -EINVAL),
	R('D', XS_CONTROL, 0, "quota|1|2|", -EINVAL),
	R('D', XS_CONTROL, 0, "quota|max|", 0),
	R('D', XS_CONTROL, 0, "quota|max|-r|", 0),
	R('D', XS_CONTROL, 0, "quota|max|x|", -EINVAL),
	R('D', XS_CONTROL, 0, "quota|max|-r|x|", -EINVAL),
	R('D', XS_CONTROL, 0, "quota|set|nodes|7|", 0, "OK|"),
	R('D', XS_CONTROL, 0, "quota|set|nodes|x|", -EINVAL),
	R('D', XS_CONTROL, 0, "quota|set|nodes|", -EINVAL),
	R('D', XS_CONTROL, 0, "quota|set|other|7|", -EINVAL),
	R('D', XS_CONTROL, 0, "quota-soft|", 0),
	R('D', XS_CONTROL, 0, "quota-soft|set|memory|7|", 0, "OK|"),
	R('D', XS_CONTROL, 0, "quota-soft|set|nodes|7|", -EINVAL),
	R('D', XS_CONTROL, 0, "live-update|-s|", -EINVAL),
	R('D', XS_CONTROL, 0, "log|on|", -EINVAL),
	/* 1 */
	R('G', XS_DIRECTORY, 0, "dir|", 0, "x|y|"),
	R('G', XS_DIRECTORY, 0, "a|", 0, ""),
	R('G', XS_DIRECTORY, 0, "/pub|", 0, "kid|"),
	R('D', XS_DIRECTORY, 0, "/priv|", 0, "kid|"),
	R('D', XS_DIRECTORY, 0, "/big|", -E2BIG),
	R('D', XS_DIRECTORY, 0, "dir", -EINVAL),
	R('D', XS_DIRECTORY, 0, "", -EINVAL),
	R('D', XS_DIRECTORY, 0, "dir|x|", -EINVAL),
	R('D', XS_DIRECTORY, 0, "dir||", -EINVAL),
	BAD_PATHS(XS_DIRECTORY, ""),
	NOT_SPECIAL(XS_DIRECTORY, ""),
	NOT_THERE(XS_DIRECTORY, ""),
	NOT_ALLOWED(XS_DIRECTORY, ""),
	IN_TX(XS_DIRECTORY, "dir|", 0),
	/* 2 */
	R('G', XS_READ, 0, "a|", 0, "va"),
	R('G', XS_READ, 0, "/local/domain/1/a|", 0, "va"),
	R('G', XS_READ, 0, "dir|", 0, ""),
	R('G', XS_READ, 0, "/pub|", 0, "public"),
	R('G', XS_READ, 0, "/priv/kid|", 0, "open"),
	R('D', XS_READ, 0, "/|", 0, ""),
	R('G', XS_READ, 0, "a", -EINVAL),
	R('G', XS_READ, 0, "", -EINVAL),
	R('G', XS_READ, 0, "a|b|", -EINVAL),
	BAD_PATHS(XS_READ, ""),
	NOT_SPECIAL(XS_READ, ""),
	NOT_THERE(XS_READ, ""),
	NOT_ALLOWED(XS_READ, ""),
	IN_TX(XS_READ, "a|", 0),
	IN_TX(XS_READ, "none|", -ENOENT),
	{ { 'G', XS_READ, 'L', "a|", -ENOSPC }, "transaction-nodes|1|",
	  { { 'G', XS_READ, 'L', "none|", -ENOENT } } },
	/* 3 */
	R('G', XS_GET_PERMS, 0, "a|", 0, "n1|"),
	R('G', XS_GET_PERMS, 0, "/priv/kid|", 0, "r0|b2|"),
	R('D', XS_GET_PERMS, 0, "@releaseDomain|", 0, "n0|r32757|"),
	R('D', XS_GET_PERMS, 0, "@introduceDomain|", 0, "n0|"),
	R('G', XS_GET_PERMS, 0, "@introduceDomain|", -EACCES),
	R('D', XS_GET_PERMS, 0, "@releaseDomain/1|", -EINVAL),
	R('G', XS_GET_PERMS, 0, "a", -EINVAL),
	R('G', XS_GET_PERMS, 0, "", -EINVAL),
	R('G', XS_GET_PERMS, 0, "a|n1|", -EINVAL),
	BAD_PATHS(XS_GET_PERMS, ""),
	NOT_THERE(XS_GET_PERMS, ""),
	NOT_ALLOWED(XS_GET_PERMS, ""),
	IN_TX(XS_GET_PERMS, "a|", 0),
	/* 4 */
	R('G', XS_WATCH, 0, "w|t|", 0, "OK|"),
	R('G', XS_WATCH, 0, "w||", 0, "OK|"),
	R('G', XS_WATCH, 0, "w|t|0|", 0, "OK|"),
	R('G', XS_WATCH, 0, "w|t|7|", 0, "OK|"),
	R('G', XS_WATCH, 0, "/priv|t|", 0, "OK|"),
	R('G', XS_WATCH, 0, "@releaseDomain|t|", 0, "OK|"),
	R('G', XS_WATCH, 0, "@releaseDomain|t|1|", 0, "OK|"),
	R('G', XS_WATCH, 0, "@releaseDomain/2|t|", 0, "OK|"),
	R('G', XS_WATCH, 0, "@introduceDomain|t|", 0, "OK|"),
	R('G', XS_WATCH, 0, "@releaseDomain/x|t|", -EINVAL),
	R('G', XS_WATCH, 0, "w|t|-1|", -EINVAL),
	R('G', XS_WATCH, 0, "w|t|x|", -EINVAL),
	R('G', XS_WATCH, 0, "w|t||", -EINVAL),
	R('G', XS_WATCH, 0, "w|t|1|1|", -EINVAL),
	R('P', XS_WATCH, 0, "w|t|1|", -EINVAL),
	R('P', XS_WATCH, 0, "@releaseDomain/2|t|", -EINVAL),
	R('P', XS_WATCH, 0, "w|t|", 0, "OK|"),
	R('G', XS_WATCH, 0, "w|", -EINVAL),
	R('G', XS_WATCH, 0, "w", -EINVAL),
	R('G', XS_WATCH, 0, "", -EINVAL),
	BAD_PATHS(XS_WATCH, "t|"),
	NO_TX(XS_WATCH, "w|t|"),
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
	R('G', XS_UNWATCH, 0, "w|", -EINVAL),
	R('G', XS_UNWATCH, 0, "w|t|x|", -EINVAL),
	R('G', XS_UNWATCH, 0, "", -EINVAL),
	BAD_PATHS(XS_UNWATCH, "t|"),
	/* 6 */
	R('O', XS_TRANSACTION_START, 0, "|", 0, "2|"),
	R('G', XS_TRANSACTION_START, 'L', "|", -EBUSY),
	R('G', XS_TRANSACTION_START, 'U', "|", -ENOENT),
	R('G', XS_TRANSACTION_START, 'F', "|", -ENOENT),
	{ { 'G', XS_TRANSACTION_START, 0, "|", -ENOSPC }, "transactions|1|" },
	{ { 'G', XS_TRANSACTION_START, 0, "|", -ENOMEM }, "memory|1|" },
	/* 7 */
	R('G', XS_TRANSACTION_END, 'L', "T|", 0, "OK|"),
	R('G', XS_TRANSACTION_END, 'L', "F|", 0, "OK|"),
	R('G', XS_TRANSACTION_END, 'L', "X|", -EINVAL),
	R('G', XS_TRANSACTION_END, 'L', "T", -EINVAL),
	R('G', XS_TRANSACTION_END, 'L', "T|T|", -EINVAL),
	R('G', XS_TRANSACTION_END, 'L', "|", -EINVAL),
	R('G', XS_TRANSACTION_END, 'L', "", -EINVAL),
	R('G', XS_TRANSACTION_END, 0, "T|", -ENOENT),
	R('G', XS_TRANSACTION_END, 0, "X|", -EINVAL),
	R('G', XS_TRANSACTION_END, 'U', "T|", -ENOENT),
	R('G', XS_TRANSACTION_END, 'F', "T|", -ENOENT),
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
	PRIV(XS_INTRODUCE, "5|1|9|"),
	R('D', XS_INTRODUCE, 0, "5|1|9|", 0, "OK|"),
	R('D', XS_INTRODUCE, 'L', "5|1|9|", 0, "OK|"),
	R('D', XS_INTRODUCE, 0, "1|1|9|", 0, "OK|"),
	R('D', XS_INTRODUCE, 0, "9|1|9|", -ENOENT),
	R('D', XS_INTRODUCE, 0, "0|1|9|", -EINVAL),
	R('D', XS_INTRODUCE, 0, "5|1|0|", -EINVAL),
	R('D', XS_INTRODUCE, 0, "5|1|-1|", -EINVAL),
	R('D', XS_INTRODUCE, 0, "5|1|", -EINVAL),
	R('D', XS_INTRODUCE, 0, "5|1|9|1|", -EINVAL),
	R('D', XS_INTRODUCE, 0, "x|1|9|", -EINVAL),
	R('D', XS_INTRODUCE, 0, "5|x|9|", -EINVAL),
	R('D', XS_INTRODUCE, 0, "", -EINVAL),
	/* 9 */
	PRIV(XS_RELEASE, "2|"),
	ONE_DOMID(XS_RELEASE),
	R('D', XS_RELEASE, 0, "2|", 0, "OK|"),
	R('D', XS_RELEASE, 'L', "2|", 0, "OK|"),
	R('D', XS_RELEASE, 0, "0|", -EINVAL),
	R('D', XS_RELEASE, 0, "9|", -ENOENT),
	R('D', XS_RELEASE, 0, "5|", -ENOENT),
	/* 10 */
	R('G', XS_GET_DOMAIN_PATH, 0, "1|", 0, "/local/domain/1|"),
	R('G', XS_GET_DOMAIN_PATH, 0, "2|", 0, "/local/domain/2|"),
	R('G', XS_GET_DOMAIN_PATH, 0, "777|", 0, "/local/domain/777|"),
	ONE_DOMID(XS_GET_DOMAIN_PATH),
	IN_TX(XS_GET_DOMAIN_PATH, "1|", 0),
	/* 11 */
	R('G', XS_WRITE, 0, "a|new", 0, "OK|"),
	R('G', XS_WRITE, 0, "a|", 0, "OK|"),
	R('G', XS_WRITE, 0, "a|x|y|z", 0, "OK|"),
	R('G', XS_WRITE, 0, "new/below/it|x", 0, "OK|"),
	R('D', XS_WRITE, 0, "/priv|x", 0, "OK|"),
	R('D', XS_WRITE, 0, "/|x", 0, "OK|"),
	R('G', XS_WRITE, 0, "a", -EINVAL),
	R('G', XS_WRITE, 0, "", -EINVAL),
	BAD_PATHS(XS_WRITE, "x"),
	NOT_SPECIAL(XS_WRITE, "x"),
	NOT_ALLOWED(XS_WRITE, "x"),
	R('G', XS_WRITE, 0, "/pub|x", -EACCES),
	R('G', XS_WRITE, 0, "/pub/new|x", -EACCES),
	R('G', XS_WRITE, 0, NEW_BIG, -ENOSPC),
	R('G', XS_WRITE, 0, "a|{2100}", -ENOSPC),
	R('D', XS_WRITE, 0, "/new|{4000}", 0, "OK|"),
	{ { 'G', XS_WRITE, 0, "new|x", -ENOSPC }, "nodes|1|" },
	{ { 'G', XS_WRITE, 0, "a|y", 0 }, "nodes|1|" },
	{ { 'G', XS_WRITE, 0, "new|x", -ENOMEM }, "memory|1|" },
	{ { 'G', XS_WRITE, 0, "a|longer", -ENOMEM }, "memory|1|" },
	{ { 'G', XS_WRITE, 'L', "a|x", -ENOSPC }, "transaction-nodes|1|",
	  { { 'G', XS_READ, 'L', "none|", -ENOENT } } },
	IN_TX(XS_WRITE, "a|new", 0),
	IN_TX(XS_WRITE, "/priv|new", -EACCES),
	/* 12 */
	R('G', XS_MKDIR, 0, "a|", 0, "OK|"),
	R('G', XS_MKDIR, 0, "new/below/it|", 0, "OK|"),
	R('D', XS_MKDIR, 0, "/|", 0, "OK|"),
	R('G', XS_MKDIR, 0, "a", -EINVAL),
	R('G', XS_MKDIR, 0, "", -EINVAL),
	R('G', XS_MKDIR, 0, "a|b|", -EINVAL),
	BAD_PATHS(XS_MKDIR, ""),
	NOT_SPECIAL(XS_MKDIR, ""),
	NOT_ALLOWED(XS_MKDIR, ""),
	R('G', XS_MKDIR, 0, "/pub|", -EACCES),
	R('G', XS_MKDIR, 0, "/pub/new|", -EACCES),
	{ { 'G', XS_MKDIR, 0, "new|", -ENOSPC }, "nodes|1|" },
	{ { 'G', XS_MKDIR, 0, "a|", 0 }, "nodes|1|" },
	{ { 'G', XS_MKDIR, 0, "new|", -ENOSPC }, "node-size|35|" },
	{ { 'G', XS_MKDIR, 0, "new|", -ENOMEM }, "memory|1|" },
	IN_TX(XS_MKDIR, "new|", 0),
	/* 13 */
	R('G', XS_RM, 0, "a|", 0, "OK|"),
	R('G', XS_RM, 0, "dir|", 0, "OK|"),
	R('G', XS_RM, 0, "none|", 0, "OK|"),
	R('G', XS_RM, 0, "none/deep|", -ENOENT),
	R('D', XS_RM, 0, "/none/deep|", -ENOENT),
	R('D', XS_RM, 0, "/|", -EINVAL),
	R('G', XS_RM, 0, "/pub|", -EACCES),
	R('G', XS_RM, 0, "/pub/none|", -EACCES),
	R('O', XS_RM, 0, "/priv/kid|", 0, "OK|"),
	R('G', XS_RM, 0, "a", -EINVAL),
	R('G', XS_RM, 0, "", -EINVAL),
	R('G', XS_RM, 0, "a|b|", -EINVAL),
	BAD_PATHS(XS_RM, ""),
	NOT_SPECIAL(XS_RM, ""),
	NOT_ALLOWED(XS_RM, ""),
	{ { 'G', XS_RM, 0, "dir|", 0 }, "memory|1|" },
	IN_TX(XS_RM, "dir|", 0),
	IN_TX(XS_RM, "none/deep|", -ENOENT),
	/* 14 */
	R('G', XS_SET_PERMS, 0, "a|r1|", 0, "OK|"),
	R('G', XS_SET_PERMS, 0, "a|b1|r2|w3|n0|", 0, "OK|"),
	R('G', XS_SET_PERMS, 0, "a|n1|r9|", 0, "OK|"),
	R('G', XS_SET_PERMS, 0, "a|n1|r32757|", 0, "OK|"),
	R('D', XS_SET_PERMS, 0, "@releaseDomain|n0|", 0, "OK|"),
	R('D', XS_SET_PERMS, 0, "@introduceDomain|n0|r1|", 0, "OK|"),
	R('G', XS_SET_PERMS, 0, "@releaseDomain|n1|", -EACCES),
	R('D', XS_SET_PERMS, 0, "@releaseDomain/1|n0|", -EINVAL),
	R('D', XS_SET_PERMS, 0, "/priv|n2|", 0, "OK|"),
	R('G', XS_SET_PERMS, 0, "a|n2|", -EPERM),
	R('G', XS_SET_PERMS, 0, "a|n0|", -EPERM),
	R('D', XS_SET_PERMS, 0, "/priv|n9|", -ENOENT),
	R('G', XS_SET_PERMS, 0, "a|n9|", -ENOENT),
	R('D', XS_SET_PERMS, 0, "/priv|n32757|", -ENOENT),
	R('O', XS_SET_PERMS, 0, "/priv/kid|r0|b2|", -EACCES),
	R('G', XS_SET_PERMS, 0, "a|", -EINVAL),
	R('G', XS_SET_PERMS, 0, "a", -EINVAL),
	R('G', XS_SET_PERMS, 0, "", -EINVAL),
	R('G', XS_SET_PERMS, 0, "a|x1|", -EINVAL),
	R('G', XS_SET_PERMS, 0, "a|n|", -EINVAL),
	R('G', XS_SET_PERMS, 0, "a|n1|r|", -EINVAL),
	R('G', XS_SET_PERMS, 0, "a|n1||", -EINVAL),
	R('G', XS_SET_PERMS, 0, "a|n70000|", -EINVAL),
	R('G', XS_SET_PERMS, 0, "a|n1|r2|r2|r2|r2|", 0, "OK|"),
	R('G', XS_SET_PERMS, 0, "a|n1|r2|r2|r2|r2|r2|", -ENOSPC),
	R('D', XS_SET_PERMS, 0, "/priv|n1|r2|r2|r2|r2|r2|", 0, "OK|"),
	BAD_PATHS(XS_SET_PERMS, "n1|"),
	R('G', XS_SET_PERMS, 0, "none|n1|", -ENOENT),
	R('G', XS_SET_PERMS, 0, "/pub/none|n1|", -EACCES),
	R('D', XS_SET_PERMS, 0, "/none|n1|", -ENOENT),
	NOT_ALLOWED(XS_SET_PERMS, "n1|"),
	{ { 'G', XS_SET_PERMS, 0, "a|n1|r2|", -ENOSPC }, "node-size|20|" },
	{ { 'G', XS_SET_PERMS, 0, "a|n1|r2|", -ENOMEM }, "memory|1|" },
	IN_TX(XS_SET_PERMS, "a|r1|", 0),
	/* 15, 16, 20, and what is none */
	R('G', XS_WATCH_EVENT, 0, "a|t|", -ENOSYS),
	R('D', XS_WATCH_EVENT, 'U', "a|t|", -ENOSYS),
	R('G', XS_ERROR, 0, "EINVAL|", -ENOSYS),
	R('D', XS_ERROR, 0, "EINVAL|", -ENOSYS),
	R('D', 20, 0, "1|", -ENOSYS),
	R('G', XENEMU_XS_NR_OPS, 0, "", -ENOSYS),
	R('D', 0xffffffff, 'U', "", -ENOSYS),
	/* 17 */
	PRIV(XS_IS_DOMAIN_INTRODUCED, "1|"),
	ONE_DOMID(XS_IS_DOMAIN_INTRODUCED),
	R('D', XS_IS_DOMAIN_INTRODUCED, 0, "1|", 0, "T|"),
	R('D', XS_IS_DOMAIN_INTRODUCED, 0, "0|", 0, "T|"),
	R('D', XS_IS_DOMAIN_INTRODUCED, 0, "5|", 0, "F|"),
	R('D', XS_IS_DOMAIN_INTRODUCED, 0, "9|", 0, "F|"),
	R('D', XS_IS_DOMAIN_INTRODUCED, 0, "32752|", 0, "T|"),
	/* 18 */
	PRIV(XS_RESUME, "1|"),
	ONE_DOMID(XS_RESUME),
	R('D', XS_RESUME, 0, "1|", 0, "OK|"),
	R('D', XS_RESUME, 0, "0|", -EINVAL),
	R('D', XS_RESUME, 0, "9|", -ENOENT),
	R('D', XS_RESUME, 0, "5|", -ENOENT),
	/* 19 */
	PRIV(XS_SET_TARGET, "1|2|"),
	R('D', XS_SET_TARGET, 0, "1|2|", 0, "OK|"),
	R('D', XS_SET_TARGET, 0, "1|1|", -EINVAL),
	R('D', XS_SET_TARGET, 0, "1|0|", -EINVAL),
	R('D', XS_SET_TARGET, 0, "0|1|", -EINVAL),
	R('D', XS_SET_TARGET, 0, "1|9|", -ENOENT),
	R('D', XS_SET_TARGET, 0, "9|1|", -ENOENT),
	R('D', XS_SET_TARGET, 0, "1|5|", -ENOENT),
	R('D', XS_SET_TARGET, 0, "5|1|", -ENOENT),
	R('D', XS_SET_TARGET, 0, "1|", -EINVAL),
	R('D', XS_SET_TARGET, 0, "1|2|3|", -EINVAL),
	R('D', XS_SET_TARGET, 0, "1|x|", -EINVAL),
	R('D', XS_SET_TARGET, 0, "", -EINVAL),
	/* 21 */
	R('G', XS_RESET_WATCHES, 0, "|", 0, "OK|"),
	R('G', XS_RESET_WATCHES, 0, "", 0, "OK|"),
	IN_TX(XS_RESET_WATCHES, "|", 0),
	/* 22; the generation is checked elsewhere */
	R('G', XS_DIRECTORY_PART, 0, "dir|0|", 0),
	R('G', XS_DIRECTORY_PART, 0, "dir|999|", 0),
	R('D', XS_DIRECTORY_PART, 0, "/big|4000|", 0),
	R('G', XS_DIRECTORY_PART, 0, "dir|", -EINVAL),
	R('G', XS_DIRECTORY_PART, 0, "dir", -EINVAL),
	R('G', XS_DIRECTORY_PART, 0, "", -EINVAL),
	R('G', XS_DIRECTORY_PART, 0, "dir|0|0|", -EINVAL),
	R('G', XS_DIRECTORY_PART, 0, "dir|x|", -EINVAL),
	R('G', XS_DIRECTORY_PART, 0, "dir|-1|", -EINVAL),
	R('G', XS_DIRECTORY_PART, 0, "dir||", -EINVAL),
	BAD_PATHS(XS_DIRECTORY_PART, "0|"),
	NOT_SPECIAL(XS_DIRECTORY_PART, "0|"),
	NOT_THERE(XS_DIRECTORY_PART, "0|"),
	NOT_ALLOWED(XS_DIRECTORY_PART, "0|"),
	IN_TX(XS_DIRECTORY_PART, "dir|0|", 0),
	/* 23 */
	R('G', XENEMU_XS_GET_FEATURE, 0, "", 0, "15|"),
	R('G', XENEMU_XS_GET_FEATURE, 0, "|", 0, "15|"),
	R('P', XENEMU_XS_GET_FEATURE, 0, "", 0, "0|"),
	R('D', XENEMU_XS_GET_FEATURE, 0, "", 0, "15|"),
	R('D', XENEMU_XS_GET_FEATURE, 0, "6|", 0, "0|"),
	R('D', XENEMU_XS_GET_FEATURE, 0, "1|", 0, "15|"),
	R('G', XENEMU_XS_GET_FEATURE, 0, "1|", -EACCES),
	R('G', XENEMU_XS_GET_FEATURE, 0, "2|", -EACCES),
	R('D', XENEMU_XS_GET_FEATURE, 0, "9|", -ENOENT),
	R('D', XENEMU_XS_GET_FEATURE, 0, "x|", -EINVAL),
	R('D', XENEMU_XS_GET_FEATURE, 0, "1|2|", -EINVAL),
	IN_TX(XENEMU_XS_GET_FEATURE, "", 0),
	/* 24 */
	PRIV(XENEMU_XS_SET_FEATURE, "5|1|"),
	R('D', XENEMU_XS_SET_FEATURE, 0, "5|1|", 0, "OK|"),
	R('D', XENEMU_XS_SET_FEATURE, 0, "1|1|", -EBUSY),
	R('D', XENEMU_XS_SET_FEATURE, 0, "0|1|", -EBUSY),
	R('D', XENEMU_XS_SET_FEATURE, 0, "9|1|", -ENOENT),
	R('D', XENEMU_XS_SET_FEATURE, 0, "5|16|", -EINVAL),
	R('D', XENEMU_XS_SET_FEATURE, 0, "5|x|", -EINVAL),
	R('D', XENEMU_XS_SET_FEATURE, 0, "5|", -EINVAL),
	R('D', XENEMU_XS_SET_FEATURE, 0, "5|1|1|", -EINVAL),
	R('D', XENEMU_XS_SET_FEATURE, 0, "", -EINVAL),
	/* 25 */
	PRIV(XENEMU_XS_GET_QUOTA, ""),
	R('D', XENEMU_XS_GET_QUOTA, 0, "", 0,
	  "nodes watches outstanding memory soft-memory transactions transaction-nodes "
	  "node-permissions path-max node-size|"),
	R('D', XENEMU_XS_GET_QUOTA, 0, "nodes|", 0, "1000|"),
	R('D', XENEMU_XS_GET_QUOTA, 0, "watches|", 0, "128|"),
	R('D', XENEMU_XS_GET_QUOTA, 0, "outstanding|", 0, "20|"),
	R('D', XENEMU_XS_GET_QUOTA, 0, "memory|", 0, "2621440|"),
	R('D', XENEMU_XS_GET_QUOTA, 0, "soft-memory|", 0, "2097152|"),
	R('D', XENEMU_XS_GET_QUOTA, 0, "transactions|", 0, "10|"),
	R('D', XENEMU_XS_GET_QUOTA, 0, "transaction-nodes|", 0, "1024|"),
	R('D', XENEMU_XS_GET_QUOTA, 0, "node-permissions|", 0, "5|"),
	R('D', XENEMU_XS_GET_QUOTA, 0, "path-max|", 0, "2048|"),
	R('D', XENEMU_XS_GET_QUOTA, 0, "node-size|", 0, "2048|"),
	R('D', XENEMU_XS_GET_QUOTA, 0, "1|nodes|", 0, "1000|"),
	{ { 'D', XENEMU_XS_GET_QUOTA, 0, "1|nodes|", 0, "7|" }, "1|nodes|7|" },
	{ { 'D', XENEMU_XS_GET_QUOTA, 0, "2|nodes|", 0, "1000|" }, "1|nodes|7|" },
	{ { 'D', XENEMU_XS_GET_QUOTA, 0, "2|nodes|", 0, "8|" }, "nodes|8|" },
	R('D', XENEMU_XS_GET_QUOTA, 0, "other|", -EINVAL),
	R('D', XENEMU_XS_GET_QUOTA, 0, "1|other|", -EINVAL),
	R('D', XENEMU_XS_GET_QUOTA, 0, "9|nodes|", -ENOENT),
	R('D', XENEMU_XS_GET_QUOTA, 0, "x|nodes|", -EINVAL),
	R('D', XENEMU_XS_GET_QUOTA, 0, "1|nodes|1|", -EINVAL),
	/* 26 */
	PRIV(XENEMU_XS_SET_QUOTA, "nodes|5|"),
	R('D', XENEMU_XS_SET_QUOTA, 0, "nodes|5|", 0, "OK|"),
	R('D', XENEMU_XS_SET_QUOTA, 0, "nodes|0|", 0, "OK|"),
	R('D', XENEMU_XS_SET_QUOTA, 0, "soft-memory|5|", 0, "OK|"),
	R('D', XENEMU_XS_SET_QUOTA, 0, "1|nodes|5|", 0, "OK|"),
	R('D', XENEMU_XS_SET_QUOTA, 0, "nodes|", -EINVAL),
	R('D', XENEMU_XS_SET_QUOTA, 0, "nodes|x|", -EINVAL),
	R('D', XENEMU_XS_SET_QUOTA, 0, "nodes|-1|", -EINVAL),
	R('D', XENEMU_XS_SET_QUOTA, 0, "nodes|4294967295|", -EINVAL),
	R('D', XENEMU_XS_SET_QUOTA, 0, "other|5|", -EINVAL),
	R('D', XENEMU_XS_SET_QUOTA, 0, "1|other|5|", -EINVAL),
	R('D', XENEMU_XS_SET_QUOTA, 0, "9|nodes|5|", -ENOENT),
	R('D', XENEMU_XS_SET_QUOTA, 0, "x|nodes|5|", -EINVAL),
	R('D', XENEMU_XS_SET_QUOTA, 0, "1|nodes|5|5|", -EINVAL),
	R('D', XENEMU_XS_SET_QUOTA, 0, "", -EINVAL),
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
