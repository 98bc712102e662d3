// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * What /proc/PID/fdinfo/FD says of an open /dev/iommu. The file system lets only
 * those read it who may trace the process.
 *
 * Sums are shown, which are kept as they change, and of IOASes and devices not
 * more than some. So a program with a million of them is shown as quickly as one
 * with three. A lock that somebody may hold in a page fault is only tried.
 */
#include "fdinfo.h"

#include <linux/device.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "device/attach.h"
#include "device/group.h"
#include "device/hw_pagetable.h"
#include "iopt/io_pagetable.h"
#include "object/context.h"
#include "object/ioas.h"
#include "object/object.h"
#include "pin/account.h"

/* So many IOASes, and so many devices, are shown. */
#define SHOWN_OBJECTS 64

/* So many processes that pay are shown. */
#define SHOWN_CHARGES 16

static void show_counts(struct seq_file *seq, const unsigned long *counts)
{
	seq_printf(seq, "iommufd-objects:\tioas %lu hwpt-paging %lu hwpt-nested %lu device %lu access %lu fault-queue %lu\n",
		   counts[IOMMUFD_OBJ_IOAS], counts[IOMMUFD_OBJ_HWPT_PAGING],
		   counts[IOMMUFD_OBJ_HWPT_NESTED], counts[IOMMUFD_OBJ_DEVICE],
		   counts[IOMMUFD_OBJ_ACCESS], counts[IOMMUFD_OBJ_FAULT_QUEUE]);
}

/* The number by which whoever reads knows a process; 0 if it is none of theirs. */
static pid_t reader_pid(struct seq_file *seq, struct pid *pid)
{
	struct super_block *sb = file_inode(seq->file)->i_sb;

	/* Another process may have the number of one that is gone. */
	if (!pid_has_task(pid, PIDTYPE_TGID))
		return 0;
	return pid_nr_ns(pid, proc_pid_ns(sb));
}

static void show_charge(struct seq_file *seq, const struct pin_charge *charge)
{
	static const char * const modes[] = {
		[PIN_ACCOUNT_USER] = "user",
		[PIN_ACCOUNT_MM] = "process",
		[PIN_ACCOUNT_NONE] = "none",
	};

	seq_printf(seq, "iommufd-charge:\tpid %d mode %s limit %s pages %lu\n",
		   reader_pid(seq, charge->pid), modes[charge->mode],
		   charge->unlimited || charge->mode == PIN_ACCOUNT_NONE ?
			   "no" : "yes",
		   charge->npages);
}

/* Returns how many are left out. */
static unsigned int show_charges(struct seq_file *seq, struct iommufd_ctx *ictx)
{
	struct pin_charge charges[SHOWN_CHARGES];
	unsigned int i, count, more;

	count = pin_account_charges(&ictx->account, charges,
				    ARRAY_SIZE(charges), &more);
	for (i = 0; i < count; i++) {
		show_charge(seq, &charges[i]);
		put_pid(charges[i].pid);
	}
	return more;
}

static void show_ioas(struct seq_file *seq, struct iommufd_object *object)
{
	struct iopt_stats stats;

	iopt_get_stats(&iommufd_ioas_from(object)->iopt, &stats);
	seq_printf(seq, "iommufd-ioas:\t%u areas %lu mapped-bytes %lu domains %u device-pages %lu access-pages %lu\n",
		   object->id, stats.areas, stats.mapped, stats.domains,
		   stats.device_pages, stats.access_pages);
}

static void show_attach(struct seq_file *seq, const struct iommufd_attach *attach)
{
	seq_printf(seq, " ioas %u hwpt %u\n",
		   iommufd_attach_ioas(attach)->object.id,
		   attach->hwpt->object.id);
}

static void show_device(struct seq_file *seq, struct iommufd_object *object)
{
	struct iommufd_device *idev = iommufd_device_from(object);
	struct iommufd_group *group = idev->group;

	seq_printf(seq, "iommufd-device:\t%u name %s", object->id,
		   dev_name(idev->dev));
	/* An attach may hold it in a page fault. */
	if (!mutex_trylock(&group->lock)) {
		seq_puts(seq, " busy\n");
		return;
	}
	if (list_empty(&idev->attach_entry))
		seq_puts(seq, " detached\n");
	else
		show_attach(seq, group->attach);
	mutex_unlock(&group->lock);
}

/* Returns how many were shown. */
static unsigned int show_objects(struct seq_file *seq, struct iommufd_ctx *ictx,
				 enum iommufd_object_type type,
				 void (*show)(struct seq_file *seq,
					      struct iommufd_object *object))
{
	struct iommufd_object *object;
	unsigned int shown = 0;
	unsigned long id;

	for (id = 0; shown < SHOWN_OBJECTS; id++, shown++) {
		object = iommufd_object_get_from(ictx, &id, type);
		if (!object)
			break;
		show(seq, object);
		iommufd_object_put(object);
		cond_resched();
	}
	return shown;
}

static unsigned long left_out(unsigned long count, unsigned int shown)
{
	return shown < SHOWN_OBJECTS || count < shown ? 0 : count - shown;
}

/**
 * iommufd_show_fdinfo() - Describe a context in /proc/PID/fdinfo/FD
 * @ictx: the context
 * @seq: where to
 *
 * Context: process context of any reader; may sleep for short steps. Needs no
 * memory.
 */
void iommufd_show_fdinfo(struct iommufd_ctx *ictx, struct seq_file *seq)
{
	unsigned long counts[IOMMUFD_OBJ_TYPES];
	unsigned long ioas, device;
	unsigned int charges;

	iommufd_object_count(ictx, counts);
	seq_printf(seq, "iommufd-context:\t%u\n", ictx->number);
	show_counts(seq, counts);
	charges = show_charges(seq, ictx);
	ioas = left_out(counts[IOMMUFD_OBJ_IOAS],
			show_objects(seq, ictx, IOMMUFD_OBJ_IOAS, show_ioas));
	device = left_out(counts[IOMMUFD_OBJ_DEVICE],
			  show_objects(seq, ictx, IOMMUFD_OBJ_DEVICE,
				       show_device));
	if (ioas || device || charges)
		seq_printf(seq, "iommufd-omitted:\tioas %lu device %lu charge %u\n",
			   ioas, device, charges);
}
