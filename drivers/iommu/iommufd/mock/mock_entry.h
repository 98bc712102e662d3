/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_MOCK_ENTRY_H
#define __IOMMUFD_MOCK_ENTRY_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct iommu_domain;

/**
 * struct mock_entries - The entries of all devices that use a page table
 * @lock: protects @list
 * @list: struct mock_entry, through &mock_entry.link
 * @tracking: writes of these devices are tracked
 */
struct mock_entries {
	struct mutex lock; /* see above */
	struct list_head list;
	bool tracking;
};

/**
 * struct mock_entry - What the hardware knows of a device
 * @value: the domain, and a bit that tells whether it tracks; 0 with a domain
 *         that has no page table. No lock protects it
 * @link: on &mock_entries.list
 * @entries: of the page table, NULL without one; lock of the IOMMU group
 * @domain: what belongs in @value; as @entries
 */
struct mock_entry {
	unsigned long value;
	struct list_head link;
	struct mock_entries *entries;
	const struct iommu_domain *domain;
};

void mock_entries_init(struct mock_entries *entries);
void mock_entries_destroy(struct mock_entries *entries);
void mock_entries_set_tracking(struct mock_entries *entries, bool enable);
void mock_entry_enter(struct mock_entry *entry, struct mock_entries *entries,
		      const struct iommu_domain *domain);
void mock_entry_leave(struct mock_entry *entry);

#endif
