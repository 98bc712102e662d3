// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "steps.h"

#include <errno.h>
#include <unistd.h>

int step_alloc_faults(struct scene *scene)
{
	return fault_alloc(scene->rig.fd, &scene->fault_id, &scene->fault_fd);
}

int step_destroy_faults(struct scene *scene)
{
	int ret = close(scene->fault_fd) ? -errno : 0;

	scene->fault_fd = -1;
	return ret ? ret : iommufd_destroy(scene->rig.fd, scene->fault_id);
}

/* A queue whose file is closed */
int step_alloc_closed_faults(struct scene *scene)
{
	int ret = step_alloc_faults(scene);

	if (ret)
		return ret;
	ret = close(scene->fault_fd) ? -errno : 0;
	scene->fault_fd = -1;
	return ret;
}

int step_destroy_closed_faults(struct scene *scene)
{
	return iommufd_destroy(scene->rig.fd, scene->fault_id);
}

int step_alloc_fault_hwpt(struct scene *scene)
{
	return hwpt_alloc_faults(scene->rig.fd, scene->devices[0].idev_id,
				 scene->rig.ioas_id, scene->fault_id,
				 &scene->hwpt_id);
}

int step_alloc_nested_faults(struct scene *scene)
{
	const struct iommu_hwpt_selftest data = {};
	struct iommu_hwpt_alloc alloc = {
		.size = sizeof(alloc),
		.flags = IOMMU_HWPT_FAULT_ID_VALID,
		.dev_id = scene->devices[0].idev_id,
		.pt_id = scene->hwpt_id,
		.data_type = IOMMU_HWPT_DATA_SELFTEST,
		.data_len = sizeof(data),
		.data_uptr = va_to_u64(&data),
		.fault_id = scene->fault_id,
	};
	int ret = iommufd_ioctl(scene->rig.fd, IOMMU_HWPT_ALLOC, &alloc);

	scene->nested_id = alloc.out_hwpt_id;
	return ret;
}

/* Three pages in one group */
int step_request_page(struct scene *scene)
{
	int ret = 0, more;

	for (more = 2; !ret && more >= 0; more--)
		ret = mock_fault(scene->rig.fd, scene->devices[0].idev_id, 1,
				 IOMMU_PGFAULT_PERM_READ |
				 (more ? MOCK_FLAGS_IOPF_MORE : 0), 0);
	return ret;
}

/* -ENODATA if nobody has asked, or was refused. */
int step_read_fault(struct scene *scene)
{
	struct iommu_hwpt_pgfault faults[3];
	ssize_t ret = read(scene->fault_fd, faults, sizeof(faults));

	if (ret < 0)
		return -errno;
	scene->cookie = faults[0].cookie;
	return ret == sizeof(faults) ? 0 : -ENODATA;
}

int step_answer_fault(struct scene *scene)
{
	const struct iommu_hwpt_page_response answer = {
		.cookie = scene->cookie,
		.code = IOMMUFD_PAGE_RESP_SUCCESS,
	};

	return write(scene->fault_fd, &answer, sizeof(answer)) < 0 ? -errno : 0;
}

int step_answer_and_request(struct scene *scene)
{
	return step_both(scene, step_answer_fault, step_request_page);
}

int step_request_and_read(struct scene *scene)
{
	return step_both(scene, step_request_page, step_read_fault);
}

int step_move_and_request(struct scene *scene)
{
	return step_both(scene, step_move_to_hwpt, step_request_page);
}

int step_plug_and_alloc_faults(struct scene *scene)
{
	return step_both(scene, step_three_in_domain, step_alloc_faults);
}

int step_parent_and_alloc_faults(struct scene *scene)
{
	return step_both(scene, step_parent, step_alloc_faults);
}

int step_faulting_hwpt(struct scene *scene)
{
	return step_both(scene, step_plug_and_alloc_faults, step_alloc_fault_hwpt);
}

int step_faulting(struct scene *scene)
{
	return step_both(scene, step_faulting_hwpt, step_move_to_hwpt);
}

int step_page_requested(struct scene *scene)
{
	return step_both(scene, step_faulting, step_request_page);
}

int step_fault_read(struct scene *scene)
{
	return step_both(scene, step_page_requested, step_read_fault);
}
