// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Devices that move, page tables that user space has made, and leaving both.
 */
#include <kunit/static_stub.h>
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/iommufd.h>
#include <linux/jiffies.h>
#include <linux/workqueue.h>

#include "context.h"
#include "device/attach.h"
#include "iopt/iopt_lookup.h"
#include "lib/iova_tree.h"
#include "machine.h"
#include "object/context.h"
#include "object/ioas.h"
#include "pages/iopt_types.h"

#define BASE_IOVA 0x100000UL
#define RESERVED_START 0xfee00000UL
#define RESERVED_LENGTH 0x100000UL
#define WINDOW_START 0x8000000UL
#define WINDOW_LENGTH 0x100000UL

static void replace_moves_the_group(struct kunit *test)
{
	struct machine *machine = test->priv;
	struct iommufd_ioas **ioas = machine->ioas;
	u32 old;

	fake_device_reserve(&machine->fake[0], RESERVED_START, RESERVED_LENGTH,
			    IOMMU_RESV_RESERVED);
	fake_device_reserve(&machine->fake[1], WINDOW_START, WINDOW_LENGTH,
			    IOMMU_RESV_SW_MSI);
	machine_bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, machine_map_at(test, 1, BASE_IOVA), 0);
	KUNIT_EXPECT_EQ(test, machine_replace(machine, 0, 1), -EINVAL);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, machine_replace(machine, 1, 1), -EINVAL);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 1, 0), 0);
	old = machine->hwpt[0];
	KUNIT_EXPECT_EQ(test, machine_replace(machine, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, machine->hwpt[0], old);

	KUNIT_ASSERT_EQ(test, machine_replace(machine, 0, 1), 0);
	KUNIT_EXPECT_NE(test, machine->hwpt[0], old);
	KUNIT_EXPECT_FALSE(test, machine_exists(machine, old));
	KUNIT_EXPECT_PTR_EQ(test, machine->fake[1].present,
			    machine->fake[0].present);
	KUNIT_EXPECT_EQ(test, machine->fake[0].npages_at_attach,
			MACHINE_NPAGES);
	KUNIT_EXPECT_EQ(test, machine->fake[1].npages_at_attach,
			MACHINE_NPAGES);
	KUNIT_EXPECT_TRUE(test, machine->fake[0].window_at_attach);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 0);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 1), 2);
	KUNIT_EXPECT_EQ(test, refcount_read(&ioas[0]->object.users), 1);
	KUNIT_EXPECT_EQ(test, refcount_read(&ioas[1]->object.users), 2);
}

static void expect_on_old(struct kunit *test, u32 old,
			  struct fake_domain *domain)
{
	struct machine *machine = test->priv;

	KUNIT_EXPECT_TRUE(test, machine_exists(machine, old));
	KUNIT_EXPECT_PTR_EQ(test, machine->fake[0].present, domain);
	KUNIT_EXPECT_PTR_EQ(test, machine->fake[1].present, domain);
	KUNIT_EXPECT_EQ(test, domain->memory.nentries, MACHINE_NPAGES);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 2);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 1), 0);
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), 1);
	KUNIT_EXPECT_EQ(test, refcount_read(&machine->ioas[1]->object.users),
			1);
}

static void prepare_replace(struct kunit *test)
{
	struct machine *machine = test->priv;
	unsigned int i;

	for (i = 0; i < 2; i++)
		fake_device_reserve(&machine->fake[i],
				    RESERVED_START + i * RESERVED_LENGTH,
				    RESERVED_LENGTH, IOMMU_RESV_RESERVED);
	machine_bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, machine_map_at(test, 0, BASE_IOVA), 0);
	KUNIT_ASSERT_EQ(test, machine_map_at(test, 1, BASE_IOVA), 0);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 0, 0), 0);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 1, 0), 0);
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
	KUNIT_EXPECT_EQ(test, machine_replace(machine, 0, 1), -EIO);
	expect_on_old(test, old, domain);
	machine->fake[1].attach_error = 0;

	machine->fake[0].map_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, machine_replace(machine, 0, 1), -ENOMEM);
	expect_on_old(test, old, domain);
	machine->fake[0].map_error = 0;

	/* The reservation of the second device is what cannot be had. */
	KUNIT_ASSERT_EQ(test, 0,
			machine_map_at(test, 1,
				       RESERVED_START + RESERVED_LENGTH));
	KUNIT_EXPECT_EQ(test, machine_replace(machine, 0, 1), -EADDRINUSE);
	expect_on_old(test, old, domain);
	KUNIT_EXPECT_EQ(test,
			machine_map_at(test, 0, BASE_IOVA + MACHINE_LENGTH), 0);
	KUNIT_EXPECT_EQ(test, domain->memory.nentries, 2 * MACHINE_NPAGES);
}

static bool always(struct device *dev)
{
	return true;
}

static void set_up_interrupts(struct kunit *test, bool some)
{
	if (some)
		kunit_activate_static_stub(test, iommufd_has_interrupts,
					   always);
	else
		kunit_deactivate_static_stub(test, iommufd_has_interrupts);
}

/*
 * A doorbell is mapped in the page table that was there when the interrupt was
 * set up, and in no other.
 */
static void interrupts_keep_their_page_table(struct kunit *test)
{
	struct machine *machine = test->priv;
	struct fake_domain *domain;
	u32 old;

	fake_device_reserve(&machine->fake[0], WINDOW_START, WINDOW_LENGTH,
			    IOMMU_RESV_SW_MSI);
	fake_device_reserve(&machine->fake[1], WINDOW_START, WINDOW_LENGTH,
			    IOMMU_RESV_SW_MSI);
	machine_bind_all(test, machine);
	set_up_interrupts(test, true);
	KUNIT_EXPECT_EQ(test, machine_attach(machine, 0, 0), -EBUSY);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 0);
	set_up_interrupts(test, false);
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 0, 0), 0);
	old = machine->hwpt[0];
	domain = machine->fake[0].present;

	set_up_interrupts(test, true);
	KUNIT_EXPECT_EQ(test, machine_replace(machine, 0, 1), -EBUSY);
	KUNIT_EXPECT_TRUE(test, machine_exists(machine, old));
	KUNIT_EXPECT_PTR_EQ(test, machine->fake[0].present, domain);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 1), 0);
	/* In the page table that it has, nothing is lost. */
	KUNIT_EXPECT_EQ(test, machine_replace(machine, 0, 0), 0);
	/* Where those of another device of the group were set up is not known. */
	KUNIT_EXPECT_EQ(test, machine_attach(machine, 1, 0), -EBUSY);
	/* Without a window there is no doorbell. */
	KUNIT_EXPECT_EQ(test, machine_attach(machine, 2, 0), 0);

	set_up_interrupts(test, false);
	KUNIT_EXPECT_EQ(test, machine_attach(machine, 1, 0), 0);
	KUNIT_EXPECT_EQ(test, machine_replace(machine, 0, 1), 0);
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
	KUNIT_EXPECT_EQ(test, domain->memory.nentries, MACHINE_NPAGES);

	machine->fake[0].map_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, machine_replace(machine, 0, 1), -ENOMEM);
	expect_on_old(test, old, domain);
	machine->fake[0].map_error = 0;
	KUNIT_EXPECT_EQ(test, machine_replace(machine, 1, 1), 0);
	KUNIT_EXPECT_EQ(test, machine->fake[1].present->memory.nentries,
			MACHINE_NPAGES);

	machine_detach(machine, 0);
	machine_detach(machine, 1);
	machine->fake[0].map_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, machine_attach(machine, 0, 0), -ENOMEM);
	KUNIT_EXPECT_NULL(test, machine->fake[0].present);
	KUNIT_EXPECT_NULL(test, machine->fake[1].present);
}

static void own_page_tables(struct kunit *test)
{
	struct machine *machine = test->priv;
	u32 ioas = machine->ioas[0]->object.id;
	u32 first, second;

	machine_bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, machine_map_at(test, 0, BASE_IOVA), 0);
	KUNIT_ASSERT_EQ(test, machine_alloc_hwpt(test, 0, 0, &first), 0);
	KUNIT_ASSERT_EQ(test, machine_alloc_hwpt(test, 0, 0, &second), 0);
	KUNIT_EXPECT_NE(test, first, second);
	KUNIT_EXPECT_EQ(test, machine_domain_of(test, first)->memory.nentries,
			MACHINE_NPAGES);
	KUNIT_EXPECT_EQ(test,
			machine_map_at(test, 0, BASE_IOVA + MACHINE_LENGTH), 0);
	KUNIT_EXPECT_EQ(test, machine_domain_of(test, second)->memory.nentries,
			2 * MACHINE_NPAGES);
	KUNIT_EXPECT_EQ(test, machine_destroy(test, ioas), -EBUSY);

	KUNIT_ASSERT_EQ(test, machine_attach_id(machine, 0, first), 0);
	KUNIT_EXPECT_EQ(test, machine->hwpt[0], first);
	KUNIT_EXPECT_EQ(test, machine->fake[0].npages_at_attach,
			2 * MACHINE_NPAGES);
	/* Its group shares it, and does not get anything else. */
	KUNIT_EXPECT_EQ(test, machine_attach_id(machine, 1, second), -EINVAL);
	KUNIT_EXPECT_EQ(test, machine_attach(machine, 1, 0), -EINVAL);
	KUNIT_ASSERT_EQ(test, machine_attach_id(machine, 1, first), 0);
	/* Whoever asks for the IOAS gets none that belongs to user space. */
	KUNIT_ASSERT_EQ(test, machine_attach(machine, 2, 0), 0);
	KUNIT_EXPECT_NE(test, machine->hwpt[2], first);
	KUNIT_EXPECT_NE(test, machine->hwpt[2], second);
	KUNIT_EXPECT_EQ(test, machine_attach_id(machine, 3, first), -EINVAL);

	KUNIT_EXPECT_EQ(test, machine_destroy(test, first), -EBUSY);
	KUNIT_EXPECT_EQ(test, machine_replace_id(machine, 1, second), 0);
	KUNIT_EXPECT_PTR_EQ(test, machine->fake[0].present,
			    machine_domain_of(test, second));
	KUNIT_EXPECT_EQ(test, machine_destroy(test, first), 0);
	machine_detach(machine, 0);
	machine_detach(machine, 1);
	KUNIT_EXPECT_TRUE(test, machine_exists(machine, second));
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), 2);
	KUNIT_EXPECT_EQ(test, machine_destroy(test, second), 0);
	KUNIT_EXPECT_EQ(test, machine_destroy(test, second), -ENOENT);
}

static void moving_between_all_kinds(struct kunit *test)
{
	struct machine *machine = test->priv;
	u32 own, other, automatic;

	prepare_replace(test);
	automatic = machine->hwpt[0];
	KUNIT_ASSERT_EQ(test, machine_alloc_hwpt(test, 0, 0, &own), 0);
	KUNIT_ASSERT_EQ(test, machine_alloc_hwpt(test, 0, 1, &other), 0);

	KUNIT_EXPECT_EQ(test, machine_replace_id(machine, 0, own), 0);
	KUNIT_EXPECT_EQ(test, machine->hwpt[0], own);
	KUNIT_EXPECT_FALSE(test, machine_exists(machine, automatic));
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 2);
	KUNIT_EXPECT_EQ(test, machine_replace_id(machine, 0, other), 0);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 0), 0);
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 1), 2);
	machine->fake[1].attach_error = -EIO;
	KUNIT_EXPECT_EQ(test, machine_replace_id(machine, 0, own), -EIO);
	machine->fake[1].attach_error = 0;
	KUNIT_EXPECT_PTR_EQ(test, machine->fake[0].present,
			    machine_domain_of(test, other));
	KUNIT_EXPECT_EQ(test, machine_reserved(machine, 1), 2);
	/* To the IOAS that it is in already, but to a page table of ours */
	KUNIT_EXPECT_EQ(test, machine_replace(machine, 0, 1), 0);
	KUNIT_EXPECT_NE(test, machine->hwpt[0], other);
	KUNIT_EXPECT_TRUE(test, machine_exists(machine, other));
	KUNIT_EXPECT_EQ(test, machine_replace_id(machine, 0, own), 0);
	KUNIT_EXPECT_EQ(test, machine_destroy(test, other), 0);
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), 1);
	machine_detach(machine, 0);
	machine_detach(machine, 1);
	KUNIT_EXPECT_EQ(test, machine_destroy(test, own), 0);
}

static void own_page_tables_outlive_the_device(struct kunit *test)
{
	struct machine *machine = test->priv;
	u32 id;

	machine_bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, machine_map_at(test, 0, BASE_IOVA), 0);
	KUNIT_ASSERT_EQ(test, machine_alloc_hwpt(test, 2, 0, &id), 0);
	iommufd_device_unbind(machine->idev[2]);
	machine->idev[2] = NULL;
	KUNIT_EXPECT_EQ(test,
			machine_map_at(test, 0, BASE_IOVA + MACHINE_LENGTH), 0);
	KUNIT_EXPECT_EQ(test, machine_domain_of(test, id)->memory.nentries,
			2 * MACHINE_NPAGES);
	KUNIT_EXPECT_EQ(test, machine_attach_id(machine, 0, id), 0);
	machine_detach(machine, 0);
	KUNIT_EXPECT_EQ(test, machine_destroy(test, id), 0);
	KUNIT_EXPECT_EQ(test,
			machine_destroy(test, machine->ioas[0]->object.id), 0);
	machine->ioas[0] = context_add_ioas(test, machine->ictx);
}

static void own_page_tables_that_learn_late(struct kunit *test)
{
	struct machine *machine = test->priv;
	u32 id;

	machine->fake[0].learns_late = true;
	machine_bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, machine_map_at(test, 0, BASE_IOVA), 0);
	KUNIT_ASSERT_EQ(test, machine_alloc_hwpt(test, 0, 0, &id), 0);
	KUNIT_EXPECT_EQ(test, machine_domain_of(test, id)->memory.nentries, 0);
	KUNIT_EXPECT_EQ(test,
			machine_map_at(test, 0, BASE_IOVA + MACHINE_LENGTH), 0);

	machine->fake[0].map_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, machine_attach_id(machine, 0, id), -ENOMEM);
	KUNIT_EXPECT_NULL(test, machine->fake[0].present);
	KUNIT_EXPECT_EQ(test, machine_domain_of(test, id)->memory.nentries, 0);
	machine->fake[0].map_error = 0;
	KUNIT_ASSERT_EQ(test, machine_attach_id(machine, 0, id), 0);
	KUNIT_EXPECT_EQ(test, machine_domain_of(test, id)->memory.nentries,
			2 * MACHINE_NPAGES);
	machine_detach(machine, 0);
	/* Its format is known from now on. */
	KUNIT_ASSERT_EQ(test, machine_attach_id(machine, 2, id), 0);
	KUNIT_EXPECT_EQ(test, machine->fake[2].npages_at_attach,
			2 * MACHINE_NPAGES);
	machine_detach(machine, 2);
	KUNIT_EXPECT_EQ(test, machine_destroy(test, id), 0);
	/* One that never learned */
	KUNIT_ASSERT_EQ(test, machine_alloc_hwpt(test, 0, 0, &id), 0);
	KUNIT_EXPECT_EQ(test, machine_destroy(test, id), 0);
}

static void failed_allocation_leaves_nothing(struct kunit *test)
{
	struct machine *machine = test->priv;
	u32 id;

	machine_bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, machine_map_at(test, 0, BASE_IOVA), 0);
	machine->fake[0].alloc_error = -ENOSPC;
	KUNIT_EXPECT_EQ(test, machine_alloc_hwpt(test, 0, 0, &id), -ENOSPC);
	machine->fake[0].alloc_error = 0;
	machine->fake[0].map_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, machine_alloc_hwpt(test, 0, 0, &id), -ENOMEM);
	machine->fake[0].map_error = 0;
	/* Nobody would know its id. */
	KUNIT_EXPECT_EQ(test, machine_alloc_reply(machine, 0, 0, NULL, &id),
			-EFAULT);
	KUNIT_EXPECT_FALSE(test, machine_exists(machine, id));
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), 0);
	KUNIT_EXPECT_EQ(test, machine->ioas[0]->iopt.reserved.count, 0);
	KUNIT_EXPECT_EQ(test, refcount_read(&machine->ioas[0]->object.users),
			1);
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

	KUNIT_ASSERT_EQ(test, machine_attach(machine, 2, 0), 0);
	id = machine->hwpt[2];
	holder_start(&holder, mutex);
	machine_detach(machine, 2);
	KUNIT_EXPECT_NULL(test, machine->fake[2].present);
	KUNIT_EXPECT_FALSE(test, machine_exists(machine, id));
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

	machine_bind_all(test, machine);
	KUNIT_ASSERT_EQ(test, machine_map_at(test, 0, BASE_IOVA), 0);
	KUNIT_ASSERT_EQ(test, machine_map_at(test, 0, 2 * BASE_IOVA), 0);
	detach_beside(test, &machine->ioas[0]->mutex, 1);
	area = iopt_area_from_node(iova_tree_first(&iopt->tree, BASE_IOVA,
						   BASE_IOVA));
	detach_beside(test, &area->pages->fill_mutex, 0);
}

static struct kunit_case device_move_cases[] = {
	KUNIT_CASE(replace_moves_the_group),
	KUNIT_CASE(failed_replace_changes_nothing),
	KUNIT_CASE(interrupts_keep_their_page_table),
	KUNIT_CASE(domains_that_learn_late),
	KUNIT_CASE(own_page_tables),
	KUNIT_CASE(moving_between_all_kinds),
	KUNIT_CASE(own_page_tables_outlive_the_device),
	KUNIT_CASE(own_page_tables_that_learn_late),
	KUNIT_CASE(failed_allocation_leaves_nothing),
	KUNIT_CASE(h60_detach_waits_for_no_mutex),
	{}
};

static struct kunit_suite device_move_suite = {
	.name = "iommufd_device_move",
	.suite_init = fake_iommu_begin,
	.suite_exit = fake_iommu_end,
	.init = machine_init,
	.exit = machine_exit,
	.test_cases = device_move_cases,
};

kunit_test_suite(device_move_suite);
