// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

/* A window of address space that starts on a 2 MiB boundary. */
static void *aligned_window(size_t length)
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

static int file_of_kind(enum memory_kind kind, size_t length)
{
	char path[] = "/tmp/iommufd-test-XXXXXX";
	int fd;

	switch (kind) {
	case MEMORY_MEMFD:
		fd = memfd_create("iommufd", MFD_CLOEXEC);
		break;
	case MEMORY_MEMFD_HUGETLB:
		fd = memfd_create("iommufd", MFD_CLOEXEC | MFD_HUGETLB);
		break;
	default:
		fd = mkstemp(path);
		if (fd >= 0)
			unlink(path);
	}
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, length)) {
		close(fd);
		return -ENOTSUP;
	}
	return fd;
}

static int mmap_flags(enum memory_kind kind)
{
	switch (kind) {
	case MEMORY_HUGETLB:
		return MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB;
	case MEMORY_SHARED:
		return MAP_SHARED | MAP_ANONYMOUS;
	case MEMORY_MEMFD:
	case MEMORY_MEMFD_HUGETLB:
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
	if (kind == MEMORY_SMALL_PAGES &&
	    madvise(va, length, MADV_NOHUGEPAGE) && errno != EINVAL)
		return -errno;
	if (kind == MEMORY_THP && madvise(va, length, MADV_HUGEPAGE))
		return -ENOTSUP;
	touch_scattered(va, length);
	return 0;
}

int memory_alloc(enum memory_kind kind, size_t length, void **va)
{
	void *window;
	int fd = -1;
	int ret;

	if (kind == MEMORY_HUGETLB || kind == MEMORY_MEMFD_HUGETLB)
		memory_reserve_huge_pages(HUGE_PAGES);
	if (!(mmap_flags(kind) & MAP_ANONYMOUS)) {
		fd = file_of_kind(kind, length);
		if (fd < 0)
			return fd == -EINVAL ? -ENOTSUP : fd;
	}

	window = aligned_window(length);
	if (!window) {
		ret = -ENOMEM;
		goto out_close;
	}
	*va = mmap(window, length, PROT_READ | PROT_WRITE,
		   MAP_FIXED | mmap_flags(kind), fd, 0);
	if (*va == MAP_FAILED) {
		ret = errno == ENOMEM || errno == EINVAL ? -ENOTSUP : -errno;
		munmap(window, length);
		goto out_close;
	}
	ret = keep(*va, length);
	if (!ret)
		ret = advise_and_touch(kind, *va, length);
out_close:
	if (fd >= 0)
		close(fd);
	return ret;
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
