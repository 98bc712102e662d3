# SPDX-License-Identifier: GPL-2.0-only
"""check: each fault that the doctor knows, made by hand."""
import glob
import os
import re
import subprocess

import tree
from harness import contains, equal
from tree import DEVICE, OTHER, PCI, USER

HERE = os.path.dirname(os.path.abspath(__file__))
TABLES = os.path.join(HERE, "../../iommu/ctl/check/check_*.c")
SHARED = " 9:  0  IO-APIC  9-fasteoi  acpi\n 24:  7  PCI-MSI-X  0-edge  net\n"
VFIO = PCI + DEVICE + "/vfio-dev"
LOCKED = "none [integrity] confidentiality\n"


class Fault:
    """What is done to a machine, and what has to be said of it.

    The others are what comes with it, as a machine without an IOMMU has no
    groups either.
    """

    def __init__(self, name, change, words, fix, others=(), options=(),
                 note=False):
        self.name, self.change, self.words, self.fix = name, change, words, fix
        self.others, self.options, self.note = others, options, note


def kernel(release):
    """Without iommufd, whose modules are of another kernel."""
    def change(m):
        m.write("/proc/sys/kernel/osrelease", release + "\n")
        m.remove("/sys/module/iommufd")
    return change


def not_loaded(*changes):
    """Installed and not loaded, and something else."""
    def change(m):
        m.remove("/sys/module/iommufd")
        m.remove("/sys/class/misc")
        m.remove("/dev/iommu")
        m.write("/lib/modules/6.12.117+deb12-amd64/modules.dep",
                "updates/dkms/iommufd.ko.xz:\n")
        for path, text in changes:
            m.write(path, text)
    return change


def not_built(m):
    """The package is there, and no module of it."""
    for path in ("/sys/module/iommufd", "/sys/class/misc", "/dev/iommu"):
        m.remove(path)
    m.write("/var/lib/dkms/iommufd/1.0/source/dkms.conf", "")


def installed(module):
    """A module that is not compressed, where it has to be signed."""
    def change(m):
        not_loaded(("/sys/kernel/security/lockdown", LOCKED))(m)
        folder = "/lib/modules/6.12.117+deb12-amd64/"
        m.write(folder + "modules.dep", "updates/dkms/iommufd.ko:\n")
        m.write(folder + "updates/dkms/iommufd.ko", module)
    return change


def no_iommu(table, cmdline=""):
    def change(m):
        m.remove("/sys/class/iommu")
        m.remove("/sys/firmware/acpi/tables/DMAR")
        if table:
            m.write("/sys/firmware/acpi/tables/" + table, "")
        m.write("/proc/cmdline", f"quiet {cmdline}\n")
        m.remove(PCI + DEVICE + "/iommu_group")
    return change


def interrupts(text, cmdline="", allowed="N"):
    def change(m):
        m.write("/proc/interrupts", text)
        m.write("/proc/cmdline", f"quiet {cmdline}\n")
        m.write("/sys/module/iommufd/parameters/allow_unsafe_interrupts",
                allowed + "\n")
    return change


def written(path, text):
    return lambda m: m.write(path, text)


def removed(*paths):
    def change(m):
        for path in paths:
            m.remove(path)
    return change


def driver(name):
    """Another driver than VFIO's, or none."""
    def change(m):
        m.remove(VFIO)
        m.remove(PCI + DEVICE + "/driver")
        if name:
            m.driver(DEVICE, name)
    return change


def secure_boot(m):
    not_loaded()(m)
    m.remove("/sys/kernel/security/lockdown")
    m.write("/sys/firmware/efi/efivars/"
            "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
            b"\x06\0\0\0\x01")


def noiommu_group(m):
    m.write("/sys/kernel/iommu_groups/14/name", "vfio-noiommu\n")


def other_member(name):
    return lambda m: m.device(OTHER, name, "0x020000")


def older_vfio(*modules):
    def change(m):
        m.remove("/sys/module/iommufd/holders")
        m.write("/lib/modules/6.12.117+deb12-amd64/modules.dep",
                "".join(f"{module}:\n" for module in modules))
    return change


def user_of_device(m):
    m.process(812, "qemu", {3: "iommufd-context:\t7\n"
                               f"iommufd-device:\t3 name {DEVICE} detached\n"})


NOT_INSTALLED = ("iommufd-not-installed",)
NOT_LOADED = ("iommufd-not-loaded",)
GRUB = "/etc/default/grub && sudo update-grub && sudo reboot"
MOK = "sudo mokutil --import"
FOR_USER = ("--user", USER)
NOTE_OF_USER = ("memlock-of-somebody-else",)

FAULTS = (
    Fault("kernel-too-old", kernel("6.1.0-13-amd64"),
          "Linux 6.1.0-13-amd64 is too old",
          "apt install linux-image-6.12-amd64", NOT_INSTALLED),
    Fault("kernel-too-new", kernel("7.2.12+deb13-amd64"),
          "Linux 7.2.12+deb13-amd64 is too new",
          "apt install linux-image-6.12-amd64", NOT_INSTALLED),
    Fault("module-unsigned", installed(b"\x7fELF"),
          "that is installed has no signature", MOK, NOT_LOADED),
    Fault("locked-down", not_loaded(("/sys/kernel/security/lockdown", LOCKED)),
          "locked down (integrity)", MOK, NOT_LOADED, note=True),
    Fault("signatures-enforced",
          not_loaded(("/sys/module/module/parameters/sig_enforce", "Y\n")),
          "module.sig_enforce", MOK, NOT_LOADED, note=True),
    Fault("secure-boot", secure_boot, "Secure Boot is on", MOK, NOT_LOADED,
          note=True),
    Fault("iommu-turned-off", no_iommu("DMAR", "intel_iommu=off"),
          "the kernel command line says intel_iommu=off", GRUB),
    Fault("iommu-not-in-firmware", no_iommu(None), "VT-d, AMD-Vi or SMMU",
          "sudo systemctl reboot --firmware-setup"),
    Fault("iommu-not-started", no_iommu("DMAR"), "does not use it",
          "intel_iommu=on"),
    Fault("iommu-not-loaded", no_iommu("VIOT"), "virtio-iommu",
          "sudo modprobe virtio-iommu"),
    Fault("iommu-without-driver", no_iommu("IVRS"), "no driver for",
          "apt install linux-image-6.12-amd64"),
    Fault("interrupts-unknown", interrupts("  1:  0  GICv2  9  timer\n"),
          "cannot be seen", "dmesg", note=True),
    Fault("interrupts-allowed", interrupts(SHARED, allowed="Y"),
          "allow_unsafe_interrupts is set", "echo 0 | sudo tee", note=True),
    Fault("interrupts-turned-off", interrupts(SHARED, "intremap=off"),
          "the kernel command line says intremap=off", GRUB),
    Fault("interrupts-shared", interrupts(SHARED), "not isolated",
          "echo 1 | sudo tee /sys/module/iommufd/parameters/"),
    Fault("iommufd-not-installed", removed("/sys/module/iommufd",
                                           "/sys/class/misc", "/dev/iommu"),
          "no module of it is installed", "load.sh"),
    Fault("iommufd-not-built", not_built, "has built no iommufd",
          "sudo apt install linux-headers-6.12.117+deb12-amd64 && "
          "sudo dkms autoinstall"),
    Fault("iommufd-not-loaded", not_loaded(), "installed and not loaded",
          "sudo modprobe iommufd"),
    Fault("vfio-not-loaded", removed("/sys/module/vfio"),
          "VFIO is not loaded", "sudo modprobe vfio-pci"),
    Fault("vfio-older-loaded", older_vfio("kernel/vfio.ko.xz",
                                          "updates/dkms/vfio.ko.xz"),
          "one that does is installed", "sudo modprobe -r vfio-pci"),
    Fault("vfio-without-iommufd", older_vfio("kernel/vfio.ko.xz"),
          "the distribution's", "sudo build/modules/load.sh"),
    Fault("containers-not-served", removed("/dev/vfio/vfio"),
          "nobody serves /dev/vfio/vfio", "sudo modprobe vfio_iommu_type1",
          note=True),
    Fault("iommu-node-missing", removed("/dev/iommu"),
          "/dev/iommu is missing", "mknod -m 660 /dev/iommu c 10 125"),
    Fault("iommu-node-denied", lambda m: m.node("/dev/iommu", 0o600),
          f"{USER} may not open /dev/iommu", f"sudo chown {USER} /dev/iommu",
          NOTE_OF_USER, FOR_USER),
    Fault("memlock-of-somebody-else", lambda m: None, f"only as {USER}",
          f"sudo -u {USER} sh -c 'ulimit -l'", options=FOR_USER, note=True),
    Fault("memlock-unknown", removed("/proc/self/limits"), "cannot be read",
          "ulimit -l", note=True),
    Fault("memlock-too-low", lambda m: None,
          "16.0 GiB are going to be mapped, and only 8.0 MiB",
          "memlock 16777216' | sudo tee /etc/security/limits.d/",
          options=("--memory", "16G")),
    Fault("device-missing", removed(PCI + DEVICE), f"no PCI device {DEVICE}",
          "ls /sys/bus/pci/devices"),
    Fault("device-is-bridge", written(PCI + DEVICE + "/class", "0x060400\n"),
          "PCI bridge", "ls /sys/bus/pci/devices"),
    Fault("group-missing", removed(PCI + DEVICE + "/iommu_group"),
          "behind no IOMMU", "intel_iommu=on"),
    Fault("group-without-iommu", noiommu_group, "without an IOMMU",
          f"{DEVICE}/driver/unbind"),
    Fault("group-kept", other_member("e1000e"), f"{OTHER} (e1000e)",
          f"for d in {OTHER}; do"),
    Fault("driver-not-loaded",
          lambda m: (driver(None)(m), m.remove("/sys/bus/pci/drivers")),
          "vfio-pci is not loaded", "sudo modprobe vfio-pci"),
    Fault("driver-none", driver(None), "has no driver",
          f"echo vfio-pci | sudo tee {PCI}{DEVICE}/driver_override"),
    Fault("driver-another", driver("e1000e"), "with the driver e1000e",
          f"sudo tee {PCI}{DEVICE}/driver/unbind && echo vfio-pci"),
    Fault("driver-without-cdev",
          lambda m: (m.remove(VFIO + "/vfio0/dev"),
                     m.remove("/dev/vfio/devices")),
          "without a character device", "sudo build/modules/load.sh"),
    Fault("device-in-use", user_of_device, "by process 812 (qemu)",
          "iommufdctl show 812", note=True),
    Fault("device-node-missing", removed("/dev/vfio/devices"),
          "/dev/vfio/devices/vfio0 is missing", "c 511 0"),
    Fault("device-node-denied",
          lambda m: m.node("/dev/vfio/devices/vfio0", 0o600),
          f"{USER} may not open /dev/vfio/devices/vfio0",
          f"sudo chown {USER} /dev/vfio/devices/vfio0", NOTE_OF_USER, FOR_USER),
    Fault("group-node-denied", lambda m: m.node("/dev/vfio/14", 0o600),
          f"{USER} may not open /dev/vfio/14",
          f"sudo chown {USER} /dev/vfio/14", NOTE_OF_USER, FOR_USER, True),
)


def checks(case, *options):
    """Exit status, and what is wrong by the name of the fault."""
    out = case.run("check", DEVICE, "--json", *options)
    equal(out.error, "")
    found = out.json()
    equal(found["usable"], out.status == 0)
    return out.status, {c["fault"]: c for c in found["checks"] if "fault" in c}


def examine(fault):
    """A test, that the doctor finds this fault and no other."""
    def test(case):
        fault.change(case.machine)
        status, found = checks(case, *fault.options)
        equal(sorted(found), sorted({fault.name, *fault.others}))
        said = found[fault.name]
        equal(said["state"], "note" if fault.note else "fault")
        contains(said["words"], fault.words)
        contains(said["fix"], fault.fix)
        equal(status, int(any(f["state"] == "fault" for f in found.values())))
        text = case.run("check", DEVICE, *fault.options)
        equal(text.status, status)
        contains(text.text, f" {said['words']}\n")
        contains(text.text, f"-> {said['fix']}\n")
        equal(re.search(r"[{}]", said["words"] + said["fix"]), None)
        subprocess.run(["sh", "-n", "-c", said["fix"]], check=True)
    test.__name__ = "doctor finds " + fault.name
    return test


def nothing_is_wrong(case):
    equal(checks(case), (0, {}))
    out = case.run("check", DEVICE[5:])
    equal(out.status, 0)
    for words in (
            "kernel      Linux 6.12.117+deb12-amd64",
            "iommu       the IOMMU is on: dmar0",
            "containers  /dev/vfio/vfio is served by VFIO itself",
            "device      0000:01:00.0 is 8086:10d3, class 020000",
            "group       in group 14, with 0000:00:01.0 (pcieport)",
            "driver      vfio-pci has it, as /dev/vfio/devices/vfio0",
            "8.0 MiB of memory may be locked; is that enough?",
            "0000:01:00.0 can be used with /dev/iommu"):
        contains(out.text, words)
    equal(re.search(r"[{}]|->|note|FAULT", out.text), None)


def of_the_machine(case):
    """Without a device the others are not looked at."""
    case.machine.remove(PCI + DEVICE)
    out = case.run("check", "--json")
    equal(out.status, 0)
    equal("device" in out.json(), False)
    contains(case.run("check").text, "this machine can be used")


def each_fault_has_a_test(case):
    del case
    known = []
    for path in glob.glob(TABLES):
        with open(path, encoding="utf-8") as f:
            known += re.findall(r'\.name = "([\w-]+)",\n\t\t\.severity',
                                f.read())
    equal(sorted(known), sorted(f.name for f in FAULTS))


def members_that_do_no_harm(case):
    for name in (None, "pci-stub", "pcieport"):
        case.machine.device(OTHER, name, "0x020000")
        equal(checks(case), (0, {}), name)
    case.machine.driver(OTHER, "mlx5_vfio_pci")
    case.machine.write(PCI + OTHER + "/vfio-dev/vfio1/dev", "511:1\n")
    equal(checks(case), (0, {}))


def all_members_that_keep_a_group(case):
    case.machine.device(OTHER, "e1000e", "0x020000")
    case.machine.device("0000:01:00.2", "snd_hda_intel", "0x040300")
    _, found = checks(case)
    contains(found["group-kept"]["words"],
             f"{OTHER} (e1000e), 0000:01:00.2 (snd_hda_intel)")
    contains(found["group-kept"]["fix"], f"for d in {OTHER} 0000:01:00.2; do")


def groups_of_users(case):
    """Where the group of a node may use it, to be in it is all."""
    equal(checks(case, *FOR_USER)[0], 0)
    case.machine.write("/etc/group", f"kvm:x:{tree.NODE_GID}:not{USER}\n")
    status, found = checks(case, *FOR_USER)
    equal(status, 1)
    equal(found["iommu-node-denied"]["fix"], f"sudo adduser {USER} kvm")
    case.machine.node("/dev/iommu", 0o666)
    equal("iommu-node-denied" in checks(case, *FOR_USER)[1], False)
    equal(checks(case, "--user", "root")[0], 0)


def newer_kernels_of_their_own(case):
    """One that has an iommufd itself needs none of ours."""
    case.machine.write("/proc/sys/kernel/osrelease", "7.2.12+deb13-amd64\n")
    equal(checks(case), (0, {}))
    not_loaded()(case.machine)
    case.machine.write("/lib/modules/7.2.12+deb13-amd64/modules.dep",
                       "kernel/drivers/iommu/iommufd/iommufd.ko.xz:\n")
    equal(list(checks(case)[1]), ["iommufd-not-loaded"])


def signed_modules(case):
    """By whom is not known, so it may work."""
    installed(b"\x7fELF...~Module signature appended~\n")(case.machine)
    equal(sorted(checks(case)[1]), ["iommufd-not-loaded", "locked-down"])
    case.machine.write("/sys/kernel/security/lockdown", "[none] integrity\n")
    equal(list(checks(case)[1]), ["iommufd-not-loaded"])


def who_serves_containers(case):
    case.machine.remove("/sys/module/vfio_iommu_type1")
    contains(case.run("check").text, "served by iommufd\n")
    case.machine.link("/dev/vfio/vfio", "/dev/iommu")
    contains(case.run("check").text, "served by iommufd, through a link")


def enough_memory(case):
    equal(checks(case, "--memory", "8M"), (0, {}))
    equal(list(checks(case, "--memory", "8193K")[1]), ["memlock-too-low"])
    case.machine.write("/proc/self/status", "CapEff:\t0000000000004000\n")
    equal(checks(case, "--memory", "1T"), (0, {}))
    case.machine.write("/proc/self/status", "CapEff:\t0000000000000000\n")
    case.machine.write("/proc/self/limits",
                       "Max locked memory  unlimited  unlimited  bytes\n")
    equal(checks(case, "--memory", "1T"), (0, {}))


def interrupts_of_arm(case):
    case.machine.write("/proc/interrupts", " 30:  0  ITS-PCI-MSI-0:0  0  x\n")
    equal(checks(case), (0, {}))


def wrong_arguments(case):
    for arguments in (("x",), ("01:00",), (DEVICE, DEVICE), ("--memory", "0"),
                      ("--memory", "x"), ("--memory", "99999999T"),
                      ("--user", "nobody-there")):
        equal(case.run("check", *arguments).status, 2, arguments)


def colours(case):
    contains(case.run("check", "--color=always").text, "\033[32mok\033[0m")


TESTS = (nothing_is_wrong, of_the_machine, each_fault_has_a_test,
         *map(examine, FAULTS), members_that_do_no_harm,
         all_members_that_keep_a_group, groups_of_users,
         newer_kernels_of_their_own, signed_modules, who_serves_containers,
         enough_memory, interrupts_of_arm, wrong_arguments, colours)
