/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Devices of VFIO, whatever bus they are on. A device is known by its directory
 * in sysfs. All calls return what is opened, or 0, or -errno.
 */
#ifndef SELFTEST_IOMMU_VFIO_DEVICE_H
#define SELFTEST_IOMMU_VFIO_DEVICE_H

#include <linux/types.h>
#include <linux/vfio.h>

/* Open the character device; -ENODEV when VFIO does not have the device. */
int vfio_open_cdev(const char *device);

/*
 * Open the group. @prefix: what the name in /dev/vfio has before the number,
 * "noiommu-" for a group without an IOMMU, else "".
 */
int vfio_open_group(const char *device, const char *prefix);

/* Put an open group into a container, and open a device of it by its name. */
int vfio_group_set_container(int group, int container);
int vfio_group_open_device(int group, const char *name);

/* @info: about region @index of an open device. */
int vfio_region(int device, __u32 index, struct vfio_region_info *info);

/*
 * Let interrupt @index signal an eventfd, or nobody if @event is negative;
 * let a masked one through again; raise it as if the device had.
 */
int vfio_irq_signal(int device, __u32 index, int event);
int vfio_irq_unmask(int device, __u32 index);
int vfio_irq_raise(int device, __u32 index);

#endif
