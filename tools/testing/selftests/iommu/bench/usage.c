// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * How much memory the kernel allocates for what is mapped: objects from slab
 * caches, tables of the IOMMU, and whole pages for other purposes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "chapters.h"
#include "memory.h"
#include "report.h"
#include "lib/usage.h"

#define SLAB_CACHES	"/sys/kernel/slab"
#define SZ_16G		(16 * SZ_1G)
#define USAGE_AREAS	16384

/* What was freed under RCU, maybe in the lazy way, is really free after that. */
#define SETTLE_SECONDS	20

/**
 * struct allocated - what the kernel has allocated
 * @objects: bytes of slab objects, and of larger pieces from kmalloc()
 * @tables: bytes of I/O page tables
 * @pages: bytes of memory that is not free and none of the above
 */
struct allocated {
	__s64 objects;
	__s64 tables;
	__s64 pages;
};

/* Without this, free objects that a processor keeps look as if in use. */
static void shrink_cache(const char *name)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), SLAB_CACHES "/%.256s/shrink", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	MUST(fd < 0 ? -errno : 0);
	MUST(write(fd, "1\n", 2) < 0 ? -errno : 0);
	close(fd);
}

static void shrink_caches(void)
{
	DIR *directory = opendir(SLAB_CACHES);
	struct dirent *entry;

	MUST(directory ? 0 : -errno);
	while ((entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			shrink_cache(entry->d_name);
	closedir(directory);
}

/* Bytes of objects in use, and bytes of all pages that caches have. */
static void read_slabinfo(__s64 *objects, __s64 *pages)
{
	FILE *file = fopen("/proc/slabinfo", "re");
	unsigned long long active, size, per_slab, slabs;
	char line[512];

	*objects = 0;
	*pages = 0;
	MUST(file ? 0 : -errno);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line,
			   "%*s %llu %*u %llu %*u %llu : tunables %*u %*u %*u : slabdata %*u %llu",
			   &active, &size, &per_slab, &slabs) != 4)
			continue;
		*objects += active * size;
		*pages += slabs * per_slab * SZ_4K;
	}
	fclose(file);
	MUST(*objects ? 0 : -EIO);
}

static __s64 vmstat_bytes(const char *field)
{
	return file_number("/proc/vmstat", field) * SZ_4K;
}

/* Processors have free pages at hand that do not count as free. */
static __s64 free_bytes(void)
{
	FILE *file = fopen("/proc/zoneinfo", "re");
	__s64 pages = 0;
	char line[256];
	int count;

	MUST(file ? 0 : -errno);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, " count: %d", &count) == 1)
			pages += count;
	fclose(file);
	return pages * SZ_4K + vmstat_bytes("nr_free_pages ");
}

static struct allocated read_allocated(void)
{
	struct allocated now;
	__s64 slab_pages, all_slab;

	sleep(SETTLE_SECONDS);
	shrink_caches();
	pins_acquired();
	read_slabinfo(&now.objects, &slab_pages);
	all_slab = vmstat_bytes("nr_slab_reclaimable ") +
		   vmstat_bytes("nr_slab_unreclaimable ");
	/* What is too large for a cache has its pages counted all the same. */
	now.objects += all_slab - slab_pages;
	now.tables = vmstat_bytes("nr_iommu_pages ");
	now.pages = -free_bytes() - all_slab - now.tables;
	return now;
}

static void report_allocated(const struct allocated *before,
			     const struct allocated *after, __u64 bytes,
			     const char *name)
{
	double gib = (double)bytes / SZ_1G;

	report_value((after->objects - before->objects) / gib, "bytes per GiB",
		     "memory for objects, %s", name);
	report_value((after->tables - before->tables) / gib, "bytes per GiB",
		     "memory for I/O page tables, %s", name);
	report_value((after->pages - before->pages) / gib, "bytes per GiB",
		     "memory in other pages, %s", name);
}

/* With page tables of its own: some IOMMUs keep tables that became empty. */
static void measure(const struct backend *backend, const char *name,
		    const void *va, __u64 length, __u64 area)
{
	struct allocated before, after;
	struct space space;
	__u64 start;

	space_open(&space, backend);
	before = read_allocated();
	for (start = 0; start < length; start += area)
		space_map(&space, va + start, area, BENCH_IOVA + start);
	after = read_allocated();
	space_unmap(&space, BENCH_IOVA, length);
	space_close(&space);
	report_allocated(&before, &after, length, name);
}

static void measure_kind(const struct backend *backend,
			 const struct bench_kind *kind)
{
	void *va = bench_memory(kind->kind, BENCH_BYTES);

	measure(backend, kind->name, va, BENCH_BYTES, BENCH_BYTES);
	memory_free_all();
}

void bench_usage(const struct backend *backend)
{
	void *va = bench_window(SZ_16G);
	unsigned int i;

	measure(backend, "16 GiB of hugetlb", va, SZ_16G, SZ_16G);
	munmap(va, SZ_16G);
	va = bench_gigantic_page();
	if (va) {
		measure(backend, "hugetlb of 1 GiB", va, SZ_1G, SZ_1G);
		munmap(va, SZ_1G);
	}
	for (i = 0; i < NR_BENCH_KINDS; i++)
		measure_kind(backend, &bench_kinds[i]);
	va = bench_memory(MEMORY_SMALL_PAGES, USAGE_AREAS * SZ_4K);
	measure(backend, "areas of 4 KiB", va, USAGE_AREAS * SZ_4K, SZ_4K);
	memory_free_all();
}
