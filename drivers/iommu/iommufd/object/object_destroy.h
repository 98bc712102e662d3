/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_OBJECT_DESTROY_H
#define __IOMMUFD_OBJECT_DESTROY_H

#include <linux/types.h>

struct iommufd_ctx;
struct iommufd_object;

int iommufd_object_init(void);
void iommufd_object_exit(void);
void iommufd_object_abort_complete(struct iommufd_object *object);
int iommufd_object_destroy_id(struct iommufd_ctx *ictx, u32 id);
void iommufd_object_destroy_owned(struct iommufd_object *object);
void iommufd_object_unuse(struct iommufd_object *object);
void iommufd_object_unuse_destroy(struct iommufd_object *object);
void iommufd_object_disown(struct iommufd_object *object);
void iommufd_ctx_destroy_objects(struct iommufd_ctx *ictx);

#endif
