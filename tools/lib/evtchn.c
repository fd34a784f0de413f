// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event channels over an evtchn fd.
 */
#include "evtchn.h"

#include <errno.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* <xen/evtchn.h> is Linux's and takes domid_t from Xen's own headers. */
#include <xen/xen.h>
#include <xen/evtchn.h>

/**
 * xenemu_evtchn_bind_interdomain() - connect to a port that a domain set up for us
 * @fd: the evtchn fd
 * @domid: the domain
 * @remote_port: its port
 *
 * The new port has one event pending, for what was sent before.
 *
 * Return: our port.
 */
int xenemu_evtchn_bind_interdomain(int fd, uint32_t domid, uint32_t remote_port)
{
	struct ioctl_evtchn_bind_interdomain arg = {
		.remote_domain = domid,
		.remote_port = remote_port,
	};
	int ret;

	ret = ioctl(fd, IOCTL_EVTCHN_BIND_INTERDOMAIN, &arg);
	return ret < 0 ? -errno : ret;
}

/**
 * xenemu_evtchn_bind_unbound() - make a port that a domain may connect to
 * @fd: the evtchn fd
 * @domid: the domain
 *
 * Return: our port.
 */
int xenemu_evtchn_bind_unbound(int fd, uint32_t domid)
{
	struct ioctl_evtchn_bind_unbound_port arg = { .remote_domain = domid };
	int ret;

	ret = ioctl(fd, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &arg);
	return ret < 0 ? -errno : ret;
}

/**
 * xenemu_evtchn_unbind() - close a port
 * @fd: the evtchn fd
 * @port: our port
 */
int xenemu_evtchn_unbind(int fd, uint32_t port)
{
	struct ioctl_evtchn_unbind arg = { .port = port };

	return ioctl(fd, IOCTL_EVTCHN_UNBIND, &arg) < 0 ? -errno : 0;
}

/**
 * xenemu_evtchn_notify() - send an event
 * @fd: the evtchn fd
 * @port: our port
 */
int xenemu_evtchn_notify(int fd, uint32_t port)
{
	struct ioctl_evtchn_notify arg = { .port = port };

	return ioctl(fd, IOCTL_EVTCHN_NOTIFY, &arg) < 0 ? -errno : 0;
}

/**
 * xenemu_evtchn_read() - take delivery of events
 * @fd: the evtchn fd
 * @ports: out: our ports that have events; they are masked now
 * @max: room at @ports
 *
 * Sleeps until there is an event, unless the fd is non-blocking.
 *
 * Return: number of ports; 0 if there is none now. -EFBIG if events were lost
 * because more came than the fd can hold: xenemu_evtchn_reset(), then treat
 * every port as having an event.
 */
int xenemu_evtchn_read(int fd, uint32_t *ports, unsigned int max)
{
	ssize_t n;

	n = read(fd, ports, max * sizeof(*ports));
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return n / sizeof(*ports);
}

/**
 * xenemu_evtchn_unmask() - allow further events of ports
 * @fd: the evtchn fd
 * @ports: our ports, as read
 * @nr: number of them
 */
int xenemu_evtchn_unmask(int fd, const uint32_t *ports, unsigned int nr)
{
	size_t len = nr * sizeof(*ports);
	ssize_t n;

	do {
		n = write(fd, ports, len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

/**
 * xenemu_evtchn_reset() - forget queued events and the error of a lost one
 * @fd: the evtchn fd
 */
int xenemu_evtchn_reset(int fd)
{
	return ioctl(fd, IOCTL_EVTCHN_RESET) < 0 ? -errno : 0;
}
