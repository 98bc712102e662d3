// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "fault_rig.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

static int queue_create(struct queue *queue, const struct fault_rig *rig)
{
	int fd = rig->rig.fd;
	int ret = fault_alloc(fd, &queue->id, &queue->fd);

	return ret ? ret : hwpt_alloc_faults(fd, rig->device.idev_id,
					     rig->rig.ioas_id, queue->id,
					     &queue->hwpt_id);
}

int fault_rig_create(struct fault_rig *rig)
{
	int ret;

	rig->queue.fd = -1;
	rig->other.fd = -1;
	ret = mock_rig_create(&rig->rig, 0);
	if (ret)
		return ret;
	ret = mock_plug(rig->rig.fd, rig->rig.other_id, &rig->device);
	if (!ret)
		ret = queue_create(&rig->queue, rig);
	if (!ret)
		ret = queue_create(&rig->other, rig);
	if (!ret)
		ret = mock_replace(rig->rig.fd, rig->device.id,
				   rig->queue.hwpt_id);
	return ret ? ret : mock_answers(rig->rig.fd, &rig->before);
}

const char *fault_rig_destroy(struct fault_rig *rig)
{
	queue_close(&rig->queue);
	queue_close(&rig->other);
	return mock_rig_destroy(&rig->rig);
}

void queue_close(struct queue *queue)
{
	if (queue->fd >= 0)
		close(queue->fd);
	queue->fd = -1;
}

int fault_ask(const struct fault_rig *rig, __u32 grpid)
{
	return fault_ask_for(rig, grpid, 1);
}

int fault_ask_for(const struct fault_rig *rig, __u32 grpid, unsigned int count)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < count; i++) {
		__u32 perm = PERM_RW;

		if (i + 1 < count)
			perm |= MOCK_FLAGS_IOPF_MORE;
		ret = mock_fault(rig->rig.fd, rig->device.idev_id, grpid, perm,
				 fault_address(grpid, i));
	}
	return ret;
}

ssize_t fault_read(const struct queue *queue, void *buffer, size_t size)
{
	ssize_t ret = read(queue->fd, buffer, size);

	return ret < 0 ? -errno : ret;
}

ssize_t fault_write(const struct queue *queue, const void *buffer, size_t size)
{
	ssize_t ret = write(queue->fd, buffer, size);

	return ret < 0 ? -errno : ret;
}

ssize_t fault_answer(const struct queue *queue, __u32 cookie, __u32 code)
{
	struct iommu_hwpt_page_response answer = { cookie, code };

	return fault_write(queue, &answer, sizeof(answer));
}

__u32 fault_read_cookie(const struct queue *queue)
{
	struct iommu_hwpt_pgfault fault;

	if (fault_read(queue, &fault, sizeof(fault)) != FAULT_SIZE)
		return 0;
	return fault.cookie;
}

__u32 fault_read_group(const struct queue *queue)
{
	struct iommu_hwpt_pgfault fault;

	if (fault_read(queue, &fault, sizeof(fault)) != FAULT_SIZE)
		return 0;
	return fault.grpid;
}

bool fault_waits(const struct queue *queue)
{
	struct pollfd pollfd = { .fd = queue->fd, .events = POLLIN };

	return poll(&pollfd, 1, 0) == 1;
}
