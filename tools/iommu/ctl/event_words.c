// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
#include "event_words.h"

#include <stdio.h>
#include <string.h>

#include "ioctl_name.h"
#include "refusal.h"
#include "text.h"

const char * const event_troubles[] = {
	"iommufd_refuse", "iommufd_ioctl_error", "iommufd_withdrawn",
	"iommufd_returned", NULL,
};

bool event_is_trouble(const struct event *event)
{
	unsigned int i;

	for (i = 0; event_troubles[i]; i++)
		if (!strcmp(event_troubles[i], event->name))
			return true;
	return false;
}

static void say_range(char *text, size_t size, const struct event *event,
		      const char *verb)
{
	unsigned long long iova = event_number(event, "iova");
	unsigned long long length = event_number(event, "length");
	char bytes[16];

	snprintf(text, size, "%s IOVA %#llx-%#llx, %s, in IOAS %s of context %s",
		 verb, iova, iova + length - 1, text_bytes(length, bytes),
		 event_text(event, "ioas"), event_text(event, "context"));
}

static void say_pages(char *text, size_t size, const struct event *event,
		      const char *verb)
{
	char bytes[16];

	snprintf(text, size, "%s %s, which process %s pays for", verb,
		 text_pages(event_number(event, "pages"), bytes),
		 event_text(event, "payer"));
}

static void say_device_memory(char *text, size_t size, const struct event *event,
			      const char *verb)
{
	unsigned long long address = event_number(event, "address");
	unsigned long long length = event_number(event, "length");

	snprintf(text, size, "%s the BAR that process %s has at %#llx-%#llx",
		 verb, event_text(event, "process"), address,
		 address + length - 1);
}

static void say_device(char *text, size_t size, const struct event *event,
		       const char *verb)
{
	snprintf(text, size, "%s %s, device %s of context %s", verb,
		 event_text(event, "name"), event_text(event, "device"),
		 event_text(event, "context"));
}

static void say_page_table(char *text, size_t size, const struct event *event,
			   const char *verb)
{
	snprintf(text, size, "%s page table %s of IOAS %s: device %s of context %s",
		 verb, event_text(event, "hwpt"), event_text(event, "ioas"),
		 event_text(event, "device"), event_text(event, "context"));
}

static void say_faults(char *text, size_t size, const struct event *event,
		       const char *verb)
{
	snprintf(text, size, "%s %s page faults, cookie %s of queue %s of context %s",
		 verb, event_text(event, "faults"), event_text(event, "cookie"),
		 event_text(event, "queue"), event_text(event, "context"));
}

static void say_refusal(char *text, size_t size, const struct event *event,
			const char *verb)
{
	char reason[200], error[80];

	refusal_words(reason, sizeof(reason), event_text(event, "reason"),
		      event_number(event, "first"),
		      event_number(event, "second"));
	errno_words(error, sizeof(error), event_number(event, "error"));
	snprintf(text, size, "%s: %s (%s)", verb, reason, error);
}

static void say_ioctl(char *text, size_t size, const struct event *event,
		      const char *verb)
{
	char error[80];

	errno_words(error, sizeof(error), event_number(event, "error"));
	snprintf(text, size, "%s %s: %s, context %s",
		 ioctl_name(event_number(event, "command")), verb, error,
		 event_text(event, "context"));
}

static void say_as_it_is(char *text, size_t size, const struct event *event)
{
	size_t length = snprintf(text, size, "%s", event->name);
	unsigned int i;

	for (i = 0; i < event->nfields && length < size; i++)
		length += snprintf(text + length, size - length, " %s=%s",
				   event->fields[i].name,
				   event->fields[i].value);
}

static const struct {
	const char *name;
	void (*say)(char *text, size_t size, const struct event *event,
		    const char *verb);
	const char *verb;
} sayings[] = {
	{ "iommufd_map", say_range, "maps" },
	{ "iommufd_copy", say_range, "maps a copy at" },
	{ "iommufd_unmap", say_range, "unmaps" },
	{ "iommufd_pin", say_pages, "pins" },
	{ "iommufd_unpin", say_pages, "unpins" },
	{ "iommufd_withdrawn", say_device_memory, "devices lose" },
	{ "iommufd_returned", say_device_memory, "devices reach again" },
	{ "iommufd_bind", say_device, "binds" },
	{ "iommufd_unbind", say_device, "unbinds" },
	{ "iommufd_attach", say_page_table, "attaches to" },
	{ "iommufd_replace", say_page_table, "moves to" },
	{ "iommufd_detach", say_page_table, "detaches from" },
	{ "iommufd_fault", say_faults, "a device waits for an answer to" },
	{ "iommufd_fault_answer", say_faults, "answers" },
	{ "iommufd_refuse", say_refusal, "refused" },
	{ "iommufd_ioctl_error", say_ioctl, "failed" },
};

void event_words(char *text, size_t size, const struct event *event)
{
	unsigned int i;

	for (i = 0; i < sizeof(sayings) / sizeof(*sayings); i++)
		if (!strcmp(sayings[i].name, event->name)) {
			sayings[i].say(text, size, event, sayings[i].verb);
			return;
		}
	say_as_it_is(text, size, event);
}
