// SPDX-License-Identifier: GPL-2.0-only
/*
 * What it takes to save and to restore a XenStore, in bytes and in instructions, as a
 * VMM does it with libxenemu: that of a guest with one disk, of a domain that has all
 * its quotas allow, and of very many guests. In the compact form, in Xen's, and the
 * difference that one changed node makes. Restored is into a new host each time.
 *
 * usage: state
 *
 * It prints lines "bench STORE-FORM-WHAT MEDIAN MEAN", where WHAT is bytes, save or
 * restore.
 */
#include <err.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <linux/xenemu.h>

#include "libxenemu.h"
#include "samples.h"
#include "store_guest.h"
#include "vm.h"
#include "xs.h"

#define MANY		1000
/* Of each of the many. */
#define WATCHES		10
/* The only page that is known of a guest. */
#define RING_GFN	1

#define NODES		1000
#define TRANSACTIONS	10
#define ALL_WATCHES	128

static struct samples saving, restoring;
static struct xs_msg msg;

/* A host, and guests that consist of a ring. */
static int host, dom0;
static struct guest {
	int kvm_fd;
	int domain_fd;
	struct xenstore_domain_interface *ring;
} guests[MANY + 1];

static void start_over(void)
{
	host = xenemu_open(NULL);
	if (host < 0)
		errx(1, "%s", xenemu_error());
	dom0 = xenemu_open_store(host, 0);
	if (dom0 < 0)
		errx(1, "%s", xenemu_error());
}

static void end(void)
{
	unsigned int i;

	close(dom0);
	for (i = 1; i <= MANY && guests[i].ring; i++) {
		close(guests[i].domain_fd);
		close(guests[i].kvm_fd);
		munmap(guests[i].ring, PAGE);
		guests[i].ring = NULL;
	}
	close(host);
}

/* ---- Guests ---- */

static void create_domain(unsigned int domid)
{
	struct xenemu_host_create_domain create = { .size = sizeof(create), .domid = domid };
	struct xenemu_domain_set_memory memory = {
		.size = sizeof(memory),
		.guest_addr = RING_GFN * PAGE,
		.len = PAGE,
	};
	struct guest *guest = &guests[domid];

	guest->ring = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			   0);
	if (guest->ring == MAP_FAILED)
		err(1, "mmap");
	guest->kvm_fd = kvm_create_vm();
	create.kvm_fd = guest->kvm_fd;
	guest->domain_fd = ioctl(host, XENEMU_HOST_CREATE_DOMAIN, &create);
	memory.user_addr = (uintptr_t)guest->ring;
	if (guest->domain_fd < 0 || ioctl(guest->domain_fd, XENEMU_DOMAIN_SET_MEMORY, &memory))
		err(1, "domain %u", domid);
}

static void introduce(unsigned int domid)
{
	struct xenemu_domain_alloc_unbound args = { .size = sizeof(args) };
	int ret;

	if (ioctl(guests[domid].domain_fd, XENEMU_DOMAIN_ALLOC_UNBOUND, &args))
		err(1, "port of domain %u", domid);
	ret = xs_introduce(dom0, domid, RING_GFN, args.out_port);
	if (ret)
		errx(1, "INTRODUCE: %s", strerror(-ret));
}

static void ring_put(struct xenstore_domain_interface *ring, const void *data, size_t len)
{
	const char *from = data;

	if (len > XENSTORE_RING_SIZE - (ring->req_prod - ring->req_cons))
		errx(1, "the ring is full");
	while (len--)
		ring->req[MASK_XENSTORE_IDX(ring->req_prod++)] = *from++;
}

static void ring_get(volatile struct xenstore_domain_interface *ring, void *data, size_t len)
{
	char *to = data;

	while (len--) {
		while (ring->rsp_cons == ring->rsp_prod)
			sched_yield();
		*to++ = ring->rsp[MASK_XENSTORE_IDX(ring->rsp_cons++)];
	}
}

static void wait_for_ring(volatile struct xenstore_domain_interface *ring)
{
	while (ring->req_cons != ring->req_prod)
		sched_yield();
}

/* Without a processor it can send no event; but who goes on with rings looks into them. */
static void request(unsigned int domid, uint32_t type, uint32_t tx, const void *body, size_t len)
{
	struct xenstore_domain_interface *ring = guests[domid].ring;

	ring_put(ring, &msg, xs_make(&msg, type, 0, tx, body, len));
	if (xenemu_pause_store(host, true) || xenemu_pause_store(host, false))
		errx(1, "%s", xenemu_error());
	do {
		ring_get(ring, &msg.hdr, sizeof(msg.hdr));
		ring_get(ring, msg.body, msg.hdr.len);
	} while (msg.hdr.type == XS_WATCH_EVENT);
	msg.body[msg.hdr.len] = '\0';
	if (msg.hdr.type != type)
		errx(1, "request %u: %s", type, msg.body);
}

/* ---- A guest as libxl makes it ---- */

static void make_node(void *ctx, const char *path, const char *value)
{
	int ret = xs_write_node(dom0, 0, path, value);

	if (ret)
		errx(1, "%s: %s", path, strerror(-ret));
}

static void set_perms(void *ctx, const char *path, const char *perms)
{
	char body[256], *c;
	int len = snprintf(body, sizeof(body), "%s%c%s", path, 0, perms);

	for (c = body + strlen(path) + 1; *c; c++)
		*c = *c == ' ' ? 0 : *c;
	if (xs_call(dom0, XS_SET_PERMS, 0, body, len + 1, NULL) < 0)
		errx(1, "permissions of %s", path);
}

/* The guest's watches are in its ring when it is introduced, see make_guest(). */
static void introduce_later(void *ctx, unsigned int domid)
{
}

static void ask_for_watch(void *ctx, unsigned int domid, const char *path, const char *token)
{
	char body[256];
	int len = snprintf(body, sizeof(body), "%s%c%s", path, 0, token);

	ring_put(guests[domid].ring, &msg, xs_make(&msg, XS_WATCH, 0, 0, body, len + 1));
}

static const struct store_guest_ops ops = {
	.write = make_node,
	.permit = set_perms,
	.introduce = introduce_later,
	.watch = ask_for_watch,
};

static void make_guest(unsigned int domid, unsigned int more_watches)
{
	char token[8];

	create_domain(domid);
	store_guest_make(&ops, NULL, domid);
	for (; more_watches; more_watches--) {
		snprintf(token, sizeof(token), "%u", more_watches);
		ask_for_watch(NULL, domid, "device/vbd/51712/state", token);
	}
	introduce(domid);
	wait_for_ring(guests[domid].ring);
}

static void make_one_disk(void)
{
	make_guest(1, 0);
}

static void make_many(void)
{
	unsigned int i;

	for (i = 1; i <= MANY; i++)
		make_guest(i, WATCHES - 3);
}

/* ---- A domain with all it may have ---- */

static void write_as_guest(uint32_t tx, unsigned int nr, const char *value)
{
	char body[128];
	int len = snprintf(body, sizeof(body), "d%u/node-%u%c%s", nr % 10, nr, 0, value);

	request(1, XS_WRITE, tx, body, len);
}

static void make_full(void)
{
	char body[128];
	unsigned int i, k;
	uint32_t tx;
	int len;

	create_domain(1);
	if (xs_make_home(dom0, 1))
		errx(1, "no home");
	introduce(1);
	/* Its home and ten directories count, too. */
	for (i = 0; i < NODES - 11; i++) {
		snprintf(body, sizeof(body), "this is the value of node number %u", i);
		write_as_guest(0, i, body);
	}
	for (i = 0; i < ALL_WATCHES; i++) {
		len = snprintf(body, sizeof(body), "d%u/node-%u%cFFFF888003A4%04X", i % 10, i, 0,
			       i);
		request(1, XS_WATCH, 0, body, len + 1);
	}
	/* In each transaction all of them are changed. */
	for (k = 0; k < TRANSACTIONS; k++) {
		request(1, XS_TRANSACTION_START, 0, "", 1);
		tx = strtoul(msg.body, NULL, 10);
		for (i = 0; i < NODES - 11; i++)
			write_as_guest(tx, i, "changed");
	}
}

/* ---- Measuring ---- */

static void report(const char *store, const char *form, size_t bytes)
{
	char name[64];

	printf("bench %s-%s-bytes %zu %zu\n", store, form, bytes, bytes);
	snprintf(name, sizeof(name), "%s-%s-save", store, form);
	samples_report(&saving, name);
	snprintf(name, sizeof(name), "%s-%s-restore", store, form);
	samples_report(&restoring, name);
}

static void *save(uint32_t format, uint32_t flags, uint64_t since, size_t *len, uint64_t *gen)
{
	uint64_t start = cost_now();
	void *data;

	if (xenemu_save_store(host, format, flags, since, &data, len, gen))
		errx(1, "%s", xenemu_error());
	samples_add(&saving, cost_now() - start);
	return data;
}

static void restore(int to, const void *data, size_t len)
{
	uint64_t start = cost_now();

	if (xenemu_restore_store(to, 0, data, len))
		errx(1, "%s", xenemu_error());
	samples_add(&restoring, cost_now() - start);
}

static void measure_whole(const char *store, uint32_t format, const char *form,
			  unsigned int rounds)
{
	size_t len = 0;
	void *data;
	int to;

	while (rounds--) {
		data = save(format, 0, 0, &len, NULL);
		to = xenemu_open(NULL);
		restore(to, data, len);
		close(to);
		free(data);
	}
	report(store, form, len);
}

/* The event of a watch is in the ring, where the guest takes it, and not in the store. */
static void take_events(void)
{
	volatile struct xenstore_domain_interface *ring = guests[1].ring;

	usleep(1000);
	ring->rsp_cons = ring->rsp_prod;
}

/* One node changes, and is changed where all was restored before. */
static void measure_difference(const char *store, unsigned int rounds)
{
	int to = xenemu_open(NULL);
	uint64_t generation;
	char value[16];
	void *data;
	size_t len;

	take_events();
	data = save(XENEMU_STORE_FORMAT_COMPACT, XENEMU_SAVE_TRACK, 0, &len, &generation);
	restore(to, data, len);
	free(data);
	saving.nr = 0;
	restoring.nr = 0;
	while (rounds--) {
		snprintf(value, sizeof(value), "%u", 10 + rounds % 90);
		make_node(NULL, "/local/domain/1/device/vbd/51712/state", value);
		take_events();
		data = save(XENEMU_STORE_FORMAT_COMPACT, XENEMU_SAVE_TRACK, generation, &len,
			    &generation);
		restore(to, data, len);
		free(data);
	}
	close(to);
	report(store, "difference", len);
}

static const struct {
	const char *name;
	void (*make)(void);
	unsigned int rounds;
} stores[] = {
	{ "disk", make_one_disk, 100 },
	{ "full", make_full, 10 },
	{ "many", make_many, 5 },
};

int main(void)
{
	const struct rlimit files = { 4096, 4096 };
	unsigned int i;

	if (setrlimit(RLIMIT_NOFILE, &files))
		err(1, "setrlimit");
	for (i = 0; i < sizeof(stores) / sizeof(stores[0]); i++) {
		start_over();
		stores[i].make();
		measure_whole(stores[i].name, XENEMU_STORE_FORMAT_COMPACT, "compact",
			      stores[i].rounds);
		measure_whole(stores[i].name, XENEMU_STORE_FORMAT_XEN_V2, "xen",
			      stores[i].rounds);
		measure_difference(stores[i].name, stores[i].rounds);
		end();
	}
	return 0;
}
