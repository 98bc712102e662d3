// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Whether this kernel is one that iommufd is for, and loads it.
 */
#include <stdio.h>
#include <string.h>

#include "doctor.h"
#include "machine.h"

/* iommufd is for kernels of this series. */
#define SERIES_MAJOR	6
#define SERIES_MINOR	12

static void learn_release(struct doctor *doctor)
{
	char release[80];

	root_read_line(release, sizeof(release), "/proc/sys/kernel/osrelease");
	facts_set(&doctor->facts, "release", "%s", release);
}

/* Below, at, or above zero as the kernel is older, of the series, or newer. */
static int compare_release(struct doctor *doctor)
{
	unsigned int major = 0, minor = 0;

	if (sscanf(facts_get(&doctor->facts, "release"), "%u.%u", &major,
		   &minor) != 2 || major != SERIES_MAJOR)
		return major < SERIES_MAJOR ? -1 : 1;
	return (int)minor - SERIES_MINOR;
}

static bool too_old(struct doctor *doctor)
{
	return compare_release(doctor) < 0 && !machine_has_iommufd();
}

/* Newer ones may have an iommufd of their own, which is good. */
static bool too_new(struct doctor *doctor)
{
	return compare_release(doctor) > 0 && !machine_has_iommufd() &&
	       !machine_module_file("iommufd.ko", NULL);
}

static const struct fault kernel_faults[] = {
	{
		.name = "kernel-too-old",
		.severity = SEVERITY_FAULT,
		.found = too_old,
		.words = "Linux {release} is too old; iommufd is for 6.12",
		.fix = "sudo apt install linux-image-6.12-amd64",
	},
	{
		.name = "kernel-too-new",
		.severity = SEVERITY_FAULT,
		.found = too_new,
		.words =
			"Linux {release} is too new; iommufd is for 6.12, and this kernel has none of its own",
		.fix = "sudo apt install linux-image-6.12-amd64",
	},
	{ 0 },
};

const struct subject subject_kernel = {
	.name = "kernel",
	.learn = learn_release,
	.faults = kernel_faults,
	.fine = "Linux {release}",
};

static void learn_signatures(struct doctor *doctor)
{
	facts_set(&doctor->facts, "signatures", "%s",
		  machine_has_iommufd() ? "iommufd is loaded already" :
					  "modules need no signature");
}

/* The mode in use stands in brackets. */
static bool locked_down(struct doctor *doctor)
{
	char modes[80], mode[32];
	const char *at;

	root_read_line(modes, sizeof(modes), "/sys/kernel/security/lockdown");
	at = strchr(modes, '[');
	if (!at || sscanf(at, "[%31[^]]", mode) != 1)
		return false;
	facts_set(&doctor->facts, "lockdown", "%s", mode);
	return strcmp(mode, "none") && !machine_has_iommufd();
}

static bool enforced(struct doctor *doctor)
{
	char value[8];

	(void)doctor;
	root_read_line(value, sizeof(value),
		       "/sys/module/module/parameters/sig_enforce");
	return *value == 'Y' && !machine_has_iommufd();
}

static bool unsigned_module(struct doctor *doctor)
{
	return (locked_down(doctor) || enforced(doctor)) &&
	       machine_module_unsigned("iommufd.ko");
}

#define SECURE_BOOT	"/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

/* Four bytes of attributes, and one that says whether it is on. */
static bool secure_boot(struct doctor *doctor)
{
	char value[8];

	(void)doctor;
	/* What the kernel makes of it is known better. */
	if (root_there("/sys/kernel/security/lockdown"))
		return false;
	return root_read(value, sizeof(value), SECURE_BOOT) == 5 &&
	       value[4] == 1 && !machine_has_iommufd();
}

/* What dkms signs with, if the modules come from a package. */
#define ENROL	"sudo mokutil --import /var/lib/dkms/mok.pub && sudo reboot"
#define SIGN	"sudo apt install openssl && sudo dkms autoinstall --force"

/* Whether a signature is by a key that the kernel knows, loading it tells. */
static const struct fault signature_faults[] = {
	{
		.name = "module-unsigned",
		.severity = SEVERITY_FAULT,
		.found = unsigned_module,
		.words =
			"the kernel loads only signed modules, as with Secure Boot, and the iommufd that is installed has no signature",
		.fix = SIGN " && " ENROL,
		.last = true,
	},
	{
		.name = "locked-down",
		.severity = SEVERITY_NOTE,
		.found = locked_down,
		.words =
			"the kernel is locked down ({lockdown}), as with Secure Boot, and loads only modules signed with a key that it knows",
		.fix = ENROL,
		.last = true,
	},
	{
		.name = "signatures-enforced",
		.severity = SEVERITY_NOTE,
		.found = enforced,
		.words =
			"the kernel (module.sig_enforce) loads only modules signed with a key that it knows",
		.fix = ENROL,
		.last = true,
	},
	{
		.name = "secure-boot",
		.severity = SEVERITY_NOTE,
		.found = secure_boot,
		.words =
			"Secure Boot is on; the kernel may load only modules signed with a key that it knows",
		.fix = ENROL,
	},
	{ 0 },
};

const struct subject subject_signatures = {
	.name = "signatures",
	.learn = learn_signatures,
	.faults = signature_faults,
	.fine = "{signatures}",
};
