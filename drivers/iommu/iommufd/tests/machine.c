// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 */
#include "machine.h"

#include <kunit/test.h>
#include <linux/iommufd.h>
#include <linux/irqdomain.h>
#include <linux/mman.h>
#include <linux/msi.h>
#include <uapi/linux/iommufd.h>

#include "check/iopt_check.h"
#include "context.h"
#include "device/device.h"
#include "device/hw_pagetable.h"
#include "device/hwpt_alloc.h"
#include "iopt/io_pagetable.h"
#include "iopt/iopt_map.h"
#include "object/context.h"
#include "object/ioas.h"
#include "object/ioctl.h"
#include "object/object_destroy.h"

/* User space would be told that nothing keeps interrupts apart. */
static struct irq_domain isolated_domain = {
	.flags = IRQ_DOMAIN_FLAG_ISOLATED_MSI,
};

/**
 * machine_init() - Set up a context, IOASes, and devices
 * @test: whose init this is; gets the machine as its priv
 *
 * Context: the thread of @test, which ends on failure.
 * Return: 0.
 */
int machine_init(struct kunit *test)
{
	struct machine *machine = kunit_kzalloc(test, sizeof(*machine),
						GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, machine);
	test->priv = machine;
	machine->ictx = context_new(test);
	for (i = 0; i < MACHINE_IOAS; i++)
		machine->ioas[i] = context_add_ioas(test, machine->ictx);
	machine->fake[1].group_of = &machine->fake[0];
	machine->fake[3].unit = 1;
	for (i = 0; i < MACHINE_DEVICES; i++) {
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

/**
 * machine_exit() - Take everything apart, and see that nothing is left
 * @test: whose exit this is
 *
 * Whatever the test did.
 *
 * Context: as KUnit calls it.
 */
void machine_exit(struct kunit *test)
{
	struct machine *machine = test->priv;
	unsigned int i;

	for (i = 0; i < MACHINE_DEVICES; i++)
		detach_unbind(machine, i);
	for (i = 0; i < MACHINE_DEVICES; i++)
		KUNIT_EXPECT_NULL(test, machine->fake[i].present);
	KUNIT_EXPECT_EQ(test, fake_iommu_domains(), 0);
	for (i = 0; i < MACHINE_IOAS; i++) {
		KUNIT_EXPECT_EQ(test, machine->ioas[i]->iopt.reserved.count, 0);
		KUNIT_EXPECT_TRUE(test, iopt_valid(&machine->ioas[i]->iopt));
	}
	context_end(test, machine->ictx);
	for (i = MACHINE_DEVICES; i--;)
		fake_device_remove(&machine->fake[i]);
}

/**
 * machine_bind() - Bind a device to the context
 * @machine: the machine
 * @i: the device
 *
 * Context: may sleep.
 * Return: as iommufd_device_bind(); -EBADE if the id is wrong.
 */
int machine_bind(struct machine *machine, unsigned int i)
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

/**
 * machine_bind_all() - Bind all devices
 * @test: the test
 * @machine: its machine
 *
 * Context: the thread of @test, which ends on failure.
 */
void machine_bind_all(struct kunit *test, struct machine *machine)
{
	unsigned int i;

	for (i = 0; i < MACHINE_DEVICES; i++)
		KUNIT_ASSERT_EQ(test, machine_bind(machine, i), 0);
}

/**
 * machine_attach_id() - Attach a device to an IOAS or page table
 * @machine: the machine
 * @i: the device, which is bound
 * @id: what to
 *
 * Context: may sleep.
 * Return: as iommufd_device_attach().
 */
int machine_attach_id(struct machine *machine, unsigned int i, u32 id)
{
	int rc = iommufd_device_attach(machine->idev[i], &id);

	if (!rc)
		machine->hwpt[i] = id;
	return rc;
}

/**
 * machine_attach() - Attach a device to an IOAS
 * @machine: the machine
 * @i: the device, which is bound
 * @ioas: which of the IOASes
 *
 * Context: may sleep.
 * Return: as iommufd_device_attach().
 */
int machine_attach(struct machine *machine, unsigned int i, unsigned int ioas)
{
	return machine_attach_id(machine, i, machine->ioas[ioas]->object.id);
}

/**
 * machine_replace_id() - Move a device to an IOAS or page table
 * @machine: the machine
 * @i: the device
 * @id: where to
 *
 * Context: may sleep.
 * Return: as iommufd_device_replace().
 */
int machine_replace_id(struct machine *machine, unsigned int i, u32 id)
{
	int rc = iommufd_device_replace(machine->idev[i], &id);

	if (!rc)
		machine->hwpt[i] = id;
	return rc;
}

/**
 * machine_replace() - Move a device to an IOAS
 * @machine: the machine
 * @i: the device
 * @ioas: which of the IOASes
 *
 * Context: may sleep.
 * Return: as iommufd_device_replace().
 */
int machine_replace(struct machine *machine, unsigned int i, unsigned int ioas)
{
	return machine_replace_id(machine, i, machine->ioas[ioas]->object.id);
}

/**
 * machine_detach() - Detach a device
 * @machine: the machine
 * @i: the device, which is attached
 *
 * Context: may sleep.
 */
void machine_detach(struct machine *machine, unsigned int i)
{
	iommufd_device_detach(machine->idev[i]);
	machine->hwpt[i] = 0;
}

/**
 * machine_alloc_reply() - IOMMU_HWPT_ALLOC
 * @machine: the machine
 * @i: the device that it is for
 * @ioas: which of the IOASes
 * @user: where the reply goes
 * @id: receives the id, on failure too
 *
 * Context: may sleep.
 * Return: as iommufd_hwpt_alloc().
 */
int machine_alloc_reply(struct machine *machine, unsigned int i,
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

/**
 * machine_alloc_hwpt() - IOMMU_HWPT_ALLOC of somebody who can be told the id
 * @test: the test
 * @i: the device that it is for
 * @ioas: which of the IOASes
 * @id: receives the id
 *
 * Context: the thread of @test.
 * Return: as iommufd_hwpt_alloc().
 */
int machine_alloc_hwpt(struct kunit *test, unsigned int i, unsigned int ioas,
		       u32 *id)
{
	unsigned long address = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE,
					      PROT_READ | PROT_WRITE,
					      MAP_ANONYMOUS | MAP_PRIVATE, 0);

	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(address));
	return machine_alloc_reply(test->priv, i, ioas, (void __user *)address, id);
}

/**
 * machine_domain_of() - What is behind the id of a page table
 * @test: the test, which keeps the page table
 * @id: of the page table
 *
 * Context: the thread of @test, which ends if there is none.
 * Return: the domain of the fake IOMMU.
 */
struct fake_domain *machine_domain_of(struct kunit *test, u32 id)
{
	struct machine *machine = test->priv;
	struct iommufd_object *object =
		iommufd_object_get(machine->ictx, id, IOMMUFD_OBJ_HWPT_PAGING);

	KUNIT_ASSERT_FALSE(test, IS_ERR(object));
	/* The test itself keeps it. */
	iommufd_object_put(object);
	return fake_domain_from(iommufd_hwpt_from(object)->domain);
}

/**
 * machine_destroy() - IOMMU_DESTROY
 * @test: the test
 * @id: of an object
 *
 * Context: may sleep.
 * Return: as iommufd_object_destroy_id().
 */
int machine_destroy(struct kunit *test, u32 id)
{
	struct machine *machine = test->priv;

	return iommufd_object_destroy_id(machine->ictx, id);
}

/**
 * machine_exists() - Tell whether there is a page table
 * @machine: the machine
 * @id: of the page table
 *
 * Context: any.
 * Return: true if there is.
 */
bool machine_exists(struct machine *machine, u32 id)
{
	struct iommufd_object *object =
		iommufd_object_get(machine->ictx, id, IOMMUFD_OBJ_HWPT_PAGING);

	if (IS_ERR(object))
		return false;
	iommufd_object_put(object);
	return true;
}

/**
 * machine_map_at() - Map MACHINE_NPAGES pages of new memory
 * @test: the test
 * @ioas: which of the IOASes
 * @iova: where
 *
 * Context: the thread of @test.
 * Return: as iopt_mapping_prepare().
 */
int machine_map_at(struct kunit *test, unsigned int ioas, unsigned long iova)
{
	struct machine *machine = test->priv;
	struct iopt_mapping mapping;
	unsigned long address;
	int rc;

	address = kunit_vm_mmap(test, NULL, 0, MACHINE_LENGTH, PROT_READ | PROT_WRITE,
				MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(address));
	iopt_mapping_init(&mapping, &machine->ioas[ioas]->iopt,
			  IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE,
			  IOPT_MAP_FIXED);
	mapping.iova = iova;
	rc = iopt_mapping_add_user(&mapping, address, MACHINE_LENGTH,
				   &machine->ictx->account) ?:
	     iopt_mapping_prepare(&mapping);
	iopt_mapping_end(&mapping, rc);
	return rc;
}

/**
 * machine_reserved() - Count what devices have reserved in an IOAS
 * @machine: the machine
 * @ioas: which of the IOASes
 *
 * Without what lies above the aperture of each domain.
 *
 * Context: any; nothing changes meanwhile.
 * Return: the number of ranges.
 */
unsigned int machine_reserved(struct machine *machine, unsigned int ioas)
{
	struct io_pagetable *iopt = &machine->ioas[ioas]->iopt;

	return iopt->reserved.count - list_count_nodes(&iopt->domains.list);
}
