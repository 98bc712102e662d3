// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * BARs that other devices reach: mapping them, beside memory of the same size, and
 * what it costs when the device takes its BAR away and brings it back. Kernels
 * before ours map no BARs, and type1 does not notice when one goes.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "chapters.h"
#include "memory.h"
#include "report.h"
#include "lib/ioctls.h"
#include "lib/pci_slot.h"

/* QEMU's ivshmem has memory of any size in its third BAR. */
#define IVSHMEM_VENDOR	0x1af4
#define IVSHMEM_DEVICE	0x1110
#define IVSHMEM_BAR	2

/* For the largest pages that a processor has. */
#define BAR_ALIGNMENT	SZ_1G

/* Where the device in the space reaches the first page of a BAR, and memory. */
#define CHECK_BAR	0x1000000ULL
#define CHECK_MEMORY	0x2000000ULL

/* It takes a BAR some 10 ms to come back, and a moment more to be filled in. */
#define RETURN_NS	50000000ULL

#define TRIES		5

/**
 * struct bench_bar - the BAR of a device
 * @iommufd: what the device is bound to, and where nothing is mapped
 * @device: whose BAR it is; it does no DMA
 * @length: bytes
 * @va: where this process has it
 * @name: its size
 */
struct bench_bar {
	int iommufd;
	struct vfio_device device;
	__u64 length;
	char *va;
	char name[16];
};

/* At an address that huge pages are possible at, which have to be asked for. */
static void bar_show(struct bench_bar *bar, __u64 offset)
{
	__u64 window = bar->length + BAR_ALIGNMENT;
	uintptr_t start;
	void *va;

	va = mmap(NULL, window, PROT_NONE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	MUST(va == MAP_FAILED ? -errno : 0);
	start = ((uintptr_t)va + BAR_ALIGNMENT - 1) & ~(BAR_ALIGNMENT - 1);
	bar->va = mmap((void *)start, bar->length, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED, bar->device.fd, offset);
	MUST((void *)bar->va == MAP_FAILED ? -errno : 0);
	MUST(madvise(bar->va, bar->length, MADV_HUGEPAGE) ? -errno : 0);
}

/* Returns -ENODEV if there is no such device. */
static int bar_open(struct bench_bar *bar, unsigned int index)
{
	struct vfio_region_info region;
	struct pci_slot slot;

	if (pci_find(IVSHMEM_VENDOR, IVSHMEM_DEVICE, index, &slot))
		return -ENODEV;
	MUST(pci_give_to_vfio(&slot));
	bar->iommufd = iommufd_open();
	MUST(bar->iommufd);
	bar->device.fd = pci_open_cdev(&slot);
	MUST(bar->device.fd);
	MUST(vfio_bind(&bar->device, bar->iommufd));
	MUST(vfio_set_memory(&bar->device, true));
	MUST(vfio_region(bar->device.fd,
			 VFIO_PCI_BAR0_REGION_INDEX + IVSHMEM_BAR, &region));
	bar->length = region.size;
	if (bar->length < SZ_1G)
		snprintf(bar->name, sizeof(bar->name), "%llu MiB",
			 bar->length / SZ_1M);
	else
		snprintf(bar->name, sizeof(bar->name), "%llu GiB",
			 bar->length / SZ_1G);
	bar_show(bar, region.offset);
	return 0;
}

/* What is left of the window around it takes no memory. */
static void bar_close(struct bench_bar *bar)
{
	munmap(bar->va, bar->length);
	vfio_close(&bar->device);
	close(bar->iommufd);
}

static void shorter(__u64 *shortest, __u64 duration)
{
	if (duration < *shortest)
		*shortest = duration;
}

/*
 * A worker begins to watch a BAR, and whatever else the only processor has to do
 * may come before it. So what counts is the time that it takes at least.
 */
static void map_and_unmap(struct space *space, const char *what,
			  const struct bench_bar *bar, const void *va)
{
	__u64 start, map = -1, unmap = -1;
	int i;

	/* The first map has the processor's page tables made. */
	space_map(space, va, bar->length, BENCH_IOVA);
	space_unmap(space, BENCH_IOVA, bar->length);
	for (i = 0; i < TRIES; i++) {
		start = start_ns();
		space_map(space, va, bar->length, BENCH_IOVA);
		shorter(&map, now_ns() - start);
		start = start_ns();
		space_unmap(space, BENCH_IOVA, bar->length);
		shorter(&unmap, now_ns() - start);
	}
	report(map, 1, "per call", "map %s of %s", what, bar->name);
	report(unmap, 1, "per call", "unmap %s of %s", what, bar->name);
}

/* Keep the only processor at work, and tell how much of it others have taken. */
static __u64 others_ns(__u64 duration)
{
	__u64 start = now_ns(), own = thread_ns(), now;

	do {
		now = now_ns();
	} while (now - start < duration);
	own = thread_ns() - own;
	return now - start > own ? now - start - own : 0;
}

/**
 * struct turn - what it costs when a BAR goes and comes back
 * @withdraw: to switch memory decoding off, by the process that does it
 * @back: what others do afterwards
 */
struct turn {
	__u64 withdraw;
	__u64 back;
};

static struct turn bar_turn(const struct bench_bar *bar)
{
	struct turn turn;
	__u64 quiet, start;

	settle();
	quiet = others_ns(RETURN_NS);
	start = now_ns();
	MUST(vfio_set_memory(&bar->device, false));
	turn.withdraw = now_ns() - start;
	MUST(vfio_set_memory(&bar->device, true));
	turn.back = others_ns(RETURN_NS);
	turn.back -= turn.back > quiet ? quiet : turn.back;
	return turn;
}

/* The device of the space moves what is in the BAR to memory. */
static void check_reached(struct space *space, const struct bench_bar *bar,
			  __u32 *memory, __u32 value)
{
	memcpy(bar->va, &value, sizeof(value));
	*memory = 0;
	MUST(edu_dma_copy(&space->edu, CHECK_BAR, CHECK_MEMORY, sizeof(value)));
	MUST(memcmp(memory, &value, sizeof(value)) ? -EIO : 0);
}

/*
 * Once with a second IOVA for the first page of the BAR, which the device reaches:
 * it really comes back, in that time and by itself.
 */
static void check_turn(struct space *space, const struct bench_bar *bar)
{
	struct iommu_ioas_copy copy = {
		.flags = MAP_FIXED_RW,
		.src_ioas_id = space->ioas_id,
		.src_iova = BENCH_IOVA,
		.length = SZ_4K,
		.dst_ioas_id = space->ioas_id,
		.dst_iova = CHECK_BAR,
	};
	__u32 *memory = (__u32 *)memory_anonymous(SZ_4K,
						  PROT_READ | PROT_WRITE);

	MUST(memory ? 0 : -ENOMEM);
	MUST(ioas_copy(space->fd, &copy));
	space_map(space, memory, SZ_4K, CHECK_MEMORY);
	MUST(edu_start(&space->edu));
	check_reached(space, bar, memory, 0x12345678);
	bar_turn(bar);
	check_reached(space, bar, memory, 0x9abcdef0);
	space_unmap(space, CHECK_BAR, SZ_4K);
	space_unmap(space, CHECK_MEMORY, SZ_4K);
	munmap(memory, SZ_4K);
}

static void withdraw_and_return(struct space *space,
				const struct bench_bar *bar)
{
	struct turn turn;

	space_map(space, bar->va, bar->length, BENCH_IOVA);
	check_turn(space, bar);
	turn = bar_turn(bar);
	space_unmap(space, BENCH_IOVA, bar->length);
	report(turn.withdraw, 1, "per call", "withdraw BAR of %s", bar->name);
	report(turn.back, 1, "each", "return BAR of %s", bar->name);
}

static void beside_memory(struct space *space, const struct bench_bar *bar)
{
	void *va = bench_window(bar->length);

	map_and_unmap(space, "hugetlb", bar, va);
	munmap(va, bar->length);
}

static bool maps_bars(struct space *space, const struct bench_bar *bar)
{
	if (space->backend->map(space, bar->va, SZ_4K, BENCH_IOVA))
		return false;
	space_unmap(space, BENCH_IOVA, SZ_4K);
	return true;
}

static void bench_bar(const struct backend *backend,
		      const struct bench_bar *bar)
{
	struct space space;

	space_open(&space, backend);
	if (maps_bars(&space, bar)) {
		map_and_unmap(&space, "BAR", bar, bar->va);
		if (backend == &iommufd_backend)
			withdraw_and_return(&space, bar);
	} else {
		fprintf(stderr, "# this kernel maps no BARs\n");
	}
	beside_memory(&space, bar);
	space_close(&space);
}

void bench_bars(const struct backend *backend)
{
	struct bench_bar bar;
	unsigned int index;

	for (index = 0; !bar_open(&bar, index); index++) {
		bench_bar(backend, &bar);
		bar_close(&bar);
	}
	if (!index)
		fprintf(stderr, "# there is no device with a large BAR\n");
}
