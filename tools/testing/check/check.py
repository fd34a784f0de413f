# SPDX-License-Identifier: GPL-2.0-only
"""Run the steps of the check, judge what they print, and count."""

import os
import subprocess
import sys
import time
from collections import Counter, deque

from ktap import NOTES, Parser, Result

HERE = os.path.dirname(os.path.abspath(__file__))

# What is cheap comes first. Each is a script here that prints KTAP.
STEPS = {
    "style": ["style"],
    "docs": ["docs"],
    "unit": ["unit"],
    "fuzz": ["fuzz"],
    "build": ["build"],
    "lab": ["lab"],
    "selftests-6.12": ["selftests", "6.12"],
    "selftests-7.2": ["selftests", "7.2"],
    "upstream-6.12": ["upstream", "6.12"],
    "upstream-7.2": ["upstream", "7.2"],
    "clients": ["clients"],
    "xenvm": ["xenvm"],
    "guest": ["guest"],
}

# What takes too long for every change: run only when it is named.
SLOW_STEPS = {
    "debug-6.12": ["debug", "6.12"],
    "debug-7.2": ["debug", "7.2"],
    "races": ["races"],
}

# How much of a failed step's output is shown.
SHOWN_LINES = 150

# How many failures are said once more at the end, where nobody can miss them.
SUMMED_UP = 5


def expected_skips():
    """Tests that may be skipped, as 'step: suite: test' lines."""
    with open(os.path.join(HERE, "expected-skips"), encoding="utf-8") as lines:
        return {line.strip() for line in lines if line.strip() and not line.startswith("#")}


def report(step, result):
    """One line a test."""
    name = f"{step}: {result.name}" if result.name else step
    reason = f" ({result.reason})" if result.reason else ""
    print(f"{result.verdict:7} {name}{reason}", flush=True)


def sum_up(failures):
    """The first failures, with what they said of themselves."""
    for step, result in failures[:SUMMED_UP]:
        report(step, result)
        for note in result.notes:
            print(f"  | {note}")


def run_step(step, skips, failures):
    """Run one step, add to failures; return how many tests had which verdict."""
    started = time.monotonic()
    print(f"--- {step}", flush=True)
    parser, shown, output = Parser(), 0, deque(maxlen=SHOWN_LINES)
    counts = Counter()

    def count(results):
        for result in results:
            if result.verdict == "skipped" and f"{step}: {result.name}" not in skips:
                result.verdict = "failed"
                result.reason = f"skipped, which is not expected: {result.reason}"
            if result.verdict == "failed":
                failures.append((step, result))
            counts[result.verdict] += 1
            report(step, result)

    script, *arguments = (STEPS | SLOW_STEPS)[step]
    with subprocess.Popen([os.path.join(HERE, script), *arguments], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          errors="replace") as process:
        for line in process.stdout:
            output.append(line)
            parser.feed(line.rstrip("\n"))
            count(parser.results[shown:])
            shown = len(parser.results)
    count(parser.close()[shown:])
    if process.returncode and not counts["failed"]:
        count([Result("", "failed", f"exit status {process.returncode}",
                      [line.rstrip("\n") for line in list(output)[-NOTES:]])])
    if counts["failed"]:
        print(f"--- {step}: the last of its output")
        sys.stdout.writelines(f"  | {line}" for line in output)
    print(f"--- {step}: {time.monotonic() - started:.0f} s", flush=True)
    return counts


def main():
    """Run the steps named, or all that are not slow."""
    steps = sys.argv[1:] or list(STEPS)
    unknown = [step for step in steps if step not in STEPS | SLOW_STEPS]
    if unknown:
        print(f"no step {unknown[0]!r}; there are: {' '.join(STEPS | SLOW_STEPS)}",
              file=sys.stderr)
        return 2
    skips = expected_skips()
    total, failures = Counter(), []
    for step in steps:
        total += run_step(step, skips, failures)
    sum_up(failures)
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 0 if total["passed"] and not total["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
