# SPDX-License-Identifier: GPL-2.0-only
"""The command line: help, wrong usage, colours."""
import os
import re
import subprocess

import tree
from harness import contains, equal

HERE = os.path.dirname(os.path.abspath(__file__))
CTL = os.path.join(HERE, "../../iommu/ctl")


def commands(case):
    text = case.run("help").text
    return re.findall(r"^  (\w+) +\w", text.split("Usage")[1], re.M)


def help_of_each_command(case):
    names = commands(case)
    contains(names, "list")
    for name in names:
        out = case.run("help", name)
        equal(out.status, 0)
        contains(out.text, f"Usage: iommufdctl {name}")
        equal(case.run(name, "--help").text, out.text)


def wrong_usage(case):
    for arguments in ((), ("nothing",), ("list", "x"), ("show",),
                      ("show", "1", "2"), ("list", "--areas"),
                      ("list", "--nothing"), ("help", "nothing"),
                      ("list", "--color", "blue"), ("list", "--json=1")):
        equal(case.run(*arguments).status, 2, arguments)


def no_colours_in_a_file(case):
    out = case.run("list").text + case.run("show", "1").text
    equal("\033" in out, False)


def colours_on_a_terminal(case):
    case.machine.process(812, "x", {3: "iommufd-context:\t7\n"})
    for variables, expected in (({}, True), ({"NO_COLOR": "1"}, False),
                                ({"TERM": "dumb"}, False)):
        master, slave = os.openpty()
        subprocess.run(case.command("list"), stdout=slave, check=True,
                       env={"TERM": "linux", **variables})
        os.close(slave)
        equal(b"\033[" in os.read(master, 4096), expected, variables)
        os.close(master)
    equal("\033[" in case.run("list", "--color=always").text, True)


def documented(case):
    """The manual page and the completion know all commands and options."""
    with open(os.path.join(CTL, "iommufdctl.8"), encoding="utf-8") as f:
        manual = f.read().replace("\\-", "-")
    with open(os.path.join(CTL, "iommufdctl.bash-completion"),
              encoding="utf-8") as f:
        completion = f.read()
    for name in commands(case):
        equal(bool(re.search(rf"^\.B[IR]? {name}\b", manual, re.M)), True, name)
        contains(completion, name)
        for option in re.findall(r"--\w+", case.run("help", name).text):
            contains(manual, option)
            contains(completion, option)


def complete(case, *words):
    """What bash offers behind these words."""
    script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
              '_iommufdctl; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(
        ["bash", "-c", script, "bash",
         os.path.join(CTL, "iommufdctl.bash-completion"), *case.command(*words)],
        capture_output=True, check=True, text=True)
    equal(done.stderr, "")
    return sorted(done.stdout.split())


def completion(case):
    equal(complete(case, "li"), ["list"])
    equal(complete(case, "show", "--a"), ["--areas"])
    equal(complete(case, ""), sorted(commands(case)))
    equal(complete(case, "check", "0000:01"), [tree.DEVICE])
    case.machine.process(812, "x", {3: "iommufd-context:\t7\n"})
    equal(complete(case, "show", ""), ["812"])
    equal(complete(case, "watch", "--color", "a"), ["always", "auto"])


TESTS = (help_of_each_command, wrong_usage, no_colours_in_a_file,
         colours_on_a_terminal, documented, completion)
