// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * What tests can do to the lower layers: make them fail, and give them little
 * room.
 */
#include "test_hooks.h"

#include <linux/debugfs.h>
#include <linux/fault-inject.h>
#include <linux/minmax.h>
#include <linux/sched.h>

static DECLARE_FAULT_ATTR(fail_iommufd);
static struct dentry *fail_iommufd_directory;

/* Bytes that one buffer for PFNs may take. */
static size_t buffer_limit = SIZE_MAX;

/* Of files that stand for devices of VFIO. */
static const struct file_operations *test_device_fops;

/**
 * iommufd_should_fail() - Tell whether a test wants a failure here
 *
 * It wants one according to fail_iommufd in debugfs, or as the count in
 * /proc/self/fail-nth has it. Called where something can fail that is neither
 * an allocation nor a copy, for those have points of their own.
 *
 * Context: any.
 * Return: true if the caller has to act as if it had failed.
 */
bool iommufd_should_fail(void)
{
	return should_fail(&fail_iommufd, 1);
}

/**
 * iommufd_pause_faults() - Let the calling task have no faults that are counted
 *
 * Around what is not ours and takes so many steps that a test which fails each
 * of them would not come to the point.
 *
 * Context: process context.
 * Return: for iommufd_resume_faults().
 */
unsigned int iommufd_pause_faults(void)
{
	unsigned int state = READ_ONCE(current->fail_nth);

	WRITE_ONCE(current->fail_nth, 0);
	return state;
}

/**
 * iommufd_resume_faults() - Go on with the count in /proc/self/fail-nth
 * @state: what iommufd_pause_faults() returned
 *
 * Context: process context.
 */
void iommufd_resume_faults(unsigned int state)
{
	WRITE_ONCE(current->fail_nth, state);
}

/**
 * iommufd_buffer_limit() - Cut a buffer for PFNs to the size tests want
 * @capacity: entries that the buffer would have
 * @entry_size: of an entry, bytes
 *
 * Context: any.
 * Return: entries that the buffer may have, from 1 to @capacity.
 */
size_t iommufd_buffer_limit(size_t capacity, size_t entry_size)
{
	return min(capacity, max(READ_ONCE(buffer_limit) / entry_size, 1));
}

/**
 * iommufd_set_buffer_limit() - Choose the size of buffers for PFNs
 * @bytes: that a buffer may take; each has room for one entry at least
 *
 * Holds for every context, from the next call on that makes a buffer.
 *
 * Context: any.
 */
void iommufd_set_buffer_limit(size_t bytes)
{
	WRITE_ONCE(buffer_limit, bytes);
}

/**
 * iommufd_set_test_device() - Let files be taken for those of VFIO
 * @fops: what shows that a file is one; NULL for none
 *
 * Context: no such file is open.
 */
void iommufd_set_test_device(const struct file_operations *fops)
{
	WRITE_ONCE(test_device_fops, fops);
}

/**
 * iommufd_is_test_device() - Tell whether a file stands for a device of VFIO
 * @file: that somebody has mapped
 *
 * Context: any.
 * Return: true if it is one that iommufd_set_test_device() knows.
 */
bool iommufd_is_test_device(const struct file *file)
{
	return file->f_op == READ_ONCE(test_device_fops);
}

/**
 * iommufd_test_hooks_init() - Let debugfs show fail_iommufd
 *
 * Context: process context.
 */
void iommufd_test_hooks_init(void)
{
	fail_iommufd_directory =
		fault_create_debugfs_attr("fail_iommufd", NULL, &fail_iommufd);
}

/**
 * iommufd_test_hooks_exit() - Undo iommufd_test_hooks_init()
 *
 * Context: process context.
 */
void iommufd_test_hooks_exit(void)
{
	debugfs_remove_recursive(fail_iommufd_directory);
}
