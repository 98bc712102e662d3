/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Doing the same on two implementations and comparing what they answer.
 */
#ifndef SELFTEST_IOMMU_COMPARISON_H
#define SELFTEST_IOMMU_COMPARISON_H

#include <linux/types.h>

#define ANSWERS_MAX	256

/**
 * struct answers - what one implementation answered in one case
 * @name: what was asked, unique in the case
 * @value: return value or -errno, or a field of the output
 * @count: number of answers
 */
struct answers {
	char name[ANSWERS_MAX][48];
	long long value[ANSWERS_MAX];
	unsigned int count;
};

/**
 * struct difference - a difference that is meant to be
 * @name: "case: what was asked"
 * @variant: it only concerns this variant, 0 for all
 * @theirs: what the reference answers
 * @ours: what we answer
 * @reason: why
 */
struct difference {
	const char *name;
	unsigned long variant;
	long long theirs;
	long long ours;
	const char *reason;
};

/* Note an answer; @format and what follows make its name. */
void answer(struct answers *answers, long long value, const char *format, ...);

/**
 * comparison() - Compare, and print a line for each answer
 * @title: name of the case
 * @variant: what is being compared
 * @theirs: answers of the reference
 * @ours: our answers
 * @intended: differences that are meant to be, ends with a NULL name
 *
 * Return: how many answers differ without being meant to, plus how many
 * differences of this case are meant to be and are not there.
 */
unsigned int comparison(const char *title, unsigned long variant,
			const struct answers *theirs,
			const struct answers *ours,
			const struct difference *intended);

#endif
