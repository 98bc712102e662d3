// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "revoke.h"

#include <errno.h>
#include <string.h>

#include "lib/clock.h"

#include "bar.h"
#include "ioas.h"
#include "maps.h"
#include "marks.h"
#include "rules.h"

#define E(name)		FUZZ_ERRNO(name)

/* It comes back within a second, on a machine that has time for it. */
#define RETURN_MS	30000

static const struct fuzz_change all_of_it = { 0, FUZZ_BAR_PAGES };

/**
 * struct walk - goes over the areas with a BAR, in all page tables or in none
 * @model: of what
 * @visit: called for each; @hwpt is NULL if all areas are walked once
 * @wrong: what it returned, which ends the walk
 */
struct walk {
	struct fuzz_model *model;
	const char *(*visit)(const struct fuzz_context *context,
			     const struct fuzz_object *hwpt,
			     struct fuzz_area *area);
	const char *wrong;
};

static void walk_ioas(struct walk *walk, struct fuzz_context *context,
		      const struct fuzz_object *hwpt,
		      const struct fuzz_object *ioas)
{
	unsigned int i;

	for (i = 0; !walk->wrong && i < ioas->nr_areas; i++)
		if (ioas->areas[i]->pages->bar)
			walk->wrong = walk->visit(context, hwpt,
						  ioas->areas[i]);
}

static void walk_context(struct walk *walk, struct fuzz_context *context,
			 enum fuzz_type type)
{
	unsigned int i;

	for (i = 0; i < FUZZ_SLOTS; i++) {
		struct fuzz_object *object = &context->objects[i];

		/* There is nothing to ask for a page table without an ID. */
		if (object->type != type || !object->id)
			continue;
		if (type == FUZZ_HWPT)
			walk_ioas(walk, context, object, object->ioas);
		else
			walk_ioas(walk, context, NULL, object);
	}
}

static const char *walk_all(struct walk *walk, enum fuzz_type type)
{
	unsigned int i;

	for (i = 0; i < FUZZ_CONTEXTS; i++)
		if (walk->model->contexts[i].fd >= 0)
			walk_context(walk, &walk->model->contexts[i], type);
	return walk->wrong;
}

static int look(const struct fuzz_context *context,
		const struct fuzz_object *hwpt, const struct fuzz_area *area)
{
	return bar_check(context->fd, hwpt->id, area->iova,
			 area->last - area->iova + 1, fuzz_bar_fd(),
			 fuzz_bar_area_offset(area));
}

static const char *wrong_look(const struct fuzz_object *hwpt,
			      const struct fuzz_area *area, int ret,
			      const char *what)
{
	return fuzz_wrong("%s page table %u, IOVA 0x%llx: %s", what, hwpt->id,
			  (long long)area->iova,
			  ret ? strerrorname_np(-ret) : "success");
}

static const char *visit_away(const struct fuzz_context *context,
			      const struct fuzz_object *hwpt,
			      struct fuzz_area *area)
{
	int ret;

	if (fuzz_bar_pages_reachable(area->pages))
		return NULL;
	ret = look(context, hwpt, area);
	return ret == -ENOENT ? NULL :
	       wrong_look(hwpt, area, ret, "withdrawn BAR is there:");
}

/* No IOPTE may lead to what the process cannot access, at no moment. */
static const char *check_away(struct fuzz_model *model)
{
	struct walk walk = { .model = model, .visit = visit_away };

	return walk_all(&walk, FUZZ_HWPT);
}

static bool is_expected(const struct fuzz_area *area)
{
	return area->pages->limbo && fuzz_bar_pages_reachable(area->pages);
}

static const char *visit_await(const struct fuzz_context *context,
			       const struct fuzz_object *hwpt,
			       struct fuzz_area *area)
{
	__u64 end = now_ms() + RETURN_MS;
	int ret;

	if (!is_expected(area))
		return NULL;
	/* It is just being filled if some IOPTEs are there. */
	while ((ret = look(context, hwpt, area)) == -ENOENT || ret == -EIO) {
		if (now_ms() > end)
			break;
		sleep_ms(1);
	}
	return ret ? wrong_look(hwpt, area, ret, "BAR does not return:") : NULL;
}

static const char *visit_back(const struct fuzz_context *context,
			      const struct fuzz_object *hwpt,
			      struct fuzz_area *area)
{
	(void)context;
	(void)hwpt;
	if (is_expected(area))
		area->pages->limbo = false;
	return NULL;
}

static void withdraw(struct fuzz_model *model,
		     const struct fuzz_change *change, bool final);

const char *fuzz_revoke_settle(struct fuzz_model *model)
{
	struct walk await = { .model = model, .visit = visit_await };
	struct walk back = { .model = model, .visit = visit_back };
	const char *wrong;

	/* Until now, it could come too late for what was mapped meanwhile. */
	if (fuzz_bar_end_reset())
		withdraw(model, &all_of_it, false);
	wrong = walk_all(&await, FUZZ_HWPT);
	return wrong ? wrong : walk_all(&back, FUZZ_IOAS);
}

bool fuzz_revoke_shows(const struct fuzz_op *op)
{
	return op->kind == FUZZ_DIRTY_WRITE || op->kind == FUZZ_CHECK_BAR;
}

static void withdraw_area(struct fuzz_area *area,
			  const struct fuzz_change *change, bool final)
{
	struct fuzz_pages *pages = area->pages;
	__u64 first = fuzz_bar_offset(pages->va) / FUZZ_PAGE;

	if (first >= change->end || first + pages->npages <= change->first)
		return;
	pages->limbo = true;
	pages->gone |= final;
	fuzz_marks_forget_area(area);
}

/* With any page all of what was mapped in one piece goes. */
static void withdraw(struct fuzz_model *model,
		     const struct fuzz_change *change, bool final)
{
	unsigned int i, j, k;

	if (change->first == change->end)
		return;
	for (i = 0; i < FUZZ_CONTEXTS; i++) {
		for (j = 0; j < FUZZ_SLOTS; j++) {
			const struct fuzz_object *ioas =
				&model->contexts[i].objects[j];

			if (ioas->type != FUZZ_IOAS)
				continue;
			for (k = 0; k < ioas->nr_areas; k++)
				if (ioas->areas[k]->pages->bar)
					withdraw_area(ioas->areas[k], change,
						      final);
		}
	}
}

/* The rights go, and mostly come back at once. */
static const char *protect(struct fuzz_model *model, const struct fuzz_op *op)
{
	unsigned int before = fuzz_bar_rights(op->offset);
	struct fuzz_change change;
	const char *wrong;

	change = fuzz_bar_protect(op->offset, op->length, op->flags);
	withdraw(model, &change, false);
	wrong = check_away(model);
	if (wrong || !op->value)
		return wrong;
	change = fuzz_bar_protect(op->offset, op->length, before);
	withdraw(model, &change, false);
	return check_away(model);
}

static const char *turn_off(struct fuzz_model *model)
{
	fuzz_bar_set(MOCK_BAR_OFF, 0);
	withdraw(model, &all_of_it, false);
	return check_away(model);
}

static const char *set(struct fuzz_model *model, const struct fuzz_op *op)
{
	const char *wrong;

	switch (op->flags) {
	case FUZZ_BAR_OFF:
		return turn_off(model);
	case FUZZ_BAR_ON:
		fuzz_bar_set(MOCK_BAR_ON, 0);
		return NULL;
	case FUZZ_BAR_BLINK:
		wrong = turn_off(model);
		fuzz_bar_set(MOCK_BAR_ON, 0);
		return wrong;
	case FUZZ_BAR_RESET:
		fuzz_bar_set(MOCK_BAR_RESET, op->value);
		break;
	case FUZZ_BAR_RESET_BEHIND:
		fuzz_bar_begin_reset(op->value);
		break;
	}
	withdraw(model, &all_of_it, false);
	return NULL;
}

const char *fuzz_revoke_execute(struct fuzz_model *model,
				const struct fuzz_op *op)
{
	struct fuzz_change change;

	switch (op->kind) {
	case FUZZ_BAR_MUNMAP:
		change = fuzz_bar_munmap(op->offset, op->length);
		break;
	case FUZZ_BAR_MMAP:
		change = fuzz_bar_mmap(op->offset, op->length);
		break;
	case FUZZ_BAR_MREMAP:
		change = fuzz_bar_mremap(op->offset, op->length);
		break;
	case FUZZ_BAR_PROTECT:
		return protect(model, op);
	default:
		return set(model, op);
	}
	withdraw(model, &change, true);
	return check_away(model);
}

/* What one IOPTE leads to: nothing, a place in the BAR, or something else. */
static fuzz_errnos iopte_errnos(const struct fuzz_object *ioas, __u64 iova,
				__u64 offset)
{
	unsigned int i = fuzz_ioas_first(ioas, iova);
	const struct fuzz_area *area;

	if (i == ioas->nr_areas || ioas->areas[i]->iova > iova)
		return E(ENOENT);
	area = ioas->areas[i];
	if (!area->pages->bar)
		return E(EIO);
	if (!fuzz_bar_pages_reachable(area->pages))
		return E(ENOENT);
	return fuzz_bar_area_offset(area) + (iova - area->iova) == offset ?
	       FUZZ_SUCCESS : E(EIO);
}

/* All of them have to say the same. */
static fuzz_errnos ioptes_errnos(const struct fuzz_object *ioas,
				 const struct fuzz_op *op)
{
	fuzz_errnos first = iopte_errnos(ioas, op->iova, op->offset);
	__u64 at;

	for (at = FUZZ_IOPTE; at < op->length; at += FUZZ_IOPTE)
		if (iopte_errnos(ioas, op->iova + at, op->offset + at) != first)
			return E(EIO);
	return first;
}

fuzz_errnos fuzz_revoke_predict(struct fuzz_context *context,
				const struct fuzz_op *op)
{
	struct fuzz_object *hwpt = fuzz_model_find(context,
				fuzz_model_id(context, op->object), FUZZ_HWPT);
	int fd = fuzz_op_file(op, context->fd);
	fuzz_errnos errnos = 0;

	if (fd != fuzz_bar_fd())
		errnos |= fd < 0 ? E(EBADF) : E(EINVAL);
	if (!op->length || op->offset > FUZZ_BAR_BYTES ||
	    op->length > FUZZ_BAR_BYTES - op->offset ||
	    fuzz_wraps(op->iova, op->length) ||
	    (op->iova | op->length) % FUZZ_IOPTE)
		errnos |= E(EINVAL);
	if (!hwpt)
		errnos |= E(ENOENT);
	return errnos ? errnos : ioptes_errnos(hwpt->ioas, op);
}
