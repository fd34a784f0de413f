/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Event channels over an evtchn fd (XENEMU_HOST_OPEN_EVTCHN), whose interface
 * is that of Linux's <xen/evtchn.h>.
 *
 * An event is delivered by reading its port from the fd. A port that has been
 * read stays masked until it is given to xenemu_evtchn_unmask(), so a peer that
 * sends without end cannot make the fd readable more than once for each time
 * its events were handled. All functions return 0 (or the number they promise)
 * or a negative errno.
 */
#ifndef XENEMU_EVTCHN_H
#define XENEMU_EVTCHN_H

#include <stdint.h>

int xenemu_evtchn_bind_interdomain(int fd, uint32_t domid, uint32_t remote_port);
int xenemu_evtchn_bind_unbound(int fd, uint32_t domid);
int xenemu_evtchn_unbind(int fd, uint32_t port);
int xenemu_evtchn_notify(int fd, uint32_t port);
int xenemu_evtchn_read(int fd, uint32_t *ports, unsigned int max);
int xenemu_evtchn_unmask(int fd, const uint32_t *ports, unsigned int nr);
int xenemu_evtchn_reset(int fd);

#endif /* XENEMU_EVTCHN_H */
