// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Binding, attaching and detaching devices behind a fake IOMMU.
 */
#include <kunit/test.h>
#include <linux/iommufd.h>
#include <linux/msi.h>

#include "iopt/iopt_iova.h"
#include "lib/iova_ranges.h"
#include "machine.h"
#include "object/ioas.h"
#include "object/object_destroy.h"

#define BASE_IOVA 0x100000UL
#define RESERVED_START 0xfee00000UL
#define RESERVED_LENGTH 0x100000UL
#define WINDOW_START 0x8000000UL
#define WINDOW_LENGTH 0x100000UL

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
	KUNIT_EXPECT_EQ(test, machine_bind(machine, 0), -EINVAL);
}

static void bind_needs_isolated_interrupts(struct kunit *test)
{
	struct machine *machine = test->priv;

	dev_set_msi_domain(&machine->fake[1].pdev->dev, NULL);
	KUNIT_EXPECT_EQ(test, machine_bind(machine, 0), -EPERM);
	KUNIT_EXPECT_EQ(test, machine_bind(machine, 1), -EPERM);
	KUNIT_EXPECT_EQ(test, machine_bind(machine, 2), 0);
}

static void bind_needs_the_whole_group(struct kunit *test)
{
	struct machine *machine = test->priv;
	struct device *dev = &machine->fake[0].pdev->dev;
	struct iommu_group *group = iommu_group_get(dev);

	KUNIT_ASSERT_NOT_NULL(test, group);
	KUNIT_ASSERT_EQ(test, iommu_device_claim_dma_owner(dev, test), 0);
	KUNIT_EXPECT_EQ(test, machine_bind(machine, 1), -EPERM);
	KUNIT_EXPECT_FALSE(test, iommufd_ctx_has_group(machine->ictx, group));
	iommu_device_release_dma_owner(dev);
	KUNIT_EXPECT_EQ(test, machine_bind(machine, 1), 0);
	KUNIT_EXPECT_TRUE(test, iommufd_ctx_has_group(machine->ictx, group));
	KUNIT_EXPECT_EQ(test, machine_bind(machine, 0), 0);
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

	KUNIT_ASSERT_EQ(test, machine_bind(machine, 0), 0);
	id = iommufd_device_to_id(machine->idev[0]);
	KUNIT_EXPECT_EQ(test, iommufd_object_destroy_id(machine->ictx, id),
			-EBUSY);
	KUNIT_EXPECT_EQ(test, machine_attach_id(machine, 0, id), -ENOENT);
	KUNIT_EXPECT_EQ(test, machine_attach_id(machine, 0, id + 100), -ENOENT);
	KUNIT_EXPECT_PTR_EQ(test, iommufd_device_to_ictx(machine->idev[0]),
			    machine->ictx);
}

static void page_table_is_full_before_dma(struct kunit *test)
{
	struct machine *machine = test->priv;

	machine_bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, machine_map_at(test, 0, BASE_IOVA), 0);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 2, 0), 0);
	KUNIT_EXPECT_EQ(test, machine->fake[2].npages_at_attach,
			MACHINE_NPAGES);
	KUNIT_EXPECT_EQ(test, machine->fake[2].present->memory.nentries,
			MACHINE_NPAGES);
	KUNIT_EXPECT_EQ(test,
			machine_map_at(test, 0, BASE_IOVA + MACHINE_LENGTH), 0);
	KUNIT_EXPECT_EQ(test, machine->fake[2].present->memory.nentries,
			2 * MACHINE_NPAGES);
}

static void page_tables_are_shared(struct kunit *test)
{
	struct machine *machine = test->priv;
	u32 id;

	machine_bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 0, 0), 0);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 2, 0), 0);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 1, 0), 0);
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
	machine_detach(machine, 0);
	KUNIT_EXPECT_NOT_NULL(test, machine->fake[0].present);
	machine_detach(machine, 1);
	KUNIT_EXPECT_NULL(test, machine->fake[0].present);
	KUNIT_EXPECT_TRUE(test, machine_exists(machine, id));
	/* Also by its own id */
	KUNIT_EXPECT_EQ(test, machine_attach_id(machine, 0, id), 0);
	KUNIT_EXPECT_EQ(test, machine->hwpt[0], id);
	machine_detach(machine, 2);
	machine_detach(machine, 0);
	KUNIT_EXPECT_FALSE(test, machine_exists(machine, id));
	KUNIT_EXPECT_EQ(test, machine_attach_id(machine, 0, id), -ENOENT);
}

static void another_unit_gets_another_page_table(struct kunit *test)
{
	struct machine *machine = test->priv;

	machine_bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, machine_map_at(test, 0, BASE_IOVA), 0);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 0, 0), 0);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 3, 0), 0);
	KUNIT_EXPECT_NE(test, machine->hwpt[3], machine->hwpt[0]);
	KUNIT_EXPECT_EQ(test, machine->fake[3].npages_at_attach,
			MACHINE_NPAGES);
	machine_detach(machine, 3);
	KUNIT_EXPECT_EQ(test, machine_attach_id(machine, 3, machine->hwpt[0]),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, machine->fake[0].present->memory.nentries,
			MACHINE_NPAGES);
}

/* Many drivers block DMA while they try, also if they then refuse. */
static void moving_tries_nothing_that_may_fail(struct kunit *test)
{
	struct machine *machine = test->priv;

	machine_bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 0, 1), 0);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 3, 0), 0);
	KUNIT_EXPECT_EQ(test, machine->fake[3].attempts, 1);
	KUNIT_EXPECT_EQ(test, machine_replace(machine, 3, 1), 0);
	KUNIT_EXPECT_EQ(test, machine->fake[3].attempts, 2);
	KUNIT_EXPECT_NE(test, machine->hwpt[3], machine->hwpt[0]);
	/* One that was made for this IOMMU is shared. */
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 2, 0), 0);
	KUNIT_EXPECT_EQ(test, machine_replace(machine, 2, 1), 0);
	KUNIT_EXPECT_EQ(test, machine->hwpt[2], machine->hwpt[0]);
}

static void failed_attach_leaves_nothing(struct kunit *test)
{
	struct machine *machine = test->priv;

	fake_device_reserve(&machine->fake[2], RESERVED_START, RESERVED_LENGTH,
			    IOMMU_RESV_RESERVED);
	machine_bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, machine_map_at(test, 0, BASE_IOVA), 0);
	machine->fake[2].attach_error = -EIO;
	KUNIT_EXPECT_EQ(test, machine_attach(machine, 2, 0), -EIO);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 0);
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), 0);

	/* The one of device 0 is tried, and not a new one after that. */
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, machine_attach(machine, 2, 0), -EIO);
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), 1);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 0);
	machine_detach(machine, 0);

	machine->fake[2].attach_error = 0;
	machine->fake[2].alloc_error = -ENOSPC;
	KUNIT_EXPECT_EQ(test, machine_attach(machine, 2, 0), -ENOSPC);
	machine->fake[2].alloc_error = 0;
	machine->fake[2].map_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, machine_attach(machine, 2, 0), -ENOMEM);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 0);
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), 0);
	machine->fake[2].map_error = 0;
	KUNIT_EXPECT_EQ(test, machine_attach(machine, 2, 0), 0);
}

static void attached_device_is_not_attached_again(struct kunit *test)
{
	struct machine *machine = test->priv;

	fake_device_reserve(&machine->fake[0], RESERVED_START, RESERVED_LENGTH,
			    IOMMU_RESV_RESERVED);
	machine_bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, machine_attach(machine, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, machine_attach(machine, 0, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 1);
	KUNIT_EXPECT_EQ(test, machine_map_at(test, 0, RESERVED_START), -EINVAL);
}

static void group_shares_one_page_table(struct kunit *test)
{
	struct machine *machine = test->priv;

	fake_device_reserve(&machine->fake[1], RESERVED_START, RESERVED_LENGTH,
			    IOMMU_RESV_RESERVED);
	machine_bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, machine_attach(machine, 1, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 1), 0);
	KUNIT_ASSERT_EQ(test, machine_map_at(test, 0, RESERVED_START), 0);
	KUNIT_EXPECT_EQ(test, machine_attach(machine, 1, 0), -EADDRINUSE);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 0);
	KUNIT_EXPECT_EQ(test, machine_attach_id(machine, 1, machine->hwpt[0]),
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
	machine_bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 2);
	KUNIT_EXPECT_EQ(test,
			machine_map_at(test, 0, RESERVED_START - PAGE_SIZE),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, machine_map_at(test, 0, BASE_IOVA), 0);
	machine_detach(machine, 0);
	KUNIT_EXPECT_EQ(test, machine_map_at(test, 0, RESERVED_START), 0);
	KUNIT_EXPECT_EQ(test, machine_attach(machine, 0, 0), -EADDRINUSE);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 0);
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
	machine_bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 0, 0), 0);
	KUNIT_EXPECT_TRUE(test, machine->fake[0].window_at_attach);
	KUNIT_EXPECT_EQ(test, machine_map_at(test, 0, WINDOW_START), -EINVAL);
	KUNIT_EXPECT_EQ(test, machine_attach(machine, 1, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 1);
	/* Elsewhere in another group needs another page table. */
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 2, 0), 0);
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
	machine_bind_all(test, machine);
	for (i = 0; i < MACHINE_DEVICES; i += 3) {
		KUNIT_ASSERT_EQ(test, machine_attach(machine, i, 0), 0);
		KUNIT_EXPECT_FALSE(test, machine->fake[i].window_at_attach);
		/* Memory is kept away from both. */
		KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 2);
		KUNIT_EXPECT_EQ(test, machine_map_at(test, 0, WINDOW_START),
				-EINVAL);
		machine_detach(machine, i);
	}
}

static void several_windows_are_refused(struct kunit *test)
{
	struct machine *machine = test->priv;

	fake_device_reserve(&machine->fake[2], WINDOW_START, WINDOW_LENGTH,
			    IOMMU_RESV_SW_MSI);
	fake_device_reserve(&machine->fake[2], 2 * WINDOW_START, WINDOW_LENGTH,
			    IOMMU_RESV_SW_MSI);
	machine_bind_all(test, machine);
	KUNIT_EXPECT_EQ(test, machine_attach(machine, 2, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 0);
}

static void h25_coherency_is_enforced_first(struct kunit *test)
{
	struct machine *machine = test->priv;

	machine->fake[2].can_enforce = true;
	machine_bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, machine_map_at(test, 0, BASE_IOVA), 0);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 0, 0), 0);
	KUNIT_EXPECT_FALSE(test, machine->fake[0].present->enforced);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 2, 0), 0);
	KUNIT_EXPECT_TRUE(test, machine->fake[2].present->enforced);
	KUNIT_EXPECT_FALSE(test, machine->fake[2].present->enforced_late);
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), 2);

	/* Less than it could have is its user's choice, more is impossible. */
	machine_detach(machine, 0);
	KUNIT_EXPECT_EQ(test, machine_attach_id(machine, 0, machine->hwpt[2]),
			-EINVAL);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 0, 0), 0);
	machine_detach(machine, 2);
	KUNIT_EXPECT_EQ(test, machine_attach_id(machine, 2, machine->hwpt[0]),
			0);
}

static void allowed_ranges_win(struct kunit *test)
{
	struct machine *machine = test->priv;
	struct iova_ranges allowed;

	fake_device_reserve(&machine->fake[0], RESERVED_START, RESERVED_LENGTH,
			    IOMMU_RESV_RESERVED);
	machine_bind_all(test, machine);
	iova_ranges_init(&allowed);
	KUNIT_ASSERT_EQ(test,
			iova_ranges_add(&allowed, BASE_IOVA,
					RESERVED_START, NULL), 0);
	KUNIT_ASSERT_EQ(test,
			iopt_set_allowed(&machine->ioas[0]->iopt, &allowed), 0);
	KUNIT_EXPECT_EQ(test, machine_attach(machine, 0, 0), -EADDRINUSE);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 0);
	KUNIT_EXPECT_EQ(test, machine_attach(machine, 2, 0), 0);
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
	KUNIT_CASE(h25_coherency_is_enforced_first),
	KUNIT_CASE(allowed_ranges_win), {} };

static struct kunit_suite device_suite = {
	.name = "iommufd_device",
	.suite_init = fake_iommu_begin,
	.suite_exit = fake_iommu_end,
	.init = machine_init,
	.exit = machine_exit,
	.test_cases = device_cases,
};

kunit_test_suite(device_suite);
