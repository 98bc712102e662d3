/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __TEST_LINUX_SLAB_H
#define __TEST_LINUX_SLAB_H

#include <linux/gfp.h>
#include <linux/types.h>

#ifndef GFP_KERNEL_ACCOUNT
#define GFP_KERNEL_ACCOUNT GFP_KERNEL
#endif

void *kmalloc(size_t size, gfp_t gfp);
void *kmalloc_array(size_t n, size_t size, gfp_t gfp);
void kfree(const void *pointer);

/* Memory that has been given out and not yet come back, bytes are not counted */
unsigned long test_slab_in_use(void);

/*
 * Allocations of @size bytes and more fail until this is called again; 0 makes
 * all of them fail, SIZE_MAX none.
 */
void test_slab_fail_from(size_t size);

#endif
