#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests of guest.py, without guests: when one is booted again."""
import contextlib
import io
import unittest

import guest
import planted

STALE = f"[ 2.0] {guest.STALE_PATCH}: 0000 [#1] PREEMPT SMP"
INIT = f"[ 3.0] {guest.INIT}"


def ended(status, *kernel):
    return guest.Result(status, "", "\n".join(kernel), 1, "", "")


class Boots(unittest.TestCase):
    """What becomes of a guest whose boots end as they are told to."""

    def run_guest(self, release, *ends):
        g = guest.Guest("image")
        g.release = release
        left = list(ends)
        g._run_once = lambda *_: left.pop(0)
        with contextlib.redirect_stderr(io.StringIO()):
            result = g.run("true")
        return result, len(ends) - len(left)

    def boots(self, release, *ends):
        return self.run_guest(release, *ends)[1]

    def test_once(self):
        for end in (ended(0, INIT), ended(1, INIT), ended(None, "panic"),
                    ended(None), ended(None, INIT, STALE), ended(0, STALE)):
            self.assertEqual(1, self.boots("6.12", end, ended(0)))

    def test_again_before_init(self):
        result, boots = self.run_guest("6.12", ended(None, STALE),
                                       ended(None, STALE), ended(0, INIT))
        self.assertEqual((0, 3), (result.status, boots))

    def test_not_for_ever(self):
        result, boots = self.run_guest("6.12", *[ended(None, STALE)] * 9)
        self.assertEqual((None, guest.BOOTS), (result.status, boots))

    def test_our_kernels_once(self):
        self.assertEqual(1, self.boots(None, ended(None, STALE), ended(0)))


if __name__ == "__main__":
    planted.main()
