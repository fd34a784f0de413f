/* SPDX-License-Identifier: GPL-2.0-only */
/* How it ends. These are the statuses that xenvm exits with. */
#ifndef XENVM_STATUS_H
#define XENVM_STATUS_H

enum status {
	STATUS_POWEROFF = 0,
	STATUS_FAILURE = 1,
	STATUS_USAGE = 2,
	STATUS_REBOOT = 10,
	STATUS_CRASH = 11,
	STATUS_WATCHDOG = 12,
	STATUS_QUIT = 13,
};

#endif /* XENVM_STATUS_H */
