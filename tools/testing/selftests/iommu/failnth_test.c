// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Every ioctl of /dev/iommu, and with the mock IOMMU every call that drivers
 * make, fails once at each place where it can: an allocation, a copy from or to
 * user space, a pin. Then all that can be seen is as before, the same call
 * succeeds, and what takes things down needs no memory.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <linux/capability.h>

#include "failnth/steps.h"
#include "failnth/view.h"
#include "lib/faults.h"
#include "lib/harness.h"
#include "lib/process.h"

/* So many calls that failed share one look at everything behind their undo. */
#define STRIDE	8

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
	ENTRY("ioas_alloc", step_nothing, step_alloc_spare, step_destroy_spare);
FIXTURE_VARIANT_ADD(failnth, ioas_destroy)
	ENTRY("ioas_destroy", step_alloc_spare, step_destroy_spare,
	      step_alloc_spare, .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, ioas_destroy_populated)
	ENTRY("ioas_destroy_populated", step_alloc_and_map_spare,
	      step_destroy_spare, step_alloc_and_map_spare,
	      .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, allow_iovas)
	ENTRY("allow_iovas", step_nothing, step_allow, step_allow_all);
FIXTURE_VARIANT_ADD(failnth, allow_all_iovas)
	ENTRY("allow_all_iovas", step_allow, step_allow_all, step_allow,
	      .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, iova_ranges)
	ENTRY("iova_ranges", step_plug, step_query_ranges, step_nothing);
FIXTURE_VARIANT_ADD(failnth, option_set)
	ENTRY("option_set", step_nothing, step_small_pages, step_large_pages,
	      .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, option_get)
	ENTRY("option_get", step_nothing, step_query_huge_pages, step_nothing,
	      .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, option_rlimit_mode)
	ENTRY("option_rlimit_mode", step_nothing, step_query_rlimit_mode,
	      step_nothing, .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, reserve)
	ENTRY("reserve", step_alloc_spare, step_reserve_spare,
	      step_renew_spare);
FIXTURE_VARIANT_ADD(failnth, map)
	ENTRY("map", step_nothing, step_map, step_unmap);
FIXTURE_VARIANT_ADD(failnth, map_in_domain)
	ENTRY("map_in_domain", step_plug, step_map, step_unmap);
FIXTURE_VARIANT_ADD(failnth, map_auto)
	ENTRY("map_auto", step_plug, step_map_auto, step_unmap_auto);
FIXTURE_VARIANT_ADD(failnth, map_small_pages)
	ENTRY("map_small_pages", step_small_pages, step_map, step_unmap);
FIXTURE_VARIANT_ADD(failnth, map_run)
	ENTRY("map_run", step_plug, step_map_run, step_unmap_run);
FIXTURE_VARIANT_ADD(failnth, map_in_batches)
	ENTRY("map_in_batches", step_plug_limited, step_map, step_unmap);
FIXTURE_VARIANT_ADD(failnth, map_file)
	ENTRY("map_file", step_file, step_map_file, step_unmap);
FIXTURE_VARIANT_ADD(failnth, map_file_in_domain)
	ENTRY("map_file_in_domain", step_file_and_plug, step_map_file,
	      step_unmap);
FIXTURE_VARIANT_ADD(failnth, bind_attach_file)
	ENTRY("bind_attach_file", step_file_mapped, step_plug, step_unplug);
FIXTURE_VARIANT_ADD(failnth, access_pin_file)
	ENTRY("access_pin_file", step_file_and_access, step_pin, step_unpin);
FIXTURE_VARIANT_ADD(failnth, access_rw_file)
	ENTRY("access_rw_file", step_file_and_access, step_rw_slow,
	      step_nothing);
FIXTURE_VARIANT_ADD(failnth, change_process)
	ENTRY("change_process", step_file_in_domain, step_change_process,
	      step_nothing);
FIXTURE_VARIANT_ADD(failnth, map_bar)
	ENTRY("map_bar", step_make_bar, step_map_bar, step_unmap_bar);
FIXTURE_VARIANT_ADD(failnth, map_bar_in_domain)
	ENTRY("map_bar_in_domain", step_make_bar_and_plug, step_map_bar,
	      step_unmap_bar);
FIXTURE_VARIANT_ADD(failnth, map_mixed_in_domain)
	ENTRY("map_mixed_in_domain", step_make_mixed_and_plug, step_map_mixed,
	      step_unmap_mixed);
FIXTURE_VARIANT_ADD(failnth, unmap_bar_in_domain)
	ENTRY("unmap_bar_in_domain", step_map_bar_and_plug, step_unmap_bar,
	      step_map_bar, .needs_no_memory = true,
	      .done_without_reply = true);
FIXTURE_VARIANT_ADD(failnth, bind_attach_bar)
	ENTRY("bind_attach_bar", step_make_and_map_bar, step_plug, step_unplug);
FIXTURE_VARIANT_ADD(failnth, copy)
	ENTRY("copy", step_map_three, step_copy, step_uncopy);
FIXTURE_VARIANT_ADD(failnth, copy_in_domain)
	ENTRY("copy_in_domain", step_three_in_domain, step_copy, step_uncopy);
FIXTURE_VARIANT_ADD(failnth, copy_to_domain)
	ENTRY("copy_to_domain", step_two_domains, step_copy, step_uncopy);
FIXTURE_VARIANT_ADD(failnth, copy_of_pinned)
	ENTRY("copy_of_pinned", step_pinned, step_copy, step_uncopy);
FIXTURE_VARIANT_ADD(failnth, unmap)
	ENTRY("unmap", step_map, step_unmap, step_map, .needs_no_memory = true,
	      .done_without_reply = true);
FIXTURE_VARIANT_ADD(failnth, unmap_in_domain)
	ENTRY("unmap_in_domain", step_plug_and_map, step_unmap, step_map,
	      .needs_no_memory = true, .done_without_reply = true);
FIXTURE_VARIANT_ADD(failnth, unmap_all)
	ENTRY("unmap_all", step_three_in_domain, step_unmap_all, step_map_three,
	      .needs_no_memory = true, .done_without_reply = true);
FIXTURE_VARIANT_ADD(failnth, unmap_pinned)
	ENTRY("unmap_pinned", step_pinned, step_unmap, step_remap_and_pin,
	      .needs_no_memory = true, .done_without_reply = true);
FIXTURE_VARIANT_ADD(failnth, unmap_pinned_in_domain)
	ENTRY("unmap_pinned_in_domain", step_pinned_and_domain, step_unmap,
	      step_remap_and_pin, .needs_no_memory = true,
	      .done_without_reply = true);
FIXTURE_VARIANT_ADD(failnth, bind_attach)
	ENTRY("bind_attach", step_nothing, step_plug, step_unplug);
FIXTURE_VARIANT_ADD(failnth, bind_attach_populated)
	ENTRY("bind_attach_populated", step_map_three, step_plug, step_unplug);
FIXTURE_VARIANT_ADD(failnth, bind_attach_batches)
	ENTRY("bind_attach_batches", step_map_limited, step_plug, step_unplug);
FIXTURE_VARIANT_ADD(failnth, bind_attach_pinned)
	ENTRY("bind_attach_pinned", step_part_pinned, step_plug, step_unplug);
FIXTURE_VARIANT_ADD(failnth, bind_attach_same_page_table)
	ENTRY("bind_attach_same_page_table", step_plug_and_map,
	      step_plug_into_hwpt, step_unplug_other);
FIXTURE_VARIANT_ADD(failnth, bind_attach_shared_memory)
	ENTRY("bind_attach_shared_memory", step_replaceable, step_plug_other,
	      step_unplug_other);
FIXTURE_VARIANT_ADD(failnth, replace)
	ENTRY("replace", step_replaceable, step_replace, step_replace_back,
	      .needs_twice = true);
FIXTURE_VARIANT_ADD(failnth, hwpt_alloc)
	ENTRY("hwpt_alloc", step_three_in_domain, step_alloc_hwpt,
	      step_destroy_hwpt);
FIXTURE_VARIANT_ADD(failnth, hwpt_alloc_shared_memory)
	ENTRY("hwpt_alloc_shared_memory", step_replaceable, step_alloc_hwpt,
	      step_destroy_hwpt);
FIXTURE_VARIANT_ADD(failnth, hwpt_alloc_dirty_tracking)
	ENTRY("hwpt_alloc_dirty_tracking", step_three_in_domain,
	      step_alloc_tracking, step_destroy_hwpt);
FIXTURE_VARIANT_ADD(failnth, hwpt_alloc_nest_parent)
	ENTRY("hwpt_alloc_nest_parent", step_three_in_domain,
	      step_alloc_parent, step_destroy_hwpt);
FIXTURE_VARIANT_ADD(failnth, hwpt_destroy)
	ENTRY("hwpt_destroy", step_own_hwpt, step_destroy_hwpt, step_alloc_hwpt,
	      .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, replace_hwpt)
	ENTRY("replace_hwpt", step_own_hwpt, step_move_to_hwpt,
	      step_replace_back);
FIXTURE_VARIANT_ADD(failnth, hwpt_alloc_nested)
	ENTRY("hwpt_alloc_nested", step_parent, step_alloc_nested,
	      step_destroy_nested);
FIXTURE_VARIANT_ADD(failnth, hwpt_destroy_nested)
	ENTRY("hwpt_destroy_nested", step_nested, step_destroy_nested,
	      step_alloc_nested, .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, replace_nested)
	ENTRY("replace_nested", step_nested, step_move_to_nested,
	      step_replace_back);
FIXTURE_VARIANT_ADD(failnth, hwpt_invalidate)
	ENTRY("hwpt_invalidate", step_nested, step_invalidate, step_nothing);
FIXTURE_VARIANT_ADD(failnth, set_dirty_tracking)
	ENTRY("set_dirty_tracking", step_own_tracking, step_track,
	      step_untrack);
FIXTURE_VARIANT_ADD(failnth, stop_dirty_tracking)
	ENTRY("stop_dirty_tracking", step_written, step_untrack, step_track);
FIXTURE_VARIANT_ADD(failnth, get_dirty_bitmap)
	ENTRY("get_dirty_bitmap", step_written, step_read_dirty,
	      step_write_again);
FIXTURE_VARIANT_ADD(failnth, hw_info)
	ENTRY("hw_info", step_plug, step_ask_hw_info, step_nothing);
FIXTURE_VARIANT_ADD(failnth, fault_queue_alloc)
	ENTRY("fault_queue_alloc", step_nothing, step_alloc_faults,
	      step_destroy_faults);
FIXTURE_VARIANT_ADD(failnth, fault_queue_destroy)
	ENTRY("fault_queue_destroy", step_alloc_closed_faults,
	      step_destroy_closed_faults, step_alloc_closed_faults,
	      .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, fault_hwpt_alloc)
	ENTRY("fault_hwpt_alloc", step_plug_and_alloc_faults,
	      step_alloc_fault_hwpt, step_destroy_hwpt);
FIXTURE_VARIANT_ADD(failnth, fault_hwpt_alloc_nested)
	ENTRY("fault_hwpt_alloc_nested", step_parent_and_alloc_faults,
	      step_alloc_nested_faults, step_destroy_nested);
FIXTURE_VARIANT_ADD(failnth, fault_hwpt_replace)
	ENTRY("fault_hwpt_replace", step_faulting_hwpt, step_move_to_hwpt,
	      step_replace_back);
FIXTURE_VARIANT_ADD(failnth, fault_replace_outstanding)
	ENTRY("fault_replace_outstanding", step_page_requested,
	      step_replace_back, step_move_and_request);
FIXTURE_VARIANT_ADD(failnth, fault_read)
	ENTRY("fault_read", step_page_requested, step_read_fault,
	      step_answer_and_request, .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, fault_write)
	ENTRY("fault_write", step_fault_read, step_answer_fault,
	      step_request_and_read, .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, detach_unbind)
	ENTRY("detach_unbind", step_three_in_domain, step_unplug, step_plug,
	      .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, detach_unbind_pinned)
	ENTRY("detach_unbind_pinned", step_part_pinned_and_domain, step_unplug,
	      step_plug, .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, access_create_attach)
	ENTRY("access_create_attach", step_map_three, step_create_access,
	      step_close_access);
FIXTURE_VARIANT_ADD(failnth, access_replace)
	ENTRY("access_replace", step_access_and_map, step_move_access,
	      step_move_access_back);
FIXTURE_VARIANT_ADD(failnth, access_pin)
	ENTRY("access_pin", step_access_and_map, step_pin, step_unpin);
FIXTURE_VARIANT_ADD(failnth, access_pin_in_domain)
	ENTRY("access_pin_in_domain", step_access_and_domain, step_pin,
	      step_unpin);
FIXTURE_VARIANT_ADD(failnth, access_pin_overlapping)
	ENTRY("access_pin_overlapping", step_part_pinned, step_pin, step_unpin);
FIXTURE_VARIANT_ADD(failnth, access_pin_again)
	ENTRY("access_pin_again", step_pinned, step_pin, step_unpin);
FIXTURE_VARIANT_ADD(failnth, access_pin_in_batches)
	ENTRY("access_pin_in_batches", step_pin_limited, step_pin, step_unpin);
FIXTURE_VARIANT_ADD(failnth, access_unpin)
	ENTRY("access_unpin", step_pinned, step_unpin, step_pin,
	      .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, access_unpin_in_domain)
	ENTRY("access_unpin_in_domain", step_pinned_and_domain, step_unpin,
	      step_pin, .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, access_rw)
	ENTRY("access_rw", step_access_and_map, step_rw_plain, step_nothing);
FIXTURE_VARIANT_ADD(failnth, access_rw_slow)
	ENTRY("access_rw_slow", step_access_and_map, step_rw_slow,
	      step_nothing);
FIXTURE_VARIANT_ADD(failnth, access_rw_in_domain)
	ENTRY("access_rw_in_domain", step_access_and_domain, step_rw_slow,
	      step_nothing);
FIXTURE_VARIANT_ADD(failnth, access_rw_write)
	ENTRY("access_rw_write", step_pinned, step_rw_write, step_nothing);
FIXTURE_VARIANT_ADD(failnth, vfio_ioas_set)
	ENTRY("vfio_ioas_set", step_nothing, step_vfio_ioas_set,
	      step_vfio_ioas_clear);
FIXTURE_VARIANT_ADD(failnth, vfio_ioas_get)
	ENTRY("vfio_ioas_get", step_vfio_ioas_set, step_vfio_ioas_get,
	      step_nothing);
FIXTURE_VARIANT_ADD(failnth, vfio_ioas_clear)
	ENTRY("vfio_ioas_clear", step_vfio_ioas_set, step_vfio_ioas_clear,
	      step_vfio_ioas_set, .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, vfio_api_version)
	ENTRY("vfio_api_version", step_nothing, step_container_version,
	      step_nothing, .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, vfio_check_extension)
	ENTRY("vfio_check_extension", step_container, step_container_extension,
	      step_nothing, .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, vfio_set_iommu)
	ENTRY("vfio_set_iommu", step_spare_container, step_container_set_iommu,
	      step_nothing);
FIXTURE_VARIANT_ADD(failnth, vfio_get_info)
	ENTRY("vfio_get_info", step_container, step_container_info,
	      step_nothing);
FIXTURE_VARIANT_ADD(failnth, vfio_map_dma)
	ENTRY("vfio_map_dma", step_container, step_container_map,
	      step_container_unmap);
FIXTURE_VARIANT_ADD(failnth, vfio_unmap_dma)
	ENTRY("vfio_unmap_dma", step_container_mapped, step_container_unmap,
	      step_container_map, .needs_no_memory = true,
	      .done_without_reply = true);
FIXTURE_VARIANT_ADD(failnth, vfio_dirty_start)
	ENTRY("vfio_dirty_start", step_container_pinned, step_container_track,
	      step_container_untrack);
FIXTURE_VARIANT_ADD(failnth, vfio_dirty_stop)
	ENTRY("vfio_dirty_stop", step_container_tracked, step_container_untrack,
	      step_container_track, .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, vfio_dirty_get)
	ENTRY("vfio_dirty_get", step_container_tracked, step_container_dirty,
	      step_nothing);
FIXTURE_VARIANT_ADD(failnth, vfio_unmap_dirty)
	ENTRY("vfio_unmap_dirty", step_container_tracked,
	      step_container_unmap_dirty, step_container_map,
	      .done_without_reply = true);
FIXTURE_VARIANT_ADD(failnth, vfio_tracked_pin)
	ENTRY("vfio_tracked_pin", step_tracked_access, step_pin, step_unpin);
FIXTURE_VARIANT_ADD(failnth, vfio_tracked_rw_write)
	ENTRY("vfio_tracked_rw_write", step_tracked_access, step_rw_write,
	      step_nothing);
FIXTURE_VARIANT_ADD(failnth, vfio_invalidate_vaddr)
	ENTRY("vfio_invalidate_vaddr", step_spare_mapped,
	      step_container_invalidate_or_not, step_container_give,
	      .needs_no_memory = true);
FIXTURE_VARIANT_ADD(failnth, vfio_give_vaddr)
	ENTRY("vfio_give_vaddr", step_spare_invalid, step_container_give,
	      step_container_invalidate);
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
	scene->fault_fd = -1;
	scene->file = -1;
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
	if (scene->fault_fd >= 0)
		close(scene->fault_fd);
	if (scene->file >= 0)
		close(scene->file);
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
