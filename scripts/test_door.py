#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Try the front door as a new user would, on a machine that has next to nothing.

For each release of Debian: make a system in a directory, where make run, as a user
who cannot become root, has to say what is missing. Then root installs the tools,
which must not bring a kernel or change how the machine boots, and the user sees
make run succeed, the second time without apt. Name releases as arguments to try
only those. The last line is "N passed, N failed".
"""
import os
import re
import shutil
import subprocess
import sys

import debian_root
import guest
import test_results

# What a machine has, and a user who wants to try it.
PACKAGES = ["systemd-sysv", "udev", "passwd", "procps", "make"]
HOME = "home/user/iommufd"
TASKS = ("run", "test", "bench", "check", "graph", "deb")
KERNEL = re.compile(r"linux-(image|headers|modules)-|grub|initramfs-tools|dracut"
                    r"|dkms$|systemd$|udev$")


def copy_repository(root):
    """Whatever git knows of, as it is here."""
    names = subprocess.run(["git", "-C", guest.TOP, "ls-files"], check=True,
                           stdout=subprocess.PIPE, text=True).stdout
    for name in names.splitlines():
        if os.path.exists(os.path.join(guest.TOP, name)):
            root.copy(os.path.join(guest.TOP, name), os.path.join(HOME, name))
    root.inside("useradd", "-m", "-s", "/bin/bash", "user")
    root.inside("chown", "-R", "user:", "/home/user")


def as_user(root, command):
    """(exit status, output) of a command that is typed in the repository."""
    return root.inside("su", "-", "user", "-c", f"cd iommufd && {command}")


def packages(root):
    """name -> version of what is installed"""
    output = root.inside("dpkg-query", "-W", "-f", "${Package} ${Version}\\n")[1]
    return dict(line.split(maxsplit=1) for line in output.splitlines())


def told(t, root):
    """Someone who cannot become root learns what to ask for."""
    status, output = as_user(root, "make run")
    t.record(f"{root.release}: make run stops without tools", status != 0)
    for text in ("qemu-system-x86 ", "is the machine in which everything runs",
                 "there is no sudo here", "as root: apt-get install"):
        t.record(f"{root.release}: it says '{text}'", text in output)


def tools(t, root):
    """Root installs what all tasks need, and the machine boots as before."""
    before, boot = packages(root), os.listdir(os.path.join(root.path, "boot"))
    status = root.inside(f"/{HOME}/scripts/deps.sh", *TASKS)[0]
    t.record(f"{root.release}: tools are installed", status == 0,
             f"see {root.log}")
    after = packages(root)
    kernels = [name for name, version in after.items()
               if KERNEL.match(name) and before.get(name) != version]
    t.record(f"{root.release}: and nothing that boots", not kernels and
             os.listdir(os.path.join(root.path, "boot")) == boot,
             " ".join(kernels))
    t.record(f"{root.release}: nothing was removed", not before.keys() - after)


def runs(t, root, what):
    """make run, as its last line says."""
    status, output = as_user(root, "make run")
    t.record(f"{root.release}: make run, {what}", status == 0 and
             output.splitlines()[-1:] == ["PASS"], f"see {root.log}")


def without_apt(root):
    """Whoever calls apt now fails."""
    for name in ("apt-get", "apt-cache"):
        root.write(f"usr/local/bin/{name}", "#!/bin/sh\nexit 1\n", 0o755)


def test(t, release):
    """All steps for one release."""
    t.say(f"{release}: making a system")
    root = debian_root.Root(release, "door")
    lines = debian_root.archives(release)
    made = root.bootstrap(PACKAGES, lines, lines)
    t.record(f"{release}: a system", made, f"see {root.log}")
    if not made:
        return
    copy_repository(root)
    told(t, root)
    t.say(f"{release}: tools")
    tools(t, root)
    t.say(f"{release}: make run")
    runs(t, root, "a user of the machine")
    without_apt(root)
    runs(t, root, "nothing is missing")
    shutil.rmtree(root.path)


def main():
    releases = sys.argv[1:] or list(debian_root.FLAVOURS)
    unknown = [name for name in releases if name not in debian_root.FLAVOURS]
    if unknown:
        sys.exit(f"unknown release {unknown[0]}; there are: "
                 + " ".join(debian_root.FLAVOURS))
    if os.geteuid():
        sys.exit("error: this makes whole systems, and needs root for it")
    tally = test_results.Tally()
    for release in releases:
        test(tally, release)
    sys.exit(tally.finish())


if __name__ == "__main__":
    main()
