// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "ask.h"

#include <errno.h>

#define NOT_TOLD	"VFIO tells an iommufd of devices, not of groups"
#define NEVER_ENOTTY	"ENOTTY for unknown numbers, as an iommufd always"

#define NO_NESTING	"nested page tables are not made this way"
#define NO_LIMIT	"no limit to the number of mappings"
#define TOP_OF_SPACE	"type1 computes the end of the range as 0"
#define VM_PIN		"type1 does not count pinned pages"
#define LEFT_OVER	"type1 leaves bits behind when it shifts a bitmap"
#define CUT_ENOENT	"/dev/iommu's error; /dev/vfio/vfio says EINVAL"

#define NO_GROUP	"/dev/iommu's error; /dev/vfio/vfio says EINVAL"

#define TOO_EARLY(what)	{ "too early: open " what, 0, -EINVAL, -ENODEV, \
			  NO_GROUP }
#define LEFT(what)	{ "end by unset: left, " what, 0, -EINVAL, -ENODEV, \
			  NO_GROUP }
#define CUT(range)	{ "unmap cuts: unmap " range, V2, -EINVAL, -ENOENT, \
			  CUT_ENOENT }

const struct difference intended[] = {
	{ "extensions: open 6", 0, 1, 0, NO_NESTING },
	{ "extensions: group 6", 0, 1, 0, NO_NESTING },
	{ "extensions: iommu 6", 0, 1, 0, NO_NESTING },
	{ "extensions: device 6", 0, 1, 0, NO_NESTING },
	{ "too early: open map nothing", 0, -EINVAL, -EFAULT, NO_GROUP },
	TOO_EARLY("map"), TOO_EARLY("unmap"),
	TOO_EARLY("unmap all"), TOO_EARLY("info"), TOO_EARLY("type 0"),
	TOO_EARLY("type 1"), TOO_EARLY("type 2"), TOO_EARLY("type 3"),
	TOO_EARLY("type 4"), TOO_EARLY("type 5"), TOO_EARLY("type 6"),
	TOO_EARLY("type 7"), TOO_EARLY("type 8"), TOO_EARLY("type 9"),
	TOO_EARLY("type 10"), TOO_EARLY("type 11"), TOO_EARLY("type 12"),
	{ "too early: open dirty pages", 0, -EINVAL, -EFAULT, NO_GROUP },
	{ "too early: open no such ioctl", 0, -EINVAL, -ENOTTY, NEVER_ENOTTY },
	{ "too early: group no such ioctl", 0, -EINVAL, -ENOTTY, NEVER_ENOTTY },
	{ "too early: group device", 0, -EINVAL, 0, NOT_TOLD },
	{ "groups: unset with the device open", 0, -EBUSY, 0, NOT_TOLD },
	LEFT("map"), LEFT("unmap"), LEFT("unmap all"), LEFT("info"),
	LEFT("set iommu"),
	CUT("0+2"), CUT("2+2"), CUT("1+2"), CUT("2+6"), CUT("0+6"), CUT("2+4"),
	CUT("0+14"), CUT("6+10"), CUT("9+4"), CUT("14+2"), CUT("14+8"),
	CUT("2+12"), CUT("7+1"), CUT("7+2"), CUT("11+2"), CUT("0+1"),
	{ "unmap wrong: inside", V2, -EINVAL, -ENOENT, CUT_ENOENT },
	{ "unmap range: to the top", 0, 0, 0x1000, TOP_OF_SPACE },
	{ "unmap range: left below the top", 0, 0x1000, 0, TOP_OF_SPACE },
	{ "info: mappings available", 0, 65535, 0xffffffff, NO_LIMIT },
	{ "info: mappings available, with one", 0, 65534, 0xffffffff,
	  NO_LIMIT },
	{ "accounting: VmPin of 3 pages", 0, 0, 3, VM_PIN },
	{ "accounting: VmPin, 2 pages twice", 0, 0, 5, VM_PIN },
	{ "dirty again: inside of a word again, word 0", V2, 0xff0, 0xf0,
	  LEFT_OVER },
	{ "dirty device: before, word 0", V2, 0xf, 0, NOT_TOLD },
	{ "dirty device: closed for long, word 0", V2, 0xf, 0, NOT_TOLD },
	{ "dirty unmap: cut", V2, -EINVAL, -ENOENT, CUT_ENOENT },
	{ "vaddr range: invalidate the end", V2, -EINVAL, -ENOENT, CUT_ENOENT },
	{ "vaddr range: invalidate the front", V2, -EINVAL, -ENOENT,
	  CUT_ENOENT },
	{ "vaddr group: second group", 0, -EBUSY, 0, NOT_TOLD },
	{ "vaddr device: open", 0, 0, -EBUSY, NOT_TOLD },
	{ }
};
