/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * What failnth_test makes fail, what has to be there before, and the ways back.
 * Each step returns 0 or a negative errno, and is in the file of its subject.
 */
#ifndef SELFTEST_IOMMU_FAILNTH_STEPS_H
#define SELFTEST_IOMMU_FAILNTH_STEPS_H

#include "lib/mock_rig.h"

/* What is mapped of scattered memory. */
#define SCENE_PAGES	12

/**
 * struct scene - what the calls act on
 * @rig: the iommufd, IOASes and memory
 * @readers: an access that copies, for each IOAS
 * @faults: of faults_open()
 * @devices: as far as the entry has any
 * @access_fd: an access of the entry
 * @pages_id: what it has pinned
 * @spare_id: an IOAS of the entry
 * @hwpt_id: a page table of the entry
 * @nested_id: another one, nested in it
 * @bitmap: what was dirty so far, a bit for each page
 * @iova: where the memory is
 * @run: 2 MiB of contiguous memory
 * @fault_id: a queue of page faults of the entry
 * @fault_fd: its file, -1 without one
 * @cookie: of what was read there
 * @file: what the buffer is mapped from, -1 if it is anonymous
 * @bar: a BAR of the entry
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
	__u32 nested_id;
	__u64 bitmap;
	__u64 iova;
	void *run;
	__u32 fault_id;
	int fault_fd;
	__u32 cookie;
	int file;
	char *bar;
};

typedef int (*step_t)(struct scene *scene);

int step_nothing(struct scene *scene);

/* The second only if the first succeeds. */
int step_both(struct scene *scene, step_t first, step_t second);

/* IOASes and options. */
int step_alloc_spare(struct scene *scene);
int step_destroy_spare(struct scene *scene);
int step_alloc_and_map_spare(struct scene *scene);
int step_allow(struct scene *scene);
int step_allow_all(struct scene *scene);
int step_query_ranges(struct scene *scene);
int step_small_pages(struct scene *scene);
int step_large_pages(struct scene *scene);
int step_query_huge_pages(struct scene *scene);
int step_query_rlimit_mode(struct scene *scene);
int step_reserve_spare(struct scene *scene);
int step_renew_spare(struct scene *scene);

/* Mapping. */
int step_map(struct scene *scene);
int step_unmap(struct scene *scene);
int step_unmap_all(struct scene *scene);
int step_map_auto(struct scene *scene);
int step_unmap_auto(struct scene *scene);
int step_map_run(struct scene *scene);
int step_unmap_run(struct scene *scene);
/* A BAR, and that with ordinary memory on both sides of it. */
int step_make_bar(struct scene *scene);
int step_make_bar_and_plug(struct scene *scene);
int step_make_and_map_bar(struct scene *scene);
int step_map_bar_and_plug(struct scene *scene);
int step_make_mixed_and_plug(struct scene *scene);
int step_map_bar(struct scene *scene);
int step_unmap_bar(struct scene *scene);
int step_map_mixed(struct scene *scene);
int step_unmap_mixed(struct scene *scene);

int step_map_three(struct scene *scene);
int step_map_file(struct scene *scene);
int step_change_process(struct scene *scene);
int step_copy(struct scene *scene);
int step_uncopy(struct scene *scene);

/* Devices. */
int step_plug(struct scene *scene);
int step_unplug(struct scene *scene);
int step_plug_into_hwpt(struct scene *scene);
int step_plug_other(struct scene *scene);
int step_unplug_other(struct scene *scene);
int step_replace(struct scene *scene);
int step_replace_back(struct scene *scene);

/* Page tables of the program's own. */
int step_alloc_hwpt(struct scene *scene);
int step_destroy_hwpt(struct scene *scene);
int step_move_to_hwpt(struct scene *scene);
int step_ask_hw_info(struct scene *scene);

/* Nested ones, and tracking of writes. */
int step_alloc_parent(struct scene *scene);
int step_alloc_tracking(struct scene *scene);
int step_alloc_nested(struct scene *scene);
int step_destroy_nested(struct scene *scene);
int step_move_to_nested(struct scene *scene);
int step_invalidate(struct scene *scene);
int step_track(struct scene *scene);
int step_untrack(struct scene *scene);
int step_read_dirty(struct scene *scene);
int step_write_again(struct scene *scene);

/* Page faults. */
int step_alloc_faults(struct scene *scene);
int step_destroy_faults(struct scene *scene);
int step_alloc_closed_faults(struct scene *scene);
int step_destroy_closed_faults(struct scene *scene);
int step_alloc_fault_hwpt(struct scene *scene);
int step_alloc_nested_faults(struct scene *scene);
int step_request_page(struct scene *scene);
int step_read_fault(struct scene *scene);
int step_answer_fault(struct scene *scene);
int step_answer_and_request(struct scene *scene);
int step_request_and_read(struct scene *scene);
int step_move_and_request(struct scene *scene);

/* Accesses. */
int step_create_access(struct scene *scene);
int step_close_access(struct scene *scene);
int step_move_access(struct scene *scene);
int step_move_access_back(struct scene *scene);
int step_pin(struct scene *scene);
int step_unpin(struct scene *scene);
int step_rw_plain(struct scene *scene);
int step_rw_slow(struct scene *scene);
int step_rw_write(struct scene *scene);

/* VFIO containers. */
int step_vfio_ioas_set(struct scene *scene);
int step_vfio_ioas_get(struct scene *scene);
int step_vfio_ioas_clear(struct scene *scene);
int step_container_version(struct scene *scene);
int step_container_extension(struct scene *scene);
int step_container_set_iommu(struct scene *scene);
int step_container_info(struct scene *scene);
int step_container_map(struct scene *scene);
int step_container_unmap(struct scene *scene);
int step_container_track(struct scene *scene);
int step_container_untrack(struct scene *scene);
int step_container_dirty(struct scene *scene);
int step_container_unmap_dirty(struct scene *scene);
int step_container_invalidate(struct scene *scene);
int step_container_give(struct scene *scene);
int step_container_invalidate_or_not(struct scene *scene);

/* What has to be there first. */
int step_plug_and_map(struct scene *scene);
int step_file(struct scene *scene);
int step_file_and_plug(struct scene *scene);
int step_file_mapped(struct scene *scene);
int step_file_in_domain(struct scene *scene);
int step_file_and_access(struct scene *scene);
int step_three_in_domain(struct scene *scene);
int step_own_hwpt(struct scene *scene);
int step_parent(struct scene *scene);
int step_nested(struct scene *scene);
int step_own_tracking(struct scene *scene);
int step_written(struct scene *scene);
int step_two_domains(struct scene *scene);
int step_replaceable(struct scene *scene);
int step_access_and_map(struct scene *scene);
int step_pinned(struct scene *scene);
int step_access_and_domain(struct scene *scene);
int step_part_pinned(struct scene *scene);
int step_part_pinned_and_domain(struct scene *scene);
int step_pinned_and_domain(struct scene *scene);
int step_remap_and_pin(struct scene *scene);
/* The kernel's buffers are short from here on. */
int step_limit_buffers(struct scene *scene);
int step_plug_limited(struct scene *scene);
int step_pin_limited(struct scene *scene);
int step_map_limited(struct scene *scene);
int step_spare_container(struct scene *scene);
int step_plug_and_alloc_faults(struct scene *scene);
int step_parent_and_alloc_faults(struct scene *scene);
int step_faulting_hwpt(struct scene *scene);
int step_faulting(struct scene *scene);
int step_page_requested(struct scene *scene);
int step_fault_read(struct scene *scene);
int step_container(struct scene *scene);
int step_container_mapped(struct scene *scene);
int step_container_pinned(struct scene *scene);
int step_container_tracked(struct scene *scene);
int step_tracked_access(struct scene *scene);
int step_spare_mapped(struct scene *scene);
int step_spare_invalid(struct scene *scene);

#endif
