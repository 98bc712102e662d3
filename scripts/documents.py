#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Check what documents say of tests, functions and files.

- Each number of tests, as h05_, has an entry in the list of hazards. Each entry
  names tests, which are in the files that it says.
- Each ``file.c:function()`` of a document is there.
- Each section of MAINTAINERS has a maintainer and a status, each of its
  patterns matches a file, and each file is somebody's.
- No sentence of a comment or a document is longer than 30 words; a colon or a
  semicolon ends one, too. Tables, lists of values and code are not judged.

documents_test.py plants what this has to find.
"""
import collections
import fnmatch
import glob
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DRIVER = "drivers/iommu/iommufd"
HAZARDS = "Documentation/driver-api/iommufd-hazards.rst"
NOT_OURS = {".git", "build", "__pycache__"}
TESTS = (os.path.join(DRIVER, "tests"), "tools/testing/selftests/iommu")

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
# Of the harness the first argument is the fixture; KUnit has none.
TEST = re.compile(r"\b(?:TEST\w*|FIXTURE_VARIANT_ADD|KUNIT_CASE\w*)"
                  r"\(\s*(?:\w+\s*,\s*)?(h\d\d_\w+)")
ENTRY = re.compile(r"^(h\d\d): \S")
ITEM = re.compile(r"^ *\* ``(\w+\.c)``:(.*)")
NAME = re.compile(r"``(\w+)``")
FUNCTION = re.compile(r"``([\w/]+\.[ch]):(\w+)\(\)``")

WORDS_MAX = 30
SENTENCES = ("drivers/**/*.[ch]", "include/**/*.h", "tools/**/*.[ch]",
             "Documentation/**/*.rst", "README.md")
BLOCK = re.compile(r"/\*(.*?)\*/", re.S)
# What begins another paragraph, and no part of its first sentence.
LEAD = re.compile(r"\s*(?:@[\w.>&-]+:|\w+:(?=\s)|[-*#] |\d+[.)] |"
                  r"\w[\w ]*(?:\(\))? - )")
# Columns, or a row that is part of some frame.
COLUMNS = re.compile(r"\S {2,}\S|\t|^[|+=~]|^\.\. |^-{2,}")
END = re.compile(r"(?<=[.?!:;])[\"')*]*\s+")


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def tests_of(top):
    """file name -> names of tests that begin with a number"""
    found = collections.defaultdict(set)
    for folder in TESTS:
        for path in glob.glob(os.path.join(top, folder, "**/*.c"),
                              recursive=True):
            names = TEST.findall(COMMENT.sub("", read(path)))
            found[os.path.basename(path)].update(names)
    return found


def entries_of(path):
    """(line, number, [(file name, test)]) for each entry of the list"""
    entries = []
    where = None
    for line, text in enumerate(read(path).splitlines(), 1):
        entry, item = ENTRY.match(text), ITEM.match(text)
        if entry:
            entries.append((line, entry.group(1), []))
        if item:
            where, text = item.groups()
        elif not text.startswith(" ") or not text.strip():
            where = None
        if where and entries:
            entries[-1][2].extend((where, name) for name in NAME.findall(text))
    return entries


def check_hazards(top):
    tests, seen = tests_of(top), set()
    for line, number, named in entries_of(os.path.join(top, HAZARDS)):
        place = f"{HAZARDS}:{line}: {number}"
        if number in seen:
            yield f"{place} has an entry already"
        seen.add(number)
        if not named:
            yield f"{place} names no test"
        for file, name in named:
            if not name.startswith(number + "_"):
                yield f"{place} names {name}, of another number"
            elif name not in tests.get(file, ()):
                yield f"{place}: {file} has no test {name}"
    for file, names in sorted(tests.items()):
        for name in sorted(names):
            if name.split("_")[0] not in seen:
                yield f"{file}: {name} has no entry in {HAZARDS}"


def defines(path, function):
    if not os.path.exists(path):
        return False
    return re.search(rf"^(?!typedef)\w[\w\s*]*\b{function}\([^;{{}}]*\)"
                     r"[^;{}]*{", COMMENT.sub("", read(path)), re.M)


def check_functions(top):
    for path in sorted(glob.glob(os.path.join(top, "Documentation/*/*.rst"))):
        for line, text in enumerate(read(path).splitlines(), 1):
            for file, function in FUNCTION.findall(text):
                if not defines(os.path.join(top, DRIVER, file), function):
                    yield (f"{os.path.relpath(path, top)}:{line}: {file} does "
                           f"not define {function}()")


def sections_of(path):
    """name -> {letter: [value]} of what stands in MAINTAINERS"""
    _, found, text = read(path).partition("Maintainers List\n----")
    sections = {}
    for block in text.split("\n\n")[1:] if found else ():
        name, *lines = block.strip().splitlines()
        fields = sections[name] = collections.defaultdict(list)
        for line in lines:
            letter, _, value = line.partition(":\t")
            fields[letter].append(value)
    return sections


def matches(pattern, file):
    """As get_maintainer.pl has it: * stays in a folder, a final / does not."""
    depth = pattern.count("/")
    parts = file.split("/")
    if pattern.endswith("/"):
        file, pattern = "/".join(parts[:depth]), pattern[:-1]
        return len(parts) > depth and fnmatch.fnmatchcase(file, pattern)
    return len(parts) == depth + 1 and fnmatch.fnmatchcase(file, pattern)


def files_of(top):
    for folder, folders, names in os.walk(top):
        folders[:] = set(folders) - NOT_OURS
        for name in set(names) - NOT_OURS:
            yield os.path.relpath(os.path.join(folder, name), top)


def check_maintainers(top):
    files = list(files_of(top))
    sections = sections_of(os.path.join(top, "MAINTAINERS"))
    if list(sections) != sorted(sections):
        yield "MAINTAINERS: sections are not in alphabetical order"
    left = set(files)
    for name, fields in sections.items():
        if not any(re.fullmatch(r".+ <\S+@\S+>", m) for m in fields["M"]):
            yield f"MAINTAINERS: {name} has no M: with a name and an address"
        if len(fields["S"]) != 1:
            yield f"MAINTAINERS: {name} has not one S:"
        if set(fields) - set("MRSF"):
            yield f"MAINTAINERS: {name} has a line that is no field"
        if fields["F"] != sorted(fields["F"]):
            yield f"MAINTAINERS: {name} has patterns out of order"
        for pattern in fields["F"]:
            matched = {file for file in files if matches(pattern, file)}
            if not matched:
                yield f"MAINTAINERS: {name}: {pattern} matches no file"
            left -= matched
    for file in sorted(left):
        yield f"MAINTAINERS: {file} is nobody's"


def paragraphs(lines):
    """(number, text) of each paragraph in lines of prose: (number, text)"""
    start, words = 0, []
    for number, line in lines:
        lead = LEAD.match(line)
        text = line[lead.end():].strip() if lead else line.strip()
        if lead or not text or COLUMNS.search(text):
            yield start, " ".join(words)
            start, words = 0, []
        if text and not COLUMNS.search(text):
            start = start or number
            words.append(text)
    yield start, " ".join(words)


def lines_of_comments(text):
    """What is left of comments without their frame, an empty line behind"""
    for block in BLOCK.finditer(text):
        first = text.count("\n", 0, block.start()) + 1
        for at, line in enumerate(block.group(1).splitlines()):
            yield first + at, re.sub(r"^\s*\*(?:/|\s|$)", "", line)
        yield first, ""


def lines_of_prose(text):
    """Without what is indented behind :: or a directive"""
    block = None
    for number, line in enumerate(text.splitlines(), 1):
        depth = len(line) - len(line.lstrip())
        if block is not None and line.strip() and depth <= block:
            block = None
        yield number, line if block is None else ""
        if ENTRY.match(line):
            yield number, ""
        if block is None and (line.endswith("::") or re.match(r"\s*\.\. ",
                                                              line)):
            block = depth


def check_sentences(top):
    for pattern in SENTENCES:
        for path in sorted(glob.glob(os.path.join(top, pattern),
                                     recursive=True)):
            text = read(path)
            lines = (lines_of_comments(text) if path.endswith((".c", ".h"))
                     else lines_of_prose(text))
            for number, paragraph in paragraphs(lines):
                for sentence in END.split(paragraph):
                    words = [w for w in sentence.split() if re.search(r"\w", w)]
                    if len(words) > WORDS_MAX:
                        yield (f"{os.path.relpath(path, top)}:{number}: "
                               f"{len(words)} words: {sentence}")


CHECKS = (check_hazards, check_functions, check_maintainers, check_sentences)


def main():
    errors = [error for check in CHECKS for error in check(TOP)]
    for error in errors:
        print(error)
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
