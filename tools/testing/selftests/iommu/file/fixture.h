/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * The fixture of the tests on files of each kind.
 */
#ifndef SELFTEST_IOMMU_FILE_FIXTURE_H
#define SELFTEST_IOMMU_FILE_FIXTURE_H

#include <errno.h>

#include "lib/harness.h"
#include "subject.h"

FIXTURE(file)
{
	struct subject subject;
};

FIXTURE_VARIANT(file)
{
	enum file_kind kind;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(file, memfd) { .kind = FILE_MEMFD };
FIXTURE_VARIANT_ADD(file, thp) { .kind = FILE_MEMFD_THP };
FIXTURE_VARIANT_ADD(file, hugetlb) { .kind = FILE_MEMFD_HUGETLB };
FIXTURE_VARIANT_ADD(file, tmpfs) { .kind = FILE_TMPFS };
/* clang-format on */

FIXTURE_SETUP(file)
{
	int ret = subject_create(&self->subject, variant->kind, 0);

	if (ret == -ENOTSUP)
		subject_destroy(&self->subject);
	if (ret == -ENODEV || ret == -ENOTSUP)
		SKIP(return, "no mock IOMMU, or no such files");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(file)
{
	subject_destroy(&self->subject);
	EXPECT_STREQ("", mock_rig_destroy(&self->subject.rig));
}

#endif
