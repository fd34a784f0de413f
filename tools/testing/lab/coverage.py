# SPDX-License-Identifier: GPL-2.0-only
"""Add up what gcov says of the module's files, as JSON on the standard input."""

import json
import sys
from collections import defaultdict

# How many functions are named.
FUNCTIONS = 30


def main():
    """Print the two tables."""
    # Of each line of a file: its function, and how often any run was there.
    files = defaultdict(dict)
    for text in sys.stdin:
        for file in json.loads(text)["files"]:
            path = file["file"].removeprefix("/build/")
            # A header's inline functions are there once for each file that uses them.
            if not path.endswith(".c"):
                continue
            for line in file["lines"]:
                key = line["line_number"]
                function, count = files[path].get(key, (line.get("function_name", ""), 0))
                files[path][key] = (function, count + line["count"])
    if not files:
        sys.exit("coverage: no file of the module has been run")

    functions = defaultdict(lambda: [0, 0])
    all_lines = all_run = 0
    for path, lines in sorted(files.items()):
        run = sum(1 for _, count in lines.values() if count)
        print(f"{path:28} {run:5} / {len(lines):5}  {100 * run // len(lines):3} %")
        all_lines += len(lines)
        all_run += run
        for function, count in lines.values():
            functions[path, function][0] += not count
            functions[path, function][1] += 1
    print(f"{'all':28} {all_run:5} / {all_lines:5}  {100 * all_run // all_lines:3} %")

    print("\nlines not run, by function:")
    missing = sorted(functions.items(), key=lambda item: -item[1][0])
    for (path, function), (unrun, lines) in missing[:FUNCTIONS]:
        if unrun:
            print(f"{unrun:5} of {lines:3}  {path}: {function}()")


main()
