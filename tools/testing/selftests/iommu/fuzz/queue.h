/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Page faults that are waiting for an answer.
 */
#ifndef SELFTEST_IOMMU_FUZZ_QUEUE_H
#define SELFTEST_IOMMU_FUZZ_QUEUE_H

#include "model.h"

struct fuzz_fault *fuzz_fault_alloc(const struct fuzz_op *op);

/* Add a fault to a list of them. */
void fuzz_fault_append(struct fuzz_fault **list, struct fuzz_fault *fault);

/* Is there an answer to come for this group of a device? */
bool fuzz_queue_asked(const struct fuzz_object *queue,
		      const struct fuzz_object *device, __u32 grpid);

/* The last fault of a group comes: its others are with the device so far. */
void fuzz_queue_arrive(struct fuzz_model *model, struct fuzz_object *queue,
		       struct fuzz_object *device, struct fuzz_fault *last);

/* The group that waits longest, or behind @group; NULL if there is none. */
struct fuzz_group *fuzz_queue_waiting(struct fuzz_object *queue,
				      struct fuzz_group *group);
unsigned int fuzz_group_count(const struct fuzz_group *group);

/* The group of a cookie; NULL if none has been read that is not answered. */
struct fuzz_group *fuzz_queue_find(const struct fuzz_object *queue,
				   __u32 cookie);
void fuzz_queue_remove(struct fuzz_object *queue, struct fuzz_group *group);

/* Answer all that a device has asked for, or all if it is NULL. */
void fuzz_queue_give_up(struct fuzz_model *model, struct fuzz_object *queue,
			const struct fuzz_object *device);

/* Page requests of a device are turned off. */
void fuzz_faults_forget(struct fuzz_object *device);

/* The file is closed. */
void fuzz_queue_close(struct fuzz_model *model, struct fuzz_object *queue);

#endif
