# SPDX-License-Identifier: GPL-2.0-only
"""Count instructions by function and by part of the kernel.

What is counted is QEMU's log of every instruction that a guest executes. It has
addresses and nothing else; who called whom follows from where they change: to
the first instruction of another function is a call, anything else is a return
to a function that is still open.
"""
import bisect
import collections
import glob
import os
import re
import subprocess

PROGRAM = "(program)"
FLOOR_PARTS = ("pin", "unpin", "IOMMU driver")

# Which part of the kernel a directory of its build belongs to; the longest
# that fits. All else is "other".
PARTS = {
    "drivers/iommu/iommufd": "iommufd",
    "drivers/vfio": "VFIO",
    "drivers/iommu/intel": "IOMMU driver",
    "drivers/iommu": "IOMMU core",
    "mm": "memory",
    "arch/x86/mm": "memory",
    "lib": "lib",
    "arch/x86/lib": "lib",
    "arch/x86/entry": "system call",
    "fs": "system call",
    "kernel": "locks, tasks",
}

# The same for modules, by how their names begin. One driver of the benchmark is
# an IOMMU, the other one is a program in the kernel.
MODULE_PARTS = (("iommufd", "iommufd"), ("vfio", "VFIO"), ("mdev", "VFIO"),
                ("bench_iommu", "IOMMU driver"), ("bench_access", PROGRAM))

# A line of /proc/kallsyms.
FUNCTION = re.compile(r"([0-9a-f]+) [tTwW] (\S+)(?:\t\[(\S+)\])?$")

# Functions of "memory" that make sure a page stays where it is, or stop that.
PIN = re.compile(r"(internal_)?get_user_pages|pin_user_page|pin_folio|"
                 r"memfd_pin_folios|folio_add_pin")
UNPIN = re.compile(r"unpin_user_|unpin_folio")

INSTRUCTION = re.compile(rb"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/", re.M)


def read_names(path):
    """(address, name) of each function of an object."""
    out = subprocess.run(["nm", path], stdout=subprocess.PIPE, text=True,
                         stderr=subprocess.DEVNULL, check=True).stdout
    for line in out.splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[1] in "tTwW":
            yield int(fields[0], 16), fields[2]


def part_of_directory(directory):
    """The part that an object in a directory of the build is of."""
    while directory:
        if directory in PARTS:
            return PARTS[directory]
        directory = os.path.dirname(directory)
    return "other"


def read_parts(build):
    """{function: the parts that have one of this name}."""
    objects = [path for path in sorted(glob.glob("**/*.o", root_dir=build,
                                                 recursive=True))
               if os.path.dirname(path) and
               not os.path.basename(path).startswith("built-in")]
    out = subprocess.run(["nm", "-A", "--defined-only", *objects], cwd=build,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         text=True, check=False).stdout
    parts = collections.defaultdict(set)
    for line in out.splitlines():
        path, _, rest = line.partition(":")
        fields = rest.split()
        if len(fields) == 3 and fields[1] in "tTwW":
            parts[fields[2]].add(part_of_directory(os.path.dirname(path)))
    return parts


def part_of_module(module):
    """The part that a module is of."""
    for begin, part in MODULE_PARTS:
        if module.startswith(begin):
            return part
    return "other"


def read_functions(lines):
    """(address, name, module or "") of each function in /proc/kallsyms."""
    for line in lines:
        found = FUNCTION.match(line)
        # What stands in front of a function for whoever patches the kernel.
        if found and not found.group(2).startswith("__pfx_"):
            yield (int(found.group(1), 16), found.group(2),
                   found.group(3) or "")


class Symbols:
    """The functions of a kernel, by number in the order of their addresses.

    lines: its /proc/kallsyms. build: where a kernel of the same source was
    built, whose objects tell the parts; a compiler adds to the names of some
    functions what another one does not.
    """

    def __init__(self, lines, build):
        functions = sorted(read_functions(lines))
        if not functions or not functions[-1][0]:
            raise ValueError("/proc/kallsyms does not tell any addresses")
        self.addresses = [address for address, _, _ in functions]
        self.names = [name for _, name, _ in functions]
        self.parts = self._parts(read_parts(build),
                                 [module for _, _, module in functions])

    def _parts(self, candidates, modules):
        """The part of each function. Static ones of equal names are told apart
        by their neighbours: what is of one object stands together."""
        known = []
        for name, module in zip(self.names, modules):
            if module:
                known.append({part_of_module(module)})
            else:
                known.append(candidates.get(name) or
                             candidates.get(name.partition(".")[0]) or
                             {"other"})
        return [min(parts) if len(parts) == 1 else self._nearest(known, i)
                for i, parts in enumerate(known)]

    @staticmethod
    def _nearest(known, i):
        for distance in range(1, 100):
            for j in (i - distance, i + distance):
                if (0 <= j < len(known) and len(known[j]) == 1 and
                        known[j] <= known[i]):
                    return min(known[j])
        return min(known[i])

    def find(self, address):
        """(number, whether it begins there), number -1 for the program."""
        if address < 1 << 47:
            return -1, False
        number = bisect.bisect_right(self.addresses, address) - 1
        return number, self.addresses[number] == address

    def name(self, number):
        return PROGRAM if number < 0 else self.names[number]

    def part(self, number):
        return PROGRAM if number < 0 else self.parts[number]

    def floor_part(self, number):
        """What of FLOOR_PARTS begins when this function is called, or None."""
        part, name = self.part(number), self.name(number)
        if part == "IOMMU driver":
            return part
        if part == "memory" and UNPIN.match(name):
            return "unpin"
        if part == "memory" and PIN.match(name):
            return "pin"
        return None


class Sample:
    """What one work consists of.

    floor: {(part, function that was called): [instructions, calls]}, of all
    that happens from the call to the return.
    rest: {part: instructions} of what remains, by the function they are in.
    functions: {function: instructions} without those of the functions it calls.
    """

    def __init__(self, count):
        self.count = count
        self.floor = {}
        self.rest = collections.Counter()
        self.functions = collections.Counter()

    def total(self):
        return sum(self.functions.values())

    def parts(self):
        """{part: instructions for each}, those of the floor first."""
        parts = dict.fromkeys(FLOOR_PARTS, 0)
        for (part, _), (instructions, _) in self.floor.items():
            parts[part] += instructions
        parts.update(self.rest.most_common())
        return {part: number / self.count for part, number in parts.items()}

    def floor_each(self):
        """What pinning and the IOMMU driver take, for each."""
        return sum(self.parts()[part] for part in FLOOR_PARTS)

    def as_dict(self):
        """For a JSON file: everything for each."""
        return {
            "each": self.total() / self.count,
            "of": self.count,
            "floor": self.floor_each(),
            "parts": self.parts(),
            "calls": {function: {"part": part, "calls": calls / self.count,
                                 "instructions": number / self.count}
                      for (part, function), (number, calls)
                      in sorted(self.floor.items())},
            "functions": {function: number / self.count for function, number
                          in self.functions.most_common(40)},
        }


class Walk:
    """Follows a trace between two addresses of the program."""

    def __init__(self, symbols, begin, end):
        self.symbols = symbols
        self.ends = {begin: True, end: False}
        self.inside = False
        self.known = {}           # address, as it is written: see _look_up()
        self.stack = []           # functions that are open, with their floor
        self.own = collections.Counter()      # by (function, floor)
        self.calls = collections.Counter()    # by floor

    def _look_up(self, text):
        address = int(text, 16)
        if address in self.ends:
            found = (None, self.ends[address])
        else:
            found = self.symbols.find(address)
        self.known[text] = found
        return found

    def _floor(self, number):
        """A floor is what was called first of all that counts as one.

        What an IOMMU driver calls in iommufd is none, such as to note a page.
        """
        if self.symbols.part(number) == "iommufd":
            return None
        if self.stack and self.stack[-1][1]:
            return self.stack[-1][1]
        part = self.symbols.floor_part(number)
        if not part:
            return None
        floor = part, self.symbols.name(number)
        self.calls[floor] += 1
        return floor

    def _move(self, number, begins):
        """Go on in another function than before."""
        if number < 0:
            self.stack = [(number, None)]
            return
        if not begins:
            for depth in range(len(self.stack) - 1, -1, -1):
                if self.stack[depth][0] == number:
                    del self.stack[depth + 1:]
                    return
        self.stack.append((number, self._floor(number)))

    def feed(self, text):
        """Some whole lines of the log."""
        current = self.stack[-1] if self.inside else (None, None)
        run = 0
        for found in INSTRUCTION.findall(text):
            number, begins = self.known.get(found) or self._look_up(found)
            if number == current[0] and self.inside:
                run += 1
                continue
            if number is None:
                self.inside = begins
                number = -1
            if not self.inside:
                continue
            if run:
                self.own[current] += run
            self._move(number, begins)
            current = self.stack[-1]
            run = 1
        if self.inside:
            self.own[current] += run

    def sample(self, count):
        """The result."""
        sample = Sample(count)
        for (number, floor), times in self.own.items():
            sample.functions[self.symbols.name(number)] += times
            if floor:
                known = sample.floor.setdefault(floor, [0, self.calls[floor]])
                known[0] += times
            else:
                sample.rest[self.symbols.part(number)] += times
        return sample
