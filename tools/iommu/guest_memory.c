// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "guest_memory.h"

#include <errno.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

const char *memory_kind_name(enum memory_kind kind)
{
	static const char * const names[] = {
		[MEMORY_SMALL_PAGES] = "4 KiB pages",
		[MEMORY_THP] = "THP",
		[MEMORY_HUGETLB] = "hugetlb",
		[MEMORY_SHARED] = "shared anonymous",
		[MEMORY_MEMFD] = "memfd",
		[MEMORY_MEMFD_HUGETLB] = "memfd on hugetlb",
		[MEMORY_FILE_PRIVATE] = "private file",
		[MEMORY_FILE] = "file on tmpfs",
	};

	return names[kind];
}

/* Never the same twice, so that old data cannot pass for new data. */
static void fill(unsigned char *bytes, size_t length)
{
	static __u64 state = 0x9e3779b97f4a7c15ULL;
	size_t i;

	for (i = 0; i + sizeof(state) <= length; i += sizeof(state)) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		memcpy(bytes + i, &state, sizeof(state));
	}
}

int guest_memory_alloc(struct guest_memory *memory, enum memory_kind kind,
		       size_t length)
{
	void *va;
	int error;

	memset(memory, 0, sizeof(*memory));
	memory->kind = kind;
	memory->length = length;

	error = memory_map(kind, length, &va);
	if (error)
		return error;
	memory->va = va;
	memory->expected = malloc(length);
	if (!memory->expected) {
		guest_memory_free(memory);
		return -ENOMEM;
	}
	fill(memory->expected, length);
	memcpy(memory->va, memory->expected, length);

	/* The page fault may have found no huge page at hand: ask again. */
	if (kind == MEMORY_THP &&
	    guest_memory_huge_bytes(memory) != (long)length)
		madvise(memory->va, length, MADV_COLLAPSE);
	return 0;
}

void guest_memory_free(struct guest_memory *memory)
{
	free(memory->expected);
	if (memory->va)
		munmap(memory->va, memory->length);
	memory->expected = NULL;
	memory->va = NULL;
}

void guest_memory_expect_copy(struct guest_memory *dst, size_t dst_offset,
			      const struct guest_memory *src, size_t src_offset,
			      size_t length)
{
	memmove(dst->expected + dst_offset, src->expected + src_offset, length);
}

size_t guest_memory_find_differences(const struct guest_memory *memory,
				     size_t *first, size_t *last)
{
	size_t i, ndifferent = 0;

	for (i = 0; i < memory->length; i++) {
		if (memory->va[i] == memory->expected[i])
			continue;
		if (!ndifferent++)
			*first = i;
		*last = i;
	}
	return ndifferent;
}

static bool is_huge_field(const char *line)
{
	return !strncmp(line, "AnonHugePages:", 14) ||
	       !strncmp(line, "ShmemPmdMapped:", 15) ||
	       !strncmp(line, "FilePmdMapped:", 14) ||
	       !strncmp(line, "Shared_Hugetlb:", 15) ||
	       !strncmp(line, "Private_Hugetlb:", 16);
}

long guest_memory_huge_bytes(const struct guest_memory *memory)
{
	unsigned long start, end, kib, huge_kib = 0;
	uintptr_t va = (uintptr_t)memory->va;
	bool inside = false;
	char line[512];
	FILE *smaps;

	smaps = fopen("/proc/self/smaps", "re");
	if (!smaps)
		return -errno;
	while (fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = start < va + memory->length && va < end;
		else if (inside && is_huge_field(line) &&
			 sscanf(line, "%*[^:]: %lu kB", &kib) == 1)
			huge_kib += kib;
	}
	fclose(smaps);
	return huge_kib * 1024;
}
