/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * The fixture of the tests of devices: what rig.h has, or a skipped test.
 */
#ifndef SELFTEST_IOMMU_DEVICE_FIXTURE_H
#define SELFTEST_IOMMU_DEVICE_FIXTURE_H

#include <errno.h>

#include "harness.h"
#include "rig.h"

FIXTURE(device)
{
	struct rig rig;
};

FIXTURE_SETUP(device)
{
	int ret = rig_create(&self->rig, 0);

	if (ret == -ENODEV)
		SKIP(return, "no edu device");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(device)
{
	EXPECT_STREQ("", rig_destroy(&self->rig));
}

#endif
