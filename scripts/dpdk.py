# SPDX-License-Identifier: GPL-2.0-only
"""The distribution's dpdk-testpmd in a guest with two network cards.

The cards are on one wire that leads nowhere else; what goes over it is in
build/logs/NAME.pcap.
"""
import glob
import os
import struct
import sys

import guest

PROGRAM = "/usr/bin/dpdk-testpmd"
PLUGINS = "/usr/lib/*/dpdk/pmds-*/librte_{}.so.*.*"
UNBUFFERED = "/usr/libexec/coreutils/libstdbuf.so"
SCRIPT = os.path.join(guest.TOP, "scripts/guest/dpdk-test")

# Each card sends bursts of 32 frames to the other one, which keeps them.
BURSTS = 4
FRAMES = 2 * BURSTS * 32


def plugin(name):
    """A driver that testpmd is not linked with."""
    found = sorted(glob.glob(PLUGINS.format(name)))
    if not found:
        sys.exit(f"error: no DPDK driver {name}; run 'make deps'")
    return found[-1]


def files():
    """(source, path in the guest) of the program, its drivers, the test."""
    return [(PROGRAM, "/guest/dpdk-testpmd"), (SCRIPT, "/guest/dpdk-test"),
            (UNBUFFERED, "/guest/dpdk/libstdbuf.so"),
            (plugin("net_e1000"), "/guest/dpdk/net_e1000.so"),
            (plugin("mempool_ring"), "/guest/dpdk/mempool_ring.so")]


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
