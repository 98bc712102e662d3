# SPDX-License-Identifier: GPL-2.0-only
"""iommufdctl in a guest, where the sample VMM is what there is to see.

scripts/guest/iommufdctl-test looks at the text, and hands on each document of
JSON in a comment. What those say is compared here.
"""
import json
import os
import re

import guest
import run

NAME = "iommufdctl-test"
# The guest's exit status is that of the VMM.
COMMAND = f"turn {NAME} sh /guest/{NAME}\n[ \"$(cat /tmp/vmm-status)\" = 0 ]"
DOCUMENT = re.compile(r"^# json (\S+) (.*)$", re.M)
DEVICES = ["0000:00:04.0", "0000:01:00.0"]
PAGES = 16      # that edu-vmm has mapped when it is looked at


def add_to(g):
    """Give a guest what it needs."""
    g.files = [(run.VMM, "/guest/edu-vmm"), (run.CTL, "/guest/iommufdctl"),
               (os.path.join(guest.TOP, "scripts/guest", NAME),
                "/guest/" + NAME)]


def documents(text):
    """name -> documents; the text of one that is none."""
    found = {}
    for name, document in DOCUMENT.findall(text):
        try:
            value = json.loads(document)
        except ValueError:
            value = f"no JSON: {document[:200]}"
        found.setdefault(name, []).append(value)
    return found


def contexts(found, name):
    """What list and show say of the VMM."""
    return [c for document in found.get(name, ())
            for c in document["contexts"] if c["program"] == "edu-vmm"]


def wrong_context(c, page_size=4096):
    """What is not as it should be of the VMM, or ""."""
    attached = {(d["state"], d["ioas"]) for d in c["devices"]}
    used = [i for i in c["ioas"] if i["areas"]]
    if sorted(d["name"] for d in c["devices"]) != DEVICES:
        return f"devices {c['devices']}"
    if len(used) != 1 or attached != {("attached", used[0]["id"])}:
        return f"ioas {c['ioas']}, {attached}"
    if (used[0]["mapped_bytes"], c["pinned_pages"], c["objects"]["ioas"]) != (
            PAGES * page_size, PAGES, 2):
        return f"pages {used[0]}, {c['pinned_pages']}, {c['objects']}"
    return ""


def judge_contexts(t, found):
    for name in ("list", "show", "watch"):
        seen = contexts(found, name)
        wrong = [wrong_context(c) for c in seen]
        t.record(f"iommufdctl: {name} as JSON", wrong == [""], str(wrong))
    areas = [a for c in contexts(found, "show") for a in c["area_list"]]
    t.record("iommufdctl: areas as JSON",
             [(a["state"], a["content"], a["pages"], a["rights"])
              for a in areas] == [("live", "filled", PAGES, "rw")], str(areas))


def judge_check(t, found):
    """The one thing that is said: the VMM has the device."""
    said = [(d["usable"], [c["fault"] for c in d["checks"] if "fault" in c])
            for d in found.get("check", ())]
    t.record("iommufdctl: check as JSON", said == [(True, ["device-in-use"])],
             str(said))


def judge_trace(t, found):
    words = [e["words"] for e in found.get("trace", ())]
    for part in ("IOVA 0x4000000-0x400ffff is mapped already (EEXIST",
                 "IOMMU_IOAS_MAP failed: EEXIST",
                 "IOVA 0x5000000-0x500ffff is not mapped (ENOENT",
                 "4.0 KiB at address 0 cannot be pinned (EFAULT",
                 "IOMMU_DESTROY failed: EBUSY"):
        t.record(f"iommufdctl: trace, {part.split(' (')[0]}",
                 any(part in w for w in words), str(words))


def judge(t, result):
    """Count what the documents say."""
    found = documents(result.output)
    broken = [d for all_of_name in found.values() for d in all_of_name
              if not isinstance(d, dict)]
    t.record("iommufdctl: valid JSON", found and not broken, "; ".join(broken))
    if not broken:
        judge_contexts(t, found)
        judge_check(t, found)
        judge_trace(t, found)
