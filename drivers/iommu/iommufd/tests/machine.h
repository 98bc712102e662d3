/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * A machine with devices behind fake IOMMUs, and a program that has them: a
 * context with two IOASes.
 */
#ifndef __IOMMUFD_TESTS_MACHINE_H
#define __IOMMUFD_TESTS_MACHINE_H

#include <linux/mm.h>
#include <linux/types.h>

#include "fake_iommu.h"

struct iommufd_ctx;
struct iommufd_device;
struct iommufd_ioas;
struct kunit;

#define MACHINE_NPAGES 4
#define MACHINE_LENGTH (MACHINE_NPAGES * PAGE_SIZE)

/*
 * Devices 0 and 1 share a group, device 2 has its own behind the same IOMMU, and
 * device 3 is behind another IOMMU.
 */
#define MACHINE_DEVICES 4
#define MACHINE_IOAS 2

/**
 * struct machine - Devices, and a program that has them
 * @ictx: its context
 * @ioas: two IOASes
 * @fake: the devices
 * @idev: each as it is bound, NULL if it is not
 * @hwpt: id of the page table that each is attached to, 0 for none
 */
struct machine {
	struct iommufd_ctx *ictx;
	struct iommufd_ioas *ioas[MACHINE_IOAS];
	struct fake_device fake[MACHINE_DEVICES];
	struct iommufd_device *idev[MACHINE_DEVICES];
	u32 hwpt[MACHINE_DEVICES];
};

int machine_init(struct kunit *test);
void machine_exit(struct kunit *test);
int machine_bind(struct machine *machine, unsigned int i);
void machine_bind_all(struct kunit *test, struct machine *machine);
int machine_attach_id(struct machine *machine, unsigned int i, u32 id);
int machine_attach(struct machine *machine, unsigned int i, unsigned int ioas);
int machine_replace_id(struct machine *machine, unsigned int i, u32 id);
int machine_replace(struct machine *machine, unsigned int i, unsigned int ioas);
void machine_detach(struct machine *machine, unsigned int i);
int machine_alloc_reply(struct machine *machine, unsigned int i,
			unsigned int ioas, void __user *user, u32 *id);
int machine_alloc_hwpt(struct kunit *test, unsigned int i, unsigned int ioas,
		       u32 *id);
struct fake_domain *machine_domain_of(struct kunit *test, u32 id);
int machine_destroy(struct kunit *test, u32 id);
bool machine_exists(struct machine *machine, u32 id);
int machine_map_at(struct kunit *test, unsigned int ioas, unsigned long iova);
unsigned int machine_reserved(struct machine *machine, unsigned int ioas);

#endif
