# SPDX-License-Identifier: GPL-2.0-only
"""Line plots with logarithmic axes, as SVG and without any library."""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 890, 480
LEFT, RIGHT, TOP, BOTTOM = 80, 360, 40, 60
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
DASHES = ("none", "7 4", "2 3")


class Axis:
    """Maps powers of ten, or of 1024, onto a line of the picture."""

    def __init__(self, values, begin, end):
        binary = all(value % 1024 == 0 for value in values)
        self.base = 32 if binary else 10
        self.low = math.floor(self._power(min(values)))
        self.high = max(math.ceil(self._power(max(values))), self.low + 1)
        self.begin, self.end = begin, end

    def _power(self, value):
        return round(math.log2(value) / math.log2(self.base), 9)

    def place(self, value):
        part = (self._power(value) - self.low) / (self.high - self.low)
        return self.begin + part * (self.end - self.begin)

    def ticks(self):
        return [self.base ** power for power in range(self.low, self.high + 1)]


def text(x, y, content, anchor="start", extra=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>'
            f'{escape(content)}</text>')


def stroke(x1, y1, x2, y2, colour, dash="none", width=1):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{colour}" stroke-width="{width}" '
            f'stroke-dasharray="{dash}"/>')


def short(value):
    """1000000 as 1M, 1048576 as 1 MiB."""
    power = max(value.bit_length() - 1, 0) // 10
    if power and value % (1 << 10 * power) == 0:
        return f"{value >> 10 * power} {' KMGT'[power]}iB"
    for size, letter in ((10 ** 9, "G"), (10 ** 6, "M"), (10 ** 3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def grid(x_axis, y_axis):
    for value in x_axis.ticks():
        x = x_axis.place(value)
        yield stroke(x, y_axis.begin, x, y_axis.end, "#ddd")
        yield text(x, y_axis.begin + 18, short(value), "middle")
    for value in y_axis.ticks():
        y = y_axis.place(value)
        yield stroke(x_axis.begin, y, x_axis.end, y, "#ddd")
        yield text(x_axis.begin - 8, y + 4, short(value), "end")


def curves(lines, x_axis, y_axis):
    """A colour for each column, a dash for each work."""
    columns = list(dict.fromkeys(column for column, _, _ in lines))
    works = list(dict.fromkeys(work for _, work, _ in lines))
    for i, (column, work, points) in enumerate(lines):
        colour = COLOURS[columns.index(column) % len(COLOURS)]
        dash = DASHES[works.index(work) % len(DASHES)]
        path = " ".join(f"{x_axis.place(x):.1f},{y_axis.place(max(y, 1)):.1f}"
                        for x, y in sorted(points))
        yield (f'<polyline points="{path}" fill="none" stroke="{colour}" '
               f'stroke-width="2" stroke-dasharray="{dash}"/>')
        y = TOP + 10 + 20 * i
        yield stroke(WIDTH - RIGHT + 15, y, WIDTH - RIGHT + 45, y, colour,
                     dash, 2)
        yield text(WIDTH - RIGHT + 52, y + 4, f"{column}: {work}")


def svg(title, x_name, y_name, lines):
    """A picture of lines (column, work, [(x, y)...]) with a legend."""
    x_axis = Axis([x for _, _, points in lines for x, _ in points],
                  LEFT, WIDTH - RIGHT)
    y_axis = Axis([max(y, 1) for _, _, points in lines for _, y in points],
                  HEIGHT - BOTTOM, TOP)
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
             f'height="{HEIGHT}" font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
             text(middle, 24, title, "middle", 'font-size="15"'),
             text(middle, HEIGHT - 15, x_name, "middle"),
             text(20, HEIGHT / 2, y_name, "middle",
                  f'transform="rotate(-90 20 {HEIGHT / 2})"')]
    parts += grid(x_axis, y_axis)
    parts += curves(lines, x_axis, y_axis)
    return "\n".join(parts + ["</svg>\n"])
