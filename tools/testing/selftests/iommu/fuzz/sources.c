// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "sources.h"

#include "bar.h"
#include "files.h"
#include "memory.h"

int fuzz_sources_init(void)
{
	int ret = fuzz_memory_init();

	if (!ret)
		ret = fuzz_files_init();
	return ret ? ret : fuzz_bar_init();
}

/* Files have pages again before somebody looks at those. */
void fuzz_sources_reset(void)
{
	fuzz_files_reset();
	fuzz_bar_reset();
	fuzz_memory_reset();
}
