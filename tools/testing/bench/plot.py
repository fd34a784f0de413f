# SPDX-License-Identifier: GPL-2.0-only
"""Draw how the cost of XenStore's operations grows: lines "scale DIMENSION-SIZE-OPERATION
MEDIAN MEAN" come in, an SVG image goes out."""

import math
import sys

from report import DIMENSIONS

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 80, 210, 40, 50
COLOURS = ["#1b6ca8", "#c8553d", "#588157", "#8a4fa3", "#7a7265"]


def parse(lines):
    """{operation: {dimension: [(size, median)]}}."""
    series = {}
    for line in lines:
        words = line.split()
        if len(words) == 4 and words[0] == "scale":
            dimension, size, operation = words[1].rsplit("-", 2)
            series.setdefault(operation, {}).setdefault(dimension, []).append(
                (int(size), int(words[2])))
    return series


def text(x, y, words, anchor="middle", more=""):
    """A label."""
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}"{more}>{words}</text>'


class Chart:
    """Both axes are logarithmic."""

    def __init__(self, series):
        points = [point for by_dimension in series.values()
                  for line in by_dimension.values() for point in line]
        self.decades = max(1, math.ceil(math.log10(max(size for size, _ in points))))
        self.low = math.floor(math.log10(min(cost for _, cost in points)))
        self.high = math.ceil(math.log10(max(cost for _, cost in points)))

    def x(self, size):
        """Where a size is."""
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log10(size) / self.decades

    def y(self, cost):
        """Where a cost is."""
        part = (math.log10(cost) - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part

    def axes(self):
        """The grid and what is written beside it."""
        for decade in range(self.decades + 1):
            x = self.x(10 ** decade)
            yield f'<path d="M{x:.0f} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>'
            yield text(x, HEIGHT - BOTTOM + 18, f"{10 ** decade:,}")
        for decade in range(self.low, self.high + 1):
            y = self.y(10 ** decade)
            yield f'<path d="M{LEFT} {y:.0f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
            yield text(LEFT - 8, y + 4, f"{10 ** decade:,}", "end")
        yield text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "how many there are")
        yield text(LEFT, TOP - 16, "instructions", "start")

    def lines(self, series):
        """A line for each dimension: whole for writes, dashed for reads."""
        dimensions = list(dict.fromkeys(name for lines in series.values() for name in lines))
        for n, dimension in enumerate(dimensions):
            colour = COLOURS[n % len(COLOURS)]
            for operation, lines in series.items():
                if dimension not in lines:
                    continue
                path = "L".join(f"{self.x(size):.1f} {self.y(cost):.1f}"
                                for size, cost in lines[dimension])
                dash = ' stroke-dasharray="5 4"' if operation == "read" else ""
                yield (f'<path d="M{path}" fill="none" stroke="{colour}"'
                       f' stroke-width="2"{dash}/>')
            y = TOP + 20 + 22 * n
            x = WIDTH - RIGHT + 16
            yield f'<path d="M{x} {y - 4}h24" stroke="{colour}" stroke-width="3"/>'
            yield text(x + 30, y, DIMENSIONS.get(dimension, dimension), "start")
        yield text(WIDTH - RIGHT + 16, TOP + 30 + 22 * len(dimensions),
                   "whole: write, dashed: read", "start")


def main():
    """Read, draw."""
    series = parse(sys.stdin)
    if not series:
        return
    chart = Chart(series)
    print('<?xml version="1.0" encoding="UTF-8"?>')
    print("<!-- SPDX-License-Identifier: GPL-2.0-only -->")
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}"'
          ' font-family="sans-serif" font-size="12">')
    print(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>')
    for element in [*chart.axes(), *chart.lines(series)]:
        print(element)
    print("</svg>")


if __name__ == "__main__":
    main()
