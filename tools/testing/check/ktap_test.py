#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The judge is judged: what must be red is red."""

import unittest

from ktap import Parser


def judge(text):
    """Verdicts of a KTAP text, as 'name: verdict' lines."""
    parser = Parser()
    for line in text.splitlines():
        parser.feed(line)
    return [f"{result.name}: {result.verdict}" for result in parser.close()]


class KtapTest(unittest.TestCase):
    """One behaviour a test."""

    def test_tests_count(self):
        self.assertEqual(judge("TAP version 13\n1..2\nok 1 a\nnot ok 2 b\n"),
                         ["a: passed", "b: failed"])

    def test_skip_and_xfail(self):
        self.assertEqual(judge("1..2\nok 1 a # SKIP why\nnot ok 2 b # XFAIL known\n"),
                         ["a: skipped", "b: passed"])

    def test_not_ok_is_never_a_skip(self):
        self.assertEqual(judge("1..1\nnot ok 1 a # SKIP why\n"), ["a # SKIP why: failed"])

    def test_truncated(self):
        self.assertIn("plan: failed", judge("1..2\nok 1 a\n"))

    def test_too_many(self):
        self.assertIn("plan: failed", judge("1..1\nok 1 a\nok 2 b\n"))

    def test_no_plan(self):
        self.assertIn("plan: failed", judge("ok 1 a\n"))

    def test_plan_at_the_end(self):
        self.assertEqual(judge("ok 1 a\n1..1\n"), ["a: passed"])

    def test_nothing(self):
        self.assertEqual(judge("Segmentation fault\n"), ["output: failed"])
        self.assertEqual(judge(""), ["output: failed"])

    def test_suite_counts_its_tests(self):
        self.assertEqual(judge("1..1\n    1..2\n    ok 1 a\n    ok 2 b\nok 1 s\n"),
                         ["s: a: passed", "s: b: passed"])

    def test_suite_that_died(self):
        self.assertEqual(judge("1..1\n    1..2\n    ok 1 a\nnot ok 1 s\n"),
                         ["s: a: passed", "s: plan: failed"])

    def test_bed_that_died_in_a_suite(self):
        self.assertEqual(judge("1..2\n    1..2\n    ok 1 a\n"),
                         ["a: passed", "a suite: failed", "plan: failed"])

    def test_suite_that_failed_at_its_end(self):
        self.assertIn("s: failed", judge("1..1\n    1..1\n    ok 1 a\nnot ok 1 s\n"))

    def test_suite_without_tests(self):
        self.assertIn("s: failed", judge("1..1\n    1..0\nok 1 s\n"))

    def test_suite_skipped(self):
        self.assertEqual(judge("1..1\n    1..0 # SKIP no device\nok 1 s\n"), ["s: skipped"])

    def test_noise(self):
        self.assertEqual(judge("# ok 1 x\nhello\n1..1\n#  RUN a\nok 1 - a\n"), ["a: passed"])

    def test_failure_says_why(self):
        parser = Parser()
        for line in ("1..2", "    1..1", "    #  RUN  a ...", "    # a.c:1:Expected 1 (1) == 2 (2)",
                     "    #  FAIL  a", "    not ok 1 a", "not ok 1 s", "ok 2 t"):
            parser.feed(line)
        self.assertEqual([result.notes for result in parser.close()],
                         [["a.c:1:Expected 1 (1) == 2 (2)"], []])


if __name__ == "__main__":
    unittest.main()
