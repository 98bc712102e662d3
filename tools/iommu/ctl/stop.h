/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Commands that go on until the user has seen enough.
 */
#ifndef IOMMUFDCTL_STOP_H
#define IOMMUFDCTL_STOP_H

#include <stdbool.h>

/* From here on SIGINT and SIGTERM end whatever waits, with EINTR. */
void stop_catch_signals(void);

/* Whether one of them has come. */
bool stop_wanted(void);

#endif
