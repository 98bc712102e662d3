/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Included after the distribution's configuration: options that are on there
 * and off in these modules.
 */
#undef CONFIG_VFIO_CONTAINER
#undef CONFIG_VFIO_IOMMU_TYPE1
#undef CONFIG_VFIO_IOMMU_TYPE1_MODULE
