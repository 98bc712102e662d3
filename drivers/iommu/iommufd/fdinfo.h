/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_FDINFO_H
#define __IOMMUFD_FDINFO_H

struct iommufd_ctx;
struct seq_file;

void iommufd_show_fdinfo(struct iommufd_ctx *ictx, struct seq_file *seq);

#endif
