// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * What predictions and effects have in common.
 */
#include "rules.h"

#include <errno.h>
#include <stddef.h>

#include "ioas.h"
#include "pins.h"

#define E(name)		FUZZ_ERRNO(name)

/* Where areas would go. */
fuzz_errnos fuzz_place_errnos(const struct fuzz_context *context,
			      const struct fuzz_object *ioas,
			      const struct fuzz_part *parts, int count,
			      bool fixed, __u64 iova)
{
	__u64 alignment = fuzz_ioas_alignment(context, ioas);
	fuzz_errnos errnos = 0;
	__u64 last, length = 0;
	int i;

	for (i = 0; i < count; i++) {
		if ((parts[i].start | parts[i].length) % alignment)
			errnos |= E(EINVAL);
		length += parts[i].length;
	}
	if (!fixed) {
		if (!errnos && !fuzz_ioas_has_room(context, ioas, length))
			errnos |= E(ENOSPC);
		return errnos;
	}
	if (fuzz_wraps(iova, length))
		return errnos | E(EOVERFLOW);
	last = iova + length - 1;
	if (iova % alignment || fuzz_ioas_reserved(ioas, iova, last))
		errnos |= E(EINVAL);
	i = fuzz_ioas_first(ioas, iova);
	if ((unsigned int)i < ioas->nr_areas && ioas->areas[i]->iova <= last)
		errnos |= E(EEXIST);
	return errnos;
}

/* Whether page tables could be filled with areas. */
fuzz_errnos fuzz_fill_errnos(struct fuzz_model *model,
			     const struct fuzz_object *ioas,
			     const struct fuzz_part *parts, int count)
{
	fuzz_errnos errnos;

	if (!ioas->domains)
		return 0;
	errnos = fuzz_pin_parts(model, parts, count);
	if (!errnos)
		fuzz_unpin_parts(model, parts, count);
	return errnos;
}

/*
 * The frame that a copy reaches. The process that mapped the memory copies by
 * address, unless it is told to take the slow path: that goes to what is pinned
 * first. There is no other way to a file. Nobody copies from a BAR, which is no
 * page of memory.
 */
struct fuzz_frame *fuzz_rw_frame(const struct fuzz_part *part, __u64 offset,
				 bool slow, bool write)
{
	__u64 at = (part->start + offset) / FUZZ_PAGE;
	struct fuzz_page *page;

	if ((slow || part->pages->file) && fuzz_pages_pinned(part->pages, at))
		return fuzz_pages_frame(part->pages, at);
	page = fuzz_memory_page(part->pages->va + at * FUZZ_PAGE);
	if (part->pages->file)
		return page && page->mapped ? page->frame : NULL;
	if (!page || !page->mapped || !page->readable ||
	    (write && !page->writable))
		return NULL;
	return page->frame;
}
