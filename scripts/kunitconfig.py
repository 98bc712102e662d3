#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Check that .kunitconfig builds each KUnit suite.

What it sets, and what our Kconfig selects with that, decides which lists of the
Makefile are built. Each file tests/*_kunit.c has to be in one of those, and to
have a suite. What our options depend on has to be set, too.

kunitconfig_test.py plants what this has to find.
"""
import glob
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DRIVER = "drivers/iommu/iommufd"

# The machine has them.
GIVEN = {"64BIT", "MMU"}

OPTION = re.compile(r"CONFIG_(\w+)")
CONDITION = re.compile(r"(ifn?eq) \((.*),(\w*)\)$")
LIST = re.compile(r"iommufd-(?:y|\$\(CONFIG_(\w+)\)) \+?:?= *(.*)")


def read(top, name):
    with open(os.path.join(top, DRIVER, name), encoding="utf-8") as f:
        return f.read()


def blocks(top, chosen):
    """Of our Kconfig, for options that are set: (name, text)"""
    for name, block in re.findall(r"^config (\w+)\n((?:\t.*\n|\n)*)",
                                  read(top, "Kconfig"), re.M):
        if name in chosen:
            yield name, block


def options(top):
    """What is set: .kunitconfig, and what follows from it by our Kconfig."""
    chosen = set(re.findall(r"^CONFIG_(\w+)=y$", read(top, ".kunitconfig"),
                            re.M))
    for _, block in blocks(top, set(chosen)):
        chosen.update(re.findall(r"^\tselect (\w+)$", block, re.M))
    return chosen


def check_depends(top, chosen):
    """Only what is joined by && can be judged here."""
    for name, block in blocks(top, chosen):
        for line in re.findall(r"^\tdepends on (.*)$", block, re.M):
            wanted = set() if "||" in line else set(line.split(" && "))
            for option in sorted(wanted - chosen - GIVEN):
                yield f"{DRIVER}/.kunitconfig: {name} depends on {option}"


def holds(kind, value, wanted, chosen):
    """Of a condition of make"""
    value = OPTION.sub(lambda m: "y" if m.group(1) in chosen else "", value)
    value = re.sub(r"\$\((\w*)\)", r"\1", value)
    return (value == wanted) == (kind == "ifeq")


def built(top, chosen):
    """The objects that the Makefile makes iommufd of"""
    objects, conditions = set(), []
    for line in read(top, "Makefile").replace("\\\n", " ").splitlines():
        condition, part = CONDITION.match(line), LIST.match(line)
        if condition:
            conditions.append(holds(*condition.groups(), chosen))
        elif line == "else":
            conditions[-1] = not conditions[-1]
        elif line == "endif":
            conditions.pop()
        elif part and all(conditions) and (not part.group(1) or
                                           part.group(1) in chosen):
            objects.update(part.group(2).split())
    return objects


def check(top):
    chosen = options(top)
    objects = built(top, chosen)
    yield from check_depends(top, chosen)
    suites = glob.glob(os.path.join(top, DRIVER, "tests/*_kunit.c"))
    if not suites:
        yield f"{DRIVER}/tests: no suites"
    for path in sorted(suites):
        name = os.path.relpath(path, os.path.join(top, DRIVER))
        if name[:-1] + "o" not in objects:
            yield f"{DRIVER}/.kunitconfig does not build {name}"
        if not re.search(r"^(kunit_test_suites?|TEST_BOTH_WAYS)\(", read(top, name), re.M):
            yield f"{DRIVER}/{name} has no suite"


def main():
    errors = list(check(TOP))
    for error in errors:
        print(error)
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
