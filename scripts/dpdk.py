#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Debian's dpdk-testpmd in a guest with two network cards.

The cards are on one wire that leads nowhere else; what goes over it is in
build/logs/NAME.pcap. As a program, this only fetches DPDK.
"""
import os
import struct
import sys

import fetched
import guest

# To be installed it would want udev, and a hundred drivers of no use here.
NAME, SUITE = "dpdk", "bookworm"
PACKAGES = ("dpdk-dev", "coreutils")
PROGRAM = "usr/bin/dpdk-testpmd"
# Drivers that testpmd is not linked with, and what makes it write at once.
DRIVERS = fetched.LIBRARIES + "/dpdk/pmds-23.0/librte_"
PLUGINS = (DRIVERS + "net_e1000.so.23.0", DRIVERS + "mempool_ring.so.23.0",
           "usr/libexec/coreutils/libstdbuf.so")
PLACE = "/guest/dpdk"
SCRIPT = os.path.join(guest.TOP, "scripts/guest/dpdk-test")

# Each card sends bursts of 32 frames to the other one, which keeps them.
BURSTS = 4
FRAMES = 2 * BURSTS * 32


def fetch():
    """Unpack it below build/fetched; False if that does not work."""
    return fetched.fetch(NAME, SUITE, *PACKAGES)


def files():
    """(source, path in the guest) of the program, its drivers, the test."""
    out = os.path.join(guest.BUILD, NAME)
    fetched.pack(NAME, out, PLACE, PROGRAM, PLUGINS)
    return [(out, PLACE), (SCRIPT, "/guest/dpdk-test")]


def add_to(g):
    """Give a guest the program and two network cards."""
    g.files += files()
    for port in range(2):
        g.qemu += ["-netdev", f"hubport,id=port{port},hubid=0", "-device",
                   f"e1000e,netdev=port{port},addr=0x{8 + port:x}"]
    g.qemu += ["-object", f"filter-dump,id=wire,netdev=port0,file={wire(g)}"]


def wire(g):
    """Where QEMU records what went over the wire."""
    return os.path.join(guest.LOGS, g.name + ".pcap")


def frames(path):
    """How many frames there are in a file of the pcap format."""
    with open(path, "rb") as f:
        data = f.read()
    at, count = 24, 0
    while at + 16 <= len(data):
        at += 16 + struct.unpack_from("<I", data, at + 8)[0]
        count += at <= len(data)
    return count


if __name__ == "__main__":
    sys.exit(not fetch())
