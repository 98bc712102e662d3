#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Run all tests and count them; the last line is "N passed, N failed".

First what needs no guest: unit tests in user space and the builds. Then the
guests, as many at a time as there are processors for: KUnit, kselftests and
the sample VMM with the instrumented kernel, the sample VMM with the
distribution's kernel, on each IOMMU; DPDK with both; a newer QEMU. Every guest
adds tests of its own: that it came to its end and that its kernel log has no
warning. Name steps as arguments to run only those; "clients" is one that runs
only then.
"""
import concurrent.futures
import os
import sys
import time

import test_results
import test_steps


def run_jobs(t, jobs):
    """All guests, a few at a time."""
    t.say(f"{len(jobs)} guests, {test_steps.WORKERS} at a time")
    with concurrent.futures.ThreadPoolExecutor(test_steps.WORKERS) as pool:
        for future in [pool.submit(job) for job in jobs]:
            future.result()


def main():
    steps = {**test_steps.STEPS, **test_steps.MORE}
    unknown = [name for name in sys.argv[1:] if name not in steps]
    if unknown:
        sys.exit(f"unknown step {unknown[0]}; there are: {' '.join(steps)}")
    names = sys.argv[1:] or list(test_steps.STEPS)
    tally, jobs = test_results.Tally(), []
    for name in names:
        if (name in test_steps.NEED_KERNEL and
                not os.path.exists(test_steps.KERNEL)):
            tally.record(name, False, "there is no instrumented kernel")
            continue
        started = time.monotonic()
        jobs += steps[name](tally) or []
        tally.steps.append((name, time.monotonic() - started))
    if jobs:
        run_jobs(tally, jobs)
    sys.exit(tally.finish())


if __name__ == "__main__":
    main()
