// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "generate_sources.h"

#include "bar.h"
#include "files.h"
#include "pick.h"

#define HUGE_BYTES	0x200000ULL

void fuzz_pick_memory(struct fuzz_random *random, struct fuzz_op *op)
{
	static const unsigned char often[] = {
		FUZZ_SMALL, FUZZ_SMALL, FUZZ_SMALL, FUZZ_SHARED, FUZZ_ALIAS,
		FUZZ_VOLATILE, FUZZ_VOLATILE, FUZZ_READ_ONLY, FUZZ_SMALL,
		FUZZ_SHARED, FUZZ_ALIAS, FUZZ_VOLATILE, FUZZ_SMALL,
		FUZZ_READ_ONLY, FUZZ_THP, FUZZ_HUGETLB, FUZZ_BAR, FUZZ_BAR,
		FUZZ_BAR, FUZZ_FILE,
	};
	__u64 npages;

	op->memory = fuzz_random_pick(random, often);
	if (fuzz_random_percent(random, 2))
		op->memory = FUZZ_NOWHERE;
	npages = fuzz_memory_pages(op->memory);
	op->offset = npages ? fuzz_random_below(random, npages) * FUZZ_PAGE : 0;
	if (npages > 48 && fuzz_random_percent(random, 60)) {
		op->offset = 0;
		if (fuzz_random_percent(random, 50))
			op->length = HUGE_BYTES;
	}
	if (fuzz_random_percent(random, 5))
		op->offset += fuzz_random_below(random, FUZZ_PAGE);
	if (fuzz_random_percent(random, 3))
		op->offset += FUZZ_IOPTE;
	if (fuzz_random_percent(random, 2))
		op->offset = fuzz_pick_edge(random);
}

unsigned int fuzz_pick_opened(struct fuzz_random *random, unsigned int percent)
{
	if (fuzz_random_percent(random, percent))
		return FUZZ_OPENED_RW;
	return fuzz_random_below(random, FUZZ_OPENED_WAYS);
}

/* Mostly a part of a file that is there. */
void fuzz_pick_file(struct fuzz_random *random, struct fuzz_op *op)
{
	static const unsigned char often[] = {
		FUZZ_FILE, FUZZ_FILE, FUZZ_FILE, FUZZ_FILE, FUZZ_FILE,
		FUZZ_FILE, FUZZ_SEALABLE, FUZZ_SEALABLE, FUZZ_HUGE_FILE,
	};
	__u64 size;

	if (!fuzz_random_percent(random, 2))
		op->memory = fuzz_random_pick(random, often);
	op->value = fuzz_pick_opened(random, 75);
	size = fuzz_memory_pages(op->memory) * FUZZ_PAGE;
	if (size && op->offset < 1ULL << 32)
		op->offset %= size;
	if (op->memory == FUZZ_HUGE_FILE && fuzz_random_percent(random, 50)) {
		op->offset = 0;
		op->length = HUGE_BYTES;
	}
	if (op->offset < size && op->length > size - op->offset &&
	    fuzz_random_percent(random, 80))
		op->length = size - op->offset;
}

static void generate_process(struct fuzz_random *random, struct fuzz_op *op)
{
	op->value = fuzz_random_below(random, 1 << 20);
	op->length = 1 + fuzz_random_below(random, 6);
	if (fuzz_random_percent(random, 5))
		op->length = 64;
	op->offset = fuzz_random_below(random, 24) * FUZZ_PAGE;
	op->flags = fuzz_random_below(random, 3);
	if (fuzz_random_percent(random, 50))
		op->flags = 2;
	if (op->kind == FUZZ_SOURCE_WRITE) {
		op->memory = fuzz_random_below(random, FUZZ_SOURCES);
		op->length = fuzz_random_below(random, 0x1800);
	}
}

static void generate_file(struct fuzz_random *random, struct fuzz_op *op)
{
	__u64 size;

	op->memory = fuzz_random_percent(random, 15) ? FUZZ_HUGE_FILE :
						       FUZZ_FILE;
	size = fuzz_memory_pages(op->memory) * FUZZ_PAGE;
	op->offset = fuzz_random_below(random, 16) * FUZZ_PAGE;
	op->length = fuzz_random_below(random, 16) * FUZZ_PAGE;
	if (fuzz_random_percent(random, 15))
		op->length += fuzz_random_below(random, FUZZ_PAGE);
	if (fuzz_random_percent(random, 15))
		op->offset += fuzz_random_below(random, FUZZ_PAGE);
	/* What is too short is of little use. */
	if (op->kind == FUZZ_FILE_TRUNCATE && fuzz_random_percent(random, 55))
		op->length = size;
}

/* What is away for long comes back late, so mostly it is soon there again. */
static void generate_bar_set(struct fuzz_random *random, bool enabled,
			     struct fuzz_op *op)
{
	static const unsigned char often[] = {
		FUZZ_BAR_BLINK, FUZZ_BAR_BLINK, FUZZ_BAR_BLINK, FUZZ_BAR_BLINK,
		FUZZ_BAR_BLINK, FUZZ_BAR_BLINK, FUZZ_BAR_RESET, FUZZ_BAR_RESET,
		FUZZ_BAR_RESET, FUZZ_BAR_RESET_BEHIND, FUZZ_BAR_RESET_BEHIND,
		FUZZ_BAR_RESET_BEHIND, FUZZ_BAR_RESET_BEHIND, FUZZ_BAR_ON,
		FUZZ_BAR_OFF,
	};

	op->flags = fuzz_random_pick(random, often);
	op->value = fuzz_random_below(random, 3);
	if (op->flags == FUZZ_BAR_RESET_BEHIND)
		op->value += fuzz_random_below(random, 30);
	if (!enabled && fuzz_random_percent(random, 80))
		op->flags = FUZZ_BAR_ON;
}

static void generate_bar(struct fuzz_random *random, bool enabled,
			 struct fuzz_op *op)
{
	unsigned int whole = op->kind == FUZZ_BAR_MMAP ? 70 : 40;

	op->offset = fuzz_random_below(random, FUZZ_BAR_PAGES) * FUZZ_PAGE;
	op->length = 1 + fuzz_random_below(random, 4);
	if (fuzz_random_percent(random, whole)) {
		op->offset = 0;
		op->length = FUZZ_BAR_PAGES;
	}
	op->flags = fuzz_random_below(random, 3);
	op->value = fuzz_random_percent(random, 75);
	if (op->kind == FUZZ_BAR_SET)
		generate_bar_set(random, enabled, op);
}

void fuzz_generate_source(struct fuzz_random *random,
			  const struct fuzz_model *model, struct fuzz_op *op)
{
	if (op->kind >= FUZZ_BAR_MUNMAP)
		generate_bar(random, !model || fuzz_bar_enabled(), op);
	else if (op->kind >= FUZZ_FILE_TRUNCATE)
		generate_file(random, op);
	else
		generate_process(random, op);
}
