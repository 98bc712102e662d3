# SPDX-License-Identifier: GPL-2.0-only
"""A machine made of files: /proc, /sys, /dev and /etc as iommufdctl reads them.

At first nothing is wrong with it. A PCI device is bound to vfio-pci, and shares
its group with the port that it is plugged into. No process has an iommufd.
"""
import os
import shutil

DEVICE = "0000:01:00.0"
PORT = "0000:00:01.0"
OTHER = "0000:01:00.1"
PCI = "/sys/bus/pci/devices/"
USER = "vm"
UID = 4242
# Root can give files to anybody; others only have themselves.
NODE_GID = 107 if os.getuid() == 0 else os.getgid()

FILES = {
    "/proc/sys/kernel/osrelease": "6.12.117+deb12-amd64\n",
    "/proc/cmdline": "root=/dev/sda1 quiet\n",
    "/proc/interrupts": "  9:  0  IR-IO-APIC   9-fasteoi   acpi\n"
                        " 24:  7  IR-PCI-MSI-0000:00:02.0  0-edge  net\n",
    "/proc/self/limits": "Limit  Soft Limit  Hard Limit  Units\n"
                         "Max locked memory  8388608  8388608  bytes\n",
    "/proc/self/status": "Name:\tiommufdctl\nCapEff:\t0000000000000000\n",
    "/sys/kernel/security/lockdown": "[none] integrity confidentiality\n",
    "/sys/module/module/parameters/sig_enforce": "N\n",
    "/sys/class/iommu/dmar0/name": "",
    "/sys/firmware/acpi/tables/DMAR": "",
    "/sys/module/iommufd/parameters/allow_unsafe_interrupts": "N\n",
    "/sys/module/iommufd/parameters/dma_entry_limit": "65535\n",
    "/sys/module/iommufd/holders/vfio/name": "",
    "/sys/module/vfio/refcnt": "1\n",
    "/sys/module/vfio_iommu_type1/refcnt": "0\n",
    "/sys/class/misc/iommu/dev": "10:125\n",
    "/sys/bus/pci/drivers/vfio-pci/name": "",
    "/lib/modules/6.12.117+deb12-amd64/modules.dep":
        "kernel/drivers/vfio/vfio.ko.xz:\n"
        "kernel/net/ipv4/ipip.ko.xz: kernel/net/ipv4/tunnel4.ko.xz\n",
    "/dev/vfio/vfio": "",
    "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n"
                   f"{USER}:x:{UID}:{UID}::/:/bin/sh\n",
    "/etc/group": f"root:x:0:\nkvm:x:{NODE_GID}:somebody,{USER}\n"
                  f"wheel:x:10:\n{USER}:x:{UID}:\n",
}
NODES = ("/dev/iommu", "/dev/vfio/devices/vfio0", "/dev/vfio/14")


class Machine:
    """The files, below a directory."""

    def __init__(self, directory):
        self.directory = directory
        for path, text in FILES.items():
            self.write(path, text)
        for node in NODES:
            self.node(node, 0o660)
        self.device(PORT, "pcieport", "0x060400")
        self.device(DEVICE, "vfio-pci", "0x020000")
        self.write(PCI + DEVICE + "/vfio-dev/vfio0/dev", "511:0\n")

    def path(self, path):
        return self.directory + path

    def write(self, path, data):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        data = data.encode() if isinstance(data, str) else data
        with open(self.path(path), "wb") as f:
            f.write(data)

    def link(self, path, target):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        if os.path.lexists(self.path(path)):
            os.unlink(self.path(path))
        os.symlink(target, self.path(path))

    def remove(self, path):
        path = self.path(path)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)

    def node(self, path, mode):
        self.write(path, "")
        os.chmod(self.path(path), mode)
        if os.getuid() == 0:
            os.chown(self.path(path), 0, NODE_GID)

    def device(self, address, driver, code, group="14"):
        """A PCI device in a group; None for no driver."""
        folder = PCI + address
        self.write(folder + "/class", code + "\n")
        self.write(folder + "/vendor", "0x8086\n")
        self.write(folder + "/device", "0x10d3\n")
        self.link(folder + "/iommu_group",
                  f"../../../../kernel/iommu_groups/{group}")
        self.write(f"/sys/kernel/iommu_groups/{group}/devices/{address}", "")
        if driver:
            self.driver(address, driver)

    def driver(self, address, driver):
        self.link(PCI + address + "/driver", "../../drivers/" + driver)

    def process(self, pid, comm="edu-vmm", fdinfo=None, target="/dev/iommu"):
        """A process; fdinfo tells of some of its files, by descriptor."""
        folder = f"/proc/{pid}"
        self.write(folder + "/comm", comm)
        self.write(folder + "/cmdline", "program\0")
        self.write(folder + "/limits", FILES["/proc/self/limits"])
        os.makedirs(self.path(folder + "/fd"), exist_ok=True)
        for fd, text in (fdinfo or {}).items():
            self.write(f"{folder}/fdinfo/{fd}", text)
            self.link(f"{folder}/fd/{fd}", target)
