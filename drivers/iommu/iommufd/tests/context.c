// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 */
#include "context.h"

#include <kunit/test.h>
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>

#include "iopt/io_pagetable.h"
#include "iopt/iopt_unmap.h"
#include "object/context.h"
#include "object/ioas.h"
#include "object/object.h"
#include "object/object_destroy.h"

static const struct file_operations context_fops = {
	.owner = THIS_MODULE,
};

/**
 * context_new() - Make a context
 * @test: the test
 *
 * Context: the thread of @test, which ends on failure.
 * Return: the context, without objects.
 */
struct iommufd_ctx *context_new(struct kunit *test)
{
	struct iommufd_ctx *ictx = kunit_kzalloc(test, sizeof(*ictx),
						 GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ictx);
	xa_init_flags(&ictx->objects, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	xa_init(&ictx->groups);
	init_waitqueue_head(&ictx->destroy_wait);
	pin_account_init(&ictx->account, PIN_ACCOUNT_NONE);
	ictx->file = anon_inode_getfile("[iommufd-kunit]", &context_fops, ictx,
					O_RDWR);
	KUNIT_ASSERT_FALSE(test, IS_ERR(ictx->file));
	return ictx;
}

static void ioas_destroy(struct iommufd_object *object)
{
	struct iommufd_ioas *ioas = iommufd_ioas_from(object);
	unsigned long unmapped;

	iopt_unmap_all(&ioas->iopt, &unmapped);
	iopt_destroy(&ioas->iopt);
	mutex_destroy(&ioas->mutex);
}

static const struct iommufd_object_ops ioas_ops = {
	.type = IOMMUFD_OBJ_IOAS,
	.destroy = ioas_destroy,
};

/**
 * context_add_ioas() - Make an IOAS
 * @test: the test
 * @ictx: from context_new()
 *
 * Context: the thread of @test, which ends on failure.
 * Return: the IOAS, without page tables; goes with the context.
 */
struct iommufd_ioas *context_add_ioas(struct kunit *test,
				      struct iommufd_ctx *ictx)
{
	struct iommufd_ioas *ioas;

	ioas = iommufd_object_alloc(ictx, ioas, object, &ioas_ops);
	KUNIT_ASSERT_FALSE(test, IS_ERR(ioas));
	iopt_init(&ioas->iopt);
	mutex_init(&ioas->mutex);
	INIT_LIST_HEAD(&ioas->hwpt_list);
	iommufd_object_publish(&ioas->object);
	return ioas;
}

/**
 * context_end() - Undo context_new()
 * @test: the test
 * @ictx: from context_new()
 *
 * Context: the thread of @test. No driver has the context any more.
 */
void context_end(struct kunit *test, struct iommufd_ctx *ictx)
{
	KUNIT_EXPECT_TRUE(test, xa_empty(&ictx->groups));
	KUNIT_EXPECT_EQ(test, file_count(ictx->file), 1);
	iommufd_ctx_destroy_objects(ictx);
	pin_account_destroy(&ictx->account);
	fput(ictx->file);
}
