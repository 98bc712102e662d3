// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Whether iommufd and its VFIO are loaded, and who serves containers.
 */
#include <string.h>

#include "doctor.h"
#include "machine.h"

/* Where modules go that are not of the kernel's package. */
static const char * const added[] = { "updates/", "extra/", NULL };

static bool not_installed(struct doctor *doctor)
{
	(void)doctor;
	return !machine_has_iommufd() &&
	       !machine_module_file("iommufd.ko", NULL);
}

/* The Debian package builds them for kernels whose headers are installed. */
static bool not_built(struct doctor *doctor)
{
	return not_installed(doctor) && root_there("/var/lib/dkms/iommufd");
}

static bool not_loaded(struct doctor *doctor)
{
	(void)doctor;
	return !machine_has_iommufd();
}

static bool vfio_is_loaded(void)
{
	return root_there("/sys/module/vfio");
}

static bool vfio_not_loaded(struct doctor *doctor)
{
	(void)doctor;
	return !vfio_is_loaded();
}

/* Only a module has users, and one that knows iommufd is a user of it. */
static bool vfio_is_foreign(void)
{
	return root_there("/sys/module/vfio/refcnt") &&
	       !root_there("/sys/module/iommufd/holders/vfio");
}

static bool other_vfio_installed(struct doctor *doctor)
{
	(void)doctor;
	return vfio_is_foreign() && machine_module_file("vfio.ko", added);
}

static bool other_vfio(struct doctor *doctor)
{
	(void)doctor;
	return vfio_is_foreign();
}

static const struct fault module_faults[] = {
	{
		.name = "iommufd-not-built",
		.severity = SEVERITY_FAULT,
		.found = not_built,
		.words = "iommufd-dkms is installed, and has built no iommufd for this kernel",
		.fix = "sudo apt install linux-headers-{release} && sudo dkms autoinstall",
		.last = true,
	},
	{
		.name = "iommufd-not-installed",
		.severity = SEVERITY_FAULT,
		.found = not_installed,
		.words = "this kernel has no iommufd, and no module of it is installed",
		.fix = "make modules && sudo build/modules/load.sh",
		.last = true,
	},
	{
		.name = "iommufd-not-loaded",
		.severity = SEVERITY_FAULT,
		.found = not_loaded,
		.words = "iommufd is installed and not loaded",
		.fix = "sudo modprobe iommufd",
		.last = true,
	},
	{
		.name = "vfio-not-loaded",
		.severity = SEVERITY_FAULT,
		.found = vfio_not_loaded,
		.words = "VFIO is not loaded",
		.fix = "sudo modprobe vfio-pci",
		.last = true,
	},
	{
		.name = "vfio-older-loaded",
		.severity = SEVERITY_FAULT,
		.found = other_vfio_installed,
		.words = "the VFIO that is loaded knows no iommufd; one that does is installed",
		.fix = "sudo modprobe -r vfio-pci vfio_iommu_type1 && sudo modprobe vfio-pci",
		.last = true,
	},
	{
		.name = "vfio-without-iommufd",
		.severity = SEVERITY_FAULT,
		.found = other_vfio,
		.words = "the VFIO that is loaded is the distribution's, which knows no iommufd",
		.fix = "sudo build/modules/load.sh",
	},
	{ 0 },
};

const struct subject subject_modules = {
	.name = "modules",
	.faults = module_faults,
	.fine = "iommufd is loaded, and a VFIO that knows it",
};

static const char *server(void)
{
	char target[64] = "";

	if (!root_there("/dev/vfio/vfio"))
		return "";
	root_link_name(target, sizeof(target), "/dev/vfio/vfio");
	if (!strcmp(target, "iommu"))
		return "iommufd, through a link";
	if (root_there("/sys/module/vfio_iommu_type1"))
		return "VFIO itself (vfio_iommu_type1)";
	return root_there("/sys/module/iommufd/parameters/dma_entry_limit") ?
		       "iommufd" : "";
}

static void learn_server(struct doctor *doctor)
{
	facts_set(&doctor->facts, "server", "%s", server());
}

static bool nobody_serves(struct doctor *doctor)
{
	return !*facts_get(&doctor->facts, "server");
}

static const struct fault container_faults[] = {
	{
		.name = "containers-not-served",
		.severity = SEVERITY_NOTE,
		.found = nobody_serves,
		.words = "nobody serves /dev/vfio/vfio, which older programs need, such as DPDK",
		.fix = "sudo modprobe vfio_iommu_type1",
	},
	{ 0 },
};

const struct subject subject_containers = {
	.name = "containers",
	.learn = learn_server,
	.faults = container_faults,
	.fine = "/dev/vfio/vfio is served by {server}",
};
