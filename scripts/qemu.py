# SPDX-License-Identifier: GPL-2.0-only
"""Debian's newer QEMU inside a guest, with that guest's devices passed on.

Three machines are in each other: the QEMU of this machine runs a kernel with
our iommufd, "the guest". In it runs the QEMU that is tested, and in that "the
inner guest": a small kernel with busybox, which reads and writes the disk of
the guest, pings through its network card, and lets its two edu devices reach
each other. What it read and wrote is compared with the disk's image here.
"""
import hashlib
import os
import re
import sys

import fetched
import guest
import guest_image

SCRIPT = os.path.join(guest.TOP, "scripts/guest/qemu-test")
INIT = os.path.join(guest.TOP, "scripts/guest/inner-init")
KERNEL = os.path.join(guest.BUILD, "inner/vmlinux")
ROMS = ["usr/share/seabios/bios-256k.bin", "usr/share/qemu/pvh.bin",
        "usr/share/qemu/linuxboot_dma.bin", "usr/share/qemu/kvmvapic.bin"]

# Where it is in the guest.
PLACE = "/guest/qemu"

# The release of Debian, or the suite of it, and the QEMU that is in it.
SUITES = {"10": "trixie", "11": "trixie-backports"}

# What scripts/guest/qemu-test knows.
CASES = ["cdev", "legacy", "cdev_peer", "legacy_peer", "cdev_two", "legacy_two",
         "user"]

# The first MiB of the disk is to be read; after it each round of the test has
# one of its own to write BLOCK bytes to.
MIB = 1 << 20
BLOCK = 256 << 10
ROUNDS = 15


def fetch(version):
    """Unpack a QEMU below build/fetched; False if that does not work."""
    return fetched.fetch("qemu-" + version, SUITES[version], "qemu-system-x86")


def prepare(version):
    """The directory of what a guest needs of a QEMU that was fetched."""
    name = "qemu-" + version
    out = os.path.join(guest.BUILD, "qemu", version)
    for rom in ROMS:
        fetched.copy(os.path.join(fetched.root(name), rom),
                     os.path.join(out, "roms"))
    fetched.pack(name, out, PLACE, "usr/bin/qemu-system-x86_64",
                 arguments=f"-L {PLACE}/roms")
    return out


def inner_initramfs():
    """What the inner guest runs: busybox and one script."""
    path = os.path.join(guest.BUILD, "qemu/inner.cpio")
    files = guest_image.Initramfs(path)
    files.busybox()
    files.file("init", INIT)
    files.close()
    return path


def pattern(number):
    """What a round writes, as inner-init makes it; round 0 is what it reads."""
    line = b"round %d of the inner guest\n" % number
    size = BLOCK if number else MIB
    return (line * (size // len(line) + 1))[:size]


def image(g):
    """Where the disk of a guest is."""
    return os.path.join(guest.BUILD, "qemu", g.name + ".img")


def make_image(g):
    """A disk that has the pattern to read, and nothing behind it."""
    with open(image(g), "wb") as f:
        f.write(pattern(0))
        f.truncate(MIB * (ROUNDS + 1))


def claimed(output):
    """The rounds that the inner guests say they have written."""
    return [int(n) for n in re.findall(r"inner: wrote (\d+)", output)]


def written(g):
    """The rounds whose pattern is on the disk."""
    rounds = []
    with open(image(g), "rb") as f:
        for number in range(1, ROUNDS + 1):
            f.seek(MIB * number)
            if f.read(BLOCK) == pattern(number):
                rounds.append(number)
    return rounds


def arguments(g):
    """A disk and a network card for the guest, and edu without a limit.

    Nothing leaves this machine: QEMU itself answers to 10.0.2.2. edu has 28
    address lines; an inner guest has the registers of devices below 4 GiB.
    """
    return ["-drive", f"if=none,id=disk,format=raw,file={image(g)}",
            "-device", "nvme,drive=disk,serial=inner,addr=0x8",
            "-netdev", "user,id=net,restrict=on",
            "-device", "e1000e,netdev=net,romfile=,addr=0x9",
            "-global", "edu.dma_mask=0xffffffff"]


def add_to(g, version):
    """Give a guest the devices, the QEMU and what it boots."""
    if not os.path.exists(KERNEL):
        sys.exit("error: no inner kernel; run 'scripts/kernel.sh inner'")
    g.files += [(prepare(version), PLACE), (SCRIPT, "/guest/qemu-test"),
                (KERNEL, "/guest/inner/vmlinux"),
                (inner_initramfs(), "/guest/inner/initramfs")]
    # QEMU wants to reset what it passes on, and says so where it cannot.
    g.edu, g.ports = 2, 2
    g.qemu += arguments(g)
    make_image(g)


def checksum():
    """Of what the inner guest reads."""
    return hashlib.md5(pattern(0)).hexdigest()
