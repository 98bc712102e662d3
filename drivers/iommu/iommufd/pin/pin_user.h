/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_PIN_USER_H
#define __IOMMUFD_PIN_USER_H

#include <linux/types.h>

struct pin_copy;
struct pin_origin;
struct pin_owner;

void pin_user_origin(struct pin_origin *origin, struct pin_owner *owner,
		     unsigned long address, bool writable);
int pin_copy_user(struct pin_copy *copy, void __user *user);

#endif
