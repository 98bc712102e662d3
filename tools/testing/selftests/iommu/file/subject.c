// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "subject.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/process.h"

#define SHMEM_HUGE	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"

/* What is chosen stands in brackets. */
static int shmem_huge_now(char *value, size_t size)
{
	FILE *file = fopen(SHMEM_HUGE, "re");
	char text[128] = {}, *start, *end;

	if (!file)
		return -ENOTSUP;
	start = fgets(text, sizeof(text), file) ? strchr(text, '[') : NULL;
	fclose(file);
	end = start ? strchr(start, ']') : NULL;
	if (!end)
		return -ENOTSUP;
	*end = 0;
	snprintf(value, size, "%s", start + 1);
	return 0;
}

void subject_destroy(struct subject *subject)
{
	if (subject->file >= 0)
		close(subject->file);
	if (subject->va)
		munmap(subject->va, subject->length);
	if (subject->shmem_huge[0])
		file_write(SHMEM_HUGE, subject->shmem_huge);
}

/* Huge pages as far as they fit into the file, and small ones behind them. */
static int use_shmem_huge(struct subject *subject)
{
	int ret = shmem_huge_now(subject->shmem_huge,
				 sizeof(subject->shmem_huge));

	return ret ? ret : file_write(SHMEM_HUGE, "within_size");
}

static __u64 file_length(enum file_kind kind)
{
	switch (kind) {
	case FILE_MEMFD_THP:
		return 2 * SZ_2M + 16 * PAGE_SIZE;
	case FILE_MEMFD_HUGETLB:
		return 2 * SZ_2M;
	default:
		return 64 * PAGE_SIZE;
	}
}

static enum memory_kind memory_kind_of(enum file_kind kind)
{
	switch (kind) {
	case FILE_TMPFS:
		return MEMORY_FILE;
	case FILE_MEMFD_HUGETLB:
		return MEMORY_MEMFD_HUGETLB;
	default:
		return MEMORY_MEMFD;
	}
}

int subject_create(struct subject *subject, enum file_kind kind,
		   __u64 rlimit_mode)
{
	void *va;
	int ret;

	memset(subject, 0, sizeof(*subject));
	subject->file = -1;
	if (kind == FILE_MEMFD_HUGETLB)
		memory_reserve_huge_pages(16);
	ret = mock_rig_create(&subject->rig, rlimit_mode);
	if (ret)
		return ret;
	if (kind == FILE_MEMFD_THP && use_shmem_huge(subject))
		return -ENOTSUP;
	subject->length = file_length(kind);
	subject->pages = subject->length / PAGE_SIZE;
	subject->file = memory_create_file(memory_kind_of(kind),
					   subject->length);
	if (subject->file < 0)
		return -ENOTSUP;
	va = mmap(NULL, subject->length, PROT_READ | PROT_WRITE, MAP_SHARED,
		  subject->file, 0);
	if (va == MAP_FAILED)
		return -ENOTSUP;
	subject->va = va;
	return 0;
}

int map_part(struct subject *subject, __u64 start, __u64 length)
{
	return ioas_map_file_fixed(subject->rig.fd, subject->rig.ioas_id,
				   subject->file, start, length, IOVA + start);
}

int map_all(struct subject *subject)
{
	return map_part(subject, 0, subject->length);
}

int unmap_all(struct subject *subject)
{
	return ioas_unmap_all(subject->rig.fd, subject->rig.ioas_id, NULL);
}

int plug(struct subject *subject, struct mock_device *device)
{
	return mock_plug(subject->rig.fd, subject->rig.ioas_id, device);
}

int unplug(struct subject *subject, struct mock_device *device)
{
	return iommufd_destroy(subject->rig.fd, device->id);
}

int check(struct subject *subject, struct mock_device *device)
{
	return mock_check_map(subject->rig.fd, device->hwpt_id, IOVA,
			      subject->length, subject->va);
}

int copy(struct subject *subject, int access_fd, char *buffer,
	 __u32 flags)
{
	__u64 at, step;
	int ret = 0;

	for (at = 0; !ret && at < subject->length; at += step) {
		step = subject->length - at;
		if (step > SZ_1M)
			step = SZ_1M;
		ret = access_rw(subject->rig.fd, access_fd, IOVA + at, step,
				buffer + at, flags);
	}
	return ret;
}

int copy_out(struct subject *subject, int access_fd, char *buffer)
{
	return copy(subject, access_fd, buffer, MOCK_ACCESS_RW_SLOW_PATH);
}

bool shows(struct subject *subject, int access_fd, char byte)
{
	char *buffer = malloc(subject->length);
	bool same;

	same = !copy_out(subject, access_fd, buffer) && buffer[0] == byte &&
	       !memcmp(buffer, buffer + 1, subject->length - 1);
	free(buffer);
	return same;
}
