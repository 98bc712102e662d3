// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "edu.h"

#include <errno.h>
#include <stdbool.h>

#include "clock.h"

#define EDU_ID		0x00
#define EDU_LIVENESS	0x04
#define EDU_DMA_SRC	0x80
#define EDU_DMA_DST	0x88
#define EDU_DMA_COUNT	0x90
#define EDU_DMA_COMMAND	0x98

#define EDU_ID_MASK	0x0000ffff
#define EDU_ID_VALUE	0x000000ed

#define EDU_DMA_START	0x1
#define EDU_DMA_WRITE	0x2

/* Address of the device's memory, as its DMA engine sees it. */
#define EDU_BUFFER	0x40000

/* The engine needs 100 ms for a transfer of any size. */
#define EDU_TIMEOUT_US	5000000
#define EDU_POLL_MS	1

/*
 * The compiler must neither merge nor repeat an access to a register, nor
 * split it: one atomic load or store of the register's width does that.
 */
static __u32 read32(struct edu *edu, unsigned int offset)
{
	return __atomic_load_n((__u32 *)((char *)edu->registers + offset),
			       __ATOMIC_ACQUIRE);
}

static void write32(struct edu *edu, unsigned int offset, __u32 value)
{
	__atomic_store_n((__u32 *)((char *)edu->registers + offset), value,
			 __ATOMIC_RELEASE);
}

static void write64(struct edu *edu, unsigned int offset, __u64 value)
{
	__atomic_store_n((__u64 *)((char *)edu->registers + offset), value,
			 __ATOMIC_RELEASE);
}

int edu_probe(struct edu *edu, void *registers)
{
	const __u32 probe = 0x12345678;

	edu->registers = registers;
	if ((read32(edu, EDU_ID) & EDU_ID_MASK) != EDU_ID_VALUE)
		return -ENODEV;
	write32(edu, EDU_LIVENESS, probe);
	return read32(edu, EDU_LIVENESS) == ~probe ? 0 : -EIO;
}

static bool is_running(struct edu *edu)
{
	return read32(edu, EDU_DMA_COMMAND) & EDU_DMA_START;
}

static int wait_until_idle(struct edu *edu)
{
	unsigned long long end_us = clock_us() + EDU_TIMEOUT_US;

	while (is_running(edu)) {
		if (clock_us() >= end_us)
			return -ETIMEDOUT;
		sleep_ms(EDU_POLL_MS);
	}
	return 0;
}

static bool can_transfer(__u64 iova, __u32 length)
{
	return length && length <= EDU_DMA_MAX && iova <= EDU_IOVA_LAST &&
	       length - 1 <= EDU_IOVA_LAST - iova;
}

static int transfer(struct edu *edu, __u64 src, __u64 dst, __u32 length,
		    __u32 command)
{
	/* The device ignores writes to its registers while it is running. */
	if (is_running(edu))
		return -EBUSY;

	write64(edu, EDU_DMA_SRC, src);
	write64(edu, EDU_DMA_DST, dst);
	write64(edu, EDU_DMA_COUNT, length);
	/* What this process stored in memory is visible before the start. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	write32(edu, EDU_DMA_COMMAND, command | EDU_DMA_START);
	return wait_until_idle(edu);
}

int edu_read(struct edu *edu, __u64 iova, __u32 length)
{
	if (!can_transfer(iova, length))
		return -EINVAL;
	return transfer(edu, iova, EDU_BUFFER, length, 0);
}

int edu_write(struct edu *edu, __u64 iova, __u32 length)
{
	if (!can_transfer(iova, length))
		return -EINVAL;
	return transfer(edu, EDU_BUFFER, iova, length, EDU_DMA_WRITE);
}
