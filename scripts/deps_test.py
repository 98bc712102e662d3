#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests of deps.sh, on machines that are made up: what it says, what it does.

Each machine is a directory of programs that stand for apt, dpkg and sudo.
"""
import os
import re
import shutil
import subprocess

import planted

DEPS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "deps.sh")
TOOLS = ("awk", "bash", "cat", "dirname", "env", "grep", "nproc", "sed", "sort",
         "tr")

# Those that are installed are in a file, and what apt-get is asked in another.
FAKES = {
    "dpkg-query": 'grep -qx "$4" "$MACHINE/installed" &&'
                  ' echo "install ok installed"',
    "apt-cache": 'case $1 in\n'
                 'policy) [ ! -e "$MACHINE/lists" ] ||'
                 ' echo "  Candidate: 1.0" ;;\n'
                 'show) echo "Size: 1234567" ;;\nesac',
    "apt-get": 'echo "$*" >>"$MACHINE/asked"\ncase $* in\n'
               '*--simulate*) cat "$MACHINE/plan" ;;\n'
               '*--print-uris*)'
               ' echo "\'http://a/b\' b_1.0_amd64.deb 9000001 SHA256:0" ;;\n'
               'update*) : >"$MACHINE/lists" ;;\nesac',
    "id": 'echo "$FAKE_ID"',
}
SUDO = 'case $1 in -*) exit 1 ;; true) ;; *) shift; "$@" ;; esac'


class Machine(planted.Planted):
    """One on which everything but QEMU and bison is installed."""

    def setUp(self):
        super().setUp()
        for tool in TOOLS:
            os.makedirs(self.path("bin"), exist_ok=True)
            os.symlink(shutil.which(tool), self.path("bin/" + tool))
        for name, text in FAKES.items():
            self.program(name, text)
        everything = self.rows()
        self.missing = ["bison", "qemu-system-x86"]
        self.write("installed", "".join(
            f"{name}\n" for name in everything if name not in self.missing))
        self.write("lists", "")
        self.write("asked", "")
        self.write("plan", "Inst bison (1.0 Debian [amd64])\n")

    def program(self, name, text):
        self.write("bin/" + name, f"#!/bin/bash\n{text}\n")
        os.chmod(self.path("bin/" + name), 0o755)

    @staticmethod
    def rows():
        """package -> what it is for, as deps.sh itself has it"""
        with open(DEPS, encoding="utf-8") as f:
            table = f.read().partition("<<-'EOF'\n")[2].partition("\tEOF")[0]
        return {package: reason.strip() for _, package, reason in
                (line.split(maxsplit=2) for line in table.splitlines())}

    def deps(self, *tasks, user="0"):
        """(exit status, all that it said)"""
        done = subprocess.run(
            [DEPS, *tasks], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False,
            env={"PATH": self.path("bin"), "MACHINE": self.top,
                 "FAKE_ID": user})
        return done.returncode, done.stdout

    def asked(self):
        """What apt-get was asked to do, not only to tell."""
        with open(self.path("asked"), encoding="utf-8") as f:
            return [line for line in f.read().splitlines()
                    if "--simulate" not in line and "--print-uris" not in line]

    def assert_listed(self, output):
        for package in self.missing:
            self.assertRegex(output, rf"{package} +1235 kB  "
                             + re.escape(self.rows()[package]))

    def test_no_kernel_is_a_tool(self):
        for package in self.rows():
            self.assertNotRegex(package, r"^linux-|^dkms$|initramfs|^grub")

    def test_nothing_is_missing(self):
        self.write("installed", "\n".join(self.rows()) + "\n")
        self.assertEqual(self.deps("run", "test", "check"), (0, ""))
        with open(self.path("asked"), encoding="utf-8") as f:
            self.assertEqual(f.read(), "")

    def test_each_task_needs_its_own(self):
        output = self.deps("run")[1]
        self.assertIn("qemu-system-x86", output)
        self.assertNotIn("bison", output)
        self.assertEqual(self.deps("graph", "build", "deb")[0], 0)

    def test_unknown_task(self):
        status, output = self.deps("nothing")
        self.assertEqual(status, 1)
        self.assertIn("unknown task 'nothing'", output)

    def test_root(self):
        status, output = self.deps("test")
        self.assertEqual(status, 0)
        self.assert_listed(output)
        self.assertIn("1 packages, 10 MB to fetch", output)
        self.assertEqual(self.asked(), [
            "install -q -y --no-install-recommends bison qemu-system-x86"])

    def test_user_with_sudo(self):
        self.program("sudo", SUDO)
        self.assertEqual(self.deps("test", user="1000")[0], 0)
        self.assertEqual(len(self.asked()), 1)

    def assert_told(self, status, output, why):
        """A user who cannot install gets all that somebody else needs."""
        self.assertEqual(status, 1)
        self.assertIn(why, output)
        for package in self.missing:
            self.assertIn(self.rows()[package], output)
        self.assertIn("as root: apt-get install --no-install-recommends "
                      "bison qemu-system-x86\n", output)
        self.assertEqual(self.asked(), [])

    def test_user_without_sudo(self):
        status, output = self.deps("test", user="1000")
        self.assert_listed(output)
        self.assert_told(status, output, "there is no sudo here")

    def test_user_whom_sudo_refuses(self):
        self.program("sudo", "exit 1")
        self.assert_told(*self.deps("test", user="1000"), "sudo refuses")

    def test_user_without_sudo_and_without_lists(self):
        os.unlink(self.path("lists"))
        self.assert_told(*self.deps("test", user="1000"),
                         "there is no sudo here")

    def test_no_lists(self):
        os.unlink(self.path("lists"))
        status, output = self.deps("test")
        self.assertEqual(status, 0)
        self.assert_listed(output)
        self.assertEqual(self.asked()[0], "update -q")

    def test_upgrades_are_named(self):
        self.write("plan", "Inst libssl3 [3.0.1] (3.0.2 Debian [amd64])\n"
                   "Inst bison (1.0 Debian [amd64])\n")
        self.assertIn("newer versions of: libssl3\n", self.deps("test")[1])

    def test_a_container_may_get_udev(self):
        self.write("plan", "Inst udev (252-2 Debian [amd64])\n")
        self.assertEqual(self.deps("test")[0], 0)
        self.assertEqual(len(self.asked()), 1)

    def test_what_boots_is_left_alone(self):
        for line in ("Inst linux-image-6.12.1-amd64 (6.12.1-1 Debian [amd64])",
                     "Inst udev [252-1] (252-2 Debian [amd64])",
                     "Inst systemd [252-1] (252-2 Debian [amd64])",
                     "Inst initramfs-tools (0.142 Debian [all])",
                     "Remv cowsay [3.03]"):
            self.write("plan", line + "\n")
            status, output = self.deps("test")
            self.assertEqual(status, 1, line)
            self.assertIn(f"change or remove {line.split()[1]},", output)
            self.assertEqual(self.asked(), [])


if __name__ == "__main__":
    planted.main()
