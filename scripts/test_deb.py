#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Install the Debian packages in a throw-away system, use and purge them.

For each release of Debian: make a system, install the packages, boot that
system's own kernel and run the sample VMM as an ordinary user, get new kernels
and a new version of the packages, let iommufd serve the containers, and purge.
After each step the whole set of modules has to be there for each kernel, and
in the end no trace of them. Name releases as arguments to test only those.
iommufdctl needs the C library of this machine or a newer one. The last line is
"N passed, N failed".
"""
import glob
import os
import re
import shutil
import subprocess
import sys

import debian_root
import guest
import run
import test_results

# Kernels that are only made up: what they have for headers, and what is said.
AUTO_CONF = "include/config/auto.conf"
REFUSED = {"6.1.0-test": ("CONFIG_VFIO=m\n", "is not a 6.12 kernel"),
           "6.12.0-none": (None, "no headers for kernel 6.12.0-none"),
           "6.12.0-builtin": ("CONFIG_VFIO=y\n",
                              "does not have VFIO as modules")}
MODULES = "iommufd-dkms"
PACKAGES = (MODULES, "iommufdctl")
VERSIONS = ("1.0+first", "1.0+second")
SETTING = "etc/default/iommufd-dkms"


def build(t, version):
    """The packages of a version, if they can be built."""
    done = subprocess.run([os.path.join(guest.TOP, "scripts/deb.sh")],
                          stdin=subprocess.DEVNULL, check=False,
                          env={**os.environ, "VERSION": version})
    t.record(f"build: {version}", done.returncode == 0)
    return done.returncode == 0


def pretend(root):
    """Kernels that cannot have the modules."""
    for kernel, (options, _) in REFUSED.items():
        folder = f"lib/modules/{kernel}"
        root.write(f"{folder}/kernel/drivers/vfio/vfio.ko", "made up\n")
        if options:
            root.write(f"{folder}/build/{AUTO_CONF}", options)
            root.write(f"{folder}/build/.config", options)


def install(t, root, version):
    """Install or upgrade to a version."""
    names = []
    for package in PACKAGES:
        for path in glob.glob(os.path.join(guest.BUILD, "deb",
                                           f"{package}_{version}_*.deb")):
            names.append("/tmp/" + os.path.basename(path))
            root.copy(path, names[-1].lstrip("/"))
    status, output = root.apt("install", *names)
    t.record(f"{root.release}: install {version}", status == 0,
             f"see {os.path.relpath(root.log, guest.TOP)}")
    for package in PACKAGES:
        found = root.inside("dpkg-query", "-W", "-f",
                            "${db:Status-Status} ${Version}", package)[1]
        t.record(f"{root.release}: {package} {version} is installed",
                 found == f"installed {version}", found)
    return output


def check_refusals(t, root, output):
    """Kernels without the modules: the reason is told, and nothing changed."""
    for kernel, (_, text) in REFUSED.items():
        t.record(f"{root.release}: {kernel} is told why",
                 re.search(rf"iommufd-dkms: kernel {re.escape(kernel)} is left "
                           rf"as it was: .*{re.escape(text)}", output))
        t.record(f"{root.release}: {kernel} is left as it was",
                 root.modules(kernel, "") == {"vfio"})


def check_set(t, root, version, what, without=frozenset()):
    """Each kernel has all of its VFIO again, built, signed and preferred."""
    for kernel in root.kernels():
        prefix = f"{root.release}: {what}: {kernel}"
        theirs = original_modules(root, kernel)
        ours = root.modules(kernel, "updates/dkms")
        t.record(f"{prefix}: the whole set",
                 theirs and ours == theirs - without | {"iommufd"},
                 f"{sorted(ours)} for {sorted(theirs)}")
        status = root.inside("dkms", "status", "-m", "iommufd", "-v", version,
                             "-k", kernel)[1]
        t.record(f"{prefix}: dkms has it installed", ": installed" in status,
                 status)
        for module in sorted(ours):
            check_module(t, root, kernel, module, prefix)


def original_modules(root, kernel):
    """VFIO as the kernel's package has it, wherever dkms put it meanwhile."""
    info = os.path.join(root.path, "var/lib/dpkg/info")
    for name in (f"linux-image-{kernel}.list",
                 f"linux-modules-{kernel}.list"):
        if os.path.exists(os.path.join(info, name)):
            with open(os.path.join(info, name), encoding="utf-8") as f:
                return set(re.findall(r"/kernel/drivers/vfio/\S*?([^/\s]+)\.ko",
                                      f.read()))
    return set()


def check_module(t, root, kernel, module, prefix):
    """modprobe takes ours; it is for this kernel, and signed."""
    output = root.inside("modinfo", "-k", kernel, module)[1]
    fields = dict(re.findall(r"^(filename|vermagic|signer):\s+(\S+)", output,
                             re.M))
    t.record(f"{prefix}: {module}",
             "/updates/dkms/" in fields.get("filename", "") and
             fields.get("vermagic") == kernel and "signer" in fields,
             str(fields))


def boot(t, root):
    """The installed system with its newest ordinary kernel."""
    kernel = [k for k in root.kernels() if "cloud" not in k][-1]
    for source in (run.VMM, os.path.join(guest.TOP, "scripts/guest/deb-test")):
        root.copy(source, "guest/" + os.path.basename(source))
    g = debian_root.InstalledGuest(root, kernel, "deb-" + root.release)
    result = g.run("")
    os.unlink(g.disk)
    t.done(result, g, f"{root.release}: boot of {kernel}")
    t.tap(f"{root.release}: booted", result.output.splitlines())


def upgrade_kernel(t, root):
    """A newer one, if there is one, and another flavour."""
    flavours = debian_root.FLAVOURS[root.release]
    root.apt("update")
    status, _ = root.apt("install", *[
        package for flavour in flavours
        for package in debian_root.kernel_packages(flavour)])
    t.record(f"{root.release}: install kernels", status == 0)


def upgrade(t, root, version):
    """A new version, while the setting has a mistake in it."""
    root.write(SETTING, "CONTAINER=vifo\n")
    output = install(t, root, version)
    t.record(f"{root.release}: a setting that is none is told",
             "'vifo', which is neither vfio nor iommufd; vfio is taken"
             in output)
    check_set(t, root, version, "upgraded")
    left = [path for path in sorted(root.unowned()) if VERSIONS[0] in path]
    t.record(f"{root.release}: nothing is left of the old version", not left,
             " ".join(left[:8]))


def serve_containers(t, root, version):
    """The one setting, whose change is kept and carried out."""
    root.write(SETTING, "CONTAINER=iommufd\n")
    status, _ = root.inside("dpkg-reconfigure", MODULES)
    t.record(f"{root.release}: reconfigure", status == 0)
    check_set(t, root, version, "containers by iommufd", {"vfio_iommu_type1"})
    for kernel in root.kernels():
        alias = root.inside("modinfo", "-k", kernel, "-F", "alias", "iommufd")
        t.record(f"{root.release}: {kernel}: iommufd serves /dev/vfio/vfio",
                 "devname:vfio/vfio" in alias[1])


def purge(t, root, before):
    """Everything is as if they never had been there."""
    kept = root.apt("remove", MODULES)[0] == 0 and os.path.exists(
        os.path.join(root.path, SETTING))
    t.record(f"{root.release}: remove keeps the setting", kept)
    t.record(f"{root.release}: purge", root.apt("purge", *PACKAGES)[0] == 0)
    known = glob.glob(os.path.join(root.path, "var/lib/dpkg/info/iommufd*"))
    t.record(f"{root.release}: dpkg has nothing of them", not known,
             " ".join(sorted(known)))
    left = {path for path in root.unowned() - before
            if not path.startswith("/var/lib/dkms/mok")}
    t.record(f"{root.release}: nothing is left", not left,
             " ".join(sorted(left)[:8]))
    changed = [l for l in root.changed() if "vfio" in l or "iommu" in l]
    t.record(f"{root.release}: all files of the kernels are back",
             not changed, "; ".join(changed[:4]))
    for kernel in root.kernels():
        path = root.inside("modinfo", "-k", kernel, "-n", "vfio")[1]
        t.record(f"{root.release}: {kernel}: its own VFIO again",
                 "/kernel/drivers/vfio/" in path and
                 root.inside("modinfo", "-k", kernel, "iommufd")[0] != 0, path)


def test(t, release):
    """All steps for one release."""
    t.say(f"{release}: making a system")
    root = debian_root.Root(release)
    made = root.make()
    t.record(f"{release}: a system", made, f"see {root.log}")
    if not made:
        return
    pretend(root)
    before = root.unowned()
    t.say(f"{release}: installing")
    check_refusals(t, root, install(t, root, VERSIONS[0]))
    check_set(t, root, VERSIONS[0], "installed")
    t.say(f"{release}: booting")
    boot(t, root)
    t.say(f"{release}: new kernels, and a new version")
    upgrade_kernel(t, root)
    check_set(t, root, VERSIONS[0], "new kernels")
    upgrade(t, root, VERSIONS[1])
    t.say(f"{release}: the setting, and purge")
    serve_containers(t, root, VERSIONS[1])
    purge(t, root, before)
    shutil.rmtree(root.path)


def main():
    releases = sys.argv[1:] or list(debian_root.FLAVOURS)
    unknown = [name for name in releases if name not in debian_root.FLAVOURS]
    if unknown:
        sys.exit(f"unknown release {unknown[0]}; there are: "
                 + " ".join(debian_root.FLAVOURS))
    if os.geteuid():
        sys.exit("error: this makes whole systems, and needs root for it")
    tally = test_results.Tally()
    run.build_vmm()
    if all([build(tally, version) for version in VERSIONS]):
        for release in releases:
            test(tally, release)
    sys.exit(tally.finish())


if __name__ == "__main__":
    main()
