// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Dirty pages of a VFIO container: VFIO_IOMMU_DIRTY_PAGES, and unmapping with a
 * bitmap. What is dirty, says iopt_touched.c. Here it gets into user memory,
 * through a buffer of one page and with no lock held. In the order of their
 * checks, and in what they write, these follow VFIO's type1.
 */
#include "vfio_dirty.h"

#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <uapi/linux/vfio.h>

#include "iopt/iopt_iova.h"
#include "iopt/iopt_lookup.h"
#include "iopt/iopt_touched.h"
#include "iopt/iopt_unmap.h"
#include "object/ioas.h"
#include "pages/iopt_types.h"

#define DIRTY_MIN_SIZE offsetofend(struct vfio_iommu_type1_dirty_bitmap, flags)

#define BITS_PER_U64 BITS_PER_TYPE(u64)

/* Pages that the buffer has bits for. */
#define WINDOW_PAGES (PAGE_SIZE * BITS_PER_BYTE)

/**
 * struct bitmap_writer - Whoever tells user space what is dirty
 * @visitor: is shown the areas, in the order of their IOVA
 * @base: page of IOVA, by number, that bit 0 of @data stands for
 * @data: user space's bitmap, of u64
 * @keep: do not forget what was told
 * @buffer: a page
 */
struct bitmap_writer {
	struct iopt_visitor visitor;
	unsigned long base;
	void __user *data;
	bool keep;
	unsigned long *buffer;
};

/*
 * As in type1: of the first u64 user space's bits stay, if the area begins
 * inside of it. All others are written as a whole.
 */
static int writer_copy(const struct bitmap_writer *writer,
		       const struct iopt_touched_window *window, bool join)
{
	void __user *to = writer->data +
			  (window->base - writer->base) / BITS_PER_BYTE;
	unsigned long npages = window->last - window->base + 1;
	DECLARE_BITMAP(first, BITS_PER_U64);

	if (join) {
		if (copy_from_user(first, to, sizeof(first)))
			return -EFAULT;
		bitmap_or(window->bitmap, window->bitmap, first, BITS_PER_U64);
	}
	return copy_to_user(to, window->bitmap,
			    ALIGN(npages, BITS_PER_U64) / BITS_PER_BYTE) ?
		       -EFAULT : 0;
}

static int writer_write(struct bitmap_writer *writer, struct iopt_area *area,
			struct iopt_touched_window *window)
{
	unsigned long start = area->node.start;
	bool join = window->first == start / PAGE_SIZE &&
		    (window->first != window->base || offset_in_page(start));
	int rc;

	memset(writer->buffer, 0, PAGE_SIZE);
	rc = iopt_area_read_touched(area, window);
	if (rc)
		return rc;
	rc = writer_copy(writer, window, join);
	if (rc)
		iopt_area_return_touched(area, window);
	return rc;
}

static int writer_visit(struct iopt_visitor *visitor, struct iopt_area *area)
{
	struct bitmap_writer *writer =
		container_of(visitor, struct bitmap_writer, visitor);
	unsigned long end = area->node.last / PAGE_SIZE;
	struct iopt_touched_window window = {
		.first = area->node.start / PAGE_SIZE,
		.bitmap = writer->buffer,
		.keep = writer->keep,
	};
	u64 generation = U64_MAX;

	for (;;) {
		int rc;

		window.base = writer->base +
			      round_down(window.first - writer->base,
					 BITS_PER_U64);
		window.last = min(end, window.base + (WINDOW_PAGES - 1));
		rc = writer_write(writer, area, &window);
		if (rc)
			return rc;
		generation = min(generation, window.generation);
		if (window.last == end)
			break;
		if (fatal_signal_pending(current))
			return -EINTR;
		window.first = window.last + 1;
		cond_resched();
	}
	if (!writer->keep)
		iopt_area_reported(area, generation);
	return 0;
}

static int writer_init(struct bitmap_writer *writer, unsigned long iova,
		       const struct vfio_bitmap *bitmap, bool keep)
{
	*writer = (struct bitmap_writer){
		.visitor.visit = writer_visit,
		.base = iova / PAGE_SIZE,
		.data = bitmap->data,
		.keep = keep,
		.buffer = kmalloc(PAGE_SIZE, GFP_KERNEL_ACCOUNT),
	};
	return writer->buffer ? 0 : -ENOMEM;
}

/* Whole pages, all of which an IOVA can name. */
static int check_range(struct iommufd_ioas *ioas, u64 iova, u64 size,
		       u64 page_size)
{
	u64 last;

	if (page_size != BIT(__ffs(iopt_page_sizes(&ioas->iopt))))
		return -EINVAL;
	if (!size || !IS_ALIGNED(iova | size, page_size))
		return -EINVAL;
	if (check_add_overflow(iova, size - 1, &last) || last > ULONG_MAX)
		return -EINVAL;
	return iopt_tracked(&ioas->iopt) ? 0 : -EINVAL;
}

/**
 * iommufd_vfio_check_bitmap() - Check a bitmap before anything else of a request
 * @size: of the range of IOVA, bytes
 * @bitmap: for that range, as user space describes it
 *
 * Context: process context.
 * Return: 0; -EINVAL if it is not one, has no bit or too few for the range, is
 * larger than VFIO_DIRTY_BITMAP_MAX, or is not in user space.
 */
int iommufd_vfio_check_bitmap(u64 size, const struct vfio_bitmap *bitmap)
{
	u64 npages;

	if (!access_ok(bitmap->data, bitmap->size) || !bitmap->pgsize)
		return -EINVAL;
	npages = size >> __ffs64(bitmap->pgsize);
	if (!npages || bitmap->size > VFIO_DIRTY_BITMAP_MAX ||
	    bitmap->size / sizeof(u64) < DIV_ROUND_UP_ULL(npages, BITS_PER_U64))
		return -EINVAL;
	return 0;
}

static int dirty_get(struct iommufd_ioas *ioas,
		     const struct vfio_iommu_type1_dirty_bitmap_get *get)
{
	struct bitmap_writer writer;
	int rc;

	rc = check_range(ioas, get->iova, get->size, get->bitmap.pgsize);
	if (!rc)
		rc = writer_init(&writer, get->iova, &get->bitmap, false);
	if (rc)
		return rc;
	rc = iopt_visit_tracked(&ioas->iopt, get->iova,
				get->iova + (get->size - 1), &writer.visitor);
	kfree(writer.buffer);
	return rc;
}

static int container_dirty_get(struct iommufd_ioas *ioas, u32 argsz,
			       void __user *arg)
{
	struct vfio_iommu_type1_dirty_bitmap_get get;
	u64 end;
	int rc;

	if (argsz - DIRTY_MIN_SIZE < sizeof(get))
		return -EINVAL;
	if (copy_from_user(&get, arg + DIRTY_MIN_SIZE, sizeof(get)))
		return -EFAULT;
	if (check_add_overflow(get.iova, get.size, &end))
		return -EINVAL;
	rc = iommufd_vfio_check_bitmap(get.size, &get.bitmap);
	if (rc)
		return rc;
	return ioas ? dirty_get(ioas, &get) : -ENODEV;
}

/**
 * iommufd_vfio_dirty_pages() - ioctl(VFIO_IOMMU_DIRTY_PAGES)
 * @ioas: what the container acts on, NULL without one
 * @arg: user space's structure
 *
 * Context: process context; may sleep, for long.
 * Return: 0; -EACCES with version 1 of type1; -EFAULT; -EINVAL for a request
 * that is wrong in itself, for a range that cuts an area, or if tracking has not
 * been started; -ENODEV without an IOAS; -ENOMEM; -EINTR on a fatal signal.
 */
int iommufd_vfio_dirty_pages(struct iommufd_ioas *ioas, void __user *arg)
{
	struct vfio_iommu_type1_dirty_bitmap dirty;

	if (ioas && READ_ONCE(ioas->vfio_type) == VFIO_TYPE1_IOMMU)
		return -EACCES;
	if (copy_from_user(&dirty, arg, DIRTY_MIN_SIZE))
		return -EFAULT;
	if (dirty.argsz < DIRTY_MIN_SIZE)
		return -EINVAL;
	switch (dirty.flags) {
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_START:
		return ioas ? iopt_track(&ioas->iopt) : -ENODEV;
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP:
		return ioas ? iopt_untrack(&ioas->iopt) : -ENODEV;
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP:
		return container_dirty_get(ioas, dirty.argsz, arg);
	}
	return -EINVAL;
}

/**
 * iommufd_vfio_unmap_dirty() - Unmap, and tell what was dirty
 * @ioas: the IOAS
 * @iova: first IOVA
 * @last: last IOVA, inclusive
 * @bitmap: after iommufd_vfio_check_bitmap()
 * @unmapped: receives the number of bytes that were unmapped
 *
 * User space is told before anything is unmapped, when in-kernel users have let
 * go of all.
 *
 * Context: process context; may sleep, for long.
 * Return: 0; -EINVAL if the range is not made of pages, the bitmap is not for
 * such pages, or tracking has not been started; -EFAULT if the bitmap cannot be
 * written; -ENOMEM; as iopt_unmap_by() with IOPT_UNMAP_TYPE1_V2. On failure
 * nothing is unmapped.
 */
int iommufd_vfio_unmap_dirty(struct iommufd_ioas *ioas, unsigned long iova,
			     unsigned long last,
			     const struct vfio_bitmap *bitmap,
			     unsigned long *unmapped)
{
	struct bitmap_writer writer;
	int rc;

	if (READ_ONCE(ioas->vfio_type) == VFIO_TYPE1_IOMMU)
		return -EINVAL;
	rc = check_range(ioas, iova, last - iova + 1, bitmap->pgsize);
	if (!rc)
		rc = writer_init(&writer, iova, bitmap, true);
	if (rc)
		return rc;
	rc = iopt_unmap_visited(&ioas->iopt, iova, last, IOPT_UNMAP_TYPE1_V2,
				&writer.visitor, unmapped);
	kfree(writer.buffer);
	return rc;
}
