/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * The memory that the fuzzer maps, and what ought to be in it.
 *
 * Every page of the process that can be a source has a struct fuzz_page, which
 * says whether it is mapped, with which rights, and which frame it shows now.
 * A frame stands for a physical page; it keeps its bytes for as long as
 * somebody has it pinned, whatever the process does with its addresses.
 */
#ifndef SELFTEST_IOMMU_FUZZ_MEMORY_H
#define SELFTEST_IOMMU_FUZZ_MEMORY_H

#include <stdbool.h>

#include <linux/types.h>

#define FUZZ_PAGE	4096ULL

enum fuzz_source {
	FUZZ_SMALL,		/* anonymous */
	FUZZ_SHARED,		/* memfd */
	FUZZ_READ_ONLY,		/* anonymous, PROT_READ */
	FUZZ_VOLATILE,		/* anonymous, comes and goes */
	FUZZ_ALIAS,		/* the memfd once more */
	FUZZ_FILE,		/* a memfd that is truncated and punched */
	FUZZ_SEALABLE,		/* a memfd that is sealed, PROT_READ */
	FUZZ_BAR,		/* where a BAR is mapped */
	FUZZ_THP,		/* one transparent huge page */
	FUZZ_HUGETLB,		/* one huge page of the pool */
	FUZZ_HUGE_FILE,		/* a memfd of one */
	FUZZ_NOWHERE,		/* PROT_NONE */
	FUZZ_SOURCES,
};

/**
 * struct fuzz_frame - a physical page
 * @bytes: what is in it
 * @unknown: a write failed half way, so @bytes cannot be relied on
 * @pins: sources that have it pinned
 */
struct fuzz_frame {
	unsigned char *bytes;
	bool unknown;
	unsigned int pins;
};

/**
 * struct fuzz_page - a page of the process
 * @frame: what it shows, if it is mapped
 * @mapped: there is memory
 * @readable: with PROT_READ
 * @writable: with PROT_WRITE
 * @small: its frame is no part of a larger piece, so its pins can be counted
 */
struct fuzz_page {
	struct fuzz_frame *frame;
	bool mapped;
	bool readable;
	bool writable;
	bool small;
};

/* Make the memory, in this process; 0 or -errno. */
int fuzz_memory_init(void);

/* Begin a run: forget old frames, put the volatile memory back. */
void fuzz_memory_reset(void);

/*
 * Show a file, whose pages hold zeroes, at the place of a source, as large as
 * that is; again and again. 0 or -errno.
 */
int fuzz_memory_place(unsigned int source, int fd, unsigned int npages,
		      bool writable);

/* Is there room for that many frames that are given up? */
bool fuzz_memory_has_room(unsigned int npages);

/* A page has another frame, full of zeroes, or none. */
void fuzz_memory_renew(struct fuzz_page *page, bool mapped);

/* Put PROT_NONE there, so that nothing else comes to be there. */
void fuzz_memory_fence(__u64 va, __u64 npages);

/* Where a source may go for a moment. */
__u64 fuzz_memory_aside(void);

/* The address of a source, and its pages; 0 pages if there is no such memory. */
__u64 fuzz_memory_va(unsigned int source);
unsigned int fuzz_memory_pages(unsigned int source);

/* The page at an address; NULL if it is none of those above. */
struct fuzz_page *fuzz_memory_page(__u64 va);

/* Number of a page from 0 to FUZZ_PAGES_MAX - 1, for tables. */
#define FUZZ_PAGES_MAX	1700
unsigned int fuzz_memory_number(const struct fuzz_page *page);

/*
 * Change the process: @offset and @npages choose pages of FUZZ_VOLATILE, or of
 * any source for fuzz_memory_write(). All may be called with any numbers.
 */
void fuzz_memory_munmap(__u64 offset, __u64 npages);
void fuzz_memory_mmap(__u64 offset, __u64 npages, __u64 seed);
void fuzz_memory_protect(__u64 offset, __u64 npages, unsigned int rights);
void fuzz_memory_discard(__u64 offset, __u64 npages);
void fuzz_memory_write(unsigned int source, __u64 offset, __u64 length,
		       __u64 seed);

/* Bytes that depend on @seed and on their position only. */
void fuzz_memory_pattern(unsigned char *bytes, __u64 length, __u64 seed);

/* Compare the process with the frames; NULL, or what is wrong. */
const char *fuzz_memory_check(void);

#endif
