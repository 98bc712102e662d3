/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Making calls fail at a chosen place inside of the kernel.
 */
#ifndef SELFTEST_IOMMU_FAULTS_H
#define SELFTEST_IOMMU_FAULTS_H

#include <stdbool.h>

/* No call has that many places where it could fail. */
#define NTH_MAX		3000

/*
 * Prepare every kind of fault that there is: allocations, copies from and to
 * user space, and pins. Returns the file that faults are taken from, or
 * -ENOTSUP.
 */
int faults_open(void);

/*
 * Run @act with its @nth chance to fail taken. Returns what @act returned, or
 * -EUCLEAN when this cannot be done; @injected says whether it had that many
 * chances.
 */
int faults_run(int fd, int (*act)(void *arg), void *arg, unsigned int nth,
	       bool *injected);

#endif
