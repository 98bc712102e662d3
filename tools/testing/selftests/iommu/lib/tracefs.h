/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * What the tracepoints of iommufd say, in a buffer of their own.
 */
#ifndef SELFTEST_IOMMU_TRACEFS_H
#define SELFTEST_IOMMU_TRACEFS_H

#include <stdbool.h>

/**
 * struct tracing - events since tracing_start()
 * @text: one line for each, after tracing_stop()
 */
struct tracing {
	char *text;
};

/* 0; -ENOTSUP where there is no tracefs, or no such tracepoints. */
int tracing_start(struct tracing *tracing);

/* Read all, and take the buffer away; 0 or a negative errno. */
int tracing_stop(struct tracing *tracing);
void tracing_free(struct tracing *tracing);

/* Number of events of a name whose line has the words, "" for any. */
unsigned long tracing_count(const struct tracing *tracing, const char *event,
			    const char *words);

/* Sum of the numbers behind @field, as "length=", in those lines. */
unsigned long long tracing_sum(const struct tracing *tracing,
			       const char *event, const char *words,
			       const char *field);

#endif
