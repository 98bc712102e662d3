/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The ioctls of /dev/iommu.
 *
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef _UAPI_IOMMUFD_H
#define _UAPI_IOMMUFD_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define IOMMUFD_TYPE (';')

/**
 * DOC: Calling convention
 *
 * Opening /dev/iommu gives a file descriptor that owns objects: IO address
 * spaces (IOAS), page tables of an IOMMU (HWPT), devices. Every object has a
 * number, its ID, that is valid with this file descriptor only. 0 is never the
 * ID of an object. Closing the last reference to the file destroys them all.
 *
 * The argument of each ioctl is a pointer to one structure, and the first
 * member of that structure is its size in bytes as the caller was compiled. By
 * that, old programs run on new kernels and new programs on old kernels:
 *
 *  - a structure shorter than the one this kernel knows is taken as if the
 *    missing members were 0; it has to have all members of the first version
 *    of that ioctl;
 *  - a structure longer than the one this kernel knows is accepted if all
 *    bytes the kernel does not know are 0.
 *
 * In the descriptions of members below, *in* is set by the caller, *out* by the
 * kernel, and *in/out* is set by the caller and replaced by the kernel. Members
 * named __reserved are *in* and have to be 0. A range of IOVA is written as its
 * first and its last byte: *last* belongs to the range.
 *
 * An ioctl returns 0, or -1 with errno set. When it fails it has changed
 * nothing, neither objects nor mappings nor the caller's memory, unless its
 * description says otherwise.
 */

/**
 * DOC: Error numbers
 *
 * These mean the same with every ioctl, and any ioctl may return them. Each
 * ioctl lists below what else it returns, and the less obvious causes of these.
 *
 *  - ENOTTY: this kernel has no ioctl of that number; or the file was opened as
 *    /dev/vfio/vfio and neither a group is set nor a device bound.
 *  - EINVAL: the size of the structure is below that of the first version, or
 *    a value makes no sense, alone or together with others.
 *  - E2BIG: a byte beyond the part of the structure that is known here is not
 *    0, so the caller wants something that came later than this kernel; or the
 *    size is more than that of a page.
 *  - EOPNOTSUPP: a flag, an operation or an option is not known or not served
 *    here, or a reserved member is not 0.
 *  - EFAULT: the structure cannot be read or written, or the memory that one
 *    of its members points to cannot be read, written or used as asked.
 *  - ENOENT: no object has that ID, it is an object of another type, or
 *    nothing is mapped at that IOVA.
 *  - EOVERFLOW: start plus length passes the end of the address space, or the
 *    number does not fit a kernel with 32-bit addresses.
 *  - ENOMEM: no memory, or a limit on memory was reached.
 *  - EINTR: a fatal signal arrived. Only programs being killed meet this.
 */

enum {
	IOMMUFD_CMD_BASE = 0x80,
	IOMMUFD_CMD_DESTROY = IOMMUFD_CMD_BASE,
	IOMMUFD_CMD_IOAS_ALLOC = 0x81,
	IOMMUFD_CMD_IOAS_ALLOW_IOVAS = 0x82,
	IOMMUFD_CMD_IOAS_COPY = 0x83,
	IOMMUFD_CMD_IOAS_IOVA_RANGES = 0x84,
	IOMMUFD_CMD_IOAS_MAP = 0x85,
	IOMMUFD_CMD_IOAS_UNMAP = 0x86,
	IOMMUFD_CMD_OPTION = 0x87,
	IOMMUFD_CMD_VFIO_IOAS = 0x88,
	IOMMUFD_CMD_HWPT_ALLOC = 0x89,
	IOMMUFD_CMD_GET_HW_INFO = 0x8a,
	IOMMUFD_CMD_HWPT_SET_DIRTY_TRACKING = 0x8b,
	IOMMUFD_CMD_HWPT_GET_DIRTY_BITMAP = 0x8c,
	IOMMUFD_CMD_HWPT_INVALIDATE = 0x8d,
	IOMMUFD_CMD_FAULT_QUEUE_ALLOC = 0x8e,
	IOMMUFD_CMD_IOAS_MAP_FILE = 0x8f,
	IOMMUFD_CMD_IOAS_CHANGE_PROCESS = 0x92,
};

/* Any object */

/**
 * struct iommu_destroy - ioctl(IOMMU_DESTROY): remove an object
 * @size: in: bytes in this structure
 * @id: in: the object to remove
 *
 * The ID is free for a new object as soon as the ioctl has returned 0. Removing
 * an IOAS unmaps all that is mapped in it.
 *
 * Devices are no exception to the rule, but they are in use for as long as the
 * driver that bound them has them; so are page tables with a device attached.
 * Another thread that is inside an ioctl on the object is waited for.
 *
 * Errors:
 *
 *  - ENOENT: there is no such object. Of two threads that destroy the same ID,
 *    one gets this.
 *  - EBUSY: another object depends on this one, a driver holds it, or a thread
 *    stays inside an ioctl on it for longer than the kernel is willing to wait.
 */
struct iommu_destroy {
	__u32 size;
	__u32 id;
};

#define IOMMU_DESTROY _IO(IOMMUFD_TYPE, IOMMUFD_CMD_DESTROY)

/* IO address spaces and what is mapped in them */

/**
 * struct iommu_ioas_alloc - ioctl(IOMMU_IOAS_ALLOC): make an IO address space
 * @size: in: bytes in this structure
 * @flags: in: 0, none are defined
 * @out_ioas_id: out: ID of the new IOAS
 *
 * An IOAS says which memory a device finds at which IOVA. It starts empty and
 * with every IOVA usable.
 *
 * Errors:
 *
 *  - EFAULT: @out_ioas_id cannot be written; no IOAS is left behind.
 *  - ENOMEM: as for all, or all IDs are taken.
 */
struct iommu_ioas_alloc {
	__u32 size;
	__u32 flags;
	__u32 out_ioas_id;
};

#define IOMMU_IOAS_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_ALLOC)

/**
 * struct iommu_iova_range - a range of IOVA, used in arrays
 * @start: first byte
 * @last: last byte, not the one after it
 */
struct iommu_iova_range {
	__aligned_u64 start;
	__aligned_u64 last;
};

/**
 * struct iommu_ioas_iova_ranges - ioctl(IOMMU_IOAS_IOVA_RANGES): which IOVA can
 *	be mapped
 * @size: in: bytes in this structure
 * @ioas_id: in: the IOAS to ask
 * @num_iovas: in/out: room in the array, then the number of ranges there are
 * @__reserved: 0
 * @allowed_iovas: in: user address of an array of struct iommu_iova_range
 * @out_iova_alignment: out: what a mapping has to be aligned to, in bytes
 *
 * The array receives the usable ranges in ascending order, none of them
 * touching the next. They are all of the address space less what attached
 * devices cannot reach or keep for themselves, such as the window through which
 * they signal interrupts. IOVA that are mapped count as usable. An attach can
 * take ranges away and a detach can give them back, hence ask again after each.
 *
 * @out_iova_alignment is a power of two, at least 1 and at most the size of a
 * page. The IOVA and the length of a mapping have to be multiples of it, and so
 * has the address of the memory. It changes with attach and detach as well.
 *
 * A caller that does not know how many there are passes 0 for @num_iovas, gets
 * EMSGSIZE, and repeats the call with an array of the number that came back.
 *
 * Errors:
 *
 *  - EMSGSIZE: there are more ranges than fit. @num_iovas and
 *    @out_iova_alignment are set, and the array holds the first ones.
 *  - EFAULT: the array cannot be written. Some of it may have been.
 */
struct iommu_ioas_iova_ranges {
	__u32 size;
	__u32 ioas_id;
	__u32 num_iovas;
	__u32 __reserved;
	__aligned_u64 allowed_iovas;
	__aligned_u64 out_iova_alignment;
};

#define IOMMU_IOAS_IOVA_RANGES _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_IOVA_RANGES)

/**
 * struct iommu_ioas_allow_iovas - ioctl(IOMMU_IOAS_ALLOW_IOVAS): insist on IOVA
 * @size: in: bytes in this structure
 * @ioas_id: in: the IOAS this is for
 * @num_iovas: in: entries of the array, may be 0
 * @__reserved: 0
 * @allowed_iovas: in: user address of an array of struct iommu_iova_range
 *
 * The ranges have two effects. A device that cannot use all of them is not
 * attached, so a program knows that what it got from this call stays usable.
 * And the kernel takes the IOVA of a mapping that leaves the choice to it from
 * these ranges only. A mapping that brings its own IOVA may lie outside, and
 * what is mapped already stays where it is.
 *
 * The array replaces the ranges of an earlier call, all of them or, on error,
 * none. An empty array takes the restriction away. Order does not matter.
 *
 * Errors:
 *
 *  - EINVAL: in one of the ranges start is not below last, which also excludes
 *    ranges of one byte; or two ranges overlap.
 *  - EADDRINUSE: a range has IOVA that a device attached now cannot use.
 *  - EOVERFLOW: a range does not fit a kernel with 32-bit addresses.
 */
struct iommu_ioas_allow_iovas {
	__u32 size;
	__u32 ioas_id;
	__u32 num_iovas;
	__u32 __reserved;
	__aligned_u64 allowed_iovas;
};

#define IOMMU_IOAS_ALLOW_IOVAS _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_ALLOW_IOVAS)

/**
 * enum iommufd_ioas_map_flags - flags of IOMMU_IOAS_MAP and IOMMU_IOAS_COPY
 * @IOMMU_IOAS_MAP_FIXED_IOVA: the caller says which IOVA to use; without it the
 *	kernel picks one and reports it
 * @IOMMU_IOAS_MAP_WRITEABLE: the device may write the memory
 * @IOMMU_IOAS_MAP_READABLE: the device may read the memory
 */
enum iommufd_ioas_map_flags {
	IOMMU_IOAS_MAP_FIXED_IOVA = 1 << 0,
	IOMMU_IOAS_MAP_WRITEABLE = 1 << 1,
	IOMMU_IOAS_MAP_READABLE = 1 << 2,
};

/**
 * struct iommu_ioas_map - ioctl(IOMMU_IOAS_MAP): let devices see memory
 * @size: in: bytes in this structure
 * @flags: in: of enum iommufd_ioas_map_flags, WRITEABLE or READABLE at least
 * @ioas_id: in: the IOAS to map into
 * @__reserved: 0
 * @user_va: in: address of the memory in the calling process
 * @length: in: bytes to map, not 0
 * @iova: in/out: where the memory starts for the device; *in* matters only
 *	together with IOMMU_IOAS_MAP_FIXED_IOVA
 *
 * The result is one *area*: from now on a device attached to the IOAS finds at
 * @iova + n what the process had at @user_va + n when the pages were pinned.
 * Later changes of the process's address space (munmap, mremap, fork, exec) do
 * not reach the device.
 *
 * What the process has mapped there from devices of vfio-pci, their BARs, is not
 * pinned. Each such mapping makes an area of its own, and so does what lies
 * between two. It is taken out of page tables when the process's mapping changes,
 * or the device takes it back. When it can be accessed again, it comes back in at
 * most about a second. What is unmapped does not come back.
 *
 * Pages are pinned while a device is attached, and only then; with none
 * attached, pinning and its errors are left to the attach. They are charged
 * against RLIMIT_MEMLOCK, once per page however often it is mapped by copies.
 * See IOMMU_OPTION_RLIMIT_MODE for whose limit that is.
 *
 * Without IOMMU_IOAS_MAP_FIXED_IOVA the area goes to free IOVA within the
 * allowed ranges, placed such that the IOMMU can use large pages where the
 * memory has them.
 *
 * Errors:
 *
 *  - EINVAL: @length is 0; neither READABLE nor WRITEABLE is set; @iova,
 *    @user_va or @length is not a multiple of the alignment of the IOAS; or the
 *    fixed range has IOVA that an attached device cannot use.
 *  - EEXIST: something is mapped within the fixed range.
 *  - ENOSPC: there is no free range of that length for the kernel to pick; or
 *    the file was opened as /dev/vfio/vfio and has as many areas as it may.
 *  - EOVERFLOW: @user_va or @iova plus @length passes the end.
 *  - EFAULT: no memory is at @user_va, or not of a kind that can be pinned, or
 *    WRITEABLE is set and the process itself may not write there; or it is of a
 *    device and away, not shared, or the process may not read it; or the reply
 *    cannot be written, in which case nothing stays mapped.
 *  - ENOMEM: as for all; RLIMIT_MEMLOCK is one of the limits.
 *  - EOPNOTSUPP: as for all, or the memory is that of a file on a DAX device,
 *    which cannot be pinned.
 */
struct iommu_ioas_map {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__u32 __reserved;
	__aligned_u64 user_va;
	__aligned_u64 length;
	__aligned_u64 iova;
};

#define IOMMU_IOAS_MAP _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_MAP)

/**
 * struct iommu_ioas_map_file - ioctl(IOMMU_IOAS_MAP_FILE): let devices see a file
 * @size: in: bytes in this structure
 * @flags: in: of enum iommufd_ioas_map_flags, WRITEABLE or READABLE at least
 * @ioas_id: in: the IOAS to map into
 * @fd: in: a memfd, or a file on a tmpfs or hugetlbfs
 * @start: in: offset of the memory in the file, bytes, in any place of a page
 * @length: in: bytes to map, not 0
 * @iova: in/out: where the memory starts for the device; *in* matters only
 *	together with IOMMU_IOAS_MAP_FIXED_IOVA
 *
 * Like IOMMU_IOAS_MAP, with memory that belongs to no process: the file need not
 * be mapped anywhere, @fd may be closed at once, and devices can be attached when
 * the process that mapped has gone. The area keeps the file.
 *
 * A device finds what the file has when pages are pinned, holes are filled then,
 * and everybody who uses the file sees what a device writes. If the file is
 * truncated later or a hole is punched, the device keeps the pages that it has.
 * They are not the file's any more, and go with the mapping. IOMMU_IOAS_COPY shows
 * the same pages. To have the file's own again, unmap and map.
 *
 * While a file is mapped WRITEABLE, F_SEAL_WRITE cannot be set, as with a shared
 * mapping of a process.
 *
 * Errors are those of IOMMU_IOAS_MAP with these differences:
 *
 *  - EBADF: no file is open as @fd.
 *  - EINVAL: also when the file is of another kind, or the range does not end
 *    within it; @start takes the place of the address.
 *  - EPERM: @fd is not open for reading, whatever the flags; or WRITEABLE is
 *    set, and @fd is not open for writing or the file is sealed against it.
 *  - EOVERFLOW: @start or @iova plus @length passes the end.
 *  - ENOMEM: also when a hole cannot be filled, for want of room in the file
 *    system or of huge pages.
 *  - EBUSY: others take pages out of the file over and over while they are
 *    pinned.
 *  - EIO: a page is damaged, or cannot be read back from swap.
 *  - EFAULT: pages have to be pinned and the file has been truncated meanwhile;
 *    or the reply cannot be written, in which case nothing stays mapped.
 */
struct iommu_ioas_map_file {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__s32 fd;
	__aligned_u64 start;
	__aligned_u64 length;
	__aligned_u64 iova;
};

#define IOMMU_IOAS_MAP_FILE _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_MAP_FILE)

/**
 * struct iommu_ioas_copy - ioctl(IOMMU_IOAS_COPY): map what is mapped elsewhere
 * @size: in: bytes in this structure
 * @flags: in: of enum iommufd_ioas_map_flags, WRITEABLE or READABLE at least
 * @dst_ioas_id: in: the IOAS to map into
 * @src_ioas_id: in: the IOAS to take the memory from, may be the same one
 * @length: in: bytes to map, not 0
 * @dst_iova: in/out: where the memory starts in the destination; *in* matters
 *	only together with IOMMU_IOAS_MAP_FIXED_IOVA
 * @src_iova: in: where the memory starts in the source
 *
 * The destination gets the memory itself, not the address in a process: source
 * and copy share pages, pinned and charged once, and the copy stays when the
 * source is unmapped or its process has gone. Any part of the source can be
 * copied, across areas too, if there is no hole in it. Each area of the source
 * that takes part makes an area of the destination.
 *
 * The rights of the copy come from @flags, not from the source.
 *
 * Errors are those of IOMMU_IOAS_MAP with these differences:
 *
 *  - ENOENT: one of the IOAS does not exist, or a byte of the source is not
 *    mapped, or is being mapped by another thread right now.
 *  - EPERM: WRITEABLE is set and the memory was mapped without it.
 *  - EINVAL: also when the memory starts or ends at an offset that is not a
 *    multiple of the destination's alignment.
 *  - EBUSY, EIO: as with IOMMU_IOAS_MAP_FILE, if it is memory of a file.
 *  - EFAULT: memory has to be pinned for the destination's devices and its
 *    process has gone or no longer has it there; or the reply cannot be
 *    written, in which case nothing stays mapped.
 */
struct iommu_ioas_copy {
	__u32 size;
	__u32 flags;
	__u32 dst_ioas_id;
	__u32 src_ioas_id;
	__aligned_u64 length;
	__aligned_u64 dst_iova;
	__aligned_u64 src_iova;
};

#define IOMMU_IOAS_COPY _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_COPY)

/**
 * struct iommu_ioas_unmap - ioctl(IOMMU_IOAS_UNMAP): take areas out of an IOAS
 * @size: in: bytes in this structure
 * @ioas_id: in: the IOAS to take from
 * @iova: in: first byte of the range
 * @length: in/out: bytes of the range, then bytes that were mapped in it
 *
 * Removes all areas within the range, and only whole ones. The range may be
 * larger than the areas and may have holes. When the ioctl returns, devices can
 * no longer reach the memory.
 *
 * @iova 0 with @length U64_MAX stands for everything, the very last byte too,
 * and succeeds also where nothing is mapped.
 *
 * Errors:
 *
 *  - EINVAL: @length is 0.
 *  - ENOENT: an area reaches across the start or the end of the range, or there
 *    is no area in the range. No area is touched.
 *  - EBUSY: another thread is still mapping an area in the range.
 *  - EOVERFLOW: @iova plus @length passes the end.
 *  - EFAULT: @length cannot be written. The areas are gone nevertheless.
 */
struct iommu_ioas_unmap {
	__u32 size;
	__u32 ioas_id;
	__aligned_u64 iova;
	__aligned_u64 length;
};

#define IOMMU_IOAS_UNMAP _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_UNMAP)

/**
 * struct iommu_ioas_change_process - ioctl(IOMMU_IOAS_CHANGE_PROCESS): pay from
 *	now on
 * @size: in: bytes in this structure
 * @__reserved: 0
 *
 * The caller pays for all that is mapped in all IOASes of the file descriptor, in
 * place of those who have mapped it. Devices go on as they are. So a process can
 * hand the file descriptor and its devices to another one and exit. What is
 * charged against RLIMIT_MEMLOCK, and shows as VmPin and VmLck, moves as a whole
 * or not at all. See IOMMU_OPTION_RLIMIT_MODE. If the account is that of the user,
 * both processes may have the same one, and then nothing is charged.
 *
 * Errors:
 *
 *  - EINVAL: something is mapped that is not of a file, see IOMMU_IOAS_MAP_FILE.
 *  - EBUSY: another thread is just mapping something.
 *  - ENOMEM: as for all; RLIMIT_MEMLOCK of the caller is one of the limits.
 */
struct iommu_ioas_change_process {
	__u32 size;
	__u32 __reserved;
};

#define IOMMU_IOAS_CHANGE_PROCESS \
	_IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_CHANGE_PROCESS)

/* Options */

/**
 * enum iommufd_option - what IOMMU_OPTION can set and get
 * @IOMMU_OPTION_RLIMIT_MODE: who pays for pinned pages. 0, the default: the
 *	user; all processes of that user share one account. 1: the process that
 *	called IOMMU_IOAS_MAP. Belongs to the file descriptor; object_id is 0.
 *	To set it takes CAP_SYS_RESOURCE, and there must be no object yet.
 * @IOMMU_OPTION_HUGE_PAGES: 1, the default: the IOMMU may map contiguous
 *	memory with its large pages. 0: only with pages of PAGE_SIZE, which
 *	makes measurements comparable; the IOAS maps whole pages only then.
 *	Belongs to the IOAS in object_id. To clear it, the IOAS must not have
 *	both areas and an attached device, nor areas that cut a page.
 */
enum iommufd_option {
	IOMMU_OPTION_RLIMIT_MODE = 0,
	IOMMU_OPTION_HUGE_PAGES = 1,
};

/**
 * enum iommufd_option_ops - directions of IOMMU_OPTION
 * @IOMMU_OPTION_OP_SET: the option takes the value of val64
 * @IOMMU_OPTION_OP_GET: val64 takes the value of the option
 */
enum iommufd_option_ops {
	IOMMU_OPTION_OP_SET = 0,
	IOMMU_OPTION_OP_GET = 1,
};

/**
 * struct iommu_option - ioctl(IOMMU_OPTION): set or get an option
 * @size: in: bytes in this structure
 * @option_id: in: which, of enum iommufd_option
 * @op: in: set or get, of enum iommufd_option_ops
 * @__reserved: 0
 * @object_id: in: the object that the option belongs to, 0 for the options of
 *	the file descriptor
 * @val64: in with SET, out with GET: the value
 *
 * Errors:
 *
 *  - EOPNOTSUPP: @option_id or @op is not known, or @object_id is given for an
 *    option of the file descriptor.
 *  - EINVAL: @val64 is not a value of this option; or IOMMU_OPTION_HUGE_PAGES
 *    is cleared on an IOAS with areas and an attached device.
 *  - EADDRINUSE: it is cleared on an IOAS with areas that cut a page.
 *  - EPERM: IOMMU_OPTION_RLIMIT_MODE is set without CAP_SYS_RESOURCE.
 *  - EBUSY: IOMMU_OPTION_RLIMIT_MODE is set after an object was made.
 */
struct iommu_option {
	__u32 size;
	__u32 option_id;
	__u16 op;
	__u16 __reserved;
	__u32 object_id;
	__aligned_u64 val64;
};

#define IOMMU_OPTION _IO(IOMMUFD_TYPE, IOMMUFD_CMD_OPTION)

/* The IOAS behind the VFIO container ioctls */

/**
 * enum iommufd_vfio_ioas_op - what IOMMU_VFIO_IOAS does
 * @IOMMU_VFIO_IOAS_GET: report the IOAS in use
 * @IOMMU_VFIO_IOAS_SET: use this IOAS from now on
 * @IOMMU_VFIO_IOAS_CLEAR: use none; the IOAS itself stays
 */
enum iommufd_vfio_ioas_op {
	IOMMU_VFIO_IOAS_GET = 0,
	IOMMU_VFIO_IOAS_SET = 1,
	IOMMU_VFIO_IOAS_CLEAR = 2,
};

/**
 * struct iommu_vfio_ioas - ioctl(IOMMU_VFIO_IOAS): the IOAS of VFIO containers
 * @size: in: bytes in this structure
 * @ioas_id: in with SET, out with GET: the IOAS
 * @op: in: of enum iommufd_vfio_ioas_op
 * @__reserved: 0
 *
 * The ioctls of a VFIO container carry no ID; they act on this IOAS, and devices
 * of VFIO groups are attached to it when they are opened. The first
 * VFIO_GROUP_SET_CONTAINER makes one if none is chosen by then, which is
 * destroyed when the last group and device have left, unless it was set by then.
 * Destroying the IOAS ends the choice.
 *
 * Another choice does not move devices, and it takes another VFIO_SET_IOMMU
 * before VFIO_IOMMU_MAP_DMA and its like act on the new IOAS.
 *
 * Errors:
 *
 *  - ENODEV: GET finds that no IOAS is chosen.
 *  - ENOENT: SET, and there is no such IOAS.
 *  - EINVAL: SET, and the file descriptor serves VFIO groups without an IOMMU.
 *  - EOPNOTSUPP: unknown @op, or @__reserved is not 0.
 *  - EFAULT: @ioas_id cannot be written.
 */
struct iommu_vfio_ioas {
	__u32 size;
	__u32 ioas_id;
	__u16 op;
	__u16 __reserved;
};

#define IOMMU_VFIO_IOAS _IO(IOMMUFD_TYPE, IOMMUFD_CMD_VFIO_IOAS)

/* Page tables of an IOMMU */

/**
 * enum iommufd_hwpt_alloc_flags - flags of IOMMU_HWPT_ALLOC
 * @IOMMU_HWPT_ALLOC_NEST_PARENT: page tables owned by user space can be nested
 *	in this one, which is over an IOAS
 * @IOMMU_HWPT_ALLOC_DIRTY_TRACKING: only devices whose IOMMU records which
 *	pages were written can attach to this one, which is over an IOAS
 * @IOMMU_HWPT_FAULT_ID_VALID: page faults go to the queue in fault_id; not for
 *	a nesting parent
 */
enum iommufd_hwpt_alloc_flags {
	IOMMU_HWPT_ALLOC_NEST_PARENT = 1 << 0,
	IOMMU_HWPT_ALLOC_DIRTY_TRACKING = 1 << 1,
	IOMMU_HWPT_FAULT_ID_VALID = 1 << 2,
};

/**
 * enum iommu_hwpt_vtd_s1_flags - VT-d: properties of a first-stage page table
 * @IOMMU_VTD_S1_SRE: requests with supervisor privilege are possible
 * @IOMMU_VTD_S1_EAFE: the extended accessed bit is maintained
 * @IOMMU_VTD_S1_WPE: write protection binds supervisor requests too
 */
enum iommu_hwpt_vtd_s1_flags {
	IOMMU_VTD_S1_SRE = 1 << 0,
	IOMMU_VTD_S1_EAFE = 1 << 1,
	IOMMU_VTD_S1_WPE = 1 << 2,
};

/**
 * struct iommu_hwpt_vtd_s1 - VT-d: a first-stage page table in guest memory
 * @flags: in: of enum iommu_hwpt_vtd_s1_flags
 * @pgtbl_addr: in: where the guest has its top level
 * @addr_width: in: bits of address that it translates
 * @__reserved: 0
 *
 * What data_uptr points to with IOMMU_HWPT_DATA_VTD_S1.
 */
struct iommu_hwpt_vtd_s1 {
	__aligned_u64 flags;
	__aligned_u64 pgtbl_addr;
	__u32 addr_width;
	__u32 __reserved;
};

/**
 * enum iommu_hwpt_data_type - format of a page table owned by user space
 * @IOMMU_HWPT_DATA_NONE: it is owned by the kernel and needs no data
 * @IOMMU_HWPT_DATA_VTD_S1: struct iommu_hwpt_vtd_s1
 */
enum iommu_hwpt_data_type {
	IOMMU_HWPT_DATA_NONE = 0,
	IOMMU_HWPT_DATA_VTD_S1 = 1,
};

/**
 * struct iommu_hwpt_alloc - ioctl(IOMMU_HWPT_ALLOC): make a page table
 * @size: in: bytes in this structure
 * @flags: in: of enum iommufd_hwpt_alloc_flags
 * @dev_id: in: a device; the page table is for its IOMMU
 * @pt_id: in: an IOAS, whose areas the table will have; or the parent HWPT of
 *	a nested one
 * @out_hwpt_id: out: ID of the new HWPT
 * @__reserved: 0
 * @data_type: in: of enum iommu_hwpt_data_type
 * @data_len: in: bytes at @data_uptr, 0 with IOMMU_HWPT_DATA_NONE, at most a
 *	page of memory
 * @data_uptr: in: user address of the structure that @data_type calls for
 * @fault_id: in: queue for page faults, with IOMMU_HWPT_FAULT_ID_VALID
 * @__reserved2: 0
 *
 * Attaching a device to an IOAS makes a page table by itself; this is for
 * programs that want to choose. The page table has all mappings of the IOAS when
 * the ioctl returns, and follows them from then on. IOMMU drivers that settle
 * the format with the first device that is attached have them from that attach
 * on. It does not depend on the device, and stays until IOMMU_DESTROY.
 *
 * Over another HWPT it makes a page table that the program owns, and says with
 * its data where. Addresses of a device then pass through that table first, and
 * what comes out of it through the parent. The parent cannot be destroyed
 * meanwhile.
 *
 * With a queue for page faults only devices can attach that can request pages,
 * and whose requests the kernel can pass on. That is found out by attaching.
 * @fault_id counts with the flag only. The queue is in use by the page table.
 *
 * Errors:
 *
 *  - EOPNOTSUPP: unknown flags, reserved members; the IOMMU cannot do what the
 *    flags ask for; the data is of a type that it does not know, or there is a
 *    parent HWPT and no data; flags of the parent for a nested one; page faults
 *    for a parent, or with an IOMMU driver that does not know any.
 *  - EINVAL: @pt_id is neither an IOAS nor an HWPT; data without a type, or a
 *    type without data; the data is wrong, has not the length that its type
 *    calls for, or is longer than a page; the parent was made without
 *    IOMMU_HWPT_ALLOC_NEST_PARENT, for another kind of IOMMU, or is nested
 *    itself; the IOMMU has no page as small as those of the kernel.
 *  - ENOENT: @dev_id is no device, @fault_id no queue, or there is no @pt_id.
 *  - EADDRINUSE: something is mapped, or insisted on, at IOVA that the IOMMU
 *    cannot reach, or with an alignment that is too fine.
 *  - EBUSY: a container of VFIO has invalidated an address in the IOAS; or as
 *    with IOMMU_IOAS_MAP_FILE, where a file is mapped.
 *  - EIO: as with IOMMU_IOAS_MAP_FILE, where a file is mapped.
 *  - EFAULT: the data cannot be read; memory that was mapped earlier cannot be
 *    pinned now; or the answer cannot be written, and there is no new HWPT.
 *  - ENOMEM: out of memory, or RLIMIT_MEMLOCK would be exceeded.
 *  - EINTR: a fatal signal arrived.
 */
struct iommu_hwpt_alloc {
	__u32 size;
	__u32 flags;
	__u32 dev_id;
	__u32 pt_id;
	__u32 out_hwpt_id;
	__u32 __reserved;
	__u32 data_type;
	__u32 data_len;
	__aligned_u64 data_uptr;
	__u32 fault_id;
	__u32 __reserved2;
};

#define IOMMU_HWPT_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_HWPT_ALLOC)

/* What the hardware can do */

/**
 * enum iommu_hw_info_vtd_flags - VT-d: what to know beyond the registers
 * @IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17: erratum SPR17; a nesting parent must
 *	have no read-only mapping, since the hardware would write through it
 */
enum iommu_hw_info_vtd_flags {
	IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17 = 1 << 0,
};

/**
 * struct iommu_hw_info_vtd - VT-d: hardware information
 * @flags: out: of enum iommu_hw_info_vtd_flags
 * @__reserved: out: 0
 * @cap_reg: out: the capability register, as in the VT-d specification
 * @ecap_reg: out: the extended capability register
 */
struct iommu_hw_info_vtd {
	__u32 flags;
	__u32 __reserved;
	__aligned_u64 cap_reg;
	__aligned_u64 ecap_reg;
};

/**
 * enum iommu_hw_info_type - format of hardware information
 * @IOMMU_HW_INFO_TYPE_NONE: the IOMMU driver has nothing to say
 * @IOMMU_HW_INFO_TYPE_DEFAULT: asks for whatever the IOMMU driver has
 * @IOMMU_HW_INFO_TYPE_INTEL_VTD: struct iommu_hw_info_vtd
 */
enum iommu_hw_info_type {
	IOMMU_HW_INFO_TYPE_NONE = 0,
	IOMMU_HW_INFO_TYPE_DEFAULT = 0,
	IOMMU_HW_INFO_TYPE_INTEL_VTD = 1,
};

/**
 * enum iommufd_hw_capabilities - what any kind of IOMMU may be able to do
 * @IOMMU_HW_CAP_DIRTY_TRACKING: record which pages were written, for
 *	IOMMU_HWPT_SET_DIRTY_TRACKING and IOMMU_HWPT_GET_DIRTY_BITMAP
 * @IOMMU_HW_CAP_PCI_PASID_EXEC: the device can ask for execute permission;
 *	meaningless when the device has no PASID
 * @IOMMU_HW_CAP_PCI_PASID_PRIV: the device can make privileged requests;
 *	meaningless when the device has no PASID
 */
enum iommufd_hw_capabilities {
	IOMMU_HW_CAP_DIRTY_TRACKING = 1 << 0,
	IOMMU_HW_CAP_PCI_PASID_EXEC = 1 << 1,
	IOMMU_HW_CAP_PCI_PASID_PRIV = 1 << 2,
};

/**
 * enum iommu_hw_info_flags - what IOMMU_GET_HW_INFO is asked for
 * @IOMMU_HW_INFO_FLAG_INPUT_TYPE: &iommu_hw_info.in_data_type says which format
 *	is wanted
 */
enum iommu_hw_info_flags {
	IOMMU_HW_INFO_FLAG_INPUT_TYPE = 1 << 0,
};

/**
 * struct iommu_hw_info - ioctl(IOMMU_GET_HW_INFO): describe a device's IOMMU
 * @size: in: bytes in this structure
 * @flags: in: of enum iommu_hw_info_flags
 * @dev_id: in: the device
 * @data_len: in/out: room at @data_uptr, then bytes the kernel has
 * @data_uptr: in: user address that receives the information
 * @in_data_type: in: the format that is wanted, of enum iommu_hw_info_type;
 *	with %IOMMU_HW_INFO_FLAG_INPUT_TYPE
 * @out_data_type: out: the format, of enum iommu_hw_info_type
 * @out_max_pasid_log2: out: bits of PASID the device can use, 0 for none
 * @__reserved: 0
 * @out_capabilities: out: of enum iommufd_hw_capabilities
 *
 * A VMM needs this to show its guest an IOMMU that the real one can back. As
 * much of the information is written as there is room for, and zeroes behind it
 * if there is more room; @data_len 0 asks for the lengths and types alone. An
 * IOMMU driver that has nothing to tell, or only what this interface has no type
 * for, gives IOMMU_HW_INFO_TYPE_NONE and length 0.
 *
 * Errors:
 *
 *  - EOPNOTSUPP: unknown flags, reserved members; or the IOMMU driver has nothing
 *    in the format of @in_data_type.
 *  - ENOENT: there is no such device.
 *  - EFAULT: the information or the answer cannot be written. Part of the
 *    information may have been.
 *  - ENOMEM: out of memory.
 *  - EINTR: a fatal signal arrived while much room was being zeroed.
 */
struct iommu_hw_info {
	__u32 size;
	__u32 flags;
	__u32 dev_id;
	__u32 data_len;
	__aligned_u64 data_uptr;
	union {
		__u32 in_data_type;
		__u32 out_data_type;
	};
	__u8 out_max_pasid_log2;
	__u8 __reserved[3];
	__aligned_u64 out_capabilities;
};

#define IOMMU_GET_HW_INFO _IO(IOMMUFD_TYPE, IOMMUFD_CMD_GET_HW_INFO)

/* Which pages did a device write */

/**
 * enum iommufd_hwpt_set_dirty_tracking_flags - flags of
 *	IOMMU_HWPT_SET_DIRTY_TRACKING
 * @IOMMU_HWPT_DIRTY_TRACKING_ENABLE: start recording; without it, stop
 */
enum iommufd_hwpt_set_dirty_tracking_flags {
	IOMMU_HWPT_DIRTY_TRACKING_ENABLE = 1,
};

/**
 * struct iommu_hwpt_set_dirty_tracking - ioctl(IOMMU_HWPT_SET_DIRTY_TRACKING):
 *	start or stop recording of writes
 * @size: in: bytes in this structure
 * @flags: in: of enum iommufd_hwpt_set_dirty_tracking_flags
 * @hwpt_id: in: the page table
 * @__reserved: 0
 *
 * Starting forgets what was recorded before. To start what has been started, or
 * to stop what has not, changes nothing. Starting takes about as long as
 * reading all that is mapped.
 *
 * Errors:
 *
 *  - EOPNOTSUPP: the page table was made without
 *    IOMMU_HWPT_ALLOC_DIRTY_TRACKING; unknown flags, reserved members.
 *  - ENOENT: there is no such page table, or it is a nested one.
 *  - EINTR: a fatal signal arrived.
 */
struct iommu_hwpt_set_dirty_tracking {
	__u32 size;
	__u32 flags;
	__u32 hwpt_id;
	__u32 __reserved;
};

#define IOMMU_HWPT_SET_DIRTY_TRACKING _IO(IOMMUFD_TYPE, \
					  IOMMUFD_CMD_HWPT_SET_DIRTY_TRACKING)

/**
 * enum iommufd_hwpt_get_dirty_bitmap_flags - flags of
 *	IOMMU_HWPT_GET_DIRTY_BITMAP
 * @IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR: leave the record as it is; cheaper,
 *	and good enough for a range that is unmapped next
 */
enum iommufd_hwpt_get_dirty_bitmap_flags {
	IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR = 1,
};

/**
 * struct iommu_hwpt_get_dirty_bitmap - ioctl(IOMMU_HWPT_GET_DIRTY_BITMAP): read
 *	the record of writes
 * @size: in: bytes in this structure
 * @hwpt_id: in: the page table
 * @flags: in: of enum iommufd_hwpt_get_dirty_bitmap_flags
 * @__reserved: 0
 * @iova: in: first byte of the range; bit 0 of the bitmap
 * @length: in: bytes of the range; the last bit may stand for less than others
 * @page_size: in: bytes that one bit stands for, a power of two, at least 512;
 *	@iova is a multiple of it
 * @data: in: user address of the bitmap, an array of u64
 *
 * Bit i, which is bit i % 64 of data[i / 64], gets set if a device wrote into
 * the page_size bytes at iova + i * page_size. Bits are set and never cleared,
 * so one bitmap can collect several readings. It may have any address, and no
 * byte is touched that holds none of its bits.
 *
 * An IOMMU records writes by its own pages. A write to a large one counts for
 * all of it. If a part of it lies outside of the range it is reported, and
 * stays recorded. IOVA that nothing is mapped at has no bits. Unmapping drops
 * what was recorded.
 *
 * Errors, after which all that was recorded is either in the bitmap or still
 * recorded:
 *
 *  - EOPNOTSUPP: the page table was made without
 *    IOMMU_HWPT_ALLOC_DIRTY_TRACKING; unknown flags, reserved members.
 *  - EINVAL: recording was not started; @length is 0, @page_size no power of
 *    two or too small, or @iova not a multiple of it.
 *  - EOVERFLOW: @iova plus @length wraps.
 *  - ENOENT: there is no such page table, or it is a nested one.
 *  - EFAULT: the bitmap cannot be written.
 *  - EINTR: a fatal signal arrived.
 */
struct iommu_hwpt_get_dirty_bitmap {
	__u32 size;
	__u32 hwpt_id;
	__u32 flags;
	__u32 __reserved;
	__aligned_u64 iova;
	__aligned_u64 length;
	__aligned_u64 page_size;
	__aligned_u64 data;
};

#define IOMMU_HWPT_GET_DIRTY_BITMAP _IO(IOMMUFD_TYPE, \
					IOMMUFD_CMD_HWPT_GET_DIRTY_BITMAP)

/* Caches of page tables that user space owns */

/**
 * enum iommu_hwpt_invalidate_data_type - format of invalidation requests
 * @IOMMU_HWPT_INVALIDATE_DATA_VTD_S1: struct iommu_hwpt_vtd_s1_invalidate
 */
enum iommu_hwpt_invalidate_data_type {
	IOMMU_HWPT_INVALIDATE_DATA_VTD_S1 = 0,
};

/**
 * enum iommu_hwpt_vtd_s1_invalidate_flags - VT-d: how much to invalidate
 * @IOMMU_VTD_INV_FLAGS_LEAF: cached leaf entries only, the upper levels of the
 *	table did not change
 */
enum iommu_hwpt_vtd_s1_invalidate_flags {
	IOMMU_VTD_INV_FLAGS_LEAF = 1 << 0,
};

/**
 * struct iommu_hwpt_vtd_s1_invalidate - VT-d: one invalidation request
 * @addr: in: start of the range, multiple of 4096
 * @npages: in: length of the range in pages of 4096 bytes
 * @flags: in: of enum iommu_hwpt_vtd_s1_invalidate_flags
 * @__reserved: 0
 *
 * @addr 0 with @npages U64_MAX stands for the whole table. Where ATS is on, the
 * devices' own TLBs are included.
 */
struct iommu_hwpt_vtd_s1_invalidate {
	__aligned_u64 addr;
	__aligned_u64 npages;
	__u32 flags;
	__u32 __reserved;
};

/**
 * struct iommu_hwpt_invalidate - ioctl(IOMMU_HWPT_INVALIDATE): a nested page
 *	table has changed
 * @size: in: bytes in this structure
 * @hwpt_id: in: the nested page table
 * @data_uptr: in: user address of an array of requests
 * @data_type: in: their format, of enum iommu_hwpt_invalidate_data_type
 * @entry_len: in: bytes from one request to the next
 * @entry_num: in/out: requests in the array, then requests carried out
 * @__reserved: 0
 *
 * Requests are carried out in order, until one fails. @entry_num tells in any
 * case how many were. With @entry_num 0 the call only tells whether @data_type
 * is possible. An array may have 524288 requests of up to a page.
 *
 * Errors:
 *
 *  - EOPNOTSUPP: a request has unknown flags or reserved members; or this
 *    structure has.
 *  - EINVAL: the IOMMU does not know @data_type; a request, or @entry_len, is
 *    not as it calls for; @data_uptr or @entry_len is 0; the array is too
 *    large.
 *  - ENOENT: there is no such nested page table.
 *  - EFAULT: a request cannot be read; or the answer cannot be written,
 *    whatever was done.
 *  - EINTR: a fatal signal arrived.
 */
struct iommu_hwpt_invalidate {
	__u32 size;
	__u32 hwpt_id;
	__aligned_u64 data_uptr;
	__u32 data_type;
	__u32 entry_len;
	__u32 entry_num;
	__u32 __reserved;
};

#define IOMMU_HWPT_INVALIDATE _IO(IOMMUFD_TYPE, IOMMUFD_CMD_HWPT_INVALIDATE)

/**
 * DOC: Page faults
 *
 * A device that can request pages asks for some that it does not find in its
 * page table, and waits. If the page table was made with a queue, such faults
 * are read from the file descriptor of the queue, as an array of struct
 * iommu_hwpt_pgfault. Writing an array of struct iommu_hwpt_page_response there
 * answers them.
 *
 * Faults that get one answer form a group. The last one of a group has
 * IOMMU_PGFAULT_FLAGS_LAST_PAGE, and all have the same cookie. Groups are read
 * as a whole, in the order in which they came, as many as there is room for.
 *
 * read() returns the number of bytes, and 0 if no group waits; it never waits
 * for one, whatever O_NONBLOCK says. poll() says POLLIN when there is one.
 * Errors:
 *
 *  - ESPIPE: not the size of whole structures.
 *  - EINVAL: the next group is larger than the room for it. It is read next.
 *  - EFAULT: the memory cannot be written. The group is read next.
 *
 * write() returns the number of bytes, and stops before the first answer that
 * it cannot take. If that was the first of all, it fails:
 *
 *  - ESPIPE: not the size of whole structures.
 *  - EINVAL: an unknown code; or no group with this cookie has been read that
 *    is not answered yet. The kernel answers for the program as soon as the
 *    device leaves the page table, so this may come at any time.
 *  - EFAULT: the memory cannot be read.
 *
 * The kernel waits for no answer. It answers with IOMMUFD_PAGE_RESP_INVALID
 * what is not answered when a device leaves the page table, or is closed, and
 * when the last file descriptor of the queue is closed. From then on, and when
 * a queue has 8192 faults, it does so at once, and the program never sees the
 * fault.
 */

/**
 * enum iommu_hwpt_pgfault_flags - flags of struct iommu_hwpt_pgfault
 * @IOMMU_PGFAULT_FLAGS_PASID_VALID: the pasid member counts
 * @IOMMU_PGFAULT_FLAGS_LAST_PAGE: no more faults of this group will follow
 */
enum iommu_hwpt_pgfault_flags {
	IOMMU_PGFAULT_FLAGS_PASID_VALID		= (1 << 0),
	IOMMU_PGFAULT_FLAGS_LAST_PAGE		= (1 << 1),
};

/**
 * enum iommu_hwpt_pgfault_perm - what the device wanted to do
 * @IOMMU_PGFAULT_PERM_READ: read
 * @IOMMU_PGFAULT_PERM_WRITE: write
 * @IOMMU_PGFAULT_PERM_EXEC: execute; the PASID prefix says so
 * @IOMMU_PGFAULT_PERM_PRIV: any of these with privilege; the PASID prefix says
 *	so
 */
enum iommu_hwpt_pgfault_perm {
	IOMMU_PGFAULT_PERM_READ			= (1 << 0),
	IOMMU_PGFAULT_PERM_WRITE		= (1 << 1),
	IOMMU_PGFAULT_PERM_EXEC			= (1 << 2),
	IOMMU_PGFAULT_PERM_PRIV			= (1 << 3),
};

/**
 * struct iommu_hwpt_pgfault - one page fault, as read from the queue
 * @flags: out: of enum iommu_hwpt_pgfault_flags
 * @dev_id: out: the device that faulted
 * @pasid: out: its process address space, if the flag says so
 * @grpid: out: number of the page request group, from the device
 * @perm: out: of enum iommu_hwpt_pgfault_perm
 * @__reserved: out: 0
 * @addr: out: the address that was not there
 * @length: out: bytes the device is likely to touch next, 0 if it did not say
 * @cookie: out: names the group in the answer; not 0
 */
struct iommu_hwpt_pgfault {
	__u32 flags;
	__u32 dev_id;
	__u32 pasid;
	__u32 grpid;
	__u32 perm;
	__u32 __reserved;
	__aligned_u64 addr;
	__u32 length;
	__u32 cookie;
};

/**
 * enum iommufd_page_response_code - how a group of faults ended
 * @IOMMUFD_PAGE_RESP_SUCCESS: the page is there now, try again
 * @IOMMUFD_PAGE_RESP_INVALID: there will be no page, give up
 */
enum iommufd_page_response_code {
	IOMMUFD_PAGE_RESP_SUCCESS = 0,
	IOMMUFD_PAGE_RESP_INVALID = 1,
};

/**
 * struct iommu_hwpt_page_response - one answer, as written to the queue
 * @cookie: in: of the group
 * @code: in: of enum iommufd_page_response_code
 */
struct iommu_hwpt_page_response {
	__u32 cookie;
	__u32 code;
};

/**
 * struct iommu_fault_alloc - ioctl(IOMMU_FAULT_QUEUE_ALLOC): make a queue of
 *	page faults
 * @size: in: bytes in this structure
 * @flags: in: 0, none are defined
 * @out_fault_id: out: ID of the queue, for IOMMU_HWPT_ALLOC
 * @out_fault_fd: out: file descriptor to read faults from and write answers to
 *
 * The queue is in use by the file, so close() comes before IOMMU_DESTROY. The
 * file keeps /dev/iommu open.
 *
 * Errors:
 *
 *  - EOPNOTSUPP: a flag; or this kernel was built without page faults of
 *    devices.
 *  - EFAULT: the answer cannot be written, and there is no new queue.
 *  - EMFILE: as many files are open as the process may have.
 *  - ENFILE: as many files are open as the system may have.
 *  - ENOMEM: out of memory.
 */
struct iommu_fault_alloc {
	__u32 size;
	__u32 flags;
	__u32 out_fault_id;
	__u32 out_fault_fd;
};

#define IOMMU_FAULT_QUEUE_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_FAULT_QUEUE_ALLOC)

#endif
