/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_PIN_LEAF_H
#define __IOMMUFD_PIN_LEAF_H

#include <linux/jump_label.h>
#include <linux/types.h>

struct page;

/* Look for huge pages: the parameter direct_pin. Tests change it. */
DECLARE_STATIC_KEY_TRUE(pin_leaf_direct);

unsigned long pin_leaf_pages(struct page *page, unsigned long address,
			     bool write);
bool pin_leaf_extend(struct page *page, unsigned long npages);

#endif
