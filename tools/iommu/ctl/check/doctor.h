/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) 2026 The iommufd authors */
/*
 * The doctor: looks at one subject after the other, and says of each that it is
 * fine, or what is wrong and what to do. All that can be wrong is in tables, one
 * for each subject, in the files beside this one.
 */
#ifndef IOMMUFDCTL_DOCTOR_H
#define IOMMUFDCTL_DOCTOR_H

#include <stdbool.h>

#include "facts.h"
#include "person.h"

/**
 * struct doctor - What is asked, and what has been found out
 * @device: address of the PCI device, "" for none
 * @memory: bytes that are going to be mapped, 0 if not said
 * @person: who is going to do it
 * @facts: what texts refer to, by name
 */
struct doctor {
	char device[16];
	unsigned long long memory;
	struct person person;
	struct facts facts;
};

enum severity {
	SEVERITY_NOTE,		/* it may work */
	SEVERITY_FAULT,		/* it will not */
};

/**
 * struct fault - Something that can be wrong
 * @name: for programs; no two have the same
 * @severity: whether it stands in the way
 * @found: whether it is so; may set facts for the texts
 * @words: what is wrong, with {names} of facts
 * @fix: the command that mends it, likewise
 * @last: if it is so, the rest of the table does not matter
 */
struct fault {
	const char *name;
	enum severity severity;
	bool (*found)(struct doctor *doctor);
	const char *words;
	const char *fix;
	bool last;
};

/**
 * struct subject - What is looked at together
 * @name: for people and programs
 * @applies: whether there is anything to look at; NULL if there always is
 * @learn: sets facts for all texts of the subject; may be NULL
 * @faults: all that can be wrong, up to one without a name
 * @fine: what is said if nothing is
 */
struct subject {
	const char *name;
	bool (*applies)(struct doctor *doctor);
	void (*learn)(struct doctor *doctor);
	const struct fault *faults;
	const char *fine;
};

extern const struct subject subject_kernel;
extern const struct subject subject_signatures;
extern const struct subject subject_iommu;
extern const struct subject subject_interrupts;
extern const struct subject subject_modules;
extern const struct subject subject_containers;
extern const struct subject subject_iommu_node;
extern const struct subject subject_memory;
extern const struct subject subject_device;
extern const struct subject subject_group;
extern const struct subject subject_driver;
extern const struct subject subject_device_node;
extern const struct subject subject_group_node;

/**
 * struct diagnosis - Where the doctor reports
 * @fine: a subject with which nothing is wrong
 * @fault: a fault, with its texts
 * @data: an argument of both
 */
struct diagnosis {
	void (*fine)(const struct subject *subject, const char *words,
		     void *data);
	void (*fault)(const struct subject *subject, const struct fault *fault,
		      const char *words, const char *fix, void *data);
	void *data;
};

/**
 * doctor_examine() - Look at all subjects
 * @doctor: what is asked
 * @diagnosis: where to report
 *
 * Return: how many faults stand in the way.
 */
unsigned int doctor_examine(struct doctor *doctor,
			    const struct diagnosis *diagnosis);

#endif
