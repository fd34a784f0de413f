/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many times slower than an ordinary kernel this one is.
 */
#ifndef PATIENCE_H
#define PATIENCE_H

unsigned int patience(void);

#endif
