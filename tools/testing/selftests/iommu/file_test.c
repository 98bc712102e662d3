// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * IOMMU_IOAS_MAP_FILE: memory that belongs to no process.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <linux/capability.h>

#include "lib/harness.h"
#include "lib/mock_rig.h"
#include "lib/process.h"

#define PINS	MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES
#define IOVA	MOCK_APERTURE_START

#define SEED	7

enum file_kind {
	FILE_MEMFD,
	FILE_MEMFD_THP,
	FILE_MEMFD_HUGETLB,
	FILE_TMPFS,
};

/**
 * struct subject - a file, and a way to look into it
 * @rig: an iommufd
 * @file: nothing of it is there at first
 * @length: of the file, bytes
 * @va: where this process has it mapped
 * @pages: small pages in it
 * @shmem_huge: what has to be set again when the file is gone, if not empty
 */
struct subject {
	struct mock_rig rig;
	int file;
	__u64 length;
	char *va;
	__u64 pages;
	char shmem_huge[32];
};

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

static void subject_destroy(struct subject *subject)
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

/* Returns 0, -ENODEV without a mock IOMMU, -ENOTSUP without such files. */
static int subject_create(struct subject *subject, enum file_kind kind,
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

static int map_part(struct subject *subject, __u64 start, __u64 length)
{
	return ioas_map_file_fixed(subject->rig.fd, subject->rig.ioas_id,
				   subject->file, start, length, IOVA + start);
}

static int map_all(struct subject *subject)
{
	return map_part(subject, 0, subject->length);
}

static int unmap_all(struct subject *subject)
{
	return ioas_unmap_all(subject->rig.fd, subject->rig.ioas_id, NULL);
}

static int plug(struct subject *subject, struct mock_device *device)
{
	return mock_plug(subject->rig.fd, subject->rig.ioas_id, device);
}

static int unplug(struct subject *subject, struct mock_device *device)
{
	return iommufd_destroy(subject->rig.fd, device->id);
}

static int check(struct subject *subject, struct mock_device *device)
{
	return mock_check_map(subject->rig.fd, device->hwpt_id, IOVA,
			      subject->length, subject->va);
}

/* Copy all of the file, as much at a time as one call may. */
static int copy(struct subject *subject, int access_fd, char *buffer,
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

static int copy_out(struct subject *subject, int access_fd, char *buffer)
{
	return copy(subject, access_fd, buffer, MOCK_ACCESS_RW_SLOW_PATH);
}

/* Is each byte of the file as in-kernel users see it the same? */
static bool shows(struct subject *subject, int access_fd, char byte)
{
	char *buffer = malloc(subject->length);
	bool same;

	same = !copy_out(subject, access_fd, buffer) && buffer[0] == byte &&
	       !memcmp(buffer, buffer + 1, subject->length - 1);
	free(buffer);
	return same;
}

/* On files of each kind */

FIXTURE(file)
{
	struct subject subject;
};

FIXTURE_VARIANT(file)
{
	enum file_kind kind;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(file, memfd) { .kind = FILE_MEMFD };
FIXTURE_VARIANT_ADD(file, thp) { .kind = FILE_MEMFD_THP };
FIXTURE_VARIANT_ADD(file, hugetlb) { .kind = FILE_MEMFD_HUGETLB };
FIXTURE_VARIANT_ADD(file, tmpfs) { .kind = FILE_TMPFS };
/* clang-format on */

FIXTURE_SETUP(file)
{
	int ret = subject_create(&self->subject, variant->kind, 0);

	if (ret == -ENOTSUP)
		subject_destroy(&self->subject);
	if (ret == -ENODEV || ret == -ENOTSUP)
		SKIP(return, "no mock IOMMU, or no such files");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(file)
{
	subject_destroy(&self->subject);
	EXPECT_STREQ("", mock_rig_destroy(&self->subject.rig));
}

/* Nobody has written to the file: it is all holes, which read as zeroes. */
TEST_F(file, h59_holes_are_filled)
{
	struct subject *subject = &self->subject;
	struct mock_device device;
	int reader = access_create(subject->rig.fd, subject->rig.ioas_id, 0);

	ASSERT_GE(reader, 0);
	ASSERT_EQ(0, plug(subject, &device));
	ASSERT_EQ(0, map_all(subject));
	EXPECT_PINNED(subject->pages);
	EXPECT_TRUE(shows(subject, reader, 0));
	EXPECT_EQ(0, check(subject, &device));
	memory_fill(subject->va, subject->length, SEED);
	EXPECT_EQ(0, check(subject, &device));
	EXPECT_EQ(0, unmap_all(subject));
	EXPECT_PINNED(0);
	EXPECT_EQ(-1, memory_compare(subject->va, subject->length, SEED));
	close(reader);
}

/* Of a folio in the middle of another, with small ones behind large ones */
TEST_F(file, h59_parts_of_folios)
{
	struct subject *subject = &self->subject;
	struct mock_rig *rig = &subject->rig;
	__u64 starts[] = { 3, subject->pages / 2 + 5, subject->pages - 20 };
	struct mock_device device;
	size_t i;

	ASSERT_EQ(0, plug(subject, &device));
	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		__u64 start = starts[i] * PAGE_SIZE;
		__u64 length = subject->length - start - 2 * PAGE_SIZE;

		ASSERT_EQ(0, map_part(subject, start, length));
		EXPECT_PINNED(length / PAGE_SIZE);
		EXPECT_EQ(0, mock_check_map(rig->fd, device.hwpt_id,
					    IOVA + start, length,
					    subject->va + start));
		EXPECT_EQ(0, mock_check_refs(rig->fd, subject->va + start,
					     length, 1));
		ASSERT_EQ(0, unmap_all(subject));
		EXPECT_EQ(0, mock_check_refs(rig->fd, subject->va,
					     subject->length, 0));
	}
}

/* The same without anybody who has the file mapped, or open. */
TEST_F(file, h59_nobody_has_the_file)
{
	struct subject *subject = &self->subject;
	int reader = access_create(subject->rig.fd, subject->rig.ioas_id, 0);
	struct mock_device device;
	char *buffer = malloc(subject->length);

	ASSERT_GE(reader, 0);
	memory_fill(subject->va, subject->length, SEED);
	ASSERT_EQ(0, map_all(subject));
	EXPECT_PINNED(0);
	subject_destroy(subject);
	subject->file = -1;
	subject->va = NULL;
	ASSERT_EQ(0, copy_out(subject, reader, buffer));
	EXPECT_EQ(-1, memory_compare(buffer, subject->length, SEED));
	EXPECT_PINNED(0);
	ASSERT_EQ(0, plug(subject, &device));
	EXPECT_PINNED(subject->pages);
	memset(buffer, 0, subject->length);
	ASSERT_EQ(0, copy_out(subject, reader, buffer));
	EXPECT_EQ(-1, memory_compare(buffer, subject->length, SEED));
	ASSERT_EQ(0, unplug(subject, &device));
	EXPECT_PINNED(0);
	close(reader);
	free(buffer);
}

/* Several page tables, one of them over a copy, share what is pinned. */
TEST_F(file, h59_page_tables_and_copies_share_pages)
{
	struct subject *subject = &self->subject;
	struct mock_rig *rig = &subject->rig;
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.src_ioas_id = rig->ioas_id,
		.src_iova = IOVA,
		.length = subject->length,
		.dst_ioas_id = rig->other_id,
		.dst_iova = IOVA,
	};
	struct mock_device device, other;

	ASSERT_EQ(0, map_all(subject));
	ASSERT_EQ(0, plug(subject, &device));
	ASSERT_EQ(0, ioas_copy(rig->fd, &copy));
	ASSERT_EQ(0, mock_plug(rig->fd, rig->other_id, &other));
	EXPECT_EQ(0, check(subject, &device));
	EXPECT_EQ(0, check(subject, &other));
	EXPECT_PINNED(subject->pages);
	EXPECT_EQ(0, mock_check_refs(rig->fd, subject->va, subject->length, 1));
	ASSERT_EQ(0, unmap_all(subject));
	EXPECT_EQ(0, check(subject, &other));
	EXPECT_PINNED(subject->pages);
	ASSERT_EQ(0, unplug(subject, &other));
	EXPECT_PINNED(0);
	EXPECT_EQ(0, mock_check_refs(rig->fd, subject->va, subject->length, 0));
}

TEST_F(file, h59_access_pins_and_copies)
{
	struct subject *subject = &self->subject;
	struct mock_rig *rig = &subject->rig;
	int pins = access_create(rig->fd, rig->ioas_id, PINS);
	char *buffer = malloc(subject->length);
	__u64 part = subject->length / 2;
	__u32 id;

	ASSERT_GE(pins, 0);
	ASSERT_EQ(0, map_all(subject));
	/* One page is pinned, and stored; the others are looked for. */
	ASSERT_EQ(0, access_pin(rig->fd, pins, IOVA + part, PAGE_SIZE,
				subject->va + part, 0, &id));
	EXPECT_PINNED(1);
	memory_fill(buffer, subject->length, SEED);
	ASSERT_EQ(0, copy(subject, pins, buffer, MOCK_ACCESS_RW_WRITE |
						 MOCK_ACCESS_RW_SLOW_PATH));
	EXPECT_EQ(-1, memory_compare(subject->va, subject->length, SEED));
	memset(buffer, 0, subject->length);
	ASSERT_EQ(0, copy(subject, pins, buffer, MOCK_ACCESS_RW_KTHREAD));
	EXPECT_EQ(-1, memory_compare(buffer, subject->length, SEED));
	EXPECT_PINNED(1);
	EXPECT_EQ(0, access_unpin(rig->fd, pins, id));
	EXPECT_PINNED(0);
	close(pins);
	free(buffer);
}

/* A file, like memory, may begin and end anywhere in a page. */
TEST_F(file, h59_any_offset)
{
	struct subject *subject = &self->subject;
	struct mock_rig *rig = &subject->rig;
	int reader = access_create(rig->fd, rig->ioas_id, 0);
	struct iommu_ioas_map_file map = {
		.flags = MAP_RW,
		.ioas_id = rig->ioas_id,
		.fd = subject->file,
		.start = PAGE_SIZE + 100,
		.length = 3 * PAGE_SIZE + 7,
	};
	struct mock_device device;
	char buffer[64];

	ASSERT_GE(reader, 0);
	memory_fill(subject->va + map.start, map.length, SEED);
	ASSERT_EQ(0, ioas_map_file(rig->fd, &map));
	ASSERT_EQ(0, access_rw(rig->fd, reader, map.iova, sizeof(buffer),
			       buffer, 0));
	EXPECT_EQ(-1, memory_compare(buffer, sizeof(buffer), SEED));
	/* Congruent, for large pages where there are some. */
	EXPECT_EQ(map.start % PAGE_SIZE, map.iova % PAGE_SIZE);
	ASSERT_EQ(0, ioas_unmap_all(rig->fd, rig->ioas_id, NULL));

	/* Devices can have half a page. */
	ASSERT_EQ(0, plug(subject, &device));
	EXPECT_EQ(-EINVAL, map_part(subject, 100, PAGE_SIZE));
	ASSERT_EQ(0, map_part(subject, MOCK_IOPTE_SIZE, 2 * PAGE_SIZE));
	EXPECT_EQ(0, mock_check_map(rig->fd, device.hwpt_id,
				    IOVA + MOCK_IOPTE_SIZE, 2 * PAGE_SIZE,
				    subject->va + MOCK_IOPTE_SIZE));
	EXPECT_PINNED(3);
	close(reader);
}

/*
 * Truncation and punched holes take pages out of the file, not away from
 * devices.
 */
static int truncate_all(struct subject *subject)
{
	return ftruncate(subject->file, 0) ? -errno : 0;
}

static int punch_all(struct subject *subject)
{
	return fallocate(subject->file,
			 FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			 subject->length) ? -errno : 0;
}

TEST_F(file, h59_truncated_while_mapped)
{
	struct subject *subject = &self->subject;
	struct mock_rig *rig = &subject->rig;
	int reader = access_create(rig->fd, rig->ioas_id, 0);
	struct mock_device device, again;

	ASSERT_GE(reader, 0);
	ASSERT_EQ(0, plug(subject, &device));
	memset(subject->va, 'x', subject->length);
	ASSERT_EQ(0, map_all(subject));
	ASSERT_EQ(0, truncate_all(subject));
	EXPECT_TRUE(shows(subject, reader, 'x'));
	EXPECT_PINNED(subject->pages);
	ASSERT_EQ(0, unplug(subject, &device));
	EXPECT_PINNED(0);
	/* What was orphaned went with the page table. */
	EXPECT_FALSE(shows(subject, reader, 'x'));
	EXPECT_EQ(-EFAULT, plug(subject, &again));
	EXPECT_PINNED(0);
	ASSERT_EQ(0, ftruncate(subject->file, subject->length));
	ASSERT_EQ(0, plug(subject, &again));
	EXPECT_TRUE(shows(subject, reader, 0));
	EXPECT_EQ(0, check(subject, &again));
	close(reader);
}

TEST_F(file, h59_punched_while_mapped)
{
	struct subject *subject = &self->subject;
	struct mock_rig *rig = &subject->rig;
	int reader = access_create(rig->fd, rig->ioas_id, 0);
	struct mock_device device;

	ASSERT_GE(reader, 0);
	ASSERT_EQ(0, plug(subject, &device));
	memset(subject->va, 'x', subject->length);
	ASSERT_EQ(0, map_all(subject));
	ASSERT_EQ(0, punch_all(subject));
	EXPECT_EQ(0, subject->va[0]);
	EXPECT_TRUE(shows(subject, reader, 'x'));
	EXPECT_EQ(-EINVAL, check(subject, &device));
	/* To have what the file has, map again. */
	ASSERT_EQ(0, unmap_all(subject));
	EXPECT_PINNED(0);
	ASSERT_EQ(0, map_all(subject));
	EXPECT_TRUE(shows(subject, reader, 0));
	EXPECT_EQ(0, check(subject, &device));
	close(reader);
}

/*
 * fallocate() gives a file pages that nobody has cleared. Memory that was just
 * given back is full of what must not be seen there.
 */
TEST_F(file, h70_fallocated_pages_are_clean)
{
	struct subject *subject = &self->subject;
	struct mock_rig *rig = &subject->rig;
	int reader = access_create(rig->fd, rig->ioas_id, 0);
	struct mock_device device;
	char *secret;

	ASSERT_GE(reader, 0);
	ASSERT_EQ(0, plug(subject, &device));
	secret = memory_anonymous(subject->length, PROT_READ | PROT_WRITE);
	ASSERT_NE(NULL, secret);
	memset(secret, 'x', subject->length);
	munmap(secret, subject->length);
	ASSERT_EQ(0, fallocate(subject->file, 0, 0, subject->length));
	ASSERT_EQ(0, map_all(subject));
	EXPECT_TRUE(shows(subject, reader, 0));
	EXPECT_EQ(0, check(subject, &device));
	/* What is cleared later would be lost. */
	memory_fill(subject->va, subject->length, SEED);
	ASSERT_EQ(0, unmap_all(subject));
	ASSERT_EQ(0, map_all(subject));
	EXPECT_EQ(-1, memory_compare(subject->va, subject->length, SEED));
	close(reader);
}

/**
 * struct torment - takes pages out of a file all the time, in another process
 * @subject: the file
 * @stop: has to stop
 */
struct torment {
	struct subject *subject;
	atomic_bool stop;
};

static int torment_run(void *arg)
{
	struct torment *torment = arg;
	struct subject *subject = torment->subject;
	unsigned int round;

	for (round = 0; !atomic_load(&torment->stop); round++) {
		int ret = round % 3 ? punch_all(subject) : truncate_all(subject);

		if (ret || ftruncate(subject->file, subject->length))
			return 1;
		/* Without a huge page this fails, which is no matter. */
		if (round % 3 == 1 &&
		    fallocate(subject->file, 0, 0, subject->length))
			continue;
	}
	return 0;
}

/* Behind this size this process makes no file longer; the signal is ignored. */
static int limit_file_size(__u64 bytes)
{
	struct rlimit limit = { .rlim_cur = bytes, .rlim_max = RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	return setrlimit(RLIMIT_FSIZE, &limit) ? -errno : 0;
}

static bool is_expected(int ret)
{
	/* EINVAL: too short when it was mapped; ENOMEM: no huge page. */
	return !ret || ret == -EINVAL || ret == -EFAULT || ret == -EBUSY ||
	       ret == -ENOMEM;
}

/*
 * Whatever is mapped is the file's at that time, or fails; nothing is lost. What
 * fills holes comes too late now and then, where a limit keeps it from filling.
 */
TEST_F(file, h70_map_races_with_truncation)
{
	struct subject *subject = &self->subject;
	struct torment *torment;
	struct mock_device device;
	unsigned int i, mapped = 0;
	pid_t child;

	torment = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)torment);
	torment->subject = subject;
	ASSERT_EQ(0, plug(subject, &device));
	child = child_start(torment_run, torment);
	ASSERT_GT(child, 0);
	ASSERT_EQ(0, limit_file_size(0));
	for (i = 0; i < 40; i++) {
		int ret = map_all(subject);

		EXPECT_TRUE(is_expected(ret)) {
			TH_LOG("errno %d", ret);
		}
		mapped += !ret;
		EXPECT_PINNED(ret ? 0 : subject->pages);
		EXPECT_EQ(0, unmap_all(subject));
	}
	ASSERT_EQ(0, limit_file_size(RLIM_INFINITY));
	atomic_store(&torment->stop, true);
	EXPECT_EQ(0, child_wait(child, TIMEOUT_MS));
	EXPECT_GT(mapped, 0);
	EXPECT_PINNED(0);
	ASSERT_EQ(0, map_all(subject));
	EXPECT_EQ(0, check(subject, &device));
	munmap(torment, PAGE_SIZE);
}

/* What is behind the end is nothing to fill, and it might not be allowed. */
TEST_F(file, h59_last_page_is_not_whole)
{
	struct subject *subject = &self->subject;
	__u64 part = PAGE_SIZE / 2, length = subject->length - part;
	int reader = access_create(subject->rig.fd, subject->rig.ioas_id, 0);
	struct mock_device device;
	char buffer[2] = "xx";

	ASSERT_GE(reader, 0);
	ASSERT_EQ(0, plug(subject, &device));
	ASSERT_EQ(0, truncate_all(subject));
	/* On a hugetlbfs only this makes files that end in a page. */
	ASSERT_EQ(0, fallocate(subject->file, 0, 0, length));
	ASSERT_EQ(0, punch_all(subject));
	ASSERT_EQ(0, limit_file_size(length));
	EXPECT_EQ(0, map_part(subject, length - part, part));
	EXPECT_PINNED(1);
	EXPECT_EQ(0, access_rw(subject->rig.fd, reader, IOVA + length - part,
			       sizeof(buffer), buffer,
			       MOCK_ACCESS_RW_SLOW_PATH));
	EXPECT_EQ(0, buffer[0] | buffer[1]);
	ASSERT_EQ(0, limit_file_size(RLIM_INFINITY));
	close(reader);
}

static void ignore(int signal)
{
	(void)signal;
}

/* What fills a hole may give up at any signal, and begin again for ever. */
TEST_F(file, h60_signals_do_not_matter)
{
	const struct itimerval often = {
		.it_interval.tv_usec = 500,
		.it_value.tv_usec = 500,
	};
	const struct itimerval never = {};
	const struct sigaction action = { .sa_handler = ignore };
	struct subject *subject = &self->subject;
	struct mock_device device;
	unsigned int i;

	ASSERT_EQ(0, plug(subject, &device));
	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &often, NULL));
	for (i = 0; i < 10; i++) {
		EXPECT_EQ(0, map_all(subject));
		EXPECT_EQ(0, unmap_all(subject));
		EXPECT_EQ(0, punch_all(subject));
	}
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &never, NULL));
}

static int map_and_exit(void *arg)
{
	struct subject *subject = arg;

	return map_all(subject) ? 1 : 0;
}

/* With memory of a process each of these steps fails. */
TEST_F(file, h59_mapper_is_gone)
{
	struct subject *subject = &self->subject;
	struct mock_rig *rig = &subject->rig;
	int pins = access_create(rig->fd, rig->ioas_id, PINS);
	struct mock_device device;
	__u32 id;

	ASSERT_GE(pins, 0);
	memset(subject->va, 'x', subject->length);
	ASSERT_EQ(0, child_run(map_and_exit, subject, TIMEOUT_MS));
	EXPECT_TRUE(shows(subject, pins, 'x'));
	ASSERT_EQ(0, access_pin(rig->fd, pins, IOVA, PAGE_SIZE, subject->va, 0,
				&id));
	ASSERT_EQ(0, plug(subject, &device));
	EXPECT_EQ(0, check(subject, &device));
	/* It is the other process that pays. */
	EXPECT_PINNED(0);
	EXPECT_EQ(0, access_unpin(rig->fd, pins, id));
	ASSERT_EQ(0, ioas_change_process(rig->fd));
	EXPECT_PINNED(subject->pages);
	EXPECT_EQ(0, unmap_all(subject));
	EXPECT_PINNED(0);
	close(pins);
}

TEST_F(file, h59_writes_are_tracked)
{
	struct subject *subject = &self->subject;
	struct mock_rig *rig = &subject->rig;
	struct mock_device device;
	__u64 bits = 0;
	__u32 hwpt_id;

	ASSERT_EQ(0, plug(subject, &device));
	ASSERT_EQ(0, map_all(subject));
	ASSERT_EQ(0, hwpt_alloc_flags(rig->fd, device.idev_id, rig->ioas_id,
				      IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
				      &hwpt_id));
	ASSERT_EQ(0, mock_replace(rig->fd, device.id, hwpt_id));
	ASSERT_EQ(0, dirty_track(rig->fd, hwpt_id, true));
	ASSERT_EQ(0, mock_write_one(rig->fd, hwpt_id, IOVA + 5 * PAGE_SIZE));
	ASSERT_EQ(0, dirty_read(rig->fd, &(struct iommu_hwpt_get_dirty_bitmap){
		.hwpt_id = hwpt_id,
		.iova = IOVA,
		.length = 64 * PAGE_SIZE,
		.page_size = PAGE_SIZE,
		.data = va_to_u64(&bits),
	}));
	EXPECT_NE(0, bits & 1 << 5);
	ASSERT_EQ(0, unplug(subject, &device));
	ASSERT_EQ(0, iommufd_destroy(rig->fd, hwpt_id));
}

/* Errors */

FIXTURE(refused)
{
	struct subject subject;
	struct mock_device device;
};

FIXTURE_SETUP(refused)
{
	int ret = subject_create(&self->subject, FILE_MEMFD, 0);

	if (ret == -ENODEV)
		SKIP(return, "no mock IOMMU");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, plug(&self->subject, &self->device));
}

FIXTURE_TEARDOWN(refused)
{
	subject_destroy(&self->subject);
	EXPECT_STREQ("", mock_rig_destroy(&self->subject.rig));
}

static int map_fd(struct subject *subject, int fd, __u32 flags, __u64 start,
		  __u64 length)
{
	struct iommu_ioas_map_file map = {
		.flags = flags,
		.ioas_id = subject->rig.ioas_id,
		.fd = fd,
		.start = start,
		.length = length,
	};

	return ioas_map_file(subject->rig.fd, &map);
}

static int map_opened(struct subject *subject, const char *path, int mode,
		      __u32 flags)
{
	int fd = open(path, mode | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = map_fd(subject, fd, flags, 0, PAGE_SIZE);
	close(fd);
	return ret;
}

/* The file of the subject by another open. */
static int map_reopened(struct subject *subject, int mode, __u32 flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", subject->file);
	return map_opened(subject, path, mode, flags);
}

TEST_F(refused, h59_not_a_file_of_memory)
{
	struct subject *subject = &self->subject;
	int pipes[2];

	EXPECT_EQ(-EBADF, map_fd(subject, -1, MAP_RW, 0, PAGE_SIZE));
	EXPECT_EQ(-EBADF, map_fd(subject, 1000, MAP_RW, 0, PAGE_SIZE));
	/* A name and no more. */
	EXPECT_EQ(-EBADF, map_reopened(subject, O_PATH, MAP_READ));
	EXPECT_EQ(-EINVAL, map_opened(subject, "/dev/zero", O_RDWR, MAP_RW));
	EXPECT_EQ(-EINVAL, map_opened(subject, "/proc/self/maps", O_RDONLY,
				      MAP_READ));
	EXPECT_EQ(-EINVAL, map_opened(subject, "/", O_RDONLY | O_DIRECTORY,
				      MAP_READ));
	EXPECT_EQ(-EINVAL, map_fd(subject, subject->rig.fd, MAP_RW, 0,
				  PAGE_SIZE));
	ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC));
	EXPECT_EQ(-EINVAL, map_fd(subject, pipes[0], MAP_READ, 0, PAGE_SIZE));
	close(pipes[0]);
	close(pipes[1]);
	EXPECT_PINNED(0);
}

TEST_F(refused, h59_range_not_in_the_file)
{
	struct subject *subject = &self->subject;
	__u64 end = subject->length;
	int fd = subject->file;

	EXPECT_EQ(-EINVAL, map_fd(subject, fd, MAP_RW, 0, 0));
	EXPECT_EQ(-EINVAL, map_fd(subject, fd, MAP_RW, end, PAGE_SIZE));
	EXPECT_EQ(-EINVAL, map_fd(subject, fd, MAP_RW, 0, end + PAGE_SIZE));
	EXPECT_EQ(-EINVAL, map_fd(subject, fd, MAP_RW, end - PAGE_SIZE,
				  2 * PAGE_SIZE));
	EXPECT_EQ(-EINVAL, map_fd(subject, fd, MAP_RW, 1ULL << 62, PAGE_SIZE));
	EXPECT_EQ(-EOVERFLOW, map_fd(subject, fd, MAP_RW, -PAGE_SIZE,
				     PAGE_SIZE));
	EXPECT_EQ(-EOVERFLOW, map_fd(subject, fd, MAP_RW, -PAGE_SIZE,
				     2 * PAGE_SIZE));
	EXPECT_EQ(-EOVERFLOW, map_fd(subject, fd, MAP_RW, PAGE_SIZE,
				     -PAGE_SIZE));
	/* The last byte of a file is in it, the rest of its page is not. */
	ASSERT_EQ(0, ftruncate(fd, end - PAGE_SIZE / 2));
	EXPECT_EQ(-EINVAL, map_fd(subject, fd, MAP_RW, 0, end));
	EXPECT_EQ(0, map_fd(subject, fd, MAP_RW, 0, end - PAGE_SIZE / 2));
	EXPECT_PINNED(subject->pages);
	ASSERT_EQ(0, unmap_all(subject));
	EXPECT_PINNED(0);
}

TEST_F(refused, h59_rights_of_the_file)
{
	struct subject *subject = &self->subject;
	struct mock_rig *rig = &subject->rig;
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.src_ioas_id = rig->ioas_id,
		.src_iova = IOVA,
		.length = PAGE_SIZE,
		.dst_ioas_id = rig->other_id,
		.dst_iova = IOVA,
	};

	EXPECT_EQ(-EINVAL, map_fd(subject, subject->file, 0, 0, PAGE_SIZE));
	EXPECT_EQ(-EPERM, map_reopened(subject, O_RDONLY, MAP_RW));
	EXPECT_EQ(-EPERM, map_reopened(subject, O_RDONLY, MAP_WRITE));
	EXPECT_EQ(-EPERM, map_reopened(subject, O_WRONLY, MAP_RW));
	EXPECT_EQ(-EPERM, map_reopened(subject, O_WRONLY, MAP_READ));
	/* A copy could be for reading, and many IOMMUs let devices read it. */
	EXPECT_EQ(-EPERM, map_reopened(subject, O_WRONLY, MAP_WRITE));
	ASSERT_EQ(0, ioas_allow_one(rig->fd, rig->ioas_id, IOVA,
				    IOVA + PAGE_SIZE - 1));
	EXPECT_EQ(0, map_reopened(subject, O_RDONLY, MAP_READ));
	EXPECT_EQ(-EPERM, ioas_copy(rig->fd, &copy));
	copy.flags &= ~MAP_WRITE;
	EXPECT_EQ(0, ioas_copy(rig->fd, &copy));
}

static int sealable_file(__u64 length)
{
	int fd = memfd_create("iommufd", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && ftruncate(fd, length)) {
		close(fd);
		return -errno;
	}
	return fd;
}

/* A huge page that is a hole, and a file that ends in it and may not grow. */
static int sealed_huge_file(__u64 length)
{
	int fd = memfd_create("iommufd", MFD_CLOEXEC | MFD_ALLOW_SEALING |
					 MFD_HUGETLB);
	const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	if (fd >= 0 && (fallocate(fd, 0, 0, length) ||
			fallocate(fd, punch, 0, SZ_2M) ||
			fcntl(fd, F_ADD_SEALS, F_SEAL_GROW))) {
		close(fd);
		return -errno;
	}
	return fd;
}

TEST_F(refused, h59_file_that_may_not_grow)
{
	struct subject *subject = &self->subject;
	__u64 part = PAGE_SIZE / 2;
	int fd;

	memory_reserve_huge_pages(16);
	fd = sealed_huge_file(2 * PAGE_SIZE + part);
	if (fd < 0)
		SKIP(return, "no huge pages");
	EXPECT_EQ(0, map_fd(subject, fd, MAP_RW, 2 * PAGE_SIZE, part));
	EXPECT_PINNED(1);
	close(fd);
}

TEST_F(refused, h59_seals_of_the_file)
{
	struct subject *subject = &self->subject;
	const int seals[] = { F_SEAL_WRITE, F_SEAL_FUTURE_WRITE };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(seals); i++) {
		int fd = sealable_file(PAGE_SIZE);

		ASSERT_GE(fd, 0);
		ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, seals[i]));
		EXPECT_EQ(-EPERM, map_fd(subject, fd, MAP_RW, 0, PAGE_SIZE));
		EXPECT_EQ(0, map_fd(subject, fd, MAP_READ, 0, PAGE_SIZE));
		EXPECT_EQ(0, unmap_all(subject));
		close(fd);
	}
}

/* A seal says that nobody writes, so devices must not be able to. */
TEST_F(refused, h59_sealed_while_mapped)
{
	struct subject *subject = &self->subject;
	int fd = sealable_file(PAGE_SIZE);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, unplug(subject, &self->device));
	ASSERT_EQ(0, map_fd(subject, fd, MAP_RW, 0, PAGE_SIZE));
	EXPECT_EQ(-1, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(EBUSY, errno);
	ASSERT_EQ(0, unmap_all(subject));
	EXPECT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(-EPERM, map_fd(subject, fd, MAP_RW, 0, PAGE_SIZE));
	close(fd);
}

TEST_F(refused, iova_as_with_memory)
{
	struct subject *subject = &self->subject;
	struct mock_rig *rig = &subject->rig;

	ASSERT_EQ(0, map_part(subject, 0, 4 * PAGE_SIZE));
	EXPECT_EQ(-EEXIST, map_part(subject, PAGE_SIZE, PAGE_SIZE));
	EXPECT_EQ(-ENOENT, ioas_map_file_fixed(rig->fd, 0x7fff, subject->file,
					       0, PAGE_SIZE, IOVA));
	EXPECT_EQ(-EINVAL, ioas_map_file_fixed(rig->fd, rig->ioas_id,
					       subject->file, 0, PAGE_SIZE,
					       0));
	EXPECT_EQ(-EOVERFLOW, ioas_map_file_fixed(rig->fd, rig->ioas_id,
						  subject->file, 0, PAGE_SIZE,
						  -(PAGE_SIZE / 2)));
	EXPECT_PINNED(4);
}

/* A file system that has no room for all of a file */

#define ROOM	(8 * PAGE_SIZE)

#define QUOTA_OPTIONS	"usrquota,usrquota_block_hardlimit=32K"

FIXTURE(full)
{
	struct mock_rig rig;
	struct mock_device device;
	int file;
};

FIXTURE_VARIANT(full)
{
	const char *options;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(full, tmpfs) { .options = "size=32K" };
FIXTURE_VARIANT_ADD(full, quota) { .options = QUOTA_OPTIONS };
/* clang-format on */

static int file_of_nobody(const char *directory)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/file", directory);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	/* Root has no quota. */
	if (fd < 0 || fchown(fd, 1, 1) || ftruncate(fd, 2 * ROOM))
		return -errno;
	return fd;
}

/* On a tmpfs of its own; -ENOTSUP if there is none with these options. */
static int file_on_tmpfs(const char *options)
{
	char directory[] = "/tmp/iommufd-XXXXXX";
	int ret = -ENOTSUP;

	if (!mkdtemp(directory))
		return ret;
	if (!mount("tmpfs", directory, "tmpfs", 0, options)) {
		ret = file_of_nobody(directory);
		umount2(directory, MNT_DETACH);
	}
	rmdir(directory);
	return ret;
}

FIXTURE_SETUP(full)
{
	struct mock_rig *rig = &self->rig;
	int ret = mock_rig_create(rig, 0);

	if (ret == -ENODEV)
		SKIP(return, "no mock IOMMU");
	ASSERT_EQ(0, ret);
	self->file = file_on_tmpfs(variant->options);
	if (self->file == -ENOTSUP)
		SKIP(return, "no such tmpfs");
	ASSERT_GE(self->file, 0);
	ASSERT_EQ(0, mock_plug(rig->fd, rig->ioas_id, &self->device));
}

FIXTURE_TEARDOWN(full)
{
	close(self->file);
	EXPECT_STREQ("", mock_rig_destroy(&self->rig));
}

/* Whichever errno the file system has for it. */
TEST_F(full, h59_is_no_memory)
{
	struct mock_rig *rig = &self->rig;

	/* With this nobody has a quota. */
	ASSERT_EQ(0, capability_drop(CAP_SYS_RESOURCE));
	EXPECT_EQ(-ENOMEM, ioas_map_file_fixed(rig->fd, rig->ioas_id,
					       self->file, 0, 2 * ROOM, IOVA));
	EXPECT_PINNED(0);
	/* What was filled is there, and is enough for this. */
	EXPECT_EQ(0, ioas_map_file_fixed(rig->fd, rig->ioas_id, self->file, 0,
					 ROOM, IOVA));
	EXPECT_PINNED(ROOM / PAGE_SIZE);
	ASSERT_EQ(0, ioas_unmap_all(rig->fd, rig->ioas_id, NULL));
	EXPECT_PINNED(0);
}

/* Who pays */

FIXTURE(paid)
{
	struct subject subject;
};

FIXTURE_VARIANT(paid)
{
	__u64 mode;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(paid, by_user) { .mode = 0 };
FIXTURE_VARIANT_ADD(paid, by_process) { .mode = 1 };
/* clang-format on */

FIXTURE_SETUP(paid)
{
	int ret = subject_create(&self->subject, FILE_MEMFD, variant->mode);

	if (ret == -ENODEV)
		SKIP(return, "no mock IOMMU");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(paid)
{
	subject_destroy(&self->subject);
	EXPECT_STREQ("", mock_rig_destroy(&self->subject.rig));
}

TEST_F(paid, h37_up_to_the_limit)
{
	struct subject *subject = &self->subject;
	struct mock_device device;

	ASSERT_EQ(0, plug(subject, &device));
	ASSERT_EQ(0, memlock_limit(8 * PAGE_SIZE));
	ASSERT_EQ(0, capability_drop(CAP_IPC_LOCK));
	EXPECT_EQ(-ENOMEM, map_part(subject, 0, 9 * PAGE_SIZE));
	EXPECT_PINNED(0);
	EXPECT_EQ(0, map_part(subject, 0, 8 * PAGE_SIZE));
	EXPECT_PINNED(8);
	EXPECT_EQ(variant->mode ? 8 * KIB_PER_PAGE : 0, status_kib("VmLck:"));
	EXPECT_EQ(-ENOMEM, map_part(subject, 8 * PAGE_SIZE, PAGE_SIZE));
	ASSERT_EQ(0, unmap_all(subject));
	EXPECT_EQ(0, map_part(subject, 8 * PAGE_SIZE, 8 * PAGE_SIZE));
	ASSERT_EQ(0, unmap_all(subject));
	EXPECT_PINNED(0);
	EXPECT_EQ(0, status_kib("VmLck:"));
}

TEST_HARNESS_MAIN
