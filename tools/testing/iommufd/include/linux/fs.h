/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __TEST_LINUX_FS_H
#define __TEST_LINUX_FS_H

/* Nobody looks into one here. */
struct file_operations {
};

#endif
