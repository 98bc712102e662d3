# SPDX-License-Identifier: GPL-2.0-only
"""The steps of the tests: what each builds, and the guests that it wants.

A step is a function that takes a Tally, does what needs no guest and returns
jobs, functions that run a guest each.
"""
import glob
import os
import re
import subprocess

import dpdk
import guest
import iommufdctl
import qemu
import run
import suite
import test_results

SELFTESTS = os.path.join(guest.TOP, "tools/testing/selftests/iommu")
SELFTESTS_OUT = os.path.join(guest.BUILD, "selftests")
WORKERS = int(os.environ.get("JOBS") or os.cpu_count() or 1)
# Mostly about much memory, many operations, or time. They do without kmemleak,
# which doubles the time of whatever allocates; the others, failnth_test before
# all, allocate the same things.
WITHOUT_KMEMLEAK = {"abi_file_test", "abi_test", "bar_race_test", "bar_test",
                    "container_test", "device_memory_test", "dirty_range_test",
                    "dirty_test", "dma_test", "fault_move_test", "fault_test",
                    "file_change_test", "file_refused_test", "file_test",
                    "fuzz_test", "huge_change_test", "huge_test",
                    "map_auto_test", "map_copy_test", "map_test",
                    "map_walk_test", "race_test", "stuck_test"}
# Need a guest to their taste, see latency().
LATENCY = ["latency_test", "latency_many_test", "latency_kill_test"]
KERNEL = os.path.join(guest.BUILD, "test/vmlinux")

# scripts/guest/init has the shell functions of this and other commands.
STOCK_COMMAND = """
sh /guest/modules/load.sh || exit 1
bind_edu_devices
{command}
sh /guest/modules/load.sh --unload
"""


def script(name, *args, **variables):
    """Run one of our scripts; its messages go through."""
    return subprocess.run([os.path.join(guest.TOP, "scripts", name), *args],
                          stdin=subprocess.DEVNULL, check=False,
                          env={**os.environ, **variables}).returncode == 0


def logged(name, *command):
    """Run a command with its output in build/logs/NAME.log."""
    os.makedirs(guest.LOGS, exist_ok=True)
    with open(os.path.join(guest.LOGS, name + ".log"), "w+",
              encoding="utf-8") as log:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log,
                              stderr=subprocess.STDOUT, check=False)
        log.seek(0)
        return done.returncode, log.read()


def userspace(t):
    """What needs no kernel, compiled with ASan and UBSan.

    These are the pure parts of the driver, and iommufdctl.
    """
    t.say("unit tests in user space")
    script("base.sh")        # they are compiled with headers of the base
    checked(t, "userspace", "tools/testing/iommufd")
    t.say("iommufdctl on machines made of files")
    checked(t, "iommufdctl", "tools/iommu")


def checked(t, name, folder):
    """Count what "make check" in a folder reports."""
    status, output = logged(name, "make", "-C",
                            os.path.join(guest.TOP, folder), "check")
    count = t.tap(name, output.splitlines())
    t.record(f"{name}: exit status", status == 0 and count > 0,
             f"{status}, see build/logs/{name}.log")


def kernel(t):
    """The instrumented kernel."""
    t.say("the instrumented kernel")
    good = script("kernel.sh", "test")
    t.record("build: instrumented kernel", good)
    if not good and os.path.exists(KERNEL):
        os.unlink(KERNEL)    # nothing shall be tested that is not the source


def modular(t):
    """In tree, as modules, without debug options.

    Only the modules are built, not the kernel around them, so modpost cannot
    know what that exports and warns about every symbol. Whether symbols are
    missing shows the build for the distribution's kernel.
    """
    t.say("iommufd and VFIO as modules of a plain kernel")
    good = script("kernel.sh", "modular", "KBUILD_MODPOST_WARN=1",
                  "drivers/iommu/iommufd/iommufd.ko", "drivers/vfio/vfio.ko",
                  "drivers/vfio/pci/vfio-pci-core.ko")
    with open(os.path.join(guest.LOGS, "kernel-modular.log"),
              encoding="utf-8") as f:
        bad = [line.strip() for line in f
               if re.search(r"warning:|section mismatch|missing MODULE_|"
                            r"error:", line)]
    t.record("build: modules in tree", good and not bad, "; ".join(bad[:3]))


def instrumented(name, iommu, hugepages=32, kmemleak=False):
    """A guest with the instrumented kernel."""
    g = guest.Guest(KERNEL, name)
    g.iommu, g.edu, g.memory, g.timeout = iommu, 2, 2048, 4000
    g.kmemleak = kmemleak
    g.append = (f"kunit.enable=0 hugepages={hugepages} "
                f"kmemleak={'on' if kmemleak else 'off'}")
    return g


def with_modules(g, command):
    """On the distribution's kernel the modules have to be loaded first."""
    return STOCK_COMMAND.format(command=command) if g.release else command


def guest_job(t, g, command, what, judge):
    """A job: a guest runs a command, and the judge counts its result."""
    def job():
        result = g.run(command)
        with t.lock:
            t.done(result, g, what)
            judge(result)
    return job


def selftests_job(t, g, programs, what, good=(0, test_results.KSFT_SKIP)):
    """A guest for kselftests, which looks for leaks in the end if it can."""
    names = [os.path.basename(p) for p in programs]
    g.files += [(p, "/guest/selftests/" + os.path.basename(p))
                for p in programs]
    command = with_modules(g, "turns " + " ".join(names))
    if g.kmemleak:
        command += "\nturn kmemleak leaks"
        names.append("kmemleak")
    return guest_job(
        t, g, command, what,
        lambda result: test_results.program_results(t, g, result, names, good))


def kunit_job(t, name, append, expected=""):
    """KUnit, whose tests run while the kernel boots."""
    g = instrumented(name, "none")
    g.edu, g.expected = 0, expected
    g.append += " kunit.enable=1 " + append
    return guest_job(
        t, g, "true", "KUnit " + append,
        lambda result: test_results.kunit_results(t, result.kernel))


def kunit(t):
    """All suites, and the tests that make the kernel warn by themselves."""
    return [kunit_job(t, "test-kunit", ""),
            kunit_job(t, "test-kunit-warnings", "iommufd.kunit_warnings=1 "
                      "iommufd.kunit_unpin_warnings=1 "
                      "kunit.filter_glob=*.un*",
                      r"WARNING: .* (pfn_domain_unmap|pinned_folio|"
                      r"iopt_unpin_pages|iopt_area_remove_access|"
                      r"iommufd_access_unpin_pages)|Call Trace")]


def build_selftests(t):
    """Paths of the kselftests, built; none if that does not work."""
    t.say("kselftests")
    os.makedirs(SELFTESTS_OUT, exist_ok=True)
    make = ["make", "-C", SELFTESTS, "OUTPUT=" + SELFTESTS_OUT]
    status, _ = logged("selftests-build", *make)
    t.record("build: kselftests", status == 0,
             "see build/logs/selftests-build.log")
    if status:
        return []
    _, names = logged("selftests-list", *make, "-s", "COLLECTION=iommu",
                      "emit_tests")
    return [os.path.join(SELFTESTS_OUT, name)
            for name in re.findall(r"^iommu:(\S+)", names, re.M)
            if name not in LATENCY]


def selftest(t, name):
    """Path of a kselftest that does not run together with the others."""
    os.makedirs(SELFTESTS_OUT, exist_ok=True)
    program = os.path.join(SELFTESTS_OUT, name)
    status, _ = logged(name + "-build", "make", "-C", SELFTESTS,
                       "OUTPUT=" + SELFTESTS_OUT, program)
    t.record(f"build: {name}", status == 0, f"see build/logs/{name}-build.log")
    return program


def selftests(t):
    """kselftests with VT-d, those that take longest first."""
    programs = {os.path.basename(p): p for p in build_selftests(t)}
    if not programs:
        return []
    groups = {"fuzz": ["fuzz_test"],
              "objects": sorted(set(programs) - WITHOUT_KMEMLEAK),
              "memory": sorted(WITHOUT_KMEMLEAK - {"fuzz_test"})}
    return [selftests_job(t, selftests_guest(name),
                          [programs[p] for p in group], "kselftests, " + name)
            for name, group in groups.items()]


def selftests_guest(name):
    """bar_edu_test is among the objects, and wants a device that is reset."""
    objects = name == "objects"
    g = instrumented("test-" + name, "vtd", kmemleak=objects)
    g.ports = int(objects)
    return g


def vmm_result(t, g, result):
    """The sample VMM counts as one test, its output says the rest."""
    bad = [l.strip() for l in result.output.splitlines() if "FAIL" in l]
    t.record(f"{g.name}: sample VMM", result.status == 0, "; ".join(bad[:3]))


def vmm_job(t, g, command, what):
    """A guest for the sample VMM."""
    return guest_job(t, g, command, what,
                     lambda result: vmm_result(t, g, result))


def seen_job(t):
    """The sample VMM, and iommufdctl to look at it."""
    g = instrumented("test-vtd", "vtd")
    g.ports = run.PORTS["vtd"]
    iommufdctl.add_to(g)

    def judge(result):
        test_results.program_results(t, g, result, [iommufdctl.NAME], (0,))
        vmm_result(t, g, result)
        iommufdctl.judge(t, result)

    return guest_job(t, g, iommufdctl.COMMAND,
                     f"sample VMM and iommufdctl, {run.MACHINES['vtd']}, "
                     "instrumented kernel", judge)


def machine_job(t, iommu, hwpt_test):
    """The sample VMM, and hwpt_test, which no other guest runs there."""
    g = instrumented("test-" + iommu, iommu)
    g.ports = run.PORTS[iommu]
    g.files = [(run.VMM, "/guest/edu-vmm"),
               (hwpt_test, "/guest/selftests/hwpt_test")]

    def judge(result):
        test_results.program_results(t, g, result, ["hwpt_test"])
        vmm_result(t, g, result)

    return guest_job(
        t, g, "turns hwpt_test\nedu-vmm $EDU_DEVICES",
        f"sample VMM, {run.MACHINES[iommu]}, instrumented kernel", judge)


def machines(t):
    """The instrumented kernel on each IOMMU: the sample VMM.

    And a program's own page tables on those that the kselftests do not meet.
    """
    run.build_vmm()
    hwpt_test = selftest(t, "hwpt_test")
    return [seen_job(t)] + [machine_job(t, iommu, hwpt_test)
                            for iommu in run.MACHINES if iommu != "vtd"]


def distribution(t):
    """The modules and the sample VMM on the distribution's kernel."""
    t.say("modules for the distribution's kernel")
    good = script("modules.sh", CONTAINER="vfio")
    t.record("build: modules for the distribution's kernel", good)
    if not good:
        return []
    all_of_vfio(t, "modules", set())
    run.build_vmm()
    return [loader(t)] + [vmm_job(t, run.demonstration(iommu,
                                                       "test-stock-" + iommu),
                                  run.command(iommu),
                                  f"sample VMM, {name}, distribution kernel")
                          for iommu, name in run.MACHINES.items()]


def all_of_vfio(t, name, without):
    """Whatever VFIO the kernel has has to be built again, and nothing else.

    One module of the distribution's would take ours for its own kind, and
    what it reads in their structures is something else.
    """
    theirs = {os.path.basename(path).split(".")[0] for path in glob.glob(
        f"{guest.distribution_kernel()[2]}/kernel/drivers/vfio/**/*.ko*",
        recursive=True)}
    with open(os.path.join(guest.BUILD, name, "order"), encoding="utf-8") as f:
        ours = {line.split()[0] for line in f}
    t.record(f"{name}: all of VFIO", ours == theirs - without | {"iommufd"},
             " ".join(sorted(ours)))


def loader(t):
    """load.sh: what it does, and what it says when it cannot."""
    g = run.machine("vtd", "test-loader")
    g.append += " intremap=off"
    g.stock += ["vfio-pci", "vfio_iommu_type1"]
    g.files.append((os.path.join(guest.TOP, "scripts/guest/loader-test"),
                    "/guest/loader-test"))
    g.expected = "vfio: Unknown symbol"     # the test loads in a wrong order
    return guest_job(
        t, g, ". loader-test", "load.sh",
        lambda result: t.tap("load.sh", result.output.splitlines()))


def legacy(t):
    """Programs that know VFIO's own containers, on those of iommufd."""
    t.say("DPDK of Debian 12")
    good = dpdk.fetch()
    t.record("build: what DPDK's tests need", good)
    if not good:
        return []
    g = instrumented("test-legacy", "vtd")
    g.edu, g.memory = 0, 1024
    jobs = [legacy_job(t, g, "link", [], "DPDK, instrumented kernel")]
    t.say("modules with which iommufd serves /dev/vfio/vfio")
    good = script("modules.sh", CONTAINER="iommufd")
    t.record("build: modules that serve /dev/vfio/vfio", good)
    if good:
        all_of_vfio(t, "modules-container", {"vfio_iommu_type1"})
        run.build_vmm()
        g = run.machine("vtd", "test-stock-legacy", "modules-container")
        jobs.append(legacy_job(t, g, "node", ["container_name_test"],
                               "DPDK, distribution kernel"))
    return jobs


def legacy_job(t, g, container, programs, what):
    """testpmd counts frames, and so do we, on the wire."""
    dpdk.add_to(g)
    for name in programs:
        g.files.append((selftest(t, name), "/guest/selftests/" + name))
    command = with_modules(
        g, f"turns {' '.join(programs)}\n"
        f"turn dpdk-test sh /guest/dpdk-test {container} {dpdk.BURSTS}")

    def judge(result):
        test_results.program_results(t, g, result, programs + ["dpdk-test"])
        seen = dpdk.frames(dpdk.wire(g))
        t.record(f"{g.name}: frames on the wire", seen == dpdk.FRAMES,
                 f"{seen}, expected {dpdk.FRAMES}")

    return guest_job(t, g, command, what, judge)


def qemu_job(t, g, cases, what, version="10"):
    """What QEMU's guest wrote has to be on the disk in the end."""
    qemu.add_to(g, version)
    g.memory, g.timeout = 2048, 5400
    name = "qemu-" + version
    command = with_modules(
        g, f"turn {name} sh /guest/qemu-test {qemu.checksum()} "
        + " ".join(cases))

    def judge(result):
        test_results.program_results(t, g, result, [name])
        there, wanted = qemu.written(g), qemu.claimed(result.output)
        t.record(f"{g.name}: written to the disk", there == wanted != [],
                 f"rounds {there} of {wanted}")

    return guest_job(t, g, command, what, judge)


def clients_built(t, versions):
    """The kernels, modules and virtual machine monitors for QEMU's tests."""
    t.say("QEMU of a newer Debian, and a kernel for its guests")
    good = [script("kernel.sh", "inner"),
            script("modules.sh", CONTAINER="iommufd"),
            *[qemu.fetch(version) for version in versions]]
    t.record("build: what QEMU's tests need", all(good))
    if all(good):
        run.build_vmm()
    return all(good)


def qemu_guest(name, stock):
    """A guest whose devices are for QEMU."""
    if not stock:
        return instrumented(name, "vtd")
    return run.machine("vtd", name, "modules-container")


def nested(t):
    """QEMU on our iommufd, as far as there is time for it."""
    if not clients_built(t, ["10"]):
        return []
    return [qemu_job(t, qemu_guest("test-stock-qemu", True),
                     ["cdev", "legacy", "cdev_peer", "legacy_peer"],
                     "QEMU 10, distribution kernel")]


def clients(t):
    """QEMU on our iommufd, all cases."""
    if not (script("kernel.sh", "test") and clients_built(t, qemu.SUITES)):
        return []
    return [qemu_job(t, qemu_guest(f"clients-{kind}-qemu-{version}", stock),
                     qemu.CASES, f"QEMU {version}, {kind} kernel", version)
            for kind, stock in (("instrumented", False), ("distribution", True))
            for version in qemu.SUITES]


def much_memory(t, g):
    """Much memory in huge pages, and IOVA for 1 TiB."""
    g.memory, g.timeout = 3072, 2000
    g.qemu = ["-global", "intel-iommu.aw-bits=48"]
    return [selftest(t, name) for name in LATENCY]


def latency(t):
    """Work that takes long, and what others can do meanwhile.

    A kernel with preemption hides loops that never give way, so this runs on
    the distribution's kernel too, which has none unless it is asked for. Time
    is that of the guest's instructions there, whatever else the host does. Two
    processors would take turns of a tick then, and wait for each other as long.
    """
    g = instrumented("test-latency", "vtd", hugepages=544)
    jobs = [selftests_job(t, g, much_memory(t, g),
                          "latency, instrumented kernel", (0,))]
    if script("modules.sh", CONTAINER="vfio"):
        run.build_vmm()
        g = run.machine("vtd", "test-stock-latency")
        g.append = "quiet hugepages=544 preempt=voluntary"
        g.icount, g.cpus = True, 1
        jobs.append(selftests_job(t, g, much_memory(t, g),
                                  "latency, distribution kernel", (0,)))
    return jobs


def noiommu(t):
    """VFIO's groups without an IOMMU, on a machine that has none."""
    g = instrumented("test-noiommu", "none", kmemleak=True)
    g.edu, g.memory = 1, 1024
    return [selftests_job(t, g, [selftest(t, "noiommu_test")], "no IOMMU")]


def base_suite(t):
    """The base's own tests, compiled against our headers."""
    t.say("the base's own suite")
    good = script("suite.sh")
    t.record("build: the base's own suite", good)
    if not good:
        return []
    g = instrumented("test-suite", "vtd", hugepages=64)
    g.edu, g.files = 0, suite.files()

    def judge(result):
        count = test_results.program_results(t, g, result, suite.PROGRAMS,
                                             (0,))
        t.say(f"the base's own suite: {count} cases")

    return [guest_job(t, g, suite.COMMAND, "the base's own suite", judge)]


# Each does what needs no guest and returns the guests to run. Those that take
# longest come first, so that no processor waits for one of them in the end.
STEPS = {s.__name__.removeprefix("base_"): s for s in (
    userspace, kernel, modular, selftests, base_suite, latency, kunit, machines,
    legacy, noiommu, distribution)}
# Only when they are named.
MORE = {"nested": nested, "clients": clients}
NEED_KERNEL = {"selftests", "suite", "latency", "kunit", "machines", "legacy",
               "noiommu"}
