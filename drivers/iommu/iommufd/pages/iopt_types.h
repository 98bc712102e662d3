/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IOPT_TYPES_H
#define __IOMMUFD_IOPT_TYPES_H

#include <linux/completion.h>
#include <linux/interval_tree.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "domains.h"
#include "lib/iova_tree.h"
#include "pin/pin.h"

struct access_list;
struct io_pagetable;
struct iommu_domain;
struct iopt_pages;
struct revoke_queue;

/**
 * DOC: Lock order
 *
 * The lines lead from outer locks down to inner ones. While a lock is held, any
 * lock may be taken that a line reaches from there. Two locks that no such path
 * joins are never held together::
 *
 *	iommufd_access.mutex            iommufd_group.lock
 *	  |                               |
 *	a driver's, in its unmap()      iommufd_ioas.mutex
 *	  |                               |
 *	iommufd_access.rwsem              |
 *	  |                               |
 *	  +---------------+---------------+
 *	                  |
 *	  +---------------+---------------+
 *	  |                               |
 *	iopt_pages.fill_mutex           io_pagetable.iova_rwsem
 *	  |                               |
 *	mm_struct.mmap_lock               |
 *	  |                               |
 *	iopt_pages.mutex                  |
 *	  |                               |
 *	  +---------------+---------------+
 *	                  |
 *	iopt_domains.rwsem
 *
 * iommufd_hwpt_paging.dirty_mutex is outside of iopt_pages.mutex and
 * iova_rwsem, and is held together with none of the other locks above.
 * io_pagetable.container_mutex is outside of iommufd_ioas.mutex, fill_mutex and
 * iova_rwsem. Nobody waits for it with a lock held, since it may be held in a
 * page fault.
 *
 * iommufd_domain_devices_rwsem is inside of dirty_mutex, iommufd_group.lock and
 * iommufd_ioas.mutex, with nothing but locks of the IOMMU core and its drivers
 * inside.
 *
 * The xa_lock of every xarray is innermost, whatever else is held, and so is
 * pin_account.lock, and the lock of the lists of owners. pin_account.bills_lock
 * comes inside of iopt_pages.mutex, and has only spinlocks inside. The lock of
 * a queue of page faults comes inside of those of groups and IOASes. It has
 * those of the IOMMU core and its drivers inside, but none that is held while a
 * fault is reported. The lock of those who owe is inside of the mmap lock and of
 * iopt_pages.mutex; whoever has it only tries mmap locks. Pinning a file takes
 * locks of folios, and for huge pages the lock of the inode, inside of
 * fill_mutex. Other locks of drivers, such as those that VFIO holds when
 * it attaches a device, are outside of all of these. Locks of the IOMMU core
 * and of IOMMU drivers come inside of those of groups, IOASes and pages.
 *
 * ====================  ======================================================
 * lock                  protects
 * ====================  ======================================================
 * iommufd_access.mutex  attach, replace and detach of one access
 * iommufd_access.rwsem  which IOAS an access acts on. Held for read while the
 *                       access pins, unpins or copies. Held for write only
 *                       to change that, with nothing inside
 * iommufd_group.lock    which page table the devices of a group use
 * fault queue's lock    whose page faults come into the queue, and how far each
 *                       is. IOMMU drivers take it when they report one
 * iommufd_ioas.mutex    joining and leaving of domains; the list of page
 *                       tables. Held to invalidate user addresses, so that no
 *                       domain needs one
 * dirty_mutex           whether a page table tracks writes
 * domain_devices_rwsem  which devices a domain has. Held for read by whoever
 *                       attaches or detaches some, for write while IOMMU
 *                       drivers set up tracking for all of them
 * container_mutex       whether an IOAS notes what in-kernel users touch; user
 *                       addresses that are invalidated and given anew
 * fill_mutex            pinning pages of this memory in order to store them:
 *                       whoever holds it is the only one who does. With
 *                       iopt_pages.mutex, who owns the memory, and its address
 * iopt_pages.mutex      all tiers of this memory, and the IOPTEs of all areas
 *                       over it
 * iova_rwsem            the three sets of ranges, the list of accesses, and
 *                       the state of areas
 * iopt_domains.rwsem    the list of domains and its generation
 * objects' xa_lock      what an ID stands for; the IOAS of containers; the
 *                       count of drivers
 * groups' xa_lock       the groups of a context, and taking references to them
 * pin_account.lock      which process has mapped last with a context
 * lists of owners       who has memory of a context, to show it
 * bills_lock            who pays for files, and how much; one for each context
 * list of debtors       whose locked_vm is still to be lowered
 * queues_lock           which processes have workers, and for which devices.
 *                       Held together with none of the others
 * ====================  ======================================================
 *
 * Pages have two locks, since pinning may take as long as user space likes, and
 * taking memory away from devices must not. *fill_mutex* is held while pages
 * are pinned, and waited for killably. *mutex* is held while what is stored
 * changes. Behind it nothing waits for a page fault or for the mmap lock.
 * pfn_reader_next() drops it while it pins, and keeps *fill_mutex*.
 *
 * Memory of a device has no use for *fill_mutex*. Its *mutex* is a class of its
 * own, since it comes further inside. An MMU notification takes it, under the
 * mmap lock, VFIO's memory_lock, the lock of a mapping of a file, or from
 * reclaim. So under it no memory is allocated that could wait for reclaim, and
 * the notifier is neither added nor removed. No two of them are held together.
 * Inside of it is the rwsem of the domains, and what IOMMU drivers take to write
 * and clear IOPTEs. lockdep is told of these orders when the first memory of a
 * kind is described, and reports the opposite whenever it happens.
 *
 * *iova_rwsem* is held for short steps. Under it no page is pinned, no IOPTE is
 * written, and no user memory is touched. It is never held together with a lock
 * of pages, in either order. That is what keeps a pin that does not end from
 * stalling maps and unmaps of other memory. The rwsem of the domains is held
 * for single steps along their list, for the same reason.
 *
 * Some locks are tried where waiting could deadlock or take long:
 *
 * * Whoever destroys a page table tries *iommufd_ioas.mutex*, and tries again
 *   later. An attach may hold it in a page fault.
 * * Whoever unmaps many areas waits for the *mutex* of one iopt_pages, and only
 *   tries those of others while it holds one.
 * * pfn_reader_lock() looks first whether all it wants is stored already. If not
 *   it tries *fill_mutex* under *mutex*, and takes both in order if that fails.
 * * Whoever gives back a charge to a process tries its mmap lock, and leaves the
 *   rest to a worker that tries again.
 * * fdinfo tries the lock of a group, which an attach may hold in a page fault.
 * * The checks of test kernels try the lock of a group, even under the xa_lock
 *   of the groups, and the mutex of an IOAS. They skip what they do not get.
 *
 * The unmap operation of an access may be called under *iommufd_access.mutex*,
 * so it must not attach, replace, detach or destroy that access. A lock that it
 * takes must not be held around these calls either. Around pinning, unpinning
 * and copying it may be held.
 */

/**
 * enum iopt_area_state - The life of an area
 * @IOPT_AREA_SETUP: its IOVA is taken, nobody may use it yet
 * @IOPT_AREA_LIVE: published
 * @IOPT_AREA_REMOVING: out of use, its IOVA is taken until the IOPTEs are gone
 * @IOPT_AREA_ERASED: not in the tree any more
 */
enum iopt_area_state {
	IOPT_AREA_SETUP,
	IOPT_AREA_LIVE,
	IOPT_AREA_REMOVING,
	IOPT_AREA_ERASED,
};

/**
 * enum iopt_area_content - What an area shows in the domains
 * @IOPT_AREA_EMPTY: nothing
 * @IOPT_AREA_FILLING: somebody is filling it; has IOPTEs up to where
 *                     &iopt_area.pages_node ends. That shows only while pages
 *                     are pinned, with &iopt_pages.fill_mutex
 * @IOPT_AREA_FILLED: IOPTEs in all domains of its generation
 * @IOPT_AREA_WITHDRAWN: nothing, as memory of a device is away, and comes back
 */
enum iopt_area_content {
	IOPT_AREA_EMPTY,
	IOPT_AREA_FILLING,
	IOPT_AREA_FILLED,
	IOPT_AREA_WITHDRAWN,
};

/**
 * struct iopt_setup - What areas share that are published at one moment
 * @refs: the areas, and whoever maps them
 * @published: nothing of the setup is left to do
 */
struct iopt_setup {
	refcount_t refs;
	bool published;
};

/**
 * struct iopt_area - A range of IOVA that shows a range of an iopt_pages
 * @node: the IOVA, in &io_pagetable.tree
 * @pages_node: the page indexes that are stored; in &iopt_pages.domains_itree
 *              exactly while @storage_domain is set; the start is constant
 * @last: the last page index, inclusive; constant
 * @iopt: the io_pagetable; constant
 * @domains: the domains of @iopt; constant
 * @pages: the memory, counted; constant
 * @storage_domain: the domain that stores the PFNs; none does for memory of a
 *                  device; @pages->mutex
 * @sole_member: the one domain of @generation; NULL if there are several, or
 *               none, or it is not known; @pages->mutex
 * @pfn: of the first page, if @one_run; @pages->mutex
 * @revoke_entry: of memory of a device, which has neither of the two above: on a
 *                list of &struct iopt_revoke while @content is not
 *                IOPT_AREA_EMPTY; @pages->mutex
 * @one_run: the domains hold the area in one physical run, which is as good as
 *           reading it back; @pages->mutex
 * @generation: of @domains that it is filled, or being filled, for;
 *              @pages->mutex. May be read without it
 * @reported: generation of @domains when user space was last told that devices
 *            may have written the area, or when it was filled; @pages->mutex
 * @page_offset: of the first byte in the first page, bytes; constant
 * @iommu_prot: IOMMU_READ, IOMMU_WRITE, and IOMMU_CACHE or, for memory of a
 *              device, IOMMU_MMIO; constant
 * @content: enum iopt_area_content; @pages->mutex. May be read without it, by
 *           whoever keeps others from filling the area
 * @prevent_access: no new accesses, the area is going away;
 *                  &io_pagetable.iova_rwsem for write. May be read without it,
 *                  with @pages->mutex to know that nobody has missed it
 * @vaddr_invalid: its user address is not valid any more, see iopt_address.c;
 *                 &io_pagetable.iova_rwsem
 * @state: &io_pagetable.iova_rwsem, but whoever publishes does without it: see
 *         iopt_area_state(). May be read without it by whoever waits for an end
 *         of IOPT_AREA_REMOVING
 * @setup: publishes several areas, with a reference; NULL for an area that is
 *         published alone; constant
 * @order: log2 of the alignment that &io_pagetable.areas_by_alignment counts it
 *         for, while it is in the tree; &io_pagetable.iova_rwsem
 * @num_accesses: pages that in-kernel users have pinned through this area, each
 *                as often as it is pinned, which changes under @pages->mutex; and
 *                copies under way, which begin under &io_pagetable.iova_rwsem.
 *                While it is not 0 the area stays in the tree
 * @refs: keeps the structure and @pages, not the IOPTEs
 * @list: for whoever maps or removes the area
 *
 * What may be read without its lock is read with READ_ONCE() then, and always
 * written with WRITE_ONCE().
 */
struct iopt_area {
	struct iova_node node;
	struct interval_tree_node pages_node;
	unsigned long last;
	struct io_pagetable *iopt;
	struct iopt_domains *domains;
	struct iopt_pages *pages;
	struct iommu_domain *storage_domain;
	union {
		struct {
			struct iopt_domain *sole_member;
			unsigned long pfn;
		};
		struct list_head revoke_entry;
	};
	u64 generation;
	u64 reported;
	unsigned int page_offset;
	int iommu_prot;
	u8 content;
	bool one_run;
	bool prevent_access;
	bool vaddr_invalid;
	u8 order;
	struct iopt_setup *setup;
	atomic_long_t num_accesses;
	enum iopt_area_state state;
	refcount_t refs;
	struct list_head list;
};

/**
 * struct iopt_revoke - Memory of a device, which may be taken away
 * @pages: it; constant
 * @queue: whose worker does what follows, with a reference; constant
 * @notifier: tells of changes of what the process has mapped there
 * @begin: begins a read for whoever maps the memory, with a reference to @pages
 * @begun: it has, and found @seq
 * @seq: of @notifier, for that read
 * @comeback: looks for memory that was taken away; has a reference to @pages
 *            while it is queued or runs
 * @end: frees all, when there is no reference any more
 * @retire: queues @end; constant
 * @pfn: of the first page, which the others follow; valid if @present. May be
 *       read without a lock, as a hint
 * @shown: areas that are IOPT_AREA_FILLED
 * @waiting: areas that are IOPT_AREA_WITHDRAWN
 * @tried: more of them, which @comeback could not fill in this round
 * @withdrawals: notifications that are being handled
 * @delay: before the next look, ms
 * @due: when @comeback is to look, jiffies; valid while it is pending
 * @present: @notifier has not told of a change since @pfn was read
 * @gone: it never comes back, since the process has unmapped it. May be read
 *        without a lock
 *
 * All that is not constant is protected by &iopt_pages.mutex, but for what
 * belongs to @begin. While the memory is not @present nothing becomes @shown.
 * What is still shown is withdrawn area by area, before the last of @withdrawals
 * ends. As long as areas wait, @comeback is queued or running, or will be when
 * the last of @withdrawals ends, unless the memory is @gone.
 */
struct iopt_revoke {
	struct iopt_pages *pages;
	struct revoke_queue *queue;
	struct mmu_interval_notifier notifier;
	struct work_struct begin;
	struct completion begun;
	unsigned long seq;
	struct delayed_work comeback;
	struct work_struct end;
	void (*retire)(struct iopt_pages *pages);
	unsigned long pfn;
	struct list_head shown;
	struct list_head waiting;
	struct list_head tried;
	unsigned int withdrawals;
	unsigned int delay;
	unsigned long due;
	bool present;
	bool gone;
};

/**
 * struct iopt_pages - A piece of memory, and where its PFNs are stored
 * @refs: areas and accesses that refer to it
 * @fill_mutex: held by whoever pins pages from @origin, which may take as long
 *              as user space likes, see pfn_reader_lock()
 * @mutex: protects everything below that is not constant, and all IOPTEs of
 *         all areas over this memory. Never held while something is waited for
 *         that user space can delay, such as a page fault or the mmap lock
 * @npages: size, in pages; constant
 * @npinned: pages that are stored; charged to the owner, if @origin is pinned
 * @origin: where PFNs come from in the first place, and who pays. Constant but
 *          for its owner and its start. They change under @fill_mutex and @mutex
 *          together, the owner with the charge. To look at them takes one of the
 *          two. An owner stays for whoever took a reference under one of them
 * @run_chunks: hint for reading tier two, see run_chunks.c; may be incomplete
 * @access_itree: tier one, struct iopt_pages_access, intervals of page indexes
 *                that do not overlap
 * @spare_access: an interval that is not in use, or NULL
 * @domains_itree: areas that have a storage domain, tier two, through
 *                 &iopt_area.pages_node, intervals of page indexes
 * @revoke: memory of a device; NULL for what is pinned; constant
 * @first_area: the area that the memory was mapped for; most have no other. It
 *              keeps a reference like any area, and is not used again
 *
 * A page is pinned, once, exactly if an interval of @access_itree or
 * @domains_itree covers it, or somebody with @fill_mutex has just pinned it.
 * Reading any other page pins it from @origin, tier three.
 */
struct iopt_pages {
	refcount_t refs;
	struct mutex fill_mutex;
	struct mutex mutex;
	unsigned long npages;
	unsigned long npinned;
	struct pin_origin origin;
	struct xarray run_chunks;
	struct rb_root_cached access_itree;
	struct iopt_pages_access *spare_access;
	struct rb_root_cached domains_itree;
	struct iopt_revoke *revoke;
	struct iopt_area first_area;
};

/**
 * struct iopt_pages_access - A range of pages that in-kernel users have pinned
 * @node: page indexes, in &iopt_pages.access_itree
 * @list: the PFNs, unless @one_run
 * @run_offset: what a page index lacks to be the PFN, if @one_run
 * @users: how often each of the pages is pinned, not 0
 * @one_run: the pages are physically contiguous
 *
 * A pin has a border of such a range at both of its ends. The borders stay as
 * long as the pages on both sides are pinned, so undoing a pin never needs
 * memory; undoing a part of one may.
 */
struct iopt_pages_access {
	struct interval_tree_node node;
	union {
		struct access_list *list;
		unsigned long run_offset;
	};
	unsigned int users;
	bool one_run;
};

/**
 * iopt_area_first() - Index of the first page of an area in its pages
 * @area: the area
 *
 * Context: any.
 * Return: the page index.
 */
static inline unsigned long iopt_area_first(const struct iopt_area *area)
{
	return area->pages_node.start;
}

/**
 * iopt_area_last() - Index of the last page of an area in its pages
 * @area: the area
 *
 * Context: any.
 * Return: the page index, inclusive.
 */
static inline unsigned long iopt_area_last(const struct iopt_area *area)
{
	return area->last;
}

/**
 * iopt_area_index_iova() - IOVA at which a page of an area begins
 * @area: the area
 * @index: page index, from the first to the last of the area
 *
 * Context: any.
 * Return: the IOVA; for the first page that of the area's first byte.
 */
static inline unsigned long iopt_area_index_iova(const struct iopt_area *area,
						 unsigned long index)
{
	if (index == iopt_area_first(area))
		return area->node.start;
	return area->node.start - area->page_offset +
	       (index - iopt_area_first(area)) * PAGE_SIZE;
}

/**
 * iopt_area_index_iova_last() - Last IOVA that a page of an area covers
 * @area: the area
 * @index: page index, from the first to the last of the area
 *
 * Context: any.
 * Return: the IOVA, inclusive.
 */
static inline unsigned long
iopt_area_index_iova_last(const struct iopt_area *area, unsigned long index)
{
	if (index == iopt_area_last(area))
		return area->node.last;
	return area->node.start - area->page_offset +
	       (index - iopt_area_first(area)) * PAGE_SIZE + (PAGE_SIZE - 1);
}

/**
 * iopt_area_npages() - Number of pages that an area shows
 * @area: the area
 *
 * Context: any.
 * Return: pages, those included that it shows a part of.
 */
static inline unsigned long iopt_area_npages(const struct iopt_area *area)
{
	return iopt_area_last(area) - iopt_area_first(area) + 1;
}

/**
 * iopt_area_window() - The IOVA of some pages of an area
 * @area: the area
 * @start: first page index
 * @last: last page index, inclusive
 * @length: receives the number of bytes
 *
 * Context: any.
 * Return: the first IOVA.
 */
static inline unsigned long iopt_area_window(const struct iopt_area *area,
					     unsigned long start,
					     unsigned long last,
					     unsigned long *length)
{
	unsigned long iova = iopt_area_index_iova(area, start);

	*length = iopt_area_index_iova_last(area, last) - iova + 1;
	return iova;
}

#endif
