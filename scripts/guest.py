#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Boot a kernel in QEMU, run one command in it, and judge the kernel log.

The guest has busybox, the files it is given and, if asked for, an emulated
IOMMU and some "edu" PCI devices. The command's output goes to the terminal
and to build/logs/NAME.log, the kernel's to build/logs/NAME.kernel.log, what
QEMU itself has to say to build/logs/NAME.qemu.log. Exit status: that of the
command, or 1 when the kernel complained, 2 when the guest did not come to its
end.
"""
import argparse
import functools
import os
import re
import selectors
import signal
import subprocess
import sys
import time

import guest_image

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(TOP, "build")
LOGS = os.path.join(BUILD, "logs")
END = re.compile(r"^### guest: exit status (\d+)")

# What no kernel may say during any test.
COMPLAINTS = re.compile(
    r"WARNING:|BUG:|\bBUG at\b|KASAN|UBSAN|KFENCE|INFO: task .* blocked"
    r"|INFO: possible|possible (recursive|circular|irq)|possible deadlock"
    r"|inconsistent lock state|suspicious RCU|soft lockup|hard LOCKUP"
    r"|detected (expedited )?stall|kthread starved|Oops|Call Trace"
    r"|general protection fault|kernel panic|Kernel panic|unreferenced object"
    r"|[1-9]\d* new suspected memory leaks|Bad page state|Bad rss-counter"
    r"|refcount_t:|list_(add|del) corruption|DEBUG_LOCKS_WARN"
    r"|sleeping function called|scheduling while atomic|held lock freed"
    r"|Unknown symbol|disagrees about version|out of memory|Out of memory")

# Announcements of the instruments themselves, which the pattern above meets.
HARMLESS = re.compile(
    r"kasan: KernelAddressSanitizer initialized|Kernel command line"
    r"|Command line:")


def acceleration():
    """Arguments for KVM where the processor really has it, else for TCG."""
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        capable = re.search(r"^flags.*\b(vmx|svm)\b", f.read(), re.M)
    choice = os.environ.get("ACCEL") or (
        "kvm" if capable and os.access("/dev/kvm", os.R_OK | os.W_OK)
        else "tcg")
    if choice == "kvm":
        return ["-accel", "kvm", "-cpu", "host"]
    return ["-accel", "tcg,thread=multi", "-cpu", "max,la57=off"]


# The guest's nanoseconds are instructions, and all of them happen again in the
# next run: nothing in it depends on the host's time or on the host's dice.
COUNTED = ["-accel", "tcg", "-icount", "shift=0,sleep=off",
           "-cpu", "max,la57=off,rdrand=off,rdseed=off", "-seed", "1",
           "-rtc", "base=2026-01-01,clock=vm"]


# A busy host stops an emulated processor for seconds at any point. What the
# kernel concludes from that about timers and lockups would be wrong.
PATIENCE = ("no_timer_check rcupdate.rcu_cpu_stall_timeout=180 "
            "watchdog_thresh=60")

# Machine and kernel command line for each kind of IOMMU.
IOMMUS = {
    "none": ([], ""),
    "vtd": (["-device", "intel-iommu,intremap=on"], "intel_iommu=on"),
    "amd": (["-device", "amd-iommu,intremap=on"], "amd_iommu=on"),
    "virtio": (["-device", "virtio-iommu-pci"],
               "vfio_iommu_type1.allow_unsafe_interrupts=1 "
               "iommufd.allow_unsafe_interrupts=1"),
}


# While the kernel patches itself it stops for others at an int3. An emulated
# processor may do so when the patch is over, and nobody knows that int3 any more.
# With several threads to emulate with some boots end so, on some hosts many. How
# often to boot the distribution's kernel, in which nothing is ours before init.
BOOTS = 5
STALE_PATCH = "Oops: int3"
INIT = "Run /init as init process"


class Result:
    """What came out of a guest."""

    def __init__(self, status, output, kernel, seconds, why, expected):
        self.status = status      # of the command, None if it never ended
        self.output = output      # what the command printed
        self.kernel = kernel      # kernel log
        self.seconds = seconds
        self.busy = 0             # seconds of the host's processors
        self.why = why            # when status is None
        self.complaints = [line for line in kernel.splitlines()
                           if COMPLAINTS.search(line)
                           and not HARMLESS.search(line)
                           and not (expected and re.search(expected, line))]

    @property
    def passed(self):
        return self.status == 0 and not self.complaints

    @property
    def stale_patch(self):
        """The kernel died before init, and why is known."""
        return (self.status is None and STALE_PATCH in self.kernel
                and INIT not in self.kernel)


class Guest:
    """A guest: describe it, then run() it."""

    def __init__(self, kernel, name="guest"):
        self.kernel = kernel
        self.name = name
        self.iommu = "none"
        self.edu = 0
        self.ports = 0            # the last so many of them have a port each
        self.memory = 1024
        self.cpus = 2
        self.icount = False       # see COUNTED; one processor
        self.timeout = 120
        self.append = ""
        self.expected = ""        # pattern for the kernel log: no complaint
        self.kmemleak = False     # its kernel looks for leaks when asked
        self.qemu = []
        self.files = []           # (source, path in the guest)
        self.modules = []         # for insmod (path) or modprobe (name)
        self.stock = []           # names, present for modprobe
        self.release = None       # of the distribution's, if it is that

    def _module_list(self, image):
        lines = []
        for module in self.modules:
            path, _, options = module.partition(":")
            if os.path.exists(path):
                target = "/guest/" + os.path.basename(path)
                image.file(target, path)
                path = target
            lines.append(f"{path} {options}\n")
        image.content("guest/module-list", "".join(lines).encode())

    def _initramfs(self, path, command):
        image = guest_image.Initramfs(path)
        image.busybox()
        for name in ("sbin", "lib", "etc"):
            image.directory(name)
        for name in ("insmod", "modprobe", "rmmod"):
            image.link("sbin/" + name, "../bin/busybox")
        image.content("etc/passwd", b"root::0:0::/:/bin/sh\n")
        image.file("init", os.path.join(TOP, "scripts/guest/init"))
        image.content("guest/command", command.encode() + b"\n")
        image.content("guest/deadline", b"%d\n" % (self.timeout * 9 // 10))
        self._module_list(image)
        if self.release:
            folder = distribution_kernel()[2]
            guest_image.StockModules(folder).add(image, self.stock)
        for source, target in self.files:
            image.file(target, source)
        image.close()

    def _edu(self, i):
        """One edu device. A port of its own is what can reset it.

        Slot 3 is taken by the IOMMUs that are PCI devices themselves.
        """
        addr = f"addr=0x{4 + i:x}"
        if i < self.edu - self.ports:
            return ["-device", "edu," + addr]
        return ["-device", f"pcie-root-port,id=port{i},chassis={i},{addr}",
                "-device", f"edu,bus=port{i}"]

    def _arguments(self, initramfs, kernel_log):
        devices, options = IOMMUS[self.iommu]
        accel = COUNTED if self.icount else acceleration()
        machine = "q35,kernel-irqchip=split" if "kvm" in accel else "q35"
        args = ["qemu-system-x86_64", *accel, "-machine", machine,
                "-m", str(self.memory), "-smp", str(self.cpus), *devices]
        for i in range(self.edu):
            args += self._edu(i)
        append = ("console=ttyS0,115200 ignore_loglevel panic=-1 "
                  f"{PATIENCE} {options} {self.append}")
        return args + self.qemu + [
            "-nodefaults", "-nic", "none", "-vga", "none", "-display", "none",
            "-no-reboot", "-serial", f"file:{kernel_log}", "-serial", "stdio",
            "-kernel", self.kernel, "-initrd", initramfs, "-append", append]

    def _qemu_log(self):
        return os.path.join(LOGS, self.name + ".qemu.log")

    def _last_words(self):
        """Why QEMU may have stopped, if it said so."""
        with open(self._qemu_log(), encoding="utf-8", errors="replace") as f:
            lines = f.read().splitlines()[-5:]
        return "".join("; " + line for line in lines)

    def run(self, command, echo=None, stdin=subprocess.DEVNULL):
        """Boot, run the command; echo(line) is called for each line of it."""
        for left in reversed(range(BOOTS)):
            result = self._run_once(command, echo, stdin)
            if not (self.release and left and result.stale_patch):
                break
            print(f"{self.name}: the distribution's kernel died of a stale int3"
                  " before init, which emulation may do to it; once more",
                  file=sys.stderr)
        return result

    def _run_once(self, command, echo, stdin):
        os.makedirs(LOGS, exist_ok=True)
        os.makedirs(os.path.join(BUILD, "guest"), exist_ok=True)
        initramfs = os.path.join(BUILD, "guest", self.name + ".cpio")
        kernel_log = os.path.join(LOGS, self.name + ".kernel.log")
        self._initramfs(initramfs, command)
        # Of the guest before, in case that QEMU does not come far enough.
        if os.path.exists(kernel_log):
            os.unlink(kernel_log)
        started = time.monotonic()
        with open(self._qemu_log(), "wb") as remarks, \
                subprocess.Popen(self._arguments(initramfs, kernel_log),
                                 stdin=stdin, stdout=subprocess.PIPE,
                                 stderr=remarks) as qemu:
            try:
                status, output, why = self._follow(qemu, echo, started)
            finally:
                busy = processor_seconds(qemu.pid)
                stop(qemu)
        os.unlink(initramfs)
        kernel = ""
        if os.path.exists(kernel_log):
            with open(kernel_log, encoding="utf-8", errors="replace") as f:
                kernel = f.read().replace("\r", "")
        result = Result(status, output, kernel, time.monotonic() - started,
                        why, self.expected)
        result.busy = busy
        return result

    def _follow(self, qemu, echo, started):
        """Copy the command's output until its end marker."""
        status, why, lines, rest = None, "", [], b""
        log_path = os.path.join(LOGS, self.name + ".log")
        with open(log_path, "w", encoding="utf-8", buffering=1) as log, \
                selectors.DefaultSelector() as selector:
            selector.register(qemu.stdout, selectors.EVENT_READ)
            while status is None:
                left = started + self.timeout - time.monotonic()
                if left <= 0 or not selector.select(left):
                    why = f"not finished after {self.timeout} s"
                    break
                data = os.read(qemu.stdout.fileno(), 65536)
                if not data:
                    why = ("the guest stopped before its command ended" +
                           self._last_words())
                    break
                *whole, rest = (rest + data).split(b"\n")
                for raw in whole:
                    line = raw.decode(errors="replace").replace("\r", "")
                    end = END.match(line)
                    if end:
                        status = int(end.group(1))
                        break
                    lines.append(line)
                    log.write(line + "\n")
                    if echo:
                        echo(line)
        return status, "\n".join(lines), why


def processor_seconds(pid):
    """How long a process has kept processors of the host busy."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            fields = f.read().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def stop(qemu):
    """Let a guest that powers off do so, end one that does not."""
    try:
        qemu.wait(timeout=3)
    except subprocess.TimeoutExpired:
        qemu.kill()
        qemu.wait()


@functools.cache
def distribution_kernel():
    """(image, release, folder of modules) of the distribution's kernel."""
    done = subprocess.run(
        [os.path.join(TOP, "scripts/distribution.sh"), "kernel"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        check=False)
    if done.returncode:
        sys.exit(1)
    release, root = done.stdout.split()
    return (os.path.join(root, "boot/vmlinuz-" + release), release,
            os.path.join(root, "lib/modules", release))


def report(result, name):
    """Say on stderr why a guest failed; return an exit status."""
    if result.status is None:
        print(f"{name}: {result.why}; the kernel's last lines:",
              file=sys.stderr)
        print("\n".join(result.kernel.splitlines()[-25:]), file=sys.stderr)
        return 2
    for line in result.complaints[:20]:
        print(f"{name}: kernel: {line}", file=sys.stderr)
    if result.complaints:
        print(f"{name}: see build/logs/{name}.kernel.log", file=sys.stderr)
    return result.status or (1 if result.complaints else 0)


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    p.add_argument("--kernel", default=os.path.join(BUILD, "test/vmlinux"),
                   help="image to boot, or 'stock' for the distribution's")
    p.add_argument("--iommu", choices=sorted(IOMMUS), default="vtd")
    p.add_argument("--edu", type=int, default=2, help="number of edu devices")
    p.add_argument("--ports", type=int, default=0,
                   help="so many of these have a port, which can reset them")
    p.add_argument("--memory", type=int, default=1024, help="MiB")
    p.add_argument("--cpus", type=int, default=2)
    p.add_argument("--icount", action="store_true",
                   help="one processor, whose time counts instructions")
    p.add_argument("--timeout", type=int, default=120, help="seconds")
    p.add_argument("--append", default="", help="for the kernel command line")
    p.add_argument("--qemu", action="append", default=[], metavar="ARG",
                   help="one more argument for QEMU")
    p.add_argument("--file", action="append", default=[], metavar="SRC[:DST]",
                   help="file or directory; default place is /guest")
    p.add_argument("--module", action="append", default=[],
                   metavar="KO[:OPTIONS]", help="loaded in this order")
    p.add_argument("--stock-module", action="append", default=[],
                   metavar="NAME", help="of the distribution's kernel")
    p.add_argument("--name", default="guest", help="of the logs")
    p.add_argument("--kunit", action="store_true",
                   help="let built-in KUnit tests run at boot")
    p.add_argument("--show-kernel", action="store_true",
                   help="print the kernel log afterwards")
    p.add_argument("--run", metavar="CMD", default="sh",
                   help="command for the guest's shell; default: a shell")
    return p.parse_args()


def main():
    a = arguments()
    release = None
    if a.kernel == "stock":
        a.kernel, release, _ = distribution_kernel()
    guest = Guest(a.kernel, a.name)
    guest.iommu, guest.edu, guest.memory = a.iommu, a.edu, a.memory
    guest.ports = a.ports
    guest.cpus, guest.timeout, guest.qemu = a.cpus, a.timeout, a.qemu
    if a.icount:
        guest.icount, guest.cpus = True, 1
    guest.append = f"{a.append} kunit.enable={int(a.kunit)}"
    guest.modules, guest.stock, guest.release = a.module, a.stock_module, release
    for spec in a.file:
        source, _, target = spec.partition(":")
        guest.files.append((source, target or
                            "/guest/" + os.path.basename(source.rstrip("/"))))
    stdin = None if a.run == "sh" else subprocess.DEVNULL
    result = guest.run(a.run, echo=lambda line: print(line, flush=True),
                       stdin=stdin)
    if a.show_kernel:
        print(result.kernel)
    print(f"{a.name}: {result.seconds:.0f} s", file=sys.stderr)
    sys.exit(report(result, a.name))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    main()
