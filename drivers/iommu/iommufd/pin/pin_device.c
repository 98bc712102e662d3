// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * Memory of a device that a process has mapped: a BAR, by way of VFIO.
 *
 * It has no struct page that counts, so nothing keeps it from going away. Its
 * PFNs are read out of the page table of the process, and are right until mm
 * notifies of a change there. Whoever reads them listens to that.
 */
#include "pin_device.h"

#include <linux/cc_platform.h>
#include <linux/cleanup.h>
#include <linux/errno.h>
#include <linux/file.h>
#include <linux/maple_tree.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/pgtable.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/vfio.h>

#include "account.h"
#include "lib/test_hooks.h"
#include "lib/trace.h"
#include "pin.h"

/* Entries that are read before whoever changes the mappings has a turn. */
#define READ_STEP 512

/* A page that is taken away again so often after a fault counts as away. */
#define FAULT_TRIES 8

/* Not linked: VFIO may be a module, and need not be loaded. */
static bool file_is_vfio(struct file *file)
{
	bool (*is_valid)(struct file *file) = symbol_get(vfio_file_is_valid);
	bool valid;

	if (!is_valid)
		return false;
	valid = is_valid(file);
	symbol_put(vfio_file_is_valid);
	return valid;
}

/*
 * Others map PFNs as well. VFIO takes them out of page tables of processes
 * before the memory goes, and a file of it keeps the device from going. Drivers
 * of VFIO that do not, map all at once: platform, fsl-mc, cdx, and memory that
 * is cached of nvgrace-gpu. Those have no faults.
 */
static bool vma_is_device(const struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_PFNMAP) || !vma->vm_file ||
	    !vma->vm_ops || !vma->vm_ops->fault)
		return false;
	return file_is_vfio(vma->vm_file) ||
	       iommufd_is_test_device(vma->vm_file);
}

/*
 * A private mapping that may be written would come to show copies. Where memory
 * is encrypted, the AMD IOMMU sets a bit in each IOPTE that memory of devices
 * does not have; this kernel may be that of the host or of a guest.
 */
static int vma_check(const struct vm_area_struct *vma, bool writable)
{
	vm_flags_t needed = writable ? VM_READ | VM_WRITE : VM_READ;

	if (is_cow_mapping(vma->vm_flags) ||
	    (vma->vm_flags & needed) != needed ||
	    cc_platform_has(CC_ATTR_MEM_ENCRYPT))
		return -EFAULT;
	return 0;
}

/* Whoever looks for memory that was taken away is refused often, and alone. */
static int vma_check_map(const struct vm_area_struct *vma, bool writable,
			 const struct pin_piece *piece)
{
	int rc = vma_check(vma, writable);

	if (!rc)
		return 0;
	return iommufd_refuse(rc, cc_platform_has(CC_ATTR_MEM_ENCRYPT) ?
				  IOMMUFD_REFUSE_BAR_ENCRYPTED :
				  IOMMUFD_REFUSE_BAR_RIGHTS,
			      piece->start, piece->end);
}

/* Where the next memory of a device begins, @end if there is none before. */
static unsigned long next_device(struct mm_struct *mm,
				 struct vm_area_struct *vma, unsigned long end)
{
	while (vma && vma->vm_start < end) {
		if (vma_is_device(vma))
			return vma->vm_start;
		vma = find_vma(mm, vma->vm_end);
		cond_resched();
	}
	return end;
}

/* What is read here mm writes plainly, under locks that are spared. */
static bool vma_covers_ordinary(const struct vm_area_struct *vma,
				unsigned long end)
{
	/* The old value or the new one: pinning finds out what is wrong. */
	unsigned long vma_end = data_race(READ_ONCE(vma->vm_end));
	/* The same goes for these. */
	vm_flags_t flags = data_race(READ_ONCE(vma->vm_flags));

	return end <= vma_end && !(flags & VM_PFNMAP);
}

/*
 * Mostly it is memory of one VMA, and ordinary. That can be seen without the mmap
 * lock, which others may hold for long. If a VMA changes just now, pinning finds
 * out. VMAs are freed behind a grace period where they have locks of their own.
 */
static bool range_is_ordinary(struct mm_struct *mm, unsigned long start,
			      unsigned long end)
{
	const struct vm_area_struct *vma;

	if (!IS_ENABLED(CONFIG_PER_VMA_LOCK))
		return false;
	guard(rcu)();
	vma = mtree_load(&mm->mm_mt, start);
	return vma && vma_covers_ordinary(vma, end);
}

/**
 * pin_device_find() - Find the kind of memory at an address, and its end
 * @end: first address behind what is to be mapped
 * @writable: devices are going to write
 * @piece: @start is set, below @end; receives the rest
 *
 * Context: process context of the owner of the memory, may take its mmap lock.
 * Return: 0; -EFAULT if it is memory of a device that cannot be mapped so: it is
 * a private copy, its VMA does not allow the access, or the memory of this host
 * is encrypted; -EINTR on a fatal signal.
 */
int pin_device_find(unsigned long end, bool writable, struct pin_piece *piece)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	int rc = 0;

	if (range_is_ordinary(mm, piece->start, end)) {
		piece->end = end;
		piece->device = NULL;
		return 0;
	}
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = find_vma(mm, piece->start);
	piece->device = NULL;
	if (vma && vma->vm_start <= piece->start && vma_is_device(vma)) {
		piece->device = vma->vm_file->f_mapping;
		piece->end = min(end, vma->vm_end);
		rc = vma_check_map(vma, writable, piece);
	} else {
		piece->end = next_device(mm, vma, end);
	}
	mmap_read_unlock(mm);
	return rc;
}

/**
 * struct device_read - Reads the PFNs of a piece
 * @notifier: tells whether what was read is outdated
 * @seq: of the read of @notifier
 * @mm: the address space
 * @vma: that @address is in; NULL if it has to be looked up
 * @address: of the next page
 * @end: exclusive
 * @pfn: of the next page
 * @begun: @pfn is known, since pages have been read
 * @writable: devices are going to write
 */
struct device_read {
	struct mmu_interval_notifier *notifier;
	unsigned long seq;
	struct mm_struct *mm;
	struct vm_area_struct *vma;
	unsigned long address;
	unsigned long end;
	unsigned long pfn;
	bool begun;
	bool writable;
};

/* Since the notifier is there, a hole means that the memory is gone. */
static int read_find_vma(struct device_read *read)
{
	if (read->vma && read->address < read->vma->vm_end)
		return 0;
	read->vma = vma_lookup(read->mm, read->address);
	if (!read->vma || !vma_is_device(read->vma))
		return -EFAULT;
	return vma_check(read->vma, read->writable);
}

/*
 * An entry that is no PTE is one of a PMD at least, and shows all up to where that
 * ends. BARs are large, and page by page would take longer than to pin memory.
 */
static unsigned long entry_npages(const struct follow_pfnmap_args *args,
				  unsigned long end)
{
	if (args->ptep)
		return 1;
	return (pmd_addr_end(args->address, end) - args->address) / PAGE_SIZE;
}

/* -EAGAIN without an entry in the page table. */
static int read_entry(struct device_read *read)
{
	struct follow_pfnmap_args args = {
		.vma = read->vma,
		.address = read->address,
	};
	unsigned long npages;
	bool usable;

	if (follow_pfnmap_start(&args))
		return -EAGAIN;
	usable = args.writable || !read->writable;
	npages = entry_npages(&args, read->end);
	if (!read->begun)
		read->pfn = args.pfn;
	follow_pfnmap_end(&args);
	if (!usable)
		return -EAGAIN;
	/* All that VFIO lets map at once is contiguous, as BARs are. */
	if (args.pfn != read->pfn)
		return -EFAULT;
	read->begun = true;
	read->pfn += npages;
	read->address += npages * PAGE_SIZE;
	return 0;
}

/*
 * A fault may wait for a reset. By then all that was read is outdated, and one
 * wait for each page would be without end.
 */
static int read_fault(struct device_read *read)
{
	unsigned int flags = read->writable ? FAULT_FLAG_WRITE : 0;
	bool unlocked = false;
	int rc;

	if (read->mm != current->mm)
		flags |= FAULT_FLAG_REMOTE;
	rc = fixup_user_fault(read->mm, read->address, flags, &unlocked);
	if (unlocked)
		read->vma = NULL;
	if (!rc && mmu_interval_check_retry(read->notifier, read->seq))
		rc = -EAGAIN;
	return rc;
}

static int read_page(struct device_read *read)
{
	unsigned int tries;
	int rc;

	for (tries = 0; tries < FAULT_TRIES; tries++) {
		rc = read_find_vma(read) ?: read_entry(read);
		if (rc != -EAGAIN)
			return rc;
		rc = read_fault(read);
		if (rc)
			return rc;
	}
	return -EFAULT;
}

static int read_step(struct device_read *read)
{
	unsigned int i;
	int rc = 0;

	if (mmap_read_lock_killable(read->mm))
		return -EINTR;
	read->vma = NULL;
	for (i = 0; !rc && i < READ_STEP && read->address < read->end; i++)
		rc = read_page(read);
	mmap_read_unlock(read->mm);
	if (!rc && fatal_signal_pending(current))
		rc = -EINTR;
	return rc;
}

/**
 * pin_device_read() - Find out which PFNs a process has mapped
 * @origin: memory of a device
 * @npages: all of it, not 0
 * @notifier: for all of it; the caller has begun a read
 * @seq: of that read
 * @pfn: receives the first one, which the others follow
 *
 * Faults pages in. They may be gone as soon as this returns, so the caller asks
 * @notifier for changes.
 *
 * Context: may sleep, takes the mmap lock of the process. A fault waits for the
 * end of a reset of the device. Nothing is read after one that began meanwhile.
 * Return: 0; -EAGAIN if @notifier has told of a change; -EFAULT if the memory is
 * not there, not contiguous, not to be accessed so, or something else, or the
 * process is gone; -ENOMEM; -EINTR on a fatal signal.
 */
int pin_device_read(const struct pin_origin *origin, unsigned long npages,
		    struct mmu_interval_notifier *notifier,
		    unsigned long seq, unsigned long *pfn)
{
	struct device_read read = {
		.notifier = notifier,
		.seq = seq,
		.mm = origin->owner->mm,
		.address = origin->start,
		.end = origin->start + npages * PAGE_SIZE,
		.writable = origin->writable,
	};
	int rc;

	if (iommufd_should_fail())
		return -ENOMEM;
	if (!mmget_not_zero(read.mm))
		return -EFAULT;
	do {
		cond_resched();
		rc = read_step(&read);
	} while (!rc && read.address < read.end);
	/* Not here: the last reference may close files and end at our own. */
	mmput_async(read.mm);
	*pfn = read.pfn - npages;
	return rc;
}

/* Reading a register may have effects, and not each width is allowed. */
static int pin_device_copy_pages(const struct pin_origin *origin,
				 struct pin_copy *copy, unsigned long last)
{
	unsigned long address = origin->start + copy->byte;

	return iommufd_refuse(-EFAULT, IOMMUFD_REFUSE_BAR_DRIVER, address,
			      address + copy->length);
}

static const struct pin_origin_ops pin_device_ops = {
	.copy_pages = pin_device_copy_pages,
	.pinned = false,
};

/**
 * pin_device_origin() - Describe memory of a device
 * @origin: to be set up
 * @owner: the process that has it mapped; the reference becomes that of @origin
 * @address: user virtual address, a multiple of PAGE_SIZE
 * @writable: devices are going to write
 *
 * It is not read page by page, but by pin_device_read(). Copying returns -EFAULT.
 *
 * Context: any.
 */
void pin_device_origin(struct pin_origin *origin, struct pin_owner *owner,
		       unsigned long address, bool writable)
{
	*origin = (struct pin_origin){
		.ops = &pin_device_ops,
		.owner = owner,
		.start = address,
		.writable = writable,
	};
}
