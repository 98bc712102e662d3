// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Mapping files, which no process has in its address space. Kernels before ours
 * cannot do that, nor can type1.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "chapters.h"
#include "memory.h"
#include "report.h"
#include "lib/files.h"
#include "lib/ioctls.h"

#define SHMEM_HUGE	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"

static int map_file(struct space *space, int file)
{
	return ioas_map_file_fixed(space->fd, space->ioas_id, file, 0,
				   BENCH_BYTES, BENCH_IOVA);
}

static void map_and_unmap(struct space *space, const char *name, int file)
{
	__u64 start, mapped, unmap, end;

	/* The first one who unpins a page marks it dirty, as with memory. */
	MUST(map_file(space, file));
	space_unmap(space, BENCH_IOVA, BENCH_BYTES);
	start = start_ns();
	MUST(map_file(space, file));
	mapped = now_ns();
	unmap = start_ns();
	space_unmap(space, BENCH_IOVA, BENCH_BYTES);
	end = now_ns();
	report(mapped - start, BENCH_BYTES / SZ_4K, "per 4 KiB", "map %s",
	       name);
	report(end - unmap, BENCH_BYTES / SZ_4K, "per 4 KiB", "unmap %s", name);
}

static void file_of_kind(const struct backend *backend, enum memory_kind kind,
			 bool small, const char *name)
{
	int file = bench_file(kind, BENCH_BYTES, small);
	struct space space;

	space_open(&space, backend);
	map_and_unmap(&space, name, file);
	space_close(&space);
	close(file);
}

static bool kernel_maps_files(void)
{
	int fd = iommufd_open();
	bool known;

	MUST(fd);
	known = ioas_map_file_fixed(fd, 0, -1, 0, 0, 0) != -ENOTTY;
	close(fd);
	return known;
}

void bench_files(const struct backend *backend)
{
	if (!kernel_maps_files()) {
		fprintf(stderr, "# this kernel maps no files\n");
		return;
	}
	file_of_kind(backend, MEMORY_MEMFD, true,
		     "file of scattered 4 KiB pages");
	if (file_write(SHMEM_HUGE, "always")) {
		fprintf(stderr, "# no files of transparent huge pages\n");
	} else {
		file_of_kind(backend, MEMORY_MEMFD, false,
			     "file of transparent huge pages");
		MUST(file_write(SHMEM_HUGE, "never"));
	}
	memory_reserve_huge_pages(BENCH_BYTES / SZ_2M);
	file_of_kind(backend, MEMORY_MEMFD_HUGETLB, false, "file on hugetlb");
}
