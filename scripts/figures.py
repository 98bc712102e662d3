#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Figures about the functions of iommufd, and about the way from one to another.

usage: figures.py [TOP]

Functions, inline ones and macros with arguments are taken from the source, and
so is who names whom: a function that is handed over counts as called, one that
is found in a structure of operations does not. What a call opens is all that can
be reached in this way, whatever happens at run time. TOP is another clone to
measure, to compare with.
"""
import collections
import re
import statistics
import sys

import layers

ENTRIES = {
    "IOAS_MAP": "iommufd_ioas_map",
    "unmap": "iommufd_ioas_unmap",
    "attach": "iommufd_device_attach",
    "pin by an access": "iommufd_access_pin_pages",
}
LONG_FILE = 600

FUNCTION = re.compile(r"^(?P<head>\w[\w\s*]*?)\b(?P<name>\w+)\([^;{}]*\)\n"
                      r"\{(?P<body>.*?)^\}", re.M | re.S)
MACRO = re.compile(r"^#define (?P<name>\w+)\((?P<body>(?:[^\n]*\\\n)*[^\n]*)",
                   re.M)
NAME = re.compile(r"\b[A-Za-z_]\w*\b")

Function = collections.namedtuple("Function", "unit name lines names")


def functions_of(tree, path):
    """name -> Function, of one file; and the names that others can use."""
    text = layers.COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m.group()),
                              layers.read(path))
    unit, found, shared = tree.unit_of(path), {}, set()
    for match in [*FUNCTION.finditer(text), *MACRO.finditer(text)]:
        name = match["name"]
        lines = match.group().count("\n") + 1
        found[name] = Function(unit, name, lines,
                               set(NAME.findall(match["body"])) - {name})
        if path.endswith(".h") or "static" not in match.groupdict().get(
                "head", ""):
            shared.add(name)
    return found, shared


class Source:
    """All functions of the driver."""

    def __init__(self, tree):
        self.tree = tree
        self.of_file, self.shared = {}, {}
        for path in tree.files:
            self.of_file[path], shared = functions_of(tree, path)
            for name in shared:
                # With and without an option: the real one comes last, in a .c.
                if name not in self.shared or path.endswith(".c"):
                    self.shared[name] = path

    def find(self, path, name):
        """The file whose function of this name is meant, None for no one."""
        if name in self.of_file[path]:
            return path
        return self.shared.get(name)

    def reached(self, name):
        """(path, name) of all that a function may call."""
        todo, seen = [(self.shared[name], name)], set()
        while todo:
            path, name = todo.pop()
            if (path, name) in seen:
                continue
            seen.add((path, name))
            for other in self.of_file[path][name].names:
                target = self.find(path, other)
                if target:
                    todo.append((target, other))
        return seen

    def lengths(self):
        """Lines of the functions in .c files, ascending, tests left out."""
        return sorted(f.lines for path, found in self.of_file.items()
                      for f in found.values() if path.endswith(".c") and
                      not f.unit.startswith("tests/"))


def lines_of(path):
    return layers.read(path).count("\n")


def figures(tree):
    """Lines to print."""
    source = Source(tree)
    yield f"{'':18}files  functions"
    for what, name in ENTRIES.items():
        reached = source.reached(name)
        units = {tree.unit_of(path) for path, _ in reached}
        yield f"{what:18}{len(units):5}  {len(reached):9}"
    lengths = source.lengths()
    yield (f"{len(lengths)} functions, median {statistics.median(lengths):g} "
           f"lines, 90 % up to {lengths[len(lengths) * 9 // 10]}, longest "
           f"{lengths[-1]}")
    long_files = [f"{tree.unit_of(path)} {lines_of(path)}"
                  for path in tree.files if lines_of(path) > LONG_FILE]
    yield (f"{len(long_files)} files over {LONG_FILE} lines: "
           f"{', '.join(long_files) or 'none'}")
    arrows = list(tree.arrows())
    pairs = {(a.origin, a.target) for a in arrows}
    yield (f"{len(tree.units)} units, {len(pairs)} arrows, "
           f"{len(layers.circles(arrows))} circles")


def main():
    tree = layers.Tree(sys.argv[1] if len(sys.argv) > 1 else layers.TOP)
    print("\n".join(figures(tree)))


if __name__ == "__main__":
    main()
