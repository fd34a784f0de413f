/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest from its start to its end. */
#ifndef XENVM_VM_H
#define XENVM_VM_H

#include "status.h"

struct endpoint;
struct options;

/**
 * vm_run - make a guest, run it, and take it down again
 * @options: what the user asked for
 * @endpoint: where its console goes; stays open
 *
 * The signals that vm_block_signals() blocks must be blocked.
 *
 * Return: how it ended. For STATUS_FAILURE it has been said why.
 */
enum status vm_run(const struct options *options, struct endpoint *endpoint);

/* Block the signals that vm_run() waits for, before any thread is made. */
void vm_block_signals(void);

#endif /* XENVM_VM_H */
