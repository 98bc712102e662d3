/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IO_PAGETABLE_H
#define __IOMMUFD_IO_PAGETABLE_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <asm/page.h>

#include "lib/iova_ranges.h"
#include "lib/iova_tree.h"
#include "lib/sparse_bits.h"
#include "pages/domains.h"

struct iopt_pages;

/**
 * struct io_pagetable - The map from IOVA to memory of one IOAS
 * @iova_rwsem: protects all other members but @domains, and the state of
 *              the areas. Never held while pages are pinned, IOPTEs
 *              are written or user memory is touched. No other lock of ours but
 *              &iopt_domains.rwsem is taken inside.
 * @tree: the areas, in every state
 * @reserved: IOVA that no area may use, with owners: a device, a domain
 * @allowed: where automatic allocation looks, if not empty; never overlaps
 *           @reserved
 * @iova_alignment: what start and length of an area have to be a multiple of,
 *                  bytes; PAGE_SIZE without huge pages. Else as the domains
 *                  and accesses need it, at most PAGE_SIZE, and 1 without any
 * @areas_by_alignment: number of areas whose largest alignment is 1 << index
 * @users_by_alignment: number of domains and accesses that need areas to be
 *                      aligned to 1 << index
 * @mapped: bytes that all areas cover
 * @areas_left: how many more areas there may be, in this and all others with
 *              the same counter; NULL without a limit; constant
 * @context: number of the context that it belongs to, 0 in none; constant
 * @id: of its IOAS, by which tracepoints name it; constant
 * @domains: the domains that are kept filled
 * @erased: woken when areas are not on their way out any more
 * @accesses: struct iopt_access
 * @unpinned: woken when an in-kernel user has let go of an area that is on its
 *            way out, or of everything on its own. Also when a copy has ended,
 *            or a caller of &iopt_access.unmap is back
 * @container_mutex: serialises changes of @tracked, and those who invalidate
 *                   addresses or give new ones
 * @tracked: what in-kernel users touch is noted in @touched; @container_mutex.
 *           May be read without it
 * @tracked_since: the generation of @domains when that began; the lock of
 *                 @domains
 * @touched: pages of IOVA, by number, that in-kernel users have pinned or
 *           written since user space was last told; has a lock of its own
 * @spare_pages: a structure for the next map, or NULL; exchanged atomically
 * @invalid_vaddrs: areas whose user address was invalidated; as long as there
 *                  are any, no domain and no access may join
 */
struct io_pagetable {
	struct rw_semaphore iova_rwsem;
	struct iova_tree tree;
	struct iova_ranges reserved;
	struct iova_ranges allowed;
	unsigned long iova_alignment;
	unsigned long areas_by_alignment[PAGE_SHIFT + 1];
	unsigned long users_by_alignment[PAGE_SHIFT + 1];
	unsigned long mapped;
	atomic_long_t *areas_left;
	u32 context;
	u32 id;
	struct iopt_domains domains;
	wait_queue_head_t erased;
	struct list_head accesses;
	wait_queue_head_t unpinned;
	struct mutex container_mutex;
	bool tracked;
	u64 tracked_since;
	struct sparse_bits touched;
	struct iopt_pages *spare_pages;
	unsigned long invalid_vaddrs;
};

/**
 * struct iopt_access - An in-kernel user of an io_pagetable
 * @entry: in &io_pagetable.accesses; &io_pagetable.iova_rwsem
 * @unmap: asks the user to let go of length bytes from iova, all of which is
 *         pinned; NULL if it never pins. Called without locks. Constant.
 * @alignment: what start and length of areas have to be a multiple of as long
 *             as the user is there, bytes; constant
 * @npinned: pages that the user has pinned, each as often as it is pinned; the
 *           user adds before it pins, and tells iopt_note_unpinned() after it
 *           has unpinned. Whoever has none is not asked for any.
 * @callers: threads that are in @unmap, or about to be
 * @leaving: nobody calls @unmap any more; &io_pagetable.iova_rwsem. May be read
 *           without it by the user itself
 */
struct iopt_access {
	struct list_head entry;
	void (*unmap)(struct iopt_access *access, unsigned long iova,
		      unsigned long length);
	unsigned long alignment;
	atomic_long_t npinned;
	atomic_t callers;
	bool leaving;
};

/**
 * struct iopt_stats - What a person wants to know about an io_pagetable
 * @areas: number of areas
 * @mapped: bytes of IOVA that they cover
 * @domains: number of domains
 * @device_pages: pages that areas have in the domains, each as often as an area
 *                has it
 * @access_pages: pages that in-kernel users have pinned or are just pinning, each
 *                as often as it is pinned
 * @largest_gap: bytes of the longest range without an area, reserved or not
 */
struct iopt_stats {
	unsigned long areas;
	unsigned long mapped;
	unsigned int domains;
	unsigned long device_pages;
	unsigned long access_pages;
	unsigned long largest_gap;
};

void iopt_init(struct io_pagetable *iopt);
void iopt_destroy(struct io_pagetable *iopt);

int iopt_set_huge_pages(struct io_pagetable *iopt, bool enable);
bool iopt_huge_pages(struct io_pagetable *iopt);
bool iopt_areas_below(const struct io_pagetable *iopt, unsigned long alignment);
int iopt_check_join(const struct io_pagetable *iopt, unsigned long alignment);
void iopt_add_alignment(struct io_pagetable *iopt, unsigned long alignment);
void iopt_remove_alignment(struct io_pagetable *iopt, unsigned long alignment);

void iopt_get_stats(struct io_pagetable *iopt, struct iopt_stats *stats);

#endif
