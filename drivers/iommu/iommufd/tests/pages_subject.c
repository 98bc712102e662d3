// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (c) 2026 The iommufd authors
 */
#include "pages_subject.h"

#include <kunit/test.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/user.h>

#include "check/pages_check.h"
#include "pages/access_pfns.h"
#include "pages/area.h"
#include "pages/iopt_fill.h"
#include "pages/iopt_unfill.h"
#include "pages/pages.h"
#include "pages/pages_access.h"
#include "pages/pfn_reader.h"
#include "pages/pfn_span.h"
#include "pin/pin_user.h"

#define AREA_IOVA(area) (((area) + 1UL) << 32)

static void pin_memory(struct subject *subject, struct page **pages)
{
	const struct subject_config *config = &subject->config;
	unsigned int flags = FOLL_LONGTERM |
			     (config->protected ? 0 : FOLL_WRITE);

	KUNIT_ASSERT_EQ(subject->test, (int)config->npages,
			pin_user_pages_fast(subject->address, config->npages,
					    flags, pages));
}

/**
 * subject_owner() - Have the process pay
 * @subject: the subject
 * @account: from which account
 *
 * As somebody without CAP_IPC_LOCK, with which nobody would be charged.
 *
 * Context: the thread of the test. Ends the test on failure.
 * Return: the owner, with a reference.
 */
struct pin_owner *subject_owner(struct subject *subject,
				struct pin_account *account)
{
	struct cred *cred = prepare_creds();
	const struct cred *old;
	struct pin_owner *owner;

	KUNIT_ASSERT_NOT_NULL(subject->test, cred);
	cap_lower(cred->cap_effective, CAP_IPC_LOCK);
	old = override_creds(cred);
	owner = pin_account_owner(account);
	revert_creds(old);
	put_cred(cred);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(subject->test, owner);
	return owner;
}

/**
 * subject_alloc_pages() - Describe a part of the memory
 * @subject: the subject
 * @start: first page
 * @npages: number of pages
 *
 * Context: the thread of the test. Ends the test on failure.
 * Return: the pages.
 */
struct iopt_pages *subject_alloc_pages(struct subject *subject,
				       unsigned long start,
				       unsigned long npages)
{
	struct iopt_pages *pages;
	struct pin_origin origin;

	pin_user_origin(&origin, subject_owner(subject, &subject->account),
			subject->address + start * PAGE_SIZE,
			!subject->config.read_only);
	pages = iopt_pages_alloc(&origin, npages, NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(subject->test, pages);
	return pages;
}

/**
 * subject_new() - Set up memory, two io_pagetables and domains for them
 * @test: the test
 * @config: see there
 *
 * No domain is a member, there is no area.
 *
 * Context: the thread of @test. Ends the test on failure.
 * Return: the subject.
 */
struct subject *subject_new(struct kunit *test,
			    const struct subject_config *config)
{
	struct subject *subject = kunit_kzalloc(test, sizeof(*subject),
						GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, subject);
	subject->test = test;
	subject->config = *config;
	subject->memory = kunit_kcalloc(test, config->npages,
					sizeof(*subject->memory), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, subject->memory);
	subject->out_pages = kunit_kcalloc(test, config->npages,
					   sizeof(*subject->out_pages),
					   GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, subject->out_pages);
	for (i = 0; i < SUBJECT_IOPTS; i++)
		iopt_init(&subject->iopts[i]);
	for (i = 0; i < SUBJECT_DOMAINS; i++) {
		struct subject_domain *domain = &subject->domains[i];

		memory_domain_init(&domain->memory, config->pgsize_bitmap);
		domain->entry.domain = &domain->memory.domain;
		domain->iopt = &subject->iopts[i % SUBJECT_IOPTS];
	}
	subject->address = user_memory_map(test, 0, config->layout,
					   config->npages, config->protected);
	pin_memory(subject, subject->memory);
	subject->pinned_vm = atomic64_read(&current->mm->pinned_vm);
	subject->locked_vm = current->mm->locked_vm;
	subject->user_locked_vm = atomic_long_read(&current_user()->locked_vm);
	pin_account_init(&subject->account, config->mode);
	subject->pages = subject_alloc_pages(subject, 0, config->npages);
	return subject;
}

/**
 * subject_end() - Undo everything and see whether it is undone
 * @subject: in any state
 *
 * Context: the thread of the test.
 */
void subject_end(struct subject *subject)
{
	unsigned int i;

	for (i = 0; i < SUBJECT_ACCESSES; i++)
		subject_unaccess(subject, i);
	for (i = 0; i < SUBJECT_AREAS; i++)
		subject_remove_area(subject, i);
	subject_check(subject);
	for (i = 0; i < SUBJECT_DOMAINS; i++) {
		subject_leave(subject, i);
		memory_domain_destroy(&subject->domains[i].memory);
	}
	for (i = 0; i < SUBJECT_IOPTS; i++)
		iopt_destroy(&subject->iopts[i]);
	iopt_pages_put(subject->pages);
	pin_account_destroy(&subject->account);
	unpin_user_pages(subject->memory, subject->config.npages);
}

static void lock(struct subject *subject)
{
	mutex_lock(&subject->pages->mutex);
}

static void unlock(struct subject *subject)
{
	mutex_unlock(&subject->pages->mutex);
}

static void list_join(struct subject_domain *domain)
{
	struct iopt_domains *domains = &domain->iopt->domains;

	down_write(&domains->rwsem);
	domain->entry.joined = ++domains->generation;
	domain->entry.left = U64_MAX;
	list_add_tail(&domain->entry.entry, &domains->list);
	domains->count++;
	up_write(&domains->rwsem);
}

static void list_leave(struct subject *subject, struct subject_domain *domain)
{
	struct iopt_domains *domains = &domain->iopt->domains;
	unsigned int i;

	down_write(&domains->rwsem);
	domain->entry.left = ++domains->generation;
	up_write(&domains->rwsem);
	for (i = 0; i < SUBJECT_AREAS; i++) {
		if (!subject->areas[i] ||
		    subject->areas[i]->iopt != domain->iopt)
			continue;
		lock(subject);
		iopt_area_unfill_domain(subject->areas[i], &domain->entry);
		unlock(subject);
	}
	down_write(&domains->rwsem);
	list_del(&domain->entry.entry);
	domains->count--;
	up_write(&domains->rwsem);
}

/**
 * subject_join() - Make a domain a member of its io_pagetable
 * @subject: the subject
 * @domain: index; not a member
 *
 * Context: the thread of the test.
 * Return: what filling the domain returns.
 */
int subject_join(struct subject *subject, unsigned int domain)
{
	struct subject_domain *joining = &subject->domains[domain];
	unsigned int i;
	int rc = 0;

	list_join(joining);
	for (i = 0; i < SUBJECT_AREAS && !rc; i++) {
		if (!subject->areas[i] ||
		    subject->areas[i]->iopt != joining->iopt)
			continue;
		rc = iopt_area_fill_domain(subject->areas[i], &joining->entry);
	}
	if (rc)
		list_leave(subject, joining);
	joining->joined = !rc;
	return rc;
}

/**
 * subject_leave() - Take a domain out of its io_pagetable
 * @subject: the subject
 * @domain: index; nothing happens if it is no member
 *
 * Context: the thread of the test.
 */
void subject_leave(struct subject *subject, unsigned int domain)
{
	if (!subject->domains[domain].joined)
		return;
	list_leave(subject, &subject->domains[domain]);
	subject->domains[domain].joined = false;
}

/**
 * subject_add_bytes() - Show a part of the memory in an io_pagetable
 * @subject: the subject
 * @area: index of an area that does not exist
 * @iopt: index of the io_pagetable
 * @iova: first IOVA
 * @start_byte: first byte of the memory
 * @length: bytes
 *
 * Context: the thread of the test.
 * Return: what filling the domains returns.
 */
int subject_add_bytes(struct subject *subject, unsigned int area,
		      unsigned int iopt, unsigned long iova,
		      unsigned long start_byte, unsigned long length)
{
	int prot = IOMMU_READ | (subject->config.read_only ? 0 : IOMMU_WRITE);
	struct iopt_area *new;
	int rc;

	new = iopt_area_alloc(subject->pages, start_byte, length, prot);
	KUNIT_ASSERT_NOT_NULL(subject->test, new);
	new->iopt = &subject->iopts[iopt];
	new->domains = &new->iopt->domains;
	new->node.start = iova;
	new->node.last += iova;
	rc = iopt_area_fill_domains(new);
	if (rc)
		iopt_area_put(new);
	else
		subject->areas[area] = new;
	return rc;
}

/**
 * subject_add_area() - Show whole pages in an io_pagetable
 * @subject: the subject
 * @area: index of an area that does not exist
 * @iopt: index of the io_pagetable
 * @start: first page index
 * @last: last page index, inclusive
 *
 * The IOVA is such that the largest IOMMU pages can be used.
 *
 * Context: the thread of the test.
 * Return: what filling the domains returns.
 */
int subject_add_area(struct subject *subject, unsigned int area,
		     unsigned int iopt, unsigned long start, unsigned long last)
{
	phys_addr_t phys = page_to_phys(subject->memory[start]);
	unsigned long large = phys % (USER_MEMORY_BLOCK_PAGES * PAGE_SIZE);

	return subject_add_bytes(subject, area, iopt, AREA_IOVA(area) + large,
				 start * PAGE_SIZE,
				 (last - start + 1) * PAGE_SIZE);
}

/**
 * subject_remove_area() - Remove an area
 * @subject: the subject
 * @area: index; nothing happens if it does not exist; without accesses
 *
 * Context: the thread of the test.
 */
void subject_remove_area(struct subject *subject, unsigned int area)
{
	struct iopt_area *old = subject->areas[area];

	if (!old)
		return;
	iopt_area_unfill(old);
	iopt_area_put(old);
	subject->areas[area] = NULL;
}

/**
 * subject_access() - Pin pages for in-kernel use
 * @subject: the subject
 * @access: index of an access that does not exist
 * @area: index of an area that has the pages
 * @start: first page index
 * @last: last page index, inclusive
 *
 * Context: the thread of the test.
 * Return: what adding the access returns.
 */
int subject_access(struct subject *subject, unsigned int access,
		   unsigned int area, unsigned long start, unsigned long last)
{
	unsigned long i;
	int rc;

	rc = iopt_area_add_access(subject->areas[area], start, last,
				  subject->out_pages,
				  !subject->config.read_only);
	if (rc)
		return rc;
	for (i = start; i <= last; i++)
		KUNIT_ASSERT_PTR_EQ(subject->test, subject->memory[i],
				    subject->out_pages[i - start]);
	subject->accesses[access] = (struct subject_access){
		.area = subject->areas[area],
		.start = start,
		.last = last,
	};
	return 0;
}

/**
 * subject_unaccess() - Undo subject_access()
 * @subject: the subject
 * @access: index; nothing happens if there is none
 *
 * Context: the thread of the test.
 */
void subject_unaccess(struct subject *subject, unsigned int access)
{
	struct subject_access *old = &subject->accesses[access];

	if (!old->area)
		return;
	lock(subject);
	iopt_area_remove_access(old->area, old->start, old->last);
	unlock(subject);
	old->area = NULL;
}

/**
 * subject_fail_map() - Make the domains fail
 * @subject: the subject
 * @after: so many more pages are mapped by each; MEMORY_DOMAIN_NEVER for no
 *	failure
 *
 * Context: any.
 */
void subject_fail_map(struct subject *subject, unsigned long after)
{
	unsigned int i;

	for (i = 0; i < SUBJECT_DOMAINS; i++)
		subject->domains[i].memory.fail_after = after;
}

static void check_batch(struct subject *subject,
			const struct pfn_reader *reader)
{
	unsigned long index = reader->start;
	struct pfn_batch_iter iter;
	unsigned long i;

	pfn_batch_for_each_run(&iter, &reader->batch, 0, reader->batch.npages)
		for (i = 0; i < iter.npages; i++)
			KUNIT_ASSERT_EQ(subject->test, iter.pfn + i,
					page_to_pfn(subject->memory[index++]));
	KUNIT_ASSERT_EQ(subject->test, index, reader->next);
}

/**
 * subject_read() - Read PFNs and see whether they are right
 * @subject: the subject
 * @start: first page index
 * @last: last page index, inclusive
 *
 * Context: the thread of the test.
 */
void subject_read(struct subject *subject, unsigned long start,
		  unsigned long last)
{
	struct pfn_reader reader;

	KUNIT_ASSERT_EQ(subject->test, 0,
			pfn_reader_lock(&reader, subject->pages, start, last));
	pfn_reader_init(&reader);
	while (!pfn_reader_done(&reader)) {
		KUNIT_ASSERT_EQ(subject->test, reader.next, start);
		KUNIT_ASSERT_EQ(subject->test, 0, pfn_reader_next(&reader));
		check_batch(subject, &reader);
		start = reader.next;
		pfn_reader_unpin(&reader);
	}
	pfn_reader_destroy(&reader);
	pfn_reader_unlock(&reader);
	KUNIT_ASSERT_EQ(subject->test, start, last + 1);
}

static bool area_stored(const struct subject *subject,
			const struct iopt_area *area)
{
	unsigned int i;

	for (i = 0; i < SUBJECT_DOMAINS; i++)
		if (subject->domains[i].joined &&
		    subject->domains[i].iopt == area->iopt)
			return true;
	return false;
}

static bool page_in_domain(const struct subject *subject, unsigned long index)
{
	const struct iopt_area *area;
	unsigned int i;

	for (i = 0; i < SUBJECT_AREAS; i++) {
		area = subject->areas[i];
		if (area && index >= iopt_area_first(area) &&
		    index <= iopt_area_last(area) && area_stored(subject, area))
			return true;
	}
	return false;
}

static bool page_accessed(const struct subject *subject, unsigned long index)
{
	const struct subject_access *access;
	unsigned int i;

	for (i = 0; i < SUBJECT_ACCESSES; i++) {
		access = &subject->accesses[i];
		if (access->area && index >= access->start &&
		    index <= access->last)
			return true;
	}
	return false;
}

/*
 * Each page is pinned once if it is stored; and once by the subject. A folio
 * has one count for its pages, which follow each other.
 */
static void check_pins(struct subject *subject, unsigned long index,
		       bool stored)
{
	struct folio *folio = page_folio(subject->memory[index]);

	subject->folio_pins += 1 + stored;
	if (index + 1 < subject->config.npages &&
	    page_folio(subject->memory[index + 1]) == folio)
		return;
	KUNIT_ASSERT_EQ(subject->test, subject->folio_pins,
			user_memory_pins(folio));
	subject->folio_pins = 0;
}

static void check_access(struct subject *subject, unsigned long index,
			 bool stored)
{
	struct pfn_span span;

	lock(subject);
	pfn_span_find(&span, subject->pages, index, index);
	unlock(subject);
	KUNIT_ASSERT_EQ(subject->test, stored, span.tier == PFN_TIER_ACCESS);
	if (stored)
		KUNIT_ASSERT_EQ(subject->test, access_pfn(span.access, index),
				page_to_pfn(subject->memory[index]));
}

static void check_account(struct subject *subject, unsigned long npinned)
{
	unsigned long locked = subject->locked_vm;
	unsigned long user_locked = subject->user_locked_vm;

	if (subject->config.mode == PIN_ACCOUNT_USER)
		user_locked += npinned;
	else if (subject->config.mode == PIN_ACCOUNT_MM)
		locked += npinned;
	KUNIT_ASSERT_EQ(subject->test, subject->pages->npinned, npinned);
	KUNIT_ASSERT_EQ(subject->test, subject->pinned_vm + npinned,
			(unsigned long)atomic64_read(&current->mm->pinned_vm));
	KUNIT_ASSERT_EQ(subject->test, locked, current->mm->locked_vm);
	KUNIT_ASSERT_EQ(subject->test, user_locked, (unsigned long)
			atomic_long_read(&current_user()->locked_vm));
}

/* Returns how many entries the area has in the domain. */
static unsigned long check_area(struct subject *subject,
				struct subject_domain *domain,
				const struct iopt_area *area)
{
	unsigned long length = area->node.last - area->node.start + 1;
	unsigned long byte = iopt_area_first(area) * PAGE_SIZE +
			     area->page_offset;
	unsigned long step = 1UL << domain->memory.shift;
	unsigned long done;

	for (done = 0; done < length; done += step, byte += step) {
		struct page *page = subject->memory[byte / PAGE_SIZE];

		KUNIT_ASSERT_EQ(subject->test,
				page_to_phys(page) + offset_in_page(byte),
				memory_domain_lookup(&domain->memory,
						     area->node.start + done));
	}
	return length / step;
}

static void check_domain(struct subject *subject,
			 struct subject_domain *domain)
{
	unsigned long nentries = 0;
	unsigned int i;

	for (i = 0; i < SUBJECT_AREAS && domain->joined; i++)
		if (subject->areas[i] &&
		    subject->areas[i]->iopt == domain->iopt)
			nentries += check_area(subject, domain,
					       subject->areas[i]);
	KUNIT_ASSERT_EQ(subject->test, nentries, domain->memory.nentries);
	KUNIT_ASSERT_EQ(subject->test, 0, domain->memory.errors);
	KUNIT_ASSERT_TRUE(subject->test,
			  memory_domain_flushed(&domain->memory));
}

/**
 * subject_replace_memory() - Map other memory at the same address
 * @subject: the subject
 * @layout: of the new memory
 *
 * What is stored has to remain the old pages, the rest becomes the new ones.
 *
 * Context: the thread of the test.
 */
void subject_replace_memory(struct subject *subject,
			    enum user_memory_layout layout)
{
	unsigned long index;

	user_memory_map(subject->test, subject->address, layout,
			subject->config.npages, false);
	pin_memory(subject, subject->out_pages);
	for (index = 0; index < subject->config.npages; index++) {
		struct page **old = &subject->memory[index];
		struct page **new = &subject->out_pages[index];

		if (!page_accessed(subject, index) &&
		    !page_in_domain(subject, index))
			swap(*old, *new);
		unpin_user_page(*new);
	}
}

static void check_valid(struct subject *subject)
{
	unsigned int i;

	lock(subject);
	KUNIT_EXPECT_TRUE(subject->test, iopt_pages_valid(subject->pages));
	for (i = 0; i < SUBJECT_AREAS; i++)
		KUNIT_EXPECT_TRUE(subject->test,
				  !subject->areas[i] ||
					  iopt_area_valid(subject->areas[i]));
	unlock(subject);
}

/**
 * subject_check() - Compare everything with the model
 * @subject: the subject
 *
 * That is each PFN in each tier, the pins of each page, and all accounts.
 *
 * Context: the thread of the test, which ends on a difference.
 */
void subject_check(struct subject *subject)
{
	unsigned long index, npinned = 0;
	unsigned int i;

	for (index = 0; index < subject->config.npages; index++) {
		bool accessed = page_accessed(subject, index);
		bool stored = accessed || page_in_domain(subject, index);

		check_pins(subject, index, stored);
		check_access(subject, index, accessed);
		npinned += stored;
	}
	check_account(subject, npinned);
	for (i = 0; i < SUBJECT_DOMAINS; i++)
		check_domain(subject, &subject->domains[i]);
	check_valid(subject);
}
