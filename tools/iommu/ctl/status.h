/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * Exit status, for scripts.
 */
#ifndef IOMMUFDCTL_STATUS_H
#define IOMMUFDCTL_STATUS_H

enum {
	STATUS_GOOD = 0,	/* done; nothing is wrong */
	STATUS_BAD = 1,		/* nothing found, or something is wrong */
	STATUS_USAGE = 2,	/* wrong arguments */
	STATUS_CANNOT = 3,	/* it could not be looked at */
};

#endif
