/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * A BAR of the mock IOMMU, and where this process has it: at FUZZ_BAR, page
 * number n of it at page number n there, or nothing.
 */
#ifndef SELFTEST_IOMMU_FUZZ_BAR_H
#define SELFTEST_IOMMU_FUZZ_BAR_H

#include "memory.h"

#define FUZZ_BAR_PAGES	8
#define FUZZ_BAR_BYTES	(FUZZ_BAR_PAGES * FUZZ_PAGE)

/**
 * struct fuzz_change - which pages of the BAR something is about
 * @first: number of the first page
 * @end: of the one behind the last, @first for none
 */
struct fuzz_change {
	unsigned int first;
	unsigned int end;
};

/* Make it, in this process; 0 or -errno, -ENODEV without a mock IOMMU. */
int fuzz_bar_init(void);

/* Begin a run: it is there, all of it, with all rights. */
void fuzz_bar_reset(void);

int fuzz_bar_fd(void);
bool fuzz_bar_enabled(void);

/*
 * Where what begins at @va ends, before @end: the part of a mapping of the BAR,
 * or what lies before the next one.
 */
__u64 fuzz_bar_piece(__u64 va, __u64 end, bool *is_bar);

/* Where an address is in the BAR, bytes. */
__u64 fuzz_bar_offset(__u64 va);

/* Has a range some of the addresses where the BAR may be? */
bool fuzz_bar_is_near(__u64 va, __u64 npages);

/* Can the process access all of it? */
bool fuzz_bar_reachable(__u64 va, __u64 npages, bool writable);

/*
 * Change what the process has mapped. Offset and number of pages may be any;
 * returns the pages whose mapping is not what it was.
 */
struct fuzz_change fuzz_bar_munmap(__u64 offset, __u64 npages);
struct fuzz_change fuzz_bar_mmap(__u64 offset, __u64 npages);
struct fuzz_change fuzz_bar_protect(__u64 offset, __u64 npages,
				    unsigned int rights);
struct fuzz_change fuzz_bar_mremap(__u64 offset, __u64 npages);

/* The rights that a page has, as for fuzz_bar_protect(). */
unsigned int fuzz_bar_rights(__u64 offset);

/* Turn memory decode on or off, or reset the device, of MOCK_BAR_*. */
void fuzz_bar_set(__u32 action, __u32 reset_ms);

/*
 * A reset by another thread, unless there is one already; and wait for it.
 * Returns true if there was one.
 */
void fuzz_bar_begin_reset(__u32 reset_ms);
bool fuzz_bar_end_reset(void);

/* The same by whichever thread, without keeping account of it. */
void fuzz_bar_disturb_mapping(__u64 offset, unsigned int way);
void fuzz_bar_disturb_device(__u32 action, __u32 reset_ms);

#endif
