// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * edu-vmm: what a virtual machine monitor does with /dev/iommu, shown with a
 * device simple enough to check every byte it moves. There is no virtual
 * machine in it; the program plays the part of the guest's driver, too.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

#include "report.h"
#include "steps.h"

#define EXIT_USAGE	2

static void print_usage(FILE *stream)
{
	fputs("Usage: edu-vmm [-q] [--look COMMAND] ADDRESS [ADDRESS2]\n"
	      "\n"
	      "Shows step by step how a program gives a PCI device access to its memory\n"
	      "through /dev/iommu, and checks every byte that the device moves.\n"
	      "\n"
	      "ADDRESS is the PCI address (0000:00:04.0 or 00:04.0) of QEMU's edu device,\n"
	      "which has to be bound to vfio-pci. A second one shows what two devices do\n"
	      "in the same address space.\n"
	      "\n"
	      "  -q, --quiet     print only what fails, and the result\n"
	      "  --look COMMAND  run it while memory is mapped for the devices\n"
	      "  -h, --help      print this text\n"
	      "\n"
	      "Exit status: 0 all checks passed, 1 some did not or could not be made,\n"
	      "2 wrong usage.\n", stream);
}

static int run_steps(struct vmm *vmm)
{
	static int (* const steps[])(struct vmm *vmm) = {
		step_open_iommufd,
		step_open_devices,
		step_show_iovas,
		step_memory,
		step_readonly,
		step_replace,
		step_copy,
		step_page_tables,
		step_blocked,
		step_errors,
	};
	size_t i;
	int error = 0;

	for (i = 0; i < sizeof(steps) / sizeof(*steps) && !error; i++)
		error = steps[i](vmm);
	if (!error && vmm->ndevices > 1)
		error = step_two_devices(vmm);
	if (!error && vmm->ndevices > 1)
		error = step_peer(vmm);
	if (!error)
		error = step_close(vmm);
	return error;
}

static void init_vmm(struct vmm *vmm, char **addresses, unsigned int ndevices)
{
	unsigned int i;

	vmm->iommufd = -1;
	vmm->ndevices = ndevices;
	for (i = 0; i < VMM_MAX_DEVICES; i++) {
		vmm->devices[i].edu.vfio.fd = -1;
		vmm->devices[i].log.fd = -1;
		if (i < ndevices)
			vmm->addresses[i] = addresses[i];
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "quiet", no_argument, NULL, 'q' },
		{ "look", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	static struct vmm vmm;
	bool quiet = false;
	int option, error;

	while ((option = getopt_long(argc, argv, "qh", options, NULL)) != -1) {
		switch (option) {
		case 'q':
			quiet = true;
			break;
		case 'l':
			vmm.look = optarg;
			break;
		case 'h':
			print_usage(stdout);
			return 0;
		default:
			print_usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (argc - optind < 1 || argc - optind > VMM_MAX_DEVICES) {
		print_usage(stderr);
		return EXIT_USAGE;
	}

	init_vmm(&vmm, argv + optind, argc - optind);
	report_start(quiet);
	error = run_steps(&vmm);
	vmm_close(&vmm);
	return report_finish(!error);
}
