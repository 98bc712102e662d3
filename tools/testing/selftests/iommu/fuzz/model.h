/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * A plain model of /dev/iommu: what each IOVA shows, what is pinned, and which
 * errnos an operation may return.
 *
 * An operation is predicted before it is executed, which changes nothing, and
 * applied afterwards with what the kernel answered.
 */
#ifndef SELFTEST_IOMMU_FUZZ_MODEL_H
#define SELFTEST_IOMMU_FUZZ_MODEL_H

#include <stdbool.h>

#include <linux/iommufd.h>
#include <linux/types.h>

#include "lib/mock.h"

#include "memory.h"
#include "op.h"
#include "ops.h"

#define FUZZ_AREAS	256
#define FUZZ_PINS	16
#define FUZZ_PARTS	64

/* The smallest IOPTE of the mock IOMMU. */
#define FUZZ_IOPTE	(FUZZ_PAGE / 2)

/**
 * struct fuzz_pages - what one map made, shared by its copies
 * @refs: areas that show it
 * @va: where the memory is in the process, a multiple of the page size
 * @npages: its pages
 * @writable: it was mapped WRITEABLE
 * @process: it is charged to the process
 * @limited: there is a limit to charging it
 * @file: it is a file of its own, and not what the process has there; its
 *        number of enum fuzz_source, 0 if it is not
 * @bar: it is that of a BAR, which is never pinned
 * @gone: of a BAR, what was mapped has gone for good
 * @limbo: of a BAR, it was withdrawn, and may or may not be back
 * @npinned: pages that are pinned
 * @users: for each page, what keeps it pinned; NULL before the first pin
 * @frames: for each page, what was pinned
 */
struct fuzz_pages {
	unsigned int refs;
	__u64 va;
	__u64 npages;
	bool writable;
	bool process;
	bool limited;
	unsigned int file;
	bool bar;
	bool gone;
	bool limbo;
	__u64 npinned;
	__u16 *users;
	struct fuzz_frame **frames;
};

/**
 * struct fuzz_area - one area
 * @iova: first byte
 * @last: last byte
 * @pages: its memory
 * @start: of the first byte in @pages, bytes
 * @prot: IOMMU_IOAS_MAP_READABLE and WRITEABLE
 * @filled: pinned for domains
 * @marks: what devices have written in it
 */
struct fuzz_area {
	__u64 iova;
	__u64 last;
	struct fuzz_pages *pages;
	__u64 start;
	__u32 prot;
	bool filled;
	struct fuzz_marks *marks;
};

enum fuzz_type {
	FUZZ_NOTHING,
	FUZZ_IOAS,
	FUZZ_HWPT,
	FUZZ_DEVICE,		/* the mock device */
	FUZZ_BINDING,		/* the device that it is bound as */
	FUZZ_NESTED,		/* a page table in another one */
	FUZZ_QUEUE,		/* of page faults */
};

/**
 * struct fuzz_fault - a page that a device has asked for
 * @next: the next one of its group
 * @pasid: its process address space, 0 for none
 * @grpid: number of the group, from the device
 * @perm: of enum iommu_hwpt_pgfault_perm
 * @addr: the address
 */
struct fuzz_fault {
	struct fuzz_fault *next;
	__u32 pasid;
	__u32 grpid;
	__u32 perm;
	__u64 addr;
};

/**
 * struct fuzz_group - page faults that get one answer
 * @next: the next one of its queue, in the order in which they came
 * @device: where they come from
 * @read: the program has seen it
 * @cookie: what it is called since then
 * @faults: in the order in which they came
 */
struct fuzz_group {
	struct fuzz_group *next;
	struct fuzz_object *device;
	bool read;
	__u32 cookie;
	struct fuzz_fault *faults;
};

/**
 * struct fuzz_object - an object of a context
 * @type: FUZZ_NOTHING when it is gone
 * @id: its ID, kept when it is gone; 0 if the kernel did not tell
 * @ioas: of a page table, what it mirrors, by its parent if it is nested
 * @hwpt: of a device, what it is attached to
 * @binding: of a device, the other object it consists of; and back
 * @parent: of a nested page table, what it is nested in
 * @queue: of a page table, where page faults go
 * @huge: of a page table or device, with huge IOPTEs
 * @automatic: of a page table, goes with the last device
 * @nest_parent: of a page table, others can be nested in it
 * @trackable: of a page table, made to track writes
 * @tracking: of a page table, tracks writes now
 * @no_dirty: of a device, its writes cannot be tracked
 * @users: of an IOAS, page tables and accesses; of a page table, devices and
 *         what is nested in it; of a queue, page tables and the file
 * @domains: of an IOAS, its page tables
 * @apertures: of an IOAS, its page tables with an aperture
 * @trackers: of an IOAS, its page tables that were made to track writes
 * @small_pages: of an IOAS, the huge pages option is off
 * @vfio_type: of an IOAS, what VFIO_SET_IOMMU chose, 0 for nothing
 * @nr_areas: of an IOAS, entries of @areas
 * @areas: of an IOAS, by IOVA
 * @nr_reserved: of an IOAS, entries of @reserved
 * @reserved: of an IOAS, what ADD_RESERVED was called with
 * @nr_allowed: of an IOAS, entries of @allowed
 * @allowed: of an IOAS, what automatic IOVA is taken from
 * @iotlb: of a nested page table
 * @partial: of a device, page faults of groups that go on
 * @groups: of a queue, what is not answered
 * @fd: of a queue, its file, -1 when it is closed
 * @newest: of a queue, the last cookie that was read
 * @answered: of a queue, the last cookie that was answered
 */
struct fuzz_object {
	enum fuzz_type type;
	__u32 id;
	struct fuzz_object *ioas;
	struct fuzz_object *hwpt;
	struct fuzz_object *binding;
	struct fuzz_object *parent;
	struct fuzz_object *queue;
	bool huge;
	bool automatic;
	bool nest_parent;
	bool trackable;
	bool tracking;
	bool no_dirty;
	unsigned int users;
	unsigned int domains;
	unsigned int apertures;
	unsigned int trackers;
	bool small_pages;
	unsigned int vfio_type;
	unsigned int nr_areas;
	struct fuzz_area *areas[FUZZ_AREAS];
	unsigned int nr_reserved;
	struct iommu_iova_range reserved[FUZZ_RANGES];
	unsigned int nr_allowed;
	struct iommu_iova_range allowed[2];
	__u32 iotlb[MOCK_NESTED_DOMAIN_IOTLB_NUM];
	struct fuzz_fault *partial;
	struct fuzz_group *groups;
	int fd;
	__u32 newest;
	__u32 answered;
};

/**
 * struct fuzz_pin - what one ACCESS_PAGES has pinned
 * @used: there is one
 * @id: its ID
 * @iova: first byte
 * @last: last byte
 */
struct fuzz_pin {
	bool used;
	__u32 id;
	__u64 iova;
	__u64 last;
};

/**
 * struct fuzz_access - an access
 * @fd: its file descriptor, -1 if there is no access
 * @ioas: where it is attached
 * @pinning: made with NEEDS_PIN_PAGES
 * @pins: what it has pinned
 */
struct fuzz_access {
	int fd;
	struct fuzz_object *ioas;
	bool pinning;
	struct fuzz_pin pins[FUZZ_PINS];
};

/**
 * struct fuzz_context - an open /dev/iommu
 * @fd: its file descriptor
 * @process: the rlimit mode
 * @objects: by slot
 * @accesses: by slot
 * @vfio: the IOAS that VFIO's ioctls act on
 */
struct fuzz_context {
	int fd;
	bool process;
	struct fuzz_object objects[FUZZ_SLOTS];
	struct fuzz_access accesses[FUZZ_ACCESSES];
	struct fuzz_object *vfio;
};

/**
 * struct fuzz_model - everything
 * @contexts: the contexts
 * @limit: pages that may be charged; 0 for no limit
 * @pinned: pages that are pinned
 * @charged_user: of those, charged to the user
 * @charged_process: and to the process
 * @answers: what devices have asked for, and were told
 * @only_files: the generator maps nothing else in the second context
 */
struct fuzz_model {
	struct fuzz_context contexts[FUZZ_CONTEXTS];
	__u64 limit;
	__u64 pinned;
	__u64 charged_user;
	__u64 charged_process;
	struct mock_answers answers;
	bool only_files;
};

/**
 * struct fuzz_part - what one area contributes to a range of IOVA
 * @area: the area, NULL where the part only has memory
 * @pages: its memory
 * @start: of the part in @pages, bytes
 * @length: bytes
 */
struct fuzz_part {
	struct fuzz_area *area;
	struct fuzz_pages *pages;
	__u64 start;
	__u64 length;
};

/* What is wrong, in a static buffer. */
const char *fuzz_wrong(const char *format, ...);

void fuzz_model_init(struct fuzz_model *model);
__u32 fuzz_model_id(const struct fuzz_context *context, unsigned int selector);
struct fuzz_object *fuzz_model_find(struct fuzz_context *context, __u32 id,
				    enum fuzz_type type);
struct fuzz_access *fuzz_model_access(struct fuzz_context *context,
				      unsigned int selector);
struct fuzz_object *fuzz_model_add(struct fuzz_context *context,
				   unsigned int slot, enum fuzz_type type,
				   __u32 id);
bool fuzz_model_full(const struct fuzz_context *context, unsigned int needed);
bool fuzz_model_empty(const struct fuzz_context *context);
bool fuzz_model_has_access(const struct fuzz_context *context);
bool fuzz_model_hides_ids(const struct fuzz_context *context);

#endif
