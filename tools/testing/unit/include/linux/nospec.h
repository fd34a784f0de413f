/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XENEMU_UNIT_NOSPEC_H
#define XENEMU_UNIT_NOSPEC_H

#define array_index_nospec(index, size) ((index) < (size) ? (index) : 0)

#endif
