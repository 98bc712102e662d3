/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_DOMAINS_H
#define __IOMMUFD_DOMAINS_H

#include <linux/atomic.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/rwsem.h>
#include <linux/types.h>

struct iommu_domain;

/**
 * struct iopt_domain - A domain that is a member of an io_pagetable
 * @entry: in &iopt_domains.list, in the order of joining
 * @domain: the IOMMU's page table; set by the owner before joining
 * @alignment: what start and length of areas have to be a multiple of, bytes;
 *             set by joining
 * @joined: generation that begins with this domain in it
 * @left: first generation without this domain, U64_MAX as long as it stays
 *
 * Embedded in the hw_pagetable, so that leaving never needs memory.
 */
struct iopt_domain {
	struct list_head entry;
	struct iommu_domain *domain;
	unsigned long alignment;
	u64 joined;
	u64 left;
};

/**
 * struct iopt_domains - The domains that an io_pagetable keeps filled
 * @rwsem: protects all members but @npages, and @joined and @left of the
 *         entries. Held for single steps along the list only, never while pages
 *         are pinned or IOPTEs written. That may take for ever, and whoever
 *         waits for writing here makes everyone else wait, too.
 * @list: struct iopt_domain; a member that is leaving stays on the list until
 *        no area holds IOPTEs in it any more. Whether it is empty may be asked
 *        without a lock, as a hint
 * @generation: rises with each join and each leave
 * @count: length of @list
 * @npages: pages that areas have in the domains, each as often as an area has
 *          it, without memory of devices; changed by atomic operations
 * @huge_pages: contiguous memory may be one IOPTE; else one for each page. May be
 *              read without a lock
 *
 * An area remembers the generation it was filled for, and that alone tells
 * which domains it has IOPTEs in, see iopt_domain_in(). So a domain may join
 * or leave while areas are being filled and emptied.
 */
struct iopt_domains {
	struct rw_semaphore rwsem;
	struct list_head list;
	u64 generation;
	unsigned int count;
	atomic_long_t npages;
	bool huge_pages;
};

/**
 * iopt_domain_in() - Tell whether a domain belongs to a generation
 * @member: the domain
 * @generation: of an area, or the current one
 *
 * Context: nobody makes @member join or leave meanwhile. That takes
 * &iopt_domains.rwsem, except for whoever makes it leave.
 * Return: true if it does.
 */
static inline bool iopt_domain_in(const struct iopt_domain *member,
				  u64 generation)
{
	return member->joined <= generation && generation < member->left;
}

#endif
