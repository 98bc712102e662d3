/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_IOCTL_H
#define __IOMMUFD_IOCTL_H

#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/types.h>
#include <linux/uaccess.h>

struct iommufd_ctx;

/**
 * struct iommufd_call - One ioctl on its way through
 * @ictx: of the file
 * @user: the structure in user space
 * @user_size: what user space says is its size, bytes
 */
struct iommufd_call {
	struct iommufd_ctx *ictx;
	void __user *user;
	u32 user_size;
};

/**
 * iommufd_call_reply() - Write the structure back to user space
 * @call: the ioctl
 * @cmd: the structure
 * @size: of @cmd, bytes
 *
 * User space gets as much as it has room for.
 *
 * Context: may sleep.
 * Return: 0; -EFAULT if it cannot be written. The caller then undoes what the
 * answer would have been about.
 */
static inline int iommufd_call_reply(struct iommufd_call *call, const void *cmd,
				     size_t size)
{
	size = min_t(size_t, call->user_size, size);
	return copy_to_user(call->user, cmd, size) ? -EFAULT : 0;
}

/**
 * iommufd_call_reply_u64() - Write one member back that every version has
 * @call: the ioctl
 * @cmd: the structure
 * @member: what has changed in it
 *
 * Context: may sleep.
 * Return: as iommufd_call_reply().
 */
static inline int iommufd_call_reply_u64(struct iommufd_call *call,
					 const void *cmd, const __u64 *member)
{
	return copy_to_user(call->user + ((const void *)member - cmd), member,
			    sizeof(*member)) ? -EFAULT : 0;
}

/**
 * iommufd_check_user() - Check that a pointer can hold an address
 * @address: of data, as structures pass it
 *
 * On 32 bit u64_to_user_ptr() drops the upper half of it. Then other memory
 * than the program has named would be read or written.
 *
 * Context: any.
 * Return: 0; -EFAULT if there is no such address.
 */
static inline int iommufd_check_user(u64 address)
{
	return overflows_type(address, unsigned long) ? -EFAULT : 0;
}

#endif
