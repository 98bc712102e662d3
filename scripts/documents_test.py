#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Plant what documents.py has to find, in a small repository of its own.

Each case starts from files that are as they should be, changes one thing, and
compares what documents.py says.
"""
import documents
import planted

SELFTEST = "tools/testing/selftests/iommu/map_test.c"
KUNIT = "drivers/iommu/iommufd/tests/pages_kunit.c"
CODE = "drivers/iommu/iommufd/low/lock.c"
WALK = "Documentation/driver-api/iommufd.rst"

FILES = {
    SELFTEST: "TEST_F(map, h05_reply)\n{\n}\n"
              "FIXTURE_VARIANT_ADD(map, h08_wraps)\n{\n};\n"
              "/* TEST_F(map, h99_in_a_comment) */\n",
    KUNIT: "static struct kunit_case cases[] = {\n"
           "\tKUNIT_CASE_PARAM(h05_pages, params),\n};\n",
    CODE: "static int ready(void);\n\nint lock_open(struct lock *lock,\n"
          "\t      int how)\n\t__releases(lock)\n{\n\treturn ready();\n}\n",
    WALK: "``low/lock.c:lock_open()`` opens it.\n",
    documents.HAZARDS: """
h05: a reply
    Gets lost.

    * ``map_test.c``: ``h05_reply``
    * ``pages_kunit.c``:
      ``h05_pages``

h08: a sum
    Wraps.

    * ``map_test.c``: ``h08_wraps``
""",
    "MAINTAINERS": """
F: of the explanation
Maintainers List
----------------

LOCKS
M:	Some Body <some@body.example>
S:	Maintained
F:	Documentation/*/iommufd*.rst
F:	drivers/iommu/iommufd/
F:	tools/

REST
M:	Some Body <some@body.example>
S:	Maintained
F:	*
""",
}


class Repository(planted.Planted):
    """A repository in a temporary directory."""

    FILES = FILES

    def found(self):
        """What documents.py says, in one string."""
        return "\n".join(error for check in documents.CHECKS
                         for error in check(self.top))

    def test_clean(self):
        self.assertEqual(self.found(), "")

    def test_number_without_entry(self):
        self.change(SELFTEST, "h08_wraps", "h09_wraps")
        found = self.found()
        self.assertIn("map_test.c: h09_wraps has no entry", found)
        self.assertIn("h08: map_test.c has no test h08_wraps", found)

    def test_kunit_without_entry(self):
        self.change(KUNIT, "h05_pages", "h73_pages")
        self.assertIn("pages_kunit.c: h73_pages has no entry", self.found())

    def test_test_in_another_file(self):
        self.change(documents.HAZARDS, "``pages_kunit.c``", "``map_test.c``")
        self.assertIn("h05: map_test.c has no test h05_pages", self.found())

    def test_file_that_is_not_there(self):
        self.change(documents.HAZARDS, "``map_test.c``: ``h08",
                    "``gone_test.c``: ``h08")
        self.assertIn("gone_test.c has no test h08_wraps", self.found())

    def test_entry_without_tests(self):
        self.change(documents.HAZARDS, "* ``map_test.c``: ``h08_wraps``", "")
        self.assertIn("h08 names no test", self.found())

    def test_entry_twice(self):
        self.change(documents.HAZARDS, "h08: a sum", "h05: a sum")
        found = self.found()
        self.assertIn("h05 has an entry already", found)
        self.assertIn("h05 names h08_wraps, of another number", found)

    def test_only_in_a_comment(self):
        self.change(SELFTEST, "TEST_F(map, h05_reply)",
                    "/* TEST_F(map, h05_reply) */")
        self.assertIn("has no test h05_reply", self.found())

    def test_function_renamed(self):
        self.change(CODE, "lock_open", "lock_unlock")
        self.assertIn("low/lock.c does not define lock_open()", self.found())

    def test_function_only_declared(self):
        self.change(WALK, "lock_open", "ready")
        self.assertIn("low/lock.c does not define ready()", self.found())

    def test_function_in_no_file(self):
        self.change(WALK, "low/lock.c", "low/bolt.c")
        self.assertIn("low/bolt.c does not define lock_open()", self.found())

    def test_file_of_nobody(self):
        self.write("build/test/vmlinux", "\n")
        self.assertEqual(self.found(), "")
        self.write("include/linux/iommufd.h", "\n")
        self.assertIn("include/linux/iommufd.h is nobody's", self.found())

    def test_pattern_without_file(self):
        self.change("MAINTAINERS", "F:\ttools/", "F:\ttools/iommu/")
        found = self.found()
        self.assertIn("LOCKS: tools/iommu/ matches no file", found)
        self.assertIn(f"{SELFTEST} is nobody's", found)

    def test_section_without_maintainer(self):
        self.change("MAINTAINERS", "M:\tSome Body <some@body.example>\n", "")
        found = self.found()
        self.assertIn("LOCKS has no M:", found)
        self.assertIn("REST has no M:", found)

    def test_section_without_status(self):
        self.change("MAINTAINERS", "S:\tMaintained\n", "")
        self.assertIn("LOCKS has not one S:", self.found())

    def test_order(self):
        self.change("MAINTAINERS", "LOCKS", "SAFES")
        self.change("MAINTAINERS", "F:\ttools/", "F:\t*/")
        found = self.found()
        self.assertIn("not in alphabetical order", found)
        self.assertIn("SAFES has patterns out of order", found)

    def test_no_sections(self):
        self.change("MAINTAINERS", "Maintainers List", "Some people")
        self.assertIn("MAINTAINERS is nobody's", self.found())

    def found_in(self, name, content):
        """What it says when this file is there, too."""
        self.write(name, content)
        return self.found()

    def test_long_comment(self):
        self.assertIn("lock.c:2: 31 words: It is it", self.found_in(
            CODE, FILES[CODE].replace(
                "static", "/*\n * It" + " is\n * it" * 15 + ".\n */\nstatic",
                1)))

    def test_long_paragraph(self):
        self.assertIn("iommufd.rst:3: 31 words", self.found_in(
            WALK, FILES[WALK] + "\n" + "so " * 31 + "\n"))

    def test_long_item(self):
        self.assertIn("iommufd.rst:3: 31 words", self.found_in(
            WALK, FILES[WALK] + "\n- " + "so\n  " * 31 + "\n"))

    def test_sentences_that_end(self):
        for end in ".", "?", ";", ":", '."', ".)":
            self.assertEqual("", self.found_in(
                WALK, FILES[WALK] + f"\nso{' so' * 25}{end} So{' so' * 25}\n"))

    def test_no_sentences(self):
        self.assertEqual("", self.found_in(
            WALK, FILES[WALK] + "\ncode::\n\n\t" + "so " * 40 + "\n\n" +
            "one  two\n" * 20 + "\n" + "- so\n" * 40))
        self.assertEqual("", self.found_in(
            CODE, FILES[CODE].replace("static", "/*\n" + " * @so: so so\n" *
                                      30 + " */\nstatic", 1)))


if __name__ == "__main__":
    planted.main()
