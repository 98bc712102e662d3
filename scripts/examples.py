#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Print the C of a document as one source file, for the compiler to check.

usage: examples.py DOCUMENT

That is each block behind ".. code-block:: c", in order: what stands in one may
use what stands in those before. The compiler is told their lines in the
document.
"""
import sys
import textwrap

BLOCK = ".. code-block:: c"


def indent(line):
    return len(line) - len(line.lstrip())


def blocks(lines):
    """(number of the first line, lines) of each block of C"""
    at = 0
    while at < len(lines):
        start, at = at, at + 1
        if lines[start].strip() != BLOCK:
            continue
        while at < len(lines) and (not lines[at].strip() or
                                   indent(lines[at]) > indent(lines[start])):
            at += 1
        yield start + 2, lines[start + 1:at]


def source(name, text):
    parts = [f'#line {number} "{name}"\n' +
             textwrap.dedent("\n".join(block)) + "\n"
             for number, block in blocks(text.splitlines())]
    return "".join(parts)


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        print(source(sys.argv[1], f.read()), end="")


if __name__ == "__main__":
    main()
