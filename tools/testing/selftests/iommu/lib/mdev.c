// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "mdev.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

struct mdev_path {
	char name[256];
};

static struct mdev_path device_path(const struct mdev *mdev)
{
	struct mdev_path path;

	snprintf(path.name, sizeof(path.name), "/sys/bus/mdev/devices/%s",
		 mdev->name);
	return path;
}

/* Devices of this process differ in the last part, those of others before. */
static void make_name(struct mdev *mdev)
{
	static unsigned int count;

	snprintf(mdev->name, sizeof(mdev->name),
		 "%08x-0000-4000-8000-%012x", (unsigned int)getpid(), ++count);
}

int mdev_create(struct mdev *mdev, const char *parent, const char *type)
{
	struct mdev_path path;
	int ret;

	memset(mdev, 0, sizeof(*mdev));
	mdev->vfio.fd = -1;
	mdev->group = -1;
	make_name(mdev);
	snprintf(path.name, sizeof(path.name),
		 "/sys/class/mdev_bus/%.64s/mdev_supported_types/%.64s/create",
		 parent, type);
	ret = file_write(path.name, mdev->name);
	return ret == -ENOENT ? -ENODEV : ret;
}

int mdev_remove(const struct mdev *mdev)
{
	struct mdev_path path = device_path(mdev);

	strcat(path.name, "/remove");
	return file_write(path.name, "1");
}

bool mdev_exists(const struct mdev *mdev)
{
	return !access(device_path(mdev).name, F_OK);
}

int mdev_destroy(struct mdev *mdev)
{
	vfio_close(&mdev->vfio);
	if (mdev->group >= 0)
		close(mdev->group);
	mdev->group = -1;
	return mdev_exists(mdev) ? mdev_remove(mdev) : 0;
}

int mdev_open_cdev(struct mdev *mdev)
{
	int fd = vfio_open_cdev(device_path(mdev).name);

	if (fd < 0)
		return fd;
	mdev->vfio.fd = fd;
	return 0;
}

int mdev_open_group(struct mdev *mdev)
{
	int fd = vfio_open_group(device_path(mdev).name, "");

	if (fd < 0)
		return fd;
	mdev->group = fd;
	return 0;
}

int mdev_open_from_group(struct mdev *mdev)
{
	int fd = vfio_group_open_device(mdev->group, mdev->name);

	if (fd < 0)
		return fd;
	mdev->vfio.fd = fd;
	return 0;
}
