// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * An iommufd as a VFIO container, against VFIO's own with the type1 IOMMU
 * driver: the same calls on both with a real group, and every return value,
 * errno and output field compared. What differs on purpose is on a list, with
 * the reason; anything else that differs is a failure, and so is a difference
 * of the list that is not there.
 */
#include <errno.h>

#include "compare/ask.h"
#include "lib/harness.h"
#include "lib/usage.h"

/**
 * struct comparable - something to do on both
 * @title: unique
 * @stage: what the container is brought to before
 * @ask: does it; the container is closed afterwards
 */
struct comparable {
	const char *title;
	enum container_stage stage;
	void (*ask)(struct container *container, struct answers *answers);
};

static int ask_one(const struct comparable *comparable,
		   enum container_kind kind, unsigned long type, struct answers *answers)
{
	struct container container;
	int ret;

	answers->count = 0;
	ret = container_open(&container, kind, type, comparable->stage);
	if (!ret)
		comparable->ask(&container, answers);
	container_close(&container);
	return ret;
}

/* Number of answers that are wrong, or what went wrong before. */
static int ask_both(const struct comparable *comparable, unsigned long type)
{
	static struct answers theirs, ours;
	int ret;

	ret = ask_one(comparable, CONTAINER_TYPE1, type, &theirs);
	if (!ret)
		ret = ask_one(comparable, CONTAINER_IOMMUFD, type, &ours);
	if (ret)
		return ret;
	return comparison(comparable->title, type, &theirs, &ours, intended);
}

static const struct comparable version = {
	"version", STAGE_OPEN, ask_version };
static const struct comparable extensions = {
	"extensions", STAGE_OPEN, ask_extensions };
static const struct comparable too_early = {
	"too early", STAGE_OPEN, ask_too_early };
static const struct comparable types = { "set iommu", STAGE_GROUP, ask_types };
static const struct comparable other_ioctls = {
	"other ioctls", STAGE_IOMMU, ask_other_ioctls };
static const struct comparable groups = { "groups", STAGE_OPEN, ask_groups };
static const struct comparable end_by_unset = {
	"end by unset", STAGE_DEVICE, ask_end_by_unset };
static const struct comparable end_by_close = {
	"end by close", STAGE_DEVICE, ask_end_by_close };
static const struct comparable device_again = {
	"device again", STAGE_DEVICE, ask_device_again };
static const struct comparable two_groups = {
	"two groups", STAGE_DEVICE, ask_two_groups };
static const struct comparable map_argsz = {
	"map argsz", STAGE_DEVICE, ask_map_argsz };
static const struct comparable map_flags = {
	"map flags", STAGE_DEVICE, ask_map_flags };
static const struct comparable map_alignment = {
	"map alignment", STAGE_DEVICE, ask_map_alignment };
static const struct comparable map_overlap = {
	"map overlap", STAGE_DEVICE, ask_map_overlap };
static const struct comparable map_range = {
	"map range", STAGE_DEVICE, ask_map_range };
static const struct comparable map_memory = {
	"map memory", STAGE_DEVICE, ask_map_memory };
static const struct comparable wide = { "wide", STAGE_DEVICE, ask_wide };
static const struct comparable unmap_argsz = {
	"unmap argsz", STAGE_DEVICE, ask_unmap_argsz };
static const struct comparable unmap_flags = {
	"unmap flags", STAGE_DEVICE, ask_unmap_flags };
static const struct comparable unmap_dirty = {
	"unmap dirty", STAGE_DEVICE, ask_unmap_dirty };
static const struct comparable unmap_all = {
	"unmap all", STAGE_DEVICE, ask_unmap_all };
static const struct comparable unmap_range = {
	"unmap range", STAGE_DEVICE, ask_unmap_range };
static const struct comparable unmap_cuts = {
	"unmap cuts", STAGE_DEVICE, ask_unmap_cuts };
static const struct comparable unmap_wrong = {
	"unmap wrong", STAGE_DEVICE, ask_unmap_wrong };
static const struct comparable dirty_argsz = {
	"dirty argsz", STAGE_DEVICE, ask_dirty_argsz };
static const struct comparable dirty_get = {
	"dirty get", STAGE_DEVICE, ask_dirty_get };
static const struct comparable dirty_cuts = {
	"dirty cuts", STAGE_DEVICE, ask_dirty_cuts };
static const struct comparable dirty_bits = {
	"dirty bits", STAGE_DEVICE, ask_dirty_bits };
static const struct comparable dirty_again = {
	"dirty again", STAGE_DEVICE, ask_dirty_again };
static const struct comparable dirty_device = {
	"dirty device", STAGE_IOMMU, ask_dirty_device };
static const struct comparable dirty_unmap = {
	"dirty unmap", STAGE_DEVICE, ask_dirty_unmap };
static const struct comparable vaddr_order = {
	"vaddr order", STAGE_DEVICE, ask_vaddr_order };
static const struct comparable vaddr_range = {
	"vaddr range", STAGE_DEVICE, ask_vaddr_range };
static const struct comparable vaddr_dma = {
	"vaddr dma", STAGE_DEVICE, ask_vaddr_dma };
static const struct comparable vaddr_process = {
	"vaddr process", STAGE_DEVICE, ask_vaddr_process };
static const struct comparable vaddr_group = {
	"vaddr group", STAGE_DEVICE, ask_vaddr_group };
static const struct comparable vaddr_device = {
	"vaddr device", STAGE_IOMMU, ask_vaddr_device };
static const struct comparable info = { "info", STAGE_DEVICE, ask_info };
static const struct comparable accounting = {
	"accounting", STAGE_DEVICE, ask_accounting };
static const struct comparable limit = { "limit", STAGE_DEVICE, ask_limit };
static const struct comparable dma = { "dma", STAGE_DEVICE, ask_dma };

FIXTURE(compare)
{
	struct baseline baseline;
};

FIXTURE_VARIANT(compare)
{
	unsigned long type;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(compare, v1) {
	/* clang-format on */
	.type = V1,
};

/* clang-format off */
FIXTURE_VARIANT_ADD(compare, v2) {
	/* clang-format on */
	.type = V2,
};

FIXTURE_SETUP(compare)
{
	struct container container;
	int ret;

	baseline_take(&self->baseline);
	ret = container_open(&container, CONTAINER_TYPE1, variant->type,
			     STAGE_OPEN);
	container_close(&container);
	if (ret == -ENODEV)
		SKIP(return, "no edu devices, or no type1 to compare with");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(compare)
{
	EXPECT_STREQ("", baseline_check(&self->baseline));
}

#define EXPECT_ALIKE(type, comparable) \
	EXPECT_EQ(0, ask_both(&(comparable), type))

TEST_F(compare, version_and_extensions)
{
	EXPECT_ALIKE(variant->type, version);
	EXPECT_ALIKE(variant->type, extensions);
	EXPECT_ALIKE(variant->type, other_ioctls);
}

TEST_F(compare, order)
{
	EXPECT_ALIKE(variant->type, too_early);
	EXPECT_ALIKE(variant->type, types);
	EXPECT_ALIKE(variant->type, groups);
}

TEST_F(compare, h72_last_group_takes_mappings_along)
{
	EXPECT_ALIKE(variant->type, end_by_unset);
	EXPECT_ALIKE(variant->type, end_by_close);
	EXPECT_ALIKE(variant->type, two_groups);
}

TEST_F(compare, h72_mappings_stay_with_the_group)
{
	EXPECT_ALIKE(variant->type, device_again);
}

TEST_F(compare, h55_unmap)
{
	EXPECT_ALIKE(variant->type, unmap_argsz);
	EXPECT_ALIKE(variant->type, unmap_all);
	EXPECT_ALIKE(variant->type, unmap_range);
	EXPECT_ALIKE(variant->type, unmap_cuts);
}

TEST_F(compare, h56_wrong_unmap_changes_nothing)
{
	EXPECT_ALIKE(variant->type, unmap_wrong);
}

TEST_F(compare, h57_flags_and_info)
{
	EXPECT_ALIKE(variant->type, map_argsz);
	EXPECT_ALIKE(variant->type, map_flags);
	EXPECT_ALIKE(variant->type, unmap_flags);
	EXPECT_ALIKE(variant->type, unmap_dirty);
	EXPECT_ALIKE(variant->type, info);
}

TEST_F(compare, dirty_requests)
{
	EXPECT_ALIKE(variant->type, dirty_argsz);
	EXPECT_ALIKE(variant->type, dirty_get);
	EXPECT_ALIKE(variant->type, dirty_cuts);
}

TEST_F(compare, dirty_bits)
{
	EXPECT_ALIKE(variant->type, dirty_bits);
	EXPECT_ALIKE(variant->type, dirty_again);
	EXPECT_ALIKE(variant->type, dirty_device);
}

TEST_F(compare, dirty_unmap)
{
	EXPECT_ALIKE(variant->type, dirty_unmap);
}

TEST_F(compare, vaddr_requests)
{
	EXPECT_ALIKE(variant->type, vaddr_order);
	EXPECT_ALIKE(variant->type, vaddr_range);
}

TEST_F(compare, vaddr_moves)
{
	EXPECT_ALIKE(variant->type, vaddr_dma);
	EXPECT_ALIKE(variant->type, vaddr_process);
}

TEST_F(compare, vaddr_keeps_others_out)
{
	EXPECT_ALIKE(variant->type, vaddr_group);
	EXPECT_ALIKE(variant->type, vaddr_device);
}

TEST_F(compare, map)
{
	EXPECT_ALIKE(variant->type, map_alignment);
	EXPECT_ALIKE(variant->type, map_overlap);
	EXPECT_ALIKE(variant->type, map_range);
	EXPECT_ALIKE(variant->type, map_memory);
}

TEST_F(compare, h17_wide_values)
{
	EXPECT_ALIKE(variant->type, wide);
}

TEST_F(compare, h36_charged_to_the_process)
{
	EXPECT_ALIKE(variant->type, accounting);
	EXPECT_ALIKE(variant->type, limit);
}

TEST_F(compare, dma)
{
	EXPECT_ALIKE(variant->type, dma);
}

TEST_HARNESS_MAIN
