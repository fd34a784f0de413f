/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_STORE_MIGRATE_H
#define XENEMU_STORE_MIGRATE_H

struct xenemu_ucmd;

/* XENEMU_HOST_SAVE_STORE, _RESTORE_STORE and _PAUSE_STORE, on a host fd. */
long xenemu_migrate_save(struct xenemu_ucmd *ucmd);
long xenemu_migrate_restore(struct xenemu_ucmd *ucmd);
long xenemu_migrate_pause(struct xenemu_ucmd *ucmd);

#endif /* XENEMU_STORE_MIGRATE_H */
