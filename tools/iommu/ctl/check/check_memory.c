// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Whether as much memory may be locked as is going to be mapped.
 */
#include <string.h>

#include "../memlock.h"
#include "../text.h"
#include "doctor.h"

/* The shell's limit is in KiB. */
static void learn_memory(struct doctor *doctor)
{
	unsigned long long limit = 0;
	char text[16];

	memlock_read("self", &limit);
	facts_set(&doctor->facts, "limit", "%s", memlock_text(limit, text));
	facts_set(&doctor->facts, "memory", "%s",
		  text_bytes(doctor->memory, text));
	facts_set(&doctor->facts, "kib", "%llu", (doctor->memory + 1023) / 1024);
	if (memlock_exempt("self"))
		facts_set(&doctor->facts, "may lock",
			  "any memory may be locked, with CAP_IPC_LOCK");
	else
		facts_set(&doctor->facts, "may lock", "%s of memory may be locked%s",
			  facts_get(&doctor->facts, "limit"),
			  doctor->memory ? "" : "; is that enough? try --memory SIZE");
}

static bool of_somebody_else(struct doctor *doctor)
{
	return !doctor->person.is_self;
}

static bool not_known(struct doctor *doctor)
{
	unsigned long long limit;

	(void)doctor;
	return !memlock_read("self", &limit);
}

static bool too_little(struct doctor *doctor)
{
	unsigned long long limit;

	return memlock_read("self", &limit) && limit < doctor->memory &&
	       !memlock_exempt("self");
}

static const struct fault memory_faults[] = {
	{
		.name = "memlock-of-somebody-else",
		.severity = SEVERITY_NOTE,
		.found = of_somebody_else,
		.words = "how much memory {user} may lock is seen only as {user}",
		.fix = "sudo -u {user} sh -c 'ulimit -l'",
		.last = true,
	},
	{
		.name = "memlock-unknown",
		.severity = SEVERITY_NOTE,
		.found = not_known,
		.words = "how much memory may be locked cannot be read",
		.fix = "ulimit -l",
		.last = true,
	},
	{
		.name = "memlock-too-low",
		.severity = SEVERITY_FAULT,
		.found = too_little,
		.words =
			"{memory} are going to be mapped, and only {limit} of memory may be locked; log in again after that",
		.fix =
			"echo '{user} - memlock {kib}' | sudo tee /etc/security/limits.d/iommufd.conf",
	},
	{ 0 },
};

const struct subject subject_memory = {
	.name = "memory",
	.learn = learn_memory,
	.faults = memory_faults,
	.fine = "{may lock}",
};
