# SPDX-License-Identifier: GPL-2.0-only
"""The base's own test suite, as suite.sh has compiled it."""
import os

import guest

PROGRAMS = ["iommufd", "iommufd_fail_nth"]
DIRECTORY = "/guest/suite"

# For the shell of the guest: one program after the other.
COMMAND = f"cd {DIRECTORY}" + "".join(f"\nturn {name} ./{name}"
                                      for name in PROGRAMS)


def files():
    """(source, path in the guest) of the programs."""
    return [(os.path.join(guest.BUILD, "suite", name), f"{DIRECTORY}/{name}")
            for name in PROGRAMS]
