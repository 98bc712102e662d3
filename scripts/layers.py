#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Check the order that folders give to the files of iommufd.

usage: layers.py [OBJECTS]

A .c and the .h of its name are one unit. A unit knows and calls units of its
own folder, and of folders below it in layers.txt, and nobody goes in a circle.
Includes tell what a unit knows, the symbols of the objects what it calls.
OBJECTS is where they are, build/check/drivers/iommu/iommufd if not given: "make
check" has compiled all of them. Further, a header declares the functions that
the .c of its name defines, and the table of folders and files in the document
names what there is. layers_test.py plants what this has to find.
"""
import collections
import functools
import glob
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BELONGS_TO_NO_LAYER = {"iommufd_test"}    # the interface of the mock IOMMU
# What the kernel's macros and the compiler define for each file or module.
MADE = re.compile(r"(__pfx_|__ksymtab|__kstrtab|__crc_|__odr_asan|"
                  r"__tracepoint_|__traceiter_|__probestub_|__SC[KT]__tp_func_|"
                  r"(init|cleanup)_module$)")
EXPORTED = "__export_symbol_"

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
BODY = re.compile(r"^{.*?^}", re.M | re.S)
DECLARATION = re.compile(r"^(?!static|typedef)\w[\w\s*]*?\b(\w+)\([^;{}]*\);",
                         re.M)
VARIABLE = re.compile(r"^(?:extern\s[\w\s*]*?\b(\w+);|"
                      r"DECLARE_STATIC_KEY_\w+\((\w+)\);)", re.M)
ROW = re.compile(r"^(?:``|\*\*)([\w./]+)(?:``|\*\*)  +\S")

Arrow = collections.namedtuple("Arrow", "origin target reason")


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def folder_of(unit):
    return os.path.dirname(unit) or "."


def declared(path):
    """What a header declares and does not define."""
    code = BODY.sub(";", DIRECTIVE.sub("", COMMENT.sub("", read(path))))
    return set(DECLARATION.findall(code)) | {
        name for names in VARIABLE.findall(code) for name in names if name}


class Tree:
    """The files of the driver, and what they have to do with each other."""

    def __init__(self, top=TOP, objects=None):
        self.top = top
        self.driver = os.path.join(top, "drivers/iommu/iommufd")
        self.objects = objects or os.path.join(
            top, "build/check/drivers/iommu/iommufd")
        self.document = os.path.join(top, "Documentation/driver-api/iommufd.rst")
        self.files = sorted(glob.glob(os.path.join(self.driver, "**/*.[ch]"),
                                      recursive=True))
        self.units = sorted({self.unit_of(path) for path in self.files})

    def unit_of(self, path):
        """The name of a file's unit, None if it is not of this driver."""
        name = os.path.relpath(os.path.splitext(path)[0], self.driver)
        return None if name.startswith("..") else name

    def path(self, unit, suffix):
        """The file of a unit, None if it has none with this suffix."""
        path = os.path.join(self.driver, unit + suffix)
        return path if os.path.exists(path) else None

    def short(self, path):
        return os.path.relpath(path, self.top)

    def floors(self):
        """folder -> floor, counted from the bottom"""
        lines = [line.split() for line in
                 read(os.path.join(self.top, "scripts/layers.txt")).splitlines()
                 if line.strip() and not line.startswith("#")]
        return {folder: len(lines) - i for i, line in enumerate(lines)
                for folder in line}

    def includes(self):
        """Arrows from who includes."""
        for path in self.files:
            for number, line in enumerate(read(path).splitlines(), 1):
                found = INCLUDE.match(line)
                if found:
                    yield Arrow(self.unit_of(path),
                                self.resolve(path, found.group(1)),
                                f"{self.short(path)}:{number}: {line.strip()}")

    def resolve(self, path, name):
        beside = os.path.join(os.path.dirname(path), name)
        if not os.path.exists(beside):
            beside = os.path.join(self.driver, name)
        return self.unit_of(os.path.normpath(beside))

    @functools.cached_property
    def symbols(self):
        """(unit, kind, symbol) of what objects share, the kind as nm tells it;
        and "x" for what is exported to drivers."""
        found = []
        objects = [os.path.join(self.objects, unit + ".o")
                   for unit in self.units if self.path(unit, ".c")]
        objects = [path for path in objects if os.path.exists(path)]
        if not objects:
            return found
        output = subprocess.run(["nm", "-A", *objects], check=True,
                                stdout=subprocess.PIPE, text=True).stdout
        for line in output.splitlines():
            path, rest = line.split(":", 1)
            kind, symbol = rest.split()[-2:]
            unit = os.path.relpath(path[:-2], self.objects)
            if symbol.startswith(EXPORTED):
                found.append((unit, "x", symbol[len(EXPORTED):]))
            elif kind in "UTDBR" and not MADE.match(symbol):
                found.append((unit, kind, symbol))
        return found

    def calls(self):
        """Arrows from who uses a symbol to who defines it."""
        used, defined = [], {}
        for unit, kind, symbol in self.symbols:
            if kind == "U":
                used.append((unit, symbol))
            elif kind != "x":
                defined[symbol] = unit
        for unit, symbol in used:
            if symbol in defined:
                yield Arrow(unit, defined[symbol],
                            f"{unit}.c uses {symbol}() of "
                            f"{defined[symbol]}.c")

    def arrows(self):
        """All between two units of the driver that have a floor."""
        for arrow in [*self.includes(), *self.calls()]:
            if arrow.target and arrow.target != arrow.origin and \
               arrow.target not in BELONGS_TO_NO_LAYER:
                yield arrow

    def defined(self, unit, kinds="TDBR"):
        return {symbol for name, kind, symbol in self.symbols
                if name == unit and kind in kinds}


def check_floors(tree):
    """Arrows that go up, or to a folder beside."""
    floors = tree.floors()
    for unit in tree.units:
        if folder_of(unit) not in floors:
            yield f"{unit}: its folder is not in scripts/layers.txt"
    for folder in floors:
        if not any(folder_of(unit) == folder for unit in tree.units):
            yield f"scripts/layers.txt: {folder} has no files"
    for arrow in tree.arrows():
        origin, target = folder_of(arrow.origin), folder_of(arrow.target)
        if origin != target and floors.get(origin, 0) <= floors.get(target, 0):
            yield f"{arrow.reason}: {target}/ is not below {origin}/"


def circles(arrows):
    """Units that reach each other: sets, after Tarjan."""
    targets = collections.defaultdict(set)
    for arrow in arrows:
        targets[arrow.origin].add(arrow.target)
    index, low, stack, found = {}, {}, [], []

    def visit(unit):
        index[unit] = low[unit] = len(index)
        stack.append(unit)
        for other in sorted(targets[unit]):
            if other not in index:
                visit(other)
            if other in stack:
                low[unit] = min(low[unit], low[other])
        if low[unit] == index[unit]:
            circle = stack[stack.index(unit):]
            del stack[stack.index(unit):]
            if len(circle) > 1:
                found.append(set(circle))

    for unit in sorted(targets):
        if unit not in index:
            visit(unit)
    return found


def check_circles(tree):
    arrows = list(tree.arrows())
    for circle in circles(arrows):
        yield "a circle of " + ", ".join(sorted(circle))
        yield from sorted({f"  {a.reason}" for a in arrows
                           if {a.origin, a.target} <= circle})


def check_paths(tree):
    """An include says the folder; what goes out of the driver is known."""
    units = set(tree.units)
    for arrow in tree.includes():
        name = arrow.reason.split('"')[1]
        if name.startswith("..") and \
           os.path.basename(name) != "iommu-priv.h":
            yield f"{arrow.reason}: name the folder instead"
        elif not name.startswith("..") and arrow.target not in units:
            yield f"{arrow.reason}: no such file of the driver"


def check_headers(tree):
    """A header declares what the .c of its name defines. What is exported stands
    in include/linux instead."""
    for unit in tree.units:
        source, header = tree.path(unit, ".c"), tree.path(unit, ".h")
        declares = declared(header) if header else set()
        if not source:
            for name in sorted(declares):
                yield f"{tree.short(header)}: {name}() has no .c of this name"
            continue
        if not os.path.exists(os.path.join(tree.objects, unit + ".o")):
            yield f"{tree.short(source)}: is not compiled"
            continue
        defines = tree.defined(unit)
        missing = sorted(defines - declares - tree.defined(unit, "x"))
        if missing and not header:
            yield (f"{tree.short(source)}: has no header of its own, but "
                   f"{missing[0]}()")
        elif missing:
            yield f"{tree.short(header)}: does not declare {missing[0]}()"
        for name in sorted(declares - defines):
            yield f"{tree.short(header)}: {name}() is not in the .c of its name"


def table_rows(document):
    """What the table in the section "Folders" names, in its order."""
    lines = read(document).splitlines()
    start = next((i for i, line in enumerate(lines)
                  if line == "Folders" and lines[i + 1][:3] == "==="), None)
    if start is None:
        return []
    borders = [i for i, line in enumerate(lines)
               if i > start + 1 and re.match(r"=+  +=+$", line)]
    found = [ROW.match(line) for line in lines[borders[1]:borders[2]]]
    return [row.group(1) for row in found if row]


def check_document(tree):
    """The table names each folder, and each unit."""
    document = tree.short(tree.document)
    rows = table_rows(tree.document)
    folders = [row.rstrip("/") or row for row in rows if row.endswith("/")]
    units = [row for row in rows if not row.endswith("/")]
    for name in sorted({row for row in rows if rows.count(row) > 1}):
        yield f"{document}: the table names {name} twice"
    for unit in tree.units:
        if unit not in units:
            yield f"{document}: the table does not name {unit}"
    for unit in units:
        if unit not in tree.units:
            yield f"{document}: the table names {unit}, which is not there"
    if set(folders) != set(tree.floors()):
        yield (f"{document}: the table has the folders {' '.join(folders)}, "
               f"scripts/layers.txt has {' '.join(tree.floors())}")


CHECKS = (check_floors, check_circles, check_paths, check_headers,
          check_document)


def main():
    tree = Tree(objects=sys.argv[1] if len(sys.argv) > 1 else None)
    errors = [error for check in CHECKS for error in check(tree)]
    for error in errors:
        print(error)
    sys.exit(1 if errors or not tree.files else 0)


if __name__ == "__main__":
    main()
