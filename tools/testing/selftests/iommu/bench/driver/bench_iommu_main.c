// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * An IOMMU without hardware, and devices behind it that are bound to an iommufd.
 * It can do what no IOMMU does that QEMU emulates: track what is written, nest
 * page tables, and pass requests for pages on. Its own part of the work is the
 * same whoever implements iommufd, and as small as that of a driver can be.
 */
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/irqdomain.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <uapi/linux/iommufd.h>

#include "bench_iommu.h"
#include "bench_table.h"
#include "software_iommu.h"

/* The last one is for iommufd alone, which may have passed it on. */
#define PAGING_FLAGS \
	(IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING | \
	 IOMMU_HWPT_FAULT_ID_VALID)

/**
 * struct bench_unit - A device, which is an open file
 * @lock: one call at a time
 * @huge: its page tables may have IOPTEs of 2 MiB
 * @attached: to an IOAS or a page table of the program
 * @pdev: the device, NULL before BENCH_IOMMU_PLUG
 * @idev: its binding, NULL before BENCH_IOMMU_PLUG
 * @present: the domain that it uses
 * @requests: how often it has requested a page
 * @answers: how often it was told to try again
 */
struct bench_unit {
	struct mutex lock;
	bool huge;
	bool attached;
	struct platform_device *pdev;
	struct iommufd_device *idev;
	struct iommu_domain *present;
	u32 requests;
	u32 answers;
};

static struct software_iommu bench_iommu;
static struct iopf_queue *bench_requests;

/* The devices raise no interrupts, so none that belongs to somebody else. */
static struct irq_domain no_interrupts = {
	.flags = IRQ_DOMAIN_FLAG_ISOLATED_MSI,
};

static struct bench_unit *unit_from(struct device *dev)
{
	return dev_get_drvdata(dev);
}

static int attach_dev(struct iommu_domain *domain, struct device *dev)
{
	unit_from(dev)->present = domain;
	return 0;
}

/* Page tables that are nested: there is nothing that could be invalidated. */

static int invalidate(struct iommu_domain *domain,
		      struct iommu_user_data_array *array)
{
	struct bench_iommu_invalidate what;
	u32 done;
	int rc = 0;

	for (done = 0; done < array->entry_num; done++) {
		rc = iommu_copy_struct_from_user_array(&what, array,
						       BENCH_IOMMU_DATA, done,
						       length);
		if (rc)
			break;
	}
	array->entry_num = done;
	return rc;
}

static void free_nested(struct iommu_domain *domain)
{
	kfree(domain);
}

static const struct iommu_domain_ops nested_ops = {
	.attach_dev = attach_dev,
	.cache_invalidate_user = invalidate,
	.free = free_nested,
};

static struct iommu_domain *alloc_nested(const struct iommu_user_data *data)
{
	struct bench_iommu_nested wanted;
	struct iommu_domain *domain;
	int rc;

	rc = iommu_copy_struct_from_user(&wanted, data, BENCH_IOMMU_DATA, base);
	if (rc)
		return ERR_PTR(rc);
	domain = kzalloc(sizeof(*domain), GFP_KERNEL);
	if (!domain)
		return ERR_PTR(-ENOMEM);
	domain->type = IOMMU_DOMAIN_NESTED;
	domain->ops = &nested_ops;
	return domain;
}

static const struct iommu_domain_ops table_ops = {
	.attach_dev = attach_dev,
	.map_pages = bench_table_map,
	.unmap_pages = bench_table_unmap,
	.iova_to_phys = bench_table_iova_to_phys,
	.free = bench_table_free,
};

static struct iommu_domain *alloc_paging(struct device *dev)
{
	return bench_table_alloc(unit_from(dev)->huge, &table_ops);
}

static struct iommu_domain *alloc_user(struct device *dev, u32 flags,
				       struct iommu_domain *parent,
				       const struct iommu_user_data *data)
{
	struct iommu_domain *domain;

	if (parent)
		return data && !(flags & ~IOMMU_HWPT_FAULT_ID_VALID) ?
			       alloc_nested(data) : ERR_PTR(-EOPNOTSUPP);
	if (data || flags & ~PAGING_FLAGS)
		return ERR_PTR(-EOPNOTSUPP);
	domain = alloc_paging(dev);
	if (!IS_ERR(domain) && flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING)
		domain->dirty_ops = &bench_dirty_ops;
	return domain;
}

static const struct iommu_domain_ops static_ops = {
	.attach_dev = attach_dev,
};

static struct iommu_domain identity = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &static_ops,
};

static struct iommu_domain blocked = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &static_ops,
};

static bool bench_capable(struct device *dev, enum iommu_cap cap)
{
	return cap == IOMMU_CAP_CACHE_COHERENCY ||
	       cap == IOMMU_CAP_DIRTY_TRACKING;
}

static int enable(struct device *dev, enum iommu_dev_features feature)
{
	if (feature != IOMMU_DEV_FEAT_IOPF)
		return -ENODEV;
	return iopf_queue_add_device(bench_requests, dev);
}

static int disable(struct device *dev, enum iommu_dev_features feature)
{
	if (feature != IOMMU_DEV_FEAT_IOPF)
		return -ENODEV;
	iopf_queue_remove_device(bench_requests, dev);
	return 0;
}

static void page_response(struct device *dev, struct iopf_fault *fault,
			  struct iommu_page_response *response)
{
	if (response->code == IOMMU_PAGE_RESP_SUCCESS)
		unit_from(dev)->answers++;
}

static struct iommu_device *probe(struct device *dev)
{
	return &bench_iommu.iommu;
}

static int default_type(struct device *dev)
{
	return IOMMU_DOMAIN_IDENTITY;
}

static const struct iommu_ops bench_ops = {
	.capable = bench_capable,
	.dev_enable_feat = enable,
	.dev_disable_feat = disable,
	.page_response = page_response,
	.domain_alloc_user = alloc_user,
	.domain_alloc_paging = alloc_paging,
	.probe_device = probe,
	.device_group = generic_device_group,
	.def_domain_type = default_type,
	.identity_domain = &identity,
	.blocked_domain = &blocked,
	.pgsize_bitmap = SZ_4K | SZ_2M,
	.owner = THIS_MODULE,
	.default_domain_ops = &table_ops,
};

/* The file, with the lock held. */

static int bind(struct bench_unit *unit, int iommufd, u32 *id)
{
	struct iommufd_ctx *ictx = iommufd_ctx_from_fd(iommufd);
	struct iommufd_device *idev;

	if (IS_ERR(ictx))
		return PTR_ERR(ictx);
	idev = iommufd_device_bind(ictx, &unit->pdev->dev, id);
	iommufd_ctx_put(ictx);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	unit->idev = idev;
	return 0;
}

static void take_apart(struct bench_unit *unit)
{
	if (unit->attached)
		iommufd_device_detach(unit->idev);
	if (unit->idev)
		iommufd_device_unbind(unit->idev);
	if (unit->pdev)
		software_iommu_unplug(unit->pdev);
	unit->attached = false;
	unit->idev = NULL;
	unit->pdev = NULL;
}

static int plug(struct bench_unit *unit, void __user *arg)
{
	struct bench_iommu_plug plug;
	int rc;

	if (unit->pdev)
		return -EBUSY;
	if (copy_from_user(&plug, arg, sizeof(plug)))
		return -EFAULT;
	unit->huge = plug.huge;
	unit->pdev = software_iommu_plug(&bench_iommu, "iommufd-bench", unit,
					 NULL);
	if (IS_ERR(unit->pdev)) {
		rc = PTR_ERR(unit->pdev);
		unit->pdev = NULL;
		return rc;
	}
	dev_set_msi_domain(&unit->pdev->dev, &no_interrupts);
	rc = bind(unit, plug.iommufd, &plug.out_dev_id);
	if (!rc && copy_to_user(arg, &plug, sizeof(plug)))
		rc = -EFAULT;
	if (rc)
		take_apart(unit);
	return rc;
}

static int attach(struct bench_unit *unit, u32 __user *arg)
{
	u32 pt_id;
	int rc;

	if (get_user(pt_id, arg))
		return -EFAULT;
	if (unit->attached)
		return iommufd_device_replace(unit->idev, &pt_id);
	rc = iommufd_device_attach(unit->idev, &pt_id);
	unit->attached = !rc;
	return rc;
}

static int write(struct bench_unit *unit, u32 __user *arg)
{
	u32 every;

	if (get_user(every, arg))
		return -EFAULT;
	if (!every || unit->present->ops != &table_ops)
		return -EINVAL;
	bench_table_write(unit->present, every);
	return 0;
}

static int request(struct bench_unit *unit)
{
	struct iopf_fault fault = {
		.fault.type = IOMMU_FAULT_PAGE_REQ,
		.fault.prm = {
			.flags = IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE,
			.grpid = unit->requests++,
			.perm = IOMMU_FAULT_PERM_READ,
			.addr = BENCH_IOMMU_IOVA,
		},
	};

	return iommu_report_device_fault(&unit->pdev->dev, &fault);
}

static long bench_iommu_ioctl(struct file *file, unsigned int cmd,
			      unsigned long arg)
{
	struct bench_unit *unit = file->private_data;
	void __user *argument = (void __user *)arg;

	guard(mutex)(&unit->lock);
	if (cmd == BENCH_IOMMU_PLUG)
		return plug(unit, argument);
	if (!unit->idev)
		return -ENXIO;
	switch (cmd) {
	case BENCH_IOMMU_ATTACH:
		return attach(unit, argument);
	case BENCH_IOMMU_WRITE:
		return write(unit, argument);
	case BENCH_IOMMU_REQUEST:
		return request(unit);
	case BENCH_IOMMU_ANSWERS:
		return put_user(unit->answers, (u32 __user *)argument);
	default:
		return -ENOTTY;
	}
}

static int bench_iommu_open(struct inode *inode, struct file *file)
{
	struct bench_unit *unit = kzalloc(sizeof(*unit), GFP_KERNEL);

	if (!unit)
		return -ENOMEM;
	mutex_init(&unit->lock);
	file->private_data = unit;
	return 0;
}

static int bench_iommu_release(struct inode *inode, struct file *file)
{
	struct bench_unit *unit = file->private_data;

	take_apart(unit);
	kfree(unit);
	return 0;
}

static const struct file_operations bench_iommu_fops = {
	.owner = THIS_MODULE,
	.open = bench_iommu_open,
	.release = bench_iommu_release,
	.unlocked_ioctl = bench_iommu_ioctl,
};

static struct miscdevice bench_iommu_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = BENCH_IOMMU_NAME,
	.fops = &bench_iommu_fops,
};

static int __init bench_iommu_init(void)
{
	int rc;

	bench_requests = iopf_queue_alloc(BENCH_IOMMU_NAME);
	if (!bench_requests)
		return -ENOMEM;
	rc = software_iommu_register(&bench_iommu, BENCH_IOMMU_NAME,
				     &bench_ops);
	if (rc)
		goto err_requests;
	rc = misc_register(&bench_iommu_device);
	if (rc)
		goto err_iommu;
	return 0;

err_iommu:
	software_iommu_unregister(&bench_iommu);
err_requests:
	iopf_queue_free(bench_requests);
	return rc;
}

static void __exit bench_iommu_exit(void)
{
	misc_deregister(&bench_iommu_device);
	software_iommu_unregister(&bench_iommu);
	iopf_queue_free(bench_requests);
}

module_init(bench_iommu_init);
module_exit(bench_iommu_exit);

MODULE_DESCRIPTION("An IOMMU to measure what iommufd adds to it");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(IOMMUFD);
