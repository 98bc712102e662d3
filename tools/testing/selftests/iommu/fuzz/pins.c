// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * The model of pinning: a page is pinned while an area of an IOAS with a page
 * table, or an access, covers it. It is charged once, and it is the frame that
 * was there when the first of them came.
 */
#include "pins.h"

#include <errno.h>
#include <stdlib.h>

#include "files.h"
#include "ioas.h"

void fuzz_pages_put(struct fuzz_pages *pages)
{
	if (pages->refs && --pages->refs)
		return;
	if (pages->file)
		fuzz_file_add_writers(pages->file, -(int)pages->writable);
	free(pages->users);
	free(pages->frames);
	free(pages);
}

static struct fuzz_page *page_of(const struct fuzz_pages *pages, __u64 index)
{
	return fuzz_memory_page(pages->va + index * FUZZ_PAGE);
}

static __u16 *users_of(const struct fuzz_pages *pages, __u64 index)
{
	struct fuzz_page *page = page_of(pages, index);

	if (!page || !pages->users)
		return NULL;
	return &pages->users[fuzz_memory_number(page)];
}

bool fuzz_pages_pinned(const struct fuzz_pages *pages, __u64 index)
{
	__u16 *users = users_of(pages, index);

	return users && *users;
}

/* The frame that is pinned; NULL if none is. */
struct fuzz_frame *fuzz_pages_frame(const struct fuzz_pages *pages, __u64 index)
{
	if (!fuzz_pages_pinned(pages, index))
		return NULL;
	return pages->frames[fuzz_memory_number(page_of(pages, index))];
}

static __u64 *account(struct fuzz_model *model, const struct fuzz_pages *pages)
{
	if (pages->process)
		return &model->charged_process;
	return pages->limited ? &model->charged_user : NULL;
}

static void change_account(struct fuzz_model *model, struct fuzz_pages *pages,
			   __s64 by)
{
	__u64 *charged = account(model, pages);

	if (charged)
		*charged += by;
	model->pinned += by;
	pages->npinned += by;
}

static bool can_pin(const struct fuzz_pages *pages, __u64 index)
{
	struct fuzz_page *page = page_of(pages, index);

	if (pages->file)
		return page && page->mapped;
	return page && page->mapped && page->readable &&
	       (page->writable || !pages->writable);
}

/* Why pages from @first to @last cannot be pinned; 0 if they can. */
static fuzz_errnos pin_errnos(struct fuzz_model *model,
			      struct fuzz_pages *pages, __u64 first, __u64 last)
{
	__u64 *charged = account(model, pages);
	fuzz_errnos errnos = 0;
	__u64 i, missing = 0;

	/* So much memory is nowhere, so some of it cannot be there. */
	if (last - first >= FUZZ_PAGES_MAX) {
		errnos = FUZZ_ERRNO(EFAULT);
		missing = last - first + 1;
	}
	for (i = first; !errnos && i <= last; i++) {
		if (fuzz_pages_pinned(pages, i))
			continue;
		missing++;
		if (!can_pin(pages, i)) {
			errnos = FUZZ_ERRNO(EFAULT);
			missing += last - i;
		}
	}
	if (pages->limited && *charged + missing > model->limit)
		errnos |= FUZZ_ERRNO(ENOMEM);
	return errnos;
}

/*
 * Pin, or tell why not: the errnos that apply, 0 when it is done. A BAR is not
 * pinned, so there is nothing to do.
 */
fuzz_errnos fuzz_pages_pin(struct fuzz_model *model, struct fuzz_pages *pages,
			   __u64 first, __u64 last)
{
	fuzz_errnos errnos;
	__u64 i;

	if (pages->bar)
		return 0;
	errnos = pin_errnos(model, pages, first, last);
	if (errnos)
		return errnos;
	if (!pages->users) {
		pages->users = calloc(FUZZ_PAGES_MAX, sizeof(*pages->users));
		pages->frames = calloc(FUZZ_PAGES_MAX, sizeof(*pages->frames));
		if (!pages->users || !pages->frames)
			abort();
	}
	for (i = first; i <= last; i++) {
		struct fuzz_page *page = page_of(pages, i);
		unsigned int number = fuzz_memory_number(page);

		if (pages->users[number]++)
			continue;
		pages->frames[number] = page->frame;
		page->frame->pins++;
		change_account(model, pages, 1);
	}
	return 0;
}

void fuzz_pages_unpin(struct fuzz_model *model, struct fuzz_pages *pages,
		      __u64 first, __u64 last)
{
	__u64 i;

	for (i = first; !pages->bar && i <= last; i++) {
		unsigned int number = fuzz_memory_number(page_of(pages, i));

		if (--pages->users[number])
			continue;
		pages->frames[number]->pins--;
		pages->frames[number] = NULL;
		change_account(model, pages, -1);
	}
}

static __u64 part_last(const struct fuzz_part *part)
{
	return (part->start + part->length - 1) / FUZZ_PAGE;
}

void fuzz_unpin_parts(struct fuzz_model *model, const struct fuzz_part *parts,
		      int count)
{
	for (; count; count--, parts++)
		fuzz_pages_unpin(model, parts->pages, parts->start / FUZZ_PAGE,
				 part_last(parts));
}

/* Pin all parts, or none. */
fuzz_errnos fuzz_pin_parts(struct fuzz_model *model,
			   const struct fuzz_part *parts, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		fuzz_errnos errnos;

		errnos = fuzz_pages_pin(model, parts[i].pages,
					parts[i].start / FUZZ_PAGE,
					part_last(&parts[i]));
		if (errnos) {
			fuzz_unpin_parts(model, parts, i);
			return errnos;
		}
	}
	return 0;
}

static void part_of_area(struct fuzz_area *area, struct fuzz_part *part)
{
	part->area = area;
	part->pages = area->pages;
	part->start = area->start;
	part->length = area->last - area->iova + 1;
}

void fuzz_unfill(struct fuzz_model *model, struct fuzz_object *ioas)
{
	struct fuzz_part part;
	unsigned int i;

	for (i = 0; i < ioas->nr_areas; i++) {
		if (!ioas->areas[i]->filled)
			continue;
		part_of_area(ioas->areas[i], &part);
		fuzz_unpin_parts(model, &part, 1);
		ioas->areas[i]->filled = false;
	}
}

/* Fill all areas for the first page table, or none. */
fuzz_errnos fuzz_fill(struct fuzz_model *model, struct fuzz_object *ioas)
{
	fuzz_errnos errnos;
	struct fuzz_part part;
	unsigned int i;

	for (i = 0; i < ioas->nr_areas; i++) {
		if (ioas->areas[i]->filled)
			continue;
		part_of_area(ioas->areas[i], &part);
		errnos = fuzz_pin_parts(model, &part, 1);
		if (errnos) {
			fuzz_unfill(model, ioas);
			return errnos;
		}
		ioas->areas[i]->filled = true;
	}
	return 0;
}

void fuzz_pin_forget(struct fuzz_model *model, struct fuzz_access *access,
		     struct fuzz_pin *pin)
{
	struct fuzz_part parts[FUZZ_PARTS];
	bool whole;
	int count = fuzz_ioas_parts(access->ioas, pin->iova, pin->last, parts,
				    &whole);

	fuzz_unpin_parts(model, parts, count);
	pin->used = false;
}

/* A range goes away, so the access unpins all that touches it. */
void fuzz_access_notify(struct fuzz_model *model, struct fuzz_access *access,
			__u64 iova, __u64 last)
{
	int i;

	for (i = 0; i < FUZZ_PINS; i++) {
		struct fuzz_pin *pin = &access->pins[i];

		if (pin->used && pin->iova <= last && iova <= pin->last)
			fuzz_pin_forget(model, access, pin);
	}
}
