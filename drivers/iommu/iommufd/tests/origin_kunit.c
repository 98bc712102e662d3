// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Memory that is not user memory: nothing above pin/ may take for granted that
 * PFNs have a struct page, that they are pinned, or that there is an address.
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/iommufd.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/sched/user.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "check/pages_check.h"
#include "pages/iopt_types.h"
#include "pages/pages.h"
#include "pages/pages_rw.h"
#include "pages_subject.h"
#include "pin/account.h"
#include "pin/pin.h"

#define NPAGES 8UL

/* Physical, beyond all memory, and in the middle of what a large page is. */
#define REGISTERS (BIT_ULL(45) + SZ_2M - 4 * PAGE_SIZE)
#define REGISTERS_PAGES (2 * (SZ_2M / PAGE_SIZE))

/* What is read from there. */
#define CONTENT 0x5a

static const struct subject_config config = {
	.npages = NPAGES,
	.mode = PIN_ACCOUNT_USER,
	.pgsize_bitmap = PAGE_SIZE,
};

static int read_some(const struct pin_origin *origin, struct pin_cursor *cursor,
		     unsigned long index, unsigned long npages)
{
	cursor->leaf.pfn = PHYS_PFN(origin->start) + index;
	cursor->leaf.npages = npages;
	return 0;
}

static int read_one(const struct pin_origin *origin, unsigned long index,
		    unsigned long *pfn)
{
	*pfn = PHYS_PFN(origin->start) + index;
	return 0;
}

/* One page at a time, so that there is more than one step. */
static int copy_pages(const struct pin_origin *origin, struct pin_copy *copy,
		      unsigned long last)
{
	size_t step = min_t(unsigned long, copy->length,
			    PAGE_SIZE - offset_in_page(copy->byte));

	if (pin_copy_writes(copy))
		return -EFAULT;
	memset(copy->data, CONTENT, step);
	copy->byte += step;
	copy->data += step;
	copy->length -= step;
	return 0;
}

static const struct pin_origin_ops register_ops = {
	.pin_some = read_some,
	.pin_one = read_one,
	.copy_pages = copy_pages,
	.pinned = false,
};

/* A subject over registers, which its first io_pagetable shows a part of. */
static struct subject *registers_new(struct kunit *test, unsigned long start,
				     unsigned long npages)
{
	struct subject *subject = subject_new(test, &config);
	struct pin_origin origin = {
		.ops = &register_ops,
		.owner = subject_owner(subject, &subject->account),
		.start = REGISTERS,
		.writable = true,
	};

	iopt_pages_put(subject->pages);
	subject->pages = iopt_pages_alloc(&origin, REGISTERS_PAGES, NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, subject->pages);
	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 0));
	KUNIT_ASSERT_EQ(test, 0, subject_add_bytes(subject, 0, 0, SZ_1G,
						   start * PAGE_SIZE,
						   npages * PAGE_SIZE));
	return subject;
}

/* All is there, and nobody pays. */
static void registers_check(struct subject *subject, unsigned int domain)
{
	struct memory_domain *memory = &subject->domains[domain].memory;
	struct iopt_area *area = subject->areas[0];
	unsigned long index;

	mutex_lock(&subject->pages->mutex);
	KUNIT_EXPECT_EQ(subject->test, iopt_area_npages(area),
			subject->pages->npinned);
	KUNIT_EXPECT_TRUE(subject->test, iopt_area_valid(area));
	KUNIT_EXPECT_TRUE(subject->test, iopt_pages_valid(subject->pages));
	mutex_unlock(&subject->pages->mutex);
	for (index = iopt_area_first(area); index <= iopt_area_last(area);
	     index++) {
		unsigned long iova = iopt_area_index_iova(area, index);

		KUNIT_ASSERT_EQ(subject->test, REGISTERS + index * PAGE_SIZE,
				memory_domain_lookup(memory, iova));
	}
	KUNIT_EXPECT_EQ(subject->test, subject->pinned_vm,
			atomic64_read(&current->mm->pinned_vm));
	KUNIT_EXPECT_EQ(subject->test, subject->user_locked_vm,
			atomic_long_read(&current_user()->locked_vm));
}

static void registers_go_in_and_out(struct kunit *test)
{
	struct subject *subject = registers_new(test, 0, REGISTERS_PAGES);

	registers_check(subject, 0);
	/* Another domain takes PFNs from the first, and then stores them. */
	KUNIT_ASSERT_EQ(test, 0, subject_join(subject, 2));
	registers_check(subject, 2);
	subject_leave(subject, 0);
	registers_check(subject, 2);
	/* Parts that overlap are not of one run any more. */
	KUNIT_ASSERT_EQ(test, 0, subject_add_bytes(subject, 1, 0, 2UL * SZ_1G,
						   PAGE_SIZE, SZ_2M));
	subject_remove_area(subject, 0);
	KUNIT_EXPECT_EQ(test, SZ_2M / PAGE_SIZE, subject->pages->npinned);
	subject_end(subject);
}

static void one_page_of_registers(struct kunit *test)
{
	struct subject *subject = registers_new(test, 3, 1);

	registers_check(subject, 0);
	subject_end(subject);
}

static void registers_cannot_be_pinned(struct kunit *test)
{
	struct subject *subject = registers_new(test, 0, NPAGES);

	KUNIT_EXPECT_EQ(test, -EINVAL, subject_access(subject, 0, 0, 2, 2));
	registers_check(subject, 0);
	subject_end(subject);
}

static int copy(struct subject *subject, void *data, unsigned long length,
		unsigned int flags)
{
	struct pin_copy copy = {
		.byte = PAGE_SIZE - 1,
		.data = data,
		.length = length,
		.flags = flags,
	};

	return iopt_pages_rw_access(subject->pages, &copy);
}

/* Their PFNs are stored, and nevertheless no way to the memory. */
static void registers_copy_in_their_way(struct kunit *test)
{
	struct subject *subject = registers_new(test, 0, NPAGES);
	size_t length = 2 * PAGE_SIZE;
	u8 *data = kunit_kzalloc(test, length, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, data);
	KUNIT_EXPECT_EQ(test, 0, copy(subject, data, length, 0));
	KUNIT_EXPECT_NULL(test, memchr_inv(data, CONTENT, length));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			copy(subject, data, length, IOMMUFD_ACCESS_RW_WRITE));
	subject_end(subject);
}

static struct kunit_case origin_cases[] = {
	KUNIT_CASE(registers_go_in_and_out),
	KUNIT_CASE(one_page_of_registers),
	KUNIT_CASE(registers_cannot_be_pinned),
	KUNIT_CASE(registers_copy_in_their_way),
	{}
};

static struct kunit_suite origin_suite = {
	.name = "iommufd_origin",
	.test_cases = origin_cases,
};

kunit_test_suite(origin_suite);
