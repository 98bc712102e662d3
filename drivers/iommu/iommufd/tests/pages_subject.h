/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 *
 * What the tests of storing PFNs work on: a piece of user memory, areas over
 * it in two io_pagetables, their domains, and accesses. With them come
 * operations, and a model that knows what all of them have to look like.
 */
#ifndef __IOMMUFD_TESTS_PAGES_SUBJECT_H
#define __IOMMUFD_TESTS_PAGES_SUBJECT_H

#include "iopt/io_pagetable.h"
#include "memory_domain.h"
#include "pages/domains.h"
#include "pin/account.h"
#include "user_memory.h"

struct iopt_area;
struct iopt_pages;
struct kunit;
struct page;

#define SUBJECT_IOPTS 2
#define SUBJECT_DOMAINS 5
#define SUBJECT_AREAS 6
#define SUBJECT_ACCESSES 6

/**
 * struct subject_domain - A domain, and whether it is a member
 * @memory: the page table
 * @entry: for its io_pagetable
 * @iopt: the io_pagetable; the index of the domain modulo SUBJECT_IOPTS tells
 *	which
 * @joined: is a member
 */
struct subject_domain {
	struct memory_domain memory;
	struct iopt_domain entry;
	struct io_pagetable *iopt;
	bool joined;
};

/**
 * struct subject_access - Pages pinned for in-kernel use
 * @area: through which, NULL if there is no access
 * @start: first page index
 * @last: last page index, inclusive
 */
struct subject_access {
	struct iopt_area *area;
	unsigned long start;
	unsigned long last;
};

/**
 * struct subject_config - What a subject is made of
 * @name: of the configuration
 * @npages: size of the memory
 * @mode: how the pages are accounted for
 * @pgsize_bitmap: of all domains
 * @layout: of the memory
 * @protected: user space may not write to the memory
 * @read_only: devices are not meant to write to it
 */
struct subject_config {
	const char *name;
	unsigned long npages;
	enum pin_account_mode mode;
	unsigned long pgsize_bitmap;
	enum user_memory_layout layout;
	bool protected;
	bool read_only;
};

/**
 * struct subject - The things under test, and the model of them
 * @test: whom to tell
 * @config: constant
 * @address: user virtual address of the memory
 * @memory: its pages, pinned once by the subject itself
 * @account: who pays
 * @pages: under test
 * @iopts: under test
 * @domains: under test
 * @areas: under test, NULL or filled
 * @accesses: under test
 * @out_pages: where accesses return pages
 * @folio_pins: that the pages of a folio so far should have
 * @pinned_vm: of the process, without what is under test
 * @locked_vm: of the process, without what is under test
 * @user_locked_vm: of the user, without what is under test
 */
struct subject {
	struct kunit *test;
	struct subject_config config;
	unsigned long address;
	struct page **memory;
	struct pin_account account;
	struct iopt_pages *pages;
	struct io_pagetable iopts[SUBJECT_IOPTS];
	struct subject_domain domains[SUBJECT_DOMAINS];
	struct iopt_area *areas[SUBJECT_AREAS];
	struct subject_access accesses[SUBJECT_ACCESSES];
	struct page **out_pages;
	unsigned long folio_pins;
	unsigned long pinned_vm;
	unsigned long locked_vm;
	unsigned long user_locked_vm;
};

struct pin_owner *subject_owner(struct subject *subject,
				struct pin_account *account);
struct iopt_pages *subject_alloc_pages(struct subject *subject,
				       unsigned long start,
				       unsigned long npages);
struct subject *subject_new(struct kunit *test,
			    const struct subject_config *config);
void subject_end(struct subject *subject);
void subject_check(struct subject *subject);

int subject_join(struct subject *subject, unsigned int domain);
void subject_leave(struct subject *subject, unsigned int domain);
int subject_add_bytes(struct subject *subject, unsigned int area,
		      unsigned int iopt, unsigned long iova,
		      unsigned long start_byte, unsigned long length);
int subject_add_area(struct subject *subject, unsigned int area,
		     unsigned int iopt, unsigned long start,
		     unsigned long last);
void subject_remove_area(struct subject *subject, unsigned int area);
int subject_access(struct subject *subject, unsigned int access,
		   unsigned int area, unsigned long start, unsigned long last);
void subject_unaccess(struct subject *subject, unsigned int access);
void subject_fail_map(struct subject *subject, unsigned long after);
void subject_replace_memory(struct subject *subject,
			    enum user_memory_layout layout);
void subject_read(struct subject *subject, unsigned long start,
		  unsigned long last);

#endif
