/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Devices of VFIO, whatever bus they are on. A device is known by its directory
 * in sysfs. The order of life is open, bind, attach, use, detach, close. All
 * calls return what is opened, or 0, or -errno.
 */
#ifndef SELFTEST_IOMMU_VFIO_DEVICE_H
#define SELFTEST_IOMMU_VFIO_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>
#include <linux/vfio.h>

/**
 * struct vfio_device - an open device
 * @fd: its character device, or what a group gave; negative when it is closed
 * @dev_id: object id in the iommufd that it is bound to
 */
struct vfio_device {
	int fd;
	__u32 dev_id;
};

/**
 * struct vfio_bar - a BAR that is mapped into this process
 * @va: first register, NULL when it is not mapped
 * @length: bytes
 */
struct vfio_bar {
	char *va;
	size_t length;
};

/*
 * Path of the character device. -ENODEV when there is no such device, -ENXIO
 * when VFIO has none for it.
 */
int vfio_find_cdev(const char *device, char *path, size_t size);

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

/**
 * vfio_bind() - Give an open device to an iommufd
 * @device: opened by its character device
 * @iommufd: an open /dev/iommu
 *
 * From here on the host does not use the device, and this process may read and
 * write its registers. Its DMA is blocked until it is attached.
 *
 * Return: 0; -EPERM when the IOMMU does not isolate interrupts; -EBUSY when the
 * group of the device is in use; -EINVAL when the device is, or when there is
 * no IOMMU for it.
 */
int vfio_bind(struct vfio_device *device, int iommufd);

/**
 * vfio_attach() - Let a device do DMA through an address space
 * @device: a bound device
 * @pt_id: id of an IOAS or hw_pagetable, replaced by what the kernel reports
 *
 * On an attached device this replaces the address space in one step: DMA finds
 * the old one or the new one. Many IOMMUs block it while they switch, so let the
 * device rest if it cannot do without.
 *
 * Return: 0; -ENOENT when there is no such object; -EADDRINUSE when mappings or
 * allowed ranges are where the device cannot use an IOVA; -EFAULT or -ENOMEM
 * when the memory that is mapped cannot be pinned. After an error the device is
 * attached to what it was attached to before.
 */
int vfio_attach(struct vfio_device *device, __u32 *pt_id);
int vfio_attach_ioas(struct vfio_device *device, __u32 ioas_id);

/* Block the DMA of a device. */
int vfio_detach(struct vfio_device *device);

/* Unbind and close; does nothing when it is not open. */
void vfio_close(struct vfio_device *device);

/* @info: about region @index of an open device. */
int vfio_region(int device, __u32 index, struct vfio_region_info *info);

/*
 * Map BAR 0 to 5 of a bound PCI device; -ENOTSUP when there is no such BAR or it
 * cannot be mapped. Unmapping does nothing when it is not mapped.
 */
int vfio_map_bar(const struct vfio_device *device, unsigned int index,
		 struct vfio_bar *bar);
void vfio_unmap_bar(struct vfio_bar *bar);

/*
 * Set memory decoding and bus mastering of a PCI device, and clear the latter.
 * Without bus mastering a device cannot issue DMA; VFIO clears it when the
 * device is opened and when it is closed.
 */
int vfio_allow_dma(const struct vfio_device *device);
int vfio_stop_dma(const struct vfio_device *device);

/*
 * Turn memory decoding of a PCI device on or off. While it is off BARs that are
 * mapped cannot be accessed.
 */
int vfio_set_memory(const struct vfio_device *device, bool on);

/*
 * Whether a bound device can be reset alone: by itself, or by its port if no
 * other device is behind that. And do it; -EINVAL when it cannot.
 */
bool vfio_can_reset(const struct vfio_device *device);
int vfio_reset(const struct vfio_device *device);

/*
 * Let interrupt @index signal an eventfd, or nobody if @event is negative;
 * let a masked one through again; raise it as if the device had.
 */
int vfio_irq_signal(int device, __u32 index, int event);
int vfio_irq_unmask(int device, __u32 index);
int vfio_irq_raise(int device, __u32 index);

#endif
