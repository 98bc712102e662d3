#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Where the instructions go: counts by function for some small works.

usage: bench_profile.py ours|base|type1 [lines]

Runs the chapter "profile" of the benchmark (build with bench.py) in the guest
of bench.py and has QEMU write down every instruction between two marks. Prints
for each work the parts of the kernel and the functions with the most
instructions of their own, divided by the number of pages or areas. It takes some minutes and its results repeat
exactly.
"""
import bisect
import collections
import glob
import os
import re
import socket
import subprocess
import sys
import threading
import time

import bench
import guest

PROGRAM = "(program)"
MARK = re.compile(r"### profile (begin|end) (\S+) (\d+)")
TRACE = re.compile(rb"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/")

# Which part of the kernel a directory of its build belongs to.
PARTS = {
    "drivers/iommu/iommufd": "iommufd",
    "drivers/vfio": "VFIO",
    "drivers/iommu/intel": "VT-d",
    "drivers/iommu": "IOMMU core",
    "mm": "memory",
    "lib": "lib",
    "arch/x86/lib": "lib",
    "arch/x86/entry": "system call",
    "fs": "system call",
    "kernel": "locks and scheduling",
}


class Symbols:
    """Names for addresses: of the kernel, a module's are unknown."""

    def __init__(self, kernel):
        self.addresses, self.names = [], []
        self.parts = {PROGRAM: PROGRAM}
        for address, kind, name in sorted(self.read(kernel)):
            if kind in "tTwW":
                self.addresses.append(address)
                self.names.append(name)
        self.read_parts(os.path.dirname(kernel))

    def read_parts(self, build):
        """Find out to which part of the kernel each function belongs."""
        for directory, part in PARTS.items():
            pattern = os.path.join(build, directory, "**/*.o")
            for path in sorted(glob.glob(pattern, recursive=True)):
                if os.path.basename(path).startswith(("built-in", ".")):
                    continue
                for _, kind, name in self.read(path):
                    if kind in "tTwW":
                        self.parts.setdefault(name, part)

    @staticmethod
    def read(path):
        out = subprocess.run(["nm", path], stdout=subprocess.PIPE, text=True,
                             stderr=subprocess.DEVNULL, check=True).stdout
        for line in out.splitlines():
            fields = line.split()
            if len(fields) == 3:
                yield int(fields[0], 16), fields[1], fields[2]

    def name(self, address):
        if address < 1 << 47:
            return PROGRAM
        i = bisect.bisect_right(self.addresses, address) - 1
        return self.names[i] if i >= 0 else "(unknown)"


class Monitor:
    """QEMU's monitor on a socket."""

    def __init__(self, path):
        self.path = path
        self.socket = None

    def command(self, text):
        if not self.socket:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(self.path)
            self._prompt()
        self.socket.sendall(text.encode() + b"\n")
        self._prompt()

    def _prompt(self):
        data = b""
        while not data.endswith(b"(qemu) "):
            more = self.socket.recv(65536)
            if not more:
                raise EOFError("QEMU's monitor is gone")
            data += more


class Profiler:
    """Follows the guest's marks and counts what QEMU writes."""

    def __init__(self, column, lines):
        self.kernel = next(k for k, (_, c) in bench.KERNELS.items()
                           if column in c)
        self.interface = bench.KERNELS[self.kernel][1][column]
        self.guest = bench.machine(self.kernel, "bench-profile-" + column)
        self.symbols = Symbols(self.guest.kernel)
        program = {name: address
                   for address, _, name in Symbols.read(bench.PROGRAM)}
        self.begin = program["profile_begin"]
        self.end = program["profile_end"]
        self.lines = lines
        base = os.path.join(bench.OUT, "profile-" + column)
        self.monitor = Monitor(base + ".monitor")
        self.trace = base + ".trace"
        self.thread = None
        self.counts = None

    def count(self):
        """Read the trace while it is written; between the marks."""
        seen = collections.Counter()
        with open(self.trace, "rb", buffering=1 << 20) as trace:
            inside = False
            for line in trace:
                found = TRACE.match(line)
                if not found:
                    continue
                address = int(found.group(1), 16)
                if address == self.begin:
                    inside = True
                elif address == self.end:
                    inside = False
                if inside:
                    seen[address] += 1
        self.counts = seen

    def mark(self, line):
        found = MARK.match(line)
        if not found:
            return
        what, name, count = found.groups()
        if what == "begin":
            self.monitor.command("singlestep on")
            self.thread = threading.Thread(target=self.count)
            self.thread.start()
            self.monitor.command("logfile " + self.trace)
            self.monitor.command("log exec,nochain")
        else:
            self.monitor.command("log none")
            self.monitor.command("logfile /dev/null")
            self.monitor.command("singlestep off")
            self.thread.join()
            self.show(name, int(count))
        os.write(self.answer, b"\n")

    def show(self, name, count):
        """The functions with the most instructions."""
        by_name = collections.Counter()
        for address, times in self.counts.items():
            by_name[self.symbols.name(address)] += times
        total = sum(by_name.values())
        print(f"\n{name}: {total / count:.1f} for each of {count}")
        by_part = collections.Counter()
        for function, times in by_name.items():
            by_part[self.symbols.parts.get(function, "other")] += times
        print("    " + ", ".join(f"{part} {times / count:.1f}" for part, times
                                 in by_part.most_common()))
        for function, times in by_name.most_common(self.lines):
            print(f"{times / count:12.2f}  {function}")
        sys.stdout.flush()

    def run(self):
        for path in (self.monitor.path, self.trace):
            if os.path.lexists(path):
                os.unlink(path)
        os.mkfifo(self.trace)
        self.guest.qemu = ["-monitor",
                           f"unix:{self.monitor.path},server=on,wait=off"]
        stdin, self.answer = os.pipe()
        result = self.guest.run(f"bench {self.interface} profile",
                                echo=self.mark, stdin=stdin)
        os.unlink(self.trace)
        return guest.report(result, self.guest.name)


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in bench.COLUMNS:
        sys.exit(__doc__)
    lines = int(sys.argv[2]) if len(sys.argv) > 2 else 25
    started = time.monotonic()
    status = Profiler(sys.argv[1], lines).run()
    print(f"\n{time.monotonic() - started:.0f} s")
    sys.exit(status)


if __name__ == "__main__":
    main()
