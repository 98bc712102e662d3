// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Whether there is an IOMMU, and whether it keeps interrupts apart.
 */
#include <stdio.h>
#include <string.h>

#include "doctor.h"
#include "machine.h"

/* All of them, or "" for none. */
static void learn_iommus(struct doctor *doctor)
{
	DIR *directory = root_opendir("/sys/class/iommu");
	struct dirent *entry;
	char names[256] = "";
	size_t length = 0;

	while (directory && (entry = readdir(directory)))
		if (entry->d_name[0] != '.' && length < sizeof(names))
			length += snprintf(names + length,
					   sizeof(names) - length, "%s%s",
					   length ? " " : "", entry->d_name);
	if (directory)
		closedir(directory);
	facts_set(&doctor->facts, "iommus", "%s", names);
}

static bool none_is_on(struct doctor *doctor)
{
	return !*facts_get(&doctor->facts, "iommus");
}

static bool has_table(const char *name)
{
	return root_there("/sys/firmware/acpi/tables/%s", name);
}

static bool turned_off(struct doctor *doctor)
{
	static const char * const words[] = {
		"iommu=off", "intel_iommu=off", "amd_iommu=off", NULL,
	};
	const char *found = machine_parameter(words);

	facts_set(&doctor->facts, "parameter", "%s", found ? found : "");
	return found && none_is_on(doctor);
}

static bool not_in_firmware(struct doctor *doctor)
{
	return none_is_on(doctor) && !has_table("DMAR") && !has_table("IVRS") &&
	       !has_table("VIOT") && !has_table("IORT");
}

static bool intel_not_started(struct doctor *doctor)
{
	return none_is_on(doctor) && has_table("DMAR");
}

static bool virtio_not_loaded(struct doctor *doctor)
{
	return none_is_on(doctor) && has_table("VIOT");
}

static bool no_driver(struct doctor *doctor)
{
	return none_is_on(doctor);
}

static const struct fault iommu_faults[] = {
	{
		.name = "iommu-turned-off",
		.severity = SEVERITY_FAULT,
		.found = turned_off,
		.words = "the IOMMU is off: the kernel command line says {parameter}",
		.fix =
			"sudo sed -i 's/ *\\b{parameter}\\b//' /etc/default/grub && sudo update-grub && sudo reboot",
		.last = true,
	},
	{
		.name = "iommu-not-in-firmware",
		.severity = SEVERITY_FAULT,
		.found = not_in_firmware,
		.words =
			"the firmware tells of no IOMMU; turn on VT-d, AMD-Vi or SMMU in its setup, if the machine has one",
		.fix = "sudo systemctl reboot --firmware-setup",
		.last = true,
	},
	{
		.name = "iommu-not-started",
		.severity = SEVERITY_FAULT,
		.found = intel_not_started,
		.words = "the machine has VT-d, and the kernel does not use it",
		.fix =
			"sudo sed -i 's/^GRUB_CMDLINE_LINUX=\"/&intel_iommu=on /' /etc/default/grub && sudo update-grub && sudo reboot",
		.last = true,
	},
	{
		.name = "iommu-not-loaded",
		.severity = SEVERITY_FAULT,
		.found = virtio_not_loaded,
		.words = "the machine has a virtio-iommu, whose driver is not loaded",
		.fix = "sudo modprobe virtio-iommu",
		.last = true,
	},
	{
		.name = "iommu-without-driver",
		.severity = SEVERITY_FAULT,
		.found = no_driver,
		.words = "the machine has an IOMMU that this kernel has no driver for",
		.fix = "sudo apt install linux-image-6.12-amd64",
	},
	{ 0 },
};

const struct subject subject_iommu = {
	.name = "iommu",
	.learn = learn_iommus,
	.faults = iommu_faults,
	.fine = "the IOMMU is on: {iommus}",
};

/* As the kernel calls interrupts that go through an IOMMU, and others. */
static const char * const isolated_chips[] = { " IR-", " ITS-", NULL };
static const char * const shared_chips[] = { " IO-APIC", " PCI-MSI", NULL };

static bool has_chip(const char *const *chips)
{
	static char text[1 << 20];

	root_read(text, sizeof(text), "/proc/interrupts");
	for (; *chips; chips++)
		if (strstr(text, *chips))
			return true;
	return false;
}

static bool are_isolated(void)
{
	return has_chip(isolated_chips);
}

static bool are_allowed(void)
{
	char value[8];

	root_read_line(value, sizeof(value),
		       "/sys/module/iommufd/parameters/allow_unsafe_interrupts");
	return *value == 'Y';
}

/* Before the module is loaded its parameter is not there. */
#define ALLOW_NOW \
	"echo 1 | sudo tee /sys/module/iommufd/parameters/allow_unsafe_interrupts"
#define ALLOW_LATER \
	"echo options iommufd allow_unsafe_interrupts=1 | sudo tee /etc/modprobe.d/iommufd.conf"

static void learn_how_to_allow(struct doctor *doctor)
{
	facts_set(&doctor->facts, "allow", "%s",
		  machine_has_iommufd() ? ALLOW_NOW : ALLOW_LATER);
}

static bool unknown(struct doctor *doctor)
{
	(void)doctor;
	return !are_isolated() && !has_chip(shared_chips);
}

static bool allowed(struct doctor *doctor)
{
	(void)doctor;
	return !are_isolated() && are_allowed();
}

static bool remapping_off(struct doctor *doctor)
{
	static const char * const words[] = {
		"intremap=off", "nointremap", NULL,
	};
	const char *found = machine_parameter(words);

	facts_set(&doctor->facts, "parameter", "%s", found ? found : "");
	return found && !are_isolated();
}

static bool shared(struct doctor *doctor)
{
	(void)doctor;
	return !are_isolated();
}

static const struct fault interrupt_faults[] = {
	{
		.name = "interrupts-unknown",
		.severity = SEVERITY_NOTE,
		.found = unknown,
		.words = "whether interrupts are isolated cannot be seen here",
		.fix = "sudo dmesg | grep -i remap",
		.last = true,
	},
	{
		.name = "interrupts-allowed",
		.severity = SEVERITY_NOTE,
		.found = allowed,
		.words =
			"interrupts are not isolated, and allow_unsafe_interrupts is set: whoever has a device can raise those of others",
		.fix = "echo 0 | sudo tee /sys/module/iommufd/parameters/allow_unsafe_interrupts",
		.last = true,
	},
	{
		.name = "interrupts-turned-off",
		.severity = SEVERITY_FAULT,
		.found = remapping_off,
		.words = "interrupts are not isolated: the kernel command line says {parameter}",
		.fix =
			"sudo sed -i 's/ *\\b{parameter}\\b//' /etc/default/grub && sudo update-grub && sudo reboot",
		.last = true,
	},
	{
		.name = "interrupts-shared",
		.severity = SEVERITY_FAULT,
		.found = shared,
		.words =
			"interrupts are not isolated, so devices are refused; allow it only for programs that you trust with the whole machine",
		.fix = "{allow}",
	},
	{ 0 },
};

const struct subject subject_interrupts = {
	.name = "interrupts",
	.learn = learn_how_to_allow,
	.faults = interrupt_faults,
	.fine = "interrupts of devices are isolated",
};
