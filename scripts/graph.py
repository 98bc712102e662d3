#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Draw who includes and who calls whom in iommufd, and print figures about it.

Four pictures in build/graph: includes and calls, by folder and by file. What is
higher knows what is lower; an arrow that goes up is red. Tests are left out, as
they know everything. Needs graphviz, and compiles the driver.
"""
import collections
import os
import subprocess

import figures
import layers

OUT = os.path.join(layers.TOP, "build/graph")
HEADER = """digraph "{name}" {{
  rankdir=TB; ranksep=0.6; nodesep=0.15; newrank=true; label="{name}";
  node [shape=box, style="rounded,filled", fillcolor=white, fontsize=10,
        fontname=sans, height=0.25];
  edge [arrowsize=0.5, color="#00000060"];
"""


def quote(name):
    return '"' + name.replace('"', r"\"") + '"'


def title(folder):
    return folder + "/"


class Picture:
    """A graph in the language of dot."""

    def __init__(self, name, floors):
        self.name, self.floors = name, floors
        self.lines = [HEADER.format(name=name)]

    def cluster(self, folder, units):
        """A box, with a point above and one below all that is in it."""
        ends = [quote(f"{end} {folder}") for end in ("top", "bottom")]
        self.lines.append(f"  subgraph {quote('cluster ' + folder)} {{ "
                          f"label={quote(title(folder))}; style=filled; "
                          f'color="#e8eef4";')
        self.lines += [f"    {end} [shape=point, style=invis, height=0];"
                       for end in ends]
        for unit in units:
            self.lines.append(f"    {quote(unit)} "
                              f"[label={quote(os.path.basename(unit))}];")
            self.lines.append(f"    {ends[0]} -> {quote(unit)} -> {ends[1]} "
                              f"[style=invis];")
        self.lines.append("  }")

    def stack(self, folders):
        """Each folder stands on those of the next floor."""
        levels = sorted({self.floors[f] for f in folders}, reverse=True)
        for upper, lower in zip(levels, levels[1:]):
            self.lines += [f"  {quote('bottom ' + above)} -> "
                           f"{quote('top ' + below)} [style=invis];"
                           for above in folders if self.floors[above] == upper
                           for below in folders if self.floors[below] == lower]

    def edge(self, origin, target, up, weight=None):
        extra = f', label={quote(str(weight))}, fontsize=9' if weight else ""
        colour = ", color=red, constraint=false" if up else ""
        self.lines.append(f"  {quote(origin)} -> {quote(target)} "
                          f'[tooltip={quote(origin + " to " + target)}'
                          f"{extra}{colour}];")

    def write(self):
        os.makedirs(OUT, exist_ok=True)
        path = os.path.join(OUT, self.name.replace(" ", "-") + ".svg")
        subprocess.run(["dot", "-Tsvg", "-o", path], check=True, text=True,
                       input="\n".join([*self.lines, "}"]) + "\n")
        return os.path.relpath(path, layers.TOP)


def goes_up(floors, origin, target):
    return origin != target and floors[origin] <= floors[target]


def draw_files(name, tree, arrows):
    floors = tree.floors()
    picture = Picture(name, floors)
    folders = collections.defaultdict(list)
    for unit in tree.units:
        if unit not in layers.BELONGS_TO_NO_LAYER and \
           layers.folder_of(unit) != "tests":
            folders[layers.folder_of(unit)].append(unit)
    for folder in sorted(folders, key=floors.get, reverse=True):
        picture.cluster(folder, folders[folder])
    picture.stack(folders)
    for origin, target in sorted(arrows):
        picture.edge(origin, target,
                     goes_up(floors, layers.folder_of(origin),
                             layers.folder_of(target)))
    return picture.write()


def draw_folders(name, tree, arrows):
    """With the number of pairs of files on each arrow."""
    floors = tree.floors()
    picture = Picture(name, floors)
    counts = collections.Counter((layers.folder_of(origin),
                                  layers.folder_of(target))
                                 for origin, target in arrows)
    for (origin, target), count in sorted(counts.items()):
        if origin != target:
            picture.edge(title(origin), title(target),
                         goes_up(floors, origin, target), count)
    return picture.write()


def pairs(tree, arrows):
    """(origin, target) once each, without tests and what is no file of ours."""
    return {(a.origin, a.target) for a in arrows
            if a.target in tree.units and a.target != a.origin and
            a.target not in layers.BELONGS_TO_NO_LAYER and
            layers.folder_of(a.origin) != "tests"}


def compile_driver():
    """As "make check" does, so that neither undoes what the other has done."""
    subprocess.run([os.path.join(layers.TOP, "scripts/kernel.sh"), "check",
                    "W=1", "KBUILD_MODPOST_WARN=1", "drivers/iommu/iommufd/"],
                   check=True)


def main():
    compile_driver()
    tree = layers.Tree()
    for kind, arrows in (("includes", tree.includes()),
                         ("calls", tree.calls())):
        known = pairs(tree, arrows)
        print(draw_folders(f"{kind} by folder", tree, known))
        print(draw_files(f"{kind} by file", tree, known))
    print("\n".join(figures.figures(tree)))


if __name__ == "__main__":
    main()
