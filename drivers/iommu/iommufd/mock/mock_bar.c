// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * BARs without a device. A file descriptor stands for one, may be mapped, and
 * behaves as that of a device of vfio-pci. Its pages are PFNs to mm. They are
 * faulted in one by one, or as huge pages where possible, and taken out of all
 * processes while memory decode is off, and before a reset.
 */
#include "mock_bar.h"

#include <linux/anon_inodes.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/pagemap.h>
#include <linux/pfn_t.h>
#include <linux/rwsem.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "device/hw_pagetable.h"
#include "iommufd_test.h"
#include "lib/test_hooks.h"
#include "mock_domain.h"
#include "object/ioctl.h"

/* Of a BAR, bytes: it is contiguous, and has to be found in memory. */
#define MAX_LENGTH SZ_4M

/* Of a reset, ms. */
#define MAX_RESET_MS 10000

/**
 * struct mock_bar - What the file of a BAR stands for
 * @memory_lock: held for read to let a process have a page; for write to change
 *               @enabled, and during a reset
 * @enabled: memory decode is on
 * @memory: what is behind it; constant
 * @length: of @memory, bytes; constant
 */
struct mock_bar {
	struct rw_semaphore memory_lock;
	bool enabled;
	void *memory;
	size_t length;
};

static unsigned long bar_pfn(const struct mock_bar *bar)
{
	return PHYS_PFN(virt_to_phys(bar->memory));
}

static vm_fault_t mock_bar_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct mock_bar *bar = vma->vm_private_data;
	vm_fault_t ret = VM_FAULT_SIGBUS;

	if (is_cow_mapping(vma->vm_flags))
		return ret;
	down_read(&bar->memory_lock);
	if (bar->enabled)
		ret = vmf_insert_pfn(vma, vmf->address,
				     bar_pfn(bar) + vmf->pgoff);
	up_read(&bar->memory_lock);
	return ret;
}

#ifdef CONFIG_ARCH_SUPPORTS_PMD_PFNMAP
/* Only for a VMA that was advised to have huge pages, with many settings. */
static vm_fault_t mock_bar_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	unsigned long address = ALIGN_DOWN(vmf->address, PMD_SIZE);
	struct vm_area_struct *vma = vmf->vma;
	struct mock_bar *bar = vma->vm_private_data;
	vm_fault_t ret = VM_FAULT_SIGBUS;
	unsigned long pfn;

	if (order != PMD_ORDER || is_cow_mapping(vma->vm_flags) ||
	    address < vma->vm_start || vma->vm_end - address < PMD_SIZE)
		return VM_FAULT_FALLBACK;
	pfn = bar_pfn(bar) + linear_page_index(vma, address);
	if (!IS_ALIGNED(pfn, PMD_SIZE / PAGE_SIZE))
		return VM_FAULT_FALLBACK;
	down_read(&bar->memory_lock);
	if (bar->enabled)
		ret = vmf_insert_pfn_pmd(vmf, __pfn_to_pfn_t(pfn, PFN_DEV),
					 false);
	up_read(&bar->memory_lock);
	return ret;
}
#endif

static const struct vm_operations_struct mock_bar_vm_ops = {
	.fault = mock_bar_fault,
#ifdef CONFIG_ARCH_SUPPORTS_PMD_PFNMAP
	.huge_fault = mock_bar_huge_fault,
#endif
};

static int mock_bar_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct mock_bar *bar = file->private_data;
	unsigned long end;

	if (check_add_overflow(vma->vm_pgoff, vma_pages(vma), &end) ||
	    end > bar->length / PAGE_SIZE)
		return -EINVAL;
	vma->vm_private_data = bar;
	vma->vm_ops = &mock_bar_vm_ops;
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	return 0;
}

static void bar_free(struct mock_bar *bar)
{
	free_pages_exact(bar->memory, bar->length);
	kfree(bar);
}

/* No process has it mapped any more, so no device may have it either. */
static int mock_bar_release(struct inode *inode, struct file *file)
{
	bar_free(file->private_data);
	return 0;
}

static const struct file_operations mock_bar_fops = {
	.owner = THIS_MODULE,
	.mmap = mock_bar_mmap,
	.release = mock_bar_release,
};

static struct mock_bar *bar_new(size_t length)
{
	struct mock_bar *bar = kzalloc(sizeof(*bar), GFP_KERNEL_ACCOUNT);

	if (!bar)
		return NULL;
	init_rwsem(&bar->memory_lock);
	bar->enabled = true;
	bar->length = length;
	bar->memory = alloc_pages_exact(length, GFP_KERNEL_ACCOUNT |
						__GFP_ZERO | __GFP_NOWARN);
	if (!bar->memory) {
		kfree(bar);
		return NULL;
	}
	return bar;
}

/**
 * mock_bar_file() - Make a BAR
 * @length: bytes, whole pages
 *
 * Not as objects have their files: all of those share an inode, and taking one
 * BAR out of processes would take the others as well.
 *
 * Context: may sleep.
 * Return: its file, which may be mapped; ERR_PTR(-ENOMEM); or an error of
 * anon_inode_create_getfile().
 */
struct file *mock_bar_file(size_t length)
{
	struct mock_bar *bar = bar_new(length);
	struct file *file;

	if (!bar)
		return ERR_PTR(-ENOMEM);
	file = anon_inode_create_getfile("[iommufd-mock-bar]", &mock_bar_fops,
					 bar, O_RDWR, NULL);
	if (IS_ERR(file))
		bar_free(bar);
	return file;
}

/**
 * mock_bar_create() - CREATE_BAR: make a BAR
 * @call: the ioctl
 * @cmd: input and output in create_bar
 *
 * Context: process context of the user, sleeps.
 * Return: 0; -EINVAL if the length is 0, too large, or not whole pages; -EFAULT if
 * the reply cannot be written; -EMFILE or -ENFILE without a free file; -ENOMEM.
 */
int mock_bar_create(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	u64 length = cmd->create_bar.length;
	struct file *file;
	int fd, rc;

	if (!length || length > MAX_LENGTH || offset_in_page(length))
		return -EINVAL;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = mock_bar_file(length);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	cmd->create_bar.out_fd = fd;
	rc = iommufd_call_reply(call, cmd, sizeof(*cmd));
	if (rc) {
		put_unused_fd(fd);
		fput(file);
		return rc;
	}
	fd_install(fd, file);
	return 0;
}

static struct mock_bar *bar_of(struct fd f)
{
	if (!fd_file(f))
		return ERR_PTR(-EBADF);
	if (fd_file(f)->f_op != &mock_bar_fops)
		return ERR_PTR(-EINVAL);
	return fd_file(f)->private_data;
}

/**
 * mock_bar_act() - Turn memory decode on or off, or reset the device
 * @file: of mock_bar_file()
 * @action: MOCK_BAR_*
 * @reset_ms: how long a reset takes, during which faults wait; it leaves memory
 *            decode as it was
 *
 * Context: may sleep.
 */
void mock_bar_act(struct file *file, u32 action, u32 reset_ms)
{
	struct mock_bar *bar = file->private_data;

	down_write(&bar->memory_lock);
	if (action != MOCK_BAR_ON)
		unmap_mapping_range(file->f_mapping, 0, 0, true);
	if (action == MOCK_BAR_RESET)
		msleep(reset_ms);
	else
		bar->enabled = action == MOCK_BAR_ON;
	up_write(&bar->memory_lock);
}

/**
 * mock_bar_set() - SET_BAR: turn memory decode on or off, or reset the device
 * @call: the ioctl
 * @cmd: file descriptor of a BAR; input in set_bar
 *
 * Context: process context of the user, sleeps.
 * Return: 0; -EBADF or -EINVAL if it is not the file of a BAR; -EOPNOTSUPP for
 * another action; -EINVAL for a reset that takes too long.
 */
int mock_bar_set(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	CLASS(fd, f)(cmd->id);
	struct mock_bar *bar = bar_of(f);

	if (IS_ERR(bar))
		return PTR_ERR(bar);
	if (cmd->set_bar.action > MOCK_BAR_RESET)
		return -EOPNOTSUPP;
	if (cmd->set_bar.reset_ms > MAX_RESET_MS)
		return -EINVAL;
	mock_bar_act(fd_file(f), cmd->set_bar.action, cmd->set_bar.reset_ms);
	return 0;
}

/* Where an IOPTE should lead to, if there is one. */
static int check_bar_iopte(struct iommu_domain *domain,
			   const struct mock_bar *bar,
			   const struct iommu_test_cmd *cmd, u64 offset)
{
	phys_addr_t phys = iommu_iova_to_phys(domain,
					      cmd->check_bar.iova + offset);

	if (!phys)
		return -ENOENT;
	return phys == virt_to_phys(bar->memory) + cmd->check_bar.offset +
			       offset ? 0 : -EIO;
}

/* All of them have to say the same. */
static int check_bar_ioptes(struct iommu_domain *domain,
			    const struct mock_bar *bar,
			    const struct iommu_test_cmd *cmd)
{
	int first = check_bar_iopte(domain, bar, cmd, 0);
	u64 offset;

	for (offset = MOCK_IOPTE_SIZE; offset < cmd->check_bar.length;
	     offset += MOCK_IOPTE_SIZE) {
		if (check_bar_iopte(domain, bar, cmd, offset) != first)
			return -EIO;
		cond_resched();
	}
	return first;
}

static bool check_bar_range_valid(const struct mock_bar *bar,
				  const struct iommu_test_cmd *cmd)
{
	u64 end, last;

	return cmd->check_bar.length &&
	       !check_add_overflow(cmd->check_bar.offset, cmd->check_bar.length,
				   &end) &&
	       end <= bar->length &&
	       !check_add_overflow(cmd->check_bar.iova,
				   cmd->check_bar.length - 1, &last) &&
	       last <= ULONG_MAX &&
	       !((cmd->check_bar.iova | cmd->check_bar.length) %
		 MOCK_IOPTE_SIZE);
}

/**
 * mock_bar_check() - MD_CHECK_BAR: compare a page table with a BAR
 * @call: the ioctl
 * @cmd: id of a page table; input in check_bar
 *
 * Unless something withdraws or fills the range meanwhile, its IOPTEs are all
 * there or all not.
 *
 * Context: process context of the user, sleeps.
 * Return: 0 if every IOPTE of the range leads to the BAR; -ENOENT if there is
 * none; -EIO if there is something else; -EBADF or -EINVAL if it is not the file of
 * a BAR; -EINVAL for a range that is not one of whole IOPTEs and of the BAR, or
 * a page table that is not one of the mock IOMMU; -ENOENT if there is no such
 * page table.
 */
int mock_bar_check(struct iommufd_call *call, struct iommu_test_cmd *cmd)
{
	CLASS(fd, f)(cmd->check_bar.fd);
	struct mock_bar *bar = bar_of(f);
	struct iommufd_object *object;
	struct iommu_domain *domain;
	int rc = -EINVAL;

	if (IS_ERR(bar))
		return PTR_ERR(bar);
	if (!check_bar_range_valid(bar, cmd))
		return -EINVAL;
	object = iommufd_object_get(call->ictx, cmd->id,
				    IOMMUFD_OBJ_HWPT_PAGING);
	if (IS_ERR(object))
		return PTR_ERR(object);
	domain = iommufd_hwpt_from(object)->domain;
	if (mock_domain_is(domain))
		rc = check_bar_ioptes(domain, bar, cmd);
	iommufd_object_put(object);
	return rc;
}

/**
 * mock_bar_init() - Let BARs without a device count as those of VFIO
 *
 * Context: process context.
 */
void mock_bar_init(void)
{
	iommufd_set_test_device(&mock_bar_fops);
}

/**
 * mock_bar_exit() - Undo mock_bar_init()
 *
 * Context: process context; no file is open.
 */
void mock_bar_exit(void)
{
	iommufd_set_test_device(NULL);
}
