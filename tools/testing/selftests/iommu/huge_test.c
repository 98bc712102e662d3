// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Memory that huge page table entries map. Such an entry is pinned all at once,
 * which is right only for what it really maps. So maps begin and end anywhere in
 * it, or parts of it are not there or may not be used. Then each test looks at
 * every page from the side of the device: by DMA, or into the page table of the
 * mock IOMMU.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/userfaultfd.h>

#include "lib/faults.h"
#include "lib/huge_fixture.h"
#include "lib/process.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#define MADV_POPULATE_WRITE	23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define THP		"/sys/kernel/mm/transparent_hugepage/"
#define GIGANTIC	"/sys/kernel/mm/hugepages/hugepages-1048576kB/"

/* Maps that begin and end anywhere in huge pages */

static const __u64 edges[] = {
	0, 1, 31, 32, 33, 479, 480, 481, 510, 511, 512, 513, 543, 544, 992,
	1023, 1024,
};

static const __u64 lengths[] = {
	1, 2, 31, 32, 33, 64, 511, 512, 513, 1024, 1200,
};

/* All of them would take too long, and with DMA much too long. */
static bool is_sample(const struct huge *huge, unsigned int number)
{
	return number % (huge->has_edu ? 29 : 4) == 3;
}

/* On the way over @count pages, everything that the tables above can ask for. */
static const char *check_edges(struct huge *huge, char *va, __u64 count,
			       __u32 flags)
{
	unsigned int number = 0;
	const char *wrong;
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		for (k = 0; k < ARRAY_SIZE(lengths); k++) {
			__u64 skew = number % 3 ? edges[i] % HUGE_PAGES : 7;

			if (edges[i] + lengths[k] > count ||
			    !is_sample(huge, number++))
				continue;
			wrong = huge_check_map(huge, va + edges[i] * PAGE_SIZE,
					       lengths[k],
					       EVEN_IOVA + skew * PAGE_SIZE,
					       flags, lengths[k] / 2);
			if (*wrong)
				return huge_say_where(huge,
						      "%llu pages from %llu",
						      lengths[k], edges[i]);
		}
	}
	return "";
}

TEST_F(huge, edges_of_thp_and_small_pages)
{
	struct huge *huge = &self->huge;
	char *va;

	ASSERT_EQ(0, huge_alloc_marked(huge, MEMORY_THP, 3, &va));
	/* The last third becomes small pages. */
	ASSERT_EQ(0, madvise(va + 2 * SZ_2M, SZ_2M, MADV_NOHUGEPAGE));
	ASSERT_EQ(0, madvise(va + 2 * SZ_2M, SZ_2M, MADV_DONTNEED));
	huge_mark_all(huge, va + 2 * SZ_2M, HUGE_PAGES);
	EXPECT_STREQ("", check_edges(huge, va, 3 * HUGE_PAGES, MAP_RW));
	EXPECT_STREQ("", check_edges(huge, va, 3 * HUGE_PAGES, MAP_READ));
}

TEST_F(huge, edges_of_hugetlb)
{
	struct huge *huge = &self->huge;
	char *va;

	ASSERT_EQ(0, huge_alloc_marked(huge, MEMORY_HUGETLB, 3, &va));
	EXPECT_STREQ("", check_edges(huge, va, 3 * HUGE_PAGES, MAP_RW));
}

TEST_F(huge, edges_of_shared_hugetlb)
{
	struct huge *huge = &self->huge;
	char *va;

	ASSERT_EQ(0, huge_alloc_marked(huge, MEMORY_MEMFD_HUGETLB, 3, &va));
	EXPECT_STREQ("", check_edges(huge, va, 3 * HUGE_PAGES, MAP_RW));
	EXPECT_STREQ("", check_edges(huge, va, 3 * HUGE_PAGES, MAP_READ));
}

/* Huge pages of shared memory, where a setting of the system allows them. */
static int alloc_shared_thp(struct huge *huge, __u64 blocks, char **va)
{
	int prot = PROT_READ | PROT_WRITE;
	int ret = memory_alloc(MEMORY_SHARED, blocks * SZ_2M, (void **)va);

	if (ret || file_write(THP "shmem_enabled", "advise"))
		return ret ? ret : -ENOTSUP;
	if (mmap(*va, blocks * SZ_2M, prot,
		 MAP_FIXED | MAP_SHARED | MAP_ANONYMOUS, -1, 0) != *va ||
	    madvise(*va, blocks * SZ_2M, MADV_HUGEPAGE))
		return -errno;
	huge_mark_all(huge, *va, blocks * HUGE_PAGES);
	file_write(THP "shmem_enabled", "never");
	if (file_number("/proc/self/smaps_rollup", "ShmemPmdMapped:") <
	    blocks * SZ_2M / 1024)
		return -ENOTSUP;
	return 0;
}

TEST_F(huge, edges_of_shared_thp)
{
	struct huge *huge = &self->huge;
	char *va;
	int ret;

	ret = alloc_shared_thp(huge, 3, &va);
	if (ret == -ENOTSUP)
		SKIP(return, "no shared huge pages");
	ASSERT_EQ(0, ret);
	EXPECT_STREQ("", check_edges(huge, va, 3 * HUGE_PAGES, MAP_RW));
	/* One page is cut out of the file, and comes back as another one. */
	ASSERT_EQ(0, madvise(va + 100 * PAGE_SIZE, PAGE_SIZE, MADV_REMOVE));
	huge_mark(huge, va, 100);
	EXPECT_STREQ("", huge_check_map(huge, va, 3 * HUGE_PAGES, EVEN_IOVA,
					MAP_RW, 100));
}

/* A huge page in the middle of which a range of the pool is something else. */
TEST_F(huge, changed_hugetlb)
{
	struct huge *huge = &self->huge;
	char *va, *block;

	ASSERT_EQ(0, huge_alloc_marked(huge, MEMORY_HUGETLB, 3, &va));
	block = va + SZ_2M;
	ASSERT_EQ(block, mmap(block, SZ_2M, PROT_READ | PROT_WRITE,
			      MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	huge_mark_all(huge, block, HUGE_PAGES);
	EXPECT_STREQ("", check_edges(huge, va, 3 * HUGE_PAGES, MAP_RW));
}

/* Memory that is not there before the map */

TEST_F(huge, never_touched)
{
	static const enum memory_kind kinds[] = {
		MEMORY_THP, MEMORY_HUGETLB, MEMORY_MEMFD_HUGETLB,
		MEMORY_FILE_PRIVATE,
	};
	static const __u32 rights[] = { MAP_RW, MAP_READ };
	struct huge *huge = &self->huge;
	size_t i, k;
	char *va;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (k = 0; k < ARRAY_SIZE(rights); k++) {
			if (huge_alloc_fresh(kinds[i], 2, &va))
				continue;
			ASSERT_EQ(0, huge_map(huge, va, 2 * HUGE_PAGES,
					      EVEN_IOVA, rights[k]));
			/* Even with no right to write the process can. */
			huge_mark_all(huge, va, 2 * HUGE_PAGES);
			EXPECT_STREQ("", huge_check_shown(huge, va, EVEN_IOVA,
							  2 * HUGE_PAGES,
							  700)) {
				TH_LOG("kind %d, rights %x", kinds[i],
				       rights[k]);
			}
			EXPECT_STREQ("", huge_check_unmap(huge, EVEN_IOVA,
							  2 * HUGE_PAGES));
			memory_free_all();
		}
	}
}

/* The huge zero page, or that of a file, until the process writes. */
TEST_F(huge, only_read_so_far)
{
	static const enum memory_kind kinds[] = {
		MEMORY_THP, MEMORY_FILE_PRIVATE, MEMORY_HUGETLB,
	};
	struct huge *huge = &self->huge;
	size_t i;
	char *va;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (huge_alloc_fresh(kinds[i], 2, &va))
			continue;
		ASSERT_EQ(0, madvise(va, 2 * SZ_2M, MADV_POPULATE_READ));
		ASSERT_EQ(0, huge_map(huge, va + 5 * PAGE_SIZE, 1000, EVEN_IOVA,
				      MAP_READ));
		huge_mark_all(huge, va, 2 * HUGE_PAGES);
		EXPECT_STREQ("", huge_check_shown(huge, va + 5 * PAGE_SIZE,
						  EVEN_IOVA, 1000, 700)) {
			TH_LOG("kind %d", kinds[i]);
		}
		EXPECT_STREQ("", huge_check_unmap(huge, EVEN_IOVA, 1000));
		memory_free_all();
	}
}

/* Small pages cannot become a huge one while a device has them. */
TEST_F(huge, collapsed)
{
	struct huge *huge = &self->huge;
	char *va;

	ASSERT_EQ(0, huge_alloc_marked(huge, MEMORY_SMALL_PAGES, 2, &va));
	ASSERT_EQ(0, madvise(va, 2 * SZ_2M, MADV_HUGEPAGE));
	ASSERT_EQ(0, huge_map(huge, va, 2 * HUGE_PAGES, EVEN_IOVA, MAP_RW));
	EXPECT_NE(0, madvise(va, 2 * SZ_2M, MADV_COLLAPSE));
	EXPECT_STREQ("", huge_check_shown(huge, va, EVEN_IOVA, 2 * HUGE_PAGES,
					  9));
	EXPECT_STREQ("", huge_check_unmap(huge, EVEN_IOVA, 2 * HUGE_PAGES));
	if (madvise(va, 2 * SZ_2M, MADV_COLLAPSE))
		SKIP(return, "no collapsing here");
	EXPECT_STREQ("", huge_check_map(huge, va, 2 * HUGE_PAGES, EVEN_IOVA,
					MAP_RW, 600));
}

/* Rights of the process */

TEST_F(huge, protected)
{
	static const enum memory_kind kinds[] = {
		MEMORY_THP, MEMORY_HUGETLB, MEMORY_MEMFD_HUGETLB,
	};
	struct huge *huge = &self->huge;
	size_t i;
	char *va;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (huge_alloc_marked(huge, kinds[i], 2, &va))
			continue;
		/* The second half of it, and all. */
		ASSERT_EQ(0, mprotect(va + SZ_2M, SZ_2M, PROT_READ));
		EXPECT_STREQ("", huge_check_refused(huge, va, 2 * HUGE_PAGES,
						    -EFAULT));
		EXPECT_STREQ("", huge_check_refused(huge, va + 100 * PAGE_SIZE,
						    413, -EFAULT));
		EXPECT_STREQ("", huge_check_map(huge, va, 512, EVEN_IOVA,
						MAP_RW, 9));
		EXPECT_STREQ("", huge_check_map(huge, va, 2 * HUGE_PAGES,
						EVEN_IOVA, MAP_READ, 700));
		ASSERT_EQ(0, mprotect(va, SZ_2M, PROT_READ));
		EXPECT_STREQ("", huge_check_refused(huge, va, 2 * HUGE_PAGES,
						    -EFAULT));
		EXPECT_STREQ("", huge_check_map(huge, va, 2 * HUGE_PAGES,
						EVEN_IOVA, MAP_READ, 700));
		memory_free_all();
	}
}

TEST_F(huge, protected_in_the_middle)
{
	struct huge *huge = &self->huge;
	static const int rights[] = { PROT_READ, PROT_NONE };
	__u64 page;
	char *va;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rights); i++) {
		for (page = 99; page < 2 * HUGE_PAGES; page += 413) {
			ASSERT_EQ(0, huge_alloc_marked(huge, MEMORY_THP, 2,
						       &va));
			ASSERT_EQ(0, mprotect(va + page * PAGE_SIZE, PAGE_SIZE,
					      rights[i]));
			EXPECT_STREQ("", huge_check_refused(huge, va,
							    2 * HUGE_PAGES,
							    -EFAULT));
			EXPECT_STREQ("", huge_check_refused(huge, va, page + 1,
							    -EFAULT));
			EXPECT_STREQ("", huge_check_map(huge, va, page,
							EVEN_IOVA, MAP_RW, 9));
			memory_free_all();
		}
	}
}

/* A hole behind which the rest of the huge page goes on. */
TEST_F(huge, hole_in_the_middle)
{
	struct huge *huge = &self->huge;
	__u64 page;
	char *va;

	for (page = 0; page < 2 * HUGE_PAGES; page += 341) {
		ASSERT_EQ(0, huge_alloc_marked(huge, MEMORY_THP, 2, &va));
		ASSERT_EQ(0, munmap(va + page * PAGE_SIZE, PAGE_SIZE));
		EXPECT_STREQ("", huge_check_refused(huge, va, 2 * HUGE_PAGES,
						    -EFAULT));
		memory_free_all();
	}
}

/* Write protection that another thread lifts when it is asked to */

static void *lift_protection(void *arg)
{
	int uffd = *(int *)arg;
	struct pollfd pollfd = { .fd = uffd, .events = POLLIN };
	struct uffdio_writeprotect protect = {};
	struct uffd_msg msg;

	while (poll(&pollfd, 1, -1) == 1 &&
	       read(uffd, &msg, sizeof(msg)) == sizeof(msg)) {
		if (!msg.arg.pagefault.address)
			break;
		protect.range.start = msg.arg.pagefault.address & ~(SZ_2M - 1);
		protect.range.len = SZ_2M;
		ioctl(uffd, UFFDIO_WRITEPROTECT, &protect);
	}
	return NULL;
}

static int uffd_protect(int uffd, char *va, __u64 length, char *at,
			__u64 protected)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_PAGEFAULT_FLAG_WP,
	};
	struct uffdio_register range = {
		.range = { va_to_u64(va), length },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};
	struct uffdio_writeprotect protect = {
		.range = { va_to_u64(at), protected },
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	if (ioctl(uffd, UFFDIO_API, &api) ||
	    ioctl(uffd, UFFDIO_REGISTER, &range))
		return -ENOTSUP;
	return ioctl(uffd, UFFDIO_WRITEPROTECT, &protect) ? -errno : 0;
}

TEST_F(huge, write_protected_by_userfaultfd)
{
	const __u64 lengths[] = { PAGE_SIZE, SZ_2M };
	struct huge *huge = &self->huge;
	pthread_t thread;
	size_t i;
	int uffd, ret;
	char *va;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		ASSERT_EQ(0, huge_alloc_marked(huge, MEMORY_THP, 2, &va));
		uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
		if (uffd < 0)
			SKIP(return, "no userfaultfd");
		ret = uffd_protect(uffd, va, 2 * SZ_2M, va + i * SZ_2M,
				   lengths[i]);
		if (ret == -ENOTSUP)
			SKIP(return, "no write protection by userfaultfd");
		ASSERT_EQ(0, ret);
		/* Reading does not ask. */
		EXPECT_STREQ("", huge_check_map(huge, va, 2 * HUGE_PAGES,
						EVEN_IOVA, MAP_READ, 700));
		ASSERT_EQ(0, pthread_create(&thread, NULL, lift_protection,
					    &uffd));
		EXPECT_STREQ("", huge_check_map(huge, va, 2 * HUGE_PAGES,
						EVEN_IOVA, MAP_RW, 700));
		pthread_cancel(thread);
		pthread_join(thread, NULL);
		close(uffd);
		memory_free_all();
	}
}

/* Pinned for a process by another one, in whose memory are other pages. */

struct visitor {
	int fd;
	__u32 ioas_id;
	struct mock_device device;
};

static int plug_in_as_visitor(void *arg)
{
	struct visitor *visitor = arg;

	return -mock_plug(visitor->fd, visitor->ioas_id, &visitor->device);
}

TEST_F(huge, pinned_by_another_process)
{
	struct huge *huge = &self->huge;
	struct visitor *visitor;
	char *va;

	if (!huge->has_mock)
		SKIP(return, "needs the mock IOMMU");
	visitor = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)visitor);
	ASSERT_EQ(0, huge_alloc_marked(huge, MEMORY_THP, 2, &va));
	visitor->fd = huge->fd;
	ASSERT_EQ(0, ioas_alloc(huge->fd, &visitor->ioas_id));
	ASSERT_EQ(0, ioas_map_fixed(huge->fd, visitor->ioas_id, va, 2 * SZ_2M,
				    EVEN_IOVA));
	EXPECT_STREQ("", huge_check_pins(huge, 0));
	ASSERT_EQ(0, child_run(plug_in_as_visitor, visitor, TIMEOUT_MS));
	EXPECT_EQ(0, mock_check_map(huge->fd, visitor->device.hwpt_id,
				    EVEN_IOVA, 2 * SZ_2M, va));
	EXPECT_STREQ("", huge_check_pins(huge, 2 * HUGE_PAGES));
	ASSERT_EQ(0, iommufd_destroy(huge->fd, visitor->device.id));
	EXPECT_STREQ("", huge_check_pins(huge, 0));
}

/* The same memory again and again: pins add up, page by page. */
TEST_F(huge, mapped_by_several_ranges)
{
	struct huge *huge = &self->huge;
	__u64 i, pins = 0;
	char *va;

	ASSERT_EQ(0, huge_alloc_marked(huge, MEMORY_THP, 2, &va));
	for (i = 0; i < 6; i++) {
		__u64 first = 90 * i, count = HUGE_PAGES + 64 - 7 * i;

		ASSERT_EQ(0, huge_map(huge, va + first * PAGE_SIZE, count,
				      EVEN_IOVA + i * 2 * SZ_2M, MAP_RW));
		pins += count;
		EXPECT_STREQ("", huge_check_pins(huge, pins));
	}
	if (huge->has_mock) {
		/* Only here are all of the ranges. */
		EXPECT_EQ(0, mock_check_refs(huge->fd,
					     va + 505 * PAGE_SIZE,
					     PAGE_SIZE, 6));
	}
	/* In another order than they came. */
	for (i = 1; i <= 6; i++) {
		__u64 number = 5 * i % 7 - 1;
		__u64 count = HUGE_PAGES + 64 - 7 * number;

		ASSERT_EQ(0, huge_unmap(huge, EVEN_IOVA + number * 2 * SZ_2M,
					count));
		pins -= count;
		EXPECT_STREQ("", huge_check_pins(huge, pins));
	}
}

/* A map that fails at any of its steps */

struct failing {
	struct huge *huge;
	char *va;
};

static int map_failing(void *arg)
{
	struct failing *failing = arg;

	return huge_map(failing->huge, failing->va, 2 * HUGE_PAGES, EVEN_IOVA,
			MAP_RW);
}

static const char *check_failures(struct huge *huge, char *va, int faults)
{
	struct failing failing = { .huge = huge, .va = va };
	bool injected = true;
	const char *wrong;
	unsigned int nth;
	int ret;

	for (nth = 1; injected && nth < NTH_MAX; nth++) {
		ret = faults_run(faults, map_failing, &failing, nth, &injected);
		/* Some failures only make it slower. */
		if (!ret)
			ret = huge_unmap(huge, EVEN_IOVA, 2 * HUGE_PAGES);
		else if (injected)
			ret = 0;
		wrong = ret ? huge_say(huge, "error %d", ret) :
			      huge_check_pins(huge, 0);
		if (*wrong)
			return huge_say_where(huge, "fault %u", nth);
	}
	return nth > 3 && nth < NTH_MAX ? "" : huge_say(huge, "%u faults", nth);
}

TEST_F(huge, h18_fails_anywhere)
{
	struct huge *huge = &self->huge;
	char *va;
	int fd;

	if (!huge->has_mock || huge->has_edu)
		SKIP(return, "needs the mock IOMMU alone");
	fd = faults_open();
	if (fd < 0)
		SKIP(return, "no fault injection");
	ASSERT_EQ(0, huge_alloc_marked(huge, MEMORY_THP, 2, &va));
	EXPECT_STREQ("", check_failures(huge, va, fd));
	/* A buffer has room for one run, while the next huge page is pinned. */
	ASSERT_EQ(0, mock_memory_limit(huge->fd, 1));
	EXPECT_STREQ("", check_failures(huge, va, fd));
	ASSERT_EQ(0, mock_memory_limit(huge->fd, 0));
	close(fd);
}

/* Pages of 1 GiB, if the machine was started with one */
TEST_F(huge, gigantic_page)
{
	static const __u64 first[] = { 0, 1, 511, 513, 100000, 262143 };
	struct huge *huge = &self->huge;
	char *va, *at;
	size_t i;

	if (!file_number(GIGANTIC "free_hugepages", ""))
		SKIP(return, "no page of 1 GiB");
	va = mmap(NULL, SZ_1G, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | 30 << 26, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)va);
	for (i = 0; i < ARRAY_SIZE(first); i++) {
		__u64 count = SZ_1G / PAGE_SIZE - first[i];
		__u64 skew = first[i] % HUGE_PAGES * PAGE_SIZE;

		at = va + first[i] * PAGE_SIZE;
		if (count > 5000)
			count = 5000;
		huge_mark_all(huge, at, count);
		EXPECT_STREQ("", huge_check_map(huge, at, count, EVEN_IOVA,
						MAP_RW, count / 2));
		EXPECT_STREQ("", huge_check_map(huge, at, count,
						EVEN_IOVA + skew, MAP_READ,
						count / 3));
	}
	/* All of it; what is looked at is within the reach of the device. */
	ASSERT_EQ(0, huge_map(huge, va, SZ_1G / PAGE_SIZE, SZ_1G, MAP_RW));
	EXPECT_STREQ("", huge_check_pins(huge, SZ_1G / PAGE_SIZE));
	EXPECT_STREQ("", huge_check_unmap(huge, SZ_1G, SZ_1G / PAGE_SIZE));
	munmap(va, SZ_1G);
}

TEST_HARNESS_MAIN
