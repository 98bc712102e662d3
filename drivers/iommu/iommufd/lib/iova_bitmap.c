// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * A bitmap in user memory that says which pages of IOVA a device has written.
 */
#include <linux/iova_bitmap.h>

#include <linux/align.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/highmem.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

/**
 * DOC: Windows of a bitmap
 *
 * Reading what a device has written also clears it, in the device or in its
 * page table. A bit that then cannot be stored is lost, and with it a page of a
 * guest that is being migrated. Hence the bitmap is pinned first, a window of
 * up to 1 MiB at a time. Only then is the range of IOVA that the window stands
 * for given to the function that reads. Memory that cannot be written is an
 * error before anything has been cleared.
 *
 * What is recorded may reach out of the window: a large IOPTE may begin in one
 * and end in the next, where it will be found clean. Such bits go into the
 * bitmap right away, each page of it pinned for just that. What is outside of
 * the bitmap is ignored. iova_bitmap_set() has no return value, since its
 * callers are deep inside drivers, so the first failure to pin is kept and
 * iova_bitmap_for_each() returns it.
 */

/* Pages of memory in a full window; 32 GiB of IOVA at 4 KiB per bit */
#define IOVA_BITMAP_WINDOW_NPAGES (SZ_1M / PAGE_SIZE)

#define BITS_PER_U64 BITS_PER_TYPE(u64)

/**
 * struct iova_bitmap - A bitmap in user memory, with one bit per page of IOVA
 * @iova: first byte of the range; constant
 * @last: last byte of the range; constant
 * @page_shift: log2 of the bytes of IOVA per bit; constant
 * @address: user address of the byte with bit 0; constant
 * @npages: pages of memory that have a bit; constant
 * @capacity: pages of memory in a full window; constant
 * @window_index: first page of memory in the window, counted from the page
 *                with bit 0
 * @window_npages: pages of memory in the window, 0 if there is none
 * @error: first failure to store a bit, for good
 * @window: the pinned pages
 *
 * There is no lock: one call at a time, and those that touch memory have to
 * come from a task that uses the mm with the bitmap.
 */
struct iova_bitmap {
	unsigned long iova;
	unsigned long last;
	unsigned int page_shift;
	unsigned long address;
	unsigned long npages;
	unsigned long capacity;
	unsigned long window_index;
	unsigned long window_npages;
	int error;
	struct page *window[] __counted_by(capacity);
};

static unsigned long iova_to_bit(const struct iova_bitmap *bitmap,
				 unsigned long iova)
{
	return (iova - bitmap->iova) >> bitmap->page_shift;
}

/* Offset of the byte with a bit, from the start of the page with bit 0 */
static unsigned long bit_to_offset(const struct iova_bitmap *bitmap,
				   unsigned long bit)
{
	return offset_in_page(bitmap->address) + bit / BITS_PER_BYTE;
}

/* First byte of IOVA that a page of the bitmap stands for */
static unsigned long index_to_iova(const struct iova_bitmap *bitmap,
				   unsigned long index)
{
	unsigned long bytes;

	if (!index)
		return bitmap->iova;
	bytes = index * PAGE_SIZE - offset_in_page(bitmap->address);
	return bitmap->iova + ((bytes * BITS_PER_BYTE) << bitmap->page_shift);
}

static unsigned long index_to_address(const struct iova_bitmap *bitmap,
				      unsigned long index)
{
	return (bitmap->address & PAGE_MASK) + index * PAGE_SIZE;
}

static bool geometry_valid(size_t length, unsigned long page_size,
			   unsigned long address)
{
	if (!length || !is_power_of_2(page_size))
		return false;
	/* The bits of a u64 are in address order on little endian only */
	return !IS_ENABLED(CONFIG_CPU_BIG_ENDIAN) ||
	       IS_ALIGNED(address, sizeof(u64));
}

/**
 * iova_bitmap_alloc() - Describe a bitmap in user memory
 * @iova: first byte of the range, with any alignment; bit 0
 * @length: bytes of the range
 * @page_size: bytes that one bit stands for, a power of two
 * @data: the bitmap, of DIV_ROUND_UP(@length, @page_size) bits, in memory of
 *        the calling process. Bit i is bit i % 64 of the u64 at index i / 64.
 *        No byte is touched that has no bit of the bitmap.
 *
 * Context: process context, sleeps.
 * Return: the bitmap, or an ERR_PTR:
 *
 * * %-EINVAL - @length is 0, @page_size is not a power of two, or @data is not
 *   aligned on a big endian machine
 * * %-EOVERFLOW - the range passes the end of the address space
 * * %-EFAULT - the bitmap passes the end of user memory
 * * %-ENOMEM - out of memory
 */
struct iova_bitmap *iova_bitmap_alloc(unsigned long iova, size_t length,
				      unsigned long page_size,
				      u64 __user *data)
{
	unsigned long address = (unsigned long)data;
	unsigned long last, nbytes, npages, capacity;
	struct iova_bitmap *bitmap;

	if (!geometry_valid(length, page_size, address))
		return ERR_PTR(-EINVAL);
	if (check_add_overflow(iova, length - 1, &last))
		return ERR_PTR(-EOVERFLOW);

	nbytes = ((length - 1) >> ilog2(page_size)) / BITS_PER_BYTE + 1;
	if (!access_ok(data, nbytes))
		return ERR_PTR(-EFAULT);
	npages = (offset_in_page(address) + nbytes - 1) / PAGE_SIZE + 1;
	capacity = min(npages, IOVA_BITMAP_WINDOW_NPAGES);

	bitmap = kzalloc(struct_size(bitmap, window, capacity),
			 GFP_KERNEL_ACCOUNT);
	if (!bitmap)
		return ERR_PTR(-ENOMEM);
	bitmap->iova = iova;
	bitmap->last = last;
	bitmap->page_shift = ilog2(page_size);
	bitmap->address = address;
	bitmap->npages = npages;
	bitmap->capacity = capacity;
	return bitmap;
}
EXPORT_SYMBOL_NS_GPL(iova_bitmap_alloc, IOMMUFD);

/**
 * iova_bitmap_free() - Forget about a bitmap
 * @bitmap: from iova_bitmap_alloc(), not in use
 *
 * The bitmap itself stays as it is, in user memory.
 *
 * Context: any.
 */
void iova_bitmap_free(struct iova_bitmap *bitmap)
{
	kfree(bitmap);
}
EXPORT_SYMBOL_NS_GPL(iova_bitmap_free, IOMMUFD);

static int bitmap_pin_pages(const struct iova_bitmap *bitmap,
			    unsigned long index,
			    unsigned long npages, struct page **pages)
{
	int ret = pin_user_pages_fast(index_to_address(bitmap, index), npages,
				      FOLL_WRITE, pages);

	return ret ?: -EFAULT;
}

/* A pin call may stop early; the window is complete or there is none */
static int window_pin(struct iova_bitmap *bitmap, unsigned long index)
{
	unsigned long npages = min(bitmap->npages - index, bitmap->capacity);
	unsigned long done = 0;
	int ret;

	while (done < npages) {
		ret = bitmap_pin_pages(bitmap, index + done, npages - done,
				       bitmap->window + done);
		if (ret < 0) {
			unpin_user_pages(bitmap->window, done);
			return ret;
		}
		done += ret;
	}
	bitmap->window_index = index;
	bitmap->window_npages = npages;
	return 0;
}

static void window_unpin(struct iova_bitmap *bitmap)
{
	unpin_user_pages_dirty_lock(bitmap->window, bitmap->window_npages,
				    true);
	bitmap->window_npages = 0;
}

static unsigned long window_length(const struct iova_bitmap *bitmap)
{
	unsigned long end = bitmap->window_index + bitmap->window_npages;
	unsigned long iova = index_to_iova(bitmap, bitmap->window_index);

	if (end < bitmap->npages)
		return index_to_iova(bitmap, end) - iova;
	return bitmap->last - iova + 1;
}

static int window_visit(struct iova_bitmap *bitmap, unsigned long index,
			void *opaque, iova_bitmap_fn_t fn)
{
	int ret;

	if (fatal_signal_pending(current))
		return -EINTR;
	cond_resched();

	ret = window_pin(bitmap, index);
	if (ret)
		return ret;
	ret = fn(bitmap, index_to_iova(bitmap, index), window_length(bitmap),
		 opaque);
	window_unpin(bitmap);
	return ret ?: bitmap->error;
}

/**
 * iova_bitmap_for_each() - Visit the range of a bitmap, window by window
 * @bitmap: the bitmap
 * @opaque: handed to @fn
 * @fn: calls iova_bitmap_set() for what was written in the part of the range it
 *      is given. The parts come in ascending order, do not overlap, and leave
 *      nothing out. Not 0 ends the visit.
 *
 * After an error, the parts that @fn had been called for are in the bitmap,
 * except for bits beyond their window that could not be stored.
 *
 * Context: process context with the mm of the bitmap, sleeps.
 * Return: 0, what @fn returned, or:
 *
 * * %-EFAULT - the bitmap cannot be written; either that of the next window, and
 *   @fn was not called for it, or that of a bit beyond the window @fn had
 * * %-EINTR - a fatal signal arrived between two windows
 * * %-ENOMEM - out of memory
 */
int iova_bitmap_for_each(struct iova_bitmap *bitmap, void *opaque,
			 iova_bitmap_fn_t fn)
{
	unsigned long index = 0;
	int ret = 0;

	while (!ret && index < bitmap->npages) {
		ret = window_visit(bitmap, index, opaque, fn);
		index += bitmap->capacity;
	}
	return ret;
}
EXPORT_SYMBOL_NS_GPL(iova_bitmap_for_each, IOMMUFD);

/* The bitmap is an array of u64, bytes are what is stored */
static unsigned int bit_to_byte(unsigned int bit)
{
	unsigned int byte = bit / BITS_PER_BYTE;

	if (IS_ENABLED(CONFIG_CPU_BIG_ENDIAN))
		byte ^= sizeof(u64) - 1;
	return byte;
}

static void bytes_set_bit(u8 *bytes, unsigned int bit)
{
	/* Two readers that share it are the process's affair. */
	data_race(bytes[bit_to_byte(bit)] |= BIT(bit % BITS_PER_BYTE));
}

/*
 * Set the bits from first to last of a page. Bytes that hold none of them may
 * belong to something else in the process, so they are not even rewritten.
 */
static void page_set_bits(struct page *page, unsigned int first,
			  unsigned int last)
{
	u8 *bytes = kmap_local_page(page);
	unsigned int bit = first;

	while (bit <= last) {
		unsigned int nwords = (last + 1 - bit) / BITS_PER_U64;

		if (nwords && IS_ALIGNED(bit, BITS_PER_U64)) {
			memset(bytes + bit / BITS_PER_BYTE, 0xff,
			       nwords * sizeof(u64));
			bit += nwords * BITS_PER_U64;
		} else {
			bytes_set_bit(bytes, bit++);
		}
	}
	flush_dcache_page(page);
	kunmap_local(bytes);
}

/* The page of the bitmap at index, if it is in the window */
static struct page *window_page(struct iova_bitmap *bitmap, unsigned long index)
{
	/* Wraps for what is before the window, and fails the comparison */
	index -= bitmap->window_index;
	return index < bitmap->window_npages ? bitmap->window[index] : NULL;
}

/* The page of the bitmap at index takes the bits from first to last */
static int index_set_bits(struct iova_bitmap *bitmap, unsigned long index,
			  unsigned int first, unsigned int last)
{
	struct page *page = window_page(bitmap, index);
	int ret;

	if (page) {
		page_set_bits(page, first, last);
		return 0;
	}

	ret = bitmap_pin_pages(bitmap, index, 1, &page);
	if (ret < 0)
		return ret;
	page_set_bits(page, first, last);
	unpin_user_pages_dirty_lock(&page, 1, true);
	return 0;
}

/* Returns how many bits from bit to last are in the same page of the bitmap */
static unsigned long set_bits_in_one_page(struct iova_bitmap *bitmap,
					  unsigned long bit,
					  unsigned long last)
{
	unsigned long offset = bit_to_offset(bitmap, bit);
	unsigned int first = offset_in_page(offset) * BITS_PER_BYTE +
			     bit % BITS_PER_BYTE;
	unsigned long nbits = min(PAGE_SIZE * BITS_PER_BYTE - first,
				  last - bit + 1);
	int ret;

	ret = index_set_bits(bitmap, offset / PAGE_SIZE, first,
			     first + nbits - 1);
	if (ret && !bitmap->error)
		bitmap->error = ret;
	return nbits;
}

/* Set one bit in the window; false if it is not there. */
static bool window_set_bit(struct iova_bitmap *bitmap, unsigned long bit)
{
	unsigned long offset = bit_to_offset(bitmap, bit);
	struct page *page = window_page(bitmap, offset / PAGE_SIZE);
	u8 *bytes;

	if (!page)
		return false;
	bytes = kmap_local_page(page);
	bytes_set_bit(bytes, offset_in_page(offset) * BITS_PER_BYTE +
			     bit % BITS_PER_BYTE);
	flush_dcache_page(page);
	kunmap_local(bytes);
	return true;
}

/**
 * iova_bitmap_set() - Set the bits of all pages that a range of IOVA touches
 * @bitmap: the bitmap
 * @iova: first byte; may be before the range of the bitmap
 * @length: bytes; may reach beyond the range of the bitmap
 *
 * What is outside of the range of the bitmap is left out. What is inside but
 * cannot be stored, because it is outside of the window and its memory cannot
 * be pinned, is an error that iova_bitmap_for_each() returns.
 *
 * Context: process context with the mm of the bitmap, sleeps. Usually called by
 * the function that iova_bitmap_for_each() visits with.
 */
void iova_bitmap_set(struct iova_bitmap *bitmap, unsigned long iova,
		     size_t length)
{
	unsigned long last, bit, last_bit;

	if (!length)
		return;
	if (check_add_overflow(iova, length - 1, &last))
		last = ULONG_MAX;
	if (last < bitmap->iova || iova > bitmap->last)
		return;

	bit = iova_to_bit(bitmap, max(iova, bitmap->iova));
	last_bit = iova_to_bit(bitmap, min(last, bitmap->last));
	if (bit == last_bit && window_set_bit(bitmap, bit))
		return;
	while (bit <= last_bit)
		bit += set_bits_in_one_page(bitmap, bit, last_bit);
}
EXPORT_SYMBOL_NS_GPL(iova_bitmap_set, IOMMUFD);

MODULE_DESCRIPTION("Bitmaps of dirty IOVA in user memory");
MODULE_LICENSE("GPL");
