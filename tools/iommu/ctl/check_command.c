// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * check: can a device be used, and what to do if not.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>

#include "check/doctor.h"
#include "commands.h"
#include "json.h"
#include "status.h"
#include "style.h"

#include "../pci.h"

static void print_state(enum style style, const char *state, const char *subject)
{
	fputs("  ", stdout);
	style_print(style, state);
	printf("%*s%-11s ", 7 - (int)strlen(state), "", subject);
}

static void print_fine(const struct subject *subject, const char *words,
		       void *data)
{
	(void)data;
	print_state(STYLE_GOOD, "ok", subject->name);
	puts(words);
}

static void print_fault(const struct subject *subject, const struct fault *fault,
			const char *words, const char *fix, void *data)
{
	(void)data;
	if (fault->severity == SEVERITY_FAULT)
		print_state(STYLE_BAD, "FAULT", subject->name);
	else
		print_state(STYLE_NOTE, "note", subject->name);
	puts(words);
	printf("%21s-> ", "");
	style_print(STYLE_HEAD, fix);
	putchar('\n');
}

static unsigned int check_for_people(struct doctor *doctor)
{
	static const struct diagnosis diagnosis = {
		.fine = print_fine,
		.fault = print_fault,
	};
	const char *what = *doctor->device ? doctor->device : "this machine";
	unsigned int nfaults;

	nfaults = doctor_examine(doctor, &diagnosis);
	if (nfaults)
		printf("%s cannot be used with /dev/iommu yet: %u %s\n", what,
		       nfaults, nfaults > 1 ? "faults" : "fault");
	else
		printf("%s can be used with /dev/iommu\n", what);
	return nfaults;
}

static void write_fine(const struct subject *subject, const char *words,
		       void *data)
{
	(void)data;
	json_open_object(NULL);
	json_string("subject", subject->name);
	json_string("state", "ok");
	json_string("words", words);
	json_close();
}

static void write_fault(const struct subject *subject, const struct fault *fault,
			const char *words, const char *fix, void *data)
{
	bool stops = fault->severity == SEVERITY_FAULT;

	(void)data;
	json_open_object(NULL);
	json_string("subject", subject->name);
	json_string("state", stops ? "fault" : "note");
	json_string("fault", fault->name);
	json_string("words", words);
	json_string("fix", fix);
	json_close();
}

static unsigned int check_for_programs(struct doctor *doctor)
{
	static const struct diagnosis diagnosis = {
		.fine = write_fine,
		.fault = write_fault,
	};
	unsigned int nfaults;

	json_begin(false);
	json_open_object(NULL);
	if (*doctor->device)
		json_string("device", doctor->device);
	json_string("user", doctor->person.name);
	json_open_array("checks");
	nfaults = doctor_examine(doctor, &diagnosis);
	json_close();
	json_bool("usable", !nfaults);
	json_close();
	json_end();
	return nfaults;
}

static bool take_device(struct doctor *doctor, const char *address)
{
	struct pci_device device;

	if (!address)
		return true;
	if (pci_parse(&device, address)) {
		warnx("%s is not the address of a PCI device", address);
		return false;
	}
	snprintf(doctor->device, sizeof(doctor->device), "%s", device.address);
	return true;
}

static bool take_person(struct doctor *doctor, const char *user)
{
	if (!user) {
		person_self(&doctor->person);
		return true;
	}
	if (person_find(&doctor->person, user))
		return true;
	warnx("/etc/passwd has no user %s", user);
	return false;
}

int command_check(const struct options *options, char **arguments)
{
	static struct doctor doctor;
	unsigned int nfaults;

	doctor.memory = options->memory;
	if (!take_device(&doctor, arguments[0]) ||
	    !take_person(&doctor, options->user))
		return STATUS_USAGE;
	nfaults = options->json ? check_for_programs(&doctor) :
				  check_for_people(&doctor);
	return nfaults ? STATUS_BAD : STATUS_GOOD;
}
