/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Where tests reach into the lower layers.
 */
#ifndef __IOMMUFD_TEST_HOOKS_H
#define __IOMMUFD_TEST_HOOKS_H

#include <linux/fs.h>
#include <linux/types.h>

struct file;

#ifdef CONFIG_IOMMUFD_TEST
bool iommufd_should_fail(void);
unsigned int iommufd_pause_faults(void);
void iommufd_resume_faults(unsigned int state);
size_t iommufd_buffer_limit(size_t capacity, size_t entry_size);
void iommufd_set_buffer_limit(size_t bytes);
void iommufd_set_test_device(const struct file_operations *fops);
bool iommufd_is_test_device(const struct file *file);
void iommufd_test_hooks_init(void);
void iommufd_test_hooks_exit(void);
#else
static inline bool iommufd_should_fail(void)
{
	return false;
}

static inline unsigned int iommufd_pause_faults(void)
{
	return 0;
}

static inline void iommufd_resume_faults(unsigned int state)
{
}

static inline size_t iommufd_buffer_limit(size_t capacity, size_t entry_size)
{
	return capacity;
}

static inline bool iommufd_is_test_device(const struct file *file)
{
	return false;
}
#endif

#endif
