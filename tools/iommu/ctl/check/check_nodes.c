// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Whether the nodes in /dev are there, and may be opened.
 */
#include <stdio.h>
#include <string.h>

#include "doctor.h"

/*
 * The group of a node may be there for such as them. Whoever is in it already, as
 * the node says, is kept out by something else.
 */
static void learn_grant(struct doctor *doctor, const char *node)
{
	struct stat status = {};
	char group[64];

	root_stat(&status, "%s", node);
	person_group_name(group, sizeof(group), status.st_gid);
	facts_set(&doctor->facts, "node", "%s", node);
	if ((status.st_mode & 060) == 060 && status.st_gid)
		facts_set(&doctor->facts, "grant", "sudo adduser %s %s",
			  doctor->person.name, group);
	else
		facts_set(&doctor->facts, "grant", "sudo chown %s %s",
			  doctor->person.name, node);
}

static bool denied(struct doctor *doctor, const char *node)
{
	if (!root_there("%s", node) || person_may_use(&doctor->person, node))
		return false;
	learn_grant(doctor, node);
	return true;
}

/* For mknod: "10 125" of "10:125". */
static void learn_number(struct doctor *doctor, const char *attribute)
{
	char number[32];
	char *colon;

	root_read_line(number, sizeof(number), "%s", attribute);
	colon = strchr(number, ':');
	if (colon)
		*colon = ' ';
	facts_set(&doctor->facts, "number", "%s", number);
}

#define IOMMU_NODE	"/dev/iommu"
#define IOMMU_ATTRIBUTE	"/sys/class/misc/iommu/dev"

/* Without the module it cannot be there, which has been said. */
static bool iommu_expected(struct doctor *doctor)
{
	(void)doctor;
	return root_there(IOMMU_ATTRIBUTE) || root_there(IOMMU_NODE);
}

static bool iommu_missing(struct doctor *doctor)
{
	learn_number(doctor, IOMMU_ATTRIBUTE);
	return !root_there(IOMMU_NODE);
}

static bool iommu_denied(struct doctor *doctor)
{
	return denied(doctor, IOMMU_NODE);
}

static const struct fault iommu_node_faults[] = {
	{
		.name = "iommu-node-missing",
		.severity = SEVERITY_FAULT,
		.found = iommu_missing,
		.words = "iommufd is loaded, and /dev/iommu is missing",
		.fix = "sudo mknod -m 660 /dev/iommu c {number}",
		.last = true,
	},
	{
		.name = "iommu-node-denied",
		.severity = SEVERITY_FAULT,
		.found = iommu_denied,
		.words = "{user} may not open {node}",
		.fix = "{grant}",
	},
	{ 0 },
};

const struct subject subject_iommu_node = {
	.name = "/dev/iommu",
	.applies = iommu_expected,
	.faults = iommu_node_faults,
	.fine = "{user} may open " IOMMU_NODE,
};

static bool has_vfio(struct doctor *doctor)
{
	return *facts_get(&doctor->facts, "vfio");
}

static void device_node(char node[64], struct doctor *doctor)
{
	snprintf(node, 64, "/dev/vfio/devices/%.32s",
		 facts_get(&doctor->facts, "vfio"));
}

static void learn_device_node(struct doctor *doctor)
{
	char attribute[PATH_MAX], node[64];

	device_node(node, doctor);
	snprintf(attribute, sizeof(attribute),
		 "/sys/bus/pci/devices/%s/vfio-dev/%s/dev", doctor->device,
		 facts_get(&doctor->facts, "vfio"));
	learn_number(doctor, attribute);
	facts_set(&doctor->facts, "device node", "%s", node);
}

/* One without a number has no node, which has been said. */
static bool device_missing(struct doctor *doctor)
{
	return *facts_get(&doctor->facts, "number") &&
	       !root_there("%s", facts_get(&doctor->facts, "device node"));
}

static bool device_denied(struct doctor *doctor)
{
	char node[64];

	device_node(node, doctor);
	return denied(doctor, node);
}

static const struct fault device_node_faults[] = {
	{
		.name = "device-node-missing",
		.severity = SEVERITY_FAULT,
		.found = device_missing,
		.words = "VFIO has the device, and {device node} is missing",
		.fix =
			"sudo mkdir -p /dev/vfio/devices && sudo mknod -m 600 {device node} c {number}",
		.last = true,
	},
	{
		.name = "device-node-denied",
		.severity = SEVERITY_FAULT,
		.found = device_denied,
		.words = "{user} may not open {node}",
		.fix = "{grant}",
	},
	{ 0 },
};

const struct subject subject_device_node = {
	.name = "device-node",
	.applies = has_vfio,
	.learn = learn_device_node,
	.faults = device_node_faults,
	.fine = "{user} may open {device node}",
};

static void group_node(char node[64], struct doctor *doctor)
{
	snprintf(node, 64, "/dev/vfio/%.32s",
		 facts_get(&doctor->facts, "group"));
}

static bool has_group_node(struct doctor *doctor)
{
	char node[64];

	group_node(node, doctor);
	return has_vfio(doctor) && root_there("%s", node);
}

static bool group_denied(struct doctor *doctor)
{
	char node[64];

	group_node(node, doctor);
	return denied(doctor, node);
}

static const struct fault group_node_faults[] = {
	{
		.name = "group-node-denied",
		.severity = SEVERITY_NOTE,
		.found = group_denied,
		.words = "{user} may not open {node}, which only programs for containers need",
		.fix = "{grant}",
	},
	{ 0 },
};

const struct subject subject_group_node = {
	.name = "group-node",
	.applies = has_group_node,
	.faults = group_node_faults,
	.fine = "{user} may open /dev/vfio/{group}, for containers",
};
