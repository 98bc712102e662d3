// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "disturb.h"

#include <stdio.h>
#include <sys/mman.h>

#include "memory.h"

void fuzz_disturb(const struct fuzz_op *op)
{
	static const int rights[] = {
		PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
	};
	char *va = (char *)fuzz_memory_va(FUZZ_VOLATILE) +
		   op->offset % (24 * FUZZ_PAGE);
	int right = rights[op->flags % 3];

	switch (op->kind) {
	case FUZZ_SOURCE_MUNMAP:
	case FUZZ_SOURCE_MMAP:
		right = op->kind == FUZZ_SOURCE_MMAP ? PROT_READ | PROT_WRITE :
						       PROT_NONE;
		if (mmap(va, FUZZ_PAGE, right,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != va)
			perror("mmap");
		return;
	case FUZZ_SOURCE_PROTECT:
		if (mprotect(va, FUZZ_PAGE, right))
			perror("mprotect");
		return;
	case FUZZ_SOURCE_DISCARD:
		if (madvise(va, FUZZ_PAGE, MADV_DONTNEED))
			perror("madvise");
		return;
	}
	*((char *)fuzz_memory_va(FUZZ_SMALL) +
	  op->value % (48 * FUZZ_PAGE)) = op->value;
}
