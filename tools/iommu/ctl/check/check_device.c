// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * The device, its group, and its driver.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../holder.h"
#include "doctor.h"

#define DEVICE		"/sys/bus/pci/devices/%s"
#define OVERRIDE \
	"echo vfio-pci | sudo tee /sys/bus/pci/devices/{device}/driver_override"
#define PROBE		"echo {device} | sudo tee /sys/bus/pci/drivers_probe"
#define BIND		OVERRIDE " && " PROBE
#define UNBIND \
	"echo {device} | sudo tee /sys/bus/pci/devices/{device}/driver/unbind"

static bool is_asked(struct doctor *doctor)
{
	return *doctor->device;
}

static bool is_there(struct doctor *doctor)
{
	return is_asked(doctor) && root_there(DEVICE, doctor->device);
}

static void learn_number(struct doctor *doctor, const char *fact,
			 const char *attribute)
{
	char value[16];

	root_read_line(value, sizeof(value), DEVICE "/%s", doctor->device,
		       attribute);
	facts_set(&doctor->facts, fact, "%s",
		  strncmp(value, "0x", 2) ? value : value + 2);
}

static void learn_device(struct doctor *doctor)
{
	learn_number(doctor, "vendor", "vendor");
	learn_number(doctor, "model", "device");
	learn_number(doctor, "class", "class");
}

static bool no_device(struct doctor *doctor)
{
	return !is_there(doctor);
}

/* VFIO refuses them. */
static bool is_bridge(struct doctor *doctor)
{
	return !strncmp(facts_get(&doctor->facts, "class"), "0604", 4);
}

static const struct fault device_faults[] = {
	{
		.name = "device-missing",
		.severity = SEVERITY_FAULT,
		.found = no_device,
		.words = "there is no PCI device {device}",
		.fix = "ls /sys/bus/pci/devices",
		.last = true,
	},
	{
		.name = "device-is-bridge",
		.severity = SEVERITY_FAULT,
		.found = is_bridge,
		.words = "{device} is a PCI bridge, which no program can have",
		.fix = "ls /sys/bus/pci/devices",
	},
	{ 0 },
};

const struct subject subject_device = {
	.name = "device",
	.applies = is_asked,
	.learn = learn_device,
	.faults = device_faults,
	.fine = "{device} is {vendor}:{model}, class {class}",
};

static bool is_vfio(const char *device)
{
	return root_there(DEVICE "/vfio-dev", device);
}

/* These leave DMA to whoever has another device of the group. */
static bool keeps_group(const char *device, const char *driver)
{
	return *driver && strcmp(driver, "pcieport") &&
	       strcmp(driver, "pci-stub") && !is_vfio(device);
}

/* Where the IOMMU is off that has been said. */
static bool has_iommu(struct doctor *doctor)
{
	return is_there(doctor) &&
	       (*facts_get(&doctor->facts, "iommus") ||
		root_there(DEVICE "/iommu_group", doctor->device));
}

/**
 * struct member_lists - The other devices of a group
 * @all: with their drivers, for people
 * @keeping: those whose drivers keep the group
 * @addresses: the same, for a shell
 */
struct member_lists {
	char all[512];
	char keeping[512];
	char addresses[512];
};

__printf(3, 4)
static void append(char *list, size_t size, const char *format, ...)
{
	size_t length = strlen(list);
	va_list args;

	va_start(args, format);
	vsnprintf(list + length, size - length, format, args);
	va_end(args);
}

static void add_member(struct member_lists *lists, const char *member)
{
	char driver[64];

	root_link_name(driver, sizeof(driver), DEVICE "/driver", member);
	append(lists->all, sizeof(lists->all), ", %s (%s)", member,
	       *driver ? driver : "no driver");
	if (!keeps_group(member, driver))
		return;
	append(lists->keeping, sizeof(lists->keeping), "%s%s (%s)",
	       *lists->keeping ? ", " : "", member, driver);
	append(lists->addresses, sizeof(lists->addresses), " %s", member);
}

static int compare_names(const struct dirent **first,
			 const struct dirent **second)
{
	return strcmp((*first)->d_name, (*second)->d_name);
}

/* The others, in the order of their addresses. */
static void read_members(struct doctor *doctor, struct member_lists *lists)
{
	struct dirent **members;
	char path[PATH_MAX];
	int i, count;

	root_path(path, DEVICE "/iommu_group/devices", doctor->device);
	count = scandir(path, &members, NULL, compare_names);
	for (i = 0; i < count; i++) {
		if (members[i]->d_name[0] != '.' &&
		    strcmp(members[i]->d_name, doctor->device))
			add_member(lists, members[i]->d_name);
		free(members[i]);
	}
	if (count >= 0)
		free(members);
}

static void learn_group(struct doctor *doctor)
{
	struct member_lists lists = {};
	struct facts *facts = &doctor->facts;
	char group[32];

	root_link_name(group, sizeof(group), DEVICE "/iommu_group",
		       doctor->device);
	facts_set(facts, "group", "%s", group);
	read_members(doctor, &lists);
	facts_set(facts, "members", "%s%s", *lists.all ? "with" : "alone",
		  *lists.all ? lists.all + 1 : "");
	facts_set(facts, "keeping", "%s", lists.keeping);
	facts_set(facts, "addresses", "%s", lists.addresses);
}

static bool no_group(struct doctor *doctor)
{
	return !*facts_get(&doctor->facts, "group");
}

/* VFIO makes one for a device without an IOMMU if it is told to. */
static bool group_without_iommu(struct doctor *doctor)
{
	char name[32];

	root_read_line(name, sizeof(name), DEVICE "/iommu_group/name",
		       doctor->device);
	return !strcmp(name, "vfio-noiommu");
}

static bool group_is_kept(struct doctor *doctor)
{
	return *facts_get(&doctor->facts, "keeping");
}

static const struct fault group_faults[] = {
	{
		.name = "group-missing",
		.severity = SEVERITY_FAULT,
		.found = no_group,
		.words =
			"{device} is behind no IOMMU; some devices are only with intel_iommu=on, such as graphics",
		.fix =
			"sudo sed -i 's/^GRUB_CMDLINE_LINUX=\"/&intel_iommu=on /' /etc/default/grub && sudo update-grub && sudo reboot",
		.last = true,
	},
	{
		.name = "group-without-iommu",
		.severity = SEVERITY_FAULT,
		.found = group_without_iommu,
		.words =
			"group {group} was made by VFIO for a device without an IOMMU, and /dev/iommu needs one",
		.fix = UNBIND,
		.last = true,
	},
	{
		.name = "group-kept",
		.severity = SEVERITY_FAULT,
		.found = group_is_kept,
		.words = "group {group} is kept by the drivers of other devices in it: {keeping}",
		.fix =
			"for d in{addresses}; do echo $d | sudo tee /sys/bus/pci/devices/$d/driver/unbind; done",
	},
	{ 0 },
};

const struct subject subject_group = {
	.name = "group",
	.applies = has_iommu,
	.learn = learn_group,
	.faults = group_faults,
	.fine = "in group {group}, {members}",
};

static void learn_driver(struct doctor *doctor)
{
	char driver[64], vfio[32];

	root_link_name(driver, sizeof(driver), DEVICE "/driver", doctor->device);
	facts_set(&doctor->facts, "driver", "%s", driver);
	root_first(vfio, sizeof(vfio), DEVICE "/vfio-dev", doctor->device);
	facts_set(&doctor->facts, "vfio", "%s", vfio);
}

static bool has_driver(struct doctor *doctor)
{
	return *facts_get(&doctor->facts, "driver");
}

static bool no_vfio_driver(struct doctor *doctor)
{
	return !is_vfio(doctor->device) &&
	       !root_there("/sys/bus/pci/drivers/vfio-pci");
}

static bool not_bound(struct doctor *doctor)
{
	return !has_driver(doctor);
}

static bool bound_to_another(struct doctor *doctor)
{
	return has_driver(doctor) && !is_vfio(doctor->device);
}

static bool no_character_device(struct doctor *doctor)
{
	return is_vfio(doctor->device) &&
	       !root_there(DEVICE "/vfio-dev/%s/dev", doctor->device,
			   facts_get(&doctor->facts, "vfio"));
}

static bool holds_device(const struct holder *holder, const char *name)
{
	unsigned int i;

	for (i = 0; i < holder->context.ndevices; i++)
		if (!strcmp(holder->context.devices[i].name, name))
			return true;
	return false;
}

static bool in_use(struct doctor *doctor)
{
	struct holders holders;
	bool found = false;
	unsigned int i;

	if (holders_find(&holders))
		return false;
	for (i = 0; i < holders.count && !found; i++) {
		found = holds_device(&holders.list[i], doctor->device);
		facts_set(&doctor->facts, "pid", "%d", holders.list[i].pid);
		facts_set(&doctor->facts, "program", "%s",
			  holders.list[i].program);
	}
	holders_free(&holders);
	return found;
}

static const struct fault driver_faults[] = {
	{
		.name = "driver-not-loaded",
		.severity = SEVERITY_FAULT,
		.found = no_vfio_driver,
		.words = "the driver vfio-pci is not loaded",
		.fix = "sudo modprobe vfio-pci",
		.last = true,
	},
	{
		.name = "driver-none",
		.severity = SEVERITY_FAULT,
		.found = not_bound,
		.words = "{device} has no driver; give it to vfio-pci",
		.fix = BIND,
		.last = true,
	},
	{
		.name = "driver-another",
		.severity = SEVERITY_FAULT,
		.found = bound_to_another,
		.words =
			"{device} is used by the kernel, with the driver {driver}; give it to vfio-pci",
		.fix = UNBIND " && " BIND,
		.last = true,
	},
	{
		.name = "driver-without-cdev",
		.severity = SEVERITY_FAULT,
		.found = no_character_device,
		.words = "VFIO has {device} without a character device: it is the distribution's",
		.fix = "sudo build/modules/load.sh",
		.last = true,
	},
	{
		.name = "device-in-use",
		.severity = SEVERITY_NOTE,
		.found = in_use,
		.words = "{device} is in use by process {pid} ({program})",
		.fix = "iommufdctl show {pid}",
	},
	{ 0 },
};

const struct subject subject_driver = {
	.name = "driver",
	.applies = is_there,
	.learn = learn_driver,
	.faults = driver_faults,
	.fine = "{driver} has it, as /dev/vfio/devices/{vfio}",
};
