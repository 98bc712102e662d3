// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Pinning files into batches, copying them, and letting them go.
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/falloc.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/iommufd.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/string.h>

#include "lib/pfn_batch.h"
#include "pin/bill.h"
#include "pin/pin.h"
#include "pin/pin_file.h"
#include "user_memory.h"

/* More than are pinned at a time */
#define NPAGES 1200UL

/* What memory is full of that must not be seen. */
#define SECRET 0xaa

/**
 * struct mapped - A file, and a description of it as memory
 * @test: whom to tell
 * @account: pays
 * @origin: under test
 */
struct mapped {
	struct kunit *test;
	struct pin_account account;
	struct pin_origin origin;
};

/* Without any page yet. @start: first page that the origin shows */
static struct mapped *mapped_new(struct kunit *test, unsigned long start,
				 bool writable)
{
	struct mapped *mapped = kunit_kzalloc(test, sizeof(*mapped),
					      GFP_KERNEL);
	struct pin_bill *bill;
	struct file *file;

	KUNIT_ASSERT_NOT_NULL(test, mapped);
	mapped->test = test;
	/* This gives the thread an address space, which pays. */
	user_memory_map(test, 0, USER_MEMORY_ANONYMOUS, 1, false);
	pin_account_init(&mapped->account, PIN_ACCOUNT_USER);
	file = shmem_file_setup("iommufd-kunit", NPAGES * PAGE_SIZE,
				VM_NORESERVE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	bill = pin_account_bill(&mapped->account);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bill);
	KUNIT_ASSERT_EQ(test, 0, pin_file_check(file, writable));
	KUNIT_ASSERT_EQ(test, 0, pin_file_origin(&mapped->origin, bill, file,
						 start * PAGE_SIZE, writable));
	return mapped;
}

static void mapped_end(struct mapped *mapped)
{
	pin_origin_release(&mapped->origin);
	pin_account_destroy(&mapped->account);
}

/* The page of the file that the origin has at @index; nobody takes it out. */
static struct page *page_at(struct mapped *mapped, unsigned long index)
{
	pgoff_t at = mapped->origin.start / PAGE_SIZE + index;
	struct folio *folio = filemap_get_folio(mapped->origin.file->f_mapping,
						at);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(mapped->test, folio);
	folio_put(folio);
	return folio_page(folio, at - folio->index);
}

static void expect_pins(struct mapped *mapped, unsigned long index,
			unsigned long pins)
{
	struct folio *folio = page_folio(page_at(mapped, index));

	/* All tests pin all pages of a folio, or the folios are small. */
	KUNIT_ASSERT_EQ(mapped->test, pins * folio_nr_pages(folio),
			user_memory_pins(folio));
}

static int read_pages(struct mapped *mapped, unsigned long npages,
		      struct pfn_batch *batch)
{
	struct pin_cursor cursor;
	int rc;

	pin_cursor_init(&cursor);
	rc = pin_origin_read(&mapped->origin, &cursor, 0, npages, batch);
	pin_cursor_destroy(&mapped->origin, &cursor);
	return rc;
}

static void let_go(struct mapped *mapped, struct pfn_batch *batch)
{
	struct pfn_batch_iter iter;

	pfn_batch_iter_first(&iter, batch, 0, batch->npages);
	pin_release(&mapped->origin, &iter);
	pfn_batch_destroy(batch);
}

static void expect_batch(struct mapped *mapped, struct pfn_batch *batch)
{
	struct pfn_batch_iter iter;
	unsigned long index = 0, i;

	pfn_batch_for_each_run(&iter, batch, 0, batch->npages)
		for (i = 0; i < iter.npages; i++, index++)
			KUNIT_ASSERT_EQ(mapped->test, iter.pfn + i,
					page_to_pfn(page_at(mapped, index)));
}

/* One folio after the other, whether it is there already or not */
static void pages_of_the_file_are_pinned(struct kunit *test)
{
	struct mapped *mapped = mapped_new(test, 0, true);
	unsigned int round;

	for (round = 0; round < 2; round++) {
		struct pfn_batch batch;
		unsigned long index;

		pfn_batch_init(&batch);
		pfn_batch_grow(&batch, NPAGES);
		KUNIT_ASSERT_EQ(test, 0, read_pages(mapped, NPAGES, &batch));
		KUNIT_EXPECT_EQ(test, NPAGES, batch.npages);
		expect_batch(mapped, &batch);
		for (index = 0; index < NPAGES; index++)
			expect_pins(mapped, index, 1);
		let_go(mapped, &batch);
		for (index = 0; index < NPAGES; index++)
			expect_pins(mapped, index, 0);
	}
	mapped_end(mapped);
}

/* What a batch has no room for is let go of. */
static void rest_is_let_go(struct kunit *test)
{
	struct mapped *mapped = mapped_new(test, 3, true);
	unsigned long index, pinned;
	struct pfn_batch batch;

	pfn_batch_init(&batch);
	KUNIT_ASSERT_EQ(test, 0, read_pages(mapped, NPAGES - 3, &batch));
	pinned = batch.npages;
	expect_batch(mapped, &batch);
	let_go(mapped, &batch);
	for (index = 0; index < pinned; index++)
		expect_pins(mapped, index, 0);
	mapped_end(mapped);
}

static void one_page(struct kunit *test)
{
	struct mapped *mapped = mapped_new(test, 5, false);
	unsigned long pfn;

	KUNIT_ASSERT_EQ(test, 0, pin_origin_page(&mapped->origin, 7, &pfn));
	KUNIT_EXPECT_EQ(test, pfn, page_to_pfn(page_at(mapped, 7)));
	pin_release_run(&mapped->origin, pfn, 1);
	KUNIT_EXPECT_EQ(test, 0, user_memory_pins(page_folio(pfn_to_page(pfn))));
	mapped_end(mapped);
}

static void allocate(struct mapped *mapped, int mode, unsigned long index,
		     unsigned long npages)
{
	loff_t at = mapped->origin.start + index * PAGE_SIZE;

	KUNIT_ASSERT_EQ(mapped->test, 0,
			vfs_fallocate(mapped->origin.file, mode, at,
				      npages * PAGE_SIZE));
}

static bool page_has(struct page *page, int byte)
{
	void *data = kmap_local_page(page);
	bool rc = !memchr_inv(data, byte, PAGE_SIZE);

	kunmap_local(data);
	return rc;
}

static void page_fill(struct page *page, int byte)
{
	void *data = kmap_local_page(page);

	memset(data, byte, PAGE_SIZE);
	kunmap_local(data);
}

/* fallocate() leaves in pages what somebody else had there. */
static void h70_nobody_elses_bytes_are_seen(struct kunit *test)
{
	struct mapped *mapped = mapped_new(test, 0, false);
	struct pfn_batch batch;
	unsigned long index;

	allocate(mapped, 0, 0, 20);
	for (index = 0; index < 20; index++) {
		struct page *page = page_at(mapped, index);

		/* Else this test shows nothing. */
		KUNIT_ASSERT_FALSE(test,
				   folio_test_uptodate(page_folio(page)));
		page_fill(page, SECRET);
	}
	pfn_batch_init(&batch);
	pfn_batch_grow(&batch, 20);
	KUNIT_ASSERT_EQ(test, 0, read_pages(mapped, 20, &batch));
	for (index = 0; index < 20; index++) {
		struct page *page = page_at(mapped, index);

		KUNIT_EXPECT_TRUE(test, page_has(page, 0));
		KUNIT_EXPECT_TRUE(test, folio_test_uptodate(page_folio(page)));
		page_fill(page, 1);
	}
	let_go(mapped, &batch);
	/* Once. */
	pfn_batch_init(&batch);
	pfn_batch_grow(&batch, 20);
	KUNIT_ASSERT_EQ(test, 0, read_pages(mapped, 20, &batch));
	for (index = 0; index < 20; index++)
		KUNIT_EXPECT_TRUE(test, page_has(page_at(mapped, index), 1));
	let_go(mapped, &batch);
	mapped_end(mapped);
}

/* The pin stays with the page, and the file gets another one. */
static void h70_hole_is_punched(struct kunit *test)
{
	struct mapped *mapped = mapped_new(test, 0, true);
	unsigned long old, new;
	struct page *page;

	KUNIT_ASSERT_EQ(test, 0, pin_origin_page(&mapped->origin, 4, &old));
	page = pfn_to_page(old);
	page_fill(page, SECRET);
	allocate(mapped, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4, 1);
	KUNIT_EXPECT_NULL(test, page_folio(page)->mapping);
	KUNIT_EXPECT_EQ(test, 1, user_memory_pins(page_folio(page)));
	KUNIT_EXPECT_TRUE(test, page_has(page, SECRET));
	KUNIT_ASSERT_EQ(test, 0, pin_origin_page(&mapped->origin, 4, &new));
	KUNIT_EXPECT_NE(test, old, new);
	KUNIT_EXPECT_EQ(test, new, page_to_pfn(page_at(mapped, 4)));
	KUNIT_EXPECT_TRUE(test, page_has(pfn_to_page(new), 0));
	pin_release_run(&mapped->origin, old, 1);
	pin_release_run(&mapped->origin, new, 1);
	expect_pins(mapped, 4, 0);
	mapped_end(mapped);
}

static void set_size(struct mapped *mapped, loff_t size)
{
	struct inode *inode = file_inode(mapped->origin.file);

	inode_lock(inode);
	i_size_write(inode, size);
	inode_unlock(inode);
}

static void h70_file_becomes_too_short(struct kunit *test)
{
	struct mapped *mapped = mapped_new(test, 0, true);
	struct pfn_batch batch;
	unsigned long pfn;

	/* The last page counts if there is a byte of it. */
	set_size(mapped, 2 * PAGE_SIZE + 1);
	pfn_batch_init(&batch);
	KUNIT_EXPECT_EQ(test, -EFAULT, read_pages(mapped, 4, &batch));
	let_go(mapped, &batch);
	KUNIT_EXPECT_EQ(test, -EFAULT,
			pin_origin_page(&mapped->origin, 3, &pfn));
	KUNIT_ASSERT_EQ(test, 0, pin_origin_page(&mapped->origin, 2, &pfn));
	pin_release_run(&mapped->origin, pfn, 1);
	set_size(mapped, NPAGES * PAGE_SIZE);
	mapped_end(mapped);
}

static int copy(struct mapped *mapped, unsigned long byte, void *data,
		unsigned long length, unsigned int flags)
{
	struct pin_copy copy = {
		.byte = byte,
		.data = data,
		.length = length,
		.flags = flags,
	};

	KUNIT_EXPECT_NULL(mapped->test, mapped->origin.ops->copy_at_once);
	KUNIT_EXPECT_FALSE(mapped->test,
			   pin_origin_address(&mapped->origin, byte));
	return mapped->origin.ops->copy_pages(&mapped->origin, &copy,
					      NPAGES - 1);
}

static void copies_need_no_process(struct kunit *test)
{
	struct mapped *mapped = mapped_new(test, 1, true);
	size_t length = 3 * PAGE_SIZE;
	u8 *from = kunit_kmalloc(test, length, GFP_KERNEL);
	u8 *to = kunit_kzalloc(test, length, GFP_KERNEL);
	unsigned long index;

	KUNIT_ASSERT_NOT_NULL(test, from);
	KUNIT_ASSERT_NOT_NULL(test, to);
	for (index = 0; index < length; index++)
		from[index] = index % 251;
	KUNIT_ASSERT_EQ(test, 0, copy(mapped, 100, from, length,
				      IOMMUFD_ACCESS_RW_WRITE));
	KUNIT_ASSERT_EQ(test, 0, copy(mapped, 100, to, length, 0));
	KUNIT_EXPECT_MEMEQ(test, from, to, length);
	for (index = 0; index < 4; index++) {
		struct folio *folio = page_folio(page_at(mapped, index));

		KUNIT_EXPECT_TRUE(test, folio_test_dirty(folio));
		expect_pins(mapped, index, 0);
	}
	mapped_end(mapped);
}

/* As a file of coda does, whose cache is on a tmpfs. */
static void h59_file_shows_pages_of_another(struct kunit *test)
{
	struct mapped *mapped = mapped_new(test, 0, false);
	struct address_space *own;
	struct file *file;

	file = shmem_file_setup("iommufd-kunit", PAGE_SIZE, VM_NORESERVE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_EXPECT_EQ(test, 0, pin_file_check(file, false));
	own = file->f_mapping;
	file->f_mapping = mapped->origin.file->f_mapping;
	KUNIT_EXPECT_EQ(test, -EINVAL, pin_file_check(file, false));
	file->f_mapping = own;
	fput(file);
	mapped_end(mapped);
}

/* As memfd seals do it. */
static void h59_sealed_and_mapped_exclude(struct kunit *test)
{
	struct mapped *mapped = mapped_new(test, 0, false);
	struct file *file = mapped->origin.file;
	struct pin_bill *bill = pin_account_bill(&mapped->account);
	struct pin_origin origin;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bill);
	KUNIT_ASSERT_EQ(test, 0,
			pin_file_origin(&origin, bill, file, 0, true));
	get_file(file);
	KUNIT_EXPECT_EQ(test, -EBUSY, mapping_deny_writable(file->f_mapping));
	pin_origin_release(&origin);
	KUNIT_ASSERT_EQ(test, 0, mapping_deny_writable(file->f_mapping));
	KUNIT_EXPECT_EQ(test, -EPERM,
			pin_file_origin(&origin, bill, file, 0, true));
	mapping_allow_writable(file->f_mapping);
	mapped_end(mapped);
}

static struct kunit_case pin_file_cases[] = {
	KUNIT_CASE(pages_of_the_file_are_pinned),
	KUNIT_CASE(rest_is_let_go),
	KUNIT_CASE(one_page),
	KUNIT_CASE(h70_nobody_elses_bytes_are_seen),
	KUNIT_CASE(h70_hole_is_punched),
	KUNIT_CASE(h70_file_becomes_too_short),
	KUNIT_CASE(copies_need_no_process),
	KUNIT_CASE(h59_file_shows_pages_of_another),
	KUNIT_CASE(h59_sealed_and_mapped_exclude),
	{}
};

static struct kunit_suite pin_file_suite = {
	.name = "iommufd_pin_file",
	.test_cases = pin_file_cases,
};

kunit_test_suite(pin_file_suite);
