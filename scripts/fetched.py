# SPDX-License-Identifier: GPL-2.0-only
"""Programs of a release of Debian in a guest, with that release's libraries.

Nothing of them is installed, and they are the same ones whatever this machine
has: scripts/fetch.sh unpacks their packages below build/fetched.
"""
import os
import shutil
import subprocess

import guest

LIBRARIES = "usr/lib/x86_64-linux-gnu"
LOADER = "ld-linux-x86-64.so.2"

# A program and its libraries are from another release than the guest's others.
WRAPPER = """#!/bin/sh
here={place}
exec $here/ld.so --library-path $here/lib $here/{program} {arguments} "$@"
"""


def root(name):
    """Where the packages are unpacked."""
    return os.path.join(guest.BUILD, "fetched", name)


def fetch(name, suite, *packages):
    """Unpack packages in root(name); False if that does not work."""
    return subprocess.run(
        [os.path.join(guest.TOP, "scripts/fetch.sh"), name, suite, *packages],
        stdin=subprocess.DEVNULL, check=False).returncode == 0


def libraries(name, files):
    """Shared objects that programs and plugins need, as their loader says."""
    own = os.path.join(root(name), LIBRARIES)
    found = set()
    for path in files:
        out = subprocess.run(
            [os.path.join(own, LOADER), "--library-path", own, "--list",
             os.path.join(root(name), path)], check=True, text=True,
            stdout=subprocess.PIPE).stdout
        found.update(word for word in out.split() if word.startswith(own))
    return sorted(found)


def copy(source, directory, name=None):
    """Not executable, so that guest.py does not look for its libraries."""
    os.makedirs(directory, exist_ok=True)
    shutil.copyfile(source, os.path.join(directory,
                                         name or os.path.basename(source)))


def packed(name, out):
    """Whether pack() has seen what is in root(name) now."""
    stamps = [os.path.join(root(name), ".stamp"), os.path.join(out, "run")]
    return os.path.exists(stamps[1]) and \
        os.path.getmtime(stamps[0]) < os.path.getmtime(stamps[1])


def pack(name, out, place, program, plugins=(), arguments=""):
    """Fill the directory OUT, which is to be PLACE in a guest.

    The program and its plugins stand side by side there, and "run" starts it.
    They are paths in root(name); arguments are what "run" puts before its own.
    """
    if packed(name, out):
        return
    for library in libraries(name, [program, *plugins]):
        copy(library, os.path.join(out, "lib"))
    for path in (program, *plugins):
        copy(os.path.join(root(name), path), out)
    copy(os.path.join(root(name), LIBRARIES, LOADER), out, "ld.so")
    with open(os.path.join(out, "run"), "w", encoding="utf-8") as f:
        f.write(WRAPPER.format(place=place, arguments=arguments,
                               program=os.path.basename(program)))
    for path in ("run", "ld.so"):
        os.chmod(os.path.join(out, path), 0o755)
