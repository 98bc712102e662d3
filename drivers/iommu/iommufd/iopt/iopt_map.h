/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IOPT_MAP_H
#define __IOMMUFD_IOPT_MAP_H

#include <linux/bits.h>
#include <linux/list.h>
#include <linux/types.h>

struct io_pagetable;
struct iopt_area;
struct iopt_setup;
struct pin_account;

/* flags of struct iopt_mapping */
#define IOPT_MAP_FIXED BIT(0)

/**
 * struct iopt_mapping - Areas on their way into an io_pagetable
 * @iopt: where to
 * @iova: first IOVA; input with IOPT_MAP_FIXED, else found by
 *        iopt_mapping_prepare()
 * @length: bytes
 * @flags: IOPT_MAP_*
 * @copy: of what is mapped already
 * @iommu_prot: IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE for all areas
 * @bits: all offsets in a page and lengths of the areas, ORed
 * @setup: publishes several areas, with a reference; NULL for one
 * @waiting: NULL before the IOVA is taken; then the last area that is not in
 *           the tree yet, or the first area if all are
 * @areas: struct iopt_area in the order of the IOVA
 *
 * The steps of mapping are init, add, prepare and end. The end is right after
 * any of them, undoes everything if that failed, and cannot fail itself.
 */
struct iopt_mapping {
	struct io_pagetable *iopt;
	unsigned long iova;
	unsigned long length;
	unsigned int flags;
	bool copy;
	int iommu_prot;
	unsigned long bits;
	struct iopt_setup *setup;
	struct iopt_area *waiting;
	struct list_head areas;
};

void iopt_mapping_init(struct iopt_mapping *mapping, struct io_pagetable *iopt,
		       int iommu_prot, unsigned int flags);
int iopt_mapping_add_user(struct iopt_mapping *mapping, unsigned long uptr,
			  unsigned long length, struct pin_account *account);
int iopt_mapping_add_file(struct iopt_mapping *mapping, int fd,
			  unsigned long start, unsigned long length,
			  struct pin_account *account);
int iopt_mapping_add_copy(struct iopt_mapping *mapping,
			  struct io_pagetable *source, unsigned long iova,
			  unsigned long length);
int iopt_mapping_prepare(struct iopt_mapping *mapping);
void iopt_mapping_end(struct iopt_mapping *mapping, int rc);

#endif
