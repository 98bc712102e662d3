#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What examples.py takes out of documents, and what it leaves there."""
import unittest

import examples
import planted

DOCUMENT = """\
Text.

.. code-block:: c

\tint first(void);

\tint second(void)
\t{
\t\treturn 2;
\t}

More text, and what is not C::

\tiommufd-ioas: 1

.. code-block:: sh

\tmake

* an item

  .. code-block:: c

    int third;
  End of the item.
"""

SOURCE = """\
#line 4 "a.rst"

int first(void);

int second(void)
{
\treturn 2;
}

#line 23 "a.rst"

int third;
"""


class Examples(unittest.TestCase):
    """A document with blocks of all kinds."""

    def test_blocks_of_c(self):
        self.assertEqual(examples.source("a.rst", DOCUMENT), SOURCE)

    def test_no_blocks(self):
        self.assertEqual(examples.source("a.rst", "Text::\n\n\tmake\n"), "")

    def test_block_at_the_end(self):
        text = ".. code-block:: c\n\n\tint last;"
        self.assertEqual(examples.source("a.rst", text),
                         '#line 2 "a.rst"\n\nint last;\n')


if __name__ == "__main__":
    planted.main()
