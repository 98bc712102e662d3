#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Check that includes between the files of iommufd only point down.

The order is in layers.txt. What tests/ has stands above everything and may
include what it likes, but nobody includes it.
"""
import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
DRIVER = os.path.join(os.path.dirname(HERE), "drivers/iommu/iommufd")
INTERFACES = {"iommufd_test"}    # with user space, belongs to no layer
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def read_layers():
    """name -> (layer counted from the bottom, component)"""
    with open(os.path.join(HERE, "layers.txt"), encoding="utf-8") as f:
        lines = [l.split() for l in f if l.strip() and not l.startswith("#")]
    place = {}
    for level, components in enumerate(reversed(lines)):
        for component in components:
            for name in component.split("+"):
                place[name] = (level, component)
    return place


def name_of(path):
    """What layers.txt calls a file, None for one of somebody else."""
    name = os.path.splitext(os.path.relpath(path, DRIVER))[0]
    return None if name.startswith("..") else name


def check(path, place):
    """Yield what is wrong with the includes of one file."""
    name = name_of(path)
    if name not in place:
        yield f"{path}: is in no layer, add it to scripts/layers.txt"
        return
    level, component = place[name]
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            beside = os.path.join(os.path.dirname(path), found.group(1))
            other = name_of(beside if os.path.exists(beside) else
                            os.path.join(DRIVER, found.group(1)))
            if not other or other in INTERFACES:
                continue
            if other not in place:
                yield f"{path}:{number}: {found.group(1)} is in no layer"
            elif place[other][1] != component and place[other][0] >= level:
                yield (f"{path}:{number}: {found.group(1)} is not in a layer "
                       f"below {name}")


def main():
    place = read_layers()
    files = [f for f in sorted(glob.glob(os.path.join(DRIVER, "**/*.[ch]"),
                                         recursive=True))
             if name_of(f) not in INTERFACES and
             not name_of(f).startswith("tests/")]
    errors = [e for path in files for e in check(path, place)]
    known = {name_of(f) for f in files}
    errors += [f"scripts/layers.txt: {name} does not exist"
               for name in place if name not in known]
    for error in errors:
        print(error.replace(os.path.dirname(HERE) + "/", ""))
    sys.exit(1 if errors or not files else 0)


if __name__ == "__main__":
    main()
