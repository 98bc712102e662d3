// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Devices that request pages: when they may, and where their faults go, while
 * they attach, move and detach, alone and in groups.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/hashtable.h>
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/list.h>
#include <uapi/linux/iommufd.h>

#include "device/fault_queue.h"
#include "device/hw_pagetable.h"
#include "machine.h"
#include "object/object.h"

/**
 * struct place - A page table with a queue
 * @queue: the queue; goes with the context
 * @hwpt_id: the page table
 */
struct place {
	struct iommufd_fault_queue *queue;
	u32 hwpt_id;
};

/* Give a queue to a page table that no device has used yet. */
static void serve(struct kunit *test, struct place *place)
{
	struct machine *machine = test->priv;
	struct iommufd_object *object;

	object = iommufd_object_get(machine->ictx, place->hwpt_id,
				    IOMMUFD_OBJ_HWPT_PAGING);
	KUNIT_ASSERT_FALSE(test, IS_ERR(object));
	KUNIT_EXPECT_EQ(test, 0,
			iommufd_fault_queue_serve(iommufd_hwpt_from(object),
						  place->queue->object.id));
	iommufd_object_put(object);
}

static void place_init(struct kunit *test, struct place *place)
{
	struct machine *machine = test->priv;

	place->queue = iommufd_fault_queue_alloc(machine->ictx);
	KUNIT_ASSERT_FALSE(test, IS_ERR(place->queue));
	iommufd_object_publish(&place->queue->object);
	KUNIT_ASSERT_EQ(test, 0,
			machine_alloc_hwpt(test, 0, 0, &place->hwpt_id));
	serve(test, place);
}

/* No device is attached to it. */
static void place_end(struct kunit *test, struct place *place)
{
	u32 id = place->queue->object.id;

	KUNIT_EXPECT_TRUE(test, hash_empty(place->queue->groups));
	KUNIT_EXPECT_EQ(test, machine_destroy(test, id), -EBUSY);
	KUNIT_EXPECT_EQ(test, machine_destroy(test, place->hwpt_id), 0);
	KUNIT_EXPECT_EQ(test, machine_destroy(test, id), 0);
}

static size_t sources(const struct place *place)
{
	return list_count_nodes(&place->queue->sources);
}

/* The device asks for a page, with a number that says whose it is. */
static int report(struct machine *machine, unsigned int i)
{
	struct iopf_fault fault = {
		.fault.type = IOMMU_FAULT_PAGE_REQ,
		.fault.prm = {
			.flags = IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE,
			.grpid = i,
		},
	};

	return iommu_report_device_fault(&machine->fake[i].pdev->dev, &fault);
}

/* Read what waits in @place, which device @i has asked for, and keep it. */
static void expect_fault(struct kunit *test, const struct place *place,
			 unsigned int i)
{
	struct machine *machine = test->priv;
	struct iommufd_fault_group *group;

	group = iommufd_fault_queue_take(place->queue, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(group));
	KUNIT_EXPECT_EQ(test, group->iopf->last_fault.fault.prm.grpid, i);
	KUNIT_EXPECT_EQ(test, group->dev_id,
			iommufd_device_to_id(machine->idev[i]));
	iommufd_fault_queue_settle(place->queue, group, true);
}

static void joins_and_leaves(struct kunit *test)
{
	struct machine *machine = test->priv;
	struct fake_device *fake = machine->fake;
	struct place place;

	machine_bind_all(test, machine);
	place_init(test, &place);
	KUNIT_ASSERT_EQ(test, machine_attach_id(machine, 0, place.hwpt_id), 0);
	KUNIT_EXPECT_TRUE(test, fake[0].enabled);
	/* The other one of the group can do DMA, but not ask. */
	KUNIT_EXPECT_FALSE(test, fake[1].enabled);
	KUNIT_ASSERT_EQ(test, machine_attach_id(machine, 1, place.hwpt_id), 0);
	KUNIT_EXPECT_TRUE(test, fake[1].enabled);
	KUNIT_EXPECT_EQ(test, sources(&place), 2);

	KUNIT_EXPECT_EQ(test, report(machine, 0), 0);
	KUNIT_EXPECT_EQ(test, report(machine, 1), 0);
	expect_fault(test, &place, 0);
	expect_fault(test, &place, 1);
	machine_detach(machine, 0);
	KUNIT_EXPECT_FALSE(test, fake[0].enabled);
	KUNIT_EXPECT_EQ(test, fake[0].answered, 1);
	KUNIT_EXPECT_EQ(test, fake[0].last_answer, IOMMU_PAGE_RESP_INVALID);
	/* Nothing happens to the one that stays. */
	KUNIT_EXPECT_TRUE(test, fake[1].enabled);
	KUNIT_EXPECT_EQ(test, fake[1].answered, 0);
	KUNIT_EXPECT_EQ(test, sources(&place), 1);
	machine_detach(machine, 1);
	KUNIT_EXPECT_FALSE(test, fake[1].enabled);
	KUNIT_EXPECT_EQ(test, fake[1].answered, 1);
	KUNIT_EXPECT_EQ(test, sources(&place), 0);
	place_end(test, &place);
}

/* Between page tables with and without a queue; enabled once all the while. */
static void h52_moves(struct kunit *test)
{
	struct machine *machine = test->priv;
	struct fake_device *fake = machine->fake;
	struct place one, other;

	machine_bind_all(test, machine);
	place_init(test, &one);
	place_init(test, &other);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 0, 0), 0);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 1, 0), 0);
	KUNIT_EXPECT_FALSE(test, fake[0].enabled || fake[1].enabled);
	KUNIT_ASSERT_EQ(test, machine_replace_id(machine, 0, one.hwpt_id), 0);
	KUNIT_EXPECT_TRUE(test, fake[0].enabled && fake[1].enabled);
	KUNIT_EXPECT_EQ(test, report(machine, 0), 0);
	expect_fault(test, &one, 0);

	KUNIT_ASSERT_EQ(test, machine_replace_id(machine, 1, other.hwpt_id), 0);
	KUNIT_EXPECT_EQ(test, fake[0].answered, 1);
	KUNIT_EXPECT_EQ(test, fake[0].last_answer, IOMMU_PAGE_RESP_INVALID);
	KUNIT_EXPECT_EQ(test, fake[0].enables, 1);
	KUNIT_EXPECT_EQ(test, fake[1].enables, 1);
	KUNIT_EXPECT_EQ(test, sources(&one), 0);
	KUNIT_EXPECT_EQ(test, sources(&other), 2);
	KUNIT_EXPECT_EQ(test, report(machine, 1), 0);
	expect_fault(test, &other, 1);

	KUNIT_ASSERT_EQ(test, machine_replace(machine, 0, 1), 0);
	KUNIT_EXPECT_FALSE(test, fake[0].enabled || fake[1].enabled);
	KUNIT_EXPECT_EQ(test, fake[1].answered, 1);
	KUNIT_EXPECT_EQ(test, sources(&other), 0);
	KUNIT_EXPECT_EQ(test, report(machine, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, fake[0].answered, 2);
	place_end(test, &one);
	place_end(test, &other);
}

static void expect_on(struct kunit *test, const struct place *place, u32 old)
{
	struct machine *machine = test->priv;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, machine->hwpt[i], old);
		KUNIT_EXPECT_FALSE(test, machine->fake[i].enabled);
	}
	KUNIT_EXPECT_EQ(test, sources(place), 0);
	KUNIT_EXPECT_EQ(test, refcount_read(&place->queue->object.users), 2);
}

static void failed_replace_enables_nothing(struct kunit *test)
{
	struct machine *machine = test->priv;
	struct fake_device *fake = machine->fake;
	struct place place;
	u32 old;

	machine_bind_all(test, machine);
	place_init(test, &place);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 0, 0), 0);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 1, 0), 0);
	old = machine->hwpt[0];
	/* The first has joined when the second cannot. */
	fake[1].enable_error = -ENODEV;
	KUNIT_EXPECT_EQ(test, machine_replace_id(machine, 0, place.hwpt_id),
			-ENODEV);
	expect_on(test, &place, old);
	fake[1].enable_error = 0;
	fake[1].prepares_nothing = true;
	KUNIT_EXPECT_EQ(test, machine_replace_id(machine, 0, place.hwpt_id),
			-EOPNOTSUPP);
	expect_on(test, &place, old);
	fake[1].prepares_nothing = false;
	/* All have joined when one cannot switch. */
	fake[1].attach_error = -EIO;
	KUNIT_EXPECT_EQ(test, machine_replace_id(machine, 0, place.hwpt_id),
			-EIO);
	expect_on(test, &place, old);
	fake[1].attach_error = 0;
	KUNIT_EXPECT_EQ(test, machine_replace_id(machine, 0, place.hwpt_id), 0);
	KUNIT_EXPECT_EQ(test, sources(&place), 2);
	machine_detach(machine, 0);
	machine_detach(machine, 1);
	place_end(test, &place);
}

/* What is outstanding belongs to the page table that stays. */
static void h52_failed_replace_answers_nothing(struct kunit *test)
{
	struct machine *machine = test->priv;
	struct fake_device *fake = machine->fake;
	struct place one, other;

	machine_bind_all(test, machine);
	place_init(test, &one);
	place_init(test, &other);
	KUNIT_ASSERT_EQ(test, machine_attach_id(machine, 2, one.hwpt_id), 0);
	KUNIT_EXPECT_EQ(test, report(machine, 2), 0);
	fake[2].attach_error = -EIO;
	KUNIT_EXPECT_EQ(test, machine_replace_id(machine, 2, other.hwpt_id),
			-EIO);
	KUNIT_EXPECT_EQ(test, machine_replace(machine, 2, 1), -EIO);
	fake[2].attach_error = 0;
	KUNIT_EXPECT_EQ(test, fake[2].answered, 0);
	KUNIT_EXPECT_TRUE(test, fake[2].enabled);
	KUNIT_EXPECT_EQ(test, fake[2].enables, 1);
	KUNIT_EXPECT_EQ(test, sources(&one), 1);
	KUNIT_EXPECT_EQ(test, sources(&other), 0);
	expect_fault(test, &one, 2);
	machine_detach(machine, 2);
	KUNIT_EXPECT_EQ(test, fake[2].answered, 1);
	place_end(test, &one);
	place_end(test, &other);
}

static void failed_attach_enables_nothing(struct kunit *test)
{
	struct machine *machine = test->priv;
	struct fake_device *fake = machine->fake;
	struct place place;

	machine_bind_all(test, machine);
	place_init(test, &place);
	fake[0].attach_error = -EIO;
	KUNIT_EXPECT_EQ(test, machine_attach_id(machine, 0, place.hwpt_id),
			-EIO);
	KUNIT_EXPECT_FALSE(test, fake[0].enabled);
	KUNIT_EXPECT_EQ(test, sources(&place), 0);
	fake[0].attach_error = 0;
	KUNIT_ASSERT_EQ(test, machine_attach_id(machine, 0, place.hwpt_id), 0);
	/* One that cannot ask cannot share the page table of its group. */
	fake[1].enable_error = -ENODEV;
	KUNIT_EXPECT_EQ(test, machine_attach_id(machine, 1, place.hwpt_id),
			-ENODEV);
	KUNIT_EXPECT_EQ(test, sources(&place), 1);
	KUNIT_EXPECT_TRUE(test, fake[0].enabled);
	machine_detach(machine, 0);
	place_end(test, &place);
}

/* VT-d knows no page requests while DMA is blocked. */
static void enables_once_there_is_dma(struct kunit *test)
{
	struct machine *machine = test->priv;
	struct fake_device *fake = machine->fake;
	struct place place;

	machine_bind_all(test, machine);
	place_init(test, &place);
	fake[0].asks_in_use = true;
	fake[1].asks_in_use = true;
	KUNIT_ASSERT_EQ(test, machine_attach_id(machine, 0, place.hwpt_id), 0);
	KUNIT_EXPECT_TRUE(test, fake[0].enabled);
	KUNIT_ASSERT_EQ(test, machine_attach_id(machine, 1, place.hwpt_id), 0);
	KUNIT_EXPECT_TRUE(test, fake[1].enabled);
	KUNIT_EXPECT_EQ(test, sources(&place), 2);
	KUNIT_EXPECT_EQ(test, report(machine, 0), 0);
	expect_fault(test, &place, 0);
	machine_detach(machine, 0);
	machine_detach(machine, 1);
	KUNIT_EXPECT_FALSE(test, fake[0].enabled || fake[1].enabled);

	/* One that cannot ask then either goes back to where it was. */
	fake[0].enable_error = -ENODEV;
	KUNIT_EXPECT_EQ(test, machine_attach_id(machine, 0, place.hwpt_id),
			-ENODEV);
	KUNIT_EXPECT_NULL(test, fake[0].present);
	KUNIT_EXPECT_FALSE(test, fake[0].enabled);
	KUNIT_EXPECT_EQ(test, sources(&place), 0);
	place_end(test, &place);
}

static struct kunit_case fault_device_cases[] = {
	KUNIT_CASE(joins_and_leaves),
	KUNIT_CASE(h52_moves),
	KUNIT_CASE(failed_replace_enables_nothing),
	KUNIT_CASE(h52_failed_replace_answers_nothing),
	KUNIT_CASE(failed_attach_enables_nothing),
	KUNIT_CASE(enables_once_there_is_dma),
	{}
};

static struct kunit_suite fault_device_suite = {
	.name = "iommufd_fault_device",
	.suite_init = fake_iommu_begin,
	.suite_exit = fake_iommu_end,
	.init = machine_init,
	.exit = machine_exit,
	.test_cases = fault_device_cases,
};

kunit_test_suite(fault_device_suite);
