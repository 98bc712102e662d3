// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * A VFIO device on an iommufd: memory that cannot be pinned, or only in part,
 * and the order in which it is unpinned.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/device_fixture.h"

/* Memory that cannot be pinned */

enum bad_memory {
	BAD_NOTHING,		/* no mapping at all */
	BAD_NO_ACCESS,		/* PROT_NONE */
	BAD_READ_ONLY,		/* PROT_READ */
	BAD_PFNS,		/* PFNs that the kernel shows, but not VFIO */
	BAD_LAST_PAGE,		/* good, but for the last page */
	BAD_FIRST_PAGE,		/* good, but for the first page */
	BAD_BEHIND_MANY,	/* a hole behind 3 MiB of good memory */
	BAD_KERNEL,		/* an address of the kernel */
};

FIXTURE(bad)
{
	struct rig rig;
	char *va;
	__u64 length;
	__u64 good_pages;
};

FIXTURE_VARIANT(bad)
{
	enum bad_memory memory;
};

#define BAD(kind) { .memory = kind, }

/* clang-format off */
FIXTURE_VARIANT_ADD(bad, nothing) BAD(BAD_NOTHING);
FIXTURE_VARIANT_ADD(bad, no_access) BAD(BAD_NO_ACCESS);
FIXTURE_VARIANT_ADD(bad, read_only) BAD(BAD_READ_ONLY);
FIXTURE_VARIANT_ADD(bad, h65_pfns) BAD(BAD_PFNS);
FIXTURE_VARIANT_ADD(bad, last_page) BAD(BAD_LAST_PAGE);
FIXTURE_VARIANT_ADD(bad, first_page) BAD(BAD_FIRST_PAGE);
FIXTURE_VARIANT_ADD(bad, behind_many) BAD(BAD_BEHIND_MANY);
FIXTURE_VARIANT_ADD(bad, kernel) BAD(BAD_KERNEL);
/* clang-format on */

/* Anonymous memory of @length with one page taken out at @page. */
static char *with_hole(__u64 length, __u64 page)
{
	char *va = memory_anonymous(length, PROT_READ | PROT_WRITE);

	if (va) {
		memset(va, 1, length);
		munmap(va + page * PAGE_SIZE, PAGE_SIZE);
	}
	return va;
}

/* Every process has the clock of the kernel mapped as bare PFNs. */
static char *kernel_pfns(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char *va = NULL;
	char line[512];
	void *start;

	if (!maps)
		return NULL;
	while (!va && fgets(line, sizeof(line), maps))
		if (strstr(line, "[vvar]") && sscanf(line, "%p", &start) == 1)
			va = start;
	fclose(maps);
	return va;
}

static char *bad_memory(enum bad_memory kind, __u64 *length)
{
	char *va;

	*length = 16 * PAGE_SIZE;
	switch (kind) {
	case BAD_NOTHING:
		va = memory_anonymous(*length, PROT_READ);
		munmap(va, *length);
		return va;
	case BAD_NO_ACCESS:
		return memory_anonymous(*length, PROT_NONE);
	case BAD_READ_ONLY:
		return memory_anonymous(*length, PROT_READ);
	case BAD_PFNS:
		*length = PAGE_SIZE;
		return kernel_pfns();
	case BAD_LAST_PAGE:
		return with_hole(*length, 15);
	case BAD_FIRST_PAGE:
		return with_hole(*length, 0);
	case BAD_BEHIND_MANY:
		*length = 2 * SZ_2M;
		return with_hole(*length, 3 * SZ_1M / PAGE_SIZE);
	default:
		return (char *)(uintptr_t)0xffff888000000000ULL;
	}
}

FIXTURE_SETUP(bad)
{
	int ret = rig_create(&self->rig, 0);

	if (ret == -ENODEV)
		SKIP(return, "no edu device");
	ASSERT_EQ(0, ret);
	self->va = bad_memory(variant->memory, &self->length);
	ASSERT_NE(NULL, self->va);
}

FIXTURE_TEARDOWN(bad)
{
	EXPECT_STREQ("", rig_destroy(&self->rig));
}

TEST_F(bad, h28_map)
{
	struct rig *rig = &self->rig;
	__u64 iova;
	int i;

	ASSERT_EQ(0, rig_attach(&self->rig));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(-EFAULT, ioas_map_fixed(rig->fd, rig->ioas_id,
						  self->va, self->length,
						  RIG_IOVA));
		EXPECT_EQ(-EFAULT, ioas_map_auto(rig->fd, rig->ioas_id,
						 self->va, self->length,
						 &iova));
		EXPECT_PINNED(0);
	}
	/* The IOVA is as free as it was. */
	EXPECT_EQ(0, rig_map(rig, 0, 16));
	EXPECT_PINNED(16);
}

/* Nobody looks before there is a device; then the attach fails, whole. */
TEST_F(bad, h18_attach)
{
	struct rig *rig = &self->rig;
	struct iova_ranges ranges;
	int i;

	ASSERT_EQ(0, rig_map(rig, 0, 4));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, self->va,
				    self->length, 2 * RIG_IOVA));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
				    4 * PAGE_SIZE, 3 * RIG_IOVA));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(-EFAULT, edu_attach_ioas(&rig->edu, rig->ioas_id));
		EXPECT_PINNED(0);
	}
	ASSERT_EQ(0, ioas_iova_ranges(rig->fd, rig->ioas_id, &ranges));
	EXPECT_EQ(1, ranges.count);
	EXPECT_EQ(0, ioas_unmap(rig->fd, rig->ioas_id, 2 * RIG_IOVA,
				self->length, NULL));
	EXPECT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
	EXPECT_PINNED(8);
}

/* The same by a replace: the old IOAS stays in use, with all it has. */
TEST_F(bad, h22_replace)
{
	struct rig *rig = &self->rig;
	__u32 old = rig->ioas_id, hwpt = rig->ioas_id, other;

	ASSERT_EQ(0, edu_attach(&rig->edu, &hwpt));
	ASSERT_EQ(0, rig_map(rig, 0, 4));
	ASSERT_EQ(0, ioas_alloc(rig->fd, &other));
	ASSERT_EQ(0, rig_copy(rig, rig_iova(0), 2, other, rig_iova(0)));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, other, self->va, self->length,
				    2 * RIG_IOVA));
	EXPECT_EQ(-EFAULT, edu_attach_ioas(&rig->edu, other));
	EXPECT_PINNED(4);
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->fd, old));
	EXPECT_EQ(-EBUSY, iommufd_destroy(rig->fd, hwpt));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, other));
	EXPECT_EQ(0, edu_detach(&rig->edu));
	EXPECT_EQ(0, iommufd_destroy(rig->fd, old));
}

/* Reading needs no right to write. */
TEST_F(device, h28_read_only_memory)
{
	struct rig *rig = &self->rig;
	struct iommu_ioas_map map = {
		.ioas_id = rig->ioas_id,
		.length = 4 * PAGE_SIZE,
	};
	char *va = memory_anonymous(4 * PAGE_SIZE, PROT_READ | PROT_WRITE);

	ASSERT_NE(NULL, va);
	memset(va, 1, 4 * PAGE_SIZE);
	ASSERT_EQ(0, mprotect(va, 4 * PAGE_SIZE, PROT_READ));
	map.user_va = va_to_u64(va);
	ASSERT_EQ(0, rig_attach(&self->rig));
	map.flags = MAP_RW;
	EXPECT_EQ(-EFAULT, ioas_map(rig->fd, &map));
	map.flags = MAP_WRITE;
	EXPECT_EQ(-EFAULT, ioas_map(rig->fd, &map));
	map.flags = MAP_READ;
	EXPECT_EQ(0, ioas_map(rig->fd, &map));
	EXPECT_PINNED(4);
	munmap(va, 4 * PAGE_SIZE);
}

/* Memory that goes away between the map and the attach. */
TEST_F(device, h18_memory_vanishes_before_the_attach)
{
	struct rig *rig = &self->rig;
	char *va = memory_anonymous(8 * PAGE_SIZE, PROT_READ | PROT_WRITE);
	__u64 page;

	ASSERT_NE(NULL, va);
	for (page = 0; page < 8; page++) {
		ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id,
					    va + page * PAGE_SIZE, PAGE_SIZE,
					    rig_iova(page)));
	}
	ASSERT_EQ(0, munmap(va + 5 * PAGE_SIZE, PAGE_SIZE));
	EXPECT_EQ(-EFAULT, edu_attach_ioas(&rig->edu, rig->ioas_id));
	EXPECT_PINNED(0);
	ASSERT_EQ(0, rig_unmap(rig, 5, 1));
	EXPECT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
	EXPECT_PINNED(7);
	munmap(va, 8 * PAGE_SIZE);
}

/* A copy of what is not pinned anywhere pins it, and may fail. */
TEST_F(device, h28_copy_of_bad_memory)
{
	struct rig *rig = &self->rig;
	char *va = with_hole(4 * PAGE_SIZE, 2);
	__u32 other;

	ASSERT_NE(NULL, va);
	ASSERT_EQ(0, ioas_alloc(rig->fd, &other));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, va, 4 * PAGE_SIZE,
				    RIG_IOVA));
	ASSERT_EQ(0, edu_attach_ioas(&rig->edu, other));
	EXPECT_EQ(-EFAULT, rig_copy(rig, rig_iova(0), 4, other, rig_iova(0)));
	EXPECT_PINNED(0);
	EXPECT_EQ(0, rig_copy(rig, rig_iova(0), 2, other, rig_iova(0)));
	EXPECT_PINNED(2);
	munmap(va, 4 * PAGE_SIZE);
}

/* The huge page pays with all of its life for a pin of a part. */
TEST_F(device, h29_part_of_a_huge_page)
{
	struct rig *rig = &self->rig;
	__u64 offset;
	void *va;

	if (memory_alloc(MEMORY_HUGETLB, SZ_2M, &va))
		SKIP(return, "no huge pages");
	ASSERT_EQ(0, rig_attach(&self->rig));
	for (offset = 0; offset < SZ_2M; offset += 37 * PAGE_SIZE) {
		ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id,
					    (char *)va + offset, PAGE_SIZE,
					    RIG_IOVA + offset));
	}
	ASSERT_EQ(0, munmap(va, SZ_2M));
	EXPECT_EQ(0, ioas_unmap_all(rig->fd, rig->ioas_id, NULL));
	EXPECT_PINNED(0);
}

/* Order of unpinning: any overlap of two copies, either way round. */

#define OVERLAP_PAGES	6

static __u64 union_pages(__u64 first, __u64 npages, __u64 other, __u64 nother)
{
	__u64 page, count = 0;

	for (page = 0; page < OVERLAP_PAGES; page++)
		count += (page >= first && page < first + npages) ||
			 (page >= other && page < other + nother);
	return count;
}

/*
 * From the memory of one area two copies of parts are made and the area is
 * unmapped: exactly the pages that either of them holds stay pinned.
 */
TEST_F(device, h31_unpin_with_overlaps)
{
	struct rig *rig = &self->rig;
	unsigned int all = OVERLAP_PAGES * OVERLAP_PAGES, i;

	ASSERT_EQ(0, rig_attach(&self->rig));
	for (i = 0; i < all * all; i++) {
		/* Number i in base 6 is a start and a length, twice. */
		__u64 a = i % OVERLAP_PAGES, na = i / OVERLAP_PAGES % OVERLAP_PAGES + 1;
		__u64 b = i / all % OVERLAP_PAGES, nb = i / all / OVERLAP_PAGES + 1;

		if (a + na > OVERLAP_PAGES || b + nb > OVERLAP_PAGES)
			continue;
		ASSERT_EQ(0, rig_map(rig, 0, OVERLAP_PAGES));
		ASSERT_EQ(0, rig_copy(rig, rig_iova(a), na, rig->ioas_id,
				      rig_iova(100)));
		ASSERT_EQ(0, rig_copy(rig, rig_iova(b), nb, rig->ioas_id,
				      rig_iova(200)));
		EXPECT_PINNED(OVERLAP_PAGES);
		ASSERT_EQ(0, rig_unmap(rig, 0, OVERLAP_PAGES));
		EXPECT_PINNED(union_pages(a, na, b, nb));
		ASSERT_EQ(0, rig_unmap(rig, 100, na));
		EXPECT_PINNED(nb);
		ASSERT_EQ(0, rig_unmap(rig, 200, nb));
		EXPECT_PINNED(0);
	}
}

/* Untouched memory reads as the zero page, which nobody must run out of. */
TEST_F(device, h32_zero_page)
{
	struct rig *rig = &self->rig;
	char *va = memory_anonymous(16 * PAGE_SIZE, PROT_READ);
	struct iommu_ioas_map map = {
		.flags = MAP_READ,
		.ioas_id = rig->ioas_id,
		.length = 16 * PAGE_SIZE,
	};
	int i;

	ASSERT_NE(NULL, va);
	map.user_va = va_to_u64(va);
	ASSERT_EQ(0, rig_attach(&self->rig));
	for (i = 0; i < 100; i++) {
		/* Read it in, so that the zero page is what is there. */
		ASSERT_EQ(0, va[(i % 16) * PAGE_SIZE]);
		ASSERT_EQ(0, ioas_map(rig->fd, &map));
		ASSERT_EQ(0, ioas_unmap_all(rig->fd, rig->ioas_id, NULL));
	}
	munmap(va, 16 * PAGE_SIZE);
}

TEST_HARNESS_MAIN
