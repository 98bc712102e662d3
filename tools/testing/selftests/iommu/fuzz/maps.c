// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "maps.h"

#include <errno.h>
#include <stdlib.h>

#include "bar.h"
#include "files.h"
#include "pins.h"

static struct fuzz_part part_alloc(const struct fuzz_model *model,
				   const struct fuzz_context *context,
				   __u64 va, __u64 length, bool writable)
{
	struct fuzz_pages *pages = calloc(1, sizeof(*pages));
	struct fuzz_part part = {
		.pages = pages,
		.start = va % FUZZ_PAGE,
		.length = length,
	};

	if (!pages)
		abort();
	pages->va = va - part.start;
	pages->npages = (part.start + length - 1) / FUZZ_PAGE + 1;
	pages->writable = writable;
	pages->process = context->process;
	pages->limited = model->limit;
	return part;
}

int fuzz_map_parts(const struct fuzz_model *model,
		   const struct fuzz_context *context, const struct fuzz_op *op,
		   bool writable, struct fuzz_part *parts)
{
	__u64 va = fuzz_op_va(op), end = va + op->length, next;
	int count = 0;
	bool bar;

	if (op->kind == FUZZ_MAP_FILE) {
		parts[0] = part_alloc(model, context, va, op->length, writable);
		parts[0].pages->file = op->memory;
		fuzz_file_add_writers(op->memory, writable);
		return 1;
	}
	for (; va < end; va = next) {
		next = fuzz_bar_piece(va, end, &bar);
		parts[count] = part_alloc(model, context, va, next - va,
					  writable);
		parts[count].pages->bar = bar;
		count++;
	}
	return count;
}

void fuzz_map_put(const struct fuzz_part *parts, int count)
{
	while (count--)
		fuzz_pages_put(parts[count].pages);
}

fuzz_errnos fuzz_map_errnos(const struct fuzz_part *parts, int count)
{
	for (; count; count--, parts++)
		if (parts->pages->bar &&
		    !fuzz_bar_pages_reachable(parts->pages))
			return FUZZ_ERRNO(EFAULT);
	return 0;
}

bool fuzz_bar_pages_reachable(const struct fuzz_pages *pages)
{
	return !pages->gone && fuzz_bar_reachable(pages->va, pages->npages,
						  pages->writable);
}

__u64 fuzz_bar_area_offset(const struct fuzz_area *area)
{
	return fuzz_bar_offset(area->pages->va) + area->start;
}
