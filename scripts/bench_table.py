# SPDX-License-Identifier: GPL-2.0-only
"""What the benchmark prints: tables of its results as text."""
import statistics

import plot
from bench_guest import COLUMNS
from bench_trace import FLOOR_PARTS, PROGRAM

# Columns that are divided by each other.
STOCK_PAIR = ("ours", "type1")
LEAN_PAIR = ("lean", "base")
AMD_PAIR = ("amd", "amd-type1")
PAIRS = (STOCK_PAIR, LEAN_PAIR, AMD_PAIR)

# Of the parts that are no floor; what is in none of them is "other".
REST_PARTS = ("iommufd", "IOMMU core", "memory", "lib", "locks, tasks",
              "system call", PROGRAM)


# The work of a step, beside the locks of chapter "locks". And locks that attaches
# take to exclude each other.
LOCKS_LIMIT = "256 areas"
LOCKS_OF_ATTACHES = ("&ioas->mutex", "&group->lock")


def number(value):
    """As many digits as say something."""
    if value is None:
        return "-"
    if abs(value) >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.2f}"


def label(work, x):
    """A work, or a point of its curve."""
    return work if x is None else f"{work}, {plot.short(x)}"


def rows(results, targets):
    """One dictionary for each work, or point of a curve.

    What stands beside each other was measured with the same kernel, or with two
    that differ in nothing but their iommufd.
    """
    order = dict.fromkeys(key for c in results for key in results[c])
    table = []
    for work, x in order:
        row = {"work": work, "x": x,
               "target": targets.get(work if x is None else (work, x))}
        for column, values in results.items():
            if (work, x) in values:
                row[column], row["unit"] = values[work, x]
        for own, other in PAIRS:
            if row.get(own) is not None and row.get(other):
                row[f"{own}/{other}"] = row[own] / row[other]
        if row["target"] is not None and "ours" in row:
            row["verdict"] = ("met" if row["ours"] <= row["target"]
                              else "MISSED")
        table.append(row)
    return table


def judge_floors(table, samples, small):
    """Tell what no iommufd can reach from what ours does not.

    Samples are by label. Of huge pages the floor says nothing about others: who
    pins a huge page at once has a lower one. So it is an excuse only for the
    labels in small, where each page has to be pinned and mapped by itself.
    """
    for row in table:
        name = label(row["work"], row["x"])
        if name not in samples or row.get("verdict") != "MISSED":
            continue
        row["floor"] = samples[name].floor_each()
        if name in small and row["floor"] > row["target"]:
            row["verdict"] = "FLOOR"


def shown(table):
    """The rows without what lies between the ends of a curve, which one pair of
    columns may reach earlier; those with a target come first."""
    curves = {}
    for row in table:
        for pair in PAIRS:
            if row["x"] is not None and any(c in row for c in pair):
                curves.setdefault((row["work"], pair), []).append(row["x"])
    ends = {(work, x) for (work, _), points in curves.items()
            for x in (min(points), max(points))}
    rest = [row for row in table
            if row["x"] is None or (row["work"], row["x"]) in ends]
    return sorted(rest, key=lambda row: row["target"] is None)


def print_table(lines, left=1):
    """Columns of text, the first ones aligned to the left."""
    widths = [max(len(line[i]) for line in lines)
              for i in range(len(lines[0]))]
    for line in lines:
        text = [cell.ljust(width) if i < left else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths))]
        print("  ".join(text).rstrip())


def show(table):
    """The results."""
    stock, lean = pair_cells(*STOCK_PAIR), pair_cells(*LEAN_PAIR)
    lines = [["work", "unit", *stock, "target", "", *lean]]
    for row in shown(table):
        lines.append([label(row["work"], row["x"]), row["unit"],
                      *(number(row.get(c)) for c in stock),
                      number(row["target"]) if row["target"] else "",
                      row.get("verdict", ""),
                      *(number(row.get(c)) for c in lean)])
    print("\nInstructions that the guest executes, or bytes. They repeat from "
          "run to run and are\nneither cycles nor seconds. Smaller is better. "
          "Ours and type1: on the distribution's\nkernel, as it comes. Lean: "
          "ours in a small kernel, and base: that kernel with its own\niommufd. "
          "All programs run in a memory control group.\n")
    print_table(lines, left=2)


def show_amd(table):
    """The results with the other IOMMU."""
    lines = [["work", "unit", "ours", "type1", "ours/type1"]]
    for row in shown(table):
        if any(c in row for c in AMD_PAIR):
            lines.append([label(row["work"], row["x"]), row["unit"],
                          *(number(row.get(c))
                            for c in pair_cells(*AMD_PAIR))])
    if len(lines) > 1:
        print("\nThe distribution's kernel once more, with an emulated AMD-Vi "
              "in the place of VT-d.\n")
        print_table(lines, left=2)


def pair_cells(own, other):
    """Two columns and their ratio, as rows() names them."""
    return [own, other, f"{own}/{other}"]


def breakdown_cells(sample):
    """The parts of a sample in the order of the columns."""
    parts = sample.parts()
    floor = sample.floor_each()
    each = sample.total() / sample.count
    known = [parts.get(part, 0) for part in (*FLOOR_PARTS, *REST_PARTS)]
    return [each, floor, *known[:len(FLOOR_PARTS)], each - floor,
            *known[len(FLOOR_PARTS):], each - sum(known)]


def show_breakdown(table, samples):
    """Where the instructions of missed rows go."""
    missed = [row for row in table
              if label(row["work"], row["x"]) in samples]
    if not missed:
        return
    print("\nWhere the instructions of these rows go, by ours on the "
          "distribution's kernel, in a\nsmaller piece of the same work.\n"
          "= floor: from call to return of the functions that pin and unpin "
          "pages (GUP) and of\nthe IOMMU driver's map, unmap, lookup and "
          "flush. + above: the rest, by the part of\nthe kernel that an "
          "instruction is in. FLOOR in the table: each 4 KiB page has to be\n"
          "pinned and mapped by itself, and that alone is more than the "
          "target.\n")
    lines = [["work", "unit", "target", "ours", "= floor", *FLOOR_PARTS,
              "+ above", *REST_PARTS, "other"]]
    for row in missed:
        name = label(row["work"], row["x"])
        lines.append([name, row["unit"], number(row["target"]),
                      *map(number, breakdown_cells(samples[name]))])
    print_table(lines, left=2)


def lock_rows(values):
    """One dictionary for each lock that a work takes: {(work, x): (value, unit)}.

    A work that did not come to its end has no limit, and is left out.
    """
    table, limits = [], {}
    for (name, _), (value, _) in values.items():
        _, work, what = name.split(": ")
        if what == LOCKS_LIMIT:
            limits[work] = value
        else:
            table.append({"work": work, "lock": what, "longest": value})
    table = [row for row in table if row["work"] in limits]
    for row in table:
        row["limit"] = limits[row["work"]]
        if row["lock"] not in LOCKS_OF_ATTACHES:
            row["verdict"] = ("met" if row["longest"] <= row["limit"]
                              else "MISSED")
    return table


def show_locks(table):
    """The rows of lock_rows()."""
    if not table:
        return
    print("\nThe longest time that any lock of an IOAS was held, in "
          "instructions, with a million\nareas of 4 KiB; and what the same work "
          "costs for 256 areas, which no lock should be\nheld for. Ours, in a "
          "kernel that writes this down, which is several times slower.\n"
          f"No verdict: {' and '.join(LOCKS_OF_ATTACHES)} are held for as long "
          "as an attach\ntakes, but no map or unmap needs them. &xa->xa_lock: "
          "of any xarray.\n")
    print_table([["work", "lock", "longest", "256 areas", ""]] +
                [[row["work"], row["lock"], number(row["longest"]),
                  number(row["limit"]), row.get("verdict", "")]
                 for row in table], left=2)


def spread(ratios):
    """Median, least and most of some ratios."""
    if not ratios:
        return "-"
    return (f"{statistics.median(ratios):.2f} "
            f"({min(ratios):.2f}..{max(ratios):.2f})")


def show_threads(threads):
    """What a second thread adds: {work: {column: [ratio...]}}."""
    if not threads:
        return
    print("\nTwo threads on two processors in one address space: their "
          "throughput divided by\nthat of one thread, median and range. 2 is "
          "perfect, 1 means that they take turns. In\nguests without the "
          "counting clock, so these figures depend on what else the host "
          "does:\ncompare with the first row, where the two share "
          "nothing.\n")
    shown_columns = [c for c in COLUMNS
                     if any(c in columns for columns in threads.values())]
    print_table([["work", *shown_columns]] +
                [[work, *(spread(columns.get(c, [])) for c in shown_columns)]
                 for work, columns in threads.items()])
