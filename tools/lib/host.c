// SPDX-License-Identifier: GPL-2.0-only
/* The host fd and what is opened from it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

int xenemu_get_query(int fd, struct xenemu_query *query)
{
	memset(query, 0, sizeof(*query));
	query->size = sizeof(*query);
	if (ioctl(fd, XENEMU_QUERY, query) < 0)
		return xenemu_fail(errno, "cannot ask xenemu what it can do: %s", strerror(errno));
	return 0;
}

int xenemu_open(const char *path)
{
	struct xenemu_query query;
	int fd, ret;

	if (!path)
		path = "/dev/xenemu";

	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENXIO || errno == ENODEV))
		return xenemu_fail(errno, "cannot open %s: %s; load the module (modprobe xenemu)",
				   path, strerror(errno));
	if (fd < 0 && errno == EACCES)
		return xenemu_fail(errno, "cannot open %s: %s; become root or join the device's group",
				   path, strerror(errno));
	if (fd < 0)
		return xenemu_fail(errno, "cannot open %s: %s", path, strerror(errno));

	ret = xenemu_get_query(fd, &query);
	if (ret == -ENOTTY)
		ret = xenemu_fail(ENOTTY, "%s is not the device of xenemu", path);
	else if (!ret && !(query.out_features & XENEMU_FEATURE_KVM_XEN))
		ret = xenemu_fail(EOPNOTSUPP,
				  "this kernel was built without CONFIG_KVM_XEN; boot one that has it (Debian 13's 6.12 or later)");
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

static int host_open(int host_fd, uint32_t domid, unsigned long cmd, const char *what)
{
	struct xenemu_host_open args = {
		.size = sizeof(args),
		.domid = domid,
	};
	int fd = ioctl(host_fd, cmd, &args);

	if (fd < 0)
		return xenemu_fail(errno, "cannot open %s of domain %u: %s", what, domid,
				   strerror(errno));
	return fd;
}

int xenemu_open_store(int host_fd, uint32_t domid)
{
	return host_open(host_fd, domid, XENEMU_HOST_OPEN_STORE, "a XenStore connection");
}

int xenemu_open_evtchn(int host_fd, uint32_t domid)
{
	return host_open(host_fd, domid, XENEMU_HOST_OPEN_EVTCHN, "an event channel end point");
}

int xenemu_open_gnttab(int host_fd, uint32_t domid)
{
	return host_open(host_fd, domid, XENEMU_HOST_OPEN_GNTTAB, "a mapper of grants");
}
