// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "dirty_rig.h"

#include <errno.h>
#include <string.h>

#include "../kselftest.h"

#define PARAMETERS	"/sys/module/iommufd/parameters/"
#define HUGE_UNITS	8

/* In units; memory for what is left out is there, but not mapped. */
struct part {
	unsigned int first;
	unsigned int count;
};

static const struct part small_parts[] = {
	{ 0, 22 }, { 26, 2 }, { 28, 20 }, { 50, 14 },
};

/* The second one begins inside of a huge page. */
static const struct part huge_parts[] = {
	{ 0, 2 }, { 3, 4 }, { 7, 1 },
};

static unsigned int parts_of(const struct dirty_rig *dirty,
			     const struct part **parts)
{
	*parts = dirty->huge ? huge_parts : small_parts;
	return dirty->huge ? ARRAY_SIZE(huge_parts) : ARRAY_SIZE(small_parts);
}

static int choose_way(enum dirty_way way)
{
	int ret = file_write(PARAMETERS "direct_dirty",
			     way == DIRTY_GATHER ? "N" : "Y");

	return ret ? ret : file_write(PARAMETERS "mock_gather_only",
				      way == DIRTY_BITMAP ? "N" : "Y");
}

static int lay_out(struct dirty_rig *dirty)
{
	const struct part *parts;
	unsigned int i, count = parts_of(dirty, &parts);
	__u64 length;

	dirty->unit = dirty->huge ? MOCK_HUGE_IOPTE_SIZE : MOCK_IOPTE_SIZE;
	dirty->units = dirty->huge ? HUGE_UNITS : 2 * MOCK_RIG_PAGES;
	length = dirty->units * dirty->unit;
	dirty->base = DIRTY_PIECE - length / 2;
	dirty->memory = dirty->rig.buffer;
	for (i = 0; i < count; i++)
		dirty->present |= ((1ULL << parts[i].count) - 1) <<
				  parts[i].first;
	return dirty->huge ? memory_alloc(MEMORY_HUGETLB, length,
					  (void **)&dirty->memory) : 0;
}

static int make_page_table(struct dirty_rig *dirty)
{
	struct mock_rig *rig = &dirty->rig;
	__u32 flags = dirty->huge ? MOCK_FLAGS_DEVICE_HUGE_IOVA : 0;
	int ret = mock_plug_flags(rig->fd, rig->other_id, flags,
				  &dirty->device);

	if (!ret)
		ret = hwpt_alloc_flags(rig->fd, dirty->device.idev_id,
				       rig->ioas_id,
				       IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
				       &dirty->hwpt_id);
	if (!ret)
		ret = mock_replace(rig->fd, dirty->device.id, dirty->hwpt_id);
	return ret;
}

int dirty_rig_create(struct dirty_rig *dirty, bool huge, enum dirty_way way)
{
	int ret;

	memset(dirty, 0, sizeof(*dirty));
	ret = mock_rig_create(&dirty->rig, 0);
	if (ret)
		return ret;
	dirty->huge = huge;
	ret = choose_way(way);
	if (!ret)
		ret = lay_out(dirty);
	if (!ret)
		ret = make_page_table(dirty);
	if (!ret)
		ret = dirty_rig_map(dirty);
	if (ret)
		dirty_rig_destroy(dirty);
	return ret;
}

const char *dirty_rig_destroy(struct dirty_rig *dirty)
{
	choose_way(DIRTY_BITMAP);
	return mock_rig_destroy(&dirty->rig);
}

int dirty_rig_map(struct dirty_rig *dirty)
{
	const struct part *parts;
	unsigned int i, count = parts_of(dirty, &parts);
	int ret = 0;

	for (i = 0; !ret && i < count; i++)
		ret = ioas_map_fixed(dirty->rig.fd, dirty->rig.ioas_id,
				     dirty->memory +
					     parts[i].first * dirty->unit,
				     parts[i].count * dirty->unit,
				     dirty_rig_iova(dirty, parts[i].first));
	return ret;
}

int dirty_rig_unmap(struct dirty_rig *dirty)
{
	return ioas_unmap_all(dirty->rig.fd, dirty->rig.ioas_id, NULL);
}

int dirty_rig_write(struct dirty_rig *dirty, __u64 units)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < dirty->units; i++) {
		/* Different places of a huge one */
		__u64 inside = dirty->unit / MOCK_IOPTE_SIZE;
		__u64 at = i * 37 % inside * MOCK_IOPTE_SIZE;

		if (units >> i & 1)
			ret = mock_write_one(dirty->rig.fd, dirty->hwpt_id,
					     dirty_rig_iova(dirty, i) + at);
	}
	return ret;
}

struct iommu_hwpt_get_dirty_bitmap
dirty_rig_request(const struct dirty_rig *dirty, void *bitmap)
{
	return (struct iommu_hwpt_get_dirty_bitmap){
		.hwpt_id = dirty->hwpt_id,
		.iova = dirty->base,
		.length = dirty->units * dirty->unit,
		.page_size = dirty->unit,
		.data = va_to_u64(bitmap),
	};
}

int dirty_rig_read(struct dirty_rig *dirty, __u32 flags, __u64 *units)
{
	struct iommu_hwpt_get_dirty_bitmap get =
		dirty_rig_request(dirty, units);

	*units = 0;
	get.flags = flags;
	return dirty_read(dirty->rig.fd, &get);
}

int dirty_rig_track(struct dirty_rig *dirty, bool enable)
{
	return dirty_track(dirty->rig.fd, dirty->hwpt_id, enable);
}
