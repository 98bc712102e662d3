/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IO_PAGETABLE_H
#define __IOMMUFD_IO_PAGETABLE_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/list.h>
#include <linux/rwsem.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <asm/page.h>

#include "account.h"
#include "domain_list.h"
#include "iova_ranges.h"
#include "iova_tree.h"

struct device;
struct iommu_iova_range;
struct iopt_area;
struct iopt_setup;
struct page;

/**
 * struct io_pagetable - The map from IOVA to memory of one IOAS
 * @iova_rwsem: protects all other members but @domains, and the state of the
 *              areas. Never held while pages are pinned, IOPTEs are written or
 *              user memory is touched. No other lock of ours but
 *              &iopt_domains.rwsem is taken inside.
 * @tree: the areas, in every state
 * @reserved: IOVA that no area may use, with owners: a device, a domain
 * @allowed: where automatic allocation looks, if not empty; never overlaps
 *           @reserved
 * @iova_alignment: what start and length of an area have to be a multiple of,
 *                  bytes; 1 without a domain, an access that pins or the
 *                  option of small pages, at most PAGE_SIZE
 * @areas_by_alignment: number of areas whose largest alignment is 1 << index
 * @mapped: bytes that all areas cover
 * @areas_left: how many more areas there may be, in this and all others with
 *              the same counter; NULL without a limit; constant
 * @domains: the domains that are kept filled
 * @erased: woken when areas are not on their way out any more
 * @accesses: struct iopt_access
 * @unpinned: woken when an in-kernel user has let go of an area that is on its
 *            way out, or of everything on its own, or when a caller of
 *            &iopt_access.unmap is back
 */
struct io_pagetable {
	struct rw_semaphore iova_rwsem;
	struct iova_tree tree;
	struct iova_ranges reserved;
	struct iova_ranges allowed;
	unsigned long iova_alignment;
	unsigned long areas_by_alignment[PAGE_SHIFT + 1];
	unsigned long mapped;
	atomic_long_t *areas_left;
	struct iopt_domains domains;
	wait_queue_head_t erased;
	struct list_head accesses;
	wait_queue_head_t unpinned;
};

/**
 * struct iopt_access - An in-kernel user of an io_pagetable
 * @entry: in &io_pagetable.accesses; &io_pagetable.iova_rwsem
 * @unmap: asks the user to let go of length bytes from iova, all of which is
 *         pinned; NULL if it never pins. Called without locks. Constant.
 * @alignment: what start and length of areas have to be a multiple of as long
 *             as the user is there, bytes; constant
 * @pinned: pages that the user has pinned, each as often as it is pinned; the
 *          user adds before it pins, and tells iopt_note_unpinned() after it
 *          has unpinned. Who has none is not asked for any.
 * @callers: threads that are in @unmap, or about to be
 * @leaving: nobody calls @unmap any more; &io_pagetable.iova_rwsem
 */
struct iopt_access {
	struct list_head entry;
	void (*unmap)(struct iopt_access *access, unsigned long iova,
		      unsigned long length);
	unsigned long alignment;
	atomic_long_t pinned;
	atomic_t callers;
	bool leaving;
};

/* flags of iopt_pin_pages() */
#define IOPT_PIN_WRITE BIT(0)

/* flags of struct iopt_mapping */
#define IOPT_MAP_FIXED BIT(0)

/**
 * struct iopt_mapping - Areas on their way into an io_pagetable
 * @iopt: where to
 * @iova: first IOVA; input with IOPT_MAP_FIXED, else found by
 *        iopt_mapping_prepare()
 * @length: bytes
 * @flags: IOPT_MAP_*
 * @iommu_prot: IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE for all areas
 * @bits: all offsets in a page and lengths of the areas, ORed
 * @setup: publishes several areas, with a reference; NULL for one
 * @waiting: NULL before the IOVA is taken; then the last area that is not in
 *           the tree yet, or the first area if all are
 * @areas: struct iopt_area in the order of the IOVA
 *
 * The steps of mapping are init, add, prepare and end. The end is right after
 * any of them, undoes everything if that failed, and cannot fail itself.
 */
struct iopt_mapping {
	struct io_pagetable *iopt;
	unsigned long iova;
	unsigned long length;
	unsigned int flags;
	int iommu_prot;
	unsigned long bits;
	struct iopt_setup *setup;
	struct iopt_area *waiting;
	struct list_head areas;
};

/**
 * enum iopt_unmap_rule - What becomes of areas at the ends of a range
 * @IOPT_UNMAP_EXACT: -ENOENT if nothing is mapped or the range cuts an area,
 *                    -EBUSY if an area is still being mapped
 * @IOPT_UNMAP_TYPE1_V2: -ENOENT if the range cuts an area; what is still being
 *                       mapped counts as mapped afterwards
 * @IOPT_UNMAP_TYPE1_V1: an area that begins in the range is unmapped as a
 *                       whole; nothing is unmapped if the range begins inside
 *                       of one; what is still being mapped counts as mapped
 *                       afterwards
 */
enum iopt_unmap_rule {
	IOPT_UNMAP_EXACT,
	IOPT_UNMAP_TYPE1_V2,
	IOPT_UNMAP_TYPE1_V1,
};

/**
 * struct iopt_stats - What a person wants to know about an io_pagetable
 * @areas: number of areas
 * @mapped: bytes of IOVA that they cover
 * @domains: number of domains
 */
struct iopt_stats {
	unsigned long areas;
	unsigned long mapped;
	unsigned int domains;
};

void iopt_init(struct io_pagetable *iopt);
void iopt_destroy(struct io_pagetable *iopt);

void iopt_mapping_init(struct iopt_mapping *mapping, struct io_pagetable *iopt,
		       int iommu_prot, unsigned int flags);
int iopt_mapping_add_user(struct iopt_mapping *mapping, unsigned long uptr,
			  unsigned long length, enum pin_account_mode mode);
int iopt_mapping_add_copy(struct iopt_mapping *mapping,
			  struct io_pagetable *source, unsigned long iova,
			  unsigned long length);
int iopt_mapping_prepare(struct iopt_mapping *mapping);
void iopt_mapping_end(struct iopt_mapping *mapping, int rc);

unsigned long iopt_page_sizes(struct io_pagetable *iopt);
int iopt_unmap_by(struct io_pagetable *iopt, unsigned long start,
		  unsigned long last, enum iopt_unmap_rule rule,
		  unsigned long *unmapped);
int iopt_unmap(struct io_pagetable *iopt, unsigned long start,
	       unsigned long last, unsigned long *unmapped);
int iopt_unmap_all(struct io_pagetable *iopt, unsigned long *unmapped);
void iopt_empty(struct io_pagetable *iopt);

int iopt_set_allowed(struct io_pagetable *iopt, struct iova_ranges *allowed);
int iopt_reserve(struct io_pagetable *iopt, unsigned long start,
		 unsigned long last, const void *owner);
void iopt_unreserve(struct io_pagetable *iopt, const void *owner);
int iopt_reserve_device(struct io_pagetable *iopt, struct device *dev,
			const void *owner, phys_addr_t *sw_msi_start);
size_t iopt_usable_ranges(struct io_pagetable *iopt,
			  struct iommu_iova_range *out, size_t capacity,
			  unsigned long *alignment);

int iopt_add_domain(struct io_pagetable *iopt, struct iopt_domain *entry);
void iopt_remove_domain(struct io_pagetable *iopt, struct iopt_domain *entry);
int iopt_set_large_pages(struct io_pagetable *iopt, bool enable);
bool iopt_large_pages(struct io_pagetable *iopt);
unsigned long iopt_domain_alignment(const struct iopt_domain *entry);
bool iopt_areas_below(const struct io_pagetable *iopt, unsigned long alignment);
void iopt_refresh_alignment(struct io_pagetable *iopt);

int iopt_add_access(struct io_pagetable *iopt, struct iopt_access *access);
void iopt_retire_access(struct io_pagetable *iopt, struct iopt_access *access);
void iopt_remove_access(struct io_pagetable *iopt, struct iopt_access *access);
void iopt_evict_access(struct io_pagetable *iopt, struct iopt_access *access);
void iopt_note_unpinned(struct io_pagetable *iopt, struct iopt_access *access,
			unsigned long npages);
void iopt_notify_unmap(struct io_pagetable *iopt, struct iopt_area *area);
int iopt_pin_pages(struct io_pagetable *iopt, unsigned long iova,
		   unsigned long length, struct page **out_pages,
		   unsigned int flags);
unsigned long iopt_unpin_pages(struct io_pagetable *iopt, unsigned long iova,
			       unsigned long length);
int iopt_rw(struct io_pagetable *iopt, unsigned long iova, void *data,
	    unsigned long length, unsigned int flags);

void iopt_get_stats(struct io_pagetable *iopt, struct iopt_stats *stats);

#endif
