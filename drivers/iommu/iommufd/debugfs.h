/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_DEBUGFS_H
#define __IOMMUFD_DEBUGFS_H

void iommufd_debugfs_init(void);
void iommufd_debugfs_exit(void);

#endif
