# SPDX-License-Identifier: GPL-2.0-only
"""trace: events in plain words, from what trace_pipe would have said."""
import json
import os
import re

from harness import contains, equal

HERE = os.path.dirname(os.path.abspath(__file__))
EVENTS = os.path.join(HERE, "../../../include/trace/events/iommufd.h")

REFUSED = """\
         edu-vmm-812     [001] .....   123.456789: iommufd_refuse: error=-17 reason=taken first=0x40000000 second=0x40003fff
         edu-vmm-812     [001] .....   123.456800: iommufd_ioctl_error: context=7 command=0x3b85 error=-17
"""
MAPPED = ("         edu-vmm-812     [001] .....   123.500000: iommufd_map: "
          "context=7 ioas=1 iova=0x1000 length=0x2000\n")


def trace(case, text, *arguments):
    out = case.run("trace", "--input", "-", *arguments, stdin=text.encode())
    equal((out.status, out.error), (0, ""))
    return out.text.splitlines()


def refuse(reason, first=0, second=0, error=22):
    return (f"  x-1  [000] .....  1.000001: iommufd_refuse: error=-{error} "
            f"reason={reason} first={first:#x} second={second:#x}\n")


def refusals_in_words(case):
    equal(trace(case, REFUSED), [
        "   123.456789  edu-vmm[812]  refused: IOVA 0x40000000-0x40003fff is "
        "mapped already (EEXIST, File exists)",
        "   123.456800  edu-vmm[812]  IOMMU_IOAS_MAP failed: EEXIST, File "
        "exists, context 7"])


def each_reason_has_words(case):
    """All that the kernel knows; one that it may know later is shown as it is."""
    with open(EVENTS, encoding="utf-8") as f:
        reasons = re.findall(r'EMe?\(IOMMUFD_REFUSE_\w+, "([\w-]+)"\)',
                             f.read())
    equal(len(reasons) > 15, True)
    for reason in reasons:
        line, = trace(case, refuse(reason, 0x1000, 0x2fff))
        contains(line, "refused: ")
        equal(f" {reason}," in line, False, reason)
    line, = trace(case, refuse("later", 1, 2))
    contains(line, "refused: later, 0x1, 0x2 (EINVAL, Invalid argument)")


def numbers_of_reasons(case):
    for reason, first, second, words in (
            ("alignment", 0x1001, 0x1000, "no multiple of 0x1000"),
            ("no-space", 0x40000000, 0x1000,
             "no free range has 1.0 GiB, aligned to 0x1000"),
            ("memlock-limit", 3, 2,
             "12.0 KiB more would be above 8.0 KiB, the limit of"),
            ("memory", 0x7f0000000000, 1,
             "4.0 KiB at address 0x7f0000000000 cannot be pinned"),
            ("vaddr-invalid", 0, 3,
             "refused: of 3 mappings the memory waits for a new address"),
            ("vaddr-invalid", 0x1000, 0x1fff,
             "IOVA 0x1000-0x1fff waits for a new address"),
            ("file-size", 0x3000, 0x1000,
             "the file ends at 0x1000, and was asked for up to 0x3000"),
            ("bar-away", 0x7f0000000000, 0x7f0000004000,
             "address 0x7f0000000000-0x7f0000003fff is a BAR that is not"),
            ("no-iommu", 0, 0, "refused: the device has no IOMMU (")):
        contains(trace(case, refuse(reason, first, second))[0], words)


def only_troubles_unless_all(case):
    equal(len(trace(case, MAPPED + REFUSED)), 2)
    lines = trace(case, MAPPED + REFUSED, "--all")
    equal(len(lines), 3)
    contains(lines[0], "maps IOVA 0x1000-0x2fff, 8.0 KiB, in IOAS 1 of context 7")


def each_event_has_words(case):
    with open(EVENTS, encoding="utf-8") as f:
        names = re.findall(r"^(?:DEFINE|TRACE)_EVENT\((?:\w+, )?(iommufd_\w+)",
                           f.read(), re.M)
    equal(len(names) > 14, True)
    for name in names:
        line, = trace(case, f" x-1 [000] ..... 1.000001: {name}: context=7\n",
                      "--all")
        equal(f"{name} context=7" in line, False, name)


def ioctls_have_names(case):
    """Those of the header, and others as numbers."""
    for number, name in (("0x3b80", "IOMMU_DESTROY"), ("0x3b92",
                         "IOMMU_IOAS_CHANGE_PROCESS"), ("0x3b71",
                         "VFIO_IOMMU_MAP_DMA"), ("0x1234", "ioctl 0x1234")):
        line, = trace(case, f" x-1 [000] ..... 1.000001: iommufd_ioctl_error: "
                      f"context=7 command={number} error=-22\n")
        contains(line, name + " failed: EINVAL")


def programs_may_be_called_anything(case):
    for name in ("a b", "x-3", "[001]", "a: iommufd_map: b", "<...>", "x-1 [2"):
        line, = trace(case, REFUSED.splitlines()[0].replace("edu-vmm", name)
                      + "\n")
        contains(line, f"  {name}[812]  refused: IOVA 0x40000000")


def heads_may_differ(case):
    """With a thread group, and without flags."""
    for head in ("  x-812   (    811) [001] .....  1.000002: ",
                 "  x-812   [001]  1.000002: ", "x-812 [001] d..1.  1.000002: "):
        line, = trace(case, head + "iommufd_refuse: error=-22 reason=taken "
                      "first=0x0 second=0x1\n", "--json")
        found = json.loads(line)
        equal(found["time_us"], 1000002, head)


def other_lines_are_skipped(case):
    equal(trace(case, "# tracer: nop\nCPU:1 [LOST 5 EVENTS]\n\n"
                "x-1 [000] 1.0: sched_switch: a=b\n: iommufd_x: \n"
                " iommufd_refuse: error=-1\n"), [])


def events_as_json(case):
    first, second = map(json.loads, trace(case, REFUSED, "--json"))
    equal((first["time_us"], first["pid"], first["program"], first["event"]),
          (123456789, 812, "edu-vmm", "iommufd_refuse"))
    equal(first["fields"], {"error": -17, "reason": "taken",
                            "first": "0x40000000", "second": "0x40003fff"})
    contains(first["words"], "is mapped already")
    equal(second["fields"]["context"], 7)


def count(case):
    equal(len(trace(case, REFUSED * 5, "--count", "3")), 3)


def colours(case):
    contains(trace(case, REFUSED, "--color=always")[0], "\033[1;31mrefused")


def without_tracefs(case):
    out = case.run("trace")
    equal(out.status, 3)
    contains(out.error, "mount -t tracefs none /sys/kernel/tracing")
    case.machine.write("/sys/kernel/tracing/instances/x/y", "")
    out = case.run("trace")
    equal(out.status, 3)
    contains(out.error, "no events of iommufd")
    equal(os.listdir(case.machine.path("/sys/kernel/tracing/instances")),
          ["x"])
    equal(case.run("trace", "--input", "/nothing/there").status, 3)


TESTS = (refusals_in_words, each_reason_has_words, numbers_of_reasons,
         only_troubles_unless_all, each_event_has_words, ioctls_have_names,
         programs_may_be_called_anything, heads_may_differ,
         other_lines_are_skipped, events_as_json, count, colours,
         without_tracefs)
