// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * The model of dirty bits.
 *
 * Where an IOPTE may be huge, nobody tells whether it is. Then a write marks all
 * that would be in it, as what may be dirty.
 */
#include "marks.h"

#include <stdlib.h>
#include <string.h>

#include "ioas.h"
#include "maps.h"

#define HUGE_IOPTE	0x200000ULL

enum fuzz_mark {
	CLEAN,
	MAYBE_DIRTY,
	DIRTY,
};

/**
 * struct fuzz_marks - what was written through one page table in one area
 * @next: the same for another page table
 * @hwpt: the page table
 * @units: for each FUZZ_IOPTE bytes, of enum fuzz_mark
 */
struct fuzz_marks {
	struct fuzz_marks *next;
	const struct fuzz_object *hwpt;
	unsigned char units[];
};

/* Units from @first to @last. */
struct span {
	__u64 first;
	__u64 last;
};

static struct fuzz_marks *find_marks(const struct fuzz_area *area,
				     const struct fuzz_object *hwpt)
{
	struct fuzz_marks *marks = area->marks;

	while (marks && marks->hwpt != hwpt)
		marks = marks->next;
	return marks;
}

static __u64 count_units(const struct fuzz_area *area)
{
	return (area->last - area->iova) / FUZZ_IOPTE + 1;
}

static struct fuzz_marks *make_marks(struct fuzz_area *area,
				     const struct fuzz_object *hwpt)
{
	struct fuzz_marks *marks = find_marks(area, hwpt);

	if (marks)
		return marks;
	marks = calloc(1, sizeof(*marks) + count_units(area));
	if (!marks)
		abort();
	marks->hwpt = hwpt;
	marks->next = area->marks;
	area->marks = marks;
	return marks;
}

/* What may be one IOPTE with a unit in it. */
static struct span span_of(const struct fuzz_area *area,
			   const struct fuzz_object *hwpt, __u64 unit)
{
	__u64 iova = area->iova + unit * FUZZ_IOPTE;
	__u64 start = iova & -HUGE_IOPTE;

	if (!hwpt->huge || start < area->iova ||
	    area->last - start < HUGE_IOPTE - 1)
		return (struct span){ unit, unit };
	unit = (start - area->iova) / FUZZ_IOPTE;
	return (struct span){ unit, unit + HUGE_IOPTE / FUZZ_IOPTE - 1 };
}

bool fuzz_marks_write(const struct fuzz_object *hwpt, __u64 iova)
{
	const struct fuzz_object *ioas = hwpt->ioas;
	unsigned int i = fuzz_ioas_first(ioas, iova);
	struct fuzz_marks *marks;
	struct span span;
	__u64 unit;

	if (i == ioas->nr_areas || ioas->areas[i]->iova > iova)
		return false;
	if (ioas->areas[i]->pages->bar &&
	    !fuzz_bar_pages_reachable(ioas->areas[i]->pages))
		return false;
	marks = make_marks(ioas->areas[i], hwpt);
	unit = (iova - ioas->areas[i]->iova) / FUZZ_IOPTE;
	span = span_of(ioas->areas[i], hwpt, unit);
	for (; span.first <= span.last; span.first++)
		if (marks->units[span.first] == CLEAN)
			marks->units[span.first] = MAYBE_DIRTY;
	marks->units[unit] = DIRTY;
	return true;
}

/* The bits of a range of IOVA that is in that of the bitmap. */
static void set_bits(unsigned char *bitmap, const struct fuzz_bits *bits,
		     __u64 iova, __u64 last)
{
	__u64 bit = (iova - bits->iova) / bits->page_size;

	for (; bit <= (last - bits->iova) / bits->page_size; bit++)
		bitmap[bit / 8] |= 1 << bit % 8;
}

static void show_unit(const struct fuzz_bits *bits, enum fuzz_mark mark,
		      __u64 iova)
{
	__u64 last = iova + FUZZ_IOPTE - 1;

	if (mark == CLEAN || iova > bits->last || last < bits->iova)
		return;
	if (iova < bits->iova)
		iova = bits->iova;
	if (last > bits->last)
		last = bits->last;
	set_bits(bits->maybe, bits, iova, last);
	if (mark == DIRTY)
		set_bits(bits->set, bits, iova, last);
}

static bool is_inside(const struct fuzz_bits *bits,
		      const struct fuzz_area *area, const struct span *span)
{
	return area->iova + span->first * FUZZ_IOPTE >= bits->iova &&
	       area->iova + span->last * FUZZ_IOPTE + FUZZ_IOPTE - 1 <=
		       bits->last;
}

/* An IOPTE that reaches out of the range stays as it is. */
static enum fuzz_mark mark_after(const struct fuzz_bits *bits,
				 const struct fuzz_area *area,
				 const struct fuzz_object *hwpt,
				 enum fuzz_mark mark, __u64 unit)
{
	struct span alone = { unit, unit };
	struct span span = span_of(area, hwpt, unit);

	if (mark == CLEAN || !is_inside(bits, area, &alone))
		return mark;
	return is_inside(bits, area, &span) ? CLEAN : MAYBE_DIRTY;
}

static void read_area(const struct fuzz_area *area,
		      const struct fuzz_object *hwpt,
		      const struct fuzz_bits *bits, bool clear)
{
	struct fuzz_marks *marks = find_marks(area, hwpt);
	__u64 unit, count = marks ? count_units(area) : 0;

	for (unit = 0; unit < count; unit++) {
		show_unit(bits, marks->units[unit],
			  area->iova + unit * FUZZ_IOPTE);
		if (clear)
			marks->units[unit] = mark_after(bits, area, hwpt,
							marks->units[unit],
							unit);
	}
}

void fuzz_marks_read(const struct fuzz_object *hwpt,
		     const struct fuzz_bits *bits, bool clear)
{
	const struct fuzz_object *ioas = hwpt->ioas;
	unsigned int i = fuzz_ioas_first(ioas, bits->iova);

	for (; i < ioas->nr_areas && ioas->areas[i]->iova <= bits->last; i++)
		read_area(ioas->areas[i], hwpt, bits, clear);
}

static void forget_marks(struct fuzz_area *area, const struct fuzz_object *hwpt)
{
	struct fuzz_marks **at = &area->marks;

	while (*at) {
		struct fuzz_marks *marks = *at;

		if (hwpt && marks->hwpt != hwpt) {
			at = &marks->next;
			continue;
		}
		*at = marks->next;
		free(marks);
	}
}

void fuzz_marks_forget_table(const struct fuzz_object *hwpt)
{
	unsigned int i;

	for (i = 0; i < hwpt->ioas->nr_areas; i++)
		forget_marks(hwpt->ioas->areas[i], hwpt);
}

void fuzz_marks_forget_area(struct fuzz_area *area)
{
	forget_marks(area, NULL);
}
