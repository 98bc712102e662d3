// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * The model of an IOAS: its areas, and which IOVA can be used.
 */
#include "ioas.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool fuzz_overlap(const struct iommu_iova_range *ranges, unsigned int count,
		  __u64 start, __u64 last)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (ranges[i].start <= last && start <= ranges[i].last)
			return true;
	return false;
}

/* What areas have to be a multiple of. */
__u64 fuzz_ioas_alignment(const struct fuzz_context *context,
			  const struct fuzz_object *ioas)
{
	int i;

	if (ioas->small_pages)
		return FUZZ_PAGE;
	for (i = 0; i < FUZZ_ACCESSES; i++)
		if (context->accesses[i].fd >= 0 &&
		    context->accesses[i].ioas == ioas &&
		    context->accesses[i].pinning)
			return FUZZ_PAGE;
	return ioas->domains ? FUZZ_IOPTE : 1;
}

/* Index of the first area that does not end before @iova. */
unsigned int fuzz_ioas_first(const struct fuzz_object *ioas, __u64 iova)
{
	unsigned int i;

	for (i = 0; i < ioas->nr_areas; i++)
		if (ioas->areas[i]->last >= iova)
			break;
	return i;
}

struct iommu_iova_range fuzz_table_window(bool huge, bool trackable)
{
	struct iommu_iova_range all = { 0, UINT64_MAX };

	if (!huge)
		return (struct iommu_iova_range){ MOCK_APERTURE_START,
						  MOCK_APERTURE_LAST };
	/* Dirty bits cannot be read up to the end of all IOVA. */
	if (trackable)
		all.last -= FUZZ_PAGE;
	return all;
}

/* What all page tables of an IOAS can translate. */
static struct iommu_iova_range ioas_window(const struct fuzz_object *ioas)
{
	return fuzz_table_window(!ioas->apertures, ioas->trackers);
}

bool fuzz_ioas_reserved(const struct fuzz_object *ioas, __u64 iova, __u64 last)
{
	struct iommu_iova_range window = ioas_window(ioas);

	if (iova < window.start || last > window.last)
		return true;
	return fuzz_overlap(ioas->reserved, ioas->nr_reserved, iova, last);
}

bool fuzz_ioas_misaligned(const struct fuzz_object *ioas, __u64 alignment)
{
	unsigned int i;

	for (i = 0; i < ioas->nr_areas; i++) {
		const struct fuzz_area *area = ioas->areas[i];

		if ((area->iova | (area->last + 1) | area->start) %
		    alignment)
			return true;
	}
	return false;
}

/* End of the reserved range that @iova is in, or false if it is in none. */
static bool in_reserved(const struct fuzz_object *ioas, __u64 iova, __u64 *last)
{
	struct iommu_iova_range window = ioas_window(ioas);
	unsigned int i;

	if (iova < window.start) {
		*last = window.start - 1;
		return true;
	}
	if (iova > window.last) {
		*last = UINT64_MAX;
		return true;
	}
	for (i = 0; i < ioas->nr_reserved; i++) {
		if (iova < ioas->reserved[i].start ||
		    iova > ioas->reserved[i].last)
			continue;
		*last = ioas->reserved[i].last;
		return true;
	}
	return false;
}

/* Last IOVA before the next reserved range; @iova is not reserved. */
static __u64 hole_last(const struct fuzz_object *ioas, __u64 iova)
{
	__u64 last = ioas_window(ioas).last;
	unsigned int i;

	for (i = 0; i < ioas->nr_reserved; i++)
		if (ioas->reserved[i].start > iova &&
		    ioas->reserved[i].start - 1 < last)
			last = ioas->reserved[i].start - 1;
	return last;
}

/* The usable ranges; returns their number, also if @room is too small. */
unsigned int fuzz_ioas_holes(const struct fuzz_object *ioas,
			     struct iommu_iova_range *out, unsigned int room)
{
	unsigned int count = 0;
	__u64 last, iova = 0;

	for (;;) {
		while (in_reserved(ioas, iova, &last)) {
			if (last == UINT64_MAX)
				return count;
			iova = last + 1;
		}
		last = hole_last(ioas, iova);
		if (count < room) {
			out[count].start = iova;
			out[count].last = last;
		}
		count++;
		if (last == UINT64_MAX)
			return count;
		iova = last + 1;
	}
}

/* Is there a gap between the areas in @start to @last? */
static bool gap_between(const struct fuzz_object *ioas, __u64 start, __u64 last,
			__u64 length, __u64 alignment)
{
	unsigned int i = fuzz_ioas_first(ioas, start);

	for (;;) {
		__u64 skip = -start & (alignment - 1);
		__u64 end = last;

		if (i < ioas->nr_areas && ioas->areas[i]->iova <= last) {
			if (ioas->areas[i]->iova <= start)
				goto next;
			end = ioas->areas[i]->iova - 1;
		}
		if (end - start >= skip && end - start - skip >= length - 1)
			return true;
		if (end == last)
			return false;
next:
		if (ioas->areas[i]->last >= last)
			return false;
		start = ioas->areas[i]->last + 1;
		i++;
	}
}

/* Is there a place for automatic IOVA? */
bool fuzz_ioas_has_room(const struct fuzz_context *context,
			const struct fuzz_object *ioas, __u64 length)
{
	__u64 alignment = fuzz_ioas_alignment(context, ioas);
	struct iommu_iova_range holes[FUZZ_RANGES + 4];
	unsigned int count = fuzz_ioas_holes(ioas, holes, FUZZ_RANGES + 4);
	unsigned int i, j;

	for (i = 0; i < count; i++) {
		if (!ioas->nr_allowed &&
		    gap_between(ioas, holes[i].start, holes[i].last, length,
				alignment))
			return true;
		for (j = 0; j < ioas->nr_allowed; j++) {
			__u64 start = ioas->allowed[j].start;
			__u64 last = ioas->allowed[j].last;

			if (start < holes[i].start)
				start = holes[i].start;
			if (last > holes[i].last)
				last = holes[i].last;
			if (start <= last &&
			    gap_between(ioas, start, last, length, alignment))
				return true;
		}
	}
	return false;
}

/*
 * What the areas contribute to a range. @whole tells whether they leave no
 * hole. Returns their number, -1 if there are more than FUZZ_PARTS.
 */
int fuzz_ioas_parts(const struct fuzz_object *ioas, __u64 iova, __u64 last,
		    struct fuzz_part *parts, bool *whole)
{
	unsigned int i = fuzz_ioas_first(ioas, iova);
	int count = 0;

	*whole = false;
	for (; i < ioas->nr_areas && ioas->areas[i]->iova <= iova; i++) {
		struct fuzz_area *area = ioas->areas[i];
		__u64 end = area->last < last ? area->last : last;

		if (count == FUZZ_PARTS)
			return -1;
		parts[count].area = area;
		parts[count].pages = area->pages;
		parts[count].start = area->start + (iova - area->iova);
		parts[count].length = end - iova + 1;
		count++;
		if (end == last) {
			*whole = true;
			break;
		}
		iova = end + 1;
	}
	return count;
}

struct fuzz_area *fuzz_ioas_insert(struct fuzz_object *ioas, __u64 iova,
				   const struct fuzz_part *part, __u32 prot)
{
	unsigned int i = fuzz_ioas_first(ioas, iova);
	struct fuzz_area *area = calloc(1, sizeof(*area));

	if (!area || ioas->nr_areas == FUZZ_AREAS)
		abort();
	area->iova = iova;
	area->last = iova + part->length - 1;
	area->pages = part->pages;
	area->start = part->start;
	area->prot = prot;
	part->pages->refs++;
	memmove(&ioas->areas[i + 1], &ioas->areas[i],
		(ioas->nr_areas - i) * sizeof(*ioas->areas));
	ioas->areas[i] = area;
	ioas->nr_areas++;
	return area;
}
