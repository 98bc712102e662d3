/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * What a sequence of the fuzzer consists of. An operation is plain numbers and
 * means something in whatever state it is executed, so that sequences can be
 * stored, replayed and cut.
 */
#ifndef SELFTEST_IOMMU_FUZZ_OP_H
#define SELFTEST_IOMMU_FUZZ_OP_H

#include <linux/types.h>

#define FUZZ_CONTEXTS	2
#define FUZZ_SLOTS	32
#define FUZZ_ACCESSES	6
#define FUZZ_RANGES	24
#define FUZZ_ANSWERS	4

/* Selectors beyond the slots: numbers that never are the ID of an object. */
#define FUZZ_SLOT_ZERO		(FUZZ_SLOTS + 0)
#define FUZZ_SLOT_HUGE		(FUZZ_SLOTS + 1)
#define FUZZ_SLOT_UNKNOWN	(FUZZ_SLOTS + 2)
#define FUZZ_SELECTORS		(FUZZ_SLOTS + 3)

/* What SET_TEMP_MEMORY_LIMIT takes to have no effect. */
#define FUZZ_NO_LIMIT		0xffffffffU

enum fuzz_kind {
	FUZZ_IOAS_ALLOC,
	FUZZ_DESTROY,
	FUZZ_MAP,
	FUZZ_MAP_FILE,
	FUZZ_COPY,
	FUZZ_UNMAP,
	FUZZ_CHANGE_PROCESS,
	FUZZ_ALLOW_IOVAS,
	FUZZ_IOVA_RANGES,
	FUZZ_OPTION_HUGE_PAGES,
	FUZZ_OPTION_RLIMIT_MODE,
	FUZZ_OPTION_UNKNOWN,
	FUZZ_VFIO_IOAS,
	FUZZ_VFIO_API_VERSION,
	FUZZ_VFIO_CHECK_EXTENSION,
	FUZZ_VFIO_SET_IOMMU,
	FUZZ_VFIO_GET_INFO,
	FUZZ_VFIO_MAP_DMA,
	FUZZ_VFIO_UNMAP_DMA,
	FUZZ_VFIO_DIRTY_PAGES,
	FUZZ_UNKNOWN_FLAG,
	FUZZ_UNKNOWN_IOCTL,
	FUZZ_MOCK_DOMAIN,
	FUZZ_MOCK_DOMAIN_REPLACE,
	FUZZ_ADD_RESERVED,
	FUZZ_CHECK_MAP,
	FUZZ_CHECK_REFS,
	FUZZ_CHECK_BAR,
	FUZZ_CREATE_ACCESS,
	FUZZ_CLOSE_ACCESS,
	FUZZ_ACCESS_PAGES,
	FUZZ_DESTROY_ACCESS_PAGES,
	FUZZ_ACCESS_RW,
	FUZZ_ACCESS_REPLACE,
	FUZZ_HW_INFO,
	FUZZ_HWPT_ALLOC,
	FUZZ_INVALIDATE,
	FUZZ_CHECK_IOTLB,
	FUZZ_SET_DIRTY,
	FUZZ_DIRTY_WRITE,
	FUZZ_GET_DIRTY,
	FUZZ_QUEUE_ALLOC,
	FUZZ_QUEUE_CLOSE,
	FUZZ_FAULT,
	FUZZ_FAULT_READ,
	FUZZ_FAULT_ANSWER,
	FUZZ_MEMORY_LIMIT,
	FUZZ_REOPEN,
	FUZZ_SOURCE_MUNMAP,
	FUZZ_SOURCE_MMAP,
	FUZZ_SOURCE_PROTECT,
	FUZZ_SOURCE_DISCARD,
	FUZZ_SOURCE_WRITE,
	FUZZ_FILE_TRUNCATE,
	FUZZ_FILE_PUNCH,
	FUZZ_FILE_SEAL,
	FUZZ_BAR_MUNMAP,
	FUZZ_BAR_MMAP,
	FUZZ_BAR_PROTECT,
	FUZZ_BAR_MREMAP,
	FUZZ_BAR_SET,
	FUZZ_KINDS,
};

/* What an operation BAR_SET does. */
enum fuzz_bar_way {
	FUZZ_BAR_OFF,
	FUZZ_BAR_ON,
	FUZZ_BAR_BLINK,		/* off and on again */
	FUZZ_BAR_RESET,
	FUZZ_BAR_RESET_BEHIND,	/* by another thread, while others go on */
	FUZZ_BAR_WAYS,
};

/* How the structure reaches the kernel. */
enum fuzz_form {
	FUZZ_FORM_PLAIN,
	FUZZ_FORM_SHORT,	/* size below that of the first version */
	FUZZ_FORM_EMPTY,	/* size 0 */
	FUZZ_FORM_LONG,		/* size too large, the rest is 0 */
	FUZZ_FORM_TAIL,		/* the same, with a byte that is not 0 */
	FUZZ_FORM_OVER_PAGE,	/* size of more than a page */
	FUZZ_FORM_UNREADABLE,	/* pointer to nothing */
	FUZZ_FORM_CUT,		/* the second half is in a page that is not there */
	FUZZ_FORM_READ_ONLY,	/* memory that the reply cannot be written to */
	FUZZ_FORM_RESERVED,	/* reserved member is not 0 */
	FUZZ_FORM_BAD_POINTER,	/* a member points to nothing */
	FUZZ_FORMS,
};

/**
 * struct fuzz_op - an operation
 * @kind: of enum fuzz_kind
 * @form: of enum fuzz_form
 * @context: number of the context it is for
 * @memory: number of the source memory
 * @object: number of a slot, or FUZZ_SLOT_*; of an access for operations on one
 * @object2: the same, for operations with two
 * @object3: the same, for operations with three
 * @result: slot for the object that it makes
 * @flags: of the ioctl
 * @iova: first byte
 * @iova2: first byte of the second range
 * @length: bytes
 * @length2: bytes of the second range
 * @offset: in the source memory, bytes
 * @value: whatever else the operation needs
 */
struct fuzz_op {
	__u8 kind;
	__u8 form;
	__u8 context;
	__u8 memory;
	__u8 object;
	__u8 object2;
	__u8 object3;
	__u8 result;
	__u32 flags;
	__u64 iova;
	__u64 iova2;
	__u64 length;
	__u64 length2;
	__u64 offset;
	__u64 value;
};

/* Numbers of permitted errnos; bit 0 is success. */
typedef unsigned __int128 fuzz_errnos;

#define FUZZ_ERRNO(number)	((fuzz_errnos)1 << (number))
#define FUZZ_SUCCESS		FUZZ_ERRNO(0)

#endif
