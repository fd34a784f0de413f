/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the nodes of a virtual block device are.
 */
#ifndef XENEMU_VBD_H
#define XENEMU_VBD_H

#include <stdint.h>

/* Room for every path of a device's node. */
#define XB_PATH_MAX	128

void xb_vbd_front_path(char *buf, uint32_t domid, uint32_t devid, const char *node);
void xb_vbd_back_path(char *buf, uint32_t domid, uint32_t devid, const char *node);

#endif /* XENEMU_VBD_H */
