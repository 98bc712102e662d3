/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Commands of which something is changed.
 */
#ifndef SELFTEST_IOMMU_ABI_COMMAND_H
#define SELFTEST_IOMMU_ABI_COMMAND_H

#include "world.h"

/* Large enough for each structure and a tail behind it. */
#define COMMAND_MAX	128

/* Run the template as if it were @size bytes long. */
int run_sized(struct world *world, unsigned long request,
	      const char *template, __u32 size);

/* The errno of @template with @length bytes of something else at @offset. */
int run_with(struct world *world, unsigned long request,
	     const char *template, size_t offset, const void *bytes,
	     size_t length);

/* A page that cannot be written, or NULL. */
char *read_only_copy(const char *command);

#endif
