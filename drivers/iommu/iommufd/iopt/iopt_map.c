// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Mapping.
 *
 * The lock of the tree is held for short steps only. A map first takes its IOVA
 * with areas that nobody may use yet, and publishes them when they are filled.
 */
#include "iopt_map.h"

#include <linux/bitops.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "io_pagetable.h"
#include "iopt_iova.h"
#include "iopt_lookup.h"
#include "iopt_unmap.h"
#include "lib/trace.h"
#include "pages/area.h"
#include "pages/iopt_fill.h"
#include "pages/iopt_unfill.h"
#include "pages/pages.h"
#include "pages/revoke.h"
#include "pin/account.h"
#include "pin/bill.h"
#include "pin/pin.h"
#include "pin/pin_device.h"
#include "pin/pin_file.h"
#include "pin/pin_user.h"

/**
 * iopt_mapping_init() - Begin to map
 * @mapping: to be set up
 * @iopt: where to
 * @iommu_prot: IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE
 * @flags: IOPT_MAP_*; with IOPT_MAP_FIXED the caller sets @mapping->iova
 *
 * Context: any.
 */
void iopt_mapping_init(struct iopt_mapping *mapping, struct io_pagetable *iopt,
		       int iommu_prot, unsigned int flags)
{
	*mapping = (struct iopt_mapping){
		.iopt = iopt,
		.flags = flags,
		.iommu_prot = iommu_prot,
	};
	INIT_LIST_HEAD(&mapping->areas);
}

static void mapping_add_area(struct iopt_mapping *mapping,
			     struct iopt_area *area, unsigned long length)
{
	area->iopt = mapping->iopt;
	area->domains = &mapping->iopt->domains;
	if (mapping->setup) {
		refcount_inc(&mapping->setup->refs);
		area->setup = mapping->setup;
	}
	list_add_tail(&area->list, &mapping->areas);
	mapping->length += length;
	mapping->bits |= area->page_offset | length;
}

/* From the second area on they have something to share. */
static int mapping_share_setup(struct iopt_mapping *mapping)
{
	struct iopt_setup *setup;
	struct iopt_area *first;

	if (mapping->setup || list_empty(&mapping->areas))
		return 0;
	setup = kmalloc(sizeof(*setup), GFP_KERNEL_ACCOUNT);
	if (!setup)
		return -ENOMEM;
	refcount_set(&setup->refs, 2);
	setup->published = false;
	first = list_first_entry(&mapping->areas, typeof(*first), list);
	first->setup = setup;
	mapping->setup = setup;
	return 0;
}

/* Takes over the reference to the pages, or those of the origin without any. */
static int mapping_add_pages(struct iopt_mapping *mapping,
			     const struct pin_origin *origin,
			     struct iopt_pages *pages, unsigned long offset,
			     unsigned long length)
{
	if (IS_ERR(pages)) {
		pin_origin_release(origin);
		return PTR_ERR(pages);
	}
	iopt_area_init(&pages->first_area, pages, offset, length,
		       mapping->iommu_prot);
	mapping_add_area(mapping, &pages->first_area, length);
	return 0;
}

static int mapping_add_piece(struct iopt_mapping *mapping,
			     struct pin_owner *owner,
			     const struct pin_piece *piece)
{
	unsigned long offset = offset_in_page(piece->start);
	unsigned long address = piece->start - offset;
	unsigned long npages = PFN_UP(piece->end - address);
	bool writable = mapping->iommu_prot & IOMMU_WRITE;
	struct iopt_pages *pages;
	struct pin_origin origin;
	int rc;

	rc = mapping_share_setup(mapping);
	if (rc)
		return rc;
	pin_owner_get(owner);
	if (piece->device) {
		pin_device_origin(&origin, owner, address, writable);
		pages = iopt_revoke_pages(&origin, npages, piece->device);
	} else {
		pin_user_origin(&origin, owner, address, writable);
		pages = iopt_pages_alloc(&origin, npages,
					 &mapping->iopt->spare_pages);
	}
	return mapping_add_pages(mapping, &origin, pages, offset,
				 piece->end - piece->start);
}

static int mapping_add_pieces(struct iopt_mapping *mapping,
			      struct pin_owner *owner, unsigned long uptr,
			      unsigned long end)
{
	struct pin_piece piece = { .start = uptr };
	int rc;

	for (;;) {
		rc = pin_device_find(end, mapping->iommu_prot & IOMMU_WRITE,
				     &piece);
		if (!rc)
			rc = mapping_add_piece(mapping, owner, &piece);
		if (rc || piece.end == end)
			return rc;
		if (fatal_signal_pending(current))
			return -EINTR;
		piece.start = piece.end;
		cond_resched();
	}
}

/**
 * iopt_mapping_add_user() - Map memory of the calling process
 * @mapping: without areas
 * @uptr: user virtual address of the first byte
 * @length: bytes
 * @account: of the context; the calling process is going to pay
 *
 * What is memory of devices there gets areas of its own.
 *
 * Context: process context of the owner of the memory, may sleep, takes its
 * mmap lock.
 * Return: 0; -EINVAL if @length is 0; -EOVERFLOW if the pages do not fit below
 * the top of the address space; -EFAULT as from pin_device_find() and
 * iopt_revoke_pages(); -ENOMEM; -EINTR on a fatal signal; -ERESTARTNOINTR to
 * have the system call made again, with nothing changed.
 */
int iopt_mapping_add_user(struct iopt_mapping *mapping, unsigned long uptr,
			  unsigned long length, struct pin_account *account)
{
	struct pin_owner *owner;
	unsigned long end, top;
	int rc;

	if (!length)
		return -EINVAL;
	if (check_add_overflow(uptr, length, &end) ||
	    check_add_overflow(end, PAGE_SIZE - 1, &top))
		return -EOVERFLOW;
	owner = pin_account_owner(account);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	rc = mapping_add_pieces(mapping, owner, uptr, end);
	pin_owner_put(owner);
	return rc;
}

/* Takes over the reference to the file. */
static int mapping_add_pages_of_file(struct iopt_mapping *mapping,
				     struct file *file, unsigned long start,
				     unsigned long length,
				     struct pin_account *account)
{
	unsigned long npages = PFN_UP(offset_in_page(start) + length);
	struct pin_bill *bill = pin_account_bill(account);
	struct pin_origin origin;
	int rc;

	if (IS_ERR(bill)) {
		fput(file);
		return PTR_ERR(bill);
	}
	rc = pin_file_origin(&origin, bill, file, start & PAGE_MASK,
			     mapping->iommu_prot & IOMMU_WRITE);
	if (rc) {
		fput(file);
		pin_bill_put(bill);
		return rc;
	}
	return mapping_add_pages(mapping, &origin,
				 iopt_pages_alloc(&origin, npages,
						  &mapping->iopt->spare_pages),
				 offset_in_page(start), length);
}

static int mapping_check_file(const struct iopt_mapping *mapping,
			      struct file *file, unsigned long end)
{
	int rc = pin_file_check(file, mapping->iommu_prot & IOMMU_WRITE);
	loff_t size = i_size_read(file_inode(file));

	if (!rc && end > size)
		rc = iommufd_refuse(-EINVAL, IOMMUFD_REFUSE_FILE_SIZE, end,
				    size);
	return rc;
}

/**
 * iopt_mapping_add_file() - Map a range of a file
 * @mapping: without areas
 * @fd: file descriptor of the calling process
 * @start: offset of the first byte in the file, bytes
 * @length: bytes
 * @account: of the context; the calling process is going to pay
 *
 * Context: process context, may sleep.
 * Return: 0; -EINVAL if @length is 0, the range ends beyond the file, or the
 * file is of a kind that cannot be mapped; -EOVERFLOW if the range wraps; -EBADF
 * if no file is open there; -EPERM if the file is not open for reading, or if
 * devices are to write, not for writing or sealed against it; -ENOMEM.
 */
int iopt_mapping_add_file(struct iopt_mapping *mapping, int fd,
			  unsigned long start, unsigned long length,
			  struct pin_account *account)
{
	struct file *file;
	unsigned long end;
	int rc;

	if (!length)
		return -EINVAL;
	/* In whole pages, which may be one more than a 32-bit kernel has. */
	if (check_add_overflow(start, length, &end) ||
	    end > ULONG_MAX - PAGE_SIZE)
		return -EOVERFLOW;
	file = fget(fd);
	if (!file)
		return -EBADF;
	rc = mapping_check_file(mapping, file, end);
	if (rc) {
		fput(file);
		return rc;
	}
	return mapping_add_pages_of_file(mapping, file, start, length,
					 account);
}

static int mapping_add_part(struct iopt_mapping *mapping,
			    const struct iopt_area_part *part)
{
	struct iopt_pages *pages = part->area->pages;
	struct iopt_area *area;
	int rc;

	if ((mapping->iommu_prot & IOMMU_WRITE) && !pages->origin.writable)
		return iommufd_refuse_node(-EPERM, IOMMUFD_REFUSE_RIGHTS,
					   &part->area->node);
	rc = mapping_share_setup(mapping);
	if (rc)
		return rc;
	area = iopt_area_alloc(pages, part->start_byte, part->length,
			       mapping->iommu_prot);
	if (!area)
		return -ENOMEM;
	mapping_add_area(mapping, area, part->length);
	return 0;
}

/**
 * iopt_mapping_add_copy() - Map memory that is mapped already
 * @mapping: without areas
 * @source: where the memory is mapped
 * @iova: first IOVA in @source
 * @length: bytes; may begin and end inside of areas, and cover several
 *
 * Each area is looked up by itself, so that a long copy stalls nobody. If
 * others change @source meanwhile the copy may show some areas as they were
 * before and some as they are after.
 *
 * Context: may sleep.
 * Return: 0; -EINVAL if @length is 0; -EOVERFLOW if the range wraps; -ENOENT
 * if a part of it is not mapped; -EPERM if devices are to write to memory that
 * was mapped for reading; -ENOMEM; -EINTR on a fatal signal.
 */
int iopt_mapping_add_copy(struct iopt_mapping *mapping,
			  struct io_pagetable *source, unsigned long iova,
			  unsigned long length)
{
	unsigned long last;

	if (!length)
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, &last))
		return -EOVERFLOW;
	mapping->copy = true;
	for (;;) {
		struct iopt_area_part part;
		int rc;

		rc = iopt_area_part_get(source, iova, last, &part);
		if (rc)
			return rc;
		rc = mapping_add_part(mapping, &part);
		iopt_area_put(part.area);
		if (rc)
			return rc;
		if (last - iova < part.length)
			return 0;
		iova += part.length;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
}

static struct iopt_area *mapping_first(struct iopt_mapping *mapping)
{
	return list_first_entry(&mapping->areas, struct iopt_area, list);
}

/*
 * Take the IOVA. With several areas the first keeps the place of all, also as
 * far as alignment goes.
 */
static void mapping_insert(struct iopt_mapping *mapping)
{
	struct iopt_area *first = mapping_first(mapping);

	first->node.start = mapping->iova;
	first->node.last = mapping->iova + (mapping->length - 1);
	iopt_insert_area(mapping->iopt, first,
			 __ffs(mapping->iova | mapping->bits | PAGE_SIZE));
	mapping->waiting = list_last_entry(&mapping->areas, struct iopt_area,
					   list);
}

static int mapping_take_step(struct iopt_mapping *mapping,
			     struct iopt_search *search)
{
	struct io_pagetable *iopt = mapping->iopt;
	unsigned long last;
	int rc;

	guard(rwsem_write)(&iopt->iova_rwsem);
	if (mapping->bits & (iopt->iova_alignment - 1))
		return iommufd_refuse(-EINVAL, IOMMUFD_REFUSE_ALIGNMENT,
				      mapping->bits, iopt->iova_alignment);
	if (!(mapping->flags & IOPT_MAP_FIXED))
		rc = iopt_search_step(iopt, search, &mapping->iova);
	else if (check_add_overflow(mapping->iova, mapping->length - 1, &last))
		rc = -EOVERFLOW;
	else
		rc = iopt_check_fixed(iopt, mapping->iova, last);
	if (!rc)
		rc = iopt_charge_area(iopt);
	if (!rc)
		mapping_insert(mapping);
	return rc;
}

static void mapping_search_init(struct iopt_mapping *mapping,
				struct iopt_search *search)
{
	struct iopt_area *first = mapping_first(mapping);
	const struct iopt_pages *pages = first->pages;
	/* Only a hint, so it does not matter if it changes. */
	unsigned long address = pages->revoke ?
					iopt_revoke_address(pages) :
					READ_ONCE(pages->origin.start);

	address += iopt_area_first(first) * PAGE_SIZE + first->page_offset;
	iopt_search_init(search, mapping->iopt, address, mapping->length);
}

static int mapping_take(struct iopt_mapping *mapping)
{
	struct iopt_search search __uninitialized;
	int rc;

	if (!(mapping->flags & IOPT_MAP_FIXED))
		mapping_search_init(mapping, &search);
	while ((rc = mapping_take_step(mapping, &search)) == -EAGAIN) {
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return rc;
}

/* Put the last area of those that wait where the first keeps its place. */
static void mapping_place(struct iopt_mapping *mapping, struct iopt_area *first)
{
	struct iopt_area *area = mapping->waiting;
	struct io_pagetable *iopt = mapping->iopt;
	unsigned long length = area->node.last + 1;

	area->node.last = first->node.last;
	area->node.start = area->node.last - (length - 1);
	iova_tree_shrink(&first->node, area->node.start - 1);
	iopt->mapped -= length;
	iopt_insert_area(iopt, area, iopt_area_alignment_order(area));
	mapping->waiting = list_prev_entry(area, list);
}

static int mapping_place_some(struct iopt_mapping *mapping,
			      struct iopt_area *first)
{
	struct io_pagetable *iopt = mapping->iopt;
	unsigned int i;

	guard(rwsem_write)(&iopt->iova_rwsem);
	for (i = 0; i < IOPT_AREAS_STEP && mapping->waiting != first; i++) {
		int rc = iopt_charge_area(iopt);

		if (rc)
			return rc;
		mapping_place(mapping, first);
	}
	if (mapping->waiting != first)
		return 0;
	iopt->areas_by_alignment[first->order]--;
	first->order = iopt_area_alignment_order(first);
	iopt->areas_by_alignment[first->order]++;
	return 0;
}

/* The IOVA is taken, so nobody minds how long it takes to share it out. */
static int mapping_place_all(struct iopt_mapping *mapping)
{
	struct iopt_area *first = mapping_first(mapping);

	while (mapping->waiting != first) {
		int rc = mapping_place_some(mapping, first);

		if (rc)
			return rc;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static int mapping_fill(struct iopt_mapping *mapping)
{
	struct iopt_area *area;

	list_for_each_entry(area, &mapping->areas, list) {
		int rc;

		rc = iopt_area_fill_domains(area);
		if (rc)
			return rc;
		if (!list_is_last(&area->list, &mapping->areas))
			cond_resched();
	}
	return 0;
}

/**
 * iopt_mapping_prepare() - Take the IOVA, and make the memory visible there
 * @mapping: with areas; on success @mapping->iova is set
 *
 * Context: may sleep, takes &io_pagetable.iova_rwsem for a moment. Holds no
 * lock that another IOVA needs while it fills.
 * Return: 0; -EINVAL if IOVA, length or memory are not aligned as the
 * io_pagetable demands, or the IOVA is reserved; -EEXIST if it is taken;
 * -EOVERFLOW if it wraps; -ENOSPC if no free range is long enough, where ranges
 * that others give up during a long search need not count, or there are as many
 * areas as may be; as iopt_area_fill_domains(); -EINTR on a fatal signal.
 */
int iopt_mapping_prepare(struct iopt_mapping *mapping)
{
	return mapping_take(mapping) ?:
	       mapping_place_all(mapping) ?:
	       mapping_fill(mapping);
}

/* Before others may unmap it, which they say as well. */
static void mapping_trace(const struct iopt_mapping *mapping)
{
	const struct io_pagetable *iopt = mapping->iopt;

	if (mapping->copy)
		trace_iommufd_copy(iopt->context, iopt->id, mapping->iova,
				   mapping->length);
	else
		trace_iommufd_map(iopt->context, iopt->id, mapping->iova,
				  mapping->length);
}

/* However many areas there are, they appear by one store. */
static void mapping_publish(struct iopt_mapping *mapping)
{
	struct iopt_setup *setup = mapping->setup;

	mapping_trace(mapping);
	if (!setup) {
		struct iopt_area *area = mapping_first(mapping);

		/* Whoever sees this may have the list entry. */
		smp_store_release(&area->state, IOPT_AREA_LIVE);
		return;
	}
	/* And this, the list entries. */
	smp_store_release(&setup->published, true);
	iopt_setup_put(setup);
}

/* Forget the areas up to @last that are not in the tree. */
static void mapping_drop(struct iopt_mapping *mapping, struct iopt_area *last)
{
	struct iopt_area *area = last, *prev;

	while (!list_entry_is_head(area, &mapping->areas, list) &&
	       (!mapping->waiting || area != mapping_first(mapping))) {
		prev = list_prev_entry(area, list);
		list_del(&area->list);
		iopt_area_put(area);
		area = prev;
		cond_resched();
	}
}

static void mapping_abort(struct iopt_mapping *mapping)
{
	unsigned long length = 0;

	mapping_drop(mapping, mapping->waiting ?:
			      list_last_entry(&mapping->areas,
					      struct iopt_area, list));
	iopt_areas_unfill(&mapping->areas);
	iopt_erase_areas(mapping->iopt, &mapping->areas, &length);
	if (mapping->setup)
		iopt_setup_put(mapping->setup);
}

/**
 * iopt_mapping_end() - Let everybody use the areas, or undo all steps
 * @mapping: prepared, if @rc is 0; else at any step
 * @rc: 0 if all went well
 *
 * Context: may sleep, takes &io_pagetable.iova_rwsem. Never needs memory.
 */
void iopt_mapping_end(struct iopt_mapping *mapping, int rc)
{
	lockdep_assert_not_held(&mapping->iopt->iova_rwsem);

	if (rc)
		mapping_abort(mapping);
	else
		mapping_publish(mapping);
}
