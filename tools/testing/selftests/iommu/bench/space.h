/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * What the benchmark measures: an I/O address space that a device reaches,
 * made with an iommufd or with VFIO's type1 container.
 */
#ifndef SELFTEST_IOMMU_BENCH_SPACE_H
#define SELFTEST_IOMMU_BENCH_SPACE_H

#include <linux/types.h>

#include "lib/container.h"
#include "lib/edu.h"

/* Above 32 bits, and aligned for the largest page of any IOMMU. */
#define BENCH_IOVA	0x100000000ULL

struct space;

/**
 * struct backend - one interface to the IOMMU
 * @name: what it is called on the command line
 * @open: make an address space with one device in it
 * @close: take it apart
 * @map: map for reading and writing at a given IOVA; 0 or -errno
 * @map_anywhere: the same at an IOVA of the kernel's choice; NULL if there is
 *                no such thing
 * @unmap: unmap all areas in a range; 0 or -errno
 */
struct backend {
	const char *name;
	void (*open)(struct space *space);
	void (*close)(struct space *space);
	int (*map)(struct space *space, const void *va, __u64 length,
		   __u64 iova);
	int (*map_anywhere)(struct space *space, const void *va, __u64 length,
			    __u64 *iova);
	int (*unmap)(struct space *space, __u64 iova, __u64 length);
};

extern const struct backend iommufd_backend;
extern const struct backend type1_backend;

/* An iommufd again; the IOAS has a second page table, and all is mapped twice. */
extern const struct backend two_tables_backend;

/**
 * struct space - an I/O address space with one device
 * @backend: what it was made with
 * @fd: of the iommufd backend: the iommufd
 * @ioas_id: the IOAS
 * @edu: the device, attached to it
 * @container: of the type1 backend: everything
 */
struct space {
	const struct backend *backend;
	int fd;
	__u32 ioas_id;
	struct edu edu;
	struct container container;
};

void space_open(struct space *space, const struct backend *backend);
void space_close(struct space *space);

/* These end the program when they fail. */
void space_map(struct space *space, const void *va, __u64 length, __u64 iova);
void space_map_anywhere(struct space *space, const void *va, __u64 length,
			__u64 *iova);
void space_unmap(struct space *space, __u64 iova, __u64 length);

#endif
