/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_OBJECT_FILE_H
#define __IOMMUFD_OBJECT_FILE_H

#include <linux/fs.h>
#include <linux/types.h>

struct iommufd_call;

/**
 * struct iommufd_object_file - A file that a program gets along with an object
 * @name: shown in /proc, in brackets
 * @fops: its operations, with an owner
 * @data: becomes &file.private_data
 *
 * Who keeps whom alive is up to @data and the release operation. The file may
 * own the object, whose driver then is the file; or it is a user of the object
 * and holds the context, until it is closed.
 */
struct iommufd_object_file {
	const char *name;
	const struct file_operations *fops;
	void *data;
};

int iommufd_call_reply_file(struct iommufd_call *call, void *cmd, size_t size,
			    __u32 *fd, const struct iommufd_object_file *what);

#endif
