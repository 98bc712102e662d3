#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compare the cost of our iommufd with the base's own and with VFIO's type1.

Builds the same lean kernel twice, with our iommufd and with the base's, boots
them in QEMU with an emulated VT-d, and runs one program for all three
(tools/testing/selftests/iommu/bench.c). Results: a table, build/bench/bench.json
and plots beside it. The exit status is 0 when every target is met. Name
chapters of the program as arguments to run only those.
"""
import concurrent.futures
import json
import os
import subprocess
import sys

import guest
import plot

OUT = os.path.join(guest.BUILD, "bench")
SELFTESTS = os.path.join(guest.TOP, "tools/testing/selftests/iommu")
PROGRAM = os.path.join(guest.BUILD, "selftests/bench")
DRIVER = os.path.join(SELFTESTS, "bench_access")
WORKERS = int(os.environ.get("JOBS") or os.cpu_count() or 1)

# Kernel: its source and, by name of the result, the interface to measure. VFIO
# with its type1 is the same in both.
KERNELS = {
    "bench-ours": ("linux", {"ours": "iommufd", "type1": "type1"}),
    "bench-base": ("linux-base", {"base": "iommufd"}),
}
COLUMNS = ("ours", "base", "type1")

# Takes as long as all others together.
LONG_CHAPTER = "by-areas"
CHAPTERS = ("kinds", "gigantic", "16gib", "pair", "4000", "anywhere", "viommu",
            "domains", "access", "usage", "by-size", LONG_CHAPTER)

# Memory for one page of 1 GiB, 256 MiB of 2 MiB pages with a few to spare, and
# what a million areas take; as many areas as anybody likes for type1.
MEMORY = 4096
APPEND = ("nokaslr norandmaps hugepagesz=1G hugepages=1 hugepagesz=2M "
          "hugepages=136 vfio_iommu_type1.dma_entry_limit=4000000")

ANYWHERE = "map one more among areas at automatic IOVA"

# Instructions, or bytes, that a result may be at most; by work, or by work and
# place on a curve.
TARGETS = {
    "map scattered 4 KiB pages": 400,
    "unmap scattered 4 KiB pages": 160,
    "map transparent huge pages": 15,
    "unmap transparent huge pages": 2,
    "map hugetlb": 3,
    "unmap hugetlb": 2,
    "map memfd on hugetlb": 3,
    "unmap memfd on hugetlb": 2,
    "map hugetlb of 1 GiB": 3,
    "unmap hugetlb of 1 GiB": 2,
    "map 16 GiB of IOVA, hugetlb": 3,
    "unmap 16 GiB of IOVA, hugetlb": 2,
    "one 4 KiB map and unmap at a fixed IOVA": 5000,
    "map 4000 areas of 4 KiB": 3000,
    "map 4000 areas at automatic IOVA": 4000,
    (ANYWHERE, 1000): 4000,
    (ANYWHERE, 1000000): 4000,
    "unmap 4000 areas of 4 KiB in one call": 1500,
    "memory for objects, 16 GiB of hugetlb": 1024,
}

PLOTS = {
    "areas.svg": ("Cost of one more area of 4 KiB", "areas in the IOAS",
                  "instructions", ("map one more among areas",
                                   "unmap one among areas", ANYWHERE)),
    "size-hugetlb.svg": ("Cost of one call, huge pages of 2 MiB", "bytes",
                         "instructions", ("map by size, hugetlb",
                                          "unmap by size, hugetlb")),
    "size-small.svg": ("Cost of one call, scattered pages of 4 KiB", "bytes",
                       "instructions",
                       ("map by size, scattered 4 KiB pages",
                        "unmap by size, scattered 4 KiB pages")),
}


def must_run(command, **environment):
    """Run a step of the build, which says itself what went wrong."""
    done = subprocess.run(command, env={**os.environ, **environment},
                          stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        sys.exit(f"error: {' '.join(command[:3])} failed")


def build_driver(kernel, tree):
    """The driver for the in-kernel side, in a directory of its own."""
    source = os.path.join(OUT, kernel)
    os.makedirs(source, exist_ok=True)
    for name in os.listdir(DRIVER):
        link = os.path.join(source, name)
        if not os.path.lexists(link):
            os.symlink(os.path.join(DRIVER, name), link)
    must_run([os.path.join(guest.TOP, "scripts/kernel.sh"), kernel,
              "M=" + source, "modules"], TREE=tree, FRAGMENT="bench")
    return os.path.join(source, "bench_access.ko")


def build():
    """Both kernels with the driver, and the program."""
    os.makedirs(OUT, exist_ok=True)
    for kernel, (tree, _) in KERNELS.items():
        must_run([os.path.join(guest.TOP, "scripts/kernel.sh"), kernel,
                  "vmlinux", "modules"], TREE=tree, FRAGMENT="bench")
        build_driver(kernel, tree)
    must_run(["make", "-s", "-C", SELFTESTS, "Q=@", "msg=",
              "OUTPUT=" + os.path.dirname(PROGRAM), PROGRAM])


def machine(kernel, name):
    """A guest that counts instructions."""
    g = guest.Guest(os.path.join(guest.BUILD, kernel, "vmlinux"), name)
    g.iommu, g.edu, g.memory, g.timeout = "vtd", 2, MEMORY, 3600
    g.icount, g.cpus = True, 1
    g.append = APPEND
    g.files = [(PROGRAM, "/guest/bench")]
    g.modules = [os.path.join(OUT, kernel, "bench_access.ko")]
    return g


def parse(output):
    """{(work, x): (value, unit)}, x is None for what is no point of a curve."""
    results = {}
    for line in output.splitlines():
        fields = line.split("\t")
        if len(fields) >= 3:
            x = int(fields[3]) if len(fields) > 3 else None
            results[fields[0], x] = (float(fields[1]), fields[2])
    return results


def run(kernel, column, interface, chapters):
    """Results of some chapters."""
    g = machine(kernel, f"bench-{column}-{chapters[0]}")
    result = g.run(f"bench {interface} {' '.join(chapters)}")
    print(f"{column}: {' '.join(chapters)}: {result.seconds:.0f} s",
          flush=True)
    if guest.report(result, g.name):
        sys.exit(f"error: {g.name}: see build/logs/{g.name}*.log")
    return column, parse(result.output)


def run_all(chapters):
    """{column: what parse() returns}; the longest guests start first."""
    shares = [[c for c in chapters if c == LONG_CHAPTER],
              [c for c in chapters if c != LONG_CHAPTER]]
    jobs = [(kernel, column, interface, share)
            for share in shares if share
            for kernel, (_, columns) in reversed(KERNELS.items())
            for column, interface in columns.items()]
    results = {column: {} for column in COLUMNS}
    print(f"{len(jobs)} guests, {WORKERS} at a time", flush=True)
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for future in [pool.submit(run, *job) for job in jobs]:
            column, values = future.result()
            results[column].update(values)
    return results


def rows(results):
    """One dictionary for each work, or point of a curve."""
    order = dict.fromkeys(key for c in COLUMNS for key in results[c])
    table = []
    for work, x in order:
        row = {"work": work, "x": x,
               "target": TARGETS.get(work if x is None else (work, x))}
        for column in COLUMNS:
            if (work, x) in results[column]:
                row[column], row["unit"] = results[column][work, x]
        for other in COLUMNS[1:]:
            if row.get("ours") is not None and row.get(other):
                row["ours/" + other] = row["ours"] / row[other]
        if row["target"] is not None and "ours" in row:
            row["met"] = row["ours"] <= row["target"]
        table.append(row)
    return table


def number(value):
    """As many digits as say something."""
    if value is None:
        return "-"
    if abs(value) >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.2f}"


def shown(table):
    """The rows without what lies between the ends of a curve."""
    ends = {}
    for row in table:
        if row["x"] is not None:
            ends.setdefault(row["work"], []).append(row["x"])
    return [row for row in table if row["x"] is None or
            row["x"] in (min(ends[row["work"]]), max(ends[row["work"]]))]


def show(table):
    """The table, as text."""
    head = ["work", "unit", *COLUMNS, "ours/base", "ours/type1", "target", ""]
    lines = [head]
    for row in shown(table):
        work = row["work"]
        if row["x"] is not None:
            work += f", {plot.short(row['x'])}"
        met = {True: "met", False: "MISSED", None: ""}[row.get("met")]
        lines.append([work, row["unit"],
                      *(number(row.get(c)) for c in head[2:7]),
                      number(row["target"]) if row["target"] else "", met])
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for line in lines:
        text = [cell.ljust(width) if i < 2 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths))]
        print("  ".join(text).rstrip())


def draw(results):
    """The plots: one line for each work and column."""
    for name, (title, x, y, works) in PLOTS.items():
        lines = []
        for work in works:
            for column in COLUMNS:
                points = [(at, value) for (name_at, at), (value, _)
                          in results[column].items()
                          if name_at == work and at is not None]
                if points:
                    lines.append((column, work, points))
        if lines:
            with open(os.path.join(OUT, name), "w", encoding="utf-8") as f:
                f.write(plot.svg(title, x, y, lines))


def main():
    chapters = sys.argv[1:] or list(CHAPTERS)
    unknown = [c for c in chapters if c not in CHAPTERS]
    if unknown:
        sys.exit(f"unknown chapter {unknown[0]}; there are: "
                 f"{' '.join(CHAPTERS)}")
    build()
    results = run_all(chapters)
    table = rows(results)
    with open(os.path.join(OUT, "bench.json"), "w", encoding="utf-8") as f:
        json.dump(table, f, indent=1)
    draw(results)
    print("\nInstructions that the guest executes, or bytes: the same in every "
          "run, and neither\ncycles nor seconds. Base is the base kernel's own "
          "iommufd. Smaller is better.\n")
    show(table)
    judged = [row["met"] for row in table if "met" in row]
    print(f"\n{sum(judged)} of {len(judged)} targets met; "
          "build/bench has bench.json and the plots")
    sys.exit(0 if all(judged) else 1)


if __name__ == "__main__":
    main()
