// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "refusal.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

typedef void (*say_fn)(char *text, size_t size, const char *words,
		       unsigned long long first, unsigned long long second);

static void say_only(char *text, size_t size, const char *words,
		     unsigned long long first, unsigned long long second)
{
	(void)first;
	(void)second;
	snprintf(text, size, "%s", words);
}

static void say_range(char *text, size_t size, const char *words,
		      unsigned long long first, unsigned long long second)
{
	snprintf(text, size, "IOVA %#llx-%#llx %s", first, second, words);
}

/* The bits that should be clear are among those of the first number. */
static void say_alignment(char *text, size_t size, const char *words,
			  unsigned long long first, unsigned long long second)
{
	(void)first;
	snprintf(text, size, "%s %#llx", words, second);
}

static void say_space(char *text, size_t size, const char *words,
		      unsigned long long first, unsigned long long second)
{
	char bytes[16];

	snprintf(text, size, "%s %s, aligned to %#llx", words,
		 text_bytes(first, bytes), second);
}

static void say_limit(char *text, size_t size, const char *words,
		      unsigned long long first, unsigned long long second)
{
	char asked[16], limit[16];

	snprintf(text, size, "%s more would be above %s, %s", text_pages(first, asked),
		 text_pages(second, limit), words);
}

static void say_memory(char *text, size_t size, const char *words,
		       unsigned long long first, unsigned long long second)
{
	char bytes[16];

	snprintf(text, size, "%s at address %#llx %s",
		 text_pages(second, bytes), first, words);
}

/* The end is exclusive, and may be that of a file. */
static void say_addresses(char *text, size_t size, const char *words,
			  unsigned long long first, unsigned long long second)
{
	snprintf(text, size, "address %#llx-%#llx %s", first, second - 1,
		 words);
}

static void say_file_size(char *text, size_t size, const char *words,
			  unsigned long long first, unsigned long long second)
{
	snprintf(text, size, "the file ends at %#llx, %s %#llx", second, words,
		 first);
}

/* One area, or all that there are of the kind in an IOAS. */
static void say_vaddr(char *text, size_t size, const char *words,
		      unsigned long long first, unsigned long long second)
{
	if (first)
		say_range(text, size, words, first, second);
	else
		snprintf(text, size, "of %llu mappings the memory %s", second,
			 words);
}

/* The words are those of include/trace/events/iommufd.h. */
static const struct {
	const char *reason;
	say_fn say;
	const char *words;
} refusals[] = {
	{ "taken", say_range, "is mapped already" },
	{ "reserved", say_range, "is nothing that the device can use" },
	{ "allowed", say_range,
	  "was allowed by IOMMU_IOAS_ALLOW_IOVAS, and the device cannot use it" },
	{ "alignment", say_alignment,
	  "an address or a length is no multiple of" },
	{ "no-space", say_space, "no free range has" },
	{ "area-limit", say_range,
	  "is one mapping more than the container may have (dma_entry_limit)" },
	{ "not-mapped", say_range, "is not mapped" },
	{ "cuts-area", say_range,
	  "is one mapping, and only part of it was named" },
	{ "being-mapped", say_range, "is just being mapped by somebody else" },
	{ "rights", say_range,
	  "was mapped without the right to read or write" },
	{ "vaddr-invalid", say_vaddr,
	  "waits for a new address (VFIO_DMA_MAP_FLAG_VADDR)" },
	{ "vaddr-fixed", say_range,
	  "is not all of some memory of a process, and gets no new address" },
	{ "vaddr-valid", say_range,
	  "has an address that was not taken away" },
	{ "no-file", say_range,
	  "is no memory of a file, and stays with the process" },
	{ "memlock-limit", say_limit, "the limit of locked memory (ulimit -l)" },
	{ "memory", say_memory, "cannot be pinned" },
	{ "file-size", say_file_size, "and was asked for up to" },
	{ "bar-rights", say_addresses,
	  "is a BAR that is mapped privately, or with too few rights" },
	{ "bar-encrypted", say_addresses,
	  "is a BAR, and the kernel encrypts memory" },
	{ "bar-away", say_addresses,
	  "is a BAR that is not there now, such as with memory decode off" },
	{ "bar-for-driver", say_addresses,
	  "is a BAR, which drivers can neither pin nor copy" },
	{ "file-kind", say_only, "such a file cannot be mapped" },
	{ "file-rights", say_only,
	  "the file is not open for that, or is sealed against it" },
	{ "used-by-driver", say_only,
	  "a driver uses the IOAS, and may need addresses at any time" },
	{ "no-iommu", say_only, "the device has no IOMMU" },
	{ "not-coherent", say_only,
	  "DMA of the device does not see the caches of processors" },
	{ "interrupts-not-isolated", say_only,
	  "the device could raise interrupts of others (allow_unsafe_interrupts)" },
	{ "device-in-use", say_only,
	  "somebody else uses the device, or another one of its group" },
	{ "page-table-does-not-fit", say_only,
	  "the page table does not fit the device" },
	{ "interrupts-in-use", say_only,
	  "the device has interrupts set up in another page table" },
	{ "attached", say_only,
	  "the device, or its group, is attached to something else" },
};

void refusal_words(char *text, size_t size, const char *reason,
		   unsigned long long first, unsigned long long second)
{
	unsigned int i;

	for (i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		if (!strcmp(refusals[i].reason, reason)) {
			refusals[i].say(text, size, refusals[i].words, first,
					second);
			return;
		}
	snprintf(text, size, "%s, %#llx, %#llx", reason, first, second);
}

void errno_words(char *text, size_t size, int error)
{
	const char *name = strerrorname_np(error);

	if (name)
		snprintf(text, size, "%s, %s", name, strerror(error));
	else
		snprintf(text, size, "error %d", error);
}
