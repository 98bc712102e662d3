/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_PIN_FILE_H
#define __IOMMUFD_PIN_FILE_H

#include <linux/types.h>

struct file;
struct pin_bill;
struct pin_origin;

int pin_file_check(struct file *file, bool writable);
int pin_file_origin(struct pin_origin *origin, struct pin_bill *bill,
		    struct file *file, unsigned long start, bool writable);

#endif
