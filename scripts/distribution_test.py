#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests of distribution.sh, on machines that do not have the kernel's packages.

Each machine is a directory with the script and programs that stand for dpkg,
for the archives and for depmod.
"""
import os
import shutil
import subprocess

import planted

SCRIPTS = os.path.dirname(os.path.abspath(__file__))
RELEASE = "6.12.1-test-amd64"
FILES = (f"boot/vmlinuz-{RELEASE}", f"usr/lib/modules/{RELEASE}/modules.dep",
         f"usr/src/linux-headers-{RELEASE}/Makefile")
FETCH = ("#!/bin/sh\n[ -z \"$NO_ARCHIVES\" ] || exit 1\necho fetching\n"
         f"cd \"$0.place\" || exit 1\nfor name in {' '.join(FILES)}; do\n"
         "\tmkdir -p \"$(dirname \"$name\")\"\n\techo >\"$name\"\ndone\n")


class Distribution(planted.Planted):
    """A machine whose dpkg knows nothing of kernels."""

    def setUp(self):
        super().setUp()
        for name in ("distribution.sh", "lib.sh"):
            os.makedirs(self.path("scripts"), exist_ok=True)
            shutil.copy(os.path.join(SCRIPTS, name), self.path("scripts"))
        self.root = self.path("build/fetched/kernel")
        os.makedirs(self.root)
        os.symlink(self.root, self.path("scripts/fetch.sh.place"))
        self.program("scripts/fetch.sh", FETCH)
        self.program("bin/depmod", "#!/bin/sh\nexit 0\n")
        self.dpkg("echo 'dpkg-query: no packages found' >&2\nexit 1\n")

    def program(self, name, text):
        self.write(name, text)
        os.chmod(self.path(name), 0o755)

    def dpkg(self, text):
        self.program("bin/dpkg-query", "#!/bin/sh\n" + text)

    def kernel(self, **environment):
        """(exit status, output, what it said beside)"""
        path = self.path("bin") + ":" + os.environ["PATH"]
        done = subprocess.run(
            [self.path("scripts/distribution.sh"), "kernel"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False, env={"PATH": path, **environment})
        return done.returncode, done.stdout, done.stderr

    def expect_fetched(self):
        self.assertEqual(self.kernel(),
                         (0, f"{RELEASE} {self.root}\n", "fetching\n"))

    def test_package_is_unknown(self):
        self.expect_fetched()

    def test_package_is_known_and_not_installed(self):
        self.dpkg("echo\n")
        self.expect_fetched()

    def test_package_is_installed_and_its_kernel_is_gone(self):
        self.dpkg(f"echo 'linux-headers-{RELEASE} (= 6.12.1-1)'\n")
        self.expect_fetched()

    def test_archives_do_not_answer(self):
        status, output, _ = self.kernel(NO_ARCHIVES="1")
        self.assertNotEqual(status, 0)
        self.assertEqual(output, "")

    def test_fetched_kernel_is_not_whole(self):
        self.program("scripts/fetch.sh", FETCH.replace("boot/", "booty/"))
        status, _, said = self.kernel()
        self.assertNotEqual(status, 0)
        self.assertIn("build/fetched/kernel has no whole 6.12 kernel", said)


if __name__ == "__main__":
    planted.main()
