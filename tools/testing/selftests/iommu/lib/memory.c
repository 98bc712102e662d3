// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>
#include <linux/mman.h>

#define MAPPINGS_MAX	256

/* Huge pages that are enough for memory_alloc(). */
#define HUGE_PAGES	16

static struct mapping {
	void *va;
	size_t length;
} mappings[MAPPINGS_MAX];
static unsigned int nr_mappings;

static int keep(void *va, size_t length)
{
	if (nr_mappings == MAPPINGS_MAX) {
		munmap(va, length);
		return -ENOSPC;
	}
	mappings[nr_mappings++] = (struct mapping){ va, length };
	return 0;
}

void memory_free_all(void)
{
	while (nr_mappings) {
		nr_mappings--;
		munmap(mappings[nr_mappings].va, mappings[nr_mappings].length);
	}
}

/* The pool belongs to the test machine: make it large enough for us. */
void memory_reserve_huge_pages(unsigned int count)
{
	FILE *file = fopen("/proc/sys/vm/nr_hugepages", "r+e");
	unsigned int now = 0;

	if (!file)
		return;
	if (fscanf(file, "%u", &now) == 1 && now < count) {
		rewind(file);
		fprintf(file, "%u\n", count);
	}
	fclose(file);
}

void *memory_window(size_t length)
{
	size_t window = length + SZ_2M;
	uintptr_t start, aligned;
	void *va;

	va = mmap(NULL, window, PROT_NONE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (va == MAP_FAILED)
		return NULL;
	start = (uintptr_t)va;
	aligned = (start + SZ_2M - 1) & ~(uintptr_t)(SZ_2M - 1);
	if (aligned != start)
		munmap(va, aligned - start);
	munmap((void *)(aligned + length), start + window - aligned - length);
	return (void *)aligned;
}

/* A file without a name. */
static int create_file(const char *directory)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/iommufd-XXXXXX", directory);
	fd = mkstemp(path);
	if (fd >= 0)
		unlink(path);
	return fd;
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

static int create_tmpfs_file(void)
{
	static const char * const directories[] = { "/dev/shm", "/run", "/tmp" };
	size_t i;

	for (i = 0; i < sizeof(directories) / sizeof(*directories); i++)
		if (is_memory_file_system(directories[i]))
			return create_file(directories[i]);
	errno = ENOENT;
	return -1;
}

static int create_file_of_kind(enum memory_kind kind)
{
	switch (kind) {
	case MEMORY_MEMFD:
		return memfd_create("iommufd", MFD_CLOEXEC);
	case MEMORY_MEMFD_HUGETLB:
		return memfd_create("iommufd", MFD_CLOEXEC | MFD_HUGETLB);
	case MEMORY_FILE:
		return create_tmpfs_file();
	default:
		return create_file("/tmp");
	}
}

int memory_create_file(enum memory_kind kind, size_t length)
{
	int fd = create_file_of_kind(kind);
	int ret;

	if (fd < 0)
		return -errno;
	if (!ftruncate(fd, length))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

static int mmap_flags(enum memory_kind kind)
{
	switch (kind) {
	case MEMORY_HUGETLB:
		return MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB;
	case MEMORY_SHARED:
		return MAP_SHARED | MAP_ANONYMOUS;
	case MEMORY_MEMFD:
	case MEMORY_MEMFD_HUGETLB:
	case MEMORY_FILE:
		return MAP_SHARED;
	case MEMORY_FILE_PRIVATE:
		return MAP_PRIVATE;
	default:
		return MAP_PRIVATE | MAP_ANONYMOUS;
	}
}

/*
 * Touch in an order that keeps pages which are neighbours in the address space
 * from being neighbours in memory.
 */
static void touch_scattered(char *va, size_t length)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t npages = length / page;
	size_t stride, i;

	for (stride = 7, i = 0; i < stride; i++) {
		size_t at;

		for (at = i; at < npages; at += stride)
			va[at * page] = 1;
	}
}

static int advise_and_touch(enum memory_kind kind, void *va, size_t length)
{
	/* EINVAL: a kernel without huge pages has nothing to turn off. */
	if (kind == MEMORY_SMALL_PAGES &&
	    madvise(va, length, MADV_NOHUGEPAGE) && errno != EINVAL)
		return -errno;
	if (kind == MEMORY_THP && madvise(va, length, MADV_HUGEPAGE))
		return -errno;
	touch_scattered(va, length);
	return 0;
}

/* The mapping keeps the file alive, so its descriptor can be closed at once. */
static int map_file_or_none(enum memory_kind kind, void *window, size_t length)
{
	int fd = -1;
	int ret = 0;

	if (!(mmap_flags(kind) & MAP_ANONYMOUS)) {
		fd = memory_create_file(kind, length);
		if (fd < 0)
			return fd;
	}
	if (mmap(window, length, PROT_READ | PROT_WRITE,
		 MAP_FIXED | mmap_flags(kind), fd, 0) == MAP_FAILED)
		ret = -errno;
	if (fd >= 0)
		close(fd);
	return ret;
}

int memory_map(enum memory_kind kind, size_t length, void **va)
{
	void *window = memory_window(length);
	int ret;

	if (!window)
		return -ENOMEM;
	ret = map_file_or_none(kind, window, length);
	if (!ret)
		ret = advise_and_touch(kind, window, length);
	if (ret)
		munmap(window, length);
	else
		*va = window;
	return ret;
}

int memory_map_file(int file, size_t length, void **va)
{
	void *window = memory_window(length);
	int ret;

	if (!window)
		return -ENOMEM;
	if (mmap(window, length, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_SHARED,
		 file, 0) == MAP_FAILED) {
		ret = -errno;
		munmap(window, length);
		return ret;
	}
	touch_scattered(window, length);
	*va = window;
	return 0;
}

static bool is_huge(enum memory_kind kind)
{
	return kind == MEMORY_THP || kind == MEMORY_HUGETLB ||
	       kind == MEMORY_MEMFD_HUGETLB;
}

size_t memory_kind_page(enum memory_kind kind)
{
	return is_huge(kind) ? SZ_2M : (size_t)sysconf(_SC_PAGESIZE);
}

char *memory_anonymous(__u64 length, int protection)
{
	void *va = mmap(NULL, length, protection, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);

	return va == MAP_FAILED ? NULL : va;
}

int memory_alloc(enum memory_kind kind, size_t length, void **va)
{
	int ret;

	if (is_huge(kind) && kind != MEMORY_THP)
		memory_reserve_huge_pages(HUGE_PAGES);
	ret = memory_map(kind, length, va);
	if (is_huge(kind) && (ret == -ENOMEM || ret == -EINVAL))
		return -ENOTSUP;
	return ret ? ret : keep(*va, length);
}

static unsigned char fill_byte(size_t offset, unsigned int seed)
{
	__u32 x = (__u32)offset * 2654435761u + seed * 40503u + 1;

	return (x ^ x >> 15) >> 8;
}

void memory_fill(void *va, size_t length, unsigned int seed)
{
	unsigned char *bytes = va;
	size_t i;

	for (i = 0; i < length; i++)
		bytes[i] = fill_byte(i, seed);
}

long memory_compare(const void *va, size_t length, unsigned int seed)
{
	const unsigned char *bytes = va;
	size_t i;

	for (i = 0; i < length; i++)
		if (bytes[i] != fill_byte(i, seed))
			return i;
	return -1;
}
