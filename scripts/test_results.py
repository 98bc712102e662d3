# SPDX-License-Identifier: GPL-2.0-only
"""Results of tests: read what programs and kernels report, count, and tell."""
import os
import re
import threading
import time

import guest

KSFT_SKIP = 4

# A result line of TAP or KTAP: indent, verdict, number, name, directive.
RESULT = re.compile(r"^( *)(ok|not ok) (\d+)(?: -)?(?: ([^#]*))?(# ?SKIP.*)?")
PLAN = re.compile(r"^( *)1\.\.(\d+)")
# What a program says of itself that belongs into the summary.
HEADLINE = re.compile(r"^# (\d+ faults in .*|compared with the model: .*|"
                      r"many threads: .*|seeds .*)")
# container_test: what was asked, the answers of type1 and ours, why they differ.
ANSWER = re.compile(r"^# (\S.*?) {2,}(\S.*?) {2,}(-?\w+) +(-?\w+) (.*)$")
# What an assertion of the kselftests says, and how KUnit begins to say it.
ASSERTION = re.compile(r"^ *# (\S+\.c:\d+:.*|.*: (?:EXPECTATION|ASSERTION) "
                       r"FAILED.*)")
# What turn of scripts/guest/init says: which program, its exit status, and when.
TURN = re.compile(r"### (begin|end) (\S+)(?: (\d+))? (\d+)$")
STAMP = re.compile(r"^\[ *\d+\.\d+\] ?")


class Tally:
    """What passed and what did not."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []
        self.started = time.monotonic()
        self.steps = []             # (what needs no guest, seconds)
        self.guests = []            # (what, guest.Result)
        self.lock = threading.RLock()   # results come from several guests

    def say(self, text):
        print(f"[{time.monotonic() - self.started:4.0f}s] {text}", flush=True)

    def record(self, name, good, why=""):
        if good:
            self.passed += 1
        else:
            self.failed.append(name)
            print(f"       FAILED {name}{': ' + why if why else ''}",
                  flush=True)

    def skip(self, name):
        self.skipped.append(name)

    def tap(self, program, lines, depth=0):
        """Count the results at one depth of indentation in TAP output.

        Returns how many there were. A plan that was not kept is a failure.
        """
        planned, seen, why = None, 0, []
        for line in lines:
            said = ASSERTION.match(line)
            if said:
                why.append(said.group(1))
            plan = PLAN.match(line)
            if plan and len(plan.group(1)) == depth:
                planned = (planned or 0) + int(plan.group(2))
            found = RESULT.match(line)
            if not found or len(found.group(1)) != depth:
                continue
            seen += 1
            name = f"{program}: {(found.group(4) or found.group(3)).strip()}"
            if found.group(5):
                self.skip(name)
            else:
                self.record(name, found.group(2) == "ok", "; ".join(why[:3]))
            why = []
        if planned != seen:
            self.record(f"{program}: plan", False,
                        f"{planned} tests were announced, {seen} reported")
        return seen

    def done(self, result, g, what):
        """A guest: that it came to its end and what is in its log."""
        self.say(f"{what}: {result.seconds:.0f} s")
        self.guests.append((what, result))
        self.record(f"{g.name}: kernel log", not result.complaints,
                    "; ".join(result.complaints[:3]))
        self.record(f"{g.name}: end", result.status is not None,
                    f"{result.why}, see build/logs/{g.name}*.log")

    def show_time(self):
        """Where the time went, what took longest first."""
        print("\nseconds without a guest")
        for name, seconds in sorted(self.steps, key=lambda s: -s[1]):
            print(f"{seconds:8.0f}   {name}")
        print("\nseconds of each guest, of processors for it, of its programs")
        for what, result in sorted(self.guests, key=lambda g: -g[1].seconds):
            print(f"{result.seconds:8.0f} {result.busy:7.0f}   {what}")
            for seconds, name in longest(result.output):
                print(f"{seconds:28d}   {name}")

    def finish(self):
        self.show_time()
        if self.skipped:
            print(f"\n{len(self.skipped)} skipped:")
            print("\n".join("       " + s for s in self.skipped))
        if self.failed:
            print(f"\n{len(self.failed)} failed:")
            print("\n".join("       " + f for f in self.failed))
        minutes = (time.monotonic() - self.started) / 60
        print(f"\nfinished in {minutes:.1f} minutes, logs in build/logs")
        print(f"{self.passed} passed, {len(self.failed)} failed")
        return 1 if self.failed or not self.passed else 0


def blocks(output):
    """(name, lines, exit status, seconds) of what a guest ran one by one.

    The status is None for a part that did not come to its end.
    """
    name, lines, begun = None, [], 0
    for line in output.splitlines():
        mark = TURN.match(line)
        if not mark:
            lines.append(line)
        elif mark.group(1) == "begin":
            name, lines, begun = mark.group(2), [], int(mark.group(4))
        else:
            yield name, lines, int(mark.group(3)), int(mark.group(4)) - begun
            name = None
    if name:
        yield name, lines, None, 0


def longest(output, least=30):
    """(seconds, name) of what a guest ran one by one, if it took a while."""
    return sorted(((seconds, name) for name, _, _, seconds in blocks(output)
                   if seconds >= least), reverse=True)


def kunit_results(t, log):
    """KUnit reports into the kernel log, suites at depth 0, cases at 4."""
    lines = [STAMP.sub("", line) for line in log.splitlines()]
    begin = next((i for i, line in enumerate(lines) if "KTAP version" in line),
                 None)
    if begin is None:
        t.record("kunit", False, "no results in the kernel log")
        return
    lines = lines[begin:]
    suites = [m for m in map(RESULT.match, lines) if m and not m.group(1)]
    announced = next((int(m.group(2)) for m in map(PLAN.match, lines)
                      if m and not m.group(1)), 0)
    t.record("kunit: all suites ran", len(suites) == announced > 0,
             f"{announced} announced, {len(suites)} reported")
    t.tap("kunit", lines, depth=4)


def headlines(t, name, lines):
    """Say what a program did, and where its table is."""
    for line in lines:
        found = HEADLINE.match(line)
        if found:
            t.say(f"{name}: {found.group(1)}")
    if name != "container_test":
        return
    answers = [m.groups() for m in map(ANSWER.match, lines) if m]
    table = os.path.join(guest.LOGS, "type1-comparison.txt")
    with open(table, "w", encoding="utf-8") as f:
        f.writelines(f"{topic:<17}{what:<42}{theirs:>12}{ours:>12}  {why}\n"
                     for topic, what, theirs, ours, why in answers)
    t.say(f"{name}: {len(answers)} answers of type1 and ours compared, "
          f"{sum(1 for a in answers if a[4])} differ on purpose, "
          "build/logs/type1-comparison.txt")


def program_results(t, g, result, programs, good=(0, KSFT_SKIP)):
    """Count what the programs reported, and miss none of them.

    Their exit status has to be a good one. Returns how many results there were;
    a program that has fewer than it announced, or none, has failed.
    """
    missing = set(programs)
    count = 0
    for name, lines, ended, _ in blocks(result.output):
        missing.discard(name)
        if name == "kmemleak":
            t.record(f"{g.name}: kmemleak", not lines and ended == 0,
                     "; ".join(lines[:4]))
            continue
        count += t.tap(name, lines)
        headlines(t, name, lines)
        t.record(f"{name}: exit status", ended in good,
                 f"{ended}, see build/logs/{g.name}.log")
    for name in sorted(missing):
        t.record(f"{name}: was run", False)
    return count
