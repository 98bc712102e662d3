/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * A PCI device in user space, through its VFIO character device. The order of
 * life is open, bind, attach, use, detach, close. All functions that return an
 * int return 0 or a negative errno.
 */
#ifndef EDU_VMM_VFIO_H
#define EDU_VMM_VFIO_H

#include <limits.h>
#include <linux/types.h>
#include <stddef.h>

/**
 * struct vfio_device - An open device
 * @fd: the character device, -1 when it is not open
 * @dev_id: id of the device in the iommufd it is bound to
 * @address: PCI address with the domain: 0000:00:04.0
 * @cdev: path of the character device
 */
struct vfio_device {
	int fd;
	__u32 dev_id;
	char address[16];
	char cdev[64];
};

/**
 * struct vfio_bar - A BAR that is mapped into this process
 * @va: first register
 * @length: bytes
 */
struct vfio_bar {
	void *va;
	size_t length;
};

/**
 * vfio_device_open() - Find and open the character device of a PCI device
 * @device: filled; device->address also when the open fails later than that
 * @address: PCI address with or without domain: 0000:00:04.0 or 00:04.0
 *
 * Return: 0; -EINVAL when @address is no PCI address, -ENODEV when there is no
 * such PCI device, -ENXIO when VFIO offers no character device for it, or what
 * open() says.
 */
int vfio_device_open(struct vfio_device *device, const char *address);

/**
 * vfio_device_bind() - Give the device to an iommufd
 * @device: an open device
 * @iommufd: an open /dev/iommu
 *
 * From here on the host does not use the device, and this process may read and
 * write its registers. Its DMA is blocked until it is attached.
 *
 * Return: 0; -EPERM when the IOMMU does not isolate interrupts, -EBUSY when the
 * group of the device is in use, -EINVAL when the device is, or when there is
 * no IOMMU for it.
 */
int vfio_device_bind(struct vfio_device *device, int iommufd);

/**
 * vfio_device_attach() - Let the device do DMA through an address space
 * @device: a bound device
 * @pt_id: id of an IOAS or hw_pagetable, replaced by what the kernel reports
 *
 * On an attached device this replaces the address space in one step: DMA finds
 * the old one or the new one. Many IOMMUs block it while they switch, so let the
 * device rest if it cannot do without.
 *
 * Return: 0; -ENOENT when there is no such object, -EADDRINUSE when mappings or
 * allowed ranges are where the device cannot use an IOVA, -EFAULT or -ENOMEM
 * when the memory that is mapped cannot be pinned. After an error the device is
 * attached to what it was attached to before.
 */
int vfio_device_attach(struct vfio_device *device, __u32 *pt_id);

/** vfio_device_detach() - Block the DMA of the device. Return: 0 or -errno. */
int vfio_device_detach(struct vfio_device *device);

/**
 * vfio_device_map_bar() - Map the registers of a memory BAR
 * @device: a bound device
 * @index: number of the BAR, 0 to 5
 * @bar: filled
 *
 * Return: 0; -ENOTSUP when the device has no such BAR, or none that can be
 * mapped, or what mmap() says.
 */
int vfio_device_map_bar(struct vfio_device *device, unsigned int index,
			struct vfio_bar *bar);

/** vfio_device_unmap_bar() - Undo vfio_device_map_bar() */
void vfio_device_unmap_bar(struct vfio_bar *bar);

/**
 * vfio_device_allow_dma() - Set memory decoding and bus mastering
 * @device: a bound device
 *
 * Without bus mastering the device cannot issue DMA. VFIO clears it when the
 * device is opened and when it is closed.
 *
 * Return: 0; -EIO when the configuration space cannot be accessed.
 */
int vfio_device_allow_dma(struct vfio_device *device);

/** vfio_device_stop_dma() - Clear bus mastering. Return: 0 or -EIO. */
int vfio_device_stop_dma(struct vfio_device *device);

/** vfio_device_close() - Unbind and close; does nothing when not open */
void vfio_device_close(struct vfio_device *device);

/**
 * vfio_read_link() - Last component of a symbolic link of the device in sysfs
 * @device: device->address has to be set
 * @name: the link below the device's directory: driver, iommu_group
 * @target: filled
 * @size: bytes in @target
 *
 * Return: 0, or -errno when there is no such link.
 */
int vfio_read_link(const struct vfio_device *device, const char *name,
		   char *target, size_t size);

#endif
