/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * A context for tests of what drivers call, without the file that user space
 * would have opened.
 */
#ifndef __IOMMUFD_TESTS_CONTEXT_H
#define __IOMMUFD_TESTS_CONTEXT_H

struct iommufd_ctx;
struct iommufd_ioas;
struct kunit;

struct iommufd_ctx *context_new(struct kunit *test);
struct iommufd_ioas *context_add_ioas(struct kunit *test,
				      struct iommufd_ctx *ictx);
void context_end(struct kunit *test, struct iommufd_ctx *ictx);

#endif
