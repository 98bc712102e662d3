// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * What the hardware of the mock IOMMU knows of a device, as in a device table.
 *
 * It is no better than AMD-Vi. Turning tracking on or off reads, changes and
 * writes back the entry of each device of a page table. Attaching and detaching
 * change the entry without a lock in common with that. So it is up to whoever
 * calls that they exclude each other. If they do not, an entry can end up with
 * a domain that was left, or a device writes without a trace. The mock IOMMU
 * warns of both.
 */
#include "mock_entry.h"

#include <linux/bug.h>
#include <linux/cleanup.h>
#include <linux/delay.h>
#include <linux/moduleparam.h>

/* Domains are aligned, so there is room for a bit. */
#define ENTRY_TRACKS 1UL

static unsigned int mock_entry_delay;
module_param(mock_entry_delay, uint, 0644);
MODULE_PARM_DESC(mock_entry_delay,
		 "Microseconds from when the mock IOMMU reads what an entry depends on until it writes the entry (0)");

/* Between reading and writing, where it takes others to make a difference. */
static void entry_pause(void)
{
	unsigned int us = READ_ONCE(mock_entry_delay);

	if (us)
		usleep_range(us, us + us / 2);
}

static unsigned long entry_value(const struct iommu_domain *domain,
				 bool tracking)
{
	return (unsigned long)domain | (tracking ? ENTRY_TRACKS : 0);
}

/**
 * mock_entries_init() - Begin with a page table that no device uses
 * @entries: of the page table
 *
 * Context: any.
 */
void mock_entries_init(struct mock_entries *entries)
{
	mutex_init(&entries->lock);
	INIT_LIST_HEAD(&entries->list);
}

/**
 * mock_entries_destroy() - Undo mock_entries_init()
 * @entries: of a page table that no device uses
 *
 * Context: any.
 */
void mock_entries_destroy(struct mock_entries *entries)
{
	WARN_ON_ONCE(!list_empty(&entries->list));
	mutex_destroy(&entries->lock);
}

/**
 * mock_entries_set_tracking() - Track writes of all devices of a page table
 * @entries: of the page table
 * @enable: or track none
 *
 * Context: may sleep. No device comes or goes meanwhile.
 */
void mock_entries_set_tracking(struct mock_entries *entries, bool enable)
{
	struct mock_entry *entry;

	guard(mutex)(&entries->lock);
	list_for_each_entry(entry, &entries->list, link) {
		unsigned long value = READ_ONCE(entry->value) & ~ENTRY_TRACKS;

		entry_pause();
		WRITE_ONCE(entry->value, value | (enable ? ENTRY_TRACKS : 0));
	}
	WRITE_ONCE(entries->tracking, enable);
}

/**
 * mock_entry_enter() - Let a device use a domain
 * @entry: of the device, which uses none
 * @entries: of the page table that addresses pass last
 * @domain: what it is to use; has that page table, or is nested in one that has
 *
 * Context: may sleep; lock of the IOMMU group held. Nobody turns tracking on or
 * off meanwhile.
 */
void mock_entry_enter(struct mock_entry *entry, struct mock_entries *entries,
		      const struct iommu_domain *domain)
{
	bool tracking;

	scoped_guard(mutex, &entries->lock)
		list_add_tail(&entry->link, &entries->list);
	entry->entries = entries;
	entry->domain = domain;
	tracking = READ_ONCE(entries->tracking);
	entry_pause();
	WRITE_ONCE(entry->value, entry_value(domain, tracking));
}

/**
 * mock_entry_leave() - Stop DMA of a device
 * @entry: of the device, which may have no page table
 *
 * Context: may sleep; lock of the IOMMU group held. Nobody turns tracking on or
 * off meanwhile.
 */
void mock_entry_leave(struct mock_entry *entry)
{
	struct mock_entries *entries = entry->entries;

	if (!entries)
		return;
	/* Was it tracked, if it had to be? */
	WARN_ON_ONCE(READ_ONCE(entry->value) !=
		     entry_value(entry->domain, READ_ONCE(entries->tracking)));
	WRITE_ONCE(entry->value, 0);
	scoped_guard(mutex, &entries->lock)
		list_del(&entry->link);
	/* Whoever found it on the list is done, and must not have used that. */
	WARN_ON_ONCE(READ_ONCE(entry->value));
	entry->entries = NULL;
	entry->domain = NULL;
}
