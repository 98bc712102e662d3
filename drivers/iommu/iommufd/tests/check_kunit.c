// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Do the checks see damage? Each test breaks one thing, looks, and mends it.
 */
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/mm.h>

#include "check/iopt_check.h"
#include "check/pages_check.h"
#include "iopt/iopt_lookup.h"
#include "iopt/iopt_map.h"
#include "iopt/iopt_unmap.h"
#include "lib/pfn_batch.h"
#include "pages/access_pfns.h"
#include "pages/iopt_types.h"
#include "pages/run_chunks.h"
#include "pages_subject.h"

#define NPAGES 8
#define FIRST_IOVA 0x10000000UL

static const struct subject_config config = {
	.npages = NPAGES,
	.mode = PIN_ACCOUNT_USER,
	.pgsize_bitmap = PAGE_SIZE,
	.layout = USER_MEMORY_REVERSED,
};

/* An area in two domains, of which an access pins the middle. */
static struct subject *damage_new(struct kunit *test)
{
	struct subject *subject = subject_new(test, &config);

	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 0));
	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 2));
	KUNIT_ASSERT_EQ(test, 0, subject_add_area(subject, 0, 0, 0,
						  NPAGES - 1));
	KUNIT_ASSERT_EQ(test, 0, subject_access(subject, 0, 0, 2, 4));
	subject_check(subject);
	mutex_lock(&subject->pages->mutex);
	return subject;
}

static void damage_end(struct subject *subject)
{
	mutex_unlock(&subject->pages->mutex);
	subject_end(subject);
}

#define EXPECT_SEEN(check, member, value)                            \
	do {                                                         \
		typeof(member) _right = (member);                    \
								     \
		(member) = (value);                                  \
		KUNIT_EXPECT_FALSE_MSG(test, check, #member);        \
		(member) = _right;                                   \
		KUNIT_EXPECT_TRUE_MSG(test, check, #member);         \
	} while (0)

static void pages_damage(struct kunit *test)
{
	struct subject *subject = damage_new(test);
	struct iopt_pages *pages = subject->pages;
	struct iopt_area *area = subject->areas[0];
	struct iopt_pages_access *access =
		rb_entry(pages->access_itree.rb_root.rb_node,
			 struct iopt_pages_access, node.rb);

	EXPECT_SEEN(iopt_pages_valid(pages), pages->npinned, NPAGES - 1);
	EXPECT_SEEN(iopt_pages_valid(pages), pages->npinned, NPAGES + 1);
	EXPECT_SEEN(iopt_pages_valid(pages), access->users, 0);
	EXPECT_SEEN(iopt_pages_valid(pages), access->node.last, 5);
	EXPECT_SEEN(iopt_pages_valid(pages), access->node.start, 3);
	EXPECT_SEEN(iopt_pages_valid(pages), area->pages_node.last, NPAGES);
	EXPECT_SEEN(iopt_pages_valid(pages), area->pages_node.__subtree_last,
		    1);
	EXPECT_SEEN(iopt_pages_valid(pages), area->storage_domain, NULL);
	EXPECT_SEEN(iopt_pages_valid(pages), area->content, IOPT_AREA_EMPTY);
	damage_end(subject);
}

static void access_damage(struct kunit *test)
{
	struct subject *subject = damage_new(test);
	struct iopt_pages *pages = subject->pages;
	struct iopt_pages_access *access =
		rb_entry(pages->access_itree.rb_root.rb_node,
			 struct iopt_pages_access, node.rb);

	KUNIT_ASSERT_FALSE(test, access->one_run);
	EXPECT_SEEN(iopt_pages_valid(pages), access->list->npages, 2);
	EXPECT_SEEN(iopt_pages_valid(pages), access->list->npages, 4);
	EXPECT_SEEN(iopt_pages_valid(pages), access->list->start, 1);
	EXPECT_SEEN(iopt_pages_valid(pages), access->list->start, 3);
	EXPECT_SEEN(iopt_pages_valid(pages), access->list->pfns[1], 0);
	damage_end(subject);
}

static void run_damage(struct kunit *test)
{
	struct subject *subject = damage_new(test);
	struct iopt_pages *pages = subject->pages;

	/* A chunk that lies behind the memory, so it cannot be stored. */
	xa_store(&pages->run_chunks, 0, xa_mk_value(BIT(5)), GFP_KERNEL);
	KUNIT_EXPECT_FALSE(test, run_chunks_valid(pages));
	/* The first one is stored, but its pages lie backwards. */
	xa_store(&pages->run_chunks, 0, xa_mk_value(BIT(0)), GFP_KERNEL);
	KUNIT_EXPECT_FALSE(test, run_chunks_valid(pages));
	xa_erase(&pages->run_chunks, 0);
	KUNIT_EXPECT_TRUE(test, run_chunks_valid(pages));
	damage_end(subject);
}

static void area_damage(struct kunit *test)
{
	struct subject *subject = damage_new(test);
	struct iopt_area *area = subject->areas[0];
	struct iommu_domain *stranger = subject->domains[4].entry.domain;

	KUNIT_EXPECT_TRUE(test, iopt_area_valid(area));
	EXPECT_SEEN(iopt_area_valid(area), area->storage_domain, NULL);
	EXPECT_SEEN(iopt_area_valid(area), area->storage_domain, stranger);
	EXPECT_SEEN(iopt_area_valid(area), area->content, IOPT_AREA_EMPTY);
	EXPECT_SEEN(iopt_area_valid(area), area->generation, 0);
	EXPECT_SEEN(iopt_area_valid(area), area->generation, 1000);
	EXPECT_SEEN(iopt_area_valid(area), area->page_offset, 8);
	area->prevent_access = true;
	EXPECT_SEEN(iopt_area_valid(area), area->state, IOPT_AREA_LIVE);
	area->prevent_access = false;

	EXPECT_SEEN(iopt_area_shape_valid(area), area->page_offset, PAGE_SIZE);
	EXPECT_SEEN(iopt_area_shape_valid(area), area->page_offset, 8);
	EXPECT_SEEN(iopt_area_shape_valid(area), area->iommu_prot, IOMMU_CACHE);
	EXPECT_SEEN(iopt_area_shape_valid(area), area->pages->origin.writable,
		    false);
	EXPECT_SEEN(iopt_area_shape_valid(area), area->pages->npages,
		    NPAGES - 1);
	EXPECT_SEEN(iopt_area_shape_valid(area), area->state,
		    IOPT_AREA_ERASED);
	damage_end(subject);
}

/* A page that one domain has and the other has not. */
static void domain_damage(struct kunit *test)
{
	struct subject *subject = damage_new(test);
	struct iopt_area *area = subject->areas[0];
	struct iommu_domain *other = subject->domains[2].entry.domain;
	phys_addr_t phys = iommu_iova_to_phys(other, area->node.start);

	KUNIT_ASSERT_PTR_NE(test, area->storage_domain, other);
	KUNIT_ASSERT_EQ(test, PAGE_SIZE,
			iommu_unmap(other, area->node.start, PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, iopt_area_valid(area));
	/* It counts whoever asks for what is not there. */
	subject->domains[2].memory.errors = 0;
	KUNIT_ASSERT_EQ(test, 0, iommu_map(other, area->node.start, phys,
					   PAGE_SIZE, area->iommu_prot,
					   GFP_KERNEL));
	KUNIT_EXPECT_TRUE(test, iopt_area_valid(area));
	damage_end(subject);
}

static bool domains_ok(struct iopt_domains *domains)
{
	bool valid;

	down_read(&domains->rwsem);
	valid = iopt_domains_valid(domains);
	up_read(&domains->rwsem);
	return valid;
}

static void list_damage(struct kunit *test)
{
	struct subject *subject = damage_new(test);
	struct iopt_domains *domains = &subject->iopts[0].domains;
	struct iopt_domain *first = &subject->domains[0].entry;
	struct iopt_domain *second = &subject->domains[2].entry;

	KUNIT_EXPECT_TRUE(test, domains_ok(domains));
	EXPECT_SEEN(domains_ok(domains), second->joined, first->joined);
	EXPECT_SEEN(domains_ok(domains), second->joined, 1000);
	EXPECT_SEEN(domains_ok(domains), first->left, first->joined);
	EXPECT_SEEN(domains_ok(domains), first->left, 1000);
	EXPECT_SEEN(domains_ok(domains), first->domain, NULL);
	damage_end(subject);
}

static void iopt_damage(struct kunit *test)
{
	unsigned long uptr = user_memory_map(test, 0, USER_MEMORY_BLOCKS, NPAGES,
					     false);
	struct iopt_mapping mapping;
	struct pin_account account;
	struct io_pagetable iopt;
	struct iopt_area *area;
	unsigned long unmapped;
	int owner;

	iopt_init(&iopt);
	pin_account_init(&account, PIN_ACCOUNT_NONE);
	iopt_mapping_init(&mapping, &iopt, IOMMU_READ, IOPT_MAP_FIXED);
	mapping.iova = FIRST_IOVA;
	KUNIT_ASSERT_EQ(test, 0,
			iopt_mapping_add_user(&mapping, uptr, NPAGES * PAGE_SIZE,
					      &account));
	KUNIT_ASSERT_EQ(test, 0, iopt_mapping_prepare(&mapping));
	iopt_mapping_end(&mapping, 0);
	area = iopt_area_from_node(iova_tree_first(&iopt.tree, 0, ULONG_MAX));

	KUNIT_EXPECT_TRUE(test, iopt_valid(&iopt));
	EXPECT_SEEN(iopt_valid(&iopt), iopt.mapped, 0);
	EXPECT_SEEN(iopt_valid(&iopt), iopt.areas_by_alignment[0], 1);
	EXPECT_SEEN(iopt_valid(&iopt), iopt.iova_alignment, PAGE_SIZE);
	EXPECT_SEEN(iopt_valid(&iopt), iopt.users_by_alignment[PAGE_SHIFT], 1);
	EXPECT_SEEN(iopt_valid(&iopt), iopt.reserved.count, 1);
	EXPECT_SEEN(iopt_valid(&iopt), area->node.gap, 1);
	EXPECT_SEEN(iopt_valid(&iopt), area->iopt, NULL);
	EXPECT_SEEN(iopt_valid(&iopt), area->order, PAGE_SHIFT + 1);

	/* Behind the back of whoever would refuse it. */
	iova_ranges_add(&iopt.reserved, FIRST_IOVA, FIRST_IOVA, &owner);
	KUNIT_EXPECT_FALSE(test, iopt_valid(&iopt));
	iova_ranges_remove_owner(&iopt.reserved, &owner);
	iova_ranges_add(&iopt.allowed, 0x1000, 0x2fff, NULL);
	KUNIT_EXPECT_TRUE(test, iopt_valid(&iopt));
	iova_ranges_add(&iopt.reserved, 0x2000, 0x3fff, &owner);
	KUNIT_EXPECT_FALSE(test, iopt_valid(&iopt));
	iova_ranges_remove_owner(&iopt.reserved, &owner);
	KUNIT_EXPECT_EQ(test, 0, iopt_unmap_all(&iopt, &unmapped));
	iova_ranges_add(&iopt.allowed, 0x2000, 0x3fff, NULL);
	KUNIT_EXPECT_FALSE(test, iopt_valid(&iopt));
	iopt_destroy(&iopt);
	pin_account_destroy(&account);
}

static void batch_damage(struct kunit *test)
{
	struct pfn_batch batch;

	pfn_batch_init(&batch);
	KUNIT_EXPECT_TRUE(test, pfn_batch_valid(&batch));
	pfn_batch_add(&batch, 100, 4);
	pfn_batch_add(&batch, 200, 2);
	KUNIT_EXPECT_TRUE(test, pfn_batch_valid(&batch));
	EXPECT_SEEN(pfn_batch_valid(&batch), batch.npages, 5);
	EXPECT_SEEN(pfn_batch_valid(&batch), batch.runs[1].pfn, 104);
	EXPECT_SEEN(pfn_batch_valid(&batch), batch.runs[1].npages, 0);
	EXPECT_SEEN(pfn_batch_valid(&batch), batch.runs[1].pfn, ULONG_MAX);
	EXPECT_SEEN(pfn_batch_valid(&batch), batch.nruns, 1);
	EXPECT_SEEN(pfn_batch_valid(&batch), batch.capacity, 1);
}

static struct kunit_case check_cases[] = {
	KUNIT_CASE(pages_damage),
	KUNIT_CASE(access_damage),
	KUNIT_CASE(run_damage),
	KUNIT_CASE(area_damage),
	KUNIT_CASE(domain_damage),
	KUNIT_CASE(list_damage),
	KUNIT_CASE(iopt_damage),
	KUNIT_CASE(batch_damage),
	{}
};

static struct kunit_suite check_suite = {
	.name = "iommufd_check",
	.test_cases = check_cases,
};

kunit_test_suite(check_suite);
