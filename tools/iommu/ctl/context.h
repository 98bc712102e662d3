/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * An open /dev/iommu, as /proc/PID/fdinfo/FD describes it.
 */
#ifndef IOMMUFDCTL_CONTEXT_H
#define IOMMUFDCTL_CONTEXT_H

#include <stdbool.h>

/* As the kernel calls them, in its order. */
#define CONTEXT_OBJECT_TYPES	6
extern const char * const context_object_types[CONTEXT_OBJECT_TYPES];

/* Of these the kernel leaves some out if there are many. */
#define CONTEXT_OMITTED_TYPES	3
extern const char * const context_omitted_types[CONTEXT_OMITTED_TYPES];

/**
 * struct charge - Who pays for pinned pages
 * @pid: the process; 0 if it is gone, or we cannot see it
 * @mode: "user", "process" or "none"
 * @limited: RLIMIT_MEMLOCK counts
 * @pages: number of pages
 */
struct charge {
	unsigned long pid;
	char mode[16];
	bool limited;
	unsigned long pages;
};

/**
 * struct ioas - An I/O address space
 * @id: its ID
 * @areas: number of areas
 * @mapped: bytes that they have together
 * @domains: number of page tables that are kept filled
 * @device_pages: pages that areas show in them
 * @access_pages: pages that users in the kernel have pinned
 */
struct ioas {
	unsigned long id;
	unsigned long areas;
	unsigned long mapped;
	unsigned long domains;
	unsigned long device_pages;
	unsigned long access_pages;
};

/**
 * struct device - A device
 * @id: its ID
 * @name: its name
 * @state: "attached", "detached", or "busy" while it is just being attached
 * @ioas: ID of the IOAS that it uses, if it is attached
 * @hwpt: ID of its page table
 */
struct device {
	unsigned long id;
	char name[64];
	char state[16];
	unsigned long ioas;
	unsigned long hwpt;
};

/**
 * struct context - An open /dev/iommu
 * @number: by which debugfs and tracepoints name it
 * @objects: how many objects there are of each type
 * @omitted: how many IOASes, devices and payers are not listed
 * @ncharges: number of @charges
 * @charges: who pays
 * @nioas: number of @ioas
 * @ioas: the address spaces
 * @ndevices: number of @devices
 * @devices: the devices
 */
struct context {
	unsigned long number;
	unsigned long objects[CONTEXT_OBJECT_TYPES];
	unsigned long omitted[CONTEXT_OMITTED_TYPES];
	unsigned int ncharges;
	struct charge *charges;
	unsigned int nioas;
	struct ioas *ioas;
	unsigned int ndevices;
	struct device *devices;
};

/**
 * context_parse() - Understand what the kernel says of an open file
 * @context: receives it; for context_free()
 * @text: what /proc/PID/fdinfo/FD says
 *
 * Words and lines that are not known are skipped.
 *
 * Return: whether it is an iommufd.
 */
bool context_parse(struct context *context, const char *text);
void context_free(struct context *context);

/**
 * struct context_sums - What the lists of a context say together
 * @areas: number of areas
 * @mapped: bytes that they have
 * @pinned: pages that somebody pays for; each is pinned once
 * @charged: those of them that are charged to a user or a process
 */
struct context_sums {
	unsigned long areas;
	unsigned long mapped;
	unsigned long pinned;
	unsigned long charged;
};

void context_sum(const struct context *context, struct context_sums *sums);

#endif
