/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_FAULT_CHECK_H
#define __IOMMUFD_FAULT_CHECK_H

#include <linux/types.h>

struct iommufd_fault_queue;

bool fault_queue_valid(struct iommufd_fault_queue *queue);

#endif
