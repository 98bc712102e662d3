/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IOPT_ACCESS_H
#define __IOMMUFD_IOPT_ACCESS_H

struct io_pagetable;
struct iopt_access;
struct iopt_area;

int iopt_add_access(struct io_pagetable *iopt, struct iopt_access *access);
void iopt_retire_access(struct io_pagetable *iopt, struct iopt_access *access);
void iopt_remove_access(struct io_pagetable *iopt, struct iopt_access *access);
void iopt_evict_access(struct io_pagetable *iopt, struct iopt_access *access);
void iopt_note_unpinned(struct io_pagetable *iopt, struct iopt_access *access,
			unsigned long npages);
void iopt_notify_unmap(struct io_pagetable *iopt, struct iopt_area *area);

#endif
