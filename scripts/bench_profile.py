#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Where the instructions go: counts by function for some small works.

usage: bench_profile.py ours|type1|lean|base [lines [sample...]]

Runs the samples of the benchmark (build with bench.py) in the guest of bench.py
and has QEMU write down every instruction between two marks. Prints for each
sample the parts of the kernel and the functions with the most instructions of
their own, divided by the number of pages or areas. It takes some minutes and
its results repeat exactly.
"""
import os
import re
import socket
import sys
import threading
import time

import bench_guest
import bench_trace
import guest

# The lean kernels have no other IOMMU, and their build tells what is what. What
# writes about locks down is none of the work.
PROFILED = [name for name, column in bench_guest.COLUMNS.items()
            if column.iommu == "vtd" and name != "locks"]
FUNCTIONS = re.compile(r"### functions (begin|end)")
MARK = re.compile(r"### profile (begin|end) (\S+) (\d+)")


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

    def __init__(self, column, samples, done):
        name = "-".join(["bench-profile", column, *samples[:1]])
        self.guest, command = bench_guest.machine(column, name)
        before, last = command.rsplit("\n", 1)
        self.command = (f"{before}\nfunctions\n"
                        f"{last} profile {' '.join(samples)}")
        self.build = bench_guest.objects(column)
        self.lines = None         # of /proc/kallsyms, while they come
        self.symbols = None
        program = {name: address for address, name
                   in bench_trace.read_names(bench_guest.PROGRAM)}
        self.ends = program["profile_begin"], program["profile_end"]
        self.done = done
        base = os.path.join(bench_guest.OUT, name)
        self.monitor = Monitor(base + ".monitor")
        self.trace = base + ".trace"
        self.thread = None
        self.walk = None
        self.answer = None

    def follow(self):
        """Read the trace while it is written."""
        rest = b""
        with open(self.trace, "rb", buffering=0) as trace:
            while True:
                data = trace.read(1 << 20)
                if not data:
                    break
                whole, _, rest = (rest + data).rpartition(b"\n")
                self.walk.feed(whole)

    def line(self, line):
        """Something that the guest says."""
        functions, mark = FUNCTIONS.match(line), MARK.match(line)
        if functions and functions.group(1) == "begin":
            self.lines = []
        elif functions:
            self.symbols = bench_trace.Symbols(self.lines, self.build)
            self.lines = None
        elif self.lines is not None:
            self.lines.append(line)
        elif mark:
            self.mark(*mark.groups())

    def mark(self, what, name, count):
        """The guest says that a sample begins or has ended, and waits."""
        if what == "begin":
            self.monitor.command("singlestep on")
            self.walk = bench_trace.Walk(self.symbols, *self.ends)
            self.thread = threading.Thread(target=self.follow)
            self.thread.start()
            self.monitor.command("logfile " + self.trace)
            self.monitor.command("log exec,nochain")
        else:
            self.monitor.command("log none")
            self.monitor.command("logfile /dev/null")
            self.monitor.command("singlestep off")
            self.thread.join()
            self.done(name, self.walk.sample(int(count)))
        os.write(self.answer, b"\n")

    def clean(self):
        for path in (self.monitor.path, self.trace):
            if os.path.lexists(path):
                os.unlink(path)

    def run(self):
        """Exit status of the guest."""
        self.clean()
        os.mkfifo(self.trace)
        self.guest.qemu = ["-monitor",
                           f"unix:{self.monitor.path},server=on,wait=off"]
        stdin, self.answer = os.pipe()
        try:
            result = self.guest.run(self.command, echo=self.line, stdin=stdin)
        finally:
            os.close(stdin)
            os.close(self.answer)
            self.clean()
        return guest.report(result, self.guest.name)


def profile(column, samples):
    """{name: bench_trace.Sample} of some samples, and whether that is all."""
    results = {}
    try:
        status = Profiler(column, samples, results.__setitem__).run()
    except (OSError, EOFError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return results, False
    return results, not status and set(results) == set(samples)


def show(name, sample, lines):
    """The parts, what the floor is made of, and the functions."""
    print(f"\n{name}: {sample.total() / sample.count:.1f} for each of "
          f"{sample.count}; floor {sample.floor_each():.1f}")
    print("    " + ", ".join(f"{part} {number:.1f}" for part, number
                             in sample.parts().items()))
    for (part, function), (number, calls) in sorted(sample.floor.items()):
        print(f"    {part}: {number / sample.count:.1f} in "
              f"{calls / sample.count:.3f} calls of {function}")
    for function, number in sample.functions.most_common(lines):
        print(f"{number / sample.count:12.2f}  {function}")
    sys.stdout.flush()


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in PROFILED:
        sys.exit(__doc__)
    lines = int(sys.argv[2]) if len(sys.argv) > 2 else 25
    started = time.monotonic()
    status = Profiler(sys.argv[1], sys.argv[3:],
                      lambda *result: show(*result, lines)).run()
    print(f"\n{time.monotonic() - started:.0f} s")
    sys.exit(status)


if __name__ == "__main__":
    main()
