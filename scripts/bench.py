#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compare the cost of our iommufd with the base's own and with VFIO's type1.

Boots kernels in QEMU with an emulated VT-d and runs one program in all of them
(tools/testing/selftests/iommu/bench): the distribution's kernel, with our
modules and with VFIO's type1, and one lean kernel that is built twice, with our
iommufd and with the base's. Results: a table, where the instructions go in rows
that miss their target, how long locks are held, what a second thread adds;
build/bench/bench.json and plots beside it. The exit status is 0 when every guest
came to its end and every target is met, or is less than pinning and the IOMMU
driver alone take. Name chapters of the program as arguments to run only those.
"""
import concurrent.futures
import json
import os
import sys
import time

import bench_guest
import bench_profile
import bench_table
import guest
import plot
from bench_guest import COLUMNS, OUT

WORKERS = int(os.environ.get("JOBS") or os.cpu_count() or 1)
# Names of guests that went wrong.
FAILED = []

# On two processors, and with the host to itself.
THREADS_CHAPTER = "threads"
THREADS_PREFIX = "two threads: "
# In a kernel of its own.
LOCKS_CHAPTER = "locks"
CHAPTERS = ("kinds", "gigantic", "16gib", "files", "bars", "pair", "4000",
            "gaps", "anywhere", "viommu", "two-tables", "many", "domains",
            "access", "dirty", "invalidate", "fault", "usage", "by-size",
            "by-areas", "by-areas-100k", LOCKS_CHAPTER, THREADS_CHAPTER)
# Columns that a chapter is measured for, if not all with VT-d. type1 and the
# base have no counterpart for some; others show on the distribution's kernel
# nothing that they do not show on the lean one, or need a driver that it cannot
# have.
SOME = {
    "files": ("ours", "lean"),
    "bars": ("ours", "type1"),
    "two-tables": ("ours", "lean", "base"),
    "domains": ("lean", "base"),
    "access": ("ours", "lean", "base"),
    "dirty": ("lean", "base"),
    "invalidate": ("lean", "base"),
    "fault": ("lean", "base"),
    "by-areas": ("ours", "type1"),
    "by-areas-100k": ("lean", "base"),
    LOCKS_CHAPTER: ("locks",),
    THREADS_CHAPTER: ("ours", "type1", "base"),
}
# Also with AMD-Vi: where what the IOMMU driver does is much of the cost.
AMD = {"kinds", "pair", "4000", "gaps"}
# A guest each, and what its kernel is told: with this check, which makes no
# object larger, processors keep no free objects at hand that count as in use.
APART = {"bars": "", "by-areas": "", "dirty": "", "usage": " slab_debug=F"}

ANYWHERE = "map one more among areas at automatic IOVA"

# Instructions, or bytes, that a result may be at most on the distribution's
# kernel; by work, or by work and place on a curve. And the sample of chapter
# "profile" that shows where they go, if there is one.
TARGETS = {
    "map scattered 4 KiB pages": (400, "map-small"),
    "unmap scattered 4 KiB pages": (240, "unmap-small"),
    "map transparent huge pages": (15, "map-thp"),
    "unmap transparent huge pages": (2, "unmap-thp"),
    "map hugetlb": (3, "map-hugetlb"),
    "unmap hugetlb": (2, "unmap-hugetlb"),
    "map memfd on hugetlb": (3, "map-memfd"),
    "unmap memfd on hugetlb": (2, "unmap-memfd"),
    "map hugetlb of 1 GiB": (3, "map-gigantic"),
    "unmap hugetlb of 1 GiB": (2, "unmap-gigantic"),
    "map 16 GiB of IOVA, hugetlb": (3, "map-window"),
    "unmap 16 GiB of IOVA, hugetlb": (2, "unmap-window"),
    "one 4 KiB map and unmap at a fixed IOVA": (5000, "pair"),
    "map 4000 areas of 4 KiB": (3000, "map-each"),
    "map 4000 areas at automatic IOVA": (4000, "map-anywhere"),
    (ANYWHERE, 1000): (4000, "anywhere-1k"),
    (ANYWHERE, 1000000): (4000, "anywhere-1M"),
    "unmap 4000 areas of 4 KiB in one call": (1500, "unmap-each"),
    "unmap 4000 areas of 4 KiB in one call, every second page":
        (1500, "unmap-gaps"),
    "unmap 4000 areas of 4 KiB in one call, 60 KiB between them":
        (1500, "unmap-gaps"),
    "unmap 4000 areas of 4 KiB in one call, random IOVA": (1500, "unmap-gaps"),
    "access: pin one page, device attached, scattered 4 KiB pages":
        (900, "access-one"),
    "access: pin 256 MiB, device attached, scattered 4 KiB pages":
        (300, "access-all"),
    "memory for objects, 16 GiB of hugetlb": (1024, None),
}

# What may cost no more than another work: mapping files and BARs, with memory of
# a process that is as large.
RIVALS = {
    f"{call} {work}": f"{call} {rival}"
    for call in ("map", "unmap") for work, rival in (
        ("file of scattered 4 KiB pages", "scattered 4 KiB pages"),
        ("file of transparent huge pages", "transparent huge pages"),
        ("file on hugetlb", "memfd on hugetlb"),
        ("BAR of 256 MiB", "hugetlb of 256 MiB"),
        ("BAR of 16 GiB", "hugetlb of 16 GiB"))
}

# Samples in which each page stands for itself.
SMALL_PAGES = ("map-small", "unmap-small", "pair", "map-each", "map-anywhere",
               "anywhere-1k", "anywhere-1M", "unmap-each", "unmap-gaps",
               "access-one", "access-all")

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


def parse(output):
    """{(work, x): (value, unit)}, x is None for what is no point of a curve."""
    results = {}
    for line in output.splitlines():
        fields = line.split("\t")
        if len(fields) >= 3:
            x = int(fields[3]) if len(fields) > 3 else None
            results[fields[0], x] = (float(fields[1]), fields[2])
    return results


def columns_of(chapter):
    """The columns that a chapter is measured for."""
    return (SOME.get(chapter, ("ours", "type1", "lean", "base")) +
            (("amd", "amd-type1") if chapter in AMD else ()))


def run_guest(g, command):
    """What a guest printed. One that fails spoils the end and not the rest."""
    result = g.run(command)
    print(f"{g.name}: {result.seconds:.0f} s", flush=True)
    if guest.report(result, g.name):
        last = [line for line in result.output.splitlines() if line][-1:]
        print(f"error: {g.name}: {' '.join(last)}; see "
              f"build/logs/{g.name}*.log", file=sys.stderr, flush=True)
        FAILED.append(g.name)
    return parse(result.output)


def run(column, chapters):
    """Results of some chapters."""
    g, command = bench_guest.machine(column, f"bench-{column}-{chapters[0]}")
    g.append += APART.get(chapters[0], "")
    if "bars" in chapters:
        g.qemu = bench_guest.bar_devices()
    return column, run_guest(g, f"{command} {' '.join(chapters)}")


def shares(column, chapters):
    """The chapters of each guest for a column, the longest first."""
    own = [c for c in chapters if column in columns_of(c)]
    together = [c for c in own if c not in APART]
    return [share for share in [together, *[[c] for c in own if c in APART]]
            if share]


def run_all(chapters):
    """{column: what parse() returns}; the longest guests start first."""
    jobs = [(column, share) for column in COLUMNS
            for share in shares(column, chapters)]
    jobs.sort(key=lambda job: len(job[1]), reverse=True)
    results = {column: {} for column in COLUMNS}
    print(f"{len(jobs)} guests, {WORKERS} at a time", flush=True)
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for future in [pool.submit(run, *job) for job in jobs]:
            column, values = future.result()
            results[column].update(values)
    return results


def run_threads():
    """{work: {column: [ratio...]}}; one guest at a time."""
    threads = {}
    for column in columns_of(THREADS_CHAPTER):
        g, command = bench_guest.machine(column, "bench-threads-" + column)
        g.icount, g.cpus = False, 2
        results = run_guest(g, f"{command} {THREADS_CHAPTER}")
        for (work, _), (value, _) in results.items():
            name = work.removeprefix(THREADS_PREFIX)
            threads.setdefault(name, {}).setdefault(column, []).append(value)
    return threads


def targets(results):
    """What a result of ours may be at most, by work."""
    ours = results["ours"]
    most = {work: ours[rival, None][0] for work, rival in RIVALS.items()
            if (rival, None) in ours}
    return most | {work: target for work, (target, _) in TARGETS.items()}


def run_profiles(table):
    """Look at the rows that miss their targets; {label: sample}."""
    wanted = {}
    for row in table:
        key = row["work"] if row["x"] is None else (row["work"], row["x"])
        sample = TARGETS.get(key, (None, None))[1]
        if row.get("verdict") == "MISSED" and sample:
            name = bench_table.label(row["work"], row["x"])
            wanted[name] = sample
    if not wanted:
        return {}
    print(f"looking at {len(wanted)} rows that miss their targets", flush=True)
    bench_guest.build({"ours", "lean"})
    found, good = bench_profile.profile("ours", list(wanted.values()))
    if not good:
        print("error: not all was looked at, see build/logs/bench-profile-*",
              file=sys.stderr)
        FAILED.append("bench-profile")
    samples = {name: found[sample] for name, sample in wanted.items()
               if sample in found}
    bench_table.judge_floors(table, samples,
                             [name for name, sample in wanted.items()
                              if sample in SMALL_PAGES])
    return samples


def draw(results):
    """The plots: one line for each work and column."""
    for name, (title, x, y, works) in PLOTS.items():
        lines = []
        for work in works:
            for column, values in results.items():
                points = [(at, value) for (name_at, at), (value, _)
                          in values.items()
                          if name_at == work and at is not None]
                if points:
                    lines.append((column, work, points))
        if lines:
            with open(os.path.join(OUT, name), "w", encoding="utf-8") as f:
                f.write(plot.svg(title, x, y, lines))


def write(table, samples, locks, threads):
    """Everything for other programs."""
    everything = {
        "rows": table,
        "breakdown": {name: sample.as_dict()
                      for name, sample in samples.items()},
        "locks": locks,
        "threads": threads,
    }
    with open(os.path.join(OUT, "bench.json"), "w", encoding="utf-8") as f:
        json.dump(everything, f, indent=1)


def verdict(table):
    """Say how it ended; whether any target was missed."""
    judged = [row["verdict"] for row in table if "verdict" in row]
    floors = judged.count("FLOOR")
    print(f"\n{judged.count('met')} of {len(judged)} targets met, "
          f"{judged.count('MISSED')} missed" +
          (f", {floors} out of reach (FLOOR)" if floors else "") +
          "; build/bench has bench.json and the plots")
    if FAILED:
        print(f"not all was measured: {' '.join(FAILED)} failed")
    return "MISSED" in judged or bool(FAILED)


def main():
    started = time.monotonic()
    chapters = sys.argv[1:] or list(CHAPTERS)
    unknown = [c for c in chapters if c not in CHAPTERS]
    if unknown:
        sys.exit(f"unknown chapter {unknown[0]}; there are: "
                 f"{' '.join(CHAPTERS)}")
    bench_guest.build({column for c in chapters for column in columns_of(c)})
    results = run_all([c for c in chapters if c != THREADS_CHAPTER])
    locks = bench_table.lock_rows(results.pop("locks"))
    table = bench_table.rows(results, targets(results))
    samples = run_profiles(table)
    threads = run_threads() if THREADS_CHAPTER in chapters else {}
    write(table, samples, locks, threads)
    draw(results)
    if table:
        bench_table.show(table)
        bench_table.show_amd(table)
        bench_table.show_breakdown(table, samples)
    bench_table.show_locks(locks)
    bench_table.show_threads(threads)
    missed = verdict(table + locks)
    print(f"{time.monotonic() - started:.0f} s")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
