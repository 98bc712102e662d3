// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Binding, attaching, replacing and detaching devices behind a fake IOMMU.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/iommufd.h>
#include <linux/irqdomain.h>
#include <linux/jiffies.h>
#include <linux/mman.h>
#include <linux/msi.h>
#include <linux/workqueue.h>
#include <uapi/linux/iommufd.h>

#include "check/iopt_check.h"
#include "context.h"
#include "device/device.h"
#include "device/group.h"
#include "device/hw_pagetable.h"
#include "device/hwpt_alloc.h"
#include "fake_iommu.h"
#include "iopt/io_pagetable.h"
#include "iopt/iopt_iova.h"
#include "iopt/iopt_lookup.h"
#include "iopt/iopt_map.h"
#include "object/context.h"
#include "object/ioas.h"
#include "object/ioctl.h"

#define NPAGES 4
#define BASE_IOVA 0x100000UL
#define LENGTH (NPAGES * PAGE_SIZE)
#define RESERVED_START 0xfee00000UL
#define RESERVED_LENGTH 0x100000UL
#define WINDOW_START 0x8000000UL
#define WINDOW_LENGTH 0x100000UL

/*
 * Devices 0 and 1 share a group, device 2 has its own behind the same IOMMU, and
 * device 3 is behind another IOMMU.
 */
#define NDEVICES 4
#define NIOAS 2

struct machine {
	struct iommufd_ctx *ictx;
	struct iommufd_ioas *ioas[NIOAS];
	struct fake_device fake[NDEVICES];
	struct iommufd_device *idev[NDEVICES];
	u32 hwpt[NDEVICES];
};

/* User space would be told that nothing keeps interrupts apart. */
static struct irq_domain isolated_domain = {
	.flags = IRQ_DOMAIN_FLAG_ISOLATED_MSI,
};

static int machine_init(struct kunit *test)
{
	struct machine *machine = kunit_kzalloc(test, sizeof(*machine),
						GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, machine);
	test->priv = machine;
	machine->ictx = context_new(test);
	for (i = 0; i < NIOAS; i++)
		machine->ioas[i] = context_add_ioas(test, machine->ictx);
	machine->fake[1].group_of = &machine->fake[0];
	machine->fake[3].unit = 1;
	for (i = 0; i < NDEVICES; i++) {
		KUNIT_ASSERT_EQ(test, fake_device_add(&machine->fake[i]), 0);
		dev_set_msi_domain(&machine->fake[i].pdev->dev,
				   &isolated_domain);
	}
	return 0;
}

static void detach_unbind(struct machine *machine, unsigned int i)
{
	if (!machine->idev[i])
		return;
	if (machine->hwpt[i])
		iommufd_device_detach(machine->idev[i]);
	iommufd_device_unbind(machine->idev[i]);
}

/* Whatever a test did, nothing may be left of it. */
static void machine_exit(struct kunit *test)
{
	struct machine *machine = test->priv;
	unsigned int i;

	for (i = 0; i < NDEVICES; i++)
		detach_unbind(machine, i);
	for (i = 0; i < NDEVICES; i++)
		KUNIT_EXPECT_NULL(test, machine->fake[i].present);
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), 0);
	for (i = 0; i < NIOAS; i++) {
		KUNIT_EXPECT_EQ(test, machine->ioas[i]->iopt.reserved.count, 0);
		KUNIT_EXPECT_TRUE(test, iopt_valid(&machine->ioas[i]->iopt));
	}
	context_end(test, machine->ictx);
	for (i = NDEVICES; i--;)
		fake_device_remove(&machine->fake[i]);
}

static int bind(struct machine *machine, unsigned int i)
{
	struct iommufd_device *idev;
	u32 id;

	idev = iommufd_device_bind(machine->ictx, &machine->fake[i].pdev->dev,
				   &id);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	machine->idev[i] = idev;
	return id == iommufd_device_to_id(idev) ? 0 : -EBADE;
}

static void bind_all(struct kunit *test, struct machine *machine)
{
	unsigned int i;

	for (i = 0; i < NDEVICES; i++)
		KUNIT_ASSERT_EQ(test, bind(machine, i), 0);
}

static int attach_id(struct machine *machine, unsigned int i, u32 id)
{
	int rc = iommufd_device_attach(machine->idev[i], &id);

	if (!rc)
		machine->hwpt[i] = id;
	return rc;
}

static int attach(struct machine *machine, unsigned int i, unsigned int ioas)
{
	return attach_id(machine, i, machine->ioas[ioas]->object.id);
}

static int replace_id(struct machine *machine, unsigned int i, u32 id)
{
	int rc = iommufd_device_replace(machine->idev[i], &id);

	if (!rc)
		machine->hwpt[i] = id;
	return rc;
}

static int replace(struct machine *machine, unsigned int i, unsigned int ioas)
{
	return replace_id(machine, i, machine->ioas[ioas]->object.id);
}

static void detach(struct machine *machine, unsigned int i)
{
	iommufd_device_detach(machine->idev[i]);
	machine->hwpt[i] = 0;
}

/* IOMMU_HWPT_ALLOC; the reply goes to @user */
static int alloc_reply(struct machine *machine, unsigned int i,
		       unsigned int ioas, void __user *user, u32 *id)
{
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.dev_id = iommufd_device_to_id(machine->idev[i]),
		.pt_id = machine->ioas[ioas]->object.id,
	};
	struct iommufd_call call = {
		.ictx = machine->ictx,
		.user = user,
		.user_size = sizeof(cmd),
	};
	int rc = iommufd_hwpt_alloc(&call, &cmd);

	*id = cmd.out_hwpt_id;
	return rc;
}

static int alloc_hwpt(struct kunit *test, unsigned int i, unsigned int ioas,
		      u32 *id)
{
	unsigned long address = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE,
					      PROT_READ | PROT_WRITE,
					      MAP_ANONYMOUS | MAP_PRIVATE, 0);

	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(address));
	return alloc_reply(test->priv, i, ioas, (void __user *)address, id);
}

static struct fake_domain *domain_of(struct kunit *test, u32 id)
{
	struct machine *machine = test->priv;
	struct iommufd_object *object =
		iommufd_object_get(machine->ictx, id, IOMMUFD_OBJ_HWPT_PAGING);

	KUNIT_ASSERT_FALSE(test, IS_ERR(object));
	/* The test itself keeps it. */
	iommufd_object_put(object);
	return fake_domain_from(iommufd_hwpt_from(object)->domain);
}

static int destroy(struct kunit *test, u32 id)
{
	struct machine *machine = test->priv;

	return iommufd_object_destroy_id(machine->ictx, id);
}

static bool exists(struct machine *machine, u32 id)
{
	struct iommufd_object *object =
		iommufd_object_get(machine->ictx, id, IOMMUFD_OBJ_HWPT_PAGING);

	if (IS_ERR(object))
		return false;
	iommufd_object_put(object);
	return true;
}

static int map_at(struct kunit *test, unsigned int ioas, unsigned long iova)
{
	struct machine *machine = test->priv;
	struct iopt_mapping mapping;
	unsigned long address;
	int rc;

	address = kunit_vm_mmap(test, NULL, 0, LENGTH, PROT_READ | PROT_WRITE,
				MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(address));
	iopt_mapping_init(&mapping, &machine->ioas[ioas]->iopt,
			  IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE,
			  IOPT_MAP_FIXED);
	mapping.iova = iova;
	rc = iopt_mapping_add_user(&mapping, address, LENGTH,
				   PIN_ACCOUNT_NONE) ?:
	     iopt_mapping_prepare(&mapping);
	iopt_mapping_end(&mapping, rc);
	return rc;
}

static unsigned int reserved(struct machine *machine, unsigned int ioas)
{
	/* Without what lies above the aperture of each domain. */
	struct io_pagetable *iopt = &machine->ioas[ioas]->iopt;

	return iopt->reserved.count - list_count_nodes(&iopt->domains.list);
}

static void bind_needs_an_iommu(struct kunit *test)
{
	struct machine *machine = test->priv;
	struct platform_device *pdev;
	u32 id;

	pdev = platform_device_register_simple("iommufd-kunit-bare",
					       PLATFORM_DEVID_AUTO, NULL, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(pdev));
	KUNIT_EXPECT_EQ(test,
			PTR_ERR_OR_ZERO(iommufd_device_bind(machine->ictx,
							    &pdev->dev, &id)),
			-ENODEV);
	platform_device_unregister(pdev);
}

static void bind_needs_coherent_dma(struct kunit *test)
{
	struct machine *machine = test->priv;

	machine->fake[0].incoherent = true;
	KUNIT_EXPECT_EQ(test, bind(machine, 0), -EINVAL);
}

static void bind_needs_isolated_interrupts(struct kunit *test)
{
	struct machine *machine = test->priv;

	dev_set_msi_domain(&machine->fake[1].pdev->dev, NULL);
	KUNIT_EXPECT_EQ(test, bind(machine, 0), -EPERM);
	KUNIT_EXPECT_EQ(test, bind(machine, 1), -EPERM);
	KUNIT_EXPECT_EQ(test, bind(machine, 2), 0);
}

static void bind_needs_the_whole_group(struct kunit *test)
{
	struct machine *machine = test->priv;
	struct device *dev = &machine->fake[0].pdev->dev;
	struct iommu_group *group = iommu_group_get(dev);

	KUNIT_ASSERT_NOT_NULL(test, group);
	KUNIT_ASSERT_EQ(test, iommu_device_claim_dma_owner(dev, test), 0);
	KUNIT_EXPECT_EQ(test, bind(machine, 1), -EPERM);
	KUNIT_EXPECT_FALSE(test, iommufd_ctx_has_group(machine->ictx, group));
	iommu_device_release_dma_owner(dev);
	KUNIT_EXPECT_EQ(test, bind(machine, 1), 0);
	KUNIT_EXPECT_TRUE(test, iommufd_ctx_has_group(machine->ictx, group));
	KUNIT_EXPECT_EQ(test, bind(machine, 0), 0);
	iommufd_device_unbind(machine->idev[1]);
	machine->idev[1] = NULL;
	KUNIT_EXPECT_TRUE(test, iommufd_ctx_has_group(machine->ictx, group));
	iommufd_device_unbind(machine->idev[0]);
	machine->idev[0] = NULL;
	KUNIT_EXPECT_FALSE(test, iommufd_ctx_has_group(machine->ictx, group));
	iommu_group_put(group);
}

static void drivers_objects_stay(struct kunit *test)
{
	struct machine *machine = test->priv;
	u32 id;

	KUNIT_ASSERT_EQ(test, bind(machine, 0), 0);
	id = iommufd_device_to_id(machine->idev[0]);
	KUNIT_EXPECT_EQ(test, iommufd_object_destroy_id(machine->ictx, id),
			-EBUSY);
	KUNIT_EXPECT_EQ(test, attach_id(machine, 0, id), -ENOENT);
	KUNIT_EXPECT_EQ(test, attach_id(machine, 0, id + 100), -ENOENT);
	KUNIT_EXPECT_PTR_EQ(test, iommufd_device_to_ictx(machine->idev[0]),
			    machine->ictx);
}

static void page_table_is_full_before_dma(struct kunit *test)
{
	struct machine *machine = test->priv;

	bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, map_at(test, 0, BASE_IOVA), 0);
	KUNIT_ASSERT_EQ(test, attach(machine, 2, 0), 0);
	KUNIT_EXPECT_EQ(test, machine->fake[2].npages_at_attach, NPAGES);
	KUNIT_EXPECT_EQ(test, machine->fake[2].present->memory.nentries,
			NPAGES);
	KUNIT_EXPECT_EQ(test, map_at(test, 0, BASE_IOVA + LENGTH), 0);
	KUNIT_EXPECT_EQ(test, machine->fake[2].present->memory.nentries,
			2 * NPAGES);
}

static void page_tables_are_shared(struct kunit *test)
{
	struct machine *machine = test->priv;
	u32 id;

	bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, attach(machine, 0, 0), 0);
	KUNIT_ASSERT_EQ(test, attach(machine, 2, 0), 0);
	KUNIT_ASSERT_EQ(test, attach(machine, 1, 0), 0);
	id = machine->hwpt[0];
	KUNIT_EXPECT_EQ(test, machine->hwpt[1], id);
	KUNIT_EXPECT_EQ(test, machine->hwpt[2], id);
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), 1);
	/* Device 1 followed its group, and was not attached once more. */
	KUNIT_EXPECT_EQ(test, machine->fake[1].attaches, 1);

	KUNIT_EXPECT_EQ(test, iommufd_object_destroy_id(machine->ictx, id),
			-EBUSY);
	KUNIT_EXPECT_EQ(test,
			iommufd_object_destroy_id(machine->ictx,
						  machine->ioas[0]->object.id),
			-EBUSY);
	detach(machine, 0);
	KUNIT_EXPECT_NOT_NULL(test, machine->fake[0].present);
	detach(machine, 1);
	KUNIT_EXPECT_NULL(test, machine->fake[0].present);
	KUNIT_EXPECT_TRUE(test, exists(machine, id));
	/* Also by its own id */
	KUNIT_EXPECT_EQ(test, attach_id(machine, 0, id), 0);
	KUNIT_EXPECT_EQ(test, machine->hwpt[0], id);
	detach(machine, 2);
	detach(machine, 0);
	KUNIT_EXPECT_FALSE(test, exists(machine, id));
	KUNIT_EXPECT_EQ(test, attach_id(machine, 0, id), -ENOENT);
}

static void another_unit_gets_another_page_table(struct kunit *test)
{
	struct machine *machine = test->priv;

	bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, map_at(test, 0, BASE_IOVA), 0);
	KUNIT_ASSERT_EQ(test, attach(machine, 0, 0), 0);
	KUNIT_ASSERT_EQ(test, attach(machine, 3, 0), 0);
	KUNIT_EXPECT_NE(test, machine->hwpt[3], machine->hwpt[0]);
	KUNIT_EXPECT_EQ(test, machine->fake[3].npages_at_attach, NPAGES);
	detach(machine, 3);
	KUNIT_EXPECT_EQ(test, attach_id(machine, 3, machine->hwpt[0]), -EINVAL);
	KUNIT_EXPECT_EQ(test, machine->fake[0].present->memory.nentries,
			NPAGES);
}

/* Many drivers block DMA while they try, also if they then refuse. */
static void moving_tries_nothing_that_may_fail(struct kunit *test)
{
	struct machine *machine = test->priv;

	bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, attach(machine, 0, 1), 0);
	KUNIT_ASSERT_EQ(test, attach(machine, 3, 0), 0);
	KUNIT_EXPECT_EQ(test, machine->fake[3].attempts, 1);
	KUNIT_EXPECT_EQ(test, replace(machine, 3, 1), 0);
	KUNIT_EXPECT_EQ(test, machine->fake[3].attempts, 2);
	KUNIT_EXPECT_NE(test, machine->hwpt[3], machine->hwpt[0]);
	/* One that was made for this IOMMU is shared. */
	KUNIT_ASSERT_EQ(test, attach(machine, 2, 0), 0);
	KUNIT_EXPECT_EQ(test, replace(machine, 2, 1), 0);
	KUNIT_EXPECT_EQ(test, machine->hwpt[2], machine->hwpt[0]);
}

static void failed_attach_leaves_nothing(struct kunit *test)
{
	struct machine *machine = test->priv;

	fake_device_reserve(&machine->fake[2], RESERVED_START, RESERVED_LENGTH,
			    IOMMU_RESV_RESERVED);
	bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, map_at(test, 0, BASE_IOVA), 0);
	machine->fake[2].attach_error = -EIO;
	KUNIT_EXPECT_EQ(test, attach(machine, 2, 0), -EIO);
	KUNIT_EXPECT_EQ(test, reserved(machine, 0), 0);
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), 0);

	/* The one of device 0 is tried, and not a new one after that. */
	KUNIT_ASSERT_EQ(test, attach(machine, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, attach(machine, 2, 0), -EIO);
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), 1);
	KUNIT_EXPECT_EQ(test, reserved(machine, 0), 0);
	detach(machine, 0);

	machine->fake[2].attach_error = 0;
	machine->fake[2].alloc_error = -ENOSPC;
	KUNIT_EXPECT_EQ(test, attach(machine, 2, 0), -ENOSPC);
	machine->fake[2].alloc_error = 0;
	machine->fake[2].map_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, attach(machine, 2, 0), -ENOMEM);
	KUNIT_EXPECT_EQ(test, reserved(machine, 0), 0);
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), 0);
	machine->fake[2].map_error = 0;
	KUNIT_EXPECT_EQ(test, attach(machine, 2, 0), 0);
}

static void attached_device_is_not_attached_again(struct kunit *test)
{
	struct machine *machine = test->priv;

	fake_device_reserve(&machine->fake[0], RESERVED_START, RESERVED_LENGTH,
			    IOMMU_RESV_RESERVED);
	bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, attach(machine, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, attach(machine, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, attach(machine, 0, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, reserved(machine, 0), 1);
	KUNIT_EXPECT_EQ(test, map_at(test, 0, RESERVED_START), -EINVAL);
}

static void group_shares_one_page_table(struct kunit *test)
{
	struct machine *machine = test->priv;

	fake_device_reserve(&machine->fake[1], RESERVED_START, RESERVED_LENGTH,
			    IOMMU_RESV_RESERVED);
	bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, attach(machine, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, attach(machine, 1, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, reserved(machine, 1), 0);
	KUNIT_ASSERT_EQ(test, map_at(test, 0, RESERVED_START), 0);
	KUNIT_EXPECT_EQ(test, attach(machine, 1, 0), -EADDRINUSE);
	KUNIT_EXPECT_EQ(test, reserved(machine, 0), 0);
	KUNIT_EXPECT_EQ(test, attach_id(machine, 1, machine->hwpt[0]),
			-EADDRINUSE);
}

static void reserved_regions(struct kunit *test)
{
	struct machine *machine = test->priv;

	fake_device_reserve(&machine->fake[0], RESERVED_START, RESERVED_LENGTH,
			    IOMMU_RESV_MSI);
	fake_device_reserve(&machine->fake[0], BASE_IOVA, PAGE_SIZE,
			    IOMMU_RESV_DIRECT_RELAXABLE);
	fake_device_reserve(&machine->fake[0], ~0UL - PAGE_SIZE + 1,
			    2 * PAGE_SIZE, IOMMU_RESV_DIRECT);
	fake_device_reserve(&machine->fake[0], BASE_IOVA, 0,
			    IOMMU_RESV_RESERVED);
	bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, attach(machine, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, reserved(machine, 0), 2);
	KUNIT_EXPECT_EQ(test, map_at(test, 0, RESERVED_START - PAGE_SIZE),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, map_at(test, 0, BASE_IOVA), 0);
	detach(machine, 0);
	KUNIT_EXPECT_EQ(test, map_at(test, 0, RESERVED_START), 0);
	KUNIT_EXPECT_EQ(test, attach(machine, 0, 0), -EADDRINUSE);
	KUNIT_EXPECT_EQ(test, reserved(machine, 0), 0);
}

static void one_window_for_interrupts(struct kunit *test)
{
	struct machine *machine = test->priv;

	fake_device_reserve(&machine->fake[0], WINDOW_START, WINDOW_LENGTH,
			    IOMMU_RESV_SW_MSI);
	fake_device_reserve(&machine->fake[1], 2 * WINDOW_START, WINDOW_LENGTH,
			    IOMMU_RESV_SW_MSI);
	fake_device_reserve(&machine->fake[2], 2 * WINDOW_START, WINDOW_LENGTH,
			    IOMMU_RESV_SW_MSI);
	bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, attach(machine, 0, 0), 0);
	KUNIT_EXPECT_TRUE(test, machine->fake[0].window_at_attach);
	KUNIT_EXPECT_EQ(test, map_at(test, 0, WINDOW_START), -EINVAL);
	KUNIT_EXPECT_EQ(test, attach(machine, 1, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, reserved(machine, 0), 1);
	/* Elsewhere in another group needs another page table. */
	KUNIT_ASSERT_EQ(test, attach(machine, 2, 0), 0);
	KUNIT_EXPECT_TRUE(test, machine->fake[2].window_at_attach);
	KUNIT_EXPECT_NE(test, machine->hwpt[2], machine->hwpt[0]);
}

static void window_of_hardware_wins(struct kunit *test)
{
	struct machine *machine = test->priv;
	unsigned int i;

	fake_device_reserve(&machine->fake[0], WINDOW_START, WINDOW_LENGTH,
			    IOMMU_RESV_SW_MSI);
	fake_device_reserve(&machine->fake[0], RESERVED_START, RESERVED_LENGTH,
			    IOMMU_RESV_MSI);
	fake_device_reserve(&machine->fake[3], RESERVED_START, RESERVED_LENGTH,
			    IOMMU_RESV_MSI);
	fake_device_reserve(&machine->fake[3], WINDOW_START, WINDOW_LENGTH,
			    IOMMU_RESV_SW_MSI);
	bind_all(test, machine);
	for (i = 0; i < NDEVICES; i += 3) {
		KUNIT_ASSERT_EQ(test, attach(machine, i, 0), 0);
		KUNIT_EXPECT_FALSE(test, machine->fake[i].window_at_attach);
		/* Memory is kept away from both. */
		KUNIT_EXPECT_EQ(test, reserved(machine, 0), 2);
		KUNIT_EXPECT_EQ(test, map_at(test, 0, WINDOW_START), -EINVAL);
		detach(machine, i);
	}
}

static void several_windows_are_refused(struct kunit *test)
{
	struct machine *machine = test->priv;

	fake_device_reserve(&machine->fake[2], WINDOW_START, WINDOW_LENGTH,
			    IOMMU_RESV_SW_MSI);
	fake_device_reserve(&machine->fake[2], 2 * WINDOW_START, WINDOW_LENGTH,
			    IOMMU_RESV_SW_MSI);
	bind_all(test, machine);
	KUNIT_EXPECT_EQ(test, attach(machine, 2, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, reserved(machine, 0), 0);
}

static void coherency_is_enforced_first(struct kunit *test)
{
	struct machine *machine = test->priv;

	machine->fake[2].can_enforce = true;
	bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, map_at(test, 0, BASE_IOVA), 0);
	KUNIT_ASSERT_EQ(test, attach(machine, 0, 0), 0);
	KUNIT_EXPECT_FALSE(test, machine->fake[0].present->enforced);
	KUNIT_ASSERT_EQ(test, attach(machine, 2, 0), 0);
	KUNIT_EXPECT_TRUE(test, machine->fake[2].present->enforced);
	KUNIT_EXPECT_FALSE(test, machine->fake[2].present->enforced_late);
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), 2);

	/* Less than it could have is its user's choice, more is impossible. */
	detach(machine, 0);
	KUNIT_EXPECT_EQ(test, attach_id(machine, 0, machine->hwpt[2]), -EINVAL);
	KUNIT_ASSERT_EQ(test, attach(machine, 0, 0), 0);
	detach(machine, 2);
	KUNIT_EXPECT_EQ(test, attach_id(machine, 2, machine->hwpt[0]), 0);
}

static void replace_moves_the_group(struct kunit *test)
{
	struct machine *machine = test->priv;
	struct iommufd_ioas **ioas = machine->ioas;
	u32 old;

	fake_device_reserve(&machine->fake[0], RESERVED_START, RESERVED_LENGTH,
			    IOMMU_RESV_RESERVED);
	fake_device_reserve(&machine->fake[1], WINDOW_START, WINDOW_LENGTH,
			    IOMMU_RESV_SW_MSI);
	bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, map_at(test, 1, BASE_IOVA), 0);
	KUNIT_EXPECT_EQ(test, replace(machine, 0, 1), -EINVAL);
	KUNIT_ASSERT_EQ(test, attach(machine, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, replace(machine, 1, 1), -EINVAL);
	KUNIT_ASSERT_EQ(test, attach(machine, 1, 0), 0);
	old = machine->hwpt[0];
	KUNIT_EXPECT_EQ(test, replace(machine, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, machine->hwpt[0], old);

	KUNIT_ASSERT_EQ(test, replace(machine, 0, 1), 0);
	KUNIT_EXPECT_NE(test, machine->hwpt[0], old);
	KUNIT_EXPECT_FALSE(test, exists(machine, old));
	KUNIT_EXPECT_PTR_EQ(test, machine->fake[1].present,
			    machine->fake[0].present);
	KUNIT_EXPECT_EQ(test, machine->fake[0].npages_at_attach, NPAGES);
	KUNIT_EXPECT_EQ(test, machine->fake[1].npages_at_attach, NPAGES);
	KUNIT_EXPECT_TRUE(test, machine->fake[0].window_at_attach);
	KUNIT_EXPECT_EQ(test, reserved(machine, 0), 0);
	KUNIT_EXPECT_EQ(test, reserved(machine, 1), 2);
	KUNIT_EXPECT_EQ(test, refcount_read(&ioas[0]->object.users), 1);
	KUNIT_EXPECT_EQ(test, refcount_read(&ioas[1]->object.users), 2);
}

static void expect_on_old(struct kunit *test, u32 old,
			  struct fake_domain *domain)
{
	struct machine *machine = test->priv;

	KUNIT_EXPECT_TRUE(test, exists(machine, old));
	KUNIT_EXPECT_PTR_EQ(test, machine->fake[0].present, domain);
	KUNIT_EXPECT_PTR_EQ(test, machine->fake[1].present, domain);
	KUNIT_EXPECT_EQ(test, domain->memory.nentries, NPAGES);
	KUNIT_EXPECT_EQ(test, reserved(machine, 0), 2);
	KUNIT_EXPECT_EQ(test, reserved(machine, 1), 0);
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), 1);
	KUNIT_EXPECT_EQ(test,
			refcount_read(&machine->ioas[1]->object.users), 1);
}

static void prepare_replace(struct kunit *test)
{
	struct machine *machine = test->priv;
	unsigned int i;

	for (i = 0; i < 2; i++)
		fake_device_reserve(&machine->fake[i],
				    RESERVED_START + i * RESERVED_LENGTH,
				    RESERVED_LENGTH, IOMMU_RESV_RESERVED);
	bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, map_at(test, 0, BASE_IOVA), 0);
	KUNIT_ASSERT_EQ(test, map_at(test, 1, BASE_IOVA), 0);
	KUNIT_ASSERT_EQ(test, attach(machine, 0, 0), 0);
	KUNIT_ASSERT_EQ(test, attach(machine, 1, 0), 0);
}

static void failed_replace_changes_nothing(struct kunit *test)
{
	struct machine *machine = test->priv;
	struct fake_domain *domain;
	u32 old;

	prepare_replace(test);
	old = machine->hwpt[0];
	domain = machine->fake[0].present;

	/* The first device has moved when the second refuses. */
	machine->fake[1].attach_error = -EIO;
	KUNIT_EXPECT_EQ(test, replace(machine, 0, 1), -EIO);
	expect_on_old(test, old, domain);
	machine->fake[1].attach_error = 0;

	machine->fake[0].map_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, replace(machine, 0, 1), -ENOMEM);
	expect_on_old(test, old, domain);
	machine->fake[0].map_error = 0;

	/* The reservation of the second device is what cannot be had. */
	KUNIT_ASSERT_EQ(test, map_at(test, 1, RESERVED_START + RESERVED_LENGTH),
			0);
	KUNIT_EXPECT_EQ(test, replace(machine, 0, 1), -EADDRINUSE);
	expect_on_old(test, old, domain);
	KUNIT_EXPECT_EQ(test, map_at(test, 0, BASE_IOVA + LENGTH), 0);
	KUNIT_EXPECT_EQ(test, domain->memory.nentries, 2 * NPAGES);
}

static void domains_that_learn_late(struct kunit *test)
{
	struct machine *machine = test->priv;
	struct fake_domain *domain;
	u32 old;

	machine->fake[0].learns_late = true;
	prepare_replace(test);
	KUNIT_EXPECT_EQ(test, machine->fake[0].npages_at_attach, 0);
	old = machine->hwpt[0];
	domain = machine->fake[0].present;
	KUNIT_EXPECT_EQ(test, domain->memory.nentries, NPAGES);

	machine->fake[0].map_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, replace(machine, 0, 1), -ENOMEM);
	expect_on_old(test, old, domain);
	machine->fake[0].map_error = 0;
	KUNIT_EXPECT_EQ(test, replace(machine, 1, 1), 0);
	KUNIT_EXPECT_EQ(test, machine->fake[1].present->memory.nentries,
			NPAGES);

	detach(machine, 0);
	detach(machine, 1);
	machine->fake[0].map_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, attach(machine, 0, 0), -ENOMEM);
	KUNIT_EXPECT_NULL(test, machine->fake[0].present);
	KUNIT_EXPECT_NULL(test, machine->fake[1].present);
}

static void own_page_tables(struct kunit *test)
{
	struct machine *machine = test->priv;
	u32 ioas = machine->ioas[0]->object.id;
	u32 first, second;

	bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, map_at(test, 0, BASE_IOVA), 0);
	KUNIT_ASSERT_EQ(test, alloc_hwpt(test, 0, 0, &first), 0);
	KUNIT_ASSERT_EQ(test, alloc_hwpt(test, 0, 0, &second), 0);
	KUNIT_EXPECT_NE(test, first, second);
	KUNIT_EXPECT_EQ(test, domain_of(test, first)->memory.nentries, NPAGES);
	KUNIT_EXPECT_EQ(test, map_at(test, 0, BASE_IOVA + LENGTH), 0);
	KUNIT_EXPECT_EQ(test, domain_of(test, second)->memory.nentries,
			2 * NPAGES);
	KUNIT_EXPECT_EQ(test, destroy(test, ioas), -EBUSY);

	KUNIT_ASSERT_EQ(test, attach_id(machine, 0, first), 0);
	KUNIT_EXPECT_EQ(test, machine->hwpt[0], first);
	KUNIT_EXPECT_EQ(test, machine->fake[0].npages_at_attach, 2 * NPAGES);
	/* Its group shares it, and does not get anything else. */
	KUNIT_EXPECT_EQ(test, attach_id(machine, 1, second), -EINVAL);
	KUNIT_EXPECT_EQ(test, attach(machine, 1, 0), -EINVAL);
	KUNIT_ASSERT_EQ(test, attach_id(machine, 1, first), 0);
	/* Whoever asks for the IOAS gets none that belongs to user space. */
	KUNIT_ASSERT_EQ(test, attach(machine, 2, 0), 0);
	KUNIT_EXPECT_NE(test, machine->hwpt[2], first);
	KUNIT_EXPECT_NE(test, machine->hwpt[2], second);
	KUNIT_EXPECT_EQ(test, attach_id(machine, 3, first), -EINVAL);

	KUNIT_EXPECT_EQ(test, destroy(test, first), -EBUSY);
	KUNIT_EXPECT_EQ(test, replace_id(machine, 1, second), 0);
	KUNIT_EXPECT_PTR_EQ(test, machine->fake[0].present,
			    domain_of(test, second));
	KUNIT_EXPECT_EQ(test, destroy(test, first), 0);
	detach(machine, 0);
	detach(machine, 1);
	KUNIT_EXPECT_TRUE(test, exists(machine, second));
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), 2);
	KUNIT_EXPECT_EQ(test, destroy(test, second), 0);
	KUNIT_EXPECT_EQ(test, destroy(test, second), -ENOENT);
}

static void moving_between_all_kinds(struct kunit *test)
{
	struct machine *machine = test->priv;
	u32 own, other, automatic;

	prepare_replace(test);
	automatic = machine->hwpt[0];
	KUNIT_ASSERT_EQ(test, alloc_hwpt(test, 0, 0, &own), 0);
	KUNIT_ASSERT_EQ(test, alloc_hwpt(test, 0, 1, &other), 0);

	KUNIT_EXPECT_EQ(test, replace_id(machine, 0, own), 0);
	KUNIT_EXPECT_EQ(test, machine->hwpt[0], own);
	KUNIT_EXPECT_FALSE(test, exists(machine, automatic));
	KUNIT_EXPECT_EQ(test, reserved(machine, 0), 2);
	KUNIT_EXPECT_EQ(test, replace_id(machine, 0, other), 0);
	KUNIT_EXPECT_EQ(test, reserved(machine, 0), 0);
	KUNIT_EXPECT_EQ(test, reserved(machine, 1), 2);
	machine->fake[1].attach_error = -EIO;
	KUNIT_EXPECT_EQ(test, replace_id(machine, 0, own), -EIO);
	machine->fake[1].attach_error = 0;
	KUNIT_EXPECT_PTR_EQ(test, machine->fake[0].present,
			    domain_of(test, other));
	KUNIT_EXPECT_EQ(test, reserved(machine, 1), 2);
	/* To the IOAS that it is in already, but to a page table of ours */
	KUNIT_EXPECT_EQ(test, replace(machine, 0, 1), 0);
	KUNIT_EXPECT_NE(test, machine->hwpt[0], other);
	KUNIT_EXPECT_TRUE(test, exists(machine, other));
	KUNIT_EXPECT_EQ(test, replace_id(machine, 0, own), 0);
	KUNIT_EXPECT_EQ(test, destroy(test, other), 0);
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), 1);
	detach(machine, 0);
	detach(machine, 1);
	KUNIT_EXPECT_EQ(test, destroy(test, own), 0);
}

static void own_page_tables_outlive_the_device(struct kunit *test)
{
	struct machine *machine = test->priv;
	u32 id;

	bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, map_at(test, 0, BASE_IOVA), 0);
	KUNIT_ASSERT_EQ(test, alloc_hwpt(test, 2, 0, &id), 0);
	iommufd_device_unbind(machine->idev[2]);
	machine->idev[2] = NULL;
	KUNIT_EXPECT_EQ(test, map_at(test, 0, BASE_IOVA + LENGTH), 0);
	KUNIT_EXPECT_EQ(test, domain_of(test, id)->memory.nentries, 2 * NPAGES);
	KUNIT_EXPECT_EQ(test, attach_id(machine, 0, id), 0);
	detach(machine, 0);
	KUNIT_EXPECT_EQ(test, destroy(test, id), 0);
	KUNIT_EXPECT_EQ(test, destroy(test, machine->ioas[0]->object.id), 0);
	machine->ioas[0] = context_add_ioas(test, machine->ictx);
}

static void own_page_tables_that_learn_late(struct kunit *test)
{
	struct machine *machine = test->priv;
	u32 id;

	machine->fake[0].learns_late = true;
	bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, map_at(test, 0, BASE_IOVA), 0);
	KUNIT_ASSERT_EQ(test, alloc_hwpt(test, 0, 0, &id), 0);
	KUNIT_EXPECT_EQ(test, domain_of(test, id)->memory.nentries, 0);
	KUNIT_EXPECT_EQ(test, map_at(test, 0, BASE_IOVA + LENGTH), 0);

	machine->fake[0].map_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, attach_id(machine, 0, id), -ENOMEM);
	KUNIT_EXPECT_NULL(test, machine->fake[0].present);
	KUNIT_EXPECT_EQ(test, domain_of(test, id)->memory.nentries, 0);
	machine->fake[0].map_error = 0;
	KUNIT_ASSERT_EQ(test, attach_id(machine, 0, id), 0);
	KUNIT_EXPECT_EQ(test, domain_of(test, id)->memory.nentries, 2 * NPAGES);
	detach(machine, 0);
	/* Its format is known from now on. */
	KUNIT_ASSERT_EQ(test, attach_id(machine, 2, id), 0);
	KUNIT_EXPECT_EQ(test, machine->fake[2].npages_at_attach, 2 * NPAGES);
	detach(machine, 2);
	KUNIT_EXPECT_EQ(test, destroy(test, id), 0);
	/* One that never learned */
	KUNIT_ASSERT_EQ(test, alloc_hwpt(test, 0, 0, &id), 0);
	KUNIT_EXPECT_EQ(test, destroy(test, id), 0);
}

static void failed_allocation_leaves_nothing(struct kunit *test)
{
	struct machine *machine = test->priv;
	u32 id;

	bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, map_at(test, 0, BASE_IOVA), 0);
	machine->fake[0].alloc_error = -ENOSPC;
	KUNIT_EXPECT_EQ(test, alloc_hwpt(test, 0, 0, &id), -ENOSPC);
	machine->fake[0].alloc_error = 0;
	machine->fake[0].map_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, alloc_hwpt(test, 0, 0, &id), -ENOMEM);
	machine->fake[0].map_error = 0;
	/* Nobody would know its id. */
	KUNIT_EXPECT_EQ(test, alloc_reply(machine, 0, 0, NULL, &id), -EFAULT);
	KUNIT_EXPECT_FALSE(test, exists(machine, id));
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), 0);
	KUNIT_EXPECT_EQ(test, machine->ioas[0]->iopt.reserved.count, 0);
	KUNIT_EXPECT_EQ(test,
			refcount_read(&machine->ioas[0]->object.users), 1);
}

/**
 * struct holder - Somebody who has a mutex until he is told to give it up
 * @work: he
 * @mutex: what he has
 * @held: he has it
 * @release: he may give it up
 */
struct holder {
	struct work_struct work;
	struct mutex *mutex;
	struct completion held;
	struct completion release;
};

static void holder_work(struct work_struct *work)
{
	struct holder *holder = container_of(work, struct holder, work);

	mutex_lock(holder->mutex);
	complete(&holder->held);
	wait_for_completion(&holder->release);
	mutex_unlock(holder->mutex);
}

static void holder_start(struct holder *holder, struct mutex *mutex)
{
	holder->mutex = mutex;
	init_completion(&holder->held);
	init_completion(&holder->release);
	INIT_WORK_ONSTACK(&holder->work, holder_work);
	schedule_work(&holder->work);
	wait_for_completion(&holder->held);
}

static void holder_end(struct holder *holder)
{
	complete(&holder->release);
	flush_work(&holder->work);
	destroy_work_on_stack(&holder->work);
}

/* The work that was left is done, and holds the context no longer. */
static bool settles(struct machine *machine, long users)
{
	unsigned long end = jiffies + 10 * HZ;

	while (file_count(machine->ictx->file) != users) {
		if (time_after(jiffies, end))
			return false;
		schedule_timeout_uninterruptible(1);
	}
	return true;
}

/*
 * Somebody may have it in a page fault that never ends. Then @left of one page
 * table waits for that.
 */
static void detach_beside(struct kunit *test, struct mutex *mutex,
			  unsigned int left)
{
	struct machine *machine = test->priv;
	long users = file_count(machine->ictx->file);
	struct holder holder;
	u32 id;

	KUNIT_ASSERT_EQ(test, attach(machine, 2, 0), 0);
	id = machine->hwpt[2];
	holder_start(&holder, mutex);
	detach(machine, 2);
	KUNIT_EXPECT_NULL(test, machine->fake[2].present);
	KUNIT_EXPECT_FALSE(test, exists(machine, id));
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), left);
	holder_end(&holder);
	KUNIT_EXPECT_TRUE(test, settles(machine, users));
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&machine->ioas[0]->hwpt_list));
}

static void h60_detach_waits_for_no_mutex(struct kunit *test)
{
	struct machine *machine = test->priv;
	struct io_pagetable *iopt = &machine->ioas[0]->iopt;
	struct iopt_area *area;

	bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, map_at(test, 0, BASE_IOVA), 0);
	KUNIT_ASSERT_EQ(test, map_at(test, 0, 2 * BASE_IOVA), 0);
	detach_beside(test, &machine->ioas[0]->mutex, 1);
	area = iopt_area_from_node(iova_tree_first(&iopt->tree, BASE_IOVA,
						   BASE_IOVA));
	detach_beside(test, &area->pages->fill_mutex, 0);
}

static void allowed_ranges_win(struct kunit *test)
{
	struct machine *machine = test->priv;
	struct iova_ranges allowed;

	fake_device_reserve(&machine->fake[0], RESERVED_START, RESERVED_LENGTH,
			    IOMMU_RESV_RESERVED);
	bind_all(test, machine);
	iova_ranges_init(&allowed);
	KUNIT_ASSERT_EQ(test,
			iova_ranges_add(&allowed, BASE_IOVA,
					RESERVED_START, NULL), 0);
	KUNIT_ASSERT_EQ(test, iopt_set_allowed(&machine->ioas[0]->iopt,
					       &allowed), 0);
	KUNIT_EXPECT_EQ(test, attach(machine, 0, 0), -EADDRINUSE);
	KUNIT_EXPECT_EQ(test, reserved(machine, 0), 0);
	KUNIT_EXPECT_EQ(test, attach(machine, 2, 0), 0);
}

static struct kunit_case device_cases[] = {
	KUNIT_CASE(bind_needs_an_iommu),
	KUNIT_CASE(bind_needs_coherent_dma),
	KUNIT_CASE(bind_needs_isolated_interrupts),
	KUNIT_CASE(bind_needs_the_whole_group),
	KUNIT_CASE(drivers_objects_stay),
	KUNIT_CASE(page_table_is_full_before_dma),
	KUNIT_CASE(page_tables_are_shared),
	KUNIT_CASE(another_unit_gets_another_page_table),
	KUNIT_CASE(moving_tries_nothing_that_may_fail),
	KUNIT_CASE(failed_attach_leaves_nothing),
	KUNIT_CASE(attached_device_is_not_attached_again),
	KUNIT_CASE(group_shares_one_page_table),
	KUNIT_CASE(reserved_regions),
	KUNIT_CASE(one_window_for_interrupts),
	KUNIT_CASE(window_of_hardware_wins),
	KUNIT_CASE(several_windows_are_refused),
	KUNIT_CASE(coherency_is_enforced_first),
	KUNIT_CASE(replace_moves_the_group),
	KUNIT_CASE(failed_replace_changes_nothing),
	KUNIT_CASE(domains_that_learn_late),
	KUNIT_CASE(own_page_tables),
	KUNIT_CASE(moving_between_all_kinds),
	KUNIT_CASE(own_page_tables_outlive_the_device),
	KUNIT_CASE(own_page_tables_that_learn_late),
	KUNIT_CASE(failed_allocation_leaves_nothing),
	KUNIT_CASE(h60_detach_waits_for_no_mutex),
	KUNIT_CASE(allowed_ranges_win),
	{}
};

static int suite_init(struct kunit_suite *suite)
{
	return fake_iommu_register();
}

static void suite_exit(struct kunit_suite *suite)
{
	fake_iommu_unregister();
}

static struct kunit_suite device_suite = {
	.name = "iommufd_device",
	.suite_init = suite_init,
	.suite_exit = suite_exit,
	.init = machine_init,
	.exit = machine_exit,
	.test_cases = device_cases,
};

kunit_test_suite(device_suite);
