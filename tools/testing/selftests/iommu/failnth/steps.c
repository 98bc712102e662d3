// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "steps.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "../kselftest.h"

#define PINS	MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES

/* What is mapped of scattered memory. */
#define PAGES	12

/* Of a BAR. */
#define BAR_BYTES	(4 * PAGE_SIZE)

/* What is mapped of contiguous memory. */
#define RUN_BYTES	(SZ_1M / 8)

static int both(struct scene *scene, step_t first, step_t second)
{
	int ret = first(scene);

	return ret ? ret : second(scene);
}

int step_nothing(struct scene *scene)
{
	(void)scene;
	return 0;
}

/* IOASes and options. */

int step_alloc_spare(struct scene *scene)
{
	return ioas_alloc(scene->rig.fd, &scene->spare_id);
}

int step_destroy_spare(struct scene *scene)
{
	return iommufd_destroy(scene->rig.fd, scene->spare_id);
}

int step_alloc_and_map_spare(struct scene *scene)
{
	int ret = step_alloc_spare(scene);

	return ret ? ret : ioas_map_fixed(scene->rig.fd, scene->spare_id,
					  scene->rig.buffer, PAGES * PAGE_SIZE,
					  mock_rig_iova(0));
}

int step_allow(struct scene *scene)
{
	struct iommu_iova_range ranges[20];
	__u64 i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		ranges[i].start = mock_rig_iova(0) + i * 2 * SZ_1M;
		ranges[i].last = ranges[i].start + SZ_1M - 1;
	}
	return ioas_allow_iovas(scene->rig.fd, scene->rig.ioas_id, ranges,
				ARRAY_SIZE(ranges));
}

int step_allow_all(struct scene *scene)
{
	return ioas_allow_iovas(scene->rig.fd, scene->rig.ioas_id, NULL, 0);
}

int step_query_ranges(struct scene *scene)
{
	struct iova_ranges ranges;

	return ioas_iova_ranges(scene->rig.fd, scene->rig.ioas_id, &ranges);
}

int step_small_pages(struct scene *scene)
{
	return option_set(scene->rig.fd, IOMMU_OPTION_HUGE_PAGES,
			  scene->rig.ioas_id, 0);
}

int step_large_pages(struct scene *scene)
{
	return option_set(scene->rig.fd, IOMMU_OPTION_HUGE_PAGES,
			  scene->rig.ioas_id, 1);
}

int step_query_huge_pages(struct scene *scene)
{
	__u64 value;

	return option_get(scene->rig.fd, IOMMU_OPTION_HUGE_PAGES,
			  scene->rig.ioas_id, &value);
}

int step_query_rlimit_mode(struct scene *scene)
{
	__u64 value;

	return option_get(scene->rig.fd, IOMMU_OPTION_RLIMIT_MODE, 0, &value);
}

int step_reserve_spare(struct scene *scene)
{
	return mock_reserve(scene->rig.fd, scene->spare_id, SZ_1M, SZ_1M);
}

int step_renew_spare(struct scene *scene)
{
	return both(scene, step_destroy_spare, step_alloc_spare);
}

/* Mapping. */

int step_map(struct scene *scene)
{
	return mock_rig_map(&scene->rig, 0, PAGES);
}

int step_unmap(struct scene *scene)
{
	return mock_rig_unmap(&scene->rig, 0, PAGES);
}

int step_unmap_all(struct scene *scene)
{
	return ioas_unmap_all(scene->rig.fd, scene->rig.ioas_id, NULL);
}

int step_map_auto(struct scene *scene)
{
	return ioas_map_auto(scene->rig.fd, scene->rig.ioas_id,
			     scene->rig.buffer, PAGES * PAGE_SIZE,
			     &scene->iova);
}

int step_unmap_auto(struct scene *scene)
{
	return ioas_unmap(scene->rig.fd, scene->rig.ioas_id, scene->iova,
			  PAGES * PAGE_SIZE, NULL);
}

int step_map_file(struct scene *scene)
{
	return ioas_map_file_fixed(scene->rig.fd, scene->rig.ioas_id,
				   scene->file, 0, PAGES * PAGE_SIZE,
				   mock_rig_iova(0));
}

int step_change_process(struct scene *scene)
{
	return ioas_change_process(scene->rig.fd);
}

int step_map_run(struct scene *scene)
{
	return ioas_map_fixed(scene->rig.fd, scene->rig.ioas_id, scene->run,
			      RUN_BYTES, mock_rig_iova(0) + SZ_2M);
}

int step_unmap_run(struct scene *scene)
{
	return ioas_unmap(scene->rig.fd, scene->rig.ioas_id,
			  mock_rig_iova(0) + SZ_2M, RUN_BYTES, NULL);
}

/* Where @va is NULL, at some place. */
static int make_bar(struct scene *scene, char *va)
{
	int fd = bar_create(scene->rig.fd, BAR_BYTES);

	if (fd < 0)
		return fd;
	va = mmap(va, BAR_BYTES, PROT_READ | PROT_WRITE,
		  MAP_SHARED | (va ? MAP_FIXED : 0), fd, 0);
	close(fd);
	if (va == MAP_FAILED)
		return -errno;
	scene->bar = va;
	return 0;
}

int step_make_bar(struct scene *scene)
{
	return make_bar(scene, NULL);
}

int step_make_bar_and_plug(struct scene *scene)
{
	return both(scene, step_make_bar, step_plug);
}

int step_make_and_map_bar(struct scene *scene)
{
	return both(scene, step_make_bar, step_map_bar);
}

int step_map_bar(struct scene *scene)
{
	return ioas_map_fixed(scene->rig.fd, scene->rig.ioas_id, scene->bar,
			      BAR_BYTES, mock_rig_iova(0) + SZ_2M);
}

int step_unmap_bar(struct scene *scene)
{
	return ioas_unmap(scene->rig.fd, scene->rig.ioas_id,
			  mock_rig_iova(0) + SZ_2M, BAR_BYTES, NULL);
}

int step_map_bar_and_plug(struct scene *scene)
{
	return both(scene, step_make_and_map_bar, step_plug);
}

static int step_make_mixed(struct scene *scene)
{
	return make_bar(scene, (char *)scene->run + PAGE_SIZE);
}

int step_make_mixed_and_plug(struct scene *scene)
{
	return both(scene, step_make_mixed, step_plug);
}

int step_map_mixed(struct scene *scene)
{
	return ioas_map_fixed(scene->rig.fd, scene->rig.ioas_id, scene->run,
			      BAR_BYTES + 2 * PAGE_SIZE,
			      mock_rig_iova(0) + SZ_2M);
}

int step_unmap_mixed(struct scene *scene)
{
	return ioas_unmap(scene->rig.fd, scene->rig.ioas_id,
			  mock_rig_iova(0) + SZ_2M, BAR_BYTES + 2 * PAGE_SIZE,
			  NULL);
}

static int step_limit_buffers(struct scene *scene)
{
	return mock_memory_limit(scene->rig.fd, 32);
}

int step_map_three(struct scene *scene)
{
	struct mock_rig *rig = &scene->rig;
	int ret = mock_rig_map(rig, 0, 3);

	ret = ret ? ret : mock_rig_map(rig, 3, 4);
	return ret ? ret : mock_rig_map(rig, 7, 5);
}

int step_copy(struct scene *scene)
{
	return mock_rig_copy(&scene->rig, 2, 8);
}

int step_uncopy(struct scene *scene)
{
	return ioas_unmap(scene->rig.fd, scene->rig.other_id, mock_rig_iova(2),
			  8 * PAGE_SIZE, NULL);
}

/* Devices. */

int step_plug(struct scene *scene)
{
	return mock_plug(scene->rig.fd, scene->rig.ioas_id, &scene->devices[0]);
}

int step_unplug(struct scene *scene)
{
	return iommufd_destroy(scene->rig.fd, scene->devices[0].id);
}

int step_plug_into_hwpt(struct scene *scene)
{
	return mock_plug(scene->rig.fd, scene->devices[0].hwpt_id,
			 &scene->devices[1]);
}

int step_plug_other(struct scene *scene)
{
	return mock_plug(scene->rig.fd, scene->rig.other_id,
			 &scene->devices[1]);
}

int step_unplug_other(struct scene *scene)
{
	return iommufd_destroy(scene->rig.fd, scene->devices[1].id);
}

int step_replace(struct scene *scene)
{
	return mock_replace(scene->rig.fd, scene->devices[0].id,
			    scene->rig.other_id);
}

int step_replace_back(struct scene *scene)
{
	return mock_replace(scene->rig.fd, scene->devices[0].id,
			    scene->rig.ioas_id);
}

/* Page tables of the program's own. */

int step_alloc_hwpt(struct scene *scene)
{
	return hwpt_alloc(scene->rig.fd, scene->devices[0].idev_id,
			  scene->rig.ioas_id, &scene->hwpt_id);
}

int step_destroy_hwpt(struct scene *scene)
{
	return iommufd_destroy(scene->rig.fd, scene->hwpt_id);
}

int step_move_to_hwpt(struct scene *scene)
{
	return mock_replace(scene->rig.fd, scene->devices[0].id,
			    scene->hwpt_id);
}

int step_ask_hw_info(struct scene *scene)
{
	struct iommu_test_hw_info data;
	struct iommu_hw_info info = {
		.data_uptr = va_to_u64(&data),
		.data_len = sizeof(data),
	};

	return hw_info(scene->rig.fd, scene->devices[0].idev_id, &info);
}

/* Nested ones, and tracking of writes. */

static int alloc_flags(struct scene *scene, __u32 flags)
{
	return hwpt_alloc_flags(scene->rig.fd, scene->devices[0].idev_id,
				scene->rig.ioas_id, flags, &scene->hwpt_id);
}

int step_alloc_nested(struct scene *scene)
{
	const struct iommu_hwpt_selftest data = {};

	return hwpt_alloc_nested(scene->rig.fd, scene->devices[0].idev_id,
				 scene->hwpt_id, IOMMU_HWPT_DATA_SELFTEST,
				 &data, sizeof(data), &scene->nested_id);
}

int step_destroy_nested(struct scene *scene)
{
	return iommufd_destroy(scene->rig.fd, scene->nested_id);
}

int step_move_to_nested(struct scene *scene)
{
	return mock_replace(scene->rig.fd, scene->devices[0].id,
			    scene->nested_id);
}

/* Whatever happens, the number is that of the entries that were done. */
int step_invalidate(struct scene *scene)
{
	const struct iommu_hwpt_invalidate_selftest entries[3] = {
		{ .iotlb_id = 1 }, { .iotlb_id = 2 }, { .iotlb_id = 3 },
	};
	struct iommu_hwpt_invalidate cmd = {
		.hwpt_id = scene->nested_id,
		.data_uptr = va_to_u64(entries),
		.data_type = IOMMU_HWPT_INVALIDATE_DATA_SELFTEST,
		.entry_len = sizeof(entries[0]),
		.entry_num = 3,
	};
	int ret = hwpt_invalidate(scene->rig.fd, &cmd);

	return !ret && cmd.entry_num != 3 ? -EPROTO : ret;
}

int step_track(struct scene *scene)
{
	return dirty_track(scene->rig.fd, scene->hwpt_id, true);
}

int step_untrack(struct scene *scene)
{
	return dirty_track(scene->rig.fd, scene->hwpt_id, false);
}

int step_read_dirty(struct scene *scene)
{
	struct iommu_hwpt_get_dirty_bitmap get = {
		.hwpt_id = scene->hwpt_id,
		.iova = mock_rig_iova(0),
		.length = PAGES * PAGE_SIZE,
		.page_size = PAGE_SIZE,
		.data = va_to_u64(&scene->bitmap),
	};

	return dirty_read(scene->rig.fd, &get);
}

/* All that was written has to have been read by now, though calls failed. */
int step_write_again(struct scene *scene)
{
	const __u64 all = (1ULL << PAGES) - 1;
	__u64 seen = scene->bitmap;

	scene->bitmap = 0;
	if (seen && seen != all)
		return -EPROTO;
	return mock_write(scene->rig.fd, scene->hwpt_id, mock_rig_iova(0),
			  PAGES * PAGE_SIZE, PAGE_SIZE, &all, NULL);
}

/* Page faults. */

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
	return both(scene, step_answer_fault, step_request_page);
}

int step_request_and_read(struct scene *scene)
{
	return both(scene, step_request_page, step_read_fault);
}

int step_move_and_request(struct scene *scene)
{
	return both(scene, step_move_to_hwpt, step_request_page);
}

/* Accesses. */

int step_create_access(struct scene *scene)
{
	int fd = access_create(scene->rig.fd, scene->rig.ioas_id, PINS);

	scene->access_fd = fd;
	return fd < 0 ? fd : 0;
}

int step_close_access(struct scene *scene)
{
	return close(scene->access_fd) ? -errno : 0;
}

int step_move_access(struct scene *scene)
{
	return access_replace(scene->rig.fd, scene->access_fd,
			      scene->rig.other_id);
}

int step_move_access_back(struct scene *scene)
{
	return access_replace(scene->rig.fd, scene->access_fd,
			      scene->rig.ioas_id);
}

int step_pin(struct scene *scene)
{
	return access_pin(scene->rig.fd, scene->access_fd, mock_rig_iova(1),
			  9 * PAGE_SIZE, mock_rig_va(&scene->rig, 1), 0,
			  &scene->pages_id);
}

int step_unpin(struct scene *scene)
{
	return access_unpin(scene->rig.fd, scene->access_fd, scene->pages_id);
}

static int step_pin_part(struct scene *scene)
{
	__u32 id;

	return access_pin(scene->rig.fd, scene->access_fd, mock_rig_iova(4),
			  3 * PAGE_SIZE, NULL, 0, &id);
}

static int copy_out(struct scene *scene, __u32 flags)
{
	char buffer[3 * 4096];

	return access_rw(scene->rig.fd, scene->access_fd,
			 mock_rig_iova(2) + 100, sizeof(buffer), buffer, flags);
}

int step_rw_plain(struct scene *scene)
{
	return copy_out(scene, 0);
}

int step_rw_slow(struct scene *scene)
{
	return copy_out(scene, MOCK_ACCESS_RW_SLOW_PATH);
}

int step_rw_write(struct scene *scene)
{
	__u64 mark = mock_rig_mark(2);

	return access_rw(scene->rig.fd, scene->access_fd, mock_rig_iova(2),
			 sizeof(mark), &mark,
			 MOCK_ACCESS_RW_WRITE | MOCK_ACCESS_RW_SLOW_PATH);
}

/* VFIO containers. */

static int vfio_ioctl(struct scene *scene, unsigned long request, void *arg)
{
	int ret = ioctl(scene->rig.fd, request, arg);

	return ret < 0 ? -errno : ret;
}

static int vfio_ioas(struct scene *scene, __u32 id, __u16 op)
{
	struct iommu_vfio_ioas cmd = {
		.size = sizeof(cmd),
		.ioas_id = id,
		.op = op,
	};

	return iommufd_ioctl(scene->rig.fd, IOMMU_VFIO_IOAS, &cmd);
}

int step_vfio_ioas_set(struct scene *scene)
{
	return vfio_ioas(scene, scene->rig.ioas_id, IOMMU_VFIO_IOAS_SET);
}

int step_vfio_ioas_get(struct scene *scene)
{
	return vfio_ioas(scene, 0, IOMMU_VFIO_IOAS_GET);
}

int step_vfio_ioas_clear(struct scene *scene)
{
	return vfio_ioas(scene, 0, IOMMU_VFIO_IOAS_CLEAR);
}

int step_container_version(struct scene *scene)
{
	return vfio_ioctl(scene, VFIO_GET_API_VERSION, NULL);
}

int step_container_extension(struct scene *scene)
{
	int ret = vfio_ioctl(scene, VFIO_CHECK_EXTENSION,
			     (void *)VFIO_TYPE1v2_IOMMU);

	return ret == 1 ? 0 : -EPROTO;
}

int step_container_set_iommu(struct scene *scene)
{
	return vfio_ioctl(scene, VFIO_SET_IOMMU, (void *)VFIO_TYPE1v2_IOMMU);
}

int step_container_info(struct scene *scene)
{
	union {
		struct vfio_iommu_type1_info info;
		char room[1024];
	} answer = { .info.argsz = sizeof(answer) };

	return vfio_ioctl(scene, VFIO_IOMMU_GET_INFO, &answer);
}

int step_container_map(struct scene *scene)
{
	struct vfio_iommu_type1_dma_map cmd = {
		.argsz = sizeof(cmd),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = va_to_u64(scene->rig.buffer),
		.iova = mock_rig_iova(0),
		.size = PAGES * PAGE_SIZE,
	};

	return vfio_ioctl(scene, VFIO_IOMMU_MAP_DMA, &cmd);
}

int step_container_unmap(struct scene *scene)
{
	struct vfio_iommu_type1_dma_unmap cmd = {
		.argsz = sizeof(cmd),
		.iova = mock_rig_iova(0),
		.size = PAGES * PAGE_SIZE,
	};

	return vfio_ioctl(scene, VFIO_IOMMU_UNMAP_DMA, &cmd);
}

static int dirty_pages(struct scene *scene, __u32 flags)
{
	struct vfio_iommu_type1_dirty_bitmap cmd = {
		.argsz = sizeof(cmd),
		.flags = flags,
	};

	return vfio_ioctl(scene, VFIO_IOMMU_DIRTY_PAGES, &cmd);
}

int step_container_track(struct scene *scene)
{
	return dirty_pages(scene, VFIO_IOMMU_DIRTY_PAGES_FLAG_START);
}

int step_container_untrack(struct scene *scene)
{
	return dirty_pages(scene, VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP);
}

int step_container_dirty(struct scene *scene)
{
	struct {
		__u32 argsz;
		__u32 flags;
		struct vfio_iommu_type1_dirty_bitmap_get get;
	} cmd = {
		.argsz = sizeof(cmd),
		.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP,
		.get.iova = mock_rig_iova(0),
		.get.size = PAGES * PAGE_SIZE,
		.get.bitmap.pgsize = PAGE_SIZE,
		.get.bitmap.size = sizeof(scene->bitmap),
		.get.bitmap.data = &scene->bitmap,
	};
	int ret;

	scene->bitmap = 0;
	ret = vfio_ioctl(scene, VFIO_IOMMU_DIRTY_PAGES, &cmd);
	if (ret)
		return ret;
	return scene->bitmap == (1U << PAGES) - 1 ? 0 : -EPROTO;
}

int step_container_unmap_dirty(struct scene *scene)
{
	struct {
		__u32 argsz;
		__u32 flags;
		__u64 iova;
		__u64 size;
		struct vfio_bitmap bitmap;
	} cmd = {
		.argsz = sizeof(cmd),
		.flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
		.iova = mock_rig_iova(0),
		.size = PAGES * PAGE_SIZE,
		.bitmap.pgsize = PAGE_SIZE,
		.bitmap.size = sizeof(scene->bitmap),
		.bitmap.data = &scene->bitmap,
	};

	return vfio_ioctl(scene, VFIO_IOMMU_UNMAP_DMA, &cmd);
}

int step_container_invalidate(struct scene *scene)
{
	struct vfio_iommu_type1_dma_unmap cmd = {
		.argsz = sizeof(cmd),
		.flags = VFIO_DMA_UNMAP_FLAG_VADDR,
		.iova = mock_rig_iova(0),
		.size = PAGES * PAGE_SIZE,
	};

	return vfio_ioctl(scene, VFIO_IOMMU_UNMAP_DMA, &cmd);
}

int step_container_give(struct scene *scene)
{
	struct vfio_iommu_type1_dma_map cmd = {
		.argsz = sizeof(cmd),
		.flags = VFIO_DMA_MAP_FLAG_VADDR,
		.vaddr = va_to_u64(scene->rig.buffer),
		.iova = mock_rig_iova(0),
		.size = PAGES * PAGE_SIZE,
	};

	return vfio_ioctl(scene, VFIO_IOMMU_MAP_DMA, &cmd);
}

/* What has to be there first. */

int step_plug_and_map(struct scene *scene)
{
	return both(scene, step_plug, step_map);
}

int step_three_in_domain(struct scene *scene)
{
	return both(scene, step_plug, step_map_three);
}

int step_own_hwpt(struct scene *scene)
{
	return both(scene, step_three_in_domain, step_alloc_hwpt);
}

int step_parent(struct scene *scene)
{
	int ret = both(scene, step_plug, step_map_three);

	return ret ? ret : alloc_flags(scene, IOMMU_HWPT_ALLOC_NEST_PARENT);
}

int step_nested(struct scene *scene)
{
	return both(scene, step_parent, step_alloc_nested);
}

int step_own_tracking(struct scene *scene)
{
	int ret = both(scene, step_plug, step_map_three);

	ret = ret ? ret : alloc_flags(scene, IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	return ret ? ret : step_move_to_hwpt(scene);
}

int step_written(struct scene *scene)
{
	int ret = both(scene, step_own_tracking, step_track);

	return ret ? ret : step_write_again(scene);
}

int step_plug_and_alloc_faults(struct scene *scene)
{
	return both(scene, step_three_in_domain, step_alloc_faults);
}

int step_faulting_hwpt(struct scene *scene)
{
	return both(scene, step_plug_and_alloc_faults, step_alloc_fault_hwpt);
}

int step_faulting(struct scene *scene)
{
	return both(scene, step_faulting_hwpt, step_move_to_hwpt);
}

int step_page_requested(struct scene *scene)
{
	return both(scene, step_faulting, step_request_page);
}

int step_fault_read(struct scene *scene)
{
	return both(scene, step_page_requested, step_read_fault);
}

int step_two_domains(struct scene *scene)
{
	return both(scene, step_plug_and_map, step_plug_other);
}

int step_replaceable(struct scene *scene)
{
	int ret = both(scene, step_three_in_domain, step_copy);

	return ret ? ret : ioas_map_fixed(scene->rig.fd, scene->rig.other_id,
					  mock_rig_va(&scene->rig, 14),
					  2 * PAGE_SIZE, mock_rig_iova(14));
}

int step_access_and_map(struct scene *scene)
{
	return both(scene, step_create_access, step_map_three);
}

/* In place of the buffer, with the same in it. */
int step_file(struct scene *scene)
{
	size_t length = MOCK_RIG_PAGES * PAGE_SIZE;
	struct mock_rig *rig = &scene->rig;
	__u64 page;

	scene->file = memory_create_file(MEMORY_MEMFD, length);
	if (scene->file < 0)
		return scene->file;
	if (mmap(rig->buffer, length, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, scene->file, 0) != rig->buffer)
		return -errno;
	for (page = 0; page < MOCK_RIG_PAGES; page++)
		*(__u64 *)mock_rig_va(rig, page) = mock_rig_mark(page);
	return 0;
}

int step_file_and_plug(struct scene *scene)
{
	return both(scene, step_file, step_plug);
}

int step_file_mapped(struct scene *scene)
{
	return both(scene, step_file, step_map_file);
}

int step_file_in_domain(struct scene *scene)
{
	return both(scene, step_file_and_plug, step_map_file);
}

int step_file_and_access(struct scene *scene)
{
	return both(scene, step_file_mapped, step_create_access);
}

int step_pinned(struct scene *scene)
{
	return both(scene, step_access_and_map, step_pin);
}

int step_access_and_domain(struct scene *scene)
{
	return both(scene, step_create_access, step_three_in_domain);
}

int step_part_pinned(struct scene *scene)
{
	return both(scene, step_access_and_map, step_pin_part);
}

int step_part_pinned_and_domain(struct scene *scene)
{
	return both(scene, step_access_and_domain, step_pin_part);
}

int step_pinned_and_domain(struct scene *scene)
{
	return both(scene, step_access_and_domain, step_pin);
}

int step_remap_and_pin(struct scene *scene)
{
	return both(scene, step_map_three, step_pin);
}

int step_plug_limited(struct scene *scene)
{
	return both(scene, step_limit_buffers, step_plug);
}

int step_pin_limited(struct scene *scene)
{
	return both(scene, step_limit_buffers, step_access_and_map);
}

int step_map_limited(struct scene *scene)
{
	return both(scene, step_limit_buffers, step_map_three);
}

int step_spare_container(struct scene *scene)
{
	int ret = step_alloc_spare(scene);

	return ret ? ret : vfio_ioas(scene, scene->spare_id,
				     IOMMU_VFIO_IOAS_SET);
}

int step_container(struct scene *scene)
{
	int ret = both(scene, step_vfio_ioas_set, step_container_set_iommu);

	return ret ? ret : step_plug(scene);
}

int step_container_mapped(struct scene *scene)
{
	return both(scene, step_container, step_container_map);
}

/* Without a device, so that what drivers touch matters. */
int step_container_pinned(struct scene *scene)
{
	int ret = both(scene, step_pinned, step_vfio_ioas_set);

	return ret ? ret : step_container_set_iommu(scene);
}

int step_container_tracked(struct scene *scene)
{
	return both(scene, step_container_mapped, step_container_track);
}

int step_tracked_access(struct scene *scene)
{
	int ret = both(scene, step_access_and_map, step_vfio_ioas_set);

	return ret ? ret : both(scene, step_container_set_iommu,
				step_container_track);
}

/* In an IOAS that nobody has an access to. */
int step_spare_invalid(struct scene *scene)
{
	int ret = both(scene, step_spare_container, step_container_set_iommu);

	return ret ? ret : both(scene, step_container_map,
				step_container_invalidate);
}
