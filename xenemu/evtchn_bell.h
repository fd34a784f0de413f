/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_EVTCHN_BELL_H
#define XENEMU_EVTCHN_BELL_H

#include <linux/types.h>

struct xenemu_domain;
struct xenemu_vcpu;

/* Eventfds that a domain may have. */
#define XENEMU_MAX_BELLS	64

int xenemu_bell_add(struct xenemu_domain *domain, int fd);
void xenemu_bell_hang(struct xenemu_vcpu *self, u32 number);
void xenemu_bell_take(struct xenemu_vcpu *self, u32 number);
void xenemu_bell_take_all(struct xenemu_domain *domain);
void xenemu_bell_destroy(struct xenemu_domain *domain);

#endif /* XENEMU_EVTCHN_BELL_H */
