#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Check that includes between the files of iommufd only point down.

The order is in layers.txt. Tests stand above everything and may include what
they like, but nobody includes them.
"""
import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
DRIVER = os.path.join(os.path.dirname(HERE), "drivers/iommu/iommufd")
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


def check(path, place):
    """Yield what is wrong with the includes of one file."""
    name = os.path.splitext(os.path.basename(path))[0]
    if name not in place:
        yield f"{path}: is in no layer, add it to scripts/layers.txt"
        return
    level, component = place[name]
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            found = INCLUDE.match(line)
            if not found or found.group(1).startswith("../"):
                continue
            other = os.path.splitext(found.group(1))[0]
            if other not in place:
                yield f"{path}:{number}: {found.group(1)} is in no layer"
            elif place[other][1] != component and place[other][0] >= level:
                yield (f"{path}:{number}: {found.group(1)} is not in a layer "
                       f"below {name}")


def main():
    place = read_layers()
    files = sorted(glob.glob(os.path.join(DRIVER, "*.[ch]")))
    errors = [e for path in files for e in check(path, place)]
    known = {os.path.splitext(os.path.basename(f))[0] for f in files}
    errors += [f"scripts/layers.txt: {name} does not exist"
               for name in place if name not in known]
    for error in errors:
        print(error.replace(os.path.dirname(HERE) + "/", ""))
    sys.exit(1 if errors or not files else 0)


if __name__ == "__main__":
    main()
