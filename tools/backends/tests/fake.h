/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A host to test backends against, without a kernel module: system calls on its
 * three fds are answered here (the program is linked with --wrap). A guest's
 * memory is a memfd, its grant table and event channels are arrays, and its
 * XenStore is a list.
 */
#ifndef XENEMU_FAKE_H
#define XENEMU_FAKE_H

#include <stdbool.h>
#include <stdint.h>

#define FAKE_DOMID	7
#define FAKE_PAGES	4096
#define FAKE_GREFS	8192
#define FAKE_PORTS	64

/**
 * struct fake_stats - what the backend holds and did
 * @pins: mappings of granted pages
 * @maps: mappings, of any number of pages
 * @most_pins: highest number of @pins
 * @copies: pieces copied
 * @bound: event channels bound
 * @reads: events that the backend read
 * @looks: times that it asked whether the guest is there
 */
struct fake_stats {
	unsigned int pins;
	unsigned int maps;
	unsigned int most_pins;
	unsigned int copies;
	unsigned int bound;
	unsigned int reads;
	unsigned int looks;
};

void fake_init(void);
void fake_exit(void);
void fake_stats(struct fake_stats *stats);
int fake_store_fd(void);
int fake_evtchn_fd(void);
int fake_gnttab_fd(void);

/* The guest's memory and grants. */
void *fake_page(unsigned int page);
void fake_grant(uint32_t gref, unsigned int page, bool readonly);
void fake_revoke(uint32_t gref);
unsigned int fake_gref_pins(uint32_t gref);

/* The process can have so many mappings and no more; 0 for no limit. */
void fake_limit_maps(unsigned int max);

/* The guest's event channels: its ports are 1 to FAKE_PORTS - 1. */
void fake_send(uint32_t port);
bool fake_wait(uint32_t port, bool (*cond)(void *arg), void *arg);

/* The store, as any domain sees it. */
void fake_write(const char *path, const char *val);
void fake_rm(const char *path);
bool fake_read(const char *path, char *val, unsigned int size);
const char *fake_perms(const char *path, char *perms, unsigned int size);
void fake_set_introduced(bool introduced);
unsigned int fake_watches(void);
/* Have all watch events been read? */
bool fake_store_is_read(void);
/* Bytes that the store sends, well-formed or not. */
void fake_store_send(const void *data, unsigned int len);
/* Let the next transactions end with EAGAIN. */
void fake_disturb(unsigned int times);

#endif /* XENEMU_FAKE_H */
