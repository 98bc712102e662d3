// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * BARs that are mapped by their address in this process: what page tables show
 * while the BAR is there, while it is away, and afterwards.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "lib/bar.h"
#include "lib/container.h"
#include "lib/harness.h"
#include "lib/process.h"

/* By then whoever looks for what has just gone has done so several times. */
#define GONE_MS		(BAR_LOOK_MS / 2)

#define PINS	MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES

FIXTURE(bar)
{
	struct bar_rig bar;
};

FIXTURE_VARIANT(bar)
{
	__u64 length;
	__u32 flags;
};

#define BAR(bytes, device) { .length = bytes, .flags = device, }

/* clang-format off */
FIXTURE_VARIANT_ADD(bar, small) BAR(BAR_PAGES * SZ_4K, 0);
FIXTURE_VARIANT_ADD(bar, huge) BAR(SZ_2M, MOCK_FLAGS_DEVICE_HUGE_IOVA);
/* clang-format on */

FIXTURE_SETUP(bar)
{
	int ret = bar_rig_create(&self->bar, variant->length, variant->flags);

	if (ret == -ENODEV)
		SKIP(return, "no mock IOMMU");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(bar)
{
	EXPECT_STREQ("", bar_rig_destroy(&self->bar));
}

/* Mapping */

TEST_F(bar, is_mapped_and_unmapped)
{
	struct bar_rig *bar = &self->bar;
	__u64 unmapped;

	EXPECT_EQ(-ENOENT, bar_rig_check(bar));
	ASSERT_EQ(0, bar_rig_map(bar));
	EXPECT_EQ(0, bar_rig_check(bar));
	ASSERT_EQ(0, ioas_unmap(bar->rig.fd, bar->rig.ioas_id, BAR_IOVA,
				bar->length, &unmapped));
	EXPECT_EQ(bar->length, unmapped);
	EXPECT_EQ(-ENOENT, bar_rig_check(bar));
}

TEST_F(bar, h67_costs_nothing)
{
	struct bar_rig *bar = &self->bar;
	struct usage before, after;

	usage_read(&before);
	ASSERT_EQ(0, bar_rig_map(bar));
	usage_read(&after);
	EXPECT_EQ(before.pinned_kib, after.pinned_kib);
	EXPECT_EQ(before.locked_kib, after.locked_kib);
	EXPECT_EQ(before.pins, after.pins);
}

TEST_F(bar, is_mapped_before_there_is_a_page_table)
{
	struct bar_rig *bar = &self->bar;

	ASSERT_EQ(0, iommufd_destroy(bar->rig.fd, bar->device.id));
	ASSERT_EQ(0, bar_rig_map(bar));
	ASSERT_EQ(0, mock_plug_flags(bar->rig.fd, bar->rig.ioas_id,
				     variant->flags, &bar->device));
	EXPECT_EQ(0, bar_rig_check(bar));
}

/* A page table that comes then waits for nothing. */
TEST_F(bar, comes_back_before_there_is_a_page_table)
{
	struct bar_rig *bar = &self->bar;

	ASSERT_EQ(0, iommufd_destroy(bar->rig.fd, bar->device.id));
	ASSERT_EQ(0, bar_rig_map(bar));
	ASSERT_EQ(0, bar_rig_off(bar));
	ASSERT_EQ(0, bar_rig_on(bar));
	/* A slow machine may take a few times as long. */
	sleep_ms(3 * BAR_LOOK_MS);
	ASSERT_EQ(0, mock_plug_flags(bar->rig.fd, bar->rig.ioas_id,
				     variant->flags, &bar->device));
	EXPECT_EQ(0, bar_rig_check(bar));
}

TEST_F(bar, is_away_before_there_is_a_page_table)
{
	struct bar_rig *bar = &self->bar;

	ASSERT_EQ(0, iommufd_destroy(bar->rig.fd, bar->device.id));
	ASSERT_EQ(0, bar_rig_map(bar));
	ASSERT_EQ(0, bar_rig_off(bar));
	ASSERT_EQ(0, mock_plug_flags(bar->rig.fd, bar->rig.ioas_id,
				     variant->flags, &bar->device));
	EXPECT_EQ(-ENOENT, bar_rig_check(bar));
	ASSERT_EQ(0, bar_rig_on(bar));
	EXPECT_EQ(0, bar_rig_await(bar, bar->device.hwpt_id, 0));
}

TEST_F(bar, a_part_of_it_is_mapped)
{
	struct bar_rig *bar = &self->bar;
	int fd = bar->rig.fd;

	ASSERT_EQ(0, ioas_map_fixed(fd, bar->rig.ioas_id, bar->va + PAGE_SIZE,
				    3 * PAGE_SIZE, BAR_IOVA));
	EXPECT_EQ(0, bar_check(fd, bar->device.hwpt_id, BAR_IOVA, 3 * PAGE_SIZE,
			       bar->bar_fd, PAGE_SIZE));
	EXPECT_EQ(-ENOENT, bar_check(fd, bar->device.hwpt_id,
				     BAR_IOVA + 3 * PAGE_SIZE, PAGE_SIZE,
				     bar->bar_fd, 0));
}

/* Whoever reads its PFNs meets huge pages of the processor in their middle. */
TEST_F(bar, a_part_of_a_huge_page_is_mapped)
{
	struct bar_rig *bar = &self->bar;
	const __u64 start = 3 * PAGE_SIZE, end = bar->length - 2 * PAGE_SIZE;
	int fd = bar->rig.fd;
	unsigned int round;

	for (round = 0; round < 2; round++) {
		ASSERT_EQ(0, ioas_map_fixed(fd, bar->rig.ioas_id,
					    bar->va + start, end - start,
					    BAR_IOVA + start));
		EXPECT_EQ(0, bar_check(fd, bar->device.hwpt_id,
				       BAR_IOVA + start, end - start,
				       bar->bar_fd, start));
		ASSERT_EQ(0, ioas_unmap_all(fd, bar->rig.ioas_id, NULL));
		/* Again with entries in the page table of the process. */
		bar->va[start] = 1;
	}
}

TEST_F(bar, it_may_begin_inside_of_a_page)
{
	struct bar_rig *bar = &self->bar;
	__u64 half = MOCK_IOPTE_SIZE;
	int fd = bar->rig.fd;

	ASSERT_EQ(0, ioas_map_fixed(fd, bar->rig.ioas_id, bar->va + half,
				    PAGE_SIZE, BAR_IOVA + half));
	EXPECT_EQ(0, bar_check(fd, bar->device.hwpt_id, BAR_IOVA + half,
			       PAGE_SIZE, bar->bar_fd, half));
}

TEST_F(bar, h64_is_mapped_along_with_ordinary_memory)
{
	struct bar_rig *bar = &self->bar;
	__u64 page = PAGE_SIZE, unmapped;
	char *va = memory_anonymous(bar->length + 2 * page,
				    PROT_READ | PROT_WRITE);
	int fd = bar->rig.fd;

	ASSERT_NE(NULL, va);
	memset(va, 1, bar->length + 2 * page);
	ASSERT_EQ(va + page, mmap(va + page, bar->length,
				  PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_FIXED, bar->bar_fd, 0));
	ASSERT_EQ(0, ioas_map_fixed(fd, bar->rig.ioas_id, va,
				    bar->length + 2 * page, BAR_IOVA - page));
	EXPECT_EQ(0, bar_rig_check(bar));
	EXPECT_EQ(0, mock_check_map(fd, bar->device.hwpt_id, BAR_IOVA - page,
				    page, va));
	EXPECT_EQ(0, mock_check_map(fd, bar->device.hwpt_id,
				    BAR_IOVA + bar->length, page,
				    va + page + bar->length));
	EXPECT_EQ(0, mock_check_refs(fd, va, page, 1));

	/* What is withdrawn is the BAR, and nothing else. */
	ASSERT_EQ(0, bar_rig_off(bar));
	EXPECT_EQ(-ENOENT, bar_rig_check(bar));
	EXPECT_EQ(0, mock_check_map(fd, bar->device.hwpt_id, BAR_IOVA - page,
				    page, va));
	EXPECT_EQ(0, ioas_unmap(fd, bar->rig.ioas_id, BAR_IOVA - page,
				bar->length + 2 * page, &unmapped));
	EXPECT_EQ(bar->length + 2 * page, unmapped);
	EXPECT_EQ(0, mock_check_refs(fd, va, page, 0));
	munmap(va, bar->length + 2 * page);
}

TEST_F(bar, h64_all_or_nothing_of_a_mixed_range_is_mapped)
{
	struct bar_rig *bar = &self->bar;
	__u64 page = PAGE_SIZE;
	char *va = memory_anonymous(bar->length + 2 * page,
				    PROT_READ | PROT_WRITE);
	int fd = bar->rig.fd;

	ASSERT_NE(NULL, va);
	memset(va, 1, bar->length + 2 * page);
	ASSERT_EQ(va + page, mmap(va + page, bar->length,
				  PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_FIXED, bar->bar_fd, 0));
	/* What cannot be pinned comes last. */
	ASSERT_EQ(0, munmap(va + page + bar->length, page));
	EXPECT_EQ(-EFAULT, ioas_map_fixed(fd, bar->rig.ioas_id, va,
					  bar->length + 2 * page,
					  BAR_IOVA - page));
	EXPECT_EQ(-ENOENT, bar_rig_check(bar));
	EXPECT_EQ(0, mock_check_refs(fd, va, page, 0));
	EXPECT_EQ(0, ioas_unmap_all(fd, bar->rig.ioas_id, NULL));
	munmap(va, bar->length + page);
}

TEST_F(bar, h66_automatic_iova_suits_large_pages)
{
	struct bar_rig *bar = &self->bar;
	int fd = bar->rig.fd;
	__u64 iova;

	ASSERT_EQ(0, ioas_map_auto(fd, bar->rig.ioas_id, bar->va, bar->length,
				   &iova));
	EXPECT_EQ(0, bar_check(fd, bar->device.hwpt_id, iova, bar->length,
			       bar->bar_fd, 0));
	/* The BAR is aligned to its size. Its address here may not be. */
	if (variant->flags & MOCK_FLAGS_DEVICE_HUGE_IOVA)
		EXPECT_EQ(0, iova % MOCK_HUGE_IOPTE_SIZE);
	ASSERT_EQ(0, bar_rig_off(bar));
	EXPECT_EQ(-ENOENT, bar_check(fd, bar->device.hwpt_id, iova, bar->length,
				     bar->bar_fd, 0));
}

TEST_F(bar, is_mapped_by_a_container)
{
	struct bar_rig *bar = &self->bar;
	struct container container = { .fd = bar->rig.fd };
	__u64 unmapped;

	ASSERT_EQ(0, vfio_ioas_set(bar->rig.fd, bar->rig.ioas_id));
	ASSERT_EQ(0, container_ioctl(&container, VFIO_SET_IOMMU,
				     VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, container_map(&container, bar->va, BAR_IOVA, bar->length));
	EXPECT_EQ(0, bar_rig_check(bar));
	ASSERT_EQ(0, bar_rig_off(bar));
	EXPECT_EQ(-ENOENT, bar_rig_check(bar));
	EXPECT_EQ(-EFAULT, container_map(&container, bar->va,
					 BAR_IOVA + bar->length, PAGE_SIZE));
	ASSERT_EQ(0, bar_rig_on(bar));
	EXPECT_EQ(0, bar_rig_await(bar, bar->device.hwpt_id, 0));
	EXPECT_EQ(0, container_unmap(&container, BAR_IOVA, bar->length,
				     &unmapped));
	EXPECT_EQ(bar->length, unmapped);
}

/* Rights */

static int map_flags(struct bar_rig *bar, __u32 flags)
{
	struct iommu_ioas_map map = ioas_map_of(bar->rig.ioas_id, bar->va,
						bar->length, flags);

	map.flags |= IOMMU_IOAS_MAP_FIXED_IOVA;
	map.iova = BAR_IOVA;
	return ioas_map(bar->rig.fd, &map);
}

TEST_F(bar, h65_rights_of_the_mapping_limit_those_of_the_device)
{
	struct bar_rig *bar = &self->bar;

	ASSERT_EQ(0, mprotect(bar->va, bar->length, PROT_NONE));
	EXPECT_EQ(-EFAULT, map_flags(bar, MAP_READ));
	ASSERT_EQ(0, mprotect(bar->va, bar->length, PROT_READ));
	EXPECT_EQ(-EFAULT, map_flags(bar, MAP_RW));
	EXPECT_EQ(-EFAULT, map_flags(bar, MAP_WRITE));
	EXPECT_EQ(0, map_flags(bar, MAP_READ));
	EXPECT_EQ(0, bar_rig_check(bar));
}

TEST_F(bar, h65_a_private_mapping_is_refused)
{
	struct bar_rig *bar = &self->bar;
	char *va = mmap(NULL, bar->length, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			bar->bar_fd, 0);

	ASSERT_NE(MAP_FAILED, va);
	EXPECT_EQ(-EFAULT, ioas_map_fixed(bar->rig.fd, bar->rig.ioas_id, va,
					  bar->length, BAR_IOVA));
	munmap(va, bar->length);
}

TEST_F(bar, cannot_be_mapped_while_it_is_away)
{
	struct bar_rig *bar = &self->bar;

	ASSERT_EQ(0, bar_rig_off(bar));
	EXPECT_EQ(-EFAULT, bar_rig_map(bar));
	ASSERT_EQ(0, bar_rig_on(bar));
	EXPECT_EQ(0, bar_rig_map(bar));
	EXPECT_EQ(0, bar_rig_check(bar));
}

TEST_F(bar, a_copy_gets_no_more_rights)
{
	struct bar_rig *bar = &self->bar;
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.src_ioas_id = bar->rig.ioas_id,
		.src_iova = BAR_IOVA,
		.length = bar->length,
		.dst_ioas_id = bar->rig.other_id,
		.dst_iova = BAR_IOVA,
	};

	ASSERT_EQ(0, map_flags(bar, MAP_READ));
	EXPECT_EQ(-EPERM, ioas_copy(bar->rig.fd, &copy));
}

/* Away, and back */

TEST_F(bar, h61_is_withdrawn_and_comes_back)
{
	struct bar_rig *bar = &self->bar;
	int i;

	ASSERT_EQ(0, bar_rig_map(bar));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, bar_rig_off(bar));
		EXPECT_EQ(-ENOENT, bar_rig_check(bar));
		ASSERT_EQ(0, bar_rig_on(bar));
		EXPECT_EQ(0, bar_rig_await(bar, bar->device.hwpt_id, 0));
	}
}

/* However long it was away, somebody looks every second. */
TEST_F(bar, h63_comes_back_after_a_long_time)
{
	struct bar_rig *bar = &self->bar;
	__u64 begin;

	ASSERT_EQ(0, bar_rig_map(bar));
	ASSERT_EQ(0, bar_rig_off(bar));
	sleep_ms(3 * BAR_LOOK_MS);
	EXPECT_EQ(-ENOENT, bar_rig_check(bar));
	ASSERT_EQ(0, bar_rig_on(bar));
	begin = now_ms();
	EXPECT_EQ(0, bar_rig_await(bar, bar->device.hwpt_id, 0));
	/* A slow machine may take a few times as long. */
	EXPECT_LT(now_ms() - begin, 10 * BAR_LOOK_MS);
}

TEST_F(bar, h63_comes_back_after_a_reset)
{
	struct bar_rig *bar = &self->bar;

	ASSERT_EQ(0, bar_rig_map(bar));
	/* The worker finds it in the middle, and has to wait. */
	ASSERT_EQ(0, bar_set(bar->rig.fd, bar->bar_fd, MOCK_BAR_RESET, 300));
	EXPECT_EQ(0, bar_rig_await(bar, bar->device.hwpt_id, 0));
}

TEST_F(bar, all_of_it_goes_with_a_part)
{
	struct bar_rig *bar = &self->bar;

	ASSERT_EQ(0, bar_rig_map(bar));
	ASSERT_EQ(0, mprotect(bar->va + PAGE_SIZE, PAGE_SIZE, PROT_READ));
	EXPECT_EQ(-ENOENT, bar_rig_check(bar));
	ASSERT_EQ(0, mprotect(bar->va + PAGE_SIZE, PAGE_SIZE,
			      PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, bar_rig_await(bar, bar->device.hwpt_id, 0));
}

TEST_F(bar, h61_follows_the_rights_of_the_process)
{
	struct bar_rig *bar = &self->bar;

	ASSERT_EQ(0, bar_rig_map(bar));
	ASSERT_EQ(0, mprotect(bar->va, bar->length, PROT_NONE));
	EXPECT_EQ(-ENOENT, bar_rig_check(bar));
	sleep_ms(GONE_MS);
	EXPECT_EQ(-ENOENT, bar_rig_check(bar));
	ASSERT_EQ(0, mprotect(bar->va, bar->length, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, bar_rig_await(bar, bar->device.hwpt_id, 0));
}

TEST_F(bar, what_is_unmapped_meanwhile_does_not_come_back)
{
	struct bar_rig *bar = &self->bar;
	__u64 unmapped;

	ASSERT_EQ(0, bar_rig_map(bar));
	ASSERT_EQ(0, bar_rig_off(bar));
	ASSERT_EQ(0, ioas_unmap(bar->rig.fd, bar->rig.ioas_id, BAR_IOVA,
				bar->length, &unmapped));
	EXPECT_EQ(bar->length, unmapped);
	ASSERT_EQ(0, bar_rig_on(bar));
	sleep_ms(GONE_MS);
	EXPECT_EQ(-ENOENT, bar_rig_check(bar));
	EXPECT_EQ(0, bar_rig_map(bar));
	EXPECT_EQ(0, bar_rig_check(bar));
}

/* The teardown closes all of it like this. */
TEST_F(bar, may_be_away_when_the_file_is_closed)
{
	struct bar_rig *bar = &self->bar;

	ASSERT_EQ(0, bar_rig_map(bar));
	ASSERT_EQ(0, bar_rig_off(bar));
}

/* Others, whose reset takes long */

/* Of another device, ms; nothing else here takes that long. */
#define RESET_MS	10000

/* By then whoever looks for a BAR waits for the reset, ms. */
#define STUCK_MS	500

/* More areas than a workqueue has workers. */
#define MANY_AREAS	300

#define OTHER_IOVA	(BAR_IOVA + 4 * SZ_1M)

/**
 * struct other - a second BAR, which is going to be reset
 * @bar: the first one
 * @bell: rung when the reset is about to begin
 * @fd: the second one
 * @ret: what the reset returned
 */
struct other {
	struct bar_rig *bar;
	struct doorbell bell;
	int fd;
	int ret;
};

/* Map a page of it so many times. */
static int other_map(struct other *other, unsigned int count)
{
	int fd = other->bar->rig.fd, ret = 0;
	__u64 iova = OTHER_IOVA;
	char *va;

	other->fd = bar_create(fd, PAGE_SIZE);
	if (other->fd < 0)
		return other->fd;
	va = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		  other->fd, 0);
	if (va == MAP_FAILED)
		return -errno;
	for (; !ret && count; count--, iova += PAGE_SIZE)
		ret = ioas_map_fixed(fd, other->bar->rig.ioas_id, va, PAGE_SIZE,
				     iova);
	return ret;
}

static int other_reset(struct other *other)
{
	return bar_set(other->bar->rig.fd, other->fd, MOCK_BAR_RESET, RESET_MS);
}

static int reset_in_child(void *arg)
{
	struct other *other = arg;
	int ret = other_map(other, MANY_AREAS);

	child_ring(&other->bell);
	return ret || other_reset(other);
}

TEST_F(bar, h63_waits_for_no_other_process)
{
	struct bar_rig *bar = &self->bar;
	struct other other = { .bar = bar };
	pid_t child;

	ASSERT_EQ(0, bar_rig_map(bar));
	ASSERT_EQ(0, doorbell_init(&other.bell));
	child = child_start(reset_in_child, &other);
	ASSERT_GT(child, 0);
	EXPECT_EQ(0, parent_await(&other.bell));
	sleep_ms(STUCK_MS);
	EXPECT_EQ(0, bar_rig_off(bar));
	EXPECT_EQ(-ENOENT, bar_rig_check(bar));
	EXPECT_EQ(0, bar_rig_on(bar));
	EXPECT_EQ(0, bar_rig_await(bar, bar->device.hwpt_id, 0));
	/* The reset is not over yet. */
	EXPECT_EQ(0, waitpid(child, NULL, WNOHANG));
	EXPECT_EQ(0, child_wait(child, TIMEOUT_MS));
	doorbell_close(&other.bell);
}

static void *reset_in_thread(void *arg)
{
	struct other *other = arg;
	int ret = other_reset(other);

	__atomic_store_n(&other->ret, ret, __ATOMIC_RELEASE);
	return NULL;
}

/* Nothing here changes mappings meanwhile, which would wait. */
TEST_F(bar, h63_waits_for_no_other_device)
{
	struct bar_rig *bar = &self->bar;
	struct other other = { .bar = bar, .ret = 1 };
	pthread_t thread;

	ASSERT_EQ(0, bar_rig_map(bar));
	ASSERT_EQ(0, other_map(&other, 1));
	ASSERT_EQ(0, pthread_create(&thread, NULL, reset_in_thread, &other));
	sleep_ms(STUCK_MS);
	EXPECT_EQ(0, bar_rig_off(bar));
	EXPECT_EQ(-ENOENT, bar_rig_check(bar));
	EXPECT_EQ(0, bar_rig_on(bar));
	EXPECT_EQ(0, bar_rig_await(bar, bar->device.hwpt_id, 0));
	EXPECT_EQ(1, __atomic_load_n(&other.ret, __ATOMIC_ACQUIRE));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, other.ret);
	close(other.fd);
}

/* Gone */

static int gone(struct bar_rig *bar)
{
	sleep_ms(GONE_MS);
	return bar_rig_check(bar);
}

static int unmap_all_of_it(struct bar_rig *bar)
{
	__u64 unmapped;
	int ret = ioas_unmap(bar->rig.fd, bar->rig.ioas_id, BAR_IOVA,
			     bar->length, &unmapped);

	return ret ? ret : unmapped == bar->length ? 0 : -EIO;
}

TEST_F(bar, h64_is_gone_with_munmap)
{
	struct bar_rig *bar = &self->bar;

	ASSERT_EQ(0, bar_rig_map(bar));
	ASSERT_EQ(0, munmap(bar->va, bar->length));
	EXPECT_EQ(-ENOENT, bar_rig_check(bar));
	/* The same again at the same address is another mapping. */
	ASSERT_EQ(bar->va, mmap(bar->va, bar->length, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_FIXED, bar->bar_fd, 0));
	EXPECT_EQ(-ENOENT, gone(bar));
	EXPECT_EQ(0, unmap_all_of_it(bar));
	EXPECT_EQ(0, bar_rig_map(bar));
	EXPECT_EQ(0, bar_rig_check(bar));
}

TEST_F(bar, h64_is_gone_when_a_part_is_unmapped)
{
	struct bar_rig *bar = &self->bar;

	ASSERT_EQ(0, bar_rig_map(bar));
	ASSERT_EQ(0, munmap(bar->va + 2 * PAGE_SIZE, PAGE_SIZE));
	EXPECT_EQ(-ENOENT, bar_rig_check(bar));
	EXPECT_EQ(-ENOENT, gone(bar));
	EXPECT_EQ(0, unmap_all_of_it(bar));
}

TEST_F(bar, h64_is_gone_when_other_memory_takes_its_place)
{
	struct bar_rig *bar = &self->bar;

	ASSERT_EQ(0, bar_rig_map(bar));
	ASSERT_EQ(bar->va, mmap(bar->va, bar->length, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
				0));
	memset(bar->va, 1, bar->length);
	EXPECT_EQ(-ENOENT, bar_rig_check(bar));
	EXPECT_EQ(-ENOENT, gone(bar));
	EXPECT_EQ(0, unmap_all_of_it(bar));
}

TEST_F(bar, h64_is_gone_with_mremap)
{
	struct bar_rig *bar = &self->bar;
	char *to = memory_anonymous(bar->length, PROT_NONE);

	ASSERT_NE(NULL, to);
	ASSERT_EQ(0, bar_rig_map(bar));
	ASSERT_EQ(to, mremap(bar->va, bar->length, bar->length,
			     MREMAP_MAYMOVE | MREMAP_FIXED, to));
	bar->va = to;
	EXPECT_EQ(-ENOENT, bar_rig_check(bar));
	EXPECT_EQ(-ENOENT, gone(bar));
	EXPECT_EQ(0, unmap_all_of_it(bar));
}

static int unmap_in_child(void *arg)
{
	struct bar_rig *bar = arg;

	return munmap(bar->va, bar->length) || bar_rig_check(bar);
}

TEST_F(bar, a_child_changes_nothing)
{
	struct bar_rig *bar = &self->bar;

	ASSERT_EQ(0, bar_rig_map(bar));
	EXPECT_EQ(0, child_run(unmap_in_child, bar, TIMEOUT_MS));
	EXPECT_EQ(0, bar_rig_check(bar));
	ASSERT_EQ(0, bar_rig_off(bar));
	EXPECT_EQ(-ENOENT, bar_rig_check(bar));
	ASSERT_EQ(0, bar_rig_on(bar));
	EXPECT_EQ(0, bar_rig_await(bar, bar->device.hwpt_id, 0));
}

static int map_in_child(void *arg)
{
	struct bar_rig *bar = arg;

	return bar_rig_map(bar) || bar_rig_check(bar);
}

TEST_F(bar, h61_is_gone_with_the_process)
{
	struct bar_rig *bar = &self->bar;

	ASSERT_EQ(0, child_run(map_in_child, bar, TIMEOUT_MS));
	EXPECT_EQ(-ENOENT, bar_rig_await(bar, bar->device.hwpt_id, -ENOENT));
	EXPECT_EQ(-ENOENT, gone(bar));
	EXPECT_EQ(0, unmap_all_of_it(bar));
}

static int map_away_in_child(void *arg)
{
	struct bar_rig *bar = arg;

	return bar_rig_map(bar) || bar_rig_off(bar);
}

TEST_F(bar, the_process_may_end_while_it_is_away)
{
	struct bar_rig *bar = &self->bar;

	ASSERT_EQ(0, child_run(map_away_in_child, bar, TIMEOUT_MS));
	ASSERT_EQ(0, bar_rig_on(bar));
	EXPECT_EQ(-ENOENT, gone(bar));
}

/* Other page tables */

TEST_F(bar, a_page_table_that_comes_meanwhile_has_a_hole)
{
	struct bar_rig *bar = &self->bar;
	int fd = bar->rig.fd;
	__u32 hwpt_id;

	ASSERT_EQ(0, bar_rig_map(bar));
	ASSERT_EQ(0, bar_rig_off(bar));
	ASSERT_EQ(0, hwpt_alloc(fd, bar->device.idev_id, bar->rig.ioas_id,
				&hwpt_id));
	EXPECT_EQ(-ENOENT, bar_rig_check_in(bar, hwpt_id));
	ASSERT_EQ(0, bar_rig_on(bar));
	EXPECT_EQ(0, bar_rig_await(bar, hwpt_id, 0));
	EXPECT_EQ(0, bar_rig_await(bar, bar->device.hwpt_id, 0));

	/* And both lose it. */
	ASSERT_EQ(0, bar_rig_off(bar));
	EXPECT_EQ(-ENOENT, bar_rig_check(bar));
	EXPECT_EQ(-ENOENT, bar_rig_check_in(bar, hwpt_id));
	ASSERT_EQ(0, iommufd_destroy(fd, hwpt_id));
	ASSERT_EQ(0, bar_rig_on(bar));
	EXPECT_EQ(0, bar_rig_await(bar, bar->device.hwpt_id, 0));
}

TEST_F(bar, a_further_page_table_has_it_at_once)
{
	struct bar_rig *bar = &self->bar;
	int fd = bar->rig.fd;
	__u32 hwpt_id;

	ASSERT_EQ(0, bar_rig_map(bar));
	ASSERT_EQ(0, hwpt_alloc(fd, bar->device.idev_id, bar->rig.ioas_id,
				&hwpt_id));
	EXPECT_EQ(0, bar_rig_check_in(bar, hwpt_id));
	ASSERT_EQ(0, mock_replace(fd, bar->device.id, hwpt_id));
	EXPECT_EQ(0, bar_rig_check_in(bar, hwpt_id));
	ASSERT_EQ(0, bar_rig_off(bar));
	EXPECT_EQ(-ENOENT, bar_rig_check_in(bar, hwpt_id));
}

TEST_F(bar, the_last_page_table_may_go_while_it_is_away)
{
	struct bar_rig *bar = &self->bar;
	int fd = bar->rig.fd;

	ASSERT_EQ(0, bar_rig_map(bar));
	ASSERT_EQ(0, bar_rig_off(bar));
	ASSERT_EQ(0, iommufd_destroy(fd, bar->device.id));
	ASSERT_EQ(0, bar_rig_on(bar));
	ASSERT_EQ(0, mock_plug_flags(fd, bar->rig.ioas_id, variant->flags,
				     &bar->device));
	EXPECT_EQ(0, bar_rig_await(bar, bar->device.hwpt_id, 0));
}

static int copy_to_other(struct bar_rig *bar)
{
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.src_ioas_id = bar->rig.ioas_id,
		.src_iova = BAR_IOVA,
		.length = bar->length,
		.dst_ioas_id = bar->rig.other_id,
		.dst_iova = BAR_IOVA,
	};

	return ioas_copy(bar->rig.fd, &copy);
}

TEST_F(bar, copies_share_its_fate)
{
	struct bar_rig *bar = &self->bar;
	struct mock_device other;
	int fd = bar->rig.fd;

	ASSERT_EQ(0, mock_plug_flags(fd, bar->rig.other_id, variant->flags,
				     &other));
	ASSERT_EQ(0, bar_rig_map(bar));
	ASSERT_EQ(0, copy_to_other(bar));
	EXPECT_EQ(0, bar_rig_check_in(bar, other.hwpt_id));
	ASSERT_EQ(0, unmap_all_of_it(bar));
	EXPECT_EQ(0, bar_rig_check_in(bar, other.hwpt_id));
	ASSERT_EQ(0, bar_rig_off(bar));
	EXPECT_EQ(-ENOENT, bar_rig_check_in(bar, other.hwpt_id));
	ASSERT_EQ(0, bar_rig_on(bar));
	EXPECT_EQ(0, bar_rig_await(bar, other.hwpt_id, 0));
}

TEST_F(bar, is_copied_while_it_is_away)
{
	struct bar_rig *bar = &self->bar;
	struct mock_device other;
	int fd = bar->rig.fd;

	ASSERT_EQ(0, mock_plug_flags(fd, bar->rig.other_id, variant->flags,
				     &other));
	ASSERT_EQ(0, bar_rig_map(bar));
	ASSERT_EQ(0, bar_rig_off(bar));
	ASSERT_EQ(0, copy_to_other(bar));
	EXPECT_EQ(-ENOENT, bar_rig_check_in(bar, other.hwpt_id));
	ASSERT_EQ(0, bar_rig_on(bar));
	EXPECT_EQ(0, bar_rig_await(bar, other.hwpt_id, 0));
	EXPECT_EQ(0, bar_rig_await(bar, bar->device.hwpt_id, 0));
}

/* Writes that are tracked */

/* Read and forget what is dirty; 1 for something, 0 for nothing. */
static int read_dirty(struct bar_rig *bar, __u32 hwpt_id)
{
	__u64 bitmap[SZ_2M / SZ_4K / 64] = {};
	struct iommu_hwpt_get_dirty_bitmap get = {
		.hwpt_id = hwpt_id,
		.iova = BAR_IOVA,
		.length = bar->length,
		.page_size = PAGE_SIZE,
		.data = va_to_u64(bitmap),
	};
	int ret = dirty_read(bar->rig.fd, &get);
	size_t i;

	for (i = 0; !ret && i < ARRAY_SIZE(bitmap); i++)
		if (bitmap[i])
			return 1;
	return ret;
}

TEST_F(bar, writes_are_forgotten_when_it_is_withdrawn)
{
	struct bar_rig *bar = &self->bar;
	int fd = bar->rig.fd;
	__u64 iova = BAR_IOVA;
	__u32 hwpt_id;

	ASSERT_EQ(0, hwpt_alloc_flags(fd, bar->device.idev_id, bar->rig.ioas_id,
				      IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
				      &hwpt_id));
	ASSERT_EQ(0, dirty_track(fd, hwpt_id, true));
	ASSERT_EQ(0, bar_rig_map(bar));
	ASSERT_EQ(0, mock_write_one(fd, hwpt_id, iova));
	EXPECT_EQ(1, read_dirty(bar, hwpt_id));
	EXPECT_EQ(0, read_dirty(bar, hwpt_id));

	ASSERT_EQ(0, mock_write_one(fd, hwpt_id, iova));
	ASSERT_EQ(0, bar_rig_off(bar));
	EXPECT_EQ(-ENXIO, mock_write_one(fd, hwpt_id, iova));
	EXPECT_EQ(0, read_dirty(bar, hwpt_id));
	ASSERT_EQ(0, bar_rig_on(bar));
	EXPECT_EQ(0, bar_rig_await(bar, hwpt_id, 0));
	EXPECT_EQ(0, read_dirty(bar, hwpt_id));
}

/* In-kernel users */

TEST_F(bar, h67_accesses_neither_pin_nor_copy)
{
	struct bar_rig *bar = &self->bar;
	__u64 data = 0, iova = BAR_IOVA;
	int fd = bar->rig.fd;
	__u32 pages_id;
	int access;

	access = access_create(fd, bar->rig.ioas_id, PINS);
	ASSERT_GE(access, 0);
	ASSERT_EQ(0, bar_rig_map(bar));
	EXPECT_EQ(-EINVAL, access_pin(fd, access, iova, PAGE_SIZE, NULL, 0,
				      &pages_id));
	EXPECT_EQ(-EINVAL, access_pin(fd, access, iova, PAGE_SIZE, NULL,
				      MOCK_FLAGS_ACCESS_WRITE, &pages_id));
	EXPECT_EQ(-EFAULT, access_rw(fd, access, iova, 8, &data, 0));
	EXPECT_EQ(-EFAULT, access_rw(fd, access, iova, 8, &data,
				     MOCK_ACCESS_RW_WRITE));
	EXPECT_EQ(-EFAULT, access_rw(fd, access, iova, 8, &data,
				     MOCK_ACCESS_RW_SLOW_PATH));
	EXPECT_EQ(-EFAULT, access_rw(fd, access, iova, 8, &data,
				     MOCK_ACCESS_RW_KTHREAD));
	EXPECT_EQ(0, bar_rig_check(bar));
	EXPECT_EQ(0, unmap_all_of_it(bar));
	close(access);
}

TEST_HARNESS_MAIN
