/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The ioctl with which test programs reach the mock IOMMU, the same as that of
 * other implementations.
 */
#ifndef _UAPI_IOMMUFD_TEST_H
#define _UAPI_IOMMUFD_TEST_H

#include <linux/iommufd.h>
#include <linux/types.h>

/*
 * Operations of IOMMU_TEST_CMD. id in struct iommu_test_cmd, and the member of
 * the union:
 *
 * ADD_RESERVED         IOAS; add_reserved, a range of IOVA to reserve for ever
 * MOCK_DOMAIN          IOAS or page table; plugs a device in, binds it and
 *                      attaches it. DESTROY of out_stdev_id undoes all of it.
 * MD_CHECK_MAP         page table; check_map, whether it maps the range of IOVA
 *                      to the pages that are at uptr now
 * MD_CHECK_REFS        unused; check_refs, whether every page at uptr is pinned
 *                      refs times
 * CREATE_ACCESS        IOAS; create_access, the file descriptor it gives is the
 *                      id of the next four, closing it destroys the access
 * DESTROY_ACCESS_PAGES access; destroy_access_pages, undoes one ACCESS_PAGES
 * ACCESS_PAGES         access; access_pages, pins a range of IOVA and compares
 *                      it with the pages at uptr, unless that is NULL
 * ACCESS_RW            access; access_rw, copies between IOVA and uptr
 * ACCESS_REPLACE_IOAS  access; access_replace_ioas
 * SET_TEMP_MEMORY_LIMIT unused; memory_limit, bytes that buffers for PFNs may
 *                      take, so that tests get to where they are full
 * MOCK_DOMAIN_REPLACE  out_stdev_id of MOCK_DOMAIN; mock_domain_replace
 * MOCK_DOMAIN_FLAGS    as MOCK_DOMAIN; mock_domain_flags
 * DIRTY                page table; dirty
 * MD_CHECK_IOTLB       nested page table; check_iotlb
 * TRIGGER_IOPF         unused; trigger_iopf
 * COUNT_IOPF           unused; count_iopf, how many groups of page requests all
 *                      devices have made so far, and what they were told. Only
 *                      this implementation has it, and those that follow.
 * CREATE_BAR           unused; create_bar, a file descriptor that may be mapped
 *                      as a BAR of a device of vfio-pci, whole pages
 * SET_BAR              file descriptor of a BAR; set_bar
 * MD_CHECK_BAR         page table; check_bar, whether it maps the range of IOVA
 *                      to a BAR from an offset on (0), not at all (ENOENT), or in
 *                      another way (EIO)
 */
enum {
	IOMMU_TEST_OP_ADD_RESERVED = 1,
	IOMMU_TEST_OP_MOCK_DOMAIN,
	IOMMU_TEST_OP_MD_CHECK_MAP,
	IOMMU_TEST_OP_MD_CHECK_REFS,
	IOMMU_TEST_OP_CREATE_ACCESS,
	IOMMU_TEST_OP_DESTROY_ACCESS_PAGES,
	IOMMU_TEST_OP_ACCESS_PAGES,
	IOMMU_TEST_OP_ACCESS_RW,
	IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT,
	IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE,
	IOMMU_TEST_OP_ACCESS_REPLACE_IOAS,
	IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS,
	IOMMU_TEST_OP_DIRTY,
	IOMMU_TEST_OP_MD_CHECK_IOTLB,
	IOMMU_TEST_OP_TRIGGER_IOPF,
	IOMMU_TEST_OP_COUNT_IOPF = 0x1000,
	IOMMU_TEST_OP_CREATE_BAR,
	IOMMU_TEST_OP_SET_BAR,
	IOMMU_TEST_OP_MD_CHECK_BAR,
};

/* What the mock IOMMU translates, IOVA, inclusive. */
enum {
	MOCK_APERTURE_START = 1UL << 24,
	MOCK_APERTURE_LAST = (1UL << 31) - 1,
};

/*
 * flags of access_pages. With SYZ the IOVA is a struct of two u32: the number
 * of an area in the order of IOVA, and an offset in it.
 */
enum {
	MOCK_FLAGS_ACCESS_WRITE = 1 << 0,
	MOCK_FLAGS_ACCESS_SYZ = 1 << 16,
};

/*
 * flags of access_rw, besides MOCK_FLAGS_ACCESS_SYZ. With KTHREAD a kernel
 * thread copies, as drivers let it.
 */
enum {
	MOCK_ACCESS_RW_WRITE = 1 << 0,
	MOCK_ACCESS_RW_KTHREAD = 1 << 1,
	MOCK_ACCESS_RW_SLOW_PATH = 1 << 2,
};

/* flags of create_access */
enum {
	MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES = 1 << 0,
};

/* dev_flags of mock_domain_flags */
enum {
	MOCK_FLAGS_DEVICE_NO_DIRTY = 1 << 0,
	MOCK_FLAGS_DEVICE_HUGE_IOVA = 1 << 1,
	MOCK_FLAGS_DEVICE_PASID = 1 << 2,
};

/* action of set_bar. A reset takes reset_ms, and leaves it on or off as it was. */
enum {
	MOCK_BAR_OFF,
	MOCK_BAR_ON,
	MOCK_BAR_RESET,
};

/* In perm of trigger_iopf: the group goes on. Without it, it is complete. */
#define MOCK_FLAGS_IOPF_MORE (1U << 31)

/* Bits of PASID that a device with MOCK_FLAGS_DEVICE_PASID has. */
#define MOCK_PASID_WIDTH 20

enum {
	MOCK_NESTED_DOMAIN_IOTLB_ID_MAX = 3,
	MOCK_NESTED_DOMAIN_IOTLB_NUM = 4,
};

struct iommu_test_cmd {
	__u32 size;
	__u32 op;
	__u32 id;
	__u32 __reserved;
	union {
		struct {
			__aligned_u64 start;
			__aligned_u64 length;
		} add_reserved;
		struct {
			__u32 out_stdev_id;
			__u32 out_hwpt_id;
						__u32 out_idev_id;
		} mock_domain;
		struct {
			__u32 out_stdev_id;
			__u32 out_hwpt_id;
			__u32 out_idev_id;
						__u32 dev_flags;
		} mock_domain_flags;
		struct {
			__u32 pt_id;
		} mock_domain_replace;
		struct {
			__aligned_u64 iova;
			__aligned_u64 length;
			__aligned_u64 uptr;
		} check_map;
		struct {
			__aligned_u64 length;
			__aligned_u64 uptr;
			__u32 refs;
		} check_refs;
		struct {
			__u32 out_access_fd;
			__u32 flags;
		} create_access;
		struct {
			__u32 access_pages_id;
		} destroy_access_pages;
		struct {
			__u32 flags;
			__u32 out_access_pages_id;
			__aligned_u64 iova;
			__aligned_u64 length;
			__aligned_u64 uptr;
		} access_pages;
		struct {
			__aligned_u64 iova;
			__aligned_u64 length;
			__aligned_u64 uptr;
			__u32 flags;
		} access_rw;
		struct {
			__u32 limit;
		} memory_limit;
		struct {
			__u32 ioas_id;
		} access_replace_ioas;
		struct {
			__u32 flags;
			__aligned_u64 iova;
			__aligned_u64 length;
			__aligned_u64 page_size;
			__aligned_u64 uptr;
			__aligned_u64 out_nr_dirty;
		} dirty;
		struct {
			__u32 id;
			__u32 iotlb;
		} check_iotlb;
		struct {
			__u32 dev_id;
			__u32 pasid;
			__u32 grpid;
			__u32 perm;
			__u64 addr;
		} trigger_iopf;
		struct {
			__u32 out_groups;
			__u32 out_success;
			__u32 out_invalid;
			__u32 out_failure;
		} count_iopf;
		struct {
			__aligned_u64 length;
			__s32 out_fd;
		} create_bar;
		struct {
			__u32 action;
			__u32 reset_ms;
		} set_bar;
		struct {
			__aligned_u64 iova;
			__aligned_u64 length;
			__aligned_u64 offset;
			__s32 fd;
		} check_bar;
	};
	__u32 last;
};

#define IOMMU_TEST_CMD _IO(IOMMUFD_TYPE, IOMMUFD_CMD_BASE + 32)

/* What GET_HW_INFO tells about the mock IOMMU. */
#define IOMMU_HW_INFO_TYPE_SELFTEST	0xfeedbeef
#define IOMMU_HW_INFO_SELFTEST_REGVAL	0xdeadbeef

struct iommu_test_hw_info {
	__u32 flags;
	__u32 test_reg;
};

/* Data of a nested page table, in no other driver's format. */
#define IOMMU_HWPT_DATA_SELFTEST 0xdead
#define IOMMU_TEST_IOTLB_DEFAULT 0xbadbeef

/**
 * struct iommu_hwpt_selftest - Data of a nested page table of the mock IOMMU
 * @iotlb: what each of its IOTLB entries holds at first
 */
struct iommu_hwpt_selftest {
	__u32 iotlb;
};

#define IOMMU_HWPT_INVALIDATE_DATA_SELFTEST 0xdeadbeef
#define IOMMU_HWPT_INVALIDATE_DATA_SELFTEST_INVALID 0xdadbeef

/**
 * struct iommu_hwpt_invalidate_selftest - What to invalidate
 * @flags: IOMMU_TEST_INVALIDATE_FLAG_ALL for every entry
 * @iotlb_id: number of the entry otherwise
 */
struct iommu_hwpt_invalidate_selftest {
#define IOMMU_TEST_INVALIDATE_FLAG_ALL	1
	__u32 flags;
	__u32 iotlb_id;
};

#endif
