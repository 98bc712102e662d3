/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Files that the fuzzer maps as such, FUZZ_FILE, FUZZ_SEALABLE, FUZZ_HUGE_FILE.
 * The process has each of them mapped all the time, so what is in it are the
 * pages of that source.
 */
#ifndef SELFTEST_IOMMU_FUZZ_FILES_H
#define SELFTEST_IOMMU_FUZZ_FILES_H

#include "memory.h"

/* By which file descriptor an operation names a file. */
enum fuzz_opened {
	FUZZ_OPENED_RW,
	FUZZ_OPENED_READ,	/* O_RDONLY */
	FUZZ_OPENED_WRITE,	/* O_WRONLY */
	FUZZ_OPENED_PATH,	/* O_PATH */
	FUZZ_OPENED_NOTHING,	/* a number that is no file */
	FUZZ_OPENED_OTHER,	/* a file of another kind */
	FUZZ_OPENED_WAYS,
};

/* Make the files, in this process; 0 or -errno. */
int fuzz_files_init(void);

/* Begin a run, or end one: all files are as long as they can be. */
void fuzz_files_reset(void);

/* The file descriptor, -1 if the source is no file; @other is one. */
int fuzz_file_fd(unsigned int source, unsigned int opened, int other);

/* Bytes in the file, and whether it is sealed against writing. */
__u64 fuzz_file_size(unsigned int source);
bool fuzz_file_sealed(unsigned int source);

/* So many more mappings through which devices may write. */
void fuzz_file_add_writers(unsigned int source, int more);

/*
 * Take pages out of FUZZ_FILE or FUZZ_HUGE_FILE. Of a huge page, all or
 * nothing, and not too often in a run. May be called with any numbers.
 */
void fuzz_file_truncate(unsigned int source, __u64 size);
void fuzz_file_punch(unsigned int source, __u64 offset, __u64 length);

/* Seal FUZZ_SEALABLE against writing, as far as it can be; 0 or -errno. */
int fuzz_file_seal(void);

/* What that returns; without devices that write, nor any pins, 0. */
int fuzz_file_seal_result(void);

#endif
