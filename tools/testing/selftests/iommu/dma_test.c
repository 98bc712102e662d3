// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * What a device reads and writes through an IOAS, byte for byte. A transfer
 * takes the device 100 ms, so each test does only a few.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/harness.h"
#include "lib/process.h"
#include "lib/rig.h"

#define CHUNK		1024

/* Memory of each kind */

FIXTURE(memory)
{
	struct rig rig;
	char *va;
	__u64 iova;
};

FIXTURE_VARIANT(memory)
{
	enum memory_kind kind;
	__u64 huge_pages;
};

#define MEMORY(memory_kind, huge) { \
	.kind = memory_kind, \
	.huge_pages = huge, \
}

/* clang-format off */
FIXTURE_VARIANT_ADD(memory, small_pages) MEMORY(MEMORY_SMALL_PAGES, 1);
FIXTURE_VARIANT_ADD(memory, thp) MEMORY(MEMORY_THP, 1);
FIXTURE_VARIANT_ADD(memory, hugetlb) MEMORY(MEMORY_HUGETLB, 1);
FIXTURE_VARIANT_ADD(memory, shared) MEMORY(MEMORY_SHARED, 1);
FIXTURE_VARIANT_ADD(memory, memfd) MEMORY(MEMORY_MEMFD, 1);
FIXTURE_VARIANT_ADD(memory, memfd_hugetlb) MEMORY(MEMORY_MEMFD_HUGETLB, 1);
FIXTURE_VARIANT_ADD(memory, file_private) MEMORY(MEMORY_FILE_PRIVATE, 1);
FIXTURE_VARIANT_ADD(memory, h27_thp_by_small_pages) MEMORY(MEMORY_THP, 0);
FIXTURE_VARIANT_ADD(memory, h27_hugetlb_by_small_pages)
	MEMORY(MEMORY_HUGETLB, 0);
/* clang-format on */

#define LENGTH	(2 * SZ_2M)

FIXTURE_SETUP(memory)
{
	struct rig *rig = &self->rig;
	int ret = rig_create(rig, 0);

	if (ret == -ENODEV)
		SKIP(return, "no edu device");
	ASSERT_EQ(0, ret);
	ret = memory_alloc(variant->kind, LENGTH, (void **)&self->va);
	if (ret == -ENOTSUP) {
		rig_destroy(rig);
		SKIP(return, "no such memory here");
	}
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, option_set(rig->fd, IOMMU_OPTION_HUGE_PAGES, rig->ioas_id,
				variant->huge_pages));
	ASSERT_EQ(0, edu_start(&rig->edu));
	self->iova = 2 * RIG_IOVA;
}

FIXTURE_TEARDOWN(memory)
{
	EXPECT_STREQ("", rig_destroy(&self->rig));
}

/* On both sides of the first page and of 2 MiB, and the very end. */
static const __u64 places[] = { 0xe00, SZ_2M - CHUNK / 2, LENGTH - CHUNK };

/*
 * The device reads each place and writes it to the page opposite; returns the
 * number of the first place that came out wrong, or -1.
 */
static int move_by_dma(struct rig *rig, char *va, __u64 iova)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		__u64 to = (places[i] + SZ_1M + 0x30) % (LENGTH - CHUNK);

		memory_fill(va + places[i], CHUNK, i);
		memset(va + to, 0xee, CHUNK);
		if (edu_dma_copy(&rig->edu, iova + places[i], iova + to, CHUNK))
			return i;
		if (memory_compare(va + to, CHUNK, i) >= 0)
			return i;
	}
	return -1;
}

TEST_F(memory, mapped_while_attached)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, self->va, LENGTH,
				    self->iova));
	EXPECT_EQ(-1, move_by_dma(rig, self->va, self->iova));
}

TEST_F(memory, mapped_before_attach)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, self->va, LENGTH,
				    self->iova));
	ASSERT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
	EXPECT_EQ(-1, move_by_dma(rig, self->va, self->iova));
}

/* Off by a few pages from what a large IOPTE would need. */
TEST_F(memory, mapped_askew)
{
	struct rig *rig = &self->rig;
	__u64 iova = self->iova + 3 * PAGE_SIZE;

	ASSERT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, self->va, LENGTH,
				    iova));
	EXPECT_EQ(-1, move_by_dma(rig, self->va, iova));
}

/* Through a copy, after its source and the IOAS of that are gone. */
TEST_F(memory, h19_copied)
{
	struct rig *rig = &self->rig;
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.src_ioas_id = rig->ioas_id,
		.src_iova = self->iova,
		.dst_iova = self->iova + SZ_2M,
		.length = LENGTH,
	};

	ASSERT_EQ(0, ioas_alloc(rig->fd, &copy.dst_ioas_id));
	ASSERT_EQ(0, option_set(rig->fd, IOMMU_OPTION_HUGE_PAGES,
				copy.dst_ioas_id, variant->huge_pages));
	ASSERT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, self->va, LENGTH,
				    self->iova));
	ASSERT_EQ(0, ioas_copy(rig->fd, &copy));
	ASSERT_EQ(0, edu_attach_ioas(&rig->edu, copy.dst_ioas_id));
	ASSERT_EQ(0, iommufd_destroy(rig->fd, rig->ioas_id));
	EXPECT_EQ(-1, move_by_dma(rig, self->va, copy.dst_iova));
}

/* A copy within one IOAS takes over when what it was copied from goes. */
TEST_F(memory, h19_storage_moves_to_the_copy)
{
	struct rig *rig = &self->rig;
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.src_ioas_id = rig->ioas_id,
		.dst_ioas_id = rig->ioas_id,
		.src_iova = self->iova,
		.dst_iova = self->iova + 8 * SZ_2M,
		.length = LENGTH,
	};

	ASSERT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, self->va, LENGTH,
				    self->iova));
	ASSERT_EQ(0, ioas_copy(rig->fd, &copy));
	ASSERT_EQ(0, ioas_unmap(rig->fd, rig->ioas_id, self->iova, LENGTH,
				NULL));
	EXPECT_EQ(-1, move_by_dma(rig, self->va, copy.dst_iova));
}

/* Many small areas of the same memory, unmapped in one go. */
TEST_F(memory, mapped_in_pieces)
{
	struct rig *rig = &self->rig;
	__u64 piece = 16 * PAGE_SIZE, at, unmapped;

	ASSERT_EQ(0, edu_attach_ioas(&rig->edu, rig->ioas_id));
	for (at = 0; at < LENGTH; at += piece) {
		ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id,
					    self->va + at, piece,
					    self->iova + at));
	}
	EXPECT_EQ(-1, move_by_dma(rig, self->va, self->iova));
	EXPECT_EQ(0, ioas_unmap(rig->fd, rig->ioas_id, self->iova, LENGTH,
				&unmapped));
	EXPECT_EQ(LENGTH, unmapped);
}

/* Who may reach what, and until when */

FIXTURE(dma)
{
	struct rig rig;
};

FIXTURE_SETUP(dma)
{
	int ret = rig_create(&self->rig, 0);

	if (ret == -ENODEV)
		SKIP(return, "no edu device");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, edu_start(&self->rig.edu));
	memory_fill(rig_va(&self->rig, 0), PAGE_SIZE, 1);
	memory_fill(rig_va(&self->rig, 1), PAGE_SIZE, 2);
	memory_fill(rig_va(&self->rig, 2), PAGE_SIZE, 3);
}

FIXTURE_TEARDOWN(dma)
{
	EXPECT_STREQ("", rig_destroy(&self->rig));
}

/* Page @page has what the setup or the device wrote as number @seed. */
#define EXPECT_PAGE(rig, page, seed) \
	EXPECT_EQ(-1, memory_compare(rig_va(rig, page), CHUNK, seed))

TEST_F(dma, unmapped_is_blocked)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, rig_map(rig, 0, 2));
	ASSERT_EQ(0, edu_dma_copy(&rig->edu, rig_iova(0), rig_iova(1), CHUNK));
	EXPECT_PAGE(&self->rig, 1, 1);
	ASSERT_EQ(0, rig_unmap(rig, 0, 2));
	memory_fill(rig_va(rig, 1), PAGE_SIZE, 7);
	ASSERT_EQ(0, edu_dma_write(&rig->edu, rig_iova(1), CHUNK));
	EXPECT_PAGE(&self->rig, 1, 7);
}

TEST_F(dma, never_mapped_is_blocked)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, rig_map(rig, 0, 1));
	ASSERT_EQ(0, rig_map(rig, 2, 1));
	ASSERT_EQ(0, edu_dma_read(&rig->edu, rig_iova(0), CHUNK));
	ASSERT_EQ(0, edu_dma_write(&rig->edu, rig_iova(1), CHUNK));
	EXPECT_PAGE(&self->rig, 1, 2);
	/* The device itself is well. */
	ASSERT_EQ(0, edu_dma_write(&rig->edu, rig_iova(2), CHUNK));
	EXPECT_PAGE(&self->rig, 2, 1);
}

TEST_F(dma, detached_is_blocked)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, rig_map(rig, 0, 2));
	ASSERT_EQ(0, edu_dma_read(&rig->edu, rig_iova(0), CHUNK));
	ASSERT_EQ(0, edu_detach(&rig->edu));
	ASSERT_EQ(0, edu_dma_write(&rig->edu, rig_iova(1), CHUNK));
	EXPECT_PAGE(&self->rig, 1, 2);
	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, edu_dma_write(&rig->edu, rig_iova(1), CHUNK));
	EXPECT_PAGE(&self->rig, 1, 1);
}

TEST_F(dma, bound_but_never_attached_is_blocked)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, rig_map(rig, 0, 2));
	ASSERT_EQ(0, edu_dma_write(&rig->edu, rig_iova(1), CHUNK));
	EXPECT_PAGE(&self->rig, 1, 2);
}

TEST_F(dma, read_only_cannot_be_written)
{
	struct rig *rig = &self->rig;
	struct iommu_ioas_map map = {
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | MAP_READ,
		.ioas_id = rig->ioas_id,
		.user_va = va_to_u64(rig->buffer),
		.length = 2 * PAGE_SIZE,
		.iova = RIG_IOVA,
	};

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, ioas_map(rig->fd, &map));
	ASSERT_EQ(0, rig_map(rig, 2, 1));
	ASSERT_EQ(0, edu_dma_read(&rig->edu, rig_iova(0), CHUNK));
	ASSERT_EQ(0, edu_dma_write(&rig->edu, rig_iova(1), CHUNK));
	EXPECT_PAGE(&self->rig, 1, 2);
	ASSERT_EQ(0, edu_dma_write(&rig->edu, rig_iova(2), CHUNK));
	EXPECT_PAGE(&self->rig, 2, 1);
}

/* A copy may have fewer rights than what it is a copy of. */
TEST_F(dma, read_only_copy_cannot_be_written)
{
	struct rig *rig = &self->rig;
	struct iommu_ioas_copy copy = {
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | MAP_READ,
		.src_ioas_id = rig->ioas_id,
		.dst_ioas_id = rig->ioas_id,
		.src_iova = rig_iova(0),
		.dst_iova = rig_iova(100),
		.length = 2 * PAGE_SIZE,
	};

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, rig_map(rig, 0, 2));
	ASSERT_EQ(0, ioas_copy(rig->fd, &copy));
	ASSERT_EQ(0, edu_dma_read(&rig->edu, rig_iova(100), CHUNK));
	ASSERT_EQ(0, edu_dma_write(&rig->edu, rig_iova(101), CHUNK));
	EXPECT_PAGE(&self->rig, 1, 2);
	ASSERT_EQ(0, edu_dma_write(&rig->edu, rig_iova(1), CHUNK));
	EXPECT_PAGE(&self->rig, 1, 1);
}

TEST_F(dma, replace_switches_memory)
{
	struct rig *rig = &self->rig;
	__u32 other;

	ASSERT_EQ(0, ioas_alloc(rig->fd, &other));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, other, rig_va(rig, 10), PAGE_SIZE,
				    rig_iova(1)));
	ASSERT_EQ(0, rig_map(rig, 0, 2));
	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, edu_dma_read(&rig->edu, rig_iova(0), CHUNK));
	ASSERT_EQ(0, edu_attach_ioas(&rig->edu, other));
	ASSERT_EQ(0, edu_dma_write(&rig->edu, rig_iova(1), CHUNK));
	EXPECT_PAGE(&self->rig, 1, 2);
	EXPECT_PAGE(&self->rig, 10, 1);
	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, edu_dma_write(&rig->edu, rig_iova(1), CHUNK));
	EXPECT_PAGE(&self->rig, 1, 1);
}

/* A replace that fails has not interrupted anything. */
TEST_F(dma, h22_failed_replace_keeps_dma)
{
	struct rig *rig = &self->rig;
	__u32 other;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, rig_map(rig, 0, 2));
	ASSERT_EQ(0, ioas_alloc(rig->fd, &other));
	ASSERT_EQ(0, rig_copy(rig, rig_iova(0), 2, other, rig_iova(0)));
	/* Nothing is ever mapped at the first page of the address space. */
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, other, NULL, PAGE_SIZE,
				    rig_iova(50)));
	ASSERT_EQ(0, edu_dma_read(&rig->edu, rig_iova(0), CHUNK));
	ASSERT_EQ(-EFAULT, edu_attach_ioas(&rig->edu, other));
	ASSERT_EQ(0, edu_dma_write(&rig->edu, rig_iova(1), CHUNK));
	EXPECT_PAGE(&self->rig, 1, 1);
}

/* A map that fails has not taken away what is next to it. */
TEST_F(dma, h18_failed_map_keeps_neighbours)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, rig_map(rig, 0, 1));
	ASSERT_EQ(0, rig_map(rig, 2, 1));
	ASSERT_EQ(-EFAULT, ioas_map_fixed(rig->fd, rig->ioas_id, NULL,
					  PAGE_SIZE, rig_iova(1)));
	ASSERT_EQ(-EEXIST, rig_map(rig, 0, 3));
	ASSERT_EQ(0, edu_dma_copy(&rig->edu, rig_iova(0), rig_iova(2), CHUNK));
	EXPECT_PAGE(&self->rig, 2, 1);
}

/* Pages outlive munmap(), and then belong to the device alone. */
TEST_F(dma, h33_munmap)
{
	struct rig *rig = &self->rig;
	char *va = rig_va(rig, 0);

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, rig_map(rig, 0, 1));
	ASSERT_EQ(0, rig_map(rig, 1, 1));
	ASSERT_EQ(0, rig_map(rig, 2, 1));
	ASSERT_EQ(0, munmap(va, PAGE_SIZE));
	ASSERT_EQ(va, mmap(va, PAGE_SIZE, PROT_READ | PROT_WRITE,
			   MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	memory_fill(va, PAGE_SIZE, 9);
	/* What the device reads is the old page. */
	ASSERT_EQ(0, edu_dma_copy(&rig->edu, rig_iova(0), rig_iova(1), CHUNK));
	EXPECT_PAGE(&self->rig, 1, 1);
	/* What it writes goes there, too. */
	ASSERT_EQ(0, edu_dma_copy(&rig->edu, rig_iova(2), rig_iova(0), CHUNK));
	EXPECT_PAGE(&self->rig, 0, 9);
	ASSERT_EQ(0, edu_dma_copy(&rig->edu, rig_iova(0), rig_iova(1), CHUNK));
	EXPECT_PAGE(&self->rig, 1, 3);
}

static int touch_and_stay(void *arg)
{
	struct rig *rig = arg;

	memset(rig_va(rig, 0), 0x77, 3 * PAGE_SIZE);
	return 0;
}

/* After fork the pages of the mapping are the parent's, written or not. */
TEST_F(dma, h33_fork)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, rig_map(rig, 0, 3));
	ASSERT_EQ(0, child_run(touch_and_stay, rig, TIMEOUT_MS));
	memory_fill(rig_va(rig, 0), PAGE_SIZE, 5);
	ASSERT_EQ(0, edu_dma_copy(&rig->edu, rig_iova(0), rig_iova(1), CHUNK));
	EXPECT_PAGE(&self->rig, 1, 5);
}

struct fork_write {
	struct rig *rig;
	struct doorbell bell;
};

static int hold_a_copy(void *arg)
{
	struct fork_write *fork_write = arg;

	return child_await(&fork_write->bell) ? 1 : 0;
}

/* While a child lives, a write by the parent must not move its page away. */
TEST_F(dma, h33_write_while_forked)
{
	struct fork_write fork_write = { .rig = &self->rig };
	struct rig *rig = &self->rig;
	pid_t pid;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, rig_map(rig, 0, 3));
	ASSERT_EQ(0, doorbell_init(&fork_write.bell));
	pid = child_start(hold_a_copy, &fork_write);
	ASSERT_GT(pid, 0);
	memory_fill(rig_va(rig, 0), PAGE_SIZE, 6);
	memset(rig_va(rig, 1), 0, PAGE_SIZE);
	EXPECT_EQ(0, edu_dma_copy(&rig->edu, rig_iova(0), rig_iova(1), CHUNK));
	EXPECT_PAGE(&self->rig, 1, 6);
	parent_ring(&fork_write.bell);
	EXPECT_EQ(0, child_wait(pid, TIMEOUT_MS));
	doorbell_close(&fork_write.bell);
}

/* The child maps and is gone; its pages are there for the device. */
static int fill_map_and_exit(void *arg)
{
	struct rig *rig = arg;

	memory_fill(rig_va(rig, 5), PAGE_SIZE, 8);
	return rig_map(rig, 5, 1) ? 1 : 0;
}

TEST_F(dma, h33_mapper_is_gone)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, rig_map(rig, 0, 3));
	ASSERT_EQ(0, child_run(fill_map_and_exit, rig, TIMEOUT_MS));
	ASSERT_EQ(0, edu_dma_copy(&rig->edu, rig_iova(5), rig_iova(1), CHUNK));
	EXPECT_PAGE(&self->rig, 1, 8);
}

/* DMA goes on when the iommufd is closed, as long as the device is open. */
TEST_F(dma, h07_iommufd_closed)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, rig_map(rig, 0, 3));
	close(rig->fd);
	rig->fd = -1;
	ASSERT_EQ(0, edu_dma_copy(&rig->edu, rig_iova(0), rig_iova(1), CHUNK));
	EXPECT_PAGE(&self->rig, 1, 1);
}

/* Twice the same memory, at two IOVAs. */
TEST_F(dma, copy_is_the_same_memory)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, rig_map(rig, 0, 3));
	ASSERT_EQ(0, rig_copy(rig, rig_iova(1), 2, rig->ioas_id,
			      rig_iova(100)));
	/* Page 0 to page 2 by way of the copy. */
	ASSERT_EQ(0, edu_dma_copy(&rig->edu, rig_iova(0), rig_iova(101),
				  CHUNK));
	EXPECT_PAGE(&self->rig, 2, 1);
	EXPECT_PAGE(&self->rig, 1, 2);
}

/* The lowest page and the highest that the device reaches. */
TEST_F(dma, h11_both_ends_of_the_reach)
{
	struct rig *rig = &self->rig;
	__u64 top = EDU_DMA_REACH - PAGE_SIZE;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, rig_va(rig, 0),
				    PAGE_SIZE, 0));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, rig_va(rig, 1),
				    PAGE_SIZE, top));
	ASSERT_EQ(0, edu_dma_copy(&rig->edu, 0, top, CHUNK));
	EXPECT_PAGE(&self->rig, 1, 1);
}

/* Two devices */

FIXTURE(pair)
{
	struct rig rig;
	struct edu second;
	__u32 other;
};

FIXTURE_SETUP(pair)
{
	struct rig *rig = &self->rig;
	int ret = rig_create(rig, 0);

	if (!ret)
		ret = edu_open(&self->second, 1);
	if (ret == -ENODEV) {
		rig_destroy(rig);
		SKIP(return, "no two edu devices");
	}
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, edu_bind(&self->second, rig->fd));
	ASSERT_EQ(0, edu_start(&rig->edu));
	ASSERT_EQ(0, edu_start(&self->second));
	ASSERT_EQ(0, ioas_alloc(rig->fd, &self->other));
	memory_fill(rig_va(rig, 0), PAGE_SIZE, 1);
	memory_fill(rig_va(rig, 1), PAGE_SIZE, 2);
}

FIXTURE_TEARDOWN(pair)
{
	edu_close(&self->second);
	EXPECT_STREQ("", rig_destroy(&self->rig));
}

/* The second page table is filled from the first, which is then gone. */
TEST_F(pair, h19_storage_owner_goes_away)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, rig_map(rig, 0, 2));
	ASSERT_EQ(0, rig_copy(rig, rig_iova(0), 2, self->other, rig_iova(50)));
	ASSERT_EQ(0, edu_attach_ioas(&self->second, self->other));
	ASSERT_EQ(0, edu_detach(&rig->edu));
	ASSERT_EQ(0, edu_dma_copy(&self->second, rig_iova(50), rig_iova(51),
				  CHUNK));
	EXPECT_PAGE(&self->rig, 1, 1);
	/* And back again. */
	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, edu_detach(&self->second));
	memory_fill(rig_va(rig, 0), PAGE_SIZE, 4);
	ASSERT_EQ(0, edu_dma_copy(&rig->edu, rig_iova(0), rig_iova(1), CHUNK));
	EXPECT_PAGE(&self->rig, 1, 4);
}

/* One page table for both: a map serves the two of them. */
TEST_F(pair, h20_same_ioas)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, edu_attach_ioas(&self->second, rig->ioas_id));
	ASSERT_EQ(0, rig_map(rig, 0, 2));
	ASSERT_EQ(0, edu_dma_copy(&rig->edu, rig_iova(0), rig_iova(1), CHUNK));
	EXPECT_PAGE(&self->rig, 1, 1);
	memory_fill(rig_va(rig, 0), PAGE_SIZE, 3);
	ASSERT_EQ(0, edu_dma_copy(&self->second, rig_iova(0), rig_iova(1),
				  CHUNK));
	EXPECT_PAGE(&self->rig, 1, 3);
	/* One leaves, the other one stays. */
	ASSERT_EQ(0, edu_detach(&rig->edu));
	ASSERT_EQ(0, edu_dma_write(&rig->edu, rig_iova(0), CHUNK));
	EXPECT_PAGE(&self->rig, 0, 3);
	memory_fill(rig_va(rig, 0), PAGE_SIZE, 5);
	ASSERT_EQ(0, edu_dma_copy(&self->second, rig_iova(0), rig_iova(1),
				  CHUNK));
	EXPECT_PAGE(&self->rig, 1, 5);
}

/* What one device may reach is none of the other's business. */
TEST_F(pair, isolated_from_each_other)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, rig_attach(&self->rig));
	ASSERT_EQ(0, edu_attach_ioas(&self->second, self->other));
	ASSERT_EQ(0, rig_map(rig, 0, 2));
	ASSERT_EQ(0, edu_dma_write(&self->second, rig_iova(1), CHUNK));
	EXPECT_PAGE(&self->rig, 1, 2);
}

/* Files */

FIXTURE(file)
{
	struct rig rig;
	int file;
};

#define FILE_BYTES	(4 * PAGE_SIZE)
#define FILE_IOVA	(2 * RIG_IOVA)

FIXTURE_SETUP(file)
{
	struct rig *rig = &self->rig;
	int ret = rig_create(rig, 0);

	if (ret == -ENODEV)
		SKIP(return, "no edu device");
	ASSERT_EQ(0, ret);
	self->file = memory_create_file(MEMORY_MEMFD, FILE_BYTES);
	ASSERT_GE(self->file, 0);
	ASSERT_EQ(0, edu_start(&rig->edu));
	ASSERT_EQ(0, rig_attach(rig));
	ASSERT_EQ(0, rig_map(rig, 0, 1));
}

FIXTURE_TEARDOWN(file)
{
	close(self->file);
	EXPECT_STREQ("", rig_destroy(&self->rig));
}

static int map_the_file(struct rig *rig, int file)
{
	return ioas_map_file_fixed(rig->fd, rig->ioas_id, file, 0, FILE_BYTES,
				   FILE_IOVA);
}

/* What the device finds at a place of the file, if it is all the same byte. */
static int device_finds(struct rig *rig, __u64 at)
{
	char *va = rig_va(rig, 0);

	memset(va, 0xee, CHUNK);
	if (edu_dma_copy(&rig->edu, FILE_IOVA + at, rig_iova(0), CHUNK))
		return -EIO;
	return memcmp(va, va + 1, CHUNK - 1) ? -EILSEQ : va[0];
}

/* Memory that somebody has just filled, and given back */
static void leave_secrets(void)
{
	char *va = memory_anonymous(16 * SZ_1M, PROT_READ | PROT_WRITE);

	if (!va)
		return;
	memset(va, 'x', 16 * SZ_1M);
	munmap(va, 16 * SZ_1M);
}

TEST_F(file, h70_device_reads_fallocated_pages)
{
	leave_secrets();
	ASSERT_EQ(0, fallocate(self->file, 0, 0, FILE_BYTES));
	ASSERT_EQ(0, map_the_file(&self->rig, self->file));
	EXPECT_EQ(0, device_finds(&self->rig, 0));
	EXPECT_EQ(0, device_finds(&self->rig, FILE_BYTES - CHUNK));
}

/* The device has what was pinned for it, until that is unmapped. */
TEST_F(file, h70_device_reads_a_truncated_file)
{
	struct rig *rig = &self->rig;
	char *va = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			self->file, 0);

	ASSERT_NE(MAP_FAILED, (void *)va);
	memset(va, 'y', FILE_BYTES);
	ASSERT_EQ(0, map_the_file(rig, self->file));
	EXPECT_EQ('y', device_finds(rig, PAGE_SIZE));
	ASSERT_EQ(0, ftruncate(self->file, 0));
	ASSERT_EQ(0, ftruncate(self->file, FILE_BYTES));
	EXPECT_EQ(0, va[PAGE_SIZE]);
	EXPECT_EQ('y', device_finds(rig, PAGE_SIZE));
	ASSERT_EQ(0, ioas_unmap(rig->fd, rig->ioas_id, FILE_IOVA, FILE_BYTES,
				NULL));
	ASSERT_EQ(0, map_the_file(rig, self->file));
	EXPECT_EQ(0, device_finds(rig, PAGE_SIZE));
	munmap(va, FILE_BYTES);
}

TEST_HARNESS_MAIN
