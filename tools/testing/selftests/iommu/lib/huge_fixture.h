/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * The fixture of the tests of huge pages: on the mock IOMMU, which tells what
 * is in its page table, on a device that does DMA, and on both at once.
 */
#ifndef SELFTEST_IOMMU_HUGE_FIXTURE_H
#define SELFTEST_IOMMU_HUGE_FIXTURE_H

#include <errno.h>

#include "harness.h"
#include "huge.h"

FIXTURE(huge)
{
	struct huge huge;
};

FIXTURE_VARIANT(huge)
{
	bool with_mock;
	bool with_edu;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(huge, mock) { .with_mock = true };
FIXTURE_VARIANT_ADD(huge, dma) { .with_edu = true };
FIXTURE_VARIANT_ADD(huge, both) { .with_mock = true, .with_edu = true };
/* clang-format on */

FIXTURE_SETUP(huge)
{
	int ret = huge_create(&self->huge, variant->with_mock,
			      variant->with_edu);

	if (ret == -ENODEV)
		SKIP(return, "no such device");
	if (ret == -ENOTSUP)
		SKIP(return, "no huge pages");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(huge)
{
	EXPECT_STREQ("", huge_destroy(&self->huge));
}

#endif
