# SPDX-License-Identifier: GPL-2.0-only
#
# The source is written to the newest supported kernel. What an older one lacks
# compat.h supplies, and this file finds out what that is. It looks for the
# identifier in the kernel's headers: distributions carry newer interfaces back,
# so a kernel's version does not tell.

# $(call have,MACRO,IDENTIFIER,HEADER...) - -DMACRO if a header (below the
# kernel's include/) has the identifier. No parentheses in the identifier.
have = $(if $(shell grep -lsw '$(2)' $(addprefix $(srctree)/include/,$(3))),-D$(1))

ccflags-y += $(call have,XENEMU_HAVE_HRTIMER_SETUP,hrtimer_setup,linux/hrtimer.h)
ccflags-y += $(call have,XENEMU_HAVE_GUARDED_BY,__guarded_by,linux/compiler-context-analysis.h)
ccflags-y += -include $(src)/compat.h
