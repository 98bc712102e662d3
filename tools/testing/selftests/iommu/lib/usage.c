// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "usage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../kselftest.h"

/* How long the counters may take to settle after the last close(). */
#define SETTLE_STEPS	40
#define SETTLE_STEP_US	50000

/*
 * The counters of vmstat are kept per CPU and folded now and then; this folds
 * them at once. Without the right to do so the numbers may lag a little.
 */
static void vmstat_refresh(void)
{
	int fd = open("/proc/sys/vm/stat_refresh", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "1\n", 2) != 2)
		perror("stat_refresh");
	close(fd);
}

__u64 pins_acquired(void)
{
	vmstat_refresh();
	return file_number("/proc/vmstat", "nr_foll_pin_acquired ");
}

void usage_read(struct usage *usage)
{
	usage->pinned_kib = status_kib("VmPin:");
	usage->locked_kib = status_kib("VmLck:");
	usage->pins = pins_acquired() -
		      file_number("/proc/vmstat", "nr_foll_pin_released ");
	usage->hugetlb_used = file_number("/proc/meminfo", "HugePages_Total:") -
			      file_number("/proc/meminfo", "HugePages_Free:");
}

void baseline_take(struct baseline *baseline)
{
	memset(baseline, 0, sizeof(*baseline));
	baseline->kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (baseline->kmsg >= 0)
		lseek(baseline->kmsg, 0, SEEK_END);
	usage_read(&baseline->usage);
}

static void report(struct baseline *baseline, const char *format, ...)
{
	size_t used = strlen(baseline->report);
	va_list args;

	va_start(args, format);
	vsnprintf(baseline->report + used, sizeof(baseline->report) - used,
		  format, args);
	va_end(args);
}

static bool is_noise(const char *record)
{
	static const char * const marks[] = {
		"WARNING: ", "BUG: ", "KASAN", "UBSAN", "INFO: task", "possible",
		"Oops", "iommufd", "underflow", "------------[",
	};
	size_t i;

	/*
	 * What the IOMMU core says of each device that comes, and the driver
	 * core when it has no memory for one.
	 */
	if (strstr(record, " to iommu group") ||
	    strstr(record, "kobject_add_internal failed"))
		return false;
	for (i = 0; i < ARRAY_SIZE(marks); i++)
		if (strstr(record, marks[i]))
			return true;
	return false;
}

/* Whatever a program asks of /dev/iommu, the kernel log stays silent. */
static void check_log(struct baseline *baseline)
{
	char record[2048];
	ssize_t length;
	char *text;

	if (baseline->kmsg < 0)
		return;
	for (;;) {
		length = read(baseline->kmsg, record, sizeof(record) - 1);
		if (length < 0 && errno == EPIPE)
			continue;
		if (length <= 0)
			break;
		record[length] = '\0';
		text = strchr(record, ';');
		if (text && is_noise(text)) {
			report(baseline, "kernel log: %.120s", text + 1);
			break;
		}
	}
	close(baseline->kmsg);
}

static void check_counter(struct baseline *baseline, const char *name,
			  __u64 before, __u64 now)
{
	if (before != now)
		report(baseline, "%s: %lld before, %lld now; ", name,
		       (long long)before, (long long)now);
}

const char *baseline_check(struct baseline *baseline)
{
	const struct usage *before = &baseline->usage;
	struct usage now;
	int step;

	for (step = 0; step < SETTLE_STEPS; step++) {
		usage_read(&now);
		if (!memcmp(&now, before, sizeof(now)))
			break;
		usleep(SETTLE_STEP_US);
	}
	check_counter(baseline, "VmPin", before->pinned_kib, now.pinned_kib);
	check_counter(baseline, "VmLck", before->locked_kib, now.locked_kib);
	check_counter(baseline, "page pins", before->pins, now.pins);
	check_counter(baseline, "huge pages", before->hugetlb_used,
		      now.hugetlb_used);
	check_log(baseline);
	return baseline->report;
}
