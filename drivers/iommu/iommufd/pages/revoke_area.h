/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (c) 2026 The iommufd authors
 */
#ifndef __IOMMUFD_REVOKE_AREA_H
#define __IOMMUFD_REVOKE_AREA_H

#include <linux/types.h>

struct iopt_area;
struct iopt_domain;
struct iopt_revoke;

/* How soon to look for memory that was just taken away, ms. */
#define IOPT_REVOKE_FIRST_MS 10

void iopt_revoke_withdraw(struct iopt_revoke *revoke, unsigned long seq,
			  bool gone);
int iopt_revoke_restore(struct iopt_revoke *revoke);
bool iopt_revoke_wanted(struct iopt_revoke *revoke);
int iopt_revoke_reclaim(void);
int iopt_revoke_fill_domains(struct iopt_area *area);
int iopt_revoke_fill_domain(struct iopt_area *area, struct iopt_domain *member);
void iopt_revoke_unfill_domains(struct iopt_area *area);
void iopt_revoke_unfill_domain(struct iopt_area *area,
			       struct iopt_domain *member);

#endif
