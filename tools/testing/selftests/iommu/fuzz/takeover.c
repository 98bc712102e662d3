// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "takeover.h"

#include "lib/files.h"
#include "lib/ioctls.h"
#include "lib/process.h"

#include "revoke.h"

/* What a child takes long for that only has to pay */
#define CHILD_MS	30000

/* What a child returns that could not pay, or pays too much or too little. */
#define CHILD_REFUSED	1
#define CHILD_PINNED	2
#define CHILD_LOCKED	3

/**
 * struct heir - a process that takes over
 * @fd: the context
 * @pinned: pages that it is going to pay for
 * @locked: and that count against its limit
 */
struct heir {
	int fd;
	__u64 pinned;
	__u64 locked;
};

static __u64 pages_of(const char *field)
{
	return status_kib(field) * 1024 / FUZZ_PAGE;
}

static int inherit(void *arg)
{
	const struct heir *heir = arg;

	if (ioas_change_process(heir->fd))
		return CHILD_REFUSED;
	if (pages_of("VmPin:") != heir->pinned)
		return CHILD_PINNED;
	return pages_of("VmLck:") == heir->locked ? 0 : CHILD_LOCKED;
}

/* Has an area before this one the same pages? */
static bool is_counted(const struct fuzz_context *context, unsigned int slot,
		       unsigned int index)
{
	const struct fuzz_pages *pages =
		context->objects[slot].areas[index]->pages;
	unsigned int i, j;

	for (i = 0; i <= slot; i++) {
		const struct fuzz_object *ioas = &context->objects[i];
		unsigned int end = i == slot ? index : ioas->nr_areas;

		for (j = 0; ioas->type == FUZZ_IOAS && j < end; j++)
			if (ioas->areas[j]->pages == pages)
				return true;
	}
	return false;
}

static void count(const struct fuzz_context *context, struct heir *heir)
{
	unsigned int i, j;

	for (i = 0; i < FUZZ_SLOTS; i++) {
		const struct fuzz_object *ioas = &context->objects[i];

		for (j = 0; ioas->type == FUZZ_IOAS && j < ioas->nr_areas; j++) {
			const struct fuzz_pages *pages = ioas->areas[j]->pages;

			if (is_counted(context, i, j))
				continue;
			heir->pinned += pages->npinned;
			heir->locked += pages->process ? pages->npinned : 0;
		}
	}
}

const char *fuzz_take_over(struct fuzz_model *model,
			   struct fuzz_context *context)
{
	struct heir heir = { .fd = context->fd };
	const char *wrong;
	int ret;

	/* A child of several threads has one, and the locks of all. */
	wrong = fuzz_revoke_settle(model);
	if (wrong)
		return wrong;
	count(context, &heir);
	ret = child_run(inherit, &heir, CHILD_MS);
	if (ret)
		return fuzz_wrong("another process fails to take over %llu pages, %llu locked: %d",
				  (long long)heir.pinned,
				  (long long)heir.locked, ret);
	if (pages_of("VmPin:") != model->pinned - heir.pinned ||
	    pages_of("VmLck:") != model->charged_process - heir.locked)
		return "who was taken over still pays";
	return NULL;
}
