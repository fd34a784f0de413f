/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model of the XenStore, and random operations on it and on a store, with every reply
 * and event compared. Knows neither how requests travel nor what test harness it is in:
 * used by tools/testing/unit, and here over the ioctls of store fds.
 */
#ifndef XENEMU_TEST_STORE_MODEL_H
#define XENEMU_TEST_STORE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Clients 0 and 1 act as dom0, the others as domains 1, 2 and 3. */
#define STORE_MODEL_CLIENTS	5
#define STORE_MODEL_DOMAINS	3

static inline unsigned int store_model_domid(unsigned int client)
{
	return client < 2 ? 0 : client - 1;
}

static inline unsigned int store_model_client(unsigned int domid)
{
	return domid + 1;
}

/**
 * struct store_model_ops - a store to be compared with the model
 * @request: carry out a request of a client. Returns the length of the reply, which is
 *	in @reply with room for XENSTORE_PAYLOAD_MAX bytes, or the error as -errno
 * @events: what watch events a client got since the last call, as "path token;..."
 *	with a NUL behind it; all that earlier requests caused are there
 * @reopen: close a client's connection and open another
 * @replace: destroy a domain and its client's connection; make a domain with the same
 *	number and open another
 * @settle: before each round: let time pass, if that is needed; or NULL
 * @interlude: in each round, before its events are looked at: do what must make no
 *	difference, such as to save the store and go on with another that was restored
 *	from that; or NULL. @plain: open transactions have only read, and nothing has
 *	changed since they began. Returns, as bits, the clients that had to be connected
 *	anew
 * @fail: the store and the model differ; does not return
 */
struct store_model_ops {
	int (*request)(void *ctx, unsigned int client, uint32_t type, uint32_t tx,
		       const void *body, size_t len, char *reply);
	void (*events)(void *ctx, unsigned int client, char *text, size_t size);
	void (*reopen)(void *ctx, unsigned int client);
	void (*replace)(void *ctx, unsigned int domid);
	void (*settle)(void *ctx);
	unsigned int (*interlude)(void *ctx, bool plain);
	void (*fail)(void *ctx, int line, const char *what);
};

/**
 * struct store_model_result - what happened
 * @commits: transactions that were committed
 * @conflicts: transactions that ended in EAGAIN
 * @events: watch events
 * @deaths: domains that died
 */
struct store_model_result {
	unsigned long commits;
	unsigned long conflicts;
	unsigned long events;
	unsigned long deaths;
};

/*
 * Do @rounds random operations, derived from @seed, on a store whose clients are connected
 * and have neither watches nor transactions. Everything below "/local" is removed first.
 */
void store_model_run(const struct store_model_ops *ops, void *ctx, uint64_t seed,
		     unsigned long rounds, struct store_model_result *result);

#endif /* XENEMU_TEST_STORE_MODEL_H */
