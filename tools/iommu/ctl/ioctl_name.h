/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Names of ioctls.
 */
#ifndef IOMMUFDCTL_IOCTL_NAME_H
#define IOMMUFDCTL_IOCTL_NAME_H

/* The name of an ioctl of /dev/iommu or of a VFIO container. */
const char *ioctl_name(unsigned int command);

#endif
