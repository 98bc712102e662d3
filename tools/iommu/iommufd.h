/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * One function for each ioctl of /dev/iommu that a VMM needs for its memory.
 * Nothing is printed and nothing is remembered here. Each function returns 0 or
 * the negative errno of its ioctl; Documentation/userspace-api/iommufd.rst has
 * all of them, here are those a VMM may want to tell apart.
 */
#ifndef EDU_VMM_IOMMUFD_H
#define EDU_VMM_IOMMUFD_H

#include <linux/iommufd.h>

/**
 * struct iommufd_mapping - A piece of memory and its place in an IOAS
 * @va: the memory, page aligned or not
 * @length: bytes
 * @iova: IOVA of the first byte; an input if @flags has
 *        IOMMU_IOAS_MAP_FIXED_IOVA, otherwise chosen by the kernel
 * @flags: enum iommufd_ioas_map_flags
 */
struct iommufd_mapping {
	void *va;
	__u64 length;
	__u64 iova;
	__u32 flags;
};

/** iommufd_open() - Open /dev/iommu. Return: a file descriptor or -errno. */
int iommufd_open(void);

/** iommufd_ioas_alloc() - Make an empty IO address space. Return: 0 or -errno. */
int iommufd_ioas_alloc(int iommufd, __u32 *ioas_id);

/**
 * iommufd_destroy() - Destroy an object
 * @iommufd: an open /dev/iommu
 * @id: any object that was allocated by an ioctl of its own
 *
 * Return: 0; -ENOENT when there is no such object, -EBUSY when another object,
 * for instance an attached device, depends on it.
 */
int iommufd_destroy(int iommufd, __u32 id);

/**
 * iommufd_iova_ranges() - Ask which IOVAs can be mapped
 * @iommufd: an open /dev/iommu
 * @ioas_id: the address space
 * @ranges: filled with an allocated array, the caller frees it
 * @nranges: filled with the number of entries in @ranges
 * @alignment: filled with the bytes every IOVA must be a multiple of
 *
 * The answer changes when a device is attached or detached.
 *
 * Return: 0; -ENOENT when there is no such IOAS, -ENOMEM.
 */
int iommufd_iova_ranges(int iommufd, __u32 ioas_id,
			struct iommu_iova_range **ranges, __u32 *nranges,
			__u64 *alignment);

/**
 * iommufd_allow_iovas() - Restrict where the kernel may place mappings
 * @iommufd: an open /dev/iommu
 * @ioas_id: the address space
 * @ranges: the allowed ranges; they replace the ones set before
 * @nranges: number of entries in @ranges
 *
 * Return: 0; -EINVAL when the ranges overlap each other, -EADDRINUSE when an
 * attached device cannot use one of them.
 */
int iommufd_allow_iovas(int iommufd, __u32 ioas_id,
			const struct iommu_iova_range *ranges, __u32 nranges);

/**
 * iommufd_map() - Map memory of this process
 * @iommufd: an open /dev/iommu
 * @ioas_id: the address space
 * @mapping: what to map; mapping->iova is updated
 *
 * Return: 0; -EEXIST when a fixed IOVA is in use, -ENOSPC when no IOVA is free,
 * -EINVAL for an IOVA that is not aligned or not usable, -EFAULT for memory
 * that cannot be pinned, -ENOMEM also when more would be locked than allowed.
 */
int iommufd_map(int iommufd, __u32 ioas_id, struct iommufd_mapping *mapping);

/**
 * iommufd_copy() - Map what is mapped in one address space in another one too
 * @iommufd: an open /dev/iommu
 * @src_ioas_id: where the memory is mapped already
 * @src_iova: IOVA of the memory there
 * @dst_ioas_id: where it shall be mapped in addition
 * @copy: length, flags and IOVA in the destination; copy->va is not used;
 *        copy->iova is updated
 *
 * Return: 0; -ENOENT when the source is not mapped from end to end, otherwise
 * as iommufd_map().
 */
int iommufd_copy(int iommufd, __u32 src_ioas_id, __u64 src_iova,
		 __u32 dst_ioas_id, struct iommufd_mapping *copy);

/**
 * iommufd_unmap() - Remove every mapping inside a range of IOVAs
 * @iommufd: an open /dev/iommu
 * @ioas_id: the address space
 * @iova: first IOVA
 * @length: bytes of the range, replaced by the bytes that were unmapped
 *
 * Return: 0; -ENOENT when nothing is mapped there, or when the range begins or
 * ends inside of a mapping.
 */
int iommufd_unmap(int iommufd, __u32 ioas_id, __u64 iova, __u64 *length);

#endif
