// SPDX-License-Identifier: GPL-2.0-only
/*
 * Xen's own client library, in the host by the socket in XENSTORED_PATH, or in a
 * guest. Prints KTAP.
 *
 * usage: libxenstore_test DIRECTORY DOMID
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

static const char *base;
static unsigned int domid;

/* The first thing that went wrong in a test, or NULL. */
static const char *complaint;
static int complaint_errno;

static void check(bool good, const char *what)
{
	if (good || complaint)
		return;
	complaint = what;
	complaint_errno = errno;
}

#define CHECK(condition)	check(condition, #condition)

static const char *at(const char *name)
{
	static char path[4][256];
	static unsigned int next;

	next = (next + 1) % 4;
	snprintf(path[next], sizeof(path[next]), "%s/%s", base, name);
	return path[next];
}

static void values_are_bytes(struct xs_handle *xs)
{
	static const char value[] = "a\0b\n\xff";
	unsigned int len = 0;
	char *got;

	CHECK(xs_write(xs, XBT_NULL, at("value"), value, sizeof(value)));
	got = xs_read(xs, XBT_NULL, at("value"), &len);
	CHECK(got && len == sizeof(value) && !memcmp(got, value, len));
	free(got);
	CHECK(xs_write(xs, XBT_NULL, at("value"), "", 0));
	got = xs_read(xs, XBT_NULL, at("value"), &len);
	CHECK(got && !len);
	free(got);
}

static void nodes_come_and_go(struct xs_handle *xs)
{
	unsigned int nr = 0;
	char **names;

	CHECK(xs_mkdir(xs, XBT_NULL, at("dir/a")));
	CHECK(xs_mkdir(xs, XBT_NULL, at("dir/b")));
	names = xs_directory(xs, XBT_NULL, at("dir"), &nr);
	CHECK(names && nr == 2 && !strcmp(names[0], "a") && !strcmp(names[1], "b"));
	free(names);
	CHECK(xs_rm(xs, XBT_NULL, at("dir")));
	CHECK(!xs_directory(xs, XBT_NULL, at("dir"), &nr) && errno == ENOENT);
}

static void permissions_are_kept(struct xs_handle *xs)
{
	struct xs_permissions perms[2] = {
		{ .id = domid, .perms = XS_PERM_NONE },
		{ .id = domid ? 0 : 1, .perms = XS_PERM_READ },
	}, *got;
	unsigned int nr = 0;

	CHECK(xs_write(xs, XBT_NULL, at("perms"), "", 0));
	CHECK(xs_set_permissions(xs, XBT_NULL, at("perms"), perms, 2));
	got = xs_get_permissions(xs, XBT_NULL, at("perms"), &nr);
	CHECK(got && nr == 2 && got[0].id == perms[0].id && got[0].perms == XS_PERM_NONE &&
	      got[1].id == perms[1].id && got[1].perms == XS_PERM_READ);
	free(got);
}

static void transactions_are_isolated(struct xs_handle *xs)
{
	struct xs_handle *other = xs_open(0);
	unsigned int len;
	xs_transaction_t tx;
	char *got;

	CHECK(other);
	CHECK(xs_write(xs, XBT_NULL, at("tx"), "1", 1));
	tx = xs_transaction_start(xs);
	CHECK(tx != XBT_NULL);
	CHECK(xs_write(xs, tx, at("tx"), "2", 1));
	got = xs_read(other, XBT_NULL, at("tx"), &len);
	CHECK(got && !strcmp(got, "1"));
	free(got);
	CHECK(xs_transaction_end(xs, tx, false));
	got = xs_read(other, XBT_NULL, at("tx"), &len);
	CHECK(got && !strcmp(got, "2"));
	free(got);
	xs_close(other);
}

static void conflicts_are_found(struct xs_handle *xs)
{
	struct xs_handle *other = xs_open(0);
	xs_transaction_t tx;
	unsigned int len;

	CHECK(other);
	tx = xs_transaction_start(xs);
	CHECK(tx != XBT_NULL);
	free(xs_read(xs, tx, at("tx"), &len));
	CHECK(xs_write(xs, tx, at("tx"), "3", 1));
	CHECK(xs_write(other, XBT_NULL, at("tx"), "4", 1));
	CHECK(!xs_transaction_end(xs, tx, false) && errno == EAGAIN);
	/* Given up, it is no error. */
	tx = xs_transaction_start(xs);
	CHECK(xs_write(xs, tx, at("tx"), "3", 1));
	CHECK(xs_write(other, XBT_NULL, at("tx"), "4", 1));
	CHECK(xs_transaction_end(xs, tx, true));
	xs_close(other);
}

static bool event_is(struct xs_handle *xs, const char *path, const char *token)
{
	unsigned int nr = 0;
	char **event = xs_read_watch(xs, &nr);
	bool same = event && nr == 2 && !strcmp(event[XS_WATCH_PATH], path) &&
		    !strcmp(event[XS_WATCH_TOKEN], token);

	free(event);
	return same;
}

static void watches_fire(struct xs_handle *xs)
{
	struct pollfd poller = { .fd = xs_fileno(xs), .events = POLLIN };

	CHECK(xs_watch(xs, at("watched"), "token"));
	CHECK(poll(&poller, 1, 10000) == 1);
	CHECK(event_is(xs, at("watched"), "token"));
	CHECK(!xs_check_watch(xs) && errno == EAGAIN);
	CHECK(xs_write(xs, XBT_NULL, at("watched/below"), "", 0));
	CHECK(event_is(xs, at("watched/below"), "token"));
	/* In a guest, the kernel gives watches tokens of its own. */
	CHECK(domid || (!xs_watch(xs, at("watched"), "token") && errno == EEXIST));
	CHECK(xs_unwatch(xs, at("watched"), "token"));
	CHECK(domid || (!xs_unwatch(xs, at("watched"), "token") && errno == ENOENT));
}

static void errors_have_names(struct xs_handle *xs)
{
	unsigned int len;

	CHECK(!xs_read(xs, XBT_NULL, at("none"), &len) && errno == ENOENT);
	CHECK(!xs_read(xs, XBT_NULL, at("none/"), &len) && errno == EINVAL);
	CHECK(!xs_rm(xs, XBT_NULL, at("none/below")) && errno == ENOENT);
	CHECK(!xs_transaction_end(xs, 12345, false) && errno == ENOENT);
}

static void a_guest_has_few_rights(struct xs_handle *xs)
{
	unsigned int len;
	char *path;

	path = xs_get_domain_path(xs, domid);
	CHECK(path && strstr(path, "/local/domain/") == path);
	free(path);
	if (!domid)
		return;
	CHECK(!xs_directory(xs, XBT_NULL, "/", &len) && errno == EACCES);
	CHECK(!xs_write(xs, XBT_NULL, "/local/domain/0/name", "me", 2) && errno == EACCES);
}

static void dom0_sees_domains(struct xs_handle *xs)
{
	unsigned int len, nr;
	char **names, *got;

	if (domid)
		return;
	CHECK(xs_is_domain_introduced(xs, 1));
	CHECK(!xs_is_domain_introduced(xs, 77));
	names = xs_directory(xs, XBT_NULL, "/local/domain", &nr);
	CHECK(names && nr >= 1);
	free(names);
	CHECK(xs_watch(xs, "@releaseDomain", "gone"));
	CHECK(event_is(xs, "@releaseDomain", "gone"));
	CHECK(xs_unwatch(xs, "@releaseDomain", "gone"));
	got = xs_control_command(xs, "help", NULL, 0);
	CHECK(got && *got);
	free(got);
	got = xs_read(xs, XBT_NULL, "/local/domain/1/domid", &len);
	CHECK(got && !strcmp(got, "1"));
	free(got);
}

static const struct test {
	const char *name;
	void (*fn)(struct xs_handle *xs);
} tests[] = {
	{ "values_are_bytes", values_are_bytes },
	{ "nodes_come_and_go", nodes_come_and_go },
	{ "permissions_are_kept", permissions_are_kept },
	{ "transactions_are_isolated", transactions_are_isolated },
	{ "conflicts_are_found", conflicts_are_found },
	{ "watches_fire", watches_fire },
	{ "errors_have_names", errors_have_names },
	{ "a_guest_has_few_rights", a_guest_has_few_rights },
	{ "dom0_sees_domains", dom0_sees_domains },
};

int main(int argc, char **argv)
{
	const unsigned int nr = sizeof(tests) / sizeof(tests[0]);
	struct xs_handle *xs;
	unsigned int i;
	int status = 0;

	if (argc != 3) {
		fprintf(stderr, "usage: libxenstore_test DIRECTORY DOMID\n");
		return 2;
	}
	base = argv[1];
	domid = atoi(argv[2]);
	printf("1..%u\n", nr);
	for (i = 0; i < nr; i++) {
		xs = xs_open(0);
		complaint = NULL;
		CHECK(xs);
		if (xs)
			tests[i].fn(xs);
		if (complaint) {
			printf("# %s (errno %d)\n", complaint, complaint_errno);
			status = 1;
		}
		printf("%s %u %s\n", complaint ? "not ok" : "ok", i + 1, tests[i].name);
		fflush(stdout);
		if (xs)
			xs_close(xs);
	}
	return status;
}
