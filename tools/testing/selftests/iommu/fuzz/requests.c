// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "requests.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "random.h"

static __u64 address_of(const struct fuzz_op *op, const void *data)
{
	return op->form == FUZZ_FORM_BAD_POINTER ?
	       fuzz_memory_va(FUZZ_NOWHERE) : (uintptr_t)data;
}

struct fuzz_hwpt_data fuzz_hwpt_data(const struct fuzz_op *op)
{
	static const struct fuzz_hwpt_data kinds[FUZZ_DATA_KINDS] = {
		[FUZZ_DATA_NONE] = {},
		[FUZZ_DATA_GOOD] = { IOMMU_HWPT_DATA_SELFTEST, 4, true },
		{ IOMMU_HWPT_DATA_SELFTEST, 0, true },
		{ 0, 4, true },
		{ IOMMU_HWPT_DATA_VTD_S1, 4, true },
		{ IOMMU_HWPT_DATA_SELFTEST, 8, true },
		{ IOMMU_HWPT_DATA_SELFTEST, 2, true },
		{ 0, 0, true },
	};

	return kinds[op->value % FUZZ_DATA_KINDS];
}

static struct fuzz_request build_alloc(const struct fuzz_op *op,
				       const struct fuzz_numbers *numbers,
				       struct fuzz_stage *stage,
				       union fuzz_cmd *cmd)
{
	struct iommu_hwpt_selftest what = { .iotlb = op->length2 };
	struct fuzz_hwpt_data data = fuzz_hwpt_data(op);

	memset(stage->data, 0, 8);
	memcpy(stage->data, &what, sizeof(what));
	cmd->hwpt_alloc.flags = op->flags;
	cmd->hwpt_alloc.dev_id = numbers->id;
	cmd->hwpt_alloc.pt_id = numbers->id2;
	cmd->hwpt_alloc.fault_id = numbers->id3;
	cmd->hwpt_alloc.__reserved = op->form == FUZZ_FORM_RESERVED;
	cmd->hwpt_alloc.data_type = data.type;
	cmd->hwpt_alloc.data_len = data.length;
	if (data.present)
		cmd->hwpt_alloc.data_uptr = address_of(op, stage->data);
	return FUZZ_REQUEST(IOMMU_HWPT_ALLOC, hwpt_alloc, __reserved);
}

static struct fuzz_request build_hw_info(const struct fuzz_op *op,
					 const struct fuzz_numbers *numbers,
					 struct fuzz_stage *stage,
					 union fuzz_cmd *cmd)
{
	memset(stage->data, FUZZ_UNTOUCHED, FUZZ_INFO_BYTES);
	cmd->hw_info.flags = op->flags;
	cmd->hw_info.dev_id = numbers->id;
	cmd->hw_info.data_len = op->length;
	cmd->hw_info.data_uptr = address_of(op, stage->data);
	cmd->hw_info.in_data_type = op->value;
	cmd->hw_info.__reserved[2] = op->form == FUZZ_FORM_RESERVED;
	return FUZZ_REQUEST(IOMMU_GET_HW_INFO, hw_info, __reserved);
}

/* Of every second operation all entries are good, so that some go through. */
struct iommu_hwpt_invalidate_selftest
fuzz_invalidate_entry(const struct fuzz_op *op, unsigned int index)
{
	struct fuzz_random random = { .state = op->offset + index * 7919ULL };
	struct iommu_hwpt_invalidate_selftest what = {
		.iotlb_id = fuzz_random_below(&random,
					      MOCK_NESTED_DOMAIN_IOTLB_NUM),
	};
	__u64 way = fuzz_random_below(&random, 100);

	if (way < 8)
		what.flags = IOMMU_TEST_INVALIDATE_FLAG_ALL;
	else if (way < 14 && op->offset & 1)
		what.flags = IOMMU_TEST_INVALIDATE_FLAG_ALL << 1;
	else if (way < 20 && op->offset & 1)
		what.iotlb_id = MOCK_NESTED_DOMAIN_IOTLB_ID_MAX + 1;
	return what;
}

static void put_entries(const struct fuzz_op *op, unsigned char *data)
{
	unsigned int i;

	for (i = 0; i < op->value && i < FUZZ_ENTRIES; i++) {
		struct iommu_hwpt_invalidate_selftest what =
			fuzz_invalidate_entry(op, i);
		__u64 at = i * op->length;

		if (at + sizeof(what) > FUZZ_RW_BYTES)
			return;
		memcpy(data + at, &what, sizeof(what));
	}
}

static struct fuzz_request build_invalidate(const struct fuzz_op *op,
					    const struct fuzz_numbers *numbers,
					    struct fuzz_stage *stage,
					    union fuzz_cmd *cmd)
{
	memset(stage->data, 0, FUZZ_ENTRIES * 16);
	put_entries(op, stage->data);
	cmd->invalidate.hwpt_id = numbers->id;
	cmd->invalidate.data_type = op->flags & FUZZ_INVALIDATE_TYPE ?
				    IOMMU_HWPT_INVALIDATE_DATA_SELFTEST_INVALID :
				    IOMMU_HWPT_INVALIDATE_DATA_SELFTEST;
	if (!(op->flags & FUZZ_INVALIDATE_NULL))
		cmd->invalidate.data_uptr = address_of(op, stage->data);
	cmd->invalidate.entry_len = op->length;
	cmd->invalidate.entry_num = op->value;
	cmd->invalidate.__reserved = op->form == FUZZ_FORM_RESERVED;
	return FUZZ_REQUEST(IOMMU_HWPT_INVALIDATE, invalidate, __reserved);
}

static struct fuzz_request build_check_iotlb(const struct fuzz_op *op,
					     const struct fuzz_numbers *numbers,
					     union fuzz_cmd *cmd)
{
	cmd->test.op = IOMMU_TEST_OP_MD_CHECK_IOTLB;
	cmd->test.id = numbers->id;
	cmd->test.check_iotlb.id = op->value;
	cmd->test.check_iotlb.iotlb = op->length2;
	return FUZZ_REQUEST(IOMMU_TEST_CMD, test, last);
}

static struct fuzz_request build_set_dirty(const struct fuzz_op *op,
					   const struct fuzz_numbers *numbers,
					   union fuzz_cmd *cmd)
{
	cmd->set_dirty_tracking.flags = op->flags;
	cmd->set_dirty_tracking.hwpt_id = numbers->id;
	cmd->set_dirty_tracking.__reserved = op->form == FUZZ_FORM_RESERVED;
	return FUZZ_REQUEST(IOMMU_HWPT_SET_DIRTY_TRACKING, set_dirty_tracking,
			    __reserved);
}

/* A few bits are there already, which must stay. */
void fuzz_bitmap_fill(unsigned char *data, const struct fuzz_op *op)
{
	unsigned int i;

	fuzz_memory_pattern(data, FUZZ_BITMAP_BYTES, op->offset);
	for (i = 0; i < FUZZ_BITMAP_BYTES; i++)
		data[i] &= 1 << i % 8;
}

unsigned int fuzz_bitmap_start(const struct fuzz_op *op)
{
	return FUZZ_BITMAP_EDGE + op->offset % FUZZ_BITMAP_EDGE;
}

static struct fuzz_request build_get_dirty(const struct fuzz_op *op,
					   const struct fuzz_numbers *numbers,
					   struct fuzz_stage *stage,
					   union fuzz_cmd *cmd)
{
	fuzz_bitmap_fill(stage->data, op);
	cmd->get_dirty_bitmap.hwpt_id = numbers->id;
	cmd->get_dirty_bitmap.flags = op->flags;
	cmd->get_dirty_bitmap.__reserved = op->form == FUZZ_FORM_RESERVED;
	cmd->get_dirty_bitmap.iova = op->iova;
	cmd->get_dirty_bitmap.length = op->length;
	cmd->get_dirty_bitmap.page_size = op->value;
	cmd->get_dirty_bitmap.data =
		address_of(op, stage->data + fuzz_bitmap_start(op));
	return FUZZ_REQUEST(IOMMU_HWPT_GET_DIRTY_BITMAP, get_dirty_bitmap,
			    data);
}

/* Every fourth page or so, or a single one. */
void fuzz_write_bits(unsigned char *data, const struct fuzz_op *op)
{
	__u64 npages = op->value ? op->length / op->value : 0;
	__u64 only = npages ? (op->offset >> 1) % npages : 0;
	unsigned int i;

	if (op->offset & 1) {
		memset(data, 0, FUZZ_WRITE_BITS / 8);
		if (only < FUZZ_WRITE_BITS)
			data[only / 8] = 1 << only % 8;
		return;
	}
	fuzz_memory_pattern(data, FUZZ_WRITE_BITS / 8, op->offset);
	for (i = 0; i < FUZZ_WRITE_BITS / 8; i++)
		data[i] &= data[i] >> 3 | data[i] << 5;
}

static struct fuzz_request build_write(const struct fuzz_op *op,
				       const struct fuzz_numbers *numbers,
				       struct fuzz_stage *stage,
				       union fuzz_cmd *cmd)
{
	fuzz_write_bits(stage->data, op);
	cmd->test.op = IOMMU_TEST_OP_DIRTY;
	cmd->test.id = numbers->id;
	cmd->test.dirty.flags = op->flags;
	cmd->test.dirty.iova = op->iova;
	cmd->test.dirty.length = op->length;
	cmd->test.dirty.page_size = op->value;
	cmd->test.dirty.uptr = address_of(op, stage->data);
	return FUZZ_REQUEST(IOMMU_TEST_CMD, test, last);
}

static struct fuzz_request build_fault(const struct fuzz_op *op,
				       const struct fuzz_numbers *numbers,
				       union fuzz_cmd *cmd)
{
	if (op->kind == FUZZ_QUEUE_ALLOC) {
		cmd->fault_alloc.flags = op->flags;
		return FUZZ_REQUEST(IOMMU_FAULT_QUEUE_ALLOC, fault_alloc,
				    out_fault_fd);
	}
	cmd->test.op = IOMMU_TEST_OP_TRIGGER_IOPF;
	cmd->test.trigger_iopf.dev_id = numbers->id;
	cmd->test.trigger_iopf.pasid = op->length2;
	cmd->test.trigger_iopf.grpid = op->value;
	cmd->test.trigger_iopf.perm = op->flags;
	cmd->test.trigger_iopf.addr = op->iova;
	return FUZZ_REQUEST(IOMMU_TEST_CMD, test, last);
}

struct fuzz_request fuzz_build_hwpt(const struct fuzz_op *op,
				    const struct fuzz_numbers *numbers,
				    struct fuzz_stage *stage,
				    union fuzz_cmd *cmd)
{
	switch (op->kind) {
	case FUZZ_HW_INFO:
		return build_hw_info(op, numbers, stage, cmd);
	case FUZZ_HWPT_ALLOC:
		return build_alloc(op, numbers, stage, cmd);
	case FUZZ_INVALIDATE:
		return build_invalidate(op, numbers, stage, cmd);
	case FUZZ_CHECK_IOTLB:
		return build_check_iotlb(op, numbers, cmd);
	case FUZZ_SET_DIRTY:
		return build_set_dirty(op, numbers, cmd);
	case FUZZ_DIRTY_WRITE:
		return build_write(op, numbers, stage, cmd);
	case FUZZ_GET_DIRTY:
		return build_get_dirty(op, numbers, stage, cmd);
	}
	return build_fault(op, numbers, cmd);
}

static ssize_t read_file(const struct fuzz_op *op,
			 const struct fuzz_numbers *numbers,
			 struct fuzz_stage *stage, struct fuzz_answer *answer)
{
	if (op->flags & FUZZ_READ_CUT)
		answer->data = (unsigned char *)stage->writable + FUZZ_PAGE -
			       op->value;
	return read(numbers->queue,
		    (void *)(uintptr_t)address_of(op, answer->data),
		    op->length);
}

static ssize_t write_file(const struct fuzz_op *op,
			  const struct fuzz_numbers *numbers,
			  struct fuzz_stage *stage)
{
	struct iommu_hwpt_page_response answers[FUZZ_ANSWERS];
	unsigned int i;

	for (i = 0; i < FUZZ_ANSWERS; i++) {
		answers[i].cookie = numbers->cookies[i];
		answers[i].code = op->flags >> 4 * i & 15;
	}
	memcpy(stage->data, answers, sizeof(answers));
	return write(numbers->queue,
		     (void *)(uintptr_t)address_of(op, stage->data),
		     op->length);
}

void fuzz_issue_file(const struct fuzz_op *op,
		     const struct fuzz_numbers *numbers,
		     struct fuzz_stage *stage, struct fuzz_answer *answer)
{
	ssize_t ret = op->kind == FUZZ_FAULT_READ ?
		      read_file(op, numbers, stage, answer) :
		      write_file(op, numbers, stage);

	answer->ret = ret < 0 ? -errno : ret;
}
