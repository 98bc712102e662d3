// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Objects that come with a file.
 */
#include "object_file.h"

#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>

#include "ioctl.h"

/**
 * iommufd_call_reply_file() - Answer an ioctl with a new file
 * @call: the ioctl
 * @cmd: its structure, complete but for @fd
 * @size: of @cmd, bytes
 * @fd: the member of @cmd that tells the number of the file
 * @what: the file
 *
 * The last step that can fail, as a file that exists can only be undone by its
 * release operation, after this call. On success the program has the file, and
 * another thread may have closed it by now. So all that the release operation
 * needs has to be there before. Afterwards at most the object is published. On
 * failure there is no file, and the caller undoes the object.
 *
 * Context: process context of the program, may sleep.
 * Return: 0; -EFAULT if the answer cannot be written; -EMFILE or -ENFILE without
 * a free file; -ENOMEM.
 */
int iommufd_call_reply_file(struct iommufd_call *call, void *cmd, size_t size,
			    __u32 *fd, const struct iommufd_object_file *what)
{
	struct file *file;
	int number, rc;

	number = get_unused_fd_flags(O_CLOEXEC);
	if (number < 0)
		return number;
	*fd = number;
	rc = iommufd_call_reply(call, cmd, size);
	if (rc)
		goto err_put_fd;
	file = anon_inode_getfile(what->name, what->fops, what->data, O_RDWR);
	if (IS_ERR(file)) {
		rc = PTR_ERR(file);
		goto err_put_fd;
	}
	/* Several threads read it, and there is no position that they share. */
	stream_open(file_inode(file), file);
	fd_install(number, file);
	return 0;

err_put_fd:
	put_unused_fd(number);
	return rc;
}
