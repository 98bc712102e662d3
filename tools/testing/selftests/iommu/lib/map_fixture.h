/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * The fixture of the tests of maps that need no device.
 */
#ifndef SELFTEST_IOMMU_MAP_FIXTURE_H
#define SELFTEST_IOMMU_MAP_FIXTURE_H

#include "harness.h"
#include "ioas_rig.h"

FIXTURE(map)
{
	struct ioas_rig rig;
};

FIXTURE_SETUP(map)
{
	ASSERT_EQ(0, ioas_rig_create(&self->rig));
}

FIXTURE_TEARDOWN(map)
{
	EXPECT_STREQ("", ioas_rig_destroy(&self->rig));
}

#endif
