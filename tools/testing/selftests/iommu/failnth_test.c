// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Every ioctl of /dev/iommu, and with the mock IOMMU every call that drivers
 * make, fails once at each place where it can: an allocation, a copy from or to
 * user space, a pin. Then all that can be seen is as before, the same call
 * succeeds, and what takes things down needs no memory.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <linux/capability.h>
#include <linux/vfio.h>

#include "lib/faults.h"
#include "lib/harness.h"
#include "lib/process.h"
#include "lib/view.h"

#define PINS	MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES

/* What is mapped of scattered memory. */
#define PAGES	12

/* What is mapped of contiguous memory. */
#define RUN_BYTES	(SZ_1M / 8)

/* So many calls that failed share one look at everything behind their undo. */
#define STRIDE	8

/**
 * struct scene - what the calls act on
 * @rig: the iommufd, IOASes and memory
 * @readers: an access that copies, for each IOAS
 * @faults: of faults_open()
 * @devices: as far as the entry has any
 * @access_fd: an access of the entry
 * @pages_id: what it has pinned
 * @spare_id: an IOAS of the entry
 * @iova: where the memory is
 * @run: 2 MiB of contiguous memory
 */
struct scene {
	struct mock_rig rig;
	int readers[2];
	int faults;
	struct mock_device devices[2];
	int access_fd;
	__u32 pages_id;
	__u32 spare_id;
	__u32 hwpt_id;
	__u64 iova;
	void *run;
};

typedef int (*step_t)(struct scene *scene);

static int both(struct scene *scene, step_t first, step_t second)
{
	int ret = first(scene);

	return ret ? ret : second(scene);
}

static int nothing(struct scene *scene)
{
	(void)scene;
	return 0;
}

/* IOASes and options. */

static int alloc_spare(struct scene *scene)
{
	return ioas_alloc(scene->rig.fd, &scene->spare_id);
}

static int destroy_spare(struct scene *scene)
{
	return iommufd_destroy(scene->rig.fd, scene->spare_id);
}

static int alloc_and_map_spare(struct scene *scene)
{
	int ret = alloc_spare(scene);

	return ret ? ret : ioas_map_fixed(scene->rig.fd, scene->spare_id,
					  scene->rig.buffer, PAGES * PAGE_SIZE,
					  mock_rig_iova(0));
}

static int allow(struct scene *scene)
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

static int allow_all(struct scene *scene)
{
	return ioas_allow_iovas(scene->rig.fd, scene->rig.ioas_id, NULL, 0);
}

static int query_ranges(struct scene *scene)
{
	struct iova_ranges ranges;

	return ioas_iova_ranges(scene->rig.fd, scene->rig.ioas_id, &ranges);
}

static int small_pages(struct scene *scene)
{
	return option_set(scene->rig.fd, IOMMU_OPTION_HUGE_PAGES,
			  scene->rig.ioas_id, 0);
}

static int large_pages(struct scene *scene)
{
	return option_set(scene->rig.fd, IOMMU_OPTION_HUGE_PAGES,
			  scene->rig.ioas_id, 1);
}

static int query_huge_pages(struct scene *scene)
{
	__u64 value;

	return option_get(scene->rig.fd, IOMMU_OPTION_HUGE_PAGES,
			  scene->rig.ioas_id, &value);
}

static int query_rlimit_mode(struct scene *scene)
{
	__u64 value;

	return option_get(scene->rig.fd, IOMMU_OPTION_RLIMIT_MODE, 0, &value);
}

static int reserve_spare(struct scene *scene)
{
	return mock_reserve(scene->rig.fd, scene->spare_id, SZ_1M, SZ_1M);
}

static int renew_spare(struct scene *scene)
{
	return both(scene, destroy_spare, alloc_spare);
}

/* Mapping. */

static int map(struct scene *scene)
{
	return mock_rig_map(&scene->rig, 0, PAGES);
}

static int unmap(struct scene *scene)
{
	return mock_rig_unmap(&scene->rig, 0, PAGES);
}

static int unmap_all(struct scene *scene)
{
	return ioas_unmap_all(scene->rig.fd, scene->rig.ioas_id, NULL);
}

static int map_auto(struct scene *scene)
{
	return ioas_map_auto(scene->rig.fd, scene->rig.ioas_id,
			     scene->rig.buffer, PAGES * PAGE_SIZE,
			     &scene->iova);
}

static int unmap_auto(struct scene *scene)
{
	return ioas_unmap(scene->rig.fd, scene->rig.ioas_id, scene->iova,
			  PAGES * PAGE_SIZE, NULL);
}

static int map_run(struct scene *scene)
{
	return ioas_map_fixed(scene->rig.fd, scene->rig.ioas_id, scene->run,
			      RUN_BYTES, mock_rig_iova(0) + SZ_2M);
}

static int unmap_run(struct scene *scene)
{
	return ioas_unmap(scene->rig.fd, scene->rig.ioas_id,
			  mock_rig_iova(0) + SZ_2M, RUN_BYTES, NULL);
}

static int limit_buffers(struct scene *scene)
{
	return mock_memory_limit(scene->rig.fd, 32);
}

static int map_three(struct scene *scene)
{
	struct mock_rig *rig = &scene->rig;
	int ret = mock_rig_map(rig, 0, 3);

	ret = ret ? ret : mock_rig_map(rig, 3, 4);
	return ret ? ret : mock_rig_map(rig, 7, 5);
}

static int copy(struct scene *scene)
{
	return mock_rig_copy(&scene->rig, 2, 8);
}

static int uncopy(struct scene *scene)
{
	return ioas_unmap(scene->rig.fd, scene->rig.other_id, mock_rig_iova(2),
			  8 * PAGE_SIZE, NULL);
}

/* Devices. */

static int plug(struct scene *scene)
{
	return mock_plug(scene->rig.fd, scene->rig.ioas_id, &scene->devices[0]);
}

static int unplug(struct scene *scene)
{
	return iommufd_destroy(scene->rig.fd, scene->devices[0].id);
}

static int plug_into_hwpt(struct scene *scene)
{
	return mock_plug(scene->rig.fd, scene->devices[0].hwpt_id,
			 &scene->devices[1]);
}

static int plug_other(struct scene *scene)
{
	return mock_plug(scene->rig.fd, scene->rig.other_id,
			 &scene->devices[1]);
}

static int unplug_other(struct scene *scene)
{
	return iommufd_destroy(scene->rig.fd, scene->devices[1].id);
}

static int replace(struct scene *scene)
{
	return mock_replace(scene->rig.fd, scene->devices[0].id,
			    scene->rig.other_id);
}

static int replace_back(struct scene *scene)
{
	return mock_replace(scene->rig.fd, scene->devices[0].id,
			    scene->rig.ioas_id);
}

/* Page tables of the program's own. */

static int alloc_hwpt(struct scene *scene)
{
	return hwpt_alloc(scene->rig.fd, scene->devices[0].idev_id,
			  scene->rig.ioas_id, &scene->hwpt_id);
}

static int destroy_hwpt(struct scene *scene)
{
	return iommufd_destroy(scene->rig.fd, scene->hwpt_id);
}

static int move_to_hwpt(struct scene *scene)
{
	return mock_replace(scene->rig.fd, scene->devices[0].id,
			    scene->hwpt_id);
}

static int ask_hw_info(struct scene *scene)
{
	struct iommu_test_hw_info data;
	struct iommu_hw_info info = {
		.data_uptr = va_to_u64(&data),
		.data_len = sizeof(data),
	};

	return hw_info(scene->rig.fd, scene->devices[0].idev_id, &info);
}

/* Accesses. */

static int create_access(struct scene *scene)
{
	int fd = access_create(scene->rig.fd, scene->rig.ioas_id, PINS);

	scene->access_fd = fd;
	return fd < 0 ? fd : 0;
}

static int close_access(struct scene *scene)
{
	return close(scene->access_fd) ? -errno : 0;
}

static int move_access(struct scene *scene)
{
	return access_replace(scene->rig.fd, scene->access_fd,
			      scene->rig.other_id);
}

static int move_access_back(struct scene *scene)
{
	return access_replace(scene->rig.fd, scene->access_fd,
			      scene->rig.ioas_id);
}

static int pin(struct scene *scene)
{
	return access_pin(scene->rig.fd, scene->access_fd, mock_rig_iova(1),
			  9 * PAGE_SIZE, mock_rig_va(&scene->rig, 1), 0,
			  &scene->pages_id);
}

static int unpin(struct scene *scene)
{
	return access_unpin(scene->rig.fd, scene->access_fd, scene->pages_id);
}

static int pin_part(struct scene *scene)
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

static int rw_plain(struct scene *scene)
{
	return copy_out(scene, 0);
}

static int rw_slow(struct scene *scene)
{
	return copy_out(scene, MOCK_ACCESS_RW_SLOW_PATH);
}

static int rw_write(struct scene *scene)
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

static int vfio_ioas_set(struct scene *scene)
{
	return vfio_ioas(scene, scene->rig.ioas_id, IOMMU_VFIO_IOAS_SET);
}

static int vfio_ioas_get(struct scene *scene)
{
	return vfio_ioas(scene, 0, IOMMU_VFIO_IOAS_GET);
}

static int vfio_ioas_clear(struct scene *scene)
{
	return vfio_ioas(scene, 0, IOMMU_VFIO_IOAS_CLEAR);
}

static int container_version(struct scene *scene)
{
	return vfio_ioctl(scene, VFIO_GET_API_VERSION, NULL);
}

static int container_extension(struct scene *scene)
{
	int ret = vfio_ioctl(scene, VFIO_CHECK_EXTENSION,
			     (void *)VFIO_TYPE1v2_IOMMU);

	return ret == 1 ? 0 : -EPROTO;
}

static int container_set_iommu(struct scene *scene)
{
	return vfio_ioctl(scene, VFIO_SET_IOMMU, (void *)VFIO_TYPE1v2_IOMMU);
}

static int container_info(struct scene *scene)
{
	union {
		struct vfio_iommu_type1_info info;
		char room[1024];
	} answer = { .info.argsz = sizeof(answer) };

	return vfio_ioctl(scene, VFIO_IOMMU_GET_INFO, &answer);
}

static int container_map(struct scene *scene)
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

static int container_unmap(struct scene *scene)
{
	struct vfio_iommu_type1_dma_unmap cmd = {
		.argsz = sizeof(cmd),
		.iova = mock_rig_iova(0),
		.size = PAGES * PAGE_SIZE,
	};

	return vfio_ioctl(scene, VFIO_IOMMU_UNMAP_DMA, &cmd);
}

/* What has to be there first. */

static int plug_and_map(struct scene *scene)
{
	return both(scene, plug, map);
}

static int three_in_domain(struct scene *scene)
{
	return both(scene, plug, map_three);
}

static int own_hwpt(struct scene *scene)
{
	return both(scene, three_in_domain, alloc_hwpt);
}

static int two_domains(struct scene *scene)
{
	return both(scene, plug_and_map, plug_other);
}

static int replaceable(struct scene *scene)
{
	int ret = both(scene, three_in_domain, copy);

	return ret ? ret : ioas_map_fixed(scene->rig.fd, scene->rig.other_id,
					  mock_rig_va(&scene->rig, 14),
					  2 * PAGE_SIZE, mock_rig_iova(14));
}

static int access_and_map(struct scene *scene)
{
	return both(scene, create_access, map_three);
}

static int pinned(struct scene *scene)
{
	return both(scene, access_and_map, pin);
}

static int access_and_domain(struct scene *scene)
{
	return both(scene, create_access, three_in_domain);
}

static int part_pinned(struct scene *scene)
{
	return both(scene, access_and_map, pin_part);
}

static int part_pinned_and_domain(struct scene *scene)
{
	return both(scene, access_and_domain, pin_part);
}

static int pinned_and_domain(struct scene *scene)
{
	return both(scene, access_and_domain, pin);
}

static int remap_and_pin(struct scene *scene)
{
	return both(scene, map_three, pin);
}

static int plug_limited(struct scene *scene)
{
	return both(scene, limit_buffers, plug);
}

static int pin_limited(struct scene *scene)
{
	return both(scene, limit_buffers, access_and_map);
}

static int map_limited(struct scene *scene)
{
	return both(scene, limit_buffers, map_three);
}

static int spare_container(struct scene *scene)
{
	int ret = alloc_spare(scene);

	return ret ? ret : vfio_ioas(scene, scene->spare_id,
				     IOMMU_VFIO_IOAS_SET);
}

static int container(struct scene *scene)
{
	int ret = both(scene, vfio_ioas_set, container_set_iommu);

	return ret ? ret : plug(scene);
}

static int container_mapped(struct scene *scene)
{
	return both(scene, container, container_map);
}

FIXTURE(failnth)
{
	struct scene scene;
};

/**
 * struct entry - a call under test
 * @name: what to call it
 * @prepare: what has to be there first
 * @act: the call
 * @undo: the way back
 * @needs_no_memory: it takes something down: out of memory is no excuse
 * @done_without_reply: what is done when only the reply cannot be written stays
 *                      done
 * @needs_twice: for a while there is memory of before and of after
 */
struct entry {
	const char *name;
	step_t prepare;
	step_t act;
	step_t undo;
	bool needs_no_memory;
	bool done_without_reply;
	bool needs_twice;
};

FIXTURE_VARIANT(failnth)
{
	struct entry entry;
};

#define ENTRY(_name, _prepare, _act, _undo, ...) { { \
	.name = _name, \
	.prepare = _prepare, \
	.act = _act, \
	.undo = _undo, \
	__VA_ARGS__ \
} }

/* clang-format off */
FIXTURE_VARIANT_ADD(failnth, ioas_alloc)
	ENTRY("ioas_alloc", nothing, alloc_spare, destroy_spare);
FIXTURE_VARIANT_ADD(failnth, ioas_destroy)
	ENTRY("ioas_destroy", alloc_spare, destroy_spare, alloc_spare,
	      .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, ioas_destroy_populated)
	ENTRY("ioas_destroy_populated", alloc_and_map_spare, destroy_spare,
	      alloc_and_map_spare, .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, allow_iovas)
	ENTRY("allow_iovas", nothing, allow, allow_all);
FIXTURE_VARIANT_ADD(failnth, allow_all_iovas)
	ENTRY("allow_all_iovas", allow, allow_all, allow,
	      .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, iova_ranges)
	ENTRY("iova_ranges", plug, query_ranges, nothing);
FIXTURE_VARIANT_ADD(failnth, option_set)
	ENTRY("option_set", nothing, small_pages, large_pages,
	      .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, option_get)
	ENTRY("option_get", nothing, query_huge_pages, nothing,
	      .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, option_rlimit_mode)
	ENTRY("option_rlimit_mode", nothing, query_rlimit_mode, nothing,
	      .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, reserve)
	ENTRY("reserve", alloc_spare, reserve_spare, renew_spare);
FIXTURE_VARIANT_ADD(failnth, map)
	ENTRY("map", nothing, map, unmap);
FIXTURE_VARIANT_ADD(failnth, map_in_domain)
	ENTRY("map_in_domain", plug, map, unmap);
FIXTURE_VARIANT_ADD(failnth, map_auto)
	ENTRY("map_auto", plug, map_auto, unmap_auto);
FIXTURE_VARIANT_ADD(failnth, map_small_pages)
	ENTRY("map_small_pages", small_pages, map, unmap);
FIXTURE_VARIANT_ADD(failnth, map_run)
	ENTRY("map_run", plug, map_run, unmap_run);
FIXTURE_VARIANT_ADD(failnth, map_in_batches)
	ENTRY("map_in_batches", plug_limited, map, unmap);
FIXTURE_VARIANT_ADD(failnth, copy)
	ENTRY("copy", map_three, copy, uncopy);
FIXTURE_VARIANT_ADD(failnth, copy_in_domain)
	ENTRY("copy_in_domain", three_in_domain, copy, uncopy);
FIXTURE_VARIANT_ADD(failnth, copy_to_domain)
	ENTRY("copy_to_domain", two_domains, copy, uncopy);
FIXTURE_VARIANT_ADD(failnth, copy_of_pinned)
	ENTRY("copy_of_pinned", pinned, copy, uncopy);
FIXTURE_VARIANT_ADD(failnth, unmap)
	ENTRY("unmap", map, unmap, map, .needs_no_memory = true,
	      .done_without_reply = true);
FIXTURE_VARIANT_ADD(failnth, unmap_in_domain)
	ENTRY("unmap_in_domain", plug_and_map, unmap, map,
	      .needs_no_memory = true, .done_without_reply = true);
FIXTURE_VARIANT_ADD(failnth, unmap_all)
	ENTRY("unmap_all", three_in_domain, unmap_all, map_three,
	      .needs_no_memory = true, .done_without_reply = true);
FIXTURE_VARIANT_ADD(failnth, unmap_pinned)
	ENTRY("unmap_pinned", pinned, unmap, remap_and_pin,
	      .needs_no_memory = true, .done_without_reply = true);
FIXTURE_VARIANT_ADD(failnth, unmap_pinned_in_domain)
	ENTRY("unmap_pinned_in_domain", pinned_and_domain, unmap, remap_and_pin,
	      .needs_no_memory = true, .done_without_reply = true);
FIXTURE_VARIANT_ADD(failnth, bind_attach)
	ENTRY("bind_attach", nothing, plug, unplug);
FIXTURE_VARIANT_ADD(failnth, bind_attach_populated)
	ENTRY("bind_attach_populated", map_three, plug, unplug);
FIXTURE_VARIANT_ADD(failnth, bind_attach_batches)
	ENTRY("bind_attach_batches", map_limited, plug, unplug);
FIXTURE_VARIANT_ADD(failnth, bind_attach_pinned)
	ENTRY("bind_attach_pinned", part_pinned, plug, unplug);
FIXTURE_VARIANT_ADD(failnth, bind_attach_same_page_table)
	ENTRY("bind_attach_same_page_table", plug_and_map, plug_into_hwpt,
	      unplug_other);
FIXTURE_VARIANT_ADD(failnth, bind_attach_shared_memory)
	ENTRY("bind_attach_shared_memory", replaceable, plug_other,
	      unplug_other);
FIXTURE_VARIANT_ADD(failnth, replace)
	ENTRY("replace", replaceable, replace, replace_back,
	      .needs_twice = true);
FIXTURE_VARIANT_ADD(failnth, hwpt_alloc)
	ENTRY("hwpt_alloc", three_in_domain, alloc_hwpt, destroy_hwpt);
FIXTURE_VARIANT_ADD(failnth, hwpt_alloc_shared_memory)
	ENTRY("hwpt_alloc_shared_memory", replaceable, alloc_hwpt,
	      destroy_hwpt);
FIXTURE_VARIANT_ADD(failnth, hwpt_destroy)
	ENTRY("hwpt_destroy", own_hwpt, destroy_hwpt, alloc_hwpt,
	      .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, replace_hwpt)
	ENTRY("replace_hwpt", own_hwpt, move_to_hwpt, replace_back);
FIXTURE_VARIANT_ADD(failnth, hw_info)
	ENTRY("hw_info", plug, ask_hw_info, nothing);
FIXTURE_VARIANT_ADD(failnth, detach_unbind)
	ENTRY("detach_unbind", three_in_domain, unplug, plug,
	      .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, detach_unbind_pinned)
	ENTRY("detach_unbind_pinned", part_pinned_and_domain, unplug, plug,
	      .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, access_create_attach)
	ENTRY("access_create_attach", map_three, create_access, close_access);
FIXTURE_VARIANT_ADD(failnth, access_replace)
	ENTRY("access_replace", access_and_map, move_access, move_access_back);
FIXTURE_VARIANT_ADD(failnth, access_pin)
	ENTRY("access_pin", access_and_map, pin, unpin);
FIXTURE_VARIANT_ADD(failnth, access_pin_in_domain)
	ENTRY("access_pin_in_domain", access_and_domain, pin, unpin);
FIXTURE_VARIANT_ADD(failnth, access_pin_overlapping)
	ENTRY("access_pin_overlapping", part_pinned, pin, unpin);
FIXTURE_VARIANT_ADD(failnth, access_pin_again)
	ENTRY("access_pin_again", pinned, pin, unpin);
FIXTURE_VARIANT_ADD(failnth, access_pin_in_batches)
	ENTRY("access_pin_in_batches", pin_limited, pin, unpin);
FIXTURE_VARIANT_ADD(failnth, access_unpin)
	ENTRY("access_unpin", pinned, unpin, pin, .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, access_unpin_in_domain)
	ENTRY("access_unpin_in_domain", pinned_and_domain, unpin, pin,
	      .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, access_rw)
	ENTRY("access_rw", access_and_map, rw_plain, nothing);
FIXTURE_VARIANT_ADD(failnth, access_rw_slow)
	ENTRY("access_rw_slow", access_and_map, rw_slow, nothing);
FIXTURE_VARIANT_ADD(failnth, access_rw_in_domain)
	ENTRY("access_rw_in_domain", access_and_domain, rw_slow, nothing);
FIXTURE_VARIANT_ADD(failnth, access_rw_write)
	ENTRY("access_rw_write", pinned, rw_write, nothing);
FIXTURE_VARIANT_ADD(failnth, vfio_ioas_set)
	ENTRY("vfio_ioas_set", nothing, vfio_ioas_set, vfio_ioas_clear);
FIXTURE_VARIANT_ADD(failnth, vfio_ioas_get)
	ENTRY("vfio_ioas_get", vfio_ioas_set, vfio_ioas_get, nothing);
FIXTURE_VARIANT_ADD(failnth, vfio_ioas_clear)
	ENTRY("vfio_ioas_clear", vfio_ioas_set, vfio_ioas_clear, vfio_ioas_set,
	      .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, vfio_api_version)
	ENTRY("vfio_api_version", nothing, container_version, nothing,
	      .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, vfio_check_extension)
	ENTRY("vfio_check_extension", container, container_extension, nothing,
	      .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, vfio_set_iommu)
	ENTRY("vfio_set_iommu", spare_container, container_set_iommu, nothing);
FIXTURE_VARIANT_ADD(failnth, vfio_get_info)
	ENTRY("vfio_get_info", container, container_info, nothing);
FIXTURE_VARIANT_ADD(failnth, vfio_map_dma)
	ENTRY("vfio_map_dma", container, container_map, container_unmap);
FIXTURE_VARIANT_ADD(failnth, vfio_unmap_dma)
	ENTRY("vfio_unmap_dma", container_mapped, container_unmap,
	      container_map, .needs_no_memory = true,
	      .done_without_reply = true);
/* clang-format on */

/* Faults of all entries, counted across the processes that they run in. */
static struct {
	unsigned int faults;
	unsigned int entries;
} *total;

static void __attribute__((constructor)) share_total(void)
{
	total = mmap(NULL, sizeof(*total), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

FIXTURE_SETUP(failnth)
{
	struct scene *scene = &self->scene;
	int ret = mock_rig_create(&scene->rig, 0);

	if (ret == -ENODEV)
		SKIP(return, "no mock IOMMU");
	ASSERT_EQ(0, ret);
	scene->faults = faults_open();
	if (scene->faults < 0) {
		mock_rig_destroy(&scene->rig);
		SKIP(return, "no fault injection");
	}
	scene->access_fd = -1;
	scene->readers[0] = access_create(scene->rig.fd, scene->rig.ioas_id, 0);
	scene->readers[1] = access_create(scene->rig.fd, scene->rig.other_id, 0);
	ASSERT_GE(scene->readers[1], 0);
	ASSERT_EQ(0, memory_alloc(MEMORY_THP, SZ_2M, &scene->run));
	/* What has no limit is not counted where the limit would be. */
	ASSERT_EQ(0, capability_drop(CAP_IPC_LOCK));
	ASSERT_EQ(0, memlock_limit(RLIM_INFINITY));
	ASSERT_EQ(0, variant->entry.prepare(scene));
}

FIXTURE_TEARDOWN(failnth)
{
	struct scene *scene = &self->scene;

	mock_memory_limit(scene->rig.fd, 0);
	close(scene->faults);
	close(scene->readers[0]);
	close(scene->readers[1]);
	if (scene->access_fd >= 0)
		close(scene->access_fd);
	EXPECT_STREQ("", mock_rig_destroy(&scene->rig));
}

struct call {
	struct scene *scene;
	step_t act;
};

static int call_act(void *arg)
{
	struct call *call = arg;

	return call->act(call->scene);
}

static bool is_plausible(const struct entry *entry, int ret)
{
	return ret == -EFAULT || (ret == -ENOMEM && !entry->needs_no_memory);
}

/* A pointer that is bad for the reply only is found when all is done. */
static bool is_done(const struct entry *entry, int ret,
		    const struct view *during, const struct view *now)
{
	return ret == -EFAULT && entry->done_without_reply &&
	       !*view_difference(during, now);
}

static void look(struct scene *scene, struct view *view)
{
	view_take(view, &scene->rig, scene->readers);
}

/* So that a page too much on the account of the user is too much. */
static int set_limit(const struct entry *entry,
		     const struct view *before, const struct view *during)
{
	__u64 limit_kib = before->pinned_kib > during->pinned_kib ?
				  before->pinned_kib : during->pinned_kib;

	if (entry->needs_twice)
		limit_kib += before->pinned_kib;
	return memlock_limit(limit_kib * 1024);
}

TEST_F(failnth, h04_each_chance_to_fail_is_taken)
{
	const struct entry *entry = &variant->entry;
	struct scene *scene = &self->scene;
	struct call call = { scene, entry->act };
	struct view before, during, now;
	unsigned int nth, faults = 0;
	bool injected = true;
	int ret;

	look(scene, &before);
	ASSERT_EQ(0, entry->act(scene));
	look(scene, &during);
	ASSERT_EQ(0, entry->undo(scene));
	look(scene, &now);
	ASSERT_STREQ("", view_difference(&before, &now));
	ASSERT_EQ(0, set_limit(entry, &before, &during));

	for (nth = 1; injected && nth < NTH_MAX; nth++) {
		bool look_closely = nth % STRIDE == 1;

		ret = faults_run(scene->faults, call_act, &call, nth,
				 &injected);
		ASSERT_NE(-EUCLEAN, ret);
		faults += injected;
		if (!injected)
			ASSERT_EQ(0, ret);
		if (ret)
			look(scene, &now);
		if (ret && !is_done(entry, ret, &during, &now)) {
			EXPECT_TRUE(is_plausible(entry, ret)) {
				TH_LOG("fault %u: got %d", nth, ret);
			}
			ASSERT_STREQ("", view_difference(&before, &now)) {
				TH_LOG("fault %u: got %d", nth, ret);
			}
			ASSERT_EQ(0, entry->act(scene)) {
				TH_LOG("fault %u: not as before", nth);
			}
		}
		if (look_closely) {
			look(scene, &now);
			EXPECT_STREQ("", view_difference(&during, &now)) {
				TH_LOG("fault %u: not as without", nth);
			}
		}
		ASSERT_EQ(0, entry->undo(scene)) {
			TH_LOG("fault %u: no way back", nth);
		}
		if (look_closely || !injected) {
			look(scene, &now);
			ASSERT_STREQ("", view_difference(&before, &now)) {
				TH_LOG("fault %u: not back", nth);
			}
		}
	}
	EXPECT_LT(nth, NTH_MAX);
	printf("# %-28s %4u faults\n", entry->name, faults);
	__atomic_add_fetch(&total->faults, faults, __ATOMIC_RELAXED);
	__atomic_add_fetch(&total->entries, 1, __ATOMIC_RELAXED);
}

/* Runs behind the others, in the order of definition. */
FIXTURE(failnth_sum)
{
};

FIXTURE_SETUP(failnth_sum)
{
}

FIXTURE_TEARDOWN(failnth_sum)
{
}

TEST_F(failnth_sum, faults_were_injected)
{
	if (!total->entries)
		SKIP(return, "no entry ran");
	printf("# %u faults in %u entries\n", total->faults, total->entries);
	EXPECT_GT(total->faults, 500);
}

TEST_HARNESS_MAIN
