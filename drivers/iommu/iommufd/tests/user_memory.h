/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_TESTS_USER_MEMORY_H
#define __IOMMUFD_TESTS_USER_MEMORY_H

#include <linux/types.h>

struct folio;
struct kunit;

#define USER_MEMORY_BLOCK_ORDER 9
#define USER_MEMORY_BLOCK_PAGES 512UL

/**
 * enum user_memory_layout - What memory is physically
 * @USER_MEMORY_ANONYMOUS: as the kernel hands it out, in no particular order
 * @USER_MEMORY_BLOCKS: runs of USER_MEMORY_BLOCK_PAGES, at addresses that are
 *	multiples of that
 * @USER_MEMORY_SHIFTED: the same at other addresses
 * @USER_MEMORY_REVERSED: every page is a run
 * @USER_MEMORY_HUGE: anonymous huge pages; a test that gets none is skipped
 */
enum user_memory_layout {
	USER_MEMORY_ANONYMOUS,
	USER_MEMORY_BLOCKS,
	USER_MEMORY_SHIFTED,
	USER_MEMORY_REVERSED,
	USER_MEMORY_HUGE,
};

unsigned long user_memory_map(struct kunit *test, unsigned long address,
			      enum user_memory_layout layout,
			      unsigned long npages, bool protected);
unsigned long user_memory_pins(struct folio *folio);
unsigned long user_memory_limit(unsigned long bytes);

#endif
