/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * What programs do with /dev/iommu, and what they are refused. See "Watching" in
 * Documentation/userspace-api/iommufd.rst.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM iommufd

#if !defined(_TRACE_IOMMUFD_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_IOMMUFD_H

#include <linux/pid.h>
#include <linux/tracepoint.h>
#include <linux/types.h>

/*
 * Why something is refused, and what the two numbers of the event are: a range
 * of IOVA, first and last, unless the comment says something else.
 */
#define IOMMUFD_REFUSALS \
	/* An area is there. */ \
	EM(IOMMUFD_REFUSE_TAKEN, "taken") \
	/* A device, or the page table of one, cannot use it. */ \
	EM(IOMMUFD_REFUSE_RESERVED, "reserved") \
	/* What a device cannot use has been allowed by user space. */ \
	EM(IOMMUFD_REFUSE_ALLOWED, "allowed") \
	/* The bits that should be clear, among others; the alignment. */ \
	EM(IOMMUFD_REFUSE_ALIGNMENT, "alignment") \
	/* Length and alignment that no free range has. */ \
	EM(IOMMUFD_REFUSE_NO_SPACE, "no-space") \
	/* No more areas in this container. */ \
	EM(IOMMUFD_REFUSE_AREAS, "area-limit") \
	/* Nothing is mapped there. */ \
	EM(IOMMUFD_REFUSE_UNMAPPED, "not-mapped") \
	/* An area that would be cut. */ \
	EM(IOMMUFD_REFUSE_CUT, "cuts-area") \
	/* Somebody is just mapping there. */ \
	EM(IOMMUFD_REFUSE_BUSY, "being-mapped") \
	/* It was mapped without the right to read or write. */ \
	EM(IOMMUFD_REFUSE_RIGHTS, "rights") \
	/* Its address is invalid; or 0, and how many areas have such ones. */ \
	EM(IOMMUFD_REFUSE_VADDR_INVALID, "vaddr-invalid") \
	/* It gets no new address: it is not all of some memory of a process. */ \
	EM(IOMMUFD_REFUSE_VADDR_FIXED, "vaddr-fixed") \
	/* Its address has not been invalidated. */ \
	EM(IOMMUFD_REFUSE_VADDR_VALID, "vaddr-valid") \
	/* Another process cannot take it over: it is no memory of a file. */ \
	EM(IOMMUFD_REFUSE_NO_FILE, "no-file") \
	/* RLIMIT_MEMLOCK: pages that were asked for; the limit in pages. */ \
	EM(IOMMUFD_REFUSE_MEMLOCK, "memlock-limit") \
	/* Memory that cannot be pinned: address, or offset in a file; pages. */ \
	EM(IOMMUFD_REFUSE_MEMORY, "memory") \
	/* Bytes: where the range of a file was to end; where the file does. */ \
	EM(IOMMUFD_REFUSE_FILE_SIZE, "file-size") \
	/* BARs, by the address and its end: mapped privately, or too few rights. */ \
	EM(IOMMUFD_REFUSE_BAR_RIGHTS, "bar-rights") \
	/* The kernel encrypts memory, and BARs are none. */ \
	EM(IOMMUFD_REFUSE_BAR_ENCRYPTED, "bar-encrypted") \
	/* It is not there now, such as with memory decode off. */ \
	EM(IOMMUFD_REFUSE_BAR_AWAY, "bar-away") \
	/* Drivers can neither pin nor copy it. */ \
	EM(IOMMUFD_REFUSE_BAR_DRIVER, "bar-for-driver") \
	/* A file of no such kind as is mapped; no numbers from here on. */ \
	EM(IOMMUFD_REFUSE_FILE_KIND, "file-kind") \
	/* It is not open for that, or is sealed against it. */ \
	EM(IOMMUFD_REFUSE_FILE_RIGHTS, "file-rights") \
	/* A driver uses the IOAS, and may need addresses at any time. */ \
	EM(IOMMUFD_REFUSE_DRIVER, "used-by-driver") \
	/* The device has no IOMMU. */ \
	EM(IOMMUFD_REFUSE_NO_IOMMU, "no-iommu") \
	/* DMA of the device does not see the caches. */ \
	EM(IOMMUFD_REFUSE_COHERENCY, "not-coherent") \
	/* The device could raise interrupts of others. */ \
	EM(IOMMUFD_REFUSE_INTERRUPTS, "interrupts-not-isolated") \
	/* Somebody else uses the device, or another one of its group. */ \
	EM(IOMMUFD_REFUSE_OWNED, "device-in-use") \
	/* The page table does not fit the device. */ \
	EM(IOMMUFD_REFUSE_PAGE_TABLE, "page-table-does-not-fit") \
	/* The device has interrupts set up in another page table. */ \
	EM(IOMMUFD_REFUSE_MSI, "interrupts-in-use") \
	/* The device, or its group, is attached to something else. */ \
	EMe(IOMMUFD_REFUSE_ATTACHED, "attached")

#ifndef __IOMMUFD_REFUSALS_ONCE
#define __IOMMUFD_REFUSALS_ONCE

#undef EM
#undef EMe
#define EM(value, text) value,
#define EMe(value, text) value

enum iommufd_refusal { IOMMUFD_REFUSALS };

#endif

#undef EM
#undef EMe
#define EM(value, text) TRACE_DEFINE_ENUM(value);
#define EMe(value, text) TRACE_DEFINE_ENUM(value);

IOMMUFD_REFUSALS

#undef EM
#undef EMe
#define EM(value, text) { value, text },
#define EMe(value, text) { value, text }

DECLARE_EVENT_CLASS(iommufd_range,

	TP_PROTO(u32 context, u32 ioas, unsigned long iova,
		 unsigned long length),

	TP_ARGS(context, ioas, iova, length),

	TP_STRUCT__entry(
		__field(u32, context)
		__field(u32, ioas)
		__field(u64, iova)
		__field(u64, length)
	),

	TP_fast_assign(
		__entry->context = context;
		__entry->ioas = ioas;
		__entry->iova = iova;
		__entry->length = length;
	),

	TP_printk("context=%u ioas=%u iova=%#llx length=%#llx",
		  __entry->context, __entry->ioas, __entry->iova,
		  __entry->length)
);

/* Memory has been mapped, and others are about to see it. */
DEFINE_EVENT(iommufd_range, iommufd_map,
	TP_PROTO(u32 context, u32 ioas, unsigned long iova,
		 unsigned long length),
	TP_ARGS(context, ioas, iova, length)
);

/* The same of what was mapped elsewhere. */
DEFINE_EVENT(iommufd_range, iommufd_copy,
	TP_PROTO(u32 context, u32 ioas, unsigned long iova,
		 unsigned long length),
	TP_ARGS(context, ioas, iova, length)
);

/* An area is not mapped any more, and its IOVA is about to be free. */
DEFINE_EVENT(iommufd_range, iommufd_unmap,
	TP_PROTO(u32 context, u32 ioas, unsigned long iova,
		 unsigned long length),
	TP_ARGS(context, ioas, iova, length)
);

DECLARE_EVENT_CLASS(iommufd_pages,

	TP_PROTO(struct pid *payer, unsigned long npages),

	TP_ARGS(payer, npages),

	TP_STRUCT__entry(
		__field(pid_t, payer)
		__field(u64, npages)
	),

	TP_fast_assign(
		__entry->payer = pid_nr(payer);
		__entry->npages = npages;
	),

	TP_printk("payer=%d pages=%llu", __entry->payer, __entry->npages)
);

/* Pages that were not pinned before. The payer is the process that mapped. */
DEFINE_EVENT(iommufd_pages, iommufd_pin,
	TP_PROTO(struct pid *payer, unsigned long npages),
	TP_ARGS(payer, npages)
);

/* Pages that nobody needs any more. */
DEFINE_EVENT(iommufd_pages, iommufd_unpin,
	TP_PROTO(struct pid *payer, unsigned long npages),
	TP_ARGS(payer, npages)
);

DECLARE_EVENT_CLASS(iommufd_device_memory,

	TP_PROTO(struct pid *process, unsigned long address,
		 unsigned long length),

	TP_ARGS(process, address, length),

	TP_STRUCT__entry(
		__field(pid_t, process)
		__field(u64, address)
		__field(u64, length)
	),

	TP_fast_assign(
		__entry->process = pid_nr(process);
		__entry->address = address;
		__entry->length = length;
	),

	TP_printk("process=%d address=%#llx length=%#llx", __entry->process,
		  __entry->address, __entry->length)
);

/* An area shows nothing, as memory of a device was taken away from a process. */
DEFINE_EVENT(iommufd_device_memory, iommufd_withdrawn,
	TP_PROTO(struct pid *process, unsigned long address,
		 unsigned long length),
	TP_ARGS(process, address, length)
);

/* The memory is back, and the area shows it again. */
DEFINE_EVENT(iommufd_device_memory, iommufd_returned,
	TP_PROTO(struct pid *process, unsigned long address,
		 unsigned long length),
	TP_ARGS(process, address, length)
);

DECLARE_EVENT_CLASS(iommufd_device,

	TP_PROTO(u32 context, u32 device, const char *name),

	TP_ARGS(context, device, name),

	TP_STRUCT__entry(
		__field(u32, context)
		__field(u32, device)
		__string(name, name)
	),

	TP_fast_assign(
		__entry->context = context;
		__entry->device = device;
		__assign_str(name);
	),

	TP_printk("context=%u device=%u name=%s", __entry->context,
		  __entry->device, __get_str(name))
);

DEFINE_EVENT(iommufd_device, iommufd_bind,
	TP_PROTO(u32 context, u32 device, const char *name),
	TP_ARGS(context, device, name)
);

DEFINE_EVENT(iommufd_device, iommufd_unbind,
	TP_PROTO(u32 context, u32 device, const char *name),
	TP_ARGS(context, device, name)
);

DECLARE_EVENT_CLASS(iommufd_page_table,

	TP_PROTO(u32 context, u32 device, u32 ioas, u32 hwpt),

	TP_ARGS(context, device, ioas, hwpt),

	TP_STRUCT__entry(
		__field(u32, context)
		__field(u32, device)
		__field(u32, ioas)
		__field(u32, hwpt)
	),

	TP_fast_assign(
		__entry->context = context;
		__entry->device = device;
		__entry->ioas = ioas;
		__entry->hwpt = hwpt;
	),

	TP_printk("context=%u device=%u ioas=%u hwpt=%u", __entry->context,
		  __entry->device, __entry->ioas, __entry->hwpt)
);

DEFINE_EVENT(iommufd_page_table, iommufd_attach,
	TP_PROTO(u32 context, u32 device, u32 ioas, u32 hwpt),
	TP_ARGS(context, device, ioas, hwpt)
);

/* All attached devices of the group of this one have moved here. */
DEFINE_EVENT(iommufd_page_table, iommufd_replace,
	TP_PROTO(u32 context, u32 device, u32 ioas, u32 hwpt),
	TP_ARGS(context, device, ioas, hwpt)
);

DEFINE_EVENT(iommufd_page_table, iommufd_detach,
	TP_PROTO(u32 context, u32 device, u32 ioas, u32 hwpt),
	TP_ARGS(context, device, ioas, hwpt)
);

/* A device waits for an answer to a group of page faults. */
TRACE_EVENT(iommufd_fault,

	TP_PROTO(u32 context, u32 queue, u32 cookie, unsigned long faults),

	TP_ARGS(context, queue, cookie, faults),

	TP_STRUCT__entry(
		__field(u32, context)
		__field(u32, queue)
		__field(u32, cookie)
		__field(u32, faults)
	),

	TP_fast_assign(
		__entry->context = context;
		__entry->queue = queue;
		__entry->cookie = cookie;
		__entry->faults = faults;
	),

	TP_printk("context=%u queue=%u cookie=%u faults=%u", __entry->context,
		  __entry->queue, __entry->cookie, __entry->faults)
);

/* It has got one: enum iommu_page_response_code. */
TRACE_EVENT(iommufd_fault_answer,

	TP_PROTO(u32 context, u32 queue, u32 cookie, unsigned long faults,
		 int code),

	TP_ARGS(context, queue, cookie, faults, code),

	TP_STRUCT__entry(
		__field(u32, context)
		__field(u32, queue)
		__field(u32, cookie)
		__field(u32, faults)
		__field(int, code)
	),

	TP_fast_assign(
		__entry->context = context;
		__entry->queue = queue;
		__entry->cookie = cookie;
		__entry->faults = faults;
		__entry->code = code;
	),

	TP_printk("context=%u queue=%u cookie=%u faults=%u code=%d",
		  __entry->context, __entry->queue, __entry->cookie,
		  __entry->faults, __entry->code)
);

/* Why something is about to fail. */
TRACE_EVENT(iommufd_refuse,

	TP_PROTO(int error, enum iommufd_refusal reason, unsigned long first,
		 unsigned long second),

	TP_ARGS(error, reason, first, second),

	TP_STRUCT__entry(
		__field(int, error)
		__field(int, reason)
		__field(u64, first)
		__field(u64, second)
	),

	TP_fast_assign(
		__entry->error = error;
		__entry->reason = reason;
		__entry->first = first;
		__entry->second = second;
	),

	TP_printk("error=%d reason=%s first=%#llx second=%#llx",
		  __entry->error,
		  __print_symbolic(__entry->reason, IOMMUFD_REFUSALS),
		  __entry->first, __entry->second)
);

/* An ioctl has failed, whatever the reason. */
TRACE_EVENT(iommufd_ioctl_error,

	TP_PROTO(u32 context, unsigned int command, int error),

	TP_ARGS(context, command, error),

	TP_STRUCT__entry(
		__field(u32, context)
		__field(u32, command)
		__field(int, error)
	),

	TP_fast_assign(
		__entry->context = context;
		__entry->command = command;
		__entry->error = error;
	),

	TP_printk("context=%u command=%#x error=%d", __entry->context,
		  __entry->command, __entry->error)
);

#endif

#include <trace/define_trace.h>
