// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "doctor.h"

#include <stddef.h>
#include <string.h>

#define TEXT_SIZE	1024

static const struct subject * const subjects[] = {
	&subject_kernel,
	&subject_signatures,
	&subject_iommu,
	&subject_interrupts,
	&subject_modules,
	&subject_containers,
	&subject_iommu_node,
	&subject_memory,
	/* Some of these use facts of those before them. */
	&subject_device,
	&subject_group,
	&subject_driver,
	&subject_device_node,
	&subject_group_node,
};

static void report_fine(struct doctor *doctor, const struct subject *subject,
			const struct diagnosis *diagnosis)
{
	char words[TEXT_SIZE];

	facts_fill_in(&doctor->facts, words, sizeof(words), subject->fine);
	diagnosis->fine(subject, words, diagnosis->data);
}

static void report_fault(struct doctor *doctor, const struct subject *subject,
			 const struct fault *fault,
			 const struct diagnosis *diagnosis)
{
	char words[TEXT_SIZE], fix[TEXT_SIZE];

	facts_fill_in(&doctor->facts, words, sizeof(words), fault->words);
	facts_fill_in(&doctor->facts, fix, sizeof(fix), fault->fix);
	diagnosis->fault(subject, fault, words, fix, diagnosis->data);
}

/* Returns how many faults stand in the way. */
static unsigned int examine(struct doctor *doctor,
			    const struct subject *subject,
			    const struct diagnosis *diagnosis)
{
	unsigned int found = 0, stopping = 0;
	const struct fault *fault;

	if (subject->learn)
		subject->learn(doctor);
	for (fault = subject->faults; fault->name; fault++) {
		if (!fault->found(doctor))
			continue;
		found++;
		stopping += fault->severity == SEVERITY_FAULT;
		report_fault(doctor, subject, fault, diagnosis);
		if (fault->last)
			break;
	}
	if (!found)
		report_fine(doctor, subject, diagnosis);
	return stopping;
}

unsigned int doctor_examine(struct doctor *doctor,
			    const struct diagnosis *diagnosis)
{
	unsigned int i, nfaults = 0;

	facts_set(&doctor->facts, "device", "%s", doctor->device);
	facts_set(&doctor->facts, "user", "%s", doctor->person.name);
	for (i = 0; i < sizeof(subjects) / sizeof(*subjects); i++)
		if (!subjects[i]->applies || subjects[i]->applies(doctor))
			nfaults += examine(doctor, subjects[i], diagnosis);
	return nfaults;
}
