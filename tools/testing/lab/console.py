# SPDX-License-Identifier: GPL-2.0-only
"""Drive a guest through its console: start it, wait for texts, type commands.

Standard library and bed.py only. The console is the terminal that the VMM runs on.
"""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

from bed import PATIENCE

PROMPT = re.compile(r"(?:^|\n)root@[a-z]+:[^\n]*# $")
# Escape sequences that systemd, bash and getty colour and place text with.
ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[=>()][0B]?)")


class ConsoleError(Exception):
    """The guest did not do what was waited for."""


class Console:
    """A VMM process whose standard input and output is the guest's console."""

    def __init__(self, argv, echo=True):
        self.echo = echo
        self.text = ""
        self.started = time.monotonic()
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(argv, stdin=slave, stdout=slave,
                                        start_new_session=True)
        os.close(slave)

    def _read(self, timeout):
        """Take over what the guest printed; False when the console is gone."""
        if not select.select([self.master], [], [], timeout)[0]:
            return self.process.poll() is None
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        text = ESCAPES.sub("", data.decode(errors="replace")).replace("\r", "")
        if self.echo:
            sys.stdout.write(text)
            sys.stdout.flush()
        self.text += text
        return bool(data)

    def wait_for(self, pattern, timeout):
        """Wait until the pattern shows; return what came before and the match."""
        deadline = time.monotonic() + timeout * PATIENCE
        while True:
            match = re.search(pattern, self.text)
            if match:
                before = self.text[:match.start()]
                self.text = self.text[match.end():]
                return before, match
            left = deadline - time.monotonic()
            if left <= 0:
                raise ConsoleError(f"no {pattern!r} on the console in {timeout * PATIENCE} s")
            if not self._read(min(left, 1)) and not re.search(pattern, self.text):
                raise ConsoleError(f"the console ended before {pattern!r}")

    def type(self, text):
        """Type a line."""
        os.write(self.master, text.encode() + b"\r")

    def login(self, timeout):
        """Wait for the login prompt and log in; return the seconds since start."""
        self.wait_for(r"login: $", timeout)
        seconds = time.monotonic() - self.started
        self.type("root")
        self.wait_for(PROMPT, 120)
        return seconds

    def run(self, command, timeout=120):
        """Run a command in the guest's shell and return what it printed."""
        self.type(f"{command}; echo \"[$?]\"")
        output, match = self.wait_for(r"\n?\[(\d+)\]\n", timeout)
        self.wait_for(PROMPT, timeout)
        if match.group(1) != "0":
            raise ConsoleError(f"{command!r} in the guest: status {match.group(1)}")
        # The first line is the echo of the command.
        return output.partition("\n")[2] + "\n"

    def wait_end(self, timeout):
        """Wait until the VMM is gone and return its status."""
        deadline = time.monotonic() + timeout * PATIENCE
        while self._read(0.2):
            if time.monotonic() > deadline:
                raise ConsoleError(f"the VMM is still there after {timeout * PATIENCE} s")
        return self.process.wait(max(1, deadline - time.monotonic()))

    def kill(self):
        """End the VMM whatever it does."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
