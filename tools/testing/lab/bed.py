# SPDX-License-Identifier: GPL-2.0-only
"""What programs that run in the bed have to know of it."""

import os

# How many times slower than usual everything is here.
PATIENCE = int(os.environ.get("XENEMU_PATIENCE", "1"))

# The emulation raises a callback vector twice at times, which kills a guest in user mode,
# and a processor that goes idle may miss what should wake it: the tick will. See
# Documentation/virt/xenemu/testing.rst.
XENVM = ["xenvm", "--upcall", "percpu"]
KERNEL_OPTIONS = "nohz=off"
