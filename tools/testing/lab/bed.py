# SPDX-License-Identifier: GPL-2.0-only
"""What programs that run in the bed have to know of it.

Documentation/virt/xenemu/testing.rst has the reasons in full.
"""

import os

# How many times slower than usual everything is here.
PATIENCE = int(os.environ.get("XENEMU_PATIENCE", "1"))

# The emulation raises a callback vector twice at times, which kills a guest in user mode.
XENVM = ["xenvm", "--upcall", "percpu"]

# A processor that goes idle may miss what should wake it: the tick will. On a slow kernel
# the ticks of four processors are too many; there, the guest's watchdog will, later.
KERNEL_OPTIONS = "nohz=off" if PATIENCE == 1 else "nohz=on"
