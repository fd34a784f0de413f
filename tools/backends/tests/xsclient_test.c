// SPDX-License-Identifier: GPL-2.0-only
/*
 * The XenStore client against a fake store.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xen/io/xs_wire.h>

#include "fake.h"
#include "tap.h"
#include "xsclient.h"

bool tap_failed;

static struct xenemu_xs xs;

static void setup(void)
{
	fake_init();
	xenemu_xs_init(&xs, fake_store_fd());
}

static void test_read_write(void)
{
	char buf[64], big[XENEMU_XS_PAYLOAD_MAX];
	uint32_t u32 = 7;
	uint64_t u64;

	setup();
	TAP_EQUAL(xenemu_xs_read(&xs, 0, "/a", buf, sizeof(buf)), -ENOENT);
	TAP_EQUAL(xenemu_xs_write(&xs, 0, "/a", "hello", 5), 0);
	TAP_EQUAL(xenemu_xs_read(&xs, 0, "/a", buf, sizeof(buf)), 5);
	TAP_CHECK(!strcmp(buf, "hello"));
	TAP_EQUAL(xenemu_xs_read(&xs, 0, "/a", buf, 6), 5);
	TAP_EQUAL(xenemu_xs_read(&xs, 0, "/a", buf, 5), -EMSGSIZE);
	TAP_EQUAL(xenemu_xs_read_u32(&xs, 0, "/a", &u32), -EINVAL);
	TAP_EQUAL(u32, 7);
	TAP_EQUAL(xenemu_xs_printf(&xs, 0, "/n", "%u", 4294967295U), 0);
	TAP_EQUAL(xenemu_xs_read_u32(&xs, 0, "/n", &u32), 0);
	TAP_EQUAL(u32, 4294967295U);
	TAP_EQUAL(xenemu_xs_printf(&xs, 0, "/n", "%llu", 4294967296ULL), 0);
	TAP_EQUAL(xenemu_xs_read_u32(&xs, 0, "/n", &u32), -EINVAL);
	TAP_EQUAL(xenemu_xs_read_u64(&xs, 0, "/n", &u64), 0);
	TAP_EQUAL(u64, 4294967296ULL);
	TAP_EQUAL(xenemu_xs_mkdir(&xs, 0, "/d"), 0);
	TAP_EQUAL(xenemu_xs_read(&xs, 0, "/d", buf, sizeof(buf)), 0);
	TAP_EQUAL(xenemu_xs_rm(&xs, 0, "/d"), 0);
	TAP_EQUAL(xenemu_xs_read(&xs, 0, "/d", buf, sizeof(buf)), -ENOENT);

	/* What does not fit into a request is not sent. */
	memset(big, 'x', sizeof(big));
	TAP_EQUAL(xenemu_xs_write(&xs, 0, "/b", big, sizeof(big) - 3), 0);
	TAP_EQUAL(xenemu_xs_write(&xs, 0, "/c", big, sizeof(big) - 2), -E2BIG);
	big[sizeof(big) - 1] = '\0';
	TAP_EQUAL(xenemu_xs_printf(&xs, 0, "/c", "%s%s", big, big), -E2BIG);
	TAP_EQUAL(xenemu_xs_mkdir(&xs, 0, big), 0);
	TAP_EQUAL(xenemu_xs_read(&xs, 0, "/c", buf, sizeof(buf)), -ENOENT);
	fake_exit();
}

static void test_numbers(void)
{
	static const char *const bad[] = {
		"", " 1", "1 ", "-1", "+1", "0x1", "1.", "18446744073709551616",
		"184467440737095516150", "99999999999999999999999999", "1a",
	};
	uint64_t val = 5;
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		TAP_EQUAL(xenemu_xs_parse_u64(bad[i], UINT64_MAX, &val), -EINVAL);
		TAP_EQUAL(val, 5);
	}
	TAP_EQUAL(xenemu_xs_parse_u64("18446744073709551615", UINT64_MAX, &val), 0);
	TAP_CHECK(val == UINT64_MAX);
	TAP_EQUAL(xenemu_xs_parse_u64("007", 7, &val), 0);
	TAP_EQUAL(val, 7);
	TAP_EQUAL(xenemu_xs_parse_u64("8", 7, &val), -EINVAL);
}

static void test_directory(void)
{
	struct xenemu_xs_dir dir;
	char path[64], name[32];
	unsigned int i;

	setup();
	TAP_EQUAL(xenemu_xs_directory(&xs, 0, "/d", &dir), -ENOENT);
	fake_write("/d", "");
	TAP_EQUAL(xenemu_xs_directory(&xs, 0, "/d", &dir), 0);
	TAP_EQUAL(dir.nr, 0);
	xenemu_xs_dir_free(&dir);

	fake_write("/d/one", "");
	fake_write("/d/two", "");
	TAP_EQUAL(xenemu_xs_directory(&xs, 0, "/d", &dir), 0);
	TAP_EQUAL(dir.nr, 2);
	TAP_CHECK(!strcmp(dir.names[0], "one") && !strcmp(dir.names[1], "two"));
	xenemu_xs_dir_free(&dir);

	/* Too many for one reply. */
	fake_rm("/d/one");
	fake_rm("/d/two");
	for (i = 0; i < 400; i++) {
		snprintf(path, sizeof(path), "/d/a-rather-long-name-%u", i);
		fake_write(path, "");
	}
	TAP_EQUAL(xenemu_xs_directory(&xs, 0, "/d", &dir), 0);
	TAP_EQUAL(dir.nr, 400);
	for (i = 0; i < dir.nr; i++) {
		snprintf(name, sizeof(name), "a-rather-long-name-%u", i);
		TAP_CHECK(!strcmp(dir.names[i], name));
	}
	xenemu_xs_dir_free(&dir);

	/* It changes meanwhile: a few times, then without end. */
	fake_disturb(3);
	TAP_EQUAL(xenemu_xs_directory(&xs, 0, "/d", &dir), 0);
	TAP_EQUAL(dir.nr, 400);
	xenemu_xs_dir_free(&dir);
	fake_disturb(1000000);
	TAP_EQUAL(xenemu_xs_directory(&xs, 0, "/d", &dir), -EAGAIN);
	fake_exit();
}

static void test_perms(void)
{
	const struct xenemu_xs_perm set[] = { { 3, 'n' }, { 0, 'r' }, { 65535, 'b' } };
	struct xenemu_xs_perm get[4];

	setup();
	fake_write("/p", "");
	TAP_EQUAL(xenemu_xs_set_perms(&xs, 0, "/none", set, 3), -ENOENT);
	TAP_EQUAL(xenemu_xs_set_perms(&xs, 0, "/p", set, 3), 0);
	TAP_EQUAL(xenemu_xs_get_perms(&xs, 0, "/p", get, 2), -EMSGSIZE);
	TAP_EQUAL(xenemu_xs_get_perms(&xs, 0, "/p", get, 4), 3);
	TAP_EQUAL(get[0].domid, 3);
	TAP_EQUAL(get[0].access, 'n');
	TAP_EQUAL(get[2].domid, 65535);
	TAP_EQUAL(get[2].access, 'b');
	fake_exit();
}

static void test_watch(void)
{
	struct xenemu_xs_event event;
	char path[32];
	unsigned int i;

	setup();
	TAP_EQUAL(xenemu_xs_next_event(&xs, &event), 0);
	TAP_EQUAL(xenemu_xs_watch(&xs, "/w", "token"), 0);
	TAP_EQUAL(xenemu_xs_watch(&xs, "/w", "token"), -EEXIST);
	TAP_EQUAL(xenemu_xs_next_event(&xs, &event), 1);
	TAP_CHECK(!strcmp(event.path, "/w") && !strcmp(event.token, "token"));
	TAP_EQUAL(xenemu_xs_next_event(&xs, &event), 0);
	for (i = 0; i < 50; i++) {
		snprintf(path, sizeof(path), "/w/%u", i);
		fake_write(path, "x");
	}
	for (i = 0; i < 50; i++) {
		TAP_EQUAL(xenemu_xs_next_event(&xs, &event), 1);
		TAP_EQUAL(atoi(event.path + 3), i);
	}
	TAP_EQUAL(xenemu_xs_next_event(&xs, &event), 0);
	TAP_EQUAL(xenemu_xs_unwatch(&xs, "/w", "other"), -ENOENT);
	TAP_EQUAL(xenemu_xs_unwatch(&xs, "/w", "token"), 0);
	fake_write("/w", "");
	TAP_EQUAL(xenemu_xs_next_event(&xs, &event), 0);
	fake_exit();
}

/* A store that sends nonsense, and one that sends an event in pieces. */
static void test_bad_events(void)
{
	static const struct {
		struct xsd_sockmsg hdr;
		const char *body;
		int want;
	} cases[] = {
		{ { XS_WATCH_EVENT, 0, 0, 4097 }, "", -EPROTO },
		{ { XS_WATCH_EVENT, 0, 0, UINT32_MAX }, "", -EPROTO },
		{ { XS_WATCH_EVENT, 0, 0, 0 }, "", -EPROTO },
		{ { XS_WATCH_EVENT, 0, 0, 3 }, "/ab", -EPROTO },
		{ { XS_WATCH_EVENT, 0, 0, 3 }, "/a\0", -EPROTO },
		{ { XS_WATCH_EVENT, 0, 0, 4 }, "/a\0t", 1 },
		{ { XS_WATCH_EVENT, 0, 0, 5 }, "/a\0t\0", 1 },
		{ { XS_READ, 0, 0, 3 }, "abc", 0 },
	};
	struct xenemu_xs_event event;
	unsigned int i, j;
	char msg[64];
	size_t len;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup();
		memcpy(msg, &cases[i].hdr, 16);
		len = 0;
		if (cases[i].hdr.len < 32)
			len = cases[i].hdr.len;
		memcpy(msg + 16, cases[i].body, len);
		for (j = 0; j < 16 + len; j++) {
			fake_store_send(msg + j, 1);
			if (j + 1 < 16 + len)
				TAP_EQUAL(xenemu_xs_next_event(&xs, &event), 0);
		}
		TAP_EQUAL(xenemu_xs_next_event(&xs, &event), cases[i].want);
		fake_exit();
	}
}

static int count_calls(struct xenemu_xs *client, uint32_t tx, void *arg)
{
	unsigned int *calls = arg;

	(*calls)++;
	return xenemu_xs_write(client, tx, "/t", "x", 1);
}

static int fail(struct xenemu_xs *client, uint32_t tx, void *arg)
{
	(void)client;
	(void)tx;
	(void)arg;
	return -EPERM;
}

static void test_transact(void)
{
	unsigned int calls = 0;

	setup();
	TAP_EQUAL(xenemu_xs_transact(&xs, count_calls, &calls), 0);
	TAP_EQUAL(calls, 1);
	fake_disturb(5);
	calls = 0;
	TAP_EQUAL(xenemu_xs_transact(&xs, count_calls, &calls), 0);
	TAP_EQUAL(calls, 6);
	fake_disturb(1000000);
	TAP_EQUAL(xenemu_xs_transact(&xs, count_calls, &calls), -EAGAIN);
	TAP_CHECK(calls < 1000);
	TAP_EQUAL(xenemu_xs_transact(&xs, fail, NULL), -EPERM);
	TAP_EQUAL(xenemu_xs_is_introduced(&xs, 7), 1);
	fake_set_introduced(false);
	TAP_EQUAL(xenemu_xs_is_introduced(&xs, 7), 0);
	TAP_EQUAL(xenemu_xs_introduce(&xs, 7, 1, 1), -ENOSYS);
	fake_exit();
}

static void test_path(void)
{
	char path[8];

	TAP_EQUAL(xenemu_xs_path(path, sizeof(path), "/a/%u", 1234), 0);
	TAP_CHECK(!strcmp(path, "/a/1234"));
	TAP_EQUAL(xenemu_xs_path(path, sizeof(path), "/a/%u", 12345), -ENAMETOOLONG);
	TAP_CHECK(!*path);
}

static const struct tap_test tests[] = {
	{ "xs.read_write", test_read_write },
	{ "xs.numbers", test_numbers },
	{ "xs.directory", test_directory },
	{ "xs.perms", test_perms },
	{ "xs.watch", test_watch },
	{ "xs.bad_events", test_bad_events },
	{ "xs.transact", test_transact },
	{ "xs.path", test_path },
};

int main(void)
{
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
