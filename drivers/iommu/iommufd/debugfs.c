// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * For root: all IOASes, and all areas, of all open files.
 *
 * There may be millions. So a reader has a cursor, which is three numbers, and
 * holds nothing between two records: neither a lock nor a reference. What comes
 * and goes meanwhile is seen or not.
 */
#include "debugfs.h"

#include <linux/debugfs.h>
#include <linux/file.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>

#include "iopt/iopt_view.h"
#include "object/context.h"
#include "object/context_list.h"
#include "object/ioas.h"
#include "object/object.h"

/**
 * struct cursor - Where a reader is
 * @context: number of a context
 * @ioas: an ID in it
 * @iova: an IOVA in that
 * @view: the area there
 * @stats: of the IOAS
 */
struct cursor {
	unsigned long context;
	unsigned long ioas;
	unsigned long iova;
	struct iopt_area_view view;
	struct iopt_stats stats;
};

static void cursor_next_context(struct cursor *cursor)
{
	cursor->context++;
	cursor->ioas = 0;
	cursor->iova = 0;
}

static void cursor_next_ioas(struct cursor *cursor)
{
	cursor->ioas++;
	cursor->iova = 0;
}

static struct iommufd_ctx *cursor_get_context(struct cursor *cursor)
{
	unsigned long number = cursor->context;
	struct iommufd_ctx *ictx = iommufd_context_list_get_from(&number);

	/* The one before is gone. */
	if (number != cursor->context) {
		cursor->context = number;
		cursor->ioas = 0;
		cursor->iova = 0;
	}
	return ictx;
}

/* The first IOAS from the cursor on, which moves there; NULL at the end. */
static struct iommufd_ioas *cursor_get_ioas(struct cursor *cursor)
{
	struct iommufd_object *object;
	struct iommufd_ctx *ictx;
	unsigned long id;

	while ((ictx = cursor_get_context(cursor))) {
		id = cursor->ioas;
		object = iommufd_object_get_from(ictx, &id, IOMMUFD_OBJ_IOAS);
		if (object) {
			if (id != cursor->ioas)
				cursor->iova = 0;
			cursor->ioas = id;
			return iommufd_ioas_from(object);
		}
		fput(ictx->file);
		cursor_next_context(cursor);
		cond_resched();
		if (fatal_signal_pending(current))
			break;
	}
	return NULL;
}

static void cursor_put_ioas(struct iommufd_ioas *ioas)
{
	struct file *file = ioas->object.ictx->file;

	iommufd_object_put(&ioas->object);
	fput(file);
}

/* Each of these returns the cursor if there is a record, else NULL. */
static struct cursor *cursor_see_ioas(struct cursor *cursor)
{
	struct iommufd_ioas *ioas = cursor_get_ioas(cursor);

	if (!ioas)
		return NULL;
	iopt_get_stats(&ioas->iopt, &cursor->stats);
	cursor_put_ioas(ioas);
	return cursor;
}

static struct cursor *cursor_see_area(struct cursor *cursor)
{
	struct iommufd_ioas *ioas;
	bool found = false;

	while ((ioas = cursor_get_ioas(cursor))) {
		found = iopt_area_view_from(&ioas->iopt, cursor->iova,
					    &cursor->view);
		cursor_put_ioas(ioas);
		if (found)
			return cursor;
		cursor_next_ioas(cursor);
		/* There may be millions without an area. */
		cond_resched();
		if (fatal_signal_pending(current))
			break;
	}
	return NULL;
}

static void cursor_begin(struct cursor *cursor, loff_t pos)
{
	/* Else it is where the reader has stopped. */
	if (!pos)
		*cursor = (struct cursor){};
}

static void see_stop(struct seq_file *seq, void *record)
{
}

static void *ioas_start(struct seq_file *seq, loff_t *pos)
{
	cursor_begin(seq->private, *pos);
	return cursor_see_ioas(seq->private);
}

static void *ioas_next(struct seq_file *seq, void *record, loff_t *pos)
{
	++*pos;
	cursor_next_ioas(record);
	return cursor_see_ioas(record);
}

static int ioas_show(struct seq_file *seq, void *record)
{
	const struct cursor *cursor = record;
	const struct iopt_stats *stats = &cursor->stats;

	seq_printf(seq, "context=%lu ioas=%lu areas=%lu mapped-bytes=%lu domains=%u device-pages=%lu access-pages=%lu largest-gap=%lu\n",
		   cursor->context, cursor->ioas, stats->areas, stats->mapped,
		   stats->domains, stats->device_pages, stats->access_pages,
		   stats->largest_gap);
	return 0;
}

static void *areas_start(struct seq_file *seq, loff_t *pos)
{
	cursor_begin(seq->private, *pos);
	return cursor_see_area(seq->private);
}

static void *areas_next(struct seq_file *seq, void *record, loff_t *pos)
{
	struct cursor *cursor = record;

	++*pos;
	if (cursor->view.last == ULONG_MAX)
		cursor_next_ioas(cursor);
	else
		cursor->iova = cursor->view.last + 1;
	return cursor_see_area(cursor);
}

static int areas_show(struct seq_file *seq, void *record)
{
	static const char * const states[] = {
		[IOPT_AREA_SETUP] = "setup",
		[IOPT_AREA_LIVE] = "live",
		[IOPT_AREA_REMOVING] = "removing",
		[IOPT_AREA_ERASED] = "erased",
	};
	static const char * const contents[] = {
		[IOPT_AREA_EMPTY] = "empty",
		[IOPT_AREA_FILLING] = "filling",
		[IOPT_AREA_FILLED] = "filled",
		[IOPT_AREA_WITHDRAWN] = "withdrawn",
	};
	const struct cursor *cursor = record;
	const struct iopt_area_view *view = &cursor->view;

	seq_printf(seq, "context=%lu ioas=%lu iova=%#lx last=%#lx rights=%s%s state=%s content=%s",
		   cursor->context, cursor->ioas, view->start, view->last,
		   view->iommu_prot & IOMMU_READ ? "r" : "",
		   view->iommu_prot & IOMMU_WRITE ? "w" : "",
		   states[view->state], contents[view->content]);
	seq_printf(seq, " pages=%lu accesses=%lu one-run=%d memory-pages=%lu memory-pinned=%lu memory-chunks=%lu\n",
		   view->npages, view->naccesses, view->one_run, view->memory,
		   view->pinned, view->chunks);
	return 0;
}

static const struct seq_operations ioas_ops = {
	.start = ioas_start,
	.next = ioas_next,
	.stop = see_stop,
	.show = ioas_show,
};

static const struct seq_operations areas_ops = {
	.start = areas_start,
	.next = areas_next,
	.stop = see_stop,
	.show = areas_show,
};

/* The operations of the file are its private data. */
static int see_open(struct inode *inode, struct file *file)
{
	return seq_open_private(file, inode->i_private, sizeof(struct cursor));
}

static const struct file_operations see_fops = {
	.owner = THIS_MODULE,
	.open = see_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = seq_release_private,
};

static struct dentry *directory;

/**
 * iommufd_debugfs_init() - Make the directory in debugfs
 *
 * Without it nothing else is missing, so that is no error.
 *
 * Context: once, when the module is loaded.
 */
void iommufd_debugfs_init(void)
{
	directory = debugfs_create_dir("iommufd", NULL);
	debugfs_create_file("ioas", 0400, directory, (void *)&ioas_ops,
			    &see_fops);
	debugfs_create_file("areas", 0400, directory, (void *)&areas_ops,
			    &see_fops);
}

/**
 * iommufd_debugfs_exit() - Undo iommufd_debugfs_init()
 *
 * Context: may sleep, waits for readers.
 */
void iommufd_debugfs_exit(void)
{
	debugfs_remove(directory);
}
