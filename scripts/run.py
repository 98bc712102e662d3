#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Show /dev/iommu at work on the distribution's own kernel.

For each IOMMU that QEMU emulates: boot the kernel as the distribution ships
it, load the modules of build/modules with their load.sh, and run the sample
VMM on two edu devices. Last line: PASS or FAIL, as the exit status says.
"""
import os
import queue
import subprocess
import sys
import threading
import time

import guest

VMM = os.path.join(guest.BUILD, "tools/iommu/edu-vmm")
CTL = os.path.join(guest.BUILD, "tools/iommu/iommufdctl")
MACHINES = {
    "vtd": "Intel VT-d",
    "amd": "AMD-Vi",
    "virtio": "virtio-iommu",
}

# Where the second device has a port, which can reset it. QEMU's AMD-Vi takes a
# device behind a port for another one: it asks for the number of the bus when
# that has none yet.
PORTS = {"vtd": 1, "amd": 0, "virtio": 1}

# load.sh is what people use on their own machines, so it is used here too.
COMMAND = """
sh /guest/modules/load.sh {options} || exit 1
bind_edu_devices
edu-vmm --look "iommufdctl list" $EDU_DEVICES || exit 1
sh /guest/modules/load.sh --unload || exit 1
echo "modules unloaded"
"""


def build_vmm():
    """The sample VMM and iommufdctl, from their own Makefile."""
    done = subprocess.run(["make", "-s", "-C", os.path.join(guest.TOP,
                           "tools/iommu")], check=False)
    if done.returncode or not all(map(os.path.exists, (VMM, CTL))):
        sys.exit("error: tools/iommu does not build")


def distribution(iommu, name, modules="modules"):
    """A guest with the distribution's kernel and our modules in build/."""
    image, release, _ = guest.distribution_kernel()
    g = guest.Guest(image, name)
    g.iommu = iommu
    g.edu = 2
    g.release = release
    g.stock = ["irqbypass"]
    if iommu == "virtio":
        g.stock.append("virtio-iommu")
        g.modules = ["virtio-iommu"]
    g.append = "quiet hugepages=16 transparent_hugepage=always"
    modules = os.path.join(guest.BUILD, modules)
    for module in os.listdir(modules):
        path = os.path.join(modules, module)
        if os.path.isfile(path) and not module.startswith("."):
            g.files.append((path, "/guest/modules/" + module))
    return g


def machine(iommu, name, modules="modules"):
    """The same, and the sample VMM and iommufdctl in it."""
    g = distribution(iommu, name, modules)
    g.files += [(VMM, "/guest/edu-vmm"), (CTL, "/guest/iommufdctl")]
    return g


def command(iommu):
    """virtio-iommu remaps no interrupts, so users have to opt in."""
    options = "allow_unsafe_interrupts=1" if iommu == "virtio" else ""
    return COMMAND.format(options=options)


def demonstration(iommu, name):
    """The same, with devices as the sample VMM wants them."""
    g = machine(iommu, name)
    g.ports = PORTS[iommu]
    return g


class Demonstration(threading.Thread):
    """One machine; its lines wait in a queue until it is their turn."""

    def __init__(self, iommu):
        super().__init__(daemon=True)
        self.iommu = iommu
        self.lines = queue.Queue()
        self.result = None
        self.guest = demonstration(iommu, "run-" + iommu)

    def run(self):
        try:
            self.result = self.guest.run(
                command(self.iommu), echo=lambda l: self.lines.put("    " + l))
        finally:
            self.lines.put(None)

    def show(self):
        """Print what comes until the end; True if all was as it should be."""
        name = MACHINES[self.iommu]
        print(f"\n=== {name}: kernel {self.guest.release} as it comes, in QEMU",
              flush=True)
        for line in iter(self.lines.get, None):
            print(line, flush=True)
        self.join()
        if self.result is None:
            verdict = "FAIL, QEMU could not be started"
        elif self.result.passed:
            verdict = (f"PASS, {self.result.seconds:.1f} s, "
                       "no warning in the kernel log")
        else:
            guest.report(self.result, self.guest.name)
            verdict = f"FAIL, see build/logs/{self.guest.name}*.log"
        print(f"=== {name}: {verdict}", flush=True)
        return verdict.startswith("PASS")


def main():
    started = time.monotonic()
    build_vmm()
    demonstrations = [Demonstration(iommu) for iommu in MACHINES]
    print(f"booting {len(MACHINES)} machines, which run at the same time")
    for d in demonstrations:
        d.start()
    failed = [MACHINES[d.iommu] for d in demonstrations if not d.show()]
    print(f"\n{len(MACHINES)} IOMMUs in {time.monotonic() - started:.0f} s")
    if failed:
        print(f"FAIL: {', '.join(failed)}")
        sys.exit(1)
    print("PASS")


if __name__ == "__main__":
    main()
