# SPDX-License-Identifier: GPL-2.0-only
#
# What a person types. The module itself is described in Kbuild and
# xenemu/Kbuild, in the kernel's way.

KDIR ?= /lib/modules/$(shell uname -r)/build
LAB := tools/testing/lab
CHECK := tools/testing/check
TOOLS := lib backends xenvm xenemu-store
# Seconds that each fuzzer runs.
T ?= 60

all: modules tools

modules modules_install:
	$(MAKE) -C $(KDIR) M=$(CURDIR) $@

clean-modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) clean

tools:
	set -e; for tool in $(TOOLS); do $(MAKE) -C tools/$$tool; done

tools_install:
	set -e; for tool in $(TOOLS); do $(MAKE) -C tools/$$tool install; done

clean: $(if $(wildcard $(KDIR)/Makefile),clean-modules)
	set -e; for dir in $(TOOLS) testing/unit testing/fuzz testing/fuzz/kernel; do \
		$(MAKE) -C tools/$$dir clean; done
	rm -f tools/testing/selftests/xenemu/*_test

# A stock Debian guest boots through xenemu.ko, in the test bed.
demo:
	$(LAB)/demo

# Everything that is checked before a change is taken.
check:
	$(CHECK)/all $(STEPS)

# What runs in the bed, on kernels for debugging.
check-debug:
	$(CHECK)/all debug-6.12 debug-7.2 races

# The quick parts of the check.
unit:
	$(MAKE) -C tools/testing/unit run

fuzz:
	$(MAKE) -C tools/testing/fuzz run T=$(T)

# The module itself, in the bed, on a kernel for debugging.
fuzz-kernel:
	tools/testing/fuzz/kernel/run $(T)

selftests:
	$(CHECK)/selftests

style:
	$(CHECK)/style

docs-check:
	$(CHECK)/docs

help:
	@echo 'Building:'
	@echo '  modules          xenemu.ko for KDIR=$(KDIR)'
	@echo '  modules_install  install it; INSTALL_MOD_PATH as in the kernel'
	@echo '  tools            libxenemu, the backends, xenvm, xenemu-store'
	@echo '  tools_install    install them; PREFIX=/usr/local, DESTDIR='
	@echo '  all              modules and tools (the default)'
	@echo '  clean            remove what was built'
	@echo 'Trying, in a test bed that is made on first use (needs root or sudo):'
	@echo '  demo             boot a stock Debian guest from its PV disk'
	@echo '  check            every check and test; takes some forty minutes'
	@echo '  selftests        kselftests in the bed'
	@echo '  check-debug      the same, upstream'"'"'s tests and guests under KASAN, lockdep,'
	@echo '                   kmemleak and KCSAN; takes hours'
	@echo '  fuzz-kernel      fuzz the module with ioctls and hypercalls; T=$(T) seconds'
	@echo 'Trying, here:'
	@echo '  unit             unit tests of the pure cores under ASan and UBSan'
	@echo '  fuzz             fuzz the pure cores; T=$(T) seconds each'
	@echo '  style            checkpatch, shellcheck, kernel-doc'
	@echo '  docs-check       build the documentation with warnings as errors'

.PHONY: all modules modules_install clean-modules tools tools_install clean demo \
	check check-debug unit fuzz fuzz-kernel selftests style docs-check \
	help
