// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mman.h>
#include <linux/types.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define READ_WRITE	(PROT_READ | PROT_WRITE)

static int map_anonymous(struct memory *memory, int flags)
{
	void *va = mmap(NULL, memory->length, READ_WRITE, MAP_ANONYMOUS | flags,
			-1, 0);

	if (va == MAP_FAILED)
		return -errno;
	memory->va = va;
	return 0;
}

static int map_small(struct memory *memory)
{
	int error = map_anonymous(memory, MAP_PRIVATE);

	/* EINVAL: a kernel without huge pages has nothing to turn off. */
	if (!error && madvise(memory->va, memory->length, MADV_NOHUGEPAGE) &&
	    errno != EINVAL)
		return -errno;
	return error;
}

/* Transparent huge pages need a virtual address that is a multiple of 2 MiB. */
static int map_aligned(struct memory *memory)
{
	size_t room = memory->length + HUGE_PAGE;
	uintptr_t start, aligned, tail;
	void *va;

	va = mmap(NULL, room, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (va == MAP_FAILED)
		return -errno;

	start = (uintptr_t)va;
	aligned = (start + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	tail = aligned + memory->length;
	if (aligned > start)
		munmap(va, aligned - start);
	munmap((void *)tail, start + room - tail);
	memory->va = (void *)aligned;
	return 0;
}

static int map_thp(struct memory *memory)
{
	int error = map_aligned(memory);

	if (!error && madvise(memory->va, memory->length, MADV_HUGEPAGE))
		return -errno;
	return error;
}

static int map_hugetlb(struct memory *memory)
{
	return map_anonymous(memory, MAP_PRIVATE | MAP_HUGETLB | MAP_HUGE_2MB);
}

static int map_shared(struct memory *memory)
{
	return map_anonymous(memory, MAP_SHARED);
}

static int map_file(struct memory *memory, int fd)
{
	void *va;

	if (ftruncate(fd, memory->length))
		return -errno;
	va = mmap(NULL, memory->length, READ_WRITE, MAP_SHARED, fd, 0);
	if (va == MAP_FAILED)
		return -errno;
	memory->va = va;
	return 0;
}

/* The mapping keeps the file alive, so its descriptor can be closed at once. */
static int map_file_and_close(struct memory *memory, int fd)
{
	int error;

	if (fd < 0)
		return -errno;
	error = map_file(memory, fd);
	close(fd);
	return error;
}

static int map_memfd(struct memory *memory)
{
	return map_file_and_close(memory, memfd_create("edu-vmm", MFD_CLOEXEC));
}

/*
 * The kernel refuses to pin a file for writing by a device when its file
 * system keeps track of dirty pages, as ext4 does. tmpfs does not.
 */
static bool is_memory_file_system(const char *directory)
{
	struct statfs fs;

	return !statfs(directory, &fs) &&
	       (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

static int create_file(const char *directory)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/edu-vmm-XXXXXX", directory);
	fd = mkstemp(path);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static int map_tmpfs(struct memory *memory)
{
	static const char * const directories[] = { "/dev/shm", "/run", "/tmp" };
	size_t i;

	for (i = 0; i < sizeof(directories) / sizeof(*directories); i++) {
		if (is_memory_file_system(directories[i]))
			return map_file_and_close(memory,
						  create_file(directories[i]));
	}
	return -ENOENT;
}

static const struct {
	const char *name;
	size_t page;
	int (*map)(struct memory *memory);
} kinds[MEMORY_NKINDS] = {
	[MEMORY_SMALL] = { "4 KiB pages", SMALL_PAGE, map_small },
	[MEMORY_THP] = { "THP", HUGE_PAGE, map_thp },
	[MEMORY_HUGETLB] = { "hugetlb", HUGE_PAGE, map_hugetlb },
	[MEMORY_SHARED] = { "shared anonymous", SMALL_PAGE, map_shared },
	[MEMORY_MEMFD] = { "memfd", SMALL_PAGE, map_memfd },
	[MEMORY_FILE] = { "file on tmpfs", SMALL_PAGE, map_tmpfs },
};

const char *memory_kind_name(enum memory_kind kind)
{
	return kinds[kind].name;
}

size_t memory_kind_page(enum memory_kind kind)
{
	return kinds[kind].page;
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

int memory_alloc(struct memory *memory, enum memory_kind kind, size_t length)
{
	int error;

	memset(memory, 0, sizeof(*memory));
	memory->kind = kind;
	memory->length = length;

	error = kinds[kind].map(memory);
	if (error)
		goto err_free;
	memory->expected = malloc(length);
	if (!memory->expected) {
		error = -ENOMEM;
		goto err_free;
	}
	fill(memory->expected, length);
	memcpy(memory->va, memory->expected, length);

	/* The page fault may have found no huge page at hand: ask again. */
	if (kind == MEMORY_THP && memory_huge_bytes(memory) != (long)length)
		madvise(memory->va, length, MADV_COLLAPSE);
	return 0;

err_free:
	memory_free(memory);
	return error;
}

void memory_free(struct memory *memory)
{
	free(memory->expected);
	if (memory->va)
		munmap(memory->va, memory->length);
	memory->expected = NULL;
	memory->va = NULL;
}

void memory_expect_copy(struct memory *dst, size_t dst_offset,
			const struct memory *src, size_t src_offset,
			size_t length)
{
	memmove(dst->expected + dst_offset, src->expected + src_offset, length);
}

size_t memory_find_differences(const struct memory *memory, size_t *first,
			       size_t *last)
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

long memory_huge_bytes(const struct memory *memory)
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

long memory_status_bytes(const char *field)
{
	size_t length = strlen(field);
	long bytes = -ENOENT;
	char line[256];
	FILE *status;

	status = fopen("/proc/self/status", "re");
	if (!status)
		return -errno;
	while (fgets(line, sizeof(line), status)) {
		if (!strncmp(line, field, length) && line[length] == ':')
			bytes = atol(line + length + 1) * 1024;
	}
	fclose(status);
	return bytes;
}
