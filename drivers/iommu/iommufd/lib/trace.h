/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_TRACE_H
#define __IOMMUFD_TRACE_H

#include <trace/events/iommufd.h>

#include "iova_tree.h"

/**
 * iommufd_refuse() - Say why something fails
 * @error: a negative errno
 * @reason: the reason, which also says what the numbers are
 * @first: first IOVA of a range, or see &enum iommufd_refusal
 * @second: last IOVA of a range, or see there
 *
 * Costs one patched branch as long as nobody listens.
 *
 * Context: any.
 * Return: @error.
 */
static inline int iommufd_refuse(int error, enum iommufd_refusal reason,
				 unsigned long first, unsigned long second)
{
	trace_iommufd_refuse(error, reason, first, second);
	return error;
}

/**
 * iommufd_refuse_node() - iommufd_refuse() because of one range that is taken
 * @error: a negative errno
 * @reason: the reason, whose numbers are a range
 * @node: the range, such as that of an area
 *
 * Context: any.
 * Return: @error.
 */
static inline int iommufd_refuse_node(int error, enum iommufd_refusal reason,
				      const struct iova_node *node)
{
	return iommufd_refuse(error, reason, node->start, node->last);
}

#endif
