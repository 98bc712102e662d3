/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Memory whose first touch, also by the kernel, waits until it is released.
 */
#ifndef SELFTEST_IOMMU_TRAP_H
#define SELFTEST_IOMMU_TRAP_H

#include <stddef.h>

struct trap {
	void *va;
	size_t length;
	int fd;
};

/*
 * In place of what is at @va, or anywhere for NULL. 0, or -ENOTSUP when there
 * is no userfaultfd.
 */
int trap_open_at(struct trap *trap, void *va, size_t length);
int trap_open(struct trap *trap, size_t length);

/* 1 once somebody waits in the trap, 0 if nobody came within @timeout_ms. */
int trap_wait(struct trap *trap, int timeout_ms);

/* Let go whoever waits: the memory reads as zero from now on. */
int trap_release(struct trap *trap);

/* Take the memory away; whoever waits in it fails. Once more does nothing. */
void trap_close(struct trap *trap);

#endif
