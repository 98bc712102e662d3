# SPDX-License-Identifier: GPL-2.0-only
"""The kernels, the program and the guests of the benchmark."""
import os
import subprocess
import sys

import guest

OUT = os.path.join(guest.BUILD, "bench")
SELFTESTS = os.path.join(guest.TOP, "tools/testing/selftests/iommu")
PROGRAM = os.path.join(guest.BUILD, "selftests/iommu_bench")
DRIVER = os.path.join(SELFTESTS, "bench/driver")
# What the drivers have in common with the mock IOMMU.
SHARED = [os.path.join(guest.TOP, "drivers/iommu/iommufd/mock", name)
          for name in ("software_iommu.c", "software_iommu.h")]
MODULES = ("bench_access.ko", "bench_iommu.ko")

# Kernel: its source and, by name of the result, the interface to measure. VFIO
# with its type1 is the same in both.
KERNELS = {
    "bench-ours": ("linux", {"ours": "iommufd", "type1": "type1"}),
    "bench-base": ("linux-base", {"base": "iommufd"}),
}
COLUMNS = ("ours", "base", "type1")

# Memory for one page of 1 GiB, 256 MiB of 2 MiB pages with a few to spare, and
# what a million areas take; as many areas as anybody likes for type1.
MEMORY = 4096
APPEND = ("nokaslr norandmaps hugepagesz=1G hugepages=1 hugepagesz=2M "
          "hugepages=136 vfio_iommu_type1.dma_entry_limit=4000000")

# Devices with BARs of these sizes, which are memory that nobody touches.
BARS = ("256M", "16G")


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


def build_driver(kernel, tree):
    """The drivers for the in-kernel side, in a directory of their own."""
    source = os.path.join(OUT, kernel)
    os.makedirs(source, exist_ok=True)
    files = [os.path.join(DRIVER, name) for name in os.listdir(DRIVER)]
    for path in files + SHARED:
        link = os.path.join(source, os.path.basename(path))
        if os.path.lexists(link):
            os.unlink(link)      # what it points to may have moved
        os.symlink(path, link)
    must_run([os.path.join(guest.TOP, "scripts/kernel.sh"), kernel,
              "M=" + source, "modules"], TREE=tree, FRAGMENT="bench")


def build():
    """Both kernels with the drivers, and the program."""
    os.makedirs(OUT, exist_ok=True)
    for kernel, (tree, _) in KERNELS.items():
        must_run([os.path.join(guest.TOP, "scripts/kernel.sh"), kernel,
                  "vmlinux", "modules"], TREE=tree, FRAGMENT="bench")
        build_driver(kernel, tree)
    must_run(["make", "-s", "-C", SELFTESTS, "Q=@", "msg=",
              "OUTPUT=" + os.path.dirname(PROGRAM), PROGRAM])


def image(kernel):
    """Where one of KERNELS is."""
    return os.path.join(guest.BUILD, kernel, "vmlinux")


def where(column):
    """Kernel and interface that a column of the table is measured with."""
    for kernel, (_, columns) in KERNELS.items():
        if column in columns:
            return kernel, columns[column]
    raise KeyError(column)


def machine(column, name):
    """A guest that counts instructions, and what its commands begin with."""
    kernel, interface = where(column)
    g = guest.Guest(image(kernel), name)
    g.iommu, g.edu, g.memory, g.timeout = "vtd", 2, MEMORY, 3600
    g.icount, g.cpus = True, 1
    g.append = APPEND
    g.files = [(PROGRAM, "/guest/iommu_bench")]
    g.modules = [os.path.join(OUT, kernel, name) for name in MODULES]
    return g, f"iommu_bench {interface}"
