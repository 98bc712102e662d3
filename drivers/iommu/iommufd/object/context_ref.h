/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_CONTEXT_REF_H
#define __IOMMUFD_CONTEXT_REF_H

struct iommufd_ctx;
struct iommufd_ioas;

struct iommufd_ioas *iommufd_ctx_chosen_ioas(struct iommufd_ctx *ictx);

#endif
