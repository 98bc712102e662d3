# SPDX-License-Identifier: GPL-2.0-only
"""watch: what has changed between two looks."""
import json
import signal
import subprocess

from harness import contains, equal
from test_list import EMPTY, FDINFO

FAST = ("--interval", "0.3")
CHANGED = FDINFO.replace("areas 3", "areas 4")


def start(case, *arguments):
    return subprocess.Popen(case.command("watch", *arguments),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True)


def read_page(watch):
    """Lines up to an empty one."""
    lines = []
    for line in watch.stdout:
        if line == "\n":
            break
        lines.append(line.rstrip("\n"))
    return lines


def two_pages(case, *arguments):
    """Pages before and after a change and a process that is new."""
    case.machine.process(812, "edu-vmm", {3: FDINFO})
    with start(case, "--count", "2", *FAST, *arguments) as watch:
        first = read_page(watch)
        case.machine.process(9, "new", {3: EMPTY})
        case.machine.process(812, "edu-vmm", {3: CHANGED})
        second = read_page(watch)
        equal(watch.stdout.read(), "")
    equal(watch.returncode, 0)
    return first, second


def stars_before_what_changed(case):
    first, second = two_pages(case)
    equal([line[:5] for line in first], ["PID  ", "812  ", "    p", "    d"])
    equal([line[:5] for line in second],
          ["  PID", "* 9  ", "* 812", "     ", "     "])


def colours_of_what_changed(case):
    first, second = two_pages(case, "--color=always")
    equal(any("\033[7m" in line for line in first), False)
    contains(second[2], "\033[7m4\033[0m")
    equal(second[2].count("\033[7m"), 1)
    equal("\033[7m" in second[3], False)


def of_one_process(case):
    _, second = two_pages(case, "812")
    changed = [line for line in second if line.startswith("*")]
    equal(len(changed), 1)
    contains(" ".join(changed[0].split()), "* 1 4 4.0 MiB")


def one_line_of_json_for_each_look(case):
    case.machine.process(812, "edu-vmm", {3: FDINFO})
    out = case.run("watch", "--json", "--count", "3", "--interval", "0.1")
    lines = out.text.splitlines()
    equal((out.status, len(lines)), (0, 3))
    for line in lines:
        equal(json.loads(line)["contexts"][0]["pid"], 812)


def ends_with_the_process(case):
    case.machine.process(812, "edu-vmm", {3: FDINFO})
    with start(case, "812", *FAST) as watch:
        read_page(watch)
        case.machine.remove("/proc/812")
        equal(watch.wait(10), 0)
    equal(case.run("watch", "812").status, 3)


def ends_when_told_to(case):
    for number in (signal.SIGINT, signal.SIGTERM):
        with start(case, "--interval", "1000") as watch:
            read_page(watch)
            watch.send_signal(number)
            equal(watch.wait(10), 0)


def wrong_values(case):
    for arguments in (("--interval", "0"), ("--interval", "x"),
                      ("--interval", "nan"), ("--interval", "1e9"),
                      ("--count", "0"), ("--count", "-1"), ("x",)):
        equal(case.run("watch", *arguments).status, 2, arguments)


TESTS = (stars_before_what_changed, colours_of_what_changed, of_one_process,
         one_line_of_json_for_each_look, ends_with_the_process,
         ends_when_told_to, wrong_values)
