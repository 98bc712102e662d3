/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * What /proc/PID/fdinfo/FD says of an iommufd.
 */
#ifndef SELFTEST_IOMMU_FDINFO_H
#define SELFTEST_IOMMU_FDINFO_H

#include <stdbool.h>
#include <sys/types.h>

/* Room for everything that the kernel shows at most. */
#define FDINFO_SIZE	32768

/**
 * struct fdinfo - the text as it was at one moment
 * @text: all of it
 */
struct fdinfo {
	char text[FDINFO_SIZE];
};

/* Of a file of process @pid; 0 or a negative errno. */
int fdinfo_read(struct fdinfo *info, pid_t pid, int fd);

/* By which number the kernel knows the iommufd, 0 if it does not say. */
unsigned int fdinfo_context(const struct fdinfo *info);

/* Number of lines that begin with @start. */
unsigned int fdinfo_count(const struct fdinfo *info, const char *start);

/* The first line that begins with @start, or NULL. */
const char *fdinfo_line(const struct fdinfo *info, const char *start);

/*
 * The number behind a word of that line; -1 if there is no such line, or no
 * such word in it.
 */
long long fdinfo_number(const struct fdinfo *info, const char *start,
			const char *word);

/* The same of the line of an IOAS. */
long long fdinfo_ioas(const struct fdinfo *info, unsigned int id,
		      const char *word);

/* Does that line have these words, with a space before and not cut? */
bool fdinfo_has(const struct fdinfo *info, const char *start,
		const char *words);

#endif
