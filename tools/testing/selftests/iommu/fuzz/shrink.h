/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * From a long sequence that fails to a short one.
 */
#ifndef SELFTEST_IOMMU_FUZZ_SHRINK_H
#define SELFTEST_IOMMU_FUZZ_SHRINK_H

#include "board.h"

/* Does a sequence fail? */
typedef bool (*fuzz_oracle)(const struct fuzz_sequence *sequence, void *arg);

/**
 * fuzz_shrink() - Leave out what a failure does not need
 * @sequence: fails; replaced by a part of it that fails too
 * @oracle: tells what fails
 * @arg: for @oracle
 * @tries: how often to ask it at most
 *
 * Takes pieces out, large ones first, until not a single operation can go.
 *
 * Return: how often @oracle was asked.
 */
unsigned int fuzz_shrink(struct fuzz_sequence *sequence, fuzz_oracle oracle,
			 void *arg, unsigned int tries);

/* Shrink what @board reports, by replaying parts of it in children; print it */
void fuzz_shrink_and_print(const struct fuzz_board *board);

/* Shrink sequences of which the answer is known; NULL, or what is wrong. */
const char *fuzz_shrink_selftest(__u64 seed);

#endif
