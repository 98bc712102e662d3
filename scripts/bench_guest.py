# SPDX-License-Identifier: GPL-2.0-only
"""The kernels, the program and the guests of the benchmark."""
import os
import subprocess
import sys
from collections import namedtuple

import guest
import run

OUT = os.path.join(guest.BUILD, "bench")
SELFTESTS = os.path.join(guest.TOP, "tools/testing/selftests/iommu")
PROGRAM = os.path.join(guest.BUILD, "selftests/iommu_bench")
DRIVER = os.path.join(SELFTESTS, "bench/driver")
# What the drivers have in common with the mock IOMMU.
SHARED = [os.path.join(guest.TOP, "drivers/iommu/iommufd/mock", name)
          for name in ("software_iommu.c", "software_iommu.h")]
MODULES = ("bench_access.ko", "bench_iommu.ko")

# The distribution's kernel, with our modules in place of its VFIO.
STOCK = "stock"
STOCK_MODULES = os.path.join(guest.BUILD, "modules")
# Kernels that are built for the benchmark: the source and the configurations of
# each.
LEAN = {
    "bench-ours": ("linux", "bench"),
    "bench-base": ("linux-base", "bench"),
    "bench-locks": ("linux", "bench locks"),
}

# What a column of the table is measured with; VFIO with its type1 is the base's
# in all of them.
Column = namedtuple("Column", "kernel interface iommu", defaults=["vtd"])
COLUMNS = {
    "ours": Column(STOCK, "iommufd"),
    "type1": Column(STOCK, "type1"),
    "lean": Column("bench-ours", "iommufd"),
    "base": Column("bench-base", "iommufd"),
    "amd": Column(STOCK, "iommufd", "amd"),
    "amd-type1": Column(STOCK, "type1", "amd"),
    "locks": Column("bench-locks", "iommufd"),
}

# Memory for one page of 1 GiB, 256 MiB of 2 MiB pages with a few to spare, and
# what a million areas take; as many areas as anybody likes for type1.
MEMORY = 4096
APPEND = ("nokaslr norandmaps hugepagesz=1G hugepages=1 hugepagesz=2M "
          "hugepages=136 vfio_iommu_type1.dma_entry_limit=4000000")

# Devices with BARs of these sizes, which are memory that nobody touches.
BARS = ("256M", "16G")

# What stands before the program in a guest's commands. The modules of the
# distribution's kernel are loaded as users load them. They are not part of the
# service; the program is.
LEAN_COMMAND = """
join_service || exit 1
iommu_bench {interface}"""
STOCK_COMMAND = """
sh /guest/modules/load.sh || exit 1
bind_edu_devices
insmod /guest/bench_access.ko || exit 1
join_service || exit 1
iommu_bench {interface}"""


def bar_devices():
    """Arguments for QEMU."""
    args = []
    for i, size in enumerate(BARS):
        args += ["-object", f"memory-backend-ram,id=bar{i},size={size},"
                            "reserve=off",
                 "-device", f"ivshmem-plain,memdev=bar{i},addr=0x{8 + i:x}"]
    return args


def must_run(command, **environment):
    """Run a step of the build, which says itself what went wrong."""
    done = subprocess.run(command, env={**os.environ, **environment},
                          stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        sys.exit(f"error: {' '.join(command[:3])} failed")


def must_log(name, command):
    """Run a step of the build with its output in build/logs/NAME.log."""
    os.makedirs(guest.LOGS, exist_ok=True)
    with open(os.path.join(guest.LOGS, name + ".log"), "wb") as log:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log,
                              stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        sys.exit(f"error: {' '.join(command[:3])} failed, see "
                 f"build/logs/{name}.log")


def driver_source(kernel):
    """A directory for the drivers as they are built for a kernel."""
    source = os.path.join(OUT, kernel)
    os.makedirs(source, exist_ok=True)
    files = [os.path.join(DRIVER, name) for name in os.listdir(DRIVER)]
    for path in files + SHARED:
        link = os.path.join(source, os.path.basename(path))
        if os.path.lexists(link):
            os.unlink(link)      # what it points to may have moved
        os.symlink(path, link)
    # Made again, as the symbols of iommufd that it has may be older ones.
    symbols = os.path.join(source, "Module.symvers")
    if os.path.exists(symbols):
        os.unlink(symbols)
    return source


def build_lean(kernel):
    """One of LEAN, with both drivers."""
    script = os.path.join(guest.TOP, "scripts/kernel.sh")
    tree, fragment = LEAN[kernel]
    must_run([script, kernel, "vmlinux", "modules"], TREE=tree,
             FRAGMENT=fragment)
    must_run([script, kernel, "M=" + driver_source(kernel), "modules"],
             TREE=tree, FRAGMENT=fragment)


def build_stock():
    """Our modules for the distribution's kernel, with type1 beside them.

    And the driver for the in-kernel side; the other one would need parts of
    iommufd that such kernels are built without.
    """
    must_run([os.path.join(guest.TOP, "scripts/modules.sh")], CONTAINER="vfio")
    with open(os.path.join(STOCK_MODULES, "headers"), encoding="utf-8") as f:
        headers = f.read().strip()
    must_log("bench-driver", [
        "make", "-C", headers,
        "M=" + driver_source(STOCK), "OVERLAY=" + guest.TOP,
        "KCPPFLAGS=-DCONFIG_IOMMUFD_MODULE=1",
        f"KBUILD_EXTRA_SYMBOLS={STOCK_MODULES}/src/Module.symvers", "modules"])


def build(columns):
    """The kernels and modules that some columns need, and the program."""
    os.makedirs(OUT, exist_ok=True)
    kernels = {COLUMNS[column].kernel for column in columns}
    if STOCK in kernels:
        build_stock()
    for kernel in LEAN:
        if kernel in kernels:
            build_lean(kernel)
    must_run(["make", "-s", "-C", SELFTESTS, "Q=@", "msg=",
              "OUTPUT=" + os.path.dirname(PROGRAM), PROGRAM])


def image(kernel):
    """Where one of LEAN is."""
    return os.path.join(guest.BUILD, kernel, "vmlinux")


def objects(column):
    """Where the objects are that tell what a function is part of.

    The distribution's kernel has the same source as the lean one.
    """
    kernel = COLUMNS[column].kernel
    return os.path.join(guest.BUILD,
                        "bench-ours" if kernel == STOCK else kernel)


def stock_guest(column, name):
    """The distribution's kernel, and what its commands begin with."""
    g = run.distribution(COLUMNS[column].iommu, name)
    g.files.append((os.path.join(OUT, STOCK, MODULES[0]),
                    "/guest/" + MODULES[0]))
    return g, STOCK_COMMAND


def lean_guest(column, name):
    """One of LEAN, and what its commands begin with."""
    kernel = COLUMNS[column].kernel
    g = guest.Guest(image(kernel), name)
    g.iommu, g.edu = COLUMNS[column].iommu, 2
    g.modules = [os.path.join(OUT, kernel, module) for module in MODULES]
    return g, LEAN_COMMAND


def machine(column, name):
    """A guest that counts instructions, and what its commands begin with."""
    stock = COLUMNS[column].kernel == STOCK
    g, command = (stock_guest if stock else lean_guest)(column, name)
    g.memory, g.timeout = MEMORY, 3600
    g.icount, g.cpus = True, 1
    g.append = APPEND
    g.files.append((PROGRAM, "/guest/iommu_bench"))
    return g, command.format(interface=COLUMNS[column].interface)
