# SPDX-License-Identifier: GPL-2.0-only
"""The base's own test suite, whose cases may wait for ioctls to come.

suite-waiting.txt says which do. They count neither as passed nor as failed,
but one that passes all the same, and a line that fits no case, is a failure:
the list has to be true.
"""
import collections
import fnmatch
import os

import guest

PROGRAMS = ["iommufd", "iommufd_fail_nth"]
DIRECTORY = "/guest/suite"
LIST = os.path.join(guest.TOP, "scripts/suite-waiting.txt")


def files():
    """(source, path in the guest) of the programs."""
    return [(os.path.join(guest.BUILD, "suite", name), f"{DIRECTORY}/{name}")
            for name in PROGRAMS]


def read_list(path=LIST):
    """[(pattern, ioctl)] in the order of the file."""
    entries = []
    with open(path, encoding="utf-8") as f:
        for line in f:
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if len(words) != 2:
                raise ValueError(f"{path}: not two words: {line.strip()}")
            entries.append((words[0], words[1]))
    return entries


class Judge:
    """Takes the result of each case and counts it for a Tally."""

    def __init__(self, tally, waiting):
        self.tally = tally
        self.list = waiting
        self.used = set()
        self.waiting = collections.Counter()
        self.passed = 0

    def case(self, name, good):
        """One case; what stands before the last space names the program."""
        pattern, ioctl = next(
            (entry for entry in self.list
             if fnmatch.fnmatchcase(name.split()[-1], entry[0])), (None, None))
        self.used.add(pattern)
        if pattern is None:
            self.passed += good
            self.tally.record(name, good)
        elif good:
            self.tally.record(name, False, f"passes, but suite-waiting.txt says"
                                           f" that it waits for {ioctl}")
        else:
            self.waiting[ioctl] += 1

    def finish(self):
        """What the list says of cases that are not there, and a summary."""
        for pattern, _ in self.list:
            if pattern not in self.used:
                self.tally.record(f"suite-waiting.txt: {pattern}", False,
                                  "fits no case")
        self.tally.say(f"the base's own suite: {self.passed} cases pass")
        for ioctl, count in sorted(self.waiting.items()):
            self.tally.say(f"waiting for {ioctl}: {count} cases")
