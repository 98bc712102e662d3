/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IOPT_PROCESS_H
#define __IOMMUFD_IOPT_PROCESS_H

struct io_pagetable;

int iopt_check_files(struct io_pagetable *iopt);

#endif
