/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the source uses of the newest kernel and an older supported one lacks.
 * Included in front of every file (see compat.mk). One block a symbol: who
 * lacks it, and so when the block can go. Upstream's name and meaning, always.
 *
 * Nothing is included here: it would come before the file's own pr_fmt.
 */
#ifndef XENEMU_COMPAT_H
#define XENEMU_COMPAT_H

/* 6.12: no context analysis by the compiler. Documentation there. */
#ifndef XENEMU_HAVE_GUARDED_BY
#define __guarded_by(lock)
#define __pt_guarded_by(lock)
#endif

/* 6.12: set up in two steps. */
#ifndef XENEMU_HAVE_HRTIMER_SETUP
#define hrtimer_setup(timer, callback, clock, mode)		\
	do {							\
		struct hrtimer *__hrtimer = (timer);		\
								\
		hrtimer_init(__hrtimer, clock, mode);		\
		__hrtimer->function = (callback);		\
	} while (0)
#endif

#endif
