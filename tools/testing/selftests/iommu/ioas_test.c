// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Life and death of an IOAS, and which IOVAs it has: IOAS_ALLOC, DESTROY,
 * IOAS_IOVA_RANGES and IOAS_ALLOW_IOVAS without any device.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/harness.h"
#include "lib/ioctls.h"
#include "lib/memory.h"
#include "lib/process.h"
#include "lib/trap.h"
#include "lib/usage.h"

FIXTURE(ioas)
{
	struct baseline baseline;
	int fd;
	__u32 id;
	char *buffer;
};

FIXTURE_SETUP(ioas)
{
	baseline_take(&self->baseline);
	self->fd = iommufd_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, ioas_alloc(self->fd, &self->id));
	ASSERT_EQ(0, memory_alloc(MEMORY_SMALL_PAGES, 16 * PAGE_SIZE,
				  (void **)&self->buffer));
}

FIXTURE_TEARDOWN(ioas)
{
	close(self->fd);
	memory_free_all();
	EXPECT_STREQ("", baseline_check(&self->baseline));
}

/* IOAS_ALLOC and DESTROY */

#define MANY	1000

TEST_F(ioas, many)
{
	__u32 ids[MANY];
	int i, j;

	for (i = 0; i < MANY; i++) {
		ASSERT_EQ(0, ioas_alloc(self->fd, &ids[i]));
		ASSERT_NE(0, ids[i]);
	}
	for (i = 1; i < MANY; i++)
		for (j = 0; j < i; j++)
			ASSERT_NE(ids[i], ids[j]);
	for (i = 0; i < MANY; i += 2)
		EXPECT_EQ(0, iommufd_destroy(self->fd, ids[i]));
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(i % 2, ioas_exists(self->fd, ids[i]));
	/* The rest goes when the file is closed. */
}

TEST_F(ioas, h02_second_destroy)
{
	EXPECT_EQ(0, iommufd_destroy(self->fd, self->id));
	EXPECT_EQ(-ENOENT, iommufd_destroy(self->fd, self->id));
	EXPECT_FALSE(ioas_exists(self->fd, self->id));
}

TEST_F(ioas, destroy_with_areas)
{
	__u64 iova;

	ASSERT_EQ(0, ioas_map_auto(self->fd, self->id, self->buffer,
				   2 * PAGE_SIZE, &iova));
	EXPECT_EQ(0, iommufd_destroy(self->fd, self->id));
	EXPECT_EQ(-ENOENT, ioas_unmap_all(self->fd, self->id, NULL));
}

/* Areas of one IOAS outlive the other that they were copied from. */
TEST_F(ioas, destroy_source_of_copy)
{
	struct iommu_ioas_copy copy = {
		.flags = MAP_RW,
		.src_ioas_id = self->id,
		.src_iova = SZ_1M,
		.length = PAGE_SIZE,
	};
	__u64 unmapped;

	ASSERT_EQ(0, ioas_alloc(self->fd, &copy.dst_ioas_id));
	ASSERT_EQ(0, ioas_map_fixed(self->fd, self->id, self->buffer,
				    PAGE_SIZE, SZ_1M));
	ASSERT_EQ(0, ioas_copy(self->fd, &copy));
	EXPECT_EQ(0, iommufd_destroy(self->fd, self->id));
	EXPECT_EQ(0, ioas_unmap(self->fd, copy.dst_ioas_id, copy.dst_iova,
				PAGE_SIZE, &unmapped));
	EXPECT_EQ(PAGE_SIZE, unmapped);
}

/* IOAS_IOVA_RANGES */

static bool is_power_of_two(__u64 value)
{
	return value && !(value & (value - 1));
}

TEST_F(ioas, ranges_of_a_new_one)
{
	struct iova_ranges ranges;

	ASSERT_EQ(0, ioas_iova_ranges(self->fd, self->id, &ranges));
	ASSERT_EQ(1, ranges.count);
	EXPECT_EQ(0, ranges.range[0].start);
	EXPECT_EQ(UINT64_MAX, ranges.range[0].last);
	EXPECT_TRUE(is_power_of_two(ranges.alignment));
	EXPECT_LE(ranges.alignment, PAGE_SIZE);
}

/* An area may be as small, and start where, the alignment says. */
TEST_F(ioas, h15_alignment_is_what_it_says)
{
	struct iova_ranges ranges;
	__u64 step, unmapped;

	ASSERT_EQ(0, ioas_iova_ranges(self->fd, self->id, &ranges));
	step = ranges.alignment;
	EXPECT_EQ(0, ioas_map_fixed(self->fd, self->id, self->buffer + step,
				    step, SZ_1M + step));
	EXPECT_EQ(0, ioas_unmap(self->fd, self->id, SZ_1M + step, step,
				&unmapped));
	EXPECT_EQ(step, unmapped);
}

static struct iommu_ioas_iova_ranges range_query(__u32 ioas_id, __u32 count,
						 void *array)
{
	return (struct iommu_ioas_iova_ranges){
		.size = sizeof(struct iommu_ioas_iova_ranges),
		.ioas_id = ioas_id,
		.num_iovas = count,
		.allowed_iovas = va_to_u64(array),
	};
}

TEST_F(ioas, ranges_do_not_fit)
{
	struct iommu_ioas_iova_ranges query = range_query(self->id, 0, NULL);

	EXPECT_EQ(-EMSGSIZE, iommufd_ioctl(self->fd, IOMMU_IOAS_IOVA_RANGES,
					   &query));
	EXPECT_EQ(1, query.num_iovas);
	EXPECT_EQ(self->id, query.ioas_id);
	/* A bad array does not matter as long as nothing is written to it. */
	query = range_query(self->id, 0, (void *)-PAGE_SIZE);
	EXPECT_EQ(-EMSGSIZE, iommufd_ioctl(self->fd, IOMMU_IOAS_IOVA_RANGES,
					   &query));
	EXPECT_EQ(1, query.num_iovas);
}

TEST_F(ioas, ranges_write_no_more_than_there_are)
{
	const __u32 counts[] = { 1, 2, 3, 1000, UINT32_MAX };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		struct iommu_iova_range array[3];
		struct iommu_ioas_iova_ranges query =
			range_query(self->id, counts[i], array);

		memset(array, 0x5a, sizeof(array));
		EXPECT_EQ(0, iommufd_ioctl(self->fd, IOMMU_IOAS_IOVA_RANGES,
					   &query));
		EXPECT_EQ(1, query.num_iovas);
		EXPECT_EQ(0, array[0].start);
		EXPECT_EQ(UINT64_MAX, array[0].last);
		EXPECT_EQ(0x5a5a5a5a5a5a5a5aULL, array[1].start);
		EXPECT_EQ(0x5a5a5a5a5a5a5a5aULL, array[2].last);
	}
}

TEST_F(ioas, ranges_to_a_bad_array)
{
	void *page = mmap(NULL, PAGE_SIZE, PROT_READ,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void * const bad[] = { NULL, page, (void *)-PAGE_SIZE };
	size_t i;

	ASSERT_NE(MAP_FAILED, page);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct iommu_ioas_iova_ranges query =
			range_query(self->id, 1, bad[i]);

		EXPECT_EQ(-EFAULT, iommufd_ioctl(self->fd,
						 IOMMU_IOAS_IOVA_RANGES,
						 &query));
	}
	munmap(page, PAGE_SIZE);
}

/* IOAS_ALLOW_IOVAS */

/*
 * Lists of ranges and whether they are good. Numbers are in pages, the last
 * one inclusive up to its last byte.
 */
#define RANGES_MAX	4

FIXTURE(allow)
{
	struct baseline baseline;
	int fd;
	__u32 id;
	char *buffer;
};

FIXTURE_VARIANT(allow)
{
	int expected;
	__u32 count;
	struct iommu_iova_range range[RANGES_MAX];
};

#define ALLOW(result, ...) { \
	.expected = result, \
	.count = sizeof((struct iommu_iova_range[]){ __VA_ARGS__ }) / \
		 sizeof(struct iommu_iova_range), \
	.range = { __VA_ARGS__ }, \
}

/* clang-format off */
/*   |####|                        */
FIXTURE_VARIANT_ADD(allow, one) ALLOW(0, { 0x10000, 0x1ffff });
/*   |####|####|                   */
FIXTURE_VARIANT_ADD(allow, touching)
	ALLOW(0, { 0x10000, 0x1ffff }, { 0x20000, 0x2ffff });
/*   |####|    |####|              */
FIXTURE_VARIANT_ADD(allow, apart)
	ALLOW(0, { 0x10000, 0x1ffff }, { 0x30000, 0x3ffff });
/*   second before first           */
FIXTURE_VARIANT_ADD(allow, unordered)
	ALLOW(0, { 0x30000, 0x3ffff }, { 0x10000, 0x1ffff });
FIXTURE_VARIANT_ADD(allow, everything) ALLOW(0, { 0, UINT64_MAX });
FIXTURE_VARIANT_ADD(allow, two_bytes) ALLOW(0, { 0x10000, 0x10001 });
FIXTURE_VARIANT_ADD(allow, top) ALLOW(0, { UINT64_MAX - 0xfff, UINT64_MAX });
FIXTURE_VARIANT_ADD(allow, h16_backwards) ALLOW(-EINVAL, { 0x1ffff, 0x10000 });
FIXTURE_VARIANT_ADD(allow, h16_one_byte) ALLOW(-EINVAL, { 0x10000, 0x10000 });
FIXTURE_VARIANT_ADD(allow, h16_first_byte) ALLOW(-EINVAL, { 0, 0 });
FIXTURE_VARIANT_ADD(allow, h16_last_byte)
	ALLOW(-EINVAL, { UINT64_MAX, UINT64_MAX });
FIXTURE_VARIANT_ADD(allow, h16_twice)
	ALLOW(-EINVAL, { 0x10000, 0x1ffff }, { 0x10000, 0x1ffff });
FIXTURE_VARIANT_ADD(allow, h16_overlap_by_one)
	ALLOW(-EINVAL, { 0x10000, 0x1ffff }, { 0x1ffff, 0x2ffff });
FIXTURE_VARIANT_ADD(allow, h16_overlap_by_one_before)
	ALLOW(-EINVAL, { 0x1ffff, 0x2ffff }, { 0x10000, 0x1ffff });
FIXTURE_VARIANT_ADD(allow, h16_inside)
	ALLOW(-EINVAL, { 0x10000, 0x1ffff }, { 0x11000, 0x11fff });
FIXTURE_VARIANT_ADD(allow, h16_around)
	ALLOW(-EINVAL, { 0x11000, 0x11fff }, { 0x10000, 0x1ffff });
FIXTURE_VARIANT_ADD(allow, h16_bad_one_last)
	ALLOW(-EINVAL, { 0x10000, 0x1ffff }, { 0x30000, 0x3ffff },
	      { 0x50000, 0x5ffff }, { 0x70000, 0x6ffff });
/* clang-format on */

#define OLD_RANGE_START		0x4000000ULL
#define OLD_RANGE_LAST		0x4ffffffULL

FIXTURE_SETUP(allow)
{
	const struct iommu_iova_range old = {
		OLD_RANGE_START, OLD_RANGE_LAST
	};

	baseline_take(&self->baseline);
	self->fd = iommufd_open();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, ioas_alloc(self->fd, &self->id));
	ASSERT_EQ(0, ioas_allow_iovas(self->fd, self->id, &old, 1));
	ASSERT_EQ(0, memory_alloc(MEMORY_SMALL_PAGES, 2 * PAGE_SIZE,
				  (void **)&self->buffer));
}

FIXTURE_TEARDOWN(allow)
{
	close(self->fd);
	memory_free_all();
	EXPECT_STREQ("", baseline_check(&self->baseline));
}

static bool in_ranges(__u64 start, __u64 last,
		      const struct iommu_iova_range *range, __u32 count)
{
	__u32 i;

	for (i = 0; i < count; i++)
		if (start >= range[i].start && last <= range[i].last)
			return true;
	return false;
}

/* A good list replaces the old one, a bad one leaves all of it in force. */
TEST_F(allow, all_or_nothing)
{
	const struct iommu_iova_range old = {
		OLD_RANGE_START, OLD_RANGE_LAST
	};
	__u64 iova;
	int ret;

	EXPECT_EQ(variant->expected,
		  ioas_allow_iovas(self->fd, self->id, variant->range,
				   variant->count));
	ret = ioas_map_auto(self->fd, self->id, self->buffer, PAGE_SIZE, &iova);
	if (variant->expected) {
		ASSERT_EQ(0, ret);
		EXPECT_TRUE(in_ranges(iova, iova + PAGE_SIZE - 1, &old, 1));
	} else if (variant->range[0].last - variant->range[0].start < 0xfff) {
		EXPECT_EQ(-ENOSPC, ret);
	} else {
		ASSERT_EQ(0, ret);
		EXPECT_TRUE(in_ranges(iova, iova + PAGE_SIZE - 1,
				      variant->range, variant->count));
	}
}

/* What is usable is not narrowed by what is allowed. */
TEST_F(allow, ranges_stay_wide)
{
	struct iova_ranges ranges;

	ASSERT_EQ(variant->expected,
		  ioas_allow_iovas(self->fd, self->id, variant->range,
				   variant->count));
	ASSERT_EQ(0, ioas_iova_ranges(self->fd, self->id, &ranges));
	ASSERT_EQ(1, ranges.count);
	EXPECT_EQ(0, ranges.range[0].start);
	EXPECT_EQ(UINT64_MAX, ranges.range[0].last);
}

TEST_F(ioas, h16_empty_list_allows_all)
{
	struct iommu_iova_range tiny = { SZ_1M, SZ_1M + PAGE_SIZE - 1 };
	__u64 iova;

	ASSERT_EQ(0, ioas_allow_iovas(self->fd, self->id, &tiny, 1));
	ASSERT_EQ(-ENOSPC, ioas_map_auto(self->fd, self->id, self->buffer,
					 2 * PAGE_SIZE, &iova));
	EXPECT_EQ(0, ioas_allow_iovas(self->fd, self->id, NULL, 0));
	EXPECT_EQ(0, ioas_map_auto(self->fd, self->id, self->buffer,
				   2 * PAGE_SIZE, &iova));
}

/* Allowed ranges steer the automatic choice and nothing else. */
TEST_F(ioas, h16_fixed_map_outside)
{
	struct iommu_iova_range range = { SZ_2M, 2 * SZ_2M - 1 };
	__u64 unmapped;

	ASSERT_EQ(0, ioas_map_fixed(self->fd, self->id, self->buffer,
				    PAGE_SIZE, 8 * SZ_2M));
	ASSERT_EQ(0, ioas_allow_iovas(self->fd, self->id, &range, 1));
	EXPECT_EQ(0, ioas_map_fixed(self->fd, self->id, self->buffer,
				    PAGE_SIZE, 16 * SZ_2M));
	EXPECT_EQ(-EEXIST, ioas_map_fixed(self->fd, self->id, self->buffer,
					  PAGE_SIZE, 8 * SZ_2M));
	EXPECT_EQ(0, ioas_unmap_all(self->fd, self->id, &unmapped));
	EXPECT_EQ(2 * PAGE_SIZE, unmapped);
}

TEST_F(ioas, allow_from_a_bad_array)
{
	struct iommu_iova_range good = { SZ_2M, 2 * SZ_2M - 1 };
	struct iommu_iova_range *array;
	char *pages = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	__u64 iova;

	ASSERT_NE(MAP_FAILED, (void *)pages);
	ASSERT_EQ(0, munmap(pages + PAGE_SIZE, PAGE_SIZE));
	ASSERT_EQ(0, ioas_allow_iovas(self->fd, self->id, &good, 1));

	array = (void *)(pages + PAGE_SIZE - sizeof(*array));
	array[0] = (struct iommu_iova_range){ 0, SZ_1M - 1 };
	EXPECT_EQ(-EFAULT, ioas_allow_iovas(self->fd, self->id, array, 2));
	EXPECT_EQ(-EFAULT, ioas_allow_iovas(self->fd, self->id, NULL, 1));
	EXPECT_EQ(-EFAULT, ioas_allow_iovas(self->fd, self->id,
					    (void *)-PAGE_SIZE, 1));

	ASSERT_EQ(0, ioas_map_auto(self->fd, self->id, self->buffer, PAGE_SIZE,
				   &iova));
	EXPECT_TRUE(in_ranges(iova, iova + PAGE_SIZE - 1, &good, 1));
	munmap(pages, PAGE_SIZE);
}

/*
 * The number of ranges is the caller's, so it must neither take the kernel's
 * memory without bounds nor keep a CPU for ever.
 */
TEST_F(ioas, h16_huge_count)
{
	struct iommu_iova_range one = { SZ_2M, 2 * SZ_2M - 1 };
	__u64 start = now_ms();
	int ret;

	ret = ioas_allow_iovas(self->fd, self->id, &one, UINT32_MAX);
	EXPECT_TRUE(ret == -EFAULT || ret == -EINVAL || ret == -E2BIG ||
		    ret == -ENOMEM) {
		TH_LOG("got %d", ret);
	}
	EXPECT_LT(now_ms() - start, DEATH_MS);
}

#define MANY_RANGES	0x100000

struct allow_many {
	int fd;
	__u32 id;
	struct iommu_iova_range *array;
};

static int allow_many(void *arg)
{
	struct allow_many *many = arg;
	int ret;

	ret = ioas_allow_iovas(many->fd, many->id, many->array, MANY_RANGES);
	return -ret;
}

static struct iommu_iova_range *many_ranges(void)
{
	struct iommu_iova_range *array;
	__u64 i;

	array = mmap(NULL, MANY_RANGES * sizeof(*array), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (array == MAP_FAILED)
		return NULL;
	for (i = 0; i < MANY_RANGES; i++) {
		array[i].start = (i * 2 + 1) * SZ_1M;
		array[i].last = (i * 2 + 2) * SZ_1M - 1;
	}
	return array;
}

/* A million ranges may be too many, but a fatal signal must get through. */
TEST_F(ioas, h16_long_list_can_be_killed)
{
	struct allow_many many = { .fd = self->fd, .id = self->id };
	__u64 start, iova;
	pid_t pid;
	int ret;

	many.array = many_ranges();
	ASSERT_NE(NULL, many.array);
	pid = child_start(allow_many, &many);
	ASSERT_GT(pid, 0);
	usleep(100000);
	kill(pid, SIGKILL);
	start = now_ms();
	ret = child_wait(pid, TIMEOUT_MS);
	EXPECT_LT(now_ms() - start, DEATH_MS);
	EXPECT_TRUE(ret == -EINTR || ret == 0 || ret == E2BIG ||
		    ret == ENOMEM || ret == EINVAL) {
		TH_LOG("got %d", ret);
	}
	EXPECT_EQ(0, ioas_allow_iovas(self->fd, self->id, NULL, 0));
	EXPECT_EQ(0, ioas_map_auto(self->fd, self->id, self->buffer, PAGE_SIZE,
				   &iova));
	munmap(many.array, MANY_RANGES * sizeof(*many.array));
}

/*
 * A reader that faults on its array must not keep others from the IOAS: the
 * fault is user space's to resolve and may take for ever.
 */
struct trapped_call {
	int fd;
	__u32 id;
	void *array;
	int ret;
};

static void *trapped_ranges(void *arg)
{
	struct trapped_call *call = arg;
	struct iommu_ioas_iova_ranges query =
		range_query(call->id, 1, call->array);

	call->ret = iommufd_ioctl(call->fd, IOMMU_IOAS_IOVA_RANGES, &query);
	return NULL;
}

static void *trapped_allow(void *arg)
{
	struct trapped_call *call = arg;

	call->ret = ioas_allow_iovas(call->fd, call->id, call->array, 1);
	return NULL;
}

struct elsewhere {
	int fd;
	__u32 id;
	char *buffer;
};

/* In a child, which can be given up should it get stuck. */
static int use_ioas(void *arg)
{
	struct elsewhere *elsewhere = arg;
	struct iova_ranges ranges;
	__u64 iova;

	if (ioas_map_auto(elsewhere->fd, elsewhere->id, elsewhere->buffer,
			  PAGE_SIZE, &iova))
		return 1;
	if (ioas_iova_ranges(elsewhere->fd, elsewhere->id, &ranges))
		return 2;
	if (ioas_unmap(elsewhere->fd, elsewhere->id, iova, PAGE_SIZE, NULL))
		return 3;
	return ioas_allow_iovas(elsewhere->fd, elsewhere->id, NULL, 0) ? 4 : 0;
}

static int use_while_trapped(struct elsewhere *elsewhere,
			     void *(*call_fn)(void *), int *call_ret)
{
	struct trapped_call call = { .fd = elsewhere->fd, .id = elsewhere->id };
	struct trap trap;
	pthread_t thread;
	int ret;

	ret = trap_open(&trap, PAGE_SIZE);
	if (ret)
		return ret;
	call.array = trap.va;
	if (pthread_create(&thread, NULL, call_fn, &call)) {
		trap_close(&trap);
		return -EAGAIN;
	}
	ret = trap_wait(&trap, TIMEOUT_MS) ? child_run(use_ioas, elsewhere, TIMEOUT_MS)
				     : -ENOMSG;
	trap_release(&trap);
	pthread_join(thread, NULL);
	trap_close(&trap);
	*call_ret = call.ret;
	return ret;
}

TEST_F(ioas, h60_ranges_reply_blocks_nobody)
{
	struct elsewhere elsewhere = { self->fd, self->id, self->buffer };
	int call_ret, ret;

	ret = use_while_trapped(&elsewhere, trapped_ranges, &call_ret);
	if (ret == -ENOTSUP)
		SKIP(return, "no userfaultfd");
	EXPECT_EQ(0, ret);
	EXPECT_EQ(0, call_ret);
}

TEST_F(ioas, h60_allow_request_blocks_nobody)
{
	struct elsewhere elsewhere = { self->fd, self->id, self->buffer };
	int call_ret, ret;

	ret = use_while_trapped(&elsewhere, trapped_allow, &call_ret);
	if (ret == -ENOTSUP)
		SKIP(return, "no userfaultfd");
	EXPECT_EQ(0, ret);
	/* The released memory reads as the range from 0 to 0. */
	EXPECT_EQ(-EINVAL, call_ret);
}

/* Closing the file and process exit, whatever is left. */

static int leave_everything(void *arg)
{
	char *buffer = arg;
	__u64 iova;
	int fd, i;
	__u32 id;

	fd = iommufd_open();
	if (fd < 0)
		return 1;
	for (i = 0; i < 20; i++) {
		struct iommu_ioas_copy copy = {
			.flags = MAP_RW, .src_iova = SZ_1M,
			.length = PAGE_SIZE,
		};

		if (ioas_alloc(fd, &id) ||
		    ioas_map_fixed(fd, id, buffer, 2 * PAGE_SIZE, SZ_1M) ||
		    ioas_map_auto(fd, id, buffer, PAGE_SIZE, &iova))
			return 2;
		copy.src_ioas_id = id;
		copy.dst_ioas_id = id;
		if (ioas_copy(fd, &copy))
			return 3;
	}
	return 0;
}

TEST_F(ioas, h07_exit_with_areas)
{
	EXPECT_EQ(0, child_run(leave_everything, self->buffer, TIMEOUT_MS));
}

static int map_in_child(void *arg)
{
	struct elsewhere *elsewhere = arg;

	return ioas_map_fixed(elsewhere->fd, elsewhere->id, elsewhere->buffer,
			      PAGE_SIZE, SZ_2M) ? 1 : 0;
}

/* The file is shared by fork; what the child maps stays after its exit. */
TEST_F(ioas, h33_area_of_a_gone_process)
{
	struct elsewhere elsewhere = { self->fd, self->id, self->buffer };
	__u64 unmapped;

	ASSERT_EQ(0, child_run(map_in_child, &elsewhere, TIMEOUT_MS));
	EXPECT_EQ(-EEXIST, ioas_map_fixed(self->fd, self->id, self->buffer,
					  PAGE_SIZE, SZ_2M));
	EXPECT_EQ(0, ioas_unmap(self->fd, self->id, SZ_2M, PAGE_SIZE,
				&unmapped));
	EXPECT_EQ(PAGE_SIZE, unmapped);
}

TEST_HARNESS_MAIN
