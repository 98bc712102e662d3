// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The allocator that the code under test sees.
 */
#include <linux/slab.h>

#include <stdint.h>
#include <stdlib.h>

#include "lib/test_hooks.h"

static unsigned long in_use;
static size_t fail_from = SIZE_MAX;

void *kmalloc(size_t size, gfp_t gfp)
{
	void *pointer;

	if (size >= fail_from)
		return NULL;
	pointer = malloc(size);
	if (!pointer)
		abort();
	in_use++;
	return pointer;
}

void *kmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return kmalloc(bytes, gfp);
}

void kfree(const void *pointer)
{
	if (pointer)
		in_use--;
	free((void *)pointer);
}

unsigned long test_slab_in_use(void)
{
	return in_use;
}

void test_slab_fail_from(size_t size)
{
	fail_from = size;
}

/* Nobody here cuts buffers. */
size_t iommufd_buffer_limit(size_t capacity, size_t entry_size)
{
	(void)entry_size;
	return capacity;
}
