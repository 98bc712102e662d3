// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 */
#include "user_memory.h"

#include <kunit/test.h>
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mmap_lock.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>

#define ALIGNED_ADDRESS SZ_1G

/*
 * A device whose pages lie in physical memory as the test wants them. Only half
 * of what is allocated is used, so that two blocks never touch.
 */
#define ALLOC_ORDER (USER_MEMORY_BLOCK_ORDER + 1)

static int map_block(struct vm_area_struct *vma, unsigned long address,
		     bool reversed)
{
	unsigned long i, at, n = min((vma->vm_end - address) / PAGE_SIZE,
				     USER_MEMORY_BLOCK_PAGES);
	struct page *block = alloc_pages(GFP_USER, ALLOC_ORDER);
	int rc = 0;

	if (!block)
		return -ENOMEM;
	split_page(block, ALLOC_ORDER);
	for (i = 0; i < n && !rc; i++) {
		at = reversed ? n - 1 - i : i;
		rc = vm_insert_page(vma, address + i * PAGE_SIZE, block + at);
	}
	/* From now on only the mapping keeps them. */
	for (i = 0; i < 1UL << ALLOC_ORDER; i++)
		put_page(block + i);
	return rc;
}

static int map_blocks(struct vm_area_struct *vma, bool reversed)
{
	unsigned long address;
	int rc = 0;

	for (address = vma->vm_start; address < vma->vm_end && !rc;
	     address += USER_MEMORY_BLOCK_PAGES * PAGE_SIZE)
		rc = map_block(vma, address, reversed);
	return rc;
}

static int blocks_mmap(struct file *file, struct vm_area_struct *vma)
{
	return map_blocks(vma, false);
}

static int reversed_mmap(struct file *file, struct vm_area_struct *vma)
{
	return map_blocks(vma, true);
}

static const struct file_operations blocks_fops = {
	.mmap = blocks_mmap,
};

static const struct file_operations reversed_fops = {
	.mmap = reversed_mmap,
};

/* A new mapping takes the place of an old one, if an address is given. */
static unsigned long fixed(unsigned long address)
{
	return address ? MAP_FIXED : 0;
}

static unsigned long map_file(struct kunit *test, unsigned long address,
			      const struct file_operations *fops,
			      unsigned long length)
{
	struct file *file = anon_inode_getfile("[memory]", fops, NULL, O_RDWR);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	address = kunit_vm_mmap(test, file, address, length,
				PROT_READ | PROT_WRITE,
				MAP_SHARED | fixed(address), 0);
	fput(file);
	return address;
}

/* Touch the pages in an order that makes long runs unlikely. */
static int scatter(unsigned long address, unsigned long npages)
{
	unsigned long stride, i;

	for (stride = 0; stride < 5; stride++)
		for (i = stride; i < npages; i += 5)
			if (put_user(i, (unsigned long __user *)
					(address + i * PAGE_SIZE)))
				return -EFAULT;
	return 0;
}

static unsigned long map_anonymous(struct kunit *test, unsigned long address,
				   unsigned long npages, bool protected)
{
	unsigned long prot = PROT_READ | (protected ? 0 : PROT_WRITE);

	address = kunit_vm_mmap(test, NULL, address, npages * PAGE_SIZE, prot,
				MAP_PRIVATE | MAP_ANONYMOUS | fixed(address),
				0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(address));
	if (!protected)
		KUNIT_ASSERT_EQ(test, 0, scatter(address, npages));
	return address;
}

static void want_huge_pages(struct kunit *test, unsigned long address)
{
	struct vm_area_struct *vma;

	mmap_write_lock(current->mm);
	vma = find_vma(current->mm, address);
	KUNIT_EXPECT_NOT_NULL(test, vma);
	if (vma)
		vm_flags_set(vma, VM_HUGEPAGE);
	mmap_write_unlock(current->mm);
}

/* What a page is part of; pinned for a moment only. */
static bool all_huge(unsigned long address, unsigned long npages)
{
	unsigned long i;
	bool huge = true;

	for (i = 0; i < npages && huge; i += USER_MEMORY_BLOCK_PAGES) {
		struct page *page;

		if (pin_user_pages_fast(address + i * PAGE_SIZE, 1, FOLL_WRITE,
					&page) != 1)
			return false;
		huge = folio_nr_pages(page_folio(page)) ==
		       USER_MEMORY_BLOCK_PAGES;
		unpin_user_page(page);
	}
	return huge;
}

static unsigned long map_huge(struct kunit *test, unsigned long address,
			      unsigned long npages)
{
	if (!IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
		kunit_skip(test, "no huge pages");
	address = kunit_vm_mmap(test, NULL, address, npages * PAGE_SIZE,
				PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(address));
	want_huge_pages(test, address);
	if (!all_huge(address, npages))
		kunit_skip(test, "no huge pages to be had");
	return address;
}

/**
 * user_memory_map() - Map memory into the address space of a test
 * @test: the test; it gets an address space if it has none
 * @address: where, instead of what is there; 0 for anywhere
 * @layout: what the memory is physically
 * @npages: how much
 * @protected: user space may not write to it; anonymous memory only
 *
 * The memory goes with the thread of the test.
 *
 * Context: the thread of @test. Ends the test on failure.
 * Return: the user virtual address.
 */
unsigned long user_memory_map(struct kunit *test, unsigned long address,
			      enum user_memory_layout layout,
			      unsigned long npages, bool protected)
{
	unsigned long length = npages * PAGE_SIZE;

	switch (layout) {
	case USER_MEMORY_ANONYMOUS:
		address = map_anonymous(test, address, npages, protected);
		break;
	case USER_MEMORY_BLOCKS:
		address = map_file(test, address ?: ALIGNED_ADDRESS,
				   &blocks_fops, length);
		break;
	case USER_MEMORY_SHIFTED:
		address = map_file(test, address ?:
				   ALIGNED_ADDRESS + 100 * PAGE_SIZE,
				   &blocks_fops, length);
		break;
	case USER_MEMORY_REVERSED:
		address = map_file(test, address, &reversed_fops, length);
		break;
	case USER_MEMORY_HUGE:
		address = map_huge(test, address ?: ALIGNED_ADDRESS, npages);
		break;
	}
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(address));
	KUNIT_ASSERT_NE(test, address, 0);
	return address;
}

/**
 * user_memory_pins() - Count the pins of a folio
 * @folio: any
 *
 * Context: any.
 * Return: how many there are, of all its pages together.
 */
unsigned long user_memory_pins(struct folio *folio)
{
	if (folio_test_large(folio))
		return atomic_read(&folio->_pincount);
	return folio_ref_count(folio) / (int)GUP_PIN_COUNTING_BIAS;
}

/**
 * user_memory_limit() - Set RLIMIT_MEMLOCK
 * @bytes: of the process of the calling thread
 *
 * Context: process context.
 * Return: what it was, bytes.
 */
unsigned long user_memory_limit(unsigned long bytes)
{
	struct rlimit *limit = current->signal->rlim + RLIMIT_MEMLOCK;
	unsigned long old;

	task_lock(current->group_leader);
	old = limit->rlim_cur;
	limit->rlim_cur = bytes;
	task_unlock(current->group_leader);
	return old;
}
