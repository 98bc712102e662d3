/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * A command of each kind that succeeds.
 */
#ifndef SELFTEST_IOMMU_ABI_FILL_H
#define SELFTEST_IOMMU_ABI_FILL_H

#include "world.h"

void fill_destroy(struct world *world, void *command);
void fill_ioas_alloc(struct world *world, void *command);
void fill_allow_iovas(struct world *world, void *command);
void fill_iova_ranges(struct world *world, void *command);
void fill_map(struct world *world, void *command);
void fill_map_file(struct world *world, void *command);
void fill_change_process(struct world *world, void *command);
void fill_copy(struct world *world, void *command);
void fill_unmap(struct world *world, void *command);
void fill_option_get(struct world *world, void *command);
void fill_option_set(struct world *world, void *command);
void fill_vfio_ioas_set(struct world *world, void *command);
void fill_vfio_ioas_get(struct world *world, void *command);
void fill_hwpt_alloc(struct world *world, void *command);
void fill_hwpt_alloc_faults(struct world *world, void *command);
void fill_fault_alloc(struct world *world, void *command);
void fill_hw_info(struct world *world, void *command);
void fill_set_dirty_tracking(struct world *world, void *command);
void fill_get_dirty_bitmap(struct world *world, void *command);
void fill_hwpt_invalidate(struct world *world, void *command);

#endif
