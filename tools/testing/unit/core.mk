# SPDX-License-Identifier: GPL-2.0-only
#
# Pure cores: files of xenemu/ that need nothing but what include/linux offers. A new
# one is a line here, and a test program: a file *_test.c in this directory.

core := $(addprefix store/,builder capture conn control diff domain htab kids limit \
	  node parked path perm proto quota restore save sink store tree txn watch \
	  xen_read xen_write)
core += $(addprefix store/,compact_read compact_write dict)
core += store/ring_core
core += grant_entry

unit-dir := $(dir $(lastword $(MAKEFILE_LIST)))
top-dir := $(unit-dir)../../../

core-flags := -std=gnu11 -g -O1 -fno-omit-frame-pointer -D_GNU_SOURCE \
	      -Wall -Wno-address-of-packed-member -Werror \
	      -I$(unit-dir)include -I$(top-dir)xenemu -I$(top-dir)include/uapi -MMD -MP -pthread
