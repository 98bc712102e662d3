// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * The model of tracking: what was written since it was read shows in the bitmap,
 * and nothing else of the bitmap changes.
 */
#include "dirty.h"

#include <errno.h>
#include <string.h>

#include "ioas.h"
#include "marks.h"
#include "requests.h"
#include "rules.h"

#define E(name)		FUZZ_ERRNO(name)

/* The smallest page of GET_DIRTY_BITMAP. */
#define PAGE_SIZE_MIN	512

static struct fuzz_object *table_of(struct fuzz_context *context,
				    const struct fuzz_op *op)
{
	return fuzz_model_find(context, fuzz_model_id(context, op->object),
			       FUZZ_HWPT);
}

static bool is_power_of_2(__u64 number)
{
	return number && !(number & (number - 1));
}

static fuzz_errnos table_errnos(const struct fuzz_object *hwpt)
{
	if (!hwpt)
		return E(ENOENT);
	return hwpt->trackable ? 0 : E(EOPNOTSUPP);
}

static fuzz_errnos predict_set(struct fuzz_context *context,
			       const struct fuzz_op *op)
{
	fuzz_errnos errnos = table_errnos(table_of(context, op));

	if (op->flags & ~(__u32)IOMMU_HWPT_DIRTY_TRACKING_ENABLE)
		errnos |= E(EOPNOTSUPP);
	return errnos ? errnos : FUZZ_SUCCESS;
}

/* What a device cannot write. */
static fuzz_errnos write_errnos(struct fuzz_context *context,
				const struct fuzz_op *op)
{
	const struct fuzz_object *hwpt = table_of(context, op);
	fuzz_errnos errnos = 0;

	if (op->flags)
		errnos |= E(EOPNOTSUPP);
	if (!op->length || !is_power_of_2(op->value) ||
	    op->value < FUZZ_IOPTE || (op->iova | op->length) % op->value)
		errnos |= E(EINVAL);
	if (fuzz_wraps(op->iova, op->length))
		errnos |= E(EOVERFLOW);
	if (!hwpt)
		errnos |= E(ENOENT);
	else if (!hwpt->tracking)
		errnos |= E(EINVAL);
	if (!errnos && op->form == FUZZ_FORM_BAD_POINTER)
		errnos = E(EFAULT);
	return errnos;
}

static fuzz_errnos predict_write(struct fuzz_context *context,
				 const struct fuzz_op *op)
{
	fuzz_errnos errnos = write_errnos(context, op);

	if (!errnos && op->length / op->value > FUZZ_WRITE_BITS)
		return 0;
	if (!errnos && op->form == FUZZ_FORM_READ_ONLY)
		errnos = E(EFAULT);
	return errnos ? errnos : FUZZ_SUCCESS;
}

static fuzz_errnos range_errnos(const struct fuzz_op *op)
{
	fuzz_errnos errnos = 0;

	if (op->flags & ~(__u32)IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR)
		errnos |= E(EOPNOTSUPP);
	if (!op->length || !is_power_of_2(op->value) ||
	    op->value < PAGE_SIZE_MIN || op->iova % op->value)
		errnos |= E(EINVAL);
	if (fuzz_wraps(op->iova, op->length))
		errnos |= E(EOVERFLOW);
	return errnos;
}

static fuzz_errnos predict_get(struct fuzz_context *context,
			       const struct fuzz_op *op)
{
	const struct fuzz_object *hwpt = table_of(context, op);
	fuzz_errnos errnos = range_errnos(op) | table_errnos(hwpt);
	unsigned int i;

	if (hwpt && hwpt->trackable && !hwpt->tracking)
		errnos |= E(EINVAL);
	if (errnos)
		return errnos;
	if ((op->length - 1) / op->value >= FUZZ_BITMAP_BITS)
		return 0;
	/* Where nothing is mapped nobody looks at the bitmap. */
	i = fuzz_ioas_first(hwpt->ioas, op->iova);
	if (op->form == FUZZ_FORM_BAD_POINTER && i < hwpt->ioas->nr_areas &&
	    hwpt->ioas->areas[i]->iova <= op->iova + (op->length - 1))
		return E(EFAULT);
	return FUZZ_SUCCESS;
}

fuzz_errnos fuzz_dirty_predict(struct fuzz_context *context,
			       const struct fuzz_op *op)
{
	switch (op->kind) {
	case FUZZ_SET_DIRTY:
		return predict_set(context, op);
	case FUZZ_DIRTY_WRITE:
		return predict_write(context, op);
	}
	return predict_get(context, op);
}

static const char *apply_set(struct fuzz_object *hwpt,
			     const struct fuzz_op *op)
{
	bool enable = op->flags & IOMMU_HWPT_DIRTY_TRACKING_ENABLE;

	if (enable && !hwpt->tracking)
		fuzz_marks_forget_table(hwpt);
	hwpt->tracking = enable;
	return NULL;
}

/* Also if the answer cannot be written. */
static const char *apply_write(struct fuzz_context *context,
			       const struct fuzz_op *op,
			       const struct fuzz_answer *answer)
{
	const struct fuzz_object *hwpt = table_of(context, op);
	unsigned char bits[FUZZ_WRITE_BITS / 8];
	__u64 i, count = 0;

	if (write_errnos(context, op))
		return NULL;
	fuzz_write_bits(bits, op);
	for (i = 0; i < op->length / op->value; i++)
		if (bits[i / 8] >> i % 8 & 1)
			count += fuzz_marks_write(hwpt,
						  op->iova + i * op->value);
	if (!answer->ret && answer->cmd.test.dirty.out_nr_dirty != count)
		return fuzz_wrong("device wrote %llu pages, expected %llu",
				  (long long)answer->cmd.test.dirty.out_nr_dirty,
				  (long long)count);
	return NULL;
}

/* Bits that were set stay, and so do those that have no meaning. */
static const char *compare_bitmap(const struct fuzz_op *op,
				  const struct fuzz_bits *bits,
				  const unsigned char *data)
{
	static unsigned char before[FUZZ_BITMAP_BYTES];
	unsigned int start = fuzz_bitmap_start(op);
	unsigned int i;

	fuzz_bitmap_fill(before, op);
	for (i = 0; i < FUZZ_BITMAP_BYTES; i++) {
		bool in = i >= start && i - start < FUZZ_BITMAP_BITS / 8;
		unsigned char set = before[i] | (in ? bits->set[i - start] : 0);
		unsigned char maybe =
			before[i] | (in ? bits->maybe[i - start] : 0);

		if ((data[i] & set) != set || data[i] & ~maybe)
			return fuzz_wrong("dirty bits %d-%d: 0x%02x, expected 0x%02x to 0x%02x",
					  ((int)i - (int)start) * 8,
					  ((int)i - (int)start) * 8 + 7,
					  data[i], set, maybe);
	}
	return NULL;
}

static const char *apply_get(struct fuzz_context *context,
			     const struct fuzz_op *op,
			     const struct fuzz_answer *answer)
{
	static unsigned char set[FUZZ_BITMAP_BITS / 8];
	static unsigned char maybe[FUZZ_BITMAP_BITS / 8];
	struct fuzz_bits bits = {
		.iova = op->iova,
		.last = op->iova + (op->length - 1),
		.page_size = op->value,
		.set = set,
		.maybe = maybe,
	};

	memset(set, 0, sizeof(set));
	memset(maybe, 0, sizeof(maybe));
	fuzz_marks_read(table_of(context, op), &bits,
			!(op->flags & IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR));
	/* Elsewhere it had nothing to write. */
	if (op->form == FUZZ_FORM_BAD_POINTER)
		return NULL;
	return compare_bitmap(op, &bits, answer->data);
}

const char *fuzz_dirty_apply(struct fuzz_context *context,
			     const struct fuzz_op *op,
			     const struct fuzz_answer *answer)
{
	if (op->kind == FUZZ_DIRTY_WRITE)
		return !answer->ret || op->form == FUZZ_FORM_READ_ONLY ?
		       apply_write(context, op, answer) : NULL;
	if (answer->ret)
		return NULL;
	return op->kind == FUZZ_SET_DIRTY ?
	       apply_set(table_of(context, op), op) :
	       apply_get(context, op, answer);
}
