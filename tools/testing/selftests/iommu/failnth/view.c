// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "view.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

static unsigned int count_entries(const char *path)
{
	DIR *directory = opendir(path);
	unsigned int count = 0;

	if (!directory)
		return 0;
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static void read_fdinfo(char *text, size_t size, int fd)
{
	char path[64], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, "iommufd", 7))
			strncat(text, line, size - strlen(text) - 1);
	fclose(file);
}

static void take_shown(struct view *view, struct mock_rig *rig, int ioas,
		       int reader)
{
	__u64 page, mark;
	int ret;

	for (page = 0; page < VIEW_PAGES; page++) {
		ret = access_rw(rig->fd, reader, mock_rig_iova(page),
				sizeof(mark), &mark, MOCK_ACCESS_RW_SLOW_PATH);
		view->shown[ioas][page] = ret ? ret : (__s64)mark;
	}
}

/* How many pages from @page on show neighbours in the buffer; 0 for a hole. */
static __u64 run_length(const struct view *view, int ioas, __u64 page)
{
	const __s64 *shown = view->shown[ioas];
	__u64 count = 1;

	if (shown[page] < 0)
		return 0;
	while (page + count < VIEW_PAGES &&
	       shown[page + count] == shown[page] + (__s64)count)
		count++;
	return count;
}

static bool translates(const struct view *view, struct mock_rig *rig, __u32 id,
		       int ioas, __u64 page, __u64 count)
{
	__u64 first = view->shown[ioas][page] - mock_rig_mark(0);

	return !mock_check_map(rig->fd, id, mock_rig_iova(page),
			       count * PAGE_SIZE, mock_rig_va(rig, first));
}

/* Ask for a run at once, and only for its pages if it is not all there. */
static __u64 translated_of(const struct view *view, struct mock_rig *rig,
			   __u32 id, int ioas)
{
	__u64 page, count, i, bits = 0;

	for (page = 0; page < VIEW_PAGES; page += count ? count : 1) {
		count = run_length(view, ioas, page);
		if (!count)
			continue;
		if (translates(view, rig, id, ioas, page, count)) {
			bits |= ((1ULL << count) - 1) << page;
			continue;
		}
		for (i = 0; i < count; i++)
			if (translates(view, rig, id, ioas, page + i, 1))
				bits |= 1ULL << (page + i);
	}
	return bits;
}

static void take_translated(struct view *view, struct mock_rig *rig)
{
	__u32 id;

	for (id = 1; id < VIEW_OBJECTS; id++)
		if (!mock_check_map(rig->fd, id, mock_rig_iova(0), 0,
				    rig->buffer))
			view->translated[id] =
				1ULL << 63 |
				translated_of(view, rig, id, 0) |
				translated_of(view, rig, id, 1) << 32;
}

static void take_refs(struct view *view, struct mock_rig *rig)
{
	__u64 page;
	int refs;

	if (!mock_check_refs(rig->fd, rig->buffer, VIEW_PAGES * PAGE_SIZE, 0))
		return;
	for (page = 0; page < VIEW_PAGES; page++) {
		view->refs[page] = -1;
		for (refs = 0; refs < 8 && view->refs[page] < 0; refs++)
			if (!mock_check_refs(rig->fd, mock_rig_va(rig, page),
					     PAGE_SIZE, refs))
				view->refs[page] = refs;
	}
}

static void take_next_id(struct view *view, struct mock_rig *rig)
{
	if (!ioas_alloc(rig->fd, &view->next_id))
		iommufd_destroy(rig->fd, view->next_id);
}

void view_take(struct view *view, struct mock_rig *rig, const int *readers)
{
	memset(view, 0, sizeof(*view));
	ioas_iova_ranges(rig->fd, rig->ioas_id, &view->ranges[0]);
	ioas_iova_ranges(rig->fd, rig->other_id, &view->ranges[1]);
	take_shown(view, rig, 0, readers[0]);
	take_shown(view, rig, 1, readers[1]);
	take_translated(view, rig);
	take_refs(view, rig);
	view->pinned_kib = status_kib("VmPin:");
	take_next_id(view, rig);
	read_fdinfo(view->fdinfo, sizeof(view->fdinfo), rig->fd);
	view->files = count_entries("/proc/self/fd");
	view->devices = count_entries("/sys/bus/platform/devices");
	view->groups = count_entries("/sys/kernel/iommu_groups");
}

#define DIFFERS(member) \
	memcmp(&one->member, &other->member, sizeof(one->member))

const char *view_difference(const struct view *one, const struct view *other)
{
	static char text[160];

	if (DIFFERS(ranges))
		return "usable IOVA";
	if (DIFFERS(shown))
		return "what is mapped";
	if (DIFFERS(translated))
		return "what page tables have";
	if (DIFFERS(refs))
		return "pins of pages";
	if (DIFFERS(fdinfo))
		return "fdinfo";
	snprintf(text, sizeof(text),
		 "VmPin %llu %llu, next ID %u %u, files %u %u, devices %u %u, groups %u %u",
		 one->pinned_kib, other->pinned_kib, one->next_id, other->next_id,
		 one->files, other->files, one->devices, other->devices,
		 one->groups, other->groups);
	return DIFFERS(pinned_kib) || DIFFERS(next_id) || DIFFERS(files) ||
			       DIFFERS(devices) || DIFFERS(groups) ?
		       text : "";
}
