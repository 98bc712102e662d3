/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * The fixture of the tests of page faults.
 */
#ifndef SELFTEST_IOMMU_FAULT_FIXTURE_H
#define SELFTEST_IOMMU_FAULT_FIXTURE_H

#include <errno.h>

#include "fault_rig.h"
#include "harness.h"

FIXTURE(faults)
{
	struct fault_rig rig;
};

FIXTURE_SETUP(faults)
{
	int ret = fault_rig_create(&self->rig);

	if (ret == -ENODEV)
		SKIP(return, "no mock IOMMU");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(faults)
{
	EXPECT_STREQ("", fault_rig_destroy(&self->rig));
}

#endif
