# SPDX-License-Identifier: GPL-2.0-only
"""A whole Debian system in a directory: to install in, to boot, to throw away.

It needs root. The system has the distribution's kernel with headers and, from
the archives that this machine's apt knows, what a package for dkms needs.
"""
import glob
import os
import re
import shutil
import subprocess

import guest

# Release -> what the kernels' packages of the 6.12 series end in, a second
# flavour behind the one for everybody.
FLAVOURS = {"bookworm": ("6.12-amd64", "6.12-cloud-amd64"),
            "trixie": ("amd64", "cloud-amd64")}
PACKAGES = ["systemd-sysv", "udev", "kmod", "initramfs-tools", "passwd",
            "procps", "dkms", "openssl"]
# proc and dev only exist as long as the command runs.
INSIDE = """set -e
root=$1
shift
mount --rbind /dev "$root/dev"
exec chroot "$root" "$@"
"""
SERVICE = """[Unit]
After=multi-user.target

[Service]
Type=oneshot
ExecStart=/guest/deb-test
TimeoutStartSec=infinity
"""


def kernel_packages(flavour):
    """The packages that bring a kernel and what modules are built with."""
    return [f"linux-image-{flavour}", f"linux-headers-{flavour}"]


def archives(release):
    """Lines for a sources.list."""
    return subprocess.run(
        [os.path.join(guest.TOP, "scripts/fetch.sh"), "--sources", release],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        check=True).stdout.splitlines()


def proxies():
    """Options for mmdebstrap with which apt asks the proxies it asks here."""
    out = subprocess.run(["apt-config", "dump"], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    return [f"--aptopt={line}" for line in out.splitlines()
            if re.match(r'Acquire::\w+::Proxy\S* "\S', line)]


class Root:
    """One such system."""

    def __init__(self, release, name="root"):
        self.release = release
        name = f"{name}-{release}"
        self.path = os.path.join(guest.BUILD, "deb", name)
        self.log = os.path.join(guest.LOGS, f"deb-{name}.log")
        os.makedirs(guest.LOGS, exist_ok=True)
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.log, "w", encoding="utf-8"):
            pass

    def _run(self, command, **options):
        """(exit status, output), which also goes to the log."""
        done = subprocess.run(command, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True, check=False,
                              stderr=subprocess.STDOUT, errors="replace",
                              **options)
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(command[-6:])}\n{done.stdout}"
                      f"=> {done.returncode}\n")
        return done.returncode, done.stdout

    def inside(self, *command):
        """Run a command in the system."""
        return self._run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child",
             "--mount-proc=" + os.path.join(self.path, "proc"),
             "sh", "-c", INSIDE, "sh", self.path, *command],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
                 "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"})

    def apt(self, *arguments):
        """apt-get that asks nothing and keeps changed configuration."""
        return self.inside("apt-get", "-q", "-y", "--no-install-recommends",
                           "-o", "Dpkg::Options::=--force-confold", *arguments)

    def make(self):
        """Make it anew; of the kernels that there are the oldest."""
        lines = archives(self.release)
        # A newer kernel is among the security updates, if there are both.
        main = [l for l in lines if l.split()[-2] == self.release]
        kernel = kernel_packages(FLAVOURS[self.release][0])
        first = main if self.release == "trixie" else lines
        return self.bootstrap(PACKAGES + kernel, first, lines)

    def bootstrap(self, packages, first, lines):
        """Make it anew, from the first archives; apt has all of them then."""
        shutil.rmtree(self.path, ignore_errors=True)
        # What it mounts there ends with it, however it ends: this directory is
        # removed with all that is in it.
        status, _ = self._run(
            ["unshare", "--mount", "mmdebstrap", "--mode=root",
             "--variant=apt", *proxies(),
             "--include=" + ",".join(packages), self.release,
             self.path, *first])
        self.copy("/etc/resolv.conf", "etc/resolv.conf")
        self.write("etc/apt/sources.list", "\n".join(lines) + "\n")
        return status == 0

    def write(self, path, text, mode=0o644):
        """A file of ours in the system."""
        path = os.path.join(self.path, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)

    def copy(self, source, path):
        """A file of this machine for the system."""
        path = os.path.join(self.path, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copy(source, path)

    def kernels(self):
        """Releases of the kernels that are there, and were not made up."""
        boot = os.path.join(self.path, "boot")
        return sorted(name.removeprefix("vmlinuz-")
                      for name in os.listdir(boot) if "vmlinuz-" in name)

    def modules(self, kernel, folder):
        """Names of the modules in a folder of a kernel's."""
        top = os.path.join(self.path, "lib/modules", kernel, folder)
        return {re.sub(r"\.ko(\.\w+)?$", "", name)
                for _, _, names in os.walk(top)
                for name in names if ".ko" in name}

    def _owned(self):
        """Paths that packages have. /lib is in /usr; not all of them know."""
        folders, owned = {}, set()
        for path in glob.glob(os.path.join(self.path,
                                           "var/lib/dpkg/info/*.list")):
            with open(path, encoding="utf-8") as f:
                lines = f.read().splitlines()
            for folder, name in map(os.path.split, lines):
                if folder not in folders:
                    real = os.path.realpath(self.path + folder)
                    folders[folder] = real[len(self.path):].rstrip("/")
                owned.add(f"{folders[folder]}/{name}")
        return owned

    def unowned(self):
        """What is there that no package has, without caches and logs."""
        found = set()
        for folder, folders, names in os.walk(self.path):
            here = folder[len(self.path):]
            folders[:] = [n for n in folders if not UNTOLD.match(f"{here}/{n}")]
            found.update(f"{here}/{n}" for n in folders + names
                         if not UNTOLD.match(f"{here}/{n}"))
        return found - self._owned()

    def changed(self):
        """Files that are not as their packages have them."""
        return self.inside("dpkg", "--verify")[1].splitlines()


# What differs after each command, and what a kernel makes of its own modules.
UNTOLD = re.compile(r"/(proc|sys|dev|run|tmp|guest)(/|$)|/var/(cache|log)(/|$)"
                    r"|/var/lib/(apt|dpkg|initramfs-tools)(/|$)|/etc/apt/"
                    r"|/boot/initrd|/(usr/)?lib/modules/[^/]+/modules\."
                    r"|/(vmlinuz|initrd\.img)|.*~$")


class InstalledGuest(guest.Guest):
    """A guest that boots such a system from a disk, as its owner would."""

    def __init__(self, root, kernel, name):
        super().__init__(os.path.join(root.path, "boot/vmlinuz-" + kernel),
                         name)
        self.root = root
        self.initrd = os.path.join(root.path, "boot/initrd.img-" + kernel)
        self.disk = root.path + ".img"
        self.iommu, self.edu = "vtd", 2
        self.memory, self.timeout = 2048, 1800
        self.append = "root=/dev/vda rw quiet systemd.wants=deb-test.service"
        self.qemu = ["-drive", f"if=none,id=root,format=raw,file={self.disk}",
                     "-device", "virtio-blk-pci,drive=root,addr=0x8",
                     "-device", "e1000e,addr=0x9,romfile="]

    def _initramfs(self, path, command):
        """The system's own; the command is a service of the system."""
        shutil.copy(self.initrd, path)
        self.root.write("etc/systemd/system/deb-test.service", SERVICE)
        size = int(subprocess.run(
            ["du", "-sm", self.root.path], check=True, text=True,
            stdout=subprocess.PIPE).stdout.split()[0])
        if os.path.exists(self.disk):
            os.unlink(self.disk)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", self.root.path,
                        self.disk, f"{size * 5 // 4 + 256}M"], check=True)
        os.unlink(os.path.join(self.root.path,
                               "etc/systemd/system/deb-test.service"))
