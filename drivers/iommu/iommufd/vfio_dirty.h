/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_VFIO_DIRTY_H
#define __IOMMUFD_VFIO_DIRTY_H

#include <linux/align.h>
#include <linux/bits.h>
#include <linux/limits.h>
#include <linux/types.h>

struct iommufd_ioas;
struct vfio_bitmap;

/* Type1's limit to the bytes of a bitmap, 2^31 bits. */
#define VFIO_DIRTY_BITMAP_MAX (ALIGN((u64)INT_MAX, 64) / BITS_PER_BYTE)

int iommufd_vfio_dirty_pages(struct iommufd_ioas *ioas, void __user *arg);
int iommufd_vfio_check_bitmap(u64 size, const struct vfio_bitmap *bitmap);
int iommufd_vfio_unmap_dirty(struct iommufd_ioas *ioas, unsigned long iova,
			     unsigned long last,
			     const struct vfio_bitmap *bitmap,
			     unsigned long *unmapped);

#endif
