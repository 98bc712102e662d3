// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * A device that reaches the registers of another one by DMA, and no longer does
 * when those are taken away. A register of edu gives back the complement of what
 * was written, so what comes out has been in the device. A transfer takes the
 * device 100 ms, so each test does only a few.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/clock.h"
#include "lib/harness.h"
#include "lib/rig.h"
#include "lib/tracefs.h"

/* The registers of the second device, in the IOAS of the first. */
#define PEER_IOVA	(2 * RIG_IOVA)

FIXTURE(peer)
{
	struct rig rig;		/* its device does the DMA */
	struct edu second;	/* and reaches this one's registers */
};

FIXTURE_SETUP(peer)
{
	struct rig *rig = &self->rig;
	int ret = rig_create(rig, 0);

	if (!ret)
		ret = edu_open(&self->second, 1);
	if (ret == -ENODEV) {
		rig_destroy(rig);
		SKIP(return, "no two edu devices");
	}
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, edu_bind(&self->second, rig->fd));
	ASSERT_EQ(0, edu_start(&rig->edu));
	ASSERT_EQ(0, edu_start(&self->second));
	ASSERT_EQ(0, rig_map(rig, 0, 2));
}

FIXTURE_TEARDOWN(peer)
{
	edu_close(&self->second);
	EXPECT_STREQ("", rig_destroy(&self->rig));
}

/* Map the registers of one device for the other. */
static int map_peer(struct rig *rig, struct edu *second)
{
	return ioas_map_fixed(rig->fd, rig->ioas_id, second->registers.va,
			      second->registers.length, PEER_IOVA);
}

/* Write a word to the other device, by DMA. */
static int peer_write(struct rig *rig, __u32 value)
{
	memcpy(rig_va(rig, 0), &value, sizeof(value));
	return edu_dma_copy(&rig->edu, rig_iova(0), PEER_IOVA + EDU_LIVENESS,
			    sizeof(value));
}

/* Read it back, by DMA. */
static int peer_read(struct rig *rig, __u32 *value)
{
	int ret;

	memset(rig_va(rig, 1), 0, sizeof(*value));
	ret = edu_dma_copy(&rig->edu, PEER_IOVA + EDU_LIVENESS, rig_iova(1),
			   sizeof(*value));
	memcpy(value, rig_va(rig, 1), sizeof(*value));
	return ret;
}

/* Write and read by DMA; -EIO if that does not go through the register. */
static int reach(struct rig *rig, __u32 value)
{
	__u32 found;
	int ret = peer_write(rig, value);

	if (!ret)
		ret = peer_read(rig, &found);
	return ret ? ret : found == ~value ? 0 : -EIO;
}

static int await_reach(struct rig *rig, __u32 value)
{
	__u64 end = now_ms() + TIMEOUT_MS;
	int ret;

	do {
		ret = reach(rig, value);
	} while (ret == -EIO && now_ms() < end);
	return ret;
}

TEST_F(peer, is_reached_by_dma)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, rig_attach(rig));
	ASSERT_EQ(0, map_peer(rig, &self->second));
	EXPECT_EQ(0, reach(rig, 0x12345678));
	EXPECT_EQ(~0x12345678U, edu_liveness(&self->second));
}

TEST_F(peer, is_reached_when_mapped_before_attach)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, map_peer(rig, &self->second));
	ASSERT_EQ(0, rig_attach(rig));
	EXPECT_EQ(0, reach(rig, 0x0badcafe));
}

/* Each has the registers of the other one in its page table. */
TEST_F(peer, both_reach_each_other)
{
	struct rig *rig = &self->rig;
	__u32 value = 0x600df00d;

	ASSERT_EQ(0, rig_attach(rig));
	ASSERT_EQ(0, edu_attach_ioas(&self->second, rig->ioas_id));
	ASSERT_EQ(0, map_peer(rig, &self->second));
	ASSERT_EQ(0, ioas_map_fixed(rig->fd, rig->ioas_id,
				    rig->edu.registers.va,
				    rig->edu.registers.length, 3 * RIG_IOVA));
	EXPECT_EQ(0, reach(rig, value));
	memcpy(rig_va(rig, 0), &value, sizeof(value));
	ASSERT_EQ(0, edu_dma_copy(&self->second, rig_iova(0),
				  3 * RIG_IOVA + EDU_LIVENESS, sizeof(value)));
	EXPECT_EQ(~value, edu_liveness(&rig->edu));
}

TEST_F(peer, h61_is_withdrawn_with_memory_decode)
{
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, rig_attach(rig));
	ASSERT_EQ(0, map_peer(rig, &self->second));
	ASSERT_EQ(0, reach(rig, 1));
	ASSERT_EQ(0, vfio_set_memory(&self->second.vfio, false));
	EXPECT_EQ(-EIO, reach(rig, 2));
	ASSERT_EQ(0, vfio_set_memory(&self->second.vfio, true));
	EXPECT_EQ(0, await_reach(rig, 3));
}

/* How often the registers of the other device were taken away or came back. */
static unsigned long count_of(const struct tracing *tracing, const char *event,
			      const struct edu *second)
{
	char where[80];

	snprintf(where, sizeof(where), "address=0x%llx ",
		 (unsigned long long)va_to_u64(second->registers.va));
	return tracing_count(tracing, event, where);
}

/* During a reset no DMA gets there, IOPTE or not. What is traced tells. */
TEST_F(peer, h61_is_withdrawn_by_a_reset_and_comes_back)
{
	struct rig *rig = &self->rig;
	struct tracing tracing;
	int ret, reset, reached;

	if (!vfio_can_reset(&self->second.vfio))
		SKIP(return, "the device cannot be reset");
	ASSERT_EQ(0, rig_attach(rig));
	ASSERT_EQ(0, map_peer(rig, &self->second));
	ASSERT_EQ(0, reach(rig, 1));
	ret = tracing_start(&tracing);
	if (ret == -ENOTSUP)
		SKIP(return, "no tracefs");
	ASSERT_EQ(0, ret);
	reset = vfio_reset(&self->second.vfio);
	reached = await_reach(rig, 2);
	ASSERT_EQ(0, tracing_stop(&tracing));
	EXPECT_EQ(0, reset);
	EXPECT_EQ(0, reached);
	EXPECT_EQ(1, count_of(&tracing, "iommufd_withdrawn", &self->second));
	EXPECT_EQ(1, count_of(&tracing, "iommufd_returned", &self->second));
	tracing_free(&tracing);
}

/* The register is there all the time, only the IOPTE is not. */
TEST_F(peer, h61_munmap_ends_dma_to_a_device_that_is_there)
{
	struct rig *rig = &self->rig;
	struct vfio_bar gone = self->second.registers;

	ASSERT_EQ(0, rig_attach(rig));
	ASSERT_EQ(0, map_peer(rig, &self->second));
	ASSERT_EQ(0, reach(rig, 1));
	vfio_unmap_bar(&gone);
	ASSERT_EQ(0, vfio_map_bar(&self->second.vfio, 0,
				  &self->second.registers));
	edu_set_liveness(&self->second, 5);
	ASSERT_EQ(0, peer_write(rig, 6));
	EXPECT_EQ(~5U, edu_liveness(&self->second));
	EXPECT_EQ(0, ioas_unmap(rig->fd, rig->ioas_id, PEER_IOVA, gone.length,
				NULL));
	ASSERT_EQ(0, map_peer(rig, &self->second));
	EXPECT_EQ(0, reach(rig, 7));
}

/* VFIO takes it away from all when the last user closes it. */
TEST_F(peer, h61_close_of_the_device_ends_dma)
{
	struct rig *rig = &self->rig;
	size_t length = self->second.registers.length;

	ASSERT_EQ(0, rig_attach(rig));
	ASSERT_EQ(0, map_peer(rig, &self->second));
	ASSERT_EQ(0, reach(rig, 1));
	edu_close(&self->second);
	EXPECT_EQ(-EIO, reach(rig, 2));
	EXPECT_EQ(0, ioas_unmap(rig->fd, rig->ioas_id, PEER_IOVA, length, NULL));
}

TEST_HARNESS_MAIN
