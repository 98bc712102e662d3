// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * All contexts, by number. People know a context by its number: fdinfo says
 * which one a file has, tracepoints and debugfs name it.
 */
#include "context_list.h"

#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/xarray.h>

#include "context.h"

static DEFINE_XARRAY_ALLOC1(contexts);
static u32 next_number;

/**
 * iommufd_context_list_add() - Give a context a number
 * @ictx: complete, with its file
 *
 * A number is used again late, so that it means one context in a trace.
 *
 * Context: may sleep.
 * Return: 0; -ENOMEM; -EBUSY without a free number.
 */
int iommufd_context_list_add(struct iommufd_ctx *ictx)
{
	int rc = xa_alloc_cyclic(&contexts, &ictx->number, ictx, xa_limit_31b,
				 &next_number, GFP_KERNEL_ACCOUNT);

	return rc < 0 ? rc : 0;
}

/**
 * iommufd_context_list_remove() - Undo iommufd_context_list_add()
 * @ictx: whose file is closing
 *
 * Context: any but interrupts.
 */
void iommufd_context_list_remove(struct iommufd_ctx *ictx)
{
	xa_erase(&contexts, ictx->number);
}

/**
 * iommufd_context_list_get_from() - Find the next context
 * @number: the lowest that will do; receives that of the context
 *
 * Contexts whose file is closing are passed over. A process that ends may leave
 * many of them at once, so they are not all passed over under one lock.
 *
 * Context: may sleep.
 * Return: the context, to be given up with fput() of its file; NULL if there is
 * no other.
 */
struct iommufd_ctx *iommufd_context_list_get_from(unsigned long *number)
{
	struct iommufd_ctx *ictx;
	bool closing;

	for (;; ++*number) {
		xa_lock(&contexts);
		ictx = xa_find(&contexts, number, ULONG_MAX, XA_PRESENT);
		/* As long as it is listed, its file is not freed. */
		closing = ictx && !get_file_active(&ictx->file);
		xa_unlock(&contexts);
		if (!closing)
			return ictx;
		cond_resched();
	}
}
