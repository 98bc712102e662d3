/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Mediated devices: drivers that emulate a device and reach the memory of
 * its user through an access. The kernel's samples do.
 */
#ifndef SELFTEST_IOMMU_MDEV_H
#define SELFTEST_IOMMU_MDEV_H

#include <stdbool.h>

#include "vfio_device.h"

/**
 * struct mdev - a mediated device
 * @vfio: once it is open
 * @group: its group, negative when it is not open
 * @name: a UUID
 */
struct mdev {
	struct vfio_device vfio;
	int group;
	char name[40];
};

/*
 * Create a device. @parent: the sample, @type: of those that it offers. Returns
 * 0, -ENODEV when the kernel has no such sample, or what went wrong.
 */
int mdev_create(struct mdev *mdev, const char *parent, const char *type);

/* Tell the kernel to remove it; this waits until nobody has it open. */
int mdev_remove(const struct mdev *mdev);
bool mdev_exists(const struct mdev *mdev);

/* Close whatever is open, then remove it. */
int mdev_destroy(struct mdev *mdev);

/* Open the character device, or the group. */
int mdev_open_cdev(struct mdev *mdev);
int mdev_open_group(struct mdev *mdev);

/* Through its group, which is in a container. */
int mdev_open_from_group(struct mdev *mdev);

#endif
