// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Tracking what devices write, on the mock IOMMU: turning it on and off, what
 * is reported, and when it is forgotten. What becomes of ranges and bitmaps of
 * all sizes is in dirty_range_test.c.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/clock.h"
#include "lib/dirty_rig.h"
#include "lib/harness.h"
#include "lib/trap.h"

#define NO_CLEAR	IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR

#define RUN_MS		1000

/* Some units that are mapped, whatever their size. */
#define SOME		0x9bULL

FIXTURE(dirty)
{
	struct dirty_rig dirty;
};

FIXTURE_VARIANT(dirty)
{
	bool huge;
	enum dirty_way way;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(dirty, small) { .way = DIRTY_BITMAP };
FIXTURE_VARIANT_ADD(dirty, huge) { .huge = true, .way = DIRTY_BITMAP };
FIXTURE_VARIANT_ADD(dirty, small_gather) { .way = DIRTY_GATHER };
FIXTURE_VARIANT_ADD(dirty, huge_gather) { .huge = true, .way = DIRTY_GATHER };
/* clang-format on */

FIXTURE_SETUP(dirty)
{
	int ret = dirty_rig_create(&self->dirty, variant->huge, variant->way);

	if (ret == -ENODEV)
		SKIP(return, "no mock IOMMU");
	if (ret == -ENOTSUP)
		SKIP(return, "no huge pages");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(dirty)
{
	EXPECT_STREQ("", dirty_rig_destroy(&self->dirty));
}

/* What is dirty, and forget it or not. */
#define EXPECT_DIRTY(self, expected, flags) do { \
	__u64 units; \
	EXPECT_EQ(0, dirty_rig_read(&(self)->dirty, flags, &units)); \
	EXPECT_EQ(expected, units); \
} while (0)

TEST_F(dirty, writes_are_reported_once)
{
	struct dirty_rig *dirty = &self->dirty;

	ASSERT_EQ(0, dirty_rig_track(dirty, true));
	EXPECT_DIRTY(self, 0, 0);
	ASSERT_EQ(0, dirty_rig_write(dirty, SOME));
	EXPECT_DIRTY(self, SOME, 0);
	EXPECT_DIRTY(self, 0, 0);
	/* Again the same: the IOTLB must not be a reason to miss that. */
	ASSERT_EQ(0, dirty_rig_write(dirty, SOME));
	EXPECT_DIRTY(self, SOME, 0);
	ASSERT_EQ(0, dirty_rig_write(dirty, dirty->present));
	EXPECT_DIRTY(self, dirty->present, 0);
	EXPECT_DIRTY(self, 0, 0);
	EXPECT_EQ(-ENXIO, dirty_rig_write(dirty, ~dirty->present));
	EXPECT_DIRTY(self, 0, 0);
}

TEST_F(dirty, h48_no_clear_leaves_all)
{
	struct dirty_rig *dirty = &self->dirty;

	ASSERT_EQ(0, dirty_rig_track(dirty, true));
	ASSERT_EQ(0, dirty_rig_write(dirty, SOME));
	EXPECT_DIRTY(self, SOME, NO_CLEAR);
	EXPECT_DIRTY(self, SOME, NO_CLEAR);
	ASSERT_EQ(0, dirty_rig_write(dirty, 0x20));
	EXPECT_DIRTY(self, SOME | 0x20, NO_CLEAR);
	EXPECT_DIRTY(self, SOME | 0x20, 0);
	EXPECT_DIRTY(self, 0, NO_CLEAR);
}

/* One bitmap may collect several readings. */
TEST_F(dirty, bits_are_added)
{
	struct dirty_rig *dirty = &self->dirty;
	__u64 bitmap = 0x100, before = bitmap;
	struct iommu_hwpt_get_dirty_bitmap get =
		dirty_rig_request(dirty, &bitmap);

	ASSERT_EQ(0, dirty_rig_track(dirty, true));
	ASSERT_EQ(0, dirty_rig_write(dirty, 0x8));
	EXPECT_EQ(0, dirty_read(dirty->rig.fd, &get));
	EXPECT_EQ(before | 0x8, bitmap);
	ASSERT_EQ(0, dirty_rig_write(dirty, 0x10));
	EXPECT_EQ(0, dirty_read(dirty->rig.fd, &get));
	EXPECT_EQ(before | 0x18, bitmap);
}

TEST_F(dirty, h48_enabling_forgets)
{
	struct dirty_rig *dirty = &self->dirty;
	__u64 units;

	EXPECT_EQ(-EINVAL, dirty_rig_read(dirty, 0, &units));
	EXPECT_EQ(-EINVAL, dirty_rig_read(dirty, NO_CLEAR, &units));
	/* Off is off already. */
	EXPECT_EQ(0, dirty_rig_track(dirty, false));
	ASSERT_EQ(0, dirty_rig_track(dirty, true));
	ASSERT_EQ(0, dirty_rig_write(dirty, SOME));
	/* Turning on what is on is no reason to forget. */
	EXPECT_EQ(0, dirty_rig_track(dirty, true));
	EXPECT_DIRTY(self, SOME, NO_CLEAR);
	ASSERT_EQ(0, dirty_rig_track(dirty, false));
	EXPECT_EQ(-EINVAL, dirty_rig_read(dirty, 0, &units));
	EXPECT_EQ(0, units);
	ASSERT_EQ(0, dirty_rig_track(dirty, true));
	EXPECT_DIRTY(self, 0, 0);
	ASSERT_EQ(0, dirty_rig_write(dirty, SOME));
	EXPECT_DIRTY(self, SOME, 0);
}

TEST_F(dirty, h48_maps_and_unmaps_meanwhile)
{
	struct dirty_rig *dirty = &self->dirty;

	ASSERT_EQ(0, dirty_rig_track(dirty, true));
	ASSERT_EQ(0, dirty_rig_write(dirty, SOME));
	ASSERT_EQ(0, dirty_rig_unmap(dirty));
	EXPECT_DIRTY(self, 0, 0);
	/* What is mapped now is tracked, and new. */
	ASSERT_EQ(0, dirty_rig_map(dirty));
	EXPECT_DIRTY(self, 0, 0);
	ASSERT_EQ(0, dirty_rig_write(dirty, dirty->present));
	EXPECT_DIRTY(self, dirty->present, 0);
}

/* Each page table has its own writes. */
TEST_F(dirty, page_tables_are_apart)
{
	struct dirty_rig *dirty = &self->dirty;
	struct iommu_hwpt_get_dirty_bitmap get;
	__u64 bits = 0;
	__u32 other;

	ASSERT_EQ(0, hwpt_alloc_flags(dirty->rig.fd, dirty->device.idev_id,
				      dirty->rig.ioas_id,
				      IOMMU_HWPT_ALLOC_DIRTY_TRACKING |
				      IOMMU_HWPT_ALLOC_NEST_PARENT, &other));
	ASSERT_EQ(0, dirty_rig_track(dirty, true));
	ASSERT_EQ(0, dirty_track(dirty->rig.fd, other, true));
	ASSERT_EQ(0, dirty_rig_write(dirty, SOME));
	get = dirty_rig_request(dirty, &bits);
	get.hwpt_id = other;
	EXPECT_EQ(0, dirty_read(dirty->rig.fd, &get));
	EXPECT_EQ(0, bits);
	/* Whichever page table the device uses now */
	ASSERT_EQ(0, mock_replace(dirty->rig.fd, dirty->device.id, other));
	EXPECT_DIRTY(self, SOME, 0);
	EXPECT_EQ(0, iommufd_destroy(dirty->rig.fd, dirty->hwpt_id));
}

/* The same memory, reached by the rest of a huge page as well */
TEST_F(dirty, any_write_marks_all_of_an_iopte)
{
	struct dirty_rig *dirty = &self->dirty;
	struct iommu_hwpt_get_dirty_bitmap get;
	__u64 fine[128];
	size_t i, bits;

	ASSERT_EQ(0, dirty_rig_track(dirty, true));
	memset(fine, 0, sizeof(fine));
	get = dirty_rig_request(dirty, fine);
	get.page_size = MOCK_IOPTE_SIZE;
	bits = dirty->unit / MOCK_IOPTE_SIZE;
	ASSERT_EQ(0, dirty_rig_write(dirty, 0x8));
	EXPECT_EQ(0, dirty_read(dirty->rig.fd, &get));
	for (i = 0; i < dirty->units * bits; i++)
		ASSERT_EQ(i / bits == 3, fine[i / 64] >> (i % 64) & 1) {
			TH_LOG("bit %zu", i);
		}
}

TEST_F(dirty, h44_bitmap_that_cannot_be_written)
{
	struct dirty_rig *dirty = &self->dirty;
	struct iommu_hwpt_get_dirty_bitmap get;
	char *page;

	page = memory_anonymous(2 * PAGE_SIZE, PROT_READ);
	ASSERT_NE(NULL, page);
	ASSERT_EQ(0, munmap(page + PAGE_SIZE, PAGE_SIZE));
	ASSERT_EQ(0, dirty_rig_track(dirty, true));
	ASSERT_EQ(0, dirty_rig_write(dirty, dirty->present));
	get = dirty_rig_request(dirty, NULL);
	EXPECT_EQ(-EFAULT, dirty_read(dirty->rig.fd, &get));
	get.data = va_to_u64(page);
	EXPECT_EQ(-EFAULT, dirty_read(dirty->rig.fd, &get));
	get.data = va_to_u64(page + PAGE_SIZE);
	EXPECT_EQ(-EFAULT, dirty_read(dirty->rig.fd, &get));
	/* Of one that ends in nothing not even the beginning is read. */
	ASSERT_EQ(0, mprotect(page, PAGE_SIZE, PROT_READ | PROT_WRITE));
	get = dirty_rig_request(dirty, page + PAGE_SIZE - 1);
	get.page_size = dirty->unit / 4;
	EXPECT_EQ(-EFAULT, dirty_read(dirty->rig.fd, &get));
	get.data = -PAGE_SIZE;
	EXPECT_EQ(-EFAULT, dirty_read(dirty->rig.fd, &get));
	munmap(page, PAGE_SIZE);
	EXPECT_DIRTY(self, dirty->present, 0);
}

/* What comes before the part that cannot be written is there, and forgotten. */
TEST_F(dirty, h44_bitmap_that_ends_at_a_border)
{
	struct dirty_rig *dirty = &self->dirty;
	__u64 low = (1ULL << dirty->units / 2) - 1, units;
	struct iommu_hwpt_get_dirty_bitmap get;
	unsigned char *bitmap;
	unsigned int i;

	bitmap = (void *)memory_anonymous(2 * PAGE_SIZE,
					  PROT_READ | PROT_WRITE);
	ASSERT_NE(NULL, bitmap);
	ASSERT_EQ(0, munmap(bitmap + PAGE_SIZE, PAGE_SIZE));
	ASSERT_EQ(0, dirty_rig_track(dirty, true));
	ASSERT_EQ(0, dirty_rig_write(dirty, dirty->present));
	/* A page of the bitmap for what is below the border */
	get = dirty_rig_request(dirty, bitmap);
	get.page_size = 4 * SZ_4K;
	get.iova = DIRTY_PIECE - PAGE_SIZE * 8 * get.page_size;
	get.length = DIRTY_PIECE + dirty->units * dirty->unit - get.iova;
	EXPECT_EQ(-EFAULT, dirty_read(dirty->rig.fd, &get));
	EXPECT_EQ(0, dirty_rig_read(dirty, 0, &units));
	EXPECT_EQ(dirty->present & ~low, units);
	for (i = 0; i < dirty->units / 2; i++) {
		__u64 bit = (dirty_rig_iova(dirty, i) - get.iova) /
			    get.page_size;

		if (dirty->present >> i & 1)
			EXPECT_TRUE(bitmap[bit / 8] >> (bit % 8) & 1) {
				TH_LOG("unit %u", i);
			}
	}
	munmap(bitmap, PAGE_SIZE);
}

TEST_F(dirty, h46_what_is_refused)
{
	const __u64 sizes[] = { 0, 1, 2, 256, 3, 0x3000, 0x1001, ~0ULL };
	struct dirty_rig *dirty = &self->dirty;
	struct iommu_hwpt_get_dirty_bitmap get;
	__u64 bits[2] = {};
	size_t i;

	ASSERT_EQ(0, dirty_rig_track(dirty, true));
	ASSERT_EQ(0, dirty_rig_write(dirty, SOME));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		get = dirty_rig_request(dirty, bits);
		get.page_size = sizes[i];
		EXPECT_EQ(-EINVAL, dirty_read(dirty->rig.fd, &get)) {
			TH_LOG("page size %#llx", sizes[i]);
		}
	}
	get = dirty_rig_request(dirty, bits);
	get.length = 0;
	EXPECT_EQ(-EINVAL, dirty_read(dirty->rig.fd, &get));
	get = dirty_rig_request(dirty, bits);
	get.iova += 1;
	EXPECT_EQ(-EINVAL, dirty_read(dirty->rig.fd, &get));
	get.iova += dirty->unit / 2 - 1;
	EXPECT_EQ(-EINVAL, dirty_read(dirty->rig.fd, &get));
	get = dirty_rig_request(dirty, bits);
	get.length = -get.iova + 1;
	EXPECT_EQ(-EOVERFLOW, dirty_read(dirty->rig.fd, &get));
	get.iova = -dirty->unit;
	get.length = dirty->unit + 1;
	EXPECT_EQ(-EOVERFLOW, dirty_read(dirty->rig.fd, &get));
	get.length = dirty->unit;
	EXPECT_EQ(0, dirty_read(dirty->rig.fd, &get));
	EXPECT_EQ(0, bits[0] | bits[1]);
	EXPECT_DIRTY(self, SOME, 0);
}

/* Page sizes up to the largest that there could be */
TEST_F(dirty, h46_large_page_sizes)
{
	struct dirty_rig *dirty = &self->dirty;
	struct iommu_hwpt_get_dirty_bitmap get;
	unsigned int shift;
	__u64 bits;

	ASSERT_EQ(0, dirty_rig_track(dirty, true));
	for (shift = 31; shift < 64; shift++) {
		ASSERT_EQ(0, dirty_rig_write(dirty, SOME));
		bits = 0;
		get = dirty_rig_request(dirty, &bits);
		get.page_size = 1ULL << shift;
		get.iova = 0;
		get.length = 2 * DIRTY_PIECE;
		EXPECT_EQ(0, dirty_read(dirty->rig.fd, &get));
		EXPECT_EQ(1, bits);
		EXPECT_DIRTY(self, 0, 0);
	}
}

TEST_F(dirty, only_page_tables_that_track)
{
	struct dirty_rig *dirty = &self->dirty;
	struct mock_rig *rig = &dirty->rig;
	struct iommu_hwpt_get_dirty_bitmap get;
	__u32 plain, others[3];
	__u64 bits = 0;
	size_t i;

	ASSERT_EQ(0, hwpt_alloc(rig->fd, dirty->device.idev_id, rig->ioas_id,
				&plain));
	get = dirty_rig_request(dirty, &bits);
	get.hwpt_id = plain;
	EXPECT_EQ(-EOPNOTSUPP, dirty_track(rig->fd, plain, true));
	EXPECT_EQ(-EOPNOTSUPP, dirty_track(rig->fd, plain, false));
	EXPECT_EQ(-EOPNOTSUPP, dirty_read(rig->fd, &get));
	others[0] = rig->ioas_id;
	others[1] = dirty->device.idev_id;
	others[2] = 0x7fffffff;
	for (i = 0; i < 3; i++) {
		get.hwpt_id = others[i];
		EXPECT_EQ(-ENOENT, dirty_track(rig->fd, others[i], true));
		EXPECT_EQ(-ENOENT, dirty_read(rig->fd, &get));
	}
}

TEST_F(dirty, devices_that_cannot)
{
	struct dirty_rig *dirty = &self->dirty;
	struct mock_rig *rig = &dirty->rig;
	__u32 flags = MOCK_FLAGS_DEVICE_NO_DIRTY, hwpt;
	struct iommu_hw_info info = {};
	struct mock_device odd;

	ASSERT_EQ(0, hw_info(rig->fd, dirty->device.idev_id, &info));
	EXPECT_TRUE(info.out_capabilities & IOMMU_HW_CAP_DIRTY_TRACKING);
	if (variant->huge)
		flags |= MOCK_FLAGS_DEVICE_HUGE_IOVA;
	EXPECT_EQ(-EINVAL, mock_plug_flags(rig->fd, dirty->hwpt_id, flags,
					   &odd));
	ASSERT_EQ(0, mock_plug_flags(rig->fd, rig->other_id, flags, &odd));
	EXPECT_EQ(-EINVAL, mock_replace(rig->fd, odd.id, dirty->hwpt_id));
	EXPECT_EQ(-EOPNOTSUPP,
		  hwpt_alloc_flags(rig->fd, odd.idev_id, rig->ioas_id,
				   IOMMU_HWPT_ALLOC_DIRTY_TRACKING, &hwpt));
	info = (struct iommu_hw_info){};
	ASSERT_EQ(0, hw_info(rig->fd, odd.idev_id, &info));
	EXPECT_FALSE(info.out_capabilities & IOMMU_HW_CAP_DIRTY_TRACKING);
	/* Where nothing is tracked all devices may meet. */
	EXPECT_EQ(0, mock_replace(rig->fd, odd.id, rig->ioas_id));
}

/* A terabyte without anything in it takes no time. */
TEST_F(dirty, h45_holes_of_a_terabyte)
{
	const __u64 page_size = SZ_2M, length = 1ULL << 40;
	struct dirty_rig *dirty = &self->dirty;
	struct iommu_hwpt_get_dirty_bitmap get;
	unsigned char *bitmap;
	__u64 bytes = length / page_size / 8, i, set = 0, start;
	char *memory;

	if (!variant->huge)
		SKIP(return, "small IOPTEs are in the first 2 GiB");
	bitmap = (void *)memory_anonymous(bytes, PROT_READ | PROT_WRITE);
	memory = memory_anonymous(PAGE_SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(NULL, bitmap);
	ASSERT_NE(NULL, memory);
	ASSERT_EQ(0, ioas_map_fixed(dirty->rig.fd, dirty->rig.ioas_id, memory,
				    PAGE_SIZE, length - PAGE_SIZE));
	ASSERT_EQ(0, dirty_rig_track(dirty, true));
	ASSERT_EQ(0, mock_write_one(dirty->rig.fd, dirty->hwpt_id,
				    length - PAGE_SIZE));
	ASSERT_EQ(0, dirty_rig_write(dirty, 1));
	get = dirty_rig_request(dirty, bitmap);
	get.iova = 0;
	get.length = length;
	get.page_size = page_size;
	start = now_ms();
	EXPECT_EQ(0, dirty_read(dirty->rig.fd, &get));
	EXPECT_LT(now_ms() - start, TIMEOUT_MS / 10);
	for (i = 0; i < bytes * 8; i++)
		set += bitmap[i / 8] >> (i % 8) & 1;
	EXPECT_EQ(2, set);
	EXPECT_TRUE(bitmap[bytes - 1] & 0x80);
	EXPECT_TRUE(bitmap[dirty->base / page_size / 8] >>
		    (dirty->base / page_size % 8) & 1);
	munmap(bitmap, bytes);
}

/* Drivers never come to an end behind the last page, so that is kept free. */
TEST_F(dirty, h47_last_page)
{
	const __u64 last = ~0ULL - PAGE_SIZE, page = last - PAGE_SIZE + 1;
	struct dirty_rig *dirty = &self->dirty;
	struct mock_rig *rig = &dirty->rig;
	__u64 bits = 0;
	struct iommu_hwpt_get_dirty_bitmap get =
		dirty_rig_request(dirty, &bits);
	struct iova_ranges ranges;
	__u32 plain;

	if (!variant->huge)
		SKIP(return, "small IOPTEs are in the first 2 GiB");
	ASSERT_EQ(0, ioas_iova_ranges(rig->fd, rig->ioas_id, &ranges));
	ASSERT_EQ(1, ranges.count);
	EXPECT_EQ(last, ranges.range[0].last);
	EXPECT_EQ(-EINVAL, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
					  PAGE_SIZE, last + 1));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id, rig->buffer,
				    PAGE_SIZE, page));
	ASSERT_EQ(0, dirty_rig_track(dirty, true));
	ASSERT_EQ(0, dirty_rig_write(dirty, SOME));
	ASSERT_EQ(0, mock_write_one(rig->fd, dirty->hwpt_id, page));
	get.iova = page;
	get.length = 2 * PAGE_SIZE;
	get.page_size = PAGE_SIZE;
	EXPECT_EQ(0, dirty_read(rig->fd, &get));
	EXPECT_EQ(1, bits);
	bits = 0;
	EXPECT_EQ(0, dirty_read(rig->fd, &get));
	EXPECT_EQ(0, bits);
	/* It has not gone on at the other end. */
	EXPECT_DIRTY(self, SOME, 0);

	/* Where nothing is tracked there is no need to. */
	ASSERT_EQ(0, hwpt_alloc(rig->fd, dirty->device.idev_id, rig->other_id,
				&plain));
	ASSERT_EQ(0, ioas_iova_ranges(rig->fd, rig->other_id, &ranges));
	ASSERT_EQ(1, ranges.count);
	EXPECT_EQ(~0ULL, ranges.range[0].last);
}

struct reading {
	struct dirty_rig *dirty;
	void *bitmap;
	int ret;
};

static void *read_all(void *argument)
{
	struct reading *reading = argument;
	struct iommu_hwpt_get_dirty_bitmap get =
		dirty_rig_request(reading->dirty, reading->bitmap);

	reading->ret = dirty_read(reading->dirty->rig.fd, &get);
	return NULL;
}

/* A bitmap that makes the reader wait makes nobody else wait. */
TEST_F(dirty, bitmap_that_takes_its_time)
{
	struct dirty_rig *dirty = &self->dirty;
	struct reading reading = { .dirty = dirty };
	struct trap trap;
	pthread_t thread;

	if (trap_open(&trap, PAGE_SIZE) == -ENOTSUP)
		SKIP(return, "no userfaultfd");
	reading.bitmap = trap.va;
	ASSERT_EQ(0, dirty_rig_track(dirty, true));
	ASSERT_EQ(0, dirty_rig_write(dirty, SOME));
	ASSERT_EQ(0, pthread_create(&thread, NULL, read_all, &reading));
	ASSERT_EQ(1, trap_wait(&trap, TIMEOUT_MS));
	EXPECT_DIRTY(self, SOME, 0);
	EXPECT_EQ(0, dirty_rig_unmap(dirty));
	EXPECT_EQ(0, dirty_rig_map(dirty));
	EXPECT_EQ(0, dirty_rig_track(dirty, false));
	EXPECT_EQ(0, dirty_rig_track(dirty, true));
	EXPECT_EQ(0, dirty_rig_write(dirty, 0x2));
	EXPECT_EQ(0, mock_replace(dirty->rig.fd, dirty->device.id,
				  dirty->rig.other_id));
	ASSERT_EQ(0, trap_release(&trap));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, reading.ret);
	EXPECT_EQ(0x2, *(__u64 *)trap.va);
	trap_close(&trap);
}

/**
 * struct traffic - what goes on beside a reading
 * @dirty: where
 * @stop: it is time to end
 * @failed: a call had an error
 * @begun: writes to each unit that have begun
 * @ended: and those that have ended
 */
struct traffic {
	struct dirty_rig *dirty;
	bool stop;
	bool failed;
	unsigned int begun[64];
	unsigned int ended[64];
};

static bool goes_on(const struct traffic *traffic)
{
	return !__atomic_load_n(&traffic->stop, __ATOMIC_RELAXED);
}

static void *write_on(void *argument)
{
	struct traffic *traffic = argument;
	struct dirty_rig *dirty = traffic->dirty;
	unsigned int i, unit;

	for (i = 0; goes_on(traffic); i++) {
		unit = i * 7 % dirty->units;
		if (!(dirty->present >> unit & 1))
			continue;
		__atomic_fetch_add(&traffic->begun[unit], 1, __ATOMIC_SEQ_CST);
		if (dirty_rig_write(dirty, 1ULL << unit))
			traffic->failed = true;
		__atomic_fetch_add(&traffic->ended[unit], 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void copy_counts(unsigned int *to, const unsigned int *from)
{
	unsigned int i;

	for (i = 0; i < 64; i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_SEQ_CST);
}

/*
 * A write that began behind one reading, and ended before the next, is in the
 * next one.
 */
TEST_F(dirty, no_write_is_lost)
{
	struct dirty_rig *dirty = &self->dirty;
	struct traffic traffic = { .dirty = dirty };
	unsigned int begun[64] = {}, ended[64], i, lost = 0, found = 0;
	__u64 end = now_ms() + RUN_MS, units = 0;
	pthread_t thread;
	int ret = 0;

	ASSERT_EQ(0, dirty_rig_track(dirty, true));
	ASSERT_EQ(0, pthread_create(&thread, NULL, write_on, &traffic));
	while (!ret && now_ms() < end) {
		copy_counts(ended, traffic.ended);
		ret = dirty_rig_read(dirty, 0, &units);
		for (i = 0; i < 64; i++) {
			if (ended[i] <= begun[i])
				continue;
			lost += !(units >> i & 1);
			found++;
		}
		copy_counts(begun, traffic.begun);
		sleep_ms(1);
	}
	__atomic_store_n(&traffic.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, ret);
	EXPECT_FALSE(traffic.failed);
	EXPECT_EQ(0, lost);
	EXPECT_GT(found, 0);
}

static void *map_on(void *argument)
{
	struct traffic *traffic = argument;

	while (goes_on(traffic))
		if (dirty_rig_unmap(traffic->dirty) ||
		    dirty_rig_map(traffic->dirty))
			traffic->failed = true;
	return NULL;
}

static void *switch_on_and_off(void *argument)
{
	struct traffic *traffic = argument;

	while (goes_on(traffic))
		if (dirty_rig_track(traffic->dirty, true) ||
		    dirty_rig_track(traffic->dirty, false))
			traffic->failed = true;
	return NULL;
}

/* All at once: nobody gets in the way of others, and the kernel has no word. */
TEST_F(dirty, maps_readings_and_switches_at_once)
{
	struct traffic traffic = { .dirty = &self->dirty };
	__u64 end = now_ms() + RUN_MS, units;
	pthread_t mapper, switcher;
	unsigned int odd = 0;
	int ret;

	ASSERT_EQ(0, pthread_create(&mapper, NULL, map_on, &traffic));
	ASSERT_EQ(0, pthread_create(&switcher, NULL, switch_on_and_off,
				    &traffic));
	while (now_ms() < end) {
		ret = dirty_rig_read(&self->dirty, 0, &units);
		odd += ret && ret != -EINVAL;
	}
	__atomic_store_n(&traffic.stop, true, __ATOMIC_RELAXED);
	pthread_join(mapper, NULL);
	pthread_join(switcher, NULL);
	EXPECT_EQ(0, odd);
	EXPECT_FALSE(traffic.failed);
}

/* What would be lost on a kernel whose drivers have no bitmap. */
FIXTURE(trap)
{
	struct dirty_rig dirty;
};

FIXTURE_SETUP(trap)
{
	int ret = dirty_rig_create(&self->dirty, false, DIRTY_TRAP);

	if (ret == -ENODEV)
		SKIP(return, "no mock IOMMU");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(trap)
{
	EXPECT_STREQ("", dirty_rig_destroy(&self->dirty));
}

TEST_F(trap, h68_such_a_driver_must_not_be_trusted)
{
	struct dirty_rig *dirty = &self->dirty;

	ASSERT_EQ(0, dirty_rig_track(dirty, true));
	ASSERT_EQ(0, dirty_rig_write(dirty, SOME));
	EXPECT_DIRTY(self, 0, 0);
}

TEST_HARNESS_MAIN
