// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Memory of a device: IOMMU drivers that get no memory for their tables, what is
 * asked of them under the lock that notifications take, and how it is cut.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/iommu.h>
#include <linux/jiffies.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mman.h>
#include <linux/sizes.h>

#include "check/pages_check.h"
#include "iommufd_test.h"
#include "iopt/io_pagetable.h"
#include "iopt/iopt_domain.h"
#include "iopt/iopt_lookup.h"
#include "iopt/iopt_map.h"
#include "iopt/iopt_unmap.h"
#include "mock/mock_bar.h"
#include "pages/iopt_types.h"
#include "pin/account.h"

#define BAR_LENGTH SZ_2M
#define IOVA (3UL * SZ_2M)

/* Longest that anything takes. A worker looks every second. */
#define AWAIT_MS 30000

/**
 * struct line_domain - A page table that shows one contiguous piece
 * @domain: for the IOMMU core
 * @iova: where it begins
 * @length: of it, bytes; 0 for none
 * @phys: what it shows
 * @fail: so many calls to map fail for lack of memory
 * @most: the largest page that was used
 * @waits: calls to map that were allowed to wait for memory
 * @prot: of the last call
 *
 * It allocates nothing, so it may be used under any lock.
 */
struct line_domain {
	struct iommu_domain domain;
	unsigned long iova;
	unsigned long length;
	phys_addr_t phys;
	unsigned int fail;
	size_t most;
	unsigned int waits;
	int prot;
};

static struct line_domain *to_line(struct iommu_domain *domain)
{
	return container_of(domain, struct line_domain, domain);
}

static int line_map(struct iommu_domain *domain, unsigned long iova,
		    phys_addr_t phys, size_t pgsize, size_t count, int prot,
		    gfp_t gfp, size_t *mapped)
{
	struct line_domain *line = to_line(domain);

	line->waits += gfpflags_allow_blocking(gfp);
	line->prot = prot;
	if (line->fail) {
		line->fail--;
		return -ENOMEM;
	}
	if (!line->length) {
		line->iova = iova;
		line->phys = phys;
	} else if (iova != line->iova + line->length ||
		   phys != line->phys + line->length) {
		return -EADDRINUSE;
	}
	line->most = max(line->most, pgsize);
	*mapped = pgsize * count;
	line->length += *mapped;
	return 0;
}

static size_t line_unmap(struct iommu_domain *domain, unsigned long iova,
			 size_t pgsize, size_t count,
			 struct iommu_iotlb_gather *gather)
{
	struct line_domain *line = to_line(domain);
	size_t length = min(pgsize * count, line->length);

	if (iova != line->iova)
		return 0;
	line->iova += length;
	line->phys += length;
	line->length -= length;
	return length;
}

static phys_addr_t line_iova_to_phys(struct iommu_domain *domain,
				     dma_addr_t iova)
{
	struct line_domain *line = to_line(domain);

	if (iova < line->iova || iova - line->iova >= line->length)
		return 0;
	return line->phys + (iova - line->iova);
}

static const struct iommu_domain_ops line_ops = {
	.map_pages = line_map,
	.unmap_pages = line_unmap,
	.iova_to_phys = line_iova_to_phys,
};

struct bar_setup {
	struct io_pagetable iopt;
	struct pin_account account;
	struct line_domain line;
	struct iopt_domain member;
	struct file *file;
	unsigned long address;
};

static int map_bar(struct bar_setup *setup, unsigned long iova)
{
	struct iopt_mapping mapping;
	int rc;

	iopt_mapping_init(&mapping, &setup->iopt,
			  IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE,
			  IOPT_MAP_FIXED);
	mapping.iova = iova;
	rc = iopt_mapping_add_user(&mapping, setup->address, BAR_LENGTH,
				   &setup->account);
	if (!rc)
		rc = iopt_mapping_prepare(&mapping);
	iopt_mapping_end(&mapping, rc);
	return rc;
}

static void expect_valid(struct kunit *test)
{
	struct bar_setup *setup = test->priv;
	struct iopt_area *area;

	iopt_for_each_area(area, &setup->iopt) {
		mutex_lock(&area->pages->mutex);
		KUNIT_EXPECT_TRUE(test, iopt_area_valid(area));
		KUNIT_EXPECT_TRUE(test, iopt_pages_valid(area->pages));
		mutex_unlock(&area->pages->mutex);
	}
}

/* All of it, by pages that are as large as can be, and as device memory. */
static void expect_shown(struct kunit *test)
{
	struct bar_setup *setup = test->priv;
	struct line_domain *line = &setup->line;

	KUNIT_EXPECT_EQ(test, IOVA, line->iova);
	KUNIT_EXPECT_EQ(test, (unsigned long)BAR_LENGTH, line->length);
	KUNIT_EXPECT_EQ(test, (size_t)SZ_2M, line->most);
	KUNIT_EXPECT_EQ(test, IOMMU_READ | IOMMU_WRITE | IOMMU_MMIO,
			line->prot);
	KUNIT_EXPECT_EQ(test, 0U, line->waits);
	expect_valid(test);
}

static void await_shown(struct kunit *test)
{
	unsigned long end = jiffies + msecs_to_jiffies(AWAIT_MS);
	struct bar_setup *setup = test->priv;

	while (READ_ONCE(setup->line.length) != BAR_LENGTH &&
	       time_before(jiffies, end))
		msleep(20);
	expect_shown(test);
}

static void tables_are_not_waited_for(struct kunit *test)
{
	struct bar_setup *setup = test->priv;

	KUNIT_ASSERT_EQ(test, 0, map_bar(setup, IOVA));
	expect_shown(test);
}

static void tables_are_tried_again(struct kunit *test)
{
	struct bar_setup *setup = test->priv;

	setup->line.fail = 2;
	KUNIT_ASSERT_EQ(test, 0, map_bar(setup, IOVA));
	KUNIT_EXPECT_EQ(test, 0U, setup->line.fail);
	expect_shown(test);
}

static void no_tables_at_all(struct kunit *test)
{
	struct bar_setup *setup = test->priv;

	setup->line.fail = UINT_MAX;
	KUNIT_EXPECT_EQ(test, -ENOMEM, map_bar(setup, IOVA));
	KUNIT_EXPECT_EQ(test, 0UL, setup->line.length);
	setup->line.fail = 0;
	KUNIT_EXPECT_EQ(test, 0, map_bar(setup, IOVA));
	expect_shown(test);
}

static void withdrawn_at_once(struct kunit *test)
{
	struct bar_setup *setup = test->priv;

	KUNIT_ASSERT_EQ(test, 0, map_bar(setup, IOVA));
	mock_bar_act(setup->file, MOCK_BAR_OFF, 0);
	KUNIT_EXPECT_EQ(test, 0UL, setup->line.length);
	expect_valid(test);
	mock_bar_act(setup->file, MOCK_BAR_ON, 0);
	await_shown(test);
}

static void comes_back_when_there_are_tables(struct kunit *test)
{
	struct bar_setup *setup = test->priv;

	KUNIT_ASSERT_EQ(test, 0, map_bar(setup, IOVA));
	WRITE_ONCE(setup->line.fail, 3);
	mock_bar_act(setup->file, MOCK_BAR_RESET, 0);
	await_shown(test);
	KUNIT_EXPECT_EQ(test, 0U, setup->line.fail);
}

static void join_without_tables(struct kunit *test)
{
	struct bar_setup *setup = test->priv;

	iopt_remove_domain(&setup->iopt, &setup->member);
	KUNIT_ASSERT_EQ(test, 0, map_bar(setup, IOVA));
	setup->line.fail = UINT_MAX;
	KUNIT_EXPECT_EQ(test, -ENOMEM, iopt_add_domain(&setup->iopt,
						       &setup->member));
	setup->line.fail = 0;
	KUNIT_ASSERT_EQ(test, 0, iopt_add_domain(&setup->iopt,
						 &setup->member));
	expect_shown(test);
}

/* What is in place of it later is not shown. */
static void another_mapping_is_not_shown(struct kunit *test)
{
	struct bar_setup *setup = test->priv;

	KUNIT_ASSERT_EQ(test, 0, map_bar(setup, IOVA));
	KUNIT_ASSERT_EQ(test, setup->address,
			kunit_vm_mmap(test, setup->file, setup->address,
				      BAR_LENGTH, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_FIXED, 0));
	KUNIT_EXPECT_EQ(test, 0UL, setup->line.length);
	msleep(100);
	KUNIT_EXPECT_EQ(test, 0UL, setup->line.length);
	expect_valid(test);
}

static int bar_init(struct kunit *test)
{
	struct bar_setup *setup = kunit_kzalloc(test, sizeof(*setup),
						GFP_KERNEL);

	if (!setup)
		return -ENOMEM;
	setup->file = mock_bar_file(BAR_LENGTH);
	if (IS_ERR(setup->file))
		return PTR_ERR(setup->file);
	setup->address = kunit_vm_mmap(test, setup->file, 0, BAR_LENGTH,
				       PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	if (IS_ERR_VALUE(setup->address)) {
		fput(setup->file);
		return -ENOMEM;
	}
	setup->line.domain.type = IOMMU_DOMAIN_UNMANAGED;
	setup->line.domain.ops = &line_ops;
	setup->line.domain.pgsize_bitmap = PAGE_SIZE | SZ_2M;
	setup->line.domain.geometry.aperture_end = ULONG_MAX;
	setup->member.domain = &setup->line.domain;
	iopt_init(&setup->iopt);
	pin_account_init(&setup->account, PIN_ACCOUNT_USER);
	test->priv = setup;
	return iopt_add_domain(&setup->iopt, &setup->member);
}

static void bar_exit(struct kunit *test)
{
	struct bar_setup *setup = test->priv;
	unsigned long unmapped;

	if (!setup)
		return;
	iopt_remove_domain(&setup->iopt, &setup->member);
	KUNIT_EXPECT_EQ(test, 0, iopt_unmap_all(&setup->iopt, &unmapped));
	KUNIT_EXPECT_EQ(test, 0UL, setup->line.length);
	iopt_destroy(&setup->iopt);
	pin_account_destroy(&setup->account);
	fput(setup->file);
}

static struct kunit_case revoke_cases[] = {
	KUNIT_CASE(tables_are_not_waited_for),
	KUNIT_CASE(tables_are_tried_again),
	KUNIT_CASE(no_tables_at_all),
	KUNIT_CASE(withdrawn_at_once),
	KUNIT_CASE(comes_back_when_there_are_tables),
	KUNIT_CASE(join_without_tables),
	KUNIT_CASE(another_mapping_is_not_shown),
	{}
};

static struct kunit_suite revoke_suite = {
	.name = "iommufd_revoke",
	.init = bar_init,
	.exit = bar_exit,
	.test_cases = revoke_cases,
};

kunit_test_suite(revoke_suite);
