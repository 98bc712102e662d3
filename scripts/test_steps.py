# SPDX-License-Identifier: GPL-2.0-only
"""The steps of the tests: what each builds, and the guests that it wants.

A step is a function that takes a Tally, does what needs no guest and returns
jobs, functions that run a guest each.
"""
import glob
import json
import os
import re
import subprocess

import dpdk
import guest
import qemu
import run
import suite
import test_results

SELFTESTS = os.path.join(guest.TOP, "tools/testing/selftests/iommu")
SELFTESTS_OUT = os.path.join(guest.BUILD, "selftests")
TIMES = os.path.join(SELFTESTS_OUT, "times.json")
WORKERS = int(os.environ.get("JOBS") or os.cpu_count() or 1)
# Seconds that some kselftests take, before that is known of this machine.
LONG = {"fuzz_test": 1300, "huge_test": 200, "huge_change_test": 150,
        "dma_test": 200, "device_test": 60, "container_test": 150,
        "failnth_test": 400, "race_test": 100}
# Need a guest to their taste, see latency().
LATENCY = ["latency_test", "latency_many_test", "latency_kill_test"]
KERNEL = os.path.join(guest.BUILD, "test/vmlinux")

# kmemleak reports what no pointer leads to after some seconds of age; the
# second scan drops what was only in flight during the first.
IN_TURN = """
kmemleak=/sys/kernel/debug/kmemleak
cd {directory}
for t in {programs}; do
	echo "### begin $t"
	./$t
	echo "### end $t $? $(cut -d. -f1 /proc/uptime)"
done
echo "### begin kmemleak"
sleep 5
echo scan >$kmemleak
echo scan >$kmemleak
cat $kmemleak
echo "### end kmemleak 0 $(cut -d. -f1 /proc/uptime)"
"""
SELFTEST_COMMAND = IN_TURN.format(directory="/guest/selftests",
                                  programs="*_test")
SUITE_COMMAND = IN_TURN.format(directory=suite.DIRECTORY,
                               programs=" ".join(suite.PROGRAMS))

# Whatever happens to a program, the next one gets its turn.
LEGACY_COMMAND = """
[ {container} = link ] || sh /guest/modules/load.sh || exit 1
bind_edu_devices
for t in {tests}; do
	echo "### begin $t"
	/guest/selftests/$t
	echo "### end $t $? $(cut -d. -f1 /proc/uptime)"
done
echo "### begin dpdk-test"
sh /guest/dpdk-test {container} {bursts}
echo "### end dpdk-test $? $(cut -d. -f1 /proc/uptime)"
[ {container} = link ] || sh /guest/modules/load.sh --unload
"""


# The same programs on the distribution's kernel.
LATENCY_COMMAND = """
sh /guest/modules/load.sh || exit 1
bind_edu_devices
for t in {programs}; do
	echo "### begin $t"
	/guest/selftests/$t
	echo "### end $t $? $(cut -d. -f1 /proc/uptime)"
done
sh /guest/modules/load.sh --unload
""".format(programs=" ".join(LATENCY))


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
    """The pure parts, compiled for user space with ASan and UBSan."""
    t.say("unit tests in user space")
    script("base.sh")        # they are compiled with headers of the base
    status, output = logged("userspace", "make", "-C", os.path.join(
        guest.TOP, "tools/testing/iommufd"), "check")
    count = t.tap("userspace", output.splitlines())
    t.record("userspace: exit status", status == 0 and count > 0,
             f"{status}, see build/logs/userspace.log")


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


def instrumented(name, iommu):
    """A guest with the instrumented kernel."""
    g = guest.Guest(KERNEL, name)
    g.iommu, g.edu, g.memory, g.timeout = iommu, 2, 2048, 4000
    g.append = "hugepages=32 kunit.enable=0"
    return g


def kunit_job(t, name, append, expected=""):
    """KUnit, whose tests run while the kernel boots."""
    g = instrumented(name, "none")
    g.edu, g.expected = 0, expected
    g.append = "kunit.enable=1 " + append

    def job():
        result = g.run("true")
        with t.lock:
            t.done(result, g, "KUnit " + append)
            test_results.kunit_results(t, result.kernel)
    return job


def kunit(t):
    """All suites, and the tests that make the kernel warn by themselves."""
    return [kunit_job(t, "test-kunit", ""),
            kunit_job(t, "test-kunit-warnings", "iommufd.kunit_warnings=1 "
                      "iommufd.kunit_unpin_warnings=1 "
                      "kunit.filter_glob=*.un*",
                      r"WARNING: .* (pfn_domain_unmap|release_run|"
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


def shares(programs, count):
    """Divide the programs so that all shares take about the same time.

    The times are those of the run before, if there was one.
    """
    times = dict(LONG)
    try:
        with open(TIMES, encoding="utf-8") as f:
            times.update(json.load(f))
    except (OSError, ValueError):
        pass
    result = [[0, []] for _ in range(count)]
    weight = {p: times.get(os.path.basename(p), 60) for p in programs}
    for program in sorted(programs, key=lambda p: -weight[p]):
        least = min(result, key=lambda share: share[0])
        least[0] += weight[program] + 1
        least[1].append(program)
    return [programs for _, programs in result if programs]


def remember(times):
    """Keep how long the kselftests took."""
    known = {}
    if os.path.exists(TIMES):
        with open(TIMES, encoding="utf-8") as f:
            known = json.load(f)
    known.update(times)
    with open(TIMES, "w", encoding="utf-8") as f:
        json.dump(known, f)


def selftests(t):
    """kselftests with VT-d, shared out among the guests that run at once."""
    programs = build_selftests(t)

    def job(number, share):
        g = instrumented(f"test-selftests-{number}", "vtd")
        g.files = [(p, "/guest/selftests/" + os.path.basename(p))
                   for p in share]
        result = g.run(SELFTEST_COMMAND)
        with t.lock:
            t.done(result, g, "kselftests " + " ".join(
                os.path.basename(p) for p in share))
            selftest_results(t, g, result, share)

    return [lambda n=n, share=share: job(n, share)
            for n, share in enumerate(shares(programs, WORKERS), 1)]


def selftest_results(t, g, result, share):
    """The kselftests of one guest; how long each took is remembered."""
    names = [os.path.basename(p) for p in share]
    remember(test_results.program_results(t, g, result, names + ["kmemleak"]))


def vmm_job(t, g, command, what):
    """The sample VMM counts as one test, its output says the rest."""
    def job():
        result = g.run(command)
        bad = [l.strip() for l in result.output.splitlines() if "FAIL" in l]
        with t.lock:
            t.done(result, g, what)
            t.record(f"{g.name}: sample VMM", result.status == 0,
                     "; ".join(bad[:3]))
    return job


def demo(t):
    """The sample VMM with the instrumented kernel on each IOMMU."""
    run.build_vmm()
    jobs = []
    for iommu, name in run.MACHINES.items():
        g = instrumented("test-" + iommu, iommu)
        g.files = [(run.VMM, "/guest/edu-vmm")]
        jobs.append(vmm_job(t, g, "edu-vmm $EDU_DEVICES",
                            f"sample VMM, {name}, instrumented kernel"))
    return jobs


def distribution(t):
    """The modules and the sample VMM on the distribution's kernel."""
    t.say("modules for the distribution's kernel")
    good = script("modules.sh", CONTAINER="vfio")
    t.record("build: modules for the distribution's kernel", good)
    if not good:
        return []
    all_of_vfio(t, "modules", set())
    run.build_vmm()
    return [loader(t)] + [vmm_job(t, run.machine(iommu, "test-stock-" + iommu),
                                  run.command(iommu),
                                  f"sample VMM, {name}, distribution kernel")
                          for iommu, name in run.MACHINES.items()]


def all_of_vfio(t, name, without):
    """Whatever VFIO the kernel has has to be built again, and nothing else.

    One module of the distribution's would take ours for its own kind, and
    what it reads in their structures is something else.
    """
    release = guest.distribution_kernel()[1]
    theirs = {os.path.basename(path).split(".")[0] for path in glob.glob(
        f"/lib/modules/{release}/kernel/drivers/vfio/**/*.ko*", recursive=True)}
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

    def job():
        result = g.run(". loader-test")
        with t.lock:
            t.done(result, g, "load.sh")
            t.tap("load.sh", result.output.splitlines())
    return job


def legacy(t):
    """Programs that know VFIO's own containers, on those of iommufd."""
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
    tests = " ".join(programs)

    def job():
        result = g.run(LEGACY_COMMAND.format(tests=tests, container=container,
                                             bursts=dpdk.BURSTS))
        with t.lock:
            t.done(result, g, what)
            test_results.program_results(t, g, result, programs + ["dpdk-test"])
            seen = dpdk.frames(dpdk.wire(g))
            t.record(f"{g.name}: frames on the wire", seen == dpdk.FRAMES,
                     f"{seen}, expected {dpdk.FRAMES}")
    return job


# On the distribution's kernel the modules have to be loaded first.
QEMU_COMMAND = """
[ ! -e /guest/modules ] || sh /guest/modules/load.sh || exit 1
echo "### begin {name}"
sh /guest/qemu-test {checksum} {cases}
echo "### end {name} $? $(cut -d. -f1 /proc/uptime)"
[ ! -e /guest/modules ] || sh /guest/modules/load.sh --unload
"""


def qemu_job(t, g, cases, what, version="10"):
    """What QEMU's guest wrote has to be on the disk in the end."""
    qemu.add_to(g, version)
    g.edu, g.memory, g.timeout = 0, 2048, 2700
    name = "qemu-" + version

    def job():
        result = g.run(QEMU_COMMAND.format(name=name, cases=" ".join(cases),
                                           checksum=qemu.checksum()))
        with t.lock:
            t.done(result, g, what)
            test_results.program_results(t, g, result, [name])
            there, wanted = qemu.written(g), qemu.claimed(result.output)
            t.record(f"{g.name}: written to the disk",
                     there == wanted != [], f"rounds {there} of {wanted}")
    return job


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
    return [qemu_job(t, qemu_guest("test-stock-qemu", True), ["cdev", "legacy"],
                     "QEMU 10, distribution kernel")]


def clients(t):
    """QEMU on our iommufd, all cases."""
    if not (script("kernel.sh", "test") and clients_built(t, qemu.SUITES)):
        return []
    return [qemu_job(t, qemu_guest(f"clients-{kind}-qemu-{version}", stock),
                     qemu.CASES, f"QEMU {version}, {kind} kernel", version)
            for kind, stock in (("instrumented", False), ("distribution", True))
            for version in qemu.SUITES]


def latency_job(t, g, command, programs, what):
    """Much memory in huge pages, and IOVA for 1 TiB."""
    g.files += [(selftest(t, name), "/guest/selftests/" + name)
                for name in LATENCY]
    g.memory, g.timeout = 3072, 2000
    g.qemu = ["-global", "intel-iommu.aw-bits=48"]

    def job():
        result = g.run(command)
        with t.lock:
            t.done(result, g, what)
            test_results.program_results(t, g, result, programs, good=(0,))
    return job


def latency(t):
    """Work that takes long, and what others can do meanwhile.

    A kernel with preemption hides loops that never give way, so this runs on
    the distribution's kernel too, which has none unless it is asked for.
    """
    g = instrumented("test-latency", "vtd")
    g.append = "hugepages=544 kunit.enable=0"
    jobs = [latency_job(t, g, SELFTEST_COMMAND, LATENCY + ["kmemleak"],
                        "latency, instrumented kernel")]
    if script("modules.sh", CONTAINER="vfio"):
        run.build_vmm()
        g = run.machine("vtd", "test-stock-latency")
        g.append = "quiet hugepages=544 preempt=voluntary"
        jobs.append(latency_job(t, g, LATENCY_COMMAND, LATENCY,
                                "latency, distribution kernel"))
    return jobs


def selftest_job(t, g, name, what):
    """A guest for one kselftest."""
    g.files = [(selftest(t, name), "/guest/selftests/" + name)]

    def job():
        result = g.run(SELFTEST_COMMAND)
        with t.lock:
            t.done(result, g, what)
            test_results.program_results(t, g, result, [name, "kmemleak"])
    return job


def noiommu(t):
    """VFIO's groups without an IOMMU, on a machine that has none."""
    g = instrumented("test-noiommu", "none")
    g.edu, g.memory = 1, 1024
    return [selftest_job(t, g, "noiommu_test", "no IOMMU")]


def page_tables(t):
    """A program's own page tables on IOMMUs that the kselftests do not meet."""
    return [selftest_job(t, instrumented("test-hwpt-" + iommu, iommu),
                         "hwpt_test", f"page tables, {run.MACHINES[iommu]}")
            for iommu in ("amd", "virtio")]


def base_suite(t):
    """The base's own tests, compiled against our headers."""
    t.say("the base's own suite")
    good = script("suite.sh")
    t.record("build: the base's own suite", good)
    if not good:
        return []
    g = instrumented("test-suite", "vtd")
    g.edu, g.append = 0, "hugepages=64 kunit.enable=0"
    g.files = suite.files()

    def job():
        result = g.run(SUITE_COMMAND)
        with t.lock:
            t.done(result, g, "the base's own suite")
            base_suite_results(t, g, result)
    return [job]


def base_suite_results(t, g, result):
    """Cases that wait make a program fail, so its status says little."""
    judge = suite.Judge(t, suite.read_list())
    test_results.program_results(t, g, result, suite.PROGRAMS + ["kmemleak"],
                                 (0, 1), judge.case)
    judge.finish()


# Each does what needs no guest and returns the guests to run, longest first.
STEPS = {s.__name__: s for s in (userspace, kernel, modular, selftests, latency,
                                 kunit, demo, noiommu, page_tables,
                                 distribution, legacy)}
STEPS["suite"] = base_suite
# Only when they are named.
MORE = {"nested": nested, "clients": clients}
NEED_KERNEL = {"selftests", "latency", "kunit", "demo", "noiommu",
               "page_tables", "legacy", "suite"}
