// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/memfd.h>
#include <linux/mman.h>

#include "report.h"

#define PAGEMAP_FRAME	((1ULL << 55) - 1)

const struct bench_kind bench_kinds[NR_BENCH_KINDS] = {
	{ MEMORY_SMALL_PAGES, "scattered 4 KiB pages" },
	{ MEMORY_THP, "transparent huge pages" },
	{ MEMORY_HUGETLB, "hugetlb" },
	{ MEMORY_MEMFD_HUGETLB, "memfd on hugetlb" },
};

static __u64 next_frame(FILE *pagemap)
{
	__u64 entry;

	if (fread(&entry, sizeof(entry), 1, pagemap) != 1)
		MUST(-EIO);
	return entry & PAGEMAP_FRAME;
}

/* How many physically contiguous pieces memory consists of. */
static __u64 count_runs(const void *va, __u64 length)
{
	FILE *pagemap = fopen("/proc/self/pagemap", "re");
	__u64 runs = 0, last = 0, frame, page;

	if (!pagemap)
		MUST(-errno);
	if (fseeko(pagemap, (uintptr_t)va / SZ_4K * sizeof(__u64), SEEK_SET))
		MUST(-errno);
	for (page = 0; page < length / SZ_4K; page++) {
		frame = next_frame(pagemap);
		if (frame != last + 1)
			runs++;
		last = frame;
	}
	fclose(pagemap);
	return runs;
}

/* Small pages are to be apart from each other, and others to be huge. */
static void check_runs(const void *va, __u64 length, enum memory_kind kind,
		       bool small)
{
	__u64 runs = count_runs(va, length);

	if (small ? runs < length / SZ_4K * 99 / 100 : runs > length / SZ_2M) {
		fprintf(stderr, "memory of kind %d has %llu runs\n", kind,
			(unsigned long long)runs);
		exit(1);
	}
}

void *bench_memory(enum memory_kind kind, __u64 length)
{
	void *va;

	MUST(memory_alloc(kind, length, &va));
	check_runs(va, length, kind, kind == MEMORY_SMALL_PAGES);
	return va;
}

char *bench_pages(void)
{
	return bench_memory(MEMORY_SMALL_PAGES, BENCH_NR_PAGES * SZ_4K);
}

char *bench_page(char *pages, unsigned int area)
{
	return pages + area % BENCH_NR_PAGES * SZ_4K;
}

int bench_file(enum memory_kind kind, __u64 length, bool small)
{
	int file = memory_create_file(kind, length);
	void *va;

	MUST(file);
	MUST(memory_map_file(file, length, &va));
	check_runs(va, length, kind, small);
	munmap(va, length);
	return file;
}

void *bench_gigantic_page(void)
{
	char *va = mmap(NULL, SZ_1G, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB |
			MAP_HUGE_1GB, -1, 0);

	if (va == MAP_FAILED)
		return NULL;
	*va = 1;
	return va;
}

void *bench_window(__u64 length)
{
	int fd = memfd_create("bench", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB);
	__u64 start;
	char *va;

	MUST(fd < 0 ? -errno : 0);
	MUST(ftruncate(fd, BENCH_BYTES) ? -errno : 0);
	/* As a mapping of the file, which aligns it to huge pages. */
	va = mmap(NULL, length, PROT_NONE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	MUST(va == MAP_FAILED ? -errno : 0);
	for (start = 0; start < length; start += BENCH_BYTES)
		MUST(mmap(va + start, BENCH_BYTES, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd,
			  0) == MAP_FAILED ? -errno : 0);
	close(fd);
	return va;
}
