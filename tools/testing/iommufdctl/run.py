#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Test iommufdctl on machines that are made of files, without a kernel.

usage: run.py PROGRAM

Reports in TAP. What needs a kernel with iommufd is tested in a guest, by
scripts/guest/iommufdctl-test.
"""
import os
import sys

import harness
import test_check
import test_list
import test_trace
import test_usage
import test_watch

MODULES = (test_list, test_watch, test_trace, test_check, test_usage)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.split("\n\n")[1])
    harness.run_all(os.path.abspath(sys.argv[1]),
                    [test for module in MODULES for test in module.TESTS])


if __name__ == "__main__":
    main()
