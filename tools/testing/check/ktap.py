# SPDX-License-Identifier: GPL-2.0-only
"""Read KTAP, as kselftests and this directory's scripts print it, sceptically.

Every level must say a plan and keep it: a suite that died halfway has failed,
however many of its tests had passed, and so has one that says nothing at all.
"""

import re
import sys
from collections import deque
from dataclasses import dataclass, field

RESULT = re.compile(r"^( *)(ok|not ok)\b *(\d*) *(?:- )?(.*)$")
PLAN = re.compile(r"^( *)1\.\.(\d+)(?: *# *(.*))?$")
SKIP = re.compile(r"\s*#\s*SKIP\b:?\s*(.*)$", re.IGNORECASE)
# An expected failure, in kselftest's words, is none.
XFAIL = re.compile(r"\s*#\s*XFAIL\b.*$", re.IGNORECASE)
NOTE = re.compile(r"^ *# *(?! |RUN |OK |FAIL )(.+)$")

# How many lines a failed test may say why.
NOTES = 4


@dataclass
class Result:
    """One test: verdict is passed, failed or skipped."""
    name: str
    verdict: str
    reason: str = ""
    notes: list = field(default_factory=list)


@dataclass
class Level:
    """One depth of indentation."""
    indent: int
    plan: int | None = None
    skip_all: str | None = None
    seen: int = 0
    results: list = field(default_factory=list)


class Parser:
    """Feed lines; results grows. close() adds what was promised and is missing."""

    def __init__(self):
        self.levels = [Level(0)]
        # What was said since the last result: the reason of a failure.
        self.notes = deque(maxlen=NOTES)

    @property
    def results(self):
        """What is known for certain so far."""
        return self.levels[0].results

    def feed(self, line):
        """Take one line of output."""
        plan = PLAN.match(line)
        result = RESULT.match(line)
        note = NOTE.match(line)
        if note:
            self.notes.append(note.group(1))
        elif plan:
            level = self._level(len(plan.group(1)))
            if level.plan is not None:
                level.results.append(Result("plan", "failed", "there are two"))
            level.plan = int(plan.group(2))
            skip = SKIP.match(f"# {plan.group(3) or ''}")
            level.skip_all = skip.group(1) if skip else None
        elif result:
            indent = len(result.group(1))
            children = self._leave(indent)
            level = self._level(indent)
            level.seen += 1
            passed, text = result.group(2) == "ok", result.group(4).strip()
            if children:
                level.results += suite_results(children, passed, text)
            else:
                level.results.append(test_result(passed, text))
            if level.results[-1].verdict == "failed" and not level.results[-1].notes:
                level.results[-1].notes = list(self.notes)
            self.notes.clear()

    def _leave(self, indent):
        """Take off the levels that are deeper than indent."""
        left = []
        while self.levels[-1].indent > indent:
            left.insert(0, self.levels.pop())
        return left

    def _level(self, indent):
        """The level at indent; one that is left without a result of its own
        was a suite that died."""
        for level in self._leave(indent):
            self.levels[-1].results += level.results
            self.levels[-1].results.append(Result("a suite", "failed", "it did not end"))
        if self.levels[-1].indent < indent:
            self.levels.append(Level(indent))
        return self.levels[-1]

    def close(self):
        """All results, with failures for what is missing."""
        top = self._level(0)
        if not top.seen and top.plan is None:
            top.results.append(Result("output", "failed", "it holds no KTAP"))
            return top.results
        return level_results(top)


def test_result(passed, text):
    """The result of one test."""
    skip = SKIP.search(text)
    if skip and passed:
        return Result(text[:skip.start()], "skipped", skip.group(1))
    xfail = XFAIL.search(text)
    if xfail:
        return Result(text[:xfail.start()], "passed", "an expected failure")
    return Result(text, "passed" if passed else "failed")


def level_results(level):
    """The results of a level that has ended, with what it owes."""
    if level.plan is None:
        level.results.append(Result("plan", "failed", "there is none"))
    elif level.plan == 0 and level.skip_all is not None:
        level.results.append(Result("", "skipped", level.skip_all))
    elif level.plan != level.seen:
        level.results.append(Result("plan", "failed",
                                    f"{level.seen} of {level.plan} tests ran"))
    return level.results


def suite_results(levels, passed, text):
    """A suite's tests count; the suite itself only if it failed without them."""
    name = SKIP.sub("", text)
    results = [result for level in levels for result in level_results(level)]
    for result in results:
        result.name = f"{name}: {result.name}" if result.name else name
    if not results:
        results.append(Result(name, "failed", "it ran no test"))
    elif not passed and all(result.verdict != "failed" for result in results):
        results.append(Result(name, "failed", "the suite failed, none of its tests did"))
    return results


def main():
    """Judge files; status 1 unless each holds a passed test and no failed one."""
    good = True
    for name in sys.argv[1:]:
        parser = Parser()
        with open(name, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                parser.feed(line.rstrip("\n"))
        verdicts = []
        for result in parser.close():
            print(f"{result.verdict:7} {result.name}")
            verdicts.append(result.verdict)
        good = good and "passed" in verdicts and "failed" not in verdicts
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
