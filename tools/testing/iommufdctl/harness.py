# SPDX-License-Identifier: GPL-2.0-only
"""Runs iommufdctl on trees made by hand, and reports in TAP."""
import json
import subprocess
import sys
import tempfile
import traceback

import tree


class Output:
    """What came out of a run."""

    def __init__(self, done):
        self.status = done.returncode
        self.text = done.stdout.decode()      # strictly UTF-8
        self.error = done.stderr.decode()

    def json(self):
        return json.loads(self.text)


class Case:
    """What a test has: the program, and a machine of its own."""

    def __init__(self, program, directory):
        self.program = program
        self.machine = tree.Machine(directory)

    def command(self, *arguments):
        return [self.program, "--root", self.machine.directory, *arguments]

    def run(self, *arguments, stdin=b""):
        return Output(subprocess.run(self.command(*arguments), input=stdin,
                                     capture_output=True, check=False))


def equal(got, expected, what=""):
    if got != expected:
        raise AssertionError(f"{what} {got!r}, expected {expected!r}")


def contains(text, part):
    if part not in text:
        raise AssertionError(f"no {part!r} in {text!r}")


def run_test(program, function):
    """The traceback of a test that fails, else None."""
    with tempfile.TemporaryDirectory() as directory:
        try:
            function(Case(program, directory))
        except Exception:       # whatever it is, the others go on
            return traceback.format_exc()
    return None


def run_all(program, functions):
    failed = 0
    print(f"TAP version 13\n1..{len(functions)}")
    for number, function in enumerate(functions, 1):
        trouble = run_test(program, function)
        verdict = "not ok" if trouble else "ok"
        print(f"{verdict} {number} - {function.__name__}", flush=True)
        for line in (trouble or "").splitlines():
            print("# " + line)
        failed += trouble is not None
    sys.exit(1 if failed else 0)
