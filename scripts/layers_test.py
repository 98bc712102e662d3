#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Plant what layers.py has to find, in a small driver of its own.

Each case starts from files that are as they should be, changes one thing,
compiles all, and compares what layers.py says.
"""
import os
import subprocess

import layers
import planted

FILES = {
    "scripts/layers.txt": "# top down\n\ntests\n.\nhigh\nlow other\n",
    "Documentation/driver-api/iommufd.rst": """
Folders
=======

==============  =======
file            subject
==============  =======
**./**          the top
``main``        calls
**high/**       uses low
``high/door``   a door
``high/kapi``   for drivers
**low/**        the ground
``low/lock``    a lock
``low/bolt``    another
``low/types``   only a header
**other/**      beside
``other/wall``  a wall
**tests/**      of all
``tests/t``     a test
==============  =======
""",
    "main.c": '#include "high/door.h"\nint init_module(void);\n'
              "int init_module(void)\n{\n\treturn door_open();\n}\n",
    "high/door.h": "/* int in_a_comment(void); */\nint door_open(void);\n",
    "high/door.c": '#include "door.h"\n#include "low/lock.h"\n'
                   "int door_open(void)\n{\n\treturn lock_open();\n}\n",
    "high/kapi.c": "int for_drivers(void)\n{\n\treturn 0;\n}\n"
                   "static int __export_symbol_for_drivers "
                   "__attribute__((used));\n",
    "low/types.h": "struct lock {\n\tint (*open)(void);\n};\n",
    "low/lock.h": '#include "types.h"\n#include "../../iommu-priv.h"\n'
                  "int lock_open(void);\n"
                  "static inline int lock_shut(void)\n{\n\treturn 0;\n}\n",
    "low/lock.c": '#include "lock.h"\n#include "bolt.h"\n'
                  "int lock_open(void)\n{\n\treturn bolt_draw();\n}\n",
    "low/bolt.h": "int bolt_draw(void);\n",
    "low/bolt.c": '#include "bolt.h"\n'
                  "int bolt_draw(void)\n{\n\treturn 1;\n}\n",
    "other/wall.h": "int wall(void);\n",
    "other/wall.c": '#include "wall.h"\nint wall(void)\n{\n\treturn 1;\n}\n',
    "tests/t.c": '#include "low/bolt.h"\nint static_use(void);\n'
                 "static int test(void)\n{\n\treturn bolt_draw();\n}\n"
                 "int (*const init_module)(void) = test;\n",
    "../iommu-priv.h": "\n",
}
FOLDER = "drivers/iommu/iommufd"


class Driver(planted.Planted):
    """A driver in a temporary directory."""

    FILES = FILES
    compiled = {}    # (unit, source) -> object

    def path(self, name):
        if name.split("/")[0] not in ("scripts", "Documentation"):
            name = os.path.join(FOLDER, name)
        return super().path(os.path.normpath(name))

    def found(self):
        """What layers.py says, in one string."""
        tree = layers.Tree(self.top, os.path.join(self.top, "objects"))
        for unit in tree.units:
            if tree.path(unit, ".c"):
                self.compile(tree, unit)
        return "\n".join(error for check in layers.CHECKS
                         for error in check(tree))

    def compile(self, tree, unit):
        """No header here changes the symbols of who includes it."""
        source = tree.path(unit, ".c")
        target = os.path.join(tree.objects, unit + ".o")
        key = unit, layers.read(source)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if key not in self.compiled:
            subprocess.run(["gcc", "-w", "-c", "-I", tree.driver, source,
                            "-o", target], check=True)
            with open(target, "rb") as f:
                self.compiled[key] = f.read()
        with open(target, "wb") as f:
            f.write(self.compiled[key])

    def test_clean(self):
        self.assertEqual(self.found(), "")

    def test_include_upwards(self):
        self.change("low/bolt.h", "int", '#include "high/door.h"\nint')
        self.assertIn("low/bolt.h:1: #include \"high/door.h\": high/ is not "
                      "below low/", self.found())

    def test_include_of_tests(self):
        self.write("tests/t.h", "\n")
        self.change("main.c", "int init", '#include "tests/t.h"\nint init')
        self.assertIn("tests/ is not below ./", self.found())

    def test_call_upwards(self):
        self.change("low/bolt.c", "return 1", "return for_drivers()")
        self.assertIn("low/bolt.c uses for_drivers() of high/kapi.c: high/ is "
                      "not below low/", self.found())

    def test_call_beside(self):
        self.change("low/bolt.c", "return 1", "return wall()")
        self.assertIn("low/bolt.c uses wall() of other/wall.c: other/ is not "
                      "below low/", self.found())

    def test_circle_of_includes(self):
        self.change("low/types.h", "struct lock",
                    '#pragma once\n#include "lock.h"\nstruct lock')
        self.change("low/lock.h", '#include "types.h"',
                    '#pragma once\n#include "types.h"')
        self.assertIn("a circle of low/lock, low/types", self.found())

    def test_circle_of_calls(self):
        self.change("low/bolt.c", "return 1", "return lock_open()")
        found = self.found()
        self.assertIn("a circle of low/bolt, low/lock", found)
        self.assertIn("low/bolt.c uses lock_open() of low/lock.c", found)

    def test_circle_through_files(self):
        self.write("low/chain.h", "int chain(void);\n")
        self.write("low/chain.c", "int chain(void)\n{\n\treturn lock_open();\n}\n")
        self.change("low/bolt.c", "return 1", "return chain()")
        self.assertIn("a circle of low/bolt, low/chain, low/lock",
                      self.found())

    def test_no_header(self):
        self.write("low/stray.c", "int stray(void)\n{\n\treturn 0;\n}\n")
        self.assertIn("low/stray.c: has no header of its own, but stray()",
                      self.found())

    def test_not_exported(self):
        self.change("high/kapi.c", "__export_symbol_", "no_export_")
        self.assertIn("high/kapi.c: has no header of its own, but "
                      "for_drivers()", self.found())

    def test_declared_elsewhere(self):
        self.change("low/bolt.h", "int bolt_draw(void);", "")
        self.change("low/lock.h", "int lock_open(void);",
                    "int lock_open(void);\nint bolt_draw(void);")
        found = self.found()
        self.assertIn("low/bolt.h: does not declare bolt_draw()", found)
        self.assertIn("low/lock.h: bolt_draw() is not in the .c of its name",
                      found)

    def test_variables(self):
        self.change("low/bolt.c", "int bolt_draw(void)",
                    "int bolt_length;\nint bolt_draw(void)")
        self.assertIn("low/bolt.h: does not declare bolt_length()",
                      self.found())
        self.change("low/bolt.h", "int bolt_draw(void);",
                    "extern int bolt_length;\nint bolt_draw(void);")
        self.assertEqual("", self.found())

    def test_header_without_source(self):
        self.change("low/types.h", "struct", "int of_none(void);\nstruct")
        self.assertIn("low/types.h: of_none() has no .c of this name",
                      self.found())

    def test_not_compiled(self):
        self.found()
        self.write("low/late.c", "\n")
        tree = layers.Tree(self.top, os.path.join(self.top, "objects"))
        self.assertIn("drivers/iommu/iommufd/low/late.c: is not compiled",
                      list(layers.check_headers(tree)))

    def test_path_out_of_the_folder(self):
        self.change("high/door.c", "low/lock.h", "../low/lock.h")
        self.assertIn('#include "../low/lock.h": name the folder instead',
                      self.found())

    def test_no_such_file(self):
        self.change("main.c", "int init", '#if 0\n#include "none.h"\n#endif\n'
                    "int init")
        self.assertIn('#include "none.h": no such file', self.found())

    def test_no_row(self):
        self.change("Documentation/driver-api/iommufd.rst",
                    "``low/bolt``    another\n", "")
        self.assertIn("the table does not name low/bolt", self.found())

    def test_row_without_file(self):
        self.change("Documentation/driver-api/iommufd.rst", "``low/bolt``  ",
                    "``low/gone``    x\n``low/bolt``  ")
        self.assertIn("the table names low/gone, which is not there",
                      self.found())

    def test_two_rows(self):
        self.change("Documentation/driver-api/iommufd.rst", "``low/bolt``  ",
                    "``low/bolt``    x\n``low/bolt``  ")
        self.assertIn("the table names low/bolt twice", self.found())

    def test_no_table(self):
        self.change("Documentation/driver-api/iommufd.rst", "Folders", "Layers")
        self.assertIn("the table does not name main", self.found())

    def test_folder_without_floor(self):
        self.write("cellar/c.h", "\n")
        self.assertIn("cellar/c: its folder is not in scripts/layers.txt",
                      self.found())

    def test_floor_without_folder(self):
        self.change("scripts/layers.txt", "other", "other attic")
        found = self.found()
        self.assertIn("attic has no files", found)
        self.assertIn("the table has the folders", found)


if __name__ == "__main__":
    planted.main()
