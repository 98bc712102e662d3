// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "comparison.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void answer(struct answers *answers, long long value, const char *format, ...)
{
	va_list args;

	if (answers->count == ANSWERS_MAX) {
		fprintf(stderr, "too many answers\n");
		abort();
	}
	va_start(args, format);
	vsnprintf(answers->name[answers->count],
		  sizeof(answers->name[answers->count]), format, args);
	va_end(args);
	answers->value[answers->count++] = value;
}

/* What follows "title: " in the name of a difference of this case, or NULL. */
static const char *question(const struct difference *difference,
			    const char *title, unsigned long variant)
{
	size_t length = strlen(title);

	if (difference->variant && difference->variant != variant)
		return NULL;
	if (strncmp(difference->name, title, length) ||
	    strncmp(difference->name + length, ": ", 2))
		return NULL;
	return difference->name + length + 2;
}

static const struct difference *find(const struct difference *intended,
				     const char *title, unsigned long variant,
				     const char *name)
{
	for (; intended->name; intended++) {
		const char *asked = question(intended, title, variant);

		if (asked && !strcmp(asked, name))
			return intended;
	}
	return NULL;
}

static const char *number(char *text, size_t size, long long value)
{
	if (value < 0 && value > -4096)
		snprintf(text, size, "-%s", strerrorname_np(-value));
	else if (value >= 0 && value < 65536)
		snprintf(text, size, "%lld", value);
	else
		snprintf(text, size, "%#llx", value);
	return text;
}

static void print_line(const char *title, const char *name, long long theirs,
		       long long ours, const char *remark)
{
	char left[32], right[32];

	printf("# %-16s %-40s %14s %14s %s\n", title, name,
	       number(left, sizeof(left), theirs),
	       number(right, sizeof(right), ours), remark);
}

/* Is it right, whether the same or meant to be different? */
static bool compare(const char *title, const char *name, long long theirs,
		    long long ours, const struct difference *meant)
{
	bool right;

	if (!meant) {
		right = theirs == ours;
		print_line(title, name, theirs, ours,
			   right ? "" : "DIFFERS");
		return right;
	}
	right = theirs == meant->theirs && ours == meant->ours;
	print_line(title, name, theirs, ours,
		   right ? meant->reason : "NOT AS EXPECTED");
	return right;
}

static unsigned int unasked(const char *title, unsigned long variant,
			    const struct answers *theirs,
			    const struct difference *intended)
{
	unsigned int count = 0, i;

	for (; intended->name; intended++) {
		const char *asked = question(intended, title, variant);

		if (!asked)
			continue;
		for (i = 0; i < theirs->count; i++)
			if (!strcmp(theirs->name[i], asked))
				break;
		if (i == theirs->count) {
			printf("# %s: nobody asks \"%s\"\n", title, asked);
			count++;
		}
	}
	return count;
}

unsigned int comparison(const char *title, unsigned long variant,
			const struct answers *theirs,
			const struct answers *ours,
			const struct difference *intended)
{
	unsigned int wrong = unasked(title, variant, theirs, intended);
	unsigned int i;

	if (!theirs->count || theirs->count != ours->count) {
		printf("# %s: %u answers and %u\n", title, theirs->count,
		       ours->count);
		wrong++;
	}
	for (i = 0; i < theirs->count && i < ours->count; i++) {
		const char *name = theirs->name[i];

		if (strcmp(name, ours->name[i])) {
			printf("# %s: %s is not %s\n", title, name,
			       ours->name[i]);
			wrong++;
			continue;
		}
		if (!compare(title, name, theirs->value[i], ours->value[i],
			     find(intended, title, variant, name)))
			wrong++;
	}
	return wrong;
}
