# SPDX-License-Identifier: GPL-2.0-only
"""A small repository in a temporary directory, to plant mistakes in.

The tests of the checkers share this: each case starts from files that are as
they should be, changes one thing, and compares what the checker says.
"""
import os
import sys
import tempfile
import unittest


class Planted(unittest.TestCase):
    """FILES are what each case starts from."""

    FILES = {}    # name -> content

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.top = directory.name
        for name, content in self.FILES.items():
            self.write(name, content)

    def path(self, name):
        """Where a file is."""
        return os.path.join(self.top, name)

    def write(self, name, content):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(content)

    def change(self, name, old, new):
        with open(self.path(name), encoding="utf-8") as f:
            content = f.read()
        self.assertIn(old, content)
        self.write(name, content.replace(old, new))


def main():
    """Run the cases; silent when all is well, as other checks are."""
    result = unittest.main(exit=False, verbosity=0,
                           testRunner=unittest.TextTestRunner(
                               stream=open(os.devnull, "w", encoding="utf-8")))
    for case, trace in result.result.failures + result.result.errors:
        print(f"{case}: {trace.strip()}")
    sys.exit(0 if result.result.wasSuccessful() else 1)
