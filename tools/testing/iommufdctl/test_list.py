# SPDX-License-Identifier: GPL-2.0-only
"""list and show: who has iommufds open, as text and as JSON."""
import os
import random
import time

from harness import contains, equal

HEAD = "pos:\t0\nflags:\t02100002\nmnt_id:\t15\nino:\t4\n"
FDINFO = HEAD + """\
iommufd-context:\t7
iommufd-objects:\tioas 2 hwpt-paging 2 hwpt-nested 0 device 3 access 1 fault-queue 0
iommufd-charge:\tpid 812 mode process limit yes pages 1024 later words
iommufd-charge:\tpid 0 mode none limit no pages 16
iommufd-ioas:\t1 areas 3 mapped-bytes 4194304 domains 1 device-pages 1024 access-pages 5
iommufd-ioas:\t2 areas 0 mapped-bytes 0 domains 1 device-pages 0 access-pages 0
iommufd-device:\t3 name 0000:00:04.0 ioas 1 hwpt 4
iommufd-device:\t5 name 0000:00:05.0 ioas 1 hwpt 4
iommufd-device:\t6 name 0000:00:06.0 detached
iommufd-news:\tsomething of a later kernel
iommufd-omitted:\tioas 9 device 0 charge 0
"""
EMPTY = HEAD + "iommufd-context:\t8\niommufd-objects:\tioas 0\n"

AREA = ("context={} ioas=1 iova={:#x} last={:#x} rights={} state=live "
        "content=filled pages=4 accesses=0 one-run=1 memory-pages=4 "
        "memory-pinned=4 memory-chunks=0\n")
AREAS = (AREA.format(6, 0, 0xfff, "r") + AREA.format(7, 0x1000, 0x4fff, "rw") +
         AREA.format(7, 0xfffffffffffff000, 0xffffffffffffffff, "r"))


def squeeze(text):
    """Lines without what aligns them."""
    return [" ".join(line.split()) for line in text.splitlines()]


def nobody_has_one(case):
    case.machine.process(812)
    out = case.run("list")
    equal((out.status, out.text), (0, "No process has an iommufd open.\n"))
    equal(case.run("list", "--json").json()["contexts"], [])


def list_as_text(case):
    case.machine.process(812, "edu-vmm\n", {3: FDINFO, 11: EMPTY, 5: FDINFO})
    case.machine.process(99, "other", {0: EMPTY.replace("\t8", "\t2")})
    out = case.run("list")
    equal(out.status, 0)
    equal(squeeze(out.text), [
        "PID PROGRAM FD CONTEXT AREAS MAPPED PINNED CHARGED",
        "99 other 0 2 0 0 B 0 B 0 B",
        "812 edu-vmm 3 5 7 3 4.0 MiB 4.1 MiB 4.0 MiB",
        "page table 4 of IOAS 1 0000:00:04.0 0000:00:05.0",
        "detached 0000:00:06.0",
        "812 edu-vmm 11 8 0 0 B 0 B 0 B"])


def columns_are_aligned(case):
    case.machine.process(812, "edu-vmm", {3: FDINFO})
    case.machine.process(9, "r\u00e9\u00e9", {3: EMPTY})
    head, *lines = case.run("list").text.splitlines()
    column = head.index("FD")
    for line in lines:
        if not line.startswith(" "):
            equal((line[column - 1], line[column]), (" ", "3"), line)


def list_as_json(case):
    case.machine.process(812, "edu-vmm\n", {3: FDINFO, 5: FDINFO})
    out = case.run("--json", "list")
    equal(out.status, 0)
    found, = out.json()["contexts"]
    equal((found["pid"], found["program"], found["fds"], found["context"]),
          (812, "edu-vmm", [3, 5], 7))
    equal(found["objects"], {"ioas": 2, "hwpt-paging": 2, "hwpt-nested": 0,
                             "device": 3, "access": 1, "fault-queue": 0})
    equal(found["charges"], [
        {"pid": 812, "mode": "process", "limited": True, "pages": 1024},
        {"pid": None, "mode": "none", "limited": False, "pages": 16}])
    equal(found["ioas"][0], {"id": 1, "areas": 3, "mapped_bytes": 4194304,
                             "page_tables": 1, "device_pages": 1024,
                             "access_pages": 5})
    equal(found["devices"], [
        {"id": 3, "name": "0000:00:04.0", "state": "attached", "ioas": 1,
         "hwpt": 4},
        {"id": 5, "name": "0000:00:05.0", "state": "attached", "ioas": 1,
         "hwpt": 4},
        {"id": 6, "name": "0000:00:06.0", "state": "detached"}])
    equal(found["omitted"], {"ioas": 9, "device": 0, "charge": 0})
    equal((found["areas"], found["pinned_pages"], found["charged_pages"]),
          (3, 1040, 1024))


def a_container_is_an_iommufd(case):
    case.machine.process(812, "dpdk", {3: EMPTY}, "/dev/vfio/vfio")
    equal(len(case.run("list", "--json").json()["contexts"]), 1)


def other_files_are_not(case):
    """Neither by their names nor by what fdinfo says."""
    case.machine.process(812, "dpdk", {3: HEAD, 4: ""}, "/dev/vfio/vfio")
    case.machine.process(813, "dpdk", {3: EMPTY}, "/home/text")
    equal(case.run("list", "--json").json()["contexts"], [])


def processes_of_others_are_counted(case):
    """Kernel threads are not, which have no command line."""
    case.machine.process(812)
    case.machine.process(2, "kthreadd")
    case.machine.write("/proc/2/cmdline", "")
    for pid in (812, 2):
        os.chmod(case.machine.path(f"/proc/{pid}/fd"), 0)
    if os.getuid() == 0:
        return      # root may look at all
    equal(case.run("list", "--json").json()["hidden_processes"], 1)
    contains(case.run("list").text, "1 process is somebody else's")
    out = case.run("show", "812")
    equal(out.status, 3)
    contains(out.error, "try as root")


def names_may_be_anything(case):
    """Valid JSON, and nothing for a terminal to obey."""
    name = b"\x1b[2J\"\\\xff\xc3\xa9\xc0\x80\xe2\x82\x01"
    case.machine.process(812, name, {3: FDINFO})
    found, = case.run("list", "--json").json()["contexts"]
    equal(found["program"], "?[2J\"\\\ufffd\u00e9\ufffd\ufffd\ufffd\ufffd?")
    text = case.run("list").text
    equal([c for c in text if ord(c) < 32 and c != "\n"], [])


def fdinfo_may_be_anything(case):
    """What a later kernel might say: nothing breaks, and JSON is valid."""
    dice = random.Random(1)
    whole = FDINFO.encode()
    for _ in range(25):
        text = bytearray(whole[:dice.randrange(len(whole) + 1)])
        for _ in range(dice.randrange(20)):
            if text:
                text[dice.randrange(len(text))] = dice.randrange(256)
        case.machine.process(812, "x", {3: bytes(text)})
        out = case.run("list", "--json")
        equal((out.status, out.error), (0, ""), repr(text))
        out.json()


def many_objects(case):
    more = "".join(f"iommufd-ioas:\t{i} areas 1 mapped-bytes 4096\n"
                   for i in range(100, 300))
    case.machine.process(812, "x", {3: FDINFO + more})
    found, = case.run("list", "--json").json()["contexts"]
    equal((len(found["ioas"]), found["areas"]), (202, 203))


def show_as_text(case):
    case.machine.process(812, "edu-vmm", {3: FDINFO})
    out = case.run("show", "812")
    equal((out.status, out.error), (0, ""))
    equal(squeeze(out.text), [
        "process 812 edu-vmm, file descriptor 3, context 7",
        "ioas hwpt-paging hwpt-nested device access fault-queue",
        "2 2 0 3 1 0",
        "PAYS PROGRAM PINNED MODE LIMIT",
        "812 edu-vmm 4.0 MiB process 8.0 MiB",
        "gone - 64.0 KiB none none",
        "IOAS AREAS MAPPED PAGE TABLES FOR DEVICES FOR DRIVERS",
        "1 3 4.0 MiB 1 4.0 MiB 20.0 KiB",
        "2 0 0 B 1 0 B 0 B",
        "DEVICE NAME IOAS PAGE TABLE",
        "3 0000:00:04.0 1 4",
        "5 0000:00:05.0 1 4",
        "6 0000:00:06.0 - detached",
        "and 9 more of type ioas, which the kernel does not list"])


def show_areas(case):
    case.machine.process(812, "edu-vmm", {3: FDINFO})
    case.machine.write("/sys/kernel/debug/iommufd/areas", AREAS)
    out = case.run("show", "812", "--areas")
    equal(out.status, 0)
    contains(squeeze(out.text), "1 0x1000-0x4fff rw live filled 4 4")
    found, = case.run("show", "812", "--areas", "--json").json()["contexts"]
    equal([(a["iova"], a["last"], a["rights"]) for a in found["area_list"]],
          [("0x1000", "0x4fff", "rw"),
           ("0xfffffffffffff000", "0xffffffffffffffff", "r")])


def many_areas(case):
    """As many as a container may have, in the time for a few."""
    case.machine.process(812, "edu-vmm", {3: FDINFO})
    case.machine.write("/sys/kernel/debug/iommufd/areas", "".join(
        AREA.format(7, i << 12, (i << 12) | 0xfff, "rw") for i in range(65535)))
    started = time.monotonic()
    equal(case.run("show", "812", "--areas").text.count(" live "), 65535)
    equal(time.monotonic() - started < 60, True)


def show_areas_without_debugfs(case):
    case.machine.process(812, "edu-vmm", {3: FDINFO})
    out = case.run("show", "812", "--areas", "--json")
    equal(out.status, 3)
    equal(len(out.json()["contexts"]), 1)
    contains(out.error, "/sys/kernel/debug/iommufd: No such file")


def show_says_that_there_is_none(case):
    case.machine.process(812)
    out = case.run("show", "812")
    equal((out.status, out.text), (1, ""))
    contains(out.error, "process 812 has no iommufd open")
    out = case.run("show", "812", "--json")
    equal((out.status, out.json()["contexts"]), (1, []))


def show_of_nobody(case):
    out = case.run("show", "5")
    equal((out.status, out.text), (3, ""))
    contains(out.error, "there is no process 5")
    for wrong in ("x", "-1", "0", "5x", "99999999999"):
        equal(case.run("show", "--", wrong).status, 2, wrong)


def without_proc(case):
    case.machine.remove("/proc")
    equal(case.run("list").status, 3)


TESTS = (nobody_has_one, list_as_text, columns_are_aligned, list_as_json,
         a_container_is_an_iommufd, other_files_are_not,
         processes_of_others_are_counted, names_may_be_anything,
         fdinfo_may_be_anything, many_objects, show_as_text, show_areas,
         many_areas, show_areas_without_debugfs, show_says_that_there_is_none,
         show_of_nobody, without_proc)
