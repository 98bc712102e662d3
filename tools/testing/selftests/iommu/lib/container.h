/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * VFIO containers: VFIO's own with its type1 IOMMU driver, and an iommufd in
 * the place of one.
 */
#ifndef SELFTEST_IOMMU_CONTAINER_H
#define SELFTEST_IOMMU_CONTAINER_H

#include <linux/vfio.h>

#include "edu.h"

#define CONTAINER_DEVICES	2
#define CONTAINER_PAGES		64
#define INFO_BYTES		4096

/* Room for tests that every device reaches, clear of both ends. */
#define CONTAINER_IOVA		0x2000000ULL

/**
 * enum container_kind - who serves a container
 * @CONTAINER_TYPE1: VFIO, with its type1 IOMMU driver
 * @CONTAINER_IOMMUFD: iommufd, by the name of /dev/iommu
 * @CONTAINER_IOMMUFD_BY_NAME: iommufd, by the name of VFIO's container
 */
enum container_kind {
	CONTAINER_TYPE1,
	CONTAINER_IOMMUFD,
	CONTAINER_IOMMUFD_BY_NAME,
};

/**
 * enum container_stage - how far a container is on the way to a device
 * @STAGE_OPEN: nothing but the container
 * @STAGE_GROUP: the group of the first device is in it
 * @STAGE_IOMMU: VFIO_SET_IOMMU is done
 * @STAGE_DEVICE: the first device is open
 */
enum container_stage {
	STAGE_OPEN,
	STAGE_GROUP,
	STAGE_IOMMU,
	STAGE_DEVICE,
};

/**
 * struct container - a container, and groups and devices for it
 * @fd: the container
 * @type: VFIO_TYPE1_IOMMU or VFIO_TYPE1v2_IOMMU
 * @group: group of each device, negative when it is not open
 * @edu: the devices; each is open when its vfio.fd is not negative
 * @buffer: CONTAINER_PAGES pages of memory, scattered
 */
struct container {
	int fd;
	unsigned long type;
	int group[CONTAINER_DEVICES];
	struct edu edu[CONTAINER_DEVICES];
	char *buffer;
};

/* What VFIO_IOMMU_GET_INFO wrote, and room for more. */
union container_info {
	struct vfio_iommu_type1_info head;
	unsigned char bytes[INFO_BYTES];
};

/*
 * Open a container and all groups, and go on until @stage. An iommufd counts
 * memory per process, whatever its name. Returns 0, -ENODEV when there is no
 * device or no container of the kind, or what failed.
 */
int container_open(struct container *container, enum container_kind kind,
		   unsigned long type, enum container_stage stage);
void container_close(struct container *container);

/* Everything that follows returns 0 (or more) or -errno. */
int container_ioctl(const struct container *container, unsigned long request,
		    unsigned long arg);
int container_set_group(const struct container *container, unsigned int index);
int container_unset_group(const struct container *container,
			  unsigned int index);

/* Close a group, which then is in no container, and open it again. */
int container_reopen_group(struct container *container, unsigned int index);
int container_open_device(struct container *container, unsigned int index);
void container_close_device(struct container *container, unsigned int index);

int container_map(const struct container *container, const void *va,
		  __u64 iova, __u64 size);

/* Address of a page of the buffer, and its IOVA in these tests. */
char *container_page(const struct container *container, unsigned int index);
__u64 container_iova(unsigned int index);

/* Map pages of the buffer at their IOVA. */
int container_map_pages(const struct container *container, unsigned int index,
			unsigned int count);

/* Map a page of the buffer, that many pages from CONTAINER_IOVA on. */
int container_map_page(const struct container *container, unsigned int index);

/* @unmapped: the size field afterwards, may be NULL. */
int container_unmap(const struct container *container, __u64 iova, __u64 size,
		    __u64 *unmapped);
int container_unmap_all(const struct container *container, __u64 *unmapped);

/* VFIO_UPDATE_VADDR: no address is valid any more; one mapping has a new one. */
int container_invalidate_all(const struct container *container);
int container_give(const struct container *container, const void *va,
		   __u64 iova, __u64 size);

/* Fill all of @info with @filler first, but for @argsz. */
int container_get_info(const struct container *container,
		       union container_info *info, __u32 argsz,
		       unsigned char filler);

/* The capability @id in an answer that has room for it, or NULL. */
const struct vfio_info_cap_header *
container_capability(const union container_info *info, __u16 id);

/* How many more mappings there may be, as VFIO_IOMMU_GET_INFO says. */
long long container_mappings_left(const struct container *container);

/* The operations of IOMMU_VFIO_IOAS. */
int vfio_ioas_get(int fd, __u32 *ioas_id);
int vfio_ioas_set(int fd, __u32 ioas_id);
int vfio_ioas_clear(int fd);

/* IOMMU_OPTION_HUGE_PAGES of the IOAS behind an iommufd, in @value. */
int container_huge_pages(const struct container *container, __u64 *value);

#endif
