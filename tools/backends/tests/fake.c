// SPDX-License-Identifier: GPL-2.0-only
/*
 * A host to test backends against. One lock for everything.
 */
#include "fake.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <xen/xen.h>
#include <xen/evtchn.h>
#include <xen/grant_table.h>
#include <xen/gntdev.h>
#include <xen/io/xs_wire.h>
#include <linux/xenemu.h>

#define PAGE		4096
#define MAX_MAPS	16384
#define MAX_NODES	512
#define MAX_WATCHES	64
#define LOCAL_PORT	100
/* How long a test waits for what must happen. */
#define PATIENCE	20

int __real_ioctl(int fd, unsigned long cmd, ...);
void *__real_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *addr, size_t len);
ssize_t __real_write(int fd, const void *buf, size_t len);

int __wrap_ioctl(int fd, unsigned long cmd, ...);
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
int __wrap_munmap(void *addr, size_t len);
ssize_t __wrap_write(int fd, const void *buf, size_t len);

struct grant {
	bool valid;
	bool readonly;
	unsigned int page;
	unsigned int pins;
};

struct map {
	bool used;
	unsigned int count;
	uint32_t *refs;
	void *addr;
};

/* A port of the guest; the backend's end of it has the number LOCAL_PORT more. */
struct port {
	bool bound;
	bool masked;
	bool pending;
	bool notified;
};

struct node {
	char *path;
	char *val;
	char *perms;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	int memfd;
	char *mem;
	int gnttab_fd;
	int evtchn[2];
	int store[2];
	struct grant grants[FAKE_GREFS];
	struct map maps[MAX_MAPS];
	unsigned int max_maps;
	struct port ports[FAKE_PORTS];
	struct node nodes[MAX_NODES];
	unsigned int nr_nodes;
	char *watches[MAX_WATCHES][2];
	unsigned int nr_watches;
	bool introduced;
	bool in_tx;
	pthread_t tx_owner;
	unsigned int disturb;
	struct fake_stats stats;
} fake = { .lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER };

static void lock(void)
{
	pthread_mutex_lock(&fake.lock);
}

/* The store is its alone who has a transaction open, which makes it atomic. */
static void lock_store(void)
{
	lock();
	while (fake.in_tx && !pthread_equal(fake.tx_owner, pthread_self()))
		pthread_cond_wait(&fake.cond, &fake.lock);
}

static void unlock(void)
{
	pthread_cond_broadcast(&fake.cond);
	pthread_mutex_unlock(&fake.lock);
}

void fake_init(void)
{
	fake.memfd = memfd_create("guest", MFD_CLOEXEC);
	if (fake.memfd < 0 || ftruncate(fake.memfd, (off_t)FAKE_PAGES * PAGE))
		abort();
	fake.mem = __real_mmap(NULL, (size_t)FAKE_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			       fake.memfd, 0);
	fake.gnttab_fd = eventfd(0, EFD_CLOEXEC);
	if (fake.mem == MAP_FAILED || fake.gnttab_fd < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fake.evtchn) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fake.store))
		abort();
	memset(fake.grants, 0, sizeof(fake.grants));
	memset(fake.ports, 0, sizeof(fake.ports));
	memset(&fake.stats, 0, sizeof(fake.stats));
	fake.max_maps = 0;
	fake.introduced = true;
	fake.in_tx = false;
	fake.disturb = 0;
}

static void free_node(struct node *node)
{
	free(node->path);
	free(node->val);
	free(node->perms);
}

void fake_exit(void)
{
	unsigned int i;

	for (i = 0; i < fake.nr_nodes; i++)
		free_node(&fake.nodes[i]);
	fake.nr_nodes = 0;
	for (i = 0; i < fake.nr_watches; i++) {
		free(fake.watches[i][0]);
		free(fake.watches[i][1]);
	}
	fake.nr_watches = 0;
	close(fake.memfd);
	close(fake.gnttab_fd);
	close(fake.evtchn[0]);
	close(fake.evtchn[1]);
	close(fake.store[0]);
	close(fake.store[1]);
	__real_munmap(fake.mem, (size_t)FAKE_PAGES * PAGE);
}

void fake_stats(struct fake_stats *stats)
{
	lock();
	*stats = fake.stats;
	unlock();
}

int fake_store_fd(void)
{
	return fake.store[0];
}

int fake_evtchn_fd(void)
{
	return fake.evtchn[0];
}

int fake_gnttab_fd(void)
{
	return fake.gnttab_fd;
}

/* ---------------------------------------------------------------------- */
/* Grants                                                                  */

void *fake_page(unsigned int page)
{
	return fake.mem + (size_t)page * PAGE;
}

void fake_grant(uint32_t gref, unsigned int page, bool readonly)
{
	lock();
	fake.grants[gref].valid = true;
	fake.grants[gref].readonly = readonly;
	fake.grants[gref].page = page;
	unlock();
}

void fake_revoke(uint32_t gref)
{
	lock();
	fake.grants[gref].valid = false;
	unlock();
}

unsigned int fake_gref_pins(uint32_t gref)
{
	unsigned int pins;

	lock();
	pins = fake.grants[gref].pins;
	unlock();
	return pins;
}

void fake_limit_maps(unsigned int max)
{
	lock();
	fake.max_maps = max;
	unlock();
}

static int gnttab_declare(struct ioctl_gntdev_map_grant_ref *arg)
{
	struct ioctl_gntdev_grant_ref *refs = (void *)((char *)arg + 16);
	unsigned int i, j;

	for (i = 0; i < MAX_MAPS; i++) {
		if (fake.max_maps && fake.stats.maps >= fake.max_maps)
			break;
		if (fake.maps[i].used)
			continue;
		fake.maps[i].used = true;
		fake.maps[i].count = arg->count;
		fake.maps[i].addr = NULL;
		fake.maps[i].refs = calloc(arg->count, sizeof(uint32_t));
		for (j = 0; j < arg->count; j++)
			fake.maps[i].refs[j] = refs[j].domid == FAKE_DOMID ? refs[j].ref :
									     UINT32_MAX;
		fake.stats.maps++;
		arg->index = (uint64_t)i << 24;
		return 0;
	}
	errno = ENOMEM;
	return -1;
}

static int gnttab_forget(struct ioctl_gntdev_unmap_grant_ref *arg)
{
	struct map *map = &fake.maps[arg->index >> 24];

	if (!map->used || map->count != arg->count || map->addr)
		abort();
	map->used = false;
	free(map->refs);
	fake.stats.maps--;
	return 0;
}

static int gnttab_copy(struct ioctl_gntdev_grant_copy *arg)
{
	unsigned int i;

	for (i = 0; i < arg->count; i++) {
		struct gntdev_grant_copy_segment *s = &arg->segments[i];
		struct grant *grant = &fake.grants[s->source.foreign.ref % FAKE_GREFS];

		if (s->flags != GNTCOPY_source_gref || s->source.foreign.ref >= FAKE_GREFS ||
		    !grant->valid || s->source.foreign.domid != FAKE_DOMID ||
		    s->source.foreign.offset + s->len > PAGE) {
			s->status = GNTST_general_error;
			continue;
		}
		memcpy(s->dest.virt, (char *)fake_page(grant->page) + s->source.foreign.offset,
		       s->len);
		s->status = GNTST_okay;
		fake.stats.copies++;
	}
	return 0;
}

static void *gnttab_mmap(size_t len, int prot, off_t offset)
{
	struct map *map = &fake.maps[offset >> 24];
	unsigned int i;
	char *addr;

	if (!map->used || map->addr || len != (size_t)map->count * PAGE) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	for (i = 0; i < map->count; i++) {
		if (map->refs[i] >= FAKE_GREFS || !fake.grants[map->refs[i]].valid ||
		    (fake.grants[map->refs[i]].readonly && (prot & PROT_WRITE))) {
			errno = EINVAL;
			return MAP_FAILED;
		}
	}
	addr = __real_mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < map->count; i++) {
		struct grant *grant = &fake.grants[map->refs[i]];

		if (__real_mmap(addr + (size_t)i * PAGE, PAGE, prot, MAP_SHARED | MAP_FIXED,
				fake.memfd, (off_t)grant->page * PAGE) == MAP_FAILED)
			abort();
		grant->pins++;
	}
	map->addr = addr;
	fake.stats.pins += map->count;
	if (fake.stats.pins > fake.stats.most_pins)
		fake.stats.most_pins = fake.stats.pins;
	return addr;
}

void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	void *ret;

	if (fd < 0 || fd != fake.gnttab_fd)
		return __real_mmap(addr, len, prot, flags, fd, offset);
	lock();
	ret = gnttab_mmap(len, prot, offset);
	unlock();
	return ret;
}

int __wrap_munmap(void *addr, size_t len)
{
	unsigned int i, j;

	lock();
	for (i = 0; i < MAX_MAPS; i++) {
		if (!fake.maps[i].used || fake.maps[i].addr != addr)
			continue;
		for (j = 0; j < fake.maps[i].count; j++)
			fake.grants[fake.maps[i].refs[j]].pins--;
		fake.stats.pins -= fake.maps[i].count;
		fake.maps[i].addr = NULL;
	}
	unlock();
	return __real_munmap(addr, len);
}

/* ---------------------------------------------------------------------- */
/* Event channels                                                          */

static void deliver(unsigned int port)
{
	uint32_t local = port + LOCAL_PORT;

	if (!fake.ports[port].bound || fake.ports[port].masked) {
		fake.ports[port].pending = true;
		return;
	}
	fake.ports[port].pending = false;
	fake.ports[port].masked = true;
	fake.stats.reads++;
	if (__real_write(fake.evtchn[1], &local, sizeof(local)) != sizeof(local))
		abort();
}

void fake_send(uint32_t port)
{
	lock();
	deliver(port);
	unlock();
}

/* Wait for events of a port until the condition holds. */
bool fake_wait(uint32_t port, bool (*cond)(void *arg), void *arg)
{
	struct timespec until;
	bool ok;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE;
	lock();
	while (!(ok = cond(arg))) {
		while (!fake.ports[port].notified) {
			if (pthread_cond_timedwait(&fake.cond, &fake.lock, &until))
				goto out;
		}
		fake.ports[port].notified = false;
	}
out:
	pthread_mutex_unlock(&fake.lock);
	return ok;
}

static int evtchn_bind(struct ioctl_evtchn_bind_interdomain *arg)
{
	if (arg->remote_domain != FAKE_DOMID || !arg->remote_port ||
	    arg->remote_port >= FAKE_PORTS || fake.ports[arg->remote_port].bound) {
		errno = EINVAL;
		return -1;
	}
	fake.ports[arg->remote_port].bound = true;
	fake.ports[arg->remote_port].masked = false;
	fake.stats.bound++;
	deliver(arg->remote_port);
	return arg->remote_port + LOCAL_PORT;
}

static struct port *local_port(uint32_t port)
{
	if (port <= LOCAL_PORT || port >= LOCAL_PORT + FAKE_PORTS ||
	    !fake.ports[port - LOCAL_PORT].bound)
		abort();
	return &fake.ports[port - LOCAL_PORT];
}

static int evtchn_unbind(uint32_t port)
{
	local_port(port)->bound = false;
	fake.stats.bound--;
	return 0;
}

/* A write to the evtchn fd unmasks ports. */
ssize_t __wrap_write(int fd, const void *buf, size_t len)
{
	const uint32_t *ports = buf;
	size_t i;

	if (fd != fake.evtchn[0])
		return __real_write(fd, buf, len);
	lock();
	for (i = 0; i < len / sizeof(*ports); i++) {
		struct port *port = local_port(ports[i]);

		port->masked = false;
		if (port->pending)
			deliver(ports[i] - LOCAL_PORT);
	}
	unlock();
	return len;
}

/* ---------------------------------------------------------------------- */
/* XenStore                                                                */

static struct node *find_node(const char *path)
{
	unsigned int i;

	for (i = 0; i < fake.nr_nodes; i++) {
		if (!strcmp(fake.nodes[i].path, path))
			return &fake.nodes[i];
	}
	return NULL;
}

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(path, dir, len) && (!path[len] || path[len] == '/');
}

static void fire(unsigned int watch, const char *path)
{
	struct xsd_sockmsg hdr = { .type = XS_WATCH_EVENT };
	char msg[512];
	size_t len = sizeof(hdr);

	len += snprintf(msg + len, sizeof(msg) - len, "%s", path) + 1;
	len += snprintf(msg + len, sizeof(msg) - len, "%s", fake.watches[watch][1]) + 1;
	hdr.len = len - sizeof(hdr);
	memcpy(msg, &hdr, sizeof(hdr));
	/* An event too many is like one that was queued already. */
	if (send(fake.store[1], msg, len, MSG_DONTWAIT) < 0 && errno != EAGAIN)
		abort();
}

static void changed(const char *path)
{
	unsigned int i;

	for (i = 0; i < fake.nr_watches; i++) {
		if (is_below(path, fake.watches[i][0]))
			fire(i, path);
	}
}

static void write_node(const char *path, const char *val)
{
	struct node *node = find_node(path);

	if (!node) {
		if (fake.nr_nodes == MAX_NODES)
			abort();
		node = &fake.nodes[fake.nr_nodes++];
		node->path = strdup(path);
		node->perms = strdup("");
	} else {
		free(node->val);
	}
	node->val = strdup(val);
	changed(path);
}

static void rm_nodes(const char *path)
{
	unsigned int i = 0;

	while (i < fake.nr_nodes) {
		if (!is_below(fake.nodes[i].path, path)) {
			i++;
			continue;
		}
		changed(fake.nodes[i].path);
		free_node(&fake.nodes[i]);
		fake.nodes[i] = fake.nodes[--fake.nr_nodes];
	}
}

void fake_write(const char *path, const char *val)
{
	lock_store();
	write_node(path, val);
	unlock();
}

void fake_rm(const char *path)
{
	lock_store();
	rm_nodes(path);
	unlock();
}

bool fake_read(const char *path, char *val, unsigned int size)
{
	struct node *node;

	lock_store();
	node = find_node(path);
	if (node)
		snprintf(val, size, "%s", node->val);
	unlock();
	return node;
}

const char *fake_perms(const char *path, char *perms, unsigned int size)
{
	struct node *node;

	lock_store();
	node = find_node(path);
	snprintf(perms, size, "%s", node ? node->perms : "none");
	unlock();
	return perms;
}

void fake_set_introduced(bool introduced)
{
	unsigned int i;

	lock_store();
	fake.introduced = introduced;
	for (i = 0; i < fake.nr_watches; i++) {
		if (!strcmp(fake.watches[i][0], "@releaseDomain"))
			fire(i, "@releaseDomain");
	}
	unlock();
}

unsigned int fake_watches(void)
{
	unsigned int nr;

	lock_store();
	nr = fake.nr_watches;
	unlock();
	return nr;
}

bool fake_store_is_read(void)
{
	int len;

	return !__real_ioctl(fake.store[0], FIONREAD, &len) && !len;
}

void fake_store_send(const void *data, unsigned int len)
{
	if (__real_write(fake.store[1], data, len) != (ssize_t)len)
		abort();
}

void fake_disturb(unsigned int times)
{
	lock();
	fake.disturb = times;
	unlock();
}

static const char *do_watch(const char *path, const char *token)
{
	unsigned int i;

	for (i = 0; i < fake.nr_watches; i++) {
		if (!strcmp(fake.watches[i][0], path) && !strcmp(fake.watches[i][1], token))
			return "EEXIST";
	}
	if (fake.nr_watches == MAX_WATCHES)
		abort();
	fake.watches[fake.nr_watches][0] = strdup(path);
	fake.watches[fake.nr_watches][1] = strdup(token);
	fire(fake.nr_watches++, path);
	return NULL;
}

static const char *do_unwatch(const char *path, const char *token)
{
	unsigned int i;

	for (i = 0; i < fake.nr_watches; i++) {
		if (strcmp(fake.watches[i][0], path) || strcmp(fake.watches[i][1], token))
			continue;
		free(fake.watches[i][0]);
		free(fake.watches[i][1]);
		fake.nr_watches--;
		memmove(&fake.watches[i], &fake.watches[i + 1],
			(fake.nr_watches - i) * sizeof(fake.watches[0]));
		return NULL;
	}
	return "ENOENT";
}

/* The names of all children of a node, each with its NUL. */
static size_t list_children(const char *path, char *out, size_t size)
{
	size_t dir_len = strlen(path), len = 0;
	unsigned int i;

	for (i = 0; i < fake.nr_nodes; i++) {
		const char *child = fake.nodes[i].path + dir_len + 1;

		if (!is_below(fake.nodes[i].path, path) || !fake.nodes[i].path[dir_len] ||
		    strchr(child, '/'))
			continue;
		if (len + strlen(child) + 1 > size)
			abort();
		memcpy(out + len, child, strlen(child) + 1);
		len += strlen(child) + 1;
	}
	return len;
}

static const char *do_directory(const char *path, char *out, size_t *out_len)
{
	char names[65536];
	size_t len;

	if (!find_node(path))
		return "ENOENT";
	len = list_children(path, names, sizeof(names));
	if (len > XENSTORE_PAYLOAD_MAX)
		return "E2BIG";
	memcpy(out, names, len);
	*out_len = len;
	return NULL;
}

static const char *do_directory_part(const char *path, const char *offset, char *out,
				     size_t *out_len)
{
	static unsigned int generation = 1;
	size_t len, part, off = strtoul(offset, NULL, 10);
	char names[65536];

	if (!find_node(path))
		return "ENOENT";
	/* Something changed after the first part, once. */
	if (off && fake.disturb) {
		fake.disturb--;
		generation++;
	}
	len = list_children(path, names, sizeof(names));
	*out_len = sprintf(out, "%u", generation) + 1;
	/* Pieces are cut anywhere, but end with a whole name. */
	for (part = 0; off + part < len;) {
		size_t name = strlen(names + off + part) + 1;

		if (*out_len + part + name > 1000)
			break;
		part += name;
	}
	memcpy(out + *out_len, names + off, part);
	*out_len += part;
	if (off + part == len)
		out[(*out_len)++] = '\0';
	return NULL;
}

static const char *do_set_perms(const char *path, const char *perms, size_t len)
{
	struct node *node = find_node(path);
	char text[128] = "";
	size_t off;

	if (!node)
		return "ENOENT";
	for (off = 0; off < len; off += strlen(perms + off) + 1)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			 off ? "," : "", perms + off);
	free(node->perms);
	node->perms = strdup(text);
	return NULL;
}

static const char *do_get_perms(const char *path, char *out, size_t *out_len)
{
	struct node *node = find_node(path);
	char *p;

	if (!node)
		return "ENOENT";
	*out_len = sprintf(out, "%s", node->perms) + 1;
	for (p = out; *p; p++) {
		if (*p == ',')
			*p = '\0';
	}
	return NULL;
}

static const char *do_read(const char *path, char *out, size_t *out_len)
{
	struct node *node = find_node(path);

	if (!node)
		return "ENOENT";
	*out_len = strlen(node->val);
	memcpy(out, node->val, *out_len);
	return NULL;
}

static const char *end_tx(const char *how)
{
	fake.in_tx = false;
	if (!fake.disturb || *how == 'F')
		return NULL;
	fake.disturb--;
	return "EAGAIN";
}

/* Transactions change the store at once: nobody else uses it meanwhile. */
static const char *store_op(uint32_t type, char *req, size_t req_len, char *out, size_t *out_len)
{
	char *second = req + strlen(req) + 1;

	strcpy(out, "OK");
	*out_len = 3;
	switch (type) {
	case XS_READ:
		return do_read(req, out, out_len);
	case XS_WRITE:
		write_node(req, second);
		return NULL;
	case XS_MKDIR:
		if (!find_node(req))
			write_node(req, "");
		return NULL;
	case XS_RM:
		rm_nodes(req);
		return NULL;
	case XS_DIRECTORY:
		return do_directory(req, out, out_len);
	case XS_DIRECTORY_PART:
		return do_directory_part(req, second, out, out_len);
	case XS_SET_PERMS:
		return do_set_perms(req, second, req_len - (second - req));
	case XS_GET_PERMS:
		return do_get_perms(req, out, out_len);
	case XS_WATCH:
		return do_watch(req, second);
	case XS_UNWATCH:
		return do_unwatch(req, second);
	case XS_TRANSACTION_START:
		fake.in_tx = true;
		fake.tx_owner = pthread_self();
		*out_len = sprintf(out, "1") + 1;
		return NULL;
	case XS_TRANSACTION_END:
		return end_tx(req);
	case XS_IS_DOMAIN_INTRODUCED:
		fake.stats.looks++;
		*out_len = sprintf(out, fake.introduced ? "T" : "F") + 1;
		return NULL;
	default:
		return "ENOSYS";
	}
}

static int store_request(struct xenemu_store_request *arg)
{
	char req[XENSTORE_PAYLOAD_MAX + 1], out[XENSTORE_PAYLOAD_MAX];
	const char *error;
	size_t len;

	if (arg->size != sizeof(*arg) || arg->flags || arg->__reserved ||
	    arg->req_len > XENSTORE_PAYLOAD_MAX || arg->reply_len != XENSTORE_PAYLOAD_MAX)
		abort();
	memcpy(req, (void *)(uintptr_t)arg->req, arg->req_len);
	req[arg->req_len] = '\0';
	error = store_op(arg->type, req, arg->req_len, out, &len);
	arg->out_type = arg->type;
	if (error) {
		len = sprintf(out, "%s", error) + 1;
		arg->out_type = XS_ERROR;
	}
	memcpy((void *)(uintptr_t)arg->reply, out, len);
	arg->reply_len = len;
	return 0;
}

int __wrap_ioctl(int fd, unsigned long cmd, ...)
{
	va_list ap;
	void *arg;
	int ret;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (fd != fake.store[0] && fd != fake.evtchn[0] && fd != fake.gnttab_fd)
		return __real_ioctl(fd, cmd, arg);

	if (cmd == XENEMU_STORE_REQUEST)
		lock_store();
	else
		lock();
	switch (cmd) {
	case XENEMU_STORE_REQUEST:
		ret = store_request(arg);
		break;
	case IOCTL_EVTCHN_BIND_INTERDOMAIN:
		ret = evtchn_bind(arg);
		break;
	case IOCTL_EVTCHN_UNBIND:
		ret = evtchn_unbind(((struct ioctl_evtchn_unbind *)arg)->port);
		break;
	case IOCTL_EVTCHN_NOTIFY:
		local_port(((struct ioctl_evtchn_notify *)arg)->port)->notified = true;
		ret = 0;
		break;
	case IOCTL_GNTDEV_MAP_GRANT_REF:
		ret = gnttab_declare(arg);
		break;
	case IOCTL_GNTDEV_UNMAP_GRANT_REF:
		ret = gnttab_forget(arg);
		break;
	case IOCTL_GNTDEV_GRANT_COPY:
		ret = gnttab_copy(arg);
		break;
	default:
		errno = ENOTTY;
		ret = -1;
	}
	unlock();
	return ret;
}
