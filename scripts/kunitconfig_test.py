#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Plant what kunitconfig.py has to find, in a small driver of its own.

Each case starts from files that are as they should be, changes one thing, and
compares what kunitconfig.py says.
"""
import os

import kunitconfig
import planted

SUITE = "kunit_test_suite(suite);\n"

FILES = {os.path.join(kunitconfig.DRIVER, name): content
         for name, content in {
    ".kunitconfig": "# all\nCONFIG_KUNIT=y\nCONFIG_MAIN=y\nCONFIG_MOCK=y\n"
                    "CONFIG_DEBUG=y\n",
    "Kconfig": "config MAIN\n\ttristate\n\tdepends on MMU\n\n"
               "config MOCK\n\tbool\n\tdepends on DEBUG && KUNIT\n"
               "\tselect FAULTS\n",
    "Makefile": "iommufd-y := \\\n\tmain.o\n"
                "iommufd-$(CONFIG_KUNIT) += \\\n\ttests/map_kunit.o \\\n"
                "\ttests/pin_kunit.o\n"
                "ifneq ($(CONFIG_FAULTS),)\n"
                "iommufd-$(CONFIG_KUNIT) += tests/fault_kunit.o\nendif\n"
                "ifeq ($(CONFIG_MAIN),m)\n"
                "iommufd-y += tests/module.o\nelse\n"
                "iommufd-$(CONFIG_KUNIT) += tests/main_kunit.o\nendif\n",
    "tests/map_kunit.c": SUITE,
    "tests/pin_kunit.c": SUITE,
    "tests/fault_kunit.c": "kunit_test_suites(&one, &two);\n",
    "tests/main_kunit.c": SUITE,
}.items()}


def path(name):
    """Where the small driver has a file."""
    return os.path.join(kunitconfig.DRIVER, name)


class Driver(planted.Planted):
    """A driver in a temporary directory."""

    FILES = FILES

    def found(self):
        """What kunitconfig.py says, in one string."""
        return "\n".join(kunitconfig.check(self.top))

    def test_clean(self):
        self.assertEqual(self.found(), "")

    def test_suite_in_no_list(self):
        self.write(path("tests/new_kunit.c"), SUITE)
        self.assertIn("does not build tests/new_kunit.c", self.found())

    def test_option_is_not_set(self):
        self.change(path(".kunitconfig"), "CONFIG_MOCK=y\n", "")
        self.assertIn("does not build tests/fault_kunit.c", self.found())

    def test_option_is_commented_out(self):
        self.change(path(".kunitconfig"), "CONFIG_KUNIT=y",
                    "# CONFIG_KUNIT is not set")
        self.assertIn("does not build tests/map_kunit.c", self.found())

    def test_option_selects_no_more(self):
        self.change(path("Kconfig"), "select", "imply")
        self.assertIn("does not build tests/fault_kunit.c", self.found())

    def test_other_half_of_a_condition(self):
        self.change(path("Makefile"), "CONFIG_MAIN),m", "CONFIG_MAIN),y")
        self.assertIn("does not build tests/main_kunit.c", self.found())

    def test_what_an_option_depends_on(self):
        self.change(path(".kunitconfig"), "CONFIG_DEBUG=y\n", "")
        self.assertIn("MOCK depends on DEBUG", self.found())

    def test_file_without_suite(self):
        self.change(path("tests/pin_kunit.c"), SUITE, "")
        self.assertIn("pin_kunit.c has no suite", self.found())

    def test_no_file_at_all(self):
        for name in "map", "pin", "fault", "main":
            os.remove(self.path(path(f"tests/{name}_kunit.c")))
        self.assertIn("no suites", self.found())


if __name__ == "__main__":
    planted.main()
