// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Devices on nested page tables: what concerns memory is settled in the parent.
 * And IOMMU drivers that break their word.
 */
#include <kunit/test.h>
#include <linux/iommufd.h>
#include <linux/mman.h>
#include <linux/uaccess.h>
#include <uapi/linux/iommufd.h>

#include "device/hwpt_alloc.h"
#include "device/hwpt_nested.h"
#include "machine.h"
#include "object/ioas.h"
#include "object/ioctl.h"
#include "object/object.h"

#define BASE_IOVA 0x100000UL
#define RESERVED_START 0xfee00000UL
#define RESERVED_LENGTH 0x100000UL
#define WINDOW_START 0x8000000UL
#define WINDOW_LENGTH 0x100000UL

/* The driver has to be asked for something; it looks at neither. */
#define SOME_TYPE 1
#define SOME_LENGTH 8

/* User memory that replies go to. */
static void __user *reply_page(struct kunit *test)
{
	unsigned long address = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE,
					      PROT_READ | PROT_WRITE,
					      MAP_ANONYMOUS | MAP_PRIVATE, 0);

	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(address));
	return (void __user *)address;
}

static struct iommufd_call call_of(struct kunit *test, u32 size)
{
	struct machine *machine = test->priv;

	return (struct iommufd_call){
		.ictx = machine->ictx,
		.user = reply_page(test),
		.user_size = size,
	};
}

static int alloc(struct kunit *test, struct iommu_hwpt_alloc *cmd,
		 unsigned int i, u32 *id)
{
	struct machine *machine = test->priv;
	struct iommufd_call call = call_of(test, sizeof(*cmd));
	int rc;

	cmd->size = sizeof(*cmd);
	cmd->dev_id = iommufd_device_to_id(machine->idev[i]);
	rc = iommufd_hwpt_alloc(&call, cmd);
	*id = cmd->out_hwpt_id;
	return rc;
}

/* A page table for device @i over the first IOAS */
static int alloc_over_ioas(struct kunit *test, unsigned int i, u32 flags,
			   u32 *id)
{
	struct machine *machine = test->priv;
	struct iommu_hwpt_alloc cmd = {
		.flags = flags,
		.pt_id = machine->ioas[0]->object.id,
	};

	return alloc(test, &cmd, i, id);
}

static int alloc_nested(struct kunit *test, unsigned int i, u32 parent, u32 *id)
{
	struct iommu_hwpt_alloc cmd = {
		.pt_id = parent,
		.data_type = SOME_TYPE,
		.data_len = SOME_LENGTH,
		.data_uptr = 1,
	};

	return alloc(test, &cmd, i, id);
}

/* Device @i has a parent, and a page table nested in it. */
static void nest(struct kunit *test, unsigned int i, u32 *parent, u32 *nested)
{
	KUNIT_ASSERT_EQ(test, 0,
			alloc_over_ioas(test, i, IOMMU_HWPT_ALLOC_NEST_PARENT,
					parent));
	KUNIT_ASSERT_EQ(test, 0, alloc_nested(test, i, *parent, nested));
}

static void destroy_both(struct kunit *test, u32 parent, u32 nested)
{
	KUNIT_EXPECT_EQ(test, machine_destroy(test, parent), -EBUSY);
	KUNIT_EXPECT_EQ(test, machine_destroy(test, nested), 0);
	KUNIT_EXPECT_EQ(test, machine_destroy(test, parent), 0);
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), 0);
}

static void reserve_and_bind(struct kunit *test)
{
	struct machine *machine = test->priv;

	fake_device_reserve(&machine->fake[0], RESERVED_START, RESERVED_LENGTH,
			    IOMMU_RESV_RESERVED);
	fake_device_reserve(&machine->fake[1], WINDOW_START, WINDOW_LENGTH,
			    IOMMU_RESV_SW_MSI);
	machine_bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, machine_map_at(test, 0, BASE_IOVA), 0);
}

static void reserves_below(struct kunit *test)
{
	struct machine *machine = test->priv;
	struct fake_domain *below;
	u32 parent, nested;

	reserve_and_bind(test);
	nest(test, 0, &parent, &nested);
	below = machine_domain_of(test, parent);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 0);
	KUNIT_ASSERT_EQ(test, machine_attach_id(machine, 0, nested), 0);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 1);
	KUNIT_ASSERT_EQ(test, machine_attach_id(machine, 1, nested), 0);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 2);
	KUNIT_EXPECT_EQ(test, machine_map_at(test, 0, RESERVED_START), -EINVAL);
	KUNIT_EXPECT_EQ(test, machine_map_at(test, 0, WINDOW_START), -EINVAL);

	KUNIT_EXPECT_PTR_EQ(test, machine->fake[0].present->parent, below);
	KUNIT_EXPECT_PTR_EQ(test, machine->fake[1].present,
			    machine->fake[0].present);
	KUNIT_EXPECT_EQ(test, machine->fake[0].npages_at_attach,
			MACHINE_NPAGES);
	/* The doorbell of interrupts has its place in the parent. */
	KUNIT_EXPECT_NOT_NULL(test, below->memory.domain.iova_cookie);

	machine_detach(machine, 0);
	machine_detach(machine, 1);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 0);
	destroy_both(test, parent, nested);
}

static void conflicts_below(struct kunit *test)
{
	struct machine *machine = test->priv;
	u32 parent, nested;

	fake_device_reserve(&machine->fake[2], BASE_IOVA, PAGE_SIZE,
			    IOMMU_RESV_RESERVED);
	machine_bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, machine_map_at(test, 0, BASE_IOVA), 0);
	nest(test, 2, &parent, &nested);
	KUNIT_EXPECT_EQ(test, machine_attach_id(machine, 2, nested),
			-EADDRINUSE);
	KUNIT_EXPECT_EQ(test, machine->fake[2].attempts, 0);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 0);
	destroy_both(test, parent, nested);
}

static void moves_between_kinds(struct kunit *test)
{
	struct machine *machine = test->priv;
	u32 parent, nested, other;

	reserve_and_bind(test);
	nest(test, 0, &parent, &nested);
	KUNIT_ASSERT_EQ(test, alloc_nested(test, 0, parent, &other), 0);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 0, 1), 0);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 1, 1), 0);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 1), 2);

	/* What the group has reserved moves along with it. */
	KUNIT_EXPECT_EQ(test, machine_replace_id(machine, 0, nested), 0);
	machine->hwpt[1] = nested;
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 2);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 1), 0);
	KUNIT_EXPECT_EQ(test, machine_replace_id(machine, 1, other), 0);
	KUNIT_EXPECT_EQ(test, machine_replace_id(machine, 1, parent), 0);
	KUNIT_EXPECT_EQ(test, machine_replace_id(machine, 1, nested), 0);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 2);

	/* And comes back if that fails. */
	machine->fake[1].attach_error = -EIO;
	KUNIT_EXPECT_EQ(test, machine_replace(machine, 0, 1), -EIO);
	KUNIT_EXPECT_EQ(test, machine_replace_id(machine, 0, other), -EIO);
	machine->fake[1].attach_error = 0;
	KUNIT_EXPECT_NOT_NULL(test, machine->fake[0].present->parent);
	KUNIT_EXPECT_PTR_EQ(test, machine->fake[1].present,
			    machine->fake[0].present);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 2);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 1), 0);
	KUNIT_EXPECT_EQ(test, machine_destroy(test, nested), -EBUSY);
	KUNIT_EXPECT_EQ(test, machine_destroy(test, other), 0);

	KUNIT_EXPECT_EQ(test, machine_replace(machine, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 1), 2);
	machine_detach(machine, 0);
	machine_detach(machine, 1);
	destroy_both(test, parent, nested);
}

/* Decided when the parent was made, and nested page tables go by it. */
static void h25_coherency_of_the_parent(struct kunit *test)
{
	struct machine *machine = test->priv;
	u32 parent, nested;

	machine->fake[0].can_enforce = true;
	machine_bind_all(test, machine);
	nest(test, 0, &parent, &nested);
	KUNIT_EXPECT_TRUE(test, machine_domain_of(test, parent)->enforced);
	KUNIT_EXPECT_EQ(test, machine_attach_id(machine, 2, nested), -EINVAL);
	KUNIT_EXPECT_EQ(test, machine->fake[2].attempts, 0);
	KUNIT_EXPECT_EQ(test, machine_attach_id(machine, 0, nested), 0);
	machine_detach(machine, 0);
	destroy_both(test, parent, nested);
}

static void another_iommu(struct kunit *test)
{
	struct machine *machine = test->priv;
	u32 parent, nested;

	machine_bind_all(test, machine);
	nest(test, 0, &parent, &nested);
	KUNIT_ASSERT_EQ(test, machine_attach_id(machine, 0, nested), 0);
	KUNIT_EXPECT_EQ(test, machine_attach_id(machine, 3, nested), -EINVAL);
	KUNIT_EXPECT_NULL(test, machine->fake[3].present);
	machine_detach(machine, 0);
	destroy_both(test, parent, nested);
}

static void expect_refused(struct kunit *test, enum fake_oddity oddity)
{
	struct machine *machine = test->priv;
	unsigned int domains = fake_iommu_domains();
	u32 parent, nested;

	KUNIT_ASSERT_EQ(test, 0,
			alloc_over_ioas(test, 0, IOMMU_HWPT_ALLOC_NEST_PARENT,
					&parent));
	machine->fake[0].oddity = oddity;
	KUNIT_EXPECT_EQ(test, alloc_nested(test, 0, parent, &nested), -EINVAL);
	machine->fake[0].oddity = FAKE_SANE;
	KUNIT_EXPECT_EQ(test, machine_destroy(test, nested), -ENOENT);
	KUNIT_EXPECT_EQ(test, machine_destroy(test, parent), 0);
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), domains);
}

static void drivers_break_their_word(struct kunit *test)
{
	struct machine *machine = test->priv;
	u32 id;

	machine_bind_all(test, machine);
	expect_refused(test, FAKE_NO_INVALIDATE);
	expect_refused(test, FAKE_NOT_NESTED);

	/* A domain that cannot track has broken no word. */
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			alloc_over_ioas(test, 0,
					IOMMU_HWPT_ALLOC_DIRTY_TRACKING, &id));
	machine->fake[0].oddity = FAKE_NO_DIRTY_OPS;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			alloc_over_ioas(test, 0,
					IOMMU_HWPT_ALLOC_DIRTY_TRACKING, &id));
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), 0);
}

static int invalidate(struct kunit *test, u32 nested, u32 *count)
{
	struct iommu_hwpt_invalidate cmd = {
		.size = sizeof(cmd),
		.hwpt_id = nested,
		.data_uptr = 1,
		.entry_len = SOME_LENGTH,
		.entry_num = *count,
	};
	struct iommufd_call call = call_of(test, sizeof(cmd));
	int rc = iommufd_hwpt_invalidate(&call, &cmd);

	*count = cmd.entry_num;
	return rc;
}

/* Whatever a driver says, no more is done than was asked for. */
static void counts_of_drivers(struct kunit *test)
{
	struct machine *machine = test->priv;
	u32 parent, nested, count;

	machine_bind_all(test, machine);
	nest(test, 0, &parent, &nested);
	for (count = 0; count < 300; count += 60) {
		u32 done = count;

		KUNIT_EXPECT_EQ(test, invalidate(test, nested, &done), 0);
		KUNIT_EXPECT_EQ(test, done, count);
		machine->fake[0].oddity = FAKE_COUNTS_TOO_MANY;
		KUNIT_EXPECT_EQ(test, invalidate(test, nested, &done), 0);
		KUNIT_EXPECT_EQ(test, done, count);
		machine->fake[0].oddity = FAKE_DOES_NOTHING;
		KUNIT_EXPECT_EQ(test, invalidate(test, nested, &done),
				count ? -EIO : 0);
		KUNIT_EXPECT_EQ(test, done, 0);
		machine->fake[0].oddity = FAKE_SANE;
	}
	destroy_both(test, parent, nested);
}

static struct kunit_case device_nested_cases[] = {
	KUNIT_CASE(reserves_below),
	KUNIT_CASE(conflicts_below),
	KUNIT_CASE(moves_between_kinds),
	KUNIT_CASE(h25_coherency_of_the_parent),
	KUNIT_CASE(another_iommu),
	KUNIT_CASE(drivers_break_their_word),
	KUNIT_CASE(counts_of_drivers),
	{}
};

static struct kunit_suite device_nested_suite = {
	.name = "iommufd_device_nested",
	.suite_init = fake_iommu_begin,
	.suite_exit = fake_iommu_end,
	.init = machine_init,
	.exit = machine_exit,
	.test_cases = device_nested_cases,
};

kunit_test_suite(device_nested_suite);
