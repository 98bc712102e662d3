/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iommufd for drivers that hand devices to user space.
 *
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __LINUX_IOMMUFD_H
#define __LINUX_IOMMUFD_H

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/types.h>

struct device;
struct file;
struct iommu_group;
struct iommufd_access;
struct iommufd_ctx;
struct iommufd_device;
struct page;

/**
 * DOC: Which part a driver needs
 *
 * A driver that hands devices to user space gets from its user a file
 * descriptor of /dev/iommu and turns it into a context, struct iommufd_ctx.
 * Then there are two ways, depending on who does the DMA:
 *
 * The device does, through an IOMMU: struct iommufd_device. Bind it, attach it
 * to what the user asks for, detach, unbind.
 *
 * The driver does, with the CPU, for a device that it emulates: struct
 * iommufd_access. Create it, attach it to an IOAS, then pin memory or copy it
 * by IOVA.
 *
 * All symbols are in the namespace IOMMUFD, those with vfio in their name in
 * IOMMUFD_VFIO. Calls on different devices may run at the same time. Calls on
 * one device may not, which is for the driver to see to.
 */

/**
 * iommufd_device_bind() - Put a device under the control of a context
 * @ictx: the context
 * @dev: a device with an IOMMU
 * @id: output, by this ID the user calls the device
 *
 * Claims DMA of the whole group of @dev for user space. As long as it is not
 * attached, the device cannot do DMA. The binding keeps @ictx alive.
 *
 * Context: process context, sleeps.
 * Return: the bound device, or an ERR_PTR:
 *
 * * %-ENODEV - @dev has no IOMMU
 * * %-EINVAL - the DMA of @dev is not cache coherent
 * * %-EPERM - a device of the group has a kernel driver that does DMA, or
 *   belongs to another user; or nothing keeps @dev from raising interrupts it
 *   was not given, and the administrator has not accepted this with
 *   allow_unsafe_interrupts
 * * %-EBUSY - the IOMMU core has the group in a domain of somebody else
 * * %-ENOMEM - out of memory
 */
struct iommufd_device *iommufd_device_bind(struct iommufd_ctx *ictx,
					   struct device *dev, u32 *id);

/**
 * iommufd_device_unbind() - Give up a device
 * @idev: from iommufd_device_bind(), detached; not valid any more after this
 *
 * Context: process context, sleeps until no ioctl uses the device any more.
 */
void iommufd_device_unbind(struct iommufd_device *idev);

/**
 * iommufd_device_attach() - Let a device do DMA
 * @idev: a bound device that is not attached
 * @pt_id: input, the IOAS or page table the user wants; output, the page table
 *         that is used, picked or made for the IOAS if it was one
 *
 * All attached devices of a group share one page table. On return the device
 * reaches all that is mapped, and nothing else.
 *
 * Context: process context, sleeps; for long if much has to be pinned.
 * Return: 0, or an error and the device is not attached:
 *
 * * %-ENOENT - @pt_id is not the ID of an IOAS or a page table
 * * %-EINVAL - the group has another page table; or the IOMMU of the device
 *   cannot work with this one; or its smallest page is larger than PAGE_SIZE;
 *   or @idev is attached
 * * %-EADDRINUSE - something is mapped, or insisted on by the user, at IOVA the
 *   device reserves or cannot reach, or with an alignment that is too fine
 * * %-EBUSY - the IOMMU translates interrupts, and the device already has some
 *   set up, which its new page table would not translate; or a container of
 *   VFIO has invalidated an address in the IOAS; or others take pages out of a
 *   file all the time
 * * %-EIO - a page of a file is damaged, or cannot be read from swap
 * * %-EOPNOTSUPP - memory is that of a file on a DAX device
 * * %-EFAULT - memory that was mapped earlier cannot be pinned now
 * * %-ENOMEM - out of memory, or RLIMIT_MEMLOCK would be exceeded
 * * %-EINTR - a fatal signal arrived
 * * %-ERESTARTNOINTR - a signal arrived while a huge page of a file was made;
 *   the caller has its system call made again
 */
int iommufd_device_attach(struct iommufd_device *idev, u32 *pt_id);

/**
 * iommufd_device_replace() - Move a device to another page table
 * @idev: an attached device
 * @pt_id: input and output as for iommufd_device_attach()
 *
 * All devices of the group move. DMA finds what the old page table maps or what
 * the new one maps, and nothing else. It may find neither for a moment: many
 * IOMMU drivers block DMA while they switch, VT-d, AMD-Vi and s390 among them.
 * Some IOMMUs choose the format of a page table only when a device is
 * attached, such as virtio-iommu. With these a new page table is filled after
 * the move, and DMA is blocked until it is full.
 *
 * Context: process context, sleeps; for long if much has to be pinned.
 * Return: 0, or an error of iommufd_device_attach() and the devices are attached
 * as before; %-EINVAL also if @idev is not attached.
 */
int iommufd_device_replace(struct iommufd_device *idev, u32 *pt_id);

/**
 * iommufd_device_detach() - Stop DMA of a device
 * @idev: an attached device
 *
 * With the last device of the group, DMA of the group is blocked. A page table
 * that attaching made goes away with the last device that uses it. Cannot fail
 * and needs no memory.
 *
 * Context: process context, sleeps.
 */
void iommufd_device_detach(struct iommufd_device *idev);

/**
 * iommufd_device_to_ictx() - The context a device is bound to
 * @idev: a bound device
 *
 * Context: any.
 * Return: the context; no reference is taken, the binding keeps it alive.
 */
struct iommufd_ctx *iommufd_device_to_ictx(struct iommufd_device *idev);

/**
 * iommufd_device_to_id() - The ID of a device
 * @idev: a bound device
 *
 * Context: any.
 * Return: the ID that iommufd_device_bind() gave.
 */
u32 iommufd_device_to_id(struct iommufd_device *idev);

/**
 * struct iommufd_access_ops - What a driver provides for an access
 * @needs_pin_pages: it will call iommufd_access_pin_pages(). @unmap has to be
 *                   there then, and the IOAS maps whole pages only.
 * @unmap: optional otherwise. Asks the driver to unpin all it has pinned in a
 *         range of IOVA, length bytes from iova; data is what
 *         iommufd_access_create() got. Called when something is unmapped, and
 *         when the access leaves its IOAS, once for each range in which pages
 *         are pinned. A driver that has no pins is not called. All of the range
 *         is pinned, but maybe by somebody else: what this driver has not
 *         pinned is of no concern to it. No lock is held that a driver could
 *         need, and iommufd_access_unpin_pages() is allowed, also of more than
 *         the range. Not allowed are map and unmap in the same IOAS and anything
 *         that detaches or destroys the access.
 *         A driver may also unpin later, from another thread: it is waited for,
 *         and asked again from time to time. Detaching the access does so for
 *         ten seconds; what is pinned after that stays so for ever, with a
 *         warning in the kernel log.
 */
struct iommufd_access_ops {
	u8 needs_pin_pages : 1;
	void (*unmap)(void *data, unsigned long iova, unsigned long length);
};

enum {
	IOMMUFD_ACCESS_RW_READ = 0,
	IOMMUFD_ACCESS_RW_WRITE = 1 << 0,
	/* The caller is a kernel thread and may borrow the mm of the mapper */
	IOMMUFD_ACCESS_RW_KTHREAD = 1 << 1,

	/* For tests: go through PFNs even where a plain copy would do */
	__IOMMUFD_ACCESS_RW_SLOW_PATH = 1 << 2,
};

/**
 * iommufd_access_create() - Prepare to reach mapped memory with the CPU
 * @ictx: the context
 * @ops: what the driver provides; stays valid until the access is destroyed
 * @data: handed to the operations
 * @id: output, ID of the access. Only for users to see, no ioctl takes it.
 *
 * The access keeps @ictx alive.
 *
 * Context: process context, sleeps.
 * Return: the access, or an ERR_PTR:
 *
 * * %-EINVAL - @ops wants to pin, and has no unmap operation
 * * %-ENOMEM - out of memory
 */
struct iommufd_access *
iommufd_access_create(struct iommufd_ctx *ictx,
		      const struct iommufd_access_ops *ops, void *data, u32 *id);

/**
 * iommufd_access_destroy() - Give up an access
 * @access: from iommufd_access_create(); not valid any more after this
 *
 * Detaches it if it is attached, see iommufd_access_detach().
 *
 * Context: process context, sleeps until no unmap operation runs any more.
 */
void iommufd_access_destroy(struct iommufd_access *access);

/**
 * iommufd_access_attach() - Choose the IOAS of an access
 * @access: one that is not attached
 * @ioas_id: ID of the IOAS
 *
 * Context: process context, sleeps.
 * Return: 0, or an error and the access is not attached:
 *
 * * %-ENOENT - @ioas_id is not the ID of an IOAS
 * * %-EINVAL - @access is attached
 * * %-EADDRINUSE - the driver wants to pin, and something is mapped that does
 *   not begin and end at the edges of pages
 * * %-EBUSY - a container of VFIO has invalidated an address in the IOAS
 * * %-ENOMEM - out of memory
 */
int iommufd_access_attach(struct iommufd_access *access, u32 ioas_id);

/**
 * iommufd_access_replace() - Move an access to another IOAS
 * @access: one that is attached
 * @ioas_id: ID of the new IOAS
 *
 * The unmap operation is called for what the driver has pinned in the old IOAS.
 * Between the two nothing can be pinned or copied: those calls return %-ENOENT.
 *
 * Context: process context, sleeps.
 * Return: 0, or an error of iommufd_access_attach() and the access is attached
 * as before; %-ENOENT also if it is not attached at all.
 */
int iommufd_access_replace(struct iommufd_access *access, u32 ioas_id);

/**
 * iommufd_access_detach() - Let go of the IOAS of an access
 * @access: attached or not
 *
 * The unmap operation is called for what the driver has pinned, and not at all
 * if that is nothing. Pins and copies that other threads have begun are waited
 * for.
 *
 * Context: process context, sleeps.
 */
void iommufd_access_detach(struct iommufd_access *access);

/**
 * iommufd_ctx_get() - Take one more reference to a context
 * @ictx: a context the caller has a reference to
 *
 * Context: any but interrupts.
 */
void iommufd_ctx_get(struct iommufd_ctx *ictx);

#if IS_ENABLED(CONFIG_IOMMUFD)
/**
 * iommufd_ctx_from_file() - The context behind an open file
 * @file: any file
 *
 * Context: any but interrupts.
 * Return: the context with a reference that the caller puts, or an ERR_PTR:
 *
 * * %-EBADFD - @file is not an open /dev/iommu
 */
struct iommufd_ctx *iommufd_ctx_from_file(struct file *file);

/**
 * iommufd_ctx_from_fd() - The context behind a file descriptor
 * @fd: a number from the calling process
 *
 * Context: process context of the user.
 * Return: the context with a reference that the caller puts, or an ERR_PTR:
 *
 * * %-EBADF - @fd is not an open file
 * * %-EBADFD - @fd is not an open /dev/iommu
 */
struct iommufd_ctx *iommufd_ctx_from_fd(int fd);

/**
 * iommufd_ctx_put() - Drop a reference to a context
 * @ictx: the context, may be gone after this
 *
 * The last reference of a driver takes along the IOAS that
 * iommufd_vfio_compat_ioas_create() made, and all that is mapped there.
 *
 * Context: process context, sleeps.
 */
void iommufd_ctx_put(struct iommufd_ctx *ictx);

/**
 * iommufd_ctx_has_group() - Tell whether a context has a device of a group
 * @ictx: the context
 * @group: the group
 *
 * A group has one owner, so if there is one, the user of @ictx owns all of it.
 *
 * Context: any.
 * Return: true if a device of @group is bound to @ictx.
 */
bool iommufd_ctx_has_group(struct iommufd_ctx *ictx, struct iommu_group *group);

/**
 * iommufd_access_pin_pages() - Keep memory in place and get its pages
 * @access: one that is attached and has needs_pin_pages
 * @iova: first byte
 * @length: bytes, not 0
 * @out_pages: output, one entry for each page that the range touches
 * @flags: IOMMUFD_ACCESS_RW_WRITE if the driver is going to write
 *
 * Pages may be pinned several times. How often is counted for each page, and
 * iommufd_access_unpin_pages() counts down.
 *
 * Context: process context, sleeps.
 * Return: 0, or an error and nothing is pinned:
 *
 * * %-ENOENT - the access is not attached, or part of the range is not mapped
 * * %-EPERM - it is mapped, but not for this kind of access
 * * %-EINVAL - @length is 0; or two mappings in the range do not meet at the
 *   edge of a page; or one is being unmapped; or the access does not have
 *   needs_pin_pages
 * * %-EOVERFLOW - the range wraps
 * * %-EOPNOTSUPP - unknown flags, or memory of a file on a DAX device
 * * %-EFAULT - memory cannot be pinned, or its process is gone
 * * %-EBUSY, %-EIO, %-ERESTARTNOINTR - as from iommufd_device_attach(), with
 *   memory of files
 * * %-ENOMEM - out of memory, or RLIMIT_MEMLOCK would be exceeded
 * * %-EINTR - a fatal signal arrived
 */
int iommufd_access_pin_pages(struct iommufd_access *access, unsigned long iova,
			     unsigned long length, struct page **out_pages,
			     unsigned int flags);

/**
 * iommufd_access_unpin_pages() - Undo iommufd_access_pin_pages()
 * @access: the same
 * @iova: first byte
 * @length: bytes, not 0
 *
 * Counts down once each page that the range touches. So pages that were pinned
 * one by one may be unpinned together, and what was pinned together may be
 * unpinned in parts. A range may go across mappings. A driver that unpins what
 * it has not pinned is told so in the kernel log.
 *
 * Context: process context, sleeps; the unmap operation may call it. Needs
 * memory only to unpin a part of what was pinned together, and then waits until
 * there is some: not to be called where memory is reclaimed.
 */
void iommufd_access_unpin_pages(struct iommufd_access *access,
				unsigned long iova, unsigned long length);

/**
 * iommufd_access_rw() - Copy between a kernel buffer and mapped memory
 * @access: one that is attached
 * @iova: first byte
 * @data: kernel buffer
 * @len: bytes, not 0
 * @flags: IOMMUFD_ACCESS_RW_READ to fill @data, IOMMUFD_ACCESS_RW_WRITE to
 *         write the memory; and IOMMUFD_ACCESS_RW_KTHREAD
 *
 * Nothing is pinned. A copy that has begun holds off an unmap of the memory.
 *
 * Context: process context, sleeps; a page fault may take long.
 * Return: 0, or an error, and some of the bytes may have been copied:
 *
 * * %-ENOENT - the access is not attached, or part of the range is not mapped
 * * %-EPERM - it is mapped, but not for this kind of access
 * * %-EINVAL - @len is 0, or part of the range is being unmapped
 * * %-EOVERFLOW - the range wraps
 * * %-EOPNOTSUPP - unknown flags
 * * %-EFAULT - memory is not there, or its process is gone and nobody has it
 *   pinned
 * * %-EBUSY, %-EIO, %-ERESTARTNOINTR - as from iommufd_device_attach(), with
 *   memory of files
 * * %-ENOMEM - a hole in a file cannot be filled; or a container of VFIO tracks
 *   dirty pages, and there is no memory to note them
 * * %-EINTR - a fatal signal arrived
 */
int iommufd_access_rw(struct iommufd_access *access, unsigned long iova,
		      void *data, size_t len, unsigned int flags);

/**
 * iommufd_vfio_compat_ioas_get_id() - The IOAS that VFIO containers act on
 * @ictx: the context
 * @out_ioas_id: output, its ID
 *
 * Devices of VFIO groups are attached to it. It is the user's choice, with
 * IOMMU_VFIO_IOAS, or the result of iommufd_vfio_compat_ioas_create(). The user
 * may make another choice or destroy it at any time; then attaching to the ID
 * fails.
 *
 * Context: any.
 * Return: 0, or an error:
 *
 * * %-ENODEV - there is none
 */
int iommufd_vfio_compat_ioas_get_id(struct iommufd_ctx *ictx, u32 *out_ioas_id);

/**
 * iommufd_vfio_compat_ioas_create() - See to it that containers have an IOAS
 * @ictx: the context
 *
 * Makes one if there is none. Callers that do this at the same time get the
 * same. It stays until no driver has a reference to @ictx any more.
 *
 * Context: process context, sleeps.
 * Return: 0, or an error:
 *
 * * %-EINVAL - the context does without an IOMMU
 * * %-ENOMEM - out of memory
 */
int iommufd_vfio_compat_ioas_create(struct iommufd_ctx *ictx);

/**
 * iommufd_vfio_compat_set_no_iommu() - Make containers do without an IOMMU
 * @ictx: the context
 *
 * For groups without an IOMMU. As long as a driver has a reference, the context
 * cannot have an IOAS for containers, so that no user takes a device for
 * translated that is not. VFIO checks the capability that takes.
 *
 * Context: any.
 * Return: 0, or an error:
 *
 * * %-EINVAL - containers have an IOAS
 */
int iommufd_vfio_compat_set_no_iommu(struct iommufd_ctx *ictx);
#else /* !CONFIG_IOMMUFD */
static inline struct iommufd_ctx *iommufd_ctx_from_file(struct file *file)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static inline void iommufd_ctx_put(struct iommufd_ctx *ictx)
{
}

static inline int iommufd_access_pin_pages(struct iommufd_access *access,
					   unsigned long iova,
					   unsigned long length,
					   struct page **out_pages,
					   unsigned int flags)
{
	return -EOPNOTSUPP;
}

static inline void iommufd_access_unpin_pages(struct iommufd_access *access,
					      unsigned long iova,
					      unsigned long length)
{
}

static inline int iommufd_access_rw(struct iommufd_access *access,
				    unsigned long iova, void *data, size_t len,
				    unsigned int flags)
{
	return -EOPNOTSUPP;
}

static inline int iommufd_vfio_compat_ioas_create(struct iommufd_ctx *ictx)
{
	return -EOPNOTSUPP;
}

static inline int iommufd_vfio_compat_set_no_iommu(struct iommufd_ctx *ictx)
{
	return -EOPNOTSUPP;
}
#endif /* CONFIG_IOMMUFD */
#endif
