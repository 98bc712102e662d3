// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * The tracepoints themselves. They take numbers and names only, so that every
 * layer can have some.
 */
#define CREATE_TRACE_POINTS
#include "trace.h"
