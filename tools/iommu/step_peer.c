// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "steps.h"

#include <errno.h>
#include <string.h>

#include "lib/clock.h"

#include "report.h"

/* Where the first device finds the registers of the second one. */
#define PEER_IOVA	0x07000000ULL

/* What it writes there to see whether it is there. */
#define PEER_WORD	0xcafe0001

/* A word on its way out, and back. */
#define WORD_OUT	0
#define WORD_BACK	64

/* A BAR is back a second after it can be accessed, on a machine that is idle. */
#define COMEBACK_MS	30000

/* A write may find the moment between two resets. Not each time. */
#define TRIES_MAX	10

/* The second device does nothing. What it has does not come from memory. */
static int peer_write(struct vmm *vmm, struct vmm_ram *ram, __u32 word)
{
	memcpy(ram->memory.va + WORD_OUT, &word, sizeof(word));
	return edu_dma_copy(&vmm->devices[0].edu, ram->iova + WORD_OUT,
			    PEER_IOVA + EDU_LIVENESS, sizeof(word));
}

static int peer_read(struct vmm *vmm, struct vmm_ram *ram, __u32 *word)
{
	int error = edu_dma_copy(&vmm->devices[0].edu,
				 PEER_IOVA + EDU_LIVENESS,
				 ram->iova + WORD_BACK, sizeof(*word));

	memcpy(word, ram->memory.va + WORD_BACK, sizeof(*word));
	return error;
}

/* Return: 1 when the word came back from the register, 0 when not, or -errno. */
static int try_peer(struct vmm *vmm, struct vmm_ram *ram, __u32 word)
{
	__u32 back;
	int error = peer_write(vmm, ram, word);

	if (!error)
		error = peer_read(vmm, ram, &back);
	return error ? error : back == ~word;
}

static int map_peer(struct vmm *vmm)
{
	const struct vfio_bar *bar = &vmm->devices[1].edu.registers;
	int error = report_call(ioas_map_fixed(vmm->iommufd, vmm->ioas_a,
					       bar->va, bar->length,
					       PEER_IOVA), "IOMMU_IOAS_MAP");

	if (!error)
		report_value("map", "BAR 0 of %s at IOVA %#llx, %zu KiB",
			     vmm->devices[1].pci.address, PEER_IOVA,
			     bar->length / 1024);
	return error;
}

static int unmap_peer(struct vmm *vmm)
{
	size_t length = vmm->devices[1].edu.registers.length;

	return report_call(ioas_unmap(vmm->iommufd, vmm->ioas_a, PEER_IOVA,
				      length, NULL), "IOMMU_IOAS_UNMAP");
}

static int reach_peer(struct vmm *vmm, struct vmm_ram *ram)
{
	const __u32 word = 0x12345678;
	int result = try_peer(vmm, ram, word);

	if (result < 0)
		return report_call(result, "DMA to the other device");
	report_check(result, "%s read from %s what it had written there",
		     vmm->devices[0].pci.address, vmm->devices[1].pci.address);
	report_check(edu_liveness(&vmm->devices[1].edu) == ~word,
		     "the processor finds it in the register as well");
	return 0;
}

/* Wait until the BAR is back, by DMA. */
static int await_peer(struct vmm *vmm, struct vmm_ram *ram, const char *after)
{
	__u64 start = now_ms();
	int result;

	do {
		result = try_peer(vmm, ram, PEER_WORD);
	} while (!result && now_ms() - start < COMEBACK_MS);
	if (result < 0)
		return report_call(result, "DMA to the other device");
	report_check(result, "after %s it came back, seen after %llu ms", after,
		     (unsigned long long)(now_ms() - start));
	return 0;
}

static int switch_peer_off(struct vmm *vmm, struct vmm_ram *ram)
{
	const struct vfio_device *second = &vmm->devices[1].edu.vfio;
	const struct vmm_blocked_dma dma = { .iova = PEER_IOVA + EDU_LIVENESS };
	int error = report_call(vfio_set_memory(second, false),
				"switch memory decoding off");

	if (error)
		return error;
	error = vmm_blocked_dma(&vmm->devices[0], &dma);
	if (error)
		return error;
	report_check(try_peer(vmm, ram, 0xbad00001) == 0,
		     "with memory decoding off no DMA gets there");
	error = report_call(vfio_set_memory(second, true),
			    "switch memory decoding on");
	return error ? error : await_peer(vmm, ram, "memory decoding was off");
}

/*
 * Reset the other device while a write to it is under way, all the time, as each
 * reset is short. What is written is what was read back last, so if it gets there
 * the register gives PEER_WORD.
 * Return: 1 when it got there, 0 when not, or -errno.
 */
static int reset_during_write(struct vmm *vmm)
{
	struct edu *first = &vmm->devices[0].edu;
	struct edu *second = &vmm->devices[1].edu;
	unsigned int resets = 0;
	int error;

	edu_set_liveness(second, 0);
	error = report_call(edu_dma_start_write(first, PEER_IOVA + EDU_LIVENESS,
						sizeof(__u32)),
			    "DMA to be blocked");
	while (!error && edu_dma_is_running(first)) {
		error = report_call(vfio_reset(&second->vfio),
				    "VFIO_DEVICE_RESET");
		resets++;
	}
	if (error)
		return error;
	report_value("resets", "%u while a write was under way", resets);
	return edu_liveness(second) == PEER_WORD;
}

static int reset_peer(struct vmm *vmm, struct vmm_ram *ram)
{
	int tries = TRIES_MAX;
	int arrived, error;

	if (!vfio_can_reset(&vmm->devices[1].edu.vfio)) {
		report_value("reset", "this device cannot be reset alone");
		return 0;
	}
	do {
		arrived = reset_during_write(vmm);
		if (arrived < 0)
			return arrived;
		tries--;
		if (!arrived || !tries)
			report_check(!arrived,
				     "during a reset no DMA gets there");
		error = await_peer(vmm, ram, "a reset");
	} while (!error && arrived && tries);
	return error;
}

/* The register is there all the time. That it is not reached is our doing. */
static int take_peer_away(struct vmm *vmm, struct vmm_ram *ram)
{
	struct edu *second = &vmm->devices[1].edu;
	int error;

	vfio_unmap_bar(&second->registers);
	error = report_call(vfio_map_bar(&second->vfio, 0, &second->registers),
			    "map BAR 0");
	if (error)
		return error;
	edu_set_liveness(second, 1);
	error = report_call(peer_write(vmm, ram, 2), "DMA to be blocked");
	if (error)
		return error;
	report_check(edu_liveness(second) == ~1U,
		     "after munmap() no DMA gets to a register that is there");
	return 0;
}

int step_peer(struct vmm *vmm)
{
	struct vmm_ram ram = { .iova = VMM_IOVA_ANY };
	int error;

	report_step("One device reaches the other");
	error = vmm_alloc_and_map(vmm, vmm->ioas_a, &ram, MEMORY_SMALL_PAGES,
				  SMALL_PAGE);
	if (!error)
		error = map_peer(vmm);
	if (error)
		goto out_free;
	vmm_check_pinned(SMALL_PAGE, "a BAR is not pinned");
	error = reach_peer(vmm, &ram);
	if (!error)
		error = switch_peer_off(vmm, &ram);
	if (!error)
		error = reset_peer(vmm, &ram);
	if (!error)
		error = take_peer_away(vmm, &ram);
	if (!error)
		error = unmap_peer(vmm);
	if (!error)
		error = vmm_unmap(vmm, vmm->ioas_a, &ram);

out_free:
	guest_memory_free(&ram.memory);
	return error;
}
