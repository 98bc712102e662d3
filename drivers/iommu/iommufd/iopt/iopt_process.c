// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * What another process can take over.
 */
#include "iopt_process.h"

#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "io_pagetable.h"
#include "iopt_iova.h"
#include "iopt_lookup.h"
#include "lib/trace.h"

static int area_check_file(const struct iopt_area *area)
{
	if (iopt_area_state(area) == IOPT_AREA_SETUP)
		return iommufd_refuse_node(-EBUSY, IOMMUFD_REFUSE_BUSY,
					   &area->node);
	if (!area->pages->origin.file)
		return iommufd_refuse_node(-EINVAL, IOMMUFD_REFUSE_NO_FILE,
					   &area->node);
	return 0;
}

/* Some areas from @start on, which moves behind them. 1 says: there are more. */
static int check_step(struct io_pagetable *iopt, unsigned long *start)
{
	struct iova_node *node;
	unsigned int i;
	int rc;

	guard(rwsem_read)(&iopt->iova_rwsem);
	for (i = 0; i < IOPT_AREAS_STEP; i++) {
		node = iova_tree_first(&iopt->tree, *start, ULONG_MAX);
		if (!node)
			return 0;
		rc = area_check_file(iopt_area_from_node(node));
		if (rc)
			return rc;
		if (node->last == ULONG_MAX)
			return 0;
		*start = node->last + 1;
	}
	return 1;
}

/**
 * iopt_check_files() - Tell whether all that is mapped are files
 * @iopt: the io_pagetable
 *
 * Looks at some areas at a time, so that it stalls nobody. What others map or
 * unmap meanwhile may count or not.
 *
 * Context: may sleep, takes &io_pagetable.iova_rwsem for read.
 * Return: 0; -EINVAL if there is memory of a process; -EBUSY if an area is just
 * being mapped; -EINTR on a fatal signal.
 */
int iopt_check_files(struct io_pagetable *iopt)
{
	unsigned long start = 0;
	int rc;

	while ((rc = check_step(iopt, &start)) > 0) {
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return rc;
}
