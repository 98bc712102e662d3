// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Which errnos operations on accesses may return.
 */
#include "accesses.h"

#include <errno.h>

#include "bar.h"
#include "ioas.h"
#include "pins.h"
#include "rules.h"

#define E(name)		FUZZ_ERRNO(name)

/* More than this ACCESS_PAGES and ACCESS_RW need not do. */
#define PIN_BYTES_MAX	(1ULL << 30)
#define RW_BYTES_MAX	(4ULL << 20)

static fuzz_errnos predict_create_access(struct fuzz_context *context,
					 const struct fuzz_op *op)
{
	struct fuzz_object *ioas = fuzz_model_find(context,
				fuzz_model_id(context, op->object), FUZZ_IOAS);
	fuzz_errnos errnos = 0;

	if (fuzz_model_access(context, op->result % FUZZ_ACCESSES))
		return 0;
	if (op->flags & ~(__u32)MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES)
		errnos |= E(EOPNOTSUPP);
	if (!ioas)
		errnos |= E(ENOENT);
	else if (op->flags && fuzz_ioas_misaligned(ioas, FUZZ_PAGE))
		errnos |= E(EADDRINUSE);
	if (!errnos && op->form == FUZZ_FORM_READ_ONLY)
		errnos = E(EFAULT);
	return errnos ? errnos : FUZZ_SUCCESS;
}

/* A selector that is no access is no file, or that of the context. */
static fuzz_errnos no_access(const struct fuzz_op *op)
{
	return op->object < FUZZ_ACCESSES ? E(EBADF) : E(EINVAL);
}

/* Do the pages of a range of IOVA come one after the other at an address? */
static fuzz_errnos compare_errnos(const struct fuzz_part *parts, int count,
				  __u64 va)
{
	int i;

	va -= va % FUZZ_PAGE;
	for (i = 0; i < count; i++) {
		const struct fuzz_part *part = &parts[i];
		__u64 at = part->start / FUZZ_PAGE;

		for (; at <= (part->start + part->length - 1) / FUZZ_PAGE;
		     at++, va += FUZZ_PAGE) {
			struct fuzz_page *page = fuzz_memory_page(va);

			if (!page || !page->mapped || !page->readable)
				return E(EFAULT);
			if (fuzz_pages_frame(part->pages, at) != page->frame)
				return E(EINVAL);
		}
	}
	return 0;
}

static fuzz_errnos range_errnos(const struct fuzz_access *access,
				const struct fuzz_op *op, bool write,
				struct fuzz_part *parts, int *count)
{
	__u32 right = write ? IOMMU_IOAS_MAP_WRITEABLE : IOMMU_IOAS_MAP_READABLE;
	fuzz_errnos errnos = 0;
	bool whole;
	int i;

	if (!op->length)
		return E(EINVAL);
	if (fuzz_wraps(op->iova, op->length))
		return E(EOVERFLOW);
	*count = fuzz_ioas_parts(access->ioas, op->iova,
				 op->iova + op->length - 1, parts, &whole);
	if (!whole)
		errnos |= E(ENOENT);
	for (i = 0; i < *count; i++)
		if (!(parts[i].area->prot & right))
			errnos |= E(EPERM);
	return errnos;
}

/* A BAR cannot be pinned. */
static fuzz_errnos bar_errnos(const struct fuzz_part *parts, int count)
{
	for (; count; count--, parts++)
		if (parts->pages->bar)
			return E(EINVAL);
	return 0;
}

static bool pins_full(const struct fuzz_access *access)
{
	int i;

	for (i = 0; i < FUZZ_PINS; i++)
		if (!access->pins[i].used)
			return false;
	return true;
}

static fuzz_errnos predict_pin(struct fuzz_model *model,
			       struct fuzz_context *context,
			       const struct fuzz_op *op)
{
	struct fuzz_access *access = fuzz_model_access(context, op->object);
	struct fuzz_part parts[FUZZ_PARTS];
	fuzz_errnos errnos = 0;
	int count = 0;

	if (!access)
		return no_access(op);
	if (pins_full(access))
		return 0;
	if (op->flags & ~(__u32)MOCK_FLAGS_ACCESS_WRITE)
		errnos |= E(EOPNOTSUPP);
	if (!access->pinning)
		errnos |= E(EINVAL);
	if (op->length > PIN_BYTES_MAX)
		errnos |= E(ENOMEM);
	errnos |= range_errnos(access, op, op->flags & MOCK_FLAGS_ACCESS_WRITE,
			       parts, &count);
	if (count < 0)
		return 0;
	/* What comes before a hole or a BAR may be pinned first, or try to. */
	if (errnos & ~(E(ENOENT) | E(EPERM)))
		return errnos;
	errnos |= bar_errnos(parts, count);
	if (fuzz_pin_parts(model, parts, count))
		return errnos | fuzz_pin_parts(model, parts, count);
	if (!errnos && op->value)
		errnos = compare_errnos(parts, count, fuzz_op_va(op));
	if (!errnos && op->form == FUZZ_FORM_READ_ONLY)
		errnos = E(EFAULT);
	fuzz_unpin_parts(model, parts, count);
	return errnos ? errnos : FUZZ_SUCCESS;
}

/* By address, what was no BAR when it was mapped can be one by now. */
static bool has_become_bar(const struct fuzz_part *parts, int count)
{
	for (; count; count--, parts++) {
		const struct fuzz_pages *pages = parts->pages;

		if (!pages->bar && !pages->file &&
		    fuzz_bar_is_near(pages->va, pages->npages))
			return true;
	}
	return false;
}

static fuzz_errnos predict_rw(struct fuzz_context *context,
			      const struct fuzz_op *op)
{
	__u32 known = MOCK_ACCESS_RW_WRITE | MOCK_ACCESS_RW_SLOW_PATH |
		      MOCK_ACCESS_RW_KTHREAD;
	struct fuzz_access *access = fuzz_model_access(context, op->object);
	bool write = op->flags & MOCK_ACCESS_RW_WRITE;
	struct fuzz_part parts[FUZZ_PARTS];
	fuzz_errnos errnos = 0;
	int i, count = 0;

	if (!access)
		return no_access(op);
	if (op->flags & ~known)
		errnos |= E(EOPNOTSUPP);
	if (op->length > RW_BYTES_MAX)
		errnos |= E(ENOMEM);
	if (op->length && op->form == FUZZ_FORM_BAD_POINTER)
		errnos |= E(EFAULT);
	errnos |= range_errnos(access, op, write, parts, &count);
	if (count < 0 || has_become_bar(parts, count))
		return 0;
	for (i = 0; i < count; i++) {
		__u64 offset = 0;

		for (; offset < parts[i].length && !(errnos & E(ENOMEM)) &&
		     !(errnos & E(EFAULT));
		     offset += FUZZ_PAGE -
			       (parts[i].start + offset) % FUZZ_PAGE)
			if (!fuzz_rw_frame(&parts[i], offset,
					   op->flags & MOCK_ACCESS_RW_SLOW_PATH,
					   write))
				errnos |= E(EFAULT);
	}
	return errnos ? errnos : FUZZ_SUCCESS;
}

fuzz_errnos fuzz_access_predict(struct fuzz_model *model,
				const struct fuzz_op *op)
{
	struct fuzz_context *context = &model->contexts[op->context];
	struct fuzz_access *access = fuzz_model_access(context, op->object);
	struct fuzz_object *ioas;

	switch (op->kind) {
	case FUZZ_CREATE_ACCESS:
		return predict_create_access(context, op);
	case FUZZ_CLOSE_ACCESS:
		return access ? FUZZ_SUCCESS : 0;
	case FUZZ_ACCESS_PAGES:
		return predict_pin(model, context, op);
	case FUZZ_ACCESS_RW:
		return predict_rw(context, op);
	}
	if (!access)
		return no_access(op);
	if (op->kind == FUZZ_DESTROY_ACCESS_PAGES)
		return op->object2 < FUZZ_PINS &&
		       access->pins[op->object2].used ? FUZZ_SUCCESS : E(ENOENT);
	ioas = fuzz_model_find(context, fuzz_model_id(context, op->object2),
			       FUZZ_IOAS);
	if (!ioas)
		return E(ENOENT);
	if (access->pinning && fuzz_ioas_misaligned(ioas, FUZZ_PAGE))
		return E(EADDRINUSE);
	return FUZZ_SUCCESS;
}
