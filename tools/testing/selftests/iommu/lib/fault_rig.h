/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * A device of the mock IOMMU that requests pages, and queues of page faults.
 */
#ifndef SELFTEST_IOMMU_FAULT_RIG_H
#define SELFTEST_IOMMU_FAULT_RIG_H

#include <stdbool.h>
#include <sys/types.h>

#include "mock_rig.h"

#define PERM_RW		(IOMMU_PGFAULT_PERM_READ | IOMMU_PGFAULT_PERM_WRITE)
#define FAULT_SIZE	((ssize_t)sizeof(struct iommu_hwpt_pgfault))
#define ANSWER_SIZE	((ssize_t)sizeof(struct iommu_hwpt_page_response))

/* What a queue holds at most, see the header of the ioctls. */
#define FAULTS_MAX	8192

/**
 * struct queue - a queue and a page table whose faults go there
 * @id: the queue
 * @fd: its file, -1 once it is closed
 * @hwpt_id: the page table
 */
struct queue {
	__u32 id;
	int fd;
	__u32 hwpt_id;
};

/**
 * struct fault_rig - what tests of page faults begin with
 * @rig: the iommufd
 * @device: a device, which uses the page table of @queue
 * @queue: a queue
 * @other: another one, with a page table over the same IOAS
 * @before: what devices were told before the test
 */
struct fault_rig {
	struct mock_rig rig;
	struct mock_device device;
	struct queue queue;
	struct queue other;
	struct mock_answers before;
};

/* Returns 0, -ENODEV when there is no mock IOMMU, or what failed. */
int fault_rig_create(struct fault_rig *rig);

/* Take all apart; returns what baseline_check() finds. */
const char *fault_rig_destroy(struct fault_rig *rig);

/* Close the file of a queue; once more does nothing. */
void queue_close(struct queue *queue);

/* Let the device request a page, or several in one group. */
int fault_ask(const struct fault_rig *rig, __u32 grpid);
int fault_ask_for(const struct fault_rig *rig, __u32 grpid, unsigned int count);

/* What the device has asked with the @i-th page of a group. */
static inline __u64 fault_address(__u32 grpid, unsigned int i)
{
	return (grpid * 100ULL + i) * PAGE_SIZE;
}

/* Each of these returns a number of bytes or a negative errno. */
ssize_t fault_read(const struct queue *queue, void *buffer, size_t size);
ssize_t fault_write(const struct queue *queue, const void *buffer, size_t size);
ssize_t fault_answer(const struct queue *queue, __u32 cookie, __u32 code);

/*
 * Read one group of one fault, and return its cookie or its number; 0 if there
 * is none, which no cookie is.
 */
__u32 fault_read_cookie(const struct queue *queue);
__u32 fault_read_group(const struct queue *queue);

/* Does a group wait to be read? */
bool fault_waits(const struct queue *queue);

/* What devices were told since the test began, in a @rig of the test. */
#define EXPECT_ANSWERS(rig_, success_, invalid_) do { \
	const struct mock_answers *before_ = &(rig_)->before; \
	struct mock_answers now_; \
	EXPECT_EQ(0, mock_answers((rig_)->rig.fd, &now_)); \
	EXPECT_EQ((success_), now_.success - before_->success); \
	EXPECT_EQ((invalid_), now_.invalid - before_->invalid); \
	EXPECT_EQ(0, now_.failure - before_->failure); \
} while (0)

#endif
